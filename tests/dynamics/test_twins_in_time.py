"""Dynamic cells' twins as netlists that are read and run here go the way of the Python models' laws (scipy's Radau)."""

import io

import numpy as np
import pytest
from dynamic_tools import moved

from xbarsim.devices import VTEAM, IonDrift, Sky130, Stanford, Yakopcic
from xbarsim.dynamics import integrate
from xbarsim.netlist import read

# Device, initial state, amplitude and period of a sine that does not bring it to a bound.
SWEEPS = {
    "ion drift": (IonDrift(window="joglekar", exponent=2.0), 0.3, 1.0, 1.0),
    "vteam": (VTEAM(), 1.5e-9, 0.9, 1e-6),
    "yakopcic": (Yakopcic(0.17, 0.12, 0.05), 0.11, 0.45, 1e-3),
    "stanford": (Stanford(rth=2e5), 0.9e-9, 1.52, 1e-6),
    "sky130": (Sky130(tau_thermal=6.365e-11), 4.1e-9, 1.52, 1e-6),
}


def ran(device, x0, source, stop, options="reltol=1e-5"):
    """Times, states and currents of one cell as a netlist."""
    values = " ".join(f"{name}={float(value)!r}" for name, value in device.instance_in_time(np.array(x0)).items())
    lines = [
        "one cell", device.subcircuit_in_time(), f"v1 a 0 {source}", f"x1 a 0 {device.name}_in_time {values}",
        f".options {options}", f".tran {stop / 50!r} {stop!r} uic", ".end", "",
    ]  # fmt: skip
    circuit = read(io.StringIO("\n".join(lines)))
    solution = integrate(circuit, circuit.analyses[0])
    assert solution.complete, solution.problem
    assert 0 < solution.residual < 1e-9
    low, high = (float(bound) for bound in device.bounds)
    states = low + (high - low) * solution.voltages[:, circuit.nodes.index("x1.x")]
    return solution.times, states, -solution.amperes[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_a_sine_moves_the_twin_as_the_model(name):
    device, x0, volts, period = SWEEPS[name]
    times, states, currents = ran(device, x0, f"sin(0 {volts} {1 / period!r})", period)
    at = times[np.linspace(0, times.size - 1, 25).astype(int)[1:]]  # the integrator's own points need no interpolation
    known = moved(device, x0, lambda t: volts * np.sin(2 * np.pi * t / period), at)
    low, high = (float(bound) for bound in device.bounds)
    assert np.ptp(known) > 0.03 * (high - low), "it must go somewhere"
    np.testing.assert_allclose(states[np.isin(times, at)], known, rtol=0, atol=3e-5 * (high - low))
    g = device.conductance(known[10])
    amperes = device.current(np.reshape(g, (1, 1)), volts * np.sin(2 * np.pi * at[10] / period)).item()
    assert currents[times == at[10]] == pytest.approx(amperes, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "x0", "volts", "stop", "up"),
    [
        (VTEAM(), 1.5e-9, 1.4, 100e-9, True), (IonDrift(), 0.5, -1.0, 2.0, False),
        (Stanford(), 0.6e-9, -2.4, 1e-6, True), (Stanford(), 0.15e-9, 2.4, 1e-6, False),
        (Sky130(), 3.33e-9, 2.4, 1e-6, True), (Sky130(), 3.8e-9, -2.4, 1e-6, False),
    ],
    ids=["vteam", "ion drift", "stanford", "stanford near", "sky130", "sky130 off"],
)  # fmt: skip
def test_a_twin_goes_to_its_bound_and_rests(device, x0, volts, stop, up):
    """From the first moment on under full voltage, as of a pulse that was on before."""
    low, high = (float(bound) for bound in device.bounds)
    end = high if up else low
    times, states, currents = ran(device, x0, f"dc {volts}", stop, options="reltol=1e-3")
    at_rest = states[times > 0.9 * stop]
    np.testing.assert_allclose(at_rest, end, rtol=0, atol=2e-6 * (high - low))
    g = device.conductance(np.array([end]))
    assert currents[-1] == pytest.approx(device.current(np.reshape(g, (1, 1)), volts).item(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("device", [Stanford(), Sky130()], ids=lambda device: device.name)
def test_a_sine_that_crosses_zero_leads_a_twin_away_from_its_bound(device):
    """At 0 V motions are 1e-20 of what they were, and a moment later 1e10 times that: no reason for short steps."""
    low, high = (float(bound) for bound in device.bounds)
    rests = low if device.name == "stanford" else high
    times, states, _ = ran(device, 0.7 * rests + 0.3 * (low + high - rests), "sin(0 1.5 1e6)", 1e-6, "reltol=1e-3")
    assert times.size < 600
    resting = (times > 0.3e-6) & (times <= 0.5e-6)
    np.testing.assert_allclose(states[resting], rests, rtol=0, atol=1e-3 * (high - low))  # the run's reltol
    assert 0.4 * (high - low) < abs(states[-1] - rests) < 0.6 * (high - low)
