"""A crossbar that is written to: what follows from one reduction is what a new one gives."""

import contextlib
import dataclasses
from unittest import mock

import numpy as np
import pytest
from drawn_crossbars import crossbars, sample_crossbar, sample_voltages
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import OPEN, SIDES

import xbarsim
from xbarsim import Crossbar, LineEnds, Sinh, Updatable
from xbarsim.errors import InputError, SolveError, XbarsimError
from xbarsim.solvers import cell_ways, updatable

EXACT = 1e-10  # what is promised, of the largest current


def assert_close(values, known):
    """Within the promise, and never NaN."""
    np.testing.assert_allclose(values, known, rtol=0, atol=EXACT * np.abs(known).max(initial=0.0))


def assert_as_new(array):
    """Map and admittance are those of a new reduction; an admittance's rows add up to nothing."""
    assert_close(array.effective_conductance(), xbarsim.effective_conductance(array.crossbar))
    admittance = array.port_admittance()
    assert_close(admittance, xbarsim.port_admittance(array.crossbar))
    assert (admittance == admittance.T).all()
    sums = np.abs(admittance.sum(axis=1))
    assert (sums <= 4 * np.finfo(float).eps * admittance.shape[0] * np.diagonal(admittance)).all()


_WRITTEN = st.one_of(st.sampled_from([0.0, 1e3]), st.floats(-12, 0).map(lambda decade: 10.0**decade))


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(crossbars(max_side=6), st.data())
def test_any_circuit_and_writes(drawn, data):
    """Opens, shorts, 0 ohm ends, floating lines, islands that are made and healed, cells written again and back."""
    crossbar, volts = drawn
    rows, cols = crossbar.shape
    try:
        array = Updatable(crossbar, threads=1)
        array.port_admittance()
    except SolveError:  # 0 ohm joins two ends
        return
    cell = st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1))
    for _ in range(3):
        written = data.draw(st.dictionaries(cell, _WRITTEN, min_size=1, max_size=4))
        if data.draw(st.booleans()):
            written = {place: crossbar.conductance[place] for place in written}
        array.update(written)
        admittance = xbarsim.port_admittance(array.crossbar)
        assert_close(array.port_admittance(), admittance)
        with contextlib.suppress(XbarsimError):  # what the full solve itself refuses
            known = xbarsim.solve(array.crossbar, volts)
            solution = array.solve(volts)
            # Both have errors of their own.
            for side in SIDES:
                largest = max(np.abs(known.end_currents[end]).max() for end in SIDES)
                assert np.abs(solution.end_currents[side] - known.end_currents[side]).max() <= 2 * EXACT * largest
            assert solution.floating == known.floating


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (14, 1), (9, 23), (40, 33)])
def test_follows_without_a_new_reduction(shape):
    """A way through the wrong blocks, or a rule that reduces anew where it need not."""
    crossbar = sample_crossbar(61, *shape)
    array, rng = Updatable(crossbar), np.random.default_rng(62)
    array.effective_conductance()
    for count in (1, min(7, crossbar.conductance.size)):
        cells = rng.choice(crossbar.conductance.size, count, replace=False)
        array.update(*np.divmod(cells, shape[1]), 10 ** rng.uniform(-6, -3, count))
        assert_as_new(array)
    assert array.refreshed == 1


def test_against_the_reference():
    """An error that both kinds of reduction share: opens and shorts, by star-mesh elimination."""
    crossbar = sample_crossbar(63, 5, 7)
    array = Updatable(crossbar)
    array.effective_conductance()
    array.update([0, 3, 4], [6, 2, 2], [0.0, 1.0, 2e-4])
    volts = sample_voltages(64, 5)
    assert_close(array.solve(volts).currents, xbarsim.reference.solve(array.crossbar, volts).end_currents["bit_bottom"])
    assert array.refreshed == 1


def test_the_same_cells_again_and_back():
    """Changes that add up instead of replacing each other, or that are left where cells are what they were."""
    crossbar = sample_crossbar(65, 12, 9)
    array = Updatable(crossbar)
    before = array.effective_conductance()
    for siemens in (1e-3, 0.0, 5e-6):
        array.update([2, 7], [8, 0], siemens)
        assert_as_new(array)
        assert array.changed == [(2, 8), (7, 0)]
    array.update({(2, 8): crossbar.conductance[2, 8], (7, 0): crossbar.conductance[7, 0]})
    assert array.changed == []
    np.testing.assert_array_equal(array.effective_conductance(), before)
    assert array.refreshed == 1
    assert array.crossbar == crossbar


def test_four_sides_and_an_offset():
    """Sources of other sides that a change does not reach, and a map that is no longer affine."""
    crossbar = sample_crossbar(66, 8, 11, four_sides=True)
    array = Updatable(crossbar)
    with pytest.raises(InputError, match="offset=True"):
        array.effective_conductance()
    array.effective_conductance(offset=True)
    array.update([1, 7, 0], [3, 10, 0], [0.0, 1e-3, 4e-5])
    g_eff, still = array.effective_conductance(offset=True)
    known, known_still = xbarsim.effective_conductance(array.crossbar, offset=True)
    assert_close(g_eff, known)
    assert_close(still, known_still)
    volts = sample_voltages(67, 4, 8)
    solution, full = array.solve(volts), xbarsim.solve(array.crossbar, volts, method="schur")
    for side in SIDES:
        assert_close(solution.end_currents[side], full.end_currents[side])
    assert solution.residual + solution.map_difference < EXACT
    assert array.refreshed == 1


