"""``solve``: from a crossbar and its input voltages to checked currents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import check_tolerance
from xbarsim.conventions.odd_values import turned
from xbarsim.crossbar import SIDES, Array, Crossbar, LineEnds, Side, checked_array
from xbarsim.errors import ConvergenceError, InputError, TooLargeError
from xbarsim.resources import thread_count
from xbarsim.solution import Solution
from xbarsim.solvers import reference
from xbarsim.solvers.answer import BatchAnswer, field_evidence
from xbarsim.solvers.costs import map_cost, vectors_cost
from xbarsim.solvers.effective import verify
from xbarsim.solvers.linear import by_kron, by_schur
from xbarsim.solvers.newton import by_newton
from xbarsim.solvers.refinement import EXACT, scale
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.terminals import Terminals

Method = Literal["auto", "schur", "kron", "newton", "reference"]

TOLERANCE = 1e-11
"""Default bound of a returned solution's residual."""

AUTO_ITERATIONS = 60
"""Past this many conjugate-gradient steps a reduction is cheaper."""

MAX_ITERATIONS = 20_000

_SMALLEST = float(np.finfo(np.float64).smallest_subnormal)

_LEAST_VOLTS = 1e-140
"""Below, and above one over it, volts times volts times siemens leave the range of doubles."""

_FEW_DIGITS = 1e-290
"""Amperes below which the parts of a current may be so small that they lose digits."""

_MOST_SIEMENS = 1e15
"""Cells beyond which rounded node voltages no longer tell what cells carry: a residual of theirs is no evidence."""


_ACCEPTABLE = 1e-3
"""Errors below are told how a tolerance accepts them."""


def solve(
    crossbar: Crossbar,
    voltages: ArrayLike,
    *,
    method: Method = "auto",
    fields: bool | None = None,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
) -> Solution:
    """Solve the circuit exactly: all currents and node voltages for volts input voltages.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit.
    voltages : array_like, (rows,) or (batch, rows)
        Volts of the word_left sources. Those of open ends (``driver`` inf) do not matter.
    method : {"auto", "schur", "kron", "newton", "reference"}
        ``schur``: conjugate gradients on one layer, each vector on its own. ``kron``: reduction of the whole circuit to
        its line ends, then all vectors at once. ``reference``: slow star-mesh elimination for small arrays, sharing
        no code with the others. ``newton``: Newton's method, the one for nonlinear cells. ``auto``: ``newton`` for
        nonlinear cells; ``schur`` for few vectors, ``kron`` for many or where ``schur`` is slow.
    fields : bool, optional
        Keep node voltages and device currents. Default: for one vector, not for a batch.
    tolerance : float
        Largest residual of a solution that is returned.
    threads : int, optional
        Threads to use; default ``NUMBA_NUM_THREADS`` or all cores. The result does not depend on it.

    Returns
    -------
    Solution
        Arrays have the batch axis that ``voltages`` has.

    Raises
    ------
    InputError
        ``voltages`` has a bad entry or shape, or an option is unknown.
    SolveError
        Two sources of different voltage are joined by 0 ohm.
    ConvergenceError
        The residual is above tolerance, or Newton's method did not converge: no number is returned.
    TooLargeError
        The work would not fit in memory.
    ExtrapolationError
        A cell is beyond the voltages at which its curve was measured, and its device refuses that; otherwise an
        ExtrapolationWarning says so.
    """
    if not isinstance(crossbar, Crossbar):
        raise InputError(f"crossbar is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
    check_method(method)
    volts = checked_voltages(voltages, *crossbar.shape)
    check_tolerance(tolerance)
    single = volts.ndim == 1
    keep = single if fields is None else bool(fields) or single
    segments = Segments.of(crossbar)
    sources = segments.sources(np.ascontiguousarray(np.atleast_2d(volts)))
    return _solve(crossbar, segments, sources, method, keep, tolerance, thread_count(threads), single)


def check_method(method: str) -> None:
    """Check that a method is one of ``Method``, or raise InputError."""
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}: it must be one of {', '.join(get_args(Method))}")


