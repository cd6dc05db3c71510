"""Laws of cells as kernels compute them, a row at a time: against 60 digits, at the edges of doubles."""

import math

import numpy as np
import pytest
from mpmath import mp, mpf

from xbarsim import Selector, Sinh, Transistor, Yakopcic

EPS = 2.0**-52


def evaluated(device, g, x, near=None, lower=0.0):
    """Current and both slopes of cells in a row, at volts x from a bit node at ``lower``."""
    x = np.atleast_2d(np.asarray(x, float))
    cells = device.cells(np.broadcast_to(np.asarray(g, float), x.shape))
    i, a, b = np.full((3, *x.shape), np.nan)
    u = np.full(x.shape, lower)
    cells.evaluate(u + x, u, np.zeros(x.shape) if near is None else near, i, a, b)
    return i[0], a[0], (a if cells.symmetric else b)[0]


def test_sinh_and_cosh_over_all_doubles():
    """To three units of the last digit; beyond 709 infinite, and never a number that is not one."""
    rng = np.random.default_rng(3)
    halves = np.arange(-4, 5) * math.log(2.0) / 2.0  # where |x| = k ln 2 + r changes its k
    x = np.concatenate(
        [
            [5e-324, 1e-310, 2.3e-308, 1e-200, 1e-20, 1e-8, 0.3, 708.9, 709.0],
            halves, np.nextafter(halves, 9.0), np.nextafter(halves, -9.0),
            10 ** rng.uniform(-300, 2.85, 300), rng.uniform(-3, 3, 300),
        ]
    )  # fmt: skip
    sinh, cosh, _ = evaluated(Sinh(1.0), 1.0, x)
    with mp.workdps(60):
        for got, exact in ((sinh, [mp.sinh(mpf(one)) for one in x]), (cosh, [mp.cosh(mpf(one)) for one in x])):
            errors = [abs(mpf(one) - true) for one, true in zip(got, exact, strict=True)]
            bounds = [max(3 * EPS * abs(true), mpf(5e-324)) for true in exact]
            worst = int(np.argmax([float(error / bound) for error, bound in zip(errors, bounds, strict=True)]))
            assert errors[worst] <= bounds[worst], x[worst]


def test_sinh_where_there_is_no_number():
    sinh, cosh, _ = evaluated(Sinh(1.0), 1.0, [709.1, -709.1, 1e308, np.inf, -np.inf, np.nan, 0.0, -0.0])
    assert sinh[:5].tolist() == [np.inf, -np.inf, np.inf, np.inf, -np.inf]
    assert cosh[:5].tolist() == [np.inf] * 5
    assert np.isnan(sinh[5])
    assert np.isnan(cosh[5])
    assert sinh[6:].tolist() == [0.0, 0.0]
    assert cosh[6:].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("device", [Sinh(0.2), Selector(1e-8, 0.05)], ids=["sinh", "selector"])
def test_laws_are_odd_to_the_last_bit(device):
    x = np.random.default_rng(4).uniform(0, 1, 37)
    i, a, _ = evaluated(device, 1e-4, x)
    mirrored, slopes, _ = evaluated(device, 1e-4, -x)
    assert (mirrored == -i).all()
    assert (slopes == a).all()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 17])
def test_a_cell_does_not_depend_on_its_row(count):
    """What is computed eight cells at a time, or alone at a row's end, is the same."""
    rng = np.random.default_rng(count)
    for device in (Sinh(0.1), Selector(1e-9, 0.03), Transistor(1.0, lam=0.1), Yakopcic(1e-5, 3e-5, 2.0)):
        x, g = rng.uniform(-1, 1, count), 10 ** rng.uniform(-6, -3, count)
        row = np.array(evaluated(device, g, x))
        alone = np.array([[part[0] for part in evaluated(device, [g[k]], [x[k]])] for k in range(count)]).T
        np.testing.assert_allclose(row, alone, rtol=20 * EPS, atol=0)


def test_selector_obeys_its_law_over_all_scales():
    """``V = I / G + v0 asinh(I / i0)`` in 60 digits, within rounding of V; the slope is the inverse of dV/dI."""
    rng = np.random.default_rng(5)
    count = 300
    g, i0, v0 = (10 ** rng.uniform(low, high, count) for low, high in ((-14, 1), (-15, -3), (-3, 1)))
    x = rng.choice([-1, 1], count) * 10 ** np.where(rng.random(count) < 0.7, rng.uniform(-3, 0.3, count), -20)
    i, a, _ = evaluated(Selector(i0[None], v0[None]), g, x)
    with mp.workdps(60):
        for k in range(count):
            amperes, leak = mpf(i[k]), mpf(i0[k])
            # A current of so many e-folds has lost as many units of its last digit.
            folds = max(1, abs(x[k]) / v0[k])
            volts = amperes / mpf(g[k]) + mpf(v0[k]) * mp.asinh(amperes / leak)
            assert abs(volts - mpf(x[k])) <= 8 * EPS * abs(x[k]), (g[k], i0[k], v0[k], x[k])
            ohms = 1 / mpf(g[k]) + mpf(v0[k]) / mp.sqrt(leak**2 + amperes**2)
            assert abs(mpf(a[k]) * ohms - 1) <= 8 * EPS * folds, (g[k], i0[k], v0[k], x[k])


