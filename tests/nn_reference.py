"""Layers on crossbars, written once more from the documentation in plain numpy: no code of ``xbarsim.nn`` is run.

Weights become states of cells, states arrays, arrays circuits (by ``xbarsim.effective_conductance``, or by
``xbarsim.solve`` for each vector), and currents outputs, one array after the other. What a chip draws is asked of
``xbarsim.nonideal``; settings are read from a ``Hardware``. Numbers that fall so near the edge of a step that rounding
decides, and outputs that are nothing but rounding, are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim import Crossbar, devices, effective_conductance, solve

Array = NDArray[np.float64]
AnArray = dict[str, Any]
Read = tuple[list[AnArray], Array, list[Array], list[float], float]
NEAR = 1e-7
"""Steps from an edge within which rounding decides."""


@dataclass
class Ties:
    """How many numbers were near an edge."""

    count: int = 0

    def rounded(self, x: Array) -> Array:
        """Return the nearest whole numbers."""
        self.count += int((np.abs(np.abs(x - np.floor(x)) - 0.5) < NEAR).sum())
        return np.rint(x)

    def converted(self, x: Array, full: Array | float, bits: int) -> Array:
        """Return what a converter of some bits and a full scale makes of numbers; nothing where the scale is 0."""
        full = np.broadcast_to(full, x.shape)
        if bits == 1:
            self.count += int(((np.abs(x) < NEAR * full) & (x != 0.0)).sum())
            return np.where(x >= 0.0, full, -full)
        top = 2 ** (bits - 1) - 1
        share = np.divide(np.clip(x, -full, full), full, out=np.zeros_like(x), where=full > 0.0)
        return self.rounded(share * top) * full / top

    def nearest(self, targets: Array, levels: Array) -> Array:
        """Return the level nearest to each target, the lower one half-way."""
        apart = np.abs(targets[..., None] - levels)
        two = np.sort(apart, axis=-1)[..., :2]
        self.count += int((two[..., 1] - two[..., 0] < NEAR * np.diff(levels).min()).sum())
        return levels[np.argmin(apart, axis=-1)]


@dataclass(frozen=True)
class Geometry:
    """What a convolution does with places; ``None`` of a layer is a fully connected one."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    mode: str


@dataclass(frozen=True)
class Plane:
    """Targets (inputs, outputs) in siemens, what their currents count, and what a weight of 0 has in each row."""

    targets: Array
    worth: float
    zero: float


