"""``.control`` blocks: what their commands alter, repeat and leave alone, against ngspice running the same block."""

from __future__ import annotations

import io
import json
import re
import subprocess

import numpy as np
import pytest
from netlist_tools import needs_ngspice, read_text

from xbarsim.analysis import runs
from xbarsim.netlist import NetlistError
from xbarsim.netlist.analyses import Dc, Op

CIRCUIT = """title
v1 a 0 0.6
r1 a b 5k
r2 b 0 {p*1k}
d1 b 0 dm area=2
e1 c 0 b 0 3
r3 c 0 1k
.param p=2
.model dm d(is=1e-12 n=1.2)
"""


def answers_of(block: str, circuit: str = CIRCUIT, cards: str = ""):
    return runs.from_netlist(io.StringIO(f"{circuit}{cards}.control\n{block}\n.endc\n.end\n"), "auto")


def currents(block: str) -> list[float]:
    """Return the current of v1 at each point of each analysis."""
    results = answers_of(block).results
    return [float(x) for one in results for x in one.currents[:, one.branches.index("v1")]]


def printed(tmp_path, block: str) -> list[float]:
    """Return what ngspice prints for i(v1) behind each op."""
    lines = [f"{line}\nprint i(v1)" if line.strip() == "op" else line for line in block.splitlines()]
    path = tmp_path / "control.cir"
    exact = ".options reltol=1e-10 abstol=1e-18 vntol=1e-14\n"
    path.write_text(f"{CIRCUIT}{exact}.control\nset numdgt=14\n" + "\n".join(lines) + "\nquit\n.endc\n.end\n")
    done = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, timeout=60, check=False)
    return [float(number) for number in re.findall(r"i\(v1\) = (\S+)", done.stdout)]


BLOCKS = {
    "alter": "op\nalter r1 = 2k\nop\nalter @r1[resistance] = 1k\nop\nalter v1 = 0.3\nop\nalter v1 dc = 0.9\nop",
    "without =": "let rr = 3k\nalter r1 rr\nop\nalter v1 dc 0.4\nop\nalter r1 resistance 2k\nop",
    "a function": "define half(x) (x/2)\nlet w = 5k\nalter r1 = half(w)+half(1k)\nop",
    "braces": "foreach k 1 2\nalter r1 = {$k * 1000}\nop\nalter r1 {$k}k\nop\nend",
    "an expression": "let x = 3\nalter r1 = x*1k + 500\nop",
    "a gain": "alter e1 gain = 5\nop\nalter @e1[gain] = 7\nop",
    "a diode": "alter @d1[area] = 7\nop\nalter d1 area = 1\nop",
    "a model": "altermod dm is = 1e-9\nop\naltermod @dm[n] = 2\nop",
    "the temperature": "set temp = 100\nop\noption temp = -20\nop",
    "foreach": "foreach r 1k 2k 3meg\nalter r1 = $r\nop\nend",
    "foreach of a list": "set rs = ( 1k 7k )\nforeach r $rs\nalter r1 = $r\nop\nend",
    "nested loops": "foreach r 1k 2k\nforeach v 0.1 0.5 0.9\nalter r1 = $r\nalter v1 = $v\nop\nend\nend",
    "repeat": "let x = 1k\nrepeat 4\nlet x = x*2\nend\nalter r1 = x\nop",
    "while": "let k = 0\nlet x = 0\nwhile k < 3\nlet k = k + 1\nlet x = x + k*k\nend\nalter r1 = x*1k\nop",
    "dowhile": "let k = 5\ndowhile k < 3\nlet k = k + 1\nend\nalter r1 = k*1k\nop",
    "break": "let k = 0\nwhile k < 9\nlet k = k + 1\nif k = 4\nbreak\nend\nend\nalter r1 = k*1k\nop",
    "if and else": "let k = 2\nif k > 3\nalter r1 = 1k\nelse\nalter r1 = 9k\nend\nop",
    "reset": "alter r1 = 1k\nset temp = 80\nop\nreset\nop",
    "alterparam": "alterparam p = 8\nop\nreset\nop\nalter r1 = 1k\nreset\nop",
    "quit": "op\nquit\nalter r1 = 1\nop",
}


