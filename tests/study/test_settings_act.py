"""Each setting of a network study acts on what is computed, or is refused with its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from study_tools import BUILDER

from xbarsim.errors import InputError
from xbarsim.study import study_call, task_work
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.study_file import read, study_of

pytest.importorskip("torch")

START = """
seeds = 1
{top}
[data]
name = "digits"
test = 40
{data}
[[model]]
source = "builder.py:small"
[hardware]
cells.faults.rate = 0.1
{hardware}
"""


TWO_LAYERS = BUILDER.replace("nn.Linear(64, 10)", "nn.Linear(64, 9), nn.Linear(9, 10)")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "builder.py").write_text(TWO_LAYERS)
    return tmp_path


def opened(folder, top="", data="", hardware="", rest="", quick=False):
    path = folder / "study.toml"
    path.write_text(START.format(top=top, data=data, hardware=hardware) + rest)
    return OpenStudy(read(path, quick=quick), path.with_suffix(".sqlite"))


def answer(study):
    """The numbers of a study's one trial, but for seconds."""
    (trial,) = study.trials
    made = {}
    for artifact in trial.artifacts:
        made[artifact.key] = task_work.perform(artifact.task, made)
    return {name: value for name, value in task_work.perform(trial.task, made).items() if "seconds" not in name}


BITS = "adc.bits = 4\ndac.bits = 4"
DRIFTING = {
    "hardware": "cells.drift.nu = 0.3\ncells.drift.nu_sigma = 0.1", "rest": "[inference]\ntimes = [1e6]\n",
}  # fmt: skip
NOISE = 'methods = ["noise:epochs=1,images=64,batch=32,rate=0.1,circuit=ideal"]'
FPT = 'methods = ["fpt:iterations=2,batch=10"]'


@pytest.mark.parametrize(
    ("more", "base"),
    [
        ({"data": "mean = 0.9"}, {}),
        ({"data": "std = 0.2"}, {}),
        ({"data": "train = 7"}, {"hardware": BITS}),
        ({"rest": "[inference]\ncalibration = 3\n"}, {"hardware": BITS}),
        ({"rest": "[inference]\ncalibration = 3\n"}, {"hardware": "energy.read = 1e-7"}),
        ({"hardware": "energy.read = 2e-7"}, {"hardware": "energy.read = 1e-7"}),
        ({"rest": '[inference]\ndigital = ["1"]\n'}, {}),
        ({"rest": "[inference]\ntimes = [1, 1e6]\n"}, DRIFTING),
        ({"rest": "[inference]\ntimes = [1e6]\ncompensate = true\n"}, DRIFTING),
        ({"top": f"{NOISE}\nmethod_seed = 7"}, {"top": NOISE}),
        ({"top": FPT, "data": 'images = "test"'}, {"top": FPT}),
        ({"top": FPT, "data": "validation = 7"}, {"top": FPT}),
    ],
)  # fmt: skip
def test_a_setting_acts(folder, more, base):
    changed = answer(opened(folder, **(base | more)))
    assert changed != answer(opened(folder, **base))


def test_energy_where_methods_are_tried_is_refused(folder):
    study = opened(folder, top=NOISE, hardware="energy.read = 1e-7")
    with pytest.raises(InputError, match=r"study\.toml: at .*: energy changes nothing where methods are tried"):
        study.check(study.trials)
    plain = opened(folder, hardware="energy.read = 1e-7")
    plain.check(plain.trials)


@pytest.mark.parametrize(("setting", "name"), [("batch = 3", "batch"), ('map_storage = "recompute"', "map_storage")])
def test_what_costs_time_or_room_alone_is_handed_on(folder, monkeypatch, setting, name):
    from xbarsim.nn import inference

    given = []
    run = inference.infer
    monkeypatch.setattr(inference, "infer", lambda *args, **more: given.append(more) or run(*args, **more))
    answer(opened(folder, rest=f"[inference]\n{setting}\n"))
    assert given[0][name] == (3 if name == "batch" else "recompute")


