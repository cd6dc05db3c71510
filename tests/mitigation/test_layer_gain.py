"""One number a layer, or an output: against least squares by numpy, of matrices and of what came out of the chip."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, bench_of, digits, harness_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Harness, Plan, chain, method, realise
from xbarsim.mitigation.ledger import Ledger
from xbarsim.nn import Arrangement, Law, Wires
from xbarsim.nonideal import Nonidealities

WIRED = replace(
    HARDWARE,
    cells=Nonidealities(1e3, 1e5),
    fidelity="accurate",
    wires=Wires(word=10.0, bit=10.0, driver=20.0, sense=20.0),
)
VARIED = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))


def planned(options, hardware, kind="mlp", plan=None):
    step = method("gain", **options)
    plan = plan or Plan.of(network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, chip=2)
    return step.apply(plan, bench), plan, bench


def matrices(plan, hardware, name):
    layer = realise(plan, hardware, seed=2).layers[name]
    return [
        torch.cat([matrix.double() for matrix in parts], dim=1).detach().numpy()
        for parts in (layer.matrices(), layer.effective_matrices())
    ]


@pytest.mark.parametrize("hardware", [WIRED, VARIED], ids=["wired", "varied"])
@pytest.mark.parametrize("kind", ["mlp", "norm", "convolution"])
def test_of_maps_it_is_the_least_squares_answer(kind, hardware):
    plan, base, bench = planned({}, hardware, kind)
    by_output, _, _ = planned({"per": "output"}, hardware, kind)
    for k, name in enumerate(realise(base, hardware).layers):
        weights, real = matrices(base, hardware, name)
        expected = np.linalg.lstsq(real.reshape(-1, 1), weights.ravel(), rcond=None)[0]
        np.testing.assert_allclose(plan.layer(name).gain.numpy(), expected[0], rtol=1e-6)
        assert bench.trace["gain"][k] == float(plan.layer(name).gain)
        for j, gain in enumerate(by_output.layer(name).gain.numpy()):
            expected = np.linalg.lstsq(real[:, j : j + 1], weights[:, j], rcond=None)[0]
            np.testing.assert_allclose(gain, expected[0], rtol=1e-6)


def test_wires_take_and_it_gives_back():
    plan, base, _ = planned({}, WIRED)
    assert all(float(plan.layer(name).gain) > 1.05 for name in ("fc1", "fc2"))
    for name in ("fc1", "fc2"):
        weights, real = matrices(base, WIRED, name)
        gain = float(plan.layer(name).gain)
        assert np.abs(gain * real - weights).mean() < 0.75 * np.abs(real - weights).mean()


@pytest.mark.parametrize("kind", ["mlp", "norm", "convolution", "binary"])
@pytest.mark.parametrize("batchnorm", ["weights", "outputs"])
@pytest.mark.parametrize("per", ["layer", "output"])
def test_of_images_it_is_fitted_to_what_came_out_of_the_chip(per, batchnorm, kind):
    """By numpy, from inputs and outputs of the chip's layers, for a plan that has digital parts already."""
    base = replace(Plan.of(network(kind)), batchnorm=batchnorm)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        if kind != "binary":
            shape = base.model.state_dict()["fc1.weight"].shape
            base = base.with_layer("fc1", shift=torch.randn(shape[0]), correction=0.1 * torch.randn(shape))
    ledger = Ledger.of(160)
    options = {"source": "images", "per": per, "count": 30}
    step = method("gain", **options)
    bench = bench_of(base, step.needs, hardware=WIRED, chip=2, ledger=ledger)
    plan = step.apply(base, bench)
    assert (ledger.images, ledger.forward_images, ledger.labels) == (30, 30, 0)
    passed = bench.forward(base, bench.images(30))
    chip = realise(base, WIRED, seed=2)
    for name, layer in chip.layers.items():
        x, y = passed.inputs[name], passed.layers[name]
        silent = layer.gain is not None and layer.gain.abs().min() < 1e-6
        assert not silent
        with torch.no_grad():
            digital = torch.zeros_like(y) if layer.addend is None else layer.multiplied(x, layer.addend, None)
            ideal = layer.multiplied(x, layer.weight, None)
        ideal, y, digital = (t.movedim(1, -1).reshape(-1, layer.outputs).double().numpy() for t in (ideal, y, digital))
        norm = np.ones(layer.outputs) if layer.gain is None else layer.gain.double().numpy()
        offset = sum(part.detach().double().numpy() for part in (layer.bias, layer.shift) if part is not None)
        # y = norm (gain p) + offset + digital, and what is wanted is norm (x w) + offset.
        read, wanted = y - offset - digital, norm * ideal - digital
        gain = plan.layer(name).gain.numpy()
        pairs = [(read.ravel(), wanted.ravel())] if per == "layer" else list(zip(read.T, wanted.T, strict=True))
        for (p, z), value in zip(pairs, np.atleast_1d(gain), strict=True):
            np.testing.assert_allclose(value, np.linalg.lstsq(p[:, None], z, rcond=None)[0][0], rtol=1e-4)


