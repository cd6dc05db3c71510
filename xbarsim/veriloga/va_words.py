"""A Verilog-A source, macros expanded, as words: the modules in it, and what parameters' ranges are written as."""

from __future__ import annotations

import re

_WORD = re.compile(
    r"""(?P<skipped>\s+|//[^\n]*|/\*.*?\*/|\(\*(?!\)).*?\*\)|`[^\n]*)
    |(?P<word>"(?:\\.|[^"\\])*"|\\\S+|\$?[A-Za-z_][\w$]*|(?:\d[\w.]*(?:(?<=[eE])[+-]\d+)?|\.\d\w*)
    |<\+|[<>=!]=|&&|\|\||\*\*|<<<?|>>>?|\S)""",
    re.VERBOSE | re.DOTALL,
)
"""What is skipped: blanks, comments, attributes and what directives are left. ``(*)`` is an attribute's beginning only
where it closes."""


def words_of(text: str) -> list[str]:
    """Return the words of a source; numbers, names, strings and signs."""
    return [match["word"] for match in _WORD.finditer(text) if match["word"]]


def module_words(words: list[str], name: str) -> list[str]:
    """Return the words between ``module NAME`` and ``endmodule``; none where there is no such module."""
    for k in range(len(words) - 1):
        if words[k] in ("module", "macromodule") and words[k + 1] == name:
            return words[k + 2 : words.index("endmodule", k)]
    return []


def allowed_range(module: list[str], name: str) -> str:
    """Return what a module says of a parameter's values after its default, as ``from (0:inf)``; empty where nothing."""
    for k, word in enumerate(module[:-1]):
        if word == name and module[k + 1] == "=" and _is_parameter(module, k):
            return _range_after(module, k + 2)
    return ""


def _is_parameter(module: list[str], place: int) -> bool:
    start = max((k for k in range(place) if module[k] == ";"), default=-1)
    return "parameter" in module[start + 1 : place]


def _range_after(module: list[str], place: int) -> str:
    """Return the words from ``from`` or ``exclude`` to where the declaration goes on or ends."""
    depth, begun = 0, False
    parts: list[str] = []
    for word in module[place:]:
        depth += (word in "([{") - (word in ")]}")
        if depth <= 0 and word in (",", ";"):
            break
        begun |= word in ("from", "exclude")
        if begun:
            parts.append(f" {word} " if word in ("from", "exclude") else word)
    return "".join(parts).strip()
