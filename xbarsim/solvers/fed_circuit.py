"""Linear cells between wires with currents put into nodes, each end's current right against its own size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.errors import ConvergenceError
from xbarsim.kernels import kirchhoff, ladders, schur
from xbarsim.kernels.newton_steps import Workspace
from xbarsim.solvers.line_shares import LineShares
from xbarsim.solvers.refined_ends import RefinedEnds
from xbarsim.solvers.segments import Segments

TOLERANCE = 1e-9
"""Of each end in question, as a part of what its line's nodes bring to it."""

LEAST = 1e-26
"""Of the largest: a current that is smaller is what 1e-30 ohm, which stand for 0, let through."""

QUIET = 1e-12
"""Of the largest: ends that bring less may be left with an error that is above ``TOLERANCE``."""

_CANCELLED = 1e-6
"""Ends are refined for what is left of nodes' currents that cancel, down to that part of them."""

_TIGHTEST = 1e-13
_MOST_PASSES = 4000
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True, eq=False)
class FedAnswer:
    """Voltages, and the currents out of all ends.

    Attributes
    ----------
    v, u, across : (rows, cols)
        Volts of word nodes, of bit nodes, and across the cells.
    out : dict of side to (lines,)
        Amperes out of the array.
    gross : dict of side to (lines,)
        What nodes bring to each end, magnitudes added up.
    error : dict of side to (lines,)
        What each end's current may be wrong by, in amperes.
    largest : float
        The largest current of an end.
    """

    v: Array
    u: Array
    across: Array
    out: dict[Side, Array]
    gross: dict[Side, Array]
    error: dict[Side, Array]
    largest: float


class FedCircuit:
    """A crossbar that is solved for sources at its ends and currents into its nodes; factored once.

    Parameters
    ----------
    crossbar : Crossbar
        Of linear cells.
    """

    def __init__(self, crossbar: Crossbar) -> None:
        self.crossbar, self.segments = crossbar, Segments.of(crossbar)
        self._shares = LineShares(self.segments)
        self._space = Workspace(*crossbar.shape, True)
        self._factored = False

    def solve(
        self, volts: dict[Side, Array], leaving: Array, entering: Array, sides: Sequence[Side], about: str
    ) -> FedAnswer:
        """Solve, and refine until the ends of some sides are right, each against its own size.

        Parameters
        ----------
        volts : dict of side to (lines,) array
            Of the sources; sides that are not there are at 0 V.
        leaving, entering : (rows, cols) array
            Amperes that leave word nodes, and that enter bit nodes, beside the cells.
        sides : sequence of side
            Whose ends are in question.
        about : str
            What is solved, for errors.

        Raises
        ------
        ConvergenceError
            An end in question that brings ``QUIET`` of the largest or more was not solved to ``TOLERANCE``.
        """
        segments, word, bit = self.segments, self.segments.word, self.segments.bit
        g = segments.g
        _, still = self._shares.laid_out()
        volts = still | volts
        v, u = np.zeros((2, *g.shape))
        ends = (
            volts["word_left"], volts["word_right"] / np.maximum(word[:, -1], ladders.TINY), volts["bit_bottom"],
            volts["bit_top"] / np.maximum(bit[0], ladders.TINY),
        )  # fmt: skip
        status, _ = self._space.solve(
            (g, g, leaving, entering, word, bit), ends, _TIGHTEST, 0.0, _MOST_PASSES, v, u, guess=False,
            again=self._factored, factored=self._factored,
        )  # fmt: skip
        self._factored = True
        if status != schur.CONVERGED:
            raise ConvergenceError(
                f"{about} was not solved in {_MOST_PASSES} steps", "look for cells and wires very far apart"
            )
        return self._judged(volts, (leaving, entering), v, u, sides, about)

    def _judged(
        self, volts: dict[Side, Array], currents: tuple[Array, Array], v: Array, u: Array, sides: Sequence[Side],
        about: str,
    ) -> FedAnswer:  # fmt: skip
        """Hold each end against what it may be wrong by, and refine the voltages where that does not suffice."""
        g, word, bit = self.segments.g, self.segments.word, self.segments.bit
        across = v - u
        out, gross, largest = self._ends(volts, currents, across)
        amperes = kirchhoff.current_error(
            g * across + currents[0], g * across + currents[1], g, g, word, bit, *(volts[side] for side in SIDES), v, u,
            *np.split(out, self._places),
        )  # fmt: skip
        lacking = np.full(gross.shape, amperes)
        counting = np.concatenate([np.full(part.size, side in sides) for side, part in volts.items()])
        sizes = np.maximum(np.abs(out), _CANCELLED * gross)
        allowed = np.where(counting & (gross > LEAST * largest), TOLERANCE * sizes, np.inf)
        if not (lacking <= allowed).all():
            refined = RefinedEnds.of(
                self.segments, self._shares, (self._space.lines, self._space.gradients), volts, currents, (v, u),
                allowed, _MOST_PASSES,
            )  # fmt: skip
            v, u, across, lacking = refined.v, refined.u, refined.across, refined.lacking
            out, gross, largest = self._ends(volts, currents, across)
            bad = counting & ~(lacking <= TOLERANCE * gross) & (gross > QUIET * largest)
            if bad.any():
                k = int(np.flatnonzero(bad)[0])
                side = SIDES[int(np.searchsorted(self._places, k, side="right"))]
                raise ConvergenceError(
                    f"{side}[{k - sum(volts[s].size for s in SIDES[:SIDES.index(side)])}] of {about} was solved to "
                    f"{lacking[k] / gross[k]:.1e} of what its nodes bring to it (tolerance {TOLERANCE:g})",
                    "look for cells and wires very far apart",
                )  # fmt: skip
        # Sums of as many terms as a line has nodes round.
        error = lacking + max(g.shape) * _EPS * gross
        return FedAnswer(v, u, across, self._sided(out), self._sided(gross), self._sided(error), largest)

    @property
    def _places(self) -> list[int]:
        """Where the second side's ends begin, the third's and the last's, all one after the other."""
        rows, cols = self.crossbar.shape
        return [rows, 2 * rows, 2 * rows + cols]

    def _sided(self, numbers: Array) -> dict[Side, Array]:
        return dict(zip(SIDES, np.split(numbers, self._places), strict=True))

    def _ends(
        self, volts: dict[Side, Array], currents: tuple[Array, Array], across: Array
    ) -> tuple[Array, Array, float]:
        """Return the currents out of all ends, what nodes bring to each in magnitude, and the largest current."""
        along, shares = self.segments.g * across, self._shares
        out, largest = shares.end_currents(along + currents[0], along + currents[1], volts)
        drawn, received = np.abs(along) + np.abs(currents[0]), np.abs(along) + np.abs(currents[1])
        words = np.abs(volts["word_left"] - volts["word_right"]) * shares.through_word
        bits = np.abs(volts["bit_top"] - volts["bit_bottom"]) * shares.through_bit
        gross = [(part * drawn).sum(axis=1) + words for part in shares.shares[:2]]
        gross += [(part * received).sum(axis=0) + bits for part in shares.shares[2:]]
        return np.concatenate([out[side] for side in SIDES]), np.concatenate(gross), largest
