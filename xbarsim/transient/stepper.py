"""Steps in time, of lengths that keep each step's error within bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import broadcast, checked_array
from xbarsim.crossbar import SIDES, Array, Crossbar, Side
from xbarsim.errors import InputError, TimeStepError
from xbarsim.resources import check_running
from xbarsim.solvers.segments import Segments
from xbarsim.transient.cells_in_time import CellsInTime
from xbarsim.transient.node_capacitance import NodeCapacitance
from xbarsim.transient.runge_kutta import RungeKutta, TimeStep
from xbarsim.transient.stage_newton import StageSolver, Volts
from xbarsim.transient.tableau import ORDER

_SMALLER, _LARGER, _SAFETY = 0.2, 5.0, 0.9
_AGAIN = 0.25  # of a step in which Newton's method did not converge
_SMALLEST = 1e-15  # of what is to be simulated, or of the time
_NEAR = 1e-9
"""Part of a length or of volts that is only rounding."""
_WORTH = 1.3
"""Times a step's length from which on a longer one pays, where factors of this one are there."""
_ACCURACY = 1e-2  # of the tolerance, to which stages are solved


def _positive(name: str, value: float, most: float) -> float:
    if isinstance(value, bool) or not (isinstance(value, Real) and 0.0 < value <= most):
        raise InputError(
            f"{name} is {value!r}: it must be above 0" + (f" and at most {most:g}" if most < np.inf else "")
        )
    return float(value)


