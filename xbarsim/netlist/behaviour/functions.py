"""What can be called in a law, in terms of the graph's operations, as ngspice computes it."""

from __future__ import annotations

from collections.abc import Callable

from xbarsim.netlist.behaviour.graph import Graph
from xbarsim.netlist.language.dialect import Dialect, Function, levels
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.values import parse_number

_PLAIN = {
    "abs": "abs", "exp": "exp", "ln": "log", "log": "log", "log10": "log10", "sqrt": "sqrt", "sin": "sin",
    "cos": "cos", "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan", "arctan": "atan", "sinh": "sinh",
    "cosh": "cosh", "tanh": "tanh", "asinh": "asinh", "acosh": "acosh", "atanh": "atanh", "floor": "floor",
    "ceil": "ceil", "nint": "rint",
}  # fmt: skip


def _sign(g: Graph, x: int) -> int:
    return g.call("where", above(g, x), g.number(1), g.call("where", below(g, x), g.number(-1), g.number(0)))


def above(g: Graph, x: int) -> int:
    """Return x > 0."""
    return g.call("<", g.number(0), x)


def below(g: Graph, x: int) -> int:
    """Return x < 0."""
    return g.call("<", x, g.number(0))


def _if(g: Graph, condition: int, one: int, other: int) -> int:
    return g.call("where", condition, one, other)


def _not(g: Graph, x: int) -> int:
    return g.call("==", x, g.number(0))


def _nonzero(g: Graph, x: int) -> int:
    return _not(g, _not(g, x))


def _step(g: Graph, x: int) -> int:
    return _if(g, above(g, x), g.number(1), _if(g, below(g, x), g.number(0), g.number(0.5)))


def _two_step(g: Graph, x: int) -> int:
    up = _if(g, g.call("<=", x, g.number(1)), x, g.number(1))
    return _if(g, g.call("<=", x, g.number(0)), g.number(0), up)


def _least(g: Graph, a: int, b: int) -> int:
    return _if(g, g.call("<", b, a), b, a)


def _most(g: Graph, a: int, b: int) -> int:
    return _if(g, g.call("<", b, a), a, b)


def _integer(g: Graph, x: int) -> int:
    return _if(g, below(g, x), g.call("ceil", x), g.call("floor", x))


def _rounded(g: Graph, x: int) -> int:
    """Half away from 0."""
    size = g.call("abs", x)
    whole = g.call("floor", size)
    up = g.call("<=", g.number(0.5), g.call("-", size, whole))
    nearest = g.call("+", whole, up)
    return _if(g, below(g, x), g.call("neg", nearest), nearest)


def _both(g: Graph, a: int, b: int) -> int:
    return g.call("*", _nonzero(g, a), _nonzero(g, b))


def _either(g: Graph, a: int, b: int) -> int:
    return _nonzero(g, g.call("+", _nonzero(g, a), _nonzero(g, b)))


def _integral(g: Graph, *arguments: int) -> int:
    if not 1 <= len(arguments) <= 3:
        raise CardError(f"idt() takes a quantity, a start and a reset, not {len(arguments)} arguments")
    return arguments[1] if len(arguments) > 1 else g.number(0)


def _by_name(takes: str) -> int:
    raise CardError(f"{takes}, by name")


def _piecewise(g: Graph, name: str, arguments: tuple[int, ...]) -> int:
    """Straight lines between points; beyond them ``pwl`` goes on, ``table`` stays."""
    points = arguments[1:]
    if len(points) < 4 or len(points) % 2:
        raise CardError(f"{name}() takes a quantity and two pairs of numbers or more")
    x = arguments[0]
    pairs = list(zip(points[0::2], points[1::2], strict=True))

    def line(k: int) -> int:
        (x0, y0), (x1, y1) = pairs[k], pairs[k + 1]
        slope = g.call("/", g.call("-", y1, y0), g.call("rise", x0, x1))
        return g.call("+", y0, g.call("*", slope, g.call("-", x, x0)))

    result = line(len(pairs) - 2)
    if name == "table":
        result = _if(g, g.call("<", x, pairs[-1][0]), result, pairs[-1][1])
    for k in range(len(pairs) - 3, -1, -1):
        result = _if(g, g.call("<", x, pairs[k + 1][0]), line(k), result)
    return _if(g, g.call("<", x, pairs[0][0]), pairs[0][1], result) if name == "table" else result


