"""Parameter expressions, ``{2*max(a, 1k)^2}``: their dialect, as ngspice computes it, over floats."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar

from xbarsim.netlist.language import Expression, Sampler, UserFunction, evaluate, expression_of
from xbarsim.netlist.language.dialect import Dialect, Function, levels
from xbarsim.netlist.language.signs import misread
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import OPERAND, operand_value

RANDOM = ("agauss", "gauss", "aunif", "unif", "limit", "mc", "flat", "sgauss", "sunif")
"""Functions that draw, where a netlist's random draws are at hand."""

DOUBTS: ContextVar[list[str] | None] = ContextVar("DOUBTS", default=None)
"""Takes the expressions that ngspice reads otherwise than they are written, while a netlist is read."""


def _power(base: float, exponent: float) -> float:
    """``|base|^exponent``: what ``^`` and ``**`` are in ngspice."""
    return math.pow(abs(base), exponent)


def _remainder(a: float, b: float) -> float:
    """Return ``a - b trunc(a / b)`` as ngspice rounds it, step by step: 0 for 1 and 0.1, where fmod gives 0.1."""
    return a - b * math.trunc(a / b)


def _quotient(a: float, b: float) -> float:
    """Return the whole part of the quotient's size, which is what a backslash gives."""
    return math.trunc(abs(a / b))


def _rounded(x: float) -> float:
    """Round half away from 0, as C and LTspice do."""
    whole = math.floor(abs(x))
    return math.copysign(whole + (abs(x) - whole >= 0.5), x)


def _disjunction(a: float, b: float) -> bool:
    return a != 0 or b != 0


def _conjunction(a: float, b: float) -> bool:
    return a != 0 and b != 0


_OPERATORS: dict[str, Callable[..., float]] = {
    "||": _disjunction, "|": _disjunction, "&&": _conjunction, "&": _conjunction,
    "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "-x": operator.neg,
    "%": _remainder, "\\": _quotient, "^": _power, "**": _power, "!x": operator.not_,
}  # fmt: skip
_PLAIN = (
    "sqrt", "exp", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh",
    "atanh", "floor", "ceil",
)  # fmt: skip
_FUNCTIONS = {
    **{name: Function(1, getattr(math, name)) for name in _PLAIN},
    "abs": Function(1, abs),
    "sqr": Function(1, lambda x: x * x),
    "ln": Function(1, math.log),
    "log": Function(1, math.log),
    "arctan": Function(1, math.atan),
    "sgn": Function(1, lambda x: (x > 0) - (x < 0)),
    "int": Function(1, math.trunc),
    "nint": Function(1, round),
    "round": Function(1, _rounded),
    "min": Function(2, min),
    "max": Function(2, max),
    "pow": Function(2, math.pow),
    "pwr": Function(2, _power),
    "ternary_fcn": Function(3, lambda c, a, b: a if c != 0 else b),
}
PARAMETERS = Dialect(
    noun="expression",
    # Comparisons go from left to right, as all others. A sign at the start binds as a minus.
    levels=levels("|| |", "&& &", "== != <> < > <= >=", "+ - -x", "* / % \\", "^ **", "*-x"),
    operators=_OPERATORS,
    functions=_FUNCTIONS,
    number=OPERAND,
    name=r"[a-z_@#$][\w.@#$]*",
    value=operand_value,
    random=RANDOM,
    misread=misread,
)


def is_function(name: str) -> bool:
    """Whether expressions have a function of this name, without those of ``.func``."""
    return name in _FUNCTIONS or name in RANDOM


class Numbers:
    """Floats, finite ones."""

    chooses = True

    def __init__(self, lookup: Callable[[str], float]) -> None:
        self.name = lookup

    def leaves(self, expression: Expression, arguments: object) -> tuple[Sequence[float], Sequence[float]]:
        """Return an expression's numbers."""
        return expression.literals, ()

    def apply(self, law: Callable[..., float], name: str, operands: Sequence[float], expression: Expression) -> float:
        """Return what an operator or function gives; a CardError where that is no finite number."""
        try:
            value = law(*operands)
            if math.isfinite(value):
                return float(value)
        except (ValueError, OverflowError, ZeroDivisionError):
            pass
        text = clipped(expression.text)
        if name in ("/", "%", "\\") and operands[1] == 0:
            raise CardError(f"division by zero in the expression '{text}'")
        sizes = [f"{x:g}" for x in operands]
        call = f" {name} ".join(sizes) if name in _OPERATORS else f"{name}({', '.join(sizes)})"
        raise CardError(f"{call} in the expression '{text}' has no finite real value")


def compile_expression(text: str) -> Expression:
    """Compile a lower-case parameter expression, given without its outer quotes or braces.

    Raises
    ------
    CardError
        It is no expression; the message quotes it and says where it goes wrong.
    """
    expression = expression_of(text, PARAMETERS)
    doubts = DOUBTS.get()
    if expression.code.doubtful and doubts is not None:
        doubts.append(text)
    return expression


def number_of(
    expression: Expression, lookup: Callable[[str], float], functions: Mapping[str, UserFunction | Sampler]
) -> float:
    """Return an expression's value, with parameters from ``lookup``.

    Parameters
    ----------
    expression : Expression
        What is evaluated.
    lookup : callable
        From a parameter's name to its value.
    functions : mapping of str to function
        Those that it may call.

    Raises
    ------
    CardError
        An operation has no finite real result, or a function is unknown.
    """
    return evaluate(expression, Numbers(lookup), functions)