@pytest.mark.parametrize("factor", [0.0, 1e-12, 0.9, 1.0 + 1e-9, 1.1, 1e6])
def test_selector_from_any_current(factor):
    """What currents are near changes how fast a cell is solved, not to what."""
    rng = np.random.default_rng(6)
    x, g = rng.uniform(-1, 1, 40), 10 ** rng.uniform(-9, -2, 40)
    device = Selector(1e-9, 0.03)
    i, a, _ = evaluated(device, g, x)
    near = np.atleast_2d(factor * i)
    again = evaluated(device, g, x, near=near)
    np.testing.assert_allclose(again[0], i, rtol=100 * EPS, atol=0)
    np.testing.assert_allclose(again[1], a, rtol=100 * EPS, atol=0)


def test_open_cells_take_nothing():
    for device in (Sinh(0.1), Selector(1e-9, 0.03), Transistor(1.0), Yakopcic(1e-5, 3e-5, 2.0)):
        for part in evaluated(device, [0.0, 1e-4, 0.0], [0.3, 0.2, -90.0]):
            assert part[[0, 2]].tolist() == [0.0, 0.0]
            assert part[1] > 0.0


def channel(t, over, kp, lam):
    if over <= 0:
        return mpf(0)
    shape = t * (over - t / 2) if t < over else over**2 / 2
    return kp * (1 + lam * t) * shape


def exact_cell(x, over, g, kp, lam):
    """Current of a 1T1R cell by bisection in 60 digits."""
    if over <= 0:
        return mpf(0)
    y = abs(x)
    low, high = mpf(0), y
    for _ in range(200):
        t = (low + high) / 2
        drive = over if x >= 0 else over - y + t
        low, high = (low, t) if channel(t, drive, kp, lam) > g * (y - t) else (t, high)
    return mp.sign(x) * g * (y - (low + high) / 2)


@pytest.mark.parametrize("lam", [0.0, 0.1, 5.0])
def test_transistor_in_every_region(lam):
    """Forward and backward, along and past pinch-off, near the threshold, weak and strong against the memristor."""
    rng = np.random.default_rng(7)
    count = 120
    g, kp = 10 ** rng.uniform(-7, -2, count), 10 ** rng.uniform(-6, -2, count)
    x = rng.choice([-1.0, 1.0], count) * 10 ** rng.uniform(-4, 0.3, count)
    over = 10 ** rng.uniform(-3, 0.3, count) * np.where(rng.random(count) < 0.1, -1.0, 1.0)
    lower = np.minimum(x, 0.0)  # of a bit node at 0 V
    device = Transistor((over + lower + 0.5)[None], kp[None], 0.5, lam)
    i, a, b = evaluated(device, g, x)
    regions = set()
    with mp.workdps(60):
        for k in range(count):
            # The overdrive that the gate's double leaves.
            drive = mpf(float(device.gate[0, k])) - mpf(lower[k]) - mpf(0.5)
            numbers = [mpf(float(one)) for one in (g[k], kp[k], lam)]
            exact = exact_cell(mpf(x[k]), drive, *numbers)
            rounding = 2 * EPS * (abs(device.gate[0, k]) + 1.0) / max(abs(over[k]), 1e-9)  # of the overdrive
            assert abs(mpf(i[k]) - exact) <= (20 * EPS + 4 * rounding) * abs(exact), (x[k], over[k], g[k], kp[k])
            step = mpf(10) ** -25
            if over[k] > 0:
                by_v = exact_cell(mpf(x[k]) + step, drive - (step if x[k] < 0 else 0), *numbers)
                slope = (by_v - exact) / step
                assert abs(mpf(a[k]) - slope) <= 1e-9 * max(slope, mpf(b[k])), (x[k], over[k], g[k], kp[k])
            regions.add((x[k] > 0, over[k] > 0, bool(a[k] > 0.5 * b[k]), bool(b[k] > 0.5 * a[k])))
    assert len(regions) >= 5
