"""What torch's compilers and transforms must leave alone, and whether one of them is at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

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
