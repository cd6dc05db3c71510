"""Cells with an access transistor that leaks and has a body effect: Newton's method on the crossbar's lines.

What leaks leaves the nodes as currents beside the cells' own, so tangents are those of a crossbar; the leaks' slopes,
next to nothing beside memristors, are left out of them. Voltages are pairs from the start, and every step is judged by
the bound that they prove for the end currents (:mod:`xbarsim.solvers.refinement`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import access, ladders, unsymmetric
from xbarsim.resources import check_running
from xbarsim.solvers.refinement import EXACT, GOAL, Balance, CellTangents, VoltagePairs
from xbarsim.solvers.segments import Segments

_STEPS = 25
_HALVINGS = 4
_LOOSEST, _TIGHTEST = 1e-3, 1e-13
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
    tied_bulk : (rows, cols) of bool
        Whether the bulk is tied to the transistor's outer end.
    on_word : (rows, cols) of bool
        Whether the memristor is on the word line's side.
    """

    parameters: Array
    gate: Array
    bulk: Array
    tied_bulk: NDArray[np.bool_]
    on_word: NDArray[np.bool_]


@dataclass
class AccessState:
    """A solution: node voltages, what flows and leaks, (rows, cols) each, the end currents and their bound."""

    pairs: VoltagePairs
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

    Parameters
    ----------
    segments : Segments
        Wires and ends.
    cells : AccessCells
        The transistors and what is in series with them.
    sources : dict of side to (lines,) array
        Volts.
    near : AccessState, optional
        Volts of nodes from which steps begin.
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
            law, balance = self._at(pairs)
            bound, step = self._bound(balance), 0
            while bound > GOAL and step < _STEPS:
                check_running()
                step += 1
                dv, du = np.empty((2, *self.shape))
                if not self._correct(law, balance, bound, dv, du):
                    return None
                before, best = bound, pairs.copy()
                law, balance, bound = self._moved(pairs, best, dv + balance.dv, du + balance.du, before)
                if not bound < before:
                    if before > EXACT:
                        return None
                    pairs.put(best)
                    law, balance = self._at(pairs)
                    bound = before
                    break
        if not bound <= EXACT or self.steepest > access.STEEPEST:
            return None
        return AccessState(
            pairs, self.inner, law.currents(pairs), self.leak_v, self.leak_u,
            dict(zip(SIDES, balance.out, strict=True)), bound, step,
        )  # fmt: skip

    def _at(self, pairs: VoltagePairs) -> tuple[CellTangents, Balance]:
        law = self._law(pairs)
        return law, Balance(self.word, self.bit, self.volts, law, pairs)

    def _bound(self, balance: Balance) -> float:
        """Return the bound of the end currents' errors, of the largest, with what it cannot see.

        Nodes that no current moves, as where all transistors are off, are still where their sources hold them; and
        what they are off by makes a difference to what leaks.
        """
        most = max(max(float(np.abs(volts).max()) for volts in self.volts), 1e-300)
        off = np.abs(balance.dv) + np.abs(balance.far_word)[:, None] + np.abs(balance.du) + np.abs(balance.far_bit)
        missed = float((self.leaking * off).sum())
        leaks = missed / balance.scale if balance.scale > 0.0 else 0.0
        bound = max(balance.bound + leaks, float(off.max()) / most)
        return bound if bound < np.inf else np.inf

    def _guess(self) -> VoltagePairs:
        """Lines at their sources' voltages, at 0 where they have none."""
        left, right, top, bottom = self.volts
        v, u = np.empty((2, *self.shape))
        word, bit = self.word, self.bit
        v[:] = np.where(word[:, 0] < np.inf, left, np.where(word[:, -1] < np.inf, right, 0.0))[:, None]
        u[:] = np.where(bit[-1] < np.inf, bottom, np.where(bit[0] < np.inf, top, 0.0))
        return VoltagePairs.of(v, u)

    def _law(self, pairs: VoltagePairs) -> CellTangents:
        i, chord, a, b, self.leak_v, self.leak_u, self.leaking, self.inner = np.empty((8, *self.shape))
        of = self.of
        self.steepest = access.cells(
            pairs.v, pairs.low_v, pairs.u, pairs.low_u, of.parameters, of.gate, of.bulk, of.tied_bulk, of.on_word,
            i, chord, a, b, self.leak_v, self.leak_u, self.leaking, self.inner,
        )  # fmt: skip
        alone = np.where(chord == 0.0, i, 0.0)
        return CellTangents(self.siemens, i, chord, a, b, alone + self.leak_v, self.leak_u - alone)

    def _correct(self, law: CellTangents, balance: Balance, bound: float, dv: Array, du: Array) -> bool:
        """Solve the tangent circuit for what the balance misses, as exactly as that deserves."""
        word, bit = self.word, self.bit
        ladders.factor_word(law.a, word, self.lw, self.kw, self.end_w)
        ladders.factor_bit(law.b, bit, self.lb, self.kb, self.end_b)
        far_w = balance.far_word / np.maximum(word[:, -1], ladders.TINY)
        far_b = balance.far_bit / np.maximum(bit[0], ladders.TINY)
        tolerance = max(_TIGHTEST, min(_LOOSEST, bound * bound))
        du[:] = 0.0
        status, _ = unsymmetric.solve(
            law.a, law.b, balance.leaving, balance.entering, self.lw, self.kw, self.lb, self.kb, self.zero_w, far_w,
            self.zero_b, far_b, tolerance, _PASSES, dv, du, self.end_w, self.end_b, self.work, self.y,
        )  # fmt: skip
        return bool(status == unsymmetric.CONVERGED and np.isfinite(dv).all() and np.isfinite(du).all())

    def _moved(
        self, pairs: VoltagePairs, best: VoltagePairs, dv: Array, du: Array, before: float
    ) -> tuple[CellTangents, Balance, float]:
        """Move ``pairs`` by a step, or by as much of it as brings them nearer."""
        for _ in range(_HALVINGS):
            pairs.put(best)
            pairs.add(dv, du)
            law, balance = self._at(pairs)
            bound = self._bound(balance)
            if bound < before or before <= EXACT:
                break
            dv, du = 0.5 * dv, 0.5 * du
        return law, balance, bound
