"""Chips that trainings draw: of the plan's headroom, with converters' ranges, and alike where they are to be."""

from dataclasses import replace

import pytest
import torch
from mitigation_tools import ENDS, HARDWARE, bench_of, harness_of, network

from xbarsim.mitigation import Bench, Plan, chain
from xbarsim.mitigation.catalogue import method
from xbarsim.mitigation.trained_weights import TrainedWeights
from xbarsim.nn import Law
from xbarsim.nn import Mapping as WeightMapping
from xbarsim.nonideal import WriteVerify

BENT = replace(HARDWARE, law=Law("sinh"))


@pytest.mark.parametrize("scale", ["frozen", "dynamic"])
def test_each_drawn_chip_has_the_headroom_of_the_plan(scale, monkeypatch):
    hardware = replace(ENDS, mapping=WeightMapping(scale=scale))
    plan = Plan.of(network("mlp")).with_layer("fc1", headroom=3.0)
    shares = []
    reprogram = Bench.reprogram

    def watched(bench, network_, *arguments, **options):
        reprogram(bench, network_, *arguments, **options)
        layer = network_.layers["fc1"]
        shares.append(float(layer.weight.detach().abs().max() / layer.scales()[0].detach().max()))

    monkeypatch.setattr(Bench, "reprogram", watched)
    training = method("technology-exact", images=60, batch=20, gain=False, rate=1e-4)
    training.apply(plan, bench_of(plan, training.needs, hardware=hardware))
    assert shares == pytest.approx([1 / 3] * 3, rel=0.01)


@pytest.mark.parametrize("variation", ["true", "false"])
def test_nonlinear_cells_are_trained_at_volts_that_are_found_for_each_chip(variation):
    harness = harness_of("single", BENT)
    steps = chain(f"technology-exact:images=10,batch=5,gain=false,variation={variation}")
    harness.check([steps])
    plan = harness.apply(steps, 0).plan
    assert not torch.equal(plan.model.state_dict()["fc1.weight"], network("single").state_dict()["fc1.weight"])


def test_cells_are_as_they_are_asked_for_however_a_plan_has_them_written():
    plan = Plan.of(network("mlp"))
    verified = replace(plan, write_verify=WriteVerify(tolerance=0.2))
    bench = bench_of(plan, method("technology-exact").needs, hardware=ENDS)
    images = bench.labelled(20).images
    with torch.no_grad():
        assert torch.equal(bench.simulated_network(verified, None)(images), bench.simulated_network(plan, None)(images))


@pytest.mark.parametrize("per", ["layer", "column"])
def test_what_is_programmed_is_what_was_trained(per, monkeypatch):
    """Also where each output has its own scale, which is that of its largest weight as it is."""
    hardware = replace(ENDS, mapping=WeightMapping(per=per))
    start = Plan.of(network("mlp"))
    training = method("technology-exact", epochs=2, batch=20, gain=False, variation=False)
    bench = bench_of(start, training.needs, hardware=hardware)
    images, scores = bench.labelled(30).images, []
    plan_of = TrainedWeights.plan

    def watched(weights):
        with torch.no_grad():
            scores.append(weights.circuit.eval()(images))
        return plan_of(weights)

    monkeypatch.setattr(TrainedWeights, "plan", watched)
    plan = training.apply(start, bench)
    with torch.no_grad():
        programmed = bench.simulated_network(plan, None)(images)
        assert not torch.allclose(programmed, bench.simulated_network(start, None)(images), rtol=0.1)
    torch.testing.assert_close(programmed, scores[0], rtol=1e-4, atol=1e-4)
