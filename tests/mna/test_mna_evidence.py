"""What a solution says of its own error: never less than a tenth of it, and currents hold as voltages do."""

import numpy as np
import pytest
from mna_tools import exact, network
from mpmath import mp, mpf

from xbarsim import mna
from xbarsim.mna.doubled import Terms, added, reciprocals
from xbarsim.mna.factors import Factors, UntrustedError

ROUNDED = 1e-15
"""Doubles handed out, relative to the largest of their kind: a rounding or two."""


def errors(circuit, solution, digits=120):
    """The largest error of voltages and of currents, each relative to the largest of its kind."""
    x = exact(circuit, digits)
    pairs = (solution.voltages[0], x[: circuit.nodes]), (solution.currents[0], x[circuit.nodes :])
    tops = [np.abs(known).max(initial=0.0) for _, known in pairs]
    return [np.abs(got - known).max() / top if top else 0.0 for (got, known), top in zip(pairs, tops, strict=True)]


def decades_apart(rng):
    """A ladder, tree or mesh of resistors that span 22 decades, with controlled sources in half of them."""
    nodes, span = int(rng.integers(3, 12)), rng.choice([2, 6, 11])

    def ohms():
        return 10 ** rng.uniform(-span, span)

    ladder = rng.random() < 0.5
    r = [(k, k - 1 if ladder else int(rng.integers(1, k)), ohms()) for k in range(2, nodes + 1)]
    r += [(*map(int, rng.integers(0, nodes + 1, 2)), ohms()) for _ in range(int(rng.integers(1, nodes)))]
    r += [(nodes, 0, ohms())]
    v, e, g, f, h = [(1, 0, 10 ** rng.uniform(-6, 3))], [], [], [], []
    count = nodes + 1
    if rng.random() < 0.5:
        f = [(int(rng.integers(1, nodes + 1)), 0, 0.3 * rng.normal(), 0, 0)]
        g = [(int(rng.integers(1, nodes + 1)), 0, rng.normal() * 10 ** rng.uniform(-9, -1), nodes, 0)]
        for part, gain in ((e, (2 * rng.normal(), nodes, 0)), (h, (100 * rng.normal(), 0, 0))):
            r.append((count, int(rng.integers(1, nodes + 1)), ohms()))
            part.append((count, 0, *gain))
            count += 1
    return network(count, r, v, e=e, g=g, f=f, h=h)


@pytest.mark.parametrize("seed", range(12))
def test_random_circuits_of_22_decades(seed):
    """Voltages of 1 V and currents of 1e-14 A: a residual relative to what flows inside would be nothing."""
    rng = np.random.default_rng([seed, 11])
    for _ in range(15):
        circuit = decades_apart(rng)
        solution = mna.solve(circuit)
        worst = max(errors(circuit, solution))
        assert worst <= ROUNDED
        assert solution.residual >= 0.1 * worst


def fed_back(small):
    """A source's current that is what 1e11 times larger ones leave, through a transresistance in its own path."""
    r = [(2, 1, small), (3, 2, 0.13), (4, 2, 2e3 * small), (5, 1, 2.6e7), (6, 5, 3.7e11), (7, 5, 5.1e-7), (6, 0, 8e4)]
    r += [(3, 4, 9e-7), (5, 6, 2e-9)]
    return network(8, r, [(1, 0, 1e-6)], f=[(3, 0, -0.1475, 0, 0)], h=[(7, 0, 46.6, 0, 0)])


@pytest.mark.parametrize("small", [1e-11, 1e-6, 1e-2])
def test_a_source_whose_current_is_the_smallest_there_is(small):
    circuit = fed_back(small)
    solution = mna.solve(circuit)
    known = exact(circuit, 120)[circuit.nodes :]
    np.testing.assert_allclose(solution.currents[0], known, rtol=1e-12)


