"""What output cards name: in every format, and a note on what they ask for and do not get."""

from __future__ import annotations

import csv
import io
import json
import re

import numpy as np
import pytest
from cli_tools import call
from netlist_tools import read_text

from xbarsim.analysis.printed import add_printed
from xbarsim.analysis.rawfile import read_raw
from xbarsim.analysis.runs import measure_all
from xbarsim.analysis.simulate import simulate

CIRCUIT = """printed
.param k=3
.func twice(x) {{2*x}}
V1 a 0 1
R1 a b 1k
R2 b 0 3k
I1 0 b 1m
{cards}
.end
"""
B = (1e-3 + 1e-3) / (1e-3 + 1e-3 / 3)


def printed(folder, cards: str, elements: str = ""):
    text = CIRCUIT.format(cards=elements + cards).split("\n", 1)[1]
    circuit = read_text(folder, text)
    results = simulate(circuit)
    measure_all(circuit, results)
    notes = add_printed(circuit, results)
    return [result.printed for result in results], notes


@pytest.mark.parametrize(
    ("item", "label", "value"),
    [
        ("v(a,b)", "v(a,b)", 1 - B),
        ("i(R1)", "i(r1)", (1 - B) / 1e3),
        ("i(r2)", "i(r2)", B / 3e3),
        ("i(i1)", "i(i1)", 1e-3),
        ("@r1[i]", "i(r1)", (1 - B) / 1e3),
        ("par('v(b)*k')", "v(b)*k", 3 * B),
        ("'v(b)*k'", "v(b)*k", 3 * B),
        ("pw=par('-i(v1)*v(a)')", "pw", (1 - B) / 1e3),
        ("twice(v(b))", "twice(v(b))", 2 * B),
        ("v(b)/v(a)", "v(b)/v(a)", B),
    ],
)
def test_quantities_beyond_nodes_and_branches(tmp_path, item, label, value):
    ((quantities,), notes) = printed(tmp_path, f".op\n.print op v(a) {item} i(v1)")
    assert list(quantities) == [label]
    assert quantities[label][0] == pytest.approx(value, rel=1e-14)
    assert not notes


@pytest.mark.parametrize(
    ("extra", "name", "value"),
    [
        ("b2 b 0 i={2m*v(b)^2}", "b2", lambda b: 2e-3 * b**2),
        ("g2 b 0 a b 1m", "g2", lambda b: 1e-3 * (1 - b)),
        ("f2 b 0 v1 0.5", "f2", lambda b: 0.5 * (b - 1) / 1e3),
        ("r5 b 0 '1k*(1+v(a))'", "r5", lambda b: b / 2e3),
        ("c2 b 0 1p", "c2", lambda b: 0.0),
        ("e2 q 0 b 0 2\nr9 q 0 1k", "r9", lambda b: 2 * b / 1e3),
    ],
)
def test_currents_of_elements_without_a_branch(tmp_path, extra, name, value):
    circuit = read_text(tmp_path, f"v1 a 0 1\nr1 a b 1k\nr2 b 0 3k\n{extra}\n.op\n.save i({name})")
    (result,) = simulate(circuit)
    assert not add_printed(circuit, [result])
    b = dict(zip(result.nodes, result.voltages[0], strict=True))["b"]
    assert result.printed[f"i({name})"][0] == pytest.approx(value(b), rel=1e-12)


def test_every_format_holds_them(capsys, tmp_path):
    path = tmp_path / "p.sp"
    path.write_text(CIRCUIT.format(cards=".dc v1 0 2 1\n.op\n.print dc v(a,b) i(r1)\n.save i(r2)"), encoding="utf-8")
    answer = call(capsys, "solve", "--netlist", path, "--format", "json")
    assert not answer.err
    sweep, point = json.loads(answer.out)["analyses"]
    drops = np.array(sweep["node_voltages"]["a"]) - sweep["node_voltages"]["b"]
    np.testing.assert_allclose(sweep["printed"]["v(a,b)"], drops, rtol=1e-14)
    np.testing.assert_allclose(sweep["printed"]["i(r1)"], drops / 1e3, rtol=1e-14)
    assert point["printed"] == {"i(r2)": pytest.approx(B / 3e3)}
    answer = call(capsys, "solve", "--netlist", path, "--format", "csv")
    first, second = answer.out.split("\n\n")
    rows = list(csv.reader(io.StringIO(first)))
    assert rows[0] == ["v1", "v(a)", "v(b)", "i(v1)", "v(a,b)", "i(r1)", "i(r2)"]
    assert float(rows[2][5]) == pytest.approx(drops[1] / 1e3)
    assert f"printed,i(r2),{point['printed']['i(r2)']!r}" in second
    call(capsys, "solve", "--netlist", path, "--format", "raw", "-o", tmp_path / "p.raw")
    plots = read_raw((tmp_path / "p.raw").read_bytes())
    np.testing.assert_array_equal(plots[0].values["v(a,b)"], sweep["printed"]["v(a,b)"])
    assert plots[1].names[-1] == "i(r2)"
    answer = call(capsys, "solve", "--netlist", path)
    assert "v(a,b)" in answer.out
    assert f"i(r2)  = {B / 3e3:.8e}" in answer.out


