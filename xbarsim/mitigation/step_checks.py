"""What a harness holds every step of a chain to, whoever wrote the method: it returns a plan of the same network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.utils import parametrize

from xbarsim.errors import InputError
from xbarsim.mitigation.plan import Plan

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_MAY_GO = (*_NORMS, nn.Identity)
_CALLS = ("forward", "_call_impl", "__call__")


def check_step(label: str, before: Plan, fingerprint: str, plan: Any) -> None:
    """Check what a method made of a plan.

    A network that computed something beside its layers on crossbars would do so without being counted.

    Parameters
    ----------
    label : str
        The method's name.
    before : Plan
        What the method was given.
    fingerprint : str
        That plan's, from before.
    plan : Plan
        What the method returned.

    Raises
    ------
    InputError
        It is no plan, the plan before was changed in place, or the network has other layers or other digital parts
        than before; a BatchNorm may go, as one that was folded.
    """
    if not isinstance(plan, Plan):
        raise InputError(f"{label} returned {plan!r}: it must return a Plan")
    if before.fingerprint() != fingerprint:
        raise InputError(f"{label} changed the plan that it was given: it must return a new one")
    if plan.model is before.model:
        return
    difference = _difference(before.model, plan.model)
    if difference:
        raise InputError(
            f"{label} returned another network ({difference}): it may change numbers, and digital parts of a LayerPlan"
        )


def _difference(before: nn.Module, after: nn.Module) -> str:
    """Return what two networks differ in beside their numbers, "" for nothing."""
    old, new = list(_leaves(before)), list(_leaves(after))
    if old != new:
        pairs = zip(old, new, strict=False)
        odd = next(((a, b) for a, b in pairs if a != b), None)
        if odd is None:
            return f"{len(new)} parts instead of {len(old)}"
        names = [" ".join([kind.__name__, *map(str, shapes)]) for kind, shapes in odd]
        return f"{names[1]} instead of {names[0]}" if names[0] != names[1] else f"another {names[0]}"
    strangers = _containers(after) - _containers(before) - {nn.Sequential}
    if strangers:
        return ", ".join(sorted(kind.__name__ for kind in strangers))
    norms = [sum(isinstance(module, _NORMS) for module in model.modules()) for model in (before, after)]
    if norms[1] > norms[0]:
        return "one more BatchNorm"
    return "a hook or a forward of its own" if _additions(after) > _additions(before) else ""


def _additions(model: nn.Module) -> int:
    """Count what is called beside the modules' classes: hooks, and functions in the place of ``forward``."""
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + sum(name in vars(module) for name in _CALLS)
        for module in model.modules()
    )


def _leaves(module: nn.Module) -> Iterator[tuple[type, list[tuple[int, ...]]]]:
    """Yield all parts of a network but BatchNorm, in order: each one's kind, and the shapes of its matrices."""
    children = _children(module)
    for child in children:
        yield from _leaves(child)
    kind = parametrize.type_before_parametrizations(module)
    if not children and kind not in _MAY_GO:
        yield kind, sorted(tuple(parameter.shape) for parameter in module.parameters() if parameter.dim() > 1)


def _containers(module: nn.Module) -> set[type]:
    children = _children(module)
    kinds = {type(module)} if children else set()
    return kinds.union(*map(_containers, children))


def _children(module: nn.Module) -> list[nn.Module]:
    return [child for name, child in module.named_children() if name != "parametrizations"]
