"""What is swept and over which values, in the spellings of ngspice, HSPICE, PSpice and LTspice."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.reading.tokens import Value, parse_value, unquoted
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import parse_number

MOST_POINTS = 10_000_000
_TOLERANCE = sys.float_info.epsilon * 1e3
"""How far past its stop value ngspice lets a sweep go: 2.2e-13 volts or amperes, whatever the step."""

_FORMS = ("lin", "dec", "oct")
_KEYS = ("start", "stop", "step")
_OF_MODEL = re.compile(r"([^()]+)\(\s*([a-z_]\w*)\s*\)")
_RUNS = re.compile(r"\d+(?::\d+)?")


@dataclass(frozen=True)
class SweepCard:
    """One swept quantity as it was written.

    Attributes
    ----------
    name : str
        A source, a resistor, ``temp`` or a parameter; a model for ``key``.
    form : {"step", "upto", "list", "lin", "dec", "oct"}
        ``step``: start, stop, step as ngspice counts; ``upto``: the same, and stop is always the last point, as in
        LTspice; ``lin``, ``dec``, ``oct``: start, stop, and points in all or for each decade or octave.
    numbers : tuple of float or Expression
        The values, or what they follow from.
    parameter : bool
        Whether the card says that it is a parameter.
    key : str
        The parameter of the model, if it is one.
    """

    name: str
    form: str
    numbers: tuple[Value, ...]
    parameter: bool = False
    key: str = ""

    @property
    def label(self) -> str:
        """What results call it."""
        return f"{self.name}({self.key})" if self.key else self.name


@dataclass(frozen=True)
class MonteCard:
    """``sweep monte=``: the numbers of the runs, or how many there are and the first, which may be parameters."""

    runs: tuple[int, ...] = ()
    count: tuple[Value, ...] = ()


def read_sweeps(card: str, words: Sequence[str]) -> tuple[list[SweepCard], int, MonteCard | None]:
    """Return what a ``.dc``, or a card's words behind ``sweep``, sweeps, the fastest first, and how many precede that.

    Raises
    ------
    CardError
        Words are missing or unknown.
    """
    sweeps: list[SweepCard] = []
    count: int | None = None
    monte: MonteCard | None = None
    tail = list(words)
    while tail:
        if tail[0] == "sweep":
            tail = tail[1:]
            count = len(sweeps) if count is None else count
        elif tail[0] == "data":
            raise CardError(f"{card} takes its points from .data, which is not supported: write them as a list")
        elif tail[0] == "monte":
            if monte is not None:
                raise CardError(f"{card} has monte= twice: give it once")
            monte, tail = _monte(card, tail)
        elif tail[0] == "optimize":
            raise CardError(f"{card} asks for HSPICE's optimization, which is not supported: remove it")
        else:
            sweep, tail = _sweep(card, tail, False, len(words))
            sweeps.append(sweep)
    labels = [sweep.label for sweep in sweeps]
    twice = next((name for name in labels if labels.count(name) > 1), None)
    if twice is not None:
        raise CardError(f"{card} sweeps {clipped(twice)} twice: name two sources")
    return sweeps, len(sweeps) if count is None else count, monte


def read_step(words: Sequence[str]) -> SweepCard:
    """Return what LTspice's ``.step`` steps.

    Raises
    ------
    CardError
        Words are missing or unknown.
    """
    sweep, tail = _sweep(".step", list(words), True, len(words))
    if tail:
        raise CardError(f".step has '{clipped(tail[0])}' after its values: remove it, or write another .step")
    return sweep


def _sweep(card: str, words: list[str], stepped: bool, count: int) -> tuple[SweepCard, list[str]]:
    """Return the first sweep and the words behind it.

    ``stepped`` says whether they are LTspice's, ``count`` how many words the card has.
    """
    form, parameter, key = "", False, ""
    while words and words[0] in (*_FORMS, "param") and words[1:2] != ["="]:
        form, parameter = (form, True) if words[0] == "param" else (words[0], parameter)
        words = words[1:]
    if not words:
        raise CardError(_form(card, count, stepped))
    name, tail = words[0], words[1:]
    before = form != ""
    model = _OF_MODEL.fullmatch(name) or (_OF_MODEL.fullmatch(tail[0]) if tail else None)
    if model is not None and not parameter:
        tail = tail if _OF_MODEL.fullmatch(name) else tail[1:]
        name, key = model.group(1).strip(), model.group(2)
    if tail[:1] == ["param"]:
        tail = tail[1:]
    first = tail[0].split("(", 1)[0] if tail else ""
    if first in ("list", "poi") and tail[1:2] != ["="]:
        values, tail = _listed(card, name, tail)
        return SweepCard(name, "list", values, parameter, key), tail
    if tail[:1] == ["file"]:
        raise CardError(f"{card} reads the values of {clipped(name)} from a file, which is not supported: list them")
    if not before and first in _FORMS:
        form, tail = first, tail[1:]
    if len(tail) > 1 and tail[1] == "=" and tail[0] in _KEYS:
        numbers, tail = _keyed(card, name, tail)
    else:
        if len(tail) < 3 or tail[1] == "=":
            raise CardError(_form(card, count, stepped))
        numbers, tail = tuple(parse_value(word) for word in tail[:3]), tail[3:]
        if form and not before and not stepped:  # HSPICE: how many points, then from where to where
            numbers = (numbers[1], numbers[2], numbers[0])
    if before and form == "lin":
        form = ""  # PSpice and LTspice: the third number is the step
    return SweepCard(name, form or ("upto" if stepped else "step"), numbers, parameter, key), tail


def _form(card: str, count: int, stepped: bool) -> str:
    if stepped:
        return ".step is incomplete: write '.step param name start stop step' or '.step param name list 1 2 3'"
    return f"{card} has {count} words: write '.dc source start stop step [source start stop step]'"


def _listed(card: str, name: str, words: list[str]) -> tuple[tuple[Value, ...], list[str]]:
    """Return the values of ``list 1 2 3``, ``list(1 2 3)`` or ``poi 3 1 2 3``, and what follows."""
    form, words = words[0].split("(", 1)[0], words[1:] if "(" not in words[0] else [words[0], *words[1:]]
    if words and words[0].startswith(f"{form}("):
        inside = words[0][len(form) + 1 : -1].replace(",", " ").split()
        values, tail = [parse_value(word) for word in inside], words[1:]
    else:
        count = len(words)
        if form == "poi":
            number = parse_number(words[0]) if words else None
            if number is None or number != int(number) or not 1 <= number <= len(words) - 1:
                raise CardError(f"{card}: poi says how many values follow: write '{clipped(name)} poi 3 1 2 5'")
            words, count = words[1:], int(number)
        values = []
        while len(values) < min(count, len(words)):
            word = words[len(values)]
            if parse_number(word) is None and unquoted(word) is None and form == "list":
                break
            values.append(parse_value(word))
        tail = words[len(values) :]
    if not values:
        raise CardError(f"{card} lists no values of {clipped(name)}: write '{clipped(name)} list 1 2 3'")
    return tuple(values), tail


def _keyed(card: str, name: str, words: list[str]) -> tuple[tuple[Value, ...], list[str]]:
    """Return what HSPICE's ``start= stop= step=`` say, in this order, and what follows."""
    values: dict[str, Value] = {}
    while len(words) > 2 and words[1] == "=" and words[0] in _KEYS:
        if words[0] in values:
            raise CardError(f"{card} has {words[0]}= twice: give it once")
        values[words[0]], words = parse_value(words[2], bare=True), words[3:]
    missing = [key for key in _KEYS if key not in values]
    if missing:
        raise CardError(f"{card} has no {missing[0]}= for {clipped(name)}: write '{name} start=0 stop=1 step=0.1'")
    return tuple(values[key] for key in _KEYS), words


