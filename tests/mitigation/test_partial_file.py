"""Finished pairs on disk: whole lines whatever happens, and what is read is what was written."""

import errno
import json
import math
import os

import pytest

from xbarsim.errors import InputError
from xbarsim.mitigation import Cost, Record, partial_file
from xbarsim.mitigation.partial_file import PartialFile

COMMAND = {"model": "mlp", "data": {"images": 30, "scale": [0.5]}, "seed": 0}


def record(seed, after=0.75):
    return Record(seed, 0.5, after, Cost(labels=3, clipped_share=0.25), {"loss": [1.5, 0.1]}, 2.5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.json.partial"


def written(path, *pairs):
    partial = PartialFile(path, COMMAND)
    for label, seed, value in pairs:
        partial.add(label, record(seed), value)
    return partial


def test_what_is_read_is_what_was_written(path):
    written(path, ("none", 0, None), ("none", 1, None), ("a:b=1+c", 0, None))
    partial = PartialFile(path, COMMAND, path)
    assert partial.finished() == {("none", 0): record(0), ("none", 1): record(1), ("a:b=1+c", 0): record(0)}
    assert partial.finished(0.1) == {}
    assert len(partial) == 3
    assert partial.is_safe


def test_each_swept_value_has_its_own(path):
    written(path, ("none", 0, 0.1), ("none", 0, "offset"), ("none", 0, 1))
    partial = PartialFile(path, COMMAND, path)
    for value in (0.1, "offset", 1):
        assert list(partial.finished(value)) == [("none", 0)]
    assert partial.finished(0.2) == partial.finished() == {}


def test_lines_are_json_without_nan_and_whole_after_each_pair(path):
    partial = PartialFile(path, COMMAND)
    assert not path.exists(), "nothing is written before there is anything"
    for seed in range(3):
        partial.add("none", Record(seed, 0.5, 0.5, Cost(), {"loss": [math.nan, math.inf, 2.0]}))
        lines = path.read_text().splitlines(keepends=True)
        assert len(lines) == seed + 2
        assert all(line.endswith("\n") for line in lines)
        assert "NaN" not in lines[-1]
        assert "Infinity" not in lines[-1]
    assert json.loads(lines[0]) == {"schema": 1, **COMMAND}
    assert json.loads(lines[1])["record"]["trace"] == {"loss": [None, None, 2.0]}


@pytest.mark.parametrize("cut", [1, 10, 10_000])
def test_a_line_that_was_not_finished_is_cut_off(path, cut):
    written(path, ("none", 0, None), ("none", 1, None))
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    path.write_bytes(whole + last[: min(cut, len(last) - 1)])
    partial = PartialFile(path, COMMAND, path)
    assert len(partial) == 2
    assert path.read_bytes() == whole
    partial.add("b", record(5))
    assert PartialFile(path, COMMAND, path).finished()["b", 5] == record(5)


def test_finished_pairs_go_along_into_another_file(path, tmp_path):
    written(path, ("none", 0, None))
    before = path.read_bytes()
    partial = PartialFile(tmp_path / "b.partial", COMMAND, path)
    partial.add("none", record(1))
    assert PartialFile(None, COMMAND, tmp_path / "b.partial").finished().keys() == {("none", 0), ("none", 1)}
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "lenet"}, "its model is mlp, and this one's lenet"),
        ({"data": {"images": 31, "scale": [0.5]}}, "its data.images is 30, and this one's 31"),
        ({"data": {"images": 30, "scale": [0.25]}}, "its data.scale is [0.5], and this one's [0.25]"),
        ({"more": 1}, "its more is None, and this one's 1"),
    ],
)
def test_the_file_of_another_command_is_refused(path, change, words):
    written(path, ("none", 0, None))
    before = path.read_bytes()
    with pytest.raises(InputError) as error:
        PartialFile(path, {**COMMAND, **change}, path)
    assert words in str(error.value)
    assert str(error.value).startswith(f"{path} is of another command")
    with pytest.raises(InputError, match="its seed is 0, and this one's None"):
        PartialFile(path, {name: value for name, value in COMMAND.items() if name != "seed"}, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"[]\n", b"{}\n", b"no json\n", b"\xff\x00\n", b'{"schema": 1}', b"3\n4\n"],
)
def test_files_that_are_no_partial_ones(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no partial file of xbarsim mitigate"):
        PartialFile(path, COMMAND, path)
    assert path.read_bytes() == content


def test_lines_that_are_no_records(path):
    written(path, ("none", 0, None))
    with path.open("a") as file:
        file.write('{"method": "none", "value": null, "record": {"seed": 1}}\n')
    with pytest.raises(InputError, match="is no partial file"):
        PartialFile(path, COMMAND, path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after", "0.5"), ("after", None), ("after", math.nan), ("after", 7.0), ("before", []), ("seed", "0"),
        ("seed", -1), ("seed", 0.5), ("seconds", math.inf), ("seconds", "1"), ("trace", [1]), ("trace", {"loss": 3}),
        ("trace", {"loss": ["x"]}), ("cost", []), ("cost", {"labels": "many"}), ("cost", {"labels": 0.5}),
        ("cost", {"clipped_share": None}), ("cost", {"lables": 1}),
    ],
)  # fmt: skip
def test_records_with_what_no_chip_gave(path, name, value):
    """What would fail in the report, when all the other pairs are done, or be printed as if it had been measured."""
    written(path, ("none", 0, None))
    line = {"method": "none", "value": None, "record": record(1).to_dict() | {name: value}}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(InputError, match="is no partial file of xbarsim mitigate: give that of a command"):
        PartialFile(path, COMMAND, path)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no: there is no such file: check the path"):
        PartialFile(None, COMMAND, tmp_path / "no")
    with pytest.raises(InputError, match="it is a folder: give"):
        PartialFile(None, COMMAND, tmp_path)


def test_a_full_disk_leaves_whole_lines_and_is_tried_again(path, monkeypatch):
    partial = written(path, ("none", 0, None))
    before = path.read_bytes()
    write, room = os.write, [7]

    def scarce(handle, content):
        if room[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = write(handle, bytes(content[: room[0]]))
        room[0] -= count
        return count

    monkeypatch.setattr(partial_file.os, "write", scarce)
    partial.add("none", record(1))
    assert path.read_bytes() == before
    assert not partial.is_safe
    assert (
        partial.complaint == f"{path} cannot be written (No space left on device): finished pairs are in memory alone"
    )
    monkeypatch.undo()
    partial.add("none", record(2))
    assert partial.is_safe
    assert [seed for _, seed in PartialFile(path, COMMAND, path).finished()] == [0, 1, 2]
    partial.remove()
    assert not path.exists()
    partial.remove()


def test_without_a_path_pairs_are_remembered():
    partial = PartialFile(None, COMMAND)
    partial.add("none", record(4), 0.5)
    assert partial.finished(0.5) == {("none", 4): record(4)}
    assert not partial.is_safe
    assert partial.complaint is None
    partial.remove()
