"""Lines that are broken, and neighbours that touch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.nonideal.effect_settings import Settings, checked_shape
from xbarsim.nonideal.streams import Draw, Stream

Mask = NDArray[np.bool_]


def _struck(draw: Draw, shape: tuple[int, int], rate: float, seed: int, tile: int) -> Mask:
    # Either side may be 0: a single column has no word-line segments.
    rows, cols = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    struck: Mask = Stream.of(seed, draw, tile).uniform(rows, cols) < rate
    return struck


@dataclass(frozen=True)
class Breaks(Settings):
    """Broken wire segments, each by its own chance; ``inf`` ohms of a ``Crossbar``.

    A word line of n cells is broken somewhere with probability ``1 - (1 - word_rate)^(n - 1)``. What lies behind a
    break is cut from its driver but still joined to the rest through its cells: the solver says what that makes.

    Attributes
    ----------
    word_rate, bit_rate : float
        Chance of each segment between two cells of a word line, and of a bit line; 0 to 1.

    Raises
    ------
    InputError
        A rate is out of its bounds.
    """

    word_rate: float = 0.0
    bit_rate: float = 0.0

    def __post_init__(self) -> None:
        self._number("word_rate", 0.0, 1.0)
        self._number("bit_rate", 0.0, 1.0)

    def segments(self, shape: tuple[int, int], seed: int, tile: int = 0) -> tuple[Mask, Mask]:
        """Return which segments are broken.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.
        seed : int
            Of the chip.
        tile : int
            Which of its tiles, counted from 0.

        Returns
        -------
        word : (rows, cols - 1) of bool
            Between ``w[i, j]`` and ``w[i, j+1]``.
        bit : (rows - 1, cols) of bool
            Between ``b[i, j]`` and ``b[i+1, j]``.
        """
        rows, cols = checked_shape(shape)
        return (
            _struck(Draw.WORD_BREAK, (rows, cols - 1), self.word_rate, seed, tile),
            _struck(Draw.BIT_BREAK, (rows - 1, cols), self.bit_rate, seed, tile),
        )


@dataclass(frozen=True)
class Shorts(Settings):
    """Neighbouring lines that touch, each crossing by its own chance.

    Shorts between bit lines are what the failure patterns of a 4 Mb chip were traced to (Chen et al., IEEE Trans.
    Computers 64, 180, 2015). A word line shorted to a bit line is no short of neighbours but a cell of few ohms:
    ``Faults(lrs_ohms=...)``.

    Attributes
    ----------
    word_rate : float
        Chance that two neighbouring word lines touch beside a given column: ``w[i, j]`` and ``w[i+1, j]``.
    bit_rate : float
        Chance that two neighbouring bit lines touch beside a given row: ``b[i, j]`` and ``b[i, j+1]``.
    ohms : float
        Of each short, > 0 and finite.

    Raises
    ------
    InputError
        A number is out of its bounds.
    """

    word_rate: float = 0.0
    bit_rate: float = 0.0
    ohms: float = 1.0

    def __post_init__(self) -> None:
        self._number("word_rate", 0.0, 1.0)
        self._number("bit_rate", 0.0, 1.0)
        self._number("ohms", 0.0, math.inf, above=True)

    def places(self, shape: tuple[int, int], seed: int, tile: int = 0) -> tuple[Mask, Mask]:
        """Return where lines touch.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.
        seed : int
            Of the chip.
        tile : int
            Which of its tiles, counted from 0.

        Returns
        -------
        word : (rows - 1, cols) of bool
            ``w[i, j]`` and ``w[i+1, j]``.
        bit : (rows, cols - 1) of bool
            ``b[i, j]`` and ``b[i, j+1]``.
        """
        rows, cols = checked_shape(shape)
        return (
            _struck(Draw.WORD_SHORT, (rows - 1, cols), self.word_rate, seed, tile),
            _struck(Draw.BIT_SHORT, (rows, cols - 1), self.bit_rate, seed, tile),
        )
