"""Batches, threads and repetition: the same circuit must give the same numbers however it is asked."""

import pickle

import numpy as np
import pytest
from drawn_crossbars import sample_crossbar, sample_voltages
from problems import SIDES

import xbarsim
from xbarsim.errors import ConvergenceError, InputError

METHODS = ("auto", "schur", "kron")
FIELDS = ("word_voltages", "bit_voltages", "device_currents")


def batch_problem(four_sides=False):
    return sample_crossbar(21, 17, 12, four_sides=four_sides), sample_voltages(22, 9, 17)


@pytest.mark.parametrize("method", [*METHODS, "reference"])
@pytest.mark.parametrize("four_sides", [False, True])
def test_a_batch_equals_its_vectors(method, four_sides):
    """Vectors that leak into each other, a wrong axis, or an end source that is not added to each vector."""
    crossbar, volts = batch_problem(four_sides)
    batch = xbarsim.solve(crossbar, volts, method=method, fields=True)
    assert batch.currents.shape == (9, 12)
    for k, one in enumerate(volts):
        single = xbarsim.solve(crossbar, one, method=method)
        scale = max(np.abs(single.end_currents[side]).max() for side in SIDES)
        for side in SIDES:
            # A batch may stop its iterations later than a vector alone: both are right to 1e-12.
            np.testing.assert_allclose(
                batch.end_currents[side][k], single.end_currents[side], rtol=0, atol=1e-12 * scale
            )
        for field, size in zip(FIELDS, (1.0, 1.0, crossbar.conductance.max()), strict=True):
            np.testing.assert_allclose(
                getattr(batch, field)[k], getattr(single, field), rtol=0, atol=1e-12 * size, err_msg=field
            )
        np.testing.assert_allclose(batch.power[k], single.power, rtol=1e-11)


@pytest.mark.parametrize("method", [*METHODS, "reference"])
def test_shapes_of_a_batch(method):
    """A field without its batch axis, or a batch of one that loses it."""
    crossbar, volts = batch_problem()
    for count in (9, 1):
        batch = xbarsim.solve(crossbar, volts[:count], method=method, fields=True)
        assert [batch.end_currents[side].shape for side in SIDES] == [
            (count, 17),
            (count, 17),
            (count, 12),
            (count, 12),
        ]
        assert [getattr(batch, field).shape for field in FIELDS] == [(count, 17, 12)] * 3
        assert batch.power.shape == (count,)
        assert isinstance(batch.residual, float)
        assert np.shape(batch.iterations) in ((), (count,))
        np.testing.assert_array_equal(batch.currents, batch.end_currents["bit_bottom"])


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_keeps_fields_on_request(method):
    """100 vectors of 512 x 512 would be 600 MB that no one asked for; the message says how to ask."""
    crossbar, volts = batch_problem()
    batch = xbarsim.solve(crossbar, volts, method=method)
    for field in FIELDS:
        with pytest.raises(InputError, match="fields=True"):
            getattr(batch, field)
    single = xbarsim.solve(crossbar, volts[0], method=method)
    assert single.word_voltages.shape == (17, 12)
    # Keeping fields must not change the currents.
    kept = xbarsim.solve(crossbar, volts, method=method, fields=True)
    np.testing.assert_allclose(kept.currents, batch.currents, rtol=0, atol=1e-12 * np.abs(batch.currents).max())


def same_bits(a, b, fields=()):
    for side in SIDES:
        np.testing.assert_array_equal(a.end_currents[side], b.end_currents[side])
    for field in fields:
        np.testing.assert_array_equal(getattr(a, field), getattr(b, field))
    np.testing.assert_array_equal(a.power, b.power)
    assert a.residual == b.residual


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [1, 2, 33])
def test_threads_do_not_change_bits(method, count):
    """A sum whose order depends on the threads: results could not be compared between machines."""
    crossbar = sample_crossbar(23, 37, 29)
    volts = sample_voltages(24, count, 37)
    one, two = (xbarsim.solve(crossbar, volts, method=method, fields=True, threads=n) for n in (1, 2))
    same_bits(one, two, FIELDS)


@pytest.mark.parametrize("method", METHODS)
def test_a_second_call_gives_the_same_bits(method):
    """Work space that is not cleared, a warm start from the last call, or inputs that are written to."""
    crossbar, volts = batch_problem(four_sides=True)
    before = volts.copy()
    first = xbarsim.solve(crossbar, volts, method=method, fields=True)
    xbarsim.solve(sample_crossbar(25, 17, 12), -3 * volts, method=method)
    second = xbarsim.solve(crossbar, volts, method=method, fields=True)
    same_bits(first, second, FIELDS)
    np.testing.assert_array_equal(volts, before)


