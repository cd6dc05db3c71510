"""Newton's method for nonlinear cells: tangents, a linear solve, tangents anew.

A cell's tangent is ``a v - b u + j``. Each step solves the circuit of tangents by its lines (:mod:`schur`), starting
from the voltages at hand and only as exactly as the tangents deserve, then linearises every cell anew
(:mod:`law_table`). What counts as converged is current: every line's sum of what the tangents missed of the laws. In
the end each cell is as good as an ohmic one of conductance ``i / (v - u)``, and the solution is handed out as that
linear circuit's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import ladders, laws, schur, tangents, unsymmetric
from .law_table import Cells
from .line_solver import Gradients, Lines, apart

Array = NDArray[np.float64]

CONVERGED = 0
NOT_CONVERGED = 1
BAD_LAW = 2

STEPS = 60
"""Newton steps before the sources are raised step by step instead."""

FEW_STEPS = 20
"""Newton steps from tangents at the sources' voltages: where those lead anywhere, they do at once."""

RAMP = (0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)

MISSED = 2e-13
"""Converged where no line's tangents miss more of its current."""

STALLED = 1e-10
"""Good enough where rounding errors keep Newton's method from getting nearer."""

SMALL = 1e-6
"""Lines with less current than this part of the largest are held to that part of it."""

_LOOSEST = 0.1
_TIGHTEST = 1e-13
_SHARE = 0.01  # of the part that the next tangents are going to miss, about the square of what these did
_DROP = 1e-2  # of the cells' power: as little as the wires may take, of which a solve is to be right to its tolerance
_LAST = 1e-11  # a solve that is to be as exact may well be the last one


WORKSPACE_BYTES = 64e6
"""Work space is kept between calls up to this size."""

_NUMBERS = 22  # of a cell


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


_spaces = threading.local()


