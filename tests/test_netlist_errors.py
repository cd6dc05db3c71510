"""Whatever is wrong with a netlist is said in one line that names the place and the way out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netlist_tools import read_text

from xbarsim.errors import InputError
from xbarsim.netlist import NetlistError, read

BAD = {
    "r1 a": (2, "nodes"),
    "r1 a 0": (2, "no value"),
    "r1 a 0 r=": (2, "no value"),
    "r1 a 0 foo": (2, "'foo' is undefined"),
    "r1 a 0 -5": (2, "must be >= 0"),
    "r1 a 0 {2-5}": (2, "must be >= 0"),
    "r1 a 0 1e999": (2, "number"),
    "r1 a 0 1\nR1 b 0 2": (3, "taken"),
    "r1 a 0 1_0": (2, "no number"),
    "r1 a 0 1k tc1=0.1": (2, "tc1="),
    "r1 a 0 {1/0}": (2, "division by zero"),
    "r1 a 0 {sqrt(-4)}": (2, "no finite real value"),
    "r1 a 0 {ln(0)}": (2, "no finite real value"),
    "r1 a 0 {exp(1000)}": (2, "no finite real value"),
    "r1 a 0 {sqroot(4)}": (2, "did you mean 'sqrt'"),
    "r1 a 0 {1+}": (2, "ends where"),
    "r1 a 0 {}": (2, "empty"),
    "r1 a 0 {(1}": (2, "closed"),
    "r1 a 0 {1": (2, "not closed"),
    "r1 a 0 {1 2}": (2, "operator is missing"),
    "r1 a 0 {max(1)}": (2, "takes 2"),
    "r1 a 0 {1?2}": (2, "no ':'"),
    ".param ron=1\nr1 a 0 {rom}": (3, "did you mean 'ron'"),
    ".param a={b}\n.param b={a}\nr1 a 0 {a}": (4, "through itself"),
    ".param a": (2, "assign"),
    ".param a = 1 + 2": (2, "braces"),
    "v1 a 0 dc": (2, "no value"),
    "v1 a 0 1 2": (2, "unexpected"),
    "v1 a 0 sffm(1 2 3)": (2, "waveform"),
    "v1 a 0 pwl(0)": (2, "two at least"),
    "v1 a 0 1\nv2 a 0 2\nr1 a 0 1": (3, "v2 contradicts v1"),
    "v1 a 0 1\nv2 b 0 2\nr1 a b 0": (3, "v2 contradicts v1"),
    "v1 0 gnd 3": (2, "one node"),
    "c1 a 0 1p": (2, "capacitor"),
    "d1 a 0 dmod": (2, "diode"),
    "1r a 0 1": (2, "no element"),
    "b1 a 0 v=v(b)": (2, "behavioural"),
    ".tran 1n 1u": (2, "'.tran' is not supported"),
    ".dc v1 0 1 0.1": (2, "'.dc' is not supported"),
    ".ac dec 1 1 1": (2, "'.ac' is not supported"),
    ".control": (2, "'.control' is not supported"),
    ".incldue 'x'": (2, "did you mean .include"),
    ".options rshunt=1e12": (2, "rshunt"),
    ".include": (2, "names no file"),
    ".include 'missing.inc'": (2, "no such file"),
    ".include 'circuit.sp'": (2, "includes itself"),
    "+ r1 a 0 1": (2, "continue"),
    "x1 a cel\n.subckt cell p\nr1 p 0 1\n.ends": (2, "did you mean 'cell'"),
    "x1 a b cell\n.subckt cell p\nr1 p 0 1\n.ends": (2, "2 nodes, but cell has 1 port"),
    "x1": (2, "no subcircuit"),
    ".subckt": (2, "no name"),
    ".subckt a p p\n.ends": (2, "twice"),
    ".subckt a p\nr1 p 0 1": (2, "no .ends"),
    ".ends": (2, "no .subckt"),
    ".subckt a p\n.ends b": (3, "names agree"),
    ".subckt a p\n.ends\n.subckt a q\n.ends": (4, "twice"),
    "x1 a s\n.subckt s p\nx2 p s\n.ends": (4, "contains itself"),
    "x1 a s\n.subckt s p\nx2 p t\n.ends\n.subckt t p\nx3 p s\n.ends": (7, "contains itself"),
    "r1 a 0 1\n.end\nr2 a 0 1": (4, "after .end"),
    "r1 a 0 1\nr2 a\n+ 0\n+ bad": (3, "'bad' is undefined"),
    "r1 a 0 1\nr2 a 0 1\nr3 a 0 1.2.3\nr4 a 0 1": (4, "no number"),
}


@pytest.mark.parametrize("text", BAD)
def test_bad_input_is_one_line_with_its_place(tmp_path, text):
    line, words = BAD[text]
    with pytest.raises(NetlistError) as caught:
        read_text(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    assert words in message
    assert message.startswith(f"{tmp_path / 'circuit.sp'}:{line}: ")
    assert caught.value.line == line
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"title\n", "no elements"),
        (b"title\n* only a comment\n.op\n", "no elements"),
        (b"\x7fELF\0\0\0", "binary"),
        (b"title\nr1 a 0 1\nr2 \xe9 0 1\n", "UTF-8"),
    ],
)
def test_bad_files(tmp_path, data, words):
    path = tmp_path / "bad.sp"
    path.write_bytes(data)
    with pytest.raises(NetlistError, match=words):
        read(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(NetlistError, match="no such file"):
        read(tmp_path / "none.sp")
    with pytest.raises(NetlistError, match="folder"):
        read(tmp_path)
    with pytest.raises(NetlistError):
        read("\0")


@given(st.text(alphabet="rvix.+*{}()='\" \n\tab01k-/;$,?:^", max_size=60))
@settings(max_examples=400, deadline=None)
def test_no_text_whatever_breaks_the_reader(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp()
    with contextlib.suppress(NetlistError):
        read_text(folder, text)


@given(st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_bytes_whatever_break_the_reader(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.sp"
    path.write_bytes(data)
    with contextlib.suppress(NetlistError):
        read(path)
