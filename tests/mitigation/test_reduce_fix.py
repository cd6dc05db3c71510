"""Weights that are reduced and fixed: what the trace tells, against the plan and against other code."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, bench_of, digits, harness_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Chain, Harness, Plan, chain, method, realise
from xbarsim.mitigation.independence import Neighbourhood, independent
from xbarsim.nn import Arrangement, Tiles
from xbarsim.nn import Mapping as WeightMapping
from xbarsim.nonideal import Faults, Nonidealities, Variation

PAIRED = Nonidealities(r_on=1e4, r_off=np.inf, variation=Variation(1.5, shared="pair"))
ARRAYS = replace(HARDWARE, tiles=Tiles(64, 10), cells=PAIRED)
STUCK = replace(ARRAYS, cells=replace(PAIRED, faults=Faults(0.15, ocr=4.0)))
SHORT = {"reductions": 160, "interval": 20, "batch": 20, "N": 4}


def reduced(kind="single", hardware=ARRAYS, plan=None, **options):
    """Return a plan, the reduced one, the bench that was used, and its trace as arrays."""
    plan = plan or Plan.of(network(kind))
    step = method("reduce-fix", **{**SHORT, **options})
    bench = bench_of(plan, step.needs, hardware=hardware)
    after = step.apply(plan, bench)
    return plan, after, bench, {name: np.array(line) for name, line in bench.trace.items()}


def weights(plan, layer="fc1"):
    return plan.model.state_dict()[plan.weight_name(layer)]


def picks(trace):
    """Return (layer, output, input) of each pick that led to the plan, as whole numbers."""
    names = ("pick_layer", "pick_output", "pick_input")
    return np.stack([trace[name].astype(int) for name in names], axis=1)


@pytest.mark.parametrize("kind", ["single", "mlp", "norm"])
@pytest.mark.parametrize("t", [2.0, 1.7])
def test_fixed_weights_are_what_they_were_reduced_to(kind, t):
    """To the bit, however far the optimiser went since: the last value before a reduction, over t."""
    _, after, _, trace = reduced(kind, t=t, reductions=500, patience=500)
    last = {tuple(pick): np.float32(value) for pick, value in zip(picks(trace), trace["pick_weight"], strict=True)}
    assert len(last) > 30
    for (layer, output, place), value in last.items():
        weight = weights(after, ("fc1", "fc2")[layer])[output, place]
        assert weight.numpy() == value / np.float32(t)
    assert len(trace["pick_weight"]) == trace["best_at"][0]


@pytest.mark.parametrize(("bound", "options"), [(1, {}), (2, {"literal_T": True}), (2, {"stuck": "reduce"})])
def test_no_weight_is_reduced_more_often_than_its_bound(bound, options):
    *_, trace = reduced(hardware=STUCK, bound=bound, reductions=700, patience=700, N=10, **options)
    counts = Counter(map(tuple, picks(trace)))
    assert max(counts.values()) <= bound
    if bound > 1:
        assert max(counts.values()) == bound


def test_picks_of_a_step_are_independent():
    """No two of one output are neighbours in the 8 x 8 image; of the second layer, in the order of its inputs."""
    *_, trace = reduced("mlp", N=12)
    together = {}
    for iteration, pick in zip(trace["pick_iteration"], picks(trace), strict=True):
        together.setdefault(iteration, []).append(pick)
    assert max(map(len, together.values())) == 12
    assert {int(layer) for layer in trace["pick_layer"]} == {0, 1}
    for step in together.values():
        for k, (layer, output, place) in enumerate(step):
            for partner, column, beside in step[:k]:
                if (layer, output) == (partner, column):
                    apart = abs(place - beside)
                    near = max(abs(place // 8 - beside // 8), abs(place % 8 - beside % 8)) if layer == 0 else apart
                    assert near >= 2


def test_the_first_picks_are_the_largest_errors():
    plan, _, bench, trace = reduced()
    (factor, _), weight = bench.factors(plan)["fc1"], weights(plan).double().numpy()
    errors = np.abs(weight) * np.abs(factor.T - 1.0)
    order = [np.unravel_index(k, errors.shape) for k in np.argsort(-errors, axis=None)]
    expected = []
    for output, place in order:
        near = [p for o, p in expected if o == output and max(abs(place // 8 - p // 8), abs(place % 8 - p % 8)) < 2]
        if not near and len(expected) < SHORT["N"]:
            expected.append((output, place))
    first = picks(trace)[trace["pick_iteration"] == 1]
    assert [tuple(pick[1:]) for pick in first] == expected


def test_stuck_weights_are_held_and_the_others_learn():
    plan, after, bench, trace = reduced(hardware=STUCK)
    stuck = np.logical_or.reduce([plane != 0 for plane in bench.faults(plan)["fc1"]]).T
    assert np.array_equal(weights(plan)[stuck], weights(after)[stuck])
    assert not any(stuck[output, place] for _, output, place in picks(trace))
    moved = (weights(plan) != weights(after)).numpy()
    assert moved[~stuck].mean() > 0.5  # pixels at the rim are 0 in all images
    *_, as_others = reduced(hardware=STUCK, stuck="reduce")
    assert any(stuck[output, place] for _, output, place in picks(as_others))


def test_weights_stay_within_a_scale_that_stays():
    plan, after, *_ = reduced(hardware=STUCK, rate=1.0)
    before, behind = (realise(p, STUCK, seed=0).layers["fc1"] for p in (plan, after))
    np.testing.assert_allclose(float(behind.scale), float(before.scale), rtol=1e-14)
    assert weights(after).abs().max() <= weights(plan).abs().max()
    assert behind.clipped == 0.0


def test_a_perfect_chip_leaves_nothing_to_do():
    perfect = replace(ARRAYS, cells=replace(PAIRED, variation=None))
    plan, after, _, trace = reduced(hardware=perfect)
    assert torch.equal(weights(plan), weights(after))
    assert "pick_weight" not in trace


def test_accuracy_comes_back():
    harness = harness_of("single", STUCK)
    record = harness.record(Chain((method("reduce-fix", **{**SHORT, "reductions": 600}),)), 0)
    curve = record.trace["validation"]
    assert max(curve) > curve[0]
    assert record.after > record.before + 0.1
    assert record.cost.gradient_steps == 3 * record.trace["iterations"][0]
    assert record.cost.labels == 160 + 60


def test_the_best_state_stays_and_patience_ends_it():
    *_, trace = reduced(reductions=10_000, patience=60, rate=3.0)
    curve, at = trace["validation"], trace["reductions"]
    assert trace["best_at"][0] == at[np.argmax(curve)]
    assert 60 <= at[-1] - trace["best_at"][0] < 60 + 20 + SHORT["N"]


def test_rows_that_are_laid_out_stay():
    base = Plan.of(network("single"))
    rows = Arrangement(rows=[np.arange(64)[::-1]], flips=[np.arange(64) % 3 == 0])
    _, after, _, trace = reduced(plan=base.with_layer("fc1", arrangement=rows), hardware=STUCK)
    assert after.layer("fc1").arrangement is rows
    *_, other = reduced(hardware=STUCK)
    assert picks(trace).tolist() != picks(other).tolist()
    with pytest.raises(InputError, match="headroom after reduce-fix undoes it"):
        chain("reduce-fix+headroom")


OTHERS = {
    "N": 7, "t": 3.0, "bound": 1, "steps": 1, "rate": 0.01, "batch": 31, "stuck": "reduce", "literal_T": True,
    "interval": 160, "patience": 20, "reductions": 80,
}  # fmt: skip


USUAL = {"bound": 2, "reductions": 240, "patience": 240}


@cache
def usual():
    return reduced(hardware=STUCK, **USUAL)


@pytest.mark.parametrize("option", OTHERS)
def test_every_option_acts(option):
    _, plan, _, trace = usual()
    _, other, _, curve = reduced(hardware=STUCK, **{**USUAL, option: OTHERS[option]})
    assert plan.fingerprint() != other.fingerprint() or len(trace["reductions"]) > len(curve["reductions"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t": 1.0}, "reduce-fix:t is 1: it must be above 1"),
        ({"bound": 0}, "reduce-fix:bound is 0: it must be a whole number, at least 1"),
        ({"N": 0}, "reduce-fix:N is 0: it must be a whole number, at least 1"),
        ({"rate": 0.0}, "reduce-fix:rate is 0: it must be above 0"),
        ({"stuck": "fix"}, "reduce-fix:stuck is 'fix': it must be one of hold, reduce"),
        ({"literal_T": 1}, "reduce-fix:literal_T is 1: it must be true or false"),
    ],
)
def test_options_out_of_their_bounds(options, message):
    with pytest.raises(InputError, match=message):
        method("reduce-fix", **options)


@pytest.mark.parametrize(
    ("kind", "hardware", "options", "message"),
    [
        ("binary", HARDWARE, {}, "those of a binary network are"),
        ("convolution", HARDWARE, {}, "takes fully connected layers only"),
        ("single", replace(ARRAYS, mapping=WeightMapping(per="column")), {}, "take hardware with mapping.per=layer"),
        ("single", ARRAYS, {"batch": 161}, "batch is 161, and there are 160 images"),
    ],
)
def test_what_it_does_not_go_with(kind, hardware, options, message):
    with pytest.raises(InputError, match=message):
        harness_of(kind, hardware).check([Chain((method("reduce-fix", **{**SHORT, **options}),))])


@pytest.mark.parametrize("grid", [None, (3, 4)])
def test_independent_picks_against_all_pairs(grid):
    """Ties, zeros, and more picks wanted than there are."""
    rng = np.random.default_rng(2)
    values = rng.integers(0, 6, (5, 12)).astype(float)
    places = [(0, k) if grid is None else divmod(k, 4) for k in range(12)]
    expected = []
    for output, place in sorted(np.ndindex(5, 12), key=lambda cell: (-values[cell], cell)):
        near = [p for o, p in expected if o == output and np.abs(np.subtract(places[p], places[place])).max() < 2]
        if values[output, place] > 0 and not near:
            expected.append((output, place))
    for count in (1, 3, len(expected), 60):
        assert independent(values, count, Neighbourhood(12, grid)) == expected[:count]
    assert independent(np.zeros((3, 12)), 2, Neighbourhood(12, grid)) == []


def test_pixels_of_other_channels_are_neighbours():
    places = Neighbourhood(2 * 12, (3, 4)).places
    assert np.array_equal(places[:12], places[12:])


def test_layers_that_share_weights_are_refused():
    linear = torch.nn.Linear
    model = torch.nn.Sequential(torch.nn.Flatten(), linear(64, 64), torch.nn.ReLU(), linear(64, 64), linear(64, 10))
    model[3].weight = model[1].weight
    with pytest.raises(InputError, match="two layers share a weight"):
        Harness(model, digits(), ARRAYS).check([chain("reduce-fix:batch=20")])


def test_cells_that_vary_each_by_themselves():
    """Levels, finite r_off, a reference column: what a weight represents is asked of the layer, whatever it is."""
    for mapping in ("differential", "reference"):
        hardware = replace(HARDWARE, cells=replace(CELLS, variation=Variation(0.8)), mapping=WeightMapping(mapping))
        _, _, _, trace = reduced(hardware=hardware)
        assert trace["validation"].max() >= trace["validation"][0]
        assert len(trace["pick_weight"]) == trace["best_at"]
    assert len(digits().train) == 160
