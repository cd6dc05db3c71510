"""What ``xbarsim infer`` prints: a table, or JSON with the same numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from xbarsim.nn.hardware import Hardware
from xbarsim.nn.inference import Inference, LayerError


@dataclass(frozen=True)
class InferenceReport:
    """An inference with what it was made of.

    Attributes
    ----------
    model, weights : str
        The network, and where its weights come from.
    data : dict
        ``Dataset.facts()``.
    hardware_name : str
        As it was asked for.
    hardware : Hardware
        As it was used.
    digital : tuple of str
        Layers left in torch.
    found : Inference
        The numbers.
    seconds : dict of str to float
        What took how long.
    drift_compensated : bool
        Whether each layer made up for drift by one digital number.
    """

    model: str
    weights: str
    data: dict[str, Any]
    hardware_name: str
    hardware: Hardware
    digital: tuple[str, ...]
    found: Inference
    seconds: dict[str, float] = field(default_factory=dict)
    drift_compensated: bool = False

    @property
    def heading(self) -> list[str]:
        """What was run, in lines."""
        wires, cells, tiles = self.hardware.wires, self.hardware.cells, self.hardware.tiles
        ends = f"wires {wires.word:g} and {wires.bit:g} ohm a segment, driver {wires.driver:g}, sense {wires.sense:g}"
        digital = f"; digital: {', '.join(self.digital)}" if self.digital else ""
        return [
            f"{self.model} on {self.data['name']}, {self.data['test_images']} test images; weights: {self.weights}",
            f"{self.hardware_name}: {tiles.rows} x {tiles.cols} arrays, {cells.r_on:g} ohm and {cells.r_off:g} ohm, "
            f"{self.hardware.mapping.kind}; "
            f"{ends if self.hardware.fidelity == 'accurate' else 'ideal, no wires'}{digital}",
        ]

    def as_table(self) -> str:
        """Return text for people."""
        found = self.found
        lines = [*self.heading, "", f"{'ideal (torch)':<16}{found.ideal:8.2%}"]
        for one in found.chips:
            agreed = f"  {one.agreement:7.2%} as torch  {one.seconds:6.1f} s"
            lines.append(f"{'chip ' + str(one.seed):<16}{one.accuracy:8.2%}{agreed}")
        points = 100.0 * found.deviation
        lines += [f"{'mean':<16}{found.mean:8.2%}  +- {points:.2f} points over {_count(len(found.chips), 'chip')}", ""]
        lines += self._times()
        head = ("layer", "weights", "tiles", "cells", "used", "wires", "own", "total")
        body = [_cells(one) for one in found.layers]
        body.append(("all", "", str(self.tiles), str(self.cells), "", "", "", ""))
        widths = [max(len(line[k]) for line in (head, *body)) for k in range(len(head))]
        for line in (head, *body):
            padded = [word.ljust(width) for word, width in zip(line[:2], widths[:2], strict=True)]
            padded += [word.rjust(width) for word, width in zip(line[2:], widths[2:], strict=True)]
            lines.append("  ".join(padded).rstrip())
        lines += [
            "",
            "error of outputs |y - y0| / |y0|: by wires alone; by the layer's own arrays; by all layers so far",
            "time  " + ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items()),
        ]
        return "\n".join(lines)

    def _times(self) -> list[str]:
        """Return accuracy against time; what stands above and below is that of the last of several times."""
        times = self.found.times
        if not times:
            return []
        how = "each layer scaled to make up for drift" if self.drift_compensated else "no compensation of drift"
        lines = [f"{'after':<16}{'mean':>8}{'least':>9}{'most':>9}  +- points    ({how})"]
        for one in times:
            spread = f"{min(one.accuracies):9.2%}{max(one.accuracies):9.2%}"
            lines.append(f"{f'{one.time:g} s':<16}{one.mean:8.2%}{spread}  +- {100.0 * one.deviation:.2f}")
        return [*lines, f"chips and layers are those of {times[-1].time:g} s", ""]

    @property
    def tiles(self) -> int:
        """Arrays in all."""
        return sum(one.row.tiles for one in self.found.layers)

    @property
    def cells(self) -> int:
        """Cells in all."""
        return sum(one.row.cells for one in self.found.layers)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it; what is no number is None."""
        found = self.found
        return {
            "model": self.model,
            "weights": self.weights,
            "data": self.data,
            "hardware_name": self.hardware_name,
            "hardware": self.hardware.to_dict(),
            "digital": list(self.digital),
            "accuracy_ideal": found.ideal,
            "seeds": [one.seed for one in found.chips],
            "accuracies": found.accuracies,
            "agreements": [one.agreement for one in found.chips],
            "mean": found.mean,
            "std": found.deviation,
            "chips_alike": found.alike,
            "drift_compensated": self.drift_compensated,
            "times": [
                {
                    "seconds": one.time,
                    "accuracies": one.accuracies,
                    "agreements": one.agreements,
                    "mean": one.mean,
                    "std": one.deviation,
                }
                for one in found.times
            ],
            "layers": [_record(one) for one in found.layers],
            "tiles": self.tiles,
            "cells": self.cells,
            "seconds": {**self.seconds, "chips": [one.seconds for one in found.chips]},
        }

    def as_json(self) -> str:
        """Return ``as_dict`` as text."""
        return json.dumps(self.as_dict(), indent=2)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _cells(one: LayerError) -> tuple[str, ...]:
    row = one.row
    return (
        row.name, "x".join(map(str, row.shape)), str(row.tiles), str(row.cells), f"{row.utilisation:.1%}",
        *("-" if math.isnan(error) else f"{error:.2%}" for error in (row.ir_drop_error, one.own, one.total)),
    )  # fmt: skip


def _record(one: LayerError) -> dict[str, Any]:
    row = one.row
    return {
        "name": row.name,
        "kind": row.kind,
        "shape": list(row.shape),
        "tiles": row.tiles,
        "cells": row.cells,
        "utilisation": row.utilisation,
        "error_wires": _number(row.ir_drop_error),
        "error_own": _number(one.own),
        "error_total": _number(one.total),
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
