"""Measured curves from text: which column is which, in which units, under how many headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.unread import unread

_NAMES = {
    "V": re.compile(r"[vu]1?$|.*volt|bias|v[ _-]?(app|in|set|read|cell|d|ds|te|force|meas)|[ab]v$|vf", re.IGNORECASE),
    "A": re.compile(r"i1?$|.*curr|amp|i[ _-]?(out|meas|cell|d|ds|te|read)|[ab]i$", re.IGNORECASE),
}
"""How headings begin that mean volts or amperes."""

_UNIT = re.compile(r"^(?P<name>.*?)\s*[\[(/_ ]\s*(?P<scale>[fpnuµμmk]?)(?P<unit>[VA])\s*[\])]?$")
_BARE = re.compile(r"^[\[(]?\s*(?P<scale>[fpnuµμmk]?)(?P<unit>[VA])\s*[\])]?$")

_FOREIGN = re.compile(
    r"[\[(]\s*(?P<unit>[^\])]*[AV]\s*/[^\])]*|[^\])]*[AV]\s*(?:[cmuµn]?m\s*\^?-?2|sq)[^\])]*|dB\w*|a\.?\s?u\.?|%|k?ohms?|[kM]?Ω|[mµu]?[WSJC]|log[^\])]*)"
    r"\s*[\])]\s*$"
)
"""Units of headings that are neither volts nor amperes, as those of densities."""

_QUANTITIES = re.compile(r"(log|ln|lg)\d*\W|(r|g|j|p|res\w*|cond\w*|power)\b|.*(ohm|Ω|siemens|densit)", re.IGNORECASE)
"""How headings begin that mean neither volts nor amperes: logarithms, resistances, densities."""

_NO_MEASUREMENT = (9.9e37, 9.91e37)
"""Infinity and no number, as SCPI has them (IEEE 488.2)."""

_TAG = re.compile(r"^Data(?:Name|Value)\s*,\s*")
"""What Keysight's EasyEXPERT writes before the headings and before each line of numbers."""

_SCALES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3}


@dataclass
class CurveColumns:
    """Which columns hold volts and amperes, and what their numbers are multiplied by."""

    places: dict[str, int]
    scales: dict[str, float]


def read_curve(path: str | Path) -> tuple[list[float], list[float]]:
    """Read volts and amperes: two columns, or the two of more that a heading names.

    Lines of words on top are headings: names such as ``V``, ``Voltage (mV)``, ``I [uA]``, ``Current``, in any order and
    beside any others, and units in a line of their own. Columns are parted by commas, semicolons, tabs or blanks; ``#``
    starts a comment. Text is UTF-8 or Latin-1; EasyEXPERT's ``DataName`` and ``DataValue`` before a line are left out.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    volts, amperes : list of float
        In the file's order.

    Raises
    ------
    InputError
        The file cannot be read, or a line is not understood; the message begins with the path.
    """
    rows: list[list[float]] = []
    heads: list[list[str]] = []
    for number, line in text_lines(path):
        words = line_words(line, f"{path}:{number}")
        try:
            row = line_numbers(words, f"{path}:{number}")
        except InputError:
            raise
        except ValueError:
            if rows or is_number(words[0]):
                raise InputError(f"{path}:{number}: {line!r} is not two numbers, volts and amperes") from None
            heads.append(words)
            continue
        if len(row) < 2 or (rows and len(row) != len(rows[0])):
            raise InputError(f"{path}:{number}: {line!r} is not two numbers, volts and amperes")
        rows.append(row)
    if not rows:
        raise InputError(f"{path}: it holds no points; give lines of volts, amperes")
    columns = curve_columns(heads, len(rows[0]), str(path))
    volts, amperes = ([row[columns.places[unit]] * columns.scales[unit] for row in rows] for unit in ("V", "A"))
    return volts, amperes


