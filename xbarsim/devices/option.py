"""What a cell model takes, as the command line, settings files and the docs say it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from xbarsim.errors import InputError
from xbarsim.quantities import engineering


@dataclass(frozen=True)
class Option:
    """A number of a unit, a word, or what a file holds.

    Attributes
    ----------
    name : str
        The model's argument.
    text : str
        What it is.
    default : float or str or None
        What command lines and settings files may leave out; None where they must say it.
    unit : str
        Of a number.
    above, least, below : float or None
        The bound that a number must exceed, or reach, or stay under.
    choices : tuple of str
        The words that it can be.
    metavar : str
        What stands for it in help where it is neither number nor word, as ``FILE``.
    in_time : bool
        Whether it says how the cell's state moves: a read, which holds the state, does without.
    """

    name: str
    text: str
    default: float | str | None = None
    unit: str = ""
    above: float | None = None
    least: float | None = None
    choices: tuple[str, ...] = ()
    metavar: str = ""
    below: float | None = None
    in_time: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is a number."""
        return not (self.choices or self.metavar)

    def checked(self, value: Any) -> Any:
        """Return a value, a number as a float.

        Parameters
        ----------
        value : number or str
            As it was read.

        Raises
        ------
        InputError
            It is no number within the bounds, or none of the words.
        """
        if self.choices and value not in self.choices:
            raise InputError(f"{self.name} is {value!r}: it must be one of {', '.join(self.choices)}")
        if not self.numeric:
            return value
        if isinstance(value, bool | np.bool_) or not isinstance(value, float | int | np.floating | np.integer):
            raise InputError(f"{self.name} is {value!r}: it must be a number")
        number = float(value)
        inside = (self.above is None or number > self.above) and (self.below is None or number < self.below)
        if not (inside and (self.least is None or number >= self.least) and math.isfinite(number)):
            bound = "" if self.above is None else f"above {self.above:g} and "
            bound = bound if self.least is None else f"at least {self.least:g} and "
            bound += "" if self.below is None else f"below {self.below:g} and "
            raise InputError(f"{self.name} is {number:g}: it must be {bound}finite")
        return number

    def default_text(self) -> str:
        """Return the default with its unit; empty without one."""
        if self.default is None:
            return ""
        if not isinstance(self.default, float):
            return str(self.default)
        # A prefix before a power, or a number, would be taken for a part of it.
        scales = re.match(r"[A-Za-z]+(?!\w*\^)", self.unit)
        return engineering(self.default, self.unit) if scales else f"{self.default:g} {self.unit}".rstrip()
