"""Maps of many crossbars at once: those of one at a time, to the last bits, whoever stands beside whom."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn_crossbars import sample_crossbar
from llvmlite import binding
from problems import PROBLEMS

import xbarsim
from xbarsim import Crossbar, LineEnds, Sinh, reference, resources
from xbarsim.errors import InputError, SolveError, TooLargeError
from xbarsim.kernels import bipartite, lane_currents, lanes
from xbarsim.solvers import map_batch, side_by_side
from xbarsim.solvers.adjoint import effective_map

# Whole leaves and odd ones, lines of one cell, and shapes of which one side is cut more often.
SHAPES = [(1, 1), (1, 9), (9, 1), (4, 4), (5, 3), (8, 8), (17, 19), (33, 6), (6, 40)]

ENDS = {
    "plain": {},
    "right": {"word_right": LineEnds(0.0, 3.0)},
    "top": {"bit_top": LineEnds(0.0, 2.0)},
    "all four": {"word_right": LineEnds(0.0, 0.0), "bit_top": LineEnds(0.0, 7.0)},
    "joined": {"bit_top": LineEnds(0.0, 0.0), "bit_bottom": LineEnds(0.0, 0.0)},
}


def wired(seed, shape, **options):
    rng = np.random.default_rng([seed, *shape])
    wires = {"word_wire": 2.0, "bit_wire": 3.0, "driver": 5.0, "sense": 0.0 if "ends" in options else 1.5}
    return Crossbar(10 ** -rng.uniform(3, 7, shape), **wires | options)


def with_breaks(seed, shape):
    """Broken and 0 ohm wires, open cells: islands, and wires of their own."""
    rng = np.random.default_rng([seed, *shape])
    rows, cols = shape
    word, bit = (10 ** rng.uniform(-3, 3, size) for size in ((rows, cols - 1), (rows - 1, cols)))
    for wires in (word, bit):
        wires[rng.random(wires.shape) < 0.1] = np.inf
        wires[rng.random(wires.shape) < 0.2] = 0.0
    g = 10 ** -rng.uniform(2, 7, shape) * (rng.random(shape) < 0.6)
    return Crossbar(g, word_wire=word, bit_wire=bit, driver=1.0, sense=2.0)


def drawn(seed):
    """Any shape, with wires and ends of every kind in one circuit; None where 0 ohm joins sources."""
    rng = np.random.default_rng(seed)
    rows, cols = (int(size) for size in rng.integers(1, 14, 2))

    def ohms(*shape):
        kind = rng.integers(5)
        if kind < 2:
            return (0.0, 10 ** rng.uniform(-9, 3))[kind]
        several = 10 ** rng.uniform(-3, 3, shape)
        if kind < 4:
            several[rng.random(shape) < 0.2] = (0.0, np.inf)[kind - 2]
        return several

    far = {"word_right": rows, "bit_top": cols}
    ends = {side: LineEnds(0.0, ohms(lines)) for side, lines in far.items() if rng.random() < 0.4}
    g = 10 ** rng.uniform(-7, -2, (rows, cols)) * (rng.random((rows, cols)) < rng.uniform(0.4, 1.5))
    wires = {"word_wire": ohms(rows, cols - 1), "bit_wire": ohms(rows - 1, cols), "driver": ohms(rows)}
    crossbar = Crossbar(g, **wires, sense=ohms(cols), ends=ends)
    try:
        xbarsim.effective_conductance(crossbar)
    except SolveError:
        return None
    return crossbar


def many():
    """Crossbars of different shapes, wires and ends in one list, several of each kind."""
    crossbars = [wired(seed, shape) for shape in SHAPES for seed in range(2)]
    crossbars += [wired(seed, (7, 5), ends=ends) for ends in ENDS.values() for seed in range(2)]
    crossbars += [with_breaks(seed, (11, 6)) for seed in range(4)]
    return [*crossbars, Crossbar(crossbars[0].conductance), wired(9, (8, 8), word_wire=0.0, bit_wire=0.0)]


def test_each_map_is_the_one_that_a_crossbar_has_alone():
    crossbars = many()
    for crossbar, matrix in zip(crossbars, xbarsim.effective_conductances(crossbars), strict=True):
        expected = xbarsim.effective_conductance(crossbar)
        np.testing.assert_array_equal(matrix == 0.0, expected == 0.0)
        np.testing.assert_allclose(matrix, expected, rtol=1e-13)


def test_drawn_circuits_and_their_gradients():
    """Islands, ties of 0 ohm, ends on any side: whatever one at a time gives."""
    crossbars = [crossbar for crossbar in map(drawn, range(40)) if crossbar is not None]
    assert len(crossbars) > 30
    maps = xbarsim.effective_maps(crossbars)
    rng = np.random.default_rng(2)
    cotangents = [rng.normal(size=crossbar.shape) for crossbar in crossbars]
    slopes = maps.gradients(cotangents)
    for crossbar, matrix, cotangent, slope in zip(crossbars, maps.matrices, cotangents, slopes, strict=True):
        expected = effective_map(crossbar)
        np.testing.assert_array_equal(matrix == 0.0, expected.matrix == 0.0)
        np.testing.assert_allclose(matrix, expected.matrix, rtol=1e-13)
        gradient = expected.gradient(cotangent)
        np.testing.assert_allclose(slope, gradient, rtol=0, atol=1e-12 * np.abs(gradient).max())


def test_known_answers():
    """A map that is transposed."""
    problems = [problem for problem in PROBLEMS if not any(end.voltage.any() for end in problem.crossbar.ends.values())]
    assert len(problems) > 5
    for problem, matrix in zip(problems, xbarsim.effective_conductances([p.crossbar for p in problems]), strict=True):
        largest = (np.abs(problem.voltages) @ matrix).max()
        np.testing.assert_allclose(problem.voltages @ matrix, problem.currents, rtol=0, atol=1e-13 * largest)


def test_neighbours_order_and_threads_change_no_bit():
    crossbars = many()
    rng = np.random.default_rng(1)
    cotangents = [rng.normal(size=crossbar.shape) for crossbar in crossbars]
    together = xbarsim.effective_maps(crossbars, threads=1)
    slopes = together.gradients(cotangents)
    order = rng.permutation(len(crossbars))
    shuffled = xbarsim.effective_maps([crossbars[k] for k in order], threads=2)
    for place, (k, slope) in enumerate(zip(order, shuffled.gradients([cotangents[k] for k in order]), strict=True)):
        np.testing.assert_array_equal(shuffled.matrices[place], together.matrices[k])
        np.testing.assert_array_equal(slope, slopes[k])
    for k in (0, 5, 9, len(crossbars) - 3):
        alone = xbarsim.effective_maps([crossbars[k]])
        np.testing.assert_array_equal(alone.matrices[0], together.matrices[k])
        np.testing.assert_array_equal(alone.gradients([cotangents[k]])[0], slopes[k])


def field_formula(crossbar, cotangent):
    """``-sum_kl cotangent[k, l] d_k d_l`` by star-mesh elimination, d the cell's volts for 1 V at one end alone."""

    def drops(side):
        lines = crossbar.shape[0 if side == "word_left" else 1]
        for line in range(lines):
            volts, ends = np.zeros(crossbar.shape[0]), dict(crossbar.ends)
            if side == "word_left":
                volts[line] = 1.0
            else:
                ends[side] = LineEnds(np.eye(lines)[line], crossbar.boundary[side].resistance)
            wires = {name: getattr(crossbar, name) for name in ("word_wire", "bit_wire", "driver")}
            driven = Crossbar(crossbar.conductance, **wires, sense=0.0 if side in ends else crossbar.sense, ends=ends)
            solution = reference.solve(driven, volts)
            yield np.nan_to_num(solution.word_voltages - solution.bit_voltages)

    return -np.einsum("kl,kij,lij->ij", cotangent, list(drops("word_left")), list(drops("bit_bottom")))


