"""What holds for every circuit of nonlinear cells, on arrays too large for the reference."""

import dataclasses

import numpy as np
import pytest
from drawn_crossbars import sample_crossbar, sample_voltages, source_voltages
from newton_tools import DEVICES, cell_currents, quadratic, uneven, violation, wired
from problems import OPEN, SIDES

import xbarsim
from xbarsim import Crossbar, Law, Linear, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic

FIELDS = ("word_voltages", "bit_voltages", "device_currents")
NONLINEAR = [name for name in DEVICES if name != "linear"]
TWO_TERMINAL = [name for name in NONLINEAR if name != "transistor"]


def close(computed, known, scale, relative=1e-12):
    np.testing.assert_allclose(computed, known, rtol=0, atol=relative * scale)


def same(one, other, scale, relative=1e-12):
    for side in SIDES:
        close(one.end_currents[side], other.end_currents[side], scale, relative)
    for layer in ("word_voltages", "bit_voltages"):
        close(getattr(one, layer), getattr(other, layer), 1.0, relative)


@pytest.mark.parametrize("four_sides", [False, True])
@pytest.mark.parametrize("name", [name for name in NONLINEAR if name != "table"])
def test_kirchhoff_and_energy(name, four_sides):
    """A law that the solution does not obey, and power that is lost or won on the way from sources to losses."""
    device = uneven(name, np.random.default_rng(2), (17, 23))
    crossbar, volts = wired(device, 17, 23, four_sides=four_sides)
    solution = xbarsim.solve(crossbar, volts)
    assert violation(crossbar, volts, solution) < 1e-12
    i = cell_currents(crossbar, solution.word_voltages, solution.bit_voltages)
    close(solution.device_currents, i, np.abs(i).max())
    ends = solution.end_currents
    right = -ends["word_left"][:, None] - np.cumsum(i, axis=1)[:, :-1]
    down = -ends["bit_top"] + np.cumsum(i, axis=0)[:-1]
    cells = i * (solution.word_voltages - solution.bit_voltages)
    assert (cells >= 0).all()
    lost = (
        cells.sum()
        + (right**2 * crossbar.word_wire).sum()
        + (down**2 * crossbar.bit_wire).sum()
        + sum(
            (ends[side] ** 2 * np.where(np.isfinite(tied.resistance), tied.resistance, 0.0)).sum()
            for side, tied in crossbar.boundary.items()
        )
    )
    held = source_voltages(crossbar, volts)
    given = [held[side] * ends[side] for side in SIDES]
    close(solution.power, -sum(one.sum() for one in given), sum(np.abs(one).sum() for one in given))
    close(solution.power, lost, sum(np.abs(one).sum() for one in given))
    assert solution.power > 0


@pytest.mark.parametrize("name", NONLINEAR)
def test_batches_and_threads_change_no_bit(name):
    """A warm start, a workspace or a thread that leaks from one vector to the next."""
    crossbar, _ = wired(DEVICES[name], 9, 7)
    volts = np.random.default_rng(4).uniform(-1, 1, (6, 9))
    batch = xbarsim.solve(crossbar, volts, fields=True, threads=1)
    other = xbarsim.solve(crossbar, volts, fields=True, threads=2)
    shuffled = xbarsim.solve(crossbar, volts[::-1], fields=True, threads=2)
    bare = xbarsim.solve(crossbar, volts, threads=2)
    for k, one in enumerate(volts):
        single = xbarsim.solve(crossbar, one, threads=2)
        for side in SIDES:
            for many in (batch, other, bare):
                np.testing.assert_array_equal(many.end_currents[side][k], single.end_currents[side])
            np.testing.assert_array_equal(shuffled.end_currents[side][5 - k], single.end_currents[side])
        for field in FIELDS:
            for many in (batch, other):
                np.testing.assert_array_equal(getattr(many, field)[k], getattr(single, field), err_msg=field)
        assert batch.power[k] == single.power
        assert batch.iterations[k] == single.iterations
    assert batch.currents.shape == (6, 7)
    assert batch.word_voltages.shape == (6, 9, 7)
    assert batch.method == "newton"
    with pytest.raises(xbarsim.errors.InputError, match="fields=True"):
        bare.word_voltages  # noqa: B018


