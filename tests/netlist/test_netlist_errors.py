"""Whatever is wrong with a netlist is said in one line that names the place and the way out."""

from __future__ import annotations

import contextlib
import time

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
    "l1 a 0 1u rser=3": (2, "write it as a resistor in series with it"),
    "c1 a 0 1u rpar={2*3}": (2, "write it as a resistor across it"),
    "r1 a 0 1k 2k": (2, "'2k' after its value"),
    "r1 a 0 1k q=3": (2, "'q=' after its value"),
    "r1 a 0 r=1k 2k": (2, "'2k' after its value"),
    "r1 a 0 tc=0 5": (2, "'5' after tc="),
    "r1 a 0 1k rm": (2, "the model 'rm' is undefined"),
    "r1 a 0 l=2u": (2, "has no value"),
    "r1 a 0 rm\n.model rm d(is=1f)": (2, "r1 takes a r or res, and its model rm"),
    "r1 a 0 rm\n.model rm r(tc1=1)": (2, "r1: it has no value"),
    "r1 a 0 1k tc1=1m m=0": (2, "m=0: it must be > 0"),
    "r1 a 0 1e999": (2, "number"),
    "r1 a 0 1\nR1 b 0 2": (3, "taken"),
    "r1 a 0 1_0": (2, "no number"),
    "r1 a 0 1d-3": (2, "no number"),
    "r1 a 0 r=1+2": (2, "no number"),
    "v1 a 0 pwl(0 1+2 1 3)": (2, "no number"),
    ".param g=4k7\nr1 a 0 1": (2, "'4k7' is no number in an expression"),
    ".param g=1d3\nr1 a 0 1": (2, "'1d3' is no number in an expression"),
    ".param g=1m5\nr1 a 0 1": (2, "'1m5' is no number in an expression"),
    ".subckt s a g=4k7\nr1 a 0 1\n.ends": (2, "'4k7' is no number"),
    "x1 a s g=4k7\n.subckt s a g=1\nr1 a 0 {g}\n.ends": (2, "'4k7' is no number"),
    "r1 a 0 {1d-3}": (2, "'1d-3' is no number"),
    "r1 a 0 {2e+k}": (2, "'2e+k' is no number"),
    "v12  0) dc=0.749": (2, "')' cannot be a name"),
    "v1 a pwl() 3": (2, "'pwl()' cannot be a name"),
    "r1 a +{0.2*3}": (2, "'+{0.2*3}' cannot be a name"),
    "r1 a wl13{1/0} 3": (2, "'wl13{1/0}' cannot be a name"),
    "r1 a b(1) 3": (2, "'b(1)' cannot be a name"),
    "r(1) a b 3": (2, "'r(1)' cannot be a name"),
    "x1 '1+' s\n.subckt s a\nr1 a 0 1\n.ends": (2, "''1+'' cannot be a name"),
    ".subckt s a{1}\nr1 a 0 1\n.ends": (2, "'a{1}' cannot be a name"),
    ".global a{1}\nr1 a 0 1": (2, "'a{1}' cannot be a name"),
    "e1 a 0 b{1} 0 2\nr1 a 0 1": (2, "'b{1}' cannot be a name"),
    "v1 a 0 agauss(1)": (2, "'agauss(1)' is an expression: put braces around it, {agauss(1)}"),
    "r1 a 0 max(1k,2k)": (2, "put braces around it, {max(1k,2k)}"),
    "v1 a 0 foo(1)": (2, "the waveform 'foo' is not supported"),
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
    "v1 a 0 trnoise(1 2 3)": (2, "waveform"),
    "v1 a 0 pwl(0)": (2, "two at least"),
    "v1 a 0 1\nv2 a 0 2\nr1 a 0 1": (3, "v2 contradicts v1"),
    "v1 a 0 1\nv2 b 0 2\nr1 a b 0": (3, "v2 contradicts v1"),
    "v1 0 gnd 3": (2, "one node"),
    "d1 a 0 dmod": (2, "the model 'dmod' is undefined"),
    "1r a 0 1": (2, "no element"),
    "b1 a 0 r=v(b)": (2, "'r='"),
    ".ac dec 1 1 1": (2, "'.ac' is not supported"),
    ".control": (2, "no .endc"),
    ".control\nalter v1\n.endc": (3, "the command 'alter'"),
    "r1 a 0 1\nk1 l1 l2 0.5": (3, "k1 couples l1, which is not there"),
    "l1 a 0 1u\nl2 b 0 1u\nk1 l1 l2 1.5": (4, "factor 1.5"),
    "l1 a 0 1u\nk1 l1 0.5": (3, "couples 1 inductors"),
    "l1 a 0 1u\nl2 b 0 1u\nk1 l1 l1 0.5": (4, "twice"),
    "m1 d g s b nmos": (2, "the model 'nmos' is undefined"),
    "q1 c b e npn": (2, "BJT"),
    "v1 a 0 1\nr1 a 0 1\n.dc v1 0 1 0": (4, "never ends"),
    "v1 a 0 1\nr1 a 0 1\n.dc v1 0 1 -0.1": (4, "turn the step's sign"),
    "v1 a 0 1\nr1 a 0 1\n.dc v1 0 1 1e-12": (4, "points"),
    "v1 a 0 1\nv2 b a 1\nr1 b 0 1\n.dc v1 0 1 1e-4 v2 0 1 1e-4": (5, "points"),
    "v1 a 0 1\nr1 a 0 1\n.dc v1 0 1": (4, "3 words"),
    "vin a 0 1\nr1 a 0 1\n.dc vni 0 1 1": (4, "did you mean 'vin'"),
    "v1 a 0 1\nr1 a 0 1\n.dc v1 0 1 1 v1 0 1 1": (4, "twice"),
    "r1 a 0 1\n.tran": (3, "0 numbers"),
    "r1 a 0 1\n.tran 1u 1m 0 1u startup": (3, "LTspice's 'startup'"),
    "r1 a 0 1\n.tran -1u 1m": (3, "must be > 0"),
    "r1 a 0 1\nc1 a 0 1u\n.tran 1m 0": (4, "must be > 0"),
    "r1 a 0 1\nc1 a 0 1u\n.tran 1m -1": (4, "must be > 0"),
    "r1 a 0 1\nc1 a 0 1u\n.tran 2m 1m": (4, "the step first"),
    "r1 a 0 1\nc1 a 0 1u\n.tran 1u 1m 0 -1u": (4, "longest step"),
    "r1 a 0 1\nc1 a 0 1u ic=1e400\n.tran 1u 1m": (3, "1e400"),
    "r1 a 0 1\nc1 a 0\n.tran 1u 1m": (3, "c1: it has no value"),
    "r1 a 0 1\nc1 a 0 1u rser=2\n.tran 1u 1m": (3, "resistor in series"),
    "r1 a 0 1\nl1 a 0\n.tran 1u 1m": (3, "0 henries"),
    "r1 a 0 1\nl1 a 0 1u cpar=1p\n.tran 1u 1m": (3, "'cpar'"),
    "r1 a 0 1\nc1 a 0 1u\n.options method=euler\n.tran 1u 1m": (4, "trap or gear"),
    "r1 a 0 1\nc1 a 0 1u\n.options reltol=0\n.tran 1u 1m": (4, "reltol=0"),
    "r1 a 0 1\nc1 a 0 1u\n.nodeset a=1\n.tran 1u 1m": (4, ".nodeset"),
    "r1 a 0 1\n.tran 1m 10m 10m": (3, "start in [0, stop)"),
    "r1 a 0 1\n.tran 1p 1": (3, "points"),
    "r1 a 0 1\nm1 a a 0 0 x\n.model x nmos(cgso=1n)\n.tran 1m 10m": (5, "holds a state"),
    "v1 a 0 pulse(0 1)\nr1 a 0 1\n.tran 1 2\n.tran 1 3": (2, "two different ones"),
    "v1 a 0 pwl(0 0 1 1) r=0.5": (2, "one of its times"),
    "v1 a 0 pwl(0 0 1 1 0.5 2)": (2, "do not increase"),
    "v1 a 0 pwl(0 0 1)": (2, "pairs"),
    "v1 a 0 sin(0 1 2 3 4 5 6)": (2, "at most"),
    "v1 a 0 1 td=3": (2, "belong to PWL"),
    "e1 a 0 b c": (2, "too few words"),
    "e1 a 0 vol='v(b)*'": (2, "ends where a number"),
    "g1 a 0 laplace {v(b)} 1": (2, "LAPLACE"),
    "e1 a 0 table {v(b)} = (0,0)": (2, "incomplete TABLE"),
    "e1 a 0 poly(2) b 0 1 2": (2, "too few words"),
    "e1 a 0 poly(x) b 0 1 2": (2, "POLY(x)"),
    "e1 a 0 b 0 2 max=1": (2, "'max=', which is not supported: write the law with min() and max()"),
    "v2 a 0 1 rser=10": (2, "'rser=', which is not supported: write it as a resistor in series"),
    "b1 a 0 i=v(a) rpar=1k": (2, "'rpar=', which is not supported: write it as a resistor across"),
    "f1 a 0 v9 2": (2, "is not in the circuit"),
    "r1 a 0 1\nf1 a 0 r1 2": (3, "has no current"),
    "f1 a 0 v1 {1/0}": (2, "division by zero"),
    "e1 a 0 b 0 1\ne1 b 0 a 0 1": (3, "taken"),
    ".func f(x)": (2, "empty"),
    ".func f": (2, "defines no function"),
    ".func f(x,x) {x}": (2, "parameter twice"),
    ".func f(x) {f(x)}\nr1 a 0 {f(1)}": (3, "calls itself"),
    ".func f(x) {g(x)}\n.func g(x) {f(x)}\nr1 a 0 {f(1)}": (4, "calls itself"),
    ".func f(x) {x}\nr1 a 0 {f(1,2)}": (3, "takes 1 argument, not 2"),
    "x1 a s\n.subckt s p\n.func f(x) {x}\nr1 p 0 {f(1)}\n.ends\nr2 a 0 {f(1)}": (7, "is unknown"),
    "x1 a s m=2\n.subckt s p\nr1 p 0 1 m=2\n.ends": (4, "write one 'm='"),
    "x1 a s m=2\n.subckt s p\nx2 p t m=2\n.ends\n.subckt t p\nr1 p 0 1\n.ends": (4, "write one 'm='"),
    "x1 a s m=0\n.subckt s p\nr1 p 0 1\n.ends": (2, "must be > 0"),
    ".endl": (2, "no .lib"),
    ".lib 'circuit.sp' tt": (2, "no section 'tt'"),
    ".lib 'missing.lib' tt": (2, "no such file"),
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
        (b"title\nr1 a 0 1\nr2 \x81 0 1\n", "bad.sp:3: .*UTF-8"),
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


