"""Noise of the outputs against a dense nodal analysis of every resistor and cell, element by element."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbarsim import Crossbar, LineEnds, Selector, Sinh, Transistor, solve
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.noise import CellNoise, output_noise, output_noise_density
from xbarsim.noise.cell_noise import BOLTZMANN, CHARGE
from xbarsim.solvers.terminals import Terminals

KELVIN = 345.0
SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")


def array(rows, cols, seed, *, spread=2.0, ohms=3.0, device=None, both=False):
    rng = np.random.default_rng(seed)
    ends = None
    if both:
        ends = {
            "word_right": LineEnds(0.05, rng.uniform(5.0, 9.0, rows)),
            "bit_top": LineEnds(-0.02, rng.uniform(2.0, 40.0, cols)),
        }
    return Crossbar(
        10 ** rng.uniform(-3.0 - spread, -3.0, (rows, cols)),
        word_wire=rng.uniform(0.5, 1.5, (rows, cols - 1)) * ohms,
        bit_wire=rng.uniform(0.5, 1.5, (rows - 1, cols)) * ohms,
        driver=rng.uniform(5.0, 30.0, rows),
        sense=rng.uniform(1.0, 10.0, cols),
        ends=ends,
        device=device,
    )


def resistors(crossbar):
    """Yield (node, node, siemens) of wires and ends; a node below 0 is a source, which holds its volts."""
    rows, cols = crossbar.shape
    word, bit = (lambda i, j: i * cols + j), (lambda i, j: rows * cols + i * cols + j)
    for i in range(rows):
        for j in range(cols - 1):
            yield word(i, j), word(i, j + 1), 1.0 / crossbar.word_wire[i, j]
    for i in range(rows - 1):
        for j in range(cols):
            yield bit(i, j), bit(i + 1, j), 1.0 / crossbar.bit_wire[i, j]
    for side in SIDES:
        for k, ohms in enumerate(crossbar.boundary[side].resistance):
            node = {
                "word_left": lambda k: word(k, 0), "word_right": lambda k: word(k, cols - 1),
                "bit_top": lambda k: bit(0, k), "bit_bottom": lambda k: bit(rows - 1, k),
            }[side](k)  # fmt: skip
            if math.isfinite(ohms):
                yield node, -1 - k if side == "bit_bottom" else -1000, 1.0 / ohms


def reference(crossbar, slopes, powers, kelvin, lower=None):
    """Sum over every element: its power times the squares of what 1 A beside it brings to the outputs.

    A cell's current changes by ``slopes dv - lower du``; without ``lower`` by the difference alone.
    """
    lower = slopes if lower is None else lower
    rows, cols = crossbar.shape
    parts = [(a, b, g, 4.0 * BOLTZMANN * kelvin * g) for a, b, g in resistors(crossbar)]
    matrix = np.zeros((2 * rows * cols, 2 * rows * cols))

    def add(a, b, to_a, to_b):
        for node, sign in ((a, 1.0), (b, -1.0)):
            if node >= 0:
                matrix[node, a] += sign * to_a
                if b >= 0:
                    matrix[node, b] -= sign * to_b

    for a, b, g, _ in parts:
        add(a, b, g, g)
    for i in range(rows):
        for j in range(cols):
            word, bit = i * cols + j, rows * cols + i * cols + j
            add(word, bit, slopes[i, j], lower[i, j])
            parts.append((word, bit, slopes[i, j], powers[i, j]))
    found = np.zeros((cols, cols))
    inverse = np.linalg.inv(matrix)
    ends = {-1 - b: (a, g) for a, b, g in resistors(crossbar) if -1000 < b < 0}
    for a, b, _, power in parts:
        injected = np.zeros(len(matrix))
        injected[a] -= 1.0
        if b >= 0:
            injected[b] += 1.0
        volts = inverse @ injected
        moved = np.array([ends[j][1] * volts[ends[j][0]] for j in range(cols)])
        if -1000 < b < 0:  # the source beside an end's own resistance
            moved[-1 - b] += 1.0
        found += power * np.outer(moved, moved)
    return found


def close(found, wanted, tolerance=1e-9):
    scale = np.sqrt(np.outer(np.diag(wanted), np.diag(wanted)))
    assert np.abs((found - wanted) / scale).max() < tolerance


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6), st.booleans(), st.sampled_from([0.01, 3.0, 200.0]))
@settings(max_examples=25, deadline=None)
def test_thermal_noise_is_that_of_every_resistor(rows, cols, seed, both, ohms):
    crossbar = array(rows, cols, seed, ohms=ohms, both=both)
    found = output_noise_density(crossbar, frequency=1e3, temperature=KELVIN)
    g = crossbar.conductance
    close(found.covariance, reference(crossbar, g, 4.0 * BOLTZMANN * KELVIN * g, KELVIN))
    assert list(found.parts) == ["white"]


def test_each_kind_of_a_cells_noise_is_carried_to_all_outputs():
    crossbar = array(5, 4, 3, both=True)
    rng = np.random.default_rng(4)
    volts = rng.uniform(-0.4, 0.5, 5)
    cells = CellNoise(
        fano=rng.uniform(0.0, 1.0, (5, 4)), flicker=rng.uniform(0.0, 1e-7, (5, 4)), exponent=1.2,
        telegraph=rng.uniform(0.0, 0.1, (5, 4)), occupancy=0.3, lifetime=2e-4,
    )  # fmt: skip
    solution = solve(crossbar, volts)
    amperes, across, g = solution.device_currents, solution.device_voltages, crossbar.conductance
    x = CHARGE * np.abs(across) / (2 * BOLTZMANN * KELVIN)
    white = 4 * BOLTZMANN * KELVIN * g * (1 - cells.fano + cells.fano * x / np.tanh(x))
    flicker = cells.flicker * amperes**2 / 500.0**1.2
    trap = 4 * (cells.telegraph * amperes) ** 2 * 0.3 * 0.7 * 2e-4 / (1 + (2 * np.pi * 500.0 * 2e-4) ** 2)
    found = output_noise_density(crossbar, volts, frequency=500.0, temperature=KELVIN, cells=cells)
    nothing = np.zeros_like(g)
    heat = reference(crossbar, g, nothing, KELVIN)
    close(found.parts["white"], reference(crossbar, g, white, KELVIN))
    close(found.parts["flicker"], reference(crossbar, g, flicker, KELVIN) - heat)
    close(found.parts["telegraph"], reference(crossbar, g, trap, KELVIN) - heat)
    close(found.covariance, reference(crossbar, g, white + flicker + trap, KELVIN))


@pytest.mark.parametrize("device", [Sinh(v0=0.2), Selector(i0=1e-6, v0=0.05)])
def test_nonlinear_cells_count_with_their_slopes_and_chords(device):
    crossbar = array(4, 3, 8, device=device, spread=1.0)
    volts = np.array([0.5, -0.3, 0.2, 0.6])
    solution = solve(crossbar, volts)
    across, amperes = solution.device_voltages, solution.device_currents
    step = 1e-5
    slopes = (
        device.current(crossbar.conductance, across + step) - device.current(crossbar.conductance, across - step)
    ) / (2 * step)
    found = output_noise_density(crossbar, volts, frequency=1.0, temperature=KELVIN)
    close(
        found.covariance, reference(crossbar, slopes, 4 * BOLTZMANN * KELVIN * amperes / across, KELVIN), 1e-6
    )  # by differences of currents


@pytest.mark.parametrize("ohms", [3.0, 300.0])
def test_access_transistors_are_not_reciprocal(ohms):
    device = Transistor(gate=[[1.2], [1.5], [0.9]], kp=3e-4, lam=0.05)
    crossbar = array(3, 4, 8, device=device, spread=1.0, both=True, ohms=ohms)
    volts = np.array([0.4, -0.3, 0.2])
    solution = solve(crossbar, volts)
    v, u, g, step = solution.word_voltages, solution.bit_voltages, crossbar.conductance, 1e-6
    by_word = (device.current(g, v + step, u) - device.current(g, v - step, u)) / (2 * step)
    by_bit = -(device.current(g, v, u + step) - device.current(g, v, u - step)) / (2 * step)
    assert np.abs(by_word / by_bit - 1).max() > 0.05
    chord, amperes = solution.device_currents / solution.device_voltages, solution.device_currents
    cells = CellNoise(flicker=1e-7)
    found = output_noise_density(crossbar, volts, frequency=100.0, temperature=KELVIN, cells=cells)
    # Each by itself: of both together the flicker noise, a thousand times the rest, would be all that is seen.
    heat = reference(crossbar, by_word, np.zeros_like(g), KELVIN, by_bit)
    white = reference(crossbar, by_word, 4 * BOLTZMANN * KELVIN * chord, KELVIN, by_bit)
    close(found.parts["white"], white, 1e-8)  # by differences of currents
    close(found.parts["flicker"], reference(crossbar, by_word, 1e-9 * amperes**2, KELVIN, by_bit) - heat, 1e-8)


def test_a_batch_has_the_noise_of_its_vectors():
    crossbar, cells = array(4, 6, 5), CellNoise(flicker=1e-8, fano=0.4)
    volts = np.random.default_rng(1).uniform(0.0, 0.5, (3, 4))
    together = output_noise(crossbar, volts, cells=cells)
    assert together.covariance.shape == (3, 6, 6)
    for vector, one in zip(volts, together.covariance, strict=True):
        close(one, output_noise(crossbar, vector, cells=cells).covariance, 1e-12)


def test_a_batch_of_no_vectors_has_no_noise():
    found = output_noise(array(4, 6, 5), np.zeros((0, 4)), cells=CellNoise(flicker=1e-8))
    assert found.covariance.shape == (0, 6, 6)
    assert found.rms.shape == (0, 6)


def test_a_band_is_the_integral_of_densities():
    crossbar, volts = array(3, 4, 6), [0.3, 0.1, -0.2]
    cells = CellNoise(flicker=1e-8, exponent=0.7, telegraph=0.05, lifetime=3e-3)
    whole = output_noise(crossbar, volts, band=(2.0, 900.0), cells=cells)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    logs = math.log(2.0) + (nodes + 1) / 2 * math.log(450.0)
    total = sum(
        output_noise_density(crossbar, volts, frequency=math.exp(at), cells=cells).covariance * math.exp(at) * weight
        for at, weight in zip(logs, weights, strict=True)
    )
    close(total * math.log(450.0) / 2, whole.covariance, 1e-10)


@pytest.mark.parametrize("low", [1e3, 1e9, 1e16])
def test_telegraph_noise_far_above_its_corner_is_that_of_its_tail(low):
    cells = CellNoise(telegraph=0.1, occupancy=0.25, lifetime=10.0)
    # 4 (a I)^2 p (1 - p) tau / (2 pi f tau)^2, integrated from low to 3 low.
    tail = 4.0 * 0.2**2 * 0.25 * 0.75 / (4.0 * np.pi**2 * 10.0) * (2.0 / 3.0) / low
    assert cells.telegraph_power(np.array([2.0]), (low, 3.0 * low))[0] == pytest.approx(tail, rel=1e-8, abs=0.0)


@pytest.mark.parametrize("exponent", [1.0, 1.0 + 1e-9, 1.0 - 1e-9])
def test_flicker_noise_goes_over_to_a_logarithm(exponent):
    cells = CellNoise(flicker=2.0, exponent=exponent)
    assert cells.flicker_power(np.array([3.0]), (10.0, 1000.0))[0] == pytest.approx(18.0 * math.log(100.0), rel=1e-7)


@pytest.mark.slow
def test_draws_have_the_covariance_within_their_own_error():
    crossbar = array(6, 5, 9)
    noise = output_noise(crossbar, np.linspace(0.1, 0.5, 6), cells=CellNoise(flicker=1e-6))
    count = 100_000
    reads = noise.draws(count, seed=4)
    assert np.array_equal(reads, noise.draws(count, seed=4))
    # The error of a mean and of a covariance of Gaussian draws; five of them is never, so to say.
    assert np.abs((reads.mean(axis=0) - noise.currents) / noise.rms).max() < 5 / math.sqrt(count)
    scale = np.outer(noise.rms, noise.rms)
    spread = np.sqrt((1 + noise.correlation**2) / count)
    assert np.abs((np.cov(reads.T) - noise.covariance) / scale / spread).max() < 5


def test_shot_noise_alone_is_2qI():
    crossbar = array(1, 1, 2, spread=0.0, ohms=0.0)
    amperes = solve(crossbar, [5.0]).currents[0]
    cells = CellNoise(fano=1.0)
    shot = output_noise_density(crossbar, [5.0], frequency=1.0, cells=cells, temperature=1e-3).covariance[0, 0]
    share = 1.0 / crossbar.conductance[0, 0]
    share /= share + crossbar.driver[0] + crossbar.sense[0]  # the rest of the loop takes the rest
    assert shot == pytest.approx(2 * CHARGE * amperes * share**2, rel=1e-4, abs=0.0)


@pytest.mark.parametrize("x", [0.0, 3e-6, 9.9e-5, 1.01e-4, 0.7, 40.0, 1e4])
def test_white_noise_goes_over_from_heat_to_shots(x):
    volts = x * 2.0 * BOLTZMANN * KELVIN / CHARGE
    density = CellNoise(fano=0.6).white(np.array([2e-4]), np.array([-volts]), KELVIN)[0]
    # x coth x by the exponential, which is even in x; 1 without a voltage.
    ratio = x + 2.0 * x / math.expm1(2.0 * x) if 0.0 < x < 300.0 else max(x, 1.0)
    expected = 4.0 * BOLTZMANN * KELVIN * 2e-4 * (0.4 + 0.6 * ratio)
    assert density == pytest.approx(expected, rel=1e-14, abs=0.0)


def test_open_outputs_and_lines_without_wires():
    base = array(3, 3, 4)
    sense = base.sense.copy()
    sense[1] = np.inf
    crossbar = Crossbar(base.conductance, driver=base.driver, sense=sense)
    found = output_noise_density(crossbar, [0.1, 0.2, 0.3], frequency=10.0, cells=CellNoise(flicker=1e-6))
    assert not found.covariance[1].any()
    assert not found.covariance[:, 1].any()
    assert np.isnan(found.correlation[1]).all()
    wired = Crossbar(base.conductance, word_wire=1e-9, bit_wire=1e-9, driver=base.driver, sense=sense)
    again = output_noise_density(wired, [0.1, 0.2, 0.3], frequency=10.0, cells=CellNoise(flicker=1e-6))
    there = np.ix_([0, 2], [0, 2])
    close(again.covariance[there], found.covariance[there], 1e-8)


@pytest.mark.parametrize("threads", [1, 2])
def test_large_arrays_and_any_threads(threads):
    crossbar = array(70, 90, 1)
    volts = np.random.default_rng(3).uniform(0.0, 0.5, 70)
    found = output_noise(crossbar, volts, cells=CellNoise(flicker=1e-7), threads=threads)
    assert np.array_equal(found.covariance, output_noise(crossbar, volts, cells=CellNoise(flicker=1e-7)).covariance)
    assert np.linalg.eigvalsh(found.correlation).min() > -1e-9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"temperature": 0.0}, "temperature is 0: it must be above 0 K"),
        ({"temperature": -1}, "temperature is -1"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"band": (5.0, 5.0)}, "band is from 5 to 5 Hz"),
        ({"band": (-1.0, 5.0)}, "band is from -1"),
        ({"band": 7.0}, "two frequencies"),
        ({"band": (0.0, 5.0), "cells": CellNoise(flicker=1e-9)}, "band is from 0 Hz"),
        ({"cells": CellNoise(flicker=np.ones((2, 2)))}, "flicker"),
        ({"cells": 3}, "it must be a CellNoise"),
        ({"voltages": [1.0]}, "voltages"),
    ],
)
def test_bad_input_is_told_in_a_line(arguments, words):
    with pytest.raises(InputError, match=words) as caught:
        output_noise(array(3, 2, 1), **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("fano", 1.5, "fano is 1.5: it must be at least 0 and at most 1"),
        ("flicker", -1.0, "flicker"),
        ("lifetime", 0.0, "lifetime is 0: it must be above 0"),
        ("exponent", 4.0, "above 0 and at most 3"),
        ("telegraph", [[0.0, 2.0]], "telegraph is 2"),
        ("occupancy", math.nan, "occupancy"),
    ],
)
def test_bad_cells_are_told_in_a_line(name, value, words):
    with pytest.raises(InputError, match=words):
        CellNoise(**{name: value})


def test_a_converters_rounding_is_just_below_the_noise():
    volts = np.random.default_rng(3).uniform(0.0, 0.5, (9, 4))
    noise = output_noise(array(4, 6, 5), volts, band=(1.0, 1e9), cells=CellNoise(flicker=1e-6))
    bits, span = noise.converter_bits(), np.ptp(noise.currents, axis=0)
    rounding = (span / 2.0**bits) ** 2 / 12.0
    assert (bits > 2.0).all()
    assert (rounding <= noise.variance.mean(axis=0)).all()
    assert (4.0 * rounding > noise.variance.mean(axis=0)).all()  # a bit less would add more than there is
    signal = noise.currents.var(axis=0) / noise.variance.mean(axis=0)
    np.testing.assert_allclose(2.0 ** (2.0 * noise.effective_bits()) - 1.0, signal, rtol=1e-9)
    still = output_noise(array(4, 6, 5), np.tile(volts[:1], (2, 1))).converter_bits()
    np.testing.assert_array_equal(still, 0.0)


def test_noise_that_a_full_solve_does_not_have_is_not_handed_out(monkeypatch):
    crossbar, cells, form, coupled = array(3, 4, 2), CellNoise(flicker=1e-8), Terminals.form, Terminals.currents
    monkeypatch.setattr(Terminals, "form", lambda *args, **options: 1.000001 * form(*args, **options))
    with pytest.raises(
        ConvergenceError, match=r"carried to output 0 and 3 more differs from that of a full solve by 1\.0e-06"
    ):
        output_noise(crossbar, [0.1, 0.2, 0.3], cells=cells)
    monkeypatch.undo()
    monkeypatch.setattr(
        Terminals, "currents", lambda *args: {side: 1.000001 * part for side, part in coupled(*args).items()}
    )
    with pytest.raises(
        ConvergenceError, match=r"admittance of output \d differs from that of a full solve by \d\.\de-07"
    ):
        output_noise(crossbar)


def test_what_has_no_noise_is_said():
    joined = Crossbar([[1e-3]], ends={"bit_top": LineEnds(0.0, 0.0)})
    with pytest.raises(SolveError, match="0 ohm joins"):
        output_noise(joined, [0.1])
