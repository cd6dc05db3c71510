"""What the command line prints: all there is to say about one run, as a table, JSON, CSV or a raw file."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xbarsim.analysis.results import Result
from xbarsim.crossbar import Array

_POINT = ["quantity", "name", "value"]


_FEW_RUNS = 8
"""How many of a measure's numbers the table lists."""


@dataclass
class Answers:
    """One run of ``xbarsim solve``.

    Attributes
    ----------
    title : str
        The netlist's, or the file of conductances.
    what : str
        What was recognised, for reading.
    recognised, reason : str or None
        ``crossbar``, or None and why not.
    rows, cols : int or None
        The crossbar's.
    results : list of Result
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
    what: str
    recognised: str | None
    reason: str | None
    rows: int | None
    cols: int | None
    results: list[Result]
    seconds: dict[str, float]
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    show_nodes: bool = False
    label: str = "analysis"

    def as_json(self) -> str:
        """Return the contract's JSON; NaN and infinities are null."""
        record = {
            "title": self.title,
            "recognised": self.recognised,
            "reason": self.reason,
            "rows": self.rows,
            "cols": self.cols,
            "analyses": [_record(one) for one in self.results],
            "seconds": {name: round(value, 6) for name, value in self.seconds.items()},
        }
        # A line for each entry: indented throughout, json would leave its compiled encoder and take ten times as long.
        lines = ",\n ".join(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items())
        return "{" + lines + "}"

    def as_csv(self) -> str:
        """Return operating points as ``quantity,name,value`` rows, sweeps as one row a point.

        Several vectors of one crossbar are one table, with the vector's number first.
        """
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        if self.label == "vector" and len(self.results) > 1:
            writer.writerow(["vector", *_POINT])
            writer.writerows([number, *row] for number, one in enumerate(self.results) for row in _point_rows(one))
            return stream.getvalue().rstrip("\n")
        for number, one in enumerate(self.results):
            if number:
                stream.write("\n")
            if one.sweep:
                writer.writerows(_sweep_rows(one))
                if one.measures or one.failed:
                    stream.write("\n")
                    writer.writerow(["measure", "value", "error"])
                    writer.writerows(_measure_rows(one))
            else:
                writer.writerow(_POINT)
                writer.writerows(_point_rows(one))
        return stream.getvalue().rstrip("\n")

    def as_table(self) -> str:
        """Return the outputs and what they rest on, for reading."""
        lines = [self.title, self.what]
        for number, one in enumerate(self.results):
            lines.append("")
            if len(self.results) > 1:
                lines.append(f"{self.label} {number}" + (f": {one.kind}" if one.sweep else "") + _altered(one))
            lines += _sweep_table(one) if one.sweep else _point_table(one, self.show_nodes)
        times = ", ".join(f"{name} {value:.3f} s" for name, value in self.seconds.items())
        lines += ["", f"time      {times}"]
        return "\n".join(lines)

    def currents_only(self) -> str:
        """Return output names and currents alone, one a line; a sweep has one line a point."""
        lines = []
        for one in self.results:
            names, values = _currents(one)
            if one.sweep:
                lines += [" ".join(map(repr, row)) for row in values.tolist()]
            else:
                lines += [f"{name} {value!r}" for name, value in zip(names, values[0].tolist(), strict=True)]
        return "\n".join(lines)


def _altered(one: Result) -> str:
    """Say what a ``.control`` block had altered."""
    return "".join(f", {name} = {value:g}" for name, value in one.altered.items())


def _point_rows(one: Result) -> Iterator[list[str]]:
    """Yield an operating point's rows of CSV."""
    for quantity, names, values in (("voltage", one.nodes, one.voltages), ("current", one.branches, one.currents)):
        for name, value in zip(names, values[0].tolist(), strict=True):
            yield [quantity, name, repr(value)]
    yield ["power", "", repr(float(one.power[0]))]
    for name, column in one.printed.items():
        yield ["printed", name, repr(float(column[0]))]
    for name, value, error in _measure_rows(one):
        yield ["measure", name, value or f"failed: {error}"]


def _measure_rows(one: Result) -> Iterator[list[str]]:
    """Yield name, value and error of each measure; a repeated analysis has a row for each of its runs."""
    for name, value in one.measures.items():
        for number in value if isinstance(value, list) else [value]:
            yield [name, repr(number), ""]
    for name, error in one.failed.items():
        if name not in one.measures:
            yield [name, "", error]


def _sweep_rows(one: Result) -> Iterator[list[str]]:
    """Yield a sweep's heading, and a row for each point."""
    axes = one.axes()
    nodes, branches = ([f"{letter}({n})" for n in names] for letter, names in (("v", one.nodes), ("i", one.branches)))
    yield [*(name for name, _ in axes), *nodes, *branches, *one.printed]
    columns = [*(column for _, column in axes), one.voltages, one.currents, *one.printed.values()]
    for row in np.column_stack(columns).tolist():
        yield [repr(value) for value in row]


