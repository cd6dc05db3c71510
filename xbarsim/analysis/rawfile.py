"""ngspice's binary raw file, which its users' viewers read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xbarsim.analysis.results import AnalysisResult
from xbarsim.crossbar import Array

_PLOT_NAMES = {"op": "Operating Point", "dc": "DC transfer characteristic", "tran": "Transient Analysis"}
_KINDS = {name: kind for kind, name in _PLOT_NAMES.items()}
_SWEEPS = {
    "V": ("v(v-sweep)", "voltage"),
    "A": ("i(i-sweep)", "current"),
    "ohm": ("res-sweep", "res-sweep"),
    "°C": ("temp-sweep", "temp-sweep"),
}
"""What ngspice calls swept quantities, by their units."""
_PLAIN = re.compile(r"([vi])\([^()]*\)")
_DATA = b"Binary:\n"


@dataclass(frozen=True)
class Plot:
    """One analysis of a raw file.

    Attributes
    ----------
    title : str
        The circuit's.
    kind : str
        ``op``, ``dc`` or ``tran``; the file's own word for any other.
    names : list of str
        ``v(node)``, ``i(source)``; a sweep has its own variable first.
    table : (points, variables)
        Volts, amperes or seconds.
    """

    title: str
    kind: str
    names: list[str]
    table: Array

    @property
    def values(self) -> dict[str, Array]:
        """Each variable's values, (points,)."""
        return dict(zip(self.names, self.table.T, strict=True))

    @property
    def node_voltages(self) -> dict[str, Array | float]:
        """Volts by node: a number for ``op``, (points,) otherwise."""
        return self._part("v")

    @property
    def source_currents(self) -> dict[str, Array | float]:
        """Amperes by element, positive into the + terminal: a number for ``op``, (points,) otherwise."""
        return self._part("i")

    def _part(self, letter: str) -> dict[str, Array | float]:
        columns: dict[str, Array | float] = {}
        for name, column in self.values.items():
            if name.startswith(letter + "(") and not name.endswith("-sweep)"):
                columns[name[2:-1]] = float(column[0]) if self.kind == "op" else column
        return columns


def read_raw(data: bytes) -> list[Plot]:
    """Read every plot of a binary raw file.

    Raises
    ------
    ValueError
        It is cut short, or no raw file of real numbers.
    """
    plots = []
    at = 0
    while at < len(data):
        middle = data.find(_DATA, at)
        if middle < 0 or not data.startswith(b"Title:", at):
            raise ValueError(f"no binary plot begins at byte {at}")
        head = data[at:middle].decode("utf-8", "replace")
        top, _, variables = head.partition("\nVariables:\n")
        fields = dict(line.split(":", 1) for line in top.split("\n"))
        if fields.get("Flags", "").split() != ["real"]:
            raise ValueError("its numbers are not real")
        count, points = int(fields.get("No. Variables", 0)), int(fields.get("No. Points", 0))
        names = [line.split("\t")[2] for line in variables.split("\n") if line.count("\t") > 2]
        first = middle + len(_DATA)
        at = first + 8 * count * points
        if at > len(data) or len(names) != count:
            raise ValueError(f"{count} variables of {points} points are promised, and are not there")
        table = np.frombuffer(data[first:at], dtype="<f8").reshape(points, count)
        name = fields.get("Plotname", "").strip()
        plots.append(Plot(fields["Title"].strip(), _KINDS.get(name, name), names, table))
    return plots


def raw_parts(title: str, results: list[AnalysisResult], date: str) -> Iterator[bytes]:
    """Yield the bytes of a raw file with a plot for each analysis.

    A plot is a text header, then ``Binary:`` and doubles, all variables of a point together. Nodes are ``v(name)``,
    branch currents ``i(name)``; a sweep's own variable comes first, as ``v(v-sweep)``, ``i(i-sweep)``, ``res-sweep``,
    ``temp-sweep`` or ``time``; a parameter has its own name. A run of a circuit with memory is a plot of its own, with
    the integrator's points.

    Parameters
    ----------
    title : str
        The netlist's.
    results : list of AnalysisResult
        A plot each.
    date : str
        As it is to stand in the headers.
    """
    for result in (run for whole in results for run in whole.internal or (whole,)):
        scales, columns = _scales(result)
        names = [
            *scales,
            *((f"v({node})", "voltage") for node in result.nodes),
            *((f"i({branch})", "current") for branch in result.branches),
            *((name, _unit(name)) for name in result.printed),
        ]
        pieces = [*columns, result.voltages, result.currents, *result.printed.values()]
        table = np.column_stack(pieces) if names else np.zeros((result.points, 0))
        head = [
            f"Title: {title}",
            f"Date: {date}",
            f"Plotname: {_PLOT_NAMES[result.kind]}",
            "Flags: real",
            f"No. Variables: {len(names)}",
            f"No. Points: {result.points}",
            "Variables:",
            *(f"\t{k}\t{name}\t{kind}" for k, (name, kind) in enumerate(names)),
            "Binary:",
        ]
        yield ("\n".join(head) + "\n").encode()
        yield np.ascontiguousarray(table, dtype="<f8").tobytes()


def _unit(name: str) -> str:
    """Return what ngspice calls a quantity: only plain voltages and currents have a unit."""
    match = _PLAIN.fullmatch(name)
    return "notype" if match is None else "voltage" if match[1] == "v" else "current"


def _scales(result: AnalysisResult) -> tuple[list[tuple[str, str]], list[np.ndarray]]:
    """Return the leading variable: ngspice stores the fastest sweep only, one run of it after the other."""
    if not result.sweep:
        return [], []
    name, values = result.axes()[0]
    if result.kind == "tran":
        return [("time", "time")], [values]
    unit = result.unit(name)
    if unit in _SWEEPS:
        return [_SWEEPS[unit]], [values]
    return [(name, "notype")], [values]
