"""The poles of one vector's outputs, each output's held against its own moments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.settling.decaying_poles import MOST_POLES, DecayingPoles
from xbarsim.settling.moments import MomentCircuit, NodeMoment
from xbarsim.settling.projected_poles import orthogonal_poles, projected_poles

_CARRIED = 1e-6
"""Poles have an output's moments where they are right to that part of what nodes bring to them."""

_APART = 0.1
"""Of a step, or of residues above 1: responses of the same moments that differ by more are not both an output's."""

_PLAIN = 5.0
"""Of what is missing first: what the magnitudes of an output's own poles' residues add up to at most."""

_ENOUGH = 1e-3
"""The same of moments 1 to 3, below which an output's poles are those of its own."""


def told_moments(series: Sequence[NodeMoment], tolerance: float) -> tuple[Array, Array]:
    """Return moments as parts of the first, (count, cols), NaN where they are not told; and the first's error (cols,).

    The error is a part of the current itself, so that one of inputs that cancel is larger; where it is above the
    tolerance there is no output that could be told from none.

    Parameters
    ----------
    series : sequence of NodeMoment
        As solved.
    tolerance : float
        Of the first.
    """
    first = series[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.array([m.error for m in series]) / np.abs(first.outputs)
        moments = np.array([m.outputs for m in series]) / first.outputs
        # An output's own time: a moment that happens to be near 0 is held to a power of it.
        unit = np.sqrt(np.abs(moments[2]))
        sizes = np.maximum(np.abs(moments), unit ** np.arange(len(series))[:, None])
        untold = ~(error <= tolerance * sizes) | (first.outputs == 0.0)
    moments[np.logical_or.accumulate(untold, axis=0)] = np.nan
    return moments, np.where(first.outputs != 0.0, error[0], np.nan)


def vector_poles(circuit: MomentCircuit, series: Sequence[NodeMoment], moments: Array) -> tuple[Array, Array]:
    """Return time constants and residues (poles, cols), 0 where there are fewer.

    Poles are the circuit's. Where they are too far apart for all outputs to have their moments of them, directions are
    made orthogonal one by one. An output whose first moments still are not theirs, or that they tell other things of
    than poles of its own, has these.

    Parameters
    ----------
    circuit : MomentCircuit
        The circuit.
    series : sequence of NodeMoment
        Its moments for one vector of inputs.
    moments : (count, cols) array
        The same as parts of the first, as ``told_moments`` gives them.
    """
    most = len(series) - 1
    fitted = DecayingPoles.of(moments)
    tau, residue = projected_poles(series, circuit.farads)
    missed = _missed(tau, residue, series, moments)
    far_apart = not tau[-1] > 0.0 or bool((missed > _CARRIED).any())
    if far_apart:
        better = orthogonal_poles(circuit, series[0], most)
        if _missed(*better, series, moments).sum() <= missed.sum():
            (tau, residue), missed = better, _missed(*better, series, moments)
    times = np.repeat(tau[:, None], residue.shape[1], axis=1)
    alone = (missed[:MOST_POLES] > _ENOUGH).any(axis=0)
    if far_apart:
        alone |= _differ(times, residue, fitted)
    pad = np.zeros((most - MOST_POLES, fitted.count.size))
    times = np.where(alone, np.vstack([fitted.tau, pad]), times)
    return times, np.where(alone, np.vstack([fitted.residue, pad]), residue)


def _differ(tau: Array, residue: Array, fitted: DecayingPoles) -> NDArray[np.bool_]:
    """Whether poles, (poles, cols) each, and two or three of an output's own say different things of it.

    They have the same moments. The circuit's poles are those of its slowest parts: an output that is much faster and
    hangs on these by next to nothing has its moments of residues that say nothing of its own way.
    """
    shortest = np.where(fitted.tau > 0.0, fitted.tau, np.inf).min(axis=0, initial=np.inf)
    grid = np.geomspace(
        np.where(fitted.count > 0, shortest, 1.0), 8.0 * np.where(fitted.count > 0, fitted.tau[0], 1.0), 200
    ).T
    apart = np.abs(DecayingPoles(tau, residue, fitted.count).unsettled(grid) - fitted.unsettled(grid)).max(axis=1)
    # Large residues that cancel are no response that decays.
    size = np.abs(fitted.residue).sum(axis=0)
    plain = size < _PLAIN * np.maximum(np.abs(fitted.residue.sum(axis=0)), 1.0)
    differ: NDArray[np.bool_] = (fitted.count >= 2) & plain & (apart > _APART * np.maximum(size, 1.0))
    return differ


def _missed(tau: Array, residue: Array, series: Sequence[NodeMoment], moments: Array) -> Array:
    """Return by how much poles miss moments 1, 2, ..., (count, cols), as parts of what nodes bring; 0 if untold."""
    orders = np.arange(1, len(series))
    carried = np.array([((-tau[:, None]) ** k * residue).sum(axis=0) for k in orders])
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.array([m.gross for m in series[1:]]) / np.abs(series[0].outputs)
        missed = np.abs(carried - moments[1:]) / sizes
    return np.nan_to_num(missed, nan=0.0, posinf=np.inf)
