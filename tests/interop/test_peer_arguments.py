"""Other simulators' arguments: the circuit is theirs, by their own numbers where they are installed."""

from __future__ import annotations

import numpy as np
import pytest

import xbarsim
from xbarsim.errors import InputError

RNG = np.random.default_rng(11)
OHMS = 10.0 ** RNG.uniform(3, 5, (5, 3))
VOLTS = RNG.uniform(-0.5, 0.5, (5, 2))


def ladder(ohms, word, bit, driver, sense, volts):
    """Plain nodal analysis of one vector: a conductance matrix of all nodes, and the currents into ground."""
    rows, cols = ohms.shape
    n = rows * cols
    A, z = np.zeros((2 * n, 2 * n)), np.zeros(2 * n)
    pairs = []
    for i in range(rows):
        for j in range(cols):
            w, b = i * cols + j, n + i * cols + j
            pairs.append((w, b, ohms[i, j]))
            if j + 1 < cols:
                pairs.append((w, w + 1, word[i][j]))
            if i + 1 < rows:
                pairs.append((b, b + cols, bit))
        A[i * cols, i * cols] += 1 / driver[i]
        z[i * cols] += volts[i] / driver[i]
    for a, b, r in pairs:
        A[[a, b], [a, b]] += 1 / r
        A[[a, b], [b, a]] -= 1 / r
    last = n + (rows - 1) * cols + np.arange(cols)
    A[last, last] += 1 / sense
    return np.linalg.solve(A, z)[last] / sense


@pytest.mark.filterwarnings("ignore::ImportWarning")  # it draws with cairo, which may not be there
@pytest.mark.parametrize("options", [{"r_i": 4.0}, {"r_i_word_line": 2.0, "r_i_bit_line": 7.0}])
def test_badcrossbars_outputs(options):
    badcrossbar = pytest.importorskip("badcrossbar")
    if not hasattr(badcrossbar, "compute"):
        pytest.skip("badcrossbar is installed without what it computes with")
    theirs = badcrossbar.compute(VOLTS, OHMS, **options)
    ours = xbarsim.solve(xbarsim.Crossbar.from_badcrossbar(OHMS, **options), VOLTS.T, fields=True)
    scale = np.abs(theirs.currents.output).max()
    assert np.allclose(ours.currents, theirs.currents.output, rtol=0, atol=1e-10 * scale)
    assert np.allclose(np.moveaxis(ours.word_voltages, 0, -1), theirs.voltages.word_line, rtol=0, atol=1e-10)


def test_badcrossbar_counts_the_first_and_the_last_segment():
    crossbar = xbarsim.Crossbar.from_badcrossbar(OHMS, r_i_word_line=2.0, r_i_bit_line=7.0)
    expected = ladder(OHMS, np.full((5, 2), 2.0), 7.0, np.full(5, 2.0), 7.0, VOLTS[:, 0])
    assert np.allclose(xbarsim.solve(crossbar, VOLTS[:, 0]).currents, expected, rtol=1e-10, atol=0.0)


def test_an_infinite_resistance_is_an_open_cell():
    ohms = OHMS.copy()
    ohms[1, 2] = np.inf
    assert xbarsim.Crossbar.from_badcrossbar(ohms, 0.0).conductance[1, 2] == 0.0


@pytest.mark.parametrize("row_terminal", ["ends", "row-0"])
def test_crosssims_terminal_is_where_it_is_said(row_terminal):
    matrix = RNG.uniform(0.001, 1.0, (3, 5))
    crossbar = xbarsim.Crossbar.from_crosssim(
        matrix, Rmin=2e3, Rp_row=2.0, Rp_col=3.0, Rp_row_terminal=40.0, Rp_col_terminal=5.0, row_terminal=row_terminal
    )
    word, driver = np.full((5, 2), 2.0), np.full(5, 2.0)
    if row_terminal == "ends":
        driver += 40.0
    else:
        word[0] += 40.0
        driver[0] += 40.0
    expected = ladder(2e3 / matrix.T, word, 3.0, driver, 8.0, VOLTS[:, 0])
    assert np.allclose(xbarsim.solve(crossbar, VOLTS[:, 0]).currents, expected, rtol=1e-10, atol=0.0)


