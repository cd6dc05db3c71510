"""xbarsim.solvers.reference against 60-digit nodal analysis and the problem bank. All else is measured against it."""

import mp_reference
import numpy as np
import pytest
from drawn_crossbars import crossbars, outermost_ends, sample_crossbar, source_voltages
from hypothesis import given, settings
from mpmath import mpf
from problems import OPEN, PROBLEMS, SIDES

from xbarsim import Crossbar, LineEnds, reference
from xbarsim.errors import InputError, SolveError

EPS = np.finfo(float).eps


def relative_errors(computed, exact):
    """Componentwise; an exact 0 comes out of 60 digits as 1e-60 of its terms: below 1e-36 all count as 0."""
    return [
        float(abs(mpf(float(c)) - e) / max(abs(e), mpf("1e-36")))
        for c, e in zip(np.ravel(computed), np.ravel(exact), strict=True)
    ]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_the_problem_bank(problem):
    """A wrong sign, unit, end or axis of the reference, or of the bank itself."""
    solution = reference.solve(problem.crossbar, problem.voltages)
    exact = mp_reference.solve(problem.crossbar, problem.voltages)
    largest = max(np.abs(solution.end_currents[side]).max() for side in SIDES)
    for side, known in problem.end_currents.items():
        # The answers are decimal fractions: each carries the rounding of a dozen inputs.
        np.testing.assert_allclose(solution.end_currents[side], known, rtol=0, atol=32 * EPS * largest)
        np.testing.assert_allclose(exact.end_currents[side].astype(float), known, rtol=0, atol=32 * EPS * largest)
    for known, computed in (
        (problem.word_voltages, solution.word_voltages),
        (problem.bit_voltages, solution.bit_voltages),
    ):
        if known is not None:
            np.testing.assert_allclose(computed, known, rtol=0, atol=32 * EPS * np.abs(known).max())


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True)
@given(crossbars())
def test_every_digit_against_60(drawn):
    """A subtraction, a lost coupling or a wrong merge in the elimination: some digit is lost."""
    crossbar, voltages = drawn
    try:
        exact = mp_reference.solve(crossbar, voltages)
    except ValueError:
        with pytest.raises(SolveError, match="joined by 0 ohm"):
            reference.solve(crossbar, voltages)
        return
    solution = reference.solve(crossbar, voltages)
    # All arithmetic is on positive numbers, so roundings add up and never grow: a few for each node.
    tolerance = 2 * (2 * crossbar.conductance.size + 16) * EPS
    boundary, outermost = crossbar.boundary, outermost_ends(crossbar, voltages)
    for side in SIDES:
        chosen = outermost[side]
        errors = relative_errors(solution.end_currents[side][chosen], exact.end_currents[side][chosen])
        assert max(errors, default=0) < tolerance
        assert not solution.end_currents[side][np.isinf(boundary[side].resistance)].any()
    sources = np.concatenate(list(source_voltages(crossbar, voltages).values()))
    for ours, theirs in (
        (solution.word_voltages, exact.word_voltages),
        (solution.bit_voltages, exact.bit_voltages),
    ):
        rounded = mp_reference.floats(theirs)
        floating = np.isnan(rounded)
        np.testing.assert_array_equal(np.isnan(ours), floating)
        if sources.min() >= 0:
            assert max(relative_errors(ours[~floating], theirs[~floating]), default=0) < tolerance
        else:
            np.testing.assert_allclose(ours, rounded, rtol=0, atol=tolerance * abs(sources).max())


def test_each_current_is_what_it_says():
    """A transposed answer, or a device current of the wrong sign."""
    crossbar = sample_crossbar(3, 5, 3, four_sides=True)
    solution = reference.solve(crossbar, [1.0, -0.3, 0.2, 0.8, 0.1])
    ends = solution.end_currents
    assert [ends[side].shape for side in SIDES] == [(5,), (5,), (3,), (3,)]
    scale = 64 * EPS * max(np.abs(ends[side]).max() for side in SIDES)
    along_rows, along_cols = solution.device_currents.sum(axis=1), solution.device_currents.sum(axis=0)
    np.testing.assert_allclose(along_rows, -ends["word_left"] - ends["word_right"], rtol=0, atol=scale)
    np.testing.assert_allclose(along_cols, ends["bit_top"] + ends["bit_bottom"], rtol=0, atol=scale)


def test_joined_ends_share_their_current():
    """0 ohm from end to end: only the line's total is defined, and each end has an equal part of it."""
    crossbar = Crossbar([[1e-3, 2e-3], [3e-3, 5e-3]], ends={"bit_top": LineEnds(0.0, [0.0, OPEN])})
    solution = reference.solve(crossbar, [1.0, 2.0])
    assert solution.joined == [[("bit_top", 0), ("bit_bottom", 0)]]
    np.testing.assert_allclose(solution.end_currents["bit_top"], [3.5e-3, 0.0], rtol=4 * EPS)
    np.testing.assert_allclose(solution.end_currents["bit_bottom"], [3.5e-3, 12e-3], rtol=4 * EPS)


def test_joined_ends_must_agree():
    """A short circuit of ideal sources has no solution; the message names both ends and both voltages."""
    crossbar = Crossbar([[1e-3, 2e-3]], ends={"word_right": LineEnds(0.5, 0.0)})
    with pytest.raises(SolveError, match=r"ends word_left\[0\] and word_right\[0\] .* hold 1 V and 0.5 V"):
        reference.solve(crossbar, [1.0])


def test_islands_are_listed():
    """Cells that only see each other: NaN, no current, and by name."""
    crossbar = Crossbar(
        [[1e-3, 0.0, 2e-3], [0.0, 4e-3, 0.0]],
        driver=[1.0, OPEN],
        sense=[1.0, OPEN, 2.0],
        word_wire=[[0.0, 0.0], [OPEN, OPEN]],
    )
    solution = reference.solve(crossbar, [1.0, 1.0])
    assert solution.floating == ["w[1, 0]", "w[1, 1]", "w[1, 2]", "b[0, 1]", "b[1, 1]"]
    assert np.isnan(solution.word_voltages[1]).all()
    assert not solution.device_currents[1].any()
    assert np.isfinite(solution.end_currents["word_left"]).all()


@pytest.mark.parametrize(
    ("voltages", "message"),
    [
        ([1.0], r"voltages has shape \(1,\): .* \(2,\)"),
        ([[1.0, 2.0]], r"voltages has shape \(1, 2\)"),
        ([1.0, np.nan], r"voltages\[1\] is nan"),
        (["a", "b"], "voltages must be real numbers"),
    ],
)
def test_bad_voltages(voltages, message):
    with pytest.raises(InputError, match=message):
        reference.solve(Crossbar([[1e-3], [2e-3]]), voltages)


def test_large_arrays_are_refused():
    """Before the table of 4,000 x 4,000 couplings is made."""
    with pytest.raises(InputError, match=r"50 x 50 crossbar has 5100 nodes and sources"):
        reference.solve(Crossbar(np.full((50, 50), 1e-4)), np.ones(50))
