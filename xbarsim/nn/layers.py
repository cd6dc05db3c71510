"""What every layer on crossbars shares: weights on tiles, the chip, its maps, and products through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError, XbarsimError
from xbarsim.nn.circuit import effective
from xbarsim.nn.converters import quantised
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.planes import factors, largest, middle, planes_of, unit
from xbarsim.nn.products import by_tiles, decode
from xbarsim.nonideal import Chip, Fault


class NotProgrammedError(XbarsimError, RuntimeError):
    """A layer was called before it had a chip."""


@dataclass(frozen=True)
class Tile:
    """One array of a layer.

    Attributes
    ----------
    crossbar : Crossbar
        The circuit as programmed.
    rows, cols : range
        Which of the layer's inputs drive its word lines, and which outputs its bit lines belong to. With a reference
        column the array has one column more, the last.
    sign : float
        What its currents are multiplied with when outputs are added up: 1 or -1, times a slice's worth.
    """

    crossbar: Crossbar
    rows: range
    cols: range
    sign: float


class CrossbarLayer(nn.Module):
    """Weights on arrays; subclasses say what matrix they are and what goes in.

    Parameters
    ----------
    weight, bias : Tensor
        As the torch layer's; they stay trainable parameters.
    hardware : Hardware
        What it runs on.
    bias_row : bool
        Whether the bias is one more row of cells, driven by an input of 1, instead of a digital sum.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__()
        if weight.numel() == 0:
            raise InputError(f"weight has shape {tuple(weight.shape)}: a layer on crossbars needs at least one weight")
        if not torch.isfinite(weight).all():
            raise InputError("weight has entries that are not finite")
        self.weight = nn.Parameter(weight.detach().clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.hardware = hardware
        self.bias_row = bias_row and bias is not None
        self.chip: Chip | None = None
        self.threads: int | None = None
        self.reads = 0
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("input_range", torch.ones(()))
        self.register_buffer("output_range", torch.zeros(()))
        self._known: tuple[tuple[object, ...], list[Tensor]] | None = None
        self._observed: bool | None = None

    # What a subclass may replace.

    def matrices(self) -> list[Tensor]:
        """Weights as matrices (inputs, outputs), one for each group; the last row is the bias if it is a row."""
        return [self._with_bias(self.weight.reshape(self.weight.shape[0], -1).T, self.bias)]

    def _with_bias(self, matrix: Tensor, bias: Tensor | None) -> Tensor:
        return torch.cat([matrix, bias[None]]) if self.bias_row and bias is not None else matrix

    # Programming.

    def program(self, seed: int = 0, *, chip: Chip | None = None) -> CrossbarLayer:
        """Put the weights on a chip: freeze what it is, and the scale of the weights.

        Parameters
        ----------
        seed : int
            The chip.
        chip : Chip, optional
            A known one, instead of a seed's.

        Raises
        ------
        InputError
            The chip is one of another layer or hardware.
        """
        shapes = [shape for shape, *_ in self._places()]
        model = self.hardware.cells
        if chip is not None and (chip.shapes != tuple(shapes) or chip.model != model):
            made = Chip(model, 0, shapes).made_for
            raise InputError(f"the chip is of another kind ({chip.made_for}): this layer's has {made}")
        self.chip = chip or Chip(model, seed, shapes)
        self.reads = 0
        self.scale = torch.cat([largest(one, self.hardware).reshape(-1) for one in self.matrices()]).detach().double()
        self._known = None
        return self

    def _scales(self, matrices: Sequence[Tensor]) -> list[Tensor]:
        """Return each group's scale, (1, 1) or (1, outputs)."""
        if self.hardware.mapping.scale == "dynamic":
            return [largest(one, self.hardware).double() for one in matrices]
        sizes = [one.shape[1] if self.hardware.mapping.per == "column" else 1 for one in matrices]
        return [part.reshape(1, -1) for part in torch.split(self.scale, sizes)]

    def _places(self) -> list[tuple[tuple[int, int], int, int, range, range]]:
        """Return each array's shape, group, plane, inputs and outputs."""
        hardware = self.hardware
        planes = hardware.mapping.slices * (2 if hardware.mapping.kind == "differential" else 1)
        extra = 1 if hardware.mapping.kind == "reference" else 0
        found = []
        for group, matrix in enumerate(self.matrices()):
            inputs, outputs = matrix.shape
            for plane in range(planes):
                for rows in _parts(inputs, hardware.tiles.rows):
                    for cols in _parts(outputs, hardware.tiles.cols - extra):
                        found.append(((len(rows), len(cols) + extra), group, plane, rows, cols))
        return found

    def _conductances(self) -> list[Tensor]:
        """Return each array's conductances as functions of the weights."""
        if self.chip is None:
            raise NotProgrammedError("the layer has no chip: call program(seed) before the first forward")
        matrices = self.matrices()
        mapped = [
            planes_of(matrix.double(), scale, self.hardware)
            for matrix, scale in zip(matrices, self._scales(matrices), strict=True)
        ]
        cells = []
        for tile, (shape, group, plane, rows, cols) in enumerate(self._places()):
            one = mapped[group][plane]
            target = one[rows.start : rows.stop, cols.start : cols.stop]
            if shape[1] > len(cols):
                target = torch.cat([target, target.new_full((shape[0], 1), middle(self.hardware))], dim=1)
            cells.append(self._programmed(target, tile))
        return cells

    def _programmed(self, target: Tensor, tile: int) -> Tensor:
        """Return what the chip makes of targets; gradients pass levels straight, and stop at stuck cells."""
        assert self.chip is not None
        written = self.chip.apply(target.detach().cpu().numpy(), tile)
        g = self.chip.read(written, read=self.reads)
        if not target.requires_grad:
            return torch.from_numpy(np.array(g))
        maps = self.chip.maps(tile)
        factor = np.ones_like(maps.factor) if self.hardware.cells.write_verify else maps.factor
        slope = torch.from_numpy(np.where(maps.faults == Fault.HEALTHY, factor, 0.0))
        still = target.cpu()
        return torch.from_numpy(np.array(g)) + slope * (still - still.detach())

    def _crossbar(self, conductance: Array, tile: int) -> Crossbar:
        wires, chip = self.hardware.wires, self.chip
        assert chip is not None
        law = self.hardware.law.device()
        if self.hardware.fidelity == "ideal":
            return Crossbar(conductance, device=law)
        crossbar = Crossbar(
            conductance, word_wire=wires.word, bit_wire=wires.bit, driver=wires.driver, sense=wires.sense, device=law
        )
        return chip.crossbar(crossbar, tile)

    @property
    def tiles(self) -> list[Tile]:
        """The arrays as they are programmed now."""
        with torch.no_grad():
            cells = self._conductances()
        return [
            Tile(self._crossbar(g.numpy(), k), rows, cols, factor)
            for k, (g, (_, rows, cols, factor)) in enumerate(zip(cells, self._layout(), strict=True))
        ]

    def maps(self) -> list[Tensor]:
        """Return each array's effective conductance, (rows, cols) in siemens.

        They are kept until the weights, the chip or the hardware change, or a read has noise of its own.
        """
        versions = (self.weight._version, None if self.bias is None else self.bias._version)
        state = (*versions, id(self.weight), id(self.chip), id(self.hardware))
        learning = torch.is_grad_enabled() and self.weight.requires_grad
        noisy = self.hardware.cells.read_noise is not None
        if self._known is not None and self._known[0] == state and not learning and not noisy:
            return self._known[1]
        cells = self._conductances()
        if noisy:
            self.reads += 1
        if self.hardware.fidelity == "ideal":
            found = cells
        else:
            crossbars = [self._crossbar(g.detach().numpy(), k) for k, g in enumerate(cells)]
            found = effective(cells, crossbars, self.threads)
        if not learning:
            self._known = (state, found)
        return found

    # Products.

    def effective_matrices(self) -> list[Tensor]:
        """Return what the layer really multiplies by, (inputs, outputs) for each group, in the weights' unit."""
        matrices = self.matrices()
        places = self._layout()
        whole = [torch.zeros_like(one, dtype=torch.float64, device="cpu") for one in matrices]
        parts: list[list[tuple[range, range, Tensor]]] = [[] for _ in matrices]
        for found, (group, rows, cols, factor) in zip(self.maps(), places, strict=True):
            block = found[:, : len(cols)]
            if found.shape[1] > len(cols):
                block = block - found[:, -1:]
            elif self.hardware.mapping.kind == "offset":
                block = block - middle(self.hardware)
            parts[group].append((rows, cols, factor * block))
        for group, blocks in enumerate(parts):
            total = whole[group]
            for rows, cols, block in blocks:
                total = total + nn.functional.pad(
                    block, (cols.start, total.shape[1] - cols.stop, rows.start, total.shape[0] - rows.stop)
                )
            whole[group] = total
        scales = self._scales(matrices)
        return [
            (one * (scale / unit(self.hardware))).to(self.weight) for one, scale in zip(whole, scales, strict=True)
        ]

    def scales(self) -> list[Tensor]:
        """Return the weight that the largest conductance stands for, (1, 1) or (1, outputs) for each group."""
        return self._scales(self.matrices())

    def places(self, group: int) -> list[tuple[int, range, range, float]]:
        """Return a group's arrays: their numbers, inputs, outputs and factors."""
        return [(k, rows, cols, factor) for k, (g, rows, cols, factor) in enumerate(self._layout()) if g == group]

    def full_input(self, x: Tensor) -> Tensor:
        """Return the input that gets the full voltage."""
        kind = self.hardware.dac.range
        if self._observed is not None:
            self.input_range = torch.maximum(self.input_range, x.detach().abs().amax().to(self.input_range))
        if kind == "batch":
            found = x.detach().abs().amax()
            return torch.where(found > 0, found, torch.ones_like(found))
        if isinstance(kind, str):
            return self.input_range.to(x) if kind == "calibrated" else torch.ones_like(x[:1, :1]).reshape(())
        return torch.as_tensor(kind, dtype=x.dtype, device=x.device)

    def digitised(self, currents: list[Tensor], group: int) -> list[Tensor]:
        """Return currents of a group's arrays as the ADC sees them."""
        adc = self.hardware.adc
        if self._observed is not None:
            self._observe(currents, group)
            return currents
        if adc.bits is None:
            return currents
        return [
            quantised(one, full, adc.bits) for one, full in zip(currents, self._full(currents, group), strict=True)
        ]

    def _full(self, currents: list[Tensor], group: int) -> list[Tensor]:
        """Return the ADC's full scale at each array, a number or one a column."""
        adc, hardware = self.hardware.adc, self.hardware
        places = self.places(group)
        if adc.range == "full":
            lrs = hardware.cells.g_on * hardware.encoding.volts
            return [torch.as_tensor(lrs * len(rows)).to(currents[0]) for _, rows, _, _ in places]
        if not isinstance(adc.range, str):
            return [torch.as_tensor(adc.range).to(currents[0]) for _ in places]
        if adc.range == "batch":
            return shared_range([one.detach().abs().amax(dim=0) for one in currents], adc.per)
        if self.output_range.numel() < 2 and not self.output_range.any():
            raise NotProgrammedError("the ADC's range is 'calibrated': call calibrate(model, inputs) first")
        columns = torch.split(self.output_range.to(currents[0]), self._column_counts())
        return shared_range([columns[tile] for tile, *_ in places], adc.per)

    def _column_counts(self) -> list[int]:
        return [shape[1] for shape, *_ in self._places()]

    def _observe(self, currents: list[Tensor], group: int) -> None:
        counts = self._column_counts()
        if self.output_range.numel() != sum(counts):
            self.output_range = self.scale.new_zeros(sum(counts))
        columns = list(torch.split(self.output_range, counts))
        for (tile, *_), one in zip(self.places(group), currents, strict=True):
            columns[tile] = torch.maximum(columns[tile], one.detach().abs().amax(dim=0).to(columns[tile]))
        self.output_range = torch.cat(columns)

    def product(self, x: Tensor, group: int = 0) -> Tensor:
        """Return inputs (batch, inputs) times a group's weights as the hardware computes it, (batch, outputs)."""
        if self.chip is None:
            raise NotProgrammedError("the layer has no chip: call program(seed) before the first forward")
        if self.bias_row:
            x = torch.cat([x, x.new_ones((x.shape[0], 1))], dim=1)
        if not self.direct:
            return by_tiles(self, x, group)
        return self._digital(x) @ self.effective_matrices()[group]

    def _digital(self, x: Tensor) -> Tensor:
        bits = self.hardware.dac.bits
        return x if bits is None else quantised(x, self.full_input(x), bits)

    @property
    def direct(self) -> bool:
        """Whether outputs are one product with an effective matrix: linear cells, no converters behind the arrays."""
        return self.hardware.law.kind == "linear" and self.hardware.adc.bits is None and self._observed is None

    def encode(self, x: Tensor) -> Tensor:
        """Return the volts (batch, inputs) that amplitude encoding gives inputs (batch, inputs)."""
        full = self.full_input(x)
        return self._digital(x) / full * self.hardware.encoding.volts

    def decode(self, currents: Sequence[Tensor], volts: Tensor | None = None, group: int = 0) -> Tensor:
        """Return the layer's products from the currents of its arrays, without a digital bias.

        Parameters
        ----------
        currents : sequence of (batch, cols)
            Amperes of a group's arrays, in the order of ``tiles``, by whatever solver.
        volts : (batch, inputs), optional
            What ``encode`` gave; an offset mapping needs it.
        group : int
            Which group of a grouped convolution.
        """
        full = self.full_input(torch.ones((1, 1), dtype=self.weight.dtype))
        return decode(self, [torch.as_tensor(one) for one in currents], volts, group) * full

    def _layout(self) -> list[tuple[int, range, range, float]]:
        worth = factors(self.hardware)
        return [(group, rows, cols, worth[plane]) for _, group, plane, rows, cols in self._places()]


def _parts(count: int, size: int) -> list[range]:
    return [range(k, min(k + size, count)) for k in range(0, count, size)]


def shared_range(columns: list[Tensor], per: str) -> list[Tensor]:
    """Return each array's full scale from the largest current of each of its columns; where all is 0 it is 1."""
    if per == "layer":
        whole = torch.stack([one.amax() for one in columns]).amax()
        found = [whole] * len(columns)
    else:
        found = [one.amax() if per == "tile" else one for one in columns]
    return [torch.where(one > 0, one, torch.ones_like(one)) for one in found]
