"""Diodes, and the junctions of transistors' bulks."""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np

from xbarsim.mna import Branches
from xbarsim.nonlinear import limits, one_diode
from xbarsim.nonlinear.one_diode import REVERSE
from xbarsim.nonlinear.part import Floats, Ints, Part, Places, Tangent, across


class Junctions(Part):
    """Junctions from anode to cathode.

    ``i = IS (exp(v / s) - 1) + gmin v`` from -3 s on. Below, a diode has ``-IS (1 + (3 s / (e v))^3)`` and, past its
    breakdown voltage x, ``-IS exp(-(x + v) / s_b)``; the bulk of a transistor has ``-IS``.

    Parameters
    ----------
    names, origins
        The elements.
    ends : Places
        Anodes and cathodes.
    saturation, scale : (n,)
        IS and s.
    gmin : float
        Siemens.
    """

    def __init__(
        self, names: list[str], origins: Ints, ends: Places, saturation: Floats, scale: Floats, gmin: float
    ) -> None:
        self.names, self.origins, self.flows = names, origins, ends
        self.stamps = (*ends, *ends)
        self.ties = Branches(*ends, np.full(ends[0].size, gmin))
        self.saturation, self.scale, self.gmin = saturation, scale, gmin
        with np.errstate(divide="ignore"):
            self.critical = scale * np.log(scale / (math.sqrt(2.0) * saturation))
        self.restart()

    _latest: tuple[bytes, Floats, Floats] | None = None

    def restart(self) -> None:
        """Start at 0 V."""
        self._at = np.zeros(self.scale.size)

    def tangent(self, values: Floats, time: float, share: float) -> Tangent:
        """Put the tangents at the voltages, or as far towards them as a junction may move."""
        proposal = across(values, self.flows)
        self._at = self._limited(proposal)
        current, slope = self._law(self._at)
        return Tangent(current + slope * (proposal - self._at), slope, bool(np.all(self._at == proposal)))

    def amounts(self, values: Floats, time: float) -> Floats:
        """Return the junctions' currents."""
        return self._law(across(values, self.flows))[0]

    @property
    def at(self) -> Floats:
        """Where the tangents were put last, volts (n,)."""
        return self._at

    def current(self, v: Floats) -> tuple[Floats, Floats]:
        """Return currents (n,) at voltages, and their slopes, without those of gmin."""
        current, slope = self._law(v)
        return current - self.gmin * v, slope - self.gmin

    def _limited(self, proposal: Floats) -> Floats:
        return limits.junction(proposal, self._at, self.scale, self.critical)

    def _law(self, v: Floats) -> tuple[Floats, Floats]:
        """Return currents and slopes; charges ask for the same ones once more."""
        key = v.tobytes()
        if self._latest is None or self._latest[0] != key:
            self._latest = (key, *self._evaluated(v))
        return self._latest[1:]

    def _evaluated(self, v: Floats) -> tuple[Floats, Floats]:
        x = v / self.scale
        forward = x > REVERSE
        with np.errstate(over="ignore"):
            grown = np.expm1(np.where(forward, x, 0.0))
        current, slope = self._reverse(v)
        current = np.where(forward, self.saturation * grown, current)
        slope = np.where(forward, self.saturation * (grown + 1) / self.scale, slope)
        return self._ends(v, current, slope)

    def _reverse(self, v: Floats) -> tuple[Floats, Floats]:
        return -self.saturation, np.zeros_like(v)

    def _ends(self, v: Floats, current: Floats, slope: Floats) -> tuple[Floats, Floats]:
        return current + self.gmin * v, slope + self.gmin


class DiodeJunctions(Junctions):
    """Junctions with breakdown and high injection.

    Past the knee currents K the current is ``i / (1 + sqrt(|i| / K))``.
    """

    def __init__(
        self,
        names: list[str],
        origins: Ints,
        ends: Places,
        saturation: Floats,
        scale: Floats,
        gmin: float,
        breakdown: tuple[Floats, Floats],
        knees: tuple[Floats, Floats],
    ) -> None:
        self.breakdown, self.breakdown_scale = breakdown
        self.forward_knee, self.reverse_knee = knees
        columns = saturation, scale, *breakdown, *knees, np.full(scale.size, gmin)
        self._few = list(zip(*(column.tolist() for column in columns), strict=True))
        super().__init__(names, origins, ends, saturation, scale, gmin)

    def _limited(self, proposal: Floats) -> Floats:
        forward = super()._limited(proposal)
        beyond = proposal < np.minimum(0.0, -self.breakdown + 10 * self.breakdown_scale)
        if not beyond.any():
            return forward
        with np.errstate(invalid="ignore"):
            mirrored = limits.junction(
                -(proposal + self.breakdown), -(self._at + self.breakdown), self.breakdown_scale, self.critical
            )
            return np.where(beyond, -(mirrored + self.breakdown), forward)

    def _evaluated(self, v: Floats) -> tuple[Floats, Floats]:
        if v.size <= one_diode.MOST:
            with suppress(ArithmeticError, ValueError):
                laws = [one_diode.current(x, *own) for x, own in zip(v.tolist(), self._few, strict=True)]
                return np.array([law[0] for law in laws]), np.array([law[1] for law in laws])
        return super()._evaluated(v)

    def _reverse(self, v: Floats) -> tuple[Floats, Floats]:
        below = np.minimum(v, REVERSE * self.scale)
        cube = (3.0 * self.scale / (math.e * below)) ** 3
        current, slope = -self.saturation * (1 + cube), 3 * self.saturation * cube / below
        broken = v < -self.breakdown
        if broken.any():
            with np.errstate(over="ignore", invalid="ignore"):
                grown = np.exp(np.where(broken, -(self.breakdown + v) / self.breakdown_scale, 0.0))
            current = np.where(broken, -self.saturation * grown, current)
            slope = np.where(broken, self.saturation * grown / self.breakdown_scale, slope)
        return current, slope

    def _ends(self, v: Floats, current: Floats, slope: Floats) -> tuple[Floats, Floats]:
        knee = np.where(v >= REVERSE * self.scale, self.forward_knee, self.reverse_knee)
        root = np.sqrt(np.abs(current) / knee)
        slope = slope * (1 + 0.5 * root) / (1 + root) ** 2
        return super()._ends(v, current / (1 + root), slope)
