"""How maps are stored: each choice gives the same outputs to its rounding, takes what it says, and counts no write."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from nn_tools import apart, hardware, made, numbers
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, Converter, Law, Mapping, Tiles, cells, convert
from xbarsim.nonideal import Drift, Nonidealities, ReadNoise, Variation

KINDS = ("weights", "float32", "float64", "recompute")
VARIED = Nonidealities(variation=Variation(0.2), cycle_variation=Variation(0.1))


def layered(dtype=torch.float64):
    """Convolutions, a grouped one too, and linear layers, without anything that could hide a layer's outputs."""
    kinds = [
        (nn.Conv2d, 3, 6, 3),
        (nn.Conv2d, 6, 8, 3, 2, 0, 1, 2),
        (nn.Flatten,),
        (nn.Linear, 32, 12),
        (nn.Linear, 12, 4),
    ]
    return nn.Sequential(*(made(*kind, seed=k, dtype=dtype) for k, kind in enumerate(kinds)))


def stored(layer):
    """The tensors that a layer keeps beside its parameters and buffers."""
    groups = [layer._stored.sources, *layer._stored.values.values()]
    tensors = [one for group in groups for one in group if isinstance(one, torch.Tensor)]
    return {one.untyped_storage().data_ptr(): one for one in tensors}.values()


def outputs(network, *inputs):
    with torch.no_grad():
        return network(*inputs)


@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"cells": VARIED},
        {"adc": Converter(bits=9, range="batch", per="tile")},
        {"dac": Converter(bits=7, range="batch")},
        {"encoding": "bit-serial", "adc": Converter(bits=9, range="batch")},
    ],
    ids=["plain", "varied", "adc", "dac", "serial"],
)
@pytest.mark.parametrize("bias", ["digital", "row"])
def test_outputs_are_those_of_double_precision(mapping, more, bias, monkeypatch):
    monkeypatch.setattr(cells, "TOGETHER", 300)
    chips = hardware(mapping, 23, 9, **more)
    exact = convert(layered(), chips, bias=bias).program(3).eval()
    x = numbers(3, 3, 7, 7)
    expected = outputs(exact, x)
    single = convert(layered(torch.float32), chips, bias=bias).program(3).eval()
    for kind in KINDS:
        single.keep_maps(kind)
        found = outputs(single, x.float())
        assert found.dtype == torch.float32
        # A converter may round to the next step what single precision puts on the other side of its middle.
        assert apart(found, expected) < (2e-6 if not more or "cells" in more else 0.1)
    exact.keep_maps("recompute")
    assert apart(outputs(exact, x), expected) < 1e-13
    assert outputs(exact.keep_maps("float64"), x).equal(expected), "they were in double precision already"
    if not more:
        assert apart(outputs(exact.keep_maps("float32"), x), expected) > 1e-9


