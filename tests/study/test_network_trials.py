"""Trials of studies of networks: what makes two of them one, and which code an answer is of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_tools import ROOT, environment

from xbarsim.errors import InputError
from xbarsim.study.code_version import SOURCES
from xbarsim.study.network_study import trials
from xbarsim.study.study_file import study_of

BASE = {
    "seeds": 2,
    "methods": ["none", "gain"],
    "model": {"source": "mlp", "epochs": 1},
    "hardware": {"cells": {"variation": {"sigma": 0.1}}},
}


def listed(**changes):
    return list(trials(study_of(BASE | changes, "study.toml", Path())))


def keys(**changes):
    return [trial.key for trial in listed(**changes)]


def trainings(**changes):
    return {artifact.key for trial in listed(**changes) for artifact in trial.artifacts if artifact.kind == "training"}


def test_every_method_is_on_every_chip():
    assert [trial.point for trial in listed(sweep={"wires.word": [0, 2]})] == [
        {"wires.word": ohms, "method": method, "chip": chip}
        for ohms in (0, 2)
        for method in ("none", "gain")
        for chip in (0, 1)
    ]


def test_what_an_answer_does_not_depend_on_is_in_no_key():
    spelled = {"hardware": {"base": "rram-64", "cells": {"variation": {"sigma": 0.1, "kind": "lognormal"}}}}
    for same in ({"title": "x"}, {"text": "y"}, {"limits": {"retries": 3}}, spelled, {"seeds": [0, 1]}):
        assert keys(**same) == keys(), same


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"source": "mlp", "epochs": 2}},
        {"model": {"source": "mlp", "epochs": 1, "seed": 1}},
        {"data": {"train": 500}},
        {"data": {"validation": 100}},
        {"data": {"test": 100}},
        {"data": {"images": "test"}},
        {"method_seed": 1},
        {"hardware": {"cells": {"variation": {"sigma": 0.2}}}},
        {"seeds": [2, 3]},
    ],
)
def test_what_it_depends_on_is(change):
    assert not set(keys(**change)) & set(keys())


def test_one_training_serves_all_trials_whatever_is_tested():
    assert len(trainings(sweep={"wires.word": [0, 1, 2]})) == 1
    assert trainings(data={"test": 100}) == trainings() == trainings(data={"images": "test"})
    assert len(trainings(sweep={"model.epochs": [1, 2]})) == 2


def test_what_knows_no_chip_is_found_once_for_all_chips():
    blind = [
        {artifact.key for artifact in trial.artifacts if artifact.kind == "blind"}
        for trial in listed(methods=["none", "noise:epochs=1", "noise:epochs=1+gain"])
    ]
    assert blind[0] == blind[1] == set()
    assert blind[2] == blind[3] != set()
    assert len(blind[2]) == 1


def test_where_chips_cannot_differ_one_stands_for_all():
    assert [trial.point["chip"] for trial in listed(hardware={}, methods=["none"], seeds=[4, 5])] == [4]


def test_methods_may_have_names_and_chips_of_their_own():
    rows = [{"method": "gain", "label": "a gain", "chips": 1}, "none"]
    assert [(trial.point["method"], trial.point["chip"]) for trial in listed(methods=rows)] == [
        ("a gain", 0), ("none", 0), ("none", 1),
    ]  # fmt: skip
    assert keys(methods=rows)[0] == keys()[2]


def test_a_value_of_an_axis_may_stand_in_a_method():
    methods, sweep = ["headroom:h={h}"], {"h": [2, 3]}
    assert [trial.settings["method"] for trial in listed(methods=methods, sweep=sweep, seeds=1)] == [
        "headroom", "headroom:h=3.0",
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"study\.toml: methods: 'headroom:h=0': .*h"):
        listed(methods=methods, sweep={"h": [0]})
    with pytest.raises(InputError, match=r"there is no setting 'h'"):
        listed(sweep=sweep)


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (["gain", "gain"], "'gain' is there twice"),
        (["gain", {"method": "gain", "label": "again"}], "'gain' is 'gain'"),
        ([{"label": "x"}], "an entry has no method"),
        ([{"method": "gain", "chip": 1}], "there is no such key: did you mean chips?"),
        (["gian"], "gian"),
        ("gain", "it must be an array of texts"),
        ([], "there are none"),
    ],
)
def test_methods_that_cannot_be_are_refused(methods, words):
    with pytest.raises(InputError) as refusal:
        listed(methods=methods)
    assert "study.toml: methods" in str(refusal.value)
    assert words in str(refusal.value)


PROGRAM = """
import json, sys
from pathlib import Path
from xbarsim.study.network_study import trials
from xbarsim.study.study_file import study_of
from xbarsim.study.task_work import perform

record = json.loads(sys.argv[1])
(trial,) = trials(study_of(record, "study.toml", Path()))
made = {}
for artifact in trial.artifacts:
    made[artifact.key] = perform(artifact.task, made)
perform(trial.task, made)
print(json.dumps([trial.kind, sorted(name for name in sys.modules if name.startswith("xbarsim."))]))
"""
OUTSIDE = (
    "__init__", "study", "errors", "files", "checks", "quantities", "resources", "text_table", "unread", "netlist",
    "package_entries", "analysis", "mna", "nonlinear", "schemes", "margin", "cli", "spice_models", "conventions",
    "plot", "views",
)  # fmt: skip
"""Rooms that change no number of a network: words, files, pictures, limits of memory, what crossbars are read from."""


@pytest.mark.slow
@pytest.mark.parametrize("methods", [[], ["fpt:iterations=2,batch=10"]])
def test_the_code_that_answers_is_in_the_key(methods):
    """Every module that a trial loads is in what its code version covers, or changes no number."""
    record = BASE | {"seeds": 1, "data": {"train": 100, "test": 50}}
    record = record | {"methods": methods} if methods else {key: record[key] for key in record if key != "methods"}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(record)], capture_output=True, text=True, check=True,
        env=environment(), cwd=ROOT,
    )  # fmt: skip
    kind, modules = json.loads(answer.stdout.splitlines()[-1])
    assert kind == ("mitigation" if methods else "inference")
    rooms = [name.removesuffix(".py").replace("/", ".") for name in SOURCES[kind]]
    uncovered = [
        name
        for name in modules
        if not any(name == f"xbarsim.{room}" or name.startswith(f"xbarsim.{room}.") for room in (*rooms, *OUTSIDE))
    ]
    assert uncovered == []
    assert "xbarsim.nn.inference" in modules or methods
