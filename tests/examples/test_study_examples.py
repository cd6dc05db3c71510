"""Examples on studies: one trial of the table again, by a dense nodal matrix, and what was run is not run again."""

import numpy as np
import pytest
from example_tools import nodal, run


@pytest.mark.slow
def test_study_in_python(tmp_path, capsys):
    """A column ends in a segment and 0 V; the netlist has all digits of its numbers.

    The matrix loses at most its size times eps times its condition, 4e-11.
    """
    pytest.importorskip("pandas")
    left, names = run("study_in_python", tmp_path)
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first == "the first time 25 trials are solved, 0 were there"
    assert second == "the second time 0 trials are solved, 25 were there"
    cells = names["CELLS"]
    matrix, word, bit = nodal(cells, 5.0, 5.0, 100.0, 5.0)
    sources = np.zeros(len(matrix))
    sources[word[:, 0]] = 1.0 / 100.0
    amperes = np.linalg.solve(matrix, sources)[bit[-1, -1]] / 5.0
    assert left == pytest.approx(amperes / cells[:, -1].sum(), rel=1e-9)
