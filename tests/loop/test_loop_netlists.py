"""Loops as netlists: written and read by the general solver and ngspice; arrays found inside netlists."""

import numpy as np
import pytest
from loop_tools import REAL, UNIT, amplifiers, crossbar, dominant, nodal, pair
from netlist_tools import needs_ngspice, read_text

from xbarsim import Crossbar, LineEnds, spice
from xbarsim.analysis import arrays_by_ends, runs
from xbarsim.analysis.arrays_by_ends import solve_with_arrays
from xbarsim.analysis.as_loop import solve_as_loop
from xbarsim.analysis.general import solve_general
from xbarsim.analysis.points import points_of
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.errors import FloatingError, InputError
from xbarsim.loop import (
    Amplifier,
    CurrentSource,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    VoltageSource,
    close,
    eigenvector,
    inverse_loop,
    pseudo_inverse_loop,
    read_loop,
    transimpedance_loop,
    write_loop,
)
from xbarsim.netlist import read


def by_general(path):
    circuit = read(path)
    (result,) = simulate(circuit)
    return dict(zip(result.nodes, result.voltages[0], strict=True)), result


def same(closed, voltages, bound, point=0):
    expected = {
        node: np.atleast_1d(volts)[point if np.ndim(volts) else 0] for node, volts in closed.node_voltages().items()
    }
    largest = max(map(abs, expected.values()))
    for node, volts in expected.items():
        assert voltages[node.lower()] == pytest.approx(volts, abs=bound * largest), node


def mixed_loop():
    """All kinds of parts, all sides of an array, two points."""
    rng = np.random.default_rng(1)
    ends = {"word_right": LineEnds([0.1, 0.0, -0.2], [50.0, np.inf, 0.0]), "bit_top": LineEnds(0.0, [9.0, 0.0])}
    xbar = Crossbar(
        [[1e-3, 2e-4], [0.0, 5e-4], [3e-4, 1e-4]], word_wire=[[0.0], [2.0], [3.0]], bit_wire=1.5,
        driver=[0.0, 5.0, 7.0], sense=[3.0, np.inf], ends=ends,
    )  # fmt: skip
    return Loop(
        JoinedArray("Left", xbar, {"word_left": ["A", "b", "c"], "bit_bottom": ["d", "open"], "bit_top": ["e", "f"]}),
        VoltageSource("s", "A", "0", [0.3, -0.1]),
        CurrentSource("k", "c", "0", [1e-5, 2e-5]),
        Resistor("short", "b", "g", 0.0),
        Resistor("r1", "g", "0", 1e3),
        Resistor("r2", "e", "f", 2e3),
        Resistor("r3", "f", "0", float(rng.uniform(1e2, 1e3))),
        OpAmp("u", "0", "d", "h", REAL),
        OpAmp("w", "h", "m", "m", Amplifier(gain=50.0, bandwidth=2e6)),
        Resistor("rf", "h", "d", 3e3),
        Resistor("rl", "m", "c", 1e4),
    )


@pytest.mark.parametrize("point", [0, 1])
def test_written_loops_are_the_same_circuit(tmp_path, point):
    closed = close(mixed_loop())
    write_loop(closed.loop, tmp_path / "loop.sp", point=point)
    voltages, result = by_general(tmp_path / "loop.sp")
    same(closed, voltages, 1e-12, point)
    currents = dict(zip(result.branches, result.currents[0], strict=True))
    ours = {name: values[point] for name, values in closed.source_currents().items()}
    largest = max(map(abs, ours.values()))
    for name, theirs in (("s", "v_s"), ("short", "v_short"), ("u", "e_u"), ("w", "e_w")):
        assert ours[name] == pytest.approx(currents[theirs], abs=1e-11 * largest)


def test_ideal_amplifiers_are_written_too(tmp_path):
    rng = np.random.default_rng(2)
    closed = close(inverse_loop(pair(rng, dominant(rng, 3)), [0.1, -0.2, 0.05], unit=UNIT))
    write_loop(closed.loop, tmp_path / "loop.sp")
    assert " opamp " in (tmp_path / "loop.sp").read_text()
    same(closed, by_general(tmp_path / "loop.sp")[0], 1e-11)


