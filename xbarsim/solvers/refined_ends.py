"""End currents of which the smallest, too, are right: refined until each one's next correction is small against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Side
from xbarsim.kernels.line_solver import Gradients, Lines
from xbarsim.solvers.line_shares import LineShares
from xbarsim.solvers.refinement import Balance, CellTangents, RefinementSpace, VoltagePairs, linear_correction
from xbarsim.solvers.segments import Segments

SOLVED = 1e-10
"""A correction is right to that part of its own largest end current: it is solved to a thousandth of it."""

_MOST_STEPS = 8


@dataclass(frozen=True, eq=False)
class RefinedEnds:
    """Voltages across the cells and at word and bit nodes, (rows, cols); and what each end's amperes may lack.

    Attributes
    ----------
    v, u, across : (rows, cols)
        Volts, those across from voltages of twice a double's digits.
    lacking : (ends,)
        Amperes, all sides one after the other.
    """

    v: Array
    u: Array
    across: Array
    lacking: Array

    @staticmethod
    def of(
        segments: Segments, shares: LineShares, factors: tuple[Lines, Gradients], sources: dict[Side, Array],
        currents: tuple[Array, Array], volts: tuple[Array, Array], sizes: Array, limit: int,
    ) -> RefinedEnds:  # fmt: skip
        """Correct a solution until no end's current moves by more than its size.

        A correction solves the circuit for what the voltages leave of Kirchhoff's laws, and moves the currents by what
        they lacked: each by its own error, where a bound of all ends' errors is that of the loudest. What it lacks
        itself is no more than ``SOLVED`` of its largest current, and is put right by the next.

        Parameters
        ----------
        segments : Segments
            The circuit's.
        shares : LineShares
            What part of each node's current comes to each end.
        factors : (Lines, Gradients)
            Its lines, factored, and the memory that goes with them.
        sources : dict of side to (lines,) array
            Volts.
        currents : pair of (rows, cols) array
            Amperes that leave word nodes, and that enter bit nodes, beside the cells.
        volts : pair of (rows, cols) array
            Of word and bit nodes; changed.
        sizes : (ends,) array
            What each end may lack in amperes, all sides one after the other; inf where it does not count.
        limit : int
            Steps of each correction.
        """
        g, word, bit = segments.g, segments.word, segments.bit
        still = {side: np.zeros_like(value) for side, value in sources.items()}
        of_sources = [sources[side] for side in SIDES]
        pairs, space = VoltagePairs.of(*volts), RefinementSpace(*g.shape)
        correction = linear_correction(word, bit, *factors, limit, 1)
        lacking, before = np.full(sizes.size, np.inf), np.inf
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(_MOST_STEPS):
                law = CellTangents(g, g * pairs.across(), g, g, g, currents[0], -currents[1])
                balance = Balance(word, bit, of_sources, law, pairs, space.sources[0])
                if not correction(law, balance, space.dv, space.du):
                    break
                space.dv += balance.dv
                space.du += balance.du
                moved = g * (space.dv - space.du)
                out, largest = shares.end_currents(moved, moved, still)
                if not largest < np.inf:
                    break
                pairs.add(space.dv, space.du)
                lacking = np.abs(np.concatenate([out[side] for side in SIDES])) + SOLVED * largest
                if (lacking <= sizes).all() or largest > 0.5 * before:
                    break
                before = largest
        return RefinedEnds(pairs.v, pairs.u, pairs.across(), lacking)
