"""``solve_joined``: arrays joined at line ends, each solved at the voltages that its joints have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, check_tolerance
from xbarsim.crossbar import SIDES, Crossbar, Side
from xbarsim.devices import Linear
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.resources import thread_count
from xbarsim.solution import Solution
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.solve import TOLERANCE, checked_voltages, solve_points
from xbarsim.topologies.line_joints import JoinedArrays, JoinedReduction, couplings_of, stiffness_of

_CORRECTIONS = 3
"""Of the joints' voltages, by what their currents miss."""

_STEPS, _HALVINGS = 60, 12
"""Of Newton's method on the joints, and of one of its steps."""

Volts = Mapping[str, Mapping[Side, Array]]


@dataclass(frozen=True)
class JoinedSolution:
    """The state of joined arrays for a batch of input voltages.

    Attributes
    ----------
    joined : JoinedArrays
        The circuit.
    arrays : dict of str to Solution
        Each array's state, a batch of vectors, its joints' voltages those of its sources there.
    joint_voltages : (batch, joints)
        Volts.
    residual : float
        Bound of the error of any end current, relative to the largest: the arrays' residuals and what the currents
        into a joint leave of Kirchhoff's current law.
    """

    joined: JoinedArrays
    arrays: dict[str, Solution]
    joint_voltages: Array
    residual: float


def solve_joined(
    joined: JoinedArrays,
    voltages: Mapping[str, ArrayLike],
    *,
    fields: bool = False,
    tolerance: float = TOLERANCE,
    threads: int | None = None,
) -> JoinedSolution:
    """Solve joined arrays exactly: reduce each to its ends, find the joints' voltages, solve each array at those.

    The last solves share nothing with the reductions; what their currents leave at the joints is the evidence. Where
    cells are not linear, the joints' voltages take Newton's method: each vector some solves of all arrays, and as many
    reductions.

    Parameters
    ----------
    joined : JoinedArrays
        The circuit.
    voltages : mapping of str to (rows,) or (batch, rows)
        Volts of each array's word_left sources; those of open ends and joints do not matter. An array left out has 0 V.
    fields : bool
        Keep the arrays' node voltages and device currents.
    tolerance : float
        Largest residual of a solution that is returned.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Raises
    ------
    InputError
        ``voltages`` names an array that is not there, or has a bad entry or shape; ``tolerance`` is none.
    FloatingError
        A joint has no path to any source.
    SolveError, ConvergenceError, TooLargeError
        As ``xbarsim.solve`` and ``port_admittance``.
    """
    if not isinstance(joined, JoinedArrays):
        raise InputError(f"joined is {type(joined).__name__}: it must be JoinedArrays(arrays, joints)")
    check_tolerance(tolerance)
    threads = thread_count(threads)
    volts = _source_voltages(joined, voltages)
    batch = next(iter(volts.values()))["word_left"].shape[0]
    fixed = (
        np.array([volts[name][side][:, line] for name, side, line in joined.sources])
        .reshape(len(joined.sources), batch)
        .T
    )
    linear = all(crossbar.device.linear for crossbar in joined.arrays.values())
    search = _corrected if linear else _newton
    state = search(joined, volts, fixed, fields, tolerance, threads)
    residual = state.residual
    if not residual <= tolerance:
        raise ConvergenceError(
            f"the currents into the joints violate Kirchhoff's laws by {residual:.1e} (tolerance {tolerance:g})",
            "look for wires to joints that are far smaller than what lies behind them: 0 ohm is exact where lines run "
            "on, as along_word_lines makes them",
        )
    return state


def _corrected(
    joined: JoinedArrays, volts: Volts, fixed: Array, fields: bool, tolerance: float, threads: int
) -> JoinedSolution:
    """Solve linear arrays at the voltages of the reduction's joints, corrected by what their currents miss."""
    reduction = JoinedReduction.of(joined, threads)
    at_joints = fixed @ reduction.shares.T
    for k in range(_CORRECTIONS + 1):
        solutions = _solved(joined, volts, at_joints, fields, threads)
        missing = _missing(joined, solutions)
        residual = float(_residuals(joined, solutions, missing).max(initial=0.0))
        if residual <= 0.01 * tolerance or k == _CORRECTIONS:
            break
        at_joints = at_joints + np.linalg.solve(reduction.stiffness, missing.T).T
    return JoinedSolution(joined, solutions, at_joints, residual)


