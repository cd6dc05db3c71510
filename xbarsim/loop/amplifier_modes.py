"""Modes of a loop without capacitance: its amplifiers'.

With the amplifiers' inner voltages v driving, the resistive loop puts ``D v`` between their inputs, so that
``dv/dt = w (D - 1 / gain) v + ...`` with w = 2 pi bandwidth. The eigenvalues of that matrix are the poles.
"""

from __future__ import annotations

import math

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import SolveError
from xbarsim.loop.dense_system import DenseSystem, SingularSystemError
from xbarsim.loop.loop_equations import LoopEquations
from xbarsim.loop.loop_modes import LoopModes, independent_modes
from xbarsim.resources import one_blas_thread

_ROUNDING = 1e-12
"""Share of the largest rate below which a pole is taken as at 0."""


def amplifier_modes(equations: LoopEquations, x: Array) -> LoopModes:
    """Return the modes of a loop without capacitance at operating points x (size, points).

    Raises
    ------
    SolveError
        Amplifiers fix each other's outputs, so that no inner voltage is free.
    """
    amplifiers = equations.loop.amplifiers
    count, first = len(amplifiers), equations.first_amplifier
    driving = np.zeros((equations.size, count))
    driving[first + np.arange(count), np.arange(count)] = 1.0
    try:
        response = DenseSystem.of(equations.driven_matrix()).solve(driving) if count else driving
    except SingularSystemError as error:
        at = equations.label(int(np.abs(error.mode).argmax()))
        raise SolveError(
            f"outputs of amplifiers without resistance are joined, near {at}: give one an output resistance"
        ) from None
    # Ground's row is the last.
    response = np.concatenate([response, np.zeros((1, count))])
    plus, minus, out = equations.inputs
    speed = np.array(
        [2.0 * math.pi * amp.amplifier.bandwidth if amp.amplifier.bandwidth else 1.0 for amp in amplifiers]
    )
    share = np.array([1.0 / amp.amplifier.gain for amp in amplifiers])
    with np.errstate(over="ignore", invalid="ignore"):
        rates = speed[:, None] * (response[plus] - response[minus] - np.diag(share))
    if not np.isfinite(rates).all():
        raise SolveError("the rates of amplifiers overflow: give bandwidths in hertz, and gains above 1e-300")
    with one_blas_thread():
        poles, modes = independent_modes(rates)
        weights = np.linalg.solve(modes, -equations.inner_voltages(x).astype(np.complex128)).astype(np.complex128)
    rounding = _ROUNDING * float(np.abs(rates).sum(axis=1).max(initial=0.0))
    return LoopModes.sorted_of(poles, modes, response[out] @ modes, weights, np.full(count, rounding))
