"""The energy of reads in ``xbarsim infer``: in every form, in sweeps, and refused where it would change nothing."""

import csv
import io
import json
import re
from contextlib import redirect_stdout

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim.cli import main
from xbarsim.nn import ReadEnergy, checkpoint, preset
from xbarsim.nn.datasets import load
from xbarsim.nn.inference import infer
from xbarsim.quantities import short_number

ASKED = ("--set", "energy.read=200n", "--set", "energy.adc=2p")


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "mlp.pt"
    words = ["train", "--model", "mlp", "--data", "digits", "--width", "0.25", "--limit", "200", "--epochs", "1"]
    with redirect_stdout(io.StringIO()), pytest.raises(SystemExit):
        main([*words, "-o", str(path)])
    return path, ("infer", "--model", path, "--limit", 20, "--seeds", 2)


def test_every_form_has_what_the_library_finds(capsys, command):
    path, words = command
    hardware = preset("rram-64")
    hardware = type(hardware).from_dict(hardware.to_dict() | {"energy": {"read": 2e-7, "adc": 2e-12}})
    assert hardware.energy == ReadEnergy(read=2e-7, adc=2e-12)
    found = infer(checkpoint.load(path).model(), load("digits").limited(test=20), hardware, seeds=[0, 1])
    record = json.loads(call(capsys, *words, *ASKED, "--json").out)
    assert record["energy"]["joules"] == pytest.approx(found.energy.joules, rel=1e-6)
    assert record["energy"]["images"] == 20
    assert record["energy"]["unpriced"] == ["dac", "digital"]
    assert record["energy"]["joules_dac"] is None
    first = record["layers"][0]["energy"]
    assert first["joules_adc"] == pytest.approx(2e-12 * first["conversions_adc"])
    assert first["read_seconds"] == 2e-7
    assert first["joules_arrays"] == pytest.approx(first["watts"] * 2e-7 * first["reads"])
    table = call(capsys, *words, *ASKED).out
    start = table.index("layer  reads")
    assert re.search(r"^each image takes \S+ \wJ, arrays \+- \S+ \wJ; mean of 20 images$", table, re.M)
    assert "counted without a price: DAC conversions, digital additions" in table
    assert max(map(len, table[start:].splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(call(capsys, *words, *ASKED, "--format", "csv").out)))
    values = {(row["quantity"], row["name"]): row["value"] for row in rows}
    assert float(values["energy_joules", "all"]) == pytest.approx(found.energy.joules, rel=1e-6)
    assert float(values["energy_joules", "fc1"]) == pytest.approx(first["joules"], rel=1e-6)


def test_the_split_and_times_of_settling(capsys, command):
    _, words = command
    asked = ("--set", "adc.bits=7", "--set", "energy.word_farads=1f", "--set", "energy.split=true")
    record = json.loads(call(capsys, *words, *asked, "--calibration", 20, "--json").out)
    layer = record["layers"][1]["energy"]
    assert layer["settled"] is True
    assert 0.0 < layer["read_seconds"] < 1e-9
    parts = sum(layer[f"joules_{name}"] for name in ("cells", "wires", "ends"))
    assert parts == pytest.approx(layer["joules_arrays"], rel=1e-5)


def test_nothing_is_told_unasked(capsys, command):
    _, words = command
    record = json.loads(call(capsys, *words, "--json").out)
    assert record["energy"] is None
    assert [layer["energy"] for layer in record["layers"]] == [None, None]
    assert "energy" not in record["hardware"]


def test_ranges_that_are_of_volts_alone_are_calibrated(capsys, command):
    """Other images, another full voltage, and so other joules."""
    _, words = command
    few, many = (
        json.loads(call(capsys, *words, *ASKED, "--calibration", count, "--json").out)["energy"]["joules_arrays"]
        for count in (1, 60)
    )
    assert few > 1.001 * many, "a larger range has lower volts"


def test_a_sweep_has_joules(capsys, command):
    _, words = command
    sweep = ("--sweep", "energy.read=100n,300n", "--jobs", 1)
    record = json.loads(call(capsys, *words, *sweep, "--json").out)
    short, long = (row["numbers"] for row in record["combinations"])
    assert set(short) >= {"joules", "fc1.joules", "fc2.joules"}
    for name in ("joules", "fc1.joules"):
        assert long[name] == pytest.approx([3.0 * value for value in short[name]], rel=1e-6)
    table = call(capsys, *words, *sweep).out
    lines = [line.split() for line in table.splitlines() if re.match(r" *(energy.read|\de-07) ", line)]
    assert [line[4] for line in lines[:1]] == ["joules"]
    for line, numbers in zip(lines[1:], (short, long), strict=True):
        assert " ".join(line[4:6]) == short_number(np.mean(numbers["joules"]), "J")
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("infer", "--set", "energy.adc=2p"), "energy needs the seconds of a read, energy.read, or capacitances"),
        (("infer", "--set", "energy.read=-1n"), "energy.read is -1e-09"),
        (("infer", "--set", "energy.word_farads=1f"), "outputs settle to the bits of an ADC"),
        (("infer", "--set", "energy.reads=1n"), "ReadEnergy has no setting 'reads'"),
        (("infer", *ASKED, "--fidelity", "closed"), "take fidelity accurate or ideal"),
        (("plan", "--model", "mlp", *ASKED), "energy.read changes nothing here: xbarsim infer tells"),
        (("mitigate", "--model", "mlp", "--method", "headroom", *ASKED), "energy.read changes nothing here"),
    ],
)
def test_what_cannot_be_told_is_refused(capsys, words, message):
    assert_refused(call(capsys, *words), 2, message)
