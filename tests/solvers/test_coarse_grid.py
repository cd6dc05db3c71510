"""Conjugate gradients with a coarse grid: as few iterations at every size, and the digits of lines alone."""

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.kernels import coarse, tiles
from xbarsim.kernels.coarse import Grid
from xbarsim.solvers.segments import Segments


def cells(rng, rows, cols):
    return rng.uniform(1e-6, 1e-3, (rows, cols))


def firm(n):
    """Wires that dominate: the layers' difference decays over 16 lines."""
    return Crossbar(np.full((n, n), 1e-3), word_wire=2.0, bit_wire=2.0, driver=1.0, sense=1.0)


def test_iterations_do_not_grow_with_the_array():
    """A grid that is too coarse, or that misses part of the smooth voltages: lines alone take 15 and 24 steps."""
    volts = np.random.default_rng(1).uniform(0, 1, 256)
    small, large = (xbarsim.solve(firm(n), volts[:n], method="schur") for n in (128, 256))
    assert large.iterations <= small.iterations + 1 <= 10


@pytest.mark.parametrize("ohms", [(20.0, 0.2), (0.2, 20.0), (2.0, 0.0), (0.0, 2.0)])
def test_wires_that_differ_between_the_layers(ohms):
    """A grid whose spacing is right for one layer alone, and a division by wires of 0 ohm."""
    rng = np.random.default_rng(2)
    word, bit = ohms
    crossbar = Crossbar(cells(rng, 150, 170), word_wire=word, bit_wire=bit, driver=1.0, sense=1.0)
    assert xbarsim.solve(crossbar, rng.uniform(0, 1, 150), method="schur").iterations <= 10


def wires(rng, rows, cols, kind):
    word, bit = np.full((rows, cols - 1), 3.0), np.full((rows - 1, cols), 2.0)
    for ohms in (word, bit):
        if kind == "broken":
            ohms[rng.random(ohms.shape) < 0.03] = np.inf
        elif kind == "some of 0 ohm":
            ohms[rng.random(ohms.shape) < 0.3] = 0.0
        elif kind == "over six decades":
            ohms[:] = 10 ** rng.uniform(-4, 2, ohms.shape)
        elif kind == "of 1e-12 ohm":
            ohms[:] = 1e-12
        elif kind == "of 1 kohm":
            ohms[:] = 1e3
    return {"word_wire": word, "bit_wire": bit}


KINDS = ("alike", "broken", "some of 0 ohm", "over six decades", "of 1e-12 ohm", "of 1 kohm")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(45, 37), (33, 64), (16, 90), (90, 17)])
def test_the_digits_are_those_of_a_reduction(kind, shape, monkeypatch):
    """A coarse correction that costs the end currents their relative accuracy, on odd sizes and odd wires."""
    monkeypatch.setattr(coarse, "FEWEST", 1)
    monkeypatch.setattr(coarse, "SMALL", 1)
    rng = np.random.default_rng(sum(shape))
    rows, cols = shape
    g = cells(rng, rows, cols)
    g[rng.random(shape) < 0.3] = 0.0
    driver = np.where(rng.random(rows) < 0.2, np.inf, 1.0)
    ends = {"bit_top": LineEnds(0.3, np.where(rng.random(cols) < 0.5, np.inf, 5.0))}
    crossbar = Crossbar(g, **wires(rng, rows, cols, kind), driver=driver, sense=0.0, ends=ends)
    volts = rng.uniform(0.1, 1, rows)
    ours, exact = (xbarsim.solve(crossbar, volts, method=method) for method in ("schur", "kron"))
    for side, amperes in exact.end_currents.items():
        scale = np.abs(amperes).max()
        np.testing.assert_allclose(ours.end_currents[side], amperes, rtol=1e-11, atol=1e-13 * scale, err_msg=side)
    assert ours.floating == exact.floating


