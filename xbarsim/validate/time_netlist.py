"""A crossbar in time as ngspice reads it, under the names of ``netlist.write``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xbarsim.crossbar import Array, Side
from xbarsim.netlist import cell_calls
from xbarsim.validate.time_case import TimeCircuit
from xbarsim.waves import Piecewise, Pulse, Sine, Wave

TIGHT = "reltol=1e-6 abstol=1e-14 vntol=1e-9 chgtol=1e-20 itl4=100"
"""Of a reference. The longest step bounds its error more than these do."""

READABLE = "reltol=1e-5 abstol=1e-14 vntol=1e-9 chgtol=1e-17"
"""Of the netlist that xbarsim reads back: what errors its steps may have. Charges are picocoulombs."""

_SHORT: dict[Side, str] = {"word_left": "wl", "word_right": "wr", "bit_bottom": "bb", "bit_top": "bt"}


def spice_in_time(case: TimeCircuit, steps: int, saved: list[str], options: str = TIGHT) -> str:
    """Return the netlist of a case, in at least so many steps; ``saved`` are ``v(node)`` and ``i(source)``.

    States come with Gear's formula: the trapezoidal rule, better at charges, rings where one comes to rest at a bound.

    Parameters
    ----------
    case : TimeCircuit
        A crossbar with waves.
    steps : int
        Into how many the way is cut at least.
    saved : list of str
        What is written to the raw file.
    options : str
        The card of tolerances.
    """
    step = case.stop / steps
    method = "trap" if case.states is None else "gear"
    lines = [f"{case.name}", *_ends(case)]
    lines += _wires("rw", "w_{0}_{1} w_{0}_{2}", case.crossbar.word_wire)
    lines += _wires("rb", "b_{0}_{1} b_{3}_{1}", case.crossbar.bit_wire)
    lines += _cells(case)
    for part, farads in case.capacitance.items():
        second = "b_{0}_{1}" if part == "cell" else "0"
        first = "b_{0}_{1}" if part == "bit" else "w_{0}_{1}"
        lines += [
            f"c{part}_{i}_{j} {first.format(i, j)} {second.format(i, j)} {float(value)!r}"
            for (i, j), value in np.ndenumerate(farads)
        ]
    lines += [
        f".options {options} method={method}",
        f".save {' '.join(saved)}",
        f".tran {step!r} {case.stop!r} 0 {step!r} uic",
        ".end",
        "",
    ]
    return "\n".join(lines)


def _ends(case: TimeCircuit) -> Iterator[str]:
    rows, cols = case.crossbar.shape
    corner = {"wl": "w_{0}_0", "wr": f"w_{{0}}_{cols - 1}", "bb": f"b_{rows - 1}_{{0}}", "bt": "b_0_{0}"}
    for side, short in _SHORT.items():
        tied = case.crossbar.boundary[side]
        waves = case.waves.get(side, tied.voltage.tolist())
        for k in np.flatnonzero(np.isfinite(tied.resistance)).tolist():
            yield f"v{short}{k} s{short}_{k} 0 {_wave_text(waves[k], case.stop)}"
            yield f"r{short}{k} s{short}_{k} {corner[short].format(k)} {float(tied.resistance[k])!r}"


def _wave_text(wave: Wave | float, stop: float) -> str:
    if isinstance(wave, Sine):
        return f"sin({wave.offset!r} {wave.amplitude!r} {wave.frequency!r} {wave.delay!r} {wave.damping!r})"
    if isinstance(wave, Pulse | Piecewise):
        times = np.unique(np.concatenate([[0.0, stop], wave.corners(0.0, stop)]))
        points = np.column_stack([times, wave.at(times)]).ravel().tolist()
        return f"pwl({' '.join(map(repr, points))})"
    return repr(wave)


def _wires(name: str, nodes: str, ohms: Array) -> Iterator[str]:
    for (i, j), r in np.ndenumerate(ohms):
        yield f"{name}_{i}_{j} {nodes.format(i, j, j + 1, i + 1)} {float(r)!r}"


def _cells(case: TimeCircuit) -> Iterator[str]:
    device, conductance = case.crossbar.device, case.crossbar.conductance
    if case.moving is not None and case.states is not None:
        yield from case.moving.subcircuit_in_time().rstrip("\n").split("\n")
        parameters = {name: values.tolist() for name, values in case.moving.instance_in_time(case.states).items()}
        for i, j in np.ndindex(conductance.shape):
            values = " ".join(f"{name}={array[i][j]!r}" for name, array in parameters.items())
            yield f"x_{i}_{j} w_{i}_{j} b_{i}_{j} {device.name}_in_time {values}"
        return
    if device.linear:
        yield from (f"rc_{i}_{j} w_{i}_{j} b_{i}_{j} {1.0 / float(g)!r}" for (i, j), g in np.ndenumerate(conductance))
        return
    yield from cell_calls.definition(device)
    yield from cell_calls.calls(conductance, device)
