"""What this machine can do, measured beside: floating-point operations of dgemm, and bytes of a triad.

python validation/limits.py
"""

from __future__ import annotations

import os

for _variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from dataclasses import dataclass

import numpy as np
from numba import njit
from stopwatch import seconds

TRIAD_DOUBLES = 1 << 23
"""Of each of its three arrays: 64 MB, beyond the cache of a core; where many cores share a larger one, a part stays."""


@dataclass(frozen=True)
class Limits:
    """Rates of one thread: operations a second, and bytes a second (8 for each double that is read or written)."""

    flops: float
    bytes: float

    def text(self) -> str:
        return f"dgemm of 1,024 lines {self.flops / 1e9:.1f} GF/s, triad of 3 x 64 MB {self.bytes / 1e9:.1f} GB/s"


@njit(fastmath=True)
def triad(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """STREAM's ``a = b + 3 c``: two arrays are read and one is written."""
    for k in range(a.size):
        a[k] = b[k] + 3.0 * c[k]


def measured(n: int = 1024, budget: float = 1.0) -> Limits:
    """Return the rates of one thread."""
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, n, n))
    product = np.empty((n, n))
    rate = 2.0 * n**3 / seconds(lambda: np.matmul(left, right, out=product), budget=budget)
    arrays = [np.ones(TRIAD_DOUBLES) for _ in range(3)]
    return Limits(rate, 24.0 * TRIAD_DOUBLES / seconds(lambda: triad(*arrays), budget=budget))


if __name__ == "__main__":
    print(measured().text())
