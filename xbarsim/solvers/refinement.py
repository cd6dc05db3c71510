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
from xbarsim.kernels.line_solver import Gradients, Lines, apart, run_layers

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
    def of(v: Array, u: Array, low: tuple[Array, Array] | None = None) -> VoltagePairs:
        """Take plain voltages, which are changed in place; those of islands count as 0 V.

        What is below their last digit is kept in ``low``, arrays of any content, if there are such.

        Parameters
        ----------
        v, u : (rows, cols) array
            Volts of word nodes and of bit nodes; they are changed.
        low : pair of (rows, cols) array, optional
            Room for what is below their last digits.
        """
        low_v, low_u = (np.empty_like(v), np.empty_like(u)) if low is None else low
        for volts, digits in ((v, low_v), (u, low_u)):
            np.nan_to_num(volts, copy=False)
            digits[:] = 0.0
        return VoltagePairs(v, low_v, u, low_u)

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
        """Add corrections (rows, cols).

        Parameters
        ----------
        dv, du : (rows, cols) array
            Volts for word nodes and for bit nodes.
        """
        defects.add(self.v, self.low_v, dv)
        defects.add(self.u, self.low_u, du)

    def exchange(self, dv: Array, du: Array, shift_v: Array, shift_u: Array) -> VoltagePairs:
        """Add ``dv + shift_v`` and ``du + shift_u``; return the voltages before that, in those arrays' memory.

        Parameters
        ----------
        dv, du : (rows, cols) array
            Volts for word nodes and for bit nodes.
        shift_v, shift_u : (rows, cols) array
            More of them.
        """
        defects.exchange(self.v, self.low_v, dv, shift_v)
        defects.exchange(self.u, self.low_u, du, shift_u)
        return VoltagePairs(dv, shift_v, du, shift_u)

    def distance(self, pairs: VoltagePairs) -> float:
        """Return how far the voltage is that is farthest from the same one of another circuit state."""
        return max(float(np.abs(self.v - pairs.v).max()), float(np.abs(self.u - pairs.u).max()))


@dataclass(frozen=True)
class CellTangents:
    """What the cells take at given voltages: currents, those per volt across, and slopes in both nodes' voltages.

    ``siemens`` are the memristors' own: what is next to nothing against those times the sources' volts is no current.
    ``cells`` are None for ohmic ones, which take ``chord`` times the volts across and are as steep.
    ``leak_word`` and ``leak_bit`` are what leaves word and bit nodes besides, where there is any: leaks, and what of
    ``cells`` is not ``chord`` times the volts across where that is 0.
    """

    siemens: Array
    cells: Array | None
    chord: Array
    a: Array
    b: Array
    leak_word: Array | None = None
    leak_bit: Array | None = None

    def currents(self, pairs: VoltagePairs) -> Array:
        """Return what the cells take at the voltages that this is of."""
        return self.chord * pairs.across() if self.cells is None else self.cells

    def leaving(self) -> tuple[Array, Array]:
        """Return all that leaves word nodes, and bit nodes, where cells are not ohmic."""
        if self.cells is None:
            raise ValueError("what ohmic cells take is not kept")
        if self.leak_word is None or self.leak_bit is None:
            return self.cells, -self.cells
        through = np.where(self.chord == 0.0, 0.0, self.cells)
        return through + self.leak_word, self.leak_bit - through


TangentsOf = Callable[[VoltagePairs], CellTangents]


def ohmic(g: Array) -> TangentsOf:
    """Return the law of linear cells."""
    law = CellTangents(g, None, g, g, g)
    return lambda pairs: law


def _read_only(array: Array) -> Array:
    """Return an array as kernels go through it, row after row; they are compiled anew for what else may be written."""
    array = np.ascontiguousarray(array).view()
    array.setflags(write=False)
    return array


class SourceSpace:
    """Memory for the sources that a balance has in place of its gaps: 4 numbers a node, 3 where no line is broken."""

    def __init__(self, rows: int, cols: int) -> None:
        self.leaving, self.entering, self.dv, self.du = apart(4, rows, cols)


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

    def __init__(
        self, word: Array, bit: Array, volts: list[Array], law: CellTangents, pairs: VoltagePairs,
        space: SourceSpace | None = None, threads: int = 1,
    ) -> None:  # fmt: skip
        left, right, top, bottom = volts
        rows, cols = pairs.v.shape
        space = SourceSpace(rows, cols) if space is None else space
        self.dv, self.du, self.leaving = space.dv, space.du, space.leaving
        self.out = [np.empty(rows), np.empty(rows), np.empty(cols), np.empty(cols)]
        self.far_word, self.far_bit = np.empty(rows), np.empty(cols)
        most = max(float(np.abs(side).max()) for side in volts)
        per_volt = 1.0 / max(most, 1e-300)
        ohmic = law.cells is None
        taken_w, taken_b = (law.chord, law.chord) if ohmic else law.leaving()
        leak_w, leak_b = law.leak_word, law.leak_bit
        if leak_w is None or leak_b is None:
            leak_w = leak_b = law.chord if ohmic else np.zeros((rows, cols))
        chord, a, b, v, low_v, u, low_u, word, bit, taken_w, taken_b, leak_w, leak_b = map(
            _read_only,
            (
                law.chord, law.a, law.b, pairs.v, pairs.low_v, pairs.u, pairs.low_u, word, bit, taken_w, taken_b,
                leak_w, leak_b,
            ),
        )  # fmt: skip
        gaps = [(0.0, 0.0, False)] * 2

        def words() -> None:
            gaps[0] = defects.line_gaps(
                False, ohmic, taken_w, chord, a, word, v, low_v, u, low_u, leak_w, left, right, self.out[0],
                self.out[1], space.leaving, space.dv, self.far_word, per_volt,
            )  # fmt: skip

        def bits() -> None:
            gaps[1] = defects.line_gaps(
                True, ohmic, taken_b, chord, b, bit, u, low_u, v, low_v, leak_b, bottom, top, self.out[3],
                self.out[2], space.entering, space.du, self.far_bit, per_volt,
            )  # fmt: skip

        run_layers(words, bits, threads)
        (lost_w, driven_w, broken_w), (lost_b, driven_b, broken_b) = gaps
        broken = broken_w or broken_b
        if broken and not broken_w:
            space.leaving[:] = 0.0
        if broken and not broken_b:
            space.entering[:] = 0.0
        self.entering = space.entering if broken else space.leaving
        defects.sources(a, b, self.dv, self.du, broken, self.leaving, space.entering)
        error = lost_w + lost_b + defects.SAFETY * float(np.sqrt(driven_w + driven_b)) / per_volt
        self.scale = scale(self.out, law.siemens, volts)
        self.bound = error / self.scale if self.scale > 0.0 else 0.0
        if not self.bound < np.inf:
            self.bound = np.inf


