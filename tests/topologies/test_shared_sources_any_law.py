"""Cells of any law around shared source lines, against the general solver of the netlist, and limits."""

import numpy as np
import pytest
from netlist_tools import read_text

from xbarsim import LineEnds, Sinh, Transistor
from xbarsim.analysis.simulate import simulate
from xbarsim.devices import Table
from xbarsim.errors import InputError
from xbarsim.topologies import SharedSourceArray, SourceLineArray, solve_shared_sources, solve_source_lines

ROWS, COLS = 5, 6
LOPSIDED = Table([-1.0, -0.3, 0.2, 0.5, 1.0], [-2e-5, -5e-6, 2e-5, 7e-5, 3e-4])
"""Bit line first: three times as much one way as the other."""


def drawn(rng, device, **settings):
    pairs = COLS // 2
    known = {
        "source_wire": rng.uniform(1, 300, (ROWS - 1, pairs)),
        "bit_wire": rng.uniform(1, 300, (ROWS - 1, COLS)),
        "driver": rng.uniform(1, 50, pairs),
        "ends": {
            "bit_top": LineEnds(rng.uniform(0, 0.1, COLS), np.where(np.arange(COLS) % 3 == 0, np.inf, 40.0)),
            "source_bottom": LineEnds(rng.uniform(0, 0.1, pairs), 60.0),
            "bit_bottom": LineEnds(rng.uniform(0, 0.1, COLS), rng.uniform(1, 50, COLS)),
        },
    }
    return SharedSourceArray(10 ** rng.uniform(-5, -3, (ROWS, COLS)), **(known | settings), device=device)


def netlist(array, gates, volts, law):
    """The circuit's lines; ``law`` writes a cell's amperes for its siemens and the volts between two nodes."""
    lines = []
    for i, j in np.ndindex(ROWS, COLS):
        bit, source = f"b{i}x{j}", f"s{i}x{j // 2}"
        if gates[i]:
            lines.append(f"bc{i}x{j} {bit} {source} i={{{law(array.conductance[i, j], f'v({bit},{source})')}}}")
        if i + 1 < ROWS:
            lines.append(f"rb{i}x{j} {bit} b{i + 1}x{j} {array.bit_wire[i, j]:.17g}")
            if j % 2 == 0:
                lines.append(f"rs{i}x{j} {source} s{i + 1}x{j // 2} {array.source_wire[i, j // 2]:.17g}")
    for side, row in (("source_top", 0), ("bit_top", 0), ("source_bottom", ROWS - 1), ("bit_bottom", ROWS - 1)):
        tied = array.boundary[side]
        for k, ohms in enumerate(tied.resistance):
            held = volts[k] if side == "source_top" else tied.voltage[k]
            if np.isfinite(ohms):
                lines.append(f"re{side}x{k} {side[0]}{row}x{k} e{side}x{k} {ohms:.17g}")
                lines.append(f"ve{side}x{k} e{side}x{k} 0 {held:.17g}")
    return lines


