"""The table of cell models: xbarsim's own, those of installed packages, and those that a program adds.

A package adds a model by an entry point of the group ``xbarsim.devices`` whose name is the model's and whose object is
a subclass of :class:`xbarsim.devices.Device`, mostly of :class:`xbarsim.devices.Law`, which compiles a Python function.
"""

from __future__ import annotations

import warnings
from functools import cache

from xbarsim.devices.base import Device
from xbarsim.devices.dynamic_verilog_a import DynamicVerilogA
from xbarsim.devices.ion_drift import IonDrift
from xbarsim.devices.law import Law
from xbarsim.devices.ohmic import Linear
from xbarsim.devices.selector import Selector
from xbarsim.devices.sinh import Sinh
from xbarsim.devices.sky130 import Sky130
from xbarsim.devices.stanford import Stanford
from xbarsim.devices.table import Table
from xbarsim.devices.transistor import Transistor
from xbarsim.devices.verilog_a import VerilogA
from xbarsim.devices.vteam import VTEAM
from xbarsim.devices.yakopcic import Yakopcic
from xbarsim.errors import InputError
from xbarsim.package_entries import package_entries

GROUP = "xbarsim.devices"

BUILT_IN: dict[str, type[Device]] = {
    model.name: model
    for model in (
        Linear, Sinh, Selector, Transistor, Yakopcic, Table, Law, VTEAM, IonDrift, Stanford, Sky130, VerilogA,
        DynamicVerilogA,
    )
}  # fmt: skip
"""The models that xbarsim comes with, by name."""

_registered: dict[str, type[Device]] = {}


def models() -> dict[str, type[Device]]:
    """Return all models by name; what is wrong with a package's is told by a warning, once, and left out."""
    packages, _ = _of_packages()
    return BUILT_IN | packages | _registered


def model(name: str) -> type[Device]:
    """Return a model by its name.

    Parameters
    ----------
    name : str
        Of a model here, registered, or in an installed package.

    Raises
    ------
    InputError
        There is none; the message lists those there are, or says what is wrong with a package's.
    """
    table = models()
    if name in table:
        return table[name]
    _, faults = _of_packages()
    raise InputError(faults.get(name, f"the cell model {name!r} is unknown: there are {', '.join(table)}"))


def register(new: type[Device]) -> type[Device]:
    """Add a model to this process's table, under its ``name``, and return it; one that was added before is replaced.

    Parameters
    ----------
    new : subclass of Device
        The model; its ``name`` is what files and command lines call it.

    Raises
    ------
    InputError
        It is no subclass of Device with a name, or the name is another model's.
    """
    fault = _fault(new, getattr(new, "name", ""))
    if fault or new.name in _of_packages()[0]:
        raise InputError(f"{getattr(new, '__name__', new)!r} {fault or f'has the name of another model, {new.name!r}'}")
    _registered[new.name] = new
    return new


def sinh_model(in_series: bool) -> type[Device]:
    """Return the model of cells whose netlist has sinh sources, alone or each in series with a resistor."""
    return next(entry for entry in BUILT_IN.values() if entry.sinh_in_series is in_series)


@cache
def _of_packages() -> tuple[dict[str, type[Device]], dict[str, str]]:
    """Return the models of installed packages, and by name what is wrong with others."""
    packaged, faults = package_entries(GROUP, _packaged_fault)
    for fault in faults.values():
        warnings.warn(f"{fault}: it is left out", stacklevel=3)
    return packaged, faults


def _packaged_fault(candidate: object, name: str, again: bool) -> str | None:
    """Say what keeps a package's object from being the model of a name."""
    fault = _fault(candidate, name)
    return f"has the name of another package's model, {name!r}" if fault is None and again else fault


def _fault(candidate: object, name: str) -> str | None:
    """Say what keeps an object from being the model of a name; None where nothing does."""
    if not (isinstance(candidate, type) and issubclass(candidate, Device)):
        return "is no subclass of xbarsim.devices.Device"
    if getattr(candidate, "name", None) != name or not name:
        return f"has the name {getattr(candidate, 'name', None)!r}: it must be that of the entry point"
    if name in BUILT_IN:
        return f"has the name of a model of xbarsim's own, {name!r}"
    return None
