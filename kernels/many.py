"""Many small crossbars with the same wires and ends, reduced to their line ends side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import leaves
from xbarsim.kernels.blocks import Edge, Shape, leaf_schedule

Array = NDArray[np.float64]

MOST_LINES = 16
"""Longest side: all of an array must fit in one leaf."""

_LANES = 64


def terminal_currents(cells: Array, cw: Array, cb: Array, volts: Array) -> Array:
    """Return what flows out at all terminals, (count, ports), for the same source voltages on each crossbar.

    Parameters
    ----------
    cells : (count, m, n)
        Siemens, m and n at most ``MOST_LINES``.
    cw, cb : (m, n + 1), (m + 1, n)
        Couplings of word- and bit-line segments in siemens, ends included; 0 at an open end.
    volts : (ports,)
        Volts of the left, right, top and bottom sources, of the sides only that have an end which is not open.
    """
    count, m, n = cells.shape
    sides = (cw[:, 0], cw[:, -1], cb[0], cb[-1])
    shape = Shape(m, n, *(Edge.TERMINAL if side.any() else Edge.ABSENT for side in sides))
    plan = leaf_schedule(shape, False)
    # One below the other, with a row between that belongs to no crossbar: m rows have m + 1 bit-line segments.
    lanes = min(_LANES, count)
    g = np.zeros((lanes * (m + 1), n))
    tall_cw, tall_cb = np.tile(np.vstack([cw, cw[:1]]), (lanes, 1)), np.tile(cb, (lanes, 1))
    top, left = np.arange(lanes) * (m + 1), np.zeros(lanes, np.int64)
    store, out = np.empty((plan.entries, lanes)), np.empty((lanes, shape.ports, shape.ports))
    amperes = np.empty((count, shape.ports))
    across = volts[None, :] - volts[:, None]
    for start in range(0, count, lanes):
        part = cells[start : start + lanes]
        g.reshape(lanes, m + 1, n)[: part.shape[0], :m] = part
        leaves.reduce_leaves(plan.steps, plan.places, g, tall_cw, tall_cb, top, left, store, out)
        lower = np.tril(out[: part.shape[0]], -1)
        amperes[start : start + lanes] = ((lower + lower.transpose(0, 2, 1)) * across).sum(axis=2)
    return amperes
