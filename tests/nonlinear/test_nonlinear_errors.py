"""Cards of nonlinear elements that are refused or noted: one line, with their place."""

import pytest
from netlist_tools import read_text

from xbarsim.netlist import NetlistError

DIODE, NMOS = "\n.model dm d", "\n.model nm nmos"

BAD = {
    "b1 b 0": (2, "no law"),
    "b1 b i=1": (2, "no law"),
    "b1 b 0 i=1 v=2": (2, "two laws"),
    "b1 b 0 i=v(b) m=2 zz=3": (2, "'zz='"),
    "b1 b 0 i=v(b) m=2 3": (2, "'3' is unexpected"),
    "b1 b 0 i=": (2, "empty"),
    "b1 b 0 i={zz*v(b)}": (2, "'zz' is undefined"),
    "b1 b 0 i={1/0}": (2, "no finite value"),
    "b1 b 0 i={i(q)}": (2, "i(q), which has no current of its own"),
    "vmeter b 0 1\nb1 a 0 v={i(vmetre)}": (3, "did you mean 'vmeter'"),
    "b1 b 0 i={f(v(b))}\n.func f(x) {g(x)}\n.func g(x) {f(x)}": (2, "calls itself"),
    "b1 b 0 i={f(v(b),1)}\n.func f(x) {x}": (2, "takes 1 argument, not 2"),
    "b1 b 0 i={f(a)}\n.func f(x) {v(x)}": (2, "of an argument"),
    "b1 b 0 i={v(b)}\nb1 b 0 i={v(b)}": (3, "taken, first at"),
    "r1 a 0 'v(a)' tc1=1": (2, "'tc1='"),
    "r1 a 0 'v(a)+'": (2, "')' stands where"),
    "e1 b 0 table {v(a)} = (1)": (2, "incomplete TABLE"),
    "b1 b 0 i={pwl(v(b),0,0,2,1m,1,2m)}": (2, "must ascend"),
    "b1 b 0 i={pwl(v(b),0,0,1,1m,1,2m)}": (2, "must ascend"),
    "e1 b 0 table {v(a)} = (0,0) (2,1) (1,3)": (2, "must ascend"),
    "g1 a 0 poly(2) a 0 b 0": (2, "too few words"),
    "d1 b 0": (2, "1 of its 2 nodes"),
    "d1 b 0 dm": (2, "the model 'dm' is undefined"),
    "d1 b 0 diod\n.model diode d": (2, "did you mean 'diode'"),
    "d1 b 0 nm" + NMOS: (2, "takes a d, and its model nm"),
    "d1 b 0 dm zz=3" + DIODE: (2, "'zz='"),
    "d1 b 0 dm 1 2" + DIODE: (2, "'2' is unexpected"),
    "d1 b 0 dm area=0" + DIODE: (2, "must be > 0"),
    "d1 b 0 dm\nd2 b 0 dm area=-1\nd3 b 0 dm area=1" + DIODE: (3, "d2 (dm): area times m is -1"),
    "d1 b 0 dm" + DIODE + "(is=-1)": (2, "is=-1: it must be > 0"),
    "d1 b 0 dm" + DIODE + "(bv=-5)": (2, "bv=-5"),
    "d1 b 0 dm" + DIODE + "(level=2)": (2, "level=2 is not supported"),
    "d1 b 0 dm" + DIODE + "(isr=1e-9)": (3, "recombination"),
    "d1 b 0 dm" + DIODE + " 3": (3, "belongs to no parameter"),
    "d1 b 0 dm" + DIODE + DIODE: (4, "defined twice, first at"),
    "d1 b 0 dm temp=-300" + DIODE: (2, "must be > 0"),
    ".model dm": (2, "no kind"),
    "q1 b 0 a qm\n.model qm npn": (2, "BJT"),
    "d1 b 0 qm\n.model qm npn": (2, "is a npn"),
    "m1 b a 0 nm" + NMOS: (2, "3 of its 4 nodes"),
    "m1 b a 0 0 nm 3" + NMOS: (2, "'3' is unexpected"),
    "m1 b a 0 0 nm q=1" + NMOS: (2, "'q='"),
    "m1 b a 0 0 nm w=0" + NMOS: (2, "w=0"),
    "m1 b a 0 0 nm l=1u" + NMOS + "(ld=1u)": (2, "channel is -1e-06 m"),
    "m1 b a 0 0 nm" + NMOS + "(level=3)": (2, "level=3 is not supported"),
    "m1 b a 0 0 nm" + NMOS + "(phi=0)": (2, "phi=0"),
    "m1 b a 0 0 nm" + NMOS + "(tox=10n nsub=1)": (2, "nsub=1"),
    "m1 b a 0 0 dm" + DIODE: (2, "takes a nmos or pmos"),
    ".temp": (2, "0 temperatures"),
    ".temp -300\nd1 b 0 dm" + DIODE: (2, "must be >= -273.15"),
    ".options gmin=-1\nd1 b 0 dm" + DIODE: (2, "gmin of -1"),
    ".ic a=1": (2, "write '.ic v(node)=1'"),
    "c1 a 0 1 ic={zz}": (2, "'zz' is undefined"),
}


@pytest.mark.parametrize("text", BAD)
def test_refused(tmp_path, text):
    line, words = BAD[text]
    with pytest.raises(NetlistError) as caught:
        read_text(tmp_path, text)
    message = str(caught.value)
    assert words in message
    assert message.startswith(f"{tmp_path / 'circuit.sp'}:{line}: ")
    assert "\n" not in message


def test_noted(tmp_path):
    circuit = read_text(
        tmp_path,
        "d1 a 0 dm off ic=0.3\nm1 a a 0 0 nm ic=1,2,3 pd=1u\n.model dm d(is=1e-12 cjo=1p tt=1n isr=0 zz=3)\n"
        ".model nm nmos level=1 cgso=1n kf=1 qq=2\n.ic v(a)=3\nx1 a 0 s m=2\n.subckt s p n\nb1 p n i=v(p,n)\n.ends",
    )
    notes = "\n".join(circuit.notes)
    for words in (
        "'zz' is no parameter of d",
        "'qq' is no parameter of nmos",
        ".ic changes no",
        "does not multiply the B",
    ):
        assert words in notes
    assert "cjo" not in notes
    assert "kf" not in notes
    assert (
        repr(circuit) == "Circuit('title', 2 nodes, R=0, V=0, I=0, L=0, 1 sources with laws, 1 diodes, 1 transistors)"
    )
