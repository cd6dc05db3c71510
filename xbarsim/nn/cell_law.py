"""The cells' law of a hardware: a model of the table of cell models, by its name and its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xbarsim import devices
from xbarsim.devices import Device
from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import Settings

_DEFAULTS = {"v0": 0.25, "i0": 1e-8}
"""What the models that have such options take here, whatever their own defaults are."""


@dataclass(frozen=True)
class CellLaw(Settings):
    """The cells' current law, called ``Law`` in :mod:`xbarsim.nn`; a mapped conductance is its state.

    Attributes
    ----------
    kind : str
        A model's name, of :func:`xbarsim.devices.models`: ``linear``, ``sinh``, ``selector``.
    v0, i0 : float
        Volts and amperes; only of the models that have them.
    options : dict of str to float or str
        What else the model takes, by name; what is left out has the model's default. A table's ``curve`` is a file, or
        its points; a file is read at once.

    Raises
    ------
    InputError
        There is no such model, it has no such option, or a value is out of its bounds.
    """

    kind: str = "linear"
    v0: float = 0.25
    i0: float = 1e-8
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        table = devices.models()
        if self.kind not in table:
            raise InputError(f"Law.kind is {self.kind!r}: it must be one of {', '.join(table)}")
        model = table[self.kind]
        for name in self.idle:
            value = getattr(self, name)
            if value != _DEFAULTS[name]:
                owner = next(kind for kind, entry in table.items() if name in _option_names(entry))
                raise InputError(
                    f"Law.{name} is {value}, which the law {self.kind!r} does not have: "
                    f"leave it out, or give kind={owner!r}"
                )
        if not isinstance(self.options, Mapping):
            raise InputError(f"Law.options is {self.options!r}: give the model's options by name")
        twice = [name for name in _DEFAULTS if name in self.options]
        if twice:
            raise InputError(f"Law.options has {twice[0]}: give it as Law.{twice[0]}")
        moving = [option.name for option in model.options if option.in_time and option.name in self.options]
        if moving:
            raise InputError(
                f"Law.options has {moving[0]}, which says how a state moves: a network's cells are read, leave it out"
            )
        try:
            numbers = {name: getattr(self, name) for name in _DEFAULTS if name not in self.idle}
            values = model.portable({**numbers, **self.options})
            object.__setattr__(self, "_device", model.from_options(**values))
        except InputError as error:
            text = str(error)
            prefixed = any(text.startswith(f"{name} is ") for name in _option_names(model))
            raise InputError(f"Law.{text}" if prefixed else f"Law.options: {text}") from None
        for name in numbers:
            object.__setattr__(self, name, float(values.pop(name)))
        object.__setattr__(self, "options", values)

    @property
    def idle(self) -> tuple[str, ...]:
        """Names of the numbers that the law does not have."""
        names = _option_names(devices.model(self.kind))
        return tuple(name for name in _DEFAULTS if name not in names)

    @property
    def linear(self) -> bool:
        """Whether the cells are ohmic."""
        return self.device().linear

    def device(self) -> Device:
        """Return the cell model."""
        device: Device = getattr(self, "_device")  # noqa: B009 - no field: settings are what a file holds
        return device

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes; ``options`` where there are any."""
        record = super().to_dict() | {"options": dict(self.options)}
        return record if self.options else {name: value for name, value in record.items() if name != "options"}


def _option_names(model: type[Device]) -> list[str]:
    return [option.name for option in model.read_options()]
