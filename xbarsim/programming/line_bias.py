"""A crossbar's lines as a scheme ties them for a pulse or for a read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import SIDES, Array, Crossbar, Side
from xbarsim.schemes.scheme import Scheme
from xbarsim.solvers.line_shares import LineShares
from xbarsim.solvers.segments import Segments


@dataclass(frozen=True, eq=False)
class BiasedLines:
    """Lines with some of them selected.

    Attributes
    ----------
    bias : LineBias
        The scheme on the crossbar.
    rows, cols : tuple of int
        The selected lines.
    segments : Segments
        The circuit as kernels see it; its cells do not count.
    shares : LineShares
        Its bare wires.
    volts : dict of side to (lines,)
        The sources for 1 V on the selected word lines.
    """

    bias: LineBias
    rows: tuple[int, ...]
    cols: tuple[int, ...]
    segments: Segments
    shares: LineShares
    volts: dict[Side, Array]

    @property
    def crossbar(self) -> Crossbar:
        """The circuit as tied; what its conductances are does not count."""
        return self.bias.tied(self.rows, self.cols)[0]

    def same_wires(self, biased: BiasedLines) -> bool:
        """Whether lines are tied through the same resistances, to sources of whatever volts.

        Parameters
        ----------
        biased : BiasedLines
            Others, of the same crossbar.
        """
        first, second = self.segments, biased.segments
        return first is second or (np.array_equal(first.word, second.word) and np.array_equal(first.bit, second.bit))


class LineBias:
    """A scheme on one crossbar, for any selected lines."""

    def __init__(self, crossbar: Crossbar, scheme: Scheme) -> None:
        self.crossbar, self.scheme = crossbar, scheme
        self._last: BiasedLines | None = None
        # Whether the lines' resistances are the same whichever are selected.
        self._always_tied = scheme.word is not None and scheme.bit is not None and scheme.load is None

    def tied(self, rows: Sequence[int], cols: Sequence[int], volts: float = 1.0) -> tuple[Crossbar, Array]:
        """Return the crossbar with all line ends tied, and the volts of its word lines.

        Parameters
        ----------
        rows, cols : sequence of int
            The selected lines, from 0 on.
        volts : float
            Across selected cells.
        """
        return self.scheme.tie_lines(self.crossbar, rows, cols, volts)

    def select(self, rows: Sequence[int], cols: Sequence[int]) -> BiasedLines:
        """Return the lines with ``rows`` and ``cols`` selected; the same object as long as the same ones are.

        Parameters
        ----------
        rows, cols : sequence of int
            The selected lines, from 0 on.
        """
        last, lines = self._last, (tuple(rows), tuple(cols))
        if last is not None and (last.rows, last.cols) == lines:
            return last
        if last is None or not self._always_tied:
            segments = Segments.of(self.tied(*lines)[0])
            shares = LineShares(segments)
        else:
            segments, shares = last.segments, last.shares
        word, bit = self.scheme.source_volts(self.crossbar.shape, *lines, 1.0)
        volts: dict[Side, Array] = {
            "word_left": word,
            "word_right": word if self.scheme.both_words else np.zeros_like(word),
            "bit_top": bit if self.scheme.both_bits else np.zeros_like(bit),
            "bit_bottom": bit,
        }
        self._last = BiasedLines(self, *lines, segments, shares, {side: volts[side] for side in SIDES})
        return self._last
