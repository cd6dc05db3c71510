"""Source lines between two bit lines that share them, against dense nodal analysis in 40 digits."""

import numpy as np
import pytest
from mpmath import mp, mpf

from xbarsim import LineEnds
from xbarsim.errors import InputError
from xbarsim.topologies import COLUMN_SIDES, SharedSourceArray, SourceLineArray, solve_shared_sources
from xbarsim.topologies import solve_source_lines as solve_apart

ROWS, COLS = 4, 6


def drawn(rng, **settings):
    pairs = COLS // 2
    known = {
        "source_wire": rng.uniform(1, 30, (ROWS - 1, pairs)),
        "bit_wire": rng.uniform(1, 30, (ROWS - 1, COLS)),
        "driver": rng.uniform(1, 50, pairs),
        "access": rng.uniform(1e3, 3e3, (ROWS, COLS)),
        "ends": {
            "bit_top": LineEnds(rng.uniform(0, 0.1, COLS), np.where(np.arange(COLS) % 3 == 0, np.inf, 40.0)),
            "source_bottom": LineEnds(rng.uniform(0, 0.1, pairs), 60.0),
            "bit_bottom": LineEnds(rng.uniform(0, 0.1, COLS), rng.uniform(1, 50, COLS)),
        },
    }
    return SharedSourceArray(10 ** rng.uniform(-5, -3, (ROWS, COLS)), **(known | settings))