def _monte(card: str, words: list[str]) -> tuple[MonteCard, list[str]]:
    """Return ``monte=8``, ``monte=8 firstrun=3`` or ``monte=list(2 4:6)``, and what follows."""
    form = f"{card}: write 'sweep monte=100', 'monte=100 firstrun=11' or 'monte=list(3 5 7:9)'"
    if len(words) < 3 or words[1] != "=":
        raise CardError(form)
    word, tail = words[2], words[3:]
    runs: list[int] = []
    if word.startswith("list"):
        inside = word[5:-1].replace(",", " ").split()
        if word == "list" and tail[:1] == ["("] and ")" in tail:
            end = tail.index(")")
            inside, tail = tail[1:end], tail[end + 1 :]
        for part in inside:
            if _RUNS.fullmatch(part) is None:
                raise CardError(form)
            low, _, high = part.partition(":")
            if int(high or low) - int(low) > MOST_POINTS:
                raise CardError(form)
            runs += range(int(low), int(high or low) + 1)
    else:
        count: list[Value] = [parse_value(word, bare=True)]
        if tail[:2] == ["firstrun", "="] and len(tail) > 2:
            count, tail = [*count, parse_value(tail[2], bare=True)], tail[3:]
        return MonteCard((), tuple(count)), tail
    if not runs or min(runs) < 1:
        raise CardError(form)
    return MonteCard(tuple(runs)), tail


