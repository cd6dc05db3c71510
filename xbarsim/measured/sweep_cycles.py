"""Which points of a measurement are of which cycle, and on the way up or down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array

_STILL = 0.1
"""Steps below this share of the usual one are no motion: an instrument reads back what it set."""


def directions(voltage: Array) -> NDArray[np.int8]:
    """Return 1 where a point was reached on the way up, -1 on the way down; (points,).

    The first point goes with the second, and one that stood still with the one before it.
    """
    steps = np.diff(voltage)
    size = np.median(np.abs(steps[steps != 0.0])) if np.any(steps != 0.0) else 0.0
    ways = np.where(np.abs(steps) <= _STILL * size, 0, np.sign(steps)).astype(np.int8)
    moving = np.flatnonzero(ways)
    if moving.size == 0:
        return np.ones(voltage.size, dtype=np.int8)
    ways[: moving[0]] = ways[moving[0]]
    for k in range(moving[0] + 1, ways.size):
        if ways[k] == 0:
            ways[k] = ways[k - 1]
    return np.concatenate([ways[:1], ways])


def cycles(voltage: Array) -> NDArray[np.int64]:
    """Return each point's cycle from 0, (points,).

    A cycle begins where the voltage is back at the first point's, or has gone past it, and goes on in the direction in
    which it went at first: 0 to V, V to -V and -V to 0 is one, whatever follows.
    """
    ways = directions(voltage)
    first, heading = voltage[0], ways[0]
    steps = np.abs(np.diff(voltage))
    near = 0.25 * np.median(steps[steps > 0.0]) if np.any(steps > 0.0) else 0.0
    number = np.zeros(voltage.size, dtype=np.int64)
    count, away = 0, False
    for k in range(1, voltage.size - 1):
        away |= abs(voltage[k] - first) > near
        # Of several points at the first voltage the last begins a cycle: an end and a beginning.
        leaves = abs(voltage[k] - first) <= near < abs(voltage[k + 1] - first) and ways[k + 1] == heading
        before, after = (voltage[k - 1] - first) * heading, (voltage[k] - first) * heading
        crosses = ways[k] == heading and before < -near and after > near
        if away and (leaves or crosses):
            count, away = count + 1, bool(crosses)
        number[k] = count
    number[-1] = count
    return number
