"""Cells of a memristor and an access transistor with body effect and junctions that leak.

A cell has three nodes: r at the memristor's end, c at the transistor's, and an inner one m between the two, which is
solved for here. With ``x = m - c`` and ``d = r - c``::

    channel(x, c) + leak(m - bulk) = g (d - x)

The channel is SPICE's level 1 (Shichman and Hodges, IEEE J. Solid-State Circuits 3, 285, 1968), the lower of its ends
its source: ``over = gate - source - built_in - gamma sqrt(phi - (bulk - source))``. Junctions from the bulk to m and to
c take ``IS (exp(v / vt) - 1) + gmin v`` down to -3 vt, and ``-IS + gmin v`` below. A bulk hangs on a source, or on c.

The channel's current is the cell's; what leaks leaves the nodes r and c besides. Parameters of a cell (m, n, 10) are
``PARAMETERS``; gates and bulks (m, n) come apart, volts as sources hold them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

PARAMETERS = (
    "g", "beta", "channel", "gamma", "phi", "built_in", "inner_saturation", "end_saturation", "thermal", "gmin",
)  # fmt: skip
"""Siemens, A/V^2, 1/V, V^0.5, volts, volts, amperes of the junctions at m and at c, volts, siemens."""

STEEPEST = 40.0
"""Thermal voltages past which a junction goes on as its tangent; no solution is taken there."""

_EPS = 2.2e-16
_MOST_STEPS = 100

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _junction(v: float, saturation: float, thermal: float, gmin: float) -> tuple[float, float]:
    """Return the current from a bulk at ``v`` over what it meets, and its slope."""
    t = v / thermal
    if t <= -3.0:
        return gmin * v - saturation, gmin
    bounded = min(t, STEEPEST)
    grown = np.expm1(bounded)
    slope = saturation * (grown + 1.0) / thermal
    return saturation * grown + slope * thermal * (t - bounded) + gmin * v, slope + gmin


@njit(**_OPTIONS)
def _root(vbs: float, phi: float) -> tuple[float, float]:
    """Return the root of ``phi - vbs`` and its slope; its tangent stands for a bulk above the source."""
    if vbs <= 0.0:
        root = np.sqrt(phi - vbs)
        return root, -0.5 / root
    zero = np.sqrt(phi)
    tangent = zero - vbs / (2.0 * zero)
    return (tangent, -0.5 / zero) if tangent > 0.0 else (0.0, 0.0)


@njit(**_OPTIONS)
def _channel(
    x: float, over_c: float, body_c: float, slope_c: float, bulk_over_c: float, tied_bulk: bool, q: Array
) -> tuple[float, float, float]:
    """Return the current from m to c, and its slopes by x, at c's voltage held, and by that.

    ``over_c`` is the gate's overdrive of c but for the body effect, whose root at c and its slope are ``body_c`` and
    ``slope_c``; ``bulk_over_c`` are the bulk's volts over c, which it follows as a ``tied_bulk``.
    """
    beta, lam, gamma, phi = q[1], q[2], q[3], q[4]
    forward = x >= 0.0
    vds = x if forward else -x
    over, root, by_bulk = over_c, body_c, slope_c
    if not forward:
        over = over_c + vds
        if gamma != 0.0:
            root, by_bulk = _root(bulk_over_c + vds, phi)
    over -= gamma * root
    if over <= 0.0:
        return 0.0, 0.0, 0.0
    longer = beta * (1.0 + lam * vds)
    if over <= vds:
        shape = 0.5 * over * over
        gm, gds = longer * over, beta * lam * shape
    else:
        shape = vds * (over - 0.5 * vds)
        gm, gds = longer * vds, beta * lam * shape + longer * (over - vds)
    whole = gm - gm * gamma * by_bulk  # by the source's voltage, downwards
    by_c = gm if tied_bulk else whole
    i = longer * shape
    return (i, gds, -by_c) if forward else (-i, gds + whole, by_c)


@njit(**_OPTIONS)
def _cell(
    d: float, over_c: float, bulk_over_c: float, tied_bulk: bool, q: Array
) -> tuple[float, float, float, float, float, float, float]:
    """Return x, the channel's current and its slopes by r and, downwards, by c, what leaks at m and at c, and siemens.

    ``tied_bulk``: the bulk is c.
    """
    g, gamma, phi, thermal, gmin = q[0], q[3], q[4], q[8], q[9]
    body_c, slope_c = _root(bulk_over_c, phi) if gamma != 0.0 else (0.0, 0.0)
    least, most = min(0.0, d), max(0.0, d)
    # Where nothing but leaks flows, x is as far beyond c and r as these raise and lower it.
    low = least - max(0.0, -_junction(bulk_over_c - least, q[6], thermal, gmin)[0]) / g
    high = most + max(0.0, _junction(bulk_over_c - most, q[6], thermal, gmin)[0]) / g
    over = over_c - gamma * body_c
    x = g * d / (g + q[1] * over) if over > 0.0 else d
    x = min(max(x, low), high)
    i = gds = by_c = leak = leaking = 0.0
    for _ in range(_MOST_STEPS):
        i, gds, by_c = _channel(x, over_c, body_c, slope_c, bulk_over_c, tied_bulk, q)
        into, leaking = _junction(bulk_over_c - x, q[6], thermal, gmin)
        leak = -into
        miss = i + leak - g * (d - x)
        if miss > 0.0:
            high = x
        else:
            low = x
        step = x - miss / (g + gds + leaking)
        if not low <= step <= high:
            step = 0.5 * (low + high)
        moved = abs(step - x)
        x = step
        if not moved > 2.0 * _EPS * max(abs(x), abs(d - x)):
            break
    i, gds, by_c = _channel(x, over_c, body_c, slope_c, bulk_over_c, tied_bulk, q)
    into, leaking = _junction(bulk_over_c - x, q[6], thermal, gmin)
    leak = -into
    if abs(x) < 0.5 * abs(d) and i != 0.0:
        i = g * (d - x) - leak
    whole = g + gds + leaking
    common = 0.0 if tied_bulk else leaking
    down = (g * (gds - by_c) - by_c * leaking + gds * common) / whole
    if tied_bulk:
        return x, i, gds * g / whole, down, leak, -leak, 2.0 * leaking
    into, slope = _junction(bulk_over_c, q[7], thermal, gmin)
    return x, i, gds * g / whole, down, leak, -into, leaking + slope


@njit(**_OPTIONS)
def cells(
    v: Array, low_v: Array, u: Array, low_u: Array, p: Array, gate: Array, bulk: Array, tied_bulk: Bools,
    on_word: Bools, i: Array, chord: Array, a: Array, b: Array, leak_v: Array, leak_u: Array, leaking: Array,
    inner: Array,
) -> float:  # fmt: skip
    """Fill, (m, n) each, what cells do at pairs of node voltages; return the steepest junction's thermal voltages.

    Parameters
    ----------
    v, low_v, u, low_u : (m, n)
        Volts of word and bit nodes, pairs ``v + low_v``.
    p : (m, n, 10)
        ``PARAMETERS``; g = 0 where there is no cell.
    gate, bulk : (m, n)
        Volts.
    tied_bulk, on_word : (m, n)
        Whether the bulk is the channel's end c; whether the memristor is at the word node.
    i, chord, a, b : (m, n)
        Receive the current from word to bit node, what it is per volt, and its slopes in v and, downwards, in u.
    leak_v, leak_u : (m, n)
        Receive what leaves the nodes besides.
    leaking : (m, n)
        Receives the siemens of that.
    inner : (m, n)
        Receives the inner node's volts.
    """
    m, n = v.shape
    steepest = 0.0
    for r in range(m):
        for k in range(n):
            q = p[r, k]
            if q[0] == 0.0:
                i[r, k] = chord[r, k] = a[r, k] = b[r, k] = leak_v[r, k] = leak_u[r, k] = leaking[r, k] = inner[
                    r, k
                ] = 0.0
                continue
            across = (v[r, k] - u[r, k]) + (low_v[r, k] - low_u[r, k])
            d = across if on_word[r, k] else -across
            c, low_c = (u[r, k], low_u[r, k]) if on_word[r, k] else (v[r, k], low_v[r, k])
            over = ((gate[r, k] - q[5]) - c) - low_c
            over_bulk = 0.0 if tied_bulk[r, k] else (bulk[r, k] - c) - low_c
            x, flow, by_r, by_c, at_m, at_c, leaking[r, k] = _cell(d, over, over_bulk, tied_bulk[r, k], q)
            inner[r, k] = c + (low_c + x)
            steepest = max(steepest, max(over_bulk, over_bulk - x) / q[8])
            chord[r, k] = flow / d if flow * d > 0.0 else 0.0
            if on_word[r, k]:
                i[r, k], a[r, k], b[r, k], leak_v[r, k], leak_u[r, k] = flow, by_r, by_c, at_m, at_c
            else:
                i[r, k], a[r, k], b[r, k], leak_v[r, k], leak_u[r, k] = -flow, by_c, by_r, at_c, at_m
    return steepest
