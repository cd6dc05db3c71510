"""The arrays of a solution by name, with their axes and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.views.labelled import LabelledArray

Floats = NDArray[np.float64]

_CELLS = {
    "word_voltages": ("V", "voltage of the word-line node"),
    "bit_voltages": ("V", "voltage of the bit-line node"),
    "device_voltages": ("V", "voltage across the cell, from word to bit line"),
    "device_currents": ("A", "current through the cell, from word to bit line"),
}


def end_arrays(end_currents: Mapping[Any, Floats]) -> dict[str, LabelledArray]:
    """Return the currents of all four sides: ``(word,)`` or ``(bit,)``, behind ``batch`` where there are several."""
    arrays = {}
    for side, amperes in end_currents.items():
        line = str(side).split("_", 1)[0]
        dims = (line,) if amperes.ndim == 1 else ("batch", line)
        arrays[f"{side}_currents"] = LabelledArray(dims, amperes, "A", f"current out of the array at {side}")
    return arrays


def cell_arrays(conductance: Floats, fields: Mapping[str, Floats]) -> dict[str, LabelledArray]:
    """Return what there is of each cell: ``(word, bit)``, behind ``batch`` where there are several.

    Parameters
    ----------
    conductance : (rows, cols) array
        Siemens.
    fields : mapping of str to (rows, cols) or (batch, rows, cols) array
        Voltages and currents by name.
    """
    arrays = {"conductance": LabelledArray(("word", "bit"), conductance, "S", "conductance of the cell")}
    for name, values in fields.items():
        dims = ("word", "bit") if values.ndim == 2 else ("batch", "word", "bit")
        arrays[name] = LabelledArray(dims, values, *_CELLS[name])
    return arrays


FIELDS = tuple(_CELLS)
