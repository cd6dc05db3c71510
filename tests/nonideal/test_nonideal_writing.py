"""Write-verify: pulses counted, tolerance kept, the law of a pulse, and a cell's independence of all others."""

import numpy as np
import pytest
from drawn_crossbars import sample_crossbar

import xbarsim
from xbarsim import Crossbar, Updatable
from xbarsim.errors import InputError
from xbarsim.nonideal import Chip, Faults, Nonidealities, Variation, WriteVerify, write_in_array
from xbarsim.nonideal.streams import Draw, Stream
from xbarsim.nonideal.writeverify import PulsedCells

ON, OFF = 1e-3, 1e-5
SPAN = ON - OFF
SHAPE = (30, 20)
TARGET = np.random.default_rng(3).uniform(OFF, 0.95 * ON, SHAPE)


def chip(seed=6, shape=SHAPE, variation=None, faults=None, **settings):
    law = WriteVerify(**settings)
    return Chip(Nonidealities(1 / ON, 1 / OFF, write_verify=law, variation=variation, faults=faults), seed, shape)


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(("of", "tolerance"), [("range", 0.01), ("range", 1e-4), ("target", 0.01)])
def test_converged_cells_are_within_tolerance(noise, of, tolerance):
    done = chip(tolerance=tolerance, of=of, noise=noise, max_pulses=200).apply(TARGET)
    allowed = tolerance * (SPAN if of == "range" else TARGET)
    assert not done.unconverged.any()
    assert np.all(np.abs(done.conductance - TARGET) <= allowed)
    assert np.all((done.pulses == 0) == (np.abs(OFF - TARGET) <= allowed))
    assert done.pulses.max() < 200


def test_pulses_follow_the_exponential_law():
    """From HRS without noise, n pulses of share a leave (1 - a)^n of the way; the target is passed once at most."""
    done = chip(tolerance=0.02, step=0.03).apply(TARGET)
    x = (TARGET - OFF) / SPAN
    # |x_n - x| <= tolerance is first so at the least n with 1 - (1 - a)^n >= x - 0.02; a step is at most 0.03.
    n = np.maximum(0, np.ceil(np.log1p(-(x - 0.02)) / np.log(0.97) - 1e-9))
    assert np.array_equal(done.pulses, n)
    np.testing.assert_allclose(done.conductance, OFF + SPAN * (1.0 - 0.97**n), rtol=1e-12)


def test_polarity_turns_to_finer_pulses():
    """By hand, from 0 to 0.55: SET by 0.8 to 0.8; RESET by 0.4 of it to 0.48; SET by 0.2 of the rest to 0.584; ..."""
    cells = PulsedCells(*(np.array([k]) for k in (0, 0, 0.0, 1.0, 0.0, 0.55)))
    reached, pulses, accepted = WriteVerify(0.005, step=0.8).program(cells, 1.0, Stream.of(0, Draw.PULSE))
    # 0.584 * 0.9 = 0.5256; 0.5256 + 0.05 * 0.4744 = 0.54932
    assert (pulses[0], accepted[0]) == (5, True)
    np.testing.assert_allclose(reached, [0.54932], rtol=1e-12)
    reached, pulses, accepted = WriteVerify(0.005, step=0.8, shrink=1.0).program(cells, 1.0, Stream.of(0, Draw.PULSE))
    assert (pulses[0], accepted[0]) == (100, False)


def test_tighter_tolerance_takes_more_pulses():
    pulses = [chip(tolerance=tolerance, noise=0.2).apply(TARGET).pulses.sum() for tolerance in (0.05, 0.01, 0.001)]
    assert pulses[0] < pulses[1] < pulses[2]


