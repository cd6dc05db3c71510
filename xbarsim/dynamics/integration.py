"""A circuit from its first point to the end of its run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from xbarsim import mna, nonlinear
from xbarsim.dynamics.dyadic_grid import DyadicGrid
from xbarsim.dynamics.fading_states import FadingStates
from xbarsim.dynamics.first_point import FirstPoint, initial_values, operating_point
from xbarsim.dynamics.formulas import formula
from xbarsim.dynamics.history import History
from xbarsim.dynamics.law_corners import law_corners
from xbarsim.dynamics.ringing import Ringing
from xbarsim.dynamics.run_failures import explained, no_start, step_failure
from xbarsim.dynamics.step_equations import LinearStep, NewtonStep, StepEnd, StepEquations, StepError
from xbarsim.dynamics.stored_charge import stored_parts
from xbarsim.dynamics.timed_solution import Ints, PointRecorder, TimedSolution
from xbarsim.dynamics.timed_sources import TimedSources
from xbarsim.dynamics.truncation import Truncation
from xbarsim.errors import InputError, SolveError, TooLargeError
from xbarsim.netlist.analyses import Transient
from xbarsim.netlist.as_network import NamedNetwork, network_of
from xbarsim.netlist.element_kinds import CURRENT, INDUCTOR, VOLTAGE, fixes_voltage
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.nonlinear.assembly import parts_of
from xbarsim.nonlinear.junction import Junctions

_SMALLEST = 1e-12
"""Of the longest step: the smallest."""

_FIRST = 64.0
"""The longest step over the first one tried."""

_FAILED = 8.0
"""What a step is divided by that has no solution."""

_SAFETY = 0.9

_ROOM = 0.7
"""Of what a step may err: with steps of twice the size, where they are to be doubled."""


def integrate(
    circuit: FlatCircuit,
    transient: Transient,
    *,
    progress: Callable[[float], bool | None] | None = None,
    keep: tuple[Ints, Ints] | None = None,
) -> TimedSolution:
    """Integrate a circuit in time.

    Parameters
    ----------
    circuit : FlatCircuit
        With its ``storage``.
    transient : Transient
        From when to when, from what, and how well.
    progress : callable, optional
        Is step_failure after each step what share of the run is done, 0 to 1; if it returns True, the run ends there.
    keep : tuple of two (k,) arrays of int, optional
        Nodes and branches of which voltages and currents are kept; by default all.

    Returns
    -------
    TimedSolution
        Where it is not complete, what was computed until then.

    Raises
    ------
    InputError
        Times that make no run, or initial values that contradict each other.
    FloatingError
        Nodes without a path to ground.
    SolveError
        There is no first point.
    TooLargeError
        The points would not fit in memory.
    """
    with np.errstate(all="ignore"):  # what overflows is found by its residual
        return _Run(circuit, transient, progress or (lambda share: None), keep).whole()


@dataclass(frozen=True)
class _Attempt:
    """A step that was tried: what it ends at, at which time, and its largest error relative to what is allowed."""

    step: StepEnd
    time: float
    error: float
    order: int
    state: int = 0


class _Run:
    def __init__(
        self,
        circuit: FlatCircuit,
        transient: Transient,
        progress: Callable[[float], bool | None],
        keep: tuple[Ints, Ints] | None,
    ) -> None:
        self.circuit, self.transient, self.progress = circuit, transient, progress
        self.largest = _longest(transient)
        self.smallest = max(_SMALLEST * self.largest, 8 * float(np.spacing(transient.stop)))
        self.named_network = network_of(circuit)
        self.equations = _equations(circuit, self.named_network, self.largest)
        self.sources = TimedSources(circuit, self.equations.system)
        count = self.equations.system.unknowns.nodes
        sources = _source_places(circuit, self.named_network, count)
        fading = FadingStates(circuit, count, self.named_network.branch)
        self.truncation = Truncation(transient.tolerances, self.equations.stored, count, sources, fading)
        nodes, branches = keep or (np.arange(len(circuit.nodes)), np.arange(len(self.named_network.fixing)))
        least = (transient.stop - transient.start) / self.largest
        self.recorder = PointRecorder(nodes, branches, transient.start, least)
        self.first_step = self.largest / _FIRST
        self.ringing = Ringing()
        self.accepted = self.rejected = 0
        self.residual = 0.0

    def whole(self) -> TimedSolution:
        """Return the run."""
        first = self._first_point()
        self.recorder.add(0.0, first.voltages, first.amperes)
        self.residual = first.residual
        values = self.equations.values(first.unknowns)
        charges = self.equations.charges(values)
        self.truncation.see(charges, values)
        past, problem = History(0.0, first.unknowns, charges), ""
        try:
            for corner in self.sources.corners(self.transient.stop, self.largest, law_corners(self.circuit.behaviours)):
                if corner - past.times[-1] > self.smallest:
                    past = self._until(corner, past.restarted())
        except _RunEndedError as stop:
            problem = str(stop)
        times, voltages, amperes = self.recorder.table()
        return TimedSolution(
            times, voltages, amperes, self.residual, self.accepted, self.rejected, not problem, problem
        )

    def _first_point(self) -> FirstPoint:
        try:
            if self.transient.from_initial:
                return initial_values(
                    self.circuit, self.transient, self.named_network, self.equations, self.sources, self.largest
                )
            return operating_point(self.circuit, self.transient, self.named_network, self.equations)
        except InputError:
            raise
        except SolveError as error:
            raise no_start(self.circuit, self.named_network, self.equations, error) from None

    def _until(self, corner: float, past: History) -> History:
        """Go to the next corner."""
        grid = DyadicGrid(past.times[-1], corner, self.largest)
        self.truncation.begin(corner - grid.start)
        if min(self.first_step, 0.5 * (corner - grid.start)) < grid.step:
            grid.shorten(min(self.first_step, 0.5 * (corner - grid.start)))
        past = self._started(grid, past)
        while not grid.arrived:
            attempt = self._tried(past, grid.after(1), grid)
            if attempt is None:
                continue
            if attempt.error > 1:
                self._shorten(grid, attempt)
                continue
            grid.advance()
            self._accept(past, attempt)
            if self._rings(attempt, grid):
                past = self._started(grid, past.restarted())
            elif attempt.error * 2 ** (attempt.order + 1) <= _ROOM:
                grid.lengthen()
        return past

    def _rings(self, attempt: _Attempt, grid: DyadicGrid) -> bool:
        """Whether the next two steps are to be by backward Euler, and may be."""
        if self.transient.tolerances.method != "trap" or attempt.order != 2:
            return False
        step = attempt.step
        rings = self.ringing.see(
            step.rates, grid.step, lambda: self.truncation.allowed(step.charges, step.values, attempt.time)
        )
        return rings and grid.left >= 2

    def _started(self, grid: DyadicGrid, past: History) -> History:
        """Take the first two steps, by backward Euler, together: one alone would not show its error."""
        self.ringing.restart()
        while True:
            trial = past.restarted()
            attempts = []
            for count in (1, 2):
                attempt = self._tried(trial, grid.after(count), grid)
                if attempt is None or attempt.error > 1:
                    break
                attempts.append(attempt)
                trial.add(attempt.time, attempt.step.unknowns, attempt.step.charges, attempt.step.rates)
            if len(attempts) == 2:
                break
            if attempt is not None:
                self._shorten(grid, attempt)
        for attempt in attempts:
            self._accept(past, attempt)
        self.first_step = grid.step * (2.0 if attempts[-1].error * 4 <= _ROOM else 1.0)
        grid.advance(2)
        return past

    def _tried(self, past: History, time: float, grid: DyadicGrid) -> _Attempt | None:
        """Try a step; None if it has no solution, and steps were made shorter."""
        t = self.transient.tolerances
        rule = formula(t.method, t.order, time - past.times[-1], past)
        start = past.predicted(time, rule.order)
        try:
            step = self.equations.solve(rule, past.charges[-1], self.sources.right(time), time, start)
        except StepError as error:
            self.rejected += 1
            self._check_length(grid.step / _FAILED, time, step_failure(self.circuit, self.equations.system, error))
            grid.shorten(grid.step / _FAILED)
            return None
        except SolveError as error:
            raise _RunEndedError(str(error)) from None
        if past.count < rule.order + 1:
            return _Attempt(step, time, 0.0, rule.order)
        error_ratio, state = self.truncation.worst(rule, past, time, step.charges, step.values)
        return _Attempt(step, time, error_ratio, rule.order, state)

    def _shorten(self, grid: DyadicGrid, attempt: _Attempt) -> None:
        self.rejected += 1
        step = grid.step * max(_SAFETY * attempt.error ** (-1 / (attempt.order + 1)), 1e-3)
        name, origin = self.truncation.element_of(attempt.state)
        cause = f"the charge or flux of {name} ({self.circuit.places.where(origin)}) changes too fast"
        self._check_length(min(step, 0.5 * grid.step), attempt.time, cause)
        grid.shorten(step)

    def _check_length(self, step: float, time: float, cause: str) -> None:
        if not step >= self.smallest:
            raise _RunEndedError(explained(time, self.smallest, cause))

    def _accept(self, past: History, attempt: _Attempt) -> None:
        step, time = attempt.step, attempt.time
        past.add(time, step.unknowns, step.charges, step.rates)
        unknowns, values = self.equations.system.unknowns, step.values
        self.truncation.see(step.charges, values)
        self.accepted += 1
        self.residual = max(self.residual, step.residual)
        branches = values[unknowns.nodes : unknowns.nodes + unknowns.reported]
        try:
            self.recorder.add(time, values[: unknowns.nodes], branches)
        except TooLargeError as error:
            raise _RunEndedError(f"at {time:.9g} s: {error}") from None
        if self.progress(time / self.transient.stop):
            raise _RunEndedError(f"stopped at {time:.9g} s")


class _RunEndedError(SolveError):
    """The run ends before its time."""


def _longest(transient: Transient) -> float:
    step, stop, start = transient.step, transient.stop, transient.start
    if not (np.isfinite(stop) and stop > 0):
        raise InputError(f"stop is {stop:g} s: a transient needs a time above 0")
    if not 0 <= start < stop:
        raise InputError(f"start is {start:g} s: it must lie between 0 and the stop time, {stop:g} s")
    if np.isnan(transient.largest):
        if not step > 0:
            raise InputError(f"step is {step:g} s: it must be above 0")
    elif not transient.largest > 0:
        raise InputError(f"the longest step is {transient.largest:g} s: it must be above 0")
    return transient.longest


def _source_places(circuit: FlatCircuit, named_network: NamedNetwork, nodes: int) -> Ints:
    """Return the places of independent sources' ends, and of the currents through those of volts."""
    volts, amperes = (np.flatnonzero(circuit.kinds == kind) for kind in (VOLTAGE, CURRENT))
    sources = np.concatenate([volts, amperes])
    return np.concatenate([circuit.first[sources], circuit.second[sources], nodes + named_network.branch[volts]])


def _equations(circuit: FlatCircuit, named_network: NamedNetwork, longest: float) -> StepEquations:
    """Return a circuit's equations in time, inductors' voltages free."""
    network = named_network.network
    fixing = circuit.kinds[fixes_voltage(circuit.kinds)] == INDUCTOR
    if fixing.any():
        yielding = network.yielding if network.yielding.size else np.zeros(network.voltages.a.size, bool)
        yielding = yielding.copy()
        yielding[: fixing.size] |= fixing
        network = replace(network, yielding=yielding)
    try:
        if not circuit.nonlinear:
            return LinearStep(network, stored_parts(circuit, network.nodes, named_network.branch, None, longest))
        network, parts = parts_of(circuit, network, named_network.branch)
        junctions = next((part for part in parts if isinstance(part, Junctions)), None)
        junctions = junctions if circuit.diodes is not None else None
        return NewtonStep(
            network, parts, stored_parts(circuit, network.nodes, named_network.branch, junctions, longest)
        )
    except (mna.LoopError, nonlinear.NewtonError, SolveError) as error:
        raise no_start(circuit, named_network, None, error) from None
