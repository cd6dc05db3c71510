"""Passes over the tiles of a crossbar: what :mod:`schur` consists of, eight word or bit lines at a time.

Arguments are one panel's part of an array, (n, 8), of doubles; lines are ladders, as there.
"""

from __future__ import annotations

from typing import Any

from xbarsim.kernels.lane_loops import lane_loops


def _impedance(k: Any, index: Any, line: Any, divider: Any) -> Any:
    """``k`` of a node: told for each, or r l, where segment ``line`` of all lines has r ohms."""
    return k[index] if k.dimensions > 1 else k.number(line) * divider


@lane_loops()
def inward(code: Any, s: Any, lw: Any, y: Any, end: Any) -> None:
    """Norton currents y of eight word lines for currents s; ``end`` holds what enters, then what leaves."""
    norton, divider = code.variable(end[0]), code.variable(code.constant(1.0))
    for j in code.downwards(code.count(s)):
        norton.value = divider.value * norton.value + s[j]
        divider.value = lw[j]
        y[j] = norton.value
    end[0] = divider.value * norton.value


@lane_loops()
def inward_with(code: Any, r: Any, g: Any, above: Any, below: Any, ty: Any, lw: Any, y: Any, end: Any) -> None:
    """As ``inward``, for currents ``r + g e``; the voltages e lie between ``above`` and ``below`` in parts ``ty``."""
    part, norton, divider = ty[0], code.variable(end[0]), code.variable(code.constant(1.0))
    for j in code.downwards(code.count(r)):
        e = part * (below.number(j) - above.number(j)) + above.number(j)
        norton.value = divider.value * norton.value + (g[j] * e + r[j])
        divider.value = lw[j]
        y[j] = norton.value
    end[0] = divider.value * norton.value


@lane_loops(float)
def outward(code: Any, y: Any, lw: Any, kw: Any, near: Any, v: Any) -> Any:
    """Voltages v of eight word lines for Norton currents y; return ``sum k y^2``."""
    volts, power = code.variable(near[0]), code.variable()
    for j in code.upwards(0, code.count(y)):
        rise = _impedance(kw, j, j, lw[j]) * y[j]
        power.value = rise * y[j] + power.value
        volts.value = lw[j] * volts.value + rise
        v[j] = volts.value
    return code.total(power)


@lane_loops(float)
def weigh(code: Any, y: Any, lw: Any, kw: Any, g: Any, tx: Any, first: Any, last: Any, volts: Any, sums: Any) -> Any:
    """As ``outward`` from node first to below last; of v only ``sum g v`` and ``sum tx g v`` are kept, in ``sums``."""
    v, power = code.variable(volts[0]), code.variable()
    whole, rising = code.variable(), code.variable()
    for j in code.upwards(first, last):
        rise = _impedance(kw, j, j, lw[j]) * y[j]
        power.value = rise * y[j] + power.value
        v.value = lw[j] * v.value + rise
        current = g[j] * v.value
        whole.value = whole.value + current
        rising.value = tx.number(j) * current + rising.value
    volts[0], sums[0], sums[1] = v.value, whole.value, rising.value
    return code.total(power)


def _joined(
    code: Any, up: bool, v: Any, g: Any, lb: Any, kb: Any, carry: Any, w: Any, offset: Any = None
) -> Any:  # fmt: skip
    power = code.variable()
    for tile in code.upwards(0, code.count(carry)):
        nodes = code.tile(tile)
        arriving, energy = carry[tile], power.value
        currents = code.turned([g[node] * v[node] for node in nodes])
        rows = list(enumerate(zip(nodes, currents, strict=True)))
        for row, (node, current) in reversed(rows) if up else rows:
            y = arriving + (current if offset is None else current + offset[node])
            rise = _impedance(kb, node, row, lb[node]) * y
            w[node] = rise
            energy = rise * y + energy
            arriving = lb[node] * y
        carry[tile] = arriving
        power.value = energy
    return code.total(power)


@lane_loops(float)
def fall(code: Any, v: Any, g: Any, lb: Any, kb: Any, carry: Any, w: Any) -> Any:
    """Follow the bit lines down eight rows, for currents ``g v``; fill ``w = k y`` and return ``sum k y^2``.

    ``carry`` (n,) holds what enters from above, then what leaves below.
    """
    return _joined(code, False, v, g, lb, kb, carry, w)


@lane_loops(float)
def fall_with(code: Any, v: Any, g: Any, lb: Any, kb: Any, carry: Any, w: Any, offset: Any) -> Any:
    """As ``fall``, for currents ``g v + offset``."""
    return _joined(code, False, v, g, lb, kb, carry, w, offset)


@lane_loops(float)
def climb(code: Any, v: Any, g: Any, lb: Any, kb: Any, carry: Any, w: Any) -> Any:
    """As ``fall``, up the rows."""
    return _joined(code, True, v, g, lb, kb, carry, w)


