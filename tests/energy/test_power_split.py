"""Power by what takes it, against what sources deliver, sums over every resistor, and limits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbarsim import Crossbar, LineEnds, Sinh, Transistor, solve
from xbarsim.energy import power_split
from xbarsim.errors import InputError


def array(rows, cols, seed, *, ohms=3.0, device=None, breaks=0.0, ties=()):
    rng = np.random.default_rng(seed)

    def wires(*shape):
        values = rng.uniform(0.5, 1.5, shape) * ohms
        return np.where(rng.random(shape) < breaks, np.inf, values)

    tied = {
        side: LineEnds(rng.uniform(-0.3, 0.3, lines), rng.uniform(20.0, 300.0, lines))
        for side, lines in (("word_right", rows), ("bit_top", cols))
        if side in ties
    }
    return Crossbar(
        10 ** rng.uniform(-6.0, -3.0, (rows, cols)),
        word_wire=wires(rows, cols - 1),
        bit_wire=wires(rows - 1, cols),
        driver=rng.uniform(0.0, 300.0, rows) * (rng.random(rows) > 0.2),
        sense=rng.uniform(40.0, 200.0, cols),
        ends=tied,
        device=device,
    )


def added_up(crossbar, solution):
    """Return watts of cells, word wires, bit wires and ends from node voltages alone, one resistor after the other."""
    v, u = np.nan_to_num(solution.word_voltages), np.nan_to_num(solution.bit_voltages)
    rows, cols = crossbar.shape
    cells = words = bits = ends = 0.0
    for i in range(rows):
        for j in range(cols):
            across = v[i, j] - u[i, j]
            cells += across * float(crossbar.device.current(crossbar.conductance, v, u)[i, j])
            if j + 1 < cols and crossbar.word_wire[i, j] > 0.0:
                words += (v[i, j] - v[i, j + 1]) ** 2 / crossbar.word_wire[i, j]
            if i + 1 < rows and crossbar.bit_wire[i, j] > 0.0:
                bits += (u[i, j] - u[i + 1, j]) ** 2 / crossbar.bit_wire[i, j]
    near = {"word_left": v[:, 0], "word_right": v[:, -1], "bit_top": u[0], "bit_bottom": u[-1]}
    for side, tied in crossbar.boundary.items():
        for volts, node, ohms in zip(solution.source_voltages[side], near[side], tied.resistance, strict=True):
            if 0.0 < ohms < math.inf:
                ends += (volts - node) ** 2 / ohms
    return cells, words, bits, ends


@given(
    st.integers(1, 7), st.integers(1, 7), st.integers(0, 10**6), st.sampled_from([0.0, 1e-9, 0.3, 300.0]),
    st.sampled_from([None, Sinh(v0=0.2)]), st.sampled_from([0.0, 0.2]),
    st.sampled_from([(), ("word_right",), ("bit_top", "word_right")]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_sources_deliver_what_cells_wires_and_ends_take(rows, cols, seed, ohms, device, breaks, ties):
    crossbar = array(rows, cols, seed, ohms=ohms, device=device, breaks=breaks, ties=ties)
    volts = np.random.default_rng(seed).uniform(-0.5, 0.5, (3, rows))
    solution = solve(crossbar, volts, fields=True)
    split = power_split(solution)
    assert (split.imbalance <= 1e-12).all()
    assert np.allclose(split.delivered, solution.power, rtol=1e-13, atol=0.0)
    assert (split.cells >= 0.0).all()
    assert all((watts >= 0.0).all() for watts in (split.word_wires, split.bit_wires, *split.ends.values()))


ACCESS = Transistor(gate=[[1.2], [1.5], [0.9], [1.1]], kp=3e-4, lam=0.05)


@pytest.mark.parametrize("device", [None, Sinh(v0=0.2), ACCESS])
def test_parts_are_sums_over_their_resistors(device):
    crossbar = array(4, 5, 8, ohms=20.0, device=device, ties=("word_right",))
    solution = solve(crossbar, [0.4, -0.2, 0.1, 0.3])
    split = power_split(solution)
    cells, words, bits, ends = added_up(crossbar, solution)
    assert split.cells == pytest.approx(cells, rel=1e-9)
    assert split.word_wires == pytest.approx(words, rel=1e-9)
    assert split.bit_wires == pytest.approx(bits, rel=1e-9)
    assert sum(split.ends.values()) == pytest.approx(ends, rel=1e-9)
    assert split.imbalance <= 1e-12


def test_floating_lines_take_nothing():
    """A word line that nothing drives and a bit line that nothing holds, with a cell between them alone."""
    crossbar = Crossbar(
        [[1e-3, 0.0], [0.0, 2e-4]], word_wire=1.0, bit_wire=1.0, driver=[50.0, np.inf], sense=[20.0, np.inf]
    )
    solution = solve(crossbar, [0.2, 0.7])
    assert solution.floating
    split = power_split(solution)
    current = 0.2 / (50.0 + 1000.0 + 1.0 + 20.0)
    assert split.delivered == pytest.approx(0.2 * current, rel=1e-12)
    assert split.cells == pytest.approx(1000.0 * current**2, rel=1e-12)
    assert split.ends["word_left"] == pytest.approx(50.0 * current**2, rel=1e-12)
    assert split.ends["bit_bottom"] == pytest.approx(20.0 * current**2, rel=1e-12)
    assert split.bit_wires == pytest.approx(current**2, rel=1e-12)
    assert split.word_wires <= 1e-30


def test_a_source_that_takes_power_up_counts_below_zero():
    crossbar = Crossbar([[1e-3]], ends={"bit_bottom": LineEnds(0.5, 0.0)})
    split = power_split(solve(crossbar, [2.0]))
    assert split.sources["word_left"] == pytest.approx(2.0 * 1.5e-3)
    assert split.sources["bit_bottom"] == pytest.approx(-0.5 * 1.5e-3)
    assert split.delivered == pytest.approx(1.5 * 1.5e-3)
    assert split.cells == pytest.approx(1.5 * 1.5e-3)


def test_no_volts_no_power():
    split = power_split(solve(array(3, 2, 1), np.zeros((2, 3)), fields=True))
    assert not split.delivered.any()
    assert not split.imbalance.any()


def test_what_is_wrong_is_said():
    with pytest.raises(InputError, match=r"solution is int: it must be what xbarsim\.solve returns"):
        power_split(3)
    with pytest.raises(InputError, match="fields=True"):
        power_split(solve(array(3, 2, 1), np.ones((2, 3))))
    with pytest.raises(InputError, match="fields=True"):
        _ = solve(array(3, 2, 1), np.ones((2, 3))).source_voltages
