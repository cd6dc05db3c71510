"""SPICE netlists: text to a flat circuit, a circuit to the crossbar that it is, and a crossbar back to text.

``read(path)`` gives a :class:`Circuit`; ``circuit.recognise()`` finds the crossbar in its graph, ``circuit.solve()``
runs its analyses: a :class:`CircuitSolution`, of :class:`SolvedAnalysis`. ``report`` puts a crossbar's solution back
into the netlist's names, and ``write`` writes a crossbar.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from xbarsim.netlist.recognition import Recognition, report
from xbarsim.netlist.refusals import NetlistError, NotACrossbarError
from xbarsim.netlist.write import write

if TYPE_CHECKING:
    from xbarsim.analysis.circuit import Circuit, read
    from xbarsim.analysis.circuit_solution import CircuitSolution, SolvedAnalysis

_ABOVE = {
    "Circuit": "circuit",
    "CircuitSolution": "circuit_solution",
    "SolvedAnalysis": "circuit_solution",
    "read": "circuit",
}
"""Where analyses have names of this package: they stand on netlists, so these are looked up when they are asked for."""

__all__ = [
    "Circuit",
    "CircuitSolution",
    "NetlistError",
    "NotACrossbarError",
    "Recognition",
    "SolvedAnalysis",
    "read",
    "report",
    "write",
]


def __getattr__(name: str) -> Any:
    if name not in _ABOVE:
        raise AttributeError(f"module 'xbarsim.netlist' has no attribute {name!r}")
    value = getattr(import_module(f"xbarsim.analysis.{_ABOVE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
