""".if, .elseif, .else and .endif: at the top level, in subcircuits, and over swept parameters."""

from __future__ import annotations

import io

import numpy as np
import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.analysis import runs
from xbarsim.netlist import NetlistError

CHOICE = ".if (k == 1)\nr1 a 0 1k\n.elseif (k == 2)\nr1 a 0 2k\n.else\nr1 a 0 5k\n.endif\n"
NESTED = (
    ".if (k > 0)\n.if (j > 0)\nr1 a 0 1k\n.else\nr1 a 0 2k\n.endif\n.else\n.if (j > 0)\nr1 a 0 3k\n.endif\n.endif\n"
)
CELL = """
.subckt cell p w=1 kind=0
.if (kind == 0)
r1 p 0 '1k*w'
.elseif (kind == 1)
r1 p q '500*w'
x1 q inner z='w'
.else
d1 p 0 dm
.model dm d(is=1e-12)
.endif
r9 p 0 100k
.ends
.subckt inner p z=1
.if (z > 1)
.model dd d(is=1e-9)
.else
.model dd d(is=1e-14)
.endif
d1 p 0 dd
.ends
"""


def current(text: str) -> float:
    """Return what flows out of a source of 1 V at node a."""
    (result,) = runs.from_netlist(io.StringIO(f"title\nv1 a 0 1\n{text}\n.op\n"), "auto").results
    return -float(result.currents[0, result.branches.index("v1")])


@pytest.mark.parametrize(("k", "ohms"), [("1", 1e3), ("2", 2e3), ("3", 5e3), ("{4/2}", 2e3)])
def test_the_branch_that_holds_counts(k, ohms):
    assert current(f".param k={k}\n{CHOICE}") == pytest.approx(1 / ohms, rel=1e-13)
    assert current(f"{CHOICE}.param k={k}") == pytest.approx(1 / ohms, rel=1e-13)


@pytest.mark.parametrize(("k", "j", "ohms"), [(1, 1, 1e3), (1, 0, 2e3), (0, 1, 3e3), (0, 0, np.inf)])
def test_nested(k, j, ohms):
    assert current(f"r0 a 0 1k\n.param k={k} j={j}\n{NESTED}") == pytest.approx(1e-3 + 1 / ohms, rel=1e-13)


def test_models_includes_and_subcircuits_in_branches(tmp_path):
    (tmp_path / "one.inc").write_text("r1 a 0 1k\n")
    text = "v1 a 0 1\nx1 a s\n.param k={}\n.if (k==1)\n.include one.inc\n.subckt s p\nr1 p 0 1k\n.ends\n.else\n"
    text += "nonsense here\n.include none.inc\n.subckt s p\nr1 p 0 4k\n.ends\n.endif\n.op"
    circuit = read_text(tmp_path, text.format(1))
    assert dict(zip(circuit.names, circuit.values.tolist(), strict=True)) == {"v1": 1, "r1": 1e3, "r.x1.r1": 1e3}
    with pytest.raises(NetlistError, match=":11: 'nonsense' is"):
        read_text(tmp_path, text.format(2))


def test_instances_choose_for_themselves(tmp_path):
    instances = "x1 a cell\nx2 a cell w=2\nx3 a cell kind=1\nx4 a cell kind=1 w=2\nx5 a cell kind=2\n"
    whole = current(instances + CELL)
    alone = [current(line + "\n" + CELL) for line in instances.splitlines()]
    assert whole == pytest.approx(sum(alone), rel=1e-12)
    assert alone[0] == pytest.approx(1e-3 + 1e-5, rel=1e-12)
    assert alone[1] == pytest.approx(5e-4 + 1e-5, rel=1e-12)
    assert len({round(one, 9) for one in alone}) == 5
    circuit = read_text(tmp_path, "v1 a 0 1\n" + instances + CELL)
    assert {"r.x1.r1", "r.x3.r1", "r.x5.r9"} <= set(circuit.names)
    assert circuit.diodes is not None
    assert sorted(circuit.diodes.names) == ["d.x3.x1.d1", "d.x4.x1.d1", "d.x5.d1"]


