"""What a network takes of its hardware, and what its wires do, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from xbarsim.nn.arrays import ArrayMaps
from xbarsim.nn.calibration import run, undisturbed
from xbarsim.nn.cells import ideal
from xbarsim.nn.energy_lines import energy_lines, network_energy
from xbarsim.nn.energy_meter import EnergyMeter
from xbarsim.nn.layer_energy import LayerEnergy, NetworkEnergy
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.outside import paused
from xbarsim.text_table import aligned


@dataclass(frozen=True)
class SummaryRow:
    """One layer.

    Attributes
    ----------
    name, kind : str
        Of the layer.
    shape : tuple of int
        Of its weights.
    tiles : int
        Arrays.
    cells : int
        Cells in them.
    utilisation : float
        ``cells`` over those of as many arrays of full size.
    ir_drop_error : float
        ``|accurate - ideal| / |ideal|`` of its outputs without a digital bias, on the same inputs; of its effective
        matrix where there were no inputs. NaN where cells are nonlinear and there were no inputs, where the layer was
        not called, or where it has no chip.
    reached : bool
        Whether some forward pass has come to it.
    shared : tuple of str
        Other layers with the very same weight; each has arrays, and so cells, of its own.
    clipped : float
        Share of its weights that are beyond the scale, and count as that.
    headroom : float
        What the scale was multiplied with.
    energy : LayerEnergy or None
        What its reads take, where there were inputs and its hardware has ``energy``; None where it was not called.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    tiles: int
    cells: int
    utilisation: float
    ir_drop_error: float
    reached: bool = True
    clipped: float = 0.0
    shared: tuple[str, ...] = ()
    headroom: float = 1.0
    energy: LayerEnergy | None = None


@dataclass(frozen=True)
class Summary:
    """All layers; ``str`` of it is a table.

    Attributes
    ----------
    rows : tuple of SummaryRow
        In the order of ``CrossbarNetwork.layers``.
    """

    rows: tuple[SummaryRow, ...]

    @property
    def tiles(self) -> int:
        """Arrays in all."""
        return sum(row.tiles for row in self.rows)

    @property
    def cells(self) -> int:
        """Cells in all."""
        return sum(row.cells for row in self.rows)

    @property
    def utilisation(self) -> float:
        """Cells over those of as many arrays of full size."""
        return self.cells / sum(row.cells / row.utilisation for row in self.rows)

    @property
    def energy(self) -> NetworkEnergy | None:
        """What the reads of all layers take, where it was asked for."""
        return network_energy(row.energy for row in self.rows)

    def __str__(self) -> str:
        table = [("layer", "kind", "weights", "tiles", "cells", "utilisation", "IR-drop error")]
        table += [
            (
                row.name, row.kind, "x".join(map(str, row.shape)), str(row.tiles), str(row.cells),
                f"{row.utilisation:.1%}", "-" if math.isnan(row.ir_drop_error) else f"{row.ir_drop_error:.3%}",
            )
            for row in self.rows
        ]  # fmt: skip
        table.append(("all", "", "", str(self.tiles), str(self.cells), f"{self.utilisation:.1%}", ""))
        lines = aligned(table, "<<<>>>>", keys=1)
        if self.energy is not None:
            lines += ["", *energy_lines([(row.name, row.energy) for row in self.rows])]
        missed = [row.name for row in self.rows if not row.reached]
        if missed:
            lines.append(f"no forward pass so far has reached {', '.join(missed)}")
        ties = {tuple(sorted((row.name, *row.shared))) for row in self.rows if row.shared}
        lines += [f"{', '.join(names)} share one weight, each on arrays of its own" for names in sorted(ties)]
        lines += [
            f"{row.name} has headroom {row.headroom:g}: its scale is so many times its largest weight"
            for row in self.rows
            if row.headroom != 1.0
        ]
        lines += [
            f"{row.clipped:.3g} of the weights of {row.name} are beyond the "
            f"{'frozen scale' if row.headroom == 1.0 else 'scale'} and clipped"
            for row in self.rows
            if row.clipped
        ]
        return "\n".join(lines)


