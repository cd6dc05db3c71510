"""Chips that trials share: reduced once for all of them, with the same answers as without."""

from __future__ import annotations

from dataclasses import replace

import pytest
from study_tools import BUILDER

from xbarsim.nn import array_maps as reduction
from xbarsim.study import shared_chips
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.study_file import read
from xbarsim.study.task_work import perform

TEXT = """
seeds = 2
{more}
[data]
name = "digits"
test = 40
[[model]]
source = "builder.py:small"
[hardware]
cells.faults.rate = 0.1
{hardware}
[sweep]
{sweep}
"""
SHARING = '"adc.bits" = [4, 6, 8]'


def trials(folder, sweep=SHARING, hardware="", more=""):
    (folder / "builder.py").write_text(BUILDER)
    path = folder / "study.toml"
    path.write_text(TEXT.format(sweep=sweep, hardware=hardware, more=more))
    return OpenStudy(read(path), path.with_suffix(".sqlite")).trials


def chips(of):
    return {artifact.key: artifact for trial in of for artifact in trial.artifacts if artifact.kind == "chip"}


@pytest.fixture
def reductions(monkeypatch):
    """How many arrays have been reduced."""
    counts = []
    effective = reduction.effective_conductances

    def counted(crossbars, **more):
        counts.append(len(crossbars))
        return effective(crossbars, **more)

    monkeypatch.setattr(reduction, "effective_conductances", counted)
    return counts


@pytest.mark.parametrize("sweep", [SHARING, '"dac.bits" = [3, 5]', '"encoding.volts" = [0.1, 0.2]'])
def test_answers_are_the_same_with_a_chip_that_is_reduced_once(tmp_path, sweep, reductions):
    of = trials(tmp_path, sweep)
    made = {key: perform(artifact.task, {}) for key, artifact in chips(of).items()}
    assert len(made) == 2
    assert all(made.values())
    reductions.clear()
    with_chips = [perform(trial.task, made) for trial in of]
    assert not reductions
    without = [perform(replace(trial, artifacts=()).task, {}) for trial in of]
    assert len(reductions) >= len(of)
    assert with_chips == without


def test_keys_of_trials_do_not_know_of_chips(tmp_path):
    for trial in trials(tmp_path):
        assert trial.key == replace(trial, artifacts=()).key


@pytest.mark.parametrize(
    ("sweep", "hardware", "more"),
    [
        ('"cells.faults.rate" = [0.1, 0.2]', "", ""),
        (SHARING, 'fidelity = "ideal"', ""),
        (SHARING, "wires.word = 0\nwires.bit = 0", ""),
        (SHARING, "cells.read_noise.sigma = 0.1", ""),
        (SHARING, "cells.drift.nu = 0.1", "inference.times = [10]"),
        (SHARING, "energy.read = 1e-7", ""),
        (SHARING, 'law.kind = "sinh"', ""),
        (SHARING, "", 'inference.map_storage = "recompute"'),
        (SHARING, "", 'methods = ["none"]'),
    ],
)
def test_no_chip_is_kept_that_is_not_shared_or_not_reduced_once(tmp_path, sweep, hardware, more):
    of = trials(tmp_path, sweep, hardware, more)
    assert len(of) >= 4
    assert chips(of) == {}


def test_chips_of_different_maps_are_different(tmp_path):
    of = trials(tmp_path, '"adc.bits" = [4, 6]\n"wires.word+wires.bit" = [1, 2]')
    assert len(chips(of)) == 4
    assert {artifact.settings["room"] for artifact in chips(of).values()} == {1_000_000_000}


def test_a_chip_without_room_is_not_kept_and_trials_do_without(tmp_path, monkeypatch, reductions):
    monkeypatch.setattr(shared_chips, "_CHIP", 1000)
    trial = trials(tmp_path)[0]
    (chip,) = trial.artifacts
    assert perform(chip.task, {}) == b""
    assert not reductions
    assert perform(trial.task, {chip.key: b""}) == perform(replace(trial, artifacts=()).task, {})
    assert reductions


def test_many_chips_have_less_room_each(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_chips, "_CHIPS", 1_500_000_000)
    assert {artifact.settings["room"] for artifact in chips(trials(tmp_path)).values()} == {100_000_000}
