"""Netlists with memory that are crossbars: recognised, and the crossbar's steps agree with the general network's."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

from xbarsim.analysis.crossbar_in_time import solve_crossbar_in_time
from xbarsim.analysis.runs import from_netlist
from xbarsim.analysis.simulate import simulate
from xbarsim.analysis.stop_wish import StopWish
from xbarsim.netlist import read

ROWS, COLS = 3, 4

BIOLEK = """.subckt biolek plus minus rinit=8k ron=100 roff=16k d=10n uv=1e-14 p=2
gx 0 x value={i(emem)*uv*ron/d^2*f(v(x),p)}
cx x 0 1 ic={(roff-rinit)/(roff-ron)}
raux x 0 1g
emem plus aux value={-i(emem)*v(x)*(roff-ron)}
roff aux minus {roff}
.func f(x,p)={1-(2*x-1)^(2*p)}
.ends"""
"""Biolek, Biolek and Biolkova, Radioengineering 18, 210 (2009), with Joglekar's window."""

YAKOPCIC = """.subckt yakopcic te be xsv
.param a1=0.17 a2=0.17 b=0.05 vp=0.16 vn=0.15 ap=4000 an=4000 xp=0.3 xn=0.5 alphap=1 alphan=5 eta=1
.func wp(v) {xp/(1-xp)-v/(1-xp)+1}
.func wn(v) {v/(1-xn)}
.func g(v) {if(v <= vp, if(v >= -vn, 0, -an*(exp(-v)-exp(vn))), ap*(exp(v)-exp(vp)))}
.func f(v,x) {if(eta*v >= 0, if(x >= xp, exp(-alphap*(x-xp))*wp(x), 1), if(x <= 1-xn, exp(alphan*(x+xn-1))*wn(x), 1))}
.func iv(v,x) {if(v >= 0, a1*x*sinh(b*v), a2*x*sinh(b*v))}
cx xsv 0 {1}
gx 0 xsv value={eta*f(v(te,be),v(xsv,0))*g(v(te,be))}
gm te be value={iv(v(te,be),v(xsv,0))}
.ends"""
"""Yakopcic et al., IEEE Electron Device Letters 32, 1436 (2011): the state's node is a port."""

SMOOTH = """.subckt smooth p n x0=0.5 k=1e6
c1 x 0 2u ic={x0}
b1 p n i={1m*v(x)*sinh(v(p,n))}
b2 w 0 v={v(x)*(1-v(x))}
b3 0 x i={2u*k*v(p,n)*v(w)}
.ends"""


def lines(sources: list[str], rng: np.random.Generator, *, far: bool = False) -> list[str]:
    """Wires, ends and sources, all of different size; bit lines end in ammeters."""
    cards = []
    for i in range(ROWS):
        cards += [f"v{i} {sources[i].format(f'in{i}')}", f"rd{i} in{i} w{i}_0 {rng.uniform(10, 60)!r}"]
        cards += [f"rw{i}_{j} w{i}_{j - 1} w{i}_{j} {rng.uniform(1, 9)!r}" for j in range(1, COLS)]
    for j in range(COLS):
        cards += [f"rb{i}_{j} b{i - 1}_{j} b{i}_{j} {rng.uniform(1, 9)!r}" for i in range(1, ROWS)]
        cards += [f"vs{j} s{j} 0 0", f"rs{j} b{ROWS - 1}_{j} s{j} {rng.uniform(10, 60)!r}"]
    return [*cards, "vfar f 0 pulse(0 0.2 3n 1n 1n 5n 1)", f"rfar w1_{COLS - 1} f 200"] if far else cards


PULSES = ["{} 0 pulse(0 1 2n 1n 2n 4n 1)", "0 {} sin(0.1 0.4 90meg 1n)", "{} 0 pwl(0 0.1 4n 0.1 5n -0.7 9n 0.3)"]


def charged(rng: np.random.Generator) -> list[str]:
    """Capacitors at all nodes, and across some cells, either way round."""
    cards = [
        f"c{k}{i}_{j} {k}{i}_{j} 0 {rng.uniform(0.1, 3)!r}p" for k in "wb" for i in range(ROWS) for j in range(COLS)
    ]
    return [*cards, "cx1 w0_1 b0_1 2p", "cx2 b2_3 w2_3 1p", "cx3 b2_3 w2_3 0.5p"]


def rc(*more: str, options: str = "reltol=1e-6", tran: str = ".tran 0.1n 12n") -> str:
    rng = np.random.default_rng(3)
    cells = [f"rx{i}_{j} w{i}_{j} b{i}_{j} {10 ** rng.uniform(2, 4)!r}" for i in range(ROWS) for j in range(COLS)]
    return text([*lines(PULSES, rng, far=True), *cells, *charged(rng), *more, f".options {options}", tran])