def scale(currents: Iterable[Array], cells: Array, volts: Iterable[Array]) -> float:
    """Return the largest end current, or what is too small to count as one.

    Parameters
    ----------
    currents : iterable of (lines,) array
        Amperes out of each side.
    cells : (rows, cols) array
        Siemens.
    volts : iterable of (lines,) array
        Of each side's sources.
    """
    most = float(cells.sum(axis=1).max()) * max(float(np.abs(side).max()) for side in volts)
    return max(*(float(np.abs(amperes).max()) for amperes in currents), kirchhoff.FLOOR * most)


Solver = Callable[[CellTangents, Balance, Array, Array], bool]


class RefinementSpace:
    """Work space of one thread's refinements: 12 numbers a node."""

    def __init__(self, rows: int, cols: int) -> None:
        self.low_v, self.low_u, self.dv, self.du = apart(4, rows, cols)
        self.sources = SourceSpace(rows, cols), SourceSpace(rows, cols)


def refine(
    word: Array,
    bit: Array,
    volts: list[Array],
    law_of: TangentsOf,
    correction: Solver,
    pairs: VoltagePairs,
    space: RefinementSpace,
    settle: bool = False,
    threads: int = 1,
) -> tuple[Balance, int]:
    """Correct ``pairs`` until their bound is below ``GOAL`` or falls no more; return their balance and the steps taken.

    To ``settle`` they are corrected until they move by less than ``SETTLED`` of the largest source, too: what hangs
    on next to nothing has a voltage that no end current tells.
    ``correction(law, balance, dv, du)`` solves the tangent circuit with the balance's sources alone, and says whether
    it could. Of the balance that is returned only currents and bound are for use: its sources are the ``space``'s.

    Parameters
    ----------
    word, bit : array
        Ohms of the segments of word lines and of bit lines, both ends included.
    volts : list of (lines,) array
        Of the sources, in the order of ``SIDES``.
    law_of : callable
        From voltages to the cells' currents and slopes there.
    correction : callable
        Solves the linear circuit of the slopes for what the balance lacks.
    pairs : VoltagePairs
        Where it begins; they are changed.
    space : RefinementSpace
        Arrays that are used.
    settle : bool
        Whether node voltages, too, must move no more.
    threads : int
        For sums over cells.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows has no bound, and is refused

        def weigh(step: int) -> tuple[CellTangents, Balance]:
            law = law_of(pairs)
            return law, Balance(word, bit, volts, law, pairs, space.sources[step % 2], threads)

        law, balance = weigh(0)
        dv, du = space.dv, space.du
        small = SETTLED * max(float(np.abs(side).max()) for side in volts)
        settled = not settle
        for step in range(MOST_STEPS):
            if (balance.bound <= GOAL and settled) or not balance.bound < np.inf:
                return balance, step
            before = balance
            if not correction(law, balance, dv, du):
                return balance, step
            best = pairs.exchange(dv, du, before.dv, before.du)
            law, balance = weigh(step + 1)
            settled = not settle or pairs.distance(best) <= small
            if balance.bound <= GOAL:
                continue
            if not balance.bound < before.bound:
                pairs.put(best)
                return before, step
            if balance.bound > SLOWEST * before.bound:
                return balance, step + 1
        return balance, MOST_STEPS


def linear_correction(word: Array, bit: Array, lines: Lines, gradients: Gradients, limit: int, threads: int) -> Solver:
    """Return a solver of linear circuits for :func:`refine`, by conjugate gradients to their last digit.

    Parameters
    ----------
    word, bit : array
        Ohms of the segments of word lines and of bit lines, both ends included.
    lines : Lines
        Their factors.
    gradients : Gradients
        Arrays of conjugate gradients.
    limit : int
        Steps at most.
    threads : int
        For products.
    """
    zero_w, zero_b = np.zeros(word.shape[0]), np.zeros(bit.shape[1])

    def solve(law: CellTangents, balance: Balance, dv: Array, du: Array) -> bool:
        far_w = balance.far_word / np.maximum(word[:, -1], ladders.TINY)
        far_b = balance.far_bit / np.maximum(bit[0], ladders.TINY)
        status, _, _ = gradients.solve(
            lines, zero_w, far_w, zero_b, far_b, 1e-13, 0.0, limit, dv, du,
            leaving=balance.leaving, entering=balance.entering, threads=threads,
        )  # fmt: skip
        return bool(status == schur.CONVERGED)

    return solve
