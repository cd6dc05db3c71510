import mpmath
import numpy as np
import pytest
from topology_reference import solve_column

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.topologies import (
    COLUMN_SIDES,
    SourceLineArray,
    column_admittance,
    column_conductance,
    doubled_crossbar,
    solve_source_lines,
)
from xbarsim.topologies.column_ladders import LadderSpace
from xbarsim.topologies.column_layout import ColumnLayout

ROWS, COLS = 7, 4


def drawn(rng, rows=ROWS, cols=COLS, low=-6.0, high=-3.0, wires=(-1.0, 1.0), ends=(-1.0, 2.0)):
    """An unsymmetric array with every end tied, and its source_top voltages."""

    def ohms(bounds, shape):
        return 10 ** rng.uniform(*bounds, shape)

    tied = {
        "bit_top": LineEnds(rng.uniform(-0.2, 0.2, cols), ohms(ends, cols)),
        "source_bottom": LineEnds(rng.uniform(0.1, 0.5, cols), ohms(ends, cols)),
        "bit_bottom": LineEnds(rng.uniform(-0.1, 0.1, cols), ohms(ends, cols)),
    }
    array = SourceLineArray(
        10 ** rng.uniform(low, high, (rows, cols)),
        source_wire=ohms(wires, (rows - 1, cols)),
        bit_wire=ohms(wires, (rows - 1, cols)),
        driver=ohms(ends, cols),
        access=rng.uniform(0, 3e3, (rows, cols)),
        ends=tied,
    )
    return array, rng.uniform(0.2, 1.0, cols)


def reference(array, gates, volts):
    """End currents by side, and source- and bit-line voltages, column by column in 150 digits."""
    rows, cols = array.shape
    currents = {side: np.empty(cols, dtype=object) for side in COLUMN_SIDES}
    source, bit = np.empty((2, rows, cols), dtype=object)
    for j in range(cols):
        cells = [
            mpmath.mpf(float(on)) / (1 / mpmath.mpf(float(g)) + mpmath.mpf(float(r))) if g else 0.0
            for g, r, on in zip(array.conductance[:, j], array.access[:, j], gates, strict=True)
        ]
        ends = [(array.boundary[side].voltage[j], array.boundary[side].resistance[j]) for side in COLUMN_SIDES]
        ends[0] = (volts[j], ends[0][1])
        out, source[:, j], bit[:, j] = solve_column(cells, array.source_wire[:, j], array.bit_wire[:, j], ends)
        for side, amperes in zip(COLUMN_SIDES, out, strict=True):
            currents[side][j] = amperes
    return currents, source, bit


def errors(array, gates, volts):
    """The end currents' worst error, of the largest in its column, and the node voltages'."""
    solution = solve_source_lines(array, gates, volts)
    currents, source, bit = reference(array, gates, volts)
    gap = np.array([[abs(solution.end_currents[s][j] - currents[s][j]) for s in COLUMN_SIDES] for j in range(COLS)])
    scale = np.array([max(abs(currents[s][j]) for s in COLUMN_SIDES) for j in range(COLS)])
    nodes = max(np.abs(solution.source_voltages - source).max(), np.abs(solution.bit_voltages - bit).max())
    return float((gap.max(axis=1) / scale).max()), float(nodes), solution.residual


def test_currents_and_voltages_are_those_of_nodal_analysis():
    rng = np.random.default_rng(5)
    for _ in range(4):
        array, volts = drawn(rng)
        current, node, residual = errors(array, rng.integers(0, 2, ROWS), volts)
        assert current < 2e-14
        assert node < 1e-15
        assert residual < 1e-13


@pytest.mark.parametrize("wires", [(-12, -9), (-12, 3), (3, 6), (6, 9)])
def test_wires_of_any_size_keep_all_digits(wires):
    rng = np.random.default_rng(6)
    array, volts = drawn(rng, low=-9, high=-1, wires=wires, ends=wires)
    current, _, residual = errors(array, np.ones(ROWS), volts)
    assert current < 2e-14
    assert residual < 1e-12


