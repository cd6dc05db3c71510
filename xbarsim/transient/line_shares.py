"""What share of a current that a line's node takes comes from each of the line's two ends."""

from __future__ import annotations

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import kirchhoff
from xbarsim.kernels.ladders import TINY
from xbarsim.solvers.segments import Segments


class LineShares:
    """A circuit's bare wires, as dividers of node currents between line ends.

    Attributes
    ----------
    shares : (4, rows, cols)
        Part of each node's current that passes the left, right, top and bottom end; 0 for both of a line where a
        broken one leaves a node without.
    through_word, through_bit : (rows,), (cols,)
        Siemens from one end of a line to the other.
    """

    def __init__(self, segments: Segments) -> None:
        self.shares = np.empty((4, *segments.g.shape))
        word = _dividers(segments.word)
        bit = _dividers(segments.bit.T)
        self.shares[0], self.shares[1] = word
        self.shares[2], self.shares[3] = bit[0].T, bit[1].T
        self.through_word = 1.0 / np.maximum(segments.word.sum(axis=1), TINY)
        self.through_bit = 1.0 / np.maximum(segments.bit.sum(axis=0), TINY)

    def end_currents(self, drawn: Array, received: Array, volts: dict[Side, Array]) -> tuple[dict[Side, Array], float]:
        """Return the currents out of all ends, and the largest, for what word nodes take and bit nodes receive."""
        out = {side: np.empty(lines.size) for side, lines in volts.items()}
        largest: float = kirchhoff.end_currents(
            drawn, received, self.shares, (volts["word_left"] - volts["word_right"]) * self.through_word,
            (volts["bit_top"] - volts["bit_bottom"]) * self.through_bit, *(out[side] for side in SIDES),
        )  # fmt: skip
        return out, largest


def _dividers(ohms: Array) -> tuple[Array, Array]:
    """Return what part of the nodes' currents the first and the last end of lines (lines, segments) supply."""
    near = np.cumsum(ohms, axis=1)[:, :-1]
    far = np.cumsum(ohms[:, ::-1], axis=1)[:, -2::-1]
    return _passing(near, far), _passing(far, near)


def _passing(near: Array, far: Array) -> Array:
    """Return ``far / (near + far)`` with its limits."""
    with np.errstate(invalid="ignore"):
        part = far / np.maximum(near + far, TINY)
    part = np.where(np.isinf(far), 1.0, part)
    part = np.where(np.isinf(near), 0.0, part)
    return np.where((near == 0.0) & (far == 0.0), 0.5, part)
