"""Layers of AIHWKIT itself beside their arrays: to its single precision, with its converters and read noise off."""

from __future__ import annotations

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.interop import aihwkit_arrays

torch = pytest.importorskip("torch")
pytest.importorskip("aihwkit")
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

INPUTS, OUTPUTS = 12, 7
SINGLE = 1e-6


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(3)


def perfect(kind="InferenceRPUConfig", **mapping):
    from aihwkit.simulator import configs

    config = getattr(configs, kind)()
    config.forward.is_perfect = True
    for name, value in mapping.items():
        setattr(config.mapping, name, value)
    return config


def linear(config, bias=True):
    from aihwkit.nn import AnalogLinear

    return AnalogLinear(INPUTS, OUTPUTS, bias=bias, rpu_config=config).eval()


def agrees(layer, arrays, x=None):
    x = torch.rand(5, arrays.shape[0]) * 2.0 - 1.0 if x is None else x
    theirs = layer(x).detach().numpy()
    return np.allclose(arrays.outputs(x.double().numpy()), theirs, rtol=0, atol=SINGLE * np.abs(theirs).max())


SCALED = {"weight_scaling_omega": 0.6}
COLUMNS = SCALED | {"weight_scaling_columnwise": True}


@pytest.mark.parametrize(
    ("config", "tiles"),
    [
        ({}, 1),
        (SCALED, 1),
        (COLUMNS, 1),
        (COLUMNS | {"digital_bias": False}, 1),
        (COLUMNS | {"max_input_size": 5, "max_output_size": 3}, 9),
        (SCALED | {"kind": "TorchInferenceRPUConfig"}, 1),
        (COLUMNS | {"kind": "TorchInferenceRPUConfig", "max_input_size": 5}, 3),
    ],
    ids=lambda value: ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_a_layer_has_its_arrays_outputs(config, tiles):
    layer = linear(perfect(**config))
    arrays = aihwkit_arrays(layer)
    assert len(arrays.parts) == tiles
    assert agrees(layer, arrays)
    for part in arrays.parts:
        assert max(part.positive.conductance.max(), part.negative.conductance.max()) == pytest.approx(25e-6, rel=1e-6)


@pytest.mark.parametrize("per_column", [False, True])
def test_learned_scales(per_column):
    layer = linear(perfect(**SCALED, learn_out_scaling=True, out_scaling_columnwise=per_column))
    for tile in layer.analog_tiles():
        tile.out_scaling_alpha.data.uniform_(0.5, 2.0)
    assert agrees(layer, aihwkit_arrays(layer))


def converters():
    module = pytest.importorskip("aihwkit.inference.converter.conductance")
    curve = [0.0, 0.0, 0.0, 10.0, 20.0]
    return {
        "single": module.SinglePairConductanceConverter(g_max=25.0, g_min=0.5),
        "dual": module.DualPairConductanceConverter(f_lst=[1.0, 3.0], g_max=25.0, g_min=0.5),
        "three": module.NPairConductanceConverter(f_lst=[1.0, 2.0, 4.0], g_max=25.0),
        "custom": module.CustomPairConductanceConverter(f_lst=[1.0], g_lst=[curve, curve[::-1]], g_max=20.0),
        "device": module.SingleDeviceConductanceConverter(),
    }


@pytest.mark.parametrize("name", ["single", "dual", "three", "custom", "device", "fusion"])
@pytest.mark.parametrize("mapping", [{}, COLUMNS | {"digital_bias": False}, COLUMNS | {"max_input_size": 5}])
def test_every_converter(name, mapping):
    if name == "fusion":
        pytest.importorskip("sklearn")
        from aihwkit.inference.converter.fusion import FusionConductanceConverter

        converter = FusionConductanceConverter(g_max=40)
    else:
        converter = converters()[name]
    layer = linear(perfect(**mapping))
    arrays = aihwkit_arrays(layer, converter)
    assert agrees(layer, arrays)
    for part in arrays.parts:
        theirs, low = converter.g_max, getattr(converter, "g_min", 0.0)
        for half in (part.positive, part.negative):
            if half is not None:
                assert (half.conductance * 1e6 >= low * (1 - 1e-6)).all()
                assert (half.conductance * 1e6 <= theirs * (1 + 1e-6)).all()


@pytest.mark.parametrize("digital_bias", [True, False])
@pytest.mark.parametrize("learned", [True, False])
def test_an_input_range_drives_an_analog_bias(digital_bias, learned):
    config = perfect(**SCALED, digital_bias=digital_bias)
    config.pre_post.input_range.enable = True
    config.pre_post.input_range.init_value, config.pre_post.input_range.learn_input_range = 2.5, learned
    layer = linear(config)
    assert agrees(layer, aihwkit_arrays(layer))


@pytest.mark.parametrize("compensated", [True, False])
def test_weights_that_were_programmed_and_drifted(compensated):
    from aihwkit.inference import GlobalDriftCompensation, PCMLikeNoiseModel

    config = perfect(**COLUMNS)
    config.noise_model = PCMLikeNoiseModel(g_max=25.0)
    config.drift_compensation = GlobalDriftCompensation() if compensated else None
    layer = linear(config)
    fresh = aihwkit_arrays(layer).weights
    layer.program_analog_weights()
    programmed = aihwkit_arrays(layer)
    assert agrees(layer, programmed)
    layer.drift_analog_weights(1e5)
    drifted = aihwkit_arrays(layer)
    assert agrees(layer, drifted)
    assert np.abs(programmed.weights - fresh).max() > 1e-3
    assert np.abs(drifted.weights - programmed.weights).max() > 1e-3


def windows(layer, images):
    """Return a convolution's inputs, (images, places, inputs)."""
    return torch.nn.functional.unfold(images, layer.kernel_size, 1, layer.padding, layer.stride).transpose(1, 2)


@pytest.mark.parametrize("mapped", [False, True])
def test_a_convolution_works_on_windows(mapped):
    from aihwkit.nn import AnalogConv2d, AnalogConv2dMapped

    kind, mapping = (AnalogConv2dMapped, {"max_input_size": 20, "max_output_size": 3}) if mapped else (AnalogConv2d, {})
    layer = kind(3, 7, 3, stride=2, padding=1, rpu_config=perfect(**SCALED, **mapping)).eval()
    images = torch.rand(2, 3, 9, 9) - 0.5
    arrays = aihwkit_arrays(layer)
    assert arrays.shape == (27, 7)
    assert len(arrays.parts) == (6 if mapped else 1)
    theirs = layer(images).detach().numpy()
    ours = [arrays.outputs(one.double().numpy()).T for one in windows(layer, images)]
    assert np.allclose(np.reshape(ours, theirs.shape), theirs, rtol=0, atol=SINGLE * np.abs(theirs).max())


def test_a_converted_model_layer_by_layer():
    from aihwkit.nn.conversion import convert_to_analog

    model = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, 20), torch.nn.Tanh(), torch.nn.Linear(20, 15), torch.nn.ReLU(), torch.nn.Linear(15, 4)
    )
    analog = convert_to_analog(model, perfect(**COLUMNS, max_input_size=8)).eval()
    layers = dict(analog.named_analog_layers())
    x = torch.rand(6, INPUTS)
    ours = x.double()
    for name, part in analog.named_children():
        ours = torch.as_tensor(aihwkit_arrays(layers[name]).outputs(ours.numpy())) if name in layers else part(ours)
    assert torch.allclose(ours.float(), analog(x), rtol=0, atol=10 * SINGLE)


