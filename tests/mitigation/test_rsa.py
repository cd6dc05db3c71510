"""Sparse adaptation: which weights are picked, that arrays stay, the gradients of the loop, and what it brings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, OFFSET, bench_of, digits, harness_of, network
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation import Chain, Harness, Plan, chain, method, realise
from xbarsim.mitigation.loop_network import LoopNetwork
from xbarsim.nn import Converter, Wires
from xbarsim.nn.cell_law import CellLaw

STEADY = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))
SHORT = {"epochs": 1, "batch": 20, "images": 60}
SOURCES = pytest.mark.parametrize("source", ["chip", "maps", "faults"])


def trained(kind="mlp", hardware=STEADY, plan=None, **options):
    step = method("rsa", **{**SHORT, **options})
    plan = plan or Plan.of(network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, label="rsa")
    return plan, step.apply(plan, bench), bench


def srams(plan: Plan) -> dict[str, torch.Tensor]:
    return {name: settled.sram for name, settled in plan.layers.items()}


def loss_on_chip(plan: Plan, hardware=STEADY) -> float:
    data = bench_of(plan, method("rsa").needs, hardware=hardware).labelled()
    with torch.no_grad():
        return float(functional.cross_entropy(realise(plan, hardware, seed=0)(data.images), data.labels))


@pytest.mark.parametrize("pick", ["random", "importance"])
@pytest.mark.parametrize(("share", "count"), [(0.1, 81), (0.001, 1), (1e-6, 1), (1.0, 814)])
def test_as_many_weights_as_asked_for(pick, share, count):
    _, after, bench = trained(pick=pick, share=share, pick_images=60)
    assert bench.trace["picked"] == [count]
    assert sum(int((sram != 0).sum()) for sram in srams(after).values()) <= count
    assert any(sram.any() for sram in srams(after).values())


def test_random_picks_are_of_all_layers_and_of_the_methods_seed():
    masks = []
    for seed in (5, 6):
        step, plan = method("rsa", **{**SHORT, "share": 0.2}), Plan.of(network("mlp"))
        masks.append(srams(step.apply(plan, bench_of(plan, step.needs, hardware=STEADY, seed=seed))))
    shares = [float((masks[0][name] != 0).float().mean()) for name in ("fc1", "fc2")]
    # Of fc1 some inputs are dark in all images: their addends stay 0.
    assert 0.1 < shares[0] < 0.25
    assert 0.1 < shares[1] < 0.3
    assert not torch.equal(masks[0]["fc1"] != 0, masks[1]["fc1"] != 0)


@SOURCES
def test_important_weights_are_those_of_the_largest_gradients(source):
    """Of a single layer: by torch's own gradient of the loss at what the chip holds, as far as it is known."""
    hardware = replace(STEADY, cells=replace(STEADY.cells, variation=None))
    plan, after, bench = trained("single", hardware, pick="importance", pick_images=160, share=0.03, source=source)
    weight, bias = (part.detach() for part in realise(plan, hardware, seed=0).layers["fc1"].effective_parameters())
    data = bench.labelled()
    weight.requires_grad_()
    functional.cross_entropy(data.images.flatten(1) @ weight.T + bias, data.labels).backward()
    count = round(0.03 * weight.numel())
    expected = weight.grad.abs().flatten().argsort(descending=True)[:count]
    assert set(after.layer("fc1").sram.flatten().nonzero()[:, 0].tolist()) == set(expected.tolist())


def test_the_forward_pass_is_the_chips_and_the_backward_pass_that_of_the_wanted_weights():
    """Two layers by hand, with addends that are not 0."""
    plan = Plan.of(network("mlp"))
    bench = bench_of(plan, method("rsa").needs, hardware=STEADY)
    data = bench.labelled(40)
    generator = torch.Generator().manual_seed(4)
    addends = {
        name: (0.2 * torch.randn(plan.model.get_submodule(name).weight.shape, generator=generator)).requires_grad_()
        for name in ("fc1", "fc2")
    }
    scores = LoopNetwork(plan, bench, on_chip=True, label="rsa")(data.images, addends)
    chip = realise(plan, STEADY, seed=0).layers
    (first, bias), (second, shift) = (
        [part.detach() for part in chip[name].effective_parameters()] for name in ("fc1", "fc2")
    )
    a, b = (addends[name].detach() for name in ("fc1", "fc2"))
    x = data.images.flatten(1)
    before = x @ (first + a).T + bias
    hidden = before.relu()
    torch.testing.assert_close(scores.detach(), hidden @ (second + b).T + shift, rtol=1e-4, atol=1e-4)
    functional.cross_entropy(scores, data.labels).backward()
    slope = (scores.detach().softmax(dim=1) - functional.one_hot(data.labels, 10)) / 40
    torch.testing.assert_close(addends["fc2"].grad, slope.T @ hidden, rtol=1e-4, atol=1e-6)
    wanted = plan.model.fc2.weight.detach() + b
    torch.testing.assert_close(addends["fc1"].grad, ((slope @ wanted) * (before > 0)).T @ x, rtol=1e-4, atol=1e-6)


