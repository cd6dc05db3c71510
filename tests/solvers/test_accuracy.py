"""How many digits are right: against the reference on drawn circuits, and against 60 digits on 8 x 8."""

import mp_reference
import numpy as np
import pytest
from drawn_crossbars import crossbars, grounded_ends, source_voltages
from hypothesis import given, settings
from mpmath import mpf
from problems import ALONE, METHODS, SIDES, solve_by

import xbarsim
from xbarsim import Crossbar, LineEnds, reference
from xbarsim.errors import InputError, SolveError

FAST = ("auto", "schur", "kron", ALONE)
EPS = np.finfo(float).eps

# Of the largest current: a reduction is direct, conjugate gradients stop a little above their rounding.
CURRENTS = {"auto": 1e-11, "schur": 1e-11, "kron": 1e-13, ALONE: 1e-11}


def volts_of(crossbar, voltages):
    """The largest of all source voltages."""
    return max(np.abs(held).max() for held in source_voltages(crossbar, voltages).values())


def line_totals(currents, joined):
    """End currents by side; joined ends, whose split is not defined, all stand for their total."""
    totals = {side: np.array(currents[side], dtype=float) for side in SIDES}
    for group in joined:
        total = sum(currents[side][line] for side, line in group)
        for side, line in group:
            totals[side][line] = total
    return totals


def reference_and(method, crossbar, voltages):
    """Both solutions, or None twice where sources conflict."""
    try:
        exact = reference.solve(crossbar, voltages)
    except SolveError:
        with pytest.raises(SolveError, match="joined by 0 ohm"):
            solve_by(method, crossbar, voltages)
        return None, None
    return exact, solve_by(method, crossbar, voltages)


@pytest.mark.slow
@pytest.mark.parametrize("method", FAST)
@settings(max_examples=100, deadline=None, derandomize=True)
@given(drawn=crossbars())
def test_end_currents_of_any_circuit(method, drawn):
    """Lost digits wherever ohms are 0, tiny, large or infinite next to each other, and open or tiny cells.

    At ``grounded_ends`` nothing cancels, down to the rounding of the largest current; 1e-10 leaves an
    iterative method some digits on the way there. Elsewhere terms of both signs may cancel, so only the scale
    of the largest current is sure. The split between joined ends is not defined: their total is compared.
    """
    crossbar, voltages = drawn
    exact, solution = reference_and(method, crossbar, voltages)
    if exact is None:
        return
    ours, theirs = (line_totals(s.end_currents, exact.joined) for s in (solution, exact))
    largest = max(np.abs(theirs[side]).max() for side in SIDES)
    grounded = grounded_ends(crossbar, voltages)
    for side in SIDES:
        chosen = grounded[side]
        np.testing.assert_allclose(ours[side][chosen], theirs[side][chosen], rtol=1e-10, atol=1e-16 * largest)
        # Where no current flows at all, g (v - u) of equal voltages leaves its rounding.
        noise = EPS * crossbar.conductance.max() * volts_of(crossbar, voltages)
        np.testing.assert_allclose(ours[side], theirs[side], rtol=0, atol=CURRENTS[method] * largest + noise)
    assert sorted(solution.floating) == sorted(exact.floating)


@pytest.mark.parametrize("method", FAST)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(drawn=crossbars())
def test_node_voltages_of_any_circuit(method, drawn):
    """A voltage outside its sources' range, a wrong one next to a right current, or a NaN in the wrong place.

    Each voltage is a mean of source voltages, so its scale is the largest of them.
    """
    crossbar, voltages = drawn
    exact, solution = reference_and(method, crossbar, voltages)
    if exact is None:
        return
    scale = volts_of(crossbar, voltages)
    for field in ("word_voltages", "bit_voltages"):
        np.testing.assert_allclose(
            getattr(solution, field), getattr(exact, field), rtol=0, atol=1e-10 * scale, err_msg=field
        )
    siemens = crossbar.conductance.max()
    np.testing.assert_allclose(solution.device_currents, exact.device_currents, rtol=0, atol=1e-10 * scale * siemens)


