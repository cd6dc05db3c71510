"""Steep laws, extremes and degenerate circuits: numbers that obey Kirchhoff's laws, or a refusal that says where."""

import numpy as np
import pytest
from newton_tools import DEVICES, violation
from problems import OPEN, SIDES

import xbarsim
from xbarsim import Crossbar, Law, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.errors import ConvergenceError, ExtrapolationWarning, XbarsimError

WIRES = {"word_wire": 1.0, "bit_wire": 1.0, "driver": 1.0, "sense": 1.0}
NONLINEAR = [name for name in DEVICES if name != "linear"]


@pytest.mark.parametrize("v0", [0.25, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001])
def test_steep_laws_converge(v0):
    """1 V, ten decades between cells: measured 20 steps at most, and 9e-13 of Kirchhoff's laws."""
    for shape in ((1, 1), (3, 5), (9, 16), (32, 32)):
        for ohms in (0.1, 1.0, 10.0, 100.0):
            rng = np.random.default_rng([shape[0], int(10 * ohms)])
            g = 10 ** -rng.uniform(3, 13, shape)
            crossbar = Crossbar(g, word_wire=ohms, bit_wire=ohms, driver=ohms, sense=ohms, device=Sinh(v0))
            volts = rng.uniform(0.1, 1, shape[0]) * rng.choice([-1, 1], shape[0])
            solution = xbarsim.solve(crossbar, volts)
            assert solution.residual < 1e-11
            assert violation(crossbar, volts, solution) < 1e-11
            assert solution.iterations <= 30


@pytest.mark.parametrize("device", [Selector(1e-12, 0.002), Yakopcic(1e-6, 1e-9, 200.0), Sinh(0.003)], ids=repr)
def test_tall_and_flat_arrays(device):
    """One line, or lines of one cell: loops over segments that there are none of."""
    for shape in ((1, 1), (1, 40), (40, 1), (2, 33)):
        rng = np.random.default_rng(shape)
        crossbar = Crossbar(10 ** -rng.uniform(3, 7, shape), **WIRES, device=device)
        volts = rng.uniform(-1, 1, shape[0])
        assert violation(crossbar, volts, xbarsim.solve(crossbar, volts)) < 1e-11


ABSURD = {
    "1e5 V on 1 mV cells": (Sinh(1e-3), 1e5, 1.0),
    "1e300 V": (Sinh(0.1), 1e300, 1.0),
    "cells of 1e-300 S": (Sinh(0.1), 1.0, 1e-296),
    "cells of 1e5 S": (Sinh(0.1), 1.0, 1e9),
    "1e300 V on transistors": (Transistor(1.0), 1e300, 1.0),
    "1e300 V on selectors": (Selector(1e-9, 0.05), 1e300, 1.0),
    "v0 of 1e-300 V": (Sinh(1e-300), 1.0, 1.0),
    "i0 of 1e-300 A": (Selector(1e-300, 0.1), 1.0, 1.0),
    "kp of 1e300": (Transistor(1.0, kp=1e300), 1.0, 1.0),
    "gate of 1e300 V": (Transistor(1e300), 1.0, 1.0),
}


@pytest.mark.parametrize("case", ABSURD)
@pytest.mark.parametrize("wires", [WIRES, {}], ids=["wired", "ideal"])
def test_absurd_values(case, wires):
    """Overflow, or a warning from numpy, in place of an answer or an error."""
    device, volts, siemens = ABSURD[case]
    g = 10 ** np.random.default_rng(0).uniform(-6, -4, (4, 5)) * siemens
    crossbar, volts = Crossbar(g, **wires, device=device), volts * np.array([0.3, -0.2, 1.0, 0.7])
    try:
        solution = xbarsim.solve(crossbar, volts)
    except XbarsimError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert all(np.isfinite(solution.end_currents[side]).all() for side in SIDES)
    assert violation(crossbar, volts, solution) < 1e-8


@pytest.mark.slow
def test_no_convergence_names_the_worst_cell():
    """A law of slope 0 leaves Newton without a direction."""

    def lost(v, g, k):
        return g * v, k * g

    slope = np.ones((4, 5))
    slope[2, 3] = 1e-9
    crossbar = Crossbar(np.full((4, 5), 1e-4), **WIRES, device=Law(lost, k=slope))
    with pytest.raises(ConvergenceError, match=r"cell \[2, 3\].*vector 0"):
        xbarsim.solve(crossbar, [[0.1, 0.2, 0.3, 0.4], [0.0] * 4])


