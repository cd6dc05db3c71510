"""The two exact methods for linear cells: conjugate gradients, and Kron reduction with voltages on the way back."""

from __future__ import annotations

import threading
from typing import TypeVar

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.kernels import kirchhoff, ladders, schur
from xbarsim.kernels.line_solver import Gradients, Lines
from xbarsim.resources import check_memory, check_running, chunks, run_tasks
from xbarsim.solvers.answer import BatchAnswer, field_evidence
from xbarsim.solvers.refinement import EXACT, GOAL, RefinementSpace, VoltagePairs, linear_correction, ohmic, refine
from xbarsim.solvers.segments import Segments
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

NUMBERS = 7
"""Doubles a cell of one kind of work space, about."""

WORKSPACE_BYTES = 64e6
"""Work space is kept between calls up to this size."""


_arrays = threading.local()

Space = TypeVar("Space", Lines, Gradients, RefinementSpace)


def _workspace(kind: type[Space], rows: int, cols: int) -> Space:
    """Return work space of any content, the same at a thread's next call for this shape.

    Fresh memory costs a page fault every 4 KB, as much in all as several conjugate-gradient steps.
    """
    space: tuple[tuple[int, int], Space] | None = getattr(_arrays, kind.__name__, None)
    if space is None or space[0] != (rows, cols):
        space = (rows, cols), kind(rows, cols)
        if 8.0 * NUMBERS * rows * cols <= WORKSPACE_BYTES:
            setattr(_arrays, kind.__name__, space)
    return space[1]


