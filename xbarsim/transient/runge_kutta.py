"""One step of the method in :mod:`tableau`: its stages, and what its error is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.kernels import source_work, stage_tangents
from xbarsim.transient.stage_newton import StageOutcome, StageSolver, Volts
from xbarsim.transient.tableau import BESIDE, ERROR, GAMMA, NODES, STAGES, WEIGHTS

_NARROWEST = 1e-5
"""Of a jump of the sources, which node volts are led over part by part where laws are steep."""

_ALIKE = 1e-9
"""Part of a step's length by which another one may differ and have its factors."""

_EASY = 0.1
"""Part of the tolerance below which an error need not be known nearer."""

_ENERGY = 0.1
"""Of the tolerance, what a step may be wrong by in the sources' energy: nothing undoes those errors."""

_ROUNDED = 1e-15
"""Of a state's range, what the rates of a step round it by."""

_WEIGHTS, _ERROR, _BESIDE = np.array(WEIGHTS), np.array([0.0, *ERROR]), np.array(BESIDE)


@dataclass
class TimeStep:
    """What became of a step.

    Attributes
    ----------
    end : float
        Seconds.
    error : float
        The largest error over what is allowed; above 1 zero was changed.
    reason, cell : str, int
        What is wrong with it then, and with which cell (flat index).
    volts : dict of side to (lines,)
        The sources at its end.
    residual : float
        The largest of its stages.
    delivered : (lines of all sides,)
        Joules from the sources.
    heat : (rows, cols) or None
        Joules that cells dissipated, if asked for.
    """

    end: float
    error: float
    reason: str
    cell: int
    volts: Volts
    residual: float
    delivered: Array
    heat: Array | None


