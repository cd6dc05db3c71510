"""Kernels compiled to object code by numba, with the functions that Python calls them by.

Such a function looks at its arguments' types; what it was not compiled for it hands on. It takes numbers and arrays
out of Python's objects, lets other threads run while the kernel does, and makes Python's objects of the results.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.compiler_lock import global_compiler_lock
from numba.np.arrayobj import populate_array

from xbarsim.kernels.object_engine import OBJECTS, introduce
from xbarsim.kernels.object_files import ObjectCode
from xbarsim.kernels.object_runtime import NAMES, memory_functions

# None has types that a checker could follow.
_types: Any = types
_llvm: Any = binding
_cgutils: Any = cgutils
_typeof: Any = numba.typeof
_populate_array: Any = populate_array
_lock: Any = global_compiler_lock

_BYTE, _WORD, _LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_POINTER = _BYTE.as_pointer()

_ARRAY = {"data": 0, "ndim": 8, "shape": 16, "strides": 24, "dtype": 40, "flags": 48}
"""Bytes from an object's head to the parts of NumPy's arrays, the same in all its versions."""
_DTYPE = {"order": 10, "number": 12}
_FLAGS = {"C": 0x1, "F": 0x2, "aligned": 0x100, "writeable": 0x400}

_HEAD = object.__basicsize__
_TYPE_PLACE = _HEAD - 8

_KINDS = {"float": _types.float64, "int": _types.int64, "bool": _types.boolean}


def compile_kernel(dispatcher: Any, args: tuple[Any, ...]) -> ObjectCode:
    """Compile a kernel, in numba's form, for the types of arguments."""
    with _lock:
        compiler = dispatcher._compiler
        compiler._customize_flags = _uncalled
        compiled = compiler.compile(tuple(_typeof(arg) for arg in args), None)
        del compiler._customize_flags
        library = compiled.library
        content = library.serialize_using_object_code()[2][0]
        entry, call = _calling(compiled)
        ours = {entry, compiled.fndesc.llvm_func_name, *OBJECTS, *NAMES}
        parts = [*_declared(library), *_declared(call)]
        needs = sorted({name for name in parts if not name.startswith("llvm.")} - ours)
        objects = [content, call.serialize_using_object_code()[2][0]]
        if any(name in NAMES for name in parts):
            objects.append(memory_functions())
    return ObjectCode(entry, needs, objects)


def _uncalled(flags: Any) -> Any:
    """Neither numba's ways in from Python nor machine code in this program are flagged."""
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
    return flags


def _declared(library: Any) -> list[str]:
    """Return the names that a library's code takes from elsewhere."""
    module = library._final_module
    return [item.name for item in [*module.functions, *module.global_variables] if item.is_declaration]


def _calling(compiled: Any) -> tuple[str, Any]:
    """Return the name of the function that Python calls, and the library that holds it.

    It is ``PyObject *call(PyObject *fallback, PyObject **args, Py_ssize_t count)``.
    """
    introduce()
    context, described = compiled.target_context, compiled.fndesc
    name = f"call.{described.llvm_func_name}"
    library = context.codegen().create_library(name)
    module = library.create_ir_module(name)
    kernel = ir.Function(
        module, context.call_conv.get_function_type(described.restype, described.argtypes), described.llvm_func_name
    )
    call = ir.Function(module, ir.FunctionType(_POINTER, [_POINTER, _POINTER.as_pointer(), _LONG]), name)
    builder = ir.IRBuilder(call.append_basic_block("entry"))
    python = _Python(module, builder)
    fallback, objects, count = call.args
    refused = call.append_basic_block("refused")
    with builder.goto_block(refused):
        handed = python.call("PyObject_Vectorcall", _POINTER, fallback, objects, count, python.null)
        builder.ret(handed)
    python.require(builder.icmp_unsigned("==", count, _LONG(len(described.argtypes))), refused)
    arguments = [builder.load(builder.gep(objects, [_LONG(k)])) for k in range(len(described.argtypes))]
    for kind, value in zip(described.argtypes, arguments, strict=True):
        python.check(kind, value, refused)
    values = [python.unpack(context, kind, value) for kind, value in zip(described.argtypes, arguments, strict=True)]
    saved = python.call("PyEval_SaveThread", _POINTER)
    status, result = context.call_conv.call_function(
        builder, kernel, described.restype, described.argtypes, values, attrs=("noinline",)
    )
    python.call("PyEval_RestoreThread", ir.VoidType(), saved)
    with builder.if_then(status.is_error, likely=False):
        raised = status.excinfoptr
        address = builder.ptrtoint(builder.load(_cgutils.gep_inbounds(builder, raised, 0, 0)), _LONG)
        size = builder.load(_cgutils.gep_inbounds(builder, raised, 0, 1))
        text = _cgutils.global_constant(module, ".form", _cgutils.make_bytearray(b"Li\0"))
        form = builder.bitcast(text, _POINTER)
        function = ir.FunctionType(_POINTER, [_POINTER, _POINTER], var_arg=True)
        caller = _cgutils.get_or_insert_function(module, function, "PyObject_CallFunction")
        builder.ret(builder.call(caller, [python.object("xbarsim_raise_error"), form, address, size]))
    builder.ret(python.pack(context, described.restype, result))
    library.enable_object_caching()
    library.add_ir_module(module)
    library.finalize()
    return name, library


