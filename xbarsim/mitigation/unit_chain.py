"""Fully connected layers one behind the other, and what is applied to their hidden units on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn.binary import Sign
from xbarsim.nn.following import recorded

_SINGLY = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid,
    nn.LogSigmoid, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink, nn.Softplus,
    nn.Softsign, nn.Threshold, nn.Identity, nn.Dropout, nn.AlphaDropout, Sign,
)  # fmt: skip
"""Activations that do to every unit the same, whatever the others have."""

_FUNCTIONS = (
    torch.relu, torch.tanh, torch.sigmoid, functional.relu, functional.relu6, functional.leaky_relu, functional.elu,
    functional.gelu, functional.silu, functional.tanh, functional.sigmoid, functional.hardtanh, functional.softplus,
    functional.dropout,
)  # fmt: skip
_METHODS = ("relu", "tanh", "sigmoid", "contiguous", "clone")


@dataclass(frozen=True)
class HiddenLayer:
    """A layer whose units nobody sees but the next.

    Attributes
    ----------
    name, after : str
        The layer and the next one, by their names in the network.
    norms : tuple of str
        BatchNorms of its units.
    """

    name: str
    after: str
    norms: tuple[str, ...]


def hidden_layers(model: nn.Module, layers: Sequence[str], label: str) -> list[HiddenLayer]:
    """Return the hidden layers of a chain of fully connected ones, from the input on.

    Parameters
    ----------
    model : nn.Module
        As torch has it.
    layers : sequence of str
        What its layers on crossbars are called.
    label : str
        The method's, for messages.

    Raises
    ------
    InputError
        Some unit may be seen by others than the next layer's, or there is no hidden layer; the message says where.
    """
    way_out = "take a chain of fully connected layers, activations and BatchNorms"
    hidden: list[HiddenLayer] = []
    before: str | None = None
    norms: list[str] = []
    _check_alone(model, label)
    for name, module in _in_order(model, label):
        if name in layers:
            if name == before or any(name in (pair.name, pair.after) for pair in hidden):
                raise InputError(f"{label}: {name!r} is called more than once: {way_out}")
            if before is not None:
                hidden.append(HiddenLayer(before, name, tuple(norms)))
            before, norms = name, []
        elif before is None:
            continue
        elif isinstance(module, nn.BatchNorm1d):
            if name in norms or any(name in pair.norms for pair in hidden):
                raise InputError(f"{label}: {name!r} is called more than once: {way_out}")
            norms.append(name)
        elif not _exchanges_nothing(module) and before != _last(model, layers, label):
            raise InputError(f"{label} cannot tell what {name!r} does to units behind {before!r}: {way_out}")
    missing = [name for name in layers if name not in {before, *(pair.name for pair in hidden)}]
    if missing:
        raise InputError(f"{label} does not find {missing[0]!r} in the network's chain: {way_out}")
    if not hidden:
        raise InputError(f"{label} permutes hidden units, and the network has none: take one of two layers or more")
    return hidden


def _check_alone(model: nn.Module, label: str) -> None:
    """Refuse numbers that two modules share: an order of the one's units would be the other's, too."""
    names: dict[int, str] = {}
    tensors = (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False))
    for name, tensor in tensors:
        if id(tensor) in names:
            raise InputError(f"{label}: {names[id(tensor)]!r} is {name!r}, too: take a network that shares no numbers")
        names[id(tensor)] = name


def _last(model: nn.Module, layers: Sequence[str], label: str) -> str:
    """Return the layer whose outputs are the network's."""
    return [name for name, _ in _in_order(model, label) if name in layers][-1]


def _exchanges_nothing(module: Any) -> bool:
    if isinstance(module, nn.PReLU):
        return module.num_parameters == 1
    # Outputs of such layers are vectors, which it leaves as they are.
    return isinstance(module, _SINGLY) or (isinstance(module, nn.Flatten) and module.start_dim == 1)


def _in_order(model: nn.Module, label: str) -> Iterator[tuple[str, Any]]:
    """Yield what is applied to the input, one after the other: names and modules, "" for a plain function."""
    if not list(model.children()):
        yield "model", model
        return
    if type(model) is nn.Sequential:
        yield from _in_sequence(model, "")
        return
    try:
        graph, _ = recorded(model)
    # A model is any program: what it raises when it is called with placeholders is not known.
    except Exception as error:
        raise InputError(
            f"{label} cannot follow the network ({type(error).__name__}): take a torch.nn.Sequential"
        ) from None
    nodes = [node for node in graph.nodes if node.op not in ("placeholder", "output")]
    for node in nodes:
        sources = [argument for argument in node.all_input_nodes if argument.op != "get_attr"]
        if len(sources) != 1 or len(node.users) != 1:
            raise InputError(f"{label}: the network branches at {node.name!r}: take a chain of layers")
        yield _applied(model, node)


def _applied(model: nn.Module, node: fx.Node) -> tuple[str, Any]:
    if node.op == "call_module":
        return str(node.target), model.get_submodule(str(node.target))
    harmless = node.target in _FUNCTIONS if node.op == "call_function" else node.target in _METHODS
    return "" if harmless else node.name, nn.Identity() if harmless else None


def _in_sequence(model: nn.Sequential, prefix: str) -> Iterator[tuple[str, Any]]:
    # What is there twice has two names.
    for name, child in model.named_modules(remove_duplicate=False):
        if not name or "." in name:
            continue
        path = f"{prefix}{name}"
        if type(child) is nn.Sequential:
            yield from _in_sequence(child, f"{path}.")
        else:
            yield path, child
