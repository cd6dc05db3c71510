"""Studies and stores that cannot be: one line each, that names the place and the way out, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from cli_tools import assert_refused
from study_tools import keys, opened, rows, study_call, study_text, trial, values

from xbarsim.errors import InputError
from xbarsim.study.store import Store
from xbarsim.study.study_file import read
from xbarsim.study.study_run import run_study

FULL = "the disk is full"
DAMAGED = "it is no store, or a damaged one"

TEXTS = {
    "nothing": (b"", "it says nothing to study"),
    "bytes": (b"\x00\xff\xfe", "not a text file"),
    "syntax": (b"[margin]\nsize = ", "Invalid value"),
    "key twice": (b"[margin]\nsize = 1\nsize = 2\n", "Cannot overwrite"),
    "unknown table": (b"[margins]\nsize = 8\n", "margins: there is no such key: did you mean margin?"),
    "unknown key": (b"titel = 'x'\n[margin]\n", "titel: there is no such key: did you mean title?"),
    "escapes": (b'"\\u001b[31m" = 1\n[margin]\n', "\x1b[31m: there is no such key"),
    "two kinds": (b"[margin]\n[netlist]\n", "it has keys of a margin and of a netlist study: make it two files"),
    "name": (b"name = 3\n[margin]\n", "name: it is 3, and must be a text"),
    "table": (b"sweep = 3\n[margin]\n", "sweep: it is 3, and must be a table"),
    "date": (b"[margin]\nsize = 1979-05-27\n", "margin.size: it is 1979-05-27, and must be a number"),
    "nan": (b"[margin]\n[sweep]\nsize = [nan]\n", "sweep.size: it is nan, and must be a number"),
    "large": (b"[margin]\nsize = 1" + b"0" * 400, "margin.size: a number of 401 digits is too large"),
    "huge": (b"[margin]\nsize = 1" + b"0" * 5000, "Exceeds the limit"),
    "NUL": (b'[margin]\nfile = "a\\u0000b"\n', "margin.file: it has a NUL, which no name or path has"),
    "deep array": (b"[margin]\nsize = " + b"[" * 3000 + b"]" * 3000, "in one another too deeply"),
    "deep table": (b"[margin." + b"a." * 900 + b"a]\n", "in one another too deeply"),
    "no sweep": (b"[margin]\n[sweep]\n", "sweep: the sweep is empty"),
    "no values": (b"[margin]\n[sweep]\nsize = []\n", "sweep.size: the sweep is empty"),
    "no words": (b"[margin]\n[sweep]\nsize = {}\n", "sweep.size: the sweep is empty"),
    "idle word": (b"[margin]\n[sweep.size.large]\n", "sweep.size.large: it changes nothing"),
    "value twice": (b"[margin]\n[sweep]\nsize = [4, 8, 4]\n", "sweep.size: 4 is there twice"),
    "swept twice": (b'[margin]\n[sweep]\n"a+b" = [1]\nb = [2]\n', "sweep.b: b is swept by 'a+b' already"),
    "plus": (b'[margin]\n[sweep]\n"a+" = [1]\n', "sweep.a+: give names of settings with + between"),
    "taken": (b"[margin]\n[sweep.chip.small]\nsize = 4\n", "sweep.chip: tables have a column chip already"),
    "endless": (
        b"[margin]\n[sweep]\n" + b"".join(b"%c = %s\n" % (97 + k, str(list(range(50))).encode()) for k in range(8)),
        "39,062,500,000,000 combinations are more than",
    ),
    "seconds": (b"[margin]\n[limits]\nseconds = -1\n", "limits.seconds: it is -1, and must be above 0"),
    "retries": (b"[margin]\n[limits]\nretries = 1.5\n", "limits.retries: it is 1.5, and must be a whole number"),
    "limit": (b"[margin]\n[limits]\nmemroy = 1e9\n", "limits.memroy: there is no such key: did you mean memory?"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_that_is_no_study_says_what_and_where(tmp_path, name):
    text, words = TEXTS[name]
    path = tmp_path / "study.toml"
    path.write_bytes(text)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("path", "words"), [("none.toml", "there is no such file"), (".", "it is no file"), ("/dev/zero", "it is no file")]
)
def test_what_is_no_file_is_not_read(tmp_path, path, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path / path)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The bytes of a store of 40 trials."""
    study = opened(tmp_path_factory.mktemp("recorded"), [trial(value) for value in range(40)])
    assert run_study(study, jobs=1).answered == 40
    return study.store.read_bytes()


