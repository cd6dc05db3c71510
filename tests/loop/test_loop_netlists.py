"""Loops as netlists: written, and read by the general solver, ngspice and ourselves."""

import re

import numpy as np
import pytest
from loop_netlist_tools import array_text, by_general, same, solved_both_ways, tia_text
from loop_tools import REAL, UNIT, amplifiers, crossbar, dominant, nodal, pair
from netlist_tools import needs_ngspice, read_text

from xbarsim import Crossbar, LineEnds, spice
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


LINEAR = {
    "current gain": "F1 0 q V2 3\nRq q 0 2k\nRb q b3 9k",
    "by an amplifier": "F1 q 0 e.xa2.e1 3\nRq q 0 2k\nRb q b3 9k",
    "by one turned round": "F1 0 q E9 3\nRq q 0 2k\nRb q b3 9k\nE9 0 y o1 o2 2\nRy y 0 1k",
    "by a transresistor": "F1 0 q H1 0.3\nRq q 0 2k\nH1 y b2 V1 2k\nRy y 0 1k",
    "between two nodes": "E9 p q o1 o2 -3\nRp p 0 1k\nRq q b4 9k",
    "inductor": "L1 o0 q 1u\nRq q b2 9k\nH1 y 0 L1 2k\nRy y b1 3k",
    "negative resistor": "Rneg o0 0 -5k",
}


@pytest.mark.parametrize("extra", LINEAR.values(), ids=LINEAR)
def test_linear_parts_are_read(tmp_path, extra):
    read_text(tmp_path, "\n".join([*tia_text(9, 8), extra]))
    parts, _ = solved_both_ways(tmp_path / "circuit.sp")
    assert parts.how.startswith("a loop of 1 array")
    closed = close(read_loop(tmp_path / "circuit.sp", bandwidth=1e6), stable=False)
    same(closed, dict(zip(parts.nodes, parts.voltages[0], strict=True)), 1e-9)
    assert closed.stability.poles.size >= 8
    write_loop(closed.loop, tmp_path / "again.sp")
    same(closed, by_general(tmp_path / "again.sp")[0], 1e-9)


def test_ammeters_at_the_ends_of_arrays_control(tmp_path):
    """A current mirror's read-out: bit lines end in ammeters, and their currents are copied."""
    lines = [*array_text(9, 8, 1), *(f"V{i} w{i} 0 {0.1 * (i + 1)}" for i in range(9))]
    for j in range(8):
        lines += [f"Vm{j} b{j} k{j} 0", f"Rk{j} k{j} 0 {20 + j}", f"F{j} 0 o{j} Vm{j} 2", f"Ro{j} o{j} 0 1k"]
        lines += [f"Co{j} o{j} 0 1p", f"Cb{j} b{j} 0 2p", f"Ck{j} k{j} 0 3p"]
    read_text(tmp_path, "\n".join(lines))
    parts, _ = solved_both_ways(tmp_path / "circuit.sp")
    loop = read_loop(tmp_path / "circuit.sp")
    assert len(loop.current_gains) == 8
    closed = close(loop)
    same(closed, dict(zip(parts.nodes, parts.voltages[0], strict=True)), 1e-9)
    # The capacitances at both sides of each ammeter are one, and those of the copies have poles of their own.
    poles = closed.stability.poles
    assert poles.size == 16
    assert poles.real == pytest.approx(np.where(np.isclose(poles.real, -1e9, rtol=1e-9), -1e9, poles.real))
    assert np.isclose(poles.real, -1e9, rtol=1e-9).sum() == 8


@pytest.mark.parametrize(
    ("node", "clash"),
    [
        ("A", "node 'a'"), ("gnd", "ground"), ("W_x_0_1", "one inside of x"), ("b_x_1_0", "one inside of x"),
        ("swl_x_1", "one inside of x"), ("u_inner", "one inside of u"), ("U_plus", "one inside of u"),
    ],
)  # fmt: skip
def test_nodes_that_a_netlist_would_join_are_named(tmp_path, node, clash):
    """Each was written as it is, and read by any SPICE as another circuit."""
    amplifier = Amplifier(gain=100.0, offset=0.01, output_resistance=50.0, bandwidth=1e6)
    array = JoinedArray("x", crossbar(np.random.default_rng(0), np.ones((2, 2))), {"bit_bottom": ["o", "0"]})

    def loop(name):
        divider = (Resistor("r1", "a", name, 1e3), Resistor("r2", name, "0", 2e3), VoltageSource("v", "a", "0", 1.0))
        return Loop(*divider, OpAmp("u", "a", "o", "o", amplifier), array)

    with pytest.raises(InputError, match=re.escape(f"node {node!r} would be {clash} in the netlist, where case")):
        write_loop(loop(node), tmp_path / "loop.sp")
    with pytest.raises(InputError, match="node 'u_pole' would be one inside of u"):
        write_loop(loop("u_pole"), tmp_path / "loop.sp", seconds=1e-3)
    for name in ("u_pole", "w_x_0", "gnd!", "x_0_1"):
        write_loop(loop(name), tmp_path / "loop.sp")
        (result,) = simulate(read(tmp_path / "loop.sp"))
        assert result.voltages[0][result.nodes.index(name)] == pytest.approx(2.0 / 3.0, rel=1e-9)


def test_floating_rest_is_named(tmp_path):
    read_text(tmp_path, "\n".join([*tia_text(9, 8), "Rf p q 1k"]))
    circuit = read(tmp_path / "circuit.sp")
    with pytest.raises(FloatingError, match="no path to any source from nodes p, q"):
        simulate(circuit, recognised_for(circuit, False))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("D1 o0 0 dmod\n.model dmod d(is=1e-14)", r"it has diodes: a loop's parts are linear"),
        ("F1 0 q Vq 3\nRq q 0 2k\nVq q q 0", r"control of f1 is vq, which has no current of its own in the loop"),
        ("Lw n3_2 n3_3 1u", r"lw \(.*\) lies inside of an array, whose wires have no inductance: write 'v 0'"),
        ("E9 p p o1 o2 3\nRp p 0 1k", r"e9 \(.*\) has both ends on one node: remove it"),
        ("C1 n1_1 n2_2 1p", r"c1 \(.*\) lies across no cell of the array: a loop has capacitors at lines' nodes"),
        ("C1 n1_1 o0 1p", r"c1 \(.*\) leads out of an array, not from its ends"),
        ("C1 n1_1 0 -1p", r"c1 \(.*\) has less than 0 farads"),
        ("C1 o1 0 -1p", r"farads of c1 is -1e-12: it must be >= 0"),
        ("L1 o0 q 1u\nL2 q 0 2u\nK1 L1 L2 1", r"flux0 couples l1 and l2 by 1: coils share less than all their flux"),
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
