"""How large a pole that grows can be.

The passive part, driven by the amplifiers' inner voltages u, puts ``D(s) u`` between their inputs less the
``u / gain`` that they have there: a pole s obeys ``s u / w = D(s) u``. D has no pole in the right half-plane, where its
norm is largest on the imaginary axis: a pole that does not decay is no larger than the largest w times that norm.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from xbarsim.errors import SolveError
from xbarsim.loop.loop_modes import Complex
from xbarsim.loop.loop_pencil import LoopPencil
from xbarsim.resources import check_running

MARGIN = 3.0
"""How far above the largest size of a pole that may grow modes are computed."""

_FREQUENCIES = (1e-3, 0.03, 0.3, 1.0, 10.0, 1e3)
"""Of the fastest amplifier's w, where the passive part's norm is looked at; it is flat between decades."""


def least_reach(pencil: LoopPencil) -> float:
    """Return the size in 1/s up to which all modes have to be computed for none that grows to be missed.

    That is inf where more than amplifiers with poles is active.
    """
    if not pencil.passive:
        return float(np.inf)
    return MARGIN * growing_size(pencil)


def growing_size(pencil: LoopPencil) -> float:
    """Return the largest size in 1/s that a pole that does not decay can have."""
    free = pencil.free
    if not pencil.speeds.size:
        return 0.0
    fastest = float(pencil.speeds.max())
    largest = 0.0
    for share in _FREQUENCIES:
        check_running()
        largest = max(largest, float(np.linalg.norm(_between(pencil, 1j * fastest * share, free), 2)))
    return fastest * largest


def _between(pencil: LoopPencil, s: complex, free: int) -> Complex:
    """Return D(s), (amplifiers, amplifiers)."""
    passive = sparse.csc_array(s * pencil.holding[:free] - pencil.moving[:free])
    factors = factored_sparse(sparse.csc_array(passive[:, :free]))
    inner = factors.solve(-passive[:, free:].toarray().astype(np.complex128))
    moving = pencil.moving[free:]
    return np.asarray(moving[:, :free] @ inner + moving[:, free:].toarray())


def factored_sparse(matrix: sparse.csc_array) -> SuperLU:
    """Return the factors of a matrix (size, size); raises SolveError where it is singular."""
    try:
        return splu(matrix)
    except RuntimeError as error:
        raise SolveError(f"the loop's equations in time are singular ({error}): tie all nodes to ground") from None
