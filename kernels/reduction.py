"""The whole Kron reduction of a crossbar to its line ends, and what it gives back: voltages, and gradients."""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest
from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import ports
from xbarsim.kernels.ascents import Form
from xbarsim.kernels.blocks import Edge, Shape, cuts, halve
from xbarsim.kernels.descents import Adjoint, Spread
from xbarsim.kernels.rectangles import LANES, Rectangle, Runner, in_turn
from xbarsim.kernels.regions import REGION_CELLS, TREE_CELLS, rectangle_plan
from xbarsim.kernels.trees import Cut, Edges

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Present = tuple[bool, bool, bool, bool]

OVERHEAD = 1.2
"""What is really taken, of what the arrays of a reduction hold: work space, BLAS, blocks of unequal heights."""


def leaf_size(rows: int, cols: int) -> int:
    """Longest side of a leaf: large arrays have enough leaves of one shape to fill all lanes with larger ones."""
    if rows * cols <= 96 * 96:
        return 8
    return 16 if rows * cols <= 300 * 300 else 32


def present_sides(cw: Array, cb: Array) -> Present:
    """Which of the sides left, right, top and bottom have an end that is not open."""
    return bool(cw[:, 0].any()), bool(cw[:, -1].any()), bool(cb[0].any()), bool(cb[-1].any())


@lru_cache(maxsize=256)
def whole(rows: int, cols: int, present: Present) -> Cut:
    """Cut a crossbar into leaves; ``present`` says which sides have sources."""
    leaf = leaf_size(rows, cols)
    heights, widths = (tuple(np.diff(cuts(lines, leaf)).tolist()) for lines in (rows, cols))
    left, right, top, bottom = (Edge.TERMINAL if tied else Edge.ABSENT for tied in present)
    edges: Edges = (left, right, top, bottom)
    return Cut(heights, widths, edges)


def memory(rows: int, cols: int, present: Present, *, keep: bool) -> float:
    """Bytes that reducing ``rows`` x ``cols`` takes at most, and, of what is kept, voltages of a vector or a gradient.

    Parameters
    ----------
    present : tuple of bool
        Which of the sides left, right, top and bottom have sources.
    keep : bool
        As that of :class:`Reduction`.
    """
    ends = [Edge.TERMINAL if tied else Edge.ABSENT for tied in present]
    block = Shape(rows, cols, *ends)
    leaf = min(leaf_size(rows, cols), max(rows, cols))
    blocks, joins, rows_kept = _numbers(block, leaf)
    # Blocks are there until they are joined: those of a level or of the one below, and a join at work.
    top = max(
        max(joined, parts) + (joined + work) / 2**level
        for level, (joined, work, parts) in enumerate(zip(blocks, joins, [*blocks[1:], 0], strict=True))
    )
    nearby, near = (rows * cols / 2 ** max(0, ceil(log2(rows * cols / limit))) for limit in (REGION_CELLS, TREE_CELLS))
    region = blocks[-1] + 16 * (nearby + (nearby if nearby > near else 0)) + 33 * near
    most = max(top, region, 2 * block.ports**2)
    if keep:
        most += rows_kept + block.ports**2 + joins[0]
    side_by_side = (120 if keep else 60) * LANES * leaf**2
    numbers: float = most + side_by_side + 3 * rows * cols
    return OVERHEAD * 8.0 * numbers


@lru_cache(maxsize=4096)
def _numbers(block: Shape, leaf: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Numbers in each level's blocks down to regions, in the rows of its joins, and in all rows kept."""
    if block.rows <= leaf and block.cols <= leaf:
        return (block.ports**2,), (0,), 0
    a, b, horizontal = halve(block)
    shared = block.rows if horizontal else block.cols
    rows = shared * (block.ports + shared)
    (blocks_a, joins_a, kept_a), (blocks_b, joins_b, kept_b) = _numbers(a, leaf), _numbers(b, leaf)
    rows_kept = kept_a + kept_b + rows
    if block.rows * block.cols <= REGION_CELLS:
        return (block.ports**2,), (rows,), rows_kept
    blocks = (sum(pair) for pair in zip_longest(blocks_a, blocks_b, fillvalue=0))
    joins = (sum(pair) for pair in zip_longest(joins_a, joins_b, fillvalue=0))
    return (block.ports**2, *blocks), (rows, *joins), rows_kept


class Reduction:
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
        Keep what ``voltages`` and ``gradient`` need.
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
        self._circuit = (g, cw, cb)
        self.present = present_sides(cw, cb)
        self._rectangle = Rectangle(self._circuit, rectangle_plan(whole(*g.shape, self.present)), 0, keep=keep, run=run)
        lower = self._rectangle.couplings
        self.couplings: Array = np.empty_like(lower)
        ports.symmetric(lower, self.couplings)
        del self._rectangle.couplings

    def voltages(self, terminals: Array) -> tuple[Array, Array]:
        """Word- and bit-node voltages for terminal voltages (batch, ports); needs ``keep``.

        Each is (2, batch, m, n), numbers and what their rounding left of the voltage. Nodes of islands get 0.
        """
        v, u = np.empty((2, 2, terminals.shape[0], *self._circuit[0].shape))
        volts = np.ascontiguousarray(terminals.T)
        self._rectangle.descend(np.stack([volts, np.zeros_like(volts)]), Spread(self._circuit, v, u))
        return v, u

    def form(self, across: Array, word_nodes: Array, bit_nodes: Array, grounded: frozenset[int] = frozenset()) -> Array:
        """Return a quadratic form of all nodes' voltages as one of the ports', (ports, ports); needs ``keep``.

        ``sum across (v - u)**2 + word_nodes v**2 + bit_nodes u**2``, each (m, n), for the voltages that follow from
        the ports'. Those of the sides ``grounded``, ``trees.LEFT`` to ``trees.BOTTOM``, are at 0 V and left out.
        """
        lower = self._rectangle.ascend(Form(self._circuit, across, word_nodes, bit_nodes, grounded))
        below = np.tril(lower, -1)
        form: Array = below + below.T
        np.fill_diagonal(form, np.diagonal(lower))
        return form

    def gradient(self, rows: slice, cols: slice, cotangent: Array) -> Array:
        """Return ``d sum(cotangent * couplings[rows, cols]) / d g``, (m, n); needs ``keep``.

        ``rows`` and ``cols`` are ports, ``rows`` before ``cols``.
        """
        adjoint = Adjoint(self._circuit, self.couplings.shape[0], rows, cols, cotangent)
        self._rectangle.descend(adjoint.whole, adjoint)
        return adjoint.gradient
