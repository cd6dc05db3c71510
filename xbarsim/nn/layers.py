"""What every layer on crossbars shares: products through its arrays, and the ranges of its converters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.nn.gain import DigitalOutputs
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.outside import paused
from xbarsim.nn.products import Drives, decoded, digital, drives, reader
from xbarsim.nn.ranges import UNSEEN
from xbarsim.nn.transforms import in_gradient_transform
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

    input_range: Tensor
    output_range: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__(weight, bias, hardware, bias_row=bias_row)
        _see_bias_row(self)
        self.observing: str | None = None
        columns = sum(place.shape[1] for place in self.places)
        for name, shape in (("input_range", ()), ("output_range", (columns,))):
            self.register_buffer(name, torch.full(shape, UNSEEN, dtype=torch.float64, device=weight.device))
        self._given: Drives | None = None

    def program(self, seed: int = 0, *, chip: Chip | None = None, time: float | None = None) -> Self:
        """Put the weights on a chip, which has no ranges of converters yet: they are another chip's.

        Parameters
        ----------
        seed, chip, time
            As of ``ProgrammedWeights``.
        """
        super().program(seed, chip=chip, time=time)
        with torch.inference_mode(False):
            self.input_range = torch.full_like(self.input_range, UNSEEN)
            self.output_range = torch.full_like(self.output_range, UNSEEN)
        return self

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

    # Products.

    @property
    def direct(self) -> bool:
        """Whether outputs are one product with an effective matrix: linear cells, no converters behind the arrays."""
        return self.hardware.law.kind == "linear" and self.hardware.adc.bits is None and self.observing is None

    def read_once(self) -> None:
        """Make what the next forward pass multiplies by, of linear cells."""
        if self.direct:
            self.effective_parameters()
        else:
            self.strips()

    @property
    def exact(self) -> bool:
        """Whether no converter stands before the arrays either, and nobody waits for the layer's own call."""
        return self.direct and self.hardware.dac.bits is None and not self._forward_hooks

    def forward(self, input: Tensor) -> Tensor:
        """Return what the torch layer returns, through the arrays."""
        return self.computed(input, digital_bias=True)

    def checked_input(self, x: Any) -> Tensor:
        """Return a layer's inputs.

        Raises
        ------
        InputError
            They are no numbers that can be driven: of a whole type, of the meta device, or in the hands of a tracer or
            a transform that would keep a circuit's answer as a constant.
        """
        if not isinstance(x, Tensor):
            raise InputError(f"x is {type(x).__name__}: {self.label} takes a tensor")
        if not x.is_floating_point():
            raise InputError(
                f"x is {x.dtype}: {self.label} is driven by {self.weight.dtype}, give x.to({self.weight.dtype})"
            )
        if x.is_meta or self.weight.is_meta:
            raise InputError(f"{self.label} is on the meta device: a circuit needs numbers, move it and x to cpu")
        if torch._C._get_tracing_state() is not None or torch.compiler.is_exporting():
            raise InputError(
                f"{self.label} cannot be traced or exported: a circuit is solved outside of torch. "
                "Trace to_torch(), or leave it digital"
            )
        if in_gradient_transform():
            raise InputError(
                f"{self.label} has no gradient for torch.func, whose tensors hold no numbers: take backward(), or "
                "torch.autograd.functional"
            )
        return x

    def computed(self, x: Tensor, *, digital_bias: bool) -> Tensor:
        """Return the outputs, with or without a bias that is not a row of cells."""
        self._programmed()
        if not self.reached:
            self.reached = True
        with paused():
            return self._through_arrays(x, digital_bias)

    def _through_arrays(self, x: Tensor, digital_bias: bool) -> Tensor:
        if self.direct:
            weight, bias = self.once("parameters", self.applied_parameters)
            if self.hardware.dac.bits is not None:
                driven, one, _ = digital(self, _wide(x))
                x = driven.to(x)
                if self.bias_row and bias is not None:
                    # The shift is digital, and not driven.
                    own = 0.0 if self.shift is None else self.shift.to(bias)
                    bias = (bias - own) * one.to(bias) + own
            return self.multiplied(x, weight, bias if digital_bias or self.bias_row else None)
        with nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False):
            given = drives(self, _wide(x))
            parts = given.parts(given.volts.shape[1] if self.hardware.adc.range == "batch" else _TOGETHER)
            read = self.once("reader", lambda: reader(self))
            found = torch.cat([decoded(self, read(one.volts.flatten(0, 1)), one) for one in parts])
        return self.shaped(self.finished(found, digital_bias=digital_bias), x).to(x)

    def encode(self, x: Tensor) -> Tensor:
        """Return the volts of all word lines for inputs x: (batch, lines), or (pulses, batch, lines) if bit-serial.

        A convolution's batch is that of its patches. Lines are those of all groups, in their order; a bias row is the
        last of its group.
        """
        self._given = drives(self, _wide(x))
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
            There are not as many arrays, ``encode`` was not called, or the DAC's range is that of another batch.
        """
        given = self._given
        if given is None:
            raise InputError(f"{self.label} has nothing encoded: call encode(x), whose scale decode needs")
        if volts is not None:
            if self.hardware.dac.range == "batch" and not torch.equal(volts.reshape(-1), given.volts.reshape(-1)):
                raise InputError(
                    f"volts are not what {self.label} encoded last, and its DAC has another range for each batch: "
                    "call encode(x) again before decode"
                )
            given = Drives(volts.reshape(len(given.worth), -1, volts.shape[-1]), given.worth, given.full)
        if len(currents) != len(self.places):
            raise InputError(f"currents are of {len(currents)} arrays: {self.label} has {len(self.places)}")
        found = [torch.as_tensor(np.asarray(one) if not isinstance(one, Tensor) else one) for one in currents]
        flat = [one.reshape(-1, one.shape[-1]) for one in found]
        return self.finished(decoded(self, flat, given))


def _wide(x: Tensor) -> Tensor:
    """Return numbers of half precision in single: currents of 1e-8 A are beyond the half's range."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _see_bias_row(layer: CrossbarLayer) -> None:
    full = layer.hardware.dac.range
    if layer.bias_row and layer.hardware.dac.bits is not None and not isinstance(full, str) and full < 1.0:
        raise InputError(
            f"dac.range is {full:g}: a bias row is driven by an input of 1, beyond it; "
            "take a range of at least 1, or leave the bias digital"
        )
