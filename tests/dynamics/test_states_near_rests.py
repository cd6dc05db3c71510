"""States that fade towards a rest and come back, in the general solver: what is left of the way is not lost.

The references are integrated by scipy in ``z = ln(x / (1 - x))``, whose digits no closeness takes away.
"""

import io
from itertools import pairwise, product

import numpy as np
import pytest
from dynamics_tools import circuit_of, run, voltage
from scipy.integrate import solve_ivp

from xbarsim.devices import VTEAM, IonDrift
from xbarsim.dynamics import like_motions
from xbarsim.dynamics.fading_states import FadingStates
from xbarsim.netlist import read
from xbarsim.netlist.as_network import network_of

ON, OFF, OHMS, START = 100.0, 16e3, 500.0, 0.3
WINDOWS = {
    "joglekar": ("1-(2*{x}-1)^2", lambda left: -np.expm1(2 * np.log1p(-2 * left)), 2.1e4),
    "joglekar 5": ("1-(2*{x}-1)^10", lambda left: -np.expm1(10 * np.log1p(-2 * left)), 1.47e4),
    "prodromakis 2": (
        "1-(({x}-0.5)^2+0.75)^2", lambda left: -np.expm1(2 * np.log1p(-left * (1 - left))), 4.5e4,
    ),
}  # fmt: skip
"""How a netlist writes it, its value where a bound is so far away, and a speed at which 1e-6 to 1e-5 are left."""

BIOLEK = "1-({x}-u(-v(p)))^4"
"""Its motion away from a bound sets out at full speed."""


def volts(time):
    return np.sin(2 * np.pi * time) + 0.3 * np.sin(4 * np.pi * time)


SOURCES = f"v1 a b sin(0 1 1)\nv2 b 0 sin(0 0.3 2)\nr1 a p {OHMS}"


def direct(window, speed):
    """The law of the motion in one piece."""
    ohms = f"({OFF}-{OFF - ON}*v(x))"
    return f"b1 p 0 i=v(p)/{ohms}\nb2 0 x i={speed}*v(p)/{ohms}*({window.format(x='v(x)')})\nc1 x 0 1"


def in_parts(window, speed):
    """The motion by parts, its state between bounds, its current by an ammeter, its farads 2 u."""
    return "\n".join(
        [
            "by y 0 v=min(max(v(x),0),1)", f"bw w 0 v={window.format(x='v(y)')}", f"ef f 0 w 0 {-2e-6 * speed}",
            "vm p q 0", f"b1 q 0 i=v(q)/({OFF}-{OFF - ON}*v(y))", "b2 x 0 i=v(f)*i(vm)", "c1 0 x 2u",
        ]
    )  # fmt: skip


def integral(window, speed):
    """The state as an integral that a law asks for."""
    ohms = f"({OFF}-{OFF - ON}*v(x))"
    return f"b1 p 0 i=v(p)/{ohms}\nb2 x 0 v={START}+sdt({speed}*v(p)/{ohms}*({window.format(x='v(x)')}))"


WRITTEN = {"direct": direct, "in parts": in_parts}


def exact(window, speed, times):
    """The states at times, and how close they come to a bound."""
    _, at, _ = WINDOWS[window]

    def rate(time, z):
        left = 1 / (1 + np.exp(np.abs(z)))
        ohms = OHMS + ON + (OFF - ON) / (1 + np.exp(z))
        return speed * volts(time) / ohms * at(left) / (left * (1 - left))

    z = np.array([np.log(START / (1 - START))])
    states = [z]
    for begin, end in pairwise([0.0, *times]):
        z = solve_ivp(rate, (begin, end), z, "DOP853", rtol=1e-11, atol=1e-11).y[:, -1]
        states.append(z)
    whole = np.array(states)[:, 0]
    return 1 / (1 + np.exp(-whole)), np.exp(-np.abs(whole).max())


