"""A user's file is checked with ``mypy --strict``: every public call has its types, and wrong ones are seen."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli_tools import ROOT

USE = """
import numpy as np
import xbarsim
from xbarsim.interop import MatrixCore, linear_operator
from xbarsim.margin import Technology, margin, to_pandas
from xbarsim.measured import fit, read_iv
from xbarsim.netlist import read
from xbarsim.nonideal import Chip, Faults, Nonidealities

crossbar = xbarsim.Crossbar(np.full((3, 2), 1e-4), word_wire=1.0)
solution = xbarsim.solve(crossbar, [0.1, 0.2, 0.3])
largest: float = float(np.max(solution.currents))
solution.to_pandas("cells")
solution.plot("device_currents")
solved = read("a.sp").solve()
kinds: list[str] = [analysis.kind for analysis in solved]
volts = solved.voltage("out")
core = MatrixCore([[1.0, -1.0]], word_wire=1.0)
product = np.ones(1) @ core
rows: tuple[int, int] = core.T.shape
linear_operator(crossbar)
chip = Chip(Nonidealities(faults=Faults(rate=0.1)), 1, (3, 2))
chip.to_xarray()
law = fit(read_iv("a.csv"), "sinh", {"v0": 0.2})
errors: dict[str, float] = law.errors
odd: list[str] = crossbar.remarks()
xbarsim.Crossbar.from_badcrossbar([[1e3]], 1.0)
to_pandas(margin(Technology(r_on=1e4, r_off=1e6), 4, "third"))
"""


def check(path):
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_users_file_is_typed_throughout(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(USE)
    done = check(tmp_path / "use.py")
    assert (done.returncode, done.stdout) == (0, "")
    wrong = 'solution.to_pandas("cell")\ncrossbar.plot(scale="ln")\nsolved.voltage(3)\n'
    (tmp_path / "wrong.py").write_text(USE + wrong)
    lines = check(tmp_path / "wrong.py").stdout.splitlines()
    assert sum("error:" in line for line in lines) == 3, lines
