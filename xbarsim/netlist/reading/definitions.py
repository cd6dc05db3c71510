"""Cards that define: parameters, functions, models and subcircuits."""

from __future__ import annotations

from collections import Counter

from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.body import Body, Parameter
from xbarsim.netlist.reading.cards import function_card
from xbarsim.netlist.reading.conditions import Conditions
from xbarsim.netlist.reading.devicecards import read_model
from xbarsim.netlist.reading.tokens import check_names, parse_parameter, sort_words, split_words
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped


def define_function(text: str, origin: int, body: Body, notes: dict[str, int]) -> None:
    """Take in what ``.func`` defines, ``name(parameters) {expression}``.

    Parameters
    ----------
    text : str
        The card, in lower case.
    origin : int
        File and line.
    body : Body
        In which it stands; it is changed.
    notes : dict of str to int
        Notes and their places; it grows.
    """
    name, function = function_card(text)
    if name in body.functions:
        notes.setdefault(f"the function '{clipped(name)}' is defined again: the last one counts", origin)
    body.functions[name] = function


def define_parameters(text: str, origin: int, body: Body, conditions: Conditions, notes: dict[str, int]) -> None:
    """Take in a ``.param`` card.

    Parameters
    ----------
    text : str
        The card, in lower case.
    origin : int
        File and line.
    body : Body
        In which it stands; it is changed.
    conditions : Conditions
        The ``.if`` cards that are open.
    notes : dict of str to int
        Notes and their places; it grows.
    """
    if conditions.in_branch(body):
        raise CardError(
            ".param stands in an .if that is decided for each instance: set it outside, with a condition ? a : b"
        )
    if conditions.unclosed is not None:
        notes.setdefault("ngspice takes a .param in any branch of an .if; here only the branch that holds", origin)
    words = sort_words(split_words(text)[1:])
    if words.plain or not words.keys:
        extra = f"'{words.plain[0]}' belongs to no assignment" if words.plain else "it assigns nothing"
        raise CardError(f".param: {extra}; write '.param name=value', an expression with blanks in braces")
    earlier = {parameter.name for parameter in body.parameters}
    for name, word in words.keys.items():
        if "(" in name:
            define_function(f"{name} {word}", origin, body, notes)
            continue
        if name in earlier:
            notes.setdefault(f"the parameter '{name}' is set again: the last value counts", origin)
        body.parameters.append(Parameter(name, parse_parameter(word), origin))


def define_model(text: str, origin: int, body: Body, places: Places, notes: dict[str, int]) -> None:
    """Take in a ``.model`` card.

    Parameters
    ----------
    text : str
        The card, in lower case.
    origin : int
        File and line.
    body : Body
        In which it stands; it is changed.
    places : Places
        For messages.
    notes : dict of str to int
        Notes and their places; it grows.
    """
    model = read_model(text, origin, notes)
    if model.name in body.models:
        before = places.where(body.models[model.name].origin)
        raise CardError(f"the model {clipped(model.name)} is defined twice, first at {before}: rename one")
    body.models[model.name] = model


def inner_body(text: str, origin: int, body: Body, conditions: Conditions, places: Places) -> Body:
    """Return the body that a ``.subckt`` card opens inside another one.

    Parameters
    ----------
    text : str
        The card, in lower case.
    origin : int
        File and line.
    body : Body
        In which it stands.
    conditions : Conditions
        The ``.if`` cards that are open.
    places : Places
        For messages.
    """
    words = sort_words([w for w in split_words(text)[1:] if w not in ("(", ")", "params:")])
    if not words.plain:
        raise CardError(".subckt has no name: write '.subckt name ports'")
    check_names(words.plain)
    name, *ports = words.plain
    if len(set(ports)) < len(ports):
        port = next(port for port, times in Counter(ports).items() if times > 1)
        raise CardError(f".subckt {name} has the port '{clipped(port)}' twice: rename one")
    if conditions.in_branch(body):
        raise CardError(f".subckt {name} stands in an .if that is decided for each instance: define it outside")
    if name in body.subcircuits:
        before = places.where(body.subcircuits[name].origin)
        raise CardError(f".subckt {name} is defined twice, first at {before}: rename or remove one")
    defaults = [Parameter(key, parse_parameter(word), origin) for key, word in words.keys.items()]
    inner = Body(name, origin, tuple(ports), body, defaults)
    body.subcircuits[name] = inner
    return inner


def outer_body(text: str, body: Body) -> Body:
    """Return the body around one that an ``.ends`` card closes."""
    if body.parent is None:
        raise CardError(".ends has no .subckt: remove it or add the missing .subckt")
    name = text.split()[1:2]
    if name and name[0] != body.name:
        raise CardError(f".ends {name[0]} closes .subckt {body.name}: make the names agree")
    return body.parent
