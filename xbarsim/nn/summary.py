"""What a network takes of its hardware, and what its wires do, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from xbarsim.nn.calibration import run, undisturbed
from xbarsim.nn.cells import ideal
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.text_table import aligned

if TYPE_CHECKING:
    from xbarsim.nn.network import CrossbarNetwork


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
        Share of its weights that are beyond a frozen scale, and count as that.
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
        lines = aligned(table, "<<<>>>>")
        missed = [row.name for row in self.rows if not row.reached]
        if missed:
            lines.append(f"no forward pass so far has reached {', '.join(missed)}")
        ties = {tuple(sorted((row.name, *row.shared))) for row in self.rows if row.shared}
        lines += [f"{', '.join(names)} share one weight, each on arrays of its own" for names in sorted(ties)]
        lines += [
            f"{row.clipped:.3g} of the weights of {row.name} are beyond the frozen scale and clipped"
            for row in self.rows
            if row.clipped
        ]
        return "\n".join(lines)


def summary(network: CrossbarNetwork, inputs: Any = None) -> Summary:
    """Describe a network; ``CrossbarNetwork.summary`` says how."""
    errors = _of_matrices(network) if inputs is None else _on_inputs(network, inputs)
    layers = network.layers
    return Summary(
        tuple(
            _row(name, layer, errors[layer], tuple(n for n, one in layers.items() if _tied(one, layer)))
            for name, layer in layers.items()
        )
    )


def _tied(one: CrossbarLayer, other: CrossbarLayer) -> bool:
    return one is not other and one.weight is other.weight


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
    )


def _of_matrices(network: CrossbarNetwork) -> dict[CrossbarLayer, float]:
    found = {}
    with undisturbed(network), torch.no_grad():
        for layer in network.layers.values():
            if layer.chip is None or layer.hardware.law.kind != "linear":
                found[layer] = math.nan
                continue
            real = _flat(layer.effective_matrices())
            with _without_wires(layer):
                found[layer] = _relative(*_squares(real, _flat(layer.effective_matrices())))
    return found


def _on_inputs(network: CrossbarNetwork, inputs: Any) -> dict[CrossbarLayer, float]:
    sums: dict[CrossbarLayer, tuple[float, float]] = {}
    busy = False

    def compare(layer: CrossbarLayer, given: tuple[Tensor, ...], _: Tensor) -> None:
        nonlocal busy
        if busy:
            return
        busy = True
        after, layer.reads = layer.reads, max(layer.reads - 1, 0)
        real = layer.computed(given[0], digital_bias=False)
        with _without_wires(layer):
            apart, size = _squares(real, layer.computed(given[0], digital_bias=False))
        old = sums.get(layer, (0.0, 0.0))
        sums[layer] = (old[0] + apart, old[1] + size)
        layer.reads, busy = after, False

    layers = list(network.layers.values())
    handles = [layer.register_forward_hook(compare) for layer in layers]
    try:
        with undisturbed(network), torch.no_grad():
            run(network, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {layer: _relative(*sums[layer]) if layer in sums else math.nan for layer in layers}


@contextmanager
def _without_wires(layer: CrossbarLayer) -> Iterator[None]:
    """Make a layer ideal for a while, reading what was read last."""
    hardware, kept, after = layer.hardware, layer._kept, layer.reads
    layer.hardware, layer.reads = ideal(hardware), max(after - 1, 0) if layer.noisy else after
    try:
        yield
    finally:
        layer.hardware, layer._kept, layer.reads = hardware, kept, after


def _flat(matrices: list[Tensor]) -> Tensor:
    return torch.cat([one.reshape(-1) for one in matrices])


def _squares(real: Tensor, free: Tensor) -> tuple[float, float]:
    apart, size = (real - free).double(), free.double()
    return float((apart * apart).sum()), float((size * size).sum())


def _relative(apart: float, size: float) -> float:
    return 0.0 if apart == 0.0 else math.sqrt(apart / size) if size > 0.0 else math.inf
