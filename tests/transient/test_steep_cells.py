"""Cells without a state, and laws that are steep or run away: a solve's answer, or an error that says why."""

import numpy as np
import pytest
from scipy.integrate import quad

import xbarsim
from xbarsim import Crossbar, devices
from xbarsim.errors import TimeStepError
from xbarsim.transient import Recording, simulate

ROWS, COLS = 4, 5


def array(device, seed=2, **more):
    siemens = 10 ** np.random.default_rng(seed).uniform(-6, -3, (ROWS, COLS))
    return Crossbar(siemens, word_wire=10.0, bit_wire=20.0, driver=30.0, sense=5.0, device=device, **more)


def jump(volts):
    return (np.array([0, 1e-7, 1e-7, 1e-6]), np.array([0, 0, volts, volts]))


@pytest.mark.slow
@pytest.mark.parametrize("farads", [0.0, 1e-15])
@pytest.mark.parametrize(
    "device", [devices.Sinh(0.25), devices.Sinh(0.02), devices.Selector(1e-6, 0.1), devices.Transistor(1.5)]
)
def test_after_a_jump_all_is_as_solved(device, farads):
    crossbar = array(device)
    volts = np.random.default_rng(0).uniform(0.2, 1.0, ROWS)
    transient = simulate(
        crossbar, {"word_left": [jump(v) for v in volts]}, 1e-6, word_capacitance=farads, bit_capacitance=farads
    )
    solved = xbarsim.solve(crossbar, volts).currents
    np.testing.assert_allclose(transient.currents[-1], solved, rtol=0, atol=1e-5 * np.abs(solved).max())


def test_a_steep_operating_point_is_a_solve():
    crossbar = array(devices.Sinh(0.02))
    volts = [1.0, 0.8, -0.9, 0.3]
    transient = simulate(crossbar, {"word_left": volts}, 1e-9, word_capacitance=1e-15)
    solved = xbarsim.solve(crossbar, volts).currents
    np.testing.assert_allclose(transient.currents[0], solved, rtol=0, atol=1e-6 * np.abs(solved).max())
    np.testing.assert_allclose(transient.currents[-1], solved, rtol=0, atol=1e-4 * np.abs(solved).max())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vteam", "yakopcic", "stanford", "ion_drift", "sky130"])
@pytest.mark.parametrize(("volts", "seconds"), [(1.5, 1e-6), (-2.5, 1e-3)])
def test_every_model_switches_and_stays_within_its_bounds(name, volts, seconds):
    device = devices.model(name).from_options()
    low, high = device.bounds
    start = low + (high - low) * np.random.default_rng(1).uniform(0.2, 0.8, (ROWS, COLS))
    crossbar = array(device).with_cells(device.conductance(start))
    rough, fine = (
        simulate(crossbar, {"word_left": [volts, 0.5 * volts, 0.2 * volts, 0.0]}, seconds, reltol=reltol)
        for reltol in (1e-3, 1e-4)
    )
    assert np.abs(rough.states - fine.states).max() < 5e-3 * (high - low)
    assert (rough.states >= low).all()
    assert (rough.states <= high).all()
    assert np.abs(rough.states - start).max() > 1e-9 * (high - low)


def run_away(v, x, k):
    square = (0.8 - x) * (0.9 - x)
    return k / np.sqrt(square), 0.0 * v, 0.5 * k * (1.7 - 2.0 * x) / (square * np.sqrt(square))


def conduct(v, x, k):
    return (1e-6 + 1e-6 * x) * v, 1e-6 + 1e-6 * x, 1e-6 * v


def seconds(state, k):
    """From 0 to a state: ``int sqrt((0.8 - x) (0.9 - x)) dx / k``."""
    return quad(lambda x: np.sqrt((0.8 - x) * (0.9 - x)), 0.0, state)[0] / k


@pytest.mark.slow
def test_where_no_step_is_small_enough_what_was_computed_is_kept():
    """A state whose motion has a pole at 0.8, and is no number beyond it."""
    k = np.full((ROWS, COLS), 1e3)
    k[2, 3] = 1e6
    device = devices.DynamicLaw(conduct, run_away, low=0.0, high=1.0, k=k)
    crossbar = Crossbar(np.full((ROWS, COLS), 1e-6), device=device)
    with pytest.raises(TimeStepError, match=r"cell \[2, 3\]") as caught:
        simulate(crossbar, {"word_left": 1.0}, 1e-6, initial_states=0.0, record=Recording(cells=[(2, 3)]))
    kept = caught.value.transient
    assert not kept.complete
    assert caught.value.cell == (2, 3)
    assert caught.value.time == pytest.approx(seconds(0.8, 1e6), rel=1e-4)
    for time, (state,) in zip(kept.times[1:6], kept.cell_states[1:6], strict=True):
        assert time == pytest.approx(seconds(state, 1e6), rel=1e-3)
