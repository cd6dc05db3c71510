"""Products with a symmetric matrix that is kept as its lower triangle, by BLAS."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.blas import blas_address

Array = NDArray[np.float64]


@cache
def _symm() -> Callable[..., None]:
    word, real, data = ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_double), ctypes.c_void_p
    letters, sizes = (ctypes.c_char_p, ctypes.c_char_p), (word, word)
    form: Any = ctypes.CFUNCTYPE(None, *letters, *sizes, real, data, word, data, word, real, data, word)
    routine: Callable[..., None] = form(blas_address("dsymm"))
    return routine


@cache
def _syr2k() -> Callable[..., None]:
    word, real, data = ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_double), ctypes.c_void_p
    letters, sizes = (ctypes.c_char_p, ctypes.c_char_p), (word, word)
    form: Any = ctypes.CFUNCTYPE(None, *letters, *sizes, real, data, word, data, word, real, data, word)
    routine: Callable[..., None] = form(blas_address("dsyr2k"))
    return routine


def add_both_products(a: Array, b: Array, lower: Array) -> None:
    """Add ``a' b + b' a`` of two (m, n) to the lower triangle of ``lower`` (n, n)."""
    m, n = a.shape
    rows, cols, unit = ctypes.c_int(m), ctypes.c_int(n), ctypes.c_double(1.0)
    _syr2k()(
        b"U", b"N", cols, rows, unit, a.ctypes.data, cols, b.ctypes.data, cols, unit, lower.ctypes.data, cols
    )  # fmt: skip


def add_symmetric_product(lower: Array, a: Array, share: float, out: Array) -> None:
    """Add ``share`` times the symmetric matrix (m, m) of lower triangle ``lower`` times a (m, n) to ``out``."""
    m, n = a.shape
    rows, cols = ctypes.c_int(m), ctypes.c_int(n)
    _symm()(
        b"R", b"U", cols, rows, ctypes.c_double(share), lower.ctypes.data, rows,
        a.ctypes.data, cols, ctypes.c_double(1.0), out.ctypes.data, cols,
    )  # fmt: skip


def symmetric_product(a: Array, lower: Array, out: Array) -> None:
    """Fill ``out`` (m, n) with a (m, n) times the symmetric matrix (n, n) whose lower triangle is that of ``lower``."""
    m, n = a.shape
    rows, cols = ctypes.c_int(m), ctypes.c_int(n)
    # To BLAS, whose matrices lie column by column, all are turned: the triangle is an upper one, and stands left.
    _symm()(
        b"L", b"U", cols, rows, ctypes.c_double(1.0), lower.ctypes.data, cols,
        a.ctypes.data, cols, ctypes.c_double(0.0), out.ctypes.data, cols,
    )  # fmt: skip
