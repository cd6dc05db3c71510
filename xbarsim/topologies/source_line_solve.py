"""``solve_source_lines``: from an array, its gates and its voltages to checked currents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array, check_tolerance, checked_array
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.resources import check_memory, check_running, chunks, run_tasks, thread_count
from xbarsim.solvers.extrapolation import Beyond, report
from xbarsim.solvers.solve import TOLERANCE
from xbarsim.topologies.column_ladders import LadderSpace
from xbarsim.topologies.column_layout import ColumnLayout
from xbarsim.topologies.shared_source_array import SharedSourceArray
from xbarsim.topologies.source_line_array import COLUMN_SIDES, ColumnSide, SourceLineArray
from xbarsim.topologies.source_line_newton import ColumnNewton
from xbarsim.topologies.source_line_solution import SourceLineSolution

_NUMBERS = 16
"""Numbers that a thread keeps for each cell."""


def solve_source_lines(
    array: SourceLineArray,
    gates: ArrayLike,
    voltages: ArrayLike,
    *,
    fields: bool | None = None,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
) -> SourceLineSolution:
    """Solve an array with source lines along bit lines exactly, for one pattern of gates or for many.

    Columns are independent of each other; each is reduced to its four line ends by star-mesh, which subtracts nothing,
    in time proportional to its rows. The currents are linear in the ends' voltages but not in the gates: with wires, a
    row that is on changes what the others' cells have. So each pattern is a solve.

    Parameters
    ----------
    array : SourceLineArray
        The circuit.
    gates : array_like, (rows,) or (batch, rows)
        On (1, True) or off (0, False) for each row; of cells with a gate of their own, as ``Transistor``, its volts.
    voltages : array_like, scalar, (cols,) or (batch, cols)
        Volts of the ``source_top`` sources. Those of open ends do not matter.
    fields : bool, optional
        Keep node voltages and device currents. Default: for one pattern, not for a batch.
    tolerance : float
        Largest residual of a solution that is returned.
    threads : int, optional
        Threads to use; default ``NUMBA_NUM_THREADS`` or all cores. The result does not depend on it.

    Returns
    -------
    SourceLineSolution
        Arrays have the batch axis that ``gates`` or ``voltages`` has.

    Raises
    ------
    InputError
        ``gates`` or ``voltages`` has a bad entry or shape.
    SolveError
        Two sources of different voltage are joined by 0 ohm.
    ConvergenceError
        The residual is above tolerance, or Newton's method did not converge: no number is returned.
    TooLargeError
        The fields would not fit in memory.
    """
    if not isinstance(array, SourceLineArray):
        raise InputError(f"array is {type(array).__name__}: it must be a SourceLineArray")
    check_tolerance(tolerance)
    pattern, volts = checked_gates(array, gates), line_voltages(voltages, array.shape[1])
    single = pattern.ndim == 1 and volts.ndim == 1
    keep = single if fields is None else bool(fields) or single
    batch = batch_of(pattern, volts)
    layout = ColumnLayout.of(array)
    sources = layout.sources(np.broadcast_to(np.atleast_2d(volts), (batch, array.shape[1])))
    pattern = np.broadcast_to(np.atleast_2d(pattern), (batch, array.shape[0]))
    answer = PatternAnswers.of(array, batch, fields=keep, threads=thread_count(threads))
    work = _linear if array.device.linear else _nonlinear
    work(array, layout, pattern, sources, answer, thread_count(threads))
    answer.check(tolerance)
    return _handed_out(array, layout, sources, answer, single)


def solve_column_points(
    array: SourceLineArray, sources: Mapping[ColumnSide, ArrayLike], *, threads: int | None = None
) -> SourceLineSolution:
    """Solve for points at which any of the four sides' source voltages differ, all cells on: a sweep.

    Parameters
    ----------
    array : SourceLineArray
        The circuit; the end voltages of its own do not matter, the gates of its device do.
    sources : mapping of side to (points, cols)
        Volts of every side's sources.
    threads : int, optional
        Threads to use.

    Returns
    -------
    SourceLineSolution
        Of a batch of the points, with all node voltages.

    Raises
    ------
    SolveError, ConvergenceError, TooLargeError
        As ``solve_source_lines``.
    """
    layout = ColumnLayout.of(array)
    volts = np.stack([np.asarray(sources[side], dtype=np.float64) for side in COLUMN_SIDES], axis=1)
    layout.check_conflicts(volts)
    count = thread_count(threads)
    answer = PatternAnswers.of(array, volts.shape[0], fields=True, threads=count)
    if array.device.linear:
        _linear(array, layout, np.ones((volts.shape[0], array.shape[0])), volts, answer, count)
    else:
        _nonlinear(array, layout, None, volts, answer, count)
    answer.check(TOLERANCE)
    return _handed_out(array, layout, volts, answer, single=False)


def checked_gates(array: SourceLineArray | SharedSourceArray, gates: ArrayLike) -> Array:
    """Return gates as an array (rows,) or (batch, rows), or raise InputError.

    Parameters
    ----------
    array : SourceLineArray or SharedSourceArray
        Whose rows count.
    gates : (rows,) or (batch, rows) array_like
        Volts.
    """
    pattern = checked_array("gates", gates, signed=True)
    rows = array.shape[0]
    if pattern.ndim not in (1, 2) or pattern.shape[-1] != rows:
        raise InputError(
            f"gates has shape {pattern.shape}: it must be ({rows},) or (batch, {rows}), one gate for each row"
        )
    if array.device.gates is None:
        bad = (pattern != 0.0) & (pattern != 1.0)
        if bad.any():
            at = tuple(int(k) for k in np.argwhere(bad)[0])
            raise InputError(
                f"gates[{', '.join(map(str, at))}] is {pattern[at]:g}: it must be 1 (on) or 0 (off); gate volts are "
                "for cells with a gate, device=Transistor(...)"
            )
    return pattern


def line_voltages(voltages: ArrayLike, cols: int) -> Array:
    """Return the source lines' voltages as an array (lines,) or (batch, lines), or raise InputError.

    Parameters
    ----------
    voltages : scalar, (cols,) or (batch, cols) array_like
        Volts.
    cols : int
        How many source lines there are.
    """
    volts = checked_array("voltages", voltages, signed=True)
    if volts.ndim == 0:
        return np.full(cols, float(volts))
    if volts.ndim > 2 or volts.shape[-1] != cols:
        raise InputError(
            f"voltages has shape {volts.shape}: it must be a scalar, ({cols},) or (batch, {cols}), one voltage for "
            "each source line"
        )
    return volts


def batch_of(pattern: Array, volts: Array) -> int:
    """Return the size of the batch that gates or voltages are, or raise InputError.

    Parameters
    ----------
    pattern : (rows,) or (batch, rows) array
        Gates, as ``checked_gates`` gives them.
    volts : (cols,) or (batch, cols) array
        As ``line_voltages`` gives them.
    """
    sizes = {array.shape[0] for array in (pattern, volts) if array.ndim == 2}
    if len(sizes) > 1:
        raise InputError(
            f"gates has a batch of {pattern.shape[0]} and voltages one of {volts.shape[0]}: give batches of one size, "
            "or one of them without a batch"
        )
    return sizes.pop() if sizes else 1


@dataclass
class PatternAnswers:
    """What a batch of patterns gave.

    Attributes
    ----------
    currents : (batch, 4, cols)
        Out of the array's ends, in the order of ``COLUMN_SIDES``.
    residual : (batch,)
        Bounds of their errors, of the largest.
    iterations : (batch,)
        Newton steps.
    fields : (4, batch, rows, cols) or None
        Source- and bit-line voltages, cells' voltages and currents from source to bit line.
    adrift : list of (2, rows, cols) of bool
        Source- and bit-line nodes that have no path to a source, of each pattern that has such.
    """

    currents: Array
    residual: Array
    iterations: NDArray[np.int64]
    fields: Array | None
    adrift: list[NDArray[np.bool_]]

    @staticmethod
    def of(array: SourceLineArray, batch: int, *, fields: bool, threads: int) -> PatternAnswers:
        """Make room for a batch.

        Parameters
        ----------
        array : SourceLineArray
            What is solved.
        batch : int
            How many patterns.
        fields : bool
            Whether node voltages are kept.
        threads : int
            How many patterns are solved at once.
        """
        rows, cols = array.shape
        check_memory(
            8.0 * rows * cols * (_NUMBERS * min(threads, batch) + (4 * batch if fields else 0)),
            f"solving {batch} pattern(s) on {rows} x {cols}{' with all node voltages' if fields else ''}",
            "solve fewer patterns at a time" + (" or leave fields out" if fields else ""),
        )
        return PatternAnswers(
            np.zeros((batch, 4, cols)), np.zeros(batch), np.zeros(batch, np.int64),
            np.zeros((4, batch, rows, cols)) if fields else None, [],
        )  # fmt: skip

    def keep(self, k: int, space: LadderSpace, volts: Array) -> None:
        """Take pattern k's node voltages from where it was solved, NaN where they float.

        Parameters
        ----------
        k : int
            Which pattern.
        space : LadderSpace
            In which it was solved.
        volts : (4, cols) array
            Of the ends, in the order of ``COLUMN_SIDES``.
        """
        adrift = None if space.layout.whole else ~space.tied()
        if adrift is not None and adrift.any():
            self.adrift.append(adrift)
        if self.fields is None:
            return
        source, bit, across, cells = self.fields[:, k]
        space.voltages(volts, source, bit)
        across[:] = space.across
        np.multiply(space.cells, space.across, out=cells)
        if adrift is not None:
            source[adrift[0]], bit[adrift[1]] = np.nan, np.nan
            across[adrift[0] | adrift[1]] = np.nan

    def check(self, tolerance: float) -> None:
        """Check that all patterns' evidence is within ``tolerance``.

        Parameters
        ----------
        tolerance : float
            Of the residual, which is relative to the largest end current.

        Raises
        ------
        ConvergenceError
            One's is not.
        """
        if not np.isfinite(self.currents).all():
            raise ConvergenceError(
                "currents overflow double precision", "give conductances, voltages and ohms in SI units"
            )
        worst = int(np.argmax(self.residual)) if self.residual.size else 0
        if self.residual.size and not self.residual[worst] <= tolerance:
            raise ConvergenceError(
                f"the columns' solution violates Kirchhoff's laws by {self.residual[worst]:.1e} (pattern {worst}, "
                f"tolerance {tolerance:g})",
                "look for resistances further than 1e16 apart",
            )


def _linear(
    array: SourceLineArray, layout: ColumnLayout, gates: Array, sources: Array, answer: PatternAnswers, threads: int
) -> None:
    rows, cols = array.shape
    conductance = array.cells

    def work(patterns: slice) -> None:
        space = LadderSpace(layout, rows, cols)
        g = np.empty((rows, cols))
        for k in range(patterns.start, patterns.stop):
            check_running()
            np.multiply(conductance, gates[k, :, None], out=g)
            answer.residual[k] = space.solve(g, sources[k], answer.currents[k])
            answer.keep(k, space, sources[k])

    run_tasks(work, chunks(gates.shape[0], threads), threads)


def _nonlinear(
    array: SourceLineArray,
    layout: ColumnLayout,
    gates: Array | None,
    sources: Array,
    answer: PatternAnswers,
    threads: int,
) -> None:
    rows, cols = array.shape
    device, conductance = array.device, array.conductance
    beyond: list[Beyond] = []

    def work(patterns: slice) -> None:
        space = LadderSpace(layout, rows, cols)
        newton = ColumnNewton(layout, (rows, cols), device.cells(conductance).symmetric)
        for k in range(patterns.start, patterns.stop):
            cell_law, siemens = device, conductance
            if gates is not None and device.gates is not None:
                cell_law = device.with_gates(gates[k][:, None])
            elif gates is not None:
                siemens = conductance * gates[k, :, None]
            cells = cell_law.cells(siemens)
            volts = np.ascontiguousarray(sources[k])
            answer.iterations[k] = newton.solve(cells, cell_law, volts, k)
            answer.residual[k] = newton.finish(cells, space, volts, answer.currents[k])
            beyond.extend(newton.farthest(device, siemens, space, k))
            answer.keep(k, space, volts)

    run_tasks(work, chunks(sources.shape[0], threads), threads)
    report(sorted(beyond, key=lambda case: case.vector))


def _handed_out(
    array: SourceLineArray, layout: ColumnLayout, sources: Array, answer: PatternAnswers, single: bool
) -> SourceLineSolution:
    """Return the result in the caller's shape: a batch, or its only pattern."""
    currents = layout.shared(answer.currents)
    power = -(sources * currents).sum(axis=(1, 2))
    fields: list[Array | None] = [None] * 4
    if answer.fields is not None:
        fields = [part[0] if single else part for part in answer.fields]
    floating = [
        f"{name}[{i}, {j}]"
        for name, nodes in zip("sb", np.logical_or.reduce(answer.adrift, axis=0), strict=True)
        for i, j in np.argwhere(nodes)
    ] if answer.adrift else []  # fmt: skip
    return SourceLineSolution(
        array=array,
        end_currents={side: currents[0, k] if single else currents[:, k] for k, side in enumerate(COLUMN_SIDES)},
        power=float(power[0]) if single else power,
        residual=float(answer.residual.max(initial=0.0)),
        iterations=int(answer.iterations[0]) if single else answer.iterations,
        method="ladder" if array.device.linear else "newton",
        floating=floating,
        _source=fields[0],
        _bit=fields[1],
        _across=fields[2],
        _cells=fields[3],
    )
