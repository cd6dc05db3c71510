"""Newton's method for nonlinear cells: tangents, a linear solve, tangents anew.

A cell's tangent is ``a v - b u + j``. Each step solves the circuit of tangents by its lines (:mod:`schur`), starting
from the voltages at hand and only as exactly as the tangents deserve, then linearises every cell anew (:mod:`laws`).
What counts as converged is current: every line's sum of what the tangents missed of the laws. In the end each cell
is as good as an ohmic one of conductance ``i / (v - u)``, and the solution is handed out as that linear circuit's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import ladders, laws, schur, tangents

Array = NDArray[np.float64]

CONVERGED = 0
NOT_CONVERGED = 1
BAD_LAW = 2

STEPS = 60
"""Newton steps before the sources are raised step by step instead."""

RAMP = (0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)

MISSED = 1e-12
"""Converged where no line's tangents miss more of its current."""

STALLED = 1e-10
"""Good enough where rounding errors keep Newton's method from getting nearer."""

SMALL = 1e-6
"""Lines with less current than this part of the largest are held to that part of it."""

_LOOSEST = 1e-3
_TIGHTEST = 1e-13


@dataclass(frozen=True)
class Cells:
    """The cells' law and parameters.

    Attributes
    ----------
    kind, address : int
        Which law of :mod:`laws`; the address of a compiled one.
    parameters : (m, n, K)
        The first is the conductance.
    shared : (pieces, columns)
        What all cells have in common.
    """

    kind: int
    address: int
    parameters: Array
    shared: Array

    @property
    def symmetric(self) -> bool:
        """Whether currents depend on ``v - u`` alone."""
        return self.kind != laws.TRANSISTOR


@dataclass
class NewtonOutcome:
    """How Newton's method ended.

    Attributes
    ----------
    status : int
        ``CONVERGED``, ``NOT_CONVERGED`` or ``BAD_LAW``.
    law : int
        What is wrong with the law, as :mod:`laws` says.
    cell : int
        Flat index of the worst cell.
    missed : float
        Largest part of a line's current that tangents missed.
    steps, iterations : int
        Newton steps and passes of the linear solver in all.
    """

    status: int
    law: int
    cell: int
    missed: float
    steps: int
    iterations: int


class Workspace:
    """Arrays of one thread, and the tangents that a solve leaves: 21 to 25 numbers a cell."""

    def __init__(self, rows: int, cols: int, symmetric: bool) -> None:
        self.anchor, self.a, self.j, self.chord = np.empty((4, rows, cols))
        self.b = self.a if symmetric else np.empty((rows, cols))
        self.slope = np.empty((rows, cols))
        self.lw, self.kw, self.lb, self.kb = np.empty((4, rows, cols))
        self.directions = np.empty((4 if symmetric else 8, rows, cols))
        self.laws = tuple(self.directions[:4])  # free between two linear solves
        self.y = np.empty((cols, 4))
        self.rows, self.cols, self.scale = np.empty(rows), np.empty(cols), np.empty(rows + cols)
        self.end_w, self.end_b = np.empty(rows), np.empty(cols)


def solve(
    cells: Cells, word: Array, bit: Array, sources: list[Array], v: Array, u: Array, space: Workspace, limit: int
) -> NewtonOutcome:
    """Solve for one vector of sources (left, right, top, bottom); fill v, u (m, n) and ``space.chord``.

    ``word`` (m, n+1) and ``bit`` (m+1, n) are the lines' segments in ohms, ``limit`` bounds each linear solve.
    """
    _guess(word, bit, sources, v, u)
    start = _relax(cells, space)
    outcome = _newton(cells, word, bit, sources, v, u, space, limit, start)
    if outcome.status != NOT_CONVERGED:
        return outcome
    v[:] = u[:] = 0.0
    start = _relax(cells, space)
    for part in RAMP:
        steps, iterations = outcome.steps, outcome.iterations
        outcome = _newton(cells, word, bit, [part * volts for volts in sources], v, u, space, limit, start)
        outcome.steps += steps
        outcome.iterations += iterations
        if outcome.status != CONVERGED:
            break
    return outcome


