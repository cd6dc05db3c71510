"""Cells of any law between source and bit lines: Newton's method, each step a direct solve of the columns.

The laws are where :mod:`xbarsim.kernels.newton_steps` has them, and so are the tangents that it starts from, what
counts as converged and the last word: in the end each cell is as good as an ohmic one of conductance ``i / (v - u)``,
and the solution is handed out as that linear circuit's, held against the laws.
"""

from __future__ import annotations

import numpy as np

from xbarsim.checks import Array
from xbarsim.devices import Device
from xbarsim.kernels import laws, newton_steps, parallel_tangents, tangents
from xbarsim.kernels.law_table import Cells
from xbarsim.kernels.newton_steps import NewtonOutcome
from xbarsim.resources import check_running
from xbarsim.solvers.extrapolation import Beyond, farthest
from xbarsim.solvers.newton import newton_failure
from xbarsim.topologies.column_ladders import LadderSpace
from xbarsim.topologies.column_layout import ColumnLayout

_TIMES = 5
"""That ohmic cells are taken at the voltages that they led to."""

_GOAL = 1e-14
"""Residual at which no more of them are."""


class ColumnNewton:
    """Newton's method on one thread's arrays, (rows, cols) each; v are the bit lines' nodes, u the source lines'."""

    def __init__(self, layout: ColumnLayout, shape: tuple[int, int], symmetric: bool) -> None:
        rows, cols = shape
        self.layout, self.symmetric = layout, symmetric
        self.v, self.u, self.a, self.j, self.anchor, self.i, self.predicted, self.back = np.zeros((8, rows, cols))
        self.b = self.a if symmetric else np.zeros((rows, cols))
        self.slopes = np.empty((2, rows, cols))
        self.work = np.empty((6, rows, cols))
        self.rows, self.cols, self.scale = np.empty(rows), np.empty(cols), np.empty(rows + cols)

    def solve(self, cells: Cells, device: Device, volts: Array, pattern: int) -> int:
        """Find the voltages at sources ``volts`` (4, cols); return how many steps that took.

        Parameters
        ----------
        cells : Cells
            Their siemens and gates, (rows, cols) each.
        device : Device
            Their law, for messages.
        volts : (4, cols) array
            Of the ends, in the order of ``COLUMN_SIDES``.
        pattern : int
            Which of a batch it is, for messages.

        Raises
        ------
        ConvergenceError, LawError
            They were not found, or a law is bad where they led.
        """
        self._at_sources(volts)
        steps = 0
        if self._spanned(cells):
            outcome = self._steps(cells, volts, newton_steps.FEW_STEPS)
            if outcome.status == newton_steps.CONVERGED:
                return outcome.steps
            steps = outcome.steps
        outcome = self._relax(cells) or self._steps(cells, volts, newton_steps.STEPS)
        steps += outcome.steps
        if outcome.status == newton_steps.NOT_CONVERGED:
            self._relax(cells)
            for part in newton_steps.RAMP:
                outcome = self._steps(cells, part * volts, newton_steps.STEPS)
                steps += outcome.steps
                if outcome.status != newton_steps.CONVERGED:
                    break
        if outcome.status != newton_steps.CONVERGED:
            raise newton_failure(outcome, device, pattern, self.v, self.u)
        return steps

    def finish(self, cells: Cells, space: LadderSpace, volts: Array, out: Array) -> float:
        """Solve ``space`` for ohmic cells that take what the laws take, fill ``out`` (4, cols); return the residual.

        It includes what the laws take beside those cells at the voltages that they lead to, where they are taken anew
        while that makes it less.

        Parameters
        ----------
        cells : Cells
            Their siemens and gates, (rows, cols) each.
        space : LadderSpace
            Arrays of this thread, in which ohmic cells are solved.
        volts : (4, cols) array
            Of the ends, in the order of ``COLUMN_SIDES``.
        out : (4, cols) array
            Filled with amperes, in that order.
        """
        best, best_cells, amperes = np.inf, np.zeros_like(self.v), np.empty_like(out)
        chord, better = np.empty((2, *self.v.shape))
        with np.errstate(all="ignore"):  # without a compiler, cells without a voltage divide by it
            tangents.chords(self.v, self.u, cells.siemens, self.i, self.a, chord)
        for _ in range(_TIMES):
            np.maximum(chord, 0.0, out=chord)  # what that changes is missed
            residual = space.solve(chord, volts, amperes) + self._missed(cells, space, volts, amperes, better)
            if not residual < best:
                space.solve(best_cells, volts, amperes)
                break
            best, out[:], best_cells[:], chord[:] = residual, amperes, chord, better
            if residual <= _GOAL:
                break
        return best

    def farthest(self, device: Device, siemens: Array, space: LadderSpace, pattern: int) -> list[Beyond]:
        """Return the cell that is farthest beyond the range of its law, if one is.

        Parameters
        ----------
        device : Device
            Whose law's range counts.
        siemens : (rows, cols) array
            Of the cells.
        space : LadderSpace
            In which the volts across the cells were found.
        pattern : int
            Which of a batch it is, for messages.
        """
        far = None if device.span is None else farthest(device, siemens, -space.across, pattern)
        return [] if far is None else [far]

    def _missed(self, cells: Cells, space: LadderSpace, volts: Array, out: Array, better: Array) -> float:
        """Return what laws take beside the ohmic cells, of the largest end current; fill the ``better`` cells.

        A column's end currents are off by no more than all that its cells are.
        """
        source, bit = np.empty((2, *self.v.shape))
        space.voltages(volts, source, bit)
        x, (i, a, b), zero = -space.across, np.empty((3, *self.v.shape)), np.zeros_like(self.v)
        cells.precise(x, np.minimum(source, bit), zero, i, a, b)
        with np.errstate(all="ignore"):
            tangents.chords(x, zero, cells.siemens, i, a, better)
        missed = float(np.abs(i - space.cells * x).sum(axis=0).max())
        largest = float(np.abs(out).max())
        if missed == 0.0:
            return 0.0
        return missed / largest if largest > 0.0 else np.inf

    def _at_sources(self, volts: Array) -> None:
        """Lines at their sources' voltages, the bit lines' bottom and the source lines' top first; 0 without one."""
        source, bit = self.layout.source, self.layout.bit
        self.v[:] = np.where(bit[-1] < np.inf, volts[3], np.where(bit[0] < np.inf, volts[1], 0.0))
        self.u[:] = np.where(source[0] < np.inf, volts[0], np.where(source[-1] < np.inf, volts[2], 0.0))

    def _spanned(self, cells: Cells) -> bool:
        """Take lines for the laws between 0 V and the sources' voltages; False where no line would do."""
        self.predicted[:] = 0.0
        a, b = self.slopes
        cells.evaluate(self.v, self.u, self.predicted, self.i, a, b)
        b = a if self.symmetric else b
        power = tangents.span(self.v, self.u, cells.siemens, self.i, a, b, self.a, self.b, self.j)
        self.anchor[:] = self.v - self.u if self.symmetric else np.minimum(self.v, self.u)
        return bool(power < np.inf)

    def _relax(self, cells: Cells) -> NewtonOutcome | None:
        """Take tangents at 0 V: the first step then gives the linear circuit's solution. Return a law's fault."""
        zero = np.zeros_like(self.v)
        self.anchor[:] = self.a[:] = self.b[:] = self.j[:] = 0.0
        law, cell = cells.renew(zero, zero, self.predicted, self.i, self.anchor, self.a, self.b, self.j)
        return None if law == laws.GOOD else NewtonOutcome(newton_steps.BAD_LAW, law, cell, np.inf, 0, 0)

    def _steps(self, cells: Cells, volts: Array, most: int) -> NewtonOutcome:
        """Take Newton steps from the tangents at hand."""
        cell, missed = 0, np.inf
        for step in range(1, most + 1):
            check_running()
            self._solve_tangents(volts)
            law, bad = cells.renew(self.v, self.u, self.predicted, self.i, self.anchor, self.a, self.b, self.j)
            before = missed
            cell, _, missed = tangents.compare(
                self.v, self.u, self.a, self.b, self.i, self.predicted, self.rows, self.cols, self.scale,
                newton_steps.SMALL,
            )  # fmt: skip
            if law != laws.GOOD:
                return NewtonOutcome(newton_steps.BAD_LAW, law, bad, missed, step, 0)
            if missed <= newton_steps.MISSED or (missed <= newton_steps.STALLED and missed > 0.3 * before):
                return NewtonOutcome(newton_steps.CONVERGED, law, cell, missed, step, 0)
        return NewtonOutcome(newton_steps.NOT_CONVERGED, laws.GOOD, cell, missed, most, 0)

    def _solve_tangents(self, volts: Array) -> None:
        """Solve the circuit of the tangents at hand."""
        at = self.layout
        np.negative(self.j, out=self.back)
        parallel_tangents.solve(
            self.a, self.b, self.j, self.back, at.source_siemens, at.bit_siemens, volts, self.v, self.u, self.work
        )
