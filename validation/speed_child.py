"""Time one solver on some circuits: ``speed_child.py FOLDER SOLVER CASE...``, a line of JSON and an .npy for each.

It runs under any Python that has the solver, as the one of a folder in which peers are installed. Seconds are those
that the process itself had, the least of several runs, or of one that takes long; assembly, ordering and factorisation
are in them.
"""

from __future__ import annotations

import os

for _variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import splu
from speed_cases import MANY, SpeedCase
from stopwatch import seconds

Work = Callable[[], Any]

LONG = 1.5


def xbarsim_work(case: SpeedCase) -> tuple[Work, Callable[[Any], dict]]:
    """Return what xbarsim computes, and what to tell of it."""
    import xbarsim

    circuit = case.crossbar()
    if case.kind == "map":
        return lambda: xbarsim.effective_conductance(circuit, threads=1), lambda answer: {"answer": answer}
    if case.kind == "gradient":
        from xbarsim.solvers.adjoint import effective_map

        weights = case.weights()
        return (
            lambda: effective_map(circuit, threads=1).gradient(weights),
            lambda answer: {"answer": answer},
        )
    if case.kind == "maps":
        circuits = [case.crossbar(number) for number in range(MANY)]
        # A commit from before there was a batch is measured too.
        batch = getattr(xbarsim, "effective_conductances", None)
        if batch is not None:
            return lambda: batch(circuits, threads=1), lambda answers: {"answer": np.array(answers)}
        return (
            lambda: [xbarsim.effective_conductance(one, threads=1) for one in circuits],
            lambda answers: {"answer": np.array(answers)},
        )
    voltages = case.arrays().voltages
    return (
        lambda: xbarsim.solve(circuit, voltages, threads=1),
        lambda solution: {
            "answer": solution.currents, "iterations": solution.iterations, "residual": solution.residual,
        },
    )  # fmt: skip


def factored_work(factor: Callable[[Any], Callable[[np.ndarray], np.ndarray]]) -> Callable[[SpeedCase], tuple]:
    """Return how a solver of sparse equations does vectors and maps; ``factor`` gives what solves."""

    def work(case: SpeedCase) -> tuple[Work, Callable[[Any], dict]]:
        arrays = case.arrays()

        def vector() -> np.ndarray:
            return splu.currents(arrays, arrays.voltages, factor)

        def matrix() -> np.ndarray:
            return splu.effective_map(arrays, factor)

        def matrices() -> np.ndarray:
            return np.array([splu.effective_map(case.arrays(number), factor) for number in range(MANY)])

        works = {"vector": vector, "map": matrix, "maps": matrices}
        return works[case.kind], lambda answer: {"answer": answer}

    return work


def cholmod(matrix: Any) -> Callable[[np.ndarray], np.ndarray]:
    import scipy.sparse
    from sksparse.cholmod import analyze

    # Its check knows the older of scipy's two classes only.
    matrix = scipy.sparse.csc_matrix(matrix)
    factor = analyze(matrix, mode="supernodal", ordering_method="metis")
    factor.cholesky_inplace(matrix)
    return factor.solve_A


def pardiso(matrix: Any) -> Callable[[np.ndarray], np.ndarray]:
    import scipy.sparse
    from pypardiso import PyPardisoSolver

    upper = scipy.sparse.csr_matrix(scipy.sparse.triu(matrix))
    solver = PyPardisoSolver(mtype=2)
    solver.factorize(upper)

    return lambda right: solver.solve(upper, right)


def badcrossbar_work(case: SpeedCase) -> tuple[Work, Callable[[Any], dict]]:
    """Its lines have a segment more at the driven and at the sensed end: here of the wires' ohms, so all alike."""
    import logging

    import badcrossbar

    logging.disable(logging.CRITICAL)
    arrays = case.arrays()
    resistances = 1.0 / arrays.conductance
    return (
        lambda: badcrossbar.compute(arrays.voltages[:, None], resistances, r_i=arrays.ohms),
        lambda solution: {"answer": np.ravel(solution.currents.output)},
    )


SOLVERS = {
    "xbarsim": (xbarsim_work, "xbarsim"),
    "superlu": (factored_work(splu.solver), "scipy"),
    "cholmod": (factored_work(cholmod), "scikit-sparse"),
    "pardiso": (factored_work(pardiso), "pypardiso"),
    "badcrossbar": (badcrossbar_work, "badcrossbar"),
}


def main(folder: Path, solver: str, names: list[str]) -> None:
    work_of, package = SOLVERS[solver]
    release = "" if solver == "xbarsim" else version(package)
    for name in names:
        case = SpeedCase.of(name)
        work, facts_of = work_of(case)
        if solver == "xbarsim":
            work()  # kernels are compiled or loaded
        start = time.process_time()
        facts: dict[str, Any] = facts_of(work())
        best = time.process_time() - start
        # What takes seconds is run once: loading and first touches are little of them.
        if best < LONG:
            best = min(best, seconds(work, budget=0.3))
        np.save(folder / f"{name}-{solver}.npy", facts.pop("answer"))
        print(json.dumps({"case": name, "seconds": best, "version": release, **facts}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
