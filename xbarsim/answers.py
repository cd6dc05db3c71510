"""What the command line prints: one record for a file or a pair of arrays, as a table or as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xbarsim.solution import Solution


@dataclass
class Analysis:
    """One operating point.

    Attributes
    ----------
    outputs : dict of str to float
        Output currents in amperes, in column order.
    ideal : list of float or None
        What they would be without wires and ends, where that is a plain product.
    node_voltages, source_currents : dict of str to float
        By name; currents positive into the + terminal.
    power, residual : float
        Watts delivered by the sources; the solution's Kirchhoff residual.
    how : str
        The method, and what it took.
    """

    outputs: dict[str, float]
    ideal: list[float] | None
    node_voltages: dict[str, float]
    source_currents: dict[str, float]
    power: float
    residual: float
    how: str


@dataclass
class Answers:
    """Everything there is to say about one run of ``xbarsim solve``."""

    title: str
    what: str
    recognised: str | None
    reason: str | None
    rows: int | None
    cols: int | None
    analyses: list[Analysis]
    seconds: dict[str, float]
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> str:
        """Return the contract's JSON; NaN and infinities are null."""
        record = {
            "title": self.title,
            "recognised": self.recognised,
            "reason": self.reason,
            "rows": self.rows,
            "cols": self.cols,
            "analyses": [
                {
                    "kind": "op",
                    "node_voltages": _finite(one.node_voltages),
                    "source_currents": _finite(one.source_currents),
                    **_finite({"power": one.power, "residual": one.residual}),
                }
                for one in self.analyses
            ],
            "seconds": {name: round(value, 6) for name, value in self.seconds.items()},
        }
        return json.dumps(record, indent=1, allow_nan=False)

    def as_table(self) -> str:
        """Return the outputs and what they rest on, for reading."""
        lines = [f"{self.title}", f"{self.what}"]
        for number, one in enumerate(self.analyses):
            lines.append("")
            if len(self.analyses) > 1:
                lines.append(f"vector {number}")
            lines += one_table(one)
        times = ", ".join(f"{name} {value:.3f} s" for name, value in self.seconds.items())
        lines += ["", f"time      {times}"]
        return "\n".join(lines)

    def currents_only(self) -> str:
        """Return output names and currents alone, one a line."""
        return "\n".join(f"{name} {value!r}" for one in self.analyses for name, value in one.outputs.items())


def one_table(one: Analysis) -> Iterator[str]:
    """Yield the lines of one operating point."""
    width = max((len(name) for name in one.outputs), default=0)
    width = max(width, len("output"))
    head = f"{'output':<{width}}  {'current (A)':>15}"
    yield head + ("" if one.ideal is None else f"  {'ideal (A)':>13}  {'loss':>7}")
    for k, (name, current) in enumerate(one.outputs.items()):
        row = f"{name:<{width}}  {current:>15.8e}"
        if one.ideal is not None:
            ideal = one.ideal[k]
            loss = f"{100 * (1 - current / ideal):>6.2f}%" if ideal else f"{'-':>7}"
            row += f"  {ideal:>13.6e}  {loss}"
        yield row
    yield ""
    yield f"power     {one.power:.8e} W"
    yield f"residual  {one.residual:.1e} ({one.how})"


def how(solution: Solution) -> str:
    """Say which method gave the numbers and how many steps it took."""
    steps = int(np.max(solution.iterations, initial=0))
    return f"{solution.method}, {steps} iterations" if solution.method == "schur" else solution.method


def _finite(numbers: dict[str, float]) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}
