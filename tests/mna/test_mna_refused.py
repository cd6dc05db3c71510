"""What the general solver must refuse: loops, floating nodes, singular equations, numbers that do not hold."""

import numpy as np
import pytest
from mna_tools import network, random_network

from xbarsim import mna
from xbarsim.errors import ConvergenceError, FloatingError, SolveError

LOOPS = {
    "two sources": (network(2, r=[(1, 0, 1)], v=[(1, 0, 1), (1, 0, 2)]), 1),
    "two equal sources": (network(2, r=[(1, 0, 1)], v=[(1, 0, 1), (1, 0, 1)]), 1),
    "a source across 0 ohm": (network(2, r=[(1, 0, 0)], v=[(1, 0, 1)]), 1),
    "0 ohm around": (network(4, r=[(1, 2, 0), (2, 3, 0), (3, 1, 0)], v=[(1, 0, 1)]), 3),
    "a source on one node": (network(2, r=[(1, 0, 1)], v=[(1, 1, 1)]), 0),
    "E beside V": (network(2, r=[(1, 0, 1)], v=[(1, 0, 1)], e=[(1, 0, 2, 1, 0)]), 1),
    "H beside V": (network(2, r=[(1, 0, 1)], v=[(1, 0, 1)], h=[(0, 1, 2, 0, 0)]), 1),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_refused(name):
    circuit, branch = LOOPS[name]
    with pytest.raises(mna.LoopError) as caught:
        mna.solve(circuit)
    assert caught.value.branch == branch


ISLAND = [(2, 3, 7.0), (3, 4, 5.0), (2, 4, 0.3), (2, 5, 11.0), (5, 3, 1.7), (4, 5, 2.9)]
BASE = [(1, 0, 1.0)]
FLOATING = {
    "resistors": (network(6, r=BASE + ISLAND, v=[(1, 0, 1)]), "2345"),
    "a source inside": (network(6, r=BASE + ISLAND, v=[(1, 0, 1), (3, 2, 1)]), "2345"),
    "a current source into it": (network(6, r=BASE + ISLAND, v=[(1, 0, 1)], i=[(0, 2, 1)]), "2345"),
    "F into it": (network(6, r=BASE + ISLAND, v=[(1, 0, 1)], f=[(0, 2, 1, 0, 0)]), "2345"),
    "no element": (network(3, r=BASE, v=[(1, 0, 1)]), "2"),
    "G elsewhere": (network(6, r=BASE + ISLAND, v=[(1, 0, 1)], g=[(1, 0, 1e-3, 1, 0)]), "2345"),
    "G into it": (network(6, r=BASE + ISLAND, v=[(1, 0, 1)], g=[(2, 0, 1e-3, 1, 0)]), "2345"),
    "G inside it": (network(6, r=BASE + ISLAND, v=[(1, 0, 1)], g=[(2, 4, 1e-3, 3, 5)]), "2345"),
    "G and E look at it": (
        network(8, r=[*BASE, *ISLAND, (6, 0, 1), (7, 0, 1)], e=[(6, 0, 2, 2, 0)], g=[(7, 0, 1, 3, 0)]),
        "2345",
    ),
    "two islands, one tied by G": (
        network(8, r=[*BASE, *ISLAND, (6, 7, 2)], v=[(1, 0, 1)], g=[(6, 0, 1e-3, 7, 0)]),
        "2345",
    ),
}


@pytest.mark.parametrize("name", FLOATING)
def test_floating_nodes_are_named(name):
    """Rounded sums leave a pivot of 1e-17 where there is none: numbers would come out."""
    circuit, nodes = FLOATING[name]
    with pytest.raises(FloatingError) as caught:
        mna.solve(circuit)
    assert sorted(caught.value.nodes) == sorted(nodes)


def test_a_solution_that_does_not_settle_is_refused(monkeypatch):
    """Factors that rounding has spoilt: each refinement takes half of the way, and the residual may look small."""
    apply = mna.Factors.apply
    monkeypatch.setattr(mna.Factors, "apply", lambda self, right: 0.5 * apply(self, right))
    with pytest.raises(ConvergenceError, match="refined"):
        mna.solve(random_network(np.random.default_rng(11), gains=False))


def test_a_resistance_whose_reciprocal_is_no_number():
    circuit = network(3, r=[(1, 2, 5e-324), (2, 0, 5e-324)], v=[(1, 2, 1)])
    np.testing.assert_allclose(mna.solve(network(3, r=[(1, 2, 4), (2, 0, 5e-324)], v=[(1, 0, 1)])).currents, -0.25)
    with pytest.raises(SolveError):
        mna.solve(circuit)


@pytest.mark.parametrize(
    "circuit",
    [
        network(2, r=[(1, 0, 1e10)], i=[(0, 1, 1e300)]),
        network(3, r=[(1, 0, 1), (2, 0, 1)], v=[(1, 0, 1e10)], e=[(2, 0, 1e308, 1, 0)]),
        network(3, r=[(1, 0, 1e-3), (2, 0, 1)], v=[(1, 0, 1e308)]),
    ],
)
def test_overflow_is_refused(circuit):
    with pytest.raises(SolveError):
        mna.solve(circuit)


def test_g_ties_two_islands_to_each_other_only():
    circuit = network(4, r=BASE, v=[(1, 0, 1)], g=[(2, 3, 0.25, 2, 3)])
    with pytest.raises(SolveError):
        mna.solve(circuit)


SINGULAR = {
    "G cancels a resistor": network(2, r=[(1, 0, 3)], i=[(0, 1, 1)], g=[(1, 0, -1 / 3, 1, 0)]),
    "G cancels parallel resistors": network(
        3, r=[(1, 2, 7), (2, 0, 3), (1, 0, 11)], i=[(0, 1, 1)], g=[(1, 0, -1 / 10 - 1 / 11, 1, 0)]
    ),
    "E drives itself": network(2, r=[(1, 0, 1)], e=[(1, 0, 1, 1, 0)]),
    "E drives itself through a divider": network(3, r=[(1, 2, 0.1), (2, 0, 0.2)], e=[(1, 0, 1.5, 2, 0)]),
    "F takes all that V gives": network(3, r=[(1, 2, 1)], v=[(1, 0, 1)], f=[(2, 0, -1, 0, 0)]),
    "H is a negative resistor": network(2, r=[(1, 0, 7)], h=[(1, 0, -7, 0, 0)]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_circuits_are_refused(name):
    """Exactly, or but for rounding: no number is right."""
    with pytest.raises(SolveError):
        mna.solve(SINGULAR[name])
