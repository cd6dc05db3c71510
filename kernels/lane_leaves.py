"""Leaves of one crossbar reduced side by side, one in each lane, and derivatives carried back to their cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import lane_gradients, lanes
from xbarsim.kernels.blocks import Shape
from xbarsim.kernels.lane_schedule import LaneSchedule, LaneStep, lane_schedule
from xbarsim.kernels.native import njit
from xbarsim.kernels.vectors import LANES, storage, width

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Circuit = tuple[Array, Array, Array]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


class Stores:
    """Storage that leaves were reduced in, for the next ones."""

    def __init__(self) -> None:
        self._free: list[Array] = []

    def take(self, entries: int) -> Array:
        """Return one of at least so many vectors, to be given back."""
        try:
            store = self._free.pop()
        except IndexError:
            return storage(entries)
        return store if store.size >= entries * LANES else storage(entries)

    def give(self, store: Array) -> None:
        """Take one back."""
        self._free.append(store)


def reduce_leaves(stores: Stores, circuit: Circuit, shape: Shape, top: Index, left: Index, out: Array) -> None:
    """Reduce at most ``LANES`` leaves of one shape.

    Parameters
    ----------
    stores : Stores
        Work space.
    circuit : (m, n), (m, n+1), (m+1, n)
        Cells, and couplings of the word- and bit-line segments, ends included, in siemens.
    shape : Shape
        The leaves'.
    top, left : int64
        Each leaf's first row and column.
    out : (count, ports, ports)
        Receives the leaves' couplings, lower triangle.
    """
    plan = lane_schedule(shape, False)
    store = stores.take(plan.entries)
    vectors = store[: plan.entries * LANES]
    _reduce(circuit, plan, top, left, vectors)
    _lower_triangles(vectors, LaneStep(*plan.steps[-1].tolist()).out, out)
    stores.give(store)


def leaf_gradients(
    stores: Stores, circuit: Circuit, shape: Shape, top: Index, left: Index, adjoints: Array, gradient: Array
) -> None:
    """Carry derivatives by leaves' couplings, (count, ports, ports), to their cells in ``gradient`` (m, n)."""
    plan = lane_schedule(shape, True, True)
    store = stores.take(plan.entries)
    vectors = store[: plan.entries * LANES]
    _reduce(circuit, plan, top, left, vectors)
    cells = np.empty((top.size, shape.rows, shape.cols))
    lane_gradients.gradients(plan.steps, plan.places, vectors, adjoints, cells)
    stores.give(store)
    for q in range(top.size):
        gradient[top[q] : top[q] + shape.rows, left[q] : left[q] + shape.cols] = cells[q]


def _reduce(circuit: Circuit, plan: LaneSchedule, top: Index, left: Index, store: Array) -> None:
    """Reduce leaves in ``store``; unused lanes repeat the first one."""
    row_size = np.array([part.shape[1] for part in circuit])
    where = np.repeat([[top[0]], [left[0]]], LANES, axis=1)
    where[:, : top.size] = top, left
    origin = row_size[:, None] * where[0] + where[1]
    flat = [part.reshape(-1) for part in circuit]
    lanes.reduce(plan.steps, plan.places, *flat, origin, row_size, top.size, store)


@njit(**_OPTIONS)
def _lower_triangles(store: Array, at: int, out: Array) -> None:
    """Take each lane's couplings out of the storage."""
    entries, side_by_side = store.size // LANES, width()
    ports = out.shape[1]
    for part in range(0, out.shape[0], side_by_side):
        count = min(side_by_side, out.shape[0] - part)
        for a in range(ports):
            start = part * entries + (at + a * ports) * side_by_side
            for q in range(count):
                source, target = store[start + q : start + a * side_by_side : side_by_side], out[part + q, a, :a]
                for b in range(a):
                    target[b] = source[b]
