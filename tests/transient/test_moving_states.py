"""Crossbars whose cells' states move, against scipy's Radau on dense nodal equations."""

import numpy as np
import pytest
from transient_tools import DenseNetwork

from xbarsim import Crossbar, LineEnds
from xbarsim.devices import VTEAM
from xbarsim.transient import Recording, Stepper, simulate
from xbarsim.waves import Pulse, Sine

ROWS, COLS = 3, 4
OFF, ON = 3e-9, 0.0
RATES = {"k_on": -4e-3, "k_off": 2e-3, "v_on": -0.5, "v_off": 0.4}
R_ON, R_OFF = 1e3, 2e4


def vteam(**more):
    return VTEAM(
        r_on=R_ON, r_off=R_OFF, **RATES, alpha_on=3, alpha_off=2, x_on=ON, x_off=OFF, window="prodromakis", exponent=2,
        **more,
    )  # fmt: skip


def siemens(x):
    return 1.0 / (R_ON + (R_OFF - R_ON) * x / OFF)


def motion(v, x):
    """VTEAM with Prodromakis' window, as published."""
    y = x / OFF
    window = 1 - ((y - 0.5) ** 2 + 0.75) ** 2
    grow = RATES["k_off"] * np.maximum(v / RATES["v_off"] - 1, 0) ** 2
    shrink = RATES["k_on"] * np.maximum(v / RATES["v_on"] - 1, 0) ** 3
    return (grow + shrink) * window


def circuit(seed=3):
    rng = np.random.default_rng(seed)
    x0 = rng.uniform(0.2, 0.8, (ROWS, COLS)) * OFF
    word, bit = rng.uniform(5, 60, (ROWS, COLS - 1)), rng.uniform(5, 60, (ROWS - 1, COLS))
    ohms = {"word_left": rng.uniform(1, 20, ROWS), "bit_bottom": rng.uniform(1, 20, COLS)}
    crossbar = Crossbar(
        siemens(x0), word_wire=word, bit_wire=bit, ends={side: LineEnds(0.0, r) for side, r in ohms.items()},
        device=vteam(),
    )  # fmt: skip
    return crossbar, DenseNetwork(ROWS, COLS, word, bit, ohms), x0


WRITE = Pulse(0.0, 1.3, 0.0, 2e-7, 1e-7, 5e-7, 1.0)
ERASE = Pulse(0.0, -1.6, 9e-7, 1e-7, 1e-7, 4e-7, 1.0)
STOP = 1.6e-6


def waves():
    return {"word_left": [WRITE, 0.1, ERASE], "bit_bottom": [0.0, 0.2, 0.0, -0.3]}


def volts_at(time):
    left = [wave if isinstance(wave, float) else float(wave.at(np.array([time]))[0]) for wave in waves()["word_left"]]
    return {"word_left": np.array(left), "bit_bottom": np.array(waves()["bit_bottom"])}


CORNERS = np.array([0.0, 2e-7, 7e-7, 8e-7, 9e-7, 1e-6, 1.4e-6, 1.5e-6, STOP])


@pytest.fixture(scope="module")
def reference():
    _, dense, x0 = circuit()
    return dense.states(siemens, motion, volts_at, x0, CORNERS)


@pytest.mark.slow
@pytest.mark.parametrize("reltol", [1e-3, 1e-4, 1e-6])
def test_states_follow_their_equations(reference, reltol):
    crossbar, _, x0 = circuit()
    transient = simulate(crossbar, waves(), STOP, reltol=reltol, record=Recording(states_at=CORNERS[1:]))
    assert np.abs(reference[-1] - x0).max() > 0.3 * OFF
    for time, states, expected in zip(transient.snapshot_times, transient.snapshots, reference, strict=True):
        assert np.abs(states - expected).max() < 10 * reltol * OFF, time  # errors of some tens of steps
    assert transient.residual < 0.1 * reltol


@pytest.mark.slow
def test_steps_are_of_third_order_with_states_too():
    """Where laws are smooth: sources stay, and no cell comes to a threshold."""
    crossbar, dense, x0 = circuit()
    volts = {"word_left": np.array([1.3, 0.1, 0.8]), "bit_bottom": np.zeros(COLS)}
    expected = dense.states(siemens, motion, lambda time: volts, x0, [0.0, 4e-7])[0]
    errors = []
    for step in (5e-8, 2.5e-8):
        stepper = Stepper(crossbar, reltol=0.1, max_step=step)
        stepper.stages.tolerance = 1e-12
        stepper.hold(volts, 4e-7)
        errors.append(np.abs(stepper.states - expected).max())
    assert 6.5 < errors[0] / errors[1] < 9.5


def test_below_the_thresholds_nothing_moves():
    crossbar, _, _ = circuit()
    transient = simulate(crossbar, {"word_left": [0.3, -0.3, 0.1]}, 1.0)
    np.testing.assert_array_equal(transient.states, crossbar.device.state(crossbar.conductance))


