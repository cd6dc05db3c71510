"""Kept object code: whole or not used, never two lines about it, and no more files than are of use."""

import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cli_tools import environment

from xbarsim.kernels import object_files
from xbarsim.kernels.object_files import ObjectCode

CODE = ObjectCode("call", ["sqrt"], [b"\x7fELF" * 100, b"more"])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(object_files, "_notices", [])
    object_files.surroundings.cache_clear()
    yield tmp_path / "cache" / "xbarsim"
    object_files.surroundings.cache_clear()


def add(a, b):
    return a + b


def test_what_is_written_is_read():
    name = object_files.name(add, "float,float", {}, object_files.unit(add))
    assert object_files.read(name) is None
    object_files.write(name, CODE)
    assert object_files.read(name) == CODE


def test_a_name_holds_what_code_depends_on(monkeypatch, tmp_path):
    """Each of these would run other machine code."""

    def name(signature="float,float", function=add, **options):
        return object_files.name(function, signature, options, object_files.unit(function))

    names = [name(), name("int,float"), name(fastmath={"nsz"}), name(fastmath={"nsz", "contract"})]
    for text in ("def add(a, b): return a - b\n", "def add(a, b): return a - b  # edited\n"):
        file = tmp_path / str(len(names)) / "kernels.py"
        file.parent.mkdir()
        file.write_text(text)
        scope = {}
        exec(compile(text, str(file), "exec"), scope)
        names.append(name(function=scope["add"]))
    monkeypatch.setenv("NUMBA_OPT", "1")
    object_files.surroundings.cache_clear()
    names.append(name())
    assert len(set(names)) == len(names)
    monkeypatch.delenv("NUMBA_OPT")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    object_files.surroundings.cache_clear()
    assert name() == names[0]


def test_code_for_a_processor_that_is_told_is_every_machines(monkeypatch):
    """Counts of work are of one processor's code, made on this machine and run on a simulated one."""

    def name():
        object_files.surroundings.cache_clear()
        return object_files.name(add, "float,float", {}, "")

    here = name()
    monkeypatch.setenv("NUMBA_CPU_NAME", "haswell")
    by_name = name()
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+avx2")
    pinned = name()
    monkeypatch.setattr("llvmlite.binding.get_host_cpu_name", lambda: "another")
    assert name() == pinned
    monkeypatch.delenv("NUMBA_CPU_FEATURES")
    elsewhere = name()
    assert len({here, by_name, pinned, elsewhere}) == 4


