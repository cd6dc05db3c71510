"""An array with source lines along bit lines as a crossbar whose word lines are both of a column's lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.crossbar import Crossbar, LineEnds
from xbarsim.errors import InputError
from xbarsim.topologies.source_line_array import SourceLineArray
from xbarsim.topologies.source_line_solve import checked_gates


def doubled_crossbar(array: SourceLineArray, gates: ArrayLike) -> Crossbar:
    """Return the crossbar that an array of linear cells is, for one pattern of gates.

    Its word lines 2 j and 2 j + 1 are column j's source and bit line, from top to bottom; its bit lines are the cells'
    inner nodes, one a row and pair of lines. A cell g is two cells 2 g in series, joined by 0 ohm of bit wire, which
    between pairs is broken. All that solves, maps, draws or writes crossbars so takes such arrays, at its own price:
    ``solve_source_lines`` is many times faster.

    Parameters
    ----------
    array : SourceLineArray
        Of linear cells.
    gates : array_like, (rows,)
        On (1, True) or off (0, False) for each row of cells.

    Returns
    -------
    Crossbar
        Of 2 cols word lines and rows bit lines. Its word_left voltages are ``voltages`` at lines 2 j and those of
        ``bit_top`` at 2 j + 1; its end currents at word_left are source_top's and bit_top's, those at word_right
        source_bottom's and bit_bottom's.

    Raises
    ------
    InputError
        The cells are not linear, or ``gates`` is malformed.
    """
    if not array.device.linear:
        raise InputError(f"cells of {array.device!r} cannot be cut in two: only linear ones have such a crossbar")
    pattern = checked_gates(array, gates)
    rows, cols = array.shape
    if pattern.ndim != 1:
        raise InputError(f"gates has shape {pattern.shape}: a crossbar stands for one pattern, ({rows},)")
    ends = array.boundary

    def alternate(source: np.ndarray, bit: np.ndarray) -> np.ndarray:
        return np.stack([source, bit], axis=1).reshape(2 * cols, *source.shape[1:])

    halves = 2.0 * (array.cells * pattern[:, None]).T
    between = np.where(np.arange(2 * cols - 1)[:, None] % 2 == 0, 0.0, np.inf)
    left = alternate(ends["source_top"].resistance, ends["bit_top"].resistance)
    right = LineEnds(
        alternate(ends["source_bottom"].voltage, ends["bit_bottom"].voltage),
        alternate(ends["source_bottom"].resistance, ends["bit_bottom"].resistance),
    )
    return Crossbar(
        alternate(halves, halves),
        word_wire=alternate(array.source_wire.T, array.bit_wire.T),
        bit_wire=np.broadcast_to(between, (2 * cols - 1, rows)),
        driver=left,
        sense=np.inf,
        ends={"word_right": right},
    )
