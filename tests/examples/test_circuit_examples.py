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


@pytest.mark.slow
def test_shared_bit_lines(tmp_path):
    """The nodal matrix of a layer, and that of a layer without bit wires and ends added at the same bit nodes."""
    times, names = run("shared_bit_lines", tmp_path)
    cells, inputs = names["problem"](32)
    wires = names["WIRES"]
    nodes, end = cells[0].size, wires["sense"]
    matrices, outputs = [], []
    for layer, volts in zip(cells, inputs, strict=True):
        matrix, word, bit = nodal(layer, wires["word_wire"], wires["bit_wire"], wires["driver"], end)
        sources = np.zeros(2 * nodes)
        sources[word[:, 0]] = volts / wires["driver"]
        outputs.append(np.linalg.solve(matrix, sources)[bit[-1]] / end)
        matrices.append(matrix)
    alone, _, _ = nodal(cells[1], wires["word_wire"], np.inf, wires["driver"], np.inf)
    stack, sources = np.zeros((3 * nodes, 3 * nodes)), np.zeros(3 * nodes)
    stack[: 2 * nodes, : 2 * nodes] = matrices[0]
    second = np.r_[2 * nodes : 3 * nodes, nodes : 2 * nodes]
    stack[np.ix_(second, second)] += alone
    sources[word[:, 0]], sources[2 * nodes + word[:, 0]] = inputs / wires["driver"]
    ideal = np.einsum("kij,ki->", cells, inputs)
    shared = np.linalg.solve(stack, sources)[bit[-1]].sum() / end
    assert times == pytest.approx((1.0 - shared / ideal) / (1.0 - np.sum(outputs) / ideal), rel=1e-8)


@pytest.mark.slow
def test_broken_word_line(tmp_path):
    """Inputs' admittances out of dense nodal matrices, of the array and of its mirror image."""
    distance, names = run("broken_word_line", tmp_path)
    end, voids = names["END"], names["VOIDS"]

    def into(cells, wires):
        matrix, word, _ = nodal(cells, wires, names["BIT_SEGMENT"], end, end)
        volts = np.linalg.solve(matrix, np.eye(len(matrix))[:, word[:, 0]] / end)
        return (1.0 - volts[word[:, 0]].diagonal()) / end

    left, right = (into(names["CELLS"][:, way], names["WIRES"][:, way]) for way in (np.s_[:], np.s_[::-1]))
    counted = names["COLS"] * left / (left + right) - 1.0
    assert distance == pytest.approx(max(abs(counted[row] - place) for row, place in voids.items()), rel=1e-8)


@pytest.mark.slow
def test_broken_word_line_says_where(tmp_path, capsys):
    _, names = run("broken_word_line", tmp_path)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert {int(words[1].strip(":")): int(words[-1]) for words in lines} == names["VOIDS"]


@pytest.mark.slow
def test_tapered_lines(tmp_path):
    """A dense nodal matrix with ideal ends; to first order in the loss, lines lose the sum of squared currents."""
    ratio, names = run("tapered_lines", tmp_path)
    lines, cells = names["LINES"], np.arange(1.0, names["LINES"])
    g = np.full((lines, lines), 1.0 / names["R_ON"])

    def loss(widths):
        ohms = names["SEGMENT"] * widths.mean() / widths
        matrix, word, bit = nodal(g, ohms[::-1], ohms[:, None], np.inf, np.inf)
        held = np.r_[word[:, 0], bit[-1]]
        free = np.setdiff1d(np.arange(len(matrix)), held)
        volts = np.zeros(len(matrix))
        volts[word[:, 0]] = 1.0
        volts[free] = np.linalg.solve(matrix[np.ix_(free, free)], -matrix[np.ix_(free, held)] @ volts[held])
        return 1.0 - (volts[word] - volts[bit]).mean()

    plain, tapered = loss(np.ones(lines - 1)), loss(np.sqrt(cells))
    assert ratio == pytest.approx(tapered / plain, rel=1e-8)
    first = (cells**1.5).sum() * (cells**0.5).sum() / (len(cells) * (cells**2).sum())
    assert abs(ratio - first) < plain
