"""Nodal analysis in 60 digits: the answer that xbarsim.solvers.reference itself is checked against. Up to 8 x 8.

Written from the definition of the circuit alone, without any numerics of xbarsim. Couplings of 1e-12 to
1e12 S in one chain of 16 segments cost a plain LU some 25 to 30 digits; twice what float64 holds are left.
"""

from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

DIGITS = 60


@dataclass(frozen=True)
class ExactSolution:
    """As ``Solution``, with object arrays of mpf; an end that 0 ohm joins to others has an equal share."""

    end_currents: dict
    word_voltages: np.ndarray
    bit_voltages: np.ndarray


def floats(numbers):
    """Round an array of mpf; by hand, for numpy 2.0 warns of a mpf that is not a number."""
    return np.array([float(number) for number in numbers.flat]).reshape(numbers.shape)


def solve(crossbar, voltages):
    """Solve one vector; ValueError where 0 ohm joins ends of different voltage."""
    with mp.workdps(DIGITS):
        return _solve(crossbar, [mpf(float(v)) for v in voltages])


def _solve(crossbar, inputs):
    resistors, fixed = _netlist(crossbar, inputs)
    names = {name for a, b, _ in resistors for name in (a, b)}
    same = {name: name for name in names}
    for a, b, ohms in resistors:
        if ohms == 0:
            old, new = same[a], same[b]
            same = {name: new if at == old else at for name, at in same.items()}
    held = {}
    for name, volts in fixed.items():
        if held.setdefault(same[name], volts) != volts:
            raise ValueError(f"{name} is shorted to another voltage")
    conductors = [(same[a], same[b], 1 / ohms) for a, b, ohms in resistors if ohms not in (0, mp.inf)]
    conductors = [(a, b, g) for a, b, g in conductors if a != b]
    volts = _node_voltages(conductors, held)

    leaving = dict.fromkeys(same.values(), mpf(0))
    for a, b, g in conductors:
        if a in volts and b in volts:
            leaving[b] += g * (volts[a] - volts[b])
            leaving[a] += g * (volts[b] - volts[a])
    rows, cols = crossbar.shape
    sharing = {at: sum(same[name] == at for name in fixed) for at in held}
    ends = {}
    for side, count in (("word_left", rows), ("word_right", rows), ("bit_top", cols), ("bit_bottom", cols)):
        ends[side] = np.array([mpf(0)] * count, dtype=object)
        for line in range(count):
            if (side, line) in fixed:
                at = same[side, line]
                ends[side][line] = leaving[at] / sharing[at]
    layers = {}
    for layer in "wb":
        layers[layer] = np.full((rows, cols), mp.nan, dtype=object)
        for i, j in np.ndindex(rows, cols):
            layers[layer][i, j] = volts.get(same[layer, i, j], mp.nan)
    return ExactSolution(ends, layers["w"], layers["b"])


def _netlist(crossbar, inputs):
    """Every resistor as (node, node, ohms) and every source that is not open as node -> volts."""
    rows, cols = crossbar.shape
    resistors, fixed = [], {}
    for i, j in np.ndindex(rows, cols):
        siemens = mpf(float(crossbar.conductance[i, j]))
        resistors.append((("w", i, j), ("b", i, j), 1 / siemens if siemens else mp.inf))
        if j + 1 < cols:
            resistors.append((("w", i, j), ("w", i, j + 1), mpf(float(crossbar.word_wire[i, j]))))
        if i + 1 < rows:
            resistors.append((("b", i, j), ("b", i + 1, j), mpf(float(crossbar.bit_wire[i, j]))))
    for side, tied in crossbar.boundary.items():
        for line, (volts, ohms) in enumerate(zip(tied.voltage, tied.resistance, strict=True)):
            foot = {
                "word_left": ("w", line, 0),
                "word_right": ("w", line, cols - 1),
                "bit_top": ("b", 0, line),
                "bit_bottom": ("b", rows - 1, line),
            }[side]
            if np.isfinite(ohms):
                resistors.append((foot, (side, line), mpf(float(ohms))))
                fixed[side, line] = inputs[line] if side == "word_left" else mpf(float(volts))
    return resistors, fixed


def _node_voltages(conductors, held):
    """Gaussian elimination on the node equations of all nodes that have a path to a source."""
    near = {}
    for a, b, _ in conductors:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    reached, front = set(held), list(held)
    while front:
        for other in near.get(front.pop(), ()):
            if other not in reached:
                reached.add(other)
                front.append(other)
    # Cells in order keep the matrix's band, so that zero entries can be skipped below.
    unknown = sorted(reached - set(held), key=lambda name: (name[1], name[2], name[0]))
    row_of = {name: k for k, name in enumerate(unknown)}
    n = len(unknown)
    matrix = [[mpf(0)] * n for _ in range(n)]
    right = [mpf(0)] * n
    for pair in conductors:
        for a, b, g in (pair, (pair[1], pair[0], pair[2])):
            if a in row_of:
                k = row_of[a]
                matrix[k][k] += g
                if b in row_of:
                    matrix[k][row_of[b]] -= g
                else:
                    right[k] += g * held[b]
    # The matrix is symmetric and positive definite: it needs no pivoting.
    for k in range(n):
        filled = [c for c in range(k + 1, n) if matrix[k][c]]
        for row in filled:
            factor = matrix[row][k] / matrix[k][k]
            for c in filled:
                matrix[row][c] -= factor * matrix[k][c]
            right[row] -= factor * right[k]
    for k in reversed(range(n)):
        rest = sum((matrix[k][c] * right[c] for c in range(k + 1, n) if matrix[k][c]), mpf(0))
        right[k] = (right[k] - rest) / matrix[k][k]
    return held | dict(zip(unknown, right, strict=True))
