"""The worst of all patterns: every one where these are few, a search with many starts where they are not.

With linear cells the selected current is a Möbius function of each single conductance, so it is monotone in it, and
the worst pattern has every cell in LRS or HRS. Which way a cell's turn moves the current depends on the others, so
there are patterns that no single turn makes worse and that are not the worst. Up to ``EXHAUSTIVE`` patterns are
therefore all solved. Beyond, a search climbs by the sensitivities of all cells at once, from several starts, and then
turns pairs; its result is a bound that the true worst case can exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.margin.patterns import candidates, sensitivity
from xbarsim.margin.technology import States
from xbarsim.schemes.reading import Read
from xbarsim.schemes.scheme import Cell

EXHAUSTIVE = 2**12
"""So many patterns are all tried."""

STEPS = 40
"""Most rounds of a climb."""

_GAIN = 1e-9
"""What counts as worse, of the current: less is rounding."""

_STARTS = 9
_START_CELLS = 9 * 16 * 16
"""Random starts, and how many cells these may have together: large arrays get fewer."""

_PAIR_CELLS = 256
_PAIRED = 12
_PAIRED_AT_ONCE = 64
"""Largest array in which pairs are turned; among how many of its cells, one by one and all at once."""

Take = Callable[[str, States], Read]
Rank = Callable[[States], Array]


@dataclass(frozen=True, eq=False)
class Worst:
    """What was found.

    Attributes
    ----------
    name : str
        The pattern's, with ``~`` before it where single cells differ from the one that it names.
    states : (rows, cols) of bool
        The pattern.
    read : Read
        Its read.
    tried : int
        Patterns that were solved.
    exhaustive : bool
        Whether these were all.
    """

    name: str
    states: States
    read: Read
    tried: int
    exhaustive: bool


def worst(take: Take, rank: Rank | None, shape: tuple[int, int], cell: Cell, state: bool, sign: float) -> Worst:
    """Find the pattern with the largest (``sign`` 1) or smallest (-1) selected current.

    Parameters
    ----------
    take : callable
        Reads the array; its first argument is what messages call the pattern.
    rank : callable, optional
        Selected currents (count,) of many patterns (count, rows, cols) at once.
    shape : (rows, cols)
        The array's.
    cell : (row, column)
        The selected cell.
    state : bool
        Whether it is in LRS.
    sign : {1, -1}
        Which way is worse.
    """
    groups = list(candidates(shape, cell))
    for _, states in groups:
        states[cell] = state
    hunt = _Hunt(take, rank, sign, groups)
    few = every_pattern(shape, cell)
    if few is not None:
        few[:, cell[0], cell[1]] = state
        hunt.try_all(few)
        return hunt.result(exhaustive=True)
    starts = sorted(zip(hunt.first, groups, strict=True), key=lambda start: -start[0])
    # Sensitivities are there for all cells or for none.
    if sensitivity(hunt.read) is None:
        return hunt.result(exhaustive=False)
    count = min(_STARTS, _START_CELLS // (shape[0] * shape[1]))
    for _, (_, states) in starts[: 8 if count == _STARTS else 2]:
        hunt.climb(states)
    for states in _random_starts(hunt, shape, count):
        states[cell] = state
        hunt.climb(states)
    if shape[0] * shape[1] <= _PAIR_CELLS:
        while hunt.pairs():
            pass
    return hunt.result(exhaustive=False)


def every_pattern(shape: tuple[int, int], cell: Cell) -> States | None:
    """Return all patterns (count, rows, cols), the selected cell in HRS; None if these are more than ``EXHAUSTIVE``.

    Parameters
    ----------
    shape : (rows, cols)
        Of the array.
    cell : (row, column)
        The selected one.
    """
    size = shape[0] * shape[1]
    if size > EXHAUSTIVE.bit_length():
        return None
    numbers = np.arange(2 ** (size - 1))[:, None]
    bits = (numbers >> np.arange(size - 1)) & 1
    states = np.insert(bits.astype(np.bool_), cell[0] * shape[1] + cell[1], False, axis=1)
    return states.reshape(-1, *shape)


def nearest(states: States, groups: list[tuple[str, States]]) -> str:
    """Name a pattern by the one of those known that differs in the fewest cells, with ``~`` if any does.

    Parameters
    ----------
    states : (rows, cols) array of bool
        The pattern; True: LRS.
    groups : list of (str, (rows, cols) array of bool)
        Those that have names.
    """
    name, closest = min(groups, key=lambda group: int((group[1] != states).sum()))
    return name if (closest == states).all() else f"~{name}"


class _Hunt:
    """The worst pattern so far, and how many were tried."""

    def __init__(self, take: Take, rank: Rank | None, sign: float, groups: list[tuple[str, States]]) -> None:
        self._take, self._rank, self._sign, self._groups = take, rank, sign, groups
        self._tried: set[bytes] = set()
        reads = [take(name, states) for name, states in groups]
        self.first = [sign * read.selected_current for read in reads]
        best = int(np.argmax(self.first))
        self.states, self.read = groups[best][1], reads[best]
        self._tried = {states.tobytes() for _, states in groups}

    def result(self, *, exhaustive: bool) -> Worst:
        """Return what was found."""
        name = nearest(self.states, self._groups)
        return Worst(name, self.states, self.read, len(self._tried), exhaustive)

    def try_(self, states: States) -> Read | None:
        """Read a pattern that was not tried yet, and keep it if it is the worst so far."""
        key = states.tobytes()
        if key in self._tried:
            return None
        self._tried.add(key)
        read = self._take(nearest(states, self._groups), states)
        if self._worse(read, self.read):
            self.states, self.read = states.copy(), read
        return read

    def try_all(self, patterns: States) -> None:
        """Try many patterns, all at once where that is possible."""
        if self._rank is not None:
            currents = self._rank(patterns)
            self._tried.update(states.tobytes() for states in patterns)
            best = patterns[int(np.argmax(self._sign * currents))]
            self._tried.discard(best.tobytes())
            patterns = best[None]
        for states in patterns:
            self.try_(states)

    def _worse(self, read: Read, reference: Read) -> bool:
        size = max(abs(read.selected_current), abs(reference.selected_current))
        return self._sign * (read.selected_current - reference.selected_current) > _GAIN * size

    def climb(self, states: States) -> None:
        """Go on from a pattern: turn all cells whose turn makes it worse, or, where that is too much, the strongest."""
        read = self.try_(states) or self._take(nearest(states, self._groups), states)
        for _ in range(STEPS):
            gains = self._gains(states, read)
            order = np.argsort(-gains, axis=None)
            count = int((gains > 0.0).sum())
            while count > 0:
                turned = states.copy()
                turned.flat[order[:count]] ^= True
                further = self.try_(turned)
                if further is not None and self._worse(further, read):
                    break
                count //= 2
            else:
                return
            states, read = turned, further

    def pairs(self) -> bool:
        """Turn pairs of the cells that resist least; say whether one was worse, and climb from it."""
        gains = self._gains(self.states, self.read)
        gains[self.read.cell] = -np.inf
        among = _PAIRED if self._rank is None else _PAIRED_AT_ONCE
        least = np.argsort(-gains, axis=None)[: min(among, gains.size - 1)]
        pairs = np.array(list(combinations(least.tolist(), 2)))
        turned = np.repeat(self.states.reshape(1, -1), len(pairs), axis=0)
        turned[np.arange(len(pairs))[:, None], pairs] ^= True
        before = self.read
        self.try_all(turned.reshape(-1, *self.states.shape))
        if self.read is before:
            return False
        self.climb(self.states)
        return True

    def _gains(self, states: States, read: Read) -> Array:
        """How much worse each cell's turn makes it, to first order; 0 for the selected one."""
        steeper = sensitivity(read)
        if steeper is None:
            return np.zeros(states.shape)
        gains: Array = self._sign * np.where(states, -steeper, steeper)
        gains[read.cell] = 0.0
        return gains


def _random_starts(hunt: _Hunt, shape: tuple[int, int], count: int) -> Iterator[States]:
    """Yield patterns at random, of whole lines, and near the worst so far, in turn; the same ones every time."""
    draw = np.random.default_rng(len(hunt.first) + shape[0] * 1000 + shape[1])
    for k in range(count):
        if k % 3 == 0:
            yield draw.random(shape) < 0.5
        elif k % 3 == 1:
            yield (draw.random((shape[0], 1)) < 0.5) ^ (draw.random((1, shape[1])) < 0.5)
        else:
            yield hunt.states ^ (draw.random(shape) < 0.15)
