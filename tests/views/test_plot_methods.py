"""Pictures into an axis that somebody hands over: the numbers that are drawn are the result's."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

import xbarsim
from xbarsim.errors import InputError
from xbarsim.margin import Technology, plot_margins, sweep
from xbarsim.netlist import read
from xbarsim.nonideal import Chip, Faults, Nonidealities, Variation
from xbarsim.plot import cell_map, curves, histogram, line_currents

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

G = np.array([[1e-3, 2e-4, 0.0], [1e-4, 2e-3, 3e-4]])
CROSSBAR = xbarsim.Crossbar(G, word_wire=3.0, bit_wire=7.0, driver=10.0, sense=20.0)
VECTORS = np.array([[0.5, 0.2], [0.1, -0.3], [0.0, 0.4]])


@pytest.fixture
def ax():
    return xbarsim.plot.new_figure().subplots()


def drawn(axes):
    (image,) = axes.get_images()
    return image.get_array()


def test_a_crossbar_is_a_map_of_its_cells(ax):
    assert CROSSBAR.plot(ax) is ax
    assert np.array_equal(drawn(ax), G)
    ax.figure.canvas.draw()
    logarithmic = CROSSBAR.plot(xbarsim.plot.new_figure().subplots(), scale="log")
    assert np.ma.getmaskarray(np.ma.masked_invalid(drawn(logarithmic)))[0, 2], "0 has no logarithm"
    assert type(logarithmic.get_images()[0].norm).__name__ == "LogNorm"


def test_a_solution_is_bars_or_a_map(ax):
    solution = xbarsim.solve(CROSSBAR, VECTORS, fields=True)
    solution.plot(ax=ax, vector=1)
    assert np.allclose([bar.get_height() for bar in ax.patches], solution.currents[1], atol=0.0)
    for quantity in ("word_voltages", "bit_voltages", "device_voltages", "device_currents"):
        axes = solution.plot(quantity, xbarsim.plot.new_figure().subplots(), vector=2)
        assert np.array_equal(drawn(axes), getattr(solution, quantity)[2])
    with pytest.raises(InputError, match="quantity is 'volts': it must be one of currents, word_voltages"):
        solution.plot("volts", ax)
    with pytest.raises(InputError, match="vector is 3: the solution has 3"):
        solution.plot(ax=ax, vector=3)
    with pytest.raises(InputError, match="fields=True"):
        xbarsim.solve(CROSSBAR, VECTORS).plot("device_currents", ax)


def test_without_an_axis_it_is_pyplots_current_one():
    from matplotlib import pyplot

    pyplot.figure()
    try:
        assert xbarsim.solve(CROSSBAR, VECTORS[0]).plot() is pyplot.gca()
    finally:
        pyplot.close("all")


def test_a_chip_is_drawn_map_by_map(ax):
    chip = Chip(Nonidealities(variation=Variation(sigma=0.3), faults=Faults(rate=0.4)), 3, [(4, 3), (2, 5)])
    chip.plot(ax=ax, tile=1)
    assert np.array_equal(drawn(ax), chip.maps(1).faults)
    assert np.array_equal(drawn(chip.plot("factor", xbarsim.plot.new_figure().subplots(), tile=1)), chip.maps(1).factor)
    with pytest.raises(InputError, match="quantity is 'faults': it must be one of fault, factor, nu"):
        chip.plot("faults", ax)


def test_a_device_is_a_curve_for_each_state(ax):
    device, volts = xbarsim.Sinh(v0=0.25), np.linspace(-0.5, 0.5, 11)
    device.plot([1e-3, 1e-5], volts, ax)
    for line, g in zip(ax.get_lines(), (1e-3, 1e-5), strict=True):
        assert np.allclose(line.get_ydata(), g * 0.25 * np.sinh(volts / 0.25), rtol=1e-12, atol=0.0)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1 mS", "10 uS"]
    with pytest.raises(InputError, match=r"voltages \(2, 1\): each takes one axis"):
        device.plot(1e-3, [[0.0], [1.0]], ax)


def test_a_sweep_has_a_gap_between_runs(ax):
    circuit = read(io.StringIO("t\nv1 a 0 1\nv2 c 0 1\nr1 a b 1k\nr2 b c 3k\n.dc v1 0 1 0.5 v2 0 2 2\n"))
    solution = circuit.solve()
    solution.plot("V(b)", "v(a)", ax=ax)
    line = ax.get_lines()[0]
    expected = np.insert(solution.voltage("b"), 3, np.nan)
    assert np.array_equal(line.get_ydata(), expected, equal_nan=True)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("v1 (V)", "voltage (V)")
    with pytest.raises(InputError, match="an operating point has no curve"):
        read(io.StringIO("t\nv1 a 0 1\nr1 a 0 1k\n.op\n")).solve().plot(ax=ax)


def test_margins_are_a_curve_for_each_scheme(ax):
    points = list(sweep(Technology(r_on=1e4, r_off=1e6), [2, 4], ["half", "third"]))
    plot_margins(points, ax)
    heights = np.concatenate([line.get_ydata() for line in ax.get_lines()])
    assert all(point.current_margin in heights for point in points)


def test_an_inference_is_a_dot_for_each_chip(ax):
    pytest.importorskip("torch")
    from xbarsim.nn.inference_result import ChipResult, Inference

    inference = Inference(0.98, (ChipResult(4, 0.7, 0.7, 1.0), ChipResult(9, 0.6, 0.6, 1.0)), (), alike=False)
    inference.plot(ax)
    assert any(np.allclose(line.get_ydata(), [70.0, 60.0], atol=0.0) for line in ax.get_lines())


def test_a_histogram_counts_every_cell(ax):
    numbers = 10.0 ** np.random.default_rng(0).uniform(-6, -3, 500)
    histogram(np.append(numbers, [0.0, np.nan]), ax, title="cells")
    assert sum(bar.get_height() for bar in ax.patches) == 500
    assert ax.get_title() == "cells (1 at or below 0)"
    linear = histogram(numbers, xbarsim.plot.new_figure().subplots(), scale="linear", bins=7)
    assert len(linear.patches) == 7


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ax: cell_map([1.0, 2.0], ax), r"values has shape \(2,\): a map takes \(rows, cols\)"),
        (lambda ax: cell_map(G, ax, scale="ln"), "scale is 'ln'"),
        (lambda ax: line_currents([[1.0]], None, ax), r"currents has shape \(1, 1\)"),
        (lambda ax: line_currents([1.0], [1.0, 2.0], ax), r"ideal \(2,\)"),
        (lambda ax: curves([1.0, 2.0], {"a": [1.0]}, ax), r"a has shape \(1,\) and x \(2,\)"),
        (lambda ax: histogram([1.0], ax, scale="x"), "scale is 'x'"),
    ],
)
def test_bad_input_is_refused(ax, call, message):
    with pytest.raises(InputError, match=message):
        call(ax)


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install 'xbarsim\[plot\]'"):
        CROSSBAR.plot()
