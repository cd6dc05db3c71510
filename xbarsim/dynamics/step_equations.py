"""The equations of one step: a linear system whose factors are kept, or Newton's method.

Both are given where a step starts and by what formula rates are taken, and return unknowns that satisfy Kirchhoff's
laws and the formula.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from xbarsim.dynamics.dense_factors import DenseFactors
from xbarsim.dynamics.dense_problem import MOST, DenseProblem
from xbarsim.dynamics.formulas import RateFormula
from xbarsim.dynamics.stored_charge import Stored
from xbarsim.errors import SolveError
from xbarsim.kernels import full_matrices
from xbarsim.mna import TOLERANCE, Branches, Factors, Network, Residual, Stamps, System
from xbarsim.nonlinear import NewtonError, Problem
from xbarsim.nonlinear.continuation import find
from xbarsim.nonlinear.part import Floats, Part

_HOLDS = 1e-12
"""Residual from which on a solution is not refined any more."""

_REFINEMENTS = 6

_ITERATIONS = 40

_CLOSE = 1e-7
"""Relative size of a Newton step past which the next would be rounding: that of a law is squared."""

_SLOW = 0.1
"""Times the step before that one with old factors may be."""

_ROUNDING = 4 * float(np.finfo(np.float64).eps)

_MOST_FACTORS, _MOST_ENTRIES = 64, 50_000_000
"""How many sizes of steps are remembered, and how many entries (12 bytes each) of their factors."""


class StepError(SolveError):
    """A step has no solution: at unknown number ``unknown``, or at an element."""

    def __init__(self, message: str, unknown: int = -1, element: tuple[str, int] = ("", 0)) -> None:
        super().__init__(message)
        self.unknown, self.element = unknown, element


class StepEnd(NamedTuple):
    """Unknowns (size, 1) and places' values at the end of a step, states and rates (states,), and the residual."""

    unknowns: Floats
    values: Floats
    charges: Floats
    rates: Floats
    residual: float


class StepEquations(ABC):
    """A circuit's equations in time.

    Attributes
    ----------
    system : mna.System
        The linear part.
    stored : list of Stored
        What holds charge or flux.
    """

    system: System
    stored: list[Stored]
    _largest: Floats

    def _see(self, sizes: Floats) -> None:
        """Remember the largest terms (size,) of each equation: where all has decayed, their rounding is nothing."""
        self._largest = np.maximum(self._largest, sizes)

    @property
    def states(self) -> int:
        """How many charges and fluxes there are."""
        return sum(len(part.names) for part in self.stored)

    def values(self, x: Floats) -> Floats:
        """Return voltages, then branch currents, from the unknowns (size, 1)."""
        return self.system.unknowns.values(x)

    def unknowns(self, voltages: Floats, amperes: Floats) -> Floats:
        """Return unknowns (size, 1) from voltages (nodes,) and the currents that are reported; others are 0.

        Parameters
        ----------
        voltages : (nodes,) array
            Volts, ground's 0 first.
        amperes : (branches,) array
            Of the branches that are reported, in their order.
        """
        unknowns = self.system.unknowns
        currents = np.zeros(unknowns.size - unknowns.nodes + 1)
        currents[: amperes.size] = amperes
        return np.concatenate([unknowns.relative(voltages[:, None]), currents[:, None]])

    def charges(self, values: Floats) -> Floats:
        """Return the states (states,) at places' values.

        Parameters
        ----------
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        """
        if len(self.stored) == 1:
            return self.stored[0].charges(values)
        return np.concatenate([np.zeros(0), *(part.charges(values) for part in self.stored)])

    @abstractmethod
    def solve(self, formula: RateFormula, before: Floats, right: Floats, time: float, start: Floats) -> StepEnd:
        """Solve for the end of a step.

        Parameters
        ----------
        formula : RateFormula
            What gives the rates.
        before : (states,)
            Charges and fluxes at its start.
        right : (size, 1)
            What sources give at its end.
        time : float
            Seconds, at its end.
        start : (size, 1)
            Unknowns near the solution.

        Raises
        ------
        StepError
            There is no solution, or none that holds.
        """

    def begin(self, formula: RateFormula, before: Floats, right: Floats, start: Floats) -> StepEnd:
        """Solve as ``solve``, at time 0 and from a start that may be far off.

        Currents of what jumps there count for nothing later.

        Parameters
        ----------
        formula : RateFormula
            How rates follow from charges.
        before : (states,) array
            Coulombs and webers that the step begins with.
        right : (size, 1) array
            What sources give at time 0.
        start : (size, 1) array
            Where Newton's method begins.
        """
        step = self._begun(formula, before, right, start)
        self._largest = np.zeros(self.system.size)
        return step

    def _begun(self, formula: RateFormula, before: Floats, right: Floats, start: Floats) -> StepEnd:
        return self.solve(formula, before, right, 0.0, start)


