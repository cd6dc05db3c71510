"""Node voltages of a crossbar by conjugate gradients on the word layer, lines and smooth voltages solved exactly.

With v the word-line and u the bit-line node voltages, Kirchhoff's current law is ``[Aw -G; -G Ab][v; u] = [sw; sb]``.
Aw and Ab are sets of independent lines (tridiagonal), so eliminating u leaves ``S v = sw + G Ab^-1 sb`` with
``S = Aw - G Ab^-1 G``. Its inverse is ``Aw^-1 + Aw^-1 G Sb^-1 G Aw^-1``, where Sb is the same for the bit layer. The
preconditioner takes Sb^-1 among smooth voltages alone (:mod:`coarse`): the word lines are solved for the residual r,
the coarse grid answers with bit-node voltages e, and the word lines are solved for ``r + G e``. Arrays without a
coarse grid are preconditioned with ``Aw^-1``.

Lines are ladders, with dividers l and k (:mod:`tiles`) for each node: injected currents s run towards the near end
(word lines: left; bit lines: bottom), ``y <- s + l' y'``, and voltages come back, ``v <- l v' + k y``; ``s . v`` is
the sum of ``k y^2``. For positive data every operation is a sum or product of positive numbers, so results keep their
relative accuracy component by component, from wires of 1e-12 ohm to broken ones.

Arrays of nodes lie as :mod:`tiles` says, (panels, n, 8), those of bit lines turned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.native import njit
from xbarsim.kernels.sweeps import (
    advance,
    begin,
    fall,
    fall_with,
    inject,
    inject_with,
    inward,
    inward_with,
    outward,
    rise,
    shift,
    unbalance,
    weigh,
)

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_TURNS = 6
_EASY = 20  # after so few steps the recursive residual is the true one to the last digit

CONVERGED = 0
NOT_CONVERGED = 1

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": {"contract", "nsz"}}


@njit(cache=True, nogil=True, fastmath={"contract", "nsz", "reassoc"})
def _dot(a: Array, b: Array) -> float:
    """Return ``a . b``; only here may the compiler reorder a sum, to keep several in flight."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@njit(**_OPTIONS)
def _node(y: int, x: int, ny: int, nx: int) -> int:
    """Return the number of a coarse node, as :mod:`coarse` counts."""
    return x * (ny + 1) + y if ny < nx else y * (nx + 1) + x


@njit(**_OPTIONS)
def _answer(band: Array, d: Array) -> float:
    """Solve the coarse equations for currents d, in place; return their power."""
    count, width = band.shape
    reach = width - 1
    power = 0.0
    for k in range(count):
        most = min(reach, k)
        d[k] = (d[k] - _dot(band[k, reach - most : reach], d[k - most : k])) * band[k, reach]
        power += d[k] * d[k]
    for k in range(count - 1, -1, -1):
        d[k] *= band[k, reach]
        most = min(reach, k)
        row, into, volts = band[k, reach - most : reach], d[k - most : k], d[k]
        for i in range(most):
            into[i] -= row[i] * volts
    return power


@njit(**_OPTIONS)
def _spread(d: Array, xs: Index, tx: Array, ny: int, rows: Array) -> None:
    """Fill ``rows`` (ny + 1, n) with the bit nodes' voltages along each coarse line."""
    nx = xs.size - 1
    for y in range(ny + 1):
        for x in range(nx):
            near, far = d[2 * _node(y, x, ny, nx) + 1], d[2 * _node(y, x + 1, ny, nx) + 1]
            last = tx.size if x == nx - 1 else xs[x + 1]
            for j in range(xs[x], last):
                rows[y, j] = near + tx[j] * (far - near)


@njit(**_OPTIONS)
def _probe(
    r: Array, g: Array, lw: Array, kw: Array, z: Array, y: Array, xs: Index, tx: Array, ty: Array, at: int, ny: int,
    d: Array,
) -> float:  # fmt: skip
    """Solve eight word lines for currents r; return the power, and add what cells then send into bit lines to ``d``.

    ``at`` is the coarse interval the lines lie in. Without a coarse grid their voltages are kept, in z.
    """
    end = np.zeros(8)
    inward(r, lw, y, end)
    end[:] = 0.0
    nx = xs.size - 1
    if nx < 1:
        power: float = outward(y, lw, kw, end, z)
        return power
    sums = np.empty((2, 8))
    power = 0.0
    for x in range(nx):
        last = tx.size if x == nx - 1 else xs[x + 1]
        power += weigh(y, lw, kw, g, tx, xs[x], last, end, sums)
        for side in range(2):
            upper = lower = 0.0
            for a in range(8):
                current = sums[1, a] if side else sums[0, a] - sums[1, a]
                upper += (1.0 - ty[a]) * current
                lower += ty[a] * current
            d[2 * _node(at, x + side, ny, nx) + 1] += upper
            d[2 * _node(at + 1, x + side, ny, nx) + 1] += lower
    return power


