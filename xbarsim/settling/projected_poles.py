"""Poles of the whole circuit projected onto its first moments: the same for all outputs, and all of them decay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.checks import Array
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.settling.moments import NodeMoment

_LEAST = 1e-7
"""A direction counts whose part of the largest is no smaller: what is left of others is rounding."""


def projected_poles(series: Sequence[NodeMoment], farads: ArrayFarads) -> tuple[Array, Array]:
    r"""Return time constants (poles,), the longest first, and each output's residues (poles, cols), both padded with 0.

    What is missing of a step obeys ``C e' + G e = 0``, ``e(0) = x_0``, and ``T = G^-1 C`` takes each moment into the
    next, ``x_(k+1) = -T x_k``. In the inner product of C it is symmetric and positive, and so is its projection onto
    ``x_0 ... x_(q-1)``: with their orthonormal basis Q and ``X = Q R`` it is ``-R[:, 1:] R[:, :-1]^-1``, whose
    eigenvalues are the time constants. Each output keeps its moments 1 to q (A. Odabasioglu, M. Celik and L. T.
    Pileggi, IEEE Trans. CAD 17, 645, 1998). What comes at once is left out, as nothing of it is missing.

    Parameters
    ----------
    series : sequence of NodeMoment
        The first q + 1 coefficients of the response.
    farads : ArrayFarads
        The circuit's capacitance.
    """
    most, cols = len(series) - 1, series[0].outputs.size
    weights = np.sqrt(farads.word), np.sqrt(farads.bit), np.sqrt(farads.cell)
    charged = np.array(
        [np.concatenate([(w * x).ravel() for w, x in zip(weights, (m.v, m.u, m.v - m.u), strict=True)]) for m in series]
    )
    sizes = np.linalg.norm(charged[:2], axis=1)
    tau, residue = np.zeros(most), np.zeros((most, cols))
    if not (np.isfinite(charged).all() and sizes.all()):
        return tau, residue
    # Each in units of a time of its own, so that all are near 1.
    scale = sizes[0] * (sizes[1] / sizes[0]) ** np.arange(most + 1)
    basis = np.asarray(np.linalg.qr((charged / scale[:, None]).T, mode="r"))
    outputs = np.array([moment.outputs for moment in series]) / scale[:, None]
    diagonal = np.abs(np.diagonal(basis))
    small = np.flatnonzero(diagonal[:most] < _LEAST * diagonal[0])
    count = int(small[0]) if small.size else most
    inverse = np.linalg.inv(basis[:count, :count])
    projected = -basis[:count, 1 : count + 1] @ inverse
    values, vectors = np.linalg.eigh(0.5 * (projected + projected.T))
    order = np.argsort(values)[::-1]
    order = order[values[order] > 0.0]
    # Of the output's own functional only what it has of T e counts: that of e has what comes at once in it.
    along = -(outputs[1 : count + 1].T @ inverse) @ vectors
    present = slice(0, order.size)
    tau[present] = values[order] * sizes[1] / sizes[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = (along * (vectors.T @ basis[:count, 0]) / values / outputs[0][:, None]).T
    residue[present] = np.where(outputs[0] != 0.0, shares[order], 0.0)
    return tau, residue
