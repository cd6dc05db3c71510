"""Variation, levels, drift and read noise: distributions, limits, and what is kept."""

import numpy as np
import pytest
from scipy import stats

from xbarsim.nonideal import Chip, Drift, Faults, Levels, Nonidealities, ReadNoise, Variation

SHAPE = (200, 150)
CELLS = SHAPE[0] * SHAPE[1]


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_lognormal(sigma):
    factor = Variation(sigma).factor(SHAPE, 3)
    theta = np.log(factor).ravel()
    assert stats.kstest(theta, "norm", (0.0, sigma)).pvalue > 1e-4
    # The median's standard error is sqrt(pi/2) sigma / sqrt(n).
    assert abs(np.median(theta)) < 5.0 * 1.2533 * sigma / np.sqrt(CELLS)
    error = np.exp(sigma**2 / 2) * np.sqrt(np.expm1(sigma**2) / CELLS)
    assert abs(factor.mean() - np.exp(sigma**2 / 2)) < 5.0 * error
    of_resistance = Variation(sigma, of="resistance").factor(SHAPE, 3)
    np.testing.assert_allclose(of_resistance, 1.0 / factor, rtol=1e-14)


@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("of", ["conductance", "resistance"])
def test_gaussian_is_cut_on_both_sides(sigma, of):
    factor = Variation(sigma, "gaussian", of).factor(SHAPE, 4)
    x = factor if of == "conductance" else 1.0 / factor
    cut = 0.95 / sigma
    assert stats.kstest((x.ravel() - 1.0) / sigma, stats.truncnorm(-cut, cut).cdf).pvalue > 1e-4
    assert x.min() >= 0.05 - 1e-15
    assert x.max() <= 1.95 + 1e-15
    assert abs(x.mean() - 1.0) < 5.0 * sigma / np.sqrt(CELLS)
    # The density at the centre is at least that of the whole Gaussian.
    assert abs(np.median(x) - 1.0) < 5.0 * 1.2533 * sigma / np.sqrt(CELLS)


def test_the_deviation_that_the_docstring_names():
    assert Variation(0.5, "gaussian").factor(SHAPE, 1).std() == pytest.approx(0.43, abs=0.005)
    assert Variation(0.25, "gaussian").factor(SHAPE, 1).std() == pytest.approx(0.25, abs=0.005)
    assert Variation(0.1, "gaussian", "resistance").factor(SHAPE, 1).mean() == pytest.approx(1.01, abs=0.003)


def test_more_sigma_is_the_same_draw_stretched():
    small, large = (np.log(Variation(sigma).factor(SHAPE, 9)) for sigma in (0.1, 0.3))
    np.testing.assert_allclose(large, 3.0 * small, rtol=1e-12, atol=1e-15)


def test_no_sigma_is_no_variation():
    for kind in ("lognormal", "gaussian"):
        assert np.all(Variation(0.0, kind).factor((3, 4), 1) == 1.0)


def test_variation_multiplies_each_cell():
    model = Nonidealities(variation=Variation(0.3), cycle_variation=Variation(0.1, "gaussian"))
    chip, target = Chip(model, 5, (20, 30)), np.full((20, 30), 4e-4)
    first, again, second = (chip.apply(target, write=write).conductance for write in (0, 0, 1))
    frozen = Variation(0.3).factor((20, 30), 5)
    assert np.array_equal(first, again)
    assert not np.any(first == second)
    for one in (first, second):
        cycle = one / (4e-4 * frozen)
        assert abs(cycle.mean() - 1.0) < 5.0 * 0.1 / np.sqrt(600)
        assert cycle.std() == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("spacing", ["conductance", "resistance", "log"])
@pytest.mark.parametrize("count", [2, 5, 16])
def test_levels(spacing, count):
    g_off, g_on = 1e-6, 1e-3
    levels = Levels(count, spacing)
    values = levels.values(g_off, g_on)
    assert (values[0], values[-1], values.size) == (g_off, g_on, count)
    steps = np.diff({"conductance": values, "resistance": 1.0 / values, "log": np.log(values)}[spacing])
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)
    target = np.random.default_rng(2).uniform(0.5 * g_off, 1.2 * g_on, (50, 40))
    nearest = np.abs(target[..., None] - values).min(axis=-1)
    quantised = levels.quantise(target, g_off, g_on)
    np.testing.assert_allclose(np.abs(quantised - target), nearest, rtol=1e-12)
    assert np.array_equal(levels.quantise(quantised, g_off, g_on), quantised)


def test_half_way_goes_down():
    assert Levels(3).quantise([0.25, 0.75, 0.7500001, -1.0 + 1.0, 9.0], 0.0, 1.0).tolist() == [0.0, 0.5, 1.0, 0.0, 1.0]


def test_levels_in_a_chip():
    chip = Chip(Nonidealities(1e3, np.inf, levels=Levels(4)), 0, (1, 5))
    programmed = chip.apply([[0.0, 0.2e-3, 0.4e-3, 0.6e-3, 1e-3]])
    np.testing.assert_allclose(programmed.conductance, [[0.0, 1e-3 / 3, 1e-3 / 3, 2e-3 / 3, 1e-3]], rtol=1e-14)
    assert np.array_equal(programmed.target, programmed.conductance)


def test_drift():
    drift = Drift(0.06, 0.02, t0=25.0)
    nu = drift.exponents(SHAPE, 8)
    assert stats.kstest(nu.ravel(), "norm", (0.06, 0.02)).pvalue > 1e-4
    chip = Chip(Nonidealities(drift=drift, faults=Faults(0.1)), 8, SHAPE)
    programmed = chip.apply(np.full(SHAPE, 3e-4))
    healthy = programmed.faults == 0
    assert np.array_equal(chip.read(programmed), programmed.conductance)
    assert np.array_equal(chip.read(programmed, time=25.0), programmed.conductance)
    later, latest = (chip.read(programmed, time=25.0 * 10.0**k) for k in (2, 4))
    # A straight line of log G over log t, of slope -nu; stuck cells stay.
    np.testing.assert_allclose(np.log10(later / latest)[healthy], 2.0 * nu[healthy], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.log10(3e-4 / later)[healthy], 2.0 * nu[healthy], rtol=1e-9, atol=1e-12)
    assert np.array_equal(latest[~healthy], programmed.conductance[~healthy])


@pytest.mark.parametrize("kind", ["relative", "absolute"])
def test_read_noise(kind):
    target = np.full(SHAPE, 2e-4)
    target[:100] = 8e-4
    chip = Chip(Nonidealities(read_noise=ReadNoise(0.05, kind)), 2, SHAPE)
    programmed = chip.apply(target)
    reads = [
        (chip.read(programmed, read=k) - target) / (0.05 * (target if kind == "relative" else 1e-3)) for k in (0, 1)
    ]
    assert np.array_equal(programmed.conductance, target)
    assert np.array_equal(chip.read(programmed, read=1), chip.read(programmed, read=1))
    for noise in reads:
        assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-4
    assert abs(np.corrcoef(reads[0].ravel(), reads[1].ravel())[0, 1]) < 5.0 / np.sqrt(CELLS)


def test_read_noise_leaves_no_negative_conductance():
    chip = Chip(Nonidealities(read_noise=ReadNoise(0.1, "absolute")), 2, SHAPE)
    seen = chip.read(chip.apply(np.full(SHAPE, 1e-6)))
    assert seen.min() == 0.0
    assert np.mean(seen == 0.0) == pytest.approx(stats.norm.cdf(-1e-6 / 1e-4), abs=0.02)
