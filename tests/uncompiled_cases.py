"""Circuits for kernels as Python, small enough for that: run as a program it writes their numbers as JSON.

NUMBA_DISABLE_JIT=1 python tests/uncompiled_cases.py numbers.json
"""

import json
import sys
from pathlib import Path

import numpy as np

import xbarsim
from xbarsim import Crossbar, Law, LineEnds, Selector, Sinh, Table, Transistor, Updatable, Yakopcic
from xbarsim.devices import VTEAM, DynamicLaw, IonDrift, Stanford
from xbarsim.kernels import access, many, row_errors
from xbarsim.solvers.adjoint import effective_map
from xbarsim.topologies import SourceLineArray, solve_source_lines


def quadratic(v, g, k):
    """A user's law."""
    return g * v + k * v * abs(v), g + 2.0 * k * abs(v)


def rooted(v, g):
    """One whose slope at 0 V is that right beside."""
    return g * v * np.sqrt(abs(v)), 1.5 * g * abs(v) / np.sqrt(abs(v))


def growing(v, x, k):
    """A user's current of a cell with a state."""
    return k * x * v, k * x, k * v


STATES = {
    "vteam": VTEAM(curve="exponential", window="prodromakis", exponent=2.5),
    "ion drift": IonDrift(window="biolek", exponent=2.0),
    "yakopcic in time": Yakopcic(0.2, 0.1, 3.0),
    "stanford": Stanford(),
    "own state": DynamicLaw(growing, growing, low=0.1, high=0.9, k=1e-3),
}
VOLTS = np.linspace(-1.0, 1.0, 21)
DEVICES = {
    "linear": None,
    "sinh": Sinh(v0=0.25),
    "steep sinh": Sinh(v0=0.01),
    "selector": Selector(i0=1e-7, v0=0.05),
    "transistor": Transistor(gate=1.2, vto=0.4, lam=0.02),
    "transistors that cut off": Transistor(gate=[[0.3], [0.6], [0.9]], vto=0.2),
    "yakopcic": Yakopcic(a1=0.2, a2=0.1, b=3.0),
    "table": Table(VOLTS, np.sinh(3 * VOLTS) * 1e-5, conductance=1e-4),
    "law": Law(quadratic, k=1e-5),
    "rooted law": Law(rooted),
}


def wired(rng, rows, cols, **more):
    """Uneven cells over three decades and wires of ohms; more of the crossbar's arguments."""
    ohms = {"word_wire": rng.uniform(0.5, 2, (rows, cols - 1)), "bit_wire": rng.uniform(0.5, 2, (rows - 1, cols))}
    return Crossbar(10 ** rng.uniform(-6, -3, (rows, cols)), **ohms, **{"driver": 1.0, "sense": 2.0} | more)


def row_distances(rng, planes, squares):
    """Of 4 rows of weights on 3 lines of 5 outputs."""
    costs = np.zeros((4, 3))
    numbers = [rng.normal(size=shape) for shape in ((4, 5), (3, 5), (planes, 3, 5), (planes, 4, 5))]
    row_errors.add_distances(costs, *numbers, squares)
    return costs


def access_cells(rng):
    """Kernel of 1T1R cells with body effect and leaks, at both sides of the memristor and the bulk's two places."""
    shape = (4, 6)
    p = np.stack(
        [
            10 ** rng.uniform(-6, -3, shape), rng.uniform(1e-4, 1e-3, shape), rng.uniform(0, 0.05, shape),
            rng.choice([0.0, 0.4], shape), np.full(shape, 0.65), rng.uniform(0.2, 0.6, shape), np.full(shape, 1e-14),
            np.full(shape, 2e-14), np.full(shape, 0.0259), np.full(shape, 1e-12),
        ],
        axis=-1,
    )  # fmt: skip
    p[0, 0, 0] = 0.0
    low = np.zeros(shape)
    volts = [rng.uniform(-1, 1, shape), low, rng.uniform(-1, 1, shape), low]
    flags = [rng.random(shape) < 0.5, rng.random(shape) < 0.5]
    out = list(np.empty((8, *shape)))
    steepest = access.cells(*volts, p, rng.uniform(0, 3, shape), rng.uniform(-1, 0, shape), *flags, *out)
    return [steepest, *out]


def moving(rng, device):
    """Currents, motions and slopes of cells between their bounds and at them."""
    low, high = device.bounds
    x = low + (high - low) * np.clip(rng.uniform(-0.2, 1.2, (3, 5)), 0.0, 1.0)
    results, cells = np.empty((6, 3, 5)), device.dynamics((3, 5))
    cells.evaluate(rng.uniform(-1.5, 1.5, (3, 5)), x, *results)
    return list(np.arcsinh(results / 1e-9))


