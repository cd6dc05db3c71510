r"""How many poles of a loop grow, counted by the argument principle, whatever is active in it.

Of ``P(s) = s E - A`` a border b is set apart: the amplifiers' inner voltages, all currents, what transconductors
carry, and a node of each part that no resistor ties. What is left, ``P_ff(s) = s C + G``, is a network of resistors
and capacitors, symmetric and with G positive definite: its determinant has no zero where ``Re s >= 0``. So

    ``Q(s) = P_bb - P_bf P_ff^-1 P_fb``,    ``det P = det P_ff det Q``

and the zeros of det Q there are the poles that grow, as many as its argument turns round 0 along the imaginary axis
and back on an arc so wide that nothing of the circuit is as fast (H. Nyquist, Bell Syst. Tech. J. 11, 126 (1932)).

From one s to the next the argument turns by the sum of those of the eigenvalues of ``Q(s1)^-1 Q(s2)``: none may
change much, neither its angle nor its size, or the step is halved, and those beside it. As all poles of ``P_ff^-1``
are real, Q is smooth over some part of a decade, and close zeros of det Q, however many, change the size of an
eigenvalue on both their sides until the steps are as short as they are far from the axis.
"""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from xbarsim.errors import ConvergenceError
from xbarsim.loop.growth_bound import factored_sparse
from xbarsim.loop.loop_equations import Ints
from xbarsim.loop.loop_modes import Complex
from xbarsim.loop.loop_pencil import LoopPencil
from xbarsim.resources import check_running, one_blas_thread

_MOST_CHANGE = 1.2
"""The most that the logarithm of an eigenvalue may change by in one step."""

_DECADES, _ARC = 0.25, 6
"""The longest step along the axis, in powers of ten, and how many steps there are on an arc at least."""

_LEAST_STEP = 1e-10
"""The shortest step, of which a pole on the axis leaves none long enough."""

_MOST_POINTS = 1500
_WIDER, _BEYOND, _MOST_ARCS = 1e3, 1e3, 6
"""How far the arc lies above all rates times gains, how much farther the next, of which two have to agree."""

_TIED = 1e-9
"""Part of a group's siemens that leads out of it, below which it counts as tied by none."""

_NOT_WHOLE = 0.05
"""What a count of rounds may be off a whole number by."""


def growing_count(pencil: LoopPencil) -> int:
    """Return how many poles of a loop have a real part above 0.

    Raises
    ------
    SolveError
        The equations are singular.
    ConvergenceError
        A pole lies too close to the imaginary axis, or the arcs do not agree.
    """
    curve = _Curve(_bordered(pencil))
    low, wide = 0.0, _WIDER * _fastest(pencil) * float(pencil.steepness.max(initial=1.0))
    turned, rounds = 0.0, math.nan
    with one_blas_thread():
        for _ in range(_MOST_ARCS):
            turned += curve.turned_along(low, wide) if low else curve.turned_from_rest(wide)
            narrower, rounds = rounds, (curve.turned_on_arc(wide) - turned) / math.pi
            count = round(rounds)
            if max(abs(rounds - count), abs(narrower - count)) <= _NOT_WHOLE and count >= 0:
                return count
            low, wide = wide, _BEYOND * wide
    raise ConvergenceError(
        f"how many modes of the loop grow was not counted: {narrower:.3f} and {rounds:.3f} rounds",
        "look for capacitances, inductances or gains very many decades apart",
    )


def _fastest(pencil: LoopPencil) -> float:
    """Return the fastest rate of parts side by side: siemens over farads, of inductors with either, of amplifiers."""
    free = pencil.free
    farads, siemens = pencil.holding.diagonal(), np.abs(pencil.moving.diagonal())
    charged = farads[:free] > 0.0
    rates = [siemens[:free][charged] / farads[:free][charged], pencil.speeds[np.isfinite(pencil.speeds)]]
    law = sparse.coo_array(pencil.moving[free + pencil.speeds.size :, :free])
    henries = farads[free + pencil.speeds.size :][law.coords[0]]
    at = law.coords[1][henries > 0.0]
    henries = henries[henries > 0.0]
    with np.errstate(divide="ignore"):
        alone = np.where(siemens[at] > 0.0, 1.0 / (siemens[at] * henries), 0.0)
        rates.append(np.where(charged[at], 1.0 / np.sqrt(farads[at] * henries), alone))
    return float(np.concatenate(rates).max(initial=0.0)) or 1.0


@dataclass(frozen=True, eq=False)
class _Bordered:
    """``P(s) = s holding - moving``, the border's unknowns last.

    Attributes
    ----------
    holding, moving : sparse (size, size)
        E and A.
    inner : int
        How many unknowns are no border's.
    """

    holding: sparse.csc_array
    moving: sparse.csc_array
    inner: int


def _bordered(pencil: LoopPencil) -> _Bordered:
    """Set a loop's border apart."""
    gains, controls = pencil.gains, pencil.controls
    count, extra = pencil.size, gains.shape[1]
    passive = pencil.moving + gains @ controls
    moving = sparse.block_array([[passive, -gains], [controls, -sparse.eye_array(extra)]]).tocsc() if extra else passive
    holding = sparse.block_diag([pencil.holding, sparse.csc_array((extra, extra))]) if extra else pencil.holding
    free = pencil.free
    loose = _untied(-passive[:free, :free])
    border = np.concatenate([loose, np.arange(free, count + extra)])
    order = np.concatenate([np.setdiff1d(np.arange(free), loose), border])
    return _Bordered(
        sparse.csc_array(sparse.csr_array(holding)[order][:, order]),
        sparse.csc_array(sparse.csr_array(moving)[order][:, order]),
        free - loose.size,
    )