@dataclass
class ReferenceLayer:
    """A layer as the documentation describes it.

    Parameters
    ----------
    weight, bias : array
        As torch's.
    hardware : Hardware
        Its settings alone are read.
    chip : Chip
        Its frozen maps alone are read.
    """

    weight: Array
    bias: Array | None
    hardware: Any
    chip: Any
    bias_row: bool = False
    geometry: Geometry | None = None
    frozen: Array | None = None
    ties: Ties = field(default_factory=Ties)
    input_range: float | None = None
    output_range: Array | None = None

    # Weights.

    def matrices(self) -> list[Array]:
        """Return each group's weights, (inputs, outputs), the bias as the last row where it is one."""
        groups = self.geometry.groups if self.geometry else 1
        flat = self.weight.reshape(groups, self.weight.shape[0] // groups, -1).transpose(0, 2, 1)
        if not self.bias_row:
            return list(flat)
        biases = self.bias.reshape(groups, 1, -1)
        return [np.concatenate(pair) for pair in zip(flat, biases, strict=True)]

    def freeze(self) -> None:
        """Keep the scales of the weights as they are now."""
        self.frozen = self.scales()

    def scales(self) -> Array:
        """Return what each output's weights are divided by."""
        wide = [np.abs(one).max(axis=0) for one in self.matrices()]
        each = np.concatenate(wide)
        found = np.full_like(each, each.max()) if self.hardware.mapping.per == "layer" else each
        return np.where(found > 0.0, found, 1.0)

    def planes(self, w: Array) -> list[Plane]:
        """Return the planes of weights over their scale."""
        mapping, cells = self.hardware.mapping, self.hardware.cells
        g_off, g_on = 1.0 / cells.r_off, 1.0 / cells.r_on
        span, w = g_on - g_off, np.clip(w, -1.0, 1.0)
        if mapping.slices == 1 and mapping.kind == "differential":
            return [Plane(g_off + span * np.maximum(part, 0.0), sign, 0.0) for part, sign in ((w, 1.0), (-w, -1.0))]
        if mapping.slices == 1:
            zero = self.zero()
            return [Plane(zero + w * self.unit(), 1.0, zero)]
        top = 2 ** (mapping.slices * mapping.slice_bits) - 1
        if mapping.kind == "differential":
            parts = [(self.ties.rounded(np.maximum(sign * w, 0.0) * top), sign) for sign in (1.0, -1.0)]
        else:
            parts = [(self.ties.rounded(w * (top // 2)) + top // 2, 1.0)]
        base, found = 2**mapping.slice_bits, []
        for codes, sign in parts:
            for weight in [base**k for k in reversed(range(mapping.slices))]:
                steps = (codes // weight) % base, (top // 2 // weight) % base
                targets, zero = (g_off + span * step / (base - 1) for step in steps)
                found.append(Plane(targets, sign * weight * (base - 1) / top, float(zero)))
        return found

    def levels(self) -> Array | None:
        """Return the levels of cells, rising."""
        cells = self.hardware.cells
        if cells.levels is None:
            return None
        count, spacing = cells.levels.count, cells.levels.spacing
        if spacing == "conductance":
            return np.linspace(1.0 / cells.r_off, 1.0 / cells.r_on, count)
        if spacing == "resistance":
            return 1.0 / np.linspace(cells.r_off, cells.r_on, count)
        return np.exp(np.linspace(np.log(1.0 / cells.r_off), np.log(1.0 / cells.r_on), count))

    def zero(self) -> float:
        """Return what a weight of 0 has where weights are offset and not cut: the level nearest to the middle."""
        cells, levels = self.hardware.cells, self.levels()
        middle = 0.5 * (1.0 / cells.r_off + 1.0 / cells.r_on)
        return (
            middle
            if levels is None or len(levels) == 2
            else float(levels[np.argmin(np.round(np.abs(levels - middle) * cells.r_on, 9))])
        )

    def unit(self) -> float:
        """Return the siemens of a weight of its scale."""
        mapping, cells = self.hardware.mapping, self.hardware.cells
        g_off, g_on = 1.0 / cells.r_off, 1.0 / cells.r_on
        if mapping.kind == "differential":
            return g_on - g_off
        if mapping.slices == 1:
            return min(g_on - self.zero(), self.zero() - g_off)
        top = 2 ** (mapping.slices * mapping.slice_bits) - 1
        return (g_on - g_off) * (top // 2) / top

    def held(self, targets: Array, *, free: bool = False) -> Array:
        """Return targets as levels have them."""
        levels = self.levels()
        return targets if levels is None or free else self.ties.nearest(targets, levels)

    # Arrays.

    def arrays(self) -> list[AnArray]:
        """Return every array: its cells, where it lies, and what its currents count."""
        hw, found, line, output = self.hardware, [], 0, 0
        extra = int(hw.mapping.kind == "reference")
        scales = self.frozen if hw.mapping.scale == "frozen" else self.scales()
        two = hw.cells.levels is not None and hw.cells.levels.count == 2 and hw.mapping.slices == 1
        for matrix in self.matrices():
            inputs, outputs = matrix.shape
            for plane in self.planes(matrix / scales[output : output + outputs]):
                zero = float(self.held(np.array(plane.zero), free=two))
                for i in range(0, inputs, hw.tiles.rows):
                    for j in range(0, outputs, hw.tiles.cols - extra):
                        part = plane.targets[i : i + hw.tiles.rows, j : j + hw.tiles.cols - extra]
                        rows, cols = part.shape
                        cells = np.hstack([self.held(part), np.full((rows, extra), zero)])
                        found.append(
                            {
                                "cells": self.on_chip(cells, len(found)),
                                "lines": slice(line + i, line + i + rows),
                                "outputs": slice(output + j, output + j + cols),
                                "worth": plane.worth, "zero": zero,
                            }
                        )  # fmt: skip
            line, output = line + inputs, output + outputs
        return found

    def on_chip(self, cells: Array, tile: int) -> Array:
        """Return cells with the chip's factors and stuck cells."""
        maps, model = self.chip.maps(tile), self.hardware.cells
        lrs = 1.0 / (model.faults.lrs_ohms or model.r_on) if model.faults else 0.0
        hrs = 1.0 / (model.faults.hrs_ohms or model.r_off) if model.faults else 0.0
        return np.select([maps.faults == 1, maps.faults == 2], [lrs, hrs], cells * maps.factor)

    def currents(self, cells: Array, volts: Array) -> Array:
        """Return what an array's bit lines carry, (vectors, columns)."""
        hw = self.hardware
        laws: dict[str, Any] = {
            "linear": devices.Linear(),
            "sinh": devices.Sinh(hw.law.v0),
            "selector": devices.Selector(hw.law.i0, hw.law.v0),
        }
        wires: dict[str, Any] = {}
        if hw.fidelity == "accurate":
            names = {"word_wire": "word", "bit_wire": "bit", "driver": "driver", "sense": "sense"}
            wires = {name: getattr(hw.wires, own) for name, own in names.items()}
        elif hw.law.kind == "linear":
            return volts @ cells
        crossbar = Crossbar(cells, device=laws[hw.law.kind], **wires)
        if hw.law.kind == "linear":
            return volts @ effective_conductance(crossbar)
        return solve(crossbar, np.ascontiguousarray(volts)).currents

    # Inputs.

    def full(self, x: Array) -> float:
        """Return the input that gets the full voltage."""
        dac = self.hardware.dac
        if not isinstance(dac.range, str):
            return dac.range
        if dac.range == "full":
            return 1.0
        largest = self.largest(x) if dac.range == "batch" else self.input_range
        return 1.0 if largest is None or largest == 0.0 else largest

    def largest(self, x: Array) -> float:
        """Return the largest magnitude of inputs; a bias row has an input of 1."""
        return max(float(np.abs(x).max()), 1.0 if self.bias_row else 0.0)

    def pulses(self, x: Array, *, rounding: bool = True) -> tuple[Array, list[float], float]:
        """Return volts (pulses, vectors, lines), what each pulse counts, and the input of the full voltage."""
        hw, full = self.hardware, self.full(x)
        given, one = x, np.ones(1)
        if hw.dac.bits is not None and rounding:
            given = self.ties.converted(x, full, hw.dac.bits)
            one = Ties().converted(one, full, hw.dac.bits)
        lines = self.lines(given, float(one[0])) / full
        if hw.encoding.kind == "amplitude" or not rounding:
            return lines[None] * hw.encoding.volts, [1.0], full
        count = max(hw.dac.bits - 1, 1)
        top = 2**count - 1
        codes = np.rint(np.abs(lines) * top)
        bits = [np.sign(lines) * ((codes // 2**k) % 2) for k in range(count)]
        return np.array(bits) * hw.encoding.volts, [2**k / top for k in range(count)], full

    def lines(self, x: Array, one: float) -> Array:
        """Return what each vector puts on the lines of all groups."""
        if self.geometry is None:
            flat = x.reshape(-1, x.shape[-1])
            return np.hstack([flat, np.full((len(flat), 1), one)]) if self.bias_row else flat
        groups, found = self.geometry.groups, []
        patches = self.patches(x)
        for part in np.split(patches, groups, axis=1):
            flat = part.reshape(len(part), -1)
            found.append(np.hstack([flat, np.full((len(flat), 1), one)]) if self.bias_row else flat)
        return np.hstack(found)

    def patches(self, x: Array) -> Array:
        """Return the patches (vectors, channels, kernel places) of (batch, channels, *sizes), padded with 0 volts."""
        how, kernel = self.geometry, self.weight.shape[2:]
        sides = [(0, 0), (0, 0), *((p, p) for p in how.padding)]
        modes = {"zeros": "constant", "reflect": "reflect", "circular": "wrap", "replicate": "edge"}
        wide = np.pad(x, sides, mode=modes[how.mode])
        counts = self.sizes(x.shape[2:])
        found = []
        for image in wide:
            for place in product(*map(range, counts)):
                start = [p * s for p, s in zip(place, how.stride, strict=True)]
                patch = [
                    image[(slice(None), *(b + k * d for b, k, d in zip(start, tap, how.dilation, strict=True)))]
                    for tap in product(*map(range, kernel))
                ]
                found.append(np.stack(patch, axis=1))
        return np.array(found)

    def sizes(self, sizes: tuple[int, ...]) -> list[int]:
        """Return the sizes of the outputs."""
        how, kernel = self.geometry, self.weight.shape[2:]
        rules = zip(sizes, how.padding, how.dilation, kernel, how.stride, strict=True)
        return [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in rules]

    # Outputs.

    def read(self, x: Array, *, rounding: bool = True) -> Read:
        """Return arrays, volts, their currents (pulses, vectors, columns), what pulses count, and the full input."""
        arrays = self.arrays()
        volts, worth, full = self.pulses(x, rounding=rounding)
        flat = volts.reshape(-1, volts.shape[-1])
        amperes = [self.currents(one["cells"], flat[:, one["lines"]]) for one in arrays]
        return arrays, volts, [one.reshape(len(worth), -1, one.shape[1]) for one in amperes], worth, full

    def __call__(self, x: Array) -> Array:
        """Return the outputs (batch, outputs, *sizes), through all converters."""
        arrays, volts, amperes, worth, full = self.read(x)
        return self.decoded(x, arrays, volts, self.digitised(amperes, arrays), worth, full)

    def watched(self, x: Array, what: str) -> Array:
        """Return the outputs while the largest ``inputs`` are looked at, or the largest currents, ``outputs``.

        Before the inputs' range is known nothing is rounded; then the DAC rounds, and the ADC does not.
        """
        if what == "inputs":
            self.input_range = max(self.input_range or 0.0, self.largest(x))
        known = what == "outputs" or self.hardware.dac.range != "calibrated"
        arrays, volts, amperes, worth, full = self.read(x, rounding=known)
        if what == "outputs":
            peaks = np.concatenate([np.abs(part).max(axis=(0, 1)) for part in amperes])
            self.output_range = peaks if self.output_range is None else np.maximum(self.output_range, peaks)
        return self.decoded(x, arrays, volts, amperes, worth, full)

    def digitised(self, amperes: list[Array], arrays: list[AnArray]) -> list[Array]:
        """Return currents as the ADC has them."""
        adc = self.hardware.adc
        if adc.bits is None:
            return amperes
        ranges = self.adc_ranges(amperes, arrays)
        return [self.ties.converted(one, full, adc.bits) for one, full in zip(amperes, ranges, strict=True)]

    def adc_ranges(self, amperes: list[Array], arrays: list[AnArray]) -> list[Array]:
        """Return the full scale of every array's columns."""
        adc, hw = self.hardware.adc, self.hardware
        if adc.range == "full":
            height = hw.encoding.volts / hw.cells.r_on
            return [np.full(one.shape[-1], height * len(a["cells"])) for one, a in zip(amperes, arrays, strict=True)]
        if not isinstance(adc.range, str):
            return [np.full(one.shape[-1], adc.range) for one in amperes]
        columns = [np.abs(one).max(axis=(0, 1)) for one in amperes]
        if adc.range == "calibrated":
            columns = np.split(self.output_range, np.cumsum([len(one) for one in columns])[:-1])
        if adc.per == "column":
            return columns
        if adc.per == "tile":
            return [np.full_like(one, one.max()) for one in columns]
        return [np.full_like(one, max(two.max() for two in columns)) for one in columns]

    def decoded(
        self,
        x: Array,
        arrays: list[AnArray],
        volts: Array,
        amperes: list[Array],
        worth: list[float],
        full: float,
    ) -> Array:
        """Return outputs from digitised currents."""
        hw = self.hardware
        scales = self.frozen if hw.mapping.scale == "frozen" else self.scales()
        sums, sizes = np.zeros((2, volts.shape[1], self.weight.shape[0]))
        for array, pulses in zip(arrays, amperes, strict=True):
            for count, current, volt in zip(worth, pulses, volts, strict=True):
                part = current
                if hw.mapping.kind == "reference":
                    part = part[:, :-1] - part[:, -1:]
                elif hw.mapping.kind == "offset":
                    part = part - array["zero"] * volt[:, array["lines"]].sum(axis=1, keepdims=True)
                sums[:, array["outputs"]] += array["worth"] * count * part
                sizes[:, array["outputs"]] += np.abs(array["worth"] * count * current[:, : part.shape[1]])
        # What is left where everything cancels is rounding, and a next layer's converter may make it large.
        self.ties.count += int((np.abs(sums) < 1e-9 * sizes).sum())
        flat = sums * scales * full / (self.unit() * hw.encoding.volts)
        if self.bias is not None and not self.bias_row:
            flat = flat + self.bias
        if self.geometry is None:
            return flat.reshape(*x.shape[:-1], -1)
        sizes = self.sizes(x.shape[2:])
        return np.moveaxis(flat.reshape(len(x), *sizes, -1), -1, 1)

    def calibrate(self, batches: list[Array]) -> None:
        """Take the largest input and the largest current of every column, with the DAC as it will be used."""
        self.input_range = max(self.largest(one) for one in batches)
        peaks = []
        for one in batches:
            amperes = self.read(one)[2]
            peaks.append(np.concatenate([np.abs(part).max(axis=(0, 1)) for part in amperes]))
        self.output_range = np.max(peaks, axis=0)
