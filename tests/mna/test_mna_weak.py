"""Circuits that are tied to ground through next to nothing: their common voltage is as right as every other."""

from itertools import pairwise

import numpy as np
import pytest
from mna_tools import exact, network, random_network
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim import mna
from xbarsim.analysis.simulate import simulate
from xbarsim.mna import Branches, System, basis

LEAKS = [1e6, 1e9, 1e12, 1e14, 1e16, 1e20, 1e30, 1e300]
"""Ohms beside some ohms: with conductances, 1e12 ohm leave 4 of 16 digits, and 1e16 ohm none."""


def agree(circuit, solution, digits=700):
    """All voltages and currents are those of exact arithmetic, to 1e-12 of the largest."""
    x = exact(circuit, digits)
    for got, known in ((solution.voltages[0], x[: circuit.nodes]), (solution.currents[0], x[circuit.nodes :])):
        np.testing.assert_allclose(got, known, rtol=0, atol=1e-12 * np.abs(known).max(initial=0.0))


def island(leak, *, driven):
    """A bridge with a source in it, on one leak; a current of its own makes 1 V of its ohms."""
    inside = [(1, 2, 1.0), (2, 3, 3.0), (2, 4, 7.0), (3, 4, 11.0), (1, 4, 2.0)]
    into = [(0, 2, driven / leak)] if driven else []
    return network(6, r=[*inside, (3, 0, leak), (5, 0, 1)], v=[(1, 4, 1), (5, 0, 1)], i=into)


@pytest.mark.parametrize("driven", [0.0, 1.7])
@pytest.mark.parametrize("leak", LEAKS)
def test_an_island_on_a_leak(leak, driven):
    circuit = island(leak, driven=driven)
    agree(circuit, mna.solve(circuit))


@pytest.mark.parametrize("leak", LEAKS)
@pytest.mark.parametrize("seed", range(3))
def test_random_islands_on_leaks(seed, leak):
    """Several leaks, so that the common voltage is no node's, to a circuit with every element."""
    rng = np.random.default_rng([seed, 7])
    inner = random_network(rng, gains=False)
    # Ground becomes node `nodes`; ground itself is behind leaks.
    top = inner.nodes

    def moved(part):
        return [(a or top, b or top, value) for a, b, value in zip(part.a, part.b, part.value, strict=True)]

    leaks = [(int(node), 0, leak * rng.uniform(1, 9)) for node in rng.choice(np.arange(1, top), 3, replace=False)]
    circuit = network(
        top + 1, [*moved(inner.resistors), *leaks], moved(inner.voltages), [*moved(inner.currents), (0, 1, 2 / leak)]
    )
    agree(circuit, mna.solve(circuit))


def test_islands_on_islands():
    """Each tied to the one before by 1e15 times less: the outermost common voltage is 1 V across 1e45 ohm."""
    r, top = [], 0
    for depth, (base, leak) in enumerate(pairwise([0, 1, 4, 7])):
        first = leak
        ohms = 10.0 ** (15 * depth)
        r += [(first, first + 1, 2 * ohms), (first + 1, first + 2, 3 * ohms), (first, first + 2, 5 * ohms)]
        r += [(first, base, 1e15 * ohms)]
        top = first + 2
    circuit = network(top + 1, r, i=[(0, top, 1e-45), (2, 3, 0.1)])
    agree(circuit, mna.solve(circuit))


def test_a_mesh_of_small_wires():
    """Loops of wires whose conductances would swamp what they are tied to."""
    for wire in (1e-6, 1e-12, 1e-20):
        tight = [(2, 3, wire), (3, 4, 2 * wire), (4, 2, 3 * wire)]
        circuit = network(5, [*tight, (1, 2, 1e6), (3, 0, 2e6), (4, 0, 3e6)], [(1, 0, 1.0)])
        agree(circuit, mna.solve(circuit))


def test_only_a_transconductance_to_ground():
    """G as a conductance of 1e-25 S: no resistor ties the bridge."""
    inside = [(1, 2, 1.0), (2, 3, 3.0), (1, 3, 7.0)]
    circuit = network(4, inside, i=[(0, 3, 2e-25), (1, 2, 0.5)], g=[(1, 0, 1e-25, 1, 0)])
    agree(circuit, mna.solve(circuit))


