"""Netlists of layers that share word and bit lines: recognised as the crossbars that they are."""

import numpy as np
import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim import netlist
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.topologies import LayerStack, solve_stack

ROWS, COLS = 4, 5


def elements(rng, first="bit", layers=2, cells="r", nets=(), rows=ROWS, cols=COLS, both=False, ends=True):
    """Lines of a netlist in any order; lines of the kinds in ``nets`` are single nodes."""

    def ohms(low, high):
        return f"{rng.uniform(low, high):.17g}"

    kinds = [("bit", "word")[(plane + (first == "word")) % 2] for plane in range(layers + 1)]

    def node(plane, i, j):
        if kinds[plane] in nets:
            return f"n{plane}x{i if kinds[plane] == 'word' else j}"
        return f"n{plane}x{i}x{j}"

    lines = []
    for plane, kind in enumerate(kinds):
        for i in range(rows):
            for j in range(cols):
                at = node(plane, i, j)
                if kind not in nets and kind == "word" and j + 1 < cols:
                    lines.append(f"rw{plane}x{i}x{j} {at} {node(plane, i, j + 1)} {ohms(1, 9)}")
                if kind not in nets and kind == "bit" and i + 1 < rows:
                    lines.append(f"rb{plane}x{i}x{j} {node(plane, i + 1, j)} {at} {ohms(1, 9)}")
                if plane < layers and cells == "r":
                    lines.append(f"rc{plane}x{i}x{j} {at} {node(plane + 1, i, j)} {ohms(1e3, 1e5)}")
                elif plane < layers:
                    pair = at, node(plane + 1, i, j)
                    lines.append(
                        f"bc{plane}x{i}x{j} {' '.join(pair)} i={{{ohms(1e-5, 1e-4)}*sinh(v({','.join(pair)})/0.2)}}"
                    )
        for k in range(rows if kind == "word" else cols):
            inner = node(plane, k, 0) if kind == "word" else node(plane, rows - 1, k)
            outer = f"e{plane}x{k}" if ends else inner
            if ends:
                lines.append(f"re{plane}x{k} {outer} {inner} {ohms(1, 9)}")
            lines.append(f"v{kind[0]}{plane}x{k} {outer} 0 {ohms(0.1, 0.5) if kind == 'word' else 0}")
            if both and kind == "word":
                lines.append(f"rf{plane}x{k} {outer} {node(plane, k, cols - 1)} {ohms(1, 9)}")
    rng.shuffle(lines)
    return lines


def both_ways(folder, lines):
    circuit = read_text(folder, "\n".join([*lines, ".op"]))
    return circuit, simulate(circuit, circuit.recognise())[0], simulate(circuit, None)[0]


def assert_same(fast, slow):
    assert np.abs(fast.voltages - slow.voltages).max() <= 1e-12 * np.abs(slow.voltages).max()
    assert np.abs(fast.currents - slow.currents).max() <= 1e-10 * np.abs(slow.currents).max()


@pytest.mark.parametrize("cells", ["r", "sinh"])
@pytest.mark.parametrize(("first", "shape"), [("bit", (ROWS, 2 * COLS)), ("word", (2 * ROWS, COLS))])
def test_two_layers_are_a_crossbar_of_twice_the_lines(tmp_path, first, shape, cells):
    for seed in range(3):
        circuit, fast, slow = both_ways(tmp_path, elements(np.random.default_rng(seed), first, cells=cells))
        assert circuit.recognise().shape == shape
        assert circuit.crossbar().shape == shape
        assert not fast.how.startswith("network")
        assert_same(fast, slow)


