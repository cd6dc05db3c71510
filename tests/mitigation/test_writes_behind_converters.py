"""A chip whose converters have ranges from data is written, and read on with ranges of what is on it then."""

from dataclasses import replace

import pytest
import torch
from mitigation_tools import HARDWARE, bench_of, digits, harness_of, network

from xbarsim.mitigation import Needs, Plan, chain
from xbarsim.mitigation.bench_images import calibration_images
from xbarsim.nn import Converter, Law

WRITTEN = "itt-rna:mapping=none,rounds=0,iterations=2,batch=10,interval=1,rate=0.1"
ROUNDED = replace(HARDWARE, dac=Converter(bits=6), adc=Converter(bits=8))
BENT = replace(HARDWARE, law=Law("sinh"), cells=replace(HARDWARE.cells, cycle_variation=None))


@pytest.mark.parametrize("hardware", [ROUNDED, BENT], ids=["converters", "sinh"])
def test_it_is_trained_on_the_device(hardware):
    harness = harness_of("single", hardware, digits(20, 20, 10))
    steps = chain(WRITTEN)
    harness.check([steps])
    record = harness.record(steps, 0)
    assert record.cost.most_writes_a_cell > 1
    assert len(record.trace["chip_validation"]) == 3


def test_ranges_are_those_of_what_was_written():
    """Halved weights of the first layer halve what arrives at the second one's converters."""
    plan = Plan.of(network("mlp"))
    bench = bench_of(plan, Needs(data="labels", chip="write"), hardware=ROUNDED)
    images = bench.images(30)
    bench.forward(plan, images)
    state = plan.model.state_dict()
    halved = plan.with_weights({"fc1.weight": 0.5 * state["fc1.weight"], "fc1.bias": 0.5 * state["fc1.bias"]})
    kept = halved.with_layer("fc1", headroom=2.0)
    bench.write(kept, {})
    network_ = bench._socket.network(kept)
    present = {name: layer.output_range.clone() for name, layer in network_.layers.items()}
    network_.calibrate(calibration_images(digits()))
    for name, layer in network_.layers.items():
        assert torch.equal(layer.output_range, present[name])
        assert float(present[name].min()) > 0.0
    torch.testing.assert_close(bench.forward(kept, images).outputs, network_(images))
