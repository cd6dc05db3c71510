"""What a run found, as Markdown and as lines for a terminal."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from xbarsim.quantities import counted
from xbarsim.text_table import aligned, comma_separated
from xbarsim.validate.case import COMPONENT_FLOOR, Row
from xbarsim.validate.outcome import Outcome

HOW = (
    "Differences are relative to the largest voltage or current of the analysis; a tolerance holds for all three kinds "
    f"together. Componentwise ones are relative to each number, of those above {COMPONENT_FLOOR:g} of the largest. "
    "`solve` is the crossbar from its matrices, `netlist` the same file that ngspice read, read back by xbarsim. "
    "`export` is the netlist that xbarsim writes; the one `by hand` has other names, another order and other formulas. "
    "In time, `simulate` is the crossbar, `netlist` the general network; the other's own difference is that from its "
    "run with steps half as long."
)

GROUP_HEAD = (
    "cells", "against", "circuits", "comparisons", "voltages", "currents", "largest difference", "tolerance",
    "componentwise", "worst circuit",
)  # fmt: skip
ROW_HEAD = (
    "circuit", "xbarsim", "other", "node voltages", "output currents", "source currents", "states", "componentwise",
    "other's own", "xbarsim s", "other s", "",
)  # fmt: skip


def group_cells(outcome: Outcome) -> list[list[str]]:
    """Return the summary table's cells."""
    return [
        [
            group.device, group.other, str(group.circuits), str(group.comparisons), f"{group.voltages:,}",
            f"{group.outputs + group.sources:,}", _number(group.largest), f"{group.tolerance:.0e}",
            _number(group.componentwise), group.worst,
        ]
        for group in outcome.groups()
    ]  # fmt: skip


def row_cells(row: Row) -> list[str]:
    """Return a comparison's cells in the long table."""
    parts = [
        _number(part.relative) if part.count else "" for part in (row.voltages, row.outputs, row.sources, row.states)
    ]
    mark = f"**{row.trouble or 'beyond tolerance'}**" if row.failed else ""
    return [
        row.case, row.ours, row.other, *parts, _number(row.componentwise), _number(row.reference),
        _seconds(row.seconds), _seconds(row.other_seconds), mark,
    ]  # fmt: skip


def markdown(outcome: Outcome, picture: str = "") -> str:
    """Return the report; ``picture`` is the name of the image beside it.

    Parameters
    ----------
    outcome : Outcome
        What the run found.
    picture : str
        The image's file, relative to the report; nothing: none.
    """
    lines = ["# Validation", "", outcome.sentence(), "", HOW, ""]
    lines += [
        f"Run: {outcome.scope}, {outcome.seconds:.0f} s. " + ", ".join(f"{n} {v}" for n, v in outcome.facts) + "."
    ]
    if picture:
        lines += ["", f"![Largest differences by size]({picture})"]
    lines += ["", *_table(GROUP_HEAD, group_cells(outcome)), ""]
    for title, text in notes(outcome):
        lines += [f"- {title}: {text}"]
    lines += ["", "## Every comparison", "", *_table(ROW_HEAD, [row_cells(row) for row in listed_rows(outcome)])]
    return "\n".join(lines) + "\n"


def listed_rows(outcome: Outcome) -> list[Row]:
    """Return the comparisons that were made or should have been."""
    return [row for row in outcome.rows if not row.skipped]


def notes(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what failed and what was left out, each with its reason."""
    reasons: dict[str, list[Row]] = {}
    for row in outcome.failed:
        reasons.setdefault(row.trouble or f"{row.largest:.1e} > {row.tolerance:.0e}", []).append(row)
    failures = [
        (
            f"{rows[0].case}, {rows[0].ours} against {rows[0].other}"
            + (f", and {counted(len(rows) - 1, 'comparison')} more" if len(rows) > 1 else ""),
            reason,
        )
        for reason, rows in reasons.items()
    ]
    left = [
        (f"left out, {len(rows)} of {len({row.case for row in rows})} circuits", reason)
        for reason, rows in outcome.skipped.items()
    ]
    return failures + left


@dataclass(frozen=True)
class ValidationReport:
    """A run as ``xbarsim validate`` prints it."""

    outcome: Outcome

    def as_table(self) -> str:
        """Return the summary as lines of columns."""
        remarks = [f"{title}: {text}" for title, text in notes(self.outcome)]
        lines = aligned([GROUP_HEAD, *group_cells(self.outcome)], "<" * len(GROUP_HEAD), keys=2)
        return "\n".join([*lines, "", *remarks, *([""] if remarks else []), self.outcome.sentence()])

    def as_numbers(self) -> str:
        """Return what it amounts to, in one sentence."""
        return self.outcome.sentence()

    def as_json(self) -> str:
        """Return everything; what is not known is null."""
        return json.dumps(self.outcome.as_dict(), indent=1)

    def as_csv(self) -> str:
        """Return a row for each comparison, under the names that JSON has; what is not known is empty."""
        records = [_flat(record) for record in self.outcome.as_dict()["comparisons"]]
        return comma_separated([records[0], *(record.values() for record in records)] if records else [])


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return one level of values, ``voltages_relative`` for what lies two deep."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= {f"{name}_{part}": inner for part, inner in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _table(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]


def _number(value: float) -> str:
    return "" if math.isnan(value) else "0" if value == 0 else f"{value:.1e}"


def _seconds(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}" if value < 0.1 else f"{value:.2f}"
