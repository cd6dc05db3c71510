"""The fast path: runs of lines like ``r17 w_0_1 b_0_1 12345.6``, read by one regular expression."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.source import SourceText
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.values import parse_number

_WORD = r"[\w.:#!%|@&~^<>\[\]+-]+"
LINE = rf"[ \t]*[rvi]{_WORD}[ \t]+{_WORD}[ \t]+{_WORD}[ \t]+[+-]?[0-9.][a-z0-9.+-]*[ \t]*\n"


def line_runs(line: str) -> Callable[[str, int], int]:
    """Return what finds where a run of lines ends that begins at a place in a text: there, where none does.

    One possessive group of lines would be one match; but Python up to 3.11.4, Debian 12's among them, takes a part of a
    line for a whole one there (CPython's issue 106052).

    Parameters
    ----------
    line : str
        An expression for a line with its end.
    """
    first, last = re.compile(line, re.ASCII), re.compile(rf"\n(?!{line})", re.ASCII)

    def end_of(text: str, position: int) -> int:
        """Return the end of the run, or ``position``."""
        if first.match(text, position) is None:
            return position
        match = last.search(text, position)
        return len(text) if match is None else match.end()

    return end_of


_end_of_run = line_runs(LINE)


def read_run(source: SourceText, body: Body) -> bool:
    """Append a run of plain element lines to ``body``; False if the next line is none.

    Raises
    ------
    CardError
        A value is no number; ``source.line`` is then that line.
    """
    end = _end_of_run(source.text, source.position)
    if end == source.position:
        return False
    if source.continues(end):
        end = source.text.rfind("\n", source.position, end - 1) + 1
        if end <= source.position:
            return False
    words = source.text[source.position : end].split()
    count, first = len(words) // 4, source.place(source.line)
    append(body, words, values_of(words, source), range(first, first + count))
    source.skip(end, count)
    return True


def values_of(words: list[str], source: SourceText) -> list[float]:
    """Return the values of elements of four words each, checked.

    Raises
    ------
    CardError
        A value is no number, or none that such an element can have; ``source.line`` is then that line, if the elements
        stand in lines one below the other from ``source.line`` on.
    """
    literals = words[3::4]
    values = _numbers(literals, source)
    if not all(map(math.isfinite, values)):
        _check(literals, values, source)
    return values


def append(body: Body, words: list[str], values: list[float], origins: Sequence[int]) -> None:
    """Append elements of four words each, which are used up.

    Parameters
    ----------
    body : Body
        It is changed.
    words : list of str
        Name, two nodes and value of each; it is emptied.
    values : list of float
        Of each.
    origins : sequence of int
        Files and lines.
    """
    body.names += words[0::4]
    del words[3::4], words[0::3]
    body.nodes += words
    body.values += values
    body.origins += origins


def _numbers(literals: list[str], source: SourceText) -> list[float]:
    try:
        return list(map(float, literals))
    except ValueError:
        pass
    numbers = {literal: parse_number(literal) for literal in set(literals)}
    values = []
    for line, literal in enumerate(literals):
        value = numbers[literal]
        if value is None:
            source.skip(source.position, line)
            raise CardError(f"'{literal}' is no number: write one like 1k or 2.5meg")
        values.append(value)
    return values


def _check(literals: list[str], values: list[float], source: SourceText) -> None:
    for line, (literal, value) in enumerate(zip(literals, values, strict=True)):
        if not math.isfinite(value):
            source.skip(source.position, line)
            raise CardError(f"'{literal}' is no number that a double can hold")
