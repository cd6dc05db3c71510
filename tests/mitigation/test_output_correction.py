"""Known stuck cells made up for digitally: the fault-free network's outputs, and what a budget leaves."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, bench_of, digits, harness_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Plan, chain, method, realise
from xbarsim.mitigation.ledger import Ledger
from xbarsim.nn import Arrangement, Mapping
from xbarsim.nn.binary import plain
from xbarsim.nn.training import inputs
from xbarsim.nonideal import Fault, Faults, Nonidealities, Variation

STUCK = replace(HARDWARE, cells=Nonidealities(1e4, 1e6, faults=Faults(0.15, ocr=2.0, lrs_ohms=8e3)))
VARIED = replace(STUCK, cells=replace(STUCK.cells, variation=Variation(0.5)))
MAPPINGS = [
    Mapping(), Mapping("reference"), Mapping("offset"), Mapping(slices=2), Mapping(per="column"),
    Mapping("reference", reference_faults=False),
]  # fmt: skip


def corrected(text, hardware=STUCK, kind="mlp", plan=None, chip=3, ledger=None):
    step = chain(text).steps[-1]
    plan = plan or Plan.of(network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, chip=chip, ledger=ledger)
    return step.apply(plan, bench), plan, bench


def outputs(module):
    with torch.no_grad():
        return module(inputs(digits(), digits().test))


def images_of(module, layer):
    return outputs(module)[:, :layer]


def apart(a, b):
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: f"{mapping.kind}{mapping.slices}{mapping.per}")
@pytest.mark.parametrize("kind", ["mlp", "norm", "convolution", "binary"])
def test_outputs_are_those_of_the_fault_free_network(kind, mapping):
    """At ideal fidelity, to 1e-5, whatever is stuck; of slices those of a chip without faults, which rounds too."""
    hardware = replace(STUCK, mapping=mapping)
    plan, before, _ = corrected("output-correction", hardware, kind)
    model = network(kind)
    reference = plain(model) if kind == "binary" else model
    if mapping.slices > 1:
        # Slices round weights; a weight that is corrected is not rounded.
        free = realise(before, replace(hardware, cells=Nonidealities(1e4, 1e6)))
        assert apart(outputs(realise(plan, hardware, seed=3)), outputs(free)) < 0.5
        assert apart(outputs(realise(before, hardware, seed=3)), outputs(free)) > 0.5
        return
    assert apart(outputs(realise(plan, hardware, seed=3)), outputs(reference)) < 1e-5
    assert apart(outputs(realise(before, hardware, seed=3)), outputs(reference)) > 1e-2


def test_it_is_of_weights_with_a_stuck_cell_and_of_no_others():
    plan, before, bench = corrected("output-correction:knows=maps", VARIED)
    layers = realise(before, VARIED, seed=3).layers
    for k, (name, layer) in enumerate(layers.items()):
        correction = plan.layer(name).correction.numpy().T
        stuck = np.any([faults != Fault.HEALTHY for faults, _ in layer.known()], axis=0)
        weights, real = layer.matrices()[0].detach().numpy(), layer.effective_matrices()[0].detach().numpy()
        np.testing.assert_allclose(correction[stuck], (weights - real)[stuck], atol=1e-6)
        assert not correction[~stuck].any()
        assert bench.trace["corrected"][k] == pytest.approx((correction != 0).mean())
        assert plan.layer(name).correction.shape == layer.weight.shape


def test_what_is_known_of_partners_counts():
    """With the factors stuck pairs are exact; with faults alone their partners are taken to be as they should."""
    base = Plan.of(network())
    errors = {}
    for knows in ("faults", "maps"):
        plan, *_ = corrected(f"output-correction:knows={knows}", VARIED)
        layer = realise(plan, VARIED, seed=3).layers["fc1"]
        stuck = np.any([faults != Fault.HEALTHY for faults, _ in layer.known()], axis=0)
        total = layer.effective_matrices()[0].detach().numpy() + plan.layer("fc1").correction.numpy().T
        errors[knows] = np.abs(total - base.model.fc1.weight.detach().numpy().T)[stuck].mean()
    assert errors["maps"] < 1e-6 < 1e-2 < errors["faults"]


def test_a_plan_with_rows_elsewhere_and_a_gain_is_corrected_as_it_is():
    rng = np.random.default_rng(1)
    arrangement = Arrangement(rows=[rng.permutation(64)], flips=[rng.random(64) < 0.4])
    gain = torch.linspace(0.8, 1.3, 11)
    before = Plan.of(network()).with_layer("fc1", arrangement=arrangement, gain=gain)
    plan, *_ = corrected("output-correction", STUCK, plan=before)
    layer = realise(plan, STUCK, seed=3).layers["fc1"]
    stuck = np.any([faults != Fault.HEALTHY for faults, _ in layer.known()], axis=0)
    total = layer.effective_matrices()[0].detach().numpy() * gain.numpy() + plan.layer("fc1").correction.numpy().T
    np.testing.assert_allclose(total[stuck], layer.weight.detach().numpy().T[stuck], atol=1e-6)


def test_after_prescale_it_is_what_prescale_left():
    harness = harness_of(hardware=VARIED)
    both = harness.apply(chain("prescale+output-correction:knows=maps"), 1).plan
    alone = harness.apply(chain("output-correction:knows=maps"), 1).plan
    real = outputs(realise(both, VARIED, seed=1))
    assert (both.layer("fc1").correction != 0).sum() < (alone.layer("fc1").correction != 0).sum()
    assert apart(real, outputs(network())) < 0.3 * apart(outputs(realise(alone, VARIED, seed=1)), outputs(network()))


def test_of_a_budget_the_largest_errors_are_corrected():
    whole, *_ = corrected("output-correction")
    plan, _, bench = corrected("output-correction:share=0.04")
    count = int(0.04 * (64 * 11 + 11 * 10))
    parts = [plan.layer(name).correction for name in ("fc1", "fc2")]
    assert sum(int((part != 0).sum()) for part in parts) == count
    same, *_ = corrected(f"output-correction:most={count}")
    assert all(torch.equal(part, same.layer(name).correction) for part, name in zip(parts, ("fc1", "fc2"), strict=True))
    scores = {}
    for name, part in zip(("fc1", "fc2"), parts, strict=True):
        error, weight = whole.layer(name).correction, plan.model.get_submodule(name).weight.detach()
        scores[name] = error.abs() / (weight.square().sum() / weight.shape[0]).sqrt()
        assert torch.equal(part[part != 0], error[part != 0])
    least = min(float(scores[n][p != 0].min()) for n, p in zip(scores, parts, strict=True) if (p != 0).any())
    assert all(float(scores[n][p == 0].max()) <= least for n, p in zip(scores, parts, strict=True))
    assert sum(bench.trace["corrected"]) > 0.0


def test_inputs_weigh_where_they_are_asked():
    """Pixels that are dark in all images have the least weight: their stuck cells come last."""
    ledger = Ledger.of(160)
    plan, *_ = corrected("output-correction:share=0.05,weighting=input,images=80", ledger=ledger)
    paper, *_ = corrected("output-correction:share=0.05")
    assert (ledger.images, ledger.labels, ledger.forward_images) == (80, 0, 0)
    dark = inputs(digits(), digits().train).flatten(1).square().mean(dim=0).sqrt() < 0.05
    assert (paper.layer("fc1").correction[:, dark] != 0).any()
    assert not (plan.layer("fc1").correction[:, dark] != 0).any()


def test_nothing_is_corrected_for_nothing():
    for text in ("output-correction:share=0", "output-correction:most=0"):
        plan, *_ = corrected(text)
        assert not any(plan.layer(name).correction.any() for name in ("fc1", "fc2"))


def test_products_are_counted():
    record = harness_of("convolution", STUCK).record(chain("output-correction"), 2)
    plan = harness_of("convolution", STUCK).apply(chain("output-correction"), 2).plan
    counts = [int((plan.layer(name).correction != 0).sum()) for name in ("conv1", "fc1")]
    assert record.cost.correction_macs == 16 * counts[0] + counts[1], "4 x 4 positions"
    assert record.cost.sram_weights == 0
    assert record.after > record.before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("output-correction:share=1.5", "output-correction:share is 1.5"),
        ("output-correction:most=-1", "output-correction:most is -1"),
        ("output-correction:knows=all", "output-correction:knows is 'all': it must be one of faults, maps"),
        ("output-correction:weighting=input", "output-correction:weighting is 'input', and all stuck weights"),
        ("output-correction:images=0", "output-correction:images is 0"),
        ("output-correction+headroom", r"headroom after output-correction undoes it \(headroom\)"),
        ("output-correction+prescale", r"prescale after output-correction undoes it \(targets\)"),
        ("output-correction+gain", r"gain after output-correction undoes it \(correction\)"),
        ("fpt+output-correction", r"output-correction after fpt undoes it \(correction\)"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


def test_more_images_than_there_are():
    with pytest.raises(InputError, match="output-correction:images is 1000, and there are 160: give images=160"):
        harness_of().check([chain("output-correction:share=0.1,weighting=input")])
    assert method("output-correction").needs.to_dict() == {"data": "none", "knows": "faults", "chip": "none"}
    assert CELLS.faults
