"""Cells of every law inside the circuit: the law holds in each cell, Kirchhoff's laws in each node."""

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, Law, Linear, Selector, Sinh, Table, Transistor, Yakopcic


def quadratic(v, g, k):
    return g * v + k * v * abs(v), g + 2.0 * k * abs(v)


DEVICES = {
    "linear": Linear(),
    "sinh": Sinh(0.25),
    "steep sinh": Sinh(0.02),
    "selector": Selector(1e-8, 0.05),
    "yakopcic": Yakopcic(1e-5, 3e-5, 2.0),
    "table": Table([-1.0, -0.5, -0.1, 0.1, 0.3, 1.0], [-3e-4, -1e-4, -1e-5, 1e-5, 1e-4, 9e-4]),
    "law": Law(quadratic, k=1e-4),
    "transistor": Transistor(1.1, lam=0.05),
}


@pytest.fixture(params=DEVICES, ids=str)
def device(request):
    return DEVICES[request.param]


def crossbar_of(device, rows=5, cols=7, seed=1, **options):
    rng = np.random.default_rng(seed)
    g = 10 ** -rng.uniform(3.0, 6.0, (rows, cols))
    wires = {"word_wire": 2.0, "bit_wire": 3.0, "driver": 1.0, "sense": 1.5}
    return Crossbar(g, **(wires | options), device=device), rng.uniform(-0.6, 0.6, rows)


def test_output_currents_are_the_sums_of_what_the_law_gives(device):
    crossbar, v = crossbar_of(device)
    solution = xbarsim.solve(crossbar, v)
    cells = device.current(crossbar.conductance, solution.word_voltages, solution.bit_voltages)
    np.testing.assert_allclose(cells.sum(axis=0), solution.currents, rtol=1e-9, atol=1e-13 * np.abs(cells).max())
    np.testing.assert_allclose(-cells.sum(axis=1), solution.end_currents["word_left"], rtol=1e-9, atol=1e-18)
    assert solution.residual < 1e-12
    assert solution.method == ("schur" if device == Linear() else "newton")
