"""What ``xbarsim settling`` prints: a table, JSON or CSV."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from xbarsim.checks import Array
from xbarsim.quantities import counted, engineering, finite
from xbarsim.settling.read_speed import Bandwidth, ReadSpeed
from xbarsim.text_table import aligned, comma_separated


@dataclass(frozen=True)
class SpeedReport:
    """The read speed of an array, for reading.

    Attributes
    ----------
    speed : ReadSpeed
        Of a sample of inputs.
    shape : (int, int)
        Rows and columns.
    outputs : tuple of str
        The columns' names.
    bits : tuple of float
        To which outputs settle; times of outputs are those of the last.
    poles : int, optional
        How many of its own stand for a response at most; None: those of the circuit.
    """

    speed: ReadSpeed
    shape: tuple[int, int]
    outputs: tuple[str, ...]
    bits: tuple[float, ...]
    poles: int | None = None

    def columns(self) -> dict[str, Array]:
        """Return what there is of each output; delays and times of the sample are medians over it."""
        speed = self.speed
        elmore = np.atleast_2d(speed.typical.elmore)
        means = np.array([np.nanmedian(column) if not np.isnan(column).all() else np.nan for column in elmore.T])
        return {
            "current": np.atleast_2d(speed.typical.currents).mean(axis=0),
            "elmore": means,
            "typical": speed.typical_times(self.bits[-1], poles=self.poles),
            "worst_row": np.where(speed.worst_rows >= 0, speed.worst_rows, np.nan),
            "worst": speed.worst_times(self.bits[-1], poles=self.poles),
        }

    def as_table(self) -> str:
        """Return a line an output, and reads a second against bits."""
        columns, last = self.columns(), self.bits[-1]
        heads = {
            "current": "current (A)", "elmore": "delay", "typical": f"{last:g} bits", "worst_row": "slowest row",
            "worst": f"it alone, {last:g} bits",
        }  # fmt: skip
        listed = [["output", *heads.values()]]
        for k, output in enumerate(self.outputs):
            listed.append([output, *(_cell(name, float(values[k])) for name, values in columns.items())])
        curve = self.speed.bandwidth(self.bits, poles=self.poles)
        speeds = [["bits", "reads a second", "of the worst input"]]
        for bits, typical, worst in _rows(curve):
            speeds.append([f"{bits:g}", *(_cell("hertz", hertz) for hertz in (typical, worst))])
        rows, cols = self.shape
        vectors = len(np.atleast_2d(self.speed.typical.currents))
        poles = "poles of the circuit" if self.poles is None else f"{counted(self.poles, 'pole')} at most"
        heading = f"{rows} x {cols}, {counted(vectors, 'vector')}, {poles}"
        return "\n".join([heading, "", *aligned(listed, ("<", *(">" * len(columns)))), "", *aligned(speeds, ">>>")])

    def as_json(self) -> str:
        """Return all of it; what is no number is null."""
        curve = self.speed.bandwidth(self.bits, poles=self.poles)
        record: dict[str, Any] = {
            "rows": self.shape[0],
            "cols": self.shape[1],
            "outputs": list(self.outputs),
            "poles": self.poles,
            **{name: [finite(value) for value in values.tolist()] for name, values in self.columns().items()},
            "bandwidth": [
                {"bits": bits, "typical": finite(typical), "worst": finite(worst)}
                for bits, typical, worst in _rows(curve)
            ],
        }
        return json.dumps(record, indent=2)

    def as_csv(self) -> str:
        """Return a line an output under a heading."""
        columns = {name: values.tolist() for name, values in self.columns().items()}
        return comma_separated(
            [["output", *columns],
             *([name, *(repr(values[k]) for values in columns.values())] for k, name in enumerate(self.outputs))]
        )  # fmt: skip

    def as_numbers(self) -> str:
        """Return reads a second alone, bits, typical and worst on a line."""
        curve = self.speed.bandwidth(self.bits, poles=self.poles)
        return "\n".join(f"{bits:g} {typical!r} {worst!r}" for bits, typical, worst in _rows(curve))


def _rows(curve: Bandwidth) -> list[tuple[float, float, float]]:
    return list(zip(curve.bits.tolist(), curve.typical.tolist(), curve.worst.tolist(), strict=True))


def _cell(name: str, value: float) -> str:
    if np.isnan(value):
        return "-"
    if name == "current":
        return f"{value:.4g}"
    if name == "worst_row":
        return f"{value:.0f}"
    return engineering(float(f"{value:.4g}"), "Hz" if name == "hertz" else "s")
