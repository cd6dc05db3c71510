"""Read margins: worst cases against exhaustive search, formulas without wires, and what the physics says of trends."""

import doctest
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

import xbarsim.margin
from xbarsim import Linear, Selector, Sinh, Table, Transistor, schemes
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.margin import Technology, background, margin, sweep
from xbarsim.margin.patterns import candidates, sensitivity

ON, OFF = 1e3, 1e6
IDEAL = Technology(ON, OFF, word_wire=0.0, bit_wire=0.0, driver=0.0, sense=0.0)
WIRED = Technology(2e3, 1e5, word_wire=20.0, bit_wire=30.0, driver=50.0, sense=40.0)
ONE_CELL = ("floating", "grounded", "half", "third")


@pytest.mark.slow
def test_examples_in_the_docs():
    assert doctest.testmod(xbarsim.margin).failed == 0


@pytest.mark.parametrize("n", [2, 8, 32])
def test_floating_lines_without_wires(n):
    """LRS among HRS cells, HRS among LRS cells; unselected equal cells are three groups in series."""
    one = margin(IDEAL, n, "floating", read_voltage=0.5)
    series = 2 / (n - 1) + 1 / (n - 1) ** 2
    low, high = 0.5 * (1 / ON + 1 / (OFF * series)), 0.5 * (1 / OFF + 1 / (ON * series))
    assert (one.lrs.pattern, one.hrs.pattern) == ("hrs", "lrs")
    np.testing.assert_allclose([one.lrs.current, one.hrs.current], [low, high], rtol=1e-12)
    np.testing.assert_allclose(one.hrs.sneak_current, 0.5 / (ON * series), rtol=1e-12)
    np.testing.assert_allclose(one.current_margin, 1 - high / low, rtol=1e-11)
    np.testing.assert_allclose(one.on_off_ratio, low / high, rtol=1e-12)


@pytest.mark.parametrize(("name", "share"), [("grounded", 0.0), ("half", 1 / 2), ("third", 1 / 3)])
def test_held_lines_without_wires(name, share):
    """Each other cell of the column adds its share of the read voltage; those of the row do not matter."""
    rows, cols = 6, 9
    one = margin(IDEAL, (rows, cols), name, read_voltage=0.3)
    low = 0.3 * (1 / ON + (rows - 1) * share / OFF)
    high = 0.3 * (1 / OFF + (rows - 1) * share / ON)
    np.testing.assert_allclose([one.lrs.current, one.hrs.current], [low, high], rtol=1e-12)


def test_mvm_compares_like_with_like():
    """A column of n LRS cells: the step of one is the smallest share of the whole."""
    one = margin(IDEAL, 8, "mvm")
    assert one.lrs.pattern == one.hrs.pattern
    np.testing.assert_allclose(one.current_margin, (1 / ON - 1 / OFF) / (8 / ON), rtol=1e-12)


@pytest.mark.parametrize("scheme", ONE_CELL)
@pytest.mark.parametrize("device", [Linear(), Sinh(0.2)], ids=str)
def test_no_pattern_of_a_small_array_is_worse(scheme, device):
    """All 2^8 patterns of 3 x 3, on wires that matter."""
    made = replace(WIRED, device=device)
    one = margin(made, 3, scheme, read_voltage=0.6)
    for state, worst, case in ((True, min, one.lrs), (False, max, one.hrs)):
        found = []
        for others in itertools.product((False, True), repeat=8):
            states = np.insert(np.array(others), one.cell[0] * 3 + one.cell[1], state).reshape(3, 3)
            found.append(schemes.read(made.crossbar(states), scheme, one.cell, 0.6).selected_current)
        np.testing.assert_allclose(case.current, worst(found), rtol=1e-10)


@pytest.mark.parametrize("scheme", ONE_CELL)
def test_a_case_is_the_read_of_its_pattern_and_no_candidate_is_worse(scheme):
    one = margin(WIRED, (9, 12), scheme)
    for case, state, sign in ((one.lrs, True, -1), (one.hrs, False, 1)):
        read = schemes.read(WIRED.crossbar(case.states), scheme, one.cell, 0.5)
        assert case.states[one.cell] == state
        assert case.current == read.selected_current
        assert case.power == read.power
        assert case.stress == read.stress
        for name, states in candidates((9, 12), one.cell):
            states[one.cell] = state
            other = schemes.read(WIRED.crossbar(states), scheme, one.cell, 0.5).selected_current
            assert sign * case.current >= sign * other - 1e-12 * abs(other), name