class LinearStep(StepEquations):
    """Equations of a linear circuit: one solution with factors that steps of one size share."""

    def __init__(self, network: Network, stored: list[Stored]) -> None:
        self.stored = stored
        ties = [part.ties for part in stored]
        self.system = System(network, _joined(ties))
        self._largest = np.zeros(self.system.size)
        a, b, c, d = (np.concatenate([np.zeros(0, np.int64), *(part.stamps[k] for part in stored)]) for k in range(4))
        self._jacobian = self.system.jacobian(Stamps(a, b, c, d))
        self._flows, self._controls = self.system.flows(a, b), self.system.unknowns.pairs(c, d)
        self._control_sizes = abs(self._controls)
        empty = np.zeros(0)
        self._coefficient = np.concatenate([empty, *(part.capacitances(empty) for part in stored)])
        self._residual = Residual(self.system)
        self._of_alpha: OrderedDict[str, Factors] = OrderedDict()

    def solve(self, formula: RateFormula, before: Floats, right: Floats, time: float, start: Floats) -> StepEnd:
        """Solve, and refine where the residual asks for it."""
        factors = self._factors(formula.alpha)
        x = start
        for _ in range(_REFINEMENTS):
            rates = formula.alpha * (self._states(x) - before) + formula.carried
            gap = right - self.system.matrix @ x - self._flows.sums(rates[:, None])
            x = x + factors.apply(gap)
            charges = self._states(x)
            rates = formula.alpha * (charges - before) + formula.carried
            # Of the voltages at both ends: where these are nearly the same, their difference has few digits.
            coulombs = np.abs(self._coefficient) * (self._control_sizes @ np.abs(x[:, 0]))
            rounding = self._flows.sizes((_ROUNDING * formula.alpha * coulombs)[:, None])
            rounding += (_ROUNDING * self._largest)[:, None]
            ratios = self._residual.ratios(x, right, self._flows, rates[:, None], rounding)[:, 0]
            worst = float(ratios.max(initial=0.0))
            if worst <= _HOLDS:
                break
        if not worst <= TOLERANCE:
            raise StepError(f"Kirchhoff's laws stay violated by {worst:.1e}", int(ratios.argmax()))
        linear = self.system.magnitude @ np.abs(x) + np.abs(right)
        self._see((linear + self._flows.sizes(rates[:, None]))[:, 0])
        return StepEnd(x, self.values(x), charges, rates, worst)

    def _states(self, x: Floats) -> Floats:
        return np.asarray(self._coefficient * (self._controls @ x[:, 0]))

    def _factors(self, alpha: float) -> Factors:
        # Distances of like corners differ by rounding: refinement makes up for that.
        key = f"{alpha:.9e}"
        factors = self._of_alpha.get(key)
        if factors is None:
            try:
                factors = self._jacobian.factored(alpha * self._coefficient)
            except SolveError as error:
                raise StepError(str(error)) from None
            self._of_alpha[key] = factors
            while len(self._of_alpha) > 1 and (
                len(self._of_alpha) > _MOST_FACTORS
                or sum(known.entries for known in self._of_alpha.values()) > _MOST_ENTRIES
            ):
                self._of_alpha.popitem(last=False)
        self._of_alpha.move_to_end(key)
        return factors


