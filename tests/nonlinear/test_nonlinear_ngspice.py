"""Nonlinear circuits against ngspice's answers, stored and fresh."""

import numpy as np
import pytest
from netlist_tools import needs_ngspice
from nonlinear_tools import netlists, ngspice, ours, stored

CLOSE = 1e-9
"""ngspice with reltol=1e-10 stops some 1e-11 of the largest short of the solution."""

ELSEWHERE = {"i(h9)"}
"""ngspice has another element in place of a POLY."""


def assert_close(mine, theirs):
    """All of our quantities that ngspice has, relative to the largest of their kind."""
    for kind in "vi":
        names = [name for name in mine if name[0] == kind and name in theirs]
        largest = max(np.abs(theirs[name]).max() for name in names)
        for name in names:
            gap = np.abs(mine[name] - theirs[name]).max()
            assert gap <= CLOSE * largest, (name, mine[name], theirs[name])
    assert {name for name in mine if name not in theirs} <= ELSEWHERE


@pytest.mark.parametrize("netlist", netlists(), ids=lambda path: path.stem)
def test_stored_answers(netlist):
    mine, residual = ours(netlist)
    assert_close(mine, stored(netlist))
    assert residual <= 1e-12


@needs_ngspice
@pytest.mark.parametrize("netlist", netlists(), ids=lambda path: path.stem)
def test_answers_of_the_installed_ngspice(netlist):
    mine, _ = ours(netlist)
    assert_close(mine, ngspice(netlist))
