"""A product read by transimpedance amplifiers: each bit line held at ground by one, its current times its resistor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import checked_array
from xbarsim.loop.amplifier import Amplifier, amplifiers_for
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.closed_loop import TOLERANCE, close
from xbarsim.loop.loop_answer import LoopAnswer
from xbarsim.loop.loop_parts import Capacitor, Part, VoltageSource
from xbarsim.loop.part_checks import GROUND
from xbarsim.loop.signed_pair import Matrix, checked_inputs, checked_matrix, checked_ohms, matrix_of
from xbarsim.loop.stages import feedback, is_signed, joined, line_nodes, summing


def transimpedance_loop(
    array: Matrix,
    voltages: ArrayLike,
    *,
    feedback_ohms: float,
    feedback_farads: float = 0.0,
    amplifier: Amplifier | Sequence[Amplifier] | None = None,
) -> Loop:
    """Return the circuit that :func:`transimpedance` solves; nodes ``in``, ``sum`` and ``out``, by line.

    Parameters
    ----------
    array, voltages, feedback_ohms, feedback_farads, amplifier
        As those of ``transimpedance``.

    Raises
    ------
    InputError
        As ``transimpedance``.
    """
    array, ohms = checked_matrix(array), checked_ohms("feedback_ohms", feedback_ohms)
    rows, cols = array.shape
    volts = checked_inputs("voltages", voltages, rows, "word line")
    amps = amplifiers_for("amplifier", Amplifier() if amplifier is None else amplifier, cols)
    drives, negatives = line_nodes("in", rows), line_nodes("neg", rows)
    sums, outs = line_nodes("sum", cols), line_nodes("out", cols)
    parts: list[Part] = [VoltageSource(f"vin{k}", node, GROUND, volts[..., k].copy()) for k, node in enumerate(drives)]
    if is_signed(array):
        parts += [VoltageSource(f"vneg{k}", node, GROUND, -volts[..., k]) for k, node in enumerate(negatives)]
    parts += summing("a", sums, outs, amps) + feedback("rf", sums, outs, ohms)
    if checked_array("feedback_farads", feedback_farads).any():
        parts += [
            Capacitor(f"cf{k}", out, total, feedback_farads)
            for k, (total, out) in enumerate(zip(sums, outs, strict=True))
        ]
    return Loop(*parts, *joined("array", array, (drives, sums), (negatives, sums)))


def transimpedance(
    array: Matrix,
    voltages: ArrayLike,
    *,
    feedback_ohms: float,
    feedback_farads: float = 0.0,
    amplifier: Amplifier | Sequence[Amplifier] | None = None,
    stable: bool = True,
    tolerance: float = TOLERANCE,
) -> LoopAnswer:
    """Read a matrix-vector product: ``outputs = -feedback_ohms * voltages @ conductance`` by amplifiers as they are.

    Parameters
    ----------
    array : Crossbar or SignedPair, (rows, cols)
        Of a pair the negative array's word lines are driven with ``-voltages`` by sources of their own, without
        inverters (so there is no ``inverter_ohms``), and both share bit lines' amplifiers.
    voltages : array_like, (rows,) or (batch, rows)
        Volts at the word lines.
    feedback_ohms : float
        From each output to its bit line.
    feedback_farads : float
        Beside each of these resistors; part of the poles.
    amplifier : Amplifier or sequence of it, optional
        One for all, or one for each bit line. Ideal by default.
    stable, tolerance
        As ``close``.

    Returns
    -------
    LoopAnswer
        Volts (cols,) or (batch, cols); its ``condition`` is that of the conductances.

    Raises
    ------
    InputError, SolveError, UnstableError, ConvergenceError
        As ``close``.
    """
    loop = transimpedance_loop(
        array, voltages, feedback_ohms=feedback_ohms, feedback_farads=feedback_farads, amplifier=amplifier
    )
    circuit = close(loop, stable=stable, tolerance=tolerance)
    matrix = matrix_of(array, 1.0)
    ideal = -feedback_ohms * (np.asarray(voltages, dtype=np.float64) @ matrix)
    outputs = circuit.voltages(line_nodes("out", matrix.shape[1]))
    return LoopAnswer(outputs, ideal, float(np.linalg.cond(matrix)), circuit)