@pytest.mark.parametrize(
    "crossbar",
    [
        *(wired(3, shape) for shape in ((1, 1), (1, 6), (6, 1), (4, 4), (9, 7), (5, 12))),
        *(wired(3, (6, 7), ends=ENDS[name]) for name in ("right", "top", "all four")),
        wired(3, (6, 7), word_wire=1e-9, bit_wire=2e-9, driver=1e-9, sense=1e-9),
        wired(3, (6, 7), word_wire=1e4, bit_wire=3e4),
        with_breaks(3, (6, 7)),
    ],
    ids=repr,
)
def test_gradients_are_those_of_the_fields(crossbar):
    cotangent = np.random.default_rng(4).normal(size=crossbar.shape)
    (gradient,) = xbarsim.effective_maps([crossbar]).gradients([cotangent])
    expected = field_formula(crossbar, cotangent)
    # Terms of both signs cancel: the largest gradient is the scale.
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert np.abs(gradient).max() > 0.0


@pytest.mark.parametrize("ends", ["both", "plain", "right", "top", "all four"])
@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (1, 6), (6, 1)])
def test_without_wires_reductions_that_are_kept_give_the_gradients_of_the_fields(monkeypatch, shape, ends):
    more = {} if ends == "both" else {"ends": ENDS[ends]}
    crossbars = [wired(seed, shape, **{"word_wire": 0.0, "bit_wire": 0.0} | more) for seed in range(2)]
    cotangents = np.random.default_rng(4).normal(size=(2, *shape))
    maps = xbarsim.effective_maps(crossbars, keep=True)
    np.testing.assert_allclose(maps.matrices, xbarsim.effective_conductances(crossbars), rtol=1e-13, atol=1e-25)
    anew = xbarsim.effective_maps(crossbars).gradients(cotangents)
    monkeypatch.setattr(map_batch, "effective_map", None)
    gradients = maps.gradients(cotangents)
    np.testing.assert_array_equal(gradients, anew)
    for crossbar, cotangent, gradient in zip(crossbars, cotangents, gradients, strict=True):
        expected = field_formula(crossbar, cotangent)
        # Where word lines are tied to 0 V no cell counts: what is left is rounding of terms of about 1.
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * max(np.abs(expected).max(), 1e-16))


