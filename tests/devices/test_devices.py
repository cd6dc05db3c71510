"""The laws themselves, cell by cell, and the law inside the circuit."""

import dataclasses

import mp_newton
import numpy as np
import pytest
from mpmath import mp, mpf
from newton_tools import DEVICES, quadratic, uneven, wired
from scipy.interpolate import PchipInterpolator

import xbarsim
from xbarsim import Crossbar, Law, Linear, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic

NONLINEAR = [name for name in DEVICES if name != "linear"]
# 0, both signs, 1 pV to 3 V, none of them alike.
VOLTS = np.concatenate([-np.geomspace(1e-12, 3, 12)[::-1], [0.0], np.geomspace(1.7e-12, 2.7, 12)])


@pytest.fixture(params=DEVICES, ids=str)
def device(request):
    return DEVICES[request.param]


def crossbar_of(device, rows=5, cols=7, seed=1, **options):
    rng = np.random.default_rng(seed)
    g = 10 ** -rng.uniform(3.0, 6.0, (rows, cols))
    wires = {"word_wire": 2.0, "bit_wire": 3.0, "driver": 1.0, "sense": 1.5}
    return Crossbar(g, **(wires | options), device=device), rng.uniform(-0.6, 0.6, rows)


def test_output_currents_are_the_sums_of_what_the_law_gives(device):
    crossbar, v = crossbar_of(device)
    solution = xbarsim.solve(crossbar, v)
    cells = device.current(crossbar.conductance, solution.word_voltages, solution.bit_voltages)
    np.testing.assert_allclose(cells.sum(axis=0), solution.currents, rtol=1e-9, atol=1e-13 * np.abs(cells).max())
    np.testing.assert_allclose(-cells.sum(axis=1), solution.end_currents["word_left"], rtol=1e-9, atol=1e-18)
    assert solution.residual < 1e-12
    assert solution.method == ("schur" if device == Linear() else "newton")


def exact_current(device, g, word, bit):
    """One cell between two ideal sources, in 100 digits."""
    one = Crossbar([[g]], ends={"bit_bottom": LineEnds(bit, 0.0)}, device=device)
    return float(mp_newton.solve(one, [word]).device_currents[0, 0])


# v / v0 of ``steep sinh`` is 150, so a rounding of v shows 150 times in the current.
@pytest.mark.parametrize(
    "name",
    DEVICES,
)
def test_every_law_to_its_last_digits(name):
    """A law that differs from its docstring anywhere, or loses small or large currents."""
    device = DEVICES[name]
    for bit in (0.0, 0.25):
        given = device.current([[3e-5]], (VOLTS + bit)[:, None, None], bit).ravel()
        known = [exact_current(device, 3e-5, v + bit, bit) for v in VOLTS]
        np.testing.assert_allclose(given, known, rtol=1e-13, atol=1e-60)


@pytest.mark.parametrize("name", [name for name in NONLINEAR if name != "table"])
def test_a_law_takes_each_cell_s_parameters(name):
    rng = np.random.default_rng(3)
    device = uneven(name, rng, (2, 3))
    g = 10 ** rng.uniform(-6, -3, (2, 3))
    word, bit = rng.uniform(-1, 1, (4, 2, 3)), rng.uniform(-0.3, 0.3, (2, 3))
    given = device.current(g, word, bit)
    assert given.shape == (4, 2, 3)
    for k, i, j in np.ndindex(4, 2, 3):
        single = uneven(name, np.random.default_rng(3), (2, 3))
        cell = {one.name: getattr(single, one.name) for one in dataclasses.fields(single)}
        cell = (
            type(device)(**{key: value[i, j] if value.ndim else value for key, value in cell.items()})
            if name != "law"
            else Law(quadratic, k=single.arguments["k"][i, j])
        )
        np.testing.assert_allclose(given[k, i, j], exact_current(cell, g[i, j], word[k, i, j], bit[i, j]), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in DEVICES if name != "table"])
