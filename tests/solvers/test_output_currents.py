"""Gradients of output currents through cells of any law: against differences, closed forms and the linear map's."""

import numpy as np
import pytest
from newton_tools import DEVICES, quadratic, uneven, wired

from xbarsim import Crossbar, Law, Linear, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic, adjoint, solve
from xbarsim.errors import InputError, SolveError
from xbarsim.solvers import output_currents as module
from xbarsim.solvers.output_currents import output_currents
from xbarsim.solvers.solve import solve_points

RELATIVE_STEP = 2e-3
"""Of a number that differences move. Their error is of its fourth power once halved steps are extrapolated, and what
solves leave of Kirchhoff's laws, 1e-12 of the largest current, over it."""


def slope(function, x, step):
    """Return the derivative of a function at x by central differences, two of which are extrapolated (Richardson)."""
    wide = (function(x + step) - function(x - step)) / (2 * step)
    narrow = (function(x + step / 2) - function(x - step / 2)) / step
    return (4 * narrow - wide) / 3


def circuit(name, shape=(4, 5), **options):
    """Return a crossbar with no two numbers alike, two vectors of bipolar voltages, and a cotangent."""
    rng = np.random.default_rng([7, *shape])
    crossbar, volts = wired(uneven(name, rng, shape), *shape, **options)
    return crossbar, np.stack([volts, 0.6 * volts[::-1]]), rng.normal(size=(2, shape[1]))


def loss(crossbar, volts, cotangent):
    return (cotangent * solve(crossbar, volts).currents).sum()


@pytest.mark.parametrize("four_sides", [False, True], ids=["two sides", "four sides"])
@pytest.mark.parametrize("name", DEVICES)
def test_gradient_by_every_cell_is_the_slope_of_the_currents(name, four_sides):
    crossbar, volts, cotangent = circuit(name, four_sides=four_sides)
    g = crossbar.conductance
    gradient = output_currents(crossbar, volts).gradient(cotangent).conductance
    for at in np.ndindex(g.shape):

        def moved(siemens, at=at):
            cells = g.copy()
            cells[at] = siemens
            return loss(crossbar.with_cells(cells), volts, cotangent)

        difference = slope(moved, g[at], RELATIVE_STEP * g[at])
        assert difference == pytest.approx(gradient[at], rel=1e-6, abs=1e-7 * np.abs(gradient).max())


@pytest.mark.parametrize("four_sides", [False, True], ids=["two sides", "four sides"])
@pytest.mark.parametrize("name", DEVICES)
def test_gradient_by_every_input_is_the_slope_of_the_currents(name, four_sides):
    crossbar, volts, cotangent = circuit(name, four_sides=four_sides)
    gradient = output_currents(crossbar, volts).gradient(cotangent).voltages
    assert gradient.shape == volts.shape
    for at in np.ndindex(volts.shape):

        def moved(volt, at=at):
            drive = volts.copy()
            drive[at] = volt
            return loss(crossbar, drive, cotangent)

        # Laws may be e-fold steeper over 10 mV.
        assert slope(moved, volts[at], 1e-5) == pytest.approx(gradient[at], rel=1e-6, abs=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (40, 24)], ids=str)
@pytest.mark.parametrize("name", DEVICES)
def test_gradient_along_any_direction(name, shape):
    crossbar, volts, cotangent = circuit(name, shape)
    volts *= 0.5  # within the table's curve
    gradient = output_currents(crossbar, volts).gradient(cotangent)
    rng = np.random.default_rng(2)
    by_cells, by_volts = crossbar.conductance * rng.normal(size=shape), 0.02 * rng.normal(size=volts.shape)

    def moved(part):
        return loss(crossbar.with_cells(crossbar.conductance + part * by_cells), volts + part * by_volts, cotangent)

    expected = (gradient.conductance * by_cells).sum() + (gradient.voltages * by_volts).sum()
    size = np.abs(gradient.conductance * by_cells).sum() + np.abs(gradient.voltages * by_volts).sum()
    assert slope(moved, 0.0, 1e-3) == pytest.approx(expected, abs=1e-6 * size)


