import numpy as np
import pytest

from xbarsim import LineEnds, Selector, Sinh, Transistor
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.topologies import COLUMN_SIDES, SourceLineArray, column_admittance, doubled_crossbar, solve_source_lines

ROWS, COLS = 6, 3


def shichman_hodges(drain, source, gate, kp, vto, lam):
    """Current from drain to source, symmetric in both."""
    if drain < source:
        return -shichman_hodges(source, drain, gate, kp, vto, lam)
    over, vds = gate - source - vto, drain - source
    if over <= 0:
        return 0.0
    shape = over * vds - vds**2 / 2 if vds < over else over**2 / 2
    return kp * (1 + lam * vds) * shape


def drawn(rng, device, rows=ROWS, cols=COLS, low=-5.0, high=-3.5):
    ends = {
        "bit_top": LineEnds(rng.uniform(-0.1, 0.1, cols), np.where(rng.random(cols) < 0.5, np.inf, 20.0)),
        "source_bottom": LineEnds(rng.uniform(0.3, 0.5, cols), 15.0),
        "bit_bottom": LineEnds(0.0, rng.uniform(1, 30, cols)),
    }
    array = SourceLineArray(
        10 ** rng.uniform(low, high, (rows, cols)),
        source_wire=rng.uniform(1, 40, (rows - 1, cols)),
        bit_wire=rng.uniform(1, 40, (rows - 1, cols)),
        driver=rng.uniform(1, 30, cols),
        ends=ends,
        device=device,
    )
    return array, rng.uniform(0.3, 0.6, cols)


def law_of(device, gates):
    """Current from bit- to source-line node of the cell in row i and column j, by bisection of its inner node."""
    if isinstance(device, Sinh):
        return lambda g, bit, source, i, j: gates[i] * g * device.v0 * np.sinh((bit - source) / device.v0)
    kp, vto, lam = (np.broadcast_to(getattr(device, name), (ROWS, COLS)) for name in ("kp", "vto", "lam"))

    def current(g, bit, source, i, j):
        low, high = sorted((bit, source))
        for _ in range(200):
            inner = 0.5 * (low + high)
            miss = shichman_hodges(inner, source, gates[i], kp[i, j], vto[i, j], lam[i, j]) - g * (bit - inner)
            low, high = (low, inner) if miss > 0 else (inner, high)
        return g * (bit - 0.5 * (low + high))

    return current


def kirchhoff(array, solution, gates):
    """Largest current that a node misses, of the largest end current: by the laws and node voltages alone."""
    current = law_of(array.device, gates)
    rows, cols = array.shape
    s, b, ends = solution.source_voltages, solution.bit_voltages, solution.end_currents
    missing = 0.0
    for j in range(cols):
        cells = [current(array.conductance[i, j], b[i, j], s[i, j], i, j) for i in range(rows)]
        for nodes, wires, sign, top, bottom in (
            (s, array.source_wire, 1, "source_top", "source_bottom"),
            (b, array.bit_wire, -1, "bit_top", "bit_bottom"),
        ):
            down = (nodes[:-1, j] - nodes[1:, j]) / wires[:, j]
            arriving = np.concatenate([[-ends[top][j]], down]) + sign * np.array(cells)
            missing = max(missing, np.abs(arriving - np.append(down, ends[bottom][j])).max())
    return missing / max(np.abs(ends[side]).max() for side in COLUMN_SIDES)


@pytest.mark.parametrize("lam", [0.0, 0.05])
def test_transistors_obey_their_law_and_kirchhoffs(lam):
    rng = np.random.default_rng(40)
    for _ in range(3):
        array, volts = drawn(rng, Transistor(0.0, rng.uniform(1e-4, 1e-3, (ROWS, COLS)), 0.4, lam))
        gates = rng.uniform(0.3, 2.0, ROWS)
        solution = solve_source_lines(array, gates, volts)
        assert kirchhoff(array, solution, gates) < 1e-11
        assert solution.residual < 1e-11
        assert solution.method == "newton"
        assert 2 <= solution.iterations < 30


