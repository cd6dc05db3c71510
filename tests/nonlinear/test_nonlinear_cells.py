"""Crossbars of nonlinear cells, written as netlists and solved as general networks: the kernels' numbers."""

import numpy as np
import pytest

from xbarsim import Crossbar, Selector, Sinh, Table, Transistor, Yakopcic, netlist, solve
from xbarsim.analysis.simulate import simulate

VOLTS = np.linspace(-1, 1, 9)

DEVICES = {
    "sinh": Sinh(0.2),
    "steep sinh": Sinh(0.01),
    "selector": Selector(v0=0.06, i0=1e-9),
    "yakopcic": Yakopcic(a1=1e-4, a2=2e-4, b=3.0),
    "table": Table(VOLTS, 1e-4 * (VOLTS + VOLTS**3), conductance=1e-4),
    "transistor": Transistor(gate=1.5, kp=2e-4, vto=0.5, lam=0.05),
}


@pytest.mark.parametrize("name", DEVICES)
def test_both_ways(name, tmp_path):
    rng = np.random.default_rng(1)
    conductance = 10 ** rng.uniform(-5, -4, (5, 4))
    conductance[2, 1] = 0.0
    crossbar = Crossbar(conductance, word_wire=2.0, bit_wire=3.0, driver=10.0, sense=5.0, device=DEVICES[name])
    volts = rng.uniform(-0.6, 0.9, 5)
    path = tmp_path / "cells.sp"
    netlist.write(crossbar, volts, path)
    # A transistor's junctions leak gmin, which the cell's model has not.
    path.write_text(path.read_text().replace(".end\n", ".options gmin=1e-22\n.end\n"))
    (result,) = simulate(netlist.read(path))
    currents = dict(zip(result.branches, result.currents[0], strict=True))
    expected = solve(crossbar, volts).currents
    got = [currents[f"vbb{j}"] for j in range(4)]
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert result.residual <= 1e-13