class NewtonStep(StepEquations):
    """Equations of a nonlinear circuit."""

    def __init__(self, network: Network, parts: list[Part], stored: list[Stored]) -> None:
        self.stored = stored
        least = network.nodes + sum(part.a.size for part in network.fixing)
        self._problem: Problem = (DenseProblem if least <= MOST else Problem)(network, [*parts, *stored])
        self.system = self._problem.system
        self._largest = np.zeros(self.system.size)
        self._factors: Factors | DenseFactors | None = None
        self._alpha = self._top = 0.0

    def solve(self, formula: RateFormula, before: Floats, right: Floats, time: float, start: Floats) -> StepEnd:
        """Solve by Newton's method; factors are kept as long as they serve."""
        problem = self._problem
        self._take(formula, before)
        problem.disregard(_ROUNDING * self._largest)
        small = isinstance(problem, DenseProblem)
        if small or abs(self._alpha - formula.alpha) > _SLOW * formula.alpha:
            self._factors = None
        x, last = start, np.inf
        for _ in range(_ITERATIONS):
            at = problem.linearise(x, right, time, 0.0, 1.0)
            if not (full_matrices.finite(at.gap[:, 0]) and full_matrices.finite(at.slopes)):
                raise StepError("a law has no finite value", element=problem.worst(x, at, x, time))
            if self._factors is None:
                try:
                    self._factors = (
                        problem.full_factors(at.slopes)
                        if isinstance(problem, DenseProblem)
                        else problem.factored(at.slopes)
                    )
                    self._alpha = formula.alpha
                except SolveError as error:
                    raise StepError(str(error)) from None
            factors = self._factors
            step = factors.apply(at.gap)
            previous, x = x, x + step
            if not full_matrices.finite(x[:, 0]):
                raise StepError("the unknowns overflow", element=problem.worst(previous, at, previous, time))
            top, moved = float(factors.sizes(x)[0]), float(factors.sizes(step)[0])
            self._top = max(self._top, top)
            moved /= max(top, _ROUNDING * self._top, 1e-300)
            if at.settled and moved <= _CLOSE:
                negligible = _ROUNDING * self._largest
                residual, sizes, values = problem.violations(x, right, time, at, negligible)
                if residual <= _HOLDS * 10 or (residual <= TOLERANCE and moved <= _HOLDS):
                    charges = self.charges(values)
                    self._see(sizes)
                    return StepEnd(x, values, charges, formula.alpha * (charges - before) + formula.carried, residual)
            if small or moved > _SLOW * last:
                self._factors = None
            last = moved
        unknown = int(np.abs(step[:, 0] / factors.col_scale).argmax())
        self._factors = None
        word = "its steps do not settle" if problem.has_values(x, time) else "a law has no finite value"
        raise StepError(word, unknown, problem.worst(previous, at, x, time))

    def _begun(self, formula: RateFormula, before: Floats, right: Floats, start: Floats) -> StepEnd:
        """Solve by way of easier circuits where Newton's method fails."""
        try:
            return self.solve(formula, before, right, 0.0, start)
        except StepError as error:
            first = error
        try:
            point = find(self._problem, right, 0.0, start)
        except NewtonError:
            raise first from None
        values = self.values(point.x)
        charges = self.charges(values)
        return StepEnd(point.x, values, charges, formula.alpha * (charges - before) + formula.carried, point.residual)

    def _take(self, formula: RateFormula, before: Floats) -> None:
        first = 0
        for part in self.stored:
            states = slice(first, first + len(part.names))
            part.take(formula.alpha, formula.carried[states], before[states])
            first = states.stop


def _joined(ties: list[Branches]) -> Branches:
    empty = Branches()
    return Branches(*(np.concatenate([getattr(part, name) for part in (empty, *ties)]) for name in ("a", "b", "value")))
