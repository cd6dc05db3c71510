"""D and M cards, and the ``.model`` cards that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xbarsim.netlist.models import capacitor, diode, mosfet, resistor, switch
from xbarsim.netlist.models.parameters import ParameterNames
from xbarsim.netlist.nonlinear_elements import Diodes, Mosfets
from xbarsim.netlist.reading.tokens import Value, check_names, parse_value, sort_words, split_words
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, closest
from xbarsim.netlist.values import parse_number

KINDS = {
    "c": ("c", "cap"), "d": ("d",), "m": ("nmos", "pmos"), "r": ("r", "res"), "s": ("sw", "vswitch"),
    "w": ("csw", "iswitch"),
}  # fmt: skip
"""What models an element's letter takes."""

MODEL_PARAMETERS: Mapping[str, ParameterNames] = {
    "c": capacitor.PARAMETERS, "cap": capacitor.PARAMETERS, "d": diode.PARAMETERS,
    "nmos": mosfet.PARAMETERS, "pmos": mosfet.PARAMETERS,
    "r": resistor.PARAMETERS, "res": resistor.PARAMETERS, "sw": switch.PARAMETERS, "csw": switch.PARAMETERS,
    "vswitch": switch.SMOOTH, "iswitch": switch.SMOOTH,
}  # fmt: skip


@dataclass(frozen=True)
class DeviceKind:
    """Elements with a model: what their nodes are called on the card and in columns, their parameters and columns."""

    nodes: tuple[str, ...]
    ends: tuple[str, ...]
    parameters: ParameterNames
    elements: type


_TRANSISTOR = ("drain", "gate", "source", "bulk")
DEVICES = {
    "d": DeviceKind(("anode", "cathode"), ("first", "second"), diode.PARAMETERS, Diodes),
    "m": DeviceKind(_TRANSISTOR, _TRANSISTOR, mosfet.PARAMETERS, Mosfets),
}


@dataclass(frozen=True)
class ModelCard:
    """A ``.model``: its kind, its parameters as far as operating points depend on them, and the words of charges."""

    name: str
    kind: str
    values: dict[str, Value]
    origin: int
    memory: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeviceCard:
    """A D or M element: its nodes, its model, and its own parameters; in ``memory`` the words of those of charges."""

    name: str
    nodes: tuple[str, ...]
    model: str
    values: dict[str, Value]
    origin: int
    memory: dict[str, str] = field(default_factory=dict)


def read_model(text: str, origin: int, notes: dict[str, int]) -> ModelCard:
    """Return a ``.model`` card; notes what it does not know.

    Parameters
    ----------
    text : str
        The card, in lower case.
    origin : int
        File and line.
    notes : dict of str to int
        Notes and their places; it grows.

    Raises
    ------
    CardError
        Name or kind are missing, or a parameter is not supported.
    """
    words = split_words(text)[1:]
    form = "write '.model name d(is=1e-14)', or nmos or pmos"
    if len(words) < 2:
        raise CardError(f".model has no name or no kind: {form}")
    name, kind, inside = words[0], words[1], words[2:]
    if "(" in kind:
        kind, _, text = kind.partition("(")
        inside = split_words(text.removesuffix(")")) + inside
    check_names([name])
    sorted_words = sort_words([word for word in inside if word not in ("(", ")")])
    extra = [word for word in sorted_words.plain if word != kind]
    if extra:
        raise CardError(f".model {clipped(name)}: '{clipped(extra[0])}' belongs to no parameter: {form}")
    if kind not in MODEL_PARAMETERS:
        # Who names it hears that it is not supported.
        return ModelCard(name, kind, {}, origin)
    names, values, memory = MODEL_PARAMETERS[kind], dict[str, Value](), dict[str, str]()
    for key, word in sorted_words.keys.items():
        key = names.aliases.get(key, key)
        if key in names.refused:
            if parse_number(word) != 0:
                raise CardError(f".model {name}: {key}= ({names.refused[key]}) is not supported: remove it")
        elif key in names.model:
            values[key] = parse_value(word, bare=True)
        elif key in names.memory:
            memory[key] = word
        elif key not in names.idle:
            notes.setdefault(f".model {clipped(name)}: '{clipped(key)}' is no parameter of {kind}: ignored", origin)
    return ModelCard(name, kind, values, origin, memory)


def read_device(words: list[str], origin: int) -> DeviceCard:
    """Return a D or M card.

    Raises
    ------
    CardError
        Nodes, model or parameters are missing or wrong.
    """
    name, letter = words[0], words[0][0]
    ends = DEVICES[letter].nodes
    form = f"write '{name} {' '.join(ends)} model'"
    sorted_words = sort_words([word for word in words[1:] if word not in ("(", ")")])
    plain = sorted_words.plain
    if len(plain) <= len(ends):
        raise CardError(f"{name} has {max(len(plain) - 1, 0)} of its {len(ends)} nodes: {form}")
    check_names([name, *plain[: len(ends) + 1]])
    *nodes, model = plain[: len(ends) + 1]
    names, values, memory = DEVICES[letter].parameters, dict[str, Value](), dict[str, str]()
    for at, word in enumerate(plain[len(ends) + 1 :]):
        # The tail of ic=1,2,3, a flag that only a start depends on, and a diode's area.
        if word == "off" or "ic" in sorted_words.keys:
            continue
        if letter != "d" or at or parse_number(word) is None:
            raise CardError(f"'{clipped(word)}' is unexpected behind {name}'s model: {form}")
        values["area"] = parse_value(word)
    for key, word in sorted_words.keys.items():
        if key in names.device:
            values[key] = parse_value(word, bare=True)
        elif key in names.memory:
            memory[key] = word
        elif key not in names.idle or key in names.aliases:
            close = closest(key, names.device)
            hint = f"did you mean '{close}'?" if close else "remove it"
            raise CardError(f"{name} has '{clipped(key)}=', which is no parameter of it: {hint}")
    return DeviceCard(name, tuple(nodes), model, values, origin, memory)