def test_gains_across_a_leak():
    """Every kind of controlled source between the island and the rest: their terms stand in the group's balance."""
    inside = [(1, 2, 1.0), (2, 3, 3.0), (2, 4, 7.0), (3, 4, 11.0), (1, 4, 2.0)]
    circuit = network(
        8,
        [*inside, (3, 0, 1e18), (5, 0, 1), (6, 0, 4), (7, 3, 5)],
        [(1, 4, 1), (5, 0, 1)],
        e=[(6, 0, 0.5, 2, 0)],
        g=[(2, 0, 1e-19, 6, 5)],
        f=[(0, 4, 1e-18, 1, 0)],
        h=[(7, 1, 0.3, 0, 0)],
    )
    agree(circuit, mna.solve(circuit))


def test_groups_are_made_where_they_are_needed():
    """Not on this side of the limit, nor for wires in a row: they would cost and gain nothing."""

    def groups(leak, *more):
        r = [(1, 2, 1.0), (2, 3, 1.0), (1, 3, 1.0), (3, 0, leak), *more]
        return System(network(4, r)).unknowns.groups.tolist()

    assert groups(0.5 * basis.WEAK) == []
    assert groups(2.0 * basis.WEAK) == [1]
    assert groups(2.0 * basis.WEAK, (1, 0, 5.0)) == []
    row = [(k, k + 1, 1e-9) for k in range(1, 5)] + [(k, 0, 1e3) for k in range(1, 6)]
    assert System(network(6, row)).unknowns.groups.tolist() == []


def test_ties_of_other_elements_count():
    """A diode's 1e-12 S is no path in the linear part; named as a tie it is, and makes a group."""
    circuit = network(4, r=[(1, 2, 1.0), (2, 3, 1.0), (1, 3, 1.0)])
    tie = Branches(np.array([2]), np.array([0]), np.array([1e-12]))
    assert System(circuit, tie).unknowns.groups.tolist() == [1]
    np.testing.assert_array_equal(System(circuit, tie).unknowns.members(1), [1, 2, 3])


def test_a_group_that_is_off_is_named(monkeypatch):
    """Its ties carry next to no current, so that what is wrong there shows in no node's balance."""
    apply = mna.Factors.apply

    def off(self, right):
        x = apply(self, right)
        x[0] += 1e-3  # the group's reference
        return x

    monkeypatch.setattr(mna.Factors, "apply", off)
    with pytest.raises(mna.UntrustedError) as caught:
        mna.solve(island(1e30, driven=1.0))
    assert caught.value.nodes == [1, 2, 3, 4]


def test_the_residual_sees_a_common_voltage_that_is_off():
    """1e-6 V on all four nodes: 1e-36 A that are missing."""
    circuit = island(1e30, driven=1.0)
    system = System(circuit)
    right = system.right(circuit.voltages.value[:, None], circuit.currents.value[:, None])
    x = system.factored().solve(right)
    judge = mna.Residual(system)
    assert judge.ratios(x, right).max() <= 1e-15
    x[system.unknowns.groups - 1] += 1e-6
    assert judge.ratios(x, right).max() >= 1e-7


WEAK_NETLIST = "v1 a b 1\nr1 a c 1k\nr2 c b 2.2k\nr3 c d 3.3k\nr4 d b 4.7k\nr5 d 0 {}\nrg e 0 1k\nv2 e 0 2\n.op"


@needs_ngspice
@pytest.mark.parametrize("ohms", [1e6, 1e9, 1e12])
def test_ngspice_agrees_where_it_can(tmp_path, ohms):
    """Its conductances of 1e-3 S leave an error of some 1e-19 S beside that of the leak; xbarsim's of 1e-23 S."""
    (ours,) = simulate(read_text(tmp_path, WEAK_NETLIST.format(ohms)), None)
    theirs = ngspice(tmp_path / "circuit.sp")
    inside = [(1, 3, 1e3), (3, 2, 2.2e3), (3, 4, 3.3e3), (4, 2, 4.7e3), (4, 0, ohms)]
    known = dict(zip("abcde", exact(network(6, [*inside, (5, 0, 1e3)], [(1, 2, 1), (5, 0, 2)]))[1:6], strict=True))
    for name, volts in zip(ours.nodes, ours.voltages[0], strict=True):
        assert abs(volts - known[name]) <= 1e-12
        assert abs(volts - theirs[f"v({name})"]) <= 1e-12 + 1e-18 * ohms
