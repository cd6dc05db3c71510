"""Joules of a cell that conducts next to nothing, pulsed alone and beside others, against dense nodal equations."""

import numpy as np
import pytest
from programming_reference import across

from xbarsim import Crossbar
from xbarsim.devices import VTEAM
from xbarsim.programming import WritePulse, apply


@pytest.mark.parametrize("cells", [[(2, 1)], [(2, 2), (2, 1), (2, 3)], [(3, 0)]])
def test_each_cells_joules_are_right_against_themselves(cells):
    """At 0.3 V nothing moves, so that the power is constant; cells are from 1e-11 to 1e-3 S."""
    siemens = 10 ** np.random.default_rng(0).uniform(-5.0, -3.0, (5, 4))
    siemens[2, 1], siemens[2, 2], siemens[3] = 1e-11, 1e-9, 1e-11
    crossbar = Crossbar(
        siemens, word_wire=2.0, bit_wire=3.0, driver=100.0, sense=50.0,
        device=VTEAM(r_on=1e2, r_off=1e12, v_on=-1.0, v_off=1.0),
    )  # fmt: skip
    written = apply(crossbar, [WritePulse(cells if len(cells) > 1 else cells[0], 0.3, 1e-8)], scheme="half")
    words, bits = np.full(5, 0.15), np.full(4, 0.15)
    for i, j in cells:
        words[i], bits[j] = 0.3, 0.0
    volts, _ = across(crossbar, siemens, words, bits)
    for cell in cells:
        wanted = siemens[cell] * volts[cell] ** 2 * 1e-8
        assert written.log.cell_energy[cell] == pytest.approx(wanted, rel=1e-9, abs=0.0)
