"""The one writer of aligned tables, and of CSV."""

import csv
import io

import pytest

from xbarsim.text_table import aligned, comma_separated, wrapped


def test_columns_are_as_wide_as_their_widest_cell():
    rows = [("name", "volts", ""), ("a", "1.5", "x"), ("longer", "-22.25", "yy")]
    assert aligned(rows, "<><") == ["name     volts", "a          1.5  x", "longer  -22.25  yy"]


def test_a_column_has_a_least_width():
    assert aligned([("a", "1")], ("<4", ">3")) == ["a       1"]
    assert aligned([("abcdef", "1234")], ("<4", ">3")) == ["abcdef  1234"]


def test_rows_may_end_early_and_be_empty():
    rows = [("a", "1", "x"), (), ("mean", "2"), ("a remark that goes on",)]
    assert aligned(rows, "<><") == ["a     1  x", "", "mean  2", "a remark that goes on"]


def test_a_last_cell_on_the_left_has_the_room_beside_it():
    rows = [("a", "12 % as torch", "3 s"), ("mean", "+- 0.5 points over 128 chips")]
    assert aligned(rows, "<<<") == ["a     12 % as torch  3 s", "mean  +- 0.5 points over 128 chips"]


@pytest.mark.parametrize("columns", ["20", "80", None])
def test_lines_are_the_same_on_every_terminal(monkeypatch, columns):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    assert aligned([("x" * 60, "1")], "<>") == ["x" * 60 + "  1"]


def test_a_wide_table_is_folded_beside_its_keys():
    """Would break if a column were lost, or a row were not told from the others below."""
    heading = ["name", "size", *(f"quantity {k}" for k in range(9))]
    rows = [heading, ["a", "4", *(f"{k}.5" for k in range(9))], [], ["b", "8", *(f"-{k}.25" for k in range(9))]]
    lines = aligned(rows, "<>" + 9 * ">", keys=2)
    assert max(map(len, lines)) <= 80
    assert [line.split()[:2] for line in lines if line.startswith(("a", "b"))] == [["a", "4"], ["b", "8"]] * 2
    for k in range(9):
        assert sum(f"quantity {k}" in line for line in lines) == 1
        assert sum(f"-{k}.25" in line.split() for line in lines) == 1
    assert aligned(rows, "<>" + 9 * ">") != lines
    assert aligned([row[:5] for row in rows], "<>>>>", keys=2) == aligned([row[:5] for row in rows], "<>>>>")


def test_values_with_commas_and_quotes_come_back():
    rows = [["name", "value"], ['a, "b"', "1"], [], ["two\nlines", ""]]
    assert list(csv.reader(io.StringIO(comma_separated(rows)))) == rows
    assert not comma_separated(rows).endswith("\n")


def test_sentences_wrap_and_columns_stay():
    """Would break if words were lost, or a table's numbers were torn from their column."""
    sentence = "a network of two layers on many images, whose weights were trained for ten epochs on others"
    lines = wrapped(sentence, 40)
    assert max(map(len, lines)) <= 40
    assert " ".join(line.strip() for line in lines) == sentence
    row = f"fpt        {sentence}"
    lines = wrapped(row, 60)
    assert max(map(len, lines)) <= 60
    assert all(line.startswith(" " * 11) for line in lines[1:])
    numbers = "half        16 x 16  -0.7885     0.5591   2.915e-05   5.213e-05    5.17e-05"
    assert wrapped(numbers, 60) == [numbers]
    assert wrapped(sentence, 200) == [sentence]
