"""The worst pattern against every pattern there is, and what a search says of itself."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from cli_tools import call

from xbarsim import Selector, Sinh, schemes
from xbarsim.kernels import many
from xbarsim.margin import Technology, margin, pattern_search
from xbarsim.margin.cell_reads import CellReader
from xbarsim.margin.margin_report import Report


def drawn(seed):
    """Cells, wires and ends over decades."""
    draw = np.random.default_rng(seed)
    ohms = dict(zip(("word_wire", "bit_wire", "driver", "sense"), 10 ** draw.uniform(-1, 2.5, 4), strict=True))
    return Technology(10 ** draw.uniform(2, 4), 10 ** draw.uniform(4.1, 6.5), **ohms)


def every_current(made, shape, scheme, cell, state, volts):
    """Selected currents of all patterns, one solve each."""
    found = []
    size = shape[0] * shape[1]
    for others in itertools.product((False, True), repeat=size - 1):
        states = np.insert(np.array(others), cell[0] * shape[1] + cell[1], state).reshape(shape)
        found.append(schemes.read(made.crossbar(states), scheme, cell, volts).selected_current)
    return np.array(found)


@pytest.mark.parametrize("scheme", ["floating", "grounded", "half", "third", "half+both"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (1, 6), (6, 1)])
def test_no_pattern_is_worse(shape, scheme):
    for seed in range(3):
        made, volts = drawn(seed), (0.5, -0.3)[seed % 2]
        one = margin(made, shape, scheme, read_voltage=volts)
        for case, state, sign in ((one.lrs, True, -1), (one.hrs, False, 1)):
            currents = np.sign(volts) * every_current(made, shape, scheme, one.cell, state, volts)
            assert np.sign(volts) * case.current == pytest.approx(sign * (sign * currents).max(), rel=1e-9)
            assert (case.exhaustive, case.tried) == (True, 32)


def hard(shape, scheme):
    """Technologies in which the worst pattern is none of the eight."""
    for seed in range(200):
        one = margin(drawn(seed), shape, scheme)
        if "~" in one.lrs.pattern + one.hrs.pattern:
            yield seed, one


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "scheme"), [((3, 2), "grounded"), ((2, 3), "half")])
def test_the_eight_do_not_always_hold_the_worst(shape, scheme):
    """And where they do not, the worst of all is worse."""
    seed, one = next(hard(shape, scheme))
    currents = {True: [], False: []}
    for _, states in pattern_search.candidates(shape, one.cell):
        for state, found in currents.items():
            states[one.cell] = state
            found.append(schemes.read(drawn(seed).crossbar(states), scheme, one.cell, 0.5).selected_current)
    assert one.current_margin < 1 - max(currents[False]) / min(currents[True]) - 1e-9


@pytest.mark.parametrize("device", [Sinh(0.2), Selector(1e-5, 0.1)], ids=str)
def test_nonlinear_cells_are_tried_one_by_one(device):
    made = replace(drawn(4), device=device)
    one = margin(made, (2, 3), "third", read_voltage=0.4)
    for case, state, worst in ((one.lrs, True, np.min), (one.hrs, False, np.max)):
        currents = every_current(made, (2, 3), "third", one.cell, state, 0.4)
        assert case.current == pytest.approx(worst(currents), rel=1e-9)


@pytest.mark.parametrize("scheme", ["floating", "half", "mvm"])
def test_the_same_pattern_for_both_states_is_the_worst_of_all(scheme):
    made = drawn(5)
    one = margin(made, (2, 4), scheme, patterns="same")
    low, high = (every_current(made, (2, 4), scheme, one.cell, state, 0.5) for state in (True, False))
    assert one.current_margin == pytest.approx((1 - high / low).min(), rel=1e-9)
    np.testing.assert_array_equal(np.delete(one.lrs.states, one.cell[1], 1), np.delete(one.hrs.states, one.cell[1], 1))


@pytest.mark.slow
def test_a_search_alone_rarely_misses(monkeypatch):
    """Without trying all: of 60 worst cases at most one is missed, by little."""
    missed = []
    for seed in range(30):
        scheme, shape = ("floating", "grounded", "half")[seed % 3], ((3, 3), (2, 5), (4, 2))[seed // 10]
        whole = margin(drawn(seed + 100), shape, scheme)
        monkeypatch.setattr(pattern_search, "EXHAUSTIVE", 1)
        part = margin(drawn(seed + 100), shape, scheme)
        monkeypatch.undo()
        for a, b in ((whole.lrs, part.lrs), (whole.hrs, part.hrs)):
            assert not b.exhaustive
            gap = abs(a.current - b.current) / abs(a.current)
            missed += [gap] if gap > 1e-8 else []
    assert len(missed) <= 1
    assert max(missed, default=0.0) < 0.01


@pytest.mark.parametrize("seed", range(3))
def test_many_at_once_are_each_ones_solution(seed):
    draw = np.random.default_rng(seed)
    made, shape, cell = drawn(seed), (5, 7), (1, 4)
    scheme = ("floating", "half+bits", "third+both")[seed]
    reader = search_reader(made, shape, scheme, cell)
    patterns = draw.random((40, *shape)) < 0.5
    expected = [schemes.read(made.crossbar(one), scheme, cell, 0.5).selected_current for one in patterns]
    np.testing.assert_allclose(reader.rank(patterns), expected, rtol=1e-12)


def search_reader(made, shape, scheme, cell):
    return CellReader(made, shape, schemes.scheme_of(scheme), cell, 0.5)


def test_arrays_too_long_for_one_leaf_are_read_one_by_one():
    assert search_reader(drawn(0), (many.MOST_LINES + 1, 2), "half", (0, 0)).rank is None
    assert search_reader(drawn(0), (many.MOST_LINES, 2), "half", (0, 0)).rank is not None


@pytest.mark.slow
def test_the_search_is_the_same_every_time():
    a, b = (margin(drawn(7), 8, "half") for _ in range(2))
    assert (a.lrs.current, a.hrs.current, a.hrs.tried) == (b.lrs.current, b.hrs.current, b.hrs.tried)


@pytest.mark.slow
def test_results_say_how_the_worst_was_found(capsys):
    sizes = ("--sizes", "2,8", "--schemes", "grounded")
    points = json.loads(call(capsys, "margin", *sizes, "--format", "json").out)["points"]
    assert [one["searched"] for one in points] == [False, True]
    assert points[0]["lrs"]["tried"] == points[0]["hrs"]["tried"] == 8
    assert points[1]["lrs"]["tried"] > 8
    head, *rows = call(capsys, "margin", *sizes, "--format", "csv").out.splitlines()
    assert head.endswith("residual,lrs_tried,hrs_tried,searched")
    assert [row.rsplit(",", 1)[1] for row in rows] == ["false", "true"]
    table = " ".join(call(capsys, "margin", *sizes).out.split())
    assert "all patterns tried (8 a state): 2 x 2; searched, a worse one may exist (" in table
    assert table.index("8 x 8", table.index("searched,")) > 0
    whole = Report(drawn(0), 0.5, "far", "worst", [margin(drawn(0), 2, "half")]).as_table()
    assert "searched" not in whole


def drawing(points):
    pytest.importorskip("matplotlib")
    from xbarsim.margin.margins_picture import draw

    figure = draw(points, "title")
    figure.canvas.draw()
    return figure.axes


def with_margins(values):
    """Margins of given numbers, in arrays of rising size."""
    one = margin(drawn(0), 2, "half")
    low = replace(one.lrs, current=1e-3)
    return [
        replace(one, rows=2**k, cols=2**k, lrs=low, hrs=replace(one.hrs, current=1e-3 * (1 - value)))
        for k, value in enumerate(values, 1)
    ]


@pytest.mark.parametrize(
    ("values", "least"),
    [([0.5, -1.5], 1), ([0.9, -3.0, -7.9], 3), ([0.1, -30.0], 5), ([0.0, -4000.0], 3), ([0.5, -1e30], 5)],
)
def test_the_axis_below_minus_one_has_ticks_and_says_that_it_is_logarithmic(values, least):
    axes = drawing(with_margins(values))[0]
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert sum(tick <= -1.0 for tick in ticks) >= least
    assert len(ticks) < 25
    assert "logarithmic below -1" in axes.get_ylabel()
    shown = [label.get_text().replace("\N{MINUS SIGN}", "-") for label in axes.get_yticklabels()]
    assert [float(word) for word in shown] == pytest.approx(list(axes.get_yticks()))


@pytest.mark.parametrize("values", [[0.2, 0.9], [0.2, 1.4], [1.7, -3.0], [-0.4, 0.001], [5.0, 0.3]])
def test_every_margin_lies_within_the_axis(values):
    axes = drawing(with_margins(values))[0]
    low, high = axes.get_ylim()
    assert all(low < value < high for value in values)
    assert ("logarithmic" in axes.get_ylabel()) == (min(values) < -1.0)


def test_points_without_a_number_are_counted():
    points = with_margins([0.5, 0.2, 0.1])
    points[1] = replace(points[1], lrs=replace(points[1].lrs, current=-1e-3))
    points[2] = replace(points[2], hrs=replace(points[2].hrs, current=0.0))
    margins, ratios = (["".join(text.get_text() for text in axes.texts)] for axes in drawing(points)[:2])
    assert "1 left out: no number" in margins[0]
    assert "2 left out: no number" in ratios[0]
