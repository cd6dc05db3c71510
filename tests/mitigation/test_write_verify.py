"""Verified writes: cells as the chip's own write-verify makes them, and what that takes."""

from dataclasses import replace

import numpy as np
import pytest
from mitigation_tools import CELLS, HARDWARE, harness_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Plan, chain, method, realise
from xbarsim.nonideal import Fault, WriteVerify

TEXT = "write-verify:tolerance=0.02,max_pulses=60,step=0.2,shrink=0.7,noise=0.1,of=target"
LAW = WriteVerify(tolerance=0.02, max_pulses=60, step=0.2, shrink=0.7, noise=0.1, of="target")


def test_cells_are_those_of_hardware_that_verifies():
    harness = harness_of()
    application = harness.apply(chain(TEXT), 4)
    hardware = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None, write_verify=LAW))
    expected = realise(Plan.of(network()), hardware, seed=4)
    for name, layer in application.network.layers.items():
        for cells, others in zip(layer.programmed, expected.layers[name].programmed, strict=True):
            np.testing.assert_array_equal(cells, others)


def test_healthy_cells_come_to_their_targets_or_to_their_bounds():
    network_ = harness_of().apply(chain("write-verify:tolerance=0.005"), 4).network
    ideal = realise(Plan.of(network()), replace(HARDWARE, cells=replace(CELLS, faults=None, variation=None,
                                                                      cycle_variation=None)))  # fmt: skip
    span = CELLS.g_on - CELLS.g_off
    for name, layer in network_.layers.items():
        for cells, goal, (faults, factor) in zip(
            layer.programmed, ideal.layers[name].programmed, layer.known(), strict=True
        ):
            reach = np.clip(goal, CELLS.g_off * factor, CELLS.g_on * factor)
            healthy = faults == Fault.HEALTHY
            assert np.abs(cells - reach)[healthy].max() <= 0.006 * span


def test_pulses_and_cells_that_do_not_come_are_counted():
    cost = harness_of().record(chain("write-verify:tolerance=0.005"), 1).cost
    blind = harness_of().record(chain("none"), 1).cost
    assert cost.pulses > 3 * blind.pulses
    assert cost.writes == blind.writes
    assert (blind.unconverged, blind.pulses) == (0, blind.writes)
    layers = realise(Plan.of(network()), HARDWARE, seed=1).layers.values()
    stuck = sum(int((faults != Fault.HEALTHY).sum()) for layer in layers for faults, _ in layer.known())
    assert 0.3 * stuck < cost.unconverged < cost.writes


def test_a_wider_tolerance_takes_fewer_pulses():
    costs = [harness_of().record(chain(f"write-verify:tolerance={t}"), 1).cost for t in (0.002, 0.02, 0.2)]
    assert costs[0].pulses > costs[1].pulses > costs[2].pulses
    assert costs[0].unconverged > costs[2].unconverged


def test_it_stands_in_place_of_what_the_hardware_does():
    hardware = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None, write_verify=WriteVerify(tolerance=0.3)))
    coarse = harness_of(hardware=hardware).record(chain("none"), 2).cost
    fine = harness_of(hardware=hardware).record(chain("write-verify:tolerance=0.01"), 2).cost
    assert fine.pulses > 1.5 * coarse.pulses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("write-verify:tolerance=0", "write-verify:tolerance is 0"),
        ("write-verify:of=cell", "write-verify:of is 'cell': it must be one of range, target"),
        ("write-verify:max_pulses=0", "write-verify:max_pulses is 0"),
        ("write-verify:shrink=2", "write-verify:shrink is 2"),
        ("write-verify+write-verify:step=0.2", r"write-verify after write-verify undoes it \(writing\)"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        chain(text)


def test_its_options_are_those_of_cells():
    assert method("write-verify").options() == WriteVerify().to_dict()
