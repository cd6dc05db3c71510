"""Outputs whose current is next to nothing beside others': moments to 60 digits, and what may be wrong of each."""

import mp_moments
import numpy as np
import pytest

from xbarsim import Crossbar, effective_conductance
from xbarsim.settling import elmore_delays, settling
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.settling.moments import MomentCircuit


def farads(rows, cols, seed):
    rng = np.random.default_rng(seed)
    sizes = {"word_capacitance": 1e-15, "bit_capacitance": 2e-15, "cell_capacitance": 4e-16}
    return {name: rng.uniform(0.2, 1.0, (rows, cols)) * size for name, size in sizes.items()}


def cells(rows, cols, quiet, seed):
    rng = np.random.default_rng(seed)
    siemens = 10 ** rng.uniform(-5.0, -3.0, (rows, cols))
    siemens[:, 2] = quiet * rng.uniform(0.5, 1.0, rows)
    return siemens, rng.uniform(0.1, 1.0, rows)


CASES = {
    "quiet": ((8, 5), 1e-9, {"word_wire": 2.0, "bit_wire": 3.0, "driver": 100.0, "sense": 50.0}),
    "open": ((8, 5), 0.0, {"word_wire": 2.0, "bit_wire": 3.0, "driver": 100.0, "sense": 50.0}),
    "slow": ((8, 5), 1e-9, {"word_wire": 2.0, "bit_wire": 3.0, "driver": 100.0, "sense": [50.0, 50.0, 1e9, 50.0, 6.0]}),
    "long": ((200, 3), 1e-12, {"word_wire": 2.0, "bit_wire": 30.0, "driver": 100.0, "sense": 50.0}),
    "fading": ((3, 60), 1e-2, {"word_wire": 3000.0, "bit_wire": 30.0, "driver": 100.0, "sense": 50.0}),
    "weak": ((8, 5), 1e-9, {"word_wire": 0.2, "bit_wire": 0.3, "driver": 0.1, "sense": [1e12, 50.0, 1e5, 50.0, 50.0]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_each_moment_is_right_to_what_is_told_of_it(case):
    shape, quiet, ohms = CASES[case]
    siemens, inputs = cells(*shape, quiet, 7)
    crossbar, capacitance = Crossbar(siemens if case != "fading" else np.full(shape, quiet), **ohms), farads(*shape, 7)
    exact = mp_moments.moments(crossbar, capacitance, inputs, 7)
    for moment, wanted in zip(
        MomentCircuit(crossbar, ArrayFarads.of(crossbar, *capacitance.values())).moments(inputs, 7), exact, strict=True
    ):
        apart = np.array([abs(float(x - value)) for x, value in zip(wanted, moment.outputs, strict=True)])
        assert (apart <= moment.error + 1e-26 * np.abs(moment.outputs).max()).all()
    found = settling(crossbar, inputs, **capacitance)
    told = ~np.isnan(found.moments[1])
    assert told.sum() >= (15 if case == "fading" else 3)
    first = np.array([float(x) for x in exact[0][told]])
    assert np.allclose(found.currents[told], first, rtol=1e-7, atol=0.0)
    assert (found.residual[told] <= 1e-5).all()
    elmore = np.array([float(-b / a) for a, b in zip(exact[0][told], exact[1][told], strict=True)])
    assert np.allclose(found.elmore[told], elmore, rtol=1e-5, atol=0.0)


def test_an_output_whose_inputs_cancel_is_none():
    """What is left of 1e-4 A is 1e-20 A of rounding: it was told as a current, 10 % wrong, with a delay."""
    siemens, inputs = cells(8, 5, 1e-4, 3)
    crossbar = Crossbar(siemens, word_wire=2.0, bit_wire=3.0, driver=100.0, sense=50.0)
    column = effective_conductance(crossbar)[:, 2]
    inputs = inputs - column * (inputs @ column) / (column @ column)
    found = settling(crossbar, inputs, **farads(8, 5, 3))
    assert found.residual[2] > 1e-5
    assert np.isnan(found.elmore[2])
    assert np.isnan(found.time(bits=8)[2])
    others = [0, 1, 3, 4]
    assert (found.residual[others] < 1e-8).all()
    assert np.isfinite(found.time(bits=8)[others]).all()


def test_fast_outputs_beside_a_line_of_much_capacitance_have_their_own_times():
    """Three directions of the slow line were all that the circuit's poles had: a time 342 times too long was told."""
    siemens, inputs = cells(8, 5, 1e-9, 3)
    crossbar = Crossbar(siemens, word_wire=0.2, bit_wire=0.3, driver=0.1, sense=50.0)
    capacitance = farads(8, 5, 0)
    capacitance["bit_capacitance"][:, 0] = 1e-9
    found = settling(crossbar, inputs, **capacitance)
    rates, shares = _poles(crossbar, capacitance, inputs)
    times = np.geomspace(1e-13, 1e-5, 60_000)
    for j, time in enumerate(found.time(bits=8)):
        over = np.abs(np.exp(-np.outer(times, rates)) @ shares[j]) > 2.0**-9
        assert time / times[np.flatnonzero(over)[-1] + 1] == pytest.approx(1.0, abs=0.02)


def _poles(crossbar, capacitance, inputs):
    """Return all rates of the circuit, and each output's shares of what is missing, from dense matrices."""
    rows, cols = crossbar.shape
    size = 2 * rows * cols
    siemens, coulombs = np.zeros((2, size, size))

    def between(matrix, a, b, value):
        matrix[a, a] += value
        matrix[b, b] += value
        matrix[a, b] -= value
        matrix[b, a] -= value

    for i, j in np.ndindex(rows, cols):
        word = i * cols + j
        bit = word + rows * cols
        between(siemens, word, bit, crossbar.conductance[i, j])
        between(coulombs, word, bit, capacitance["cell_capacitance"][i, j])
        coulombs[word, word] += capacitance["word_capacitance"][i, j]
        coulombs[bit, bit] += capacitance["bit_capacitance"][i, j]
        if j + 1 < cols:
            between(siemens, word, word + 1, 1.0 / crossbar.word_wire[i, j])
        if i + 1 < rows:
            between(siemens, bit, bit + cols, 1.0 / crossbar.bit_wire[i, j])
    drive, sense = np.zeros(size), np.zeros((cols, size))
    for i in range(rows):
        siemens[i * cols, i * cols] += 1.0 / crossbar.driver[i]
        drive[i * cols] = inputs[i] / crossbar.driver[i]
    for j in range(cols):
        bottom = size - cols + j
        siemens[bottom, bottom] += 1.0 / crossbar.sense[j]
        sense[j, bottom] = 1.0 / crossbar.sense[j]
    half = np.linalg.inv(np.linalg.cholesky(coulombs))
    rates, vectors = np.linalg.eigh(half @ siemens @ half.T)
    shares = (sense @ half.T @ vectors) * (vectors.T @ half @ drive) / rates
    return rates, shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.slow
def test_delays_of_fading_outputs_are_held_against_their_own_charge():
    crossbar, capacitance = (
        Crossbar(np.full((3, 60), 1e-2), word_wire=3000.0, bit_wire=30.0, driver=100.0, sense=50.0),
        farads(3, 60, 1),
    )
    delays = elmore_delays(crossbar, **capacitance)
    for row in (0, 2):
        exact = mp_moments.moments(crossbar, capacitance, np.eye(3)[row], 2)
        wanted = np.array([float(-b / a) for a, b in zip(*exact, strict=True)])
        seen = ~np.isnan(delays[row])
        assert seen.sum() >= 17
        assert np.allclose(delays[row][seen], wanted[seen], rtol=1e-10, atol=0.0)