def runs_of(card: str, monte: MonteCard, numbers: Sequence[float]) -> tuple[int, ...]:
    """Return the runs of ``monte=``; ``numbers`` are what its count and its first run are.

    Raises
    ------
    CardError
        They are no whole numbers from 1 on.
    """
    if monte.runs:
        return monte.runs
    if any(number != int(number) or not 1 <= number <= MOST_POINTS for number in numbers):
        raise CardError(f"{card}: monte= and firstrun= count from 1: write 'monte=100 firstrun=11'")
    count, first = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else 1
    return tuple(range(first, first + count))


def values_of(card: str, sweep: SweepCard, numbers: Sequence[float]) -> NDArray[np.float64]:
    """Return the points of a sweep whose numbers are ``numbers``.

    Raises
    ------
    CardError
        There are none, or too many.
    """
    if sweep.form == "list":
        return np.array(numbers, dtype=np.float64)
    start, stop, third = numbers
    if sweep.form == "step":
        return sweep_values(start, stop, third, card)
    if sweep.form == "upto":
        return _up_to(start, stop, third, card)
    if third != int(third) or not 1 <= third <= MOST_POINTS:
        raise CardError(f"{card}: {sweep.form.upper()} takes a whole number of points, not {third:g}")
    if sweep.form == "lin":
        return np.linspace(start, stop, int(third))
    if not (start > 0 and stop > 0):
        raise CardError(f"{card}: {sweep.form.upper()} goes from {start:g} to {stop:g}: both must be > 0")
    base = 10.0 if sweep.form == "dec" else 2.0
    span = abs(math.log(stop / start, base)) * third
    if not span < MOST_POINTS:
        raise CardError(f"{card} has {span:.3g} points: {MOST_POINTS} fit")
    powers = np.arange(int(span * (1 + 1e-12) + 1e-9) + 1) / third
    values: NDArray[np.float64] = start * base ** (powers if stop >= start else -powers)
    if abs(span - round(span)) < 1e-9:
        values[-1] = stop
    return values


def _up_to(start: float, stop: float, step: float, card: str) -> NDArray[np.float64]:
    """Return LTspice's points: each step from ``start``, and ``stop``; the step's sign follows from the ends."""
    if start == stop:
        return np.array([start])
    if step == 0:
        raise CardError(f"{card} has a step of 0, which never ends: give a step")
    span = abs(stop - start) / abs(step)
    if not span < MOST_POINTS:
        raise CardError(f"{card} has {span:.3g} points: {MOST_POINTS} fit")
    inner = start + math.copysign(step, stop - start) * np.arange(math.ceil(span * (1 - 1e-9)))
    return np.append(inner, stop)


def sweep_values(start: float, stop: float, step: float, card: str = ".dc") -> NDArray[np.float64]:
    """Return the points of a sweep, as ngspice adds them up.

    It adds the step again and again, so the last points carry the sum's rounding error, and goes on as long as it
    has not passed ``stop`` by more than a fixed tolerance: ``0 1000 0.1`` ends at 999.9, ``0 1p 0.1p`` at 1.2p.

    Parameters
    ----------
    start, stop, step : float
        In the swept quantity's unit.
    card : str
        For messages.
    """
    if step == 0:
        raise CardError(f"{card} has a step of 0, which never ends: give a step")
    sign = 1.0 if step > 0 else -1.0
    if sign * (start - stop) > _TOLERANCE:
        raise CardError(f"{card} goes from {start:g} to {stop:g} in steps of {step:g}: turn the step's sign")
    span = (abs(stop - start) + _TOLERANCE) / abs(step)
    if not span < MOST_POINTS:
        raise CardError(f"{card} has {span:.3g} points: {MOST_POINTS} fit")
    steps = np.full(int(span * (1 + 1e-9)) + 3, step)
    steps[0] = start
    values = np.cumsum(steps)
    return values[: int(np.argmax(sign * values - sign * stop > _TOLERANCE))]