def cut(content):
    return content[: len(content) // 2]


def overwritten(content):
    return content[:6000] + os.urandom(4000) + content[10000:]


@pytest.mark.parametrize("damage", [cut, overwritten, lambda content: os.urandom(9000), lambda content: content[:50]])
def test_a_damaged_store_is_refused_and_left_alone(tmp_path, recorded, damage):
    study = opened(tmp_path, [trial(0), trial(100)])
    damaged = damage(recorded)
    study.store.write_bytes(damaged)
    with pytest.raises(InputError, match=DAMAGED):
        run_study(study, jobs=1)
    assert study.store.read_bytes() == damaged


def changed(path, *commands):
    base = sqlite3.connect(path)
    for command in commands:
        base.execute(command)
    base.commit()
    base.close()


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        (["PRAGMA user_version = 99"], "it is of version 99, and this xbarsim knows up to"),
        (["DROP TABLE points"], DAMAGED),
        (["DROP VIEW results", "DROP TABLE trials"], DAMAGED),
    ],
)
def test_a_store_of_another_form_is_refused(tmp_path, recorded, commands, words):
    study = opened(tmp_path, [trial(0)])
    study.store.write_bytes(recorded)
    changed(study.store, *commands)
    with pytest.raises(InputError, match=words):
        run_study(study, jobs=1)


@pytest.mark.parametrize("text", ["{", "[]", "3"])
def test_a_row_that_is_no_record_is_refused(tmp_path, recorded, text):
    study = opened(tmp_path, [trial(0)])
    study.store.write_bytes(recorded)
    changed(study.store, f"UPDATE points SET point = '{text}'")
    with pytest.raises(InputError, match=DAMAGED):
        rows(study)
    with Store(study.store, write=False) as store, pytest.raises(InputError, match=DAMAGED):
        store.trial_rows(study.name)


def test_another_programs_file_is_left_as_it_is(tmp_path):
    study = opened(tmp_path, [trial(0)])
    changed(study.store, "CREATE TABLE birds (name TEXT)", "INSERT INTO birds VALUES ('wren')")
    before = study.store.read_bytes()
    with pytest.raises(InputError, match="it is an SQLite file, and no store of xbarsim"):
        run_study(study, jobs=1)
    assert study.store.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cheap.sqlite", "cheap.sqlite.lock", "cheap.toml"]


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ("folder", "it is no file"),
        ("none/a.sqlite", "no store can be there (No such file or directory)"),
        ("/dev/full", "it is no file"),
        ("/", "it is no file"),
        ("study.toml", DAMAGED),
        ("busy.sqlite", "no store can be there (Is a directory)"),
        ("taken.sqlite", "it cannot be made (File exists)"),
    ],
)
def test_a_store_that_cannot_be_is_one_line(tmp_path, capsys, monkeypatch, store, words):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("busy.sqlite.lock").mkdir()
    Path("taken.cache").touch()
    Path("study.toml").write_text(study_text(1))
    assert_refused(study_call(capsys, "run", "study.toml", "--store", store), 2, store.split(".")[0], words)
    assert Path("study.toml").read_text() == study_text(1)


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become another")
def test_a_folder_that_may_only_be_read_is_one_error():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        study = opened(Path(folder), [trial(0)])
        os.seteuid(65534)
        try:
            with pytest.raises(InputError, match=r"no store can be there \(Permission denied\): give another --store"):
                run_study(study, jobs=1)
        finally:
            os.seteuid(0)
        assert [path.name for path in Path(folder).iterdir()] == ["cheap.toml"]


@pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become another")
def test_a_store_that_may_only_be_read_is_one_error(recorded):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        study = opened(Path(folder), [trial(0), trial(100)])
        study.store.write_bytes(recorded)
        study.store.chmod(0o444)
        os.seteuid(65534)
        try:
            with pytest.raises(InputError, match="it cannot be written: give another --store, or permission"):
                run_study(study, jobs=1)
        finally:
            os.seteuid(0)
        assert study.store.read_bytes() == recorded


@pytest.mark.slow
def test_a_full_disk_keeps_what_is_done(tmp_path):
    """No file can grow beyond a size, as on a disk that is full; then there is room again."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "study.toml"
    path.write_text(study_text(60))

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    first = study_call(None, "run", path, "--quiet", "--jobs", 1, preexec_fn=limited)
    assert_refused(first, 2, "study.sqlite", FULL, "what is recorded is whole; make room and run again")
    kept = values(path.with_suffix(".sqlite"))
    assert 0 < len(kept) < 60
    second = study_call(None, "run", path, "--jobs", 1)
    assert second.code == 0
    assert f"{60 - len(kept)} trials done, 0 failed, {len(kept)} there before, 0 left" in second.err
    assert values(path.with_suffix(".sqlite")) == {key: ("done", value) for key, value in keys(60).items()}


def test_jobs_and_a_scheduler_contradict_each_other(tmp_path, capsys):
    path = tmp_path / "study.toml"
    path.write_text(study_text(1))
    answer = study_call(capsys, "run", path, "--jobs", 1, "--scheduler", "tcp://127.0.0.1:1")
    assert_refused(answer, 2, "--jobs", "--scheduler", "give one of them")