@lane_loops(float)
def climb_with(code: Any, v: Any, g: Any, lb: Any, kb: Any, carry: Any, w: Any, offset: Any) -> Any:
    """As ``climb``, for currents ``g v + offset``."""
    return _joined(code, True, v, g, lb, kb, carry, w, offset)


def _followed(code: Any, up: bool, w: Any, lb: Any, carry: Any, u: Any) -> None:
    for tile in code.upwards(0, code.count(carry)):
        nodes = code.tile(tile)
        volts, rows = carry[tile], []
        for node in reversed(nodes) if up else nodes:
            volts = lb[node] * volts + w[node]
            rows.append(volts)
        carry[tile] = volts
        for node, column in zip(nodes, code.turned(rows[::-1] if up else rows), strict=True):
            u[node] = column


@lane_loops()
def rise(code: Any, w: Any, lb: Any, carry: Any, u: Any) -> None:
    """Voltages u of the bit lines up eight rows; ``carry`` (n,) holds those below, then those of the top row."""
    _followed(code, True, w, lb, carry, u)


@lane_loops()
def sink(code: Any, w: Any, lb: Any, carry: Any, u: Any) -> None:
    """As ``rise``, down the rows."""
    _followed(code, False, w, lb, carry, u)


@lane_loops()
def tally(code: Any, g: Any, v: Any, u: Any, total: Any) -> None:
    """Add the currents ``g (v - u)`` of eight rows to the columns' ``total`` (n,)."""
    for tile in code.upwards(0, code.count(total)):
        amperes = total[tile]
        for current in code.turned([g[node] * (v[node] - u[node]) for node in code.tile(tile)]):
            amperes = amperes + current
        total[tile] = amperes


def _advanced(
    code: Any, alpha: Any, beta: Any, g: Any, above: Any, below: Any, ty: Any, u: Any, z: Any, q: Any, p: Any, x: Any,
    r: Any,
) -> None:  # fmt: skip
    part = ty[0]
    for j in code.upwards(0, code.count(g)):
        e = part * (below.number(j) - above.number(j)) + above.number(j)
        image, direction = g[j] * (e - u[j]) + r[j], z[j]
        if beta is not None:
            image, direction = image + beta * q[j], direction + beta * p[j]
        q[j] = image
        p[j] = direction
        x[j] = alpha * direction if beta is None else alpha * direction + x[j]
        r[j] = r[j] - alpha * image


@lane_loops()
def begin(
    code: Any, alpha: Any, g: Any, above: Any, below: Any, ty: Any, u: Any, z: Any, q: Any, p: Any, x: Any, r: Any
) -> None:
    """As ``advance``, for the first direction, from 0."""
    _advanced(code, alpha, None, g, above, below, ty, u, z, q, p, x, r)


@lane_loops()
def advance(
    code: Any, alpha: Any, beta: Any, g: Any, above: Any, below: Any, ty: Any, u: Any, z: Any, q: Any, p: Any, x: Any,
    r: Any,
) -> None:  # fmt: skip
    """Take a step of ``alpha`` in the direction ``p = z + beta p``, whose image is ``q = S z + beta q``.

    Here ``S z = r + g (e - u)``, u being the bit lines' answer to z and e the coarse one that z came from.
    """
    _advanced(code, alpha, beta, g, above, below, ty, u, z, q, p, x, r)


@lane_loops()
def inject(code: Any, g: Any, u: Any, s: Any) -> None:
    """``s = g u``."""
    for j in code.upwards(0, code.count(g)):
        s[j] = g[j] * u[j]


@lane_loops()
def inject_with(code: Any, g: Any, u: Any, leaving: Any, s: Any) -> None:
    """``s = g u - leaving``."""
    for j in code.upwards(0, code.count(g)):
        s[j] = g[j] * u[j] - leaving[j]


@lane_loops()
def unbalance(code: Any, g: Any, u: Any, new: Any, r: Any) -> None:
    """``r = g (new - u)``; u becomes new."""
    for j in code.upwards(0, code.count(g)):
        volts = new[j]
        r[j] = g[j] * (volts - u[j])
        u[j] = volts


@lane_loops()
def shift(code: Any, change: Any, u: Any) -> None:
    """``u += change``."""
    for j in code.upwards(0, code.count(u)):
        u[j] = change[j] + u[j]


@lane_loops()
def put(code: Any, source: Any, target: Any) -> None:
    """Copy an array."""
    for j in code.upwards(0, code.count(source)):
        target[j] = source[j]


@lane_loops(float)
def join(code: Any, upper: Any, lower: Any, ohms: Any, volts: Any) -> Any:
    """Voltages where parts of bit lines of ``ohms`` meet, for the currents from both; return their power."""
    power = code.variable()
    for j in code.upwards(0, code.count(volts)):
        current = upper[j] + lower[j]
        rise = ohms[j] * current
        power.value = rise * current + power.value
        volts[j] = rise
    return code.total(power)


@lane_loops()
def conduct(code: Any, siemens: Any, volts: Any, amperes: Any) -> None:
    """``amperes = siemens volts``."""
    for j in code.upwards(0, code.count(volts)):
        amperes[j] = siemens[j] * volts[j]
