"""Netlists of two layers that share word or bit lines: recognised as the crossbars that they are."""

import numpy as np
import pytest
from netlist_tools import read_text

from xbarsim import netlist
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.topologies import LayerStack, solve_stack

ROWS, COLS = 4, 5


def elements(rng, shared, cells="r", rows=ROWS, cols=COLS, both=False):
    """Lines of a netlist in any order: planes 0 and 2 are crossed by plane 1, whose lines are shared."""

    def ohms(low, high):
        return f"{rng.uniform(low, high):.17g}"

    kinds = ("bit", "word", "bit") if shared == "word" else ("word", "bit", "word")
    lines = []
    for plane, kind in enumerate(kinds):
        for i in range(rows):
            for j in range(cols):
                node = f"n{plane}x{i}x{j}"
                if kind == "word" and j + 1 < cols:
                    lines.append(f"rw{plane}x{i}x{j} {node} n{plane}x{i}x{j + 1} {ohms(1, 9)}")
                if kind == "bit" and i + 1 < rows:
                    lines.append(f"rb{plane}x{i}x{j} n{plane}x{i + 1}x{j} {node} {ohms(1, 9)}")
                if plane < 2 and cells == "r":
                    lines.append(f"rc{plane}x{i}x{j} {node} n{plane + 1}x{i}x{j} {ohms(1e3, 1e5)}")
                elif plane < 2:
                    ends = node, f"n{plane + 1}x{i}x{j}"
                    lines.append(
                        f"bc{plane}x{i}x{j} {' '.join(ends)} i={{{ohms(1e-5, 1e-4)}*sinh(v({','.join(ends)})/0.2)}}"
                    )
        if kind == "word":
            for i in range(rows):
                lines += [
                    f"rd{plane}x{i} d{plane}x{i} n{plane}x{i}x0 {ohms(1, 9)}",
                    f"vd{plane}x{i} d{plane}x{i} 0 {ohms(0.1, 0.5)}",
                ]
                if both:
                    lines.append(f"re{plane}x{i} d{plane}x{i} n{plane}x{i}x{cols - 1} {ohms(1, 9)}")
        else:
            for j in range(cols):
                lines += [
                    f"rs{plane}x{j} n{plane}x{rows - 1}x{j} o{plane}x{j} {ohms(1, 9)}",
                    f"vo{plane}x{j} o{plane}x{j} 0 0",
                ]
    rng.shuffle(lines)
    return lines


def both_ways(folder, lines):
    circuit = read_text(folder, "\n".join([*lines, ".op"]))
    return circuit, simulate(circuit, circuit.recognise())[0], simulate(circuit, None)[0]


def assert_same(fast, slow):
    assert np.abs(fast.voltages - slow.voltages).max() <= 1e-12 * np.abs(slow.voltages).max()
    assert np.abs(fast.currents - slow.currents).max() <= 1e-10 * np.abs(slow.currents).max()


@pytest.mark.parametrize("cells", ["r", "sinh"])
@pytest.mark.parametrize(("shared", "shape"), [("word", (ROWS, 2 * COLS)), ("bit", (2 * ROWS, COLS))])
def test_two_layers_are_a_crossbar_of_twice_the_lines(tmp_path, shared, shape, cells):
    for seed in range(3):
        circuit, fast, slow = both_ways(tmp_path, elements(np.random.default_rng(seed), shared, cells))
        assert circuit.recognise().shape == shape
        assert circuit.crossbar().shape == shape
        assert not fast.how.startswith("network")
        assert_same(fast, slow)


def test_lines_tied_at_both_ends(tmp_path):
    circuit, fast, slow = both_ways(tmp_path, elements(np.random.default_rng(7), "bit", both=True))
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
    circuit, fast, slow = both_ways(tmp_path, elements(np.random.default_rng(9), "word") + more)
    assert circuit.recognise().crossbar is None
    assert np.array_equal(fast.voltages, slow.voltages)


def test_a_missing_cell_is_solved_all_the_same(tmp_path):
    lines = [line for line in elements(np.random.default_rng(10), "word") if not line.startswith("rc1x2x2")]
    _, fast, slow = both_ways(tmp_path, lines)
    assert_same(fast, slow)


@pytest.mark.slow
def test_stacks_in_time(tmp_path, monkeypatch):
    # So small an array is faster as a network.
    monkeypatch.setattr("xbarsim.analysis.simulate.stepping_is_slower", lambda *_: False)
    rng = np.random.default_rng(11)
    lines = [
        f"{line.rsplit(' ', 1)[0]} pulse(0 {rng.uniform(0.1, 0.4)} 1n 1n 1n 9n)" if line.startswith("vd") else line
        for line in elements(rng, "word")
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
