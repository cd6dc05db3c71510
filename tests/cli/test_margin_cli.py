"""``xbarsim margin``: answers in every form, pictures, options and refusals."""

import csv
import io
import json
import re

import numpy as np
import pytest
from cli_tools import assert_refused, call, run

from xbarsim import Sinh
from xbarsim.margin import Technology, sweep

SMALL = ("margin", "--sizes", "2,5x3", "--schemes", "floating,third+both")


@pytest.mark.slow
def test_json_says_all_that_the_library_finds(capsys):
    answer = call(
        capsys, *SMALL, "--device", "sinh", "--v0", "200m", "--r-on", "2k", "--r-off", "1meg", "--wire", "3",
        "--bit-wire", "5", "--driver", "10", "--sense", "20", "--load", "1k", "--read-voltage", "0.4",
        "--format", "json",
    )  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    record = json.loads(answer.out)
    assert set(record) == {"technology", "read_voltage", "cell", "patterns", "points", "seconds"}
    assert record["technology"] == {
        "r_on": 2e3, "r_off": 1e6, "device": {"name": "sinh", "v0": 0.2}, "word_wire": 3.0, "bit_wire": 5.0,
        "driver": 10.0, "sense": 20.0,
    }  # fmt: skip
    technology = Technology(2e3, 1e6, Sinh(0.2), word_wire=3.0, bit_wire=5.0, driver=10.0, sense=20.0)
    bare = sweep(technology, [2, (5, 3)], ["floating", "third+both"], read_voltage=0.4)
    assert [(point["scheme"], point["rows"], point["cols"]) for point in record["points"]] == [
        (point.scheme.name, point.rows, point.cols) for point in bare
    ]
    for point, without in zip(record["points"], bare, strict=True):
        assert point["cell"] == list(without.cell)
        assert point["load"] == 1e3
        step = point["lrs"]["current"] - point["hrs"]["current"]
        np.testing.assert_allclose(point["current_margin"], step / point["lrs"]["current"], rtol=1e-12)
        ends = 2 if "both" in point["scheme"] else 1
        np.testing.assert_allclose(point["voltage_margin"], 1e3 * step / ends / 0.4, rtol=1e-12)
        assert point["lrs"]["current"] < without.lrs.current, "a load takes its share"
        assert point["residual"] < 1e-11


@pytest.mark.slow
def test_csv_and_table_say_the_same(capsys):
    rows = list(csv.DictReader(io.StringIO(call(capsys, *SMALL, "--format", "csv").out)))
    answer = call(capsys, *SMALL)
    assert (answer.code, answer.err) == (0, "")
    assert "linear cells, LRS 1 kohm, HRS 1 Mohm\nwires 1 ohm a segment, driver 1 ohm, sense 1 ohm\n" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80
    lines = re.findall(r"^(\S+) +(\d+) x (\d+) +(\S+) +(\S+) +(\S+) +(\S+) ", answer.out, re.M)
    assert len(lines) == len(rows) == 4
    for line, row in zip(lines, rows, strict=True):
        assert line[:3] == (row["scheme"], row["rows"], row["cols"])
        values = [float(row[key]) for key in ("current_margin", "on_off_ratio", "lrs_current", "hrs_current")]
        np.testing.assert_allclose([float(word) for word in line[3:7]], values, rtol=1e-3, atol=5e-5)
        assert row["voltage_margin"] == ""


