"""Deep copies of models, however deep they are nested, and with what pruning leaves in them."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from xbarsim.errors import InputError


def copied(model: nn.Module, *, shapes_only: bool = False) -> nn.Module:
    """Return a deep copy; with ``shapes_only`` its parameters and buffers are on the meta device, without numbers.

    Modules are copied from the innermost one out, so that Python's limit of recursion is not the model's. A tensor that
    is computed from parameters, as a pruned layer's weight is, comes along with its numbers alone.

    Parameters
    ----------
    model : torch module
        It stays as it is.
    shapes_only : bool
        Whether numbers are left out.

    Raises
    ------
    InputError
        Something in the model cannot be copied.
    """
    modules = list(model.modules())
    memo: dict[int, Any] = {}
    for module in modules:
        for value in module.__dict__.values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)) if shapes_only else ():
            if not isinstance(tensor, nn.UninitializedParameter):
                memo[id(tensor)] = _without_numbers(tensor)
    try:
        for module in reversed(modules):
            copy.deepcopy(module, memo)
        copy_of_model: nn.Module = copy.deepcopy(model, memo)
    except (RuntimeError, TypeError) as error:
        reason = str(error).strip().split("\n")[0][:150]
        raise InputError(f"the model cannot be copied: {reason}") from None
    return copy_of_model


def _without_numbers(tensor: Tensor) -> Tensor:
    bare = tensor.detach().to("meta")
    return nn.Parameter(bare, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else bare
