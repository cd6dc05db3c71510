"""Fully connected and convolutional layers on crossbars."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.outside import unwatched
from xbarsim.nn.transforms import checked_input, uncompiled


class CrossbarLinear(CrossbarLayer):
    """``torch.nn.Linear`` on crossbars: inputs drive word lines, outputs are read from bit lines."""

    passes_blocks = True

    batch_only = False
    """Whether inputs must be (batch, inputs), as of a BatchNorm that was folded into the weights."""

    @staticmethod
    def of(layer: nn.Linear, hardware: Hardware, *, bias_row: bool = False) -> CrossbarLinear:
        """Return a torch layer's weights on hardware; the chip comes with ``program``.

        Parameters
        ----------
        layer : torch.nn.Linear
            What it takes the place of; it stays as it is.
        hardware : Hardware
            What it runs on.
        bias_row : bool
            Whether the bias is a row of cells; else it is added digitally.
        """
        crossbar = CrossbarLinear(layer.weight, layer.bias, hardware, bias_row=bias_row)
        crossbar.batch_only = getattr(layer, "batch_only", False)
        return crossbar

    @property
    def in_features(self) -> int:
        """Inputs."""
        return self.weight.shape[1]

    @property
    def out_features(self) -> int:
        """Outputs."""
        return self.weight.shape[0]

    def lines(self, x: Tensor) -> Tensor:
        """Return inputs (..., inputs) as (batch, inputs)."""
        return x.reshape(-1, x.shape[-1])

    def shaped(self, flat: Tensor, x: Tensor) -> Tensor:
        """Return (..., outputs) from (batch, outputs)."""
        return flat.reshape(*x.shape[:-1], flat.shape[1])

    def multiplied(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return ``x @ weight.T + bias``."""
        return functional.linear(x, weight, bias)

    @uncompiled
    @unwatched
    def forward(self, input: Tensor) -> Tensor:
        """Return (..., outputs) for inputs (..., inputs); InputError for other inputs.

        Parameters
        ----------
        input : (..., inputs) tensor
            In the weights' units.
        """
        x = checked_input(input, self.weight, self.label)
        if x.dim() == 0 or x.shape[-1] != self.in_features:
            raise InputError(f"{self.label} has {self.in_features} inputs: x has shape {tuple(x.shape)}")
        if self.batch_only and x.dim() != 2:
            raise InputError(
                f"{self.label} holds a BatchNorm of (batch, features), x has shape {tuple(x.shape)}: "
                "convert with fold_batchnorm=False"
            )
        return super().forward(x)

    def to_torch(self) -> nn.Linear:
        """Return a torch layer with the weights as they are now, without any hardware."""
        layer: nn.Linear = with_parameters(
            nn.Linear(self.in_features, self.out_features, bias=self.bias is not None), self
        )
        return layer

    def extra_repr(self) -> str:
        """Return what ``print`` shows."""
        return f"in_features={self.in_features}, out_features={self.out_features}, arrays={len(self.places)}"


