"""``sdt()`` and ``idt()`` of laws in time: the voltage of a capacitor of 1 F that their argument charges.

``sdt(x)`` is the integral of x from the start on, ``idt(x, y)`` that and y.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from xbarsim.netlist.element_kinds import INTEGRAL
from xbarsim.netlist.reading.lawcards import LawCard
from xbarsim.netlist.reading.tokens import Value, outside, parse_value

_CALL = re.compile(r"(?<![\w.])(?:sdt|idt)\s*\(")


@dataclass(frozen=True)
class Integral:
    """What stands for one integral: a node, the source that feeds it, and its value at the start."""

    node: str
    feed: LawCard
    start: Value


def without_integrals(card: LawCard) -> tuple[LawCard, list[Integral]]:
    """Return a card that reads voltages where it had integrals, and these; one in another is left in the inner law.

    What a law takes from functions is left as it is, and ``idt`` with a third argument, which starts it anew.
    """
    integrals: list[Integral] = []
    law, at = "", 0
    for match in _CALL.finditer(card.law):
        if match.start() < at:
            continue
        end = _closing(card.law, match.end())
        inside = card.law[match.end() : end]
        commas = [k for k in outside(inside, "({", ")}") if inside[k] == ","]
        if end < 0 or len(commas) > match.group().startswith("idt"):
            continue
        first, start = (inside[: commas[0]], inside[commas[0] + 1 :]) if commas else (inside, "0")
        node = f"{INTEGRAL}{card.name}.{len(integrals) + 1}"
        feed = LawCard(f"b{node}", ("0", node), "i", first.strip(), {}, card.origin)
        integrals.append(Integral(node, feed, parse_value(start.strip(), bare=True)))
        law += f"{card.law[at : match.start()]}v({node})"
        at = end + 1
    return replace(card, law=law + card.law[at:]), integrals


def _closing(text: str, at: int) -> int:
    """Return where the bracket closes whose inside begins at ``at``; -1 where it does not."""
    depth = 1
    for position in range(at, len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if depth == 0:
            return position
    return -1
