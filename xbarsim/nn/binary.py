"""Binarised networks (BinaryNet): weights and activations of +1 and -1, trained with a straight-through estimator.

M. Courbariaux, I. Hubara, D. Soudry, R. El-Yaniv, Y. Bengio, "BinaryNet", arXiv:1602.02830. A weight is the sign of a
real one that training moves and keeps within -1 .. 1; the sign's gradient is taken as 1 there and 0 beyond. On a
crossbar each weight is one LRS and one HRS cell (``differential``), or one cell against a reference column.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        gradient: Tensor = gradients[0] * (x.abs() <= 1.0)
        return gradient


def sign(x: Tensor) -> Tensor:
    """Return +1 where x >= 0 and -1 elsewhere; its gradient is 1 where ``|x| <= 1`` and 0 beyond."""
    signs: Tensor = _Sign.apply(x)  # type: ignore[no-untyped-call]
    return signs


class Sign(nn.Module):
    """``sign`` as an activation."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the signs."""
        return sign(x)


class SignOf(nn.Module):
    """A weight as the sign of a real one, for ``torch.nn.utils.parametrize``."""

    def forward(self, latent: Tensor) -> Tensor:
        """Return the signs of the real weights."""
        return sign(latent)

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return real weights whose signs are asked for."""
        return weight


def binarised(layer: Layer) -> Layer:
    """Make a layer's weights the signs of real ones, in place; ``layer.weight`` is +1 and -1 from then on."""
    parametrize.register_parametrization(layer, "weight", SignOf())
    return layer


def is_binary(model: nn.Module) -> bool:
    """Tell whether some layer's weights are signs."""
    return any(isinstance(child, SignOf) for child in model.modules())


def clip_latent(model: nn.Module) -> None:
    """Bring the real weights behind signs back to -1 .. 1, after a step of training."""
    with torch.no_grad():
        for module in model.modules():
            if _has_signs(module):
                latent: Any = module.parametrizations
                latent.weight.original.clamp_(-1.0, 1.0)


def plain(model: nn.Module) -> nn.Module:
    """Return a copy with ordinary layers, whose weights are +1 and -1 where they were signs."""
    copied = copy.deepcopy(model)
    for module in list(copied.modules()):
        for name, child in module.named_children():
            if _has_signs(child):
                module._modules[name] = _ordinary(child)
    return _ordinary(copied) if _has_signs(copied) else copied


def _ordinary(layer: nn.Module) -> nn.Module:
    """Return the layer as it was before it was binarised, with signs for weights.

    Not by ``remove_parametrizations``: it takes the weight from the class, which copies share, and so from all of them.
    """
    kind: Any = parametrize.type_before_parametrizations(layer)
    signs: Any = layer.weight
    parameters = {"weight": nn.Parameter(signs.detach().clone()), **layer._parameters}
    copy: nn.Module = kind.__new__(kind)
    copy.__dict__ = {**layer.__dict__, "_parameters": parameters, "_modules": {}}
    return copy


def _has_signs(module: nn.Module) -> bool:
    if not parametrize.is_parametrized(module, "weight"):
        return False
    steps: Any = module.parametrizations
    return any(isinstance(step, SignOf) for step in steps.weight)
