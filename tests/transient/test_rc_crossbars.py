"""Linear crossbars with capacitance, against matrix exponentials and ladders in closed form."""

import numpy as np
import pytest
from transient_tools import DenseNetwork

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.transient import Recording, Stepper, simulate
from xbarsim.waves import Pulse, Sine

ROWS, COLS = 3, 4


def unsymmetric(seed=0, right=np.inf):
    """A crossbar with nothing alike, its dense twin, and its capacitances."""
    rng = np.random.default_rng(seed)
    g = rng.uniform(1e-5, 1e-3, (ROWS, COLS))
    word, bit = rng.uniform(50, 200, (ROWS, COLS - 1)), rng.uniform(20, 90, (ROWS - 1, COLS))
    ohms = {side: rng.uniform(10, 60, n) for side, n in (("word_left", ROWS), ("bit_bottom", COLS), ("bit_top", COLS))}
    ohms["word_right"] = np.full(ROWS, right)
    ends = {side: LineEnds(0.0, ohms[side]) for side in ohms}
    crossbar = Crossbar(g, word_wire=word, bit_wire=bit, ends=ends)
    dense = DenseNetwork(ROWS, COLS, word, bit, {side: r for side, r in ohms.items() if np.isfinite(r).all()})
    farads = {
        "word_capacitance": rng.uniform(0.5e-12, 2e-12, (ROWS, COLS)),
        "bit_capacitance": rng.uniform(0.5e-12, 2e-12, (ROWS, COLS)),
        "cell_capacitance": rng.uniform(0.1e-12, 0.6e-12, (ROWS, COLS)),
    }
    return crossbar, dense, farads


VOLTS = {"word_left": np.array([1.0, 0.4, -0.3]), "bit_top": np.array([0.2, 0.0, -0.1, 0.3])}
SECONDS = 3e-10


def charged(crossbar, farads, **options):
    waves = {side: list(volts) for side, volts in VOLTS.items()}
    return simulate(crossbar, waves, SECONDS, initial="discharged", **farads, **options)


@pytest.mark.parametrize("right", [np.inf, 35.0])
@pytest.mark.parametrize("reltol", [1e-3, 1e-6])
def test_charging_is_a_matrix_exponential(right, reltol):
    crossbar, dense, farads = unsymmetric(right=right)
    transient = charged(crossbar, farads, reltol=reltol)
    nodes = dense.charged(
        crossbar.conductance, *(farads[f"{part}_capacitance"] for part in ("word", "bit", "cell")), VOLTS, SECONDS
    )
    expected = dense.end_currents(nodes, VOLTS)
    largest = max(np.abs(amperes).max() for amperes in expected.values())
    for side, amperes in expected.items():
        np.testing.assert_allclose(transient.end_currents[side][-1], amperes, rtol=0, atol=3 * reltol * largest)
    assert transient.residual < 0.1 * reltol
    assert transient.complete


@pytest.mark.slow
def test_steps_are_of_third_order():
    crossbar, dense, farads = unsymmetric()
    nodes = dense.charged(
        crossbar.conductance, *(farads[f"{part}_capacitance"] for part in ("word", "bit", "cell")), VOLTS, SECONDS
    )
    expected = dense.end_currents(nodes, VOLTS)["bit_bottom"]
    errors = []
    for steps in (200, 400):
        stepper = Stepper(crossbar, reltol=0.1, max_step=SECONDS / steps, **farads)
        stepper.stages.tolerance = 1e-11
        stepper.settle(stepper.volts, discharged=True)
        stepper.hold(VOLTS, SECONDS)
        errors.append(np.abs(stepper.end_currents["bit_bottom"] - expected).max())
    assert 6.5 < errors[0] / errors[1] < 9.5


def test_a_ladder_of_equal_parts_has_its_eigenvalues():
    """A word line whose cells are open: n resistors, n capacitors; in closed form (a discrete cosine series)."""
    n, ohms, farads, seconds = 6, 1e3, 1e-12, 4e-9
    crossbar = Crossbar(np.zeros((1, n)), word_wire=ohms, driver=ohms)
    transient = simulate(
        crossbar, {"word_left": 1.0}, seconds, initial="discharged", word_capacitance=farads, reltol=1e-7,
        record=Recording(node_voltages=[("word", 0, j) for j in range(n)]),
    )  # fmt: skip
    modes = (np.arange(n) + 0.5) * np.pi / (n + 0.5)
    shapes = np.sin(np.outer(np.arange(1, n + 1), modes))
    weights = np.linalg.solve(shapes, np.ones(n))
    decay = np.exp(-2 * (1 - np.cos(modes)) / (ohms * farads) * seconds)
    np.testing.assert_allclose(transient.node_voltages[-1], 1 - shapes @ (weights * decay), rtol=0, atol=1e-6)


