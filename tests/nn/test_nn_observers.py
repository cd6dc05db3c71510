"""Converters are modules with a range, and with an observer that is on while data run and off in use."""

from dataclasses import replace

import pytest
import torch
from nn_tools import hardware, made, numbers, small
from torch import nn

from xbarsim.nn import Converter, CrossbarLayer, convert
from xbarsim.nn.observers import Observer

IMAGES = numbers(6, 3, 8, 8)
EIGHT = replace(hardware(rows=20, cols=9), dac=Converter(bits=8), adc=Converter(bits=8, per="column"))


def network():
    return convert(small(), EIGHT).program(0)


def test_an_observer_sees_what_passes_while_it_is_enabled():
    observer = Observer((3,), torch.device("cpu"))
    observer(torch.tensor([9.0, 9.0, 9.0]))
    observer.enable()
    for numbers_seen in ([1.0, 5.0, 2.0], [4.0, 3.0, 2.5]):
        observer(torch.tensor(numbers_seen))
    observer.disable()
    observer(torch.tensor([9.0, 9.0, 9.0]))
    assert observer.largest.tolist() == [4.0, 5.0, 2.5]
    observer.enable()
    assert (observer.largest < 0.0).all(), "another time starts anew"


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_ranges_are_double_whatever_the_network_is(dtype):
    moved = network().calibrate(IMAGES).to(dtype)
    for layer in moved.layers.values():
        for converter in layer.converters:
            assert converter.range.dtype == converter.observer.largest.dtype == torch.float64


def test_an_observed_pass_by_hand_is_a_calibration():
    """Observers on, data through, ranges taken: of the first layer's inputs, which depend on nothing before them."""
    by_hand, calibrated = network(), network().calibrate(IMAGES)
    layer = by_hand.layers["conv1"]
    for crossbar_layer in by_hand.layers.values():
        crossbar_layer.input_converter.rounding = crossbar_layer.output_converter.rounding = False
    layer.input_converter.observer.enable()
    with torch.no_grad():
        by_hand.eval()(IMAGES)
    layer.input_converter.take_range()
    assert not layer.input_converter.observer.enabled
    assert torch.equal(layer.input_range, calibrated.layers["conv1"].input_range)
    assert float(layer.input_range) == float(IMAGES.abs().max())


def test_nothing_is_rounded_while_ranges_are_looked_for():
    exact, rounded = convert(small(), hardware(rows=20, cols=9)).program(0).eval(), network().calibrate(IMAGES).eval()
    with torch.no_grad():
        expected, before = exact(IMAGES), rounded(IMAGES)
        for layer in rounded.layers.values():
            layer.input_converter.rounding = layer.output_converter.rounding = False
        assert not torch.allclose(before, expected, rtol=1e-6)
        torch.testing.assert_close(rounded(IMAGES), expected, rtol=1e-9, atol=1e-9)


def test_in_a_state_ranges_are_the_layers_own():
    first, second = network().calibrate(IMAGES).eval(), network().eval()
    names = [name for name in first.state_dict() if name.startswith("model.conv1.")]
    assert names == [f"model.conv1.{name}" for name in ("weight", "bias", "scale", "input_range", "output_range")]
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert torch.equal(second(IMAGES), first(IMAGES))
    layer, twin = first.layers["conv1"], convert(made(nn.Conv2d, 3, 6, 3, padding=1, bias=False), EIGHT).layers["model"]
    state = {"weight": layer.weight, "scale": layer.scale, "input_range": layer.input_range}
    assert twin.load_state_dict(state, strict=False).unexpected_keys == []
    assert torch.equal(twin.input_range, layer.input_range)


def test_a_layer_is_printed_as_torchs():
    assert repr(network().layers["head.3"]) == "CrossbarLinear(in_features=12, out_features=4, arrays=2)"


def test_a_summary_looks_at_arrays_without_wires_and_leaves_the_layer_its_hardware(monkeypatch):
    summarised = network().calibrate(IMAGES).eval()
    settings = []
    computed = CrossbarLayer.computed
    monkeypatch.setattr(
        CrossbarLayer, "computed", lambda self, *a, **k: settings.append(self.hardware) or computed(self, *a, **k)
    )
    rows = summarised.summary(IMAGES).rows
    assert len(settings) >= 2 * len(rows)
    assert all(setting is EIGHT for setting in settings)
    assert all(row.ir_drop_error > 1e-4 for row in rows)