@pytest.mark.parametrize("four_sides", [False, True])
def test_newton_on_linear_cells(four_sides):
    crossbar = sample_crossbar(6, 12, 9, four_sides=four_sides)
    volts = sample_voltages(6, 12)
    solution, known = (xbarsim.solve(crossbar, volts, method=method) for method in ("newton", "reference"))
    assert solution.method == "newton"
    same(solution, known, np.abs(known.end_currents["word_left"]).max())


LIMITS = {
    # sinh(x) = x + x^3 / 6 with x = 1e-7 at most.
    "sinh": (Sinh(1e7), 1e-13),
    # In series with 1 mS at most stands v0 / i0 = 1e-12 ohm.
    "selector": (Selector(1e12, 1.0), 1e-12),
    # As sinh, and a2 = a1.
    "yakopcic": (Yakopcic(1e-5, 1e-5, 1e-7), 1e-13),
    # A channel of 1 / (kp Vov) = 1e-10 ohm in series.
    "transistor": (Transistor(1e10, kp=1.0), 1e-12),
    "table": (Table([-2.0, -0.5, 1.0, 3.0], [-2e-4, -0.5e-4, 1e-4, 3e-4]), 1e-15),
    "law": (Law(quadratic, k=0.0), 0.0),
}


@pytest.mark.parametrize("name", LIMITS)
def test_linear_limits(name):
    """A factor that is lost in a law or between G and its parameters. What the law itself adds is bounded above."""
    device, off = LIMITS[name]
    crossbar, volts = wired(device, 8, 11, four_sides=True)
    known = xbarsim.solve(dataclasses.replace(crossbar, device=Linear()), volts)
    same(xbarsim.solve(crossbar, volts), known, np.abs(known.end_currents["word_left"]).max(), off + 1e-12)


def test_below_threshold_cells_are_open():
    crossbar, volts = wired(Transistor(-2.0), 6, 4)
    solution = xbarsim.solve(crossbar, volts)
    assert not any(solution.end_currents[side].any() for side in SIDES)
    assert not solution.device_currents.any()
    close(solution.word_voltages, np.repeat(volts[:, None], 4, axis=1), 1.0, 1e-15)
    assert not solution.bit_voltages.any()


def test_rows_that_are_off():
    """A row whose gates are off must be a row of open cells, and leave the others alone."""
    gate = np.array([[1.5], [-2.0], [1.5], [1.2], [-2.0]])
    crossbar, volts = wired(Transistor(gate, lam=0.1), 5, 6)
    g = np.where(gate < 0, 0.0, crossbar.conductance)
    known = xbarsim.solve(
        Crossbar(g, **parts(crossbar), device=Transistor(1.5 * (gate > 1.4) + 1.2 * (gate < 1.4), lam=0.1)), volts
    )
    solution = xbarsim.solve(crossbar, volts)
    same(solution, known, np.abs(known.currents).max())
    assert not solution.device_currents[[1, 4]].any()


def parts(crossbar):
    return {name: getattr(crossbar, name) for name in ("word_wire", "bit_wire", "driver", "sense", "ends")}


@pytest.mark.parametrize("name", ["sinh", "steep sinh", "selector", "law"])
def test_odd_laws_are_odd(name):
    """A branch of the sign, or a path of Newton's steps that depends on it."""
    crossbar, volts = wired(DEVICES[name], 7, 9)
    solution, turned = xbarsim.solve(crossbar, volts), xbarsim.solve(crossbar, -volts)
    for field in ("currents", *FIELDS):
        np.testing.assert_array_equal(getattr(turned, field), -getattr(solution, field), err_msg=field)


