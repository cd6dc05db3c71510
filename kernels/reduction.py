"""The whole Kron reduction: leaves side by side, then joins level by level, and voltages on the way back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import kron, leaves
from xbarsim.kernels.blocks import Edge, Index, Join, Schedule, Shape, cuts, halve, join, leaf_schedule

Array = NDArray[np.float64]

LANES = 16
"""Leaves reduced side by side."""

OVERHEAD = 1.3
"""What is really taken, of what the arrays of a reduction hold: work space, BLAS, blocks of unequal heights."""


def leaf_size(rows: int, cols: int) -> int:
    """Longest side of a leaf: large arrays have enough leaves to fill all lanes with larger ones."""
    return 8 if rows * cols <= 96 * 96 else 16


@dataclass
class _Block:
    """A rectangle of the crossbar: reduced, it shows ``couplings`` between its ports (lower triangle)."""

    shape: Shape
    height: int = 0
    couplings: Array | None = None
    parts: tuple[_Block, _Block] | None = None
    how: Join | None = None
    rows: Array | None = None
    inverse: Array | None = None
    port_voltages: Array | None = None


@dataclass
class _Leaves:
    """Leaves of one shape, reduced together."""

    blocks: list[_Block]
    top: Index
    left: Index


Runner = Callable[[Callable[[Any], None], Iterable[Any]], None]
"""Does independent tasks, ``runner(work, tasks)``: in turn, or side by side, since kernels release the GIL."""


def in_turn(work: Callable[[Any], None], tasks: Iterable[Any]) -> None:
    """Do one task after the other."""
    for task in tasks:
        work(task)


def memory(rows: int, cols: int, present: tuple[bool, bool, bool, bool], *, keep: bool) -> float:
    """Bytes that reducing ``rows`` x ``cols`` takes at most.

    Parameters
    ----------
    present : tuple of bool
        Which of the sides left, right, top and bottom have sources.
    keep : bool
        As that of :class:`Reduction`.
    """
    ends = [Edge.TERMINAL if tied else Edge.ABSENT for tied in present]
    whole = Shape(rows, cols, *ends)
    squares, rows_size = _squares(whole, leaf_size(rows, cols))
    # Blocks are there until they are joined: some two at a time, both of them at the top.
    most = max(
        max(joined, parts) + joined / 2 ** max(level - 1, 0) if level else joined + parts
        for level, (joined, parts) in enumerate(pairwise([*squares, 0]))
    )
    result = squares[0] + whole.ports**2
    return OVERHEAD * 8.0 * (max(most, result) + 3 * rows * cols + (rows_size if keep else 0))


@lru_cache(maxsize=4096)
def _squares(block: Shape, leaf: int) -> tuple[tuple[int, ...], int]:
    """Numbers in the joint couplings of each level's blocks, and in the rows that all joins can keep."""
    if block.rows <= leaf and block.cols <= leaf:
        return (block.ports**2,), 0
    a, b, horizontal = halve(block)
    shared = block.rows if horizontal else block.cols
    total = block.ports + shared
    (below, rows_a), (below_b, more) = _squares(a, leaf), _squares(b, leaf)
    levels = [sum(pair) for pair in zip_longest(below, below_b, fillvalue=0)]
    return (total**2, *levels), rows_a + more + shared * total


