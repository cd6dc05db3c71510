"""How much a step may err, and how much it does."""

from __future__ import annotations

import numpy as np

from xbarsim.dynamics.fading_states import FadingStates
from xbarsim.dynamics.formulas import RateFormula
from xbarsim.dynamics.history import History, divided_difference
from xbarsim.dynamics.stored_charge import Stored
from xbarsim.netlist.analyses import Tolerances
from xbarsim.nonlinear.part import Floats, Ints

_USUAL = 7.0
"""SPICE's ``trtol``, at which a run errs by about ``reltol``."""

_CONSTANTS = {("trap", 2): 1 / 12, ("gear", 2): 2 / 9}
"""Of ``x^(order + 1)``: what a step of x time constants errs by; backward Euler's is 1/2."""

_TIME_CONSTANTS = 4.0
"""For how many the errors of steps add up: a decay forgets them in one, what rings in as many as its quality says."""

_BESIDE = 1e-3
"""Of what the circuit's largest voltage or current would store: what a state counts as at least."""

_ROUNDED = 1e-14
"""Of the same: what a state is rounded by."""

_AT_RATE = 0.3
"""Of what its rate would make of a state until the next corner: what one that laws alone move counts as at least."""

_NOISE = 1e-11
"""Of what the circuit's largest voltage would store: what is nothing but rounding of what moves such a state."""

_LOOSER = 300.0
"""Times the way left to a rest that a state fades towards: what it counts as."""


