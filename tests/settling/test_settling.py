"""Moments, delays and settling times against dense matrices and their exponentials."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from xbarsim import Crossbar, LineEnds, Sinh, Transistor, effective_conductance, solve
from xbarsim.errors import InputError, SolveError
from xbarsim.settling import elmore_delays, settling
from xbarsim.settling.decaying_poles import DecayingPoles


def array(rows, cols, seed, *, ohms=3.0, ends=False, device=None):
    rng = np.random.default_rng(seed)
    tied = {"word_right": LineEnds(0.0, rng.uniform(80.0, 300.0, rows))} if ends else None
    return Crossbar(
        10 ** rng.uniform(-5.0, -3.0, (rows, cols)),
        word_wire=rng.uniform(0.5, 1.5, (rows, cols - 1)) * ohms,
        bit_wire=rng.uniform(0.5, 1.5, (rows - 1, cols)) * ohms,
        driver=rng.uniform(50.0, 300.0, rows),
        sense=rng.uniform(40.0, 200.0, cols),
        ends=tied,
        device=device,
    )


def farads(rows, cols, seed):
    rng = np.random.default_rng(seed + 1000)
    sizes = {"word_capacitance": 1e-15, "bit_capacitance": 2e-15, "cell_capacitance": 4e-16}
    return {name: rng.uniform(0.2, 1.0, (rows, cols)) * size for name, size in sizes.items()}


class Dense:
    """``(G + s C) x = B inputs``, ``outputs = L x``, with matrices written down element by element."""

    def __init__(self, crossbar, capacitance, slopes=None):
        rows, cols = crossbar.shape
        word = np.arange(rows * cols).reshape(rows, cols)
        bit = word + rows * cols
        size = 2 * rows * cols
        self.g, self.c = np.zeros((2, size, size))
        self.b, self.out = np.zeros((size, rows)), np.zeros((cols, size))
        slopes = crossbar.conductance if slopes is None else slopes

        def between(matrix, a, b, value):
            matrix[a, a] += value
            matrix[b, b] += value
            matrix[a, b] -= value
            matrix[b, a] -= value

        for i in range(rows):
            for j in range(cols):
                between(self.g, word[i, j], bit[i, j], slopes[i, j])
                between(self.c, word[i, j], bit[i, j], capacitance["cell_capacitance"][i, j])
                self.c[word[i, j], word[i, j]] += capacitance["word_capacitance"][i, j]
                self.c[bit[i, j], bit[i, j]] += capacitance["bit_capacitance"][i, j]
                if j + 1 < cols:
                    between(self.g, word[i, j], word[i, j + 1], 1 / crossbar.word_wire[i, j])
                if i + 1 < rows:
                    between(self.g, bit[i, j], bit[i + 1, j], 1 / crossbar.bit_wire[i, j])
            self.g[word[i, 0], word[i, 0]] += 1 / crossbar.driver[i]
            self.b[word[i, 0], i] = 1 / crossbar.driver[i]
            far = crossbar.boundary["word_right"].resistance[i]
            if math.isfinite(far):
                self.g[word[i, -1], word[i, -1]] += 1 / far
        for j in range(cols):
            self.g[bit[-1, j], bit[-1, j]] += 1 / crossbar.sense[j]
            self.out[j, bit[-1, j]] = 1 / crossbar.sense[j]

    def moments(self, inputs, count):
        x = np.linalg.solve(self.g, self.b @ inputs)
        found = []
        for _ in range(count):
            found.append(self.out @ x)
            x = -np.linalg.solve(self.g, self.c @ x)
        return np.array(found)

    def missing(self, inputs):
        """Return each output's rates and shares of what is missing of a step."""
        half = np.linalg.inv(np.linalg.cholesky(self.c))
        rates, vectors = np.linalg.eigh(half @ self.g @ half.T)
        end = self.b @ inputs
        shares = (self.out @ half.T @ vectors) * (vectors.T @ half @ end) / rates
        return rates, shares / shares.sum(axis=1, keepdims=True)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6), st.booleans(), st.sampled_from([0.01, 3.0, 300.0]))
@settings(max_examples=25, deadline=None)
def test_moments_and_delays_are_those_of_dense_matrices(rows, cols, seed, ends, ohms):
    crossbar, capacitance = array(rows, cols, seed, ohms=ohms, ends=ends), farads(rows, cols, seed)
    inputs = np.random.default_rng(seed).uniform(0.1, 1.0, rows)
    dense = Dense(crossbar, capacitance)
    wanted = dense.moments(inputs, 7)
    found = settling(crossbar, inputs, **capacitance)
    assert np.allclose(found.currents, wanted[0], rtol=1e-10, atol=0.0)
    assert np.allclose(found.moments, wanted / wanted[0], rtol=1e-8, atol=0.0)
    delays = elmore_delays(crossbar, **capacitance)
    single = np.array([-dense.moments(row, 2)[1] / dense.moments(row, 1)[0] for row in np.eye(rows)])
    assert np.allclose(delays, single, rtol=1e-9, atol=1e-9 * np.abs(single).max())
    assert np.allclose(
        found.elmore, (inputs[:, None] * effective_conductance(crossbar) * delays).sum(0) / wanted[0], atol=0.0
    )