def test_with_maps_gradients_are_those_of_the_circuit():
    plan = Plan.of(network("convolution"))
    bench = bench_of(plan, method("rsa", source="maps").needs, hardware=STEADY)
    data = bench.labelled(30)
    addends = {name: torch.zeros_like(plan.model.get_submodule(name).weight, requires_grad=True)
               for name in ("conv1", "fc1")}  # fmt: skip
    scores = LoopNetwork(plan, bench, on_chip=False, label="rsa")(data.images, addends)
    functional.cross_entropy(scores, data.labels).backward()
    real = {name: layer.effective_parameters() for name, layer in realise(plan, STEADY, seed=0).layers.items()}
    kernel, matrix = (real[name][0].detach().requires_grad_() for name in ("conv1", "fc1"))
    maps = functional.conv2d(data.images, kernel, real["conv1"][1].detach(), stride=2, padding=1)
    outputs = maps.relu().flatten(1) @ matrix.T + real["fc1"][1].detach()
    functional.cross_entropy(outputs, data.labels).backward()
    torch.testing.assert_close(addends["conv1"].grad, kernel.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(addends["fc1"].grad, matrix.grad, rtol=1e-4, atol=1e-6)


@SOURCES
@pytest.mark.parametrize("kind", ["mlp", "norm", "convolution", "binary"])
def test_it_lowers_the_loss_on_the_chip_and_moves_addends_alone(kind, source):
    hardware = replace(STEADY, mapping=OFFSET.mapping) if kind == "binary" else STEADY
    before, after, bench = trained(kind, hardware, source=source, epochs=8, images=160, share=0.25, rate=0.1)
    assert loss_on_chip(after, hardware) < 0.75 * loss_on_chip(before, hardware)
    assert len(bench.trace["loss"]) == 8
    bare = after
    for name in after.layers:
        bare = bare.with_layer(name, sram=None)
        assert vars(bare.layer(name)) == vars(before.layer(name))
    assert bare.model is before.model


def test_arrays_are_programmed_once():
    harness = harness_of("mlp", HARDWARE)
    bare = harness.record(chain("none"), 0).cost
    cost = harness.record(chain("rsa:epochs=2,batch=20,share=0.1"), 0).cost
    assert (cost.writes, cost.pulses, cost.most_writes_a_cell) == (bare.writes, bare.pulses, 1)
    assert (cost.labels, cost.forward_images, cost.gradient_steps) == (160, 320, 16)
    assert 40 < cost.sram_weights <= 81
    assert cost.correction_macs == cost.digital_gains == 0


def test_images_to_pick_by_go_through_the_chip_too():
    step = chain("rsa:epochs=1,batch=20,images=40,pick=importance,pick_images=60")
    ledger = harness_of("mlp", STEADY).apply(step, 0).ledger
    assert (ledger.labels, ledger.forward_images) == (60, 40 + 60)
    maps = chain("rsa:epochs=1,batch=20,images=40,pick=importance,pick_images=60,source=maps")
    assert harness_of("mlp", STEADY).apply(maps, 0).ledger.forward_images == 0


def test_noise_of_writing_that_no_map_tells_is_seen_on_the_chip():
    """Of cells that vary from write to write the chip itself knows what was written."""
    noisy = replace(CELLS, faults=None, variation=None, cycle_variation=replace(CELLS.variation, sigma=0.8))
    hardware = replace(HARDWARE, cells=noisy)
    options = "epochs=10,batch=20,share=0.3,rate=0.05"
    after = {source: np.mean([harness_of("mlp", hardware).record(chain(f"rsa:{options},source={source}"), seed).after
                              for seed in range(3)]) for source in ("chip", "maps")}  # fmt: skip
    assert after["chip"] > after["maps"] + 0.05


@pytest.mark.parametrize(
    "hardware",
    [
        replace(STEADY, dac=Converter(bits=6), adc=Converter(bits=6)),
        replace(STEADY, wires=Wires(3.0, 3.0, 3.0, 3.0), fidelity="accurate"),
    ],
    ids=["converters", "wires"],
)
def test_the_chip_may_be_whatever_it_is(hardware):
    harness = harness_of("mlp", hardware)
    steps = chain("rsa:epochs=8,batch=20,share=0.3,rate=0.05")
    harness.check([steps])
    plans = [harness.apply(step, 0).network for step in (chain("none"), steps)]
    images, labels = (torch.from_numpy(part) for part in (digits().train.images, digits().train.labels))
    with torch.no_grad():
        losses = [float(functional.cross_entropy(net(images.float() / 255), labels)) for net in plans]
    assert losses[1] < 0.8 * losses[0]


@pytest.mark.slow
def test_cells_may_be_nonlinear():
    """A loss of a few images, which take long, is that on the chip, and falls."""
    hardware = replace(STEADY, law=CellLaw(kind="sinh"))
    before, after, bench = trained("single", hardware, epochs=3, batch=5, images=5, share=0.5, rate=0.1)
    data = bench.labelled(5)
    expected = functional.cross_entropy(bench.forward(before, data.images).outputs, data.labels)
    np.testing.assert_allclose(bench.trace["loss"][0], float(expected), rtol=1e-4)
    assert bench.trace["loss"][2] < 0.9 * bench.trace["loss"][0]
    assert after.layer("fc1").sram.any()


def test_an_addend_that_is_there_stays_beside_it():
    held = torch.zeros(11, 64)
    held[2, 30:40] = 0.4
    plan = Plan.of(network("mlp")).with_layer("fc1", sram=held, gain=torch.tensor(1.2))
    for source in ("chip", "maps"):
        _, after, bench = trained(plan=plan, source=source, rate=1e-6, share=0.01)
        torch.testing.assert_close(after.layer("fc1").sram, held, rtol=0.0, atol=1e-4)
        loss = bench.trace["loss"][0]
        data = bench.labelled(60)
        with torch.no_grad():
            expected = functional.cross_entropy(realise(plan, STEADY, seed=0)(data.images), data.labels)
        np.testing.assert_allclose(loss, float(expected), rtol=1e-3)


def test_it_goes_on_from_a_correction():
    harness = harness_of("mlp", STEADY)
    first = "output-correction:share=0.02"
    alone, both = (
        np.mean([harness.record(chain(text), seed).after for seed in range(3)])
        for text in (first, f"{first}+rsa:epochs=8,batch=20,share=0.1,rate=0.05")
    )
    assert both > alone + 0.05
    plan = harness.apply(chain(f"{first}+rsa:epochs=1,batch=20"), 0).plan
    assert plan.layer("fc1").correction.any()
    assert plan.layer("fc1").sram.any()


def test_sparse_weights_of_folded_norms_are_not_kept_when_these_become_digital():
    _, after, _ = trained("norm")
    with pytest.raises(InputError, match="sram of layer 'fc1' are of weights with a BatchNorm in them"):
        after.with_digital_norms()


class Twice(nn.Module):
    """Calls a layer twice."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.scores = nn.Linear(64, 9), nn.Linear(9, 9), nn.Linear(9, 10)

    def forward(self, images):
        hidden = torch.relu(self.first(images.flatten(1)))
        return self.scores(torch.relu(self.again(torch.relu(self.again(hidden)))))


def test_several_calls_of_a_layer_are_told_apart_in_simulation_alone():
    torch.manual_seed(1)
    harness = Harness(Twice().eval(), digits(), STEADY)
    with pytest.raises(InputError, match=r"rsa reads outputs of layer 'again' on the chip.*take source=maps"):
        harness.apply(chain("rsa:epochs=1,batch=20"), 0)
    plan = harness.apply(chain("rsa:epochs=1,batch=20,source=maps,share=0.5"), 0).plan
    assert plan.layer("again").sram.any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rsa:share=0", "rsa:share is 0: it must be above 0 and at most 1"),
        ("rsa:share=1.1", "rsa:share is 1.1"),
        ("rsa:pick=best", "rsa:pick is 'best': it must be one of random, importance"),
        ("rsa:source=guess", "rsa:source is 'guess': it must be one of chip, faults, maps"),
        ("rsa:pick_images=0", "rsa:pick_images is 0"),
        ("rsa+rsa:share=0.1", "rsa after rsa undoes it"),
        ("rsa+match-rows", r"match-rows after rsa undoes it \(rows\): take one of them, or the other order"),
        ("rsa+gain", "gain after rsa undoes it"),
        ("rsa+output-correction", "output-correction after rsa undoes it"),
        ("rsa+retrain", "retrain after rsa undoes it"),
    ],
)
def test_bad_options_and_chains_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


@pytest.mark.parametrize(
    ("options", "hardware", "message"),
    [
        ({"pick": "importance"}, STEADY, "rsa:pick_images is 2000, and there are 160 images to train on: give pick_im"),
        ({"images": 161}, STEADY, "rsa:images is 161, and there are 160 to train on"),
        ({"source": "maps"}, replace(STEADY, adc=Converter(bits=6)), "rsa needs gradients, and adc.bits"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(options, hardware, message):
    with pytest.raises(InputError, match=message):
        harness_of("mlp", hardware).check([Chain((method("rsa", **{"batch": 20, **options}),))])
