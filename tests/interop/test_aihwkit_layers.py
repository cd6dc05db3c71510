"""Conductances out of AIHWKIT's layers: tiles, scales, biases and converters are those of its sources.

What stands in for a tile has the attributes that ``aihwkit_arrays`` asks for; ``test_aihwkit_itself.py`` has AIHWKIT's.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.interop import aihwkit_arrays

RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(0.0, 0.3, (4, 6))
BIAS = RNG.normal(0.0, 0.3, 4)
X = RNG.uniform(0.0, 1.0, (5, 6))
WIRES = {"word_wire": 50.0, "bit_wire": 50.0, "driver": 100.0, "sense": 100.0}


class SeveralPairs:
    """AIHWKIT's law of N pairs: the least significant is filled first; one pair of factor 1 is its single pair."""

    def __init__(self, g_max=25.0, g_min=1.0, factors=(1.0,)):
        self.g_max, self.g_min, self.factors = g_max, g_min, list(factors)

    def convert_to_conductances(self, weights):
        span = self.g_max - self.g_min
        ratio = sum(self.factors) * span / abs(weights).max()
        halves, below = [], 0.0
        for factor in self.factors:
            for sign in (1.0, -1.0):
                rest = np.maximum(sign * weights * ratio, 0.0) - below
                halves.append(self.g_min + np.clip(rest / factor, 0.0, span))
            below += factor * span
        return halves, {"scale_ratio": ratio} | ({"f_lst": self.factors} if len(self.factors) > 1 else {})

    def convert_back_to_weights(self, halves, facts):
        total = sum(f * (halves[2 * k] - halves[2 * k + 1]) for k, f in enumerate(self.factors))
        return total / facts["scale_ratio"]


class OneDevice:
    """One cell a weight, from the smallest weight to the largest."""

    g_max, g_min = 88.2, 9.0

    def convert_to_conductances(self, weights):
        ratio = (self.g_max - self.g_min) / np.ptp(weights)
        return (weights - weights.min()) * ratio + self.g_min, {"scale_ratio": ratio, "min": weights.min()}

    def convert_back_to_weights(self, g, facts):
        return facts["min"] + (g - self.g_min) / facts["scale_ratio"]


class Signed:
    """The Fusion chip's: magnitudes column by column, signs in digital."""

    def convert_to_conductances(self, weights):
        return [abs(weights) * 40.0 / abs(weights).max(axis=1, keepdims=True)], {"original_weights": weights}

    def convert_back_to_weights(self, conductances, facts):
        return facts["original_weights"]


CONVERTERS = [
    SeveralPairs(),
    SeveralPairs(g_min=0.0),
    SeveralPairs(factors=(1.0, 3.0)),
    SeveralPairs(factors=(1.0, 2.0, 4.0)),
    OneDevice(),
    Signed(),
]


def tile(weights=WEIGHTS, *, scales=None, bias=None, analog_bias=None, input_range=None, converter=None, alpha=None):
    """Return what looks like a tile whose weights, times its scales, are ``weights``."""
    scale = np.ones(len(weights)) if scales is None else np.broadcast_to(scales, len(weights))
    raw = weights if analog_bias is None else np.column_stack([weights, analog_bias])
    config = SimpleNamespace(drift_compensation=None if alpha is None else "global")
    if converter is not None:
        config.noise_model = SimpleNamespace(g_converter=converter)
    return SimpleNamespace(
        tile=SimpleNamespace(get_weights=lambda: raw / scale[:, None]), get_scales=lambda: scales, bias=bias,
        analog_bias=analog_bias is not None, input_range=input_range, rpu_config=config, alpha=alpha,
    )  # fmt: skip


@pytest.mark.parametrize("converter", CONVERTERS, ids=lambda c: type(c).__name__)
def test_a_layer_is_its_arrays(converter):
    arrays = aihwkit_arrays(SimpleNamespace(analog_module=tile(bias=BIAS)), converter)
    assert arrays.shape == (6, 4)
    assert np.allclose(arrays.weights.T, WEIGHTS, rtol=0, atol=1e-12)
    assert np.allclose(arrays.outputs(X), X @ WEIGHTS.T + BIAS, rtol=0, atol=1e-12)
    assert np.allclose(arrays.outputs(X[0]), WEIGHTS @ X[0] + BIAS, rtol=0, atol=1e-12)
    wired = aihwkit_arrays(tile(), converter, **WIRES)
    assert 1e-3 < np.abs(wired.outputs(X) - X @ WEIGHTS.T).max() < 0.5


def test_conductances_are_the_converters_in_microsiemens():
    (part,) = aihwkit_arrays(tile(), SeveralPairs()).parts
    assert part.positive.conductance.max() <= 25e-6
    assert part.negative.conductance.min() == pytest.approx(1e-6, rel=1e-14)
    first, second = aihwkit_arrays(tile(), SeveralPairs(factors=(1.0, 3.0))).parts
    assert np.allclose(second.unit, 3.0 * first.unit, rtol=1e-14, atol=0)


