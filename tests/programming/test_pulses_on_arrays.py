"""One pulse: against other integrations, and what must hold of any."""

from types import SimpleNamespace

import numpy as np
import pytest
from programming_reference import across, pulse_by_scipy

from xbarsim import Crossbar
from xbarsim.devices import VTEAM, IonDrift, Linear
from xbarsim.errors import InputError
from xbarsim.kernels import kirchhoff
from xbarsim.programming import VerifyRead, WritePulse, apply, port_view
from xbarsim.programming.line_bias import LineBias
from xbarsim.programming.pulsed_array import PulsedArray
from xbarsim.programming.verify_read import ArrayReads
from xbarsim.schemes import read, scheme_of
from xbarsim.transient.simulation import simulate
from xbarsim.waves import Piecewise

SPAN = 3e-9


def array(wires=2.0, low=1e-5, high=3e-4, shape=(3, 4), seed=3, device=None):
    rng = np.random.default_rng(seed)
    rows, cols = shape
    return Crossbar(
        10 ** rng.uniform(np.log10(low), np.log10(high), shape),
        word_wire=wires * rng.uniform(0.5, 2, (rows, cols - 1)), bit_wire=wires * rng.uniform(0.5, 2, (rows - 1, cols)),
        driver=5 * rng.uniform(0.5, 2, rows), sense=5 * rng.uniform(0.5, 2, cols), device=device or VTEAM(),
    )  # fmt: skip


EDGES = {"rise": 1e-9, "width": 6e-9, "fall": 2e-9}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("amplitude", "cells", "scheme", "disturbs"),
    [
        (1.1, [(1, 2)], "half", False),
        (-0.9, [(0, 0)], "third", False),
        (1.1, [(0, 1), (0, 3)], "half", False),
        (1.6, [(1, 2)], "half", True),
        (-1.0, [(1, 1)], "grounded", True),
    ],
)
def test_a_pulse_is_what_scipy_integrates(amplitude, cells, scheme, disturbs):
    """States of all cells, half-selected ones too, and the sources' energy, on equations written anew."""
    crossbar = array()
    pulsed = PulsedArray(crossbar, reltol=1e-8)
    before = pulsed.states.copy()
    pulse = WritePulse(cells, amplitude, **EDGES)
    effect = pulsed.pulse(pulse, LineBias(crossbar, scheme_of(scheme)))
    states, joules = pulse_by_scipy(crossbar, before, cells, scheme, amplitude, (1e-9, 6e-9, 2e-9))
    # The reference is right to 1e-7: kinks at thresholds lie inside its steps.
    assert np.abs(pulsed.states - states).max() < 1e-6 * SPAN
    assert effect.source_joules == pytest.approx(joules, rel=1e-4, abs=0.0)
    assert (effect.moved is not None) == disturbs
    moved = np.abs(states - before)
    assert (np.delete(moved.ravel(), [i * 4 + j for i, j in cells]).max() > 1e-4 * SPAN) == disturbs
    assert effect.residual < 1e-7


