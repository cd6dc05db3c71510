"""The two exact methods for linear cells: conjugate gradients, and Kron reduction with voltages on the way back."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import ends, kirchhoff, schur
from xbarsim.resources import check_memory, check_running, chunks, run_tasks
from xbarsim.solvers.refinement import EXACT, GOAL, Balance, Pairs, linear_correction, ohmic, refine
from xbarsim.solvers.segments import Mask, Segments
from xbarsim.solvers.terminals import Terminals

LOSS = 1e3
"""End currents are unsure where, as differences of node voltages, they lose so much of their precision."""

HARD_ITERATIONS = 24
"""They are unsure, too, where conjugate gradients take more steps: rounding errors grow with their square."""

STRAIN = 1e4
"""Node voltages are unsure where rounding errors are magnified more: lines that float but for tiny cells."""

RECHECK_CELLS = 32 * 32
"""Largest array for which a reduction costs little enough to make all their digits sure."""

CG_TOLERANCE = 1e-13
"""Conjugate gradients go on until the residual's energy norm has fallen by this factor and no output moves by more."""

WORKSPACE_BYTES = 64e6
"""Work space is kept between calls up to this size."""


@dataclass
class Answer:
    """What a method found for a batch of input vectors; unchecked until ``residual`` is looked at.

    Attributes
    ----------
    sources : dict of side to (batch, lines)
        Source voltages.
    currents : dict of side to (batch, lines)
        Amperes out of the array.
    word, bit : (batch, rows, cols) or None
        Node voltages, where they were asked for.
    residual : (batch,)
        Violation of Kirchhoff's laws.
    iterations : (batch,)
        Conjugate-gradient steps; 0 for a reduction.
    converged : (batch,)
        False where conjugate gradients ran out of steps.
    sure : (batch,)
        False where rounding errors were magnified so much that a reduction gives better voltages.
    cut_off : pair of (rows, cols), optional
        Word and bit nodes that cells without any conductance at a vector's voltages leave floating.
    across, cells : dict of int to (rows, cols)
        Volts across the cells, and the currents of nonlinear ones, for vectors whose node voltages are too near each
        other to tell.
    """

    sources: dict[Side, Array]
    currents: dict[Side, Array]
    word: Array | None
    bit: Array | None
    residual: Array
    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]
    sure: NDArray[np.bool_]
    cut_off: tuple[Mask, Mask] | None = None
    across: dict[int, Array] = field(default_factory=dict)
    cells: dict[int, Array] = field(default_factory=dict)

    @staticmethod
    def without_fields(sources: dict[Side, Array], currents: dict[Side, Array], residual: Array) -> Answer:
        """End currents found directly, with one figure for their error."""
        steps = np.zeros(residual.size, np.int64)
        yes = steps == 0
        return Answer(sources, currents, None, None, residual, steps, yes, yes)

    @staticmethod
    def joined(*parts: Answer) -> Answer:
        """Put the vectors of several answers without fields one after the other."""

        def sides(name: str) -> dict[Side, Array]:
            return {side: np.concatenate([getattr(part, name)[side] for part in parts]) for side in SIDES}

        residual, iterations, converged, sure = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("residual", "iterations", "converged", "sure")
        )
        return Answer(sides("sources"), sides("currents"), None, None, residual, iterations, converged, sure)

    def check(self, segments: Segments, low: tuple[Array, Array] | None = None) -> None:
        """Hold the end currents against the fields and these against Kirchhoff's laws; islands count as 0 V.

        ``low`` (batch, rows, cols) is what rounding left of word and bit voltages.
        """
        assert self.word is not None
        assert self.bit is not None
        law_of = ohmic(segments.g)
        for k in range(self.residual.size):
            pairs = Pairs.of(np.nan_to_num(self.word[k]), np.nan_to_num(self.bit[k]))
            if low is not None:
                pairs.low_v, pairs.low_u = (np.nan_to_num(part[k]) for part in low)
                self.across[k] = pairs.across()
            volts = [self.sources[side][k] for side in SIDES]
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows has no bound, and is refused
                balance = Balance(segments.word, segments.bit, volts, law_of(pairs), pairs)
            gap = max(
                float(np.abs(self.currents[side][k] - out).max()) for side, out in zip(SIDES, balance.out, strict=True)
            )
            self.residual[k] = balance.bound + (gap / balance.scale if gap > 0.0 else 0.0)


