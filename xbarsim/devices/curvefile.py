"""Measured curves from text: which column is which, in which units, under how many headings."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xbarsim.errors import InputError
from xbarsim.unread import unread

_NAMES = {
    "V": re.compile(r"[vu]1?$|.*volt|bias|v[ _-]?(app|in|set|read|cell|d|ds|te|force|meas)|[ab]v$|vf", re.IGNORECASE),
    "A": re.compile(r"i1?$|.*curr|amp|i[ _-]?(out|meas|cell|d|ds|te|read)|[ab]i$", re.IGNORECASE),
}
"""How headings begin that mean volts or amperes."""

_SPELLED = "femto|pico|nano|micro|milli|kilo"
_WORD = r"(?P<unit>volt|amp(?:ere)?)s?"
_BARE = re.compile(r"^[\[(]?\s*(?P<scale>[fpnuµμmk]?)(?P<unit>[VA])\s*[\])]?$")
_UNITS = tuple(
    re.compile(rf"^(?P<name>.*?)\s*{end}$", flags)
    for end, flags in (
        (r"[\[(/_, ]\s*(?P<scale>[fpnuµμmk]?)(?P<unit>[VA])\s*[\])]?", 0),
        (r"-(?P<scale>[fpnuµμmk])(?P<unit>[VA])", 0),
        (r"[\[(]\s*(?P<scale>[fpnuµμmk])(?P<unit>[va])\s*[\])]", 0),
        (rf"[\[(]\s*(?P<scale>(?-i:[fpnuµμmk])|{_SPELLED})?\s?{_WORD}\s*[\])]", re.IGNORECASE),
        (rf"(?:^|[\s/_,-])(?P<scale>{_SPELLED}){_WORD}", re.IGNORECASE),
    )
)
"""How headings end that have a unit: ``V (mV)``, ``I-uA``, ``I (ma)``, ``Current (milliamps)``, ``microamps``."""

_FOREIGN = re.compile(
    r"[\[(]\s*(?P<unit>[^\])]*[AV]\s*/[^\])]*|[^\])]*[AV]\s*(?:[cmuµn]?m\s*\^?-?2|sq)[^\])]*|dB\w*|a\.?\s?u\.?|%|(?:[MGTP]|mega|giga)(?:[VA]|volts?|amp(?:ere)?s?)|k?ohms?|[kM]?Ω|[mµu]?[WSJC]|log[^\])]*)"
    r"\s*[\])]\s*$"
)
"""Units of headings that are neither volts nor amperes, as those of densities."""

_QUANTITIES = re.compile(
    r"(log|ln|lg)\d*\W|\||(abs|mag)|(r|g|j|p|res\w*|cond\w*|power)\b|.*(ohm|Ω|siemens|densit)", re.IGNORECASE
)
"""How headings begin that mean neither volts nor amperes: logarithms, magnitudes, resistances, densities."""

_NUMBER_LIKE = re.compile(
    r"[+\-\u2212\u2013]?(0x[0-9a-f]+|[\d.,_]*\d[\d.,_]*([ed]?[+\-\u2212\u2013]?\d+)?)", re.IGNORECASE
)
"""What is meant for a number whether it is one or not: a decimal comma, a minus of print, Fortran's exponent."""

_NO_MEASUREMENT = (9.9e37, 9.91e37)
"""Infinity and no number, as SCPI has them (IEEE 488.2)."""

_QUOTED = re.compile(r'"[^"]*"')

_TAG = re.compile(r"^Data(?:Name|Value)\s*,\s*")
"""What Keysight's EasyEXPERT writes before the headings and before each line of numbers."""

_SCALES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3}
_SCALES |= {word: _SCALES[word[0]] for word in ("femto", "pico", "nano", "milli", "kilo")} | {"micro": 1e-6}


@dataclass
class CurveColumns:
    """Which columns hold volts and amperes, and what their numbers are multiplied by.

    Attributes
    ----------
    places : dict of str to int
        The columns, by ``"V"`` and ``"A"``.
    scales : dict of str to float
        What their numbers are times that are volts and amperes.
    beside : dict of str to list of str
        Headings of more columns that would do, which come later and have no unit.
    has_names : bool
        Whether headings name both.
    """

    places: dict[str, int]
    scales: dict[str, float]
    beside: dict[str, list[str]] = field(default_factory=dict)
    has_names: bool = True


