"""Reads under every scheme, held against formulas by hand: no wires, or one line's wires alone."""

import doctest
from dataclasses import replace

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds, Selector, Sinh, Transistor, schemes
from xbarsim.errors import InputError
from xbarsim.schemes import SCHEMES, Scheme

V = 0.7


def random_array(rows=5, cols=7, seed=3, **options):
    rng = np.random.default_rng(seed)
    wires = {
        "word_wire": rng.uniform(1, 5, (rows, cols - 1)),
        "bit_wire": rng.uniform(1, 5, (rows - 1, cols)),
        "driver": rng.uniform(5, 50, rows),
        "sense": rng.uniform(5, 50, cols),
    }
    return Crossbar(10 ** rng.uniform(-6, -3, (rows, cols)), **(wires | options))


def uniform_but(cell, selected, others, rows, cols, **options):
    g = np.full((rows, cols), others)
    g[cell] = selected
    return Crossbar(g, **options)


def test_examples_in_the_docs():
    assert doctest.testmod(schemes).failed == 0


@pytest.mark.parametrize(("rows", "cols"), [(2, 2), (3, 5), (16, 16)])
def test_floating_lines_put_three_groups_of_equal_cells_in_series(rows, cols):
    """R / (n-1) in the row, R / ((m-1)(n-1)) in between, R / (m-1) in the column: equal lines share one voltage."""
    r, selected = 2e3, 5e-6
    read = schemes.read(uniform_but((1, 0), selected, 1 / r, rows, cols), "floating", (1, 0), V)
    sneak = V / (r * (1 / (cols - 1) + 1 / ((rows - 1) * (cols - 1)) + 1 / (rows - 1)))
    np.testing.assert_allclose(read.sneak_current, sneak, rtol=1e-12)
    np.testing.assert_allclose(read.cell_current, V * selected, rtol=1e-12)
    np.testing.assert_allclose(read.selected_current, sneak + V * selected, rtol=1e-12)
    np.testing.assert_allclose(read.power, V * read.selected_current, rtol=1e-12)
    drop = sneak * r
    np.testing.assert_allclose(np.delete(read.bit_line_voltages, 0), V - drop / (cols - 1), rtol=1e-12)
    np.testing.assert_allclose(np.delete(read.word_line_voltages, 1), drop / (rows - 1), rtol=1e-12)


@pytest.mark.parametrize(("name", "word", "bit"), [("grounded", 0, 0), ("half", 1 / 2, 1 / 2), ("third", 1 / 3, 2 / 3)])
def test_held_lines_without_wires_are_a_sum_over_the_column(name, word, bit):
    """Every cell has its lines' voltages: I = sum_i V_i G_ij, P = sum G (V_i - V_j)^2."""
    xbar = Crossbar(random_array().conductance)
    g, (i, j) = xbar.conductance, (3, 2)
    read = schemes.read(xbar, name, (i, j), V)
    w, b = np.full(5, word * V), np.full(7, bit * V)
    w[i], b[j] = V, 0.0
    np.testing.assert_allclose(read.selected_current, w @ g[:, j], rtol=1e-13)
    np.testing.assert_allclose(read.cell_current, V * g[i, j], rtol=1e-13)
    np.testing.assert_allclose(read.sneak_current, w @ g[:, j] - V * g[i, j], rtol=1e-12, atol=1e-20)
    np.testing.assert_allclose(read.power, (g * (w[:, None] - b) ** 2).sum(), rtol=1e-12)
    np.testing.assert_allclose(read.cell_voltage, V)
    across = np.abs(w[:, None] - b)
    across[i, j] = 0.0
    # With grounded lines the selected row's cells have the whole voltage too; V/3 lets none have more than a third.
    np.testing.assert_allclose(read.stress, across.max())
    assert read.stress == pytest.approx({"grounded": V, "half": V / 2, "third": V / 3}[name])


def test_grounded_lines_have_no_sneak_current_until_the_sense_end_has_resistance():
    """Then the column's other cells take current away: a divider of the sense end and their sum."""
    selected, other, rows, sense = 1e-4, 1e-3, 4, 100.0
    xbar = uniform_but((0, 0), selected, other, rows, 1, sense=sense)
    read = schemes.read(xbar, "grounded", (0, 0), V)
    volts = V * selected / (selected + (rows - 1) * other + 1 / sense)
    np.testing.assert_allclose(read.selected_current, volts / sense, rtol=1e-12)
    np.testing.assert_allclose(read.sneak_current, -volts * (rows - 1) * other, rtol=1e-12)


