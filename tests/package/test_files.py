"""Files are written whole or not at all, are on the disk before they have their name, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time

import pytest
from cli_tools import environment

from xbarsim import files
from xbarsim.errors import InputError
from xbarsim.files import written_whole

HOLDING = """
import sys, time
from xbarsim.files import written_whole
with written_whole(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    time.sleep(60)
"""


def holding(path):
    """A process in the middle of writing."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "begun\n"
    return process


def write(path, content=b"whole"):
    with written_whole(path) as file:
        file.write(content)


@pytest.mark.skipif(os.name != "posix", reason="needs signals and locks")
@pytest.mark.parametrize("name", ["a.csv", "odd [1].json", "no-ending"])
def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path, name):
    path = tmp_path / name
    write(path, b"before")
    process = holding(path)
    try:
        assert len(list(tmp_path.iterdir())) == 2
        write(path)
        assert len(list(tmp_path.iterdir())) == 2, "one that is still being written stays"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert path.read_bytes() == b"whole"
    write(tmp_path / f"x{name}")
    assert len(list(tmp_path.iterdir())) == 3, "another file's are not swept"
    write(path, b"after")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([name, f"x{name}"])
    assert path.read_bytes() == b"after"


@pytest.mark.skipif(os.name != "posix", reason="needs locks")
def test_files_of_unknown_owners_are_swept_when_they_are_old(tmp_path):
    """As another version, or another machine, names them."""
    path = tmp_path / "a.csv"
    old, new = tmp_path / ".a.csv.abcd.tmp", tmp_path / f".a.csv.{os.getpid()}.efgh.tmp"
    for file in (old, new):
        file.write_bytes(b"half")
    an_hour_ago = time.time() - 3600.0
    os.utime(old, (an_hour_ago, an_hour_ago))
    write(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [new.name, "a.csv"]


@pytest.mark.parametrize("failing", [False, True])
def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch, failing):
    path = tmp_path / "a.csv"
    write(path, b"before")
    order = []

    def fsync(handle):
        order.append(("sync", path.read_bytes(), os.fstat(handle).st_size))
        if failing:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.os, "fsync", fsync)
    if failing:
        with pytest.raises(InputError, match=r"a.csv cannot be written \(Input/output error\)"):
            write(path)
        assert path.read_bytes() == b"before"
    else:
        write(path)
        assert path.read_bytes() == b"whole"
        assert order[1][1] == b"whole", "then the folder, for the name"
    assert order[0] == ("sync", b"before", len(b"whole"))
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]


def test_file_systems_without_sync_and_errors_in_between(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"

    def unknown(handle):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(files.os, "fsync", unknown)
    write(path)
    assert path.read_bytes() == b"whole"

    def fail():
        with written_whole(path) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"whole"
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
