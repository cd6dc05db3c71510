"""A weight and a bias as matrices on arrays."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.observers import DoubleBuffers
from xbarsim.nn.planes import largest
from xbarsim.nn.tile_places import LineOrder, Place, layout


class MappedWeights(DoubleBuffers):
    """A weight and a bias, and where on arrays they lie.

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
    places : tuple of Place
        What each array holds.
    line_order : LineOrder or None
        Which input each word line has; None: they are in order.
    scale : Tensor
        The weight that the largest conductance stands for, where it does not move with the weights.
    headroom : float
        That weight over the largest of the layer (or of its output): above 1 conductances stay below the largest.
    name : str
        What messages call the layer.
    """

    scale: Tensor
    groups = 1
    wide_buffers = ("scale",)

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__()
        for name, tensor in (("weight", weight), ("bias", bias)):
            if tensor is not None and tensor.numel() == 0:
                shape = tuple(tensor.shape)
                raise InputError(f"{name} has shape {shape}: a layer on crossbars needs at least one weight")
        self.weight = nn.Parameter(weight.detach().clone(), weight.requires_grad)
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone(), bias.requires_grad)
        self.bias_row = bias_row and bias is not None
        self.name = ""
        self.headroom = 1.0
        self._arrangement: Arrangement | None = None
        self.hardware = hardware
        self.check_finite()
        scales = weight.shape[0] if hardware.mapping.per == "column" else 1
        self.register_buffer("scale", torch.ones(scales, dtype=torch.float64, device=weight.device))

    @property
    def hardware(self) -> Hardware:
        """What the layer runs on."""
        return self._hardware

    @hardware.setter
    def hardware(self, hardware: Hardware) -> None:
        self._check_hardware(hardware)
        before = getattr(self, "_hardware", hardware)
        self._hardware = hardware
        try:
            self._lay_out()
        except InputError:
            self._hardware = before
            raise

    def _check_hardware(self, hardware: Hardware) -> None:
        """Refuse hardware that does not go with what the layer holds."""

    def _lay_out(self) -> None:
        """Cut the matrices into arrays."""
        self.places = self.places_for(self._arrangement)
        self.line_order = LineOrder.of(self.places, self.weight[0].numel() + self.bias_row)

    def places_for(self, arrangement: Arrangement | None) -> tuple[Place, ...]:
        """Return what each array holds if lines are in some order.

        Parameters
        ----------
        arrangement : Arrangement or None
            Which line is where; None: in their own order.

        Raises
        ------
        InputError
            The arrangement is not of this layer's lines.
        """
        inputs, outputs = self.weight[0].numel() + self.bias_row, self.weight.shape[0] // self.groups
        return layout([(inputs, outputs)] * self.groups, self.hardware, arrangement)

    @property
    def outputs(self) -> int:
        """How many, of all groups."""
        return self.weight.shape[0]

    @property
    def label(self) -> str:
        """What messages call the layer."""
        return f"layer {self.name!r}" if self.name else "the layer"

    def matrices(self) -> list[Tensor]:
        """Return weights as matrices (inputs, outputs), one for each group; the last row is the bias if it is a row."""
        flat = self.weight.reshape(self.weight.shape[0], -1)
        matrices = [part.T for part in flat.chunk(self.groups)]
        if not self.bias_row or self.bias is None:
            return matrices
        biases = self.bias.chunk(self.groups)
        return [torch.cat([matrix, bias[None]]) for matrix, bias in zip(matrices, biases, strict=True)]

    @property
    def scale_moves(self) -> bool:
        """Whether the scale is that of the weights as they are now, whatever they become."""
        return self.hardware.mapping.scale == "dynamic"

    def scales(self) -> list[Tensor]:
        """Return the weight that the largest conductance stands for, (1, 1) or (1, outputs) for each group."""
        whole = self._present_scale() if self.scale_moves else self.scale
        parts = whole.chunk(self.groups) if self.hardware.mapping.per == "column" else [whole] * self.groups
        return [part.reshape(1, -1) for part in parts]

    def _present_scale(self) -> Tensor:
        """Return the scale that the weights as they are would have."""
        return largest(self.matrices(), self.hardware).double() * self.headroom

    def check_finite(self) -> None:
        """Raise InputError where weights or biases are not finite."""
        for name, tensor in (("weight", self.weight), ("bias", self.bias)):
            if tensor is None or tensor.is_meta:
                continue
            # What is not finite, or no number, is the least or the largest; no mask of the weights' size is made.
            if not torch.isfinite(torch.stack(tensor.detach().aminmax())).all():
                raise InputError(f"{name} of {self.label} has entries that are not finite")
