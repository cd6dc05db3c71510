"""Linear networks of any shape: modified nodal analysis by a sparse LU, with refinement and its own residual check.

Unknowns are the node voltages and the currents of all elements that fix a voltage (Ho, Ruehli, Brennan, IEEE Trans.
Circuits Syst. 22, 1975). A resistor of 0 ohm is such an element too, so 0 is exact.

``linear_network`` holds the circuit, ``connections`` checks its graph, ``basis`` and ``unknowns`` choose what is solved
for, ``stamps`` and ``system`` make the equations, ``factors`` solves them and ``doubled`` refines, ``cancelling`` and
``residual`` judge, and ``linear_solve`` and ``sweep`` put all that together. :class:`System` is where a solver of
nonlinear networks joins.
"""

from xbarsim.mna.connections import LoopError
from xbarsim.mna.factors import Factors, UntrustedError
from xbarsim.mna.linear_network import (
    CCCS,
    CCVS,
    VCCS,
    VCVS,
    Branches,
    Coupling,
    Drive,
    Gains,
    Network,
    NetworkSolution,
)
from xbarsim.mna.linear_solve import solve
from xbarsim.mna.residual import TOLERANCE, Residual
from xbarsim.mna.stamps import Stamps
from xbarsim.mna.system import Flows, Jacobian, System

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
