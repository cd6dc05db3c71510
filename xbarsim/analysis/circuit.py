"""A netlist's circuit as users have it: ``read``, and its analyses with ``Circuit.solve``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from xbarsim.netlist.read_circuit import ReadCircuit, read_circuit

if TYPE_CHECKING:
    from xbarsim.analysis.circuit_solution import CircuitSolution
    from xbarsim.solvers.solve import Method


@dataclass(frozen=True, eq=False, repr=False)
class Circuit(ReadCircuit):
    """A flat circuit that knows whether it is a crossbar, and runs its analyses."""

    def solve(self, *, method: Method = "auto") -> CircuitSolution:
        """Run the analyses that the netlist asks for, as the crossbar that it is or else as a general network.

        Parameters
        ----------
        method : str
            How to solve a crossbar, as ``xbarsim.solve`` takes it.

        Returns
        -------
        CircuitSolution
            Volts and amperes by the netlist's own names, an analysis each; a netlist that asks for none has one
            operating point.

        Raises
        ------
        FloatingError
            Nodes have no path to a source or ground; the message names them.
        SolveError
            The circuit has no unique solution, or none was found to tolerance.
        InputError
            ``method`` is none.
        """
        # What only recognises crossbars loads no solver.
        from xbarsim.analysis.circuit_runs import solve_circuit

        return solve_circuit(self, method)


def read(
    path: str | Path | IO[str],
    *,
    parameters: Mapping[str, float] | None = None,
    temp: float | None = None,
    steady: bool = False,
    seed: int | None = None,
    drawn: bool = False,
    charges: bool = False,
) -> Circuit:
    """Read a netlist.

    Parameters
    ----------
    path : str or Path or text stream
        The file; a stream's includes are looked for in the working folder.
    parameters : mapping of str to float, optional
        Parameters of the top level, in the place of what their ``.param`` says.
    temp : float, optional
        Degrees Celsius, in the place of ``.temp``.
    steady : bool
        Leave the capacitors that hold a state open, as ngspice does, instead of freezing them at their initial values.
    seed : int, optional
        What the draws of ``agauss`` and its like start from; that of ``.options seed=``, or else 0.
    drawn : bool
        Whether random parameters are drawn once, as in ngspice, where no card of the netlist draws them; nominal else.
    charges : bool
        Whether ``storage`` has what holds charge or flux where no ``.tran`` asks for it too.

    Raises
    ------
    NetlistError
        The file cannot be read or is not understood; the message is one line, ``file:line: ...``.
    InputError
        A parameter or the temperature has a value that is none.
    """
    circuit = read_circuit(
        path, parameters=parameters, temp=temp, steady=steady, seed=seed, drawn=drawn, charges=charges
    )
    return Circuit.of(circuit)