def test_no_more_reductions_are_kept_than_fit(monkeypatch):
    crossbars = [wired(seed, (6, 5), word_wire=0.0, bit_wire=0.0) for seed in range(3)]
    cotangents = np.random.default_rng(4).normal(size=(3, 6, 5))
    expected = xbarsim.effective_maps(crossbars).gradients(cotangents)
    anew = []
    one = map_batch.effective_map
    monkeypatch.setattr(map_batch, "KEPT_BYTES", 1.5 * bipartite.memory(6, 5, (True, False, False, True)))
    maps = xbarsim.effective_maps(crossbars, keep=True)
    monkeypatch.setattr(map_batch, "effective_map", lambda *a, **k: anew.append(a[0]) or one(*a, **k))
    np.testing.assert_array_equal(maps.gradients(cotangents), expected)
    assert [id(crossbar) for crossbar in anew] == [id(crossbar) for crossbar in crossbars[1:]]


def test_gradients_leave_out_what_has_no_cotangent():
    crossbars = [wired(seed, (5, 4)) for seed in range(3)]
    cotangents = np.random.default_rng(5).normal(size=(3, 5, 4))
    maps = xbarsim.effective_maps(crossbars)
    first, missing, last = maps.gradients([cotangents[0], None, cotangents[2]])
    assert missing is None
    np.testing.assert_array_equal([first, last], [maps.gradients(cotangents)[k] for k in (0, 2)])


def test_equal_crossbars_are_reduced_once_and_have_maps_of_their_own(monkeypatch):
    counted = []
    reduce = lanes.reduce
    monkeypatch.setattr(side_by_side.lanes, "reduce", lambda *args: counted.append(args[7]) or reduce(*args))
    cells = wired(1, (6, 5))
    crossbars = [cells, wired(2, (6, 5)), cells.with_cells(cells.conductance), wired(1, (6, 5), word_wire=2.5)]
    a, b, c, d = xbarsim.effective_conductances(crossbars)
    assert counted == [3]
    np.testing.assert_array_equal(a, c)
    a[:] = 0.0
    assert c.all()
    assert not np.array_equal(b, c)
    assert not np.array_equal(c, d)


