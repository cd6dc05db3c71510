"""Many small crossbars with the same wires and ends, reduced to their line ends side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import lanes
from xbarsim.kernels.blocks import Edge, Shape
from xbarsim.kernels.lane_schedule import lane_schedule
from xbarsim.kernels.vectors import LANES, storage

Array = NDArray[np.float64]

MOST_LINES = 16
"""Longest side."""


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
    plan = lane_schedule(shape, False)
    amperes = np.empty((count, shape.ports))
    lanes.port_currents(
        plan.steps, plan.places, np.ascontiguousarray(cells).reshape(-1), cw.reshape(-1), cb.reshape(-1),
        np.empty((3, LANES), np.int64), np.array([n, n + 1, n]), volts, storage(plan.entries), amperes,
    )  # fmt: skip
    return amperes
