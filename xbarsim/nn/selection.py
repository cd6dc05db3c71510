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
        self._names = {item for item in listed if isinstance(item, str)}
        self._predicates = [item for item in listed if not isinstance(item, str)]
        for predicate in self._predicates:
            if not callable(predicate):
                raise InputError(f"digital has {predicate!r}: give names of layers, or predicates of (name, module)")
        members = (*model.named_modules(), *model.named_parameters(), *model.named_buffers())
        names = [name for name, _ in members if name]
        for above, module in model.named_modules():
            names += [f"{above}.{attribute}" if above else attribute for attribute, _ in plain_tensors(module)]
        for name in sorted(self._names):
            check_name("digital", name, names)

    def __call__(self, name: str, module: nn.Module) -> bool:
        """Return whether a module, or a parameter of ``module``, stays digital."""
        return name in self._names or any(predicate(name, module) for predicate in self._predicates)


def plain_tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Return a module's own attributes that are tensors, but neither parameters nor buffers."""
    return [(name, value) for name, value in module.__dict__.items() if isinstance(value, Tensor)]


def check_name(argument: str, name: str, names: Collection[str]) -> None:
    """Raise InputError if a name is not among those known, with those that are like it.

    Parameters
    ----------
    argument : str
        Which argument names it, for messages.
    name : str
        A module's.
    names : collection of str
        Those that the model has.
    """
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or list(names)[:6]
        raise InputError(f"{argument} names {name!r}, which the model does not have; it has {', '.join(near)}, ...")


def hardware_for(name: str, hardware: Hardware, overrides: Mapping[str, Hardware]) -> Hardware:
    """Return a layer's hardware: of the longest name among the overrides that it is, or is below.

    Parameters
    ----------
    name : str
        A layer's.
    hardware : Hardware
        That of all others.
    overrides : mapping of str to Hardware
        By names of layers, or of modules that they are in.
    """
    fits = [key for key in overrides if name == key or name.startswith(f"{key}.")]
    return overrides[max(fits, key=len)] if fits else hardware
