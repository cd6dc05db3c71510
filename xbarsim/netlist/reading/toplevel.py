"""The parameters of the top level, as they are in a variant."""

from __future__ import annotations

from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.changes import Changes
from xbarsim.netlist.reading.draws import Draws
from xbarsim.netlist.reading.expressions import compile_expression
from xbarsim.netlist.reading.scopes import Scope


def top_scope(top: Body, changes: Changes, draws: Draws | None) -> Scope:
    """Return the parameters of the top level; what is changed is not evaluated before something asks for it."""
    scope = Scope(None, top.visible_functions(), 1, draws)
    for parameter in top.parameters:
        scope.define(parameter.name, parameter.value)
    for name, number in changes.parameters.items():
        scope.define(name, compile_expression(repr(number)))
    return scope