@njit(**_OPTIONS)
def _put(source: Array, target: Array) -> None:
    """Copy numbers; to assign an array to a slice may raise errors of shapes, which need numba where code is loaded."""
    for k in range(target.size):
        target[k] = source[k]


@njit(**_OPTIONS)
def _outputs_settled(change: Array, total: Array, alpha: float, tolerance: float) -> bool:
    """Add ``alpha * change`` to the outputs ``total``; whether each moved by less than ``tolerance`` of itself.

    Outputs below 1e-8 of the largest may be true zeros (bipolar inputs) and are held to 1e-8 of it.
    """
    largest = 0.0
    for j in range(total.size):
        total[j] += alpha * change[j]
        largest = max(largest, abs(total[j]))
    settled = True
    for j in range(total.size):
        if abs(alpha * change[j]) > tolerance * max(abs(total[j]), 1e-8 * largest):
            settled = False
    return settled


@njit(**_OPTIONS)
def _descend(
    factors: Array, kw: Array, kb: Array, directions: Array, w: Array, energy: float, d: Array, xs: Index, tx: Array,
    ty: Array, intervals: Index, band: Array, outputs: Array, tolerance: float, goal: float, limit: int,
) -> tuple[float, int, float]:  # fmt: skip
    """Conjugate gradients from 0 for the residual r, whose ``energy`` and currents ``d`` on the coarse grid are known.

    Stop at energy ``goal``, and when no output moves by more than ``tolerance`` of itself; return (energy, iterations,
    strain). ``directions`` are ``r, x, z, p, q``.
    """
    g, lw, lb = factors[0], factors[1], factors[2]
    r, x, z, p, q = directions[0], directions[1], directions[2], directions[3], directions[4]
    panels, n, _ = g.shape
    ny = intervals[panels - 1] + 1
    y, new, end = np.empty((n, 8)), np.empty((n, 8)), np.zeros(8)
    carry, change = np.empty(n), np.zeros(n)
    rows = np.zeros((ny + 1, n))
    alpha = beta = before = 0.0
    strain = 1.0
    for step in range(limit):
        total = energy
        if xs.size > 0:
            total += _answer(band, d)
            _spread(d, xs, tx, ny, rows)
        carry[:] = 0.0
        power = 0.0 if xs.size > 0 else energy
        for b in range(panels):
            if xs.size > 0:
                end[:] = 0.0
                inward_with(r[b], g[b], rows[intervals[b]], rows[intervals[b] + 1], ty[b], lw[b], y, end)
                end[:] = 0.0
                power += outward(y, lw[b], kw[b], end, z[b])
            power -= fall(z[b], g[b], lb[b], kb[b], carry, w[b])
        if before > 0.0:
            beta = total / before
            power -= beta * total / alpha
        if not power > 0.0:
            return energy, step, strain  # the direction is as good as zero: rounding has exhausted it
        alpha = total / power
        before = total
        strain = max(strain, alpha, total / energy)
        for j in range(n):
            change[j] = carry[j] + beta * change[j]
        settled = _outputs_settled(change, outputs, alpha, tolerance)
        carry[:] = 0.0
        d[:] = 0.0
        energy = 0.0
        for b in range(panels - 1, -1, -1):
            rise(w[b], lb[b], carry, new)
            above, below = rows[intervals[b]], rows[intervals[b] + 1]
            if step == 0:
                begin(alpha, g[b], above, below, ty[b], new, z[b], q[b], p[b], x[b], r[b])
            else:
                advance(alpha, beta, g[b], above, below, ty[b], new, z[b], q[b], p[b], x[b], r[b])
            energy += _probe(r[b], g[b], lw[b], kw[b], z[b], y, xs, tx, ty[b], intervals[b], ny, d)
        if energy <= goal and settled:
            return energy, step + 1, strain
    return energy, limit, strain


