"""Cells with an access transistor that leaks and has a body effect: Newton's method on the crossbar's lines.

What leaks leaves the nodes as currents beside the cells' own, so tangents are those of a crossbar; the leaks' slopes,
next to nothing beside memristors, are left out of them. Voltages are pairs from the start, and every step is judged by
the bound that they prove for the end currents (:mod:`xbarsim.refinement`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import access, reduction, schur
from xbarsim.refinement import EXACT, GOAL, Balance, Law, Pairs
from xbarsim.segments import Segments

_STEPS = 25
_HALVINGS = 4
_LOOSEST, _TIGHTEST = 1e-3, 1e-13
_SETTLED = 1e-12
"""Part of the largest source's voltage that a node may be off by, currents aside."""

_PASSES = 2_000
"""Of the linear solver in a step."""


@dataclass(frozen=True)
class AccessCells:
    """Cells, (rows, cols) each.

    Attributes
    ----------
    parameters : (rows, cols, 10)
        As ``kernels.access.PARAMETERS``, the first 0 where there is no cell.
    gate, bulk : (rows, cols)
        Volts.
    own : (rows, cols) of bool
        Whether the bulk is tied to the transistor's outer end.
    on_word : (rows, cols) of bool
        Whether the memristor is on the word line's side.
    """

    parameters: Array
    gate: Array
    bulk: Array
    own: NDArray[np.bool_]
    on_word: NDArray[np.bool_]


@dataclass
class AccessState:
    """A solution: node voltages, what flows and leaks, (rows, cols) each, the end currents and their bound."""

    pairs: Pairs
    inner: Array
    cells: Array
    leak_word: Array
    leak_bit: Array
    currents: dict[Side, Array]
    bound: float
    steps: int


def solve(
    segments: Segments, cells: AccessCells, sources: dict[Side, Array], near: AccessState | None = None
) -> AccessState | None:
    """Solve for one vector of source voltages (lines,), from ``near`` where that is known.

    Return None where steps do not lead to a solution whose end currents are right to ``EXACT``, and where lines are
    broken or not tied: what hangs on leaks alone has no tangent here.
    """
    if segments.breakable:
        return None
    return _Lines(segments, cells, [np.ascontiguousarray(sources[side]) for side in SIDES]).run(near)


class _Lines:
    def __init__(self, segments: Segments, cells: AccessCells, volts: list[Array]) -> None:
        self.word, self.bit, self.volts, self.of = segments.word, segments.bit, volts, cells
        self.shape = rows, cols = segments.g.shape
        self.siemens = np.ascontiguousarray(cells.parameters[:, :, 0])
        self.lw, self.kw, self.lb, self.kb = np.empty((4, rows, cols))
        self.work, self.y = np.empty((8, rows, cols)), np.empty((cols, 4))
        self.end_w, self.end_b = np.empty(rows), np.empty(cols)
        self.zero_w, self.zero_b = np.zeros(rows), np.zeros(cols)

    def run(self, near: AccessState | None) -> AccessState | None:
        pairs = self._guess() if near is None else near.pairs.copy()
        with np.errstate(all="ignore"):  # what overflows has no bound
            law = self._law(pairs)
            balance = Balance(self.word, self.bit, self.volts, law, pairs)
            step = 0
            while not (balance.bound <= GOAL and self._settled(balance)) and step < _STEPS:
                reduction.go_on()
                step += 1
                dv, du = np.empty((2, *self.shape))
                if not self._correct(law, balance, dv, du):
                    return None
                before, best = balance, pairs.copy()
                law, balance = self._moved(pairs, best, dv + balance.dv, du + balance.du, before)
                if not balance.bound < before.bound and before.bound <= EXACT and self._settled(before):
                    pairs.put(best)
                    law, balance = self._law(pairs), before
                    break
                if not balance.bound < max(before.bound, EXACT):
                    return None
        if not (balance.bound <= EXACT and self._settled(balance)) or self.steepest > access.STEEPEST:
            return None
        return AccessState(
            pairs, self.inner, law.cells, self.leak_v, self.leak_u, dict(zip(SIDES, balance.out, strict=True)),
            balance.bound, step,
        )  # fmt: skip

    def _settled(self, balance: Balance) -> bool:
        """Whether nodes are where their sources and the currents hold them, ends without a current too."""
        most = max(float(np.abs(held).max()) for held in self.volts)
        off = (balance.dv, balance.du, balance.far_word, balance.far_bit)
        return max(float(np.abs(volts).max()) for volts in off) <= _SETTLED * most

    def _guess(self) -> Pairs:
        """Lines at their sources' voltages, at 0 where they have none."""
        left, right, top, bottom = self.volts
        v, u = np.empty((2, *self.shape))
        word, bit = self.word, self.bit
        v[:] = np.where(word[:, 0] < np.inf, left, np.where(word[:, -1] < np.inf, right, 0.0))[:, None]
        u[:] = np.where(bit[-1] < np.inf, bottom, np.where(bit[0] < np.inf, top, 0.0))
        return Pairs.of(v, u)

    def _law(self, pairs: Pairs) -> Law:
        i, chord, a, b, self.leak_v, self.leak_u, self.inner = np.empty((7, *self.shape))
        of = self.of
        self.steepest = access.cells(
            pairs.v, pairs.low_v, pairs.u, pairs.low_u, of.parameters, of.gate, of.bulk, of.own, of.on_word,
            i, chord, a, b, self.leak_v, self.leak_u, self.inner,
        )  # fmt: skip
        alone = np.where(chord == 0.0, i, 0.0)
        return Law(self.siemens, i, chord, a, b, alone + self.leak_v, self.leak_u - alone)

    def _correct(self, law: Law, balance: Balance, dv: Array, du: Array) -> bool:
        """Solve the tangent circuit for what the balance misses, as exactly as that deserves."""
        word, bit = self.word, self.bit
        schur.factor_word(law.a, word, self.lw, self.kw, self.end_w)
        schur.factor_bit(law.b, bit, self.lb, self.kb, self.end_b)
        far_w = balance.far_word / np.maximum(word[:, -1], schur.TINY)
        far_b = balance.far_bit / np.maximum(bit[0], schur.TINY)
        tolerance = max(_TIGHTEST, min(_LOOSEST, balance.bound * balance.bound))
        du[:] = 0.0
        status, _ = schur.solve_unsymmetric(
            law.a, law.b, balance.leaving, balance.entering, self.lw, self.kw, self.lb, self.kb, self.zero_w, far_w,
            self.zero_b, far_b, tolerance, _PASSES, dv, du, self.end_w, self.end_b, self.work, self.y,
        )  # fmt: skip
        return bool(status == schur.CONVERGED and np.isfinite(dv).all() and np.isfinite(du).all())

    def _moved(self, pairs: Pairs, best: Pairs, dv: Array, du: Array, before: Balance) -> tuple[Law, Balance]:
        """Move ``pairs`` by a step, or by as much of it as brings them nearer."""
        for _ in range(_HALVINGS):
            pairs.put(best)
            pairs.add(dv, du)
            law = self._law(pairs)
            balance = Balance(self.word, self.bit, self.volts, law, pairs)
            if balance.bound < before.bound or before.bound <= EXACT:
                break
            dv, du = 0.5 * dv, 0.5 * du
        return law, balance
