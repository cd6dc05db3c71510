"""Corners of waveforms: where values or slopes jump, found again from the values alone."""

import numpy as np
import pytest

from xbarsim.waves import AmplitudeModulated, Exponential, FrequencyModulated, Piecewise, Pulse, Sine

WAVES = [
    (Pulse(0.0, 1.0, 0.3, 0.1, 0.2, 0.5, 2.0), [0.3, 0.4, 0.9, 1.1, 2.3, 2.4, 2.9, 3.1, 4.3, 4.4, 4.9]),
    (Pulse(0.0, 1.0, 0.3, 0.1, 0.2, 0.5, 2.0, 1.0), [0.3, 0.4, 0.9, 1.1]),
    (Pulse(0.0, 1.0, 0.3, 0.1, 0.2, 2.0, 1.5, 2.0), [0.3, 0.4, 1.8, 1.9, 3.3]),
    (Pulse(0.0, 1.0, 0.0, 0.3, 0.3, 2.0, 1.5), [0.0, 0.3, 1.5, 1.8, 3.0, 3.3, 4.5, 4.8]),
    (Pulse(1.0, 0.0, -1.0, 0.1, 0.2, 0.5, 2.0), [1.0, 1.1, 1.6, 1.8, 3.0, 3.1, 3.6, 3.8, 5.0]),
    (Sine(0.0, 1.0, 0.4, 0.7), [0.7]),
    (FrequencyModulated(0.0, 1.0, 1.0, 0.5, 0.2), []),
    (AmplitudeModulated(1.0, 0.5, 0.1, 0.5, 1.1), [1.1]),
    (Exponential(0.0, 1.0, 0.5, 0.3, 2.5, 0.4), [0.5, 2.5]),
    (Piecewise(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0, 0.5]), 0.25), [0.25, 1.25, 2.25]),
    (Piecewise(np.array([0.0, 1.0, 2.5]), np.array([0.0, 1.0, 0.5]), 0.0, 1.0), [0.0, 1.0, 2.5, 4.0]),
]


@pytest.mark.parametrize(("wave", "expected"), WAVES)
def test_corners(wave, expected):
    np.testing.assert_allclose(wave.corners(0.0, 5.0), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("wave", "expected"), WAVES)
def test_between_corners_waves_are_smooth(wave, expected):
    """Second differences of samples are large next to corners alone."""
    times = np.linspace(0.0, 5.0, 50001)[1:-1]
    step = times[1] - times[0]
    values = wave.at(times)
    second = np.abs(np.diff(values, 2)) / step
    bent = times[1:-1][second > 0.05]
    corners = wave.corners(0.0, 5.0)
    distance = np.abs(bent[:, None] - corners[None]).min(axis=1) if corners.size else bent
    assert (distance <= 2 * step).all()


@pytest.mark.parametrize(("wave", "expected"), WAVES)
def test_corners_of_a_part(wave, expected):
    whole = wave.corners(0.0, 5.0)
    np.testing.assert_array_equal(wave.corners(0.9, 3.05), whole[(whole >= 0.9) & (whole <= 3.05)])
