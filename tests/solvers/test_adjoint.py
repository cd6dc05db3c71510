"""Gradients of the effective map: against differences of maps, whatever the wires, ends and broken lines."""

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds, Sinh
from xbarsim.errors import InputError
from xbarsim.solvers.adjoint import effective_map

CIRCUITS = {
    "wires": {"word_wire": 30.0, "bit_wire": 20.0, "driver": 10.0, "sense": 5.0},
    "no wires": {"driver": 10.0, "sense": 5.0},
    "ideal": {},
    "word wires alone": {"word_wire": 15.0, "sense": 5.0},
    "both sides": {"word_wire": 30.0, "bit_wire": 20.0, "ends": {"word_right": LineEnds(0.0, 3.0)}},
    "joined bit lines": {"word_wire": 30.0, "ends": {"bit_top": LineEnds(0.0, 0.0)}},
}
SHAPES = [(1, 1), (1, 9), (9, 1), (8, 8), (17, 19), (33, 17)]


def drawn(shape, seed=0):
    rng = np.random.default_rng([seed, *shape])
    return 10 ** -rng.uniform(3, 6, shape), rng.normal(size=shape)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", CIRCUITS)
def test_gradient_is_the_slope_of_the_map(name, shape):
    g, cotangent = drawn(shape)
    options = CIRCUITS[name]
    gradient = effective_map(Crossbar(g, **options)).gradient(cotangent)
    rng = np.random.default_rng(1)
    for _ in range(4):
        at = tuple(rng.integers(size) for size in shape)
        sums = []
        for sign in (1, -1):
            moved = g.copy()
            moved[at] *= 1 + sign * 1e-3
            sums.append((xbarsim.effective_conductance(Crossbar(moved, **options)) * cotangent).sum())
        # Central differences err by the cube of the step; their rounding is 1e-16 of the map over the step.
        slope = (sums[0] - sums[1]) / (2e-3 * g[at])
        assert slope == pytest.approx(gradient[at], abs=1e-5 * np.abs(gradient).max())


def test_transposed_weights_give_another_gradient():
    g, cotangent = drawn((6, 6))
    crossbar = Crossbar(g, **CIRCUITS["wires"])
    gradient = effective_map(crossbar).gradient(cotangent)
    assert np.abs(gradient - effective_map(crossbar).gradient(cotangent.T)).max() > 0.1 * np.abs(gradient).max()


def test_map_is_the_effective_conductance_and_threads_change_nothing():
    g, cotangent = drawn((40, 24))
    crossbar = Crossbar(g, **CIRCUITS["wires"])
    one, two = effective_map(crossbar, threads=1), effective_map(crossbar, threads=2)
    np.testing.assert_array_equal(one.matrix, two.matrix)
    np.testing.assert_array_equal(one.gradient(cotangent), two.gradient(cotangent))
    np.testing.assert_allclose(one.matrix, xbarsim.effective_conductance(crossbar), rtol=1e-15)


def test_a_cell_of_an_island_changes_nothing():
    g, cotangent = drawn((4, 5))
    word = np.full((4, 4), 3.0)
    word[2] = np.inf
    g[2, 1:] = 0.0
    crossbar = Crossbar(g, word_wire=word, bit_wire=2.0, driver=1.0, sense=1.0)
    assert xbarsim.solve(crossbar, np.ones(4)).floating
    gradient = effective_map(crossbar).gradient(cotangent)
    np.testing.assert_array_equal(gradient[2, 1:], 0.0)
    assert gradient[0].all()


def test_bad_input():
    g, cotangent = drawn((3, 4))
    found = effective_map(Crossbar(g, word_wire=1.0))
    with pytest.raises(InputError, match=r"cotangent has shape \(4, 3\)"):
        found.gradient(cotangent.T)
    with pytest.raises(InputError, match=r"cotangent\[0, 0\] is nan"):
        found.gradient(np.full((3, 4), np.nan))
    with pytest.raises(InputError, match="no linear map"):
        effective_map(Crossbar(g, device=Sinh(0.2)))
