"""Effective maps: the whole linear circuit as one matrix, and all its ends as one admittance."""

import dataclasses

import numpy as np
import pytest
from drawn_crossbars import sample_crossbar, sample_voltages, source_voltages
from problems import OPEN, PROBLEMS, SIDES

import xbarsim
from xbarsim import Crossbar, LineEnds, effective
from xbarsim.errors import ConvergenceError, InputError, SolveError

SHAPES = [(1, 1), (1, 13), (19, 1), (2, 3), (16, 16), (17, 33), (40, 11)]


def sourceless(problem):
    return not any(np.any(tied.voltage != 0) for tied in problem.crossbar.ends.values())


@pytest.mark.parametrize("problem", [p for p in PROBLEMS if sourceless(p)], ids=lambda p: p.name)
def test_known_answers(problem):
    """A map that is transposed, or that differs from the circuit it stands for."""
    g_eff = xbarsim.effective_conductance(problem.crossbar)
    assert g_eff.shape == problem.crossbar.shape
    scale = np.abs(problem.voltages) @ np.abs(g_eff)
    np.testing.assert_allclose(problem.voltages @ g_eff, problem.currents, rtol=0, atol=1e-13 * scale.max())


@pytest.mark.parametrize("shape", SHAPES)
def test_map_times_vector_is_solve(shape):
    """A wrong merge at some odd size. All is positive here, so each component has all its digits."""
    crossbar = sample_crossbar(31, *shape)
    volts = np.abs(sample_voltages(32, 3, shape[0]))
    g_eff = xbarsim.effective_conductance(crossbar)
    assert (g_eff > 0).all()
    solved = xbarsim.solve(crossbar, volts, method="schur")
    # The map's rounding, and that of an iteration stopped at 1e-13 of the largest current.
    np.testing.assert_allclose(volts @ g_eff, solved.currents, rtol=1e-12, atol=1e-12 * solved.currents.max())


def test_ideal_wires_give_the_conductances_back():
    """0 ohm that is taken for a small resistance."""
    g = sample_crossbar(33, 9, 14).conductance
    np.testing.assert_allclose(xbarsim.effective_conductance(Crossbar(g)), g, rtol=16 * np.finfo(float).eps)


def test_wires_take_current_away():
    """With positive ohms no row of the map can carry more than its cells."""
    crossbar = sample_crossbar(34, 21, 18)
    g_eff = xbarsim.effective_conductance(crossbar)
    assert (g_eff.sum(axis=1) < crossbar.conductance.sum(axis=1)).all()


def test_open_rows_and_columns():
    """Undriven rows and unread columns have exact zeros, and still carry sneak currents for the others."""
    crossbar = sample_crossbar(35, 6, 5)
    g_eff = xbarsim.effective_conductance(
        dataclasses.replace(
            crossbar,
            driver=np.where(np.arange(6) == 2, OPEN, crossbar.driver),
            sense=np.where(np.arange(5) == 4, OPEN, crossbar.sense),
        )
    )
    assert not g_eff[2].any()
    assert not g_eff[:, 4].any()
    assert (np.delete(np.delete(g_eff, 2, axis=0), 4, axis=1) > 0).all()


