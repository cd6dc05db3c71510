"""One cell's turn: pulses and looks until it is at its target, or cannot be."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.crossbar import Array
from xbarsim.programming.line_bias import LineBias
from xbarsim.programming.pulse_ladder import PulseLadder
from xbarsim.programming.pulsed_array import PulsedArray
from xbarsim.programming.verify_read import ArrayReads
from xbarsim.programming.write_log import WriteLog
from xbarsim.programming.write_pulse import WritePulse
from xbarsim.programming.written_array import Unreached
from xbarsim.schemes.scheme import Cell

_UNMOVED = 1e-9
"""Part of its range that a state which does not move may move by in a pulse."""

_MOST_TURNS = 60  # halvings: finer pulses than that do nothing


@dataclass
class CellWriter:
    """Writes cells of an array one at a time.

    Attributes
    ----------
    array, bias, reads : PulsedArray, LineBias, ArrayReads
        What is written, how lines are tied for it, and how it is looked at.
    ladder : PulseLadder
        The pulses.
    allowed : (rows, cols)
        Siemens that a look may be off its target.
    most_pulses : int
        For one cell, in all its turns.
    stuck_after : int
        Pulses in a row without effect, none weaker than the one before, after which a cell is given up.
    log : WriteLog
        Receives what pulses do.
    """

    array: PulsedArray
    bias: LineBias
    reads: ArrayReads
    ladder: PulseLadder
    allowed: Array
    most_pulses: int
    stuck_after: int
    log: WriteLog

    def pulse(self, cell: Cell, volts: float, width: float) -> float:
        """Give a cell a pulse; return how far its state went, as a part of its range.

        Parameters
        ----------
        cell : (row, column)
            From 0 on.
        volts : float
            From word line to bit line; the sign says which way the state goes.
        width : float
            Seconds at full height.
        """
        ladder = self.ladder
        pulse = WritePulse(cell, volts, width, ladder.rise, ladder.fall, ladder.gap)
        effect = self.array.pulse(pulse, self.bias)
        self.log.add(self.array, pulse, effect)
        return float(abs(effect.after[0] - effect.before[0]) / (self.array.high[cell] - self.array.low[cell]))

    def write(self, cell: Cell, target: float) -> tuple[Unreached, float]:
        """Write a cell until a look at it is near enough; return why it is not, and what the last look showed.

        Parameters
        ----------
        cell : (row, column)
            From 0 on.
        target : float
            Siemens that a look is to show.
        """
        number = turns = still = 0
        raising: bool | None = None
        reading = self.reads.cell(cell)
        while abs(reading - target) > self.allowed[cell]:
            up = reading < target
            if self._at_bound(cell, up):
                return Unreached.RANGE, reading
            if self.log.pulses[cell] >= self.most_pulses:
                return Unreached.MOST_PULSES, reading
            if raising is not None and up != raising:
                turns, number, still = min(turns + 1, _MOST_TURNS), 0, 0
            raising = up
            volts, width = self.ladder.rung(up, number, turns)
            moved = self.pulse(cell, self._sign(cell, up) * volts, width)
            still = still + 1 if moved <= _UNMOVED and self.ladder.at_top(up, number) else 0
            if still >= self.stuck_after:
                return self._why_still(cell, self._sign(cell, up) * volts, width), reading
            number += 1
            reading = self.reads.cell(cell)
        return Unreached.REACHED, reading

    def _sign(self, cell: Cell, up: bool) -> float:
        """Return the sign of volts that raise, or lower, a cell's conductance."""
        rising = float(self.array.rising[cell])
        return rising if up else -rising

    def _at_bound(self, cell: Cell, up: bool) -> bool:
        """Whether the state can go no further in a direction."""
        array = self.array
        state = array.states[cell]
        return bool(state == (array.high if array.more_at_high[cell] == up else array.low)[cell])

    def _why_still(self, cell: Cell, volts: float, width: float) -> Unreached:
        """Tell why pulses do not move a cell: from how it would move at the volts that arrive, and at all of them."""
        if abs(self.array.motion(cell, float(self.log.arrived[cell]))) * width > _UNMOVED:
            return Unreached.STUCK
        if abs(self.array.motion(cell, volts)) * width > _UNMOVED:
            return Unreached.IR_DROP
        return Unreached.AMPLITUDE
