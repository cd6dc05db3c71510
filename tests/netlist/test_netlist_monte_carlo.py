"""Random parameters: nominal without draws, reproducible with them, and each instance its own."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from xbarsim import cli
from xbarsim.analysis import runs
from xbarsim.netlist import NetlistError

ARRAY = """
.param spread=0.1
.subckt cell p n r=1k
.param dr=agauss(0, spread, 1)
r1 p n 'r*exp(dr)'
.ends
"""


def results_of(text: str, seed: int | None = None):
    return runs.from_netlist(io.StringIO("title\n" + text + "\n"), "auto", seed=seed)


def ohms(text: str, seed: int | None = None) -> np.ndarray:
    """Return what a resistor from a 1 V source has in each run."""
    (result,) = results_of(text, seed).results
    return -1 / result.currents[:, result.branches.index("v1")]


def one(law: str, runs_: str, seed: int | None = None) -> np.ndarray:
    """Return what a parameter is in some runs."""
    return ohms(f"v1 a 0 1\n.param x={law}\nr1 a 0 {{1k+x}}\n.dc sweep {runs_}", seed) - 1000


def many(law: str) -> np.ndarray:
    """Return 2,000 draws of one run."""
    cells = "\n".join(f"v{k} a{k} 0 1\nr{k} a{k} 0 '1k+{law}'" for k in range(2000))
    (result,) = results_of(f"{cells}\n.dc sweep monte=1 firstrun=2").results
    return -1 / result.currents[0] - 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "mean", "deviation", "low", "high"),
    [
        ("agauss(10, 6, 3)", 10, 2, None, None),
        ("gauss(10, 0.6, 3)", 10, 2, None, None),
        ("aunif(10, 6)", 10, 6 / 3**0.5, 4, 16),
        ("unif(10, 0.6)", 10, 6 / 3**0.5, 4, 16),
        ("limit(10, 6)", 10, 6, 4, 16),
        ("mc(10, 0.6)", 10, 6 / 3**0.5, 4, 16),
        ("10+flat(6)", 10, 6 / 3**0.5, 4, 16),
        ("10+gauss(2)", 10, 2, None, None),
    ],
)
def test_distributions(law, mean, deviation, low, high):
    """Mean and deviation of 2,000 draws lie within 4.5 of their standard errors; bounded ones reach their bounds."""
    x = many(law)
    assert abs(x.mean() - mean) < 4.5 * deviation / len(x) ** 0.5
    assert abs(x.std() - deviation) < 4.5 * deviation / len(x) ** 0.5
    if low is None:
        assert 0.10 < (abs(x - mean) > 1.5 * deviation).mean() < 0.17  # 0.134 of a normal one
    else:
        assert low - 1e-9 <= x.min() < low + 0.1
        assert high - 0.1 < x.max() <= high + 1e-9


@pytest.mark.slow
def test_of_several_tries_the_farthest_counts():
    assert abs(one("aunif(0, 1, 50)", "monte=100 firstrun=2")).min() > 0.8


def test_nominal_without_a_sweep_and_in_run_1():
    text = "v1 a 0 1\n.param x=agauss(10, 6, 3)\nr1 a 0 {x}\n.op"
    answers = results_of(text)
    np.testing.assert_allclose(answers.results[0].currents, [[-0.1]])
    assert any("nominal values, as no 'sweep monte='" in note for note in answers.notes)
    x = one("aunif(10, 6)", "monte=3")
    assert x[0] == pytest.approx(10)
    assert abs(x[1:] - 10).min() > 1e-3


def test_a_run_has_its_draws_whatever_other_runs_there_are():
    whole = one("agauss(0, 1, 1)", "monte=9")
    np.testing.assert_array_equal(one("agauss(0, 1, 1)", "monte=4 firstrun=5"), whole[4:8])
    np.testing.assert_array_equal(one("agauss(0, 1, 1)", "monte=list(3 5:7)"), whole[[2, 4, 5, 6]])
    np.testing.assert_array_equal(one("agauss(0, 1, 1)", "monte=9", seed=0), whole)
    assert abs(one("agauss(0, 1, 1)", "monte=9", seed=1)[1:] - whole[1:]).min() > 1e-6


def test_the_seed_stands_in_the_file_or_is_an_option(tmp_path, capsys):
    body = "t\nv1 a 0 1\n.param x=agauss(10, 6, 3)\nr1 a 0 {x}\n.dc v1 1 1 1 sweep monte=3\n"
    path = tmp_path / "a.sp"

    def printed(options: str, *arguments: str) -> str:
        path.write_text(body + options)
        with pytest.raises(SystemExit) as left:
            cli.main(["solve", "--netlist", str(path), "--format", "csv", *arguments])
        assert left.value.code == 0
        captured = capsys.readouterr()
        assert "3 Monte Carlo runs with seed" in captured.err
        return captured.out

    assert printed("") == printed("", "--seed", "0") == printed(".options seed=5\n", "--seed", "0")
    assert printed(".options seed=5\n") == printed("", "--seed", "5") != printed("")


@pytest.mark.slow
def test_every_instance_draws_for_itself():
    """In all the ways that a subcircuit's value can be written; the array's mean spread is that of the cells."""
    cells = "\n".join(f"x{k} a s{k} cell\nv{k}s s{k} 0 0" for k in range(400))
    for body in (
        ARRAY + cells,
        ".subckt cell p n r='1k*exp(agauss(0,0.1,1))'\nr1 p n {r}\n.ends\n" + cells,
        ".subckt cell p n\nr1 p n '1k*exp(agauss(0,0.1,1))'\n.ends\n" + cells,
        ".subckt cell p n r=1\nr1 p n {r}\n.ends\n" + cells.replace(" cell", " cell r='1k*exp(agauss(0,0.1,1))'"),
        ".func noise(x) {exp(agauss(0,x,1))}\n.subckt cell p n\nr1 p n '1k*noise(0.1)'\n.ends\n" + cells,
        ".subckt cell p n\nx1 p n inner\n.ends\n.subckt inner p n\nr1 p n '1k*exp(agauss(0,0.1,1))'\n.ends\n" + cells,
    ):
        (result,) = results_of(f"v1 a 0 1\n{body}\n.dc sweep monte=2 firstrun=2").results
        columns = [k for k, name in enumerate(result.branches) if name.endswith("s")]
        spread = np.log(result.currents[:, columns] * 1e3)
        assert len(np.unique(spread)) == 800
        np.testing.assert_allclose(spread.std(axis=1), 0.1, rtol=0.16)  # 4.5 standard errors of 400


def test_a_parameter_is_drawn_once_a_run():
    text = "v1 a 0 1\n.param x=agauss(1k, 100, 1) y='x'\nr1 a 0 {x}\nv2 b 0 1\nr2 b 0 {y}\nx1 c s\nv3 c 0 1\n"
    text += ".subckt s p\nr1 p 0 {x}\n.ends\n.dc sweep monte=5"
    (result,) = results_of(text).results
    np.testing.assert_array_equal(result.currents[:, 0], result.currents[:, 1])
    np.testing.assert_array_equal(result.currents[:, 0], result.currents[:, 2])
    assert len(np.unique(result.currents[:, 0])) == 5


def test_step_draws_anew_at_each_point():
    """LTspice's Monte Carlo: a stepped index that no value needs."""
    text = "v1 a 0 1\nr1 a 0 {mc(1k, 0.1)}\n.step param run 1 20 1\n.op"
    values = ohms(text)
    assert len(np.unique(values)) == 20
    assert values.min() > 900
    assert values.max() < 1100
    np.testing.assert_array_equal(values, ohms(text))


