"""What ``.print``, ``.save`` and their like, and a ``.control`` block's commands, ask for by name."""

from __future__ import annotations

import re

from xbarsim.analysis.readout import Readout
from xbarsim.analysis.results import AnalysisResult
from xbarsim.errors import InputError
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.requests import Request, card_notes, requests_of
from xbarsim.netlist.suggest import clipped


def add_printed(circuit: ReadCircuit, results: list[AnalysisResult]) -> list[str]:
    """Put what cards name beyond voltages of nodes and currents of branches into results; return notes.

    A note says which quantities cannot be had, and that neither pictures nor files are made that cards ask for.

    Parameters
    ----------
    circuit : ReadCircuit
        With its cards' requests.
    results : list of AnalysisResult
        One for each analysis; it is changed.
    """
    notes: dict[str, None] = {}
    requests: dict[Request, str] = {}
    for card in circuit.requests:
        for note in card_notes(card):
            notes[f"{_place(circuit, card)}: {note}"] = None
        for request in requests_of(card):
            requests.setdefault(request, card)
    measured, lists = _measured(results)
    for result in results if requests else []:
        read = Readout(circuit, result, measured)
        nodes, branches = set(result.nodes), set(result.branches)
        for request, card in requests.items():
            if request.kind not in ("", result.kind) or _is_there(request, nodes, branches):
                continue
            text = request.text
            if text in measured or text in lists:  # every output holds it as a measure
                continue
            if text in nodes and text not in ("0", "gnd"):  # a vector's name in .control
                continue
            try:
                result.printed[request.label] = read(text)
                for run in result.internal:
                    run.printed[request.label] = Readout(circuit, run, measured)(text)
            except InputError as error:
                listed = [name for name in lists if re.search(rf"\b{re.escape(name)}\b", text)]
                why = lists[listed[0]] if listed else error
                why = "of a device's quantities only its current, as '@r1[i]', is to be had" if "@" in text else why
                notes[f"{_place(circuit, card)}: '{clipped(card)}': {request.label} is left out: {why}"] = None
    missing = {request.kind for request in requests} - {result.kind for result in results} - {""}
    for kind in sorted(missing):
        card = next(card for request, card in requests.items() if request.kind == kind)
        notes[f"{_place(circuit, card)}: '{clipped(card)}': no .{kind} is solved, so it is left out"] = None
    return list(notes)


def _measured(results: list[AnalysisResult]) -> tuple[dict[str, float], dict[str, str]]:
    """Return what was measured as one number, and why other measures have none to reckon with."""
    numbers = {name: value for result in results for name, value in result.measures.items()}
    lists = {name: f"{name} failed" for result in results for name in result.failed if name not in numbers}
    for name, value in numbers.items():
        if isinstance(value, list):
            lists[name] = f"{name} has a number for each run: write .measure {name}_2 param='...'"
    return {name: value for name, value in numbers.items() if not isinstance(value, list)}, lists


def _place(circuit: ReadCircuit, card: str) -> str:
    """Return ``file:line`` of a card, or the file alone where that is not known."""
    origin = circuit.request_origins.get(card)
    return circuit.places.files[0] if origin is None else circuit.places.where(origin)


def _is_there(request: Request, nodes: set[str], branches: set[str]) -> bool:
    """Whether every output holds it anyway."""
    match = re.fullmatch(r"([vi])\(\s*([^(),\s]+)\s*\)", request.text)
    return match is not None and request.label == request.text and match[2] in (nodes if match[1] == "v" else branches)
