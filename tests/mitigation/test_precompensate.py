"""Cells that make up for wires: what the circuit multiplies by, against the weights, and what is out of reach."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mitigation_cases import WIRED
from mitigation_tools import CELLS, bench_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Plan, chain, method, realise
from xbarsim.mitigation.cell_choice import CellChoice
from xbarsim.mitigation.map_fit import MapFitting
from xbarsim.mitigation.precompensate import UnreachableWarning
from xbarsim.nn import Arrangement, Law, Mapping, Wires, convert
from xbarsim.nn.arrays import CellMatrices
from xbarsim.nonideal import Faults, Levels, Nonidealities, Variation

CLEAN = replace(WIRED, cells=Nonidealities(1e4, 1e6), wires=Wires(60.0, 40.0, 50.0, 80.0))
VARIED = replace(CLEAN, cells=replace(CLEAN.cells, variation=Variation(0.3)))
STUCK = replace(VARIED, cells=replace(VARIED.cells, faults=Faults(0.1)))
quiet = pytest.mark.filterwarnings("ignore::xbarsim.mitigation.precompensate.UnreachableWarning")


def compensated(hardware, kind="mlp", plan=None, chip=3, **options):
    step = method("precompensate", **options)
    plan = plan or Plan.of(network(kind))
    bench = bench_of(plan, step.needs, hardware=hardware, chip=chip)
    return step.apply(plan, bench), bench


def map_errors(plan, hardware, chip=3):
    """Return ``|w_eff - w| / |w|`` of each layer, of the circuit as a forward pass has it."""
    errors = []
    for layer in realise(plan, hardware, seed=chip).layers.values():
        pairs = zip(layer.effective_matrices(), layer.matrices(), strict=True)
        parts = [(float((real - w).detach().norm()) ** 2, float(w.detach().norm()) ** 2) for real, w in pairs]
        errors.append((sum(part[0] for part in parts) / sum(part[1] for part in parts)) ** 0.5)
    return errors


@pytest.mark.parametrize("kind", ["mlp", "convolution", "norm"])
@pytest.mark.parametrize("hardware", [CLEAN, VARIED], ids=["clean", "varied"])
def test_the_circuit_multiplies_by_the_weights(kind, hardware):
    plan, bench = compensated(hardware, kind, h=6.0, iterations=60)
    before = map_errors(chain("headroom:h=6").steps[0].apply(Plan.of(network(kind)), bench), hardware)
    errors = map_errors(plan, hardware)
    assert errors == pytest.approx(bench.trace["map_error"], rel=1e-3, abs=1e-6), "what it notes is what the chip has"
    assert max(errors) < 0.01 < min(before)
    assert max(errors) < 0.2 * min(before)


@pytest.mark.parametrize("kind", ["reference", "offset"])
def test_one_cell_a_weight(kind):
    """Weights of 0 conduct, too, and headroom takes nothing from that."""
    hardware = replace(CLEAN, mapping=Mapping(kind), wires=Wires(1.0, 1.0, 1.0, 1.0))
    plan, bench = compensated(hardware, h=2.0, iterations=60)
    assert map_errors(plan, hardware) == pytest.approx(bench.trace["map_error"], rel=1e-3, abs=1e-6)
    uncompensated, _ = compensated(replace(hardware, fidelity="ideal"), h=2.0)
    assert max(map_errors(plan, hardware)) < 0.3 * min(map_errors(uncompensated, hardware))


def test_without_wires_it_is_prescale():
    hardware = replace(STUCK, fidelity="ideal")
    with pytest.warns(UnreachableWarning):
        plan, _ = compensated(hardware, h=1.0)
    step = method("prescale")
    expected = step.apply(Plan.of(network()), bench_of(plan, step.needs, hardware=hardware, chip=3))
    assert map_errors(plan, hardware) == pytest.approx(map_errors(expected, hardware), rel=1e-9)
    for name in ("fc1", "fc2"):
        np.testing.assert_allclose(plan.layer(name).targets, expected.layer(name).targets, rtol=1e-12)


@quiet
def test_the_least_headroom_that_does_is_found():
    _, bench = compensated(CLEAN)
    (h,) = bench.trace["h"]
    assert h > 1.0
    assert max(bench.trace["map_error"]) < 0.02
    smaller = max(factor for factor in (1.0, 1.5, 2.0, 3.0, 5.0) if factor < h)
    assert max(compensated(CLEAN, h=smaller)[1].trace["map_error"]) >= 0.02
    assert compensated(CLEAN, tolerance=1.0)[1].trace["h"] == [1.0]


@quiet
def test_where_none_does_that_whose_worst_layer_is_best_is_taken():
    _, bench = compensated(STUCK, iterations=5)
    errors = {
        h: max(compensated(STUCK, h=h, iterations=5)[1].trace["map_error"]) for h in (1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
    }
    assert min(errors.values()) > 0.02
    assert bench.trace["h"] == [min(errors, key=errors.get)]


def test_what_is_out_of_reach_is_warned_of_with_its_share():
    with pytest.warns(UnreachableWarning) as warnings:
        plan, bench = compensated(CLEAN, h=1.0)
    (message,) = (str(warning.message) for warning in warnings)
    shares = bench.trace["unreachable"]
    assert 0.0 < max(shares) < 1.0
    assert f"'fc1' {shares[0]:.2%}" in message
    assert f"maps are {max(bench.trace['map_error']):.2%} off at most" in message
    for name, layer in realise(plan, CLEAN).layers.items():
        planes = np.stack(plan.layer(name).targets)
        assert planes.max() == pytest.approx(CLEAN.cells.g_on), "some cell is at its end"
        assert layer.clipped == 0.0


@quiet
def test_partners_of_stuck_cells_make_up_for_them_through_the_wires():
    hardware = replace(CLEAN, cells=replace(CLEAN.cells, faults=Faults(0.1, ocr=0.0)), wires=Wires(5.0, 5.0, 5.0, 5.0))
    plan, _ = compensated(hardware, h=3.0, iterations=60)
    plain = chain("headroom:h=3").steps[0].apply(Plan.of(network()), bench_of(plan, method("headroom").needs))
    assert max(map_errors(plan, hardware)) < 0.5 * min(map_errors(plain, hardware))


def test_rows_that_lie_elsewhere_and_are_negated_are_compensated_where_they_lie():
    plan = Plan.of(network())
    for name, layer in realise(plan, VARIED).layers.items():
        count = layer.weight[0].numel()
        arrangement = Arrangement(rows=[np.arange(count)[::-1]], flips=[np.arange(count) % 3 == 0])
        plan = plan.with_layer(name, arrangement=arrangement)
    better, bench = compensated(VARIED, plan=plan, h=6.0, iterations=60)
    assert map_errors(better, VARIED) == pytest.approx(bench.trace["map_error"], rel=1e-3, abs=1e-6)
    assert max(map_errors(better, VARIED)) < 0.01


@quiet
def test_the_adjoint_finds_no_farther_a_map_where_nothing_reaches():
    _, steps = compensated(CLEAN, h=1.5, iterations=60)
    _, adjoint = compensated(CLEAN, h=1.5, iterations=60, solver="adjoint")
    assert all(a <= b * 1.001 for a, b in zip(adjoint.trace["map_error"], steps.trace["map_error"], strict=True))
    assert adjoint.trace["map_error"] != steps.trace["map_error"]


@quiet
def test_the_best_state_of_the_fixed_point_is_kept():
    """Where it diverges the plan of more steps is not worse."""
    errors = [compensated(CLEAN, h=1.0, iterations=count)[1].trace["map_error"] for count in (1, 3, 30)]
    assert all(a >= b for a, b in zip(errors[0], errors[1], strict=True))
    assert all(a >= b for a, b in zip(errors[1], errors[2], strict=True))


@quiet
def test_levels_are_kept_to():
    hardware = replace(CLEAN, cells=replace(CLEAN.cells, levels=Levels(33)))
    plan, bench = compensated(hardware, h=2.0)
    levels = Levels(33).values(CLEAN.cells.g_off, CLEAN.cells.g_on)
    assert all(np.isin(plane, levels).all() for plane in plan.layer("fc1").targets)
    assert map_errors(plan, hardware) == pytest.approx(bench.trace["map_error"], rel=1e-3)


@pytest.mark.parametrize("mapping", ["differential", "reference"])
def test_the_circuits_gradient_is_that_of_differences(mapping):
    """Of the square of the distance, by weights of which some move the one cell and some the other."""
    hardware = replace(STUCK, mapping=Mapping(mapping))
    layer = realise(Plan.of(network()), hardware, seed=3).layers["fc2"]
    fitting = MapFitting(layer)
    rng = np.random.default_rng(4)
    low, high = CellChoice.of(layer).bounds
    weights = low + (high - low) * rng.uniform(0.2, 0.8, low.shape)
    _, gradient = fitting._loss(weights)
    step = 1e-5 * float(np.abs(weights).max())
    for row, col in rng.integers(low.shape, size=(12, 2)):
        ends = []
        for sign in (1.0, -1.0):
            moved = weights.copy()
            moved[row, col] += sign * step
            ends.append(fitting._loss(moved)[0])
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(gradient[row, col], rel=2e-4, abs=1e-9)


@pytest.mark.parametrize("kind", ["differential", "reference", "offset"])
@pytest.mark.parametrize("arranged", [False, True])
def test_matrices_of_cells_are_those_of_forward_passes(kind, arranged):
    network_of = realise(_arranged() if arranged else Plan.of(network()), replace(STUCK, mapping=Mapping(kind)), seed=2)
    for layer in network_of.layers.values():
        planes = [torch.from_numpy(plane) for plane in layer.programmed]
        matrix = CellMatrices(layer.array_state())(planes)
        expected = torch.cat([part.detach().double() for part in layer.effective_matrices()], dim=1)
        torch.testing.assert_close(matrix, expected, rtol=1e-5, atol=1e-6 * float(layer.scale.max()))


def _arranged():
    plan = Plan.of(network())
    for name, layer in convert(plan.model, STUCK).layers.items():
        count = layer.weight[0].numel()
        rows = [np.concatenate([np.arange(count)[::-1], [-1, -1]])]
        plan = plan.with_layer(name, arrangement=Arrangement(rows=rows, flips=[np.arange(count + 2) % 2 == 0], spare=2))
    return plan


@pytest.mark.parametrize(
    ("hardware", "message"),
    [
        (
            replace(CLEAN, law=Law("sinh")),
            "precompensate inverts effective matrices, which cells of law",
        ),
        (replace(CLEAN, mapping=Mapping(slices=2)), "precompensate chooses one cell or one pair a weight"),
        (replace(CLEAN, cells=replace(CELLS, levels=Levels(500))), "precompensate tries all levels, at most 256"),
    ],
)
def test_hardware_that_it_does_not_take(hardware, message):
    with pytest.raises(InputError, match=message):
        chain("precompensate").check(network(), convert(network(), hardware), 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("h=0.5", "precompensate:h is 0.5: it must be at least 1"),
        ("h=inf", "precompensate:h is inf"),
        ("solver=newton", "precompensate:solver is 'newton': it must be one of fixed-point, adjoint"),
        ("iterations=0", "precompensate:iterations is 0: it must be a whole number, at least 1"),
        ("tolerance=0", "precompensate:tolerance is 0: it must be above 0"),
    ],
)
def test_options_that_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        chain(f"precompensate:{options}")


@pytest.mark.parametrize(
    "text", ["precompensate+headroom", "headroom+precompensate", "precompensate+prescale", "gain+precompensate",
             "precompensate+match-rows", "retrain+precompensate", "precompensate+neuron-permutation"],
)  # fmt: skip
def test_chains_that_would_undo_it(text):
    with pytest.raises(InputError, match="undoes it"):
        chain(text)
