"""Watts of quiet cells, wires and ends beside loud ones, each against itself, in 60 digits."""

import mp_reference
import numpy as np
import pytest
from mpmath import mp, mpf

from xbarsim import Crossbar, solve
from xbarsim.energy import power_split

LAST = np.full((5, 3), 2.0)
LAST[:, 2] = 1e13
CELLS = 10 ** np.random.default_rng(0).uniform(-5.0, -3.0, (5, 4))
QUIET = np.where((np.arange(4) == 2) | (np.arange(5) == 3)[:, None], 1e-15, CELLS)
CASES = {
    "quiet cells": Crossbar(QUIET, word_wire=2.0, bit_wire=3.0, driver=100.0, sense=50.0),
    "wires of next to nothing": Crossbar(CELLS, word_wire=1e-9, bit_wire=1e-12, driver=100.0, sense=50.0),
    "a last wire of 10 Tohm": Crossbar(CELLS, word_wire=LAST, bit_wire=3.0, driver=100.0, sense=50.0),
    "fading": Crossbar(np.full((5, 6), 1e-2), word_wire=3e4, bit_wire=3.0, driver=100.0, sense=50.0),
    "ends that circulate": Crossbar(CELLS, word_wire=2.0, bit_wire=3.0, driver=1e-9, sense=1e12),
}


@pytest.mark.parametrize("name", CASES)
def test_each_part_is_right_however_little_it_is(name):
    crossbar, volts = CASES[name], np.array([0.2, 0.5, 0.3, 0.1, 0.4])
    solution = solve(crossbar, volts)
    split = power_split(solution)
    with mp.workdps(mp_reference.DIGITS):
        exact = mp_reference.solve(crossbar, volts)
        fall = exact.word_voltages - exact.bit_voltages
        cells = np.array([mpf(float(g)) for g in crossbar.conductance.flat]).reshape(crossbar.shape) * fall**2
        along = [-(np.diff(exact.word_voltages, axis=1)), -(np.diff(exact.bit_voltages, axis=0))]
        wires = [
            sum(d**2 / mpf(float(r)) for d, r in zip(drops.flat, ohms.flat, strict=True))
            for drops, ohms in zip(along, (crossbar.word_wire, crossbar.bit_wire), strict=True)
        ]
        ends = {
            side: sum(mpf(float(r)) * i**2 for r, i in zip(crossbar.boundary[side].resistance, amperes, strict=True))
            for side, amperes in exact.end_currents.items()
            if side in ("word_left", "bit_bottom")
        }
    watts = solution.device_voltages * solution.device_currents
    assert np.allclose(watts, cells.astype(float), rtol=1e-10, atol=0.0)
    found = [split.cells, split.word_wires, split.bit_wires, split.ends["word_left"], split.ends["bit_bottom"]]
    wanted = [float(cells.sum()), *map(float, wires), float(ends["word_left"]), float(ends["bit_bottom"])]
    assert np.allclose(found, wanted, rtol=1e-10, atol=0.0)
