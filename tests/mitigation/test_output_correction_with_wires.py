"""What stuck cells falsify is what comes of them through wires and gains; what wires take from others stays."""

from dataclasses import replace

import numpy as np
import pytest
from mitigation_tools import ENDS, bench_of, harness_of, network

from xbarsim.mitigation import Plan, catalogue, chain, realise
from xbarsim.nn import Law, Wires
from xbarsim.nonideal import Fault, Faults, Nonidealities

STUCK = Nonidealities(1e4, 1e6, faults=Faults(0.15, ocr=2.0))
WIRED = replace(ENDS, cells=STUCK, wires=Wires(5.0, 5.0, 900.0, 700.0))


@pytest.mark.parametrize("first", ["", "gain+"])
def test_corrected_weights_are_exact_through_the_circuit(first):
    plan = harness_of(hardware=WIRED).apply(chain(f"{first}output-correction"), 3).plan
    ideal = harness_of(hardware=replace(WIRED, fidelity="ideal")).apply(chain("output-correction"), 3).plan
    for name, layer in realise(plan, WIRED, seed=3).layers.items():
        settled = plan.layer(name)
        gain = 1.0 if settled.gain is None else float(settled.gain)
        corrected = settled.correction.numpy().T != 0.0
        stuck = np.any([faults != Fault.HEALTHY for faults, _ in layer.known()], axis=0)
        total = gain * layer.effective_matrices()[0].detach().numpy() + settled.correction.numpy().T
        np.testing.assert_allclose(total[corrected], layer.weight.detach().numpy().T[corrected], atol=1e-6)
        assert not corrected[~stuck].any()
        if not first:
            assert np.array_equal(corrected, ideal.layer(name).correction.numpy().T != 0.0), "those that cells falsify"


def test_cells_of_other_laws_are_corrected_as_they_are_held():
    bent = replace(WIRED, law=Law("sinh"))
    plan = Plan.of(network())
    step = catalogue.method("output-correction")
    plans = [
        step.apply(plan, bench_of(plan, step.needs, hardware=hardware, chip=3))
        for hardware in (bent, replace(WIRED, fidelity="ideal"))
    ]
    assert plans[0].fingerprint() == plans[1].fingerprint()
