"""All modes of a small loop with capacitance, by dense eigenvalues of its states.

States are the amplifiers' inner voltages and the voltages that capacitances hold. Where capacitances join unknowns to
each other but to nothing that stands still or is driven, one of them is no state: the others count from it, and the
charges of all together are a balance of currents. So too for each unknown without capacitance, and an amplifier
without a pole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from xbarsim.checks import Array
from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.loop.dense_system import DenseSystem, SingularSystemError
from xbarsim.loop.growth_bound import least_reach
from xbarsim.loop.loop_modes import Complex, LoopModes, independent_modes
from xbarsim.loop.loop_pencil import LoopPencil
from xbarsim.resources import one_blas_thread

RESIDUAL = 1e-8
"""Largest part of its own terms that an eigenvector may leave of the equations."""

ROUNDING = 1e-12
"""Part of a pole below which its real part is rounding."""


def all_modes(pencil: LoopPencil) -> LoopModes:
    r"""Return all modes.

    With states z and the balances solved for, ``E z' = A z``. Eigenvalues are those of ``A^-1 E``, times, so that
    slow modes keep their digits beside fast ones; each is then the quotient ``w A z / w E z`` of both its
    eigenvectors, whose error is the square of theirs.

    Where rates are so many decades apart that fast modes have no digits, these are left out.

    Raises
    ------
    SolveError
        What is not a state is not fixed by the states.
    ConvergenceError
        A mode that could grow leaves more than ``RESIDUAL`` of the equations.
    """
    system = _States.of(pencil)
    holding, rates = system.holding, system.rates
    with one_blas_thread():
        times: Array = np.linalg.solve(rates, holding).astype(np.float64)
        constants, right = independent_modes(times)
        left = np.linalg.solve(rates.T, np.linalg.inv(right).T).T
        charge, flow = holding @ right, rates @ right
        norm = (left * charge.T).sum(axis=1)
        poles = (left * flow.T).sum(axis=1) / norm
        poles.imag[constants.imag == 0.0] = 0.0
        shares = left_over(poles, charge, flow, np.abs(holding) @ np.abs(right), np.abs(rates) @ np.abs(right))
        weights = (left @ system.start) / norm[:, None]
    reach = np.inf if (shares <= RESIDUAL).all() else check_modes(poles, shares, least_reach(pencil))
    sound = np.abs(poles) < reach
    return LoopModes.sorted_of(
        poles[sound], (system.inner @ right)[:, sound], (system.watched @ right)[:, sound], weights[sound],
        ROUNDING * np.abs(poles[sound]), reach,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _States:
    """``E z' = A z`` of the states z alone.

    Attributes
    ----------
    holding, rates : (states, states)
        E and A.
    start : (states, points)
        ``E (z - z_end)`` at the begin.
    watched, inner : (outputs, states), (amplifiers, states)
        What is looked at, and amplifiers' inner voltages, by the states.
    """

    holding: Array
    rates: Array
    start: Array
    watched: Array
    inner: Array

    @staticmethod
    def of(pencil: LoopPencil) -> _States:
        """Solve for what is no state; raises SolveError where the states do not fix it."""
        basis, states, balances = _states(pencil)
        holding, moving = ((basis.T @ matrix @ basis).toarray() for matrix in (pencil.holding, pencil.moving))
        fixed = moving[np.ix_(balances, states)]
        if fixed.size:
            try:
                fixed = DenseSystem.of(moving[np.ix_(balances, balances)]).solve(fixed)
            except SingularSystemError as error:
                raise SolveError(
                    f"capacitance holds a voltage that is fixed at once, or fixes one alone ({error}): give amplifiers "
                    "a finite gain and a bandwidth, and tie all nodes"
                ) from None
        rates = moving[np.ix_(states, states)] - moving[np.ix_(states, balances)] @ fixed
        holding = holding[np.ix_(states, states)] - holding[np.ix_(states, balances)] @ fixed
        start = (basis.T @ pencil.start)[states]
        watched = (pencil.watched @ basis).toarray()
        watched = watched[:, states] - watched[:, balances] @ fixed
        # Of amplifiers, states or not.
        inner = np.zeros((pencil.size, states.size))
        inner[states, np.arange(states.size)] = 1.0
        inner[balances] = -fixed
        return _States(holding, rates, start, watched, inner[pencil.free :])


def left_over(poles: Complex, charge: NDArray[Any], flow: NDArray[Any], most_charge: Array, most_flow: Array) -> Array:
    """Return what modes x leave of the equations as a part of its terms, (modes,).

    ``charge`` is ``E x``, ``flow`` is ``A x``; ``most_charge`` and ``most_flow`` are the same of absolute values, which
    say what rounding is.
    """
    left = np.abs(flow - charge * poles).max(axis=0, initial=0.0)
    terms = (most_flow + most_charge * np.abs(poles)).max(axis=0, initial=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Array = np.where(left > 0.0, left / terms, 0.0)
    return share


def check_modes(poles: Complex, shares: Array, reach: float) -> float:
    """Return up to which size poles are sound, all of them: inf, or the least of those that leave too much.

    Raises
    ------
    ConvergenceError
        One of a size below ``reach`` leaves more than ``RESIDUAL`` of the equations.
    """
    bad = np.flatnonzero(~(shares <= RESIDUAL))
    if not bad.size:
        return float(np.inf)
    worst = int(bad[np.abs(poles[bad]).argmin()])
    if not abs(poles[worst]) > reach:
        raise ConvergenceError(
            f"the mode of the pole {poles[worst]:.3g} 1/s leaves {shares[worst]:.1e} of the equations "
            f"(tolerance {RESIDUAL:g})",
            "look for capacitances or resistances very many decades apart",
        )
    return float(abs(poles[worst]))


def _states(pencil: LoopPencil) -> tuple[sparse.csc_array, NDArray[np.int64], NDArray[np.int64]]:
    """Return a basis of 0 and 1, (size, size), and which of its columns are states and which are not."""
    free = pencil.free
    inner_edges = (pencil.charges >= 0).all(axis=1) & (pencil.charges < free).all(axis=1)
    a, b = pencil.charges[inner_edges].T
    _, group = connected_components(sparse.coo_array((np.ones(a.size), (a, b)), shape=(free, free)), directed=False)
    # To ground, to a source or to an amplifier.
    tied = np.zeros(int(group.max(initial=-1)) + 1, dtype=bool)
    outer = pencil.charges[~inner_edges]
    ends = outer[(outer >= 0) & (outer < free)]
    tied[group[ends]] = True
    loose, first = np.unique(group, return_index=True)
    balances = np.concatenate([first[~tied[loose]], free + np.flatnonzero(np.isinf(pencil.speeds))])
    root = np.full(tied.size, -1)
    roots = balances[balances < free]
    root[group[roots]] = roots
    members = np.flatnonzero(root[group] >= 0)
    members = members[root[group[members]] != members]
    rows = np.concatenate([np.arange(pencil.size), members])
    columns = np.concatenate([np.arange(pencil.size), root[group[members]]])
    basis = sparse.csc_array((np.ones(rows.size), (rows, columns)), shape=(pencil.size, pencil.size))
    return basis, np.setdiff1d(np.arange(pencil.size), balances), balances
