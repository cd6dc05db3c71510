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


@pytest.mark.slow
def test_ohmmeter(tmp_path):
    """A node of a network without ends is ground; a unit current between two others has their resistance as voltage."""
    ohms, names = run("ohmmeter", tmp_path)
    cells = names["CELLS"]
    matrix, word, bit = nodal(cells, names["WORD_SEGMENT"], names["BIT_SEGMENT"], np.inf, np.inf)
    row, column = np.unravel_index(cells.argmin(), cells.shape)
    current = np.zeros(len(matrix))
    current[word[row, 0]] = 1.0
    ground = bit[-1, column]
    volts = np.linalg.solve(np.delete(np.delete(matrix, ground, 0), ground, 1), np.delete(current, ground))
    assert ohms == pytest.approx(volts[word[row, 0]], rel=1e-7)


@pytest.mark.slow
def test_stuck_cell(tmp_path):
    """A conductance added between two nodes adds a current there, to which a dense nodal matrix says all outputs."""
    missing, names = run("stuck_cell", tmp_path)
    matrix, word, bit = nodal(names["WEIGHTS"], names["WIRE"], names["WIRE"], names["END"], names["END"])
    excess = np.zeros(len(matrix))
    excess[word[names["STUCK"]]], excess[bit[names["STUCK"]]] = -1.0, 1.0
    outputs = np.linalg.solve(matrix, excess)[bit[-1]]
    assert missing == pytest.approx(1.0 - outputs.sum() / outputs[names["STUCK"][1]], rel=1e-6)


@pytest.mark.slow
def test_source_lines(tmp_path):
    """With one row on, columns of their own are resistors in series; a row of all columns is a ladder of such."""
    times, names = run("source_lines", tmp_path)
    cell, wire, end = names["R_ON"] + names["ACCESS"], names["SEGMENT"], names["END"]
    column = cell + (names["LINES"] - 1) * wire + end
    volt, ampere = 1.0, 1.0 / column
    for _ in range(names["LINES"] - 1):
        volt += wire * ampere
        ampere += volt / column
    volt += end * ampere
    assert times == pytest.approx((1.0 - cell / (column * volt)) / (1.0 - cell / (column + end)), rel=1e-9)
