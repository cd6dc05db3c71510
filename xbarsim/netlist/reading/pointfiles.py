"""``PWL file=name``: a source's points from a file, in place of the name."""

from __future__ import annotations

import re
from pathlib import Path

from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.libraries import found_file
from xbarsim.netlist.reading.source import SourceText
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.values import parse_number
from xbarsim.unread import unread_reason

_NAME = r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s(){}'\"]+)"
_FILE = re.compile(rf"(?<![\w.])pwl\s*\(?\s*(?:pwl)?file\s*=\s*{_NAME}", re.IGNORECASE)


def with_points(text: str, source: SourceText, position: int, places: Places) -> str:
    """Return a V or I card with the points of its file written out; other cards as they are.

    Parameters
    ----------
    text : str
        The logical line, in lower case.
    source : SourceText
        Where it stands, read just past it.
    position : int
        Where it starts.
    places : Places
        Takes the file's name.

    Raises
    ------
    CardError
        The file is missing or holds no two columns of numbers.
    """
    match = _FILE.search(text) if text[0] in "vi" else None
    if match is None:
        return text
    original = _FILE.search(source.original, position, source.position)
    name = (original or match).group(1).strip("'\"")
    path = found_file("PWL file =", name, source)
    points = _points(path, name)
    places.tables.append(str(path))
    opened = "(" in match.group()
    return text[: match.start()] + f"pwl({points}{' ' if opened else ')'}" + text[match.end() :]


def _points(path: Path, name: str) -> str:
    """Return the times and values of two columns, blanks, commas or semicolons between them; headings are left out."""
    try:
        lines = path.read_text("utf-8-sig", "replace").split("\n")
    except OSError as error:
        raise CardError(f"PWL file = {name}: {unread_reason(error)}") from None
    points: list[str] = []
    for number, line in enumerate(lines, 1):
        words = re.sub(r"[*#].*|[,;]", lambda match: "" if match[0][0] in "*#" else " ", line.lower()).split()
        values = [parse_number(word) for word in words]
        if not words or (not points and values[0] is None):
            continue
        if len(words) != 2 or None in values:
            raise CardError(f"PWL file = {name}, line {number}: it has no two numbers: give a time and a value a line")
        points += map(repr, values)
    return " ".join(points)