def test_sweeps_share_a_run_s_draws():
    """Each run is one chip: its sources are swept, and so is what else the card names, on the same cells."""
    text = f"v1 a 0 1\nv2 s 0 0\nx1 a b cell\nr2 b s {{rx}}\n{ARRAY}.param rx=500"
    text += "\n.dc v1 1 2 1 rx 500 1500 1000 sweep monte=4"
    (result,) = results_of(text).results
    assert [name for name, _ in result.sweep] == ["v1", "rx", "monte"]
    cell = (np.tile([1.0, 2.0, 1.0, 2.0], 4) / result.currents[:, 1] - np.tile([500, 500, 1500, 1500], 4)).reshape(4, 4)
    np.testing.assert_allclose(cell, np.repeat(cell[:, :1], 4, axis=1), rtol=1e-9)
    assert cell[0, 0] == pytest.approx(1000)
    assert len(np.unique(cell[:, 0].round(6))) == 4


@pytest.mark.parametrize(
    ("law", "words"),
    [
        ("agauss(1, 2)", "agauss(nominal, spread, sigmas)"),
        ("agauss(1, 2, 0)", "0 sigmas"),
        ("unif(1)", "unif(nominal, relative spread)"),
        ("mc(1)", "mc(nominal, tolerance)"),
        ("aunif(1, 2, 0)", "tries 0 times"),
        ("agaus(1, 2, 3)", "did you mean 'agauss'"),
    ],
)
def test_a_wrong_call_is_one_line(law, words):
    with pytest.raises(NetlistError) as caught:
        one(law, "monte=2")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "form", ["monte", "monte=", "monte=0", "monte=2.5", "monte=list(0)", "monte=3 monte=4", "monte=3 firstrun=0"]
)
def test_a_wrong_monte_is_one_line(form):
    with pytest.raises(NetlistError, match="monte"):
        one("agauss(0, 1, 1)", form)


