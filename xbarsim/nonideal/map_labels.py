"""A tile's maps as labelled arrays of its cells."""

from __future__ import annotations

import numpy as np

from xbarsim.nonideal.maps import Maps
from xbarsim.views.labelled import LabelledArray

_MEANINGS = {
    "fault": ("faults", "0 healthy, 1 stuck at LRS, 2 stuck at HRS"),
    "factor": ("factor", "conductance over its target by variation"),
    "nu": ("nu", "exponent of drift"),
    "word_broken": ("word_breaks", "the word line's segment to the next cell is broken"),
    "bit_broken": ("bit_breaks", "the bit line's segment to the next cell is broken"),
    "word_shorted": ("word_shorts", "the word line touches the next"),
    "bit_shorted": ("bit_shorts", "the bit line touches the next"),
}


def cell_labels(maps: Maps) -> dict[str, LabelledArray]:
    """Return each map as ``(word, bit)``; what lies between two lines stands at the first, and last lines have none.

    Parameters
    ----------
    maps : Maps
        What is frozen in a tile of (rows, cols).
    """
    arrays = {}
    for name, (source, meaning) in _MEANINGS.items():
        values = getattr(maps, source)
        if values.shape != maps.shape:
            short, values = values, np.zeros(maps.shape, dtype=values.dtype)
            values[: short.shape[0], : short.shape[1]] = short
        arrays[name] = LabelledArray(("word", "bit"), values, "", meaning)
    return arrays
