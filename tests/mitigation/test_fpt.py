"""Free parameter tuning against its equations in numpy, and against what it promises of outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation import Bench, Harness, LayerPlan, Plan, chain, method, realise
from xbarsim.mitigation.chip_socket import ChipSocket
from xbarsim.mitigation.forward_pass import forward_pass
from xbarsim.mitigation.inserted_norm import InsertedNorm, Moments, folded
from xbarsim.mitigation.known_chips import KnownChips
from xbarsim.mitigation.ledger import Ledger
from xbarsim.nn import Hardware, convert
from xbarsim.nn.binary import Sign, binarised
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.hardware_parts import Tiles, Wires
from xbarsim.nonideal import Faults, Nonidealities, Variation

FAULTY = Hardware(tiles=Tiles(20, 14), cells=Nonidealities(faults=Faults(0.15, 0.5)), fidelity="ideal")


def digits() -> Dataset:
    return load("digits").split(validation=200)


def drawn(model: nn.Module, seed: int = 3) -> nn.Module:
    """Return a network all of whose numbers differ, in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
                if "var" in name:
                    tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return model.eval()


def plain_mlp() -> nn.Module:
    return drawn(nn.Sequential(nn.Flatten(), nn.Linear(64, 17), nn.ReLU(), nn.Linear(17, 10)))


def normed_mlp() -> nn.Module:
    return drawn(
        nn.Sequential(
            nn.Flatten(), nn.Linear(64, 17), nn.BatchNorm1d(17), nn.ReLU(), nn.Linear(17, 10), nn.BatchNorm1d(10)
        )
    )


def binary_mlp() -> nn.Module:
    return drawn(
        nn.Sequential(
            nn.Flatten(), binarised(nn.Linear(64, 17, bias=False)), nn.BatchNorm1d(17), Sign(),
            binarised(nn.Linear(17, 10, bias=False)), nn.BatchNorm1d(10),
        )
    )  # fmt: skip


def mixed_net() -> nn.Module:
    """A norm behind the convolution alone."""
    return drawn(
        nn.Sequential(
            nn.Conv2d(1, 4, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 2),
            nn.ReLU(), nn.Flatten(), nn.Linear(12, 10),
        )
    )  # fmt: skip


def bench_of(model: nn.Module, text: str, hardware: Hardware = FAULTY, seed: int = 5) -> tuple[Bench, Ledger]:
    """Return what a method is given, on one chip."""
    needs, data = method(*parts(text)[:1], **parts(text)[1]).needs, digits()
    ledger = Ledger.of(len(data.train))
    known = None
    if needs.knows != "hardware":
        known = KnownChips.of(realise(Plan.of(model), hardware, seed=seed), hardware, needs.knows)
    socket = ChipSocket(hardware, seed, ledger, lambda network: network)
    return Bench(needs, "fpt", hardware, data, seed=11, ledger=ledger, knowledge=known, socket=socket), ledger


def parts(text: str):
    step = chain(text).steps[0]
    return step.name, step.options()


def tuned(model: nn.Module, text: str = "fpt:iterations=4,batch=8", hardware: Hardware = FAULTY, seed: int = 5):
    """Return the plan that tuning comes to, the images it took, and the counts."""
    name, options = parts(text)
    bench, ledger = bench_of(model, text, hardware, seed)
    plan = method(name, **options).apply(Plan.of(model), bench)
    return plan, bench.images(options["iterations"] * options["batch"]), ledger


def by_hand(
    model: nn.Sequential, images: np.ndarray, batch: int, momentum: float, running: bool
) -> dict[str, np.ndarray]:
    """Return a normed MLP's statistics on its chip by the equations of the method, in double precision."""
    network = realise(Plan(model, batchnorm="outputs"), FAULTY, seed=5)
    weights = {name: layer.effective_matrices()[0].detach().double().numpy() for name, layer in network.layers.items()}
    state = {name: tensor.double().numpy().copy() for name, tensor in model.state_dict().items()}
    for first in range(0, len(images), batch):
        x = images[first : first + batch].reshape(batch, -1)
        for layer, norm in (("1", "2"), ("4", "5")):
            z = x @ weights[layer] + state[f"{layer}.bias"]
            mean, var = z.mean(axis=0), z.var(axis=0)
            used = (state[f"{norm}.running_mean"], state[f"{norm}.running_var"]) if running else (mean, var)
            y = state[f"{norm}.weight"] * (z - used[0]) / np.sqrt(used[1] + 1e-5) + state[f"{norm}.bias"]
            x = np.maximum(y, 0.0)
            for part, value in (("running_mean", mean), ("running_var", var * batch / (batch - 1))):
                state[f"{norm}.{part}"] = (1 - momentum) * state[f"{norm}.{part}"] + momentum * value
    return state