@pytest.mark.parametrize("coupled", [0.02, 1.0])
@pytest.mark.parametrize(("rows", "cols", "ends"), [(4, 3, False), (8, 9, True), (6, 2, False)])
def test_settling_times_are_near_those_of_all_poles(rows, cols, ends, coupled):
    """With much capacitance across cells, outputs overshoot."""
    crossbar, capacitance = array(rows, cols, 3, ends=ends), farads(rows, cols, 3)
    capacitance["cell_capacitance"] *= coupled
    inputs = np.random.default_rng(5).uniform(0.1, 0.5, rows)
    found = settling(crossbar, inputs, **capacitance)
    rates, shares = Dense(crossbar, capacitance).missing(inputs)
    for share in (0.01, 2.0**-9):
        own = found.time(share=share, poles=3)
        for j, time in enumerate(found.time(share=share)):
            times = np.linspace(0.0, 30.0, 30_001) / rates.min()
            off = np.abs(np.exp(-rates * times[:, None]) @ shares[j]) > share
            exact = times[np.flatnonzero(off)[-1] + 1]
            assert time / exact == pytest.approx(1.0, abs=0.01)
            assert own[j] / exact == pytest.approx(1.0, abs=0.01)
            if found.poles(2).count[j] == 2:
                two = found.time(share=share, poles=2)[j]
                assert two / exact == pytest.approx(1.0, abs=0.05)
    assert np.array_equal(found.time(bits=8), found.time(share=2.0**-9))


def test_a_single_pole_is_met_exactly():
    crossbar = Crossbar([[1e-3]], driver=100.0, sense=400.0)
    found = settling(crossbar, [0.3], word_capacitance=2e-12)
    tau = 2e-12 / (1 / 100.0 + 1 / 1400.0)
    assert found.elmore[0] / tau == pytest.approx(1.0, abs=1e-12)
    assert found.time(share=0.01)[0] / (tau * math.log(100.0)) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("tau", "residue"), [((3.0, 0.5), (1.4, -0.4)), ((9.0, 2.0, 0.3), (0.5, 0.2, 0.1)), ((2.0,), (0.7,))]
)
def test_poles_are_found_from_their_moments(tau, residue):
    """They need not add up to 1: the rest comes at once."""
    tau, residue = np.array(tau) * 1e-12, np.array(residue)
    moments = np.array([1.0, *((-1.0) ** k * (residue * tau**k).sum() for k in range(1, 7))])[:, None]
    poles = DecayingPoles.of(moments)
    assert poles.count[0] == len(tau)
    assert np.allclose(poles.tau[: len(tau), 0], tau, rtol=1e-6, atol=0.0)
    assert np.allclose(poles.residue[: len(tau), 0], residue, rtol=1e-5, atol=0.0)
    exact = brentq(lambda t: residue @ np.exp(-t / (tau / 1e-12)) - 0.05, 0.1, 90.0)
    assert poles.time(0.05)[0] / 1e-12 == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("tau", [1e-9, 2.3e-9, 7e-12])
@pytest.mark.parametrize("share", [0.3, -0.4])
def test_a_double_pole_is_no_two_poles(tau, share):
    """``(1 + share t / tau) exp(-t / tau)``: as two single ones their residues would be endless."""
    moments = np.array([1.0, *((-tau) ** k * (1.0 + share * k) for k in range(1, 7))])[:, None]
    poles = DecayingPoles.of(moments)
    assert poles.count[0] == 1
    assert np.abs(poles.residue).max() < 3.0
    assert poles.residue[0, 0] * poles.tau[0, 0] == pytest.approx(tau * (1.0 + share), rel=1e-9, abs=0.0)


def test_what_overshoots_is_settled_when_it_is_back():
    poles = DecayingPoles(np.array([[1.0], [0.2], [0.0]]), np.array([[-0.5], [1.5], [0.0]]), np.array([2]))
    exact = brentq(lambda t: 0.5 * math.exp(-t) - 1.5 * math.exp(-5 * t) - 0.05, 1.0, 9.0)
    assert poles.time(0.05)[0] == pytest.approx(exact, rel=1e-9)


