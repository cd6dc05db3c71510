"""Cheap trials that do as they are told, and a command line whose margin studies are made of them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

from xbarsim.study import open_study, study_file
from xbarsim.study.store import Store
from xbarsim.study.trial import Artifact, Trial, content_key

KIND, MADE = "study_trials:answer", "study_trials:make"


def artifact(*values, needs=(), **settings):
    return Artifact(MADE, {"bytes": list(values)} | settings, f"bytes {list(values)}", tuple(needs))


def trial(value, *, artifacts=(), **settings):
    return Trial(KIND, {"value": value} | settings, {"value": value}, tuple(artifacts))


def cheap_trials(study):
    """The trials of a ``[margin]`` table: as many as its ``count``, with its other keys as settings."""
    record = dict(study.table.record["margin"])
    count, made = record.pop("count"), record.pop("made", 0)
    chain = [artifact(1)]
    for value in range(2, made + 1):
        chain.append(artifact(value, needs=chain[-1:]))
    return [trial(value, artifacts=chain[:made], **record) for value in range(count)]


def study_text(count, more="", **settings):
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return "\n".join([more, "[margin]", f"count = {count}", *lines, ""])


def opened(folder, trials, more=""):
    """A study of given trials, its store beside its file."""
    path = folder / "cheap.toml"
    path.write_text(study_text(0, more))
    study = open_study.OpenStudy(study_file.read(path), path.with_suffix(".sqlite"))
    study.__dict__["trials"] = list(trials)
    return study


def rows(study):
    """What the store has of each trial, by its value."""
    with Store(study.store, write=False) as store:
        return {row.point["value"]: asdict(row) for row in store.trial_rows(study.name)}


def values(path):
    """The whole store, by any SQLite tool: each trial's state and value by key."""
    base = sqlite3.connect(path)
    try:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {
            key: (state, numbers and json.loads(numbers)["value"])
            for key, state, numbers in base.execute("SELECT key, state, numbers FROM trials")
        }
    finally:
        base.close()


def keys(count, **settings):
    return {content_key(KIND, {"value": value} | settings): value for value in range(count)}


def children(parent):
    """A process's children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
        except (OSError, ValueError, IndexError):
            pass
    return found


@contextmanager
def cheap_margins():
    """While this is entered, the trials of margin studies are cheap ones."""
    before = open_study._TRIALS.get("margin")
    open_study._TRIALS["margin"] = cheap_trials
    try:
        yield
    finally:
        open_study._TRIALS.pop("margin")
        if before is not None:
            open_study._TRIALS["margin"] = before


def study_environment():
    """Return the environment of a process that, and whose workers, import this module."""
    from cli_tools import environment  # not where this file is a program, which begins often

    paths = [str(Path(__file__).resolve().parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return environment(PYTHONPATH=os.pathsep.join(paths))


def study_call(capsys, *arguments, **options):
    """Run ``xbarsim study`` on cheap margins, in this process, or without ``capsys`` in one of its own."""
    from cli_tools import call  # not where this file is a program, which begins often

    if capsys is not None:
        with cheap_margins():
            return call(capsys, "study", *arguments)
    process = subprocess.run(
        [*PROGRAM, "study", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
        env=study_environment(), **options,
    )  # fmt: skip
    return SimpleNamespace(code=process.returncode, out=process.stdout, err=process.stderr)


def main():
    from xbarsim.cli import main as command_line

    with cheap_margins():
        command_line(sys.argv[1:])


PROGRAM = [sys.executable, "-c", "from study_tools import main; main()"]

BUILDER = """
import torch
from torch import nn

def small():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
"""
"""A file that makes a small network, as studies take one."""
