"""Values between the points of a run in time."""

from __future__ import annotations

import numpy as np

from xbarsim.crossbar import Array

_COLUMNS = 512
"""How many quantities are interpolated at a time: what that needs beside them stays small."""


def interpolated(times: Array, values: Array, at: Array, corners: Array) -> Array:
    """Return values between points, by cubics that look at no point beyond a corner; NaN outside of all points.

    An integrator of second order errs by the cube of its steps, and straight lines between its points would by their
    square. Which neighbours a cubic goes through is chosen by the smallest divided differences, so that it keeps to the
    smooth side of a jump (Harten, Engquist, Osher, Chakravarthy, J. Comput. Phys. 71, 1987).

    Parameters
    ----------
    times : (n,)
        Seconds, increasing.
    values : (n, k)
        Quantities at these points.
    at : (m,)
        Where they are wanted.
    corners : (c,)
        Times at which something may bend or jump; those that are no points do not count.

    Returns
    -------
    (m, k)
    """
    count = times.size
    inside = (at >= times[0]) & (at <= times[-1])
    table = np.full((at.size, values.shape[1]), np.nan)
    if count == 1:
        table[inside] = values[0]
        return table
    targets = at[inside]
    left = np.clip(np.searchsorted(times, targets, side="right") - 1, 0, count - 2)
    ends = np.unique(np.concatenate([[0, count - 1], np.flatnonzero(np.isin(times, corners))]))
    low = ends[np.searchsorted(ends, left, side="right") - 1]
    high = ends[np.searchsorted(ends, left + 1)]
    for first in range(0, values.shape[1], _COLUMNS):
        columns = slice(first, first + _COLUMNS)
        table[inside, columns] = _cubics(times, values[:, columns], targets, (left, low, high))
    return table


def _cubics(times: Array, values: Array, at: Array, places: tuple[Array, Array, Array]) -> Array:
    """Return Newton's polynomials: for each time the point before it, and the first and last that may be looked at."""
    left, low, high = places
    differences = [values]
    for order in range(1, min(4, times.size)):
        last = differences[-1]
        differences.append((last[1:] - last[:-1]) / (times[order:] - times[:-order])[:, None])
    column = np.arange(values.shape[1])[None, :]
    start = np.broadcast_to(left[:, None], (at.size, values.shape[1]))
    factor = np.broadcast_to((at - times[left])[:, None], start.shape)
    total = values[left] + differences[1][left] * factor
    factor = factor * (at - times[left + 1])[:, None]
    for order in range(2, len(differences)):
        table = differences[order]
        before, after = start - 1, start
        may_before, may_after = before >= low[:, None], after + order <= high[:, None]
        sizes = [
            np.where(may, np.abs(table[np.clip(place, 0, table.shape[0] - 1), column]), np.inf)
            for may, place in ((may_before, before), (may_after, after))
        ]
        goes_before = sizes[0] < sizes[1]
        stencil = np.where(goes_before, before, after)
        goes = may_before | may_after
        term = table[np.clip(stencil, 0, table.shape[0] - 1), column]
        total = total + np.where(goes, term * factor, 0.0)
        added = np.where(goes_before, before, after + order)
        factor = np.where(goes, factor * (at[:, None] - times[np.clip(added, 0, times.size - 1)]), 0.0)
        start = np.where(goes, stencil, start)
    return np.asarray(total)
