"""What a step may be wrong by: motions that end amid it, energies; and what a run costs where nothing changes."""

from itertools import pairwise

import numpy as np
import pytest

from xbarsim import Crossbar, LineEnds
from xbarsim.devices import VTEAM, Sinh
from xbarsim.kernels.line_solver import Lines
from xbarsim.transient import Recording, Stepper, simulate
from xbarsim.waves import Piecewise, Pulse, Sine

RANGE = 3e-9
MOVING = VTEAM(r_on=1e3, r_off=2e4, k_on=-4e-3, k_off=2e-3, v_on=-0.6, v_off=0.6, alpha_on=2, alpha_off=2, x_off=RANGE)


@pytest.mark.parametrize(("volts", "side"), [(1.0, "word_left"), (0.9, "bit_bottom")])
def test_what_moves_on_a_falling_edge_alone_is_seen(volts, side):
    """The stages of a step as long as the edge are below the threshold, each of them; only its begin is not."""
    crossbar = Crossbar(np.full((2, 2), 1e-4), device=MOVING)
    stepper = Stepper(crossbar, reltol=1e-4)
    fall, sign = 1e-5, 1.0 if side == "word_left" else -1.0
    stepper.hold({side: [volts, 0.0]}, 1e-15)
    begin = stepper.states.copy()
    stepper.ramp({side: 0.0}, fall)
    moved = (stepper.states - begin)[(0, slice(None)) if side == "word_left" else (slice(None), 0)]
    # The integral of k (v / threshold - 1)^2 while v falls to the threshold.
    k, threshold = (2e-3, 0.6) if sign > 0 else (-4e-3, 0.6)
    expected = k * fall * threshold / (3.0 * volts) * (volts / threshold - 1.0) ** 3
    assert abs(expected) > 0.05 * RANGE
    np.testing.assert_allclose(moved, expected, rtol=0, atol=3e-4 * RANGE)


def loaded(device=None, farads=0.0, seed=4):
    """An unsymmetric array, and what simulate takes for its capacitances."""
    rng = np.random.default_rng(seed)
    shape = (3, 4)
    crossbar = Crossbar(
        10 ** rng.uniform(-4.3, -3.1, shape), word_wire=rng.uniform(5, 60, (3, 3)), bit_wire=rng.uniform(5, 60, (2, 4)),
        ends={side: LineEnds(0.0, rng.uniform(5, 30, n)) for side, n in (("word_left", 3), ("bit_bottom", 4))},
        **({"device": device} if device else {}),
    )  # fmt: skip
    many = {name: farads * rng.uniform(0.5, 2, shape) for name in ("word_capacitance", "bit_capacitance")}
    return crossbar, many


EDGES = [Pulse(0, 1.1, 1e-7, 2e-7, 1e-7, 5e-7, 1), 0.2, Piecewise(np.array([0, 3e-7, 1e-6]), np.array([0.3, -0.8, -1]))]
SINES = [Sine(0.1, 1.0, 3e6), Sine(0.0, 0.6, 1e6, 0.0, 1e6), 0.3]


@pytest.mark.slow
@pytest.mark.parametrize("waves", [EDGES, SINES])
@pytest.mark.parametrize(
    ("device", "farads", "initial"),
    [
        (None, 0.0, "operating_point"),
        (Sinh(0.3), 0.0, "operating_point"),
        (MOVING, 0.0, "operating_point"),
        (None, 1e-15, "operating_point"),
        (None, 1e-10, "operating_point"),
        (None, 1e-11, "discharged"),
        (MOVING, 1e-11, "operating_point"),
    ],
)
def test_energy_is_that_of_ten_times_as_many_steps(waves, device, farads, initial):
    crossbar, many = loaded(device, farads)
    keep = Recording(cell_energy=True)
    rough = simulate(crossbar, {"word_left": waves}, 1e-6, initial=initial, record=keep, **many)
    fine = simulate(
        crossbar, {"word_left": waves}, 1e-6, initial=initial, record=keep, reltol=1e-6,
        max_step=1e-6 / (10 * rough.accepted), **many,
    )  # fmt: skip
    assert fine.accepted >= 10 * rough.accepted
    sources, gross = np.zeros(2), 0.0
    for side, joules in fine.source_energy.items():
        sources += [rough.source_energy[side].sum(), joules.sum()]
        gross += np.abs(joules).sum()
        np.testing.assert_allclose(rough.source_energy[side], joules, rtol=0, atol=1e-4 * gross if gross else 1e-30)
    assert abs(sources[0] - sources[1]) < 1e-4 * gross
    np.testing.assert_allclose(rough.cell_energy, fine.cell_energy, rtol=0, atol=1e-4 * gross)


def test_linear_steps_of_a_length_share_their_factors(monkeypatch):
    crossbar, many = loaded(farads=1e-11)
    factored = []
    factor = Lines.factor
    monkeypatch.setattr(Lines, "factor", lambda *args, **options: (factored.append(1), factor(*args, **options)))
    transient = simulate(crossbar, {"word_left": EDGES}, 1e-6, max_step=1e-9, **many)
    assert transient.accepted >= 1000
    assert len(factored) < 0.1 * transient.accepted


def test_steps_do_not_split_a_length_that_rounding_made_longer():
    crossbar, many = loaded(farads=1e-15)
    transient = simulate(crossbar, {"word_left": [Pulse(0, 1, 3e-7, 1e-7, 1e-7, 2e-7, 2e-6), 0.0, 0.0]}, 1e-6,
                         max_step=1e-9, reltol=1e-3, **many)  # fmt: skip
    assert transient.accepted <= 1020
    assert all(later > earlier for earlier, later in pairwise(transient.times))
