"""Which modules of a model are meant: by name or predicate, with errors for names that mean none."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping

from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.nn.hardware import Hardware

Predicate = Callable[[str, nn.Module], bool]
Digital = str | Predicate | Iterable[str | Predicate]


class Selection:
    """What is left digital.

    Parameters
    ----------
    digital : str, callable, or several of them
        Names of modules, with all below them, of parameters, buffers or attributes that are tensors; and predicates of
        name and module.
    model : Module
        Whose names they are.

    Raises
    ------
    InputError
        A name is none of the model's.
    """

    def __init__(self, digital: Digital, model: nn.Module) -> None:
        listed = [digital] if isinstance(digital, str) or callable(digital) else list(digital)
        self._names = {one for one in listed if isinstance(one, str)}
        self._predicates = [one for one in listed if not isinstance(one, str)]
        for one in self._predicates:
            if not callable(one):
                raise InputError(f"digital has {one!r}: give names of layers, or predicates of (name, module)")
        named = (*model.named_modules(), *model.named_parameters(), *model.named_buffers())
        known = [name for name, _ in named if name]
        for above, module in model.named_modules():
            known += [f"{above}.{own}" if above else own for own, _ in plain_tensors(module)]
        for name in sorted(self._names):
            see_known("digital", name, known)

    def __call__(self, name: str, module: nn.Module) -> bool:
        """Return whether a module, or a parameter of ``module``, stays digital."""
        return name in self._names or any(one(name, module) for one in self._predicates)


def plain_tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return a module's own attributes that are tensors, but neither parameters nor buffers."""
    return [(name, value) for name, value in module.__dict__.items() if isinstance(value, Tensor)]


def see_known(what: str, name: str, known: Collection[str]) -> None:
    """Raise InputError if a name is not among those known, with those that are like it."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or list(known)[:6]
        raise InputError(f"{what} names {name!r}, which the model does not have; it has {', '.join(near)}, ...")


def hardware_for(name: str, hardware: Hardware, overrides: Mapping[str, Hardware]) -> Hardware:
    """Return a layer's hardware: of the longest name among the overrides that it is, or is below."""
    fits = [one for one in overrides if name == one or name.startswith(f"{one}.")]
    return overrides[max(fits, key=len)] if fits else hardware
