"""An operational amplifier as a loop sees it: finite gain, input and output resistance, offset, one pole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from xbarsim.checks import checked_array
from xbarsim.errors import InputError

_PLACES = {
    "gain": "it must be above 0, inf is ideal",
    "input_resistance": "it must be above 0 ohm, inf is ideal",
    "output_resistance": "it must be >= 0 ohm and finite",
    "offset": "it must be a finite number of volts",
    "bandwidth": "it must be above 0 Hz; inf is an amplifier without a pole, None leaves it out",
}


@dataclass(frozen=True)
class Amplifier:
    """What an operational amplifier does.

    Its inner voltage v obeys ``v / gain + (dv/dt) / (2 pi bandwidth) = v(plus) - v(minus) + offset``, one pole at
    ``bandwidth / gain`` hertz, and stands at the output behind ``output_resistance``.

    Parameters
    ----------
    gain : float
        Of the open loop at 0 Hz; ``inf`` makes ``v(plus) + offset = v(minus)`` exactly, whatever the output must be.
    input_resistance : float
        Ohms between the inputs; ``inf`` draws no current.
    output_resistance : float
        Ohms.
    offset : float
        Volts that are added to the plus input.
    bandwidth : float, optional
        Gain-bandwidth product in hertz. Without it whether a loop is stable is told for amplifiers of equal speed,
        and times are not. ``inf`` has no pole, like a controlled source of SPICE: only capacitance moves.

    Raises
    ------
    InputError
        A number is out of its bounds or NaN; the message names it.
    """

    gain: float = math.inf
    input_resistance: float = math.inf
    output_resistance: float = 0.0
    offset: float = 0.0
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        for column in fields(self):
            value = getattr(self, column.name)
            if column.name == "bandwidth" and value is None:
                continue
            array = checked_array(column.name, value, inf_ok=True, signed=True)
            if array.ndim:
                raise InputError(
                    f"{column.name} has shape {array.shape}: it must be one number, give each an Amplifier"
                )
            number = float(array)
            good = {"offset": math.isfinite(number), "output_resistance": 0.0 <= number < math.inf}.get(
                column.name, number > 0.0
            )
            if not good:
                raise InputError(f"{column.name} is {number:g}: {_PLACES[column.name]}")
            object.__setattr__(self, column.name, number)


def amplifiers_for(name: str, amplifier: Amplifier | Sequence[Amplifier], count: int) -> list[Amplifier]:
    """Return ``count`` amplifiers of one for all, or of one for each.

    Raises
    ------
    InputError
        There are not as many, or something is no ``Amplifier``.
    """
    several = [amplifier] * count if isinstance(amplifier, Amplifier) else amplifier
    if not isinstance(several, Sequence) or isinstance(several, str):
        raise InputError(f"{name} is {type(amplifier).__name__}: it must be an Amplifier, or a list of one for each")
    for k, item in enumerate(several):
        if not isinstance(item, Amplifier):
            raise InputError(f"{name}[{k}] is {type(item).__name__}: it must be an Amplifier")
    if len(several) != count:
        raise InputError(f"{name} has {len(several)} amplifiers: this circuit has {count}, give one for all or each")
    return list(several)
