"""Moments of outputs, and what nodes bring to them, in 60 digits, from couplings and farads written down one by one."""

import numpy as np
from mpmath import mp, mpf

DIGITS = 60


def moments(crossbar, farads, inputs, count):
    """Return the outputs' coefficients (count, cols) of 1, s, s^2, ... as objects of mpf."""
    with mp.workdps(DIGITS):
        siemens, coulombs, sources, taps = _circuit(crossbar, farads, [mpf(float(volts)) for volts in inputs])
        solve = _eliminated(siemens)
        volts, series = solve(sources), []
        for _ in range(count):
            series.append([ohms * volts[node] for node, ohms in taps])
            volts = solve([-sum(c * volts[k] for k, c in row.items()) for row in coulombs])
        return np.array(series, dtype=object)


def fields(crossbar):
    """Return what 1 A into each word node and each bit node brings to each output, (cols, rows, cols) each, as mpf."""
    rows, cols = crossbar.shape
    zeros = np.zeros((rows, cols))
    with mp.workdps(DIGITS):
        none = dict.fromkeys(("word_capacitance", "bit_capacitance", "cell_capacitance"), zeros)
        siemens, _, _, taps = _circuit(crossbar, none, [mpf(0)] * rows)
        solve, layers = _eliminated(siemens), []
        for node, sense in taps:
            # Currents into nodes are what reciprocity makes of 1 V at the output.
            volts = np.array(solve([sense * (k == node) for k in range(len(siemens))]), dtype=object)
            by_cells = volts.reshape((rows, cols, 2) if rows >= cols else (cols, rows, 2))
            layers.append(by_cells if rows >= cols else by_cells.swapaxes(0, 1))
        return np.array([layer[..., 0] for layer in layers]), np.array([layer[..., 1] for layer in layers])


def _circuit(crossbar, farads, inputs):
    rows, cols = crossbar.shape
    siemens, coulombs = ([{} for _ in range(2 * rows * cols)] for _ in range(2))

    def place(layer, i, j):
        # Along the longer side, so that elimination fills next to nothing.
        return 2 * (i * cols + j if rows >= cols else j * rows + i) + layer

    def add(matrix, a, b, value):
        matrix[a][b] = matrix[a].get(b, mpf(0)) + value

    def between(matrix, a, b, value):
        for x, y, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            add(matrix, x, y, sign * mpf(float(value)))

    for i, j in np.ndindex(rows, cols):
        word, bit = place(0, i, j), place(1, i, j)
        between(siemens, word, bit, crossbar.conductance[i, j])
        between(coulombs, word, bit, farads["cell_capacitance"][i, j])
        add(coulombs, word, word, mpf(float(farads["word_capacitance"][i, j])))
        add(coulombs, bit, bit, mpf(float(farads["bit_capacitance"][i, j])))
        if j + 1 < cols:
            between(siemens, word, place(0, i, j + 1), 1 / mpf(float(crossbar.word_wire[i, j])))
        if i + 1 < rows:
            between(siemens, bit, place(1, i + 1, j), 1 / mpf(float(crossbar.bit_wire[i, j])))
    sources, taps = [mpf(0)] * len(siemens), []
    for i in range(rows):
        drive = 1 / mpf(float(crossbar.driver[i]))
        add(siemens, place(0, i, 0), place(0, i, 0), drive)
        sources[place(0, i, 0)] = drive * inputs[i]
    for j in range(cols):
        node, sense = place(1, rows - 1, j), 1 / mpf(float(crossbar.sense[j]))
        add(siemens, node, node, sense)
        taps.append((node, sense))
    return siemens, coulombs, sources, taps


def _eliminated(matrix):
    upper, factors = [dict(row) for row in matrix], []
    for k, row in enumerate(upper):
        later = {c: value for c, value in row.items() if c > k}
        factors.append({r: upper[r][k] / row[k] for r in later})
        for r, factor in factors[-1].items():
            for c, value in later.items():
                upper[r][c] = upper[r].get(c, mpf(0)) - factor * value

    def solve(right):
        x = list(right)
        for k, column in enumerate(factors):
            for r, factor in column.items():
                x[r] -= factor * x[k]
        for k in reversed(range(len(x))):
            x[k] = (x[k] - sum(value * x[c] for c, value in upper[k].items() if c > k)) / upper[k][k]
        return x

    return solve
