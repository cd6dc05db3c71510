"""Nonlinear cells: Newton's method for each vector, and what it says when it fails."""

from __future__ import annotations

import numpy as np

from xbarsim.crossbar import SIDES, Array, Side
from xbarsim.devices import Device
from xbarsim.errors import ConvergenceError, LawError
from xbarsim.kernels import islands, kirchhoff, ladders, laws, newton_steps, schur
from xbarsim.kernels.law_table import Cells
from xbarsim.resources import check_memory, check_running, chunks, run_tasks
from xbarsim.solvers.answer import BatchAnswer
from xbarsim.solvers.extrapolation import Beyond, farthest, report
from xbarsim.solvers.refinement import (
    GOAL,
    Balance,
    CellTangents,
    RefinementSpace,
    Solver,
    TangentsOf,
    VoltagePairs,
    refine,
)
from xbarsim.solvers.segments import Segments

CELL_NUMBERS = 25
"""Numbers that a thread keeps for each cell."""

_BAD_LAW = {
    laws.NOT_FINITE: "its current or slope there is not a finite number",
    laws.FALLING: "its current falls as the voltage rises: a crossbar's cells need a slope >= 0",
    laws.AGAINST: "its current there flows against the voltage: a cell must be passive",
}


def by_newton(
    segments: Segments,
    device: Device,
    sources: dict[Side, Array],
    *,
    fields: bool,
    max_iterations: int,
    threads: int,
) -> BatchAnswer:
    """Solve each vector of source voltages (batch, lines) for cells of any law.

    Parameters
    ----------
    segments : Segments
        Wires, ends, and the cells' siemens.
    device : Device
        The cells' law.
    sources : dict of side to (batch, lines) array
        Volts.
    fields : bool
        Whether node voltages are kept.
    max_iterations : int
        Newton steps, at most, for a vector.
    threads : int
        How many vectors are solved at once.

    Raises
    ------
    ConvergenceError
        Newton's method did not converge; the worst cell is named.
    ExtrapolationError
        A cell is beyond the voltages at which its law is known, and the device refuses that.
    LawError
        The device's law is no passive, rising one where the solution led.
    TooLargeError
        The work would not fit in memory.
    """
    g, word, bit = segments.g, segments.word, segments.bit
    rows, cols = g.shape
    batch = sources["word_left"].shape[0]
    cells = device.cells(g)
    numbers = CELL_NUMBERS * min(threads, batch) + cells.parameters.shape[0] + (4 * batch if fields else 0)
    check_memory(
        8.0 * rows * cols * numbers,
        f"solving {batch} vector(s) on {rows} x {cols} nonlinear cells{' with all node voltages' if fields else ''}",
        "solve fewer vectors at a time" + (" or leave fields out" if fields else ""),
    )
    currents = {side: np.zeros_like(volts) for side, volts in sources.items()}
    residual, iterations = np.zeros(batch), np.zeros(batch, np.int64)
    voltages = np.empty((2, batch, rows, cols)) if fields else None
    cut_off = np.zeros((2, rows, cols), np.bool_) if segments.breakable else None
    across: dict[int, Array] = {}
    amperes: dict[int, Array] = {}
    cases: list[Beyond] = []

    def work(vectors: slice) -> None:
        with newton_steps.Workspace.borrowed(rows, cols, cells.symmetric) as space:
            space.threads = threads // max(1, batch)
            solve_vectors(vectors, space)

    def solve_vectors(vectors: slice, space: newton_steps.Workspace) -> None:
        v, u = np.empty((2, rows, cols))
        for k in range(vectors.start, vectors.stop):
            check_running()
            if voltages is not None:
                v, u = voltages[:, k]
            ties = [np.ascontiguousarray(sources[side][k]) for side in SIDES]
            outcome = newton_steps.solve(cells, word, bit, ties, v, u, space, max_iterations)
            if outcome.status != newton_steps.CONVERGED:
                raise newton_failure(outcome, device, k, v, u)
            iterations[k] = outcome.steps
            far = None if device.span is None else farthest(device, g, v - u, k)
            cases.extend([far] if far is not None else [])
            out = [currents[side][k] for side in SIDES]
            space.tie(cells, v, u)
            residual[k] = _finish(segments, space, ties, v, u, out)
            if residual[k] > GOAL:
                better = _refine(cells, segments, space, ties, v, u, out, residual[k : k + 1], max_iterations)
                if fields:
                    across[k], amperes[k] = better
            if cut_off is not None:
                tied = islands.tied_nodes(space.chord, word, bit)
                for volts, reached, cut in zip((v, u), tied, cut_off, strict=True):
                    volts[~reached] = np.nan
                    cut[~reached] = True

    run_tasks(work, chunks(batch, threads), threads)
    report(sorted(cases, key=lambda case: case.vector))
    return BatchAnswer.direct(
        "newton", sources, currents, residual, iterations=iterations,
        word=None if voltages is None else voltages[0], bit=None if voltages is None else voltages[1],
        cut_off=None if cut_off is None else (cut_off[0], cut_off[1]), across=across, cells=amperes,
    )  # fmt: skip


