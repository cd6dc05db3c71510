"""The pseudo-inverse circuit: least squares by two arrays and two sets of amplifiers.

Z. Sun, G. Pedretti, A. Bricalli, D. Ielmini, Science Advances 6, eaay2378 (2020). The first array's word lines are held
at ground by amplifiers with a feedback conductance, whose outputs ``u = -(X x - b)`` drive a second array of the same
cells; that one's bit lines go to the plus inputs of amplifiers that draw no current, so that ``X' u = 0``; their
outputs x drive the first array's bit lines.
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
from xbarsim.loop.loop_parts import OpAmp
from xbarsim.loop.part_checks import GROUND
from xbarsim.loop.signed_pair import (
    Matrix,
    checked_inputs,
    checked_matrix,
    checked_ohms,
    checked_unit,
    matrix_of,
)
from xbarsim.loop.stages import feedback, inputs, inverters, is_signed, joined, line_nodes, summing


def pseudo_inverse_loop(
    array: Matrix,
    b: ArrayLike,
    *,
    unit: float,
    second: Matrix | None = None,
    feedback_siemens: float | None = None,
    amplifier: Amplifier | Sequence[Amplifier] | None = None,
    inverter_ohms: float | None = None,
) -> Loop:
    """Return the circuit that :func:`pseudo_inverse` solves.

    Nodes by line: ``sum`` and ``u`` by word line, ``col`` and ``x`` by bit line, ``negu`` and ``negx`` of pairs.

    Parameters
    ----------
    array, b, unit, second, feedback_siemens, amplifier, inverter_ohms
        As those of ``pseudo_inverse``.

    Raises
    ------
    InputError
        As ``pseudo_inverse``.
    """
    array, siemens = checked_matrix(array), checked_unit(unit)
    second = array if second is None else checked_matrix(second)
    rows, cols = array.shape
    if second.shape != array.shape or is_signed(second) != is_signed(array):
        raise InputError("second differs from array in its shape or its signs: both arrays stand for one matrix")
    if rows < cols:
        raise InputError(f"array is {rows} x {cols}: least squares need as many word lines as bit lines at least")
    volts = checked_inputs("b", b, rows, "word line")
    back = 1.0 / checked_unit(siemens if feedback_siemens is None else feedback_siemens, "feedback_siemens")
    ohms = checked_ohms("inverter_ohms", 1.0 / siemens if inverter_ohms is None else inverter_ohms)
    sums, us, negative_us = (line_nodes(prefix, rows) for prefix in ("sum", "u", "negu"))
    ends, outs, negative_xs = (line_nodes(prefix, cols) for prefix in ("col", "x", "negx"))
    count = (rows + cols) * (2 if is_signed(array) else 1)
    amps = amplifiers_for("amplifier", Amplifier() if amplifier is None else amplifier, count)
    parts = inputs(-volts, sums, siemens) + summing("a", sums, us, amps[:rows]) + feedback("rf", sums, us, back)
    amps_at = zip(ends, outs, amps[rows : rows + cols], strict=True)
    parts += [OpAmp(f"c{k}", end, GROUND, out, amp) for k, (end, out, amp) in enumerate(amps_at)]
    if is_signed(array):
        parts += inverters("invu", us, negative_us, amps[rows + cols : 2 * rows + cols], ohms)
        parts += inverters("invx", outs, negative_xs, amps[2 * rows + cols :], ohms)
    parts += joined("array", array, (sums, outs), (sums, negative_xs))
    return Loop(*parts, *joined("second", second, (us, ends), (negative_us, ends)))


def pseudo_inverse(
    array: Matrix,
    b: ArrayLike,
    *,
    unit: float,
    second: Matrix | None = None,
    feedback_siemens: float | None = None,
    amplifier: Amplifier | Sequence[Amplifier] | None = None,
    inverter_ohms: float | None = None,
    stable: bool = True,
    tolerance: float = TOLERANCE,
) -> LoopAnswer:
    """Solve the pseudo-inverse circuit: the x of least ``|A x - b|`` with ``A = conductance / unit``.

    Parameters
    ----------
    array : Crossbar or SignedPair, (n, m) with n >= m
        The matrix, of full rank.
    b : array_like, (n,) or (batch, n)
        Volts; ``-b`` drives the word lines through conductances of ``unit``.
    unit : float
        Siemens that stand for 1.
    second : Crossbar or SignedPair, (n, m), optional
        The second array, whose cells may have come out otherwise; as the first by default.
    feedback_siemens : float, optional
        Of the word lines' amplifiers; ``unit`` by default.
    amplifier : Amplifier or sequence of it, optional
        One for all, or one for each: n at word lines, m at bit lines; of a pair then n inverters of u and m of x.
    inverter_ohms, stable, tolerance
        As ``solve_inverse``.

    Returns
    -------
    LoopAnswer
        Volts (m,) or (batch, m); ``ideal`` are least squares with the first array's cells.

    Raises
    ------
    InputError, SolveError, UnstableError, ConvergenceError
        As ``solve_inverse``; the matrix has fewer word lines than bit lines.
    """
    loop = pseudo_inverse_loop(
        array, b, unit=unit, second=second, feedback_siemens=feedback_siemens, amplifier=amplifier,
        inverter_ohms=inverter_ohms,
    )  # fmt: skip
    matrix = matrix_of(array, unit)
    condition = checked_condition(matrix, "its columns do not tell all of x, take columns out")
    circuit = close(loop, stable=stable, tolerance=tolerance)
    ideal = np.asarray(np.linalg.lstsq(matrix, np.asarray(b, dtype=np.float64).T)[0].T, dtype=np.float64)
    return LoopAnswer(circuit.voltages(line_nodes("x", matrix.shape[1])), ideal, condition, circuit)
