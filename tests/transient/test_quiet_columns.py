"""Columns whose current is next to nothing beside others': as right as these, each against its own largest."""

import numpy as np
import pytest

from xbarsim import Crossbar, Sinh, solve
from xbarsim.transient import simulate

VOLTS = np.array([0.3, 0.2, 0.5, 0.1, 0.4, 0.3])


def quiet_array(quiet, seed, device=None):
    siemens = 10 ** np.random.default_rng(seed).uniform(-5.0, -3.0, (6, 4))
    siemens[:, 2] *= quiet
    return Crossbar(siemens, word_wire=20.0, bit_wire=30.0, driver=100.0, sense=50.0, device=device)


@pytest.mark.parametrize("quiet", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("device", [None, Sinh(v0=0.1)])
def test_each_column_is_right_against_its_own_largest(quiet, device):
    """The residual bounds a part of the largest current: a column of 1e-10 of it might be anything, but is not."""
    crossbar = quiet_array(quiet, 2, device)
    times, shares = [0.0, 1e-13, 3e-12], [0.0, 1.0, -0.5]
    run = simulate(crossbar, {"word_left": [(times, [share * x for share in shares]) for x in VOLTS]}, 3e-12)
    exact = np.array([solve(crossbar, np.interp(at, times, shares) * VOLTS).currents for at in run.times])
    assert np.abs(exact[:, 2]).max() < 100.0 * quiet * np.abs(exact).max()
    assert (np.abs(run.currents - exact).max(axis=0) <= 1e-6 * np.abs(exact).max(axis=0)).all()


@pytest.mark.slow
@pytest.mark.parametrize("quiet", [1e-7, 1e-10])
def test_quiet_columns_come_to_rest_where_the_circuit_does(quiet):
    crossbar = quiet_array(quiet, 3, Sinh(v0=0.1))
    run = simulate(
        crossbar, {"word_left": [([0.0, 1e-13], [0.0, x]) for x in VOLTS]}, 3e-11, word_capacitance=1e-15,
        bit_capacitance=1e-15,
    )  # fmt: skip
    exact = solve(crossbar, VOLTS).currents
    assert (np.abs(run.currents[-1] - exact) <= 1e-5 * np.abs(exact)).all()
