"""What looks odd about numbers that are legal: units and axes that were mistaken for others."""

from __future__ import annotations

import numpy as np

from xbarsim.checks import Array
from xbarsim.quantities import engineering

_MOST_SIEMENS, _MOST_VOLTS = 0.05, 20.0
"""A cell of 20 ohm is a wire, and 20 V are no read's."""


def odd_conductances(conductance: Array) -> list[str]:
    """Say whether conductances look like ohms, or like milli- or microsiemens.

    Parameters
    ----------
    conductance : (rows, cols)
        Taken as siemens.

    Returns
    -------
    list of str
        Empty where nothing is odd.
    """
    conducting = conductance[conductance > 0.0]
    if not conducting.size:
        return ["conductance is 0 everywhere: every cell is open"]
    middle = float(np.median(conducting))
    if middle <= _MOST_SIEMENS:
        return []
    ohms = engineering(1.0 / middle, "ohm")
    unit = "ohms" if middle > 500.0 else "milli- or microsiemens"
    way = "1 / R is siemens" if middle > 500.0 else "multiply by 1e-3 or 1e-6"
    return [f"half of the cells conduct {engineering(middle, 'S')} and more, {ohms}: are these {unit}? {way}"]


def odd_voltages(voltages: Array) -> list[str]:
    """Say whether voltages look like millivolts.

    Parameters
    ----------
    voltages : array
        Taken as volts.
    """
    largest = float(np.abs(voltages).max(initial=0.0))
    if largest <= _MOST_VOLTS:
        return []
    return [f"voltages reach {engineering(largest, 'V')}: are these millivolts?"]


def turned(shape: tuple[int, ...], rows: int, cols: int) -> str:
    """Return the end of a message on voltages that do not fit: which of two arrays seems to be transposed.

    Parameters
    ----------
    shape : tuple of int
        Of the voltages.
    rows, cols : int
        Of the crossbar.
    """
    if len(shape) == 2 and shape[0] == rows:
        return "; its transpose would fit"
    if shape and shape[-1] == cols != rows:
        return f"; it has as many as there are columns: is conductance transposed? It is {rows} word lines x {cols}"
    return ""
