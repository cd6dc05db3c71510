"""States that come close to a rest and go back: what is left of the way is followed however small it is.

With Joglekar's window ``dx/dt = k I (1 - (2 y - 1)^2)`` the motion fades towards both bounds; ``z = ln(y / (1 - y))``
goes on at ``4 k I``, and scipy integrates that without a loss of digits.
"""

import io

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from transient_tools import DenseNetwork

from xbarsim import Crossbar, LineEnds
from xbarsim.analysis.crossbar_in_time import solve_crossbar_in_time
from xbarsim.analysis.stop_wish import StopWish
from xbarsim.devices import VTEAM, DynamicLaw, IonDrift, Yakopcic
from xbarsim.netlist import read
from xbarsim.transient import Recording, simulate
from xbarsim.transient.cells_in_time import CellsInTime
from xbarsim.waves import Pulse, Sine

ROWS, COLS = 2, 3
ON, OFF = 100.0, 16e3
SPEED = 1e4  # mobility r_on / thickness^2, per coulomb
NEAR, FAR = (0.6, -0.5), (1.0, -0.9)
"""Amplitudes by which a cell comes within 2e-6 of its bound, and, were there no leak, 1e-19."""
HERTZ, STOP = 1.0, 1.0
TIMES = np.linspace(0, STOP, 41)[1:]


def drawn():
    rng = np.random.default_rng(8)
    word, bit = rng.uniform(1, 9, (ROWS, COLS - 1)), rng.uniform(1, 9, (ROWS - 1, COLS))
    ohms = {"word_left": rng.uniform(10, 60, ROWS), "bit_bottom": rng.uniform(10, 60, COLS)}
    return word, bit, ohms, rng.uniform(0.3, 0.8, (ROWS, COLS))


def closeness(amplitudes, leak=0.0):
    """The states' ``ln(y / (1 - y))`` at TIMES, (times, rows, cols); ``leak`` per second takes from the state."""
    word, bit, ohms, start = drawn()
    dense = DenseNetwork(ROWS, COLS, word, bit, ohms)

    def rate(time, z):
        left = 1 / (1 + np.exp(z)).reshape(ROWS, COLS)
        siemens = 1 / (ON + (OFF - ON) * left)
        volts = {"word_left": np.array(amplitudes) * np.sin(2 * np.pi * HERTZ * time)}
        nodes = np.linalg.solve(dense.wires + dense.cells(siemens), dense.injected(volts))
        return (4 * SPEED * siemens * dense.across(nodes) - leak / left).ravel()

    z = np.log(start / (1 - start)).ravel()
    answer = solve_ivp(rate, (0, STOP), z, "Radau", t_eval=TIMES, rtol=1e-9, atol=1e-9)
    assert answer.success
    return answer.y.T.reshape(-1, ROWS, COLS)


