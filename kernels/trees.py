"""In which order the leaves of a crossbar are joined to one block, and where each block's couplings lie meanwhile.

The tree of blocks halves the longer side, down to single leaves. It is cut at two heights: the blocks of a region
come from leaves that are reduced side by side; those of a tree are joined by one compiled call, one after the other, so
that they stay in the cache. What is above is joined level by level.

A block's ports stand in the order that its next join wants: those it shares with its partner last. The order of the
last block's, left, right, top, bottom, settles all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.blocks import Edge, Shape

Index = NDArray[np.int64]
Sides = tuple[int, ...]
Sizes = tuple[int, ...]
Edges = tuple[Edge, Edge, Edge, Edge]

LEFT, RIGHT, TOP, BOTTOM = range(4)
CANONICAL: Sides = (LEFT, RIGHT, TOP, BOTTOM)


class Piece(NamedTuple):
    """Ports of one side that come from one of a join's two parts.

    Attributes
    ----------
    part : int
        0 for the first, 1 for the second.
    start, size : int
        Where they stand in that part, and how many there are.
    """

    part: int
    start: int
    size: int


@dataclass(frozen=True)
class JoinStep:
    """Two blocks joined, or, without shared ports, one leaf's ports put in order.

    Attributes
    ----------
    shared, boundary : int
        Ports that are eliminated, and kept ones.
    ports_a, ports_b : int
        Of the parts; a leaf is the first.
    pieces : tuple of Piece
        The kept ports, in order.
    ends : tuple of int
        Of each piece the side of the crossbar whose terminals it is; -1 where a neighbour shares them.
    """

    shared: int
    boundary: int
    ports_a: int
    ports_b: int
    pieces: tuple[Piece, ...]
    ends: tuple[int, ...] = ()

    def row(self, a: int = 0, b: int = 0, c: int = 0, rows: int = 0, roots: int = 0) -> list[int]:
        """Write the step down for :mod:`kron`, with the places of its parts, its result and what it keeps."""
        flat = [number for piece in self.pieces for number in piece]
        head = [self.shared, self.boundary, self.ports_a, self.ports_b, a, b, c, rows, roots, len(self.pieces)]
        return head + flat + [0] * (18 - len(flat))

    @property
    def total(self) -> int:
        """Ports of the joint network."""
        return self.boundary + self.shared

    @cached_property
    def line(self) -> Index:
        """The step as kernels take it that are given its parts."""
        return np.array(self.row(), np.int64)

    def places(self, part: int) -> Index:
        """Where all ports of one of the two parts stand in the joint network, or a leaf's after they are in order."""
        index = np.empty(self.ports_b if part else self.ports_a, np.int64)
        for joint, inside in self.spans(part):
            index[inside] = np.arange(joint.start, joint.stop)
        index[index.size - self.shared :] = np.arange(self.boundary, self.total)
        return index

    def without(self, sides: frozenset[int]) -> tuple[JoinStep, Index]:
        """Leave some sides' terminals out: the step of the other ports, and where these stand in the joint network."""
        if sides not in self._smaller:
            self._smaller[sides] = self._leave_out(sides)
        return self._smaller[sides]

    def leaf_places(self, sides: frozenset[int]) -> Index:
        """Where a leaf's ports stand after those terminals are left out, which have -1."""
        if sides not in self._leaf_places:
            _, ports = self.without(sides)
            order = np.full(self.total, -1)
            order[ports] = np.arange(ports.size)
            self._leaf_places[sides] = order[self.places(0)]
        return self._leaf_places[sides]

    @cached_property
    def _smaller(self) -> dict[frozenset[int], tuple[JoinStep, Index]]:
        return {}

    @cached_property
    def _leaf_places(self) -> dict[frozenset[int], Index]:
        return {}

    def _leave_out(self, sides: frozenset[int]) -> tuple[JoinStep, Index]:
        shift = {0: 0, 1: 0}
        remaining: dict[int, Piece] = {}
        for k in sorted(range(len(self.pieces)), key=lambda k: self.pieces[k].start):
            piece = self.pieces[k]
            if self.ends and self.ends[k] in sides:
                shift[piece.part] += piece.size
            else:
                remaining[k] = piece._replace(start=piece.start - shift[piece.part])
        ports = np.concatenate([
            *(np.arange(joint.start, joint.stop) for k, joint in enumerate(self._joint_spans) if k in remaining),
            np.arange(self.boundary, self.total),
        ])  # fmt: skip
        numbers = sorted(remaining)
        step = JoinStep(
            self.shared, ports.size - self.shared, self.ports_a - shift[0], self.ports_b - shift[1],
            tuple(remaining[k] for k in numbers), tuple(self.ends[k] for k in numbers) if self.ends else (),
        )  # fmt: skip
        return step, ports

    @cached_property
    def _joint_spans(self) -> list[slice]:
        """Where the pieces stand in the joint network."""
        starts = np.cumsum((0, *(piece.size for piece in self.pieces))).tolist()
        return [slice(at, at + piece.size) for at, piece in zip(starts, self.pieces, strict=False)]

    def spans(self, part: int) -> list[tuple[slice, slice]]:
        """Where kept ports stand in the joint network, and where in one of the two parts."""
        return [
            (joint, slice(piece.start, piece.start + piece.size))
            for joint, piece in zip(self._joint_spans, self.pieces, strict=True)
            if piece.part == part
        ]