DAMAGE = {
    "empty": lambda path, data: path.write_bytes(b""),
    "cut short": lambda path, data: path.write_bytes(data[: len(data) // 2]),
    "one bit": lambda path, data: path.write_bytes(data[:-50] + bytes([data[-50] ^ 1]) + data[-49:]),
    "text": lambda path, data: path.write_bytes(b"<html>quota exceeded</html>\n"),
}

UNREADABLE = {
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_told_in_one_line_and_mended(folder, capsys, damage):
    name = object_files.name(add, "float,float", {}, object_files.unit(add))
    object_files.write(name, CODE)
    DAMAGE[damage](folder / name, (folder / name).read_bytes())
    assert object_files.read(name) is None
    object_files.write(name, CODE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"xbarsim: compiled kernel {folder / name} is damaged: it is compiled anew"
    assert object_files.read(name) == CODE
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_cannot_be_read_is_told_in_one_line_with_the_reason(folder, capsys, kind):
    folder.mkdir(parents=True)
    UNREADABLE[kind](folder / "a.b.c.xbo")
    assert object_files.read("a.b.c.xbo") is None
    object_files.write("a.b.c.xbo", CODE)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"xbarsim: compiled kernel {folder / 'a.b.c.xbo'} cannot be read (")
    assert [path.name for path in folder.iterdir()] == ["a.b.c.xbo"]


def test_what_cannot_be_said_does_not_end_the_work(folder, monkeypatch):
    folder.parent.write_text("a file")
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stderr", full)
        object_files.write("a.b.c.xbo", CODE)
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert object_files.read("a.b.c.xbo") is None


def test_a_disk_that_is_full_is_told_in_one_line(folder, capsys):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        object_files.write("a.b.c.xbo", CODE)
        object_files.write("a.b.d.xbo", CODE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"xbarsim: compiled kernels cannot be kept in {folder} (File too large)"
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_in_one_line(folder, capsys):
    folder.parent.write_text("a file")
    object_files.write("a.b.c.xbo", CODE)
    assert object_files.read("a.b.c.xbo") is None
    assert capsys.readouterr().err == f"xbarsim: compiled kernels cannot be kept in {folder} (Not a directory)\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_read(folder, capsys):
    object_files.write("a.b.c.xbo", CODE)
    folder.chmod(0o555)
    try:
        object_files.write("a.b.d.xbo", CODE)
    finally:
        folder.chmod(0o755)
    assert object_files.read("a.b.c.xbo") == CODE
    assert "cannot be kept in" in capsys.readouterr().err


def test_the_next_folder_is_taken_where_the_first_takes_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(object_files, "folders", lambda: [tmp_path / "file", tmp_path / "home"])
    object_files.write("a.b.c.xbo", CODE)
    assert object_files.folder() == tmp_path / "home"
    assert object_files.read("a.b.c.xbo") == CODE
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["a.b.c.xbo"]
    assert capsys.readouterr().err == ""


def test_a_folder_that_may_not_be_entered_is_passed_over(tmp_path, monkeypatch):
    """As root, who may enter any, and as anybody else."""
    closed = tmp_path / "closed"
    closed.mkdir()
    monkeypatch.setattr(object_files, "folders", lambda: [closed / "cache" / "xbarsim", tmp_path / "home"])
    access, lexists = os.access, os.path.lexists
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    monkeypatch.setattr(os.path, "lexists", lambda path: closed not in path.parents and lexists(path))
    closed.chmod(0)
    try:
        assert object_files.folder() == tmp_path / "home"
    finally:
        closed.chmod(0o755)


def test_files_of_other_versions_do_not_pile_up(folder):
    folder.mkdir(parents=True)
    now = time.time()
    for age in range(9):
        path = folder / f"schur.solve.00000000.{age}.xbo"
        path.write_bytes(b"")
        os.utime(path, (now - 100 * age - 100,) * 2)
    (folder / "schur.solve.11111111.0.xbo").write_bytes(b"")
    for name, age in [("left", 7200), ("begun", 60)]:
        (folder / f"schur.solve.00000000.0.xbo.{name}").write_bytes(b"")
        os.utime(folder / f"schur.solve.00000000.0.xbo.{name}", (now - age,) * 2)
    object_files.write("schur.solve.00000000.new.xbo", CODE)
    assert sorted(path.name.removeprefix("schur.solve.") for path in folder.iterdir()) == [
        "00000000.0.xbo", "00000000.0.xbo.begun", "00000000.1.xbo", "00000000.2.xbo", "00000000.new.xbo",
        "11111111.0.xbo",
    ]  # fmt: skip


@pytest.mark.slow
def test_programs_at_once_see_whole_files(folder):
    program = (
        "from xbarsim.kernels import object_files as files\n"
        "for k in range(300):\n"
        "    files.write('a.b.c.xbo', files.ObjectCode(str(k), [], [bytes(100_000)]))\n"
        "    assert files.read('a.b.c.xbo') is not None\n"
    )
    programs = [
        subprocess.Popen([sys.executable, "-c", program], env=environment(), stderr=subprocess.PIPE) for _ in range(2)
    ]
    assert [(process.communicate()[1], process.returncode) for process in programs] == [(b"", 0)] * 2
    assert [path.name for path in folder.iterdir()] == ["a.b.c.xbo"]


def test_writers_of_one_process_number_see_whole_files(folder, capsys):
    """Programs in containers may all be number 1."""

    def write(k):
        for _ in range(50):
            object_files.write("a.b.c.xbo", CODE._replace(entry=str(k), objects=[bytes(100_000)]))
            assert object_files.read("a.b.c.xbo") is not None

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    assert capsys.readouterr().err == ""
    assert [path.name for path in folder.iterdir()] == ["a.b.c.xbo"]
