"""Plans: arrays, cells and bytes are those of the network that is made afterwards; what does not fit is refused."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from cli_tools import environment
from network_tools import made as images
from nn_tools import hardware, made, numbers, small
from torch import nn

from xbarsim import resources
from xbarsim.errors import InputError, TooLargeError
from xbarsim.nn import (
    Converter,
    Footprint,
    Hardware,
    Law,
    Tiles,
    convert,
    plan,
    planning,
    zoo,
)
from xbarsim.nn import network as network_module
from xbarsim.nn.array_speed import ArraySpeed
from xbarsim.nn.inference import infer, on_hardware
from xbarsim.nn.planning import footprint_of
from xbarsim.nonideal import Breaks, Drift, Faults, Nonidealities, ReadNoise, Variation

VARIED = Nonidealities(variation=Variation(0.1), drift=Drift(0.1), faults=Faults(0.1), breaks=Breaks(0.1))


class Mixed(nn.Module):
    """Every kind of layer; one is never reached."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 3, groups=2)
        self.series = nn.LSTM(6, 5, 2, bidirectional=True, batch_first=True)
        self.attention = nn.MultiheadAttention(10, 2, batch_first=True)
        self.cell = nn.GRUCell(10, 3)
        self.head = nn.Linear(3, 7)
        self.idle = nn.Linear(8, 9)

    def forward(self, x):
        x = self.series(self.conv(x).transpose(1, 2))[0]
        x = self.attention(x, x, x)[0]
        return self.head(self.cell(x[:, 0]))


def counted(model, inputs=None, chips=None, **more):
    return plan(model, chips or hardware(), inputs, measure=False, **more)