def test_a_line_that_0_ohm_joins_shares_its_current():
    """A joined line's far end, whose half of the current is not in the couplings."""
    crossbar = Crossbar(
        sample_crossbar(68, 4, 3).conductance,
        word_wire=1.5,
        driver=2.0,
        ends={"bit_top": LineEnds(0.0, [0.0, 3.0, OPEN])},
    )
    array = Updatable(crossbar)
    array.effective_conductance()
    array.update(2, 0, 3e-3)
    assert_close(array.effective_conductance(), xbarsim.effective_conductance(array.crossbar))
    with pytest.raises(SolveError, match=r"bit_top\[0\] and bit_bottom\[0\]"):
        array.port_admittance()


@pytest.mark.parametrize("written", [0.0, 2e-3])
def test_effects_of_single_faults(written):
    """A fault's effect beside others, and the cells left as faults; row 1 hangs on one cell, which no way reaches."""
    crossbar = sample_crossbar(78, 5, 6)
    conductance = crossbar.conductance.copy()
    conductance[1, 1:] = 0.0
    driver = np.where(np.arange(5) == 1, OPEN, crossbar.driver)
    crossbar = dataclasses.replace(crossbar, conductance=conductance, driver=driver)
    array = Updatable(crossbar)
    array.update(4, 5, 3e-4)
    rows, cols = (index.ravel() for index in np.indices(crossbar.shape))
    effects = array.effects(rows, cols, written)
    assert array.changed == []
    before = xbarsim.effective_conductance(array.crossbar)
    for i, j, effect in zip(rows, cols, effects, strict=True):
        cells = array.crossbar.conductance.copy()
        cells[i, j] = written
        after = xbarsim.effective_conductance(array.crossbar.with_cells(cells))
        assert effect == pytest.approx(np.linalg.norm(after - before) / np.linalg.norm(before), rel=1e-9, abs=EXACT)


def test_fields_come_from_a_full_solve():
    """Node voltages of the circuit as it was."""
    array = Updatable(sample_crossbar(69, 6, 5))
    array.update(4, 4, 0.0)
    volts = sample_voltages(70, 6)
    solution, known = array.solve(volts, fields=True), xbarsim.solve(array.crossbar, volts)
    np.testing.assert_array_equal(solution.word_voltages, known.word_voltages)
    assert solution.device_currents[4, 4] == 0.0
    with pytest.raises(InputError, match="fields=True"):
        _ = array.solve(volts).word_voltages


def test_too_many_changes_are_a_new_reduction():
    """A small system as large as the circuit."""
    crossbar = sample_crossbar(71, 10, 10)
    array = Updatable(crossbar)
    array.effective_conductance()
    cells = np.divmod(np.arange(updatable.LEAST_CHANGES + 1), 10)
    array.update(cells[0][:-1], cells[1][:-1], 2e-5)
    assert_as_new(array)
    assert (array.refreshed, len(array.changed)) == (1, updatable.LEAST_CHANGES)
    array.update(*cells, 3e-5)
    assert_as_new(array)
    assert (array.refreshed, array.changed) == (2, [])


def test_a_sweep_over_more_cells_than_ways_are_kept_of():
    """Ways of a cell taken for those of another, after they were dropped."""
    crossbar = sample_crossbar(72, 9, 11)
    array = Updatable(crossbar)
    array.effective_conductance()
    assert crossbar.conductance.size > 4 * updatable.LEAST_CHANGES
    for i, j in np.ndindex(crossbar.shape):
        array.update(i, j, 1e-3)
        swept = array.effective_conductance()
        if (i + j) % 7 == 0:
            assert_close(swept, xbarsim.effective_conductance(array.crossbar))
        array.update(i, j, crossbar.conductance[i, j])
    assert array.refreshed == 1


def test_the_last_cell_of_a_line():
    """A line that comes off the circuit and goes on to it again: rounding for what is left of it."""
    driver = np.array([1.0, OPEN, 2.0])
    crossbar = Crossbar([[1e-3, 2e-4], [5e-4, 0.0], [1e-5, 3e-4]], word_wire=1.0, bit_wire=2.0, driver=driver)
    array = Updatable(crossbar)
    array.effective_conductance()
    array.update(1, 0, 0.0)  # row 1 hung on this cell alone
    assert_as_new(array)
    assert array.solve([1.0, 0.0, 0.5]).floating == ["w[1, 0]", "w[1, 1]"]
    refreshed = array.refreshed
    assert refreshed == 2
    array.update({(1, 0): 1e-4, (1, 1): 1e-3})  # a sneak path from column to column
    assert_as_new(array)
    assert array.refreshed == 3
    assert array.solve([1.0, 0.0, 0.5]).floating == []