def test_laws_never_fall_and_never_give_power(name):
    device = DEVICES[name]
    v = np.linspace(-2, 2, 20001)
    for bit in (-0.4, 0.0, 0.7):
        i = device.current([[1e-4]], (v + bit)[:, None, None], bit).ravel()
        assert (np.diff(i) >= -1e-15 * np.abs(i[1:])).all()
        assert (i * ((v + bit) - bit) >= 0).all()
        assert i[10000] == 0


def test_current_of_nan_is_nan(device):
    i = device.current([[1e-4, 2e-4]], [[0.3, np.nan]], 0.0)
    assert np.isfinite(i[0, 0])
    assert np.isnan(i[0, 1])


def test_an_open_cell_has_no_current(device):
    i = device.current([[0.0, 1e-4]], 0.5, -0.2)
    assert i[0, 0] == 0
    assert i[0, 1] > 0


def test_selector_in_series():
    """``V = I / G + v0 asinh(I / i0)``, from the leakage to the memristor's own resistance."""
    for v0, i0 in ((0.05, 1e-9), (0.002, 1e-12), (0.3, 1e-4)):
        amperes = np.geomspace(i0 / 1e6, 1e-3, 40)
        volts = amperes / 1e-4 + v0 * np.arcsinh(amperes / i0)
        for sign in (1, -1):
            given = Selector(i0, v0).current([[1e-4]], sign * volts[:, None, None]).ravel()
            # What rounding of V leaves: V dI/dV / I roundings, at most ln(I / i0) + 1.
            np.testing.assert_allclose(given, sign * amperes, rtol=2e-16 * (40 + np.log(1e-3 / i0) ** 2))


def test_transistor_regions_by_hand():
    """Saturated: I = kp Vov^2 / 2. Ohmic with an ideal memristor: kp Vds (Vov - Vds / 2)."""
    saturated = Transistor(1.1, kp=2e-4, vto=0.5)
    np.testing.assert_allclose(saturated.current([[1.0]], 0.9), 2e-4 * 0.6**2 / 2, rtol=1e-14)
    # 36 uA through 0.25 mS are 0.144 V: the inner node has 1.9 - 0.144 = 1.756 V, and lam adds to it.
    long = Transistor(1.1, kp=2e-4, vto=0.5, lam=0.1)
    inner = (1.9 - 0.144) / (1 + 0.0144)
    np.testing.assert_allclose(long.current([[2.5e-4]], 1.9), 36e-6 * (1 + 0.1 * inner), rtol=1e-14)
    ohmic = Transistor(1.5, kp=2e-4, vto=0.5)
    np.testing.assert_allclose(ohmic.current([[1e9]], 0.4), 2e-4 * 0.4 * (1.0 - 0.2), rtol=1e-9)
    # Turned round, the word line's side is the source: Vov = 1.1 - 0.5 + 0.4 with the gate at 1.1 V.
    np.testing.assert_allclose(saturated.current([[1e9]], -0.4), -2e-4 * 0.4 * (1.0 - 0.2), rtol=1e-9)
    assert ohmic.current([[1e-4]], 1.9, 1.0) == 0
    assert ohmic.current([[1e-4]], 1.9, 1.1) == 0
    assert ohmic.current([[1e-4]], 1.9, 0.99) > 0


def test_yakopcic_states():
    device = Yakopcic([[1e-5, 2e-5]], 3e-5, 2.0)
    g = device.conductance([[0.5, 0.25]])
    np.testing.assert_allclose(g, [[1e-5, 1e-5]], rtol=1e-15)
    np.testing.assert_allclose(device.state(g), [[0.5, 0.25]], rtol=1e-15)
    np.testing.assert_allclose(device.current(g, 0.7), [[5e-6 * np.sinh(1.4)] * 2], rtol=1e-14)
    np.testing.assert_allclose(device.current(g, -0.7), -np.sinh(1.4) * np.array([[1.5e-5, 0.75e-5]]), rtol=1e-14)


