"""What a study's file names has changed since it ran: status and reports do not show old answers as its own."""

from __future__ import annotations

import os

import pytest
from test_code_version import forget, package  # noqa: F401

from xbarsim.study.listing import listing
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.store import Store, TrialAnswer
from xbarsim.study.study_file import read
from xbarsim.study.study_status import status

NETLIST = "t\n.param rw=1\nv1 a 0 1\n.include part.inc\n"
MARGIN = '[margin]\nsize = 3\nscheme = "half"\n'


def recorded(folder, text):
    """A study all of whose trials have an answer."""
    path = folder / "study.toml"
    path.write_text(text)
    study = OpenStudy(read(path), path.with_suffix(".sqlite"))
    with Store(study.store) as store:
        store.list_trials(study.name, study.trials, study.facts(1, study.trials))
        for trial in study.trials:
            store.record(trial, TrialAnswer({"value": 1.0}, 1.0), "none")
    return OpenStudy(read(path), path.with_suffix(".sqlite"))


def later(path, text):
    """Write a file a while after it was written before."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def written(folder, name):
    (folder / "x.sp").write_text(NETLIST)
    (folder / "part.inc").write_text("r1 a 0 {rw}\n")
    (folder / "cell.csv").write_text("-1,-2\n0,0\n1,1\n")
    (folder / "base.json").write_text("{}")
    (folder / "builder.py").write_text("a = 1\n")
    return {
        "x.sp": '[netlist]\nfile = "x.sp"\n',
        "part.inc": '[netlist]\nfile = "x.sp"\n',
        "cell.csv": MARGIN + 'device = "table"\ncurve = "cell.csv"\n',
        "builder.py": 'seeds = 1\n[[model]]\nsource = "builder.py:make"\n',
        "base.json": 'seeds = 1\n[[model]]\nsource = "builder.py:make"\n[hardware]\nbase = "base.json"\n',
    }[name]


CHANGED = {
    "x.sp": NETLIST + "r2 a 0 5\n", "part.inc": "r1 a 0 {2*rw}\n", "cell.csv": "-1,-2\n0,0\n1,2\n",
    "builder.py": "a = 2\n", "base.json": '{"wires": {"word": 3}}',
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_answers_to_what_a_file_said_before_are_not_shown(tmp_path, name):
    if name in ("builder.py", "base.json"):
        pytest.importorskip("torch")
    study = recorded(tmp_path, written(tmp_path, name))
    assert [row.state for row in listing(study).rows] == ["done"]
    later(tmp_path / name, CHANGED[name])
    assert [row.state for row in listing(study).rows] == [None]
    assert (status(study, jobs=1).answered, status(study, jobs=1).missing) == (0, 1)


@pytest.mark.parametrize("change", [lambda path: path.unlink(), lambda path: later(path, path.read_text())])
def test_a_file_that_is_gone_or_was_only_touched_changes_nothing(tmp_path, change):
    study = recorded(tmp_path, written(tmp_path, "cell.csv"))
    change(tmp_path / "cell.csv")
    assert [row.state for row in listing(study).rows] == ["done"]


def test_a_package_of_the_users_own_is_code_that_answers(package):  # noqa: F811
    from xbarsim.study.study_file import study_of

    study = study_of({"methods": ["own-order"], "model": {"source": "mlp"}}, "study.toml", package)
    before = OpenStudy(study, package / "a.sqlite").code
    assert "own-order" in before
    (package / "rules.py").write_text("STEPS = 2\n")
    forget()
    after = OpenStudy(study, package / "a.sqlite").code
    assert {name for name in after if after[name] != before[name]} == {"own-order"}
