"""What a network takes before it is made: arrays, cells, bytes and seconds, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from xbarsim.errors import TooLargeError
from xbarsim.nn.cells import TOGETHER
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.map_store import MAP_TYPES, MapStorage
from xbarsim.nonideal.chip import MOST_DRAWN

_PER_ARRAY, _PER_COLUMN, _PER_FROZEN_ARRAY = 400, 16, 2200
"""Bytes of what says where an array is, of its columns' ranges, and of an array's frozen maps beside their numbers."""

_PER_CELL_AT_WORK = 140
"""Bytes of a cell while its array is programmed and reduced."""

_PER_CELL_IN_TRAINING = 60
"""Bytes of a cell's targets and conductances, with what gradients need of them."""

_THREAD = 2 << 20
"""Bytes that a thread reduces arrays in."""


@dataclass(frozen=True)
class LayerFootprint:
    """One layer.

    Attributes
    ----------
    name, kind : str
        Of the layer.
    shape : tuple of int
        Of its weights.
    arrays, cells : int
        How many.
    whole_cells : int
        Cells of as many arrays of full size.
    weights, copy : int
        Bytes of its weights, and of the copy by which changes are seen.
    maps : int
        Bytes of stored maps; of cells that are not linear, of circuits.
    chip : int
        Bytes of what its chip has frozen, and of what says where arrays are.
    passing : int
        Bytes of maps that are there during its own forward pass alone.
    at_work : int
        Bytes while its arrays are programmed and reduced.
    gradients : int
        Bytes that a training step keeps of its arrays.
    vectors : int or None
        Input vectors of its arrays in one forward pass of a batch; None: not known.
    activations : int
        Bytes of inputs and outputs on their way through it.
    program_seconds, run_seconds : float or None
        For programming with all maps, and for one forward pass of a batch once they are stored; None: not measured.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    arrays: int
    cells: int
    whole_cells: int
    weights: int
    copy: int
    maps: int
    chip: int
    passing: int
    at_work: int
    gradients: int = 0
    vectors: int | None = None
    activations: int = 0
    program_seconds: float | None = None
    run_seconds: float | None = None

    @property
    def stays(self) -> int:
        """Bytes that stay while nothing happens."""
        return self.weights + self.copy + self.maps + self.chip

    @staticmethod
    def of(name: str, layer: CrossbarLayer, *, array_gradients: float = 0.0) -> LayerFootprint:
        """Return what a layer takes, of which nothing but shapes is looked at.

        Parameters
        ----------
        name : str
            What it is called.
        layer : CrossbarLayer
            Its arrays, and its ``map_storage``.
        array_gradients : float
            Bytes that a training step keeps of the circuit of an array of full size.
        """
        hardware, tiles = layer.hardware, layer.hardware.tiles
        shapes = [place.shape for place in layer.places]
        cells, columns = sum(rows * cols for rows, cols in shapes), sum(cols for _, cols in shapes)
        whole = tiles.rows * tiles.cols
        numbers = layer.weight.numel() + (layer.bias.numel() if layer.bias_row and layer.bias is not None else 0)
        weights, kind = numbers * layer.weight.dtype.itemsize, MAP_TYPES.get(layer.map_storage, layer.weight.dtype)
        if not hardware.law.linear:
            maps = 8 * cells
        elif hardware.adc.bits is None:
            maps = numbers * kind.itemsize
        else:
            maps = cells * torch.promote_types(kind, torch.float32).itemsize
        stored = not (layer.recomputes or layer.noisy)
        streamed = layer.recomputes and layer.passes_blocks and layer.line_order is None and hardware.law.linear
        # What training keeps of the circuit grows as the sum of the sizes of all its parts, as cells times lines.
        grown = sum((rows * cols / whole) ** 1.25 for rows, cols in shapes) if array_gradients else 0.0
        return LayerFootprint(
            name, type(layer).__name__, tuple(layer.weight.shape), len(shapes), cells, len(shapes) * whole, weights,
            copy=0 if layer.recomputes else weights,
            maps=maps if stored else 0,
            chip=_chip_bytes(layer, cells, columns),
            passing=0 if stored or streamed else maps,
            at_work=_PER_CELL_AT_WORK * min(cells, TOGETHER),
            gradients=round(array_gradients * grown) + (_PER_CELL_IN_TRAINING * cells if array_gradients else 0),
        )  # fmt: skip


def _chip_bytes(layer: CrossbarLayer, cells: int, columns: int) -> int:
    model, arrays = layer.hardware.cells, len(layer.places)
    effects = (model.variation, 8), (model.drift, 8), (model.faults, 1), (model.breaks, 2), (model.shorts, 2)
    alone = model.variation is None or model.variation.shared == "cell"
    drawn = alone and (layer.hardware.mapping.reference_faults or model.faults is None)
    share = min(1.0, MOST_DRAWN / cells) if drawn else 1.0
    frozen = sum(size for effect, size in effects if effect) * cells + _PER_FROZEN_ARRAY * arrays * model.freezes
    return round(share * frozen) + _PER_ARRAY * arrays + _PER_COLUMN * columns


@dataclass(frozen=True)
class Footprint:
    """A network; ``str`` of it is a table.

    Attributes
    ----------
    layers : tuple of LayerFootprint
        In the order of ``CrossbarNetwork.layers``.
    map_storage : str
        How maps are stored.
    batch, threads : int
        Inputs of a forward pass, and threads for the circuits.
    process : int
        Bytes that this process takes without the model: Python, torch and kernels.
    model : int
        Bytes of the model in torch, which stays beside the network.
    room : int or None
        Bytes that the process may take in all; None: not known.
    measured : bool
        Whether seconds are there, from arrays that were programmed and run on this machine.
    alternatives : mapping of str to int
        Other ways to store maps, and what the process would take in all.
    """

    layers: tuple[LayerFootprint, ...]
    map_storage: MapStorage
    batch: int
    threads: int
    process: int
    model: int
    room: int | None
    measured: bool = False
    alternatives: Mapping[str, int] = field(default_factory=dict)

    def _sum(self, name: str) -> int:
        return sum(getattr(layer, name) for layer in self.layers)

    @property
    def arrays(self) -> int:
        """In all."""
        return self._sum("arrays")

    @property
    def cells(self) -> int:
        """In all."""
        return self._sum("cells")

    @property
    def utilisation(self) -> float:
        """Cells over those of as many arrays of full size."""
        return self.cells / self._sum("whole_cells")

    @property
    def converting(self) -> int:
        """Bytes that the network takes while ``convert`` makes it: its weights, and the largest layer's once more."""
        return self._sum("weights") + self._sum("chip") + max(layer.weights for layer in self.layers)

    @property
    def running(self) -> int:
        """Bytes that the network takes at its peak while it is programmed and run."""
        return self._sum("stays") + max(
            layer.passing + layer.at_work + layer.activations for layer in self.layers
        ) + self.threads * _THREAD  # fmt: skip

    @property
    def peak(self) -> int:
        """Bytes that the network takes at most, beside the model."""
        return max(self.converting, self.running)

    @property
    def training(self) -> int:
        """Bytes that the network takes in a training step, with gradients and both moments of Adam."""
        work = max(layer.at_work for layer in self.layers) + self.threads * _THREAD
        moved = 3 * self._sum("weights")
        return self._sum("weights") + self._sum("copy") + self._sum("chip") + moved + self._sum("gradients") + work

    @property
    def whole(self) -> int:
        """Bytes of the whole process at its peak: Python, torch, kernels, model and network."""
        return self.process + self.model + self.peak

    @property
    def program_seconds(self) -> float | None:
        """For programming the network with all its maps."""
        return self._seconds("program_seconds")

    @property
    def run_seconds(self) -> float | None:
        """For a forward pass of a batch: with stored maps, or with maps that are made again."""
        return self._seconds("run_seconds")

    def _seconds(self, name: str) -> float | None:
        seconds = [getattr(layer, name) for layer in self.layers]
        return None if None in seconds else float(sum(seconds))

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        return self.room is None or self.whole <= self.room

    def verdict(self, setting: str = "keep_maps({!r})", limit: str = "memory") -> str:
        """Return a sentence on whether there is room; if there is none, what would need less.

        Parameters
        ----------
        setting : str
            How another storage of maps is asked for.
        limit : str
            What gives more room.
        """
        if self.room is None:
            return f"it takes {size(self.whole)}; how much is free is not known"
        if self.fits:
            return f"it fits: it takes {size(self.whole)}, and {size(self.room)} are there"
        less = {kind: whole for kind, whole in self.alternatives.items() if whole < self.whole}
        ways = [f"{setting.format(kind)} takes {size(whole)}" for kind, whole in less.items()]
        if min(less.values(), default=self.whole) > self.room:
            ways.append("take a smaller batch or network")
        return (
            f"it does not fit: it takes {size(self.whole)}, and {size(self.room)} are there: "
            f"{', '.join(ways)}, or give more {limit}"
        )

    def check(self, setting: str = "keep_maps({!r})", limit: str = "memory") -> None:
        """Refuse a network for which there is no room.

        Parameters
        ----------
        setting, limit
            As for ``verdict``.

        Raises
        ------
        TooLargeError
            There is none; the message says how much is asked for, how much is there, and what would fit.
        """
        if not self.fits:
            raise TooLargeError(f"the network: {self.verdict(setting, limit)}")


def size(count: float) -> str:
    """Return bytes for reading."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count:.0f} B"
