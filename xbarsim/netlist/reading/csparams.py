"""``.csparam``: parameters that a ``.control`` block knows as vectors."""

from __future__ import annotations

from collections.abc import Mapping

from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.scopes import Scope
from xbarsim.netlist.reading.tokens import parse_parameter, sort_words, split_words
from xbarsim.netlist.refusals import CardError


def constants_of(card: str, top: Body, presets: Mapping[str, float]) -> dict[str, float]:
    """Return what a ``.csparam`` card hands on to ``.control``, by name; ``presets`` are parameters set from outside.

    Parameters
    ----------
    card : str
        In lower case.
    top : Body
        With the parameters of the top level.
    presets : mapping of str to float
        Parameters set from outside.

    Raises
    ------
    CardError
        A value cannot be evaluated.
    """
    scope = Scope(None, top.functions)
    for parameter in top.parameters:
        scope.define(parameter.name, parameter.value)
    for name, number in presets.items():
        scope.define(name, number)
    words = sort_words(split_words(card)[1:])
    if words.plain or not words.keys:
        raise CardError(".csparam assigns nothing: write '.csparam name={expression}'")
    values = {name: parse_parameter(word) for name, word in words.keys.items()}
    return {name: x if isinstance(x, float) else float(scope.evaluate(x)) for name, x in values.items()}
