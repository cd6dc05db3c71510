"""A signed matrix on crossbars, used like numpy's: its products are those of the circuits it consists of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.linalg import gmres

import xbarsim
from xbarsim.errors import InputError
from xbarsim.interop import MatrixCore, linear_operator
from xbarsim.nonideal import Breaks, Faults, Levels, Nonidealities, ReadNoise, Shorts, Variation

RNG = np.random.default_rng(5)
MATRIX = RNG.normal(0.0, 1.0, (6, 4))
WIRES = {"word_wire": 2.0, "bit_wire": 3.0, "driver": 7.0, "sense": 11.0}
X, Y = RNG.normal(0.0, 1.0, (5, 6)), RNG.normal(0.0, 1.0, (4, 3))


def test_without_wires_it_is_the_matrix():
    core = MatrixCore(MATRIX)
    assert np.allclose(X @ core, X @ MATRIX, rtol=0, atol=1e-13)
    assert np.allclose(core @ Y, MATRIX @ Y, rtol=0, atol=1e-13)
    assert (X[0] @ core).shape == (4,)
    assert (core @ Y[:, 0]).shape == (6,)
    assert np.allclose(X.reshape(1, 5, 6) @ core, X @ MATRIX, atol=0.0)


@pytest.mark.parametrize("tile", [None, (4, 3), (6, 1)])
def test_products_are_those_of_its_arrays_solved_one_by_one(tile):
    core = MatrixCore(MATRIX, tile=tile, **WIRES)
    unit = core.scale / (1e-3 - 1e-6)
    expected = np.zeros((5, 4))
    for pair in core.pairs:
        rows, cols = pair.positive.shape
        volts = X[:, pair.row : pair.row + rows]
        plus, minus = (
            xbarsim.solve(array, volts, method="reference").currents for array in (pair.positive, pair.negative)
        )
        expected[:, pair.col : pair.col + cols] += (plus - minus) * unit
    assert np.allclose(X @ core, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    assert not np.allclose(X @ core, X @ MATRIX, rtol=1e-3), "wires act"


def test_the_transposed_read_is_the_circuit_driven_from_its_bit_lines():
    """The array turned over: bit lines are its word lines, both counted from the driven and the sensed end."""
    core = MatrixCore(MATRIX, **WIRES)
    (pair,) = core.pairs
    currents = []
    for array in (pair.positive, pair.negative):
        turned = xbarsim.Crossbar(array.conductance.T[::-1, ::-1], word_wire=3.0, bit_wire=2.0, driver=11.0, sense=7.0)
        currents.append(xbarsim.solve(turned, Y.T[:, ::-1], method="reference").currents[:, ::-1])
    expected = (currents[0] - currents[1]) * core.scale / (1e-3 - 1e-6)
    assert np.allclose((core @ Y).T, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    assert np.allclose(core.T @ X.T, (X @ core).T, rtol=1e-14, atol=0.0)
    assert np.allclose(Y.T @ core.T, (core @ Y).T, rtol=1e-14, atol=0.0)
    assert core.T.T is core
    assert core.T.shape == (4, 6)


def test_complex_vectors_go_part_by_part():
    core = MatrixCore(MATRIX, **WIRES)
    assert np.allclose((X + 1j * X[::-1]) @ core, X @ core + 1j * (X[::-1] @ core), atol=0.0)


@pytest.mark.parametrize(
    "cells",
    [
        Nonidealities(variation=Variation(sigma=0.2)),
        Nonidealities(faults=Faults(rate=0.3)),
        Nonidealities(levels=Levels(count=4)),
        Nonidealities(breaks=Breaks(0.2, 0.2)),
        Nonidealities(r_on=2e3, r_off=1e4),
    ],
    ids=["variation", "faults", "levels", "breaks", "states"],
)
def test_cells_act(cells):
    ideal, core = MatrixCore(MATRIX, **WIRES), MatrixCore(MATRIX, cells=cells, seed=1, **WIRES)
    assert not np.allclose(core.effective, ideal.effective, rtol=1e-6)
    assert np.array_equal(core.effective, MatrixCore(MATRIX, cells=cells, seed=1, **WIRES).effective)
    if cells.freezes:
        other_chip = MatrixCore(MATRIX, cells=cells, seed=2, **WIRES)
        assert not np.array_equal(core.effective, other_chip.effective)


def test_a_larger_scale_leaves_the_same_matrix_on_smaller_conductances():
    core = MatrixCore(MATRIX, scale=10.0)
    assert np.allclose(core.effective, MATRIX, rtol=0, atol=1e-12)
    (pair,) = core.pairs
    assert pair.positive.conductance.max() < 0.5e-3


def test_another_matrix_on_the_same_chip():
    cells = Nonidealities(faults=Faults(rate=0.3))
    core = MatrixCore(MATRIX, cells=cells, seed=3)
    again = core.with_matrix(2.0 * MATRIX)
    assert np.allclose(again.effective, 2.0 * core.effective, atol=0.0)
    with pytest.raises(InputError, match=r"matrix has shape \(4, 6\): the core is \(6, 4\)"):
        core.with_matrix(MATRIX.T)


def test_those_that_take_a_matrix_for_an_array_have_the_effective_one():
    core = MatrixCore(MATRIX, **WIRES)
    assert np.array_equal(np.asarray(core), core.effective)
    assert np.asarray(core, np.float32).dtype == np.float32
    copy = np.array(core)
    copy[0, 0] = 0.0
    assert core.effective[0, 0] != 0.0
    pandas = pytest.importorskip("pandas")
    assert np.allclose(pandas.Series(X[0]) @ core, X[0] @ core, rtol=1e-14, atol=0.0)
    assert np.allclose(pandas.DataFrame(X) @ core, X @ core, rtol=1e-14, atol=0.0)


def test_scipys_solvers_take_it():
    matrix = np.eye(5) * 3.0 + RNG.uniform(-0.5, 0.5, (5, 5))
    core = MatrixCore(matrix, word_wire=0.5, bit_wire=0.5)
    b = RNG.normal(0.0, 1.0, 5)
    x, info = gmres(core.linear_operator(), b, rtol=1e-12)
    assert info == 0
    assert np.allclose(core @ x, b, rtol=0, atol=1e-10)
    assert np.allclose(core.T.linear_operator() @ b, core.T @ b, atol=0.0)


def test_a_crossbar_is_a_linear_operator():
    crossbar = xbarsim.Crossbar(RNG.uniform(1e-5, 1e-3, (6, 4)), **WIRES)
    operator = linear_operator(crossbar)
    assert operator.shape == (4, 6)
    for x in X:
        assert np.allclose(operator @ x, xbarsim.solve(crossbar, x).currents, rtol=1e-11, atol=0.0)
    y = RNG.normal(0.0, 1.0, 4)
    assert np.isclose(y @ (operator @ X[0]), operator.rmatvec(y) @ X[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MatrixCore([1.0, 2.0]), r"matrix has shape \(2,\)"),
        (lambda: MatrixCore([[1.0, np.nan]]), r"matrix\[0, 1\] is nan"),
        (lambda: MatrixCore(MATRIX, tile=(0, 3)), r"tile is \(0, 3\)"),
        (lambda: MatrixCore([[1.0, -4.0]], scale=2.0), r"matrix\[0, 1\] is -4, beyond scale 2"),
        (lambda: MatrixCore(MATRIX, scale=0.0), "scale is 0: it must be above 0"),
        (lambda: MatrixCore(MATRIX, cells=Nonidealities(read_noise=ReadNoise(0.1))), "cells have read noise"),
        (lambda: MatrixCore(MATRIX, cells=Nonidealities(shorts=Shorts(0.5, 0.5))).effective, "shorted neighbours"),
        (lambda: MatrixCore(MATRIX) @ X, r"core @ x: x has shape \(5, 6\) and the matrix \(6, 4\)"),
        (lambda: X[:, :5] @ MatrixCore(MATRIX), r"x @ core: x has shape \(5, 5\).*must be \(..., 6\)"),
        (lambda: MatrixCore(MATRIX) @ ["a"] * 4, "x must be numbers"),
        (lambda: np.full(6, np.inf) @ MatrixCore(MATRIX), "x has an entry that is not finite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_matrix_of_zeros_is_one():
    assert np.allclose(MatrixCore(np.zeros((2, 3))).effective, 0.0)