def test_table_goes_through_its_points():
    x, y = [-0.9, -0.2, 0.1, 0.4, 1.1], [-9e-5, -1e-5, 2e-5, 5e-5, 3e-4]
    table = Table(x, y, 1e-4)
    np.testing.assert_allclose(table.current([[1e-4]], np.array(x)[:, None, None]).ravel(), y, rtol=1e-14)
    np.testing.assert_allclose(table.current([[3e-4]], np.array(x)[:, None, None]).ravel(), 3 * np.array(y), rtol=1e-14)
    full = PchipInterpolator([-0.9, -0.2, 0.0, 0.1, 0.4, 1.1], [-9e-5, -1e-5, 0.0, 2e-5, 5e-5, 3e-4])
    v = np.linspace(-0.9, 1.1, 301)
    np.testing.assert_allclose(table.current([[1e-4]], v[:, None, None]).ravel(), full(v), rtol=0, atol=1e-19)
    assert Table(x, y).conductance == pytest.approx(float(full(0.0, 1)), rel=1e-14)
    for end, beyond in ((-0.9, -1.9), (1.1, 2.1)):
        at, out = (float(table.current([[1e-4]], volts)[0, 0]) for volts in (end, beyond))
        np.testing.assert_allclose(out - at, float(full(end, 1)) * (beyond - end), rtol=1e-13)


def test_table_given_in_any_order_and_by_one_half():
    x, y = np.array([0.2, 0.5, 1.0]), np.array([1e-5, 4e-5, 3e-4])
    v = np.linspace(-1.4, 1.4, 57)[:, None, None]
    odd = Table(x, y, odd=True)
    whole = Table(np.concatenate([-x, x]), np.concatenate([-y, y]))
    np.testing.assert_array_equal(odd.current([[1e-4]], v), whole.current([[1e-4]], v))
    assert odd == whole
    shuffled = Table(x[[2, 0, 1]], y[[2, 0, 1]], odd=True)
    assert shuffled == odd
    assert odd != Table(x, y)
    np.testing.assert_allclose(odd.current([[1e-4]], -v), -odd.current([[1e-4]], v), rtol=1e-10, atol=1e-18)


def test_the_reference_s_curve_is_scipy_s():
    """The tests' own formulas against another hand's; theirs and the library's could share a mistake."""
    rng = np.random.default_rng(1)
    x = np.concatenate([np.sort(rng.uniform(-1, 0, 4)), [0.0], np.sort(rng.uniform(0, 1, 4))])
    y = np.cumsum(rng.exponential(size=9) * rng.choice([0.01, 1.0], 9))
    curve, scipys = mp_newton.Curve(x, y), PchipInterpolator(x, y)
    with mp.workdps(30):
        for v in np.linspace(x[0], x[-1], 97):
            value, slope = curve(mpf(v))
            np.testing.assert_allclose(float(value), scipys(v), rtol=1e-13)
            np.testing.assert_allclose(float(slope), scipys(v, 1), rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_law_may_be_a_numba_function():
    from numba import njit

    plain, compiled = Law(quadratic, k=1e-4), Law(njit(quadratic), k=1e-4)
    v = np.linspace(-1, 1, 11)[:, None, None]
    np.testing.assert_array_equal(plain.current([[1e-4]], v), compiled.current([[1e-4]], v))
    assert Law(quadratic, k=1e-4) == plain
    assert Law(quadratic, k=2e-4) != plain


def test_devices_are_values():
    """Equal parameters, equal devices; arrays are copied and cannot be written to."""
    v0 = np.array([[0.1, 0.2]])
    device = Sinh(v0)
    v0[0, 0] = 9.0
    assert device.v0[0, 0] == 0.1
    with pytest.raises(ValueError, match="read-only"):
        device.v0[0, 0] = 1.0
    assert Sinh(0.1) == Sinh(0.1)
    assert Sinh(0.1) != Sinh(0.2)
    assert Sinh(0.1) != Selector(0.1, 0.1)
    crossbar, _ = wired(Sinh(0.1))
    assert crossbar == dataclasses.replace(crossbar, device=Sinh(0.1))
    assert crossbar != dataclasses.replace(crossbar, device=Sinh(0.2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        device.v0 = 1.0


@pytest.mark.parametrize(
    "name",
    NONLINEAR,
)
def test_repr_is_one_line(name):
    device = uneven(name, np.random.default_rng(0), (3, 4))
    assert "\n" not in repr(device)
    assert repr(device).startswith(type(device).__name__ + "(")
