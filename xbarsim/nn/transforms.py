"""What torch's compilers and transforms must leave alone, and inputs that they have in hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from xbarsim.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])


def uncompiled(function: Function) -> Function:
    """Keep ``torch.compile`` from a function that solves circuits, which it could not look into."""
    disable: Any = torch.compiler.disable
    eager: Function = disable(function)
    return eager


def in_gradient_transform() -> bool:
    """Return whether a transform of ``torch.func`` that differentiates is going on; ``vmap`` alone is none."""
    functorch: Any = getattr(torch._C, "_functorch", None)
    stack: Any = getattr(functorch, "get_interpreter_stack", lambda: None)()
    return any(interpreter.key().name in ("Grad", "Jvp") for interpreter in stack or ())


def checked_input(x: Any, weight: Tensor, label: str) -> Tensor:
    """Return what a layer on crossbars is called with.

    Parameters
    ----------
    x : object
        Its inputs.
    weight : Tensor
        The layer's.
    label : str
        What messages call the layer.

    Raises
    ------
    InputError
        They are no numbers that can be driven: of a whole type, of the meta device, or in the hands of a tracer or
        a transform that would keep a circuit's answer as a constant.
    """
    if not isinstance(x, Tensor):
        raise InputError(f"x is {type(x).__name__}: {label} takes a tensor")
    if not x.is_floating_point():
        raise InputError(f"x is {x.dtype}: {label} is driven by {weight.dtype}, give x.to({weight.dtype})")
    if x.is_meta or weight.is_meta:
        raise InputError(f"{label} is on the meta device: a circuit needs numbers, move it and x to cpu")
    if torch._C._get_tracing_state() is not None or torch.compiler.is_exporting():
        raise InputError(
            f"{label} cannot be traced or exported: a circuit is solved outside of torch. "
            "Trace to_torch(), or leave it digital"
        )
    if in_gradient_transform():
        raise InputError(
            f"{label} has no gradient for torch.func, whose tensors hold no numbers: take backward(), or "
            "torch.autograd.functional"
        )
    return x