def checked_voltages(voltages: ArrayLike, rows: int, cols: int = 0) -> Array:
    """Return ``voltages`` as an array (rows,) or (batch, rows), or raise InputError; ``cols`` is for its message."""
    volts = checked_array("voltages", voltages, signed=True)
    if volts.ndim not in (1, 2) or volts.shape[-1] != rows:
        raise InputError(
            f"voltages has shape {volts.shape}: it must be ({rows},) or (batch, {rows}), one voltage for each row"
            f"{turned(volts.shape, rows, cols)}"
        )
    return volts


def solve_points(
    crossbar: Crossbar,
    sources: Mapping[Side, ArrayLike],
    *,
    method: Method = "auto",
    fields: bool = False,
    threads: int | None = None,
) -> Solution:
    """Solve for points at which any of the four sides' source voltages differ: a sweep.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit; the end voltages of its own do not matter.
    sources : mapping of side to (points, lines)
        Volts of every side's sources.
    method, fields, threads
        As ``solve``.

    Raises
    ------
    SolveError, ConvergenceError, TooLargeError
        As ``solve``.
    """
    volts = {side: np.ascontiguousarray(sources[side], dtype=np.float64) for side in SIDES}
    segments = Segments.of(crossbar)
    return _solve(crossbar, segments, volts, method, fields, TOLERANCE, thread_count(threads), single=False)


def _solve(
    crossbar: Crossbar,
    segments: Segments,
    sources: dict[Side, Array],
    method: Method,
    fields: bool,
    tolerance: float,
    threads: int,
    single: bool,
) -> Solution:
    segments.check_conflicts(sources)
    if method == "newton" or not crossbar.device.linear:
        if method not in ("auto", "newton"):
            raise InputError(f'method is {method!r}, for linear cells: with {crossbar.device!r} use "auto" or "newton"')
        answer = by_newton(
            segments, crossbar.device, sources, fields=fields, max_iterations=MAX_ITERATIONS, threads=threads
        )
    elif method == "reference":
        answer = _by_reference(crossbar, segments, sources)
    else:
        answer = _choose(method, segments, sources, fields, tolerance, threads)
    _check_evidence(answer, tolerance)
    return handed_out(crossbar, segments, answer, single)


def _choose(
    method: Method, segments: Segments, sources: dict[Side, Array], fields: bool, tolerance: float, threads: int
) -> BatchAnswer:
    """Run the method asked for; ``auto`` falls back from one to the other where time or memory says so."""

    def kron() -> BatchAnswer:
        reduce = by_kron if fields else _by_map
        return reduce(segments, sources, threads=threads)

    def schur(limit: int, vectors: slice = slice(None)) -> BatchAnswer:
        part = {side: volts[vectors] for side, volts in sources.items()}
        return by_schur(segments, part, fields=fields, max_iterations=limit, threads=threads)

    shorted = segments.g.max(initial=0.0) > _MOST_SIEMENS
    if shorted and method == "schur":
        raise ConvergenceError(
            f"cells of {segments.g.max():.3g} S are shorts beside whatever else there is, and cannot be told by node "
            "voltages",
            'use method="kron"',
        )
    if method == "kron" or shorted:
        return kron()
    if method == "schur":
        return schur(MAX_ITERATIONS)
    count = sources["word_left"].shape[0]
    try:
        if fields or not _map_pays(segments, count, AUTO_ITERATIONS):
            answer = schur(AUTO_ITERATIONS)
        elif _map_pays(segments, count, 1):
            return kron()
        else:
            # One vector tells how hard these are; one of 0 V would not.
            at = int(sources["word_left"].any(axis=1).argmax())
            tried = schur(AUTO_ITERATIONS, slice(at, at + 1))
            if _map_pays(segments, count, float(tried.iterations[0])):
                return kron()
            before = [schur(AUTO_ITERATIONS, slice(0, at))] if at > 0 else []
            answer = BatchAnswer.joined(*before, tried, schur(AUTO_ITERATIONS, slice(at + 1, count)))
        good = answer.converged & answer.sure
        if good.all() and answer.residual.max(initial=0.0) <= min(tolerance, EXACT):
            return answer
        return kron()
    except TooLargeError:
        return schur(MAX_ITERATIONS)


