"""Kernels: functions of arrays and numbers, compiled once for a machine and kept as object code.

``njit`` is called as numba's is. A kernel that has been compiled before is loaded by llvmlite alone: numba, which
takes longer to import than most circuits to solve, is needed for the first run only. Arguments are arrays, floats,
ints and bools; results are numbers, tuples of them, or nothing. With ``NUMBA_DISABLE_JIT=1`` all is plain Python.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import update_wrapper
from types import FunctionType
from typing import Any

import numpy as np

from xbarsim.kernels import object_files

UNCOMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0").strip() not in ("", "0")
"""Kernels run as Python functions."""

_lock = threading.RLock()
_listeners: list[Callable[[], None]] = []


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a kernel's decorator; options are numba's."""

    def decorate(function: Callable[..., Any]) -> Any:
        return function if UNCOMPILED else Kernel(function, options)

    return decorate


class Translated:
    """What stands in numba's stead where a kernel's file is read, and is numba's own where it is compiled."""

    def numba(self) -> Any:
        """Return numba's form."""
        raise NotImplementedError


class Kernel(Translated):
    """A function that is compiled, or loaded, for the types that it is called with."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        update_wrapper(self, function)
        self.function = function
        self.options = options
        self._unit = object_files.unit(function)
        self._signatures: set[str] = set()
        self._dispatcher: Any = None
        self._call: Callable[..., Any] = self._meet

    def __call__(self, *args: Any) -> Any:
        """Run the kernel: each compiled form hands on what is not of its types, in the end to ``_meet``."""
        return self._call(*args)

    def numba(self) -> Any:
        """Return numba's form, for which all names of the kernel's file are numba's forms too."""
        if self._dispatcher is None:
            import numba

            plain = self.function
            names = dict(plain.__globals__)
            function = FunctionType(plain.__code__, names, plain.__name__, plain.__defaults__)
            function.__qualname__, function.__module__ = plain.__qualname__, plain.__module__
            options = {key: value for key, value in self.options.items() if key != "cache"}
            # Its own ways in from Python are not wanted: they take time to compile.
            options |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
            compiled: Any = numba.njit
            self._dispatcher = compiled(**options)(function)
            for name in plain.__code__.co_names:
                if isinstance(names.get(name), Translated):
                    names[name] = names[name].numba()
        return self._dispatcher

    def _meet(self, *args: Any) -> Any:
        """Run on types that no compiled form here took."""
        plain = tuple(_plain(arg) for arg in args)
        signature = ",".join(_kind(arg) for arg in plain)
        with _lock:
            if signature not in self._signatures:
                self._call = self._prepare(signature, plain)
                self._signatures.add(signature)
        return self._call(*plain)

    def _prepare(self, signature: str, args: tuple[Any, ...]) -> Callable[..., Any]:
        """Load the form for a signature, or compile and keep it; it hands on to the forms that are here."""
        from xbarsim.kernels import object_engine

        name = object_files.name(self.function, signature, self.options, self._unit)
        code = object_files.read(name)
        call = code and object_engine.load(code, self._unit, self._call)
        if call is None:
            announce()
            from xbarsim.kernels import object_compiler

            code = object_compiler.compile_kernel(self.numba(), args)
            object_files.write(name, code)
            call = object_engine.load(code, self._unit, self._call)
        if call is None:
            raise SystemError(
                f"{self.function.__qualname__} needs what is not there: {code.needs if code else signature}"
            )
        return call


def _plain(arg: Any) -> Any:
    """Return an argument as compiled forms know it: NumPy's numbers as Python's, and what is derived as what it is."""
    if isinstance(arg, np.ndarray):
        base = arg.view(np.ndarray)
        usual = np.dtype(base.dtype.str) if base.dtype.isnative and base.dtype.kind in "biuf" else base.dtype
        return base if usual.num == base.dtype.num else base.view(usual)
    if isinstance(arg, np.generic):
        return arg.item()
    return int(arg) if isinstance(arg, int) and not isinstance(arg, bool) else arg


def _kind(arg: Any) -> str:
    """Return the word for an argument's type: each has compiled forms of its own."""
    if isinstance(arg, np.ndarray):
        if not (arg.dtype.isnative and arg.flags.aligned and arg.dtype.num <= np.dtype(np.float64).num):
            raise TypeError(f"kernels take aligned arrays of numbers in this machine's byte order, not {arg.dtype!r}")
        flags = arg.flags
        layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        return f"{arg.dtype.char}{arg.ndim}{layout}{'' if flags.writeable else 'r'}"
    for kind in (bool, int, float):
        if isinstance(arg, kind):
            return kind.__name__
    raise TypeError(f"kernels take arrays, floats, ints and bools, not {type(arg).__name__}")


def announce() -> None:
    """Tell who listens that something is about to be compiled."""
    for listener in _listeners:
        listener()


def listen(listener: Callable[[], None]) -> Callable[[], None]:
    """Have a function called before each compilation; return what ends that."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)