def written(rng):
    """Maps and currents of arrays that are written to: some cells, and cells again."""
    array = Updatable(wired(rng, 9, 18))
    array.effective_conductance()
    array.update([0, 3, 8, 8, 5], [17, 4, 0, 1, 9], [0.0, 1e-3, 2e-4, 1e-5, 3e-6])
    first = array.effective_conductance()
    array.update(3, 4, 0.0)
    assert array.refreshed == 1
    return [first, array.port_admittance(), array.solve(rng.uniform(-1, 1, (2, 9))).currents]


def columns(rng, device):
    """Currents of source lines along bit lines, a wire of them broken, under two patterns."""
    wire = rng.uniform(0.5, 2.0, (4, 3))
    wire[2, 1] = np.inf
    array = SourceLineArray(
        10 ** rng.uniform(-6, -3, (5, 3)), source_wire=wire, bit_wire=1.5, driver=1.0, sense=2.0,
        ends={"bit_top": LineEnds(0.05, [3.0, np.inf, 4.0])}, device=device,
    )  # fmt: skip
    gates = np.array([[1.0, 0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0, 0.0]])
    return solve_source_lines(array, gates if device is None else 1.2 * gates, 0.3).currents


def numbers():
    """Return each case's numbers in a row."""
    rng = np.random.default_rng(1)
    cases = {}
    for name, device in DEVICES.items():
        solution = xbarsim.solve(wired(rng, 3, 5, device=device), rng.uniform(-0.5, 0.5, 3))
        cases[name] = [*solution.end_currents.values(), solution.word_voltages, solution.device_currents]
    ends = {"word_right": LineEnds(0.3, [0.0, np.inf, 3.0, 1e9] * 4), "bit_top": LineEnds(0.1, 5.0)}
    for name, device in STATES.items():
        cases[name] = moving(rng, device)
    arrays = {
        "wires": wired(rng, 16, 16),
        "joined leaves": wired(rng, 19, 34, ends={"bit_top": LineEnds(0.1, 5.0)}),
        "four sides": wired(rng, 16, 9, ends=ends),
        "no wires": Crossbar(10 ** rng.uniform(-6, -3, (6, 9)), driver=1.0, ends={"bit_top": LineEnds(0.2, 7.0)}),
        "broken": wired(rng, 5, 5, driver=[np.inf, 1, 1, np.inf, 1], sense=[0, 1, np.inf, 1, np.inf]),
        "hard": Crossbar(10 ** rng.uniform(-6, -3, (34, 31)), word_wire=500.0, bit_wire=500.0, driver=500.0),
        "coarse grid": Crossbar(
            10 ** rng.uniform(-4, -3, (49, 52)), word_wire=30.0, bit_wire=20.0, driver=1.0, sense=1.0
        ),
        "weak": Crossbar(10 ** rng.uniform(-6, -3, (34, 31)), word_wire=1.0, bit_wire=1.0, driver=1e12, sense=1e12),
    }
    for name, crossbar in arrays.items():
        volts = rng.uniform(-1, 1, (2, crossbar.shape[0]))
        for method in ("schur", "kron"):
            solution = xbarsim.solve(crossbar, volts, method=method, fields=True)
            cases[f"{name}, {method}"] = [*solution.end_currents.values(), solution.word_voltages]
        fixed = any(tied.voltage.any() for tied in crossbar.ends.values())
        if not fixed:
            cases[f"{name}, map"] = [xbarsim.effective_conductance(crossbar)]
    cases["gradient"] = [effective_map(wired(rng, 9, 11)).gradient(rng.uniform(-1, 1, (9, 11)))]
    several = xbarsim.effective_maps([wired(rng, 9, 11), wired(rng, 9, 11)])
    cases["maps"] = several.matrices
    cases["gradients"] = several.gradients(rng.uniform(-1, 1, (2, 9, 11)))
    cases["tall map"] = [xbarsim.effective_conductance(wired(rng, 60, 6))]
    cases["written"] = written(rng)
    cases["access cells"] = access_cells(rng)
    ohms = [10 ** rng.uniform(-2, 0, shape) for shape in ((5, 7), (6, 6))]
    cases["many"] = [many.terminal_currents(rng.uniform(1e-6, 1e-3, (70, 5, 6)), *ohms, rng.uniform(0, 1, 22))]
    for planes in (1, 2, 3):
        cases[f"row errors, {planes}"] = [row_distances(rng, planes, squares) for squares in (False, True)]
    for name, device in (("ohmic", None), ("transistor", DEVICES["transistor"])):
        cases[f"source lines, {name}"] = [columns(rng, device)]
    return {name: np.concatenate([np.ravel(part) for part in parts]).tolist() for name, parts in cases.items()}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(numbers()), encoding="utf-8")
