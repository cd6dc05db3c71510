"""How a crossbar's output currents change with its input voltages and with every cell, whatever the cells' law is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import checked_array
from xbarsim.crossbar import SIDES, Array, Crossbar, Side
from xbarsim.devices import Linear
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.kernels import kirchhoff, ladders, schur
from xbarsim.kernels.law_table import Cells
from xbarsim.kernels.newton_steps import Workspace
from xbarsim.resources import check_running, run_tasks, thread_count
from xbarsim.solution import Solution
from xbarsim.solvers.effective import check_joined
from xbarsim.solvers.line_shares import LineShares
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.solve import MAX_ITERATIONS, TOLERANCE, checked_voltages, solve, solve_points

CARRIED = 1e-8
"""Of what random currents bring to each output, where its adjoint circuit is held against the circuit itself."""

_SEED = 9
_TIGHTEST = 1e-13
_PARTS = 64
_LEAST = 8
"""Vectors whose gradients are added up by one thread: at most ``_PARTS`` sums are there at a time."""

SOLVED_BYTES = 64e6
"""Of node voltages that are there at a time, where none are kept."""


@dataclass(frozen=True, eq=False)
class CircuitGradient:
    """A loss's gradient with respect to what a crossbar's output currents depend on.

    Attributes
    ----------
    conductance : (rows, cols)
        By each cell's conductance; the sum over the batch.
    voltages : (rows,) or (batch, rows)
        By the input voltages; 0 where a driver is open.
    """

    conductance: Array
    voltages: Array


@dataclass(frozen=True, eq=False)
class CellVolts:
    """Voltages (batch, rows, cols) by which a law's currents and slopes are computed; NaN where nodes float.

    Attributes
    ----------
    across : (batch, rows, cols)
        Volts across the cells.
    lower : (batch, rows, cols) or None
        Volts of the lower one of each cell's nodes; None where a law does not ask for them.
    """

    across: Array
    lower: Array | None

    @staticmethod
    def of(solution: Solution) -> CellVolts:
        """Return those of a solution.

        Parameters
        ----------
        solution : Solution
            With its fields, as ``solve(..., fields=True)`` gives them.
        """
        shape = -1, *solution.crossbar.shape
        two_terminal = solution.crossbar.device.two_terminal
        lower = None if two_terminal else np.minimum(solution.word_voltages, solution.bit_voltages).reshape(shape)
        return CellVolts(solution.device_voltages.reshape(shape), lower)

    def vector(self, k: int) -> tuple[Array, Array]:
        """Return a vector's voltages across cells, and of their lower nodes, or 0.

        Parameters
        ----------
        k : int
            Its number in the batch.
        """
        across = self.across[k]
        return across, np.zeros_like(across) if self.lower is None else self.lower[k]


@dataclass(frozen=True, eq=False)
class OutputCurrents:
    """The output currents of a crossbar for some input voltages, with what their gradient needs.

    Attributes
    ----------
    currents : (cols,) or (batch, cols)
        Amperes, as ``solve`` gives them.
    """

    currents: Array
    _crossbar: Crossbar
    _voltages: Array
    _volts: CellVolts | None
    _threads: int

    def gradient(self, cotangent: ArrayLike) -> CircuitGradient:
        """Carry a gradient back through the circuit: ``d sum(cotangent * currents)`` by voltages and conductances.

        At the solution every cell is a linear one of its law's slopes, ``di = a dv - b du + (di/dg) dg``. In the
        *adjoint* circuit cells take ``a (p - q)`` from word nodes at p volts and bring ``b (p - q)`` to bit nodes at
        q, and the outputs' sources hold the cotangent as volts. A current di from a word to a bit node of the circuit
        moves the loss by ``(q - p) di`` (Tellegen's theorem; Director and Rohrer, IEEE Trans. Circuit Theory 16, 318,
        1969), so the gradient by a cell's conductance is ``(q - p) di/dg``; that by a source's voltage is the current
        out of the adjoint circuit at its end.

        Parameters
        ----------
        cotangent : array_like, (cols,) or (batch, cols)
            What a loss's gradient is with respect to ``currents``.

        Returns
        -------
        CircuitGradient

        Raises
        ------
        InputError
            ``cotangent`` has a bad entry or shape.
        ConvergenceError
            The adjoint circuit of a vector was not solved to ``TOLERANCE``.
        """
        weights = checked_array("cotangent", cotangent, signed=True)
        if weights.shape != self.currents.shape:
            raise InputError(f"cotangent has shape {weights.shape}: it must be {self.currents.shape}, as the currents")
        weights = np.atleast_2d(weights)
        adjoint = _AdjointCircuits(self._crossbar, self._threads)
        parts = [adjoint.gradient(volts, weights[vectors]) for vectors, volts in self._solved()]
        conductance = np.sum([part.conductance for part in parts], axis=0)
        voltages = np.concatenate([part.voltages for part in parts])
        return CircuitGradient(conductance, voltages.reshape(self._voltages.shape))

    def _solved(self) -> Iterator[tuple[slice, CellVolts]]:
        """Yield the cells' voltages for all vectors, in parts."""
        volts = np.atleast_2d(self._voltages)
        if self._volts is not None:
            yield slice(0, len(volts)), self._volts
            return
        size = max(1, int(SOLVED_BYTES / (16 * self._crossbar.conductance.size)))
        for start in range(0, len(volts), size):
            vectors = slice(start, start + size)
            yield vectors, CellVolts.of(solve(self._crossbar, volts[vectors], fields=True, threads=self._threads))