@pytest.mark.parametrize("normalise", ["batch", "running"])
def test_statistics_are_those_of_the_equations(normalise):
    model = normed_mlp()
    plan, images, _ = tuned(model, f"fpt:iterations=5,batch=8,momentum=0.25,normalise={normalise}")
    expected = by_hand(model, images.double().numpy(), 8, 0.25, normalise == "running")
    state = plan.model.state_dict()
    for name in state:
        np.testing.assert_allclose(state[name].numpy(), expected[name], rtol=2e-4, atol=2e-4, err_msg=name)
    assert not torch.equal(state["5.running_mean"], model.state_dict()["5.running_mean"])


@pytest.mark.parametrize("make", [plain_mlp, mixed_net])
def test_outputs_of_layers_without_norm_get_the_mean_and_variance_of_the_fault_free_network(make):
    """With one batch and momentum 1 the running statistics are the batch's, so that this holds layer by layer."""
    model = make()
    plan, images, _ = tuned(model, "fpt:iterations=1,batch=64,momentum=1")
    real = forward_pass(realise(plan, FAULTY, seed=5), images)
    exact = forward_pass(convert(model, Hardware(fidelity="ideal"), fold_batchnorm=False).program(0).eval(), images)
    bare = [name for name in real.layers if plan.layer(name).gain is not None]
    assert bare == (["1", "3"] if make is plain_mlp else ["4", "7"])
    if make is plain_mlp:
        # The unbiased variance that is kept is 64 / 63 of the one that normalises the first layer's outputs meanwhile.
        for name, tolerance in (("1", 1e-4), ("3", 0.03)):
            for statistic in (torch.mean, torch.std):
                numbers = [statistic(passed.layers[name], dim=0) for passed in (real, exact)]
                torch.testing.assert_close(*numbers, rtol=tolerance, atol=tolerance)


def test_an_inserted_norm_is_the_identity():
    generator = torch.Generator().manual_seed(0)
    for shape, dim in (((50, 7), -1), ((6, 7, 5, 4), 1), ((6, 5, 7), -1)):
        x = 3.0 * torch.randn(shape, generator=generator) + 1.5
        moments = Moments()
        for part in x.split(2):
            moments.add(part, dim)
        norm = InsertedNorm(*moments.statistics(), dim, 0.1).eval().requires_grad_(False)
        assert float((norm(x) - x).abs().max()) < 1e-5
        flat = x.movedim(dim, -1).reshape(-1, 7)
        torch.testing.assert_close(norm.norm.running_mean, flat.mean(dim=0))
        torch.testing.assert_close(norm.norm.running_var, flat.var(dim=0))


def test_statistics_that_hardly_move_leave_the_chip_as_it_is():
    model = plain_mlp()
    plan, images, _ = tuned(model, "fpt:iterations=2,batch=8,momentum=1e-9")
    real, before = (realise(some, FAULTY, seed=5)(images) for some in (plan, Plan.of(model)))
    assert float((real - before).detach().abs().max()) < 1e-5


def test_what_is_mapped_stays():
    for make in (plain_mlp, normed_mlp, binary_mlp, mixed_net):
        model = make()
        plan, _, _ = tuned(model)
        assert plan.batchnorm == ("outputs" if make in (normed_mlp, mixed_net) else "weights")
        for name, parameter in plan.model.named_parameters():
            assert torch.equal(parameter, dict(model.named_parameters())[name])
        changed = {
            name
            for name, tensor in plan.model.state_dict().items()
            if not torch.equal(tensor, model.state_dict()[name])
        }
        assert changed == {name for name in model.state_dict() if "running" in name}


