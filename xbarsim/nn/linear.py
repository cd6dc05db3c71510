"""Fully connected and convolutional layers on crossbars."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer


class CrossbarLinear(CrossbarLayer):
    """``torch.nn.Linear`` on crossbars: inputs drive word lines, outputs are read from bit lines."""

    @staticmethod
    def of(layer: nn.Linear, hardware: Hardware, *, bias_row: bool = False) -> CrossbarLinear:
        """Return a torch layer's weights on hardware; the chip comes with ``program``."""
        return CrossbarLinear(layer.weight, layer.bias, hardware, bias_row=bias_row)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., outputs) for inputs (..., inputs)."""
        if self.direct and not self.bias_row and self.chip is not None:
            return functional.linear(self._digital(x), self.effective_matrices()[0].T, self.bias)
        flat = x.reshape(-1, x.shape[-1])
        found = self.product(flat)
        if self.bias is not None and not self.bias_row:
            found = found + self.bias
        return found.reshape(*x.shape[:-1], found.shape[1])

    def to_torch(self) -> nn.Linear:
        """Return a torch layer with the weights as they are now, without any hardware."""
        outputs, inputs = self.weight.shape
        layer = nn.Linear(inputs, outputs, bias=self.bias is not None)
        return _with_parameters(layer, self)


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
    def dimensions(self) -> int:
        """1 or 2."""
        return self.weight.dim() - 2

    def matrices(self) -> list[Tensor]:
        """Weights (inputs, outputs) of each group."""
        flat = self.weight.reshape(self.weight.shape[0], -1)
        biases = [None] * self.groups if self.bias is None else list(self.bias.chunk(self.groups))
        return [
            self._with_bias(part.T, bias) for part, bias in zip(flat.chunk(self.groups), biases, strict=True)
        ]

    def forward(self, x: Tensor) -> Tensor:
        """Return what the torch layer returns, through the arrays."""
        if self.direct and not self.bias_row and self.chip is not None:
            weight = torch.cat([one.T for one in self.effective_matrices()]).reshape(self.weight.shape)
            return self._convolved(self._digital(x), weight)
        batched = x.dim() == self.dimensions + 2
        found = self._by_patches(x if batched else x[None])
        return found if batched else found[0]

    def _convolved(self, x: Tensor, weight: Tensor) -> Tensor:
        convolve: Any = functional.conv2d if self.dimensions == 2 else functional.conv1d
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            x, padding = functional.pad(x, self._both_sides, mode=self.padding_mode), 0
        found: Tensor = convolve(x, weight, self.bias, self.stride, padding, self.dilation, self.groups)
        return found

    def _by_patches(self, x: Tensor) -> Tensor:
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        x = functional.pad(x, self._both_sides, mode=mode)
        kernel, stride, dilation = self.kernel_size, self.stride, self.dilation
        if self.dimensions == 1:
            x, kernel, stride, dilation = x[:, :, None], (1, *kernel), (1, *stride), (1, *dilation)
        sizes = [
            (size - step * (width - 1) - 1) // hop + 1
            for size, width, hop, step in zip(x.shape[2:], kernel, stride, dilation, strict=True)
        ]
        patches = functional.unfold(x, kernel, dilation, 0, stride)
        count = patches.shape[2]
        parts = patches.transpose(1, 2).reshape(-1, patches.shape[1]).chunk(self.groups, dim=1)
        found = torch.cat([self.product(part, group) for group, part in enumerate(parts)], dim=1)
        if self.bias is not None and not self.bias_row:
            found = found + self.bias
        found = found.reshape(x.shape[0], count, -1).transpose(1, 2)
        return found.reshape(x.shape[0], -1, *(sizes if self.dimensions == 2 else sizes[1:]))

    def to_torch(self) -> nn.Module:
        """Return a torch layer with the weights as they are now, without any hardware."""
        outputs, inputs = self.weight.shape[0], self.weight.shape[1] * self.groups
        kind: Any = nn.Conv2d if self.dimensions == 2 else nn.Conv1d
        layer = kind(
            inputs, outputs, self.kernel_size, self.stride, self.padding, self.dilation, self.groups,
            self.bias is not None, self.padding_mode,
        )  # fmt: skip
        found: nn.Module = _with_parameters(layer, self)
        return found


class CrossbarConv1d(CrossbarConv):
    """``torch.nn.Conv1d`` on crossbars."""


class CrossbarConv2d(CrossbarConv):
    """``torch.nn.Conv2d`` on crossbars."""


def _with_parameters(layer: Any, source: CrossbarLayer) -> Any:
    layer = layer.to(source.weight)
    with torch.no_grad():
        layer.weight.copy_(source.weight)
        if source.bias is not None:
            layer.bias.copy_(source.bias)
    return layer.train(source.training)


