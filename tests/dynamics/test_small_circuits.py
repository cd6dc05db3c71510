"""Small circuits' own ways: they give what the general ones do, and their residual sees what is wrong."""

import numpy as np
import pytest
from dynamics_tools import circuit_of, run

from xbarsim.dynamics import dense_problem, step_equations
from xbarsim.dynamics.dense_problem import DenseProblem
from xbarsim.dynamics.stored_charge import stored_parts
from xbarsim.netlist.as_network import network_of
from xbarsim.netlist.storage import JunctionCharges
from xbarsim.nonlinear import Problem, one_diode
from xbarsim.nonlinear.assembly import parts_of
from xbarsim.nonlinear.junction import Junctions

CARDS = (
    "v1 a 0 sin(0 2 1k)\nr1 a b 100\nd1 b c dm\nr2 c 0 1k\nb1 c 0 i=1m*v(c)*exp(v(b,c))\nb2 e 0 v=v(c)^2+1k*i(v1)\n"
    "g1 e c a 0 2m\nr3 e f 10\nm1 f b 0 0 nm\nc1 c 0 1n\nd2 e c dm\nb3 f 0 i=sqrt(abs(v(f)))*1u+time\n"
    ".model dm d(is=1e-14 n=1.1 rs=2 bv=4 ikf=0.1 cjo=2p m=0.4 vj=0.8 tt=3n)\n.model nm nmos(vto=0.5 kp=1m)"
)


def charges(diodes):
    """Return charges of diodes with a depletion and a transit time."""
    return JunctionCharges(*(np.full(diodes, value) for value in (2e-12, 0.8, 0.4, 0.5, 1e-9)))


TAME = (
    "v1 a 0 1\nr1 a b 100\nd1 b c dm\nr2 c 0 1k\nb1 c 0 i=1m*v(c)^3\ng1 e 0 c 0 2m\nr3 e f 10\nr4 f 0 10\nc1 c 0 1n\n"
    "d2 0 f dm\n.model dm d(is=1e-14 n=1.1 rs=2 bv=90)"
)


def problems(cards=CARDS):
    """Return the equations of a circuit in both forms, and its independent sources at some time."""
    made = []
    for kind in (Problem, DenseProblem):
        circuit = circuit_of(cards, [1e-9], junctions=charges(2))
        named = network_of(circuit)
        network, parts = parts_of(circuit, named.network, named.branch)
        junctions = next(part for part in parts if isinstance(part, Junctions))
        stored = stored_parts(circuit, network.nodes, named.branch, junctions, 1e-6)
        for part in stored:
            part.take(1e6, np.full(len(part.names), 1e-3), np.full(len(part.names), 1e-12))
        made.append(kind(network, [*parts, *stored]))
    system = made[0].system
    assert system.size == made[1].system.size
    right = system.right(np.full((system.network.voltages.a.size, 1), 1.5), np.zeros((0, 1)))
    return *made, right


def test_both_forms_are_the_same_equations():
    usual, small, right = problems()
    rng = np.random.default_rng(1)
    x = np.zeros_like(right)
    for _ in range(8):
        ats = [problem.linearise(x, right, 0.25, 0.0, 1.0) for problem in (usual, small)]
        matrix, table = usual.factored(ats[0].slopes), small.full_factors(ats[1].slopes)
        np.testing.assert_allclose(ats[1].gap, ats[0].gap, rtol=1e-12, atol=1e-15)
        assert ats[0].settled == ats[1].settled
        np.testing.assert_allclose(table.apply(right), matrix.solve(right), rtol=1e-9, atol=1e-13)
        negligible = rng.uniform(0, 1e-12, right.size)
        worst, _, values = usual.violations(x, right, 0.25, ats[0], negligible)
        again, also, same = small.violations(x, right, 0.25, ats[1], negligible)
        assert again == pytest.approx(worst, rel=1e-9)
        np.testing.assert_allclose(also, small.sizes(x, right, small._amounts(same, 0.25)), rtol=1e-12)
        np.testing.assert_array_equal(same, values)
        x = rng.uniform(-1.5, 1.5, x.shape)


def test_a_law_without_a_value_goes_the_way_of_arrays():
    usual, small, right = problems()
    x = np.full_like(right, 900.0)
    x[1] = -900.0
    ats = [problem.linearise(x, right, 0.0, 0.0, 1.0) for problem in (usual, small)]
    assert not ats[0].settled
    assert not ats[1].settled
    np.testing.assert_allclose(ats[1].gap, ats[0].gap, rtol=1e-12, atol=1e-15)
    back = np.full_like(right, 0.1)
    ats = [problem.linearise(back, right, 0.0, 0.0, 1.0) for problem in (usual, small)]
    np.testing.assert_allclose(ats[1].gap, ats[0].gap, rtol=1e-12, atol=1e-15)


