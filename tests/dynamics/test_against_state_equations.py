"""Runs against state equations written down by hand, which scipy integrates to 1e-11."""

from itertools import pairwise

import numpy as np
import pytest
from dynamics_tools import circuit_of, run, voltage
from scipy.integrate import solve_ivp

from xbarsim.netlist.models.constants import K_OVER_Q
from xbarsim.netlist.storage import JunctionCharges

METHODS = [("trap", 2e-4), ("gear", 1e-3)]
"""With tolerances: Gear's formula needs more steps."""


def integrated(rates, start, stop, corners=(), method="Radau"):
    """Return the states (n, states) at times, integrated from corner to corner."""
    edges = [0.0, *corners, stop]
    parts, state = [], np.asarray(start, float)
    for begin, end in pairwise(edges):
        part = solve_ivp(rates, (begin, end), state, method, dense_output=True, rtol=1e-11, atol=1e-13)
        parts.append(part.sol)
        state = part.y[:, -1]

    def at(times):
        which = np.clip(np.searchsorted(edges, times, side="left") - 1, 0, len(parts) - 1)
        return np.array([parts[k](t) for k, t in zip(which, times, strict=True)])

    return at


def check(circuit, solution, nodes, exact, tolerance):
    assert solution.complete
    assert solution.residual < 1e-9
    ours = np.stack([voltage(circuit, solution, node) for node in nodes], axis=1)
    expected = exact(solution.times)
    error = np.abs(ours - expected).max(axis=0) / np.abs(expected).max(axis=0)
    assert error.max() < tolerance, error


@pytest.mark.slow
@pytest.mark.parametrize(("method", "tolerance"), METHODS)
def test_a_diode_with_all_its_charges(method, tolerance):
    """Driven below and above the knee of its depletion charge, and into conduction."""
    saturation, ohms, amplitude, frequency = 1e-12, 50.0, 1.5, 2e6
    cjo, vj, m, fc, tt = 200e-12, 0.8, 0.4, 0.5, 20e-9
    thermal = K_OVER_Q * 300.15
    columns = (np.array([value]) for value in (cjo, vj, m, fc, tt))
    circuit = circuit_of(
        f"v1 a 0 sin(0 {amplitude} {frequency})\nr1 a b {ohms}\nd1 b 0 dm\n.model dm d(is={saturation})",
        junctions=JunctionCharges(*columns),
    )

    def farads(v, slope):
        if v < fc * vj:
            return tt * slope + cjo * (1 - v / vj) ** -m
        return tt * slope + cjo / (1 - fc) ** (1 + m) * (1 - fc * (1 + m) + m * v / vj)

    def rates(time, state):
        (v,) = state
        if v > -3 * thermal:
            current, slope = saturation * np.expm1(v / thermal), saturation / thermal * np.exp(v / thermal)
        else:
            cube = (3 * thermal / (np.e * v)) ** 3
            current, slope = -saturation * (1 + cube), 3 * saturation * cube / v
        source = amplitude * np.sin(2 * np.pi * frequency * time)
        return [((source - v) / ohms - current - 1e-12 * v) / farads(v, slope)]

    solution = run(circuit, 1e-6, method=method, relative=tolerance, volts=1e-8)
    check(circuit, solution, ["b"], integrated(rates, [0.0], 1e-6), tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "tolerance"), METHODS)