def summary(model: nn.Module, layers: Mapping[str, CrossbarLayer], inputs: Any = None) -> Summary:
    """Describe the layers of a model by their names; ``CrossbarNetwork.summary`` says how.

    Parameters
    ----------
    model : torch module
        On crossbars.
    layers : mapping of str to CrossbarLayer
        By name.
    inputs : optional
        A batch, for errors of outputs and energies; None: errors of the matrices.
    """
    listed = list(layers.values())
    meters: dict[CrossbarLayer, EnergyMeter] = {}
    errors = _of_matrices(model, listed) if inputs is None else _on_inputs(model, listed, inputs, meters)

    def row(name: str, layer: CrossbarLayer) -> SummaryRow:
        shared = tuple(n for n, partner in layers.items() if _tied(partner, layer))
        energy = meters[layer].energy() if layer in meters else None
        return replace(_row(name, layer, errors[layer], shared), energy=energy)

    return Summary(tuple(row(name, layer) for name, layer in layers.items()))


def _tied(layer: CrossbarLayer, partner: CrossbarLayer) -> bool:
    return layer is not partner and layer.weight is partner.weight


def _row(name: str, layer: CrossbarLayer, error: float, shared: tuple[str, ...]) -> SummaryRow:
    cells = sum(math.prod(place.shape) for place in layer.places)
    tiles, size = len(layer.places), layer.hardware.tiles
    return SummaryRow(
        name,
        type(layer).__name__,
        tuple(layer.weight.shape),
        tiles,
        cells,
        cells / (tiles * size.rows * size.cols),
        error,
        layer.reached,
        layer.clipped,
        shared,
        layer.headroom,
    )


def without_wires(layer: CrossbarLayer, read: int) -> ArrayMaps:
    """Return the maps that a layer's arrays would have without wires and ends, as some read of them sees them.

    Parameters
    ----------
    layer : CrossbarLayer
        Programmed.
    read : int
        Which read, whose noise is the same as with wires.
    """
    state = layer.array_state(ideal(layer.hardware), read=read)
    return ArrayMaps(lambda: state)


def _of_matrices(model: nn.Module, layers: Sequence[CrossbarLayer]) -> dict[CrossbarLayer, float]:
    errors = {}
    with undisturbed(model, layers), torch.no_grad():
        for layer in layers:
            if layer.chip is None or not layer.hardware.law.linear:
                errors[layer] = math.nan
                continue
            read = layer.reads
            real, free = layer.effective_matrices(), without_wires(layer, read).matrices()
            errors[layer] = _relative(*_squares(_flat(real), _flat(free)))
    return errors


def _on_inputs(
    model: nn.Module, layers: Sequence[CrossbarLayer], inputs: Any, meters: dict[CrossbarLayer, EnergyMeter]
) -> dict[CrossbarLayer, float]:
    """Return the layers' errors; ``meters`` receives their energy, where it is asked for."""
    sums: dict[CrossbarLayer, tuple[float, float]] = {}
    variants: dict[CrossbarLayer, tuple[int, ArrayMaps]] = {}
    images = _count(inputs)

    def free_of(layer: CrossbarLayer, read: int) -> ArrayMaps:
        if layer not in variants or variants[layer][0] != read:
            variants[layer] = read, without_wires(layer, read)
        return variants[layer][1]

    def compare(layer: CrossbarLayer, args: tuple[Tensor, ...], _: Tensor) -> None:
        after, layer.reads = layer.reads, max(layer.reads - 1, 0)
        read = layer.reads
        with paused(), layer.one_read_more():
            real = layer.computed(args[0], digital_bias=False)
            if layer.hardware.energy is not None and images:
                if layer not in meters:
                    meters[layer] = EnergyMeter(layer, images)
                meters[layer].add(args[0])
        with paused():
            free = layer.computed(args[0], digital_bias=False, arrays=free_of(layer, read))
        layer.reads = after
        apart, size = _squares(real, free)
        before = sums.get(layer, (0.0, 0.0))
        sums[layer] = (before[0] + apart, before[1] + size)

    handles = [layer.register_forward_hook(compare) for layer in layers]
    try:
        with undisturbed(model, layers), torch.no_grad():
            run(model, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {layer: _relative(*sums[layer]) if layer in sums else math.nan for layer in layers}


def _count(inputs: Any) -> int:
    """Return how many inputs there are: entries of the first axis of the first tensor."""
    first = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
    while isinstance(first, tuple | list):
        first = first[0]
    return len(first) if isinstance(first, Tensor) and first.dim() else 1


def _flat(matrices: list[Tensor]) -> Tensor:
    return torch.cat([matrix.reshape(-1) for matrix in matrices])


def _squares(real: Tensor, free: Tensor) -> tuple[float, float]:
    apart, size = (real - free).double(), free.double()
    return float((apart * apart).sum()), float((size * size).sum())


def _relative(apart: float, size: float) -> float:
    return 0.0 if apart == 0.0 else math.sqrt(apart / size) if size > 0.0 else math.inf