@dataclass(frozen=True)
class _Unit:
    """The unit that a heading ends with: ``V`` or ``A``, its scale, and the name before it."""

    name: str
    unit: str
    scale: float


def _unit_of(word: str) -> _Unit | None:
    """Return the unit of a heading, None where it has none of volts or amperes."""
    match = next(filter(None, (form.match(word) for form in (_BARE, *_UNITS))), None)
    if match is None:
        return None
    scale = match["scale"] or ""
    return _Unit(
        match.groupdict().get("name") or "",
        match["unit"][0].upper(),
        _SCALES[scale.lower()],
    )


def read_curve(path: str | Path, columns: str | Sequence[str] | None = None) -> tuple[list[float], list[float]]:
    """Read volts and amperes: two columns, or the two of more that a heading names.

    Lines of words on top are headings: names such as ``V``, ``Voltage (mV)``, ``I [uA]``, ``Current``, in any order and
    beside any others, and units in a line of their own. Columns are parted by commas, semicolons, tabs or blanks; ``#``
    starts a comment. Text is UTF-8 or Latin-1; EasyEXPERT's ``DataName`` and ``DataValue`` before a line are left out.

    Parameters
    ----------
    path : str or Path
        The file.
    columns : str or (volts, amperes), optional
        Headings, or numbers from 1, of the two columns that are meant, ``"AnodeV,AnodeI"``.

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
    layout = curve_columns(heads, len(rows[0]), str(path), columns)
    volts, amperes = ([row[layout.places[unit]] * layout.scales[unit] for row in rows] for unit in ("V", "A"))
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
    """Return the words of a line; of a heading of blanks, the whole line before them.

    Parameters
    ----------
    line : str
        A line of text, without what is at its end.
    where : str
        ``file:line``, for messages.
    """
    if "," in line and (";" in line or "\t" in line) and is_number(line.split(",")[0]):
        raise InputError(f"{where}: {line!r} has a comma beside another separator: write decimal points")
    separator = next((mark for mark in (";", "\t", ",") if mark in _QUOTED.sub("", line)), None)
    if separator is None and not is_number(line.split()[0]):
        return [line, *line.split()] if len(line.split()) > 1 else [line]
    # A separator between quotes parts nothing.
    words = line.split() if separator is None else next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    return [word.strip().strip('"') for word in words]


def line_numbers(words: list[str], where: str) -> list[float]:
    """Return the numbers of a line.

    Parameters
    ----------
    words : list of str
        One for each column, with decimal points.
    where : str
        ``file:line``, for messages.

    Raises
    ------
    ValueError
        A word is none.
    InputError
        One is what instruments write where they measured none.
    """
    if not all(map(is_number, words)):
        raise ValueError(words)
    row = [float(word) for word in words]
    for word, value in zip(words, row, strict=True):
        if abs(value) in _NO_MEASUREMENT:
            raise InputError(f"{where}: {word} is an instrument's word for an overflow: leave the line out")
    return row


def curve_columns(
    heads: list[list[str]], count: int, path: str, columns: str | Sequence[str] | None = None
) -> CurveColumns:
    """Find volts and amperes by the headings; without any, two columns are volts and amperes.

    Parameters
    ----------
    heads : list of list of str
        The words of lines on top.
    count : int
        Columns of numbers.
    path : str
        What messages begin with.
    columns : str or (volts, amperes), optional
        Headings or numbers of those that are meant.

    Raises
    ------
    InputError
        Headings name none, or several, or what is no volts and amperes; ``columns`` are not there.
    """
    if columns:
        return _named_columns(_headings(heads, count), count, path, columns)
    places: dict[str, int] = {}
    beside: dict[str, list[str]] = {}
    scales = {"V": 1.0, "A": 1.0}
    for names in _headings(heads, count):
        for place, word in enumerate(names):
            match = _unit_of(word)
            unit = match.unit if match else None
            means = unit or next((kind for kind, form in _NAMES.items() if form.match(word)), None)
            if means is None:
                continue
            if unit is None and means in places:
                if places[means] != place and word not in beside.get(means, []):
                    beside.setdefault(means, []).append(word)
                continue
            foreign = _FOREIGN.search(word) if unit is None else None
            if foreign:
                raise InputError(
                    f"{path}: heading {word!r} has the unit {foreign['unit'].strip()}: give volts and amperes (mV, uA)"
                )
            if unit is None and _QUANTITIES.match(word):
                raise InputError(f"{path}: heading {word!r} is of neither volts nor amperes: give a column of them")
            if places.get(means, place) != place:
                raise InputError(f"{path}: its headings name two columns in {means}: {_way(heads, count)}")
            places[means] = place
            if match:
                scales[means] = match.scale
    has_names = len(places) == 2
    if not has_names and count > 2:
        raise InputError(
            f"{path}: it has {count} columns: give them a heading that says which are volts and amperes, as t,V,I, "
            f"or {_way(heads, count)}"
        )
    if len(places) == 1:
        missing, place = "A" if "V" in places else "V", 1 - next(iter(places.values()))
        _check_heading(heads, place, missing, path)
        places[missing] = place
    return CurveColumns(places or {"V": 0, "A": 1}, scales, beside, has_names)


def _headings(heads: list[list[str]], count: int) -> list[list[str]]:
    """Return the lines on top that have a word for each column."""
    # A line of blanks was taken whole: as many words as columns are their names.
    lines = [words[1:] if len(words) == count + 1 else words for words in heads]
    return [names for names in lines if len(names) == count]


def _way(heads: list[list[str]], count: int) -> str:
    """Say how columns are chosen, by headings that may be meant."""
    names = next(iter(_headings(heads, count)), [])
    volts, amperes = (next((name for name in names if re.search(end, name)), "") for end in ("[vV]$", "[iIaA]$"))
    example = f"{volts},{amperes}" if volts and amperes else "1,2"
    return f'choose volts and amperes by headings or numbers, as columns="{example}"'


def _named_columns(lines: list[list[str]], count: int, path: str, columns: str | Sequence[str]) -> CurveColumns:
    """Find the columns that were asked for by heading or number."""
    words = [str(word).strip() for word in (columns.split(",") if isinstance(columns, str) else columns)]
    if len(words) != 2 or words[0] == words[1]:
        raise InputError(f"columns is {columns!r}: give two headings or numbers, volts first, as 'AnodeV,AnodeI'")
    places = {unit: _place(lines, count, path, word) for unit, word in zip(("V", "A"), words, strict=True)}
    scales = {"V": 1.0, "A": 1.0}
    for unit, place in places.items():
        for name in (names[place] for names in lines):
            match = _unit_of(name)
            foreign = _FOREIGN.search(name)
            if (match and match.unit != unit) or (foreign and not match):
                unit_name = "volts" if unit == "V" else "amperes"
                raise InputError(f"{path}: heading {name!r} is not of {unit_name}: columns are volts and amperes")
            if match:
                scales[unit] = match.scale
    return CurveColumns(places, scales)


def _place(lines: list[list[str]], count: int, path: str, word: str) -> int:
    """Return the column of a heading, its unit left out or not, or of a number from 1."""
    places: set[int] = set()
    for names in lines:
        for place, name in enumerate(names):
            match = _unit_of(name)
            if word.lower() in (name.lower(), match.name.strip().lower() if match and match.name else name.lower()):
                places.add(place)
    if not places and word.isdecimal() and 1 <= int(word) <= count:
        return int(word) - 1
    if len(places) == 1:
        return places.pop()
    if places:
        raise InputError(f"{path}: {len(places)} columns are headed {word!r}: give their numbers, 1 to {count}")
    headings = ", ".join(lines[0]) if lines else f"not headed: give numbers, 1 to {count}"
    raise InputError(f"{path}: no column is {word!r}: they are {headings}")


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
    """Say whether a word is a number; Python's ``1_000`` is none."""
    try:
        float(word)
    except ValueError:
        return False
    return "_" not in word


def is_number_like(word: str) -> bool:
    """Say whether a word is meant for a number, whether it is one or not."""
    return is_number(word) or _NUMBER_LIKE.fullmatch(word) is not None
