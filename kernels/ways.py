"""A reduction that keeps the ways from every cell up to the terminals, laid out for :mod:`upward`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xbarsim.kernels import leaves, upward
from xbarsim.kernels.blocks import Index, Schedule, Shape, leaf_schedule
from xbarsim.kernels.reduction import Array, Reduction, Runner, _Block, in_turn
from xbarsim.kernels.upward import Way

_LANES = 8
"""Leaves reduced side by side: each of their steps has storage of its own."""


@dataclass(frozen=True)
class _LeafWays:
    """What all leaves of one shape have in common.

    Attributes
    ----------
    table : (steps, 8)
        A :class:`Way` for each step of the schedule; all that starts somewhere counts from the leaf's own.
    rows, roots : int64
        Where in a leaf's storage these lie.
    cells : (rows, cols, 3)
        The step of each cell, and the places of its word and its bit node in that.
    """

    table: Index
    places: Index
    rows: Index
    roots: Index
    cells: Index


@lru_cache(maxsize=64)
def _leaf_ways(shape: Shape) -> _LeafWays:
    plan: Schedule = leaf_schedule(shape, True)
    steps, count = plan.steps, plan.steps.shape[0]
    table = np.zeros((count, len(Way._fields)), np.int64)
    cells = np.zeros((shape.rows, shape.cols, 3), np.int64)
    rows: list[Index] = []
    roots: list[Index] = []
    at = {int(step[leaves.OUT]): s for s, step in enumerate(steps)}
    table[-1, upward.PARENT] = -1
    row_start = root_start = current_start = 0
    for s, step in enumerate(steps):
        out, total, ports = (int(step[k]) for k in (leaves.OUT, leaves.TOTAL, leaves.BOUNDARY))
        table[s, [upward.TOTAL, upward.PORTS]] = total, ports
        table[s, [upward.ROWS, upward.ROOTS, upward.CURRENTS]] = row_start, root_start, current_start
        eliminated = np.arange(ports, total)
        rows.append((out + eliminated[:, None] * total + np.arange(total)).ravel())
        roots.append(out + eliminated * total + eliminated)
        row_start += rows[-1].size
        root_start += eliminated.size
        current_start += total
        if step[leaves.CELL]:
            cells[step[leaves.ROW], step[leaves.COL]] = s, *plan.places[step[leaves.PLACES_A] :][:2]
        else:
            for part, place in ((leaves.A, leaves.PLACES_A), (leaves.B, leaves.PLACES_B)):
                table[at[int(step[part])], [upward.PARENT, upward.PLACES]] = s, step[place]
    return _LeafWays(table, plan.places, np.concatenate(rows), np.concatenate(roots), cells)


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
        self._leaf_numbers: dict[int, tuple[Array, Array]] = {}
        super().__init__(g, cw, cb, keep=True, run=run)
        where = {
            id(block): (shape, int(top), int(left))
            for shape, group in self._leaves.items()
            for block, top, left in zip(group.blocks, group.top, group.left, strict=True)
        }
        cells = np.empty((*g.shape, 3), np.int64)
        tables: list[Index] = []
        pools: dict[Shape, int] = {}
        places: list[Index] = []
        rows: list[Array] = []
        roots: list[Array] = []
        starts = dict.fromkeys(("blocks", "rows", "roots", "currents", "places"), 0)
        numbers: dict[int, int] = {}

        def append(table: Index, block_rows: Array, block_roots: Array) -> None:
            tables.append(table)
            rows.append(block_rows)
            roots.append(block_roots)
            starts["blocks"] += table.shape[0]
            starts["rows"] += block_rows.size
            starts["roots"] += block_roots.size
            starts["currents"] += int(table[:, upward.TOTAL].sum())

        def pool(index: Index) -> int:
            places.append(index)
            starts["places"] += index.size
            return starts["places"] - index.size

        for block in self._inwards(self._root):
            offsets = np.array([0, 0, 0, 0, starts["rows"], starts["roots"], 0, starts["currents"]])
            if block.parts is None:
                shape, top, left = where[id(block)]
                ways = _leaf_ways(shape)
                if shape not in pools:
                    pools[shape] = pool(ways.places)
                offsets[[upward.PARENT, upward.PLACES]] = starts["blocks"], pools[shape]
                inner = slice(top, top + shape.rows), slice(left, left + shape.cols)
                cells[inner] = ways.cells
                cells[inner][..., 0] += starts["blocks"]
                append(ways.table + offsets, *self._leaf_numbers.pop(id(block)))
            else:
                how = block.how
                assert how is not None
                assert block.rows is not None
                assert block.inverse is not None
                way = Way(-1, 0, how.total, how.boundary, 0, 0, 0, 0)
                for part, index in zip(block.parts, (how.first, how.second), strict=True):
                    tables[numbers[id(part)]][-1, [upward.PARENT, upward.PLACES]] = starts["blocks"], pool(index)
                append(np.array([way]) + offsets, block.rows.ravel(), np.sqrt(block.inverse))
                block.rows = block.inverse = None
            numbers[id(block)] = len(tables) - 1
        self.cells: Index = cells.reshape(-1, 3)
        self.table: Index = np.concatenate(tables)
        self.places: Index = np.concatenate(places)
        self.rows: Array = np.concatenate(rows)
        self.roots: Array = np.concatenate(roots)
        self.table[-1, upward.PARENT] = -1
        upward.prepare(self.table, self.rows, self.roots)
        eliminated = self.table[:, upward.TOTAL] - self.table[:, upward.PORTS]
        self.length = int((self.table[:, upward.PATH] + eliminated).max())
        self.widest = int(self.table[:, upward.TOTAL].max())
        self._root.parts = None

    @staticmethod
    def _inwards(root: _Block) -> Iterator[_Block]:
        """Yield all blocks, parts before the whole and the cells of each block together."""
        pending = [(root, False)]
        while pending:
            block, ready = pending.pop()
            if ready or block.parts is None:
                yield block
            else:
                pending += [(block, True), (block.parts[1], False), (block.parts[0], False)]

    def _lane_groups(self, lanes: int = _LANES) -> list[tuple[Shape, list[_Block], Index, Index]]:
        return super()._lane_groups(lanes)

    def _reduce_leaves(self, group: tuple[Shape, list[_Block], Index, Index]) -> None:
        shape, blocks, top, left = group
        plan, ways = leaf_schedule(shape, True), _leaf_ways(shape)
        store = np.empty((plan.entries, top.size))
        out = np.empty((top.size, shape.ports, shape.ports))
        leaves.reduce_leaves(plan.steps, plan.places, *self._circuit, top, left, store, out)
        rows, roots = np.ascontiguousarray(store[ways.rows].T), np.sqrt(store[ways.roots].T)
        for k, block in enumerate(blocks):
            block.couplings = out[k]
            self._leaf_numbers[id(block)] = rows[k], np.ascontiguousarray(roots[k])
