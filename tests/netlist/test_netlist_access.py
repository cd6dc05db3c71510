"""1T1R arrays as designers draw them: recognised, and solved with everything that their transistors do."""

import re

import numpy as np
import pytest
from netlist_tools import needs_ngspice, ngspice

from xbarsim import Transistor, netlist
from xbarsim.analysis import as_crossbar, simulate
from xbarsim.netlist import NotACrossbarError

ROWS, COLS = 3, 4
CARD = "nmos(level=1 vto=0.5 kp=120u gamma=0.4 phi=0.65 lambda=0.02)"
TIGHT = ".options reltol=1e-10 abstol=1e-18 vntol=1e-13 itl1=1000"


def deck(*, card=CARD, bulk="0", gates="row", side="word", cell="", size="w=10u l=1u", extra="", order=None):
    """An array with wires, its cells from word to bit lines; ``bulk`` may name a cell's ``{b}``."""
    rng = np.random.default_rng(3)
    lines = []
    for i in range(ROWS):
        lines += [f"vin{i} in{i} 0 {0.1 + 0.13 * i}", f"rd{i} in{i} w{i}_0 {10 + i}"]
        lines += [f"rw{i}_{j} w{i}_{j} w{i}_{j + 1} 2" for j in range(COLS - 1)]
    for j in range(COLS):
        lines += [f"rb{i}_{j} b{i}_{j} b{i + 1}_{j} 3" for i in range(ROWS - 1)]
        lines += [f"vs{j} b{ROWS - 1}_{j} 0 0"]
    for k, volts in enumerate([1.8, 0.0, 2.5, 1.2][: ROWS if gates == "row" else COLS]):
        lines += [f"vg{k} g{k} 0 {volts}"]
    for i in range(ROWS):
        for j in range(COLS):
            ends = [f"w{i}_{j}", f"b{i}_{j}"]
            a, b = ends if side == "word" else ends[::-1]
            named = {"i": i, "j": j, "a": a, "b": b, "g": f"g{i if gates == 'row' else j}", "x": f"x{i}_{j}"}
            named |= {"ohms": repr(float(10 ** rng.uniform(4, 6))), "bulk": bulk.format(b=b, x=f"x{i}_{j}")}
            drawn = cell or "rm{i}_{j} {a} {x} {ohms}\nm{i}_{j} {x} {g} {b} {bulk} acc " + size
            lines += drawn.format(**named).split("\n")
    if order is not None:
        np.random.default_rng(order).shuffle(lines)
    return "\n".join(["array", *lines, f".model acc {card}", extra, ".op", ".end", ""])


def gate_ladder(text):
    """Gates along lines of resistors, as poly lines are drawn."""
    for i in range(ROWS):
        for j in range(COLS):
            text = text.replace(f"m{i}_{j} x{i}_{j} g{i} ", f"m{i}_{j} x{i}_{j} h{i}_{j} ")
    more = [f"rg{i}_{j} {f'h{i}_{j - 1}' if j else f'g{i}'} h{i}_{j} 50" for i in range(ROWS) for j in range(COLS)]
    return text.replace(".model", "\n".join([*more, ".model"]))


def without_lines(text):
    """Cells straight between the rows' sources and the columns' ammeters: no drivers, no wires."""
    kept = "\n".join(line for line in text.split("\n") if not re.match(r"r[dwb]\d", line))
    return re.sub(r" b\d_(\d)\b", r" c\1", re.sub(r" w(\d)_\d\b", r" in\1", kept))


DRAWN = {
    "everything": deck(),
    "shuffled": deck(order=5),
    "default gmin alone": deck(card="nmos(vto=0.5 kp=120u)"),
    "bulk to source": deck(bulk="{b}"),
    "bulk to source, no body effect": deck(bulk="{b}", card="nmos(vto=0.5 kp=120u lambda=0.05)"),
    "bulk to drain": deck(bulk="{x}", card="nmos(vto=0.5 kp=120u)"),
    "bulk at a source of its own": deck(bulk="sub", extra="vsub sub 0 -0.5"),
    "gates along bit lines": deck(gates="col"),
    "gates along resistors": gate_ladder(deck()),
    "a gate line at ground": deck().replace("vg1 g1 0 0.0", "").replace(" g1 ", " 0 "),
    "memristors on the bit lines' side": deck(side="bit"),
    "resistances at the ends": deck(card="nmos(vto=0.5 kp=120u rd=20 rs=30)"),
    "a sheet's resistance": deck(card="nmos(vto=0.5 kp=120u rsh=40)", size="w=10u l=1u nrd=0.5 nrs=0.3"),
    "a process": deck(card="nmos(level=1 tox=14n nsub=4e15 uo=550 vto=0.6 ld=0.05u cgso=2e-10 cj=3e-4 js=1e-4 rsh=0)"),
    "leaky junctions": deck(card="nmos(vto=0.4 kp=90u is=1e-9)"),
    "areas": deck(card="nmos(vto=0.5 kp=50u gamma=0.3 js=1e-2)", size="w=4u l=0.5u ad=8p as=8p pd=12u ps=12u m=2"),
    "a subcircuit each": deck(
        cell="xc{i}_{j} {a} {b} {g} cell r={ohms}",
        extra=".subckt cell te sl wl r=1k\nr1 te m {r}\nm1 m wl sl 0 acc w=8u l=1u\n.ends",
    ),
    "hot": deck(extra=".temp 85"),
    "capacitors everywhere": deck(extra="cx x0_0 0 1f\ncy x1_2 b1_2 1f\ncg g0 0 1p\ncw w0_1 0 1f\ncb b1_3 0 1f"),
    "a gate at a row's own source": deck().replace("vg2 g2 0 2.5", "").replace(" g2 ", " in2 "),
    "neither drivers nor wires": without_lines(deck()),
    "neither, memristors on the bit lines' side": without_lines(deck(side="bit", gates="col")),
    "one gate for all": deck()
    .replace("vg0 g0 0 1.8\nvg1 g1 0 0.0", "")
    .replace(" g0 ", " g2 ")
    .replace(" g1 ", " g2 "),
}