def output_currents(
    crossbar: Crossbar, voltages: ArrayLike, *, keep: bool = True, threads: int | None = None
) -> OutputCurrents:
    """Solve the circuit, with cells of any law, and keep what the gradient of its output currents needs.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit.
    voltages : array_like, (rows,) or (batch, rows)
        Volts of the word_left sources.
    keep : bool
        Whether the cells' voltages are kept, 8 bytes a cell and vector (16 of transistors). Without them ``gradient``
        solves the vectors once more, some at a time.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Returns
    -------
    OutputCurrents

    Raises
    ------
    SolveError
        0 ohm joins the two sources of a word line, so that no current is a function of its input, or two sources of
        different voltage.
    InputError, ConvergenceError, TooLargeError, ExtrapolationError
        As ``solve``.
    """
    if not isinstance(crossbar, Crossbar):
        raise InputError(f"crossbar is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
    volts = np.array(checked_voltages(voltages, crossbar.shape[0]))
    check_joined(Segments.of(crossbar), ("word",))
    count = thread_count(threads)
    solution = solve(crossbar, volts, fields=keep, threads=count)
    return OutputCurrents(solution.currents, crossbar, volts, CellVolts.of(solution) if keep else None, count)


def output_adjoints(solution: Solution, vector: int | None, *, threads: int | None = None) -> tuple[Array, Array]:
    """Find what a small current at any node brings to each output, cells of any law at their operating points.

    Parameters
    ----------
    solution : Solution
        Solved with fields.
    vector : int, optional
        Which of a batch.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Returns
    -------
    word, bit : (cols, rows, cols)
        For each output, amperes at it for 1 A into each word and each bit node; 0 at nodes that float.

    Raises
    ------
    ConvergenceError
        The adjoint circuit of an output was not solved, or does not bring to it what a solve of the circuit itself
        does of random currents, to ``CARRIED``.
    """
    crossbar = solution.crossbar
    adjoint = _AdjointCircuits(crossbar, thread_count(threads))
    rows, cols = crossbar.shape
    word, bit = np.zeros((2, cols, rows, cols))
    across, lower = CellVolts.of(solution).vector(0 if vector is None else vector)

    def work(output: int) -> None:
        check_running()
        with Workspace.borrowed(rows, cols, adjoint.cells.symmetric) as space:
            word[output], bit[output] = adjoint.nodes(across, lower, output, space)

    run_tasks(work, range(cols), adjoint.threads)
    with Workspace.borrowed(rows, cols, adjoint.cells.symmetric) as space:
        adjoint.check(word, bit, across, lower, space)
    return word, bit


class _AdjointCircuits:
    """The tangent circuits of a crossbar, transposed, and what their solutions say of a loss."""

    def __init__(self, crossbar: Crossbar, threads: int) -> None:
        self.crossbar, self.threads = crossbar, threads
        self.segments = Segments.of(crossbar)
        self.cells: Cells = crossbar.device.cells(self.segments.g)
        rows, cols = crossbar.shape
        self.zero_w, self.zero_b = np.zeros(rows), np.zeros(cols)

    def gradient(self, volts: CellVolts, weights: Array) -> CircuitGradient:
        """Return the gradient of ``sum(weights * currents)`` for weights (batch, cols) of vectors at these voltages."""
        # Both ends of a joined bit line carry half of what arrives.
        weights = weights * np.where(self.segments.joined["bit"], 0.5, 1.0)
        voltages = np.zeros((len(weights), self.crossbar.shape[0]))
        # How sums are split depends on the batch alone, not on threads.
        size = max(_LEAST, -(-len(weights) // _PARTS))
        parts = [slice(k, min(k + size, len(weights))) for k in range(0, len(weights), size)]
        sums = np.zeros((len(parts), *self.crossbar.shape))

        def work(part: int) -> None:
            with Workspace.borrowed(*self.crossbar.shape, self.cells.symmetric) as space:
                for k in range(parts[part].start, parts[part].stop):
                    check_running()
                    if weights[k].any():
                        voltages[k] = self._add(sums[part], *volts.vector(k), weights[k], space)

        run_tasks(work, range(len(parts)), self.threads)
        return CircuitGradient(sums.sum(axis=0), voltages)

    def _add(self, total: Array, across: Array, lower: Array, weights: Array, space: Workspace) -> Array:
        """Add a vector's gradient by the cells to ``total``; return that by the input voltages (rows,)."""
        floating = np.isnan(across)
        cut_off = bool(floating.any())
        if cut_off:
            across, lower = np.where(floating, 0.0, across), np.where(floating, 0.0, lower)
        i, a, b = np.empty_like(across), space.a, space.b
        self.cells.precise(across, lower, np.zeros_like(lower), i, a, b)
        slopes = self.cells.per_siemens(across, lower, i, a)
        if cut_off:
            a[floating] = b[floating] = slopes[floating] = 0.0
        most = float(np.abs(weights).max())
        fall, voltages = self._solve(weights / most, space)
        total += most * fall * slopes
        return most * voltages

    def nodes(self, across: Array, lower: Array, output: int, space: Workspace) -> tuple[Array, Array]:
        """Return the adjoint circuit's node voltages for 1 V at an output, (rows, cols) each."""
        floating = self._slopes(across, lower, space)
        weights = np.zeros_like(self.zero_b)
        weights[output] = 1.0
        p, q = np.empty((2, *self.crossbar.shape))
        status = space.solve_transposed(self.segments.word, self.segments.bit, weights, _TIGHTEST, MAX_ITERATIONS, p, q)
        if status != schur.CONVERGED:
            raise ConvergenceError(
                f"the adjoint circuit of output {output} was not solved in {MAX_ITERATIONS} steps",
                "look for cells far apart in slope",
            )
        p[floating] = q[floating] = 0.0
        return p, q

    def check(self, word: Array, bit: Array, across: Array, lower: Array, space: Workspace) -> None:
        """Hold all outputs' node voltages (cols, rows, cols) against one solve of the circuit itself.

        Random currents into its nodes bring to each output what its own adjoint voltages say: each of them is held
        against its own sum.
        """
        floating = self._slopes(across, lower, space)
        random = np.where(floating, 0.0, np.random.default_rng(_SEED).uniform(-1.0, 1.0, (2, *floating.shape)))
        leaving, entering = -random[0], random[1]
        v, u = np.zeros((2, *floating.shape))
        sides = (self.zero_w, self.zero_w, self.zero_b, self.zero_b)
        circuit = space.a, space.b, leaving, entering, self.segments.word, self.segments.bit
        status, _ = space.solve(circuit, sides, _TIGHTEST, 0.0, MAX_ITERATIONS, v, u, guess=False)
        along = space.a * v - space.b * u
        volts = dict(zip(SIDES, (self.zero_w, self.zero_w, self.zero_b, self.zero_b), strict=True))
        out, _ = LineShares(self.segments).end_currents(along + leaving, along + entering, volts)
        adjoint_sum = (word * random[0] + bit * random[1]).sum(axis=(1, 2))
        size = (np.abs(word * random[0]) + np.abs(bit * random[1])).sum(axis=(1, 2))
        bad = ~(np.abs(adjoint_sum - out["bit_bottom"]) <= CARRIED * size)
        if status != schur.CONVERGED or bad.any():
            j = int(np.argmax(bad))
            raise ConvergenceError(
                f"the adjoint circuit of output {j} differs from the circuit itself by "
                f"{abs(adjoint_sum[j] - out['bit_bottom'][j]):.1e} of {size[j]:.1e} A",
                "look for cells far apart in slope",
            )

    def _slopes(self, across: Array, lower: Array, space: Workspace) -> NDArray[np.bool_]:
        """Fill the slopes in ``space`` at these voltages; return which cells float, whose slopes are 0."""
        floating: NDArray[np.bool_] = np.isnan(across)
        across, lower = np.where(floating, 0.0, across), np.where(floating, 0.0, lower)
        self.cells.precise(across, lower, np.zeros_like(lower), np.empty_like(across), space.a, space.b)
        space.a[floating] = space.b[floating] = 0.0
        return floating

    def _solve(self, weights: Array, space: Workspace) -> tuple[Array, Array]:
        """Solve the adjoint circuit of the slopes in ``space``; return q - p, and the currents out at the left ends."""
        word, bit = self.segments.word, self.segments.bit
        p, q = np.empty((2, *self.crossbar.shape))
        status = space.solve_transposed(word, bit, weights, _TIGHTEST, MAX_ITERATIONS, p, q)
        left, right = np.empty((2, *self.zero_w.shape))
        lines = space.lines
        lines.factor(space.a, word, bit, grid=False)
        ladders.word_end_currents(space.a, word, lines.lw, q, self.zero_w, self.zero_w, left, right)
        if not self.cells.symmetric:
            if status != schur.CONVERGED:
                raise ConvergenceError(
                    f"the adjoint circuit was not solved in {MAX_ITERATIONS} steps", "look for cells far apart in slope"
                )
            return q - p, left
        top, bottom = np.empty((2, *self.zero_b.shape))
        ladders.bit_end_currents(
            space.a, bit, lines.lb, lines.split, lines.joint, p, self.zero_b, weights, top, bottom
        )  # fmt: skip
        ends = (self.zero_w, self.zero_w, self.zero_b, weights, p, q, left, right, top, bottom)
        if status == schur.CONVERGED and kirchhoff.residual(space.a, word, bit, *ends) <= TOLERANCE:
            return q - p, left
        return self._as_crossbar(space.a, weights)

    def _as_crossbar(self, slopes: Array, weights: Array) -> tuple[Array, Array]:
        """Solve the adjoint circuit of symmetric cells as any crossbar, by what method suits."""
        dual = self.crossbar.with_cells(slopes.copy(), Linear())
        sources: dict[Side, Array] = {
            side: np.zeros((1, self.crossbar.shape[0 if side.startswith("word") else 1])) for side in SIDES
        }
        sources["bit_bottom"] = weights[None]
        sources["bit_top"] = np.where(self.segments.joined["bit"], weights, 0.0)[None]
        solution = solve_points(dual, sources, fields=True, threads=1)
        return -np.nan_to_num(solution.device_voltages[0]), solution.end_currents["word_left"][0]
