"""Converters: ranges are used where they were taken, inputs are converted once, and what needs data asks for it."""

from dataclasses import replace

import pytest
import torch
from nn_tools import IDEAL, MAPPINGS, apart, flat, hardware, made, numbers, solved
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.nn import Converter, CrossbarConv2d, CrossbarLinear, Law, NotProgrammedError, convert, preset
from xbarsim.nn.rounding import bit_planes, quantised
from xbarsim.nonideal import Levels, Nonidealities

EIGHT = Converter(bits=8)
SINH, SELECTOR = Law("sinh", v0=0.3), Law("selector", v0=0.3, i0=1e-6)
DEFAULT = Converter()


def calibrated(model, hw, x, **more):
    return convert(model, hw, **more).program(3).calibrate(x).eval()


# An ADC sees in use what it saw in calibration.


@pytest.mark.parametrize("per", ["layer", "tile", "column"])
@pytest.mark.parametrize("size", [1.0 / 64.0, 16.0])
@pytest.mark.parametrize("law", [None, SINH])
def test_the_size_of_inputs_does_not_matter(law, size, per):
    """Volts are shares of the largest input: a power of two times the inputs is that times the outputs, bit for bit."""
    more = {} if law is None else {"law": law}
    hw = hardware(dac=DEFAULT, adc=Converter(bits=6, per=per), **more)
    model, x = made(nn.Linear, 9, 4, bias=False), numbers(5, 9)
    with torch.no_grad():
        assert torch.equal(calibrated(model, hw, size * x)(size * x), size * calibrated(model, hw, x)(x))


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
def test_an_exact_dac_is_the_limit_of_a_fine_one(size):
    """Eight bits of ADC leave the same error behind both, some 1 %, whatever the inputs' size."""
    model, x = made(nn.Linear, 64, 10), size * numbers(32, 64)
    hw = replace(preset("rram-64"), adc=EIGHT)
    exact = convert(model, preset("rram-64")).program(0).eval()
    with torch.no_grad():
        coarse, fine = (
            apart(calibrated(model, replace(hw, dac=dac), x)(x), exact(x)) for dac in (DEFAULT, Converter(bits=16))
        )
    assert coarse < 0.02
    assert coarse == pytest.approx(fine, rel=0.1)


@pytest.mark.parametrize("dac", [DEFAULT, EIGHT, Converter(bits=8, range="batch"), Converter(bits=8, range=2.0)])
@pytest.mark.parametrize("encoding", ["amplitude", "bit-serial"])
def test_no_current_is_beyond_the_range_on_the_same_data(encoding, dac):
    if encoding == "bit-serial" and dac.bits is None:
        dac = Converter(bits=3)
    hw = replace(hardware(encoding=encoding, dac=dac), adc=Converter(bits=9, per="column"))
    model = nn.Sequential(
        made(nn.Conv2d, 2, 3, 3, padding=1, groups=1), nn.ReLU(), nn.Flatten(), made(nn.Linear, 48, 4)
    )
    x = 7.0 * numbers(6, 2, 4, 4)
    network = calibrated(model, hw, x)
    with torch.no_grad():
        for layer, given in zip(network.layers.values(), (x, network.model[:3](x)), strict=True):
            volts = layer.encode(given)
            seen = torch.cat([torch.from_numpy(tile.solve(volts)).abs().amax(dim=0) for tile in layer.tiles])
            assert apart(layer.output_range, seen) < 1e-12


def test_later_layers_get_the_volts_that_they_were_calibrated_at():
    model = nn.Sequential(made(nn.Linear, 9, 8), nn.ReLU(), made(nn.Linear, 8, 4))
    x = 0.05 * numbers(20, 9)
    for law in (Law(), SINH):
        network = calibrated(model, hardware(dac=DEFAULT, adc=EIGHT, law=law), x)
        with torch.no_grad():
            given = x
            for layer in network.layers.values():
                assert float(layer.encode(given).abs().max()) == pytest.approx(layer.hardware.encoding.volts, rel=1e-12)
                given = torch.relu(layer(given))


