"""E, F, G and H cards in their spellings."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.reading.expressions import Expression
from xbarsim.netlist.reading.tokens import check_names, parse_value, sort_words

Value = float | Expression

_LONG_NAMES = {"e": "vcvs", "f": "cccs", "g": "vccs", "h": "ccvs"}
_LAWS = {"e": ("vol", "value", "v"), "g": ("cur", "value", "i")}
_NONLINEAR = (
    "table",
    "laplace",
    "freq",
    "pwl",
    "npwl",
    "ppwl",
    "delay",
    "and",
    "nand",
    "or",
    "nor",
    "opamp",
    "transformer",
)


@dataclass(frozen=True)
class ControlCard:
    """A controlled source: ``controls`` are two nodes (E, G) or one element (F, H)."""

    name: str
    nodes: tuple[str, str]
    controls: tuple[str, ...]
    gain: Value
    multiplier: Value
    origin: int


def read_control(name: str, nodes: list[str], words: list[str], origin: int) -> ControlCard | Value:
    """Return a controlled source, or the value of one whose law is a constant.

    Parameters
    ----------
    name : str
        The element; its letter says what it is.
    nodes : list of str
        Its two nodes.
    words : list of str
        What follows them.
    origin : int
        Where it stands.
    """
    letter = name[0]
    sorted_words = sort_words(_without_equals(words))
    keys, plain = dict(sorted_words.keys), [word for word in sorted_words.plain if word not in ("(", ")")]
    for key in _LAWS.get(letter, ()):
        if key in keys:
            return _constant(name, keys[key])
    kind = plain[0].split("(", 1)[0] if plain else ""
    if kind in _NONLINEAR:
        raise CardError(f"{name} is {kind.upper()}: nonlinear sources come with a later version")
    if kind == _LONG_NAMES[letter]:
        inside = plain[0][len(kind) + 1 : -1]
        plain[:1] = inside.replace(",", " ").split()
    polynomial = kind == "poly"
    if polynomial:
        plain = _after_poly(name, plain)
    multiplier: Value = parse_value(keys.pop("m"), bare=True) if "m" in keys and letter in "fg" else 1.0
    if "gain" in keys:
        plain.append(keys.pop("gain"))
    if keys:
        raise CardError(f"{name} has '{next(iter(keys))}=', which is not supported: remove it")
    count = 2 if letter in "eg" else 1
    form = f"{name} node node {'node node' if count == 2 else 'vsource'} gain"
    if len(plain) < count + 1:
        raise CardError(f"{name} has too few words: write '{form}'")
    check_names(plain[:count])
    controls, coefficients = tuple(plain[:count]), [parse_value(word, bare=True) for word in plain[count:]]
    if len(coefficients) == 1 and not polynomial:
        return ControlCard(name, (nodes[0], nodes[1]), controls, coefficients[0], multiplier, origin)
    # Two numbers without POLY are one to ngspice: the constant and the gain.
    if coefficients[0] != 0:
        raise CardError(f"{name} has a constant term: write '{form}' and a source for the constant")
    if any(value != 0 for value in coefficients[2:]):
        raise CardError(f"{name} is a polynomial: nonlinear sources come with a later version")
    gain = coefficients[1] if len(coefficients) > 1 else 0.0
    return ControlCard(name, (nodes[0], nodes[1]), controls, gain, multiplier, origin)


def _without_equals(words: list[str]) -> list[str]:
    return words[1:] if words[:1] == ["="] else words


def _after_poly(name: str, plain: list[str]) -> list[str]:
    """Return the words that follow ``POLY(1)``; only one control is linear here."""
    order, rest = plain[0][5:-1], plain[1:]
    if plain[0] == "poly":
        order, rest = (rest[0], rest[1:]) if rest else ("", [])
    if order.strip() != "1":
        raise CardError(f"{name} is POLY({order.strip()}): write one element for each control, or POLY(1)")
    return rest


def _constant(name: str, law: str) -> Value:
    """Return the value of a law that asks for no voltage or current."""
    value = parse_value(law, bare=True)
    if isinstance(value, Expression) and {"v", "i"} & set(value.calls) | {"time"} & set(value.names):
        raise CardError(
            f"{name} depends on voltages, currents or time: nonlinear sources come with a later version"
            f"; write a gain as '{name} node node node node gain'"
        )
    return value
