"""``solve_joined``: arrays joined at line ends, each solved at the voltages that its joints have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Side
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.resources import thread_count
from xbarsim.solution import Solution
from xbarsim.solvers.solve import TOLERANCE, checked_voltages, solve_points
from xbarsim.topologies.line_joints import JoinedArrays, JoinedReduction

_CORRECTIONS = 3
"""Of the joints' voltages, by what their currents miss."""


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

    The last solves share nothing with the reductions; what their currents leave at the joints is the evidence.

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
        ``voltages`` names an array that is not there, or has a bad entry or shape.
    FloatingError
        A joint has no path to any source.
    SolveError, ConvergenceError, TooLargeError
        As ``xbarsim.solve`` and ``port_admittance``.
    """
    if not isinstance(joined, JoinedArrays):
        raise InputError(f"joined is {type(joined).__name__}: it must be JoinedArrays(arrays, joints)")
    threads = thread_count(threads)
    volts = _source_voltages(joined, voltages)
    reduction = JoinedReduction.of(joined, threads)
    fixed = np.stack([volts[name][side][:, line] for name, side, line in joined.sources], axis=1)
    at_joints = fixed @ reduction.shares.T
    for k in range(_CORRECTIONS + 1):
        solutions = _solved(joined, volts, at_joints, fields, threads)
        missing = _missing(joined, solutions)
        residual = _residual(joined, solutions, missing)
        if residual <= 0.01 * tolerance or k == _CORRECTIONS:
            break
        at_joints = at_joints + np.linalg.solve(reduction.stiffness, missing.T).T
    if not residual <= tolerance:
        raise ConvergenceError(
            f"the currents into the joints violate Kirchhoff's laws by {residual:.1e} (tolerance {tolerance:g})",
            "look for wires to joints that are far smaller than what lies behind them: 0 ohm is exact where lines run "
            "on, as along_word_lines makes them",
        )
    return JoinedSolution(joined, solutions, at_joints, residual)


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


def _solved(
    joined: JoinedArrays, volts: dict[str, dict[Side, Array]], at_joints: Array, fields: bool, threads: int
) -> dict[str, Solution]:
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


def _residual(joined: JoinedArrays, solutions: Mapping[str, Solution], missing: Array) -> float:
    largest = np.max(
        [np.abs(amperes).max(axis=1) for solution in solutions.values() for amperes in solution.end_currents.values()],
        axis=0,
    )
    lost = np.abs(missing).sum(axis=1)
    shares = np.divide(lost, largest, out=np.where(lost > 0.0, np.inf, 0.0), where=largest > 0.0)
    arrays = max(solution.residual + (solution.map_difference or 0.0) for solution in solutions.values())
    return float(shares.max(initial=0.0)) + arrays
