"""Energy of a network's reads against solves of every vector on every array, counts, prices and times."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import made, numbers
from torch import nn

from xbarsim import solve
from xbarsim.energy import power_split
from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, Converter, Encoding, Hardware, Law, Mapping, ReadEnergy, Tiles, Wires, convert
from xbarsim.nn.energy_lines import energy_record
from xbarsim.nn.ranges import NotProgrammedError
from xbarsim.nonideal import Breaks, Faults, Nonidealities, ReadNoise, Shorts
from xbarsim.settling import settling

X = numbers(5, 13)
READ = ReadEnergy(read=2e-7)
BASE = Hardware(tiles=Tiles(6, 5), wires=Wires(1.5, 0.7, 2.0, 0.4), energy=READ)
NOISE = Nonidealities(read_noise=ReadNoise(0.2))


def ready(hardware, model=None, x=X, **options):
    network = convert(made(nn.Linear, 13, 7) if model is None else model, hardware, **options)
    return network.program(3).calibrate(x).eval()


def solved(layer, x, seconds=2e-7):
    """Return the mean joules of an input: every array solved for every vector of volts."""
    volts = layer.encode(x).reshape(-1, layer.encode(x).shape[-1]).double().numpy()
    watts = 0.0
    for tile in layer.tiles:
        drive = volts[:, tile.lines]
        drive = drive if tile.bridged is None else tile.bridged.inputs(drive)
        watts += sum(solve(tile.crossbar, vector).power for vector in drive)
    return watts * seconds / len(x)


HARDWARE = {
    "plain": BASE,
    "zero-driver": replace(BASE, wires=Wires(1.0, 1.0, 0.0, 0.0)),
    "bit-serial": replace(BASE, encoding=Encoding("bit-serial"), dac=Converter(5), adc=Converter(6)),
    "reference": replace(BASE, mapping=Mapping("reference")),
    "offset": replace(BASE, mapping=Mapping("offset", slices=2)),
    "faults": replace(BASE, cells=Nonidealities(faults=Faults(0.3), breaks=Breaks(0.05, 0.05))),
    "shorts": replace(BASE, cells=Nonidealities(shorts=Shorts(0.2, 0.2, 3.0))),
    "ideal": replace(BASE, fidelity="ideal"),
    "noise": replace(BASE, cells=NOISE),
    "sinh": replace(BASE, law=Law("sinh", v0=0.1)),
}


@pytest.mark.parametrize("name", HARDWARE)
def test_joules_are_those_of_solves_of_all_vectors(name):
    network = ready(HARDWARE[name])
    layer = network.layers["model"]
    row = network.summary(X).rows[0]
    assert row.energy.arrays == pytest.approx(solved(layer, X), rel=1e-10)
    assert row.energy.images == 5
    assert row.energy.read_seconds == 2e-7
    assert not row.energy.settled


def test_joules_of_a_convolution_with_a_bias_row_and_padding():
    x = numbers(3, 2, 5, 5)
    network = ready(BASE, made(nn.Conv2d, 2, 4, 3, padding=1), x, bias="row")
    layer = network.layers["model"]
    energy = network.summary(x).rows[0].energy
    assert energy.arrays == pytest.approx(solved(layer, x), rel=1e-10)
    assert energy.reads == 25
    # Each of 2 channels' 25 inputs drives the patches that hold it; and every patch drives a row of biases.
    inside = sum((3 - (i in (0, 4))) * (3 - (j in (0, 4))) for i in range(5) for j in range(5))
    assert energy.dac == 2 * inside + 25
    assert energy.adc == 25 * sum(tile.crossbar.shape[1] for tile in layer.tiles)


def test_joules_of_arranged_lines():
    network = ready(BASE)
    layer = network.layers["model"]
    rng = np.random.default_rng(1)
    rows = rng.permutation(15)
    layer.arrange(Arrangement(rows=[np.where(rows < 13, rows, -1)], flips=[rng.random(15) < 0.5], spare=2))
    network.program(3).calibrate(X)
    assert network.summary(X).rows[0].energy.arrays == pytest.approx(solved(layer, X), rel=1e-10)


def test_the_error_is_the_spread_of_single_inputs():
    network = ready(BASE)
    singles = [network.summary(X[k : k + 1]).rows[0].energy for k in range(5)]
    assert all(np.isnan(single.arrays_error) for single in singles)
    joules = [single.arrays for single in singles]
    energy = network.summary(X).rows[0].energy
    assert energy.arrays == pytest.approx(np.mean(joules), rel=1e-12)
    assert energy.arrays_error == pytest.approx(np.std(joules, ddof=1) / np.sqrt(5), rel=1e-9)
    assert energy_record(singles[0])["joules_arrays_error"] is None


def test_a_read_is_the_one_that_outputs_are_of():
    """With noise each read has other cells: a second summary, which starts at the same read, finds the same joules."""
    network = ready(HARDWARE["noise"])
    first = network.summary(X).rows[0].energy.arrays
    assert network.summary(X).rows[0].energy.arrays == first
    network(X)
    assert network.summary(X).rows[0].energy.arrays != first


def test_recurrent_layers_have_joules_of_all_steps():
    x = numbers(2, 4, 3)
    network = ready(BASE, made(nn.LSTM, 3, 4, batch_first=True), x)
    energies = [row.energy for row in network.summary(x).rows]
    assert [energy.reads for energy in energies] == [4, 4]
    assert np.isnan(energies[0].arrays_error)
    assert all(energy.arrays > 0.0 for energy in energies)


@pytest.mark.parametrize(
    ("hardware", "pulses", "columns", "additions"),
    [
        (BASE, 1, 2 * 7 * 3, 2 * 7 * 3),  # 3 strips of rows, 2 planes
        (replace(BASE, mapping=Mapping("reference")), 1, 3 * 9, 3 * 9),  # 7 outputs take 2 arrays, of 4 and 3
        (HARDWARE["bit-serial"], 4, 42, 4 * 42),  # 5 bits are a sign and 4 pulses
        (HARDWARE["offset"], 1, 42, 42 + 10 + 42),
    ],
)
def test_conversions_and_additions_are_counted(hardware, pulses, columns, additions):
    """Additions: all conversions but one an output, and the bias."""
    energy = ready(hardware).summary(X).rows[0].energy
    assert energy.reads == pulses
    assert energy.dac == 13 * pulses
    assert energy.adc == columns * pulses
    assert energy.digital == additions


def test_prices_are_the_users():
    bare = ready(BASE).summary(X)
    assert bare.energy.unpriced == ["dac", "adc", "digital"]
    assert "counted without a price: DAC conversions, ADC conversions, digital additions" in str(bare)
    priced = ready(replace(BASE, energy=ReadEnergy(read=2e-7, dac=1e-12, adc=3e-12, digital=1e-14))).summary(X)
    energy, counts = priced.rows[0].energy, bare.rows[0].energy
    assert energy.parts["dac"] == pytest.approx(1e-12 * counts.dac)
    assert energy.parts["adc"] == pytest.approx(3e-12 * counts.adc)
    assert energy.parts["digital"] == pytest.approx(1e-14 * counts.digital)
    assert energy.joules == pytest.approx(counts.arrays + sum(energy.parts[name] for name in ("dac", "adc", "digital")))
    assert priced.energy.joules == energy.joules
    assert "price" not in str(priced)


def test_joules_go_with_the_seconds_of_a_read():
    long = ready(replace(BASE, energy=ReadEnergy(read=6e-7))).summary(X).rows[0].energy
    short = ready(BASE).summary(X).rows[0].energy
    assert long.arrays == pytest.approx(3.0 * short.arrays, rel=1e-12)
    assert long.power == pytest.approx(short.power, rel=1e-12)


@pytest.mark.parametrize("name", ["word_farads", "bit_farads", "cell_farads"])
@pytest.mark.parametrize("cells", [Nonidealities(), Nonidealities(shorts=Shorts(0.2, 0.2, 3.0))])
def test_reads_take_as_long_as_the_slowest_output_settles(name, cells):
    hardware = replace(BASE, cells=cells, adc=Converter(6, range=1e-3), energy=ReadEnergy(**{name: 2e-15}))
    network = ready(hardware)
    energy = network.summary(X).rows[0].energy
    farads = {f"{name.removesuffix('_farads')}_capacitance": 2e-15}
    times = []
    for tile in network.layers["model"].tiles:
        volts = np.full(len(tile.rows), 0.2)
        drive = volts if tile.bridged is None else tile.bridged.inputs(volts)
        times.append(np.nanmax(settling(tile.crossbar, drive, **farads).time(bits=6)))
    assert energy.settled
    assert energy.read_seconds == pytest.approx(max(times), rel=1e-12)
    assert energy.arrays == pytest.approx(solved(network.layers["model"], X, energy.read_seconds), rel=1e-10)


def test_energy_is_there_where_it_is_asked_for():
    assert ready(replace(BASE, energy=None)).summary(X).energy is None
    assert ready(BASE).summary().energy is None


def test_forms_are_made_with_the_maps(monkeypatch):
    """One reduction a chip: what the forward pass multiplies by, and what the sources see."""
    from xbarsim.nn import cells

    network = ready(BASE)
    network(X)
    network.layers["model"].arrays().source_forms()
    monkeypatch.setattr(cells, "effective_maps", None)
    network.summary(X)


@pytest.mark.parametrize("storage", ["recompute", "float32"])
def test_any_storage_of_maps_has_the_same_joules(storage):
    network = ready(BASE).keep_maps(storage)
    assert network.summary(X).rows[0].energy.arrays == pytest.approx(
        ready(BASE).summary(X).rows[0].energy.arrays, rel=1e-6
    )


def test_training_mode_records_gradients_and_leaves_joules_alone():
    network = ready(BASE)
    expected = network.summary(X).rows[0].energy.arrays
    network.train()
    network(X).sum().backward()
    assert network.layers["model"].weight.grad is not None
    assert network.summary(X).rows[0].energy.arrays == pytest.approx(expected, rel=1e-12)


def test_settings_go_through_json():
    hardware = Hardware.from_json(BASE.to_json())
    assert hardware == BASE
    assert "energy" not in json.loads(replace(BASE, energy=None).to_json())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReadEnergy(), "energy needs the seconds of a read, energy.read, or capacitances"),
        (lambda: ReadEnergy(read=0.0), r"ReadEnergy\.read is 0: it must be above 0"),
        (lambda: ReadEnergy(read=1e-7, dac=-1.0), r"ReadEnergy\.dac is -1"),
        (lambda: ReadEnergy(read=1e-7, adc="x"), r"ReadEnergy\.adc is 'x'"),
        (lambda: ReadEnergy(read=1e-7, digital=float("inf")), r"ReadEnergy\.digital is inf"),
        (lambda: ReadEnergy(word_farads=-1e-15), r"ReadEnergy\.word_farads is -1e-15"),
        (lambda: ReadEnergy(read=1e-7, bit_farads=1e-15), "leave one out"),
        (lambda: ReadEnergy(read=1e-7, split=1), r"ReadEnergy\.split is 1: it must be True or False"),
        (lambda: Hardware(energy=3), r"Hardware\.energy is 3: it must be ReadEnergy"),
        (lambda: replace(BASE, fidelity="closed"), "take fidelity accurate or ideal"),
        (lambda: Hardware(energy=ReadEnergy(word_farads=1e-15)), "give read or adc.bits"),
    ],
)
def test_what_is_wrong_is_said(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_volts_must_be_known():
    network = convert(made(nn.Linear, 13, 7), BASE).program(3).eval()
    with pytest.raises(NotProgrammedError, match="its energy depends on it: call calibrate"):
        network.summary(X)


@pytest.mark.parametrize("name", HARDWARE)
def test_what_cells_wires_and_ends_take_is_that_of_solves(name):
    hardware = replace(HARDWARE[name], energy=ReadEnergy(read=2e-7, split=True))
    network = ready(hardware)
    layer = network.layers["model"]
    energy = network.summary(X).rows[0].energy
    wanted = dict.fromkeys(("cells", "wires", "ends"), 0.0)
    volts = layer.encode(X).reshape(-1, layer.encode(X).shape[-1]).double().numpy()
    for tile in layer.tiles:
        drive = volts[:, tile.lines]
        drive = drive if tile.bridged is None else tile.bridged.inputs(drive)
        solution = solve(tile.crossbar, drive, fields=True)
        split = power_split(solution)
        cells = np.nan_to_num(solution.device_voltages) * solution.device_currents
        own = (cells if tile.bridged is None else tile.bridged.cells(cells)).sum()
        wanted["cells"] += own
        wanted["wires"] += split.word_wires.sum() + split.bit_wires.sum() + split.cells.sum() - own
        wanted["ends"] += sum(part.sum() for part in split.ends.values())
    for part, watts in wanted.items():
        assert energy.split[part] == pytest.approx(watts * 2e-7 / 5, rel=1e-8, abs=1e-9 * energy.arrays)
    assert sum(energy.split.values()) == pytest.approx(energy.arrays, rel=1e-9)
    assert "of what the arrays take: cells " in str(network.summary(X))


def test_the_split_is_there_where_it_is_asked_for():
    assert ready(BASE).summary(X).energy.split is None
    assert energy_record(ready(BASE).summary(X).rows[0].energy)["joules_cells"] is None


def test_half_precision_and_autocast_leave_volts_alone():
    """Volts of half precision would be off by 1e-3, watts of it beyond its range."""
    model = made(nn.Linear, 13, 7, dtype=torch.float32)
    x = X.to(torch.bfloat16).float()
    network = ready(BASE, model, x)
    expected = network.summary(x).rows[0].energy.arrays
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network.summary(x).rows[0].energy.arrays == pytest.approx(expected, rel=1e-5)
    half = ready(BASE, made(nn.Linear, 13, 7, dtype=torch.float32).to(torch.bfloat16), x.to(torch.bfloat16))
    assert half.summary(x.to(torch.bfloat16)).rows[0].energy.arrays == pytest.approx(expected, rel=1e-2), (
        "weights differ"
    )


def test_no_inputs_have_no_energy():
    assert ready(BASE).summary(X[:0]).energy is None
