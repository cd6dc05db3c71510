"""Output, alike in every command: where it may go is known before any work, and every form says the same."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_tools import arrays, assert_refused, call

from xbarsim import validate
from xbarsim.cli.command_line import cli
from xbarsim.validate import Outcome
from xbarsim.validate.case import Difference, Row

WORK = {
    "export": "xbarsim.cli.matrix_files.load",
    "infer": "xbarsim.nn.model_sources.find",
    "info": "xbarsim.cli.about.installation",
    "loop": "xbarsim.loop.read_loop",
    "margin": "xbarsim.margin.sweep",
    "mitigate": "xbarsim.nn.model_sources.find",
    "noise": "xbarsim.noise.output_noise",
    "plan": "xbarsim.nn.planning.plan",
    "program": "xbarsim.cli.matrix_files.load",
    "settling": "xbarsim.settling.read_speed",
    "solve": "xbarsim.analysis.runs.from_arrays",
    "train": "xbarsim.nn.datasets.load",
    "validate": "xbarsim.validate.run",
}
"""What each command does first of all that takes time."""

PLACES = [
    (command, f"--{option.name}")
    for command in WORK
    for option in cli.commands[command].params
    if option.name in ("output", "plot", "report")
]


def loop_of(folder):
    """An inverting amplifier with a capacitor in its feedback, and no pole beside it."""
    path = folder / "loop.sp"
    cards = ("V1 a 0 0.1", "R1 a b 1k", "R2 b o 2k", "C1 b o 1p", "E1 o 0 0 b 1e5")
    path.write_text("\n".join(["loop", *cards, ".end", ""]), "utf-8")
    return path


def arguments_of(command, folder):
    if command in ("infer", "mitigate", "plan", "train"):
        pytest.importorskip("torch")
    return {
        "export": [*arrays(folder), "-o", folder / "a.sp"],
        "loop": ["--netlist", loop_of(folder)],
        "margin": ["--sizes", "2", "--schemes", "half"],
        "mitigate": ["--method", "headroom"],
        "noise": arrays(folder),
        "program": ["target.csv", "--device", "vteam", "--pulse", "0.9,10n"],
        "settling": [*arrays(folder), "--word-capacitance", "1f"],
        "solve": arrays(folder),
        "train": ["--model", "mlp", "--data", "digits", "-o", folder / "a.pt"],
    }.get(command, [])


def refused(capsys, monkeypatch, command, folder, *options):
    """A command that is refused though its arguments are good, before it works and without a trace."""
    arguments = arguments_of(command, folder)
    monkeypatch.setattr(WORK[command], lambda *_, **__: pytest.fail("it began to work"))
    before = sorted(folder.rglob("*"))
    answer = call(capsys, command, *arguments, *options)
    assert sorted(folder.rglob("*")) == before
    return answer


def test_all_commands_are_looked_at():
    # study is a group: tests/study looks at the places of its reports and exports.
    assert set(WORK) == set(cli.commands) - {"study"}
    assert {command for command, option in PLACES if option == "--output"} == set(WORK)
    drawing = {"solve", "loop", "margin", "infer", "mitigate", "noise", "program", "settling", "validate"}
    assert {command for command, option in PLACES if option == "--plot"} == drawing


@pytest.mark.parametrize(("command", "option"), PLACES, ids=" ".join)
@pytest.mark.parametrize("place", ["no folder", "a file for a folder", "a folder", "a name too long"])
def test_no_work_for_what_cannot_be_written(capsys, monkeypatch, tmp_path, command, option, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    name = {
        "no folder": "none/a.png",
        "a file for a folder": "file/a.png",
        "a folder": "folder.png",
        "a name too long": f"{'a' * 250}.png",
    }[place]
    if command == "validate" and place == "a folder" and option == "--output":
        pytest.skip("a folder is what --report takes, and --output once did")
    if option == "--report":
        if place != "a file for a folder":
            pytest.skip("the folder is made")
        name = "file/report"
    answer = refused(capsys, monkeypatch, command, tmp_path, option, tmp_path / name)
    assert_refused(answer, 2, name, "give ")


@pytest.mark.parametrize(("command", "option"), [place for place in PLACES if place[1] != "--report"], ids=" ".join)
@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder in which no file can be made, even by root")
def test_no_work_for_a_folder_without_permission(capsys, monkeypatch, tmp_path, command, option):
    answer = refused(capsys, monkeypatch, command, tmp_path, option, "/proc/self/a.png")
    assert_refused(answer, 2, "/proc/self/a.png cannot be written", "writable folder")


@pytest.mark.parametrize(("command", "option"), [place for place in PLACES if place[1] != "--report"], ids=" ".join)
@pytest.mark.parametrize("closed", ["the file", "its folder"])
def test_no_work_for_an_existing_file_that_may_not_be_replaced(capsys, monkeypatch, tmp_path, command, option, closed):
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "a.png"
    path.write_text("old")
    (path if closed == "the file" else path.parent).chmod(0o555)
    if os.geteuid() == 0:  # to whom modes say nothing
        shut = str(path if closed == "the file" else path.parent)
        usual = os.access
        monkeypatch.setattr("xbarsim.files.os.access", lambda place, mode: str(place) != shut and usual(place, mode))
    overwrite = ["--overwrite"] if command == "train" else []
    answer = refused(capsys, monkeypatch, command, tmp_path, option, path, *overwrite)
    path.parent.chmod(0o755)
    assert_refused(answer, 2, f"{path} cannot be written", "read-only" if closed == "the file" else "no permission")
    assert path.read_text() == "old"


@pytest.mark.parametrize("command", [command for command, option in PLACES if option == "--plot"])
def test_answer_and_picture_are_two_files(capsys, monkeypatch, tmp_path, command):
    path = tmp_path / "a.png"
    answer = refused(capsys, monkeypatch, command, tmp_path, "-o", path, "--plot", tmp_path / "x" / ".." / "a.png")
    assert answer.code == 2
    (tmp_path / "link.png").symlink_to(path)
    answer = refused(capsys, monkeypatch, command, tmp_path, "-o", path, "--plot", tmp_path / "link.png")
    assert_refused(answer, 2, f"--output and --plot are both {path}: give each a file of its own")


@pytest.mark.parametrize("command", [command for command, option in PLACES if option == "--plot"])
def test_no_work_for_a_picture_of_no_width(capsys, monkeypatch, tmp_path, command):
    picture = ("--plot", tmp_path / "a.png")
    for width in ("0", "-85", "inf"):
        answer = refused(capsys, monkeypatch, command, tmp_path, *picture, "--plot-width", width)
        assert_refused(answer, 2, f"--plot-width is {width} mm: it must be 20 to 2000 mm")
    answer = refused(capsys, monkeypatch, command, tmp_path, *picture, "--plot-width", "nan")
    assert_refused(answer, 2, "--plot-width", "'nan' is not a number")
    answer = refused(capsys, monkeypatch, command, tmp_path, "--plot-width", "85")
    assert_refused(answer, 2, "--plot-width is of a picture: give --plot FILE")


FORMED = [command for command in WORK if any(option.name == "form" for option in cli.commands[command].params)]


@pytest.mark.parametrize("command", FORMED)
def test_json_is_a_form_and_a_word_of_its_own(capsys, monkeypatch, tmp_path, command):
    """``--json`` is how some commands called it; it goes with its like and contradicts others."""
    answer = refused(capsys, monkeypatch, command, tmp_path, "--json", "--format", "csv")
    assert_refused(answer, 2, "--json and --format csv contradict each other: give one of them")
    assert "--json" not in call(capsys, command, "--help").out
    forms = next(option.type.choices for option in cli.commands[command].params if option.name == "form")
    assert list(forms[:3]) == ["table", "json", "csv"]


def records(capsys, command, *arguments):
    """What a command says as JSON in both spellings, as CSV, and quietly."""
    first, second = (call(capsys, command, *arguments, *form) for form in (["--json"], ["--format", "json", "-q"]))
    assert second.all_err == ""
    table, quiet = (call(capsys, command, *arguments, "-q", *form) for form in (["--format", "csv"], []))
    assert (table.all_err, quiet.all_err) == ("", "")
    head, *rows = csv.reader(io.StringIO(table.out))
    return json.loads(first.out), json.loads(second.out), [dict(zip(head, row, strict=True)) for row in rows], quiet.out


def test_info_in_every_form(capsys, tmp_path):
    record, second, rows, quiet = records(capsys, "info")
    assert record == second == {row["name"]: row["value"] for row in rows}
    assert [line.split(" ", 1) for line in quiet.splitlines()] == [list(pair) for pair in record.items()]
    assert call(capsys, "info", "--format", "json", "-o", tmp_path / "a.json").out == ""
    assert json.loads((tmp_path / "a.json").read_text()) == record


def test_margin_in_every_form(capsys):
    record, _, rows, quiet = records(capsys, "margin", "--sizes", "2,3", "--schemes", "half")
    points = record["points"]
    assert [float(row["current_margin"]) for row in rows] == [point["current_margin"] for point in points]
    assert quiet.splitlines() == [
        f"half {n} {n} {point['current_margin']!r}" for n, point in zip((2, 3), points, strict=True)
    ]


@pytest.mark.slow
def test_infer_and_train_in_every_form(capsys, tmp_path):
    pytest.importorskip("torch")
    path = tmp_path / "a.pt"
    begin = ("--model", "mlp", "--data", "digits", "--width", 0.5, "--limit", 100, "--epochs", 2, "-o", path)
    assert call(capsys, "train", *begin, "--quiet").out.startswith("accuracy 0.")
    record, second, rows, quiet = records(capsys, "train", "--resume", path)
    assert record == second
    assert [{name: float(value) for name, value in row.items()} for row in rows] == record["history"]
    assert quiet == f"accuracy {record['accuracy']!r}\n"

    few = ("--model", path, "--limit", 20, "--seeds", 2, "--set", "cells.variation.sigma=0.3")
    record, _, rows, quiet = records(capsys, "infer", *few)
    numbers = {(row["quantity"], row["name"]): float(row["value"]) for row in rows if row["value"]}
    assert len(numbers) == len(rows)
    assert [numbers["accuracy", f"chip {seed}"] for seed in record["seeds"]] == record["accuracies"]
    assert [numbers["agreement", f"chip {seed}"] for seed in record["seeds"]] == record["agreements"]
    assert numbers["accuracy", "mean"] == record["mean"]
    np.testing.assert_allclose(numbers["error_own", "fc2"], record["layers"][1]["error_own"], rtol=1e-6)
    names = [f"{line.rpartition(' ')[0]}" for line in quiet.splitlines()]
    assert names == ["ideal", "chip 0", "chip 1", "mean"]

    drift = ("--set", "cells.drift.nu=0.1", "--time", 3600, "--time", 2)
    record, _, rows, _ = records(capsys, "infer", *few, *drift)
    means = {float(row["time"]): float(row["value"]) for row in rows if row["name"] == "mean"}
    assert means == {moment["seconds"]: moment["mean"] for moment in record["times"]}


def outcome(*arguments):
    good = Difference(10, 1e-13, 1e-12, "w_0_0")
    row = Row(
        "linear/default/2x3", "linear", "default", "2x3", 6, "solve", "export", 1e-9, good, good, good, seconds=0.1
    )
    return Outcome("quick", [row], 1.5, [("xbarsim", "0")])


@pytest.mark.slow
def test_validate_in_every_form(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(validate, "run", outcome)
    record, second, (row,), quiet = records(capsys, "validate")
    assert record == second
    (comparison,) = record["comparisons"]
    assert float(row["voltages_relative"]) == comparison["voltages"]["relative"] == 1e-13
    assert row["other_seconds"] == ""
    assert quiet == f"{record['summary']}\n"
    answer = call(
        capsys, "validate", "--format", "csv", "-o", tmp_path / "a.csv", "--report", tmp_path / "report", "-q"
    )
    assert (answer.code, answer.out, answer.all_err) == (0, "", "")
    assert (tmp_path / "a.csv").read_text().count("\n") == 2
    assert (tmp_path / "report" / "validation.md").exists()


@pytest.mark.slow
def test_validate_draws(capsys, monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(validate, "run", outcome)
    assert call(capsys, "validate", "--plot", tmp_path / "a.svg").code == 0
    assert (tmp_path / "a.svg").stat().st_size > 5000


def test_export_says_nothing_if_asked(capsys, tmp_path):
    answer = call(capsys, "export", *arrays(tmp_path), "-o", tmp_path / "a.sp", "-q")
    assert (answer.code, answer.out, answer.all_err) == (0, "", "")
    assert (tmp_path / "a.sp").exists()


def test_raw_is_not_for_a_terminal(capsys, monkeypatch, tmp_path):
    circuit = arrays(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert_refused(call(capsys, "solve", *circuit, "--format", "raw"), 2, "--format raw is binary: give --output FILE")


@pytest.mark.parametrize("command", FORMED)
def test_options_are_called_alike(command):
    options = {option.name: option for option in cli.commands[command].params}
    assert options["form"].opts == ["--format"]
    assert options["output"].opts == ["--output", "-o"]
    assert options["quiet"].opts == ["--quiet", "-q"]
    assert options["as_json"].hidden


@pytest.mark.parametrize("command", ["solve", "infer", "mitigate"])
def test_no_work_where_stdout_is_closed(capsys, monkeypatch, command):
    if command != "solve":
        pytest.importorskip("torch")
    monkeypatch.setattr("sys.stdout", None)
    assert_refused(call(capsys, command), 2, "standard output is closed")
