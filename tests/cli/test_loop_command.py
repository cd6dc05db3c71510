"""``xbarsim loop``: the library's numbers in every form, and what is wrong in a line."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from cli_tools import assert_refused, call
from loop_netlist_tools import array_text
from loop_tools import UNIT, amplifiers, crossbar, dominant

from xbarsim.loop import close, inverse_loop, read_loop, write_loop


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """An inverse circuit of 8 lines with capacitance, as ``inverse.sp``."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(8)
    array = crossbar(rng, dominant(rng, 8, False))
    loop = inverse_loop(array, rng.uniform(-0.1, 0.1, 8), unit=UNIT, amplifier=amplifiers(rng, 8))
    write_loop(loop.with_capacitance(word=1e-11, bit=1e-11, cell=1e-12), "inverse.sp")
    return close(read_loop("inverse.sp", bandwidth=1e6))


WORDS = ("loop", "--netlist", "inverse.sp", "--bandwidth", "1meg", "--bits", "4,8.5")


def test_numbers_are_the_librarys_in_every_form(closed, capsys):
    stability = closed.stability
    seconds = [float(stability.settling_time(bits=bits)[0]) for bits in (4, 8.5)]
    record = json.loads(call(capsys, *WORDS, "--format", "json").out)
    assert (record["stable"], record["amplifiers"], record["arrays"], record["unit"]) == (True, 8, [[8, 8]], "1/s")
    poles = np.array([row["real"] + 1j * row["imag"] for row in record["poles"]])
    assert poles == pytest.approx(stability.poles, rel=1e-9)
    assert record["poles"][0]["amplifier"] == stability.leading()
    assert [row["seconds"] for row in record["settling"]] == pytest.approx(seconds, rel=1e-9)
    assert record["time_constant"] == pytest.approx(stability.time_constant, rel=1e-9)
    nodes = [amp.out for amp in closed.loop.amplifiers]
    assert [record["outputs"][node] for node in nodes] == pytest.approx(closed.voltages(nodes), rel=1e-9)
    rows = list(csv.DictReader(io.StringIO(call(capsys, *WORDS, "--format", "csv").out)))
    assert [float(row["imag"]) for row in rows] == pytest.approx(stability.poles.imag, rel=1e-9)
    numbers = [line.split() for line in call(capsys, *WORDS, "-q").out.splitlines()]
    assert [float(row[1]) for row in numbers] == pytest.approx(seconds, rel=1e-9)
    table = call(capsys, *WORDS, "--poles", 3).out
    for word in ("array 8 x 8, 8 amplifiers: holds its operating point", "settles in", "rings at", " faster", "kHz"):
        assert word in table
    assert max(map(len, table.splitlines())) <= 80


def test_faster_amplifiers_settle_sooner(closed, capsys):
    slow, fast = (
        float(call(capsys, *WORDS[:3], "--bandwidth", hertz, "--bits", "8", "-q").out.split()[1])
        for hertz in ("100k", "300k")
    )
    assert fast < 0.5 * slow


def inverting(*cards):
    Path("x.sp").write_text("\n".join(["loop", "V1 a 0 0.1", "R1 a b 1k", "R2 b o 2k", *cards, ".end", ""]), "utf-8")
    return ("loop", "--netlist", "x.sp")


def test_what_runs_away_is_said(closed, capsys):
    words = inverting("E1 o 0 b 0 1e5")
    answer = call(capsys, *words)
    assert answer.code == 0
    assert "1 amplifier: runs away with amplifiers of equal speed: led by e1" in answer.out
    record = json.loads(call(capsys, *words, "--bandwidth", "1meg", "--format", "json").out)
    assert record["stable"] is False
    assert record["settling"][0]["seconds"] is None
    assert "runs away: led by e1" in call(capsys, *words, "--bandwidth", "1meg").out


def test_amplifiers_without_a_pole(closed, capsys):
    words = (*inverting("C1 b o 1p", "E1 o 0 0 b 1e5"), "--bandwidth", "inf")
    record = json.loads(call(capsys, *words, "--format", "json").out)
    assert [row["real"] for row in record["poles"]] == pytest.approx([-5e8], rel=1e-4)


def test_sweeps_are_told_to_be_left_out(closed, capsys):
    answer = call(capsys, *inverting("E1 o 0 0 b 1e5", ".dc v1 0 1 0.1"))
    assert answer.code == 0
    assert "x.sp: sweeps are left out: sources are at their dc values" in answer.err


def test_where_nothing_takes_time_no_loop_holds(closed, capsys):
    """Without a pole and without capacitance even an amplifier with its inputs swapped stands still."""
    answer = call(capsys, *inverting("E1 o 0 b 0 1e5"), "--bandwidth", "inf")
    assert answer.code == 0
    assert "1 amplifier: nothing takes time in it, whether it holds is not told" in answer.out


