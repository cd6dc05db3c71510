"""``i(name)`` in laws, of elements of every kind."""

from __future__ import annotations

import math

import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.netlist import NetlistError

V_T = 1.38064852e-23 * 300.15 / 1.6021766208e-19


def solved(tmp_path, text: str) -> dict[str, float]:
    circuit = read_text(tmp_path, text)
    (result,) = simulate(circuit, circuit.recognise())
    table = {f"v({name})": value for name, value in zip(result.nodes, result.voltages[0].tolist(), strict=True)}
    return table | {f"i({n})": x for n, x in zip(result.branches, result.currents[0].tolist(), strict=True)}


# A law of 1 V, 0.4 mA flowing from a to b through the element in question.
CASES = {
    "resistor": ("R1 a b 2.5k\nVb b 0 0", "r1", 0.4e-3),
    "resistor turned": ("R1 b a 2.5k\nVb b 0 0", "r1", -0.4e-3),
    "resistor of 0 ohm": ("R1 a b 0\nR2 b 0 2.5k", "r1", 0.4e-3),
    "current source": ("I1 a 0 0.4m\nR2 a 0 1k", "i1", 0.4e-3),
    "G with a gain": ("G1 a 0 a 0 0.4m", "g1", 0.4e-3),
    "G of a number": ("G1 a 0 cur=0.4m", "g1", 0.4e-3),
    "G with a law": ("G1 a 0 value={0.4m*v(a)**3}", "g1", 0.4e-3),
    "B of current": ("B7 a 0 i=0.4m*sqrt(v(a))", "b7", 0.4e-3),
    "F": ("Vb b 0 0\nR2 a b 5k\nF1 a 0 Vb 2", "f1", 0.4e-3),
    "E with a gain": ("E1 b 0 a 0 0.5\nR2 a b 1.25k", "e1", 0.4e-3),
    "E with a law": ("E1 b 0 vol={0.5*v(a)}\nR2 a b 1.25k", "e1", 0.4e-3),
    "inductor": ("L1 a b 1u\nR2 b 0 2.5k", "l1", 0.4e-3),
    "capacitor": ("C1 a 0 1n", "c1", 0.0),
    "diode": ("D1 a 0 d0\n.model d0 d(is=1e-15 n=2)", "d1", 1e-15 * math.expm1(1 / (2 * V_T)) + 1e-12),
    "in an instance": ("X1 a 0 s\n.subckt s p q\nR5 p m 1k\nR6 m q 1.5k\n.ends", "x1.r6", 0.4e-3),
    "by its whole name": ("X1 a 0 s\n.subckt s p q\nR5 p m 1k\nR6 m q 1.5k\n.ends", "r.x1.r6", 0.4e-3),
    "with a colon": ("X1 a 0 s\n.subckt s p q\nR5 p m 1k\nR6 m q 1.5k\n.ends", "x1:r6", 0.4e-3),
}


@pytest.mark.parametrize("case", CASES)
def test_currents_of_all_kinds(tmp_path, case):
    elements, name, amperes = CASES[case]
    got = solved(tmp_path, f"Va a 0 1\n{elements}\nBo o 0 v=1k*i({name})\nRo o 0 1k")
    assert got["v(o)"] == pytest.approx(1e3 * amperes, rel=1e-9, abs=1e-18)
    # The ammeter is not among the answers, and changes none of them.
    bare = solved(tmp_path, f"Va a 0 1\n{elements}\nVo o 0 {got['v(o)']!r}\nRo o 0 1k")
    assert {k: v for k, v in got.items() if "o)" not in k} == pytest.approx(
        {k: v for k, v in bare.items() if "o)" not in k}, rel=1e-9, abs=1e-18
    )


def test_every_instance_has_its_own(tmp_path):
    text = """
.subckt cell p n g=1m
Gm p n value={g*v(p,n)}
Bs 0 s i={10*i(Gm)}
Rs s 0 1
.ends
V1 a 0 0.5
X1 a 0 cell
X2 a 0 cell g=3m
X3 0 a cell
"""
    got = solved(tmp_path, text)
    assert [got[f"v(x{k}.s)"] for k in (1, 2, 3)] == pytest.approx([5e-3, 15e-3, -5e-3], rel=1e-12)
    assert set(got) == {"v(a)", "v(x1.s)", "v(x2.s)", "v(x3.s)", "i(v1)"}


def test_two_laws_share_an_ammeter_and_one_feeds_itself(tmp_path):
    # i = v/R + 0.5 i: the current of R1 twice, and B3's own.
    text = "V1 a 0 1\nR1 a b 1k\nR2 b 0 1k\nB1 c 0 v=i(R1)*1k\nB2 d 0 v=i(R1)*2k\nB3 a 0 i=1m*v(a)+0.5*i(B3)\nR3 c d 1k"
    got = solved(tmp_path, text)
    assert (got["v(c)"], got["v(d)"]) == pytest.approx((0.5, 1.0), rel=1e-12)
    assert got["i(v1)"] == pytest.approx(-0.5e-3 - 2e-3, rel=1e-12)


@needs_ngspice
def test_as_ngspice_has_them(tmp_path):
    text = """
V1 a 0 0.8
R1 a b 1k
D1 b c dm
.model dm d(is=1e-12)
G1 c 0 value={1m*v(c)+2m*v(c)**3}
C1 c 0 1p
B1 o 0 v={1k*i(R1)+2k*i(D1)+3.5k*i(G1)+i(C1)}
R2 o 0 1k
.op
.end
"""
    got = solved(tmp_path, text)
    expected = ngspice(tmp_path / "circuit.sp")
    assert got["v(o)"] == pytest.approx(expected["v(o)"], rel=1e-6)
    assert got["v(c)"] == pytest.approx(expected["v(c)"], rel=1e-6)


def test_a_name_that_is_none(tmp_path):
    with pytest.raises(NetlistError, match=r"b1 asks for i\(r9\), which has no current of its own"):
        read_text(tmp_path, "V1 a 0 1\nR1 a 0 1k\nB1 b 0 v=i(R9)\nR2 b 0 1k")