def test_scales_of_columns_are_digital_and_fill_the_cells():
    """Columnwise scaling: every output has a cell of the largest conductance, and a unit of its own."""
    scales = np.abs(WEIGHTS).max(axis=1)
    (part,) = (arrays := aihwkit_arrays(tile(scales=scales), SeveralPairs())).parts
    top = np.maximum(part.positive.conductance.max(axis=0), part.negative.conductance.max(axis=0))
    assert np.allclose(top, 25e-6, rtol=1e-12, atol=0)
    assert np.allclose(part.unit / part.unit[0], scales / scales[0], rtol=1e-12, atol=0)
    assert np.allclose(arrays.outputs(X), X @ WEIGHTS.T, rtol=0, atol=1e-12)
    assert np.allclose(
        aihwkit_arrays(tile(scales=np.array([2.5])), SeveralPairs()).outputs(X), X @ WEIGHTS.T, atol=1e-12
    )


def test_drift_compensation_acts_on_outputs():
    assert np.allclose(
        aihwkit_arrays(tile(alpha=1.25), SeveralPairs()).outputs(X), 1.25 * X @ WEIGHTS.T, rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(("input_range", "driven"), [(None, 1.0), (np.array([2.0]), 2.0)])
def test_an_analog_bias_is_a_row_of_cells(input_range, driven):
    """AIHWKIT drives it with 1 behind the input range, that is with the range."""
    arrays = aihwkit_arrays(tile(analog_bias=BIAS, input_range=input_range), SeveralPairs())
    assert arrays.parts[0].shape == (7, 4)
    assert arrays.shape == (6, 4)
    assert np.allclose(arrays.outputs(X), X @ WEIGHTS.T + driven * BIAS, rtol=0, atol=1e-12)


def test_each_tile_of_a_layer_has_conductances_of_its_own():
    grid = [[tile(WEIGHTS[outs, ins]) for outs in (slice(0, 3), slice(3, 4))] for ins in (slice(0, 2), slice(2, 6))]
    arrays = aihwkit_arrays(SimpleNamespace(analog_module=SimpleNamespace(array=grid, bias=BIAS)), SeveralPairs())
    assert [(part.row, part.col, part.shape) for part in arrays.parts] == [
        (0, 0, (2, 3)), (0, 3, (2, 1)), (2, 0, (4, 3)), (2, 3, (4, 1)),
    ]  # fmt: skip
    for part in arrays.parts:
        assert max(part.positive.conductance.max(), part.negative.conductance.max()) == pytest.approx(25e-6, rel=1e-12)
    assert np.allclose(arrays.outputs(X), X @ WEIGHTS.T + BIAS, rtol=0, atol=1e-12)


def test_the_converter_is_the_noise_models_unless_another_is_named():
    own = tile(converter=SeveralPairs(g_max=10.0))
    assert aihwkit_arrays(own).parts[0].positive.conductance.max() <= 10e-6
    assert aihwkit_arrays(own, SeveralPairs(g_max=40.0)).parts[0].unit[0] < aihwkit_arrays(own).parts[0].unit[0]


class Warped(SeveralPairs):
    def convert_back_to_weights(self, halves, facts):
        return super().convert_back_to_weights(halves, facts) ** 3


class Lonely(SeveralPairs):
    def convert_to_conductances(self, weights):
        halves, facts = super().convert_to_conductances(weights)
        return halves[:1], facts


class Unscaled(SeveralPairs):
    def convert_to_conductances(self, weights):
        return super().convert_to_conductances(weights)[0], {}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: aihwkit_arrays(SimpleNamespace(), SeveralPairs()), "layer is a SimpleNamespace, without 'tile'"),
        (lambda: aihwkit_arrays(SimpleNamespace(analog_layers=list), SeveralPairs()), "give one of its analog_layers"),
        (lambda: aihwkit_arrays(tile()), "layer has a SimpleNamespace, which names no converter: give one"),
        (lambda: aihwkit_arrays(tile(), object()), "converter is a object, without 'convert_to_conductances'"),
        (lambda: aihwkit_arrays(tile(), Warped()), "reads weights back by another law: 0.*from its cells' differences"),
        (lambda: aihwkit_arrays(tile(), Lonely()), "gives 1 conductances: two are needed for each factor"),
        (lambda: aihwkit_arrays(tile(), Unscaled()), "names no scale_ratio"),
        (lambda: aihwkit_arrays(tile(), SeveralPairs(), word_wire=-1.0), "word_wire"),
        (lambda: aihwkit_arrays(tile(), SeveralPairs()).outputs(X[:, :5]), r"inputs has shape \(5, 5\)"),
    ],
)
def test_what_a_model_lacks_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
