"""One logical line as words, ``key = value`` pairs and quoted expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xbarsim.netlist.language import Expression
from xbarsim.netlist.reading.expressions import compile_expression, is_function
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped
from xbarsim.netlist.values import match_constant, parse_number

Value = float | Expression
"""What a word stands for: a number, or what is evaluated once parameters are known."""

_PLAIN = re.compile(r"[^\s,=(){}'\"]+")
_LIKE_NUMBER = re.compile(r"[+-]?[0-9.]")
_BARE_NAME = re.compile(r"[a-z_][\w.]*")
_NOT_IN_NAMES = re.compile(r"[(){}'\"]")
_CLOSING = {"(": ")", "{": "}", "'": "'", '"': '"'}


@dataclass
class Words:
    """A card's words in order, and its ``key = value`` pairs."""

    plain: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def split_words(text: str) -> list[str]:
    """Split a line at blanks and commas; quotes, braces and call parentheses hold a word together."""
    words: list[str] = []
    at = 0
    while at < len(text):
        c = text[at]
        if c.isspace() or c == ",":
            at += 1
        elif c in "=()":
            words.append(c)
            at += 1
        else:
            end = _word_end(text, at)
            words.append(text[at:end])
            at = end
    return words


def _word_end(text: str, at: int) -> int:
    start = at
    while at < len(text):
        c = text[at]
        if c in "{'\"" or (c == "(" and at > start):
            at = _group_end(text, at)
        elif (match := _PLAIN.match(text, at)) is not None:
            at = match.end()
        else:
            if c == "}":
                raise CardError("a '}' has no opening '{'")
            break
    return at


def _group_end(text: str, at: int) -> int:
    """Return the position after the quotes, braces or parentheses that open at ``at``."""
    opening, closing = text[at], _CLOSING[text[at]]
    if opening == closing:
        end = text.find(closing, at + 1)
        if end > 0:
            return end + 1
    depth = 0
    for position in range(at, len(text) if opening != closing else at):
        depth += (text[position] == opening) - (text[position] == closing)
        if depth == 0:
            return position + 1
    raise CardError(f"a {opening} is not closed with {closing}")


def sort_words(words: list[str]) -> Words:
    """Part plain words from ``key = value`` pairs.

    Raises
    ------
    CardError
        A ``=`` lacks its key or value, or a key comes twice.
    """
    sorted_words = Words()
    at = 0
    while at < len(words):
        word = words[at]
        if word == "=":
            raise CardError("a '=' has no name before it")
        if at + 1 < len(words) and words[at + 1] == "=":
            if at + 2 >= len(words) or words[at + 2] == "=":
                raise CardError(f"'{word}=' has no value: give a number or an expression in braces")
            if word in sorted_words.keys:
                raise CardError(f"'{word}=' comes twice: give it once")
            end = at + 3
            if words[at + 2] == "(":
                end = _closed(words, at + 2)
            sorted_words.keys[word] = "".join(words[at + 2 : end])
            at = end
        else:
            sorted_words.plain.append(word)
            at += 1
    return sorted_words


def _closed(words: list[str], at: int) -> int:
    depth = 0
    for position in range(at, len(words)):
        depth += (words[position] == "(") - (words[position] == ")")
        if depth == 0:
            return position + 1
    raise CardError("a '(' is not closed")


def without_equals(words: list[str]) -> list[str]:
    """Return a card's words without a ``=`` before the first."""
    return words[1:] if words[:1] == ["="] else words


def outside(text: str, opening: str, closing: str) -> Iterator[int]:
    """Yield the positions in a text that are outside of quotes and brackets."""
    depth, quote = 0, ""
    for at, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c in opening:
            depth += 1
        elif c in closing:
            depth -= 1
        elif depth == 0:
            yield at


def check_names(words: Iterable[str]) -> None:
    """Refuse names with brackets or quotes, which ngspice cuts, evaluates or writes otherwise.

    Raises
    ------
    CardError
        The message quotes the first of them.
    """
    for word in words:
        if _NOT_IN_NAMES.search(word):
            raise CardError(f"'{clipped(word)}' cannot be a name: leave out (), {{}} and quotes; [] and <> may stand")


def parse_value(word: str, *, bare: bool = False) -> Value:
    """Return what a value word stands for: a number, ``{expr}``, ``'expr'`` or a parameter's name.

    Parameters
    ----------
    word : str
        The word, in lower case.
    bare : bool
        Whether an expression may stand without braces, as after ``=``; but ngspice makes two numbers of ``1+2``.
    """
    number = parse_number(word)
    if number is not None:
        return number
    inner = unquoted(word)
    if inner is None:
        if _LIKE_NUMBER.match(word) or not (bare or _BARE_NAME.fullmatch(word)):
            if is_function(word.split("(", 1)[0]):
                raise CardError(f"'{clipped(word)}' is an expression: put braces around it, {{{clipped(word)}}}")
            raise CardError(f"'{word}' is no number: write one like 1k or 2.5meg, or an expression in braces")
        inner = word
    return _evaluable(inner)


def parse_parameter(word: str) -> Value:
    """Return what a parameter is set to: a number or expression, with or without braces or quotes.

    ngspice takes even a bare number for an expression here, so ``1mil`` is 1e-3 and ``4k7`` an error.
    """
    inner = unquoted(word)
    return _evaluable(word if inner is None else inner)


def _evaluable(text: str) -> Value:
    constant = match_constant(text)
    return compile_expression(text) if constant is None else constant


def unquoted(word: str) -> str | None:
    """Return what stands inside a word's outer quotes or braces, or None if it has none."""
    if len(word) >= 2 and word[0] in "{'\"" and word[-1] == _CLOSING[word[0]]:
        return word[1:-1] if _group_end(word, 0) == len(word) else None
    return None
