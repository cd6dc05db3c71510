"""Writing without looks: the pulses that a cell would need if it were alone."""

from __future__ import annotations

from xbarsim.crossbar import Crossbar
from xbarsim.programming.cell_writer import CellWriter
from xbarsim.programming.line_bias import LineBias
from xbarsim.programming.pulsed_array import PulsedArray
from xbarsim.programming.verify_read import ArrayReads, VerifyRead
from xbarsim.programming.write_log import WriteLog
from xbarsim.programming.written_array import Unreached
from xbarsim.schemes.scheme import GROUNDED, Cell


class BlindWriter(CellWriter):
    """Gives each cell the pulses that lead a copy of it between two ideal sources to its target."""

    def write(self, cell: Cell, target: float) -> tuple[Unreached, float]:
        """Write a cell; what it shows then is for the last look to say.

        Parameters
        ----------
        cell : (row, column)
            From 0 on.
        target : float
            Siemens.
        """
        for volts, width in self._train(cell, target):
            self.pulse(cell, volts, width)
        return Unreached.OPEN_LOOP, float("nan")

    def _train(self, cell: Cell, target: float) -> list[tuple[float, float]]:
        """Write the copy, looking at it; return the pulses that it took."""
        place = (slice(cell[0], cell[0] + 1), slice(cell[1], cell[1] + 1))
        array = PulsedArray(Crossbar(self.array.siemens[place], device=self.array.device.cut(place)))
        alone = _TrainRecorder(
            array, LineBias(array.crossbar, GROUNDED), ArrayReads(array, VerifyRead("cell")), self.ladder,
            self.allowed[place], self.most_pulses, self.stuck_after, WriteLog.empty((1, 1)),
        )  # fmt: skip
        alone.train = []
        CellWriter.write(alone, (0, 0), target)
        return alone.train


class _TrainRecorder(CellWriter):
    """Keeps the pulses that it gives."""

    train: list[tuple[float, float]]

    def pulse(self, cell: Cell, volts: float, width: float) -> float:
        """Give a cell a pulse."""
        self.train.append((volts, width))
        return super().pulse(cell, volts, width)
