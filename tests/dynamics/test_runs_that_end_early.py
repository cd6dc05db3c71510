"""Runs that cannot go on, and what bounds them: memory, what is kept, a caller that has enough."""

import numpy as np
import pytest
from dynamics_tools import circuit_of, run, voltage

from xbarsim import resources
from xbarsim.dynamics import integrate
from xbarsim.dynamics.step_equations import LinearStep
from xbarsim.errors import InputError, SolveError, TooLargeError
from xbarsim.netlist.analyses import Transient

LADDER = "v1 a 0 pulse(0 1 1u 0.1u 0.1u 1u 4u)\nr1 a b 1k\nc1 b 0 0.1n\nr2 b d 1k\nc2 d 0 0.1n"


def ladder():
    return circuit_of(LADDER, [1e-10] * 2)


@pytest.mark.slow
def test_a_state_that_grows_beyond_all_bounds():
    """``dx/dt = x^2`` from 1 reaches infinity at 1 s."""
    circuit = circuit_of("b1 0 x i=v(x)*v(x)\nc1 x 0 1", [1.0])
    solution = run(circuit, 2, uic=True, initial={"x": 1.0})
    assert not solution.complete
    assert "c1 (<text>:3) changes too fast" in solution.problem
    assert 0.99 < solution.times[-1] < 1.01
    early = solution.times < 0.5
    np.testing.assert_allclose(voltage(circuit, solution, "x")[early], 1 / (1 - solution.times[early]), rtol=1e-3)


def test_a_law_that_loses_its_value_in_time():
    circuit = circuit_of("b1 0 x i=sqrt(1-time)\nc1 x 0 1\nr1 x 0 1", [1.0])
    solution = run(circuit, 2, uic=True)
    assert not solution.complete
    assert 0.999 < solution.times[-1] <= 1.0
    assert solution.problem.startswith("at 1 s the step falls below the smallest")
    assert "b1 (<text>:2), node x, with 'a law has no finite value'" in solution.problem


def test_a_law_without_a_value_at_the_start():
    circuit = circuit_of("b1 0 x i=ln(v(x)-1)\nc1 x 0 1\nr1 x 0 1", [1.0])
    with pytest.raises(SolveError, match=r"at 0 s: .* at b1 .*no finite value"):
        run(circuit, 2, uic=True)


@pytest.mark.parametrize(
    ("times", "word"),
    [
        ({"step": 1.0, "stop": 0.0}, "stop is 0 s"),
        ({"step": 1.0, "stop": np.nan}, "stop is nan s"),
        ({"step": 0.0, "stop": 1.0}, "step is 0 s"),
        ({"step": 1.0, "stop": 1.0, "start": 2.0}, "start is 2 s"),
        ({"step": 1.0, "stop": 1.0, "largest": -1.0}, "longest step is -1 s"),
    ],
)
def test_times_that_make_no_run(times, word):
    with pytest.raises(InputError, match=word):
        integrate(ladder(), Transient(**times))


@pytest.mark.slow
def test_corners_are_points_and_steps_stay_below_the_longest():
    solution = run(ladder(), 1e-5, largest=3e-7)
    corners = [1e-6, 1.1e-6, 2.1e-6, 2.2e-6, 5e-6, 5.1e-6, 6.1e-6, 6.2e-6, 9e-6, 9.1e-6, 1e-5]
    assert all(np.abs(solution.times - corner).min() < 1e-18 for corner in corners)
    steps = np.diff(solution.times)
    assert steps.min() > 0
    assert steps.max() <= 3e-7 * (1 + 1e-9)
    assert solution.accepted == steps.size


@pytest.mark.slow
def test_only_what_is_kept_takes_room():
    circuit = ladder()
    whole = run(circuit, 1e-5)
    part = run(circuit, 1e-5, keep=(np.array([3, 1]), np.array([], np.int64)))
    np.testing.assert_array_equal(part.voltages, whole.voltages[:, [3, 1]])
    assert part.amperes.shape == (part.times.size, 0)


@pytest.mark.slow
def test_points_before_the_start_are_left_out():
    circuit = ladder()
    whole = run(circuit, 1e-5)
    late = integrate(circuit, Transient(2e-7, 1e-5, start=3e-6, largest=2e-7))
    assert late.times[0] <= 3e-6 < late.times[1]
    kept = whole.times >= late.times[0]
    np.testing.assert_array_equal(late.times, whole.times[kept])
    np.testing.assert_array_equal(late.voltages, whole.voltages[kept])


def test_a_caller_may_stop_it():
    shares = []

    def told(share):
        shares.append(share)
        return share > 0.4

    solution = integrate(ladder(), Transient(2e-7, 1e-5), progress=told)
    assert np.all(np.diff(shares) > 0)
    assert 0.4 < shares[-1] < 0.5
    assert not solution.complete
    assert solution.problem.startswith("stopped at 4")
    assert solution.times[-1] == pytest.approx(shares[-1] * 1e-5)


def test_memory_is_asked_for_before(monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 10_000_000)
    with pytest.raises(TooLargeError, match=r"at 10000000 points or more needs about .* GB.*\.save"):
        integrate(ladder(), Transient(1e-12, 1e-5))


@pytest.mark.slow
def test_steps_of_one_size_share_their_factors(monkeypatch):
    """Pulses have the same edges again and again: factors are known after the first."""
    made = []
    inner = LinearStep._factors

    def counted(self, alpha):
        made.append(len(self._of_alpha))
        return inner(self, alpha)

    monkeypatch.setattr(LinearStep, "_factors", counted)
    solution = run(ladder(), 2e-5)
    assert solution.accepted > 700
    assert made[-1] < 60
    assert made[-1] - made[len(made) // 2] < 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "cell", ["r2 b 0 1k", "b2 b 0 i=sinh(4*v(b))/(100k+10k*v(x))\nc2 x 0 1n\nb3 0 x i=1u*v(b)*(1-v(x))\nr3 b 0 1k"]
)
def test_what_has_decayed_is_no_reason_to_end(cell):
    """After 3,000 time constants voltages are below the smallest doubles: their rounding violates nothing."""
    cards = f"v1 a 0 pulse(0 1 1n 1n 1n 20n 1)\nr1 a b 1k\nc1 b 0 1p\n{cell}"
    circuit = circuit_of(cards, [1e-12, 1e-9][: cards.count("\nc")])
    solution = run(circuit, 3e-6, largest=5e-7, uic=True, method="gear")
    assert solution.complete, solution.problem
    assert voltage(circuit, solution, "b").max() > 0.1
    assert abs(voltage(circuit, solution, "b")[-1]) < 1e-12
