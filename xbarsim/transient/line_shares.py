"""What share of a current that a line's node takes comes from each of the line's two ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels.ladders import TINY
from xbarsim.solvers.segments import Segments


@dataclass(frozen=True)
class LineShares:
    """A circuit's bare wires, as dividers of node currents between line ends.

    Attributes
    ----------
    shares : dict of side to (rows, cols)
        Part of each node's current that passes this end; 0 for both where a broken line leaves a node without.
    through : dict of "word", "bit" to (lines,)
        Siemens from one end of a line to the other.
    """

    shares: dict[Side, Array]
    through: dict[str, Array]

    @staticmethod
    def of(segments: Segments) -> LineShares:
        """Follow the wires of a circuit."""
        shares: dict[Side, Array] = {}
        through = {}
        for layer, first, last, ohms in (
            ("word", "word_left", "word_right", segments.word),
            ("bit", "bit_top", "bit_bottom", segments.bit.T),
        ):
            near = np.cumsum(ohms, axis=1)[:, :-1]
            far = np.cumsum(ohms[:, ::-1], axis=1)[:, -2::-1]
            total = np.maximum(ohms.sum(axis=1), TINY)
            passing = _passing(near, far)
            flow = _passing(far, near)
            shares[SIDES[SIDES.index(first)]] = np.ascontiguousarray(passing if layer == "word" else passing.T)  # type: ignore[arg-type]
            shares[SIDES[SIDES.index(last)]] = np.ascontiguousarray(flow if layer == "word" else flow.T)  # type: ignore[arg-type]
            through[layer] = 1.0 / total
        return LineShares(shares, through)

    def end_currents(self, drawn: Array, brought: Array, volts: dict[Side, Array]) -> dict[Side, Array]:
        """Return the currents out of all ends, for what nodes take from word lines and bring to bit lines."""
        across = (volts["word_left"] - volts["word_right"]) * self.through["word"]
        down = (volts["bit_top"] - volts["bit_bottom"]) * self.through["bit"]
        return {
            "word_left": -np.einsum("ij,ij->i", self.shares["word_left"], drawn) - across,
            "word_right": -np.einsum("ij,ij->i", self.shares["word_right"], drawn) + across,
            "bit_top": np.einsum("ij,ij->j", self.shares["bit_top"], brought) - down,
            "bit_bottom": np.einsum("ij,ij->j", self.shares["bit_bottom"], brought) + down,
        }


def _passing(near: Array, far: Array) -> Array:
    """Return ``far / (near + far)`` with its limits."""
    with np.errstate(invalid="ignore"):
        part = far / np.maximum(near + far, TINY)
    part = np.where(np.isinf(far), 1.0, part)
    part = np.where(np.isinf(near), 0.0, part)
    return np.where((near == 0.0) & (far == 0.0), 0.5, part)
