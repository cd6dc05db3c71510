"""Cells that are no resistors, as calls of their model's subcircuit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.devices import Device


def definition(device: Device) -> Iterator[str]:
    """Yield the lines of a device's subcircuit.

    Raises
    ------
    InputError
        It has none.
    """
    yield from device.reads_as.subcircuit().rstrip("\n").split("\n")
    yield from device.reads_as.cards


def calls(conductance: Array, device: Device, label: str = "") -> Iterator[str]:
    """Yield the gates' sources and a call for each cell that is not open.

    Parameters
    ----------
    conductance : (rows, cols)
        Siemens; 0 is an open cell.
    device : Device
        The cells' model.
    label : str
        Stands behind the first letters of all names but gates'.
    """
    device = device.reads_as
    gates: dict[tuple[int, int], str] = {}
    if device.gates is not None:
        yield from _gates(conductance, device.gates, gates)
    parameters = {name: np.asarray(values).tolist() for name, values in device.instance(conductance).items()}
    for i, j in np.argwhere(conductance != 0.0).tolist():
        assignments = " ".join(f"{name}={values[i][j]!r}" for name, values in parameters.items())
        gate = f" {gates[i, j]}" if gates else ""
        yield f"x{label}_{i}_{j} w{label}_{i}_{j} b{label}_{i}_{j}{gate} {device.name} {assignments}"


def _gates(conductance: Array, gate: Array, lines: dict[tuple[int, int], str]) -> Iterator[str]:
    """Yield a source for each gate line that has a cell, and note each cell's line in ``lines``."""
    rows, cols = conductance.shape
    volts = np.broadcast_to(gate, (rows, cols)).tolist()
    by_row = gate.ndim == 2 and gate.shape[0] == rows and rows > 1
    by_col = gate.ndim > 0 and gate.shape[-1] == cols and cols > 1
    driven = set()
    for i, j in np.argwhere(conductance != 0.0).tolist():
        line = f"_{i}_{j}" if by_row and by_col else f"_r{i}" if by_row else f"_c{j}" if by_col else ""
        lines[i, j] = f"g{line}"
        if line not in driven:
            driven.add(line)
            yield f"vg{line} g{line} 0 {volts[i][j]!r}"
