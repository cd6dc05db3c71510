"""Where the power of a read goes: sources, cells, wires and ends of a solved crossbar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Side
from xbarsim.errors import InputError
from xbarsim.solution import Solution


@dataclass(frozen=True, eq=False)
class PowerSplit:
    """Watts of one vector of input voltages, or of each of a batch, all lines together.

    Attributes
    ----------
    sources : dict of side to () or (batch,)
        Watts that the sources of each side deliver; negative where they take power up.
    ends : dict of side to () or (batch,)
        Watts of heat in the resistances of each side's ends: drivers at ``word_left``, sense resistances at
        ``bit_bottom``.
    word_wires, bit_wires : () or (batch,)
        Watts of heat in the segments between cells.
    cells : () or (batch,)
        Watts that the cells take.
    """

    sources: Mapping[Side, Array]
    ends: Mapping[Side, Array]
    word_wires: Array
    bit_wires: Array
    cells: Array

    @property
    def delivered(self) -> Array:
        """What all sources deliver, those subtracted that take power up."""
        return sum(self.sources.values(), np.zeros(()))

    @property
    def dissipated(self) -> Array:
        """What cells, wires and ends take."""
        return sum(self.ends.values(), self.cells + self.word_wires + self.bit_wires)

    @property
    def imbalance(self) -> Array:
        """How far both are apart, as a part of what flows through the sources in either direction; 0 without any.

        It is B. D. H. Tellegen's theorem (Philips Res. Rep. 7, 259, 1952) as a check of currents and voltages at once.
        """
        size = sum((np.abs(watts) for watts in self.sources.values()), np.zeros(()))
        apart = np.abs(self.delivered - self.dissipated)
        share: Array = apart / np.where(size > 0.0, size, 1.0)
        return share


def power_split(solution: Solution) -> PowerSplit:
    """Split the power of a solved crossbar by what takes it.

    Currents along lines are running sums of the cells' currents, so that wires of any resistance, 0 too, have their
    heat ``r i**2`` to rounding.

    Parameters
    ----------
    solution : Solution
        Of one vector, or of a batch with ``fields=True``; cells of any law.

    Returns
    -------
    PowerSplit

    Raises
    ------
    InputError
        It is no solution, or a batch was solved without ``fields=True``.
    """
    if not isinstance(solution, Solution):
        raise InputError(f"solution is {type(solution).__name__}: it must be what xbarsim.solve returns")
    crossbar, out = solution.crossbar, solution.end_currents
    amperes = solution.device_currents
    along_words = -out["word_left"][..., None] - np.cumsum(amperes, axis=-1)[..., :-1]
    along_bits = np.cumsum(amperes, axis=-2)[..., :-1, :] - out["bit_top"][..., None, :]
    ends, volts = crossbar.boundary, solution.source_voltages
    return PowerSplit(
        {side: _summed(-volts[side] * out[side], 1) for side in SIDES},
        {side: _heat(ends[side].resistance, out[side], 1) for side in SIDES},
        _heat(crossbar.word_wire, along_words, 2),
        _heat(crossbar.bit_wire, along_bits, 2),
        _summed(np.nan_to_num(solution.device_voltages) * amperes, 2),
    )


def _heat(ohms: Array, amperes: Array, axes: int) -> Array:
    """Return ``r i**2`` of resistors, added up over the last axes; nothing flows through those that are open."""
    return _summed(np.where(np.isfinite(ohms), ohms, 0.0) * amperes**2, axes)


def _summed(values: Array, axes: int) -> Array:
    total: Array = np.asarray(values.sum(axis=tuple(range(-axes, 0))))
    return total