@pytest.mark.parametrize("kind", ["inverse", "pseudo", "read", "eigen"])
@needs_ngspice
@pytest.mark.ngspice
def test_against_ngspice(tmp_path, kind):
    rng = np.random.default_rng(4)
    n = 6
    amps = amplifiers(rng, 4 * n + 4)
    b = rng.uniform(-0.1, 0.1, n)
    if kind == "eigen":
        closed = eigenvector(crossbar(rng, rng.uniform(0.0, 1.0, (n, n))), unit=UNIT, amplifier=amps[: 2 * n]).circuit
    else:
        loop = {
            "inverse": lambda: inverse_loop(pair(rng, dominant(rng, n)), b, unit=UNIT, amplifier=amps[: 2 * n]),
            "pseudo": lambda: pseudo_inverse_loop(
                crossbar(rng, rng.uniform(0.0, 1.0, (n, 4))), b, unit=UNIT, amplifier=amps[: n + 4]
            ),
            "read": lambda: transimpedance_loop(pair(rng, dominant(rng, n)), b, feedback_ohms=5e3, amplifier=amps[:n]),
        }[kind]()
        closed = close(loop, stable=False)
    write_loop(closed.loop, tmp_path / "loop.sp")
    same(closed, spice.run(tmp_path / "loop.sp").plots[0].node_voltages, 1e-8)


@pytest.fixture
def couplings_at_any_size(monkeypatch):
    monkeypatch.setattr(arrays_by_ends, "FEWEST_CELLS", 0)
    monkeypatch.setattr(arrays_by_ends, "FEWEST_LINEAR_CELLS", 0)


def renamed(path):
    """The netlist with names that say nothing."""
    text = path.read_text().replace(" w_", " p_").replace(" b_", " q_")
    path.write_text(text)


def solved_both_ways(path, found=1):
    """The netlist by parts and as a general network, both results."""
    circuit = read(path)
    assert len(circuit.arrays_inside()) == found
    (general,) = simulate(circuit)
    (parts,) = simulate(circuit, recognised_for(circuit, False))
    assert bool(parts.inside) == bool(found)
    assert parts.nodes == general.nodes
    assert sorted(parts.branches) == sorted(general.branches)
    order = [parts.branches.index(name) for name in general.branches]
    assert parts.voltages == pytest.approx(general.voltages, abs=1e-10 * np.abs(general.voltages).max())
    assert parts.currents[:, order] == pytest.approx(general.currents, abs=1e-9 * np.abs(general.currents).max())
    assert parts.power == pytest.approx(general.power, rel=1e-9)
    return parts, general


@pytest.mark.usefixtures("couplings_at_any_size")
@pytest.mark.parametrize("names", ["known names", "other names"])
@pytest.mark.parametrize("amplifier", [REAL, Amplifier(gain=1e6), Amplifier()])
def test_arrays_inside_are_found_and_solved(tmp_path, names, amplifier):
    rng = np.random.default_rng(5)
    path = tmp_path / "loop.sp"
    loop = inverse_loop(
        crossbar(rng, dominant(rng, 9, False)), rng.uniform(-0.1, 0.1, 9), unit=UNIT, amplifier=amplifier
    )
    write_loop(loop, path)
    if names == "other names":
        renamed(path)
    parts, _ = solved_both_ways(path)
    assert parts.inside == ((9, 9),)
    assert ("line ends" in parts.how) == (amplifier.gain == np.inf)
    same(close(loop), dict(zip(parts.nodes, parts.voltages[0], strict=True)), 1e-11)
    answers = runs.from_netlist(path, "auto")
    assert answers.recognised is None
    assert (answers.rows, answers.cols) == (None, None)
    assert answers.reason.endswith("an array inside, 9 x 9, solved by line ends")


def test_pairs_are_two_arrays(tmp_path):
    rng = np.random.default_rng(6)
    path = tmp_path / "loop.sp"
    write_loop(inverse_loop(pair(rng, dominant(rng, 10)), rng.uniform(-0.1, 0.1, 10), unit=UNIT, amplifier=REAL), path)
    parts, _ = solved_both_ways(path, found=2)
    assert parts.inside == ((10, 10), (10, 10))
    assert "arrays inside, 10 x 10 and 10 x 10, solved" in runs.from_netlist(path, "auto").reason


