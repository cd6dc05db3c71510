"""Newton's method on netlists: exact answers, hard starts, sweeps, and failures that are said."""

import json

import numpy as np
import pytest
from cli_tools import call
from mpmath import mp, mpf
from netlist_tools import read_text
from nonlinear_tools import ours

from xbarsim.analysis.simulate import simulate
from xbarsim.errors import ConvergenceError, FloatingError, SolveError

BOLTZMANN, CHARGE = mpf("1.38064852e-23"), mpf("1.6021766208e-19")
VT = BOLTZMANN * mpf("300.15") / CHARGE


def test_a_diode_and_a_resistor():
    with mp.workdps(30):
        exact = mp.findroot(
            lambda v: mpf("1e-14") * mp.expm1(v / (mpf("1.2") * VT)) + mpf("1e-12") * v - (5 - v) / 1000,
            (0.6, 0.9),
            solver="anderson",
        )
        current = (5 - exact) / 1000
    got, residual = ours("v1 a 0 5\nr1 a b 1k\nd1 b 0 dm\n.model dm d(is=1e-14 n=1.2)")
    assert got["v(b)"][0] == pytest.approx(float(exact), rel=1e-14)
    assert got["i(v1)"][0] == pytest.approx(-float(current), rel=1e-14)
    assert residual <= 1e-14


def test_series_resistance_is_inside():
    inside, _ = ours("v1 a 0 1\nd1 a 0 dm area=2\n.model dm d(rs=10)")
    outside, _ = ours("v1 a 0 1\nr1 a b 5\nd1 b 0 dm area=2\n.model dm d")
    assert inside["i(v1)"][0] == pytest.approx(outside["i(v1)"][0], rel=1e-14)
    assert set(inside) == {"v(a)", "i(v1)"}


def test_a_transistor_in_saturation():
    got, _ = ours("vd d 0 3\nvg g 0 2\nm1 d g 0 0 nm w=4u l=2u\n.model nm nmos(vto=0.5 kp=1e-4 lambda=0.1)")
    channel = 1e-4 * 2 / 2 * 1.5**2 * (1 + 0.1 * 3)
    assert got["i(vd)"][0] == pytest.approx(-(channel + 1e-14 + 3e-12), rel=1e-12)


def test_drain_and_source_exchange():
    model = "\n.model nm nmos(vto=0.5 kp=1e-4 lambda=0.1 gamma=0.4)"
    one, _ = ours("v1 a 0 1\nvg g 0 2\nm1 a g 0 0 nm" + model)
    other, _ = ours("v1 a 0 1\nvg g 0 2\nm1 0 g a 0 nm" + model)
    assert one["i(v1)"][0] == pytest.approx(other["i(v1)"][0], rel=1e-14)


def test_p_channel_is_the_mirror():
    n, _ = ours("v1 a 0 1\nvg g 0 2\nr1 a d 1k\nm1 d g 0 0 m\n.model m nmos(vto=0.5 kp=1e-4 gamma=0.4 lambda=0.02)")
    p, _ = ours("v1 a 0 -1\nvg g 0 -2\nr1 a d 1k\nm1 d g 0 0 m\n.model m pmos(vto=-0.5 kp=1e-4 gamma=0.4 lambda=0.02)")
    for name, value in n.items():
        assert p[name][0] == pytest.approx(-value[0], rel=1e-12)


@pytest.mark.parametrize(
    ("circuit", "law"),
    [
        ("b1 b 0 i={1e-9*sinh(v(b)/0.005)}", lambda v: 1e-9 * np.sinh(v / 0.005)),
        ("b1 b 0 i={1e-14*(exp(v(b)/0.025)-1)}", lambda v: 1e-14 * np.expm1(v / 0.025)),
        ("b1 b 0 i={1e-3*v(b)^2*v(b)}", lambda v: 1e-3 * v**3),
        ("b1 b 0 i={1e-3*sqrt(abs(v(b)))*sgn(v(b))}", lambda v: 1e-3 * np.sqrt(v)),
        ("b1 b 0 i={uramp(v(b)-1)*1e3}", lambda v: 1e3 * max(v - 1, 0)),
        ("b1 b 0 i={v(b)>1?(v(b)-1)*10+1m:v(b)*1m}", lambda v: 1e-3 * v if v < 1 else 10 * (v - 1) + 1e-3),
        ("b1 b 0 i={1m*ln(v(b)/0.1)}", lambda v: 1e-3 * np.log(v / 0.1)),
        ("r2 b 0 '1k+2k*v(b)^2'", lambda v: v / (1e3 + 2e3 * v**2)),
        ("b2 c 0 v={v(b)*3}\nr2 b c 1k", lambda v: -2 * v / 1e3),
    ],
)
def test_laws_from_a_cold_start(circuit, law):
    """What a resistor from 5 V carries is what a law gives: steep, flat, kinked, without a value at 0."""
    got, _ = ours(f"v1 a 0 5\nr1 a b 1k\n{circuit}")
    v, i = got["v(b)"][0], -got["i(v1)"][0]
    steep = abs(law(v * (1 + 1e-15)) - law(v))
    assert i == pytest.approx(law(v), rel=1e-13, abs=4 * steep)
    assert i == pytest.approx((5 - v) / 1e3, rel=1e-13)


