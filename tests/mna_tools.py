"""Networks for tests of the general solver."""

import numpy as np
from mpmath import mp, mpf

from xbarsim.mna import CCCS, CCVS, VCCS, VCVS, Branches, Drive, Gains, Network

EXACT = 1e-14
"""Hand-computed circuits of a few ohms: some roundings."""

CLOSE = 1e-11
"""Ohms beside megohms, two solvers that share no code."""


def drive(volts, amperes):
    """Return what takes all sources through the rows of two tables (points, sources)."""
    return Drive(len(volts), dict(enumerate(volts.T)), dict(enumerate(amperes.T)))


def branches(*elements):
    """Elements (a, b, value)."""
    if not elements:
        return Branches()
    a, b, value = zip(*elements, strict=True)
    return Branches(np.array(a), np.array(b), np.array(value, dtype=float))


def controlled(*elements):
    """Elements (a, b, gain, c, d)."""
    if not elements:
        return Gains()
    a, b, gain, c, d = zip(*elements, strict=True)
    return Gains(np.array(a), np.array(b), np.array(gain, dtype=float), np.array(c), np.array(d))


def network(nodes, r=(), v=(), i=(), e=(), g=(), f=(), h=()):
    groups = {VCCS: controlled(*g), CCCS: controlled(*f), VCVS: controlled(*e), CCVS: controlled(*h)}
    return Network(nodes, branches(*r), branches(*v), branches(*i), groups)


def random_network(rng, *, gains=True):
    """A connected network with some of every element: gains small enough that it has one solution."""
    nodes = int(rng.integers(4, 30))
    r = [(k, int(rng.integers(0, k)), 10 ** rng.uniform(0, 5)) for k in range(1, nodes)]
    r += [(*map(int, rng.choice(nodes, 2, replace=False)), 10 ** rng.uniform(0, 5)) for _ in range(2 * nodes)]
    # Each source has a node of its own to drive, so none closes a loop.
    first = nodes
    v, e, h = [], [], []
    for kind in [v] * 3 + ([e] * 2 + [h] * 2 if gains else []):
        other = int(rng.integers(0, nodes))
        r.append((nodes, int(rng.integers(0, first)), 10 ** rng.uniform(0, 3)))
        kind.append((nodes, other, rng.normal()) if rng.random() < 0.5 else (other, nodes, rng.normal()))
        nodes += 1

    def pair():
        return tuple(map(int, rng.choice(nodes, 2, replace=False)))

    i = [(*pair(), rng.normal() * 1e-3) for _ in range(3)]
    if not gains:
        return network(nodes, r, v, i)
    e = [(*one[:2], 0.3 * one[2], *pair()) for one in e]
    h = [(*one[:2], 3 * one[2], int(rng.integers(0, 7)), 0) for one in h]
    g = [(*pair(), rng.normal() * 1e-6, *pair()) for _ in range(2)]
    f = [(*pair(), 0.2 * rng.normal(), int(rng.integers(0, 7)), 0) for _ in range(2)]
    return network(nodes, r, v, i, e, g, f, h)


def exact(circuit, digits=60):
    """Kirchhoff's laws as a dense table in many digits, by no code of the solver: node voltages, then currents."""
    with mp.workdps(digits):
        return np.array([float(value) for value in _exact(circuit)])


def _exact(circuit):
    fixed = [circuit.voltages, circuit.controlled[VCVS], circuit.controlled[CCVS]]
    n, count = circuit.nodes, sum(part.a.size for part in fixed)
    A, z = mp.zeros(n + count), mp.zeros(n + count, 1)
    volts, amperes = circuit.voltages.value, circuit.currents.value
    A[0, 0] = mpf(1)  # ground is 0 V

    def rows(part):
        return zip(*(column.tolist() for column in vars(part).values()), strict=True)

    def leaves(node, column, value):
        if node:
            A[node, column] += mpf(value)

    for a, b, ohms in rows(circuit.resistors):
        for p, q in ((a, b), (b, a)):
            leaves(p, p, 1 / mpf(ohms))
            leaves(p, q, -1 / mpf(ohms))
    for a, b, gain, c, d in rows(circuit.controlled[VCCS]):
        for node, sign in ((a, gain), (b, -gain)):
            leaves(node, c, sign)
            leaves(node, d, -sign)
    for a, b, gain, c, _ in rows(circuit.controlled[CCCS]):
        leaves(a, n + c, gain)
        leaves(b, n + c, -gain)
    for k in range(circuit.currents.a.size):
        a, b = int(circuit.currents.a[k]), int(circuit.currents.b[k])
        z[a] -= mpf(amperes[k] if a else 0)
        z[b] += mpf(amperes[k] if b else 0)
    row = n
    for part in fixed:
        for k in range(part.a.size):
            leaves(int(part.a[k]), row, 1)
            leaves(int(part.b[k]), row, -1)
            A[row, int(part.a[k])] += 1
            A[row, int(part.b[k])] -= 1
            if part is circuit.voltages:
                z[row] = mpf(volts[k])
            elif part is circuit.controlled[VCVS]:
                A[row, int(part.c[k])] -= mpf(part.value[k])
                A[row, int(part.d[k])] += mpf(part.value[k])
            else:
                A[row, n + int(part.c[k])] -= mpf(part.value[k])
            row += 1
    return mp.lu_solve(A, z)
