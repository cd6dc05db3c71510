"""Element cards: words to columns."""

from __future__ import annotations

from xbarsim.netlist.language import Expression
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.controls import ControlCard, read_control
from xbarsim.netlist.reading.devicecards import read_device
from xbarsim.netlist.reading.lawcards import LawCard, asks, law_card, read_behaviour
from xbarsim.netlist.reading.resistorcards import IGNORED, ResistorCard, read_resistor
from xbarsim.netlist.reading.sources import read_source_card
from xbarsim.netlist.reading.switchcards import read_switch
from xbarsim.netlist.reading.tokens import (
    Value,
    check_names,
    parse_parameter,
    parse_value,
    sort_words,
    split_words,
    unquoted,
)
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import parse_number

OTHERS = {
    "a": "an XSPICE device", "j": "a JFET", "k": "a coupling",
    "n": "a Verilog-A device", "o": "a lossy line", "p": "a coupled line", "q": "a BJT",
    "t": "a transmission line", "u": "an RC line", "y": "a lossy line", "z": "a MESFET",
}  # fmt: skip


_TABLE = "TABLE has sharp corners, as in PSpice and LTspice; ngspice rounds them over a tenth of the pieces beside them"


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
    if text[0] == "b":
        body.laws.append(read_behaviour(text, origin))
        return
    if text[0] in "sw":
        body.laws.append(read_switch(text, origin))
        return
    words = split_words(text)
    if not words:
        raise CardError("it holds commas only: remove it")
    name = words[0]
    letter = name[0]
    if letter == "x":
        _add_instance(words, body, origin)
        return
    if letter in "dm":
        body.devices.append(read_device(words, origin))
        if "ic" in words:
            notes.setdefault(f"{name}: ic= is for the start of a transient, and changes no operating point", origin)
        return
    if letter not in "rvicefghl":
        what = OTHERS.get(letter)
        known = f"is {what}, which is not supported" if what else "is no element"
        raise CardError(f"'{clipped(name)}' {known}: use R, V, I, C, L, E, F, G, H, B, D, M, S, W and X elements")
    check_names([name])
    nodes, rest = _two_nodes(name, words[1:])
    check_names(nodes)
    if letter == "c":
        _value_word(name, rest, ("c", "capacitance"))
        _add_initial(name, rest, body, origin)
        body.capacitors.append((name, nodes[0], nodes[1], origin))
        return
    multiplier: Value = 1.0
    value: Value | None
    if letter in "efgh":
        control = read_control(name, nodes, rest, origin)
        if isinstance(control, ControlCard):
            body.controls.append(control)
            return
        if isinstance(control, LawCard):
            if rest and rest[0].startswith("table"):
                notes.setdefault(_TABLE, origin)
            body.laws.append(control)
            return
        value = control
    elif letter == "r":
        if any(map(asks, rest)):
            body.laws.append(_resistor_law(name, nodes, rest, origin))
            return
        resistance = read_resistor(name, rest, origin)
        if isinstance(resistance, ResistorCard):
            body.resistors.append((len(body.values), resistance))
            resistance = 0.0, 1.0
        value, multiplier = resistance
    elif letter == "l":
        value = _value_word(name, rest, ("l", "inductance"))
        _add_initial(name, rest, body, origin)
    else:
        card = read_source_card(name, rest)
        value, multiplier = card.value, card.multiplier
        if multiplier != 1 and (letter == "v" or card.wave is not None):
            raise CardError(f"{name} has 'm=', which is not supported here: remove it")
        if card.wave is not None:
            if card.wave.steps:
                text = "PWL times with a + count from the one before, as in LTspice; ngspice takes them from 0"
                notes.setdefault(text, origin)
            body.waves.append((len(body.values), card.wave, value is not None))
        elif value is None:
            notes.setdefault("sources without a value are taken as 0", origin)
        value = 0.0 if value is None else value
    body.names.append(name)
    body.nodes += nodes
    body.origins.append(origin)
    if isinstance(value, Expression) or multiplier != 1:
        body.deferred.append((len(body.values), value, multiplier))
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


def _resistor_law(name: str, nodes: list[str], words: list[str], origin: int) -> LawCard:
    """Return a resistor whose ohms are a law: the current v / R."""
    sorted_words = sort_words(words[1:] if words[:1] == ["="] else words)
    keys = {key: word for key, word in sorted_words.keys.items() if key not in IGNORED}
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    ohms = keys.pop("r", None) or keys.pop("resistance", None) or (plain.pop(0) if plain else "")
    extra = plain[0] if plain else next((f"{key}=" for key in keys if key != "m"), None)
    if extra is not None:
        raise CardError(f"{name} has '{clipped(extra)}' beside its law, which is not supported: remove it")
    inner = unquoted(ohms)
    law = f"v({nodes[0]},{nodes[1]})/({ohms if inner is None else inner})"
    return law_card(name, nodes, "i", law, keys, origin)


def _value_word(name: str, words: list[str], keys: tuple[str, str]) -> Value:
    """Return farads or henries, which no operating point depends on; 0 if there are none."""
    sorted_words = sort_words(words[1:] if words[:1] == ["="] else words)
    # LTspice's parts with losses: these carry a current.
    key, where = ("rser", "in series with") if name[0] == "l" else ("rpar", "across")
    if key in sorted_words.keys and parse_number(sorted_words.keys[key]) != 0:
        raise CardError(f"{name} has '{key}=', which is not supported: write it as a resistor {where} it")
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    for key in keys:
        if key in sorted_words.keys:
            return parse_value(sorted_words.keys[key], bare=True)
    if any(word.split("(", 1)[0] in ("poly", "table") for word in plain) or "q" in sorted_words.keys:
        raise CardError(f"{name} is nonlinear: write '{name} node node value'")
    return parse_value(plain[0]) if plain else 0.0


def _add_initial(name: str, words: list[str], body: Body, origin: int) -> None:
    """Take in a capacitor's or an inductor's ``ic=``."""
    initial = sort_words(words[1:] if words[:1] == ["="] else words).keys.get("ic")
    if initial is not None:
        body.initial.append((name, parse_value(initial, bare=True), origin))


def _add_instance(words: list[str], body: Body, origin: int) -> None:
    name = words[0]
    words = [word for word in words[1:] if word not in ("(", ")", "params:")]
    sorted_words = sort_words(words)
    if not sorted_words.plain:
        raise CardError(f"{name} names no subcircuit: write '{name} nodes subcircuit'")
    check_names([name, *sorted_words.plain])
    *nodes, subcircuit = sorted_words.plain
    values = [parse_parameter(word) for word in sorted_words.keys.values()]
    fixed = tuple(not isinstance(value, Expression) for value in values)
    group = body.group(subcircuit, tuple(sorted_words.keys), len(nodes), fixed)
    for column, value in zip(group.values, values, strict=True):
        column.append(value)
    group.names.append(name)
    group.nodes += nodes
    group.origins.append(origin)
