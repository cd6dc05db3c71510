"""Intrinsics that run without numba's compiler too: with ``NUMBA_DISABLE_JIT=1`` each is a Python function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.extending import intrinsic as _intrinsic

# None has types that a checker could follow.
_config: Any = numba.config


def intrinsic(body: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return the decorator of an intrinsic's generator; ``body`` does the same in Python."""

    def decorate(generator: Callable[..., Any]) -> Any:
        return body if _config.DISABLE_JIT else _intrinsic(generator)

    return decorate
