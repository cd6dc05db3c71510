"""A crossbar written as a netlist that any SPICE reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.crossbar import Crossbar, Side, checked_array
from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.netlist import cell_calls

_SIDES: tuple[tuple[str, Side], ...] = (
    ("wl", "word_left"), ("wr", "word_right"), ("bb", "bit_bottom"), ("bt", "bit_top"),
)  # fmt: skip


def write(crossbar: Crossbar, voltages: ArrayLike, path: str | Path) -> None:
    """Write a crossbar as a SPICE netlist.

    Word-line nodes are ``w_<row>_<col>``, bit-line nodes ``b_<row>_<col>``. Every tied line end has a source to
    ground, ``vwl0`` for the left end of row 0 and ``vwr``, ``vbt``, ``vbb`` likewise, so its current can be read.
    Numbers have all their digits, 0 ohm is a 0 V source, and open cells, wires and ends are left out.

    An ohmic cell is a resistor ``rc_<row>_<col>``. Any other is a call ``x_<row>_<col>`` of its model's subcircuit,
    which the netlist holds too. Transistors' gates hang on sources ``vg_r<row>``, ``vg_c<col>`` or
    ``vg_<row>_<col>``, as ``gate`` has one a row, a column or a cell, and on ``vg`` where all are one.

    Parameters
    ----------
    crossbar : Crossbar
        With any device that has a twin in SPICE.
    voltages : array_like, (rows,)
        Volts that drive ``word_left``.
    path : str or Path
        Is replaced as a whole, or not at all.

    Raises
    ------
    InputError
        ``voltages`` is wrong, the device has no twin, or ``path`` cannot be written.
    """
    rows, cols = crossbar.shape
    volts = checked_array("voltages", voltages, signed=True)
    if volts.shape != (rows,):
        raise InputError(f"voltages has shape {volts.shape}: a crossbar of {rows} x {cols} takes ({rows},)")
    with written_whole(path) as file:
        for line in _lines(crossbar, volts):
            file.write(line.encode() + b"\n")


def _lines(crossbar: Crossbar, volts: np.ndarray) -> Iterator[str]:
    rows, cols = crossbar.shape
    yield f"memristor crossbar, {rows} x {cols}"
    yield f"* Written by xbarsim: word lines w_<row>_<col>, bit lines b_<row>_<col>, {rows} rows, {cols} columns."
    yield "* Sources: vwl, vwr at the word lines' left and right ends, vbb, vbt at the bit lines' bottom and top."
    if not crossbar.device.linear:
        yield from cell_calls.definition(crossbar.device)
    yield from _ends(crossbar, volts)
    yield from wire_lines(crossbar)
    if crossbar.device.linear:
        yield from cell_lines(crossbar)
    else:
        yield from cell_calls.calls(crossbar.conductance, crossbar.device)
    yield ".op"
    yield ".end"


def _ends(crossbar: Crossbar, volts: np.ndarray) -> Iterator[str]:
    rows, cols = crossbar.shape
    bare = _bare_lines(crossbar)
    corner = {"wl": "w_{0}_0", "wr": f"w_{{0}}_{cols - 1}", "bb": f"b_{rows - 1}_{{0}}", "bt": "b_0_{0}"}
    for short, side in _SIDES:
        tied = crossbar.boundary[side]
        sources = volts if side == "word_left" else tied.voltage
        for k, (voltage, ohms) in enumerate(zip(sources.tolist(), tied.resistance.tolist(), strict=True)):
            node = corner[short].format(k)
            if ohms == 0:
                yield f"v{short}{k} {node} 0 {voltage!r}"
            elif ohms < np.inf or voltage or (short, k) in bare:
                yield f"v{short}{k} s{short}_{k} 0 {voltage!r}"
            if 0 < ohms < np.inf:
                yield f"r{short}{k} s{short}_{k} {node} {ohms!r}"


def _bare_lines(crossbar: Crossbar) -> set[tuple[str, int]]:
    """Return the last row and column if nothing touches them: an idle source keeps their count."""
    rows, cols = crossbar.shape
    ends = crossbar.boundary
    word, bit = np.isfinite(crossbar.word_wire), np.isfinite(crossbar.bit_wire)
    cell = crossbar.conductance != 0
    bare = set()
    if not (cell[-1].any() or word[-1].any() or bit[-1:].any() or np.isfinite(ends["word_right"].resistance[-1])):
        bare.add(("wl", rows - 1))
    if not (cell[:, -1].any() or bit[:, -1].any() or word[:, -1:].any() or np.isfinite(ends["bit_top"].resistance[-1])):
        bare.add(("bb", cols - 1))
    return bare


def wire_lines(crossbar: Crossbar, label: str = "") -> Iterator[str]:
    """Yield the wires; ``label`` stands behind the first letters of all names.

    Parameters
    ----------
    crossbar : Crossbar
        Whose wires are written.
    label : str
        Behind the first letters of all names.
    """
    w, b = f"w{label}", f"b{label}"
    for i, row in enumerate(crossbar.word_wire.tolist()):
        yield from _wires(f"rw{label}", [(i, j, f"{w}_{i}_{j} {w}_{i}_{j + 1}", ohms) for j, ohms in enumerate(row)])
    for i, row in enumerate(crossbar.bit_wire.tolist()):
        yield from _wires(f"rb{label}", [(i, j, f"{b}_{i}_{j} {b}_{i + 1}_{j}", ohms) for j, ohms in enumerate(row)])


def cell_lines(crossbar: Crossbar, label: str = "") -> Iterator[str]:
    """Yield ohmic cells; ``label`` as in ``wire_lines``.

    Parameters
    ----------
    crossbar : Crossbar
        Whose cells are written.
    label : str
        Behind the first letters of all names.
    """
    for i, row in enumerate(crossbar.conductance.tolist()):
        for j, siemens in enumerate(row):
            if siemens:
                yield f"rc{label}_{i}_{j} w{label}_{i}_{j} b{label}_{i}_{j} {_resistance(siemens, i, j)!r}"


def _wires(name: str, wires: list[tuple[int, int, str, float]]) -> Iterator[str]:
    for i, j, nodes, ohms in wires:
        if ohms == 0:
            yield f"v{name[1:]}_{i}_{j} {nodes} 0"
        elif ohms < np.inf:
            yield f"{name}_{i}_{j} {nodes} {ohms!r}"


def _resistance(siemens: float, row: int, col: int) -> float:
    """Return the double whose inverse is a conductance, as near as doubles come."""
    ohms = 1 / siemens
    if not np.isfinite(ohms):
        raise InputError(f"conductance[{row}, {col}] is {siemens} S: 1 / it is no double, so it cannot be written")
    near = (ohms, float(np.nextafter(ohms, 0)), float(np.nextafter(ohms, np.inf)))
    return ohms if 1 / ohms == siemens else min(near, key=lambda r: abs(1 / r - siemens))
