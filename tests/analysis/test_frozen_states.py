"""Memristor cells in the forms in which models are published, read at their initial state; currents by hand.

Each cell stands between ``a`` (0.1 V unless it says otherwise) and ground; what it must carry is calculated from the
model's equation at the state that its initial value says, whatever charges the state.
"""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from cli_tools import call
from netlist_tools import read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.errors import SolveError
from xbarsim.netlist import NetlistError, read

V = 0.1
MIX = 1e-3 * 0.25 + 1e-6 * 0.75
"""Siemens of the plain cell at a state of 0.25."""
PLAIN = "g1 p n value={v(p,n)*(1e-3*v(s)+1e-6*(1-v(s)))}"
JOGLEKAR = ".func f(x,p)={1-(2*x-1)**(2*p)}"

CELLS: dict[str, tuple[str, float]] = {
    "leak across the state": (f"{PLAIN}\ngs 0 s value={{10*v(p,n)}}\ncs s 0 1 ic=0.25\nrs s 0 1g", V * MIX),
    "leak, .ic inside": (f"{PLAIN}\ngs 0 s value={{10*v(p,n)}}\ncs s 0 1\n.ic v(s) = 0.25\nrs s 0 1g", V * MIX),
    "charged through a resistor": (
        f"{PLAIN}\nes e 0 value={{10*v(p,n)}}\nrs e s 1k\ncs s 0 1 ic=0.25", V * MIX),
    "charged through a coil and a resistor": (
        f"{PLAIN}\nes e 0 value={{10*v(p,n)}}\nls e l 1m\nrs l s 1\ncs s 0 1 ic=0.25", V * MIX),
    "a B source that discharges": (f"{PLAIN}\nbs s 0 i={{-3*v(p,n)*v(s)}}\ncs s 0 1p ic=0.25", V * MIX),
    "linear G as integrator": (f"{PLAIN}\ngs 0 s p n 1e15\ncs s 0 1 ic=0.25\nrs s 0 1t", V * MIX),
    "ammeter before the capacitor": (
        "b1 0 x i=1e18*v(p,n)\nvs x x1 0\ncs x1 0 1 ic=4k\nr1 p n r={v(x)}", V / 4e3),
    "ammeter at the source": (f"{PLAIN}\ngs 0 sg value={{10*v(p,n)}}\nvs sg s 0\ncs s 0 1 ic=0.25", V * MIX),
    "ammeter below the capacitor": (f"{PLAIN}\ngs 0 s value={{10*v(p,n)}}\ncs s y 1 ic=0.25\nvs y 0 0", V * MIX),
    "small resistor before the capacitor": (
        "gs 0 x value={1m*v(p,n)}\nrx x s 1\ncs s 0 1 ic=0.25\ng1 p n value={v(p,n)*1m*v(x)}",
        V * 1e-3 * (0.25 + 1e-3 * V)),
    ".ic across an ammeter": (
        f"{PLAIN}\ngs 0 sg value={{10*v(p,n)}}\nvs sg s 0\ncs s 0 1\n.ic v(sg)=0.25", V * MIX),
    "Biolek's HP cell: E in series": (
        "es p m value={-i(es)*v(x)*(10k-200)}\nro m n 10k\ngx 0 x value={i(es)*1e4*f(v(x),2)}\n"
        f"cx x 0 1 ic={{(10k-5k)/(10k-200)}}\nrx x 0 1t\n{JOGLEKAR}", V / 5e3),
    "the same with an own ammeter": (
        "es m1 m value={-i(vm)*v(x)*(16k-100)}\nvm p m1 0\nro m n 16k\ngx 0 x value={i(vm)*1e4*f(v(x),1)}\n"
        f"cx x 0 1 ic={{(16k-11k)/(16k-100)}}\nraux x 0 1meg\n{JOGLEKAR}", V / 11e3),
    "the TE BE XSV cell: sinh": (
        ".func iv(v,x) {v>=0 ? 0.17*x*sinh(0.05*v) : 0.2*x*sinh(0.05*v)}\n.func gg(v) {v>0.16 ? 4k*(exp(v)-1) : 0}\n"
        "cx xsv 0 {1}\n.ic v(xsv) = 0.11\ngx 0 xsv value={gg(v(p,n))*v(xsv)}\ngm p n value={iv(v(p,n),v(xsv,0))}",
        0.17 * 0.11 * math.sinh(0.05 * V)),
    "rate by the current of the cell itself": (
        "gx 0 xsv value={i(gmem)*1e5*(1-v(xsv))}\ncx xsv 0 1\n.ic v(xsv)=0.076\n"
        "gmem p n value={v(p,n)/(100*v(xsv,0)+1k*(1-v(xsv,0)))}", V / (7.6 + 924)),
    "rate by the current of a resistor": (
        "rmem p n r='10k+(100-10k)/(1+exp(-4*v(q)))'\ngx 0 q cur='i(rmem)'\ncint q 0 1 ic=0.5\nraux q 0 100meg",
        V / (1e4 - 9900 / (1 + math.exp(-2)))),
    "charge as an integral": (
        "eq q 0 value={0.03+sdt(i(er))}\nrq q 0 1\nr1 p m 5\ner m n value={(3*10k*v(q)^2)*i(er)}", V / (5 + 27)),
    "state as an integral with a start": (
        "bs s 0 v={idt(10*v(p,n)*(1-v(s)), 0.25)}\ng1 p n value={v(p,n)*(1e-3*v(s)+1e-6*(1-v(s)))}", V * MIX),
    "PSpice's .ic without =": (
        "gx 0 x value={1e6*sgn(v(p,n))*(1-(2*v(x)-1)^2)}\ncx x 0 80u\nraux x 0 0.01t\n.ic v(x) 0.15\n"
        "gm p n value={(v(x)^4+0.01)*9*sinh(2*v(p,n))*10n}\nexn xn 0 value={v(x)^4}\nrxn xn 0 0.01t",
        (0.15**4 + 0.01) * 9 * math.sinh(2 * V) * 1e-8),
    "charged and discharged through laws": (
        ".param i0(x)='1e-4*x+2e-6*(1-x)'\nev a 0 vol=1\nrh h a r='120*exp(-v(p,n)/0.09)'\n"
        "rd h 0 r='132*exp(v(p,n)/0.19)'\nch h 0 1 ic=0.3\ngd p n cur='i0(v(h))*(exp(0.5*v(p,n))-exp(-0.5*v(p,n)))'",
        (3e-5 + 1.4e-6) * 2 * math.sinh(V / 2)),
    "beside states that act on themselves alone": (
        f"{PLAIN}\ngs 0 s value={{v(p,n)}}\ncs s 0 1 ic=0.25\nrs s 0 1g\n"
        "gt 0 t value={v(p,n)*v(t)*exp(v(t))}\nct t 0 1 ic=300\nrt t 0 1g", V * MIX),
    "threshold, exponential rate": (
        "bx 0 s i={v(p,n)>0.05 ? 2e3*exp(4*v(p,n))*(1-v(s))^3 : 0}\ncs s 0 1 ic=0.4\nrs s 0 1g\n"
        "gm p n value={v(p,n)/(100*exp(log(200)*(1-v(s))))}", V / (100 * 200**0.6)),
    "tunnel gap in metres": (
        "gg 0 gap value={-2e10*exp(-1.5)*sinh(v(p,n)/0.4)}\ncg gap 0 1 ic=1.2n\nrg gap 0 1t\n"
        "bi p n i={1u*exp(-v(gap)/0.25n)*sinh(v(p,n)/0.4)}", 1e-6 * math.exp(-4.8) * math.sinh(V / 0.4)),
    "filament and temperature, two states": (
        "gr 0 r value={v(p,n)*v(t)*1m}\ncr r 0 1 ic=2\nrr r 0 1g\nct t 0 1p ic=300\nrt t 0 1k\n"
        "gt 0 t value={v(p,n)^2*1m+0.3}\ngm p n value={v(p,n)*v(r)*1u*(1+1m*(v(t)-290))}", V * 2e-6 * 1.01),
    "charge-controlled: state starts at 0": (
        "gx 0 q value={i(er)}\ncq q 0 1 ic=0\nraux q 0 100meg\nro p m 10k\n"
        "er m n value={(100-10k)/(1+exp(-4*v(q)))*i(er)}",
        V / (1e4 - 9900 / 2)),
    "state copied by a follower": (
        "gs 0 s value={v(p,n)}\ncs s 0 1 ic=0.25\nrs s 0 1g\ne1 y 0 s 0 2\nry y 0 1k\ng1 p n value={v(p,n)*1m*v(y)}",
        V * 1e-3 * 0.5),
    "state over the lower electrode": (
        "gs n s value={v(p,n)*(1-v(s,n))}\ncs s n 1 ic=0.3\nrs s n 1g\ng1 p n value={v(p,n)*1m*v(s,n)}", V * 3e-4),
    "relaxes to a rest value inside the cell": (
        f"{PLAIN}\nvr xr 0 0.02\nrr xr s 1meg\ngs 0 s value={{v(p,n)}}\ncs s 0 1 ic=0.25", V * MIX),
    "state in a subcircuit of its own": (
        "x1 p n s int\ng1 p n value={v(p,n)*(1e-3*v(s)+1e-6*(1-v(s)))}\n.subckt int a b y\n"
        "g1 0 y value={5*v(a,b)}\nc1 y 0 1 ic=0.25\nr1 y 0 1g\n.ends", V * MIX),
    "cell with its own capacitance, which is no state": (
        f"{PLAIN}\ngs 0 s value={{10*v(p,n)}}\ncs s 0 1 ic=0.25\nrs s 0 1g\ncp p n 1f ic=0", V * MIX),
}  # fmt: skip
CELLS["senses its voltage by a follower"] = (
    "es y 0 p n 1\ngm p n value={v(y)*(1e-3*v(s)+1e-6*(1-v(s)))}\ngs 0 s value={10*v(y)}\ncs s 0 1 ic=0.25\nrs s 0 1g",
    V * MIX,
)
CELLS["a mirror of its own current"] = (
    "vm p m 0\ngm m n value={v(p,n)*0.5m*v(s)}\nf1 p n vm 3\ngs 0 s value={v(p,n)}\ncs s 0 1 ic=0.25\nrs s 0 1g",
    V * 4 * 0.5e-3 * 0.25,
)
FEW_CELLS = ("leak across the state", "Biolek's HP cell: E in series", "rate by the current of the cell itself",
        "senses its voltage by a follower", "a mirror of its own current", "the same with an own ammeter")  # fmt: skip


