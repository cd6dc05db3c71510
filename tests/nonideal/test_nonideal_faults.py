"""Stuck cells: rates, kinds, clusters, and that a fault lies on the cell it names."""

import numpy as np
import pytest
from scipy import stats

import xbarsim
from xbarsim.nonideal import Chip, Fault, Faults, Nonidealities
from xbarsim.nonideal.clusters import runs
from xbarsim.nonideal.streams import Draw, Stream

LRS, HRS = Fault.STUCK_AT_LRS, Fault.STUCK_AT_HRS
SHAPE = (40, 25)
CLUSTERED = [
    {"clustering": 1.0, "along": "rows"},
    {"clustering": 1.0, "along": "columns", "length": 7},
    {"clustering": 0.6, "along": "both", "length": 5},
    {"clustering": 0.5, "along": "both"},
    {"clustering": 0.7, "along": "by_kind"},
    {"clustering": 1.0, "along": "by_kind", "length": 60},
]


def maps(faults, count, shape=SHAPE):
    return np.array([faults.map(shape, seed) for seed in range(count)])


def five_sigma(hits, total, rate):
    """Whether a count of independent events fits its rate."""
    return abs(hits - total * rate) <= 5.0 * np.sqrt(total * rate * (1.0 - rate)) + 1e-9


@pytest.mark.parametrize("rate", [0.001, 0.1079, 0.5, 1.0])
@pytest.mark.parametrize("ocr", [0.0, 0.2, 5.0, np.inf])
def test_scattered_rates(rate, ocr):
    faults = Faults(rate, ocr)
    drawn = maps(faults, 50)
    share = 1.0 if ocr == np.inf else ocr / (1.0 + ocr)
    assert five_sigma(np.sum(drawn == HRS), drawn.size, rate * share)
    assert five_sigma(np.sum(drawn == LRS), drawn.size, rate * (1.0 - share))
    assert faults.hrs_rate + faults.lrs_rate == pytest.approx(rate, rel=1e-15)


def test_scattered_counts_of_lines_are_binomial():
    drawn = maps(Faults(0.3), 60) != Fault.HEALTHY
    for counts, cells in ((drawn.sum(axis=2).ravel(), SHAPE[1]), (drawn.sum(axis=1).ravel(), SHAPE[0])):
        expected = counts.size * stats.binom.pmf(np.arange(cells + 1), cells, 0.3)
        # Chi-squared over the numbers that are expected often enough, the rest in one bin.
        common = expected > 5.0
        seen = np.bincount(counts, minlength=cells + 1)
        seen, expected = ([*values[common], values[~common].sum()] for values in (seen, expected))
        assert stats.chisquare(seen, expected).pvalue > 1e-4


def test_the_measured_chip():
    faults = Faults.of_rates(lrs=0.0175, hrs=0.0904)
    assert faults.rate == pytest.approx(0.1079)
    assert faults.ocr == pytest.approx(5.1657, abs=1e-4)
    assert (faults.lrs_rate, faults.hrs_rate) == (pytest.approx(0.0175), pytest.approx(0.0904))
    # The example by which OCR is defined: 10 % at an OCR of 4 are 8 % HRS and 2 % LRS.
    assert Faults(0.1, 4.0).hrs_rate == pytest.approx(0.08)
    assert Faults.of_rates(0.1, 0.0).ocr == 0.0
    assert Faults.of_rates(0.0, 0.1).ocr == np.inf
    assert Faults.of_rates(0.0, 0.0).rate == 0.0


@pytest.mark.parametrize("rate", [0.0, 0.013, 0.25, 1.0])
def test_exact_counts(rate):
    for seed in range(20):
        drawn = Faults(rate, 4.0, exact=True).map((17, 23), seed)
        assert np.sum(drawn != Fault.HEALTHY) == round(rate * 391)
        assert np.sum(drawn == HRS) == round(0.8 * rate * 391)


def test_exact_cells_are_chosen_evenly():
    drawn = maps(Faults(0.25, 1.0, exact=True), 2000, (4, 5))
    hits = np.sum(drawn != Fault.HEALTHY, axis=0)
    # Each cell is one of 5 out of 20; over 2000 maps within five standard deviations.
    assert np.all(np.abs(hits - 500) < 5.0 * np.sqrt(2000 * 0.25 * 0.75))


@pytest.mark.parametrize("settings", CLUSTERED, ids=str)
@pytest.mark.parametrize(("rate", "ocr"), [(0.1079, 5.166), (0.4, 0.3)])
def test_clustered_rates_hold_in_every_cell(settings, rate, ocr):
    """Maps are independent; so the count of maps in which a cell is stuck is binomial, in corners too."""
    faults, count = Faults(rate, ocr, **settings), 4000
    drawn = maps(faults, count, (6, 9))
    for kind, expected in ((HRS, faults.hrs_rate), (LRS, faults.lrs_rate)):
        hits = np.sum(drawn == kind, axis=0)
        assert np.all(np.abs(hits - count * expected) < 5.0 * np.sqrt(count * expected * (1.0 - expected)))