def test_a_pulse_is_what_simulate_makes_of_its_waveform():
    """The network of the selected cell against steps of the whole array."""
    crossbar = array()
    pulse = WritePulse((1, 2), 1.1, **EDGES)
    written = apply(crossbar, [pulse], reltol=1e-8)
    bias = LineBias(crossbar, scheme_of("half")).select([1], [2])
    times = np.cumsum([0.0, 1e-9, 6e-9, 2e-9])
    shares = np.array([0.0, 1.1, 1.1, 0.0])
    waves = {
        side: [Piecewise(times, volts * shares) for volts in bias.volts[side]] for side in ("word_left", "bit_bottom")
    }
    whole = simulate(bias.crossbar, waves, times[-1], reltol=1e-8)
    assert np.abs(written.states - whole.states).max() < 1e-6 * SPAN
    delivered = sum(float(joules.sum()) for joules in whole.source_energy.values())
    assert written.energy.sum() == pytest.approx(delivered, rel=1e-4, abs=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("reltol", [1e-4, 1e-5])
def test_a_cell_leaves_a_bound_where_its_motion_faded_when_it_should(reltol):
    """With Joglekar's window ``ln(y / (1 - y))`` goes on at ``4 k / span``: equal pulses both ways undo each other."""
    device = VTEAM(window="joglekar")
    crossbar = Crossbar(device.conductance([[0.4 * SPAN]]), device=device)
    pulsed, bias = PulsedArray(crossbar, reltol=reltol), LineBias(crossbar, scheme_of("half"))
    seconds = 4e-7
    pulsed.pulse(WritePulse((0, 0), 1.1, seconds), bias)
    gone = 4 * 0.1 / SPAN * (1.1 / 0.7 - 1) ** 3 * seconds
    left = 1 / (1 + np.exp(np.log(0.4 / 0.6) + gone))
    assert left < 1e-4
    assert 1 - pulsed.states.item() / SPAN == pytest.approx(left, rel=10 * reltol)
    pulsed.pulse(WritePulse((0, 0), -1.1, seconds), bias)
    assert pulsed.states.item() / SPAN == pytest.approx(0.4, abs=reltol)


def test_a_network_whose_currents_may_be_wrong_is_not_used(monkeypatch):
    """Neither for pulses nor for reads: the whole array is, and says the same."""
    crossbar, pulse = array(), WritePulse((1, 2), 1.1, **EDGES)
    bias, how = LineBias(crossbar, scheme_of("half")), VerifyRead("wires", 0.1)
    quick = PulsedArray(crossbar, reltol=1e-6)
    assert quick.pulse(pulse, bias).moved is None
    error = kirchhoff.current_error
    doubtful = SimpleNamespace(current_error=lambda *args: error(*args) + 1e-10)
    monkeypatch.setattr(port_view, "kirchhoff", doubtful)
    whole = PulsedArray(crossbar, reltol=1e-6)
    assert whole.ports(bias.select([1], [2]), [(1, 2)]) is None
    assert whole.pulse(pulse, bias).moved is not None
    assert np.abs(whole.states - quick.states).max() < 1e-5 * SPAN
    reads = ArrayReads(whole, how)
    seen = read(crossbar.with_cells(whole.siemens), "grounded", (1, 2), 0.1)
    assert reads.cell((1, 2)) == pytest.approx(seen.selected_current / 0.1, rel=1e-12)
    assert reads.residual == pytest.approx(seen.solution.residual)


def test_half_selected_cells_below_their_threshold_stay_exactly():
    """Not a digit of any other state changes, with wires and without."""
    for wires in (0.0, 2.0):
        crossbar = Crossbar(array().conductance, word_wire=wires, bit_wire=wires, device=VTEAM())
        before = PulsedArray(crossbar).states
        written = apply(crossbar, [WritePulse((1, 2), 1.3, 1e-8), WritePulse((0, 0), -1.3, 1e-8)])
        moved = written.states != before
        assert moved.sum() == 2
        assert moved[1, 2]
        assert moved[0, 0]
        assert (written.disturbance == 0).all()
        assert (written.conductance == crossbar.conductance).sum() == 10


def test_energy_without_wires_is_all_in_the_cells():
    """Sources deliver what cells dissipate; of the selected one it is said apart."""
    crossbar = Crossbar(array().conductance, device=VTEAM())
    pulse = WritePulse((1, 2), 1.1, 6e-9)
    written = apply(crossbar, [pulse], reltol=1e-9)
    words, bits = np.array([0.5, 1.0, 0.5]), np.array([0.5, 0.5, 0.0, 0.5])
    volts = 1.1 * (words[:, None] - bits)
    others = crossbar.conductance * volts**2 * 6e-9
    others[1, 2] = 0.0
    assert written.energy[1, 2] == pytest.approx(others.sum() + written.log.cell_energy[1, 2], rel=1e-9)


def test_wires_take_the_rest_of_the_energy():
    """With wires the cell gets less, and the sources' power is that of the nodal equations."""
    crossbar = array(wires=30.0)
    pulse = WritePulse((2, 3), 0.5, 1e-8)  # nothing moves: power is constant
    written = apply(crossbar, [pulse])
    words, bits = np.array([0.5, 0.5, 1.0]), np.array([0.5, 0.5, 0.5, 0.0])
    v, power = across(crossbar, crossbar.conductance, 0.5 * words, 0.5 * bits)
    assert written.energy[2, 3] == pytest.approx(power * 1e-8, rel=1e-9)
    assert written.log.cell_energy[2, 3] == pytest.approx(crossbar.conductance[2, 3] * v[2, 3] ** 2 * 1e-8, rel=1e-9)
    assert written.log.arrived[2, 3] == pytest.approx(v[2, 3], rel=1e-9)


def test_counts_of_pulses_and_half_selects():
    """Each pulse counts for its cells, and for the others of its lines."""
    written = apply(array(), [WritePulse((1, 2), 0.5, 1e-9), WritePulse([(0, 0), (0, 3)], 0.5, 1e-9)])
    assert written.pulses.tolist() == [[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert written.log.half_selects.tolist() == [[0, 1, 2, 0], [2, 1, 0, 2], [1, 0, 1, 1]]


def test_stuck_cells_stay_whatever_arrives():
    """By either way through a pulse."""
    crossbar = array()
    stuck = np.zeros((3, 4), bool)
    stuck[1, 2] = stuck[1, 0] = True
    before = PulsedArray(crossbar).states
    for amplitude in (1.2, 1.9):
        written = apply(crossbar, [WritePulse((1, 2), amplitude, 6e-9)], stuck=stuck)
        assert (written.states[stuck] == before[stuck]).all()
    assert (written.states[1] != before[1]).sum() == 2  # at 1.9 V the row's free cells are disturbed


def test_cells_without_thresholds_all_move():
    """Ion drift: every cell's charge counts, and every disturbance is told."""
    crossbar = array(low=1e-4, high=5e-3, device=IonDrift())
    written = apply(crossbar, [WritePulse((1, 2), 1.0, 1e-6)])
    others = np.delete(written.disturbance.ravel(), 6)
    assert (others > 0).all()
    assert written.disturbance[1, 2] == 0


@pytest.mark.parametrize("device", [VTEAM(), IonDrift()], ids=["at ports", "in time"])
def test_volts_that_arrive_count_from_the_first_moment(device):
    """A pulse without a rise has most across a cell that turns on before it turns on."""
    crossbar = array(low=3e-4, high=6e-4, wires=20.0, device=device)
    amplitude = -1.2 if device.thresholds is not None else 1.2
    written = apply(crossbar, [WritePulse((1, 2), amplitude, 3e-9 if device.thresholds is not None else 2e-3)])
    words, bits = np.array([0.5, 1.0, 0.5]), np.array([0.5, 0.5, 0.0, 0.5])
    first, _ = across(crossbar, crossbar.conductance, amplitude * words, amplitude * bits)
    last, _ = across(crossbar, written.conductance, amplitude * words, amplitude * bits)
    assert abs(last[1, 2]) < 0.999 * abs(first[1, 2])
    assert written.log.arrived[1, 2] == pytest.approx(first[1, 2], rel=1e-8)


def test_a_cell_beyond_its_threshold_at_the_first_moment_alone_is_seen():
    """The selected cell turns on, wires take more, and its neighbour falls below its threshold amid the pulse."""
    siemens = np.array([[5e-4, 1.1e-4, 1.1e-4], [2e-4, 2e-4, 2e-4]])
    wires = {"word_wire": 1.0, "bit_wire": 1.0, "driver": 20.0, "sense": 1.0}
    volts, _ = across(Crossbar(siemens, **wires), siemens, np.array([-1.0, -0.5]), np.array([0.0, -0.5, -0.5]))

    def moved(factor):
        v_on = np.full((2, 3), -0.7)
        v_on[0, 1] = factor * volts[0, 1]
        device = VTEAM(r_off=1e4, v_on=v_on, v_off=5.0, alpha_on=1.0, k_on=-0.002)
        crossbar = Crossbar(siemens, **wires, device=device)
        pulsed = PulsedArray(crossbar)
        return pulsed.pulse(WritePulse((0, 0), -1.0, 2e-8), LineBias(crossbar, scheme_of("half"))).moved

    assert moved(0.9999) is not None
    assert moved(1.0001) is None


def test_gaps_and_jumps():
    """Edges of no length, and time at 0 V, which moves nothing here."""
    crossbar = array()
    a, b = (apply(crossbar, [WritePulse((1, 2), 1.1, 6e-9, gap=gap)]) for gap in (0.0, 1e-6))
    assert (a.states == b.states).all()
    assert (a.energy == b.energy).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 1), 0.0, 1e-9), "amplitude is 0.0"),
        (((0, 1), 1.0, -1e-9), "width is -1e-09"),
        (((0, 1), 1.0, 1e-9, -1.0), "rise is -1.0"),
        (([(0, 1), (1, 0)], 1.0, 1e-9), "several rows and columns"),
        (([(0, 1), (0, 1)], 1.0, 1e-9), "twice"),
        (([], 1.0, 1e-9), "empty"),
        (((0.5, 1), 1.0, 1e-9), "whole numbers"),
        (((0, 1), "1", 1e-9), "amplitude is '1'"),
    ],
)
def test_pulses_that_are_none(arguments, message):
    """Each is refused by its name."""
    with pytest.raises(InputError, match=message):
        WritePulse(*arguments)


def test_arrays_that_take_no_pulses():
    """Cells without a state, ends of their own, pulses outside, and tables of another shape."""
    good = WritePulse((0, 0), 1.0, 1e-9)
    with pytest.raises(InputError, match=r"linear have no state that moves: pulses write .*vteam"):
        apply(Crossbar(np.ones((2, 2)), device=Linear()), [good])
    with pytest.raises(InputError, match=r"cell \[3, 0\] is outside"):
        apply(array(), [WritePulse((3, 0), 1.0, 1e-9)])
    with pytest.raises(InputError, match=r"pulses has shape \(1, 3\)"):
        apply(array(), np.ones((1, 3)))
    with pytest.raises(InputError, match=r"pulses\[0\] is for cell 0.5, 0"):
        apply(array(), [[0.5, 0, 1.0, 1e-9]])
    with pytest.raises(InputError, match="stuck is float64"):
        apply(array(), [good], stuck=np.ones((3, 4)))
    rows = apply(array(), [[1, 2, 1.1, 6e-9, 1e-9, 2e-9]])
    assert (rows.states == apply(array(), [WritePulse((1, 2), 1.1, 6e-9, 1e-9, 2e-9)]).states).all()
