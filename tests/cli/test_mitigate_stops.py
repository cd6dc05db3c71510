"""``xbarsim mitigate`` that does not come to its end: what is finished stays, and is gone on with."""

import json
import os
import re
import signal
import stat
import subprocess
import sys

import pytest
from cli_tools import PROGRAM, assert_refused, call, environment
from mitigate_tools import FAULTY, HEADROOM, trained_linear

from xbarsim.errors import InputError
from xbarsim.mitigation import Trials, partial_file


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return trained_linear(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def command(linear):
    return ("mitigate", "--model", linear, *FAULTY, "--limit", 100, "--jobs", 1)


@pytest.mark.parametrize("first", [1, 3])
def test_what_is_finished_is_gone_on_with(capsys, command, tmp_path, monkeypatch, first):
    """Every stop leaves whole lines, and the end is that of a run without a stop."""
    command = (*command, *HEADROOM, "--method", "headroom", "--seeds", 2, "--json", "-o", tmp_path / "a.json")
    whole = json.loads(call(capsys, *command[:-2]).out)
    measured = []
    add = partial_file.PartialFile.add

    def stopping(self, label, record, value=None):
        add(self, label, record, value)
        measured.append((label, record.seed))
        if len(measured) == first:
            raise KeyboardInterrupt

    monkeypatch.setattr(partial_file.PartialFile, "add", stopping)
    assert call(capsys, *command).code == 130
    path = tmp_path / "a.json.partial"
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["method"] for line in lines[1:]] == [label for label, _ in measured]
    assert_refused(call(capsys, *command), 2, f"{path} is there", f"--resume {path} goes on")
    with path.open("ab") as file:
        file.write(b'{"method": "headroom", "value": null, "rec')  # a line that was not finished
    for spelled in (tmp_path / "a.json", path):
        answer = call(capsys, *command[:-2], "--resume", spelled, "-o", tmp_path / "b.json")
        assert answer.code == 0
        assert f"note: {first} pair" in answer.err
        assert path.exists()
        (tmp_path / "b.json").unlink()
    again = call(capsys, *command, "--resume", path)
    assert again.code == 0
    assert len(measured) == 3 * (6 - first) + first, "nothing was measured twice in one run"
    record = json.loads((tmp_path / "a.json").read_text())
    assert record["methods"] == whole["methods"]
    assert not path.exists()


def test_more_methods_and_chips_may_be_added(capsys, command, tmp_path, monkeypatch):
    path = tmp_path / "a.json.partial"
    monkeypatch.setattr(partial_file.PartialFile, "remove", lambda self: None)
    assert call(capsys, *command, *HEADROOM, "--seeds", 1, "-o", tmp_path / "a.json").code == 0
    answer = call(capsys, *command, "--method", "headroom", *HEADROOM, "--seeds", 2, "--resume", path, "--json")
    assert re.findall(r"^(\S+), chip (\d)", answer.err, re.M) == [
        ("none", "1"), ("headroom", "0"), ("headroom", "1"), ("headroom:h=1.5", "1"),
    ]  # fmt: skip
    assert [entry["name"] for entry in json.loads(answer.out)["methods"]] == ["none", "headroom", "headroom:h=1.5"]


def test_a_partial_file_of_another_command_is_refused(capsys, command, linear, tmp_path, monkeypatch):
    path = tmp_path / "a.json.partial"
    monkeypatch.setattr(partial_file.PartialFile, "remove", lambda self: None)
    assert call(capsys, *command, *HEADROOM, "--seeds", 1, "-o", tmp_path / "a.json").code == 0
    before = path.read_bytes()
    resumed = (*HEADROOM, "--seeds", 1, "--resume", path)
    other = tmp_path / "other.pt"
    call(capsys, "train", "--model", "linear", "--data", "digits", "--epochs", 1, "-o", other)
    for changed, words in [
        (("mitigate", "--model", other, *command[3:]), ["its weights is", "and this one's"]),
        ((*command, "--limit", 99), ["its data.test_images is 100, and this one's 99"]),
        ((*command, "--validation", 100), ["its data.train_images is 1150, and this one's 1337"]),
        ((*command, "--set", "cells.faults.rate=0.3"), ["its hardware.cells.faults.rate is 0.2, and this one's 0.3"]),
        ((*command, "--fidelity", "accurate"), ["its hardware.fidelity is ideal, and this one's accurate"]),
        ((*command, "--method-seed", 1), ["its method seed is 0, and this one's 1"]),
        ((*command, "--against", "faults.rate=0.1"), ["its --against is None, and this one's faults.rate"]),
    ]:
        assert_refused(call(capsys, *changed, *resumed), 2, f"{path} is of another command: ", *words)
    monkeypatch.setattr(partial_file, "SCHEMA", 2)
    assert_refused(call(capsys, *command, *resumed), 2, "its schema is 1, and this one's 2")
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert_refused(call(capsys, *command, *HEADROOM, "--resume", linear), 2, "is no partial file of xbarsim mitigate")
    assert_refused(call(capsys, *command, *HEADROOM, "--resume", tmp_path / "no"), 2, "there is no such file")