def test_a_batch_and_threads_change_no_number():
    crossbar, capacitance = array(6, 5, 8), farads(6, 5, 8)
    inputs = np.random.default_rng(2).uniform(0.0, 0.5, (5, 6))
    together = settling(crossbar, inputs, threads=2, **capacitance)
    assert together.moments.shape == (7, 5, 5)
    assert together.time(bits=6).shape == (5, 5)
    for k, one in enumerate(inputs):
        assert np.array_equal(settling(crossbar, one, **capacitance).moments, together.moments[:, k])


def test_nonlinear_cells_count_with_their_slopes():
    device = Sinh(v0=0.15)
    crossbar, capacitance = array(3, 4, 2, device=device), farads(3, 4, 2)
    inputs = np.array([0.5, 0.2, 0.4])
    solution = solve(crossbar, inputs)
    slopes = crossbar.conductance * np.cosh(solution.device_voltages / 0.15)
    wanted = Dense(crossbar, capacitance, slopes).moments(inputs, 7)
    found = settling(crossbar, inputs, **capacitance)
    assert np.allclose(found.moments, wanted / wanted[0], rtol=1e-7, atol=0.0)
    assert np.allclose(found.currents, solution.currents, atol=0.0)


@pytest.mark.slow
def test_large_arrays():
    crossbar, capacitance = array(130, 70, 1), farads(130, 70, 1)
    inputs = np.random.default_rng(2).uniform(0.0, 0.5, 130)
    found, delays = settling(crossbar, inputs, **capacitance), elmore_delays(crossbar, **capacitance)
    mixed = (inputs[:, None] * effective_conductance(crossbar) * delays).sum(axis=0) / found.currents
    assert np.allclose(mixed, found.elmore, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"word_capacitance": -1e-15}, "word_capacitance"),
        ({"cell_capacitance": math.nan}, "cell_capacitance"),
        ({"bit_capacitance": np.ones((2, 2))}, "bit_capacitance"),
    ],
)
def test_bad_capacitance_is_named(change, words):
    for function in (
        lambda **c: settling(array(3, 4, 1), [0.1, 0.2, 0.3], **c),
        lambda **c: elmore_delays(array(3, 4, 1), **c),
    ):
        with pytest.raises(InputError, match=words):
            function(**change)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"bits": 8, "share": 0.1}, {"share": 0.0}, {"share": 1.5}, {"bits": -1.0}, {"bits": 4, "poles": 4}],
)
def test_bad_accuracy(arguments):
    with pytest.raises(InputError, match=r"bits|share|poles"):
        settling(array(2, 2, 1), [0.1, 0.2], word_capacitance=1e-15).time(**arguments)


def test_what_has_no_settling_is_said():
    with pytest.raises(InputError, match="three terminals"):
        settling(array(2, 2, 1, device=Transistor(gate=1.5)), [0.1, 0.1])
    with pytest.raises(SolveError, match="0 ohm joins"):
        settling(Crossbar([[1e-3]], ends={"bit_top": LineEnds(0.0, 0.0)}), [0.1])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("coupled", [0.05, 1.0])
def test_poles_of_the_circuit_decay_for_outputs_whose_own_do_not(seed, coupled):
    """They keep all moments, and what is missing late, when it counts."""
    crossbar, capacitance = array(8, 7, seed), farads(8, 7, seed)
    capacitance["cell_capacitance"] *= coupled
    inputs = np.random.default_rng(seed).uniform(0.05, 0.5, 8)
    found = settling(crossbar, inputs, **capacitance)
    poles = found.circuit_poles
    assert (poles.tau > 0.0).all()
    assert (np.diff(poles.tau, axis=0) < 0.0).all()
    signs = (-1.0) ** np.arange(7)[:, None]
    for order in range(1, 7):
        carried = (poles.residue * poles.tau**order).sum(axis=0)
        np.testing.assert_allclose(carried, (signs * found.moments)[order], rtol=1e-6)
    rates, shares = Dense(crossbar, capacitance).missing(inputs)
    times = np.linspace(2.0, 6.0, 50) / rates.min()
    missing = np.exp(-np.outer(times, rates)) @ shares.T
    grid = np.broadcast_to(times, (7, 50))
    assert np.abs(poles.unsettled(grid).T - missing).max() < 2e-3
    exact = settling(crossbar, np.stack([inputs, 2.0 * inputs]), **capacitance)
    np.testing.assert_allclose(exact.time(bits=6), np.stack([found.time(bits=6)] * 2), rtol=1e-9)


def test_outputs_without_capacitance_take_no_time():
    found = settling(array(3, 2, 1), [0.1, 0.2, 0.3])
    assert np.array_equal(found.time(bits=8), [0.0, 0.0])
    still = settling(array(3, 2, 1), np.zeros(3), word_capacitance=1e-15)
    assert np.isnan(still.time(bits=8)).all()
