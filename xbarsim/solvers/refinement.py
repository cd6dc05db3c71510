"""Voltages with twice a double's digits, the bound that they prove for the end currents, and how to improve them.

Where line ends are weak against the cells, all nodes sit near one voltage, and cell currents ``g (v - u)`` of plain
doubles are rounding errors. Kept as pairs, voltages can be corrected until Kirchhoff's laws hold for the currents that
leave the array: iterative refinement, with the equations of :mod:`xbarsim.kernels.defects`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.kernels import defects, kirchhoff, ladders, schur
from xbarsim.kernels.line_solver import Gradients, Lines

GOAL = 5e-13
"""A solution whose bound is below is handed out as it is; above, it is refined."""

EXACT = 1e-12
"""Bound of a solution that needs no other method to do better."""

MOST_STEPS = 30

SLOWEST = 0.3
"""A refinement that lessens the bound by less does not converge."""


SETTLED = 1e-10
"""Part of the largest source's voltage by which the last correction of settled voltages moved them at most."""


@dataclass
class VoltagePairs:
    """Node voltages ``v + low_v`` and ``u + low_u``, (rows, cols) each."""

    v: Array
    low_v: Array
    u: Array
    low_u: Array

    @staticmethod
    def of(v: Array, u: Array) -> VoltagePairs:
        """Take plain voltages, which are changed in place; those of islands count as 0 V."""
        np.nan_to_num(v, copy=False)
        np.nan_to_num(u, copy=False)
        return VoltagePairs(v, np.zeros_like(v), u, np.zeros_like(u))

    def across(self) -> Array:
        """Volts across the cells."""
        out = np.empty(self.v.shape)
        defects.across(self.v, self.low_v, self.u, self.low_u, out)
        return out

    def lower(self) -> tuple[Array, Array]:
        """Volts of the lower one of each cell's nodes, and what their rounding left."""
        below = self.v <= self.u
        return np.where(below, self.v, self.u), np.where(below, self.low_v, self.low_u)

    def copy(self) -> VoltagePairs:
        """Copy all four arrays."""
        return VoltagePairs(self.v.copy(), self.low_v.copy(), self.u.copy(), self.low_u.copy())

    def put(self, source: VoltagePairs) -> None:
        """Take the numbers of ``source``."""
        for mine, numbers in (
            (self.v, source.v),
            (self.low_v, source.low_v),
            (self.u, source.u),
            (self.low_u, source.low_u),
        ):
            mine[:] = numbers

    def add(self, dv: Array, du: Array) -> None:
        """Add corrections (rows, cols)."""
        defects.add(self.v, self.low_v, dv)
        defects.add(self.u, self.low_u, du)


@dataclass(frozen=True)
class CellTangents:
    """What the cells take at given voltages: currents, those per volt across, and slopes in both nodes' voltages.

    ``siemens`` are the memristors' own: what is next to nothing against those times the sources' volts is no current.
    ``leak_word`` and ``leak_bit`` are what leaves word and bit nodes besides, where there is any: leaks, and what of
    ``cells`` is not ``chord`` times the volts across where that is 0.
    """

    siemens: Array
    cells: Array
    chord: Array
    a: Array
    b: Array
    leak_word: Array | None = None
    leak_bit: Array | None = None

    def leaving(self) -> tuple[Array, Array]:
        """Return all that leaves word nodes, and bit nodes."""
        if self.leak_word is None or self.leak_bit is None:
            return self.cells, -self.cells
        through = np.where(self.chord == 0.0, 0.0, self.cells)
        return through + self.leak_word, self.leak_bit - through


TangentsOf = Callable[[VoltagePairs], CellTangents]


def ohmic(g: Array) -> TangentsOf:
    """Return the law of linear cells."""
    return lambda pairs: CellTangents(g, g * pairs.across(), g, g, g)