def test_a_folder_that_cannot_be_written_is_said_before_work(capsys, command, tmp_path, monkeypatch):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    monkeypatch.setattr(Trials, "run", None)
    if os.access(folder, os.W_OK):  # root may write anywhere
        folder = tmp_path / "no"
    assert_refused(
        call(capsys, *command, *HEADROOM, "-o", folder / "a.json"), 2, "cannot be written", "writable folder"
    )
    (tmp_path / "b.json.partial").mkdir()
    assert_refused(call(capsys, *command, *HEADROOM, "-o", tmp_path / "b.json"), 2, "b.json.partial is a folder")


def test_a_disk_that_is_full_loses_nothing(capsys, command, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(partial_file, "_append", full)
    answer = call(capsys, *command, *HEADROOM, "--seeds", 2, "--json", "-o", tmp_path / "a.json")
    assert answer.code == 0
    assert answer.err.count("a.json.partial cannot be written (No space left on device)") == 1
    assert json.loads((tmp_path / "a.json").read_text())["seeds"] == [0, 1]
    (tmp_path / "a.json").unlink()
    monkeypatch.setattr("xbarsim.cli.output.written_whole", refusing)
    answer = call(capsys, *command, *HEADROOM, "--seeds", 1, "-o", tmp_path / "a.json")
    assert answer.code == 2
    assert json.loads(answer.out)["seeds"] == [0], "it is printed where it can be written nowhere"
    assert answer.err.endswith("all is printed instead\n")


def refusing(path):
    raise InputError(f"{path} cannot be written (No space left on device): give a path in a writable folder")


def test_an_answer_that_cannot_be_written_stays_beside_it(capsys, command, tmp_path, monkeypatch):
    monkeypatch.setattr("xbarsim.cli.output.written_whole", refusing)
    path = tmp_path / "a.json.partial"
    answer = call(capsys, *command, *HEADROOM, "--seeds", 1, "-o", tmp_path / "a.json")
    assert answer.code == 2
    assert answer.err.endswith(f"; all is in {path}: --resume {path} writes it\n")
    monkeypatch.undo()
    answer = call(capsys, *command, *HEADROOM, "--seeds", 1, "-o", tmp_path / "a.json", "--resume", path)
    assert answer.code == 0
    assert "note: 2 pairs of a method and a chip: finished already" in answer.err
    assert list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_an_output_that_is_no_file_has_none_beside_it(capsys, command):
    if os.path.exists("/dev/full"):  # noqa: PTH110
        answer = call(capsys, *command, *HEADROOM, "--seeds", 1, "-o", "/dev/full")
        assert answer.code == 2
        assert json.loads(answer.out)["seeds"] == [0]
        assert "No space left" in answer.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs forks")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_leaves_what_is_finished(tmp_path, linear, jobs):
    """Some hundreds of pairs, stopped after the first few."""
    out = tmp_path / "a.json"
    command = [
        *PROGRAM, "mitigate", "--model", str(linear), *FAULTY, *HEADROOM, "--seeds", "5000", "--jobs", jobs, "-o",
        str(out),
    ]  # fmt: skip
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith("none, chip"):
            break
    process.send_signal(signal.SIGINT)
    printed, err = process.communicate(timeout=60)
    assert (process.returncode, printed) == (130, "")
    path = tmp_path / "a.json.partial"
    # What was being said at that moment may come after it.
    words = f"xbarsim: interrupted; what is finished is in {path}, the same command with --resume {path} goes on"
    assert words in err.splitlines()
    assert len(path.read_bytes().splitlines()) >= 2
    assert not out.exists()


def test_ctrl_c_amid_a_write_says_where_the_others_are(tmp_path, monkeypatch):
    """What is asked for at that moment is as far as the last whole write."""
    from xbarsim.cli.finished_pairs import interrupted
    from xbarsim.mitigation import Cost, Record
    from xbarsim.mitigation.partial_file import PartialFile

    pairs = PartialFile(tmp_path / "a.json.partial", {"command": 1})
    assert interrupted([pairs]) == "interrupted"
    pairs.add("none", Record(0, 0.5, 0.5, Cost()))
    append, said = partial_file._append, []

    def watched(*arguments):
        said.append(interrupted([pairs]))
        append(*arguments)

    monkeypatch.setattr(partial_file, "_append", watched)
    pairs.add("none", Record(1, 0.5, 0.5, Cost()))
    assert [f"--resume {pairs.path} goes on" in line for line in said] == [True]
