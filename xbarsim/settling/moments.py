"""Moments of a crossbar's response to steps at its inputs: one linear solve each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.resources import check_running
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.solvers.fed_circuit import LEAST, FedCircuit


@dataclass(frozen=True, eq=False)
class NodeMoment:
    """One coefficient of the response's power series in s.

    Attributes
    ----------
    v, u, across : (rows, cols)
        Of word nodes, of bit nodes, and across the cells: volts in units of a power of seconds.
    outputs : (cols,)
        Currents, 0 where they are next to nothing.
    gross : (cols,)
        What nodes bring to each output, magnitudes added up.
    error : (cols,)
        What each output may be wrong by.
    """

    v: Array
    u: Array
    across: Array
    outputs: Array
    gross: Array
    error: Array


class MomentCircuit:
    """Linear cells between wires, with currents put into nodes.

    Parameters
    ----------
    crossbar : Crossbar
        Of linear cells.
    farads : ArrayFarads
        Its capacitance.
    """

    def __init__(self, crossbar: Crossbar, farads: ArrayFarads) -> None:
        self.crossbar, self.farads = crossbar, farads
        self._circuit = FedCircuit(crossbar)

    def moments(self, inputs: Array, count: int) -> list[NodeMoment]:
        """Return the first coefficients of the response to steps of these volts (rows,) at ``word_left``.

        With ``G x = sources`` of the circuit at rest, ``(G + s C) x(s) = sources`` gives ``G x_0 = sources`` and
        ``G x_k = -C x_(k-1)`` (L. T. Pillage and R. A. Rohrer, IEEE Trans. CAD 9, 352, 1990).

        Parameters
        ----------
        inputs : (rows,) array
            Volts after the step.
        count : int
            How many coefficients, that of the circuit at rest included.

        Raises
        ------
        ConvergenceError
            As ``FedCircuit.solve``.
        """
        rows, cols = self.crossbar.shape
        zeros = np.zeros((rows, cols))
        series = [self._solved(inputs, zeros, zeros)]
        still = np.zeros(rows)
        for _ in range(count - 1):
            check_running()
            series.append(self._solved(still, *self.farads.drawn(series[-1].v, series[-1].u, series[-1].across)))
        return series

    def response(self, v: Array, u: Array, across: Array) -> NodeMoment:
        """Return what the currents bring that the capacitances take of nodes that rise by so much a second.

        Parameters
        ----------
        v, u, across : (rows, cols) array
            Of word nodes, of bit nodes, and across the cells: V/s.
        """
        return self._solved(np.zeros(self.crossbar.shape[0]), *self.farads.drawn(v, u, across))

    def _solved(self, inputs: Array, leaving: Array, entering: Array) -> NodeMoment:
        """Solve with ``inputs`` at word_left, 0 V at all other ends, and what nodes lose and gain beside the cells."""
        answer = self._circuit.solve(
            {"word_left": inputs}, leaving, entering, ["bit_bottom"], "a moment of the response"
        )  # fmt: skip
        outputs = answer.out["bit_bottom"]
        return NodeMoment(
            answer.v, answer.u, answer.across, np.where(np.abs(outputs) > LEAST * answer.largest, outputs, 0.0),
            answer.gross["bit_bottom"], answer.error["bit_bottom"],
        )  # fmt: skip
