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
_OPERAND = re.compile(r"((?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:e([+-]?[0-9]+)|e(?![+-]))?(meg|[tgkmunpfµμ])?([^\W_]*)")
_DANGLING = re.compile(r"[0-9.]+(?:e[+-]|d[+-]?[0-9])")


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


def match_operand(text: str, position: int) -> tuple[float, int] | None:
    """Return the unsigned number at ``position`` of an expression and where it ends, or None.

    Inside expressions the dialect is narrower than in element values: ``d`` is no exponent, ``mil`` is ``m``
    with a unit, and digits after a suffix are refused.
    """
    match = _OPERAND.match(text, position)
    if match is None:
        return None
    mantissa, exponent, scale, unit = match.groups()
    # ngspice takes the sign of 2e+k for that of an exponent, and that of 2d-3 for a minus.
    if (unit and any(c.isdigit() for c in unit)) or (exponent is None and _DANGLING.match(text, position)):
        return None
    value = _scaled(mantissa, exponent, scale)
    return None if value is None else (value, match.end())


def match_constant(text: str) -> float | None:
    """Return what an expression of nothing but a number stands for, or None if it is another one."""
    text = text.strip()
    sign = text[:1] if text[:1] in ("+", "-") else ""
    operand = match_operand(text, len(sign))
    if operand is None or operand[1] < len(text):
        return None
    return -operand[0] if sign == "-" else operand[0]


def _scaled(mantissa: str, exponent: str | None, scale: str | None) -> float | None:
    digits = exponent or "0"
    if len(digits) > 12:
        return None
    power = int(digits) + (SCALES[scale] if scale else 0)
    return _finite(float(f"{mantissa}e{power}"))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
