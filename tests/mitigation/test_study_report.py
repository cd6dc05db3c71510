"""Tables, JSON and pictures of studies that are made by hand, so that every number is known."""

import csv
import io
import json
import math

import pytest

from xbarsim.mitigation import ChainResult, Cost, Failure, Record, Study, chain
from xbarsim.mitigation.record import COUNTS
from xbarsim.mitigation.study_picture import draw
from xbarsim.mitigation.study_report import MitigationReport
from xbarsim.nn import preset
from xbarsim.plot import GREY

DATA = {"name": "made", "train_images": 50, "validation_images": 10, "test_images": 20, "source": "nowhere"}


def record(seed, after, before=0.5, seconds=1.0, **cost):
    return Record(seed, before, after, Cost(**{"writes": 40, "pulses": 40, **cost}), {"loss": [math.nan, 0.5]}, seconds)


def study(ideal, rows, failures=(), seeds=(3, 4)):
    results = tuple(ChainResult(chain(label), tuple(records)) for label, records in rows.items())
    return Study(ideal, results, tuple(failures), seeds)


def made(*studies, swept=None, **more):
    """A report of one study, or of pairs of value and study."""
    pairs = studies if swept else [(None, studies[0])]
    return MitigationReport("net", "by hand", DATA, "rram-64", preset("rram-64"), pairs, 0, swept, **more)


@pytest.fixture
def report():
    rows = {
        "none": [record(3, 0.5), record(4, 0.5)],
        "headroom": [record(3, 0.625, labels=12, clipped_share=0.25), record(4, 0.875, labels=13, clipped_share=0.25)],
        "headroom:h=3": [record(3, 0.75, router_lines=1_234, pulses=80, digital_gains=2)],
        "headroom:h=4": [],
    }
    failures = [Failure("headroom:h=3.0", 4, "the loss is nan"), Failure("headroom:h=4.0", 3, "not solved")]
    return made(study(0.8, rows, failures), names={"headroom:h=3.0": "headroom:h=3"}, seconds={"total": 2.5})


def lines(report, name):
    return [line.split() for line in report.as_table().splitlines() if line.startswith(f"{name} ")]


def test_the_table_has_means_deviations_and_costs_in_words(report):
    assert lines(report, "headroom")[0] == ["headroom", "75.00%", "17.68", "93.75%", "62.50%", "87.50%"]
    assert lines(report, "headroom:h=3")[0] == ["headroom:h=3", "75.00%", "0.00", "93.75%", "75.00%", "75.00%"]
    assert lines(report, "headroom:h=4.0")[0] == ["headroom:h=4.0", *"-----"]
    costs = [" ".join(lines(report, name)[1]) for name in ("none", "headroom", "headroom:h=3", "headroom:h=4.0")]
    assert costs == [
        "none 40 writes",
        "headroom 12 labels, 25.00% of weights clipped",
        "headroom:h=3 80 pulses, 1,234 lines moved, 2 digital gains",
        "headroom:h=4.0 no chip came to an end",
    ]
    text = report.as_table()
    assert "failed: headroom:h=3, chip 4: the loss is nan\n" in text
    assert "failed: headroom:h=4.0, chip 3: not solved\n" in text
    assert "ideal (torch) 80.00%; mean over 2 chips" in text
    assert text.endswith("time  total 2.5 s")


def test_json_has_null_where_there_is_no_number(report):
    content = json.loads(report.as_json(), parse_constant=pytest.fail)
    assert [entry["mean"] for entry in content["methods"]] == [0.5, 0.75, 0.75, None]
    assert [entry["std"] for entry in content["methods"]] == pytest.approx([0.0, 0.25 / 2**0.5, 0.0, None])
    assert [entry["normalised_mean"] for entry in content["methods"]] == pytest.approx([0.625, 0.9375, 0.9375, None])
    assert content["methods"][1]["chips"][0]["trace"] == {"loss": [None, 0.5]}
    assert content["methods"][1]["cost_mean"]["labels"] == 12.5
    assert content["methods"][3]["cost_mean"] == dict.fromkeys(COUNTS)
    assert content["failed"][0] == {"method": "headroom:h=3", "seed": 4, "message": "the loss is nan"}
    assert content["seconds"] == {"total": 2.5, "methods": {"none": 1.0, "headroom": 1.0, "headroom:h=3": 1.0}}
    assert content["data"] == {name: value for name, value in DATA.items() if name != "source"}
    none = made(study(0.0, {"none": [record(3, 0.0)]}))
    assert json.loads(none.as_json())["methods"][0]["normalised_mean"] is None
    assert lines(none, "none")[0][3] == "-"