def array_text(rows, cols, seed, wire=2.0):
    """A crossbar as cards, line ends w0..., b0..., of its own ohms."""
    rng = np.random.default_rng(seed)
    lines = []
    for i in range(rows):
        lines += [f"Rw{i}_{j} n{i}_{j} n{i}_{j + 1} {wire}" for j in range(cols - 1)]
        lines.append(f"Rdrv{i} w{i} n{i}_0 {rng.uniform(1, 9)}")
    for j in range(cols):
        lines += [f"Rb{i}_{j} m{i}_{j} m{i + 1}_{j} {wire}" for i in range(rows - 1)]
        lines.append(f"Rsns{j} m{rows - 1}_{j} b{j} {rng.uniform(1, 9)}")
    lines += [f"Rc{i}_{j} n{i}_{j} m{i}_{j} {1e4 * rng.uniform(1, 3)}" for i in range(rows) for j in range(cols)]
    return lines


OPAMP = """.subckt opamp inp inn out gain=1e5
Rin inp inn 1meg
E1 x 0 inp inn {gain}
Rout x out 40
.ends"""


def tia_text(rows, cols, seed=1):
    """A read by transimpedance amplifiers of a subcircuit."""
    lines = [OPAMP, *array_text(rows, cols, seed)]
    lines += [f"V{i} w{i} 0 {0.1 * (i + 1)}" for i in range(rows)]
    for j in range(cols):
        lines += [f"Xa{j} 0 b{j} o{j} opamp gain={1e4 * (j + 1)}", f"Rf{j} o{j} b{j} 5k"]
    return lines


def test_amplifiers_of_subcircuits(tmp_path):
    circuit = read_text(tmp_path, "\n".join(tia_text(9, 8)))
    parts, _ = solved_both_ways(tmp_path / "circuit.sp")
    assert parts.how.startswith("a loop of 1 array, 8 amplifiers")
    loop = read_loop(tmp_path / "circuit.sp", bandwidth=1e6)
    assert len(loop.amplifiers) == 8
    closed = close(loop)
    assert closed.voltages(["o3"])[0] == pytest.approx(parts.voltages[0][parts.nodes.index("o3")], rel=1e-11)
    assert 1e-7 < closed.stability.time_constant < 1e-4
    assert "controlled source" in circuit.recognise().reason


def test_sweeps_of_sources(tmp_path):
    text = [*tia_text(9, 8), ".dc V0 -0.2 0.2 0.1 V3 0 0.4 0.2"]
    read_text(tmp_path, "\n".join(text))
    parts, general = solved_both_ways(tmp_path / "circuit.sp")
    assert parts.voltages.shape == general.voltages.shape
    assert parts.points == 15


def test_sweeps_and_measures_of_variants(tmp_path):
    text = [
        *tia_text(8, 8),
        ".param r=5k",
        "Rload o0 0 {r}",
        ".step param r list 1k 5k",
        ".measure op out find v(o0) at 0",
    ]
    read_text(tmp_path, "\n".join(text[:-1]))
    circuit = read(tmp_path / "circuit.sp")
    (general,), (parts,) = simulate(circuit), simulate(circuit, recognised_for(circuit, False))
    assert parts.inside == ((8, 8),)
    assert parts.voltages == pytest.approx(general.voltages, abs=1e-10 * np.abs(general.voltages).max())


@pytest.mark.usefixtures("couplings_at_any_size")
@pytest.mark.parametrize(
    "extra",
    [
        "D1 o0 0 dmod\n.model dmod d(is=1e-14)",
        "Bs z 0 v=tanh(v(o1))\nRz z 0 1k",
        "G1 0 q o0 0 1m\nRq q 0 2k\nF1 0 y V2 3\nRy y 0 1k\nH1 hh 0 V1 2k\nRh hh 0 1k",
        "F2 0 y Hx 3\nRy y 0 1k\nHx hh 0 V1 2k\nRh hh 0 1k",
        "Bi 0 z i=1m*i(V1)+1u*v(o2)\nRz z 0 1k",
        "Bi 0 z i=1m*i(H1)\nRz z 0 1k\nH1 hh 0 V1 2k\nRh hh 0 1k",
        "I1 0 b3 1u",
        "M1 o0 o1 0 0 nm\n.model nm nmos(vto=0.2 kp=1m)",
        "Rneg o0 0 -5k",
        "E9 p q o1 o2 -3\nRp p 0 1k\nRq q 0 2k",
        "E9 0 p o1 o2 2\nRp p 0 1k\nE8 z 0 o1 o2 0\nRz z 0 2k",
        "Vx o0 o1 0.1",
        "C1 n1_1 m2_2 1p\nC2 o0 0 1p",
    ],
)
def test_whatever_else_there_is(tmp_path, extra):
    lines = tia_text(9, 8)
    if extra.startswith("Vx"):
        lines = [line for line in lines if not line.startswith("Xa1")]
        extra += "\nXa1 0 b1 o9 opamp\nRf9 o9 b1 5k"
    read_text(tmp_path, "\n".join([*lines, extra]))
    solved_both_ways(tmp_path / "circuit.sp")


