"""ngspice as a process: what it answered, and what it said."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TIMEOUT = 20.0

_KINDS = {"Operating Point": "op", "DC transfer characteristic": "dc", "Transient Analysis": "tran"}
_TROUBLE = re.compile(
    r"error|warning|fatal|singular|cannot|can't|unable|fail|abort|unknown|not found|ignored", re.IGNORECASE
)
_HARMLESS = re.compile(r"Nesting of subcircuits with parameters is only marginally supported")


@dataclass(frozen=True)
class Plot:
    """One analysis of a raw file; ``table`` is (points, variables)."""

    kind: str
    names: list[str]
    table: np.ndarray

    @property
    def values(self) -> dict[str, np.ndarray]:
        return dict(zip(self.names, self.table.T, strict=True))


@dataclass(frozen=True)
class Answer:
    """``plots`` is empty where it failed; ``trouble`` are the lines of its log that speak of any."""

    plots: list[Plot]
    trouble: list[str]
    log: str
    status: str


def run(path: Path, timeout: float = TIMEOUT) -> Answer:
    """Run ngspice on a netlist."""
    raw = path.with_suffix(".raw")
    raw.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            ["ngspice", "-b", "-r", raw.name, path.name],
            cwd=path.parent, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Answer([], [f"no answer in {timeout:g} s"], "", "timeout")
    log = (done.stdout + done.stderr).decode("utf-8", "replace")
    trouble = [line.strip() for line in log.splitlines() if _TROUBLE.search(line) and not _HARMLESS.search(line)]
    plots: list[Plot] = []
    if raw.exists():
        try:
            plots = read_raw(raw.read_bytes())
        except (ValueError, IndexError, KeyError) as error:
            trouble.append(f"its raw file is not understood: {error}")
    return Answer(plots, trouble, log, f"exit {done.returncode}" if done.returncode else "ok")


def read_raw(data: bytes) -> list[Plot]:
    """Read every plot of a binary raw file."""
    plots = []
    at = 0
    while (start := data.find(b"Title:", at)) >= 0:
        middle = data.index(b"Binary:\n", start)
        head = data[start:middle].decode("utf-8", "replace")
        fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        count, points = int(fields["No. Variables"]), int(fields["No. Points"])
        names = [line.split("\t")[2] for line in head.split("Variables:\n")[1].splitlines() if line.strip()]
        first = middle + len(b"Binary:\n")
        at = first + 8 * count * points
        table = np.frombuffer(data[first:at], dtype="<f8").reshape(points, count)
        plots.append(Plot(_KINDS.get(fields["Plotname"].strip(), fields["Plotname"]), names, table))
    return plots