@pytest.mark.parametrize("cells", ["r", "sinh"])
@pytest.mark.parametrize("nets", [(), ("word",), ("bit",), ("word", "bit")])
@pytest.mark.parametrize("first", ["bit", "word"])
@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_stacks_of_any_height_whatever_lines_are_single_nodes(tmp_path, layers, first, nets, cells):
    for seed, ends in ((20, True), (21, False)):
        rng = np.random.default_rng(seed)
        circuit, fast, slow = both_ways(tmp_path, elements(rng, first, layers, cells, nets, ends=ends))
        words, bits = sorted((layers // 2 + 1, (layers + 1) // 2), reverse=first == "word")
        assert circuit.recognise().shape == (words * ROWS, bits * COLS)
        assert not fast.how.startswith("network")
        assert_same(fast, slow)


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("nets", [(), ("word",), ("bit",)])
@pytest.mark.parametrize("cells", ["r", "sinh"])
def test_ngspice_says_the_same(tmp_path, cells, nets):
    lines = elements(np.random.default_rng(22), "bit", 3, cells, nets)
    circuit, fast, _ = both_ways(tmp_path, [*lines, ".options reltol=1e-12 abstol=1e-18 vntol=1e-14"])
    assert circuit.recognise().crossbar is not None
    theirs = ngspice(tmp_path / "circuit.sp")
    volts = [theirs[f"v({name})"] for name in circuit.nodes[1:]]
    assert np.abs(fast.voltages[0] - volts).max() <= 1e-9 * np.abs(volts).max()


def test_lines_tied_at_both_ends(tmp_path):
    circuit, fast, slow = both_ways(tmp_path, elements(np.random.default_rng(7), "word", both=True))
    assert circuit.recognise().shape == (2 * ROWS, COLS)
    assert_same(fast, slow)


def test_what_was_written_of_a_stack_is_read_as_one(tmp_path):
    rng = np.random.default_rng(8)
    stack = LayerStack(
        rng.uniform(1e-5, 1e-3, (4, 3, 4)), word_wire=2.0, bit_wire=3.0, driver=1.0, sense=4.0
    )  # fmt: skip
    volts = rng.uniform(0.1, 0.5, stack.plane_lines("word_left"))
    netlist.write(stack.crossbar, volts.T.ravel(), tmp_path / "stack.sp")
    circuit = netlist.read(tmp_path / "stack.sp")
    assert circuit.crossbar().shape == stack.crossbar.shape
    fast = simulate(circuit, circuit.recognise())[0]
    assert np.allclose(
        fast.output_currents[0].reshape(4, 3).T, solve_stack(stack, volts).currents, rtol=1e-10, atol=0.0
    )


@pytest.mark.parametrize(
    "more", [["rx n0x1x1 n2x1x1 500"], ["rx n1x0x1 n1x2x1 500"], ["rx n1x1x2 0 500"], ["rx n0x1x1 n1x2x1 500"]]
)
def test_what_is_no_such_stack_is_a_network(tmp_path, more):
    circuit, fast, slow = both_ways(tmp_path, elements(np.random.default_rng(9), "bit") + more)
    assert circuit.recognise().crossbar is None
    assert np.array_equal(fast.voltages, slow.voltages)


def test_a_missing_cell_is_solved_all_the_same(tmp_path):
    lines = [line for line in elements(np.random.default_rng(10), "bit") if not line.startswith("rc1x2x2")]
    _, fast, slow = both_ways(tmp_path, lines)
    assert_same(fast, slow)


@pytest.mark.slow
def test_stacks_in_time(tmp_path, monkeypatch):
    # So small an array is faster as a network.
    monkeypatch.setattr("xbarsim.analysis.simulate.stepping_is_slower", lambda *_: False)
    rng = np.random.default_rng(11)
    lines = [
        f"{line.rsplit(' ', 1)[0]} pulse(0 {rng.uniform(0.1, 0.4)} 1n 1n 1n 9n)" if line.startswith("vw") else line
        for line in elements(rng, "bit")
    ]
    farads = [
        f"c{p}x{i}x{j} n{p}x{i}x{j} 0 {rng.uniform(0.2, 2)}p" for p in range(3) for i in range(4) for j in range(5)
    ]
    circuit = read_text(tmp_path, "\n".join([*lines, *farads, ".tran 0.2n 4n"]))
    recognition = recognised_for(circuit, moving=True)
    assert recognition.shape == (ROWS, 2 * COLS)
    fast, slow = (simulate(circuit, way)[0] for way in (recognition, None))
    assert np.abs(fast.voltages - slow.voltages).max() <= 2e-3 * np.abs(slow.voltages).max()
    assert np.abs(fast.voltages - slow.voltages).max() > 0.0