def test_the_residual_of_a_small_circuit_is_what_it_misses():
    """It is no exact 0, and what is wrong by a millionth shows as such."""
    _, small, right = problems(TAME)
    x = np.zeros_like(right)
    for _ in range(60):
        at = small.linearise(x, right, 0.0, 0.0, 1.0)
        x = x + small.full_factors(at.slopes).apply(at.gap)
    none = np.zeros(right.size)
    good = small.violations(x, right, 0.0, at, none)[0]
    assert 0 < good < 1e-11
    for unknown in range(right.size):
        wrong = x.copy()
        wrong[unknown] += 1e-6 * max(abs(x[unknown, 0]), 1e-3)
        assert small.violations(wrong, right, 0.0, at, none)[0] > 1e-10


def test_a_step_that_is_wrong_is_not_given_out(monkeypatch):
    circuit = circuit_of("v1 a 0 sin(0 1 1k)\nr1 a b 1k\nc1 b 0 1u\nb1 b 0 i=1m*v(b)^3", [1e-6])
    true = run(circuit, 1e-4)
    assert 0 < true.residual < 1e-11
    factored = DenseProblem.full_factors

    def off(self, slopes):
        factors = factored(self, slopes)
        apply = factors.apply
        factors.apply = lambda gap: apply(gap) * (1 + 1e-9) + 1e-9
        return factors

    monkeypatch.setattr(DenseProblem, "full_factors", off)
    wrong = run(circuit, 1e-4)
    assert not wrong.complete


@pytest.mark.parametrize("reach", [0.3, 3.0, 6.0])
def test_one_diode_is_one_of_many(reach):
    """Forward, past the knee, reverse, broken down, depleted and beyond ``FC VJ``."""
    columns = {}
    for many in (False, True):
        limit, one_diode.MOST = one_diode.MOST, 0 if many else 8
        try:
            circuit = circuit_of(
                "v1 a 0 1\nd1 a 0 dm\n.model dm d(is=1e-14 n=2 bv=5 ikf=1m ikr=2m)", junctions=charges(1)
            )
            named = network_of(circuit)
            network, parts = parts_of(circuit, named.network, named.branch)
            (stored,) = stored_parts(circuit, network.nodes, named.branch, parts[0], 1e-6)
            rows = []
            for volts in np.linspace(-reach, min(reach, 1.5), 41):
                values = np.array([0.0, volts, 0.0])
                stored.take(1.0, np.zeros(1), np.zeros(1))
                rows.append([parts[0].amounts(values, 0.0), stored.charges(values), stored.capacitances(values)])
            columns[many] = np.array(rows)[..., 0]
        finally:
            one_diode.MOST = limit
    np.testing.assert_allclose(columns[False], columns[True], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("coulombs", [1e-14, 1e-30, 1e-200])
def test_a_start_at_rest_goes_on_however_little_may_err(coulombs):
    """Charges behind a ramp grow as powers of time: a step errs by the same share of them however short it is."""
    cards = "v1 a 0 pulse(0 1 1u 10n 10n 2u)\nr1 a b 1k\nc1 b 0 1n\nr2 b c 1k\nc2 c 0 1p\nl1 c d 1u\nr3 d 0 1k"
    for extra in ("", "\nb1 d 0 i=1u*v(d)^3"):
        circuit = circuit_of(cards + extra, [1e-9, 1e-12])
        solution = run(circuit, 2e-6, coulombs=coulombs)
        assert solution.complete, solution.problem
        assert solution.accepted < 3000


@pytest.mark.slow
def test_small_and_large_ways_give_one_answer(monkeypatch):
    circuit = circuit_of(CARDS.split("m1 ", maxsplit=1)[0] + "c1 c 0 1n\n.model dm d(is=1e-14 cjo=2p)", [1e-9])
    small = run(circuit, 1e-3)
    monkeypatch.setattr(step_equations, "MOST", 0)
    large = run(circuit, 1e-3)
    assert dense_problem.MOST > 0
    assert small.accepted == pytest.approx(large.accepted, rel=0.02)
    np.testing.assert_allclose(small.voltages[-1], large.voltages[-1], rtol=1e-4, atol=1e-6)
