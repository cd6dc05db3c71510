"""Elements that hold charge by a parameter that no transient has: refused there, accepted elsewhere."""

from __future__ import annotations

import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.netlist import NetlistError

READ = "v1 a 0 pulse(0 1 1n 10p 10p 1u 2u)\nr1 a b 1k\n"
TRANSIENT = "\n.tran 1n 3n"

HOLDING = {
    "sidewall": ("d1 b 0 x pj=4u\n.model x d(cjsw=1n)", "d1 .* by cjp= of x"),
    "overlaps": ("m1 b a 0 0 x w=2u l=1u\n.model x nmos(cgdo=1n)", "m1 .* by cgdo= of x"),
    "bulk overlap": ("m1 b a 0 0 x\n.model x pmos(cgbo=1n)", "by cgbo="),
    "gate oxide": ("m1 b a 0 0 x\n.model x nmos(tox=20n)", "by tox="),
    "bulk junction": ("m1 b a 0 0 x\n.model x nmos(cbd=1f)", "by cbd="),
    "bulk junction by area": ("m1 b a 0 0 x ad=1p\n.model x nmos(cj=1m)", "by cj="),
    "area by default": ("m1 b a 0 0 x\n.model x nmos(cj=1m)\n.options defas=1p", "by cj="),
    "bulk sidewall": ("m1 b a 0 0 x ps=1u\n.model x nmos(cjsw=1n)", "by cjsw="),
    "in a subcircuit": (
        "x1 b 0 s c=1n\n.subckt s p n c=0\nm1 p n 0 0 x\n.model x nmos(cgso={c})\n.ends",
        r"m\.x1\.m1 .* by cgso= of x"),
    "the second of two": (
        "d1 b 0 x\nm1 b 0 0 0 y\n.model x d(cjo=1p)\n.model y nmos(cgso=1n)", "m1 .* by cgso= of y"),
    "a slope in time": ("b1 b 0 i={1u*ddt(v(b))}", r"b1 .* by ddt\(\) in its law"),
    "an integral in a function": (".func f(x) {1+sdt(x)}\nb1 b 0 i={1m*v(b)*f(v(b))}", r"by sdt\(\) in its law"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOLDING)
def test_what_holds_charge_is_refused_in_time_alone(tmp_path, kind):
    """A charge that is dropped shows as a step where the circuit has a slow slope."""
    text, words = HOLDING[kind]
    with pytest.raises(NetlistError, match=rf"\.tran: .*{words}"):
        read_text(tmp_path, READ + text + TRANSIENT)
    assert simulate(read_text(tmp_path, READ + text + "\n.op"))


WITHOUT = {
    "nothing given": "d1 b 0 x\nm1 b a 0 0 y\n.model x d(is=1p)\n.model y nmos(kp=1m)",
    "zeros": "d1 b 0 x\nm1 b a 0 0 y\n.model x d(cjo=0 tt=0)\n.model y nmos(cgso=0 cj=0 cbd=0)",
    "by area, no area": "m1 b a 0 0 y\n.model y nmos(cj=1m cjsw=1n)",
    "sidewall without length": "d1 b 0 x\n.model x d(cjsw=1n)",
    "a model that nothing uses": "r2 b 0 1k\n.model x d(cjo=1p)",
    "grading and noise": "d1 b 0 x\n.model x d(vj=0.7 m=0.4 fc=0.5 kf=1)",
}


@needs_ngspice
@pytest.mark.parametrize("kind", WITHOUT)
def test_no_memory_is_no_reason_to_refuse(tmp_path, kind):
    """A sequence of operating points: at each time what the source's value of that time gives, as in ngspice."""
    (result,) = simulate(read_text(tmp_path, READ + WITHOUT[kind] + TRANSIENT))
    path = tmp_path / "still.sp"
    path.write_text("title\n" + READ.replace("pulse(0 1 1n 10p 10p 1u 2u)", "1") + WITHOUT[kind] + "\n.op\n.end\n")
    assert result.voltages[-1, result.nodes.index("b")] == pytest.approx(ngspice(path)["v(b)"], rel=1e-6)