def test_a_column_that_carried_nothing_carries_nothing():
    model = made(nn.Linear, 9, 4, bias=False)
    x = numbers(5, 9)
    x[:, :7] = 0.0  # the first array's inputs
    for bits in (1, 8):
        network = calibrated(model, hardware(dac=DEFAULT, adc=Converter(bits=bits, per="tile")), x)
        before = network(x)
        x[:, :7] = 1.0
        assert torch.equal(network(x), before)
        x[:, :7] = 0.0


def test_calibration_leaves_nonlinear_cells_at_volts_that_they_bear():
    """Layers that wait for their turn see volts too; sinh(400 / 0.3) has no solution."""
    model = nn.Sequential(made(nn.Linear, 9, 8), nn.ReLU(), made(nn.Linear, 8, 4))
    for dac in (DEFAULT, Converter(bits=6), Converter(bits=6, range=1.0)):
        network = calibrated(model, hardware(dac=dac, law=SINH), 2e3 * numbers(5, 9))
        with torch.no_grad():
            assert network(numbers(5, 9)).isfinite().all()


# What needs data asks for it.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"law": SINH}, "a DAC whose range is 'calibrated', and the currents of sinh cells depend on it"),
        ({"law": SELECTOR}, "a DAC whose range is 'calibrated', and the currents of selector cells depend on it"),
        (
            {"adc": Converter(bits=8, range=1e-3)},
            "a DAC whose range is 'calibrated', and the currents that its ADC sees",
        ),
        ({"adc": Converter(bits=8, range="full")}, "a DAC whose range is 'calibrated', and the currents that its ADC"),
        ({"adc": EIGHT}, "an ADC whose range is 'calibrated': call"),
        ({"dac": EIGHT}, "a DAC whose range is 'calibrated': call"),
    ],
)
def test_outputs_that_depend_on_a_range_wait_for_it(settings, message):
    hw = hardware(**{"dac": DEFAULT, **settings})
    network = convert(made(nn.Linear, 9, 4), hw).program(0).eval()
    x = 5.0 * numbers(3, 9)
    with torch.no_grad():
        with pytest.raises(NotProgrammedError, match=rf"layer 'model' has {message}.*calibrate\(batches\)"):
            network(x)
        with pytest.raises(NotProgrammedError, match=r"calibrate\(batches\)"):
            network.layers["model"].encode(x)
        assert network.calibrate(x)(x).isfinite().all()


@pytest.mark.parametrize("adc", [Converter(), Converter(bits=8, range="batch")])
def test_outputs_in_proportion_to_volts_need_no_data(adc):
    model, x = made(nn.Linear, 9, 4), 5.0 * numbers(3, 9)
    uncalibrated = convert(model, hardware(dac=DEFAULT, adc=adc)).program(3).eval()
    with torch.no_grad():
        assert apart(calibrated(model, hardware(dac=DEFAULT, adc=adc), x)(x), uncalibrated(x)) < 1e-12


def test_ranges_are_of_one_chip():
    x = numbers(3, 9)
    for settings in ({"adc": EIGHT, "dac": DEFAULT}, {"dac": EIGHT}, {"law": SINH, "dac": DEFAULT}):
        network = convert(made(nn.Linear, 9, 4), hardware(**settings)).program(0).calibrate(x).eval()
        with torch.no_grad():
            first = network(x)
            with pytest.raises(NotProgrammedError, match=r"calibrate\(batches\)"):
                network.program(1)(x)
            assert torch.equal(network.program(0).calibrate(x)(x), first)


def test_chips_in_files_bring_their_ranges(tmp_path):
    model, x = made(nn.Linear, 9, 4), numbers(3, 9)
    network = calibrated(model, hardware(adc=EIGHT, dac=EIGHT), x)
    network.save_chips(tmp_path / "chips.npz")
    other = convert(model, network.hardware).program(8).load_chips(tmp_path / "chips.npz").eval()
    with torch.no_grad():
        assert torch.equal(other(x), network(x))


# One conversion of every input, before padding.


def convolutions(hw, **more):
    return [
        CrossbarConv2d(made(nn.Conv2d, 2, 4, 3, padding=(1, 2), bias=False, **more), replace(hw, adc=adc)).program(5)
        for adc in (Converter(), Converter(bits=30, range="batch"))
    ]


