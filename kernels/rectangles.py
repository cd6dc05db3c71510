"""A rectangle of the crossbar's cells, reduced to its ports: leaves side by side, then joins from the bottom up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import kron, lane_leaves
from xbarsim.kernels.regions import Alike, Merge, Planted, RectanglePlan, Region
from xbarsim.kernels.trees import JoinStep

Array = NDArray[np.float64]
Circuit = tuple[Array, Array, Array]

LANES = 8
"""Leaves reduced side by side."""

Runner = Callable[[Callable[[Any], None], Iterable[Any]], None]
"""Does independent tasks, ``runner(work, tasks)``: in turn, or side by side, since kernels release the GIL."""


class Descent(Protocol):
    """What is handed from a block's ports down to its leaves, and what these do with it.

    Attributes
    ----------
    lanes : int
        Most leaves that ``fill`` gets at a time.
    """

    lanes: int

    def part(self, step: JoinStep, value: Array, rows: Array, roots: Array) -> tuple[Array, Array]:
        """Hand a join's value on to its two blocks, with what :func:`kron.merge` kept of it."""

    def settle(self, step: JoinStep, value: Array) -> Array:
        """Put a leaf's value in the leaf's own order of ports, which ``step`` changed."""

    def fill(self, group: Alike, values: list[Array]) -> None:
        """Do what leaves of one shape do, in whose order the values are."""


class Ascent(Protocol):
    """What is carried from leaves up to the ports of the whole.

    Attributes
    ----------
    lanes : int
        Most leaves that ``leaf`` gets at a time.
    """

    lanes: int

    def leaf(self, group: Alike) -> Array:
        """Return the values of leaves of one shape, the first index over leaves, in their own order of ports."""

    def settle(self, step: JoinStep, value: Array) -> Array:
        """Put a leaf's value in the order of ports that ``step`` has."""

    def join(self, step: JoinStep, a: Array, b: Array, rows: Array, roots: Array) -> Array:
        """Join the values of two blocks, with what :func:`kron.merge` kept of them."""


def in_turn(work: Callable[[Any], None], tasks: Iterable[Any]) -> None:
    """Do one task after the other."""
    for task in tasks:
        work(task)


