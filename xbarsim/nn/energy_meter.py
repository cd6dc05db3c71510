"""The energy of a layer's reads, from the inputs that really come to it."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.energy import PowerForms
from xbarsim.nn.layer_energy import LayerEnergy
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.products import Drives
from xbarsim.nn.ranges import NotProgrammedError
from xbarsim.nn.tiling import Tile
from xbarsim.settling import settling

_NUMBERS = 1 << 22
"""Volts of word lines that are laid out at a time."""


class EnergyMeter:
    """Adds up what the reads of a layer take, call by call.

    Linear cells: with Y what the sources of the arrays on some word lines see together, all other ends at 0 V, volts x
    take ``x @ Y @ x`` watts; Y comes from the reduction that makes the maps. Nonlinear cells: the power of each solve.

    Parameters
    ----------
    layer : CrossbarLayer
        Of hardware with ``energy``, on a chip.
    images : int
        How many inputs of the network there are.
    """

    def __init__(self, layer: CrossbarLayer, images: int) -> None:
        assert layer.hardware.energy is not None
        self._layer, self._images, self._prices = layer, images, layer.hardware.energy
        self._watts = np.zeros(images)
        self._aligned = True
        self._reads = self._dac = self._adc = self._digital = 0
        self._seconds = self._read_seconds()
        self._split = dict.fromkeys(("cells", "wires", "ends"), 0.0)
        self._forms: dict[int, PowerForms] = {}

    def add(self, x: Tensor) -> None:
        """Add a call with inputs x, as the arrays are in the read that is going on.

        Raises
        ------
        NotProgrammedError
            The full voltage's input is to come from data.
        """
        layer = self._layer
        dac = layer.hardware.dac
        if dac.range == "calibrated" and layer.input_converter.range < 0.0:
            raise NotProgrammedError(
                f"{layer.label} has a DAC whose range is 'calibrated', and its energy depends on it: "
                "call calibrate(batches) first"
            )
        x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        aligned = len(x) == self._images
        self._aligned &= aligned
        for part in self._parts(x):
            with torch.autocast(x.device.type, enabled=False):
                watts = self._counted(part)
            if aligned:
                start = self._start
                self._watts[start : start + len(part)] += watts.reshape(len(part), -1).sum(axis=1)
                self._start += len(part)
            else:
                self._watts += watts.sum() / self._images

    def _parts(self, x: Tensor) -> list[Tensor]:
        """Return a call's inputs, some at a time where each is converted on its own."""
        self._start = 0
        if self._layer.hardware.dac.range == "batch" or len(x) != self._images:
            return [x]
        lines = self._layer.lines(x[:1]).numel()
        return list(torch.split(x, max(1, _NUMBERS // max(lines, 1))))

    def _counted(self, x: Tensor) -> Array:
        """Count a part of a call; return the watts of its vectors, all pulses of each together."""
        layer = self._layer
        driven = layer.drives(x)
        pulses, vectors, _ = driven.volts.shape
        # Lines of padding with zeros have no converter. Inputs of one shape have as many.
        sample, times = (x[:1], len(x)) if len(x) > 1 and vectors % len(x) == 0 else (x, 1)
        converted = times * int(layer.lines(torch.ones_like(sample)).sum()) + layer.groups * layer.bias_row * vectors
        columns = sum(place.shape[1] for place in layer.places)
        self._reads += pulses * vectors
        self._dac += pulses * converted
        self._adc += pulses * vectors * columns
        self._digital += vectors * (pulses * columns - layer.outputs)
        if layer.bias is not None and not layer.bias_row:
            self._digital += vectors * layer.outputs
        if layer.hardware.mapping.kind == "offset":
            # The sum of the inputs of each array's word lines, taken from each of its columns.
            strips = {(place.lines.start, place.lines.stop) for place in layer.places}
            self._digital += vectors * (sum(stop - start - 1 for start, stop in strips) + columns)
        if self._prices.split:
            self._add_split(driven)
        watts = self._watts_of(driven).reshape(pulses, vectors)
        total: Array = watts.sum(axis=0)
        return total

    def _watts_of(self, driven: Drives) -> Array:
        """Return the watts of every vector and pulse, one pulse after the other."""
        layer = self._layer
        volts = driven.volts.flatten(0, 1).detach()
        if not layer.hardware.law.linear:
            tiles = layer.circuits().tiles()
            return sum((tile.power(volts) for tile in tiles), np.zeros(len(volts)))
        watts = torch.zeros(len(volts), dtype=torch.float64)
        for lines, siemens in layer.arrays().source_forms():
            part = volts[:, lines].cpu()
            # In the type of the volts, whose own rounding is no less.
            watts += torch.linalg.vecdot(part @ siemens.to(part), part)
        return watts.numpy()

    def _add_split(self, driven: Drives) -> None:
        """Add what cells, wires and ends take of the watts of every vector and pulse."""
        volts = driven.volts.flatten(0, 1).detach().cpu().double()
        for number, tile in enumerate(self._layer.circuits().tiles()):
            part = tile.split(volts) if not tile.crossbar.device.linear else self._by_forms(number, tile, volts)
            for name, watts in part.items():
                self._split[name] += watts

    def _by_forms(self, number: int, tile: Tile, volts: Tensor) -> dict[str, float]:
        """Return the same of an array of linear cells, whose forms are made once if all reads see the same cells."""
        if number not in self._forms or self._layer.noisy:
            self._forms[number] = tile.forms(threads=self._layer.threads)
        forms, part = self._forms[number], volts[:, tile.lines]
        moment = (part.T @ part).numpy()
        return {name: float((getattr(forms, name) * moment).sum()) for name in self._split}

    def _read_seconds(self) -> float:
        """Return how long a read takes: all word lines step to the full voltage, and the slowest output settles."""
        layer, prices = self._layer, self._prices
        if prices.read is not None:
            return prices.read
        bits = layer.hardware.adc.bits
        farads = {
            "word_capacitance": prices.word_farads,
            "bit_capacitance": prices.bit_farads,
            "cell_capacitance": prices.cell_farads,
        }
        slowest = 0.0
        for tile in layer.tiles:
            full = np.full(len(tile.rows), layer.hardware.encoding.volts)
            drive = full if tile.bridged is None else tile.bridged.inputs(full)
            times = settling(tile.crossbar, drive, threads=layer.threads, **farads).time(bits=bits)
            if not np.isnan(times).all():
                slowest = max(slowest, float(np.nanmax(times)))
        return slowest

    def energy(self) -> LayerEnergy:
        """Return the means over inputs of all that has been added."""
        joules = self._watts * self._seconds
        spread = float(joules.std(ddof=1)) if self._aligned and self._images > 1 else math.nan
        images = self._images
        split = {name: watts * self._seconds / images for name, watts in self._split.items()}
        return LayerEnergy(
            images,
            self._reads / images,
            self._seconds,
            self._prices.settles,
            float(joules.mean()),
            spread / math.sqrt(images),
            self._dac / images,
            self._adc / images,
            self._digital / images,
            self._prices,
            split if self._prices.split else None,
        )