_NONE = np.empty((0, 0))

_kept = threading.local()


def _workspace(name: str, rows: int, cols: int) -> Array:
    """Four arrays (rows, cols) of any content, the same ones at a thread's next call for this shape.

    Fresh memory costs a page fault every 4 KB, as much in all as several conjugate-gradient steps.
    """
    kept: Array | None = getattr(_kept, name, None)
    if kept is None or kept.shape[1:] != (rows, cols):
        kept = np.empty((4, rows, cols))
        if kept.nbytes <= WORKSPACE_BYTES:
            setattr(_kept, name, kept)
    return kept


def _require_fields(segments: Segments, batch: int, fields: bool, scratch: int) -> None:
    rows, cols = segments.g.shape
    check_memory(
        8.0 * rows * cols * (scratch + (2 * batch if fields else 0)),
        f"solving {batch} vector(s) on {rows} x {cols}{' with all node voltages' if fields else ''}",
        "solve fewer vectors at a time" + (" or leave fields out" if fields else ""),
    )


def by_schur(
    segments: Segments,
    sources: dict[Side, Array],
    *,
    fields: bool,
    max_iterations: int,
    threads: int,
    all_digits: bool = True,
) -> Answer:
    """Solve each vector of source voltages (batch, lines) by preconditioned conjugate gradients.

    Where wires dominate or lines nearly float, rounding errors of the node voltages are magnified. Small arrays then
    get their numbers from a and others are refined; what only checks others (``all_digits`` False) is
    refined where it needs to be.

    Raises
    ------
    SolveError
        Two sources of different voltage are joined by 0 ohm.
    TooLargeError
        The work would not fit in memory.
    """
    g, word, bit = segments.g, segments.word, segments.bit
    rows, cols = g.shape
    batch = sources["word_left"].shape[0]
    _require_fields(segments, batch, fields, 12 + 7 * min(threads, batch))
    segments.refuse_conflicts(sources)
    lw, kw, lb, kb = _workspace("dividers", rows, cols)
    schur.factor_word(g, word, lw, kw, np.empty(rows))
    schur.factor_bit(g, bit, lb, kb, np.empty(cols))
    answer = Answer(
        sources,
        {side: np.zeros_like(volts) for side, volts in sources.items()},
        np.empty((batch, rows, cols)) if fields else None,
        np.empty((batch, rows, cols)) if fields else None,
        np.zeros(batch),
        np.zeros(batch, np.int64),
        np.ones(batch, np.bool_),
        np.ones(batch, np.bool_),
    )
    # A far end's Norton current; an open end has none, an ideal source a very large one.
    far_word = sources["word_right"] / np.maximum(word[:, -1], schur.TINY)
    far_bit = sources["bit_top"] / np.maximum(bit[0], schur.TINY)

    loss = np.ones(batch)
    small = all_digits and g.size <= RECHECK_CELLS
    goal = GOAL if all_digits else EXACT

    def unsure(k: int) -> bool:
        return bool(loss[k] > LOSS or answer.iterations[k] > HARD_ITERATIONS or not answer.sure[k])

    def work(vectors: slice) -> None:
        scratch, y = _workspace("directions", rows, cols), np.empty((cols, 4))
        v, u = np.empty((2, 0, 0)) if fields else np.empty((2, rows, cols))
        arriving_w, arriving_b = np.empty(rows), np.empty(cols)
        for k in range(vectors.start, vectors.stop):
            check_running()
            if answer.word is not None and answer.bit is not None:
                v, u = answer.word[k], answer.bit[k]
            left, right, top, bottom = (sources[side][k] for side in SIDES)
            out = [answer.currents[side][k] for side in SIDES]
            u[:] = 0.0
            status, answer.iterations[k], strain = schur.solve(
                g, _NONE, _NONE, lw, kw, lb, kb, left, far_word[k], bottom, far_bit[k], CG_TOLERANCE, 0.0,
                max_iterations, v, u, arriving_w, arriving_b, scratch, y,
            )  # fmt: skip
            answer.converged[k] = status == schur.CONVERGED
            answer.sure[k] = strain <= STRAIN
            loss[k] = max(
                ends.word_end_currents(g, word, lw, u, left, right, out[0], out[1]),
                ends.bit_end_currents(g, bit, lb, v, top, bottom, out[2], out[3]),
            )
            volts = [left, right, top, bottom]
            answer.residual[k] = kirchhoff.residual(g, word, bit, *volts, v, u, *out)
            if (answer.residual[k] > goal or not answer.sure[k]) and not (small and unsure(k)):
                _refine(segments, answer, k, v, u, (lw, kw, lb, kb), scratch, max_iterations)

    run_tasks(work, chunks(batch, threads), threads)
    again = np.array([small and unsure(k) for k in range(batch)], np.bool_)
    if again.any():
        some = {side: volts[again] for side, volts in sources.items()}
        _replace(answer, again, by_kron(segments, some, threads=threads))
    return answer


