"""Deep copies of models, however deep they are nested, and with what pruning leaves in them."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from xbarsim.errors import InputError


def copied(model: nn.Module) -> nn.Module:
    """Return a deep copy.

    Modules are copied from the innermost one out, so that Python's limit of recursion is not the model's. A tensor that
    is computed from parameters, as a pruned layer's weight is, comes along with its numbers alone.

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
    try:
        for module in reversed(modules):
            copy.deepcopy(module, memo)
        copy_of_model: nn.Module = copy.deepcopy(model, memo)
    except (RuntimeError, TypeError) as error:
        reason = str(error).strip().split("\n")[0][:150]
        raise InputError(f"the model cannot be copied: {reason}") from None
    return copy_of_model
