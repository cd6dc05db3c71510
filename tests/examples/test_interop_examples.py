"""Examples of devices, files and other tools: each number is bounded by something else than the example."""

import importlib.util
import math

import numpy as np
import pytest
from example_tools import nodal, rising, run
from scipy.optimize import curve_fit
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu


def solved(g, word_wire, bit_wire, driver, sense, inputs):
    """Return an elimination's output currents, (vectors, cols), and the voltages across cells, of (vectors, rows)."""
    matrix, word, bit = nodal(g, word_wire, bit_wire, driver, sense)
    sources = np.zeros((len(matrix), len(inputs)))
    sources[word[:, 0]] = inputs.T / driver
    volts = splu(csc_matrix(matrix)).solve(sources).T
    return volts[:, bit[-1]] / sense, volts[:, word] - volts[:, bit]


@pytest.mark.slow
def test_best_law(tmp_path):
    """The law is implicit in the current: bisection and scipy's fit have it too, and the truth is near."""
    v0, names = run("best_law", tmp_path)
    _, volts, milliamperes = np.loadtxt(names["measurement"](tmp_path / "cell.csv"), delimiter=",", skiprows=2).T
    steps = np.unique(volts[volts != 0.0])
    amperes = np.array([1e-3 * milliamperes[volts == step].mean() for step in steps])

    def current(volts, ohms, i0, scale):
        return np.sign(volts) * rising(
            lambda i: ohms * i + scale * math.asinh(i / i0) - abs(volts), 0.0, abs(volts) / ohms
        )

    def law(voltages, *parameters):
        return [current(volts, *parameters) for volts in voltages]

    start = 1.0 / names["CELL"], names["I0"], names["V0"]
    values, covariance = curve_fit(law, steps, amperes, start, np.abs(amperes), x_scale=start, method="trf")
    assert v0 == pytest.approx(values[2], rel=1e-4)
    assert v0 == pytest.approx(names["V0"], abs=3.0 * np.sqrt(covariance[2, 2]))


@pytest.mark.slow
def test_own_law(tmp_path):
    """At the solution cells are ohmic ones of their chords: an elimination with the chords that it leads to itself."""
    times, names = run("own_law", tmp_path)
    g, inputs = names["CELLS"], np.full((1, 24), 0.5)
    chords = g
    for _ in range(20):
        currents, across = solved(chords, 2.0, 2.0, 100.0, 100.0, inputs)
        chords = g * np.exp(np.sqrt(across[0]) / names["S"])
    ohmic, _ = solved(g, 2.0, 2.0, 100.0, 100.0, inputs)
    assert times == pytest.approx(currents.sum() / ohmic.sum(), rel=1e-9)
    right, wrong = (names["slope_error"](array.device) for array in names["ARRAYS"])
    # A central difference of step h is right to h^2 f''' / 6 f', some 1e-9 at 0.05 V; the slip leaves out a half root.
    root = np.sqrt(0.6) / names["S"]
    assert right < 1e-8 < wrong == pytest.approx(0.5 * root / (1.0 + 0.5 * root), rel=1e-6)


@pytest.mark.slow
def test_other_simulators(tmp_path):
    """An elimination has the circuit's loss; rounding alone is between the descriptions."""
    times, names = run("other_simulators", tmp_path)
    ohms, wire, inputs = names["OHMS"], names["WIRE"], names["INPUTS"]
    exact, _ = solved(1.0 / ohms, wire, wire, wire, wire, inputs[None])
    rows, cols = ohms.shape
    i, j = np.indices(ohms.shape)
    summed = (inputs[:, None] / (ohms + wire * (j + 1) + wire * (rows - i))).sum(axis=0)
    ideal = inputs @ (1.0 / ohms)
    assert times == pytest.approx((ideal - exact).sum() / (ideal - summed).sum(), rel=1e-8)
    assert names["apart"]() < 2 * rows * cols * np.finfo(float).eps


@pytest.mark.slow
def test_fault_files(tmp_path):
    """A stuck cell has its state's conductance whatever was asked for; an elimination has the outputs."""
    error, names = run("fault_files", tmp_path)
    rng = np.random.default_rng(2)
    cells = rng.uniform(0.5e-6, 50e-6, names["SHAPE"])
    inputs = rng.uniform(0.0, 0.2, (20, len(cells)))
    faulty = cells.copy()
    lines = names["tester"](tmp_path / "list.csv").read_text().splitlines()[1:]
    for i, j, state in (line.split(",") for line in lines):
        faulty[int(i), int(j)] = {"lrs": 50e-6, "hrs": 0.5e-6}[state]
    wire, end = names["WIRE"], names["END"]
    for state, rate in ((50e-6, 0.0175), (0.5e-6, 0.0904)):
        # Each cell is stuck by its own chance: four standard errors of a count.
        count = np.count_nonzero((faulty == state) & (cells != state))
        assert count == pytest.approx(rate * cells.size, abs=4.0 * math.sqrt(rate * cells.size))
    sound, off = (solved(g, wire, wire, end, end, inputs)[0] for g in (cells, faulty))
    assert error == pytest.approx(np.linalg.norm(off - sound) / np.linalg.norm(sound), rel=1e-9)
    for ending, library in ((".h5", "h5py"), (".safetensors", "safetensors")):
        if importlib.util.find_spec(library):
            assert ending in names["sizes"](names["chip"](tmp_path), tmp_path)


