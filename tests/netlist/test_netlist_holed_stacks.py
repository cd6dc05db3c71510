"""Netlists of layers that share lines and lack cells: recognised as the crossbars that they are."""

import numpy as np
import pytest
from netlist_tools import read_text
from test_netlist_stacks import assert_same, both_ways, elements


def lacking(rng, share, first="bit", layers=2, cells="r", rows=9, cols=8, **options):
    """Lines of a netlist from which a share of the cells is taken."""
    lines = elements(rng, first, layers, cells, (), rows, cols, **options)
    return [line for line in lines if line[1] != "c" or rng.random() >= share]


@pytest.mark.parametrize("cells", ["r", "sinh"])
@pytest.mark.parametrize("first", ["bit", "word"])
@pytest.mark.parametrize("layers", [2, 3, 4])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5])
def test_stacks_that_lack_cells_are_crossbars(tmp_path, layers, first, cells, share):
    lines = lacking(np.random.default_rng(31), share, first, layers, cells)
    circuit, fast, slow = both_ways(tmp_path, lines)
    words, bits = sorted((layers // 2 + 1, (layers + 1) // 2), reverse=first == "word")
    assert circuit.recognise().shape == (words * 9, bits * 8)
    assert not fast.how.startswith("network")
    assert_same(fast, slow)


def test_both_ends_tied(tmp_path):
    circuit, fast, slow = both_ways(tmp_path, lacking(np.random.default_rng(4), 0.2, "word", both=True))
    assert circuit.recognise().shape == (18, 8)
    assert_same(fast, slow)


def test_cells_that_are_there_are_where_they_were(tmp_path):
    """Cells as many as the netlist has, each once, and each line with all of its wires."""
    lines = lacking(np.random.default_rng(11), 0.4, layers=3)
    crossbar = read_text(tmp_path, "\n".join([*lines, ".op"])).recognise().crossbar
    ohms = sorted(float(line.split()[3]) for line in lines if line.startswith("rc"))
    assert np.allclose(np.sort(1.0 / crossbar.conductance[crossbar.conductance > 0.0]), ohms, rtol=1e-14, atol=0.0)
    wires = sorted(float(line.split()[3]) for line in lines if line.startswith(("rw", "rb")))
    along = np.concatenate([crossbar.word_wire.ravel(), crossbar.bit_wire.ravel()])
    assert np.allclose(np.sort(along[(along > 0.0) & np.isfinite(along)]), wires, rtol=1e-14, atol=0.0)


@pytest.mark.parametrize(
    "more", [["rx n0x1x1 n2x1x1 50000"], ["rx n1x0x1 n1x2x1 5"], ["rx n1x1x2 0 500"], ["rx n0x1x1 n1x3x4 50000"]]
)
def test_what_is_no_such_stack_is_a_network(tmp_path, more):
    circuit, fast, slow = both_ways(tmp_path, lacking(np.random.default_rng(9), 0.3) + more)
    assert circuit.recognise().crossbar is None
    assert_same(fast, slow)


def test_wires_as_large_as_cells_are_no_wires_that_ohms_tell(tmp_path):
    """Then nothing is told, and the general solver gives the numbers."""
    lines = [
        line if line[:2] not in ("rw", "rb") else " ".join([*line.split()[:3], "2e4"])
        for line in lacking(np.random.default_rng(12), 0.3)
    ]
    circuit, fast, slow = both_ways(tmp_path, lines)
    assert circuit.recognise().crossbar is None
    assert_same(fast, slow)