def test_inductors_and_current_controlled_sources(closed, capsys):
    """E between two nodes into R and L, copied by F into R and C: -R / L and -1 / (R C)."""
    Path("y.sp").write_text(
        "loop\nV1 a 0 0.1\nE1 p m a 0 10\nR1 p q 1k\nL1 q m 1u\nR2 m 0 1k\nF1 0 o E1 2\nR3 o 0 50\nC1 o 0 1n\n.end\n",
        "utf-8",
    )
    words = ("loop", "--netlist", "y.sp", "--bandwidth", "inf")
    record = json.loads(call(capsys, *words, "--format", "json").out)
    assert [row["real"] for row in record["poles"]] == pytest.approx([-1 / (50 * 1e-9), -1e3 / 1e-6], rel=1e-9)
    assert record["outputs"] == pytest.approx({"p": 1.0, "m": 0.0}, abs=1e-12)
    assert "holds its operating point" in call(capsys, *words).out
    Path("y.sp").write_text(Path("y.sp").read_text("utf-8").replace("C1 o 0 1n\n", ""), "utf-8")
    assert_refused(call(capsys, *words[:3]), 2, "y.sp: l1 has inductance: give --bandwidth in hertz, or")


def test_a_picture(closed, capsys):
    pytest.importorskip("matplotlib")
    assert call(capsys, *WORDS, "--plot", "l.svg").code == 0
    assert b"<svg" in Path("l.svg").read_bytes()
    words = inverting("E1 o 0 b 0 1e5")
    assert_refused(call(capsys, *words, "--plot", "l.svg"), 2, "a loop that runs away, or of which nothing moves")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("loop",), "--netlist"),
        (("loop", "--netlist", "no.sp"), "no.sp"),
        (
            (*WORDS[:3], "--bits", "4"),
            "array0 has capacitance: give --bandwidth in hertz, or --bandwidth inf",
        ),
        ((*WORDS[:5], "--bits", "x"), "--bits"),
        ((*WORDS[:5], "--bits", "0"), "bits is 0: it must be above 0"),
        ((*WORDS[:3], "--bandwidth", "0"), "--bandwidth"),
        ((*WORDS, "--poles", "0"), "--poles"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(closed, capsys, words, message):
    assert_refused(call(capsys, *words), 2, message)


def test_bits_without_times_are_refused(tmp_path, capsys):
    """Without a bandwidth and without capacitance a loop has rates alone, and nothing would become of ``--bits``."""
    path = tmp_path / "plain.sp"
    path.write_text("inverting\nv1 a 0 1\nr1 a b 1k\ne1 o 0 0 b 1e4\nr2 b o 1k\n.op\n")
    assert call(capsys, "loop", "--netlist", path).code == 0
    assert_refused(call(capsys, "loop", "--netlist", path, "--bits", 6), 2, "--bits asks for times", "--bandwidth")
    assert call(capsys, "loop", "--netlist", path, "--bits", 6, "--bandwidth", "1meg").code == 0


@pytest.mark.parametrize(
    ("farads", "card", "message"),
    [
        ("0", ".op", "has no loop and no poles: 'xbarsim solve --netlist xbar.sp' gives its voltages"),
        ("1f", ".op", "'xbarsim settling --netlist xbar.sp', with a .tran card, tells how fast"),
        ("1f", ".tran 1n 10n", "'xbarsim settling --netlist xbar.sp' tells how fast"),
    ],
)
def test_crossbars_without_an_amplifier_are_shown_the_way(tmp_path, monkeypatch, capsys, farads, card, message):
    monkeypatch.chdir(tmp_path)
    charges = [f"Cw{i} n{i}_3 0 {farads}" for i in range(9)] if farads != "0" else []
    volts = [f"V{i} w{i} 0 {0.1 * (i + 1)}" for i in range(9)] + [f"Vb{j} b{j} 0 0" for j in range(8)]
    Path("xbar.sp").write_text("\n".join(["array", *array_text(9, 8, 1), *volts, *charges, card, ".end", ""]), "utf-8")
    assert_refused(call(capsys, "loop", "--netlist", "xbar.sp"), 2, "xbar.sp: nothing in it amplifies", message)


def test_amplifiers_of_gain_0_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = inverting("E1 o 0 0 b 0")
    assert_refused(call(capsys, *words), 2, "nothing in it amplifies, so that it has no loop and no poles")


def test_large_circuits_without_an_amplifier_are_shown_the_way(tmp_path, monkeypatch, capsys):
    """A line of coils is no crossbar; a short one has poles, a long one takes a run in time."""
    monkeypatch.chdir(tmp_path)
    for count in (5, 800):
        coils = [f"L{k} n{k} n{k + 1} 1u\nC{k} n{k + 1} 0 1p" for k in range(count)]
        Path("line.sp").write_text("\n".join(["line", "V1 n0 0 1", *coils, f"R1 n{count} 0 1k", ".end", ""]), "utf-8")
        answer = call(capsys, "loop", "--netlist", "line.sp", "-q")
        if count == 5:
            assert answer.code == 0
        else:
            assert_refused(answer, 2, "nothing in it amplifies", "'xbarsim solve --netlist line.sp' with a .tran card")
