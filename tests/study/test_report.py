"""Reports of studies: what they choose to show, what they say, and that nothing of a file becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import report_tools
from cli_tools import assert_refused, call
from report_tools import BITS, BITS_SWEEP, FAILURE, HEAD, SWEEP, accuracy, answered, one_failure, view

from xbarsim.errors import InputError
from xbarsim.study.report_contents import report_contents
from xbarsim.study.report_settings import report_settings
from xbarsim.study.store import Store
from xbarsim.study.study_file import read
from xbarsim.study.study_report_files import write_report

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
VOID = {"meta", "wbr", "link", "br", "img"}


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
    _, parsed = page(answered(tmp_path), tmp_path)
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
    text, parsed = page(answered(tmp_path), tmp_path)
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object"}
    assert "<script" not in text
    assert "&lt;b&gt;&amp; wires" in text
    addresses = [value for _, attributes in parsed.tags for name, value in attributes.items() if "href" in name]
    assert all(address.startswith("#") for address in addresses), addresses
    assert "default-src 'none'" in text


def test_ids_of_all_pictures_differ(tmp_path):
    opened = answered(tmp_path, sweep=BITS_SWEEP, axes=BITS)
    text, parsed = page(opened, tmp_path)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(ids)
    assert "data:" not in text, "heat maps are paths: the page loads nothing"


def test_references_stand_beside_what_was_measured_with_differences(tmp_path):
    contents = report_contents(answered(tmp_path, REFERENCE))
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
    (table,) = report_contents(answered(tmp_path, more)).tables
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
        report_contents(answered(tmp_path, '[report]\nmetrics = ["acuracy"]'))
    with pytest.raises(InputError, match=r"report\.lowest: no trial has a number 'acuracy': did you mean accuracy"):
        report_contents(answered(tmp_path, "[report]\nlowest = { acuracy = 0.5 }"))
    contents = report_contents(answered(tmp_path, '[report]\nmetrics = ["ideal", "accuracy"]\npercent = ["ideal"]'))
    assert [table.title for table in contents.tables] == ["Ideal, %", "Accuracy"]
    assert contents.tables[1].rows[0][1] == "0.91 ± 0.01"
    assert [chart.metric for chart in contents.charts] == ["ideal", "accuracy"]


def test_columns_of_numbers_say_what_they_are_values_of(tmp_path):
    (table,) = report_contents(answered(tmp_path, '[report]\nx = "method"\nlines = "cells.faults.rate"\n')).tables
    assert table.title == "Accuracy, %, by cells.faults.rate"
    assert table.head == ("method", "0", "0.1")


def test_a_quick_version_may_have_less_than_its_report_and_references_name(tmp_path):
    settings = '[report]\npanels = ["model"]\nlines = "method"\n'
    references = "".join(
        f'[[reference]]\nwhere = {{ model = "{model}", method = "fpt", "cells.faults.rate" = 0 }}\naccuracy = 0.9\n'
        for model in ("lenet", "mlp")
    )
    opened = answered(tmp_path, settings + references)
    assert view(opened).panels == ("cells.faults.rate",) or view(opened).x == "cells.faults.rate"
    assert [reference.point["model"] for reference in report_settings(opened.file).references] == ["mlp"]
    assert report_contents(opened).tables[0].rows[0][3:] == ("90.00", "+1.50")


def test_labels_are_what_a_report_calls_things(tmp_path):
    more = (
        '[report.labels]\nfpt = "tuning"\naccuracy = "images right"\n"cells.faults.rate" = "stuck"\n"0.1" = "a tenth"\n'
    )
    contents = report_contents(answered(tmp_path, more))
    assert contents.tables[0].title == "Images right, %"
    assert contents.tables[0].head == ("stuck", "none", "tuning")
    assert [row[0] for row in contents.tables[0].rows] == ["0", "a tenth"]
    assert contents.charts[0].names == ("none", "tuning")


def test_large_counts_are_written_out(tmp_path):
    def reply(point):
        return accuracy(0.9, writes=37_812.0 + 1_234 * point["chip"])

    (table,) = report_contents(answered(tmp_path, '[report]\nmetrics = ["writes"]', reply=reply)).tables
    assert table.rows[0][1] == "39,050 ± 1,200"


@pytest.mark.parametrize(
    ("labels", "title"), [("", "Most writes a cell"), ('[report.labels]\nmost_writes_a_cell = "r_on"\n', "R_on")]
)
def test_titles_of_tables_are_words_where_no_label_is_given(tmp_path, labels, title):
    def reply(point):
        return accuracy(0.9, most_writes_a_cell=12.0)

    contents = report_contents(answered(tmp_path, f'[report]\nmetrics = ["most_writes_a_cell"]\n{labels}', reply=reply))
    assert [table.title for table in contents.tables] == [title]
    names = {chart.label for chart in (*contents.charts, *contents.heat_charts)}
    assert {f"{name[:1].upper()}{name[1:]}" for name in names} == {title}


def test_names_of_nodes_and_layers_stay_as_they_are(tmp_path):
    def reply(point):
        return accuracy(0.9, **{"v(out_1)": 0.5, "fc_1.own_error": 0.1})

    metrics = '[report]\nmetrics = ["v(out_1)", "fc_1.own_error"]'
    contents = report_contents(answered(tmp_path, metrics, reply=reply))
    assert [chart.label for chart in contents.charts] == ["v(out_1)", "fc_1.own_error"]
    assert [table.title.lower() for table in contents.tables] == ["v(out_1)", "fc_1.own_error"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (lambda point: None, ("Nothing of this study has run yet", "not run")),
        (lambda point: FAILURE, ("12 failed", ">failed<")),
    ],
)
def test_a_study_of_no_numbers_has_a_page(tmp_path, reply, words):
    text, _ = page(answered(tmp_path, reply=reply), tmp_path)
    assert all(word in text for word in words)
    assert "<svg" not in text


def test_a_study_of_one_point_is_a_table_of_one_cell(tmp_path):
    contents = report_contents(answered(tmp_path, sweep="", axes={"method": ["none"]}, reply=one_failure))
    assert (contents.charts, contents.heat_charts) == ((), ())
    assert contents.tables[0].rows == (("91.00 ± 1.00",),)
    assert any("nothing to draw" in note for note in contents.notes)


def test_combinations_that_a_study_has_not_are_told_from_those_not_run(tmp_path):
    def sparse(point):
        return None if point["method"] == "fpt" and point["cells.faults.rate"] else one_failure(point)

    opened = answered(tmp_path, reply=sparse)
    (table,) = report_contents(opened).tables
    assert table.rows[1][2] == "not run"
    with Store(opened.store) as store:
        kept = [trial for trial in opened.trials if not (trial.point["method"] == "fpt" and trial.point["chip"] > 0)]
        store.list_trials(opened.name, [trial for trial in kept if trial.point["cells.faults.rate"] == 0
                                        or trial.point["method"] == "none"], opened.facts(1))  # fmt: skip
    (table,) = report_contents(opened).tables
    assert table.rows[1][2] == "-"


def test_the_code_of_old_numbers_is_told(tmp_path):
    opened = answered(tmp_path)
    with Store(opened.store) as store:
        store.list_trials(opened.name, opened.trials, opened.facts(1) | {"code": {"mitigation": "before"}})
    contents = report_contents(opened)
    assert any("code that answers has changed" in note for note in contents.notes)
    assert ("code of mitigation", "before") in contents.facts


def test_report_on_the_command_line_writes_page_figures_and_markdown(tmp_path, capsys):
    opened = answered(tmp_path, REFERENCE)
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
    place = answered(tmp_path).file.table.place
    assert_refused(call(capsys, "study", "report", place, "-o", tmp_path / "no" / "a.html"), 2, "no such folder")
    (tmp_path / "f").write_text("")
    assert_refused(call(capsys, "study", "report", place, "--figures", tmp_path / "f"), 2, "no folder of figures")