@pytest.mark.parametrize("scheme", [*ONE_CELL, "half+both"])
@pytest.mark.parametrize("device", [Linear(), Sinh(0.2), Selector(1e-6, 0.1)], ids=str)
def test_sensitivities_are_finite_differences(scheme, device):
    """dI / dG by central differences for linear cells; for others the sign, which is all that is promised."""
    rng = np.random.default_rng(11)
    g = 10 ** rng.uniform(-5, -3, (4, 5))
    step = 1e-5

    def read(conductance):
        xbar = xbarsim.Crossbar(conductance, word_wire=15.0, bit_wire=25.0, driver=30.0, sense=20.0, device=device)
        return schemes.read(xbar, scheme, (2, 3), -0.4)

    found = sensitivity(read(g))
    for i, j in itertools.product(range(4), range(5)):
        nudge = np.zeros_like(g)
        nudge[i, j] = step * g[i, j]
        difference = read(g + nudge).selected_current - read(g - nudge).selected_current
        expected = difference / (2 * nudge[i, j])
        if device == Linear():
            np.testing.assert_allclose(found[i, j], expected, rtol=1e-5, atol=1e-8)
        elif abs(expected) > 1e-6:
            assert np.sign(found[i, j]) == np.sign(expected)


def test_a_search_finds_worse_patterns_where_wires_dominate():
    made = Technology(1e3, 1e6, word_wire=20.0, bit_wire=20.0)
    one = margin(made, 48, "grounded")
    best = max(
        schemes.read(made.crossbar(states), "grounded", one.cell, 0.5).selected_current
        for _, states in candidates((48, 48), one.cell)
    )
    assert one.hrs.pattern.startswith("~")
    assert one.hrs.current > 1.5 * best


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["floating", "half", "third"])
def test_margins_fall_with_size(scheme):
    found = [one.current_margin for one in sweep(Technology(), [2, 4, 8, 16, 32], [scheme])]
    assert all(a > b for a, b in itertools.pairwise(found))


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["floating", "half", "third"])
def test_selectors_improve_the_margin(scheme):
    bare = Technology(10e3, 1e6)
    selected = replace(bare, device=Selector(1e-9, 0.03))
    a, b = (margin(made, 16, scheme, read_voltage=0.6) for made in (bare, selected))
    assert b.current_margin > a.current_margin
    assert b.on_off_ratio > 3 * a.on_off_ratio


def test_access_transistors_leave_the_cell_alone():
    """Cut-off rows have no sneak current; without wires both states are those of one cell."""
    made = replace(IDEAL, device=Transistor(1.5, kp=1e-3))
    single, array = (margin(made, n, "half") for n in (1, 12))
    assert array.hrs.sneak_current == 0.0
    np.testing.assert_allclose(array.on_off_ratio, single.on_off_ratio, rtol=1e-9)


@pytest.mark.slow
def test_the_same_pattern_is_kinder_than_each_states_own_worst():
    for scheme in ONE_CELL:
        worst, same = (margin(WIRED, 12, scheme, patterns=how) for how in ("worst", "same"))
        assert same.lrs.pattern == same.hrs.pattern
        assert worst.current_margin <= same.current_margin + 1e-12


@pytest.mark.slow
def test_negative_reads_mirror_those_of_odd_cells():
    made = replace(WIRED, device=Sinh(0.3))
    plus, minus = (margin(made, 6, "third", read_voltage=volts) for volts in (0.5, -0.5))
    np.testing.assert_allclose(minus.current_margin, plus.current_margin, rtol=1e-9)
    np.testing.assert_allclose(minus.lrs.current, -plus.lrs.current, rtol=1e-9)


def test_the_voltage_margin_is_that_across_the_load():
    """One cell and its load: V_out = V R / (R + cell)."""
    load = 2e3
    one = margin(IDEAL, 1, replace(schemes.FLOATING, load=load))
    np.testing.assert_allclose(one.voltage_margin, load / (load + ON) - load / (load + OFF), rtol=1e-12)
    assert margin(IDEAL, 1, "floating").voltage_margin is None


