"""``xbarsim infer --sweep``: the numbers of single runs, one training, answers kept where that is asked for."""

from __future__ import annotations

import csv
import io
import json

import pytest
from cli_tools import assert_refused, call

from xbarsim.study.store import TrialRow
from xbarsim.study.sweep_report import SweepReport, combinations_of

QUICK = [
    "infer", "--model", "linear", "--epochs", 1, "--limit", 40, "--seeds", 2, "--set", "cells.variation.sigma=0.2",
]  # fmt: skip


def test_a_sweep_gives_the_numbers_of_single_runs_and_keeps_them(tmp_path, capsys):
    pytest.importorskip("torch")
    store = tmp_path / "kept.sqlite"
    command = [*QUICK, "--sweep", "wires.word+wires.bit=0,5", "--sweep", "adc.bits=3", "--jobs", 1, "--store", store]
    answer = call(capsys, *command, "--json")
    assert answer.code in (None, 0), answer.err
    assert answer.err.count("training linear") == 1
    record = json.loads(answer.out)
    assert record["axes"] == ["wires.word+wires.bit", "adc.bits"]
    rows = record["combinations"]
    assert [row["wires.word+wires.bit"] for row in rows] == [0, 5]
    for row in rows:
        ohms = row["wires.word+wires.bit"]
        words = ["--set", f"wires.word={ohms}", "--set", f"wires.bit={ohms}", "--set", "adc.bits=3", "--json"]
        alone = json.loads(call(capsys, *QUICK, *words).out)
        assert row["numbers"]["accuracy"] == alone["accuracies"]
        assert row["numbers"]["agreement"] == alone["agreements"]
        assert row["chips"] == [0, 1]
    again = call(capsys, *command, "--format", "csv")
    assert "of 4:" not in again.err
    heading, *lines = csv.reader(io.StringIO(again.out))
    assert heading[:4] == ["wires.word+wires.bit", "adc.bits", "accuracy", "deviation"]
    assert [float(line[2]) for line in lines] == [row["accuracy"] for row in rows]


def test_times_and_their_compensation_act_as_in_a_single_run(tmp_path, capsys):
    pytest.importorskip("torch")
    drift = ["--set", "cells.drift.nu=0.3", "--time", 1, "--time", "1meg", "--maps", "recompute"]
    store = ["--store", tmp_path / "drift.sqlite", "--jobs", 1]
    command = [*QUICK, *drift, "--compensate-drift", "--json"]
    (row,) = json.loads(call(capsys, *command, "--sweep", "adc.bits=3", *store).out)["combinations"]
    alone = json.loads(call(capsys, *command, "--set", "adc.bits=3").out)
    for moment in alone["times"]:
        assert row["numbers"][f"accuracy.{moment['seconds']:g}s"] == moment["accuracies"]
    assert row["numbers"]["accuracy"] == alone["accuracies"]


def rows(*points):
    return [
        TrialRow(f"{a} {chip}", {"a": a, "chip": chip}, state, numbers, trace="ValueError: no")
        for a, chip, state, numbers in points
    ]


@pytest.fixture
def report():
    found = rows(
        (1, 0, "done", {"accuracy": 0.5, "agreement": 0.5, "ideal": 1.0}),
        (1, 1, "done", {"accuracy": 0.7, "agreement": 0.9, "ideal": 1.0}),
        (2, 0, "failed", None),
        (2, 1, None, None),
    )
    return SweepReport(("heading",), ("a",), combinations_of(found), {"model": "mlp"})


def test_chips_of_a_combination_are_put_together(report):
    first, second = report.combinations
    assert first.mean("accuracy") == pytest.approx(0.6)
    assert first.deviation("accuracy") == pytest.approx(0.02**0.5)
    assert (second.chips, second.errors) == ((), ("ValueError: no",))


def test_the_table_has_no_deviation_of_one_chip():
    found = rows((1, 0, "done", {"accuracy": 0.5, "agreement": 0.75, "ideal": 1.0}))
    table = SweepReport(("heading",), ("a",), combinations_of(found), {}).as_table()
    assert "50.00%   -     75.00%" in table, table


def test_every_form_has_what_failed(report):
    assert "60.00%  14.14%" in report.as_table()
    assert "0 (1 failed)" in report.as_table()
    assert json.loads(report.as_json())["combinations"][1]["accuracy"] is None
    assert report.as_csv().splitlines()[2].startswith("2,,,")
    assert report.as_numbers().splitlines() == ["1 0.6", "2 nan"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--store", "x.sqlite"], "--store goes with --sweep"),
        (["--jobs", "1"], "--jobs goes with --sweep"),
        (["--sweep", "wires.word"], "is not NAME=VALUES"),
        (["--sweep", "wires.word=1,,2"], "is not NAME=VALUES"),
        (["--sweep", "wires.word=1", "--sweep", "wires.word=2"], "wires.word is swept twice"),
        (["--sweep", "wires.wrod=1"], "wires.wrod"),
        (["--sweep", "wires.word=1M"], "ambiguous"),
        (["--sweep", "wires.word=1,-1"], "--sweep, at wires.word=-1: wires.word is -1"),
        (["--sweep", "wires.word=1,1"], "--sweep wires.word: 1 is there twice"),
        (["--sweep", "cells.faults.ocr=1,5"], "changes nothing while cells.faults.rate is 0"),
        (["--sweep", "wires.word=1", "--calibration", "9"], "--calibration changes nothing"),
        (["--sweep", "wires.word=1", "--plot", "x.png"], "--plot draws one hardware"),
        (["--sweep", "wires.word=1", "--memory", "1G"], "--memory is of one process"),
        (["--sweep", "wires.word=1", "--data", "cifar10", "--model", "vgg-small"], "--epochs N trains it now"),
        (["--sweep", "model.epoch=1"], "did you mean model.epochs?"),
        (["--sweep", "wires.word=1", "--digital", "nowhere"], "nowhere"),
        (["--sweep", "wires.word=1", "--time", "3"], "time"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_command(tmp_path, monkeypatch, capsys, words, message):
    pytest.importorskip("torch")
    from network_tools import write_batches

    monkeypatch.chdir(tmp_path)
    write_batches(tmp_path / "data/cifar-10-batches-py")
    monkeypatch.setenv("XBARSIM_DATA", str(tmp_path / "data"))
    assert_refused(call(capsys, "infer", "-q", "--model", "linear", *words), 2, message)
