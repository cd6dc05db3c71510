"""Loops as netlists for tests: texts of them, and the general solver's answers beside the loop's."""

import numpy as np
import pytest

from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.netlist import read

OPAMP = """.subckt opamp inp inn out gain=1e5
Rin inp inn 1meg
E1 x 0 inp inn {gain}
Rout x out 40
.ends"""


def by_general(path):
    circuit = read(path)
    (result,) = simulate(circuit)
    return dict(zip(result.nodes, result.voltages[0], strict=True)), result


def same(closed, voltages, bound, point=0):
    expected = {
        node: np.atleast_1d(volts)[point if np.ndim(volts) else 0] for node, volts in closed.node_voltages().items()
    }
    largest = max(map(abs, expected.values()))
    for node, volts in expected.items():
        assert voltages[node.lower()] == pytest.approx(volts, abs=bound * largest), node


def renamed(path):
    """The netlist with names that say nothing."""
    text = path.read_text().replace(" w_", " p_").replace(" b_", " q_")
    path.write_text(text)


def solved_both_ways(path, found=1):
    """The netlist by parts and as a general network, both results."""
    circuit = read(path)
    assert len(circuit.arrays_inside()) == found
    (general,) = simulate(circuit)
    (parts,) = simulate(circuit, recognised_for(circuit, False))
    assert bool(parts.inside) == bool(found)
    assert parts.nodes == general.nodes
    assert sorted(parts.branches) == sorted(general.branches)
    order = [parts.branches.index(name) for name in general.branches]
    assert parts.voltages == pytest.approx(general.voltages, abs=1e-10 * np.abs(general.voltages).max())
    assert parts.currents[:, order] == pytest.approx(general.currents, abs=1e-9 * np.abs(general.currents).max())
    assert parts.power == pytest.approx(general.power, rel=1e-9)
    return parts, general


def array_text(rows, cols, seed, wire=2.0):
    """A crossbar as cards, line ends w0..., b0..., of its own ohms."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(rows):
        lines += [f"Rw{i}_{j} n{i}_{j} n{i}_{j + 1} {wire}" for j in range(cols - 1)]
        lines.append(f"Rdrv{i} w{i} n{i}_0 {rng.uniform(1, 9)}")
    for j in range(cols):
        lines += [f"Rb{i}_{j} m{i}_{j} m{i + 1}_{j} {wire}" for i in range(rows - 1)]
        lines.append(f"Rsns{j} m{rows - 1}_{j} b{j} {rng.uniform(1, 9)}")
    lines += [f"Rc{i}_{j} n{i}_{j} m{i}_{j} {1e4 * rng.uniform(1, 3)}" for i in range(rows) for j in range(cols)]
    return lines


def tia_text(rows, cols, seed=1):
    """A read by transimpedance amplifiers of a subcircuit."""
    lines = [OPAMP, *array_text(rows, cols, seed)]
    lines += [f"V{i} w{i} 0 {0.1 * (i + 1)}" for i in range(rows)]
    for j in range(cols):
        lines += [f"Xa{j} 0 b{j} o{j} opamp gain={1e4 * (j + 1)}", f"Rf{j} o{j} b{j} 5k"]
    return lines
