"""One circuit of the bank in time, by xbarsim in both of its ways, by ngspice and by VACASK, at the same times.

A reference runs twice, the second time with steps half as long: the difference tells how wrong it is itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from xbarsim import netlist, spice
from xbarsim.crossbar import SIDES, Array
from xbarsim.dynamics import integrate
from xbarsim.dynamics.timed_solution import TimedSolution
from xbarsim.errors import InputError, SolveError, SpiceError
from xbarsim.netlist.analyses import Transient
from xbarsim.netlist.as_network import network_of
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.spice import TIMEOUT, vacask, vacask_deck
from xbarsim.transient import Recording, simulate
from xbarsim.transient.recording import CrossbarTransient, NodeName
from xbarsim.validate.against import one_line
from xbarsim.validate.case import Difference, Row
from xbarsim.validate.time_case import TIME, TimeCircuit
from xbarsim.validate.time_netlist import READABLE, spice_in_time

Answer = TypeVar("Answer")

_STEPS_OF_CHARGES, _STEPS_OF_STATES = 8000, 2000
"""Of the reference, at least; twice as many when it is repeated. After each corner of a pulse its error is of the first
order, which charges show more than states."""

_STEPS_READ = 1000
_POINTS = 48
_FEW_CELLS = 100
"""Cells up to which all nodes are compared; beyond, those on the diagonal."""

_READ_WITH_STATES, _READ_WITHOUT = 6, 20
"""Cells up to which netlists are read back."""

_MOST_OF_NGSPICE = 300
"""Cells: what has more takes it an hour."""

_WARM_UP = 0.125
"""Of the way, which is gone once before the first time is taken, so that none holds a compilation."""

_WARM: set[tuple[str, str]] = set()
"""Ways, and the devices that went them."""

_SHORT = dict(zip(SIDES, ("wl", "wr", "bt", "bb"), strict=True))


@dataclass(frozen=True)
class Traces:
    """Volts by node, amperes by source and states by cell, each (times,); and the seconds it took."""

    volts: dict[str, Array]
    amperes: dict[str, Array]
    states: dict[str, Array]
    seconds: float


def rows_in_time(case: TimeCircuit, partners: tuple[str, ...], folder: Path) -> Iterator[Row]:
    """Yield the comparisons of a case with those of ngspice and VACASK that are named."""
    cells = case.crossbar.conductance.size
    blank = Row(case.name, case.device, case.family, case.size, cells, "simulate", "", TIME)
    # The last digits of times that are no multiples of anything: no step of a reference ends there by chance.
    times = case.stop * np.linspace(0.0, 1.0, _POINTS + 1)[1:]
    try:
        ours = _simulated(case, times)
    except Exception as error:  # whatever it is, it is a finding, and other circuits go on
        yield replace(blank, other="reference", trouble=f"xbarsim: {one_line(error)}")
        return
    if "ngspice" in partners and cells <= _MOST_OF_NGSPICE:
        yield from _against_ngspice(case, replace(blank, other="ngspice"), times, ours, folder)
    if "vacask" in partners:
        yield _against_vacask(case, replace(blank, other="VACASK"), times, ours)


def _steps(case: TimeCircuit) -> int:
    return _STEPS_OF_CHARGES if case.states is None else _STEPS_OF_STATES


def _nodes(case: TimeCircuit) -> list[NodeName]:
    rows, cols = case.crossbar.shape
    few = rows * cols <= _FEW_CELLS
    places = [(i, j) for i in range(rows) for j in range(cols) if few or i == j]
    return [*(("word", i, j) for i, j in places), *(("bit", i, j) for i, j in places)]


def _ends(case: TimeCircuit) -> list[str]:
    boundary = case.crossbar.boundary
    return [f"v{_SHORT[side]}{k}" for side in SIDES for k in np.flatnonzero(np.isfinite(boundary[side].resistance))]


def _cells(case: TimeCircuit) -> list[tuple[int, int]]:
    return list(np.ndindex(case.crossbar.shape)) if case.states is not None else []


def _simulated(case: TimeCircuit, times: Array) -> Traces:
    nodes = _nodes(case)
    early = times[: max(1, int(_WARM_UP * times.size))]
    way, seconds = _timed(
        ("simulate", case.device),
        lambda: _way(case, float(early[-1]), Recording(node_voltages=nodes, states_at=early)),
        lambda: _way(case, case.stop, Recording(node_voltages=nodes, states_at=times)),
    )
    at = np.searchsorted(way.times, times * (1.0 - 1e-12))
    volts = {
        f"{layer[0]}_{i}_{j}": trace
        for (layer, i, j), trace in zip(nodes, way.node_voltages[at].T, strict=True)
    }  # fmt: skip
    amperes = {
        f"v{_SHORT[side]}{k}": trace for side, lines in way.end_currents.items() for k, trace in enumerate(lines[at].T)
    }
    states = {f"x_{i}_{j}": _as_part(case, way.snapshots[:, i, j], i, j) for i, j in _cells(case)}
    return Traces(volts, {name: amperes[name] for name in _ends(case)}, states, seconds)


def _way(case: TimeCircuit, stop: float, record: Recording) -> CrossbarTransient:
    return simulate(
        case.crossbar, case.waves, stop, initial_states=case.states, reltol=1e-6, max_step=case.stop / 200,
        word_capacitance=case.capacitance.get("word", 0.0), bit_capacitance=case.capacitance.get("bit", 0.0),
        cell_capacitance=case.capacitance.get("cell", 0.0), record=record,
    )  # fmt: skip


def _timed(kernels: tuple[str, str], warm_up: Callable[[], object], work: Callable[[], Answer]) -> tuple[Answer, float]:
    """Return what ``work`` does and the seconds it takes; those that compile ``kernels`` are the warm-up's."""
    if kernels not in _WARM:
        warm_up()
        _WARM.add(kernels)
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _as_part(case: TimeCircuit, states: Array, i: int, j: int) -> Array:
    """Return a cell's states as parts of the way between its bounds."""
    assert case.moving is not None
    low, high = (float(np.broadcast_to(bound, case.crossbar.shape)[i, j]) for bound in case.moving.bounds)
    return (states - low) / (high - low)


