"""Corners of waveforms: where values or slopes jump, found again from the values alone."""

import numpy as np
import pytest

from xbarsim.errors import InputError
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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pulse(0.0, np.nan, 0.0, 1e-9, 1e-9, 1e-9, 1.0), "high of a Pulse is nan: it must be a finite number"),
        (lambda: Sine(0.0, 1.0, "1k"), "frequency of a Sine is '1k'"),
        (lambda: Exponential(0.0, 1.0, 0.5, np.inf, 2.5, 0.4), "rise_constant of a Exponential is inf"),
        (lambda: Piecewise([0.0, 2.0, 1.0], [0.0, 1.0, 0.0]), "points that decrease"),
        (lambda: Piecewise([0.0, 1.0], [0.0]), r"points \(2,\) and values \(1,\)"),
        (lambda: Piecewise([], []), r"points \(0,\)"),
        (lambda: Piecewise([0.0, 1.0], [0.0, np.nan]), "no finite number"),
        (lambda: Piecewise([0.0, 1.0], [0.0, 1.0], 0.0, 1.0), "repeats from 1.0 s: .* before the last, 1 s"),
    ],
)
def test_numbers_that_are_no_wave_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_points_may_be_lists():
    np.testing.assert_array_equal(Piecewise([0, 1], [0, 2]).at(np.array([0.25, 3.0])), [0.5, 2.0])


@pytest.mark.parametrize(
    ("wave", "hertz"),
    [
        (Sine(0.0, 1.0, -5.0), 5.0), (AmplitudeModulated(1.0, 0.5, 2.0, 9.0), 11.0),
        (FrequencyModulated(0.0, 1.0, 9.0, 2.0, 3.0), 15.0),
    ],
)  # fmt: skip
def test_a_turn_is_a_sixteenth_of_the_shortest_period(wave, hertz):
    """Between two extrema lie several."""
    assert wave.turn == 0.0625 / hertz
    times = np.linspace(0.0, 1.0, 100001)
    slopes = np.diff(wave.at(times))
    turns = times[1:-1][np.signbit(slopes[1:]) != np.signbit(slopes[:-1])]
    assert np.diff(turns).min() > 5 * wave.turn
