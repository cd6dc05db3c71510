"""Units and names on a report's axes and in the titles of its tables."""

from __future__ import annotations

import pytest
from report_tools import accuracy, answered, study

from xbarsim.study.report_contents import report_contents
from xbarsim.study.store import TrialAnswer

pytest.importorskip("matplotlib")

from xbarsim.study.chart_drawing import chart_figure


def margins(tmp_path, more=""):
    """Return what is said of a study of margins, currents of which are some microamperes."""
    text = '[margin]\nscheme = "half"\n[sweep]\nsize = [8, 16]\nwire = [1, 2, 3]\n'
    answer = TrialAnswer({"current_margin": 0.5, "sneak_current": 2e-6}, 1.0)
    axes = {"size": [8, 16], "wire": [1, 2, 3]}
    return report_contents(study(tmp_path, text + more, axes, lambda point: answer, 1))


def test_margins_have_units(tmp_path):
    contents = margins(tmp_path)
    assert [table.title for table in contents.tables] == ["Current margin, by size", "Sneak current (A), by size"]
    assert [chart.label for chart in contents.charts] == ["current margin", "sneak current (A)"]
    axes = chart_figure(contents.charts[1]).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("wire (ohm)", "sneak current (uA)")
    axes.figure.canvas.draw()
    assert "2.000" in {label.get_text() for label in axes.get_yticklabels()}


@pytest.mark.parametrize(
    ("axis", "label"),
    [
        ("wires.word+wires.bit", "wires.word+wires.bit (ohm)"), ("cells.r_on", "cells.r_on (ohm)"),
        ("wires.word+adc.bits", "wires.word+adc.bits"),
    ],
)  # fmt: skip
def test_ohms_of_the_hardware_are_on_the_axis(tmp_path, axis, label):
    axes = {axis: [1, 2, 5], "method": ["none"]}
    (chart,) = report_contents(answered(tmp_path, sweep=f'[sweep]\n"{axis}" = [1, 2, 5]\n', axes=axes)).charts
    assert chart.x_label == label


def test_a_label_takes_the_place_of_a_unit(tmp_path):
    contents = margins(tmp_path, '[report.labels]\nsneak_current = "amperes that sneak"\nwire = "ohm"\n')
    (chart,) = (chart for chart in contents.charts if chart.metric == "sneak_current")
    assert (chart.label, chart.x_label) == ("amperes that sneak", "ohm")


def test_axes_of_large_counts_are_written_out(tmp_path):
    def reply(point):
        return accuracy(0.9, writes=200_000.0 + 100_000 * point["chip"])

    (chart,) = report_contents(answered(tmp_path, '[report]\nmetrics = ["writes"]', reply=reply)).charts
    axis = chart_figure(chart).axes[0].yaxis
    axis.figure.canvas.draw()
    texts = {label.get_text() for label in axis.get_ticklabels()}
    assert "250,000" in texts, texts
    assert not axis.get_offset_text().get_text()
