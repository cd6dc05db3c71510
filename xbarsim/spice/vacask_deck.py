"""A crossbar in VACASK's language, under the names that ``netlist.write`` gives its nodes and sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from xbarsim.crossbar import Array, Crossbar, Side
from xbarsim.devices import DynamicDevice
from xbarsim.errors import InputError
from xbarsim.spice.vacask import VacaskDeck
from xbarsim.spice.verilog_twins import module_name, verilog_twin, verilog_twin_in_time
from xbarsim.waves import Piecewise, Pulse, Sine, Wave

_SHORT: dict[Side, str] = {"word_left": "wl", "word_right": "wr", "bit_bottom": "bb", "bit_top": "bt"}

_TIGHT = "options reltol=1e-9 abstol=1e-14 vntol=1e-12"
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
    device = crossbar.device
    drive = {side: [f"dc={volts!r}" for volts in end.voltage.tolist()] for side, end in crossbar.boundary.items()}
    drive["word_left"] = [f"dc={volts!r}" for volts in voltages.tolist()]
    if device.linear:
        return VacaskDeck(_text(crossbar, drive, "", _resistors(crossbar.conductance), ["analysis op1 op"]), ("op1",))
    cells = [*_gates(crossbar), *_cells(crossbar, device.instance(crossbar.conductance))]
    text = _text(crossbar, drive, module_name(device), cells, [_TIGHT, "analysis op1 op"])
    return VacaskDeck(text, ("op1",), {"cell": verilog_twin(device)})


def in_time(
    crossbar: Crossbar,
    waves: Mapping[Side, Sequence[Wave | float]],
    stop: float,
    *,
    states: Array | None = None,
    word_capacitance: Array | float = 0.0,
    bit_capacitance: Array | float = 0.0,
    cell_capacitance: Array | float = 0.0,
    saved: Sequence[str] = (),
    step: float,
    largest: float | None = None,
    options: str = "",
) -> VacaskDeck:
    """Return the deck of a crossbar in time, an analysis called ``tran1``; it begins at its operating point.

    Parameters
    ----------
    crossbar : Crossbar
        Of ohmic cells, of those with a twin in Verilog-A, or of dynamic ones.
    waves : mapping of side to a wave or volts for each line
        What drives the line ends; the others are as in the crossbar.
    stop, step, largest : float
        Seconds: the end, the first step, and what no step exceeds.
    states : (rows, cols), optional
        Initial states of dynamic cells.
    word_capacitance, bit_capacitance, cell_capacitance : float or (rows, cols)
        Farads from word nodes and bit nodes to ground, and across cells.
    saved : sequence of str
        What is kept, as VACASK names it: ``v(node)``, ``i(source)``; default: all, inner nodes too.
    options : str
        Of VACASK, ``name=value`` each.

    Raises
    ------
    InputError
        The cells have no twin, or a wave is of a kind that is not written.
    """
    device, shape = crossbar.device, crossbar.shape
    drive = {side: [f"dc={volts!r}" for volts in end.voltage.tolist()] for side, end in crossbar.boundary.items()}
    drive |= {side: [wave_text(wave, stop) for wave in lines] for side, lines in waves.items()}
    limit = f" maxstep={largest!r}" if largest else ""
    control = [f"options {options}"] if options else []
    control += [f"save {' '.join(saved)}"] if saved else []
    control += [f"analysis tran1 tran step={step!r} stop={stop!r}{limit}"]
    capacitors = [
        line
        for name, nodes, farads in (
            ("cw", "w_{0}_{1} 0", word_capacitance),
            ("cb", "b_{0}_{1} 0", bit_capacitance),
            ("cc", "w_{0}_{1} b_{0}_{1}", cell_capacitance),
        )
        for line in _capacitors(name, nodes, np.broadcast_to(farads, shape))
    ]
    if isinstance(device, DynamicDevice) and states is not None:
        cells = list(_cells(crossbar, device.instance_in_time(states)))
        twin, module = verilog_twin_in_time(device), f"{device.name}_in_time_cell"
    elif device.linear:
        cells, twin, module = list(_resistors(crossbar.conductance)), "", ""
    else:
        cells = [*_gates(crossbar), *_cells(crossbar, device.instance(crossbar.conductance))]
        twin, module = verilog_twin(device), module_name(device)
    text = _text(crossbar, drive, module, [*cells, *capacitors], control)
    return VacaskDeck(text, ("tran1",), {"cell": twin} if twin else {})


def wave_text(wave: Wave | float, stop: float) -> str:
    """Return what a voltage source does until ``stop``.

    Parameters
    ----------
    wave : Wave or float
        Volts over time, or at all times.
    stop : float
        Seconds.

    Raises
    ------
    InputError
        The wave is neither made of straight lines nor a sine.
    """
    if isinstance(wave, Sine):
        return (
            f'type="sine" sinedc={wave.offset!r} ampl={wave.amplitude!r} freq={wave.frequency!r} delay={wave.delay!r} '
            f"theta={wave.damping!r} phase={wave.phase!r}"
        )
    if isinstance(wave, Pulse | Piecewise):
        times = np.unique(np.concatenate([[0.0, stop], wave.corners(0.0, stop)]))
        points = np.column_stack([times, wave.at(times)]).ravel().tolist()
        return f'type="pwl" wave={points!r}'
    if isinstance(wave, int | float):
        return f"dc={float(wave)!r}"
    raise InputError(
        f"the wave {type(wave).__name__} is not written for VACASK: give a pulse, a sine or straight lines"
    )


def _text(
    crossbar: Crossbar, drive: Mapping[Side, Sequence[str]], module: str, cells: Iterable[str], control: Iterable[str]
) -> str:
    rows, cols = crossbar.shape
    lines = [f"memristor crossbar, {rows} x {cols}", "ground 0", 'load "resistor.osdi"', 'load "capacitor.osdi"']
    lines += ['load "cell.osdi"', f"model cell {module}"] if module else []
    lines += ["model res resistor", "model cap capacitor", "model volt vsource"]
    lines += _ends(crossbar, drive)
    lines += _wires("rw", "w_{0}_{1} w_{0}_{2}", crossbar.word_wire)
    lines += _wires("rb", "b_{0}_{1} b_{3}_{1}", crossbar.bit_wire)
    lines += cells
    lines += ["control", *(f"  {line}" for line in control), "endc", ""]
    return "\n".join(lines)


def _ends(crossbar: Crossbar, drive: Mapping[Side, Sequence[str]]) -> Iterator[str]:
    rows, cols = crossbar.shape
    corner = {"wl": "w_{0}_0", "wr": f"w_{{0}}_{cols - 1}", "bb": f"b_{rows - 1}_{{0}}", "bt": "b_0_{0}"}
    for side, short in _SHORT.items():
        resistance = crossbar.boundary[side].resistance
        for k in np.flatnonzero(np.isfinite(resistance)).tolist():
            node, ohms = corner[short].format(k), float(resistance[k])
            if ohms:
                yield f"r{short}{k} (s{short}_{k} {node}) res r={ohms!r}"
                node = f"s{short}_{k}"
            yield f"v{short}{k} ({node} 0) volt {drive[side][k]}"


def _wires(name: str, nodes: str, ohms: Array) -> Iterator[str]:
    """Yield a layer's wires; 0 ohm is a source of 0 V, as a resistor it gives NaN."""
    for i, j in np.argwhere(np.isfinite(ohms)).tolist():
        ends = nodes.format(i, j, j + 1, i + 1)
        r = float(ohms[i, j])
        yield f"{name}_{i}_{j} ({ends}) res r={r!r}" if r else f"v{name[1:]}_{i}_{j} ({ends}) volt dc=0"


