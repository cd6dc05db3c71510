"""Laws of cells whose state moves: against the papers' equations in many digits, slopes and all."""

import mp_state_laws
import numpy as np
import pytest

from xbarsim.devices import VTEAM

DEVICES = {
    "vteam": VTEAM(),
    "vteam, exponential": VTEAM(curve="exponential", window="joglekar", exponent=2.0, alpha_on=1.0, alpha_off=4.5),
    "vteam, biolek": VTEAM(window="biolek", exponent=3.0, v_on=-0.3, k_off=2.0, x_on=1e-9),
    "vteam, prodromakis": VTEAM(window="prodromakis", exponent=2.5),
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
