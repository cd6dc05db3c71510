"""Islands, broken wires and open ends: what has no answer is NaN and named, the rest keeps its digits."""

import numpy as np
import pytest
from drawn_crossbars import grounded_ends
from problems import METHODS, OPEN, SIDES

import xbarsim
from xbarsim import Crossbar, LineEnds, reference


def nodes(solution):
    return [name for name in solution.floating if name[0] == "w"], [n for n in solution.floating if n[0] == "b"]


@pytest.mark.parametrize("method", METHODS)
def test_an_undriven_row_of_open_cells(method):
    """The simplest island; its names are those of the circuit's definition."""
    crossbar = Crossbar([[1e-3, 2e-3, 3e-3], [0.0, 0.0, 0.0]], driver=[0.0, OPEN])
    solution = xbarsim.solve(crossbar, [2.0, 5.0], method=method)
    assert solution.floating == ["w[1, 0]", "w[1, 1]", "w[1, 2]"]
    np.testing.assert_allclose(solution.currents, [2e-3, 4e-3, 6e-3], rtol=1e-15)
    assert np.isnan(solution.word_voltages[1]).all()
    assert np.isfinite(solution.bit_voltages).all()
    assert not solution.device_currents[1].any()
    assert solution.end_currents["word_left"][1] == 0
    np.testing.assert_allclose(solution.power, 24e-3, rtol=1e-14)
    assert solution.residual < 1e-13


@pytest.mark.parametrize("method", METHODS)
def test_an_island_of_cells(method):
    """Cells that only see each other: a pivot of 0, where plain factorisations and preconditioners fail."""
    crossbar = Crossbar(
        [[1e-3, 0.0, 2e-3], [0.0, 4e-3, 0.0], [0.0, 7e-3, 0.0]],
        word_wire=1.0,
        bit_wire=[[2.0, OPEN, 2.0], [2.0, 3.0, 2.0]],
        driver=[1.0, OPEN, OPEN],
        sense=[1.0, OPEN, 2.0],
    )
    solution = xbarsim.solve(crossbar, [1.0, 1.0, 1.0], method=method)
    words, bits = nodes(solution)
    assert words == [f"w[{i}, {j}]" for i in (1, 2) for j in range(3)]
    assert bits == ["b[0, 1]", "b[1, 1]", "b[2, 1]"]
    exact = reference.solve(crossbar, [1.0, 1.0, 1.0])
    np.testing.assert_allclose(solution.currents, exact.end_currents["bit_bottom"], rtol=1e-12)
    np.testing.assert_array_equal(np.isnan(solution.word_voltages), np.isnan(exact.word_voltages))
    np.testing.assert_array_equal(np.isnan(solution.bit_voltages), np.isnan(exact.bit_voltages))
    assert np.isfinite(solution.device_currents).all()
    assert not solution.device_currents[1:].any()


@pytest.mark.parametrize("method", METHODS)
def test_a_piece_between_two_breaks(method):
    """A wire broken twice: the piece between hangs on its cells, and floats where they are open."""
    g = np.array([[1e-3, 2e-3, 5e-3, 1e-3], [3e-3, 0.0, 4e-3, 2e-3]])
    wires = np.array([[OPEN, 0.0, OPEN], [OPEN, OPEN, 1.0]])
    solution = xbarsim.solve(Crossbar(g, word_wire=wires), [1.0, 2.0], method=method)
    assert solution.floating == ["w[1, 1]"]
    # Bit lines are at 0 V, so pieces that reach the driver no more sit at 0 V and carry nothing.
    np.testing.assert_allclose(solution.currents, [7e-3, 0.0, 0.0, 0.0], rtol=1e-15)
    np.testing.assert_array_equal(solution.word_voltages[0], [1.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("method", METHODS)
def test_a_floating_line_is_no_island(method):
    """A line that hangs on cells has a voltage: the mean of its neighbours', by their conductance."""
    crossbar = Crossbar([[1e-3, 2e-3], [3e-3, 6e-3], [2e-3, 8e-3]], sense=[0.0, OPEN])
    solution = xbarsim.solve(crossbar, [1.0, 2.0, 0.5], method=method)
    assert solution.floating == []
    np.testing.assert_allclose(solution.bit_voltages[:, 1], (2 * 1 + 6 * 2 + 8 * 0.5) / 16, rtol=1e-13)
    assert solution.currents[1] == 0
    np.testing.assert_allclose(solution.currents[0], 8e-3, rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_one_source_only(method):
    """Everything hangs on one source: no current anywhere, all nodes at its voltage."""
    crossbar = Crossbar([[1e-3, 2e-3, 3e-6]] * 2, word_wire=10.0, bit_wire=3.0, driver=[7.0, OPEN], sense=OPEN)
    solution = xbarsim.solve(crossbar, [0.8, 9.0], method=method)
    assert solution.floating == []
    np.testing.assert_allclose(solution.word_voltages, 0.8, rtol=1e-13)
    np.testing.assert_allclose(solution.bit_voltages, 0.8, rtol=1e-13)
    np.testing.assert_allclose(solution.end_currents["word_left"], 0.0, atol=1e-15)
    np.testing.assert_allclose(solution.device_currents, 0.0, atol=1e-15)


@pytest.mark.parametrize("method", METHODS)
def test_no_source_at_all(method):
    """Every end open: all nodes float, and nothing flows."""
    crossbar = Crossbar(np.full((2, 3), 1e-3), word_wire=1.0, driver=OPEN, sense=OPEN)
    solution = xbarsim.solve(crossbar, [1.0, 2.0], method=method)
    assert len(solution.floating) == 12
    assert np.isnan(solution.word_voltages).all()
    assert np.isnan(solution.bit_voltages).all()
    assert not any(np.any(solution.end_currents[side]) for side in SIDES)
    assert not solution.device_currents.any()
    assert solution.power == 0
    assert solution.residual == 0


@pytest.mark.parametrize("method", METHODS)
def test_islands_in_a_batch(method):
    """The list is of the circuit, not of a vector, and NaN stays out of the currents and the power."""
    crossbar = Crossbar([[1e-3, 0.0], [2e-3, 0.0]], sense=[5.0, OPEN], bit_wire=1.0, driver=2.0)
    solution = xbarsim.solve(crossbar, [[1.0, 2.0], [3.0, -1.0], [0.0, 0.0]], method=method, fields=True)
    assert solution.floating == ["b[0, 1]", "b[1, 1]"]
    assert np.isnan(solution.bit_voltages[:, :, 1]).all()
    assert np.isfinite(solution.bit_voltages[:, :, 0]).all()
    assert np.isfinite(solution.currents).all()
    assert np.isfinite(solution.power).all()
    assert not solution.currents[:, 1].any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 1)])