@pytest.mark.parametrize("name", NONLINEAR)
def test_nothing_to_do(name):
    """No sources, or no cells."""
    g = 10 ** np.random.default_rng(0).uniform(-6, -4, (4, 5))
    for conductance, volts in ((g, np.zeros(4)), (np.zeros((4, 5)), np.ones(4))):
        solution = xbarsim.solve(Crossbar(conductance, **WIRES, device=DEVICES[name]), volts)
        assert not any(solution.end_currents[side].any() for side in SIDES)
        np.testing.assert_array_equal(solution.word_voltages, np.repeat(volts[:, None], 5, axis=1))
        assert not solution.bit_voltages.any()
        assert solution.power == 0


@pytest.mark.parametrize("name", NONLINEAR)
def test_islands(name):
    """Lines without any source: NaN, named, no current; lines that hang on cells only: settled by them."""
    g = 10 ** np.random.default_rng(0).uniform(-6, -4, (4, 5))
    g[1] = 0.0
    crossbar = Crossbar(g, **(WIRES | {"driver": [1.0, OPEN, 1.0, OPEN]}), device=DEVICES[name])
    solution = xbarsim.solve(crossbar, [0.3, 9.0, -0.2, 9.0])
    assert solution.floating == [f"w[1, {j}]" for j in range(5)]
    assert np.isnan(solution.word_voltages[1]).all()
    assert np.isfinite(solution.word_voltages[[0, 2, 3]]).all()
    assert not solution.device_currents[1].any()
    assert not solution.end_currents["word_left"][[1, 3]].any()
    assert np.isfinite(solution.power)
    lost = Crossbar(g, **(WIRES | {"driver": OPEN, "sense": OPEN}), device=DEVICES[name])
    solution = xbarsim.solve(lost, np.ones(4))
    assert len(solution.floating) == 40
    assert not solution.currents.any()


def test_gates_that_cut_off_what_broken_wires_left():
    """A piece of line that only cut-off cells touch has no voltage: NaN, and named."""
    gate = np.array([[2.0], [-9.0], [2.0], [-9.0]])
    wires = np.ones((4, 4))
    wires[1, 1] = OPEN
    g = 10 ** np.random.default_rng(0).uniform(-6, -4, (4, 5))
    crossbar = Crossbar(g, **(WIRES | {"word_wire": wires}), device=Transistor(gate))
    volts = np.array([0.3, -0.2, 1.0, 0.7])
    solution = xbarsim.solve(crossbar, volts)
    assert solution.floating == ["w[1, 2]", "w[1, 3]", "w[1, 4]"]
    assert np.isnan(solution.word_voltages[1, 2:]).all()
    assert not solution.device_currents[[1, 3]].any()
    on = Crossbar(np.where(gate < 0, 0.0, g), **(WIRES | {"word_wire": wires}), device=Transistor(2.0))
    np.testing.assert_allclose(solution.currents, xbarsim.solve(on, volts).currents, rtol=1e-13)
    batch = xbarsim.solve(crossbar, [volts, volts / 2], fields=True)
    assert batch.floating == solution.floating
    assert np.isnan(batch.word_voltages[:, 1, 2:]).all()


def test_columns_that_are_off_and_not_read():
    gate = np.array([2.0, -9.0, 2.0])
    crossbar = Crossbar(np.full((2, 3), 1e-4), **(WIRES | {"sense": [1.0, OPEN, 1.0]}), device=Transistor(gate))
    solution = xbarsim.solve(crossbar, [0.5, 0.4])
    assert solution.floating == ["b[0, 1]", "b[1, 1]"]
    assert solution.currents[1] == 0
    assert (solution.currents[[0, 2]] > 1e-6).all()


@pytest.mark.parametrize("name", ["sinh", "selector"])
def test_a_line_that_carries_nothing(name):
    """One cell, its bit line open: no current flows, and that is the answer."""
    solution = xbarsim.solve(Crossbar([[1e-4]], driver=1.0, sense=OPEN, device=DEVICES[name]), [0.97])
    np.testing.assert_allclose(solution.currents, 0.0, atol=1e-18)
    np.testing.assert_allclose(solution.bit_voltages, 0.97, rtol=1e-12)