class Stepper:
    """A crossbar that is driven through time, piece by piece.

    Parameters
    ----------
    crossbar : Crossbar
        As of ``simulate``, as are all others here.
    start : float
        Seconds.
    initial_states : array_like, scalar or (rows, cols), optional
        States, in the model's unit; those of the conductances by default.
    word_capacitance, bit_capacitance, cell_capacitance : array_like, scalar or (rows, cols)
        Farads from word nodes to ground, from bit nodes to ground, and across cells.
    reltol : float
        Above 0, at most 0.1.
    max_step : float
        Seconds.
    threads : int
        How many.

    Attributes
    ----------
    time : float
        Seconds.
    accepted, rejected : int
        Steps so far.
    residual : float
        The largest residual of an accepted stage.
    source_energy : dict of side to (lines,)
        Joules that the sources have delivered.
    cell_energy : (rows, cols)
        Joules that the cells have dissipated.

    Raises
    ------
    InputError
        A number or a state is out of its bounds.
    """

    def __init__(
        self,
        crossbar: Crossbar,
        *,
        start: float = 0.0,
        initial_states: ArrayLike | None = None,
        word_capacitance: ArrayLike = 0.0,
        bit_capacitance: ArrayLike = 0.0,
        cell_capacitance: ArrayLike = 0.0,
        reltol: float = 1e-4,
        max_step: float = np.inf,
        threads: int = 1,
    ) -> None:
        if not np.isfinite(start):
            raise InputError(f"start is {start!r}: it must be a finite number of seconds")
        self.crossbar, self.time = crossbar, start
        self.reltol, self.max_step = _positive("reltol", reltol, 0.1), _positive("max_step", max_step, np.inf)
        segments = Segments.of(crossbar)
        self.capacitance = NodeCapacitance(word_capacitance, bit_capacitance, cell_capacitance, crossbar.shape)
        self.cells = CellsInTime(crossbar, crossbar.conductance if self.capacitance.present else segments.g)
        self.segments = segments
        self.stages = StageSolver(segments, self.cells, self.capacitance, max(1e-11, _ACCURACY * reltol), threads)
        self.stages.x[:] = self._first_states(initial_states)
        self.volts: Volts = {side: volts.copy() for side, volts in segments.volts.items()}
        self.accepted = self.rejected = 0
        self.residual = 0.0
        self._joules, self.source_energy = self.stages.shares.laid_out()
        self.cell_energy = np.zeros(crossbar.shape)
        self.keep_cell_energy = False
        self._step = np.inf
        self._steps = RungeKutta(self.stages, self.reltol)
        self._joined = any(bool(lines.any()) for lines in segments.joined.values())
        self._charged = not self.capacitance.present
        self._charged_lines = self.capacitance.present and self.cells.linear

    def _first_states(self, initial: ArrayLike | None) -> Array:
        shape, cells = self.crossbar.shape, self.cells
        if not cells.dynamic:
            if initial is not None:
                raise InputError(f"initial_states are given, but {self.crossbar.device!r} has no state")
            return np.zeros(shape)
        if initial is None:
            states: Array = self.crossbar.device.state(self.crossbar.conductance)  # type: ignore[attr-defined]
            return states
        states = broadcast("initial_states", checked_array("initial_states", initial, signed=True), shape)
        out = (states < cells.low) | (states > cells.high)
        if out.any():
            i, j = (int(k) for k in np.argwhere(out)[0])
            raise InputError(
                f"initial_states[{i}, {j}] is {states[i, j]:g}: it must be within {cells.low[i, j]:g} and "
                f"{cells.high[i, j]:g}"
            )
        return states

    @property
    def states(self) -> Array:
        """The cells' states (rows, cols), read-only."""
        view = self.stages.x.view()
        view.setflags(write=False)
        return view

    @property
    def end_currents(self) -> Volts:
        """Amperes out of the array at the moment, by side."""
        currents = {side: amperes.copy() for side, amperes in self.stages.end_currents.items()}
        return self.segments.shared(self.segments.gathered(currents)) if self._joined else currents

    @property
    def stored_energy(self) -> float:
        """Joules in the capacitances."""
        return self.capacitance.stored(self.stages.v, self.stages.u) if self.capacitance.present else 0.0

    def settle(self, volts: Volts, *, discharged: bool = False) -> None:
        """Take the operating point at source volts and states as they are; or all capacitances without charge.

        Parameters
        ----------
        volts : mapping of side to array
            Volts of the sources at each side's line ends, a scalar or (lines,).
        discharged : bool
            Whether capacitances are without charge instead of at the operating point.

        Raises
        ------
        TimeStepError
            There is none, or it was not found.
        """
        stages, zero = self.stages, np.zeros(self.crossbar.shape)
        self.volts = volts
        self._steps.measure(volts)
        if discharged:
            stages.put(zero, zero, stages.x)
            for side, amperes in self._switched_on(volts).items():
                stages.end_currents[side][:] = amperes
            self._steps.jumped = True
        else:
            outcome = self._steps.point(volts)
            if not outcome.converged:
                raise self._stuck(f"the operating point was not found: {outcome.reason}", outcome.cell)
            self.residual = max(self.residual, outcome.residual)
        self._charged = True

    def advance(
        self, source: Callable[[float], Volts], stop: float, *, after: Callable[[], None] | None = None
    ) -> None:
        """Go on to ``stop`` seconds with sources that are smooth until then; call ``after`` each step.

        Parameters
        ----------
        source : callable
            Gives the sources' volts at a time in seconds.
        stop : float
            Seconds.
        after : callable, optional
            Called after each step.

        Raises
        ------
        InputError
            ``stop`` is not after now.
        SolveError
            Two sources of different voltage are joined by 0 ohm.
        TimeStepError
            No step is small enough; the time is that of the last step that was.
        """
        if not self.time < stop < np.inf:
            raise InputError(f"stop is {stop:g} s: it must be after the stepper's time, {self.time:g} s")
        if not self._charged:
            self.settle(source(self.time))
        steps = self._steps
        steps.corner, steps.span = True, stop - self.time
        steps.jumped = steps.jumped or self._differs(source(self.time))
        if self._joined:
            for time in (self.time, stop):
                self.segments.check_conflicts({side: lines[None] for side, lines in source(time).items()})
        smallest = _SMALLEST * max(stop - self.time, abs(stop))
        while self.time < stop:
            check_running()
            left = stop - self.time
            h = min(self._step, self.max_step, left)
            h = left if h > (1.0 - _NEAR) * left else 0.5 * left if 0.5 * left < h else h
            step = steps.attempt(
                source, self.time, stop if h == left else self.time + h, self.volts, heat=self.keep_cell_energy
            )  # fmt: skip
            error = step.error
            if error <= 1.0:
                self._accept(step)
                grown = h * min(_LARGER, _SAFETY * max(error, 1e-10) ** (-1.0 / ORDER))
                if self._charged_lines and h < grown < _WORTH * h:
                    grown = h
                self._step = max(grown, self._step) if h == left and error < 1.0 else grown
                if after is not None:
                    after()
                continue
            self.rejected += 1
            less = max(_SMALLER, _SAFETY * error ** (-1.0 / ORDER)) if error < np.inf else _AGAIN
            self._step = h * less
            if self._step < smallest:
                raise self._stuck(step.reason, step.cell)

    def hold(self, volts: Mapping[Side, ArrayLike], seconds: float) -> None:
        """Put sources to ``volts`` at once, the sides left out as they are, and keep them for some seconds.

        Parameters
        ----------
        volts : mapping of side to array
            Volts of the sources at each side's line ends, a scalar or (lines,).
        seconds : float
            How long.
        """
        now = self._with(volts)
        self.advance(lambda _: now, self.time + _positive("seconds", seconds, np.inf))

    def ramp(self, volts: Mapping[Side, ArrayLike], seconds: float) -> None:
        """Move sources from where they are to ``volts`` on straight lines.

        Parameters
        ----------
        volts : mapping of side to array
            Volts of the sources at each side's line ends, a scalar or (lines,).
        seconds : float
            How long it takes.
        """
        begin, first, last = self.time, self.volts, self._with(volts)
        _positive("seconds", seconds, np.inf)

        def source(time: float) -> Volts:
            part = (time - begin) / seconds
            return {side: first[side] + part * (last[side] - first[side]) for side in SIDES}

        self.advance(source, begin + seconds)

    def _with(self, volts: Mapping[Side, ArrayLike]) -> Volts:
        changed = dict(self.volts)
        for side, lines in volts.items():
            if side not in SIDES:
                raise InputError(f"there is no side {side!r}: sides are {', '.join(SIDES)}")
            changed[side] = np.array(broadcast(side, checked_array(side, lines, signed=True), changed[side].shape))
        return changed

    def _accept(self, step: TimeStep) -> None:
        self.accepted += 1
        self.time = step.end
        self.volts = step.volts
        self.residual = max(self.residual, step.residual)
        self._joules += step.delivered
        if step.heat is not None:
            self.cell_energy += step.heat

    def _differs(self, volts: Volts) -> bool:
        """Whether sources are not where the last step left them."""
        least = _NEAR * self._steps.largest_volts
        return any(
            bool((np.abs(lines - self.volts[side]) > least).any())
            for side, lines in volts.items()
            if lines is not self.volts[side]
        )

    def _switched_on(self, volts: Volts) -> Volts:
        """Return what ends carry at the first moment without any charge: an ideal source is not limited."""
        word, bit = self.segments.word, self.segments.bit
        ohms: Volts = {"word_left": word[:, 0], "word_right": word[:, -1], "bit_top": bit[0], "bit_bottom": bit[-1]}
        with np.errstate(divide="ignore"):
            return {
                side: np.divide(-lines, ohms[side], where=lines != 0.0, out=0.0 * lines)
                for side, lines in volts.items()
            }

    def _stuck(self, reason: str, cell: int) -> TimeStepError:
        i, j = divmod(cell, self.crossbar.shape[1])
        x = f", state {self.stages.x[i, j]:.6g}" if self.cells.dynamic else ""
        return TimeStepError(
            f"no step is small enough at {self.time:.9g} s: {reason}; worst is cell [{i}, {j}] at "
            f"{self.stages.v[i, j] - self.stages.u[i, j]:.6g} V{x}",
            "look for a law that jumps or runs away there",
            "raise reltol",
            time=self.time,
            cell=(i, j),
        )