def test_a_checkpoint_is_seen_through_the_files_own_scaling(folder):
    """A checkpoint brings its training's; what the file says goes before it, as on the command line."""
    from xbarsim.nn import checkpoint
    from xbarsim.nn.datasets import load
    from xbarsim.nn.training import Training, TrainSettings
    from xbarsim.study.network_work import untrained

    data = load("digits").limited(train=40)
    recipe = checkpoint.Recipe.of("linear", data)
    checkpoint.save(folder / "c.pt", recipe, Training(recipe.build(), data, TrainSettings()))
    seen = []
    for scaling in ("", "mean = 0.9\n"):
        path = folder / "study.toml"
        path.write_text(f'seeds = 1\n[data]\n{scaling}[[model]]\nsource = "c.pt"\n')
        (trial,) = OpenStudy(read(path), path.with_suffix(".sqlite")).trials
        seen.append(untrained(trial.task)[1].mean)
    assert seen == [data.mean, (0.9,)]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"data": "std = 0"}, "data.std: it is 0, and must be above 0"),
        ({"data": "mean = inf"}, "data.mean: it is inf, and must be finite"),
        ({"data": 'folder = "."'}, "data.folder: it changes nothing: digits come with scikit-learn"),
        ({"top": 'methods = [{ method = "gain", chips = 2 }]'}, "methods.chips: it is 2, and there is 1 chip"),
        ({"hardware": "cells.faults.along = 1"}, "Faults.along is 1"),
        ({"hardware": "mapping.slice_bits = 3"}, "hardware.mapping.slice_bits: it changes nothing while mapping"),
        ({"rest": '[sweep]\n"adc.range" = ["calibrated", "batch"]\n'}, "sweep.adc.range: it changes nothing while adc"),
        ({"rest": "[inference]\ncalibration = 9\n"}, "inference.calibration: it changes nothing: no converter"),
        ({"rest": "[inference]\nmap_storage = 3\n"}, "inference.map_storage: it is 3, and must be a text"),
        ({"rest": '[inference]\nmap_storage = "wheights"\n'}, "inference.map_storage: it is 'wheights', and must"),
        ({"rest": "[inference]\ncompensate = 1\n"}, "inference.compensate: it is 1, and must be true or false"),
        ({"rest": '[inference]\ntimes = "now"\n'}, "inference.times: it is 'now', and must be a number"),
        ({"rest": "[quick]\nseedz = 1\n"}, "quick.seedz: there is no such key: did you mean"),
        ({"rest": "[quick]\nquick = { seeds = 1 }\n"}, "quick.quick: there is no such key"),
    ],
)  # fmt: skip
def test_what_has_no_effect_or_no_meaning_is_refused_by_its_key(folder, more, words):
    with pytest.raises(InputError, match=re.escape(f"study.toml: {words}")):
        print(opened(folder, **more).trials)


def test_a_setting_may_be_idle_at_some_points_of_a_sweep(folder):
    sweep = '[sweep]\n"cells.faults.rate" = [0, 0.1]\n"cells.faults.ocr" = [1, 5]\n'
    assert len(opened(folder, rest=sweep).trials) == 4


def test_a_quick_version_may_have_fewer_chips_than_a_method(folder):
    top = 'methods = [{ method = "gain", chips = 2 }]'
    path = folder / "study.toml"
    path.write_text(
        START.replace("seeds = 1", "seeds = 3").format(top=top, data="", hardware="") + "[quick]\nseeds = 1\n"
    )
    assert len(OpenStudy(read(path, quick=True), path.with_suffix(".sqlite")).trials) == 1


def test_the_words_of_a_quick_sweep_take_the_place_of_all_others():
    words = {"a": {"wires.word": 1}, "b": {"wires.word": 2}}
    record = {"model": {"source": "mlp"}, "sweep": {"kind": words}, "quick": {"sweep": {"kind": {"b": words["b"]}}}}
    (axis,) = study_of(record, "study.toml", Path(), quick=True).axes
    assert axis.values == ("b",)


def test_width_is_checked_where_there_are_weights_too(folder):
    (folder / "weights.pt").write_bytes(b"x")
    path = folder / "study.toml"
    path.write_text('[[model]]\nsource = "mlp"\nweights = "weights.pt"\nwidth = "w"\n')
    with pytest.raises(InputError, match=r"model\.width: it is 'w', and must be a number"):
        print(OpenStudy(read(path), path.with_suffix(".sqlite")).trials)


def test_a_call_refuses_what_would_have_no_effect(folder):
    from xbarsim.study import frame

    study = study_of({"margin": {"size": 3, "scheme": "half"}, "quick": {}}, str(folder / "study.toml"), folder)
    with pytest.raises(InputError, match="quick"):
        study_call.run(study, quick=True)
    with pytest.raises(InputError, match="quick"):
        frame(folder / "a.sqlite", quick=True)
    (folder / "b.toml").write_text("[margin]\n")
    with pytest.raises(InputError, match="study"):
        frame(folder / "b.toml", study="a")


def test_parameters_are_given_once_whatever_their_case(folder):
    (folder / "x.sp").write_text("t\n.param rw=1\nv1 a 0 1\nr1 a 0 {rw}\n")
    path = folder / "net.toml"
    for text, words in (
        ("param.RW = 1\nparam.rw = 2\n", r"netlist\.param\.rw: it is RW by another name"),
        ('[sweep]\n"param.RW" = [1]\n"param.rw" = [2]\n', r"sweep\.param\.rw: it is param\.RW by another name"),
        ("outputs = []\n", r"netlist\.outputs: there are none"),
    ):
        path.write_text(f'[netlist]\nfile = "x.sp"\n{text}')
        with pytest.raises(InputError, match=words):
            print(OpenStudy(read(path), path.with_suffix(".sqlite")).trials)
