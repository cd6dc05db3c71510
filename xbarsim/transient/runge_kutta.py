"""One step of the method in :mod:`tableau`: its stages, and what its error is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.kernels import stage_tangents
from xbarsim.transient.stage_newton import StageOutcome, StageSolver, Volts
from xbarsim.transient.tableau import ERROR, GAMMA, NODES, STAGES, WEIGHTS

_NARROWEST = 1e-5
"""Of a jump of the sources, which node volts are led over part by part where laws are steep."""


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
    delivered : dict of side to (lines,)
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
    delivered: Volts
    heat: Array | None


class RungeKutta:
    """Takes steps with a solver of stages; work space and the last rates are kept.

    Attributes
    ----------
    largest_volts : float
        Of any source so far, in relation to which node volts may be wrong.
    """

    def __init__(self, stages: StageSolver, reltol: float) -> None:
        shape = stages.x.shape
        self.stages, self.reltol, self.largest_volts = stages, reltol, 0.0
        self._failed = False
        self._rate, self._begun = np.zeros((2, *shape))
        self._rates, self._first = np.zeros((2, 3, *shape))

    def attempt(
        self, source: Callable[[float], Volts], start: float, end: float, volts: Volts, *, heat: bool
    ) -> TimeStep:
        """Take a step; where its error is too large, or a stage has no solution, leave all as it was.

        ``volts`` are the sources' at the start, ``heat`` asks for what cells dissipate.
        """
        stages, cells, capacitance = self.stages, self.stages.cells, self.stages.capacitance
        v0, u0, x0 = self._first
        v0[:], u0[:], x0[:] = stages.v, stages.u, stages.x
        h = end - start
        d = GAMMA * h
        siemens = capacitance.companions(d) if capacitance.present else ()
        charging: list[list[Array]] = []
        step = TimeStep(
            end, np.inf, "Newton's method did not converge", 0, volts, 0.0,
            {side: np.zeros(lines.size) for side, lines in volts.items()}, np.zeros(x0.shape) if heat else None,
        )  # fmt: skip
        for k, (node, weights) in enumerate(zip(NODES, STAGES, strict=True)):
            before, step.volts = step.volts, source(end if node == 1.0 else start + node * h)
            self.measure(step.volts)
            if not (self._failed and siemens):
                stages.follow(before, step.volts)
            begun = self._begin(k, h, weights)
            histories = capacitance.histories(siemens, v0, u0, weights, charging) if siemens else ()
            outcome = stages.solve(begun, d, step.volts, histories, siemens)
            jumped = k == 0 and not siemens and step.volts is not before
            if not outcome.converged and jumped and self._lead(before, step.volts):
                outcome = stages.solve(begun, d, step.volts, histories, siemens)
            step.cell, step.residual = outcome.cell, max(step.residual, outcome.residual)
            self._failed = not outcome.converged
            if self._failed:
                stages.put(v0, u0, x0)
                return step
            if cells.dynamic:
                stage_tangents.find_rates(stages.x, begun, d, self._rates[k])
            charging.append(stages.charging)
            for side, lines in step.volts.items():
                step.delivered[side] -= (h * WEIGHTS[k]) * lines * stages.end_currents[side]
            if step.heat is not None:
                step.heat += (h * WEIGHTS[k]) * cells.i * (stages.v - stages.u)
        step.error, step.cell = self._error(h, d, charging, siemens)
        if not step.error <= 1.0:
            step.reason = "the error of a step stays above what is allowed"
            stages.put(v0, u0, x0)
            return step
        self._rate[:] = self._rates[-1]
        stages.largest = max(stages.largest, *(float(np.abs(lines).max()) for lines in stages.end_currents.values()))
        return step

    def measure(self, volts: Volts) -> None:
        """Take the sources into ``largest_volts``."""
        self.largest_volts = max(self.largest_volts, *(float(np.abs(lines).max()) for lines in volts.values()))

    def point(self, volts: Volts) -> StageOutcome:
        """Find the operating point at sources' volts and the states at hand."""
        stages, zero = self.stages, {side: np.zeros(lines.size) for side, lines in volts.items()}
        self.measure(volts)
        self._first[:2], self._first[2] = 0.0, stages.x
        stages.put(*self._first)
        stages.follow(zero, volts)
        outcome = stages.solve(self._first[2], 0.0, volts, (), ())
        if not outcome.converged and self._lead(zero, volts):
            outcome = stages.solve(self._first[2], 0.0, volts, (), ())
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
            if stages.solve(self._first[2], 0.0, ahead, (), ()).converged:
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

    def _error(self, h: float, d: float, charging: list[list[Array]], siemens: tuple[Array, ...]) -> tuple[float, int]:
        """Return the largest error of a state's range or of the largest source volts, over the tolerance; its cell."""
        cells = self.stages.cells
        worst, cell = 0.0, 0
        if cells.dynamic:
            worst, cell = stage_tangents.worst_error(
                self._rates, *(h * part for part in ERROR), self.stages.x, cells.low, cells.high, d, cells.fx
            )  # fmt: skip
        if siemens:
            wrong = [h * (ERROR[0] * a + ERROR[1] * b + ERROR[2] * c) for a, b, c in zip(*charging, strict=True)]
            v, u = self.stages.settled(wrong, siemens, d)
            gap = np.maximum(np.abs(v), np.abs(u))
            part = float(gap.max()) / self.largest_volts if self.largest_volts > 0.0 else 0.0
            if not part <= worst:
                worst, cell = part, int(gap.argmax())
        return worst / self.reltol, cell
