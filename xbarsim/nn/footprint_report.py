"""What ``xbarsim plan`` prints: a table, or JSON and CSV with the same numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from xbarsim.nn.footprint import Footprint, LayerFootprint, size
from xbarsim.nn.hardware import Hardware
from xbarsim.quantities import counted
from xbarsim.text_table import aligned, comma_separated


@dataclass(frozen=True)
class FootprintReport:
    """A footprint with what it is of.

    Attributes
    ----------
    model : str
        The network.
    hardware_name : str
        As it was asked for.
    hardware : Hardware
        As it would be used.
    inputs : str
        What goes in, in words.
    footprint : Footprint
        The numbers.
    verdict : str
        Whether it fits, and if not, what would.
    """

    model: str
    hardware_name: str
    hardware: Hardware
    inputs: str
    footprint: Footprint
    verdict: str

    def as_table(self) -> str:
        """Return text for people."""
        plan, tiles = self.footprint, self.hardware.tiles
        rows: list[tuple[str, ...]] = [("layer", "weights", "arrays", "cells", "used", "kept", "program", "run")]
        rows += [_row(layer) for layer in plan.layers]
        stays = sum(layer.stays for layer in plan.layers)
        times = _seconds(plan.program_seconds), _seconds(plan.run_seconds)
        rows.append(("all", "", str(plan.arrays), str(plan.cells), f"{plan.utilisation:.1%}", size(stays), *times))
        parts = [
            ("Python, torch and kernels", size(plan.process)),
            ("the model in torch", size(plan.model)),
            ("the network while it is converted", size(plan.converting)),
            ("the network while it is programmed and run", size(plan.running)),
            ("in all, at the peak", size(plan.whole)),
        ]
        if plan.measured and self.hardware.law.linear:
            parts.append(("in all, in a training step", size(plan.process + plan.model + plan.training)))
        return "\n".join(
            [
                f"{self.model} on {self.hardware_name}: {tiles.rows} x {tiles.cols} arrays, "
                f"{self.hardware.mapping.kind}; {self.inputs}; maps {_MAPS[plan.map_storage]}; "
                f"{counted(plan.threads, 'thread')}",
                "",
                *aligned(rows, "<<>>>>>>", keys=1),
                "",
                *aligned(parts, ("<44", ">9")),
                self.verdict,
                *([_TRIED] if plan.measured else []),
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        plan = self.footprint
        return {
            "model": self.model,
            "hardware_name": self.hardware_name,
            "hardware": self.hardware.to_dict(),
            "inputs": self.inputs,
            "batch": plan.batch,
            "threads": plan.threads,
            "maps": plan.map_storage,
            "arrays": plan.arrays,
            "cells": plan.cells,
            "utilisation": plan.utilisation,
            "bytes": {
                "process": plan.process,
                "model": plan.model,
                "converting": plan.converting,
                "running": plan.running,
                "training": plan.training,
                "peak": plan.whole,
                "room": plan.room,
            },
            "seconds": {"program": plan.program_seconds, "run": plan.run_seconds},
            "layers": [_record(layer) for layer in plan.layers],
            "fits": plan.fits,
            "verdict": self.verdict,
        }

    def as_json(self) -> str:
        """Return an object with all numbers."""
        return json.dumps(self.as_dict(), indent=1)

    def as_csv(self) -> str:
        """Return a row for each layer."""
        records = [_record(layer) for layer in self.footprint.layers]
        rows = [[_cell(value) for value in record.values()] for record in records]
        return comma_separated([list(records[0]), *rows])

    def as_numbers(self) -> str:
        """Return totals alone."""
        plan = self.footprint
        facts = {
            "arrays": plan.arrays,
            "cells": plan.cells,
            "bytes": plan.whole,
            "program_seconds": plan.program_seconds,
            "run_seconds": plan.run_seconds,
        }
        return "\n".join(f"{name} {_cell(value)}" for name, value in facts.items())


_MAPS = {
    "weights": "in the weights' type",
    "float32": "in single precision",
    "float64": "in double precision",
    "recompute": "made again in each pass",
}

_TRIED = "seconds are reckoned from a few arrays that were programmed and run here, now"


def _row(layer: LayerFootprint) -> tuple[str, ...]:
    shape, share = "x".join(map(str, layer.shape)), f"{layer.cells / layer.whole_cells:.1%}"
    times = _seconds(layer.program_seconds), _seconds(layer.run_seconds)
    return layer.name, shape, str(layer.arrays), str(layer.cells), share, size(layer.stays), *times


def _record(layer: LayerFootprint) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shape": list(layer.shape),
        "arrays": layer.arrays,
        "cells": layer.cells,
        "cells_whole": layer.whole_cells,
        "bytes_weights": layer.weights,
        "bytes_copy": layer.copy,
        "bytes_maps": layer.maps,
        "bytes_chip": layer.chip,
        "bytes_gradients": layer.gradients,
        "vectors": layer.vectors,
        "seconds_program": layer.program_seconds,
        "seconds_run": layer.run_seconds,
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return (
        "x".join(map(str, value))
        if isinstance(value, list)
        else f"{value:.6g}"
        if isinstance(value, float)
        else str(value)
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3g} s"
