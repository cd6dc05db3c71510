"""Cards with a law: B sources, and E, F, G and H whose law is no plain gain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from xbarsim.netlist.reading.tokens import Value, check_names, outside, parse_value, sort_words, split_words, unquoted
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, way_out

_KEYS = ("m", "tc1", "tc2", "temp", "dtemp")
_NEXT_KEY = re.compile(r"(?<![<>!=\w])([a-z]\w*)\s*=(?!=)")
_ASKS = re.compile(r"(?<![\w.])(?:[vi]\s*\(|time(?![\w.]))")
_MOST_TERMS = 10_000


@dataclass(frozen=True)
class LawCard:
    """A source with a law.

    Attributes
    ----------
    name : str
        The element.
    nodes : tuple of two str
        Its nodes.
    output : {"i", "v"}
        What the law gives.
    law : str
        In lower case, without outer braces or quotes.
    keys : dict of str to Value
        ``m``, ``tc1``, ``tc2``, ``temp`` and ``dtemp``, as far as given.
    origin : int
        Where it stands.
    """

    name: str
    nodes: tuple[str, str]
    output: str
    law: str
    keys: dict[str, Value]
    origin: int


def read_behaviour(text: str, origin: int) -> LawCard:
    """Return a B card.

    Raises
    ------
    CardError
        Nodes or law are missing or wrong.
    """
    name = text.split(None, 1)[0]
    head, equals, definition = text.partition("=")
    words = [word for word in split_words(head)[1:] if word not in ("(", ")")]
    form = f"write '{name} node node i={{law}}' or v="
    if not equals or len(words) != 3:
        raise CardError(f"{name} has no law between two nodes: {form}")
    *nodes, output = words
    check_names([name, *nodes])
    if output not in ("i", "v"):
        raise CardError(f"{name} has '{clipped(output)}=', which is not supported: {form}")
    law, keys = _split_keys(definition)
    if set(keys) & {"i", "v"}:
        raise CardError(f"{name} has two laws: give i= or v=")
    return LawCard(name, (nodes[0], nodes[1]), output, law, _values(name, keys), origin)


def law_card(name: str, nodes: Sequence[str], output: str, law: str, keys: dict[str, str], origin: int) -> LawCard:
    """Return the card of an E or G whose law is given by ``vol=``, ``cur=`` or ``value=``.

    Parameters
    ----------
    name : str
        The element's.
    nodes : sequence of str
        Those of + and -.
    output : {"v", "i"}
        Whether the law is of volts or of amperes.
    law : str
        In quotes, or braces, or plain.
    keys : dict of str to str
        Parameters beside it.
    origin : int
        File and line.
    """
    inner = unquoted(law)
    return LawCard(name, (nodes[0], nodes[1]), output, law if inner is None else inner, _values(name, keys), origin)


def asks(law: str) -> bool:
    """Whether a law depends on voltages, currents or time."""
    return _ASKS.search(law) is not None


def polynomial(controls: Sequence[str], coefficients: Sequence[str]) -> str:
    """Return ``POLY``: the law of coefficients in SPICE2's order, constant first, then by degree.

    Parameters
    ----------
    controls : sequence of str
        ``v(a,b)`` or ``i(v1)``.
    coefficients : sequence of str
        Numbers or parameters.
    """
    if len(coefficients) > _MOST_TERMS:
        raise CardError(f"a polynomial has {len(coefficients)} coefficients: {_MOST_TERMS} fit")
    terms: list[str] = []
    degree = 0
    while len(terms) < len(coefficients):
        for factors in combinations_with_replacement(controls, degree):
            if len(terms) == len(coefficients):
                break
            terms.append("*".join([_bracketed(coefficients[len(terms)]), *factors]))
        degree += 1
    return "+".join(terms)


def table(name: str, words: Sequence[str]) -> str:
    """Return the law of ``TABLE {law} = (x, y) (x, y) ...``."""
    pieces = [word for word in words if word not in ("=", "(", ")")]
    if pieces and len(pieces[0]) > len("table"):
        pieces[:1] = ["table", pieces[0][len("table") :]]
    if len(pieces) < 6 or len(pieces) % 2:
        raise CardError(f"{name} has an incomplete TABLE: write '{name} node node table {{law}} = (x, y) (x, y)'")
    law = pieces[1].removeprefix("(").removesuffix(")") if pieces[1][0] == "(" else _law(pieces[1])
    return f"table(({law}),{','.join(map(_bracketed, pieces[2:]))})"


def _bracketed(word: str) -> str:
    inner = unquoted(word)
    return f"({word if inner is None else inner})"


def _split_keys(text: str) -> tuple[str, dict[str, str]]:
    """Part a law from the ``key=value`` pairs behind it."""
    starts = {match.start() for match in _NEXT_KEY.finditer(text)} if "=" in text else set()
    for at in outside(text, "({", ")}") if starts else ():
        if at in starts:
            sorted_words = sort_words(split_words(text[at:]))
            if sorted_words.plain:
                raise CardError(f"'{clipped(sorted_words.plain[0])}' is unexpected behind the law: remove it")
            return _law(text[:at]), sorted_words.keys
    return _law(text), {}


def _law(text: str) -> str:
    text = text.strip()
    inner = unquoted(text)
    return text if inner is None else inner


def _values(name: str, keys: dict[str, str]) -> dict[str, Value]:
    for key in keys:
        if key not in _KEYS:
            raise CardError(f"{name} has '{clipped(key)}=', which is not supported: {way_out(key)}")
    return {key: parse_value(word, bare=True) for key, word in keys.items()}