@pytest.mark.parametrize("kind", ["map", "solve", "unsettled"])
def test_what_the_solve_does_not_confirm_is_found_anew(monkeypatch, kind):
    """A wrong map that is handed out, or a right one that is refused for a solve that does not settle."""
    crossbars = [wired(seed, (9, 8)) for seed in range(3)]
    expected = xbarsim.effective_conductances(crossbars)
    couplings, solve = lanes.couplings, lane_currents.output_currents

    def wrong_couplings(*args):
        couplings(*args)
        args[-1][1, 4, 3] *= 1.0 + 1e-8

    def wrong_currents(*args):
        solve(*args)
        args[-2][1, 2] *= 1.0 + 1e-9

    if kind == "map":
        monkeypatch.setattr(side_by_side.lanes, "couplings", wrong_couplings)
    elif kind == "solve":
        monkeypatch.setattr(side_by_side.lane_currents, "output_currents", wrong_currents)
    else:
        monkeypatch.setattr(side_by_side, "MOST_STEPS", 1)
    alone = []
    one = map_batch.effective_conductance
    monkeypatch.setattr(map_batch, "effective_conductance", lambda *a, **k: alone.append(a[0]) or one(*a, **k))
    maps = xbarsim.effective_maps(crossbars)
    assert len(alone) == (3 if kind == "unsettled" else 1)
    np.testing.assert_allclose(maps.matrices, expected, rtol=1e-13)
    cotangent = np.random.default_rng(6).normal(size=(9, 8))
    gradients = maps.gradients([cotangent] * 3)
    monkeypatch.undo()
    unchanged = xbarsim.effective_maps(crossbars).gradients([cotangent] * 3)
    np.testing.assert_allclose(gradients, unchanged, rtol=0, atol=1e-13 * np.abs(unchanged).max())


def test_sizes_beyond_the_largest_are_reduced_alone(monkeypatch):
    monkeypatch.setattr(side_by_side, "MOST_LINES", 8)
    crossbars = [wired(1, (9, 4)), wired(1, (8, 4))]
    for crossbar, matrix in zip(crossbars, xbarsim.effective_conductances(crossbars), strict=True):
        np.testing.assert_allclose(matrix, xbarsim.effective_conductance(crossbar), rtol=1e-13)


def test_bad_input_names_the_crossbar():
    good = wired(1, (3, 4))
    with pytest.raises(InputError, match=r"crossbars\[1\]: .* have no linear map"):
        xbarsim.effective_conductances([good, Crossbar(good.conductance, device=Sinh(0.2))])
    with pytest.raises(InputError, match=r"crossbars\[2\]: crossbar is list"):
        xbarsim.effective_conductances([good, good, [[1.0]]])
    with pytest.raises(InputError, match=r"crossbars is Crossbar: it must be a list"):
        xbarsim.effective_conductances(good)
    tied = {"word_right": LineEnds(0.0, 0.0)}
    with pytest.raises(SolveError, match=r"crossbars\[1\]: 0 ohm joins"):
        xbarsim.effective_conductances([good, Crossbar(good.conductance, ends=tied)])
    with pytest.raises(InputError, match=r"crossbars\[0\]: the ends .*bit_top.* hold non-zero voltages"):
        xbarsim.effective_maps([sample_crossbar(3, 4, 5, four_sides=True).with_cells(np.ones((4, 5)))] * 2)
    maps = xbarsim.effective_maps([good, good])
    with pytest.raises(InputError, match="cotangents are 1: give one for each of 2"):
        maps.gradients([np.ones((3, 4))])
    with pytest.raises(InputError, match="cotangents is NoneType: it must be a list"):
        maps.gradients(None)
    assert len(maps.gradients(np.ones((3, 4)) for _ in range(2))) == 2
    with pytest.raises(InputError, match=r"cotangents\[1\] has shape \(4, 3\): it must be \(3, 4\)"):
        maps.gradients([None, np.ones((4, 3))])
    with pytest.raises(InputError, match=r"cotangents\[0\]\[0, 0\] is nan"):
        maps.gradients([np.full((3, 4), np.nan), None])


def test_what_would_not_fit_is_refused_before_any_of_it_is_done(monkeypatch):
    crossbars = [wired(1, (128, 128))] * 800
    maps = xbarsim.effective_maps(crossbars[:1])
    monkeypatch.setattr(resources, "available_memory", lambda: 10**8)
    with pytest.raises(
        TooLargeError, match=r"reducing 800 crossbar\(s\) needs about 0\.1.* GB.*: give fewer at a time"
    ):
        xbarsim.effective_conductances(crossbars)
    with pytest.raises(TooLargeError, match=r"reducing 1 crossbar\(s\) needs about 0\.1"):
        maps.gradients([np.ones((128, 128))])


def test_none_at_all():
    assert xbarsim.effective_conductances([]) == []
    assert xbarsim.effective_maps([]).gradients([]) == []