def crosssim_core(matrix, **parasitics):
    simulator = pytest.importorskip("simulator")
    if not hasattr(simulator, "AnalogCore"):
        pytest.skip("this simulator is not CrossSim")
    params = simulator.CrossSimParameters()
    params.xbar.device.Rmin, params.xbar.device.Rmax = 1e3, 1e6
    params.simulation.Verr_th_mvm = 1e-7
    for name, value in parasitics.items():
        setattr(params.xbar.array.parasitics, name, value)
    params.xbar.array.parasitics.enable = True
    return simulator.AnalogCore(matrix, params)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "parasitics",
    [
        {"Rp_row": 2.0, "Rp_col": 3.0},
        {"Rp_row": 2.0, "Rp_col": 3.0, "Rp_col_terminal": 20.0},
        {"Rp_row": 2.0, "Rp_col": 3.0, "Rp_row_terminal": 20.0},
    ],
)
def test_crosssims_outputs(parasitics):
    """In CrossSim's single precision; its row terminal as it computes it, not as its name says."""
    core = crosssim_core(RNG.normal(0.0, 1.0, (4, 6)), **parasitics)
    inner = core.cores[0][0]
    x = RNG.uniform(0.0, 1.0, 6)
    plus, minus = (
        xbarsim.solve(
            xbarsim.Crossbar.from_crosssim(half._read_matrix(), Rmin=1e3, **parasitics, row_terminal="row-0"), x
        ).currents
        for half in (inner.core_pos, inner.core_neg)
    )
    ours = (plus - minus) * 1e3 * inner.max / (1.0 - 1e-3)
    theirs = core @ x
    assert np.allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def test_neurosims_cell_has_its_access_in_series():
    g = RNG.uniform(1e-6, 1e-4, (5, 3))
    crossbar = xbarsim.Crossbar.from_neurosim(g, wireResistanceRow=2.0, wireResistanceCol=3.0, resistanceAccess=1.5e4)
    expected = ladder(1 / g + 1.5e4, np.full((5, 2), 2.0), 3.0, np.full(5, 2.0), 3.0, VOLTS[:, 0])
    assert np.allclose(xbarsim.solve(crossbar, VOLTS[:, 0]).currents, expected, rtol=1e-10, atol=0.0)


def test_neurosims_sum_of_resistances_is_that_of_a_single_cell():
    """With one cell conducting, (j + 1) and (rows - i) segments are in series with it."""
    g = np.zeros((5, 3))
    g[1, 2] = 1e-4
    crossbar = xbarsim.Crossbar.from_neurosim(g, wireResistanceRow=7.0, wireResistanceCol=11.0, resistanceAccess=900.0)
    current = xbarsim.solve(crossbar, [0.0, 1.0, 0.0, 0.0, 0.0]).currents[2]
    assert current == pytest.approx(1.0 / (1e4 + 3 * 7.0 + 4 * 11.0 + 900.0), rel=1e-13)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xbarsim.Crossbar.from_badcrossbar(OHMS), "r_i is missing: give it, or both"),
        (lambda: xbarsim.Crossbar.from_badcrossbar(OHMS, r_i_word_line=1.0), "r_i is missing"),
        (lambda: xbarsim.Crossbar.from_badcrossbar(OHMS, 1.0, r_i_bit_line=1.0), "r_i is of both layers"),
        (lambda: xbarsim.Crossbar.from_badcrossbar([[1.0, 0.0]], 1.0), r"resistances\[0, 1\] is 0 ohm"),
        (lambda: xbarsim.Crossbar.from_badcrossbar([1.0], 1.0), r"resistances has shape \(1,\)"),
        (lambda: xbarsim.Crossbar.from_badcrossbar(OHMS, -1.0), "r_i_word_line is -1.0"),
        (lambda: xbarsim.Crossbar.from_badcrossbar(OHMS, [1.0, 2.0]), r"r_i_word_line has shape \(2,\)"),
        (lambda: xbarsim.Crossbar.from_crosssim([1.0]), r"matrix has shape \(1,\)"),
        (lambda: xbarsim.Crossbar.from_crosssim(OHMS, Rmin=0.0), "Rmin is 0 ohm"),
        (lambda: xbarsim.Crossbar.from_crosssim(OHMS, row_terminal="x"), "row_terminal is 'x'"),
        (lambda: xbarsim.Crossbar.from_crosssim(OHMS, Rp_row=np.nan), "Rp_row is nan"),
        (lambda: xbarsim.Crossbar.from_neurosim([[-1.0]], wireResistanceRow=1, wireResistanceCol=1), "conductance"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
