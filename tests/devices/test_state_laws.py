"""Laws of cells whose state moves: the papers' equations in many digits, closed forms, and what holds at bounds."""

import mp_state_laws
import numpy as np
import pytest
from dynamic_tools import evaluated, moved
from scipy.integrate import solve_ivp

from xbarsim.devices import VTEAM, DynamicLaw, IonDrift, Sky130, Stanford, Yakopcic

DEVICES = {
    "vteam": VTEAM(),
    "vteam, exponential": VTEAM(curve="exponential", window="joglekar", exponent=2.0, alpha_on=1.0, alpha_off=4.5),
    "vteam, biolek": VTEAM(window="biolek", exponent=3.0, v_on=-0.3, k_off=2.0, x_on=1e-9),
    "vteam, prodromakis": VTEAM(window="prodromakis", exponent=2.5),
    "ion drift": IonDrift(),
    "ion drift, joglekar": IonDrift(50.0, 4e3, window="joglekar", exponent=3.0),
    "ion drift, biolek": IonDrift(window="biolek", exponent=1.5, mobility=3e-14),
    "ion drift, prodromakis": IonDrift(window="prodromakis", thickness=2e-8),
    "yakopcic": Yakopcic(0.17, 0.13, 0.05),
    "yakopcic, turned round": Yakopcic(1e-4, 3e-4, 3.0, 5e3, 2e3, 0.3, 0.2, 1.5, 2.5, 0.4, 0.2, eta=-1.0),
    "stanford": Stanford(),
    "stanford, hot": Stanford(1e-4, 3e-10, 0.3, 10.0, 16.0, 0.8, 0.9, 0.6, 0.3e-9, 6e-9, 320.0, 3e6, 2e-10, 1.5e-9),
    "sky130": Sky130(),
    "sky130, other numbers": Sky130(5e-5, 6e-9, 5.5e-9, 0.3, 100.0, 15.0, -0.7, 1.2, 1.1, 320.0, 2e-16, 5e-10),
}
NAMES = ("i", "di/dv", "di/dx", "f", "df/dv", "df/dx")
SHAPE = (5, 7)


def between(device, part):
    """States that are a part of the way from the lower to the upper bound."""
    low, high = device.bounds
    return low + (high - low) * part


@pytest.mark.parametrize("name", DEVICES)
def test_laws_and_slopes_are_the_papers(name):
    device = DEVICES[name]
    rng = np.random.default_rng(3)
    v, x = rng.uniform(-1.5, 1.5, SHAPE), between(device, rng.uniform(0.01, 0.99, SHAPE))
    v[0, :5] = 1e-9, -1e-9, 0.69, -0.16, 2.4
    results = evaluated(device, v, x)
    for i, j in np.ndindex(*SHAPE):
        known = mp_state_laws.law(device, v[i, j], x[i, j])
        for label, number, exact in zip(NAMES, results[:, i, j], known, strict=True):
            # Arrhenius exponents of 60 magnify the last digit; df/dx is also a difference, where a window falls.
            room = 1e-11 if label == "df/dx" else 3e-13
            assert number == pytest.approx(float(exact), rel=room, abs=0), (label, v[i, j], x[i, j])


@pytest.mark.parametrize("name", DEVICES)
def test_loops_are_pinched_and_power_is_taken(name):
    device = DEVICES[name]
    x = between(device, np.linspace(0, 1, SHAPE[0] * SHAPE[1]).reshape(SHAPE))
    i, _, ix, _, _, _ = evaluated(device, np.zeros(SHAPE), x)
    assert not i.any()
    assert not ix.any()
    for volts in (-1.1, 0.2, 2.0):
        assert (evaluated(device, np.full(SHAPE, volts), x)[0] * volts >= 0).all()


@pytest.mark.parametrize("name", DEVICES)
def test_beyond_a_bound_the_laws_are_those_at_the_bound(name):
    device = DEVICES[name]
    low, high = device.bounds
    v = np.linspace(-2, 2, SHAPE[1])[None]
    for bound, beyond in ((low, low - (high - low)), (high, high + 0.3 * (high - low))):
        at, out = (evaluated(device, v, np.full(v.shape, x)) for x in (bound, beyond))
        np.testing.assert_array_equal(at, out)
        assert np.isfinite(at).all()


