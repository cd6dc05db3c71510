"""A reduction that keeps the ways from every cell up to the terminals, laid out for :mod:`upward`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from xbarsim.kernels import leaves, upward
from xbarsim.kernels.blocks import Index, Schedule, Shape, leaf_schedule
from xbarsim.kernels.rectangles import Runner, in_lanes, in_turn
from xbarsim.kernels.reduction import Array, Reduction, whole
from xbarsim.kernels.regions import Alike, Region, rectangle_plan
from xbarsim.kernels.trees import JoinStep, Tree
from xbarsim.kernels.upward import Way

_LANES = 8
"""Leaves reduced side by side: each of their steps has storage of its own."""


BASE = 4
"""Longest side of the blocks whose nodes are all eliminated in one go: a way begins with the rows of two nodes."""


@dataclass(frozen=True)
class _LeafWays:
    """What all leaves of one shape have in common.

    Attributes
    ----------
    table : (blocks, 8)
        A :class:`Way` for each block; all that starts somewhere counts from the leaf's own.
    rows, roots : int64
        Where in a leaf's storage these lie; what is behind its end is 0.
    root_of_row : int64
        For each number of ``rows``, which root is its node's.
    cells : (rows, cols, 3)
        The block of each cell, and the places of its word and its bit node in that.
    """

    table: Index
    places: Index
    rows: Index
    roots: Index
    root_of_row: Index
    cells: Index


@lru_cache(maxsize=64)
def _leaf_ways(shape: Shape) -> _LeafWays:
    return _LeafBook(shape).ways()


class _LeafBook:
    """The ways of a leaf as they are written: parts before the whole."""

    def __init__(self, shape: Shape) -> None:
        self._plan: Schedule = leaf_schedule(shape, True)
        steps = self._plan.steps
        self._at = {int(step[leaves.OUT]): s for s, step in enumerate(steps)}
        self._ends = np.empty((steps.shape[0], 2), np.int64)
        for s, step in enumerate(steps):
            parts = [self._ends[part] for part, _ in self._parts(s)]
            self._ends[s] = np.max(parts, axis=0) if parts else (step[leaves.ROW] + 1, step[leaves.COL] + 1)
        self._cells = np.empty((shape.rows, shape.cols, 3), np.int64)
        self._ways: list[list[int]] = []
        self._rows: list[Index] = []
        self._roots: list[Index] = []
        self._starts = [0, 0, 0]
        self._block(steps.shape[0] - 1)

    def ways(self) -> _LeafWays:
        """Return what has been written."""
        table = np.array(self._ways, np.int64)
        eliminated = table[:, upward.TOTAL] - table[:, upward.PORTS]
        owner = np.repeat(np.arange(eliminated.sum()), np.repeat(table[:, upward.TOTAL], eliminated))
        rows, roots = np.concatenate(self._rows), np.concatenate(self._roots)
        return _LeafWays(table, self._plan.places, rows, roots, owner, self._cells)

    def _parts(self, s: int) -> list[tuple[int, int]]:
        """Return a step's parts, and where the places of their ports start."""
        step = self._plan.steps[s]
        if step[leaves.CELL]:
            return []
        sides = (leaves.A, leaves.PLACES_A), (leaves.B, leaves.PLACES_B)
        return [(self._at[int(step[part])], int(step[places])) for part, places in sides]

    def _block(self, s: int) -> int:
        """Write a step's block and what is below; return its number."""
        step = self._plan.steps[s]
        if (self._ends[s] - step[[leaves.ROW, leaves.COL]]).max() <= BASE:
            return self._base(s)
        parts = [(self._block(part), places) for part, places in self._parts(s)]
        for block, places in parts:
            self._ways[block][upward.PARENT], self._ways[block][upward.PLACES] = len(self._ways), places
        out, total, ports = (int(step[k]) for k in (leaves.OUT, leaves.TOTAL, leaves.BOUNDARY))
        eliminated = np.arange(ports, total)
        return self._append(ports, out + eliminated[:, None] * total + np.arange(total), out + eliminated * (total + 1))

    def _base(self, s: int) -> int:
        """Write a small block: nodes that go first come last."""
        steps, places = self._plan.steps, self._plan.places
        ports, count = int(steps[s, leaves.BOUNDARY]), int(steps[s, leaves.TOTAL])
        pending = [(s, np.arange(count))]
        lines: list[tuple[int, Index, Index]] = []
        while pending:
            t, nodes = pending.pop()
            step = steps[t]
            total = int(step[leaves.TOTAL])
            for k in range(int(step[leaves.BOUNDARY]), total):
                lines.append((int(nodes[k]), nodes[:k], step[leaves.OUT] + k * total + np.arange(k + 1)))
            if step[leaves.CELL]:
                ends = places[step[leaves.PLACES_A] :][:2]
                self._cells[step[leaves.ROW], step[leaves.COL]] = len(self._ways), *nodes[ends]
            for part, start in self._parts(t):
                boundary = int(steps[part, leaves.BOUNDARY])
                more = int(steps[part, leaves.TOTAL]) - boundary
                pending.append(
                    (part, np.concatenate([nodes[places[start : start + boundary]], np.arange(count, count + more)]))
                )
                count += more
        rows, roots = np.full((count - ports, count), self._plan.entries), np.empty(count - ports, np.int64)
        for node, before, where in lines:
            rows[node - ports, before] = where[:-1]
            roots[node - ports] = where[-1]
        return self._append(ports, rows, roots)

    def _append(self, ports: int, rows: Index, roots: Index) -> int:
        self._ways.append([*Way(-1, 0, rows.shape[1], ports, self._starts[0], self._starts[1], 0, self._starts[2])])
        self._rows.append(rows.ravel())
        self._roots.append(roots)
        for k, more in enumerate((rows.size, roots.size, rows.shape[1])):
            self._starts[k] += more
        return len(self._ways) - 1


