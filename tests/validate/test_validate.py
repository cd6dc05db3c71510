"""``xbarsim validate``: the bank, its comparisons, its reports."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys

import numpy as np
import pytest
from cli_tools import call
from netlist_tools import needs_ngspice, needs_pyspice

from xbarsim import netlist, solve, validate
from xbarsim.devices import models
from xbarsim.errors import InputError, SpiceError
from xbarsim.validate import against, closed, peer, session
from xbarsim.validate.bank import cases
from xbarsim.validate.case import Difference, Row
from xbarsim.validate.hand import by_hand

QUICK = list(cases("quick"))
FAMILIES = {(case.device, case.family): case for case in QUICK}


@pytest.mark.slow
@needs_ngspice
@pytest.mark.ngspice
def test_the_quick_run_is_within_tolerance(capsys, tmp_path):
    done = call(capsys, "validate", "--quick", "--output", tmp_path / "report")
    assert done.code == 0, done.out
    assert re.search(r"\d+ comparisons of \d+ circuits: [\d,]+ node voltages, .* none beyond tolerance", done.out)
    for device in {case.device for case in QUICK}:
        assert re.search(rf"^{device} +ngspice-", done.out, re.M)
        assert re.search(rf"^{device} +closed form", done.out, re.M)
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"validation.md", "validation.html"}


@pytest.mark.slow
@needs_ngspice
@needs_pyspice
@pytest.mark.ngspice
@pytest.mark.parametrize("name", ["linear/four sides/7x5", "transistor/default/2x3"])
def test_both_engines_are_compared_with_each_other(name):
    outcome = validate.run("quick", ("process", "pyspice"), name)
    assert not outcome.failed
    same = [row for row in outcome.rows if row.ours == "process"]
    assert [row.other for row in same] == ["export, pyspice", "by hand, pyspice"]
    assert all(row.largest <= 1e-12 and row.voltages.count for row in same)


def test_the_bank_has_what_it_says():
    full, large = list(cases("full")), list(cases("large"))
    names = [case.name for case in [*QUICK, *full]]
    assert len(set(names)) == len({case.name for case in QUICK} | {case.name for case in full})
    sampled = [model.sample(np.random.default_rng(0), (2, 2)) for model in models().values() if model.sampled]
    assert {case.device for case in full} == {device.reads_as.name for device in sampled}
    for device in {case.device for case in full}:
        assert f"{device}/default/64x64" in names
    assert {case.crossbar.shape for case in large} == {(128, 128), (256, 256)}
    assert min(min(case.crossbar.shape) for case in full) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [*QUICK, *(c for c in cases("full") if c.size in ("32x30", "64x64"))], ids=lambda case: case.name
)
def test_no_circuit_floats_or_has_wires_that_ngspice_cannot_do(case):
    wires = np.concatenate([case.crossbar.word_wire.ravel(), case.crossbar.bit_wire.ravel()])
    assert ((wires == 0) | (wires >= 0.1)).all()
    if case.device == "linear":
        assert not solve(case.crossbar, case.voltages).floating


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in QUICK if c.device == "linear"], ids=lambda case: case.name)
def test_the_netlist_by_hand_is_the_same_crossbar(case, tmp_path):
    """Without ngspice: xbarsim reads both netlists and finds one circuit, under names that have nothing in common."""
    hand = by_hand(case.crossbar, case.voltages)
    (tmp_path / "hand.sp").write_text(hand.text)
    row = against.Row("", "", "", "", 0, "", "", 1e-9)
    ours = against.solved(case)[1]
    read = against._read_back(row, tmp_path / "hand.sp", case, _inverse(hand, ours))
    assert not read.trouble
    assert read.largest < 1e-11
    netlist.write(case.crossbar, case.voltages, tmp_path / "written.sp")
    names = [{line.split()[0] for line in text.splitlines()[1:] if line[:1] in "rvx"}
             for text in (hand.text, (tmp_path / "written.sp").read_text())]  # fmt: skip
    assert not names[0] & names[1]


def _inverse(hand, ours):
    volts, amperes = ours
    return {own: volts[name] for name, own in hand.nodes.items()}, {
        own: -amperes[name] for name, own in hand.sources.items()
    }


@pytest.mark.parametrize(
    ("name", "compare"), list(closed.rows()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_closed_forms(name, compare):
    row = compare()
    assert row.compared, row.trouble
    assert row.outputs.count
    assert row.largest <= row.tolerance


@pytest.mark.skipif(bool(peer.missing()), reason="badcrossbar is not installed")
def test_badcrossbar_agrees():
    (_, compare), *_ = peer.rows([(5, 3)])
    row = compare()
    assert row.compared, row.trouble
    assert (row.voltages.count, row.outputs.count) == (30, 3)
    assert row.largest < 1e-12


def test_what_is_not_installed_is_left_out_and_said(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XBARSIM_VACASK", str(tmp_path))
    monkeypatch.setattr(peer.importlib.util, "find_spec", lambda name: None)
    done = call(capsys, "validate", "--quick", "--only", "16x12")
    assert done.code == 0
    assert "left out, 1 of 1 circuits: badcrossbar is not installed" in done.out
    done = call(capsys, "validate", "--quick", "--only", "linear/*/2x3")
    assert done.code == 0
    assert "left out, 15 of 15 circuits: ngspice is not installed: Debian: apt-get install ngspice" in done.out
    assert "2 comparisons of 2 circuits" in done.out, "the closed forms are there"


def one_row(**changes) -> Row:
    good = Difference(10, 1e-13, 1e-12, "w_0_0")
    return dataclasses.replace(
        Row("linear/default/2x3", "linear", "default", "2x3", 6, "solve", "export", 1e-9, good, good, good,
            seconds=0.1, other_seconds=0.2, version="ngspice-0"), **changes)  # fmt: skip


def outcome_of(*rows: Row) -> validate.Outcome:
    return validate.Outcome("quick", list(rows), 1.5, [("xbarsim", "0"), ("system", "a <b> & c")])


@pytest.mark.slow
def test_beyond_tolerance_is_exit_code_1(monkeypatch, capsys, tmp_path):
    beyond = one_row(sources=Difference(5, 2e-9, 1e-8, "vwl0"))
    for row, words in ((beyond, "2.0e-09 > 1e-09"), (one_row(trouble="it crashed"), "it crashed")):
        monkeypatch.setattr(validate, "run", lambda *given, row=row, **_: outcome_of(one_row(), row))
        done = call(capsys, "validate", "--output", tmp_path)
        assert done.code == 1
        assert words in done.out
        assert words.split(">")[0].strip() in (tmp_path / "validation.md").read_text()
        assert 'class="failed"' in (tmp_path / "validation.html").read_text()


def test_json_is_one_document_with_every_comparison(monkeypatch, capsys):
    rows = [one_row(), one_row(skipped="nobody is there"), one_row(trouble="lost", seconds=math.nan)]
    monkeypatch.setattr(validate, "run", lambda *given, **_: outcome_of(*rows))
    done = call(capsys, "validate", "--json")
    assert done.code == 1
    record = json.loads(done.out)
    assert not record["passed"]
    assert [one["skipped"] for one in record["comparisons"]] == ["", "nobody is there", ""]
    assert record["comparisons"][2]["seconds"] is None
    assert record["comparisons"][0]["voltages"]["relative"] == 1e-13
    assert "NaN" not in done.out


@pytest.mark.slow
def test_the_page_needs_nothing_else(tmp_path):
    pytest.importorskip("matplotlib")
    paths, note = validate.write_reports(outcome_of(one_row(), one_row(trouble="<script>|")), tmp_path / "a" / "b")
    assert not note
    assert [path.name for path in paths] == ["validation.md", "validation.html", "validation.png"]
    page = paths[1].read_text()
    assert not re.search(r"https?:|//|@import|url\(|<link|<script|<iframe", re.sub(r"base64,[^\"]*", "", page))
    assert re.findall(r'src="(.{22})', page) == ["data:image/png;base64,"]
    assert "a &lt;b&gt; &amp; c" in page
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    table = [line for line in paths[0].read_text().splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table[4:]}) == 1, "a bar in a message is no column"


def test_without_matplotlib_there_is_a_report_and_a_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr(validate, "run", lambda *given, **_: outcome_of(one_row()))
    done = call(capsys, "validate", "--output", tmp_path)
    assert done.code == 0
    assert "note: no picture: pictures need matplotlib: pip install 'xbarsim[plot]'" in done.err
    assert {path.name for path in tmp_path.iterdir()} == {"validation.md", "validation.html"}
    assert "<img" not in (tmp_path / "validation.html").read_text()


def test_a_folder_that_cannot_be_made_is_an_error(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(validate, "run", lambda *given, **_: outcome_of(one_row()))
    done = call(capsys, "validate", "--output", tmp_path / "file" / "report")
    assert done.code == 2
    assert "cannot be made" in done.err


def test_a_name_that_no_circuit_has_is_an_error(capsys):
    done = call(capsys, "validate", "--quick", "--only", "memristive")
    assert done.code == 2
    assert "no circuit has such a name" in done.err
    with pytest.raises(InputError):
        validate.run("quick", only="memristive")


def test_a_folder_that_cannot_be_made_is_refused_first(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(validate, "run", lambda *given, **_: pytest.fail("it was run"))
    (tmp_path / "file").touch()
    done = call(capsys, "validate", "--quick", "--output", tmp_path / "file" / "report")
    assert done.code == 2
    assert "cannot be made" in done.err


def test_differences():
    found = Difference.of({"a": 1.0, "b": 1e-3, "c": 1e-12}, {"a": 1.0 + 1e-9, "b": 1.001e-3, "c": 2e-12})
    assert (found.count, found.where) == (3, "b")
    assert found.relative == pytest.approx(1e-6)
    assert found.componentwise == pytest.approx(1e-3, rel=2e-3), "c is below the floor"
    assert Difference.of({}, {}).count == 0
    assert Difference.of({"a": 0.0}, {"a": 0.0}).relative == 0
    assert Difference.of({"a": 1e-30}, {"a": 0.0}).relative == np.inf
    for ours, theirs in (({"a": 1.0}, {"b": 1.0}), ({"a": np.nan}, {"a": 1.0}), ({"a": 1.0}, {"a": np.inf})):
        with pytest.raises(ValueError, match=r"only one|not finite"):
            Difference.of(ours, theirs)


def test_a_simulator_that_crashes_fails_its_case(monkeypatch, tmp_path):
    def crash(*given, **options):
        raise SpiceError("ngspice crashed with SIGSEGV")

    monkeypatch.setattr(against.spice, "run", crash)
    monkeypatch.setattr(against.spice, "version", lambda engine: "ngspice-0")
    rows = list(against.rows_of(FAMILIES["linear", "default"], ["process"], tmp_path))
    assert [row.trouble for row in rows] == ["ngspice crashed with SIGSEGV"] * 2
    assert all(row.failed for row in rows)


def test_a_wrong_answer_is_seen(monkeypatch, tmp_path):
    """One current off by two billionths of the largest."""
    case = FAMILIES["linear", "default"]
    volts, amperes = against.solved(case)[1]
    largest = max(map(abs, amperes.values()))
    theirs = (volts, amperes | {"vwl1": amperes["vwl1"] + 2e-9 * largest})
    row = against.compared(one_row(), (volts, amperes), theirs)
    assert row.failed
    assert row.sources.where == "vwl1"
    assert session.run is validate.run


@pytest.mark.slow
def test_a_report_of_nothing_that_could_be_compared_is_written(tmp_path):
    """Logarithmic axes without a point, which matplotlib refuses."""
    paths, note = validate.write_reports(validate.Outcome("quick", [], 0.0, [("xbarsim", "0")]), tmp_path / "report")
    assert note is None or not note
    assert all(path.stat().st_size for path in paths)
    assert any(path.suffix == ".png" for path in paths)


def stopped_after(count):
    """Says no so many times, then yes."""
    answers = iter([False] * count)
    return lambda: next(answers, True)


@pytest.mark.parametrize("count", [0, 2])
def test_a_stop_keeps_what_was_compared_and_leaves_out_the_circuit_in_hand(count):
    whole = validate.run("quick", against=("closed",))
    part = validate.run("quick", against=("closed",), stop=stopped_after(count))
    assert [row.case for row in part.rows] == [row.case for row in whole.rows[:count]]
    assert f", stopped at {whole.rows[count].case} (closed form)" in part.scope
    assert "stopped" not in whole.scope


def test_a_simulator_that_ctrl_c_ended_is_no_failure(monkeypatch):
    def ended():
        raise SpiceError("ngspice was ended by a signal")

    monkeypatch.setattr(session.closed, "rows", lambda: [("ladder", ended)])
    assert not validate.run("quick", against=("closed",), stop=stopped_after(0)).rows
    with pytest.raises(SpiceError, match="ended by a signal"):
        validate.run("quick", against=("closed",))
