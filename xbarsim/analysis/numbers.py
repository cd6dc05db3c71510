"""A netlist's answer as a few numbers by name: what its measures and prints say, or else its outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from xbarsim.analysis.readout import Readout
from xbarsim.analysis.results import AnalysisResult
from xbarsim.analysis.runs import measure_all
from xbarsim.analysis.simulate import simulate
from xbarsim.errors import InputError
from xbarsim.netlist.graph.pieces import arrays_only
from xbarsim.netlist.read_circuit import ReadCircuit, read_circuit
from xbarsim.netlist.requests import Request, requests_of
from xbarsim.netlist.suggest import clipped, closest
from xbarsim.solvers.solve import Method

MOST = 1000
"""Numbers of one netlist that are given without a choice."""


def numbers_of(
    path: str | Path,
    *,
    outputs: Sequence[str] = (),
    parameters: Mapping[str, float] | None = None,
    temp: float | None = None,
    seed: int | None = None,
    steady: bool = False,
    method: Method = "auto",
) -> dict[str, float]:
    """Solve a netlist, and return what it says in numbers.

    These are its measures (of Monte Carlo runs ``NAME.mean``, ``.deviation``, ``.least`` and ``.largest``) and what its
    ``.print`` and ``.save`` name of its operating point. Without either they are the output currents ``i(NAME)`` of a
    crossbar, or all voltages ``v(NODE)`` and currents ``i(SOURCE)`` of another network. ``power`` and ``residual`` of
    the operating point come last.

    Parameters
    ----------
    path : str or Path
        The netlist.
    outputs : sequence of str
        The names of those that are wanted, or quantities of the operating point as ``.print`` takes them: ``v(a,b)``.
    parameters, temp, steady
        As ``netlist.read`` takes them.
    seed : int, optional
        With it random parameters are drawn, once where no card says otherwise; without it they are nominal there.
    method : str
        How to solve a crossbar.

    Raises
    ------
    InputError
        The netlist is not understood; it has no such number, or nothing but the points of a sweep.
    SolveError
        It has no unique solution, or none to tolerance.
    """
    circuit = read_circuit(path, parameters=parameters, temp=temp, steady=steady, seed=seed, drawn=seed is not None)
    results = simulate(circuit, arrays_only(circuit.recognise()), method=method)
    measure_all(circuit, results)
    measured = _measured(results)
    points = [result for result in results if not result.sweep]
    file = circuit.places.files[0]
    if outputs:
        return _by_outputs(circuit, points, measured, outputs)
    asks = [request for card in circuit.requests for request in requests_of(card) if request.kind in ("", "op")]
    if len(points) != 1:
        if measured:
            return measured
        many = f"{len(points)} operating points" if points else "only the points of sweeps"
        raise InputError(f"{file}: it has {many}, which are no single numbers: write .measure cards for what counts")
    (point,) = points
    printed = {request.label: _number(circuit, point, request, measured) for request in asks}
    numbers = {name: value for name, value in printed.items() if value is not None} | measured
    if not numbers:
        numbers = _all_of(point)
    if len(numbers) > MOST:
        raise InputError(
            f"{file}: it has {len(numbers)} voltages and currents, of which {MOST} are given: choose some by outputs, "
            ".print or .measure"
        )
    return numbers | _evidence(point)


def _measured(results: Sequence[AnalysisResult]) -> dict[str, float]:
    """Return all measures, NaN for those that could not be taken; of repeated ones what they have in common."""
    numbers: dict[str, float] = {}
    for result in results:
        numbers |= {name: math.nan for name in result.failed if name not in numbers}
        for name, value in result.measures.items():
            if not isinstance(value, list):
                numbers[name] = value
                continue
            column = np.array(value)[np.isfinite(value)]
            numbers.pop(name, None)
            numbers[f"{name}.mean"] = float(column.mean()) if column.size else math.nan
            numbers[f"{name}.deviation"] = float(column.std(ddof=1)) if column.size > 1 else 0.0
            numbers[f"{name}.least"] = float(column.min()) if column.size else math.nan
            numbers[f"{name}.largest"] = float(column.max()) if column.size else math.nan
    return numbers


def _all_of(point: AnalysisResult) -> dict[str, float]:
    if point.outputs:
        names = [f"i({name})" for name in point.outputs]
        return dict(zip(names, point.output_currents[0].tolist(), strict=True))
    branches = [k for k, name in enumerate(point.branches) if name[0] != "c"]  # what charges a frozen state
    names = [f"v({name})" for name in point.nodes] + [f"i({point.branches[k]})" for k in branches]
    return dict(zip(names, [*point.voltages[0].tolist(), *point.currents[0, branches].tolist()], strict=True))


def _evidence(point: AnalysisResult) -> dict[str, float]:
    return {"power": float(point.power[0]), "residual": point.residual}


def _number(
    circuit: ReadCircuit, point: AnalysisResult, request: Request, measured: Mapping[str, float]
) -> float | None:
    """Return what is asked for; None where it cannot be had, which ``xbarsim solve`` notes."""
    if request.text in point.nodes:  # a vector's name in .control
        return float(point.voltages[0, point.nodes.index(request.text)])
    try:
        return float(Readout(circuit, point, measured)(request.text)[0])
    except InputError:
        return None


def _by_outputs(
    circuit: ReadCircuit, points: Sequence[AnalysisResult], measured: Mapping[str, float], outputs: Sequence[str]
) -> dict[str, float]:
    numbers: dict[str, float] = {}
    labels = {request.label: request for card in circuit.requests for request in requests_of(card)}
    for output in outputs:
        name = output.strip().lower()
        requests = list(requests_of(f".print {name}"))
        if name in measured:
            numbers[output] = measured[name]
        elif len(points) == 1 and name in ("power", "residual"):
            numbers[output] = _evidence(points[0])[name]
        elif len(points) == 1 and len(requests) == 1:
            numbers[output] = _read(circuit, points[0], labels.get(name, requests[0]), output)
        else:
            close = closest(name, measured)
            hint = f"did you mean {close}?" if close else f"it measures {clipped(', '.join(measured)) or 'nothing'}"
            where = "is no measure" if len(points) == 1 else "is no measure, and there is no single operating point"
            raise InputError(f"{circuit.places.files[0]}: outputs: {output!r} {where}: {hint}")
    return numbers


def _read(circuit: ReadCircuit, point: AnalysisResult, request: Request, output: str) -> float:
    if point.altered and request.text not in point.readings:
        # The circuit as it is written has other resistors than the one that was solved.
        raise InputError(
            f"{circuit.places.files[0]}: outputs: {output!r} is of a circuit that .control altered: add it to a .print"
        )
    if request.text in point.nodes:
        return float(point.voltages[0, point.nodes.index(request.text)])
    try:
        return float(Readout(circuit, point)(request.text)[0])
    except InputError as error:
        raise InputError(f"{circuit.places.files[0]}: outputs: {output!r}: {error}") from None
