"""What small cases cost, counted and not timed: a kernel that does a fifth more than it did is found on any machine."""

from __future__ import annotations

import counts
import pytest
from callgrind import Counter, read_counts

needs_valgrind = pytest.mark.skipif(bool(counts.missing()), reason=counts.missing() or "it is here")


@pytest.mark.slow
@needs_valgrind
def test_no_case_costs_a_fifth_more_than_recorded(tmp_path):
    """Kernels are compiled for the one processor, then all cases counted in one process."""
    recorded, bounds = counts.read_bounds()
    if recorded != counts.versions():
        pytest.skip(f"bounds are of {recorded}: python validation/counts.py --renew")
    counted = counts.counted(tmp_path)
    assert set(counted) == set(bounds)
    for case, numbers in counted.items():
        assert set(numbers) == set(bounds[case])
        assert all(number > 0 for number in numbers.values()), f"{case}: nothing was counted"
    losses = {case: counts.excess(numbers, bounds[case]) for case, numbers in counted.items()}
    assert not any(losses.values()), f"more than recorded: { ({case: loss for case, loss in losses.items() if loss}) }"


def test_a_fifth_more_is_told_and_a_little_more_is_not():
    bounds = {"instructions": 4_000_000, "first level": 100_000, "last level": 900, "iterations": 8}
    for what in ("instructions", "first level"):
        assert counts.excess(bounds | {what: int(1.08 * bounds[what])}, bounds) == []
        (sentence,) = counts.excess(bounds | {what: int(1.2 * bounds[what])}, bounds)
        assert sentence.startswith(f"{what}: ")
        assert "+20%" in sentence
    assert counts.excess(bounds | {"last level": 20_000}, bounds) == [], "what the heap's place makes of few lines"
    assert counts.excess(bounds | {"iterations": 9}, bounds) == []
    assert counts.excess(bounds | {"iterations": 10}, bounds) == ["iterations: 10, +25% of 8"]


def test_every_bound_is_large_enough_to_be_guarded():
    """A case whose fifth is within the slack would pass whatever it did."""
    for case, bounds in counts.read_bounds()[1].items():
        assert 0.2 * bounds["instructions"] > counts.SLACK["instructions"], case


def test_bounds_are_read_as_they_are_written(tmp_path):
    found = {
        "vector-64-hard": {"instructions": 2_500_000, "first level": 1, "last level": 20, "iterations": 9},
        "map-64-hard": {"instructions": 30_000_000, "first level": 3, "last level": 4},
    }
    counts.write_bounds(found, tmp_path / "bounds.txt")
    assert counts.read_bounds(tmp_path / "bounds.txt") == (counts.versions(), found)


def test_what_callgrind_writes_is_read_by_its_name(tmp_path):
    text = (
        "version: 1\ndesc: Trigger: {}\nevents: Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw\ntotals: 90 8 7 6 50 4 3 20 1\n"
    )
    (tmp_path / "callgrind.out.1").write_text(text.format("Client Request: vector-64-hard"))
    (tmp_path / "callgrind.out").write_text(text.format("Program termination"))
    (tmp_path / "callgrind.out.2").write_text(text.format("Program termination"))
    assert read_counts(tmp_path) == {"vector-64-hard": {"instructions": 90, "first level": 54, "last level": 21}}


@needs_valgrind
def test_requests_do_nothing_without_valgrind():
    counter = Counter()
    counter.start()
    counter.stop("nothing")
