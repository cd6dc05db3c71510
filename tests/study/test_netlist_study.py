"""Studies of a netlist: parameters, temperature and seed act, files are known by content, wrong keys are named."""

from __future__ import annotations

import json
import sqlite3
import sys

import numpy as np
import pytest
from circuit_study_tools import answers_of, trials_of
from cli_tools import call

from xbarsim import study
from xbarsim.analysis.numbers import numbers_of
from xbarsim.errors import FailedTrialsWarning, InputError
from xbarsim.study.task_work import perform

DIVIDER = """divider
.param rw=1 vin=2 kind=0
v1 a 0 {vin}
r1 a b {rw}
.if (kind==0)
r2 b 0 3
.else
.include other.inc
.endif
"""
PLAIN = '[netlist]\nfile = "x.sp"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "x.sp").write_text(DIVIDER)
    (tmp_path / "other.inc").write_text("r2 b 0 {rw}\n")
    return tmp_path


def write(folder, cards):
    (folder / "x.sp").write_text(DIVIDER + cards)


def test_parameters_are_swept_alone_and_together(folder):
    text = PLAIN + 'param.vin = 8\n[sweep]\n"param.RW" = [1, "5"]\n"param.kind" = [0, 1]\n'
    answers = answers_of(folder, text)
    assert [point for point, _ in answers] == [{"param.RW": r, "param.kind": k} for r in (1, "5") for k in (0, 1)]
    assert [numbers["v(b)"] for _, numbers in answers] == pytest.approx([6.0, 4.0, 3.0, 4.0])
    together = answers_of(folder, PLAIN + '[sweep]\n"param.vin+param.rw" = [3, 5]\n')
    assert [numbers["i(v1)"] for _, numbers in together] == pytest.approx([-3 / 6, -5 / 8])


def test_without_cards_all_voltages_and_currents_are_there(folder):
    ((_, numbers),) = answers_of(folder, PLAIN)
    assert numbers == {
        "v(a)": 2.0, "v(b)": pytest.approx(1.5), "i(v1)": pytest.approx(-0.5), "power": pytest.approx(1.0),
        "residual": pytest.approx(0.0, abs=1e-12),
    }  # fmt: skip


def test_a_crossbar_has_its_output_currents(folder):
    cells = "\n".join(f"rc{i}{j} w{i} b{j} {{{1 + i + 2 * j}*rc}}" for i in range(2) for j in range(3))
    ends = "\n".join(["v0 w0 0 1", "v1 w1 0 2", *(f"vb{j} b{j} 0 0" for j in range(3))])
    (folder / "x.sp").write_text(f"cells\n.param rc=1k\n{cells}\n{ends}\n")
    answers = answers_of(folder, PLAIN + '[sweep]\n"param.rc" = ["1k", "2k"]\n')
    expected = [1 / (1 + 2 * j) + 2 / (2 + 2 * j) for j in range(3)]
    for (_, numbers), kilo in zip(answers, (1, 2), strict=True):
        assert list(numbers) == ["i(vb0)", "i(vb1)", "i(vb2)", "power", "residual"]
        assert [numbers[f"i(vb{j})"] for j in range(3)] == pytest.approx([1e-3 * x / kilo for x in expected])


def test_cards_say_which_numbers_count(folder):
    write(folder, ".print v(a,b) dbl=par('2*v(b)')\n.save i(v1)\n.measure op drop param='7*vin'\n.op\n")
    ((_, numbers),) = answers_of(folder, PLAIN)
    assert list(numbers) == ["v(a,b)", "dbl", "i(v1)", "drop", "power", "residual"]
    assert numbers["dbl"] == pytest.approx(3.0)
    assert numbers["drop"] == 14.0


def test_measures_of_the_own_sweep_are_numbers(folder):
    write(folder, ".dc v1 0 4 1\n.measure dc top max v(b)\n.measure dc at when v(b)=9\n.print v(b)\n")
    answers = answers_of(folder, PLAIN + '[sweep]\n"param.rw" = [1, 3]\n')
    assert [numbers for _, numbers in answers] == [{"top": 3.0, "at": None}, {"top": 2.0, "at": None}]