@pytest.mark.parametrize("name", ["sinh", "selector", "yakopcic", "table", "transistor"])
def test_an_array_at_rest(name):
    """Every line at V/2: a scheme's idle state. Next to other vectors in a batch it fails them all."""
    g = 10 ** np.random.default_rng(0).uniform(-6, -3, (4, 5))
    ends = {"bit_bottom": LineEnds(0.4, 1.0)}
    crossbar = Crossbar(g, word_wire=1.0, bit_wire=1.0, driver=1.0, ends=ends, device=DEVICES[name])
    solution = xbarsim.solve(crossbar, np.full(4, 0.4))
    np.testing.assert_allclose(solution.currents, 0.0, atol=1e-16)


@pytest.mark.parametrize("device", [None, DEVICES["transistor"]], ids=["linear", "transistor"])
def test_a_short_dead_end(device):
    """Rows without a driver, on an ideal bit line: their cells carry nothing. Even linear cells fail."""
    crossbar = Crossbar(
        [[2.2302650788251912e-05], [0.0002611031929549407], [2.92980501225082e-05], [0.00014568860764868307]],
        driver=[1.8818845688789718, OPEN, 55.468591341102254, OPEN],
        ends={"bit_bottom": LineEnds(-0.3, 59392.12561353169)},
        device=device,
    )
    solution = xbarsim.solve(crossbar, [0.15, -0.15, -0.67, -1.02], method="newton")
    np.testing.assert_allclose(solution.end_currents["word_left"][[1, 3]], 0.0, atol=1e-18)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_bit_line_that_is_not_read(rows):
    """1T1R, a floating bit line, rows above gate - vto: it charges until the transistors cut off. No current then."""
    crossbar = Crossbar(
        np.tile([1e-5, 2e-5], (rows, 1)), **(WIRES | {"sense": [OPEN, 1.0]}), device=Transistor(1.0, lam=0.05)
    )
    solution = xbarsim.solve(crossbar, np.linspace(1.0, 0.9, rows))
    assert abs(solution.currents[0]) < 1e-15
    read = Crossbar(np.full((rows, 1), 2e-5), driver=1.0, bit_wire=1.0, sense=1.0, device=Transistor(1.0, lam=0.05))
    known = xbarsim.solve(read, np.linspace(1.0, 0.9, rows)).currents
    np.testing.assert_allclose(solution.currents[1:], known, rtol=1e-3)
    assert solution.iterations < 50


def test_advice_that_can_be_taken():
    crossbar = Crossbar(
        [[5.626550248632213e-05, 4.602683755793719e-06], [1.460304336225276e-05, 2.55606625895225e-07]],
        driver=[2.5826755428188646, 4.439565786560969],
        sense=OPEN,
        device=Transistor(0.52966456, 0.00026679, 0.65390073),
    )
    with pytest.raises(ConvergenceError) as caught:
        xbarsim.solve(crossbar, [-0.6240290216206393, -0.8003329114763625])
    assert "kron" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "message"),
    [
        (lambda v, g: (-g * v, -g), "falls as the voltage rises"),
        (lambda v, g: (g * v, -g), "falls as the voltage rises"),
        (lambda v, g: (g * v, np.nan), "not a finite number"),
        (lambda v, g: (g * v, np.inf), "not a finite number"),
        (lambda v, g: (g * (v - 4 * v**3), g * (1 - 12 * v * v)), "falls as the voltage rises"),
        (lambda v, g: (g * v + 1e-9, g), r"cell \[0, 0\] a current of 1e-09 A at 0 V"),
        (lambda v, g: (np.nan, g), r"cell \[0, 0\] a current of nan A at 0 V"),
    ],
    ids=["negative", "negative slope", "NaN slope", "infinite slope", "falls beyond 0.3 V", "offset", "NaN"],
)
def test_laws_that_are_no_law(law, message):
    """Bad laws, with the cell named, in one line."""
    crossbar = Crossbar(np.full((2, 3), 1e-4), **WIRES, device=Law(law))
    with pytest.raises(XbarsimError, match=message) as caught:
        xbarsim.solve(crossbar, [0.5, 1.0])
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_law_with_a_wrong_slope_is_slow_or_refused_but_never_wrong():
    crossbar = Crossbar(np.full((2, 3), 1e-4), **WIRES)
    known = xbarsim.solve(crossbar, [0.5, 1.0]).currents
    for law in (lambda v, g: (g * v, 2 * g), lambda v, g: (g * v, g / 100), lambda v, g: (g * v, 0.0 * g)):
        crossbar = Crossbar(np.full((2, 3), 1e-4), **WIRES, device=Law(law))
        try:
            currents = xbarsim.solve(crossbar, [0.5, 1.0]).currents
        except XbarsimError:
            continue
        np.testing.assert_allclose(currents, known, rtol=1e-9)