@pytest.mark.parametrize("make", [VTEAM, IonDrift], ids=["vteam", "ion drift"])
def test_windows_close_at_bounds(make):
    v = np.array([[-1.7, 1.3]])
    for window, both in (("joglekar", True), ("prodromakis", True), ("biolek", False)):
        device = make(window=window, exponent=2.0)
        for part, outward in ((0.0, -1.0), (1.0, 1.0)):
            f = evaluated(device, v, np.full(v.shape, between(device, part)))[3]
            leads_out = np.sign(v) == outward  # of both models a positive voltage raises the state
            assert not f[leads_out | both].any()
            assert both or (f[~leads_out] * outward < 0).all()


def test_an_implicit_step_ends_at_the_bound_and_the_next_one_leaves_it():
    """The rule that integrators follow: the law's own motion, and each Newton step put back between the bounds."""
    device = VTEAM()
    low, high = (float(bound) for bound in device.bounds)

    def step(x0, v, h):
        x = x0
        for _ in range(50):
            _, _, _, f, _, fx = (value.item() for value in evaluated(device, [[v]], [[x]]))
            miss = x - x0 - h * f
            if abs(miss) < 1e-24 or (x >= high and miss < 0) or (x <= low and miss > 0):
                return x
            x = min(max(x - miss / (1 - h * fx), low), high)
        raise AssertionError("no end")

    speed = 0.1 * (1.4 / 0.7 - 1) ** 3
    assert step(2e-9, 1.4, 5e-9) == pytest.approx(2e-9 + speed * 5e-9)
    assert step(2e-9, 1.4, 1e-6) == high
    assert step(high, 1.4, 1e-6) == high
    assert step(high, -1.4, 5e-9) == pytest.approx(high - speed * 5e-9)


def test_between_thresholds_nothing_moves():
    v = np.array([[-0.7, -0.69, -1e-12, 0.0, 1e-12, 0.35, 0.7]])
    _, _, _, *motion = evaluated(VTEAM(), v, np.full(v.shape, 1e-9))
    assert not np.any(motion)
    assert evaluated(VTEAM(), [[np.nextafter(0.7, 1)]], [[1e-9]])[3] > 0
    v = np.array([[-0.15, -0.1, 0.0, 0.16]])
    _, _, _, *motion = evaluated(Yakopcic(0.1, 0.1, 3.0), v, np.full(v.shape, 0.4))
    assert not np.any(motion)


def test_ion_drift_under_constant_voltage_solves_its_quadratic():
    """``r_off x - (r_off - r_on) x^2 / 2`` grows as ``mobility r_on / thickness^2 V t``."""
    device, volts, x0 = IonDrift(100.0, 16e3, 2e-14, 12e-9), 0.8, 0.1
    less, rate = 16e3 - 100.0, 2e-14 * 100.0 / 12e-9**2
    times = np.linspace(0.0, 0.56, 13)
    grown = 16e3 * x0 - less * x0**2 / 2 + rate * volts * times
    x = (16e3 - np.sqrt(16e3**2 - 2 * less * grown)) / less
    assert x[-1] > 0.8
    np.testing.assert_allclose(moved(device, x0, lambda t: volts, times), x, rtol=1e-8)


def test_vteam_under_a_ramp_moves_with_its_square():
    """With alpha 1 and V = v_off t / t1: ``x - x0 = k_off (t - t1)^2 / 2 t1`` from t1 on."""
    device, t1, x0 = VTEAM(alpha_off=1.0, k_off=0.2), 1e-8, 1e-9
    times = np.linspace(0, 2.2 * t1, 12)
    known = x0 + 0.2 * np.maximum(times - t1, 0.0) ** 2 / (2 * t1)
    np.testing.assert_allclose(moved(device, x0, lambda t: 0.7 * t / t1, times), known, rtol=1e-7)