class Blocks:
    """A crossbar cut into leaves, and the blocks that they are joined to.

    Parameters
    ----------
    g, cw, cb, run
        As those of :class:`Reduction`.
    """

    def __init__(self, g: Array, cw: Array, cb: Array, run: Runner) -> None:
        self._circuit = (g, cw, cb)
        self._run = run
        left, right = bool(cw[:, 0].any()), bool(cw[:, -1].any())
        top, bottom = bool(cb[0].any()), bool(cb[-1].any())
        self.present = (left, right, top, bottom)
        leaf = leaf_size(*g.shape)
        self._row_cuts = cuts(g.shape[0], leaf)
        self._col_cuts = cuts(g.shape[1], leaf)
        self._leaves: dict[Shape, _Leaves] = {}
        self._levels: dict[int, list[_Block]] = defaultdict(list)

    def _join_all(self, keep: bool) -> None:
        """Reduce all leaves, then join what was planned."""
        self._run(self._reduce_leaves, self._lane_groups())
        for height in sorted(self._levels):
            self._run(lambda block: _join(block, keep), self._levels[height])

    def _plan(self, r0: int, r1: int, c0: int, c1: int) -> _Block:
        """Lay out the blocks of a rectangle of leaves, cutting the longer side in two."""
        rows, cols = self._row_cuts, self._col_cuts
        if r1 - r0 == 1 and c1 - c0 == 1:
            shape = self._leaf_shape(r0, c0)
            group = self._leaves.setdefault(shape, _Leaves([], np.empty(0, np.int64), np.empty(0, np.int64)))
            block = _Block(shape)
            group.blocks.append(block)
            group.top = np.append(group.top, rows[r0])
            group.left = np.append(group.left, cols[c0])
            return block
        horizontal = c1 - c0 > 1 and (r1 - r0 == 1 or cols[c1] - cols[c0] >= rows[r1] - rows[r0])
        if horizontal:
            middle = (c0 + c1 + 1) // 2
            parts = self._plan(r0, r1, c0, middle), self._plan(r0, r1, middle, c1)
        else:
            middle = (r0 + r1 + 1) // 2
            parts = self._plan(r0, middle, c0, c1), self._plan(middle, r1, c0, c1)
        how = join(parts[0].shape, parts[1].shape, horizontal)
        block = _Block(how.shape, 1 + max(part.height for part in parts), parts=parts, how=how)
        self._levels[block.height].append(block)
        return block

    def _leaf_shape(self, r: int, c: int) -> Shape:
        rows, cols = self._row_cuts, self._col_cuts
        ends = [Edge.TERMINAL if tied else Edge.ABSENT for tied in self.present]
        return Shape(
            int(rows[r + 1] - rows[r]),
            int(cols[c + 1] - cols[c]),
            Edge.NEIGHBOUR if c > 0 else ends[0],
            Edge.NEIGHBOUR if c < cols.size - 2 else ends[1],
            Edge.NEIGHBOUR if r > 0 else ends[2],
            Edge.NEIGHBOUR if r < rows.size - 2 else ends[3],
        )

    def _lane_groups(self, lanes: int = LANES) -> list[tuple[Shape, list[_Block], Index, Index]]:
        return [
            (shape, group.blocks[k : k + lanes], group.top[k : k + lanes], group.left[k : k + lanes])
            for shape, group in self._leaves.items()
            for k in range(0, len(group.blocks), lanes)
        ]

    def _reduce_leaves(self, group: tuple[Shape, list[_Block], Index, Index]) -> None:
        shape, blocks, top, left = group
        plan: Schedule = leaf_schedule(shape, False)
        store = np.empty((plan.entries, top.size))
        out = np.empty((top.size, shape.ports, shape.ports))
        leaves.reduce_leaves(plan.steps, plan.places, *self._circuit, top, left, store, out)
        for block, couplings in zip(blocks, out, strict=True):
            block.couplings = couplings