@pytest.mark.parametrize("settings", CLUSTERED, ids=str)
def test_no_rate_and_full_rate(settings):
    assert not Faults(0.0, **settings).map(SHAPE, 1).any()
    assert Faults(1.0, **settings).map(SHAPE, 1).all()
    assert np.all(Faults(1.0, np.inf, **settings).map(SHAPE, 1) == HRS)
    assert np.all(Faults(1.0, 0.0, **settings).map(SHAPE, 1) == LRS)


def test_whole_lines():
    drawn = maps(Faults(0.2, clustering=1.0, along="rows"), 20)
    assert np.all(drawn == drawn[:, :, :1])
    assert np.unique(drawn).tolist() == [0, 1, 2]
    drawn = maps(Faults(0.2, clustering=1.0, along="columns"), 20)
    assert np.all(drawn == drawn[:, :1, :])


def test_by_kind_has_hrs_rows_and_lrs_columns():
    drawn = maps(Faults(0.2, clustering=1.0, along="by_kind"), 30)
    assert np.all((drawn == HRS).all(axis=2) == (drawn == HRS).any(axis=2))
    free = ~(drawn == HRS).all(axis=2)
    for one, rows in zip(drawn, free, strict=True):
        assert np.all((one[rows] == LRS).all(axis=0) == (one[rows] == LRS).any(axis=0))


def test_runs_have_their_length():
    """Away from the ends, what is struck comes in pieces of L cells or, where runs overlap, more."""
    struck, mark = runs(Stream.of(3, Draw.FAULT_ROW), 500, 60, 0.05, 4)
    edges = np.diff(np.pad(struck, ((0, 0), (1, 1))).astype(int), axis=1)
    first, last = np.nonzero(edges == 1)[1], np.nonzero(edges == -1)[1]
    inside = (first > 0) & (last < 60)
    lengths = (last - first)[inside]
    assert lengths.min() == 4
    assert np.mean(lengths == 4) > 0.8
    assert np.any(lengths > 4)
    # A run keeps one mark from its first cell to its last.
    row, start = (index[inside] for index in np.nonzero(edges == 1))
    alone = lengths == 4
    assert np.all(mark[row[alone], start[alone]] == mark[row[alone], start[alone] + 3])


@pytest.mark.parametrize("along", ["rows", "columns"])
def test_all_cells_of_a_run_are_stuck_alike(along):
    """Rare runs of 5 hardly meet: each stretch of stuck cells along its line has one kind, and both kinds occur."""
    drawn = maps(Faults(0.02, clustering=1.0, along=along, length=5), 100)
    lines = drawn if along == "rows" else drawn.transpose(0, 2, 1)
    together = (lines[..., :-1] > 0) & (lines[..., 1:] > 0)
    alike = (lines[..., :-1] == lines[..., 1:])[together]
    assert together.sum() > 1000
    assert alike.mean() > 0.98
    assert np.unique(drawn).tolist() == [0, 1, 2]


def test_clusters_are_clusters():
    """At the same rate, the counts of lines spread more: variance over that of independent cells."""
    spread = [np.var((maps(Faults(0.1, clustering=c, along="rows"), 200) > 0).sum(axis=2)) for c in (0.0, 0.5, 1.0)]
    assert spread[0] == pytest.approx(25 * 0.1 * 0.9, rel=0.05)
    assert spread[2] == pytest.approx(25**2 * 0.1 * 0.9, rel=0.05)
    assert spread[0] < 5.0 * spread[0] < spread[1] < spread[2]


@pytest.mark.parametrize("settings", [{}, *CLUSTERED[:4]], ids=str)
def test_a_higher_rate_adds_cells(settings):
    low, high = (Faults(rate, **settings).map(SHAPE, 5) != Fault.HEALTHY for rate in (0.1, 0.2))
    assert np.all(high[low])
    assert high.sum() > low.sum()


def test_a_fault_is_seen_in_the_current_of_its_cell():
    """One row driven at a time, no wires: current j over the voltage is the cell's conductance."""
    model = Nonidealities(r_on=2e3, r_off=5e5, faults=Faults(0.3, 2.0, lrs_ohms=50.0, hrs_ohms=4e6))
    chip = Chip(model, 11, (7, 5))
    target = np.random.default_rng(0).uniform(1 / 5e5, 1 / 2e3, (7, 5))
    crossbar = chip.crossbar(xbarsim.Crossbar(chip.apply(target).conductance))
    seen = xbarsim.solve(crossbar, 0.5 * np.eye(7)).currents / 0.5
    faults = model.faults.map((7, 5), 11)
    assert {1, 2} <= set(faults.ravel())
    np.testing.assert_allclose(seen, np.select([faults == 1, faults == 2], [1 / 50.0, 1 / 4e6], target), rtol=1e-13)


def test_a_measured_fault_is_seen_where_it_was_measured():
    measured = np.zeros((4, 3), dtype=int)
    measured[2, 0], measured[1, 2] = HRS, LRS
    chip = Chip(Nonidealities(1e3, 1e6), 0, (4, 3)).with_faults(measured)
    seen = xbarsim.solve(xbarsim.Crossbar(chip.apply(np.full((4, 3), 5e-4)).conductance), [1.0, 2.0, 4.0, 8.0]).currents
    np.testing.assert_allclose(seen, [11 * 5e-4 + 4e-6, 15 * 5e-4, 13 * 5e-4 + 2e-3], rtol=1e-13)
