"""A netlist read in Python is solved there: every name's number, as the command line has it."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from cli_tools import ROOT, call
from netlist_tools import read_text, solve_elements

import xbarsim
from xbarsim.errors import FloatingError, InputError
from xbarsim.netlist import NotACrossbarError, read

ELEMENTS = [
    ("v1", "in", "0", 1.5),
    ("r1", "in", "a", 1e3),
    ("r2", "a", "0", 2e3),
    ("r3", "a", "b", 3e3),
    ("r4", "b", "0", 4e3),
    ("v2", "b", "c", 0.25),
    ("r5", "c", "in", 5e3),
]
NETWORK = "\n".join(" ".join(map(str, element)) for element in ELEMENTS)
CROSSBAR = """
v0 w0 0 0.5
v1 w1 0 0.2
r00 w0 b0 1k
r01 w0 b1 7k
r10 w1 b0 3k
r11 w1 b1 2k
rs0 b0 0 10
rs1 b1 0 20
"""


def close(ours, theirs):
    assert ours.keys() == theirs.keys()
    return all(abs(ours[name] - theirs[name]) <= 1e-12 * max(map(abs, theirs.values())) for name in theirs)


def test_a_network_has_the_voltages_and_currents_of_a_nodal_analysis(tmp_path):
    solution = read_text(tmp_path, NETWORK).solve()
    volts, amperes = solve_elements(ELEMENTS)
    assert close(solution.node_voltages, volts)
    assert close(solution.source_currents, amperes)
    assert solution.recognised is None
    assert solution.reason
    assert isinstance(solution.node_voltages["a"], float)
    assert solution.power == pytest.approx(-1.5 * amperes["v1"] - 0.25 * amperes["v2"])


def test_voltages_and_currents_are_read_by_name_in_any_case(tmp_path):
    solution = read_text(tmp_path, NETWORK).solve()
    volts = solution.node_voltages
    assert solution.voltage("A") == volts["a"]
    assert solution.voltage("a", "B") == volts["a"] - volts["b"]
    assert solution.voltage("GND", "a") == -volts["a"]
    assert solution.current("R3") == pytest.approx((volts["a"] - volts["b"]) / 3e3, rel=1e-14)
    assert solution.current("V1") == solution.source_currents["v1"]
    assert solution.read("V(a,b)*2") == pytest.approx(2 * (volts["a"] - volts["b"]), rel=1e-14)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.voltage("inn"), "no node 'inn': did you mean 'in'"),
        (lambda s: s.voltage("qq"), "no node 'qq': node_voltages has all their names"),
        (lambda s: s.current("r9"), "there is no source r9"),
        (lambda s: s.read("v(a)*"), "v"),
    ],
)
def test_unknown_names_are_refused(tmp_path, ask, message):
    solution = read_text(tmp_path, NETWORK).solve()
    with pytest.raises(InputError, match=message):
        ask(solution)


def test_a_sweep_has_a_column_for_each_name(tmp_path):
    solution = read_text(tmp_path, NETWORK + "\n.dc v1 0 1 0.5 v2 0 0.25 0.25\n.op\n.measure dc top max v(a)").solve()
    sweep, point = solution
    assert (sweep.kind, point.kind, len(solution)) == ("dc", "op", 2)
    assert sweep.sweep["v1"].tolist() == [0.0, 0.5, 1.0, 0.0, 0.5, 1.0], "the first is the fastest"
    assert sweep.sweep["v2"].tolist() == [0.0] * 3 + [0.25] * 3
    for k in range(6):
        elements = [(n, a, b, {"v1": sweep.sweep["v1"][k], "v2": sweep.sweep["v2"][k]}.get(n, x))
                    for n, a, b, x in ELEMENTS]  # fmt: skip
        volts, _ = solve_elements(elements)
        assert close({name: column[k] for name, column in sweep.node_voltages.items()}, volts)
    assert sweep.measures == {}
    assert any("measure top failed: it needs one swept source" in error for error in solution.errors)
    assert np.array_equal(sweep.read("v(a)-v(b)"), sweep.voltage("a", "b"))
    assert "6 points over v1, v2" in repr(sweep)
    assert solution[1].node_voltages["a"] == pytest.approx(solve_elements(ELEMENTS)[0]["a"])


def test_measures_are_taken(tmp_path):
    (sweep,) = read_text(tmp_path, NETWORK + "\n.dc v1 0 1 0.5\n.measure dc top max v(a)").solve()
    assert sweep.measures == {"top": max(sweep.voltage("a"))}


def test_a_crossbar_gives_its_voltages_and_both_ways_agree(tmp_path):
    circuit = read_text(tmp_path, CROSSBAR)
    solution = circuit.solve()
    assert solution.recognised == "crossbar"
    assert solution.reason is None
    direct = xbarsim.solve(circuit.crossbar(), circuit.voltages)
    names = [circuit.recognise().node_names("word")[i, 0] for i in range(2)]
    assert dict(zip(names, circuit.voltages, strict=True)) == {"w0": 0.5, "w1": 0.2}
    bits = circuit.recognise().node_names("bit")[-1]
    ohms = {"b0": 10.0, "b1": 20.0}
    for j, name in enumerate(bits):
        assert solution.voltage(name) == pytest.approx(direct.currents[j] * ohms[name], rel=1e-13)
    circuit.voltages[0] = 9.0
    assert 9.0 not in circuit.voltages, "a copy"


@pytest.mark.parametrize("method", ["schur", "kron", "reference"])
def test_the_method_acts(tmp_path, method):
    assert method in read_text(tmp_path, CROSSBAR).solve(method=method)[0].method


def test_bad_input_is_refused(tmp_path):
    circuit = read_text(tmp_path, NETWORK)
    with pytest.raises(InputError, match="method is 'fast': it must be one of auto"):
        circuit.solve(method="fast")
    with pytest.raises(NotACrossbarError):
        _ = circuit.voltages
    with pytest.raises(FloatingError, match="x"):
        read_text(tmp_path, "v1 a 0 1\nr1 a 0 1k\nc1 a x 1p\nr2 x y 1k").solve()


@pytest.mark.parametrize("name", ["one_t_one_r", "diode_bridge", "laws"])
def test_the_command_line_says_the_same(capsys, name):
    path = ROOT / "tests" / "netlists" / f"{name}.sp"
    answer = call(capsys, "solve", "--netlist", path, "--format", "json")
    (record,) = json.loads(answer.out)["analyses"]
    solution = read(path).solve()
    assert solution.node_voltages == record["node_voltages"]
    assert solution.source_currents == record["source_currents"]
    assert solution.power == record["power"]


def test_a_transient_has_its_times():
    circuit = read(io.StringIO("title\nv1 a 0 pulse(0 1 0 1n 1n 1u)\nr1 a b 1k\nc1 b 0 1n\n.tran 0.1u 1u\n.end\n"))
    solution = circuit.solve()
    times = solution[0].sweep["time"]
    expected = 1.0 - np.exp(-(times[5:] - 0.5e-9) / 1e-6)
    assert np.allclose(solution.voltage("b")[5:], expected, atol=2e-3)


def test_to_solve_twice_is_to_solve_once(tmp_path):
    circuit = read_text(tmp_path, "v1 a 0 1\nr1 a b 1k\nr2 b 0 {rr}\n.param rr=1k\n.step param rr list 1k 2k\n.op")
    first, second = circuit.solve(), circuit.solve()
    assert first.notes == second.notes
    assert first[0].voltage("b").tolist() == second[0].voltage("b").tolist() == pytest.approx([0.5, 2 / 3])


def test_what_solve_returns_has_a_public_name(tmp_path):
    solution = read_text(tmp_path, NETWORK).solve()
    assert type(solution) is xbarsim.netlist.CircuitSolution
    assert type(solution[0]) is xbarsim.netlist.SolvedAnalysis
    with pytest.raises(AttributeError, match=r"'xbarsim\.netlist' has no attribute 'Solution'"):
        xbarsim.netlist.Solution  # noqa: B018