def solved(folder, text: str) -> tuple[dict[str, float], list[str], object]:
    circuit = read_text(folder, text)
    (result,) = simulate(circuit)
    volts = zip((f"v({name})" for name in result.nodes), result.voltages[0].tolist(), strict=True)
    amperes = zip((f"i({name})" for name in result.branches), result.currents[0].tolist(), strict=True)
    return dict(volts) | dict(amperes), circuit.notes, result


@pytest.mark.parametrize("form", CELLS)
def test_a_cell_carries_what_its_initial_state_says(tmp_path, form):
    """A state read as drifted away, as 0, or held where a plain capacitance should be open."""
    cell, amperes = CELLS[form]
    current, notes, result = solved(tmp_path, f"v1 a 0 {V}\nx1 a 0 cell\n.subckt cell p n\n{cell}\n.ends\n.op")
    assert current["i(v1)"] == pytest.approx(-amperes, rel=1e-13)
    if "vr " not in cell:  # what charges states is nothing that sources deliver to the cell
        # What holds a temperature of 300 V against 0.3 A is 90 W that the sum of all sources does not have.
        assert result.power[0] == pytest.approx(V * amperes, rel=1e-9, abs=1e-15 * 90.0)
    assert any("frozen" in note for note in notes)


@pytest.mark.parametrize("form", FEW_CELLS)
def test_cells_in_an_array_keep_their_own_states(tmp_path, form):
    """Cells between a driver and a shared sense line, the line's capacitance with an initial value that is no state."""
    cell, amperes = CELLS[form]
    text = f".subckt cell p n\n{cell}\n.ends\n"
    text += "".join(f"v{k} s{k} 0 {V}\nr{k} s{k} w{k} 1u\nc{k} w{k} 0 1f ic=0\nx{k} w{k} b cell\n" for k in range(3))
    current, notes, _ = solved(tmp_path, text + "rb b 0 1u\ncb b 0 1p ic=0.05\n.op")
    for k in range(3):
        assert current[f"i(v{k})"] == pytest.approx(-amperes, rel=1e-6)
    assert any("ic= changes no operating point where no state is held: c0 = 0 V" in note for note in notes)
    assert any("3 capacitors hold states" in note for note in notes)


