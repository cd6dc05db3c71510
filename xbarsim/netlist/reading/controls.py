"""E, F, G and H cards in their spellings."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xbarsim.netlist.element_kinds import ELEMENTS
from xbarsim.netlist.reading.lawcards import LawCard, asks, law_card, polynomial, table
from xbarsim.netlist.reading.tokens import Value, check_names, parse_value, sort_words, split_words, without_equals
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import way_out

_VALUE = re.compile(r"value([{'].*)?", re.DOTALL)
_MOST_CONTROLS = 100
_UNREAD = ("laplace", "freq", "pwl", "npwl", "ppwl", "delay", "and", "nand", "or", "nor", "transformer")


@dataclass(frozen=True)
class ControlCard:
    """A controlled element: ``controls`` are two nodes (E, G) or one element (F, H)."""

    name: str
    nodes: tuple[str, str]
    controls: tuple[str, ...]
    gain: Value
    multiplier: Value
    origin: int


def read_control(name: str, nodes: list[str], words: list[str], origin: int) -> ControlCard | LawCard | Value:
    """Return a controlled source, one with a law, or the value of one whose law is a constant.

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
    element = ELEMENTS[name[0]]
    output = element.output
    if words and element.law_keys:
        if re.split(r"[({'\"]", words[0], maxsplit=1)[0] == "table":
            return law_card(name, nodes, output, table(name, words), {}, origin)
        words = _with_equals(words)
    sorted_words = sort_words(without_equals(words))
    keys, plain = dict(sorted_words.keys), [word for word in sorted_words.plain if word not in ("(", ")")]
    for key in element.law_keys:
        if key in keys and asks(keys[key]):
            return law_card(name, nodes, output, keys.pop(key), keys, origin)
        if key in keys:
            return parse_value(keys[key], bare=True)
    kind = plain[0].split("(", 1)[0] if plain else ""
    if kind == "opamp" and element.letter == "e":
        return _ideal_amplifier(name, nodes, plain[1:] if plain[0] == kind else split_words(plain[0][6:-1]), origin)
    if kind in _UNREAD or (kind == "poly" and not output):
        raise CardError(f"{name} is {kind.upper()}, which is not supported: write its law as a B source")
    if kind and kind == element.long_name:
        inside = plain[0][len(kind) + 1 : -1]
        plain[:1] = inside.replace(",", " ").split()
    order = 0
    if kind == "poly":
        order, plain = _after_poly(name, plain)
    multiplier: Value = parse_value(keys.pop("m"), bare=True) if "m" in keys and element.parallel else 1.0
    if "gain" in keys:
        plain.append(keys.pop("gain"))
    if keys:
        key = next(iter(keys))
        raise CardError(f"{name} has '{key}=', which is not supported: {way_out(key)}")
    width = element.controls
    count = width * max(order, 1)
    form = f"{name} node node {('', 'vsource ', 'node node ')[width]}gain"
    if len(plain) < count + 1:
        raise CardError(f"{name} has too few words: write '{form}'")
    check_names(plain[:count])
    controls, words = tuple(plain[:count]), plain[count:]
    coefficients = [parse_value(word, bare=True) for word in words]
    if len(coefficients) == 1 and order <= 1:
        if order == 0 or coefficients[0] == 0:
            return ControlCard(name, (nodes[0], nodes[1]), controls, coefficients[0], multiplier, origin)
    # Two numbers without POLY are one to ngspice: the constant and the gain.
    elif order <= 1 and coefficients[0] == 0 and all(value == 0 for value in coefficients[2:]):
        return ControlCard(name, (nodes[0], nodes[1]), controls, coefficients[1], multiplier, origin)
    if not output:
        raise CardError(f"{name} has too many words: write '{form}'")
    inputs = [f"{'v' if width == 2 else 'i'}({','.join(controls[k : k + width])})" for k in range(0, count, width)]
    return LawCard(name, (nodes[0], nodes[1]), output, polynomial(inputs, words), {"m": multiplier}, origin)


def _ideal_amplifier(name: str, nodes: list[str], inputs: list[str], origin: int) -> LawCard:
    """Return HSPICE's ``E n+ n- OPAMP in+ in-``: whatever output makes both inputs equal.

    Written as a source of volts it is ``v(n+,n-) = v(n+,n-) + v(in+,in-)``, which fixes the inputs alone.
    """
    if len(inputs) != 2:
        raise CardError(f"{name} has {len(inputs)} of its 2 inputs: write '{name} node node opamp node node'")
    check_names(inputs)
    law = f"v({nodes[0]},{nodes[1]})+v({inputs[0]},{inputs[1]})"
    return LawCard(name, (nodes[0], nodes[1]), "v", law, {}, origin)


def _with_equals(words: list[str]) -> list[str]:
    """Put the equals sign that PSpice and ngspice need not have: ``value {v(a)*2}``."""
    match = _VALUE.fullmatch(words[0])
    if match is None:
        return words
    if match[1]:
        return ["value", "=", match[1], *words[1:]]
    return ["value", "=", *words[1:]] if words[1:] and words[1][0] in "{'" else words


def _after_poly(name: str, plain: list[str]) -> tuple[int, list[str]]:
    """Return the number of controls and the words that follow ``POLY(n)``."""
    order, words = plain[0][5:-1], plain[1:]
    if plain[0] == "poly":
        order, words = (words[0], words[1:]) if words else ("", [])
    if not order.strip().isdigit() or not 1 <= int(order) <= _MOST_CONTROLS:
        raise CardError(f"{name} is POLY({order.strip()}): write how many controls it has, 1 to {_MOST_CONTROLS}")
    return int(order), words
