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
from xbarsim.transient.tableau import GAMMA


class NodeCapacitance:
    """Farads from word nodes to ground, from bit nodes to ground, and across the cells, (rows, cols) each."""

    def __init__(self, word: object, bit: object, cell: object, shape: tuple[int, int]) -> None:
        self.farads = tuple(
            np.ascontiguousarray(broadcast(name, checked_array(name, value), shape))  # type: ignore[arg-type]
            for name, value in (("word_capacitance", word), ("bit_capacitance", bit), ("cell_capacitance", cell))
        )

    @property
    def present(self) -> bool:
        """Whether there is any."""
        return any(farads.any() for farads in self.farads)

    def companions(self, d: float) -> tuple[Array, ...]:
        """Return the conductances of a stage whose share of the step is d seconds."""
        return tuple(farads / d for farads in self.farads)

    def histories(
        self, siemens: Sequence[Array], v: Array, u: Array, weights: Sequence[float], earlier: Sequence[Sequence[Array]]
    ) -> list[Array]:
        """Return the currents besides ``siemens`` times volts, from node volts v, u at the step's begin.

        ``earlier`` are the currents of the stages before, and ``weights`` what this stage takes of their rates.
        """
        out = []
        for place, (conductance, volts) in enumerate(zip(siemens, (v, u, v - u), strict=True)):
            history = conductance * volts
            for weight, amperes in zip(weights, earlier, strict=False):
                history += weight / GAMMA * amperes[place]
            out.append(history)
        return out

    @staticmethod
    def currents(siemens: Sequence[Array], histories: Sequence[Array], v: Array, u: Array) -> list[Array]:
        """Return what flows at node volts v, u: from word nodes, from bit nodes, and along the cells."""
        return [
            conductance * volts - history
            for conductance, history, volts in zip(siemens, histories, (v, u, v - u), strict=True)
        ]

    def stored(self, v: Array, u: Array) -> float:
        """Return the joules at node volts v, u."""
        return float(
            sum(0.5 * (farads * volts * volts).sum() for farads, volts in zip(self.farads, (v, u, v - u), strict=True))
        )