def _finish(
    segments: Segments, space: newton_steps.Workspace, volts: list[Array], v: Array, u: Array, out: list[Array]
) -> float:
    """Fill the end currents ``out`` and return the residual, both of ohmic cells ``i / (v - u)``."""
    word, bit, chord = segments.word, segments.bit, space.chord
    space.lines.factor(chord, word, bit, grid=False, threads=space.threads)
    space.lines.end_currents(chord, word, bit, volts, v, u, out, threads=space.threads)
    residual: float = kirchhoff.residual(chord, word, bit, *volts, v, u, *out)
    return residual


def _refine(
    cells: Cells, segments: Segments, space: newton_steps.Workspace, volts: list[Array],
    v: Array, u: Array, out: list[Array], residual: Array, limit: int,
) -> tuple[Array, Array]:  # fmt: skip
    """Improve voltages, end currents and their residual in place; return the cells' voltages and currents."""
    word, bit = segments.word, segments.bit
    pairs = VoltagePairs.of(v, u)
    law_of = _law_of(cells, segments.g)
    balance, steps = refine(
        word, bit, volts, law_of, _correction(cells, word, bit, space, limit), pairs, RefinementSpace(*v.shape),
        threads=space.threads if space.lines.halved else 1,
    )  # fmt: skip
    if steps > 0 or balance.bound < residual[0]:
        residual[0] = balance.bound
        for mine, better in zip(out, balance.out, strict=True):
            mine[:] = better
    return pairs.across(), law_of(pairs).currents(pairs)


def _law_of(cells: Cells, siemens: Array) -> TangentsOf:
    def at(pairs: VoltagePairs) -> CellTangents:
        across = pairs.across()
        i, a, b = np.empty((3, *across.shape))
        cells.precise(across, *pairs.lower(), i, a, b)
        return CellTangents(
            siemens,
            i,
            np.divide(i, across, out=a.copy(), where=np.sign(i) * np.sign(across) > 0.0),
            a,
            b,
        )

    return at


def _correction(cells: Cells, word: Array, bit: Array, space: newton_steps.Workspace, limit: int) -> Solver:
    """Return a solver of tangent circuits for ``refine``."""
    zero_w, zero_b = np.zeros(word.shape[0]), np.zeros(bit.shape[1])

    def solve(law: CellTangents, balance: Balance, dv: Array, du: Array) -> bool:
        far_w = balance.far_word / np.maximum(word[:, -1], ladders.TINY)
        far_b = balance.far_bit / np.maximum(bit[0], ladders.TINY)
        circuit = (law.a, law.b, balance.leaving, balance.entering, word, bit)
        status, _ = space.solve(circuit, (zero_w, far_w, zero_b, far_b), 1e-13, 0.0, limit, dv, du, guess=False)
        return status == schur.CONVERGED

    return solve


def newton_failure(outcome: newton_steps.NewtonOutcome, device: Device, vector: int, v: Array, u: Array) -> Exception:
    """Say which cell it was, at which voltage.

    Parameters
    ----------
    outcome : NewtonOutcome
        How it ended, and at which cell.
    device : Device
        The cells' law, for messages.
    vector : int
        Which of the batch.
    v, u : (rows, cols) array
        Volts of word nodes and of bit nodes where it ended.
    """
    i, j = divmod(outcome.cell, v.shape[1])
    where = f"cell [{i}, {j}] at {v[i, j] - u[i, j]:.6g} V (vector {vector})"
    if outcome.status == newton_steps.BAD_LAW:
        return LawError(f"device {device!r}, {where}: {_BAD_LAW[outcome.law]}")
    return ConvergenceError(
        f"Newton's method did not converge in {outcome.steps} steps: a line's currents miss {outcome.missed:.1e} of "
        f"themselves, worst at {where} with {device!r}",
        "look for voltages far beyond those that the law was made for",
        "a law of your own must return its slope as it is, dI/dV, next to its current",
    )