def text_lines(path: str | Path) -> list[tuple[int, str]]:
    """Return the lines that hold anything but comments, with their numbers from 1."""
    try:
        lines = _decoded(Path(path).read_bytes()).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise unread(path, error) from None
    except (TypeError, ValueError):
        raise InputError(f"path is {path!r}: it must name a file") from None
    stripped = [(number, _TAG.sub("", line.split("#", 1)[0].strip())) for number, line in enumerate(lines, 1)]
    return [(number, line) for number, line in stripped if line]


def _decoded(data: bytes) -> str:
    """Return text of UTF-8, or of Latin-1, an instrument's micro sign in it, where all of it are letters that print."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
        if not all(letter.isprintable() or letter.isspace() for letter in text):
            raise
        return text


def line_words(line: str, where: str) -> list[str]:
    """Return the words of a line; of a heading of blanks, the whole line before them."""
    if "," in line and (";" in line or "\t" in line) and is_number(line.split(",")[0]):
        raise InputError(f"{where}: {line!r} has a comma beside another separator: write decimal points")
    separator = next((mark for mark in (";", "\t", ",") if mark in line), None)
    if separator is None and not is_number(line.split()[0]):
        return [line, *line.split()] if len(line.split()) > 1 else [line]
    return [word.strip().strip('"') for word in line.split(separator)]


def line_numbers(words: list[str], where: str) -> list[float]:
    """Return the numbers of a line.

    Raises
    ------
    ValueError
        A word is none.
    InputError
        One is what instruments write where they measured none.
    """
    row = [float(word) for word in words]
    for word, value in zip(words, row, strict=True):
        if abs(value) in _NO_MEASUREMENT:
            raise InputError(f"{where}: {word} is an instrument's word for an overflow: leave the line out")
    return row


def curve_columns(heads: list[list[str]], count: int, path: str) -> CurveColumns:
    """Find volts and amperes by the headings; without any, two columns are volts and amperes."""
    places: dict[str, int] = {}
    scales = {"V": 1.0, "A": 1.0}
    for words in heads:
        # A line of blanks was taken whole: as many words as columns are their names.
        names = words[1:] if len(words) == count + 1 else words
        if len(names) != count:
            continue
        for place, word in enumerate(names):
            match = _BARE.match(word) or _UNIT.match(word)
            name = match.groupdict().get("name") if match else word
            unit = match["unit"] if match else None
            means = unit or next((kind for kind, form in _NAMES.items() if form.match(name or "")), None)
            if means is None or (unit is None and means in places):
                continue
            foreign = _FOREIGN.search(word) if unit is None else None
            if foreign:
                raise InputError(
                    f"{path}: heading {word!r} has the unit {foreign['unit'].strip()}: give volts and amperes (mV, uA)"
                )
            if unit is None and _QUANTITIES.match(word):
                raise InputError(f"{path}: heading {word!r} is of neither volts nor amperes: give a column of them")
            if places.get(means, place) != place:
                raise InputError(f"{path}: its headings name two columns in {means}: leave one of them")
            places[means] = place
            if match:
                scales[means] = _SCALES[match["scale"]]
    if len(places) < 2 and count > 2:
        raise InputError(
            f"{path}: it has {count} columns: give them a heading that says which are volts and amperes, as t,V,I"
        )
    if len(places) == 1:
        missing, place = "A" if "V" in places else "V", 1 - next(iter(places.values()))
        _check_heading(heads, place, missing, path)
        places[missing] = place
    return CurveColumns(places or {"V": 0, "A": 1}, scales)


def _check_heading(heads: list[list[str]], place: int, missing: str, path: str) -> None:
    """Check that the one of two columns that no heading names is not said to be of another unit."""
    for words in heads:
        names = words[1:] if len(words) == 3 else words
        if len(names) == 2 and (_FOREIGN.search(names[place]) or _QUANTITIES.match(names[place])):
            raise InputError(
                f"{path}: heading {names[place]!r} is of neither volts nor amperes: it would be taken for {missing}, "
                "give a column of it"
            )


def is_number(word: str) -> bool:
    """Say whether a word is a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True
