"""``xbarsim train`` and ``xbarsim infer`` from start to end: checkpoints, stops, answers in every form, refusals."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from cli_tools import PROGRAM, assert_refused, call, environment, run
from network_tools import write_idx

from xbarsim.cli import main
from xbarsim.nn import Hardware, checkpoint, preset
from xbarsim.nn.datasets import load
from xbarsim.nn.inference import infer

TRAIN = ("train", "--model", "mlp", "--data", "digits", "--width", "0.5", "--limit", "300")


@pytest.fixture(scope="module")
def mlp(tmp_path_factory):
    """A checkpoint that the command made."""
    path = tmp_path_factory.mktemp("trained") / "mlp.pt"
    with redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as end:
        main([*TRAIN, "--epochs", "4", "-o", str(path)])
    assert end.value.code == 0
    return path


@pytest.mark.slow
def test_train_prints_each_epoch_and_writes_a_checkpoint(capsys, tmp_path):
    path = tmp_path / "a.pt"
    answer = call(capsys, *TRAIN, "--epochs", 2, "-o", path)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("mlp on digits, 300 images, 4810 parameters; rate 0.002, batches of 32, seed 0\n")
    assert len(re.findall(r"^ +\d  +\d\.\d{4}  +\d\d?\.\d\d%  +\d+\.\d$", answer.out, re.M)) == 2
    assert f"xbarsim infer --model {path} --data digits" in answer.out
    saved = checkpoint.load(path)
    assert (saved.recipe.width, saved.recipe.limit, saved.settings.epochs) == (0.5, 300, 2)
    record = json.loads(call(capsys, *TRAIN, "--epochs", 2, "-o", path, "--overwrite", "--json").out)
    keys = {"model", "width", "data", "settings", "through", "history", "accuracy", "checkpoint", "seconds"}
    assert set(record) == keys
    assert record["accuracy"] == saved.state["history"][-1]["accuracy"]
    assert [entry["epoch"] for entry in record["history"]] == [1, 2]
    assert call(capsys, "train", "--resume", path).code == 0, "nothing is left to do"


EPOCHS = 80  # so many that it is not over when the signal comes


def stopped(path, kind):
    """Train until the first epochs are there, send a signal, and return the process's end."""
    process = subprocess.Popen(
        [*PROGRAM, *TRAIN, "--epochs", str(EPOCHS), "-o", str(path)],
        env=environment(OMP_NUM_THREADS="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(4):
        assert process.stdout.readline()
    process.send_signal(kind)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize(("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_stopped_training_keeps_its_checkpoint_and_goes_on(capsys, tmp_path, kind, code):
    path = tmp_path / "a.pt"
    ended, _, err = stopped(path, kind)
    assert ended == code
    if kind != signal.SIGKILL:
        assert re.fullmatch(
            rf"xbarsim: stopped in epoch \d+, step \d+ of 10; xbarsim train --resume {path} goes on there\n", err
        )
    saved = checkpoint.load(path)
    assert saved.state["epoch"] >= 1
    if kind == signal.SIGINT:
        assert not [entry for entry in tmp_path.iterdir() if entry != path]
        assert call(capsys, "train", "--resume", path).code == 0
        whole = tmp_path / "whole.pt"
        assert call(capsys, *TRAIN, "--epochs", EPOCHS, "-o", whole).code == 0
        ends = [checkpoint.load(entry).state["weights"] for entry in (path, whole)]
        assert all(torch.equal(a, b) for a, b in zip(ends[0].values(), ends[1].values(), strict=True))


def test_a_training_that_is_resumed_keeps_its_own_ways(capsys, mlp, tmp_path):
    assert_refused(call(capsys, "train", "--resume", mlp, "--rate", 1), 2, "--rate is the checkpoint's own")
    assert_refused(call(capsys, "train", "--resume", mlp, "--epochs", 3), 2, "--epochs is 3", "has 4, or give more")
    write_idx(tmp_path / "MNIST")
    process = call(capsys, "train", "--resume", mlp, "--data", "mnist", "--data-folder", tmp_path)
    assert_refused(process, 2, "was trained on other images than")
    assert_refused(call(capsys, "train", "--resume", tmp_path / "no.pt"), 2, "no.pt: there is no such file")
    longer = tmp_path / "longer.pt"
    assert call(capsys, "train", "--resume", mlp, "--epochs", 5, "-o", longer).code == 0
    assert len(checkpoint.load(longer).state["history"]) == 5
    begun = call(capsys, *TRAIN, "--weights", mlp, "--epochs", 1, "-o", tmp_path / "b.pt", "--json")
    first = checkpoint.load(mlp).state["history"][0]["loss"]
    assert json.loads(begun.out)["history"][0]["loss"] < 0.95 * first, "it begins where the other ended"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--model", "mlp", "--data", "digits"), ["give --output FILE"]),
        (("train", "--data", "digits", "-o", "x.pt"), ["give --model: mlp, lenet"]),
        (("train", "--model", "mlp", "-o", "x.pt"), ["give --data: digits, mnist"]),
        (("train", "--model", "vgg", "--data", "digits", "-o", "x.pt"), ["model is 'vgg': the zoo has mlp"]),
        ((*TRAIN, "--epochs", "0", "-o", "x.pt"), ["--epochs", "0 must be at least 1"]),
        ((*TRAIN, "--limit", "0", "-o", "x.pt"), ["--limit", "0 must be at least 1"]),
        ((*TRAIN, "--mean", "a", "-o", "x.pt"), ["--mean", "'a' is not numbers"]),
        ((*TRAIN, "-o", "no/where/x.pt"), ["no/where/x.pt", "writable folder"]),
        ((*TRAIN[:-4], "--data", "mnist", "-o", "x.pt"), ["no folder to look for mnist", "XBARSIM_DATA"]),
    ],
)
def test_trainings_that_are_refused(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XBARSIM_DATA", raising=False)
    answer = call(capsys, *arguments)
    answer.out = "" if "writable" in words[-1] else answer.out  # the heading is there before the file
    assert_refused(answer, 2, *words)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_is_not_overwritten_unasked(capsys, mlp):
    before = mlp.read_bytes()
    assert_refused(call(capsys, *TRAIN, "-o", mlp), 2, "exists: --resume", "--overwrite begins anew")
    assert mlp.read_bytes() == before


@pytest.mark.slow
def test_json_says_what_the_library_finds(capsys, mlp):
    answer = call(
        capsys, "infer", "--model", mlp, "--limit", 100, "--seeds", 3, "--first-seed", 4, "--set", "wires.word=3",
        "--set", "cells.variation.sigma=0.4", "--json",
    )  # fmt: skip
    assert answer.code == 0
    record = json.loads(answer.out)
    assert set(record) == {
        "model", "weights", "data", "hardware_name", "hardware", "digital", "accuracy_ideal", "seeds", "accuracies",
        "agreements", "mean", "std", "chips_alike", "drift_compensated", "times", "layers", "tiles", "cells", "energy",
        "seconds",
    }  # fmt: skip
    hardware = Hardware.from_dict(record["hardware"])
    assert hardware.wires.word == 3.0
    assert hardware.cells.variation.sigma == 0.4
    inference = infer(checkpoint.load(mlp).model(), load("digits").limited(test=100), hardware, seeds=[4, 5, 6])
    assert record["accuracy_ideal"] == inference.ideal
    assert record["seeds"] == [4, 5, 6]
    assert record["accuracies"] == inference.accuracies
    np.testing.assert_allclose([record["mean"], record["std"]], [inference.mean, inference.deviation])
    assert [entry["name"] for entry in record["layers"]] == ["fc1", "fc2"]
    assert record["layers"][0]["tiles"] == 2
    assert record["tiles"] == 4
    assert record["cells"] == 2 * (64 * 64 + 64 * 10)
    for entry, layer in zip(record["layers"], inference.layers, strict=True):
        np.testing.assert_allclose(
            [entry["error_own"], entry["error_total"]], [layer.own_arrays, layer.total], rtol=1e-6
        )
    assert len(record["seconds"]["chips"]) == 3
    assert re.findall(r"^chip (\d): ", answer.err, re.M) == ["4", "5", "6"], "progress where there is no terminal"


@pytest.mark.slow
def test_the_table_and_the_picture(capsys, mlp, tmp_path):
    picture = tmp_path / "a.png"
    answer = call(capsys, "infer", "--model", mlp, "--seeds", 2, "--plot", picture, "--limit", 50)
    assert answer.code == 0
    assert "note: all chips are alike" in answer.err
    assert re.search(r"^ideal \(torch\) +\d\d\.\d\d%$", answer.out, re.M)
    assert len(re.findall(r"^chip \d +\d+\.\d\d% +\d+\.\d\d% as torch", answer.out, re.M)) == 2
    assert re.search(r"^mean +\d+\.\d\d%  \+- 0\.00 points over 2 chips$", answer.out, re.M)
    assert re.search(r"^fc1 +64x64 +2 +8192 +100\.0% +\d", answer.out, re.M)
    assert picture.read_bytes().startswith(b"\x89PNG")
    to_file = call(capsys, "infer", "--model", mlp, "--seeds", 1, "--limit", 50, "--json", "-o", tmp_path / "a.json")
    assert (to_file.code, to_file.out) == (0, "")
    assert json.loads((tmp_path / "a.json").read_text())["hardware_name"] == "rram-64"


@pytest.mark.slow
def test_accuracy_against_time(capsys, mlp, tmp_path):
    drifting = ("--set", "cells.drift.nu=0.15", "--set", "cells.drift.nu_sigma=0.03", "--set", "cells.drift.t0=2")
    options = ("infer", "--model", mlp, "--limit", 60, "--seeds", 2, *drifting)
    times = ("--time", 1e6, "--time", 2, "--time", 3600)
    record = json.loads(call(capsys, *options, *times, "--json").out)
    assert [entry["seconds"] for entry in record["times"]] == [2.0, 3600.0, 1e6]
    assert set(record["times"][0]) == {"seconds", "accuracies", "agreements", "mean", "std"}
    assert record["times"][2]["accuracies"] == record["accuracies"], "the last one stands at the top"
    assert record["times"][0]["mean"] > record["times"][2]["mean"]
    alone = json.loads(call(capsys, *options, "--time", 3600, "--json").out)
    assert alone["accuracies"] == record["times"][1]["accuracies"], "one time is as one of several"
    still = json.loads(call(capsys, *options[:-6], "--json").out)
    assert record["times"][0]["accuracies"] == still["accuracies"], "t0 is without drift"
    assert still["times"] == []
    made_up = json.loads(call(capsys, *options, *times, "--compensate-drift", "--json").out)
    assert made_up["drift_compensated"] is not record["drift_compensated"]
    errors = [entry["layers"][0]["error_own"] for entry in (record, made_up)]
    assert errors[1] < 0.7 * errors[0]
    picture = tmp_path / "t.svg"
    table = call(capsys, *options, *times, "--plot", picture).out
    assert re.search(r"^after +mean +least +most  \+- points    \(no compensation of drift\)$", table, re.M)
    assert len(re.findall(r"^\S+ s +\d+\.\d\d% +\d+\.\d\d% +\d+\.\d\d%  \+- \d+\.\d\d$", table, re.M)) == 3
    assert "chips and layers are those of 1e+06 s" in table
    assert picture.stat().st_size > 1000


def test_a_sweep_of_sets_reaches_the_limits(capsys, mlp):
    """What is set beside the setting that takes its effect away is meant so."""
    few = ("infer", "--model", mlp, "--limit", 10, "--seeds", 1, "--json")
    assert call(capsys, *few, "--set", "cells.faults.rate=0", "--set", "cells.faults.ocr=5").code == 0
    assert call(capsys, *few, "--set", "wires.word=5", "--fidelity", "ideal").code == 0


def test_hardware_from_a_file_ideal_fidelity_and_digital_layers(capsys, mlp, tmp_path):
    preset("rram-128").to_json(tmp_path / "hw.json")
    answer = call(
        capsys, "infer", "--model", mlp, "--seeds", 1, "--limit", 40, "--hardware", tmp_path / "hw.json",
        "--fidelity", "ideal", "--digital", "fc1", "--json",
    )  # fmt: skip
    record = json.loads(answer.out)
    assert record["hardware"]["tiles"] == {"rows": 128, "cols": 128}
    assert record["hardware"]["fidelity"] == "ideal"
    assert record["agreements"] == [1.0]
    assert [entry["name"] for entry in record["layers"]] == ["fc2"]
    assert record["digital"] == ["fc1"]


def test_the_closed_form_is_the_circuit_where_one_end_takes_nothing(capsys, mlp):
    command = (
        "infer",
        "--model",
        mlp,
        "--seeds",
        1,
        "--limit",
        40,
        "--set",
        "wires.driver=0",
        "--set",
        "wires.sense=90",
    )
    closed = call(capsys, *command, "--fidelity", "closed")
    assert "; closed form, driver 0, sense 90" in closed.out
    circuit = call(capsys, *command, "--set", "wires.word=0", "--set", "wires.bit=0", "--json")
    chip = re.search(r"^chip 0 +(\S+%) +(\S+%) as torch", closed.out, re.M)
    record = json.loads(circuit.out)
    assert [f"{record['accuracies'][0]:.2%}", f"{record['agreements'][0]:.2%}"] == list(chip.groups())
    refused = call(capsys, *command, "--fidelity", "closed", "--set", "law.kind=sinh", "--set", "law.v0=0.3")
    assert refused.code == 2
    assert "fidelity is 'closed', which is a form of linear cells, and law.kind is 'sinh'" in refused.err


@pytest.mark.slow
def test_a_network_without_weights_is_trained_first(capsys):
    answer = call(capsys, "infer", "--limit", 60, "--seeds", 1, "--epochs", 3, "--width", 0.5, "--json")
    assert answer.code == 0
    assert "note: mlp has no weights, so it is trained first; xbarsim train --model mlp --data digits" in answer.err
    record = json.loads(answer.out)
    assert record["weights"] == "trained for 3 epochs on 1437 images, seed 0"
    assert record["accuracy_ideal"] > 0.7
    assert "training" in record["seconds"]


def test_a_state_dict_with_its_network(capsys, mlp, tmp_path):
    torch.save(checkpoint.load(mlp).state["weights"], tmp_path / "w.pt")
    first = call(capsys, "infer", "--model", mlp, "--seeds", 1, "--limit", 50, "--json")
    second = call(
        capsys, "infer", "--model", "mlp", "--width", 0.5, "--weights", tmp_path / "w.pt", "--seeds", 1, "--limit", 50,
        "--json",
    )  # fmt: skip
    assert json.loads(first.out)["layers"] == json.loads(second.out)["layers"]
    assert_refused(call(capsys, "infer", "--weights", tmp_path / "w.pt"), 2, "fc1.weight has shape (64, 64)")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "lenett"), ["model is 'lenett': give mlp, lenet"]),
        (("--hardware", "rram-32"), ["hardware is 'rram-32': give rram-64, rram-64-8bit, rram-128, or a JSON file"]),
        (("--hardware", "no.json"), ["no.json: there is no such file"]),
        (("--set", "wires.wrd=2"), ["--set: Wires has no setting 'wrd'"]),
        (("--set", "wires.word"), ["'wires.word' is not NAME=VALUE"]),
        (("--set", "wires.word=-1"), ["wires.word is -1"]),
        (("--set", "fidelity.x=1"), ["fidelity has no settings of its own"]),
        (("--set", "cells.drift.nu=0.1"), ["--time: the cells drift and no time is given", "t0, 1 s"]),
        (("--set", "cells.drift.nu=0.1", "--time", "0.5"), ["--time: time is 0.5 s: the law holds from t0, 1 s, on"]),
        (("--time", "3600"), ["--time: the cells do not drift", "give cells.drift.nu"]),
        (("--compensate-drift",), ["--compensate-drift: the cells do not drift"]),
        (("--set", "adc.per=column"), ["--set: adc.per changes nothing while adc.bits is None"]),
        (("--set", "mapping.slice_bits=3"), ["mapping.slice_bits changes nothing while mapping.slices is 1"]),
        (("--set", "law.v0=0.3"), ["law.v0 is 0.3, which the law 'linear' does not have"]),
        (("--set", "cells.faults.ocr=5"), ["cells.faults.ocr changes nothing while cells.faults.rate is 0"]),
        (("--calibration", "64"), ["--calibration changes nothing", "--set adc.bits=8"]),
        (("--model", "mine:net", "--width", "2"), ["--width changes nothing", "not of mine:net"]),
        (("--seeds", "0"), ["--seeds is 0"]),
        (("--limit", "0"), ["--limit", "0 must be at least 1"]),
        (("--plot", "x.bmp"), ["x.bmp", ".png"]),
        (("--data", "nowhere"), ["data is 'nowhere': give digits, mnist"]),
        (("--data", "cifar10"), ["no folder to look for cifar10", "DIR/cifar-10-batches-py"]),
        (("--std", "0"), ["std is"]),
    ],
)
def test_inferences_that_are_refused(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XBARSIM_DATA", raising=False)
    answer = call(capsys, "infer", *arguments)
    assert_refused(answer, 2, *words)


def test_checkpoints_that_do_not_fit(capsys, mlp, tmp_path):
    write_idx(tmp_path / "MNIST")
    answer = call(capsys, "infer", "--model", mlp, "--data", "mnist", "--data-folder", tmp_path)
    assert_refused(
        answer, 2, "holds mlp for images of 1 x 8 x 8 in 10 classes (digits), and mnist has images of 1 x 9 x 7"
    )
    assert_refused(call(capsys, "infer", "--model", "lenet", "--weights", mlp), 2, "holds mlp, not lenet")
    assert_refused(call(capsys, "infer", "--model", mlp, "--weights", mlp), 2, "leave out --weights")
    assert_refused(call(capsys, "infer", "--model", mlp, "--width", 2), 2, "--width changes nothing")
    process = call(capsys, "infer", "--model", "mlp", "--weights", mlp, "--width", 2)
    assert_refused(process, 2, f"--width is 2 and {mlp} holds a network of width 0.5")
    assert_refused(call(capsys, "infer", "--model", mlp, "--epochs", 2), 2, "--epochs goes with a network that has no")


@pytest.mark.parametrize("command", ["infer", "mitigate", "train"])
def test_without_torch_one_sentence(command):
    hide = "import sys; sys.modules['torch'] = None; from xbarsim.cli import main; main()"
    arguments = [sys.executable, "-c", hide, command, *(["--resume", "x"] if command == "train" else [])]
    process = subprocess.run(arguments, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr == "xbarsim: networks need torch: pip install 'xbarsim[nn]'\n"


def test_help_does_not_wait_for_torch():
    code = "import sys, xbarsim.cli; print([one for one in ('torch', 'numpy', 'sklearn') if one in sys.modules])"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    assert process.stdout == "[]\n"
    start = time.perf_counter()
    assert run("infer", "--help").code == 0
    assert time.perf_counter() - start < 3.0, "a loaded machine takes ten times what it should"


@pytest.mark.slow
def test_maps_are_kept_as_asked_for(capsys, mlp):
    """Double precision and maps that are made again give the same accuracy, and nearly the same errors of layers."""
    records = {}
    for kind in ("float32", "float64", "recompute"):
        answer = call(
            capsys, "infer", "--model", mlp, "--limit", 100, "--seeds", 1, "--maps", kind, "--batch", 50, "--json"
        )
        assert answer.code == 0
        records[kind] = json.loads(answer.out)
    errors = {kind: [layer["error_total"] for layer in record["layers"]] for kind, record in records.items()}
    assert records["float32"]["accuracies"] == records["float64"]["accuracies"] == records["recompute"]["accuracies"]
    assert errors["float32"] == pytest.approx(errors["float64"], rel=1e-4)
    assert errors["float32"] == pytest.approx(errors["recompute"], rel=1e-4)
    assert errors["float32"] != errors["float64"]