def _newton(
    joined: JoinedArrays, volts: Volts, fixed: Array, fields: bool, tolerance: float, threads: int
) -> JoinedSolution:
    """Find the joints' voltages of arrays of any cells by Newton's method, each step a solve of all arrays.

    The slopes are those of arrays whose cells have their own slopes. Cells take power, so that no joint is beyond the
    sources' voltages; a step that leaves more current at the joints than there was is halved.
    """
    ohmic = {name: array.with_cells(array.conductance, Linear()) for name, array in joined.arrays.items()}
    at_joints = fixed @ JoinedReduction.of(JoinedArrays(ohmic, joined.joints), threads).shares.T
    # Without a source there is no joint either: it would float.
    low, high = fixed.min(axis=1, keepdims=True, initial=np.inf), fixed.max(axis=1, keepdims=True, initial=-np.inf)
    solutions = _solved(joined, volts, at_joints, True, threads)
    missing = _missing(joined, solutions)
    residual = _residuals(joined, solutions, missing)
    for _ in range(_STEPS):
        open_points = residual > 0.01 * tolerance
        if not open_points.any():
            break
        step = np.zeros_like(at_joints)
        for k in np.flatnonzero(open_points):
            tangent = {name: _tangent(solution, int(k)) for name, solution in solutions.items()}
            stiffness = stiffness_of(couplings_of(joined, tangent, threads), len(joined.joints))
            step[k] = np.linalg.lstsq(stiffness, missing[k], rcond=None)[0]
        part = np.ones((at_joints.shape[0], 1))
        for _ in range(_HALVINGS):
            ahead = np.clip(at_joints + part * step, low, high)
            tried = _solved(joined, volts, ahead, True, threads)
            left = _missing(joined, tried)
            worse = open_points & (np.abs(left).sum(axis=1) > np.abs(missing).sum(axis=1))
            if not worse.any():
                break
            part[worse] *= 0.5
        residuals = _residuals(joined, tried, left)
        if not np.any(residuals[open_points] < residual[open_points]):
            break  # rounding is all that is left
        at_joints, solutions, missing, residual = ahead, tried, left, residuals
    if not fields:
        solutions = _solved(joined, volts, at_joints, False, threads)
        residual = _residuals(joined, solutions, _missing(joined, solutions))
    return JoinedSolution(joined, solutions, at_joints, float(residual.max(initial=0.0)))


def _tangent(solution: Solution, vector: int) -> Crossbar:
    """Return the array with linear cells of the slopes that they have in one vector.

    Cells with a gate have one in each node's voltage: their mean, with which steps still lead there.
    """
    crossbar = solution.crossbar
    if crossbar.device.linear:
        return crossbar
    volts = np.ascontiguousarray(np.nan_to_num(solution.device_voltages[vector]))
    lower = np.zeros_like(volts)
    if not crossbar.device.two_terminal:
        lower = np.nan_to_num(np.minimum(solution.word_voltages[vector], solution.bit_voltages[vector]))
    amperes, up, down = (np.empty_like(volts) for _ in range(3))
    cells = crossbar.device.cells(Segments.of(crossbar).g)
    cells.precise(volts, lower, np.zeros_like(volts), amperes, up, down)
    return crossbar.with_cells(np.maximum(0.5 * (up + down), 0.0), Linear())


def _source_voltages(joined: JoinedArrays, voltages: Mapping[str, ArrayLike]) -> dict[str, dict[Side, Array]]:
    """Return every array's source voltages (batch, lines) by side."""
    inputs: dict[str, Array] = {}
    for name, value in dict(voltages).items():
        if name not in joined.arrays:
            raise InputError(f"voltages names the array {name!r}: there are {', '.join(map(repr, joined.arrays))}")
        try:
            inputs[name] = np.atleast_2d(checked_voltages(value, joined.arrays[name].shape[0]))
        except InputError as error:
            raise InputError(f"voltages[{name!r}]: {error}") from None
    sizes = {array.shape[0] for array in inputs.values()} - {1}
    if len(sizes) > 1:
        raise InputError(f"voltages has batches of {' and '.join(map(str, sorted(sizes)))}: give batches of one size")
    batch = sizes.pop() if sizes else 1
    volts: dict[str, dict[Side, Array]] = {}
    for name, crossbar in joined.arrays.items():
        volts[name] = {side: np.tile(crossbar.boundary[side].voltage, (batch, 1)) for side in SIDES}
        if name in inputs:
            volts[name]["word_left"] = np.array(np.broadcast_to(inputs[name], (batch, inputs[name].shape[1])))
    return volts


def _solved(joined: JoinedArrays, volts: Volts, at_joints: Array, fields: bool, threads: int) -> dict[str, Solution]:
    """Solve each array at its joints' voltages."""
    sources = {name: {side: lines.copy() for side, lines in sides.items()} for name, sides in volts.items()}
    for k, joint in enumerate(joined.joints):
        for name, side, line in joint:
            sources[name][side][:, line] = at_joints[:, k]
    return {
        name: solve_points(crossbar, sources[name], fields=fields, threads=threads)
        for name, crossbar in joined.arrays.items()
    }


def _missing(joined: JoinedArrays, solutions: Mapping[str, Solution]) -> Array:
    """Return the amperes that flow into each joint and do not leave it (batch, joints)."""
    batch = next(iter(solutions.values())).currents.shape[0]
    missing = np.zeros((batch, len(joined.joints)))
    for k, joint in enumerate(joined.joints):
        for name, side, line in joint:
            missing[:, k] += solutions[name].end_currents[side][:, line]
    return missing


def _residuals(joined: JoinedArrays, solutions: Mapping[str, Solution], missing: Array) -> Array:
    """Return each vector's (batch,): what is missing at joints, of the largest end current, and the arrays' own."""
    largest = np.max(
        [np.abs(amperes).max(axis=1) for solution in solutions.values() for amperes in solution.end_currents.values()],
        axis=0,
    )
    lost = np.abs(missing).sum(axis=1)
    at_joints: Array = np.divide(lost, largest, out=np.where(lost > 0.0, np.inf, 0.0), where=largest > 0.0)
    return at_joints + max(solution.residual + (solution.map_difference or 0.0) for solution in solutions.values())