def test_a_current_controls():
    text = (
        "v1 a 0 1\nr1 a b 1k\nvm b 0 0\nb1 c 0 i={i(vm)^2*1k}\nr2 c 0 1k\n"
        "b2 d 0 v={i(b3)*2}\nr3 d 0 1\nb3 e 0 v=3\nr4 e 0 1k"
    )
    got, _ = ours(text)
    assert got["v(c)"][0] == pytest.approx(-1.0, rel=1e-14)
    assert got["v(d)"][0] == pytest.approx(-6e-3, rel=1e-14)


@pytest.mark.slow
def test_sweeps_are_points(tmp_path):
    """A point of a sweep is what an operating point gives, in both nested sweeps, up and down."""
    circuit = "v1 a 0 {}\nv2 c 0 {}\nr1 a b 1k\nd1 b c dm\n.model dm d(bv=3 ibv=1m)\n"
    up, _ = ours(circuit.format(0, 0) + ".dc v1 -5 2 0.5 v2 -1 1 1")
    down, _ = ours(circuit.format(0, 0) + ".dc v1 2 -5 -0.5 v2 1 -1 -1")
    np.testing.assert_allclose(up["v(b)"], down["v(b)"][::-1], rtol=1e-13, atol=1e-15)
    for k in (0, 17, 44):
        one, _ = ours(circuit.format(-5 + 0.5 * (k % 15), -1 + k // 15))
        assert up["v(b)"][k] == pytest.approx(one["v(b)"][0], rel=1e-13, abs=1e-15)


def test_a_law_of_time(tmp_path):
    got, _ = ours("v1 a 0 pwl(0 0 1 2)\nr1 a b 1k\nb1 b 0 i={time*1m*v(b)}\n.tran 0.25 1")
    time = np.array([0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(got["v(b)"], 2 * time / (1 + time), rtol=1e-13)
    still, _ = ours("b1 b 0 v=1+time\nr1 b 0 1")
    assert still["v(b)"][0] == 1


def test_frozen_states():
    """A memristor is read at its capacitor's initial value, by instance, by node or by the subcircuit's default."""
    memristor = (
        ".subckt mem te be x0=0.2\ngx 0 x value={v(te,be)*v(x)*(1-v(x))}\ncx x 0 1 ic={x0}\n"
        "gm te be value={v(te,be)*v(x)*1m}\n.ends\n"
        ".subckt other te be xsv\ngx 0 xsv value={v(te,be)*v(xsv)}\ncx xsv 0 1\n.ic v(xsv)=0.3\n"
        "gm te be value={v(te,be)*v(xsv)*1m}\n.ends\n"
    )
    got, _ = ours(memristor + "v1 a 0 1\nx1 a 0 mem\nx2 a 0 mem x0=0.7\nx3 a 0 s other")
    assert got["i(v1)"][0] == pytest.approx(-1e-3 * (0.2 + 0.7 + 0.3), rel=1e-14)
    assert got["v(s)"][0] == 0.3


def test_frozen_states_are_noted(tmp_path):
    circuit = read_text(tmp_path, "v1 a 0 1\nr1 a 0 1\ng1 0 x value={v(a)*v(x)}\nc1 x 0 1 ic=0.5\nc2 a 0 1 ic=3")
    assert any("c1 holds a state" in note for note in circuit.notes)
    (result,) = simulate(circuit)
    assert dict(zip(result.nodes, result.voltages[0], strict=True)) == {"a": 1.0, "x": 0.5}


def test_instances_share_a_template(tmp_path):
    cells = "\n".join(f"x{k} a b{k % 7} cell g={1e-5 * (k + 1)!r}" for k in range(200))
    rest = "v1 a 0 0.5\n" + "\n".join(f"r{k} b{k} 0 10" for k in range(7))
    text = f".subckt cell p n g=1 v0=0.25\nb1 p n i={{g*v0*sinh(v(p,n)/v0)}}\n.ends\n{cells}\n{rest}"
    circuit = read_text(tmp_path, text)
    (group,) = circuit.behaviours
    assert (len(group.names), group.kinds, group.constants.shape) == (200, "v", (2, 200))
    assert group.two_terminal.all()
    assert group.names[:2] == ["b.x0.b1", "b.x1.b1"]
    flat = "\n".join(f"b{k} a b{k % 7} i={{{1e-5 * (k + 1)!r}*0.25*sinh(v(a,b{k % 7})/0.25)}}" for k in range(200))
    (same,) = read_text(tmp_path, f"{flat}\n{rest}", "flat.sp").behaviours
    assert same.template is group.template
    np.testing.assert_allclose(same.constants, group.constants, rtol=1e-15)


def test_models_and_functions_by_scope():
    """Inner models and functions hide outer ones, and take the instance's parameters."""
    text = (
        ".func f(x) {x*2}\n.model dm d(is=1e-12)\n"
        ".subckt s p n i=1e-14\n.model dm d(is={i})\n.func f(x) {x*3}\nd1 p n dm\nb1 p n i={f(v(p,n))*1m}\n.ends\n"
        ".subckt t p n\nd1 p n dm\nb1 p n i={f(v(p,n))*1m}\n.ends\n"
    )
    got, _ = ours(text + "v1 a 0 0.5\nx1 a 0 s i=1e-13\nv2 b 0 0.5\nx2 b 0 t")

    def diode(saturation):
        return saturation * float(mp.expm1(0.5 / VT)) + 0.5e-12

    assert got["i(v1)"][0] == pytest.approx(-(diode(1e-13) + 1.5e-3), rel=1e-13)
    assert got["i(v2)"][0] == pytest.approx(-(diode(1e-12) + 1e-3), rel=1e-13)


def test_bistable_circuits_have_an_answer():
    latch = (
        "vdd d 0 3\nm1 a b 0 0 nm\nm2 a b d d pm\nm3 b a 0 0 nm\nm4 b a d d pm\n"
        ".model nm nmos(vto=0.7 kp=110u)\n.model pm pmos(vto=-0.8 kp=50u)"
    )
    got, residual = ours(latch)
    assert residual <= 1e-9
    assert 0 <= got["v(a)"][0] <= 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("b1 b 0 i={v(b)>0.5?10m:0}", ConvergenceError, "at b1 ("),
        ("b1 b 0 i={ln(v(b)-5)}", ConvergenceError, "at b1 ("),
        ("b1 a 0 i={sqrt(-1-v(a)^2)}", ConvergenceError, "a law has no finite value"),
        ("b1 b 0 i={v(b)>0.5?10m:0}\n.dc v1 0 1 0.25", ConvergenceError, "at v1 = 0.75"),
        ("b1 b 0 v={v(b)}", ConvergenceError, "singular"),
        ("b1 b 0 i={v(q)}", FloatingError, "node q"),
        ("b1 c d i={v(c,d)}", FloatingError, "nodes c, d"),
        ("m1 b g 0 0 nm\n.model nm nmos", FloatingError, "node g"),
        ("m1 b a 0 0 nm\nd1 p q dm\n.model nm nmos(rd=1)\n.model dm d(rs=1)", FloatingError, "nodes p, q:"),
        ("b1 b 0 v=1\nb2 b 0 v=2", SolveError, "b2 closes a loop"),
    ],
)
def test_what_has_no_operating_point(text, error, words):
    with pytest.raises(error) as caught:
        ours(f"v1 a 0 1\nr1 a b 1k\n{text}")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_command_line(tmp_path, capsys):
    path = tmp_path / "diode.sp"
    path.write_text(
        "title\nv1 a 0 0\nr1 a b 1k\nd1 b 0 dm\n.model dm d\nb1 c 0 v={v(b)*2}\nr2 c 0 1k\n.dc v1 0 1 0.5\n"
    )
    done = call(capsys, "solve", "--netlist", path, "--format", "json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    (analysis,) = answer["analyses"]
    assert answer["recognised"] is None
    assert set(analysis["source_currents"]) == {"v1", "b1"}
    assert len(analysis["node_voltages"]["c"]) == 3
    path.write_text("title\nv1 a 0 1\nr1 a b 1k\nb1 b 0 i={v(b)>0.5?10m:0}\n")
    done = call(capsys, "solve", "--netlist", path)
    assert (done.code, done.out) == (3, "")
    assert done.err.strip().splitlines()[-1].startswith(f"xbarsim: {path}: no operating point was found")
