"""Columns of source and bit lines by nodal analysis in 150 digits, from the circuit alone; 0 ohm takes 40 of them."""

import numpy as np
from mpmath import mp, mpf

DIGITS = 150


def solve_column(cells, source_wires, bit_wires, ends):
    """End currents out of a column, and its nodes' voltages, as mpf.

    ``cells`` are the m cells' (siemens); the wires m - 1 ohms each; ``ends`` four (volts, ohms): source line's top, bit
    line's top, source line's bottom, bit line's bottom. 0 ohm is 1e-40, an infinite one open.
    """
    with mp.workdps(DIGITS):
        m = len(cells)
        size = 2 * m

        def siemens(ohms):
            return mpf(0) if np.isinf(ohms) else 1 / mpf(max(float(ohms), 1e-40))

        matrix, right = mp.zeros(size), mp.zeros(size, 1)

        def couple(a, b, g):
            matrix[a, a] += g
            matrix[b, b] += g
            matrix[a, b] -= g
            matrix[b, a] -= g

        for i in range(m):
            couple(2 * i, 2 * i + 1, mpf(float(cells[i])))
        for i in range(m - 1):
            couple(2 * i, 2 * i + 2, siemens(source_wires[i]))
            couple(2 * i + 1, 2 * i + 3, siemens(bit_wires[i]))
        feet = (0, 1, size - 2, size - 1)
        for (volts, ohms), foot in zip(ends, feet, strict=True):
            matrix[foot, foot] += siemens(ohms)
            right[foot] += siemens(ohms) * mpf(float(volts))
        nodes = mp.lu_solve(matrix, right)
        currents = [
            siemens(ohms) * (nodes[foot] - mpf(float(volts))) for (volts, ohms), foot in zip(ends, feet, strict=True)
        ]
        return currents, [nodes[2 * i] for i in range(m)], [nodes[2 * i + 1] for i in range(m)]
