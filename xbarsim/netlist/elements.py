"""R, V, I and X cards: words to columns."""

from __future__ import annotations

from xbarsim.netlist.body import Body, Instance
from xbarsim.netlist.errors import CardError
from xbarsim.netlist.expressions import Expression
from xbarsim.netlist.sources import source_value
from xbarsim.netlist.tokens import parse_value, sort_words, split_words

OTHERS = {
    "a": "an XSPICE device", "b": "a behavioural source", "c": "a capacitor", "d": "a diode",
    "e": "a controlled source", "f": "a controlled source", "g": "a controlled source",
    "h": "a controlled source", "j": "a JFET", "k": "a coupling", "l": "an inductor", "m": "a MOSFET",
    "n": "a Verilog-A device", "o": "a lossy line", "p": "a coupled line", "q": "a BJT", "s": "a switch",
    "t": "a transmission line", "u": "an RC line", "w": "a switch", "y": "a lossy line", "z": "a MESFET",
}  # fmt: skip

_IGNORED_RESISTOR_KEYS = ("ac", "noisy", "noise")


def read_element(text: str, body: Body, origin: int, notes: dict[str, int]) -> None:
    """Append the element of one card to ``body``.

    Parameters
    ----------
    text : str
        The logical line.
    body : Body
        Where it goes.
    origin : int
        Where it stands.
    notes : dict
        Takes what a user should hear once, and where.

    Raises
    ------
    CardError
        The element is not supported, or nodes or value are missing or wrong.
    """
    words = split_words(text)
    if not words:
        raise CardError("it holds commas only: remove it")
    name = words[0]
    letter = name[0]
    if letter == "x":
        body.instances.append(_instance(words, origin))
        return
    if letter not in "rvi":
        what = OTHERS.get(letter)
        known = f"is {what}, which is not supported" if what else "is no element"
        raise CardError(f"'{name}' {known}: use R, V, I and X elements")
    nodes, rest = _two_nodes(name, words[1:])
    value, divisor = _resistor(name, rest) if letter == "r" else _source(name, rest, notes, origin)
    body.names.append(name)
    body.nodes += nodes
    body.origins.append(origin)
    if isinstance(value, Expression) or isinstance(divisor, Expression) or divisor != 1:
        body.deferred.append((len(body.values), value, divisor))
        value = 0.0
    body.values.append(value)


def _two_nodes(name: str, words: list[str]) -> tuple[list[str], list[str]]:
    """Return two nodes, with or without parentheses around them, and the words that follow."""
    nodes: list[str] = []
    opened = False
    for at, word in enumerate(words):
        if word == "(" and not opened and not nodes:
            opened = True
        elif word == ")" and opened:
            opened = False
        elif len(nodes) == 2:
            if opened:
                break
            return nodes, words[at:]
        elif word == "=" or word[0] in "({'\"":
            break
        else:
            nodes.append(word)
        if at + 1 < len(words) and words[at + 1] == "=" and not opened:
            nodes = nodes[:-1]
            break
    else:
        if len(nodes) == 2 and not opened:
            return nodes, []
    raise CardError(f"{name} has {len(nodes)} of its 2 nodes: write '{name} node node value'")


def _resistor(name: str, words: list[str]) -> tuple[float | Expression, float | Expression]:
    """Return ohms and the ``m=`` that divides them."""
    if words[:1] == ["="]:
        words = words[1:]
    sorted_words = sort_words(words)
    keys = dict(sorted_words.keys)
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    for key in _IGNORED_RESISTOR_KEYS:
        keys.pop(key, None)
    multiplier: float | Expression = parse_value(keys.pop("m"), bare=True) if "m" in keys else 1.0
    value: float | Expression | None = None
    for key in ("r", "resistance"):
        if key in keys:
            value = parse_value(keys.pop(key), bare=True)
    if value is None and plain:
        value = parse_value(plain.pop(0))
    if value is None:
        raise CardError(f"{name} has no value: write '{name} node node value'")
    if plain or keys:
        extra = plain[0] if plain else f"{next(iter(keys))}="
        raise CardError(f"{name} has '{extra}' after its value, which is not supported: remove it")
    return value, multiplier


def _source(
    name: str, words: list[str], notes: dict[str, int], origin: int
) -> tuple[float | Expression, float | Expression]:
    """Return volts or amperes, and what divides them."""
    value, keys, multiplier = source_value(words)
    if keys:
        raise CardError(f"{name} has '{keys[0]}=', which is not supported: remove it")
    if multiplier != 1:
        if name[0] == "v" or isinstance(multiplier, Expression) or isinstance(value, Expression):
            raise CardError(f"{name} has 'm=', which is not supported here: remove it")
        return (value or 0.0) * multiplier, 1.0
    if value is None:
        notes.setdefault("sources without a value are taken as 0", origin)
        return 0.0, 1.0
    return value, 1.0


def _instance(words: list[str], origin: int) -> Instance:
    name = words[0]
    words = [word for word in words[1:] if word not in ("(", ")", "params:")]
    sorted_words = sort_words(words)
    if not sorted_words.plain:
        raise CardError(f"{name} names no subcircuit: write '{name} nodes subcircuit'")
    parameters = tuple((key, parse_value(word, bare=True)) for key, word in sorted_words.keys.items())
    *nodes, subcircuit = sorted_words.plain
    return Instance(name, tuple(nodes), subcircuit, parameters, origin)