@pytest.mark.parametrize("method", METHODS)
def test_results_are_not_views_of_work_space(method):
    """A second call that overwrites the numbers of the first."""
    crossbar, volts = batch_problem()
    first = xbarsim.solve(crossbar, volts[0], method=method)
    kept = {side: first.end_currents[side].copy() for side in SIDES}, first.word_voltages.copy()
    xbarsim.solve(crossbar, 5 * volts[1], method=method)
    for side in SIDES:
        np.testing.assert_array_equal(first.end_currents[side], kept[0][side])
    np.testing.assert_array_equal(first.word_voltages, kept[1])


@pytest.mark.parametrize("method", [*METHODS, "reference"])
def test_memory_order_and_type_of_inputs(method):
    """Kernels that take a strided, reversed or float32 array for a contiguous float64 one."""
    crossbar, volts = batch_problem()
    expected = xbarsim.solve(crossbar, volts, method=method).currents
    for same in (np.asfortranarray(volts), volts[::-1, ::-1].copy()[::-1, ::-1], volts.tolist()):
        np.testing.assert_array_equal(xbarsim.solve(crossbar, same, method=method).currents, expected)
    single = volts.astype(np.float32)
    np.testing.assert_array_equal(
        xbarsim.solve(crossbar, single, method=method).currents,
        xbarsim.solve(crossbar, single.astype(float), method=method).currents,
    )
    g = np.asfortranarray(crossbar.conductance)
    again = xbarsim.Crossbar(
        g, **{name: getattr(crossbar, name) for name in ("word_wire", "bit_wire", "driver", "sense")}
    )
    np.testing.assert_array_equal(xbarsim.solve(again, volts, method=method).currents, expected)


