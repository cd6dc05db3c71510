"""``.temp`` and ``.options``: what devices depend on."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from xbarsim.netlist.language import Expression
from xbarsim.netlist.models.parameters import Ambient
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.scopes import Scope
from xbarsim.netlist.reading.tokens import parse_value, sort_words, split_words
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.values import parse_number

OPTIONS = {
    "temp": "celsius", "tnom": "nominal", "gmin": "gmin", "defl": "length", "defw": "width", "defad": "drain_area",
    "defas": "source_area", "scale": "scale",
}  # fmt: skip

IDLE = ".options changes no operating point: ignored"

_ELSEWHERE = {
    "parhier": "HSPICE", "scalm": "HSPICE", "gmindc": "HSPICE", "gdcpath": "HSPICE", "resmin": "HSPICE", "wl": "HSPICE",
    "gshunt": "HSPICE and LTspice",
}  # fmt: skip
"""Options that change operating points in other simulators, but not in ngspice, and not here."""


class OptionSetting(NamedTuple):
    """One of the numbers of ``Ambient`` or ``Tolerances``, and where it is set."""

    name: str
    value: float | Expression
    origin: int


def read_options(text: str, origin: int) -> list[OptionSetting]:
    """Return what an ``.options`` card says of devices; nothing else that it says changes an operating point."""
    keys = sort_words([word for word in split_words(text)[1:] if word not in ("(", ")")]).keys
    return [
        OptionSetting(OPTIONS[key], parse_value(word, bare=True), origin)
        for key, word in keys.items()
        if key in OPTIONS
    ]


def note_on_options(text: str, *, taken_in: bool) -> str | None:
    """Return what a user should hear of an ``.options`` card; ``taken_in`` is whether anything in it counts."""
    for word in split_words(text)[1:]:
        if word in _ELSEWHERE:
            return f".options {word} changes numbers in {_ELSEWHERE[word]}; it is not used here, as in ngspice"
    return None if taken_in else IDLE


def read_seed(text: str) -> int | None:
    """Return what ``.options seed=`` says; None if it says nothing."""
    word = sort_words([word for word in split_words(text)[1:] if word not in ("(", ")")]).keys.get("seed")
    if word is None:
        return None
    number = parse_number(word)
    if number is None or number != int(number) or not 0 <= number < 2**63:
        raise CardError(f".options seed={word}: random draws start from a whole number, 0 or more")
    return int(number)


def read_temperature(text: str, origin: int) -> OptionSetting:
    """Return what ``.temp`` sets."""
    words = split_words(text)[1:]
    if words[1:] and words[1].lstrip("â") in ("°c", "ºc", "c"):
        del words[1]
    if len(words) != 1:
        raise CardError(f".temp has {len(words)} temperatures: give one, in degrees Celsius")
    return OptionSetting("celsius", parse_value(words[0], bare=True), origin)


def ambient_of(settings: list[OptionSetting], scope: Scope, places: Places) -> Ambient:
    """Return all of ``Ambient``; the last one of a name counts.

    Parameters
    ----------
    settings : list of OptionSetting
        In the file's order.
    scope : Scope
        The parameters of the top level.
    places : Places
        For messages.
    """
    ambient, names = Ambient(), {column.name for column in fields(Ambient)}
    for name, value, origin in settings:
        if name not in names:
            continue
        try:
            number = float(scope.evaluate(value)) if isinstance(value, Expression) else value
        except CardError as error:
            raise places.error(str(error), origin) from None
        least = -273.15 if name in ("celsius", "nominal") else 0.0
        if not np.isfinite(number) or number < least:
            kind = "a temperature" if least else f".options {next(k for k, v in OPTIONS.items() if v == name)}"
            raise places.error(f"{kind} of {number:g} is none: it must be >= {least:g}", origin)
        ambient = replace(ambient, **{name: number})
    return ambient
