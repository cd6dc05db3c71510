"""A small array as a circuit: what stands beside its parts is the solution's, read back from the picture."""

from __future__ import annotations

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.errors import InputError
from xbarsim.plot import new_figure, schematic
from xbarsim.quantities import parse

pytest.importorskip("matplotlib")

G = np.array([[4e-4, 2e-5, 0.0], [1e-4, 2e-3, 3e-6]])
CROSSBAR = Crossbar(
    G, word_wire=3.0, bit_wire=7.0, driver=[10.0, 0.0], sense=[20.0, 5.0, 0.0],
    ends={"word_right": LineEnds(0.2, [np.inf, 4.0]), "bit_top": LineEnds(-0.1, [np.inf, 6.0, np.inf])},
)  # fmt: skip


def texts(axes):
    """Return the words at each part."""
    return {text.get_label(): text.get_text() for text in axes.texts if not text.get_label().startswith("_")}


def number(text):
    return 0.0 if text == "0" else parse(text.replace(" ", ""))


def table(found, name, shape):
    """Return an array of what was read."""
    result = np.empty(shape)
    for index in np.ndindex(shape):
        result[index] = number(found[f"{name}[{', '.join(map(str, index))}]"])
    return result


@pytest.fixture
def drawn():
    solution = xbarsim.solve(CROSSBAR, [[0.3, -0.2], [0.1, 0.25]], fields=True)
    return solution, texts(schematic(solution, new_figure(figsize=(5, 4)).subplots(), vector=1))


def test_node_voltages_and_cell_currents_are_the_solutions(drawn):
    solution, found = drawn
    # Three digits are written.
    np.testing.assert_allclose(table(found, "w", (2, 3)), solution.word_voltages[1], rtol=5.1e-3)
    np.testing.assert_allclose(table(found, "b", (2, 3)), solution.bit_voltages[1], rtol=5.1e-3, atol=1e-20)
    assert found.pop("cell[0, 2]") == "open"
    found["cell[0, 2]"] = "0"
    np.testing.assert_allclose(table(found, "cell", (2, 3)), solution.device_currents[1], rtol=5.1e-3)


def test_wires_carry_what_ohms_law_says(drawn):
    solution, found = drawn
    right = -np.diff(solution.word_voltages[1], axis=1) / 3.0
    down = -np.diff(solution.bit_voltages[1], axis=0) / 7.0
    np.testing.assert_allclose(table(found, "word_wire", (2, 2)), right, rtol=6e-3, atol=1e-15)
    np.testing.assert_allclose(table(found, "bit_wire", (1, 3)), down, rtol=6e-3, atol=1e-15)


def test_currents_at_ends_go_right_and_down(drawn):
    solution, found = drawn
    ends = {side: amperes[1] for side, amperes in solution.end_currents.items()}
    assert number(found["word_left[0]"]) == pytest.approx(-ends["word_left"][0], rel=5.1e-3)
    assert number(found["word_right[1]"]) == pytest.approx(ends["word_right"][1], rel=5.1e-3)
    assert number(found["bit_top[1]"]) == pytest.approx(-ends["bit_top"][1], rel=5.1e-3)
    assert number(found["bit_bottom[2]"]) == pytest.approx(ends["bit_bottom"][2], rel=5.1e-3)
    assert found["source word_left[1]"] == "word 1, 250 mV"
    assert found["source bit_top[1]"] == "bit 1\n-100 mV"
    assert "bit_top[0]" not in found
    assert "word_right[0]" not in found


def test_a_circuit_has_its_ohms_and_siemens():
    found = texts(schematic(CROSSBAR, new_figure().subplots()))
    np.testing.assert_array_equal([found["cell[0, 0]"], found["cell[1, 2]"]], ["400 uS", "3 uS"])
    assert (found["word_wire[1, 0]"], found["bit_wire[0, 2]"], found["word_left[0]"]) == ("3 ohm", "7 ohm", "10 ohm")
    assert found["source word_left[0]"] == "word 0, V[0]"
    assert "word_left[1]" not in found


def test_broken_and_floating_parts_are_shown_as_such():
    bit_wire = np.full((2, 2), 2.0)
    bit_wire[:, 1] = np.inf
    g = np.array([[1e-3, 2e-3], [3e-3, 0.0], [5e-4, 1e-3]])
    solution = xbarsim.solve(Crossbar(g, word_wire=1.0, bit_wire=bit_wire), [0.1, 0.2, 0.3])
    axes = solution.plot("schematic", new_figure().subplots())
    found = texts(axes)
    assert (found["bit_wire[0, 1]"], found["bit_wire[1, 1]"]) == ("broken", "broken")
    assert (found["b[1, 1]"], found["cell[1, 1]"]) == ("floating", "open")
    assert sum(line.get_marker() == "x" for line in axes.lines) == 2


def test_letters_grow_with_the_axis():
    sizes = []
    for width in (3.3, 7.0):
        axes = schematic(CROSSBAR, new_figure(figsize=(width, width)).subplots())
        sizes.append({text.get_fontsize() for text in axes.texts})
    (narrow,), (wide,) = sizes
    assert 4.5 <= narrow < wide


@pytest.mark.parametrize("size", [4, 8])
def test_no_text_lies_over_another(size):
    rng = np.random.default_rng(3)
    crossbar = Crossbar(
        10.0 ** rng.uniform(-6, -3.5, (size, size)), word_wire=2.5, bit_wire=3.5, driver=1e2, sense=50.0
    )
    figure = new_figure(figsize=(7, 6))
    axes = schematic(xbarsim.solve(crossbar, rng.uniform(-0.3, 0.3, size)), figure.subplots())
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    extents = np.array([box.extents for box in boxes])
    low = np.maximum(extents[:, None, :2], extents[None, :, :2])
    high = np.minimum(extents[:, None, 2:], extents[None, :, 2:])
    # Boxes have the height of letters that go below the line, and a hair more.
    over = ((high - low) > 2.0).all(axis=2) & ~np.eye(len(boxes), dtype=bool)
    assert not over.any(), [(axes.texts[a].get_text(), axes.texts[b].get_text()) for a, b in np.argwhere(over)]


def test_what_is_too_large_says_how_large_it_may_be():
    with pytest.raises(InputError, match="the array is 3 x 9: a schematic has 8 x 8 cells at most; cell_map"):
        schematic(Crossbar(np.full((3, 9), 1e-3)), new_figure().subplots())
    with pytest.raises(InputError, match="vector is 2: the solution has 1"):
        xbarsim.solve(CROSSBAR, [0.1, 0.2]).plot("schematic", new_figure().subplots(), vector=2)
    with pytest.raises(InputError, match="fields=True"):
        schematic(xbarsim.solve(CROSSBAR, [[0.1, 0.2]]), new_figure().subplots())
