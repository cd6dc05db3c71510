"""Numbers as SPICE writes them: ``1k``, ``2.5megohm``, ``1d3``."""

from __future__ import annotations

import math
import re

SCALES = {
    "t": 12, "g": 9, "meg": 6, "k": 3, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip
MIL = 2.54e-5

_MANTISSA = r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
_TAIL = r"(?:[^\W_]|[°º\ufffd])*"
# ngspice's e and d may lack digits, and a scale may follow: 2.5ek is 2500.
_LITERAL = re.compile(rf"{_MANTISSA}(?:e([+-]?[0-9]+)|d([0-9]+)|[ed])?(meg|mil|[tgkmunpfµμ])?{_TAIL}")
# ngspice takes the sign of 2e+k for that of an exponent, and that of 2d-3 for a minus.
OPERAND = (
    r"(?![0-9.]+(?:e[+-](?![0-9])|d[+-]?[0-9]))"
    r"([0-9]+\.?[0-9]*|\.[0-9]+)(?:e([+-]?[0-9]+)|e(?![+-]))?(meg|[tgkmunpfµμ])?([^\W_]*)"
)
"""A number in an expression, which :func:`operand_value` may still refuse."""
_OPERAND = re.compile(OPERAND)


def parse_number(text: str) -> float | None:
    """Return the number that a lower-case literal stands for, or None if it is none.

    Letters and digits after a scale suffix are a unit and ignored, so ``1kohm`` is 1000 and ``4k7`` is 4000;
    ``mil`` is 25.4e-6. A number too large for a double is none, nor is ``1d-3``, which ngspice ends at its sign.
    """
    match = _LITERAL.fullmatch(text)
    if match is None or text[:2] == "0x":
        return None
    mantissa, exponent, after_d, scale = match.groups()
    exponent = exponent or after_d
    if scale == "mil":
        return _finite(float(f"{mantissa}e{exponent or 0}") * MIL)
    return _scaled(mantissa, exponent, scale)


def operand_value(text: str) -> float | None:
    """Return the unsigned number that a literal in an expression stands for, or None if it is none.

    Inside expressions the dialect is narrower than in element values: ``d`` is no exponent, ``mil`` is ``m``
    with a unit, and digits after a suffix are refused.
    """
    match = _OPERAND.fullmatch(text)
    if match is None or any(c.isdigit() for c in match[4]):
        return None
    return _scaled(match[1], match[2], match[3])


def match_constant(text: str) -> float | None:
    """Return what an expression of nothing but a number stands for, or None if it is another one."""
    text = text.strip()
    sign = text[:1] if text[:1] in ("+", "-") else ""
    value = operand_value(text[len(sign) :])
    return -value if sign == "-" and value is not None else value


def _scaled(mantissa: str, exponent: str | None, scale: str | None) -> float | None:
    digits = exponent or "0"
    if len(digits) > 12:
        return None
    power = int(digits) + (SCALES[scale] if scale else 0)
    return _finite(float(f"{mantissa}e{power}"))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
