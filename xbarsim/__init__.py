"""xbarsim: what a memristor crossbar really computes, exactly and fast.

``Crossbar`` describes the circuit, ``solve`` gives its currents and voltages, ``effective_conductance`` the
linear map it really applies. Names load on first use, so that the command line answers at once.
"""

from __future__ import annotations

import os.path
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xbarsim.crossbar import Crossbar as Crossbar
    from xbarsim.crossbar import LineEnds as LineEnds
    from xbarsim.devices import VTEAM as VTEAM
    from xbarsim.devices import Device as Device
    from xbarsim.devices import DynamicLaw as DynamicLaw
    from xbarsim.devices import IonDrift as IonDrift
    from xbarsim.devices import Law as Law
    from xbarsim.devices import Linear as Linear
    from xbarsim.devices import Selector as Selector
    from xbarsim.devices import Sinh as Sinh
    from xbarsim.devices import Sky130 as Sky130
    from xbarsim.devices import Stanford as Stanford
    from xbarsim.devices import Table as Table
    from xbarsim.devices import Transistor as Transistor
    from xbarsim.devices import Yakopcic as Yakopcic
    from xbarsim.solution import Solution as Solution
    from xbarsim.solvers.effective import effective_conductance as effective_conductance
    from xbarsim.solvers.effective import port_admittance as port_admittance
    from xbarsim.solvers.map_batch import effective_conductances as effective_conductances
    from xbarsim.solvers.map_batch import effective_maps as effective_maps
    from xbarsim.solvers.solve import solve as solve
    from xbarsim.solvers.updatable import Updatable as Updatable

__version__ = "0.1.0"

_HOME = {
    "Crossbar": "crossbar",
    "LineEnds": "crossbar",
    "Device": "devices",
    "DynamicLaw": "devices",
    "IonDrift": "devices",
    "Law": "devices",
    "Linear": "devices",
    "Selector": "devices",
    "Sinh": "devices",
    "Sky130": "devices",
    "Stanford": "devices",
    "Table": "devices",
    "Transistor": "devices",
    "VTEAM": "devices",
    "Yakopcic": "devices",
    "Solution": "solution",
    "solve": "solvers.solve",
    "Updatable": "solvers.updatable",
    "effective_conductance": "solvers.effective",
    "effective_conductances": "solvers.map_batch",
    "effective_maps": "solvers.map_batch",
    "port_admittance": "solvers.effective",
}

__all__ = [
    "VTEAM",
    "Crossbar",
    "Device",
    "DynamicLaw",
    "IonDrift",
    "Law",
    "LineEnds",
    "Linear",
    "Selector",
    "Sinh",
    "Sky130",
    "Solution",
    "Stanford",
    "Table",
    "Transistor",
    "Updatable",
    "Yakopcic",
    "__version__",
    "effective_conductance",
    "effective_conductances",
    "effective_maps",
    "port_admittance",
    "solve",
]


_MODULES = {
    "adjoint": "solvers.adjoint",
    "devices": "devices",
    "effective": "solvers.effective",
    "energy": "energy",
    "errors": "errors",
    "interop": "interop",
    "kernels": "kernels",
    "loop": "loop",
    "margin": "margin",
    "measured": "measured",
    "mitigation": "mitigation",
    "netlist": "netlist",
    "nn": "nn",
    "noise": "noise",
    "nonideal": "nonideal",
    "plot": "plot",
    "programming": "programming",
    "reference": "solvers.reference",
    "schemes": "schemes",
    "settling": "settling",
    "spice": "spice",
    "study": "study",
    "topologies": "topologies",
    "transient": "transient",
    "validate": "validate",
    "waves": "waves",
}


if os.path.isfile(os.path.join(os.path.dirname(__file__), "kernels")):  # noqa: PTH113, PTH118, PTH120
    # pathlib would be the slowest import of a command that only answers --help.
    raise ImportError(
        "xbarsim/kernels is a file where the checkout has a link to a folder: git made none (Windows: turn "
        "Developer Mode on, git config core.symlinks true, git checkout -- xbarsim), or install it and work "
        "outside of the checkout"
    )


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"xbarsim.{_MODULES[name]}")
    if name not in _HOME:
        raise AttributeError(f"module 'xbarsim' has no attribute {name!r}")
    value = getattr(import_module(f"xbarsim.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
