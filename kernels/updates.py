"""What changes of single conductances make of a network's couplings: Woodbury's identity.

Changes of g siemens between pairs of nodes, with the volts D between them for 1 V at each terminal and Z for 1 A at
each other (:mod:`upward`), are a small system: ``(1 + g Z) P = g D`` are the currents that the changes take for 1 V at
each terminal, and couplings fall by ``D' P``. Written so, g may be 0, negative or very large.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def _add(s: Array, c: int, share: float, rows: Array, e: int, end: int) -> None:
    """``s[c, :end] += share * rows[e, :end]``."""
    for j in range(np.uint64(end)):
        at = np.uint64(j)  # unsigned: no test for indices that count from the end
        s[c, at] += share * rows[e, at]


@njit(**_OPTIONS)
def _subtract_four(
    s: Array, c: int, share_a: float, share_b: float, share_c: float, share_d: float, rows: Array, e: int
) -> None:
    """``s[c] -= share_a * rows[e] + ..``, of row e and the three after it."""
    for j in range(np.uint64(s.shape[1])):
        at = np.uint64(j)
        s[c, at] -= (share_a * rows[e, at] + share_b * rows[e + 1, at]) + (
            share_c * rows[e + 2, at] + share_d * rows[e + 3, at]
        )


@njit(**_OPTIONS)
def respond(ohms: Array, change: Array, pairs: Index, drops: Array, system: Array, p: Array, most: Array) -> float:
    """Solve ``(1 + g Z) P = g D`` for the changes that there are.

    Parameters
    ----------
    ohms, drops : (all * (all + 1) / 2), (all, terminals)
        Volts between the nodes of pairs, for 1 A at each other, a lower triangle row by row, and 1 V at each terminal.
    change, pairs : (count,)
        Siemens that come to some pairs, and the numbers of these.
    system : (count, count)
        Work space.
    p : (count, terminals)
        Receives P: amperes for 1 V at each terminal.
    most : (count,)
        Receives the largest of each row of P, without its sign.

    Returns
    -------
    float
        The least pivot, of rows that are scaled to about 1: 0 and what is near tells of a circuit that falls apart.
    """
    count, terminals = change.size, drops.shape[1]
    for a in range(count):
        g, pair = change[a], pairs[a]
        scaling = 1.0 / (1.0 + abs(g) * ohms[pair * (pair + 1) // 2 + pair])
        for b in range(count):
            later, earlier = max(pair, pairs[b]), min(pair, pairs[b])
            system[a, b] = scaling * g * ohms[later * (later + 1) // 2 + earlier]
        system[a, a] += scaling
        for t in range(terminals):
            p[a, t] = scaling * g * drops[pair, t]
    least = 1.0
    for k in range(count):
        best = k
        for a in range(k + 1, count):
            if abs(system[a, k]) > abs(system[best, k]):
                best = a
        least = min(least, abs(system[best, k]))
        if not least > 0.0:
            return 0.0
        if best != k:
            for b in range(count):
                system[k, b], system[best, b] = system[best, b], system[k, b]
            for t in range(terminals):
                p[k, t], p[best, t] = p[best, t], p[k, t]
        inverse = 1.0 / system[k, k]
        for a in range(k + 1, count):
            share = -system[a, k] * inverse
            if share != 0.0:
                _add(system, a, share, system, k, count)
                _add(p, a, share, p, k, terminals)
    for k in range(count - 1, -1, -1):
        for a in range(k + 1, count):
            if system[k, a] != 0.0:
                _add(p, k, -system[k, a], p, a, terminals)
        inverse = 1.0 / system[k, k]
        largest = 0.0
        for t in range(terminals):
            ampere = p[k, t] * inverse
            p[k, t] = ampere
            largest = max(largest, abs(ampere))
        most[k] = largest
    return least


@njit(**_OPTIONS)
def error(most: Array, changed: Array, spread: Array, ohms: Array, volts: float) -> float:
    """Bound what an error of 1 in every number of the ways makes of an end current.

    To first order ``P' dZ W + dD' W + P' dD V``, with W the amperes ``changed`` for sources of at most ``volts``, and
    the rounding of the small system on top.
    """
    most_sum = changed_sum = most_spread = changed_spread = most_roots = changed_roots = 0.0
    for k in range(most.size):
        root = np.sqrt(ohms[k])
        most_sum += most[k]
        most_spread += most[k] * spread[k]
        most_roots += most[k] * root
        changed_sum += changed[k]
        changed_spread += changed[k] * spread[k]
        changed_roots += changed[k] * root
    more = 1.0 + most.size / 4
    ways = most_sum * changed_spread + changed_sum * most_spread + 2.0 * volts * most_sum
    return ways + more * (most_roots * changed_roots + changed_sum)


@njit(**_OPTIONS)
def lower(couplings: Array, drops: Array, p: Array, out: Array) -> None:
    """``out = couplings - D' P``, (m, n), for drops (count, m) and P (count, n)."""
    m, n = couplings.shape
    count = p.shape[0]
    whole = count - count % 4
    for i in range(m):
        for j in range(n):
            out[i, j] = couplings[i, j]
        for k in range(0, whole, 4):
            _subtract_four(out, i, drops[k, i], drops[k + 1, i], drops[k + 2, i], drops[k + 3, i], p, k)
        for k in range(whole, count):
            _add(out, i, -drops[k, i], p, k, n)


@njit(**_OPTIONS)
def raise_to_zero(couplings: Array) -> float:
    """Make what is below 0 S, of (m, n), 0; return the largest, or NaN if one is."""
    largest = 0.0
    for i in range(couplings.shape[0]):
        row = couplings[i]
        most = unknown = 0.0
        for j in range(row.size):
            siemens = row[j] if not row[j] < 0.0 else 0.0
            row[j] = siemens
            most = siemens if siemens > most else most
            unknown += siemens * 0.0
        largest = max(largest, most) + unknown
        if np.isnan(largest):
            break
    return largest


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _inner_product(a: Array, b: Array) -> float:
    """Return ``a . b`` in whatever order is fastest."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@njit(**_OPTIONS)
def products(p: Array, volts: Array, out: Array) -> None:
    """``out = P V``, (count, batch), for P (count, terminals) and source voltages (batch, terminals)."""
    for c in range(p.shape[0]):
        for b in range(volts.shape[0]):
            out[c, b] = _inner_product(p[c], volts[b])