def solved(tmp_path, text):
    path = tmp_path / "circuit.sp"
    path.write_text(text)
    circuit = netlist.read(path)
    return circuit, circuit.recognise(), path


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_a_crossbar_with_the_general_solvers_numbers(tmp_path, name):
    circuit, found, _ = solved(tmp_path, DRAWN[name])
    assert found.crossbar is not None, found.reason
    assert found.crossbar.shape == (ROWS, COLS)
    assert isinstance(found.crossbar.device, Transistor)
    (ours,), (general,) = simulate.simulate(circuit, found), simulate.simulate(circuit, None)
    np.testing.assert_allclose(ours.voltages, general.voltages, rtol=0, atol=1e-14)
    most = np.abs(general.currents).max()
    np.testing.assert_allclose(ours.currents, general.currents, rtol=0, atol=1e-13 * most)
    assert ours.outputs == [f"vs{j}" for j in range(COLS)]
    sense = [general.branches.index(f"vs{j}") for j in range(COLS)]
    np.testing.assert_allclose(ours.output_currents, general.currents[:, sense], rtol=0, atol=1e-13 * most)
    assert ours.state is not None
    assert ours.state.word.shape == (ROWS, COLS)
    inputs = 0.1 + 0.13 * np.arange(ROWS)
    np.testing.assert_allclose(np.sort(ours.ideal[0]), np.sort(inputs @ found.crossbar.conductance), rtol=1e-14)


def test_resistors_of_loads_are_no_memristors(tmp_path):
    """One transistor a line, each with a load to a source of its own, is no array, nor one with loads to ground."""
    lone = "".join(f"v{k} p{k} 0 1\nr{k} p{k} d{k} 1k\nm{k} d{k} g c 0 acc\n" for k in range(3))
    ground = "".join(f"r{k} 0 d{k} {k + 1}k\nm{k} d{k} g c 0 acc\n" for k in range(3)) + "vc c 0 1\n"
    for text in (f"{lone}rc c 0 10\n", ground):
        _, found, _ = solved(tmp_path, f"loads\n{text}vg g 0 2\n.model acc {CARD}\n.op\n.end\n")
        assert found.crossbar is None
        assert "without a memristor" in found.reason


@needs_ngspice
@pytest.mark.parametrize("name", DRAWN)
def test_ngspice_agrees(tmp_path, name):
    circuit, found, path = solved(tmp_path, DRAWN[name].replace(".op\n", f"{TIGHT}\n.op\n"))
    (ours,) = simulate.simulate(circuit, found)
    theirs = ngspice(path)
    volts = np.array([theirs[f"v({node})"] for node in ours.nodes])
    amperes = np.array([theirs[f"i({branch})"] for branch in ours.branches])
    np.testing.assert_allclose(ours.voltages[0], volts, rtol=0, atol=1e-9 * np.abs(volts).max())
    np.testing.assert_allclose(ours.currents[0], amperes, rtol=0, atol=1e-9 * np.abs(amperes).max())


@pytest.mark.parametrize("name", ["everything", "memristors on the bit lines' side", "resistances at the ends"])
def test_starting_from_the_crossbar_that_it_nearly_is_changes_no_number(tmp_path, monkeypatch, name):
    circuit, found, _ = solved(tmp_path, DRAWN[name])
    monkeypatch.setattr(simulate, "solve_drawn", lambda *_: None)
    (plain,) = simulate.simulate(circuit, found)
    monkeypatch.setattr(as_crossbar, "_MANY_CELLS", 1)
    (near,) = simulate.simulate(circuit, found)
    np.testing.assert_allclose(near.voltages, plain.voltages, rtol=0, atol=1e-14)
    np.testing.assert_allclose(near.currents, plain.currents, rtol=0, atol=1e-12 * np.abs(plain.currents).max())
    steps = [int(result.how.split()[1]) for result in (near, plain)]
    assert name != "everything" or steps[0] < steps[1]