@pytest.mark.slow
def test_any_mix_of_zero_weak_and_open_ends():
    # Zeros between wires and at ends, ends to 1e13 ohm, open cells: right to the last digits, and the evidence says so.
    rng = np.random.default_rng(17)

    def ohms(low, high, shape, zero, opened=0.0):
        values = 10 ** rng.uniform(low, high, shape)
        values[rng.random(shape) < zero] = 0.0
        values[rng.random(shape) < opened] = np.inf
        return values

    solved = 0
    for _ in range(60):
        rows = int(rng.integers(1, 7))
        siemens = 10 ** rng.uniform(-9, -1, (rows, COLS)) * (rng.random((rows, COLS)) < 0.9)
        array = SourceLineArray(
            siemens,
            source_wire=ohms(-6, 4, (rows - 1, COLS), 0.2),
            bit_wire=ohms(-6, 4, (rows - 1, COLS), 0.2),
            driver=ohms(-3, 13, COLS, 0.2),
            ends={
                "bit_top": LineEnds(rng.uniform(-1, 1, COLS), ohms(-3, 13, COLS, 0.1, 0.3)),
                "source_bottom": LineEnds(rng.uniform(-1, 1, COLS), ohms(-3, 13, COLS, 0.1, 0.3)),
                "bit_bottom": LineEnds(0.0, ohms(-3, 13, COLS, 0.2)),
            },
        )
        volts = rng.uniform(-1, 1, COLS)
        if ColumnLayout.of(array).joined.any():
            with pytest.raises(SolveError, match="joined by 0 ohm"):
                solve_source_lines(array, np.ones(rows), volts)
            continue
        solved += 1
        solution = solve_source_lines(array, np.ones(rows), volts)
        exact, _, _ = reference(array, np.ones(rows), volts)
        gap = max(np.abs(solution.end_currents[side] - exact[side]).max() for side in COLUMN_SIDES)
        assert gap < 5e-15 * max(np.abs(exact[side]).max() for side in COLUMN_SIDES)
        assert solution.residual < 1e-13
    assert solved > 40


def test_one_divider():
    # 3 V over 100 + 1/0.005 + 400 + 300 ohm: 3 mA.
    array = SourceLineArray([[0.005]], driver=100.0, access=400.0, sense=300.0)
    solution = solve_source_lines(array, [1], 3.0)
    assert solution.currents == pytest.approx([3e-3], rel=1e-15)
    assert solution.end_currents["source_top"] == pytest.approx([-3e-3], rel=1e-15)
    assert solution.source_voltages == pytest.approx(np.array([[2.7]]), rel=1e-15)
    assert solution.bit_voltages == pytest.approx(np.array([[0.9]]), rel=1e-15)
    assert solution.power == pytest.approx(9e-3, rel=1e-15)
    assert solution.method == "ladder"


def test_ideal_wires_multiply_gates_by_conductances():
    rng = np.random.default_rng(7)
    g = rng.uniform(1e-6, 1e-3, (5, 3))
    gates = rng.integers(0, 2, (8, 5))
    solution = solve_source_lines(SourceLineArray(g), gates, 0.2)
    assert np.allclose(solution.currents, 0.2 * gates @ g, rtol=1e-14, atol=0)


def test_zero_ohm_is_the_limit_of_small_wires():
    rng = np.random.default_rng(8)
    g = rng.uniform(1e-5, 1e-3, (6, 3))
    circuit = {"driver": 2.0, "sense": [1.0, 3.0, 0.5]}
    exact = solve_source_lines(SourceLineArray(g, **circuit), np.ones(6), 0.3).currents
    gaps = [
        np.abs(solve_source_lines(SourceLineArray(g, source_wire=r, bit_wire=r, **circuit), np.ones(6), 0.3).currents
               - exact).max()
        for r in (1e-3, 1e-5)
    ]  # fmt: skip
    assert gaps[1] == pytest.approx(gaps[0] / 100, rel=0.02)


def test_equals_its_doubled_crossbar():
    rng = np.random.default_rng(9)
    array, volts = drawn(rng)
    gates = rng.integers(0, 2, ROWS)
    solution = solve_source_lines(array, gates, volts)
    left = np.stack([volts, array.boundary["bit_top"].voltage], axis=1).ravel()
    crossbar = doubled_crossbar(array, gates)
    assert crossbar.shape == (2 * COLS, ROWS)
    other = xbarsim.solve(crossbar, left, method="kron")
    for k, side in enumerate(COLUMN_SIDES):
        ends = other.end_currents["word_left" if k < 2 else "word_right"][k % 2 :: 2]
        assert np.allclose(solution.end_currents[side], ends, rtol=1e-12, atol=1e-18)
    assert np.allclose(solution.source_voltages.T, other.word_voltages[::2], rtol=1e-13, atol=0)
    assert np.allclose(solution.bit_voltages.T, other.word_voltages[1::2], rtol=0, atol=1e-15)


