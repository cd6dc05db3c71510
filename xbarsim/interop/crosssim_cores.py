"""Conductances out of CrossSim's cores, of each style: pairs, one array with its zero point, slices of bits.

Nothing of CrossSim is imported: a core is asked for the attributes that its sources have, and what it lacks is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from xbarsim.conventions.peer_arguments import RowTerminal
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.interop.foreign_arrays import ForeignArrays, ForeignPart, attribute

_Read = Callable[[Any], Crossbar]


def crosssim_arrays(core: Any, *, row_terminal: RowTerminal = "ends") -> ForeignArrays:
    """Return the arrays of a CrossSim ``AnalogCore`` as they are programmed, with its parasitic resistances.

    Source: CrossSim 3.2, ``simulator/cores/`` and ``parameters/xbar_parameters.py``.

    Parameters
    ----------
    core : AnalogCore
        Of the styles BALANCED, OFFSET and BITSLICED, whose current comes from the input lines.
    row_terminal : {"ends", "row-0"}
        As ``Crossbar.from_crosssim`` has it.

    Raises
    ------
    InputError
        The core is of another kind, or lacks an attribute that CrossSim 3.2's have.
    """
    params = attribute(core, "params", "core")
    if getattr(core, "complex_valued", False):
        raise InputError("core is of complex numbers: give a core of the real part and one of the imaginary part")
    if attribute(params, "core.balanced.interleaved_posneg", "core.params"):
        raise InputError("core interleaves positive and negative cells on one line: it is no pair of crossbars")
    parasitics = attribute(params, "xbar.array.parasitics", "core.params")
    if not attribute(parasitics, "current_from_input", "core.params.xbar.array.parasitics"):
        raise InputError("core's current comes from lines of its own: topologies.SourceLineArray is such an array")
    minimum = float(attribute(params, "xbar.device.Rmin", "core.params"))
    enabled = bool(getattr(parasitics, "enable", True))
    names = ("Rp_row", "Rp_col", "Rp_row_terminal", "Rp_col_terminal")
    wires = {name: float(attribute(parasitics, name, "parasitics")) if enabled else 0.0 for name in names}

    def read(inner: Any) -> Crossbar:
        matrix = np.asarray(attribute(inner, "_read_matrix", "an array of core")(), dtype=np.float64)
        return Crossbar.from_crosssim(matrix, Rmin=minimum, row_terminal=row_terminal, **wires)

    parts: list[ForeignPart] = []
    column = 0
    for line in attribute(core, "cores", "core"):
        row = 0
        for inner in line:
            parts += _parts(inner, row, column, minimum, read)
            row += parts[-1].shape[0]
        column += parts[-1].shape[1]
    return ForeignArrays(tuple(parts), (row, column))


def _parts(inner: Any, row: int, col: int, minimum: float, read: _Read) -> Iterator[ForeignPart]:
    """Yield the arrays of one of a core's inner cores."""
    for attributes, parts in (("core_pos", _balanced), ("core_slices", _sliced), ("Wrange_xbar", _offset)):
        if hasattr(inner, attributes):
            yield from parts(inner, row, col, minimum, read)
            return
    raise InputError(f"core holds a {type(inner).__name__}: it must be of style BALANCED, OFFSET or BITSLICED")


def _balanced(inner: Any, row: int, col: int, minimum: float, read: _Read) -> Iterator[ForeignPart]:
    """Yield the pair of ``balanced_core.py``: ``g = Gmin + Grange |w| / max``, or half of it from the middle."""
    positive, negative = read(inner.core_pos), read(attribute(inner, "core_neg", "a BalancedCore"))
    unit = float(inner.max) * minimum / float(attribute(inner, "params.xbar.device.Grange_norm", "a BalancedCore"))
    yield ForeignPart(row, col, positive, negative, np.full(positive.shape[1], unit))


def _offset(inner: Any, row: int, col: int, minimum: float, read: _Read) -> Iterator[ForeignPart]:
    """Yield the array of ``offset_core.py``: ``g = Gmin + Wrange (w / (2 max) + 1/2)``."""
    array = read(attribute(inner, "core", "an OffsetCore"))
    span = float(inner.Wrange_xbar)
    unit_column = not attribute(inner, "digital_offset", "an OffsetCore")
    middle = (float(attribute(inner, "Gmin_norm", "an OffsetCore")) + 0.5 * span) / minimum
    unit = np.full(array.shape[1] - unit_column, 2.0 * float(inner.max) * minimum / span)
    yield ForeignPart(row, col, array, None, unit, 0.0 if unit_column else middle, unit_column)


def _sliced(inner: Any, row: int, col: int, minimum: float, read: _Read) -> Iterator[ForeignPart]:
    """Yield the slices of ``bitsliced_core.py``, the least significant first, each of its own few bits.

    The matrix is ``max / (2^(W - 1) - 1)`` times whole numbers of W bits, those ``sum_i 2^(i b) (2^b - 1) w_i`` with
    slices ``w_i`` from 0 to 1; without pairs they are ``2^(W - 1)`` higher.
    """
    bits = int(attribute(inner, "params.core.weight_bits", "a BitslicedCore"))
    slice_bits = int(attribute(inner, "Wbits_slice", "a BitslicedCore"))
    lowest = float(attribute(inner, "Gmin_norm", "a BitslicedCore"))
    span = float(attribute(inner, "params.xbar.device.Grange_norm", "a BitslicedCore")) if lowest > 0.0 else 1.0
    step = float(inner.max) / (2.0 ** (bits - 1) - 1.0)
    unit_column = not inner.balanced and not inner.digital_offset
    for i, slices in enumerate(inner.core_slices):
        unit = 2.0 ** (i * slice_bits) * (2.0**slice_bits - 1.0) * step * minimum / span
        arrays = [read(one) for one in slices]
        offset = 0.0
        if not inner.balanced and not unit_column:
            offset = lowest / minimum + (float(inner.Woffset) * step / unit if i == 0 else 0.0)
        outputs = arrays[0].shape[1] - unit_column
        negative = arrays[1] if inner.balanced else None
        yield ForeignPart(row, col, arrays[0], negative, np.full(outputs, unit), offset, unit_column)