@pytest.mark.parametrize("encoding", ["amplitude", "bit-serial"])
@pytest.mark.parametrize("bits", [1, 2, 5])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_padding_has_no_volts_whatever_stands_behind(mapping, bits, encoding):
    hw = hardware(mapping, encoding=encoding, dac=Converter(bits=bits, range="batch"))
    x = numbers(2, 2, 4, 5)
    with torch.no_grad():
        direct, through = convolutions(hw)
        assert apart(direct(x), through(x)) < 1e-7
        for layer in (direct, through):
            assert apart(solved(layer, x), flat(layer(x), 1)) < 1e-12
        corner = direct.encode(x)[..., 0, :].reshape(-1, 2, 3, 3)
        assert (corner[:, :, 0] == 0.0).all()
        assert (corner[:, :, :, :2] == 0.0).all()
        assert (direct.encode(x) != 0.0).any()


def test_signs_with_zero_padding_are_torchs():
    conv = made(nn.Conv2d, 2, 4, 3, padding=1, bias=False)
    x = numbers(2, 2, 4, 5)
    expected = functional.conv2d(torch.where(x >= 0.0, 2.0, -2.0).double(), conv.weight, padding=1)
    for adc in (Converter(), Converter(bits=30, range="batch")):
        layer = CrossbarConv2d(conv, replace(IDEAL, dac=Converter(bits=1, range=2.0), adc=adc)).program(0)
        with torch.no_grad():
            assert apart(layer(x), expected) < 1e-7


