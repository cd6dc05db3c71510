"""Cells that are chosen by what is known of them: against what each pair can reach at all."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, bench_of, digits, harness_of, network
from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation import Harness, Plan, chain, realise
from xbarsim.mitigation.prescale import Prescale
from xbarsim.nn import Arrangement, Mapping
from xbarsim.nonideal import Fault, Faults, Levels, Nonidealities, Variation, WriteVerify

VARIED = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None))
STUCK = replace(HARDWARE, cells=Nonidealities(CELLS.r_on, CELLS.r_off, faults=Faults(0.2, lrs_ohms=5e3)))
PRESCALE = Prescale()


def prescaled(hardware, kind="mlp", chip=3, plan=None):
    plan = plan or Plan.of(network(kind))
    bench = bench_of(plan, PRESCALE.needs, hardware=hardware, chip=chip)
    new = PRESCALE.apply(plan, bench)
    return new, realise(plan, hardware, seed=chip), realise(new, hardware, seed=chip), bench


def weights_of(layer):
    return np.concatenate([matrix.detach().double().numpy() for matrix in layer.matrices()], axis=1)


def real_of(layer):
    return np.concatenate([matrix.detach().double().numpy() for matrix in layer.effective_matrices()], axis=1)


def bounds_of(layer):
    """Return what each cell can hold, least and largest, by the description of cells."""
    cells = layer.hardware.cells
    planes = []
    for faults, factor in layer.known():
        if cells.write_verify is None:
            low, high = cells.g_off * factor, cells.g_on * factor
        else:
            low, high = np.maximum(cells.g_off, cells.g_off * factor), np.minimum(cells.g_on, cells.g_on * factor)
        for kind, siemens in ((Fault.STUCK_AT_LRS, cells.stuck_lrs), (Fault.STUCK_AT_HRS, cells.stuck_hrs)):
            low, high = (np.where(faults == kind, siemens, bound) for bound in (low, high))
        planes.append((low, high))
    return planes


@pytest.mark.parametrize("hardware", [VARIED, STUCK], ids=["varied", "stuck"])
@pytest.mark.parametrize("per", ["layer", "column"])
@pytest.mark.parametrize("kind", ["mlp", "convolution"])
def test_each_pair_comes_as_near_as_it_can_and_conducts_no_more_than_it_must(kind, per, hardware):
    hardware = replace(hardware, mapping=Mapping(per=per))
    _, plain, better, bench = prescaled(hardware, kind)
    cells = hardware.cells
    for name, layer in better.layers.items():
        wanted = weights_of(plain.layers[name])
        (low, high), (low_minus, high_minus) = bounds_of(layer)
        scale = layer.scale.numpy() / (cells.g_on - cells.g_off)
        reach = np.clip(wanted, (low - high_minus) * scale, (high - low_minus) * scale)
        np.testing.assert_allclose(real_of(layer), reach, rtol=0, atol=1e-6 * float(layer.scale.max()))
        held, held_minus = layer.programmed
        least = np.minimum((held - low) / cells.g_on, (held_minus - low_minus) / cells.g_on)
        assert least.max() < 1e-9, "one cell of each pair has its least"
        missed = np.abs(reach - wanted) > 1e-6 * layer.scale.numpy()
        assert bench.trace["unreachable"][list(better.layers).index(name)] == missed.mean()
        assert np.abs(real_of(plain.layers[name]) - wanted).mean() > 1.5 * np.abs(reach - wanted).mean()
    assert 0.0 < bench.trace["unreachable"][0] < 0.5


def test_partners_make_up_for_stuck_cells():
    """Without variation only pairs whose stuck cell forbids it miss their weight: HRS leaves no way out."""
    _, plain, better, _ = prescaled(replace(STUCK, cells=replace(STUCK.cells, faults=Faults(0.2, ocr=np.inf))))
    for name, layer in better.layers.items():
        wanted, real = weights_of(plain.layers[name]), real_of(layer)
        (positive, _), (negative, _) = layer.known()
        open_ = np.where(wanted > 0, positive, negative) == Fault.STUCK_AT_HRS
        np.testing.assert_allclose(real[~open_], wanted[~open_], rtol=0, atol=1e-6 * float(layer.scale.max()))
        np.testing.assert_allclose(real[open_], 0.0, atol=1e-9)


@pytest.mark.parametrize("kind", ["reference", "offset"])
@pytest.mark.parametrize("hardware", [VARIED, STUCK], ids=["varied", "stuck"])
def test_one_cell_a_weight_makes_up_for_its_factor_and_for_the_references(kind, hardware):
    hardware = replace(hardware, mapping=Mapping(kind))
    _, plain, better, bench = prescaled(hardware)
    misses = []
    for name, layer in better.layers.items():
        wanted, real = weights_of(plain.layers[name]), real_of(layer)
        ((low, high),) = bounds_of(layer)
        (held,) = layer.programmed
        missed = np.abs(real - wanted) > 1e-6 * layer.scale.numpy()
        at_bound = np.minimum(np.abs(held - low), np.abs(held - high)) < 1e-9 * hardware.cells.g_on
        assert at_bound[missed].all(), "what misses its weight is at the end of its cell's range"
        nearer = (np.abs(held - high) < 1e-9 * hardware.cells.g_on) == (wanted > real)
        assert nearer[missed & (low < high)].all(), "at the nearer end"
        misses.append(missed.mean())
        before = np.abs(real_of(plain.layers[name]) - wanted).mean()
        assert np.abs(real - wanted).mean() <= before * (0.7 if hardware.cells.variation else 1.0)
    assert misses == bench.trace["unreachable"]
    assert 0.0 < misses[0] < 0.6


@pytest.mark.parametrize("spacing", ["conductance", "log"])
@pytest.mark.parametrize("verified", [False, True])
def test_of_levels_the_best_pair_is_taken(spacing, verified):
    law = WriteVerify(tolerance=1e-4, max_pulses=500) if verified else None
    cells = replace(VARIED.cells, levels=Levels(5, spacing), write_verify=law)
    _, plain, better, _ = prescaled(replace(VARIED, cells=cells), "single")
    levels = Levels(5, spacing).values(cells.g_off, cells.g_on)
    layer, wanted = better.layers["fc1"], weights_of(plain.layers["fc1"])
    assert all(np.isin(plane, levels).all() for plane in (layer.present_cells().cells[0].target,))
    (faults, factor), (faults_minus, factor_minus) = layer.known()

    def held(level, faults, factor):
        siemens = np.clip(level, cells.g_off * factor, cells.g_on * factor) if verified else level * factor
        siemens = np.where(faults == Fault.STUCK_AT_LRS, cells.stuck_lrs, siemens)
        return np.where(faults == Fault.STUCK_AT_HRS, cells.stuck_hrs, siemens)

    scale = float(layer.scale) / (cells.g_on - cells.g_off)
    pairs = [held(a, faults, factor) - held(b, faults_minus, factor_minus) for a in levels for b in levels]
    best = np.min([np.abs(pair * scale - wanted) for pair in pairs], axis=0)
    margin = 1e-2 if verified else 1e-6
    np.testing.assert_allclose(np.abs(real_of(layer) - wanted), best, atol=margin * float(layer.scale))


def test_verified_writes_are_asked_for_the_conductance_itself():
    law = WriteVerify(tolerance=1e-3, max_pulses=1000)
    hardware = replace(VARIED, cells=replace(VARIED.cells, write_verify=law))
    _, plain, better, _ = prescaled(hardware)
    for name, layer in better.layers.items():
        wanted = weights_of(plain.layers[name])
        (low, high), (low_minus, high_minus) = bounds_of(layer)
        scale = float(layer.scale) / (hardware.cells.g_on - hardware.cells.g_off)
        reach = np.clip(wanted, (low - high_minus) * scale, (high - low_minus) * scale)
        assert np.abs(real_of(layer) - reach).max() < 3e-3 * float(layer.scale)
        stuck = [faults != Fault.HEALTHY for faults, _ in layer.known()]
        for pulses, mask in zip(layer.pulses_per_cell, stuck, strict=True):
            assert pulses[mask].max() <= law.max_pulses
    wasted = [int(plane[mask].sum()) for plane, mask in zip(layer.pulses_per_cell, stuck, strict=True)]
    before = plain.layers[name]
    assert sum(wasted) < sum(int(p[m].sum()) for p, m in zip(before.pulses_per_cell, stuck, strict=True))


@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
@pytest.mark.parametrize("by", ["layer", "tile"])
def test_rows_elsewhere_and_negated_hold_their_weights(by, mapping):
    hardware = replace(VARIED, cells=replace(VARIED.cells, faults=None), mapping=Mapping(mapping))
    plan = Plan.of(network("single"))
    rng = np.random.default_rng(2)
    extra = mapping == "reference"
    parts = [64] if by == "layer" else [min(21, 64 - k) for k in range(0, 64, 21) for _ in range(0, 10, 7 - extra)]
    arrangement = Arrangement(
        rows=[rng.permutation(np.r_[np.arange(part), [-1] * 3]) for part in parts],
        flips=[rng.random(part + 3) < 0.5 for part in parts],
        spare=3, by=by,
    )  # fmt: skip
    _, plain, better, bench = prescaled(hardware, plan=plan.with_layer("fc1", arrangement=arrangement))
    wanted, real = weights_of(plain.layers["fc1"]), real_of(better.layers["fc1"])
    close = np.abs(real - wanted) < 1e-6 * float(plain.layers["fc1"].scale)
    assert close.mean() == pytest.approx(1.0 - bench.trace["unreachable"][0])
    assert close.mean() > 0.6


def test_headroom_leaves_room_for_factors():
    steps = [chain(text) for text in ("prescale", "headroom:h=2+prescale", "headroom:h=4+prescale")]
    harness = harness_of(hardware=VARIED)
    shares = [np.mean(harness.apply(step, 0).trace["unreachable"]) for step in steps]
    assert shares[0] > shares[1] > shares[2] > 0.0, "stuck cells are left"


def test_accuracy_on_chips_comes_back():
    harness = harness_of(hardware=replace(VARIED, cells=replace(VARIED.cells, variation=Variation(1.0))))
    records = [harness.record(chain("prescale"), seed) for seed in range(3)]
    assert np.mean([record.after for record in records]) > np.mean([record.before for record in records]) + 0.2


@pytest.mark.parametrize("later", ["headroom", "write-verify", "prescale"])
def test_steps_that_would_undo_it_are_refused(later):
    with pytest.raises(InputError, match=f"{later} after prescale undoes it"):
        chain(f"prescale+{later}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mapping": Mapping(slices=2)}, "prescale chooses one cell or one pair a weight, and mapping.slices is 2"),
        (
            {"cells": Nonidealities(levels=Levels(512))},
            "prescale tries all levels, at most 256, and cells.levels.count is 512",
        ),
    ],
)
def test_hardware_that_it_does_not_take(change, message):
    with pytest.raises(InputError, match=message):
        Harness(network(), digits(), replace(HARDWARE, **change)).check([chain("prescale")])


def test_the_network_stays():
    plan, *_ = prescaled(VARIED)
    assert all(torch.equal(a, b) for a, b in zip(plan.model.parameters(), network().parameters(), strict=True))
    assert isinstance(plan.model, nn.Module)
