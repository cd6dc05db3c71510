"""Derivatives of graphs, by the rules of calculus: exact, and one-sided where a law has a kink."""

from __future__ import annotations

import math
from collections.abc import Callable

from xbarsim.netlist.behaviour.graph import Graph, Term, equal, where


def derivative(graph: Graph, root: int, leaf: int) -> int:
    """Return the derivative of one node with respect to another one, both numbers in the graph.

    Parameters
    ----------
    graph : Graph
        It grows by what the derivative needs.
    root, leaf : int
        What is derived, and by what.
    """
    zero = Term(graph, graph.number(0))
    slopes = {leaf: Term(graph, graph.number(1))}
    for at in graph.order(root):
        operation, _, operands = graph.nodes[at]
        x, dx = [Term(graph, k) for k in operands], [slopes.get(k, zero) for k in operands]
        if at == leaf or all(slope.is_number(0) for slope in dx):
            continue
        if operation in _CHAINED:
            slopes[at] = _CHAINED[operation](x[0], Term(graph, at)) * dx[0]
        elif operation in _RULES:
            slopes[at] = _RULES[operation](Term(graph, at), x, dx)
    return slopes.get(root, zero).node


def _side(x: Term) -> Term:
    """Return on which side of 0 x lies; 0 is on the right."""
    return where(x < 0, x.number(-1), 1)


def _power(y: Term, x: list[Term], dx: list[Term]) -> Term:
    """Slope of |x|^y: y |x|^(y-1) sgn(x) x' + |x|^y ln|x| y'."""
    base, exponent = x
    return exponent * base.call("power", exponent - 1) * _side(base) * dx[0] + _by_exponent(y, base, dx[1])


def _signed_power(y: Term, x: list[Term], dx: list[Term]) -> Term:
    """Slope of sgn(x) |x|^y: y |x|^(y-1) x' + sgn(x) |x|^y ln|x| y'."""
    base, exponent = x
    return exponent * base.call("power", exponent - 1) * dx[0] + _by_exponent(y, base, dx[1])


def _by_exponent(y: Term, base: Term, slope: Term) -> Term:
    if slope.is_number(0):
        return slope
    return where(equal(base, 0), 0.0, y * base.call("abs").call("log")) * slope


_RULES: dict[str, Callable[[Term, list[Term], list[Term]], Term]] = {
    "+": lambda y, x, dx: dx[0] + dx[1],
    "-": lambda y, x, dx: dx[0] - dx[1],
    "rise": lambda y, x, dx: dx[1] - dx[0],
    "*": lambda y, x, dx: dx[0] * x[1] + x[0] * dx[1],
    "/": lambda y, x, dx: (dx[0] - y * dx[1]) / x[1],
    "neg": lambda y, x, dx: -dx[0],
    "where": lambda y, x, dx: where(x[0], dx[1], dx[2]),
    "power": _power,
    "pwr": _signed_power,
}
"""Slopes by value, operands and their slopes; what is not here is flat, as comparisons and ``floor``."""

_CHAINED: dict[str, Callable[[Term, Term], Term]] = {
    "abs": lambda x, y: _side(x),
    "exp": lambda x, y: y,
    "log": lambda x, y: 1 / x,
    "log10": lambda x, y: math.log10(math.e) / x,
    "sqrt": lambda x, y: 0.5 / y,
    "sin": lambda x, y: x.call("cos"),
    "cos": lambda x, y: -x.call("sin"),
    "tan": lambda x, y: 1 + y * y,
    "asin": lambda x, y: 1 / (1 - x * x).call("sqrt"),
    "acos": lambda x, y: -(1 / (1 - x * x).call("sqrt")),
    "atan": lambda x, y: 1 / (1 + x * x),
    "sinh": lambda x, y: x.call("cosh"),
    "cosh": lambda x, y: x.call("sinh"),
    "tanh": lambda x, y: 1 / (x.call("cosh") * x.call("cosh")),
    "asinh": lambda x, y: 1 / (1 + x * x).call("sqrt"),
    "acosh": lambda x, y: 1 / ((x - 1).call("sqrt") * (x + 1).call("sqrt")),
    "atanh": lambda x, y: 1 / (1 - x * x),
}
"""Slopes of functions of one argument, by argument and value."""