def _check_memory(segments: Segments, batch: int, fields: bool, scratch: int) -> None:
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
) -> BatchAnswer:
    """Solve each vector of source voltages (batch, lines) by preconditioned conjugate gradients.

    Where wires dominate or lines nearly float, rounding errors of the node voltages are magnified. Small arrays then
    get their numbers from a reduction, and the answer says for which vectors; others are refined. What only checks
    others (``all_digits`` False) is refined where it needs to be. Sources that 0 ohm joins must not be in conflict.

    Parameters
    ----------
    segments : Segments
        Of linear cells.
    sources : dict of side to (batch, lines) array
        Volts.
    fields : bool
        Whether node voltages are kept.
    max_iterations : int
        Steps of conjugate gradients, at most, for a vector.
    threads : int
        How many vectors are solved at once.
    all_digits : bool
        Whether voltages are refined until end currents have all digits.

    Raises
    ------
    TooLargeError
        The work would not fit in memory.
    """
    batch = sources["word_left"].shape[0]
    _check_memory(segments, batch, fields, 12 + 9 * min(threads, batch))
    gradients = _Gradients(segments, sources, fields, max_iterations, all_digits, threads // max(1, batch))
    run_tasks(gradients.solve, chunks(batch, threads), threads)
    answer, doubtful = gradients.answer(), gradients.doubtful
    if not doubtful.any():
        return answer
    hard = {side: volts[doubtful] for side, volts in sources.items()}
    return answer.with_reduction(doubtful, by_kron(segments, hard, threads=threads))


class _Gradients:
    """Conjugate gradients on one circuit, and what they give for the vectors of a batch."""

    def __init__(
        self, segments: Segments, sources: dict[Side, Array], fields: bool, limit: int, all_digits: bool, threads: int
    ) -> None:
        self.segments, self.sources, self.limit, self.threads = segments, sources, limit, threads
        rows, cols = segments.g.shape
        batch = sources["word_left"].shape[0]
        self.lines = _workspace(Lines, rows, cols)
        self.lines.factor(segments.g, segments.word, segments.bit, threads=threads)
        # A far end's Norton current; an open end has none, an ideal source a very large one.
        self.far_word = sources["word_right"] / np.maximum(segments.word[:, -1], ladders.TINY)
        self.far_bit = sources["bit_top"] / np.maximum(segments.bit[0], ladders.TINY)
        self.small = all_digits and segments.g.size <= RECHECK_CELLS
        self.goal = GOAL if all_digits else EXACT
        self.currents = {side: np.zeros_like(volts) for side, volts in sources.items()}
        self.fields = np.empty((2, batch, rows, cols)) if fields else None
        self.residual, self.iterations = np.zeros(batch), np.zeros(batch, np.int64)
        self.converged, self.sure = np.ones((2, batch), np.bool_)
        self.doubtful = np.zeros(batch, np.bool_)
        self.across: dict[int, Array] = {}

    def answer(self) -> BatchAnswer:
        """Put together what all vectors were solved to."""
        word, bit = (None, None) if self.fields is None else self.fields
        return BatchAnswer(
            "schur", self.sources, self.currents, self.residual, word, bit,
            iterations=self.iterations, converged=self.converged, sure=self.sure,
            reduced=np.zeros_like(self.sure), across=self.across,
        )  # fmt: skip

    def solve(self, vectors: slice) -> None:
        """Solve some vectors, one after the other; refine what needs it, and mark what a reduction should replace."""
        segments, lines = self.segments, self.lines
        g, word, bit = segments.g, segments.word, segments.bit
        rows, cols = g.shape
        gradients = _workspace(Gradients, rows, cols)
        v, u = np.empty((2, 0, 0)) if self.fields is not None else np.empty((2, rows, cols))
        for k in range(vectors.start, vectors.stop):
            check_running()
            if self.fields is not None:
                v, u = self.fields[:, k]
            left, _, _, bottom = volts = [self.sources[side][k] for side in SIDES]
            out = [self.currents[side][k] for side in SIDES]
            status, steps, strain = gradients.solve(
                lines,
                left,
                self.far_word[k],
                bottom,
                self.far_bit[k],
                CG_TOLERANCE,
                0.0,
                self.limit,
                v,
                u,
                threads=self.threads,
            )
            loss = lines.end_currents(g, word, bit, volts, v, u, out, threads=self.threads)
            self.residual[k] = kirchhoff.residual(g, word, bit, *volts, v, u, *out)
            self.iterations[k], self.converged[k], self.sure[k] = steps, status == schur.CONVERGED, strain <= STRAIN
            unsure = strain > STRAIN or loss > LOSS or steps > HARD_ITERATIONS
            self.doubtful[k] = self.small and unsure
            if (self.residual[k] > self.goal or not self.sure[k]) and not self.doubtful[k]:
                self._refine(k, volts, out, v, u)

    def _refine(self, vector: int, volts: list[Array], out: list[Array], v: Array, u: Array) -> None:
        """Improve one vector's node voltages v, u and its end currents by iterative refinement."""
        word, bit = self.segments.word, self.segments.bit
        rows, cols = self.segments.g.shape
        space = _workspace(RefinementSpace, rows, cols)
        pairs = VoltagePairs.of(v, u, (space.low_v, space.low_u))
        correction = linear_correction(
            word, bit, self.lines, _workspace(Gradients, rows, cols), self.limit, self.threads
        )  # fmt: skip
        balance, steps = refine(
            word, bit, volts, ohmic(self.segments.g), correction, pairs, space, settle=not self.sure[vector],
            threads=self.threads if self.lines.halved else 1,
        )  # fmt: skip
        if steps == 0 and self.residual[vector] < balance.bound:
            return
        for amperes, better in zip(out, balance.out, strict=True):
            amperes[:] = better
        self.residual[vector] = balance.bound
        if balance.bound <= GOAL:
            self.converged[vector] = self.sure[vector] = True
        if self.fields is not None:
            self.across[vector] = pairs.across()


def by_kron(segments: Segments, sources: dict[Side, Array], *, threads: int) -> BatchAnswer:
    """Solve each vector of source voltages (batch, lines) with all node voltages by one Kron reduction.

    Sources that 0 ohm joins must not be in conflict.

    Parameters
    ----------
    segments : Segments
        Of linear cells.
    sources : dict of side to (batch, lines) array
        Volts.
    threads : int
        For the reduction.

    Raises
    ------
    TooLargeError
        The work would not fit in memory.
    """
    batch = sources["word_left"].shape[0]
    # Voltages are pairs here, and the cells' volts are kept beside them.
    _check_memory(segments, batch, True, 3 * batch)
    terminals = Terminals.of(segments, keep=True, threads=threads)
    currents = terminals.currents(sources)
    v, u = terminals.network.voltages(terminals.stack(sources))
    residual, across = field_evidence(segments, sources, currents, (v[0], v[1]), (u[0], u[1]))
    return BatchAnswer.direct("kron", sources, currents, residual, word=v[0], bit=u[0], across=across)
