"""Which steps may follow which: what one settles, the next must leave, or have been told to look at."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, OFFSET, bench_of, digits, harness_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Plan, chain, method, realise

STEADY = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))
"""Cells that hold the same at each writing."""

FPT = "fpt:iterations=4,batch=20"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fpt+prescale", r"prescale after fpt undoes it \(targets\)"),
        ("fpt+write-verify", r"write-verify after fpt undoes it \(writing\)"),
        ("fpt+headroom", r"headroom after fpt undoes it \(headroom\)"),
        ("bn+prescale", r"prescale after bn undoes it \(targets\)"),
        ("bias+match-rows", "match-rows after bias undoes it"),
        ("retrain+row-flip", "row-flip after retrain undoes it"),
        ("retrain+output-correction", r"output-correction after retrain undoes it \(correction\)"),
        ("match-rows+itt-rna", r"itt-rna after match-rows undoes it \(rows\): take one of them"),
        ("gain+itt-rna", "itt-rna after gain undoes it"),
        ("itt-rna+headroom", r"headroom after itt-rna undoes it \(headroom\)"),
        ("itt-rna+write-verify", r"write-verify after itt-rna undoes it \(writing\)"),
        ("gain+prescale", r"prescale after gain undoes it \(targets\)"),
        ("prescale+retrain", "retrain after prescale undoes it"),
        ("technology-closed+headroom", r"headroom after technology-closed undoes it \(headroom\)"),
        ("technology-exact:gain=false+gain", r"gain after technology-exact undoes it \(gain\)"),
        ("match-rows+technology-exact", r"technology-exact after match-rows undoes it \(rows\)"),
        ("gain+technology-closed", "technology-closed after gain undoes it"),
        ("fpt+technology-closed", "technology-closed after fpt undoes it"),
        ("prescale+technology-exact", "technology-exact after prescale undoes it"),
        ("output-correction+prescale", r"prescale after output-correction undoes it \(targets\)"),
    ],
)
def test_steps_that_look_at_outputs_come_after_what_decides_these(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


@pytest.mark.parametrize("kind", ["mlp", "binary"])
@pytest.mark.parametrize("first", ["prescale", "output-correction", "write-verify", "match-rows"])
def test_what_may_be_chained_is_no_worse_for_the_second_step(first, kind):
    harness = harness_of(kind, OFFSET)
    alone, both = (
        sum(harness.record(chain(text), seed).after for seed in range(3)) / 3
        for text in (first, f"{first}+fpt:iterations=16,batch=10")
    )
    assert both > alone - 0.1


@pytest.mark.parametrize("text", ["retrain+gain", "bn+gain", "vat+vat:epochs=1", "reduce-fix+vat", "retrain+retrain"])
def test_what_is_found_anew_does_not_follow(text):
    with pytest.raises(InputError, match="undoes it"):
        chain(text)


@pytest.mark.parametrize(
    "text",
    [
        "technology-closed+gain",
        "technology-exact+gain:source=images",
        "technology-closed+technology-exact",
        "technology-exact+fpt",
        "technology-closed+match-rows",
        "technology-exact+retrain",
        "headroom+technology-exact",
        "prescale+fpt",
        "prescale+bn",
        "output-correction+fpt",
        "output-correction+bias",
        "retrain+fpt",
        "fpt+bias",
        "write-verify+itt-rna",
        "match-rows+itt-rna:mapping=none",
        "itt-rna+fpt",
    ],
)
def test_what_goes_on_from_a_chip_as_it_is_may_follow(text):
    assert len(chain(text).steps) == 2


@pytest.mark.parametrize("kind", ["norm", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("mlp", "binary"))])
def test_prescale_then_fpt_is_better_than_either_on_outputs(kind):
    """Of a network with BatchNorm both are about the model's own weights."""
    harness = harness_of(kind, STEADY)
    images = bench_of(Plan.of(network(kind)), method("fpt").needs).images()
    with torch.no_grad():
        exact = network(kind)(images)
        errors = [
            float((realise(harness.apply(chain(text), 1).plan, STEADY, seed=1)(images) - exact).norm() / exact.norm())
            for text in ("none", FPT, "prescale", f"prescale+{FPT}")
        ]
    assert errors[3] < 0.9 * min(errors[:3])


def test_rows_before_fpt_are_placed_for_the_weights_that_cells_will_hold():
    harness = harness_of("norm", STEADY)
    plan = harness.apply(chain(f"match-rows+{FPT}"), 1).plan
    step = method("match-rows")
    digital, folded = (
        step.apply(start, bench_of(start, step.needs, hardware=STEADY, chip=1)).layer("fc1").arrangement.rows[0]
        for start in (Plan.of(network("norm")).with_digital_norms(), Plan.of(network("norm")))
    )
    np.testing.assert_array_equal(plan.layer("fc1").arrangement.rows[0], digital)
    assert not np.array_equal(digital, folded)


def test_targets_of_folded_weights_are_not_kept_when_the_norm_becomes_digital():
    """Step by step, as a harness does not do it."""
    start = Plan.of(network("norm"))
    for name in ("prescale", "output-correction"):
        step = method(name)
        plan = step.apply(start, bench_of(start, step.needs, hardware=STEADY))
        with pytest.raises(InputError, match=r"of layer 'fc1' are of weights with a BatchNorm in them.*digital_norms"):
            plan.with_digital_norms()


@pytest.mark.parametrize("kind", ["mlp", "binary"])
def test_networks_without_a_norm_in_weights_stay_as_they_are(kind):
    plan = Plan.of(network(kind))
    assert plan.with_digital_norms() is plan


def test_a_correction_is_scaled_with_the_rest_by_fpt():
    """What stands for the fault-free products is tuned as a whole: of exact products nothing is left to do."""
    cells = replace(CELLS, cycle_variation=None, variation=None)
    hardware = replace(HARDWARE, cells=cells)
    harness = harness_of("mlp", hardware)
    plan = harness.apply(chain(f"output-correction+{FPT}"), 1).plan
    alone = harness.apply(chain("output-correction"), 1).plan
    images = torch.from_numpy(digits().test.images).float() / 255
    with torch.no_grad():
        tuned, exact = (realise(some, hardware, seed=1)(images) for some in (plan, alone))
    assert float((tuned - exact).norm() / exact.norm()) < 0.1