CASES = {
    "plain": (small, hardware(), {}),
    "mixed": (lambda: made(Mixed), hardware("reference"), {}),
    "sliced": (small, hardware("offset", slices=3), {"digital": "conv1"}),
    "overridden": (small, hardware(), {"overrides": {"head": replace(hardware("reference"), tiles=Tiles(4, 9))}}),
    "binary": (lambda: zoo.build("binary-mlp", (1, 8, 8), 3, width=0.1), hardware(), {}),
    "resnet": (lambda: zoo.build("resnet-8", (3, 8, 8), 3, width=0.3), Hardware(), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_layers_are_those_of_the_network(name):
    build, chips, more = CASES[name]
    model = build().eval()
    footprint = counted(model, chips=chips, **more)
    network = on_hardware(model, chips) if name == "binary" else convert(model, chips, **more)
    rows = network.summary().rows
    assert [(row.name, row.kind, row.shape, row.tiles, row.cells) for row in rows] == [
        (layer.name, layer.kind, layer.shape, layer.arrays, layer.cells) for layer in footprint.layers
    ]
    assert (footprint.arrays, footprint.cells) == (network.summary().tiles, network.summary().cells)
    assert footprint.utilisation == pytest.approx(network.summary().utilisation)


@pytest.mark.parametrize("kind", ["weights", "float32", "float64", "recompute"])
@pytest.mark.parametrize(
    "chips",
    [
        hardware(),
        hardware(adc=Converter(bits=8, range="batch")),
        hardware(cells=Nonidealities(read_noise=ReadNoise(0.1))),
    ],
    ids=["plain", "adc", "noisy"],
)
def test_bytes_of_weights_copies_and_maps(kind, chips):
    model = made(nn.Linear, 40, 30, dtype=torch.float32)
    (layer,) = counted(model, chips=chips, map_storage=kind).layers
    real = convert(model, chips).program(0).eval().keep_maps(kind).layers["model"]
    with torch.no_grad():
        real(numbers(2, 40, dtype=torch.float32))
    copies = [one for one in real._stored.sources if isinstance(one, torch.Tensor) and one.numel() > 1]
    values = real._stored.values
    tensors = [wide for _, _, wide in values["strips"]] if "strips" in values else values.get("matrices", [])
    assert layer.weights == real.weight.nbytes
    assert layer.copy == sum(one.nbytes for one in copies)
    assert layer.maps == sum(one.nbytes for one in tensors)
    assert (layer.maps == 0) == (kind == "recompute" or real.noisy)
    assert layer.passing == (0 if layer.maps or kind == "recompute" else real.weight.nbytes * (1 + (kind == "float64")))


def test_a_chip_takes_what_it_freezes():
    plain, varied = (
        counted(made(nn.Linear, 40, 30), chips=hardware(cells=cells)) for cells in (Nonidealities(), VARIED)
    )
    network = convert(made(nn.Linear, 40, 30), hardware(cells=VARIED)).program(0, time=1.0).eval().prepare()
    chip = network.layers["model"].chip
    maps = [chip.maps(tile) for tile in range(len(chip.shapes))]
    frozen = sum(array.nbytes for tile in maps for array in vars(tile).values() if any(array.strides))
    objects = 2200 * plain.arrays
    assert frozen <= varied.layers[0].chip - plain.layers[0].chip - objects <= 1.2 * frozen


def test_vectors_are_those_that_reach_the_arrays():
    model = small()
    inputs = torch.zeros(5, 3, 8, 8, dtype=torch.float64)
    expected = {"conv1": 5 * 64, "conv2": 5 * 9, "head.0": 5, "head.3": 5}
    for given, where in ((model, inputs), (small().to("meta"), inputs.to("meta"))):
        footprint = counted(given, where)
        assert {layer.name: layer.vectors for layer in footprint.layers} == expected
        assert footprint.batch == 5
    vectors = {layer.name: layer.vectors for layer in counted(made(Mixed), numbers(2, 4, 9)).layers}
    steps = 2 * 7
    assert vectors["conv"] == steps
    assert {
        vectors[f"series.{kind}_l{k}{end}"] for kind in ("ih", "hh") for k in (0, 1) for end in ("", "_reverse")
    } == {steps}
    assert [vectors[f"attention.{name}_proj"] for name in ("q", "k", "v", "out")] == [steps] * 4
    assert (vectors["cell.ih"], vectors["cell.hh"], vectors["head"], vectors["idle"]) == (2, 2, 2, None)


def test_nothing_of_the_model_changes():
    model = small().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    torch.manual_seed(3)
    state = torch.get_rng_state()
    plan(model, hardware(), torch.rand(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


FIXED = ArraySpeed(cells=35, array=2.0, vector=0.0, gradients=1e6)


def test_times_are_reckoned_from_those_of_an_array(monkeypatch):
    monkeypatch.setattr(ArraySpeed, "measured", staticmethod(lambda *_: FIXED))
    monkeypatch.setattr(planning, "_torch_seconds", lambda model, inputs: None if inputs.is_meta else 10.0)
    model = nn.Sequential(made(nn.Linear, 14, 10), made(nn.Linear, 10, 5))
    footprint = plan(model, hardware(), numbers(3, 14))
    # 2 planes of 2 x 2 whole arrays, and of one whole array and one of 3 x 5 cells.
    assert footprint.program_seconds == pytest.approx(2.0 * (8 + 2 + 2 * (15 / 35) ** 1.5))
    assert footprint.run_seconds == pytest.approx(10.0, rel=1e-3)
    assert footprint.layers[0].run_seconds / footprint.layers[1].run_seconds == pytest.approx(140 / 50, rel=1e-2)
    again = plan(model, hardware(), numbers(3, 14), map_storage="recompute")
    assert again.run_seconds == pytest.approx(10.0 + again.program_seconds, rel=1e-3)
    assert footprint.layers[0].gradients == pytest.approx(8e6 + 60 * 280)
    assert footprint.training > again.training > 1e7
    assert plan(model, hardware()).run_seconds is None
    assert plan(model.to("meta"), hardware(), torch.zeros(3, 14, device="meta")).run_seconds < 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "chips",
    [hardware(), hardware(law=Law("sinh")), hardware("reference", adc=Converter(bits=6), dac=Converter(bits=6)),
     hardware(cells=VARIED), hardware(encoding="bit-serial", adc=Converter(bits=6)), Hardware(fidelity="ideal")],
)  # fmt: skip
def test_any_hardware_is_tried(chips):
    footprint = plan(made(nn.Linear, 20, 9), chips, numbers(2, 20))
    assert footprint.measured
    assert 0.0 < footprint.program_seconds < 10.0
    assert 0.0 < footprint.run_seconds < 10.0


@pytest.mark.slow
def test_a_plan_tells_large_networks_from_small_ones():
    """The time of an array is measured, so that twice the arrays take about twice as long, whatever the machine."""
    small_one, large = (plan(made(nn.Linear, 64 * k, 64), Hardware()) for k in (4, 400))
    assert 30.0 < large.program_seconds / small_one.program_seconds < 300.0


def test_what_does_not_fit_is_said_with_what_would():
    model = made(nn.Linear, 400, 300, dtype=torch.float32)
    whole = counted(model)
    assert whole.fits
    assert whole.verdict().startswith("it fits: it takes ")
    whole.check()
    tight = counted(model, memory=whole.whole - 1)
    again = counted(model, map_storage="recompute", memory=whole.whole - 1)
    assert again.whole < tight.whole == whole.whole + (tight.process - whole.process)
    with pytest.raises(
        TooLargeError,
        match=r"does not fit: it takes .* are there: keep_maps\('recompute'\) takes .*, or give more memory$",
    ):
        replace(tight, room=tight.alternatives["recompute"]).check()
    with pytest.raises(
        TooLargeError, match=r"--maps recompute takes .*, take a smaller batch or network, or give more --memory"
    ):
        counted(model, memory=1e3).check("--maps {}", "--memory")
    with pytest.raises(TooLargeError, match="1 kB are there: take a smaller batch or network, or give"):
        counted(model, memory=1e3, map_storage="recompute").check()
    double = counted(model, map_storage="float64", memory=1e3)
    assert "keep_maps('float32') takes" in double.verdict()
    assert replace(whole, room=None).fits
    assert "how much is free is not known" in replace(whole, room=None).verdict()


def test_inference_that_does_not_fit_ends_before_any_work(monkeypatch):
    said = []
    monkeypatch.setattr(resources, "available_memory", lambda: 1000)
    with pytest.raises(TooLargeError, match="does not fit"):
        infer(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), images(), hardware(), progress=said.append)
    assert said == []


def test_maps_for_which_there_is_no_room_are_not_begun(monkeypatch):
    network = convert(made(nn.Linear, 40, 30), hardware()).program(0).eval()
    monkeypatch.setattr(network_module.LayerFootprint, "of", lambda *_: SimpleNamespace(maps=2e9))
    monkeypatch.setattr(resources, "available_memory", lambda: 10**9)
    with pytest.raises(TooLargeError, match=r"storing the maps of all arrays needs about 2 GB .*recompute"):
        network.prepare()
    assert not network.layers["model"].ready
    network.keep_maps("recompute").prepare()
    monkeypatch.undo()
    network.keep_maps("weights").prepare()
    assert network.layers["model"].ready


def test_footprint_of_images_is_that_of_the_batch():
    model, data = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval(), images()
    footprint = footprint_of(model, data, hardware(), batch=7)
    assert isinstance(footprint, Footprint)
    assert (footprint.batch, footprint.layers[0].vectors) == (7, 7)
    more = footprint_of(model, data, hardware(), batch=700)
    assert more.layers[0].activations == 100 * footprint.layers[0].activations


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(InputError, match="the model does not run on such inputs"):
        counted(small(), numbers(2, 5))
    with pytest.raises(InputError, match="map_storage is 'half'"):
        counted(small(), map_storage="half")
    with pytest.raises(InputError, match="leave it digital"):
        counted(nn.Sequential(nn.Bilinear(2, 3, 4)))
    with pytest.raises(InputError, match="digital names 'no'"):
        counted(small(), digital="no")


PEAK = """
import sys, torch
from torch import nn
from xbarsim.nn import Hardware, convert, plan
torch.set_num_threads(1)
chips, kind, size = Hardware(fidelity="ideal"), sys.argv[1], int(sys.argv[2])
def run(size):
    model = nn.Linear(size, size, bias=False)
    network = convert(model, chips).eval().keep_maps(kind).program(0).prepare()
    with torch.no_grad():
        network(torch.zeros(1, size))
    # The kernel's own mark for this program: getrusage's begins with that of the one that started it.
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
run(256)
with torch.device("meta"):
    model = nn.Linear(size, size, bias=False)
footprint = plan(model, chips, torch.zeros(1, size, device="meta"), map_storage=kind, measure=False)
print(1024 * run(size), footprint.whole)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc says it there")
@pytest.mark.parametrize("kind", ["weights", "float64", "recompute"])
def test_the_peak_is_foreseen(kind):
    done = subprocess.run(
        [sys.executable, "-c", PEAK, kind, "4096"], env=environment(), capture_output=True, text=True, check=True
    )
    real, foreseen = map(int, done.stdout.split())
    assert foreseen == pytest.approx(real, rel=0.15)
