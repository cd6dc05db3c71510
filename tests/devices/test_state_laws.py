"""Laws of cells whose state moves: against the papers' equations in many digits, slopes and all."""

import mp_state_laws
import numpy as np
import pytest

from xbarsim.devices import VTEAM, IonDrift, Sky130, Stanford, Yakopcic

DEVICES = {
    "vteam": VTEAM(),
    "vteam, exponential": VTEAM(curve="exponential", window="joglekar", exponent=2.0, alpha_on=1.0, alpha_off=4.5),
    "vteam, biolek": VTEAM(window="biolek", exponent=3.0, v_on=-0.3, k_off=2.0, x_on=1e-9),
    "vteam, prodromakis": VTEAM(window="prodromakis", exponent=2.5),
    "ion drift": IonDrift(),
    "ion drift, joglekar": IonDrift(50.0, 4e3, window="joglekar", exponent=3.0),
    "ion drift, biolek": IonDrift(window="biolek", exponent=1.5, mobility=3e-14),
    "ion drift, prodromakis": IonDrift(window="prodromakis", thickness=2e-8),
    "yakopcic": Yakopcic(0.17, 0.13, 0.05),
    "yakopcic, turned round": Yakopcic(1e-4, 3e-4, 3.0, 5e3, 2e3, 0.3, 0.2, 1.5, 2.5, 0.4, 0.2, eta=-1.0),
    "stanford": Stanford(),
    "stanford, hot": Stanford(1e-4, 3e-10, 0.3, 10.0, 16.0, 0.8, 0.9, 0.6, 0.3e-9, 6e-9, 320.0, 3e6, 2e-10, 1.5e-9),
    "sky130": Sky130(),
    "sky130, other numbers": Sky130(5e-5, 6e-9, 5.5e-9, 0.3, 100.0, 15.0, -0.7, 1.2, 1.1, 320.0, 2e-16, 5e-10),
}
NAMES = ("i", "di/dv", "di/dx", "f", "df/dv", "df/dx")


def evaluated(device, v, x):
    """The six arrays of a device's laws at volts and states of one shape, (m, n)."""
    results = np.empty((6, *np.shape(v)))
    device.dynamics(np.shape(v)).evaluate(np.array(v), np.array(x), *results)
    return results


@pytest.mark.parametrize("name", DEVICES)
def test_laws_and_slopes_are_the_papers(name):
    device = DEVICES[name]
    rng = np.random.default_rng(3)
    low, high = device.bounds
    v, x = rng.uniform(-1.5, 1.5, (5, 6)), low + (high - low) * rng.uniform(0.01, 0.99, (5, 6))
    v[0, :3], x[1, 0], x[1, 1] = (1e-9, -1e-9, 0.69), low, high
    results = evaluated(device, v, x)
    for i, j in np.ndindex(5, 6):
        if x[i, j] in (low, high):
            continue
        for label, number, known in zip(
            NAMES, results[:, i, j], mp_state_laws.law(device, v[i, j], x[i, j]), strict=True
        ):
            # Exponents of 60 and windows near a bound magnify the last digit.
            assert number == pytest.approx(float(known), rel=3e-13, abs=0), (label, v[i, j], x[i, j])