def _against_ngspice(case: TimeCircuit, row: Row, times: Array, ours: Traces, folder: Path) -> Iterator[Row]:
    saved = [*(f"v({name})" for name in ours.volts), *(f"i({name})" for name in ours.amperes)]
    saved += [f"v({name}.x)" for name in ours.states]
    path, steps = folder / "in_time.sp", _steps(case)
    try:
        row = replace(row, version=spice.version())
        rough, fine = (
            _traces(spice.run(spice_in_time(case, count, saved)), times, ours, ".") for count in (steps, 2 * steps)
        )
        path.write_text(spice_in_time(case, _STEPS_READ, saved, READABLE), "utf-8")
    except spice.SpiceMissingError as error:
        yield replace(row, skipped=str(error))
        return
    except SpiceError as error:
        yield replace(row, trouble=str(error))
        return
    row = replace(row, reference=_largest(rough, fine), other_seconds=rough.seconds)
    yield _compared(replace(row, seconds=ours.seconds), ours, fine)
    if row.cells <= (_READ_WITHOUT if case.states is None else _READ_WITH_STATES):
        row = replace(row, ours="netlist")
        try:
            yield _compared(row, _read_back(path, case, times, ours), fine)
        except Exception as error:  # as above
            text = one_line(error).replace(f"{path.parent}/", "")
            yield replace(row, trouble=f"xbarsim reading {path.name}: {text}")


