"""Lines of like sizes: what is carried to all lines is held against a solve for each such group by itself.

Beside loud lines a check of all together, relative to the largest, would say nothing of quiet ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array

DECADES = 3.0
"""Within which sizes are alike."""


def like_lines(*sizes: Array) -> list[NDArray[np.bool_]]:
    """Return groups (lines,) of bool, whose lines are alike in all sizes; lines without any size are in none.

    Parameters
    ----------
    *sizes : (lines,) array
        At least 0.
    """
    tables = np.abs(np.array(sizes))
    present = tables > 0.0
    # From the largest down: bounds between groups are then where the sizes are.
    below = tables.max(axis=1, keepdims=True, initial=0.0) / np.where(present, tables, 1.0)
    rank = np.where(present, np.floor(np.log10(np.where(present, below, 1.0)) / DECADES), -1.0)
    kinds, place = np.unique(rank, axis=1, return_inverse=True)
    return [place.ravel() == kind for kind in np.flatnonzero((kinds >= 0.0).any(axis=0))]