class Truncation:
    """Local truncation errors of charges and fluxes against tolerances.

    A state may end up off by ``reltol`` of the largest that it has been, and ``chgtol reltol`` or ``vntol`` (for
    fluxes ``abstol``) times its capacitance, whichever is less. Steps' errors add up: with ``e = K x^(p + 1)`` for a
    step of x time constants there are n/x of them in n, and ``n e / x = tolerance`` where
    ``e = tolerance / n (tolerance / n / K)^(1/p)``. That is what a step is allowed, for n = 4, times ``trtol / 7``.

    A state counts as a thousandth at least of what the circuit's largest voltage or current would store. One that laws
    alone move may be no voltage at all, as a memristor's in metres: it is measured by its own size, ``chgtol`` and
    ``vntol`` say nothing to it, and what it counts as at least is 0.3 of what its rate would make of it until the next
    corner, if that is less. Without such a floor no step would be small enough where it sets out from 0 as a power of
    time: it then errs by the same share of itself in every first step, but ever less of its rate times the time ahead.
    Whatever its rate, it counts as 1e-11 at least of what the largest voltage would store: less may be rounding.

    Parameters
    ----------
    tolerances : Tolerances
        The run's.
    parts : list of Stored
        What has states.
    nodes : int
        How many of the places' values are voltages.
    sources : (k,)
        Places of the sources. Beside what stores they alone say what is large: elsewhere a voltage may be any number,
        as where a memristor's model has the rate of its state in 1/s at a node.
    fading : FadingStates
        Of the circuit, whose capacitors are the first of the states: of such a one the way that is left counts.
    """

    def __init__(
        self, tolerances: Tolerances, parts: list[Stored], nodes: int, sources: Ints, fading: FadingStates
    ) -> None:
        self._tolerances, self._parts, self._fading = tolerances, parts, fading
        self._source_volts = sources[sources < nodes]
        places = np.unique(np.concatenate([sources, *(part.stamps[end] for part in parts for end in (2, 3))]))
        self._volts, self._amperes = places[places < nodes], places[places >= nodes]
        constant = _CONSTANTS.get((tolerances.method, tolerances.order), 0.5)
        share = (tolerances.relative / _TIME_CONSTANTS / constant) ** (1 / tolerances.order) / _TIME_CONSTANTS
        self._share = min(1.0, share) * tolerances.truncation / _USUAL
        by_current = np.repeat([part.by_current for part in parts], [len(part.names) for part in parts])
        self._kinds = by_current.astype(np.int64)
        self._control_tolerance = np.where(by_current, tolerances.amperes, tolerances.volts)
        self._largest = np.zeros(by_current.size)
        self._ahead = 0.0
        self._reach = np.zeros(fading.lone.size)
        self._top = np.zeros(2)

    def begin(self, ahead: float) -> None:
        """Leave a corner.

        Parameters
        ----------
        ahead : float
            Seconds to the next one.
        """
        self._ahead = ahead

    def see(self, charges: Floats, values: Floats) -> None:
        """Remember the largest states of a point, and the largest voltage and current that say what is large.

        Parameters
        ----------
        charges : (states,) array
            Coulombs and webers.
        values : (places,) array
            Volts of nodes and amperes of branches, with ground's 0.
        """
        self._largest = np.maximum(self._largest, np.abs(charges))
        self._top = self._top_with(values)
        self._fading.see(values, float(np.abs(values[self._source_volts]).max(initial=0.0)))

    def _top_with(self, values: Floats) -> Floats:
        tops = [np.abs(values[places]).max(initial=0.0) for places in (self._volts, self._amperes)]
        return np.maximum(self._top, tops)

    def worst(
        self, formula: RateFormula, past: History, time: float, charges: Floats, values: Floats
    ) -> tuple[float, int]:
        """Return the largest error of a step relative to what it is allowed, and the state that errs so.

        Parameters
        ----------
        formula : RateFormula
            By which the step was made; its order and its error's factor count.
        past : History
            The points before.
        time : float
            Seconds at the step's end.
        charges : (states,) array
            Coulombs and webers there.
        values : (places,) array
            Volts of nodes and amperes of branches there, with ground's 0.
        """
        if not charges.size:
            return 0.0, 0
        points = formula.order + 1
        times, states = [*past.times[-points:], time], [*past.charges[-points:], charges]
        error = np.abs(formula.error * divided_difference(times, states))
        rates = formula.alpha * (charges - past.charges[-1]) + formula.carried
        fastest = np.maximum(np.abs(rates), np.abs(past.rates))[self._fading.lone]
        self._reach = _AT_RATE * self._ahead * fastest
        allowed, rounded = self._allowed(charges, values, time)
        ratios = error / np.maximum(self._share * allowed + rounded, np.finfo(np.float64).tiny)
        worst = int(ratios.argmax())
        return float(ratios[worst]), worst

    def allowed(self, charges: Floats, values: Floats, time: float) -> Floats:
        """Return by how much each state (states,) may be off.

        Parameters
        ----------
        charges : (states,) array
            Coulombs and webers at the step's end.
        values : (places,) array
            Volts of nodes and amperes of branches there, with ground's 0.
        time : float
            Seconds there.
        """
        allowed, rounded = self._allowed(charges, values, time)
        return allowed + rounded

    def _allowed(self, charges: Floats, values: Floats, time: float) -> tuple[Floats, Floats]:
        """Return by how much each state may be off, and its rounding."""
        columns = [part.capacitances(values) for part in self._parts]
        slopes = np.abs(columns[0] if len(columns) == 1 else np.concatenate(columns))
        # The end's own top counts: of a circuit that was at rest until now there is no other, and states that set out
        # as powers of time err by the same share of themselves however short the step.
        full = slopes * self._top_with(values)[self._kinds]
        t, lone = self._tolerances, self._fading.lone
        least, rounded = _BESIDE * full, _ROUNDED * full
        beside = np.minimum(t.relative * t.coulombs, slopes * self._control_tolerance)
        if lone.size:
            least[lone] = np.minimum(least[lone], np.maximum(self._reach, _NOISE * full[lone]))
            beside[lone] = 0.0
        size = np.maximum(np.maximum(self._largest, np.abs(charges)), least)
        rounded[lone] = _ROUNDED * np.maximum(size, _BESIDE * full)[lone]
        followed = self._fading.capacitors
        if followed.size:
            farads = slopes[followed]
            way = self._fading.ways(values, time, size[followed] / (_LOOSER * farads))
            size[followed] = np.minimum(size[followed], _LOOSER * farads * way)
        return t.relative * size + beside, rounded

    def element_of(self, state: int) -> tuple[str, int]:
        """Return name and origin of the element with a state.

        Parameters
        ----------
        state : int
            Its number among all charges and fluxes.
        """
        for part in self._parts:
            if state < len(part.names):
                return part.names[state], int(part.origins[state])
            state -= len(part.names)
        raise IndexError(state)