def _untied(siemens: sparse.csc_array) -> Ints:
    """Return a node of each group of nodes that resistors join but do not tie to what stands still or drives."""
    size = siemens.shape[0]
    count, group = connected_components(siemens, directed=False)
    out = np.zeros(count)
    np.add.at(out, group, np.asarray(siemens.sum(axis=1)).ravel())
    within = np.zeros(count)
    np.add.at(within, group, siemens.diagonal())
    first = np.unique(group, return_index=True)[1] if size else np.zeros(0, dtype=np.int64)
    loose: Ints = first[out <= _TIED * within]
    return loose


@dataclass(eq=False)
class _Curve:
    """Q along ways, each point computed once."""

    system: _Bordered
    points: dict[complex, Complex] = field(default_factory=dict)
    turns: dict[tuple[complex, complex], tuple[float, float]] = field(default_factory=dict)

    def at(self, s: complex) -> Complex:
        """Return Q(s)."""
        if s not in self.points:
            check_running()
            if len(self.points) == _MOST_POINTS:
                raise ConvergenceError(
                    f"how many modes of the loop grow was not counted: a pole is too close to {s.imag:.3g}j 1/s",
                    "change a feedback, so that it holds or runs away clearly",
                )
            inner = self.system.inner
            whole = sparse.csc_array(s * self.system.holding - self.system.moving)
            border = whole[inner:, inner:].toarray().astype(np.complex128)
            if inner:
                factors = factored_sparse(sparse.csc_array(whole[:inner, :inner].astype(np.complex128)))
                right = whole[:inner, inner:].toarray().astype(np.complex128)
                border -= np.asarray(whole[inner:, :inner] @ factors.solve(right))
            self.points[s] = border
        return self.points[s]

    def turn(self, a: complex, b: complex) -> tuple[float, float]:
        """Return by how many radians det Q turns from a to b, and the most that an eigenvalue changes by, its log."""
        if (a, b) not in self.turns:
            self.turns[a, b] = self._turn(self.at(a), self.at(b))
        return self.turns[a, b]

    @staticmethod
    def _turn(first: Complex, last: Complex) -> tuple[float, float]:
        if not first.size:
            return 0.0, 0.0
        rows = np.abs(first).max(axis=1, keepdims=True)
        rows[rows == 0.0] = 1.0
        columns = np.abs(first / rows).max(axis=0)
        columns[columns == 0.0] = 1.0
        try:
            ratios = np.linalg.eigvals(np.linalg.solve(first / rows / columns, last / rows / columns))
        except np.linalg.LinAlgError:
            return 0.0, math.inf
        with np.errstate(divide="ignore"):
            logs = np.log(ratios.astype(np.complex128))
        return float(logs.imag.sum()), float(np.abs(logs).max())

    def turned_from_rest(self, wide: float) -> float:
        """Return the turn from 0 to ``wide`` on the imaginary axis."""
        low = wide
        while self.turn(0j, 1j * low)[1] > _MOST_CHANGE / 4.0:
            low /= 10.0
            if low < 1e-30 * wide:
                raise ConvergenceError("a pole of the loop is at 0", "change a feedback, or tie all nodes")
        return self.turn(0j, 1j * low)[0] + (self.turned_along(low, wide) if low < wide else 0.0)

    def turned_along(self, low: float, high: float) -> float:
        """Return the turn from ``low`` to ``high`` on the imaginary axis."""
        ends = math.log10(low), math.log10(high)
        return self._turned(*ends, math.ceil((ends[1] - ends[0]) / _DECADES), lambda power: 1j * 10.0**power)

    def turned_on_arc(self, radius: float) -> float:
        """Return the turn from ``radius`` to the imaginary axis."""
        return self._turned(0.0, math.pi / 2.0, _ARC, lambda angle: radius * cmath.exp(1j * angle))

    def _turned(self, begin: float, end: float, steps: int, way: Callable[[float], complex]) -> float:
        """Return the turn along a way, in steps that are halved where an eigenvalue changes much or one beside is."""
        places = np.linspace(begin, end, steps + 1).tolist()
        while True:
            turns = [self.turn(way(a), way(b)) for a, b in itertools.pairwise(places)]
            sizes = np.diff(places)
            much = np.array([most > _MOST_CHANGE for _, most in turns])
            beside = np.minimum(np.append(sizes[1:], np.inf), np.append(np.inf, sizes[:-1]))
            halved = much | (sizes > 2.01 * beside)
            if not halved.any():
                return sum(turn for turn, _ in turns)
            least = float(sizes.min())
            if least < _LEAST_STEP:
                at = way(places[int(sizes.argmin())])
                raise ConvergenceError(
                    f"a pole of the loop is at {at.imag:.3g}j 1/s: it neither grows nor decays clearly",
                    "change a feedback, so that it holds or runs away",
                )
            middles = [(places[k] + places[k + 1]) / 2.0 for k in np.flatnonzero(halved).tolist()]
            places = sorted([*places, *middles])
