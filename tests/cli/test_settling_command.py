"""``xbarsim settling``: the library's numbers in every form, and what is wrong in a line."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim import Crossbar
from xbarsim.settling import read_speed

WIRES = ("--word-wire", 2, "--bit-wire", 3, "--driver", 100, "--sense", 50)
FARADS = ("--word-capacitance", "2f", "--bit-capacitance", "1f", "--cell-capacitance", "0.1f")
MATRICES = ("--conductance", "g.npy", "--voltages", "v.npy", *WIRES)


@pytest.fixture
def speed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    cells, volts = 10 ** rng.uniform(-5, -3, (4, 3)), rng.uniform(0.0, 0.4, (6, 4))
    np.save("g.npy", cells)
    np.save("v.npy", volts)
    np.save("c.npy", np.full((4, 3), 2e-15))
    crossbar = Crossbar(cells, word_wire=2.0, bit_wire=3.0, driver=100.0, sense=50.0)
    return read_speed(crossbar, volts, word_capacitance=2e-15, bit_capacitance=1e-15, cell_capacitance=1e-16)


def test_numbers_are_the_librarys_in_every_form(speed, capsys):
    words = (*MATRICES, *FARADS, "--bits", "3,5.5", "--poles", 2)
    curve = speed.bandwidth([3, 5.5], poles=2)
    record = json.loads(call(capsys, "settling", *words, "--format", "json").out)
    assert [row["bits"] for row in record["bandwidth"]] == [3.0, 5.5]
    assert np.allclose([row["typical"] for row in record["bandwidth"]], curve.typical, rtol=1e-12, atol=0.0)
    assert np.allclose([row["worst"] for row in record["bandwidth"]], curve.worst, rtol=1e-12, atol=0.0)
    assert record["worst_row"] == speed.worst_rows.tolist()
    rows = list(csv.DictReader(io.StringIO(call(capsys, "settling", *words, "--format", "csv").out)))
    assert np.allclose([float(row["typical"]) for row in rows], speed.typical_times(5.5, poles=2), atol=0.0)
    assert np.allclose([float(row["elmore"]) for row in rows], np.median(speed.typical.elmore, axis=0), atol=0.0)
    table = call(capsys, "settling", *words).out
    for word in ("4 x 3, 6 vectors, 2 poles at most", "slowest row", "5.5 bits", "reads a second"):
        assert word in table
    assert max(map(len, table.splitlines())) <= 80
    numbers = np.array([line.split() for line in call(capsys, "settling", *words, "-q").out.splitlines()], float)
    assert np.allclose(numbers, np.transpose([curve.bits, curve.typical, curve.worst]), atol=0.0)


def test_capacitances_from_a_file(speed, capsys):
    words = (*MATRICES, "--word-capacitance", "c.npy", *FARADS[2:])
    record = json.loads(call(capsys, "settling", *words, "--format", "json").out)
    assert np.allclose(record["typical"], speed.typical_times(8), rtol=1e-9, atol=0.0)


def netlist_of(capacitors=True):
    lines = ["read", "V0 s0 0 0.3", "V1 s1 0 dc 0.1", "Rd0 s0 w00 100", "Rd1 s1 w10 200"]
    lines += ["Rw0 w00 w01 2", "Rw1 w10 w11 3", "Rb0 b00 b10 1", "Rb1 b01 b11 2", "Rs0 b10 0 50", "Rs1 b11 0 60"]
    lines += ["Ra w00 b00 1k", "Rb w01 b01 2k", "Rc w10 b10 5k", "Re w11 b11 1k"]
    lines += [f"C{k} {node} 0 {k + 1}f" for k, node in enumerate(("w00", "w01", "w10", "w11", "b00"))] * capacitors
    return "\n".join([*lines, *(["Ca w00 b00 0.5f"] * capacitors), ".tran 1p 100p", ".end", ""])


def test_a_netlist_with_its_capacitors(speed, capsys):
    Path("x.sp").write_text(netlist_of(), "utf-8")
    record = json.loads(call(capsys, "settling", "--netlist", "x.sp", "--format", "json").out)
    crossbar = Crossbar(
        [[1e-3, 5e-4], [2e-4, 1e-3]], word_wire=[[2.0], [3.0]], bit_wire=[[1.0, 2.0]], driver=[100.0, 200.0],
        sense=[50.0, 60.0],
    )  # fmt: skip
    wanted = read_speed(
        crossbar, [0.3, 0.1], word_capacitance=[[1e-15, 2e-15], [3e-15, 4e-15]],
        bit_capacitance=[[5e-15, 0.0], [0.0, 0.0]], cell_capacitance=[[5e-16, 0.0], [0.0, 0.0]],
    )  # fmt: skip
    found = dict(zip(record["current"], record["typical"], strict=True))
    expected = dict(zip(wanted.typical.currents, wanted.typical_times(8), strict=True))
    assert np.allclose(sorted(found), sorted(expected), atol=0.0)
    assert np.allclose(
        [found[key] for key in sorted(found)], [expected[key] for key in sorted(expected)], rtol=1e-6, atol=0.0
    )


def test_a_picture(speed, capsys):
    pytest.importorskip("matplotlib")
    assert call(capsys, "settling", *MATRICES, *FARADS, "--plot", "s.svg").code == 0
    assert b"<svg" in Path("s.svg").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give either --netlist FILE, or --conductance FILE"),
        (("--conductance", "g.npy"), "--conductance needs --voltages"),
        (MATRICES, "nothing takes time to settle: give --word-capacitance"),
        ((*MATRICES, *FARADS, "--bits", "4,x"), "--bits"),
        ((*MATRICES, *FARADS, "--bits", "0"), "bits is"),
        ((*MATRICES, *FARADS, "--poles", "4"), "poles is 4"),
        ((*MATRICES, "--word-capacitance", "wide"), "'wide' is neither farads nor a .npy or .csv file"),
        ((*MATRICES, "--word-capacitance", "-1f"), "word_capacitance is -1e-15"),
        ((*MATRICES, "--word-capacitance", "g.csv"), "g.csv"),
        (("--netlist", "no.sp"), "no.sp"),
        (("--netlist", "no.sp", "--bit-capacitance", "3f"), "--bit-capacitance goes with --conductance"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(speed, capsys, words, message):
    assert_refused(call(capsys, "settling", *words), 2, message)


def test_netlists_that_have_nothing_to_settle(speed, capsys):
    Path("bare.sp").write_text(netlist_of(capacitors=False), "utf-8")
    assert_refused(call(capsys, "settling", "--netlist", "bare.sp"), 2, "bare.sp has no capacitance that counts")
    Path("still.sp").write_text(netlist_of().replace(" 0.3", " 0").replace("dc 0.1", "0"), "utf-8")
    assert_refused(call(capsys, "settling", "--netlist", "still.sp"), 2, "its sources are at 0 V")
    cards = ("V1 a 0 1", "R1 a b 1k", "R2 b c 1k", "R3 c a 2k", "R4 b 0 1k", "C1 b 0 1p", "L1 c 0 1u", ".tran 1n 1u")
    Path("none.sp").write_text("\n".join(["none", *cards, ""]), "utf-8")
    assert_refused(call(capsys, "settling", "--netlist", "none.sp"), 2, "none.sp is no crossbar, whose read speed")