class UpwardReduction(Reduction):
    """A crossbar reduced to its line ends, with the way of every cell.

    Parameters
    ----------
    g, cw, cb, run
        As those of :class:`Reduction`.

    Attributes
    ----------
    table, places, rows, roots
        As :class:`upward.Way` says.
    cells : (m * n, 3)
        Of each cell, row by row, its block, and the places of its word and its bit node in that.
    length, widest : int
        The most nodes that are eliminated on a way, and the most of a block's network.
    """

    def __init__(self, g: Array, cw: Array, cb: Array, *, run: Runner = in_turn) -> None:
        super().__init__(g, cw, cb, keep=True, run=run)
        plan = rectangle_plan(whole(*g.shape, self.present))
        remains, self._rectangle.remains = self._rectangle.remains, {}
        book = _Book(g.shape)
        blocks: dict[int, _Block] = {}
        for region in plan.regions:
            numbers = self._leaf_numbers(region, run)
            for planted in region.trees:
                leaves_of = [numbers[int(leaf)] for leaf in planted.leaves]
                blocks[planted.out] = book.tree(planted.tree, leaves_of, *remains.pop(planted.out))
            for level in region.levels:
                for merge in level:
                    parts = blocks.pop(merge.a), blocks.pop(merge.b)
                    blocks[merge.out] = book.join(merge.step, parts, *remains.pop(merge.out))
        for level in plan.levels:
            for merge in level:
                parts = blocks.pop(merge.a), blocks.pop(merge.b)
                blocks[merge.out] = book.join(merge.step, parts, *remains.pop(merge.out))
        self.cells: Index = book.cells.reshape(-1, 3)
        self.table: Index = np.concatenate(book.tables)
        self.places: Index = np.concatenate(book.places)
        self.rows: Array = np.concatenate(book.rows)
        self.roots: Array = np.concatenate(book.roots)
        self.table[-1, upward.PARENT] = -1
        upward.prepare(self.table, self.rows, self.roots)
        eliminated = self.table[:, upward.TOTAL] - self.table[:, upward.PORTS]
        self.length = int((self.table[:, upward.PATH] + eliminated).max())
        self.widest = int(self.table[:, upward.TOTAL].max())

    def _leaf_numbers(self, region: Region, run: Runner) -> dict[int, _LeafNumbers]:
        """Reduce a region's leaves once more, and keep the rows of all their nodes."""
        numbers: dict[int, _LeafNumbers] = {}

        def eliminate(group: Alike) -> None:
            plan, ways = leaf_schedule(group.shape, True), _leaf_ways(group.shape)
            store = np.zeros((plan.entries + 1, group.top.size))
            leaves.eliminate_leaves(plan.steps, plan.places, *self._circuit, group.top, group.left, store)
            roots = np.sqrt(store[ways.roots])
            rows = (store[ways.rows] * roots[ways.root_of_row]).T
            for k, leaf in enumerate(group.leaves):
                where = group.shape, int(group.top[k]), int(group.left[k])
                numbers[int(leaf)] = _LeafNumbers(*where, np.ascontiguousarray(rows[k]), roots[:, k].copy())

        run(eliminate, in_lanes(region, _LANES))
        return numbers


