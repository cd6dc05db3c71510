"""All modes of a small loop with capacitance, by dense eigenvalues of its states.

States are the amplifiers' inner voltages, the voltages that capacitances hold and the currents of inductances. Where
capacitances join unknowns to each other but to nothing that stands still or is driven, one of them is no state: the
others count from it, and the charges of all together are a balance of currents. So too for each unknown without
capacitance, an amplifier without a pole, and a current without inductance. Where states fix each other,
``finite_part`` says which count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from xbarsim.checks import Array
from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.loop.dense_system import DenseSystem, SingularSystemError
from xbarsim.loop.finite_part import SingularPencilError, finite_part
from xbarsim.loop.growing_count import growing_count
from xbarsim.loop.growth_bound import least_reach
from xbarsim.loop.laplacian import without_rounding
from xbarsim.loop.loop_modes import Complex, LoopModes, independent_modes
from xbarsim.loop.loop_pencil import LoopPencil
from xbarsim.resources import one_blas_thread

RESIDUAL = 1e-8
"""Largest part of its own terms that an eigenvector may leave of the equations."""

_AGAIN = 1e-3
"""Part of that from which on an eigenvector is found again at its pole."""

_MOST_AGAIN = 32
"""How many of the slowest that leave too much are found again."""

_NUDGE = 1e-11
"""Part of a pole by which inverse iteration stays beside it, or its matrix could be singular."""

_FASTEST, _BESIDE, _MOST_DOUBT = 8, 1e-7, 1e-6
"""How many of the fastest poles are checked by the determinant, from how far beside, and what they may be off by."""

_NO_DIGITS = 1e-2
"""Part of a pole that rounding of what holds charge may move it by: from there on it is no pole."""

_FEW_DIGITS, _AT_ZERO = 1e-3, 1e-9
"""Part of a pole that the bound of its rounding may be, and of the fastest one below which it is 0 to the digits."""

_EPS = float(np.finfo(np.float64).eps)

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
    constants, left, right, norm = _eigenvectors(system)
    if not (_moved(left, system.rounding[0], right) < _NO_DIGITS * np.abs(norm)).all():
        # What is left of charges that cancel would be a state, and a mode of 1e20 1/s.
        system = _States.constrained(pencil)
        constants, left, right, norm = _eigenvectors(system)
    with one_blas_thread():
        poles = (left * (system.rates @ right).T).sum(axis=1) / norm
        poles.imag[constants.imag == 0.0] = 0.0
        doubt = np.maximum(ROUNDING * np.abs(poles), _moved(left, system.rounding[1], right) / np.abs(norm))
        charge, flow = system.evidence
        of_states = charge.shape[1] == len(right)
        if of_states:
            shares = _left_of(poles, charge, flow, right)
            poor = np.flatnonzero(shares > RESIDUAL)
            poor = poor[np.argsort(np.abs(poles[poor]))[:_MOST_AGAIN]]
            right[:, poor] = _again(poles[poor], charge, flow, right[:, poor])
            shares[poor] = _left_of(poles[poor], charge, flow, right[:, poor])
        whole = np.zeros((pencil.size, poles.size), dtype=np.complex128)
        for k, part in enumerate(system.whole):
            whole += part @ (right * poles**k)
        if not of_states:
            shares = _left_of(poles, charge, flow, whole)
            poor = np.flatnonzero(shares > RESIDUAL * _AGAIN)
            whole[:, poor] = _again(poles[poor], charge, flow, whole[:, poor])
            shares = _left_of(poles, charge, flow, whole)
            _check_fastest(poles, charge, flow)
        weights = (left @ system.start) / norm[:, None]
    reach = np.inf if (shares <= RESIDUAL).all() else _reach(pencil, poles, shares)
    sound = np.abs(poles) < reach
    _check_digits(poles[sound], doubt[sound])
    modes = LoopModes.sorted_of(
        poles[sound], whole[pencil.driving][:, sound], (pencil.watched @ whole)[:, sound], weights[sound],
        doubt[sound], reach,
    )  # fmt: skip
    return replace(modes, damped=bool(reach == np.inf or pencil.active is None))


def growing(poles: Complex, reach: float) -> int:
    """Return how many poles of a size below ``reach`` grow."""
    inside = poles[np.abs(poles) < reach]
    return int((inside.real > ROUNDING * np.abs(inside)).sum())


def _reach(pencil: LoopPencil, poles: Complex, shares: Array) -> float:
    """Return up to which size poles are sound where some leave too much, all that grow among them."""
    if pencil.active is None:
        return check_modes(poles, shares, least_reach(pencil))
    reach = float(np.abs(poles[~(shares <= RESIDUAL)]).min())
    # Where those that grow are not among the sound ones, nothing is left out.
    return check_modes(poles, shares, 0.0 if growing(poles, reach) == growing_count(pencil) else np.inf)


def _eigenvectors(system: _States) -> tuple[Complex, Complex, Complex, Complex]:
    """Return modes' times (modes,), their left and right vectors as rows and columns, and ``left E right`` of each."""
    with one_blas_thread():
        try:
            times: Array = np.linalg.solve(system.rates, system.holding).astype(np.float64)
        except np.linalg.LinAlgError:
            raise ConvergenceError(
                "a mode of the loop is too slow to tell beside the others",
                "look for resistances very many decades apart",
            ) from None
        constants, right = independent_modes(times)
        left: Complex = np.linalg.solve(system.rates.T, np.linalg.inv(right).T).T.astype(np.complex128)
        return constants, left, right, (left * (system.holding @ right).T).sum(axis=1)


