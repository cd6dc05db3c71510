"""Rows of a study side by side: what each brings, what it costs in each of several coins, and which none beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from xbarsim.mitigation.chip_study import ChainResult
from xbarsim.mitigation.pareto import on_front
from xbarsim.text_table import aligned

BASELINES = ("headroom", "gain", "prescale")
"""Methods that train nothing, whose accuracy is the least that is to be expected of any other."""

COINS: dict[str, tuple[tuple[str, ...], str]] = {
    "labels": (("labels",), "labels"),
    "images": (("labels", "images"), "images, with and without labels"),
    "steps": (("gradient_steps",), "gradient steps"),
    "pulses": (("pulses",), "write pulses"),
    "area": (("area",), "area beside the arrays, F²"),
}
"""By what tables call them: the counts that are added up, and what pictures call them."""


class CostedRow(Protocol):
    """A chain's result with its name and mean counts, as ``StudyRow`` is."""

    @property
    def name(self) -> str:
        """What it was called."""

    @property
    def result(self) -> ChainResult:
        """The chips."""

    @property
    def cost_mean(self) -> Mapping[str, float | None]:
        """Each count."""


@dataclass(frozen=True)
class ComparedRow:
    """A row with what it costs.

    Attributes
    ----------
    name : str
        As it was asked for.
    mean, deviation : float
        Accuracy.
    costs : mapping of str to float
        Mean over chips, by coin.
    front : frozenset of str
        Coins for which no row beats it.
    knows : str
        The most that some step knows of the chip.
    runs : bool
        Whether some step runs or writes the chip itself.
    baseline : bool
        Whether it is one of ``BASELINES``.
    """

    name: str
    mean: float
    deviation: float
    costs: Mapping[str, float]
    front: frozenset[str]
    knows: str
    runs: bool
    baseline: bool


def compared(rows: Sequence[CostedRow]) -> list[ComparedRow]:
    """Return rows that have a result with their fronts, ``none`` among them.

    Parameters
    ----------
    rows : sequence of rows of a study
        Each with its result and its mean cost; those that failed are left out.
    """
    present = [row for row in rows if row.result.mean is not None]
    means = [row.result.mean or 0.0 for row in present]
    costs = [_costs(row.cost_mean) for row in present]
    fronts: list[set[str]] = [set() for _ in present]
    for coin in COINS:
        points = [(cost[coin], mean) for cost, mean in zip(costs, means, strict=True)]
        for front, best in zip(fronts, on_front(points), strict=True):
            if best:
                front.add(coin)
    return [
        ComparedRow(
            row.name, mean, row.result.deviation, cost, frozenset(front), _knows(row),
            any(step.needs.chip != "none" for step in row.result.chain.steps), _is_baseline(row),
        )
        for row, mean, cost, front in zip(present, means, costs, fronts, strict=True)
    ]  # fmt: skip


def _costs(counts: Mapping[str, float | None]) -> dict[str, float]:
    return {coin: sum(counts[name] or 0.0 for name in names) for coin, (names, _) in COINS.items()}


def _knows(row: CostedRow) -> str:
    levels = [step.needs.knows for step in row.result.chain.steps]
    return next(level for level in ("maps", "faults", "hardware") if level in levels)


def _is_baseline(row: CostedRow) -> bool:
    steps = row.result.chain.steps
    return len(steps) == 1 and steps[0].name in BASELINES


def front_lines(rows: Sequence[ComparedRow]) -> list[str]:
    """Return a table of costs, with a star where no row beats it for that coin."""
    table: list[Sequence[str]] = [("method", "mean", *(part for coin in COINS for part in (coin, "")))]
    for row in rows:
        cells = [part for coin in COINS for part in (f"{row.costs[coin]:,.0f}", "*" if coin in row.front else "")]
        table.append((row.name, f"{row.mean:.2%}", *cells))
    title = "costs, and * where no row is as accurate for less, or better for as much (area in F^2 beside the arrays)"
    return [title, *aligned(table, ("<", ">7", *(">", "<1") * len(COINS)), keys=1)]


def front_names(rows: Sequence[ComparedRow]) -> dict[str, Any]:
    """Return the rows on each coin's front, from the cheapest on."""
    return {
        coin: [row.name for row in sorted(rows, key=lambda row: (row.costs[coin], row.mean)) if coin in row.front]
        for coin in COINS
    }
