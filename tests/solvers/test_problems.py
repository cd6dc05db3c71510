"""Every method on the circuits with known answers."""

import numpy as np
import pytest
from problems import METHODS, OPEN, PROBLEMS, SIDES

import xbarsim

# The answers are decimal fractions, so each carries the rounding of a dozen inputs; a solver adds its own
# few. 1e-13 of the largest is 450 roundings, and far below any mistake of the circuit.
RELATIVE = 1e-13


def close(computed, known, largest):
    np.testing.assert_allclose(computed, known, rtol=0, atol=RELATIVE * largest)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_known_answers(problem, method):
    """A wrong sign, unit, side or axis of a method: no entry of the bank is symmetric in rows and columns."""
    solution = xbarsim.solve(problem.crossbar, problem.voltages, method=method)
    largest = max(np.abs(known).max() for known in problem.end_currents.values())
    for side in SIDES:
        known = problem.end_currents.get(side)
        if known is not None:
            close(solution.end_currents[side], known, largest)
        else:  # the bank leaves out sides that are open throughout
            assert np.isinf(problem.crossbar.boundary[side].resistance).all()
            assert not np.any(solution.end_currents[side])
    for known, computed in (
        (problem.word_voltages, solution.word_voltages),
        (problem.bit_voltages, solution.bit_voltages),
    ):
        if known is not None:
            close(computed, known, np.abs(problem.voltages).max())
    assert solution.floating == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_solution_is_consistent(problem, method):
    """Fields that disagree with each other: currents, device currents, residual, floating."""
    solution = xbarsim.solve(problem.crossbar, problem.voltages, method=method)
    rows, cols = problem.crossbar.shape
    assert solution.currents.shape == (cols,)
    np.testing.assert_array_equal(solution.currents, solution.end_currents["bit_bottom"])
    assert {side: solution.end_currents[side].shape for side in SIDES} == {
        "word_left": (rows,),
        "word_right": (rows,),
        "bit_top": (cols,),
        "bit_bottom": (cols,),
    }
    for field in ("word_voltages", "bit_voltages", "device_currents"):
        assert getattr(solution, field).shape == (rows, cols)
    drop = solution.word_voltages - solution.bit_voltages
    # A device current may come from running sums instead: right to some roundings of the largest terms.
    volts = max(np.abs(solution.word_voltages).max(), np.abs(solution.bit_voltages).max())
    close(
        solution.device_currents,
        problem.crossbar.conductance * drop,
        problem.crossbar.conductance.max() * volts,
    )
    assert 0 <= solution.residual < 1e-12
    assert isinstance(solution.residual, float)
    assert np.ndim(solution.power) == 0
    assert np.ndim(solution.iterations) == 0


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_methods_agree_without_voltages(problem):
    """All sources at 0 V: exactly nothing flows, and the residual of nothing is 0, not 0/0."""
    crossbar = problem.crossbar
    if any(np.any(tied.voltage != 0) for tied in crossbar.ends.values()):
        return
    for method in METHODS:
        solution = xbarsim.solve(crossbar, np.zeros(crossbar.shape[0]), method=method)
        assert not any(np.any(solution.end_currents[side]) for side in SIDES)
        assert solution.residual == 0
        assert solution.power == 0


@pytest.mark.parametrize("method", METHODS)
def test_integer_and_boolean_data(method):
    """An integer array that is not converted would truncate or overflow."""
    solution = xbarsim.solve(
        xbarsim.Crossbar([[1, 2], [3, 4]], driver=0, sense=[0, OPEN]), [True, False], method=method
    )
    close(solution.currents, [1.0, 0.0], 1.0)
