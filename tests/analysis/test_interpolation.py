"""Values between the points of a run: smooth where it is, and never across a corner."""

from __future__ import annotations

import numpy as np
import pytest

from xbarsim.analysis.interpolation import interpolated

NO_CORNERS = np.zeros(0)
TIMES = np.array([0.0, 0.1, 0.25, 0.6, 0.7, 1.1, 1.9, 2.0])
BETWEEN = np.linspace(0.0, 2.0, 41)


def test_a_cubic_is_found_exactly():
    values = np.stack([TIMES**3 - 2 * TIMES, 4 * TIMES**2, TIMES, np.ones(TIMES.size)], axis=1)
    curve = interpolated(TIMES, values, BETWEEN, NO_CORNERS)
    cubics = np.stack([BETWEEN**3 - 2 * BETWEEN, 4 * BETWEEN**2, BETWEEN, np.ones(BETWEEN.size)], axis=1)
    np.testing.assert_allclose(curve, cubics, atol=1e-13)


def test_the_error_falls_with_the_fourth_power_of_the_step():
    def error(count: int) -> float:
        times = np.linspace(0, 3, count) ** 1.2
        at = np.linspace(0, times[-1], 999)
        return float(np.abs(interpolated(times, np.sin(times)[:, None], at, NO_CORNERS)[:, 0] - np.sin(at)).max())

    assert 12 < error(30) / error(60) < 20


@pytest.mark.parametrize("column", [0, 1])
def test_nothing_is_seen_beyond_a_corner(column):
    """A ramp of two points between flat parts is a straight line; with its corners unknown it would be none."""
    times = np.array([0.0, 0.5, 1.0, 1.01, 1.5, 2.0, 2.6])
    values = np.stack([np.interp(times, [1.0, 1.01], [0.0, 1.0]), np.abs(times - 1.01)], axis=1)[:, [column]]
    at = np.linspace(0, 2.6, 1301)
    true = np.interp(at, times, values[:, 0])
    corners = np.array([1.0, 1.01, 7.0])
    np.testing.assert_allclose(interpolated(times, values, at, corners)[:, 0], true, atol=1e-12)


def test_a_jump_that_nobody_announced_does_not_ring():
    times = np.linspace(0, 1, 21)
    values = np.where(times > 0.52, 1.0, 0.0)[:, None]
    curve = interpolated(times, values, np.linspace(0, 1, 501), NO_CORNERS)
    assert curve.min() >= -1e-12
    assert curve.max() <= 1 + 1e-12


def test_outside_of_all_points_there_is_nothing():
    curve = interpolated(TIMES, TIMES[:, None], np.array([-0.1, 0.0, 2.0, 2.1]), NO_CORNERS)[:, 0]
    np.testing.assert_array_equal(curve, [np.nan, 0.0, 2.0, np.nan])
    np.testing.assert_array_equal(interpolated(np.zeros(1), np.ones((1, 1)), np.zeros(1), NO_CORNERS), [[1.0]])
