"""Derivatives of graphs, by the rules of calculus: exact, and one-sided where a law has a kink."""

from __future__ import annotations

import math
from collections.abc import Callable

from xbarsim.netlist.behaviour.graph import Graph


def derivative(g: Graph, root: int, leaf: int) -> int:
    """Return the derivative of one node with respect to another one, both numbers in the graph."""
    slopes: dict[int, int] = {leaf: g.number(1)}
    zero = g.number(0)
    for at in g.order(root):
        operation, _, operands = g.nodes[at]
        inner = [slopes.get(k, zero) for k in operands]
        if at != leaf and any(one != zero for one in inner):
            slopes[at] = _RULES[operation](g, at, operands, inner) if operation in _RULES else zero
    return slopes.get(root, zero)


Rule = Callable[[Graph, int, tuple[int, ...], list[int]], int]


def _chain(outer: Callable[[Graph, int, int], int]) -> Rule:
    """Return the rule of a function of one argument from its slope, in terms of argument and value."""
    return lambda g, at, x, dx: g.call("*", outer(g, x[0], at), dx[0])


def _product(g: Graph, at: int, x: tuple[int, ...], dx: list[int]) -> int:
    return g.call("+", g.call("*", dx[0], x[1]), g.call("*", x[0], dx[1]))


def _quotient(g: Graph, at: int, x: tuple[int, ...], dx: list[int]) -> int:
    return g.call("/", g.call("-", dx[0], g.call("*", at, dx[1])), x[1])


def _side(g: Graph, x: int) -> int:
    """Return on which side of 0 x lies; 0 is on the right."""
    return g.call("where", g.call("<", x, g.number(0)), g.number(-1), g.number(1))


def _power(g: Graph, at: int, x: tuple[int, ...], dx: list[int]) -> int:
    """Slope of |x|^y: y |x|^(y-1) sgn(x) x' + |x|^y ln|x| y'."""
    base, exponent = x
    lower = g.call("power", base, g.call("-", exponent, g.number(1)))
    first = g.call("*", g.call("*", g.call("*", exponent, lower), _side(g, base)), dx[0])
    return g.call("+", first, _by_exponent(g, at, base, dx[1]))


def _signed_power(g: Graph, at: int, x: tuple[int, ...], dx: list[int]) -> int:
    """Slope of sgn(x) |x|^y: y |x|^(y-1) x' + sgn(x) |x|^y ln|x| y'."""
    base, exponent = x
    lower = g.call("power", base, g.call("-", exponent, g.number(1)))
    return g.call("+", g.call("*", g.call("*", exponent, lower), dx[0]), _by_exponent(g, at, base, dx[1]))


def _by_exponent(g: Graph, at: int, base: int, slope: int) -> int:
    if g.nodes[slope][:2] == ("number", 0.0):
        return slope
    size = g.call("log", g.call("abs", base))
    zero = g.number(0)
    return g.call("*", g.call("where", g.call("==", base, zero), zero, g.call("*", at, size)), slope)


def _one_over(g: Graph, x: int) -> int:
    return g.call("/", g.number(1), x)


def _with_square(g: Graph, sign: str, x: int, first: float = 1.0) -> int:
    """Return ``first sign x^2``."""
    return g.call(sign, g.number(first), g.call("*", x, x))


def _where(g: Graph, at: int, x: tuple[int, ...], dx: list[int]) -> int:
    return g.call("where", x[0], dx[1], dx[2])


_RULES: dict[str, Rule] = {
    "+": lambda g, at, x, dx: g.call("+", *dx),
    "-": lambda g, at, x, dx: g.call("-", *dx),
    "rise": lambda g, at, x, dx: g.call("-", dx[1], dx[0]),
    "*": _product,
    "/": _quotient,
    "neg": lambda g, at, x, dx: g.call("neg", dx[0]),
    "where": _where,
    "power": _power,
    "pwr": _signed_power,
    "abs": _chain(lambda g, x, y: _side(g, x)),
    "exp": _chain(lambda g, x, y: y),
    "log": _chain(lambda g, x, y: _one_over(g, x)),
    "log10": _chain(lambda g, x, y: g.call("/", g.number(math.log10(math.e)), x)),
    "sqrt": _chain(lambda g, x, y: g.call("/", g.number(0.5), y)),
    "sin": _chain(lambda g, x, y: g.call("cos", x)),
    "cos": _chain(lambda g, x, y: g.call("neg", g.call("sin", x))),
    "tan": _chain(lambda g, x, y: _with_square(g, "+", y)),
    "asin": _chain(lambda g, x, y: _one_over(g, g.call("sqrt", _with_square(g, "-", x)))),
    "acos": _chain(lambda g, x, y: g.call("neg", _one_over(g, g.call("sqrt", _with_square(g, "-", x))))),
    "atan": _chain(lambda g, x, y: _one_over(g, _with_square(g, "+", x))),
    "sinh": _chain(lambda g, x, y: g.call("cosh", x)),
    "cosh": _chain(lambda g, x, y: g.call("sinh", x)),
    "tanh": _chain(lambda g, x, y: _one_over(g, g.call("*", g.call("cosh", x), g.call("cosh", x)))),
    "asinh": _chain(lambda g, x, y: _one_over(g, g.call("sqrt", _with_square(g, "+", x)))),
    "acosh": _chain(
        lambda g, x, y: _one_over(
            g,
            g.call(
                "*",
                g.call("sqrt", g.call("-", x, g.number(1))),
                g.call("sqrt", g.call("+", x, g.number(1))),
            ),
        )
    ),
    "atanh": _chain(lambda g, x, y: _one_over(g, _with_square(g, "-", x))),
}
"""Slopes by operation, operands and their slopes; what is not here is flat, as comparisons and ``floor``."""
