"""Texts and places that are odd, and no error: marks of editors, letters of any kind, links, folders of others."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import report_tools
from cli_tools import assert_refused, call
from study_tools import opened, trial

from xbarsim.errors import InputError
from xbarsim.study.frames import frame
from xbarsim.study.markdown_page import markdown_page
from xbarsim.study.report_contents import report_contents
from xbarsim.study.report_settings import report_settings
from xbarsim.study.runner import alone
from xbarsim.study.store import Store, TrialAnswer
from xbarsim.study.study_file import read
from xbarsim.study.study_status import status

STUDY = '[margin]\nsize = 3\nscheme = "half"\n'


@pytest.mark.parametrize("text", ["\ufeff" + STUDY, STUDY.replace("\n", "\r\n"), STUDY.rstrip()])
def test_any_editors_file_is_read(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_bytes(text.encode())
    assert read(path).table.record["margin"] == {"size": 3, "scheme": "half"}


def test_what_cannot_be_written_in_any_file_is_recorded_all_the_same(tmp_path):
    """A name of a file that is no text comes in a message as half a letter."""
    study = opened(tmp_path, [trial(0)])
    with Store(study.store) as store:
        store.list_trials(study.name, study.trials, study.facts(1))
        store.record(study.trials[0], TrialAnswer(None, 1.0, 1, "OSError: no \udcff\0 there"), "none")
        (row,) = store.trial_rows(study.name)
    assert row.trace.startswith("OSError: no \\udcff")


def test_an_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "a.sqlite"
    path.touch()
    with Store(path) as store:
        assert store.studies() == []


def test_a_store_by_two_names_has_one_runner(tmp_path):
    store, link = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    store.touch()
    link.symlink_to(store)
    with alone(store), pytest.raises(InputError, match="runs on it already"), alone(link):
        pass


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become another")
def test_a_store_in_a_folder_of_somebody_else_is_read():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = report_tools.study(folder)
        folder.chmod(0o555)
        os.seteuid(65534)
        try:
            with Store(study.store, write=False) as store:
                assert len(store.trial_rows(study.name)) == 12
            assert status(study, jobs=1).answered == 12
        finally:
            os.seteuid(0)
            folder.chmod(0o755)


ODD = "$x_1$ <b>|`~#\n- 1. é 漢 \u202e&amp;"


def test_no_sign_of_a_text_acts_in_markdown(tmp_path):
    more = '[report.labels]\nfpt = "$a$"\n'
    contents = report_contents(report_tools.study(tmp_path, report_tools.HEAD + report_tools.SWEEP + more))
    text = markdown_page(contents, [("a", "f (1)/<x>.png")])
    assert "| cells.faults.rate | none | \\$a\\$ |" in text
    assert "![a](f%20%281%29/%3Cx%3E.png)" in text
    for start in ("- item", "+ item", "1. item", "1) item", "==="):
        from dataclasses import replace

        assert f"\n{start}" not in markdown_page(replace(contents, paragraphs=(start,)))
    assert "\n784-128-10 on MNIST\n" in markdown_page(replace(contents, paragraphs=("784-128-10 on MNIST",)))


def test_labels_of_any_letters_are_drawn_and_written(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    from xbarsim.study.study_report_files import write_report

    more = f'[report.labels]\nfpt = "{ODD.encode("unicode_escape").decode().replace("xe9", "u00e9")}"\n'
    head = report_tools.HEAD.replace("Faults", "$\\\\frac{ \\u6f22")
    study = report_tools.study(tmp_path, head + report_tools.SWEEP + more)
    write_report(study, tmp_path / "a.html", figures=tmp_path / "f", markdown=tmp_path / "a.md")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert "$x_1$ &lt;b&gt;|`~#" in page
    assert (tmp_path / "f" / "accuracy.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('metrics = ["ideal"]\n[report]\nmetrics = ["accuracy"]\n', r"report\.metrics: metrics has .* already"),
        ("[report]\nlowest = { accuracy = inf }\n", r"report\.lowest\.accuracy: it is inf, and must be finite"),
    ],
)
def test_a_report_says_each_thing_once(tmp_path, more, words):
    path = tmp_path / "a.toml"
    top, _, rest = more.partition("[report]")
    path.write_text(top + report_tools.HEAD + report_tools.SWEEP + "[report]" + rest)
    with pytest.raises(InputError, match=words):
        report_settings(read(path))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[report]\npercent = ["acuracy"]\n', r"report\.percent: no trial has a number 'acuracy'"),
        ('[report]\nx = "method"\nlog = true\n', r"report\.log: it changes nothing: method has words"),
    ],
)
def test_what_changes_nothing_of_a_report_is_refused(tmp_path, more, words):
    study = report_tools.study(tmp_path, report_tools.HEAD + report_tools.SWEEP + more)
    with pytest.raises(InputError, match=words):
        report_contents(study)


def test_a_report_does_not_take_the_place_of_its_study(tmp_path, capsys):
    study = report_tools.study(tmp_path)
    file = Path(study.file.table.place)
    before = file.read_text()
    assert_refused(call(capsys, "study", "report", file, "-o", file), 2, "is the study itself")
    assert_refused(call(capsys, "study", "report", file, "-o", study.store), 2, "is the study itself")
    assert_refused(
        call(capsys, "study", "report", file, "-o", tmp_path / "a", "--markdown", tmp_path / "a"), 2, "give two files"
    )
    assert file.read_text() == before
    assert len(frame(study.store)) == 12
