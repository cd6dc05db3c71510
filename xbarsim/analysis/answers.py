"""What the command line prints: all there is to say about one run, as a table, JSON, CSV or a raw file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from xbarsim.analysis.rawfile import raw_parts
from xbarsim.analysis.results import AnalysisResult
from xbarsim.crossbar import Array
from xbarsim.quantities import finite
from xbarsim.text_table import aligned, comma_separated

_POINT = ["quantity", "name", "value"]

_FEW_RUNS = 8
"""How many of a measure's numbers the table lists."""


@dataclass(frozen=True)
class Answers:
    """One run of ``xbarsim solve``.

    Attributes
    ----------
    title : str
        The netlist's, or the file of conductances.
    description : str
        What was recognised, for reading.
    recognised, reason : str or None
        ``crossbar``, or None and why not.
    rows, cols : int or None
        The crossbar's.
    results : list of AnalysisResult
        In the file's order.
    seconds : dict of str to float
        ``read``, ``solve``, ``total``.
    notes : list of str
        What a user should know.
    errors : list of str
        What was asked for and cannot be, beside an answer that is sound: measures.
    show_nodes : bool
        Whether the table lists node voltages too.
    label : str
        What the table calls one of several results.
    """

    title: str
    description: str
    recognised: str | None
    reason: str | None
    rows: int | None
    cols: int | None
    results: list[AnalysisResult]
    seconds: dict[str, float]
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    show_nodes: bool = False
    label: str = "analysis"

    @property
    def problems(self) -> list[str]:
        """Why runs in time did not come to their ends."""
        runs = [result.integration for result in self.results if result.integration is not None]
        return [run.problem for run in runs if not run.complete]

    def record(self) -> dict[str, Any]:
        """Return what JSON says; NaN and infinities are None."""
        return {
            "title": self.title,
            "recognised": self.recognised,
            "reason": self.reason,
            "rows": self.rows,
            "cols": self.cols,
            "analyses": [_record(result) for result in self.results],
            "seconds": {name: round(value, 6) for name, value in self.seconds.items()},
        }

    def as_json(self) -> str:
        """Return the contract's JSON."""
        record = self.record()
        # A line for each entry: indented throughout, json would leave its compiled encoder and take ten times as long.
        lines = ",\n ".join(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items())
        return "{" + lines + "}"

    def as_csv(self) -> str:
        """Return operating points as ``quantity,name,value`` rows, sweeps as one row a point.

        Several vectors of one crossbar are one table, with the vector's number first.
        """
        rows: list[list[Any]] = []
        for number, table in enumerate(self.csv_tables()):
            rows += [[]] * bool(number) + table
        return comma_separated(rows)

    def csv_tables(self) -> Iterator[list[list[Any]]]:
        """Yield the tables that CSV consists of, each a heading and its rows."""
        if self.label == "vector" and len(self.results) > 1:
            rows = ([number, *row] for number, result in enumerate(self.results) for row in _point_rows(result))
            yield [["vector", *_POINT], *rows]
            return
        for result in self.results:
            if result.sweep:
                yield list(_sweep_rows(result))
                if result.measures or result.failed:
                    yield [["measure", "value", "error"], *_measure_rows(result)]
            else:
                yield [_POINT, *_point_rows(result)]

    def as_raw(self) -> Iterator[bytes]:
        """Return ngspice's binary raw file, in parts."""
        return raw_parts(self.title, self.results, time.strftime("%a %b %d %H:%M:%S %Y"))

    def only_nodes(self, patterns: tuple[str, ...]) -> Answers:
        """Return these with the node voltages alone whose names match any of the patterns, and a note if none does."""
        results = [result.only_nodes(patterns) for result in self.results]
        note = [] if any(result.nodes for result in results) else [f"no node is called {' or '.join(patterns)}"]
        return replace(self, results=results, show_nodes=True, notes=[*self.notes, *note])

    def as_table(self) -> str:
        """Return the outputs and what they rest on, for reading."""
        lines = [self.title, self.description]
        for number, result in enumerate(self.results):
            lines.append("")
            if len(self.results) > 1:
                lines.append(f"{self.label} {number}" + (f": {result.kind}" if result.sweep else "") + _altered(result))
            lines += _sweep_table(result) if result.sweep else _point_table(result, self.show_nodes)
        times = ", ".join(f"{name} {value:.3f} s" for name, value in self.seconds.items())
        lines += ["", *_facts(time=times)]
        return "\n".join(lines)

    def as_numbers(self) -> str:
        """Return output names and currents alone, one a line; a sweep has one line a point."""
        lines = []
        for result in self.results:
            names, values = _currents(result)
            if result.sweep:
                lines += [" ".join(map(repr, row)) for row in values.tolist()]
            else:
                lines += [f"{name} {value!r}" for name, value in zip(names, values[0].tolist(), strict=True)]
        return "\n".join(lines)