def limited(v, g):
    if v > 0.1:
        raise ValueError("beyond the law")
    return g * v, g


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_law_that_raises():
    """A wrong number without a word: 0 A and a residual of 0."""
    crossbar = Crossbar([[1e-4, 2e-4]], driver=1.0, sense=1.0, device=Law(limited))
    with pytest.raises(XbarsimError):
        xbarsim.solve(crossbar, [0.3])


def test_a_table_near_zero():
    """A curve's slope at 0 V must hold on both sides of it, at 1e-12 V too."""
    table = Table([-1.0, -0.5, 0.5, 1.0], [-1.0, -0.1, 0.1, 1.0])
    g = np.array([[1e-4, 3e-5]])
    for volts in (1e-12, -1e-12):
        currents = table.current(g, volts)
        np.testing.assert_allclose(currents, g * volts, rtol=1e-9)


def test_a_table_with_a_flat_tail():
    """The last point's slope is 0 here by the three-point formula; the law must stay flat, not fall by 1e-21 S."""
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        x = np.sort(rng.uniform(0.05, 0.9, 5))
        y = np.cumsum(rng.exponential(size=5) * rng.choice([0.01, 1.0], 5)) * 1e-4
        table = Table(np.concatenate([-x[::-1], x]), np.concatenate([-y[::-1], y]))
        try:
            with pytest.warns(ExtrapolationWarning):
                xbarsim.solve(Crossbar([[1e-4]], device=table), [1.1])
        except XbarsimError:
            refused += 1
    assert refused == 0


def test_a_circuit_in_which_nothing_flows():
    """Drivers see open cells alone; Newton's steps come down to 1e-190 A, and that is no violation."""
    crossbar = Crossbar(
        [[0.0, 0.0, 0.0, 0.0, 4.43e-07], [0.0, 1.44e-06, 1.1e-4, 0.0, 3.99e-05]],
        word_wire=[[0.0, 0.0, OPEN, 12.9], [OPEN, 0.0, 10.6, 0.0]],
        bit_wire=[[12.1, OPEN, OPEN, OPEN, 0.0]],
        driver=[7431.282280389679, 6996.433834383555],
        sense=[0.127, 0.55, 0.61, 2.3, 3.4],
        ends={"word_right": LineEnds(0.0, [OPEN, 10.327])},
        device=DEVICES["law"],
    )
    solution = xbarsim.solve(crossbar, [-0.16577054438662947, -0.2097339360718198])
    assert not any(np.abs(solution.end_currents[side]).max() > 1e-15 for side in SIDES)


def test_currents_that_underflow():
    """A piece of line that discharges through transistors down to 1e-310 A."""
    crossbar = Crossbar(
        [[0.0, 0.0005489676745147233, 9.073368025149906e-07, 2.8657626938251117e-05]],
        word_wire=[[OPEN, 1.7389229876094188, 0.17387431413492913]],
        driver=2676.1844817590786,
        ends={
            "bit_top": LineEnds(0.0, [0.19470734394682687, 8.575107543305489, 8.250925896693943, 23.523545073574233]),
            "bit_bottom": LineEnds([-0.3, 0.25, 0.25, 0.0], 0.0),
        },
        device=Transistor(
            [[1.7764360903959546, 0.34757429272163654, -0.013672357522288903, 1.4157415266247195]],
            [[4.430274861885e-05, 0.0001804538548636599, 5.2506323020225926e-05, 0.0004133509659461172]],
            [[0.3274317031662016, 0.3533076127351803, 0.3030057291272808, 0.4222423098168939]],
        ),
    )
    solution = xbarsim.solve(crossbar, [-1.1687908418055657])
    np.testing.assert_allclose(solution.end_currents["word_left"], 0.0, atol=1e-15)