def grid_of(crossbar):
    segments = Segments.of(crossbar)
    rows, cols = crossbar.shape
    tiled = np.empty((-(-rows // 8), -(-cols // 8) * 8, 8))
    tiles.to_words(segments.g, tiled)
    return segments, Grid.of(segments.g, segments.word, segments.bit, tiled)


def bilinear(grid, rows, cols):
    """Voltages of all nodes (rows * cols) for 1 V at each coarse node, in their order."""
    across = np.array([np.interp(np.arange(cols), grid.xs, line) for line in np.eye(grid.xs.size)])
    down = np.array([np.interp(np.arange(rows), grid.ys, line) for line in np.eye(grid.ys.size)])
    functions = np.einsum("yi,xj->yxij", down, across)
    if grid.ys.size < grid.xs.size:
        functions = functions.swapaxes(0, 1)
    return functions.reshape(-1, rows * cols).T


def laplacian(rows, cols, word, bit):
    """Couplings of the wires of both layers, ends included, node by node."""
    layers = []
    for axis, ohms in ((1, word), (0, bit)):
        matrix = np.zeros((rows, cols, rows, cols))
        for i in range(rows):
            for j in range(cols):
                k, last = (j, cols - 1) if axis else (i, rows - 1)
                after = (i, j + 1) if axis else (i + 1, j)
                for segment in (0, 1):
                    at = (i, j + segment) if axis else (i + segment, j)
                    matrix[i, j, i, j] += 1.0 / ohms[at]
                if k < last:
                    at = (i, j + 1) if axis else (i + 1, j)
                    matrix[i, j][after] -= 1.0 / ohms[at]
                    matrix[after][i, j] -= 1.0 / ohms[at]
        layers.append(matrix.reshape(rows * cols, -1))
    return layers


@pytest.mark.parametrize("shape", [(24, 34), (33, 24), (17, 16)])
def test_the_coarse_equations_are_the_circuits_own(shape, monkeypatch):
    """A moment, a wire or an end at the wrong corner: ``Z' A Z`` with all nodes' equations A, at equal wires."""
    monkeypatch.setattr(coarse, "FEWEST", 1)
    monkeypatch.setattr(coarse, "SMALL", 1)
    monkeypatch.setattr(coarse, "factor", lambda band: None)
    rng = np.random.default_rng(5)
    rows, cols = shape
    ends = {"word_right": LineEnds(0.0, rng.uniform(1, 9, rows)), "bit_top": LineEnds(0.0, rng.uniform(1, 9, cols))}
    driver, sense = rng.uniform(1, 9, rows), rng.uniform(1, 9, cols)
    crossbar = Crossbar(
        1e3 * cells(rng, rows, cols), word_wire=0.7, bit_wire=0.4, driver=driver, sense=sense, ends=ends
    )
    segments, grid = grid_of(crossbar)
    assert min(grid.xs.size, grid.ys.size) > 2, "a grid of one interval would show little"
    count, reach = grid.band.shape[0], grid.band.shape[1] - 1
    equations = np.zeros((count, count))
    for k in range(count):
        near = min(reach, k)
        equations[k, k - near : k + 1] = grid.band[k, reach - near :]
        equations[k - near : k + 1, k] = grid.band[k, reach - near :]
    functions = bilinear(grid, rows, cols)
    word, bit = laplacian(rows, cols, segments.word, segments.bit)
    moments = functions.T @ (segments.g.reshape(-1, 1) * functions)
    known = np.zeros_like(equations)
    known[0::2, 0::2] = functions.T @ word @ functions + moments
    known[1::2, 1::2] = functions.T @ bit @ functions + moments
    known[0::2, 1::2] = known[1::2, 0::2] = -moments
    np.testing.assert_allclose(equations, known, rtol=0, atol=1e-12 * np.abs(known).max())


def test_nodes_that_nothing_holds_stay_at_zero():
    """A pivot of rounding errors, and with it infinite coarse voltages."""
    band = np.zeros((3, 2))
    band[:, 1] = 2.0, 2.0, 1.0
    band[1, 0], band[2, 0] = -2.0, 0.0
    coarse.factor(band)
    np.testing.assert_allclose(band[:, 1], [0.5**0.5, 0.0, 1.0])


def test_arrays_of_easy_lines_have_no_grid():
    """Seconds spent on a grid that saves no iteration."""
    rng = np.random.default_rng(6)
    easy = Crossbar(1e-2 * cells(rng, 64, 64), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)
    assert grid_of(easy)[1].xs.size == 0
    assert grid_of(firm(128))[1].xs.size > 0
