"""Facts of the dialect, each compared with what ngspice 39 makes of the same lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from netlist_tools import needs_ngspice, read_text

from xbarsim.netlist import Circuit, read
from xbarsim.netlist.analyses import Dc, Op, Tran
from xbarsim.netlist.element_kinds import INDUCTOR, RESISTOR, VOLTAGE

BASE = "v1 a 0 2\nr1 a b 1k\nr2 b 0 1k\n"


def solve_circuit(circuit: Circuit) -> dict[str, float]:
    """Operating point by a dense nodal analysis of its own, in the names of ngspice's raw file."""
    n = len(circuit.nodes)
    fixed = [k for k in range(len(circuit.names)) if circuit.kinds[k] in (VOLTAGE, INDUCTOR)]
    branch = {k: n + at for at, k in enumerate(fixed)}
    for k, source in enumerate(circuit.controlled):
        if source.kind in "eh":
            branch[len(circuit.names) + k] = n + len(branch)
    size = n + len(branch)
    A, z = np.zeros((size, size)), np.zeros(size)

    def tie(row: int, first: int, second: int) -> None:
        A[row, first] += 1
        A[row, second] -= 1
        A[first, row] += 1
        A[second, row] -= 1

    for k in range(len(circuit.names)):
        a, b, value = circuit.first[k], circuit.second[k], circuit.values[k]
        if k in branch:
            tie(branch[k], a, b)
            z[branch[k]] = value if circuit.kinds[k] == VOLTAGE else 0.0
        elif circuit.kinds[k] == RESISTOR:
            A[np.ix_([a, b], [a, b])] += np.array([[1, -1], [-1, 1]]) / value
        else:
            z[a] -= value
            z[b] += value
    for k, s in enumerate(circuit.controlled):
        if s.kind in "eh":
            row = branch[len(circuit.names) + k]
            tie(row, s.first, s.second)
        for node, sign in ((s.first, 1.0), (s.second, -1.0)):
            if s.kind == "g":
                A[node, s.c] += sign * s.gain
                A[node, s.d] -= sign * s.gain
            elif s.kind == "f":
                A[node, branch[s.c]] += sign * s.gain
        if s.kind == "e":
            A[row, s.c] -= s.gain
            A[row, s.d] += s.gain
        elif s.kind == "h":
            A[row, branch[s.c]] -= s.gain
    x = np.zeros(size)
    x[1:] = np.linalg.solve(A[1:, 1:], z[1:])
    names = circuit.names + [s.name for s in circuit.controlled]
    return {f"v({name})": x[k] for k, name in enumerate(circuit.nodes) if k} | {
        f"i({names[k]})": x[row] for k, row in branch.items()
    }


