"""States that are small beside the circuit's volts, as a memristor's in metres: ``reltol`` is a share of themselves.

References are integrated by scipy in units of the state's range, from corner to corner.
"""

from itertools import pairwise

import numpy as np
import pytest
from dynamics_tools import circuit_of, run, voltage
from scipy.integrate import solve_ivp

ON, OFF, OHMS = 100.0, 16e3, 500.0
RANGES = [(10e-9, 1.0), (10.0, 1.0), (1.0, 1.0), (1.0, 85e-12), (2e-7, 11e-12)]
"""What the state is where its cell is on, and farads that hold it: 10 nm in metres and nanometres, and shares."""

SINE = "sin(0 1 1)", lambda t: np.sin(2 * np.pi * t), ()
PULSE = (
    "pulse(0 1 0.1 0.01 0.01 0.2 2)", lambda t: np.interp(t, [0.1, 0.11, 0.31, 0.32], [0, 1, 1, 0]),
    (0.1, 0.11, 0.31, 0.32),
)  # fmt: skip


def by_law(top, farads, speed, power):
    """The state charged by one law with a window ``1 - (2 x - 1)^power``; none where that is 0."""
    window = f"(1-(2*v(x)/{top}-1)^{power})" if power else "1"
    ohms = f"({OFF}-{OFF - ON}*v(x)/{top})"
    return f"b1 p 0 i=v(p)/{ohms}\nb2 0 x i={farads * speed * top}*v(p)/{ohms}*{window}\nc1 x 0 1"


def by_gain(top, farads, speed, power):
    """The same by an ammeter, the law a source of volts, and a G source."""
    window = f"(1-(2*v(x)/{top}-1)^{power})" if power else "1"
    ohms = f"({OFF}-{OFF - ON}*v(x)/{top})"
    law = f"{farads * speed * top}*i(vm)*{window}"
    return f"vm p q 0\nb1 q 0 i=v(q)/{ohms}\nbw w 0 v={law}\ng2 0 x w 0 1\nc1 x 0 1"


def simulated(cards, top, farads, start, wave, **options):
    """Return a run of 1 s, its state as a share, and its steps."""
    circuit = circuit_of(f"v1 a 0 {wave[0]}\nr1 a p {OHMS}\n{cards}", [farads], {"c1": start * top})
    solution = run(circuit, 1.0, uic=True, **options)
    assert solution.complete
    return solution, voltage(circuit, solution, "x") / top


def exact(times, speed, power, start, wave):
    """Return the state at times as a share."""

    def rate(time, x):
        window = 1 - (2 * x - 1) ** power if power else 1.0
        return speed * wave[1](time) / (OFF - (OFF - ON) * x + OHMS) * window

    shares, x = np.empty_like(times), np.array([start])
    for begin, end in pairwise((0.0, *wave[2], 1.0)):
        part = solve_ivp(rate, (begin, end), x, "DOP853", rtol=1e-12, atol=1e-16, dense_output=True)
        within = (times >= begin) & (times <= end)
        shares[within], x = part.sol(times[within])[0], part.y[:, -1]
    return shares


@pytest.mark.slow
@pytest.mark.parametrize("method", ["trap", "gear"])
@pytest.mark.parametrize(
    ("form", "speed", "power", "start", "wave"),
    [(by_law, 5e3, 2, 0.1, SINE), (by_law, 2e4, 20, 0.3, PULSE), (by_gain, 3e3, 0, 0.0, SINE)],
    ids=["Joglekar's window", "fast", "from 0"],
)
def test_reltol_is_a_share_of_the_state_whatever_its_unit(form, speed, power, start, wave, method):
    """States in metres were off by 3e-4 to 9e-3 at each ``reltol`` when a millivolt was the least that counted."""
    steps = []
    for top, farads in RANGES:
        for reltol in (1e-3, 1e-4):
            cards = form(top, farads, speed, power)
            solution, ours = simulated(cards, top, farads, start, wave, relative=reltol, method=method)
            expected = exact(solution.times, speed, power, start, wave)
            assert np.abs(ours - expected).max() < reltol * np.abs(expected).max()
            steps.append(solution.accepted)
    coarse, fine = steps[::2], steps[1::2]
    assert min(fine) > 1.4 * max(coarse)
    # What sets out from 0 counts as a millivolt at most: that is less of 1 than what it counts as in metres is of 1e-8.
    for counts in (coarse, fine):
        assert max(counts) < (1.1 if start else 2.0) * min(counts), counts


@pytest.mark.parametrize("power", [1, 2, 5])
@pytest.mark.parametrize("top", [1e-8, 1.0])
def test_states_set_out_from_nothing_as_powers_of_time(power, top):
    """Each first step errs by the same share of such a state, however short it is."""
    circuit = circuit_of(f"v1 a 0 1\nb1 0 x i={top * (power + 1)}*v(a)*time^{power}\nc1 x 0 1", [1.0], {"c1": 0.0})
    solution = run(circuit, 1.0, uic=True, relative=1e-3)
    assert solution.complete
    assert solution.accepted + solution.rejected < 400
    assert np.abs(voltage(circuit, solution, "x") / top - solution.times ** (power + 1)).max() < 1e-3


@pytest.mark.parametrize("start", [0.0, 0.3])
def test_rounding_of_a_balanced_bridge_moves_nothing(start):
    """Both ends are at 0.7 of the source, by other resistors: 1e-16 V lie across the cell."""
    cards = "r1 a p 3\nr2 p 0 7\nr3 a q 0.3\nr4 q 0 0.7\nb1 p q i=v(p,q)/(16k-15.9k*v(x))"
    cards += "\nb2 0 x i=1e6*v(p,q)*(1-(v(x)-u(-v(p,q)))^4)\nc1 x 0 1"
    circuit = circuit_of(f"v1 a 0 sin(0 1 1)\n{cards}", [1.0], {"c1": start})
    solution = run(circuit, 1.0, uic=True, relative=1e-3)
    assert solution.complete
    assert solution.accepted < 120
    assert np.abs(voltage(circuit, solution, "x") - start).max() < 1e-9


def test_tolerances_of_volts_and_coulombs_say_nothing_to_such_a_state():
    """They do to a node of the same volts and farads that a resistor charges."""
    options = [{}, {"coulombs": 1e-6, "volts": 1e-3}]
    cards = by_law(2e-7, 11e-12, 5e3, 2)
    first, second = (simulated(cards, 2e-7, 11e-12, 0.1, SINE, **more)[0] for more in options)
    np.testing.assert_array_equal(first.times, second.times)
    circuit = circuit_of("v1 a 0 sin(0 1 1)\nr1 a x 1g\nb1 x 0 i=1e-12*v(x)^3\nc1 x 0 1", [11e-12])
    first, second = (run(circuit, 1.0, uic=True, **more) for more in options)
    assert second.accepted < first.accepted
