"""Reading a store: nothing is left beside it, a writer at work is seen, and folders may be closed to writing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import report_tools
from cli_tools import call
from study_tools import trial

from xbarsim.errors import InputError
from xbarsim.study.store import Store, TrialAnswer

ANSWER = TrialAnswer({"value": 1}, 0.5)
ROOT_ONLY = pytest.mark.skipif(not hasattr(os, "seteuid") or os.geteuid() != 0, reason="only root can become another")


def beside(path):
    """What SQLite has put beside a store."""
    return sorted(file.name.removeprefix(path.name) for file in path.parent.glob(f"{path.name}-*"))


def record(store, *numbers):
    for number in numbers:
        store.record(trial(number), ANSWER, "tests")


@pytest.fixture
def path(tmp_path):
    """A store with two answers."""
    place = tmp_path / "a.sqlite"
    with Store(place) as store:
        record(store, 0, 1)
    return place


@contextmanager
def as_another():
    """While this is entered, the process is nobody's."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed():
    """A store in a folder that only root may write; both may be read by all."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        place = Path(name) / "a.sqlite"
        with Store(place) as store:
            record(store, 0, 1)
        yield place


@pytest.mark.parametrize("view", [("status",), ("report", "-o", "a.html"), ("export", "-o", "a.csv"), ("plan",)])
def test_views_leave_nothing_beside_the_store(view, tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    study = report_tools.study(tmp_path)
    before = study.store.read_bytes()
    assert call(capsys, "study", view[0], study.file.table.place, *view[1:]).code == 0
    assert beside(study.store) == []
    assert study.store.read_bytes() == before


def test_a_writer_at_work_is_seen_and_keeps_its_log(path):
    with Store(path) as writer:
        record(writer, 2)
        for count in (3, 4):
            with Store(path, write=False) as reader:
                assert len(reader.states()) == count
            assert beside(path) == ["-shm", "-wal"], "they are the writer's"
            record(writer, count)
    assert beside(path) == []
    with Store(path, write=False) as reader:
        assert len(reader.states()) == 5
        reader.check()


def test_the_last_reader_takes_away_what_a_writer_left_to_it(path):
    with Store(path, write=False) as reader:
        with Store(path) as writer:
            record(writer, 2)
        assert len(reader.states()) == 3
    assert beside(path) == []


def test_answers_of_a_runner_that_was_killed_are_read(path, tmp_path):
    """Its log is a part of the store: so it looks on the disk in the middle of a run."""
    (tmp_path / "killed").mkdir()
    copy = tmp_path / "killed" / path.name
    with Store(path) as writer:
        record(writer, 2)
        for name in (path.name, f"{path.name}-wal"):
            shutil.copyfile(path.with_name(name), copy.with_name(name))
    for _ in range(2):
        with Store(copy, write=False) as reader:
            assert len(reader.states()) == 3
        assert beside(copy) == []


def test_nothing_can_be_written_by_what_reads(path):
    with Store(path, write=False) as store, pytest.raises(InputError, match="it cannot be written"):
        record(store, 2)
    with Store(path, write=False) as store:
        assert len(store.states()) == 2


def test_another_programs_file_stays_as_it_is(tmp_path):
    path = tmp_path / "b.sqlite"
    base = sqlite3.connect(path)
    base.executescript("PRAGMA journal_mode=WAL; CREATE TABLE a (b);")
    base.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="no store of xbarsim"):
        Store(path, write=False)
    assert (path.read_bytes(), beside(path)) == (before, [])


@ROOT_ONLY
def test_a_store_that_only_its_owner_may_write_has_nothing_of_others_beside_it(closed):
    """The folder is open to all: a log of another's would keep the owner out."""
    closed.parent.chmod(0o777)
    with as_another(), Store(closed, write=False) as store:
        assert len(store.states()) == 2
    assert beside(closed) == []


@ROOT_ONLY
def test_a_writer_in_a_folder_that_may_only_be_read_is_seen(closed):
    with Store(closed) as writer:
        record(writer, 2)
        with as_another(), Store(closed, write=False) as store:
            assert len(store.states()) == 3
        record(writer, 3)
    assert beside(closed) == []


@ROOT_ONLY
def test_a_log_that_cannot_be_read_is_told_of(closed):
    """Without it the answers would be those of some time before."""
    log = closed.with_name(f"{closed.name}-wal")
    with Store(closed) as writer:
        record(writer, 2)
        kept = log.read_bytes()
    log.write_bytes(kept)
    with as_another(), pytest.raises(InputError, match=r"what a\.sqlite-wal has of it cannot be read in a folder"):
        Store(closed, write=False)


@ROOT_ONLY
def test_a_store_that_is_written_while_no_lock_can_be_is_refused(closed):
    with as_another():
        reader = Store(closed, write=False)
    assert len(reader.states()) == 2
    with Store(closed) as writer:
        record(writer, *range(2, 40))
    with pytest.raises(InputError, match="it was written while it was read, in a folder where no lock can be"), reader:
        pass