def test_offset():
    """With end sources the map is affine: a lost or doubled constant."""
    crossbar = sample_crossbar(36, 12, 7, four_sides=True)
    volts = sample_voltages(37, 4, 12)
    g_eff, i0 = xbarsim.effective_conductance(crossbar, offset=True)
    assert g_eff.shape == (12, 7)
    assert i0.shape == (7,)
    solved = xbarsim.solve(crossbar, volts)
    scale = max(np.abs(solved.end_currents[side]).max() for side in SIDES)
    np.testing.assert_allclose(volts @ g_eff + i0, solved.currents, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(i0, xbarsim.solve(crossbar, np.zeros(12)).currents, rtol=0, atol=1e-12 * scale)


def test_offset_of_a_plain_array_is_zero():
    g_eff, i0 = xbarsim.effective_conductance(sample_crossbar(38, 5, 6), offset=True)
    assert g_eff.shape == (5, 6)
    assert not i0.any()


def test_end_sources_ask_for_the_offset():
    """Dropping them in silence would give wrong currents."""
    crossbar = Crossbar([[1e-3, 2e-3]], ends={"bit_top": LineEnds([0.0, 0.3], 10.0)})
    with pytest.raises(InputError, match="offset"):
        xbarsim.effective_conductance(crossbar)


def test_conflicting_ends_have_no_map():
    """word_left varies while word_right is tied to it by 0 ohm and held."""
    crossbar = Crossbar([[1e-3, 2e-3]], ends={"word_right": LineEnds(0.0, 0.0)})
    with pytest.raises(SolveError, match=r"word_left\[0\].*word_right\[0\]"):
        xbarsim.effective_conductance(crossbar)


def test_ports_are_the_ends_that_are_not_open():
    """The order is part of the contract: word_left, word_right, bit_top, bit_bottom, each by line."""
    crossbar = Crossbar(
        np.full((2, 3), 1e-3),
        driver=[1.0, OPEN],
        sense=[0.0, 2.0, OPEN],
        ends={"bit_top": LineEnds(1.0, [OPEN, 3.0, 0.0])},
    )
    assert [tuple(port) for port in effective.ports(crossbar)] == [
        ("word_left", 0),
        ("bit_top", 1),
        ("bit_top", 2),
        ("bit_bottom", 0),
        ("bit_bottom", 1),
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_port_admittance(shape):
    """Symmetric, no current where all ends are alike, no negative coupling, and the same circuit as solve."""
    crossbar = sample_crossbar(39, *shape, four_sides=True)
    y = xbarsim.port_admittance(crossbar)
    ports = effective.ports(crossbar)
    assert y.shape == (2 * sum(shape),) * 2
    assert len(ports) == len(y)
    largest = np.abs(y).max()
    np.testing.assert_allclose(y, y.T, rtol=0, atol=1e-15 * largest)
    assert (y[~np.eye(len(y), dtype=bool)] <= 0).all()
    # Each row is a sum of len(y) numbers whose rounding is that of the diagonal.
    np.testing.assert_allclose(y.sum(axis=1), 0, rtol=0, atol=len(y) * np.finfo(float).eps * largest)

    volts = sample_voltages(40, shape[0])
    held = source_voltages(crossbar, volts)
    into = y @ np.array([held[side][line] for side, line in ports])
    solved = xbarsim.solve(crossbar, volts)
    out = np.array([solved.end_currents[side][line] for side, line in ports])
    np.testing.assert_allclose(into, -out, rtol=0, atol=1e-12 * np.abs(out).max())


def test_port_admittance_holds_the_map():
    """The block from word_left to bit_bottom is the effective map, as current into the network: negative."""
    crossbar = sample_crossbar(41, 7, 4)
    y = xbarsim.port_admittance(crossbar)
    g_eff = xbarsim.effective_conductance(crossbar)
    np.testing.assert_allclose(-y[:7, 7:], g_eff, rtol=1e-12)


def test_port_admittance_of_islands():
    """An end on a line that leads nowhere: a row of zeros, not a failed factorisation."""
    y = xbarsim.port_admittance(Crossbar([[0.0, 0.0], [1e-3, 0.0]], driver=1.0, sense=[1.0, 2.0]))
    known = np.zeros((4, 4))
    known[np.ix_([1, 2], [1, 2])] = 1 / 1002 * np.array([[1, -1], [-1, 1]])
    np.testing.assert_allclose(y, known, rtol=1e-14)


def test_joined_ports_have_no_admittance():
    """Between ends that 0 ohm joins the admittance is infinite: they are named."""
    crossbar = Crossbar([[1e-3, 2e-3]], sense=0.0, ends={"bit_top": LineEnds(0.0, [5.0, 0.0])})
    with pytest.raises(SolveError, match=r"bit_top\[1\].*bit_bottom\[1\]"):
        xbarsim.port_admittance(crossbar)


def test_a_random_circuit_with_broken_parts():
    """Islands, 0 ohm and open cells in one map: every entry against its own column of the reference."""
    rng = np.random.default_rng(42)
    crossbar = Crossbar(
        np.where(rng.random((7, 9)) < 0.5, 0.0, 10 ** rng.uniform(-6, -3, (7, 9))),
        word_wire=rng.choice([0.0, 2.0, OPEN], (7, 8), p=[0.3, 0.5, 0.2]),
        bit_wire=rng.choice([0.0, 3.0, OPEN], (6, 9), p=[0.3, 0.5, 0.2]),
        driver=rng.choice([0.0, 5.0, OPEN], 7, p=[0.4, 0.4, 0.2]),
        sense=rng.choice([0.0, 7.0, OPEN], 9, p=[0.4, 0.4, 0.2]),
    )
    g_eff = xbarsim.effective_conductance(crossbar)
    rows = [xbarsim.solve(crossbar, one, method="reference").currents for one in np.eye(7)]
    # Behind a short of 0 ohm, which may be taken as 1e-30, what is 0 comes out as some 1e-30 of a cell.
    np.testing.assert_allclose(g_eff, rows, rtol=1e-12, atol=1e-30)


@pytest.mark.parametrize("function", [xbarsim.effective_conductance, xbarsim.port_admittance])
def test_maps_are_verified(function, monkeypatch):
    """A map that is off by a millionth of the full solve must not be handed out."""
    honest = effective.by_schur

    def off(*arguments, **options):
        answer = honest(*arguments, **options)
        for amperes in answer.currents.values():
            amperes *= 1 + 1e-6
        return answer

    crossbar = sample_crossbar(43, 6, 9)
    function(crossbar)
    monkeypatch.setattr(effective, "by_schur", off)
    with pytest.raises(ConvergenceError, match="differs from a full solve"):
        function(crossbar)


@pytest.mark.parametrize("function", [xbarsim.effective_conductance, xbarsim.port_admittance])
def test_bad_arguments(function):
    with pytest.raises(InputError, match="crossbar"):
        function(np.eye(3))