def assert_as_general(folder, array, gates, volts, law):
    solution = solve_shared_sources(array, gates, volts)
    circuit = read_text(folder, "\n".join([*netlist(array, gates, volts, law), ".op"]))
    answer = simulate(circuit, None)[0]
    at = {name: answer.voltages[0][k] for k, name in enumerate(circuit.nodes[1:])}
    source = np.array([[at[f"s{i}x{k}"] for k in range(COLS // 2)] for i in range(ROWS)])
    bit = np.array([[at[f"b{i}x{j}"] for j in range(COLS)] for i in range(ROWS)])
    assert np.abs(solution.source_voltages - source).max() < 1e-11 * np.abs(source).max()
    assert np.abs(solution.bit_voltages - bit).max() < 1e-11 * np.abs(source).max()
    sense = array.boundary["bit_bottom"]
    assert np.allclose(solution.currents, (bit[-1] - sense.voltage) / sense.resistance, rtol=1e-8, atol=1e-14)
    assert solution.residual <= 1e-11
    assert solution.method == "newton"
    return solution


@pytest.mark.parametrize("v0", [0.3, 0.05])
@pytest.mark.parametrize("seed", [0, 1])
def test_sinh_cells_are_those_of_the_general_solver(tmp_path, seed, v0):
    rng = np.random.default_rng(seed)
    array, volts = drawn(rng, Sinh(v0=v0)), rng.uniform(0.1, 0.5, COLS // 2)
    assert_as_general(tmp_path, array, [1, 0, 1, 1, 1], volts, lambda g, v: f"{g * v0:.17g}*sinh({v}/{v0})")


def test_currents_are_the_laws_and_kirchhoffs():
    rng = np.random.default_rng(7)
    array, gates = drawn(rng, Sinh(v0=0.1)), np.array([1, 1, 0, 1, 1])
    solution = solve_shared_sources(array, gates, [0.4, -0.3, 0.2])
    amperes = gates[:, None] * array.conductance * 0.1 * np.sinh(solution.device_voltages / 0.1)
    assert np.allclose(solution.device_currents, amperes, rtol=1e-11, atol=1e-16)
    ends = solution.end_currents
    assert np.allclose(solution.device_currents.sum(axis=0), ends["bit_top"] + ends["bit_bottom"], rtol=1e-11)
    pairs = solution.device_currents.sum(axis=0).reshape(-1, 2).sum(axis=1)
    assert np.allclose(-pairs, ends["source_top"] + ends["source_bottom"], rtol=1e-11)


@pytest.mark.parametrize("device", [Sinh(v0=0.08), LOPSIDED])
def test_one_column_of_each_pair_alone_is_a_column_with_a_line_of_its_own(device):
    rng = np.random.default_rng(3)
    g = 10 ** rng.uniform(-5, -3, (4, 3))
    shared = SharedSourceArray(
        np.repeat(g, 2, axis=1) * np.tile([1, 0], 3),
        source_wire=20.0,
        bit_wire=5.0,
        driver=10.0,
        sense=10.0,
        device=device,
    )
    alone = SourceLineArray(g, source_wire=20.0, bit_wire=5.0, driver=10.0, sense=10.0, device=device)
    gates, volts = [1, 1, 0, 1], [0.3, -0.4, 0.2]
    expected = solve_source_lines(alone, gates, volts)
    solution = solve_shared_sources(shared, gates, volts)
    assert np.allclose(solution.currents[0::2], expected.currents, rtol=1e-10, atol=0.0)
    assert np.array_equal(solution.currents[1::2], np.zeros(3))


def test_without_wires_each_cell_is_at_its_sources():
    g = np.array([[1e-4, 2e-4], [3e-4, 5e-5]])
    solution = solve_shared_sources(SharedSourceArray(g, device=Sinh(v0=0.1)), [1, 1], 0.2)
    assert np.allclose(solution.currents, (g * 0.1 * np.sinh(2.0)).sum(axis=0), rtol=1e-13, atol=0.0)


def test_batches_are_their_patterns():
    rng = np.random.default_rng(5)
    array = drawn(rng, Sinh(v0=0.1))
    gates, volts = rng.integers(0, 2, (3, ROWS)), rng.uniform(0.1, 0.4, (3, COLS // 2))
    whole = solve_shared_sources(array, gates, volts, fields=True)
    for k in range(3):
        one = solve_shared_sources(array, gates[k], volts[k])
        assert np.array_equal(whole.currents[k], one.currents)
        assert np.array_equal(whole.device_voltages[k], one.device_voltages)
        assert whole.iterations[k] == one.iterations
    assert "newton" in repr(whole)
    assert "Sinh" in repr(array)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": Transistor(gate=2.0)}, "three terminals"),
        ({"device": Sinh}, "device is Sinh: it must be a device"),
        ({"device": Sinh(v0=0.1), "access": 5.0}, "access is the series resistance of linear cells"),
        ({"device": Sinh(v0=[[0.1, 0.2, 0.3]])}, r"device\.v0|v0 has shape"),
    ],
)
def test_bad_laws_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        SharedSourceArray(np.full((2, 2), 1e-4), **settings)
