"""A text as words, with numbers and controlling quantities taken out."""

from __future__ import annotations

from typing import NamedTuple

from xbarsim.netlist.language.dialect import Dialect

Control = tuple[str, str, str]
"""``("v", node, node)``, the second one ``"0"`` for ground, or ``("i", element, "")``."""

NO_NUMBER, NO_WORD = " number", " word"
"""Stand for what is like a number or nothing that there is; a parser says what is wrong with it in its place."""


class Tokens(NamedTuple):
    """A text cut up.

    Attributes
    ----------
    shape : tuple of str
        Words; ``3`` stands for number 3, ``v 3`` for control 3: v of a node, p of a pair of nodes, i of an element.
    literals : tuple of float
        The numbers.
    controls : tuple of Control
        The controlling quantities, each of them once.
    """

    shape: tuple[str, ...]
    literals: tuple[float, ...]
    controls: tuple[Control, ...]


def is_name(word: str) -> bool:
    """Whether a word of a shape is a name."""
    return (word[0].isalpha() or word[0] in "_@#$") and " " not in word


def split(text: str, dialect: Dialect) -> Tokens:
    """Cut up a lower-case text, given without the braces or quotes around it.

    Parameters
    ----------
    text : str
        In lower case, without braces or quotes around it.
    dialect : Dialect
        Which operators there are, and what a number is.
    """
    shape: list[str] = []
    literals: list[float] = []
    controls: dict[Control, str] = {}
    for match in dialect.word.finditer(text.rstrip()):
        kind = match.lastgroup
        if kind == "operator" or kind == "name":
            shape.append(match[kind])
        elif kind == "number":
            value = dialect.value(match[kind])
            shape.append(NO_NUMBER if value is None else str(len(literals)))
            literals.append(value or 0.0)
        elif kind == "control":
            minus = (match["minus"] or "0") if match["volts"] else ""
            control = match["volts"] or "i", match["plus"], minus
            letter = "p" if minus not in ("", "0") else control[0]
            shape.append(controls.setdefault(control, f"{letter} {len(controls)}"))
        else:
            shape.append(NO_NUMBER if kind == "no_number" else NO_WORD)
    return Tokens(tuple(shape), tuple(literals), tuple(controls))
