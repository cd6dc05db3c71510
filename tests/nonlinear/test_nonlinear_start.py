"""Where Newton's method starts and what it keeps: the answer is the same, however it is found."""

import numpy as np
import pytest
from newton_tools import DEVICES, violation, wired

from xbarsim import Crossbar, Law, Selector, Sinh, Transistor, solve
from xbarsim.errors import LawError


def saturating(v, g):
    """Return current and slope of ``g tanh(20 v) / 20``, next to flat at a volt."""
    i = np.tanh(20.0 * v)
    return g * i / 20.0, g * (1.0 - i * i)


def falling_beyond(v, g, volts):
    """Return current and slope of a law that falls beyond ``volts``."""
    return g * v * (1.0 - v * v / (3.0 * volts * volts)), g * (1.0 - v * v / (volts * volts))


def divided(device, volts=1.0, ohms=1e4):
    """Return an array whose cells see a small part of the sources' volts."""
    rng = np.random.default_rng(8)
    g = 10 ** rng.uniform(-4, -3, (3, 4))
    return Crossbar(g, word_wire=2.0, bit_wire=1.0, driver=ohms, sense=3.0, device=device), volts * np.array(
        [1, 0.8, 0.9]
    )


def test_a_law_that_is_bad_only_at_the_sources_is_solved():
    """Newton's method starts from what laws are at the sources' volts, but where it leads counts."""
    crossbar, volts = divided(Law(falling_beyond, volts=0.5))
    solution = solve(crossbar, volts)
    assert np.abs(solution.word_voltages - solution.bit_voltages).max() < 0.4
    assert violation(crossbar, volts, solution) < 1e-12


def test_a_law_that_is_bad_where_the_solution_leads_is_refused():
    crossbar, volts = divided(Law(falling_beyond, volts=0.05), ohms=1.0)
    with pytest.raises(LawError, match="falls as the voltage rises"):
        solve(crossbar, volts)


def test_laws_that_are_flat_at_the_sources():
    """A line whose cells' slopes are next to nothing is hardly held by them."""
    crossbar, volts = divided(Law(saturating), ohms=10.0)
    solution = solve(crossbar, volts)
    assert violation(crossbar, volts, solution) < 1e-12
    assert (saturating(solution.word_voltages - solution.bit_voltages, 1.0)[1] < 1e-3).any()


@pytest.mark.parametrize(
    ("device", "most"),
    [(Sinh(0.25), 4), (Selector(1e-9, 0.03), 4), (Transistor(1.5), 4), (Transistor(0.9, lam=0.05), 5)],
    ids=["sinh", "1s1r", "1t1r", "1t1r near threshold"],
)
def test_newton_steps(device, most):
    """Of 48 x 64 cells from 1 kohm to 1 Mohm, 1 ohm wires: a start or tolerances that are off cost a step or more."""
    rng = np.random.default_rng(48)
    crossbar = Crossbar(
        10 ** -rng.uniform(3, 6, (48, 64)), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0, device=device
    )
    solution = solve(crossbar, rng.uniform(0, 0.5, 48), threads=1)
    assert solution.iterations <= most
    assert solution.residual < 1e-12


@pytest.mark.parametrize("name", ["sinh", "selector", "transistor"])
def test_work_space_of_another_solve_leaves_no_trace(name):
    """Arrays are kept between calls: what lay in them changes no bit, nor does a failure in between."""
    crossbar, volts = wired(DEVICES[name], 5, 7)
    first = solve(crossbar, volts, threads=1)
    for other in ("transistor", "selector", "steep sinh"):
        solve(*wired(DEVICES[other], 5, 7, seed=2), threads=1)
        solve(*wired(DEVICES[other], 6, 4), threads=1)
    with pytest.raises(LawError):
        solve(*divided(Law(falling_beyond, volts=0.05), ohms=1.0), threads=1)
    again = solve(crossbar, volts, threads=1)
    assert (again.word_voltages == first.word_voltages).all()
    assert (again.currents == first.currents).all()
    batch = solve(crossbar, np.array([volts, -0.5 * volts, volts]), threads=1)
    assert (batch.currents[0] == first.currents).all()
    assert (batch.currents[2] == first.currents).all()
