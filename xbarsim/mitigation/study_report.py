"""What ``xbarsim mitigate`` prints: a table, or JSON and CSV with the same numbers."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from xbarsim.mitigation.chip_study import ChainResult, Failure, Study
from xbarsim.mitigation.comparison import ComparedRow, compared, front_lines, front_names
from xbarsim.mitigation.record import COUNTS, Record
from xbarsim.nn.hardware import Hardware
from xbarsim.quantities import counted
from xbarsim.text_table import aligned, comma_separated

SCHEMA = 1

_PACKAGES = ("xbarsim", "numpy", "scipy", "numba", "torch")

_WORDS = {
    "labels": "{} labels",
    "images": "{} images without labels",
    "gradient_steps": "{} gradient steps",
    "forward_images": "{} images through the chip",
    "writes": "{} writes",
    "pulses": "{} pulses",
    "most_writes_a_cell": "up to {} writes a cell",
    "unconverged": "{} cells not converged",
    "spare_rows": "{} spare rows",
    "router_lines": "{} lines moved",
    "negated_lines": "{} lines negated",
    "sram_weights": "{} weights in SRAM",
    "correction_macs": "{} digital products an image",
    "digital_gains": "{} digital gains",
}
_KNOWS = {"faults": "needs the chip's stuck cells", "maps": "needs the chip's maps"}
"""Has no count, and is a price all the same."""

_PROGRAMMING = ("writes", "pulses", "most_writes_a_cell", "unconverged", "clipped_share")
"""What the network alone costs too: rows tell of it where they differ from ``none``."""


@dataclass(frozen=True)
class StudyRow:
    """A chain at one value of the swept setting.

    Attributes
    ----------
    name : str
        What it was called.
    value : object
        Of the swept setting; None of no sweep.
    result : ChainResult
        The chips.
    ideal : float
        Torch's accuracy.
    """

    name: str
    value: Any
    result: ChainResult
    ideal: float

    @property
    def normalised(self) -> float | None:
        """Mean accuracy as a share of torch's."""
        return None if self.result.mean is None or not self.ideal else self.result.mean / self.ideal

    @property
    def cost_mean(self) -> dict[str, float | None]:
        """Each count, as the mean over chips; None of no chip."""
        records = self.result.records
        if not records:
            return dict.fromkeys(COUNTS)
        return {name: float(np.mean([getattr(record.cost, name) for record in records])) for name in COUNTS}

    @property
    def seconds(self) -> float | None:
        """What the methods took, as the mean over chips."""
        records = self.result.records
        return float(np.mean([record.seconds for record in records])) if records else None


