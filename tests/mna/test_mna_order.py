"""The order of a netlist's cards changes neither a general network's numbers nor what it costs."""

import numpy as np
import pytest
from mna_tools import network

from xbarsim import mna
from xbarsim.mna import System, factors

LINES = 20


def array(kind, seed=None):
    """An array that is no crossbar, its nodes renumbered and its elements shuffled by a seed."""
    rng = np.random.default_rng(1)
    word = 1 + np.arange(LINES * LINES).reshape(LINES, LINES)
    bit = word + LINES * LINES
    inputs = 1 + 2 * LINES * LINES + np.arange(LINES)
    pairs = [(word, bit), (word[:, :-1], word[:, 1:]), (bit[:-1], bit[1:]), (inputs, word[:, 0])]
    r = [(a, b) for one, other in pairs for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)]
    ohms = [*(10 ** rng.uniform(3, 6, word.size)), *rng.uniform(0.5, 2, len(r) - word.size)]
    r = [(a, b, value) for (a, b), value in zip(r, ohms, strict=True)]
    v = [(int(node), 0, rng.uniform(-1, 1)) for node in inputs]
    e = []
    if kind == "amplifiers":
        outputs = int(inputs[-1]) + 1 + np.arange(LINES)
        r += [(int(o), int(b), 1e4) for o, b in zip(outputs, bit[-1], strict=True)]
        e = [(int(o), 0, -1e5, int(b), 0) for o, b in zip(outputs, bit[-1], strict=True)]
    else:
        r += [(int(b), 0, 5.0) for b in bit[-1]]
    if kind == "a bridge":
        r.append((int(word[1, 3]), int(word[9, 9]), 100.0))
    if kind == "missing wires":
        r = [one for k, one in enumerate(r) if k not in (word.size + 7, word.size + 300, word.size + 601)]
    nodes = 1 + max(max(a, b) for a, b, *_ in [*r, *v])
    if seed is None:
        return network(nodes, r, v, e=e), np.arange(nodes)
    rng = np.random.default_rng(seed)
    number = np.concatenate([[0], 1 + rng.permutation(nodes - 1)])
    r, v, e = ([(int(number[a]), int(number[b]), *rest) for a, b, *rest in part] for part in (r, v, e))
    e = [(a, b, gain, int(number[c]), int(number[d])) for a, b, gain, c, d in e]
    rng.shuffle(r)
    return network(nodes, r, v, e=e), number


def fill(circuit):
    lu = System(circuit).factored()._lu
    return lu.L.nnz + lu.U.nnz


@pytest.mark.parametrize("kind", ["a bridge", "missing wires", "amplifiers"])
def test_shuffled_arrays_fill_as_written_ones_do(kind):
    """With pivots chosen by size alone a shuffled array of 128 lines took 200 times the time."""
    written, _ = array(kind)
    for seed in (0, 1):
        circuit, number = array(kind, seed)
        assert fill(circuit) <= 1.3 * fill(written)
        known, ours = mna.solve(written), mna.solve(circuit)
        np.testing.assert_allclose(ours.voltages[0, number], known.voltages[0], rtol=0, atol=1e-14)
        np.testing.assert_allclose(ours.currents, known.currents, rtol=0, atol=1e-12 * np.abs(known.currents).max())
        assert System(circuit).factored()._way == 0


def test_small_pivots_are_no_trap():
    """A diagonal that is next to nothing beside its column: the second way takes over, with the same numbers."""
    circuit = network(
        4, r=[(1, 2, 1.0), (2, 3, 1e-7), (3, 0, 2.0)], v=[(1, 0, 1.0)], g=[(2, 0, 1e6, 3, 0), (3, 0, -1e6, 2, 0)]
    )
    first = mna.solve(circuit)
    ways = factors._WAYS
    try:
        factors._WAYS = ways[1:]
        second = mna.solve(circuit)
    finally:
        factors._WAYS = ways
    np.testing.assert_allclose(first.voltages, second.voltages, rtol=1e-14)
    np.testing.assert_allclose(first.currents, second.currents, rtol=1e-14)
