"""Newton's method against the nodal equations in 100 digits, whose laws are written a second time."""

import mp_newton
import numpy as np
import pytest
from mp_reference import floats
from newton_tools import DEVICES, rough, uneven, wired
from problems import OPEN, SIDES

import xbarsim
from xbarsim import Crossbar, LineEnds, Selector, Sinh, Table, Transistor
from xbarsim.errors import ConvergenceError, SolveError

# Measured over 1400 circuits: end currents within 5e-13 of the largest cell's, where no cell carries kiloamperes.
# A cell's voltage is right to some roundings of the largest, and v / v0 = 50 of them is e-fold growth's share.
RELATIVE = 2e-12
# An end's current is a difference of cells' currents; in ``wired`` circuits it cancels a hundredfold at most.
COMPONENT = 1e-10


def close_to_reference(crossbar, voltages, *, component=None, volts=None, relative=RELATIVE, **options):
    exact = mp_newton.solve(crossbar, voltages)
    solution = xbarsim.solve(crossbar, voltages, **options)
    largest = float(max(abs(exact.device_currents).max(), max(abs(exact.end_currents[side]).max() for side in SIDES)))
    for side in SIDES:
        known = exact.end_currents[side].astype(float)
        np.testing.assert_allclose(
            solution.end_currents[side], known, rtol=0, atol=relative * largest, err_msg=side, equal_nan=False
        )
        if component:
            np.testing.assert_allclose(solution.end_currents[side], known, rtol=component, atol=0, err_msg=side)
    np.testing.assert_allclose(
        solution.device_currents, exact.device_currents.astype(float), rtol=0, atol=relative * largest
    )
    for layer in ("word_voltages", "bit_voltages"):
        known, ours = floats(getattr(exact, layer)), getattr(solution, layer)
        seen = np.isfinite(known)
        if volts:
            np.testing.assert_allclose(ours[seen], known[seen], rtol=0, atol=volts, err_msg=layer)
        assert np.isfinite(ours[seen]).all()
    assert solution.residual < 1e-9
    return solution, exact


@pytest.mark.parametrize("four_sides", [False, True])
@pytest.mark.parametrize("shape", [(4, 5), (3, 2), (1, 4), (4, 1), (1, 1)], ids=str)
@pytest.mark.parametrize("name", DEVICES)
def test_every_device(name, shape, four_sides):
    """Any difference at all in any field: a law, its sign, an end, rows for columns."""
    crossbar, volts = wired(DEVICES[name], *shape, four_sides=four_sides)
    close_to_reference(crossbar, volts, component=COMPONENT, volts=1e-12, method="newton")


@pytest.mark.parametrize("name", [name for name in DEVICES if name not in ("linear", "table")])
def test_a_parameter_for_each_cell(name):
    """Parameters that go to another cell, such as the transposed one."""
    rng = np.random.default_rng(5)
    for shape in ((4, 3), (4, 1), (3,)):
        crossbar, volts = wired(uneven(name, rng, shape), 4, 3)
        close_to_reference(crossbar, volts, component=COMPONENT, volts=1e-12)


BIASES = {
    "half select": {"ends": {"bit_bottom": LineEnds([0.5, 0.5, 0.0, 0.5, 0.5], 2.0)}},
    "thirds": {"ends": {"bit_bottom": LineEnds([2 / 3, 2 / 3, 0.0, 2 / 3, 2 / 3], 2.0)}},
    "floating lines": {"driver": [1.0, OPEN, OPEN, 2.0], "sense": [OPEN, 2.0, 3.0, OPEN, 1.0]},
    "both sides": {"driver": 1.0, "sense": 2.0, "ends": {"word_right": LineEnds([0.9, 0.4, 0.5, 0.3], 3.0)}},
    "read at the top": {"sense": OPEN, "ends": {"bit_top": LineEnds(0.1, 5.0)}},
    "no ohm at all": {"word_wire": 0.0, "bit_wire": 0.0},
    "ideal word lines": {"word_wire": 0.0, "driver": 0.0, "sense": 7.0},
    "broken wires": {
        "word_wire": [[2.0, OPEN, 3.0, 1.0], [1.0] * 4, [OPEN, 2.0, 2.0, OPEN], [1.0] * 4],
        "bit_wire": [[1.0, OPEN, 2.0, 3.0, 4.0], [2.0] * 5, [OPEN, 1.0, 1.0, 1.0, 1.0]],
        "driver": 1.0,
        "sense": 2.0,
    },
}


