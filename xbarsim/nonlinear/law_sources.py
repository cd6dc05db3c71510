"""Sources with laws: amperes and volts that a netlist writes as expressions."""

from __future__ import annotations

import numpy as np

from xbarsim.mna import Branches
from xbarsim.netlist.behaviour import Template
from xbarsim.nonlinear.part import Bools, Floats, Ints, Part, Places, Tangent, across

_OVERSHOOT = 2.0
"""Times the predicted amount: beyond, a law is taken where it gives that amount, not at the voltages asked for."""
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
    held : (controls, n) of bool
        Which controls sources alone fix: no step can move them, so that slopes by them do not matter.
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
        held: Bools,
    ) -> None:
        self.names, self.origins, self.flows, self.ties = names, origins, flows, ties
        self.template, self.controls, self.factor, self.steep = template, controls, factor, steep
        self.constants, self.held = list(constants), held
        count = controls[0].shape[0]
        self.stamps = (np.tile(flows[0], count), np.tile(flows[1], count), controls[0].ravel(), controls[1].ravel())
        self.restart()

    def restart(self) -> None:
        """Start at 0 V and 0 A."""
        self._at: Floats | None = None

    def tangent(self, values: Floats, time: float, share: float) -> Tangent:
        """Put the tangents at the controls, or as far towards them as the laws do not overshoot."""
        wanted = across(values, self.controls)
        before = np.zeros_like(wanted) if self._at is None else self._at
        current, slopes = self._law(wanted, time)
        at = wanted
        if wanted.size:
            held = self._held(before, wanted, current, slopes, time)
            if held is not None:
                at = held
                current, slopes = self._law(at, time)
        self._at = at
        # Where a law has no value yet, the rest of the circuit decides where to go.
        bad = ~(np.isfinite(current) & np.isfinite(slopes).all(axis=0))
        current, slopes = np.where(bad, 0.0, current), np.where(bad, 0.0, slopes)
        amounts = current + (slopes * (wanted - at)).sum(axis=0)
        return Tangent(share * amounts, share * slopes.ravel(), at is wanted and not bad.any())

    def amounts(self, values: Floats, time: float) -> Floats:
        """Return the laws' values."""
        return self._law(across(values, self.controls), time)[0]

    def _law(self, controls: Floats, time: float, which: Ints | None = None) -> tuple[Floats, Floats]:
        """Return values (n,) and slopes (controls, n), of some of the elements or of all."""
        constants = self.constants if which is None else [one[which] for one in self.constants]
        factor = self.factor if which is None else self.factor[which]
        value, found = self.template.evaluate(list(controls), constants, time)
        if not controls.size:
            value = np.broadcast_to(value, factor.shape)
        slopes = np.array(found).reshape(controls.shape)
        if not np.isfinite(slopes).all():
            held = self.held if which is None else self.held[:, which]
            slopes = self._mended(controls, constants, value, np.where(held & ~np.isfinite(slopes), 0.0, slopes), time)
        return factor * value, factor * slopes

    def _mended(self, controls: Floats, constants: list[Floats], value: Floats, slopes: Floats, time: float) -> Floats:
        """Return slopes, those beside the point where a law has a value but no finite slope."""
        without = np.flatnonzero(np.isfinite(value) & ~np.isfinite(slopes).all(axis=0))
        if without.size:
            chosen = slopes[:, without]
            beside = self.template.slopes_beside(list(controls[:, without]), [one[without] for one in constants], time)
            slopes[:, without] = np.where(np.isfinite(chosen), chosen, beside)
        return slopes

    def _held(self, before: Floats, wanted: Floats, current: Floats, slopes: Floats, time: float) -> Floats | None:
        """Return where to put tangents instead of at ``wanted``, or None if all may go there."""
        bad = ~(np.isfinite(current) & np.isfinite(slopes).all(axis=0))
        moved = (wanted != before).any(axis=0)
        if not (bad.any() or (self.steep and moved.any())):
            return None
        old, tangents = self._law(before, time)
        predicted = old + (tangents * (wanted - before)).sum(axis=0)
        far = bad.copy()
        if self.steep:
            with np.errstate(invalid="ignore"):
                far |= moved & (np.abs(current) > _OVERSHOOT * np.maximum(np.abs(predicted), np.abs(old)))
        which = np.flatnonzero(far & np.isfinite(predicted))
        if not which.size:
            return None
        # What is predicted with the other sign is given nowhere on the way: half of it is far enough.
        goal = np.where(predicted * current < 0, np.nan, predicted)
        # A flat tangent predicts nothing: the law is about to bend or to jump.
        flat = ~(np.abs(predicted - old) > _NEAR * np.abs(predicted))
        most = np.maximum(np.abs(old), np.abs(predicted))
        grown = np.maximum(_GROWTH * most, _FIRST * np.abs(current))
        goal = np.where(flat & np.isfinite(current), np.copysign(grown, current), goal)[which]
        return self._bisected(before, wanted, goal, which, time)

    def _bisected(self, before: Floats, wanted: Floats, goal: Floats, which: Ints, time: float) -> Floats:
        """Find between both ends where laws give the amounts ``goal``; where that is NaN, where they have a value."""
        low, high = np.zeros(which.size), np.ones(which.size)
        share = 0.5 * (low + high)
        span = wanted[:, which] - before[:, which]
        live = np.ones(which.size, bool)
        for _ in range(_HALVINGS):
            value, slope = self._law(before[:, which] + share * span, time, which)
            good = np.isfinite(value) & np.isfinite(slope).all(axis=0)
            live &= ~(good & ~(np.abs(value - goal) > _NEAR * np.abs(goal)))
            if not live.any():
                break
            short = good & (np.abs(value) < np.abs(goal))
            low, high = np.where(live & short, share, low), np.where(live & ~short, share, high)
            share = np.where(live, 0.5 * (low + high), share)
        # What was not found is jumped over: the far side of a jump is where to go on.
        share = np.where(live & np.isfinite(goal), high, share)
        at = wanted.copy()
        at[:, which] = before[:, which] + share * span
        return at