def test_sinh_cells_under_patterns():
    rng = np.random.default_rng(41)
    array, volts = drawn(rng, Sinh(v0=0.1))
    gates = rng.integers(0, 2, (4, ROWS))
    batch = solve_source_lines(array, gates, volts, fields=True, threads=2)
    for k in range(4):
        alone = solve_source_lines(array, gates[k], volts)
        assert kirchhoff(array, alone, gates[k]) < 1e-11
        assert np.array_equal(batch.currents[k], alone.currents)
        assert not alone.device_currents[gates[k] == 0].any()
        assert np.array_equal(batch.device_currents[k], alone.device_currents)


def test_weak_signals_are_linear():
    rng = np.random.default_rng(42)
    linear, volts = drawn(rng, None)
    cells = {name: getattr(linear, name) for name in ("source_wire", "bit_wire", "driver")}
    quiet = SourceLineArray(linear.conductance, sense=3.0, device=Sinh(v0=0.3), **cells)
    ohmic = SourceLineArray(linear.conductance, sense=3.0, **cells)
    gates = rng.integers(0, 2, ROWS)
    small = 1e-6 * volts
    assert np.allclose(
        solve_source_lines(quiet, gates, small).currents,
        solve_source_lines(ohmic, gates, small).currents,
        rtol=1e-10,
        atol=0.0,
    )


def test_a_strong_transistor_is_a_switch():
    rng = np.random.default_rng(43)
    linear, volts = drawn(rng, None)
    cells = {name: getattr(linear, name) for name in ("source_wire", "bit_wire", "driver")}
    ohmic = SourceLineArray(linear.conductance, sense=3.0, **cells)
    gates = np.array([1, 0, 1, 1, 0, 1])
    wanted = solve_source_lines(ohmic, gates, volts).currents
    gaps = []
    for kp in (1e2, 1e4):
        switched = SourceLineArray(linear.conductance, sense=3.0, device=Transistor(0.0, kp, 0.5), **cells)
        gaps.append(np.abs(solve_source_lines(switched, 3.0 * gates, volts).currents / wanted - 1).max())
    assert gaps[0] < 1e-4
    assert gaps[1] == pytest.approx(gaps[0] / 100, rel=0.01)


def test_gates_act_and_the_devices_own_do_not():
    rng = np.random.default_rng(44)
    array, volts = drawn(rng, Transistor(0.0))
    low, high = (solve_source_lines(array, np.full(ROWS, gate), volts).currents for gate in (1.0, 1.5))
    assert (np.abs(high - low) > 1e-3 * np.abs(low)).all()
    same = SourceLineArray(
        array.conductance, source_wire=array.source_wire, bit_wire=array.bit_wire, driver=array.driver,
        ends=array.ends, device=Transistor(9.0),
    )  # fmt: skip
    assert np.array_equal(solve_source_lines(same, np.full(ROWS, 1.0), volts).currents, low)
    off = solve_source_lines(array, np.zeros(ROWS), volts)
    assert not off.device_currents.any()


def test_selectors_converge():
    rng = np.random.default_rng(45)
    array, volts = drawn(rng, Selector.sample(rng, (ROWS, COLS)))
    solution = solve_source_lines(array, np.ones(ROWS), volts)
    assert solution.residual < 1e-11


def test_nothing_drives_nothing():
    array = SourceLineArray(np.full((3, 2), 1e-4), source_wire=1.0, bit_wire=1.0, device=Transistor(0.0))
    solution = solve_source_lines(array, np.ones(3), 0.0)
    assert solution.residual == 0.0
    assert not solution.currents.any()


def test_refusals_are_named():
    array, volts = drawn(np.random.default_rng(46), Transistor(0.0))
    with pytest.raises(InputError, match="have no linear map: solve_source_lines"):
        column_admittance(array, np.ones(ROWS))
    with pytest.raises(InputError, match="cannot be cut in two"):
        doubled_crossbar(array, np.ones(ROWS))
    steep, volts = drawn(np.random.default_rng(47), Sinh(v0=1e-3))
    with pytest.raises(ConvergenceError):
        solve_source_lines(steep, np.ones(ROWS), 1e4 * volts)
