"""Reports of studies: what they choose to show, what they say, and that nothing of a file becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import report_tools
from cli_tools import assert_refused, call
from report_tools import FAILURE, HEAD, SWEEP, accuracy

from xbarsim.errors import InputError
from xbarsim.study.report_contents import report_contents
from xbarsim.study.report_settings import report_settings
from xbarsim.study.report_view import ReportView
from xbarsim.study.store import TrialAnswer
from xbarsim.study.study_file import read
from xbarsim.study.study_report_files import write_report
from xbarsim.study.study_table import StudyTable

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")

REFERENCE = """
[[reference]]
source = "paper"
along = "cells.faults.rate"
values = [0, 0.05, 0.1]
across = "method"
accuracy.none = [0.97, 0.9, "-"]
accuracy.fpt = [0.95, "-", 0.85]
"""
BITS = {"adc.bits": [4, 6, 8], "cells.faults.rate": [0, 0.01, 0.1], "method": ["none", "fpt"]}
VOID = {"meta", "wbr", "link", "br", "img"}


def answer(point):
    if point["method"] == "fpt" and point.get("cells.faults.rate") == 0 and point["chip"] == 0:
        return FAILURE
    return accuracy(0.9 + 0.01 * point["chip"] - point.get("cells.faults.rate", 0) / 2)


def made(tmp_path, more="", sweep=SWEEP, axes=report_tools.RATES, reply=answer, chips=3):
    return report_tools.study(tmp_path, HEAD + sweep + more, axes, reply, chips)


def view(opened):
    from xbarsim.study.listing import listing

    return ReportView.of(StudyTable.of(listing(opened).rows), report_settings(opened.file), "faults.toml")


class Page(HTMLParser):
    """Reads a page, and fails on what does not close as it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def page(opened, tmp_path) -> tuple[str, Page]:
    write_report(opened, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    return text, Page(text)


def test_a_page_has_figures_tables_failures_settings_and_versions(tmp_path):
    _, parsed = page(made(tmp_path), tmp_path)
    words = " ".join("".join(parsed.text).split())
    for part in (
        "11 of 12 trials done, 1 failed.", "means over 3 chips", "Accuracy against cells.faults.rate",
        "91.00 ± 1.00", "91.50 ± 0.71 (2 of 3)", "Failed trials", "xbarsim.errors.InputError: no row <3>",
        "cells.faults.rate = 0, method = fpt, chip = 0", "model.source", report_tools.VERSIONS, "code of mitigation",
    ):  # fmt: skip
        assert part in words, part
    assert [tag for tag, _ in parsed.tags].count("svg") == 1 + 3, "a panel; two lines and the ideal in the legend"


def test_settings_of_names_and_tables_are_a_line_each_in_words(tmp_path):
    head = HEAD.replace('"none", "fpt"', '"none", { method = "fpt:images=64", label = "fpt" }')
    settings = dict(report_contents(report_tools.study(tmp_path, head + SWEEP)).settings)
    wanted = {"methods[1]": "none", "methods[2].method": "fpt:images=64", "methods[2].label": "fpt"}
    assert {name: value for name, value in settings.items() if name.startswith("methods")} == wanted


def test_a_page_stands_alone_and_takes_no_markup_from_a_file(tmp_path):
    text, parsed = page(made(tmp_path), tmp_path)
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object"}
    assert "<script" not in text
    assert "&lt;b&gt;&amp; wires" in text
    addresses = [value for _, attributes in parsed.tags for name, value in attributes.items() if "href" in name]
    assert all(address.startswith("#") for address in addresses), addresses
    assert "default-src 'none'" in text


def test_ids_of_all_pictures_differ(tmp_path):
    opened = made(tmp_path, sweep='[sweep]\n"adc.bits" = [4, 6, 8]\n"cells.faults.rate" = [0, 0.01, 0.1]\n', axes=BITS)
    text, parsed = page(opened, tmp_path)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(ids)
    assert "data:" not in text, "heat maps are paths: the page loads nothing"


def test_references_stand_beside_what_was_measured_with_differences(tmp_path):
    contents = report_contents(made(tmp_path, REFERENCE))
    (table,) = contents.tables
    assert table.title == "Accuracy, %"
    assert table.head == (
        "cells.faults.rate", "none", "none, paper", "none, difference", "fpt", "fpt, paper", "fpt, difference"
    )  # fmt: skip
    assert table.rows == (
        ("0", "91.00 ± 1.00", "97.00", "-6.00", "91.50 ± 0.71 (2 of 3)", "95.00", "-3.50"),
        ("0.1", "86.00 ± 1.00", "-", "-", "86.00 ± 1.00", "85.00", "+1.00"),
    )
    assert table.groups == (("none", 3), ("fpt", 3))
    (chart,) = contents.charts
    assert chart.panels[0].lines[0].references == ((0, 0.0, 0.97), (0, 0.05, 0.9))
    assert any("paper at cells.faults.rate = 0.05 (drawn only)" in note for note in contents.notes)


def test_a_reference_at_one_point_and_of_two_sources(tmp_path):
    more = "".join(
        f'[[reference]]\nsource = "{source}"\nwhere = {{ method = "fpt", "cells.faults.rate" = 0.1 }}\naccuracy = 0.8\n'
        for source in ("A", "B")
    )
    (table,) = report_contents(made(tmp_path, more)).tables
    assert table.subheads == ("", "measured", "A", "difference to A", "B", "difference to B")
    assert table.rows[1][-4:] == ("80.00", "+6.00", "80.00", "+6.00")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[report]\nex = "method"', "report.ex: there is no such key: did you mean x"),
        ('[report]\nx = "cells.faults.rat"', "no axis 'cells.faults.rat': did you mean cells.faults.rate"),
        ('[report]\nx = "method"\nlines = "method"', "report.lines: 'method' is x already"),
        ("[report]\nlog = 1", "report.log: it is 1, and must be true or false"),
        ('[report]\nheat = ["method"]', "report.heat: give two axes"),
        ("[report]\nlabels = { fpt = 3 }", "report.labels.fpt: it is 3, and must be a text"),
        ('[[reference]]\nwhere = { method = "fpt" }\naccuracy = 0.9', "at which cells.faults.rate the numbers are"),
        ('[[reference]]\nalong = "method"\nvalues = ["none"]\naccuracy = [1]', "at which cells.faults.rate the"),
        (REFERENCE.replace('0.9, "-"]', '0.9]'), "reference.accuracy: it must be an array of 3 numbers"),
        (REFERENCE.replace("0.85", '"x"'), "it is 'x', and must be a number, or '-'"),
        (REFERENCE.replace("values = [0, 0.05, 0.1]\n", ""), "reference.values: along = 'cells.faults.rate': give"),
        (REFERENCE.replace('across = "method"', 'across = "methods"'), "no axis 'methods': did you mean method"),
        (REFERENCE + 'where = { method = "fpt" }', "reference.across: 'method' has a value already"),
        ('[[reference]]\nwhere = { method = "fpt", "cells.faults.rate" = 0 }', "it has no numbers"),
    ],
)  # fmt: skip
def test_what_a_file_says_of_its_report_is_checked_before_anything_runs(tmp_path, more, words):
    path = tmp_path / "a.toml"
    path.write_text(HEAD + SWEEP + more)
    with pytest.raises(InputError, match=re.escape(words)):
        report_settings(read(path))


