"""How far a device's voltage may move in one step, where its law is steep (Nagel, UCB/ERL M520, 1975, section 5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def junction(proposal: Floats, before: Floats, scale: Floats, critical: Floats) -> Floats:
    """Return a junction's next voltage: past ``critical`` the one whose current is the tangent's prediction.

    Parameters
    ----------
    proposal, before : (n,)
        Volts that the linear solution asks for, and those of the last tangent.
    scale, critical : (n,)
        N k T / q, and the voltage where the current's curvature is largest.
    """
    steps = (proposal - before) / scale
    steep = (proposal > critical) & (np.abs(steps) > 2.0)
    if not steep.any():
        return proposal
    with np.errstate(invalid="ignore", divide="ignore"):
        up = before + scale * np.log1p(np.maximum(steps, 0.0))
        first = scale * np.log(np.maximum(proposal / scale, 1.0))
    limited = np.where(before > 0, np.where(steps > 0, up, critical), first)
    return np.where(steep, limited, proposal)


def gate(proposal: Floats, before: Floats, threshold: Floats) -> Floats:
    """Return a gate's next voltage: steps grow with the distance from the threshold, where the law changes.

    Parameters
    ----------
    proposal, before : (n,) array
        Volts that Newton's method asks for, and that there were.
    threshold : (n,) array
        Volts.
    """
    most = 2.0 * np.abs(before - threshold) + 2.0
    return before + np.clip(proposal - before, -most, most)


def drain(proposal: Floats, before: Floats) -> Floats:
    """Return a drain's next voltage.

    Parameters
    ----------
    proposal, before : (n,) array
        Volts that Newton's method asks for, and that there were.
    """
    most = 3.0 * np.abs(before) + 2.0
    return before + np.clip(proposal - before, -most, most)