@pytest.mark.slow
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


def test_latin_1_in_comments_and_the_title_is_read(tmp_path):
    path = tmp_path / "a.sp"
    path.write_bytes(b"r\xe9sistance\n* \xb5\nr1 a 0 1 ; 1 \xd6hm\n.op\n")
    assert read(path).names == ["r1"]


LARGE = {
    "a doubling bomb": ("".join(f".subckt s{k} p\nx1 p s{k + 1}\nx2 p s{k + 1}\n.ends\n" for k in range(60))
                        + ".subckt s60 p\nr1 p 0 1\n.ends\nx0 a s0", "expand to over 1e15 elements"),
    "functions that call each other": ("".join(f".func f{k}(x) {{f{k + 1}(x)+f{k + 1}(x)}}\n" for k in range(60))
                                       + ".func f60(x) {x}\nr1 a 0 {f0(1)}", "function calls"),
    "a long word": ("r1 a 0 " + "z" * 1_000_000, "is undefined"),
    "a long expression": ("r1 a 0 {" + "1+" * 200_000 + "}", "ends where"),
    "open parentheses": ("r1 a 0 {" + "(" * 100_000 + "}", "it is empty"),
    "parentheses for nodes": ("r1 " + "(" * 100_000, "nodes"),
    "an unknown subcircuit with a long name": ("x1 a " + "q" * 1_000_000, "is undefined"),
    "an unknown card with a long name": ("." + "q" * 1_000_000, "is not supported"),
    "many nodes": ("x1 " + "n " * 300_000 + "cell\n.subckt cell p\nr1 p 0 1\n.ends", "300000 nodes"),
    "many ports": (".subckt s " + " ".join(f"p{k}" for k in range(100_000)) + " p0\n.ends", "twice"),
}  # fmt: skip