@pytest.mark.parametrize("method", FAST)
def test_a_line_that_hangs_by_a_thread(method):
    """Floating lines that strong cells join to each other and a 1 pS cell to the source: all are at 1 V.

    An iteration that stops on power or on currents sees next to nothing of a voltage that is wrong here.
    """
    crossbar = Crossbar(
        [[1e-12, 2e-5, 4e-5]],
        driver=np.inf,
        ends={"bit_bottom": LineEnds([1.0, 0.0, 0.0], [0.0, np.inf, np.inf])},
    )
    solution = solve_by(method, crossbar, [0.3])
    np.testing.assert_allclose(solution.word_voltages, 1.0, rtol=1e-10)
    np.testing.assert_allclose(solution.bit_voltages, 1.0, rtol=1e-10)
    np.testing.assert_allclose(solution.currents, 0.0, atol=1e-20)
    # Nothing flows, so there is nothing that a law could be violated by; 1 would cry wolf.
    assert solution.residual < 1e-9


@pytest.mark.parametrize("method", FAST)
def test_floating_lines_between_strong_and_weak_cells(method):
    """The same with current: row 1, undriven, hangs by 1e-12 S cells next to driven rows of 1e-2 S."""
    rng = np.random.default_rng(5)
    g = 10 ** rng.uniform(-4, -2, (4, 5))
    g[1] = 10 ** rng.uniform(-12, -11, 5)
    g[:, 3] = [1e-3, 2e-12, 5e-12, 3e-12]
    crossbar = Crossbar(
        g,
        word_wire=rng.uniform(0.1, 5, (4, 4)),
        bit_wire=rng.uniform(0.1, 5, (3, 5)),
        driver=[1.0, np.inf, 3.0, np.inf],
        sense=[0.5, 1.0, 2.0, np.inf, 0.1],
    )
    volts = [0.9, 0.0, 0.4, 0.0]
    solution = solve_by(method, crossbar, volts)
    exact = reference.solve(crossbar, volts)
    np.testing.assert_allclose(solution.currents, exact.end_currents["bit_bottom"], rtol=1e-12)
    np.testing.assert_allclose(solution.word_voltages, exact.word_voltages, rtol=1e-10)
    np.testing.assert_allclose(solution.bit_voltages, exact.bit_voltages, rtol=1e-10)


def seven_decades(seed, ohms):
    """8 x 8, cells over 7 decades, positive inputs."""
    rng = np.random.default_rng(seed)
    crossbar = Crossbar(
        10 ** rng.uniform(-9, -2, (8, 8)),
        word_wire=ohms(rng, (8, 7)),
        bit_wire=ohms(rng, (7, 8)),
        driver=ohms(rng, 8),
        sense=ohms(rng, 8),
    )
    return crossbar, rng.uniform(0.1, 1, 8)


def one_size(value):
    return lambda rng, shape: np.full(shape, value)


def fifteen_decades(rng, shape):
    values = 10 ** rng.uniform(-12, 3, shape)
    return np.where(rng.random(shape) < 0.2, 0.0, values)


def worst_error(currents, exact):
    return max(float(abs(mpf(float(c)) - e) / abs(e)) for c, e in zip(currents, exact, strict=True))


@pytest.mark.parametrize("method", [*METHODS, ALONE])
@pytest.mark.parametrize("ohms", [0.0, 1e-12, 1e-9, 1e-6, 1e-3, 1.0, 1e3])
def test_wires_of_one_size(method, ohms):
    """Conductances that are summed and subtracted: 1e-9 is lost at 1 uohm, and everything at 1e-12 ohm."""
    crossbar, voltages = seven_decades(1, one_size(ohms))
    exact = mp_reference.solve(crossbar, voltages)
    solution = solve_by(method, crossbar, voltages)
    assert worst_error(solution.currents, exact.end_currents["bit_bottom"]) < 1e-12