def test_a_metric_that_no_trial_has_is_refused_and_each_other_one_shown(tmp_path):
    with pytest.raises(InputError, match="no trial has a number 'acuracy': did you mean accuracy"):
        report_contents(made(tmp_path, '[report]\nmetrics = ["acuracy"]'))
    with pytest.raises(InputError, match=r"report\.lowest: no trial has a number 'acuracy': did you mean accuracy"):
        report_contents(made(tmp_path, "[report]\nlowest = { acuracy = 0.5 }"))
    contents = report_contents(made(tmp_path, '[report]\nmetrics = ["ideal", "accuracy"]\npercent = ["ideal"]'))
    assert [table.title for table in contents.tables] == ["Ideal, %", "Accuracy"]
    assert contents.tables[1].rows[0][1] == "0.91 ± 0.01"
    assert [chart.metric for chart in contents.charts] == ["ideal", "accuracy"]


def test_an_axis_may_begin_above_the_least_number_and_then_says_that_there_is_more_below(tmp_path):
    from xbarsim.study.chart_drawing import chart_figure

    pictures = []
    for settings in ("", "[report]\nlowest = { accuracy = 0.89 }\n", "[report]\nlowest = { accuracy = 0.1 }\n"):
        (chart,) = report_contents(made(tmp_path, settings)).charts
        (axes,) = chart_figure(chart).axes
        arrows = [line for line in axes.lines if line.get_marker() == 11]
        pictures.append((axes.get_ylim()[0], sum(len(line.get_xdata()) for line in arrows)))
    (least, none), (cut, some), (unused, no) = pictures
    assert (none, no, unused) == (0, 0, least)
    assert cut == 89.0
    assert some == 2, "the rate 0.1 takes both methods below 0.89"


