"""Examples of circuits: dense nodal matrices, series and ladders bound the numbers that they return."""

import numpy as np
import pytest
from example_tools import nodal, run


@pytest.mark.slow
def test_both_ends(tmp_path):
    """Nothing crosses the middle of an array of equal cells tied at all ends: a quarter of it, tied at two sides."""
    loss, names = run("both_ends", tmp_path)
    g, end = np.full((32, 32), 1.0 / names["R_ON"]), names["END"]
    matrix, word, bit = nodal(g, names["WORD_SEGMENT"], names["BIT_SEGMENT"], end, end)
    sources = np.zeros(len(matrix))
    sources[word[:, 0]] = 1.0 / end
    current = np.linalg.solve(matrix, sources)[bit[-1]].sum() / end
    assert loss == pytest.approx(1.0 - current / g.sum(), rel=1e-8)


@pytest.mark.slow
def test_read_current_split(tmp_path):
    """A dense nodal matrix of an array whose unselected word lines have no ends."""
    sneak, names = run("read_current_split", tmp_path)
    array, (row, column), end, wire = names["array"](), names["CELL"], names["END"], names["WIRE"]
    matrix, word, bit = nodal(
        array.conductance, wire, wire, np.where(np.arange(names["LINES"]) == row, end, np.inf), end
    )
    sources = np.zeros(len(matrix))
    sources[word[row, 0]] = 1.0 / end
    volts = np.linalg.solve(matrix, sources)
    cell = array.conductance[row, column] * (volts[word[row, column]] - volts[bit[row, column]])
    assert sneak == pytest.approx(1.0 - cell / (volts[bit[-1, column]] / end), rel=1e-8)