def test_one_row_at_a_time_has_no_other_rows_current():
    rng = np.random.default_rng(10)
    array, volts = drawn(rng)
    quiet = SourceLineArray(array.conductance, source_wire=1.0, bit_wire=2.0, driver=3.0, sense=4.0)
    solution = solve_source_lines(quiet, np.eye(ROWS)[2], volts)
    # One loop: source and bit wires above and below row 2, its cell and the ends.
    ohms = 3.0 + 2 * 1.0 + 1.0 / quiet.conductance[2] + (ROWS - 3) * 2.0 + 4.0
    assert np.allclose(solution.currents, volts / ohms, rtol=1e-13, atol=0.0)


def test_kirchhoff_and_energy():
    array, volts = drawn(np.random.default_rng(11))
    solution = solve_source_lines(array, np.ones(ROWS), volts)
    ends = solution.end_currents
    cells = solution.device_currents.sum(axis=0)
    scale = max(np.abs(ends[side]).max() for side in COLUMN_SIDES)
    assert np.abs(ends["source_top"] + ends["source_bottom"] + cells).max() < 1e-13 * scale
    assert np.abs(ends["bit_top"] + ends["bit_bottom"] - cells).max() < 1e-13 * scale
    heat = (solution.device_voltages * solution.device_currents).sum()
    for side, tied in array.boundary.items():
        heat += (tied.resistance * ends[side] ** 2).sum()
    for nodes, ohms in ((solution.source_voltages, array.source_wire), (solution.bit_voltages, array.bit_wire)):
        heat += (np.diff(nodes, axis=0) ** 2 / ohms).sum()
    assert solution.power == pytest.approx(heat, rel=1e-11)


def test_superposition_in_voltages_and_none_in_gates():
    rng = np.random.default_rng(12)
    g = rng.uniform(1e-4, 1e-3, (ROWS, COLS))
    array = SourceLineArray(g, source_wire=5.0, bit_wire=3.0, driver=1.0, sense=2.0)
    a, b = rng.uniform(0, 1, (2, COLS))
    gates = np.ones(ROWS)
    both = solve_source_lines(array, gates, np.stack([a, b, 2 * a - b])).currents
    assert np.allclose(both[2], 2 * both[0] - both[1], rtol=1e-12, atol=0.0)
    alone = solve_source_lines(array, np.eye(ROWS), 0.5).currents.sum(axis=0)
    together = solve_source_lines(array, gates, 0.5).currents
    assert (alone > 1.01 * together).all()


def test_batches_are_their_patterns():
    rng = np.random.default_rng(13)
    array, _ = drawn(rng)
    gates, volts = rng.integers(0, 2, (5, ROWS)), rng.uniform(0.1, 1, (5, COLS))
    batch = solve_source_lines(array, gates, volts, fields=True, threads=2)
    for k in range(5):
        alone = solve_source_lines(array, gates[k], volts[k])
        for side in COLUMN_SIDES:
            assert np.array_equal(batch.end_currents[side][k], alone.end_currents[side])
        assert np.array_equal(batch.bit_voltages[k], alone.bit_voltages)
        assert batch.power[k] == alone.power
    shared = solve_source_lines(array, gates, volts[0])
    assert np.array_equal(shared.currents[0], batch.currents[0])
    with pytest.raises(InputError, match="fields=True"):
        _ = shared.bit_voltages


def test_admittance_is_the_map():
    rng = np.random.default_rng(14)
    array, volts = drawn(rng)
    gates = rng.integers(0, 2, (3, ROWS))
    y = column_admittance(array, gates)
    assert y.shape == (3, COLS, 4, 4)
    assert np.array_equal(y, y.swapaxes(-1, -2))
    off = y.copy()
    off[..., range(4), range(4)] = 0.0
    assert (off <= 0).all()
    sources = np.stack([volts, *(array.boundary[side].voltage for side in COLUMN_SIDES[1:])], axis=-1)
    currents = -np.einsum("kjab,jb->kja", y, sources)
    solution = solve_source_lines(array, gates, volts)
    for end, side in enumerate(COLUMN_SIDES):
        assert np.allclose(currents[..., end], solution.end_currents[side], rtol=1e-9, atol=1e-15)
    plain = SourceLineArray(array.conductance, source_wire=1.0, bit_wire=2.0, driver=1.0, sense=0.0)
    conductance = column_conductance(plain, gates)
    assert np.allclose(conductance * volts, solve_source_lines(plain, gates, volts).currents, rtol=1e-14, atol=0.0)