def test_monte_carlo_runs_give_mean_and_deviation(folder):
    write(folder, ".param g=agauss(3,0.3,1)\nr3 b 0 {g}\n.op\n.dc v1 1 1 1 sweep monte=9\n.measure dc m max v(b)\n")
    ((_, numbers),) = answers_of(folder, PLAIN + "seed = 5\n")
    assert list(numbers)[-6:] == ["m.mean", "m.deviation", "m.least", "m.largest", "power", "residual"]
    assert numbers["m.least"] < numbers["m.mean"] < numbers["m.largest"]
    assert numbers["m.deviation"] > 0


def test_each_seed_draws_once(folder):
    write(folder, ".param g=agauss(3,0.3,1)\nr3 b 0 {g}\n")
    seeds = answers_of(folder, PLAIN + "[sweep]\nseed = [0, 1, 2]\n")
    volts = [numbers["v(b)"] for _, numbers in seeds]
    nominal = answers_of(folder, PLAIN)[0][1]["v(b)"]
    assert nominal == pytest.approx(2 * 1.5 / 2.5)
    assert len(np.unique([*volts, nominal])) == 4
    assert [numbers["v(b)"] for _, numbers in answers_of(folder, PLAIN + "[sweep]\nseed = [1, 2]\n")] == volts[1:]
    write(folder, ".param g=agauss(3,0.3,1)\nr3 b 0 {g}\n.dc r1 1 1 1\n.measure dc m max v(b)\n")
    assert answers_of(folder, PLAIN + "seed = 1\n")[0][1]["m"] == volts[1]


def test_temperature_acts(folder):
    write(folder, "d1 b 0 dm\n.model dm d\n")
    cold, warm = answers_of(folder, PLAIN + "[sweep]\ntemp = [0, 100]\n")
    assert cold[1]["v(b)"] > warm[1]["v(b)"]


def test_outputs_choose(folder):
    write(folder, ".measure op drop param='7*vin'\n.print dbl=par('2*v(b)')\n")
    ((_, numbers),) = answers_of(folder, PLAIN + 'outputs = ["drop", "V(a, b)", "i(r1)", "dbl", "residual", "b"]\n')
    assert numbers == {
        "drop": 14.0, "V(a, b)": 0.5, "i(r1)": 0.5, "dbl": 3.0, "residual": pytest.approx(0, abs=1e-12), "b": 1.5,
    }  # fmt: skip


def test_how_it_is_solved_is_chosen(folder):
    write(folder, "c1 b 0 1n ic=0.2\nb1 a 0 i=v(b)\n.print v(b)\n")
    held, steady = (answers_of(folder, PLAIN + more)[0][1]["v(b)"] for more in ("", "steady = true\n"))
    assert held == pytest.approx(0.2)
    assert steady == pytest.approx(1.5)
    keys = {trials_of(folder, PLAIN + more)[0].key for more in ("", "steady = true\n", 'method = "kron"\n')}
    assert len(keys) == 3


def test_trials_are_known_by_the_content_of_all_files(folder):
    text = PLAIN + '[sweep]\n"param.kind" = [0, 1]\n'
    (folder / "points.txt").write_text("0 0\n1 1\n")
    write(folder, "v2 c 0 pwl file=points.txt\n")
    before = [trial.key for trial in trials_of(folder, text)]
    (folder / "other.inc").write_text("r2 b 0 9\n")
    after = [trial.key for trial in trials_of(folder, text)]
    assert before[0] == after[0]
    assert before[1] != after[1]
    (folder / "points.txt").write_text("0 0\n1 2\n")
    assert not set(after) & {trial.key for trial in trials_of(folder, text)}


def test_the_same_text_elsewhere_is_the_same_trial(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "y.sp").write_text(DIVIDER)
    (moved,) = trials_of(elsewhere, PLAIN.replace("x.sp", "y.sp"))
    assert moved.key == trials_of(folder, PLAIN)[0].key


def test_a_netlist_that_changed_under_way_is_not_answered(folder):
    (trial,) = trials_of(folder, PLAIN)
    write(folder, "r9 b 0 1\n")
    with pytest.raises(InputError, match="has changed since this study was read: run it again"):
        perform(trial.task, {})


