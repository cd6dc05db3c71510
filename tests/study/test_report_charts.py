"""Charts of a study's report: which axes they have, and how lines, words and heat maps are drawn."""

from __future__ import annotations

import pytest
from report_tools import BITS, BITS_SWEEP, accuracy, answered, one_failure, view

from xbarsim.study.report_contents import report_contents

pytest.importorskip("matplotlib")

from xbarsim.plot import style
from xbarsim.study.chart_drawing import chart_figure, heat_figure


def test_an_axis_may_begin_above_the_least_number_and_then_says_that_there_is_more_below(tmp_path):
    pictures = []
    for settings in ("", "[report]\nlowest = { accuracy = 0.89 }\n", "[report]\nlowest = { accuracy = 0.1 }\n"):
        (chart,) = report_contents(answered(tmp_path, settings)).charts
        (axes,) = chart_figure(chart).axes
        arrows = [line for line in axes.lines if line.get_marker() == 11]
        pictures.append((axes.get_ylim()[0], sum(len(line.get_xdata()) for line in arrows)))
    (least, none), (cut, some), (unused, no) = pictures
    assert (none, no, unused) == (0, 0, least)
    assert cut == 89.0
    assert some == 2, "the rate 0.1 takes both methods below 0.89"


def test_axes_are_chosen_by_the_numbers_and_by_the_file(tmp_path):
    usual = view(answered(tmp_path, sweep=BITS_SWEEP, axes=BITS))
    assert (usual.x, usual.lines, usual.panels) == ("adc.bits", "method", ("cells.faults.rate",))
    assert usual.heat == ("adc.bits", "cells.faults.rate")
    settings = '[report]\nx = "cells.faults.rate"\nlines = "adc.bits"\nheat = false\nlog = true\n'
    other = view(answered(tmp_path, settings, sweep=BITS_SWEEP, axes=BITS))
    assert (other.x, other.lines, other.panels, other.heat) == ("cells.faults.rate", "adc.bits", ("method",), None)
    assert other.is_log("cells.faults.rate")


def test_values_far_apart_are_drawn_logarithmically_zero_among_them(tmp_path):
    axes = {"cells.faults.rate": [0, 1e-4, 1e-2, 0.1], "method": ["none"]}
    sweep = '[sweep]\n"cells.faults.rate" = [0, 1e-4, 1e-2, 0.1]\n'
    opened = answered(tmp_path, sweep=sweep, axes=axes)
    (chart,) = report_contents(opened).charts
    assert chart.is_log
    (axes,) = chart_figure(chart).axes
    assert axes.get_xscale() == "symlog"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.0001", "0.01", "0.1"]
    low, high = axes.get_xlim()
    assert low < 0.0 < 0.1 < high


def test_many_values_at_equal_distances_are_drawn_linearly_with_marks_on_some(tmp_path):
    rates = [k / 100 for k in range(40)]
    axes = {"cells.faults.rate": rates, "method": ["none"]}
    (chart,) = report_contents(answered(tmp_path, sweep=f'[sweep]\n"cells.faults.rate" = {rates}\n', axes=axes)).charts
    assert not chart.is_log
    (axes,) = chart_figure(chart).axes
    assert axes.containers[0].lines[0].get_markevery() == 3


def test_counts_of_several_decades_are_drawn_logarithmically_whatever_their_deviations(tmp_path):
    def reply(point):
        return accuracy(0.9, writes=10.0 ** (point["chip"] + (4 if point["method"] == "fpt" else 1)))

    (chart,) = report_contents(answered(tmp_path, '[report]\nmetrics = ["writes"]\n', reply=reply)).charts
    assert min(s.mean - s.deviation for line in chart.panels[0].lines for s in line.spreads) < 0.0
    assert chart.is_y_log
    assert chart.limits[0] > 0.0
    (axes,) = chart_figure(chart).axes
    assert axes.get_yscale() == "log"


def test_words_stand_side_by_side_with_no_line_between_them(tmp_path):
    axes = {"tile": ["8x128", "a very long name of a tile indeed"], "method": ["none", "fpt"]}
    sweep = (
        '[sweep]\ntile = { "8x128" = { tiles.rows = 8 }, "a very long name of a tile indeed" = { tiles.rows = 9 } }\n'
    )
    contents = report_contents(answered(tmp_path, sweep=sweep, axes=axes))
    (chart,) = contents.charts
    (axes,) = chart_figure(chart).axes
    lines = [container.lines[0] for container in axes.containers]
    assert {line.get_linestyle() for line in lines} == {"None"}
    assert lines[0].get_xdata()[0] < 0.0 < lines[1].get_xdata()[0]
    assert axes.get_xticklabels()[1].get_text().endswith("…")


def test_lines_differ_in_marks_and_dashes_without_their_colours():
    looks = [style(number) for number in range(24)]
    grey = [(look["marker"], look["linestyle"]) for look in looks[:12]]
    assert len(set(grey)) == 12
    assert len({tuple(map(str, look.values())) for look in looks}) == 24


def test_heat_maps_hatch_what_is_missing(tmp_path):
    opened = answered(
        tmp_path,
        sweep=BITS_SWEEP,
        axes=BITS,
        reply=lambda point: None if point["adc.bits"] == 6 else one_failure(point),
    )
    (heat,) = report_contents(opened).heat_charts
    assert heat.x_words == ("4", "6", "8")
    assert heat.panels[0].means[0] == (pytest.approx(0.91), None, pytest.approx(0.91))
    patches = [patch for patch in heat_figure(heat).axes[0].patches if patch.get_hatch()]
    assert len(patches) == 3
