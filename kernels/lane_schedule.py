"""How crossbars of one shape are reduced side by side: their leaves, and what is joined in which order.

Plain Python and index arrays only; what is done with them is in :mod:`lanes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.blocks import Edge, Shape, halve

Index = NDArray[np.int64]

LEAF = 4
"""Longest side of a leaf."""


class LaneStep(NamedTuple):
    """A row of a schedule: a leaf, or two blocks joined and the ports between them eliminated.

    Attributes
    ----------
    leaf : int
        1 for a leaf, 0 for a join.
    out, ports : int
        Where its couplings go, a square of that side, of which the lower triangle counts.
    places : int
        Where in the schedule's places its list starts: a leaf's program, or a join's runs of kept ports.
    row, col : int
        A leaf's first cell.
    runs : int
        How many runs of kept ports a join has: (start, count, 1 if of the second part, start in the part) each.
    shared, rows, ld : int
        How many ports are eliminated, and where their rows go, of that length each.
    a, ports_a, shared_a, b, ports_b, shared_b : int
        Where the parts' couplings are, how many ports they have, and the first of those they share.
    d, links : int
        Where derivatives by the couplings of eliminated nodes go, laid out as their rows; and where in the places the
        list starts that says where those by the ports' couplings are. It is the number of sides with ports; their
        number of ports each; and for each two sides, (0, 0), (1, 0), (1, 1), ..., the place of their first ports'
        and the steps by a port of the one and of the other. A place below 0: there are none but 0.
    """

    leaf: int
    out: int
    ports: int
    places: int
    row: int = 0
    col: int = 0
    runs: int = 0
    shared: int = 0
    rows: int = 0
    ld: int = 0
    a: int = 0
    ports_a: int = 0
    shared_a: int = 0
    b: int = 0
    ports_b: int = 0
    shared_b: int = 0
    d: int = 0
    links: int = 0


@dataclass(frozen=True)
class LaneSchedule:
    """The steps that reduce a crossbar, each after those of its parts, and the work space they take.

    Attributes
    ----------
    shape : Shape
        The crossbar.
    steps : (count, 18)
        A row is a :class:`LaneStep`.
    places : int64
        Lists that the steps refer to.
    entries : int
        Numbers of storage, a lane.
    """

    shape: Shape
    steps: Index
    places: Index
    entries: int


class _Storage:
    """Where things are kept: blocks of one depth follow each other, and reuse each other's place if they may."""

    def __init__(self, start: int = 0) -> None:
        self.end = start
        self._blocks: dict[tuple[int, int], tuple[int, int]] = {}

    def place(self, size: int, key: tuple[int, int] | None = None) -> int:
        """Return a place for ``size`` numbers, the one of an earlier call with this key if it is large enough."""
        if key is not None and self._blocks.get(key, (0, -1))[1] >= size:
            return self._blocks[key][0]
        start = self.end
        self.end += size
        if key is not None:
            self._blocks[key] = (start, size)
        return start


@lru_cache(maxsize=256)
def lane_schedule(shape: Shape, keep: bool, every_port: bool = False) -> LaneSchedule:
    """Plan a crossbar's reduction, halving the longer side.

    Parameters
    ----------
    shape : Shape
        The crossbar.
    keep : bool
        Give the rows of all eliminated nodes places of their own, and make place for derivatives by the couplings
        between the left and the bottom ports, and by all that are inside.
    every_port : bool
        Derivatives are by the couplings between all ports, in the order left, right, top, bottom.
    """
    plan = _Plan(keep, every_port)
    plan.block(shape, 0, 0, 0, 0, plan.outermost(shape))
    steps = np.array(plan.steps, np.int64)
    # Couplings stand behind derivatives, rows behind couplings.
    steps[:, _COLUMN["out"]] += plan.derivatives.end
    for name in ("a", "b"):
        steps[steps[:, _COLUMN["leaf"]] == 0, _COLUMN[name]] += plan.derivatives.end
    steps[:, _COLUMN["rows"]] += plan.derivatives.end + plan.couplings.end
    entries = plan.derivatives.end + plan.couplings.end + plan.rows.end
    return LaneSchedule(shape, steps, np.array(plan.places, np.int64), entries)


_COLUMN = {name: k for k, name in enumerate(LaneStep._fields)}

_LEFT, _RIGHT, _TOP, _BOTTOM = range(4)

Links = dict[tuple[int, int], tuple[int, int, int]]
"""For two sides of a block: where derivatives by their ports' couplings are, and the steps by a port of each."""