class CrossbarConv(CrossbarLayer):
    """Convolutions: a patch of the input drives the word lines; each group has arrays of its own."""

    def __init__(self, layer: Any, hardware: Hardware, *, bias_row: bool = False) -> None:
        self.groups = layer.groups
        super().__init__(layer.weight, layer.bias, hardware, bias_row=bias_row)
        self.stride, self.dilation = tuple(layer.stride), tuple(layer.dilation)
        self.kernel_size = tuple(layer.kernel_size)
        self.padding, self.padding_mode = layer.padding, layer.padding_mode
        self._both_sides: list[int] = list(layer._reversed_padding_repeated_twice)

    @property
    def in_channels(self) -> int:
        """Input channels, of all groups."""
        return self.weight.shape[1] * self.groups

    @property
    def out_channels(self) -> int:
        """Output channels, of all groups."""
        return self.weight.shape[0]

    @property
    def dimensions(self) -> int:
        """1 or 2."""
        return self.weight.dim() - 2

    def multiplied(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return the convolution."""
        convolve: Any = functional.conv2d if self.dimensions == 2 else functional.conv1d
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            x, padding = functional.pad(x, self._both_sides, mode=self.padding_mode), 0
        outputs: Tensor = convolve(x, weight, bias, self.stride, padding, self.dilation, self.groups)
        return outputs

    @uncompiled
    @unwatched
    def forward(self, input: Tensor) -> Tensor:
        """Return the torch layer's outputs, or InputError for other channels.

        Parameters
        ----------
        input : (batch, channels, length) or (batch, channels, height, width) tensor
            Or without the batch, as the torch layer takes them.
        """
        x = checked_input(input, self.weight, self.label)
        channels = self.in_channels
        if x.dim() not in (self.dimensions + 1, self.dimensions + 2) or x.shape[-self.dimensions - 1] != channels:
            raise InputError(f"{self.label} has {channels} input channels: x has shape {tuple(x.shape)}")
        return super().forward(x)

    def lines(self, x: Tensor) -> Tensor:
        """Return the patches, (batch * positions, channels * kernel)."""
        patches = functional.unfold(
            self._padded(x), self._wide(self.kernel_size), self._wide(self.dilation), 0, self._wide(self.stride)
        )
        return patches.transpose(1, 2).reshape(-1, patches.shape[1])

    def shaped(self, flat: Tensor, x: Tensor) -> Tensor:
        """Return ``(batch, outputs, *sizes)`` from (batch * positions, outputs)."""
        batched = x if x.dim() == self.dimensions + 2 else x[None]
        sizes = []
        for k, size in enumerate(batched.shape[2:]):
            before, after = self._both_sides[2 * (self.dimensions - 1 - k) :][:2]
            reach = self.dilation[k] * (self.kernel_size[k] - 1) + 1
            sizes.append((size + before + after - reach) // self.stride[k] + 1)
        outputs = flat.shape[1]
        maps = flat.reshape(len(batched), math.prod(sizes), outputs).transpose(1, 2)
        maps = maps.reshape(len(batched), outputs, *sizes)
        return maps if batched is x else maps[0]

    def _padded(self, x: Tensor) -> Tensor:
        """Return inputs with their padding, (batch, channels, height, width)."""
        batched = x if x.dim() == self.dimensions + 2 else x[None]
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = functional.pad(batched, self._both_sides, mode=mode)
        return padded if self.dimensions == 2 else padded[:, :, None]

    def _wide(self, value: tuple[int, ...]) -> tuple[int, ...]:
        return value if self.dimensions == 2 else (1, *value)

    def to_torch(self) -> nn.Module:
        """Return a torch layer with the weights as they are now, without any hardware."""
        outputs, inputs = self.out_channels, self.in_channels
        kind: Any = nn.Conv2d if self.dimensions == 2 else nn.Conv1d
        layer = kind(
            inputs, outputs, self.kernel_size, self.stride, self.padding, self.dilation, self.groups,
            self.bias is not None, self.padding_mode,
        )  # fmt: skip
        plain: nn.Module = with_parameters(layer, self)
        return plain

    def extra_repr(self) -> str:
        """Return what ``print`` shows."""
        inputs, outputs = self.in_channels, self.out_channels
        return f"{inputs}, {outputs}, kernel_size={self.kernel_size}, groups={self.groups}, arrays={len(self.places)}"


class CrossbarConv1d(CrossbarConv):
    """``torch.nn.Conv1d`` on crossbars.

    Parameters
    ----------
    layer : nn.Conv1d
        What it takes the place of; it stays as it is.
    hardware, bias_row
        As of ``CrossbarLinear``.
    """


class CrossbarConv2d(CrossbarConv):
    """``torch.nn.Conv2d`` on crossbars.

    Parameters
    ----------
    layer : nn.Conv2d
        What it takes the place of; it stays as it is.
    hardware, bias_row
        As of ``CrossbarLinear``.
    """


def with_parameters(layer: Any, source: CrossbarLayer) -> Any:
    """Give a torch layer a crossbar layer's parameters, type and mode.

    Parameters
    ----------
    layer : torch module
        With a weight, and a bias if ``source`` has one, of the same shapes; it is changed.
    source : CrossbarLayer
        Whose they are.
    """
    layer = layer.to(source.weight)
    with torch.no_grad():
        layer.weight.copy_(source.weight)
        layer.weight.requires_grad_(source.weight.requires_grad)
        if source.bias is not None:
            layer.bias.copy_(source.bias)
            layer.bias.requires_grad_(source.bias.requires_grad)
    return layer.train(source.training)
