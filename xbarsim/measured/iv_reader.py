"""Current-voltage curves from text as instruments write it, with notes on whatever was taken for something."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xbarsim.checks import Array
from xbarsim.devices.curvefile import (
    CurveColumns,
    curve_columns,
    is_number,
    is_number_like,
    line_numbers,
    line_words,
    text_lines,
)
from xbarsim.errors import InputError
from xbarsim.measured.iv_curve import MeasuredCurve
from xbarsim.quantities import counted, engineering

_TIME = re.compile(
    r"^\s*(t|elapsed|timestamp|.*\btime)\s*([\[(/_ ]\s*(?P<scale>[numµμ]?)s(ec\w*)?\s*[\])]?)?\s*$", re.IGNORECASE
)
_TIME_UNIT = re.compile(r"^[\[(]?\s*(?P<scale>[numµμ]?)s\s*[\])]?$")
_SCALES = {"": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9}

_OFFSET = 1e-15
"""Amperes at 0 V that are told of."""

_MOST_VOLTS, _MOST_SIEMENS = 100.0, 1.0
"""What is beyond these is told of."""


def read_iv(path: str | Path, *, columns: str | Sequence[str] | None = None) -> MeasuredCurve:
    """Read a current-voltage curve from text.

    Lines of words, on top or between cycles, are headings: names in any order and beside any others, and units, in the
    names or in a line of their own (``Voltage (mV)``, ``I [uA]``, ``t,V,I`` over ``s,V,A``). Columns are parted by
    commas, semicolons, tabs or blanks; ``#`` starts a comment. Of three columns without headings the first, if it
    only rises, is time. Several cycles may follow each other, forward and back.

    Parameters
    ----------
    path : str or Path
        The file.
    columns : str or (volts, amperes), optional
        Headings, or numbers from 1, of the two columns that are meant where headings tell of several or none:
        ``("AnodeV", "AnodeI")``.

    Returns
    -------
    MeasuredCurve
        Its ``notes`` say what was taken for what, which current flows at 0 V, and what looks odd: voltages of hundreds
        of volts, currents above the voltages, which columns in another order have.

    Raises
    ------
    InputError
        The file cannot be read, or a line is not understood; the message begins with the path.
    """
    rows, heads, later, notes = _rows(path)
    count = len(rows[0])
    table = np.array(rows)
    if not heads and count == 3 and not columns and bool(np.all(np.diff(table[:, 0]) > 0.0)):
        notes.append("three columns without a heading: the first only rises, so they are time, volts, amperes")
        heads = [["time", "V", "A"]]
    layout = curve_columns(heads, count, str(path), columns)
    for number, words in later:
        _check_later(path, number, words, count, layout, by_caller=bool(columns))
    notes += [
        f"of several columns of {name} the first was taken, not {' or '.join(layout.beside[unit])}: columns= chooses"
        for unit, name in (("V", "volts"), ("A", "amperes"))
        if unit in layout.beside
    ]
    volts, amperes = (table[:, layout.places[unit]] * layout.scales[unit] for unit in ("V", "A"))
    if not heads and not columns:
        notes.append("no heading: the two columns were taken as volts and amperes")
    seconds = _seconds(heads, table, set(layout.places.values()))
    notes += [
        f"{unit} are multiplied by {scale:g}"
        for unit, scale in (("volts", layout.scales["V"]), ("amperes", layout.scales["A"]))
        if scale != 1.0
    ]
    try:
        curve = MeasuredCurve(volts, amperes, seconds, tuple(notes))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return curve.with_notes(*_remarks(curve))


Heading = tuple[int, list[str]]
"""Of a line of words: its number, and these."""


def _rows(path: str | Path) -> tuple[list[list[float]], list[list[str]], list[Heading], list[str]]:
    """Return the lines of numbers, those of words before the first, those of words behind it, and notes."""
    rows: list[list[float]] = []
    heads: list[Heading] = []
    later: list[Heading] = []
    for number, line in text_lines(path):
        words = line_words(line, f"{path}:{number}")
        while len(words) > 1 and words[-1] == "":  # a separator at the end of the line
            words.pop()
        if not all(map(is_number, words)):
            number_like = all(map(is_number_like, words)) or (bool(rows) and is_number_like(words[0]))
            if number_like and len(words) > 1:
                raise _no_number(path, number, words)
            (later if rows else heads).append((number, words))
            continue
        row = line_numbers(words, f"{path}:{number}")
        if len(row) < 2 or (rows and len(row) != len(rows[0])):
            expected = f"{len(rows[0])} numbers, as the first has" if rows else "volts and amperes at least"
            raise InputError(f"{path}:{number}: it has {counted(len(row), 'number')}: give {expected}")
        rows.append(row)
    if not rows:
        for number, words in heads:
            if is_number_like(words[0]) and len(words) > 1:
                raise _no_number(path, number, words)
        raise InputError(f"{path}: it holds no points; give lines of volts, amperes")
    notes = [f"{counted(len(later), 'line')} of words between the numbers left out"] if later else []
    return rows, [words for _, words in heads], later, notes


def _no_number(path: str | Path, number: int, words: list[str]) -> InputError:
    bad = next(word for word in words if not is_number(word))
    return InputError(f"{path}:{number}: {bad[:30]!r} is no number: leave the line out, or make it a # comment")


def _check_later(
    path: str | Path, number: int, words: list[str], count: int, layout: CurveColumns, *, by_caller: bool
) -> None:
    """Check that a heading between the numbers says the same as those on top; raise InputError where it does not."""
    try:
        again = curve_columns([words], count, str(path))
    except InputError:
        return
    if again.has_names and (again.places != layout.places or again.scales != layout.scales) and not by_caller:
        raise InputError(
            f"{path}:{number}: this heading is another than the one on top, {','.join(words)}: give a file of its own "
            "to what has other columns or units"
        )


def _seconds(heads: list[list[str]], table: Array, occupied: set[int]) -> Array | None:
    """Return the column of time, if a heading names one; a unit may stand in a line of its own."""
    count = table.shape[1]
    lines = [words[1:] if len(words) == count + 1 else words for words in heads]
    lines = [names for names in lines if len(names) == count]
    for place in sorted(set(range(count)) - occupied):
        names = [match for match in (_TIME.match(line[place]) for line in lines) if match]
        units = [match["scale"] for match in (_TIME_UNIT.match(line[place]) for line in lines) if match]
        if names:
            scale = next(filter(None, [match["scale"] for match in names] + units), "")
            return np.asarray(table[:, place] * _SCALES[scale.lower()])
    return None


def _remarks(curve: MeasuredCurve) -> list[str]:
    """Say what is odd about a curve."""
    remarks = []
    largest_volts, largest = float(np.abs(curve.voltage).max()), float(np.abs(curve.current).max())
    offset = curve.offset
    if offset is not None and abs(offset) > _OFFSET:
        share = abs(offset) / largest
        remarks.append(
            f"{engineering(offset, 'A')} at 0 V, {share:.1e} of the largest current: an instrument's offset; "
            "without_offset() subtracts it"
        )
    if largest > _MOST_SIEMENS * largest_volts > 0.0:
        remarks.append(
            f"currents reach {engineering(largest, 'A')} at {engineering(largest_volts, 'V')}: are they in another "
            "unit, or the columns in another order? A heading with units says which is which"
        )
    elif largest_volts > _MOST_VOLTS:
        remarks.append(f"voltages reach {engineering(largest_volts, 'V')}: are they millivolts? Head the column V (mV)")
    return remarks