def test_sweeps_are_the_arrays_too(tmp_path):
    circuit, found, _ = solved(tmp_path, deck().replace(".op", ".dc vin1 0 0.5 0.1"))
    (ours,), (general,) = simulate.simulate(circuit, found), simulate.simulate(circuit, None)
    np.testing.assert_allclose(ours.currents, general.currents, rtol=0, atol=1e-13 * np.abs(general.currents).max())
    assert ours.output_currents.shape == (6, COLS)


@pytest.mark.parametrize("card", [CARD, "nmos(vto=0.5 kp=120u)"])
def test_a_swept_gate_leaves_the_array_an_array(tmp_path, card):
    """Each point has the numbers of a netlist with that gate voltage, and the columns for outputs."""
    text = deck(card=card, extra=".options gmin=1e-18")
    circuit, found, _ = solved(tmp_path, text.replace(".op\n", ".dc vg2 0.5 2.5 1 vin1 0.1 0.3 0.2\n"))
    (ours,) = simulate.simulate(circuit, found)
    assert ours.outputs == [f"vs{j}" for j in range(COLS)]
    for k, (gate, volts) in enumerate((g, v) for v in (0.1, 0.3) for g in (0.5, 1.5, 2.5)):
        still = text.replace("vg2 g2 0 2.5", f"vg2 g2 0 {gate}").replace("vin1 in1 0 0.23", f"vin1 in1 0 {volts}")
        circuit, found, _ = solved(tmp_path, still)
        (alone,) = simulate.simulate(circuit, found)
        np.testing.assert_allclose(ours.output_currents[k], alone.output_currents[0], rtol=1e-9, atol=1e-17)


def test_what_leaks_next_to_nothing_is_the_crossbars_own(tmp_path):
    text = deck(card="nmos(vto=0.5 kp=120u lambda=0.02 is=1e-30)", extra=".options gmin=1e-20")
    circuit, found, _ = solved(tmp_path, text)
    assert found.left_out is None
    np.testing.assert_allclose(np.ravel(found.crossbar.device.gate), [1.8, 0.0, 2.5])
    (ours,), (general,) = simulate.simulate(circuit, found), simulate.simulate(circuit, None)
    assert "newton" in ours.how
    np.testing.assert_allclose(ours.currents, general.currents, rtol=0, atol=1e-12 * np.abs(general.currents).max())
    assert circuit.crossbar() is found.crossbar


def test_a_source_of_gates_that_drives_a_row_too_is_swept_in_both(tmp_path):
    text = deck(card="nmos(vto=0.1 kp=120u is=1e-30)", extra=".options gmin=1e-20\n.dc vin2 0 0.6 0.2")
    text = text.replace("vg2 g2 0 2.5", "").replace(" g2 ", " in2 ")
    circuit, found, _ = solved(tmp_path, text)
    assert found.left_out == "vin2 holds gates and drives something else"
    for ours, general in zip(simulate.simulate(circuit, found), simulate.simulate(circuit, None), strict=True):
        most = np.abs(general.currents).max()
        np.testing.assert_allclose(ours.currents, general.currents, rtol=0, atol=1e-13 * most)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("everything", "body effect .* junctions that leak"),
        ("resistances at the ends", "resistances at its ends"),
        ("memristors on the bit lines' side", "on the bit line's side"),
        ("gates along resistors", "body effect"),
    ],
)
def test_a_crossbar_that_would_leave_something_out_is_not_handed_out(tmp_path, name, words):
    circuit, _, _ = solved(tmp_path, DRAWN[name])
    with pytest.raises(NotACrossbarError, match=words):
        circuit.crossbar()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("vg2 g2 0 2.5", "vg2 g2 0 2.5\nrl g2 0 1k", "rl "),
        ("vg2 g2 0 2.5", "vdd vdd 0 5\nra vdd g2 1k\nrb g2 0 1k", "gate at node 'g2'"),
        ("vg2 g2 0 2.5", "vg2 gg 0 2.5\nrl gg g2 1k\nrk g2 w0_0 1k", "gate at node 'g2'"),
        ("vg2 g2 0 2.5", "ig2 0 g2 2.5\nrl g2 0 1", "gate at node 'g2'"),
        (" 0 acc", " w0_0 acc", "bulk at node 'w0_0'"),
        ("nmos(", "pmos(", "p-channel"),
    ],
)
def test_what_is_no_access_transistor_says_why(tmp_path, old, new, words):
    circuit, found, _ = solved(tmp_path, deck().replace(old, new))
    assert found.crossbar is None
    assert words in found.reason
    assert simulate.simulate(circuit, found)[0].residual < 1e-9