def _altered(result: AnalysisResult) -> str:
    """Say what a ``.control`` block had altered."""
    return "".join(f", {name} = {value:g}" for name, value in result.altered.items())


def _point_rows(result: AnalysisResult) -> Iterator[list[str]]:
    """Yield an operating point's rows of CSV."""
    for quantity, names, values in (
        ("voltage", result.nodes, result.voltages),
        ("current", result.branches, result.currents),
    ):
        for name, value in zip(names, values[0].tolist(), strict=True):
            yield [quantity, name, repr(value)]
    yield ["power", "", repr(float(result.power[0]))]
    for name, column in result.printed.items():
        yield ["printed", name, repr(float(column[0]))]
    for name, value, error in _measure_rows(result):
        yield ["measure", name, value or f"failed: {error}"]


def _measure_rows(result: AnalysisResult) -> Iterator[list[str]]:
    """Yield name, value and error of each measure; a repeated analysis has a row for each of its runs."""
    for name, value in result.measures.items():
        for number in value if isinstance(value, list) else [value]:
            yield [name, repr(number), ""]
    for name, error in result.failed.items():
        if name not in result.measures:
            yield [name, "", error]


def _sweep_rows(result: AnalysisResult) -> Iterator[list[str]]:
    """Yield a sweep's heading, and a row for each point; of circuits with memory, for each of the integrator's."""
    axes = result.axes()
    tables = [_sweep_columns(result, axes)] if not result.internal else _run_columns(result, axes)
    nodes, branches = (
        [f"{letter}({n})" for n in names] for letter, names in (("v", result.nodes), ("i", result.branches))
    )
    yield [*(name for name, _ in axes), *nodes, *branches, *result.printed]
    for table in tables:
        for row in table.tolist():
            yield [repr(value) for value in row]


def _sweep_columns(result: AnalysisResult, axes: list[tuple[str, Array]]) -> Array:
    columns = [*(column for _, column in axes), result.voltages, result.currents, *result.printed.values()]
    return np.column_stack(columns)


def _run_columns(result: AnalysisResult, axes: list[tuple[str, Array]]) -> Iterator[Array]:
    """Yield the table of each run, with what it was made at behind the time."""
    length = result.sweep[0][1].size
    for number, run in enumerate(result.internal):
        at = [(name, np.full(run.points, column[number * length])) for name, column in axes[1:]]
        yield _sweep_columns(run, [*run.axes(), *at])


def _currents(result: AnalysisResult) -> tuple[list[str], Array]:
    """Output currents of a crossbar, branch currents of any other circuit but what charges frozen states."""
    if result.outputs:
        return result.outputs, result.output_currents
    branches = [k for k, name in enumerate(result.branches) if name[0] != "c"]
    return [result.branches[k] for k in branches], result.currents[:, branches]


def _record(result: AnalysisResult) -> dict[str, Any]:
    def per_name(names: list[str], values: Array) -> dict[str, Any]:
        columns = _finite_list(values.T if result.sweep else values[0])
        return dict(zip(names, columns, strict=True))

    record: dict[str, Any] = {"kind": result.kind}
    if result.measures or result.failed:
        record["measures"] = {
            name: _finite_list(np.array(value)) if isinstance(value, list) else finite(value)
            for name, value in result.measures.items()
        }
        record["measures"] |= dict.fromkeys(name for name in result.failed if name not in result.measures)
    if result.failed:
        record["measure_errors"] = dict(result.failed)
    if result.printed:
        record["printed"] = {
            name: _finite_list(column) if result.sweep else _finite_list(column)[0]
            for name, column in result.printed.items()
        }
    if result.altered:
        record["altered"] = {name: finite(float(value)) for name, value in result.altered.items()}
    if result.sweep:
        record["sweep"] = [{"source": name, "values": _finite_list(values)} for name, values in result.sweep]
    return record | {
        "node_voltages": per_name(result.nodes, result.voltages),
        "source_currents": per_name(result.branches, result.currents),
        "power": _finite_list(result.power) if result.sweep else _finite_list(result.power)[0],
        "residual": finite(result.residual),
        **_course(result),
    }


