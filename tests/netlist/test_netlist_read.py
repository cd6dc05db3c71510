"""The language: what each card means, checked against ngspice where it is there."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from netlist_tools import needs_ngspice, ngspice, read_text, solve_elements

from xbarsim.netlist import NetlistError, read
from xbarsim.netlist.values import parse_number

LITERALS = {
    "1k": 1e3, "1kohm": 1e3, "4k7": 4e3, "1meg": 1e6, "2.5MEGohm": 2.5e6, "1mil": 2.54e-5, "1d3": 1e3, "1f": 1e-15,
    "1a": 1.0, "1.e3": 1e3, ".5": 0.5, "+5": 5.0, "1e+3k": 1e6, "1T": 1e12, "1g": 1e9, "1x": 1.0, "10m5": 0.01,
    "1MΩ": 1e-3, "1MegΩ": 1e6, "1µ": 1e-6, "1u": 1e-6, "1n": 1e-9, "1p": 1e-12, "1e": 1.0, "1e3e2": 1e3,
    "2.5ek": 2500, "2.5eg": 2.5e9, "2.5emeg": 2.5e6, "2.5em": 2.5e-3, "2.5emil": 6.35e-5, "1dk": 1e3, "1d2k": 1e5,
}  # fmt: skip

EXPRESSIONS = {
    "-2^2": -4, "2^3^2": 64, "(-2)^3": 8, "(-2)**3": 8, "pwr(-2,3)": 8, "pow(-2,3)": -8, "2**-1": 0.5,
    "3*-2^2": 12, "-2^-2": -0.25, "log(10)": np.log(10), "ln(2)": np.log(2), "log10(100)": 2, "sgn(-2)": -1,
    "int(-2.7)": -2, "nint(2.5)": 2, "floor(-2.5)": -3, "ceil(2.1)": 3, "min(1,2)": 1, "max( 1 , 2 )": 2,
    "1>2?3:4": 4, "0?1:0?2:3": 3, "1?2?3:4:5": 3, "ternary_fcn(1,5,6)": 5, "7%4": 3, "-7%4": -3, "7\\2": 3,
    "1-2-3": -4, "1/4/2": 0.125, "2--1": 3, "!1+1": 1, "2>1>0": 1, "1||0": 1, "1&&0": 0, "1<>2": 1, "1k*2": 2000,
    "1mil": 1e-3, "sqrt(4)+abs(-3)": 5, "atan(1)*4": np.pi, "1==1": 1, "sqr(3)": 9, "exp(1)": np.e,
    "2ek+1": 2001, ".5ek": 500, "1e2mil": 0.1, "1+2e": 3, "2d*2": 4,
}  # fmt: skip

SOURCES = {
    "1": 1, "dc 1": 1, "DC=2": 2, "dc = 2": 2, "3 ac 1": 3, "ac 1 dc 3": 3, "ac 1": 0, "pwl(0 1 1 2)": 1,
    "pwl(1 3 2 5)": 3, "pwl(-1 1 1 3)": 2, "PWL 0 4 1 5": 4, "pulse(1 2 0 1n 1n 1 2)": 1, "pulse 1 2 0 1n": 1,
    "sin(1 2 1k 0 0 90)": 3, "sin(1 2 1k)": 1, "dc 3 pulse(1 2)": 3, "pulse(1 2) dc 3": 3, "-5 ac 1 sin(0 1 1k)": -5,
    "exp(1 2 0 1 2 1)": 1, "{1+2}": 3, "'1+2'": 3, "dc {1+2}": 3, "sin(1 2 1 -0.1)": 1 + 2 * np.sin(0.2 * np.pi),
}  # fmt: skip

RESISTORS = {
    "1k": 1e3, "r=1k": 1e3, "R = 1k": 1e3, "resistance=1k": 1e3, "r='1k*2'": 2e3, "R={1k*2}": 2e3, "{1k}": 1e3,
    "1k m=2": 500, "'2k'": 2e3, "(1k)": 1e3, "1k $ c": 1e3, "1k ; c": 1e3, "1k // c": 1e3, "1k noisy=0": 1e3,
    "1k;c": 1e3, "p": 7.0, "{p+1}": 8.0, "1k ac=5": 1e3, 'r="1k"': 1e3,
}  # fmt: skip


def value_of(tmp_path, text, name):
    circuit = read_text(tmp_path, text)
    return circuit.values[circuit.names.index(name)]


@pytest.mark.parametrize("literal", LITERALS)
def test_numbers(tmp_path, literal):
    assert value_of(tmp_path, f"v1 a 0 {literal}", "v1") == pytest.approx(LITERALS[literal], rel=1e-15)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_double_is_read_exactly(value):
    assert parse_number(repr(value)) == value


@given(st.text(alphabet="0123456789.+-edkmegil_x", max_size=12))
def test_any_text_is_a_number_or_none(text):
    value = parse_number(text)
    assert value is None or np.isfinite(value)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(tmp_path, expression):
    text = f".param q={{{expression}}}\nv1 a 0 {{q}}"
    assert value_of(tmp_path, text, "v1") == pytest.approx(EXPRESSIONS[expression], rel=1e-15)


@pytest.mark.parametrize("words", SOURCES)
def test_sources(tmp_path, words):
    assert value_of(tmp_path, f"v1 a 0 {words}", "v1") == pytest.approx(SOURCES[words], rel=1e-14)
    assert value_of(tmp_path, f"i1 a 0 {words}", "i1") == pytest.approx(SOURCES[words], rel=1e-14)


@pytest.mark.parametrize("words", RESISTORS)
def test_resistors(tmp_path, words):
    assert value_of(tmp_path, f".param p=7\nr1 a 0 {words}", "r1") == pytest.approx(RESISTORS[words], rel=1e-15)


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.parametrize("table", [LITERALS, SOURCES, EXPRESSIONS], ids=["numbers", "sources", "expressions"])
def test_ngspice_reads_the_same(tmp_path, table):
    words = {f"{{{w}}}" if table is EXPRESSIONS else w: value for w, value in table.items()}
    lines = [f"v{k} n{k} 0 {w}\nr{k} n{k} 0 1k" for k, w in enumerate(words)]
    path = tmp_path / "a.sp"
    path.write_text("title\n" + "\n".join(lines) + "\n.op\n.end\n", encoding="utf-8")
    theirs = ngspice(path)
    circuit = read(path)
    for k in range(len(words)):
        ours = circuit.values[circuit.names.index(f"v{k}")]
        assert theirs[f"v(n{k})"] == pytest.approx(ours, rel=1e-12), circuit.where(2 * k)


SUBCIRCUITS = {
    "a caller's parameters are seen": "x1 a mid p=5\n.subckt mid n p=1\nx2 n leaf\n.ends\n.subckt leaf n\n"
    "v9 k 0 {p}\nr1 n k {p}\n.ends\n.param p=7",
    "parameters may come after their use": "x1 a mid\n.subckt mid n\nr1 n 0 {q}\n.param q={z*2}\n.param z=4\n.ends",
    "a default may use another": "x1 a mid a1=10\n.subckt mid n p={a1*2} a1=2\nr1 n 0 {p}\n.ends",
    "params: is optional": "x1 a mid params: a1=10\n.subckt mid n params: a1=2\nr1 n 0 {a1}\n.ends",
    "an instance's value beats the body's": "x1 a mid a1=10\n.subckt mid n a1=2\n.param a1=5\nr1 n 0 {a1}\n.ends",
    "ground is global": "x1 a mid\n.subckt mid p\nr1 p b 1\nr2 b GND 1\n.ends",
    "a .global node is global": ".global vdd\nv2 vdd 0 3\nx1 a mid\n.subckt mid n\nr1 vdd n 1\nr2 n 0 1\n.ends",
    "definitions nest": "x1 a o\n.subckt o q\n.subckt i z\nr1 z 0 2\n.ends i\nx2 q i\n.ends o",
    "sources inside are named": "x1 a o\n.subckt o q\nx2 q i\n.ends\n.subckt i z\nv1 z k 0\nr1 k 0 2\n.ends i",
    "ports may stand in parentheses": "x1 (a 0) o\n.subckt o (p q)\nr1 p q 1\n.ends",
    "gnd! and 00 are nodes": "r1 a gnd! 1\nr2 gnd! 00 1\nr3 00 0 1",
    "names may be odd": "r1 a w[0] 1\nr2 w[0] w<1> 1\nr3 w<1> a.b 1\nr4 a.b 0_1 1\nr5 0_1 0 1",
    "commas and parentheses around nodes": "r1 (a,b) 1\nr2 b, 0 1",
    "comments before a continuation": "r1 a\n\n* c\n   + 0 \n  +1k",
    "case does not matter": "R1 A OUT 1K\nr2 out 0 1MEG",
}


@pytest.mark.parametrize("case", SUBCIRCUITS)
def test_the_circuit_is_what_ngspice_makes_of_it(tmp_path, case):
    path = tmp_path / "a.sp"
    path.write_text(f"title\nv1 a 0 1\n{SUBCIRCUITS[case]}\n.op\n.end\n")
    circuit = read(path)
    names = circuit.nodes
    elements = [
        (name.split(".")[0][0] + name, names[a], names[b], float(value))
        for name, a, b, value in zip(circuit.names, circuit.first, circuit.second, circuit.values, strict=True)
    ]
    volts, currents = solve_elements(elements)
    if needs_ngspice.args[0]:
        return
    ours = {f"v({k})": v for k, v in volts.items()} | {f"i({k[1:]})": v for k, v in currents.items()}
    theirs = ngspice(path)
    assert ours.keys() == theirs.keys()
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_nesting_has_no_limit(tmp_path):
    depth = 1500
    text = "v1 a 0 1\nx0 a s0\n"
    text += "".join(f".subckt s{k} p\nx{k} p s{k + 1}\n.ends\n" for k in range(depth))
    text += f".subckt s{depth} p\nr1 p 0 {{{'(' * 3000}1k{')' * 3000}}}\n.ends\n"
    text += "".join(f".param q{k}={{q{k + 1}}}\n" for k in range(3000)) + ".param q3000=2\nr2 a 0 {q0}"
    circuit = read_text(tmp_path, text)
    assert sorted(circuit.values) == [1.0, 2.0, 1000.0]


def test_includes_are_found_beside_the_file_that_names_them(tmp_path):
    (tmp_path / "Sub Dir").mkdir()
    (tmp_path / "Sub Dir" / "Inner.inc").write_text("r2 a 0 2\n")
    (tmp_path / "Sub Dir" / "Outer.inc").write_text("r1 a 0 1 ; first\n.include 'Inner.inc'\n")
    circuit = read_text(tmp_path, 'v1 a 0 1\n.INCLUDE "Sub Dir/Outer.inc"\nr3 a 0 3\n')
    assert circuit.names == ["v1", "r1", "r2", "r3"]
    assert circuit.where(2).endswith("Inner.inc:1")


def test_line_ends_and_the_title(tmp_path):
    path = tmp_path / "a.sp"
    path.write_bytes(b"\xef\xbb\xbfr1 a 0 1\r\nV1\ta 0 1\r\nr2 a\r\n+ 0 1k\r\n.end")
    circuit = read(path)
    assert circuit.title == "r1 a 0 1"
    assert circuit.names == ["v1", "r2"]
    assert circuit.where(1) == f"{path}:3"


def test_a_lone_carriage_return_is_a_blank(tmp_path):
    """ngspice takes it so in a file that has newlines; in one that has none it ends the lines."""
    path = tmp_path / "a.sp"
    path.write_bytes(b"t\rv9 b 0 1\nv1 a 0\n\r+ 2 ; c\rr9 b 0 1\nr1 a\t\r0 {1+\r1}\r\r\n")
    circuit = read(path)
    assert dict(zip(circuit.names, circuit.values, strict=True)) == {"v1": 2, "r1": 2}
    assert circuit.where(1) == f"{path}:4"
    path.write_bytes(b"t\rv1 a 0 2\rr1 a 0 1\r.op")
    assert read(path).names == ["v1", "r1"]


def test_a_stream_is_read_too():
    assert read(io.StringIO("title\nr1 a 0 1\n")).names == ["r1"]


def test_zero_ohm_stays_zero_and_is_said_once(tmp_path):
    circuit = read_text(tmp_path, "v1 a 0 1\nr1 a b 0\nr2 b c 0\nr3 c 0 1")
    assert list(circuit.values[1:3]) == [0, 0]
    notes = [note for note in circuit.notes if "0 ohm" in note]
    assert len(notes) == 1
    assert "r1 and 1 more" in notes[0]


def test_output_cards_change_nothing(tmp_path):
    text = "v1 a 0 1\nr1 a 0 1\n.print op v(a)\n.save all\n.options reltol=1e-6\n.temp 27\n.width out=80\n.op"
    circuit = read_text(tmp_path, text)
    assert len(circuit.names) == 2
    assert len(circuit.notes) == 2  # .temp is not among them: devices depend on it
    assert circuit.requests == (".print op v(a)", ".save all")


def test_params_is_no_subcircuit_in_a_run_of_x_cards(tmp_path):
    """Two X cards with as many words: in the second one of them is the keyword."""
    text = "t\nv1 a 0 1\nx1 a 0 s2 p0=1\nx2 a s1 params: p0=2\n.subckt s2 x y p0=5\nr1 x y {p0}\n.ends\n"
    (tmp_path / "p.sp").write_text(text + ".subckt s1 x p0=5\nr1 x 0 {p0}\n.ends\n.op\n")
    circuit = read(tmp_path / "p.sp")
    assert sorted(circuit.values.tolist()) == [1.0, 1.0, 2.0]


def test_a_bare_value_comes_before_dc(tmp_path):
    """What ngspice 39 answers for a source that says both."""
    (tmp_path / "v.sp").write_text("t\nv1 a 0 5 dc 2\nv2 b 0 dc 3\nr1 a 0 1\nr2 b 0 1\n.op\n")
    assert read(tmp_path / "v.sp").values.tolist() == [5.0, 3.0, 1.0, 1.0]


CELL = ".subckt cell a b r=1\nrc a b {r}\n.ends\n"
KINDS = (("r", "5"), ("  V", "1"), ("x", "cell r=2"))
MIXED = [f"{kind}{i} n{i} m{i} {tail}" for i in range(3) for kind, tail in KINDS]


def test_plain_elements_between_cells_keep_their_places(tmp_path):
    """They are read in one run; names, nodes and lines stay each other's."""
    circuit = read_text(tmp_path, CELL + "\n".join(MIXED))
    where = dict(zip(circuit.names, circuit.origins.tolist(), strict=True))
    nodes = {
        name: (circuit.nodes[a], circuit.nodes[b])
        for name, a, b in zip(circuit.names, circuit.first.tolist(), circuit.second.tolist(), strict=True)
    }
    for row in range(3):
        for at, name in enumerate((f"r{row}", f"v{row}")):
            assert circuit.places.where(where[name]).endswith(f":{5 + 3 * row + at}")
            assert nodes[name] == (f"n{row}", f"m{row}")
    assert sum(name.startswith("r.x") for name in circuit.names) == 3


@pytest.mark.parametrize("row", range(len(MIXED)))
def test_a_bad_value_among_cells_and_plain_elements_is_at_its_line(tmp_path, row):
    lines = list(MIXED)
    lines[row] = lines[row].rsplit(maxsplit=1)[0] + (" r=1k.." if "cell" in lines[row] else " 1k..")
    with pytest.raises(NetlistError, match=rf":{5 + row}: .*1k\.\."):
        read_text(tmp_path, CELL + "\n".join(lines))
