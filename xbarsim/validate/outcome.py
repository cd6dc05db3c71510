"""All comparisons of a run, and what they amount to."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from xbarsim.quantities import counted
from xbarsim.validate.case import Row


@dataclass(frozen=True)
class Group:
    """Comparisons of one kind: cells of one device against one other."""

    device: str
    other: str
    circuits: int
    comparisons: int
    voltages: int
    outputs: int
    sources: int
    largest: float
    componentwise: float
    worst: str
    tolerance: float
    failed: int


@dataclass(frozen=True)
class Outcome:
    """What a run of ``validate`` found.

    Attributes
    ----------
    scope : str
        ``quick``, ``full`` or ``large``, and which cases were chosen.
    rows : list of Row
        Every comparison, made or not.
    seconds : float
        Of the whole run.
    facts : list of (name, value)
        Versions and machine.
    """

    scope: str
    rows: list[Row]
    seconds: float
    facts: list[tuple[str, str]]

    @property
    def compared(self) -> list[Row]:
        """The comparisons that were made."""
        return [row for row in self.rows if row.compared]

    @property
    def failed(self) -> list[Row]:
        """Those beyond their tolerance, and those that could not be made."""
        return [row for row in self.rows if row.failed]

    @property
    def skipped(self) -> dict[str, list[Row]]:
        """Those left out, by reason."""
        reasons: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.skipped:
                reasons.setdefault(row.skipped, []).append(row)
        return reasons

    def groups(self) -> list[Group]:
        """Return what was compared, by device and by whom it was compared with."""
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            if not row.skipped:
                groups.setdefault((_against(row), row.device), []).append(row)
        return [_group(device, partner, rows) for (partner, device), rows in groups.items()]

    def sentence(self) -> str:
        """Return what was compared, as one sentence."""
        rows = self.compared
        circuits = len({row.case for row in rows})
        counts = [sum(getattr(row, part).count for row in rows) for part in ("voltages", "outputs", "sources")]
        text = (
            f"{counted(len(rows), 'comparison')} of {counted(circuits, 'circuit')}: {counts[0]:,} node voltages, "
            f"{counts[1]:,} output currents, {counts[2]:,} source currents"
        )
        states = sum(row.states.count for row in rows)
        text += f", {states:,} states of cells" if states else ""
        beyond = sum(not row.trouble for row in self.failed)
        broken = len(self.failed) - beyond
        left = sum(len(group) for group in self.skipped.values())
        text += f"; {beyond or 'none'} beyond tolerance"
        text += f", {broken} that could not be made" if broken else ""
        return text + (f", {left} left out" if left else "") + "."

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values; what is not known is None."""
        rows = [
            {name: _plain(value) for name, value in asdict(row).items()}
            | {"largest": _plain(row.largest), "componentwise": _plain(row.componentwise), "failed": row.failed}
            for row in self.rows
        ]
        return {
            "scope": self.scope,
            "summary": self.sentence(),
            "passed": not self.failed,
            "seconds": self.seconds,
            "facts": dict(self.facts),
            "groups": [{name: _plain(value) for name, value in asdict(group).items()} for group in self.groups()],
            "comparisons": rows,
        }


def _against(row: Row) -> str:
    if row.ours in ("process", "pyspice", "klu"):
        return f"{row.version or row.other}, against the program"
    return row.version or row.other


def _group(device: str, partner: str, rows: list[Row]) -> Group:
    compared = [row for row in rows if row.compared]
    worst = max(compared, key=lambda row: row.largest, default=None)
    return Group(
        device,
        partner,
        len({row.case for row in compared}),
        len(compared),
        sum(row.voltages.count for row in compared),
        sum(row.outputs.count for row in compared),
        sum(row.sources.count for row in compared),
        worst.largest if worst else math.nan,
        max((row.componentwise for row in compared), default=math.nan),
        worst.case if worst else "",
        max(row.tolerance for row in rows),
        sum(row.failed for row in rows),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