def test_sources_joined_by_zero_ohm_share_their_current():
    g = np.array([[1e-3, 2e-3], [3e-3, 4e-3]])
    ends = {"source_bottom": LineEnds(0.5, 0.0), "bit_top": LineEnds(0.0, 0.0)}
    array = SourceLineArray(g, ends=ends)
    solution = solve_source_lines(array, [1, 1], 0.5)
    whole = 0.5 * g.sum(axis=0)
    for side, sign in (("source_top", -1), ("source_bottom", -1), ("bit_top", 1), ("bit_bottom", 1)):
        assert np.allclose(solution.end_currents[side], 0.5 * sign * whole, rtol=1e-14, atol=0.0)
    assert np.allclose(column_conductance(array, [1, 1]), 0.5 * g.sum(axis=0), rtol=1e-14, atol=0.0)
    with pytest.raises(SolveError, match=r"source_top\[0\] and source_bottom\[0\] are joined by 0 ohm but hold 0.4 V"):
        solve_source_lines(array, [1, 1], 0.4)
    with pytest.raises(SolveError, match=r"0 ohm joins the ends source_top\[0\]"):
        column_admittance(array, [1, 1])


def test_floating_nodes_are_listed():
    wire = np.array([[1.0, np.inf], [1.0, 1.0]])
    array = SourceLineArray(np.full((3, 2), 1e-3), bit_wire=wire, source_wire=1.0)
    closed = solve_source_lines(array, [1, 1, 1], 1.0)
    assert closed.floating == []
    opened = solve_source_lines(array, [0, 1, 1], 1.0)
    assert opened.floating == ["b[0, 1]"]
    assert np.isnan(opened.bit_voltages[0, 1])
    assert opened.device_currents[0, 1] == 0.0
    assert np.isfinite(opened.source_voltages).all()
    batch = solve_source_lines(array, [[1, 1, 1], [0, 1, 1]], 1.0, fields=True)
    assert batch.floating == ["b[0, 1]"]
    assert np.isfinite(batch.bit_voltages[0]).all()
    lone = SourceLineArray(np.full((2, 1), 1e-3), driver=np.inf, sense=np.inf)
    adrift = solve_source_lines(lone, [1, 1], 1.0)
    assert adrift.floating == ["s[0, 0]", "s[1, 0]", "b[0, 0]", "b[1, 0]"]
    assert not adrift.currents.any()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("source_wire", 9.0), ("bit_wire", 9.0), ("driver", 9.0), ("sense", 9.0), ("access", 900.0),
     ("ends", {"bit_top": LineEnds(0.0, 9.0)})],
)  # fmt: skip
def test_every_setting_acts(setting, value):
    g = np.full((3, 2), 1e-3)
    plain = {"source_wire": 1.0, "bit_wire": 1.0}
    before = solve_source_lines(SourceLineArray(g, **plain), np.ones(3), 1.0).currents
    after = solve_source_lines(SourceLineArray(g, **(plain | {setting: value})), np.ones(3), 1.0).currents
    assert (np.abs(after - before) > 1e-3 * before).all()
    assert setting in repr(SourceLineArray(g, **(plain | {setting: value})))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conductance": [[1e-3], [-1e-6]]}, r"conductance\[1, 0\] is -1e-06: it must be >= 0 and finite"),
        ({"conductance": [1e-3]}, r"conductance has shape \(1,\): it must be \(rows, cols\)"),
        ({"source_wire": [1.0, 2.0]}, r"source_wire has shape \(2,\)"),
        ({"bit_wire": np.nan}, r"bit_wire is nan"),
        ({"driver": [-1.0]}, r"driver\[0\] is -1.0"),
        ({"access": np.inf}, r"access is inf: it must be >= 0 and finite"),
        ({"ends": {"word_left": LineEnds()}}, "ends has the key 'word_left': sides are source_top, bit_top"),
        ({"ends": {"bit_top": 0.0}}, r"ends\['bit_top'\] is float: it must be LineEnds"),
        ({"ends": {"bit_bottom": LineEnds()}, "sense": 1.0}, "sense and ends"),
        ({"ends": {"source_top": LineEnds(1.0)}}, r"ends\['source_top'\].voltage must be 0"),
        ({"device": "sinh"}, "device is str: it must be a device"),
        ({"device": xbarsim.Sinh(v0=0.25), "access": 1.0}, "access is the series resistance of linear cells"),
    ],
)  # fmt: skip
def test_bad_arrays_are_named(arguments, message):
    circuit = {"conductance": [[1e-3], [2e-3]]} | arguments
    with pytest.raises(InputError, match=message):
        SourceLineArray(**circuit)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gates": [1, 0, 1]}, r"gates has shape \(3,\): it must be \(2,\) or \(batch, 2\)"),
        ({"gates": [1, 0.5]}, r"gates\[1\] is 0.5: it must be 1 \(on\) or 0 \(off\)"),
        ({"gates": [1, np.nan]}, r"gates\[1\] is nan"),
        ({"voltages": [1.0, 2.0]}, r"voltages has shape \(2,\): it must be a scalar, \(1,\)"),
        ({"gates": np.ones((3, 2)), "voltages": np.ones((2, 1))}, "gates has a batch of 3 and voltages one of 2"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"array": Crossbar([[1.0]])}, "array is Crossbar: it must be a SourceLineArray"),
    ],
)
def test_bad_input_is_named(arguments, message):
    call = {"array": SourceLineArray([[1e-3], [2e-3]]), "gates": [1, 1], "voltages": 1.0} | arguments
    with pytest.raises(InputError, match=message):
        solve_source_lines(**call)


