"""BatchNorm as part of the layer before it, where it can be told that nothing else sees that layer's output."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import torch
from torch import fx, nn

from xbarsim.nn.following import recorded
from xbarsim.nn.selection import Selection

_PAIRS: tuple[tuple[type[nn.Module], type[nn.Module]], ...] = (
    (nn.Conv1d, nn.BatchNorm1d),
    (nn.Conv2d, nn.BatchNorm2d),
    (nn.Linear, nn.BatchNorm1d),
)


def fold(model: nn.Module, left: Selection) -> None:
    """Fold a model's BatchNorms in place; their places are taken by ``Identity``.

    A model, or a part of it, that can be called with placeholders says what follows what; of others only a plain
    Sequential does. A BatchNorm is folded as it is in ``eval()``, with its running statistics; one in training mode,
    which would normalise by each batch, stays.
    """
    if not _holds_norm(model):
        return
    names = {module: name for name, module in model.named_modules()}
    users = Counter(id(parameter) for _, parameter in model.named_parameters(remove_duplicate=False))
    modes = {module: module.training for module in names}
    model.eval()
    try:
        pairs = list(_pairs(model))
    finally:
        for module, mode in modes.items():
            module.training = mode
    for layer, norm in pairs:
        if norm.training:
            continue
        alone = all(users[id(parameter)] == 1 for parameter in layer.parameters())
        if alone and _fits(layer, norm) and not any(left(names[parameter], parameter) for parameter in (layer, norm)):
            _fold_one(layer, norm)
            _replace(model, norm)


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
def _fold_one(layer: nn.Module, norm: nn.Module) -> None:
    """Scale and shift a layer's outputs: ``(w x + b - mean) gain + shift``, ``gain = weight / sqrt(var + eps)``."""
    assert isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = torch.rsqrt(norm.running_var.double() + norm.eps)
    shift = torch.zeros_like(gain)
    if norm.affine:
        gain, shift = gain * norm.weight.double(), norm.bias.double()
    old = layer.bias.double() if layer.bias is not None else torch.zeros_like(gain)
    bias = ((old - norm.running_mean.double()) * gain + shift).to(layer.weight)
    layer.weight.copy_(layer.weight.double() * gain.reshape(-1, *[1] * (layer.weight.dim() - 1)))
    if layer.bias is None:
        layer.bias = nn.Parameter(bias, layer.weight.requires_grad)
    else:
        layer.bias.copy_(bias)
    if isinstance(layer, nn.Linear):
        layer.batch_only = True  # type: ignore[assignment]


def _replace(model: nn.Module, norm: nn.Module) -> None:
    for module in model.modules():
        for name, child in module._modules.items():
            if child is norm:
                module._modules[name] = nn.Identity().train(norm.training)