def test_without_capacitance_each_moment_is_a_solve():
    crossbar, _, _ = unsymmetric()
    waves = {"word_left": [Sine(0.1, 1.0, 1e6), Pulse(0, 1, 1e-7, 1e-8, 1e-8, 3e-7, 1), 0.25]}
    transient = simulate(crossbar, waves, 1e-6, max_step=5e-8)
    for time, currents in zip(transient.times[1:], transient.currents[1:], strict=True):
        volts = [wave if isinstance(wave, float) else wave.at(np.array([time]))[0] for wave in waves["word_left"]]
        solved = xbarsim.solve(crossbar, volts).currents
        np.testing.assert_allclose(currents, solved, rtol=0, atol=1e-6 * np.abs(solved).max())


@pytest.mark.slow
def test_little_capacitance_is_next_to_none():
    """Lags are R C: halving the capacitance halves the distance from a solve."""
    crossbar, _, _ = unsymmetric()
    wave = {"word_left": [Sine(0.0, 1.0, 1e6), 0.3, Sine(0.2, 0.5, 2e6)]}
    none = simulate(crossbar, wave, 3e-7, reltol=1e-7).currents[-1]
    gaps = [
        np.abs(simulate(crossbar, wave, 3e-7, word_capacitance=c, reltol=1e-7).currents[-1] - none).max()
        for c in (2e-14, 1e-14)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.05)


@pytest.mark.slow
def test_sources_superpose():
    crossbar, _, farads = unsymmetric()
    pulse, ramp = Pulse(0, 1, 1e-11, 2e-11, 1e-11, 1e-10, 1), (np.array([0, 2e-10]), np.array([0, 0.7]))
    waves = {"word_left": [pulse, 0.0, 0.0]}, {"bit_top": ramp}
    options = {"stop": 3e-10, "reltol": 1e-6, **farads}
    parts = [simulate(crossbar, wave, **options) for wave in waves]
    both = simulate(crossbar, waves[0] | waves[1], **options)
    total = sum(part.currents[-1] for part in parts)
    np.testing.assert_allclose(both.currents[-1], total, rtol=0, atol=1e-5 * np.abs(both.currents).max())


def test_charge_goes_where_it_came_from():
    """What flows in while sources rise and fall flows out until all is at rest: each end's integral is a solve's."""
    crossbar, _, farads = unsymmetric()
    pulse = Pulse(0, 1, 1e-11, 2e-11, 2e-11, 5e-11, 1)
    transient = simulate(crossbar, {"word_left": [pulse, 0.0, 0.0]}, 1e-8, reltol=1e-6, **farads)
    area = 7e-11
    coulombs = np.trapezoid(transient.currents, transient.times, axis=0)
    expected = area * xbarsim.solve(crossbar, [1.0, 0.0, 0.0]).currents
    np.testing.assert_allclose(coulombs, expected, rtol=0, atol=2e-3 * np.abs(expected).max())
    assert np.abs(transient.currents[-1]).max() < 1e-5 * np.abs(transient.currents).max()


@pytest.mark.slow
def test_energy_is_dissipated_or_stored():
    """Sources deliver what cells, wires and ends turn into heat, and what capacitances hold."""
    crossbar, dense, farads = unsymmetric()
    transient = charged(crossbar, farads, reltol=1e-6, record=Recording(cell_energy=True))
    capacity = np.diag(np.concatenate([farads["word_capacitance"].ravel(), farads["bit_capacitance"].ravel()]))
    capacity += dense.cells(farads["cell_capacitance"])
    nodes = dense.charged(
        crossbar.conductance, *(farads[f"{part}_capacitance"] for part in ("word", "bit", "cell")), VOLTS, SECONDS
    )
    stored = 0.5 * nodes @ capacity @ nodes
    assert transient.stored_energy == pytest.approx(stored, rel=1e-5)
    times = np.concatenate([[0.0], np.geomspace(1e-16, SECONDS, 1200)])
    heat, power = np.zeros((ROWS, COLS)), []
    for time in times:
        at = dense.charged(
            crossbar.conductance, *(farads[f"{part}_capacitance"] for part in ("word", "bit", "cell")), VOLTS, time
        )
        out = dense.end_currents(at, VOLTS)
        power.append(-sum((VOLTS[side] * out[side]).sum() for side in VOLTS))
        heat = np.dstack([heat, crossbar.conductance * dense.across(at) ** 2])
    delivered = np.trapezoid(power, times)
    assert sum(joules.sum() for joules in transient.source_energy.values()) == pytest.approx(delivered, rel=1e-4)
    np.testing.assert_allclose(
        transient.cell_energy, np.trapezoid(heat[:, :, 1:], times, axis=2), rtol=2e-4, atol=1e-6 * heat.max() * SECONDS
    )
    assert delivered > stored
