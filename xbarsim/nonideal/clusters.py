"""Runs of neighbouring cells along lines, at a rate that holds in every cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.nonideal.streams import Stream

Mask = NDArray[np.bool_]


def runs(stream: Stream, lines: int, cells: int, rate: float, length: int | None) -> tuple[Mask, Array]:
    """Strike lines with runs; each cell is struck with probability ``rate``, at the ends of a line too.

    A Boolean model of segments (Chiu, Stoyan, Kendall and Mecke, Stochastic Geometry and its Applications, 2013) on
    integers. A run of L cells starts at any of the n + L - 1 places from which it reaches into the line of n cells,
    with the same probability b at each, independently. A cell stays free if none of L places has one,
    ``1 - rate = (1 - b)^L``. A run that would begin before the line is cut by the line's end, and runs may overlap.

    Parameters
    ----------
    stream : Stream
        Indexed by line and place.
    lines, cells : int
        How many lines, and cells in each.
    rate : float
        Share of cells that are struck, on average.
    length : int or None
        L; None strikes whole lines.

    Returns
    -------
    struck : (lines, cells) of bool
        Cells in a run.
    mark : (lines, cells)
        A uniform number in [0, 1) that all cells of a run share; where runs overlap, the later one's.
    """
    line = np.arange(lines)[:, None]
    if length is None:
        first = np.zeros((1, 1), dtype=np.intp)
        struck = stream.uniform(line, first) < rate
        shape = (lines, cells)
        return np.broadcast_to(struck, shape), np.broadcast_to(stream.uniform(line, first, 1), shape)
    places = np.arange(cells + length - 1)[None, :]
    begins = stream.uniform(line, places) < 1.0 - (1.0 - rate) ** (1.0 / length)
    latest = np.maximum.accumulate(np.where(begins, places, -1), axis=1)[:, length - 1 :]
    # Cell j lies in the runs that begin at places j to j + L - 1.
    struck = latest >= np.arange(cells)
    mark = stream.uniform(line, places, 1)
    return struck, np.take_along_axis(mark, np.maximum(latest, 0), axis=1)
