"""Noise of outputs that have next to none beside others, each against itself."""

import mp_moments
import numpy as np
import pytest

from xbarsim import Crossbar, Transistor, solve
from xbarsim.errors import ConvergenceError
from xbarsim.noise import CellNoise, output_noise_density
from xbarsim.solvers import output_currents
from xbarsim.solvers.terminals import Terminals

FLICKER = CellNoise(flicker=1e-6)


def quiet_array(quiet, *, shape=(6, 4), device=None, sense=50.0):
    siemens = 10 ** np.random.default_rng(2).uniform(-5.0, -3.0, shape)
    siemens[:, 2] = quiet
    return Crossbar(siemens, word_wire=2.0, bit_wire=3.0, driver=100.0, sense=sense, device=device)


@pytest.mark.parametrize("quiet", [1e-9, 1e-12, 1e-18])
def test_covariances_and_correlations_of_a_quiet_output_have_all_digits(quiet):
    crossbar = quiet_array(quiet, sense=[50.0, 50.0, 1e7, 50.0])
    volts = np.random.default_rng(3).uniform(0.1, 0.5, 6)
    noise = output_noise_density(crossbar, volts, frequency=10.0, cells=FLICKER)
    amperes = solve(crossbar, volts).device_currents
    power = FLICKER.for_cells(crossbar.shape).flicker_density(amperes, 10.0)
    word, bit = mp_moments.fields(crossbar)
    fall = (bit - word).reshape(4, -1)
    exact = (fall * power.ravel()) @ fall.T
    roots = np.array([exact[j, j] ** 0.5 for j in range(4)])
    assert float(exact[2, 2] / exact[0, 0]) < 1e-9
    assert np.allclose(noise.parts["flicker"], exact.astype(float), rtol=1e-9, atol=0.0)
    correlation = (exact / np.outer(roots, roots)).astype(float)
    flicker = noise.parts["flicker"]
    spread = np.sqrt(np.diagonal(flicker))
    assert np.allclose(flicker / np.outer(spread, spread), correlation, rtol=0.0, atol=1e-12)


def test_a_form_that_is_wrong_for_a_quiet_output_alone_is_not_handed_out(monkeypatch):
    """Of all outputs' noise it is 1e-11: a check of all together did not see it."""
    form = Terminals.form

    def wrong(*args, **options):
        right = form(*args, **options)
        right[2, 2] *= 1.001
        return right

    crossbar = quiet_array(1e-9)
    monkeypatch.setattr(Terminals, "form", wrong)
    with pytest.raises(ConvergenceError, match=r"noise carried to output 2 differs from .* solve by 1\.0e-03"):
        output_noise_density(crossbar, np.full(6, 0.3), frequency=10.0, cells=FLICKER)


def test_an_admittance_that_is_wrong_for_a_quiet_output_alone_is_not_handed_out(monkeypatch):
    currents = Terminals.currents

    def wrong(*args):
        right = currents(*args)
        right["bit_bottom"][:, 2] *= 1.001
        return right

    crossbar = quiet_array(1e-12)
    monkeypatch.setattr(Terminals, "currents", wrong)
    with pytest.raises(ConvergenceError, match="admittance of output 2 differs"):
        output_noise_density(crossbar, np.full(6, 0.3), frequency=10.0)


def test_an_adjoint_circuit_that_is_wrong_is_not_handed_out(monkeypatch):
    """An output that has no signal beside others is held against itself: its fields are 1e-6 off here."""
    crossbar = quiet_array(1e-9, device=Transistor(gate=2.0))
    nodes = output_currents._AdjointCircuits.nodes

    def wrong(self, across, lower, output, space):
        p, q = nodes(self, across, lower, output, space)
        return (1.000001 * p, 1.000001 * q) if output == 2 else (p, q)

    right = output_noise_density(crossbar, np.full(6, 0.3), frequency=10.0, cells=FLICKER)
    assert np.isfinite(right.rms).all()
    monkeypatch.setattr(output_currents._AdjointCircuits, "nodes", wrong)
    with pytest.raises(ConvergenceError, match="adjoint circuit of output 2 differs from the circuit itself"):
        output_noise_density(crossbar, np.full(6, 0.3), frequency=10.0, cells=FLICKER)
