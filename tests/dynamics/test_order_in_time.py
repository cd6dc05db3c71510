"""Closed forms: halving steps divides the error by four, and tolerances are kept."""

import numpy as np
import pytest
from dynamics_tools import circuit_of, run, voltage
from scipy.linalg import eigh, expm

METHODS = ["trap", "gear"]
LOOSE = {"relative": 1e6, "volts": 1e6, "coulombs": 1e6}
"""Tolerances that leave the length of steps to ``largest``."""


def ladder():
    """Return a driven RC ladder of unequal parts, and its voltages as a function of time."""
    ohms, farads = np.array([100.0, 220.0, 330.0, 150.0]), np.array([1e-9, 3e-9, 2e-9, 0.5e-9])
    start = np.array([0.2, -0.4, 0.1, 0.6])
    cards = ["v1 n0 0 1"]
    for k in range(4):
        cards += [f"r{k} n{k} n{k + 1} {ohms[k]}", f"c{k} n{k + 1} 0 {farads[k]}"]
    circuit = circuit_of("\n".join(cards), farads, {f"c{k}": start[k] for k in range(4)})
    g = 1 / ohms
    matrix = np.diag(g + np.append(g[1:], 0)) - np.diag(g[1:], 1) - np.diag(g[1:], -1)
    root = np.sqrt(farads)
    rates, modes = eigh(matrix / np.outer(root, root))
    steady = np.ones(4)  # no current flows in the end

    def exact(times):
        amplitudes = modes.T @ (root * (start - steady))
        return steady + (np.exp(-np.outer(times, rates)) * amplitudes) @ modes.T / root

    return circuit, exact, 3e-6


def ringing():
    """Return a series RLC of quality 3 from initial values, and its capacitor's voltage and inductor's current."""
    r, l, c, v0, i0 = 333.0, 1e-3, 1e-9, -0.3, 5e-4
    circuit = circuit_of(f"v1 a 0 1\nr1 a b {r}\nl1 b d {l}\nc1 d 0 {c}", [c], {"c1": v0}, {"l1": i0})
    matrix = np.array([[0, 1 / c], [-1 / l, -r / l]])

    def exact(times):
        return np.array([[1.0, 0.0] + expm(matrix * t) @ [v0 - 1.0, i0] for t in times])[:, :1]

    return circuit, exact, 2e-5


def drift():
    """Return an ion-drift memristor without a window at 1 V, and its state, the voltage of a capacitor."""
    on, off, speed, x0 = 100.0, 16e3, 1e4, 0.1
    memristance = f"({on}*v(x)+{off}*(1-v(x)))"
    circuit = circuit_of(
        f"v1 a 0 1\nb1 a 0 i=v(a)/{memristance}\nc1 x 0 1\nb2 0 x i={speed}*v(a)/{memristance}", [1.0], {"c1": x0}
    )

    def exact(times):
        # off x - (off - on) x^2 / 2 grows by speed t.
        grown = off * x0 - (off - on) * x0**2 / 2 + speed * times
        return ((off - np.sqrt(off**2 - 2 * (off - on) * grown)) / (off - on))[:, None]

    return circuit, exact, 0.5


CASES = {"ladder": (ladder, ["n1", "n2", "n3", "n4"]), "ringing": (ringing, ["d"]), "drift": (drift, ["x"])}


def errors(name, **options):
    make, nodes = CASES[name]
    circuit, exact, stop = make()
    solution = run(circuit, stop, uic=True, **options)
    assert solution.complete
    assert solution.residual < 1e-9
    ours = np.stack([voltage(circuit, solution, node) for node in nodes], axis=1)
    expected = exact(solution.times)
    return np.abs(ours - expected).max() / np.abs(expected).max(), solution


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_halving_steps_divides_the_error_by_four(name, method):
    stop = CASES[name][0]()[2]
    found = [errors(name, method=method, largest=stop / n, **LOOSE)[0] for n in (512, 1024, 2048)]
    ratios = np.divide(found[:-1], found[1:])
    assert np.all((ratios > 3.6) & (ratios < 4.4)), ratios


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_order_one_divides_it_by_two(name):
    stop = CASES[name][0]()[2]
    found = [errors(name, order=1, largest=stop / n, **LOOSE)[0] for n in (1024, 2048)]
    assert 1.8 < found[0] / found[1] < 2.2


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_a_relative_tolerance_is_kept(name, method):
    error, _ = errors(name, method=method, relative=1e-6, volts=1e-9)
    assert error < 1e-6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_the_usual_tolerance_is_kept_with_few_steps(name, method):
    error, solution = errors(name, method=method)
    assert error < 1e-3
    assert solution.accepted < 600
    assert solution.rejected < 0.1 * solution.accepted


@pytest.mark.slow
@pytest.mark.parametrize("option", [{"relative": 1e-5}, {"truncation": 0.07}])
def test_tolerances_act(option):
    """Tighter ones take more steps and err less."""
    error, solution = errors("ringing")
    tighter, longer = errors("ringing", **option)
    assert tighter < 0.2 * error
    assert longer.accepted > 2 * solution.accepted


@pytest.mark.slow
def test_absolute_tolerances_act():
    """A node that moves by microvolts may be off by ``vntol``, or what ``chgtol`` is worth there."""
    cards = "v1 a 0 sin(0 1u 1meg)\nr1 a b 1k\nc1 b 0 1n"
    steps = {}
    for name, options in {"usual": {}, "vntol": {"volts": 1e-12}, "chgtol": {"coulombs": 1e-22}}.items():
        steps[name] = run(circuit_of(cards, [1e-9]), 5e-6, largest=1e-6, **options).accepted
    assert steps["vntol"] > 1.5 * steps["usual"]
    assert steps["chgtol"] > 1.5 * steps["usual"]
    cards = "i1 0 a sin(0 1n 1meg)\nr1 a 0 1\nl1 a 0 1u"
    usual, abstol = (run(circuit_of(cards), 5e-6, largest=1e-6, amperes=x).accepted for x in (1e-9, 1e-15))
    assert abstol > 1.5 * usual
