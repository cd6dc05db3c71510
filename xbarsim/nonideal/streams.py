"""Random numbers that belong to a cell: a function of seed, draw, tile, count, row and column, and of nothing else.

No generator is carried from cell to cell, so neither threads, nor the order of tiles, nor the shape of the array,
nor another effect's draws can change what a cell gets. numpy's ``SeedSequence`` makes the key of each stream, and its
``spawn_key`` keeps streams apart; from there on a word is SplitMix64's output function (Steele, Lea and Flood, OOPSLA
2014) of a counter, once over the cell and once over the number of the word. Streams of ``numpy.random.Generator``
may change between versions of numpy; these do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.errors import InputError

Words = NDArray[np.uint64]

_ALL = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio, odd
COUNTS = 1 << 32
"""Tiles, reads and writes are numbered below this."""


class Draw(IntEnum):
    """What is drawn. The numbers are part of what a seed means: a new draw takes a new number."""

    FAULT_CELL = 1
    FAULT_ROW = 2
    FAULT_COLUMN = 3
    VARIATION = 4
    CYCLE = 5
    DRIFT = 6
    WORD_BREAK = 7
    BIT_BREAK = 8
    WORD_SHORT = 9
    BIT_SHORT = 10
    PULSE = 11
    READ = 12
    CURRENT = 13


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Return ``value`` as an int of ``low <= value < high``.

    Parameters
    ----------
    name : str
        The argument's, for messages.
    value : object
        What was passed.
    low, high : int
        The least that it may be, and the least that is too much.

    Raises
    ------
    InputError
        It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name} is {value!r}: it must be a whole number")
    if not low <= value < high:
        upper = f"2^{high.bit_length() - 1}" if high.bit_count() == 1 and high > 2 else str(high)
        raise InputError(f"{name} is {value}: it must be at least {low} and below {upper}")
    return int(value)


def mix(words: Words) -> Words:
    """SplitMix64's output function, a bijection of 64-bit words that leaves no trace of their order.

    Parameters
    ----------
    words : array of uint64
        Of any shape; what is returned has it too.
    """
    z = words ^ (words >> np.uint64(30))
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def every(shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows (rows, 1) and columns (1, cols) of all cells of an array, as ``Stream`` takes them."""
    return np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]


@dataclass(frozen=True)
class Stream:
    """The numbers of one draw in one tile.

    Attributes
    ----------
    keys : tuple of two int
        64 bits each; ``Stream.of`` makes them.
    """

    keys: tuple[int, int]

    @classmethod
    def of(cls, seed: int, draw: Draw, tile: int = 0, count: int = 0) -> Stream:
        """Return the stream of a chip's draw.

        Parameters
        ----------
        seed : int
            The chip, ``0 <= seed < 2^64``.
        draw : Draw
            What is drawn.
        tile, count : int
            Which array of the chip, and which read or write of it, below 2^32.

        Raises
        ------
        InputError
            One of them is out of its bounds or no whole number.
        """
        seed = whole("seed", seed, 0, 1 << 64)
        spawn = (int(draw), whole("count", count, 0, COUNTS), whole("tile", tile, 0, COUNTS))
        state = np.random.SeedSequence(seed, spawn_key=spawn).generate_state(2, np.uint64)
        return cls((int(state[0]), int(state[1])))

    def words(self, rows: NDArray[np.intp], cols: NDArray[np.intp], number: int = 0) -> Words:
        """Return 64 random bits for each cell.

        Parameters
        ----------
        rows, cols : array of int
            Where the cells are, >= 0 and below 2^32; they broadcast, and at least one has an axis.
        number : int
            Which of a cell's words.
        """
        cells = (rows.astype(np.uint64) << np.uint64(32)) | cols.astype(np.uint64)
        words = mix(cells * np.uint64(_GAMMA) + np.uint64(self.keys[0]))
        return mix(words ^ np.uint64((self.keys[1] + number * _GAMMA) & _ALL))

    def uniform(self, rows: NDArray[np.intp], cols: NDArray[np.intp], number: int = 0) -> Array:
        """Return a number in [0, 1) for each cell, with 53 random bits.

        Parameters
        ----------
        rows, cols : array of int
            Where cells are, of shapes that broadcast.
        number : int
            Which of a cell's numbers, from 0 on.
        """
        return (self.words(rows, cols, number) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def normal(self, rows: NDArray[np.intp], cols: NDArray[np.intp], number: int = 0) -> Array:
        """Return a standard normal number for each cell, from two of its words (Box and Muller, 1958).

        Parameters
        ----------
        rows, cols : array of int
            Where cells are, of shapes that broadcast.
        number : int
            Which of a cell's normal numbers: of its words two each.
        """
        radius: Array = np.sqrt(-2.0 * np.log1p(-self.uniform(rows, cols, 2 * number)))
        numbers: Array = radius * np.cos(2.0 * np.pi * self.uniform(rows, cols, 2 * number + 1))
        return numbers