@pytest.mark.slow
def test_no_period_of_a_sine_is_stepped_over():
    """Between ideal sources a cell goes by the mean of its motion, though no period moves it by as much as reltol."""
    device = VTEAM(k_off=1e-4, k_on=-5e-5)
    start, hertz, stop = 1e-9, 3e7, 2e-6
    transient = simulate(
        Crossbar(device.conductance([[start]]), device=device), {"word_left": [Sine(0.0, 1.2, hertz)]}, stop
    )
    over = 1.2 / 0.7 * np.sin(2 * np.pi * (np.arange(20000) + 0.5) / 20000)
    mean = (1e-4 * np.maximum(over - 1, 0) ** 3 - 5e-5 * np.maximum(-over - 1, 0) ** 3).mean()
    assert transient.states.item() - start == pytest.approx(mean * stop, rel=0.005)


def test_states_stop_at_their_bounds():
    crossbar, _, _ = circuit()
    device = VTEAM(r_on=R_ON, r_off=R_OFF, **RATES, alpha_on=3, alpha_off=2, x_on=ON, x_off=OFF)
    crossbar = crossbar.with_cells(crossbar.conductance, device)
    transient = simulate(crossbar, {"word_left": [3.0, -3.0, 0.0]}, 1e-5)
    assert (transient.states[0] == OFF).all()
    assert (transient.states[1] == ON).all()
    there_and_back = simulate(
        crossbar, {"word_left": [(np.array([0, 1e-5, 1e-5, 1.0001e-5]), np.array([3, 3, -3, -3])), 0.0, 0.0]}, 1.0001e-5
    )
    assert (there_and_back.states[0] < OFF).all()


def test_a_transient_is_the_same_in_pieces_and_again():
    crossbar, _, _ = circuit()
    whole = simulate(crossbar, waves(), STOP)
    again = simulate(crossbar, waves(), STOP, threads=2)
    np.testing.assert_array_equal(whole.states, again.states)
    first = simulate(crossbar, waves(), 7e-7)
    second = simulate(crossbar, waves(), STOP, start=7e-7, initial_states=first.states)
    np.testing.assert_allclose(second.states, whole.states, rtol=0, atol=3e-4 * OFF)


def test_many_short_pulses_add_up():
    """Each moves a half-selected cell by far less than the tolerance, and none of it is lost."""
    crossbar = Crossbar(np.full((2, 2), siemens(0.5 * OFF)), word_wire=1.0, bit_wire=1.0, device=vteam())
    stepper = Stepper(crossbar, reltol=1e-3)
    start = stepper.states.copy()
    for _ in range(300):
        stepper.hold({"word_left": [0.45, 0.0]}, 1e-11)
        stepper.hold({"word_left": 0.0}, 1e-11)
    moved = (stepper.states - start)[0]
    one = simulate(crossbar, {"word_left": [0.45, 0.0]}, 300e-11, reltol=1e-6)
    assert moved.max() < 1e-4 * OFF
    np.testing.assert_allclose(moved, (one.states - start)[0], rtol=1e-4)


def test_energy_goes_into_cells_and_wires():
    """Without wires and ends the cells take all that the sources deliver."""
    crossbar = Crossbar(circuit()[0].conductance, device=vteam())
    transient = simulate(crossbar, waves(), STOP, record=Recording(cell_energy=True))
    delivered = sum(joules.sum() for joules in transient.source_energy.values())
    # Both are quadratures of the same steps, whose errors go with reltol: 4e-5 of its 1e-4 here.
    assert delivered == pytest.approx(transient.cell_energy.sum(), rel=1e-8, abs=0.0)
    assert (transient.cell_energy > 0).all()


@pytest.mark.slow
def test_capacitance_slows_a_write_down():
    """Against the dense network with both, integrated as one stiff system."""
    from scipy.integrate import solve_ivp

    crossbar, dense, x0 = circuit()
    rng = np.random.default_rng(5)
    farads = rng.uniform(0.5e-10, 2e-10, (2, ROWS, COLS))
    across = rng.uniform(0.1e-10, 0.5e-10, (ROWS, COLS))
    capacity = np.linalg.inv(np.diag(farads.ravel()) + dense.cells(across))
    half, nodes = ROWS * COLS, 2 * ROWS * COLS

    def rate(time, y):
        x = np.clip(y[nodes:].reshape(ROWS, COLS) * OFF, ON, OFF)
        flow = dense.injected(volts_at(0.5e-6)) - (dense.wires + dense.cells(siemens(x))) @ y[:nodes]
        return np.concatenate([capacity @ flow, motion(dense.across(y[:nodes]), x).ravel() / OFF])

    start = np.concatenate([np.zeros(nodes), x0.ravel() / OFF])
    answer = solve_ivp(rate, (0, 3e-7), start, method="Radau", rtol=1e-8, atol=1e-10)
    transient = simulate(
        crossbar, {side: list(volts) for side, volts in volts_at(0.5e-6).items()}, 3e-7, initial="discharged",
        word_capacitance=farads[0], bit_capacitance=farads[1], cell_capacitance=across,
    )  # fmt: skip
    expected = answer.y[nodes:, -1].reshape(ROWS, COLS)
    assert np.abs(transient.states / OFF - expected).max() < 3e-4
    assert half == expected.size
