"""Parameter expressions as ngspice 39 computes them, and a note where it reads them otherwise."""

from __future__ import annotations

import math

import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.netlist import NetlistError

GIVEN = ".param a=3 b=-1.5 x=1\n"

# Text: value in ngspice 39.
SAME = {
    "1%0.1": 0.0, "7.5%1e-3": 0.0, "7%3": 1.0, "-7%3": -1.0, "(0-7)%3": -1.0, "7%-3": 1.0, "2.5%1": 0.5,
    "(0-7)\\2": 3.0, "7\\2": 3.0, "-7\\2": -3.0, "7\\-2": 3.0, "(b*3)\\a": 1.0,
    "2*-3": -6.0, "2^-1": 0.5, "2*-3^2": 18.0, "--2": 2.0, "-2^2": -4.0, "-a*b": 4.5, "a-b-1": 3.5,
    "0==3<2": 1.0, "5==3<1": 1.0, "1<2==1": 1.0, "2==2<1": 0.0, "3>2>1": 0.0, "1||0&&0": 1.0, "!0+1": 2.0,
    "1?-2^2:5": 4.0, "0?1:-2": -2.0, "0?1:0?2:3": 3.0, "1?2:0?3:4": 2.0, "(1?2:3)+1": 3.0,
    "nint(2.5)+nint(3.5)": 6.0, "int(-2.7)": -2.0, "log(10)": math.log(10), "pwr(-2,2)": 4.0, "2^3^2": 64.0,
}  # fmt: skip

# Text: xbarsim's value, ngspice's.
NOTED = {
    "8*--2": (16.0, -16.0), "4---2": (2.0, 6.0), "---2": (-2.0, 2.0), "2*-a+1": (-5.0, 5.0), "a--(b)+1": (2.5, 3.5),
    "4*-(a)*-2": (24.0, -24.0), "1?a:b?x?4:5:6": (3.0, 4.0),
}  # fmt: skip


def value(tmp_path, text: str) -> tuple[float, list[str]]:
    circuit = read_text(tmp_path, f"{GIVEN}V1 n 0 {{{text}}}\nR1 n 0 1k\n.op\n.end")
    return float(circuit.values[circuit.names.index("v1")]), [n for n in circuit.notes if "ngspice reads" in n]


@pytest.mark.parametrize("text", SAME)
def test_values(tmp_path, text):
    got, notes = value(tmp_path, text)
    assert got == pytest.approx(SAME[text], rel=1e-15, abs=1e-15)
    assert not notes


@pytest.mark.parametrize("text", NOTED)
def test_what_ngspice_reads_otherwise_is_noted(tmp_path, text):
    got, notes = value(tmp_path, text)
    assert got == NOTED[text][0]
    assert len(notes) == 1
    assert notes[0].startswith(f"{tmp_path / 'circuit.sp'}:3: ngspice reads '{text}' otherwise")


@needs_ngspice
@pytest.mark.ngspice
def test_ngspice_gives_these_values(tmp_path):
    texts = SAME | {text: values[1] for text, values in NOTED.items()}
    cards = [f"V{k} n{k} 0 {{{text}}}\nR{k} n{k} 0 1k" for k, text in enumerate(texts)]
    path = tmp_path / "all.sp"
    path.write_text("\n".join(["t", GIVEN, *cards, ".op", ".end", ""]))
    theirs = ngspice(path)
    got = [theirs[f"v(n{k})"] for k in range(len(texts))]
    assert got == pytest.approx(list(texts.values()), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("text", ["2*-a", "a--b", "max(-a,2*-b)+3", "2*(-a)+3", "(8*-(2))", "1?(a?2:3):4"])
def test_where_ngspice_refuses_or_agrees_there_is_no_note(tmp_path, text):
    assert value(tmp_path, text)[1] == []


def test_rounding_and_single_ands_and_ors(tmp_path):
    assert value(tmp_path, "round(2.5)*10+round(-0.5)+round(1.4)")[0] == 30.0
    assert value(tmp_path, "(a>2&b>2)+2*(a>2|b>2)+4*(0|0)")[0] == 2.0


def test_a_doubt_in_a_card_of_many_is_noted_once_at_its_line(tmp_path):
    circuit = read_text(
        tmp_path, ".param q=2\n.param p=8*--q+1\nR1 a 0 {p}\nV1 a 0 1\n.subckt s a r={3*--q+1}\nR a 0 1\n.ends"
    )
    notes = [note for note in circuit.notes if "ngspice reads" in note]
    assert [note.split(":")[1] for note in notes] == ["3", "6"]


@pytest.mark.parametrize(("text", "said"), [("1%0", "division by zero"), ("1\\0", "division by zero")])
def test_what_has_no_value(tmp_path, text, said):
    with pytest.raises(NetlistError, match=said):
        value(tmp_path, text)