def test_a_sweep_reads_the_same_state_at_every_point(tmp_path):
    """A frozen state has a current in proportion to the sweep; a steady one would not."""
    cell, amperes = CELLS["leak across the state"]
    circuit = read_text(tmp_path, f"v1 a 0 0\nx1 a 0 cell\n.subckt cell p n\n{cell}\n.ends\n.dc v1 -0.2 0.2 0.1")
    (result,) = simulate(circuit)
    np.testing.assert_allclose(result.currents[:, 0], -np.linspace(-2, 2, 5) * amperes, rtol=1e-12, atol=1e-20)


def test_what_charges_a_state_is_reported(tmp_path):
    """Set aside while solving, but the capacitor and the ammeters on the way still show it."""
    text = f"v1 a 0 {V}\nx1 a 0 cell\n.subckt cell p n\n{PLAIN}\ngs 0 sg value={{10*v(p,n)*(1+v(s))}}\nvs sg s 0\n"
    current, _, _ = solved(tmp_path, text + "ri s 0 10\ncs s 0 1 ic=0.25\n.ends\n.op")
    assert current["i(v.x1.vs)"] == pytest.approx(10 * V * 1.25, rel=1e-14)
    assert current["i(c.x1.cs)"] == pytest.approx(10 * V * 1.25 - 0.025, rel=1e-14)