def test_a_sweep_is_method_by_method():
    pairs = [
        (
            value,
            study(0.8, {"none": [record(3, share)], "headroom": [record(3, share + 0.125, labels=count)]}, seeds=(3,)),
        )
        for value, share, count in [(0.25, 0.5, 10), (1, 0.25, 20)]
    ]
    report = made(*pairs, swept="wires.word")
    content = report.as_dict()
    assert [(entry["name"], entry["value"], entry["mean"]) for entry in content["methods"]] == [
        ("none", 0.25, 0.5), ("none", 1, 0.25), ("headroom", 0.25, 0.625), ("headroom", 1, 0.375),
    ]  # fmt: skip
    assert content["swept"] == {"name": "wires.word", "values": [0.25, 1]}
    assert [row[:3] for row in lines(report, "headroom")] == [
        ["headroom", "0.25", "62.50%"], ["headroom", "1", "37.50%"], ["headroom", "15", "labels"],
    ]  # fmt: skip
    assert report.as_numbers().splitlines()[3] == "headroom 0.25 0.625"
    rows = list(csv.DictReader(io.StringIO(report.as_csv())))
    assert [(row["wires.word"], row["labels"]) for row in rows] == [
        ("0.25", "0"),
        ("1", "0"),
        ("0.25", "10"),
        ("1", "20"),
    ]
    (axes,) = draw(report).axes
    curves = {container.get_label(): container.lines[0].get_xydata().tolist() for container in axes.containers}
    assert curves == {"none": [[0.25, 50.0], [1.0, 25.0]], "headroom": [[0.25, 62.5], [1.0, 37.5]]}
    assert axes.get_xlabel() == "wires.word"


def test_words_that_are_swept_stand_at_equal_distances():
    pairs = [(word, study(0.8, {"none": [record(3, share)]})) for word, share in [("offset", 0.5), ("reference", 0.25)]]
    (axes,) = draw(made(*pairs, swept="mapping.kind")).axes
    assert axes.containers[0].lines[0].get_xydata().tolist() == [[0.0, 50.0], [1.0, 25.0]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["offset", "reference"]


def test_the_picture_is_of_those_costs_in_which_rows_differ(report):
    panels = draw(report).axes
    assert [axes.get_xlabel() for axes in panels] == ["labels", "lines moved", "digital gains", "pulses"]
    for axes, counts in zip(panels, [(0, 12.5, 0), (0, 0, 1234), (0, 0, 2), (40, 40, 80)], strict=True):
        places = [container.lines[0].get_xydata()[0].tolist() for container in axes.containers]
        assert places == [[count, share] for count, share in zip(counts, (50.0, 75.0, 75.0), strict=True)]
        low, high = axes.get_xlim()
        assert low < min(counts)
        assert max(counts) < high
        low, high = axes.get_ylim()
        assert low < 50.0
        assert high > 92.0, "bars are inside"
    (axes,) = draw(made(study(0.8, {"none": [record(3, 0.5)], "headroom": [record(3, 0.6, seconds=3.0)]}))).axes
    assert axes.get_xlabel() == "seconds of the methods"


def test_symbols_stand_at_their_place_unless_they_would_cover_each_other():
    """Beside it they would be read as another cost."""
    shares = {"none": 0.25, "headroom": 0.75, "headroom:h=3": 0.5, "headroom:h=4": 0.76, "headroom:h=5": 0.75}
    labels = {"none": 0, "headroom": 0, "headroom:h=3": 0, "headroom:h=4": 0, "headroom:h=5": 900}
    rows = {name: [record(3, share, labels=labels[name])] for name, share in shares.items()}
    (axes,) = draw(made(study(0.8, rows))).axes
    shifts = []
    for container in axes.containers:
        symbol = container.lines[0]
        drawn, true = (way.transform(symbol.get_xydata())[0] for way in (symbol.get_transform(), axes.transData))
        shifts.append((drawn - true)[0])
        assert drawn[1] == pytest.approx(true[1])
    assert shifts[0] == shifts[2] == shifts[4] == 0.0
    assert shifts[1] == pytest.approx(-shifts[3])
    assert shifts[3] - shifts[1] > 5.0
    colours = [container.lines[0].get_color() for container in axes.containers]
    assert len(set(colours)) == 5


def test_no_colour_is_that_of_the_first_row():
    rows = {"none": [record(3, 0.5)], **{f"headroom:h={h}": [record(3, 0.6, labels=h)] for h in range(3, 13)}}
    (axes,) = draw(made(study(0.8, rows))).axes
    colours = [container.lines[0].get_color() for container in axes.containers[1:]]
    assert GREY not in colours
    assert axes.containers[0].lines[0].get_color() == GREY


@pytest.mark.parametrize("swept", [None, "wires.word"])
def test_a_picture_of_what_came_to_no_end_has_the_ideal_alone(swept):
    empty = study(0.8, {"none": [], "headroom": []}, [Failure("none", 3, "not solved")])
    (axes,) = draw(made((0.5, empty), swept=swept) if swept else made(empty)).axes
    assert len(axes.containers) == (2 if swept else 0)
    assert axes.lines[-1].get_label() == "ideal (torch)"
