"""The general solver: circuits worked out by hand, and what holds for every linear network."""

from dataclasses import replace

import numpy as np
import pytest
from mna_tools import CLOSE, EXACT, drive, exact, network, random_network

from xbarsim import mna
from xbarsim.mna import CCCS, CCVS, VCCS, VCVS, Gains

# Nodes 0, 1, 2, ... and the currents of v, then e, then h; every number differs, so a swapped index shows.
BY_HAND = {
    "divider": (network(3, r=[(1, 2, 2), (2, 0, 3)], v=[(1, 0, 10)]), [10, 6], [-2]),
    "turned source": (network(3, r=[(2, 1, 2), (0, 2, 3)], v=[(0, 1, 10)]), [-10, -6], [-2]),
    "I leaves the circuit at its first node": (network(2, r=[(1, 0, 4)], i=[(1, 0, 0.5)]), [-2], []),
    "I between two nodes": (network(3, r=[(1, 0, 4), (2, 0, 3)], i=[(1, 2, 0.5)]), [-2, 1.5], []),
    "two sources": (
        network(4, r=[(1, 3, 1), (2, 3, 2), (3, 0, 4)], v=[(1, 0, 7), (2, 0, 14)]),
        [7, 14, 8],
        [1, -3],
    ),
    "E amplifies": (
        network(4, r=[(1, 0, 5), (2, 3, 3), (3, 0, 1)], v=[(1, 0, 2)], e=[(2, 0, 6, 1, 0)]),
        [2, 12, 3],
        [-0.4, -3],
    ),
    "E of a difference": (
        network(4, r=[(1, 2, 3), (2, 0, 1), (3, 0, 2)], v=[(1, 0, 8)], e=[(0, 3, 5, 1, 2)]),
        [8, 2, -30],
        [-2, -15],
    ),
    "E follows, by feedback": (
        # v3 = 100 (v1 - v2), v2 = v3 / 4
        network(4, r=[(3, 2, 3), (2, 0, 1)], v=[(1, 0, 13)], e=[(3, 0, 100, 1, 2)]),
        [13, 12.5, 50],
        [0, -12.5],
    ),
    "G into a load": (
        network(3, r=[(1, 0, 1), (2, 0, 5)], v=[(1, 0, 3)], g=[(2, 0, 0.2, 1, 0)]),
        [3, -3],
        [-3],
    ),
    "G as a conductance": (network(3, r=[(1, 2, 2)], v=[(1, 0, 9)], g=[(2, 0, 0.25, 2, 0)]), [9, 6], [-1.5]),
    "F mirrors": (
        network(4, r=[(1, 2, 2), (3, 0, 7)], v=[(2, 0, 0), (1, 0, 6)], f=[(3, 0, 2, 0, 0)]),
        [6, 0, -42],
        [3, -3],
    ),
    "F takes the current of an E": (
        network(4, r=[(1, 0, 1), (2, 0, 4), (3, 0, 3)], v=[(1, 0, 2)], e=[(2, 0, 8, 1, 0)], f=[(0, 3, 0.5, 1, 0)]),
        [2, 16, -6],
        [-2, -4],
    ),
    "H transresistance": (
        network(4, r=[(1, 2, 2), (3, 0, 5)], v=[(2, 0, 0), (1, 0, 6)], h=[(3, 0, 10, 0, 0)]),
        [6, 0, 30],
        [3, -3, -6],
    ),
    "H takes the current of an H": (
        network(4, r=[(2, 0, 4), (3, 0, 1), (1, 0, 2)], v=[(1, 0, 4)], h=[(2, 0, 3, 0, 0), (3, 0, 2, 1, 0)]),
        [4, -6, 3],
        [-2, 1.5, -3],
    ),
    "0 ohm in a path": (
        network(5, r=[(1, 2, 0), (2, 3, 1), (3, 4, 0), (4, 0, 3)], v=[(1, 0, 8)]),
        [8, 8, 6, 6],
        [-2],
    ),
    "0 ohm to ground": (network(4, r=[(1, 2, 4), (2, 3, 2), (3, 0, 0)], v=[(1, 0, 9)]), [9, 3, 0], [-1.5]),
    "resistor on one node": (
        network(3, r=[(1, 2, 2), (2, 0, 3), (2, 2, 7)], v=[(1, 0, 10)]),
        [10, 6],
        [-2],
    ),
    "negative resistance": (network(3, r=[(1, 2, 2)], v=[(1, 0, 3)], g=[(2, 0, -0.25, 2, 0)]), [3, 6], [1.5]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    """A sign, a swapped node or a branch number that is off by one."""
    circuit, volts, amperes = BY_HAND[name]
    solution = mna.solve(circuit)
    np.testing.assert_allclose(solution.voltages, [[0, *volts]], rtol=EXACT, atol=EXACT)
    np.testing.assert_allclose(solution.currents, [amperes] if amperes else np.zeros((1, 0)), rtol=EXACT, atol=EXACT)
    assert solution.residual <= EXACT


def test_zero_ohm_is_exact():
    """A short that is a small resistance: the two nodes would differ."""
    circuit = network(4, r=[(1, 2, 1e-3), (2, 3, 0), (3, 0, 1e-3)], v=[(1, 0, 1)])
    solution = mna.solve(circuit)
    assert solution.voltages[0, 2] == solution.voltages[0, 3]
    np.testing.assert_allclose(solution.currents, -500, rtol=EXACT)


@pytest.mark.parametrize("ohms", [1e-3, 1e-6, 1e-9, 1e-12])
def test_small_wires_beside_megohms(ohms):
    """A sum of 1 / wire and 1 / cell rounds the cell away: the cell's current would be off by 1e-16 cell / wire."""
    circuit = network(
        5, r=[(1, 2, ohms), (2, 3, 2 * ohms), (2, 4, 1e6), (3, 4, 3e6), (4, 0, 2e6)], v=[(1, 0, 1.0)]
    )  # fmt: skip
    # 1 MΩ and 3 MΩ in parallel, but for the wires: 0.75 MΩ
    np.testing.assert_allclose(mna.solve(circuit).currents[0, 0], -1 / 2.75e6, rtol=max(1e-12, 1e-5 * ohms))
    np.testing.assert_allclose(mna.solve(circuit).voltages[0, 4], 2 / 2.75, rtol=max(1e-12, 1e-5 * ohms))


def test_power_is_what_the_sources_deliver():
    """In a circuit of resistors, what V and I deliver is what the resistors burn."""
    circuit = random_network(np.random.default_rng(5), gains=False)
    solution = mna.solve(circuit)
    ohms = circuit.resistors
    drops = solution.voltages[0, ohms.a] - solution.voltages[0, ohms.b]
    np.testing.assert_allclose(solution.power, (drops**2 / ohms.value).sum(), rtol=1e-11)


SEEDS = range(25)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_against_a_dense_table(seed):
    """Each element's stamp, in circuits with all of them."""
    circuit = random_network(np.random.default_rng(seed))
    solution = mna.solve(circuit)
    x = exact(circuit)
    for got, known in ((solution.voltages[0], x[: circuit.nodes]), (solution.currents[0], x[circuit.nodes :])):
        np.testing.assert_allclose(got, known, rtol=0, atol=CLOSE * np.abs(known).max())


def kcl(circuit, solution, point=0):
    """Return the sum of the currents that leave each node, and the largest current there is."""
    volts, amperes = solution.voltages[point], solution.currents[point]
    vccs, cccs, vcvs, ccvs = (circuit.controlled[coupling] for coupling in (VCCS, CCCS, VCVS, CCVS))
    flows = []
    for part, current in (
        (circuit.resistors, (volts[circuit.resistors.a] - volts[circuit.resistors.b]) / circuit.resistors.value),
        (circuit.currents, circuit.currents.value),
        (vccs, vccs.value * (volts[vccs.c] - volts[vccs.d])),
        (cccs, cccs.value * amperes[cccs.c]),
    ):
        flows += [(part.a, current), (part.b, -current)]
    a = np.concatenate([part.a for part in (circuit.voltages, vcvs, ccvs)])
    b = np.concatenate([part.b for part in (circuit.voltages, vcvs, ccvs)])
    flows += [(a, amperes), (b, -amperes)]
    total = np.zeros(circuit.nodes)
    for node, current in flows:
        np.add.at(total, node, current)
    return total, max(np.abs(current).max(initial=0.0) for _, current in flows)


@pytest.mark.parametrize("seed", SEEDS)
def test_kirchhoffs_current_law(seed):
    """At every node, ground too, whose balance is in no equation."""
    circuit = random_network(np.random.default_rng(100 + seed))
    total, scale = kcl(circuit, mna.solve(circuit))
    assert np.abs(total).max() <= CLOSE * scale


@pytest.mark.parametrize("seed", SEEDS)
def test_superposition(seed):
    """A term that is not linear in the sources."""
    rng = np.random.default_rng(200 + seed)
    circuit = random_network(rng)
    volts, amperes = rng.normal(size=(2, 3)), 1e-3 * rng.normal(size=(2, 3))
    parts = mna.solve(circuit, drive(volts, amperes))
    whole = mna.solve(circuit, drive(volts[:1] - 3 * volts[1:], amperes[:1] - 3 * amperes[1:]))
    for field in ("voltages", "currents"):
        table = getattr(parts, field)
        expected = table[0] - 3 * table[1]
        atol = CLOSE * np.abs(table).max()
        np.testing.assert_allclose(getattr(whole, field)[0], expected, rtol=0, atol=atol)


@pytest.mark.parametrize("seed", range(5))
def test_branches_that_lead_nowhere(seed):
    """Their current is rounding alone; relative to itself its balance would be all wrong."""
    circuit = random_network(np.random.default_rng(300 + seed))
    end = circuit.nodes
    hanging = Gains(*(np.array([k]) for k in (end, 1, 0.3, 0, 0)))
    group = circuit.controlled[CCVS]
    ends = {name: np.append(getattr(group, name), getattr(hanging, name)) for name in vars(hanging)}
    longer = replace(circuit, nodes=end + 1, controlled={**circuit.controlled, CCVS: Gains(**ends)})
    rng = np.random.default_rng(seed)
    solution = mna.solve(longer, drive(rng.normal(size=(40, 3)), 1e-3 * rng.normal(size=(40, 3))))
    assert np.abs(solution.currents[:, -1]).max() <= CLOSE * np.abs(solution.currents).max()


def test_a_huge_resistance():
    """Its reciprocal is the smallest number there is."""
    circuit = network(4, r=[(1, 2, 1e308), (2, 0, 2), (2, 3, 1), (3, 0, 1e308)], v=[(1, 0, 1)])
    np.testing.assert_allclose(mna.solve(circuit).voltages[0, 2], 2e-308, rtol=1e-9)


def test_g_ties_an_island_to_ground():
    """As a conductance of 1/4 S from node 2 to ground, it is a path."""
    circuit = network(4, r=[(1, 0, 1), (2, 3, 4)], v=[(1, 0, 1)], i=[(0, 3, 0.5)], g=[(2, 0, 0.25, 2, 0)])
    np.testing.assert_allclose(mna.solve(circuit).voltages, [[0, 1, 2, 4]], rtol=EXACT)
