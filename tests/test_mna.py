"""The general solver: circuits worked out by hand, what holds for every linear network, and what it must refuse."""

from dataclasses import replace

import numpy as np
import pytest
from netlist_tools import random_elements, read_text, shuffled, text_of

from xbarsim import mna
from xbarsim.errors import ConvergenceError, FloatingError, SolveError
from xbarsim.mna import Branches, Controlled, Network
from xbarsim.simulate import simulate

EXACT = 1e-14
"""Hand-computed circuits of a few ohms: some roundings."""

CLOSE = 1e-11
"""Ohms beside megohms, two solvers that share no code."""


def branches(*elements):
    """Elements (a, b, value)."""
    if not elements:
        return Branches()
    a, b, value = zip(*elements, strict=True)
    return Branches(np.array(a), np.array(b), np.array(value, dtype=float))


def controlled(*elements):
    """Elements (a, b, gain, c, d)."""
    if not elements:
        return Controlled()
    a, b, gain, c, d = zip(*elements, strict=True)
    return Controlled(np.array(a), np.array(b), np.array(gain, dtype=float), np.array(c), np.array(d))


def network(nodes, r=(), v=(), i=(), e=(), g=(), f=(), h=()):
    return Network(
        nodes, branches(*r), branches(*v), branches(*i), controlled(*e), controlled(*g), controlled(*f), controlled(*h)
    )


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
    circuit, points = random_network(np.random.default_rng(5), gains=False), None
    solution = mna.solve(circuit, points)
    ohms = circuit.resistors
    drops = solution.voltages[0, ohms.a] - solution.voltages[0, ohms.b]
    np.testing.assert_allclose(solution.power, (drops**2 / ohms.value).sum(), rtol=1e-11)


def random_network(rng, *, gains=True):
    """A connected network with some of every element: gains small enough that it has one solution."""
    nodes = int(rng.integers(4, 30))
    r = [(k, int(rng.integers(0, k)), 10 ** rng.uniform(0, 5)) for k in range(1, nodes)]
    r += [(*map(int, rng.choice(nodes, 2, replace=False)), 10 ** rng.uniform(0, 5)) for _ in range(2 * nodes)]
    # Each source has a node of its own to drive, so none closes a loop.
    first = nodes
    v, e, h = [], [], []
    for kind in [v] * 3 + ([e] * 2 + [h] * 2 if gains else []):
        other = int(rng.integers(0, nodes))
        r.append((nodes, int(rng.integers(0, first)), 10 ** rng.uniform(0, 3)))
        kind.append((nodes, other, rng.normal()) if rng.random() < 0.5 else (other, nodes, rng.normal()))
        nodes += 1

    def pair():
        return tuple(map(int, rng.choice(nodes, 2, replace=False)))

    i = [(*pair(), rng.normal() * 1e-3) for _ in range(3)]
    if not gains:
        return network(nodes, r, v, i)
    e = [(*one[:2], 0.3 * one[2], *pair()) for one in e]
    h = [(*one[:2], 3 * one[2], int(rng.integers(0, 7)), 0) for one in h]
    g = [(*pair(), rng.normal() * 1e-6, *pair()) for _ in range(2)]
    f = [(*pair(), 0.2 * rng.normal(), int(rng.integers(0, 7)), 0) for _ in range(2)]
    return network(nodes, r, v, i, e, g, f, h)


SEEDS = range(25)