class _Python:
    """Python's objects, as code sees them."""

    def __init__(self, module: Any, builder: Any) -> None:
        self._module = module
        self._builder = builder
        self.null = ir.Constant(_POINTER, None)

    def call(self, name: str, result: Any, *args: Any) -> Any:
        """Call one of Python's functions."""
        kind = ir.FunctionType(result, [arg.type for arg in args])
        return self._builder.call(_cgutils.get_or_insert_function(self._module, kind, name), args)

    def object(self, name: str) -> Any:
        """Return the address of one of ``OBJECTS``."""
        variable = self._module.globals.get(name)
        return ir.GlobalVariable(self._module, _BYTE, name) if variable is None else variable

    def require(self, condition: Any, refused: Any) -> None:
        """Go on where a condition holds, and to ``refused`` elsewhere."""
        on = self._builder.append_basic_block()
        self._builder.cbranch(condition, on, refused)
        self._builder.position_at_end(on)

    def _at(self, value: Any, offset: int, kind: Any) -> Any:
        """Load what stands at an offset from an address."""
        place = self._builder.gep(value, [_LONG(offset)])
        return self._builder.load(self._builder.bitcast(place, kind.as_pointer()))

    def _is(self, value: Any, name: str) -> Any:
        return self._builder.icmp_unsigned("==", value, self.object(name))

    def check(self, kind: Any, value: Any, refused: Any) -> None:
        """Go on where an object is of a type."""
        builder, object_type = self._builder, self._at(value, _TYPE_PLACE, _POINTER)
        if kind == _types.float64:
            derived = builder.append_basic_block()
            on = builder.append_basic_block()
            float_type = self.object("xbarsim_float_type")
            builder.cbranch(self._is(object_type, "xbarsim_float_type"), on, derived)
            builder.position_at_end(derived)
            builder.cbranch(
                builder.icmp_signed("!=", self.call("PyType_IsSubtype", _WORD, object_type, float_type), _WORD(0)),
                on,
                refused,
            )
            builder.position_at_end(on)
        elif kind in (_types.int64, _types.boolean):
            self.require(
                self._is(object_type, "xbarsim_int_type" if kind == _types.int64 else "xbarsim_bool_type"), refused
            )
        else:
            self._check_array(kind, value, object_type, refused)

    def _check_array(self, kind: Any, value: Any, object_type: Any, refused: Any) -> None:
        builder = self._builder
        self.require(self._is(object_type, "xbarsim_array_type"), refused)
        ndim = self._at(value, _HEAD + _ARRAY["ndim"], _WORD)
        dtype = self._at(value, _HEAD + _ARRAY["dtype"], _POINTER)
        number = self._at(dtype, _HEAD + _DTYPE["number"], _WORD)
        order = self._at(dtype, _HEAD + _DTYPE["order"], _BYTE)
        flags = self._at(value, _HEAD + _ARRAY["flags"], _WORD)
        mask = _FLAGS["aligned"] | _FLAGS["writeable"] | _FLAGS["C"] | (0 if kind.layout == "C" else _FLAGS["F"])
        flagged = _FLAGS["aligned"] | (_FLAGS["writeable"] if kind.mutable else 0) | _FLAGS.get(kind.layout, 0)
        native = np.dtype(str(kind.dtype).replace("boolean", "bool"))
        for actual, right in [
            (ndim, _WORD(kind.ndim)),
            (number, _WORD(native.num)),
            (order, _BYTE(ord(native.byteorder))),
            (builder.and_(flags, _WORD(mask)), _WORD(flagged)),
        ]:
            self.require(builder.icmp_unsigned("==", actual, right), refused)

    def unpack(self, context: Any, kind: Any, value: Any) -> Any:
        """Return an object as a kernel takes it."""
        builder = self._builder
        if kind == _types.float64:
            return self.call("PyFloat_AsDouble", ir.DoubleType(), value)
        if kind == _types.boolean:
            return self._is(value, "xbarsim_true")
        if kind == _types.int64:
            number = self.call("PyLong_AsLongLong", _LONG, value)
            with builder.if_then(builder.icmp_signed("==", number, _LONG(-1)), likely=False):
                failed = builder.icmp_unsigned("!=", self.call("PyErr_Occurred", _POINTER), self.null)
                with builder.if_then(failed, likely=False):
                    builder.ret(self.null)
            return number
        array = context.make_array(kind)(context, builder)
        data = self._at(value, _HEAD + _ARRAY["data"], array.data.type)
        shape, strides = (self._at(value, _HEAD + _ARRAY[part], _LONG.as_pointer()) for part in ("shape", "strides"))
        extents = [builder.load(builder.gep(shape, [_LONG(k)])) for k in range(kind.ndim)]
        steps = [builder.load(builder.gep(strides, [_LONG(k)])) for k in range(kind.ndim)]
        size = np.dtype(str(kind.dtype).replace("boolean", "bool")).itemsize
        _populate_array(array, data=data, shape=extents, strides=steps, itemsize=size, meminfo=None)
        return array._getvalue()

    def pack(self, context: Any, kind: Any, value: Any) -> Any:
        """Return a kernel's result as an object."""
        if isinstance(kind, _types.BaseTuple):
            whole = self.call("PyTuple_New", _POINTER, _LONG(len(kind)))
            for k, part in enumerate(kind):
                item = self.pack(context, part, self._builder.extract_value(value, k))
                self.call("PyTuple_SetItem", _WORD, whole, _LONG(k), item)
            return whole
        if kind == _types.float64:
            return self.call("PyFloat_FromDouble", _POINTER, value)
        if isinstance(kind, _types.Integer) and kind.signed:
            return self.call("PyLong_FromLongLong", _POINTER, self._builder.sext(value, _LONG))
        if kind == _types.boolean:
            return self.call("PyBool_FromLong", _POINTER, self._builder.zext(value, _LONG))
        if kind == _types.none:
            none_object = self.object("xbarsim_none")
            self.call("Py_IncRef", ir.VoidType(), none_object)
            return none_object
        raise TypeError(f"kernels return floats, ints, bools, tuples of them or nothing, not {kind}")
