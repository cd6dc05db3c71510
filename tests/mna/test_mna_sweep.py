"""Sweeps of the general solver: sums of few solutions, each checked, and solved where sums do not do."""

import numpy as np
import pytest
from mna_tools import CLOSE, EXACT, drive, network, random_network

from xbarsim import mna
from xbarsim.errors import ConvergenceError, TooLargeError
from xbarsim.mna import Drive, factors, sweep


def alone(circuit, one, k):
    """Solve at one point of a drive."""
    volts, amperes = (
        {source: values[k : k + 1] for source, values in part.items()} for part in (one.volts, one.amperes)
    )
    return mna.solve(circuit, Drive(1, volts, amperes))


@pytest.mark.parametrize("points", [1, 4, 7, 8, 40])
def test_a_sweep_is_its_points(monkeypatch, points):
    """Points that are mixed up, also at a chunk's end, and a matrix that is factored for each of them."""
    rng = np.random.default_rng(9)
    circuit = random_network(rng)
    every = drive(rng.normal(size=(points, 3)), 1e-3 * rng.normal(size=(points, 3)))
    factored = []
    splu = factors.splu
    monkeypatch.setattr(factors, "splu", lambda *args, **kwargs: factored.append(1) or splu(*args, **kwargs))
    monkeypatch.setattr(sweep, "_CHUNK", 13 * 60)
    many = mna.solve(circuit, every)
    assert len(factored) == 1
    for k in range(points):
        point = alone(circuit, every, k)
        for field in ("voltages", "currents", "power"):
            one, its = getattr(point, field)[0], getattr(many, field)[k]
            np.testing.assert_allclose(its, one, rtol=0, atol=CLOSE * np.abs(one).max())


@pytest.mark.parametrize("points", [2, 20])
def test_a_sweep_of_one_kind_keeps_the_other(points):
    circuit = network(3, r=[(1, 2, 1), (2, 0, 1)], v=[(1, 0, 4)], i=[(0, 2, 1)])
    values = np.linspace(0, 4, points)
    np.testing.assert_allclose(mna.solve(circuit, Drive(points, {0: values})).voltages[:, 2], (values + 1) / 2)
    np.testing.assert_allclose(mna.solve(circuit, Drive(points, {}, {0: values})).voltages[:, 2], 2 + values / 2)


def test_a_varying_source_forgets_its_own_value():
    """Found by a difference to it, 0.1 V beside 1e30 V would be nothing."""
    circuit = network(3, r=[(1, 2, 1), (2, 0, 1)], v=[(1, 0, 1e30)])
    values = np.linspace(0.1, 0.9, 9)
    np.testing.assert_allclose(mna.solve(circuit, Drive(9, {0: values})).voltages[:, 2], values / 2, rtol=EXACT)


def test_parts_that_cancel_are_solved_together():
    """1 A into a circuit that 1 Mohm ties to ground, and 1 A out of it: 1e6 V less 1e6 V leaves 1e-10 V of rounding."""
    circuit = network(4, r=[(1, 2, 3), (2, 3, 7), (1, 3, 11), (3, 0, 1e6)], i=[(0, 1, 1.0), (2, 0, 1.0)])
    out = np.linspace(0.5, 1.5, 11)
    solution = mna.solve(circuit, Drive(11, {}, {1: out}))
    single = mna.solve(circuit)
    np.testing.assert_allclose(solution.voltages[5], single.voltages[0], rtol=0, atol=1e-13)
    # 11 of 21 parts of the ampere take the way through 3 and 7 ohms' other side: v1 - v2 = 3 * 18 / 21.
    np.testing.assert_allclose(solution.voltages[5], [0, 3 * 11 / 21, -(7 * 3) / 21, 0], rtol=1e-12, atol=1e-13)


def test_every_point_has_its_residual(monkeypatch):
    """A basis solution that is off must not be summed: its points are solved, or refused."""
    circuit = random_network(np.random.default_rng(4), gains=False)
    every = drive(np.random.default_rng(5).normal(size=(30, 3)), np.zeros((30, 3)))
    known = mna.solve(circuit, every)
    refined, calls = factors.Factors.refined, []

    def off(self, right):
        calls.append(right.shape[1])
        x, doubt = refined(self, right)
        return x * (1 + 1e-7 * (len(calls) == 1) * np.arange(right.shape[0])[:, None]), doubt

    monkeypatch.setattr(factors.Factors, "refined", off)
    again = mna.solve(circuit, every)
    assert calls == [7, 30]
    assert again.residual <= CLOSE
    np.testing.assert_allclose(again.voltages, known.voltages, rtol=0, atol=CLOSE * np.abs(known.voltages).max())
    monkeypatch.setattr(
        factors.Factors, "refined", lambda self, right: (refined(self, right)[0] + 1e-3, np.zeros(right.shape[1]))
    )
    with pytest.raises(ConvergenceError, match="Kirchhoff"):
        mna.solve(circuit, every)


def test_tiny_sources_where_1_ampere_is_too_much():
    """The basis solution overflows; the points do not."""
    circuit = network(3, r=[(1, 0, 1e308), (2, 0, 1)], i=[(0, 1, 0.0)], e=[(2, 0, 1e3, 1, 0)])
    amperes = np.linspace(1, 2, 6) * 1e-308
    np.testing.assert_allclose(mna.solve(circuit, Drive(6, {}, {0: amperes})).voltages[:, 2], amperes * 1e308 * 1e3)


def test_a_sweep_that_does_not_fit_is_refused():
    """Before any of its memory is taken."""
    circuit = network(2, r=[(1, 0, 1)], v=[(1, 0, 1)])
    values = np.broadcast_to(np.float64(1), (10**13,))
    with pytest.raises(TooLargeError, match="points"):
        mna.solve(circuit, Drive(10**13, {0: values}))
