"""Line ends that are weak against the cells: all nodes sit near one voltage, and differences lose their digits."""

import mp_newton
import mp_reference
import numpy as np
import pytest
from mpmath import mp, mpf
from problems import ALONE, METHODS, OPEN, SIDES, solve_by

import xbarsim
from xbarsim import Crossbar, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic, schemes
from xbarsim.kernels import kirchhoff
from xbarsim.solvers.refinement import Balance, VoltagePairs, ohmic
from xbarsim.solvers.segments import Segments

EXACT = 1e-12


def largest(currents):
    return max(float(np.abs(np.array(currents[side], dtype=float)).max()) for side in SIDES)


def worst_end(solution, exact):
    """Largest error of any end current, relative to the largest end current."""
    gaps = (
        abs(mpf(float(a)) - mpf(b))
        for side in SIDES
        for a, b in zip(solution.end_currents[side], exact.end_currents[side], strict=True)
    )
    return float(max(gaps)) / largest(exact.end_currents)


def weak_array(rows, cols, seed, low, high):
    """Cells over 4 decades, wires of some ohms, every end its own ohms, two sides at voltages of their own."""
    rng = np.random.default_rng(seed)
    crossbar = Crossbar(
        10 ** rng.uniform(-7, -3, (rows, cols)),
        word_wire=rng.uniform(0.1, 5, (rows, cols - 1)),
        bit_wire=rng.uniform(0.1, 5, (rows - 1, cols)),
        driver=10 ** rng.uniform(low, high, rows),
        sense=10 ** rng.uniform(low, high, cols),
        ends={"bit_top": LineEnds(0.3, np.where(rng.random(cols) < 0.5, OPEN, 10 ** rng.uniform(low, high, cols)))},
    )
    return crossbar, rng.uniform(0.1, 1, rows)


@pytest.mark.parametrize("method", [*METHODS, ALONE])
@pytest.mark.parametrize(("low", "high"), [(6, 9), (9, 13), (-12, 13)])
@pytest.mark.parametrize("seed", range(3))
def test_end_and_cell_currents(method, low, high, seed):
    """The currents of the ends, of the cells, and their sums: g (v - u) of doubles keeps no digit of these."""
    crossbar, voltages = weak_array(5, 6, seed, low, high)
    solution = solve_by(method, crossbar, voltages)
    exact = mp_reference.solve(crossbar, voltages)
    assert worst_end(solution, exact) < EXACT
    assert worst_end(solution, exact) <= 10 * max(solution.residual, 1e-15)
    scale = largest(exact.end_currents)
    for at in np.ndindex(crossbar.shape):
        amperes = mpf(float(crossbar.conductance[at])) * (exact.word_voltages[at] - exact.bit_voltages[at])
        assert abs(solution.device_currents[at] - float(amperes)) < EXACT * scale
    leaving = solution.end_currents["bit_bottom"] + solution.end_currents["bit_top"]
    np.testing.assert_allclose(solution.device_currents.sum(axis=0), leaving, rtol=0, atol=EXACT * scale)


@pytest.mark.parametrize("method", ["auto", "schur"])
@pytest.mark.parametrize("ohms", [1e6, 1e9, 1e12, 1e13])
def test_arrays_of_some_size(method, ohms):
    """Above the size that a reduction answers at once: iterative refinement has to do it."""
    rng = np.random.default_rng(3)
    crossbar = Crossbar(10 ** rng.uniform(-6, -3, (44, 40)), word_wire=1.0, bit_wire=2.0, driver=ohms, sense=ohms)
    voltages = rng.uniform(0, 1, 44)
    solution = xbarsim.solve(crossbar, voltages, method=method)
    exact = xbarsim.solve(crossbar, voltages, method="kron")
    assert solution.method == "schur"
    assert worst_end(solution, exact) < 1e-13
    scale = largest(exact.end_currents)
    np.testing.assert_allclose(solution.device_currents, exact.device_currents, rtol=0, atol=1e-13 * scale)
    np.testing.assert_allclose(solution.device_currents.sum(axis=0), solution.currents, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("cell", [(5, 40), (63, 0)])
def test_a_floating_read(cell):
    """One source and one sink: what goes in comes out, and the cell and the sneak paths are all of it."""
    rng = np.random.default_rng(7)
    g = np.where(rng.random((64, 64)) < 0.5, 1e-3, 1e-6)
    crossbar = Crossbar(g, word_wire=1.0, bit_wire=0.05, driver=10.0, sense=1e6)
    read = schemes.read(crossbar, "floating", cell, 0.3)
    into = read.solution.end_currents["word_left"][cell[0]]
    assert abs(read.selected_current + into) < 1e-14 * read.selected_current
    whole = read.cell_current + read.sneak_current
    assert abs(read.selected_current - whole) < 1e-14 * read.selected_current
    assert read.solution.residual < EXACT


def test_a_read_at_a_megameg():
    """At 1e12 ohm a cell takes 1e-10 of its nodes' voltage; its volts are those of its current all the same."""
    rng = np.random.default_rng(8)
    crossbar = Crossbar(10 ** rng.uniform(-6, -3, (7, 5)), word_wire=1.0, bit_wire=1.0, driver=1e12, sense=1e12)
    read = schemes.read(crossbar, "floating", (3, 2), 0.5)
    whole = read.cell_current + read.sneak_current
    np.testing.assert_allclose(whole, read.selected_current, rtol=1e-13)
    np.testing.assert_allclose(read.cell_voltage * crossbar.conductance[3, 2], read.cell_current, rtol=1e-14)
    exact = mp_reference.solve(read.solution.crossbar, [0, 0, 0, 0.5, 0, 0, 0])
    drop = exact.word_voltages[3, 2] - exact.bit_voltages[3, 2]
    np.testing.assert_allclose(read.cell_voltage, float(drop), rtol=1e-11)


LAWS = {
    "sinh": Sinh(0.25),
    "selector": Selector(1e-6, 0.05),
    "yakopcic": Yakopcic(0.2, 0.3, 3.0),
    "table": Table([-1, -0.3, 0, 0.4, 1], [-2e-3, -2e-4, 0, 3e-4, 3e-3]),
    "transistor": Transistor(1.4, lam=0.03),
}


@pytest.mark.parametrize("ohms", [1e9, 1e12])
@pytest.mark.parametrize("law", LAWS)
def test_one_nonlinear_cell(law, ohms):
    """All of the voltage falls at the ends, and the cell's is a difference of nearly equal numbers."""
    crossbar = Crossbar([[1e-3]], driver=ohms, sense=ohms, device=LAWS[law])
    solution = xbarsim.solve(crossbar, [0.5])
    exact = mp_newton.solve(crossbar, [0.5])
    assert worst_end(solution, exact) < EXACT
    np.testing.assert_allclose(solution.device_currents, np.vectorize(float)(exact.device_currents), rtol=1e-12)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(3))