def test_what_has_no_tiles_or_no_converter_says_so():
    from aihwkit.nn.conversion import convert_to_analog

    analog = convert_to_analog(torch.nn.Sequential(torch.nn.Linear(3, 2)), perfect())
    with pytest.raises(InputError, match="AnalogSequential, which has no tiles of its own: give one of its analog_l"):
        aihwkit_arrays(analog)
    with pytest.raises(InputError, match="layer is a Linear, without 'tile'"):
        aihwkit_arrays(torch.nn.Linear(3, 2))
    layer = linear(perfect("SingleRPUConfig"))
    with pytest.raises(InputError, match="layer has a SingleRPUConfig, which names no converter: give one"):
        aihwkit_arrays(layer)
    assert agrees(layer, aihwkit_arrays(layer, converters()["single"]))


@pytest.mark.parametrize("mapping", [SCALED, SCALED | {"digital_bias": False}, SCALED | {"max_input_size": 5}])
def test_a_layer_without_bias(mapping):
    layer = linear(perfect(**mapping), bias=False)
    arrays = aihwkit_arrays(layer)
    assert arrays.bias is None
    assert agrees(layer, arrays)


def test_gradients_and_precision_do_not_matter():
    layer = linear(perfect(**SCALED)).train()
    assert np.array_equal(aihwkit_arrays(layer).weights, aihwkit_arrays(layer.eval()).weights)
    coarse = linear(perfect("TorchInferenceRPUConfig")).to(torch.bfloat16)
    weights = coarse.get_weights()[0].double().numpy()
    assert np.allclose(aihwkit_arrays(coarse).weights.T, weights, rtol=0, atol=0.02 * np.abs(weights).max())
