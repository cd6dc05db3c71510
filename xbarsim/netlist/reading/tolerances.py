"""What ``.options`` says of integration in time."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from xbarsim.netlist.analyses import Tolerances
from xbarsim.netlist.language import Expression
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.scopes import Scope
from xbarsim.netlist.reading.settings import OptionSetting
from xbarsim.netlist.reading.tokens import parse_value, sort_words, split_words
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

TOLERANCES = {
    "method": "method", "maxord": "order", "reltol": "relative", "vntol": "volts", "abstol": "amperes",
    "chgtol": "coulombs", "trtol": "truncation",
}  # fmt: skip
"""Options, and the fields of ``Tolerances`` that they set."""

_METHODS = {
    "trap": "trap", "trapezoidal": "trap", "trapezoid": "trap", "modtrap": "trap", "gear": "gear", "bdf": "gear",
}  # fmt: skip
METHODS = ("trap", "gear")
"""What the number of ``method`` stands for where settings are numbers."""

UNREAD = (
    "xmu",
    "lvltim",
    "ramptime",
    "interp",
    "autostop",
    "relq",
    "runlvl",
    "maxstep",
    "minbreak",
    "itl3",
    "itl4",
    "itl5",
)
"""Options that act on transients in ngspice, HSPICE or LTspice, and not here."""


def method_number(word: str) -> float:
    """Return the number of a method of integration.

    Raises
    ------
    CardError
        There is none of that name.
    """
    if word not in _METHODS:
        raise CardError(f".options method={clipped(word)}: use trap or gear")
    return float(METHODS.index(_METHODS[word]))


def read_tolerances(text: str, origin: int) -> list[OptionSetting]:
    """Return what an ``.options`` card says of integration in time."""
    keys = sort_words([word for word in split_words(text)[1:] if word not in ("(", ")")]).keys
    return [
        OptionSetting(TOLERANCES[key], method_number(word) if key == "method" else parse_value(word, bare=True), origin)
        for key, word in keys.items()
        if key in TOLERANCES
    ]


def note_on_unread(text: str) -> str:
    """Return what a user should hear of an ``.options`` card of transients; empty if all in it counts."""
    keys = {word: None for word in split_words(text)[1:] if word in UNREAD}
    return f".options {', '.join(keys)}: not used in .tran" if keys else ""


def tolerances_of(
    settings: list[OptionSetting], scope: Scope, places: Places
) -> tuple[Tolerances, list[tuple[str, int]]]:
    """Return all of them, the last one of a name counts; and notes, with places, on what is not as it is asked for.

    Parameters
    ----------
    settings : list of OptionSetting
        In the file's order.
    scope : Scope
        The parameters of the top level.
    places : Places
        For messages.
    """
    tolerances, notes = Tolerances(), list[tuple[str, int]]()
    names = {column.name for column in fields(Tolerances)}
    for name, value, origin in settings:
        if name not in names:
            continue
        try:
            number = float(scope.evaluate(value)) if isinstance(value, Expression) else value
            word = next(key for key, field in TOLERANCES.items() if field == name)
            if name == "method":
                tolerances = replace(tolerances, method=METHODS[int(number)])
            elif name == "order":
                if number != int(number) or number < 1:
                    raise CardError(f".options maxord={number:g}: give 1 or 2")
                if number > 2:
                    notes.append((f".options maxord={number:g}: orders above 2 are not used: 2 is taken", origin))
                tolerances = replace(tolerances, order=min(int(number), 2))
            elif not (np.isfinite(number) and number > 0):
                raise CardError(f".options {word}={number:g}: it must be > 0")
            elif name == "relative" and number >= 1:
                raise CardError(f".options reltol={number:g}: it must be < 1")
            else:
                tolerances = replace(tolerances, **{name: number})  # type: ignore[arg-type]
        except CardError as error:
            raise places.error(str(error), origin) from None
    return tolerances, notes