def test_a_norm_is_folded_behind_what_is_settled_already():
    """``a (g p + A x + b + s) + c`` for numbers all of which differ."""
    generator = torch.Generator().manual_seed(1)
    g, s, b, p = torch.rand((4, 5), generator=generator) + 0.5
    sram, correction = torch.rand((2, 5, 3), generator=generator)
    x = torch.rand(3, generator=generator)
    plan = Plan(nn.Linear(3, 5), {"model": LayerPlan(gain=g, shift=s, sram=sram, correction=correction)})
    norm = InsertedNorm(torch.rand(5), torch.rand(5) + 0.5, -1, 1.0)
    norm(torch.randn(9, 5, generator=generator))
    norm.eval()
    settled = folded(plan, "model", norm, b).layer("model")
    before = g * p + (sram + correction) @ x + b + s
    after = settled.gain * p + settled.addend @ x + b + settled.shift
    torch.testing.assert_close(after, norm(before[None])[0].detach(), rtol=1e-5, atol=1e-5)


def test_options_act():
    base = tuned(plain_mlp())[0].fingerprint()
    for text in (
        "iterations=5,batch=8",
        "iterations=4,batch=9",
        "iterations=4,batch=8,momentum=0.2",
        "iterations=4,batch=8,normalise=running",
    ):
        assert tuned(plain_mlp(), f"fpt:{text}")[0].fingerprint() != base, text


def test_a_map_of_faults_stands_for_the_chip_where_there_is_no_more_to_know():
    model = plain_mlp()
    by_chip, _, chip_counts = tuned(model)
    by_map, _, map_counts = tuned(model, "fpt:iterations=4,batch=8,source=faults")
    assert by_map.fingerprint() == by_chip.fingerprint()
    assert (chip_counts.forward_images, map_counts.forward_images) == (32, 0)
    varied = Hardware(
        tiles=FAULTY.tiles, cells=Nonidealities(faults=Faults(0.15, 0.5), variation=Variation(0.5)), fidelity="ideal"
    )
    assert tuned(model, hardware=varied)[0].fingerprint() != by_chip.fingerprint()
    assert tuned(model, "fpt:iterations=4,batch=8,source=faults", varied)[0].fingerprint() == by_chip.fingerprint()


def test_counts_and_needs():
    _, _, ledger = tuned(normed_mlp())
    assert (ledger.images, ledger.labels, ledger.forward_images, ledger.gradient_steps) == (32, 0, 32, 0)
    assert method("fpt").needs.to_dict() == {"data": "images", "knows": "hardware", "chip": "forward"}
    assert method("fpt", source="faults").needs.to_dict() == {"data": "images", "knows": "faults", "chip": "none"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fpt:batch=1", "fpt:batch is 1: it must be a whole number, at least 2"),
        ("fpt:iterations=0", "fpt:iterations is 0"),
        ("fpt:momentum=0", "fpt:momentum is 0: it must be above 0"),
        ("fpt:momentum=1.5", "fpt:momentum is 1.5"),
        ("fpt:normalise=layer", "it must be one of batch, running"),
        ("fpt:source=test", "it must be one of chip, faults"),
        ("fpt+fpt", "undoes it"),
    ],
)
def test_bad_options_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


def test_what_it_cannot_work_on_is_refused_before_any_work():
    harness = Harness(plain_mlp(), digits(), FAULTY)
    with pytest.raises(InputError, match=r"40 x 32 = 1280 images, and there are \d+ to train on: give fewer"):
        harness.check([chain("fpt:iterations=40")])


def test_columns_that_lose_current_to_wires_are_brought_back():
    """Wires weaken whole columns, which a gain an output can undo; outputs come nearer to those of the network."""
    model = plain_mlp()
    wired = Hardware(tiles=Tiles(64, 17), wires=Wires(5.0, 5.0, 5.0, 5.0))
    plan, images, _ = tuned(model, "fpt:iterations=16,batch=32", wired)
    with torch.no_grad():
        exact = model(images)
        before, after = (
            float((realise(some, wired, seed=5)(images) - exact).norm() / exact.norm())
            for some in (Plan.of(model), plan)
        )
    assert after < 0.6 * before


@pytest.mark.parametrize(("order", "gains"), [("norm first", 2 * 11 + 2 * 10), ("norm last", 2 * 10)])
def test_numbers_of_a_norm_that_was_digital_before_cost_nothing(order, gains):
    """One right behind its layer was in the weights before; one behind a ReLU is digital with and without fpt."""
    between = [nn.BatchNorm1d(11), nn.ReLU()]
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 11), *between[:: 1 if order == "norm first" else -1])
    model.append(nn.Linear(11, 10)).eval()
    harness = Harness(model, digits(), FAULTY)
    costs = [harness.record(chain(text), 0).cost.digital_gains for text in ("none", "fpt:iterations=2,batch=20")]
    assert costs == [0, gains]
