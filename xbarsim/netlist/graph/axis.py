"""One coordinate of the array: where the lines of one layer stand along the lines of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim.netlist.graph.edges import Bools, Ints, NoCrossbar
from xbarsim.netlist.graph.order import run_starts, stable_order

if TYPE_CHECKING:
    from xbarsim.netlist.graph.paths import Paths

FREE = -(1 << 40)
_ROUNDS = 10_000


def place_lines(paths: Paths, along: Ints, across: Ints, mine: Bools, lean: Ints) -> Ints:
    """Return the coordinate of each crossing line, and of each node on the lines of one layer.

    A line of the layer has places k = 0, 1, ... with coordinates ``sign * k + offset``; a cell gives the line
    that it leads to the coordinate of its place. Starting from one line, two known crossings fix the sign and
    offset of another.

    Parameters
    ----------
    paths : Paths
        All lines.
    along, across : (cells,) array of int
        Each cell's node on the layer, and its node on the crossing line.
    mine : (lines,) array of bool
        The lines of the layer.
    lean : (lines,) array of int
        Which end is tied, where two crossings do not tell.

    Returns
    -------
    coordinate : (lines + nodes,) array of int
        FREE for the nodes of a layer without wires, which stand at every place.
    """
    n = paths.path.size
    line, place, crossed = paths.path[along], paths.place[along], paths.path[across]
    coordinate = np.full(paths.count + n, FREE, dtype=np.int64)
    node_mine = mine[paths.path]
    if not paths.place[node_mine].any():
        crossing = np.flatnonzero(~mine)
        first = np.full(paths.count, n)
        np.minimum.at(first, paths.path, np.arange(n))
        coordinate[crossing[np.argsort(first[crossing], kind="stable")]] = np.arange(crossing.size)
        if np.bincount(line, minlength=1).max() <= 1:
            coordinate[paths.count + along] = coordinate[crossed]
        return coordinate
    solver = AxisSolver(line, place, crossed, lean, lasts(paths))
    solver.run(np.flatnonzero(mine))
    coordinate[: paths.count] = np.where(mine, FREE, solver.coordinate)
    nodes = np.flatnonzero(node_mine)
    on = paths.path[nodes]
    coordinate[paths.count + nodes] = solver.sign[on] * paths.place[nodes] + solver.offset[on]
    lost = np.flatnonzero(~mine & (solver.coordinate == FREE))
    if lost.size:
        raise NoCrossbar("a line crosses no other")
    return coordinate


def lasts(paths: Paths) -> Ints:
    """Return the last place on each line."""
    last: Ints = np.bincount(paths.path, minlength=paths.count) - 1
    return last


class AxisSolver:
    """Signs, offsets and coordinates, found in rounds over all cells at once."""

    def __init__(self, line: Ints, place: Ints, crossed: Ints, lean: Ints, last: Ints) -> None:
        count, width = lean.size, int(place.max(initial=0)) + 1
        order = stable_order(line * width + place, count * width)
        self.line, self.place, self.crossed = line[order], place[order], crossed[order]
        self.lean, self.last = lean, last
        self.sign = np.zeros(count, dtype=np.int64)
        self.offset = np.zeros(count, dtype=np.int64)
        self.coordinate = np.full(count, FREE, dtype=np.int64)

    def run(self, mine: Ints) -> None:
        """Place all lines; where nothing is known, start from the line with the most cells."""
        cells = np.bincount(self.line, minlength=self.sign.size)
        for _ in range(_ROUNDS):
            if self._round():
                continue
            open_lines = mine[self.sign[mine] == 0]
            if not open_lines.size:
                return
            if not self._guess(open_lines):
                self._start(int(open_lines[np.argmax(cells[open_lines])]))
        raise NoCrossbar("its lines are broken into too many pieces")

    def run_certain(self, start: int) -> None:
        """Place what follows from one line alone, without a guess; its own direction is free."""
        self._start(start)
        while self._round():
            pass

    def _round(self) -> bool:
        """Fix the lines with two known crossings; whether there were any."""
        usable = np.flatnonzero((self.sign[self.line] == 0) & (self.coordinate[self.crossed] != FREE))
        on = self.line[usable]
        first = run_starts(on)
        lines = on[first]
        if not lines.size:
            return False
        last = np.append(first[1:], usable.size) - 1
        a, b = usable[first], usable[last]
        span = self.place[b] - self.place[a]
        rise = self.coordinate[self.crossed[b]] - self.coordinate[self.crossed[a]]
        if np.any((span > 0) & (np.abs(rise) != span)):
            raise NoCrossbar("the lines cross in different orders")
        spanned = span > 0
        self._set(lines[spanned], np.sign(rise[spanned]), a[spanned])
        return bool(spanned.any())

    def _guess(self, open_lines: Ints) -> bool:
        """Fix a line with one known crossing, by the end that it is tied at."""
        usable = np.flatnonzero((self.sign[self.line] == 0) & (self.coordinate[self.crossed] != FREE))
        on = self.line[usable]
        first = run_starts(on)
        lines = on[first]
        if not lines.size:
            return False
        self._set(lines, self._leaning(lines), usable[first])
        return True

    def _start(self, line: int) -> None:
        """Begin a piece of its own: its tied end stands where those of the others do."""
        fixed = np.flatnonzero((self.sign != 0) & (self.lean != 0))
        sign = int(self._leaning(np.array([line]))[0])
        self.sign[line] = sign
        cells = np.flatnonzero(self.line == line)
        if fixed.size and self.lean[line]:
            tied = self.offset + self.sign * np.where(self.lean > 0, 0, self.last)
            self.offset[line] = tied[fixed[0]] - sign * (0 if self.lean[line] > 0 else self.last[line])
        self.coordinate[self.crossed[cells]] = sign * self.place[cells] + self.offset[line]

    def _leaning(self, lines: Ints) -> Ints:
        fixed = (self.sign != 0) & (self.lean != 0)
        trend = int(np.sign(np.sum((self.sign * self.lean)[fixed]))) or 1
        return np.where(self.lean[lines] != 0, self.lean[lines] * trend, 1)

    def _set(self, lines: Ints, sign: Ints, cell: Ints) -> None:
        self.sign[lines] = sign
        self.offset[lines] = self.coordinate[self.crossed[cell]] - sign * self.place[cell]
        fresh = np.zeros(self.sign.size, dtype=bool)
        fresh[lines] = True
        cells = np.flatnonzero(fresh[self.line])
        line = self.line[cells]
        self.coordinate[self.crossed[cells]] = self.sign[line] * self.place[cells] + self.offset[line]
