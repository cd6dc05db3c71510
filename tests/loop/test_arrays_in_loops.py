"""Arrays found inside netlists with amplifiers: as the general solver has them, whatever else is there."""

import numpy as np
import pytest
from loop_netlist_tools import array_text, renamed, same, solved_both_ways, tia_text
from loop_tools import REAL, UNIT, crossbar, dominant, pair
from netlist_tools import read_text

from xbarsim.analysis import arrays_by_ends, runs
from xbarsim.analysis.arrays_by_ends import solve_with_arrays
from xbarsim.analysis.as_loop import solve_as_loop
from xbarsim.analysis.general import solve_general
from xbarsim.analysis.points import points_of
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.loop import (
    Amplifier,
    close,
    inverse_loop,
    read_loop,
    write_loop,
)
from xbarsim.netlist import read


@pytest.fixture
def couplings_at_any_size(monkeypatch):
    monkeypatch.setattr(arrays_by_ends, "FEWEST_CELLS", 0)
    monkeypatch.setattr(arrays_by_ends, "FEWEST_LINEAR_CELLS", 0)


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
    other = [f"Rx{k} x{k} x{k + 1} 1k" for k in range(400)] + ["Rx x400 0 1k", "Vx x0 0 1"]
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
