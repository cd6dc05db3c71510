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
        return f"{len(new)} parts instead of {len(old)}" if odd is None else f"{odd[1]} instead of {odd[0]}"
    strangers = _containers(after) - _containers(before) - {nn.Sequential}
    if strangers:
        return ", ".join(sorted(kind.__name__ for kind in strangers))
    norms = [sum(isinstance(module, _NORMS) for module in model.modules()) for model in (before, after)]
    return "one more BatchNorm" if norms[1] > norms[0] else ""


def _leaves(module: nn.Module) -> Iterator[str]:
    """Yield all parts of a network but BatchNorm, in order: each one's kind, and the shapes of its matrices."""
    children = _children(module)
    for child in children:
        yield from _leaves(child)
    kind = parametrize.type_before_parametrizations(module)
    if not children and not issubclass(kind, _MAY_GO):
        shapes = sorted(tuple(parameter.shape) for parameter in module.parameters() if parameter.dim() > 1)
        yield " ".join([kind.__name__, *map(str, shapes)])


def _containers(module: nn.Module) -> set[type]:
    children = _children(module)
    kinds = {type(module)} if children else set()
    return kinds.union(*map(_containers, children))


def _children(module: nn.Module) -> list[nn.Module]:
    return [child for name, child in module.named_children() if name != "parametrizations"]
