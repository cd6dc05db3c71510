"""A crossbar as its kernels see it: each line a row of segments from one end's source to the other's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import MOST_SIEMENS, SIDES, Array, Crossbar, Side
from xbarsim.errors import InputError, SolveError
from xbarsim.kernels import islands
from xbarsim.kernels.ladders import TINY

Mask = NDArray[np.bool_]

_NEAR_FAR: tuple[tuple[str, Side, Side], ...] = (
    ("word", "word_left", "word_right"),
    ("bit", "bit_bottom", "bit_top"),
)


@dataclass(frozen=True)
class Segments:
    """Contiguous arrays of one circuit, apart from the word_left voltages.

    Attributes
    ----------
    g : (rows, cols)
        Cells in siemens; those of islands are 0, since no current flows in them.
    word, bit : (rows, cols + 1), (rows + 1, cols)
        Ohms of each line's segments, its two ends included: left first, top first.
    volts : dict
        Fixed source voltages of each side.
    joined : dict
        For ``"word"`` and ``"bit"``: the lines whose two sources are joined by 0 ohm. Their far end is opened here;
        the current is shared equally between the two.
    floating_word, floating_bit : (rows, cols) or None
        Nodes without a path to any source.
    """

    g: Array
    word: Array
    bit: Array
    volts: dict[Side, Array]
    joined: dict[str, Mask]
    floating_word: Mask | None
    floating_bit: Mask | None

    @staticmethod
    def of(crossbar: Crossbar) -> Segments:
        """Lay out ``crossbar``.

        Raises
        ------
        InputError
            A cell conducts more than ``MOST_SIEMENS``.
        """
        _check_no_short(crossbar.conductance)
        rows, cols = crossbar.shape
        ends = crossbar.boundary
        word = np.empty((rows, cols + 1))
        bit = np.empty((rows + 1, cols))
        word[:, 0], word[:, 1:-1], word[:, -1] = (
            ends["word_left"].resistance,
            crossbar.word_wire,
            ends["word_right"].resistance,
        )
        bit[0], bit[1:-1], bit[-1] = ends["bit_top"].resistance, crossbar.bit_wire, ends["bit_bottom"].resistance
        joined = {"word": _zero_ends(word[:, 0], word[:, -1]), "bit": _zero_ends(bit[0], bit[-1])}
        if joined["word"].any():
            joined["word"] &= ~word.any(axis=1)
            word[joined["word"], -1] = np.inf
        if joined["bit"].any():
            joined["bit"] &= ~bit.any(axis=0)
            bit[0, joined["bit"]] = np.inf
        g = crossbar.conductance
        floating_word, floating_bit = _floating(g, word, bit)
        if floating_word is not None and floating_bit is not None:
            g = np.where(floating_word | floating_bit, 0.0, g)
        volts = {side: np.ascontiguousarray(ends[side].voltage) for side in SIDES}
        return Segments(g, word, bit, volts, joined, floating_word, floating_bit)

    def sources(self, voltages: Array) -> dict[Side, Array]:
        """All source voltages (batch, lines) for word_left voltages (batch, rows)."""
        batch = voltages.shape[0]
        return {side: np.tile(fixed, (batch, 1)) for side, fixed in self.volts.items()} | {"word_left": voltages}

    def check_conflicts(self, volts: Mapping[Side, Array]) -> None:
        """Check that 0 ohm joins no sources of different voltage (batch, lines).

        Raises
        ------
        SolveError
            A line joins two sources of different voltage by 0 ohm.
        """
        pairs: tuple[tuple[str, Side, Side], ...] = (
            ("word", "word_left", "word_right"),
            ("bit", "bit_top", "bit_bottom"),
        )
        for layer, a, b in pairs:
            conflict = self.joined[layer] & (volts[a] != volts[b])
            if conflict.any():
                vector, k = (int(index) for index in np.argwhere(conflict)[0])
                raise SolveError(
                    f"ends {a}[{k}] and {b}[{k}] are joined by 0 ohm but hold {volts[a][vector, k]:g} V and "
                    f"{volts[b][vector, k]:g} V: give one of them, or the wire between them, a resistance"
                )

    def gathered(self, currents: Mapping[Side, Array]) -> dict[Side, Array]:
        """Return end currents (..., lines) with all of a joined line's at its near end, which is the one laid out."""
        totals = dict(currents)
        for layer, near, far in _NEAR_FAR:
            lines = self.joined[layer]
            totals[near] = np.where(lines, currents[near] + currents[far], currents[near])
            totals[far] = np.where(lines, 0.0, currents[far])
        return totals

    def shared(self, currents: Mapping[Side, Array]) -> dict[Side, Array]:
        """Return end currents (..., lines) with half of a joined line's at each of its ends."""
        halves = dict(currents)
        for layer, near, far in _NEAR_FAR:
            lines = self.joined[layer]
            if lines.any():
                half = 0.5 * currents[near]
                halves[near] = np.where(lines, half, currents[near])
                halves[far] = np.where(lines, half, currents[far])
        return halves

    @property
    def ideal(self) -> bool:
        """Whether all wires between cells have 0 ohm."""
        return not self.word[:, 1:-1].any() and not self.bit[1:-1].any()

    @property
    def present(self) -> tuple[bool, bool, bool, bool]:
        """Which of the sides left, right, top and bottom have an end that is not open."""
        ends = (self.word[:, 0], self.word[:, -1], self.bit[0], self.bit[-1])
        left, right, top, bottom = (bool(np.isfinite(ohms).any()) for ohms in ends)
        return left, right, top, bottom

    @property
    def breakable(self) -> bool:
        """Whether a line is broken or has no end tied, so that cells alone may hold some of its nodes."""
        return not _whole(self.word, self.bit)

    def couplings(self) -> tuple[Array, Array]:
        """Siemens of the word- and bit-line segments; 0 ohm is 1e30 S."""
        return 1.0 / np.maximum(self.word, TINY), 1.0 / np.maximum(self.bit, TINY)

    def floating_names(self, more: tuple[Mask, Mask] | None = None) -> list[str]:
        """Floating nodes as ``w[i, j]`` and ``b[i, j]``; ``more`` are word and bit nodes that float as well."""
        layers = zip("wb", (self.floating_word, self.floating_bit), more or (None, None), strict=True)
        names = []
        for layer, *masks in layers:
            floating = [mask for mask in masks if mask is not None]
            if floating:
                names += [f"{layer}[{i}, {j}]" for i, j in np.argwhere(np.logical_or.reduce(floating))]
        return names


