"""What the commands of the papers share: a trained network, chips that are measured once, and tables."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import provenance

from xbarsim.mitigation import Plan, Record, Study, chain, run
from xbarsim.nn import Hardware, model_sources
from xbarsim.nn.datasets import Dataset, load

VALIDATION = 5000


@dataclass(frozen=True)
class Setting:
    """A row of a table: a kind of chip, and what is tried on how many of them."""

    label: str
    hardware: Hardware
    chains: tuple[str, ...]
    chips: int = 5


class Records:
    """What was measured, one record a line of a file: a command that was stopped goes on from there.

    Records of another network are left alone.

    Parameters
    ----------
    path : Path or None
        None: nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._records: dict[tuple[str | None, str, str, str, int], tuple[Record, str]] = {}
        self._ideals: dict[str, float] = {}
        for line in path.read_text().splitlines() if path is not None and path.exists() else ():
            entry = json.loads(line)
            key = (
                entry.get("network"), entry["table"], entry["hardware"], entry["chain"], entry["record"]["seed"]
            )  # fmt: skip
            self._records[key] = Record.from_dict(entry["record"]), entry["origin"]
        self.origins: set[str] = set()

    def study(self, table: str, setting: Setting, model: nn.Module, dataset: Dataset) -> Study:
        """Return a setting's study, of which only what is missing is measured."""
        hardware = json.dumps(setting.hardware.to_dict(), sort_keys=True)
        weights = Plan.of(model).fingerprint()
        chains = [chain(text) for text in setting.chains]
        finished = {}
        for (network, where, kind, label, seed), (record, origin) in self._records.items():
            if (where, kind) == (table, hardware) and network in (None, weights):
                finished[label, seed] = record
                self.origins.add(origin)

        def report(step, record: Record) -> None:
            origin = provenance.current_origin()
            self.origins.add(origin)
            self._records[weights, table, hardware, step.label, record.seed] = record, origin
            print(f"{table}, {setting.label}, {step.label}, chip {record.seed}: {100 * record.after:.2f}", flush=True)
            if self._path is not None:
                entry = {"network": weights, "table": table, "hardware": hardware, "chain": step.label}
                with self._path.open("a") as file:
                    file.write(json.dumps(entry | {"record": record.to_dict(), "origin": origin}) + "\n")

        study = run(
            model,
            dataset,
            setting.hardware,
            chains,
            seeds=range(setting.chips),
            finished=finished,
            jobs=1,
            report=report,
        )
        for failure in study.failures:
            print(f"{table}, {setting.label}, {failure.label}, chip {failure.seed}: {failure.message}", flush=True)
        return study

    @property
    def origin(self) -> str:
        """Where the oldest of all that was used comes from."""
        return provenance.oldest(sorted(self.origins))


def cell(study: Study, label: str) -> str:
    """Return mean and deviation of a chain in percent."""
    label = chain(label).label
    result = next((result for result in study.results if result.chain.label == label), None)
    if result is None or result.mean is None:
        return "-" if not any(failure.label == label for failure in study.failures) else "diverged"
    text = f"{100 * result.mean:.2f}"
    if len(result.records) > 1:
        text += f" ({100 * result.deviation:.2f})"
    return text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def command(description: str | None, tables: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of a paper's command."""
    parser = provenance.parser(description)
    parser.add_argument("tables", nargs="+", choices=tables, metavar="TABLE", help=", ".join(tables))
    parser.add_argument(
        "--weights", type=Path, required=True, help="the trained network; trained first where there is none"
    )
    parser.add_argument(
        "--records", type=Path, help="what is measured, kept in this file, so that a stopped run goes on"
    )
    return parser


def network(path: Path, *training: str) -> tuple[nn.Module, Dataset]:
    """Return a network, trained on the first 55,000 images of MNIST where the file is not there, and its data."""
    if not path.exists():
        limit = str(60_000 - VALIDATION)
        options = ["--data", "mnist", "--limit", limit, *training, "--output", str(path)]
        subprocess.run([sys.executable, "-m", "xbarsim", "train", *options], check=True)
    source = model_sources.find(str(path), load("mnist").split(validation=VALIDATION))
    return source.model, source.dataset


def mean(study: Study, label: str) -> float:
    """Return a chain's mean in percent."""
    label = chain(label).label
    value = next(result.mean for result in study.results if result.chain.label == label)
    return float("nan") if value is None else 100 * float(np.round(value, 6))
