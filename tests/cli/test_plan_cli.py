"""``xbarsim plan`` in every form, and ``xbarsim infer`` where memory does not suffice."""

import json
import time

import pytest
import torch
from cli_tools import assert_refused, call
from torch import nn

from xbarsim import resources
from xbarsim.cli.option_types import Bytes
from xbarsim.nn import checkpoint, convert, preset, zoo
from xbarsim.nn.array_speed import ArraySpeed

FIXED = ArraySpeed(cells=4096, array=1e-3, vector=0.0, gradients=1e6)


@pytest.fixture(autouse=True)
def _not_tried(monkeypatch):
    monkeypatch.setattr(ArraySpeed, "measured", staticmethod(lambda *_: FIXED))


def test_json_has_all_numbers(capsys):
    answer = call(capsys, "plan", "--model", "resnet-8", "--set", "wires.word=2", "--batch", 3, "--json")
    assert (answer.code, answer.err) == (0, "")
    record = json.loads(answer.out)
    assert set(record) == {
        "model", "hardware_name", "hardware", "inputs", "batch", "threads", "maps", "arrays", "cells", "utilisation",
        "bytes", "seconds", "layers", "fits", "verdict",
    }  # fmt: skip
    summary = convert(zoo.build("resnet-8", (3, 32, 32), 10).eval(), preset("rram-64")).summary()
    assert (record["arrays"], record["cells"]) == (summary.tiles, summary.cells)
    assert [layer["name"] for layer in record["layers"]] == [row.name for row in summary.rows]
    assert record["layers"][0]["vectors"] == 3 * 32 * 32
    assert record["seconds"]["program"] == pytest.approx(sum(layer["seconds_program"] for layer in record["layers"]))
    assert record["bytes"]["peak"] > record["bytes"]["process"] > 1e7
    assert record["hardware"]["wires"]["word"] == 2.0
    assert record["fits"] is True


def test_tables_csv_and_totals(capsys):
    text = call(capsys, "plan", "--model", "mlp", "--threads", 2).out
    assert text.startswith(
        "mlp on rram-64: 64 x 64 arrays, differential; 1 x 3x32x32 at a time; maps in single precision; 2 threads\n"
    )
    assert "\nfc1    128x3072     192  786432  100.0%" in text
    assert "\nit fits: it takes " in text
    csv = call(capsys, "plan", "--model", "mlp", "--format", "csv").out.splitlines()
    assert csv[0].startswith("name,kind,shape,arrays,cells,cells_whole,bytes_weights")
    assert csv[1].startswith("fc1,CrossbarLinear,128x3072,192,786432,786432,1572864,1572864,1572864,")
    assert call(capsys, "plan", "--model", "mlp", "-q").out.splitlines()[:2] == ["arrays 196", "cells 788992"]


def test_maps_and_limits(capsys):
    bytes_of = {}
    for kind in ("float32", "float64", "recompute"):
        answer = call(capsys, "plan", "--model", "mlp", "--maps", kind, "--memory", "10meg", "--json")
        record = json.loads(answer.out)
        bytes_of[kind] = sum(layer["bytes_maps"] for layer in record["layers"])
        assert (answer.code, record["maps"], record["fits"], record["bytes"]["room"]) == (0, kind, False, 10_000_000)
        assert "and 10 MB are there: " in record["verdict"]
        assert ("--maps recompute takes" in record["verdict"]) is (kind != "recompute")
        assert record["verdict"].endswith("or give more --memory")
    assert bytes_of["float64"] == 2 * bytes_of["float32"]
    assert bytes_of["recompute"] == 0


def test_checkpoints_and_builders(capsys, tmp_path, monkeypatch):
    from network_tools import made

    from xbarsim.nn.training import Training, TrainSettings

    data = made(shape=(1, 9, 8))
    model = zoo.build("mlp", data.shape, 3, width=0.5)
    checkpoint.save(
        tmp_path / "a.pt", checkpoint.Recipe.of("mlp", data, width=0.5), Training(model, data, TrainSettings())
    )
    record = json.loads(call(capsys, "plan", "--model", tmp_path / "a.pt", "--json").out)
    assert record["layers"][0]["shape"] == [64, 72]
    assert record["inputs"] == "1 x 1x9x8 at a time"
    (tmp_path / "mynet.py").write_text("from torch import nn\n\n\ndef build():\n    return nn.Linear(20, 7)\n")
    monkeypatch.chdir(tmp_path)
    answer = call(capsys, "plan", "--model", "mynet.py:build", "--json")
    record = json.loads(answer.out)
    assert "note: without --input" in answer.err
    assert (record["seconds"]["run"], record["layers"][0]["vectors"], record["batch"]) == (None, None, 0)
    record = json.loads(call(capsys, "plan", "--model", "mynet.py:build", "--input", "20", "--batch", 4, "--json").out)
    assert (record["layers"][0]["vectors"], record["batch"]) == (4, 4)