def test_couplings_are_taken_where_they_are_faster(tmp_path, monkeypatch):
    diode = ["D1 o0 0 dmod", ".model dmod d(is=1e-14)"]
    other = ["F1 0 q V1 3", "Rq q 0 2k"]
    for extra, name in ((diode, "FEWEST_CELLS"), (other, "FEWEST_LINEAR_CELLS")):
        read_text(tmp_path, "\n".join([*tia_text(9, 8), *extra]))
        circuit = read(tmp_path / "circuit.sp")
        for least, inside in ((72, ((9, 8),)), (73, ())):
            monkeypatch.setattr(arrays_by_ends, name, least)
            assert simulate(circuit, recognised_for(circuit, False))[0].inside == inside


def test_many_unknowns_around_a_small_array_are_sparse(tmp_path):
    chain = [f"Rx{k} x{k} x{k + 1} 1k" for k in range(400)] + ["Rx x400 0 1k", "Vx x0 0 1"]
    read_text(tmp_path, "\n".join([*tia_text(9, 8), *chain]))
    circuit = read(tmp_path / "circuit.sp")
    (parts,) = simulate(circuit, recognised_for(circuit, False))
    assert not parts.inside
    assert parts.how == "sparse LU"


def test_both_ways_inside_agree(tmp_path):
    """As a loop, and by couplings in the general solver: two ways that share the array's reduction only."""
    read_text(tmp_path, "\n".join(tia_text(9, 8)))
    circuit = read(tmp_path / "circuit.sp")
    (analysis,) = circuit.analyses
    points = points_of(circuit, analysis)
    arrays = circuit.arrays_inside()
    loop = solve_as_loop(circuit, arrays, points)
    ends = solve_with_arrays(circuit, arrays, points, solve_general)
    assert loop.voltages == pytest.approx(ends.voltages, abs=1e-12 * np.abs(ends.voltages).max())
    assert loop.residual < 1e-9
    assert ends.residual < 1e-9
    assert ends.how.startswith("1 array by line ends, sparse LU")


def test_sources_that_are_wires(tmp_path):
    """0 V sources inside an array, ammeters at its ends: their currents are given too."""
    lines = [line.replace("Rw3_2 n3_2 n3_3 2.0", "Vw n3_2 n3_3 0") for line in tia_text(9, 8)]
    lines = [line.replace("Rdrv1 w1 n1_0", "Vamp w1 k1 0\nRdrv1 k1 n1_0") for line in lines]
    read_text(tmp_path, "\n".join(lines))
    parts, _ = solved_both_ways(tmp_path / "circuit.sp")
    assert {"vw", "vamp"} <= set(parts.branches)


def test_a_swept_source_inside_is_for_the_general_solver(tmp_path):
    lines = [line.replace("Rw3_2 n3_2 n3_3 2.0", "Vw n3_2 n3_3 0") for line in tia_text(9, 8)]
    read_text(tmp_path, "\n".join([*lines, ".dc Vw 0 0.1 0.05"]))
    circuit = read(tmp_path / "circuit.sp")
    (general,), (parts,) = simulate(circuit), simulate(circuit, recognised_for(circuit, False))
    assert not parts.inside
    assert np.array_equal(parts.voltages, general.voltages)


def test_small_arrays_and_other_networks_stay_general(tmp_path):
    read_text(tmp_path, "\n".join(tia_text(3, 4)))
    solved_both_ways(tmp_path / "circuit.sp", found=0)
    rng = np.random.default_rng(3)
    tangle = [
        f"R{k} t{a} t{b} {rng.uniform(1, 9)}k" for k, (a, b) in enumerate(rng.integers(0, 40, (200, 2))) if a != b
    ]
    read_text(tmp_path, "\n".join([*tangle, "V1 t0 0 1", "E1 e 0 t1 t2 1e4", "Re e t3 1k", "Rg t7 0 1k"]))
    solved_both_ways(tmp_path / "circuit.sp", found=0)


