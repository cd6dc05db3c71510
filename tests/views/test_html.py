"""What notebooks show: well-formed, small, with the object's own numbers, and safe for any text."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

import xbarsim
from xbarsim.nonideal import Chip, Fault, Faults, Nonidealities
from xbarsim.plot import BLUE, ORANGE, PALE
from xbarsim.views.array_svg import array_svg, card

RNG = np.random.default_rng(0)
SVG = "{http://www.w3.org/2000/svg}"
CROSSBAR = xbarsim.Crossbar(10.0 ** RNG.uniform(-6, -3, (5, 3)), word_wire=1.0, bit_wire=2.0, driver=np.arange(5.0))


def parsed(html):
    return ElementTree.fromstring(html)


def words(html):
    return " ".join(parsed(html).itertext())


def fills(html):
    return [rect.get("fill") for rect in parsed(html).iter(f"{SVG}rect")]


def test_a_crossbar_shows_its_numbers_and_a_square_for_each_cell():
    html = CROSSBAR._repr_html_()
    assert "Crossbar, 5 x 3" in words(html)
    assert "bit_wire" in words(html)
    assert "2 ohm" in words(html)
    assert "0 ohm to 4 ohm" in words(html)
    colours = np.array(fills(html)).reshape(5, 3)
    largest, smallest = (np.unravel_index(f(CROSSBAR.conductance), (5, 3)) for f in (np.argmax, np.argmin))
    assert (colours[largest], colours[smallest]) == ("#fde725", "#440154")


@pytest.mark.parametrize("shape", [(300, 40), (25, 1), (1, 1)])
def test_large_arrays_are_drawn_small(shape):
    html = xbarsim.Crossbar(RNG.uniform(0, 1e-3, shape))._repr_html_()
    assert len(fills(html)) == min(shape[0], 24) * min(shape[1], 24)
    assert len(html) < 60_000


def test_a_solution_and_a_batch():
    solution = xbarsim.solve(CROSSBAR, np.full(5, 0.2))
    text = words(solution._repr_html_())
    assert "Solution, one vector, 5 x 3" in text
    assert solution.method in text
    assert len(fills(solution._repr_html_())) == 15
    batch = xbarsim.solve(CROSSBAR, RNG.uniform(0, 1, (7, 5)))
    assert "7 vectors" in words(batch._repr_html_())
    assert fills(batch._repr_html_()) == []


def test_a_chip_shows_its_stuck_cells():
    chip = Chip(Nonidealities(faults=Faults(rate=0.5)), 3, [(6, 4), (2, 2)])
    html = chip._repr_html_()
    faults = chip.maps(0).faults.ravel()
    named = {Fault.HEALTHY: PALE, Fault.STUCK_AT_LRS: ORANGE, Fault.STUCK_AT_HRS: BLUE}
    assert fills(html) == [named[Fault(kind)] for kind in faults]
    assert "Chip, seed 3" in words(html)
    assert f"{np.mean(faults == 1):.2%} at LRS" in words(html)


def test_hardware_shows_every_part():
    pytest.importorskip("torch")
    from xbarsim.nn import preset

    text = words(preset("rram-64-8bit")._repr_html_())
    for part in ("tiles", "cells", "law", "wires", "mapping", "encoding", "dac", "adc", "fidelity"):
        assert part in text
    assert "arrays of 64 x 64" in text


def test_nan_and_zero_are_grey_and_equal_numbers_are_no_division_by_0():
    assert fills(card("t", [], array_svg(np.array([[np.nan, 0.0, 1.0]])))) == ["#cccccc", "#cccccc", "#440154"]
    assert set(fills(card("t", [], array_svg(np.full((2, 2), 5.0), "linear")))) == {"#440154"}
    assert set(fills(card("t", [], array_svg(np.zeros((2, 2)))))) == {"#cccccc"}


def test_texts_are_escaped():
    html = card("<b>", [("a & b", '"<script>"')], array_svg(np.ones((1, 1)), label='"><script>'))
    assert "<script>" not in html
    assert words(html).startswith("<b>")