def test_axes_are_chosen_by_the_numbers_and_by_the_file(tmp_path):
    sweep = '[sweep]\n"adc.bits" = [4, 6, 8]\n"cells.faults.rate" = [0, 0.01, 0.1]\n'
    usual = view(made(tmp_path, sweep=sweep, axes=BITS))
    assert (usual.x, usual.lines, usual.panels) == ("adc.bits", "method", ("cells.faults.rate",))
    assert usual.heat == ("adc.bits", "cells.faults.rate")
    settings = '[report]\nx = "cells.faults.rate"\nlines = "adc.bits"\nheat = false\nlog = true\n'
    other = view(made(tmp_path, settings, sweep=sweep, axes=BITS))
    assert (other.x, other.lines, other.panels, other.heat) == ("cells.faults.rate", "adc.bits", ("method",), None)
    assert other.is_log("cells.faults.rate")


def test_columns_of_numbers_say_what_they_are_values_of(tmp_path):
    (table,) = report_contents(made(tmp_path, '[report]\nx = "method"\nlines = "cells.faults.rate"\n')).tables
    assert table.title == "Accuracy, %, by cells.faults.rate"
    assert table.head == ("method", "0", "0.1")


def test_a_quick_version_may_have_less_than_its_report_and_references_name(tmp_path):
    settings = '[report]\npanels = ["model"]\nlines = "method"\n'
    references = "".join(
        f'[[reference]]\nwhere = {{ model = "{model}", method = "fpt", "cells.faults.rate" = 0 }}\naccuracy = 0.9\n'
        for model in ("lenet", "mlp")
    )
    opened = made(tmp_path, settings + references)
    assert view(opened).panels == ("cells.faults.rate",) or view(opened).x == "cells.faults.rate"
    assert [reference.point["model"] for reference in report_settings(opened.file).references] == ["mlp"]
    assert report_contents(opened).tables[0].rows[0][3:] == ("90.00", "+1.50")


def test_labels_are_what_a_report_calls_things(tmp_path):
    more = (
        '[report.labels]\nfpt = "tuning"\naccuracy = "images right"\n"cells.faults.rate" = "stuck"\n"0.1" = "a tenth"\n'
    )
    contents = report_contents(made(tmp_path, more))
    assert contents.tables[0].title == "Images right, %"
    assert contents.tables[0].head == ("stuck", "none", "tuning")
    assert [row[0] for row in contents.tables[0].rows] == ["0", "a tenth"]
    assert contents.charts[0].names == ("none", "tuning")


def test_values_far_apart_are_drawn_logarithmically_zero_among_them(tmp_path):
    axes = {"cells.faults.rate": [0, 1e-4, 1e-2, 0.1], "method": ["none"]}
    sweep = '[sweep]\n"cells.faults.rate" = [0, 1e-4, 1e-2, 0.1]\n'
    opened = made(tmp_path, sweep=sweep, axes=axes)
    (chart,) = report_contents(opened).charts
    assert chart.is_log
    from xbarsim.study.chart_drawing import chart_figure

    (axes,) = chart_figure(chart).axes
    assert axes.get_xscale() == "symlog"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "0.0001", "0.01", "0.1"]
    low, high = axes.get_xlim()
    assert low < 0.0 < 0.1 < high


def test_many_values_at_equal_distances_are_drawn_linearly_with_marks_on_some(tmp_path):
    rates = [k / 100 for k in range(40)]
    axes = {"cells.faults.rate": rates, "method": ["none"]}
    (chart,) = report_contents(made(tmp_path, sweep=f'[sweep]\n"cells.faults.rate" = {rates}\n', axes=axes)).charts
    assert not chart.is_log
    from xbarsim.study.chart_drawing import chart_figure

    (axes,) = chart_figure(chart).axes
    assert axes.containers[0].lines[0].get_markevery() == 3


def test_large_counts_are_written_out(tmp_path):
    def reply(point):
        return accuracy(0.9, writes=37_812.0 + 1_234 * point["chip"])

    (table,) = report_contents(made(tmp_path, '[report]\nmetrics = ["writes"]', reply=reply)).tables
    assert table.rows[0][1] == "39,050 ± 1,200"


