"""``xbarsim mitigate`` from start to end: answers in every form, sweeps, refusals."""

import csv
import io
import json
import re
from dataclasses import dataclass

import pytest
from cli_tools import assert_refused, call
from mitigate_tools import FAULTY, HEADROOM, trained_linear

from xbarsim.mitigation import Needs, Trials, catalogue, chain, run
from xbarsim.mitigation.method import Method
from xbarsim.mitigation.record import COUNTS
from xbarsim.nn import checkpoint
from xbarsim.nn.datasets import load
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.training import DivergedError


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return trained_linear(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def command(linear):
    return ("mitigate", "--model", linear, *FAULTY, "--limit", 100, "--jobs", 1)


def test_json_says_what_the_library_finds(capsys, command, linear):
    answer = call(capsys, *command, *HEADROOM, "--method", "headroom+headroom:h=2", "--seeds", 2, "--json")
    assert_refused(answer, 2, "headroom after headroom undoes it")
    answer = call(capsys, *command, *HEADROOM, "--seeds", 2, "--first-seed", 3, "--method-seed", 5, "--json")
    assert answer.code == 0
    record = json.loads(answer.out)
    assert list(record) == [
        "schema", "model", "weights", "data", "hardware", "fidelity", "accuracy_ideal", "seeds", "method_seed",
        "methods", "failed", "swept", "seconds", "versions",
    ]  # fmt: skip
    assert (record["schema"], record["model"], record["weights"]) == (1, "linear", str(linear))
    assert record["data"] == {"name": "digits", "train_images": 1150, "validation_images": 287, "test_images": 100}
    assert (record["fidelity"], record["seeds"], record["method_seed"]) == ("ideal", [3, 4], 5)
    assert (record["failed"], record["swept"]) == ([], None)
    assert set(record["versions"]) >= {"xbarsim", "python", "numpy", "torch"}
    hardware = Hardware.from_dict(record["hardware"])
    data = load("digits").split(287).limited(test=100)
    model = checkpoint.load(linear).model()
    study = run(model, data, hardware, [chain("headroom:h=1.5")], seeds=[3, 4], method_seed=5)
    assert record["accuracy_ideal"] == study.ideal
    for entry, result, name in zip(record["methods"], study.results, ["none", "headroom:h=1.5"], strict=True):
        assert set(entry) == {"name", "chain", "mean", "std", "normalised_mean", "chips", "cost_mean"}
        assert (entry["name"], entry["mean"], entry["std"]) == (name, result.mean, result.deviation)
        assert entry["normalised_mean"] == pytest.approx(result.mean / study.ideal)
        for chip, expected in zip(entry["chips"], result.records, strict=True):
            assert list(chip) == ["seed", "before", "after", "cost", "trace"]
            assert (chip["seed"], chip["before"], chip["after"]) == (expected.seed, expected.before, expected.after)
            assert chip["cost"] == {name: getattr(expected.cost, name) for name in COUNTS}
        assert set(entry["cost_mean"]) == set(COUNTS)
    assert record["methods"][1]["chain"] == [
        {
            "name": "headroom",
            "options": {"h": 1.5},
            "paper": "none: the baseline of every precompensation",
            "needs": {"data": "none", "knows": "hardware", "chip": "none"},
        }
    ]
    assert re.findall(r"^headroom:h=1.5, chip (\d): \d+\.\d\d% -> \d+\.\d\d% in \d+\.\d s$", answer.err, re.M) == [
        "3", "4",
    ]  # fmt: skip


def test_the_table_csv_numbers_and_a_file(capsys, command, tmp_path):
    command = (*command, *HEADROOM, "--method", "headroom", "--seeds", 2)
    out = tmp_path / "a.json"
    assert call(capsys, *command, "--json", "-o", out).out == ""
    record = json.loads(out.read_text())
    assert list(tmp_path.iterdir()) == [out], "no partial file is left"
    table = call(capsys, *command).out
    for entry in record["methods"]:
        line = next(line for line in table.splitlines() if line.split()[:1] == [entry["name"]])
        assert line.split()[1:4] == [
            f"{entry['mean']:.2%}", f"{100 * entry['std']:.2f}", f"{entry['normalised_mean']:.2%}",
        ]  # fmt: skip
    assert f"ideal (torch) {record['accuracy_ideal']:.2%}; mean over 2 chips" in table
    assert re.search(r"^costs of a chip, mean\nnone +1,280 writes\nheadroom:h=1.5 +nothing more$", table, re.M)
    table = call(capsys, *command, "--method", "output-correction", "--method", "headroom+gain").out
    assert re.search(r"^output-correction +\d+ digital products an image; needs the chip's stuck cells$", table, re.M)
    assert re.search(r"^headroom\+gain +1 digital gains; needs the chip's maps$", table, re.M)
    table = call(capsys, *command).out
    lines = table.splitlines()
    numbers = lines[lines.index("") + 1 : lines.index("costs of a chip, mean")]
    assert max(map(len, numbers)) <= 80, "what a narrow terminal shows"
    rows = list(csv.DictReader(io.StringIO(call(capsys, *command, "--format", "csv").out)))
    assert [(row["method"], int(row["seed"])) for row in rows] == [
        (name, seed) for name in ("none", "headroom:h=1.5", "headroom") for seed in (0, 1)
    ]
    chips = [chip for entry in record["methods"] for chip in entry["chips"]]
    assert [float(row["after"]) for row in rows] == [chip["after"] for chip in chips]
    assert [int(row["writes"]) for row in rows] == [chip["cost"]["writes"] for chip in chips]
    quiet = call(capsys, *command, "--quiet")
    assert quiet.err == ""
    means = [f"{entry['name']} {entry['mean']!r}" for entry in record["methods"]]
    assert quiet.out.splitlines() == [f"ideal {record['accuracy_ideal']!r}", *means]


def test_a_sweep_has_each_method_at_each_value(capsys, command, tmp_path):
    sweep = ("--against", "faults.rate=0,0.1,0.3", "--seeds", 2)
    picture = tmp_path / "a.svg"
    answer = call(capsys, *command, *HEADROOM, *sweep, "--json", "--plot", picture)
    assert answer.code == 0
    record = json.loads(answer.out)
    assert record["swept"] == {"name": "faults.rate", "values": [0, 0.1, 0.3]}
    assert [(entry["name"], entry["value"]) for entry in record["methods"]] == [
        (name, value) for name in ("none", "headroom:h=1.5") for value in (0, 0.1, 0.3)
    ]
    alone = (*command, "--set", "cells.faults.rate=0.3", "--seeds", 2, *HEADROOM, "--json")
    alone = json.loads(call(capsys, *alone).out)
    assert record["methods"][2]["chips"] == alone["methods"][0]["chips"]
    assert record["methods"][5]["chips"] == alone["methods"][1]["chips"]
    assert len(record["methods"][0]["chips"]) == 1, "without faults chips are alike"
    assert record["methods"][0]["mean"] == pytest.approx(record["accuracy_ideal"])
    assert "note: chips of this hardware cannot differ: one stands for all" in answer.err
    assert "faults.rate=0.3: none, chip 1" in answer.err
    assert picture.stat().st_size > 1000
    table = call(capsys, *command, *HEADROOM, *sweep).out
    assert re.search(r"^method +faults.rate +mean", table, re.M)
    rows = list(csv.DictReader(io.StringIO(call(capsys, *command, *HEADROOM, *sweep, "--format", "csv").out)))
    assert [row["faults.rate"] for row in rows] == ["0", "0.1", "0.1", "0.3", "0.3"] * 2


def test_the_picture_without_a_sweep(capsys, command, tmp_path):
    picture = tmp_path / "a.png"
    assert call(capsys, *command, *HEADROOM, "--seeds", 1, "--plot", picture).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@dataclass(frozen=True)
class Broken(Method):
    """Fail on every chip."""

    name = "broken"
    paper = "none"
    about = "fail"

    def apply(self, plan, bench):
        raise DivergedError("the loss is nan")


def test_a_row_without_any_result_is_exit_3_and_the_rest_is_there(capsys, command, monkeypatch):
    monkeypatch.setattr(catalogue, "_METHODS", (*catalogue._METHODS, Broken))
    answer = call(capsys, *command, "--method", "broken", *HEADROOM, "--seeds", 2, "--json")
    assert answer.code == 3
    assert answer.err.endswith("xbarsim: broken came to no end on any chip: the loss is nan\n")
    assert "note: broken, chip 1 failed: the loss is nan" in answer.err
    record = json.loads(answer.out)
    assert record["failed"] == [{"method": "broken", "seed": seed, "message": "the loss is nan"} for seed in (0, 1)]
    assert [entry["mean"] is None for entry in record["methods"]] == [False, True, False]
    assert record["methods"][1]["cost_mean"] == dict.fromkeys(COUNTS)
    table = call(capsys, *command, "--method", "broken", *HEADROOM, "--seeds", 1).out
    assert re.search(r"^broken +-  +-", table, re.M)
    assert "failed: broken, chip 0: the loss is nan" in table
    assert "no chip came to an end" in table


def test_chips_that_cannot_differ_are_run_once(capsys, linear):
    answer = call(capsys, "mitigate", "--model", linear, "--fidelity", "ideal", "--limit", 50, *HEADROOM, "--json")
    record = json.loads(answer.out)
    assert record["seeds"] == [0]
    assert answer.err.count("chips of this hardware cannot differ") == 1


def test_offsets_with_wires_are_warned_of_once(capsys, linear):
    command = ("mitigate", "--model", linear, "--limit", 20, *HEADROOM, "--set", "mapping.kind=offset")
    assert call(capsys, *command).err.count("the digital offset does not follow IR drop") == 1
    assert "offset does not follow" not in call(capsys, *command, "--fidelity", "ideal").err
    sweep = call(capsys, *command, "--against", "wires.word=0.1,0.2")
    assert sweep.err.count("the digital offset does not follow IR drop") == 1


def test_quick_is_one_chip_and_few_images(capsys, command, linear):
    record = json.loads(call(capsys, "mitigate", "--model", linear, *FAULTY, *HEADROOM, "--quick", "--json").out)
    assert record["seeds"] == [0]
    assert record["data"] == {"name": "digits", "train_images": 1150, "validation_images": 287, "test_images": 360}
    record = json.loads(call(capsys, *command, *HEADROOM, "--quick", "--seeds", 2, "--validation", 90, "--json").out)
    assert record["seeds"] == [0, 1]
    assert record["data"] == {"name": "digits", "train_images": 1347, "validation_images": 90, "test_images": 100}
    answer = call(capsys, "mitigate", "--model", "linear", *FAULTY, *HEADROOM, "--quick", "--json")
    assert json.loads(answer.out)["weights"] == "trained for 1 epochs on 1150 images, seed 0"
    assert "note: linear has no weights, so it is trained first" in answer.err


def test_lists_of_methods(capsys):
    table = call(capsys, "mitigate", "--list").out
    listed = json.loads(call(capsys, "mitigate", "--list", "--json").out)["methods"]
    names = [*catalogue.methods(), *catalogue.shorthands()]
    assert [entry["name"] for entry in listed] == names
    assert call(capsys, "mitigate", "--list", "--quiet").out.split() == names
    rows = list(csv.DictReader(io.StringIO(call(capsys, "mitigate", "--list", "--format", "csv").out)))
    assert [row["name"] for row in rows] == names
    for entry in listed:
        assert set(entry) == {"name", "about", "paper", "chain", "needs", "steps", "options"}
        assert re.search(rf"^{re.escape(entry['name'])} ", table, re.M)
        assert entry["about"] in " ".join(table.split())
    headroom = next(entry for entry in listed if entry["name"] == "headroom")
    assert headroom["options"] == {"h": 2.0}
    assert headroom["needs"] == {"data": "none", "knows": "hardware", "chip": "none"}
    assert_refused(call(capsys, "mitigate", "--list", "--seeds", 2), 2, "--list goes with --format")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["give --method NAME", "xbarsim mitigate --list"]),
        (("--method", "hedroom"), ["--method hedroom: there is no method 'hedroom': did you mean headroom?"]),
        (("--method", "headroom:g=2"), ["headroom has no option 'g'"]),
        (("--method", "headroom:h"), ["headroom:h is no option: give NAME=VALUE"]),
        (("--method", "headroom:h=0.5"), ["headroom:h is 0.5: it must be at least 1"]),
        (("--method", "headroom", "--method", "headroom:h=2"), ["--method headroom:h=2 is there twice"]),
        ((*HEADROOM, "--seeds", "0"), ["--seeds is 0"]),
        ((*HEADROOM, "--first-seed", "-1"), ["--first-seed -1"]),
        ((*HEADROOM, "--method-seed", "-1"), ["--method-seed", "-1 must be at least 0"]),
        ((*HEADROOM, "--validation", "0"), ["--validation is 0: it must be at least 1, and below the 1437 training"]),
        ((*HEADROOM, "--validation", "1437"), ["--validation is 1437", "below the 1437 training images"]),
        ((*HEADROOM, "--limit", "0"), ["--limit", "0 must be at least 1"]),
        ((*HEADROOM, "--jobs", "0"), ["--jobs", "0 must be at least 1"]),
        ((*HEADROOM, "--hardware", "rram-32"), ["hardware is 'rram-32': give rram-64"]),
        ((*HEADROOM, "--set", "wires.wrd=2"), ["--set: Wires has no setting 'wrd'"]),
        ((*HEADROOM, "--width", "2"), ["--width changes nothing"]),
        ((*HEADROOM, "--epochs", "2"), ["--epochs goes with a network that has no weights yet"]),
        ((*HEADROOM, "--plot", "x.bmp"), ["x.bmp", ".png"]),
        ((*HEADROOM, "-o", "no/where/x.json"), ["no/where/x.json", "writable folder"]),
        ((*HEADROOM, "--data", "nowhere"), ["data is 'nowhere': give digits, mnist"]),
        ((*HEADROOM, "--against", "faults.rate"), ["'faults.rate' is not NAME=VALUES, as faults.rate=0,0.1,0.2"]),
        ((*HEADROOM, "--against", "faults.rate=0,0.1"), ["cells.faults is off", "--set cells.faults.rate=0.1"]),
        ((*HEADROOM, "--against", "faults.rat=0,0.1"), ["no setting of this name: did you mean faults.rate?"]),
        ((*HEADROOM, "--against", "cells.faults=0,0.1"), ["--against cells.faults: the hardware has no"]),
        ((*HEADROOM, "--against", "wires.word=1,-1"), ["--against wires.word: wires.word is -1"]),
        ((*HEADROOM, "--against", "wires.word=1,1.0"), ["--against wires.word: 1.0 is there twice"]),
        ((*HEADROOM, "--against", "wires.word=1,,2"), ["has an empty value"]),
        ((*HEADROOM, "--against", "wires.word=1M"), ["'1M' is ambiguous"]),
        ((*HEADROOM, *(2 * ("--against", "wires.word=1,2"))), ["--against is there 2 times: sweep one setting"]),
        ((*HEADROOM, "--seeds", "inf"), ["--seeds", "'inf' is not a whole number up to 2147483647"]),
        ((*HEADROOM, "--fidelity", "ideal", "--against", "wires.word=1,2"), ["nothing while fidelity is ideal"]),
        ((*HEADROOM, "--against", "adc.range=2,3"), ["it changes nothing while adc.bits is None"]),
    ],
)  # fmt: skip
def test_commands_that_are_refused(capsys, linear, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XBARSIM_DATA", raising=False)
    monkeypatch.setattr(Trials, "run", None)
    assert_refused(call(capsys, "mitigate", "--model", linear, *arguments), 2, *words)
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_does_not_wait_for_a_training(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("xbarsim.nn.training.Training.run", None)
    monkeypatch.setattr(Broken, "needs", Needs(batchnorm=True))
    monkeypatch.setattr(catalogue, "_METHODS", (*catalogue._METHODS, Broken))
    (tmp_path / "a.json.partial").write_text("")
    command = ("mitigate", "--model", "linear", *FAULTY, *HEADROOM)
    assert_refused(call(capsys, *command, "-o", tmp_path / "a.json"), 2, "a.json.partial is there")
    assert_refused(call(capsys, *command, "--method", "broken"), 2, "broken needs BatchNorm")


@pytest.mark.filterwarnings("ignore::xbarsim.mitigation.precompensate.UnreachableWarning")
def test_all_methods_side_by_side(capsys, command, tmp_path):
    """What it tries is what the same rows come to by themselves."""
    slow = ("reduce-fix", "bi-retrain", "vat", "vortex", "retrain", "bias")
    out = [part for name in slow for part in ("--leave-out", name)]
    picture = tmp_path / "all.png"
    answer = call(capsys, *command, "--all", *out, *HEADROOM, "--seeds", 1, "--json", "--plot", picture)
    assert answer.code == 0, answer.err
    record = json.loads(answer.out)
    names = [entry["name"] for entry in record["methods"]]
    assert names[:2] == ["none", "gain"], "headroom is there with another option"
    assert "headroom:h=1.5" in names
    assert "headroom" not in names
    left = {entry["method"]: entry["message"] for entry in record["left_out"]}
    assert left["reduce-fix"] == "left out by the command"
    assert "needs BatchNorm" in left["bn"]
    assert "none" in {*names, *left}
    assert {*names, *left, "headroom"} == {*catalogue.methods(), *catalogue.shorthands(), "headroom:h=1.5"}
    assert set(record["fronts"]) == {"labels", "images", "steps", "pulses", "area"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    alone = json.loads(call(capsys, *command, "--method", "prescale", "--seeds", 1, "--json").out)
    both = [next(entry for entry in part["methods"] if entry["name"] == "prescale") for part in (record, alone)]
    assert both[0]["chips"] == both[1]["chips"]
    table = call(capsys, *command, "--all", *out, "--seeds", 1).out
    assert re.search(r"^not tried$", table, re.M)
    assert re.search(r"^prescale +\d+\.\d\d% +0 ", table, re.M)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--all", "--leave-out", "gian"), ["there is no method 'gian' to leave out: did you mean gain?"]),
        ((*HEADROOM, "--leave-out", "gain"), ["--leave-out goes with --all"]),
        (("--all", "--method", "hedroom"), ["--method hedroom: there is no method"]),
    ],
)
def test_what_goes_not_with_all_methods(capsys, linear, monkeypatch, arguments, words):
    monkeypatch.setattr(Trials, "run", None)
    assert_refused(call(capsys, "mitigate", "--model", linear, *arguments), 2, *words)
