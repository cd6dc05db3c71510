"""ngspice as a process: what it answered, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xbarsim import spice
from xbarsim.spice import Plot

TIMEOUT = 20.0


@dataclass(frozen=True)
class Answer:
    """``plots`` is empty where it failed; ``trouble`` are the lines of its log that speak of any."""

    plots: list[Plot]
    trouble: list[str]
    status: str


def run(path: Path, timeout: float = TIMEOUT) -> Answer:
    """Run ngspice on a netlist."""
    try:
        result = spice.run(path, timeout=timeout)
    except spice.SpiceError as error:
        return Answer([], [str(error)], "failed")
    return Answer(result.plots, result.warnings, "ok")
