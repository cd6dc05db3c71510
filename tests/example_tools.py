"""What tests of examples share: running a script, and circuits that share no code with the package."""

import runpy

import numpy as np
import pytest
from cli_tools import ROOT

pytest.importorskip("matplotlib")
import matplotlib
import matplotlib.pyplot as plt

FOLDER = ROOT / "examples"


def run(name, tmp_path):
    """Return what ``main`` of a script returns, and the script's names."""
    picture = tmp_path / f"{name}.png"
    with matplotlib.rc_context():
        matplotlib.use("Agg")
        names = runpy.run_path(str(FOLDER / f"{name}.py"))
        answer = names["main"](str(picture))
        plt.close("all")
    assert answer is None or picture.stat().st_size > 10_000
    return answer, names


def nodal(g, word_wire, bit_wire, driver, sense):
    """Return the nodal matrix of an array, word nodes row by row and then bit nodes, by stamps of single resistors.

    Wires are ohms of all segments, or of each; ends ohms of all lines, or of each.
    """
    rows, cols = g.shape
    word = np.arange(rows * cols).reshape(rows, cols)
    bit = word + rows * cols
    matrix = np.zeros((2 * rows * cols, 2 * rows * cols))

    def stamp(a, b, siemens):
        a, b, siemens = a.ravel(), b.ravel(), np.broadcast_to(siemens, a.shape).ravel()
        for p, q, sign in ((a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)):
            np.add.at(matrix, (p, q), sign * siemens)

    stamp(word, bit, g)
    stamp(word[:, :-1], word[:, 1:], 1.0 / word_wire)
    stamp(bit[:-1], bit[1:], 1.0 / bit_wire)
    matrix[word[:, 0], word[:, 0]] += 1.0 / driver
    matrix[bit[-1], bit[-1]] += 1.0 / sense
    return matrix, word, bit


def rising(function, low, high):
    """Return where a rising function is 0."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if function(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)
