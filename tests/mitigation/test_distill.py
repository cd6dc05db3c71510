"""Distillation: its loss against other code, whose levels the student has, and who the teacher is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, LEVELS, OFFSET, bench_of, harness_of, network
from scipy.special import log_softmax, softmax
from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation import Chain, Plan, chain, method
from xbarsim.mitigation.distill import distilled
from xbarsim.nn import Mapping
from xbarsim.nonideal import Levels

SHORT = {"epochs": 1, "batch": 20, "images": 60}
CLEAN = replace(HARDWARE, cells=replace(CELLS, faults=None, variation=None, cycle_variation=None))
SLICED = replace(HARDWARE, mapping=Mapping(slices=2, slice_bits=2))


def trained(kind="mlp", hardware=HARDWARE, model=None, **options):
    step = method("distill", **{**SHORT, **options})
    plan = Plan.of(model or network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, label="distill")
    return plan, step.apply(plan, bench), bench


@pytest.mark.parametrize(("temperature", "alpha"), [(2.0, 0.1), (0.7, 0.6), (5.0, 0.0), (1.0, 1.0)])
def test_the_loss(temperature, alpha):
    rng = np.random.default_rng(1)
    scores, teacher = 3.0 * rng.normal(size=(6, 4)), 3.0 * rng.normal(size=(6, 4))
    labels = np.array([3, 0, 1, 1, 2, 0])
    hard = -np.mean([log_softmax(scores, axis=1)[k, label] for k, label in enumerate(labels)])
    p, q = softmax(teacher / temperature, axis=1), softmax(scores / temperature, axis=1)
    soft = np.mean([sum(p[k, c] * np.log(p[k, c] / q[k, c]) for c in range(4)) for k in range(6)])
    value = distilled(*(torch.from_numpy(part) for part in (scores, teacher, labels)), temperature, alpha)
    np.testing.assert_allclose(float(value), alpha * hard + (1.0 - alpha) * temperature**2 * soft, rtol=1e-12)


def test_only_labels_is_the_training_of_noise():
    """With a = 1, on hardware with levels, no teacher is heard."""
    noise = method("noise", **SHORT)
    plan = Plan.of(network("mlp"))
    expected = noise.apply(plan, bench_of(plan, noise.needs, hardware=LEVELS)).fingerprint()
    assert trained(hardware=LEVELS, alpha=1.0)[1].fingerprint() == expected
    assert trained(hardware=LEVELS)[1].fingerprint() != expected


def test_the_student_comes_nearer_to_the_teacher():
    """On chips without faults and variation, of coarse levels, on images that it was not trained on."""
    hardware = replace(CLEAN, cells=replace(CLEAN.cells, levels=Levels(3)))
    before, after, bench = trained(hardware=hardware, epochs=30, rate=0.005, images=160)
    images = bench.labelled().images[120:]
    with torch.no_grad():
        teacher = before.model(images).softmax(dim=1)
        distances = [
            float((bench.simulated_network(plan)(images).softmax(dim=1) - teacher).abs().mean())
            for plan in (before, after)
        ]
    assert distances[1] < 0.6 * distances[0]


def test_without_labels_in_the_loss_they_say_nothing(monkeypatch):
    """Of a = 0 the same plan comes from any labels; with the default it does not."""
    outcomes = {}
    for alpha in (0.0, 0.1):
        step, plan = method("distill", **SHORT, alpha=alpha), Plan.of(network("mlp"))
        for change in (0, 3):
            bench = bench_of(plan, step.needs)
            data = bench.labelled(60)
            other = replace(data, labels=(data.labels + change) % 10)
            monkeypatch.setattr(bench, "labelled", lambda _, other=other: other)
            outcomes[alpha, change] = step.apply(plan, bench).fingerprint()
    assert outcomes[0.0, 0] == outcomes[0.0, 3]
    assert outcomes[0.1, 0] != outcomes[0.1, 3]


@pytest.mark.parametrize("bits", [None, 3])
def test_weights_come_out_on_levels_where_hardware_has_none(bits):
    _, after, _ = trained(bits=bits)
    steps = 2 ** (bits or 4) - 1
    for layer in (after.model.fc1, after.model.fc2):
        weight = layer.weight.detach().double()
        digits = steps * weight / weight.abs().max()
        np.testing.assert_allclose(digits, digits.round(), atol=1e-4)
        assert len(digits.round().unique()) > steps


def test_weights_of_an_offset_mapping_come_out_on_its_levels():
    weight = trained(hardware=OFFSET)[1].model.fc1.weight.detach().double()
    assert len((weight / weight.abs().max() * 7).round().unique()) <= 16
    assert len((1e4 * weight / weight.abs().max()).round().unique()) <= 16


@pytest.mark.parametrize("hardware", [LEVELS, SLICED])
def test_where_hardware_has_levels_they_are_the_students(hardware):
    """Weights stay real: cells bring them to levels when they are written."""
    weight = trained(hardware=hardware)[1].model.fc1.weight.detach().double()
    assert len((1e4 * weight / weight.abs().max()).round().unique()) > 200


def test_training_is_on_the_levels():
    """A student of many levels is trained to other weights than one of few, before these are rounded."""
    plans = [trained(hardware=CLEAN, bits=bits)[1].model.fc1.weight.detach() for bits in (2, 14)]
    fine = trained(hardware=CLEAN, bits=15)[1].model.fc1.weight.detach()
    coarse_error, fine_error = (float((weight - fine).abs().mean()) for weight in plans)
    assert fine_error < 0.05 * coarse_error


def test_binary_students_have_no_levels_but_their_signs():
    _, after, _ = trained("binary", OFFSET)
    latent = after.model.state_dict()["fc1.parametrizations.weight.original"]
    assert len(latent.unique()) > 100


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("distill:temperature=0", "distill:temperature is 0: it must be above 0"),
        ("distill:temperature=-1", "distill:temperature is -1"),
        ("distill:alpha=1.5", "distill:alpha is 1.5: it must be at least 0 and at most 1"),
        ("distill:bits=0", "distill:bits is 0: it must be a whole number, at least 1"),
        ("distill:bits=21", "distill:bits is 21: it must be at most 20"),
    ],
)
def test_options_out_of_their_bounds(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


@pytest.mark.parametrize(
    ("kind", "hardware", "message"),
    [
        ("mlp", LEVELS, "distill:bits is 4, and the hardware has levels of its own, which are the student's"),
        ("mlp", SLICED, "distill:bits is 4, and the hardware has levels of its own"),
        ("binary", OFFSET, r"distill:bits is 4, and the network's weights are \+1 or -1: leave it out"),
    ],
)
def test_bits_beside_levels_are_refused(kind, hardware, message):
    harness = harness_of(kind, hardware)
    with pytest.raises(InputError, match=message):
        harness.check([Chain((method("distill", bits=4, batch=20),))])
    harness.check([Chain((method("distill", batch=20),))])


def test_a_network_that_works_in_place_is_taught():
    model = nn.Sequential(nn.Dropout(0.0, inplace=True), *network("mlp"))
    assert trained(model=model.eval())[2].trace["loss"]
