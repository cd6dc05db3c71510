"""What ``xbarsim infer`` prints: a table, or JSON and CSV with the same numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from xbarsim.nn.energy_lines import energy_lines, energy_record, whole_record
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.inference import Inference, LayerError
from xbarsim.quantities import counted, finite
from xbarsim.text_table import aligned, comma_separated


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
    inference : Inference
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
    inference: Inference
    seconds: dict[str, float] = field(default_factory=dict)
    drift_compensated: bool = False

    @property
    def heading(self) -> list[str]:
        """What was run, in lines."""
        wires, cells, tiles = self.hardware.wires, self.hardware.cells, self.hardware.tiles
        digital = f"; digital: {', '.join(self.digital)}" if self.digital else ""
        return [
            f"{self.model} on {self.data['name']}, {self.data['test_images']} test images; weights: {self.weights}",
            f"{self.hardware_name}: {tiles.rows} x {tiles.cols} arrays, {cells.r_on:g} ohm and {cells.r_off:g} ohm, "
            f"{self.hardware.mapping.kind}; "
            f"{wires.described(self.hardware.fidelity)}{digital}",
        ]

    def as_table(self) -> str:
        """Return text for people."""
        inference = self.inference
        chips: list[tuple[str, ...]] = [("ideal (torch)", f"{inference.ideal:.2%}")]
        for chip in inference.chips:
            agreement, seconds = f"{chip.agreement:7.2%} as torch", f"{chip.seconds:.1f} s"
            chips.append((f"chip {chip.seed}", f"{chip.accuracy:.2%}", agreement, seconds))
        spread = f"+- {100.0 * inference.deviation:.2f} points over {counted(len(inference.chips), 'chip')}"
        chips.append(("mean", f"{inference.mean:.2%}", spread))
        layers: list[tuple[str, ...]] = [("layer", "weights", "tiles", "cells", "used", "wires", "own", "total")]
        layers += [_cells(layer) for layer in inference.layers]
        layers.append(("all", "", str(self.tiles), str(self.cells)))
        lines = [
            *self.heading,
            "",
            *aligned(chips, ("<14", ">8", "<", ">8")),
            "",
            *self._times(),
            *aligned(layers, "<<>>>>>>", keys=1),
            "",
            "error of outputs |y - y0| / |y0|: by wires alone; by the layer's own arrays; by all layers so far",
            *self._energy(),
            "time  " + ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items()),
        ]
        return "\n".join(lines)

    def _energy(self) -> list[str]:
        layers = [(layer.row.name, layer.row.energy) for layer in self.inference.layers]
        return ["", *energy_lines(layers, "image"), ""] if self.inference.energy is not None else []

    def _times(self) -> list[str]:
        """Return accuracy against time; what stands above and below is that of the last of several times."""
        times = self.inference.times
        if not times:
            return []
        how = "each layer scaled to make up for drift" if self.drift_compensated else "no compensation of drift"
        table: list[tuple[str, ...]] = [("after", "mean", "least", "most", f"+- points    ({how})")]
        for moment in times:
            shares = (moment.mean, min(moment.accuracies), max(moment.accuracies))
            table.append(
                (f"{moment.time:g} s", *(f"{share:.2%}" for share in shares), f"+- {100.0 * moment.deviation:.2f}")
            )
        return [
            *aligned(table, ("<14", ">8", ">7", ">7", "<")),
            f"chips and layers are those of {times[-1].time:g} s",
            "",
        ]

    @property
    def tiles(self) -> int:
        """Arrays in all."""
        return sum(layer.row.tiles for layer in self.inference.layers)

    @property
    def cells(self) -> int:
        """Cells in all."""
        return sum(layer.row.cells for layer in self.inference.layers)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON has it; what is no number is None."""
        inference = self.inference
        return {
            "model": self.model,
            "weights": self.weights,
            "data": self.data,
            "hardware_name": self.hardware_name,
            "hardware": self.hardware.to_dict(),
            "digital": list(self.digital),
            "accuracy_ideal": inference.ideal,
            "seeds": [chip.seed for chip in inference.chips],
            "accuracies": inference.accuracies,
            "agreements": [chip.agreement for chip in inference.chips],
            "mean": inference.mean,
            "std": inference.deviation,
            "chips_alike": inference.alike,
            "drift_compensated": self.drift_compensated,
            "times": [
                {
                    "seconds": moment.time,
                    "accuracies": moment.accuracies,
                    "agreements": moment.agreements,
                    "mean": moment.mean,
                    "std": moment.deviation,
                }
                for moment in inference.times
            ],
            "layers": [_record(layer) for layer in inference.layers],
            "tiles": self.tiles,
            "cells": self.cells,
            "energy": whole_record(inference.energy),
            "seconds": {**self.seconds, "chips": [chip.seconds for chip in inference.chips]},
        }

    def as_json(self) -> str:
        """Return ``as_dict`` as text."""
        return json.dumps(self.as_dict(), indent=2)

    def as_csv(self) -> str:
        """Return a row for each number: what it is and of what, seconds after programming where cells drift, it."""
        inference = self.inference
        table: list[tuple[Any, ...]] = [
            ("quantity", "name", "time", "value"),
            ("accuracy", "ideal", "", inference.ideal),
        ]
        for chip in inference.chips:
            for moment in chip.moments or [chip]:
                time = getattr(moment, "time", "")
                table.append(("accuracy", f"chip {chip.seed}", time, moment.accuracy))
                table.append(("agreement", f"chip {chip.seed}", time, moment.agreement))
        for chips in inference.times or (inference,):
            time = getattr(chips, "time", "")
            table.append(("accuracy", "mean", time, chips.mean))
            table.append(("accuracy", "std", time, chips.deviation))
        for record in map(_record, inference.layers):
            for quantity in ("tiles", "cells", "utilisation", "error_wires", "error_own", "error_total"):
                table.append((quantity, record["name"], "", record[quantity]))
            for quantity, value in (record["energy"] or {}).items():
                if quantity != "settled":
                    table.append((f"energy_{quantity}", record["name"], "", value))
        if inference.energy is not None:
            table.append(("energy_joules", "all", "", inference.energy.joules))
        return comma_separated(table)

    def as_numbers(self) -> str:
        """Return accuracies alone, one a line."""
        chips = [f"chip {chip.seed} {chip.accuracy!r}" for chip in self.inference.chips]
        return "\n".join([f"ideal {self.inference.ideal!r}", *chips, f"mean {self.inference.mean!r}"])


def _cells(layer: LayerError) -> tuple[str, ...]:
    row = layer.row
    return (
        row.name, "x".join(map(str, row.shape)), str(row.tiles), str(row.cells), f"{row.utilisation:.1%}",
        *("-" if math.isnan(error) else f"{error:.2%}" for error in (row.ir_drop_error, layer.own_arrays, layer.total)),
    )  # fmt: skip


def _record(layer: LayerError) -> dict[str, Any]:
    row = layer.row
    return {
        "name": row.name,
        "kind": row.kind,
        "shape": list(row.shape),
        "tiles": row.tiles,
        "cells": row.cells,
        "utilisation": row.utilisation,
        "error_wires": finite(row.ir_drop_error),
        "error_own": finite(layer.own_arrays),
        "error_total": finite(layer.total),
        "energy": energy_record(row.energy),
    }
