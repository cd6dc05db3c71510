"""The channels of level-1 transistors."""

from __future__ import annotations

import numpy as np

from xbarsim.mna import Branches
from xbarsim.nonlinear import limits
from xbarsim.nonlinear.part import Floats, Ints, Part, Tangent, across, rows


class Channels(Part):
    """Drain currents of transistors (Shichman and Hodges 1968), in volts and amperes as of n-channel ones.

    ``i = b (1 + l vds) vds (vov - vds / 2)``, in saturation ``i = b (1 + l vds) vov^2 / 2``, with
    ``vov = vgs - built_in - gamma sqrt(phi - vbs)``; the lower of a channel's ends is its source.

    Parameters
    ----------
    names, origins
        The elements.
    nodes : tuple of four (n,)
        Drain, gate, source and bulk.
    polarity, beta, channel, gamma, phi, built_in : (n,)
        As ``netlist.nonlinear.Mosfets``.
    """

    def __init__(
        self,
        names: list[str],
        origins: Ints,
        nodes: tuple[Ints, Ints, Ints, Ints],
        polarity: Floats,
        beta: Floats,
        channel: Floats,
        gamma: Floats,
        phi: Floats,
        built_in: Floats,
    ) -> None:
        drain, gate, source, bulk = nodes
        self.names, self.origins, self.flows = names, origins, (drain, source)
        # Slopes by vgs, vds and vbs.
        self.stamps = (
            rows(drain, drain, drain),
            rows(source, source, source),
            rows(gate, drain, bulk),
            rows(*[source] * 3),
        )
        self.ties = Branches()
        self._controls = self.stamps[2], self.stamps[3]
        self.polarity, self.beta, self.channel = polarity, beta, channel
        self.gamma, self.phi, self.built_in = gamma, phi, built_in
        self.restart()

    def restart(self) -> None:
        """Start at the threshold, without a current."""
        self._at = np.zeros((3, self.beta.size))
        self._at[0] = self.built_in + self.gamma * np.sqrt(self.phi)

    def tangent(self, values: Floats, time: float, share: float) -> Tangent:
        """Put the tangents at the voltages, or as far towards them as gates and drains may move."""
        proposal = self._volts(values)
        before, threshold = self._at, self.built_in + self.gamma * self._bulk(self._at[2])[0]
        at = np.array(proposal)
        # The end that gates the channel is the lower one of the last tangent.
        turned = before[1] < 0
        lower = limits.gate(np.where(turned, proposal[0] - proposal[1], proposal[0]),
                            np.where(turned, before[0] - before[1], before[0]), threshold)  # fmt: skip
        at[1] = limits.drain(proposal[1], before[1])
        at[0] = np.where(turned, lower + at[1], lower)
        # Rounding aside, nothing was held back.
        free = (at[1] == proposal[1]) & (np.abs(at[0] - proposal[0]) <= 1e-15 * np.abs(proposal).max(axis=0))
        self._at = np.where(free, proposal, at)
        current, slopes = self._law(self._at)
        amounts = self.polarity * (current + (slopes * (proposal - self._at)).sum(axis=0))
        return Tangent(amounts, slopes.ravel(), bool(free.all()))

    def amounts(self, values: Floats, time: float) -> Floats:
        """Return the currents from drain to source."""
        return np.asarray(self.polarity * self._law(self._volts(values))[0])

    def _volts(self, values: Floats) -> Floats:
        return np.asarray(self.polarity * across(values, self._controls).reshape(3, -1))

    def _bulk(self, vbs: Floats) -> tuple[Floats, Floats]:
        """Return the root of phi - vbs and its slope; a tangent of it stands for a bulk above the source."""
        low = np.sqrt(self.phi - np.minimum(vbs, 0.0))
        zero = np.sqrt(self.phi)
        tangent = zero - vbs / (2 * zero)
        above = vbs > 0
        root = np.where(above, np.maximum(tangent, 0.0), low)
        slope = np.where(above, np.where(tangent > 0, -0.5 / zero, 0.0), -0.5 / low)
        return root, slope

    def _law(self, volts: Floats) -> tuple[Floats, Floats]:
        """Return the current (n,), and its slopes by vgs, vds and vbs (3, n)."""
        vgs, vds, vbs = volts
        turned = vds < 0
        vds, vgs, vbs = np.abs(vds), np.where(turned, vgs - vds, vgs), np.where(turned, vbs - vds, vbs)
        root, by_bulk = self._bulk(vbs)
        over = np.maximum(vgs - self.built_in - self.gamma * root, 0.0)
        longer = self.beta * (1 + self.channel * vds)
        saturated = over <= vds
        shape = np.where(saturated, 0.5 * over**2, vds * (over - 0.5 * vds))
        current = longer * shape
        gm = longer * np.where(saturated, over, vds)
        gds = self.beta * self.channel * shape + np.where(saturated, 0.0, longer * (over - vds))
        gmb = -gm * self.gamma * by_bulk
        slopes = np.where(turned, [-gm, gm + gds + gmb, -gmb], [gm, gds, gmb])
        return np.where(turned, -current, current), slopes
