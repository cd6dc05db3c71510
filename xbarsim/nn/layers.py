"""What every layer on crossbars shares: weights, the chip that holds them, and its maps while nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nn import cells as written
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.planes import largest, middle, unit
from xbarsim.nn.products import Drives, decoded, digital, drives, tile_currents
from xbarsim.nn.ranges import UNSEEN, NotProgrammedError
from xbarsim.nn.tiling import Place, Tile, assembled, layout
from xbarsim.nonideal import Bridged, Chip


@dataclass
class _Kept:
    """What follows from weights, and stands until one of them changes."""

    sources: list[Tensor]
    chip: Chip
    hardware: Hardware
    maps: list[Tensor] | None = None
    matrices: list[Tensor] | None = None
    tiles: list[Tile] = field(default_factory=list)


class CrossbarLayer(nn.Module):
    """Weights on arrays; subclasses say what matrices they are and what goes in.

    Parameters
    ----------
    weight, bias : Tensor
        As the torch layer's; they stay trainable parameters.
    hardware : Hardware
        What it runs on.
    bias_row : bool
        Whether the bias is one more row of cells, driven by an input of 1, instead of a digital sum.

    Attributes
    ----------
    chip : Chip or None
        What ``program`` made.
    reads : int
        Which read comes next, where reads have noise: each forward pass is one, of all arrays.
    threads : int or None
        Threads for the circuits; None: all.
    name : str
        What messages call the layer.
    """

    scale: Tensor
    input_range: Tensor
    output_range: Tensor
    groups = 1

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__()
        for name, one in (("weight", weight), ("bias", bias)):
            if one is not None and one.numel() == 0:
                raise InputError(f"{name} has shape {tuple(one.shape)}: a layer on crossbars needs at least one weight")
        self.weight = nn.Parameter(weight.detach().clone(), weight.requires_grad)
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), bias.requires_grad)
        self.hardware = hardware
        self.bias_row = bias_row and bias is not None
        self.name = ""
        self.chip: Chip | None = None
        self.threads: int | None = None
        self.reads = 0
        self.observing: str | None = None
        self._see_finite()
        _see_bias_row(self)
        double = {"dtype": torch.float64, "device": weight.device}
        scales = [self._scale_count(one) for one in self.matrices()]
        self.register_buffer("scale", torch.ones(sum(scales), **double))
        self.register_buffer("input_range", torch.full((), UNSEEN, **double))
        self.register_buffer("output_range", torch.full((sum(one.shape[1] for one in self.places),), UNSEEN, **double))
        self._kept: _Kept | None = None
        self._given: Drives | None = None

    # What a subclass says.

    def lines(self, x: Tensor) -> Tensor:
        """Return what drives the word lines, (batch, inputs of all groups), for a layer's inputs."""
        raise NotImplementedError

    def shaped(self, flat: Tensor, x: Tensor) -> Tensor:
        """Return outputs for inputs x from (batch, outputs)."""
        raise NotImplementedError

    def multiplied(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return what the torch layer does with a weight and a bias."""
        raise NotImplementedError

    def matrices(self) -> list[Tensor]:
        """Weights as matrices (inputs, outputs), one for each group; the last row is the bias if it is a row."""
        flat = self.weight.reshape(self.weight.shape[0], -1)
        found = [part.T for part in flat.chunk(self.groups)]
        if not self.bias_row or self.bias is None:
            return found
        return [torch.cat([one, bias[None]]) for one, bias in zip(found, self.bias.chunk(self.groups), strict=True)]

    # Programming.

    @property
    def label(self) -> str:
        """What messages call the layer."""
        return f"layer {self.name!r}" if self.name else "the layer"

    @property
    def places(self) -> tuple[Place, ...]:
        """What each array holds."""
        known = self.__dict__.get("_places")
        if known is None or known[0] is not self.hardware:
            shapes = [(one.shape[0], one.shape[1]) for one in self.matrices()]
            known = self.__dict__["_places"] = (self.hardware, layout(shapes, self.hardware))
        found: tuple[Place, ...] = known[1]
        return found

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
            The chip is one of another layer or hardware, or the weights are not finite.
        """
        self._see_finite()
        shapes = tuple(place.shape for place in self.places)
        model = self.hardware.cells
        if chip is not None and (chip.shapes != shapes or chip.model != model):
            made = Chip(model, 0, shapes).made_for
            raise InputError(f"the chip is of another kind ({chip.made_for}): {self.label} needs one of {made}")
        self.chip = chip or Chip(model, seed, shapes)
        self.reads = 0
        found = [largest(one, self.hardware).reshape(-1) for one in self.matrices()]
        self.scale = torch.cat(found).detach().to(self.scale)
        self._kept = None
        return self

    def _see_finite(self) -> None:
        for name, one in (("weight", self.weight), ("bias", self.bias)):
            if one is not None and not torch.isfinite(one).all():
                raise InputError(f"{name} of {self.label} has entries that are not finite")

    def _scale_count(self, matrix: Tensor) -> int:
        return matrix.shape[1] if self.hardware.mapping.per == "column" else 1

    def scales(self) -> list[Tensor]:
        """Return the weight that the largest conductance stands for, (1, 1) or (1, outputs) for each group."""
        matrices = self.matrices()
        if self.hardware.mapping.scale == "dynamic":
            return [largest(one, self.hardware).double() for one in matrices]
        sizes = [self._scale_count(one) for one in matrices]
        return [part.reshape(1, -1) for part in torch.split(self.scale, sizes)]

    # Circuits and their maps, kept while they stand.

    @property
    def _learning(self) -> bool:
        bias = self.bias is not None and self.bias_row and self.bias.requires_grad
        return torch.is_grad_enabled() and (self.weight.requires_grad or bias)

    def _current(self) -> _Kept:
        """Return what is known of these very weights on this chip."""
        chip = self._programmed()
        sources = [self.weight.detach(), self.scale]
        if self.bias_row and self.bias is not None:
            sources.append(self.bias.detach())
        kept = self._kept
        if (
            kept is None
            or kept.chip is not chip
            or kept.hardware is not self.hardware
            or not all(_same(a, b) for a, b in zip(sources, kept.sources, strict=True))
        ):
            self._see_finite()
            kept = self._kept = _Kept([one.clone() for one in sources], chip, self.hardware)
        return kept

    def _programmed(self) -> Chip:
        if self.chip is None:
            raise NotProgrammedError(f"{self.label} has no chip: call program(seed) before the first forward")
        return self.chip

    @property
    def noisy(self) -> bool:
        """Whether each read is another."""
        return self.hardware.cells.read_noise is not None

    def _cells(self) -> list[Tensor]:
        return written.conductances(
            self.matrices(), self.scales(), self.places, self.hardware, self._programmed(), self.reads
        )

    @property
    def tiles(self) -> list[Tile]:
        """The arrays as they are programmed now, and as the next read finds them."""
        kept = self._current()
        if not kept.tiles or self.noisy:
            with torch.no_grad():
                kept.tiles = [self._tile(g.numpy(), k) for k, g in enumerate(self._cells())]
        return list(kept.tiles)

    def solved_tiles(self) -> list[Tile]:
        """Return the arrays for one read of them."""
        found = self.tiles
        self.reads += self.noisy
        return found

    def _tile(self, conductance: Array, tile: int) -> Tile:
        place = self.places[tile]
        found = written.circuit(conductance, tile, self.hardware, self._programmed())
        bridged = found if isinstance(found, Bridged) else None
        outputs = range(place.first_output + place.cols.start, place.first_output + place.cols.stop)
        lines = range(place.lines.start, place.lines.stop)
        return Tile(found.crossbar if isinstance(found, Bridged) else found, lines, outputs, place.factor, bridged)

    def maps(self) -> list[Tensor]:
        """Return each array's effective conductance, (rows, cols) in siemens.

        They are kept until the weights, the chip or the hardware change, or a read has noise of its own.
        """
        kept, learning = self._current(), self._learning
        if kept.maps is not None and not learning and not self.noisy:
            return kept.maps
        cells = self._cells()
        self.reads += self.noisy
        found = written.maps(cells, self.hardware, kept.chip, self.threads, keep=self.training)
        if not learning:
            kept.maps, kept.matrices = found, None
        return found

    def effective_matrices(self) -> list[Tensor]:
        """Return what the layer really multiplies by, (inputs, outputs) for each group, in the weights' unit."""
        kept = self._current()
        if kept.matrices is not None and not self._learning and not self.noisy:
            return kept.matrices
        parts = []
        for found, place in zip(self.maps(), self.places, strict=True):
            part = found[:, : len(place.cols)]
            if place.extra:
                part = part - found[:, -1:]
            elif self.hardware.mapping.kind == "offset":
                part = part - middle(self.hardware)
            parts.append(part)
        wholes = zip(assembled(parts, self.places), self.scales(), strict=True)
        matrices = [(one.to(scale.device) * (scale / unit(self.hardware))).to(self.weight) for one, scale in wholes]
        if not self._learning:
            kept.matrices = matrices
        return matrices

    def effective_parameters(self) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias, in torch's shapes, as the crossbars make them: what the circuit multiplies by."""
        matrices = self.effective_matrices()
        bias = self.bias
        if self.bias_row:
            bias = torch.cat([one[-1] for one in matrices])
            matrices = [one[:-1] for one in matrices]
        return torch.cat([one.T for one in matrices]).reshape(self.weight.shape), bias

    # Products.

    @property
    def direct(self) -> bool:
        """Whether outputs are one product with an effective matrix: linear cells, no converters behind the arrays."""
        return self.hardware.law.kind == "linear" and self.hardware.adc.bits is None and self.observing is None

    @property
    def exact(self) -> bool:
        """Whether no converter stands before the arrays either, and nobody waits for the layer's own call."""
        return self.direct and self.hardware.dac.bits is None and not self._forward_hooks

    def forward(self, x: Tensor) -> Tensor:
        """Return what the torch layer returns, through the arrays."""
        return self.computed(x, digital_bias=True)

    def computed(self, x: Tensor, *, digital_bias: bool) -> Tensor:
        """Return the outputs, with or without a bias that is not a row of cells."""
        self._programmed()
        if self.direct:
            weight, bias = self.effective_parameters()
            driven, one = digital(self, x)
            if self.bias_row and bias is not None:
                bias = bias * one
            return self.multiplied(driven, weight, bias if digital_bias or self.bias_row else None)
        given = drives(self, x)
        currents = tile_currents(self, given.volts.flatten(0, 1))
        found = decoded(self, currents, given)
        return self.shaped(self._with_bias(found) if digital_bias else found, x)

    def _with_bias(self, found: Tensor) -> Tensor:
        return found if self.bias is None or self.bias_row else found + self.bias

    def encode(self, x: Tensor) -> Tensor:
        """Return the volts of all word lines for inputs x: (batch, lines), or (pulses, batch, lines) if bit-serial.

        A convolution's batch is that of its patches. Lines are those of all groups, in their order; a bias row is the
        last of its group.
        """
        self._given = drives(self, x)
        volts = self._given.volts
        return volts if self.hardware.encoding.kind == "bit-serial" else volts[0]

    def decode(self, currents: Sequence[Tensor | Array], volts: Tensor | None = None) -> Tensor:
        """Return outputs (batch, outputs), bias included, from the currents of all arrays.

        Parameters
        ----------
        currents : sequence of (batch, cols), or (pulses, batch, cols) if bit-serial
            Amperes, in the order of ``tiles``, by whatever solver.
        volts : tensor, optional
            What ``encode`` gave, if that was not its last call.

        Raises
        ------
        InputError
            There are not as many arrays, or ``encode`` was not called.
        """
        given = self._given
        if given is None:
            raise InputError(f"{self.label} has nothing encoded: call encode(x), whose scale decode needs")
        if volts is not None:
            given = Drives(volts.reshape(len(given.worth), -1, volts.shape[-1]), given.worth, given.full)
        if len(currents) != len(self.places):
            raise InputError(f"currents are of {len(currents)} arrays: {self.label} has {len(self.places)}")
        found = [torch.as_tensor(np.asarray(one) if not isinstance(one, Tensor) else one) for one in currents]
        flat = [one.reshape(-1, one.shape[-1]) for one in found]
        return self._with_bias(decoded(self, flat, given))


def _same(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)


def _see_bias_row(layer: CrossbarLayer) -> None:
    full = layer.hardware.dac.range
    if layer.bias_row and layer.hardware.dac.bits is not None and not isinstance(full, str) and full < 1.0:
        raise InputError(
            f"dac.range is {full:g}: a bias row is driven by an input of 1, beyond it; "
            "take a range of at least 1, or leave the bias digital"
        )