class _Plan:
    """What has been planned so far."""

    def __init__(self, keep: bool, every_port: bool) -> None:
        self.keep = keep
        self.every_port = every_port
        self.steps: list[LaneStep] = []
        self.places: list[int] = []
        self.couplings, self.rows, self.derivatives = _Storage(), _Storage(), _Storage()
        self._programs: dict[Shape, tuple[int, int]] = {}

    def outermost(self, shape: Shape) -> Links:
        """Return the links of the whole crossbar: derivatives between left and bottom ports come first of all."""
        if not self.keep:
            return {}
        if self.every_port:
            self.derivatives.place(shape.ports**2)
            start = np.cumsum([0, *shape.counts]).tolist()
            pairs = [(side, partner) for side in range(4) for partner in range(side + 1)]
            return {pair: (start[pair[0]] * shape.ports + start[pair[1]], shape.ports, 1) for pair in pairs}
        self.derivatives.place(shape.counts[_LEFT] * shape.counts[_BOTTOM])
        return {(_BOTTOM, _LEFT): (0, 1, shape.counts[_BOTTOM])}

    def block(self, shape: Shape, row: int, col: int, depth: int, half: int, links: Links) -> LaneStep:
        """Append the steps of a block."""
        listed = len(self.places)
        if self.keep:
            sides = [side for side, count in enumerate(shape.counts) if count]
            self.places += [len(sides), *(shape.counts[side] for side in sides)]
            for k, side in enumerate(sides):
                for partner in sides[: k + 1]:
                    self.places += _link(links, side, partner) or (-1, 0, 0)
        make = self._leaf if max(shape.rows, shape.cols) <= LEAF else self._join
        step = make(shape, row, col, depth, half, links)._replace(links=listed)
        self.steps.append(step)
        return step

    def _leaf(self, shape: Shape, row: int, col: int, depth: int, half: int, links: Links) -> LaneStep:
        if shape not in self._programs:
            program = _program(shape)
            self._programs[shape] = len(self.places), program[0]
            self.places += program
        places, size = self._programs[shape]
        out = self.couplings.place(size, None if self.keep else (depth, half))
        d = self.derivatives.place(size, (-1, 0)) if self.keep else 0
        return LaneStep(1, out, shape.ports, places, row, col, d=d)

    def _join(self, shape: Shape, row: int, col: int, depth: int, half: int, links: Links) -> LaneStep:
        first, second, horizontal = halve(shape)
        shared = first.rows if horizontal else first.cols
        # An odd length: rows a multiple of 4 KB apart would crowd in a few places of the cache.
        ld = (shape.ports + shared) | 1
        rows = self.rows.place(shared * ld, None if self.keep else (0, 0))
        d = self.derivatives.place(shared * ld, (depth, 0)) if self.keep else 0
        inner = [self._inner(shape, links, d, ld, part, horizontal) for part in range(2)] if self.keep else [{}, {}]
        down, right = (0, first.cols) if horizontal else (first.rows, 0)
        a = self.block(first, row, col, depth + 1, 0, inner[0])
        b = self.block(second, row + down, col + right, depth + 1, 1, inner[1])
        starts = [np.cumsum([0, *part.counts]) for part in (first, second)]
        runs, start = [], 0
        for side in range(4):
            for part, block in enumerate((first, second)):
                if block.counts[side] and side != _meeting(part, horizontal):
                    runs += [start, block.counts[side], part, int(starts[part][side])]
                    start += block.counts[side]
        out = self.couplings.place(shape.ports**2, (depth, half))
        places = len(self.places)
        self.places += runs
        shared_a, shared_b = (int(starts[part][_meeting(part, horizontal)]) for part in range(2))
        return LaneStep(
            0, out, shape.ports, places, row, col, len(runs) // 4, shared, rows, ld,
            a.out, a.ports, shared_a, b.out, b.ports, shared_b, d,
        )  # fmt: skip

    def _inner(self, shape: Shape, links: Links, d: int, ld: int, part: int, horizontal: bool) -> Links:
        """Return the links of a part: between kept sides they are the whole's, else in the eliminated rows."""
        before, behind, _ = halve(shape)
        block, meeting = (before, behind)[part], _meeting(part, horizontal)
        across = (_TOP, _BOTTOM) if horizontal else (_LEFT, _RIGHT)
        first = before.cols if horizontal else before.rows
        offset = {side: first if part and side in across else 0 for side in range(4)}
        start = np.cumsum([0, *shape.counts])
        inner: Links = {(meeting, meeting): (d + shape.ports, ld, 1)}
        for side in range(4):
            if side != meeting and block.counts[side]:
                inner[meeting, side] = (d + int(start[side]) + offset[side], ld, 1)
                for partner in range(side + 1):
                    whole = _link(links, side, partner)
                    if partner != meeting and block.counts[partner] and whole is not None:
                        place, step, step_partner = whole
                        inner[side, partner] = (
                            place + offset[side] * step + offset[partner] * step_partner,
                            step,
                            step_partner,
                        )
        return inner


