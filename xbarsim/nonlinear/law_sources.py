"""Sources with laws: amperes and volts that a netlist writes as expressions."""

from __future__ import annotations

import numpy as np

from xbarsim.mna import Branches
from xbarsim.netlist.behaviour import Template
from xbarsim.nonlinear.part import Bools, Floats, Ints, Part, Places, Tangent, across

OVERSHOOT = 2.0
"""Times the predicted amount: beyond, a law is taken where it gives that amount, not at the voltages asked for."""
LEAST = 1e-290
"""Amounts up to which none overshoots: of numbers near the smallest doubles a tangent predicts no digit."""
_NEAR = 0.1
_GROWTH = 10.0
"""Times the amount before: where a law goes whose tangent is flat."""
_FIRST = 1e-9
"""Of the amount asked for, likewise, where it was 0 before."""
_HALVINGS = 60


class Sources(Part):
    """Sources of one template.

    Parameters
    ----------
    names, origins
        The elements.
    template : Template
        Their law.
    flows : Places
        From where to where their currents flow; for volts the branch's law and 0.
    controls : Places
        (controls, n) each.
    constants : (constants, n)
        The laws' constants.
    factor : (n,)
        Times the law; negative for volts, which stand on the other side of their equation.
    steep : bool
        Whether to hold back steps that overshoot: for currents.
    ties : Branches
        Which nodes the laws tie together.
    fixed : (controls, n) of bool
        Which controls sources alone fix: no step can move them, so that slopes by them do not matter.

    Attributes
    ----------
    least : (n,)
        Amounts up to which a step does not overshoot.
    """

    def __init__(
        self,
        names: list[str],
        origins: Ints,
        template: Template,
        flows: Places,
        controls: Places,
        constants: Floats,
        factor: Floats,
        *,
        steep: bool,
        ties: Branches,
        fixed: Bools,
    ) -> None:
        self.names, self.origins, self.flows, self.ties = names, origins, flows, ties
        self.template, self.controls, self.factor, self.steep = template, controls, factor, steep
        self.constants, self.fixed = list(constants), fixed
        self.least: Floats = np.full(len(names), LEAST)
        count = controls[0].shape[0]
        self.stamps = (np.tile(flows[0], count), np.tile(flows[1], count), controls[0].ravel(), controls[1].ravel())
        self.restart()

    def restart(self) -> None:
        """Start at 0 V and 0 A."""
        self._at: Floats | None = None
        self._latest: tuple[float, Floats, Floats] = np.nan, np.empty(0), np.empty(0)

    @property
    def placed(self) -> tuple[Floats | None, tuple[float, Floats, Floats]]:
        """Where the tangents were put last, (controls, n), and at which time, currents and slopes there."""
        return self._at, self._latest

    @placed.setter
    def placed(self, place: tuple[Floats | None, tuple[float, Floats, Floats]]) -> None:
        self._at, self._latest = place

    def tangent(self, values: Floats, time: float, share: float) -> Tangent:
        """Put the tangents at the controls, or as far towards them as the laws do not overshoot."""
        proposal = across(values, self.controls)
        before = np.zeros_like(proposal) if self._at is None else self._at
        current, slopes = self._law(proposal, time)
        at = proposal
        if proposal.size:
            nearer = self._short_of(before, proposal, current, slopes, time)
            if nearer is not None:
                at = nearer
                current, slopes = self._law(at, time)
        self._at, self._latest = at, (time, current, slopes)
        # Where a law has no value yet, the rest of the circuit decides where to go.
        bad = ~(np.isfinite(current) & np.isfinite(slopes).all(axis=0))
        current, slopes = np.where(bad, 0.0, current), np.where(bad, 0.0, slopes)
        amounts = current + (slopes * (proposal - at)).sum(axis=0)
        return Tangent(share * amounts, share * slopes.ravel(), at is proposal and not bad.any())

    def amounts(self, values: Floats, time: float) -> Floats:
        """Return the laws' values."""
        return self._law(across(values, self.controls), time)[0]

    def _law(self, controls: Floats, time: float, elements: Ints | None = None) -> tuple[Floats, Floats]:
        """Return values (n,) and slopes (controls, n), of some of the elements or of all."""
        constants = self.constants if elements is None else [column[elements] for column in self.constants]
        factor = self.factor if elements is None else self.factor[elements]
        value, partials = self.template.evaluate(list(controls), constants, time)
        if not controls.size:
            value = np.broadcast_to(value, factor.shape)
        slopes = np.array(partials).reshape(controls.shape)
        if not np.isfinite(slopes).all():
            fixed = self.fixed if elements is None else self.fixed[:, elements]
            slopes = self._mended(controls, constants, value, np.where(fixed & ~np.isfinite(slopes), 0.0, slopes), time)
        return factor * value, factor * slopes

    def _mended(self, controls: Floats, constants: list[Floats], value: Floats, slopes: Floats, time: float) -> Floats:
        """Return slopes, those beside the point where a law has a value but no finite slope."""
        without = np.flatnonzero(np.isfinite(value) & ~np.isfinite(slopes).all(axis=0))
        if without.size:
            partial = slopes[:, without]
            beside = self.template.slopes_beside(
                list(controls[:, without]), [column[without] for column in constants], time
            )
            slopes[:, without] = np.where(np.isfinite(partial), partial, beside)
        return slopes

    def _short_of(
        self, before: Floats, proposal: Floats, current: Floats, slopes: Floats, time: float
    ) -> Floats | None:
        """Return where to put tangents instead of at ``proposal``, or None if all may go there."""
        bad = ~(np.isfinite(current) & np.isfinite(slopes).all(axis=0))
        moved = (proposal != before).any(axis=0)
        if not (bad.any() or (self.steep and moved.any())):
            return None
        known_time, old, tangents = self._latest
        if known_time != time and (self.template.timed or np.isnan(known_time)):
            old, tangents = self._law(before, time)
        predicted = old + (tangents * (proposal - before)).sum(axis=0)
        far = bad.copy()
        if self.steep:
            with np.errstate(invalid="ignore"):
                most = np.maximum(OVERSHOOT * np.maximum(np.abs(predicted), np.abs(old)), self.least)
                far |= moved & (np.abs(current) > most)
        elements = np.flatnonzero(far & np.isfinite(predicted))
        if not elements.size:
            return None
        # What is predicted with the other sign is given nowhere on the way: half of it is far enough.
        goal = np.where(predicted * current < 0, np.nan, predicted)
        # A flat tangent predicts nothing: the law is about to bend or to jump.
        flat = ~(np.abs(predicted - old) > _NEAR * np.abs(predicted))
        most = np.maximum(np.abs(old), np.abs(predicted))
        grown = np.maximum(_GROWTH * most, _FIRST * np.abs(current))
        goal = np.where(flat & np.isfinite(current), np.copysign(grown, current), goal)[elements]
        return self._bisected(before, proposal, goal, elements, time)

    def _bisected(self, before: Floats, proposal: Floats, goal: Floats, elements: Ints, time: float) -> Floats:
        """Find between both ends where laws give the amounts ``goal``; where that is NaN, where they have a value."""
        low, high = np.zeros(elements.size), np.ones(elements.size)
        share = 0.5 * (low + high)
        span = proposal[:, elements] - before[:, elements]
        live = np.ones(elements.size, bool)
        for _ in range(_HALVINGS):
            value, slope = self._law(before[:, elements] + share * span, time, elements)
            good = np.isfinite(value) & np.isfinite(slope).all(axis=0)
            live &= ~(good & ~(np.abs(value - goal) > _NEAR * np.abs(goal)))
            if not live.any():
                break
            short = good & (np.abs(value) < np.abs(goal))
            low, high = np.where(live & short, share, low), np.where(live & ~short, share, high)
            share = np.where(live, 0.5 * (low + high), share)
        # What was not found is jumped over: the far side of a jump is where to go on.
        share = np.where(live & np.isfinite(goal), high, share)
        at = proposal.copy()
        at[:, elements] = before[:, elements] + share * span
        return at
