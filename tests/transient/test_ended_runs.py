"""Runs that end before their stop: somebody wishes it, Ctrl-C, no room, laws that lead nowhere."""

import numpy as np
import pytest

from xbarsim import Crossbar
from xbarsim.devices import VTEAM, DynamicLaw
from xbarsim.errors import InputError, TimeStepError, TooLargeError
from xbarsim.transient import Recording, Stepper, simulate
from xbarsim.waves import Pulse

G = np.array([[1e-3, 2e-3, 3e-3], [4e-3, 5e-3, 6e-3]])
MOVING = Crossbar(1.0 / np.linspace(2e3, 8e3, 6).reshape(2, 3), word_wire=1.0, device=VTEAM())
WAVES = {"word_left": [Pulse(0, 1.2, 1e-8, 1e-8, 1e-8, 5e-8, 1), 0.1]}


def test_who_watches_can_end_the_run():
    whole_shares, shares = [], []

    def half(stepper):
        shares.append(stepper.time / 1e-7)
        return shares[-1] > 0.5

    whole = simulate(MOVING, WAVES, 1e-7, max_step=5e-9, watch=lambda stepper: whole_shares.append(stepper.time / 1e-7))
    ended = simulate(MOVING, WAVES, 1e-7, max_step=5e-9, watch=half)
    assert whole.complete
    assert whole_shares[-1] == 1.0
    assert len(whole_shares) == whole.accepted
    assert not ended.complete
    assert 0.5 < shares[-1] < 0.7
    count = ended.times.size
    np.testing.assert_array_equal(ended.times, whole.times[:count])
    np.testing.assert_array_equal(ended.currents, whole.currents[:count])


class Interrupted(Pulse):
    """A pulse that Ctrl-C meets after some looks at it."""

    looks = 0

    def at(self, times):
        self.__class__.looks += 1
        if self.looks == 60:
            raise KeyboardInterrupt
        return super().at(times)

    def corners(self, start, stop):
        return np.array([start, stop])


def test_ctrl_c_amid_a_step_leaves_what_was_computed():
    """The wave's class is not one of straight lines: each stage asks it."""
    crossbar = MOVING
    Interrupted.looks = 0
    wave = Interrupted(0, 1.2, 1e-8, 1e-8, 1e-8, 5e-8, 1)

    class Curved:
        at, corners = wave.at, wave.corners

    with pytest.raises(KeyboardInterrupt) as caught:
        simulate(crossbar, {"word_left": [Curved(), 0.1]}, 1e-7, max_step=1e-9, record=Recording(cells=[(0, 1)]))
    kept = caught.value.transient
    assert not kept.complete
    assert kept.times.size == kept.accepted + 1 > 5
    assert kept.states[0, 1] == kept.cell_states[-1, 0]


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"max_step": 1e-16}, "Recording.currents.* or raise max_step"),
        ({"record": Recording(states_at=np.linspace(0, 1e-7, 3_000_000))}, "Recording.states_at"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_begins(monkeypatch, options, setting):
    monkeypatch.setattr("xbarsim.resources.available_memory", lambda: 50_000_000)
    with pytest.raises(TooLargeError, match=setting):
        simulate(MOVING, WAVES, 1e-7, **options)


def test_points_that_no_longer_fit_end_a_run(monkeypatch):
    monkeypatch.setattr("xbarsim.transient.point_rows._BLOCK", 16)
    asked = []

    def refuse(demand, purpose, advice):
        asked.append(demand)
        if len(asked) > 3:
            raise TooLargeError(f"{purpose}: {advice}")

    monkeypatch.setattr("xbarsim.transient.point_rows.check_memory", refuse)
    with pytest.raises(TooLargeError, match=r"recording 10 numbers at .* record less"):
        simulate(MOVING, WAVES, 1e-7, max_step=1e-9)
    assert asked[-1] > asked[-2]


@pytest.mark.parametrize("stop", [-1e-9, 0.0, 1e-9, np.nan, np.inf])
def test_a_stepper_goes_on_to_later_times_only(stop):
    stepper = Stepper(Crossbar(G), start=1e-9)
    with pytest.raises(InputError, match="it must be after the stepper's time, 1e-09 s"):
        stepper.advance(lambda _: stepper.volts, stop)
    with pytest.raises(InputError, match="start is nan"):
        Stepper(Crossbar(G), start=np.nan)


def conduct(v, x, drift, growth, wall):
    return (1e-6 + 1e-6 * x) * v, 1e-6 + 1e-6 * x, 1e-6 * v


def move(v, x, drift, growth, wall):
    """A drift, a runaway from 0.5, and no number beyond a wall, above 0.5 V."""
    beyond = np.sqrt(wall - x if v > 0.5 else 1.0)
    return drift * v + growth * (x - 0.5) + 0.0 * beyond, drift, growth + 0.0 * beyond


@pytest.mark.slow
def test_laws_that_lead_nowhere_are_named_with_cell_and_time():
    nothing = {"drift": np.zeros((2, 3)), "growth": np.zeros((2, 3)), "wall": np.full((2, 3), 2.0)}

    def run(name, value, cell=(1, 2), start=0.5 + 1e-3, **more):
        numbers = {key: array.copy() for key, array in nothing.items()}
        numbers[name][cell] = value
        numbers["drift"][1, 2] = max(numbers["drift"][1, 2], 1e5)
        device = DynamicLaw(conduct, move, low=0.0, high=1.0, **numbers)
        crossbar = Crossbar(np.full((2, 3), 1e-6), device=device)
        return simulate(crossbar, {"word_left": 1.0}, 1e-5, initial_states=start, **more)

    with pytest.raises(TimeStepError, match=r"a law gives no number; worst is cell \[1, 2\]") as caught:
        run("wall", 0.8)
    assert caught.value.time == pytest.approx((0.8 - 0.501) / 1e5, rel=1e-3)
    assert caught.value.cell == (1, 2)
    assert not caught.value.transient.complete
    assert caught.value.transient.states[1, 2] == pytest.approx(0.8, abs=1e-3)

    with pytest.raises(
        TimeStepError, match=r"operating point was not found: a law gives no number; .*\[0, 1\]"
    ) as caught:
        run("wall", 0.4, cell=(0, 1))
    assert caught.value.time == 0.0

    with pytest.raises(TimeStepError, match=r"at 0 s: .* worst is cell \[0, 2\]"):
        run("growth", 1e30, cell=(0, 2))

    # One that drives its state past a bound is held there.
    held = run("drift", 1e12)
    assert held.states[1, 2] == 1.0
    assert held.states[0, 0] == 0.501
