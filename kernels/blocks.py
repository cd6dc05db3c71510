"""How a crossbar is cut into blocks, and which node of a block goes where when two of them are joined.

A block of m x p cells shows at most four groups of ports, always in this order: left (m), right (m), top (p),
bottom (p). A left or top port *is* the block's first node of that line; a right or bottom port lies one wire
segment outside, on the neighbour's first node. A side at the crossbar's border is either absent (all its line ends
are open) or made of the sources' own terminals.

Plain Python and index arrays only; what is done with them is in :mod:`kron`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.leaves import Step

Index = NDArray[np.int64]


class Edge(IntEnum):
    """What lies beyond a block's side."""

    ABSENT = 0
    NEIGHBOUR = 1
    TERMINAL = 2


@dataclass(frozen=True)
class Shape:
    """A block's cells and what lies on its four sides."""

    rows: int
    cols: int
    left: Edge
    right: Edge
    top: Edge
    bottom: Edge

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """How many left, right, top and bottom ports there are."""
        m, p = self.rows, self.cols
        return (
            m if self.left else 0,
            m if self.right else 0,
            p if self.top else 0,
            p if self.bottom else 0,
        )

    @property
    def ports(self) -> int:
        """How many ports there are in all."""
        return sum(self.counts)


@dataclass(frozen=True)
class Join:
    """Two blocks become one: the places of their ports in the joint network, kept ports first, shared ones last."""

    shape: Shape
    first: Index
    second: Index
    boundary: int
    total: int


@lru_cache(maxsize=4096)
def join(a: Shape, b: Shape, horizontal: bool) -> Join:
    """Join ``b`` to the right of ``a`` (``horizontal``) or below it."""
    if horizontal:
        shape = Shape(a.rows, a.cols + b.cols, a.left, b.right, a.top, a.bottom)
        shared = a.rows
    else:
        shape = Shape(a.rows + b.rows, a.cols, a.left, a.right, a.top, b.bottom)
        shared = a.cols
    boundary = shape.ports
    left, right, top, bottom = np.split(np.arange(boundary), np.cumsum(shape.counts)[:3])
    between = np.arange(boundary, boundary + shared)
    if horizontal:
        first = (left, between, top[: a.cols], bottom[: a.cols])
        second = (between, right, top[a.cols :], bottom[a.cols :])
    else:
        first = (left[: a.rows], right[: a.rows], top, between)
        second = (left[a.rows :], right[a.rows :], between, bottom)
    return Join(shape, np.concatenate(first), np.concatenate(second), boundary, boundary + shared)


@dataclass(frozen=True)
class Schedule:
    """The steps that reduce one leaf, cells first as they are needed, and the work space they take.

    Attributes
    ----------
    steps : (count, 17)
        A row is a :class:`leaves.Step`.
    places : int64
        For a join the places of a part's ports in the joint network; for a cell those of (word node, bit node, left,
        right, top, bottom) in its own, -1 where there is none.
    entries, voltages : int
        Storage that the steps use, a lane.
    most_ports : int
        Of all networks, those that are eliminated included.
    """

    shape: Shape
    steps: Index
    places: Index
    entries: int
    voltages: int
    most_ports: int


@lru_cache(maxsize=512)
def leaf_schedule(shape: Shape, keep: bool) -> Schedule:
    """Plan a leaf's reduction from single cells, halving the longer side.

    Parameters
    ----------
    shape : Shape
        The leaf.
    keep : bool
        Give every step storage of its own, so that voltages can be found on the way back. Otherwise the two
        halves of a block share theirs with all other pairs at their depth.
    """
    steps: list[Step] = []
    places: list[int] = []
    reusable: dict[tuple[int, int], tuple[int, int]] = {}
    sizes = {"entries": 0, "voltages": 0}

    def storage(total: int, depth: int, half: int) -> int:
        if not keep and (depth, half) in reusable and reusable[depth, half][1] >= total * total:
            return reusable[depth, half][0]
        start = sizes["entries"]
        sizes["entries"] += total * total
        reusable[depth, half] = (start, total * total)
        return start

    def place(index: Index | list[int]) -> int:
        places.extend(int(k) for k in index)
        return len(places) - len(index)

    def plan(block: Shape, row: int, col: int, depth: int, half: int) -> tuple[int, int, int]:
        """Append the steps of ``block``; return (storage, its leading dimension, voltage storage)."""
        if block.rows == 1 and block.cols == 1:
            cell, boundary, total = _cell_places(block)
            out = storage(total, depth, half)
            volts = sizes["voltages"]
            sizes["voltages"] += total
            steps.append(Step(1, out, total, boundary, place(cell), row=row, col=col, x=volts))
            return out, total, volts
        a, b, horizontal = halve(block)
        out_a, ld_a, volts_a = plan(a, row, col, depth + 1, 0)
        shift = (0, a.cols) if horizontal else (a.rows, 0)
        out_b, ld_b, volts_b = plan(b, row + shift[0], col + shift[1], depth + 1, 1)
        j = join(a, b, horizontal)
        out = storage(j.total, depth, half)
        volts = sizes["voltages"]
        sizes["voltages"] += j.total
        parts = (place(j.first), out_a, ld_a, a.ports, place(j.second), out_b, ld_b, b.ports)
        steps.append(Step(0, out, j.total, j.boundary, *parts, row, col, volts, volts_a, volts_b))
        return out, j.total, volts

    plan(shape, 0, 0, 0, 0)
    return Schedule(
        shape, np.array(steps, np.int64), np.array(places, np.int64), sizes["entries"], sizes["voltages"],
        max(step.total for step in steps),
    )  # fmt: skip


def halve(block: Shape) -> tuple[Shape, Shape, bool]:
    """Cut the longer side in two; return the halves and whether they lie side by side."""
    if block.cols >= block.rows:
        p = (block.cols + 1) // 2
        return (
            Shape(block.rows, p, block.left, Edge.NEIGHBOUR, block.top, block.bottom),
            Shape(block.rows, block.cols - p, Edge.NEIGHBOUR, block.right, block.top, block.bottom),
            True,
        )
    m = (block.rows + 1) // 2
    return (
        Shape(m, block.cols, block.left, block.right, block.top, Edge.NEIGHBOUR),
        Shape(block.rows - m, block.cols, block.left, block.right, Edge.NEIGHBOUR, block.bottom),
        False,
    )


def _cell_places(cell: Shape) -> tuple[list[int], int, int]:
    """Places of (word, bit, left, right, top, bottom) in one cell's network; how many are kept, and in all."""
    left, right, top, bottom = np.split(np.arange(cell.ports), np.cumsum(cell.counts)[:3])
    at = [int(part[0]) if part.size else -1 for part in (left, right, top, bottom)]
    boundary = total = cell.ports
    # An inner cell's word node is its left port and its bit node its top port; at the border they are eliminated.
    nodes = []
    for k, edge in ((0, cell.left), (2, cell.top)):
        if edge == Edge.NEIGHBOUR:
            nodes.append(at[k])
            at[k] = -1
        else:
            nodes.append(total)
            total += 1
    return [*nodes, *at], boundary, total


def cuts(length: int, leaf: int) -> Index:
    """Cut ``length`` lines into nearly equal parts of at most ``leaf``; return their borders."""
    parts = -(-length // leaf)
    return np.arange(parts + 1) * length // parts