def test_small_currents_left_over_from_large_ones():
    """A difference of two numbers that agree in ten digits, which no smaller error bound would let pass."""
    array = Updatable(Crossbar([[1.0]], driver=1e-3))
    array.effective_conductance()
    array.update(0, 0, 1e-12)
    np.testing.assert_allclose(array.effective_conductance(), [[1e-12]], rtol=1e-12)
    assert array.refreshed == 2


@pytest.mark.parametrize("numbers", ["drops", "q"])
def test_a_wrong_way_is_not_used(numbers):
    """What no full solve bears out: an error of 1e-8 in a kernel, a memory fault or a stale cache."""
    array = Updatable(sample_crossbar(73, 12, 12))
    array.effective_conductance()
    push = cell_ways.upward.push

    def disturbed(*arguments):
        push(*arguments)
        arguments[7 if numbers == "drops" else 8][:] *= 1.0 + 1e-8

    array.update([3, 11], [5, 0], 1e-3)
    with mock.patch.object(cell_ways.upward, "push", disturbed):
        assert_as_new(array)
    assert array.refreshed == 2


def test_errors_of_ways_are_bounded():
    """A bound that an error goes past: ways that are off by what the bound allows move no current by more."""
    array = Updatable(sample_crossbar(74, 12, 12))
    array.effective_conductance()
    array.update([3, 11, 6], [5, 0, 6], [1e-2, 0.0, 1e-3])
    known = array.effective_conductance()
    push = cell_ways.upward.push
    size = 1e-10  # of which the full solve would not bear out a way

    def disturbed(*arguments):
        push(*arguments)
        table, roots, blocks, drops, q = (arguments[k] for k in (0, 3, 4, 7, 8))
        drops += size
        for c, block in enumerate(blocks):
            while block >= 0:
                parent, total, ports, start, path = (table[block, k] for k in (0, 2, 3, 5, 6))
                q[c, path : path + total - ports] += size * roots[start : start + total - ports]
                block = parent

    again = Updatable(sample_crossbar(74, 12, 12))
    again.effective_conductance()
    again.update([3, 11, 6], [5, 0, 6], [1e-2, 0.0, 1e-3])
    with mock.patch.object(cell_ways.upward, "push", disturbed), mock.patch.object(cell_ways, "CLOSE", 1e-6):
        off = np.abs(again.effective_conductance() - known).max()
    assert again.refreshed == 1
    response = again._response
    bound = response.error(response.most, 1.0) * size / cell_ways.SLIP
    assert 0.0 < off <= bound
    assert bound < 1e4 * off


def test_the_same_bits_on_any_number_of_threads():
    """Sums that depend on who adds them."""
    maps = []
    for threads in (1, 2):
        array = Updatable(sample_crossbar(75, 33, 40), threads=threads)
        array.effective_conductance()
        array.update([30, 1, 17], [39, 2, 20], [0.0, 1e-3, 3e-4])
        maps.append(array.effective_conductance())
    np.testing.assert_array_equal(*maps)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 0, 1e-3), r"rows\[0\] is 3: the crossbar is 3 x 4"),
        (([0, 1], [0, -1], 1e-3), r"cols\[1\] is -1"),
        (([0, 1], [2], 1e-3), "rows are 2 and cols 1"),
        ((0.5, 0, 1e-3), "rows must be an integer or a list of them"),
        ((0, 0, -1e-3), "conductance is -0.001"),
        (([0, 1], [0, 1], [1e-3, np.nan]), r"conductance\[1\] is nan"),
        (([0, 1], [0, 1], [1e-3, 1e-4, 0.0]), r"conductance has shape \(3,\)"),
        (([0, 0], [1, 1], 1e-3), r"cell \[0, 1\] comes twice"),
        ((0, 0), "cells are rows, cols and conductance"),
        (({(0, 0): 1e-3}, 0), "a mapping of"),
        (({0: 1e-3},), "a mapping of"),
        (({(0, 9): 1e-3},), r"cols\[0\] is 9"),
    ],
)
def test_bad_updates_change_nothing(arguments, message):
    """An update that is refused and half done."""
    crossbar = sample_crossbar(76, 3, 4)
    array = Updatable(crossbar)
    with pytest.raises(InputError, match=message):
        array.update(*arguments)
    assert array.crossbar == crossbar
    assert array.changed == []


def test_no_update_is_fine():
    """An empty list of pulses, as the last round of write-verify has."""
    array = Updatable(sample_crossbar(77, 3, 4))
    array.update([], [], [])
    array.update({})
    assert array.changed == []
    assert array.refreshed == 0


def test_what_has_no_map_is_refused():
    """A nonlinear cell that is taken for its slope at 0 V."""
    with pytest.raises(InputError, match="have no linear map"):
        Updatable(Crossbar([[1e-3]], device=Sinh(v0=0.25)))
    with pytest.raises(InputError, match="crossbar is list"):
        Updatable([[1e-3]])
