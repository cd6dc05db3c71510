"""Rows on the lines that cost least in all: against all orders there are, and against what cells really hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import HARDWARE, bench_of, digits, harness_of, network
from row_tools import CHIPS, CLEAN, SMALL, all_distances, any_network, distance, small

from xbarsim.errors import InputError
from xbarsim.mitigation import Plan, chain, method, realise
from xbarsim.mitigation.known_chips import KnownChips
from xbarsim.nn import Arrangement, Tiles
from xbarsim.nn.training import inputs
from xbarsim.nonideal import Fault, Faults, Nonidealities

ALL = ("greedy-rows", "match-rows", "row-flip", "row-permutation", "row-flip-match")


def applied(text, plan, hardware=CHIPS, chip=0, label=None):
    for step in chain(text).steps:
        plan = step.apply(plan, bench_of(plan, step.needs, hardware=hardware, chip=chip))
    return plan


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("rows", "spare"), [(5, 0), (4, 1)])
def test_no_order_is_better(seed, rows, spare):
    """Brute force: 120 orders of five rows, as many of four on five lines."""
    base = Plan.of(small(rows, seed=seed), spare, "layer", ["0"])
    best = min(all_distances(base, rows, SMALL, seed))
    matched = applied(f"match-rows:spare={spare}", base, SMALL, seed)
    assert distance(matched, SMALL, seed) == pytest.approx(best, rel=1e-6)
    greedy = applied(f"greedy-rows:spare={spare}", base, SMALL, seed)
    assert best <= distance(greedy, SMALL, seed) * (1 + 1e-6)


@pytest.mark.slow
def test_squares_are_matched_too():
    """With power 2 the sum of squares is the least of all orders, with u^2 if inputs weigh."""
    base, u = Plan.of(small(5, seed=1)), np.array([1.0, 0.2, 3.0, 0.7, 0.1])
    plan = applied("match-rows:power=2", base, SMALL, 1)
    best = min(all_distances(base, 5, SMALL, 1, power=2))
    assert distance(plan, SMALL, 1, power=2) == pytest.approx(best, rel=1e-6)
    step = method("match-rows", weighting="input", power=2)
    object.__setattr__(step, "weighting_of", lambda plan, bench: {"0": [u]})
    plan = step.apply(base, bench_of(base, step.needs, hardware=SMALL, chip=1))
    best = min(all_distances(base, 5, SMALL, 1, u**2, power=2))
    assert distance(plan, SMALL, 1, u**2, power=2) == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("name", ["greedy-rows", "match-rows", "row-flip", "row-flip-match"])
def test_the_power_acts(name):
    plan = Plan.of(network("mlp"))
    first, second = (applied(f"{name}:power={power}", plan) for power in (1, 2))
    assert first.fingerprint() != second.fingerprint()
    if name != "greedy-rows":  # which promises no least sum
        assert distance(second, power=2) < distance(first, power=2)
        assert distance(first) < distance(second)


@pytest.mark.parametrize("kind", ["mlp", "norm", "grouped", "binary"])
@pytest.mark.parametrize("scope", ["layer", "tile"])
def test_it_is_never_worse_than_nothing_or_greedy(kind, scope):
    plan = Plan.of(any_network(kind))
    matched = applied(f"match-rows:scope={scope}", plan)
    greedy = applied(f"greedy-rows:scope={scope}", plan)
    distances = [distance(one) for one in (matched, greedy, plan)]
    assert distances[0] <= distances[1] + 1e-9
    assert distances[0] < distances[2]


@pytest.mark.parametrize("kind", ["mlp", "grouped", "binary"])
def test_each_array_is_better_by_itself(kind):
    """With scope=tile no array is worse off than before."""
    plan = Plan.of(any_network(kind))
    layers = [realise(one, CHIPS, seed=1).layers for one in (plan, applied("row-permutation", plan, chip=1))]
    for before, after in zip(layers[0].values(), layers[1].values(), strict=True):
        for place in (place for place in before.places if place.plane == 0):
            cells = np.ix_(np.sort(place.inputs), place.outputs)
            sums = [
                np.abs((layer.effective_matrices()[place.group] - layer.matrices()[place.group]).detach().numpy())[
                    cells
                ].sum()
                for layer in (before, after)
            ]
            assert sums[1] <= sums[0] * (1 + 1e-6)


@pytest.mark.parametrize("kind", ["mlp", "norm", "grouped", "binary"])
@pytest.mark.parametrize("text", [*ALL, "match-rows:spare=3", "row-permutation:spare=3", "row-flip-match:spare=3"])
def test_on_a_chip_without_faults_it_is_torchs_network(kind, text):
    model = any_network(kind)
    steps = chain(text)
    names = list(realise(Plan.of(model), CLEAN).layers)
    base = Plan.of(model, *steps.spare_rows, names)
    plan = applied(text, base)
    assert plan.fingerprint() != base.fingerprint()
    images = inputs(digits(), digits().train, slice(0, 9))
    with torch.no_grad():
        torch.testing.assert_close(realise(plan, CLEAN)(images), model(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("text", ALL)
def test_where_nothing_is_wrong_nothing_is_moved(text):
    """Costs of rounding, 1e-16 of a weight, move no row and flip none; ties are to the lowest line."""
    plan = Plan.of(network("mlp"))
    assert applied(text, plan, CLEAN).fingerprint() == plan.fingerprint()


@pytest.mark.slow
def test_inputs_count_as_much_as_they_are_driven():
    """The assignment is the best for rows times the root mean square of their inputs."""
    base = Plan.of(small(seed=2))
    u = np.array([1.0, 0.2, 3.0, 0.7, 0.1, 2.0])

    step = method("match-rows", weighting="input")
    object.__setattr__(step, "weighting_of", lambda plan, bench: {"0": [u]})
    plan = step.apply(base, bench_of(base, step.needs, hardware=SMALL, chip=2))
    best = min(all_distances(base, 6, SMALL, 2, u))
    assert distance(plan, SMALL, 2, u) == pytest.approx(best, rel=1e-6)
    paper = applied("match-rows", base, SMALL, 2)
    assert distance(paper, SMALL, 2, u) > best * 1.01


def test_images_are_used_for_inputs_only_and_as_many_as_said():
    harness = harness_of(hardware=CHIPS)
    images = {
        text: harness.apply(chain(text), 0).ledger.images
        for text in ("match-rows", "match-rows:images=7", "match-rows:weighting=input",
                     "match-rows:weighting=input,images=7")
    }  # fmt: skip
    assert list(images.values()) == [0, 0, len(digits().train), 7]
    plans = [
        harness.apply(chain(f"match-rows:weighting=input,images={n}"), 0).plan.fingerprint() for n in (1, 2, 160, 1000)
    ]
    assert plans[2] == plans[3]
    assert len(set(plans)) == 3


def test_what_is_known_decides():
    """With stuck cells alone two chips that vary otherwise have one plan; with maps it is a better one."""
    plan = Plan.of(network("mlp"))
    faults, maps = (applied(f"match-rows:knows={knows}", plan) for knows in ("faults", "maps"))
    assert distance(maps) < distance(faults) < distance(plan)


def test_spare_lines_help_and_those_without_a_row_are_off():
    plan = Plan.of(network("mlp"), 12, "layer", ["fc1", "fc2"])
    matched = applied("match-rows:spare=12", plan)
    (order,) = matched.layer("fc1").arrangement.rows
    assert sorted(order.tolist()) == [-1] * 12 + list(range(64))
    assert distance(matched) < distance(applied("match-rows", Plan.of(network("mlp"))))
    layer = realise(matched, CHIPS).layers["fc1"]
    assert sum(int((~place.driven).sum()) for place in layer.places if place.plane == place.cols.start == 0) == 12


def test_stuck_lines_are_left_to_spare_rows():
    """Of eight lines two are stuck altogether: no row is on them."""
    base = Plan.of(small(), 2, "layer", ["0"])
    model = Nonidealities(r_on=1e4, r_off=1e6, faults=Faults(0.3))
    hardware = replace(SMALL, cells=model)
    layer = realise(base, hardware, seed=0).layers["0"]
    maps = []
    for tile in range(len(layer.chip.shapes)):
        faults = np.zeros(layer.chip.shapes[tile], dtype=np.int8)
        faults[[1, 4]] = int(Fault.STUCK_AT_LRS if tile == 0 else Fault.STUCK_AT_HRS)
        maps.append(replace(layer.chip.maps(tile), faults=faults))
    step = method("match-rows", spare=2)
    bench = bench_of(base, step.needs, hardware=hardware)
    bench._knowledge = KnownChips(hardware, {"0": tuple(maps)})
    (order,) = step.apply(base, bench).layer("0").arrangement.rows
    assert sorted(np.flatnonzero(order < 0)) == [1, 4]


def test_what_was_settled_before_stays():
    """Headroom (by which costs change), gain and shift, columns, and flips of lines, under which rows then cost."""
    plan = Plan.of(network("mlp"))
    cols = Arrangement(cols=[np.arange(11)[::-1]], flips=[np.arange(64) % 3 == 0])
    settled = {"headroom": 1.5, "gain": torch.tensor(1.1), "shift": torch.tensor(0.1)}
    before = plan.with_layer("fc1", arrangement=cols, **settled)
    after = applied("match-rows", before)
    layer = after.layer("fc1")
    assert (layer.headroom, layer.gain, layer.shift) == tuple(settled.values())
    assert np.array_equal(layer.arrangement.cols[0], cols.cols[0])
    assert np.array_equal(layer.arrangement.flips[0], cols.flips[0])
    assert distance(after) < distance(before)
    plain = applied("match-rows", plan.with_layer("fc1", arrangement=replace(cols, flips=None), **settled))
    assert not np.array_equal(plain.layer("fc1").arrangement.rows[0], layer.arrangement.rows[0])


def test_rows_that_are_arranged_stay_where_that_is_best():
    """A step on what it comes to itself changes nothing."""
    plan = applied("match-rows", Plan.of(network("mlp")))
    again = method("match-rows").apply(plan, bench_of(plan, method("match-rows").needs, hardware=CHIPS))
    assert again.fingerprint() == plan.fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("match-rows+match-rows", r"match-rows after match-rows undoes it \(rows\)"),
        ("greedy-rows+match-rows", "match-rows after greedy-rows undoes it"),
        ("match-rows+greedy-rows", "greedy-rows after match-rows undoes it"),
        ("row-permutation+row-flip-match", "undoes it"),
        ("row-flip-match+row-flip", r"row-flip after row-flip-match undoes it \(flips\)"),
        ("row-flip+row-flip", "undoes it"),
        *(
            (f"{earlier}+{later}", f"{later} after {earlier} undoes it")
            for earlier in ("fpt", "gain", "prescale", "reduce-fix", "output-correction", "bn", "bias", "retrain")
            for later in ("match-rows", "greedy-rows", "row-flip", "row-flip-match")
        ),
        ("match-rows+row-flip", "order word lines of layers and of arrays: give all the same scope"),
        ("match-rows:spare=2+row-flip:scope=tile", "give all the same scope"),
        ("match-rows:scope=row", "match-rows:scope is 'row': it must be one of layer, tile"),
        ("match-rows:weighting=norm", "match-rows:weighting is 'norm'"),
        ("match-rows:knows=all", "match-rows:knows is 'all'"),
        ("match-rows:spare=-1", "match-rows:spare is -1: it must be a whole number, at least 0"),
        ("match-rows:spare=99999999", "match-rows:spare is 99999999: it must be at most 65536"),
        ("greedy-rows:spare=99999999", "greedy-rows:spare is 99999999: it must be at most 65536"),
        ("row-flip-match:spare=99999999", "row-flip-match:spare is 99999999: it must be at most 65536"),
        ("match-rows:power=3", "match-rows:power is 3: it must be at most 2"),
        ("row-flip:power=0", "row-flip:power is 0: it must be a whole number, at least 1"),
        ("match-rows:images=0", "match-rows:images is 0"),
        ("greedy-rows:order=size", "greedy-rows:order is 'size'"),
        ("greedy-rows:spare=1.5", "greedy-rows:spare is 1.5"),
    ],
)
def test_what_is_refused_at_once(text, message):
    with pytest.raises(InputError, match=message) as error:
        chain(text)
    assert "\n" not in str(error.value)


def test_what_is_refused_before_any_work():
    harness = harness_of(hardware=replace(HARDWARE, tiles=Tiles(6, 5)))
    with pytest.raises(InputError, match="match-rows: spare=6 leaves no room for inputs in arrays of 6 word lines"):
        harness.check([chain("match-rows:scope=tile,spare=6")])
    harness.check([chain("match-rows:scope=tile,spare=5"), chain("match-rows:spare=9")])


def test_a_plan_that_is_laid_out_otherwise_is_refused():
    plan = Plan.of(network("mlp"))
    with pytest.raises(InputError, match="match-rows has spare=2, and layer 'fc1' has 0 spare lines"):
        applied("match-rows:spare=2", plan)
    by_tile = applied("row-permutation", plan)
    with pytest.raises(InputError, match=r"scope=layer, and lines of layer 'fc1' are arranged by tile: give scope=til"):
        applied("row-flip:scope=layer", by_tile)
