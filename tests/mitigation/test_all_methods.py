"""Every method of the catalogue that applies, what none beats for each cost, and the picture of it."""

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from mitigation_tools import CELLS, HARDWARE, digits, network

from xbarsim.errors import InputError
from xbarsim.mitigation import ChainResult, Cost, Method, Needs, Plan, Record, Study, catalogue, chain, realise
from xbarsim.mitigation.all_methods import all_methods
from xbarsim.mitigation.area import BIT, CELL, extra_area
from xbarsim.mitigation.comparison import BASELINES, COINS, compared
from xbarsim.mitigation.pareto import on_front
from xbarsim.mitigation.side_by_side_picture import draw_side_by_side, spread
from xbarsim.mitigation.study_report import MitigationReport
from xbarsim.nn import Arrangement, preset
from xbarsim.nn import Mapping as WeightMapping

DATA = {"name": "made", "train_images": 50, "validation_images": 10, "test_images": 20, "source": "nowhere"}


def offer(kind="mlp", variants=(HARDWARE,), **more):
    return all_methods(network(kind), digits(2000 - 660), list(variants), **more)


def test_each_method_is_tried_or_named_with_a_reason():
    offered = offer()
    names = {*catalogue.methods(), *catalogue.shorthands()} - {"none"}
    assert set(offered.chains) | set(offered.left_out) == names
    assert not set(offered.chains) & set(offered.left_out)
    assert tuple(offered.chains)[:3] == BASELINES
    for name, row in offered.chains.items():
        assert row == chain(name)
    assert "network has none: give a network with BatchNorm" in offered.left_out["bn"]
    assert "takes one fully connected layer" in offered.left_out["vat"]
    assert "vortex" in offered.left_out, "a chain is no more than its steps"


def test_what_applies_depends_on_network_and_hardware():
    assert "neuron-permutation" in offer().chains
    assert "neuron-permutation" in offer("convolution").left_out
    assert "bn" in offer("norm").chains
    sliced = replace(HARDWARE, mapping=WeightMapping(slices=2))
    assert "mapping.slices is 2" in offer(variants=(HARDWARE, sliced)).left_out["prescale"], (
        "all values of a sweep count"
    )
    assert "prescale" in offer().chains


def test_a_method_that_is_new_is_found(monkeypatch):
    """Nothing is known by name but the baselines."""

    @dataclass(frozen=True)
    class Newcomer(Method):
        name: ClassVar[str] = "newcomer"
        paper: ClassVar[str] = "a test"
        about: ClassVar[str] = "do nothing"

    @dataclass(frozen=True)
    class Demanding(Newcomer):
        name: ClassVar[str] = "demanding"
        share: float = None

        def __post_init__(self):
            self._number("share", 0.0, 1.0)

    @dataclass(frozen=True)
    class Binary(Newcomer):
        name: ClassVar[str] = "for-binary"

        @property
        def needs(self):
            return Needs(binary=True)

    monkeypatch.setattr(catalogue, "_registered", {})
    for kind in (Newcomer, Demanding, Binary):
        catalogue.register(kind)
    offered = offer()
    assert offered.chains["newcomer"].steps == (Newcomer(),)
    assert "demanding:share is None: it must be a number" in offered.left_out["demanding"]
    assert "needs weights of +1 and -1" in offered.left_out["for-binary"]


def test_rows_that_were_asked_for_take_the_place_of_those_that_they_name():
    texts = ("headroom:h=5", "row-permutation:power=2", "match-rows+gain", "match-rows:scope=tile,power=2,knows=faults")
    chosen = {text: chain(text) for text in texts}
    offered = offer(requested=chosen)
    assert all(offered.chains[text] == row for text, row in chosen.items())
    assert not {"headroom", "row-permutation", "match-rows"} & {*offered.chains, *offered.left_out}
    assert "gain" in offered.chains, "a chain takes nobody's place"
    labels = [row.label for row in offered.chains.values()]
    assert len(set(labels)) == len(labels)


def test_what_is_left_out_is_said():
    offered = offer(without=("fpt", "bi-retrain"))
    assert offered.left_out["fpt"] == offered.left_out["bi-retrain"] == "left out by the command"
    assert "fpt" not in offered.chains
    with pytest.raises(InputError, match="there is no method 'ftp' to leave out: did you mean fpt"):
        offer(without=("ftp",))


def test_what_none_beats_against_all_pairs():
    rng = np.random.default_rng(3)
    points = [tuple(pair) for pair in rng.integers(0, 6, size=(40, 2)).astype(float)]
    front = on_front(points)
    for point, best in zip(points, front, strict=True):
        better = [
            other for other in points
            if other[0] <= point[0] and other[1] >= point[1] and (other[0] < point[0] or other[1] > point[1])
        ]  # fmt: skip
        assert best == (not better)
    assert on_front([(1.0, 2.0), (1.0, 2.0), (0.0, 1.0), (2.0, 1.5)]) == [True, True, True, False]
    assert on_front([]) == []


def record(seed, after, **cost):
    return Record(seed, 0.5, after, Cost(**{"writes": 40, "pulses": 40, **cost}))


@pytest.fixture
def report():
    rows = {
        "none": [record(0, 0.5), record(1, 0.52)],
        "headroom": [record(0, 0.7), record(1, 0.7)],
        "prescale": [record(0, 0.9), record(1, 0.9)],
        "retrain": [record(0, 0.95, labels=900, gradient_steps=50), record(1, 0.95, labels=900, gradient_steps=50)],
        "fpt": [record(0, 0.8, images=100, area=500), record(1, 0.8, images=100, area=700)],
        "write-verify": [record(0, 0.6, pulses=90)],
        "gain": [],
    }
    results = tuple(ChainResult(chain(label), tuple(records)) for label, records in rows.items())
    study = Study(0.98, results, (), (0, 1))
    return MitigationReport(
        "net", "by hand", DATA, "rram-64", preset("rram-64"), [(None, study)], 0, left_out={"bn": "no BatchNorm"}
    )


