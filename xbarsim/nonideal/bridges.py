"""Shorted neighbours in a circuit that knows cells and wires only.

A resistor between two bit lines is not part of a crossbar, but two cells in series are: an added word line that nothing
drives, without resistance of its own, with one cell of 2 / R to each of the two bit lines. Between them that is R, and
exactly so, since no current can leave such a line otherwise. It touches its bit lines where the short does, behind a
wire of 0 ohm. Shorts of word lines are the same with rows and columns exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Crossbar, LineEnds, Side
from xbarsim.errors import InputError

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Bridged:
    """A crossbar with lines added for its shorts, and where its own lines are in it.

    Attributes
    ----------
    crossbar : Crossbar
        The circuit to solve.
    rows, cols : (rows,) and (cols,) of int
        Positions of the original word and bit lines.
    """

    crossbar: Crossbar
    rows: Indices
    cols: Indices

    def inputs(self, voltages: ArrayLike) -> Array:
        """Return input vectors for ``crossbar``: (rows,) or (batch, rows) volts, with 0 for the added lines.

        Parameters
        ----------
        voltages : (rows,) or (batch, rows) array
            Volts of the original word lines.

        Raises
        ------
        InputError
            The last axis is not as long as the array has word lines.
        """
        volts = checked_array("voltages", voltages, signed=True)
        if volts.ndim not in (1, 2) or volts.shape[-1] != self.rows.size:
            raise InputError(
                f"voltages has shape {volts.shape}: it must be ({self.rows.size},) or (batch, {self.rows.size})"
            )
        full = np.zeros((*volts.shape[:-1], self.crossbar.shape[0]))
        full[..., self.rows] = volts
        return full

    def outputs(self, currents: Array) -> Array:
        """Return the original columns' part of currents (..., all columns).

        Parameters
        ----------
        currents : (..., all columns) array
            Amperes of ``crossbar``'s bit lines.
        """
        original: Array = currents[..., self.cols]
        return original

    def cells(self, values: Array) -> Array:
        """Return the original cells' part of (..., all rows, all columns): a map, or voltages of nodes.

        Parameters
        ----------
        values : (..., all rows, all columns) array
            Numbers of ``crossbar``'s cells or nodes.
        """
        original: Array = values[..., self.rows[:, None], self.cols]
        return original


def bridge(crossbar: Crossbar, word_shorts: ArrayLike, bit_shorts: ArrayLike, ohms: float) -> Bridged:
    """Return the circuit in which neighbouring lines touch.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit without them, with linear cells.
    word_shorts : (rows - 1, cols) of bool
        True where ``w[i, j]`` touches ``w[i+1, j]``.
    bit_shorts : (rows, cols - 1) of bool
        True where ``b[i, j]`` touches ``b[i, j+1]``.
    ohms : float
        Of each, > 0 and finite.

    Raises
    ------
    InputError
        A mask has another shape, ``ohms`` is out of its bounds, or the cells are not linear.
    """
    rows, cols = crossbar.shape
    word, bit = np.asarray(word_shorts, dtype=bool), np.asarray(bit_shorts, dtype=bool)
    for name, mask, shape in (("word_shorts", word, (rows - 1, cols)), ("bit_shorts", bit, (rows, cols - 1))):
        if mask.shape != shape:
            raise InputError(f"{name} has shape {mask.shape}: it must be {shape}")
    if not 0.0 < ohms < np.inf:
        raise InputError(f"ohms is {ohms}: it must be above 0 and finite")
    if not crossbar.device.linear and (word.any() or bit.any()):
        raise InputError(f"device is {crossbar.device!r}: shorts are resistors among cells, and need linear cells")
    rows_added, cols_added = _lines(bit), _lines(word.T)
    added = {"word": _added(rows, rows_added), "bit": _added(cols, cols_added)}
    own_rows, own_cols = np.flatnonzero(~added["word"]), np.flatnonzero(~added["bit"])
    grown = _Arrays(crossbar.conductance, crossbar.word_wire, crossbar.bit_wire)
    grown = _with_rows(grown, rows_added, bit, np.arange(cols), ohms).turned()
    grown = _with_rows(grown, cols_added, word.T, own_rows, ohms).turned()
    ends: dict[Side, LineEnds] = {}
    for side, tied in crossbar.boundary.items():
        new = added[side.split("_")[0]]
        voltage, resistance = np.zeros(new.size), np.full(new.size, np.inf)
        voltage[~new], resistance[~new] = tied.voltage, tied.resistance
        ends[side] = LineEnds(voltage, resistance)
    circuit = Crossbar(grown.g, word_wire=grown.along, bit_wire=grown.across, ends=ends, device=crossbar.device)
    return Bridged(circuit, own_rows, own_cols)


class _Arrays(NamedTuple):
    """Cells (rows, cols); ``along``, word wires (rows, cols - 1); ``across``, bit wires (rows - 1, cols)."""

    g: Array
    along: Array
    across: Array

    def turned(self) -> _Arrays:
        return _Arrays(self.g.T, self.across.T, self.along.T)


def _lines(shorts: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the lines to add as (row, parity): one holds a row's shorts at even columns, one those at odd ones."""
    return [
        (int(row), odd) for row in np.flatnonzero(shorts.any(axis=1)) for odd in (0, 1) if shorts[row, odd::2].any()
    ]


def _added(count: int, lines: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return which lines of the grown array are new."""
    return np.insert(np.zeros(count, dtype=bool), [row + 1 for row, _ in lines], True)


def _with_rows(
    old: _Arrays, lines: list[tuple[int, int]], shorts: NDArray[np.bool_], where: Indices, ohms: float
) -> _Arrays:
    """Add word lines for ``shorts`` between columns, whose positions in ``old`` are ``where``."""
    if not lines:
        return old
    g, along = np.zeros((len(lines), old.g.shape[1])), np.zeros((len(lines), old.along.shape[1]))
    for k, (row, odd) in enumerate(lines):
        left = np.flatnonzero(shorts[row])
        left = left[left % 2 == odd]
        g[k, where[left]] = g[k, where[left + 1]] = 2.0 / ohms
        along[k, where[left[1:]] - 1] = np.inf  # between one short's two nodes and the next one's
    after = [row for row, _ in lines]
    return _Arrays(
        np.insert(old.g, [row + 1 for row in after], g, axis=0),
        np.insert(old.along, [row + 1 for row in after], along, axis=0),
        np.insert(old.across, after, 0.0, axis=0),
    )