@pytest.mark.slow
def test_plain_circuits_are_looked_at_as_a_whole(tmp_path):
    """Two arrays of their own, and nothing that stands in no crossbar."""
    lines = []
    for label in ("x", "y"):
        for line in array_text(9, 8, seed=1):
            name, a, b, ohms = line.split()
            lines.append(f"{name}{label} {a}{label} {b}{label} {ohms}")
        lines += [f"V{i}{label} w{i}{label} 0 {i + 1}" for i in range(9)]
        lines += [f"Rg{j}{label} b{j}{label} 0 3" for j in range(8)]
    circuit = read_text(tmp_path, "\n".join(lines))
    assert circuit.arrays_inside() == ()
    assert not recognised_for(circuit, False).crossbar
    assert not simulate(circuit, recognised_for(circuit, False))[0].inside


def test_loops_that_run_away_are_noted(tmp_path):
    lines = tia_text(9, 8)
    read_text(tmp_path, "\n".join(lines))
    assert not any("do not hold" in note for note in runs.from_netlist(tmp_path / "circuit.sp", "auto").notes)
    wrong = [line.replace("Xa3 0 b3", "Xa3 b3 0") for line in lines]
    read_text(tmp_path, "\n".join(wrong))
    (note,) = [note for note in runs.from_netlist(tmp_path / "circuit.sp", "auto").notes if "do not hold" in note]
    assert "a mode led by e.xa3.e1 does not decay" in note
    solved_both_ways(tmp_path / "circuit.sp")


def test_floating_rest_is_named(tmp_path):
    read_text(tmp_path, "\n".join([*tia_text(9, 8), "Rf p q 1k"]))
    circuit = read(tmp_path / "circuit.sp")
    with pytest.raises(FloatingError, match="no path to any source from nodes p, q"):
        simulate(circuit, recognised_for(circuit, False))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("D1 o0 0 dmod\n.model dmod d(is=1e-14)", r"it has diodes: a loop's parts are linear"),
        (
            "F1 0 q V2 3\nRq q 0 2k",
            r"f1 \(.*\) is no amplifier: it must be an E source from ground to its output, or a G",
        ),
        ("C1 n1_1 n2_2 1p", r"c1 \(.*\) lies across no cell of the array: a loop has capacitors at lines' nodes"),
        ("C1 n1_1 o0 1p", r"c1 \(.*\) leads out of an array, not from its ends"),
        ("C1 n1_1 0 -1p", r"c1 \(.*\) has less than 0 farads"),
        ("C1 o1 0 -1p", r"farads of c1 is -1e-12: it must be >= 0"),
        ("L1 o0 q 1u\nRq q 0 2k", r"l1 \(.*\) holds flux, which poles of loops have no place for: write 'v 0'"),
        ("E9 p q o1 o2 3\nRp p 0 1k\nRq q 0 2k", r"e9 \(.*\) is no amplifier"),
        ("Rneg o0 0 -5k", r"ohms of rneg is -5000\.0: it must be >= 0"),
    ],
)
def test_loops_have_no_place_for(tmp_path, extra, message):
    read_text(tmp_path, "\n".join([*tia_text(9, 8), extra]))
    with pytest.raises(InputError, match=message):
        read_loop(tmp_path / "circuit.sp")


def test_read_loops_are_what_was_written(tmp_path):
    rng = np.random.default_rng(9)
    loop = inverse_loop(crossbar(rng, dominant(rng, 8, False)), rng.uniform(-0.1, 0.1, 8), unit=UNIT, amplifier=REAL)
    write_loop(loop, tmp_path / "loop.sp")
    again = close(read_loop(tmp_path / "loop.sp"))
    expected = nodal(loop)
    assert again.voltages([f"sum{k}" for k in range(8)]) == pytest.approx(
        [expected[f"sum{k}"] for k in range(8)], abs=1e-11
    )
    assert [array.crossbar.shape for array in again.loop.arrays] == [(8, 8)]