def test_the_fronts_of_a_study_that_is_made_by_hand(report):
    rows = {row.name: row for row in compared(report.rows)}
    assert list(rows) == ["none", "headroom", "prescale", "retrain", "fpt", "write-verify"], "gain came to no end"
    assert rows["retrain"].front == set(COINS), "the best of all at whatever cost"
    assert rows["prescale"].front == {"labels", "images", "steps"}, (
        "as many pulses and as much area have more with retrain"
    )
    assert not rows["headroom"].front
    assert rows["fpt"].costs == {"labels": 0.0, "images": 100.0, "steps": 0.0, "pulses": 40.0, "area": 600.0}
    assert rows["retrain"].costs["images"] == 900.0, "labelled images are seen, too"
    assert (rows["prescale"].knows, rows["retrain"].knows, rows["none"].knows) == ("maps", "faults", "hardware")
    assert rows["fpt"].runs
    assert not rows["retrain"].runs
    assert [name for name, row in rows.items() if row.baseline] == ["headroom", "prescale"]


def test_the_report_has_them_in_every_form(report):
    content = json.loads(report.as_json())
    assert content["fronts"]["labels"] == ["prescale", "retrain"], "from the cheapest on"
    assert content["fronts"]["area"] == ["retrain"]
    assert content["left_out"] == [{"method": "bn", "message": "no BatchNorm"}]
    table = report.as_table()
    line = next(line for line in table.splitlines() if line.startswith("prescale") and "*" in line)
    assert line.split() == ["prescale", "90.00%", "0", "*", "0", "*", "0", "*", "40", "0"]
    assert "not tried\nbn  no BatchNorm" in table
    plain = replace(report, left_out=None)
    assert "fronts" not in plain.as_dict()
    assert "not tried" not in plain.as_table()
    assert not plain.comparison


def test_the_picture_has_a_panel_for_each_cost_and_says_what_none_beats_without_colour(report):
    figure = draw_side_by_side(report)
    *panels, key = figure.axes
    assert [axes.get_xlabel() for axes in panels] == [label for _, label in COINS.values()]
    rows = compared(report.rows)
    for axes, coin in zip(panels, COINS, strict=True):
        for row, container in zip(rows, axes.containers, strict=True):
            symbol = container.lines[0]
            assert symbol.get_xydata()[0].tolist() == pytest.approx([row.costs[coin], 100 * row.mean])
            assert (symbol.get_markerfacecolor() != "white") == (coin in row.front), "filled, or not"
        numbers = [text for text in axes.texts if text.get_text().isdigit()]
        assert sorted(int(text.get_text()) for text in numbers) == list(range(len(rows)))
        boxes = [text.get_window_extent() for text in numbers]
        overlaps = [a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k]]
        assert not any(overlaps)
        low, high = axes.get_ylim()
        assert all(low < 100 * row.mean < high for row in rows)
    names = "\n".join(text.get_text() for text in key.texts)
    for number, row in enumerate(rows):
        assert f"{number} {row.name}" in names
    assert "prescale (baseline)" in names


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_picture_of_rows_that_are_all_alike(share):
    study = Study(share, (ChainResult(chain("none"), (record(0, share),)),), (), (0,))
    report = MitigationReport(
        "net", "by hand", DATA, "rram-64", preset("rram-64"), [(None, study)], 0, left_out={}
    )  # fmt: skip
    figure = draw_side_by_side(report)
    assert len(figure.axes) == 6


def test_heights_are_spread_in_their_order_and_within_bounds():
    rng = np.random.default_rng(5)
    for _ in range(50):
        heights = rng.uniform(0.0, 100.0, size=8).tolist()
        moved = spread(heights, 9.0, 0.0, 100.0)
        order = np.argsort(heights, kind="stable")
        assert (np.diff(np.array(moved)[order]) >= 9.0 - 1e-9).all()
        assert min(moved) >= -1e-9
        assert max(moved) <= 100.0 + 1e-9
    assert spread([10.0, 50.0, 90.0], 9.0, 0.0, 100.0) == [10.0, 50.0, 90.0], "what is free stays"


def test_area_is_that_of_what_is_beside_the_arrays():
    """64 x 11 weights on arrays of 24 x 7: 3 by 2 of them in each of two planes."""
    hardware = replace(HARDWARE, cells=replace(CELLS, faults=None))
    plan = Plan.of(network())
    layer = realise(plan, hardware).layers["fc1"]

    def area(plan):
        return extra_area(realise(plan, hardware).layers["fc1"], plan.layer("fc1"))

    assert extra_area(layer, plan.layer("fc1")) == 0
    weight = layer.weight.detach()
    assert area(plan.with_layer("fc1", gain=weight.new_ones(11), shift=weight.new_ones(()))) == BIT * 16 * 12
    sparse = weight * 0.0
    sparse[2, 3:6] = 1.0
    assert area(plan.with_layer("fc1", correction=sparse)) == BIT * 3 * (8 + 10), "10 bits name one of 704"
    rows = np.arange(64)
    rows[[3, 40]] = rows[[40, 3]]
    assert area(plan.with_layer("fc1", arrangement=Arrangement(rows=[rows]))) == BIT * 2 * 6, "6 bits name one of 64"
    flips = np.arange(64) == 5
    assert area(plan.with_layer("fc1", arrangement=Arrangement(flips=[flips]))) == BIT * 64
    assert area(plan.with_layer("fc1", arrangement=Arrangement(spare=4))) == CELL * 4 * 11 * 2
