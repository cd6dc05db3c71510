"""What simulate refuses, and what it hands out in which order."""

import numpy as np
import pytest

from xbarsim import Crossbar, LineEnds
from xbarsim.devices import VTEAM
from xbarsim.errors import InputError, SolveError
from xbarsim.transient import Recording, Stepper, simulate
from xbarsim.waves import Pulse, Sine

G = np.array([[1e-3, 2e-3, 3e-3], [4e-3, 5e-3, 6e-3]])
PLAIN = Crossbar(G)
MOVING = Crossbar(1.0 / np.linspace(2e3, 8e5, 6).reshape(2, 3), device=VTEAM())


@pytest.mark.parametrize(
    ("waves", "options", "message"),
    [
        ({}, {"stop": 0.0}, "stop is 0 s: it must be after the start"),
        ({}, {"stop": np.nan}, "stop is nan: it must be a finite number"),
        ({}, {"stop": 1.0, "start": 2.0}, "after the start, 2 s"),
        ({"left": 1.0}, {}, "waves has the key 'left'"),
        ({"word_left": [1.0]}, {}, r"waves\['word_left'\] has 1 waves: give one, or one for each of 2 lines"),
        ({"word_left": [1.0, "a"]}, {}, r"waves\['word_left'\]\[1\] is str"),
        ({"word_left": [1.0, np.nan]}, {}, r"waves\['word_left'\]\[1\] is nan"),
        ({"word_left": (np.array([0, 1]), np.array([0, 1, 2]))}, {}, r"times \(2,\) and values \(3,\)"),
        ({"word_left": (np.array([1, 0]), np.array([0, 1]))}, {}, "must not decrease"),
        ({}, {"reltol": 0.0}, "reltol is 0.0: it must be above 0"),
        ({}, {"max_step": -1.0}, "max_step is -1.0"),
        ({}, {"word_capacitance": -1e-15}, "word_capacitance is -1e-15"),
        ({}, {"bit_capacitance": np.ones((3, 3))}, r"bit_capacitance has shape \(3, 3\)"),
        ({}, {"initial": "zero"}, "initial is 'zero'"),
        ({}, {"initial_states": 0.5}, "has no state"),
        ({}, {"record": Recording(cells=[(2, 0)])}, r"record.cells has \(2, 0\)"),
        ({}, {"record": Recording(node_voltages=[(0, 0)])}, "record.node_voltages"),
        ({}, {"record": Recording(states_at=[2.0])}, "record.states_at has 2 s"),
        ({}, {"record": Recording(currents=["left"])}, "record.currents has 'left'"),
    ],
)
def test_bad_arguments_are_named(waves, options, message):
    with pytest.raises(InputError, match=message):
        simulate(PLAIN, waves, **({"stop": 1.0} | options))


def test_states_beyond_their_bounds_are_named():
    with pytest.raises(InputError, match=r"initial_states\[0, 0\] is 1: it must be within 0 and 3e-09"):
        simulate(MOVING, {}, 1.0, initial_states=1.0)


def test_sources_that_0_ohm_joins_are_refused_when_they_differ():
    crossbar = Crossbar(G, ends={"word_right": LineEnds(0.0, 0.0)})
    with pytest.raises(SolveError, match=r"word_left\[0\] and word_right\[0\] are joined"):
        simulate(crossbar, {"word_left": Pulse(0, 1, 0.5, 0.1, 0.1, 0.1, 1)}, 1.0)


def test_waves_are_one_for_all_or_one_for_each_line():
    one = simulate(PLAIN, {"word_left": Sine(0, 1, 1)}, 0.2)
    each = simulate(PLAIN, {"word_left": [Sine(0, 1, 1), Sine(0, 1, 1)]}, 0.2)
    np.testing.assert_allclose(one.currents[-1], each.currents[-1], rtol=1e-12)
    points = simulate(PLAIN, {"word_left": [(np.array([0, 0.2]), np.array([0, 0.4])), 0.1]}, 0.2)
    np.testing.assert_allclose(points.currents[-1], np.array([0.4, 0.1]) @ G, rtol=1e-9)


def test_what_is_recorded_is_in_the_order_of_the_request():
    record = Recording(
        currents=("bit_bottom",), cells=[(1, 2), (0, 0)], node_voltages=[("bit", 1, 1), ("word", 0, 2)],
        states_at=[2e-7, 1e-7],
    )  # fmt: skip
    transient = simulate(MOVING, {"word_left": [-1.5, 1.5]}, 3e-7, record=record)
    assert list(transient.end_currents) == ["bit_bottom"]
    np.testing.assert_array_equal(transient.snapshot_times, [1e-7, 2e-7])
    assert set(transient.snapshot_times) <= set(transient.times)
    assert transient.cell_states[-1, 0] == transient.states[1, 2]
    assert transient.cell_states[-1, 1] == transient.states[0, 0]
    np.testing.assert_allclose(transient.cell_voltages[-1], [1.5, -1.5])
    np.testing.assert_allclose(transient.node_voltages[-1], [0.0, -1.5], atol=1e-12)
    np.testing.assert_allclose(
        transient.cell_currents[-1], transient.cell_voltages[-1] * transient.conductance[[1, 0], [2, 0]], rtol=1e-6
    )
    assert transient.times[0] == 0.0


def test_a_line_that_nothing_ties_keeps_its_charge():
    """A floating word line between two capacitances is a divider."""
    crossbar = Crossbar(np.zeros((1, 1)), driver=np.inf, ends={"bit_bottom": LineEnds(0.0, 50.0)})
    transient = simulate(
        crossbar, {"bit_bottom": (np.array([0, 1e-9]), np.array([0, 1.0]))}, 5e-8, word_capacitance=1e-12,
        cell_capacitance=3e-12, record=Recording(node_voltages=[("word", 0, 0)]), reltol=1e-6,
    )  # fmt: skip
    assert transient.node_voltages[-1, 0] == pytest.approx(0.75, abs=1e-5)


def test_pulses_one_after_the_other_are_one_transient():
    """A stepper that holds and ramps its sources, as a write does, against waves."""
    stepper = Stepper(MOVING, reltol=1e-5)
    stepper.ramp({"word_left": [-1.5, 0.5]}, 1e-8)
    stepper.hold({}, 1e-7)
    stepper.ramp({"word_left": 0.0}, 1e-8)
    stepper.hold({"bit_bottom": [1.2, 0.0, 0.0]}, 5e-8)
    left = np.array([0, 1e-8, 1.1e-7, 1.2e-7])
    waves = {
        "word_left": [(left, np.array([0, -1.5, -1.5, 0])), (left, np.array([0, 0.5, 0.5, 0]))],
        "bit_bottom": [(np.array([0, 1.2e-7, 1.2e-7, 2e-7]), np.array([0, 0, 1.2, 1.2])), 0.0, 0.0],
    }
    transient = simulate(MOVING, waves, 1.7e-7, reltol=1e-5)
    np.testing.assert_allclose(stepper.states, transient.states, rtol=0, atol=1e-5 * 3e-9)
    total = sum(joules.sum() for joules in stepper.source_energy.values())
    assert total == pytest.approx(sum(joules.sum() for joules in transient.source_energy.values()), rel=1e-4)
    with pytest.raises(InputError, match="no side 'left'"):
        stepper.hold({"left": 1.0}, 1e-9)
    with pytest.raises(InputError, match="seconds is 0"):
        stepper.hold({}, 0.0)
