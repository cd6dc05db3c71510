"""Dynamic cells' twins as netlists that are read and run here go the way of the Python models' laws (scipy's Radau)."""

import io

import numpy as np
import pytest
from dynamic_tools import moved

from xbarsim.devices import VTEAM, IonDrift, Yakopcic
from xbarsim.dynamics import integrate
from xbarsim.netlist import read

# Device, initial state, amplitude and period of a sine that does not bring it to a bound.
SWEEPS = {
    "ion drift": (IonDrift(window="joglekar", exponent=2.0), 0.3, 1.0, 1.0),
    "vteam": (VTEAM(), 1.5e-9, 0.9, 1e-6),
    "yakopcic": (Yakopcic(0.17, 0.12, 0.05), 0.11, 0.45, 1e-3),
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
    ],
    ids=["vteam", "ion drift"],
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
