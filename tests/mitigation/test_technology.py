"""Technology-aware training: which circuit is in its loop, which chips, and what its gains are for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, ENDS, bench_of, digits, harness_of, network
from torch import nn
from torch.nn import functional

from xbarsim.errors import InputError
from xbarsim.mitigation import Bench, Plan, chain, method, realise
from xbarsim.nn import Converter, Law, Mapping, Wires
from xbarsim.nn.training import DivergedError

NAMES = pytest.mark.parametrize("name", ["technology-closed", "technology-exact"])
ALIKE = replace(ENDS, cells=replace(CELLS, faults=None, variation=None, cycle_variation=None))
"""Ends, and cells that are as they are asked for: one chip stands for all."""


def trained(name: str, hardware=ALIKE, kind: str = "mlp", **options) -> tuple[Plan, Bench]:
    step = method(name, **{"epochs": 3, "batch": 20, "rate": 0.005, **options})
    plan = Plan.of(network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, label=name)
    return step.apply(plan, bench), bench


def loss_of(plan: Plan, hardware, seed: int = 0) -> float:
    data = bench_of(plan, method("technology-exact").needs, hardware=hardware).labelled()
    with torch.no_grad():
        return float(functional.cross_entropy(realise(plan, hardware, seed=seed)(data.images), data.labels))


def weights(plan: Plan) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in plan.model.parameters()])


@pytest.mark.parametrize("wires", [Wires(0.0, 0.0, 1500.0, 0.0), Wires(0.0, 0.0, 0.0, 700.0)])
def test_where_the_closed_form_is_exact_both_come_to_the_same(wires):
    hardware = replace(ALIKE, wires=wires)
    (closed, first), (exact, second) = (trained(name, hardware, epochs=1) for name in ("technology-closed",
                                                                                      "technology-exact"))  # fmt: skip
    torch.testing.assert_close(weights(closed), weights(exact), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(first.trace["gain"], second.trace["gain"], rtol=1e-6)
    np.testing.assert_allclose(first.trace["circuit_gain"], first.trace["gain"], rtol=1e-6)


def test_with_both_ends_they_differ_and_the_circuit_needs_less_gain():
    closed, bench = trained("technology-closed")
    exact, other = trained("technology-exact")
    assert not torch.allclose(weights(closed), weights(exact), rtol=1e-3, atol=1e-3)
    assert np.less(bench.trace["circuit_gain"], bench.trace["gain"]).all()
    assert np.less(other.trace["gain"], bench.trace["gain"]).all()


@NAMES
def test_the_loss_on_the_circuit_falls_below_that_of_gains_alone(name):
    strong = replace(ALIKE, wires=Wires(0.0, 0.0, 3000.0, 3000.0))
    step = method("gain")
    plan = Plan.of(network("mlp"))
    scaled = step.apply(plan, bench_of(plan, step.needs, hardware=strong))
    after, _ = trained(name, strong, epochs=8)
    assert loss_of(after, strong) < 0.8 * loss_of(scaled, strong) < loss_of(plan, strong)


def test_wires_are_in_the_loop_of_the_circuit_alone():
    wired = replace(ALIKE, wires=replace(ALIKE.wires, word=30.0, bit=30.0))
    ours, theirs = (trained("technology-closed", kind, refit=False)[0] for kind in (ALIKE, wired))
    assert torch.equal(weights(ours), weights(theirs))
    ours, theirs = (trained("technology-exact", kind)[0] for kind in (ALIKE, wired))
    assert not torch.allclose(weights(ours), weights(theirs), rtol=1e-3, atol=1e-3)
    assert loss_of(theirs, wired) < loss_of(trained("technology-closed", wired, refit=False)[0], wired)


def test_ideal_hardware_has_no_ends_to_train_for():
    ideal = replace(ALIKE, fidelity="ideal")
    closed, bench = trained("technology-closed", ideal)
    exact, _ = trained("technology-exact", ideal)
    assert torch.equal(weights(closed), weights(exact))
    np.testing.assert_allclose(bench.trace["gain"] + bench.trace["circuit_gain"], 1.0, rtol=1e-6)


@NAMES
def test_gains_are_of_least_squares_before_training(name):
    """By hand: of the effective matrices of the circuit that is in the loop."""
    plan = Plan.of(network("mlp"))
    _, bench = trained(name, epochs=1)
    kind = "closed" if name == "technology-closed" else "accurate"
    layers = realise(plan, replace(ALIKE, fidelity=kind)).layers.values()
    for layer, gain in zip(layers, bench.trace["gain"], strict=True):
        wanted, real = (part.detach().double().numpy() for part in (layer.weight.T, layer.effective_matrices()[0]))
        np.testing.assert_allclose(gain, (wanted * real).sum() / (real * real).sum(), rtol=1e-6)


def test_the_last_gains_bring_the_circuit_nearest_to_what_was_trained():
    strong = replace(ALIKE, wires=Wires(0.0, 0.0, 3000.0, 3000.0))
    kept, refitted = (trained("technology-closed", strong, refit=refit)[0] for refit in (False, True))
    assert torch.equal(weights(kept), weights(refitted))
    goals = realise(kept, replace(strong, fidelity="closed")).layers
    for name, settled in refitted.layers.items():

        def distance(gain, name=name):
            real = realise(kept.with_layer(name, gain=gain), strong).layers[name].applied_parameters()[0]
            return float((goals[name].applied_parameters()[0] - real).detach().norm())

        least = distance(settled.gain)
        assert least < 0.9 * distance(kept.layer(name).gain)
        assert all(least < distance(settled.gain * factor) for factor in (0.99, 1.01))


@NAMES
def test_without_gain_there_is_none(name):
    plan, bench = trained(name, gain=False)
    assert all(settled.gain is None for settled in plan.layers.values())
    assert set(bench.trace) == {"loss"}


@NAMES
def test_chips_are_drawn_anew_every_few_steps(name, monkeypatch):
    """Of 8 steps an epoch, each chip is another; without variation no chip is drawn."""
    drawn = []
    reprogram = Bench.reprogram

    def watched(bench, network, *arguments, **options):
        reprogram(bench, network, *arguments, **options)
        drawn.append(network.layers["fc1"].chip.maps(0).factor.copy())

    monkeypatch.setattr(Bench, "reprogram", watched)
    trained(name, ENDS, epochs=1)
    assert len({factor.tobytes() for factor in drawn}) == len(drawn) == 8
    drawn.clear()
    trained(name, ENDS, epochs=1, every=3)
    assert len(drawn) == 2
    drawn.clear()
    trained(name, ENDS, epochs=1, variation=False)
    assert drawn == []


def test_a_drawn_chip_is_that_of_its_number_at_the_same_scales():
    plan = Plan.of(network("mlp"))
    bench = bench_of(plan, method("technology-exact").needs, hardware=ENDS)
    network_, other = bench.simulated_network(plan, 0), bench.simulated_network(plan, 4)
    with torch.no_grad():
        network_.layers["fc1"].weight.mul_(0.5)
    scale = float(network_.layers["fc1"].scale)
    bench.reprogram(network_, plan, 4, keep_scales=True)
    for name, layer in network_.layers.items():
        np.testing.assert_array_equal(layer.chip.maps(0).factor, other.layers[name].chip.maps(0).factor)
    assert float(network_.layers["fc1"].scale) == scale


def test_a_chip_without_number_has_cells_as_they_are_asked_for():
    plan = Plan.of(network("mlp"))
    bench = bench_of(plan, method("technology-exact").needs, hardware=ENDS)
    nominal, alike = bench.simulated_network(plan, None), realise(plan, ALIKE)
    images = bench.labelled(20).images
    with torch.no_grad():
        torch.testing.assert_close(nominal(images), alike(images), rtol=1e-6, atol=1e-6)
        assert not torch.allclose(bench.simulated_network(plan, 0)(images), alike(images), rtol=1e-2, atol=1e-2)


@pytest.mark.slow
@NAMES
def test_training_on_drawn_chips_is_better_on_chips_that_vary(name):
    """On three chips that the training has not seen, on average."""
    varied = replace(ENDS, cells=replace(CELLS, faults=None, variation=replace(CELLS.variation, sigma=0.8)))
    means = []
    for variation in (False, True):
        plan, _ = trained(name, varied, epochs=6, variation=variation)
        means.append(np.mean([loss_of(plan, varied, seed) for seed in range(3)]))
    assert means[1] < 0.8 * means[0]


@NAMES
def test_weights_stay_within_the_scale_and_the_scale_stays(name):
    before = realise(Plan.of(network("mlp")), ALIKE).layers
    plan, _ = trained(name, epochs=6, rate=0.03)
    for own, layer in realise(plan, ALIKE).layers.items():
        assert float(layer.weight.detach().abs().max()) <= float(before[own].scale) * (1 + 1e-6)
        np.testing.assert_allclose(float(layer.scale), float(before[own].scale), rtol=1e-6)


@NAMES
@pytest.mark.parametrize("kind", ["norm", "convolution", "binary"])
def test_other_networks_learn_through_ends(name, kind):
    plan, _ = trained(name, kind=kind, epochs=4)
    assert plan.batchnorm == ("outputs" if kind == "norm" else "weights")
    assert loss_of(plan, ALIKE) < 0.7 * loss_of(Plan.of(network(kind)), ALIKE)


@NAMES
def test_all_chips_get_one_plan_and_it_costs_labels_and_steps(name):
    harness = harness_of("mlp", ENDS)
    label = f"{name}:batch=20,images=60"
    first, second = (harness.apply(chain(label), seed) for seed in (0, 1))
    assert first.plan.fingerprint() == second.plan.fingerprint()
    ledger = first.ledger
    assert (ledger.labels, ledger.images, ledger.gradient_steps, ledger.forward_images) == (60, 0, 3, 0)


def test_a_gain_of_the_chip_itself_may_follow():
    harness = harness_of("mlp", ENDS)
    plan = harness.apply(chain("technology-closed:batch=20+gain"), 0).plan
    network_ = realise(plan, ENDS, seed=0)
    for name, layer in network_.layers.items():
        wanted, real = layer.weight.detach().double().T, layer.effective_matrices()[0].detach().double()
        expected = float((wanted * real).sum() / (real * real).sum())
        assert float(plan.layer(name).gain) == pytest.approx(expected, rel=0.01)


def test_scales_of_outputs_and_moving_scales_are_trained_too():
    for mapping in (Mapping(per="column"), Mapping(scale="dynamic")):
        plan, _ = trained("technology-closed", replace(ALIKE, mapping=mapping))
        assert loss_of(plan, replace(ALIKE, mapping=mapping)) < 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, r"TechnologyClosed.every is 0: it must be"),
        ({"variation": 1}, r"TechnologyClosed.variation is 1: it must be true or false"),
        ({"gain": "own"}, r"TechnologyClosed.gain is 'own': it must be true or false"),
        ({"refit": None}, r"TechnologyClosed.refit is None: it must be true or false"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_bad_options(options, message):
    from xbarsim.mitigation.technology_closed import TechnologyClosed

    with pytest.raises(InputError, match=message):
        TechnologyClosed(**options)


@NAMES
def test_hardware_and_data_that_it_does_not_take(name):
    for hardware, text, message in (
        (replace(ENDS, adc=Converter(bits=6)), name, f"{name} needs gradients, and adc.bits"),
        (ENDS, f"{name}:batch=500", f"{name}:batch is 500, and there are 160 images"),
        (ENDS, f"{name}:images=500", f"{name}:images is 500"),
        (replace(ENDS, law=Law("sinh")), name, f"{name} takes effective matrices, .*'sinh'"),
    ):
        with pytest.raises(InputError, match=message):
            harness_of("mlp", hardware).check([chain(text)])


@NAMES
def test_training_that_diverges_says_so(name):
    with pytest.raises((DivergedError, InputError), match=r"finite|smaller rate"):
        trained(name, rate=3e37)


def test_digits_are_small():
    """The other tests count on 8 steps of 20 images an epoch."""
    assert len(digits().train) == 160
    assert isinstance(network("mlp"), nn.Module)


FORMS = pytest.mark.parametrize("form", ["path", "first-order", "dividers"])


@FORMS
def test_each_form_of_wires_is_the_one_in_the_loop(form):
    """By hand: the first gain is of least squares between the weights and what that form has of them."""
    wired = replace(ALIKE, wires=Wires(9.0, 9.0, 9.0, 9.0))
    plan, bench = trained("technology-approximate", wired, epochs=1, form=form)
    layers = realise(Plan.of(network("mlp")), replace(wired, fidelity=form)).layers.values()
    for layer, gain in zip(layers, bench.trace["gain"], strict=True):
        wanted, real = (part.detach().double().numpy() for part in (layer.weight.T, layer.effective_matrices()[0]))
        np.testing.assert_allclose(gain, (wanted * real).sum() / (real * real).sum(), rtol=1e-6)
    assert loss_of(plan, wired) < loss_of(Plan.of(network("mlp")), wired)


def test_noise_without_the_circuit_does_not_see_wires():
    wired = replace(ENDS, wires=Wires(30.0, 30.0, 30.0, 30.0))
    ours, theirs = (trained("noise", kind, epochs=1, circuit="ideal")[0] for kind in (ENDS, wired))
    assert torch.equal(weights(ours), weights(theirs))
    inside = trained("noise", wired, epochs=1)[0]
    assert not torch.allclose(weights(inside), weights(theirs), rtol=1e-3, atol=1e-3)