def _refine(
    segments: Segments,
    answer: Answer,
    vector: int,
    v: Array,
    u: Array,
    dividers: tuple[Array, ...],
    work: Array,
    limit: int,
) -> None:
    """Improve one vector's node voltages v, u and its end currents by iterative refinement."""
    word, bit = segments.word, segments.bit
    volts = [answer.sources[side][vector] for side in SIDES]
    pairs = Pairs.of(v, u)
    correction = linear_correction(word, bit, dividers, work, limit)
    balance, steps = refine(word, bit, volts, ohmic(segments.g), correction, pairs, settle=not answer.sure[vector])
    if steps == 0 and answer.residual[vector] < balance.bound:
        return
    for side, out in zip(SIDES, balance.out, strict=True):
        answer.currents[side][vector] = out
    answer.residual[vector] = balance.bound
    if balance.bound <= GOAL:
        answer.converged[vector] = answer.sure[vector] = True
    if answer.word is not None:
        answer.across[vector] = pairs.across()


def _replace(answer: Answer, vectors: NDArray[np.bool_], better: Answer) -> None:
    """Put a reduction's numbers in the place of some vectors'; the steps that were taken still count."""
    for side, amperes in better.currents.items():
        answer.currents[side][vectors] = amperes
    if answer.word is not None and answer.bit is not None:
        answer.word[vectors], answer.bit[vectors] = better.word, better.bit
    answer.residual[vectors] = better.residual
    for at, k in enumerate(np.flatnonzero(vectors)):
        answer.across[int(k)] = better.across[at]
    answer.converged[vectors] = answer.sure[vectors] = True


def by_kron(segments: Segments, sources: dict[Side, Array], *, threads: int) -> Answer:
    """Solve each vector of source voltages (batch, lines) with all node voltages by one Kron reduction.

    Raises
    ------
    SolveError
        Two sources of different voltage are joined by 0 ohm.
    TooLargeError
        The work would not fit in memory.
    """
    batch = sources["word_left"].shape[0]
    # Voltages are pairs here, and the cells' volts are kept beside them.
    _require_fields(segments, batch, True, 3 * batch)
    segments.refuse_conflicts(sources)
    terminals = Terminals.of(segments, keep=True, threads=threads)
    currents = terminals.currents(sources)
    v, u = terminals.network.voltages(terminals.stack(sources))
    answer = Answer.without_fields(sources, currents, np.zeros(batch))
    answer.word, answer.bit = v[0], u[0]
    answer.check(segments, (v[1], u[1]))
    return answer