def test_two_memristors_share_a_wire(method, tolerance):
    """Ion drift with Joglekar's window; the states are voltages of capacitors, the source a train of pulses."""
    on, off, speed, wire = 100.0, 16e3, 4e4, 300.0
    cards = [f"v1 a 0 pulse(-0.5 1 10m 2m 3m 40m 100m)\nrw a n {wire}"]
    for k in (1, 2):
        ohms = f"({on}*v(x{k})+{off}*(1-v(x{k})))"
        cards.append(f"b{k} n 0 i=v(n)/{ohms}\nc{k} x{k} 0 1\n")
        cards.append(f"bs{k} 0 x{k} i={speed}*v(n)/{ohms}*(1-(2*v(x{k})-1)^2)")
    circuit = circuit_of("\n".join(cards), [1.0, 1.0])

    def source(t):
        t = t % 0.1
        return np.interp(t, [0.01, 0.012, 0.052, 0.055], [-0.5, 1.0, 1.0, -0.5])

    def rates(time, x):
        g = 1 / (on * x + off * (1 - x))
        v = source(time) / wire / (1 / wire + g.sum())
        return speed * v * g * (1 - (2 * x - 1) ** 2)

    corners = [0.01, 0.012, 0.052, 0.055, 0.11, 0.112]
    solution = run(
        circuit, 0.15, step=1.0, method=method, relative=tolerance, volts=1e-8, uic=True, initial={"x1": 0.3, "x2": 0.6}
    )
    assert set(corners) <= {round(float(t), 12) for t in solution.times}
    check(circuit, solution, ["x1", "x2"], integrated(rates, [0.3, 0.6], 0.15, corners), tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "tolerance"), METHODS)
def test_coupled_inductors(method, tolerance):
    """A transformer of two unequal coils with a load, from a voltage ramp and a floating secondary."""
    l1, l2, mutual, r1, r2 = 2e-3, 0.5e-3, 0.8e-3, 3.0, 7.0
    circuit = circuit_of(
        f"v1 a 0 pwl(0 0 1m 2 1.5m -1)\nr1 a b {r1}\nl1 b 0 {l1}\nl2 d 0 {l2}\nr2 d 0 {r2}",
        mutual=[("l1", "l2", mutual)],
    )
    inductance, resistance = np.array([[l1, mutual], [mutual, l2]]), np.diag([r1, r2])

    def rates(time, i):
        return np.linalg.solve(inductance, [np.interp(time, [0, 1e-3, 1.5e-3], [0, 2, -1]), 0] - resistance @ i)

    exact = integrated(rates, [0.0, 0.0], 3e-3, [1e-3, 1.5e-3], "DOP853")
    solution = run(circuit, 3e-3, method=method, relative=tolerance, amperes=1e-9)
    expected = exact(solution.times)
    error = np.abs(solution.amperes[:, 1:] - expected).max(axis=0) / np.abs(expected).max(axis=0)
    assert error.max() < tolerance
    # Voltages follow from the currents' rates.
    np.testing.assert_allclose(voltage(circuit, solution, "d"), -r2 * solution.amperes[:, 2], atol=1e-12)


@pytest.mark.slow
def test_a_law_that_waits_for_its_time():
    """The corners of a ``pwl`` law of time are met, and of what is switched on at a time."""
    ohms, farads = 1e3, 1e-9
    circuit = circuit_of(
        f"b1 a 0 v=pwl(time-0.1u,0,0,1u,2,1.0001u,-1,9u,-1)+3*u(time-2.5u)\nr1 a b {ohms}\nc1 b 0 {farads}", [farads]
    )

    def rates(time, v):
        source = np.interp(time - 1e-7, [0, 1e-6, 1.0001e-6, 9e-6], [0, 2, -1, -1]) + 3 * (time > 2.5e-6)
        return [(source - v[0]) / ohms / farads]

    corners = [1.1e-6, 1.1001e-6, 2.5e-6]
    # Before its first point a pwl law goes on with its first slope.
    start = -0.2
    solution = run(circuit, 4e-6, largest=1e-6, relative=1e-4, uic=True, initial={"b": start})

    def early(time, v):
        source = 2 * (time - 1e-7) / 1e-6 if time < 1.1e-6 else None
        return [(source - v[0]) / ohms / farads] if source is not None else rates(time, v)

    assert all(np.abs(solution.times - corner).min() < 1e-15 for corner in corners)
    check(circuit, solution, ["b"], integrated(early, [start], 4e-6, corners, "DOP853"), 1e-4)