@needs_ngspice
@pytest.mark.parametrize("name", BLOCKS)
def test_as_ngspice(tmp_path, name):
    expected = printed(tmp_path, BLOCKS[name])
    assert expected
    np.testing.assert_allclose(currents(BLOCKS[name]), expected, rtol=2e-9)


def test_an_analysis_for_each_alteration():
    answers = answers_of("foreach r 1k 2k\nalter r1 = $r\ndc v1 0 1 0.5\nend\nset temp=50\nop")
    records = json.loads(answers.as_json())["analyses"]
    assert [record["kind"] for record in records] == ["dc", "dc", "op"]
    assert [record["altered"] for record in records] == [{"r1": 1e3}, {"r1": 2e3}, {"r1": 2e3, "temp": 50}]
    assert records[1]["sweep"] == [{"source": "v1", "values": [0, 0.5, 1]}]
    assert "analysis 2, r1 = 2000, temp = 50" in answers.as_table()
    assert "altered" not in json.loads(answers_of("op").as_json())["analyses"][0]


def test_run_does_the_cards_as_they_are_altered():
    """Those of the cards that ``run`` has not done are done at the end, in the state that the block left."""
    expected = currents("op\nalter r1 = 1k\nop")
    cards = answers_of("run\nalter r1 = 1k\nrun", cards=".op\n").results
    np.testing.assert_allclose([one.currents[0, 0] for one in cards], expected)
    last = answers_of("op\nalter r1 = 1k", cards=".op\n").results
    np.testing.assert_allclose([one.currents[0, 0] for one in last], expected)
    answers = answers_of("op\nquit", cards=".op\n")
    assert len(answers.results) == 1
    assert any("quit ends .control" in note for note in answers.notes)


def test_other_sweeps_in_a_block():
    results = answers_of("dc temp 0 100 50\ndc r1 1k 2k 1k v1 0.3 0.6 0.3\nalter r1 = 1k\ndc temp 0 100 50").results
    assert [[name for name, _ in one.sweep] for one in results] == [["temp"], ["r1", "v1"], ["temp"]]
    (hot,) = answers_of("op", CIRCUIT.replace("5k", "1k") + ".temp 100\n").results
    np.testing.assert_allclose(results[2].voltages[2], hot.voltages[0], rtol=1e-12)


def test_what_only_prints_is_taken(tmp_path):
    block = """set noaskquit
set filetype=ascii
op
setplot op1
display
listing
settype current i(v1)
hardcopy a.ps v(a)
echo done $curplot
print v(a) ; one
plot v(a) vs v(b)
write out.raw all
wrdata out.txt v(a)
unset x
rusage
let gain = v(b)/v(a)
print gain
define f(x) x*2
linearize
fft v(a)
shell ls
destroy all
save all"""
    circuit = read_text(tmp_path, CIRCUIT.removeprefix("title\n") + f".control\n{block}\n.endc")
    assert circuit.analyses == (Op(),)
    assert {"print v(a)", "plot v(a) vs v(b)", "write out.raw all", "wrdata out.txt v(a)"} <= set(circuit.requests)


def test_a_variable_starts_with_a_dollar_and_a_comment_with_a_dollar_and_a_blank(tmp_path):
    text = "v1 a 0 1\nr1 a 0 1k\n.control\nset r = 3k $ ohms\nalter r1 = $r\ndc v1 0\n+ 2 1\n.endc"
    (family,) = read_text(tmp_path, text).analyses
    variant = family.variant(())
    assert variant.values.tolist() == [1, 3000]
    assert isinstance(variant.analyses[0], Dc)


