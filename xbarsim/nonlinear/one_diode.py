"""The laws of one diode in Python's floats: for few diodes far quicker than those of arrays, and the same."""

from __future__ import annotations

import math

MOST = 8
"""Diodes up to which they are taken one after the other."""

REVERSE = -3.0
"""Times the thermal voltage: below, SPICE's reverse current takes over."""


def current(
    v: float,
    saturation: float,
    scale: float,
    breakdown: float,
    breakdown_scale: float,
    forward_knee: float,
    reverse_knee: float,
    gmin: float,
) -> tuple[float, float]:
    """Return amperes and siemens at a voltage, as ``junction.DiodeJunctions`` has them.

    Parameters
    ----------
    v : float
        Volts from anode to cathode.
    saturation : float
        Amperes.
    scale : float
        Volts, n k T / q.
    breakdown, breakdown_scale : float
        Volts at which it breaks down, and of its exponential there.
    forward_knee, reverse_knee : float
        Amperes of high injection; above them a current grows with the root.
    gmin : float
        Siemens beside it.

    Raises
    ------
    ArithmeticError
        They are beyond all numbers.
    """
    knee = reverse_knee
    if v >= REVERSE * scale:
        knee = forward_knee
        grown = math.expm1(v / scale)
        amperes, siemens = saturation * grown, saturation * (grown + 1) / scale
    elif v < -breakdown:
        grown = math.exp(-(breakdown + v) / breakdown_scale)
        amperes, siemens = -saturation * grown, saturation * grown / breakdown_scale
    else:
        cube = (3.0 * scale / (math.e * v)) ** 3
        amperes, siemens = -saturation * (1 + cube), 3 * saturation * cube / v
    root = math.sqrt(abs(amperes) / knee)
    return amperes / (1 + root) + gmin * v, siemens * (1 + 0.5 * root) / (1 + root) ** 2 + gmin


def depletion(v: float, capacitance: float, potential: float, grading: float, knee: float) -> tuple[float, float]:
    """Return coulombs and farads of a junction's depletion, as ``dynamics.stored_charge`` has them.

    Parameters
    ----------
    v : float
        Volts from anode to cathode.
    capacitance : float
        Farads at 0 V.
    potential : float
        Volts of the junction.
    grading : float
        The exponent, a plain number.
    knee : float
        From which part of ``potential`` on the capacitance is a straight line.
    """
    if capacitance <= 0:
        return 0.0, 0.0
    start, flatness = knee * potential, 1 - grading
    total = capacitance * potential / flatness
    if v < start:
        log = math.log1p(-v / potential)
        return -total * math.expm1(flatness * log), capacitance * math.exp(-grading * log)
    f2, f3 = (1 - knee) ** (1 + grading), 1 - knee * (1 + grading)
    rise = f3 * (v - start) + 0.5 * grading / potential * (v * v - start * start)
    at_start = -total * math.expm1(flatness * math.log1p(-knee))
    return at_start + capacitance / f2 * rise, capacitance / f2 * (f3 + grading * v / potential)