@pytest.mark.slow
def test_array_operator(tmp_path):
    """Unit voltages eliminated one by one are the map, whose inverse numpy has; gmres stops at 1e-12 of the currents.

    The condition is that by which an error of the currents comes back at most.
    """
    more, names = run("array_operator", tmp_path)
    g, inputs = names["CELLS"], names["INPUTS"]
    wire, end = names["WIRE"], names["END"]
    exact = solved(g, wire, wire, end, end, np.eye(len(g)))[0].T
    condition = np.linalg.cond(exact)
    assert names["condition"](names["EXACT"]) == pytest.approx(condition, rel=1e-8)
    voltages = np.linalg.solve(exact, inputs @ g)
    bound = 10.0 * 1e-12 * condition * np.linalg.norm(voltages) * math.sqrt(len(g)) / inputs.sum()
    assert more == pytest.approx(voltages.sum() / inputs.sum() - 1.0, abs=bound)
    assert names["EXACT"].rmatvec(inputs) == pytest.approx(exact.T @ inputs, rel=1e-10)


@pytest.mark.slow
def test_signed_products(tmp_path):
    """Eliminations of each tile's two arrays make the matrix again; numpy rounds the rest of the way."""
    bits, names = run("signed_products", tmp_path)
    core, vectors, ideal = names["CHIPS"]["wires and variation"], names["VECTORS"], names["IDEAL"]
    unit = np.abs(names["MATRIX"]).max() / (1.0 / 20e3 - 1.0 / 2e6)
    effective = np.zeros(core.shape)
    for pair in core.pairs:
        maps = [
            solved(array.conductance, 3.0, 3.0, 50.0, 50.0, np.eye(24))[0] for array in (pair.positive, pair.negative)
        ]
        effective[pair.row : pair.row + 24, pair.col : pair.col + 24] = unit * (maps[0] - maps[1])

    def error(count):
        steps = 2 ** (count - 1) - 1
        inputs = np.rint(vectors / np.abs(vectors).max() * steps) / steps * np.abs(vectors).max()
        outputs = inputs @ effective
        outputs = np.rint(outputs / np.abs(outputs).max() * steps)
        return np.sqrt(1.0 - np.vdot(outputs, ideal) ** 2 / np.vdot(outputs, outputs) / np.vdot(ideal, ideal))

    chip = error(40)
    assert 0.02 < chip < 0.05
    assert error(bits) <= 1.1 * chip < error(bits - 1)
    assert names["product_error"](core, 6) == pytest.approx(error(6), rel=1e-6)


@pytest.mark.slow
def test_batch_tables(tmp_path):
    """An elimination has the power in cells and what sources deliver, from the first nodes of rows that are driven."""
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    lost, names = run("batch_tables", tmp_path)
    g, inputs, end, wire = names["CELLS"], names["INPUTS"], names["END"], names["WIRE"]
    _, across = solved(g, wire, wire, end, end, inputs)
    rows = (g * across).sum(axis=2)
    shares = 1.0 - (g * across**2).sum(axis=(1, 2)) / (rows * inputs).sum(axis=1)
    assert (inputs > 0.0).sum(axis=1).tolist() == names["DRIVEN"].tolist()
    table = names["powers"](names["batch"]())
    assert table.lost.to_numpy() == pytest.approx(shares, rel=1e-8)
    assert lost == table.lost.iloc[-1]
    volts = names["cell_volts"](names["batch"]())
    assert volts.iloc[0, 0] == pytest.approx(across[0][::8, :6].mean(), rel=1e-9)
    assert volts.iloc[-1, -1] == pytest.approx(across[-1][:, -6:].mean(), rel=1e-9)


@pytest.mark.slow
def test_months_later(tmp_path):
    """The law by hand, cell by cell, and an elimination at each end of the year."""
    percent, names = run("months_later", tmp_path)
    currents = [
        solved(names["TARGETS"] * times ** -names["CHIP"].maps().nu, 1.0, 1.0, 50.0, 50.0, names["INPUTS"])[0]
        for times in (1.0, names["YEAR"] / 60.0)
    ]
    gap = currents[1] * currents[0].sum() / currents[1].sum() - currents[0]
    assert percent == pytest.approx(100.0 * np.linalg.norm(gap) / np.linalg.norm(currents[0]), rel=1e-8)
    nu = names["CHIP"].maps().nu
    # 1152 exponents: their mean and deviation are within four standard errors of what was asked for.
    assert nu.mean() == pytest.approx(0.03, abs=4.0 * 0.015 / math.sqrt(nu.size))
    assert nu.std() == pytest.approx(0.015, abs=4.0 * 0.015 / math.sqrt(2.0 * nu.size))