def test_variation_is_corrected_within_a_cells_range():
    varied = chip(variation=Variation(0.5), tolerance=0.01, max_pulses=300)
    done = varied.apply(TARGET)
    factor = varied.maps().factor
    # Pulses come as near as they like to a bound, but not beyond it.
    reachable = (factor * OFF - TARGET <= 0.01 * SPAN) & (TARGET - factor * ON < 0.009 * SPAN)
    never = (factor * OFF - TARGET > 0.01 * SPAN) | (TARGET - factor * ON > 0.01 * SPAN)
    assert reachable.any()
    assert never.any()
    assert not done.unconverged[reachable].any()
    assert np.all(done.unconverged[never])
    assert np.all(done.pulses[done.unconverged] == 300)
    assert np.all(np.abs(done.conductance - TARGET)[~done.unconverged] <= 0.01 * SPAN)
    blind = Chip(Nonidealities(1 / ON, 1 / OFF, variation=Variation(0.5)), 6, SHAPE).apply(TARGET)
    assert np.abs(blind.conductance - TARGET).mean() > 10.0 * np.abs(done.conductance - TARGET)[reachable].mean()


def test_no_pulse_leaves_a_cells_own_range():
    """Large noisy steps towards either bound end at it: g_off and g_on times the cell's factor."""
    made = chip(variation=Variation(0.5), tolerance=1e-6, step=0.9, shrink=1.0, noise=1.0)
    factor, high = made.maps().factor, made.apply(np.full(SHAPE, ON))
    low = made.apply(np.full(SHAPE, OFF), start=high, write=1)
    for done in (high, low):
        assert np.all(done.conductance >= factor * OFF * (1.0 - 1e-12))
        assert np.all(done.conductance <= factor * ON * (1.0 + 1e-12))
    np.testing.assert_allclose(high.conductance[factor < 0.99], (factor * ON)[factor < 0.99], rtol=1e-9)
    np.testing.assert_allclose(low.conductance[factor > 1.01], (factor * OFF)[factor > 1.01], rtol=1e-9)


def test_stuck_cells_take_all_pulses_in_vain():
    stuck = chip(faults=Faults(0.3), max_pulses=40)
    done = stuck.apply(TARGET)
    at = done.faults > 0
    value = np.where(done.faults == 1, ON, OFF)
    near = np.abs(value - TARGET) <= 0.01 * SPAN
    assert np.array_equal(done.conductance[at], value[at])
    assert np.array_equal(done.unconverged[at], ~near[at])
    assert np.array_equal(done.pulses[at], np.where(near, 0, 40)[at])
    healthy = chip(max_pulses=40).apply(TARGET)
    assert np.array_equal(done.conductance[~at], healthy.conductance[~at])


def test_a_cell_knows_nothing_of_the_others():
    """The same cell in a larger array, among other targets, and in rows done one at a time."""
    whole = chip(noise=0.5, tolerance=0.001).apply(TARGET)
    larger = np.full((40, 35), 0.5 * ON)
    larger[:30, :20] = TARGET
    again = chip(shape=(40, 35), noise=0.5, tolerance=0.001).apply(larger)
    assert np.array_equal(again.conductance[:30, :20], whole.conductance)
    assert np.array_equal(again.pulses[:30, :20], whole.pulses)
    rows, cols = np.indices(SHAPE)
    law, noise = WriteVerify(noise=0.5, tolerance=0.001), Stream.of(6, Draw.PULSE)
    for i in range(0, 30, 7):
        bounds = (np.full(20, value) for value in (OFF, ON, OFF))
        cells = PulsedCells(rows[i], cols[i], *bounds, TARGET[i])
        reached, pulses, _ = law.program(cells, SPAN, noise)
        assert np.array_equal(reached, whole.conductance[i])
        assert np.array_equal(pulses, whole.pulses[i])


def test_writing_again():
    """Only cells that are chosen and off target take pulses; another write has other noise, the same write the same."""
    made = chip(noise=0.3)
    first = made.apply(TARGET)
    assert np.array_equal(made.apply(TARGET).conductance, first.conductance)
    assert not np.array_equal(made.apply(TARGET, write=1).conductance, first.conductance)
    assert made.apply(TARGET, write=1, start=first).pulses.sum() == 0
    moved = TARGET.copy()
    moved[::2] = np.maximum(OFF, 0.5 * moved[::2])
    chosen = np.zeros(SHAPE, dtype=bool)
    chosen[:, :7] = True
    second = made.apply(moved, write=1, start=first, cells=chosen)
    assert np.all((second.pulses > 0) <= (chosen & (moved != TARGET)))
    assert second.pulses.any()
    assert np.array_equal(second.conductance[:, 7:], first.conductance[:, 7:])
    assert np.array_equal(second.target, np.where(chosen, moved, TARGET))
    assert np.all(np.abs(second.conductance - second.target) <= 0.01 * SPAN)


