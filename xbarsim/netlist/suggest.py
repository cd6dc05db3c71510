"""What a mistyped word may have been, and long texts cut to fit a message."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

_IN_PARAMETERS = "draws in parameters only: set a .param to it and name that here"
_ELSEWHERE = {
    "absdelay": "LTspice's delay, which needs memory",
    "delay": "a delay, which needs memory",
    "buf": "LTspice's logic: write x > 0.5",
    "inv": "LTspice's logic: write x < 0.5",
    "exprand": "Xyce's random value: use agauss() or aunif() in a .param",
    "rand": "LTspice's random value: use agauss(), aunif() or mc() in a .param",
    "random": "LTspice's random value: use agauss(), aunif() or mc() in a .param",
    "white": "LTspice's noise in time",
    "dnlim": "LTspice's soft limit: write it with tanh or limit",
    "uplim": "LTspice's soft limit: write it with tanh or limit",
    "laplace": "a transfer function, which needs memory",
    "freq": "a transfer function, which needs memory",
    "hertz": "a frequency, which there is none of",
    "hypot": "LTspice's root of squares: write sqrt(x*x+y*y)",
    "atan2": "the angle of two numbers: write it with atan",
    "tbl": "LTspice's table: write table",
    "tablefile": "Xyce's table from a file: write its points in table",
    "fasttable": "Xyce's table: write table",
    "spline": "Xyce's curve: write table or pwl",
    "akima": "Xyce's curve: write table or pwl",
    "asrc": "a source, and no function",
    "valif": "HSPICE's choice: write condition ? a : b",
    "agauss": _IN_PARAMETERS,
    "gauss": _IN_PARAMETERS,
    "aunif": _IN_PARAMETERS,
    "unif": _IN_PARAMETERS,
    "mc": _IN_PARAMETERS,
    "flat": _IN_PARAMETERS,
}
"""Functions of SPICE dialects that are known by name and not supported: what they are or what to write."""

_LONGEST = 60
_CANDIDATES = 2000


def closest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word nearest to a mistyped one, or None; never slow, however many or long they are.

    Parameters
    ----------
    word : str
        Mistyped.
    words : iterable of str
        Those that there are.
    cutoff : float
        How like it one must be, 0 to 1.
    """
    if len(word) > _LONGEST:
        return None
    candidates = [name for name in islice(words, _CANDIDATES) if len(name) <= _LONGEST]
    close = get_close_matches(word, candidates, 1, cutoff)
    return close[0] if close else None


def clipped(text: str, most: int = 80) -> str:
    """Return a text cut to ``most`` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def unknown_function(name: str, functions: Iterable[str]) -> str:
    """Return what to say of a function that there is not: what it is elsewhere, the nearest one, or all that are."""
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    names = sorted(set(functions))
    close = closest(name, names)
    return f"did you mean '{close}'?" if close else f"use one of {', '.join(names)}"


_WAYS = {
    "rser": "write it as a resistor in series with it",
    "rpar": "write it as a resistor across it",
    "cpar": "write it as a capacitor across it",
    "max": "write the law with min() and max()",
    "min": "write the law with min() and max()",
    "abs": "write the law with abs()",
}


def way_out(key: str) -> str:
    """Return what to do about a ``key=`` that is not supported; to remove it may be another circuit."""
    return _WAYS.get(key, "remove it")