def dense(circuit, volts, amperes):
    """Kirchhoff's laws as a dense table, one equation after the other: shares no code with the solver."""
    fixed = [circuit.voltages, circuit.vcvs, circuit.ccvs]
    n, count = circuit.nodes, sum(part.a.size for part in fixed)
    A, z = np.zeros((n + count, n + count)), np.zeros(n + count)
    A[0, 0] = 1.0  # ground is 0 V

    def leaves(node, column, value):
        if node:
            A[node, column] += value

    for a, b, ohms in zip(*vars(circuit.resistors).values(), strict=True):
        for p, q in ((a, b), (b, a)):
            leaves(p, p, 1 / ohms)
            leaves(p, q, -1 / ohms)
    for a, b, gain, c, d in zip(*vars(circuit.vccs).values(), strict=True):
        for node, sign in ((a, gain), (b, -gain)):
            leaves(node, c, sign)
            leaves(node, d, -sign)
    for a, b, gain, c, _ in zip(*vars(circuit.cccs).values(), strict=True):
        leaves(a, n + c, gain)
        leaves(b, n + c, -gain)
    for k in range(circuit.currents.a.size):
        a, b = circuit.currents.a[k], circuit.currents.b[k]
        z[a] -= amperes[k] if a else 0.0
        z[b] += amperes[k] if b else 0.0
    row = n
    for part in fixed:
        for k in range(part.a.size):
            leaves(part.a[k], row, 1.0)
            leaves(part.b[k], row, -1.0)
            A[row, part.a[k]] += 1.0
            A[row, part.b[k]] -= 1.0
            if part is circuit.voltages:
                z[row] = volts[k]
            elif part is circuit.vcvs:
                A[row, part.c[k]] -= part.value[k]
                A[row, part.d[k]] += part.value[k]
            else:
                A[row, n + part.c[k]] -= part.value[k]
            row += 1
    return np.linalg.solve(A, z)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_against_a_dense_table(seed):
    """Each element's stamp, in circuits with all of them."""
    circuit = random_network(np.random.default_rng(seed))
    solution = mna.solve(circuit)
    x = dense(circuit, circuit.voltages.value, circuit.currents.value)
    for got, known in ((solution.voltages[0], x[: circuit.nodes]), (solution.currents[0], x[circuit.nodes :])):
        np.testing.assert_allclose(got, known, rtol=0, atol=CLOSE * np.abs(known).max())


def kcl(circuit, solution, point=0):
    """Return the sum of the currents that leave each node, and the largest current there is."""
    volts, amperes = solution.voltages[point], solution.currents[point]
    flows = []
    for part, current in (
        (circuit.resistors, (volts[circuit.resistors.a] - volts[circuit.resistors.b]) / circuit.resistors.value),
        (circuit.currents, circuit.currents.value),
        (circuit.vccs, circuit.vccs.value * (volts[circuit.vccs.c] - volts[circuit.vccs.d])),
        (circuit.cccs, circuit.cccs.value * amperes[circuit.cccs.c]),
    ):
        flows += [(part.a, current), (part.b, -current)]
    a = np.concatenate([part.a for part in (circuit.voltages, circuit.vcvs, circuit.ccvs)])
    b = np.concatenate([part.b for part in (circuit.voltages, circuit.vcvs, circuit.ccvs)])
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
    parts = mna.solve(circuit, volts, amperes)
    whole = mna.solve(circuit, volts[:1] - 3 * volts[1:], amperes[:1] - 3 * amperes[1:])
    for field in ("voltages", "currents"):
        table = getattr(parts, field)
        expected = table[0] - 3 * table[1]
        atol = CLOSE * np.abs(table).max()
        np.testing.assert_allclose(getattr(whole, field)[0], expected, rtol=0, atol=atol)


def test_a_sweep_is_its_points(monkeypatch):
    """Points that are mixed up, and a matrix that is factored for each of them."""
    rng = np.random.default_rng(9)
    circuit = random_network(rng)
    volts, amperes = rng.normal(size=(7, 3)), 1e-3 * rng.normal(size=(7, 3))
    factored = []
    splu = mna.splu
    monkeypatch.setattr(mna, "splu", lambda *args, **kwargs: factored.append(1) or splu(*args, **kwargs))
    sweep = mna.solve(circuit, volts, amperes)
    assert len(factored) == 1
    for k in range(7):
        point = mna.solve(circuit, volts[k : k + 1], amperes[k : k + 1])
        for field in ("voltages", "currents", "power"):
            one, many = getattr(point, field)[0], getattr(sweep, field)[k]
            np.testing.assert_allclose(many, one, rtol=0, atol=CLOSE * np.abs(one).max())


def test_a_sweep_of_one_kind_keeps_the_other():
    circuit = network(3, r=[(1, 2, 1), (2, 0, 1)], v=[(1, 0, 4)], i=[(0, 2, 1)])
    np.testing.assert_allclose(mna.solve(circuit, volts=np.array([[4.0], [0.0]])).voltages[:, 2], [2.5, 0.5])
    np.testing.assert_allclose(mna.solve(circuit, amperes=np.array([[1.0], [3.0]])).voltages[:, 2], [2.5, 3.5])


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


@pytest.mark.parametrize("seed", range(5))
def test_branches_that_lead_nowhere(seed):
    """Their current is rounding alone; relative to itself its balance would be all wrong."""
    circuit = random_network(np.random.default_rng(300 + seed))
    end = circuit.nodes
    hanging = Controlled(*(np.array([k]) for k in (end, 1, 0.3, 0, 0)))
    ends = {name: np.append(getattr(circuit.ccvs, name), getattr(hanging, name)) for name in vars(hanging)}
    longer = replace(circuit, nodes=end + 1, ccvs=Controlled(**ends))
    rng = np.random.default_rng(seed)
    solution = mna.solve(longer, rng.normal(size=(40, 3)), 1e-3 * rng.normal(size=(40, 3)))
    assert np.abs(solution.currents[:, -1]).max() <= CLOSE * np.abs(solution.currents).max()


