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
        self._word, self._bit = segments.word, segments.bit
        word = _dividers(segments.word)
        bit = _dividers(segments.bit.T)
        self.shares[0], self.shares[1] = word
        self.shares[2], self.shares[3] = bit[0].T, bit[1].T
        self.through_word = 1.0 / np.maximum(segments.word.sum(axis=1), TINY)
        self.through_bit = 1.0 / np.maximum(segments.bit.sum(axis=0), TINY)

    def laid_out(self) -> tuple[Array, dict[Side, Array]]:
        """Return room for one number of each end, 0 at first: as a whole, and by side."""
        rows, cols = self.through_word.size, self.through_bit.size
        whole = np.zeros(2 * (rows + cols))
        parts = np.split(whole, [rows, 2 * rows, 2 * rows + cols])
        return whole, dict(zip(SIDES, parts, strict=True))

    def end_currents(self, drawn: Array, received: Array, volts: dict[Side, Array]) -> tuple[dict[Side, Array], float]:
        """Return the currents out of all ends, and the largest, for what word nodes give and bit nodes get.

        Parameters
        ----------
        drawn, received : (rows, cols) array
            Amperes that leave word nodes, and that come to bit nodes.
        volts : dict of side to (lines,) array
            Of the sources.
        """
        _, out = self.laid_out()
        largest: float = kirchhoff.end_currents(
            drawn, received, self.shares, (volts["word_left"] - volts["word_right"]) * self.through_word,
            (volts["bit_top"] - volts["bit_bottom"]) * self.through_bit, *(out[side] for side in SIDES),
        )  # fmt: skip
        return out, largest

    def check(
        self, drawn: Array, received: Array, a: Array, b: Array, volts: dict[Side, Array], v: Array, u: Array,
        out: dict[Side, Array],
    ) -> tuple[float, float]:  # fmt: skip
        """Fill the currents out of all ends for what word nodes give and bit nodes get.

        a and b are the slopes of these in the node volts v and u. Return the largest, and by how much the currents may
        be wrong (:func:`kirchhoff.current_error`).

        Parameters
        ----------
        drawn, received : (rows, cols) array
            Amperes that leave word nodes, and that come to bit nodes.
        a, b : (rows, cols) array
            Siemens, the slopes of these.
        volts : dict of side to (lines,) array
            Of the sources.
        v, u : (rows, cols) array
            Volts of word nodes and of bit nodes.
        out : dict of side to (lines,) array
            Filled with amperes, positive out of the array.
        """
        outcome: tuple[float, float] = kirchhoff.ends_and_error(
            drawn, received, self.shares, self.through_word, self.through_bit, a, b, self._word, self._bit,
            volts["word_left"], volts["word_right"], volts["bit_top"], volts["bit_bottom"], v, u, out["word_left"],
            out["word_right"], out["bit_top"], out["bit_bottom"],
        )  # fmt: skip
        return outcome


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