def _currents(one: Result) -> tuple[list[str], Array]:
    """Output currents of a crossbar, branch currents of any other circuit but what charges frozen states."""
    if one.outputs:
        return one.outputs, one.output_currents
    shown = [k for k, name in enumerate(one.branches) if name[0] != "c"]
    return [one.branches[k] for k in shown], one.currents[:, shown]


def _record(one: Result) -> dict[str, Any]:
    def per_name(names: list[str], values: Array) -> dict[str, Any]:
        columns = _finite(values.T if one.sweep else values[0])
        return dict(zip(names, columns, strict=True))

    record: dict[str, Any] = {"kind": one.kind}
    if one.measures or one.failed:
        record["measures"] = {
            name: _finite(np.array(value)) if isinstance(value, list) else _finite(np.array([value]))[0]
            for name, value in one.measures.items()
        }
        record["measures"] |= dict.fromkeys(name for name in one.failed if name not in one.measures)
    if one.failed:
        record["measure_errors"] = dict(one.failed)
    if one.printed:
        record["printed"] = {
            name: _finite(column) if one.sweep else _finite(column)[0] for name, column in one.printed.items()
        }
    if one.altered:
        record["altered"] = dict(zip(one.altered, _finite(np.array(list(one.altered.values()))), strict=True))
    if one.sweep:
        record["sweep"] = [{"source": name, "values": _finite(values)} for name, values in one.sweep]
    return record | {
        "node_voltages": per_name(one.nodes, one.voltages),
        "source_currents": per_name(one.branches, one.currents),
        "power": _finite(one.power) if one.sweep else _finite(one.power)[0],
        "residual": one.residual if math.isfinite(one.residual) else None,
    }


def _finite(values: Array) -> list[Any]:
    """Return lists of numbers with None for what is not finite: JSON has no other word for it."""
    values = np.asarray(values)
    finite = np.isfinite(values)
    if finite.all():
        return list(values.tolist())
    masked = values.astype(object)
    masked[~finite] = None
    return list(masked.tolist())


def _point_table(one: Result, show_nodes: bool) -> Iterator[str]:
    """Yield the lines of one operating point."""
    names, currents = _currents(one)
    if names:
        width = max(len("output"), *map(len, names))
        head = f"{'output' if one.outputs else 'source':<{width}}  {'current (A)':>15}"
        yield head + ("" if one.ideal is None else f"  {'ideal (A)':>13}  {'loss':>7}")
        for k, (name, current) in enumerate(zip(names, currents[0].tolist(), strict=True)):
            row = f"{name:<{width}}  {current:>15.8e}"
            if one.ideal is not None:
                ideal = float(one.ideal[0, k])
                loss = f"{100 * (1 - current / ideal):>6.2f}%" if ideal else f"{'-':>7}"
                row += f"  {ideal:>13.6e}  {loss}"
            yield row
        yield ""
    if show_nodes and one.nodes:
        width = max(len("node"), *map(len, one.nodes))
        yield f"{'node':<{width}}  {'voltage (V)':>15}"
        for name, volts in zip(one.nodes, one.voltages[0].tolist(), strict=True):
            yield f"{name:<{width}}  {volts:>15.8e}"
        yield ""
    yield from _named_lines(one)
    yield f"power     {float(one.power[0]):.8e} W"
    yield f"residual  {one.residual:.1e} ({one.how})"


def _sweep_table(one: Result) -> Iterator[str]:
    """Yield a line for each point: swept values, then currents."""
    names, currents = _currents(one)
    axes = one.axes()
    heads = [name for name, _ in axes] + [f"i({name})" for name in names] + [*one.printed]
    yield "  ".join(f"{head:>15}" for head in heads)
    table = np.column_stack([*(column for _, column in axes), currents, *one.printed.values()])
    for row in table.tolist():
        yield "  ".join(f"{value:>15.8e}" for value in row)
    yield ""
    yield from _measure_lines(one)
    yield f"points    {one.points}"
    yield f"residual  {one.residual:.1e} ({one.how})"


def _named_lines(one: Result) -> Iterator[str]:
    """Yield what cards name at an operating point, and what was measured there."""
    width = max(map(len, one.printed), default=0)
    for name, column in one.printed.items():
        yield f"{name:<{width}}  = {float(column[0]):.8e}"
    if one.printed:
        yield ""
    yield from _measure_lines(one)
    if one.measures or one.failed:
        yield ""


def _measure_lines(one: Result) -> Iterator[str]:
    width = max(map(len, [*one.measures, *one.failed]), default=0)
    for name, value in one.measures.items():
        yield f"{name:<{width}}  = {_measured(value)}"
    for name, error in one.failed.items():
        yield f"{name:<{width}}  failed: {error}"


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
