"""Element cards: words to columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xbarsim.netlist.element_kinds import ELEMENTS
from xbarsim.netlist.language import Expression
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.capacitorcards import check_losses, read_capacitor
from xbarsim.netlist.reading.controls import ControlCard, read_control
from xbarsim.netlist.reading.couplingcards import read_coupling
from xbarsim.netlist.reading.devicecards import DEVICES, read_device
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
    without_equals,
)
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import parse_number

UNSUPPORTED = {
    "a": "an XSPICE device", "j": "a JFET",
    "n": "a Verilog-A device", "o": "a lossy line", "p": "a coupled line", "q": "a BJT",
    "t": "a transmission line", "u": "an RC line", "y": "a lossy line, or a device of Xyce's own", "z": "a MESFET",
}  # fmt: skip

_IDLE_OF_INDUCTORS = ("noisy", "tnom", "dtemp", "temp")

_TABLE = "TABLE has sharp corners, as in PSpice and LTspice; ngspice rounds them over a tenth of the pieces beside them"


@dataclass(frozen=True)
class _Card:
    """An element between two nodes: its name, these, the words behind them, where it stands and what takes it in."""

    name: str
    nodes: list[str]
    words: list[str]
    origin: int
    body: Body
    notes: dict[str, int]

    def append(self, value: Value, multiplier: Value = 1.0) -> None:
        """Append it to the body's columns."""
        body = self.body
        body.names.append(self.name)
        body.nodes += self.nodes
        body.origins.append(self.origin)
        if isinstance(value, Expression) or multiplier != 1:
            body.deferred.append((len(body.values), value, multiplier))
            value = 0.0
        body.values.append(value)

    def take_initial(self) -> None:
        """Take in the ``ic=`` behind the nodes."""
        initial = sort_words(without_equals(self.words)).keys.get("ic")
        if initial is not None:
            self.body.initial.append((self.name, parse_value(initial, bare=True), self.origin))


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
    if text[0] in _LAWS:
        body.laws.append(_LAWS[text[0]](text, origin))
        return
    words = split_words(text)
    if not words:
        raise CardError("it holds commas only: remove it")
    name = words[0]
    letter = name[0]
    if letter == "x":
        _add_instance(words, body, origin)
    elif letter == "k":
        body.couplings.append(read_coupling(words, origin))
    elif letter in DEVICES:
        body.devices.append(read_device(words, origin))
        if "ic" in words:
            notes.setdefault(f"{name}: ic= is for the start of a transient, and changes no operating point", origin)
    elif letter in _READERS:
        check_names([name])
        nodes, words = _two_nodes(name, words[1:])
        check_names(nodes)
        _READERS[letter](_Card(name, nodes, words, origin, body, notes))
    else:
        title = UNSUPPORTED.get(letter)
        reason = f"is {title}, which is not supported" if title else "is no element"
        *letters, last = map(str.upper, ELEMENTS)
        raise CardError(f"'{clipped(name)}' {reason}: use {', '.join(letters)} and {last} elements")


def _add_resistor(card: _Card) -> None:
    if any(map(asks, card.words)):
        card.body.laws.append(_resistor_law(card.name, card.nodes, card.words, card.origin))
        return
    resistance = read_resistor(card.name, card.words, card.origin)
    if isinstance(resistance, ResistorCard):
        card.body.resistors.append((len(card.body.values), resistance))
        resistance = 0.0, 1.0
    card.append(*resistance)


def _add_source(card: _Card) -> None:
    source = read_source_card(card.name, card.words)
    wave, body, notes = source.wave, card.body, card.notes
    if source.multiplier != 1 and (card.name[0] == "v" or wave is not None):
        raise CardError(f"{card.name} has 'm=', which is not supported here: remove it")
    if wave is not None:
        if wave.steps:
            text = "PWL times with a + count from the one before, as in LTspice; ngspice takes them from 0"
            notes.setdefault(text, card.origin)
        body.waves.append((len(body.values), wave, source.value is not None))
    elif source.value is None:
        notes.setdefault("sources without a value are taken as 0", card.origin)
    card.append(0.0 if source.value is None else source.value, source.multiplier)


def _add_capacitor(card: _Card) -> None:
    card.body.capacitors.append(read_capacitor(card.name, card.nodes, card.words, card.origin))
    card.take_initial()


def _add_inductor(card: _Card) -> None:
    """Append henries, which no operating point depends on."""
    sorted_words = sort_words(without_equals(card.words))
    keys, plain = sorted_words.keys, [word for word in sorted_words.plain if word not in ("(", ")")]
    check_losses(card.name, keys, ("rser", "in series with"))
    if any(word.split("(", 1)[0] in ("poly", "table") for word in plain) or "flux" in keys:
        raise CardError(f"{card.name} is nonlinear: write '{card.name} node node value'")
    key = next((key for key in ("l", "inductance") if key in keys), None)
    multiplier = parse_value(keys["m"], bare=True) if "m" in keys else 1.0
    if key is not None:
        card.append(parse_value(keys[key], bare=True), multiplier)
    else:
        card.append(parse_value(plain[0]) if plain else 0.0, multiplier)
    idle = {"l", "inductance", "ic", "m", *_IDLE_OF_INDUCTORS}
    unread = next((key for key in keys if key not in idle and parse_number(keys[key]) != 0), None)
    if unread is None and len(plain) > (key is None):
        unread = plain[-1]
    if unread is not None:
        text = f"{card.name} has '{clipped(unread)}', which is not supported in .tran: remove it"
        card.body.at_rest.append((text, card.origin))
    card.take_initial()


def _add_controlled(card: _Card) -> None:
    control = read_control(card.name, card.nodes, card.words, card.origin)
    if isinstance(control, ControlCard):
        card.body.controls.append(control)
    elif isinstance(control, LawCard):
        if card.words and card.words[0].startswith("table"):
            card.notes.setdefault(_TABLE, card.origin)
        card.body.laws.append(control)
    else:
        card.append(control)


_LAWS: dict[str, Callable[[str, int], LawCard]] = {"b": read_behaviour, "s": read_switch, "w": read_switch}
_READERS = {
    "r": _add_resistor, "v": _add_source, "i": _add_source, "c": _add_capacitor, "l": _add_inductor,
    **{letter: _add_controlled for letter, kind in ELEMENTS.items() if kind.coupling is not None},
}  # fmt: skip


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
    sorted_words = sort_words(without_equals(words))
    keys = {key: word for key, word in sorted_words.keys.items() if key not in IGNORED}
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    ohms = keys.pop("r", None) or keys.pop("resistance", None) or (plain.pop(0) if plain else "")
    extra = plain[0] if plain else next((f"{key}=" for key in keys if key != "m"), None)
    if extra is not None:
        raise CardError(f"{name} has '{clipped(extra)}' beside its law, which is not supported: remove it")
    inner = unquoted(ohms)
    law = f"v({nodes[0]},{nodes[1]})/({ohms if inner is None else inner})"
    return law_card(name, nodes, "i", law, keys, origin)


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
