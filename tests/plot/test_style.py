"""One look of all pictures: told apart without colours, by people of every colour vision, with units of their size."""

from __future__ import annotations

import itertools
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import xbarsim
from xbarsim.errors import InputError
from xbarsim.plot import COLOURS, curves, histogram, line_currents, new_figure, save, scaled_unit, signed_colours, style
from xbarsim.plot.panels import cell_map

pytest.importorskip("matplotlib")

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])
# Machado, Oliveira and Fernandes 2009, table 1: what linear RGB is to people without a kind of cone.
VISIONS = {
    "usual": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    """Return linear RGB of an sRGB colour (IEC 61966-2-1)."""
    from matplotlib.colors import to_rgb

    shares = np.array(to_rgb(colour))
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """Return CIELAB (CIE 15) of linear RGB."""
    x = TO_XYZ @ rgb / WHITE
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_the_first_colours_are_told_apart_in_grey():
    lightness = [lab(linear(colour))[0] for colour in COLOURS]
    assert min(abs(a - b) for a, b in itertools.combinations(lightness[:6], 2)) > 8.5
    assert min(abs(a - b) for a, b in itertools.pairwise(lightness)) > 10.0, "neighbours are further apart"
    assert max(lightness) < 80.0, "paper is white"


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_are_told_apart_by_people_of_every_colour_vision(vision):
    seen = [lab(np.clip(np.array(VISIONS[vision]) @ linear(colour), 0.0, 1.0)) for colour in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 22.0


def test_signed_numbers_go_from_dark_to_light():
    lightness = [lab(linear(colour))[0] for colour in signed_colours()(np.linspace(0.0, 1.0, 33))]
    assert np.all(np.diff(lightness) > 0.5)
    below, middle, above = (linear(signed_colours()(share)) for share in (0.1, 0.5, 0.9))
    assert np.ptp(middle) < 0.01 < min(np.ptp(below), np.ptp(above)), "0 has no colour"


def test_no_two_of_the_first_24_lines_look_alike():
    assert len({tuple(map(str, style(number).values())) for number in range(24)}) == 24


def test_colours_come_from_one_place():
    folder = Path(xbarsim.__file__).parent
    colour = re.compile(r"""["']#[0-9a-f]{6}["']|["']C\d["']|["']tab10["']""")
    paths = [path for path in folder.rglob("*.py") if path.parent.name not in ("plot", "views")]
    drawing = [path for path in paths if "matplotlib" in path.read_text("utf-8")]
    assert len(drawing) > 10
    assert not [path.name for path in drawing if colour.search(path.read_text("utf-8"))]


@pytest.mark.parametrize(
    ("largest", "unit", "expected"),
    [
        (30e-6, "A", (1e-6, "uA")),
        (1e-3, "V", (1e-3, "mV")),
        (999.0, "ohm", (1.0, "ohm")),
        (2e6, "ohm", (1e6, "Mohm")),
        (0.0, "V", (1.0, "V")),
        (np.inf, "V", (1.0, "V")),
        (1e-21, "A", (1e-15, "fA")),
    ],
)
def test_units_are_of_the_numbers_size(largest, unit, expected):
    assert scaled_unit(largest, unit) == expected


def labels(axis):
    axis.figure.draw_without_rendering()
    low, high = axis.get_view_interval()
    ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
    return {place: text.get_text() for place, text in ticks if low <= place <= high}


def test_ticks_are_in_the_unit_that_the_label_says():
    axes = curves(np.linspace(0.0, 40e-9, 9), {"a": np.linspace(-3e-5, 8e-5, 9)}, new_figure().subplots(),
                  xlabel="time (s)")  # fmt: skip
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (ns)", "current (uA)")
    for axis, scale in ((axes.xaxis, 1e-9), (axes.yaxis, 1e-6)):
        for place, text in labels(axis).items():
            assert float(text.replace("\N{MINUS SIGN}", "-")) == pytest.approx(place / scale, abs=1e-9)


def test_near_numbers_keep_their_digits():
    axes = curves([1.0, 2.0], {"a": [0.3, 0.3002]}, new_figure().subplots(), xlabel="step", ylabel="V")
    found = labels(axes.yaxis)
    assert len(set(found.values())) == len(found)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "voltage (mV)")


def test_logarithmic_ticks_have_their_unit():
    axes = histogram([1e-6, 1e-5, 1e-4], new_figure().subplots())
    assert [text for text in labels(axes.xaxis).values() if text] == ["1 uS", "3 uS", "10 uS", "30 uS", "100 uS"]
    assert axes.get_xlabel() == "conductance"


def test_outputs_have_their_names():
    axes = line_currents([1e-6, 2e-6], None, new_figure().subplots(), names=["vout", "v$2"])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["vout", r"v\$2"]
    assert axes.get_ylabel() == "output current (uA)"
    with pytest.raises(InputError, match="names has 1 names: give one for each of 2 currents"):
        line_currents([1e-6, 2e-6], None, new_figure().subplots(), names=["a"])


@pytest.mark.parametrize("width", [3.3, 7.0])
def test_pictures_of_any_width_warn_of_nothing(tmp_path, width):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = new_figure(figsize=(width, 0.7 * width))
        left, right = figure.subplots(1, 2)
        cell_map([[1e-3, -2e-4], [np.nan, 0.0]], left, unit="V", title="漢字 $5")
        line_currents(np.zeros(3), [1e-6, 0.0, -1e-6], right)
        save(figure, tmp_path / "a.png")
