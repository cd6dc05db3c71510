"""The slow modes of a large loop with capacitance, all that could grow among them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, SuperLU, eigs

from xbarsim.checks import Array
from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.loop.all_modes import ROUNDING, check_modes, left_over
from xbarsim.loop.growth_bound import factored_sparse, least_reach
from xbarsim.loop.loop_modes import Complex, LoopModes
from xbarsim.loop.loop_pencil import LoopPencil
from xbarsim.resources import check_running, one_blas_thread

_MOST_SHARE = 0.4
"""Part of the unknowns that modes may be at most."""

_LAST = 12
"""How many of the fastest modes the cut may lie between."""


def slow_modes(pencil: LoopPencil) -> LoopModes:
    """Return all modes of a size up to ``least_reach``.

    Raises
    ------
    SolveError
        The equations are singular, or too many modes are as slow as amplifiers.
    ConvergenceError
        Modes did not converge, or leave too much of the equations.
    """
    if not pencil.passive:
        raise SolveError(
            f"the loop has {pencil.size} voltages with capacitance, and transconductors or amplifiers of infinite "
            "bandwidth: give all a bandwidth, or take fewer lines"
        )
    slowest_left_out = least_reach(pencil)
    factors = factored_sparse(pencil.moving)
    most = int(_MOST_SHARE * pencil.size)
    count = min(5 * pencil.speeds.size // 4 + 2 * _LAST, most)
    while True:
        check_running()
        right = _slowest(pencil, factors, count, "N")
        reach = _gap(np.abs(right[0]))
        if reach >= slowest_left_out:
            break
        if count == most:
            raise SolveError(
                f"more than {count} modes of the loop are as slow as its amplifiers (of {pencil.size} voltages): "
                "take fewer lines"
            )
        count = min(3 * count // 2, most)
    left = _slowest(pencil, factors, count, "T")
    return _projected(pencil, right, left, reach)


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
    return LoopModes.sorted_of(poles, modes[pencil.free :], outputs, weights, ROUNDING * np.abs(poles), reach)