@pytest.mark.slow
@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_state_comes_back_when_it_should(window, form):
    """Were errors parts of the state they would be 3e-3 to 6e-3, 2e-3 to 3e-3 and 4e-4 to 7e-4."""
    text, _, speed = WINDOWS[window]
    start = START if form == "direct" else -START
    for reltol, bound in ((1e-3, 5e-3), (1e-4, 3e-4), (1e-5, 3e-5)):
        cell = circuit_of(
            f"{SOURCES}\n{WRITTEN[form](text, speed)}", [1.0 if form == "direct" else 2e-6], {"c1": start}
        )
        solution = run(cell, 2.0, uic=True, step=0.01, relative=reltol)
        assert solution.complete
        chosen = slice(None, None, max(1, solution.times.size // 40))
        expected, closest = exact(window, speed, solution.times[chosen][1:])
        assert 1e-7 < closest < 1e-4
        assert np.abs(voltage(cell, solution, "x")[chosen] - expected).max() < bound


def ways_of(cards, values, before=None, time=0.0, near=1.0, source=0.0):
    """Return ways at nodes' and branches' values, by name; what was there ``before`` was largest."""
    cell = read(io.StringIO(f"title\n{SOURCES}\n{cards}\n.tran 1 9\n.end\n"))
    network = network_of(cell)
    nodes, count = network.network.nodes, len(network.fixing)
    states = FadingStates(cell, nodes, network.branch)

    def places(table):
        whole = np.zeros(nodes + count)
        for name, value in table.items():
            at = cell.nodes.index(name) if name in cell.nodes else nodes + network.fixing.index(name)
            whole[at] = value
        return whole

    states.see(places(before or values), source)
    return states, states.ways(places(values), time, np.full(states.capacitors.size, near))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("drive", [-0.7, 1e-9, 0.3])
@pytest.mark.parametrize("left", [1e-3, 1e-6, 1e-9])
def test_ways_are_what_is_left_whatever_drives_the_motion(window, drive, left):
    for x in (left, 1 - left):
        for form, more in ((direct, {}), (in_parts, {"q": drive, "vm": drive / OHMS})):
            _, (way,) = ways_of(form(WINDOWS[window][0], 1e4), {"p": drive, "x": x, **more})
            # To first order, as the resistance changes, too; and 1 - x has the digits that x leaves it.
            assert way == pytest.approx(left, rel=1.2 * OFF / ON * left + 1e-15 / left)


@pytest.mark.parametrize("window", ["none", "joglekar", "biolek", "prodromakis"])
@pytest.mark.parametrize(("model", "volts"), [(VTEAM, 1.5), (IonDrift, 0.5)])
def test_twins_of_models_that_fade_have_ways(model, volts, window):
    device = model(window=window, exponent=1.0 if window == "none" else 1.5)
    cards = f"{device.subcircuit_in_time()}\nx1 p 0 {device.name}_in_time"
    number = {"none": 0, "joglekar": 1, "biolek": 2, "prodromakis": 3}[window]
    for drive, x in product((volts, -volts), (1e-5, 1 - 1e-5)):
        _, (way,) = ways_of(f"{cards} window={number} exponent=1.5", {"p": drive, "x1.x": x}, near=1e-3)
        assert way == pytest.approx(1e-5 if device.fades else np.inf, rel=1e-2)


@pytest.mark.parametrize("x", [1 - 1e-6, 1e-6])
def test_ways_are_there_without_a_drive(x):
    """Between two pulses nothing moves: what drives were before tells, whichever way leads away from the bound."""
    cards, values = direct(WINDOWS["joglekar"][0], 1e4), {"p": 0.0, "x": x}
    for before in (0.4, -0.4):
        _, (way,) = ways_of(cards, values, before={"p": before, "x": 0.5})
        assert way == pytest.approx(1e-6, rel=1e-3)
    _, (way,) = ways_of(cards, values, source=0.4)
    assert way == pytest.approx(1e-6, rel=1e-3)


def test_a_state_at_a_rest_that_holds_it_now_is_not_fading():
    """It moves as ``(v - 0.6) x`` and is at 0: a larger drive would take it away, but not from where nothing moves."""
    _, ways = ways_of("b2 0 x i=(v(p)-0.6)*v(x)\nc1 x 0 1", {"p": 0.5, "x": 0.0}, source=1.0)
    assert ways.tolist() == [np.inf]


@pytest.mark.parametrize("drive", [0.3, -0.3])
@pytest.mark.parametrize(("source", "expected"), [(0.3, np.inf), (0.6, 1e-5)])
def test_a_threshold_is_passed_by_the_largest_drive(drive, source, expected):
    law = "b2 0 x i=(v(p) > 0.5 ? v(p) : v(p) < -0.5 ? v(p) : 0)*v(x)*(1-v(x))\nc1 x 0 1"
    _, (way,) = ways_of(law, {"p": drive, "x": 1e-5}, source=source)
    assert way == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "cards",
    [
        direct(BIOLEK, 1e4),
        "b2 0 x i=tanh(v(p))-v(x)\nc1 x 0 1",
        "b2 0 x i=v(p)^2-v(x)\nc1 x 0 1",
        "b2 0 x i=-v(x)*(1+v(x)^2)\nc1 x 0 1\nr2 x 0 1k",
        "b2 0 x i=v(p)>0 ? 1-v(x) : -v(x)\nc1 x 0 1",
        "b2 0 x i=v(p)*v(x)*(1-v(x))\nc1 x 0 1\nr2 x 0 1",
    ],
    ids=["Biolek's window", "relaxes", "to the same either way", "decays", "rests apart", "leaks more than it grows"],
)
def test_other_motions_have_no_way_of_this_kind(cards):
    for drive in (0.5, -0.5):
        for x in (1e-5, 1 - 1e-5):
            states, ways = ways_of(cards, {"p": drive, "x": x})
            assert states.capacitors.tolist() == [0]
            assert ways.tolist() == [np.inf]


@pytest.mark.parametrize(
    "cards",
    [
        "c1 x 0 1\nr2 x 0 1k\nb2 0 x i=v(p)",
        "c1 x 0 1\nr2 x p 1k\nb2 0 x i=v(p)*v(x)",
        "c1 x p 1\nb2 0 x i=v(p)*v(x)",
        "c1 x 0 1\nb2 p x i=v(p)*v(x)",
        "c1 x 0 1\nb2 0 x i=v(p)*v(x)\nd1 x 0 dm\n.model dm d()",
        "c1 x 0 1\nb2 0 x i=v(p)*v(x)\nv3 x y 0\nr3 y 0 1",
        "c1 x 0 1\nb2 0 x i=v(p)*v(x)\nm1 p x 0 0 nm\n.model nm nmos()",
        "c1 x 0 1\nb2 0 x i=v(p)*v(x)\nr2 x 0 0",
    ],
    ids=[
        "not by itself",
        "to a node",
        "capacitor between nodes",
        "source between nodes",
        "diode",
        "source of volts",
        "gate",
        "short",
    ],
)
def test_nodes_that_are_more_than_a_state_are_none(cards):
    states, ways = ways_of(cards, {"p": 0.5, "x": 1e-5})
    assert states.capacitors.size == ways.size == 0


def test_states_that_depend_on_each_other_have_their_own_ways():
    """One reads the other, which counts as it is: the drive alone is turned."""
    cards = "\n".join(
        [
            "b2 0 x i=v(p)*v(x)*(2-v(x))*v(y)", "b3 y 0 i=v(p)*v(y)*(1-v(y))*v(x)", "c2 y 0 1", "c1 x 0 3",
            "r5 q 0 1", "c5 q 0 1",
        ]
    )  # fmt: skip
    states, ways = ways_of(cards, {"p": 0.5, "x": 2 - 1e-5, "y": 1e-4})
    assert states.capacitors.tolist() == [0, 1]
    np.testing.assert_allclose(ways, [1e-4, 1e-5], rtol=1e-3)


@pytest.mark.parametrize("turned", [False, True])
def test_laws_may_lie_either_way_round(turned):
    """Two states alike but for the terminals of a source of volts on the way."""
    ends = "0 wy" if turned else "wy 0"
    cards = [f"b{k} 0 {k} i=v(p)*v(w{k})\nc{k} {k} 0 1" for k in "xy"]
    cards += ["bwx wx 0 v=v(x)*(1-v(x))", f"bwy {ends} v=v(y)*(1-v(y))"]
    _, ways = ways_of("\n".join(cards), {"p": 0.5, "x": 1e-3, "y": 2e-3})
    np.testing.assert_allclose(ways, [1e-3, 2e-3], rtol=1e-2)


def test_multipliers_and_currents_that_control_count():
    """Three laws side by side outgrow a leak that one does not; a current moves the rest to where x^2 - x = 0.01."""
    cards = "b2 0 x i=v(p)*v(x)*(1-v(x)) m={}\nc1 x 0 1\nr2 x 0 1"
    assert ways_of(cards.format(1), {"p": 0.5, "x": 1e-5})[1].tolist() == [np.inf]
    assert ways_of(cards.format(3), {"p": 0.5, "x": 1e-5})[1] == pytest.approx([1e-5], rel=1e-4)
    # A source of volts that is turned: the rest is at 0.2, not at -0.2.
    _, ways = ways_of("ey y 0 0 x 1\nb2 0 x i=v(p)*(0.2+v(y))\nc1 x 0 1", {"p": 0.5, "x": 0.2 - 1e-5})
    assert ways == pytest.approx([1e-5], rel=1e-4)
    cards = "vm p q 0\nb1 q 0 i=v(q)\nb2 0 x i=v(p)*v(x)*(1-v(x))\nf2 0 x vm 0.01\nc1 x 0 1"
    rest = (1.0 + np.sqrt(1.04)) / 2.0
    _, ways = ways_of(cards, {"p": 0.5, "q": 0.5, "vm": 0.5, "x": rest - 1e-5})
    assert ways == pytest.approx([1e-5], rel=1e-4)


def test_long_chains_of_sources_are_taken_as_drives_and_loops_too():
    chain = "\n".join(f"e{k} n{k + 1} 0 n{k} 0 1" for k in range(2000))
    cards = f"c1 x 0 1\nb0 n0 0 v=v(x)*(1-v(x))\n{chain}\nb2 0 x i=v(p)*v(n2000)*(1+v(x))"
    _, ways = ways_of(cards, {"p": 0.5, "x": 1e-3})
    assert ways.size == 1
    cards = "c1 x 0 1\nb1 m 0 v=v(x)*(1-v(x))+1e-3*v(m)\nb2 0 x i=v(p)*v(m)"
    _, (way,) = ways_of(cards, {"p": 0.5, "x": 1e-3})
    assert way == pytest.approx(1e-3, rel=1e-2)


def test_few_states_and_many_are_the_same(monkeypatch):
    """Arrays go on where Python's floats have no value."""
    rng = np.random.default_rng(2)
    count = 5
    cards = [f"b{k} 0 x{k} i={rng.uniform(1, 2)!r}*v(p)*v(x{k})*(1-v(x{k}))/(1+v(y{k}))" for k in range(count)]
    cards += [f"bc{k} y{k} 0 v=exp({rng.uniform(1, 9)!r}*v(x{k}))" for k in range(count)]
    cards += [f"c{k} x{k} 0 1" for k in range(count)]
    values = {f"x{k}": float(10 ** rng.uniform(-6, -2)) for k in range(count)} | {"p": 0.4}
    _, few = ways_of("\n".join(cards), values)
    assert np.isfinite(few).all()
    values["x2"] = 1e9
    _, odd = ways_of("\n".join(cards), values)
    monkeypatch.setattr(like_motions, "_FEW", 0)
    _, many = ways_of("\n".join(cards), values)
    np.testing.assert_array_equal(odd, many)
    np.testing.assert_allclose(np.delete(many, 2), np.delete(few, 2), rtol=1e-12)


@pytest.mark.slow
def test_an_integral_is_a_state_too():
    text, _, speed = WINDOWS["joglekar"]
    cell = read(io.StringIO(f"title\n{SOURCES}\n{integral(text, speed)}\n.tran 0.01 2\n.end\n"))
    solution = run(cell, 2.0, uic=True, step=0.01, relative=1e-4)
    chosen = slice(None, None, max(1, solution.times.size // 40))
    expected, _ = exact("joglekar", speed, solution.times[chosen][1:])
    assert np.abs(voltage(cell, solution, "x")[chosen] - expected).max() < 3e-4


@pytest.mark.slow
@pytest.mark.parametrize("cards", [direct(BIOLEK, 2e4), "b2 0 x i=9*(tanh(v(p))-v(x))\nc1 x 0 1"])
def test_what_does_not_fade_takes_as_many_steps(cards, monkeypatch):
    cell = circuit_of(f"{SOURCES}\n{cards}", [1.0], {"c1": START})
    followed = run(cell, 2.0, uic=True, step=0.01)
    monkeypatch.setattr(FadingStates, "ways", lambda self, values, time, near: np.full(near.shape, np.inf))
    plain = run(cell, 2.0, uic=True, step=0.01)
    np.testing.assert_array_equal(followed.times, plain.times)


@pytest.mark.slow
def test_what_fades_takes_at_most_twice_the_steps(monkeypatch):
    text, _, speed = WINDOWS["joglekar"]
    cell = circuit_of(f"{SOURCES}\n{direct(text, speed)}", [1.0], {"c1": START})
    followed = run(cell, 2.0, uic=True, step=0.01)
    monkeypatch.setattr(FadingStates, "ways", lambda self, values, time, near: np.full(near.shape, np.inf))
    plain = run(cell, 2.0, uic=True, step=0.01)
    assert plain.accepted < followed.accepted < 2 * plain.accepted
