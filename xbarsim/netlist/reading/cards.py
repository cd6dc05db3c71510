"""Dot cards with a grammar of their own: analyses, functions, options, measurements."""

from __future__ import annotations

import re

from xbarsim.netlist.language import Expression, UserFunction
from xbarsim.netlist.reading.expressions import compile_expression
from xbarsim.netlist.reading.schedule import AnalysisCard
from xbarsim.netlist.reading.sweepcards import read_sweeps
from xbarsim.netlist.reading.tokens import Value, parse_value, sort_words, split_words, unquoted
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

_FUNCTION = re.compile(r"\s*([a-z_]\w*)\s*\(([^()]*)\)\s*=?\s*(.*)", re.DOTALL)
_OF_NODE = re.compile(r"v\([^(),]+\)")
_LTSPICE = ("startup", "steady", "nodiscard", "step")
_FROM_INITIAL = ("uic", "skipbp")
"""ngspice's word, and PSpice's."""
_ADDS_ELEMENTS = ("rshunt", "rseries", "cshunt")


def analysis_card(text: str, origin: int) -> AnalysisCard:
    """Return what ``.op``, ``.dc`` or ``.tran`` asks for; the text may come without its dot.

    Parameters
    ----------
    text : str
        The card, in lower case.
    origin : int
        File and line.

    Raises
    ------
    CardError
        Words are missing or unknown.
    """
    kind, *words = [word for word in split_words(text) if word not in ("(", ")")]
    kind = kind.removeprefix(".")
    at = words.index("sweep") if "sweep" in words else len(words)
    monte = next((k for k in range(len(words) - 1) if words[k] == "monte" and words[k + 1] == "="), at)
    at = at if kind == "dc" else min(at, monte)
    if kind == "dc":
        sweeps, count, runs = read_sweeps(".dc", words)
        if not sweeps and runs is None:
            raise CardError(f".dc has {len(words)} words: write '.dc source start stop step [source start stop step]'")
        return AnalysisCard("dc", origin, (), tuple(sweeps), count, runs)
    sweeps, count, runs = read_sweeps(f".{kind}", words[at:])
    if kind == "op":
        return AnalysisCard("op", origin, (), tuple(sweeps), count, runs)
    words, from_initial = _without_flags(words[:at])
    return AnalysisCard("tran", origin, _times(words), tuple(sweeps), count, runs, from_initial)


def _without_flags(words: list[str]) -> tuple[list[str], bool]:
    """Return ``.tran``'s numbers, and whether it takes the initial values as they are."""
    numbers = [word for word in words if word not in _FROM_INITIAL]
    return numbers, len(numbers) < len(words)


def _times(words: list[str]) -> tuple[Value, ...]:
    keys = {words[k]: words[k + 2] for k in range(len(words) - 2) if words[k + 1] == "="}
    words = [word for k, word in enumerate(words) if "=" not in words[max(k - 2, 0) : k + 2]]
    for word in words:
        if word in _LTSPICE:
            raise CardError(f".tran has LTspice's '{word}', which is not supported: remove it")
    if set(keys) - {"start"}:
        raise CardError(f".tran has '{clipped(next(iter(set(keys) - {'start'})))}=', which is not supported: remove it")
    if not 1 <= len(words) <= 4 or (keys and len(words) != 2):
        raise CardError(f".tran has {len(words)} numbers: write '.tran step stop [start [largest step]] [uic]'")
    return tuple(parse_value(word) for word in (*words, *keys.values()))


def function_card(text: str) -> tuple[str, UserFunction]:
    """Return what ``name(parameters) {expression}`` defines, with or without quotes and ``=``."""
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise CardError(f"'{clipped(text.strip())}' defines no function: write '.func name(x, y) {{expression}}'")
    name, inside, law = match.groups()
    parameters = tuple(inside.replace(",", " ").split())
    if len(set(parameters)) < len(parameters):
        raise CardError(f"the function {clipped(name)} has a parameter twice: rename one")
    law = law.strip()
    inner = unquoted(law)
    return name, UserFunction(parameters, compile_expression(law if inner is None else inner))


def check_options(text: str) -> None:
    """Refuse ``.options`` that change the circuit; all others leave a linear operating point as it is."""
    for word in split_words(text)[1:]:
        if word in _ADDS_ELEMENTS:
            raise CardError(f".options {word} adds elements to the circuit: remove it, or write them out")


def initial_values(text: str, origin: int) -> list[tuple[str, float | Expression, int]]:
    """Return what ``.ic v(a)=1 v(b)=2``, or ``.nodeset``, sets, by ``v(node)``.

    Parameters
    ----------
    text : str
        The card, in lower case.
    origin : int
        File and line.
    """
    card = text.split(None, 1)[0]
    words = sort_words(_with_equals(split_words(text)[1:]))
    bad = words.plain or [key for key in words.keys if _OF_NODE.fullmatch(key) is None]
    if bad or not words.keys:
        raise CardError(f"{card} has {clipped(repr(bad[0])) if bad else 'no voltages'}: write '{card} v(node)=1'")
    return [(key, parse_value(word, bare=True), origin) for key, word in words.keys.items()]


def _with_equals(words: list[str]) -> list[str]:
    """Put a ``=`` behind ``v(node)`` where PSpice leaves it out."""
    pairs: list[str] = []
    for at, word in enumerate(words):
        pairs.append(word)
        following = words[at + 1 : at + 2]
        if _OF_NODE.fullmatch(word) and following and following != ["="] and not _OF_NODE.fullmatch(following[0]):
            pairs.append("=")
    return pairs
