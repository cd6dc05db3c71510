"""Trainings through the known chip: what moves, what does not, and by which gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import HARDWARE, OFFSET, bench_of, digits, harness_of, network
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation import Bench, Harness, LayerPlan, Plan, chain, method, realise, run
from xbarsim.mitigation.bench_images import calibration_images
from xbarsim.mitigation.realised_signs import SignsOnCircuit, has_tables, on_tables
from xbarsim.nn import Converter, Hardware, Law, Tiles
from xbarsim.nn.training import DivergedError
from xbarsim.nonideal import Faults, Nonidealities

STUCK = Hardware(tiles=Tiles(24, 7), cells=Nonidealities(faults=Faults(0.3, ocr=0.5)), fidelity="ideal")
STUCK_OFFSET = replace(STUCK, mapping=OFFSET.mapping)


def trained(name: str, kind: str, hardware: Hardware = STUCK, **options) -> tuple[Plan, Plan, Bench]:
    """Return the plan before and after, and the bench."""
    step = method(name, **{"epochs": 3, "batch": 20, **options})
    plan = Plan.of(network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, label=name)
    return plan, step.apply(plan, bench), bench


def moved(before: Plan, after: Plan) -> set[str]:
    state = before.model.state_dict()
    return {name for name, tensor in after.model.state_dict().items() if not torch.equal(tensor, state[name])}


def loss_on_chip(plan: Plan, hardware: Hardware = STUCK) -> float:
    data = bench_of(plan, method("bias").needs, hardware=hardware).labelled()
    with torch.no_grad():
        return float(functional.cross_entropy(realise(plan, hardware, seed=0)(data.images), data.labels))


@pytest.mark.parametrize("kind", ["mlp", "norm", "binary", "convolution"])
def test_bias_moves_shifts_alone(kind):
    before, after, bench = trained("bias", kind, epochs=6, rate=0.1)
    assert moved(before, after) == set()
    for settled in after.layers.values():
        assert settled.shift is not None
        assert vars(replace(settled, shift=None)) == vars(LayerPlan())
    assert len(bench.trace["loss"]) == 6
    assert loss_on_chip(after) < 0.9 * loss_on_chip(before)


def test_bias_of_one_layer_comes_to_where_the_loss_is_least():
    """The loss of one layer is convex in its biases: at the end its gradient by them is small."""
    before, after, _ = trained("bias", "single", epochs=150, batch=160, rate=0.1)
    data = bench_of(before, method("bias").needs, hardware=STUCK).labelled()
    weight, bias = (tensor.detach() for tensor in realise(before, STUCK, seed=0).layers["fc1"].effective_parameters())
    gradients = []
    for shift in (torch.zeros(10), after.layer("fc1").shift):
        whole = (bias + shift).requires_grad_()
        functional.cross_entropy(data.images.flatten(1) @ weight.T + whole, data.labels).backward()
        gradients.append(float(whole.grad.norm()))
    assert gradients[1] < 0.02 * gradients[0]


def test_bias_is_added_to_a_shift_that_is_settled():
    step = method("bias", epochs=1, batch=20)
    plan = Plan.of(network("mlp")).with_layer("fc1", shift=torch.full((11,), 0.7), gain=torch.tensor(1.3))
    after = step.apply(plan, bench_of(plan, step.needs, hardware=STUCK))
    assert 0.0 < float((after.layer("fc1").shift - 0.7).abs().max()) < 0.5
    assert torch.equal(after.layer("fc1").gain, torch.tensor(1.3))


@pytest.mark.parametrize("kind", ["norm", "binary"])
def test_bn_moves_norms_alone(kind):
    before, after, _ = trained("bn", kind, epochs=6, rate=0.1)
    norms = {"norm": {"bn1"}, "binary": {"bn1", "bn2"}}[kind]
    parts = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    assert moved(before, after) == {f"{norm}.{part}" for norm in norms for part in parts}
    assert after.batchnorm == ("outputs" if kind == "norm" else "weights")
    assert loss_on_chip(after) < 0.9 * loss_on_chip(before)


@pytest.mark.parametrize("kind", ["mlp", "norm", "binary", "convolution"])
def test_retrain_lowers_the_loss_on_the_chip_below_that_of_biases(kind):
    before, after, _ = trained("retrain", kind, epochs=6, rate=0.01)
    _, shifted, _ = trained("bias", kind, epochs=6, rate=0.01)
    assert loss_on_chip(after) < 0.8 * min(loss_on_chip(before), loss_on_chip(shifted))


def test_retrain_keeps_weights_within_the_scale_and_the_scale():
    before, after, _ = trained("retrain", "mlp", epochs=6, rate=0.03)
    pairs = zip(realise(before, STUCK).layers.values(), realise(after, STUCK).layers.values(), strict=True)
    for layer, retrained in pairs:
        assert float(retrained.weight.detach().abs().max()) <= float(layer.scale)
        np.testing.assert_allclose(float(retrained.scale), float(layer.scale), rtol=1e-6)


def test_retrain_leaves_weights_both_of_whose_cells_are_stuck():
    before, after, _ = trained("retrain", "mlp", epochs=2, rate=0.003)
    for name, layer in realise(before, STUCK, seed=0).layers.items():
        plus, minus = (faults.T for faults, _ in layer.known())
        change = (after.model.get_submodule(name).weight - before.model.get_submodule(name).weight).detach().numpy()
        both = (plus != 0) & (minus != 0)
        assert both.any()
        assert not change[both].any()
        assert (change[(plus == 0) & (minus == 0)] != 0.0).mean() > 0.5


def latents(plan: Plan) -> dict[str, nn.Parameter]:
    state = plan.model.state_dict()
    return {name: nn.Parameter(state[plan.weight_name(name)].clone()) for name in ("fc1", "fc2")}


@pytest.mark.parametrize("hardware", [STUCK, STUCK_OFFSET, replace(STUCK, cells=HARDWARE.cells)])
def test_tables_of_signs_are_the_chip(hardware):
    """For any signs, and with what is digital beside them, outputs are those of the programmed chip."""
    generator = torch.Generator().manual_seed(2)
    needs = method("retrain", knows="maps").needs
    addend = torch.zeros(24, 64)
    addend[3, 5] = 0.7
    plan = Plan.of(network("binary")).with_layer("fc1", gain=torch.linspace(0.5, 2.0, 24), sram=addend)
    bench = bench_of(plan, needs, hardware=hardware)
    assert has_tables(plan, bench)
    model = on_tables(plan, bench).eval()
    values = {name: torch.rand(latent.shape, generator=generator) - 0.5 for name, latent in latents(plan).items()}
    other_signs = plan.with_weights({plan.weight_name(name): value for name, value in values.items()})
    with torch.no_grad():
        for name, value in values.items():
            model.get_submodule(name).parametrizations.weight.original.copy_(value)
        images = bench.labelled(50).images
        torch.testing.assert_close(model(images), bench.known_network(other_signs)(images), rtol=1e-4, atol=1e-4)


def test_tables_and_the_circuit_give_the_same_gradients():
    plan = Plan.of(network("binary"))
    bench = bench_of(plan, method("retrain").needs, hardware=STUCK_OFFSET)
    model = on_tables(plan, bench).train()
    circuit = SignsOnCircuit(bench.known_network(plan).train(), latents(plan))
    data = bench.labelled(40)
    for module in (model, circuit):
        functional.cross_entropy(module(data.images), data.labels).backward()
    for name, latent in circuit.latents.items():
        expected = model.get_submodule(name).parametrizations.weight.original.grad
        assert float(expected.abs().max()) > 1e-4
        torch.testing.assert_close(latent.grad, expected, rtol=1e-3, atol=1e-6)
    assert {id(parameter) for parameter in circuit.trained()} == {
        id(parameter)
        for parameter in (
            *circuit.latents.values(),
            *circuit.network.model.bn1.parameters(),
            *circuit.network.model.bn2.parameters(),
        )
    }


@pytest.mark.slow
def test_signs_are_trained_through_wires():
    wired = replace(STUCK_OFFSET, fidelity="accurate", mapping=STUCK.mapping)
    before, after, _ = trained("retrain", "binary", hardware=wired, epochs=2, rate=0.01, images=100)
    assert {"fc1.parametrizations.weight.original", "bn1.weight"} <= moved(before, after)
    assert float(after.model.state_dict()["fc1.parametrizations.weight.original"].abs().max()) <= 1.0
    assert loss_on_chip(after, wired) < 0.8 * loss_on_chip(before, wired)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [("bias", "mlp"), ("bn", "norm"), ("retrain", "mlp")])
def test_options_act(name, kind):
    varied = HARDWARE
    base = trained(name, kind, varied)[1].fingerprint()
    for options in ({"epochs": 2}, {"batch": 16}, {"rate": 0.02}, {"images": 120}, {"knows": "maps"}):
        assert trained(name, kind, varied, **options)[1].fingerprint() != base, options


def test_images_are_counted_once():
    step = method("retrain", epochs=3, batch=20, images=50)
    application = harness_of("mlp", STUCK).apply(chain(step.label), 0)
    assert (application.ledger.labels, application.ledger.images) == (50, 0)
    assert application.ledger.gradient_steps == 3 * 2


def test_training_that_diverges_is_a_failure_of_its_pair():
    with pytest.raises(DivergedError, match="give a smaller rate"):
        trained("bn", "binary", rate=3e37)
    study = run(network("binary"), digits(), STUCK, [chain("bn:rate=3e37,batch=20")], seeds=[0], jobs=1)
    assert [(failure.label, failure.seed) for failure in study.failures] == [("bn:batch=20,rate=3e+37", 0)]


@pytest.mark.parametrize(
    ("text", "kind", "hardware", "message"),
    [
        ("retrain:images=5000", "mlp", STUCK, "retrain:images is 5000, and there are 160 to train on: ask for fewer"),
        ("bias:batch=200", "mlp", STUCK, "bias:batch is 200, and there are 160 images: give a smaller batch"),
        ("bias:images=10,batch=20", "mlp", STUCK, "bias:batch is 20, and there are 10 images"),
        ("bn", "mlp", STUCK, "bn needs BatchNorm, and the network has none"),
        ("retrain", "mlp", replace(STUCK, adc=Converter(bits=6)), "retrain needs gradients, and adc.bits"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(text, kind, hardware, message):
    with pytest.raises(InputError, match=message):
        harness_of(kind, hardware).check([chain(text)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("retrain:epochs=0", "retrain:epochs is 0"),
        ("bn:batch=1", "bn:batch is 1: it must be a whole number, at least 2"),
        ("bias:rate=0", "bias:rate is 0: it must be above 0"),
        ("bias:images=0", "bias:images is 0"),
        ("bn:knows=all", "it must be one of faults, maps"),
        ("fpt+retrain", "retrain after fpt undoes it"),
        ("fpt+bn", "bn after fpt undoes it"),
        ("bias+fpt", "fpt after bias undoes it"),
    ],
)
def test_bad_options_and_chains_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)
    assert chain("retrain+fpt").label == "retrain+fpt"


def plain_norm(**options) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 11), nn.BatchNorm1d(11, **options), nn.ReLU(), nn.Linear(11, 10)
    ).eval()


def test_norms_without_parameters_are_refused():
    with pytest.raises(InputError, match="bn trains gamma and beta, and no BatchNorm of the network has them"):
        Harness(plain_norm(affine=False), digits(), STUCK).check([chain("bn:batch=20")])
    Harness(plain_norm(), digits(), STUCK).check([chain("bn:batch=20")])


def test_norms_without_running_statistics_are_run():
    record = Harness(plain_norm(track_running_stats=False), digits(), STUCK).record(chain("bias:batch=20,epochs=1"), 0)
    assert record.cost.digital_gains == 21


BENT = Hardware(tiles=Tiles(64, 10), cells=Nonidealities(faults=Faults(0.15, ocr=0.5)), law=Law("sinh", v0=0.3))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "kind"),
    [("bias:epochs=4,batch=20,rate=0.1", "single"), ("retrain:epochs=3,batch=20,rate=0.01", "single")],
)
def test_cells_of_another_law_are_trained_through(text, kind):
    """Of sinh cells with wires: outputs are far from what weights say, and no matrix tells them."""
    step = chain(text).steps[0]
    before = Plan.of(network(kind))
    bench = bench_of(before, step.needs, hardware=BENT, label=step.name)
    after = step.apply(before, bench)
    with torch.no_grad():
        data = bench.labelled()
        losses = [
            float(functional.cross_entropy(bench.known_network(plan)(data.images), data.labels))
            for plan in (before, after)
        ]
    assert losses[1] < 0.9 * losses[0]
    assert bench.trace["loss"][-1] < bench.trace["loss"][0]


@pytest.mark.slow
def test_volts_follow_what_is_trained(monkeypatch):
    """After each epoch but the last ranges are found anew, of cells whose outputs depend on volts."""
    networks = []
    original = Bench.recalibrate

    def counted(bench, network):
        networks.append(network)
        original(bench, network)

    monkeypatch.setattr(Bench, "recalibrate", counted)
    step = method("retrain", epochs=3, batch=40, rate=0.2)
    plan = Plan.of(network("mlp"))
    bench = bench_of(plan, step.needs, hardware=replace(BENT, fidelity="ideal"), label="retrain")
    step.apply(plan, bench)
    assert len(networks) == 2
    assert networks[0] is networks[1]
    fresh = realise(plan, replace(BENT, fidelity="ideal"), seed=0)
    fresh.calibrate(calibration_images(digits()))
    assert not torch.equal(networks[0].layers["fc2"].input_range, fresh.layers["fc2"].input_range)


def test_a_binary_network_s_tables_are_of_linear_cells():
    plan = Plan.of(network("binary"))
    for law, tables in ((Law(), True), (Law("sinh"), False)):
        bench = bench_of(plan, method("retrain").needs, hardware=replace(STUCK, law=law))
        assert has_tables(plan, bench) is tables
    with pytest.raises(InputError, match=r"retrain needs gradients, and dac\.bits"):
        harness_of("mlp", replace(BENT, dac=Converter(bits=6))).check([chain("retrain")])
    harness_of("single", BENT).check([chain("retrain")])