def test_smallest_arrays(shape, method):
    """One row or column: no wires of one kind, and both ends of a line at one node."""
    rows, cols = shape
    g = 1e-3 * (1 + np.arange(rows * cols).reshape(shape))
    ends = {"word_right": LineEnds(0.25, 40.0), "bit_top": LineEnds(-0.5, 30.0)}
    crossbar = Crossbar(g, word_wire=3.0, bit_wire=5.0, driver=10.0, sense=20.0, ends=ends)
    volts = 1.0 + np.arange(rows)
    solution = xbarsim.solve(crossbar, volts, method=method)
    exact = reference.solve(crossbar, volts)
    for side in SIDES:
        np.testing.assert_allclose(solution.end_currents[side], exact.end_currents[side], rtol=0, atol=1e-14)
    np.testing.assert_allclose(solution.bit_voltages, exact.bit_voltages, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_one_open_cell(method):
    solution = xbarsim.solve(Crossbar([[0.0]], driver=OPEN, sense=3.0), [1.0], method=method)
    assert solution.floating == ["w[0, 0]"]
    assert solution.currents[0] == 0
    assert solution.bit_voltages[0, 0] == 0


def broken(seed):
    """10 % broken wires, 50 % open cells, and some lines open at every end."""
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(2, 13, 2)

    def ohms(*shape, broken=0.1):
        return np.where(rng.random(shape) < broken, OPEN, rng.uniform(0.0, 5.0, shape))

    crossbar = Crossbar(
        np.where(rng.random((rows, cols)) < 0.5, 0.0, 10 ** rng.uniform(-6, -3, (rows, cols))),
        word_wire=ohms(rows, cols - 1),
        bit_wire=ohms(rows - 1, cols),
        driver=ohms(rows, broken=0.3),
        sense=ohms(cols, broken=0.3),
        ends={"bit_top": LineEnds(0.0, ohms(cols, broken=0.8))},
    )
    return crossbar, rng.uniform(0.1, 1, rows)


@pytest.mark.parametrize("method", ["auto", "schur", "kron"])
@pytest.mark.parametrize("seed", range(30))
def test_broken_arrays(method, seed):
    """Islands of any shape next to live parts, whose currents must keep their digits."""
    crossbar, volts = broken(seed)
    solution = xbarsim.solve(crossbar, volts, method=method)
    exact = reference.solve(crossbar, volts)
    assert sorted(solution.floating) == sorted(exact.floating)
    at_zero = grounded_ends(crossbar, volts)
    for side in ("bit_top", "bit_bottom"):
        ours, theirs = solution.end_currents[side], exact.end_currents[side]
        # A live current that reaches its end by sneak paths alone may be 1e-6 of the largest.
        np.testing.assert_allclose(ours[at_zero[side]], theirs[at_zero[side]], rtol=1e-10)
        assert not np.any(ours[~at_zero[side]])
    for field in ("word_voltages", "bit_voltages"):
        np.testing.assert_allclose(getattr(solution, field), getattr(exact, field), rtol=0, atol=1e-11)
    assert np.isfinite(solution.power)
