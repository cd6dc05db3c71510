import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds, Transistor
from xbarsim.errors import InputError
from xbarsim.topologies import LayerStack, solve_stack, stack_conductance


def nodal(stack, voltages, ends=None):
    """Bit-line currents (bit planes, cols) by dense nodal analysis of nodes numbered plane by plane."""
    layers, rows, cols = stack.shape
    kinds = [("word", "bit") if stack.first == "word" else ("bit", "word")] * (layers // 2 + 1)
    kinds = [kind for pair in kinds for kind in pair][: layers + 1]
    number = np.arange((layers + 1) * rows * cols).reshape(layers + 1, rows, cols)
    matrix, right = np.zeros((number.size, number.size)), np.zeros(number.size)

    def couple(a, b, g):
        matrix[a, a] += g
        matrix[b, b] += g
        matrix[a, b] -= g
        matrix[b, a] -= g

    planes = {"word": -1, "bit": -1}
    feet = []
    for plane, kind in enumerate(kinds):
        planes[kind] += 1
        at = number[plane]
        for i in range(rows):
            for j in range(cols):
                if kind == "word" and j + 1 < cols:
                    couple(at[i, j], at[i, j + 1], 1 / stack.word_wire[planes[kind], i, j])
                if kind == "bit" and i + 1 < rows:
                    couple(at[i, j], at[i + 1, j], 1 / stack.bit_wire[planes[kind], i, j])
                if plane < layers:
                    couple(at[i, j], number[plane + 1][i, j], stack.conductance[plane, i, j])
        if kind == "word":
            matrix[at[:, 0], at[:, 0]] += 1 / stack.driver[planes[kind]]
            right[at[:, 0]] += voltages[planes[kind]] / stack.driver[planes[kind]]
        else:
            matrix[at[-1], at[-1]] += 1 / stack.sense[planes[kind]]
            feet.append((at[-1], stack.sense[planes[kind]]))
    volts = np.linalg.solve(matrix, right)
    return np.array([volts[foot] / ohms for foot, ohms in feet]), volts[number], kinds


def drawn(rng, layers, first, rows=4, cols=3):
    words, bits = (layers // 2 + 1, (layers + 1) // 2) if first == "word" else ((layers + 1) // 2, layers // 2 + 1)
    stack = LayerStack(
        10 ** rng.uniform(-5, -3, (layers, rows, cols)),
        first=first,
        word_wire=rng.uniform(1, 20, (words, rows, cols - 1)),
        bit_wire=rng.uniform(1, 20, (bits, rows - 1, cols)),
        driver=rng.uniform(1, 50, (words, rows)),
        sense=rng.uniform(1, 50, (bits, cols)),
    )
    return stack, rng.uniform(0.1, 1, (words, rows))


@pytest.mark.parametrize("first", ["bit", "word"])
@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_stacks_of_any_height_are_nodal_analysis(layers, first):
    stack, volts = drawn(np.random.default_rng(layers), layers, first)
    solution = solve_stack(stack, volts)
    currents, nodes, kinds = nodal(stack, volts)
    assert np.allclose(solution.currents, currents, rtol=1e-11, atol=0)
    for kind, voltages in (("word", solution.word_voltages), ("bit", solution.bit_voltages)):
        assert np.allclose(voltages, nodes[[k for k, name in enumerate(kinds) if name == kind]], rtol=1e-12, atol=0)
    across = np.diff(nodes, axis=0) * np.where([kind == "word" for kind in kinds[:-1]], -1, 1)[:, None, None]
    assert np.allclose(solution.device_currents, stack.conductance * across, rtol=1e-9, atol=1e-18)
    assert solution.residual < 1e-11


def test_one_layer_is_the_crossbar():
    rng = np.random.default_rng(20)
    g = rng.uniform(1e-5, 1e-3, (3, 4))
    stack = LayerStack(g[None], word_wire=2.0, bit_wire=3.0, driver=1.0, sense=0.5, first="word")
    crossbar = Crossbar(g, word_wire=2.0, bit_wire=3.0, driver=1.0, sense=0.5)
    assert stack.crossbar == crossbar
    volts = rng.uniform(0, 1, (5, 1, 3))
    currents = solve_stack(stack, volts).currents
    assert currents.shape == (5, 1, 4)
    assert np.array_equal(currents[:, 0], xbarsim.solve(crossbar, volts[:, 0]).currents)


def test_two_layers_over_ideal_word_lines_do_not_know_each_other():
    rng = np.random.default_rng(21)
    g = rng.uniform(1e-5, 1e-3, (2, 3, 4))
    stack = LayerStack(g, bit_wire=3.0, sense=0.5)
    volts = rng.uniform(0, 1, (1, 3))
    for layer in range(2):
        alone = xbarsim.solve(Crossbar(g[layer], bit_wire=3.0, sense=0.5), volts[0]).currents
        assert np.allclose(solve_stack(stack, volts).currents[layer], alone, rtol=1e-13, atol=0.0)


def test_batches_map_and_ends():
    rng = np.random.default_rng(22)
    stack, _ = drawn(rng, 3, "bit")
    volts = rng.uniform(0, 1, (6, *stack.plane_lines("word_left")))
    currents = solve_stack(stack, volts, method="schur").currents
    mapped = np.einsum("bki,kimj->bmj", volts, stack_conductance(stack))
    assert np.allclose(currents, mapped, rtol=1e-10, atol=0)
    # The second plane's bit lines held at 0.3 V at their top: unsymmetric in planes and lines.
    planes, lines = stack.plane_lines("bit_top")
    ohms = np.full((planes, lines), np.inf)
    ohms[1] = [5.0, 6.0, 7.0]
    settings = {name: getattr(stack, name) for name in ("word_wire", "bit_wire", "driver", "sense")}
    ends = {"bit_top": LineEnds(0.3, ohms.ravel())}
    tied = solve_stack(LayerStack(stack.conductance, ends=ends, **settings), volts[0])
    out = tied.end_currents("bit_top")
    assert not out[0].any()
    assert np.allclose(out[1], (tied.bit_voltages[1, 0] - 0.3) / ohms[1], rtol=1e-9, atol=0.0)


def test_a_batch_of_no_vectors_has_no_currents():
    stack = LayerStack(np.full((2, 3, 4), 1e-4), word_wire=1.0)
    solution = solve_stack(stack, np.zeros((0, *stack.plane_lines("word_left"))), fields=True)
    assert solution.currents.shape == (0, 2, 4)
    assert solution.device_currents.shape == (0, 2, 3, 4)


def test_nonlinear_cells_have_their_first_terminal_at_the_word_line():
    rng = np.random.default_rng(23)
    g = rng.uniform(1e-4, 1e-3, (2, 3, 2))
    device = Transistor(1.2)
    stack = LayerStack(g, bit_wire=3.0, sense=5.0, device=device)
    volts = rng.uniform(0.3, 0.6, (1, 3))
    for layer in range(2):
        alone = xbarsim.solve(Crossbar(g[layer], bit_wire=3.0, sense=5.0, device=device), volts[0]).currents
        assert np.allclose(solve_stack(stack, volts).currents[layer], alone, rtol=1e-11, atol=0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conductance": [[1.0]]}, r"conductance has shape \(1, 1\): it must be \(layers, rows, cols\)"),
        ({"first": "source"}, "first is 'source': the lowest plane is one of 'bit' or 'word' lines"),
        ({"word_wire": np.ones((2, 2, 2))}, r"word_wire has shape \(2, 2, 2\): it must be a scalar or broadcast"),
        ({"driver": [-1.0, 1.0]}, r"driver\[0\] is -1.0"),
        ({"ends": {"top": LineEnds()}}, "ends has the key 'top'"),
        ({"ends": {"bit_top": LineEnds(0.0, [1.0, 2.0])}}, r"ends\['bit_top'\].resistance has shape \(2,\)"),
        ({"device": Transistor([[1.0], [2.0]])}, r"device.gate has shape \(2, 1\): in a stack"),
        ({"device": 3}, "device is int"),
    ],
)
def test_bad_stacks_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        LayerStack(**({"conductance": np.ones((2, 2, 3))} | arguments))


def test_bad_voltages_are_named():
    stack = LayerStack(np.ones((2, 2, 3)))
    with pytest.raises(InputError, match=r"voltages has shape \(2,\): it must be \(1, 2\) or \(batch, 1, 2\)"):
        solve_stack(stack, [1.0, 2.0])
    with pytest.raises(InputError, match="stack is Crossbar"):
        solve_stack(stack.crossbar, [[1.0, 2.0]])
    with pytest.raises(InputError, match="stack is Crossbar"):
        stack_conductance(stack.crossbar)


@pytest.mark.parametrize("setting", ["word_wire", "bit_wire", "driver", "sense"])
def test_every_setting_acts(setting):
    plain = {"word_wire": 1.0, "bit_wire": 1.0}
    g = np.full((2, 3, 3), 1e-3)
    before = solve_stack(LayerStack(g, **plain), np.ones((1, 3))).currents
    after = solve_stack(LayerStack(g, **(plain | {setting: 50.0})), np.ones((1, 3))).currents
    assert (np.abs(after - before) > 1e-3 * before).any(axis=1).all()
