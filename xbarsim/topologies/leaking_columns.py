"""Columns of memristors and access transistors with body effect and junctions that leak.

Newton's method with the columns' direct solve inside, from the solution of transistors that do neither. What leaks
leaves the nodes as currents beside the cells' own; its slopes, next to nothing beside memristors, are left out of the
tangents. In the end each cell is an ohmic one with leaks, held against the laws as other cells are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import SolveError
from xbarsim.kernels import access, parallel_tangents
from xbarsim.resources import check_running
from xbarsim.solvers.access_newton import AccessCells
from xbarsim.topologies.column_ladders import LadderSpace
from xbarsim.topologies.column_layout import ColumnLayout
from xbarsim.topologies.source_line_array import SourceLineArray
from xbarsim.topologies.source_line_newton import ColumnNewton

_STEPS = 25
_MISSED = 1e-13
"""Converged where tangents miss no more of a column's currents."""
_TIMES = 5
"""That ohmic cells are taken at the voltages that they led to."""
_GOAL = 1e-14
_EXACT = 1e-12
"""Residual above which steps have not settled."""


@dataclass(frozen=True)
class LeakingState:
    """A solution; (rows, cols) but for the end currents.

    Attributes
    ----------
    source, bit, inner : (rows, cols)
        Volts.
    flow : (rows, cols)
        Amperes through the cells from bit to source line.
    leak_source, leak_bit : (rows, cols)
        Amperes that leave the nodes besides.
    currents : (4, cols)
        Amperes out of the ends, as ``COLUMN_SIDES``.
    residual : float
        Bound of their errors, of the largest.
    steps : int
        Newton's.
    """

    source: Array
    bit: Array
    inner: Array
    flow: Array
    leak_source: Array
    leak_bit: Array
    currents: Array
    residual: float
    steps: int


def solve_leaking(array: SourceLineArray, cells: AccessCells, volts: Array) -> LeakingState | None:
    """Solve columns for one vector of the ends' volts (4, cols).

    Parameters
    ----------
    array : SourceLineArray
        With a ``Transistor`` device at its gates: where the steps begin.
    cells : AccessCells
        What its cells really are, (rows, cols), memristors at the bit lines.
    volts : (4, cols)
        Volts of the ends, as ``COLUMN_SIDES``.

    Returns
    -------
    LeakingState or None
        None where steps do not lead to a solution, and where lines are broken or not tied: what hangs on leaks alone
        has no tangent here.
    """
    layout = ColumnLayout.of(array)
    if not layout.whole or layout.joined.any():
        return None
    return _Leaking(array, layout, cells, np.ascontiguousarray(volts)).run()


class _Leaking:
    def __init__(self, array: SourceLineArray, layout: ColumnLayout, cells: AccessCells, volts: Array) -> None:
        self.array, self.layout, self.of, self.volts = array, layout, cells, volts
        self.shape = array.shape
        self.i, self.chord, self.a, self.b, self.leak_v, self.leak_u, self.leaking, self.inner = np.empty(
            (8, *self.shape)
        )

    def run(self) -> LeakingState | None:
        rows, cols = self.shape
        start = ColumnNewton(self.layout, self.shape, False)
        device = self.array.device
        try:
            start.solve(device.cells(self.array.conductance), device, self.volts, 0)
        except SolveError:
            return None
        v, u = start.v, start.u
        work, at, missed = np.empty((6, rows, cols)), self.layout, np.inf
        steps = 0
        with np.errstate(all="ignore"):  # what overflows does not settle
            self._law(v, np.zeros_like(v), u)
            while steps < _STEPS:
                check_running()
                steps += 1
                j = self.i - self.a * v + self.b * u
                leave_v, leave_u = j + self.leak_v, self.leak_u - j
                parallel_tangents.solve(
                    self.a, self.b, leave_v, leave_u, at.source_siemens, at.bit_siemens, self.volts, v, u, work
                )
                predicted = self.a * v - self.b * u + j
                leaks = self.leak_v.copy(), self.leak_u.copy()
                self._law(v, np.zeros_like(v), u)
                gap = np.abs(self.i - predicted) + np.abs(self.leak_v - leaks[0]) + np.abs(self.leak_u - leaks[1])
                size = np.abs(self.i).sum(axis=0).max() + np.abs(self.leak_v).sum(axis=0).max()
                before, missed = missed, float(gap.sum(axis=0).max() / max(size, 1e-300))
                if missed <= _MISSED or (missed < 1e-9 and missed > 0.3 * before):
                    return self._finished(v, u, steps)
        return None

    def _law(self, v: Array, low_v: Array, u: Array) -> None:
        """Evaluate cells at bit-line nodes at ``v + low_v`` and source-line nodes at u."""
        of, zero = self.of, np.zeros_like(u)
        self.steepest = access.cells(
            v, low_v, u, zero, of.parameters, of.gate, of.bulk, of.tied_bulk, of.on_word,
            self.i, self.chord, self.a, self.b, self.leak_v, self.leak_u, self.leaking, self.inner,
        )  # fmt: skip

    def _finished(self, v: Array, u: Array, steps: int) -> LeakingState | None:
        """Return the solution of ohmic cells with leaks that take what the laws take there; None where laws differ."""
        space, out = LadderSpace(self.layout, *self.shape), np.empty_like(self.volts)
        source, bit = np.empty((2, *self.shape))
        best: LeakingState | None = None
        for _ in range(_TIMES):
            chord, leak_s, leak_b = self.chord.copy(), self.leak_u.copy(), self.leak_v.copy()
            residual = space.solve_leaking(chord, leak_s, leak_b, self.volts, out)
            space.voltages(self.volts, source, bit)
            # The bit line's nodes as pairs that are the ladders' voltages below the source line's.
            v = source - space.across
            self._law(v, (source - v) - space.across, source)
            flow = -chord * space.across
            missed = np.abs(self.i - flow) + np.abs(self.leak_u - leak_s) + np.abs(self.leak_v - leak_b)
            largest = float(np.abs(out).max())
            residual += float(missed.sum(axis=0).max()) / largest if largest > 0.0 else 0.0
            if best is not None and not residual < best.residual:
                break
            best = LeakingState(
                source.copy(), bit.copy(), self.inner.copy(), flow, leak_s, leak_b, out.copy(), residual, steps
            )
            if residual <= _GOAL:
                break
        if best is None or not best.residual <= _EXACT or self.steepest > access.STEEPEST:
            return None
        return best