def _meeting(part: int, horizontal: bool) -> int:
    """Return the side at which a part meets the other one."""
    return ((_RIGHT, _LEFT) if horizontal else (_BOTTOM, _TOP))[part]


def _link(links: Links, side: int, partner: int) -> tuple[int, int, int] | None:
    """Return where derivatives between two sides are, and the steps by a port of the one and of the other."""
    if (side, partner) in links:
        return links[side, partner]
    if (partner, side) in links:
        place, step_partner, step = links[partner, side]
        return place, step, step_partner
    return None


Node = tuple[str, int, int]


def _network(shape: Shape) -> tuple[list[Node], list[tuple[Node, Node, int, int, int]]]:
    """Return a leaf's ports in order, and its couplings: two nodes, which array, and where in it."""
    m, p = shape.rows, shape.cols
    sides: list[tuple[Edge, list[Node], list[Node]]] = [
        (shape.left, [("word", i, 0) for i in range(m)], [("left", i, 0) for i in range(m)]),
        (shape.right, [("right", i, 0) for i in range(m)], [("right", i, 0) for i in range(m)]),
        (shape.top, [("bit", 0, j) for j in range(p)], [("top", 0, j) for j in range(p)]),
        (shape.bottom, [("bottom", 0, j) for j in range(p)], [("bottom", 0, j) for j in range(p)]),
    ]
    # A left or top port towards a neighbour is the leaf's own first node; the wire before it is the neighbour's.
    ports = [node for edge, own, outer in sides if edge for node in (own if edge == Edge.NEIGHBOUR else outer)]
    couplings: list[tuple[Node, Node, int, int, int]] = []
    for i in range(m):
        line: list[Node] = [("word", i, j) for j in range(p)]
        if shape.left == Edge.TERMINAL:
            couplings.append((("left", i, 0), line[0], 1, i, 0))
        couplings += [(line[j], line[j + 1], 1, i, j + 1) for j in range(p - 1)]
        if shape.right:
            couplings.append((line[-1], ("right", i, 0), 1, i, p))
    for j in range(p):
        line = [("bit", i, j) for i in range(m)]
        if shape.top == Edge.TERMINAL:
            couplings.append((("top", 0, j), line[0], 2, 0, j))
        couplings += [(line[i], line[i + 1], 2, i + 1, j) for i in range(m - 1)]
        if shape.bottom:
            couplings.append((line[-1], ("bottom", 0, j), 2, m, j))
    couplings += [(("word", i, j), ("bit", i, j), 0, i, j) for i in range(m) for j in range(p)]
    return ports, couplings


def _program(shape: Shape) -> list[int]:
    """Return a leaf's program.

    It is the size of the leaf's storage, the number of couplings and that of eliminated nodes; where each node's list
    starts; for each coupling (place, which array, row, column); and for each node, in the order of elimination, its
    row, its degree, and for each pair of its neighbours, (1, 0), (2, 0), (2, 1), ..., where their coupling is. A node
    of few neighbours goes first.
    """
    ports, couplings = _network(shape)
    neighbours: dict[Node, set[Node]] = {node: set() for node in ports}
    for a, b, *_ in couplings:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    rank = {node: k for k, node in enumerate(neighbours)}
    inner = [node for node in neighbours if node not in set(ports)]
    place: dict[frozenset[Node], int] = {
        frozenset((a, b)): i * len(ports) + j for i, a in enumerate(ports) for j, b in enumerate(ports[:i])
    }
    size = len(ports) ** 2
    order: list[tuple[int, list[Node]]] = []
    while inner:
        node = min(inner, key=lambda node: (len(neighbours[node]), rank[node]))
        inner.remove(node)
        around = sorted(neighbours[node], key=rank.__getitem__)
        order.append((size, around))
        place |= {frozenset((node, neighbour)): size + k for k, neighbour in enumerate(around)}
        size += len(around) + 1
        for neighbour in around:
            neighbours[neighbour] |= neighbours[node]
            neighbours[neighbour] -= {node, neighbour}
    program = [size, len(couplings), len(order), *[0] * len(order)]
    for a, b, *where in couplings:
        program += [place[frozenset((a, b))], *where]
    for k, (row, around) in enumerate(order):
        program[3 + k] = len(program)
        program += [row, len(around)]
        program += [place[frozenset((a, b))] for k, a in enumerate(around) for b in around[:k]]
    return program