@dataclass(frozen=True, eq=False)
class _States:
    """``E z' = A z`` of the states z alone.

    Attributes
    ----------
    holding, rates : (states, states)
        E and A.
    start : (states, points)
        ``E (z - z_end)`` at the begin.
    whole : tuple of (size, states)
        All unknowns are ``whole[0] z + whole[1] z' + ...``.
    evidence : two of (equations, states or size)
        E and A as modes are put into them, of the states or of all.
    rounding : two of (states, states)
        What ``holding`` and ``rates`` may be off by.
    """

    holding: Array
    rates: Array
    start: Array
    whole: tuple[Array, ...]
    evidence: tuple[Array, Array]
    rounding: tuple[Array, Array]

    @staticmethod
    def of(pencil: LoopPencil) -> _States:
        """Solve for what is no state; raises SolveError where the states do not fix it."""
        basis, states, balances = _states(pencil)
        holding, moving = (
            without_rounding(basis.T @ matrix @ basis, basis.T @ abs(matrix) @ basis).toarray()
            for matrix in (pencil.holding, pencil.moving)
        )
        by_states, by_others = moving[np.ix_(balances, states)], moving[np.ix_(balances, balances)]
        fixed, doubt = by_states, np.zeros_like(by_states)
        if fixed.size:
            try:
                inverse = DenseSystem.of(by_others)
            except SingularSystemError:
                return _States.constrained(pencil)
            fixed = inverse.solve(by_states)
            doubt = inverse.bound(np.abs(by_others) @ np.abs(fixed) + np.abs(by_states))
        reduced, rounding = [], []
        for matrix in (holding, moving):
            plain, beside = matrix[np.ix_(states, states)], matrix[np.ix_(states, balances)]
            reduced.append(plain - beside @ fixed)
            rounding.append(_EPS * (np.abs(plain) + np.abs(beside) @ (np.abs(fixed) + doubt)))
        holding, rates = reduced
        start = (basis.T @ pencil.start)[states]
        whole = np.zeros((pencil.size, states.size))
        whole[states, np.arange(states.size)] = 1.0
        whole[balances] = -fixed
        return _States(holding, rates, start, (basis @ whole,), (holding, rates), (rounding[0], rounding[1]))

    @staticmethod
    def constrained(pencil: LoopPencil) -> _States:
        """Solve for what is no state where some of the states fix each other, as two capacitances at a source do."""
        holding, moving = pencil.holding.toarray(), pencil.moving.toarray()
        try:
            part = finite_part(holding, moving)
        except (SingularPencilError, np.linalg.LinAlgError):
            raise SolveError(
                "capacitances and inductances do not fix all voltages and currents in time: give amplifiers a finite "
                "gain and a bandwidth, and tie all nodes"
            ) from None
        return _States(
            part.holding, part.rates, part.left.T @ pencil.start, part.whole, (holding, moving),
            (np.zeros_like(part.holding), np.zeros_like(part.rates)),
        )  # fmt: skip


