"""A law's text as words, with numbers and controlling quantities taken out."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import parse_number

_WORD = re.compile(
    r"\s*(?:"
    r"(?P<control>[vi])\s*\(\s*(?P<of>[^(),\s]+)\s*(?:,\s*(?P<other>[^(),\s]+)\s*)?\)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-zµμ]*)"
    r"|(?P<name>[a-z_$][\w.$]*)"
    r"|(?P<operator>\*\*|\|\||&&|==|!=|<>|<=|>=|[-+*/^<>!?:(),{}&|])"
    r"|(?P<other_one>\S)"
    r")"
)

Control = tuple[str, str, str]
"""``("v", node, node)``, the second one ``"0"`` for ground, or ``("i", element, "")``."""


class Words(NamedTuple):
    """A text cut up.

    Attributes
    ----------
    shape : tuple of str
        Words; ``#3`` stands for number 3, ``@v3`` for control 3: v of a node, p of a pair of nodes, i of an element.
    literals : tuple of float
        The numbers.
    controls : tuple of Control
        The controlling quantities, each of them once.
    """

    shape: tuple[str, ...]
    literals: tuple[float, ...]
    controls: tuple[Control, ...]


def split_law(text: str, functions: frozenset[str] = frozenset()) -> Words:
    """Cut up a lower-case text.

    Parameters
    ----------
    text : str
        The law, without the braces or quotes around it.
    functions : set of str
        What ``.func`` defines: ``v`` and ``i`` among these are no controls.

    Raises
    ------
    CardError
        A character or number is none.
    """
    shape: list[str] = []
    literals: list[float] = []
    controls: dict[Control, str] = {}
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _WORD.match(text, at)
        if match is None:  # blanks alone
            break
        at = match.end()
        kind = match.lastgroup
        if match["control"] is not None and match["control"] not in functions:
            control = match["control"], match["of"], _ground(match)
            if control[0] == "i" and match["other"] is not None:
                raise CardError(f"i() in '{clipped(text)}' takes one element, like i(v1)")
            letter = "p" if control[2] not in ("", "0") else control[0]
            shape.append(controls.setdefault(control, f"@{letter}{len(controls)}"))
        elif match["control"] is not None:
            raise CardError(f"'.func {match['control']}' hides {match['control']}(): rename it")
        elif kind == "number":
            value = parse_number(match["number"])
            if value is None:
                raise CardError(f"'{match['number']}' in '{clipped(text)}' is no number: write one like 1e3 or 2.5k")
            shape.append(f"#{len(literals)}")
            literals.append(value)
        elif kind in ("name", "operator"):
            shape.append(match[kind])
        else:
            raise CardError(f"'{match['other_one']}' in '{clipped(text)}' is no operator: remove it")
    return Words(tuple(shape), tuple(literals), tuple(controls))


def _ground(match: re.Match[str]) -> str:
    if match["control"] == "i":
        return ""
    return match["other"] or "0"


@lru_cache(maxsize=1024)
def split_body(text: str) -> Words:
    """Cut up what ``.func`` defines; it is asked for again and again."""
    return split_law(text)