def test_the_chip_gives_what_its_map_says():
    """Without noise of writing the two sources agree where all inputs matter alike; here, to some per cent."""
    maps, _, _ = planned({}, WIRED)
    images, _, _ = planned({"source": "images", "count": 160}, WIRED)
    for name in ("fc1", "fc2"):
        np.testing.assert_allclose(float(images.layer(name).gain), float(maps.layer(name).gain), rtol=0.15)


def test_an_addend_counts_with_the_weights():
    base = Plan.of(network())
    addend = torch.zeros(11, 64)
    addend[3, 5] = 0.7
    plan, _, _ = planned({"per": "output"}, VARIED, plan=base.with_layer("fc1", correction=addend))
    weights, real = matrices(base, VARIED, "fc1")
    weights[5, 3] -= 0.7
    expected = (weights * real).sum(axis=0) / (real * real).sum(axis=0)
    np.testing.assert_allclose(plan.layer("fc1").gain.numpy(), expected, rtol=1e-6)


def test_it_is_of_the_rows_where_they_lie():
    order = np.random.default_rng(0).permutation(64)
    plan = Plan.of(network()).with_layer("fc1", arrangement=Arrangement(rows=[order]))
    moved, base, _ = planned({}, VARIED, plan=plan)
    weights, real = matrices(base, VARIED, "fc1")
    np.testing.assert_allclose(float(moved.layer("fc1").gain), (weights * real).sum() / (real * real).sum(), rtol=1e-6)
    assert float(moved.layer("fc1").gain) != float(planned({}, VARIED)[0].layer("fc1").gain)


def test_an_output_through_which_nothing_flows_keeps_its_gain():
    base = Plan.of(network())
    weight = base.model.fc1.weight.detach().clone()
    weight[4] = 0.0
    plan, _, _ = planned({"per": "output"}, HARDWARE, plan=base.with_weights({"fc1.weight": weight}))
    clean = replace(HARDWARE, cells=Nonidealities(1e4, np.inf))
    plan, _, _ = planned({"per": "output"}, clean, plan=base.with_weights({"fc1.weight": weight}))
    assert float(plan.layer("fc1").gain[4]) == 1.0
    np.testing.assert_allclose(plan.layer("fc1").gain, 1.0, rtol=1e-6)


def test_gains_are_counted():
    cost = harness_of(hardware=WIRED).record(chain("gain:per=output"), 0).cost
    assert cost.digital_gains == 11 + 10
    assert harness_of(hardware=WIRED).record(chain("gain"), 0).cost.digital_gains == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gain:source=chip", "gain:source is 'chip': it must be one of maps, images"),
        ("gain:per=column", "gain:per is 'column': it must be one of layer, output"),
        ("gain:count=0", "gain:count is 0"),
        ("gain+gain:per=output", r"gain after gain undoes it \(gain\)"),
        ("gain+prescale", r"prescale after gain undoes it \(targets\)"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


def test_what_does_not_go_with_network_or_hardware():
    with pytest.raises(InputError, match="gain:count is 200, and there are 160 images: give count=160 or less"):
        harness_of().check([chain("gain:source=images,count=200")])
    sinh = Harness(network(), digits(), replace(HARDWARE, law=Law("sinh", v0=0.2)))
    with pytest.raises(InputError, match="cells of law 'sinh' do not have: take source=images"):
        sinh.check([chain("gain")])
    sinh.check([chain("gain:source=images,count=20")])
