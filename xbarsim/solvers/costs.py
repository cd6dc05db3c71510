"""What solving takes: so many vectors each on its own, or one reduction and a product with it.

Seconds of one thread on one machine; only their ratios matter. Fitted to arrays from 16 x 16 to 512 x 512 and, long and
short, to 2048 x 8, 4096 x 32 and 64 x 1024.
"""

from __future__ import annotations

from xbarsim.solvers.segments import Segments

_STEP = 5.5e-9  # a cell's part of a conjugate-gradient step
_BESIDE = 2  # what else a vector takes, in steps
_VECTOR = 5e-6
_PLAN = 4e-4
_CELL = 6.5e-7  # of a reduction, in its leaves and lower joins
_ENTRY = 2e-8  # of the couplings that the last joins write
_UPDATE = 1.7e-10  # and of what they multiply
_PRODUCT = 1.3e-9


def vectors_cost(segments: Segments, count: int, steps: float) -> float:
    """Return the cost of ``count`` vectors of so many conjugate-gradient steps each.

    Parameters
    ----------
    segments : Segments
        Whose size counts.
    count : int
        How many vectors.
    steps : float
        Of conjugate gradients, for each.
    """
    return count * (_VECTOR + _STEP * float(segments.g.size) * (steps + _BESIDE))


def map_cost(segments: Segments, count: int) -> float:
    """Return the cost of a reduction and of ``count`` vectors by it; its verification is a vector's.

    Parameters
    ----------
    segments : Segments
        Whose size, and tied sides, count.
    count : int
        How many vectors.
    """
    rows, cols = segments.g.shape
    left, right, top, bottom = segments.present
    square = float(rows * (left + right) + cols * (top + bottom)) ** 2
    leaves = 0.0 if segments.ideal else _CELL * float(segments.g.size)
    last = _ENTRY + _UPDATE * float(min(rows, cols)) + _PRODUCT * count
    return _PLAN + leaves + square * last