def test_parameters_of_each_cell_count():
    rng = np.random.default_rng(2)
    shape = (3, 4)
    given = {
        "k_off": rng.uniform(0.1, 0.5, shape),
        "v_off": rng.uniform(0.3, 0.6, (3, 1)),
        "r_on": rng.uniform(1, 9, 4),
    }
    v, x = rng.uniform(0.7, 1.5, shape), rng.uniform(0, 3e-9, shape)
    results = evaluated(VTEAM(**given), v, x)
    for i, j in np.ndindex(*shape):
        one = VTEAM(**{name: np.broadcast_to(value, shape)[i, j] for name, value in given.items()})
        np.testing.assert_array_equal(results[:, i, j], evaluated(one, [[v[i, j]]], [[x[i, j]]])[:, 0, 0])


def thermal(t, y, volts):
    """The Verilog-A's own equations, with the temperature as its second state: (thickness in 1.6 nm, kelvin)."""
    gap, kt = 5e-9 - (3.3e-9 + 1.6e-9 * y[0]), 8.617333262e-5 * y[1]
    hop = 0.25e-9 / 5e-9 * (16.5 - 1.25 * (gap * 1e9) ** 3) * volts
    growth = 150.0 / 1.6e-9 * (np.exp((hop - 1.501) / kt) - np.exp(-(hop + 1.5) / kt))
    i = 6.14e-5 * np.exp(-gap / (5e-9 - 4.7249e-9)) * np.sinh(volts / 0.43)
    return [growth, volts * i / 3.1825e-16 - (y[1] - 300.0) / 0.23e-9]


@pytest.mark.slow
def test_sky130_switches_as_its_own_equations_say():
    """2.4 V for 1 us form the filament within nanoseconds; read at 0.1 V it gives 1.00e-5 A, unmoved 2.98e-8 A."""

    def formed(t, y, *_):
        return y[0] - 0.999

    formed.terminal = True
    options = {"method": "Radau", "events": formed, "rtol": 1e-5, "atol": 1e-8}
    slow = solve_ivp(thermal, (0, 1e-6), [0.0, 300.0], args=(2.4,), **options)
    device = Sky130()
    low, high = (float(bound) for bound in device.bounds)

    def motion(t, y):
        return evaluated(device, [[2.4]], [[low + (high - low) * y[0]]])[3].ravel() / (high - low)

    fast = solve_ivp(motion, (0, 1e-6), [0.0], **options)
    assert slow.t_events[0].size
    assert fast.t_events[0].size
    # The cell heats up within its time constant of 0.23 ns, which the law takes as nothing.
    assert 0 < slow.t[-1] - fast.t[-1] < 0.23e-9
    assert slow.t[-1] < 2e-9
    at_rest = evaluated(device, [[2.4]], [[high]])
    assert at_rest[3] > 0, "it stays at its bound for the rest of the microsecond"
    assert evaluated(device, [[0.1]], [[high]])[0].item() == pytest.approx(1.00e-5, rel=2e-3)
    assert evaluated(device, [[0.1]], [[low]])[0].item() == pytest.approx(2.98e-8, rel=2e-3)


@pytest.mark.slow
def test_laws_of_one_s_own_are_computed_like_ours():
    def current(v, x, r_on, r_off, rate):
        r = r_off - (r_off - r_on) * x
        return v / r, 1 / r, v / r**2 * (r_off - r_on)

    def motion(v, x, r_on, r_off, rate):
        i, iv, ix = v / (r_off - (r_off - r_on) * x), 1 / (r_off - (r_off - r_on) * x), 0.0
        ix = i * iv * (r_off - r_on)
        return rate * i, rate * iv, rate * ix

    ours = IonDrift()
    rate = 1e-14 * 100.0 / 10e-9**2
    mine = DynamicLaw(current, motion, low=0.0, high=1.0, r_on=100.0, r_off=[[16e3]], rate=rate)
    rng = np.random.default_rng(7)
    v, x = rng.uniform(-1, 1, SHAPE), rng.uniform(0, 1, SHAPE)
    np.testing.assert_allclose(evaluated(mine, v, x), evaluated(ours, v, x), rtol=1e-13)
    g = 10 ** rng.uniform(-4.2, -2, SHAPE)
    np.testing.assert_allclose(mine.state(g), ours.state(g), rtol=1e-9)