def _map_pays(segments: Segments, count: int, steps: float) -> bool:
    """Whether one effective map costs less than the other vectors, after one that took so many steps."""
    return vectors_cost(segments, count - 1, steps) > map_cost(segments, count)


def _by_map(segments: Segments, sources: dict[Side, Array], *, threads: int) -> BatchAnswer:
    """Answer all vectors from one verified reduction; the evidence is the verification's.

    Besides, currents below the range of normal doubles have few digits or none.
    """
    terminals = Terminals.of(segments, keep=False, threads=threads)
    verification = verify(terminals)
    batch = sources["word_left"].shape[0]
    residual = np.full(batch, verification.residual)
    currents = terminals.currents(sources)
    largest = np.max([np.abs(amperes).max(axis=1, initial=0.0) for amperes in currents.values()], axis=0)
    for vector in np.flatnonzero(largest < _FEW_DIGITS):
        volts = [lines[vector] for lines in sources.values()]
        if any(side.any() for side in volts):
            whole = scale([amperes[vector] for amperes in currents.values()], segments.g, volts)
            lost = sum(segments.g.shape) * _SMALLEST if segments.g.any() else 0.0
            residual[vector] += lost / whole if whole > 0.0 else np.inf if lost > 0.0 else 0.0
    return BatchAnswer.direct(
        "kron", sources, currents, residual, map_difference=np.full(batch, verification.difference)
    )


def _by_reference(crossbar: Crossbar, segments: Segments, sources: dict[Side, Array]) -> BatchAnswer:
    ends = crossbar.boundary
    solutions = []
    for k, left in enumerate(sources["word_left"]):
        volts = {side: sources[side][k] for side in SIDES} | {"word_left": 0.0}
        tied = {side: LineEnds(volts[side], ends[side].resistance) for side in SIDES}
        point = Crossbar(crossbar.conductance, word_wire=crossbar.word_wire, bit_wire=crossbar.bit_wire, ends=tied)
        solutions.append(reference.solve(point, left))
    # Laid out, a joined line has one end; here that end carries the whole.
    currents = segments.gathered(
        {
            side: np.array([solution.end_currents[side] for solution in solutions]).reshape(volts.shape)
            for side, volts in sources.items()
        }
    )
    rows, cols = crossbar.shape
    word, bit = (
        (
            np.array([getattr(solution, name) for solution in solutions]).reshape(-1, rows, cols),
            np.array([solution.low[layer] for solution in solutions]).reshape(-1, rows, cols),
        )
        for layer, name in enumerate(("word_voltages", "bit_voltages"))
    )
    residual, across = field_evidence(segments, sources, currents, word, bit)
    return BatchAnswer.direct("reference", sources, currents, residual, word=word[0], bit=bit[0], across=across)


