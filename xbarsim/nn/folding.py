"""BatchNorm as part of the layer before it, where it can be told that nothing else sees that layer's output.

It goes into the layer's weights, or stays beside them: as a gain and a shift of its outputs, which are digital.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Self

import torch
from torch import Tensor, fx, nn

from xbarsim.nn.following import recorded
from xbarsim.nn.selection import Selection

_PAIRS: tuple[tuple[type[nn.Module], type[nn.Module]], ...] = (
    (nn.Conv1d, nn.BatchNorm1d),
    (nn.Conv2d, nn.BatchNorm2d),
    (nn.Linear, nn.BatchNorm1d),
)


class MovedNorm(nn.Identity):
    """Stands where a BatchNorm was that is a layer's gain and shift now.

    The BatchNorm is none of its modules and parameters, as nothing calls it; it follows types and devices, is in the
    state, and comes back with ``to_torch``.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.__dict__["norm"] = norm
        self.train(norm.training)

    def to_torch(self) -> nn.Module:
        """Return the BatchNorm, in the mode that the network is in."""
        norm: nn.Module = self.__dict__["norm"]
        return norm.train(self.training)

    def get_extra_state(self) -> dict[str, Any]:
        """Return the BatchNorm's state."""
        state: dict[str, Any] = self.__dict__["norm"].state_dict()
        return state

    def set_extra_state(self, state: Mapping[str, Any]) -> None:
        """Take a BatchNorm's state."""
        self.__dict__["norm"].load_state_dict(state)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self.__dict__["norm"]._apply(fn, recurse)
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def fold(
    model: nn.Module, left: Selection, *, into: Literal["weights", "outputs"] = "weights"
) -> dict[str, tuple[Tensor, Tensor]]:
    """Fold a model's BatchNorms in place; their places are taken by ``Identity``, or by ``MovedNorm``.

    A model, or a part of it, that can be called with placeholders says what follows what; of others only a plain
    Sequential does. A BatchNorm is folded as it is in ``eval()``, with its running statistics; one in training mode,
    which would normalise by each batch, stays.

    Parameters
    ----------
    model : Module
        Changed in place.
    left : Selection
        What is left digital.
    into : {"weights", "outputs"}
        Whether weights and biases take what a BatchNorm does, or stay what they are.

    Returns
    -------
    dict of str to (gain, shift)
        By the name of the layer before, what is to be done with its outputs, one number each for each of them; nothing
        of those that weights took.
    """
    if not _holds_norm(model):
        return {}
    names = {module: name for name, module in model.named_modules()}
    users = Counter(id(parameter) for _, parameter in model.named_parameters(remove_duplicate=False))
    modes = {module: module.training for module in names}
    model.eval()
    try:
        pairs = list(_pairs(model))
    finally:
        for module, mode in modes.items():
            module.training = mode
    outputs: dict[str, tuple[Tensor, Tensor]] = {}
    for layer, norm in pairs:
        if norm.training:
            continue
        alone = all(users[id(parameter)] == 1 for parameter in layer.parameters())
        if not alone or not _fits(layer, norm) or any(left(names[part], part) for part in (layer, norm)):
            continue
        if isinstance(layer, nn.Linear):
            layer.batch_only = True  # type: ignore[assignment]
        if into == "outputs":
            gain, mean, bias = _numbers(norm)
            outputs[names[layer]] = gain, bias - mean * gain
            _replace(model, norm, MovedNorm(norm))
        else:
            _fold_one(layer, norm)
            _replace(model, norm, nn.Identity().train(norm.training))
    return outputs


def _pairs(module: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    """Return (layer, norm) where the norm is all that sees the layer's output."""
    if not _holds_norm(module):
        return
    try:
        graph, handed_over = recorded(module)
    # A model is any program: what it raises when it is called with placeholders is not known.
    except Exception:
        if type(module) is nn.Sequential:
            yield from _in_sequence(module)
        for child in module.children():
            yield from _pairs(child)
        return
    calls = Counter(node.target for node in graph.nodes if node.op == "call_module")
    for node in graph.nodes:
        before = node.args[0] if node.op == "call_module" and len(node.args) == 1 and not node.kwargs else None
        if isinstance(before, fx.Node) and before.op == "call_module" and len(before.users) == 1:
            targets = (str(before.target), str(node.target))
            pair = module.get_submodule(targets[0]), module.get_submodule(targets[1])
            free = not any(id(parameter) in handed_over for part in pair for parameter in part.parameters())
            if free and all(calls[parameter] == 1 for parameter in targets):
                yield pair


def _holds_norm(module: nn.Module) -> bool:
    """Return whether there is anything to fold at all."""
    kinds = tuple(norm for _, norm in _PAIRS)
    return any(isinstance(child, kinds) for child in module.modules())


def _in_sequence(module: nn.Sequential) -> Iterator[tuple[nn.Module, nn.Module]]:
    inside = Counter(id(child) for child in module)
    for layer, norm in itertools.pairwise(module):
        if inside[id(layer)] == inside[id(norm)] == 1:
            yield layer, norm


def _fits(layer: nn.Module, norm: nn.Module) -> bool:
    """Return whether a norm is of a layer's outputs, with statistics, and nobody looks between the two."""
    if not any(type(layer) is layer_kind and type(norm) is norm_kind for layer_kind, norm_kind in _PAIRS):
        return False
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    hooks = any(
        (*layer_kind._forward_hooks.values(), *layer_kind._forward_pre_hooks.values()) for layer_kind in (layer, norm)
    )
    outputs = getattr(layer, "weight", torch.empty(0)).shape[0]
    return norm.running_mean is not None and norm.num_features == outputs and not hooks


@torch.no_grad()
def _numbers(norm: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """Return gain, mean and bias, in double precision, of what a BatchNorm does in ``eval()``.

    It is ``(y - mean) gain + bias`` with ``gain = weight / sqrt(var + eps)``.
    """
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = torch.rsqrt(norm.running_var.double() + norm.eps)
    mean, bias = norm.running_mean.double(), torch.zeros_like(gain)
    if norm.affine:
        gain, bias = gain * norm.weight.double(), norm.bias.detach().double()
    return gain, mean, bias


@torch.no_grad()
def _fold_one(layer: nn.Module, norm: nn.Module) -> None:
    """Put what a BatchNorm does into a layer's weights and bias."""
    assert isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d)
    gain, mean, shift = _numbers(norm)
    old = layer.bias.double() if layer.bias is not None else torch.zeros_like(gain)
    bias = ((old - mean) * gain + shift).to(layer.weight)
    layer.weight.copy_(layer.weight.double() * gain.reshape(-1, *[1] * (layer.weight.dim() - 1)))
    if layer.bias is None:
        layer.bias = nn.Parameter(bias, layer.weight.requires_grad)
    else:
        layer.bias.copy_(bias)


def _replace(model: nn.Module, norm: nn.Module, place: nn.Module) -> None:
    for module in model.modules():
        for name, child in module._modules.items():
            if child is norm:
                module._modules[name] = place
