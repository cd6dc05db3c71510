"""A first line that reads like an element or a card: it is the title all the same, which is easily overlooked."""

from __future__ import annotations

import re

from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.elements import read_element
from xbarsim.netlist.reading.tokens import split_words
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import parse_number

_CARDS = (
    "ac", "control", "dc", "end", "ends", "four", "func", "global", "ic", "if", "inc", "incl", "include", "lib",
    "macro", "meas", "measure", "model", "nodeset", "noise", "op", "opt", "option", "options", "param", "params",
    "parameters", "plot", "print", "probe", "save", "sens", "step", "subckt", "temp", "tf", "tran", "width",
)  # fmt: skip
_FORMS = ("dc", "ac", "pulse", "sin", "sine", "pwl", "exp", "sffm", "am", "table", "poly")
_NUMBERED = re.compile(r"[a-z][a-z_]*\d\S*|[a-z]\S{0,2}")


def note_on_title(title: str) -> str | None:
    """Return what to say of a title that looks as if it were meant to be in the circuit, or None."""
    text = title.lower().strip()
    if not text or text[0] == "*":
        return None
    if text[0] == ".":
        kind = "a card" if text[1:].split(None, 1)[:1] and text[1:].split(None, 1)[0] in _CARDS else None
    else:
        kind = "an element" if _is_element(text) else None
    if kind is None:
        return None
    return (
        f"the first line is the title and no part of the circuit, though it reads like {kind}: '{clipped(title)}'; "
        "put a title above it if it should count"
    )


def _is_element(text: str) -> bool:
    """Whether a line is an element whose words are hardly a sentence: a value, a form or a key behind its nodes."""
    body = Body()
    try:
        words = split_words(text)
        read_element(text, body, 0, {})
    except CardError:
        return False
    name, tail = words[0], [word for word in words[1:] if word not in ("(", ")")]
    if "=" in tail:
        return True
    if name[0] in "dmxefgh":
        number = parse_number(tail[-1]) is not None if tail else False
        return _NUMBERED.fullmatch(name) is not None and (number or all(len(word) < 12 for word in tail))
    return len(tail) > 2 and all(map(_is_value, tail[2:]))


def _is_value(word: str) -> bool:
    return word[0] in "{'\"" or parse_number(word) is not None or word.split("(")[0] in _FORMS