class Reduction(Blocks):
    """A crossbar reduced to its line ends.

    Parameters
    ----------
    g : (m, n)
        Cells in siemens.
    cw : (m, n+1)
        Couplings of word-line segments in siemens, the left end first and the right end last.
    cb : (m+1, n)
        Couplings of bit-line segments, the top end first.
    keep : bool
        Keep what ``voltages`` needs.
    run : Runner
        Reduces blocks; the result does not depend on the order.

    Attributes
    ----------
    couplings : (ports, ports)
        Siemens between the sources' terminals, symmetric, zero diagonal; ports are the left, right, top and
        bottom terminals of the sides in ``present``, all lines of a side in order.
    present : tuple of bool
        Which sides have at least one end that is not open.
    """

    def __init__(self, g: Array, cw: Array, cb: Array, *, keep: bool = False, run: Runner = in_turn) -> None:
        super().__init__(g, cw, cb, run)
        self._root = self._plan(0, self._row_cuts.size - 1, 0, self._col_cuts.size - 1)
        self._join_all(keep)
        assert self._root.couplings is not None
        self.couplings: Array = np.empty((self._root.shape.ports, self._root.shape.ports))
        kron.symmetric(self._root.couplings, self.couplings)
        # What voltages needs are the rows that each join kept.
        self._root.couplings = None

    def voltages(self, terminals: Array) -> tuple[Array, Array]:
        """Word- and bit-node voltages for terminal voltages (batch, ports); needs ``keep``.

        Each is (2, batch, m, n), numbers and what their rounding left of the voltage. Nodes of islands get 0.
        """
        g = self._circuit[0]
        batch = terminals.shape[0]
        self._spread(terminals, pairs=True)
        v, u = np.empty((2, 2, batch, *g.shape))

        def fill(group: tuple[Shape, list[_Block], Index, Index]) -> None:
            shape, blocks, top, left = group
            plan = leaf_schedule(shape, True)
            store, x = np.empty((plan.entries, top.size)), np.empty((2, plan.voltages, top.size))
            ports = np.stack([block.port_voltages for block in blocks], axis=-1)  # type: ignore[misc]
            ports = np.ascontiguousarray(ports.transpose(0, 2, 1, 3))
            leaves.leaf_voltages(plan.steps, plan.places, *self._circuit, top, left, store, x, ports, v, u)

        # Every step keeps storage of its own on the way back, so fewer leaves share a pass.
        self._run(fill, self._lane_groups(LANES // 2))
        return v, u

    def _spread(self, terminals: Array, *, pairs: bool = False) -> None:
        """Leave every leaf with its ports' voltages (ports, batch) for terminal voltages (batch, ports).

        As ``pairs`` they are (2, ports, batch).
        """
        volts = np.ascontiguousarray(terminals.T)
        self._root.port_voltages = np.stack([volts, np.zeros_like(volts)]) if pairs else volts
        for height in sorted(self._levels, reverse=True):
            self._run(_extend, self._levels[height])

    def sensitivity(self, rows: Array, cols: Array, weights: Array) -> Array:
        """Return ``sum_kl weights[k, l] d_k d_l`` at every cell, (m, n); needs ``keep``.

        d_k is the voltage across the cell for terminal voltages ``rows[k]`` (K, ports), d_l for ``cols[l]`` (L, ports);
        ``weights`` is (K, L). Below the leaves' ports nothing depends on how many there are: a leaf's cells see
        ``weights`` as a form in its ports' voltages.
        """
        gradient = np.zeros(self._circuit[0].shape)
        self._spread(np.concatenate([rows, cols]))
        count = rows.shape[0]

        def fill(group: tuple[Shape, list[_Block], Index, Index]) -> None:
            shape, blocks, top, left = group
            plan = leaf_schedule(shape, True)
            store, x = np.empty((plan.entries, top.size)), np.empty((plan.voltages, top.size))
            ports = np.stack([block.port_voltages for block in blocks])  # type: ignore[misc]
            form = ports[:, :, :count] @ (weights @ ports[:, :, count:].transpose(0, 2, 1))
            form = np.ascontiguousarray(form.transpose(1, 2, 0))
            drops = np.empty((shape.rows * shape.cols, form.shape[0], top.size))
            leaves.leaf_gradients(plan.steps, plan.places, *self._circuit, top, left, store, x, form, drops, gradient)

        self._run(fill, self._lane_groups(LANES // 2))
        return gradient


def _join(block: _Block, keep: bool) -> None:
    assert block.parts is not None
    assert block.how is not None
    a, b = block.parts
    how = block.how
    joint = np.zeros((how.total, how.total))
    inverse = np.empty(how.total - how.boundary)
    kron.merge(
        a.couplings, a.shape.ports, how.first, b.couplings, b.shape.ports, how.second, how.boundary, joint, inverse,
        np.empty((kron.PANEL, how.total)), kron.dsyrk_address(),
    )  # fmt: skip
    block.couplings = joint
    a.couplings = b.couplings = None
    if keep:
        block.rows, block.inverse = joint[how.boundary :].copy(), inverse


def _extend(block: _Block) -> None:
    """Hand a block's port voltages, (ports, batch) or as pairs (2, ports, batch), on to its two parts."""
    assert block.parts is not None
    assert block.how is not None
    assert block.rows is not None
    assert block.inverse is not None
    assert block.port_voltages is not None
    how, ports = block.how, block.port_voltages
    x = np.empty((*ports.shape[:-2], how.total, ports.shape[-1]))
    x[..., : how.boundary, :] = ports
    if x.ndim == 2:
        kron.extend(block.rows, block.inverse, x)
    else:
        kron.extend_pairs(block.rows, block.inverse, x[0], x[1])
    block.parts[0].port_voltages = x.take(how.first, axis=-2)
    block.parts[1].port_voltages = x.take(how.second, axis=-2)
    block.port_voltages = None
