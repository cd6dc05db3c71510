"""Crossbars to netlists and back through Python: what is written, recognised and reported."""

from __future__ import annotations

import io
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import xbarsim
from fixed.circuits import boundaries, broken, parts, random, siemens, spread, volts
from fixed.devices import devices
from fixed.netlists import CELLS, crossbar, decks
from fixed.record import Case
from xbarsim import Crossbar, netlist


def of_crossbar(array: Crossbar) -> dict[str, Any]:
    names = ("conductance", "word_wire", "bit_wire", "driver", "sense")
    values: dict[str, Any] = {name: getattr(array, name) for name in names} | {"text": repr(array)}
    for side, tied in array.boundary.items():
        values[side] = [np.asarray(tied.voltage), np.asarray(tied.resistance)]
    return values | {f"device {name}": np.asarray(value) for name, value in array.device.parameters.items()}


def recognised(circuit: netlist.Circuit) -> dict[str, Any]:
    """Return what a circuit is, and its solution in the netlist's names."""
    recognition = circuit.recognise()
    values: dict[str, Any] = {"nodes": list(circuit.nodes), "notes": [str(note) for note in circuit.notes]}
    values |= {"reason": recognition.reason}
    if recognition.crossbar is None:
        return values
    solution = xbarsim.solve(recognition.crossbar, recognition.voltages)
    node_voltages, currents = netlist.report(recognition, solution)
    values |= {"crossbar": of_crossbar(recognition.crossbar), "voltages": recognition.voltages}
    return values | {"nodes' volts": node_voltages, "sources' amperes": currents} | parts(solution)


def read_text(text: str, **options: Any) -> dict[str, Any]:
    return recognised(netlist.read(io.StringIO(f"a title\n{text}\n"), **options))


def refused_crossbar(text: str) -> dict[str, Any]:
    return {"crossbar": of_crossbar(netlist.read(io.StringIO(f"a title\n{text}\n")).crossbar())}


def round_trip(array: Crossbar, inputs: np.ndarray) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sp"
        netlist.write(array, inputs, path)
        return {"netlist": path.read_text("utf-8")} | recognised(netlist.read(path))


def cases() -> dict[str, Case]:
    bank: dict[str, Case] = {}
    rng, texts = random(5), decks()
    for name, device in devices(4, 6).items():
        for wires in (0.0, 2.0):
            g = siemens(rng, (4, 6))
            array = Crossbar(g, word_wire=wires, bit_wire=2 * wires, driver=1.0, sense=1.5, device=device)
            bank[f"written {name}, wires {wires:g}"] = partial(round_trip, array, volts(3, 4))
    for name, ends in boundaries(5, 4).items():
        array = Crossbar(siemens(rng, (5, 4)), word_wire=1.0, bit_wire=2.0, **ends)
        bank[f"written with {name}"] = partial(round_trip, array, volts(4, 5))
    for kind in ("words", "bits", "both", "open cells", "islands", "no cells"):
        bank[f"written, broken {kind}"] = partial(round_trip, broken(kind, 6, 5), volts(4, 6))
    for rows, cols in ((1, 1), (1, 5), (3, 7), (20, 30)):
        bank[f"written {rows}x{cols}"] = partial(round_trip, spread(rows, cols), volts(5, rows))
    for cell in CELLS:
        for wires in (True, False):
            text = crossbar(wires=wires, cell=cell)
            bank[f"read {cell}{'' if wires else ', no wires'}"] = partial(read_text, text)
        bank[f"as a crossbar, {cell}"] = partial(refused_crossbar, crossbar(cell=cell))
        bank[f"read {cell}, steady"] = partial(read_text, crossbar(cell=cell), steady=True)
    for name in ("bridge", "diode", "controlled", "mosfet", "floating", "zero ohm", "subcircuits"):
        bank[f"network {name}"] = partial(read_text, texts[name])
        bank[f"network {name}, as a crossbar"] = partial(refused_crossbar, texts[name])
    return bank
