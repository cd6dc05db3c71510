"""One stage of a step: Newton's method on node volts and states together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import Array, Side
from xbarsim.kernels import charged_nodes, ladders, newton_steps, schur, stage_tangents
from xbarsim.solvers.line_shares import LineShares
from xbarsim.solvers.segments import Segments
from xbarsim.transient.cells_in_time import CellsInTime
from xbarsim.transient.node_capacitance import NodeCapacitance
from xbarsim.transient.tableau import STAGES

Volts = dict[Side, Array]
"""The sources' volts, or what their ends carry, by side."""

MOST = 12
"""Newton steps of a stage."""

MAX_PASSES = 2000
"""Passes of one linear solve."""

_LOOSEST = 0.05
_SHARE = 0.05  # of what is to be reached, by each linear solve
_NEAR_FAR: tuple[tuple[Side, Side], tuple[Side, Side]] = (("word_left", "word_right"), ("bit_bottom", "bit_top"))
_CURVED = 0.3  # of the root of the tolerance: by so little of its range a state's laws hardly leave their tangents
_REGRID = 32  # Newton steps between two coarse grids
_ROUNDED = 10.0  # times the tolerance, where rounding keeps a stage from getting nearer
_LOOK = 16
"""Stages in one place of linear steps from which on one is looked at before it is solved."""
_WEAK = 1e-3
"""Currents below this part of the largest so far are held to that part of it."""


@dataclass
class StageOutcome:
    """How a stage ended.

    Attributes
    ----------
    converged : bool
        Whether Kirchhoff's laws and the states' equations hold.
    residual : float
        Bound of the end currents' errors, a part of the largest.
    cell : int
        Flat index of the cell that was farthest from its equation.
    reason : str
        Why it did not converge.
    """

    converged: bool
    residual: float
    cell: int
    reason: str = "Newton's method did not converge"