@lru_cache(maxsize=4096)
def join_step(shape_a: Shape, shape_b: Shape, order: Sides, horizontal: bool) -> JoinStep:
    """Join b to the right of a (``horizontal``) or below it, to a block with its ports in ``order``."""
    orders = part_orders(order, horizontal)
    parts = (shape_a, shape_b)
    starts = [dict(zip(own, np.cumsum((0, *(part.counts[side] for side in own))).tolist(), strict=False))
              for own, part in zip(orders, parts, strict=True)]  # fmt: skip
    pieces, ends = [], []
    for side in order:
        parts_of = {LEFT: (0,), RIGHT: (1,)} if horizontal else {TOP: (0,), BOTTOM: (1,)}
        for part in parts_of.get(side, (0, 1)):
            if parts[part].counts[side]:
                pieces.append(Piece(part, starts[part][side], parts[part].counts[side]))
                ends.append(_end(parts[part], side))
    shared = shape_a.rows if horizontal else shape_a.cols
    boundary = sum(piece.size for piece in pieces)
    return JoinStep(shared, boundary, shape_a.ports, shape_b.ports, tuple(pieces), tuple(ends))


def _end(shape: Shape, side: int) -> int:
    """Return the side whose terminals a block's ports there are, -1 where there is a neighbour."""
    edge = (shape.left, shape.right, shape.top, shape.bottom)[side]
    return side if edge == Edge.TERMINAL else -1


def part_orders(order: Sides, horizontal: bool) -> tuple[Sides, Sides]:
    """Return in which orders the ports of two parts must stand for a block whose own stand in ``order``."""
    last = (RIGHT, LEFT) if horizontal else (BOTTOM, TOP)
    first, second = ((*(side for side in order if side != shared), shared) for shared in last)
    return first, second


@lru_cache(maxsize=1024)
def leaf_step(shape: Shape, order: Sides) -> JoinStep:
    """Put a leaf's ports, which stand left, right, top, bottom, in ``order``."""
    starts = np.cumsum((0, *shape.counts)).tolist()
    sides = tuple(side for side in order if shape.counts[side])
    pieces = tuple(Piece(0, starts[side], shape.counts[side]) for side in sides)
    return JoinStep(0, shape.ports, shape.ports, 0, pieces, tuple(_end(shape, side) for side in sides))


