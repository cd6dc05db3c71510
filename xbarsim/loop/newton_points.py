"""Operating points of loops whose arrays have cells with a law: Newton's method on all unknowns of the loop.

Each array is solved in full at the voltages of its ends, which gives its currents; with its cells' slopes there it is
linear, and its admittance is what these currents change by. A step that would make the next one larger is halved:
what is compared is ``J^-1 F`` with one J, which no scaling of equations changes (P. Deuflhard, Newton Methods for
Nonlinear Problems, 2004, ch. 3).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from xbarsim.checks import Array
from xbarsim.devices import Linear
from xbarsim.errors import ConvergenceError, ExtrapolationError, LawError, SolveError
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.dense_system import DenseSystem
from xbarsim.loop.loop_equations import LoopEquations
from xbarsim.loop.loop_evidence import GOOD, factored, largest_share
from xbarsim.loop.loop_parts import CurrentSource, JoinedArray, Part, VoltageSource
from xbarsim.noise.operating_point import OperatingPoint
from xbarsim.resources import check_running
from xbarsim.solution import Solution

_MOST_STEPS = 60
_LEAST_SHARE = 2.0**-20
"""Of a step, below which halving ends."""

_LEAST_SLOPE = 1e-9
"""Of a cell's conductance, below which its slope does not count: only the way to the point depends on it."""

_STALLED = 0.5
"""What a small enough bound has to fall by for another step."""


@dataclass(frozen=True, eq=False)
class NewtonPoint:
    """One operating point.

    Attributes
    ----------
    x : (size, 1)
        The unknowns.
    equations : LoopEquations
        Of the loop with its cells' slopes in their place.
    solutions : dict of Solution
        Of all arrays, with all node voltages.
    residual, current_residual, condition : float
        As those of a ``ClosedLoop``.
    """

    x: Array
    equations: LoopEquations
    solutions: dict[str, Solution]
    residual: float
    current_residual: float
    condition: float


@dataclass(frozen=True, eq=False)
class _Trial:
    """The loop at some voltages: what they leave of its equations, and what its arrays warn of there."""

    x: Array
    solutions: dict[str, Solution]
    gap: Array
    doubt: Array
    remarks: tuple[Warning | str, ...]

    def tangent(self, loop: Loop) -> LoopEquations:
        return LoopEquations(Loop(*(_straight(part, self.solutions) for part in loop.parts)))


def newton_point(loop: Loop, point: int, tolerance: float) -> NewtonPoint:
    """Find the operating point of a loop at one of its sources' points.

    Raises
    ------
    SolveError
        The loop of the cells' slopes has no operating point.
    ConvergenceError
        Newton's method did not come to ``tolerance``; the message names the worst node.
    """
    loop = Loop(*(_at(part, point) for part in loop.parts))
    bent = LoopEquations(loop)
    trial = _tried(bent, np.zeros((bent.size, 1)))
    best: NewtonPoint | None = None
    remarks = trial.remarks
    for _ in range(_MOST_STEPS):
        check_running()
        equations = trial.tangent(loop)
        system = factored(equations)
        reached = _evidence(equations, system, trial)
        stalled = best is not None and reached.residual > _STALLED * best.residual
        if best is None or reached.residual < best.residual:
            best, remarks = reached, trial.remarks
        if best.residual <= GOOD or (stalled and best.residual <= tolerance):
            break
        step = system.solve(trial.gap)
        following = _damped(bent, system, trial, step)
        if following is None:
            break
        trial = following
    assert best is not None
    if best.residual <= tolerance:
        for remark in remarks:
            warnings.warn(remark, stacklevel=4)
        return best
    raise ConvergenceError(_worst(bent, trial, best), "lower the sources", "give the amplifiers a smaller gain first")


def _damped(bent: LoopEquations, system: DenseSystem, trial: _Trial, step: Array) -> _Trial | None:
    """Return the loop after a step, or after a part of it that brings it nearer; None where none does.

    Where the arrays have no solution after any part of it, what they say is raised.
    """
    share, size = 1.0, _size(bent, step)
    while share >= _LEAST_SHARE:
        try:
            following = _tried(bent, trial.x + share * step)
        except (SolveError, LawError, ExtrapolationError):
            if share / 2.0 < _LEAST_SHARE:
                raise
        else:
            rounding = _size(bent, system.bound(following.doubt))
            if _size(bent, system.solve(following.gap)) <= (1.0 - 0.25 * share) * size + rounding:
                return following
        share /= 2.0
    return None


def _size(bent: LoopEquations, step: Array) -> float:
    """Return the size of a step: of its nodes' voltages."""
    return float(np.linalg.norm(step[: bent.nodes]))


def _tried(bent: LoopEquations, x: Array) -> _Trial:
    """Return the loop at some voltages; raises what its arrays raise there."""
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        solutions = bent.solutions(x, fields=True)
    return _Trial(x, solutions, *bent.gap(x, solutions), tuple(remark.message for remark in remarks))


def _evidence(equations: LoopEquations, system: DenseSystem, trial: _Trial) -> NewtonPoint:
    """Return a trial as an operating point, with the bounds of its error."""
    bound = system.bound(np.abs(trial.gap) + trial.doubt)
    nodes = equations.nodes
    residual = largest_share(bound[:nodes], trial.x[:nodes])
    currents = largest_share(bound[nodes:], trial.x[nodes:])
    return NewtonPoint(trial.x, equations, trial.solutions, residual, currents, system.condition)


def _straight(part: Part, solutions: dict[str, Solution]) -> Part:
    """Return an array with its cells' slopes in their place; linear arrays and other parts stay."""
    if not isinstance(part, JoinedArray) or part.crossbar.device.linear:
        return part
    slopes = OperatingPoint.of(solutions[part.name], 0).slope
    slopes = np.maximum(slopes, _LEAST_SLOPE * part.crossbar.conductance)
    return replace(part, crossbar=part.crossbar.with_cells(slopes, Linear()))


def _at(part: Part, point: int) -> Part:
    """Return a part with its value at one point."""
    if isinstance(part, VoltageSource) and np.ndim(part.volts):
        return replace(part, volts=np.asarray(part.volts)[point])
    if isinstance(part, CurrentSource) and np.ndim(part.amperes):
        return replace(part, amperes=np.asarray(part.amperes)[point])
    return part


def _worst(bent: LoopEquations, trial: _Trial, best: NewtonPoint) -> str:
    """Say where a loop that did not converge is worst."""
    kirchhoff = np.abs(trial.gap[: bent.nodes, 0])
    worst = int(kirchhoff.argmax())
    return (
        f"the loop with nonlinear cells did not converge: {bent.label(worst)} is off by "
        f"{kirchhoff[worst]:.2g} A at {trial.x[worst, 0]:.3g} V (bound {best.residual:.1e})"
    )