@pytest.mark.parametrize(
    ("cards", "text", "words"),
    [
        ("", "[netlist]\ntemp = 1\n", ("netlist: it names no netlist",)),
        ("", PLAIN + "fil = 1\n", ("netlist.fil: there is no such key", "did you mean file?")),
        ("", PLAIN.replace("x.sp", "z.sp"), ("z.sp", "there is no such file")),
        ("", PLAIN + '[sweep]\n"param.rww" = [1]\n', ("sweep.param.rww", "no .param of x.sp sets 'rww'", "mean rw?")),
        ("", PLAIN + "param.rww = 1\n", ("netlist.param.rww", "did you mean rw?")),
        ("", PLAIN + "[sweep]\nrw = [1]\n", ("sweep.rw: there is no setting 'rw'", "did you mean param.rw?")),
        ("", PLAIN + '[sweep]\n"param.rw" = ["1M"]\n', ("sweep.param.rw", "ambiguous")),
        ("", PLAIN + '[sweep]\n"param.rw" = [true]\n', ("sweep.param.rw: it is True, and must be a number",)),
        ("", PLAIN + "seed = 1\n", ("netlist.seed: it changes nothing",)),
        ("r3 b 0 {agauss(1,1,1)}\n", PLAIN + "seed = -1\n", ("netlist.seed: it is -1",)),
        ("", PLAIN + "steady = 1\n", ("netlist.steady: it is 1",)),
        ("", PLAIN + 'method = "fast"\n', ("netlist.method: it is 'fast'",)),
        (".step param rw 1 3 1\n", PLAIN, ("x.sp:10: .step: its points are no trials", "[sweep]")),
    ],
)
def test_what_is_wrong_is_named(folder, cards, text, words):
    write(folder, cards)
    with pytest.raises(InputError) as error:
        trials_of(folder, text)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cards", "outputs", "words"),
    [
        (".dc v1 0 1 1\n", (), ("only the points of sweeps", "write .measure cards")),
        (".op\n.op\n", (), ("2 operating points",)),
        ("", ("v(z)",), ("outputs: 'v(z)'", "no node z")),
        (".dc v1 0 1 1\n.measure dc top max v(b)\n", ("tob",), ("'tob' is no measure", "did you mean top?")),
        (".control\nalter r1 = 3\nop\n.endc\n", ("i(r1)",), (".control altered", ".print")),
    ],
)
def test_what_is_no_number_is_refused(folder, cards, outputs, words):
    write(folder, cards)
    with pytest.raises(InputError) as error:
        numbers_of(folder / "x.sp", outputs=outputs)
    for word in words:
        assert word in str(error.value)


def test_more_numbers_than_anyone_reads_are_refused(folder):
    chain = "".join(f"rz{k} z{k} z{k + 1} 1\n" for k in range(1000))
    write(folder, f"v2 z0 0 1\n{chain}rz z1000 0 1\nd1 z9 z5 dm\n.model dm d\n")
    with pytest.raises(InputError, match="choose some by outputs"):
        numbers_of(folder / "x.sp")


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not started there")
def test_the_command_runs_it_once(folder, capsys):
    (folder / "study.toml").write_text(PLAIN + '[sweep]\n"param.rw" = [1, 3]\n')
    first = call(capsys, "study", "run", folder / "study.toml", "--jobs", 1)
    assert "2 trials done" in first.err
    rows = sqlite3.connect(folder / "study.sqlite").execute("SELECT numbers FROM results ORDER BY position").fetchall()
    assert [json.loads(row[0])["v(b)"] for row in rows] == pytest.approx([1.5, 1.0])
    assert "0 trials done, 0 failed, 2 there before" in call(capsys, "study", "run", folder / "study.toml").err


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not started there")
def test_failed_trials_are_told_of_in_each_run(folder, capsys):
    path = folder / "study.toml"
    path.write_text(PLAIN + '[sweep]\n"param.rw" = [1, -3]\n')  # -3 and 3 ohm in series: any current
    with pytest.warns(FailedTrialsWarning, match=r"^1 of 2 trials failed: frame\(\) has each one's reason"):
        tally = study.run(path, jobs=1)
    assert (tally.answered, tally.failed) == (1, 1)
    with pytest.warns(FailedTrialsWarning, match="^1 of 2"):
        study.run(path, jobs=1)
    text = call(capsys, "study", "run", path, "--jobs", 1).err
    assert "0 trials done, 0 failed, 2 there before (1 failed), 0 left" in text
    assert "--retry-failed tries trials again" in text
    again = call(capsys, "study", "run", path, "--jobs", 1, "--retry-failed")
    assert (again.code, "0 trials done, 1 failed, 1 there before, 0 left" in again.err) == (3, True)
