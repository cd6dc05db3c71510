"""A ``Coupling`` is all that a controlled element needs: elements that no letter has, against their equations."""

import numpy as np
import pytest
from mna_tools import EXACT, branches, controlled

from xbarsim import mna
from xbarsim.mna import Coupling, Network

CONDUCTANCE = Coupling(fixes_voltage=False, stamps=(("ab", "ab", 1.0),))
GYRATOR = Coupling(fixes_voltage=False, stamps=(("ab", "cd", 1.0), ("cd", "ab", -1.0)))
TRANSFORMER = Coupling(fixes_voltage=True, stamps=(("own", "cd", -1.0), ("cd", "own", -1.0)))

# 10 V through 100 ohm into node 2, and 50 ohm behind what couples nodes 2 and 3.
SOURCE, RESISTORS = [(1, 0, 10)], [(1, 2, 100), (3, 0, 50)]
CASES = {
    "a transformer shows its load times the square of its ratio": (TRANSFORMER, 2.0, 200.0, 0.5),
    "a gyrator shows its load's reciprocal": (GYRATOR, 0.01, 200.0, 0.5),
}


@pytest.mark.parametrize("case", CASES)
def test_two_ports(case):
    coupling, gain, ohms, ratio = CASES[case]
    network = Network(4, branches(*RESISTORS), branches(*SOURCE), controlled={coupling: controlled((2, 0, gain, 3, 0))})
    solution = mna.solve(network)
    volts = 10 * ohms / (100 + ohms)
    np.testing.assert_allclose(solution.voltages[0], [0, 10, volts, ratio * volts], rtol=EXACT)
    np.testing.assert_allclose(solution.currents[0], [-volts / ohms, volts / ohms][: 1 + coupling.fixes_voltage])


def test_a_conductance_ties_its_nodes_to_ground():
    network = Network(
        3, branches((1, 2, 100)), branches((1, 0, 10)), controlled={CONDUCTANCE: controlled((2, 0, 0.02, 0, 0))}
    )
    np.testing.assert_allclose(mna.solve(network).voltages[0], [0, 10, 10 / 3], rtol=EXACT)
