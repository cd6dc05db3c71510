"""R cards as they are written: a value, a model, or both, and what stands behind them."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.netlist.models.resistor import PARAMETERS
from xbarsim.netlist.reading.tokens import Value, parse_value, sort_words, unquoted, without_equals
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import parse_number

IGNORED = ("ac", "noisy", "noise", "bv_max")


@dataclass(frozen=True)
class ResistorCard:
    """A resistor whose ohms its model or its temperature may change.

    Attributes
    ----------
    name : str
        The element.
    words : tuple of str
        What stands behind its nodes: a value, a model, or both in either order.
    values : dict of str to Value
        Its ``key=value`` pairs, ``r`` among them.
    origin : int
        Where it stands.
    """

    name: str
    words: tuple[str, ...]
    values: dict[str, Value]
    origin: int


def read_resistor(name: str, words: list[str], origin: int) -> tuple[Value, Value] | ResistorCard:
    """Return ohms and the ``m=`` that divides them, or a card where more is to be known."""
    words = without_equals(words)
    sorted_words = sort_words(words)
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    keys: dict[str, str] = {}
    for key, word in sorted_words.keys.items():
        if key in IGNORED:
            continue
        key = PARAMETERS.aliases.get(key, key)
        if key not in PARAMETERS.device:
            raise CardError(f"{name} has '{clipped(key)}=' after its value, which is not supported: remove it")
        keys[key] = word
    # tc=1m 2u and tc=1m,2u give both coefficients.
    if "tc" in sorted_words.keys and plain and parse_number(plain[-1]) is not None and len(plain) > ("r" not in keys):
        keys["tc2"] = plain.pop()
    if "r" not in keys and not plain:
        if keys:
            raise CardError(f"{name} has no value: write '{name} node node value', or a model with rsh")
        raise CardError(f"{name} has no value: write '{name} node node value'")
    late = bool(plain) and is_value(plain[0]) and plain[0] != words[0]
    if late and "tc" in sorted_words.keys and "r" not in keys:
        raise CardError(f"{name} has '{clipped(plain[0])}' after tc=, as its second number: put the value before tc=")
    if late and "r" in keys:
        raise CardError(f"{name} has '{clipped(plain[0])}' after its value, which is not supported: remove it")
    most = 1 if "r" in keys else 2
    if len(plain) > most or (len(plain) == 2 and all(is_value(word) for word in plain)):
        raise CardError(f"{name} has '{clipped(plain[-1])}' after its value, which is not supported: remove it")
    values = {key: parse_value(word, bare=True) for key, word in keys.items()}
    if set(values) <= {"r", "m"} and (is_value(plain[0]) and len(plain) == 1 if plain else True):
        return values["r"] if "r" in values else parse_value(plain[0]), values.get("m", 1.0)
    return ResistorCard(name, tuple(plain), values, origin)


def is_value(word: str) -> bool:
    """Whether a word is ohms, and no name of a model (nor of a parameter)."""
    return parse_number(word) is not None or unquoted(word) is not None