def _check_evidence(answer: BatchAnswer, tolerance: float) -> None:
    """Check that all vectors converged, to numbers within tolerance.

    Raises
    ------
    ConvergenceError
        One did not.
    """
    error = answer.error
    if not answer.converged.all():
        worst = int(np.argmin(answer.converged))
        raise ConvergenceError(
            f"conjugate gradients did not converge in {MAX_ITERATIONS} steps (vector {worst}, residual "
            f"{error[worst]:.1e})",
            'wires dominate this circuit, use method="kron"',
            'method="auto" takes that where memory allows',
        )
    if not all(np.isfinite(amperes).all() for amperes in answer.currents.values()):
        raise ConvergenceError("currents overflow double precision", "give conductances, voltages and ohms in SI units")
    if error.max(initial=0.0) <= tolerance:
        return
    worst = int(np.argmax(error))
    most = max(float(np.abs(volts[worst]).max(initial=0.0)) for volts in answer.sources.values())
    if not _LEAST_VOLTS < most < 1.0 / _LEAST_VOLTS:
        raise ConvergenceError(
            f"the voltages of vector {worst} are at most {most:.1e} V, too far from 1 V for double precision "
            f"(residual {error[worst]:.1e}, tolerance {tolerance:g})",
            "give volts in SI units",
            "linear cells answer in proportion, solve at about 1 V and scale the currents",
        )
    method = "kron" if answer.reduced[worst] else answer.method
    far_apart = "look for resistances further than 1e16 apart"
    remedies = {
        "newton": [far_apart, "a law so steep that its volts' rounding is current needs smaller voltages"],
        "kron": [f'try method="schur", and {far_apart}'],
    }.get(method, [f'try method="kron", and {far_apart}'])
    if error[worst] < _ACCEPTABLE:
        remedies.append(f"solve(..., tolerance={2 * error[worst]:.0e}) accepts it as it is")
    raise ConvergenceError(
        f"the {method} solution violates Kirchhoff's laws by {error[worst]:.1e} (vector {worst}, "
        f"tolerance {tolerance:g})",
        *remedies,
    )


def handed_out(crossbar: Crossbar, segments: Segments, answer: BatchAnswer, single: bool) -> Solution:
    """Return the result in the caller's shape: a batch, or its only vector.

    Parameters
    ----------
    crossbar : Crossbar
        What was solved.
    segments : Segments
        Its layout, which says what floats.
    answer : BatchAnswer
        Of all vectors.
    single : bool
        Whether the caller gave one vector without a batch.
    """
    word, bit = answer.word, answer.bit
    islands = segments.floating_word, segments.floating_bit
    if word is not None and bit is not None and islands[0] is not None and islands[1] is not None:
        word, bit = np.where(islands[0], np.nan, word), np.where(islands[1], np.nan, bit)
    currents = segments.shared(answer.currents)
    power = np.zeros(answer.residual.size)
    with np.errstate(over="ignore", invalid="ignore"):
        for side, volts in answer.sources.items():
            power -= (volts * currents[side]).sum(axis=1)

    def shaped(array: Array | None) -> Array | None:
        return array[0] if single and array is not None else array

    return Solution(
        crossbar=crossbar,
        end_currents=_of_shape(currents, single),
        power=float(power[0]) if single else power,
        residual=float(answer.residual.max(initial=0.0)),
        map_difference=None if answer.map_difference is None else float(answer.map_difference.max(initial=0.0)),
        iterations=int(answer.iterations[0]) if single else answer.iterations,
        method=answer.methods,
        floating=segments.floating_names(answer.cut_off),
        _word=shaped(word),
        _bit=shaped(bit),
        _across=shaped(_across(word, bit, answer)),
        _cells=shaped(_cells(crossbar, word, bit, answer)),
        _sources=None if word is None else _of_shape(answer.sources, single),
    )


def _of_shape(lines: dict[Side, Array], single: bool) -> dict[Side, Array]:
    return {side: values[0] if single else values for side, values in lines.items()}


def _across(word: Array | None, bit: Array | None, answer: BatchAnswer) -> Array | None:
    """Volts across all cells (batch, rows, cols), where some vector's are more exact than ``word - bit``."""
    if word is None or bit is None or not answer.across:
        return None
    across: Array = word - bit
    for vector, volts in answer.across.items():
        across[vector] = np.where(np.isnan(across[vector]), np.nan, volts)
    return across


def _cells(crossbar: Crossbar, word: Array | None, bit: Array | None, answer: BatchAnswer) -> Array | None:
    """Nonlinear cells' currents (batch, rows, cols), where some vector's are more exact than its voltages."""
    if word is None or bit is None or not answer.cells:
        return None
    cells = crossbar.device.current(crossbar.conductance, word, bit)
    for vector, amperes in answer.cells.items():
        cells[vector] = np.where(np.isnan(cells[vector]), np.nan, amperes)
    return cells
