"""A crossbar in VACASK's language, under the names that ``netlist.write`` gives its nodes and sources."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.spice.vacask import VacaskDeck
from xbarsim.spice.verilog_twins import module_name, verilog_twin

_SHORT: dict[Side, str] = {"word_left": "wl", "word_right": "wr", "bit_bottom": "bb", "bit_top": "bt"}

_TIGHT = "  options reltol=1e-9 abstol=1e-14 vntol=1e-12"
"""Tolerances at which laws are solved to many digits; what is linear has them at once."""


def operating_point(crossbar: Crossbar, voltages: Array) -> VacaskDeck:
    """Return the deck of a crossbar's operating point, an analysis called ``op1``.

    Parameters
    ----------
    crossbar : Crossbar
        Of ohmic cells, or of those that have a twin in Verilog-A.
    voltages : (rows,)
        What drives ``word_left``.

    Raises
    ------
    InputError
        The cells have no twin.
    """
    rows, cols = crossbar.shape
    device = crossbar.device
    modules = {} if device.linear else {"cell": verilog_twin(device)}
    lines = [f"memristor crossbar, {rows} x {cols}", "ground 0", 'load "resistor.osdi"']
    lines += [f'load "{stem}.osdi"' for stem in modules]
    lines += ["model res resistor", "model volt vsource"]
    lines += [f"model cell {module_name(device)}"] if modules else []
    lines += _ends(crossbar, voltages)
    lines += _wires("rw", "w_{0}_{1} w_{0}_{2}", crossbar.word_wire)
    # Names keep (row, column); a bit line's wires are columns of the matrix.
    lines += _wires("rb", "b_{0}_{1} b_{3}_{1}", crossbar.bit_wire)
    lines += _resistors(crossbar.conductance) if device.linear else _cells(crossbar)
    lines += ["control", *([_TIGHT] if modules else []), "  analysis op1 op", "endc", ""]
    return VacaskDeck("\n".join(lines), ("op1",), modules)


def _ends(crossbar: Crossbar, voltages: Array) -> Iterator[str]:
    rows, cols = crossbar.shape
    corner = {"wl": "w_{0}_0", "wr": f"w_{{0}}_{cols - 1}", "bb": f"b_{rows - 1}_{{0}}", "bt": "b_0_{0}"}
    for side, short in _SHORT.items():
        tied = crossbar.boundary[side]
        volts = voltages if side == "word_left" else tied.voltage
        for k in np.flatnonzero(np.isfinite(tied.resistance)).tolist():
            node, ohms = corner[short].format(k), float(tied.resistance[k])
            if ohms:
                yield f"r{short}{k} (s{short}_{k} {node}) res r={ohms!r}"
                node = f"s{short}_{k}"
            yield f"v{short}{k} ({node} 0) volt dc={float(volts[k])!r}"


def _wires(name: str, nodes: str, ohms: Array) -> Iterator[str]:
    """Yield a layer's wires; 0 ohm is a source of 0 V, as a resistor it gives NaN."""
    for i, j in np.argwhere(np.isfinite(ohms)).tolist():
        ends = nodes.format(i, j, j + 1, i + 1)
        r = float(ohms[i, j])
        yield f"{name}_{i}_{j} ({ends}) res r={r!r}" if r else f"v{name[1:]}_{i}_{j} ({ends}) volt dc=0"


def _resistors(conductance: Array) -> Iterator[str]:
    for i, j in np.argwhere(conductance != 0.0).tolist():
        yield f"rc_{i}_{j} (w_{i}_{j} b_{i}_{j}) res r={1.0 / float(conductance[i, j])!r}"


def _cells(crossbar: Crossbar) -> Iterator[str]:
    """Yield the cells that are not open, and of those with gates a source for each."""
    device, shape = crossbar.device, crossbar.shape
    parameters = {name: np.asarray(values).tolist() for name, values in device.instance(crossbar.conductance).items()}
    gates = None if device.gates is None else np.broadcast_to(device.gates, shape)
    for i, j in np.argwhere(crossbar.conductance != 0.0).tolist():
        gate = ""
        if gates is not None:
            gate = f" g_{i}_{j}"
            yield f"vg_{i}_{j} (g_{i}_{j} 0) volt dc={float(gates[i, j])!r}"
        given = " ".join(f"{name}={values[i][j]!r}" for name, values in parameters.items())
        yield f"x_{i}_{j} (w_{i}_{j} b_{i}_{j}{gate}) cell {given}"