def test_nonlinear_arrays(law, seed):
    """Newton's method ends on the currents of the law, not on those of rounded voltages."""
    linear, voltages = weak_array(3, 4, seed, 5, 12)
    crossbar = Crossbar(
        linear.conductance,
        word_wire=linear.word_wire,
        bit_wire=linear.bit_wire,
        driver=linear.boundary["word_left"].resistance,
        sense=linear.boundary["bit_bottom"].resistance,
        device=LAWS[law],
    )
    solution = xbarsim.solve(crossbar, voltages)
    exact = mp_newton.solve(crossbar, voltages)
    assert worst_end(solution, exact) < EXACT
    assert worst_end(solution, exact) <= 10 * max(solution.residual, 1e-15)
    scale = largest(exact.end_currents)
    np.testing.assert_allclose(solution.device_currents.sum(axis=0), solution.currents, rtol=0, atol=EXACT * scale)


def test_a_transistor_that_is_all_but_off():
    """The gate's overdrive is 1e-8 V of what the source and the threshold leave: the rest of their digits counts."""
    crossbar = Crossbar([[0.03]], driver=0.3, sense=4e12, device=Transistor(0.87, lam=0.05))
    solution = xbarsim.solve(crossbar, [0.9])
    exact = mp_newton.solve(crossbar, [0.9])
    assert worst_end(solution, exact) < EXACT
    np.testing.assert_allclose(solution.device_currents, np.vectorize(float)(exact.device_currents), rtol=1e-12)


@pytest.mark.parametrize("batch", [1, 15, 16, 40])
def test_no_current_is_no_error(batch):
    """One source and no sink: the answer is 0, by the map of many vectors as by each of few."""
    crossbar = Crossbar([[1e-3]], driver=1e6, sense=OPEN)
    solution = xbarsim.solve(crossbar, np.full((batch, 1), 0.3))
    np.testing.assert_allclose(solution.currents, 0.0, atol=1e-30)
    assert xbarsim.effective_conductance(crossbar) == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_maps_behind_weak_ends(seed):
    """A right map is not refused because what it is held against has fewer digits."""
    crossbar, _ = weak_array(6, 7, seed + 20, 8, 13)
    g_eff = xbarsim.effective_conductance(crossbar, offset=True)[0]
    for row in (0, 4):
        unit = np.eye(6)[row]
        grounded = {"bit_top": LineEnds(0.0, crossbar.boundary["bit_top"].resistance)}
        exact = mp_reference.solve(
            Crossbar(
                crossbar.conductance,
                word_wire=crossbar.word_wire,
                bit_wire=crossbar.bit_wire,
                driver=crossbar.boundary["word_left"].resistance,
                sense=crossbar.boundary["bit_bottom"].resistance,
                ends=grounded,
            ),
            unit,
        )
        np.testing.assert_allclose(g_eff[row], np.vectorize(float)(exact.end_currents["bit_bottom"]), rtol=1e-12)


