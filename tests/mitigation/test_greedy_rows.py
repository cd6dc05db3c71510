"""Row after row on the best line that is free: against the same told in a few lines of numpy."""

from dataclasses import replace

import numpy as np
import pytest
from mitigation_tools import bench_of
from row_tools import SMALL, small

from xbarsim.mitigation import Plan, method, realise
from xbarsim.nn import Arrangement
from xbarsim.nonideal import Faults, Nonidealities


def by_hand(plan, hardware, chip, order, spare):
    """Return each line's row, from what the lines of the chip really hold."""
    layer = realise(plan, hardware, seed=chip).layers["0"]
    weights = layer.matrices()[0].detach().numpy().astype(float)
    rows, lines = len(weights), len(weights) + spare
    costs = np.empty((rows, lines))
    for shift in range(lines):
        arranged = np.array([(line + shift) % lines for line in range(lines)])
        layer.arrange(Arrangement(rows=[np.where(arranged < rows, arranged, -1)], spare=spare))
        real = layer.effective_matrices()[0].detach().numpy()
        for line, row in enumerate(arranged):
            if row < rows:
                costs[row, line] = np.abs(real[row] - weights[row]).sum()
    turns = range(rows) if order == "index" else sorted(range(rows), key=lambda row: -np.linalg.norm(weights[row]))
    free, result = list(range(lines)), np.full(lines, -1)
    for row in turns:
        line = min(free, key=lambda line: (round(costs[row, line], 9), line))
        free.remove(line)
        result[line] = row
    return result


@pytest.mark.parametrize("order", ["index", "norm"])
@pytest.mark.parametrize("spare", [0, 3])
@pytest.mark.parametrize("chip", range(3))
def test_each_takes_the_best_that_is_free(order, spare, chip):
    plan = Plan.of(small(9, 5, seed=chip), spare, "layer", ["0"])
    step = method("greedy-rows", order=order, spare=spare)
    (rows,) = step.apply(plan, bench_of(plan, step.needs, hardware=SMALL, chip=chip)).layer("0").arrangement.rows
    np.testing.assert_array_equal(rows, by_hand(plan, SMALL, chip, order, spare))


def test_the_order_of_rows_acts():
    plan = Plan.of(small(9, 5))
    plans = [
        method("greedy-rows", order=order).apply(plan, bench_of(plan, method("greedy-rows").needs, hardware=SMALL))
        for order in ("index", "norm")
    ]
    assert plans[0].fingerprint() != plans[1].fingerprint()


def test_equal_lines_are_taken_from_the_lowest():
    """Lines without any stuck cell cost nothing: with twice as many lines as rows all rows lie on such, in order."""
    hardware = replace(SMALL, cells=Nonidealities(r_on=1e4, r_off=1e6, faults=Faults(0.05)))
    plan = Plan.of(small(), 6, "layer", ["0"])
    step = method("greedy-rows", spare=6)
    for chip in range(4):
        maps = [realise(plan, hardware, seed=chip).layers["0"].chip.maps(tile) for tile in range(2)]
        stuck = np.any([tile.faults != 0 for tile in maps], axis=(0, 2))
        assert 6 <= (~stuck).sum() < 12
        settled = step.apply(plan, bench_of(plan, step.needs, hardware=hardware, chip=chip)).layer("0").arrangement
        (rows,) = (settled.row_order(0, 6),)
        # A stuck cell that is where the weight wants it costs nothing either.
        on_clean = [line for line in np.flatnonzero(rows >= 0) if not stuck[line]]
        assert list(rows[on_clean]) == sorted(rows[on_clean])
        assert max(np.flatnonzero(rows >= 0)) < np.flatnonzero(~stuck)[5] + 1
