"""Curves as instruments write them: the same points whatever the dress, with notes on what was taken for what."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim.devices import Table
from xbarsim.errors import InputError
from xbarsim.measured import MeasuredCurve, read_iv

UP = np.linspace(0.0, 0.5, 6)
LOOP = np.concatenate([UP, UP[-2::-1], -UP[1:], -UP[-2::-1]])
"""0 to 0.5, to -0.5, to 0 V: 21 points."""


def current(volts):
    return 1e-4 * np.sinh(3.0 * volts)


def written(path, rows, head=""):
    path.write_text(head + "\n".join(",".join(map(repr, map(float, row))) for row in rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("head", "scales"),
    [
        ("", (1.0, 1.0)),
        ("V,I\n", (1.0, 1.0)),
        ("Voltage (mV),Current (uA)\n", (1e3, 1e6)),
        ("Voltage,Current\nmV,mA\n", (1e3, 1e3)),
        ("# Keithley 2400\nSetup: compliance 1 mA\nVoltage [V],Current [nA]\n", (1.0, 1e9)),
    ],
)
def test_units_and_headings_in_any_dress(tmp_path, head, scales):
    curve = read_iv(written(tmp_path / "a.csv", zip(LOOP * scales[0], current(LOOP) * scales[1], strict=True), head))
    assert np.allclose(curve.voltage, LOOP, rtol=1e-14, atol=0.0)
    assert np.allclose(curve.current, current(LOOP), rtol=1e-14, atol=0.0)
    assert any("no heading" in note for note in curve.notes) == (head == "")
    assert any("amperes are multiplied by" in note for note in curve.notes) == (scales[1] != 1.0)


@pytest.mark.parametrize(
    ("head", "scale"),
    [
        ("", 1.0),
        ("t,V,I\n", 1.0),
        ("time (ms),V,I\n", 1e3),
        ("Time,Voltage,Current\nus,V,A\n", 1e6),
        ("Time_s,V,I\n", 1.0),
    ],
)
def test_time_beside_volts_and_amperes(tmp_path, head, scale):
    seconds = 0.1 * np.arange(LOOP.size)
    rows = zip(seconds * scale, LOOP, current(LOOP), strict=True)
    curve = read_iv(written(tmp_path / "a.csv", rows, head))
    assert np.allclose(curve.time, seconds, rtol=1e-13, atol=0.0)
    assert np.array_equal(curve.voltage, LOOP)
    assert any("the first only rises" in note for note in curve.notes) == (head == "")


def test_cycles_forward_and_back(tmp_path):
    volts = np.tile(LOOP, 3)
    gain = np.repeat([1.0, 1.1, 1.2], LOOP.size)
    curve = read_iv(written(tmp_path / "a.csv", zip(volts, gain * current(volts), strict=True), "V,I\n"))
    assert curve.count == 3
    assert np.bincount(curve.cycle).tolist() == [21, 21, 21]
    part = curve.part(cycle=-1)
    assert np.allclose(part.current, 1.2 * current(part.voltage), atol=0.0)
    up = curve.part(cycle=0, way="up")
    assert np.allclose(up.voltage[up.way == 1], up.voltage, atol=0.0)
    assert up.voltage.size + curve.part(cycle=0, way="down").voltage.size == 21
    mean_volts, mean, deviation = curve.averaged()
    assert np.allclose(mean_volts, np.linspace(-0.5, 0.5, 11), atol=1e-15)
    assert np.allclose(mean, 1.1 * current(mean_volts), atol=1e-18)
    at = int(np.argmax(mean_volts))
    assert deviation[at] == pytest.approx(np.std([1.0, 1.1, 1.2], ddof=1) * current(0.5), rel=1e-12)


@pytest.mark.parametrize(
    ("sweep", "count"),
    [
        (np.tile(np.concatenate([UP, UP[-2::-1]]), 2), 2),
        (np.tile(UP, 3), 3),
        (np.tile(np.concatenate([UP, UP[-2:0:-1]]), 4), 4),
        (np.tile(-LOOP, 2), 2),
        (UP, 1),
        (np.concatenate([-UP[::-1], UP[1:]]), 1),
        (np.concatenate([[0.0, 0.0, 0.0], UP, UP[-2::-1]]), 1),
    ],
    ids=[
        "one side, there and back",
        "one way",
        "turning points once",
        "negative first",
        "one sweep",
        "-V to V",
        "waits at first",
    ],
)
def test_where_cycles_begin(sweep, count):
    assert MeasuredCurve(sweep, current(sweep)).count == count
    jitter = np.random.default_rng(0).normal(0.0, 2e-3, sweep.size)
    assert MeasuredCurve(sweep + jitter, current(sweep)).count == count, "as an instrument reads back"


def test_an_offset_at_0_volts_is_told_of_and_subtracted(tmp_path):
    curve = read_iv(written(tmp_path / "a.csv", zip(LOOP, current(LOOP) + 1e-11, strict=True), "V,I\n"))
    (note,) = [note for note in curve.notes if "at 0 V" in note]
    assert note.startswith("10 pA at 0 V, 4.7e-08 of the largest current")
    clean = curve.without_offset()
    assert np.allclose(clean.current, current(LOOP), rtol=0, atol=1e-20)
    assert clean.offset == 0.0
    assert "10 pA at 0 V was subtracted" in clean.notes[-1]
    assert clean.without_offset() is clean


@pytest.mark.slow
def test_a_noisy_curve_becomes_a_table_that_rises(tmp_path):
    noise = np.random.default_rng(1).normal(0.0, 3e-6, 3 * LOOP.size)
    volts = np.tile(LOOP, 3)
    curve = MeasuredCurve(volts, current(volts) + noise + 1e-6)
    _, _, moved = curve.risen()
    table = curve.table()
    assert np.all(np.diff(table.points) > 0.0)
    for volt in (-0.4, 0.2, 0.5):
        assert float(table.current([[table.conductance]], volt)[0, 0]) == pytest.approx(current(volt), abs=6e-6)
    assert 0 <= moved <= 11
    assert MeasuredCurve(LOOP, current(LOOP)).risen()[2] == 0


def test_headings_between_cycles_are_left_out_with_a_note(tmp_path):
    path = tmp_path / "a.csv"
    block = "\n".join(f"{v!r},{float(current(v))!r}," for v in LOOP.tolist())
    path.write_text(f"V,I\n{block}\nV,I\n{block}\n")
    curve = read_iv(path)
    assert curve.count == 2
    assert "1 line of words between the numbers left out" in curve.notes


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (zip(current(LOOP), LOOP, strict=True), "the columns in another order"),
        (zip(LOOP, 1e6 * current(LOOP), strict=True), "are they in another unit"),
        (zip(1e3 * LOOP, current(LOOP), strict=True), "are they millivolts"),
    ],
)
def test_what_looks_odd_is_noted_and_read(tmp_path, rows, message):
    curve = read_iv(written(tmp_path / "a.csv", rows))
    assert any(message in note for note in curve.notes)


def test_a_sound_curve_has_no_remarks(tmp_path):
    assert read_iv(written(tmp_path / "a.csv", zip(LOOP, current(LOOP), strict=True), "V,I\n")).notes == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("V,I\n", "it holds no points"),
        ("1,2\n2,x\n", r"a.csv:2: 'x' is no number"),
        ("1,2\n2\n", "a.csv:2: it has 1 number: give 2 numbers, as the first has"),
        ("1\n2\n", "a.csv:1: it has 1 number: give volts and amperes at least"),
        ("1,2\n2,3\n", "a.csv: the curve has 2 points"),
        ("1,2,3\n2,3,4\n1,1,1\n", "it has 3 columns: give them a heading"),
        ("1,nan\n2,1\n3,1\n", r"a.csv: current\[0\] is nan"),
    ],
)
def test_bad_files_are_refused(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_iv(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.part(cycle=1), "cycle is 1: the curve has 1"),
        (lambda c: c.part(way="back"), "way is 'back'"),
        (lambda c: MeasuredCurve([1.0, 2.0, 3.0], [1.0, 2.0]), r"voltage has shape \(3,\) and current \(2,\)"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call(MeasuredCurve(LOOP, current(LOOP)))


@pytest.mark.slow
def test_frames_and_pictures():
    pytest.importorskip("pandas")
    curve = MeasuredCurve(np.tile(LOOP, 2), np.tile(current(LOOP), 2), 0.1 * np.arange(42))
    frame = curve.to_pandas()
    assert frame.groupby("cycle").size().tolist() == [21, 21]
    assert frame.attrs["units"] == {"voltage": "V", "current": "A", "time": "s"}
    pytest.importorskip("matplotlib")
    from xbarsim.plot import new_figure

    axes = curve.plot(new_figure().subplots(), magnitude=True)
    assert len(axes.get_lines()) == 2
    assert axes.get_yscale() == "log"


def test_a_table_of_a_loop_says_how_to_take_a_branch(tmp_path):
    from xbarsim.devices import Table

    path = written(tmp_path / "a.csv", zip(LOOP, current(LOOP), strict=True), "V,I\n")
    with pytest.raises(
        InputError, match=r"give one branch of a loop; xbarsim.measured.read_iv\(.*way='up'\) takes one"
    ):
        Table.from_csv(path)
    assert read_iv(path).table(way="up").span == pytest.approx((-0.4, 0.5)), "-0.5 V was reached on the way down"


@pytest.mark.parametrize("unit", ["A/cm2", "mA/cm^2", "A cm-2", "dBm", "a.u.", "%", "ohm", "S"])
def test_other_units_are_refused(tmp_path, unit):
    """Would break if a current density, or a share, were read as amperes without a word."""
    path = tmp_path / "iv.csv"
    path.write_text(f"Voltage (V),Current ({unit})\n-1,-2\n0,0\n1,2\n")
    with pytest.raises(InputError, match=r"heading 'Current \(.*\)' has the unit .*: give volts and amperes"):
        read_iv(path)


@pytest.mark.parametrize(
    "heading", ["J (A/cm2)", "log10(I)", "ln |I|", "R (ohm)", "G", "Resistance", "current-density"]
)
def test_the_column_that_is_left_is_not_taken_for_what_it_is_not(tmp_path, heading):
    path = tmp_path / "iv.csv"
    path.write_text(f"Voltage (V),{heading}\n-1,-2\n0,0\n1,2\n")
    with pytest.raises(InputError, match=r"is of neither volts nor amperes: .*give a column of"):
        read_iv(path)
    path.write_text("Voltage (V),Keithley\n-1,-2\n0,0\n1,2\n")
    assert read_iv(path).current.max() == 2.0


@pytest.mark.parametrize("word", ["9.9E37", "-9.9e+37", "9.91E+37"])
def test_an_instruments_overflow_is_no_current(tmp_path, word):
    from xbarsim.devices import Table

    path = tmp_path / "iv.csv"
    path.write_text(f"V,I\n-1,-2\n0,0\n1,{word}\n")
    for read in (read_iv, Table.from_csv):
        with pytest.raises(
            InputError, match=r"iv.csv:4: .*37 is an instrument's word for an overflow: leave the line out"
        ):
            read(path)


def test_time_cannot_be_written_to(tmp_path):
    path = tmp_path / "iv.csv"
    path.write_text("t,V,I\n0,-1,-2\n1,0,0\n2,1,2\n")
    for array in (read_iv(path).time, read_iv(path).voltage):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_brackets_may_hold_other_words(tmp_path):
    path = tmp_path / "iv.csv"
    path.write_text("Voltage (CH1),Current (CH2)\n-1e-3,-2e-6\n0,0\n1e-3,2e-6\n")
    assert read_iv(path).current.max() == 2e-6


def test_a_micro_sign_in_latin_1_is_read(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("Spannung (mV),Strom (\u00b5A)\n-100,-2\n0,0\n100,3\n".encode("latin-1"))
    curve = read_iv(path)
    assert np.allclose(curve.voltage, [-0.1, 0.0, 0.1])
    assert np.allclose(curve.current, [-2e-6, 0.0, 3e-6])
    assert Table.from_csv(path) == Table(curve.voltage, curve.current)


def test_bytes_that_no_instrument_writes_are_refused(tmp_path):
    path = tmp_path / "other.csv"
    path.write_bytes("V,A\n0,0\n1,1\n2,2\n".encode("utf-16"))
    with pytest.raises(InputError, match="it is not a text file: give a file in UTF-8"):
        read_iv(path)


def test_what_easyexpert_writes_is_read(tmp_path):
    path = tmp_path / "sweep.csv"
    path.write_text(
        "SetupTitle, I/V Sweep\nTestParameter, Channel.Unit, SMU1, SMU2\nMetaData, TestRecord.Remarks, \n"
        "DataName, I1, V1, Time\nDataValue, -2E-06, -0.1, 0\nDataValue, 0, 0, 0.1\nDataValue, 3E-06, 0.1, 0.2\n"
    )
    curve = read_iv(path)
    assert np.allclose(curve.voltage, [-0.1, 0.0, 0.1])
    assert np.allclose(curve.current, [-2e-6, 0.0, 3e-6])


KEITHLEY = """AnodeI,AnodeV,CathodeI,CathodeV,Time
-2e-6,-0.1,1e-6,0.4,0
0,0,0,0.5,1
3e-6,0.1,-4e-6,0.7,2
"""


@pytest.fixture
def keithley(tmp_path):
    """Two sources of a Keithley 4200: volts and amperes of either end."""
    path = tmp_path / "keithley.csv"
    path.write_text(KEITHLEY)
    return path


@pytest.mark.parametrize(
    ("columns", "volts", "amperes"),
    [
        ("AnodeV,AnodeI", [-0.1, 0.0, 0.1], [-2e-6, 0.0, 3e-6]),
        (("cathodev", "CathodeI"), [0.4, 0.5, 0.7], [1e-6, 0.0, -4e-6]),
        ("2, 1", [-0.1, 0.0, 0.1], [-2e-6, 0.0, 3e-6]),
    ],
)
def test_columns_of_several_are_chosen_by_heading_or_number(keithley, columns, volts, amperes):
    curve = read_iv(keithley, columns=columns)
    np.testing.assert_array_equal(curve.voltage, volts)
    np.testing.assert_array_equal(curve.current, amperes)
    assert curve.time is not None, "the heading of time still counts"


def test_a_chosen_column_has_its_unit(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text("Top (mV),Top (uA),Gate V,Gate I\n-100,-2,1,1\n0,0,1,2\n100,3,1,3\n")
    curve = read_iv(path, columns="Top (mV),2")
    assert np.allclose(curve.voltage, [-0.1, 0.0, 0.1])
    assert np.allclose(curve.current, [-2e-6, 0.0, 3e-6])
    with pytest.raises(InputError, match="2 columns are headed 'Top': give their numbers, 1 to 4"):
        read_iv(path, columns="Top,2")
    with pytest.raises(InputError, match=r"heading 'Top \(uA\)' is not of volts"):
        read_iv(path, columns="2,1")


def test_three_columns_without_a_heading_are_chosen_by_number(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("0,1e-6,0.1\n1,2e-6,0.2\n2,3e-6,0.3\n")
    np.testing.assert_array_equal(read_iv(path, columns="3,2").voltage, [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="no column is 'V': they are not headed: give numbers, 1 to 3"):
        read_iv(path, columns="V,2")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (None, 'choose volts and amperes by headings or numbers, as columns="AnodeV,AnodeI"'),
        ("AnodeV", "columns is 'AnodeV': give two headings or numbers, volts first"),
        ("AnodeV,AnodeV", "give two headings"),
        ("AnodeV,GateI", "no column is 'GateI': they are AnodeI, AnodeV, CathodeI, CathodeV, Time"),
        ("9,1", "no column is '9'"),
    ],
)
def test_columns_that_are_not_to_be_had_are_refused(keithley, columns, message):
    with pytest.raises(InputError, match=re.escape(message)):
        read_iv(keithley, columns=columns)


def test_a_table_takes_the_same_columns_and_keeps_points_alone(keithley):
    table = Table([-0.1, 0.0, 0.1], [-2e-6, 0.0, 3e-6])
    assert Table.from_csv(keithley, columns=("AnodeV", "AnodeI")) == table
    options = {"curve": str(keithley), "columns": "AnodeV,AnodeI"}
    assert Table.from_options(**options) == table
    assert Table.portable(options) == {"curve": [[-0.1, -2e-6], [0.0, 0.0], [0.1, 3e-6]]}
    with pytest.raises(InputError, match="columns is 'AnodeV,AnodeI': it is of a curve's file"):
        Table.from_options(**Table.portable(options), columns="AnodeV,AnodeI")


def test_the_command_line_says_how_to_choose_and_takes_it(keithley, capsys):
    asked = ("margin", "--sizes", "4", "--schemes", "grounded", "--device", "table", "--curve", keithley)
    refused = call(capsys, *asked)
    assert_refused(refused, 2, "choose volts and amperes by headings or numbers, as --columns AnodeV,AnodeI")
    assert call(capsys, *asked, "--columns", "AnodeV,AnodeI").code == 0