def test_a_solution_that_does_not_settle_is_refused(monkeypatch):
    """Factors that rounding has spoilt: each refinement takes half of the way, and the residual may look small."""
    apply = mna._System._apply
    monkeypatch.setattr(mna._System, "_apply", lambda self, right: 0.5 * apply(self, right))
    with pytest.raises(ConvergenceError, match="refined"):
        mna.solve(random_network(np.random.default_rng(11), gains=False))


def test_a_huge_resistance():
    """Its reciprocal is the smallest number there is."""
    circuit = network(4, r=[(1, 2, 1e308), (2, 0, 2), (2, 3, 1), (3, 0, 1e308)], v=[(1, 0, 1)])
    np.testing.assert_allclose(mna.solve(circuit).voltages[0, 2], 2e-308, rtol=1e-9)


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


def test_g_ties_an_island_to_ground():
    """As a conductance of 1/4 S from node 2 to ground, it is a path."""
    circuit = network(4, r=[(1, 0, 1), (2, 3, 4)], v=[(1, 0, 1)], i=[(0, 3, 0.5)], g=[(2, 0, 0.25, 2, 0)])
    np.testing.assert_allclose(mna.solve(circuit).voltages, [[0, 1, 2, 4]], rtol=EXACT)


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


STYLES = [
    {"drive": "source", "sense": "source"},
    {"drive": "resistor", "sense": "resistor"},
    {"drive": "resistor", "sense": "ground", "other_ends": 0.4},
    {"drive": "reversed", "sense": "ammeter", "missing": 0.2},
    {"drive": "resistor", "sense": "ammeter first", "zero": 0.2},
    {"drive": "resistor", "sense": "tie"},
    {"drive": "source", "sense": "source", "half_select": True, "other_ends": 0.3},
    {"drive": "resistor", "sense": "source", "word_wire": False, "bit_wire": False},
]


@pytest.mark.parametrize("value", ["1e30", "-7", "0"])
@pytest.mark.parametrize("nodes", ["s 0", "0 s"])
def test_a_swept_source_forgets_its_own_value(tmp_path, value, nodes):
    """Volts that a source of 1e30 V is swept over, found by a difference to it."""
    text = f"v0 {nodes} {value}\nr0 s a 3\nr1 a b 1k\nr2 b 0 5\nr3 a c 2k\nr4 c 0 7\n.dc v0 0.1 0.3 0.1"
    circuit = read_text(tmp_path, text)
    found = circuit.recognise()
    assert found.crossbar is not None
    (ours,), (general,) = simulate(circuit, found), simulate(circuit, None)
    np.testing.assert_allclose(ours.voltages, general.voltages, rtol=CLOSE)
    np.testing.assert_allclose(ours.currents, general.currents, rtol=CLOSE)


@pytest.mark.parametrize("style", range(len(STYLES)))
@pytest.mark.parametrize("shape", [(2, 3), (5, 4), (9, 13)])
def test_the_crossbar_path_and_the_general_solver_agree(tmp_path, style, shape):
    """One netlist, solved as the crossbar that it is and as a network: the same names, the same numbers."""
    rng = np.random.default_rng([style, *shape])
    elements = shuffled(rng, random_elements(rng, *shape, **STYLES[style]))
    swept = next(name for name, _, _, value in elements if name[0] == "v" and value)
    circuit = read_text(tmp_path, text_of(elements) + SWEEP.format(swept))
    found = circuit.recognise()
    assert found.crossbar is not None, found.reason
    for ours, general in zip(simulate(circuit, found), simulate(circuit, None), strict=True):
        assert ours.outputs
        assert not general.outputs
        assert (ours.kind, ours.nodes, ours.points) == (general.kind, general.nodes, general.points)
        assert sorted(ours.branches) == sorted(general.branches)
        order = [general.branches.index(name) for name in ours.branches]
        for got, known in (
            (ours.voltages, general.voltages),
            (ours.currents, general.currents[:, order]),
            (ours.power, general.power),
        ):
            np.testing.assert_allclose(got, known, rtol=0, atol=CLOSE * np.abs(known).max(initial=0.0))


SWEEP = "\n.op\n.dc {} -0.3 0.9 0.4"