_FUNCTIONS: dict[str, tuple[int | None, Callable[..., int]]] = {
    **{name: (1, lambda g, x, operation=operation: g.call(operation, x)) for name, operation in _PLAIN.items()},
    "sgn": (1, _sign),
    "u": (1, _step),
    "stp": (1, _step),
    "u2": (1, _two_step),
    "uramp": (1, lambda g, x: _if(g, below(g, x), g.number(0), x)),
    "int": (1, _integer),
    "round": (1, _rounded),
    "sqr": (1, lambda g, x: g.call("*", x, x)),
    "eq0": (1, _not),
    "ne0": (1, _nonzero),
    "gt0": (1, above),
    "lt0": (1, below),
    "ge0": (1, lambda g, x: g.call("<=", g.number(0), x)),
    "le0": (1, lambda g, x: g.call("<=", x, g.number(0))),
    "pow": (2, lambda g, x, y: g.call("power", x, y)),
    "pwr": (2, lambda g, x, y: g.call("pwr", x, y)),
    "min": (2, _least),
    "max": (2, _most),
    "limit": (3, lambda g, x, low, high: _least(g, _most(g, x, low), high)),
    "ternary_fcn": (3, _if),
    "if": (3, _if),
    "ddt": (1, lambda g, x: g.number(0)),
    "sdt": (1, lambda g, x: g.number(0)),
    "idt": (None, _integral),
    "pwl": (None, lambda g, *x: _piecewise(g, "pwl", x)),
    "table": (None, lambda g, *x: _piecewise(g, "table", x)),
    "v": (None, lambda g, *x: _by_name("v() takes one node or two")),
    "i": (None, lambda g, *x: _by_name("i() takes one element")),
}
"""Names, how many arguments they take, and what they are."""

WITH_MEMORY = ("ddt", "sdt", "idt")
"""A slope in time is 0 in an operating point, and an integral over time is a state: frozen where it starts."""

_OPERATORS: dict[str, Callable[..., int]] = {
    "+": lambda g, a, b: g.call("+", a, b),
    "-": lambda g, a, b: g.call("-", a, b),
    "*": lambda g, a, b: g.call("*", a, b),
    "/": lambda g, a, b: g.call("/", a, b),
    "^": lambda g, a, b: g.call("power", a, b),
    "**": lambda g, a, b: g.call("power", a, b),
    "<": lambda g, a, b: g.call("<", a, b),
    ">": lambda g, a, b: g.call("<", b, a),
    "<=": lambda g, a, b: g.call("<=", a, b),
    ">=": lambda g, a, b: g.call("<=", b, a),
    "==": lambda g, a, b: g.call("==", a, b),
    "!=": lambda g, a, b: _not(g, g.call("==", a, b)),
    "<>": lambda g, a, b: _not(g, g.call("==", a, b)),
    "&&": _both,
    "&": _both,
    "||": _either,
    "|": _either,
    "-x": lambda g, x: g.call("neg", x),
    "!x": _not,
    "?:": _if,
}

LAWS = Dialect(
    noun="law",
    # A sign binds more than products and less than powers, both of which go from left to right, as in ngspice.
    levels=levels("|| |", "&& &", "== != <>", "< <= > >=", "+ -", "* /", "-x *-x", "^ **"),
    operators=_OPERATORS,
    functions={name: Function(*row) for name, row in _FUNCTIONS.items()},
    number=r"(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-zµμ]*",
    name=r"[a-z_$][\w.$]*",
    value=parse_number,
    pluses=True,
    controls=True,
)
"""Laws, ``i=g*sinh(v(a,b)/v0)``, as ngspice computes them."""