def cells_of(definition: str, call: str, sources: list[str], tran: str, *more: str, options: str) -> str:
    """A netlist of memristors; ``call`` names a cell's nodes p, n, x and may hold numbers as {low}."""
    rng = np.random.default_rng(4)
    cards = [definition, *lines(sources, rng)]
    for i in range(ROWS):
        for j in range(COLS):
            nodes = {"p": f"w{i}_{j}", "n": f"b{i}_{j}", "x": f"s{i}_{j}", "at": f"{i}_{j}"}
            cards.append(call.format(**nodes, share=float(rng.uniform(0.2, 0.6))))
    return text([*cards, *more, f".options {options}", tran])


def text(cards: list[str]) -> str:
    return "\n".join(["cells and lines", *cards, ".end", ""])


def answers(netlist: str):
    """Both engines' answers."""
    circuit = read(io.StringIO(netlist))
    timed = circuit.recognise_in_time()
    assert timed.recognition.shape == (ROWS, COLS), timed.recognition.reason
    fast = solve_crossbar_in_time(circuit, timed, circuit.analyses[0], lambda stage: None, StopWish())
    assert fast is not None
    assert fast.how.startswith("Runge-Kutta")
    (slow,) = simulate(circuit, None)
    assert slow.how.startswith("trapezoidal")
    return fast, slow


def assert_alike(fast, slow, tolerance: float) -> None:
    assert (fast.nodes, fast.branches) == (slow.nodes, slow.branches)
    for name in ("voltages", "currents", "power"):
        mine, theirs = getattr(fast, name), getattr(slow, name)
        assert mine.shape == theirs.shape
        assert np.ptp(theirs) > 0
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=tolerance * np.abs(theirs).max(), err_msg=name)


@pytest.mark.slow
def test_an_rc_crossbar_is_the_same_by_both():
    """Sources either way round, a far end driven too, capacitors in all places."""
    fast, slow = answers(rc(".print tran v(w1_2,b1_2) i(rx0_0)", ".measure tran top max v(b2_1)"))
    assert_alike(fast, slow, 1e-6)
    assert set(fast.readings) == set(slow.readings)
    for asked, column in slow.readings.items():
        np.testing.assert_allclose(fast.readings[asked], column, rtol=0, atol=1e-6 * np.abs(column).max())


@pytest.mark.slow
def test_capacitors_that_begin_empty_are_charged_by_both():
    fast, slow = answers(rc(tran=".tran 0.1n 5n uic", options="reltol=1e-4"))
    np.testing.assert_allclose(fast.voltages[1:], slow.voltages[1:], rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "call", "amplitude", "stop", "more", "tolerance"),
    [
        (BIOLEK, "x{at} {p} {n} biolek rinit={{16k*(1-{share})}}", 0.25, 1.0, (), 1e-5),
        (BIOLEK, "x{at} {n} {p} biolek rinit={{16k*(1-{share})}}", 0.25, 1.0, (), 1e-5),
        (BIOLEK, "x{at} {p} {n} biolek rinit={{16k*(1-{share})}}", 1.0, 1.0, (), 5e-4),
        (SMOOTH, "x{at} {p} {n} smooth x0={share} k={{1e6*(1+{share})}}", 1.0, 1e-5, ("cl w1_1 0 10p",), 1e-5),
        (YAKOPCIC, "x{at} {n} {p} {x} yakopcic\n.ic v({x})={share}", 0.5, 1e-3, (), 3e-4),
    ],
    ids=["biolek", "biolek turned", "biolek to its bound", "own", "yakopcic"],
)  # fmt: skip
def test_memristors_move_the_same_by_both(definition, call, amplitude, stop, more, tolerance):
    sources = [f"{{}} 0 sin(0 {amplitude * part!r} {1 / stop!r})" for part in (1.0, -0.6, 0.8)]
    netlist = cells_of(definition, call, sources, f".tran {stop / 100!r} {stop!r}", *more, options="reltol=1e-5")
    fast, slow = answers(netlist)
    states = [k for k, name in enumerate(slow.nodes) if re.fullmatch(r"s\d_\d|x\d_\d\.x", name)]
    assert len(states) == ROWS * COLS
    assert np.ptp(slow.voltages[:, states], axis=0).max() > 0.05, "they must go somewhere"
    assert_alike(fast, slow, tolerance)