class _LeafNumbers(NamedTuple):
    """A leaf in its place, and the rows and roots of its eliminated nodes."""

    shape: Shape
    top: int
    left: int
    rows: Array
    roots: Array


class _Block(NamedTuple):
    """A block whose whole is still to come: its table, and a leaf's order of ports."""

    table: Index
    order: Index | None


class _Book:
    """The ways' tables as they are written: parts before the whole.

    Attributes
    ----------
    cells : (m, n, 3)
        As those of :class:`UpwardReduction`.
    tables, places, rows, roots : list of arrays
        To be joined.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.cells: Index = np.empty((*shape, 3), np.int64)
        self.tables: list[Index] = []
        self.places: list[Index] = []
        self.rows: list[Array] = []
        self.roots: list[Array] = []
        self._leaf_places: dict[Shape, int] = {}
        self._starts = dict.fromkeys(("blocks", "rows", "roots", "currents", "places"), 0)

    def tree(self, plan: Tree, numbers: list[_LeafNumbers], rows: Array, roots: Array) -> _Block:
        """Write a tree's leaves and joins."""
        waiting: list[_Block] = []
        leaf = start = start_root = 0
        for step in plan.joins:
            if step.shared == 0:
                waiting.append(self._leaf(numbers[leaf], step.places(0)))
                leaf += 1
                continue
            second, first = waiting.pop(), waiting.pop()
            end, end_root = start + step.shared * step.total, start_root + step.shared
            waiting.append(self.join(step, (first, second), rows[start:end], roots[start_root:end_root]))
            start, start_root = end, end_root
        return waiting[0]

    def join(self, step: JoinStep, parts: tuple[_Block, _Block], rows: Array, roots: Array) -> _Block:
        """Write a join, and its two parts' places in it."""
        for number, part in enumerate(parts):
            places = step.places(number)
            places = places if part.order is None else places[part.order]
            part.table[-1, [upward.PARENT, upward.PLACES]] = self._starts["blocks"], self._pool(places)
        table = np.array([Way(-1, 0, step.total, step.boundary, 0, 0, 0, 0)]) + self._offsets()
        return self._append(table, rows, roots, None)

    def _leaf(self, leaf: _LeafNumbers, order: Index) -> _Block:
        ways = _leaf_ways(leaf.shape)
        if leaf.shape not in self._leaf_places:
            self._leaf_places[leaf.shape] = self._pool(ways.places)
        offsets = self._offsets()
        offsets[[upward.PARENT, upward.PLACES]] = self._starts["blocks"], self._leaf_places[leaf.shape]
        inner = (
            slice(leaf.top, leaf.top + leaf.shape.rows),
            slice(leaf.left, leaf.left + leaf.shape.cols),
        )
        self.cells[inner] = ways.cells
        self.cells[inner][..., 0] += self._starts["blocks"]
        return self._append(ways.table + offsets, leaf.rows, leaf.roots, order)

    def _offsets(self) -> Index:
        return np.array([0, 0, 0, 0, self._starts["rows"], self._starts["roots"], 0, self._starts["currents"]])

    def _append(self, table: Index, rows: Array, roots: Array, order: Index | None) -> _Block:
        self.tables.append(table)
        self.rows.append(rows)
        self.roots.append(roots)
        self._starts["blocks"] += table.shape[0]
        self._starts["rows"] += rows.size
        self._starts["roots"] += roots.size
        self._starts["currents"] += int(table[:, upward.TOTAL].sum())
        return _Block(table, order)

    def _pool(self, index: Index) -> int:
        self.places.append(index)
        self._starts["places"] += index.size
        return self._starts["places"] - index.size
