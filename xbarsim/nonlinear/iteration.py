"""Newton's method at one point.

Tangents are put at voltages that devices limit (see ``part``); a step solves the linear circuit that they make. It is
done when no device was held back, the last step was next to nothing, and laws evaluated anew leave no residual.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np

from xbarsim.errors import SolveError
from xbarsim.mna import TOLERANCE, Factors
from xbarsim.nonlinear.part import Floats
from xbarsim.nonlinear.problem import Problem

STEPS = 150
"""Steps until a point is given up."""

_STEPS_BETWEEN = 50
"""The same for circuits on the way to the real one."""

_MOST_SEEN = 2
"""How often steps may lead to the very same place: devices that were held back may go on from there."""

_CLOSE = 1e-6
"""Relative size of a step from which on the residual is looked at."""

_GAINED = 1e-2
"""Times the step before that one with its factors may be."""

_SMALL = 1e-11
"""Relative size of a last step past which a solution is none."""

_POLISHED = 1e-15
_HOLDS = 1e-12
"""Residual of a solution that is worth no further step."""

_MOST_POLISHING = 6


class NewtonError(SolveError):
    """No solution was found.

    Attributes
    ----------
    unknown : int
        What moved by most in the last step.
    element, origin : str, int
        The element whose tangent missed its law by most there, and where it stands.
    """

    def __init__(self, message: str, unknown: int = 0, worst: tuple[str, int] = ("", 0)) -> None:
        super().__init__(message)
        self.unknown = unknown
        self.element, self.origin = worst


@dataclass(frozen=True)
class Setting:
    """One circuit to solve: sources ``right`` (size, 1) at a time, times ``share``, with shunts to ground."""

    right: Floats
    time: float = 0.0
    shunt: float = 0.0
    share: float = 1.0

    @property
    def real(self) -> bool:
        """Whether it is the circuit itself and no step towards it."""
        return self.shunt == 0.0 and self.share == 1.0


@dataclass(frozen=True)
class Point:
    """A solution: unknowns (size, 1), its worst residual, and how many steps it took."""

    x: Floats
    residual: float
    steps: int


def newton(problem: Problem, setting: Setting, start: Floats) -> Point:
    """Solve from ``start`` (size, 1), tangents where they stand.

    Parameters
    ----------
    problem : Problem
        The equations.
    setting : Setting
        Right-hand side, time, shunt, and the share of the sources.
    start : (size, 1) array
        Volts and amperes.

    Raises
    ------
    NewtonError
        It does not converge.
    """
    right = setting.right * setting.share
    x, best, polishing, unknown = start, None, 0, 0
    visits: Counter[bytes] = Counter()
    worst, residual = ("", 0), 0.0
    factors: Factors | None = None
    moved, near = np.inf, False
    for count in range(1, (STEPS if setting.real else _STEPS_BETWEEN) + 1):
        at = problem.linearise(x, right, setting.time, setting.shunt, setting.share)
        if not (np.isfinite(at.gap).all() and np.isfinite(at.slopes).all()):
            raise NewtonError("a law has no finite value", unknown, worst)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Near the solution slopes change by next to nothing: the last ones' factors do while they gain digits.
                reused = factors is not None and near
                if factors is None or not near:
                    factors = problem.factored(at.slopes)
                step = factors.solve(at.gap)
        except SolveError as error:
            raise NewtonError(str(error), getattr(error, "unknown", 0), problem.worst(x, at, x, setting.time)) from None
        before, x = x, x + step
        if not np.isfinite(x).all():
            raise NewtonError("the unknowns overflow", unknown, worst)
        scaled = np.abs(step[:, 0] / factors.col_scale)
        unknown = int(scaled.argmax()) if scaled.size else 0
        last, moved = moved, float(scaled.max(initial=0.0) / max(factors.sizes(x)[0], 1e-300))
        near = at.settled and moved <= _CLOSE and not (reused and moved > _GAINED * last)
        if not (at.settled and moved <= _CLOSE):
            place = x.tobytes()
            visits[place] += 1
            circle = visits[place] > _MOST_SEEN
            if circle or count == STEPS:
                worst = problem.worst(before, at, x, setting.time)
            if circle and not problem.has_values(x, setting.time):
                raise NewtonError("a law has no finite value", unknown, worst)
            if circle:
                raise NewtonError("its steps go round in a circle", unknown, worst)
            continue
        if not setting.real:
            return Point(x, 0.0, count)
        residual = float(problem.ratios(x, right, setting.time, at.slopes).max(initial=0.0))
        residual = max(residual, problem.doubt(factors, at, step, x))
        if moved <= _SMALL and residual <= TOLERANCE and (best is None or residual < best.residual):
            best = Point(x, residual, count)
        polishing += 1
        polished = moved <= _POLISHED and residual <= _HOLDS
        if best is not None and (polished or residual > best.residual or polishing >= _MOST_POLISHING):
            return best
    if best is not None:
        return best
    if residual > TOLERANCE:
        raise NewtonError(
            f"Kirchhoff's laws stay violated by {residual:.1e}", unknown, problem.worst(before, at, x, 0.0)
        )
    raise NewtonError(f"its steps do not settle in {count}", unknown, worst)
