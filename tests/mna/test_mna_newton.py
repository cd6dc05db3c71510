"""Nonlinear elements on the linear part: what a solver by Newton's method gets from System."""

from itertools import pairwise

import numpy as np
from mna_tools import network
from mpmath import mp, mpf

from xbarsim.mna import Branches, Residual, Stamps, System

IS, VT, GMIN = 1e-14, 0.025, 1e-12


def diode(volts):
    """Return a diode's current and slope."""
    return IS * np.expm1(volts / VT) + GMIN * volts, IS / VT * np.exp(volts / VT) + GMIN


def newton(circuit, anodes, cathodes, products=()):
    """Solve with diodes, and with ``products``: laws of voltage sources k that give v(p) v(q)."""
    n = circuit.nodes
    ties = Branches(anodes, cathodes, np.full(anodes.size, GMIN))
    system = System(circuit, ties)
    law = np.array([n + k for k, _, _ in products], dtype=np.int64)
    p, q = (np.array([one[k] for one in products], dtype=np.int64) for k in (1, 2))
    jacobian = system.jacobian(Stamps.of((anodes, cathodes, anodes, cathodes), (law, 0, p, 0), (law, 0, q, 0)))
    flows = system.flows(np.concatenate([anodes, law]), np.concatenate([cathodes, np.zeros_like(law)]))
    right = system.right(circuit.voltages.value[:, None], circuit.currents.value[:, None])
    x, across = np.zeros((system.size, 1)), np.zeros(anodes.size)
    for _ in range(200):
        v = system.unknowns.voltages(x)[:, 0]
        wanted = v[anodes] - v[cathodes]
        # Up a diode's slope by a few VT at a time.
        across = np.where(wanted > np.maximum(across, 20 * VT) + VT, np.maximum(across, 20 * VT) + VT, wanted)
        current, slope = diode(across)
        current = current + slope * (wanted - across)
        amounts = np.concatenate([current, -v[p] * v[q]])[:, None]
        gap = system.gap(x, right) - flows.sums(amounts)
        step = jacobian.factored(np.concatenate([slope, -v[q], -v[p]])).solve(gap)
        x = x + step
        if np.abs(step).max() <= 1e-15 * np.abs(x).max() and np.array_equal(across, wanted):
            break
    v = system.unknowns.voltages(x)[:, 0]
    amounts = np.concatenate([diode(v[anodes] - v[cathodes])[0], -v[p] * v[q]])[:, None]
    return system, x, Residual(system).ratios(x, right, flows, amounts).max()


def test_a_diode_and_a_product():
    """5 V through 1 kohm, a diode and 2.2 kohm, and a source of the product of two of its voltages."""
    circuit = network(5, [(1, 2, 1e3), (3, 0, 2.2e3), (4, 0, 1e3)], [(1, 0, 5), (4, 0, 0)])
    system, x, residual = newton(circuit, np.array([2]), np.array([3]), [(1, 2, 3)])
    with mp.workdps(40):
        # What the diode carries at u volts, less what 3.2 kohm leave of 5 V.
        u = mp.findroot(
            lambda u: mpf(IS) * mp.expm1(u / mpf(VT)) + mpf(GMIN) * u - (5 - u) / 3200, (0, 1), solver="anderson"
        )
        amperes = (5 - u) / 3200
        known = [0, 5, float(5 - 1000 * amperes), float(2200 * amperes)]
        known.append(float((5 - 1000 * amperes) * 2200 * amperes))
    assert residual <= 1e-12
    np.testing.assert_allclose(system.unknowns.voltages(x)[:, 0], known, rtol=1e-12)
    np.testing.assert_allclose(system.unknowns.currents(x)[:, 0], [-float(amperes), -known[4] / 1e3], rtol=1e-12)


def test_an_island_behind_diodes():
    """A bridge rectifier's load is tied to ground by its diodes alone."""
    circuit = network(5, [(3, 4, 1e3)], [(1, 2, 3), (2, 0, 0.5)])
    anodes, cathodes = np.array([1, 2, 4, 4]), np.array([3, 3, 1, 2])
    system, x, residual = newton(circuit, anodes, cathodes)
    v = system.unknowns.voltages(x)[:, 0]
    flowing = diode(v[anodes] - v[cathodes])[0]
    assert residual <= 1e-12
    np.testing.assert_allclose((v[3] - v[4]) / 1e3, flowing[:2].sum(), rtol=1e-10)
    np.testing.assert_allclose(flowing[:2].sum(), flowing[2:].sum(), rtol=1e-10)
    np.testing.assert_allclose(v[1] - v[3], v[4] - v[2], rtol=1e-10)


def test_a_jacobian_is_the_sum():
    """Stamps beside, on top of and between the linear ones; and again with other values."""
    circuit = network(4, [(1, 2, 2.0), (2, 3, 5.0), (3, 0, 1e15), (1, 3, 4.0)], [(1, 2, 1)])
    system = System(circuit)
    assert system.unknowns.groups.size
    stamps = Stamps.of(([1, 2], [3, 0], [2, 1], [0, 3]), (4, 0, [3, 1], 2))
    jacobian = system.jacobian(stamps)
    for slopes in (np.array([1.0, 2.0, 3.0, 4.0]), np.zeros(4)):
        whole = jacobian.matrix(slopes).toarray()
        apart = system.wide.toarray() + system.matrix_of(stamps, slopes.astype(np.longdouble)).toarray()
        np.testing.assert_array_equal(whole, apart)


def test_voltages_and_back():
    r = [(a, b, 1.0) for a, b in pairwise([1, 2, 3, 1])] + [(3, 0, 1e12), (4, 0, 2)]
    unknowns = System(network(5, r)).unknowns
    v = np.array([[0, 3, 5, 7, 11], [0, 1, -2, 4, -8.0]]).T
    np.testing.assert_array_equal(unknowns.voltages(unknowns.relative(v)), v)
