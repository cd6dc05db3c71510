"""Numbers with a scale, as designers type them: ``1k``, ``2.5meg``, ``30mV``."""

from __future__ import annotations

import math
import re

from xbarsim.errors import InputError

SCALES = {
    "": 0, "T": 12, "G": 9, "meg": 6, "k": 3, "K": 3, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip

_WORD = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:([mM][eE][gG])|([TGkKmMuµμnpf]?))(?:[oO]hms?|Ω|V|A|S)?"
)


def parse(text: str) -> float:
    """Return the number, in SI units, that a designer's word stands for.

    Scales are T, G, meg, k, m (1e-3), u, n, p and f; a unit may follow. ``M`` is refused: it is mega to SI and milli to
    SPICE.

    Raises
    ------
    InputError
        It is no such word.
    """
    text = text.strip()
    if text.lower() in ("inf", "+inf"):
        return math.inf
    match = _WORD.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not a number: write 1000, 1e3, 1k, 1meg or 30m")
    mantissa, meg, scale = match.groups()
    if scale == "M":
        raise InputError(
            f"{text!r} is ambiguous, M is mega to SI and milli to SPICE: write {mantissa}meg or {mantissa}m"
        )
    power = SCALES["meg" if meg else scale or ""]
    digits, _, exponent = mantissa.lower().partition("e")
    # Read as one literal, 0.1u is the double nearest to 1e-7.
    value = float(f"{digits}e{int(exponent or 0) + power}")
    if not math.isfinite(value):
        raise InputError(f"{text!r} is too large for a number")
    return value


def counted(count: int, noun: str) -> str:
    """Write how many there are of something: ``1 node``, ``2 nodes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def finite(value: float) -> float | None:
    """Return a number as JSON has it: None for NaN and infinities."""
    return value if math.isfinite(value) else None


def engineering(value: float, unit: str) -> str:
    """Write a number with its unit for reading: ``1 kohm``, ``30 mV``."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    power = min(12, max(-15, 3 * math.floor(math.log10(abs(value)) / 3 + 1e-12)))
    letter = {12: "T", 9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "u", -9: "n", -12: "p", -15: "f"}[power]
    return f"{value / 10.0**power:.6g} {letter}{unit}"


def short_number(value: float, unit: str) -> str:
    """Write a number of three digits with its unit, for where there is little room: ``30.1 uA``."""
    return engineering(float(f"{value:.3g}"), unit)