MEASURED = ".op\n.measure op m1 find v(b)\n.measure op bad find v(zz)\n.control\nrun\nprint {}\n.endc"
SWEPT = ".dc v1 0 1 0.5\n.step param k 1 2 1\n.measure dc m1 max v(b)\n.control\nrun\nprint {}\n.endc"


@pytest.mark.parametrize(
    ("cards", "adds"),
    [
        (MEASURED.format("m1"), {}),
        (MEASURED.format("bad"), {}),
        (MEASURED.format("m1*k v(b)-m1"), {"m1*k": 3 * B, "v(b)-m1": 0.0}),
        (SWEPT.format("m1"), {}),
    ],
)
def test_a_print_of_what_was_measured_is_of_the_measure_itself(tmp_path, cards, adds):
    ((quantities, *_), notes) = printed(tmp_path, cards)
    assert {name: column[0] for name, column in quantities.items()} == pytest.approx(adds, abs=1e-15)
    assert not notes


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        (MEASURED.format("bad*2"), "bad*2 is left out: bad failed"),
        (SWEPT.format("m1*2"), "m1*2 is left out: m1 has a number for each run: write .measure"),
        (MEASURED.format("m2*2"), "'m2' is no parameter and nothing that was measured"),
        (".op\n.print op v(nowhere)", "there is no node nowhere"),
        (".op\n.save @m9[id]", "there is no source m9"),
        (".op\n.print op format=csv file=x.csv v(b)", "writes no file"),
        (".control\nop\nhardcopy x.ps v(b)\n.endc", "draws no picture"),
        (".op\n.probe v i\n.save i(d2)\nd2 b 0 dm\n.model dm d", "put a source of 0 V in series"),
        (".op\n.save @r1[p]", "only its current, as '@r1[i]'"),
        (".op\n.print op vdb(b)", "the function 'vdb' is unknown"),
        (".op\n.print tran v(b)", "no .tran is solved"),
        (".op\n.plot op v(b) (0,1)", "draws no picture"),
        (".control\nop\nwrdata out.txt v(b)\n.endc", "writes no file"),
        (".control\nop\nwrite all.raw\n.endc", "writes no file"),
        (".control\nop\nplot v(a) vs v(b) title 'x y'\n.endc", "draws no picture"),
        (".op\nd1 b 0 dm\n.model dm d\n.print op i(d1)", "put a source of 0 V in series"),
    ],
)
def test_what_is_not_to_be_had_is_noted(tmp_path, cards, words):
    ((quantities, *_), notes) = printed(tmp_path, cards)
    assert not quantities
    assert len(notes) == 1
    assert words in notes[0]
    assert re.match(r"\S*:\d+: '", notes[0])


@pytest.mark.parametrize(
    "cards",
    [
        ".op\n.save all\n.print op all\n.probe v(x*.*) i(*)\n.options post",
        ".op\n.print op v(a) i(v1)\n.save v(b)",
        ".control\nop\nprint a b v1#branch all\n.endc",
    ],
)
def test_what_is_there_anyway_is_not_said_twice(tmp_path, cards):
    ((quantities, *_), notes) = printed(tmp_path, cards)
    assert not quantities
    assert not notes


def test_expressions_of_a_control_block(tmp_path):
    """Blanks around an operator join, others part."""
    ((quantities, *_), notes) = printed(tmp_path, ".control\nop\nprint v(b) - v(a) -i(v1) v(b)*2, v(a,b)\n.endc")
    assert {label: float(column[0]) for label, column in quantities.items()} == {
        "v(b)-v(a)-i(v1)": pytest.approx(B - 1 - (B - 1) / 1e3),
        "v(b)*2": pytest.approx(2 * B),
        "v(a,b)": pytest.approx(1 - B),
    }
    assert not notes


def test_a_swept_resistor_has_its_own_current_at_every_point(tmp_path):
    """Values and parameters are those of the point, in cards and in measures."""
    text = "v1 a 0 1\nr1 a b {rv}\n.param rv=1k half='rv/2'\nr2 b 0 3k\n.step param rv 1k 5k 2k\n.op\n"
    text += ".print dc i(r1) par('half*1')\n.meas op now find i(r1)\n.meas op there find par('v(a,b)/half')"
    circuit = read_text(tmp_path, text)
    (result,) = simulate(circuit)
    assert not add_printed(circuit, [result])
    np.testing.assert_allclose(result.printed["i(r1)"], [1 / 4e3, 1 / 6e3, 1 / 8e3], rtol=1e-14)
    np.testing.assert_allclose(result.printed["half*1"], [500, 1500, 2500], rtol=1e-14)
    assert not measure_all(circuit, [result])
    np.testing.assert_allclose(result.measures["now"], result.printed["i(r1)"], rtol=1e-14)
    np.testing.assert_allclose(result.measures["there"], [2 / 4e3, 2 / 6e3, 2 / 8e3], rtol=1e-14)
