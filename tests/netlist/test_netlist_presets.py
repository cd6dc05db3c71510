"""Parameters and a temperature that a caller sets in the place of the netlist's own."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim import netlist
from xbarsim.analysis import runs
from xbarsim.errors import InputError

DIVIDER = """divider
.param rw=1 vin=2 rl={3*rw} kind=0 idle=3
v1 a 0 {vin}
r1 a b {rw}
.if (kind==0)
r2 b 0 {rl}
.else
.include half.inc
.endif
"""


@pytest.fixture
def divider(tmp_path):
    (tmp_path / "half.inc").write_text("r2 b 0 {rw}\n")
    path = tmp_path / "divider.sp"
    path.write_text(DIVIDER)
    return path


def answer_of(path, cards="", **presets):
    if cards:
        path.write_text(DIVIDER + cards)
    return runs.from_netlist(path, "auto", **presets)


def voltage(answers, node="b"):
    result = answers.results[0]
    return result.voltages[:, result.nodes.index(node)].tolist()


def test_a_parameter_acts_on_elements_and_on_parameters_that_follow_from_it(divider):
    circuit = netlist.read(divider, parameters={"RW": 4, "vin": 1.0})
    values = dict(zip(circuit.names, circuit.values.tolist(), strict=True))
    assert values == {"v1": 1.0, "r1": 4.0, "r2": 12.0}


def test_a_derived_parameter_can_be_set_itself(divider):
    assert voltage(answer_of(divider, parameters={"rl": 1.0})) == [1.0]


def test_conditions_and_what_they_include_follow(divider):
    assert voltage(answer_of(divider)) == [1.5]
    assert voltage(answer_of(divider, parameters={"kind": 1})) == [1.0]


def test_a_stream_is_read_with_parameters(divider):
    circuit = netlist.read(io.StringIO("title\n.param a=1\nr1 x 0 {a}\nv1 x 0 1\n"), parameters={"a": -2.5e-9})
    assert circuit.values[0] == -2.5e-9


def test_the_own_sweep_of_another_parameter_keeps_what_is_set(divider):
    stepped = answer_of(divider, ".step param rw list 1 2\n.step param kind list 0 1\n", parameters={"vin": 8.0})
    assert voltage(stepped) == pytest.approx([6.0, 6.0, 4.0, 4.0])
    points = answer_of(divider, ".dc v1 {vin} {vin+2} 1\n", parameters={"vin": 8.0})
    assert points.results[0].sweep[0][1].tolist() == [8.0, 9.0, 10.0]
    switched = answer_of(divider, ".step param rl list 1 3\n", parameters={"kind": 1.0})
    assert voltage(switched) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("commands", "volts"),
    [("run\nalter v1 = $&c\nrun", [1.0, 5.0]), ("run\nalterparam vin=7\nreset\nrun", [1.0, 7.0])],
)
def test_a_control_block_knows_what_is_set_and_alters_it(divider, commands, volts):
    text = f".csparam c={{rw}}\n.control\n{commands}\n.endc\n.op\n"
    results = answer_of(divider, text, parameters={"rw": 5.0, "vin": 1.0}).results
    assert [result.voltages[0, result.nodes.index("a")] for result in results] == volts


def test_a_drawn_parameter_that_is_set_is_not_drawn(tmp_path):
    path = tmp_path / "drawn.sp"
    path.write_text("t\n.param g=agauss(1,0.1,1)\nv1 a 0 {g}\nr1 a 0 1\n.op\n.dc r1 1 1 1 sweep monte=3\n")
    plain = runs.from_netlist(path, "auto").results[1].voltages
    assert len(np.unique(plain)) == 3
    assert np.unique(runs.from_netlist(path, "auto", parameters={"g": 4.0}).results[1].voltages).tolist() == [4.0]


def test_temperature_acts_in_the_place_of_the_card(tmp_path):
    path = tmp_path / "diode.sp"
    path.write_text("t\nv1 a 0 5\nr1 a b 1k\nd1 b 0 dm\n.model dm d\n.temp 100\n")
    cold, warm = (voltage(runs.from_netlist(path, "auto", temp=celsius))[0] for celsius in (0.0, 100.0))
    assert warm == voltage(runs.from_netlist(path, "auto"))[0]
    assert cold - warm > 0.1


def test_what_nothing_depends_on_is_noted(divider):
    (note,) = (text for text in netlist.read(divider, parameters={"idle": 1, "kind": 0}).notes if "no element" in text)
    assert "'idle'" in note


@pytest.mark.parametrize(
    ("presets", "cards", "words"),
    [
        ({"parameters": {"rww": 1}}, "", ("no .param sets 'rww'", "did you mean 'rw'?")),
        ({"parameters": {"zz": 1}}, "", ("it has rw, vin, rl, kind, idle",)),
        ({"parameters": {"rw": float("inf")}}, "", ("the parameter rw is inf",)),
        ({"parameters": {"rw": "2"}}, "", ("the parameter rw is '2'", "finite number")),
        ({"parameters": {"rw": 1, "RW": 2}}, "", ("rw is set twice",)),
        ({"parameters": {"rw": 1}}, ".step param rw list 1 2\n", (":10:", ".step sweeps 'rw'", "remove the card")),
        ({"parameters": {"rw": 1}}, ".dc rw 1 2 1\n", (":10:", ".dc sweeps 'rw'")),
        ({"temp": 1.0}, ".dc temp 0 100 50\n", (":10:", ".dc sweeps 'temp'")),
        ({"temp": -300.0}, "", ("temp is -300.0", "-273.15")),
        ({"temp": float("nan")}, "", ("temp is nan",)),
    ],
)
def test_what_cannot_be_set_is_refused(divider, presets, cards, words):
    divider.write_text(DIVIDER + cards)
    with pytest.raises(InputError) as error:
        netlist.read(divider, **presets)
    for word in words:
        assert word in str(error.value)


def test_a_source_may_be_swept_that_is_called_as_a_parameter_is(tmp_path):
    path = tmp_path / "namesakes.sp"
    path.write_text("t\n.param v1=1\nv1 a 0 1\nr1 a 0 {v1}\n.dc v1 1 2 1\n")
    result = runs.from_netlist(path, "auto", parameters={"v1": 2.0}).results[0]
    assert result.currents[:, 0].tolist() == [-0.5, -1.0]


def test_the_command_takes_parameters_for_one_and_for_many_netlists(divider, capsys):
    parts = ["--param", "rw=1k", "--param", "RL = 3k", "--temp", "85", "--format", "json"]
    answer = call(capsys, "solve", "--netlist", divider, *parts)
    assert json.loads(answer.out)["analyses"][0]["source_currents"] == {"v1": pytest.approx(-2 / 4000)}
    both = call(capsys, "solve", "--netlist", divider, divider, *parts)
    currents = [json.loads(line)["analyses"][0]["source_currents"]["v1"] for line in both.out.splitlines()]
    assert currents == pytest.approx([-2 / 4000] * 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--param", "rw"], "'rw' is not NAME=VALUE"),
        (["--param", "=2"], "'=2' is not NAME=VALUE"),
        (["--param", "rw=1M"], "ambiguous"),
        (["--param", "rw=1", "--param", "RW=2"], "RW is set twice"),
        (["--param", "rq=1"], "no .param sets 'rq'"),
        (["--temp", "warm"], "'warm' is not a number"),
    ],
)
def test_the_command_refuses_what_sets_nothing(divider, capsys, words, message):
    assert_refused(call(capsys, "solve", "--netlist", divider, *words), 2, message)


def test_the_command_refuses_parameters_of_matrices(capsys):
    for words in (["--param", "rw=1"], ["--temp", "1"]):
        refused = call(capsys, "solve", "--conductance", "g.npy", "--voltages", "v.npy", *words)
        assert_refused(refused, 2, f"{words[0]} goes with --netlist")
