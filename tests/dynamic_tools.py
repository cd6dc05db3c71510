"""Laws of dynamic cells on plain numbers, and one such cell in time by scipy."""

import numpy as np
from scipy.integrate import solve_ivp


def evaluated(device, v, x):
    """The six arrays of a device's laws at volts and states of one shape, (m, n)."""
    results = np.empty((6, *np.shape(v)))
    device.dynamics(np.shape(v)).evaluate(np.array(v, dtype=float), np.array(x, dtype=float), *results)
    return results


def moved(device, x0, volts, times):
    """States at ``times`` of one cell under ``volts(t)`` from t = 0, by Radau; none may come to a bound."""
    cells = device.dynamics((1, 1))
    low, span = cells.low.item(), (cells.high - cells.low).item()
    results = np.empty((6, 1, 1))

    def motion(t, y):
        cells.evaluate(np.array([[volts(t)]]), np.array([[low + span * y.item()]]), *results)
        return [results[3].item() / span]

    run = solve_ivp(motion, (0.0, times[-1]), [(x0 - low) / span], "Radau", t_eval=times, rtol=1e-10, atol=1e-13)
    assert run.success, run.message
    assert 0.0 < run.y.min() < run.y.max() < 1.0
    return low + span * run.y[0]