class Balance:
    """How far pairs of voltages are from Kirchhoff's laws, for one set of source voltages.

    Attributes
    ----------
    bound : float
        Bound of the error of any end current, relative to ``scale``.
    scale : float
        The largest end current, or what counts as none.
    out : list of (lines,)
        Currents out at the left, right, top and bottom ends.
    leaving, entering, dv, du : (rows, cols)
        Sources in place of the gaps: currents that leave word nodes and enter bit nodes, and volts that the error's
        voltages have besides.
    far_word, far_bit : (rows,), (cols,)
        Volts of right and top sources in place of the gaps.
    """

    def __init__(self, word: Array, bit: Array, volts: list[Array], law: CellTangents, pairs: VoltagePairs) -> None:
        left, right, top, bottom = volts
        rows, cols = pairs.v.shape
        leaving_w, self.dv = np.empty((2, rows, cols))
        leaving_b, shift_b = np.empty((2, cols, rows))
        self.out = [np.empty(rows), np.empty(rows), np.empty(cols), np.empty(cols)]
        self.far_word, self.far_bit = np.empty(rows), np.empty(cols)
        most = max(float(np.abs(side).max()) for side in volts)
        per_volt = 1.0 / max(most, 1e-300)

        def turned(layer: Array) -> Array:
            """Bit lines as word lines are: from the bottom up."""
            lines = np.empty(layer.shape[::-1])
            defects.turn(layer, lines)
            return lines

        taken_w, taken_b = law.leaving()
        rest_w = np.zeros((rows, cols)) if law.leak_word is None else law.leak_word
        rest_b = np.zeros((cols, rows)) if law.leak_bit is None else turned(law.leak_bit)
        lost_w, driven_w = defects.line_gaps(
            taken_w, law.chord, law.a, word, pairs.v, pairs.low_v, pairs.u, pairs.low_u, rest_w,
            left, right, self.out[0], self.out[1], leaving_w, self.dv, self.far_word, per_volt,
        )  # fmt: skip
        chord_b = turned(law.chord)
        lost_b, driven_b = defects.line_gaps(
            turned(taken_b), chord_b, chord_b if law.b is law.chord else turned(law.b), turned(bit), turned(pairs.u),
            turned(pairs.low_u), turned(pairs.v), turned(pairs.low_v), rest_b, bottom, top, self.out[3], self.out[2],
            leaving_b, shift_b, self.far_bit, per_volt,
        )  # fmt: skip
        self.du, self.entering = np.empty((2, rows, cols))
        defects.turn_back(shift_b, self.du)
        defects.turn_back(leaving_b, self.entering)
        common = law.a * self.dv - law.b * self.du
        self.leaving = leaving_w + common
        np.subtract(common, self.entering, out=self.entering)
        error = lost_w + lost_b + defects.SAFETY * float(np.sqrt(driven_w + driven_b)) / per_volt
        self.scale = scale(self.out, law.siemens, volts)
        self.bound = error / self.scale if self.scale > 0.0 else 0.0
        if not self.bound < np.inf:
            self.bound = np.inf


def scale(currents: Iterable[Array], cells: Array, volts: Iterable[Array]) -> float:
    """Return the largest end current, or what is too small to count as one."""
    most = float(cells.sum(axis=1).max()) * max(float(np.abs(side).max()) for side in volts)
    return max(*(float(np.abs(amperes).max()) for amperes in currents), kirchhoff.FLOOR * most)


Solver = Callable[[CellTangents, Balance, Array, Array], bool]


def refine(
    word: Array,
    bit: Array,
    volts: list[Array],
    law_of: TangentsOf,
    correction: Solver,
    pairs: VoltagePairs,
    settle: bool = False,
) -> tuple[Balance, int]:
    """Correct ``pairs`` until their bound is below ``GOAL`` or falls no more; return their balance and the steps taken.

    To ``settle`` they are corrected until they move by less than ``SETTLED`` of the largest source, too: what hangs
    on next to nothing has a voltage that no end current tells.
    ``correction(law, balance, dv, du)`` solves the tangent circuit with the balance's sources alone, and says whether
    it could.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows has no bound, and is refused
        law = law_of(pairs)
        balance = Balance(word, bit, volts, law, pairs)
        dv, du = np.empty((2, *pairs.v.shape))
        small = SETTLED * max(float(np.abs(side).max()) for side in volts)
        settled = not settle
        for step in range(MOST_STEPS):
            if (balance.bound <= GOAL and settled) or not balance.bound < np.inf:
                return balance, step
            before, best = balance, pairs.copy()
            du[:] = 0.0
            if not correction(law, balance, dv, du):
                return balance, step
            dv += balance.dv
            du += balance.du
            pairs.add(dv, du)
            law = law_of(pairs)
            balance = Balance(word, bit, volts, law, pairs)
            settled = not settle or max(float(np.abs(dv).max()), float(np.abs(du).max())) <= small
            if balance.bound <= GOAL:
                continue
            if not balance.bound < before.bound:
                pairs.put(best)
                return before, step
            if balance.bound > SLOWEST * before.bound:
                return balance, step + 1
        return balance, MOST_STEPS


def linear_correction(word: Array, bit: Array, lines: Lines, limit: int, threads: int) -> Solver:
    """Return a solver of linear circuits for :func:`refine`, by conjugate gradients to their last digit."""
    rows, cols = word.shape[0], bit.shape[1]
    gradients = Gradients(rows, cols, offsets=True)
    zero_w, zero_b = np.zeros(rows), np.zeros(cols)

    def solve(law: CellTangents, balance: Balance, dv: Array, du: Array) -> bool:
        far_w = balance.far_word / np.maximum(word[:, -1], ladders.TINY)
        far_b = balance.far_bit / np.maximum(bit[0], ladders.TINY)
        status, _, _ = gradients.solve(
            lines, zero_w, far_w, zero_b, far_b, 1e-13, 0.0, limit, dv, du,
            leaving=balance.leaving, entering=balance.entering, threads=threads,
        )  # fmt: skip
        return bool(status == schur.CONVERGED)

    return solve
