"""Linear networks of any shape: modified nodal analysis by a sparse LU, with refinement and its own residual check.

Unknowns are the node voltages and the currents of all elements that fix a voltage (Ho, Ruehli, Brennan, IEEE Trans.
Circuits Syst. 22, 1975). A resistor of 0 ohm is such an element too, so 0 is exact.

``linear_network`` holds the circuit, ``connections`` checks its graph, ``basis`` and ``unknowns`` choose what is solved
for, ``stamps`` and ``system`` make the equations, ``factors`` solves them and ``doubled`` refines, ``cancelling`` and
``residual`` judge, and ``linear_solve`` and ``sweep`` put all that together. :class:`System` is where a solver of
nonlinear networks joins.

Names load on first use: netlists name kinds of elements by this package, and mostly need nothing of its sparse solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xbarsim.mna.connections import LoopError as LoopError
    from xbarsim.mna.factors import Factors as Factors
    from xbarsim.mna.factors import UntrustedError as UntrustedError
    from xbarsim.mna.linear_network import CCCS as CCCS
    from xbarsim.mna.linear_network import CCVS as CCVS
    from xbarsim.mna.linear_network import VCCS as VCCS
    from xbarsim.mna.linear_network import VCVS as VCVS
    from xbarsim.mna.linear_network import Branches as Branches
    from xbarsim.mna.linear_network import Coupling as Coupling
    from xbarsim.mna.linear_network import Drive as Drive
    from xbarsim.mna.linear_network import Gains as Gains
    from xbarsim.mna.linear_network import Network as Network
    from xbarsim.mna.linear_network import NetworkSolution as NetworkSolution
    from xbarsim.mna.linear_solve import solve as solve
    from xbarsim.mna.residual import TOLERANCE as TOLERANCE
    from xbarsim.mna.residual import Residual as Residual
    from xbarsim.mna.stamps import Stamps as Stamps
    from xbarsim.mna.system import Flows as Flows
    from xbarsim.mna.system import Jacobian as Jacobian
    from xbarsim.mna.system import System as System

_HOME = {
    "CCCS": "linear_network",
    "CCVS": "linear_network",
    "TOLERANCE": "residual",
    "VCCS": "linear_network",
    "VCVS": "linear_network",
    "Branches": "linear_network",
    "Coupling": "linear_network",
    "Drive": "linear_network",
    "Factors": "factors",
    "Flows": "system",
    "Gains": "linear_network",
    "Jacobian": "system",
    "LoopError": "connections",
    "Network": "linear_network",
    "NetworkSolution": "linear_network",
    "Residual": "residual",
    "Stamps": "stamps",
    "System": "system",
    "UntrustedError": "factors",
    "solve": "linear_solve",
}

__all__ = [
    "CCCS",
    "CCVS",
    "TOLERANCE",
    "VCCS",
    "VCVS",
    "Branches",
    "Coupling",
    "Drive",
    "Factors",
    "Flows",
    "Gains",
    "Jacobian",
    "LoopError",
    "Network",
    "NetworkSolution",
    "Residual",
    "Stamps",
    "System",
    "UntrustedError",
    "solve",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'xbarsim.mna' has no attribute {name!r}")
    value = getattr(import_module(f"xbarsim.mna.{_HOME[name]}"), name)
    globals()[name] = value
    return value
