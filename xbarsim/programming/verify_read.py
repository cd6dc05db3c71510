"""What a look at a cell shows between two pulses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.programming.line_bias import LineBias
from xbarsim.programming.pulsed_array import Mask, PulsedArray
from xbarsim.programming.write_pulse import is_number
from xbarsim.resources import check_running
from xbarsim.schemes.reading import read
from xbarsim.schemes.scheme import GROUNDED, Cell, Scheme, scheme_of
from xbarsim.solvers.effective import effective_conductance


@dataclass(frozen=True)
class VerifyRead:
    """How cells are read while they are written; a read moves no state.

    Attributes
    ----------
    through : {"wires", "cell"}
        ``wires``: what the sense amplifier of the cell's bit line gets, over the read voltage, sneak currents and all.
        ``cell``: the cell's own conductance at 0 V, as an ideal tester would find it.
    voltage : float
        Volts of the selected word line, not 0.
    scheme : str or Scheme
        What the other lines are tied to, as of :mod:`xbarsim.schemes`.

    Raises
    ------
    InputError
        A word is unknown, or the voltage is 0 or no number.
    """

    through: Literal["wires", "cell"] = "wires"
    voltage: float = 0.1
    scheme: str | Scheme = GROUNDED

    def __post_init__(self) -> None:
        if self.through not in ("wires", "cell"):
            raise InputError(f"read is {self.through!r}: it must be wires or cell")
        if not (is_number(self.voltage) and self.voltage != 0.0):
            raise InputError(f"the read voltage is {self.voltage!r}: it must be a finite number of volts, not 0")
        object.__setattr__(self, "scheme", scheme_of(self.scheme))


class ArrayReads:
    """Reads of the cells of an array between its pulses.

    Attributes
    ----------
    residual : float
        The largest of all reads so far.
    """

    def __init__(self, array: PulsedArray, how: VerifyRead) -> None:
        self.array, self.how = array, how
        self.scheme = scheme_of(how.scheme)
        self._bias = LineBias(array.crossbar, self.scheme)
        self.residual = 0.0

    def cell(self, cell: Cell) -> float:
        """Return the siemens that a read of one cell shows.

        Parameters
        ----------
        cell : (row, column)
            From 0 on.
        """
        array, how = self.array, self.how
        if how.through == "cell":
            return float(array.siemens[cell])
        ports = array.ports(self._bias.select([cell[0]], [cell[1]]), [cell])
        if ports is None:
            answer = read(array.crossbar.with_cells(array.siemens), self.scheme, cell, how.voltage, threads=1)
            self.residual = max(self.residual, float(answer.solution.residual))
            return answer.selected_current / how.voltage
        amperes = ports.ohmic_currents(array.siemens[cell])
        self.residual = max(self.residual, ports.residual(amperes))
        readings = ports.end_current("bit_bottom", cell[1], amperes)
        return readings + ports.end_current("bit_top", cell[1], amperes) if self.scheme.both_bits else readings

    def of(
        self, mask: Mask, progress: Callable[[str], None] | None = None, stop: Callable[[], bool] | None = None
    ) -> Array | None:
        """Return what reads of some cells show, (rows, cols), NaN elsewhere; None where ``stop`` ended them before.

        Parameters
        ----------
        mask : (rows, cols) array of bool
            Which cells are looked at.
        progress : callable, optional
            Told how far it is.
        stop : callable, optional
            Asked between reads whether to end.
        """
        array = self.array
        if self.how.through == "cell":
            return np.where(mask, array.siemens, np.nan)
        if array.device.linear and self.scheme == GROUNDED:
            # Whichever row is read, all others are at 0 V: one map holds all reads.
            every = effective_conductance(array.crossbar.with_cells(array.siemens), threads=1)
            return np.where(mask, every, np.nan)
        readings = np.full(mask.shape, np.nan)
        cells = np.argwhere(mask)
        for number, (i, j) in enumerate(cells):
            check_running()
            if stop is not None and stop():
                return None
            if progress is not None:
                progress(f"looks again at {number} of {len(cells)} cells")
            readings[i, j] = self.cell((int(i), int(j)))
        return readings