@dataclass(frozen=True)
class MitigationReport:
    """Methods on chips, with what they were tried on.

    Attributes
    ----------
    model, weights : str
        The network, and where its weights come from.
    data : mapping
        ``Dataset.facts()``.
    hardware_name : str
        As it was asked for.
    hardware : Hardware
        As it was used, but for the swept setting.
    studies : sequence of (value, Study)
        One, of value None; or of each value of the swept setting.
    method_seed : int
        The methods' own randomness.
    swept : str, optional
        The setting's name.
    names : mapping of str to str
        What chains were called, by label, where that is another name.
    seconds : mapping of str to float
        What took how long.
    left_out : mapping of str to str, optional
        Of all methods, those that were not tried, and why; None: it was not asked for all.
    """

    model: str
    weights: str
    data: Mapping[str, Any]
    hardware_name: str
    hardware: Hardware
    studies: Sequence[tuple[Any, Study]]
    method_seed: int = 0
    swept: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] | None = None

    @property
    def ideal(self) -> float:
        """Torch's accuracy."""
        return self.studies[0][1].ideal

    @property
    def seeds(self) -> list[int]:
        """The chips that were tried."""
        return sorted({seed for _, study in self.studies for seed in study.seeds})

    @property
    def rows(self) -> list[StudyRow]:
        """Each chain at each value, chain by chain, ``none`` first."""
        chains = range(len(self.studies[0][1].results))
        return [
            StudyRow(self._name(study.results[k].chain.label), value, study.results[k], study.ideal)
            for k in chains
            for value, study in self.studies
        ]

    @property
    def failures(self) -> list[tuple[Any, str, Failure]]:
        """Value, name and failure of each pair that came to no end."""
        return [
            (value, self._name(failure.label), failure) for value, study in self.studies for failure in study.failures
        ]

    @property
    def comparison(self) -> list[ComparedRow]:
        """Rows side by side, with what none beats; nothing of a sweep, or where it was not asked for all methods."""
        return [] if self.left_out is None or self.swept is not None else compared(self.rows)

    def _name(self, label: str) -> str:
        return self.names.get(label, label)

    @property
    def heading(self) -> list[str]:
        """What was tried, in lines."""
        wires, cells, tiles = self.hardware.wires, self.hardware.cells, self.hardware.tiles
        circuit = wires.described(self.hardware.fidelity)
        swept = "" if self.swept is None else f"; {self.swept} is swept"
        return [
            f"{self.model} on {self.data['name']}, {self.data['test_images']} test images; weights: {self.weights}",
            f"methods: {self.data['train_images']} images to train, {self.data['validation_images']} to choose by; "
            f"seed {self.method_seed}",
            f"{self.hardware_name}: {tiles.rows} x {tiles.cols} arrays, {cells.r_on:g} ohm and {cells.r_off:g} ohm, "
            f"{self.hardware.mapping.kind}; {circuit}{swept}",
        ]

    def as_table(self) -> str:
        """Return text for people."""
        tried = counted(len(self.seeds), "chip")
        lines = [*self.heading, "", f"ideal (torch) {self.ideal:.2%}; mean over {tried}, +- sample deviation", ""]
        swept = [] if self.swept is None else [self.swept]
        table: list[Sequence[str]] = [("method", *swept, "mean", "+- points", "of ideal", "least", "most")]
        for row in self.rows:
            value = [] if self.swept is None else [_plain(row.value)]
            table.append((row.name, *value, *_shares(row)))
        lines += aligned(table, ("<", *(">" * len(swept)), ">8", ">", ">", ">7", ">7"), keys=1)
        lines += ["", "costs of a chip, mean", *aligned(self._costs(), ("<", "<"))]
        if self.comparison:
            lines += ["", *front_lines(self.comparison)]
        if self.left_out:
            lines += ["", "not tried", *aligned(list(self.left_out.items()), ("<", "<"))]
        for value, name, failure in self.failures:
            place = "" if self.swept is None else f", {self.swept}={_plain(value)}"
            lines.append(f"failed: {name}, chip {failure.seed}{place}: {failure.message}")
        lines += ["", "time  " + ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())]
        return "\n".join(lines)

    def _costs(self) -> Iterator[tuple[str, str]]:
        """Give what each chain takes, in words; of a sweep, the mean over values."""
        rows: dict[str, list[StudyRow]] = {}
        for row in self.rows:
            rows.setdefault(row.name, []).append(row)
        base: dict[str, float] | None = None
        for name, group in rows.items():
            costs = [row.cost_mean for row in group if row.result.records]
            if not costs:
                yield name, "no chip came to an end"
                continue
            cost = {count: float(np.mean([entry[count] for entry in costs])) for count in COUNTS}
            levels = [step.needs.knows for step in group[0].result.chain.steps]
            knows = [text for level, text in _KNOWS.items() if level in levels][-1:]
            yield name, "; ".join([_cost_words(cost, base), *knows])
            base = base or cost

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it; what is no finite number is None."""
        failed = [
            {"method": name, "seed": failure.seed, "message": failure.message} | self._value(value)
            for value, name, failure in self.failures
        ]
        counts = ("name", "train_images", "validation_images", "test_images")
        swept = None if self.swept is None else {"name": self.swept, "values": [value for value, _ in self.studies]}
        methods: dict[str, list[float]] = {}
        for row in self.rows:
            if row.seconds is not None:
                methods.setdefault(row.name, []).append(row.seconds)
        return {
            "schema": SCHEMA,
            "model": self.model,
            "weights": self.weights,
            "data": {name: self.data[name] for name in counts},
            "hardware": self.hardware.to_dict(),
            "fidelity": self.hardware.fidelity,
            "accuracy_ideal": self.ideal,
            "seeds": self.seeds,
            "method_seed": self.method_seed,
            "methods": [self._row(row) for row in self.rows],
            "failed": failed,
            "swept": swept,
            **self._sides(),
            "seconds": {**self.seconds, "methods": {name: float(np.mean(times)) for name, times in methods.items()}},
            "versions": versions(),
        }

    def _sides(self) -> dict[str, Any]:
        if self.left_out is None:
            return {}
        reasons = [{"method": name, "message": message} for name, message in self.left_out.items()]
        return {"fronts": front_names(self.comparison) if self.comparison else None, "left_out": reasons}

    def _value(self, value: Any) -> dict[str, Any]:
        return {} if self.swept is None else {"value": value}

    def _row(self, row: StudyRow) -> dict[str, Any]:
        result = row.result
        return {
            "name": row.name,
            **self._value(row.value),
            "chain": [step.to_dict() | {"options": json_options(step.options())} for step in result.chain.steps],
            "mean": result.mean,
            "std": result.deviation if result.records else None,
            "normalised_mean": row.normalised,
            "chips": [_chip(record) for record in result.records],
            "cost_mean": row.cost_mean,
        }

    def as_json(self) -> str:
        """Return ``as_dict`` as text."""
        return json.dumps(self.as_dict(), indent=2, allow_nan=False)

    def as_csv(self) -> str:
        """Return a row for each chip of each chain: accuracies, seconds of the methods, counts."""
        swept = [] if self.swept is None else [self.swept]
        table: list[tuple[Any, ...]] = [("method", *swept, "seed", "ideal", "before", "after", "seconds", *COUNTS)]
        for row in self.rows:
            value = [] if self.swept is None else [row.value]
            for record in row.result.records:
                counts = (getattr(record.cost, name) for name in COUNTS)
                table.append(
                    (row.name, *value, record.seed, row.ideal, record.before, record.after, record.seconds, *counts)
                )
        return comma_separated(table)

    def as_numbers(self) -> str:
        """Return mean accuracies alone, one a line."""
        lines = [f"ideal {self.ideal!r}"]
        for row in self.rows:
            value = "" if self.swept is None else f" {_plain(row.value)}"
            lines.append(f"{row.name}{value} {row.result.mean!r}")
        return "\n".join(lines)


def versions() -> dict[str, str | None]:
    """Return the versions of what the numbers depend on."""
    installed: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = None
    return installed


def _chip(record: Record) -> dict[str, Any]:
    return {
        "seed": record.seed,
        "before": record.before,
        "after": record.after,
        "cost": asdict(record.cost),
        "trace": record.to_dict()["trace"],
    }


def json_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON; infinity is the word, as in settings of hardware."""
    return {name: "inf" if isinstance(value, float) and math.isinf(value) else value for name, value in options.items()}