def test_no_number_above_tolerance():
    array, volts = drawn(np.random.default_rng(15))
    with pytest.raises(ConvergenceError, match=r"violates Kirchhoff's laws by .* \(pattern 0, tolerance 1e-30\)"):
        solve_source_lines(array, np.ones(ROWS), volts, tolerance=1e-30)


def test_currents_that_leave_nodes_besides_are_those_of_nodal_analysis():
    """Of any size, though what transistors leak is next to nothing: the residual is of them too."""
    rng = np.random.default_rng(44)
    array, volts = drawn(rng)
    layout = ColumnLayout.of(array)
    sources, leaks = layout.sources(volts[None])[0], rng.uniform(-1e-4, 1e-4, (2, ROWS, COLS))
    space, out, found = LadderSpace(layout, ROWS, COLS), np.empty((4, COLS)), np.empty((2, ROWS, COLS))
    residual = space.solve_leaking(array.cells, *leaks, sources, out)
    space.voltages(sources, *found)
    for j in range(COLS):
        matrix, right = np.zeros((2 * ROWS, 2 * ROWS)), -np.concatenate(leaks[:, :, j])
        for line, siemens in enumerate((layout.source_siemens[:, j], layout.bit_siemens[:, j])):
            nodes = slice(line * ROWS, (line + 1) * ROWS)
            matrix[nodes, nodes] += np.diag(siemens[:-1] + siemens[1:])
            matrix[nodes, nodes] -= np.diag(siemens[1:-1], 1) + np.diag(siemens[1:-1], -1)
            right[line * ROWS] += siemens[0] * sources[line, j]
            right[(line + 1) * ROWS - 1] += siemens[-1] * sources[2 + line, j]
        matrix += np.kron([[1.0, -1.0], [-1.0, 1.0]], np.diag(array.cells[:, j]))
        source, bit = np.linalg.solve(matrix, right).reshape(2, ROWS)
        np.testing.assert_allclose(found[:, :, j], [source, bit], rtol=0, atol=1e-12)
        np.testing.assert_allclose(space.across[:, j], source - bit, rtol=0, atol=1e-12)
        ends = (source[0], bit[0], source[-1], bit[-1])
        siemens = np.array([layout.source_siemens[0], layout.bit_siemens[0], layout.source_siemens[-1],
                            layout.bit_siemens[-1]])[:, j]  # fmt: skip
        np.testing.assert_allclose(out[:, j], siemens * (ends - sources[:, j]), rtol=0, atol=1e-11 * np.abs(out).max())
    assert residual < 1e-12
    assert np.abs(leaks.sum(axis=(0, 1)) + out.sum(axis=0)).max() < 1e-12 * np.abs(out).max()


def test_evidence_sees_a_wrong_current(monkeypatch):
    from xbarsim.kernels import parallel_lines

    exact = parallel_lines.end_currents

    def wrong(couplings, volts, out):
        exact(couplings, volts, out)
        out[3, 1] *= 1 + 1e-6

    monkeypatch.setattr(parallel_lines, "end_currents", wrong)
    array, volts = drawn(np.random.default_rng(16))
    with pytest.raises(ConvergenceError, match="violates Kirchhoff"):
        solve_source_lines(array, np.ones(ROWS), volts)