@pytest.mark.parametrize(
    ("name", "bias"),
    [(name, bias) for name in DEVICES if name not in ("linear", "steep sinh") for bias in BIASES],
)
def test_boundaries(name, bias):
    """A side that is left out, and lines that only their cells hold."""
    g = 10 ** np.random.default_rng(9).uniform(-6, -4, (4, 5))
    g[1, 2] = g[3, 0] = 0.0
    crossbar = Crossbar(g, **({"word_wire": 3.0, "bit_wire": 2.0} | BIASES[bias]), device=DEVICES[name])
    close_to_reference(crossbar, [1.0, 0.5, 0.45, 0.55], volts=1e-8)


@pytest.mark.parametrize("name", [name for name in DEVICES if name != "table"])
def test_any_circuit(name):
    """Never a wrong number, whatever is shorted, broken, open or floating; a refusal is no number."""
    solved = 0
    for seed in range(10):
        crossbar, volts = rough(name, seed)
        try:
            close_to_reference(crossbar, volts, volts=1e-7, method="newton")
        except ConvergenceError:
            continue
        except ValueError:  # 0 ohm joins two sources
            with pytest.raises(SolveError, match="joined by 0 ohm"):
                xbarsim.solve(crossbar, volts, method="newton")
            continue
        solved += 1
    assert solved >= 5


@pytest.mark.parametrize("gate", [-1.0, 0.45, 0.6, 0.8, 1.5, 5.0])
@pytest.mark.parametrize("lam", [0.0, 0.1])
@pytest.mark.parametrize("scale", [1.0, 5.0, -1.0, -5.0])
def test_transistors_of_every_region(gate, lam, scale):
    """Cut off, saturated, ohmic and turned round, next to rows that are off: a branch of the law or of its slopes."""
    volts = scale * np.array([0.9, 0.3, 0.6, 0.1])
    rows = np.array([[gate], [gate - 0.2], [-10.0], [gate + 0.3]])
    for device in (Transistor(gate, 2e-4, 0.5, lam), Transistor(rows, 2e-4, 0.5, lam)):
        crossbar, _ = wired(device)
        close_to_reference(crossbar, volts, volts=1e-11)


def test_threshold():
    """A gate at the threshold to a rounding: a square of what is left, or nothing."""
    for gate in (0.5, 0.5 + 1e-9, 0.5 - 1e-9):
        crossbar, volts = wired(Transistor(gate))
        # The current is a square of 1e-9 V, itself a difference of volts that are right to 1e-16.
        close_to_reference(crossbar, np.abs(volts), volts=1e-12, relative=4 * 1e-16 / 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("v0", [0.02, 0.005, 0.001])
def test_steep_cells_behind_wires(v0):
    """Steepness, at 1 V: what the linearisation leaves is largest here."""
    for seed in range(2):
        for device in (Sinh(v0), Selector(1e-9, v0)):
            crossbar, volts = wired(device, 2, 3, seed)
            close_to_reference(crossbar, volts, component=1e-9)


@pytest.mark.filterwarnings("ignore::xbarsim.errors.ExtrapolationWarning")
def test_curve_between_points():
    """A table's cubic, its knots and its tails, each side of 0 V; ten points that no formula gave."""
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(-0.8, 0.8, 10))
    current = np.sign(x) * np.abs(x) ** rng.uniform(1.0, 2.0) * 1e-4
    table = Table(x, current, 2e-4)
    crossbar, volts = wired(table)
    close_to_reference(crossbar, volts, component=COMPONENT, volts=1e-12)
