"""Which torch modules go onto crossbars, which have no weight matrix, and which are refused."""

from __future__ import annotations

from typing import Any

from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn.attention import CrossbarAttention
from xbarsim.nn.feedforward import CrossbarConv1d, CrossbarConv2d, CrossbarLinear
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.recurrent import CrossbarCell, CrossbarRecurrent
from xbarsim.nn.selection import plain_tensors

_PLAIN: dict[type[nn.Module], Any] = {
    nn.Linear: CrossbarLinear.of,
    nn.Conv1d: CrossbarConv1d,
    nn.Conv2d: CrossbarConv2d,
    nn.RNN: CrossbarRecurrent,
    nn.LSTM: CrossbarRecurrent,
    nn.GRU: CrossbarRecurrent,
    nn.RNNCell: CrossbarCell,
    nn.LSTMCell: CrossbarCell,
    nn.GRUCell: CrossbarCell,
    nn.MultiheadAttention: CrossbarAttention,
}

_MATRIX_FREE: tuple[type[nn.Module], ...] = (
    nn.Embedding, nn.EmbeddingBag, nn.LayerNorm, nn.GroupNorm, nn.PReLU,
    nn.modules.batchnorm._NormBase, nn.LocalResponseNorm,
)  # fmt: skip
"""Their weights scale, shift or are looked up; they stay digital."""

_HOOKS = (
    "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
    "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs",
)  # fmt: skip


def supported(module: nn.Module) -> type[nn.Module] | None:
    """Return the torch class as which a module goes onto crossbars, or None if it does not.

    A subclass counts if it computes what its base does; so does ``NonDynamicallyQuantizableLinear``.
    """
    for kind in _PLAIN:
        if isinstance(module, kind) and all(
            getattr(type(module), name, None) is getattr(kind, name, None) for name in ("forward", "_conv_forward")
        ):
            return kind
    return None


def on_crossbars(
    name: str, module: nn.Module, hardware: Hardware, *, bias_row: bool, shapes_only: bool = False
) -> nn.Module:
    """Return the layer that takes a supported module's place; it keeps the module's own parameters.

    Parameters
    ----------
    name, module, hardware, bias_row
        What it is, and on what.
    shapes_only : bool
        Whether parameters may be without numbers, on the meta device.

    Raises
    ------
    InputError
        The module's weights are empty, not finite, not made yet or computed from others.
    """
    kind = supported(module)
    assert kind is not None
    _check_parameters(name, module, shapes_only)
    try:
        layer: nn.Module = _PLAIN[kind](module, hardware, bias_row=bias_row)
    except InputError as error:
        raise InputError(f"layer {name!r}: {error}") from None
    for attribute, parameter in module.named_parameters(recurse=False):
        if attribute in layer._parameters:
            layer._parameters[attribute] = parameter
    for hooks in _HOOKS:
        getattr(layer, hooks).update(getattr(module, hooks))
    return layer.train(module.training)


def check_no_matrix(name: str, module: nn.Module, left: Any) -> None:
    """Refuse a module that holds a weight matrix of its own and is not known.

    Parameters
    ----------
    name, module : str and Module
        The module, which is not supported.
    left : callable
        Whether a parameter of a name is left digital.

    Raises
    ------
    InputError
        It has one; the message names it and says how to leave it digital.
    """
    if isinstance(module, _MATRIX_FREE) or type(module).__name__ == "RMSNorm":
        return
    for attribute, parameter in module.named_parameters(recurse=False):
        path = f"{name}.{attribute}" if name else attribute
        if _is_lazy(parameter):
            raise InputError(f"{path} has no shape yet: run the model once before convert")
        if sum(size > 1 for size in parameter.shape) < 2 or left(path, module):
            continue
        kind = type(module).__name__
        if next(module.children(), None) is None and name:
            raise InputError(
                f"layer {name!r} is {kind}, which does not go onto crossbars: leave it digital with digital=({name!r},)"
            )
        raise InputError(
            f"parameter {path!r} of {kind} is a matrix outside of any layer that goes onto crossbars: "
            f"leave it digital with digital=({path!r},)"
        )


def digital_matrices(name: str, module: nn.Module, left: Any) -> list[str]:
    """Return the paths of a module's own matrices, of whatever sort, that nobody asked to leave digital."""
    tensors = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False), *plain_tensors(module))
    paths = [
        (f"{name}.{attribute}" if name else attribute)
        for attribute, tensor in tensors
        if tensor.is_floating_point() and not _is_lazy(tensor) and sum(size > 1 for size in tensor.shape) > 1
    ]
    return [path for path in paths if not left(path, module)]


def _check_parameters(name: str, module: nn.Module, shapes_only: bool) -> None:
    if hasattr(module, "parametrizations"):
        raise InputError(
            f"layer {name!r} has parametrized weights: call torch.nn.utils.parametrize.remove_parametrizations, "
            f"or leave it digital with digital=({name!r},)"
        )
    for attribute, parameter in module.named_parameters(recurse=False):
        if _is_lazy(parameter):
            raise InputError(f"layer {name!r} has no shape yet: run the model once before convert")
        if parameter.is_meta and not shapes_only:
            raise InputError(
                f"{attribute} of layer {name!r} is on the meta device and holds no numbers: load the model first"
            )
        if not parameter.is_floating_point():
            raise InputError(
                f"{attribute} of layer {name!r} is {parameter.dtype}: weights on crossbars are real numbers"
            )
        # What torch.nn.utils.weight_norm, spectral_norm and prune leave where a weight was.
        if attribute.endswith(("_g", "_v", "_orig")) and attribute.rsplit("_", 1)[0] in module.__dict__:
            raise InputError(
                f"layer {name!r} computes its weight from {attribute!r}: remove that reparametrization or pruning, "
                f"or leave it digital with digital=({name!r},)"
            )


def _is_lazy(parameter: object) -> bool:
    return isinstance(parameter, nn.UninitializedParameter)