@njit(**_OPTIONS)
def solve(
    factors: Array, kw: Array, kb: Array, work: Array, directions: Array, offsets: bool, near_w: Array,
    far_w: Array, near_b: Array, far_b: Array, xs: Index, tx: Array, ty: Array, intervals: Index, band: Array,
    tolerance: float, floor: float, limit: int,
) -> tuple[int, int, float]:  # fmt: skip
    """Solve one boundary; fill ``v, u = work[:2]``; return (status, iterations, strain).

    A cell takes ``g (v - u) + leaving`` from its word node and brings ``g (v - u) + entering`` to its bit node, if
    there are ``offsets``. On entry u holds a guess, or zeros. The strain tells how many times rounding errors of the
    node voltages are magnified, about the largest eigenvalue of ``S^-1 Aw``.

    From u the word lines are solved, from them the bit lines anew; the residual is ``g`` times what u changes by.
    Conjugate gradients improve u, until the residual's energy ``r . Aw^-1 r`` has fallen by ``tolerance**2``, or to
    ``floor``, and no output moves any more. They never multiply by Aw: the preconditioner's answer z to r has the image
    ``S z = r + g (e - u)``, with u the bit lines' answer to z. In the end both layers are
    computed anew, from positive quantities alone.

    Parameters
    ----------
    factors : (3, panels, n, 8)
        Cells, and the dividers l of word and bit lines.
    kw, kb : (panels, n, 8) each, or (panels, n) and (panels, 8)
        Their k; or the ohms of a column's word-line and a row's bit-line segments, if these are alike.
    work : (3 or 5, panels, n, 8)
        ``v, u``, work space, and ``leaving, entering`` if there are offsets.
    directions : (5, panels, n, 8)
        Work space of conjugate gradients.
    near_w, far_w : (8 panels,)
        Left source voltages, and Norton currents of the right ends.
    near_b, far_b : (n,)
        Bottom source voltages, and Norton currents of the top ends.
    xs, tx, ty, intervals, band
        A coarse grid (:class:`coarse.Grid`); ``xs`` is empty if there is none.
    """
    g, lw, lb = factors[0], factors[1], factors[2]
    v, u, w = work[0], work[1], work[2]
    r, x = directions[0], directions[1]
    panels, n, _ = g.shape
    ny = intervals[panels - 1] + 1
    y, new = np.empty((n, 8)), np.empty((n, 8))
    carry, outputs = np.empty(n), np.empty(n)
    d = np.zeros(band.shape[0])
    iterations, strain, goal = 0, 1.0, 0.0
    last = reached = False
    energy = np.inf
    for turn in range(_TURNS):
        _put(far_b, carry)
        for b in range(panels):
            if offsets:
                inject_with(g[b], u[b], work[3, b], new)
            else:
                inject(g[b], u[b], new)
            end = far_w[8 * b : 8 * b + 8].copy()
            inward(new, lw[b], y, end)
            outward(y, lw[b], kw[b], near_w[8 * b : 8 * b + 8], v[b])
            if offsets:
                fall_with(v[b], g[b], lb[b], kb[b], carry, w[b], work[4, b])
            else:
                fall(v[b], g[b], lb[b], kb[b], carry, w[b])
        _put(carry, outputs)
        _put(near_b, carry)
        energy = 0.0
        d[:] = 0.0
        for b in range(panels - 1, -1, -1):
            if last:
                rise(w[b], lb[b], carry, u[b])
            else:
                rise(w[b], lb[b], carry, new)
                unbalance(g[b], u[b], new, r[b])
                energy += _probe(r[b], g[b], lw[b], kw[b], directions[2, b], y, xs, tx, ty[b], intervals[b], ny, d)
        if turn == 0:
            goal = max(tolerance * tolerance * energy, floor)
        if last or energy <= goal or iterations >= limit:
            break
        energy, steps, strained = _descend(
            factors, kw, kb, directions, w, energy, d, xs, tx, ty, intervals, band, outputs, tolerance, goal,
            limit - iterations,
        )  # fmt: skip
        iterations += steps
        strain = max(strain, strained)
        if energy <= goal and not reached:
            last, reached = iterations <= _EASY, True
            goal *= 1e-2
        carry[:] = 0.0
        for b in range(panels):
            fall(x[b], g[b], lb[b], kb[b], carry, w[b])
        carry[:] = 0.0
        for b in range(panels - 1, -1, -1):
            rise(w[b], lb[b], carry, new)
            shift(new, u[b])
    return (CONVERGED if iterations < limit or energy <= goal else NOT_CONVERGED), iterations, strain