def test_mvm_drives_every_row():
    xbar = random_array()
    read = schemes.read(xbar, "mvm", (2, 4), V)
    plain = xbarsim.solve(xbar, np.full(5, V))
    np.testing.assert_allclose(read.selected_current, plain.currents[4], rtol=1e-12)
    np.testing.assert_allclose(read.power, plain.power, rtol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("device", [None, Sinh(0.2), Selector(1e-7, 0.05)], ids=str)
def test_the_column_adds_up_and_the_power_is_dissipated(scheme, device):
    """sneak + cell = selected; the sources' power is that of cells, wires and ends."""
    xbar = random_array(device=device)
    read = schemes.read(xbar, scheme, (1, 5), V)
    largest = np.abs(read.solution.device_currents).max()
    np.testing.assert_allclose(
        read.sneak_current + read.cell_current, read.selected_current, rtol=1e-9, atol=1e-11 * largest
    )
    s = read.solution
    drop = s.word_voltages - s.bit_voltages
    heat = (s.device_currents * drop).sum()
    heat += (np.diff(s.word_voltages, axis=1) ** 2 / xbar.word_wire).sum()
    heat += (np.diff(s.bit_voltages, axis=0) ** 2 / xbar.bit_wire).sum()
    for side, ends in s.crossbar.boundary.items():
        closed = np.isfinite(ends.resistance)
        heat += (ends.resistance[closed] * s.end_currents[side][closed] ** 2).sum()
    np.testing.assert_allclose(read.power, heat, rtol=1e-9)
    assert s.residual < 1e-11


@pytest.mark.parametrize("scheme", [*SCHEMES, "half+both", "floating+words", "third+bits"])
def test_reads_of_linear_cells_scale_with_the_voltage(scheme):
    xbar = random_array()
    one, other = (schemes.read(xbar, scheme, (4, 3), volts) for volts in (V, -3 * V))
    np.testing.assert_allclose(other.selected_current, -3 * one.selected_current, rtol=1e-12)
    np.testing.assert_allclose(other.power, 9 * one.power, rtol=1e-12)


def test_superposition_of_the_half_scheme():
    """V/2 everywhere but at the selected lines is a uniform V/2, which drives nothing, plus and minus V/2 there."""
    xbar = random_array()
    i, j = 2, 3
    read = schemes.read(xbar, "half", (i, j), V)
    v, sensed = np.zeros(5), np.zeros(7)
    v[i], sensed[j] = V / 2, -V / 2
    ends = {"bit_bottom": LineEnds(sensed, xbar.sense)}
    shifted = Crossbar(
        xbar.conductance, word_wire=xbar.word_wire, bit_wire=xbar.bit_wire, driver=xbar.driver, ends=ends
    )
    np.testing.assert_allclose(read.selected_current, xbarsim.solve(shifted, v).currents[j], rtol=1e-11)


def test_both_ends_halve_the_ir_drop_of_one_line():
    """One word line with a cell in its middle: driver and wires from the left, or the same from both sides."""
    n, wire, driver, g = 5, 10.0, 30.0, 1e-3
    cells = np.zeros((1, n))
    cells[0, n // 2] = g
    xbar = Crossbar(cells, word_wire=wire, driver=driver)
    path = driver + wire * (n // 2)
    for scheme, ohms in (("grounded", path), ("grounded+words", path / 2)):
        read = schemes.read(xbar, scheme, (0, n // 2), V)
        np.testing.assert_allclose(read.selected_current, V / (1 / g + ohms), rtol=1e-12)


@pytest.mark.parametrize("suffix", ["words", "bits", "both"])
def test_lines_tied_at_both_ends_lose_less(suffix):
    """All rows driven, all columns at 0 V: every further tie raises the far cell's voltage and the whole output."""
    xbar = Crossbar(np.full((24, 24), 1e-4), word_wire=2.0, bit_wire=2.0, driver=5.0, sense=5.0)
    one, both = (schemes.read(xbar, name, (0, 23), V) for name in ("mvm", f"mvm+{suffix}"))
    assert both.cell_voltage > one.cell_voltage
    assert both.selected_current > one.selected_current


def test_mvm_at_both_ends_is_what_the_ends_say_for_one_vector_and_for_a_batch():
    xbar = random_array()
    v = np.random.default_rng(5).uniform(-1, 1, (3, 5))
    batch = schemes.mvm(xbar, v, both_words=True, both_bits=True, fields=True)
    for k in range(3):
        ends = {"word_right": LineEnds(v[k], xbar.driver), "bit_top": LineEnds(0.0, xbar.sense)}
        told = Crossbar(
            xbar.conductance, word_wire=xbar.word_wire, bit_wire=xbar.bit_wire,
            driver=xbar.driver, sense=xbar.sense, ends=ends,
        )  # fmt: skip
        expected = xbarsim.solve(told, v[k])
        single = schemes.mvm(xbar, v[k], both_words=True, both_bits=True)
        for side, amperes in expected.end_currents.items():
            np.testing.assert_allclose(single.end_currents[side], amperes, rtol=1e-12)
            np.testing.assert_allclose(batch.end_currents[side][k], amperes, rtol=1e-10)
    assert batch.word_voltages.shape == (3, 5, 7)
    np.testing.assert_allclose(schemes.mvm(xbar, v[0]).currents, xbarsim.solve(xbar, v[0]).currents, rtol=1e-13)


@pytest.mark.parametrize("batch", [(), (3,)])
def test_what_a_column_gives_at_both_ends_is_what_its_cells_carry(batch):
    """``currents`` are the bottom ends' part alone; with their tops' all current of the column is counted."""
    v = np.random.default_rng(6).uniform(0.1, 1.0, (*batch, 5))
    solution = schemes.mvm(random_array(), v, both_bits=True, fields=True)
    whole = solution.currents + solution.end_currents["bit_top"]
    np.testing.assert_allclose(whole, solution.device_currents.sum(axis=-2), rtol=1e-11)
    assert (np.abs(solution.end_currents["bit_top"]) > 0.1 * np.abs(whole)).all()


def test_a_load_is_the_selected_columns_sense_resistor():
    """One cell and its load divide the voltage; the other columns keep theirs."""
    xbar = Crossbar([[1e-3, 1e-3]], sense=7.0)
    scheme = replace(schemes.GROUNDED, load=500.0)
    read = schemes.read(xbar, scheme, (0, 1), V)
    np.testing.assert_allclose(read.selected_current, V / 1500.0, rtol=1e-13)
    np.testing.assert_allclose(read.solution.currents[0], V / 1007.0, rtol=1e-13)


def test_transistors_of_unselected_rows_carry_nothing():
    xbar = random_array(device=Transistor(1.6))
    for name in ("grounded", "half", "third"):
        read = schemes.read(xbar, name, (3, 1), 0.4)
        others = np.delete(read.solution.device_currents, 3, axis=0)
        assert not others.any(), name
        assert read.sneak_current == 0.0
        assert read.cell_current > 1e-7
    assert schemes.read(xbar, "mvm", (3, 1), 0.4).solution.device_currents.all()


def test_gates_given_line_by_line_stay_as_they_are():
    gate = np.array([0.0, 1.5, 0.0, 1.4, 0.0])[:, None]
    xbar = random_array(device=Transistor(gate))
    tied, _ = schemes.GROUNDED.tie(xbar, (3, 1), 0.4)
    assert tied.device == xbar.device
    scalar, _ = replace(schemes.GROUNDED, gate_off=-0.2).tie(random_array(device=Transistor(1.4)), (3, 1), 0.4)
    assert scalar.device.gate.tolist() == [[-0.2], [-0.2], [-0.2], [1.4], [-0.2]]


def test_lines_are_told_apart_by_row_and_column():
    """Unsymmetric resistances: the selected word line's own driver and the selected bit line's own sense count."""
    driver, sense = np.array([1.0, 20.0, 300.0]), np.array([4.0, 50.0])
    xbar = Crossbar(np.zeros((3, 2)) + 1e-9, driver=driver, sense=sense)
    tied, voltages = SCHEMES["third"].tie(xbar, (1, 1), 3.0)
    np.testing.assert_allclose(voltages, [1.0, 3.0, 1.0])
    np.testing.assert_allclose(tied.boundary["bit_bottom"].voltage, [2.0, 0.0])
    np.testing.assert_array_equal(tied.boundary["word_left"].resistance, driver)
    np.testing.assert_array_equal(tied.boundary["bit_bottom"].resistance, sense)
    tied, _ = schemes.scheme_of("floating+both").tie(xbar, (1, 1), 3.0)
    for side, open_lines in (("word_left", [0, 2]), ("word_right", [0, 2]), ("bit_bottom", [0]), ("bit_top", [0])):
        assert np.flatnonzero(np.isinf(tied.boundary[side].resistance)).tolist() == open_lines


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: schemes.read(x, "v/4", (0, 0), V), ["'v/4'", "floating, grounded, half, third, mvm"]),
        (lambda x: schemes.read(x, "half+left", (0, 0), V), ["'half+left'", "+words, +bits, +both"]),
        (lambda x: schemes.read(x, "half", (5, 0), V), ["cell [5, 0]", "5 x 7"]),
        (lambda x: schemes.read(x, "half", (0, -1), V), ["cell [0, -1]"]),
        (lambda x: schemes.read(x, "half", 3, V), ["cell is 3", "(row, column)"]),
        (lambda x: schemes.read(x, "half", (0.5, 0), V), ["cell is (0.5, 0)"]),
        (lambda x: schemes.read(x, "half", (0, 0), 0.0), ["read_voltage is 0.0"]),
        (lambda x: schemes.read(x, "half", (0, 0), float("nan")), ["read_voltage is nan"]),
        (lambda x: schemes.read(x.conductance, "half", (0, 0), V), ["crossbar is ndarray"]),
        (lambda x: schemes.mvm(x, [1.0, 2.0], both_words=True), ["voltages has shape (2,)"]),
        (lambda x: Scheme("mine", "half", None), ["word is 'half'"]),
        (lambda x: Scheme("mine", 0.5, float("inf")), ["bit is inf"]),
        (lambda x: Scheme("mine", 0.5, 0.5, load=0.0), ["load is 0.0"]),
        (lambda x: Scheme("mine", 0.5, 0.5, gate_off=None), ["gate_off is None"]),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError) as caught:
        call(random_array())
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_crossbar_with_ends_of_its_own_is_refused():
    xbar = Crossbar(np.ones((2, 2)), ends={"bit_top": LineEnds(0.0, 1.0)})
    for call in (lambda: schemes.read(xbar, "half", (0, 0), V), lambda: schemes.mvm(xbar, [1.0, 1.0])):
        with pytest.raises(InputError, match=r"bit_top.*driver and sense"):
            call()
