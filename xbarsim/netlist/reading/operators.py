"""The operators and functions of parameter expressions, as ngspice computes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

PRECEDENCE = {
    "||": 1, "|": 1, "&&": 2, "&": 2, "==": 3, "!=": 3, "<>": 3, "<": 3, ">": 3, "<=": 3, ">=": 3,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "\\": 6, "^": 7, "**": 7,
}  # fmt: skip
"""All go from left to right, comparisons and ``==`` alike."""


@dataclass(frozen=True)
class Function:
    """A function of ``arity`` numbers."""

    arity: int
    law: Callable[..., float]


def _power(base: float, exponent: float) -> float:
    """``|base|^exponent``: what ``^`` and ``**`` are in ngspice."""
    return math.pow(abs(base), exponent)


def _remainder(a: float, b: float) -> float:
    """Return ``a - b trunc(a / b)`` as ngspice rounds it, step by step: 0 for 1 and 0.1, where fmod gives 0.1."""
    return a - b * math.trunc(a / b)


def _quotient(a: float, b: float) -> float:
    """Return the whole part of the quotient's size, which is what a backslash gives."""
    return float(math.trunc(abs(a / b)))


def _rounded(x: float) -> float:
    """Round half away from 0, as C and LTspice do."""
    whole = math.floor(abs(x))
    return math.copysign(whole + (abs(x) - whole >= 0.5), x)


BINARY: dict[str, Callable[[float, float], float]] = {
    "||": lambda a, b: float(a != 0 or b != 0),
    "|": lambda a, b: float(a != 0 or b != 0),
    "&&": lambda a, b: float(a != 0 and b != 0),
    "&": lambda a, b: float(a != 0 and b != 0),
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<>": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": _remainder,
    "\\": _quotient,
    "^": _power,
    "**": _power,
}

FUNCTIONS: dict[str, Function] = {
    "abs": Function(1, abs),
    "sqr": Function(1, lambda x: x * x),
    "sqrt": Function(1, math.sqrt),
    "exp": Function(1, math.exp),
    "ln": Function(1, math.log),
    "log": Function(1, math.log),
    "log10": Function(1, math.log10),
    "sin": Function(1, math.sin),
    "cos": Function(1, math.cos),
    "tan": Function(1, math.tan),
    "asin": Function(1, math.asin),
    "acos": Function(1, math.acos),
    "atan": Function(1, math.atan),
    "arctan": Function(1, math.atan),
    "sinh": Function(1, math.sinh),
    "cosh": Function(1, math.cosh),
    "tanh": Function(1, math.tanh),
    "asinh": Function(1, math.asinh),
    "acosh": Function(1, math.acosh),
    "atanh": Function(1, math.atanh),
    "sgn": Function(1, lambda x: float((x > 0) - (x < 0))),
    "int": Function(1, lambda x: float(math.trunc(x))),
    "nint": Function(1, lambda x: float(round(x))),
    "round": Function(1, _rounded),
    "floor": Function(1, lambda x: float(math.floor(x))),
    "ceil": Function(1, lambda x: float(math.ceil(x))),
    "min": Function(2, min),
    "max": Function(2, max),
    "pow": Function(2, math.pow),
    "pwr": Function(2, _power),
    "ternary_fcn": Function(3, lambda c, a, b: a if c != 0 else b),
}


def apply_operator(symbol: str, left: float, right: float, text: str) -> float:
    """Return ``left symbol right``; ``text`` is what an error quotes."""
    try:
        return _checked(BINARY[symbol](left, right), f"{left:g} {symbol} {right:g}", text)
    except ZeroDivisionError:
        raise CardError(f"division by zero in the expression '{clipped(text)}'") from None
    except (ValueError, OverflowError):
        if right == 0 and symbol == "%":
            raise CardError(f"division by zero in the expression '{clipped(text)}'") from None
        raise _undefined(f"{left:g} {symbol} {right:g}", text) from None


def apply_function(name: str, arguments: Sequence[float], text: str) -> float:
    """Return ``name(arguments)``; ``text`` is what an error quotes."""
    call = f"{name}({', '.join(f'{a:g}' for a in arguments)})"
    try:
        return _checked(FUNCTIONS[name].law(*arguments), call, text)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise _undefined(call, text) from None


def _checked(value: float, what: str, text: str) -> float:
    if not math.isfinite(value):
        raise _undefined(what, text)
    return value


def _undefined(what: str, text: str) -> CardError:
    return CardError(f"{what} in the expression '{clipped(text)}' has no finite real value")
