"""Analyses of netlists on the crossbar that they are and by the general solver: the same names, the same numbers."""

import numpy as np
import pytest
from mna_tools import CLOSE
from netlist_tools import random_elements, read_text, shuffled, text_of

from xbarsim.analysis.simulate import simulate

STYLES = [
    {"drive": "source", "sense": "source"},
    {"drive": "resistor", "sense": "resistor"},
    {"drive": "resistor", "sense": "ground", "other_ends": 0.4},
    {"drive": "reversed", "sense": "ammeter", "missing": 0.2},
    {"drive": "resistor", "sense": "ammeter first", "zero": 0.2},
    {"drive": "resistor", "sense": "tie"},
    {"drive": "source", "sense": "source", "half_select": True, "other_ends": 0.3},
    {"drive": "resistor", "sense": "source", "word_wire": False, "bit_wire": False},
]


@pytest.mark.parametrize("value", ["1e30", "-7", "0"])
@pytest.mark.parametrize("nodes", ["s 0", "0 s"])
def test_a_swept_source_forgets_its_own_value(tmp_path, value, nodes):
    """Volts that a source of 1e30 V is swept over, found by a difference to it."""
    text = f"v0 {nodes} {value}\nr0 s a 3\nr1 a b 1k\nr2 b 0 5\nr3 a c 2k\nr4 c 0 7\n.dc v0 0.1 0.3 0.1"
    circuit = read_text(tmp_path, text)
    recognition = circuit.recognise()
    assert recognition.crossbar is not None
    (ours,), (general,) = simulate(circuit, recognition), simulate(circuit, None)
    np.testing.assert_allclose(ours.voltages, general.voltages, rtol=CLOSE)
    np.testing.assert_allclose(ours.currents, general.currents, rtol=CLOSE)


@pytest.mark.parametrize("style", range(len(STYLES)))
@pytest.mark.parametrize("shape", [(2, 3), (5, 4), (9, 13)])
def test_the_crossbar_path_and_the_general_solver_agree(tmp_path, style, shape):
    """One netlist, solved as the crossbar that it is and as a network: the same names, the same numbers."""
    rng = np.random.default_rng([style, *shape])
    elements = shuffled(rng, random_elements(rng, *shape, **STYLES[style]))
    swept = next(name for name, _, _, value in elements if name[0] == "v" and value)
    circuit = read_text(tmp_path, text_of(elements) + SWEEP.format(swept))
    recognition = circuit.recognise()
    assert recognition.crossbar is not None, recognition.reason
    for ours, general in zip(simulate(circuit, recognition), simulate(circuit, None), strict=True):
        assert ours.outputs
        assert not general.outputs
        assert (ours.kind, ours.nodes, ours.points) == (general.kind, general.nodes, general.points)
        assert sorted(ours.branches) == sorted(general.branches)
        order = [general.branches.index(name) for name in ours.branches]
        for numbers, expected in (
            (ours.voltages, general.voltages),
            (ours.currents, general.currents[:, order]),
            (ours.power, general.power),
        ):
            np.testing.assert_allclose(numbers, expected, rtol=0, atol=CLOSE * np.abs(expected).max(initial=0.0))


SWEEP = "\n.op\n.dc {} -0.3 0.9 0.4"
