"""Weights that training leaves alone.

A gradient of 0 does not hold a weight: moments of earlier steps, momentum and decay move it all the same. Masked
weights are put back after each step instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError


@dataclass(frozen=True, eq=False)
class WeightMask:
    """Which weights of a network are fixed, and at what values.

    Attributes
    ----------
    masks : mapping of str to bool tensor
        By the names of ``model.named_parameters()``, True where a weight is fixed; of the parameter's shape.
    values : mapping of str to tensor
        Of the same names and shapes, what fixed weights are; the numbers elsewhere do not count.

    Raises
    ------
    InputError
        A mask is no bool tensor, or the values are not of its name and shape.
    """

    masks: Mapping[str, Tensor]
    values: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        if set(self.masks) != set(self.values):
            names = sorted(set(self.masks) ^ set(self.values))
            raise InputError(f"masks and values are of other parameters: {', '.join(names)} is in one of them alone")
        for name, mask in self.masks.items():
            if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
                raise InputError(f"the mask of {name!r} is {_kind(mask)}: it must be a tensor of bool")
            values = self.values[name]
            if not isinstance(values, Tensor) or values.shape != mask.shape:
                raise InputError(f"the values of {name!r} are {_kind(values)}: they must be {tuple(mask.shape)}")
        # What a step changes are the very tensors that values may be of.
        for label in ("masks", "values"):
            tensors: Mapping[str, Tensor] = getattr(self, label)
            copies = {name: tensor.detach().clone() for name, tensor in tensors.items()}
            object.__setattr__(self, label, copies)

    @classmethod
    def of(cls, model: nn.Module, masks: Mapping[str, Tensor]) -> WeightMask:
        """Return what fixes weights of a network at what they are now.

        Parameters
        ----------
        model : Module
            Whose parameters they are.
        masks : mapping of str to bool tensor
            As the attribute.

        Raises
        ------
        InputError
            A name is no parameter's, or a mask is no bool tensor of its shape.
        """
        return cls(masks, {name: _parameter(model, name) for name in masks})

    def after_step(self, model: nn.Module) -> None:
        """Put fixed weights back, bit for bit; all others stay as the step left them.

        It is what ``Training`` takes as ``after_step``, and goes behind ``optimiser.step()`` of any other loop.

        Parameters
        ----------
        model : Module
            The network of the masks' names, or a copy of it; its parameters are changed.

        Raises
        ------
        InputError
            The network has no such parameter, or one of another shape.
        """
        parameters = {name: _parameter(model, name) for name in self.masks}
        for name, parameter in parameters.items():
            if parameter.shape != self.masks[name].shape:
                shapes = tuple(parameter.shape), tuple(self.masks[name].shape)
                raise InputError(f"parameter {name!r} has shape {shapes[0]}: its mask is {shapes[1]}")
        with torch.no_grad():
            for name, parameter in parameters.items():
                mask = self.masks[name].to(parameter.device)
                parameter[mask] = self.values[name].to(parameter)[mask]


def _parameter(model: nn.Module, name: str) -> nn.Parameter:
    parameters = dict(model.named_parameters(remove_duplicate=False))
    if name not in parameters:
        raise InputError(f"there is no parameter {name!r}: the network has {', '.join(list(parameters)[:6])}, ...")
    return parameters[name]


def _kind(value: object) -> str:
    return f"{value.dtype} of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
