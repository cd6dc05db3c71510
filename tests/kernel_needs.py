"""What kept kernels need of numba, whose import and anew compiling they are kept to save: nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from xbarsim.kernels import object_engine
from xbarsim.kernels.object_files import ObjectCode

LOADED: set[str] = set()
"""Kernels that this process has loaded, like ``upward.push``."""

_LENGTH = re.compile(r"\d+")


def kernel_name(entry: str) -> str:
    """Return the name that numba's name for a function, of lengths and words, was made of, without the package's."""
    words, text = [], entry.partition("_ZN")[2]
    while length := _LENGTH.match(text):
        start, size = length.end(), int(length[0])
        words.append(text[start : start + size])
        text = text[start + size :]
    return ".".join(words).removeprefix("xbarsim.kernels.")


def judge(code: ObjectCode) -> None:
    """Note a kernel; fail where none but numba's run-time library has what it needs."""
    name = kernel_name(code.entry)
    of_numba = [need for need in code.needs if need.startswith(("NRT_", "numba_"))]
    assert not of_numba or "7xbarsim7kernels" not in code.entry, (
        f"{name} is compiled anew in each process, since it needs {', '.join(of_numba)}: arrays' reshape, copy, arange "
        "and assignment of an array to an array do that, loops over their numbers do not"
    )
    LOADED.add(name)


@contextmanager
def watched() -> Iterator[None]:
    """Judge every kernel that is loaded meanwhile."""
    load = object_engine.load

    def judged(code: ObjectCode, unit: str, fallback: Callable[..., Any]) -> Callable[..., Any] | None:
        judge(code)
        return load(code, unit, fallback)

    with mock.patch.object(object_engine, "load", judged):
        yield
