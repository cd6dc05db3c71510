"""How fast this machine programs, reduces and reads arrays of some hardware, from a few of them."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from xbarsim.nn.feedforward import CrossbarLinear
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.hardware_parts import Tiles
from xbarsim.nn.map_store import MAP_TYPES, MapStorage, same_numbers
from xbarsim.resources import resident_memory

_LARGEST = 256
"""Lines of an array that is tried; larger ones are reckoned from it."""

_LONG_ENOUGH, _MOST = 0.1, 4096
"""Seconds of a try, and arrays in it at most."""

_IN_TRAINING = 1 << 17
"""Cells of arrays whose gradients are looked at."""

_POWER = 1.5
"""An array's time goes with so much of its cells: the cube of its lines."""

Shape = tuple[int, int]


@dataclass(frozen=True)
class ArraySpeed:
    """Of one hardware.

    Attributes
    ----------
    cells : int
        Of the array that was tried.
    array : float
        Seconds for programming it and making its map, all threads at work.
    vector : float
        Seconds for one vector through it, where products go array by array; else 0.
    gradients : float
        Bytes that a training step keeps of its circuit.
    """

    cells: int
    array: float
    vector: float
    gradients: float

    @staticmethod
    def measured(hardware: Hardware, threads: int, kind: MapStorage = "weights") -> ArraySpeed:
        """Try some arrays, for a part of a second; kernels that are not there yet are compiled first.

        Parameters
        ----------
        hardware : Hardware
            Whose arrays.
        threads : int
            For the circuits.
        kind : {"weights", "float32", "float64", "recompute"}
            How maps are stored.
        """
        sample = _Sample(_tried(hardware), threads, kind)
        sample.programmed(1)
        count, seconds = min(16 * threads, _MOST), 0.0
        while (seconds := _timed(partial(sample.programmed, count))) < _LONG_ENOUGH and count < _MOST:
            count = min(_MOST, max(2 * count, int(count * 1.5 * _LONG_ENOUGH / max(seconds, 1e-6))))
        # What else the machine does makes some tries slow, and none fast.
        seconds = min(seconds, *(_timed(partial(sample.programmed, count)) for _ in range(2)))
        tiles = sample.hardware.tiles
        return ArraySpeed(tiles.rows * tiles.cols, seconds / count, sample.vector_seconds(), sample.gradients())

    def seconds(self, shapes: list[Shape]) -> float:
        """Return how long arrays of some shapes take.

        Parameters
        ----------
        shapes : list of (rows, cols)
            Of the arrays that are programmed and reduced.
        """
        return self.array * sum(math.pow(rows * cols / self.cells, _POWER) for rows, cols in shapes)

    def reading(self, shapes: list[Shape], vectors: int) -> float:
        """Return how long vectors through arrays of some shapes take.

        Parameters
        ----------
        shapes : list of (rows, cols)
            Of the arrays.
        vectors : int
            How many go through each of them.
        """
        return self.vector * vectors * sum(rows * cols for rows, cols in shapes) / self.cells

    def array_gradients(self, hardware: Hardware) -> float:
        """Return the bytes that a training step keeps of an array of full size."""
        tiles = hardware.tiles
        return self.gradients * math.pow(tiles.rows * tiles.cols / self.cells, 1.25)


def _tried(hardware: Hardware) -> Hardware:
    """Return hardware of arrays that are not too large, and of converters that need no data."""
    tiles = Tiles(min(hardware.tiles.rows, _LARGEST), min(hardware.tiles.cols, _LARGEST))
    dac, adc = replace(hardware.dac, range="batch"), replace(hardware.adc, range="batch")
    return replace(hardware, tiles=tiles, dac=dac, adc=adc)


@dataclass(frozen=True)
class _Sample:
    """Layers of a few arrays of full size."""

    hardware: Hardware
    threads: int
    kind: MapStorage

    def programmed(self, arrays: int) -> CrossbarLinear:
        """Return a layer of about so many arrays, with its maps."""
        layer = self._layer(arrays)
        with torch.no_grad():
            if layer.preparable:
                layer.prepare()
            elif self.hardware.law.linear:
                layer(self._inputs(layer, 1))
            else:
                layer.circuits().tiles()
        return layer

    def _layer(self, arrays: int) -> CrossbarLinear:
        tiles, mapping = self.hardware.tiles, self.hardware.mapping
        planes = mapping.slices * (2 if mapping.kind == "differential" else 1)
        outputs = tiles.cols - (mapping.kind == "reference")
        weight = torch.randn(outputs, tiles.rows * -(-arrays // planes), generator=torch.Generator().manual_seed(0))
        layer = CrossbarLinear(weight.requires_grad_(), None, self.hardware)
        layer.threads, layer.map_storage = self.threads, self.kind
        drift = self.hardware.cells.drift
        layer.program(0, time=drift.t0 if drift else None)
        layer.eval()
        return layer

    @staticmethod
    def _inputs(layer: CrossbarLinear, vectors: int) -> Tensor:
        return torch.ones(vectors, layer.in_features)

    def vector_seconds(self) -> float:
        """Return how long a vector through an array takes."""
        linear = self.hardware.law.linear
        layer, vectors = self._layer(16 if linear else 1), 64 if linear else 2
        if layer.direct:
            return 0.0
        layer.map_storage = "weights"
        x = self._inputs(layer, vectors)
        with torch.no_grad():
            layer(x)
            return _timed(lambda: layer(x)) / (vectors * len(layer.places))

    def gradients(self) -> float:
        """Return the bytes that an array's circuit keeps for its gradient; 0 where there is none."""
        if not self.hardware.law.linear:
            return 0.0
        tiles = self.hardware.tiles
        layer = self._layer(max(1, _IN_TRAINING // (tiles.rows * tiles.cols))).train()
        x = self._inputs(layer, 1)
        tracing = tracemalloc.is_tracing()
        if not tracing:
            tracemalloc.start()
        before, resident = tracemalloc.get_traced_memory()[0], resident_memory()
        outputs = layer(x)
        # numpy's own arrays are traced, and those that kernels made are not; freed memory may have been used again.
        growth = max(tracemalloc.get_traced_memory()[0] - before, resident_memory() - resident, 0)
        if not tracing:
            tracemalloc.stop()
        return growth / len(layer.places) if outputs.requires_grad else 0.0


@dataclass(frozen=True)
class TorchSpeed:
    """Of products that are torch's own.

    Attributes
    ----------
    product : float
        Seconds for one multiplication with addition.
    byte : float
        Seconds for a byte of weights that is compared with its copy, or read for a product.
    """

    product: float
    byte: float

    @staticmethod
    def measured(kind: MapStorage, dtype: torch.dtype) -> TorchSpeed:
        """Multiply some numbers, and compare some.

        Parameters
        ----------
        kind : str
            How maps are stored, as ``map_storage``; their type comes from it.
        dtype : torch.dtype
            The weights', where the storage has no type of its own.
        """
        weight = torch.ones(1024, 1024, dtype=MAP_TYPES.get(kind, dtype))
        x = torch.ones(256, 1024, dtype=weight.dtype)
        best = min(_timed(lambda: torch.nn.functional.linear(x, weight)) for _ in range(5))
        large = torch.ones(1 << 21)
        copy = large.clone()
        compared = min(_timed(lambda: same_numbers(large, copy)) for _ in range(5))
        return TorchSpeed(best / (x.numel() * len(weight)), compared / large.nbytes)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