@pytest.mark.parametrize("method", [*METHODS, ALONE])
@pytest.mark.parametrize("seed", range(6))
def test_wires_of_all_sizes(method, seed):
    """The same where 0, 1e-12 and 1e3 ohm are neighbours."""
    crossbar, voltages = seven_decades(seed, fifteen_decades)
    exact = mp_reference.solve(crossbar, voltages)
    solution = solve_by(method, crossbar, voltages)
    assert worst_error(solution.currents, exact.end_currents["bit_bottom"]) < 1e-12


@pytest.mark.parametrize("method", [*METHODS, ALONE])
@pytest.mark.parametrize("seed", range(6, 10))
def test_four_sides_of_all_sizes(method, seed):
    """The same with all four sides tied, some lines floating, and 0 V at top and bottom."""
    crossbar, voltages = seven_decades(seed, fifteen_decades)
    rng = np.random.default_rng(seed + 100)
    open_third = np.where(rng.random(8) < 0.33, np.inf, 10 ** rng.uniform(-12, 3, 8))
    crossbar = Crossbar(
        crossbar.conductance,
        word_wire=crossbar.word_wire,
        bit_wire=crossbar.bit_wire,
        driver=np.where(rng.random(8) < 0.33, np.inf, crossbar.driver),
        sense=crossbar.sense,
        ends={
            "word_right": LineEnds(rng.uniform(0.1, 1, 8), open_third),
            "bit_top": LineEnds(0.0, open_third[::-1]),
        },
    )
    exact = mp_reference.solve(crossbar, voltages)
    solution = solve_by(method, crossbar, voltages)
    assert worst_error(solution.currents, exact.end_currents["bit_bottom"]) < 1e-12
    tied = np.isfinite(open_third[::-1])
    tops = solution.end_currents["bit_top"], exact.end_currents["bit_top"]
    assert worst_error(*(top[tied] for top in tops)) < 1e-12
    assert not np.any(tops[0][~tied])


@pytest.mark.parametrize("ohms", [1e-12, 1e-6, 1.0])
def test_effective_map_of_tiny_wires(ohms):
    """Each entry of the map is a sum of positive terms too, so each has all its digits."""
    crossbar, _ = seven_decades(3, one_size(ohms))
    g_eff = xbarsim.effective_conductance(crossbar)
    for row in (0, 5):
        exact = mp_reference.solve(crossbar, np.eye(8)[row])
        assert worst_error(g_eff[row], exact.end_currents["bit_bottom"]) < 1e-12


@pytest.mark.parametrize("siemens", [1e12, 1e16, 1e18])
def test_cells_that_are_shorts(siemens):
    """All lines are one node: a divider of drivers and senses. Rounded node voltages tell nothing of its cells."""
    crossbar = Crossbar(siemens * np.array([[1.0, 0.5], [0.7, 1.0], [0.2, 0.4]]), driver=[10.0, 20.0, 40.0], sense=5.0)
    node = (0.1 / 10 + 0.2 / 20 + 0.3 / 40) / (1 / 10 + 1 / 20 + 1 / 40 + 2 / 5)
    assert np.allclose(xbarsim.solve(crossbar, [0.1, 0.2, 0.3]).currents, node / 5, rtol=1e-11)
    if siemens > 1e15:
        with pytest.raises(SolveError, match=r"cells of \S+ S are shorts .*kron"):
            xbarsim.solve(crossbar, [0.1, 0.2, 0.3], method="schur")


@pytest.mark.parametrize("siemens", [1e19, 1e30, 1e308])
@pytest.mark.parametrize("call", [lambda crossbar: xbarsim.solve(crossbar, [0.1, 0.2]), xbarsim.effective_conductance])
def test_cells_beyond_what_0_ohm_is_in_a_reduction_are_refused(siemens, call):
    """Beside 0 ohm as 1e30 S, or in node voltages, they gave wrong currents of no residual."""
    with pytest.raises(InputError, match=r"conductance\[1, 0\] is 1e\+\d+ S: a cell has at most 1e\+18 S"):
        call(Crossbar([[1e-3, 2e-3], [siemens, 1e-3]]))