WIDTH = """
import hashlib
import numpy as np
import xbarsim
from test_map_batch import many
maps = xbarsim.effective_maps([crossbar for crossbar in many() if np.any(crossbar.word_wire)])
rng = np.random.default_rng(1)
numbers = [*maps.matrices, *maps.gradients([rng.normal(size=matrix.shape) for matrix in maps.matrices])]
print(hashlib.sha256(b"".join(array.tobytes() for array in numbers)).hexdigest())
"""


@pytest.mark.slow
def test_shorter_vectors_give_the_same_bits(tmp_path):
    """A result that another processor does not reproduce.

    Without fused sums all numbers differ, and those of crossbars without wires come from BLAS.
    """
    if not binding.get_host_cpu_features().get("fma", False):
        pytest.skip("this processor has no fused sums")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    narrow = env | {"NUMBA_CPU_NAME": "haswell", "NUMBA_CACHE_DIR": str(tmp_path)}
    digests = [
        subprocess.run([sys.executable, "-c", WIDTH], env=variables, check=True, capture_output=True).stdout
        for variables in (env, narrow)
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("driver", [0.0, 1e-9, 1.0, 300.0])
@pytest.mark.parametrize("shape", [(9, 8), (1, 4), (5, 1), (140, 3)])
def test_admittances_of_sources_are_those_of_one_crossbar(driver, shape):
    """The last shape is reduced alone."""
    crossbars = [wired(seed, shape, driver=driver) for seed in range(3)]
    crossbars.append(crossbars[0].with_cells(crossbars[0].conductance))
    maps = xbarsim.effective_maps(crossbars, admittances=True)
    volts = np.random.default_rng(3).uniform(-0.5, 0.5, shape[0])
    for crossbar, matrix, seen in zip(crossbars, maps.matrices, maps.admittances, strict=True):
        rows = shape[0]
        whole = xbarsim.port_admittance(crossbar)[:rows, :rows]
        np.testing.assert_allclose(seen, whole, rtol=0.0, atol=1e-13 * np.abs(whole).max())
        np.testing.assert_allclose(matrix, xbarsim.effective_conductance(crossbar), rtol=1e-12)
        assert volts @ seen @ volts == pytest.approx(xbarsim.solve(crossbar, volts).power, rel=1e-11)
    assert xbarsim.effective_maps(crossbars).admittances is None


def test_admittances_of_open_sources_and_of_other_ends_that_are_tied():
    ends = {"word_right": LineEnds(0.0, [20.0, np.inf, 5.0]), "bit_top": LineEnds(0.0, 50.0)}
    tied = Crossbar(wired(1, (3, 4)).conductance, word_wire=2.0, bit_wire=1.0, driver=[30.0, 10.0, np.inf], ends=ends)
    ideal = Crossbar(wired(1, (3, 4)).conductance)
    maps = xbarsim.effective_maps([tied, ideal], admittances=True)
    volts = np.array([0.2, -0.4, 0.7])
    for crossbar, seen in zip([tied, ideal], maps.admittances, strict=True):
        assert volts @ seen @ volts == pytest.approx(xbarsim.solve(crossbar, volts).power, rel=1e-12)
    assert not maps.admittances[0][2].any()
    np.testing.assert_allclose(maps.admittances[1], np.diag(ideal.conductance.sum(axis=1)), rtol=1e-13, atol=1e-20)


def test_an_admittance_that_the_solve_does_not_confirm_is_found_anew(monkeypatch):
    crossbars = [wired(seed, (9, 8)) for seed in range(3)]
    expected = xbarsim.effective_maps(crossbars, admittances=True).admittances
    couplings = lanes.couplings

    def wrong_couplings(*args):
        couplings(*args)
        if args[-1].shape[1:] != (9, 8):
            args[-1][1, 2, 5] *= 1.001

    monkeypatch.setattr(side_by_side.lanes, "couplings", wrong_couplings)
    alone = []
    one = map_batch.map_and_admittance
    monkeypatch.setattr(map_batch, "map_and_admittance", lambda *a, **k: alone.append(a[0]) or one(*a, **k))
    found = xbarsim.effective_maps(crossbars, admittances=True).admittances
    assert alone == [crossbars[1]]
    for seen, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(seen, wanted, rtol=0.0, atol=1e-13 * np.abs(wanted).max())