@pytest.mark.slow
def test_the_far_cell_is_far_from_driver_and_sense():
    assert margin(WIRED, (4, 6), "half").cell == (0, 5)
    assert margin(WIRED, (4, 6), "half+both").cell == (2, 3)
    corners = margin(WIRED, (4, 6), "grounded", cell="corners")
    each = [margin(WIRED, (4, 6), "grounded", cell=cell) for cell in itertools.product((0, 3), (0, 5))]
    assert corners.current_margin == min(one.current_margin for one in each)
    assert corners.cell == (0, 5)


def test_one_line_arrays_have_no_patterns_to_spare():
    assert [name for name, _ in candidates((1, 1), (0, 0))] == ["hrs"]
    assert [name for name, _ in candidates((1, 4), (0, 2))] == ["hrs", "lrs"]
    assert len(list(candidates((2, 3), (1, 0)))) == 8
    np.testing.assert_array_equal(background("row+rest", (2, 3), (1, 0)), [[False, True, True], [False, True, True]])
    one = margin(replace(IDEAL, r_off=math.inf), 1, "half")
    assert (one.hrs.current, one.on_off_ratio, one.current_margin) == (0.0, math.inf, 1.0)


@pytest.mark.slow
def test_a_measured_curve_is_a_device_too():
    curve = Table([0.1, 0.3, 0.6], [1e-5, 5e-5, 3e-4], odd=True)
    one = margin(replace(WIRED, device=curve), 8, "third")
    assert 0.0 < one.on_off_ratio < WIRED.r_off / WIRED.r_on


def test_a_sweep_goes_scheme_by_scheme_and_says_so():
    told = []
    points = sweep(IDEAL, [2, (3, 4)], ["half", schemes.THIRD], progress=told.append)
    assert told == ["half, 2 x 2", "half, 3 x 4", "third, 2 x 2", "third, 3 x 4"]
    assert [(one.scheme.name, one.rows, one.cols) for one in points] == [
        ("half", 2, 2), ("half", 3, 4), ("third", 2, 2), ("third", 3, 4),
    ]  # fmt: skip


def test_what_does_not_converge_is_named(monkeypatch):
    def fail(*args, **options):
        raise ConvergenceError("no")

    monkeypatch.setattr("xbarsim.margin.cell_reads.read_cell", fail)
    with pytest.raises(ConvergenceError, match=r"^half, 4 x 4, cell in LRS with pattern hrs: no$"):
        margin(IDEAL, 4, "half")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Technology(r_on=0.0), ["r_on is 0"]),
        (lambda: Technology(r_on=1e3, r_off=500.0), ["r_off is 500", "above r_on, 1000"]),
        (lambda: Technology(r_on=1e3, r_off=1e3), ["r_off is 1000"]),
        (lambda: Technology(r_on="1k"), ["r_on is '1k'", "number"]),
        (lambda: Technology(driver=-1.0), ["driver is -1"]),
        (lambda: Technology(sense=math.inf), ["sense is inf"]),
        (lambda: Technology(device=Sinh), ["device", "Sinh(v0=0.25)"]),
        (lambda: margin(IDEAL, 0, "half"), ["size is 0", "at least 1"]),
        (lambda: margin(IDEAL, 2.5, "half"), ["size is 2.5"]),
        (lambda: margin(IDEAL, (2, 3, 4), "half"), ["size is (2, 3, 4)"]),
        (lambda: margin(IDEAL, 4, "quarter"), ["'quarter'", "floating, grounded, half, third, mvm"]),
        (lambda: margin(IDEAL, 4, "half", cell=(4, 0)), ["cell [4, 0]", "4 x 4"]),
        (lambda: margin(IDEAL, 4, "half", cell="near"), ["'near'", "far, corners"]),
        (lambda: margin(IDEAL, 4, "half", read_voltage=0), ["read_voltage is 0"]),
        (lambda: margin(IDEAL, 4, "half", patterns="all"), ["'all'", "worst or same"]),
        (lambda: sweep(IDEAL, [], ["half"]), ["sizes is empty"]),
        (lambda: sweep(IDEAL, [4], []), ["schemes is empty"]),
        (lambda: sweep(IDEAL, [4, 8, 4], ["half"]), ["4 x 4 twice"]),
        (lambda: sweep(IDEAL, [4], ["half", "half"]), ["half twice"]),
        (lambda: sweep(IDEAL, [8, 4], ["half"], cell=(5, 5)), ["cell [5, 5]", "4 x 4"]),
        (lambda: background("diagonal", (4, 4), (0, 0)), ["'diagonal'", "row, column, rest"]),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