@pytest.mark.parametrize("encoding", ["amplitude", "bit-serial"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_halfway_inputs_go_the_same_way_on_every_path(dtype, encoding):
    """Every input is half a step off, and the full scale is no power of two."""
    bits, full = 6, 0.7
    halves = (torch.arange(-31, 31, dtype=dtype) + 0.5) * full / 31.0
    hw = hardware(encoding=encoding, dac=Converter(bits=bits, range=full), rows=64, cols=5)
    layers = [
        CrossbarLinear.of(made(nn.Linear, 62, 3, dtype=dtype), replace(hw, adc=adc)).program(1)
        for adc in (Converter(), Converter(bits=30, range="batch"))
    ]
    with torch.no_grad():
        # One step of one input is 1 / 31 of the largest.
        assert apart(layers[1](halves[None]), layers[0](halves[None])) < (1e-7 if dtype == torch.float64 else 1e-5)
        assert apart(solved(layers[0], halves[None]).to(dtype), layers[0](halves[None])) < 1e-5


@pytest.mark.parametrize("encoding", ["amplitude", "bit-serial"])
@pytest.mark.parametrize("bits", [1, 5])
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_gradients_are_the_same_on_every_path(mapping, bits, encoding):
    found = []
    for layer in convolutions(hardware(mapping, encoding=encoding, dac=Converter(bits=bits, range=1.0))):
        x = numbers(2, 2, 4, 5).requires_grad_()
        y = layer.train()(x)
        (y * numbers(*y.shape, seed=9)).sum().backward()
        assert (x.grad[x.abs() > 1.0] == 0.0).all()
        found.append((x.grad, layer.weight.grad))
    for direct, through in zip(*found, strict=True):
        assert apart(through, direct) < 1e-12


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_pulses_are_what_the_converter_gave(bits):
    x = numbers(50, seed=4)
    held = quantised(x, 0.8, bits)
    pulses, worth = bit_planes(held / 0.8, bits)
    assert all(one in (-1.0, 0.0, 1.0) for pulse in pulses for one in pulse.tolist())
    assert apart(sum(w * pulse for w, pulse in zip(worth, pulses, strict=True)) * 0.8, held) < 1e-12
    assert not any(pulse.any() for pulse in bit_planes(torch.zeros(3), bits)[0])


def test_decode_takes_no_volts_of_another_batch():
    x, y = numbers(3, 9), 2.0 * numbers(3, 9, seed=8)
    for dac in (Converter(bits=8, range="batch"), Converter(bits=8, range=4.0)):
        layer = CrossbarLinear.of(made(nn.Linear, 9, 4), hardware(dac=dac)).program(0)
        with torch.no_grad():
            volts = layer.encode(x)
            currents = [tile.solve(volts) for tile in layer.tiles]
            assert apart(layer.decode(currents, volts), layer(x)) < 1e-12
            layer.encode(y)
            if dac.range == "batch":
                with pytest.raises(InputError, match=r"another range for each batch: call encode\(x\) again"):
                    layer.decode(currents, volts)
            else:
                assert apart(layer.decode(currents, volts), layer(x)) < 1e-12


def test_what_is_no_number_stays_none():
    x = torch.tensor([float("nan"), 1.0])
    for bits in (1, 4):
        assert quantised(x, 1.0, bits).isnan().tolist() == [True, False]
    assert quantised(torch.tensor([-1.0, 0.0, 2.0]), 0.0, 5).tolist() == [0.0, 0.0, 0.0]


# Half precision.


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("settings", [{"adc": EIGHT}, {"law": SINH}, {"dac": EIGHT}, {"dac": EIGHT, "adc": EIGHT}])
@pytest.mark.parametrize("r_on", [1e4, 1e6])
def test_half_precision_is_of_numbers_not_of_currents(r_on, settings, dtype):
    """Outputs differ from those in double by the halves' own rounding, 8 or 11 bits, and by a step of a converter."""
    hw = replace(hardware(**{"dac": DEFAULT, **settings}), cells=Nonidealities(r_on=r_on, r_off=1e3 * r_on))
    model, x = made(nn.Linear, 9, 4, dtype=dtype), numbers(5, 9).to(dtype)
    with torch.no_grad():
        exact = calibrated(made(nn.Linear, 9, 4).to(dtype).double(), hw, x.double())(x.double())
        found = calibrated(model, hw, x)(x)
        assert found.dtype == dtype
        assert apart(found, exact) < 0.03


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32])
def test_ranges_do_not_move_to_another_type(kind):
    """Some 1e-7 A are 0 in a half."""
    hw = replace(hardware(dac=EIGHT, adc=EIGHT), cells=Nonidealities(r_on=1e6, r_off=1e9))
    model, x = made(nn.Linear, 9, 4).to(kind).double(), numbers(5, 9).to(kind).double()
    network = calibrated(model, hw, x)
    layer = network.layers["model"]
    layer.gain = 2.0
    before = [one.clone() for one in (layer.scale, layer.input_range, layer.output_range)]
    with torch.no_grad():
        expected = network(x)
        assert apart(network.to(kind)(x.to(kind)), expected) < 0.03
    after = (layer.scale, layer.input_range, layer.output_range)
    assert all(torch.equal(a, b) and a.dtype == torch.float64 for a, b in zip(after, before, strict=True))
    assert layer.gain.dtype == kind


def test_autocast_leaves_circuits_alone():
    hw = replace(hardware(dac=DEFAULT, adc=EIGHT), cells=Nonidealities(r_on=1e6, r_off=1e9))
    model, x = made(nn.Linear, 9, 4, dtype=torch.float32), numbers(5, 9).float()
    network = calibrated(model, hw, x)
    with torch.no_grad():
        expected = network(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(network(x), expected)


def test_half_precision_trains():
    hw = replace(hardware(dac=EIGHT, adc=EIGHT), cells=Nonidealities(r_on=1e5, r_off=1e8, levels=Levels(33)))
    network = convert(made(nn.Linear, 9, 4, dtype=torch.float16), hw).program(0)
    x = numbers(5, 9).half()
    network.calibrate(x).train()
    network(x).float().square().sum().backward()
    assert all(one.grad is not None and one.grad.isfinite().all() and one.grad.any() for one in network.parameters())


def test_ranges_need_finite_data():
    network = convert(made(nn.Linear, 9, 4), hardware(dac=EIGHT, adc=EIGHT)).program(0)
    for bad in (float("nan"), float("inf")):
        x = numbers(5, 9)
        x[2, 3] = bad
        with pytest.raises(InputError, match=r"inputs of layer 'model'.*not finite"):
            network.calibrate(x)