@pytest.mark.parametrize("name", TWO_TERMINAL)
def test_transposition(name):
    """Word and bit lines exchanged: every cell is turned round, so its law must be too."""
    device, turned_device = {
        "yakopcic": (Yakopcic(1e-5, 3e-5, 2.0), Yakopcic(3e-5, 1e-5, 2.0)),
        "table": (DEVICES["table"], Table(-DEVICES["table"].voltage, -DEVICES["table"].points)),
    }.get(name, (DEVICES[name], DEVICES[name]))
    crossbar, volts = wired(device, 6, 9, four_sides=True)
    side = crossbar.boundary
    # A state is G = a1 b x: a cell turned round has the other a, so the other G.
    g = crossbar.conductance.T * (3.0 if name == "yakopcic" else 1.0)
    turned = Crossbar(
        g,
        word_wire=crossbar.bit_wire.T,
        bit_wire=crossbar.word_wire.T,
        driver=side["bit_top"].resistance,
        ends={
            "word_right": side["bit_bottom"],
            "bit_top": LineEnds(volts, side["word_left"].resistance),
            "bit_bottom": side["word_right"],
        },
        device=turned_device,
    )
    a, b = xbarsim.solve(crossbar, volts), xbarsim.solve(turned, side["bit_top"].voltage)
    largest = np.abs(a.end_currents["word_left"]).max()
    for here, there in zip(SIDES, ("bit_top", "bit_bottom", "word_left", "word_right"), strict=True):
        close(b.end_currents[there], a.end_currents[here], largest)
    close(b.word_voltages, a.bit_voltages.T, 1.0)


@pytest.mark.parametrize("name", NONLINEAR)
def test_permutation(name):
    """Ideal wires: rows and columns may change places, with their parameters."""
    rng = np.random.default_rng(8)
    crossbar, volts = wired(DEVICES[name], 6, 8)
    bare = {"driver": crossbar.driver, "sense": crossbar.sense}
    rows, cols = rng.permutation(6), rng.permutation(8)
    known = xbarsim.solve(Crossbar(crossbar.conductance, **bare, device=crossbar.device), volts)
    moved = {"driver": crossbar.driver[rows], "sense": crossbar.sense[cols]}
    solution = xbarsim.solve(
        Crossbar(crossbar.conductance[rows][:, cols], **moved, device=crossbar.device), volts[rows]
    )
    close(solution.currents, known.currents[cols], np.abs(known.currents).max())


@pytest.mark.filterwarnings("ignore::xbarsim.errors.ExtrapolationWarning")
@pytest.mark.parametrize("name", NONLINEAR)
def test_raising_a_source_never_lowers_its_current(name):
    """Cells that never fall make a circuit that never falls, seen from any source."""
    crossbar, volts = wired(DEVICES[name], 5, 4, four_sides=True)
    for row in (0, 3):
        swept = np.repeat(volts[None, :], 41, axis=0)
        swept[:, row] = np.linspace(-1.5, 1.5, 41)
        given = -xbarsim.solve(crossbar, swept).end_currents["word_left"][:, row]
        assert (np.diff(given) >= -1e-13 * np.abs(given).max()).all()
        assert given[-1] > given[0]


@pytest.mark.parametrize("name", NONLINEAR)
def test_no_wire_limit(name):
    """Ideal wires leave each cell its source's voltage: the law itself, with nothing solved."""
    crossbar, volts = wired(DEVICES[name], 6, 7)
    solution = xbarsim.solve(Crossbar(crossbar.conductance, device=crossbar.device), volts)
    cells = crossbar.device.current(crossbar.conductance, volts[:, None], 0.0)
    close(solution.currents, cells.sum(axis=0), np.abs(cells).sum(axis=0).max())
    close(-solution.end_currents["word_left"], cells.sum(axis=1), np.abs(cells).sum(axis=1).max())


def test_a_row_of_voltages_that_do_not_matter():
    """An undriven row ignores its source, and a batch axis of none has no numbers."""
    crossbar, volts = wired(Sinh(0.1), 4, 3)
    floating = dataclasses.replace(crossbar, driver=np.array([1.0, OPEN, 2.0, 3.0]))
    a, b = (xbarsim.solve(floating, volts + np.array([0.0, extra, 0.0, 0.0])) for extra in (0.0, 50.0))
    np.testing.assert_array_equal(a.currents, b.currents)
    assert a.end_currents["word_left"][1] == 0
    assert xbarsim.solve(crossbar, np.zeros((0, 4))).currents.shape == (0, 3)


def test_a_sweep_is_fine_grained():
    """Neighbouring voltages have neighbouring currents: no vector is answered from another's solution."""
    crossbar, volts = wired(Sinh(0.05), 5, 5)
    near = np.linspace(1.0, 1.0 + 1e-6, 9)[:, None] * volts
    currents = xbarsim.solve(crossbar, near).currents
    steps = np.diff(currents, axis=0)
    np.testing.assert_allclose(steps, np.repeat(steps[:1], 8, axis=0), rtol=1e-3)
