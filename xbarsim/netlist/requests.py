"""Cards and commands that ask for output: which quantities they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from xbarsim.netlist.formula import plain
from xbarsim.netlist.suggest import clipped

_KINDS = ("dc", "tran", "op", "ac", "noise", "sp", "tf")
_PICTURES = ("plot", "asciiplot", "hardcopy", "iplot", "gnuplot")
_FILES = ("wrdata", "write")
_FILE_FIRST = (*_FILES, "hardcopy", "gnuplot")
_SAVING = (".save", "save")
_ALL_OF_KIND = ("v", "i")  # of .probe and .save: all voltages, all currents
_PRINTING = ("format", "file", "width", "precision", "delimiter", "filter", "timescalefactor")  # Xyce's, of .print
_WILDCARD = re.compile(r"all[vi]?|(?:[vi]\(|@)[^()]*[*?][^()]*\)?|[vi]\(\)")
_LAYOUT = re.compile(
    r"(?:vs|[xy](?:l|limit|delta|compress|label|indices|log)|title|loglog|linear|nogrid|polar|smith|pointplot|linplot"
    r"|combplot|samep|color\d*|retraceplot|kicad|digitop|>>?)(?![\w(])"
)
_STEP = re.compile(r"[-+*/^]")


class Request(NamedTuple):
    """One quantity that a card names: the analysis that it is for, empty for all, its label, and its expression."""

    kind: str
    label: str
    text: str


def card_notes(card: str) -> Iterator[str]:
    """Say which pictures and files a card asks for that are not made."""
    word = card.split(None, 1)[0].removeprefix(".")
    if word in _PICTURES:
        yield f"'{clipped(card)}' draws no picture: --plot FILE draws one; what it names is in the output"
    elif word in _FILES or (word == "print" and re.search(r"\s>>?\s|\sfile\s*=", card)):
        yield f"'{clipped(card)}' writes no file: --output FILE does; what it names is in the output"


def saves_some(cards: Iterable[str]) -> bool:
    """Whether cards say which quantities of a run are to be kept, and do not ask for all of them."""
    saving = [card for card in cards if card.split(None, 1)[0] in _SAVING]
    items = [item for card in saving for item in _items(card.partition(" ")[2])]
    return bool(items) and not any(_WILDCARD.fullmatch(item) or item in _ALL_OF_KIND for item in items)


def requests_of(card: str) -> Iterator[Request]:
    """Yield what a card names."""
    word, _, quantities = card.partition(" ")
    items = list(_items(quantities))
    kind = ""
    if word[0] == "." and items and items[0] in _KINDS:
        kind = items.pop(0)
    if word in _FILE_FIRST and items:
        items.pop(0)
    for item in items:
        if _LAYOUT.match(item):
            return
        if item[0] == "(" and word == ".plot":
            continue
        if _WILDCARD.fullmatch(item) or (item in _ALL_OF_KIND and word in (".probe", ".save")):
            continue
        label, equals, text = item.partition("=")
        if equals and word == ".print" and label.strip() in _PRINTING:
            continue
        if not equals or not label.strip().isidentifier():
            label, text = item, item
        yield Request(kind, _bare(plain(label)).replace(" ", ""), plain(text))


def _bare(text: str) -> str:
    """Take off brackets around all of a text."""
    depth = 0
    for at, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and at < len(text) - 1:
            return text
    return text[1:-1] if text[:1] == "(" else text


def _items(text: str) -> Iterator[str]:
    """Cut at blanks and commas outside of brackets and quotes; what an operator joins stays together."""
    words: list[str] = [""]
    depth, quoted = 0, ""
    for c in text:
        if quoted:
            quoted = "" if c == quoted else quoted
        elif c in "'\"":
            quoted = c
        else:
            depth += (c in "({[") - (c in ")}]")
        if depth == 0 and not quoted and (c.isspace() or c == ","):
            words.append("")
        else:
            words[-1] += c
    joined: list[str] = []
    for word in filter(None, words):
        after = joined and (joined[-1][-1] in "+-*/^=" or (_STEP.match(word) and not joined[-1].startswith("-")))
        if word[0] == "=" or after:
            joined[-1] += word
        else:
            joined.append(word)
    return iter(joined)