def _plain(value: Any) -> str:
    """Return a swept value for reading."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shares(row: StudyRow) -> tuple[str, ...]:
    result = row.result
    if result.mean is None:
        return ("-",) * 5
    shares = [record.after for record in result.records]
    normalised = "-" if row.normalised is None else f"{row.normalised:.2%}"
    return f"{result.mean:.2%}", f"{100 * result.deviation:.2f}", normalised, f"{min(shares):.2%}", f"{max(shares):.2%}"


def _cost_words(cost: Mapping[str, float], base: Mapping[str, float] | None) -> str:
    """Return the counts that are not 0 in words; ``base`` is what the network alone costs."""
    words = []
    for name, text in _WORDS.items():
        least = 1.0 if name == "most_writes_a_cell" else 0.0
        differs = cost[name] > least if base is None or name not in _PROGRAMMING else cost[name] != base[name]
        if differs and not (name == "pulses" and cost["pulses"] == cost["writes"]):
            count = f"{cost[name]:,.0f}" if cost[name] >= 10 or cost[name].is_integer() else f"{cost[name]:.1f}"
            words.append(text.format(count))
    if cost["clipped_share"] != (0.0 if base is None else base["clipped_share"]):
        words.append(f"{cost['clipped_share']:.2%} of weights clipped")
    return ", ".join(words) or ("nothing" if base is None else "nothing more")