class Rectangle:
    """A rectangle reduced to its ports left, right, top, bottom.

    Parameters
    ----------
    circuit : g, cw, cb
        As those of :class:`reduction.Reduction`.
    plan : RectanglePlan
        Its leaves and joins.
    top : int
        Its first row; it begins at the first column.
    keep : bool
        Keep what ``descend`` needs.
    run : Runner
        Reduces blocks; the result does not depend on the order.

    Attributes
    ----------
    couplings : (ports, ports)
        Siemens between the ports, lower triangle.
    remains : dict
        With ``keep``, by the numbers of trees and of blocks above, what :func:`kron.merge` left of their joins.
    """

    def __init__(self, circuit: Circuit, plan: RectanglePlan, top: int, *, keep: bool, run: Runner) -> None:
        self._circuit = circuit
        self._plan = plan
        self._top = top
        self._keep = keep
        self._run = run
        self._blas = kron.blas_addresses()
        self._stores = lane_leaves.Stores()
        self._blocks: dict[int, Array] = {}
        self.remains: dict[int, tuple[Array, Array]] = {}
        for region in plan.regions:
            self._reduce_region(region)
        for level in plan.levels:
            run(self._merge, level)
        self.couplings = self._blocks.pop(plan.root).reshape(plan.ports, plan.ports)

    def _reduce_region(self, region: Region) -> None:
        out = np.empty(region.numbers)

        def reduce(group: Alike) -> None:
            shape, count = group.shape, group.top.size
            couplings = out[group.start : group.start + count * shape.ports**2].reshape(count, shape.ports, shape.ports)
            lane_leaves.reduce_leaves(self._stores, self._circuit, shape, group.top + self._top, group.left, couplings)

        self._run(reduce, in_lanes(region, LANES))
        self._run(lambda planted: self._join_tree(planted, out), region.trees)
        for level in region.levels:
            self._run(self._merge, level)

    def _join_tree(self, planted: Planted, leaf_couplings: Array) -> None:
        plan = planted.tree
        out = np.empty(plan.ports**2)
        rows = np.empty(plan.rows if self._keep else plan.most_rows)
        roots = np.empty(plan.roots)
        kron.merge_tree(
            plan.steps, leaf_couplings, planted.sources, np.empty(plan.store), out, self._keep, rows, roots,
            np.empty(kron.work_size(plan.widest)), *self._blas,
        )  # fmt: skip
        self._blocks[planted.out] = out
        if self._keep:
            self.remains[planted.out] = rows, roots

    def _merge(self, merge: Merge) -> None:
        step = merge.step
        out = np.empty(step.boundary**2)
        rows, roots = np.empty(step.shared * step.total), np.empty(step.shared)
        work = np.empty(kron.work_size(step.total))
        kron.merge(step.line, self._blocks.pop(merge.a), self._blocks.pop(merge.b), out, rows, roots, work, *self._blas)
        self._blocks[merge.out] = out
        if self._keep:
            self.remains[merge.out] = rows, roots

    def descend(self, value: Array, descent: Descent) -> None:
        """Hand ``value``, in the order of ports that ``couplings`` has, down to all leaves; needs ``keep``."""
        values = {self._plan.root: value}

        def part(merge: Merge) -> None:
            a, b = descent.part(merge.step, values.pop(merge.out), *self.remains[merge.out])
            values[merge.a], values[merge.b] = a, b

        def descend_region(region: Region) -> None:
            settled: dict[int, Array] = {}
            for level in reversed(region.levels):
                self._run(part, level)

            def descend_tree(planted: Planted) -> None:
                self._descend_tree(planted, values.pop(planted.out), descent, settled)

            def fill(group: Alike) -> None:
                descent.fill(group, [settled.pop(int(k)) for k in group.leaves])

            self._run(descend_tree, region.trees)
            self._run(fill, in_lanes(region, descent.lanes))

        for level in reversed(self._plan.levels):
            self._run(part, level)
        for region in self._plan.regions:
            descend_region(region)

    def ascend(self, ascent: Ascent) -> Array:
        """Carry what leaves have up to the ports, in the order that ``couplings`` has; needs ``keep``."""
        values: dict[int, Array] = {}

        def join(merge: Merge) -> None:
            a, b = values.pop(merge.a), values.pop(merge.b)
            values[merge.out] = ascent.join(merge.step, a, b, *self.remains[merge.out])

        for region in self._plan.regions:
            leaves: dict[int, Array] = {}

            def start(group: Alike, leaves: dict[int, Array] = leaves) -> None:
                leaves.update(zip(group.leaves.tolist(), ascent.leaf(group), strict=True))

            def ascend_tree(planted: Planted, leaves: dict[int, Array] = leaves) -> None:
                values[planted.out] = self._ascend_tree(planted, leaves, ascent)

            self._run(start, in_lanes(region, ascent.lanes))
            self._run(ascend_tree, region.trees)
            for level in region.levels:
                self._run(join, level)
        for level in self._plan.levels:
            self._run(join, level)
        return values.pop(self._plan.root)

    def _ascend_tree(self, planted: Planted, leaves: dict[int, Array], ascent: Ascent) -> Array:
        plan = planted.tree
        rows, roots = self.remains[planted.out]
        values: dict[int, Array] = {}
        value = np.empty((0, 0))
        for step, places in zip(plan.joins, plan.steps.tolist(), strict=True):
            if step.shared:
                at, at_roots = places[kron.ROWS], places[kron.ROOTS]
                remains = rows[at : at + step.shared * step.total], roots[at_roots : at_roots + step.shared]
                value = ascent.join(step, values.pop(places[kron.A]), values.pop(places[kron.B]), *remains)
            else:
                value = ascent.settle(step, leaves.pop(int(planted.leaves[places[kron.A]])))
            values[places[kron.C]] = value
        return value

    def _descend_tree(self, planted: Planted, value: Array, descent: Descent, settled: dict[int, Array]) -> None:
        plan = planted.tree
        rows, roots = self.remains[planted.out]
        waiting = [value]
        for step, places in zip(reversed(plan.joins), plan.steps[::-1].tolist(), strict=True):
            handed = waiting.pop()
            if step.shared:
                at, at_roots = places[kron.ROWS], places[kron.ROOTS]
                remains = rows[at : at + step.shared * step.total], roots[at_roots : at_roots + step.shared]
                waiting += descent.part(step, handed, *remains)
            else:
                settled[int(planted.leaves[places[kron.A]])] = descent.settle(step, handed)


def in_lanes(region: Region, lanes: int) -> Iterator[Alike]:
    """Cut a region's groups of leaves into such of at most ``lanes``."""
    for group in region.groups:
        for k in range(0, group.leaves.size, lanes):
            part = slice(k, k + lanes)
            start = group.start + k * group.shape.ports**2
            yield Alike(group.shape, group.leaves[part], group.top[part], group.left[part], start)
