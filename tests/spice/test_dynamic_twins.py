"""Twins with a state that moves: in ngspice they go the way of the Python models, and rest at their bounds."""

import re

import numpy as np
import pytest
from dynamic_tools import moved
from netlist_tools import needs_ngspice

from xbarsim import spice
from xbarsim.devices import VTEAM, DynamicLaw, IonDrift, Sky130, Stanford, Yakopcic
from xbarsim.errors import InputError

# Device, initial state, amplitude and period of a sine that does not bring it to a bound.
SWEEPS = {
    "vteam": (VTEAM(window="biolek", exponent=2.0), 1e-9, 1.6, 20e-9),
    "vteam, exponential": (VTEAM(curve="exponential", window="prodromakis", exponent=2.0), 1e-9, 1.6, 40e-9),
    "vteam, no window": (VTEAM(k_off=0.2, alpha_on=1.0), 0.5e-9, 1.5, 20e-9),
    "ion drift": (IonDrift(), 0.2, 1.0, 1.0),
    "ion drift, joglekar": (IonDrift(window="joglekar", exponent=2.0), 0.3, 1.0, 1.0),
    "ion drift, biolek": (IonDrift(window="biolek", exponent=1.5), 0.3, 1.0, 1.0),
    "yakopcic": (Yakopcic(0.17, 0.12, 0.05), 0.11, 0.45, 1e-3),
    "yakopcic, turned round": (Yakopcic(1e-3, 2e-3, 2.0, xp=0.2, xn=0.4, eta=-1.0), 0.6, 0.45, 1e-3),
    "stanford": (Stanford(rth=2e5), 0.9e-9, 1.52, 1e-6),
    "sky130": (Sky130(gamma_k1=-1.2, tau_thermal=5e-11), 4.1e-9, 1.52, 1e-6),
}
OPTIONS = ".options reltol=1e-6 abstol=1e-15 vntol=1e-9 method=gear"


def ran(device, x0, source, stop, steps=4000):
    """Times, states and currents of one cell in ngspice."""
    values = " ".join(f"{name}={float(value)!r}" for name, value in device.instance_in_time(np.array(x0)).items())
    lines = [
        "one cell", device.subcircuit_in_time(), f"v1 a 0 {source}", f"x1 a 0 {device.name}_in_time {values}",
        OPTIONS, f".tran {stop / steps!r} {stop!r} 0 {stop / steps!r} uic", ".end", "",
    ]  # fmt: skip
    result = spice.run("\n".join(lines))
    assert not result.warnings
    table = result.plots[0].table
    column = {name.lower(): values for name, values in zip(result.plots[0].names, table.T, strict=True)}
    low, high = device.bounds
    return column["time"], low + (high - low) * column["v(x1.x)"], -column["i(v1)"]


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("name", SWEEPS)
def test_a_sine_moves_the_twin_as_the_model(name):
    device, x0, volts, period = SWEEPS[name]
    at = np.linspace(0, period, 33)[1:]
    known = moved(device, x0, lambda t: volts * np.sin(2 * np.pi * t / period), at)
    low, high = device.bounds
    assert np.ptp(known) > 0.03 * (high - low), "it must go somewhere"
    times, states, currents = ran(device, x0, f"sin(0 {volts} {1 / period!r})", period)
    np.testing.assert_allclose(np.interp(at, times, states), known, rtol=0, atol=3e-6 * (high - low))
    g = device.conductance(known[10])
    amperes = device.current(np.reshape(g, (1, 1)), volts * np.sin(2 * np.pi * at[10] / period)).item()
    assert np.interp(at[10], times, currents) == pytest.approx(amperes, rel=1e-3)


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.parametrize(
    ("device", "x0", "volts", "stop", "up"),
    [
        (VTEAM(), 1.5e-9, 1.4, 100e-9, True), (IonDrift(), 0.5, -1.0, 2.0, False),
        (Stanford(), 0.4e-9, 1.25, 10e-6, False), (Sky130(), 4.6e-9, 1.25, 10e-6, True),
    ],
    ids=["vteam", "ion drift", "stanford", "sky130"],
)  # fmt: skip
def test_a_twin_rests_at_its_bound_and_leaves_it(device, x0, volts, stop, up):
    low, high = (float(bound) for bound in device.bounds)
    source = f"pwl(0 {volts} {stop / 2!r} {volts} {stop / 2 + stop / 100!r} {-volts})"
    times, states, _ = ran(device, x0, source, stop)
    at_rest, end = states[(times > 0.4 * stop) & (times <= 0.5 * stop)], high if up else low
    np.testing.assert_allclose(at_rest, end, rtol=0, atol=2e-6 * (high - low))
    assert abs(states[-1] - end) > 0.05 * (high - low)


@pytest.mark.parametrize("device", [VTEAM(), IonDrift(), Yakopcic(1e-4, 1e-4, 3.0), Stanford(), Sky130()])
def test_a_twin_takes_what_the_model_says(device):
    text = device.subcircuit_in_time().replace("\n+", "")
    (head,) = re.findall(rf"^\.subckt {device.name}_in_time te be (.*)$", text, re.M)
    defaults = dict(word.split("=") for word in head.split())
    given = device.instance_in_time(np.array([[np.mean([float(bound) for bound in device.bounds])]]))
    assert given.keys() == defaults.keys()
    for name, value in given.items():
        assert value.shape == (1, 1)
        if name != "x0":
            assert float(defaults[name]) == value.item(), "the twin's default is the model's"


@pytest.mark.slow
def test_states_beyond_bounds_and_python_functions_have_no_twin():
    with pytest.raises(InputError, match=r"state\[0, 1\] is 4e-09 m: a cell of the model vteam has 0 to 3e-09 m here"):
        VTEAM().instance_in_time([[1e-9, 4e-9]])
    law = DynamicLaw(lambda v, x: (x * v, x, v), lambda v, x: (v, 1.0, 0.0), low=0.1, high=1.0)
    with pytest.raises(InputError, match="two Python functions: it cannot be written"):
        law.subcircuit_in_time()