class StageSolver:
    """A circuit's stages, one after the other, in work space that is kept.

    Attributes
    ----------
    v, u : (rows, cols)
        Volts of the word and bit nodes.
    x : (rows, cols)
        States.
    amperes : (lines of all sides,)
        End currents out of the array.
    end_currents : dict of side to (lines,)
        The same by side.
    largest : float
        Amperes of the largest end current so far.
    iterations, passes : int
        Newton steps and passes of linear solves so far.
    """

    def __init__(
        self, segments: Segments, cells: CellsInTime, capacitance: NodeCapacitance, tolerance: float, threads: int
    ) -> None:
        rows, cols = segments.g.shape
        self.segments, self.cells, self.capacitance, self.tolerance = segments, cells, capacitance, tolerance
        self.shares = LineShares(segments)
        self.space = newton_steps.Workspace(rows, cols, cells.symmetric)
        self.space.threads = threads
        self.v, self.u, self.x = np.zeros((3, rows, cols))
        word, bit = segments.word, segments.bit
        self._tied = [
            (np.isfinite(near) * 1.0, (np.isinf(near) & np.isfinite(far)) * 1.0)
            for near, far in ((word[:, 0], word[:, -1]), (bit[-1], bit[0]))
        ]
        self._evaluated = False
        self._near = _CURVED * np.sqrt(tolerance)
        self._slope, self._move, self._gain, self._leaving, self._entering, self._before = np.empty((6, rows, cols))
        self._flows, self._across, self._whole = np.empty((3, 2, rows, cols))
        self._offsets = np.zeros((rows, cols))
        self.amperes, self.end_currents = self.shares.laid_out()
        self._far = 1.0 / np.maximum(word[:, -1], ladders.TINY), 1.0 / np.maximum(bit[0], ladders.TINY)
        self.largest = 0.0
        self._factored = self._summed = np.nan
        # What stages lacked that were looked at first, and how many were not, since.
        self._off, self._blind = [0.0] * len(STAGES), [0] * len(STAGES)
        self.iterations = self.passes = 0

    def follow(self, last: Volts, volts: Volts) -> None:
        """Move nodes as far as their lines' sources moved: left and bottom ones, else those at the far ends.

        Parameters
        ----------
        last, volts : dict of side to (lines,) array
            What the sources had, and what they have now.
        """
        if last is volts:
            return
        for nodes, along, (near, far), (by_near, by_far) in zip(
            (self.v, self.u), (True, False), _NEAR_FAR, self._tied, strict=True
        ):
            if last[near] is volts[near] and last[far] is volts[far]:
                continue
            moved = by_near * (volts[near] - last[near]) + by_far * (volts[far] - last[far])
            if stage_tangents.shift(nodes, along, moved):
                self._evaluated = False

    def guess(self, begun: Array, d: float, rate: Array) -> None:
        """Let the states go on at a rate, unless that is so little that the last tangents tell as much.

        Parameters
        ----------
        begun : (rows, cols) array
            States without the stage's own share of the step.
        d : float
            Seconds of that share.
        rate : (rows, cols) array
            By which they go on, a second.
        """
        cells = self.cells
        if not cells.dynamic:
            return
        if self._evaluated and stage_tangents.way(begun, d, rate, cells.low, cells.high, self.x) < self._near:
            return
        stage_tangents.guess(begun, d, rate, cells.low, cells.high, self.x)
        self._evaluated = False

    def put(self, v: Array, u: Array, x: Array) -> None:
        """Put node volts and states.

        Parameters
        ----------
        v, u : (rows, cols) array
            Volts of word nodes and of bit nodes.
        x : (rows, cols) array
            States, in the device's unit.
        """
        self.v[:], self.u[:], self.x[:] = v, u, x
        self._evaluated = False

    def solve(self, begun: Array, d: float, volts: Volts, *, charged: int = -1) -> StageOutcome:
        """Find node volts and states of a stage, from those at hand.

        ``begun`` is what the states are without this stage's own share d of the step. With d = 0 the states stay.
        ``charged`` is the stage that capacitances are prepared for (:class:`NodeCapacitance`), if they carry anything.

        Parameters
        ----------
        begun : (rows, cols) array
            States without the stage's own share of the step.
        d : float
            Seconds of that share.
        volts : dict of side to (lines,) array
            Of the sources at the stage's time.
        charged : int
            Which stage capacitances are prepared for; -1: none.
        """
        cells = self.cells
        outcome = StageOutcome(False, np.inf, 0)
        before = np.inf
        if self._blindly(charged):
            self._sum_slopes(d, cells.a, cells.b)
            self._improve(volts, charged, d, cells.a, cells.b, self._off[charged])
            self._evaluated = False
            self.iterations += 1
        for step in range(MOST + 1):
            if not self._evaluated:
                cells.evaluate(self.v, self.u, self.x)
                self._evaluated = True
            worst, cell, fit = 0.0, 0, not cells.falling
            slope_a, slope_b = cells.a, cells.b
            if cells.dynamic:
                worst, cell, fit = stage_tangents.condense(
                    begun, d, self.x, cells.low, cells.high, cells.a, cells.ix, cells.f, cells.fv, cells.fx,
                    self._slope, self._move, self._gain,
                )  # fmt: skip
                slope_a = slope_b = self._slope
            outcome.cell = cell
            if not fit:
                outcome.reason = self._fault(cell)
                return outcome
            outcome.residual = self._check(volts, charged, d, slope_a, slope_b)
            if outcome.residual <= self.tolerance and worst <= self.tolerance:
                return self._settled_down(outcome)
            off = max(outcome.residual, worst)
            if step == 0 and charged >= 0 and self._blind[charged] == 0:
                self._off[charged] = off
            if off <= _ROUNDED * self.tolerance and off > 0.5 * before:
                # Charge is a difference of two voltages: of small steps rounding leaves no more.
                return self._settled_down(outcome)
            if step == MOST or not off < np.inf or (step > 3 and off > 0.5 * before):
                return outcome
            before = off
            self._improve(volts, charged, d, slope_a, slope_b, off)
            self._evaluated = False
            self.iterations += 1
        return outcome

    def _fault(self, cell: int) -> str:
        """Say why a cell's tangents are of no use."""
        cells = self.cells
        if not cells.dynamic:
            return "a law's current falls, or is no number"
        if not all(
            np.isfinite(numbers.flat[cell]) for numbers in (cells.i, cells.a, cells.ix, cells.f, cells.fv, cells.fx)
        ):
            return "a law gives no number"
        return "a state grows faster than steps can follow"

    def _blindly(self, charged: int) -> bool:
        """Whether a linear stage is solved before it is looked at: those before it in its place had to be, too."""
        if charged < 0 or not self.cells.linear:
            return False
        blind = self._off[charged] > _ROUNDED * self.tolerance and self._blind[charged] < _LOOK
        self._blind[charged] = self._blind[charged] + 1 if blind else 0
        if not blind:
            self._off[charged] = 0.0
        return blind

    def _sum_slopes(self, d: float, a: Array, b: Array) -> None:
        """Add the companions of capacitances to cells' slopes."""
        if not (self.cells.linear and self._summed == d):
            charged_nodes.slopes(a, b, self.capacitance.siemens, self._across, self._whole)
            self._summed = d

    def _settled_down(self, outcome: StageOutcome) -> StageOutcome:
        """Take a stage as solved."""
        cells = self.cells
        if cells.dynamic:
            stage_tangents.settle(self._move, cells.low, cells.high, self.x, cells.i, cells.ix, cells.f, cells.fx)
        outcome.converged = True
        return outcome

    def _check(self, volts: Volts, charged: int, d: float, a: Array, b: Array) -> float:
        """Fill the end currents; return the bound of their errors as a part of the largest."""
        drawn = received = self.cells.i
        if charged >= 0:
            capacitance = self.capacitance
            drawn, received = self._flows
            charged_nodes.flows(
                capacitance.siemens, capacitance.history, self.v, self.u, self.cells.i, capacitance.charging[charged],
                drawn, received,
            )  # fmt: skip
            self._sum_slopes(d, a, b)
            a, b = self._whole
        now, amperes = self.shares.check(drawn, received, a, b, volts, self.v, self.u, self.end_currents)
        if amperes == 0.0:
            return 0.0
        scale = max(now, _WEAK * self.largest)
        if scale == 0.0 and amperes < np.inf:
            return 1.0  # nothing flows yet
        return float(amperes / scale)

    def _improve(self, volts: Volts, charged: int, d: float, a: Array, b: Array, off: float) -> None:
        """Solve the circuit of tangents for node volts, and let the states follow."""
        cells, word, bit = self.cells, self.segments.word, self.segments.bit
        leaving = entering = self._offsets
        if cells.dynamic:
            stage_tangents.offsets(cells.i, cells.ix, self._move, a, self.v, self.u, leaving, self._before)
        elif not cells.linear:
            np.subtract(cells.i, a * self.v - b * self.u, out=leaving)
        shunts, factors = None, 0.0
        if charged >= 0:
            capacitance = self.capacitance
            charged_nodes.offsets(leaving, capacitance.history, self._leaving, self._entering)
            leaving, entering = self._leaving, self._entering
            a, b = self._across
            shunts, factors = (capacitance.siemens[0], capacitance.siemens[1]), d
        tolerance = min(_LOOSEST, max(1e-12, _SHARE * self.tolerance / off))
        status, passes = self.space.solve(
            (a, b, leaving, entering, word, bit), self._sides(volts), tolerance, 0.0, MAX_PASSES, self.v, self.u,
            guess=True, shunts=shunts, again=self._again, factored=cells.linear and self._factored == factors,
        )  # fmt: skip
        self._factored = factors
        self.passes += passes
        if status != schur.CONVERGED:
            self.v[:] = np.nan
        if cells.dynamic:
            stage_tangents.follow(
                self._move, self._gain, self.v, self.u, self._before, cells.low, cells.high, self.x
            )  # fmt: skip

    @property
    def _again(self) -> bool:
        """Whether the coarse grid at hand will do: it is that of the cells alone, and preconditions."""
        return self.iterations > 0 if self.cells.linear else self.iterations % _REGRID > 0

    def _sides(self, volts: Volts) -> tuple[Array, Array, Array, Array]:
        far_word, far_bit = self._far
        return volts["word_left"], volts["word_right"] * far_word, volts["bit_bottom"], volts["bit_top"] * far_bit

    def settled(self, shares: tuple[float, float, float], d: float, enough: float) -> tuple[float, int]:
        """Return the volts that shares of the stages' charging currents leave after the circuit had d seconds for them.

        The circuit is that of the last tangents; the second number is the cell. A bound that is not above ``enough``
        will do.

        Parameters
        ----------
        shares : tuple of three float
            What each stage's charging current counts.
        d : float
            Seconds.
        enough : float
            Volts.
        """
        cells, capacitance = self.cells, self.capacitance
        leaving, entering = self._leaving, self._entering
        most: tuple[float, int] = charged_nodes.remainders(
            capacitance.charging, *shares, capacitance.farads, d, leaving, entering
        )
        if cells.symmetric and most[0] <= enough:
            return most
        v, u = self._flows
        u[:] = 0.0
        rows, cols = v.shape
        grounded = np.zeros(rows), np.zeros(rows), np.zeros(cols), np.zeros(cols)
        siemens = capacitance.siemens
        circuit = self._across[0], self._across[1], leaving, entering, self.segments.word, self.segments.bit
        self.space.solve(
            circuit, grounded, 0.05, 0.0, MAX_PASSES, v, u, guess=True, shunts=(siemens[0], siemens[1]),
            again=self.iterations > 0, factored=self._factored == d,
        )  # fmt: skip
        self._factored = d
        far: tuple[float, int] = charged_nodes.farthest(v, u)
        return far