@dataclass(frozen=True)
class Cut:
    """A rectangle of leaves: their heights and widths, and what lies beyond its sides.

    Attributes
    ----------
    heights, widths : tuple of int
        Rows and columns of its leaves.
    edges : tuple of Edge
        Left, right, top, bottom.
    """

    heights: Sizes
    widths: Sizes
    edges: Edges

    @property
    def shape(self) -> Shape:
        """The block that it is."""
        return Shape(sum(self.heights), sum(self.widths), *self.edges)

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return sum(self.heights) * sum(self.widths)

    @property
    def single(self) -> bool:
        """Whether it is one leaf."""
        return len(self.heights) == len(self.widths) == 1

    def halves(self) -> tuple[Cut, Cut, bool]:
        """Cut the longer side in two between leaves; return the halves and whether they lie side by side."""
        left, right, top, bottom = self.edges
        between = Edge.NEIGHBOUR
        if len(self.widths) > 1 and (len(self.heights) == 1 or sum(self.widths) >= sum(self.heights)):
            middle = (len(self.widths) + 1) // 2
            return (
                Cut(self.heights, self.widths[:middle], (left, between, top, bottom)),
                Cut(self.heights, self.widths[middle:], (between, right, top, bottom)),
                True,
            )
        middle = (len(self.heights) + 1) // 2
        return (
            Cut(self.heights[:middle], self.widths, (left, right, top, between)),
            Cut(self.heights[middle:], self.widths, (left, right, between, bottom)),
            False,
        )


@dataclass(frozen=True)
class Leaf:
    """Where a leaf lies: its shape, first row and first column."""

    shape: Shape
    top: int
    left: int


@dataclass(frozen=True)
class Tree:
    """What one compiled call joins (:func:`kron.merge_tree`).

    Attributes
    ----------
    steps : int64, (count, width)
        In turn, the last one's the whole block.
    joins : tuple of JoinStep
        The same.
    leaves : tuple of Leaf
        As the steps count them, their rows and columns counted from the tree's first.
    ports : int
        Of the whole block.
    store, rows, roots : int
        Numbers that blocks take which are not yet joined, and that all joins can keep.
    widest, most_rows : int
        Most ports of a joint network, most numbers that one join keeps.
    """

    steps: Index
    joins: tuple[JoinStep, ...]
    leaves: tuple[Leaf, ...]
    ports: int
    store: int
    rows: int
    roots: int
    widest: int
    most_rows: int


@lru_cache(maxsize=256)
def tree(cut: Cut, order: Sides) -> Tree:
    """Plan how a rectangle's leaves are joined, to a block with its ports in ``order``."""
    listed: list[tuple[JoinStep, tuple[int, int], tuple[int, int] | None, tuple[int, int] | None, int]] = []
    leaves: list[Leaf] = []
    slots: dict[tuple[int, int], int] = {}

    def plan(part: Cut, order: Sides, top: int, left: int, slot: tuple[int, int]) -> None:
        """Append the steps of ``part``: its couplings go to a place that all of its depth and half share."""
        shape = part.shape
        if part.single:
            listed.append((leaf_step(shape, order), slot, None, None, len(leaves)))
            leaves.append(Leaf(shape, top, left))
        else:
            a, b, horizontal = part.halves()
            orders = part_orders(order, horizontal)
            below = (slot[0] + 1, 0), (slot[0] + 1, 1)
            plan(a, orders[0], top, left, below[0])
            shift = (0, a.shape.cols) if horizontal else (a.shape.rows, 0)
            plan(b, orders[1], top + shift[0], left + shift[1], below[1])
            listed.append((join_step(a.shape, b.shape, order, horizontal), slot, *below, 0))
        slots[slot] = max(slots.get(slot, 0), shape.ports**2)

    plan(cut, order, 0, 0, (0, 0))
    # The whole block has an array of its own.
    slots[0, 0] = 0
    starts = dict(zip(slots, np.cumsum((0, *slots.values())).tolist(), strict=False))
    rows = roots = 0
    lines = []
    for step, out, a, b, leaf in listed:
        first, second = (leaf, 0) if a is None or b is None else (starts[a], starts[b])
        lines.append(step.row(first, second, starts[out], rows, roots))
        rows += step.shared * step.total
        roots += step.shared
    steps = tuple(step for step, *_ in listed)
    return Tree(
        np.array(lines, np.int64),
        steps,
        tuple(leaves),
        cut.shape.ports,
        sum(slots.values()),
        rows,
        roots,
        max(step.total for step in steps),
        max(step.shared * step.total for step in steps),
    )
