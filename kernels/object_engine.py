"""Object code made callable by llvmlite alone."""

from __future__ import annotations

import ctypes
import pickle
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding

from xbarsim.kernels.object_files import ObjectCode

# None has types that a checker could follow.
_llvm: Any = binding

_FASTCALL = 0x80


class _Method(ctypes.Structure):
    """Python's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def raise_error(address: int, size: int) -> None:
    """Raise what a kernel raised: its class, its arguments and the place, pickled at an address."""
    kind, arguments, _ = pickle.loads(ctypes.string_at(address, size))
    raise kind(*arguments)


OBJECTS: dict[str, Any] = {
    "xbarsim_array_type": np.ndarray,
    "xbarsim_float_type": float,
    "xbarsim_int_type": int,
    "xbarsim_bool_type": bool,
    "xbarsim_true": True,
    "xbarsim_none": None,
    "xbarsim_raise_error": raise_error,
}
"""Python's objects that code refers to, by the names that it has for their addresses."""


def introduce() -> None:
    """Tell LLVM where Python's objects are."""
    for name, value in OBJECTS.items():
        _llvm.add_symbol(name, id(value))


@cache
def _engine(unit: str) -> Any:
    """Return the engine of a file of kernels: as it is on disk, so that one edited and read again has its own."""
    _llvm.initialize_native_target()
    _llvm.initialize_native_asmprinter()
    introduce()
    target = _llvm.Target.from_default_triple()
    empty = _llvm.parse_assembly("")
    engine = _llvm.create_mcjit_compiler(empty, target.create_target_machine(jit=True))
    engine.remove_module(empty)  # which would be compiled
    return engine


def load(code: ObjectCode, unit: str, fallback: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return the function of object code of a file of kernels; what it does not take it hands to ``fallback``.

    None: something that it needs is nowhere to be found.
    """
    engine = _engine(unit)  # first: it makes the symbols of this program known
    if not all(map(_llvm.address_of_symbol, code.needs)):
        import numba.core.registry

        # Parts of numba's run-time library and of fallback that it loads.
        _ = numba.core.registry.cpu_target.target_context
        if not all(map(_llvm.address_of_symbol, code.needs)):
            return None
    for content in code.objects:
        engine.add_object_file(_llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    method = _Method(code.entry.encode(), engine.get_function_address(code.entry), _FASTCALL, None)
    # Never freed: at Python's end modules are emptied before the functions are gone that point to it.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(method))
    function: Callable[..., Any] = _new_function(ctypes.byref(method), fallback, None)
    return function


_new_function = ctypes.pythonapi.PyCFunction_NewEx
_new_function.restype = ctypes.py_object
_new_function.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)

# The objects' addresses are what id says in CPython alone.
assert sys.implementation.name == "cpython"