def test_let_is_computed_for_what_prints_it():
    """From results, in each analysis with its own; numbers of the block itself are no results."""
    block = "let k = 2\nforeach r 1k 2k\nalter r1 = $r\nop\nlet drop = v(a) - v(b)\nlet ohms = drop/(-i(v1))\n"
    block += "print ohms drop*k k\nend"
    answers = answers_of(block)
    records = json.loads(answers.as_json())["analyses"]
    for record, one, ohms in zip(records, answers.results, (1e3, 2e3), strict=True):
        assert record["printed"]["ohms"] == pytest.approx(ohms, rel=1e-9)
        doubled = next(value for label, value in record["printed"].items() if label != "ohms")
        assert doubled == pytest.approx(-2 * ohms * one.currents[0, 0], rel=1e-9)
    assert any("'let' set k to 2" in note for note in answers.notes)


def test_a_name_of_let_is_no_node():
    """v(x) is the node x, whatever let made of x."""
    (one,) = answers_of("op\nlet b = v(a)*10\nlet c = v(b)+b\nprint c").results
    assert one.printed["c"][0] == pytest.approx(one.voltages[0, 1] + 6)


def test_csparam_hands_parameters_to_the_block():
    """As published decks compute with them: .csparam of an expression, by name and as $&name."""
    cards = ".csparam low={p*1k} high='low2*2'\n.param low2=3k\n"
    (first, second) = answers_of("let r = low/4\nalter r1 = r\nop\nalter r1 = $&high\nop", cards=cards).results
    (by_hand, other) = answers_of("alter r1 = 500\nop\nalter r1 = 6k\nop").results
    np.testing.assert_array_equal(first.voltages, by_hand.voltages)
    np.testing.assert_array_equal(second.voltages, other.voltages)


def test_csparam_that_has_no_value_is_noted():
    answers = answers_of("op", cards=".csparam bad={nowhere}\n")
    assert [note for note in answers.notes if ".csparam is left out" in note and "nowhere" in note]


@pytest.mark.parametrize("block", ["alterparam p = 3\nreset\nalter r1 = low\nop"])
def test_csparam_is_not_known_where_alterparam_would_change_it(block):
    with pytest.raises(NetlistError, match="'low' is no number that is known"):
        answers_of(block, cards=".csparam low={p*1k}\n")


@pytest.mark.parametrize(
    ("block", "line", "words"),
    [
        ("alter r9 = 1", 2, "no 'r9'"),
        ("alter r1", 2, "the command 'alter' sets nothing"),
        ("alter r1 tc1 = 5", 2, "cannot change tc1 of r1"),
        ("alter r1 = v(a)", 2, "known before results are"),
        ("alter r1 = $x", 2, "a variable in it is unknown"),
        ("alter v1 = [ 0 1 ]", 2, "write 'alter @v1[sin] = [ 0 1 1k ]'"),
        ("alter d1 wl = 5", 2, "cannot change wl"),
        ("altermod dmm is = 5", 2, "no model 'dmm'"),
        ("altermod dm iss = 5", 2, "depends on iss"),
        ("altermod dm = 5", 2, "write 'altermod model vto = 0.5'"),
        ("alterparam q = 5\nreset\nop", 2, "no parameter 'q'"),
        ("foreach x\nend", 2, "has no values"),
        ("foreach x 1 2", 2, "has no 'end'"),
        ("end", 2, "closes no loop"),
        ("else", 2, "has no 'if'"),
        ("while v(a) > 1\nop\nend", 2, "depends on results"),
        ("repeat\nset x=1\nend", 3, "100000 commands"),
        ("let x", 2, "the command 'let' sets nothing"),
        ("let x = v(a)\nrepeat 20\nlet x = x + x\nend", 4, "grows with each turn"),
        ("source other.cir", 2, "the command 'source'"),
        ("alterr r1 = 2", 2, "did you mean 'alter'"),
        ("op\nforeech r 1 2\nend", 3, "did you mean 'foreach'"),
        ("if 1\n" * 51 + "end\n" * 51, 52, "50 deep"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, block, line, words):
    path = tmp_path / "control.sp"
    path.write_text(f"title\n.control\n{block}\nop\n.endc\n{CIRCUIT.removeprefix('title')}")
    with pytest.raises(NetlistError, match=rf"control.sp:{line + 1}: [^\n]*$") as caught:
        runs.from_netlist(path, "auto")
    assert words in str(caught.value)