class Workspace:
    """Arrays of one thread, and the tangents that a solve leaves: 19 to 22 numbers a cell."""

    def __init__(self, rows: int, cols: int, symmetric: bool) -> None:
        self.lines = Lines(rows, cols)
        self.symmetric = symmetric
        self.threads = 1  # that one solve may use
        if symmetric:
            self.anchor, self.a, self.j, self.chord = apart(4, rows, cols)
            self.b = self.a
            self.gradients = Gradients(rows, cols)
            self.laws = self.gradients.spare(rows, cols)  # free between two linear solves
        else:
            self.anchor, self.a, self.j, self.chord, self.b, *dividers = apart(9, rows, cols)
            self.lw, self.kw, self.lb, self.kb = dividers
            self.directions = np.empty((8, rows, cols))
            self.laws = tuple(self.directions[:4])
            self.y, self.end_w, self.end_b = np.empty((cols, 4)), np.empty(rows), np.empty(cols)
        self.rows, self.cols, self.scale = np.empty(rows), np.empty(cols), np.empty(rows + cols)

    @staticmethod
    @contextmanager
    def borrowed(rows: int, cols: int, symmetric: bool) -> Iterator[Workspace]:
        """Give a thread's arrays, of any content, the same ones at its next call for this shape.

        Fresh memory costs a page fault every 4 KB, as much in all as several Newton steps.
        """
        key = (rows, cols, symmetric)
        before: tuple[tuple[int, int, bool], Workspace] | None = _spaces.__dict__.pop("last", None)
        space = before[1] if before is not None and before[0] == key else Workspace(*key)
        try:
            yield space
        finally:
            if 8 * rows * cols * _NUMBERS <= WORKSPACE_BYTES:
                _spaces.last = (key, space)

    def solve(
        self, circuit: tuple[Array, Array, Array, Array, Array, Array], sides: tuple[Array, Array, Array, Array],
        tolerance: float, floor: float, limit: int, v: Array, u: Array, guess: bool,
        shunts: tuple[Array, Array] | None = None, again: bool = False, factored: bool = False,
    ) -> tuple[int, int]:  # fmt: skip
        """Solve the circuit of tangents; return (status, passes).

        ``circuit`` is ``(a, b, leaving, entering, word, bit)`` with cells that take ``a v - b u``, ``sides`` are the
        sources as :func:`unsymmetric.solve` takes them; v and u (m, n) are filled, from u if that is a ``guess``.
        ``shunts`` (m, n) are siemens from the word and from the bit nodes to ground. ``again`` says that wires are as
        in the solve before, ``factored`` that cells and shunts are so too.
        """
        a, b, leaving, entering, word, bit = circuit
        if self.symmetric:
            if not factored:
                self.lines.factor(a, word, bit, shunts=shunts, again=again, threads=self.threads)
            status, passes, _ = self.gradients.solve(
                self.lines, *sides, tolerance, floor, limit, v, u, leaving=leaving, entering=entering, guess=guess,
                threads=self.threads,
            )  # fmt: skip
            return status, passes
        if not guess:
            u[:] = 0.0
        if not factored:
            held_w, held_b = (a, b) if shunts is None else (a + shunts[0], b + shunts[1])
            ladders.factor_word(held_w, word, self.lw, self.kw, self.end_w)
            ladders.factor_bit(held_b, bit, self.lb, self.kb, self.end_b)
        outcome: tuple[int, int] = unsymmetric.solve(
            a, b, leaving, entering, self.lw, self.kw, self.lb, self.kb, *sides, tolerance, limit, v, u, self.end_w,
            self.end_b, self.directions, self.y,
        )  # fmt: skip
        return outcome

    def solve_transposed(
        self, word: Array, bit: Array, volts: Array, tolerance: float, limit: int, p: Array, q: Array
    ) -> int:  # fmt: skip
        """Solve the transposed circuit of the slopes ``a, b``, sources ``volts`` at the bottom; fill p and q (m, n).

        Cells take ``a (p - q)`` from word nodes and bring ``b (p - q)`` to bit nodes: what couples the layers has
        changed places, and each line is the one that it was. The other ends' sources are at 0 V. Return the status.
        """
        zero_w, zero_b = np.zeros(word.shape[0]), np.zeros(bit.shape[1])
        sides = (zero_w, zero_w, volts, zero_b)
        if self.symmetric:
            self.lines.factor(self.a, word, bit)
            return self.gradients.solve(self.lines, *sides, tolerance, 0.0, limit, p, q)[0]
        ladders.factor_word(self.a, word, self.lw, self.kw, self.end_w)
        ladders.factor_bit(self.b, bit, self.lb, self.kb, self.end_b)
        quiet, q[:] = np.zeros(p.shape), 0.0
        status: int = unsymmetric.solve(
            self.b, self.a, quiet, quiet, self.lw, self.kw, self.lb, self.kb, *sides, tolerance, limit, p, q,
            self.end_w, self.end_b, self.directions, self.y,
        )[0]  # fmt: skip
        return status

    def tie(self, cells: Cells, v: Array, u: Array) -> None:
        """Fill ``chord`` for the voltages v, u at which the laws were evaluated last."""
        tangents.chords(v, u, cells.siemens, self.laws[0], self.a, self.chord)


@dataclass
class _Tangents:
    """What putting tangents anew said: faults of a law, the worst cell, the old tangents' power and miss."""

    law: int
    cell: int
    power: float
    missed: float


def solve(
    cells: Cells, word: Array, bit: Array, sources: list[Array], v: Array, u: Array, space: Workspace, limit: int
) -> NewtonOutcome:
    """Solve for one vector of sources (left, right, top, bottom); fill v, u (m, n) and ``space``.

    ``word`` (m, n+1) and ``bit`` (m+1, n) are the lines' segments in ohms, ``limit`` bounds each linear solve.
    """
    steps = iterations = 0
    start = _at_sources(cells, word, bit, sources, v, u, space)
    if start is not None:
        outcome = _newton(cells, word, bit, sources, v, u, space, limit, start, FEW_STEPS)
        if outcome.status == CONVERGED:
            return outcome
        steps, iterations = outcome.steps, outcome.iterations
        _guess(word, bit, sources, v, u)
    start = _relax(cells, space)
    outcome = _newton(cells, word, bit, sources, v, u, space, limit, start, STEPS)
    outcome.steps += steps
    outcome.iterations += iterations
    if outcome.status != NOT_CONVERGED:
        return outcome
    v[:] = u[:] = 0.0
    start = _relax(cells, space)
    for part in RAMP:
        steps, iterations = outcome.steps, outcome.iterations
        outcome = _newton(cells, word, bit, [part * volts for volts in sources], v, u, space, limit, start, STEPS)
        outcome.steps += steps
        outcome.iterations += iterations
        if outcome.status != CONVERGED:
            break
    return outcome