@pytest.mark.parametrize(
    ("labels", "title"), [("", "Most writes a cell"), ('[report.labels]\nmost_writes_a_cell = "r_on"\n', "R_on")]
)
def test_titles_of_tables_are_words_where_no_label_is_given(tmp_path, labels, title):
    def reply(point):
        return accuracy(0.9, most_writes_a_cell=12.0)

    contents = report_contents(made(tmp_path, f'[report]\nmetrics = ["most_writes_a_cell"]\n{labels}', reply=reply))
    assert [table.title for table in contents.tables] == [title]
    names = {chart.label for chart in (*contents.charts, *contents.heat_charts)}
    assert {f"{name[:1].upper()}{name[1:]}" for name in names} == {title}


def test_names_of_nodes_and_layers_stay_as_they_are(tmp_path):
    def reply(point):
        return accuracy(0.9, **{"v(out_1)": 0.5, "fc_1.own_error": 0.1})

    metrics = '[report]\nmetrics = ["v(out_1)", "fc_1.own_error"]'
    contents = report_contents(made(tmp_path, metrics, reply=reply))
    assert [chart.label for chart in contents.charts] == ["v(out_1)", "fc_1.own_error"]
    assert [table.title.lower() for table in contents.tables] == ["v(out_1)", "fc_1.own_error"]


def margins(tmp_path, more=""):
    """Return what is said of a study of margins, currents of which are some microamperes."""
    text = '[margin]\nscheme = "half"\n[sweep]\nsize = [8, 16]\nwire = [1, 2, 3]\n'
    answer = TrialAnswer({"current_margin": 0.5, "sneak_current": 2e-6}, 1.0)
    axes = {"size": [8, 16], "wire": [1, 2, 3]}
    return report_contents(report_tools.study(tmp_path, text + more, axes, lambda point: answer, 1))


def test_margins_have_units(tmp_path):
    from xbarsim.study.chart_drawing import chart_figure

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
    (chart,) = report_contents(made(tmp_path, sweep=f'[sweep]\n"{axis}" = [1, 2, 5]\n', axes=axes)).charts
    assert chart.x_label == label


def test_a_label_takes_the_place_of_a_unit(tmp_path):
    contents = margins(tmp_path, '[report.labels]\nsneak_current = "amperes that sneak"\nwire = "ohm"\n')
    (chart,) = (chart for chart in contents.charts if chart.metric == "sneak_current")
    assert (chart.label, chart.x_label) == ("amperes that sneak", "ohm")


def test_axes_of_large_counts_are_written_out(tmp_path):
    from xbarsim.study.chart_drawing import chart_figure

    def reply(point):
        return accuracy(0.9, writes=200_000.0 + 100_000 * point["chip"])

    (chart,) = report_contents(made(tmp_path, '[report]\nmetrics = ["writes"]', reply=reply)).charts
    axis = chart_figure(chart).axes[0].yaxis
    axis.figure.canvas.draw()
    texts = {label.get_text() for label in axis.get_ticklabels()}
    assert "250,000" in texts, texts
    assert not axis.get_offset_text().get_text()


def test_counts_of_several_decades_are_drawn_logarithmically_whatever_their_deviations(tmp_path):
    def reply(point):
        return accuracy(0.9, writes=10.0 ** (point["chip"] + (4 if point["method"] == "fpt" else 1)))

    (chart,) = report_contents(made(tmp_path, '[report]\nmetrics = ["writes"]\n', reply=reply)).charts
    assert min(s.mean - s.deviation for line in chart.panels[0].lines for s in line.spreads) < 0.0
    assert chart.is_y_log
    assert chart.limits[0] > 0.0
    from xbarsim.study.chart_drawing import chart_figure

    (axes,) = chart_figure(chart).axes
    assert axes.get_yscale() == "log"


def test_words_stand_side_by_side_with_no_line_between_them(tmp_path):
    axes = {"tile": ["8x128", "a very long name of a tile indeed"], "method": ["none", "fpt"]}
    sweep = (
        '[sweep]\ntile = { "8x128" = { tiles.rows = 8 }, "a very long name of a tile indeed" = { tiles.rows = 9 } }\n'
    )
    contents = report_contents(made(tmp_path, sweep=sweep, axes=axes))
    (chart,) = contents.charts
    from xbarsim.study.chart_drawing import chart_figure

    (axes,) = chart_figure(chart).axes
    lines = [container.lines[0] for container in axes.containers]
    assert {line.get_linestyle() for line in lines} == {"None"}
    assert lines[0].get_xdata()[0] < 0.0 < lines[1].get_xdata()[0]
    assert axes.get_xticklabels()[1].get_text().endswith("…")


