"""A layer's outputs scaled and shifted digitally, by one number or by one an output, and with a digital addend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.arrays import ArrayMaps
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.row_costs import ComparableWeights

DIGITAL = ("gain", "shift", "addend")
_NORM = ("norm_gain", "norm_shift")


class DigitalOutputs(ComparableWeights):
    """Weights on arrays, and what is digital: ``y = gain * product + bias + shift + addend x``.

    Parameters
    ----------
    weight, bias, hardware, bias_row
        As of ``ProgrammedWeights``. A bias that is a row of cells is part of the product.

    Attributes
    ----------
    gain, shift : Tensor or None
        One number for the layer, or one for each output; None: 1 and 0. Set a number or a tensor, and it is fixed; set
        an ``nn.Parameter``, and it is trained.
    addend : Tensor or None
        Of the weight's shape, for the most part 0: weights in a digital memory, multiplied exactly with the layer's
        inputs as they are before any converter; None: 0. A tensor is fixed, a parameter trained.
    norm_gain, norm_shift : Tensor or None
        What a BatchNorm has in gain and shift, one number for each output, as ``normalise`` took them.
    """

    gain: Tensor | None
    shift: Tensor | None
    addend: Tensor | None
    norm_gain: Tensor | None
    norm_shift: Tensor | None

    def __init__(self, weight: Tensor, bias: Tensor | None, hardware: Hardware, *, bias_row: bool = False) -> None:
        super().__init__(weight, bias, hardware, bias_row=bias_row)
        for name in (*DIGITAL, *_NORM):
            self.register_buffer(name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; those that are digital are checked."""
        if name in DIGITAL and "weight" in self.__dict__.get("_parameters", {}):
            value = self._checked(name, value)
            if value is None or not isinstance(value, nn.Parameter):
                # torch refuses to put a tensor where a parameter was.
                self._parameters.pop(name, None)
                self.register_buffer(name, value)
                return
        super().__setattr__(name, value)

    def _checked(self, name: str, value: Any) -> Tensor | None:
        if value is None:
            return None
        try:
            if isinstance(value, nn.Parameter):
                factor: Tensor = value
            elif isinstance(value, Tensor) and value.layout != torch.strided:
                factor = value.detach().to_dense().to(self.weight)
            else:
                factor = torch.as_tensor(value, dtype=self.weight.dtype, device=self.weight.device).detach()
        except (TypeError, ValueError, RuntimeError):
            form = "a tensor of the weight's shape" if name == "addend" else "one number, or one an output"
            raise InputError(f"{name} of {self.label} is {value!r}: give {form}") from None
        shapes = self.digital_shapes(name)
        if tuple(factor.shape) not in shapes:
            form = f"one number, or ({self.outputs},), one an output" if () in shapes else f"the weight's, {shapes[0]}"
            raise InputError(f"{name} of {self.label} has shape {tuple(factor.shape)}: give {form}")
        if factor.layout != torch.strided:
            raise InputError(f"{name} of {self.label} is a sparse parameter: give nn.Parameter(value.to_dense())")
        if not factor.is_floating_point() or not torch.isfinite(factor).all():
            raise InputError(f"{name} of {self.label} must be finite numbers")
        return factor if isinstance(factor, nn.Parameter) else factor.clone()

    def digital_shapes(self, name: str) -> tuple[tuple[int, ...], ...]:
        """Return the shapes that one of ``DIGITAL`` may have.

        Parameters
        ----------
        name : {"gain", "shift", "addend"}
            Which; an addend is of the weight's shape, the others are one number or one for each output.
        """
        return (tuple(self.weight.shape),) if name == "addend" else ((), (1,), (self.outputs,))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *more: Any) -> None:
        """Take what is digital, and a state has and the layer has not yet."""
        for name in DIGITAL:
            if prefix + name in state_dict and getattr(self, name) is None:
                setattr(self, name, state_dict[prefix + name])
        super()._load_from_state_dict(state_dict, prefix, *more)

    def whole_parameters(self) -> tuple[Tensor, Tensor | None]:
        """Return the weight and the bias of all that a layer without converters does, its addend included."""
        weight, bias = self.applied_parameters()
        return weight if self.addend is None else weight + self.addend.to(weight), bias

    def applied_parameters(self, arrays: ArrayMaps | None = None) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias as ``parameters_of`` does, of some arrays or of the layer's, with gain and shift.

        Parameters
        ----------
        arrays : ArrayMaps, optional
            Maps of some state of the arrays; None: what the next forward pass reads.
        """
        weight, bias = self.parameters_of(arrays or self.arrays())
        bias = None if bias is None else bias.to(weight)
        if self.gain is not None:
            gain = self.gain.to(weight)
            weight = weight * gain.reshape(-1, *[1] * (weight.dim() - 1))
            bias = bias * gain if self.bias_row and bias is not None else bias
        if self.shift is not None:
            shift = self.shift.to(weight).expand(self.outputs)
            bias = shift if bias is None else bias + shift
        return weight, bias

    def finished(self, products: Tensor, *, digital_bias: bool = True) -> Tensor:
        """Return outputs from products (batch, outputs); without ``digital_bias`` neither bias nor shift is added.

        Parameters
        ----------
        products : (batch, outputs) tensor
            What comes from the arrays, in the outputs' unit.
        digital_bias : bool
            Whether a bias that is no row of cells, and the shift, are added.
        """
        if self.gain is not None:
            products = products * self.gain.to(products)
        if digital_bias and self.bias is not None and not self.bias_row:
            products = products + self.bias.to(products)
        return products + self.shift.to(products) if digital_bias and self.shift is not None else products

    @torch.no_grad()
    def normalise(self, gain: Tensor, shift: Tensor) -> None:
        """Multiply and shift what the torch layer would return, ``(w x + b) gain + shift``, as a BatchNorm does.

        A digital bias is added as it is, so that the shift has what is missing: ``shift + (gain - 1) bias``.

        Parameters
        ----------
        gain, shift : (outputs,) tensor
            They become the layer's.
        """
        gain, shift = gain.detach(), shift.detach()
        bias = None if self.bias_row else self.bias
        self.norm_gain, self.norm_shift = gain.to(self.weight), shift.to(self.weight)
        self.gain, self.shift = gain, shift if bias is None else shift + (gain - 1.0) * bias.to(gain)

    def normalised(self, outputs: Tensor) -> Tensor:
        """Return a torch layer's outputs after the BatchNorm that is part of this one, if there is one.

        Parameters
        ----------
        outputs : (batch, outputs, ...) tensor
            What the torch layer returns.
        """
        if self.norm_gain is None or self.norm_shift is None:
            return outputs
        shape = (-1, *[1] * (self.weight.dim() - 2))
        return outputs * self.norm_gain.reshape(shape) + self.norm_shift.reshape(shape)

    @torch.no_grad()
    def fit_gain(self, per: str = "layer") -> None:
        """Set the gain for which the effective matrix is nearest to the weights: ``<w, w_eff> / <w_eff, w_eff>``.

        The gain of a BatchNorm that is the layer's stays, multiplied with it.

        Parameters
        ----------
        per : {"layer", "output"}
            One number, or one for each output. An output through which nothing flows keeps 1.

        Raises
        ------
        NotProgrammedError
            There is no chip.
        InputError
            The cells are nonlinear, and have no effective matrix.
        """
        if per not in ("layer", "output"):
            raise InputError(f"per is {per!r}: it must be layer or output")
        if not self.hardware.law.linear:
            raise InputError(
                f"{self.label} has cells of law {self.hardware.law.kind!r} and no effective matrix: set gain yourself"
            )
        ideal = torch.cat([matrix.double() for matrix in self.matrices()], dim=1)
        real = torch.cat([matrix.double() for matrix in self.effective_matrices()], dim=1)
        over, under = (ideal * real).sum(dim=0), (real * real).sum(dim=0)
        if per == "layer":
            over, under = over.sum(), under.sum()
        gain = torch.where(under > 0.0, over / torch.where(under > 0.0, under, 1.0), 1.0)
        gain = gain if self.norm_gain is None else gain * self.norm_gain
        if isinstance(self.gain, nn.Parameter):
            if gain.numel() > self.gain.numel():
                raise InputError(
                    f"gain of {self.label} is one number that is trained: fit one a layer, or set one an output first, "
                    f"gain = nn.Parameter(torch.ones({self.outputs}))"
                )
            self.gain.copy_(gain.to(self.gain).expand(self.gain.shape))
        else:
            self.gain = gain