CHARGED = [".param cl=2p", "Cf0 o0 b0 {cl}", "Cl o1 0 3p", "Cw n1_2 0 30f", "Cb 0 m2_1 40f", "Cc n3_3 m3_3 5f"]


def test_capacitors_do_not_stop_recognition(tmp_path):
    plain = read_text(tmp_path, "\n".join(tia_text(9, 8)))
    (expected,) = simulate(plain, recognised_for(plain, False))
    read_text(tmp_path, "\n".join([*tia_text(9, 8), *CHARGED]))
    parts, _ = solved_both_ways(tmp_path / "circuit.sp")
    assert parts.how == expected.how == "a loop of 1 array, 8 amplifiers, dense"
    assert parts.voltages == pytest.approx(expected.voltages, rel=1e-12)


def test_capacitors_are_read_where_they_are(tmp_path):
    read_text(tmp_path, "\n".join([*tia_text(9, 8), *CHARGED]))
    loop = read_loop(tmp_path / "circuit.sp", bandwidth=1e6)
    assert {part.name: part.farads for part in loop.capacitors} == {"cf0": 2e-12, "cl": 3e-12}
    farads = loop.arrays[0].farads
    assert {name: (table.max(), np.count_nonzero(table)) for name, table in vars(farads).items()} == {
        "word": (3e-14, 1), "bit": (4e-14, 1), "cell": (5e-15, 1),
    }  # fmt: skip
    word, bit, cell = (np.argwhere(table)[0].tolist() for table in (farads.word, farads.bit, farads.cell))
    assert (word, bit, cell) == ([1, 2], [2, 1], [3, 3])
    poles = close(loop).stability.poles
    # Three of the array's nodes, a feedback; a load behind 40 ohm.
    assert poles.size == 8 + 3 + 2
    read_text(tmp_path, "\n".join(tia_text(9, 8)))
    assert close(read_loop(tmp_path / "circuit.sp", bandwidth=1e6)).stability.poles.size == 8
    read_text(tmp_path, "\n".join([*tia_text(9, 8), *CHARGED]))
    loop = read_loop(tmp_path / "circuit.sp")
    with pytest.raises(InputError, match=r"cf0 has capacitance and e\.xa0\.e1 no bandwidth"):
        close(loop)


@pytest.mark.parametrize("card", ["", ".tran 1n 1u uic"])
def test_written_loops_in_time_have_the_poles_of_the_loop(tmp_path, card):
    """Amplifiers' poles as transconductors into capacitors, driven on by sources without a pole."""
    rng = np.random.default_rng(8)
    loop = transimpedance_loop(
        crossbar(rng, rng.uniform(0.1, 1.0, (9, 8))), rng.uniform(-0.1, 0.1, 9), feedback_ohms=5e3,
        feedback_farads=1e-12, amplifier=amplifiers(rng, 8),
    ).with_capacitance(word=1e-13, bit=rng.uniform(1e-13, 3e-13, (9, 8)), cell=2e-14)  # fmt: skip
    path = tmp_path / "loop.sp"
    write_loop(loop, path, seconds=1e-5)
    path.write_text("\n".join(line if not line.startswith(".tran") else card for line in path.read_text().splitlines()))
    back = read_loop(path, bandwidth=np.inf)
    assert (len(back.transconductors), len(back.amplifiers)) == (8, 8)
    assert back.arrays[0].farads.bit == pytest.approx(loop.arrays[0].farads.bit, rel=1e-15)
    ours, theirs = close(loop).stability.poles, close(back).stability.poles
    assert len(ours) == len(theirs)
    assert max(np.abs(theirs - pole).min() / abs(pole) for pole in ours) < 1e-10


def test_transconductors_are_read(tmp_path):
    read_text(tmp_path, "\n".join([*tia_text(9, 8), "G1 0 q o0 o1 -1m", "Rq q 0 2k", "Rg q b3 5k"]))
    parts, _ = solved_both_ways(tmp_path / "circuit.sp")
    assert parts.how.startswith("a loop of 1 array")
    loop = read_loop(tmp_path / "circuit.sp")
    assert close(loop).voltages(["q"])[0] == pytest.approx(parts.voltages[0][parts.nodes.index("q")], rel=1e-11)
    write_loop(loop, tmp_path / "again.sp")
    same(close(loop), by_general(tmp_path / "again.sp")[0], 1e-11)