def test_what_is_infinite_is_null(capsys):
    answer = call(capsys, "margin", "--r-off", "inf", "--sizes", "1", "--schemes", "half", "--format", "json")
    record = json.loads(answer.out)
    assert record["technology"]["r_off"] is None
    assert record["points"][0]["on_off_ratio"] is None
    assert record["points"][0]["current_margin"] == 1.0
    assert " -  " in call(capsys, "margin", "--r-off", "inf", "--sizes", "1", "--schemes", "half").out


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        ("--device", "selector"), ("--device", "selector", "--i0", "1u", "--v0", "50m"),
        ("--device", "transistor", "--gate", "2", "--kp", "1m", "--vto", "0.7", "--lam", "0.02",
         "--schemes", "grounded"),
        ("--cell", "corners"), ("--cell", "1,0"), ("--patterns", "same"), ("--schemes", "mvm"),
        ("--word-wire", "2", "--bit-wire", "3"), ("--read-voltage", "-0.3"),
    ],
)  # fmt: skip
def test_options(capsys, options):
    answer = call(capsys, "margin", "--sizes", "3", *options)
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.slow
def test_a_measured_curve(capsys, tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text("V,I\n-0.5,-2e-4\n-0.2,-4e-5\n0.2,4e-5\n0.5,2e-4\n")
    answer = call(capsys, "margin", "--device", "table", "--curve", path, "--sizes", "4")
    assert (answer.code, answer.err) == (0, "")
    assert "Table(5 points" in answer.out


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
@pytest.mark.parametrize("options", [(), ("--load", "1k", "--patterns", "same"), ("--sizes", "4"), ("--r-off", "inf")])
def test_pictures(capsys, tmp_path, suffix, options):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"margin.{suffix}"
    answer = call(capsys, *SMALL, *options, "--plot", path)
    assert (answer.code, answer.err) == (0, "")
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(start)


@pytest.mark.slow
def test_a_picture_has_a_curve_a_scheme_and_a_tick_a_size():
    pytest.importorskip("matplotlib")
    from xbarsim.margin.margins_picture import draw

    figure = draw(sweep(Technology(), [4, 8, 16], ["floating", "grounded"]), "a title")
    margins, ratios = figure.axes
    for axes in (margins, ratios):
        assert [line.get_label() for line in axes.lines] == ["floating", "grounded"]
        assert [label.get_text() for label in axes.get_xticklabels()] == ["4", "8", "16"]
        assert axes.get_xscale() == "log"
        assert "N x N" in axes.get_xlabel()
    assert margins.get_yscale() == "symlog", "a margin below -1"
    assert ratios.get_yscale() == "log"


@pytest.mark.slow
def test_output_is_written_whole(capsys, tmp_path):
    path = tmp_path / "margin.csv"
    answer = call(capsys, *SMALL, "--format", "csv", "-o", path)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert path.read_text().count("\n") == 5


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--r-off", "1M"), ("--r-off", "ambiguous", "1meg")),
        (("--r-on", "1kk"), ("--r-on", "'1kk'", "not a number")),
        (("--r-on", "2meg"), ("--r-off is 1e+06", "above --r-on")),
        (("--sizes", "0"), ("size is 0",)),
        (("--sizes", "8,x"), ("--sizes", "'x'")),
        (("--sizes", "4,4"), ("4 x 4 twice",)),
        (("--sizes", "2x3x4"), ("--sizes", "'2x3x4'")),
        (("--schemes", "halves"), ("'halves'", "floating, grounded, half, third, mvm")),
        (("--schemes", "half,"), ("--schemes", "empty")),
        (("--v0", "0.1"), ("--v0 goes with --device sinh or selector or stanford, not with linear",)),
        (("--device", "sinh", "--i0", "1n"), ("--i0 goes with --device selector",)),
        (("--device", "sinh", "--v0", "0"), ("v0 is 0",)),
        (("--device", "table"), ("--curve FILE",)),
        (("--device", "table", "--curve", "nowhere.csv"), ("nowhere.csv",)),
        (("--device", "diode"), ("--device", "'diode'")),
        (("--cell", "9,9"), ("cell [9, 9]", "2 x 2")),
        (("--cell", "middle"), ("--cell", "'middle'")),
        (("--read-voltage", "0"), ("--read-voltage is 0",)),
        (("--load", "0"), ("load is 0",)),
        (("--sizes", "9" * 5000), ("--sizes", "no size that fits in memory")),
        (("--sizes", "200000"), ("200000 x 200000", "GB of memory", "smaller array")),
        (("--driver", "inf"), ("driver is inf",)),
        (("--plot", "margin.txt"), ("margin.txt", ".png")),
        (("--output", "/nowhere/margin.txt"), ("/nowhere/margin.txt",)),
    ],
)
def test_refusals_are_one_line(capsys, options, words):
    assert_refused(call(capsys, *SMALL, *options), 2, *words)


def test_what_does_not_converge_is_exit_code_3(capsys, monkeypatch):
    from xbarsim.errors import ConvergenceError

    def fail(*args, **options):
        raise ConvergenceError("it went on for ever")

    monkeypatch.setattr("xbarsim.margin.cell_reads.read_cell", fail)
    assert_refused(call(capsys, *SMALL), 3, "floating, 2 x 2", "it went on for ever")


def test_help_is_quick_to_load_and_says_the_defaults():
    answer = run("margin", "--help")
    assert answer.code == 0
    for word in ("--r-on", "1k", "1meg", "8,16,32,64,128", "floating,grounded,half,third", "Exit codes"):
        assert word in answer.out
    assert "\\b" not in answer.out
