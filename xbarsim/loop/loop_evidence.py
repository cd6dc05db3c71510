"""A loop's equations factored, what a loop without one operating point leaves free, and how sure voltages are."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

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
    floating = _floating(equations)
    if floating is not None:
        return f"the loop's equations are singular{condition} at node {floating}: tie it to ground or to a source"
    twice = _fixed_twice(equations)
    if twice is not None:
        return f"the loop has no operating point of its own{condition}: {twice}"
    if shares.size and shares.max() > 1e-3 * size.max():
        name = equations.loop.amplifiers[int(shares.argmax())].name
        return (
            f"the loop has no operating point of its own{condition}: nothing fixes the output of amplifier {name}; "
            "give it a feedback, or a finite gain"
        )
    where = equations.label(int(size.argmax()))
    return f"the loop's equations are singular{condition} at {where}: tie it to ground or to a source"


def _fixed_twice(equations: LoopEquations) -> str | None:
    """Say which source or amplifier fixes a voltage that others fix already; None where none does."""
    loop = equations.loop
    root = list(range(equations.nodes + 1))

    def top(node: int) -> int:
        while root[node] != node:
            node = root[node]
        return node

    fixing = list(equations.fixing)
    fixing += [
        (f"amplifier {amp.name}", equations.number[amp.out], equations.number[amp.reference])
        for amp in loop.amplifiers
        if amp.amplifier.output_resistance == 0.0 and amp.amplifier.gain < np.inf
    ]
    for name, first, second in fixing:
        a, b = top(first % len(root)), top(second % len(root))
        if a == b:
            nodes = " and ".join([*loop.nodes, "ground"][node] for node in (first, second))
            return f"{name} fixes the voltage between {nodes}, which is fixed already; give it a resistance"
        root[a] = b
    return None


def _floating(equations: LoopEquations) -> str | None:
    """Return the first node that no resistor, source, output or array joins to ground in any way; None if all are."""
    loop, number = equations.loop, equations.number
    pairs = [(number[part.a], number[part.b]) for part in loop.resistors if part.ohms < np.inf]
    pairs += [(a, b) for _, a, b in equations.fixing]
    pairs += [(number[amp.out], number[amp.reference]) for amp in loop.amplifiers]
    pairs += [
        (number[amp.plus], number[amp.minus]) for amp in loop.amplifiers if amp.amplifier.input_resistance < np.inf
    ]
    pairs += [(number[part.a], number[part.b]) for part in loop.transconductors]
    for array in loop.arrays:
        ends = [-1 if node is None else number[node] for _, _, node in array.ports]
        pairs += itertools.pairwise(ends)
    # Ground is the last.
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2) % (equations.nodes + 1)
    size = equations.nodes + 1
    joins = sparse.coo_array((np.ones(len(table)), (table[:, 0], table[:, 1])), shape=(size, size))
    group = connected_components(joins, directed=False)[1]
    apart = np.flatnonzero(group != group[-1])
    return loop.nodes[int(apart[0])] if apart.size else None