def _guess(word: Array, bit: Array, sources: list[Array], v: Array, u: Array) -> None:
    """Lines at their sources' voltages, at 0 where they have none."""
    left, right, top, bottom = sources
    v[:] = np.where(word[:, 0] < np.inf, left, np.where(word[:, -1] < np.inf, right, 0.0))[:, None]
    u[:] = np.where(bit[-1] < np.inf, bottom, np.where(bit[0] < np.inf, top, 0.0))


def _relax(cells: Cells, space: Workspace) -> tuple[int, int, float, float]:
    """Take tangents at 0 V: the first step then gives the linear circuit's solution, whatever the sources are."""
    zero = np.zeros(space.anchor.shape)
    space.anchor[:] = space.a[:] = space.b[:] = space.j[:] = 0.0
    return _linearise(cells, zero, zero, space)


def _linearise(cells: Cells, v: Array, u: Array, space: Workspace) -> tuple[int, int, float, float]:
    """Put all tangents anew; return what is wrong with a law, the worst cell, and the old tangents' power and miss."""
    law = (cells.kind, cells.address, v, u, cells.parameters, cells.shared)
    i, da, db, predicted = space.laws
    laws.evaluate(*law, i, da, db)
    cell, power, missed = tangents.compare(
        v, u, cells.parameters, space.a, space.b, space.j, i, da, predicted, space.chord, space.rows, space.cols,
        space.scale, SMALL,
    )  # fmt: skip
    status, bad_cell = laws.settle(*law, predicted, i, da, db, space.anchor, space.a, space.b, space.j)
    return status, cell if status == laws.GOOD else bad_cell, power, missed


def _newton(
    cells: Cells, word: Array, bit: Array, sources: list[Array], v: Array, u: Array, space: Workspace, limit: int,
    start: tuple[int, int, float, float],
) -> NewtonOutcome:  # fmt: skip
    """Newton's method from the voltages and tangents at hand; ``start`` is what linearising those said."""
    left, right, top, bottom = sources
    far_w, far_b = right / np.maximum(word[:, -1], ladders.TINY), top / np.maximum(bit[0], ladders.TINY)
    law, cell, power, _ = start
    iterations = 0
    missed, tolerance = np.inf, _LOOSEST
    for step in range(1, STEPS + 1):
        if law != laws.GOOD:
            return NewtonOutcome(BAD_LAW, law, cell, missed, step - 1, iterations)
        ladders.factor_word(space.a, word, space.lw, space.kw, space.end_w)
        ladders.factor_bit(space.b, bit, space.lb, space.kb, space.end_b)
        common = (space.lw, space.kw, space.lb, space.kb, left, far_w, bottom, far_b, tolerance)
        out = (v, u, space.end_w, space.end_b, space.directions, space.y)
        if cells.symmetric:
            floor = tolerance * tolerance * power
            status, passes, _ = schur.solve(space.a, space.j, space.j, *common, floor, limit, *out)
        else:
            status, passes = schur.solve_unsymmetric(space.a, space.b, space.j, space.j, *common, limit, *out)
        iterations += passes
        before = missed
        law, cell, power, missed = _linearise(cells, v, u, space)
        if status == schur.CONVERGED and tolerance <= 1e-12:
            stalled = missed <= STALLED and missed > 0.3 * before
            if missed <= MISSED or stalled:
                return NewtonOutcome(CONVERGED if law == laws.GOOD else BAD_LAW, law, cell, missed, step, iterations)
        tolerance = max(_TIGHTEST, min(_LOOSEST, missed * missed))
    return NewtonOutcome(NOT_CONVERGED, law, cell, missed, STEPS, iterations)