NONE = {
    "an inductor in a line": (rc("lx s1 0 1n").replace("vs1 s1 0 0", "vs1 s1 q 0\nrq q 0 1"), "inductor"),
    "two lines coupled": (rc("cc w0_1 w1_1 1p"), "cc .*across no cell"),
    "coupled to the wrong bit line": (rc("cc w0_1 b0_2 1p"), "cc .*across no cell"),
    "a source that moves a node inside": (rc("vq w1_1 w1_1q pulse(0 1 1n)", "rq w1_1q b1_1 1k"), "vq"),
    "a capacitor behind a driver": (rc("cq in0 0 1p"), "cq .*no node of a line"),
    "two definitions": (
        cells_of(SMOOTH + "\n" + SMOOTH.replace("smooth", "other").replace("sinh", ""), "x{at} {p} {n} smooth", PULSES,
                 ".tran 0.1n 12n", options="reltol=1e-3").replace("x1_2 w1_2 b1_2 smooth", "x1_2 w1_2 b1_2 other"),
        "different laws"),
    "a state without its capacitor": (
        cells_of(SMOOTH + "\n" + SMOOTH.replace("smooth", "other").replace("c1 x 0 2u ic={x0}", "r1 x 0 1k"),
                 "x{at} {p} {n} smooth", PULSES, ".tran 0.1n 12n", options="reltol=1e-3")
        .replace("x1_2 w1_2 b1_2 smooth", "x1_2 w1_2 b1_2 other"),
        "different laws"),
    "a state that a source elsewhere reads": (
        cells_of(SMOOTH, "x{at} {p} {n} smooth", PULSES, ".tran 0.1n 12n", "bq w0_0 0 i={1u*v(x1_1.x)}",
                 options="reltol=1e-3"), "different laws"),
    "a state that another cell reads": (
        cells_of(SMOOTH.replace("p n x0", "p n y x0").replace("b2 w 0 v={v(x)", "b2 w 0 v={v(y)"),
                 "x{at} {p} {n} x0_0.x smooth", PULSES, ".tran 0.1n 12n", options="reltol=1e-3"), "not the cell's own"),
    "a state with a resistor to a line": (
        cells_of(SMOOTH, "x{at} {p} {n} smooth", PULSES, ".tran 0.1n 12n", "rq x1_1.x w1_1 1meg",
                 options="reltol=1e-3"), "different laws"),
    "a law of time": (
        cells_of(SMOOTH.replace("2u*k", "2u*k*(1+time)"), "x{at} {p} {n} smooth", PULSES, ".tran 0.1n 12n",
                 options="reltol=1e-3"), "time"),
}  # fmt: skip


@pytest.mark.parametrize("why", NONE)
def test_what_is_no_crossbar_in_time_goes_to_the_general_solver(why):
    netlist, words = NONE[why]
    circuit = read(io.StringIO(netlist))
    recognition = circuit.recognise_in_time().recognition
    assert recognition.crossbar is None
    assert re.search(words, recognition.reason or ""), recognition.reason


@pytest.mark.slow
def test_a_netlist_goes_the_faster_way_and_the_report_says_which():
    few, many = (rc(tran=tran, options="reltol=1e-3") for tran in (".tran 0.3n 12n", ".tran 10p 12n"))
    for netlist, rule in ((few, "trapezoidal"), (many, "Runge-Kutta")):
        report = from_netlist(io.StringIO(netlist), "auto")
        assert (report.recognised, report.rows, report.cols) == ("crossbar", ROWS, COLS)
        assert report.results[0].how.startswith(rule)
        assert rule in report.as_table()
    assert from_netlist(io.StringIO(NONE["two lines coupled"][0]), "auto").recognised is None


@pytest.mark.slow
def test_only_what_is_saved_is_kept_and_a_wish_ends_the_run():
    circuit = read(io.StringIO(rc(".save v(w1_2) i(vs2)", options="reltol=1e-3")))
    wish = StopWish()
    wish.wished = True
    timed = circuit.recognise_in_time()
    result = solve_crossbar_in_time(circuit, timed, circuit.analyses[0], lambda stage: None, wish)
    assert result is not None
    assert result.nodes == ["w1_2"]
    assert "vs2" in result.branches
    assert result.integration is not None
    assert (result.integration.complete, result.integration.accepted) == (False, 1)


@pytest.mark.parametrize(
    "start",
    [(".ic v(w1_1)=0.3", ""), ("cq w1_1 0 1p ic=0.2", " uic")],
    ids=["a line's voltage", "a capacitor's"],
)
def test_lines_that_begin_at_voltages_of_their_own_are_for_the_general_solver(start):
    circuit = read(io.StringIO(rc(start[0], tran=".tran 0.1n 12n" + start[1])))
    timed = circuit.recognise_in_time()
    assert timed.recognition.crossbar is not None
    assert solve_crossbar_in_time(circuit, timed, circuit.analyses[0], lambda stage: None, StopWish()) is None
