"""Addresses of the BLAS routines that SciPy ships."""

from __future__ import annotations

import ctypes
import importlib.util
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from pathlib import Path
from typing import Any

_NAME = "scipy.linalg.cython_blas"


@cache
def _module() -> Any:
    """Load SciPy's module of addresses alone: all of ``scipy.linalg`` takes longer than most circuits to solve."""
    scipy = importlib.import_module("scipy")
    folder = Path(str(scipy.__file__)).parent / "linalg"
    for suffix in EXTENSION_SUFFIXES:
        path = folder / f"cython_blas{suffix}"
        if path.exists():
            loader = ExtensionFileLoader(_NAME, str(path))
            spec = ModuleSpec(_NAME, loader, origin=str(path))
            module = importlib.util.module_from_spec(spec)
            loader.exec_module(module)
            return module
    return importlib.import_module(_NAME)


def blas_address(routine: str) -> int:
    """Return where a routine is, by its name without a prefix for the platform."""
    capsule = _module().__pyx_capi__[routine]
    signature = _capsule_name(capsule)
    address: int = _capsule_address(capsule, signature)
    return address


_capsule_name = ctypes.pythonapi.PyCapsule_GetName
_capsule_name.restype, _capsule_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
_capsule_address = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_address.restype, _capsule_address.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