def _guess(word: Array, bit: Array, sources: list[Array], v: Array, u: Array) -> None:
    """Lines at their sources' voltages, at 0 where they have none."""
    left, right, top, bottom = sources
    tangents.level(word, bit, left, right, top, bottom, v, u)


def _at_sources(
    cells: Cells, word: Array, bit: Array, sources: list[Array], v: Array, u: Array, space: Workspace
) -> _Tangents | None:
    """Take lines for the cells' laws between 0 V and the sources' voltages, nearer to those than tangents at 0 V.

    None where no line would do: a cell's law is bad at the sources' voltages, gives far more current there than its
    conductance would, or is next to flat.
    """
    _guess(word, bit, sources, v, u)
    i, a, b, predicted = space.laws
    predicted[:] = 0.0
    cells.evaluate(v, u, predicted, i, a, b)
    b = a if cells.symmetric else b
    power = tangents.span(v, u, cells.siemens, i, a, b, space.a, space.b, space.j)
    if not power < np.inf:
        return None
    np.subtract(v, u, out=space.anchor) if cells.symmetric else np.minimum(v, u, out=space.anchor)
    return _Tangents(laws.GOOD, 0, power, np.inf)


def _relax(cells: Cells, space: Workspace) -> _Tangents:
    """Take tangents at 0 V: the first step then gives the linear circuit's solution, whatever the sources are."""
    zero = np.zeros(space.anchor.shape)
    space.anchor[:] = space.a[:] = space.b[:] = space.j[:] = 0.0
    return _linearise(cells, zero, zero, space)


def _linearise(cells: Cells, v: Array, u: Array, space: Workspace) -> _Tangents:
    """Put all tangents anew."""
    i, predicted, _, _ = space.laws
    law, bad_cell = cells.renew(v, u, predicted, i, space.anchor, space.a, space.b, space.j)
    cell, power, missed = tangents.compare(
        v, u, space.a, space.b, i, predicted, space.rows, space.cols, space.scale, SMALL
    )
    return _Tangents(law, cell if law == laws.GOOD else bad_cell, power, missed)


def _newton(
    cells: Cells, word: Array, bit: Array, sources: list[Array], v: Array, u: Array, space: Workspace, limit: int,
    now: _Tangents, most: int,
) -> NewtonOutcome:  # fmt: skip
    """Newton's method from the voltages and tangents at hand; ``now`` is what putting those said."""
    left, right, top, bottom = sources
    far_w, far_b = right / np.maximum(word[:, -1], ladders.TINY), top / np.maximum(bit[0], ladders.TINY)
    iterations = 0
    missed, tolerance = np.inf, _LOOSEST
    for step in range(1, most + 1):
        if now.law != laws.GOOD:
            return NewtonOutcome(BAD_LAW, now.law, now.cell, missed, step - 1, iterations)
        circuit, sides = (space.a, space.b, space.j, space.j, word, bit), (left, far_w, bottom, far_b)
        floor = tolerance * tolerance * now.power
        status, passes = space.solve(circuit, sides, tolerance, floor, limit, v, u, guess=True)
        iterations += passes
        before = missed
        now = _linearise(cells, v, u, space)
        missed = now.missed
        if status == schur.CONVERGED and tolerance <= _TIGHTEST:
            stalled = missed <= STALLED and missed > 0.3 * before
            if missed <= MISSED or stalled:
                status = CONVERGED if now.law == laws.GOOD else BAD_LAW
                return NewtonOutcome(status, now.law, now.cell, missed, step, iterations)
        tolerance = min(_LOOSEST, _SHARE * missed * missed)
        tolerance = tolerance if tolerance > _LAST else _TIGHTEST
    return NewtonOutcome(NOT_CONVERGED, now.law, now.cell, missed, most, iterations)