def test_linear_cells_have_the_gradient_of_their_map():
    crossbar, volts, cotangent = circuit("linear", (17, 19))
    effective = adjoint.effective_map(crossbar)
    solved = adjoint.output_currents(crossbar, volts)
    np.testing.assert_allclose(solved.currents, volts @ effective.matrix, rtol=1e-11)
    gradient = solved.gradient(cotangent)
    np.testing.assert_allclose(gradient.voltages, cotangent @ effective.matrix.T, rtol=1e-10)
    expected = effective.gradient(volts.T @ cotangent)
    np.testing.assert_allclose(gradient.conductance, expected, atol=1e-11 * np.abs(expected).max(), rtol=1e-9)


@pytest.mark.parametrize(
    ("device", "apart"),
    [(Sinh(1e5), 1e-9), (Yakopcic(1.0, 1.0, 1e-5), 1e-9), (Selector(1e3, 1e-6), 1e-5), (Transistor(1e5, 1.0), 1e-7)],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_law_that_hardly_bends_has_the_gradient_of_linear_cells(device, apart):
    """Of sinh the next term is (V / v0)^2 / 6; a selector adds 1e-9 ohm and a transistor 1e-5 to cells of 1 kohm."""
    crossbar, volts, cotangent = circuit("linear", (9, 7))
    linear = output_currents(crossbar, volts).gradient(cotangent)
    bent = output_currents(crossbar.with_cells(crossbar.conductance, device), volts).gradient(cotangent)
    for ours, theirs in ((bent.conductance, linear.conductance), (bent.voltages, linear.voltages)):
        assert np.abs(ours - theirs).max() < apart * np.abs(theirs).max()


def test_without_wires_it_is_each_cell_s_own():
    rng = np.random.default_rng(3)
    g, volts, cotangent = 10 ** -rng.uniform(3, 6, (6, 4)), rng.uniform(-0.5, 0.5, (3, 6)), rng.normal(size=(3, 4))
    gradient = output_currents(Crossbar(g, device=Sinh(0.2)), volts).gradient(cotangent)
    x = volts[:, :, None] / 0.2
    by_cells = (cotangent[:, None, :] * 0.2 * np.sinh(x)).sum(axis=0)
    np.testing.assert_allclose(gradient.conductance, by_cells, rtol=1e-11)
    by_volts = (cotangent[:, None, :] * g * np.cosh(x)).sum(axis=2)
    np.testing.assert_allclose(gradient.voltages, by_volts, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", ["linear", "sinh", "selector", "yakopcic", "table", "transistor"])
def test_an_open_cell_has_the_slope_of_one_that_opens(name):
    crossbar, volts, cotangent = circuit(name)
    g = crossbar.conductance.copy()
    g[1, 2] = g[3, 0] = 0.0
    gradient = output_currents(crossbar.with_cells(g), volts).gradient(cotangent).conductance
    before = loss(crossbar.with_cells(g), volts, cotangent)
    for at in ((1, 2), (3, 0)):
        # Differences one way err by the step, which is a millionth of the other cells.
        step = 1e-11
        moved = g.copy()
        moved[at] = step
        once = loss(crossbar.with_cells(moved), volts, cotangent) - before
        assert once / step == pytest.approx(gradient[at], abs=1e-3 * np.abs(gradient).max())


@pytest.mark.parametrize("up", [0.4, 0.9])
@pytest.mark.parametrize("across", [0.3, -0.3, -0.9])
def test_an_open_transistor_cell(across, up):
    """Its memristor has the volts that a channel without current leaves: all, or the gate's overdrive."""
    device = Transistor(1.2, vto=0.5)
    ends = {"bit_bottom": LineEnds(up)}
    gradient = output_currents(Crossbar([[0.0]], ends=ends, device=device), [up + across]).gradient([1.0])
    small = solve(Crossbar([[1e-12]], ends=ends, device=device), [up + across]).currents[0] / 1e-12
    assert gradient.conductance[0, 0] == pytest.approx(small, rel=1e-3, abs=1e-9)


def test_an_open_cell_of_a_compiled_law_has_none():
    gradient = output_currents(Crossbar([[0.0, 1e-4]], device=Law(quadratic, k=1e-4)), [0.5]).gradient([1.0, 1.0])
    assert gradient.conductance[0, 0] == 0.0
    assert gradient.conductance[0, 1] == pytest.approx(0.5, rel=1e-11)


def test_a_table_s_conductance_counts_by_its_measured_cell():
    table = Table([-1.0, 0.0, 0.5, 1.0], [-1e-3, 0.0, 2e-4, 1e-3], conductance=3e-4)
    crossbar = Crossbar([[1e-4, 0.0]], device=table)
    gradient = output_currents(crossbar, [0.5]).gradient([1.0, 1.0])
    np.testing.assert_allclose(gradient.conductance, 2e-4 / 3e-4, rtol=1e-12)


def test_joined_bit_lines_share_what_arrives():
    crossbar, volts, cotangent = circuit("sinh")
    ends = {"bit_top": LineEnds(0.0, 0.0)}
    options = {"word_wire": crossbar.word_wire, "driver": crossbar.driver, "device": crossbar.device}
    joined = Crossbar(crossbar.conductance, **options, ends=ends)
    single = Crossbar(crossbar.conductance, **options)
    halves, wholes = (output_currents(wired_up, volts).gradient(cotangent) for wired_up in (joined, single))
    np.testing.assert_allclose(2 * halves.conductance, wholes.conductance, rtol=1e-10)
    np.testing.assert_allclose(2 * halves.voltages, wholes.voltages, rtol=1e-10)


@pytest.mark.parametrize("name", ["sinh", "transistor"])
def test_what_floats_changes_nothing(name):
    crossbar, volts, cotangent = circuit(name)
    word, g = crossbar.word_wire.copy(), crossbar.conductance.copy()
    word[2] = np.inf
    g[2, 1:] = 0.0
    device = Transistor([[1.5], [1.5], [1.5], [0.0]], lam=0.05) if name == "transistor" else crossbar.device
    island = Crossbar(
        g, word_wire=word, bit_wire=crossbar.bit_wire, driver=[1.0, 2.0, 3.0, np.inf], sense=1.0, device=device
    )
    solution = solve(island, volts, fields=True)
    assert solution.floating
    gradient = output_currents(island, volts).gradient(cotangent)
    assert np.isfinite(gradient.conductance).all()
    np.testing.assert_array_equal(gradient.conductance[2, 1:], 0.0)
    np.testing.assert_array_equal(gradient.voltages[:, 3], 0.0)
    assert gradient.conductance[0].all()
    if name == "transistor":
        np.testing.assert_array_equal(gradient.conductance[3], 0.0)


@pytest.mark.parametrize("name", ["linear", "sinh", "selector", "table", "transistor"])
def test_weak_ends_keep_their_digits(name):
    """Behind 100 Mohm all nodes sit near one voltage: differences of doubles would tell little of the cells."""
    crossbar, volts, cotangent = circuit(name)
    weak = Crossbar(
        crossbar.conductance, word_wire=crossbar.word_wire, bit_wire=crossbar.bit_wire, driver=1e8, sense=1e8,
        device=crossbar.device,
    )  # fmt: skip
    gradient = output_currents(weak, volts).gradient(cotangent)
    g = weak.conductance
    for at in ((0, 0), (2, 3), (3, 1)):

        def moved(siemens, at=at):
            cells = g.copy()
            cells[at] = siemens
            return loss(weak.with_cells(cells), volts, cotangent)

        # Cells hardly matter here, so that steps are wide: their fourth power is 1e-4.
        difference = slope(moved, g[at], 0.1 * g[at])
        assert difference == pytest.approx(gradient.conductance[at], rel=1e-4)


def test_what_conjugate_gradients_leave_is_solved_as_any_crossbar(monkeypatch):
    crossbar, volts, cotangent = circuit("selector", (12, 9))
    expected = output_currents(crossbar, volts).gradient(cotangent)
    vectors = []

    def counted(dual, sources, **options):
        vectors.append(sources)
        return solve_points(dual, sources, **options)

    monkeypatch.setattr(module, "solve_points", counted)
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    gradient = output_currents(crossbar, volts).gradient(cotangent)
    assert len(vectors) == 2
    np.testing.assert_allclose(gradient.voltages, expected.voltages, rtol=1e-10)
    np.testing.assert_allclose(gradient.conductance, expected.conductance, rtol=1e-9)


@pytest.mark.parametrize("name", ["sinh", "transistor"])
def test_neither_threads_nor_what_is_kept_change_the_gradient(name, monkeypatch):
    crossbar, _, _ = circuit(name, (9, 7))
    rng = np.random.default_rng(5)
    volts, cotangent = rng.uniform(-0.5, 0.5, (50, 9)), rng.normal(size=(50, 7))
    cotangent[3] = 0.0
    first = output_currents(crossbar, volts, threads=1)
    again = output_currents(crossbar, volts, keep=False, threads=2)
    np.testing.assert_array_equal(first.currents, again.currents)
    expected, gradient = first.gradient(cotangent), again.gradient(cotangent)
    np.testing.assert_array_equal(gradient.conductance, expected.conductance)
    np.testing.assert_array_equal(gradient.voltages, expected.voltages)
    np.testing.assert_array_equal(gradient.voltages[3], 0.0)
    monkeypatch.setattr(module, "SOLVED_BYTES", 16.0 * 63 * 20)
    in_parts = again.gradient(cotangent)
    np.testing.assert_array_equal(in_parts.voltages, expected.voltages)
    largest = np.abs(expected.conductance).max()
    np.testing.assert_allclose(in_parts.conductance, expected.conductance, rtol=1e-12, atol=1e-14 * largest)


def test_one_vector_has_its_own_shape():
    crossbar, volts, cotangent = circuit("sinh")
    single = output_currents(crossbar, volts[0])
    assert single.currents.shape == (5,)
    gradient = single.gradient(cotangent[0])
    assert gradient.voltages.shape == (4,)
    whole = output_currents(crossbar, volts).gradient(np.stack([cotangent[0], np.zeros(5)]))
    np.testing.assert_array_equal(gradient.voltages, whole.voltages[0])
    np.testing.assert_allclose(gradient.conductance, whole.conductance, rtol=1e-14)


def test_a_cotangent_of_any_size_is_a_factor():
    crossbar, volts, cotangent = circuit("selector")
    solved = output_currents(crossbar, volts)
    expected = solved.gradient(cotangent)
    for factor in (1e-200, 1e150):
        gradient = solved.gradient(factor * cotangent)
        np.testing.assert_allclose(gradient.conductance, factor * expected.conductance, rtol=1e-12)
        np.testing.assert_allclose(gradient.voltages, factor * expected.voltages, rtol=1e-12)


def test_bad_input():
    crossbar, volts, cotangent = circuit("sinh")
    solved = output_currents(crossbar, volts)
    with pytest.raises(InputError, match=r"cotangent has shape \(5, 2\): it must be \(2, 5\)"):
        solved.gradient(cotangent.T)
    with pytest.raises(InputError, match=r"cotangent\[0, 0\] is nan"):
        solved.gradient(np.full((2, 5), np.nan))
    with pytest.raises(InputError, match="crossbar is int"):
        output_currents(3, volts)
    with pytest.raises(InputError, match=r"voltages has shape \(5,\)"):
        output_currents(crossbar, np.zeros(5))
    joined = Crossbar([[1e-3]], ends={"word_right": LineEnds(0.0, 0.0)}, device=Sinh(0.2))
    with pytest.raises(SolveError, match=r"0 ohm joins the ends word_left\[0\] and word_right\[0\]"):
        output_currents(joined, [0.0])


def test_what_callers_change_afterwards_does_not_matter():
    crossbar, volts, cotangent = circuit("sinh")
    drive = volts.copy()
    solved = output_currents(crossbar, drive, keep=False)
    drive[:] = 0.0
    expected = output_currents(crossbar, volts).gradient(cotangent)
    np.testing.assert_array_equal(solved.gradient(cotangent).conductance, expected.conductance)
    assert crossbar.device != Linear()
