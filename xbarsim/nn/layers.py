"""What every layer on crossbars shares: products through its arrays, and the ranges of its converters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.arrays import ArrayMaps
from xbarsim.nn.converters import InputConverter, OutputConverter
from xbarsim.nn.current_noise import CurrentNoise
from xbarsim.nn.gain import DigitalOutputs
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.map_store import MAP_TYPES
from xbarsim.nn.outside import paused
from xbarsim.nn.products import Drives, Reader, decoded, drives, linear_reader, nonlinear_reader
from xbarsim.nonideal import Chip

_TOGETHER = 4096
"""Vectors that go through the arrays at a time: their currents stay in the processor's caches."""


class CrossbarLayer(DigitalOutputs):
    """A layer on arrays; subclasses say what goes in.

    Parameters
    ----------
    weight, bias : Tensor
        As the torch layer's; they stay trainable parameters.
    hardware : Hardware
        What it runs on.
    bias_row : bool
        Whether the bias is one more row of cells, driven by an input of 1, instead of a digital sum.
    """

    passes_blocks = False
    """Whether a product may be a sum over parts of the matrix: where a layer's inputs are lines as they come."""

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__(weight, bias, hardware, bias_row=bias_row)
        _check_bias_row(self)
        shapes = [place.shape for place in self.places]
        self.input_converter = InputConverter(hardware, weight.device, bias_row=self.bias_row)
        self.output_converter = OutputConverter(hardware, weight.device, shapes)
        self._encoded: tuple[Tensor, Drives] | None = None

    @property
    def converters(self) -> list[InputConverter | OutputConverter]:
        """The converters of inputs and of outputs."""
        return [self.input_converter, self.output_converter]

    @property
    def input_range(self) -> Tensor:
        """The input that gets the full voltage, as ``calibrate`` found it; negative before."""
        return self.input_converter.range

    @property
    def output_range(self) -> Tensor:
        """The largest current of each column, as ``calibrate`` found it; negative before."""
        return self.output_converter.range

    def _lay_out(self) -> None:
        super()._lay_out()
        self._describe_converters()

    @property
    def name(self) -> str:
        """What messages call the layer."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name
        self._describe_converters()

    def _describe_converters(self) -> None:
        """Say to converters, once there are any, whose they are."""
        if "output_converter" in self._modules:
            for converter in self.converters:
                converter.hardware, converter.label = self.hardware, self.label
            self.output_converter.fit([place.shape for place in self.places])

    def state_dict(self, *args: Any, **more: Any) -> Any:
        """Return the state as torch does; ranges are called ``input_range`` and ``output_range`` in it."""
        state = super().state_dict(*args, **more)
        _rename(state, more.get("prefix", ""), "_converter.range", "_range")
        return state

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *more: Any) -> None:
        state: Any = state_dict
        _rename(state, prefix, "_range", "_converter.range")
        super()._load_from_state_dict(state, prefix, *more)

    def __repr__(self) -> str:
        """Return what ``print`` shows: a layer, as torch's, without what it is made of."""
        return f"{type(self).__name__}({self.extra_repr()})"

    def program(
        self, seed: int = 0, *, chip: Chip | None = None, time: float | None = None, headroom: float = 1.0
    ) -> Self:
        """Put the weights on a chip, which has no ranges of converters yet: they are another chip's.

        Parameters
        ----------
        seed, chip, time, headroom
            As of ``ProgrammedWeights``.
        """
        super().program(seed, chip=chip, time=time, headroom=headroom)
        for converter in self.converters:
            converter.reset()
        return self

    def arrange(self, arrangement: Arrangement | None) -> Self:
        """Lay inputs and outputs on other lines; ranges of converters are to be calibrated again.

        Parameters
        ----------
        arrangement
            As of ``WritableWeights``.
        """
        super().arrange(arrangement)
        for converter in self.converters:
            converter.reset()
        return self

    # What a subclass says.

    def lines(self, x: Tensor) -> Tensor:
        """Return what drives the word lines, (batch, inputs of all groups), for a layer's inputs.

        Parameters
        ----------
        x : Tensor
            The layer's inputs, or what a DAC made of them, as of the torch layer.
        """
        raise NotImplementedError

    def shaped(self, flat: Tensor, x: Tensor) -> Tensor:
        """Return outputs for inputs x from (batch, outputs).

        Parameters
        ----------
        flat : (batch, outputs) tensor
            One line for each that ``lines`` gave.
        x : Tensor
            The inputs that they are for; their shape counts.
        """
        raise NotImplementedError

    def multiplied(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return what the torch layer does with a weight and a bias.

        Parameters
        ----------
        x : Tensor
            Inputs, as of the torch layer.
        weight : Tensor
            Of the shape of the layer's, as the arrays make it.
        bias : (outputs,) tensor or None
            What is added.
        """
        raise NotImplementedError

    # Products.

    @property
    def direct(self) -> bool:
        """Whether outputs are one product with an effective matrix.

        That is so of linear cells, without converters behind the arrays and without noise of currents. While ranges are
        looked for there are converters, which pass everything.
        """
        plain = self.hardware.adc.bits is None and not self.hardware.cells.noisy_currents
        return self.hardware.law.linear and plain and self.output_converter.rounding

    def prepare(self) -> None:
        """Make what the next forward pass multiplies by, of linear cells."""
        if self.direct:
            self.effective_parameters()
        else:
            self.arrays().strips()

    @property
    def exact(self) -> bool:
        """Whether no converter stands before the arrays either, and nobody waits for the layer's own call."""
        plain = self.direct and self.hardware.dac.bits is None and not self._forward_hooks
        # A kernel of torch's has one type for all.
        return plain and MAP_TYPES.get(self.map_storage, self.weight.dtype) == self.weight.dtype

    def forward(self, input: Tensor) -> Tensor:
        """Return what the torch layer returns, through the arrays."""
        return self.computed(input, digital_bias=True)

    def computed(self, x: Tensor, *, digital_bias: bool, arrays: ArrayMaps | None = None) -> Tensor:
        """Return the outputs, with or without a bias that is not a row of cells.

        Parameters
        ----------
        x : Tensor
            Inputs.
        digital_bias : bool
            Whether bias, shift and addend are added.
        arrays : ArrayMaps, optional
            What is multiplied by, instead of the arrays as they are.
        """
        self.checked_chip()
        if not self.reached:
            self.reached = True
        with paused():
            kind = MAP_TYPES.get(self.map_storage, x.dtype)
            outputs = self._through(arrays, x.to(kind), digital_bias)
            outputs = outputs if kind == x.dtype else outputs.to(x)
            if self.addend is None or not digital_bias:
                return outputs
            with _precise(x):
                wide = _wide(x)
                return outputs + self.multiplied(wide, self.addend.to(wide), None).to(outputs)

    def _added_rows(self, addend: Tensor, x: Tensor) -> Tensor:
        """Return the same as (batch, outputs), as ``decode`` has them."""
        lines, rows = self.lines(_wide(x)), addend.flatten(1).chunk(self.groups)
        return torch.cat(
            [part @ row.to(part).T for part, row in zip(lines.chunk(self.groups, 1), rows, strict=True)], 1
        )

    def _through(self, arrays: ArrayMaps | None, x: Tensor, digital_bias: bool) -> Tensor:
        if self.direct:
            if self._passing(arrays, x):
                with _precise(x):
                    return self._block_by_block(_wide(x), digital_bias).to(x)
            weight, bias = self._applied(arrays)
            if self.hardware.dac.bits is not None:
                driven, unity, _ = self.input_converter(_wide(x))
                x = driven.to(x)
                if self.bias_row and bias is not None:
                    # The shift is digital, and not driven.
                    shift = 0.0 if self.shift is None else self.shift.to(bias)
                    bias = (bias - shift) * unity.to(bias) + shift
            return self.multiplied(x, weight, bias if digital_bias or self.bias_row else None)
        with _precise(x):
            driven = self.drives(_wide(x))
            parts = driven.parts(driven.volts.shape[1] if self.hardware.adc.range == "batch" else _TOGETHER)
            vectors = driven.volts.shape[0] * driven.volts.shape[1]
            read = self._reader(arrays, vectors, passing=len(parts) == 1 and self._passing(arrays, x))
            outputs = torch.cat([self._decoded(read(part.volts.flatten(0, 1)), part) for part in parts])
        return self.shaped(self.finished(outputs, digital_bias=digital_bias), x).to(x)

    def _passing(self, arrays: ArrayMaps | None, x: Tensor) -> bool:
        """Whether maps are used once each, as they are made, and never all there: nothing else asks for them."""
        free = arrays is None and self._series is None and self.line_order is None
        recorded = torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)
        return self.passes_blocks and self.recomputes and free and not recorded

    def _block_by_block(self, x: Tensor, digital_bias: bool) -> Tensor:
        """Return the outputs as a sum over parts of the matrix, in double precision."""
        driven, unity, _ = self.input_converter(x)
        lines = self._with_bias_line(self.lines(driven), unity).double()
        inputs, outputs = lines.shape[1] // self.groups, self.outputs // self.groups
        products = lines.new_zeros(len(lines), self.outputs)
        for group, rows, cols, block in self.arrays().blocks():
            driving = lines[:, group * inputs + rows.start : group * inputs + rows.stop]
            products[:, group * outputs + cols.start : group * outputs + cols.stop] += driving @ block
        return self.shaped(self.finished(products, digital_bias=digital_bias), x)

    def _with_bias_line(self, lines: Tensor, unity: Tensor) -> Tensor:
        """Return what drives a layer's lines with what drives its rows of biases."""
        if not self.bias_row:
            return lines
        ones = unity.expand(lines.shape[0], 1)
        return torch.cat([part for group in lines.chunk(self.groups, dim=1) for part in (group, ones)], dim=1)

    def _applied(self, arrays: ArrayMaps | None) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias with gain and shift, for the steps of a series once."""
        if arrays is not None or self._series is None:
            return self.applied_parameters(arrays)
        if self._series.applied is None:
            self._series.applied = self.applied_parameters()
        return self._series.applied

    def drives(self, x: Tensor) -> Drives:
        """Return what the word lines get for inputs x.

        Parameters
        ----------
        x : Tensor
            Inputs, as of the torch layer; the DAC is in what is returned.
        """
        driven, unity, full = self.input_converter(x)
        lines = self._with_bias_line(self.lines(driven), unity)
        if self.line_order is not None:
            lines = self.line_order(lines)
        return drives(lines, full, self.input_converter.bits, self.hardware)

    def _reader(self, arrays: ArrayMaps | None, vectors: int, *, passing: bool) -> Reader:
        """Return one read of all arrays for so many vectors, in any parts; in one only if maps are ``passing``."""
        if self.hardware.law.linear:
            source = arrays or self.arrays()
            read = linear_reader(source.passing_strips() if passing else source.strips(), self.places)
            if not self.hardware.cells.noisy_currents:
                return read
            noise = CurrentNoise(source.noise_roots(), self.checked_chip().seed, self.vectors)
            self.vectors += vectors
            return lambda volts: noise.added(read(volts))
        circuits = arrays or self.circuits()
        conductances = circuits.cells() if self._differentiable else None
        tiles = circuits.tiles()
        return nonlinear_reader(tiles, conductances, vectors, training=self.training, threads=self.threads)

    def _decoded(self, currents: Sequence[Tensor], driven: Drives) -> Tensor:
        """Return products (batch, outputs) from what all arrays carry, (pulses * batch, cols) each."""
        wide = driven.weighted(self.output_converter(torch.cat(list(currents), dim=1)))
        if self.compensation != 1.0:
            wide = wide * self.compensation
        return decoded(wide, driven, self.hardware, self.places, self.scales(), self.outputs // self.groups)

    def encode(self, x: Tensor) -> Tensor:
        """Return the volts of all word lines for inputs x: (batch, lines), or (pulses, batch, lines) if bit-serial.

        A convolution's batch is that of its patches. Lines are those of all groups, in their order, or as they are
        arranged; a bias row is the last input of its group.

        Parameters
        ----------
        x : Tensor
            Inputs, as of the torch layer.
        """
        driven = self.drives(_wide(x))
        self._encoded, volts = (x, driven), driven.volts
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
            There are not as many arrays, ``encode`` was not called, or the DAC's range, or what an addend is multiplied
            with, is that of another batch.
        """
        if self._encoded is None:
            raise InputError(f"{self.label} has nothing encoded: call encode(x), whose scale decode needs")
        x, driven = self._encoded
        if volts is not None:
            ranged = self.hardware.dac.range == "batch"
            tied = ranged or self.addend is not None
            if tied and not torch.equal(volts.reshape(-1), driven.volts.reshape(-1)):
                tie = (
                    "DAC has another range for each batch" if ranged else "addend is multiplied with inputs, not volts"
                )
                raise InputError(
                    f"volts are not what {self.label} encoded last, and its {tie}: call encode(x) again before decode"
                )
            driven = Drives(volts.reshape(len(driven.worth), -1, volts.shape[-1]), driven.worth, driven.full)
        if len(currents) != len(self.places):
            raise InputError(f"currents are of {len(currents)} arrays: {self.label} has {len(self.places)}")
        tensors = [torch.as_tensor(part if isinstance(part, Tensor) else np.asarray(part)) for part in currents]
        outputs = self.finished(self._decoded([part.reshape(-1, part.shape[-1]) for part in tensors], driven))
        return outputs if self.addend is None else outputs + self._added_rows(self.addend, x).to(outputs)


def _precise(x: Tensor) -> AbstractContextManager[Any]:
    """Return a context in which numbers keep their types."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)


def _wide(x: Tensor) -> Tensor:
    """Return numbers of half precision in single: currents of 1e-8 A are beyond the half's range."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _rename(state: dict[str, Any], prefix: str, tail: str, new_tail: str) -> None:
    """Give the ranges in a layer's state other names."""
    for name in ("input", "output"):
        if f"{prefix}{name}{tail}" in state:
            state[f"{prefix}{name}{new_tail}"] = state.pop(f"{prefix}{name}{tail}")


def _check_bias_row(layer: CrossbarLayer) -> None:
    full = layer.hardware.dac.range
    if layer.bias_row and layer.hardware.dac.bits is not None and not isinstance(full, str) and full < 1.0:
        raise InputError(
            f"dac.range is {full:g}: a bias row is driven by an input of 1, beyond it; "
            "take a range of at least 1, or leave the bias digital"
        )
