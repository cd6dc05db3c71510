"""The slow modes of a large loop with capacitance, all that could grow among them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, SuperLU, eigs

from xbarsim.checks import Array
from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.loop.all_modes import ROUNDING, check_modes, growing, left_over
from xbarsim.loop.growing_count import growing_count
from xbarsim.loop.growth_bound import factored_sparse, least_reach
from xbarsim.loop.loop_modes import Complex, LoopModes
from xbarsim.loop.loop_pencil import LoopPencil
from xbarsim.resources import check_running, one_blas_thread

MOST_DENSE = 700
"""Unknowns up to which all modes are computed in place of these."""

_MOST_SHARE = 0.4
"""Part of the unknowns that modes may be at most."""

_MOST_TRIED = 8
"""How many times the first number of modes are computed where only those that grow are looked for."""

_LAST = 12
"""How many of the fastest modes the cut may lie between."""


def slow_modes(pencil: LoopPencil) -> LoopModes:
    """Return the slow modes, all that grow among them.

    Where amplifiers from ground with a pole are all that is active, these are all of a size up to ``least_reach``.
    Else those that grow are counted, and as many of the slowest are computed as it takes to have them all.

    Raises
    ------
    SolveError
        The equations are singular, or too many modes are as slow as amplifiers.
    ConvergenceError
        Modes did not converge, leave too much of the equations, or those that grow are not as many as were counted.
    """
    fated = None if pencil.active is None else growing_count(pencil)
    slowest_left_out = least_reach(pencil) if fated is None else 0.0
    factors = factored_sparse(pencil.moving)
    most = int(_MOST_SHARE * pencil.size)
    count = min(max(5 * pencil.speeds.size // 4, fated or 0) + 2 * _LAST, most)
    if fated is not None:
        most = min(most, _MOST_TRIED * count)
    while True:
        check_running()
        right = _slowest(pencil, factors, count, "N")
        reach = _gap(np.abs(right[0]))
        if reach >= slowest_left_out and growing(right[0], reach) >= (fated or 0):
            break
        if count == most:
            raise SolveError(_too_many(pencil, count, fated))
        count = min(3 * count // 2, most)
    if fated is not None and growing(right[0], reach) > fated:
        raise ConvergenceError(
            f"{fated} modes of the loop grow by their count, and {growing(right[0], reach)} by their poles",
            "change a feedback, so that it holds or runs away clearly",
        )
    left = _slowest(pencil, factors, count, "T")
    return replace(_projected(pencil, right, left, reach), damped=fated is None)


def _too_many(pencil: LoopPencil, count: int, fated: int | None) -> str:
    if fated is None:
        return (
            f"more than {count} modes of the loop are as slow as its amplifiers (of {pencil.size} voltages): "
            "take fewer lines"
        )
    return (
        f"the loop is not stable: {fated} of its modes grow, not all of them among its {count} slowest "
        f"(of {pencil.size} voltages and currents): give amplifiers a bandwidth, or less gain"
    )


def _gap(sizes: Array) -> float:
    """Return the middle of the widest gap between the fastest modes, so that no pair is cut."""
    fastest = np.sort(sizes)[-_LAST:]
    place = int(np.argmax(fastest[1:] / fastest[:-1]))
    return float(np.sqrt(fastest[place] * fastest[place + 1]))


def _slowest(pencil: LoopPencil, factors: SuperLU, count: int, side: Literal["N", "T"]) -> tuple[Complex, Complex]:
    """Return the poles nearest to 0 and their right modes, or left ones for side T, as columns."""
    holding = pencil.holding if side == "N" else pencil.holding.T
    operator = LinearOperator(
        (pencil.size, pencil.size),
        matvec=lambda x: factors.solve(holding @ x, side),  # type: ignore[call-overload]
        dtype=np.float64,
    )
    begin = np.random.default_rng(0).standard_normal(pencil.size)
    # The null space of E is no mode.
    begin = operator.matvec(begin)
    with one_blas_thread():
        try:
            times, modes = eigs(operator, k=count, which="LM", v0=begin, ncv=min(2 * count + 20, pencil.size))
        except ArpackNoConvergence as error:
            raise ConvergenceError(f"modes of the loop were not found: {error}", "take fewer lines") from None
    return 1.0 / times, modes


def _projected(
    pencil: LoopPencil, right: tuple[Complex, Complex], left: tuple[Complex, Complex], reach: float
) -> LoopModes:
    """Return modes with the weights of a step, by the spaces of both sides: which are pairs need not be told."""
    (poles, modes), (_, adjoint) = (
        (sizes[abs(sizes) < reach], columns[:, abs(sizes) < reach]) for sizes, columns in (right, left)
    )
    charge, flow = np.asarray(pencil.holding @ modes), np.asarray(pencil.moving @ modes)
    most_charge, most_flow = np.asarray(abs(pencil.holding) @ abs(modes)), np.asarray(abs(pencil.moving) @ abs(modes))
    check_modes(poles, left_over(poles, charge, flow, most_charge, most_flow), reach)
    if adjoint.shape != modes.shape:
        raise ConvergenceError(
            f"{modes.shape[1]} modes of the loop slower than {reach:.3g} 1/s, and {adjoint.shape[1]} of its adjoint",
            "take fewer lines",
        )
    with one_blas_thread():
        weights = np.linalg.solve(adjoint.T @ charge, (adjoint.T @ pencil.start).astype(np.complex128))
    outputs = np.asarray(pencil.watched @ modes)
    return LoopModes.sorted_of(poles, modes[pencil.driving], outputs, weights, ROUNDING * np.abs(poles), reach)