def _resistors(conductance: Array) -> Iterator[str]:
    for i, j in np.argwhere(conductance != 0.0).tolist():
        yield f"rc_{i}_{j} (w_{i}_{j} b_{i}_{j}) res r={1.0 / float(conductance[i, j])!r}"


def _capacitors(name: str, nodes: str, farads: Array) -> Iterator[str]:
    for i, j in np.argwhere(farads != 0.0).tolist():
        yield f"{name}_{i}_{j} ({nodes.format(i, j)}) cap c={float(farads[i, j])!r}"


def _gates(crossbar: Crossbar) -> Iterator[str]:
    """Yield a source for the gate of each cell that is not open, where cells have gates."""
    gates = crossbar.device.gates
    if gates is not None:
        volts = np.broadcast_to(gates, crossbar.shape)
        for i, j in np.argwhere(crossbar.conductance != 0.0).tolist():
            yield f"vg_{i}_{j} (g_{i}_{j} 0) volt dc={float(volts[i, j])!r}"


def _cells(crossbar: Crossbar, parameters: Mapping[str, Array]) -> Iterator[str]:
    """Yield the cells that are not open, with their parameters (rows, cols)."""
    gated = crossbar.device.gates is not None
    values = {name: np.asarray(array).tolist() for name, array in parameters.items()}
    for i, j in np.argwhere(crossbar.conductance != 0.0).tolist():
        assignments = " ".join(f"{name}={array[i][j]!r}" for name, array in values.items())
        gate = f" g_{i}_{j}" if gated else ""
        yield f"x_{i}_{j} (w_{i}_{j} b_{i}_{j}{gate}) cell {assignments}"
