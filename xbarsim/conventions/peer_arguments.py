"""Arguments of badcrossbar, CrossSim and NeuroSim as those of ``Crossbar``.

All three count a wire segment before the first cell of a word line and behind the last of a bit line; here these are
``driver`` and ``sense``.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.errors import InputError

RowTerminal = Literal["ends", "row-0"]


def badcrossbar(
    resistances: ArrayLike, r_i: float | None, r_i_word_line: float | None, r_i_bit_line: float | None
) -> dict[str, Any]:
    """Return the crossbar of ``badcrossbar.compute(applied_voltages, resistances, r_i)``.

    Source: badcrossbar 1.1.0, ``compute.py`` and ``computing/kcl.py``: the node of the first column has ``2/r_i``.

    Parameters
    ----------
    resistances : (rows, cols) array_like
        Ohms.
    r_i : float or None
        Ohms of a segment of either layer; None: those two are there.
    r_i_word_line, r_i_bit_line : float or None
        Ohms of a segment of word lines and of bit lines; both, or neither.
    """
    ohms = checked_array("resistances", resistances, inf_ok=True)
    if ohms.ndim != 2 or ohms.size == 0:
        raise InputError(f"resistances has shape {ohms.shape}: it must be (word lines, bit lines), at least 1 x 1")
    if not (ohms > 0.0).all():
        i, j = (int(k) for k in np.argwhere(ohms <= 0.0)[0])
        raise InputError(f"resistances[{i}, {j}] is 0 ohm: a device's resistance must be > 0 (inf is an open cell)")
    if r_i is not None and (r_i_word_line is not None or r_i_bit_line is not None):
        raise InputError("r_i is of both layers: give it, or r_i_word_line and r_i_bit_line")
    word = r_i if r_i is not None else r_i_word_line
    bit = r_i if r_i is not None else r_i_bit_line
    if word is None or bit is None:
        raise InputError("r_i is missing: give it, or both r_i_word_line and r_i_bit_line")
    word, bit = _ohms("r_i_word_line", word), _ohms("r_i_bit_line", bit)
    return {"conductance": 1.0 / ohms, "word_wire": word, "bit_wire": bit, "driver": word, "sense": bit}


def crosssim(
    matrix: ArrayLike,
    minimum: float,
    row: float,
    col: float,
    row_terminal: float,
    col_terminal: float,
    placed: RowTerminal,
) -> dict[str, Any]:
    """Return the crossbar that CrossSim's solver stands for, of a matrix (outputs, inputs) in units of ``1/Rmin``.

    Source: CrossSim 3.2, ``simulator/circuits/array/NonInterleaved_InputSource.py``. There arrays are
    (outputs, inputs), and ``Rp_in_mat[:, 0] += Rp_in_terminal`` adds the terminal to every segment of the first row's
    line and to none of another row; ``Rp_in_mat[0] += ...`` would be each row's end.

    Parameters
    ----------
    matrix : (outputs, inputs) array_like
        Conductances times ``Rmin``.
    minimum : float
        Ohms, its ``Rmin``.
    row, col : float
        Ohms of a segment.
    row_terminal, col_terminal : float
        Ohms of drivers and sensors.
    placed : {"ends", "row-0"}
        What ``row_terminal`` is added to: each row's end, or every segment of row 0 as CrossSim has it.
    """
    relative = checked_array("matrix", matrix)
    if relative.ndim != 2 or relative.size == 0:
        raise InputError(f"matrix has shape {relative.shape}: it must be (outputs, inputs), at least 1 x 1")
    if placed not in ("ends", "row-0"):
        raise InputError(f"row_terminal is {placed!r}: it must be 'ends' or 'row-0'")
    unit = _ohms("Rmin", minimum)
    if unit == 0.0:
        raise InputError("Rmin is 0 ohm: it must be > 0")
    outputs, rows = relative.shape
    wire, terminal = _ohms("Rp_row", row), _ohms("Rp_row_terminal", row_terminal)
    driver, word = np.full(rows, wire), np.full((rows, outputs - 1), wire)
    if placed == "ends":
        driver += terminal
    else:
        driver[0] += terminal
        word[0] += terminal
    bit = _ohms("Rp_col", col)
    sense = bit + _ohms("Rp_col_terminal", col_terminal)
    return {"conductance": relative.T / unit, "word_wire": word, "bit_wire": bit, "driver": driver, "sense": sense}


def neurosim(conductance: ArrayLike, row: float, col: float, access: float) -> dict[str, Any]:
    """Return the crossbar of NeuroSim's sub-array: an access resistance in series with each cell.

    Source: DNN+NeuroSim 1.4, ``ProcessingUnit.cpp``, ``GetColumnResistance``: ``1/weight[i][j] +
    (j + 1) wireResistanceRow + (rows - i) wireResistanceCol + resistanceAccess``.

    Parameters
    ----------
    conductance : (rows, cols) array_like
        Siemens.
    row, col : float
        Ohms of a segment.
    access : float
        Ohms in series with each cell.
    """
    g = checked_array("conductance", conductance)
    if g.ndim != 2 or g.size == 0:
        raise InputError(f"conductance has shape {g.shape}: it must be (rows, cols), at least 1 x 1")
    word, bit = _ohms("wireResistanceRow", row), _ohms("wireResistanceCol", col)
    series: Array = g / (1.0 + g * _ohms("resistanceAccess", access))
    return {"conductance": series, "word_wire": word, "bit_wire": bit, "driver": word, "sense": bit}


def _ohms(name: str, value: float) -> float:
    array = checked_array(name, value)
    if array.ndim:
        raise InputError(f"{name} has shape {array.shape}: it must be one number of ohms")
    return float(array)
