"""Studies of read margins: each setting acts, numbers are those of ``xbarsim.margin``, wrong ones are named."""

from __future__ import annotations

import json

import pytest
from circuit_study_tools import answers_of, trials_of

from xbarsim.devices import Selector, Table
from xbarsim.errors import InputError
from xbarsim.margin import Technology, margin
from xbarsim.schemes.scheme import Scheme

PLAIN = '[margin]\nsize = 3\nscheme = "half"\n'


def test_numbers_are_those_of_the_margin(tmp_path):
    text = """
    [margin]
    read_voltage = 0.6
    r_on = "10k"
    load = 50
    device = "selector"
    i0 = 1e-9
    v0 = "30m"
    [sweep]
    size = [3, [2, 4]]
    scheme = ["floating", "third+bits"]
    """
    answers = answers_of(tmp_path, text)
    assert [point for point, _ in answers] == [
        {"size": size, "scheme": scheme} for size in (3, "2x4") for scheme in ("floating", "third+bits")
    ]
    technology = Technology(r_on=10e3, device=Selector(i0=1e-9, v0=0.03))
    scheme = Scheme("third+bits", 1 / 3, 2 / 3, both_bits=True, load=50.0)
    expected = margin(technology, (2, 4), scheme, read_voltage=0.6)
    numbers = answers[3][1]
    assert numbers["current_margin"] == expected.current_margin
    assert numbers["on_off_ratio"] == expected.on_off_ratio
    assert numbers["voltage_margin"] == expected.voltage_margin
    assert numbers["sneak_current"] == expected.hrs.sneak_current
    assert numbers["cell_current"] == expected.lrs.cell_current
    assert numbers["lrs.current"] == expected.lrs.current
    assert numbers["hrs.pattern"] == expected.hrs.pattern
    assert numbers["power"] == max(expected.lrs.power, expected.hrs.power)
    assert numbers["residual"] == max(expected.lrs.residual, expected.hrs.residual)
    json.dumps(numbers, allow_nan=False)


@pytest.mark.parametrize(
    ("setting", "number"),
    [
        ("r_on = 2000", "current_margin"), ("r_off = inf", "on_off_ratio"), ("wire = 9", "current_margin"),
        ("word_wire = 9", "current_margin"), ("bit_wire = 9", "current_margin"), ("driver = 9", "current_margin"),
        ("sense = 9", "current_margin"), ("read_voltage = 1", "power"), ("cell = [2, 0]", "lrs.current"),
        ('cell = "corners"', "lrs.current"), ('patterns = "same"', "current_margin"), ("load = 20", "current_margin"),
        ('device = "sinh"\nv0 = 0.1', "current_margin"),
    ],
)  # fmt: skip
def test_each_setting_acts_and_names_another_trial(tmp_path, setting, number):
    start = PLAIN.replace("half", "grounded+both")
    (plain,) = trials_of(tmp_path, start)
    (changed,) = trials_of(tmp_path, start + setting)
    assert plain.key != changed.key
    assert answers_of(tmp_path, start)[0][1][number] != answers_of(tmp_path, start + setting)[0][1].get(number)


def test_what_is_said_or_left_to_its_default_is_one_trial(tmp_path):
    default = trials_of(tmp_path, PLAIN)[0].key
    for setting in ("r_on = 1000", 'r_on = "1k"', 'cell = "far"', "wire = 1.0", 'device = "linear"', "bit_wire = 1"):
        assert trials_of(tmp_path, PLAIN + setting)[0].key == default
    written = [trials_of(tmp_path, PLAIN.replace("3", size))[0].key for size in ('"3x3"', "[3, 3]")]
    assert written == [default, default]


def test_a_curve_is_known_by_its_points(tmp_path):
    text = PLAIN + 'device = "table"\ncurve = "cell.csv"\n'
    (tmp_path / "cell.csv").write_text("-1,-2\n0,0\n1,1\n")
    (before,) = trials_of(tmp_path, text)
    numbers = answers_of(tmp_path, text)[0][1]
    curve = Table([-1.0, 0.0, 1.0], [-2.0, 0.0, 1.0])
    assert numbers["current_margin"] == margin(Technology(device=curve), 3, "half").current_margin
    (tmp_path / "cell.csv").write_text("-1,-2\n0,0\n1,2\n")
    assert trials_of(tmp_path, text)[0].key != before.key


def test_what_a_law_does_not_cover_is_a_number(tmp_path):
    text = PLAIN + 'device = "table"\ncurve = [[-0.1, -1], [0, 0], [0.1, 1]]\nread_voltage = 0.5\n'
    assert answers_of(tmp_path, text)[0][1]["volts_beyond_law"] == pytest.approx(0.4, rel=0.05)


def test_kinds_of_cells_are_swept_by_words(tmp_path):
    text = PLAIN + '[sweep]\ncells = { bare = { device = "linear" }, wall = { device = "sinh", v0 = 0.05 } }\n'
    bare, wall = answers_of(tmp_path, text)
    assert [bare[0], wall[0]] == [{"cells": "bare"}, {"cells": "wall"}]
    assert bare[1]["current_margin"] < wall[1]["current_margin"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[margin]\nscheme = "half"\n', ("study.toml: margin: it has no size", "or sweep it")),
        ("[margin]\nsize = 3\n", ("it has no scheme",)),
        (PLAIN + "r_onn = 3\n", ("margin.r_onn: there is no such key", "did you mean r_on?")),
        (PLAIN + "[sweep]\nr_ofg = [1]\n", ("sweep.r_ofg: there is no setting 'r_ofg'", "did you mean r_off?")),
        (PLAIN + "[sweep]\nr_on = [1e3, 1e7]\n", ("sweep, at r_on = 10000000.0", "r_off is 1e+06")),
        (PLAIN + '[sweep]\nr_on = ["1k", "1M"]\n', ("r_on", "ambiguous")),
        (PLAIN + "v0 = 0.1\n", ("margin.v0", "it goes with device = ", "'sinh'", "not with 'linear'")),
        (PLAIN + 'device = "sinhh"\n', ("margin.device", "did you mean sinh?")),
        (PLAIN + 'device = "sinh"\nv0 = -1\n', ("v0 is -1",)),
        (PLAIN.replace("half", "haff"), ("scheme 'haff' is unknown",)),
        (PLAIN.replace("3", "0"), ("margin.size: it is 0",)),
        (PLAIN.replace("3", '"3x"'), ("margin.size: it is '3x'",)),
        (PLAIN.replace("3", "[1, 2, 3]"), ("margin.size",)),
        (PLAIN + "cell = [3, 0]\n", ("cell [3, 0] is outside of 3 x 3",)),
        (PLAIN + 'cell = "near"\n', ("margin.cell: it is 'near'",)),
        (PLAIN + 'patterns = "best"\n', ("margin.patterns: it is 'best'",)),
        (PLAIN + "load = 0\n", ("margin.load: it is 0",)),
        (PLAIN + "read_voltage = 0\n", ("read_voltage is 0",)),
        (PLAIN + "wire = 2\nword_wire = 1\nbit_wire = 1\n", ("margin.wire: it changes nothing",)),
        (PLAIN + 'wire = "thick"\n', ("margin.wire", "'thick' is not a number")),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, words):
    with pytest.raises(InputError) as error:
        trials_of(tmp_path, text)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)
