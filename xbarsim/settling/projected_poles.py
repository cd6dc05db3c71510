"""Poles of the whole circuit projected onto its first moments: the same for all outputs, and all of them decay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xbarsim.checks import Array
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.settling.moments import MomentCircuit, NodeMoment

_LEAST = 1e-7
"""A direction counts whose part of the largest is no smaller: what is left of others is rounding."""

_NEW = 1e-11
"""Of what a direction brings forth, the part that must be new, so that a next one is more than rounding."""


def projected_poles(series: Sequence[NodeMoment], farads: ArrayFarads) -> tuple[Array, Array]:
    r"""Return time constants (poles,), the longest first, and each output's residues (poles, cols), both padded with 0.

    What is missing of a step obeys ``C e' + G e = 0``, ``e(0) = x_0``, and ``T = G^-1 C`` takes each moment into the
    next, ``x_(k+1) = -T x_k``. In the inner product of C it is symmetric and positive, and so is its projection onto
    ``x_0 ... x_(q-1)``: with their orthonormal basis Q and ``X = Q R`` it is ``-R[:, 1:] R[:, :-1]^-1``, whose
    eigenvalues are the time constants. Each output keeps its moments 1 to q (A. Odabasioglu, M. Celik and L. T.
    Pileggi, IEEE Trans. CAD 17, 645, 1998). What comes at once is left out, as nothing of it is missing.

    Where time constants are far apart moments soon are all of the slowest, and there are fewer poles; see
    :func:`orthogonal_poles`.

    Parameters
    ----------
    series : sequence of NodeMoment
        The first q + 1 coefficients of the response.
    farads : ArrayFarads
        The circuit's capacitance.
    """
    most, cols = len(series) - 1, series[0].outputs.size
    charged = np.array([farads.charged(m.v, m.u, m.across) for m in series])
    sizes = np.linalg.norm(charged[:2], axis=1)
    if not (np.isfinite(charged).all() and sizes.all()):
        return np.zeros(most), np.zeros((most, cols))
    # Each in units of a time of its own, so that all are near 1.
    scale = sizes[0] * (sizes[1] / sizes[0]) ** np.arange(most + 1)
    basis = np.asarray(np.linalg.qr((charged / scale[:, None]).T, mode="r"))
    outputs = np.array([moment.outputs for moment in series]) / scale[:, None]
    diagonal = np.abs(np.diagonal(basis))
    small = np.flatnonzero(diagonal[:most] < _LEAST * diagonal[0])
    count = int(small[0]) if small.size else most
    inverse = np.linalg.inv(basis[:count, :count])
    # Of the output's own functional only what it has of T e counts: that of e has what comes at once in it.
    tau, residue = _poles(
        -basis[:count, 1 : count + 1] @ inverse, -(outputs[1 : count + 1].T @ inverse), basis[:count, 0], outputs[0],
        most,
    )  # fmt: skip
    return tau * sizes[1] / sizes[0], residue


def orthogonal_poles(circuit: MomentCircuit, first: NodeMoment, most: int) -> tuple[Array, Array]:
    """Return the same from as many solves more, for circuits whose time constants are far apart.

    T takes each direction into the next one, which what is there already is taken out of (C. Lanczos, J. Res. Natl.
    Bur. Stand. 45, 255, 1950): a direction that is small beside the one before keeps its digits.

    Parameters
    ----------
    circuit : MomentCircuit
        The circuit.
    first : NodeMoment
        The response's first coefficient.
    most : int
        How many poles.
    """
    cols = first.outputs.size
    start = circuit.farads.charged(first.v, first.u, first.across)
    size = float(np.linalg.norm(start))
    if not 0.0 < size < np.inf:
        return np.zeros(most), np.zeros((most, cols))
    basis, effects, projected = [start / size], [], np.zeros((most, most))
    nodes = np.array([first.v, first.u, first.across]) / size
    directions = [nodes]
    for k in range(most):
        answer = circuit.response(*directions[k])
        effects.append(-answer.outputs)
        nodes = -np.array([answer.v, answer.u, answer.across])
        nodes = _without(nodes, directions, circuit.farads, basis, projected[:, k])
        charged = circuit.farads.charged(*nodes)
        new = float(np.linalg.norm(charged))
        if k + 1 == most or not new > _NEW * np.linalg.norm(projected[:, k]):
            break
        basis.append(charged / new)
        directions.append(nodes / new)
    count = len(basis)
    # T is symmetric: what a direction has of those before it is what they have of it.
    upper = np.triu(projected[:count, :count])
    return _poles(
        upper + np.triu(upper, 1).T, np.array(effects).T, size * np.eye(count)[0], first.outputs, most
    )  # fmt: skip


def _without(nodes: Array, directions: list[Array], farads: ArrayFarads, basis: list[Array], parts: Array) -> Array:
    """Take the directions that are there out of one, (3, rows, cols) each; their parts are added to ``parts``."""
    for _ in range(2):
        for i, direction in enumerate(basis):
            part = float(direction @ farads.charged(*nodes))
            parts[i] += part
            nodes = nodes - part * directions[i]
    return nodes


def _poles(projected: Array, effects: Array, start: Array, end: Array, most: int) -> tuple[Array, Array]:
    """Return time constants and residues of T in an orthonormal basis, and of what its directions bring to outputs."""
    tau, residue = np.zeros(most), np.zeros((most, end.size))
    values, vectors = np.linalg.eigh(0.5 * (projected + projected.T))
    order = np.argsort(values)[::-1]
    order = order[values[order] > 0.0]
    present = slice(0, order.size)
    tau[present] = values[order]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = ((effects @ vectors) * (vectors.T @ start) / values / end[:, None]).T
    residue[present] = np.where(end != 0.0, shares[order], 0.0)
    return tau, residue
