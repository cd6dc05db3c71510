"""A loop's equations factored, what a loop without one operating point leaves free, and how sure voltages are."""

from __future__ import annotations

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import SolveError
from xbarsim.loop.dense_system import DenseSystem, SingularSystemError
from xbarsim.loop.loop_equations import LoopEquations

GOOD = 1e-12
"""A bound that is good enough not to be looked at again."""


def factored(equations: LoopEquations) -> DenseSystem:
    """Return the factors of a loop's equations.

    Raises
    ------
    SolveError
        There is no operating point, or more than one; the message names an amplifier or a node.
    """
    try:
        return DenseSystem.of(equations.matrix)
    except SingularSystemError as error:
        raise SolveError(_no_point(equations, error)) from None


def largest_share(bound: Array, x: Array) -> float:
    """Return the largest bound (unknowns, points) of each point over its largest unknown, the worst of all points."""
    worst, largest = bound.max(axis=0, initial=0.0), np.abs(x).max(axis=0, initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(worst > 0.0, worst / largest, 0.0)
    return float(shares.max(initial=0.0))


def _no_point(equations: LoopEquations, error: SingularSystemError) -> str:
    """Say which amplifier, or else which node, a loop without one operating point leaves free."""
    size = np.abs(error.mode)
    _, _, out = equations.inputs
    currents = size[equations.first_amplifier :]
    shares = np.maximum(size[out], currents) if out.size else currents
    condition = "" if not np.isfinite(error.condition) else f" (condition number {error.condition:.1e})"
    if shares.size and shares.max() > 1e-3 * size.max():
        name = equations.loop.amplifiers[int(shares.argmax())].name
        return (
            f"the loop has no operating point of its own{condition}: nothing fixes the output of amplifier {name}; "
            "give it a feedback, or a finite gain"
        )
    where = equations.label(int(size.argmax()))
    return f"the loop's equations are singular{condition} at {where}: tie it to ground or to a source"