def plots_of(path: Path) -> list[dict[str, np.ndarray]]:
    """Run ngspice on a file and return the plots of its raw file, in its order."""
    raw = path.with_suffix(".raw")
    done = subprocess.run(
        ["ngspice", "-b", "-r", str(raw), str(path)],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert raw.exists(), done.stdout + done.stderr
    data, plots = raw.read_bytes(), []
    while b"Binary:\n" in data:
        header, _, data = data.partition(b"Binary:\n")
        names = [line.split()[1] for line in header.decode().split("Variables:\n")[1].splitlines()]
        points = int(header.decode().split("No. Points:")[1].split()[0])
        values = np.frombuffer(data, count=points * len(names)).reshape(points, len(names))
        plots.append(dict(zip(names, values.T, strict=True)))
        data = data[points * len(names) * 8 :]
    return plots


CIRCUITS = {
    "E": "e1 o 0 a b 3\nro o 0 1k",
    "E with parentheses": "e1 o 0 (a,b) {1+2}\nro o 0 1k",
    "E vcvs": "e1 o 0 vcvs a b 3\nro o 0 1k",
    "E gain=": "e1 o 0 a b gain=3\nro o 0 1k",
    "E with a bare parameter": ".param k=3\ne1 o 0 a b k\nro o 0 1k",
    "G": "g1 o 0 a b 1m\nro o 0 1k",
    "G with m": "g1 o 0 a b 1m m=2\nro o 0 1k",
    "G vccs": "g1 o 0 vccs a b 1m\nro o 0 1k",
    "F": "f1 o 0 v1 2\nro o 0 1k",
    "F with m": "f1 o 0 V1 {1+1} m=3\nro o 0 1k",
    "F cccs": "f1 o 0 cccs v1 2\nro o 0 1k",
    "F poly": "f1 o 0 poly(1) v1 0 2\nro o 0 1k",
    "F of an E": "f1 o 0 e1 2\ne1 x 0 a b 1\nrx x 0 1\nro o 0 1k",
    "F of an H": "f1 o 0 h1 2\nh1 x 0 v1 1\nrx x 0 1\nro o 0 1k",
    "H": "h1 o 0 v1 2k\nro o 0 1k",
    "H ccvs": "h1 o 0 ccvs v1 2k\nro o 0 1k",
    "L is a short with a current": "l1 o a 1u\nro o 0 1k",
    "L without a value": "l1 o a\nro o 0 1k",
    "L l= ic=": "l1 o a l=1u ic=1\nro o 0 1k",
    "C is open": "c1 o a 1u ic=3\nro o 0 1k",
    "C in a subcircuit": "x1 o s\n.subckt s p\nc1 p k 1u\nr1 p k 1\nr2 k 0 1\n.ends",
    "all in a subcircuit": "x1 o s\n.subckt s p\nv1 k 0 1\nr1 k p 1\nf1 p 0 v1 1\nh1 q 0 v1 2\nrq q 0 1\ne1 y 0 p q 2\n"
    "ry y 0 1\ng1 p 0 y q 1\nl1 p z 1\nrz z 0 1\n.ends",
    "func": "vo o 0 {f(3)}\n.func f(x) {x*2}\nro o 0 1",
    "func quotes": ".func f(x) 'x*2'\nvo o 0 {f(3)}\nro o 0 1",
    "func =": ".func f(x)={x*2}\nvo o 0 {f(3)}\nro o 0 1",
    "func bare": ".func f(x) x*2\nvo o 0 {f(3)}\nro o 0 1",
    "func of two": ".func f(x,y) {x*2+y}\nvo o 0 {f(3,f(1,1))}\nro o 0 1",
    "func of none": ".func f() {7}\nvo o 0 {f()}\nro o 0 1",
    "param function": ".param f(x)='x*2' q=3\nvo o 0 {f(q)}\nro o 0 1",
    "func sees parameters": ".func f(x) {x*q}\n.param q=4\nvo o 0 {f(3)}\nro o 0 1",
    "func calls a later one": ".func f(x) {g(x)+1}\n.func g(x) {x*2}\nvo o 0 {f(3)}\nro o 0 1",
    "func again: the last counts": ".func f(x) {x*2}\n.func f(x) {x*3}\nvo o 0 {f(3)}\nro o 0 1",
    "func of a built-in's name": ".func sqr(x) {x*3}\nvo o 0 {sqr(3)}\nro o 0 1",
    "func arguments are values": ".func f(x) {2*x}\nvo o 0 {f(1+2)}\nro o 0 1",
    "func argument hides a parameter": ".param x=5\n.func f(x) {2*x}\nvo o 0 {f(1)+x}\nro o 0 1",
    "func in a parameter": ".func f(x) {x*2}\n.param q={f(2)}\nvo o 0 {q}\nro o 0 1",
    "func in a subcircuit": "x1 o s\n.subckt s p\n.func f(x) {x*5}\nv1 p k {f(3)}\nr1 k 0 1\n.ends\n.func f(x) {x}",
    "func in a subcircuit sees its parameters": ".func f(x) {x*k}\n.param k=2\nx1 o s k=5\n.subckt s p k=3\n"
    "v1 p k {f(3)}\nr1 k 0 1\n.ends",
    "PARAMS:": "x1 o s PARAMS: k=4\n.subckt s p PARAMS: k=3 j=2\nv1 p q {k*j}\nr1 q 0 1\n.ends",
    ".param inside": "x1 o s\n.subckt s p\n.param k=3 j={k*2}\nv1 p q {j}\nr1 q 0 1\n.ends",
    "a default sees outside": ".param z=4\nx1 o s\n.subckt s p k={z*2}\nv1 p q {k}\nr1 q 0 1\n.ends",
    "inner definitions hide outer ones": "x1 o s\n.subckt t p\nv1 p q 1\nr1 q 0 1\n.ends\n.subckt s p\n.subckt t p\n"
    "v1 p q 2\nr1 q 0 1\n.ends\nx1 p t\n.ends",
    "names where definitions nest": "x1 o s\n.subckt s p\n.subckt t p\nv1 p k 2\nr1 k 0 1\ne1 q 0 p 0 2\nrq q 0 1\n"
    "f1 0 q v1 1\n.ends\nx1 p t\nxu p u\n.subckt u p\nrq p 0 1\nx9 p w\n.ends\n.subckt w p\nvw k 0 1\nrw k p 1\n"
    ".ends\n.ends",
    "X m=": "x1 o s m=3\ni9 0 o 1\n.subckt s p\nr1 p 0 6\nv1 k 0 1\nr2 k p 1\nf1 p 0 v1 1\n.ends",
    "X m= goes down": "x1 o s m={1+1}\ni9 0 o 1\n.subckt s p\nx1 p t\n.ends\n.subckt t p\nr1 p 0 6\ni1 p 0 1\n"
    "g1 p 0 p 0 1\n.ends",
    "X m= that the subcircuit has itself": "x1 o s m=3\ni9 0 o 1\n.subckt s p m=1\nr1 p 0 {6*m}\n.ends",
    "I m=": "i9 0 o 1 m=2\nro o 0 1",
    "a port called 0 is ground": "x1 o a s\n.subckt s p 0\nr1 p 0 1\n.ends\nro o 0 1",
    "a global node beats a port": ".global p\nx1 o s\n.subckt s p\nr1 p 0 1\n.ends\nro o 0 1\nvp p 0 3",
    "a node inside by its full name": "x1 o s\n.subckt s p\nr1 p k 1\n.ends\nv9 x1.k 0 5\nro o 0 1",
    "wave before its start": "vo o 0 pulse(0 1 -1m 1m 1m 2m 5m)\nro o 0 1",
    "notes change nothing": ".temp 50\n.options gmin=1e-3 scale=2\n.nodeset v(a)=3\n.ic v(a)=5\n.width out=80",
    "negative gain": "e9 o 0 a 0 -2\nro o 0 1",
    "constant E": "e9 o 0 vol='2+3'\nro o 0 1",
}


@pytest.mark.parametrize("case", CIRCUITS)
@needs_ngspice
@pytest.mark.ngspice
def test_operating_point_is_that_of_ngspice(tmp_path, case):
    path = tmp_path / "a.sp"
    path.write_text(f"title\n{BASE}{CIRCUITS[case]}\n.op\n.end\n")
    ours = solve_circuit(read(path))
    theirs = {name: float(value[0]) for name, value in plots_of(path)[0].items()}
    if case == "F poly":
        theirs.pop("i(a$poly$f1)", None)
    if case == "constant E":
        theirs = {name: value for name, value in theirs.items() if "int1" not in name and "be9" not in name}
    assert ours.keys() == theirs.keys()
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


SWEEPS = [
    "0 1 0.1", "0 1 0.3", "1 0 -0.1", "1 1 0.1", "0 0.3 0.1", "0 1 0.333333", "0 1 0.3333334", "0 1u 0.1u", "0 1 2",
    "0 1000 0.1", "0 100 0.1", "0 1 0.001", "1 0 -0.001", "-1 1 0.05", "0 1 0.50000000000005", "0 1 0.5000000000002",
    "0 1e-12 1e-13", "0 20 0.01", "1e-13 0 1", "5 5 -1", "{0} {2*1} {1/2}", "0 1k 0.5k",
]  # fmt: skip


@pytest.mark.parametrize("words", SWEEPS)
@needs_ngspice
@pytest.mark.ngspice
def test_sweeps_have_the_points_of_ngspice(tmp_path, words):
    path = tmp_path / "a.sp"
    path.write_text(f"title\n{BASE}.dc v1 {words}\n.end\n")
    analysis = read(path).analyses[0]
    assert isinstance(analysis, Dc)
    # ngspice reads 0.3 as 0.30000000000000004, so only the number of points is the same to the last bit.
    theirs = plots_of(path)[0]["v(v-sweep)"]
    np.testing.assert_allclose(analysis.sweeps[0].values, theirs, rtol=1e-15 * theirs.size, atol=1e-15)


@needs_ngspice
@pytest.mark.ngspice
def test_the_first_of_two_sources_is_the_fastest(tmp_path):
    path = tmp_path / "a.sp"
    path.write_text(f"title\n{BASE}i9 0 b 1\n.dc v1 0 1 0.25 i9 1 0 -0.5\n.end\n")
    circuit = read(path)
    fast, slow = circuit.analyses[0].sweeps
    assert [circuit.names[sweep.element] for sweep in (fast, slow)] == ["v1", "i9"]
    theirs = plots_of(path)[0]
    np.testing.assert_array_equal(np.tile(fast.values, slow.values.size), theirs["v(a)"])
    # v(b) is half of v(a) and 500 V for each ampere.
    expected = np.tile(fast.values, slow.values.size) / 2 + 500 * np.repeat(slow.values, fast.values.size)
    np.testing.assert_allclose(theirs["v(b)"], expected, atol=1e-9)


WAVES = [
    "pulse(0 1)", "pulse(0 1 2m)", "pulse(0 1 2m 0 0)", "pulse(0 1 1m 1m 1m 0)", "pulse(0 1 1m 1m 2m 1m 6m)",
    "pulse(0 1 1m 1m 2m 1m 0)", "pulse(0 1 -1m 1m 1m 2m 5m)", "pulse(0 1 0 1m 1m 2m 5m 1)",
    "pulse(0 1 0 1m 1m 2m 5m 90)", "sin(0 1)", "sin(0 1 0)", "sin(0.5 1 100 2m 50 90)", "exp(0 1)", "exp(0 1 2m)",
    "exp(0 1 2m 1m 5m 3m)", "exp(0 1 2m 1m)",
    "exp(0 1 3m 1m 1m 1m)", "exp(0.5 1 3m 2m 1m 1m)", "pwl(1m 0 3m 2 5m 1)", "pwl(0 0 3m 2 5m 1) r=3m",
    "pwl(0 0 3m 2 5m 1) td=2m", "pwl(0 0 3m 2 5m 1) r=0 td=2m", "dc 5 pulse(0 1 2m)", "pulse(0 {p} {p*1m} 1m 1m 2m 5m)",
    "pwl(0 0.2 3m 0.2 3m 1 5m 2)", "pwl(0 1 0 2 2m 3 2m 0.5 2m 4 6m 1)", "pwl(0 0 2m 1 2m 3 4m 2) r=2m",
    "sine(0.5 1 100)", "am(1 0.5 20 1k)", "am(2 0.5 20 300 2m 30 70)", "sffm(0.1 1 20 2 5 30 60)",
    "sffm(0.3 1)", "sffm(0 2 100 3)",
]  # fmt: skip


@pytest.mark.parametrize("words", WAVES)
@needs_ngspice
@pytest.mark.ngspice
def test_waves_have_the_values_of_ngspice(tmp_path, words):
    path = tmp_path / "a.sp"
    path.write_text(f"title\n.param p=2\nr1 a 0 1k\nv1 a 0 {words}\n.tran 1m 10m\n.end\n")
    circuit = read(path)
    theirs = plots_of(path)[0]
    ours = circuit.waves[circuit.names.index("v1")].at(theirs["time"])
    np.testing.assert_allclose(ours, theirs["v(a)"], atol=1e-9)


def test_print_times_of_a_transient(tmp_path):
    cards = {
        "1m 10m": np.arange(11) * 1e-3,
        "3m 10m": [0, 3e-3, 6e-3, 9e-3, 10e-3],
        "1m 10m 4m": np.arange(4, 11) * 1e-3,
        "1m 10m 0 0.1m uic": np.arange(11) * 1e-3,
        "20m 10m": [0, 10e-3],
    }
    for words, times in cards.items():
        analysis = read_text(tmp_path, f"{BASE}.tran {words}").analyses[0]
        assert isinstance(analysis, Tran)
        np.testing.assert_allclose(analysis.times, times, rtol=1e-12)


def test_analyses_come_in_file_order_and_op_is_assumed(tmp_path):
    kinds = [type(a) for a in read_text(tmp_path, f"{BASE}.tran 1 2\n.op\n.dc v1 0 1 1\n.op").analyses]
    assert kinds == [Tran, Op, Dc, Op]
    circuit = read_text(tmp_path, BASE)
    assert circuit.analyses == (Op(),)
    assert any(".op is taken" in note for note in circuit.notes)


def test_a_wave_counts_with_time_0_and_dc_wins(tmp_path):
    circuit = read_text(tmp_path, "v1 a 0 sin(1 2 1k 0 0 90)\nv2 b a dc 5 sin(1 2 1k)\nr1 b 0 1\n.op")
    assert list(circuit.values[:2]) == [3.0, 5.0]
    assert sorted(circuit.waves) == [0, 1]


def test_control_blocks(tmp_path):
    text = f"{BASE}.op\n.control\ndc v1 0 1 1\nrun\nset x=1\nprint v(a)\n.endc"
    circuit = read_text(tmp_path, text)
    assert [type(a) for a in circuit.analyses] == [Dc, Op]
    assert circuit.requests == ("print v(a)",)
    circuit = read_text(tmp_path, f"{BASE}.op\n.control\ndc v1 0 1 1\n.endc")
    assert [type(a) for a in circuit.analyses] == [Dc, Op]


def test_requests_and_measures(tmp_path):
    text = (
        f"{BASE}.dc v1 0 1 0.1\n.print dc v(a)\n.measure dc top max v(b)\n.meas dc at find v(a) at=0.5\n"
        ".meas tran when1 when v(a)=0.5 cross=1\n.meas dc f2 find v(b) when v(a)=0.25\n.meas dc two param='2*top'\n"
        ".meas tran mean avg i(v1) from=1m to=2m\n.meas dc odd trig v(a) val=1"
    )
    circuit = read_text(tmp_path, text)
    assert circuit.requests == (".print dc v(a)",)
    found = {m.name: (m.function, m.output, m.keys) for m in circuit.measures if not m.problem}
    assert found == {
        "top": ("max", "v(b)", {}),
        "at": ("find", "v(a)", {"at": "0.5"}),
        "when1": ("when", "v(a)", {"value": "0.5", "cross": "1"}),
        "f2": ("find", "v(b)", {"when": "v(a)", "value": "0.25"}),
        "two": ("param", "2*top", {}),
        "mean": ("avg", "i(v1)", {"from": "1m", "to": "2m"}),
    }
    assert {m.name: m.problem for m in circuit.measures if m.problem}["odd"].startswith("trig has no targ")


@needs_ngspice
@pytest.mark.ngspice
def test_library_sections(tmp_path):
    (tmp_path / "My.lib").write_text(
        "* lib\n.lib tt\n.param q=5\n.endl tt\n.lib ff\n.param q=7\n.lib 'My.lib' tt2\n.endl\n.lib tt2\n.param z=9\n"
        ".endl tt2\nrout 0 z 1\n"
    )
    path = tmp_path / "a.sp"
    path.write_text("title\nv1 a 0 {q+z}\n.lib 'My.lib' FF\nr1 a 0 1\n.op\n.end\n")
    circuit = read(path)
    assert circuit.names == ["v1", "r1"]
    assert circuit.values[0] == plots_of(path)[0]["v(a)"][0] == 16


def test_a_batch_of_instances_is_what_each_alone_is(tmp_path):
    rng = np.random.default_rng(5)
    ohms = rng.uniform(1e3, 1e4, 40)
    definition = (
        ".subckt cell a b r=1k s={r*2}\nv1 a k 0\nr1 k m {r}\nx1 m b inner t={s+1} u={max(r,5k)}\n.ends\n"
        ".subckt inner a b t=1 u=1\nr1 a c {t}\nr2 c b {u}\n.ends\n"
    )
    cards = [f"x{k} n{k} n{k + 1} cell r={value!r}" for k, value in enumerate(ohms.tolist())]
    together = read_text(tmp_path, definition + "\n".join(cards))
    apart = read_text(tmp_path, definition + "\n".join(card.replace("r=", "r= {") + "}" for card in cards))

    def as_dict(circuit: Circuit) -> dict[str, tuple[str, str, float]]:
        ends = zip(circuit.names, circuit.first, circuit.second, circuit.values, strict=True)
        return {name: (circuit.nodes[a], circuit.nodes[b], v) for name, a, b, v in ends}

    assert as_dict(together) == as_dict(apart)
    got = as_dict(together)
    for k, r in enumerate(ohms):
        assert got[f"v.x{k}.v1"] == (f"n{k}", f"x{k}.k", 0.0)
        assert got[f"r.x{k}.r1"] == (f"x{k}.k", f"x{k}.m", r)
        assert got[f"r.x{k}.x1.r1"] == (f"x{k}.m", f"x{k}.x1.c", r * 2 + 1)
        assert got[f"r.x{k}.x1.r2"] == (f"x{k}.x1.c", f"n{k + 1}", max(r, 5e3))


def test_a_batch_of_rows_of_cells(tmp_path):
    cells = "\n".join(f"x{j} a b{j} cell r={{q*{j + 1}}}" for j in range(5))
    text = f".subckt row a b0 b1 b2 b3 b4 q=1\n{cells}\n.ends\n.subckt cell a b r=1\nr1 a b {{r}}\n.ends\n" + "\n".join(
        f"x{i} w{i} b0 b1 b2 b3 b4 row q={i + 1}" for i in range(3)
    )
    circuit = read_text(tmp_path, text)
    got = {circuit.names[k]: (circuit.nodes[circuit.first[k]], circuit.values[k]) for k in range(len(circuit.names))}
    assert got == {f"r.x{i}.x{j}.r1": (f"w{i}", (i + 1) * (j + 1)) for i in range(3) for j in range(5)}


def test_elements_without_columns(tmp_path):
    circuit = read_text(tmp_path, f"{BASE}c1 a k 1p\nf1 0 b e1 2\ne1 q 0 a b 1\nl1 q 0 1m")
    assert circuit.capacitors[0][:3] == ("c1", circuit.nodes.index("a"), circuit.nodes.index("k"))
    assert circuit.kinds[circuit.names.index("l1")] == INDUCTOR
    assert circuit.values[circuit.names.index("l1")] == 1e-3
    f1, e1 = circuit.controlled
    assert (f1.c, f1.d, e1.kind) == (len(circuit.names) + 1, -1, "e")