@pytest.mark.parametrize("case", LARGE)
def test_huge_nonsense_is_refused_soon_and_in_few_words(tmp_path, case):
    text, words = LARGE[case]
    start = time.perf_counter()
    with pytest.raises(NetlistError) as caught:
        read_text(tmp_path, text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert time.perf_counter() - start < 10


LARGE_AND_GOOD = {
    "a megabyte of parameters": ".param " + " ".join(f"p{k}={k}" for k in range(80_000)) + "\nr1 a 0 {p7}",
    "a megabyte of points": "v1 a 0 pwl(" + " ".join(f"{k} {k}" for k in range(80_000)) + ")\nr1 a 0 1",
    "parentheses": "r1 a 0 {" + "(" * 100_000 + "1" + ")" * 100_000 + "}",
    "comments before a continuation": "r1 a 0\n" + "* c\n" * 100_000 + "+ 1",
    "comments after each continuation": "r1 a 0 1\n" + "* c\n+\n" * 50_000,
    "nested subcircuits": "x0 a s0\n" + "".join(f".subckt s{k} p\nx{k} p s{k + 1}\n" for k in range(1000))
    + ".subckt s1000 p\nr1 p 0 1\n.ends\n" + ".ends\n" * 1000,
    "many subcircuits": "\n".join(f".subckt s{k} p\nr1 p 0 {k}.5\n.ends\nx{k} a s{k}" for k in range(5000)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE_AND_GOOD)
def test_huge_netlists_are_read_soon(tmp_path, case):
    start = time.perf_counter()
    assert "r" in {name[0] for name in read_text(tmp_path, LARGE_AND_GOOD[case]).names}
    assert time.perf_counter() - start < 10


def test_a_library_of_subcircuits_says_what_to_do_with_it(tmp_path):
    path = tmp_path / "cell.sub"
    path.write_text("* a model\n.subckt cell te be\nr1 te be 1k\n.ends\n")
    with pytest.raises(NetlistError, match=r"subcircuits alone, cell: \.include it in a netlist with elements"):
        read(path)


def test_a_parenthesis_that_ltspice_closes(tmp_path):
    path = tmp_path / "open.sp"
    path.write_text("t\nb1 a 0 i={1m*sinh((v(a)/2)}\nv1 a 0 1\n")
    with pytest.raises(NetlistError, match=r"a '\(' is not closed: write its '\)', which LTspice adds at the end"):
        read(path)
