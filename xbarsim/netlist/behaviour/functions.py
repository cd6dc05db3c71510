"""What laws are made of, in terms of a graph's operations, as ngspice computes it."""

from __future__ import annotations

import operator
from collections.abc import Callable

from xbarsim.netlist.behaviour.graph import Term, equal, where
from xbarsim.netlist.language.dialect import Dialect, Function, levels
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.values import parse_number

_PLAIN = {
    "abs": "abs", "exp": "exp", "ln": "log", "log": "log", "log10": "log10", "sqrt": "sqrt", "sin": "sin",
    "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan", "arctan": "atan", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "floor": "floor",
    "ceil": "ceil", "nint": "rint",
}  # fmt: skip


def _not(x: Term) -> Term:
    return equal(x, 0)


def _nonzero(x: Term) -> Term:
    return _not(_not(x))


def _conjunction(a: Term, b: Term) -> Term:
    return _nonzero(a) * _nonzero(b)


def _disjunction(a: Term, b: Term) -> Term:
    return _nonzero(_nonzero(a) + _nonzero(b))


def _unequal(a: Term, b: Term) -> Term:
    return _not(equal(a, b))


def _power(a: Term, b: Term) -> Term:
    return a.call("power", b)


def _sign(x: Term) -> Term:
    return where(x > 0, 1, where(x < 0, -1, 0))


def _step(x: Term) -> Term:
    return where(x > 0, 1, where(x < 0, 0, 0.5))


def _least(a: Term, b: Term) -> Term:
    return where(b < a, b, a)


def _most(a: Term, b: Term) -> Term:
    return where(b < a, a, b)


def _rounded(x: Term) -> Term:
    """Half away from 0."""
    size = x.call("abs")
    whole = size.call("floor")
    nearest = whole + (size - whole >= 0.5)
    return where(x < 0, -nearest, nearest)


def _integral(*arguments: Term) -> Term:
    if not 1 <= len(arguments) <= 3:
        raise CardError(f"idt() takes a quantity, a start and a reset, not {len(arguments)} arguments")
    return arguments[1] if len(arguments) > 1 else arguments[0].number(0)


def _piecewise(name: str, arguments: tuple[Term, ...]) -> Term:
    """Straight lines between points; beyond them ``pwl`` goes on, ``table`` stays."""
    if len(arguments) < 5 or len(arguments) % 2 == 0:
        raise CardError(f"{name}() takes a quantity and two pairs of numbers or more")
    x, *points = arguments
    pairs = list(zip(points[0::2], points[1::2], strict=True))

    def line(k: int) -> Term:
        (x0, y0), (x1, y1) = pairs[k], pairs[k + 1]
        return y0 + (y1 - y0) / x0.call("rise", x1) * (x - x0)

    result = line(len(pairs) - 2)
    if name == "table":
        result = where(x < pairs[-1][0], result, pairs[-1][1])
    for k in range(len(pairs) - 3, -1, -1):
        result = where(x < pairs[k + 1][0], line(k), result)
    return where(x < pairs[0][0], pairs[0][1], result) if name == "table" else result


_FUNCTIONS: dict[str, tuple[int | None, Callable[..., Term]]] = {
    **{name: (1, lambda x, operation=operation: x.call(operation)) for name, operation in _PLAIN.items()},
    "sgn": (1, _sign),
    "u": (1, _step),
    "stp": (1, _step),
    "u2": (1, lambda x: where(x <= 0, 0, where(x <= 1, x, 1))),
    "uramp": (1, lambda x: where(x < 0, 0, x)),
    "int": (1, lambda x: where(x < 0, x.call("ceil"), x.call("floor"))),
    "round": (1, _rounded),
    "sqr": (1, lambda x: x * x),
    "eq0": (1, _not),
    "ne0": (1, _nonzero),
    "gt0": (1, lambda x: x > 0),
    "lt0": (1, lambda x: x < 0),
    "ge0": (1, lambda x: x >= 0),
    "le0": (1, lambda x: x <= 0),
    "pow": (2, _power),
    "pwr": (2, lambda x, y: x.call("pwr", y)),
    "min": (2, _least),
    "max": (2, _most),
    "limit": (3, lambda x, low, high: _least(_most(x, low), high)),
    "ternary_fcn": (3, where),
    "if": (3, where),
    "ddt": (1, lambda x: x.number(0)),
    "sdt": (1, lambda x: x.number(0)),
    "idt": (None, _integral),
    "pwl": (None, lambda *x: _piecewise("pwl", x)),
    "table": (None, lambda *x: _piecewise("table", x)),
}
"""Names, how many arguments they take, and what they are."""

WITH_MEMORY = ("ddt", "sdt", "idt")
"""A slope in time is 0 in an operating point, and an integral over time is a state: frozen where it starts."""

LAWS = Dialect(
    noun="law",
    # A sign binds more than products and less than powers, both of which go from left to right, as in ngspice.
    levels=levels("|| |", "&& &", "== != <>", "< <= > >=", "+ -", "* /", "-x *-x", "^ **"),
    operators={
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": _power, "**": _power,
        "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": equal, "!=": _unequal,
        "<>": _unequal, "&&": _conjunction, "&": _conjunction, "||": _disjunction, "|": _disjunction,
        "-x": operator.neg, "!x": _not, "?:": where,
    },
    functions={name: Function(*row) for name, row in _FUNCTIONS.items()},
    number=r"(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-zµμ]*",
    name=r"[a-z_$][\w.$]*",
    value=parse_number,
    pluses=True,
    controls={"v": "one node or two", "i": "one element"},
)  # fmt: skip
"""Laws, ``i=g*sinh(v(a,b)/v0)``, as ngspice computes them."""
