"""Where runs begin: operating points, held nodes, initial values, and what contradicts."""

import numpy as np
import pytest
from dynamics_tools import circuit_of, run, voltage

from xbarsim.errors import ConvergenceError, FloatingError, InputError, SolveError

DIVIDER = "v1 a 0 3\nr1 a b 1k\nl1 b d 1m\nr2 d 0 2k\nc1 b 0 1n"


def test_capacitors_are_open_and_inductors_shorted():
    circuit = circuit_of(DIVIDER, [1e-9])
    solution = run(circuit, 1e-6)
    # Nothing moves from there.
    for node, volts in {"a": 3.0, "b": 2.0, "d": 2.0}.items():
        np.testing.assert_allclose(voltage(circuit, solution, node), volts, rtol=1e-12)
    np.testing.assert_allclose(solution.amperes, [[-1e-3, 1e-3]] * len(solution.times), rtol=1e-12)


@pytest.mark.slow
def test_nodes_are_held_and_let_go():
    circuit = circuit_of("v1 a 0 1\nr1 a b 1k\nr2 b d 1k\nc1 d 0 1n", [1e-9])
    solution = run(circuit, 1e-5, initial={"d": 0.3}, relative=1e-5)
    np.testing.assert_allclose([voltage(circuit, solution, node)[0] for node in "bd"], [0.65, 0.3])
    np.testing.assert_allclose(voltage(circuit, solution, "d"), 1 - 0.7 * np.exp(-solution.times / 2e-6), rtol=1e-5)


def test_a_held_node_needs_no_other_path_to_ground():
    circuit = circuit_of("v1 a 0 pulse(1 2 1u 1n 1n 1)\nc1 a b 1n\nc2 b 0 3n", [1e-9, 3e-9])
    solution = run(circuit, 2e-6, initial={"b": 0.5})
    assert voltage(circuit, solution, "b")[0] == 0.5
    np.testing.assert_allclose(voltage(circuit, solution, "b")[-1], 0.75, rtol=1e-6)


def test_guesses_choose_one_of_two_states():
    """A latch of two inverting laws: nodesets say which way it stands."""
    cards = "b1 0 q i=1m*tanh(-5*v(p))\nr1 q 0 2k\nc1 q 0 1p\nb2 0 p i=1m*tanh(-5*v(q))\nr2 p 0 2k\nc2 p 0 1p"
    for sign in (1, -1):
        circuit = circuit_of(cards, [1e-12] * 2)
        solution = run(circuit, 1e-9, guesses={"q": 2.0 * sign, "p": -2.0 * sign})
        q = voltage(circuit, solution, "q")
        assert sign * q[0] > 1.9
        np.testing.assert_allclose(q, q[0], rtol=1e-9)


def test_initial_values_are_taken_as_they_are():
    circuit = circuit_of(DIVIDER, [1e-9], {"c1": 0.7}, {"l1": 1e-4})
    solution = run(circuit, 1e-6, uic=True)
    np.testing.assert_allclose([voltage(circuit, solution, node)[0] for node in "abd"], [3, 0.7, 0.2], rtol=1e-9)
    np.testing.assert_allclose(solution.amperes[0], [-2.3e-3, 1e-4], rtol=1e-9)


def test_initial_voltages_of_nodes_charge_capacitors():
    circuit = circuit_of(DIVIDER, [1e-9])
    solution = run(circuit, 1e-6, uic=True, initial={"b": 0.4})
    np.testing.assert_allclose(voltage(circuit, solution, "b")[0], 0.4, rtol=1e-9)
    assert abs(solution.amperes[0, 1]) < 1e-12


def test_what_nobody_gave_follows_the_sources():
    """A line's capacitor beside its source has that one's voltage, and currents are those after the jump."""
    circuit = circuit_of("v1 a 0 1\nc1 a 0 1p\nr1 a b 1k\nc2 b 0 1p", [1e-12] * 2)
    solution = run(circuit, 1e-9, uic=True)
    assert voltage(circuit, solution, "a")[0] == 1.0
    np.testing.assert_allclose(solution.amperes[0], -1e-3, rtol=1e-6)


@pytest.mark.parametrize(
    ("cards", "volts", "amperes", "words"),
    [
        ("v1 a 0 1\nc1 a 0 1n\nr1 a 0 1", {"c1": 0.25}, {}, [":3", "c1", "0.25 V", "v(a) = 1 V"]),
        ("v1 a 0 1\nr1 a b 1\nc1 b 0 1n\nc2 b 0 1n", {"c1": 1, "c2": 0}, {}, ["c1", "1 V", "v(b) = 0.5 V"]),
        ("i1 0 a 1\nl1 a b 1m\nr1 b 0 1", {}, {"l1": 0.5}, [":3", "l1", "0.5 A", "1 A"]),
    ],
)
def test_contradictions_are_named(cards, volts, amperes, words):
    count = cards.count("\nc")
    with pytest.raises(InputError) as error:
        run(circuit_of(cards, [1e-9] * count, volts, amperes), 1e-6, uic=True)
    assert all(word in str(error.value) for word in words), error.value


def test_agreeing_values_in_a_loop_are_fine():
    cards = "v1 a 0 1\nc1 a b 1n\nc2 b 0 1n\nc3 a 0 1n\nr1 b 0 1k"
    circuit = circuit_of(cards, [1e-9] * 3, {"c1": 0.75, "c2": 0.25, "c3": 1.0})
    assert abs(voltage(circuit, run(circuit, 1e-9, uic=True), "b")[0] - 0.25) < 1e-9


def test_nodes_that_sources_hold():
    circuit = circuit_of("v1 a 0 1\nr1 a b 1k\nc1 b 0 1n", [1e-9])
    assert run(circuit, 1e-6, initial={"a": 1.0}).complete
    with pytest.raises(InputError, match=r"v\(a\)=0.3, but sources hold that node at 1 V"):
        run(circuit, 1e-6, initial={"a": 0.3})
    joined = circuit_of("v1 a b 1\nr1 a 0 1k\nc1 b 0 1n", [1e-9])
    with pytest.raises(InputError, match=r"\.ic of a, b fixes"):
        run(joined, 1e-6, initial={"a": 0.3, "b": 0.1})


def test_only_capacitors_lead_to_a_node():
    circuit = circuit_of("v1 a 0 1\nc1 a b 1n\nc2 b x 1n\nr1 x b 1k", [1e-9] * 2)
    with pytest.raises(FloatingError, match=r"but through capacitors from nodes (b, x|x, b): .*uic") as error:
        run(circuit, 1e-6)
    assert sorted(error.value.nodes) == ["b", "x"]
    assert run(circuit, 1e-6, uic=True).complete


def test_inductors_side_by_side_have_no_operating_point():
    circuit = circuit_of("v1 a 0 1\nr1 a b 1\nl1 b 0 1m\nl2 b 0 3m")
    with pytest.raises(SolveError, match="l2 closes a loop"):
        run(circuit, 1e-6)
    solution = run(circuit, 1e-6, uic=True)
    np.testing.assert_allclose(solution.amperes[-1, 1], 3 * solution.amperes[-1, 2], rtol=1e-9)


@pytest.mark.slow
def test_no_operating_point_is_said():
    circuit = circuit_of("b1 0 x i=1+exp(v(x))\nr1 x 0 1meg\nc1 x 0 1n", [1e-9])
    with pytest.raises(ConvergenceError, match=r"no operating point.*b1.*uic"):
        run(circuit, 1e-6)