def test_a_current_that_a_law_reads_is_not_set_aside(tmp_path):
    """Here the charging current itself is what is read out."""
    text = f"v1 a 0 {V}\ng1 0 s value={{2m*v(a)}}\nvs s s1 0\ncs s1 0 1 ic=3\nb1 o 0 v={{1k*i(vs)*v(s)}}\nro o 0 1"
    current, _, _ = solved(tmp_path, text)
    assert current["v(o)"] == pytest.approx(1e3 * 2e-3 * V * 3, rel=1e-13)


def test_a_huge_charging_current_does_not_blur_the_read(tmp_path):
    """1e20 A round the state beside a cell of two diodes' worth of curvature: the read is as without the state."""
    elements = "v1 a 0 0.5\nr1 a b 1k\nd1 b c dm\nr2 c 0 {r}\n.model dm d(is=1e-9)\n"
    plain, _, _ = solved(tmp_path, elements.format(r="3k"))
    text = "gs 0 x value={1e20*v(b)}\nvx x y 0\ncx y 0 1 ic=3k\n"
    current, _, _ = solved(tmp_path, elements.format(r="'v(x)'") + text)
    assert current["i(v1)"] == pytest.approx(plain["i(v1)"], rel=1e-13)


NO_STATES = {
    "decoupling": ("v1 a 0 1\nr1 a b 1k\nr2 b 0 1k\nc1 b 0 1n ic=0.1", "c1 = 0.1 V"),
    "an amplified line": ("v1 a 0 1\nr1 a b 1k\nr2 b 0 1k\nc1 b 0 1n ic=0.1\ne1 o 0 b 0 1e3", "c1 = "),
    "in parallel with a source": ("v1 b 0 0.5\ng1 o 0 value={v(b)*v(o)}\nr1 o 0 1\nc1 b 0 1 ic=3", "c1 = 3 V"),
    ".ic on a line": ("v1 a 0 1\nr1 a b 1k\nb1 b 0 i={1m*v(b)}\nc1 b 0 1n\n.ic v(b)=2", "v(b) = 2 V"),
    ".ic where no capacitor is": ("v1 a 0 1\nr1 a b 1k\nr2 b 0 1k\n.ic v(b)=2", "v(b) = 2 V"),
    "between selector and cell": (
        "v1 a 0 1\nd1 a b dm\nb1 b 0 i={1m*sinh(2*v(b))}\nc1 b 0 1f ic=0.3\n.model dm d(is=1u)", "c1 = 0.3 V"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_STATES)
def test_a_plain_capacitance_stays_open_and_says_so(tmp_path, case):
    """Its initial value is for the start of a transient; the operating point is as without it."""
    text, words = NO_STATES[case]
    current, notes, _ = solved(tmp_path, text)
    bare = "\n".join(line for line in text.split("\n") if not line.startswith(("c1", ".ic")))
    without, _, _ = solved(tmp_path, bare)
    assert current == pytest.approx(without, rel=1e-13)
    assert any("changes no operating point" in note and words in note for note in notes), notes


def test_notes_on_initial_values(tmp_path):
    """None goes without a word: two for one state, one for a node that is not there, and more than a line holds."""
    cell = "gs 0 s value={v(p,n)}\ncs s 0 1 ic={x}\nrs s 0 1g\ng1 p n value={v(p,n)*1m*v(s)}"
    text = f"v1 a 0 {V}\n.subckt cell p n x=0.5\n{cell}\n.ends\nx1 a 0 cell\n.ic v(x1.s)=0.7 v(nowhere)=1\n"
    current, notes, _ = solved(tmp_path, text)
    assert current["i(v1)"] == pytest.approx(-V * 5e-4, rel=1e-13)
    notes = "\n".join(notes)
    assert "v(x1.s) = 0.7 V gives way to c.x1.cs's IC= of 0.5 V" in notes
    assert ".ic v(nowhere): there is no such node" in notes
    many = "".join(f"y{k} a 0 cell x={k / 20}\n".replace("y", "x", 1) for k in range(20))
    _, notes, _ = solved(tmp_path, f"v1 a 0 {V}\n.subckt cell p n x=0.5\n{cell}\n.ends\n{many}")
    assert any("20 capacitors hold states" in note and "0 to 0.95 V" in note for note in notes)


def test_other_initial_values_are_noted(tmp_path):
    """Of coils, diodes and transistors, and first guesses."""
    text = "v1 a 0 1\nl1 a b 1m ic=2m\nd1 b 0 dm ic=0.3\n.model dm d(is=1p)\n.nodeset v(b)=0.4"
    _, notes, _ = solved(tmp_path, text)
    notes = "\n".join(notes)
    assert "no state is held: l1 = 0.002 A" in notes
    assert "d1: ic= is for the start of a transient" in notes
    assert ".nodeset" in notes


def test_a_state_without_an_initial_value_is_pointed_out(tmp_path):
    """The steady state is ngspice's answer too, but hardly what a reader of a memristor wants."""
    cell = f"{PLAIN}\ngs 0 s value={{1n*v(p,n)}}\ncs s 0 1\nrs s 0 1g"
    current, notes, _ = solved(tmp_path, f"v1 a 0 {V}\nx1 a 0 cell\n.subckt cell p n\n{cell}\n.ends")
    assert current["v(x1.s)"] == pytest.approx(V, rel=1e-12)
    assert any("c.x1.cs acts on a law and has no IC= or .ic" in note for note in notes)


@pytest.mark.parametrize(("initial", "steady"), [("", False), (" ic=0.5", True)])
def test_a_state_that_nothing_holds_is_told_what_would(tmp_path, initial, steady):
    """An integrator without a leak has no steady state, whatever the solver calls that."""
    path = tmp_path / "c.sp"
    path.write_text(f"t\nv1 a 0 1\nr1 a 0 '1k*v(s)'\ngs 0 s value={{v(a)}}\ncs s 0 1{initial}\n.op\n", encoding="utf-8")
    with pytest.raises(SolveError, match=r"cs there is open: with IC= or \.ic"):
        simulate(read(path, steady=steady))


def test_the_steady_state_on_request(capsys, tmp_path):
    """``--steady`` gives what ngspice's .op gives, and says what it left out."""
    cell = f"{PLAIN}\ngs 0 s value={{2n*v(p,n)}}\ncs s 0 1 ic=0.25\nrs s 0 1g"
    path = tmp_path / "c.sp"
    path.write_text(f"steady\nv1 a 0 {V}\nx1 a 0 cell\n.subckt cell p n\n{cell}\n.ends\n.op\n.end\n", encoding="utf-8")
    answer = call(capsys, "solve", "--netlist", path, "--format", "json", "--steady")
    (analysis,) = json.loads(answer.out)["analyses"]
    assert analysis["node_voltages"]["x1.s"] == pytest.approx(0.2, rel=1e-12)
    assert analysis["source_currents"] == {"v1": pytest.approx(-V * (0.2e-3 + 0.8e-6), rel=1e-12)}
    assert "--steady: the steady state is looked for" in answer.err
    assert "c.x1.cs = 0.25 V" in answer.err


def test_steady_goes_with_netlists(capsys, tmp_path):
    np.save(tmp_path / "g.npy", np.full((2, 2), 1e-3))
    np.save(tmp_path / "v.npy", np.ones(2))
    answer = call(capsys, "solve", "--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy", "--steady")
    assert answer.code == 2
    assert "--steady goes with --netlist" in answer.err


def test_a_frozen_state_moves_in_time(tmp_path):
    """One file: read at the initial state by .op, and dx/dt = 2 x from it by .tran."""
    text = "v1 a 0 2\ng1 0 x value={v(a)*v(x)}\nc1 x 0 1 ic=0.5\n.options reltol=1e-5\n.op\n.tran 0.1 1"
    still, moving = simulate(read_text(tmp_path, text))
    assert still.voltages[0, still.nodes.index("x")] == 0.5
    x = moving.voltages[:, moving.nodes.index("x")]
    np.testing.assert_allclose(x, 0.5 * np.exp(2 * moving.sweep[0][1]), rtol=1e-4)


def test_what_charges_a_state_is_no_output(capsys, tmp_path):
    """A table of an array's currents, not of as many rates as it has cells; JSON has both."""
    cell, amperes = CELLS["leak across the state"]
    path = tmp_path / "c.sp"
    path.write_text(f"t\nv1 a 0 {V}\nx1 a 0 cell\n.subckt cell p n\n{cell}\n.ends\n.op\n", encoding="utf-8")
    name, value = call(capsys, "solve", "--netlist", path, "-q").out.split()
    assert (name, float(value)) == ("v1", pytest.approx(-amperes))
    assert "c.x1.cs" not in call(capsys, "solve", "--netlist", path).out
    (analysis,) = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)["analyses"]
    assert list(analysis["source_currents"]) == ["v1", "c.x1.cs"]


@pytest.mark.parametrize("command", ["alter c.x1.cx ic=0.6", "alter @c.x1.cx[ic] = 0.6"])
def test_a_state_that_alter_would_change_is_refused(tmp_path, command):
    """It would keep its value without a word; its capacitance changes nothing and may be altered."""
    cell = ".subckt m p n\nbd 0 x i=v(p,n)\ncx x 0 1u ic=0.3\nbm p n i=1m*v(p,n)*v(x)\n.ends\nv1 a 0 1\nx1 a 0 m\n"
    with pytest.raises(NetlistError, match=r"cannot change the state that c\.x1\.cx holds"):
        read_text(tmp_path, f"{cell}.control\n{command}\nop\n.endc")
    circuit = read_text(tmp_path, f"{cell}.control\nalter c.x1.cx = 2u\nop\n.endc")
    (result,) = simulate(circuit)
    assert result.currents[0, result.branches.index("v1")] == pytest.approx(-0.3e-3, rel=1e-12)