def nodal(array, gates, volts):
    """Voltages of source- and bit-line nodes, and currents out of the ends by side."""
    rows, cols = array.shape
    pairs = cols // 2
    with mp.workdps(40):
        source = np.arange(rows * pairs).reshape(rows, pairs)
        bit = rows * pairs + np.arange(rows * cols).reshape(rows, cols)
        size = rows * (pairs + cols)
        matrix, right = mp.zeros(size), mp.zeros(size, 1)

        def couple(a, b, g):
            matrix[a, a] += g
            matrix[b, b] += g
            matrix[a, b] -= g
            matrix[b, a] -= g

        for nodes, wire in ((source, array.source_wire), (bit, array.bit_wire)):
            for i, k in np.ndindex(wire.shape):
                couple(int(nodes[i, k]), int(nodes[i + 1, k]), 1 / mpf(float(wire[i, k])))
        for i, j in np.ndindex(rows, cols):
            if gates[i]:
                ohms = 1 / mpf(float(array.conductance[i, j])) + mpf(float(array.access[i, j]))
                couple(int(source[i, j // 2]), int(bit[i, j]), 1 / ohms)
        feet = {"source_top": source[0], "bit_top": bit[0], "source_bottom": source[-1], "bit_bottom": bit[-1]}
        tied = []
        for side, nodes in feet.items():
            held = volts if side == "source_top" else array.boundary[side].voltage
            for k, (node, ohms) in enumerate(zip(nodes.tolist(), array.boundary[side].resistance, strict=True)):
                if np.isfinite(ohms):
                    matrix[node, node] += 1 / mpf(float(ohms))
                    right[node] += mpf(float(held[k])) / mpf(float(ohms))
                    tied.append((side, k, node, mpf(float(held[k])), mpf(float(ohms))))
        found = mp.lu_solve(matrix, right)
        currents = {side: np.zeros(len(nodes)) for side, nodes in feet.items()}
        for side, k, node, held, ohms in tied:
            currents[side][k] = float((found[node] - held) / ohms)
        values = np.array([float(found[k]) for k in range(size)])
    return values[source], values[bit], currents


def test_it_is_nodal_analysis():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        array, gates, volts = drawn(rng), np.array([1, 0, 1, 1]), rng.uniform(0.1, 0.4, COLS // 2)
        solution = solve_shared_sources(array, gates, volts)
        source, bit, currents = nodal(array, gates, volts)
        largest = max(np.abs(amperes).max() for amperes in currents.values())
        for side in COLUMN_SIDES:
            assert np.abs(solution.end_currents[side] - currents[side]).max() < 1e-13 * largest
        assert np.allclose(solution.source_voltages, source, rtol=1e-13)
        assert np.allclose(solution.bit_voltages, bit, rtol=1e-13)
        across = np.repeat(source, 2, axis=1) - bit
        assert np.allclose(solution.device_voltages, across, rtol=1e-10, atol=1e-15)
        assert np.allclose(solution.device_currents, array.cells * gates[:, None] * across, rtol=1e-10, atol=1e-18)
        assert solution.residual < 1e-12
        assert solution.power == pytest.approx(
            -sum(
                currents[side] @ (volts if side == "source_top" else array.boundary[side].voltage) for side in currents
            )
        )


def test_batches_are_their_patterns():
    rng = np.random.default_rng(4)
    array = drawn(rng)
    gates, volts = rng.integers(0, 2, (5, ROWS)), rng.uniform(0.1, 0.4, (5, COLS // 2))
    whole = solve_shared_sources(array, gates, volts, fields=True)
    same = solve_shared_sources(array, gates[0], volts)
    assert whole.currents.shape == same.currents.shape == (5, COLS)
    for k in range(5):
        one = solve_shared_sources(array, gates[k], volts[k])
        assert np.allclose(whole.currents[k], one.currents, rtol=1e-12)
        assert np.allclose(whole.device_currents[k], one.device_currents, rtol=1e-12, atol=1e-20)
        assert np.allclose(same.currents[k], solve_shared_sources(array, gates[0], volts[k]).currents, rtol=1e-12)
    with pytest.raises(InputError, match="fields=True"):
        _ = same.source_voltages


@pytest.mark.parametrize(("gates", "voltages"), [(np.zeros((0, 3)), 1.0), ([1, 0, 1], np.zeros((0, 2)))])
def test_a_batch_of_no_patterns_has_no_currents(gates, voltages):
    array = SharedSourceArray(np.full((3, 4), 1e-4), source_wire=1.0, bit_wire=2.0)
    solution = solve_shared_sources(array, gates, voltages, fields=True)
    assert solution.currents.shape == (0, 4)
    assert solution.bit_voltages.shape == (0, 3, 4)


def test_without_source_wires_columns_are_apart():
    """Source lines that are held hard are the same for two columns as for one."""
    rng = np.random.default_rng(5)
    array = drawn(rng, source_wire=0.0, driver=0.0, ends={}, sense=3.0)
    alone = SourceLineArray(
        array.conductance, bit_wire=array.bit_wire, sense=3.0, access=array.access
    )  # fmt: skip
    gates, volts = [1, 1, 0, 1], rng.uniform(0.1, 0.4, COLS // 2)
    shared = solve_shared_sources(array, gates, volts).currents
    assert np.allclose(shared, solve_apart(alone, gates, np.repeat(volts, 2)).currents, rtol=1e-12)


def test_a_shared_line_costs_both_columns_voltage():
    g = np.full((8, 2), 1e-3)
    both = SharedSourceArray(g, source_wire=20.0, bit_wire=5.0, driver=10.0, sense=10.0)
    alone = SharedSourceArray(g * [1, 0], source_wire=20.0, bit_wire=5.0, driver=10.0, sense=10.0)
    loaded, free = (solve_shared_sources(array, np.ones(8), 0.2).currents[0] for array in (both, alone))
    assert loaded < 0.9 * free


def test_nodes_without_a_source_float():
    array = SharedSourceArray(np.ones((3, 2)) * 1e-4, source_wire=[[1.0], [np.inf]], driver=2.0, sense=2.0)
    solution = solve_shared_sources(array, [1, 1, 0], 0.3)
    assert solution.floating == ["s[2, 0]"]
    assert np.isnan(solution.source_voltages[2, 0])
    assert solution.currents.sum() == pytest.approx(-solution.end_currents["source_top"].sum())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"conductance": np.ones((2, 3))}, "conductance has 3 columns: two share a source line"),
        ({"driver": [1.0, 2.0]}, r"driver has shape \(2,\)"),
        ({"bit_wire": -1.0}, "bit_wire is -1"),
        ({"ends": {"left": LineEnds(0.0, 1.0)}}, "ends has the key 'left'"),
        ({"ends": {"source_bottom": LineEnds([0.0, 1.0], 1.0)}}, r"source_bottom"),
        ({"sense": 1.0, "ends": {"bit_bottom": LineEnds(0.0, 1.0)}}, r"sense and ends\['bit_bottom'\] both give"),
    ],
)
def test_bad_settings_are_named(words, message):
    with pytest.raises(InputError, match=message):
        SharedSourceArray(**({"conductance": np.ones((2, 2))} | words))


def test_bad_inputs_are_named():
    array = SharedSourceArray(np.ones((2, 4)))
    for gates, volts, message in (
        ([1, 2], 0.1, r"gates\[1\] is 2: it must be 1 \(on\) or 0 \(off\)"),
        ([1, 0, 1], 0.1, r"gates has shape \(3,\)"),
        ([1, 0], [0.1] * 4, r"voltages has shape \(4,\): it must be a scalar, \(2,\) or \(batch, 2\)"),
        (np.ones((2, 2)), np.ones((3, 2)), "a batch of 2 and voltages one of 3"),
    ):
        with pytest.raises(InputError, match=message):
            solve_shared_sources(array, gates, volts)
    with pytest.raises(InputError, match="array is SourceLineArray: it must be a SharedSourceArray"):
        solve_shared_sources(SourceLineArray(np.ones((2, 2))), [1, 0], 0.1)