class RungeKutta:
    """Takes steps with a solver of stages; work space and the last rates are kept.

    Attributes
    ----------
    largest_volts : float
        Of any source so far, in relation to which node volts may be wrong.
    span : float
        Seconds until the sources' next corner, in relation to which energies may be.
    corner : bool
        Whether the sources have a corner at the next step's begin; the next attempts may change it.
    jumped : bool
        Whether they have jumped there.
    """

    def __init__(self, stages: StageSolver, reltol: float) -> None:
        shape = stages.x.shape
        self.stages, self.reltol, self.largest_volts = stages, reltol, 0.0
        self.span, self.corner, self.jumped = 0.0, True, True
        self._failed = False
        self._rate, self._begun = np.zeros((2, *shape))
        self._rates, self._first = np.zeros((2, 3, *shape))
        # Watts of all sources, at the step's begin and at the stages.
        self._watts, self._every = np.zeros((4, stages.amperes.size)), np.zeros(stages.amperes.size)
        self._joules = self._gross = self._most_watts = 0.0
        self._share = 0.0

    def attempt(
        self, source: Callable[[float], Volts], start: float, end: float, volts: Volts, *, heat: bool
    ) -> TimeStep:
        """Take a step; where its error is too large, or a stage has no solution, leave all as it was.

        ``volts`` are the sources' at the start, ``heat`` asks for what cells dissipate.

        Parameters
        ----------
        source : callable
            From seconds to the sources' volts.
        start, end : float
            Seconds between which the step goes.
        volts : dict of side to (lines,) array
            Of the sources at the start.
        heat : bool
            Whether cells' joules are added up.
        """
        stages = self.stages
        self._first[0], self._first[1], self._first[2] = stages.v, stages.u, stages.x
        try:
            step = self._stages(source, start, end, volts, heat=heat)
        except BaseException:
            stages.put(*self._first)
            raise
        if not step.error <= 1.0:
            stages.put(*self._first)
            return step
        self._rate[:] = self._rates[-1]
        self._watts[0] = self._watts[-1]
        self._joules += self._gross
        self.corner = self.jumped = False
        stages.largest = max(stages.largest, float(np.abs(stages.amperes).max()))
        return step

    def _stages(
        self, source: Callable[[float], Volts], start: float, end: float, volts: Volts, *, heat: bool
    ) -> TimeStep:
        """Solve a step's stages, and find its error."""
        stages, cells, capacitance = self.stages, self.stages.cells, self.stages.capacitance
        charged = capacitance.present
        v0, u0, _ = self._first
        h = end - start
        d = GAMMA * h
        if charged and cells.linear:
            d = self._share if abs(d - self._share) <= _ALIKE * d else d
            self._share, h = d, d / GAMMA
        step = TimeStep(
            end, np.inf, "Newton's method did not converge", 0, volts, 0.0, np.empty(stages.amperes.size),
            np.zeros(v0.shape) if heat else None,
        )  # fmt: skip
        for k, (node, weights) in enumerate(zip(NODES, STAGES, strict=True)):
            before, step.volts = step.volts, source(end if node == 1.0 else start + node * h)
            if step.volts is not before:
                self.measure(step.volts)
                if not (self._failed and charged):
                    stages.follow(before, step.volts)
            begun = self._begin(k, h, weights)
            if charged:
                capacitance.begin(k, d, weights, v0, u0)
            stage = k if charged else -1
            outcome = stages.solve(begun, d, step.volts, charged=stage)
            jumped = k == 0 and not charged and step.volts is not before
            if not outcome.converged and jumped and self._lead(before, step.volts):
                outcome = stages.solve(begun, d, step.volts, charged=stage)
            step.cell, step.residual = outcome.cell, max(step.residual, outcome.residual)
            self._failed = not outcome.converged
            if self._failed:
                step.reason = outcome.reason
                return step
            if cells.dynamic:
                stage_tangents.find_rates(stages.x, begun, d, self._rates[k])
            np.multiply(self._every, stages.amperes, out=self._watts[1 + k])
            if step.heat is not None:
                step.heat += (h * WEIGHTS[k]) * cells.i * (stages.v - stages.u)
        step.error, step.cell = self._error(h, d, step.delivered)
        if not step.error <= 1.0:
            step.reason = "the error of a step stays above what is allowed"
        return step

    def measure(self, volts: Volts) -> None:
        """Take the sources into ``largest_volts``."""
        most = source_work.take(
            volts["word_left"], volts["word_right"], volts["bit_top"], volts["bit_bottom"], self._every
        )
        self.largest_volts = max(self.largest_volts, most)

    def point(self, volts: Volts) -> StageOutcome:
        """Find the operating point at sources' volts and the states at hand."""
        stages, zero = self.stages, {side: np.zeros(lines.size) for side, lines in volts.items()}
        self.measure(volts)
        self._first[:2], self._first[2] = 0.0, stages.x
        stages.put(*self._first)
        stages.follow(zero, volts)
        outcome = stages.solve(self._first[2], 0.0, volts)
        if not outcome.converged and self._lead(zero, volts):
            outcome = stages.solve(self._first[2], 0.0, volts)
        if outcome.converged:
            np.multiply(self._every, stages.amperes, out=self._watts[0])
            self.jumped = False
            cells = stages.cells
            if cells.dynamic:
                stage_tangents.resting(stages.x, cells.low, cells.high, cells.f, self._rate)
        return outcome

    def _lead(self, before: Volts, volts: Volts) -> bool:
        """Lead node volts from those before the step to where the sources have jumped, at fixed states.

        Newton's method on a steep law finds its way from near.
        """
        stages = self.stages
        stages.put(*self._first)
        part, width, now = 0.0, 0.25, before
        while part < 1.0:
            width = min(width, 1.0 - part)
            back = stages.v.copy(), stages.u.copy(), self._first[2]
            ahead = {side: lines + (part + width) * (volts[side] - lines) for side, lines in before.items()}
            stages.follow(now, ahead)
            if stages.solve(self._first[2], 0.0, ahead).converged:
                part, width, now = part + width, 2.0 * width, ahead
                continue
            stages.put(*back)
            width *= 0.25
            if width < _NARROWEST:
                return False
        return True

    def _begin(self, k: int, h: float, weights: tuple[float, ...]) -> Array:
        """Return what the states are at stage k without its own share; guess where they will be."""
        begun: Array = self._begun
        if not self.stages.cells.dynamic:
            return begun
        first, second = (*weights[:-1], 0.0, 0.0)[:2]
        stage_tangents.begin(self._first[2], self._rates, h * first, h * second, begun)
        self.stages.guess(begun, GAMMA * h, self._rates[k - 1] if k else self._rate)
        return begun

    def _error(self, h: float, d: float, delivered: Array) -> tuple[float, int]:
        """Return the largest error of a state's range, of the largest source volts or of energy, over the tolerance.

        With it goes the cell that it is of.
        """
        stages, cells = self.stages, self.stages.cells
        worst, cell = self._energy_error(h, delivered), 0
        if cells.dynamic:
            begin = self._rates[0] if self.jumped else self._rate
            turned, least = cells.fx, 1.0
            if cells.fading:
                turned, least = cells.turned_slopes(self.largest_volts, stages.x), min(1.0, _ROUNDED / self.reltol)
            part, place = stage_tangents.worst_error(
                self._rates, begin, h * _ERROR[1:], h * _BESIDE, stages.x, cells.low, cells.high, d, cells.fx, turned,
                least,
            )  # fmt: skip
            if not part <= worst:
                worst, cell = part, place
        if stages.capacitance.present:
            enough = _EASY * self.reltol * self.largest_volts
            gap, place = stages.settled((ERROR[0] / GAMMA, ERROR[1] / GAMMA, ERROR[2] / GAMMA), d, enough)
            part = gap / self.largest_volts if self.largest_volts > 0.0 else 0.0
            if not part <= worst:
                worst, cell = part, place
        return worst / self.reltol, cell

    def _energy_error(self, h: float, delivered: Array) -> float:
        """Fill the joules that sources deliver in a step; return what part of their energy is in doubt, weighed.

        The whole is what they have delivered and taken so far, or would until their next corner at the largest power
        so far. With capacitance what flows at a corner is not what flows right after it; and where sources jump,
        charges move at once, and the work on them is right however long the step.
        """
        charged = self.stages.capacitance.present
        unsure = self.jumped or (charged and self.corner)
        self._gross, wrong, most = source_work.work(self._watts, _WEIGHTS, _ERROR if unsure else _BESIDE, h, delivered)
        self._most_watts = max(self._most_watts, most)
        whole = max(self._joules, self._most_watts * self.span)
        return 0.0 if whole == 0.0 or (charged and self.jumped) else wrong / (_ENERGY * whole)
