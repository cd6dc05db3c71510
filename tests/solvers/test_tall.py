"""Arrays much longer than wide: their map is cut across, and methods are chosen by what they cost."""

import tracemalloc
from functools import partial

import numpy as np
import pytest

from xbarsim import Crossbar, LineEnds, effective_conductance, port_admittance, reference, resources, solve
from xbarsim.kernels import bipartite, reduction
from xbarsim.kernels.strips import Strips
from xbarsim.solvers.costs import map_cost, vectors_cost
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.terminals import Terminals

rng = np.random.default_rng


def long_array(rows, cols, seed, **more):
    """Uneven cells, wires and drivers; a tenth of the cells is open."""
    draw = rng(seed)
    g = 10 ** draw.uniform(-6, -3, (rows, cols))
    g[draw.random(g.shape) < 0.1] = 0.0
    given = {
        "word_wire": draw.uniform(0.5, 3, (rows, cols - 1)),
        "bit_wire": draw.uniform(0.5, 3, (rows - 1, cols)),
        "driver": draw.uniform(0, 5, rows),
    } | more
    if "sense" not in given and "bit_bottom" not in given.get("ends", {}):
        given["sense"] = draw.uniform(0, 5, cols)
    return Crossbar(g, **given)


@pytest.mark.parametrize("shape", [(70, 3), (3, 70), (41, 1)])
def test_the_map_of_a_long_array_is_that_of_star_mesh_elimination(shape):
    crossbar = long_array(*shape, 1, ends={"word_right": LineEnds(0.0, 7.0), "bit_top": LineEnds(0.0, 3.0)})
    volts = rng(2).uniform(-1, 1, shape[0])
    expected = reference.solve(crossbar, volts).end_currents["bit_bottom"]
    assert np.abs(volts @ effective_conductance(crossbar) - expected).max() < 1e-14 * np.abs(expected).max()


BROKEN = np.where(rng(5).random((299, 9)) < 0.1, np.inf, 1.5)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"word_wire": 0.0, "bit_wire": 0.0, "driver": 0.0, "sense": 0.0},
        {"bit_wire": BROKEN},
        {"driver": np.where(np.arange(300) % 7, 2.0, np.inf)},
        {"sense": np.where(np.arange(9) % 4, 0.0, np.inf)},
        {"ends": {"word_right": LineEnds(0.0, 4.0)}},
    ],
)
def test_strips_have_the_couplings_of_the_whole_reduction(more):
    segments = Segments.of(long_array(300, 9, 3, **more))
    with resources.one_blas_thread():
        whole = reduction.Reduction(segments.g, *segments.couplings())
        strips = Strips(segments.g, *segments.couplings())
        again = Strips(segments.g, *segments.couplings(), run=partial(resources.run_tasks, threads=2))
    expected = whole.couplings[:300, -9:]
    assert np.abs(strips.transfer - expected).max() <= 1e-14 * expected.max()
    assert np.array_equal(again.transfer, strips.transfer)


@pytest.mark.parametrize("shape", [(200, 6), (6, 200)])
def test_fixed_sources_of_a_long_array_give_its_offset(shape):
    crossbar = long_array(*shape, 4, ends={"word_right": LineEnds(0.3, 7.0), "bit_top": LineEnds(-0.2, 3.0)})
    g_eff, i0 = effective_conductance(crossbar, offset=True)
    volts = rng(5).uniform(-1, 1, shape[0])
    expected = solve(crossbar, volts, method="schur").currents
    assert np.abs(volts @ g_eff + i0 - expected).max() < 1e-12 * np.abs(expected).max()


def test_a_bit_line_joined_at_both_ends_shares_its_current_in_long_arrays_too():
    crossbar = long_array(60, 3, 6, bit_wire=0.0, ends={"bit_top": LineEnds(), "bit_bottom": LineEnds()})
    volts = rng(7).uniform(0, 1, 60)
    assert np.allclose(volts @ effective_conductance(crossbar), solve(crossbar, volts).currents, rtol=1e-13, atol=0)


def test_outputs_that_are_all_open_have_no_current():
    crossbar = long_array(60, 3, 8, sense=np.inf, ends={"bit_top": LineEnds(0.0, 1.0)})
    assert not effective_conductance(crossbar).any()


def peak_of(work):
    """Most bytes that NumPy held at a time."""
    work()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_of_a_map_grows_with_the_length():
    """Three times the length: the square of it would take nine times as much, the length three times."""
    short, long = (peak_of(lambda n=n: effective_conductance(long_array(n, 8, 9), threads=1)) for n in (2000, 6000))
    assert long < 4.5 * short
    assert long < 300 * 6000 * 8


@pytest.mark.parametrize("wires", [0.0, 1.0])
@pytest.mark.parametrize("sides", [(), ("word_right",), ("word_right", "bit_top")])
@pytest.mark.parametrize("shape", [(300, 220), (900, 40), (40, 900)])
def test_the_memory_guard_says_what_a_reduction_takes(shape, sides, wires):
    ends = {side: LineEnds(0.0, 2.0) for side in sides}
    segments = Segments.of(long_array(*shape, 10, word_wire=wires, bit_wire=wires, ends=ends))
    peak = peak_of(lambda: Terminals.of(segments, keep=False, threads=1))
    said = (
        bipartite.memory(*shape, segments.present)
        if not wires
        else reduction.memory(*shape, segments.present, keep=False)
    )
    assert 0.5 * said < peak < said


def test_the_guard_counts_all_four_sides(monkeypatch):
    """500 x 500 without wires, tied all around: 2000 ends, and a joint square of 2500."""
    monkeypatch.setattr(resources, "available_memory", lambda: 60e6)
    g = np.full((500, 500), 1e-4)
    ends = {side: LineEnds(0.0, 1.0) for side in ("word_left", "word_right", "bit_top", "bit_bottom")}
    with pytest.raises(MemoryError, match=r"500 x 500 needs about 0\.1\d+ GB"):
        port_admittance(Crossbar(g, ends=ends))


@pytest.mark.parametrize("shape", [(2048, 16), (16, 2048)])
def test_a_sixteenth_vector_does_not_change_the_method_on_a_long_array(shape):
    crossbar = long_array(*shape, 11)
    volts = rng(12).uniform(0, 1, (16, shape[0]))
    for count in (15, 16):
        assert solve(crossbar, volts[:count]).method == "schur"


def test_many_vectors_on_a_square_array_take_one_map():
    crossbar = long_array(48, 48, 13)
    volts = rng(14).uniform(0, 1, (400, 48))
    mapped, each = solve(crossbar, volts), solve(crossbar, volts[:3])
    assert (mapped.method, each.method) == ("kron", "schur")
    assert np.allclose(mapped.currents[:3], each.currents, rtol=1e-12, atol=0)


def test_costs_order_what_was_measured():
    """One thread: 4096 x 32 takes 0.64 s to reduce and 9 ms a vector of 8 steps; 256 x 256 57 ms and 5.8 of 12."""
    tall, square = (
        Segments.of(Crossbar(np.full(shape, 1e-4), word_wire=1.0, bit_wire=1.0)) for shape in ((4096, 32), (256, 256))
    )
    assert vectors_cost(tall, 1000, 8) < map_cost(tall, 1000)
    assert vectors_cost(square, 8, 12) < map_cost(square, 8)
    assert map_cost(square, 16) < vectors_cost(square, 16, 12)