def _course(result: AnalysisResult) -> dict[str, Any]:
    """Return how runs in time went."""
    run = result.integration
    if run is None:
        return {}
    course: dict[str, Any] = {"complete": run.complete}
    course |= {} if run.complete else {"problem": run.problem}
    return course | {"steps": {"accepted": run.accepted, "rejected": run.rejected}}


def _finite_list(values: Array) -> list[Any]:
    """Return lists of numbers with None for what is not finite: JSON has no other word for it."""
    values = np.asarray(values)
    sound = np.isfinite(values)
    if sound.all():
        return list(values.tolist())
    masked = values.astype(object)
    masked[~sound] = None
    return list(masked.tolist())


def _point_table(result: AnalysisResult, show_nodes: bool) -> Iterator[str]:
    """Yield the lines of one operating point."""
    names, currents = _currents(result)
    if names:
        table = [("output" if result.outputs else "source", "current (A)", "ideal (A)", "loss")]
        ideals = [None] * len(names) if result.ideal is None else result.ideal[0].tolist()
        for name, current, ideal in zip(names, currents[0].tolist(), ideals, strict=True):
            loss = f"{100 * (1 - current / ideal):z.2f}%" if ideal else "-"
            table.append((name, f"{current:.8e}", f"{0.0 if ideal is None else ideal:.6e}", loss))
        columns = 2 if result.ideal is None else 4
        yield from aligned([row[:columns] for row in table], ("<", ">15", ">13", ">7")[:columns])
        yield ""
    if show_nodes and result.nodes:
        volts = [f"{value:.8e}" for value in result.voltages[0].tolist()]
        yield from aligned([("node", "voltage (V)"), *zip(result.nodes, volts, strict=True)], ("<", ">15"))
        yield ""
    if result.printed:
        yield from aligned(((name, f"= {float(column[0]):.8e}") for name, column in result.printed.items()), "<<")
        yield ""
    if result.measures or result.failed:
        yield from _measure_lines(result)
        yield ""
    yield from _facts(power=f"{float(result.power[0]):.8e} W", residual=f"{result.residual:.1e} ({result.how})")


def _sweep_table(result: AnalysisResult) -> Iterator[str]:
    """Yield a line for each point: swept values, then currents."""
    names, currents = _currents(result)
    axes = result.axes()
    heads = [name for name, _ in axes] + [f"i({name})" for name in names] + [*result.printed]
    table = np.column_stack([*(column for _, column in axes), currents, *result.printed.values()])
    rows = ([f"{value:.8e}" for value in row] for row in table.tolist())
    yield from aligned([heads, *rows], [">15"] * len(heads))
    yield ""
    yield from _measure_lines(result)
    if result.integration is not None and not result.integration.complete:
        yield from _facts(incomplete=result.integration.problem)
    yield from _facts(points=str(result.points), residual=f"{result.residual:.1e} ({result.how})")


def _facts(**facts: str) -> list[str]:
    """Return what is said of an analysis as a whole, a line each."""
    return aligned(facts.items(), ("<8", "<"))


def _measure_lines(result: AnalysisResult) -> list[str]:
    table = [(name, f"= {_measured(value)}") for name, value in result.measures.items()]
    return aligned([*table, *((name, f"failed: {error}") for name, error in result.failed.items())], "<<")


def _measured(value: float | list[float]) -> str:
    """Return a measure's number, those of few runs, or what many have in common."""
    if not isinstance(value, list):
        return f"{value:.8e}"
    if len(value) <= _FEW_RUNS:
        return "  ".join(f"{number:.8e}" for number in value)
    numbers = np.array(value)
    numbers = numbers[np.isfinite(numbers)]
    spread = f"mean {numbers.mean():.8e}, deviation {numbers.std(ddof=1):.3e}" if numbers.size > 1 else ""
    return f"{len(value)} runs: {spread}, {numbers.min():.8e} to {numbers.max():.8e}"
