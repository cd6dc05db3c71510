"""Ranges of converters from data."""

from dataclasses import replace

import pytest
import torch
from nn_tools import apart, hardware, made, numbers, small
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from xbarsim.errors import InputError
from xbarsim.nn import Converter, Hardware, NotProgrammedError, convert, preset

IMAGES = numbers(6, 3, 8, 8)


def eight(per="layer", **more):
    return replace(hardware(rows=20, cols=9, **more), dac=Converter(bits=8), adc=Converter(bits=8, per=per))


def test_the_first_layers_range_is_the_datas():
    network = convert(small(), eight()).program(0).calibrate([IMAGES[:2], IMAGES[2:]])
    layer = network.layers["conv1"]
    assert float(layer.input_range) == float(IMAGES.abs().max())
    with torch.no_grad():
        volts = layer.encode(IMAGES)
        for k, tile in enumerate(layer.tiles):
            start = sum(place.shape[1] for place in layer.places[:k])
            seen = torch.from_numpy(tile.solve(volts)).abs().amax(dim=0)
            assert apart(layer.output_range[start : start + len(seen)], seen) < 1e-12


def test_later_layers_see_what_really_arrives():
    """After the converters before them, which are calibrated first."""
    network = convert(small(), eight()).program(0).calibrate(IMAGES).eval()
    arrived = {}
    for name, layer in network.layers.items():
        layer.register_forward_hook(lambda _, x, y, name=name: arrived.update({name: x[0].abs().max()}))
    with torch.no_grad():
        network(IMAGES)
    for name, layer in network.layers.items():
        assert float(layer.input_range) == pytest.approx(float(arrived[name]), rel=1e-12)


@pytest.mark.parametrize("per", ["layer", "tile", "column"])
@pytest.mark.parametrize("encoding", ["amplitude", "bit-serial"])
def test_eight_bits_come_near(per, encoding):
    model = small()
    exact = convert(model, hardware(rows=20, cols=9)).program(0).eval()
    network = convert(model, eight(per, encoding=encoding)).program(0).calibrate(IMAGES).eval()
    with torch.no_grad():
        assert 1e-5 < apart(network(IMAGES), exact(IMAGES)) < 0.1


@pytest.mark.slow
def test_batches_come_in_many_forms():
    model = small()
    loader = DataLoader(TensorDataset(IMAGES, torch.zeros(6)), batch_size=2, shuffle=True)
    forms = [IMAGES, [IMAGES], [(IMAGES, 0)], loader, (batch for batch in IMAGES.split(2)), [{"x": IMAGES}]]
    found = []
    for form in forms:
        network = convert(model, eight()).program(0).calibrate(form)
        found.append(torch.cat([layer.output_range for layer in network.layers.values()]))
    for one in found[1:]:
        assert apart(one, found[0]) < 1e-12
    for nothing in ([], 3):
        with pytest.raises(InputError, match="batches is"):
            convert(model, eight()).program(0).calibrate(nothing)


def test_calibration_again_starts_anew():
    network = convert(small(), eight()).program(0).calibrate(IMAGES * 5.0).calibrate(IMAGES)
    assert float(network.layers["conv1"].input_range) == float(IMAGES.abs().max())


def test_calibration_disturbs_nothing():
    model = nn.Sequential(small(), nn.Dropout(0.5), nn.BatchNorm1d(4)).double().train()
    network = convert(model, eight(), fold_batchnorm=False).program(0)
    before = {name: value.clone() for name, value in network.model[2].state_dict().items()}
    network.calibrate(IMAGES)
    assert network.training
    assert network.model[1].training
    assert all(torch.equal(value, before[name]) for name, value in network.model[2].state_dict().items())
    for layer in network.layers.values():
        assert layer.reads == 0
        assert all(converter.rounding and not converter.observer.enabled for converter in layer.converters)


def test_converters_that_are_not_calibrated_are_named():
    with pytest.raises(NotProgrammedError, match=r"layer 'conv1' has a DAC.*calibrate\(batches\)"):
        convert(small(), eight()).program(0)(IMAGES)
    only = replace(hardware(), adc=Converter(bits=8))
    with pytest.raises(NotProgrammedError, match=r"layer 'conv1' has an ADC.*calibrate\(batches\)"):
        convert(small(), only).program(0)(IMAGES)


def test_layers_called_more_than_once_and_never():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.often, self.never, self.last = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 2)

        def forward(self, x):
            for _ in range(3):
                x = 2.0 * torch.relu(self.often(x))
            return self.last(x)

    model = made(Odd)
    network = convert(model, eight()).program(0)
    with pytest.raises(InputError, match=r"no forward pass reaches layer 'never'.*digital=\('never',\)"):
        network.calibrate(numbers(4, 5))
    network = convert(model, eight(), digital="never").program(0).calibrate(numbers(4, 5))
    assert float(network.layers["often"].input_range) >= float(numbers(4, 5).abs().max())
    with torch.no_grad():
        network(numbers(4, 5))


def test_ranges_that_need_no_data():
    model = small()
    for adc in (Converter(bits=12, range="batch"), Converter(bits=16, range="full")):
        network = (
            convert(model, replace(hardware(rows=20, cols=9), dac=Converter(bits=10, range="batch"), adc=adc))
            .program(0)
            .eval()
        )
        with torch.no_grad():
            assert apart(network(IMAGES), convert(model, hardware(rows=20, cols=9)).program(0).eval()(IMAGES)) < 0.1


def test_the_presets_run():
    model = small(torch.float32)
    for name in ("rram-64", "rram-64-8bit", "rram-128"):
        network = convert(model, preset(name)).program(0).calibrate(IMAGES.float()).eval()
        with torch.no_grad():
            assert network(IMAGES.float()).isfinite().all()
    assert isinstance(network.hardware, Hardware)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_calibrate(kind):
    model = made(kind, 5, 4, 2, bidirectional=True)
    fine = replace(hardware(rows=20, cols=9), dac=Converter(bits=14), adc=Converter(bits=14))
    network = convert(model, fine).program(0).calibrate(numbers(6, 3, 5)).eval()
    exact = convert(model, hardware(rows=20, cols=9)).program(0).eval()
    with torch.no_grad():
        assert apart(network(numbers(6, 3, 5))[0], exact(numbers(6, 3, 5))[0]) < 5e-3
