"""K cards: inductors whose fluxes share a part."""

from __future__ import annotations

from dataclasses import dataclass

from xbarsim.netlist.reading.tokens import Value, check_names, parse_value, sort_words
from xbarsim.netlist.refusals import CardError


@dataclass(frozen=True)
class CouplingCard:
    """A coupling of two inductors or more, each with each by the same factor; none acts at rest."""

    name: str
    inductors: tuple[str, ...]
    factor: Value
    origin: int


def read_coupling(words: list[str], origin: int) -> CouplingCard:
    """Return a K card.

    Raises
    ------
    CardError
        Inductors or factor are missing.
    """
    name = words[0]
    sorted_words = sort_words([word for word in words[1:] if word not in ("(", ")")])
    inductors = [word for word in sorted_words.plain if word[0] == "l"]
    numbers = [word for word in sorted_words.plain if word[0] != "l"]
    factors = [*sorted_words.keys.values(), *numbers]
    if len(inductors) < 2 or len(factors) != 1 or set(sorted_words.keys) - {"k", "coupling"}:
        raise CardError(
            f"{name} couples {len(inductors)} inductors by {len(factors)} numbers: write '{name} l1 l2 0.9'"
        )
    check_names([name, *inductors])
    if len(set(inductors)) < len(inductors):
        raise CardError(f"{name} names an inductor twice: name two")
    return CouplingCard(name, tuple(inductors), parse_value(factors[0], bare=bool(sorted_words.keys)), origin)
