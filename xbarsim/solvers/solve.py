"""``solve``: from a crossbar and its input voltages to checked currents."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.crossbar import SIDES, Array, Crossbar, LineEnds, Side, checked_array
from xbarsim.devices import Linear
from xbarsim.errors import ConvergenceError, InputError, TooLargeError
from xbarsim.resources import thread_count
from xbarsim.solution import Solution
from xbarsim.solvers import reference
from xbarsim.solvers.costs import map_cost, vectors_cost
from xbarsim.solvers.effective import verify
from xbarsim.solvers.linear import Answer, by_kron, by_schur
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


def solve(
    crossbar: Crossbar,
    voltages: ArrayLike,
    *,
    method: Method = "auto",
    fields: bool | None = None,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
) -> Solution:
    """Solve the circuit exactly: all currents and node voltages for given input voltages.

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
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}: it must be one of {', '.join(get_args(Method))}")
    rows = crossbar.shape[0]
    given = checked_array("voltages", voltages, signed=True)
    if given.ndim not in (1, 2) or given.shape[-1] != rows:
        raise InputError(
            f"voltages has shape {given.shape}: it must be ({rows},) or (batch, {rows}), one voltage for each row"
        )
    if isinstance(tolerance, bool) or not (isinstance(tolerance, Real) and 0.0 < tolerance < np.inf):
        raise InputError(f"tolerance is {tolerance!r}: it must be a finite number above 0")
    single = given.ndim == 1
    keep = single if fields is None else bool(fields) or single
    segments = Segments.of(crossbar)
    sources = segments.sources(np.ascontiguousarray(np.atleast_2d(given)))
    return _solve(crossbar, segments, sources, method, keep, tolerance, thread_count(threads), single)


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
    segments.refuse_conflicts(sources)
    if method == "newton" or not isinstance(crossbar.device, Linear):
        if method not in ("auto", "newton"):
            raise InputError(f'method is {method!r}, for linear cells: with {crossbar.device!r} use "auto" or "newton"')
        used: Method = "newton"
        answer = by_newton(
            segments, crossbar.device, sources, fields=fields, max_iterations=MAX_ITERATIONS, threads=threads
        )
    elif method == "reference":
        used = "reference"
        answer = _by_reference(crossbar, segments, sources)
    else:
        used, answer = _choose(method, segments, sources, fields, tolerance, threads)
    return _solution(crossbar, segments, answer, used, single, tolerance)


def _choose(
    method: Method, segments: Segments, sources: dict[Side, Array], fields: bool, tolerance: float, threads: int
) -> tuple[Method, Answer]:
    """Run the method asked for; ``auto`` falls back from one to the other where time or memory says so."""

    def kron() -> tuple[Method, Answer]:
        how = by_kron if fields else _by_map
        return "kron", how(segments, sources, threads=threads)

    def schur(limit: int, vectors: slice = slice(None)) -> Answer:
        some = {side: volts[vectors] for side, volts in sources.items()}
        return by_schur(segments, some, fields=fields, max_iterations=limit, threads=threads)

    if method == "kron":
        return kron()
    if method == "schur":
        return "schur", schur(MAX_ITERATIONS)
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
            answer = Answer.joined(*before, tried, schur(AUTO_ITERATIONS, slice(at + 1, count)))
        good = answer.converged & answer.sure
        if good.all() and answer.residual.max(initial=0.0) <= min(tolerance, EXACT):
            return "schur", answer
        return kron()
    except TooLargeError:
        return "schur", schur(MAX_ITERATIONS)


def _map_pays(segments: Segments, count: int, steps: float) -> bool:
    """Whether one effective map costs less than the other vectors, after one that took so many steps."""
    return vectors_cost(segments, count - 1, steps) > map_cost(segments, count)


def _by_map(segments: Segments, sources: dict[Side, Array], *, threads: int) -> Answer:
    """Answer all vectors from one verified reduction; the residual is the verification's difference.

    Besides, currents below the range of normal doubles have few digits or none.
    """
    terminals = Terminals.of(segments, keep=False, threads=threads)
    difference = np.full(sources["word_left"].shape[0], verify(terminals))
    currents = terminals.currents(sources)
    largest = np.max([np.abs(amperes).max(axis=1, initial=0.0) for amperes in currents.values()], axis=0)
    for vector in np.flatnonzero(largest < _FEW_DIGITS):
        volts = [lines[vector] for lines in sources.values()]
        if any(held.any() for held in volts):
            whole = scale([amperes[vector] for amperes in currents.values()], segments.g, volts)
            lost = sum(segments.g.shape) * _SMALLEST if segments.g.any() else 0.0
            difference[vector] += lost / whole if whole > 0.0 else np.inf if lost > 0.0 else 0.0
    return Answer.without_fields(sources, currents, difference)