def test_a_larger_map_behind_weak_ends():
    rng = np.random.default_rng(2)
    crossbar = Crossbar(10 ** rng.uniform(-6, -3, (64, 60)), word_wire=1.0, bit_wire=1.0, driver=1e10, sense=1e10)
    voltages = rng.uniform(0, 1, (20, 64))
    by_map = voltages @ xbarsim.effective_conductance(crossbar)
    np.testing.assert_allclose(by_map, xbarsim.solve(crossbar, voltages, method="schur").currents, rtol=1e-12)
    np.testing.assert_allclose(by_map, xbarsim.solve(crossbar, voltages).currents, rtol=1e-12)


def bounds_of(crossbar, voltages, v, u):
    """The two residuals of node voltages with the end currents that they give."""
    segments = Segments.of(crossbar)
    volts = [voltages, *(segments.volts[side] for side in SIDES[1:])]
    pairs = VoltagePairs.of(v.copy(), u.copy())
    balance = Balance(segments.word, segments.bit, volts, ohmic(segments.g)(pairs), pairs)
    quick = kirchhoff.residual(segments.g, segments.word, segments.bit, *volts, v, u, *balance.out)
    return quick, balance.bound, dict(zip(SIDES, balance.out, strict=True))


@pytest.mark.parametrize("what", ["all nodes", "one line", "one node", "each its own"])
@pytest.mark.parametrize(("low", "high"), [(0, 2), (6, 9)])
@pytest.mark.parametrize("size", [1e-4, 1e-9])
def test_wrong_voltages_are_seen(what, low, high, size):
    """A residual scaled by what circulates inside: it was 1e-9 where the ends' currents were off by 1e-7."""
    crossbar, voltages = weak_array(6, 5, 11, low, high)
    exact = xbarsim.solve(crossbar, voltages, method="kron")
    v, u = exact.word_voltages.copy(), exact.bit_voltages.copy()
    if what == "all nodes":
        v += size
        u += size
    elif what == "one line":
        u[:, 3] += size
    elif what == "one node":
        v[2, 4] += size
    else:
        v += size * np.random.default_rng(5).uniform(-1, 1, v.shape)
    quick, careful, currents = bounds_of(crossbar, voltages, v, u)
    error = max(np.abs(currents[side] - exact.end_currents[side]).max() for side in SIDES)
    error /= largest(currents)
    assert error > 1e-15
    assert careful >= 0.1 * error
    assert quick >= 0.1 * error


def test_the_bound_is_no_exaggeration():
    """Above 1e-12 a solution is refined: on ordinary arrays that must not happen."""
    rng = np.random.default_rng(4)
    for n in (32, 100):
        crossbar = Crossbar(rng.uniform(1e-6, 1e-3, (n, n)), word_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0)
        solution = xbarsim.solve(crossbar, rng.uniform(0, 1, n), method="schur")
        assert 0 < solution.residual < 2e-13
        assert solution._across is None


def test_pairs_add_what_doubles_lose():
    """The sum of a voltage and a correction far below its last digit, against exact arithmetic."""
    rng = np.random.default_rng(6)
    v, more = rng.uniform(0.1, 1, (3, 4)), rng.uniform(-1, 1, (5, 3, 4)) * 1e-14
    pairs = VoltagePairs.of(v.copy(), v.copy())
    for part in more:
        pairs.add(part, part)
    with mp.workdps(50):
        for at in np.ndindex(v.shape):
            exact = mpf(v[at]) + sum(mpf(part[at]) for part in more)
            assert abs(mpf(pairs.v[at]) + mpf(pairs.low_v[at]) - exact) < 1e-29


@pytest.mark.parametrize("law", LAWS)
def test_sources_at_one_voltage(law):
    """Nothing flows between sources of 0.3 V; the rounding of 0.3 V must not be taken for a current, nor refused."""
    rng = np.random.default_rng(9)
    ends = {"bit_top": LineEnds(0.3, 1e12), "bit_bottom": LineEnds(0.3, [1e-9, OPEN, 1e6])}
    crossbar = Crossbar(
        10 ** rng.uniform(-8, -2, (4, 3)), word_wire=[[1e-9, 1e3]] * 4, bit_wire=0.1, driver=1e5, ends=ends,
        device=LAWS[law],
    )  # fmt: skip
    solution = xbarsim.solve(crossbar, np.full(4, 0.3))
    assert largest(solution.end_currents) < 1e-28
    assert solution.residual < EXACT


@pytest.mark.parametrize("volts", [1e-200, 1e200])
def test_voltages_near_the_range_of_doubles(volts):
    """The bound's squares leave that range before the currents do."""
    crossbar, voltages = weak_array(4, 3, 1, 5, 9)
    crossbar = Crossbar(crossbar.conductance, word_wire=1.0, bit_wire=2.0, driver=1e8, sense=1e9)
    plain = xbarsim.solve(crossbar, voltages)
    with np.errstate(over="ignore"):
        scaled = xbarsim.solve(crossbar, voltages * volts)
    np.testing.assert_allclose(scaled.currents / volts, plain.currents, rtol=1e-12)
    assert 0 < scaled.residual < EXACT