def test_limit_of_three_numbers_only_clamps():
    text = "v1 a 0 1\nr1 a 0 {limit(5, 1, 3)}\nr2 b 0 {aunif(1, 0)}\nv2 b 0 1\n.dc sweep monte=2"
    np.testing.assert_allclose(ohms(text), [3, 3])


def test_reset_in_a_control_block_draws_anew():
    """As ngspice's Monte Carlo is written; runs have the numbers of ``sweep monte=``."""
    text = "v1 a 0 1\n.param x=aunif(1k, 100)\nr1 a 0 {x}\n"
    answers = results_of(text + ".control\nrun\nrepeat 3\nreset\nrun\nend\n.endc\n.op")
    values = [-1 / float(one.currents[0, 0]) for one in answers.results]
    assert values[0] == pytest.approx(1000)
    assert [one.altered for one in answers.results] == [{}, {"monte": 1}, {"monte": 2}, {"monte": 3}]
    np.testing.assert_allclose(values[2:], ohms(text + ".dc sweep monte=2 firstrun=2"))
    assert any("drawn anew by each reset, with seed 0" in note for note in answers.notes)


@pytest.mark.parametrize(
    "card",
    [
        ".tran 1n 2n sweep monte=3",
        ".tran 1n 2n start=0 uic sweep monte=count firstrun=1",
        ".tran 1n 2n 0 monte=3",
        ".dc v1 1 1 1 monte=3",
        ".dc v1 1 1 1 sweep monte='count'",
        ".dc monte=3",
        ".op sweep monte=3",
    ],
)
def test_monte_behind_each_analysis(card):
    text = f"v1 a 0 1\n.param x=aunif(1k, 100) count=3\nr1 a 0 {{x}}\n{card}"
    (result,) = results_of(text).results
    assert result.sweep[-1][0] == "monte"
    assert result.sweep[-1][1].tolist() == [1, 2, 3]
    values = np.unique((-1 / result.currents[:, 0]).round(9))
    assert len(values) == 3
    assert 1000 in values


def test_a_measure_is_taken_in_each_run():
    text = (
        "v1 a 0 1\n.param x=aunif(1k, 100)\nr1 a b {x}\nr2 b 0 1k\n.dc v1 0 2 1 sweep monte=12\n.meas dc top max v(b)"
    )
    answers = results_of(text)
    (result,) = answers.results
    top = result.measures["top"]
    np.testing.assert_allclose(top, result.voltages[2::3, 1])
    assert json.loads(answers.as_json())["analyses"][0]["measures"]["top"] == top
    assert f"12 runs: mean {np.mean(top):.8e}" in answers.as_table()
    assert answers.as_csv().count("\ntop,") == 12


@pytest.mark.slow
def test_a_control_block_draws_by_functions_of_its_own():
    """ngspice's own Monte Carlo: a function of sgauss, and alter in a loop."""
    block = "define agauss(nom, avar, sig) (nom + avar/sig * sgauss(0))\nlet run = 1\ndowhile run <= 400\n"
    block += "alter r1 = agauss(1k, 300, 3)\nop\nlet run = run + 1\nend"
    text = f"v1 a 0 1\nr1 a 0 1k\n.control\n{block}\n.endc"
    answers = results_of(text)
    values = np.array([-1 / float(one.currents[0, 0]) for one in answers.results])
    assert values.std() == pytest.approx(100, rel=0.16)  # 4.5 standard errors
    np.testing.assert_allclose(values, [one.altered["r1"] for one in answers.results], rtol=1e-12)
    short = text.replace("400", "3")
    np.testing.assert_allclose(values[:3], [one.altered["r1"] for one in results_of(short, 0).results], rtol=1e-12)
    assert abs(values[0] - results_of(short, 1).results[0].altered["r1"]) > 1e-6
    assert any("drawn with seed 0" in note for note in answers.notes)
