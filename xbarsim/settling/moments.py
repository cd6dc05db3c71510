"""Moments of a crossbar's response to steps at its inputs: one linear solve each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.errors import ConvergenceError
from xbarsim.kernels import kirchhoff, schur
from xbarsim.kernels.newton_steps import Workspace
from xbarsim.resources import check_running
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.solvers.segments import Segments
from xbarsim.transient.line_shares import LineShares

TOLERANCE = 1e-10
"""Of each moment's currents, as a part of the largest."""

LEAST = 1e-26
"""Of the largest: a current that is smaller is what 1e-30 ohm, which stand for 0, let through."""

_TIGHTEST = 1e-13
_MOST_PASSES = 4000


@dataclass(frozen=True, eq=False)
class NodeMoment:
    """One coefficient of the response's power series in s: node voltages (rows, cols), and output currents (cols,)."""

    v: Array
    u: Array
    outputs: Array


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
        self.segments = Segments.of(crossbar)
        self._shares = LineShares(self.segments)
        self._space = Workspace(*crossbar.shape, True)
        self._factored = False

    def moments(self, inputs: Array, count: int) -> list[NodeMoment]:
        """Return the first coefficients of the response to steps of these volts (rows,) at ``word_left``.

        With ``G x = sources`` of the circuit at rest, ``(G + s C) x(s) = sources`` gives ``G x_0 = sources`` and
        ``G x_k = -C x_(k-1)`` (L. T. Pillage and R. A. Rohrer, IEEE Trans. CAD 9, 352, 1990).

        Raises
        ------
        ConvergenceError
            A coefficient was not solved to ``TOLERANCE``.
        """
        rows, cols = self.crossbar.shape
        zeros = np.zeros((rows, cols))
        series = [self._solved(inputs, zeros, zeros)]
        still = np.zeros(rows)
        for _ in range(count - 1):
            check_running()
            leaving, entering = self.farads.drawn(series[-1].v, series[-1].u)
            series.append(self._solved(still, leaving, entering))
        return series

    def _solved(self, inputs: Array, leaving: Array, entering: Array) -> NodeMoment:
        """Solve with ``inputs`` at word_left, 0 V at all other ends, and what nodes lose and gain beside the cells."""
        segments, word, bit = self.segments, self.segments.word, self.segments.bit
        g = segments.g
        v, u = np.zeros((2, *g.shape))
        still_words, still_bits = np.zeros(g.shape[0]), np.zeros(g.shape[1])
        volts: dict[Side, Array] = {
            "word_left": inputs, "word_right": still_words, "bit_top": still_bits, "bit_bottom": still_bits
        }  # fmt: skip
        sides = inputs, still_words, still_bits, still_bits
        status, _ = self._space.solve(
            (g, g, leaving, entering, word, bit), sides, _TIGHTEST, 0.0, _MOST_PASSES, v, u, guess=False,
            again=self._factored, factored=self._factored,
        )  # fmt: skip
        self._factored = True
        along = g * (v - u)
        drawn, received = along + leaving, along + entering
        out, largest = self._shares.end_currents(drawn, received, volts)
        error = kirchhoff.current_error(
            drawn, received, g, g, word, bit, *(volts[side] for side in SIDES), v, u, *(out[side] for side in SIDES)
        )
        if status != schur.CONVERGED or not error <= TOLERANCE * max(largest, float(np.abs(leaving).max(initial=0.0))):
            raise ConvergenceError(
                f"a moment of the response was solved to {error / largest if largest else np.inf:.1e} of the largest "
                f"current (tolerance {TOLERANCE:g})", "look for cells and wires very far apart",
            )  # fmt: skip
        outputs = out["bit_bottom"]
        return NodeMoment(v, u, np.where(np.abs(outputs) > LEAST * largest, outputs, 0.0))
