"""Headings of measured curves, and lines that are none: no factor of 1000, no point is lost without a word."""

import re

import numpy as np
import pytest

from xbarsim.errors import InputError
from xbarsim.measured import read_iv


@pytest.mark.parametrize(
    ("head", "volts", "amperes"),
    [
        ('"Voltage, V","Current, mA"', 1.0, 1e-3),
        ('"Voltage, mV";"Current, nA"', 1e-3, 1e-9),
        ("Voltage (volts),Current (milliamps)", 1.0, 1e-3),
        ("Millivolts,Current [microamperes]", 1e-3, 1e-6),
        ("V (kvolts),I (ua)", 1e3, 1e-6),
        ("V-mV,I-pA", 1e-3, 1e-12),
        ("bias_mV,amps", 1e-3, 1.0),
    ],
)
def test_units_in_words_and_between_quotes_are_units(tmp_path, head, volts, amperes):
    """Would break if milliamperes were read as amperes without a word."""
    path = tmp_path / "iv.csv"
    mark = ";" if ";" in head else ","
    path.write_text(f"{head}\n-1{mark}-2\n0{mark}0\n1{mark}3\n")
    curve = read_iv(path)
    np.testing.assert_allclose(curve.voltage, np.array([-1.0, 0.0, 1.0]) * volts, rtol=1e-15)
    np.testing.assert_allclose(curve.current, np.array([-2.0, 0.0, 3.0]) * amperes, rtol=1e-15)


@pytest.mark.parametrize("head", ["Voltage (MV),I", "V,Current (MA)", "V,I (Mamps)", "V,I [GA]", "V,|I|", "V,abs(I)"])
def test_prefixes_that_cells_have_not_and_magnitudes_are_refused(tmp_path, head):
    path = tmp_path / "iv.csv"
    path.write_text(f"{head}\n-1,2\n0,0\n1,3\n")
    with pytest.raises(InputError, match=r"heading '.*' (has the unit|is of neither volts nor amperes)"):
        read_iv(path)


@pytest.mark.parametrize(
    ("line", "word"),
    [("0,1D-3", "1D-3"), ("\u22121,2", "\u22121"), ("0x1,0", "0x1"), ("0,1_0", "1_0"), ("0;1,5", "1,5")],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_point_with_what_is_no_number_is_no_heading(tmp_path, line, word, place):
    """The first point of a file was taken for its heading and left out without a word."""
    path, mark = tmp_path / "iv.csv", ";" if ";" in line else ","
    points = [f"1{mark}2", f"2{mark}3", f"3{mark}4", f"4{mark}5"]
    points.insert(place, line)
    path.write_text("\n".join([f"V{mark}I", *points]) + "\n")
    with pytest.raises(InputError, match=re.escape(f"iv.csv:{place + 2}: {word!r} is no number")):
        read_iv(path)


def test_a_column_of_words_in_each_line_is_named(tmp_path):
    path = tmp_path / "iv.csv"
    path.write_text("V,I,Status\n0,0,N\n1,1e-6,N\n2,2e-6,C\n")
    with pytest.raises(InputError, match=r"iv.csv:2: 'N' is no number"):
        read_iv(path)


@pytest.mark.parametrize("head", ["I,V", "V,I (mA)", "Voltage (mV),Current"])
def test_another_heading_between_cycles_is_refused(tmp_path, head):
    path = tmp_path / "iv.csv"
    path.write_text(f"V,I\n-1,-2\n0,0\n1,3\n{head}\n-1,-2\n0,0\n1,3\n")
    with pytest.raises(InputError, match=re.escape(f"iv.csv:5: this heading is another than the one on top, {head}: ")):
        read_iv(path)
    # Who says which columns are meant has looked; and what names nothing says nothing else.
    assert read_iv(path, columns="1,2").count == 2
    path.write_text("V,I (mA)\n-1,-2\n0,0\n1,3\nCycle,2\n-1,-2\n0,0\n1,3\n")
    assert read_iv(path).current.max() == 3e-3


def test_columns_that_were_passed_over_are_told_of(tmp_path):
    path = tmp_path / "iv.csv"
    path.write_text("Vset,Vmeas,I,Icomp\n-1,-0.9,-2,1\n0,0,0,1\n1,0.9,3,1\n")
    curve = read_iv(path)
    assert curve.voltage.tolist() == [-1.0, 0.0, 1.0]
    assert any("several columns of volts the first was taken, not Vmeas: columns= chooses" in n for n in curve.notes)
