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

Long bit lines are ladders from both ends to where an upper and a lower part are joint, so that two threads can take a
part each: they meet when all currents have arrived there, and again when all voltages are known. One thread does the
same in turn. Sums are added up part by part, so that no number depends on how many threads there are.

Arrays of nodes lie as :mod:`tiles` says, (panels, n, 8), those of bit lines turned.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.kernels.meeting import meet
from xbarsim.kernels.native import njit
from xbarsim.kernels.sweeps import (
    advance,
    begin,
    climb,
    climb_with,
    conduct,
    fall,
    fall_with,
    inject,
    inject_with,
    inward,
    inward_with,
    join,
    outward,
    put,
    rise,
    shift,
    sink,
    tally,
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
        return float(outward(y, lw, kw, end, z))
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
def _outputs_settled(arrived: Array, beta: float, change: Array, total: Array, alpha: float, tolerance: float) -> bool:
    """Add a step's ``alpha * change`` to the outputs ``total``; whether all moved by less than a ``tolerance`` of it.

    The change is what ``arrived`` and ``beta`` times that of the step before. Outputs below 1e-8 of the largest may be
    true zeros (bipolar inputs) and are held to 1e-8 of it.
    """
    largest = 0.0
    for j in range(total.size):
        change[j] = arrived[j] + beta * change[j]
        total[j] += alpha * change[j]
        largest = max(largest, abs(total[j]))
    settled = True
    for j in range(total.size):
        settled &= abs(alpha * change[j]) <= tolerance * max(abs(total[j]), 1e-8 * largest)
    return settled


@njit(**_OPTIONS)
def _way(part: int, split: int, panels: int) -> tuple[int, int, int]:
    """Return the panel at which the way to where parts are joint begins, that where it ends, and the step."""
    return (0, split - 1, 1) if part == 0 else (panels - 1, split, -1)


@njit(**_OPTIONS)
def _collect(part: int, v: Array, g: Array, lb: Array, kb: Array, carry: Array, w: Array) -> float:
    """Take eight rows' currents ``g v`` on towards where parts are joint; return their power."""
    return float(fall(v, g, lb, kb, carry, w) if part == 0 else climb(v, g, lb, kb, carry, w))


@njit(**_OPTIONS)
def _hand_out(part: int, w: Array, lb: Array, volts: Array, u: Array) -> None:
    """Take voltages on over eight rows, from where parts are joint."""
    if part == 0:
        rise(w, lb, volts, u)
    else:
        sink(w, lb, volts, u)


@njit(**_OPTIONS)
def _total(sums: Array, coarse: Array, d: Array) -> float:
    """Add up what the parts' probes said: fill ``d``, and return the energy."""
    for k in range(d.size):
        d[k] = coarse[0, k] + coarse[1, k]
    return float(sums[0, 1] + sums[1, 1])


@njit(**_OPTIONS)
def _descend(
    factors: Array, kw: Array, kb: Array, split: int, joint: Array, ends: Array, directions: Array, w: Array,
    energy: float, d: Array, xs: Index, tx: Array, ty: Array, intervals: Index, band: Array, outputs: Array,
    tolerance: float, goal: float, limit: int, carries: Array, sums: Array, coarse: Array, gate: Index, first: int,
    last: int,
) -> tuple[float, int, float]:  # fmt: skip
    """Conjugate gradients from 0 for the residual r, whose ``energy`` and currents ``d`` on the coarse grid are known.

    Stop at energy ``goal``, and when no output moves by more than ``tolerance`` of itself; return (energy, iterations,
    strain). ``directions`` are ``r, x, z, p, q``.
    """
    g, lw, lb = factors[0], factors[1], factors[2]
    r, x, z, p, q = directions[0], directions[1], directions[2], directions[3], directions[4]
    panels, n, _ = g.shape
    ny = intervals[panels - 1] + 1
    y, new, end, rows = np.empty((n, 8)), np.empty((n, 8)), np.zeros(8), np.zeros((ny + 1, n))
    volts, middle, change = np.empty(n), np.zeros(n), np.zeros(n)
    alpha, beta, before, strain = 0.0, 0.0, 0.0, 1.0
    for step in range(limit):
        total = energy
        if xs.size > 0:
            total += _answer(band, d)
            _spread(d, xs, tx, ny, rows)
        for part in range(first, last):
            carry, power = carries[part], 0.0
            carry[:] = 0.0
            start, stop, stride = _way(part, split, panels)
            for b in range(start, stop + stride, stride):
                if xs.size > 0:
                    end[:] = 0.0
                    inward_with(r[b], g[b], rows[intervals[b]], rows[intervals[b] + 1], ty[b], lw[b], y, end)
                    end[:] = 0.0
                    power += outward(y, lw[b], kw[b], end, z[b])
                power -= _collect(part, z[b], g[b], lb[b], kb[b], carry, w[b])
            sums[part, 0] = power
        if not meet(gate, first):
            return energy, step, strain
        power = sums[0, 0] + sums[1, 0] - join(carries[0], carries[1], joint[0], middle)
        if xs.size == 0:
            power += energy
        if before > 0.0:
            beta = total / before
            power -= beta * total / alpha
        if not power > 0.0:
            return energy, step, strain  # the direction is as good as zero: rounding has exhausted it
        alpha, before = total / power, total
        strain = max(strain, alpha, total / energy)
        for part in range(last - 1, first - 1, -1):
            power, currents = 0.0, coarse[part]
            currents[:] = 0.0
            put(middle, volts)
            stop, start, stride = _way(part, split, panels)
            for b in range(start, stop - stride, -stride):
                _hand_out(part, w[b], lb[b], volts, new)
                above, below = rows[intervals[b]], rows[intervals[b] + 1]
                if step == 0:
                    begin(alpha, g[b], above, below, ty[b], new, z[b], q[b], p[b], x[b], r[b])
                else:
                    advance(alpha, beta, g[b], above, below, ty[b], new, z[b], q[b], p[b], x[b], r[b])
                power += _probe(r[b], g[b], lw[b], kw[b], z[b], y, xs, tx, ty[b], intervals[b], ny, currents)
            sums[part, 1] = power
            if part == 1:
                conduct(ends, volts, carries[2])
        if not meet(gate, first):
            return energy, step, strain
        energy = _total(sums, coarse, d)
        arrived = carries[0] if split == panels else carries[2]
        settled = _outputs_settled(arrived, beta, change, outputs, alpha, tolerance)
        if energy <= goal and settled:
            return energy, step + 1, strain
    return energy, limit, strain


@njit(**_OPTIONS)
def solve(
    factors: Array, kw: Array, kb: Array, split: int, joint: Array, ends: Array, work: Array, directions: Array,
    offsets: bool, near_w: Array, far_w: Array, near_b: Array, far_b: Array, xs: Index, tx: Array, ty: Array,
    intervals: Index, band: Array, tolerance: float, floor: float, limit: int, carries: Array, sums: Array,
    coarse: Array, gate: Index, first: int, last: int,
) -> tuple[int, int, float]:  # fmt: skip
    """Solve one boundary; fill ``v, u = work[:2]``; return (status, iterations, strain).

    A cell takes ``g (v - u) + leaving`` from its word node and brings ``g (v - u) + entering`` to its bit node, if
    there are ``offsets``. On entry u holds a guess, or zeros. The strain tells how many times rounding errors of the
    node voltages are magnified, about the largest eigenvalue of ``S^-1 Aw``.

    From u the word lines are solved, from them the bit lines anew; the residual is ``g`` times what u changes by.
    Conjugate gradients improve u, until the residual's energy ``r . Aw^-1 r`` has fallen by ``tolerance**2``, or to
    ``floor``, and no output moves any more. They never multiply by Aw: the preconditioner's answer z to r has the image
    ``S z = r + g (e - u)``, u the bit lines' answer to z. In the end both layers are computed anew, from positive
    quantities alone.

    Parameters
    ----------
    factors : (3, panels, n, 8)
        Cells, and the dividers l of word and bit lines.
    kw, kb : (panels, n, 8) each, or (panels, n) and (panels, 8)
        Their k; or the ohms of a column's word-line and a row's bit-line segments, if these are alike.
    split, joint : int, (3, n)
        Panels of the upper part, and what both are where they meet (:func:`tiles.factor_bits`).
    ends : (n,)
        Siemens of the bottom ends.
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
    carries, sums, coarse, gate : (7, n), (2, 2), (2, unknowns), (:,)
        What threads share; the lower part's are zeros where there is none. Nobody is met at an empty gate.
    first, last : int
        The parts that this thread takes: 0 and 1, or one of them while another thread takes the other.
    """
    g, lw, lb = factors[0], factors[1], factors[2]
    v, u, w = work[0], work[1], work[2]
    r, x, z = directions[0], directions[1], directions[2]
    panels, n, _ = g.shape
    ny = intervals[panels - 1] + 1
    y, new = np.empty((n, 8)), np.empty((n, 8))
    volts, middle, outputs, d = np.empty(n), np.empty(n), np.empty(n), np.zeros(band.shape[0])
    iterations, strain, goal, energy = 0, 1.0, 0.0, np.inf
    final = reached = False
    driven = split < panels and np.any(near_b != 0.0)
    for turn in range(_TURNS):
        for part in range(first, last):
            carry = carries[part]
            for j in range(n):
                carry[j] = far_b[j] if part == 0 else near_b[j] * ends[j]
            start, stop, stride = _way(part, split, panels)
            for b in range(start, stop + stride, stride):
                if offsets:
                    inject_with(g[b], u[b], work[3, b], new)
                else:
                    inject(g[b], u[b], new)
                end = far_w[8 * b : 8 * b + 8].copy()
                inward(new, lw[b], y, end)
                outward(y, lw[b], kw[b], near_w[8 * b : 8 * b + 8], v[b])
                if offsets and part == 0:
                    fall_with(v[b], g[b], lb[b], kb[b], carry, w[b], work[4, b])
                elif offsets:
                    climb_with(v[b], g[b], lb[b], kb[b], carry, w[b], work[4, b])
                else:
                    _collect(part, v[b], g[b], lb[b], kb[b], carry, w[b])
        if not meet(gate, first):
            return NOT_CONVERGED, iterations, strain
        if split == panels:
            put(carries[0], outputs)
            put(near_b, middle)
        else:
            join(carries[0], carries[1], joint[0], middle)
        for part in range(last - 1, first - 1, -1):
            power, currents, passing = 0.0, coarse[part], carries[3 + part]
            currents[:] = 0.0
            passing[:] = 0.0
            put(middle, volts)
            stop, start, stride = _way(part, split, panels)
            for b in range(start, stop - stride, -stride):
                _hand_out(part, w[b], lb[b], volts, u[b] if final else new)
                if final:
                    continue
                unbalance(g[b], u[b], new, r[b])
                power += _probe(r[b], g[b], lw[b], kw[b], z[b], y, xs, tx, ty[b], intervals[b], ny, currents)
                if driven:
                    tally(g[b], v[b], u[b], passing)
            sums[part, 1] = power
            if part == 1:
                conduct(ends, volts, carries[2])
        if not meet(gate, first):
            return NOT_CONVERGED, iterations, strain
        if final:
            energy = 0.0
            break
        energy = _total(sums, coarse, d)
        if split < panels:
            for j in range(n):
                # Of a source's own current and what the cells add to it a strong end's voltage has the sum alone.
                outputs[j] = carries[2, j] if near_b[j] == 0.0 else carries[3, j] + carries[4, j]
        if turn == 0:
            goal = max(tolerance * tolerance * energy, floor)
        if energy <= goal or iterations >= limit:
            break
        energy, steps, strained = _descend(
            factors, kw, kb, split, joint, ends, directions, w, energy, d, xs, tx, ty, intervals, band, outputs,
            tolerance, goal, limit - iterations, carries, sums, coarse, gate, first, last,
        )  # fmt: skip
        iterations += steps
        strain = max(strain, strained)
        if energy <= goal and not reached:
            final, reached = iterations <= _EASY, True
            goal *= 1e-2
        changes = carries[5:7]  # the partner may still be at what arrived last
        for part in range(first, last):
            changes[part] = 0.0
            start, stop, stride = _way(part, split, panels)
            for b in range(start, stop + stride, stride):
                _collect(part, x[b], g[b], lb[b], kb[b], changes[part], w[b])
        if not meet(gate, first):
            return NOT_CONVERGED, iterations, strain
        join(changes[0], changes[1], joint[0], middle)
        for part in range(last - 1, first - 1, -1):
            put(middle, volts)
            stop, start, stride = _way(part, split, panels)
            for b in range(start, stop - stride, -stride):
                _hand_out(part, w[b], lb[b], volts, new)
                shift(new, u[b])
    return (CONVERGED if iterations < limit or energy <= goal else NOT_CONVERGED), iterations, strain
