"""A crossbar as scipy's LinearOperator: currents from voltages, and back by the transposed map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xbarsim.crossbar import Crossbar
from xbarsim.solvers.effective import effective_conductance

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator


def linear_operator(crossbar: Crossbar) -> LinearOperator:
    """Return the map from input voltages to output currents, ``(cols, rows)``: ``currents = operator @ voltages``.

    It is the exact map of the circuit with its wires and ends, verified once; ``operator.rmatvec`` applies its
    transpose.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit; its cells must be linear, its fixed sources 0 V.

    Raises
    ------
    InputError, SolveError, ConvergenceError
        As ``xbarsim.effective_conductance``.
    """
    from scipy.sparse.linalg import aslinearoperator

    return aslinearoperator(effective_conductance(crossbar).T)
