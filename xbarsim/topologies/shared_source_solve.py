"""``solve_shared_sources``: pairs of columns with a source line between, as the crossbars that they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.checks import Array
from xbarsim.crossbar import Side
from xbarsim.errors import InputError
from xbarsim.solution import Solution
from xbarsim.solvers.extrapolation import Beyond, report
from xbarsim.solvers.solve import solve_points
from xbarsim.topologies.shared_source_array import SharedSourceArray, unwoven, woven
from xbarsim.topologies.shared_source_newton import SharedNewton
from xbarsim.topologies.source_line_array import ColumnSide
from xbarsim.topologies.source_line_solution import SourceLineSolution
from xbarsim.topologies.source_line_solve import batch_of, checked_gates, line_voltages

_ENDS: tuple[tuple[Side, ColumnSide, ColumnSide], ...] = (
    ("word_left", "source_top", "bit_top"),
    ("word_right", "source_bottom", "bit_bottom"),
)


def solve_shared_sources(
    array: SharedSourceArray,
    gates: ArrayLike,
    voltages: ArrayLike,
    *,
    fields: bool | None = None,
    threads: int | None = None,
) -> SourceLineSolution:
    """Solve an array whose source lines are shared by two bit lines exactly, for one pattern of gates or for many.

    Each pattern is a crossbar of its own, and a solve; voltages that share a pattern are one batch.

    Parameters
    ----------
    array : SharedSourceArray
        The circuit.
    gates : array_like, (rows,) or (batch, rows)
        On (1, True) or off (0, False) for each row, plain numbers.
    voltages : array_like, scalar, (cols / 2,) or (batch, cols / 2)
        Volts of the ``source_top`` sources.
    fields, threads
        As ``solve_source_lines``.

    Returns
    -------
    SourceLineSolution
        ``source_voltages`` are (..., rows, cols / 2).

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``solve_source_lines``.
    """
    if not isinstance(array, SharedSourceArray):
        raise InputError(f"array is {type(array).__name__}: it must be a SharedSourceArray")
    pattern, volts = checked_gates(array, gates), line_voltages(voltages, array.shape[1] // 2)
    single = pattern.ndim == 1 and volts.ndim == 1
    batch, keep = batch_of(pattern, volts), single if fields is None else bool(fields) or single
    volts = np.broadcast_to(np.atleast_2d(volts), (batch, array.shape[1] // 2))
    if batch and not array.device.linear:
        answers = _nonlinear(array, np.broadcast_to(pattern, (batch, array.shape[0])), volts, threads)
        return _handed_out(array, answers, keep, single)
    parts: list[tuple[Array, Array]] = [(pattern if batch else np.ones(array.shape[0]), volts)]
    if pattern.ndim == 2 and batch:
        parts = [(on, volts[k : k + 1]) for k, on in enumerate(pattern)]
    solutions = [
        solve_points(array.crossbar(on), _sources(array, levels), fields=keep, threads=threads) for on, levels in parts
    ]
    residual = max(solution.residual for solution in solutions)
    return _handed_out(array, _Answers(solutions, residual, np.zeros(batch, np.int64)), keep, single)


@dataclass(frozen=True)
class _Answers:
    """Solutions of the crossbars, the largest residual, and each vector's Newton steps (batch,)."""

    solutions: list[Solution]
    residual: float
    steps: NDArray[np.int64]


def _nonlinear(array: SharedSourceArray, gates: Array, volts: Array, threads: int | None) -> _Answers:
    newton = SharedNewton.of(array)
    solutions, steps, worst = [], np.zeros(len(volts), np.int64), 0.0
    beyond: list[Beyond] = []
    for k, levels in enumerate(volts):
        siemens = array.conductance * gates[k][:, None]
        cells = array.device.cells(siemens)
        ends = {side: tied.voltage for side, tied in array.boundary.items()}
        lines = [np.repeat(levels, 2), ends["bit_top"], np.repeat(ends["source_bottom"], 2), ends["bit_bottom"]]
        steps[k] = newton.solve(cells, array.device, np.array(lines), k)
        solution, residual = newton.last_word(cells, _sources(array, levels[None]), threads)
        worst = max(worst, residual)
        beyond.extend(newton.beyond(array.device, siemens, solution, k))
        solutions.append(solution)
    report(beyond)
    return _Answers(solutions, worst, steps)


def _sources(array: SharedSourceArray, volts: Array) -> dict[Side, Array]:
    """Return all of the crossbar's ends' voltages (batch, lines)."""
    levels = {side: np.tile(tied.voltage, (volts.shape[0], 1)) for side, tied in array.boundary.items()}
    levels["source_top"] = volts
    still = np.zeros((volts.shape[0], 2 * array.shape[0]))
    sources: dict[Side, Array] = {"bit_top": still, "bit_bottom": still}
    return sources | {side: woven(levels[source], levels[bit], 1) for side, source, bit in _ENDS}


def _handed_out(array: SharedSourceArray, answers: _Answers, keep: bool, single: bool) -> SourceLineSolution:
    solutions = answers.solutions

    def shaped(numbers: Array) -> Array:
        return numbers[0] if single else numbers

    ends: dict[ColumnSide, Array] = {}
    for side, source, bit in _ENDS:
        amperes = np.concatenate([solution.end_currents[side] for solution in solutions])
        ends[source], ends[bit] = (shaped(part) for part in unwoven(amperes, 1))
    power = np.concatenate([np.atleast_1d(solution.power) for solution in solutions])
    fields: tuple[Array | None, ...] = (None,) * 4
    if keep:
        tables = [np.concatenate(table) for table in zip(*map(_fields, solutions), strict=True)]
        fields = tuple(shaped(table) for table in tables)
    return SourceLineSolution(
        array=array,
        end_currents=ends,
        power=float(power[0]) if single else power,
        residual=answers.residual,
        iterations=int(answers.steps[0]) if single else answers.steps,
        method=solutions[0].method if array.device.linear else "newton",
        floating=_floating(solutions),
        _source=fields[0],
        _bit=fields[1],
        _across=fields[2],
        _cells=fields[3],
    )


def _fields(solution: Solution) -> tuple[Array, Array, Array, Array]:
    """Return source- and bit-line voltages, cells' voltages and their currents from source to bit line."""
    source, bit = (lines.swapaxes(1, 2) for lines in unwoven(solution.word_voltages[..., 0::2], 1))
    batch, rows, cols = bit.shape

    def of_cells(table: Array) -> Array:
        """Return what (batch, pairs, 2 rows) has in the cells' places."""
        return table.reshape(batch, cols // 2, rows, 2).swapaxes(1, 2).reshape(batch, rows, cols)

    half = solution.device_voltages
    beyond = np.where(np.arange(2 * rows) % 2 == 0, half[:, 0::3], half[:, 2::3])
    across = of_cells(half[:, 1::3] - beyond)
    # Inner nodes of cells that are off have no voltage.
    across = np.where(np.isnan(across), np.repeat(source, 2, axis=2) - bit, across)
    return source, bit, across, of_cells(solution.device_currents[:, 1::3])


def _floating(solutions: list[Solution]) -> list[str]:
    """Return the lines' nodes without a path to a source, in one pattern at least."""
    names: dict[str, None] = {}
    for solution in solutions:
        for name in solution.floating:
            layer, _, place = name.rstrip("]").partition("[")
            line, at = map(int, place.split(","))
            if layer == "w":
                pair, kind = divmod(line, 3)
                names[f"s[{at // 2}, {pair}]" if kind == 1 else f"b[{at // 2}, {2 * pair + kind // 2}]"] = None
    return list(names)
