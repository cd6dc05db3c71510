"""Memory for the arrays that kernels make for themselves, as numba's run-time library would give it.

A block begins with what numba's code reads and counts in it; that code frees a block when its count comes to 0.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import binding, ir
from numba.core.runtime import nrtdynmod

# None has types that a checker could follow.
_llvm: Any = binding
_head: Any = nrtdynmod._meminfo_struct_type

NAMES = {"NRT_MemInfo_alloc_aligned", "NRT_MemInfo_call_dtor"}
"""Functions that are given here."""

_SPACE = 64
"""Bytes for a block's head: a line of the cache, so that no alignment up to that is lost."""


@cache
def memory_functions() -> bytes:
    """Return the object code of all functions; several copies of it may be loaded."""
    byte, word, long = (ir.IntType(bits) for bits in (8, 32, 64))
    pointer = byte.as_pointer()
    module = ir.Module("memory")
    module.triple = _llvm.get_process_triple()
    malloc = ir.Function(module, ir.FunctionType(pointer, [long]), "malloc")
    free = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer]), "free")

    alloc = ir.Function(module, ir.FunctionType(pointer, [long, word]), "NRT_MemInfo_alloc_aligned")
    alloc.linkage = "weak"
    builder = ir.IRBuilder(alloc.append_basic_block())
    size, alignment = alloc.args[0], builder.zext(alloc.args[1], long)
    block = builder.call(malloc, [builder.add(builder.add(size, alignment), long(_SPACE))])
    with builder.if_then(builder.icmp_unsigned("==", block, ir.Constant(pointer, None)), likely=False):
        builder.ret(block)
    start = builder.add(builder.ptrtoint(block, long), long(_SPACE))
    up = builder.sub(builder.add(start, alignment), long(1))
    data = builder.inttoptr(builder.and_(up, builder.neg(alignment)), pointer)
    head = builder.bitcast(block, _head.as_pointer())
    null = ir.Constant(pointer, None)
    for place, value in enumerate([long(1), null, null, data, size]):
        builder.store(value, builder.gep(head, [word(0), word(place)]))
    builder.ret(block)

    end = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer]), "NRT_MemInfo_call_dtor")
    end.linkage = "weak"
    builder = ir.IRBuilder(end.append_basic_block())
    builder.call(free, [end.args[0]])
    builder.ret_void()

    target = _llvm.Target.from_default_triple().create_target_machine(jit=True, opt=3)
    content: bytes = target.emit_object(_llvm.parse_assembly(str(module)))
    return content
