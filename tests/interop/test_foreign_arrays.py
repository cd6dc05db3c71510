"""Conductances out of other simulators' models: the circuits' outputs are the layer's."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.interop import aihwkit_arrays, crosssim_arrays

RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(0.0, 0.3, (4, 6))
X = RNG.uniform(0.0, 1.0, (5, 6))


class SinglePair:
    """AIHWKIT's law of a single pair, by its docstring: g_min + |w| scale_ratio in microsiemens."""

    def __init__(self, g_max=25.0, g_min=1.0, pairs=1):
        self.g_max, self.g_min, self.pairs = g_max, g_min, pairs

    def convert_to_conductances(self, weights):
        ratio = (self.g_max - self.g_min) / abs(weights).max()
        halves = [np.maximum(sign * weights, 0.0) * ratio + self.g_min for sign in (1.0, -1.0)]
        return halves * self.pairs, {"scale_ratio": ratio}


LAYER = SimpleNamespace(get_weights=lambda: (WEIGHTS, None))


def test_an_aihwkit_layer_is_a_pair_of_arrays():
    arrays = aihwkit_arrays(LAYER, SinglePair())
    (pair,) = arrays.pairs
    assert pair.positive.shape == arrays.shape == (6, 4)
    assert pair.positive.conductance.max() <= 25e-6
    assert pair.negative.conductance.min() == 1e-6
    assert np.allclose(arrays.outputs(X), X @ WEIGHTS.T, rtol=0, atol=1e-12)
    assert np.allclose(arrays.outputs(X[0]), WEIGHTS @ X[0], rtol=0, atol=1e-12)
    wired = aihwkit_arrays(LAYER, SinglePair(), word_wire=50.0, bit_wire=50.0, driver=100.0, sense=100.0)
    assert 1e-3 < np.abs(wired.outputs(X) - X @ WEIGHTS.T).max() < 0.1


def test_aihwkits_own_converter():
    converters = pytest.importorskip("aihwkit.inference.converter.conductance")
    torch = pytest.importorskip("torch")
    layer = SimpleNamespace(get_weights=lambda: (torch.tensor(WEIGHTS, requires_grad=True), None))
    arrays = aihwkit_arrays(layer, converters.SinglePairConductanceConverter(g_max=25.0, g_min=0.5))
    assert np.allclose(arrays.outputs(X), X @ WEIGHTS.T, rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("rows_max", [0, 3])
def test_a_crosssim_core_has_crosssims_outputs(rows_max):
    simulator = pytest.importorskip("simulator")
    if not hasattr(simulator, "AnalogCore"):
        pytest.skip("this simulator is not CrossSim")
    params = simulator.CrossSimParameters()
    params.xbar.device.Rmin, params.xbar.device.Rmax = 1e3, 1e6
    params.core.rows_max = params.core.cols_max = rows_max
    params.simulation.Verr_th_mvm = 1e-7
    params.xbar.array.parasitics.enable = True
    params.xbar.array.parasitics.Rp_row, params.xbar.array.parasitics.Rp_col = 2.0, 3.0
    core = simulator.AnalogCore(WEIGHTS, params)
    arrays = crosssim_arrays(core)
    assert len(arrays.pairs) == (1 if rows_max == 0 else 4)
    theirs = core @ X[0]
    assert np.allclose(arrays.outputs(X[0]), theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
    params.core.style = "OFFSET"
    params.core.rows_max = params.core.cols_max = 0
    with pytest.raises(InputError, match="without core_pos: crosssim_arrays takes the BALANCED style"):
        crosssim_arrays(simulator.AnalogCore(WEIGHTS, params))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: aihwkit_arrays(SimpleNamespace(), SinglePair()), "layer is a SimpleNamespace, without 'get_weights'"),
        (lambda: aihwkit_arrays(LAYER, object()), "converter is a object, without 'convert_to_conductances'"),
        (lambda: aihwkit_arrays(LAYER, SinglePair(pairs=2)), "does not give one pair a weight"),
        (lambda: aihwkit_arrays(LAYER, SinglePair()).outputs(X[:, :5]), r"inputs has shape \(5, 5\)"),
        (lambda: crosssim_arrays(object()), "core is a object, without 'params'"),
    ],
)
def test_what_a_model_lacks_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
