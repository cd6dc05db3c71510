"""The effective map of an array much longer than wide, cut across: its cost grows with the length, not its square."""

from __future__ import annotations

from functools import partial

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.kernels.strips import Strips
from xbarsim.resources import check_memory, one_blas_thread, run_tasks
from xbarsim.solvers.answer import BatchAnswer
from xbarsim.solvers.linear import by_schur
from xbarsim.solvers.refinement import EXACT, scale
from xbarsim.solvers.segments import Segments

LONG = 4
"""From so many times as long as wide an array is cut across."""

_CELL_BYTES = 400.0

_SEED = 1
_ITERATIONS = 300
_TOLERANCE = 1e-11


def tall_map(segments: Segments, *, offset: bool, threads: int) -> tuple[Array, Array] | None:
    """Return the couplings from word_left to bit_bottom (rows, cols), and the outputs (cols,) at zero input voltages.

    Verified against a full solve of a random vector by conjugate gradients.

    Parameters
    ----------
    segments : Segments
        The circuit.
    offset : bool
        Whether the outputs at zero input voltages are wanted; zeros otherwise.
    threads : int
        Threads to use.

    Returns
    -------
    pair of arrays or None
        None where the array is not long, or conjugate gradients give no answer to hold the map against: the whole
        reduction is the way then.

    Raises
    ------
    TooLargeError
        It would not fit in memory.
    """
    rows, cols = segments.g.shape
    if max(rows, cols) < LONG * min(rows, cols):
        return None
    check_memory(_CELL_BYTES * rows * cols, f"the map of {rows} x {cols}", "cut the array into shorter ones")
    word, bit = segments.couplings()
    run = partial(run_tasks, threads=threads)
    with one_blas_thread():
        if rows >= cols:
            transfer = Strips(segments.g, word, bit, run=run).transfer
        else:
            # Turned about the second diagonal, bit_bottom lies left and word_left at the bottom.
            turned = (np.ascontiguousarray(part[::-1, ::-1].T) for part in (segments.g, bit, word))
            transfer = np.ascontiguousarray(Strips(*turned, run=run).transfer[::-1, ::-1].T)
    voltages = np.random.default_rng(_SEED).uniform(0.1, 1.0, (1, rows))
    full = _checked(segments, voltages, threads, fixed=False)
    if full is None:
        return None
    outputs = full.currents["bit_bottom"]
    largest = scale(full.currents.values(), segments.g, full.sources.values())
    if not np.abs(voltages @ transfer - outputs).max() <= _TOLERANCE * largest:
        return None
    still = np.zeros(cols)
    if offset:
        idle = _checked(segments, np.zeros((1, rows)), threads, fixed=True)
        if idle is None:
            return None
        still = segments.shared(idle.currents)["bit_bottom"][0]
    return transfer, still


def _checked(segments: Segments, voltages: Array, threads: int, *, fixed: bool) -> BatchAnswer | None:
    """Solve for one vector, with the other sources as they are or at 0 V; None without convergence."""
    sources = segments.sources(voltages)
    if not fixed:
        sources = {side: volts if side == "word_left" else np.zeros_like(volts) for side, volts in sources.items()}
    answer = by_schur(segments, sources, fields=False, max_iterations=_ITERATIONS, threads=threads, all_digits=False)
    return answer if answer.converged.all() and answer.residual[0] <= EXACT else None