def test_blind_writing_of_some_cells():
    made = Chip(Nonidealities(1 / ON, 1 / OFF, variation=Variation(0.2)), 1, SHAPE)
    first, chosen = made.apply(TARGET), TARGET > 0.5 * ON
    second = made.apply(np.full(SHAPE, OFF), start=first, cells=chosen, write=1)
    assert np.array_equal(second.pulses, chosen.astype(int))
    factor = made.maps().factor
    np.testing.assert_allclose(second.conductance, np.where(chosen, OFF, TARGET) * factor, rtol=1e-14)
    assert not second.unconverged.any()


def test_writes_are_verified_through_the_arrays_wires():
    """Looks at cells instead of what their lines make of them, and updates that differ from new reductions."""
    crossbar = sample_crossbar(81, 11, 14)
    rows, cols = np.array([0, 3, 10, 7]), np.array([13, 2, 0, 9])
    target = np.array([2e-4, 7e-4, 5e-5, 4e-4])
    law = WriteVerify(tolerance=2e-3, of="target", noise=0.2)
    array = Updatable(crossbar)
    pulses, accepted = write_in_array(array, rows, cols, target, law, low=1e-6, high=1e-3, seed=5)
    assert accepted.all()
    assert pulses.min() > 1
    shows = xbarsim.effective_conductance(array.crossbar)[rows, cols]
    np.testing.assert_allclose(shows, target, rtol=2e-3)
    # Wires take a part, so the cells themselves are beyond their targets.
    assert (array.crossbar.conductance[rows, cols] > 1.002 * target).any()
    assert array.refreshed == 1

    def anew(conductance):
        cells = crossbar.conductance.copy()
        cells[rows, cols] = conductance
        return xbarsim.effective_conductance(crossbar.with_cells(cells))[rows, cols]

    cells = PulsedCells(rows, cols, np.full(4, 1e-6), np.full(4, 1e-3), crossbar.conductance[rows, cols], target)
    reached, known, _ = law.program(cells, 1e-3 - 1e-6, Stream.of(5, Draw.PULSE), anew)
    np.testing.assert_array_equal(pulses, known)
    np.testing.assert_allclose(array.crossbar.conductance[rows, cols], reached, rtol=1e-10)


def test_a_cell_that_others_move_is_pulsed_again():
    """A cell that was near enough, until its neighbour took current from the wires that they share."""
    crossbar = Crossbar([[1e-3, 1e-6], [1e-6, 1e-6]], driver=200.0)
    array = Updatable(crossbar)
    start = array.effective_conductance()
    pulses, accepted = write_in_array(
        array, [0, 0], [0, 1], [start[0, 0], 5e-4], WriteVerify(tolerance=0.01, of="target"), low=1e-6, high=1e-2
    )
    assert accepted.all()
    assert (pulses > 0).all()
    np.testing.assert_allclose(array.effective_conductance()[0], [start[0, 0], 5e-4], rtol=0.01)


@pytest.mark.parametrize(
    ("rows", "target", "bounds", "message"),
    [
        ([0, 9], 1e-4, (1e-6, 1e-3), r"rows\[1\] is 9"),
        ([0, 1], [1e-4] * 3, (1e-6, 1e-3), "target has shape"),
        ([0, 1], 1e-4, (1e-3, 1e-6), "low below high"),
        ([0, 1], -1e-4, (1e-6, 1e-3), "target is -0.0001"),
    ],
)
def test_bad_writes_in_an_array(rows, target, bounds, message):
    """A write that is refused and half done."""
    array = Updatable(sample_crossbar(82, 3, 3))
    with pytest.raises(InputError, match=message):
        write_in_array(array, rows, [0, 1], target, WriteVerify(), low=bounds[0], high=bounds[1])
    assert array.changed == []
