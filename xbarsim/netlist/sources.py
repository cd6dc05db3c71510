"""The DC value of a V or I card; waveforms count with their value at time 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.expressions import Expression
from xbarsim.netlist.tokens import parse_value, sort_words, split_words

Value = float | Expression


def source_value(words: list[str]) -> tuple[Value | None, list[str], Value]:
    """Return a source's DC value, and what is left of its words.

    Parameters
    ----------
    words : list of str
        The card's words after its nodes.

    Returns
    -------
    value : float or Expression or None
        None if the card gives neither a DC value nor a waveform: such a source is 0.
    rest : list of str
        Names of parameters that are not understood.
    multiplier : float or Expression
        ``m=``.
    """
    sorted_words = sort_words(words)
    keys = dict(sorted_words.keys)
    multiplier: Value = parse_value(keys.pop("m"), bare=True) if "m" in keys else 1.0
    explicit = parse_value(keys.pop("dc"), bare=True) if "dc" in keys else None
    keys.pop("ac", None)
    plain = [word for word in sorted_words.plain if word not in ("(", ")")]
    first: Value | None = None
    shape: Value | None = None
    at = 0
    while at < len(plain):
        word = plain[at]
        name = word.split("(", 1)[0]
        at += 1
        if word == "dc":
            if at == len(plain):
                raise CardError("'dc' has no value: give it, like 'dc 1'")
            explicit = parse_value(plain[at])
            at += 1
        elif word == "ac":
            at = _skip_numbers(plain, at, 2)
        elif name in _AT_ZERO:
            arguments = split_words(word[len(name) + 1 : -1]) if "(" in word else []
            if not arguments:
                end = _skip_numbers(plain, at, len(plain))
                arguments, at = plain[at:end], end
            shape = _AT_ZERO[name](_numbers(name, arguments))
        elif name in ("sffm", "am", "trnoise", "trrandom", "external") or (name.isalpha() and "(" in word):
            known = ", ".join(sorted(_AT_ZERO)).upper()
            raise CardError(f"the waveform '{name}' is not supported: use {known}, or give a DC value")
        elif first is None and at == 1:
            first = parse_value(word)
        else:
            raise CardError(f"'{word}' is unexpected after the source's value: remove it")
    value = explicit if explicit is not None else first if first is not None else shape
    return value, list(keys), multiplier


def _skip_numbers(words: list[str], at: int, most: int) -> int:
    end = at
    while end < len(words) and end < at + most and (words[end][0] in "+-.{'\"" or words[end][0].isdigit()):
        end += 1
    return end


def _numbers(name: str, arguments: list[str]) -> list[float]:
    values = [parse_value(word) for word in arguments]
    numbers = [value for value in values if not isinstance(value, Expression)]
    if len(numbers) < len(values):
        raise CardError(f"{name.upper()}() with parameters is not supported: give the source a DC value")
    if len(numbers) < 2:
        raise CardError(f"{name.upper()}() has {len(numbers)} values: it needs two at least")
    return numbers


def _pulse(v: list[float]) -> float:
    if len(v) > 2 and v[2] < 0:
        raise CardError("PULSE() with a negative delay is not supported: give the source a DC value")
    return v[0]


def _sine(v: list[float]) -> float:
    offset, amplitude, frequency, delay, damping, phase = [*v, 0.0, 0.0, 0.0, 0.0][:6]
    time = max(0.0, -delay)
    angle = 2 * math.pi * frequency * time + math.radians(phase)
    return offset + amplitude * math.sin(angle) * math.exp(-damping * time)


def _exponential(v: list[float]) -> float:
    if len(v) > 2 and v[2] < 0:
        raise CardError("EXP() with a negative delay is not supported: give the source a DC value")
    return v[0]


def _piecewise(v: list[float]) -> float:
    if len(v) % 2:
        raise CardError(f"PWL() has {len(v)} values: give pairs of time and value")
    times, values = v[0::2], v[1::2]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise CardError("PWL() has times that do not increase: put its points in order")
    if times[0] >= 0:
        return values[0]
    for k in range(1, len(times)):
        if times[k] >= 0:
            share = -times[k - 1] / (times[k] - times[k - 1])
            return values[k - 1] + share * (values[k] - values[k - 1])
    return values[-1]


_AT_ZERO: dict[str, Callable[[list[float]], float]] = {
    "pulse": _pulse,
    "sin": _sine,
    "exp": _exponential,
    "pwl": _piecewise,
}
