"""How long reads take and what conversions cost: what a network's energy is reckoned with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import Settings

_FARADS = ("word_farads", "bit_farads", "cell_farads")
_JOULES = ("dac", "adc", "digital")


@dataclass(frozen=True)
class ReadEnergy(Settings):
    """What turns watts of arrays into joules, and prices of all else.

    A read takes ``read`` seconds, or, where capacitances are given instead, as long as the arrays' outputs take until
    they are within half a step of the ADC's bits of their ends. Prices are the user's own: what has none is counted.

    Attributes
    ----------
    read : float or None
        Seconds of a read: of a pulse, where inputs are bit-serial.
    word_farads, bit_farads, cell_farads : float
        Capacitance from each word node and each bit node to ground, and across each cell.
    dac, adc : float or None
        Joules of a conversion.
    digital : float or None
        Joules of an addition or subtraction behind the converters.
    split : bool
        Whether to tell what of the arrays' joules cells, wires and ends take, which takes a reduction of each array
        more, and with nonlinear cells nothing.

    Raises
    ------
    InputError
        A number is out of its bounds, or there is neither a time nor a capacitance, or both.
    """

    read: float | None = None
    word_farads: float = 0.0
    bit_farads: float = 0.0
    cell_farads: float = 0.0
    dac: float | None = None
    adc: float | None = None
    digital: float | None = None
    split: bool = False

    def __post_init__(self) -> None:
        for name in _FARADS:
            self._number(name, 0.0, math.inf)
        for name in _JOULES:
            if getattr(self, name) is not None:
                self._number(name, 0.0, math.inf)
        if self.read is not None:
            self._number("read", 0.0, math.inf, above=True)
        if not isinstance(self.split, bool):
            raise InputError(f"ReadEnergy.split is {self.split!r}: it must be True or False")
        charged = [name for name in _FARADS if getattr(self, name) > 0.0]
        if self.read is None and not charged:
            raise InputError(
                "ReadEnergy.read is None: energy needs the seconds of a read, energy.read, or capacitances from which "
                "they follow, energy.word_farads, bit_farads or cell_farads"
            )
        if self.read is not None and charged:
            raise InputError(
                f"ReadEnergy.read is {self.read:g} s and {charged[0]} {getattr(self, charged[0]):g} F: "
                "a read takes the time that is given, or that of settling; leave one out"
            )

    @property
    def settles(self) -> bool:
        """Whether reads take as long as outputs settle."""
        return self.read is None
