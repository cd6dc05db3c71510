"""How many input vectors each layer's arrays get in a forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from xbarsim.errors import InputError
from xbarsim.nn.calibration import run, undisturbed

Vectors = dict[str, tuple[int, int]]
"""By layers' names: vectors, and bytes of the inputs and outputs of the module around them."""

_SERIES = (nn.RNN, nn.LSTM, nn.GRU)


def vectors_of(model: nn.Module, inputs: Any, *, times: int = 1) -> Vectors:
    """Run a model and return what reaches each of its layers.

    Parameters
    ----------
    model : Module
        As torch has it; on the meta device it is run on shapes alone.
    inputs : tensor, tuple or dict
        A batch, or a part of it.
    times : int
        How many such parts a batch has.

    Raises
    ------
    InputError
        The model does not run on such inputs.
    """
    bare = any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))
    counts: Vectors = {}
    hooks = [module.register_forward_hook(_counter(name or "model", counts)) for name, module in model.named_modules()]
    try:
        with undisturbed(model, []), torch.no_grad():
            run(model, _bare(inputs) if bare else inputs)
    except Exception as error:  # a model is any program
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:150]
        raise InputError(f"the model does not run on such inputs ({reason}): plan for other ones, or without") from None
    finally:
        for hook in hooks:
            hook.remove()
    return {name: (times * count, times * size) for name, (count, size) in counts.items()}


def _counter(name: str, counts: Vectors) -> Callable[..., None]:
    def add(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        size = sum(part.nbytes for part in _tensors((args, output)))
        for layer, vectors in _counts(name, module, args, output).items():
            before = counts.get(layer, (0, 0))
            counts[layer] = before[0] + vectors, max(before[1], size)

    return add


def _counts(name: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> dict[str, int]:
    """Return the vectors of a module's layers by name; of a module that has none, nothing."""
    inside = "" if name == "model" else f"{name}."
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
        return {name: output.numel() // module.weight.shape[0]}
    if isinstance(module, _SERIES):
        data = args[0].data if isinstance(args[0], PackedSequence) else args[0]
        rows = data.numel() // module.input_size
        kinds = [key.removeprefix("weight_") for key, _ in module.named_parameters() if key.startswith("weight_")]
        return {f"{inside}{kind}": rows for kind in kinds}
    if isinstance(module, nn.RNNCellBase):
        rows = args[0].numel() // module.input_size
        return {f"{inside}{kind}": rows for kind in ("ih", "hh")}
    if isinstance(module, nn.MultiheadAttention) and len(args) >= 3:
        rows = [part.numel() // part.shape[-1] for part in args[:3]]
        return {f"{inside}{kind}_proj": count for kind, count in zip("qkv", rows, strict=True)} | {
            f"{inside}out_proj": rows[0]
        }
    return {}


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, PackedSequence):
        return [value.data]
    if isinstance(value, dict):
        value = list(value.values())
    return [part for item in value for part in _tensors(item)] if isinstance(value, tuple | list) else []


def _bare(value: Any) -> Any:
    """Return inputs without numbers."""
    if isinstance(value, Tensor):
        return value.to("meta")
    if isinstance(value, PackedSequence):  # its sizes are numbers that are looked at
        return value._replace(data=value.data.to("meta"))
    if isinstance(value, dict):
        return {name: _bare(part) for name, part in value.items()}
    return tuple(_bare(part) for part in value) if isinstance(value, tuple | list) else value
