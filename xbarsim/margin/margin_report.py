"""What ``xbarsim margin`` prints: a table, JSON or CSV."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from xbarsim.margin.margin_table import CASE_COLUMNS, margin_columns
from xbarsim.margin.technology import Technology
from xbarsim.margin.worst import Case, Margin
from xbarsim.quantities import engineering, finite
from xbarsim.text_table import WIDTH, aligned, comma_separated


@dataclass(frozen=True)
class Report:
    """One sweep.

    Attributes
    ----------
    technology : Technology
        Of all arrays.
    read_voltage : float
        Volts.
    cell, patterns : str
        As they were asked for.
    points : sequence of Margin
        What ``sweep`` returned.
    seconds : dict of str to float
        How long it took.
    """

    technology: Technology
    read_voltage: float
    cell: str
    patterns: str
    points: Sequence[Margin]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def heading(self) -> list[str]:
        """Two lines that say what was swept."""
        technology = self.technology
        device = "linear cells" if technology.device.linear else f"{technology.device!r} cells"
        word, bit = engineering(technology.word_wire, "ohm"), engineering(technology.bit_wire, "ohm")
        wires = word if technology.word_wire == technology.bit_wire else f"{word} (word), {bit} (bit)"
        ends = f"driver {engineering(technology.driver, 'ohm')}, sense {engineering(technology.sense, 'ohm')}"
        states = f"LRS {engineering(technology.r_on, 'ohm')}, HRS {engineering(technology.r_off, 'ohm')}"
        place = {
            "far": "the cell far from driver and sense",
            "corners": "the worst corner cell",
        }.get(self.cell, f"cell {self.cell}")
        loads = {margin.scheme.load for margin in self.points} - {None}
        load = "".join(f", load {engineering(ohms or 0.0, 'ohm')}" for ohms in loads)
        among = (
            "each state among its worst pattern" if self.patterns == "worst" else "both states among the same pattern"
        )
        return [
            f"{device}, {states}; wires {wires} a segment, {ends}{load}",
            f"{place} read at {engineering(self.read_voltage, 'V')}, {among}",
        ]

    def as_table(self) -> str:
        """Return a line for each point, for reading."""
        heads = ["scheme", "array", "margin", "on/off", "dV/V", "I LRS (A)", "I HRS (A)", "sneak (A)", "power (W)"]
        table = [[*heads, "worst for LRS | HRS"]]
        for number, margin in enumerate(self.points):
            if number and margin.scheme.name != self.points[number - 1].scheme.name:
                table.append([])
            table.append(_cells(margin))
        columns = ["<8", ">9", ">7", ">9", ">7", ">10", ">10", ">10", ">9", "<"]
        if all(margin.voltage_margin is None for margin in self.points):
            column = heads.index("dV/V")
            for row in (columns, *table):
                del row[column : column + 1]
        parts = [part for line in self.heading for part in line.split("; ")]
        heading = [line for part in parts for line in textwrap.wrap(part, WIDTH, subsequent_indent="  ")]
        lines = ["read margin", *heading, "", *aligned(table, columns, keys=2)]
        worst = max(max(margin.lrs.residual, margin.hrs.residual) for margin in self.points)
        lines += ["", "margin: (I LRS - I HRS) / I LRS, 0 and below cannot be read", "sneak: that of the cell in HRS"]
        lines += textwrap.wrap(f"worst     {self._effort()}", WIDTH, subsequent_indent=" " * 10)
        lines += [f"residual  {worst:.1e}"]
        if self.seconds:
            lines += [f"time      {', '.join(f'{name} {value:.3f} s' for name, value in self.seconds.items())}"]
        return "\n".join(lines)

    def _effort(self) -> str:
        """Say for which arrays all patterns were tried, and how many where the worst was searched for."""
        words = []
        for exhaustive, how in ((True, "all patterns tried"), (False, "searched, a worse one may exist")):
            points = [
                margin for margin in self.points if (margin.lrs.exhaustive and margin.hrs.exhaustive) == exhaustive
            ]
            if points:
                counts = [case.tried for margin in points for case in (margin.lrs, margin.hrs)]
                span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
                sizes = ", ".join(dict.fromkeys(_by(margin) for margin in points))
                words.append(f"{how} ({span} a state): {sizes}")
        return "; ".join(words)

    def as_json(self) -> str:
        """Return everything; NaN and infinities are null."""
        technology = self.technology
        values = {name: value.tolist() for name, value in technology.device.parameters.items()}
        record = {
            "technology": {
                "r_on": technology.r_on, "r_off": finite(technology.r_off),
                "device": {"name": technology.device.name, **values},
                "word_wire": technology.word_wire, "bit_wire": technology.bit_wire,
                "driver": technology.driver, "sense": technology.sense,
            },
            "read_voltage": self.read_voltage,
            "cell": self.cell,
            "patterns": self.patterns,
            "points": [_record(margin) for margin in self.points],
            "seconds": {name: round(value, 6) for name, value in self.seconds.items()},
        }  # fmt: skip
        return json.dumps(record, indent=1, allow_nan=False)

    def as_csv(self) -> str:
        """Return a row for each point, SI units; what is no finite number is left empty."""
        columns = margin_columns(self.points)
        columns["searched"] = [str(searched).lower() for searched in columns["searched"]]
        for name in ("current_margin", "on_off_ratio"):
            columns[name] = [finite(value) for value in columns[name]]
        return comma_separated([list(columns), *zip(*columns.values(), strict=True)])

    def as_numbers(self) -> str:
        """Return scheme, rows, columns and current margin of each point, one a line."""
        return "\n".join(f"{m.scheme.name} {m.rows} {m.cols} {float(m.current_margin)!r}" for m in self.points)


def _record(margin: Margin) -> dict[str, Any]:
    return {
        "scheme": margin.scheme.name,
        "rows": margin.rows,
        "cols": margin.cols,
        "cell": list(margin.cell),
        "load": margin.scheme.load,
        "current_margin": finite(margin.current_margin),
        "on_off_ratio": finite(margin.on_off_ratio),
        "voltage_margin": margin.voltage_margin,
        "lrs": _case(margin.lrs),
        "hrs": _case(margin.hrs),
        "residual": max(margin.lrs.residual, margin.hrs.residual),
        "searched": not (margin.lrs.exhaustive and margin.hrs.exhaustive),
    }


def _case(case: Case) -> dict[str, Any]:
    return {"pattern": case.pattern} | {name: getattr(case, name) for name in (*CASE_COLUMNS, "tried")}


def _share(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4f}" if abs(value) < 10.0 else f"{value:.1f}"


def _ratio(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "-"


def _cells(margin: Margin) -> list[str]:
    """Return a row of the table."""
    lrs, hrs = margin.lrs, margin.hrs
    return [
        margin.scheme.name, _by(margin), _share(margin.current_margin), _ratio(margin.on_off_ratio),
        _share(margin.voltage_margin), f"{lrs.current:.3e}", f"{hrs.current:.3e}", f"{hrs.sneak_current:.2e}",
        f"{max(lrs.power, hrs.power):.2e}", f"{lrs.pattern} | {hrs.pattern}",
    ]  # fmt: skip


def _by(margin: Margin) -> str:
    return f"{margin.rows} x {margin.cols}"
