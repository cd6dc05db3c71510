"""Intrinsics that run without numba's compiler too: with ``NUMBA_DISABLE_JIT=1`` each is a Python function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xbarsim.kernels.native import UNCOMPILED, Translated


class Intrinsic(Translated):
    """A generator of code, which numba sees when a kernel that uses it is compiled."""

    def __init__(self, generator: Callable[..., Any]) -> None:
        self._generator = generator

    def numba(self) -> Any:
        """Return numba's form."""
        from numba.extending import intrinsic

        return intrinsic(self._generator)


def intrinsic(body: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return the decorator of an intrinsic's generator; ``body`` does the same in Python."""

    def decorate(generator: Callable[..., Any]) -> Any:
        return body if UNCOMPILED else Intrinsic(generator)

    return decorate
