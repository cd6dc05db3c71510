"""Examples of loops, energy and time: their numbers by dense nodal matrices, closed forms and quadrature."""

import numpy as np
import pytest
from example_tools import nodal, run


def block(matrices):
    """Return one matrix of all circuits beside each other, and where each begins."""
    sizes = [len(matrix) for matrix in matrices]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    whole = np.zeros((starts[-1], starts[-1]))
    for start, matrix in zip(starts, matrices, strict=False):
        whole[start : start + len(matrix), start : start + len(matrix)] = matrix
    return whole, starts


@pytest.mark.slow
def test_solving_equations(tmp_path):
    """One dense matrix of all nodes, lines' ends and amplifiers, conductance by conductance.

    It loses n eps times its condition, 1e-8 of the answer.
    """
    error, names = run("solving_equations", tmp_path)
    count, unit, wire, end = 16, names["UNIT"], names["WIRE"], names["END"]
    places = np.arange(count)
    target = np.exp(-np.abs(np.subtract.outer(places, places)) / names["REACH"])
    array, word, bit = nodal(unit * target, wire, wire, end, end)
    size, b = len(array), names["right_side"](count)
    whole, _ = block([array, np.eye(count), np.eye(count)])
    sums, outs = size + places, size + count + places
    whole[word[:, 0], sums] = whole[sums, word[:, 0]] = -1.0 / end
    whole[bit[-1], outs] = -1.0 / end
    whole[sums, sums] = 1.0 / end + unit
    whole[outs, sums] = names["AMPLIFIER"].gain  # x = -gain times the minus input
    right = np.zeros(len(whole))
    right[sums] = -unit * b
    x = np.linalg.solve(whole, right)[outs]
    ideal = np.linalg.solve(target, b)
    assert error == pytest.approx(np.linalg.norm(x - ideal) / np.linalg.norm(ideal), rel=1e-6)