def test_lines_differ_in_marks_and_dashes_without_their_colours():
    from xbarsim.plot import style

    looks = [style(number) for number in range(24)]
    grey = [(look["marker"], look["linestyle"]) for look in looks[:12]]
    assert len(set(grey)) == 12
    assert len({tuple(map(str, look.values())) for look in looks}) == 24


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (lambda point: None, ("Nothing of this study has run yet", "not run")),
        (lambda point: FAILURE, ("12 failed", ">failed<")),
    ],
)
def test_a_study_of_no_numbers_has_a_page(tmp_path, reply, words):
    text, _ = page(made(tmp_path, reply=reply), tmp_path)
    assert all(word in text for word in words)
    assert "<svg" not in text


def test_a_study_of_one_point_is_a_table_of_one_cell(tmp_path):
    contents = report_contents(made(tmp_path, sweep="", axes={"method": ["none"]}, reply=answer))
    assert (contents.charts, contents.heat_charts) == ((), ())
    assert contents.tables[0].rows == (("91.00 ± 1.00",),)
    assert any("nothing to draw" in note for note in contents.notes)


def test_combinations_that_a_study_has_not_are_told_from_those_not_run(tmp_path):
    def sparse(point):
        return None if point["method"] == "fpt" and point["cells.faults.rate"] else answer(point)

    opened = made(tmp_path, reply=sparse)
    (table,) = report_contents(opened).tables
    assert table.rows[1][2] == "not run"
    from xbarsim.study.store import Store

    with Store(opened.store) as store:
        kept = [trial for trial in opened.trials if not (trial.point["method"] == "fpt" and trial.point["chip"] > 0)]
        store.list_trials(opened.name, [trial for trial in kept if trial.point["cells.faults.rate"] == 0
                                        or trial.point["method"] == "none"], opened.facts(1))  # fmt: skip
    (table,) = report_contents(opened).tables
    assert table.rows[1][2] == "-"


def test_heat_maps_hatch_what_is_missing(tmp_path):
    sweep = '[sweep]\n"adc.bits" = [4, 6, 8]\n"cells.faults.rate" = [0, 0.01, 0.1]\n'
    opened = made(
        tmp_path, sweep=sweep, axes=BITS, reply=lambda point: None if point["adc.bits"] == 6 else answer(point)
    )
    (heat,) = report_contents(opened).heat_charts
    assert heat.x_words == ("4", "6", "8")
    assert heat.panels[0].means[0] == (pytest.approx(0.91), None, pytest.approx(0.91))
    from xbarsim.study.chart_drawing import heat_figure

    patches = [patch for patch in heat_figure(heat).axes[0].patches if patch.get_hatch()]
    assert len(patches) == 3


def test_the_code_of_old_numbers_is_told(tmp_path):
    opened = made(tmp_path)
    from xbarsim.study.store import Store

    with Store(opened.store) as store:
        store.list_trials(opened.name, opened.trials, opened.facts(1) | {"code": {"mitigation": "before"}})
    contents = report_contents(opened)
    assert any("code that answers has changed" in note for note in contents.notes)
    assert ("code of mitigation", "before") in contents.facts


def test_report_on_the_command_line_writes_page_figures_and_markdown(tmp_path, capsys):
    opened = made(tmp_path, REFERENCE)
    place = opened.file.table.place
    answer = call(capsys, "study", "report", place, "--figures", tmp_path / "f", "--markdown", tmp_path / "m.md")
    assert (answer.code, answer.err) == (0, "")
    assert (tmp_path / "faults.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in (tmp_path / "f").iterdir()) == ["accuracy.png", "accuracy.svg"]
    text = (tmp_path / "m.md").read_text("utf-8")
    assert text.startswith(r"# Faults \<b\>&amp; wires\</b\>")
    assert "(f/accuracy.png)" in text
    assert "| 0 | 91.00 ± 1.00 | 97.00 | -6.00 | 91.50 ± 0.71 (2 of 3) | 95.00 | -3.50 |" in text
    assert "1 x xbarsim.errors.InputError: no row \\<3\\>" in text


def test_a_report_that_cannot_be_written_is_refused(tmp_path, capsys):
    place = made(tmp_path).file.table.place
    assert_refused(call(capsys, "study", "report", place, "-o", tmp_path / "no" / "a.html"), 2, "no such folder")
    (tmp_path / "f").write_text("")
    assert_refused(call(capsys, "study", "report", place, "--figures", tmp_path / "f"), 2, "no folder of figures")
