"""A rectangle of leaves cut into regions and trees (:mod:`trees`), and the joins above them level by level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.blocks import Shape
from xbarsim.kernels.trees import CANONICAL, Cut, JoinStep, Leaf, Sides, Tree, join_step, part_orders, tree

Index = NDArray[np.int64]

TREE_CELLS = 128 * 128
"""Most cells of a tree: its blocks stay in the cache, and large arrays have enough trees for all threads."""

REGION_CELLS = 256 * 256
"""Most cells of a region: enough leaves of one shape to fill the lanes, few enough to stay near."""


@dataclass(frozen=True)
class Merge:
    """Two blocks joined outside a tree; blocks have numbers."""

    step: JoinStep
    a: int
    b: int
    out: int


@dataclass(frozen=True)
class Planted:
    """A tree in its place.

    Attributes
    ----------
    leaves : int64
        Which of the region's leaves its own are.
    sources : int64
        Where their couplings begin.
    out : int
        The block's number.
    """

    tree: Tree
    leaves: Index
    sources: Index
    out: int


@dataclass(frozen=True)
class Alike:
    """Leaves of one shape.

    Attributes
    ----------
    leaves : int64
        Which of the region's leaves they are.
    top, left : int64
        Their first rows and columns.
    start : int
        Where their couplings begin.
    """

    shape: Shape
    leaves: Index
    top: Index
    left: Index
    start: int


@dataclass(frozen=True)
class Region:
    """Leaves reduced side by side, trees of them, and the joins of these to one block.

    Attributes
    ----------
    leaves, numbers : int
        How many leaves there are, and numbers in their couplings.
    """

    groups: tuple[Alike, ...]
    trees: tuple[Planted, ...]
    levels: tuple[tuple[Merge, ...], ...]
    leaves: int
    numbers: int


@dataclass(frozen=True)
class RectanglePlan:
    """A rectangle of leaves from its regions up to one block, whose number is ``root``."""

    regions: tuple[Region, ...]
    levels: tuple[tuple[Merge, ...], ...]
    root: int
    ports: int


@dataclass
class _Levels:
    """Joins by their height above what is counted as 0."""

    merges: dict[int, list[Merge]] = field(default_factory=lambda: defaultdict(list))

    def listed(self) -> tuple[tuple[Merge, ...], ...]:
        return tuple(tuple(self.merges[height]) for height in sorted(self.merges))


Below = Callable[[Cut, Sides, int, int], int]
"""Plans a rectangle (with its ports in an order, its first row and column) and returns its block's number."""


@lru_cache(maxsize=64)
def rectangle_plan(cut: Cut) -> RectanglePlan:
    """Plan the whole reduction of a rectangle to its ports left, right, top, bottom."""
    numbers = count()
    regions: list[Region] = []

    def region(part: Cut, order: Sides, top: int, left: int) -> int:
        planted: list[tuple[Tree, list[Leaf], int]] = []

        def plant(part: Cut, order: Sides, top: int, left: int) -> int:
            plan = tree(part, order)
            leaves = [Leaf(leaf.shape, top + leaf.top, left + leaf.left) for leaf in plan.leaves]
            planted.append((plan, leaves, next(numbers)))
            return planted[-1][2]

        levels = _Levels()
        out, _ = _joins(part, order, (top, left), TREE_CELLS, plant, levels, numbers)
        regions.append(_region(planted, levels))
        return out

    levels = _Levels()
    root, _ = _joins(cut, CANONICAL, (0, 0), REGION_CELLS, region, levels, numbers)
    return RectanglePlan(tuple(regions), levels.listed(), root, cut.shape.ports)


def _joins(
    part: Cut, order: Sides, at: tuple[int, int], cells: int, below: Below, levels: _Levels, numbers: count[int]
) -> tuple[int, int]:
    """Plan a rectangle down to parts of at most ``cells``, which ``below`` plans; return its number and height."""
    if part.single or part.cells <= cells:
        return below(part, order, *at), 0
    a, b, horizontal = part.halves()
    orders = part_orders(order, horizontal)
    beyond = (at[0], at[1] + a.shape.cols) if horizontal else (at[0] + a.shape.rows, at[1])
    first, height = _joins(a, orders[0], at, cells, below, levels, numbers)
    second, second_height = _joins(b, orders[1], beyond, cells, below, levels, numbers)
    step = join_step(a.shape, b.shape, order, horizontal)
    merge = Merge(step, first, second, next(numbers))
    height = 1 + max(height, second_height)
    levels.merges[height].append(merge)
    return merge.out, height


def _region(planted: list[tuple[Tree, list[Leaf], int]], levels: _Levels) -> Region:
    leaves = [leaf for _, tree_leaves, _ in planted for leaf in tree_leaves]
    alike: dict[Shape, list[int]] = defaultdict(list)
    for number, leaf in enumerate(leaves):
        alike[leaf.shape].append(number)
    groups = []
    sources = np.empty(len(leaves), np.int64)
    start = 0
    for shape, members in alike.items():
        size = shape.ports**2
        sources[members] = start + size * np.arange(len(members))
        top, left = (np.array([getattr(leaves[k], name) for k in members], np.int64) for name in ("top", "left"))
        groups.append(Alike(shape, np.array(members, np.int64), top, left, start))
        start += size * len(members)
    trees = []
    first = 0
    for plan, tree_leaves, out in planted:
        numbers = np.arange(first, first + len(tree_leaves))
        trees.append(Planted(plan, numbers, sources[numbers], out))
        first += len(tree_leaves)
    return Region(tuple(groups), tuple(trees), levels.listed(), len(leaves), start)