def test_large_networks_take_no_memory_to_be_planned(capsys):
    before = resources.resident_memory()
    record = json.loads(call(capsys, "plan", "--model", "mlp", "--width", 500, "--json").out)
    assert record["layers"][0]["shape"] == [64000, 3072]
    assert record["arrays"] == 2 * (1000 * 48 + 1000)
    assert record["bytes"]["model"] > 7e8
    assert record["bytes"]["process"] < before + 4e8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "vgg"), ["model is 'vgg': give mlp, lenet"]),
        (("--input", "3x0x3"), ["--input", "'3x0x3' is no shape", "as 3x32x32"]),
        (("--input", "32"), ["input is 32: mlp takes images"]),
        (("--model", "vgg-small", "--input", "1x4x4"), ["images are 4 x 4: vgg-small needs at least"]),
        (("--input", "99999x99999x99999"), ["a batch of 1 x 99999x99999x99999 needs about 4e+06 GB", "smaller batch"]),
        (("--batch", "2000000000"), ["a batch of 2000000000 x 3x32x32 needs about", "give a smaller batch or input"]),
        (("--width", "1e6"), ["a width above 0 and below 1000"]),
        (("--memory", "0"), ["--memory", "'0' is no size above 0"]),
        (("--memory", "4Q"), ["--memory", "write bytes, or 500M, 4G or 4GiB"]),
        (("--maps", "float16"), ["--maps", "'float16'"]),
        (("--digital", "no"), ["--digital names 'no'"]),
        (("--set", "wires.word=-1"), ["--set", "wires.word is -1"]),
        (("--hardware", "rram"), ["hardware is 'rram'"]),
        (("--batch", "0"), ["--batch", "0 must be at least 1"]),
        (("--model", "net.py:build", "--classes", "3"), ["--classes changes nothing"]),
        (("--model", "net.py:build", "--width", "3"), ["--width changes nothing"]),
        (("--model", "net.py:build", "--input", "7"), ["the model does not run on such inputs"]),
    ],
)
def test_plans_that_are_refused(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("from torch import nn\n\n\ndef build():\n    return nn.Linear(20, 7)\n")
    assert_refused(call(capsys, "plan", *arguments), 2, *words)


@pytest.mark.parametrize("kind", ["double", "bfloat16"])
def test_inputs_are_of_the_type_of_the_weights(capsys, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(f"from torch import nn\n\n\ndef build():\n    return nn.Linear(20, 7).{kind}()\n")
    done = call(capsys, "plan", "--model", "net.py:build", "--input", "20", "-q")
    assert (done.code, done.err) == (0, "")
    assert "arrays 2" in done.out


def test_weights_alone_and_other_inputs_are_refused(capsys, tmp_path):
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "w.pt")
    assert_refused(
        call(capsys, "plan", "--model", tmp_path / "w.pt"), 2, "w.pt holds weights alone: plan the network by name"
    )


def test_inference_without_memory_ends_before_training(capsys):
    """One line, with what is asked for, what is there, and the settings that help."""
    start = time.perf_counter()
    answer = call(capsys, "infer", "--model", "mlp", "--data", "digits", "--memory", "50meg")
    assert_refused(
        answer, 2, "the network: it does not fit: it takes", "and 50 MB are there: --maps recompute takes",
        "take a smaller batch or network, or give more --memory",
    )  # fmt: skip
    assert time.perf_counter() - start < 30.0


@pytest.mark.slow
def test_memory_that_is_given_counts_instead_of_what_is_free(capsys, monkeypatch):
    """What the message advises must help, after training too."""
    monkeypatch.setattr(resources, "available_memory", lambda: 2_000_000)
    words = ("infer", "--model", "linear", "--data", "digits", "--epochs", 1, "--limit", 20, "--seeds", 1)
    assert call(capsys, *words).code == 2
    assert call(capsys, *words, "--memory", "100G").code == 0


@pytest.mark.parametrize(
    ("text", "size"),
    [("1500", 1500), ("1.5k", 1500), ("500M", 5e8), ("500meg", 5e8), ("4GB", 4e9), ("4GiB", 4 * 2**30), ("2t", 2e12)],
)
def test_sizes_in_bytes(text, size):
    """M taken for SPICE's milli: half a byte where half a gigabyte was meant."""
    assert Bytes().convert(text, None, None) == size


@pytest.mark.parametrize("fidelity", ["ideal", "closed", "accurate"])
def test_fidelity_is_the_hardwares(capsys, fidelity):
    record = json.loads(call(capsys, "plan", "--model", "mlp", "--fidelity", fidelity, "--json").out)
    assert record["hardware"]["fidelity"] == fidelity


def test_quiet_plans_are_totals_alone(capsys):
    lines = call(capsys, "plan", "--model", "mlp", "--quiet").out.splitlines()
    assert [line.split()[0] for line in lines] == ["arrays", "cells", "bytes", "program_seconds", "run_seconds"]