def _against_vacask(case: TimeCircuit, row: Row, times: Array, ours: Traces) -> Row:
    saved = [*(f"v({name})" for name in ours.volts), *(f"i({name})" for name in ours.amperes)]
    saved += [f"v('{name}:x')" for name in ours.states]
    try:
        row = replace(row, version=vacask.version())
        rough, fine = (
            _traces(vacask.run(_deck(case, count, saved), timeout=TIMEOUT), times, ours, ":")
            for count in (2 * _steps(case), 4 * _steps(case))
        )
    except (InputError, spice.SpiceMissingError) as error:
        return replace(row, skipped=str(error))
    except SpiceError as error:
        return replace(row, trouble=str(error))
    row = replace(row, reference=_largest(rough, fine), seconds=ours.seconds, other_seconds=rough.seconds)
    return _compared(row, ours, fine)


def _deck(case: TimeCircuit, steps: int, saved: list[str]) -> vacask.VacaskDeck:
    return vacask_deck.in_time(
        case.crossbar, case.waves, case.stop, states=case.states, saved=saved,
        word_capacitance=case.capacitance.get("word", 0.0), bit_capacitance=case.capacitance.get("bit", 0.0),
        cell_capacitance=case.capacitance.get("cell", 0.0), step=case.stop / steps, largest=case.stop / steps,
        options="reltol=1e-6 abstol=1e-14 vntol=1e-9 chgtol=1e-20",
    )  # fmt: skip


def _read_back(path: Path, case: TimeCircuit, times: Array, ours: Traces) -> Traces:
    def read(part: float) -> tuple[FlatCircuit, TimedSolution]:
        circuit = netlist.read(path)
        (analysis,) = circuit.analyses
        assert isinstance(analysis, Transient)
        # The integrator's own points: a straight line between printed ones would cut the corners of pulses.
        return circuit, integrate(circuit, replace(analysis, stop=part * analysis.stop))

    (circuit, way), seconds = _timed(("netlist", case.device), lambda: read(_WARM_UP), lambda: read(1.0))
    if not way.complete:
        raise SolveError(way.problem)
    values = dict(zip(circuit.nodes, way.voltages.T, strict=True))
    currents = dict(zip(network_of(circuit).fixing, way.amperes.T, strict=True))
    return _interpolated(way.times, values, currents, times, ours, ".", seconds)


def _traces(result: spice.Result, times: Array, ours: Traces, dot: str) -> Traces:
    (plot,) = result.plots
    values = {name: np.asarray(trace) for name, trace in plot.node_voltages.items()}
    currents = {name: np.asarray(trace) for name, trace in plot.source_currents.items()}
    return _interpolated(plot.values["time"], values, currents, times, ours, dot, result.seconds)


def _interpolated(
    at: Array,
    values: dict[str, Array],
    currents: dict[str, Array],
    times: Array,
    ours: Traces,
    dot: str,
    seconds: float,
) -> Traces:
    """Return what another has under our names, between its points straight lines."""
    return Traces(
        {name: np.interp(times, at, values[name]) for name in ours.volts},
        {name: np.interp(times, at, currents[name]) for name in ours.amperes},
        # Where a state rests at a bound the twins let it pass by a millionth, which their laws do not see.
        {name: np.clip(np.interp(times, at, values[f"{name}{dot}x"]), 0.0, 1.0) for name in ours.states},
        seconds,
    )


def _flat(traces: dict[str, Array]) -> dict[str, float]:
    return {f"{name}[{k}]": value for name, trace in traces.items() for k, value in enumerate(trace.tolist())}


def _differences(ours: Traces, partner: Traces) -> tuple[Difference, Difference, Difference]:
    pairs = ((ours.volts, partner.volts), (ours.amperes, partner.amperes), (ours.states, partner.states))
    volts, amperes, states = (Difference.of(_flat(mine), _flat(theirs)) for mine, theirs in pairs)
    return volts, amperes, states


def _largest(ours: Traces, partner: Traces) -> float:
    return max(difference.relative for difference in _differences(ours, partner))


def _compared(row: Row, ours: Traces, theirs: Traces) -> Row:
    try:
        volts, amperes, states = _differences(ours, theirs)
    except ValueError as error:
        return replace(row, trouble=str(error))
    seconds = ours.seconds if np.isnan(row.seconds) else row.seconds
    return replace(row, voltages=volts, sources=amperes, states=states, seconds=seconds)