def _moved(left: Complex, rounding: Array, right: Complex) -> Array:
    """Return the most that rounding of a matrix may change ``left matrix right`` of each mode by."""
    moved: Array = ((np.abs(left) @ rounding) * np.abs(right).T).sum(axis=1)
    return moved


def _check_digits(poles: Complex, doubt: Array) -> None:
    """Check that what was solved for leaves poles their digits; what is 0 beside the fastest has none, and says so.

    Raises
    ------
    ConvergenceError
        One may be another by more than ``_FEW_DIGITS``.
    """
    size = np.abs(poles)
    bad = (doubt > _FEW_DIGITS * size) & (doubt > _AT_ZERO * size.max(initial=0.0))
    if bad.any():
        worst = int(np.where(bad, doubt / np.maximum(size, np.finfo(np.float64).tiny), 0.0).argmax())
        raise ConvergenceError(
            f"the pole {poles[worst]:.3g} 1/s is uncertain by up to {doubt[worst] / size[worst]:.1e} of it (tolerance "
            f"{_FEW_DIGITS:g})",
            "look for capacitances, resistances or gains very many decades apart",
        )


def _left_of(poles: Complex, charge: Array, flow: Array, modes: Complex) -> Array:
    size = np.abs(modes)
    return left_over(poles, charge @ modes, flow @ modes, np.abs(charge) @ size, np.abs(flow) @ size)


def _again(poles: Complex, charge: Array, flow: Array, modes: Complex) -> Complex:
    """Return modes by one step of inverse iteration each, of the size that they had."""
    better = np.empty_like(modes)
    for k, pole in enumerate(poles):
        matrix = flow - pole * (1.0 + _NUDGE) * charge
        rows = 1.0 / np.abs(matrix).max(axis=1, keepdims=True)
        try:
            mode = np.linalg.solve(rows * matrix, rows[:, 0] * (charge @ modes[:, k]))
        except np.linalg.LinAlgError:
            # What it leaves says how good it is.
            mode = modes[:, k]
        better[:, k] = mode * (mode.conj() @ modes[:, k]) / (mode.conj() @ mode)
    return better


def _check_fastest(poles: Complex, charge: Array, flow: Array) -> None:
    """Check the fastest poles by a step of Newton's method on ``det(s E - A)`` of the whole, from beside each.

    Raises
    ------
    ConvergenceError
        One is another by more than ``_MOST_DOUBT``.
    """
    for pole in poles[np.argsort(-np.abs(poles))[:_FASTEST]]:
        start = pole * (1.0 + _BESIDE)
        matrix = start * charge - flow
        rows = 1.0 / np.abs(matrix).max(axis=1, keepdims=True)
        columns = 1.0 / np.abs(rows * matrix).max(axis=0)
        slope = np.trace(np.linalg.solve(rows * matrix * columns, rows * charge * columns))
        doubt = abs(start - 1.0 / slope - pole) / abs(pole)
        if not doubt <= _MOST_DOUBT:
            raise ConvergenceError(
                f"the pole {pole:.3g} 1/s is uncertain by {doubt:.1e} of it (tolerance {_MOST_DOUBT:g})",
                "look for capacitances, inductances or gains very many decades apart",
            )


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
    still = np.flatnonzero(np.asarray(abs(pencil.holding[free:]).sum(axis=1)).ravel() == 0.0)
    balances = np.concatenate([first[~tied[loose]], free + still])
    root = np.full(tied.size, -1)
    roots = balances[balances < free]
    root[group[roots]] = roots
    members = np.flatnonzero(root[group] >= 0)
    members = members[root[group[members]] != members]
    rows = np.concatenate([np.arange(pencil.size), members])
    columns = np.concatenate([np.arange(pencil.size), root[group[members]]])
    basis = sparse.csc_array((np.ones(rows.size), (rows, columns)), shape=(pencil.size, pencil.size))
    return basis, np.setdiff1d(np.arange(pencil.size), balances), balances
