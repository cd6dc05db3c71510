"""What a run in time gives, and how its points are kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.resources import check_memory

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 1 << 20
"""Numbers that are asked for at a time."""


@dataclass(frozen=True)
class TimedSolution:
    """A circuit at all points of a run, n of them.

    Attributes
    ----------
    times : (n,)
        Seconds; the first is the last point at or before the first time that was asked for.
    voltages : (n, nodes)
        Volts of the circuit's nodes, ground first, or of those that were to be kept.
    amperes : (n, branches)
        Currents of what fixes a voltage, in the order of ``NamedNetwork.fixing``, or of those that were to be kept.
    residual : float
        The largest violation of Kirchhoff's laws and of the formulas for rates, as ``mna.Residual`` measures it.
    accepted, rejected : int
        Steps that count, and steps that were taken again for being too long.
    complete : bool
        Whether the run reached its end.
    problem : str
        Why it did not.
    """

    times: Floats
    voltages: Floats
    amperes: Floats
    residual: float
    accepted: int
    rejected: int
    complete: bool = True
    problem: str = ""


class PointRecorder:
    """The points of a run.

    Parameters
    ----------
    nodes, branches : (k,)
        Which are kept.
    start : float
        Seconds: of the points before, the last is kept.
    least : int
        How many points there will be at least.

    Raises
    ------
    TooLargeError
        They would not fit in memory.
    """

    def __init__(self, nodes: Ints, branches: Ints, start: float, least: float) -> None:
        self._nodes, self._branches, self._start = nodes, branches, start
        self._width = 1 + nodes.size + branches.size
        self._check(least)
        self._rows = max(16, _BLOCK // self._width)
        self._blocks: list[Floats] = []
        self._filled = 0

    def add(self, time: float, voltages: Floats, amperes: Floats) -> None:
        """Keep a point.

        Parameters
        ----------
        time : float
            Seconds; up to the first time that is recorded, points take the place of the one before.
        voltages : (nodes,) array
            Volts of all nodes.
        amperes : (branches,) array
            Of all branches that are reported.

        Raises
        ------
        TooLargeError
            There is no room for more.
        """
        if time <= self._start:
            self._blocks, self._filled = self._blocks[:1], 0
        if not self._blocks or self._filled == self._rows:
            self._check((len(self._blocks) + 1) * self._rows)
            self._blocks.append(np.empty((self._rows, self._width)))
            self._filled = 0
        row = self._blocks[-1][self._filled]
        row[0] = time
        row[1 : 1 + self._nodes.size] = voltages[self._nodes]
        row[1 + self._nodes.size :] = amperes[self._branches]
        self._filled += 1

    def table(self) -> tuple[Floats, Floats, Floats]:
        """Return times, voltages and amperes."""
        whole = np.concatenate([*self._blocks[:-1], self._blocks[-1][: self._filled]])
        return whole[:, 0], whole[:, 1 : 1 + self._nodes.size], whole[:, 1 + self._nodes.size :]

    def _check(self, points: float) -> None:
        check_memory(
            16.0 * points * self._width,  # twice, while blocks are joined
            f"the run's {self._nodes.size} voltages and {self._branches.size} currents at {points:.0f} points or more",
            "keep fewer of them (.save), or take longer steps",
        )
