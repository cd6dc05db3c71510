"""Studies of networks that cannot be are refused before anything runs, with the place in the file."""

from __future__ import annotations

import pytest

from xbarsim.errors import InputError
from xbarsim.study.open_study import OpenStudy
from xbarsim.study.study_file import read

MODEL = '[[model]]\nsource = "mlp"\nepochs = 1\n[data]\nname = "digits"\n'
METHODS = 'methods = ["none"]\n'

TEXTS = {
    "model": ("model = 3\n", "model: it must be a table"),
    "no source": ("[[model]]\nwidth = 1\n", "model: it has no source"),
    "no model": ('methods = ["none"]\n', "it has no network"),
    "two of a label": ('[[model]]\nsource = "mlp"\n[[model]]\nsource = "mlp"\n', "two are called 'mlp'"),
    "width": ('[[model]]\nsource = "mlp"\nwidth = "w"\n', "model.width: it is 'w', and must be a number"),
    "epochs": ('[[model]]\nsource = "mlp"\nepochs = 0\n', "TrainSettings.epochs is 0"),
    "weights": ('[[model]]\nsource = "mlp"\nweights = "none.pt"\n', "none.pt: there is no such file"),
    "idle": (
        '[[model]]\nsource = "mlp"\nweights = "garbage.pt"\nepochs = 2\n', "model.epochs: it changes nothing"
    ),
    "setting": (MODEL + '[sweep]\n"wires.wrd" = [1]\n', "there is no setting 'wires.wrd': did you mean wires.word?"),
    "range": (MODEL + '[sweep]\n"wires.word" = [1, -1]\n', "sweep, at wires.word = -1: Wires.word is -1"),
    "rate": (MODEL + "[hardware]\ncells.faults.rate = 2\n", "Faults.rate is 2"),
    "hardware": (MODEL + "[hardware]\ncels.r_on = 2\n", "hardware.cels: there is no such key: did you mean cells?"),
    "base": (MODEL + '[hardware]\nbase = "none"\n', "it is 'none': give rram-64, rram-64-8bit, rram-128"),
    "base file": (MODEL + '[hardware]\nbase = "none.json"\n', "none.json: there is no such file"),
    "group": (MODEL + "[hardware]\nwires = 1\n", "hardware.wires: there is no such setting"),
    "one setting": (
        MODEL + '[sweep]\n"faults.rate" = [0.1]\n"cells.faults.rate" = [0.2]\n', "it is faults.rate by another name"
    ),
    "method": ('methods = ["gian"]\n' + MODEL, "there is no method 'gian': did you mean gain?"),
    "no methods": ("methods = []\n" + MODEL, "methods: there are none"),
    "method twice": ('methods = ["none", "none"]\n' + MODEL, "methods: 'none' is there twice"),
    "chips": ("seeds = -3\n" + MODEL, "seeds: it is -3"),
    "many chips": ("seeds = 1000000000\n" + MODEL, "seeds: 1000000000 chips are more than"),
    "idle inference": (METHODS + MODEL + "[inference]\nbatch = 3\n", "inference: it changes nothing"),
    "idle seed": ("method_seed = 3\n" + MODEL, "method_seed: it changes nothing"),
    "idle validation": (MODEL + "validation = 10\n", "data.validation: it changes nothing"),
    "batch": (MODEL + "[inference]\nbatch = 0\n", "inference.batch: it is 0"),
    "mean": (MODEL + 'mean = "a"\n', "data.mean: it is 'a', and must be a number"),
    "data": ('[[model]]\nsource = "mlp"\n[data]\nname = "mnsit"\n', "data is 'mnsit': give digits, mnist"),
    "folder": ('[[model]]\nsource = "mlp"\n[data]\nname = "mnist"\nfolder = "none"\n', "there is no such folder"),
}  # fmt: skip
"""What a file and its data tell."""

LOOKED_AT = {
    "source": ('[[model]]\nsource = "none.pt"\n', "none.pt: there is no such file"),
    "checkpoint": ('[[model]]\nsource = "garbage.pt"\n', "garbage.pt is no file of weights"),
    "state": ('[[model]]\nsource = "mlp"\nweights = "garbage.pt"\n', "garbage.pt is no file of weights"),
    "builder": ('[[model]]\nsource = "builder.py:broken"\n', "builder.py:broken() returned int"),
    "images": (MODEL + "mean = [1, 2, 3]\n", "mean has 3 numbers"),
    "digital": (MODEL + '[inference]\ndigital = ["fc9"]\n', "digital names 'fc9', which the model does not have"),
    "shape": ('[[model]]\nsource = "builder.py:large"\n', "does not take digits's images of 1 x 8 x 8"),
    "network": ('[[model]]\nsource = "builder.py:weightless"\n', "no layer"),
    "swept": (
        'methods = ["none"]\n[[model]]\nsource = "builder.py:weightless"\n[sweep]\n"wires.word" = [1]\n',
        "at wires.word 1, method none: ",
    ),
}  # fmt: skip
"""What networks tell, without a training."""


def study(folder, text):
    (folder / "garbage.pt").write_bytes(bytes(range(256)) * 8)
    (folder / "builder.py").write_text(
        "from torch import nn\n"
        "def broken():\n    return 3\n"
        "class Few(nn.Module):\n    def forward(self, x):\n        return x.flatten(1)[:, :10]\n"
        "def weightless():\n    return Few()\n"
        "def large():\n    return nn.Sequential(nn.Flatten(), nn.Linear(3, 4))\n"
    )
    path = folder / "study.toml"
    path.write_text(text)
    return OpenStudy(read(path), path.with_suffix(".sqlite"))


@pytest.mark.parametrize("name", TEXTS)
def test_what_the_file_tells_is_refused_with_its_place(tmp_path, name):
    text, words = TEXTS[name]
    with pytest.raises(InputError) as caught:
        print(study(tmp_path, text).trials)
    assert str(caught.value).startswith(f"{tmp_path / 'study.toml'}: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("name", LOOKED_AT)
def test_what_cannot_be_done_is_refused_before_anything_runs(tmp_path, name):
    text, words = LOOKED_AT[name]
    asked = study(tmp_path, text)
    trials = asked.trials
    with pytest.raises(InputError) as caught:
        asked.check(trials)
    assert str(caught.value).startswith(f"{tmp_path / 'study.toml'}: ")
    assert words in str(caught.value)


def test_what_can_be_done_passes_without_a_training(tmp_path):
    asked = study(tmp_path, 'seeds = 2\nmethods = ["none", "gain"]\n' + MODEL + '[sweep]\n"wires.word" = [0, 2]\n')
    said = []
    asked.check(asked.trials, said.append)
    assert said == ["checking"]


def test_a_checkpoint_beside_the_file_is_found(tmp_path):
    asked = study(tmp_path, '[[model]]\nsource = "garbage.pt"\n')
    (trial,) = asked.trials
    assert trial.places == {"source": str(tmp_path / "garbage.pt")}
    assert set(trial.settings["model"]) == {"content", "source"}
