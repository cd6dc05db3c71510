"""The inverse circuit: an array in the feedback of its amplifiers solves ``A x = b`` in one step.

Z. Sun, G. Pedretti, E. Ambrosi, A. Bricalli, W. Wang, D. Ielmini, PNAS 116, 4123 (2019). Input currents enter the word
lines, which amplifiers hold at ground; their outputs drive the bit lines: ``I_i + sum_j G_ij V_j = 0``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.errors import InputError
from xbarsim.loop.amplifier import Amplifier, amplifiers_for
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.closed_loop import TOLERANCE, close
from xbarsim.loop.loop_answer import LoopAnswer, checked_condition
from xbarsim.loop.signed_pair import (
    Matrix,
    checked_inputs,
    checked_matrix,
    checked_ohms,
    checked_unit,
    matrix_of,
)
from xbarsim.loop.stages import inputs, inverters, is_signed, joined, line_nodes, summing


def inverse_loop(
    array: Matrix,
    b: ArrayLike,
    *,
    unit: float,
    amplifier: Amplifier | Sequence[Amplifier] | None = None,
    inverter_ohms: float | None = None,
) -> Loop:
    """Return the circuit that :func:`solve_inverse` solves; nodes ``sum``, ``x``, and ``neg`` of a pair, by line.

    Parameters
    ----------
    array, b, unit, amplifier, inverter_ohms
        As those of ``solve_inverse``.

    Raises
    ------
    InputError
        As ``solve_inverse``.
    """
    array, siemens = checked_matrix(array), checked_unit(unit)
    rows, cols = array.shape
    if rows != cols:
        raise InputError(f"array is {rows} x {cols}: the inverse circuit's matrix is square, take pseudo_inverse")
    volts = checked_inputs("b", b, rows, "word line")
    ohms = checked_ohms("inverter_ohms", 1.0 / siemens if inverter_ohms is None else inverter_ohms)
    sums, outs, negatives = (line_nodes(prefix, rows) for prefix in ("sum", "x", "neg"))
    count = 2 * rows if is_signed(array) else rows
    amps = amplifiers_for("amplifier", Amplifier() if amplifier is None else amplifier, count)
    # The circuit inverts: -b goes in.
    parts = inputs(-volts, sums, siemens) + summing("a", sums, outs, amps[:rows])
    if is_signed(array):
        parts += inverters("inv", outs, negatives, amps[rows:], ohms)
    return Loop(*parts, *joined("array", array, (sums, outs), (sums, negatives)))


def solve_inverse(
    array: Matrix,
    b: ArrayLike,
    *,
    unit: float,
    amplifier: Amplifier | Sequence[Amplifier] | None = None,
    inverter_ohms: float | None = None,
    stable: bool = True,
    tolerance: float = TOLERANCE,
) -> LoopAnswer:
    """Solve the inverse circuit: ``A x = b`` with ``A = conductance / unit``.

    Volts ``-b`` drive the word lines through conductances of ``unit``; x are the amplifiers' outputs.

    Parameters
    ----------
    array : Crossbar or SignedPair, (n, n)
        The matrix. ``driver`` lies between word lines and amplifiers' inputs, ``sense`` between their outputs and the
        bit lines. Of a pair the negative array is driven by inverters.
    b : array_like, (n,) or (batch, n)
        Volts.
    unit : float
        Siemens that stand for 1.
    amplifier : Amplifier or sequence of it, optional
        One for all, or one for each: n, of a pair 2 n with the inverters' last. Ideal by default.
    inverter_ohms : float, optional
        The two resistors of each inverter; ``1 / unit`` by default.
    stable : bool
        Whether a circuit that runs away from its operating point is an error.
    tolerance : float
        As ``close``.

    Returns
    -------
    LoopAnswer
        Volts.

    Raises
    ------
    InputError
        An argument is out of its bounds or of the wrong shape; the matrix is not square.
    SolveError
        The matrix is singular, with its condition number; the circuit has no operating point.
    UnstableError
        The circuit runs away from it.
    ConvergenceError
        As ``close``.

    Examples
    --------
    >>> import numpy as np
    >>> from xbarsim import Crossbar
    >>> from xbarsim.loop import Amplifier, solve_inverse
    >>> cells = 1e-4 * np.array([[3.0, 1.0], [0.5, 2.0]])
    >>> solve_inverse(Crossbar(cells), [0.1, 0.3], unit=1e-4).x.round(6)
    array([-0.018182,  0.154545])
    >>> solve_inverse(
    ...     Crossbar(cells, word_wire=5.0, bit_wire=5.0), [0.1, 0.3], unit=1e-4, amplifier=Amplifier(gain=1e4)
    ... ).x.round(6)
    array([-0.018198,  0.154677])
    """
    loop = inverse_loop(array, b, unit=unit, amplifier=amplifier, inverter_ohms=inverter_ohms)
    matrix = matrix_of(array, unit)
    condition = checked_condition(matrix, "no circuit solves A x = b with it, take another matrix or pseudo_inverse")
    circuit = close(loop, stable=stable, tolerance=tolerance)
    ideal = np.asarray(np.linalg.solve(matrix, np.asarray(b, dtype=np.float64).T).T, dtype=np.float64)
    return LoopAnswer(circuit.voltages(line_nodes("x", matrix.shape[1])), ideal, condition, circuit)
