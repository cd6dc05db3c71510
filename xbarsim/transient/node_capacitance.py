"""Capacitance at a crossbar's nodes, and what stands for it in a stage of a step.

At stage k of a step h from volts V0, a capacitance C carries ``C r_k`` where
``V_k = V0 + h sum_j a_kj r_j``: in the circuit it is the conductance ``C / d``, ``d = h gamma``, next to a current::

    C r_k = (C / d) V_k - history,    history = (C / d) V0 + sum_{j < k} (a_kj / gamma) C r_j
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.checks import broadcast, checked_array
from xbarsim.crossbar import Array
from xbarsim.kernels import charged_nodes
from xbarsim.transient.tableau import GAMMA


class NodeCapacitance:
    """Capacitances from word nodes to ground, from bit nodes to ground, and across the cells.

    Attributes
    ----------
    farads : (3, rows, cols)
        In this order.
    siemens : (3, rows, cols)
        The companions of the stage at hand.
    history : (3, rows, cols)
        What they carry less than ``siemens`` times volts.
    charging : (stages, 3, rows, cols)
        What they carry.
    """

    def __init__(self, word: object, bit: object, cell: object, shape: tuple[int, int]) -> None:
        self.farads = np.array([
            broadcast(name, checked_array(name, value), shape)  # type: ignore[arg-type]
            for name, value in (("word_capacitance", word), ("bit_capacitance", bit), ("cell_capacitance", cell))
        ])  # fmt: skip
        self.present = bool(self.farads.any())
        if self.present:
            self.siemens, self.history, self.charging = (
                np.zeros((3, *shape)),
                np.zeros((3, *shape)),
                np.zeros((3, 3, *shape)),
            )
        self._share = np.nan

    def begin(self, k: int, d: float, weights: Sequence[float], v: Array, u: Array) -> None:
        """Prepare stage k, whose share of the step is d seconds, from node volts v, u at the step's begin.

        ``weights`` are what the stage takes of all rates until its own.

        Parameters
        ----------
        k : int
            Which stage, from 0 on.
        d : float
            Seconds, the stage's own share of the step.
        weights : sequence of float
            The method's plain numbers for the rates of the stages before, and its own last.
        v, u : (rows, cols) array
            Volts of word nodes and of bit nodes at the step's begin.
        """
        if d != self._share:
            np.divide(self.farads, d, out=self.siemens)
            self._share = d
        first, second = ([weight / GAMMA for weight in weights[:-1]] + [0.0, 0.0])[:2]
        charged_nodes.histories(self.siemens, v, u, self.charging, k, first, second, self.history)

    def stored(self, v: Array, u: Array) -> float:
        """Return the joules at node volts v, u.

        Parameters
        ----------
        v, u : (rows, cols) array
            Volts of word nodes and of bit nodes.
        """
        return float(
            sum(0.5 * (farads * volts * volts).sum() for farads, volts in zip(self.farads, (v, u, v - u), strict=True))
        )