def _zero_ends(a: Array, b: Array) -> Mask:
    mask: Mask = (a == 0.0) & (b == 0.0)
    return mask


def _floating(g: Array, word: Array, bit: Array) -> tuple[Mask, Mask] | tuple[None, None]:
    """Find islands; None, None at once where every line is whole and tied."""
    if _whole(word, bit):
        return None, None
    tied_word, tied_bit = islands.tied_nodes(g, word, bit)
    if tied_word.all() and tied_bit.all():
        return None, None
    return ~tied_word, ~tied_bit


def _whole(word: Array, bit: Array) -> bool:
    """Whether every line is in one piece and tied at one end at least."""
    pieces = np.isfinite(word[:, 1:-1]).all() and np.isfinite(bit[1:-1]).all()
    return bool(
        pieces and np.isfinite(word[:, [0, -1]]).any(axis=1).all() and np.isfinite(bit[[0, -1]]).any(axis=0).all()
    )


def _check_no_short(g: Array) -> None:
    if g.max(initial=0.0) > MOST_SIEMENS:
        i, j = np.unravel_index(int(g.argmax()), g.shape)
        raise InputError(
            f"conductance[{i}, {j}] is {g[i, j]:.3g} S: a cell has at most {MOST_SIEMENS:g} S, more is a wire of 0 ohm"
        )
