"""What settles at once: states at bounds, and capacitors from a source on when all has been at rest."""

import numpy as np
import pytest
from dynamics_tools import circuit_of, run, voltage
from scipy.linalg import expm

SLOPE = 1 / 1.5e-6


@pytest.mark.parametrize("reltol", [1e-3, 1e-5])
def test_the_trapezoidal_rule_does_not_ring_at_a_bound(reltol):
    """``dx/dt = 1e9 min(1, (1 - x) / 1e-6)`` comes to 1 at 1 ns and has settled some 1e-15 s later.

    Rates that turn from step to step would leave x off by 1e-6 or so for ever, above and below.
    """
    circuit = circuit_of("b1 0 x i=1e9*min(1,(1-v(x))/1u)\nc1 x 0 1", [1.0])
    solution = run(circuit, 1e-6, uic=True, relative=reltol)
    assert solution.complete, solution.problem
    x = voltage(circuit, solution, "x")
    rising = (solution.times > 0) & (solution.times < 0.99e-9)
    np.testing.assert_allclose(x[rising], 1e9 * solution.times[rising], rtol=1e-9)
    np.testing.assert_allclose(x[solution.times > 1e-7], 1, rtol=0, atol=1e-9)
    assert solution.accepted < 1000


@pytest.mark.slow
def test_what_rings_by_itself_goes_on():
    """An undamped circuit's own oscillation is no fault of the rule: its amplitude stays."""
    circuit = circuit_of("l1 a 0 1m\nc1 a 0 1n", [1e-9], amperes={"l1": 1e-3})
    solution = run(circuit, 2e-5, uic=True, step=1e-7, relative=1e-4)
    omega = 1 / np.sqrt(1e-3 * 1e-9)
    # Through l1 from a to ground: it draws the capacitor down first.
    known = -1e-3 * np.sqrt(1e-3 / 1e-9) * np.sin(omega * solution.times)
    np.testing.assert_allclose(voltage(circuit, solution, "a"), known, rtol=0, atol=2e-3 * np.abs(known).max())


@pytest.mark.slow
def test_capacitors_from_a_source_on_when_all_is_at_rest():
    """Both ends of ``c1`` follow the source: their small difference has no digits to balance currents with."""
    cards = "v1 a 0 pulse(0 1 1u 1.5u 1.5u 7u 20u)\nr1 a b 2850\nc1 a b 0.9n\nr2 b d 870\nc2 d 0 0.36n"
    circuit = circuit_of(cards, [0.9e-9, 0.36e-9])
    tight = {"relative": 1e-4, "amperes": 1e-15, "volts": 1e-10, "coulombs": 1e-18}
    solution = run(circuit, 2.5e-6, step=2e-8, **tight)
    assert solution.complete, solution.problem
    # By c1's voltage, d's and the time since the corner: c1 u' = (a - u - d) / r2 - u / r1, c2 d' = (a - u - d) / r2.
    r1, c1, r2, c2 = 2850.0, 0.9e-9, 870.0, 0.36e-9
    rates = np.array([[-1 / r1 - 1 / r2, -1 / r2, SLOPE / r2], [-1 / r2, -1 / r2, SLOPE / r2], [0, 0, 0]])
    rates[0] /= c1
    rates[1] /= c2
    table = np.zeros((4, 4))
    table[:3, :3], table[2, 3] = rates, 1
    for time, b, d in zip(
        solution.times, voltage(circuit, solution, "b"), voltage(circuit, solution, "d"), strict=True
    ):
        since = max(time - 1e-6, 0.0)
        u, known, *_ = expm(table * since)[:, 3]
        assert b == pytest.approx(SLOPE * since - u, abs=1e-4)
        assert d == pytest.approx(known, abs=1e-4)