def test_a_mirrored_current_at_1000_volts():
    """Through a source at 1 kV, a microohm beside 100 kilohms: 3e-10 of it were lost in a matrix of doubles."""
    r = [(2, 1, 1.4e-5), (3, 2, 2.1e-4), (4, 1, 1.4e5), (5, 4, 154.0), (5, 6, 487.0), (6, 1, 6.4e4), (6, 0, 4.7e-3)]
    circuit = network(7, [*r, (5, 4, 1.2e-6)], [(1, 0, 1000.0)], f=[(5, 0, -0.291, 0, 0)])
    assert max(errors(circuit, mna.solve(circuit))) <= ROUNDED


@pytest.mark.slow
def test_sums_of_points_say_what_they_lost():
    """A source's current that crosses 0 in a sweep: each point's is judged by its own, not by the largest of all."""
    circuit = network(4, r=[(1, 2, 1.0), (2, 0, 1.0), (2, 3, 1e6)], v=[(1, 0, 4.0), (3, 0, 1.0)], i=[(0, 2, 4.0)])
    volts = np.linspace(3.9, 4.1, 21)
    swept = mna.solve(circuit, mna.Drive(21, {0: volts}))
    for k in range(21):
        alone = mna.solve(circuit, mna.Drive(1, {0: volts[k : k + 1]}))
        top = np.abs(alone.currents).max()
        assert np.abs(swept.currents[k] - alone.currents[0]).max() <= 1e-12 * top
    assert swept.residual <= 1e-12


@pytest.mark.parametrize("spread", [0, 100, 250])
def test_what_is_left_has_twice_the_digits(spread):
    """Of sums that cancel all but the 25th digit, with entries far apart."""
    rng = np.random.default_rng(spread)
    size, count = 6, 60
    row, col = rng.integers(0, size, (2, count))
    high = rng.normal(size=count) * 2.0 ** rng.integers(-spread, spread + 1, count)
    terms = Terms(size, row, col, high, high * 1e-17 * rng.normal(size=count))
    x, low = rng.normal(size=size), 1e-17 * rng.normal(size=size)
    with mp.workdps(200):
        whole = [mpf(0)] * size
        sizes = [mpf(0)] * size
        for r, c, h, rest in zip(row, col, terms.high, terms.low, strict=True):
            term = (mpf(h) + mpf(rest)) * (mpf(x[c]) + mpf(low[c]))
            whole[r], sizes[r] = whole[r] + term, sizes[r] + abs(term)
        right = np.array([float(value) for value in whole])
        known = [float((mpf(b) - value) / scale) for b, value, scale in zip(right, whole, sizes, strict=True)]
    got = terms.left(right, x, low) / np.array([float(scale) for scale in sizes])
    np.testing.assert_allclose(got, known, rtol=1e-6, atol=1e-31)


def test_reciprocals_and_sums_lose_nothing():
    rng = np.random.default_rng(2)
    value = rng.normal(size=50) * 10.0 ** rng.uniform(-200, 200, 50)
    high, low = reciprocals(value)
    with mp.workdps(60):
        for v, h, rest in zip(value, high, low, strict=True):
            assert abs((mpf(h) + mpf(rest)) * mpf(v) - 1) < mpf("1e-31")
    step = -1.0 + 1e-10
    high, low = added(np.array([1.0]), np.array([1e-20]), np.array([step]))
    with mp.workdps(60):
        assert float(mpf(high[0]) + mpf(low[0]) - (mpf(step) + 1)) == pytest.approx(1e-20, rel=1e-10)


def test_refinement_that_does_not_settle_is_refused(monkeypatch):
    """Factors of another matrix: each step brings half of what the one before brought."""
    circuit = fed_back(1e-2)
    apply = Factors.apply
    monkeypatch.setattr(Factors, "apply", lambda self, right: 0.4 * apply(self, right))
    with pytest.raises(UntrustedError, match="still moves"):
        mna.solve(circuit)