@pytest.mark.parametrize("method", METHODS)
def test_an_extreme_vector_leaves_the_others_alone(method):
    """A batch that stops when its largest vector is done: the small ones keep their digits too."""
    crossbar, volts = batch_problem()
    scales = 10.0 ** np.arange(-12, 15, 3)[:, None]
    batch = xbarsim.solve(crossbar, volts * scales, method=method)
    plain = xbarsim.solve(crossbar, volts, method=method)
    largest = np.abs(plain.currents).max(axis=1, keepdims=True)
    np.testing.assert_allclose(batch.currents / scales / largest, plain.currents / largest, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_zero_vectors_in_a_batch(method):
    """0 / 0 in a relative stop: the vector of zeros gives zeros, and the others their usual numbers."""
    crossbar, volts = batch_problem()
    volts[4] = 0.0
    batch = xbarsim.solve(crossbar, volts, method=method)
    assert not batch.currents[4].any()
    assert batch.power[4] == 0
    assert np.isfinite(batch.currents).all()


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_batch(method):
    """No vectors, no currents, no error."""
    crossbar, volts = batch_problem()
    assert xbarsim.solve(crossbar, volts[:0], method=method).currents.shape == (0, 12)


@pytest.mark.parametrize("at", [0, 3, 8])
def test_one_vector_among_zeros_decides_how_a_batch_is_solved(at):
    """A vector of 0 V takes no step, so it says nothing of what others cost; an order of vectors changes no number."""
    crossbar = sample_crossbar(31, 40, 40)
    volts = np.zeros((9, 40))
    volts[at] = sample_voltages(32, 1, 40)[0]
    alone = xbarsim.solve(crossbar, volts[at])
    batch = xbarsim.solve(crossbar, volts)
    largest = max(np.abs(alone.end_currents[side]).max() for side in SIDES)
    for side in SIDES:
        np.testing.assert_allclose(batch.end_currents[side][at], alone.end_currents[side], rtol=0, atol=1e-12 * largest)
        assert not np.delete(batch.end_currents[side], at, axis=0).any()


@pytest.mark.parametrize("count", [4, 10])
def test_few_vectors_tried_one_first_keep_their_order(count):
    """The vector that was tried is not solved twice, and stands where it stood."""
    crossbar, volts = sample_crossbar(33, 64, 64), sample_voltages(34, count, 64)
    batch = xbarsim.solve(crossbar, volts)
    assert batch.method == "schur"
    assert batch.iterations.shape == (count,)
    for k, vector in enumerate(volts):
        np.testing.assert_array_equal(batch.currents[k], xbarsim.solve(crossbar, vector, method="schur").currents)


@pytest.mark.parametrize("exponent", [-300, -306, -308])
def test_currents_below_the_normal_range_are_not_said_to_be_exact(exponent):
    """Some 1e-310 A have 14 bits left: a map that was checked at volts says nothing of them."""
    crossbar = sample_crossbar(35, 6, 5)
    scaled = sample_voltages(36, 4, 6) * 10.0**exponent
    truth = xbarsim.solve(crossbar, scaled * 1e200, method="kron")
    small = xbarsim.solve(crossbar, scaled, method="kron", tolerance=1.0)
    for k in range(4):
        largest = max(np.abs(truth.end_currents[side][k]).max() for side in SIDES)
        error = max(
            np.abs(small.end_currents[side][k] * 1e200 - truth.end_currents[side][k]).max() / largest for side in SIDES
        )
        assert error <= max(10 * small.residual, 1e-15)


@pytest.mark.parametrize("method", ["auto", "kron"])
def test_voltages_that_leave_no_digits_are_named(method):
    crossbar, scaled = sample_crossbar(35, 6, 6), sample_voltages(36, 4, 6) * 1e-312
    with pytest.raises(
        ConvergenceError, match=r"^the voltages of vector \d are at most .* too far from 1 V for double"
    ):
        xbarsim.solve(crossbar, scaled, method=method)


def test_a_batch_on_open_cells_is_zero():
    """No cell conducts and no source reaches another: zero is exact, however small the volts."""
    crossbar = xbarsim.Crossbar(np.zeros((3, 4)), word_wire=1.0, bit_wire=2.0, driver=3.0, sense=4.0)
    for volts in (1.0, 1e-310):
        solution = xbarsim.solve(crossbar, np.full((20, 3), volts), method="kron")
        assert solution.residual == 0.0
        assert not solution.currents.any()


def hard_array(rows=32, cols=32):
    """Wires of 500 ohm against cells of kiloohms: conjugate gradients take 40 steps."""
    rng = np.random.default_rng(0)
    cells = rng.uniform(1e-6, 1e-3, (rows, cols))
    return xbarsim.Crossbar(cells, word_wire=500.0, bit_wire=500.0, driver=500.0, sense=500.0), rng.uniform(0, 1, rows)


def test_the_method_is_what_gave_the_numbers():
    """``schur`` above numbers that a reduction had put in its place."""
    crossbar, volts = hard_array()
    asked, reduced = xbarsim.solve(crossbar, volts, method="schur"), xbarsim.solve(crossbar, volts, method="kron")
    assert (asked.method, reduced.method) == ("kron", "kron")
    same_bits(asked, reduced, FIELDS)
    assert asked.iterations > 24
    larger = xbarsim.solve(*hard_array(33, 32), method="schur")
    assert larger.method == "schur"


@pytest.mark.parametrize("fields", [False, True])
def test_a_batch_names_both_methods_that_gave_its_numbers(fields):
    crossbar, volts = hard_array()
    batch = np.stack([volts, np.zeros(32), -2 * volts])
    mixed = xbarsim.solve(crossbar, batch, method="schur", fields=fields)
    assert mixed.method == "schur, kron"
    assert "method='schur, kron'" in repr(mixed)
    assert (mixed.iterations > 24).tolist() == [True, False, True]
    for k, vector in enumerate(batch):
        np.testing.assert_array_equal(
            mixed.currents[k], xbarsim.solve(crossbar, vector, method="schur").currents, err_msg=str(k)
        )


def test_a_map_says_how_far_it_is_from_a_full_solve():
    """Two meanings of one figure: Kirchhoff's laws, and a map's difference from a solution that obeys them."""
    crossbar, volts = batch_problem()
    mapped = xbarsim.solve(crossbar, volts, method="kron")
    assert 0 <= mapped.map_difference < 1e-12
    assert 0 < mapped.residual < 1e-12
    assert "map_difference" in repr(mapped)
    for method, fields in (("kron", True), ("schur", False), ("reference", False)):
        assert xbarsim.solve(crossbar, volts, method=method, fields=fields).map_difference is None


def test_a_solution_above_tolerance_lists_what_to_try():
    crossbar, volts = batch_problem()
    with pytest.raises(ConvergenceError, match=r"tolerance 1e-30\): try method=\"kron\", and look") as caught:
        xbarsim.solve(crossbar, volts[0], method="schur", tolerance=1e-30)
    assert len(caught.value.remedies) == 2
    assert all(remedy in str(caught.value) for remedy in caught.value.remedies)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.remedies) == (str(caught.value), caught.value.remedies)