@needs_ngspice
def test_as_ngspice(tmp_path):
    path = tmp_path / "if.cir"
    instances = "x1 a cell\nx2 a cell w=2\nx3 a cell kind=1\nx4 a cell kind=1 w=2\nx5 a cell kind=2\n"
    exact = ".options reltol=1e-10 abstol=1e-18 vntol=1e-14\n"
    # ngspice puts models of a subcircuit's branches beside those of other instances; these stand at the top
    cell = CELL.replace(".model dm d(is=1e-12)\n", "").replace(".if (z > 1)\n.model dd d(is=1e-9)\n.else\n", "")
    cell = cell.replace(".model dd d(is=1e-14)\n.endif\n", "") + ".model dm d(is=1e-12)\n.model dd d(is=1e-14)\n"
    path.write_text(f"t\nv1 a 0 0.5\n.param k=2 j=0\n{instances}{cell}{CHOICE}{exact}.op\n.end\n")
    (result,) = runs.from_netlist(path, "auto").results
    assert result.currents[0, 0] == pytest.approx(ngspice(path)["i(v1)"], rel=1e-9)


@pytest.mark.parametrize("sweep", [".step param k list 1 2 3 1\n.op", ".dc k 1 3 1"])
def test_a_swept_parameter_decides_anew(tmp_path, sweep):
    """From a file and from a stream; what is swept may also stand behind another parameter."""
    for text in (f".param k=3\n{CHOICE}", f".param m=k k=9\n{CHOICE.replace('(k', '(m')}"):
        deck = f"title\nv1 a 0 1\n{text}\n{sweep}\n"
        path = tmp_path / "deck.sp"
        path.write_text(deck)
        for source in (io.StringIO(deck), path):
            (result,) = runs.from_netlist(source, "auto").results
            ((_, values),) = result.sweep
            ohms = [{1: 1e3, 2: 2e3}.get(int(k), 5e3) for k in values]
            np.testing.assert_allclose(-1 / result.currents[:, 0], ohms)


def test_a_sweep_over_an_instance_s_condition():
    text = "v1 a 0 1\nx1 a cell kind={k}\n.param k=0\n"
    text += ".subckt cell p kind=0\n.if (kind)\nr1 p 0 1k\n.else\nr1 p 0 4k\n.endif\n"
    (result,) = runs.from_netlist(io.StringIO(f"t\n{text}.ends\n.dc k 0 2 1\n"), "auto").results
    np.testing.assert_allclose(-1 / result.currents[:, 0], [4e3, 1e3, 1e3])


def test_a_sweep_that_changes_nodes_is_refused():
    text = "v1 a 0 1\n.param k=1\nr1 a 0 1\n.if (k==2)\nr2 a b 1\nr3 b 0 1\n.endif\n.dc k 1 2 1"
    with pytest.raises(Exception, match="k = 2 the circuit has other nodes"):
        runs.from_netlist(io.StringIO(f"t\n{text}\n"), "auto")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".if (1)\nr1 a 0 1", "no .endif"),
        (".endif", "no .if"),
        (".else", "no .if"),
        (".if\nr1 a 0 1\n.endif", "no condition"),
        (".if (1)\n.else\n.elseif (1)\n.endif", "follows an .else"),
        (".if (kk)\nr1 a 0 1\n.endif\n.param k=1", "did you mean 'k'"),
        (".param k=1\n.if (k==1)\nr1 a 0 1\n.endif\n.param k=2", "move it up"),
        (".subckt s p w=1\n.if (w)\n.param q=1\n.endif\n.ends", "decided for each instance"),
        (".subckt s p w=1\n.if (w)\n.subckt t p\n.ends\n.endif\n.ends", "decided for each instance"),
        (".subckt s p w=1\n.if (w)\nx1 p s\n.endif\n.ends\nx1 a s", "contains itself"),
        ("x1 a s\n.subckt s p w=1\n.if (w/0)\nr1 p 0 1\n.endif\n.ends", "division by zero"),
        (".if (1)\n.subckt s p\n.endif\n.ends", "another subcircuit"),
    ],
)
def test_bad_conditions_are_one_line(tmp_path, text, words):
    with pytest.raises(NetlistError, match=r"circuit.sp:\d+: [^\n]*$") as caught:
        read_text(tmp_path, f"v1 a 0 1\n{text}")
    assert words in str(caught.value)
