"""A small array as a circuit: lines, cells, wires and ends, with voltages and currents beside them."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from xbarsim.errors import InputError
from xbarsim.plot.figures import plain
from xbarsim.plot.fonts import letter
from xbarsim.plot.panels import axes_or_current
from xbarsim.plot.schematic_parts import Pen, Point
from xbarsim.plot.schematic_texts import DrawnArray, DrawnSolution, SchematicTexts, circuit_texts, solution_texts
from xbarsim.plot.style import BLUE, BROWN, GREY, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 8
"""Word lines, and bit lines, of the largest array that is drawn."""

_LETTER = 0.1
"""Height of letters, in distances of two cells."""

_SMALLEST, _LARGEST = 2.0, 9.0
"""Of letters, points."""

_STUB = 0.32
"""Beyond the last crossing: where an end begins."""

_LENGTH = 0.28
"""Of a resistor."""


def schematic(circuit: DrawnArray | DrawnSolution, ax: Axes | None = None, *, vector: int = 0, title: str = "") -> Axes:
    """Draw a small array as a circuit.

    Of a ``Solution`` there are node voltages, and the currents of cells, wires and ends: those to the right, down and
    from word to bit line are positive. Of a ``Crossbar`` there are conductances and resistances. Broken wires have a
    cross, open cells are dotted, floating nodes are rings. Letters are as large as the axis has room: 8 x 8 cells in 7
    inches have letters of 5 points, and so have 4 x 4 in 3.5 inches. Each text's ``get_label()`` is the part that it
    belongs to, as ``cell[2, 3]``.

    Parameters
    ----------
    circuit : Crossbar or Solution
        What is drawn; a batch's solution with ``fields=True``.
    ax : Axes, optional
        Where to; pyplot's current axis.
    vector : int
        Which of a batch.
    title : str
        What is written above.

    Returns
    -------
    Axes
        What was drawn into.

    Raises
    ------
    InputError
        The array has more than 8 word or bit lines, there is no such vector, a batch has no fields, or matplotlib is
        not installed.
    """
    crossbar: Any = getattr(circuit, "crossbar", circuit)
    rows, cols = crossbar.conductance.shape
    if max(rows, cols) > MOST_LINES:
        raise InputError(
            f"the array is {rows} x {cols}: a schematic has {MOST_LINES} x {MOST_LINES} cells at most; "
            "cell_map draws more"
        )
    texts = circuit_texts(crossbar) if circuit is crossbar else solution_texts(circuit, vector)  # type: ignore[arg-type]
    axes = axes_or_current(ax)
    is_tied = {side: bool(np.isfinite(ends.resistance).any()) for side, ends in crossbar.boundary.items()}
    axes.set(
        xlim=(-1.0, cols + (0.25 if is_tied["word_right"] else 0.02)),
        ylim=(
            -rows - (0.6 if crossbar.boundary["bit_bottom"].voltage.any() else 0.35),
            1.15 if is_tied["bit_top"] else 0.55,
        ),
        aspect="equal",
    )
    axes.axis("off")
    axes.set_title(plain(_wrapped(axes, title, texts.key)), fontsize=TEXT)
    letter(axes)
    pen = Pen(axes, _letters(axes))
    for i in range(rows):
        for j in range(cols):
            _cell(pen, crossbar, texts, i, j)
    for side, ends in crossbar.boundary.items():
        for line, ohms in enumerate(ends.resistance):
            _end(pen, texts, side, line, float(ohms), (rows, cols))
    return axes


def _wrapped(axes: Axes, *parts: str) -> str:
    """Break lines where the axis ends."""
    letters = int(72.0 * axes.get_window_extent().width / axes.figure.dpi / (0.5 * TEXT))
    return "\n".join(line for part in parts for line in wrap(part, max(letters, 20)))


def _letters(axes: Axes) -> float:
    """Return how many points letters have, as the axis is now."""
    from matplotlib.figure import SubFigure

    # A subfigure's figure is the one around it; the oldest matplotlib that is promised has no shorter way there.
    figure = axes.figure
    while isinstance(figure, SubFigure):
        figure = figure.figure
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    axes.apply_aspect()
    left, right = axes.get_xlim()
    points: float = 72.0 * axes.get_window_extent().width / axes.figure.dpi / (right - left)
    return min(_LARGEST, max(_SMALLEST, _LETTER * points))


def _word(i: int, j: float) -> Point:
    return float(j), -float(i)


def _bit(i: float, j: int) -> Point:
    """Return where a node of a bit line is: half a cell to the right, and down."""
    return j + 0.5, -i - 0.5


def _cell(pen: Pen, crossbar: DrawnArray, texts: SchematicTexts, i: int, j: int) -> None:
    """Draw a cell, its two nodes, and the wires to the next ones."""
    (x, y), (right, down) = word, bit = _word(i, j), _bit(i, j)
    place = f"cell[{i}, {j}]"
    if crossbar.conductance[i, j] > 0.0:
        pen.cell(word, bit)
        pen.text((x + 0.165, y - 0.31), texts.at[place], place, ha="right", va="center")
    else:
        pen.line(word, bit, GREY, ":")
        pen.text((x + 0.165, y - 0.31), "open", place, ha="right", va="center", color=GREY)
    rows, cols = crossbar.conductance.shape
    if j + 1 < cols:
        _wire(pen, float(crossbar.word_wire[i, j]), word, _word(i, j + 1))
        _beside_wire(pen, texts, f"word_wire[{i}, {j}]", float(crossbar.word_wire[i, j]), (right + 0.04, y + 0.04))
    if i + 1 < rows:
        _wire(pen, float(crossbar.bit_wire[i, j]), bit, _bit(i + 1, j))
        at = (right + 0.09, down - 0.23)
        _beside_wire(pen, texts, f"bit_wire[{i}, {j}]", float(crossbar.bit_wire[i, j]), at, va="center")
    for node, at, color, va in (("w", word, BLUE, "bottom"), ("b", bit, BROWN, "center")):
        name = f"{node}[{i}, {j}]"
        words = texts.at.get(name, "")
        pen.node(at, color, words == "floating")
        beside = (at[0] + 0.03, at[1] + 0.06) if node == "w" else (at[0] + 0.07, at[1])
        pen.text(beside, words, name, va=va, color=GREY if words == "floating" else color)


def _wire(pen: Pen, ohms: float, start: Point, end: Point) -> None:
    """Draw a wire from one node over a crossing to the next, with its resistance where it has room."""
    shares = (0.62, 0.9) if start[1] == end[1] else (0.08, 0.36)
    first, last = (tuple(np.add(start, np.multiply(share, np.subtract(end, start)))) for share in shares)
    if ohms == 0.0:
        pen.line(start, end)
        return
    pen.line(start, first)
    pen.line(last, end)
    if np.isinf(ohms):
        pen.gap(first, last)
    else:
        pen.resistor(first, last)


def _beside_wire(pen: Pen, texts: SchematicTexts, place: str, ohms: float, at: Point, va: str = "bottom") -> None:
    broken = np.isinf(ohms)
    pen.text(at, "broken" if broken else texts.at.get(place, ""), place, va=va, color=GREY if broken else "black")


def _end(pen: Pen, texts: SchematicTexts, side: str, line: int, ohms: float, shape: tuple[int, int]) -> None:
    """Draw what a line's end is tied to: nothing, a source, or ground, through its resistance."""
    rows, cols = shape
    towards: Point
    start, node, towards = {
        "word_left": ((-_STUB, -float(line)), _word(line, 0), (-1.0, 0.0)),
        "word_right": ((cols - 0.5 + 0.15, -float(line)), _word(line, cols - 1), (1.0, 0.0)),
        "bit_top": ((line + 0.5, 0.15), _bit(0, line), (0.0, 1.0)),
        "bit_bottom": ((line + 0.5, -rows + 0.5 - _STUB), _bit(rows - 1, line), (0.0, -1.0)),
    }[side]
    name = {"word_left": f"word {line}", "bit_top": f"bit {line}"}.get(side, "")
    if np.isinf(ohms):
        pen.line(node, start)
        pen.node(start, "black", floating=True)
        if name:
            at = (start[0] - 0.1, start[1]) if side == "word_left" else (start[0], start[1] + 0.1)
            is_word = side == "word_left"
            pen.text(at, name, name, ha="right" if is_word else "center", va="center" if is_word else "bottom")
        return
    first = (start[0], start[1])
    last = (start[0] + _LENGTH * towards[0], start[1] + _LENGTH * towards[1])
    source = (start[0] + (_LENGTH + 0.1) * towards[0], start[1] + (_LENGTH + 0.1) * towards[1])
    pen.line(node, first)
    if ohms > 0.0:
        pen.resistor(first, last)
    else:
        pen.line(first, last)
    pen.line(last, source)
    place = f"{side}[{line}]"
    volts = texts.at[f"source {place}"]
    grounded = volts.split()[0] == "0"
    pen.source(source, towards, grounded)
    _beside_end(pen, texts.at.get(place, ""), place, first, last)
    words = [part for part in (name, "" if grounded else volts) if part]
    if side.startswith("word"):
        ha = "left" if side == "word_left" else "right"
        pen.text(
            (source[0] + 0.19 * towards[0], source[1] - 0.12), ", ".join(words), f"source {place}", ha=ha, va="top"
        )
    else:
        va = "top" if side == "bit_bottom" else "bottom"
        pen.text((source[0], source[1] + 0.22 * towards[1]), "\n".join(words), f"source {place}", ha="center", va=va)


def _beside_end(pen: Pen, words: str, place: str, first: Point, last: Point) -> None:
    """Write a current above a resistor that lies, and beside one that stands."""
    middle = ((first[0] + last[0]) / 2.0, (first[1] + last[1]) / 2.0)
    if first[1] == last[1]:
        pen.text((middle[0], middle[1] + 0.07), words, place, ha="center")
    else:
        pen.text((middle[0] + 0.07, middle[1]), words, place, va="center")
