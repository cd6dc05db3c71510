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
from xbarsim.settling.refined_moment import RefinedMoment
from xbarsim.solvers.segments import Segments
from xbarsim.transient.line_shares import LineShares

TOLERANCE = 1e-9
"""Of each output of a moment, as a part of what its nodes bring to it."""

LEAST = 1e-26
"""Of the largest: a current that is smaller is what 1e-30 ohm, which stand for 0, let through."""

QUIET = 1e-12
"""Of the largest: outputs that bring less may be left with an error that is above ``TOLERANCE``."""

_CANCELLED = 1e-6
"""Outputs are refined for what is left of nodes' currents that cancel, down to that part of them."""

_TIGHTEST = 1e-13
_MOST_PASSES = 4000
_EPS = float(np.finfo(float).eps)


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
        self.segments = Segments.of(crossbar)
        self._shares = LineShares(self.segments)
        self._space = Workspace(*crossbar.shape, True)
        self._factored = False

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
            An output of a coefficient was not solved to ``TOLERANCE``.
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
        if status != schur.CONVERGED:
            raise ConvergenceError(
                f"a moment of the response was not solved in {_MOST_PASSES} steps",
                "look for cells and wires very far apart",
            )
        return self._judged(volts, leaving, entering, v, u)

    def _judged(self, volts: dict[Side, Array], leaving: Array, entering: Array, v: Array, u: Array) -> NodeMoment:
        """Hold each output against what it may be wrong by, and refine the voltages where that does not suffice."""
        g, word, bit = self.segments.g, self.segments.word, self.segments.bit
        across = v - u
        out, largest, gross = self._outputs(volts, leaving, entering, across)
        drawn, received = g * across + leaving, g * across + entering
        amperes = kirchhoff.current_error(
            drawn, received, g, g, word, bit, *(volts[side] for side in SIDES), v, u, *(out[side] for side in SIDES)
        )
        lacking = np.full(gross.shape, amperes)
        sizes = np.maximum(np.abs(out["bit_bottom"]), _CANCELLED * gross)
        allowed = np.where(gross > LEAST * largest, TOLERANCE * sizes, np.inf)
        if not (lacking <= allowed).all():
            refined = RefinedMoment.of(
                self.segments, self._shares, (self._space.lines, self._space.gradients), volts, (leaving, entering),
                (v, u), allowed, _MOST_PASSES,
            )  # fmt: skip
            v, u, across, lacking = refined.v, refined.u, refined.across, refined.lacking
            out, largest, gross = self._outputs(volts, leaving, entering, across)
            bad = ~(lacking <= TOLERANCE * gross) & (gross > QUIET * largest)
            if bad.any():
                j = int(np.flatnonzero(bad)[0])
                raise ConvergenceError(
                    f"output {j} of a moment of the response was solved to {lacking[j] / gross[j]:.1e} of what its "
                    f"nodes bring to it (tolerance {TOLERANCE:g})", "look for cells and wires very far apart",
                )  # fmt: skip
        outputs = out["bit_bottom"]
        # Sums of as many terms as a line has nodes round.
        error = lacking + len(g) * _EPS * gross
        return NodeMoment(v, u, across, np.where(np.abs(outputs) > LEAST * largest, outputs, 0.0), gross, error)

    def _outputs(
        self, volts: dict[Side, Array], leaving: Array, entering: Array, across: Array
    ) -> tuple[dict[Side, Array], float, Array]:
        """Return the currents out of all ends, the largest, and what nodes bring to each output in magnitude."""
        along = self.segments.g * across
        out, largest = self._shares.end_currents(along + leaving, along + entering, volts)
        gross = (self._shares.shares[3] * (np.abs(along) + np.abs(entering))).sum(axis=0)
        return out, largest, gross