def test_bytes_that_are_kept():
    network = convert(made(nn.Linear, 40, 30, dtype=torch.float32), hardware()).program(0).eval()
    layer = network.layers["model"]
    weights = layer.weight.numel()
    found = {}
    for kind in KINDS:
        network.keep_maps(kind).prepare()
        outputs(network, numbers(2, 40, dtype=torch.float32))
        found[kind] = sum(one.nbytes for one in stored(layer)) - layer.scale.nbytes * (kind != "recompute")
    assert found == {"weights": 8 * weights, "float32": 8 * weights, "float64": 12 * weights, "recompute": 0}
    double = convert(made(nn.Linear, 40, 30), hardware()).program(0).eval().keep_maps("float32").prepare()
    assert sorted(one.nbytes // weights for one in stored(double.layers["model"]) if one.numel() > 1) == [4, 8]


def test_double_precision_is_that_of_the_product():
    """Weights and inputs in single precision, maps and products in double: what float64 of all gives, rounded once."""
    model = made(nn.Linear, 50, 20, dtype=torch.float32)
    x = numbers(4, 50, dtype=torch.float32)
    network = convert(model, hardware()).program(0).eval()
    expected = outputs(convert(copy.deepcopy(model).double(), hardware()).program(0).eval(), x.double())
    assert outputs(network.keep_maps("float64"), x).equal(expected.float())
    assert not outputs(network.keep_maps("float32"), x).equal(expected.float())


@pytest.mark.parametrize("kind", ["LSTM", "RNN"])
def test_series_take_every_kind(kind):
    model = made(getattr(nn, kind), 6, 5, dtype=torch.float32)
    x = numbers(4, 2, 6, dtype=torch.float32)
    network = convert(model, hardware()).program(0).eval()
    with torch.no_grad():
        expected = network(x)[0]
        for storage in KINDS[1:]:
            assert apart(network.keep_maps(storage)(x)[0], expected) < 1e-6


def test_what_is_recomputed_is_never_all_there(monkeypatch):
    """A linear layer is reduced and multiplied some arrays at a time; each forward pass does it again."""
    from xbarsim.nn import arrays

    monkeypatch.setattr(cells, "TOGETHER", 100)
    network = convert(made(nn.Linear, 60, 50), hardware()).program(0).eval().keep_maps("recompute")
    layer = network.layers["model"]
    sizes = []
    whole = arrays.effective_matrices
    monkeypatch.setattr(arrays, "effective_matrices", lambda state: sizes.append("whole") or whole(state))
    reduce = cells.maps
    monkeypatch.setattr(cells, "maps", lambda g, state, tiles: sizes.append(len(tiles)) or reduce(g, state, tiles))
    for _ in range(2):
        sizes.clear()
        outputs(network, numbers(2, 60))
        assert sum(sizes) == len(layer.places) == 180
        assert max(sizes) < 10
        assert not list(stored(layer))
    sizes.clear()
    network.prepare(lambda *counts: sizes.append(counts))
    assert sizes == [], "there is nothing to prepare"


def test_a_gradient_is_that_of_stored_maps():
    x = numbers(3, 9)
    for training in (True, False):
        grads = []
        for kind in ("weights", "recompute"):
            network = convert(made(nn.Linear, 9, 7), hardware(mapping="reference")).program(0).train(training)
            inputs = x.clone().requires_grad_()
            network.keep_maps(kind)(inputs).square().sum().backward()
            grads.append((network.layers["model"].weight.grad, inputs.grad))
        assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_a_change_of_kind_is_no_write_and_a_change_of_weights_is_one(first, second):
    """Noise of writing is drawn anew only where weights have changed, however that is known."""
    network = convert(made(nn.Linear, 9, 7), hardware(cells=VARIED)).program(0).eval()
    layer, x = network.layers["model"], numbers(2, 9)
    before = outputs(network.keep_maps(first), x)
    assert apart(outputs(network.keep_maps(second), x), before) < 1e-6
    assert layer.writes == 0
    with torch.no_grad():
        layer.weight[3, 2] *= 1.0 + 1e-15
    assert layer.next_write == 1
    network.keep_maps(first)
    after = outputs(network, x)
    assert layer.writes == 1
    assert apart(after, before) > 1e-3
    assert apart(outputs(network.keep_maps(second), x), after) < 1e-6
    assert layer.writes == 1


def test_wider_weights_are_no_other_ones():
    network = convert(made(nn.Linear, 9, 7, dtype=torch.float32), hardware(cells=VARIED)).program(0).eval()
    network.keep_maps("recompute")
    outputs(network, numbers(2, 9, dtype=torch.float32))
    assert network.double().layers["model"].next_write == 0
    with torch.no_grad():
        network.layers["model"].weight[0, 0] += 1e-5
    assert network.layers["model"].next_write == 1


def test_arranged_lines_grouped_convolutions_and_other_laws_take_every_kind():
    order = np.random.default_rng(0).permutation(9)
    networks = [
        (convert(made(nn.Linear, 9, 7), hardware()), numbers(2, 9)),
        (convert(made(nn.Conv2d, 4, 6, 3, groups=2), hardware()), numbers(2, 4, 5, 5)),
        (convert(made(nn.Linear, 9, 7), hardware(law=Law("sinh"))), numbers(2, 9)),
    ]
    networks[0][0].layers["model"].arrange(Arrangement(rows=[order], flips=[order % 2 == 0]))
    for network, x in networks:
        network.program(2).eval()
        expected = outputs(network, x)
        for kind in KINDS[1:]:
            assert apart(outputs(network.keep_maps(kind), x), expected) < 1e-6


def test_reads_with_noise_and_drift_are_the_same_ones():
    noisy = hardware(cells=Nonidealities(read_noise=ReadNoise(0.1), drift=Drift(nu=0.1)))
    networks = [convert(made(nn.Linear, 9, 7), noisy).program(0).eval().keep_maps(k) for k in ("weights", "recompute")]
    found = [[outputs(network.at(t), numbers(2, 9)) for t in (1.0, 1.0, 50.0)] for network in networks]
    for a, b in zip(*found, strict=True):
        assert apart(a, b) < 1e-13
    assert apart(found[0][0], found[0][1]) > 1e-3


def test_a_kind_that_is_none_is_refused():
    network = convert(made(nn.Linear, 9, 7), hardware())
    with pytest.raises(InputError, match="map_storage is 'float16': there are weights, float32, float64, recompute"):
        network.keep_maps("float16")
    assert network.layers["model"].map_storage == "weights"
    one_layer = convert(layered(), hardware()).layers["0"]
    one_layer.map_storage = "recompute"
    assert one_layer.recomputes


def test_slices_of_wide_layers_are_cut_between_arrays(monkeypatch):
    """Columns of a strip are programmed in parts that hold all planes of their arrays, of scales by column too."""
    hw = replace(hardware(), tiles=Tiles(4, 3), mapping=Mapping("differential", per="column", slices=2, slice_bits=3))
    networks = []
    for together in (1, 200, 1 << 19):
        monkeypatch.setattr(cells, "TOGETHER", together)
        network = convert(made(nn.Linear, 10, 17), hw).program(0).eval()
        networks.append(outputs(network, numbers(2, 10)))
        assert [len(strip) % 4 for strip in cells.targets(network.layers["model"].array_state())]
    assert networks[0].equal(networks[1])
    assert networks[0].equal(networks[2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [False, True])
def test_gradients_of_layers_that_are_wider_than_what_is_reduced_at_a_time(kind, training, monkeypatch):
    """Stored strips are cut where those are that a gradient makes again."""
    chips = hardware(rows=7, cols=5, adc=Converter(bits=30, range="batch", per="tile"))
    x = numbers(3, 10)

    def slopes(cells_together):
        monkeypatch.setattr(cells, "TOGETHER", cells_together)
        network = convert(made(nn.Linear, 10, 23), chips).program(0).train(training).keep_maps(kind)
        driven = x.clone().requires_grad_()
        network(driven).square().sum().backward()
        return driven.grad, network.layers["model"].weight.grad

    for found, expected in zip(slopes(2 * 7 * 5 + 1), slopes(1 << 19), strict=True):
        assert apart(found, expected) < 1e-6