def logistic(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def expected():
    z = closeness(NEAR)
    assert 13 < z.max() < 14
    assert z[-1].max() < 2, "it comes back"
    return logistic(z)


@pytest.mark.slow
@pytest.mark.parametrize("reltol", [1e-3, 1e-4, 1e-5])
def test_a_state_leaves_a_bound_when_it_should(expected, reltol):
    word, bit, ohms, start = drawn()
    device = IonDrift(r_on=ON, r_off=OFF, mobility=1e-14, thickness=1e-8, window="joglekar")
    ends = {side: LineEnds(0.0, r) for side, r in ohms.items()}
    crossbar = Crossbar(device.conductance(start), word_wire=word, bit_wire=bit, ends=ends, device=device)
    transient = simulate(
        crossbar, {"word_left": [Sine(0.0, volts, HERTZ) for volts in NEAR]}, STOP, reltol=reltol,
        record=Recording(states_at=TIMES),
    )  # fmt: skip
    assert np.abs(transient.snapshots - expected).max() < reltol


LEAK = 1e-9

CELL = f""".subckt cell p n x0=0.5
b1 p n i=v(p,n)/({OFF}-{OFF - ON}*v(x))
b2 0 x i={SPEED}*v(p,n)/({OFF}-{OFF - ON}*v(x))*(1-(2*v(x)-1)^2)
c1 x 0 1 ic={{x0}}
r1 x 0 {1 / LEAK!r}
.ends"""


@pytest.mark.slow
def test_a_written_state_leaves_a_rest_that_is_no_bound():
    """A leak keeps it a little below 1, and how much below decides when it leaves."""
    word, bit, ohms, start = drawn()
    cards = ["cells", CELL]
    for i, volts in enumerate(FAR):
        cards += [f"v{i} in{i} 0 sin(0 {volts!r} {HERTZ!r})", f"rd{i} in{i} w{i}_0 {float(ohms['word_left'][i])!r}"]
        cards += [f"rw{i}_{j} w{i}_{j} w{i}_{j + 1} {float(word[i, j])!r}" for j in range(COLS - 1)]
    for j in range(COLS):
        cards += [f"rb{i}_{j} b{i}_{j} b{i + 1}_{j} {float(bit[i, j])!r}" for i in range(ROWS - 1)]
        cards.append(f"rs{j} b{ROWS - 1}_{j} 0 {float(ohms['bit_bottom'][j])!r}")
    cards += [f"x{i}_{j} w{i}_{j} b{i}_{j} cell x0={float(start[i, j])!r}" for i in range(ROWS) for j in range(COLS)]
    step = float(TIMES[0])
    circuit = read(io.StringIO("\n".join([*cards, ".options reltol=1e-4", f".tran {step!r} {STOP!r}", ".end", ""])))
    timed = circuit.recognise_in_time()
    assert timed.recognition.shape == (ROWS, COLS), timed.recognition.reason
    result = solve_crossbar_in_time(circuit, timed, circuit.analyses[0], lambda stage: None, StopWish())
    assert result is not None
    place = [result.nodes.index(f"x{i}_{j}.x") for i in range(ROWS) for j in range(COLS)]
    exact = logistic(closeness(FAR, LEAK)).reshape(-1, ROWS * COLS)
    assert np.abs(result.voltages[1:, place] - exact).max() < 2e-5


def relaxing(v, x):
    """A motion to a rest that is one under any volts."""
    drive = v * v / (1 + v * v)
    return 1e6 * (drive - x), 2e6 * v / (1 + v * v) ** 2, -1e6


@pytest.mark.slow
def test_what_comes_to_rest_for_good_costs_nothing(monkeypatch):
    """What is left of its way is not followed."""
    device = DynamicLaw(law, relaxing, low=0.01, high=1.0)
    crossbar = Crossbar(np.array([[0.1, 0.2], [0.3, 0.15]]), word_wire=0.1, driver=1.0, device=device)
    wave = {"word_left": [Pulse(0.0, 1.0, 1e-6, 1e-7, 1e-7, 5e-6, 1.0), 0.0]}
    followed = simulate(crossbar, wave, 1e-4)
    monkeypatch.setattr(DynamicLaw, "fades", False)
    assert followed.accepted == simulate(crossbar, wave, 1e-4).accepted


def law(v, x):
    return x * v, x, v


FADES = {
    "vteam": (VTEAM(), False),
    "vteam, prodromakis": (VTEAM(window="prodromakis"), True),
    "ion drift, joglekar": (IonDrift(window="joglekar"), True),
    "ion drift, biolek": (IonDrift(window="biolek"), False),
    "yakopcic": (Yakopcic(0.17, 0.12, 0.05), False),
    "own": (DynamicLaw(law, law, low=0.1, high=1.0), True),
}


@pytest.mark.parametrize("name", FADES)
def test_only_motions_that_fade_both_ways_are_followed_so(name):
    device, fades = FADES[name]
    low, high = device.bounds
    crossbar = Crossbar(device.conductance(np.full((2, 2), (low + high) / 2)), device=device)
    assert CellsInTime(crossbar, crossbar.conductance).fading is fades
