"""One stage of a step: Newton's method on node volts and states together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import kirchhoff, ladders, newton_steps, schur, stage_tangents
from xbarsim.solvers.segments import Segments
from xbarsim.transient.cells_in_time import CellsInTime
from xbarsim.transient.line_shares import LineShares
from xbarsim.transient.node_capacitance import NodeCapacitance

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
    """

    converged: bool
    residual: float
    cell: int


class StageSolver:
    """A circuit's stages, one after the other, in work space that is kept.

    Attributes
    ----------
    v, u : (rows, cols)
        Volts of the word and bit nodes.
    x : (rows, cols)
        States.
    end_currents : dict of side to (lines,)
        Amperes out of the array.
    charging : list of (rows, cols)
        Amperes of the capacitances.
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
        self.end_currents: Volts = {}
        self.charging: list[Array] = []
        self.largest = 0.0
        self._factored = np.nan
        self.iterations = self.passes = 0

    def follow(self, last: Volts, volts: Volts) -> None:
        """Move nodes as far as their lines' sources moved: left and bottom ones, else those at the far ends."""
        if last is volts:
            return
        for nodes, along, (near, far), (by_near, by_far) in zip(
            (self.v, self.u), (True, False), _NEAR_FAR, self._tied, strict=True
        ):
            moved = by_near * (volts[near] - last[near]) + by_far * (volts[far] - last[far])
            if stage_tangents.shift(nodes, along, moved):
                self._evaluated = False

    def guess(self, begun: Array, d: float, rate: Array) -> None:
        """Let the states go on at a rate, unless that is so little that the last tangents tell as much."""
        cells = self.cells
        if not cells.dynamic:
            return
        if self._evaluated and stage_tangents.way(begun, d, rate, cells.low, cells.high, self.x) < self._near:
            return
        stage_tangents.guess(begun, d, rate, cells.low, cells.high, self.x)
        self._evaluated = False

    def put(self, v: Array, u: Array, x: Array) -> None:
        """Put node volts and states."""
        self.v[:], self.u[:], self.x[:] = v, u, x
        self._evaluated = False

    def solve(
        self, begun: Array, d: float, volts: Volts, histories: Sequence[Array], siemens: Sequence[Array]
    ) -> StageOutcome:
        """Find node volts and states of a stage, from those at hand.

        ``begun`` is what the states are without this stage's own share d of the step, ``siemens`` and ``histories``
        stand for the capacitances (:class:`NodeCapacitance`); they are empty where there are none. With d = 0 the
        states stay.
        """
        cells = self.cells
        outcome = StageOutcome(False, np.inf, 0)
        before = np.inf
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
                return outcome
            outcome.residual = self._check(volts, histories, siemens, slope_a, slope_b)
            if outcome.residual <= self.tolerance and worst <= self.tolerance:
                return self._settled_down(outcome)
            off = max(outcome.residual, worst)
            if off <= _ROUNDED * self.tolerance and off > 0.5 * before:
                # Charge is a difference of two voltages: of small steps rounding leaves no more.
                return self._settled_down(outcome)
            if step == MOST or not off < np.inf or (step > 3 and off > 0.5 * before):
                return outcome
            before = off
            self._improve(volts, histories, siemens, slope_a, slope_b, off)
            self._factored, self._evaluated = d, False
            self.iterations += 1
        return outcome

    def _settled_down(self, outcome: StageOutcome) -> StageOutcome:
        """Take a stage as solved."""
        cells = self.cells
        if cells.dynamic:
            stage_tangents.settle(self._move, cells.low, cells.high, self.x, cells.i, cells.ix, cells.f, cells.fx)
        outcome.converged = True
        return outcome

    def _check(self, volts: Volts, histories: Sequence[Array], siemens: Sequence[Array], a: Array, b: Array) -> float:
        """Fill the end currents; return the bound of their errors as a part of the largest."""
        drawn = received = self.cells.i
        if siemens:
            self.charging = NodeCapacitance.currents(siemens, histories, self.v, self.u)
            from_word, from_bit, along = self.charging
            along = self.cells.i + along
            drawn, received = along + from_word, along - from_bit
            a, b = a + siemens[2] + siemens[0], b + siemens[2] + siemens[1]
        out, now = self.shares.end_currents(drawn, received, volts)
        segments = self.segments
        amperes = kirchhoff.current_error(
            drawn, received, a, b, segments.word, segments.bit, *(volts[side] for side in SIDES), self.v, self.u,
            *(out[side] for side in SIDES),
        )  # fmt: skip
        self.end_currents = out
        if amperes == 0.0:
            return 0.0
        scale = max(now, _WEAK * self.largest)
        if scale == 0.0 and amperes < np.inf:
            return 1.0  # nothing flows yet
        return float(amperes / scale)

    def _improve(
        self, volts: Volts, histories: Sequence[Array], siemens: Sequence[Array], a: Array, b: Array,
        off: float,
    ) -> None:  # fmt: skip
        """Solve the circuit of tangents for node volts, and let the states follow."""
        cells, word, bit = self.cells, self.segments.word, self.segments.bit
        if cells.dynamic:
            stage_tangents.offsets(
                cells.i, cells.ix, self._move, a, self.v, self.u, self._leaving, self._before
            )  # fmt: skip
        else:
            np.subtract(cells.i, a * self.v - b * self.u, out=self._leaving)
        leaving = entering = self._leaving
        shunts = None
        if siemens:
            leaving, entering = leaving - histories[2] - histories[0], leaving - histories[2] + histories[1]
            a, b = a + siemens[2], b + siemens[2]
            shunts = siemens[0], siemens[1]
        tolerance = min(_LOOSEST, max(1e-12, _SHARE * self.tolerance / off))
        status, passes = self.space.solve(
            (a, b, leaving, entering, word, bit), self._sides(volts), tolerance, 0.0, MAX_PASSES, self.v, self.u,
            guess=True, shunts=shunts, again=self.iterations % _REGRID > 0,
        )  # fmt: skip
        self.passes += passes
        if status != schur.CONVERGED:
            self.v[:] = np.nan
        if cells.dynamic:
            stage_tangents.follow(
                self._move, self._gain, self.v, self.u, self._before, cells.low, cells.high, self.x
            )  # fmt: skip

    def _sides(self, volts: Volts) -> tuple[Array, Array, Array, Array]:
        word, bit = self.segments.word, self.segments.bit
        return (
            volts["word_left"],
            volts["word_right"] / np.maximum(word[:, -1], ladders.TINY),
            volts["bit_bottom"],
            volts["bit_top"] / np.maximum(bit[0], ladders.TINY),
        )

    def settled(self, charges: Sequence[Array], siemens: Sequence[Array], d: float) -> tuple[Array, Array]:
        """Return the node volts that charges (coulombs) leave once the circuit has had time d to take them.

        The circuit is that of the last tangents.
        """
        rates = [coulombs / d for coulombs in charges]
        leaving, entering = -rates[2] - rates[0], -rates[2] + rates[1]
        cells = self.cells
        a, b = (self._slope, self._slope) if cells.dynamic else (cells.a, cells.b)
        v, u = np.zeros((2, *self.v.shape))
        rows, cols = v.shape
        grounded = np.zeros(rows), np.zeros(rows), np.zeros(cols), np.zeros(cols)
        self.space.solve(
            (a + siemens[2], b + siemens[2], leaving, entering, self.segments.word, self.segments.bit), grounded, 0.05,
            0.0, MAX_PASSES, v, u, guess=True, shunts=(siemens[0], siemens[1]),
            again=self.iterations > 0, factored=self._factored == d,
        )  # fmt: skip
        return v, u
