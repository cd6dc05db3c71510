"""A reduced network at its ports: its couplings both ways, its currents, and the voltages of what was eliminated.

A voltage on the way back is a weighted mean of others. It is taken as the difference from the heaviest of them and
kept as a pair of numbers whose sum has twice the digits: differences along wires and across cells then keep all of
theirs, however near to each other the nodes are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels import kron
from xbarsim.kernels.native import njit

Array = NDArray[np.float64]

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@njit(**_OPTIONS)
def symmetric(lower: Array, whole: Array) -> None:
    """Fill ``whole`` (ports, ports) with the first nodes' couplings, both triangles, and a diagonal of 0."""
    ports = whole.shape[0]
    # In squares that fit in the cache: one of the two sides is written across its rows.
    for row in range(0, ports, 32):
        for col in range(0, row + 1, 32):
            for i in range(row, min(row + 32, ports)):
                for j in range(col, min(col + 32, i)):
                    whole[i, j] = lower[i, j]
                    whole[j, i] = lower[i, j]
    for i in range(ports):
        whole[i, i] = 0.0


def extension(rows: Array, roots: Array) -> Array:
    """Return the eliminated nodes' voltages for 1 V at each kept one, 0 V at the others, (eliminated, kept).

    ``rows`` and ``roots`` are those that :func:`kron.merge` left.
    """
    eliminated = roots.size
    total = rows.size // eliminated
    means, work = np.empty((eliminated, total - eliminated)), np.empty(kron.work_size(total))
    gemm, _ = kron.blas_addresses()
    kron.harmonic(eliminated, total - eliminated, rows, roots, means.reshape(-1), work, gemm)
    return means


@njit(**_OPTIONS)
def extend_pairs(rows: Array, roots: Array, x: Array, low: Array) -> None:
    """Extend voltages ``x + low`` (total, batch), known on the kept nodes, to the eliminated ones as weighted means.

    ``x[k] = x[h] + sum_j c[k, j] (x[j] - x[h]) / d``, h the heaviest; of ``rows`` (eliminated, total) and ``roots``,
    as :func:`kron.merge` left them, the product is ``c[k, j] / d``.
    """
    eliminated, total = rows.shape
    boundary = total - eliminated
    batch = x.shape[1]
    above = np.empty(batch)
    for e in range(eliminated):
        k = boundary + e
        heaviest = 0
        for j in range(k):
            if rows[e, j] > rows[e, heaviest]:
                heaviest = j
        above[:] = 0.0
        for j in range(k):
            share = rows[e, j] * roots[e]
            if share > 0.0 and j != heaviest:
                for q in range(batch):
                    above[q] += share * ((x[j, q] - x[heaviest, q]) + (low[j, q] - low[heaviest, q]))
        alone = roots[e] == 0.0
        for q in range(batch):
            base = 0.0 if alone else x[heaviest, q]
            more = above[q] + (0.0 if alone else low[heaviest, q])
            whole = base + more
            part = whole - base
            x[k, q] = whole
            low[k, q] = (base - (whole - part)) + (more - part)


@njit(**_OPTIONS)
def terminal_currents(couplings: Array, volts: Array, out: Array) -> None:
    """Currents out of the network at its terminals: ``sum_t c[k, t] (V_t - V_k)``.

    ``couplings`` (ports, ports), ``volts`` (batch, ports), ``out`` (batch, ports).
    """
    for b in range(volts.shape[0]):
        for k in range(couplings.shape[0]):
            zero = volts[b, k]
            total = 0.0
            for t in range(couplings.shape[0]):
                total += couplings[k, t] * (volts[b, t] - zero)
            out[b, k] = total