def _by_reference(crossbar: Crossbar, segments: Segments, sources: dict[Side, Array]) -> Answer:
    ends = crossbar.boundary
    found = []
    for k, left in enumerate(sources["word_left"]):
        volts = {side: sources[side][k] for side in SIDES} | {"word_left": 0.0}
        held = {side: LineEnds(volts[side], ends[side].resistance) for side in SIDES}
        point = Crossbar(crossbar.conductance, word_wire=crossbar.word_wire, bit_wire=crossbar.bit_wire, ends=held)
        found.append(reference.solve(point, left))
    rows, cols = crossbar.shape
    word = np.array([one.word_voltages for one in found]).reshape(-1, rows, cols)
    bit = np.array([one.bit_voltages for one in found]).reshape(-1, rows, cols)
    currents = {
        side: np.array([one.end_currents[side] for one in found]).reshape(volts.shape)
        for side, volts in sources.items()
    }
    answer = Answer.without_fields(sources, currents, np.zeros(len(found)))
    answer.word, answer.bit = word, bit
    # Laid out, a joined line has one end; here that end carries the whole.
    pairs: tuple[tuple[str, Side, Side], ...] = (
        ("word", "word_left", "word_right"),
        ("bit", "bit_bottom", "bit_top"),
    )
    for layer, near, far in pairs:
        lines = segments.joined[layer]
        currents[near][:, lines] += currents[far][:, lines]
        currents[far][:, lines] = 0.0
    low = [np.array([one.rest[layer] for one in found]).reshape(-1, rows, cols) for layer in (0, 1)]
    answer.check(segments, (low[0], low[1]))
    return answer


def _solution(
    crossbar: Crossbar, segments: Segments, answer: Answer, method: Method, single: bool, tolerance: float
) -> Solution:
    """Check the evidence and hand out the result in the caller's shape."""
    if not answer.converged.all():
        worst = int(np.argmin(answer.converged))
        raise ConvergenceError(
            f"conjugate gradients did not converge in {MAX_ITERATIONS} steps (vector {worst}, residual "
            f'{answer.residual[worst]:.1e}): wires dominate this circuit, use method="kron"'
        )
    finite = all(np.isfinite(amperes).all() for amperes in answer.currents.values())
    if not finite:
        raise ConvergenceError("currents overflow double precision: give conductances, voltages and ohms in SI units")
    if not answer.residual.max(initial=0.0) <= tolerance:
        worst = int(np.argmax(answer.residual))
        most = max(float(np.abs(volts[worst]).max(initial=0.0)) for volts in answer.sources.values())
        if not _LEAST_VOLTS < most < 1.0 / _LEAST_VOLTS:
            raise ConvergenceError(
                f"the voltages of vector {worst} are at most {most:.1e} V, too far from 1 V for double precision "
                f"(residual {answer.residual[worst]:.1e}, tolerance {tolerance:g}): give volts in SI units"
            )
        other = "" if method == "newton" else f'try method="{"schur" if method == "kron" else "kron"}", and '
        raise ConvergenceError(
            f"the {method} solution violates Kirchhoff's laws by {answer.residual[worst]:.1e} (vector {worst}, "
            f"tolerance {tolerance:g}): {other}look for resistances further than 1e16 apart"
        )
    word, bit = answer.word, answer.bit
    if word is not None and bit is not None and segments.floating_word is not None:
        word[:, segments.floating_word] = np.nan
        bit[:, segments.floating_bit] = np.nan
    across = _across(answer)
    segments.share_joined(answer.currents)
    power = np.zeros(answer.residual.size)
    with np.errstate(over="ignore", invalid="ignore"):
        for side, volts in answer.sources.items():
            power -= (volts * answer.currents[side]).sum(axis=1)

    def shaped(array: Array | None) -> Array | None:
        return array[0] if single and array is not None else array

    return Solution(
        crossbar=crossbar,
        end_currents={side: amperes[0] if single else amperes for side, amperes in answer.currents.items()},
        power=float(power[0]) if single else power,
        residual=float(answer.residual.max(initial=0.0)),
        iterations=int(answer.iterations[0]) if single else answer.iterations,
        method=method,
        floating=segments.floating_names(answer.cut_off),
        _word=shaped(word),
        _bit=shaped(bit),
        _across=shaped(across),
        _cells=shaped(_cells(crossbar, answer)),
    )


def _across(answer: Answer) -> Array | None:
    """Volts across all cells (batch, rows, cols), where some vector's are more exact than ``word - bit``."""
    if answer.word is None or answer.bit is None or not answer.across:
        return None
    across: Array = answer.word - answer.bit
    for vector, volts in answer.across.items():
        across[vector] = np.where(np.isnan(across[vector]), np.nan, volts)
    return across


def _cells(crossbar: Crossbar, answer: Answer) -> Array | None:
    """Nonlinear cells' currents (batch, rows, cols), where some vector's are more exact than its voltages."""
    if answer.word is None or answer.bit is None or not answer.cells:
        return None
    cells = crossbar.device.current(crossbar.conductance, answer.word, answer.bit)
    for vector, amperes in answer.cells.items():
        cells[vector] = np.where(np.isnan(cells[vector]), np.nan, amperes)
    return cells
