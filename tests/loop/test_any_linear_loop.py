"""Loops of all linear parts at random: against the general solver, and a descriptor system that tests write down."""

import numpy as np
import pytest
from loop_tools import crossbar, descriptor

from xbarsim.analysis.simulate import simulate
from xbarsim.errors import ConvergenceError, InputError
from xbarsim.loop import (
    Amplifier,
    Capacitor,
    CurrentGain,
    CurrentSource,
    Inductor,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    Transconductor,
    Transresistor,
    VoltageSource,
    all_modes,
    close,
    write_loop,
)
from xbarsim.netlist import read


def random_loop(seed, *, moving=True):
    """A loop with one of each linear part at least, around one array or two, no two numbers equal.

    What fixes a voltage leads to a node of its own, so that no two fix the same one.
    """
    rng = np.random.default_rng(seed)
    nodes = [f"n{k}" for k in range(int(rng.integers(4, 7)))]
    parts = [Resistor(f"rg{k}", node, "0", rng.uniform(1e3, 1e4)) for k, node in enumerate(nodes)]
    parts += [CurrentSource("i0", nodes[0], "0", 1e-4)]

    def pick(count=1):
        return [str(node) for node in rng.choice([*nodes, "0"], count, replace=False)]

    def own(name):
        node = f"{name}_end"
        parts.append(Resistor(f"rl_{name}", node, pick()[0], rng.uniform(1e3, 1e4)))
        nodes.append(node)
        return node

    controls = []
    for k in range(int(rng.integers(1, 4))):
        controls += [f"v{k}", f"l{k}", f"u{k}", f"short{k}"]
        at = pick()[0]
        parts.append(VoltageSource(f"v{k}", own(f"v{k}"), at, rng.choice([0.0, 0.3])))
        at = pick()[0]
        parts.append(Inductor(f"l{k}", own(f"l{k}"), at, 10 ** rng.uniform(-5, -3)))
        at = pick()[0]
        parts.append(Resistor(f"short{k}", own(f"s{k}"), at, 0.0))
        (plus, minus), reference = pick(2), pick()[0] if rng.uniform() < 0.7 else "0"
        amplifier = Amplifier(
            gain=10 ** rng.uniform(0, 3), output_resistance=rng.choice([0.0, 60.0]), offset=1e-3,
            input_resistance=rng.choice([1e5, np.inf]), bandwidth=rng.choice([np.inf, 10 ** rng.uniform(5.5, 6.5)]),
        )  # fmt: skip
        parts.append(OpAmp(f"u{k}", plus, minus, own(f"u{k}"), amplifier, reference))
    for k in range(int(rng.integers(1, 4))):
        at = pick()[0]
        parts.append(Transresistor(f"h{k}", own(f"h{k}"), at, str(rng.choice(controls)), rng.normal(0.0, 2e3)))
        controls.append(f"h{k}")
        parts.append(CurrentGain(f"f{k}", *pick(2), str(rng.choice(controls)), rng.normal()))
        parts.append(Transconductor(f"g{k}", *pick(2), *pick(2), rng.normal(0.0, 2e-4)))
    for k in range(int(rng.integers(1, 3))):
        rows, cols = rng.integers(2, 7, 2)
        xbar = crossbar(rng, rng.uniform(0.05, 2.0, (rows, cols)))
        ends = {"word_left": [pick()[0] for _ in range(rows)], "bit_bottom": [pick()[0] for _ in range(cols)]}
        farads = rng.uniform(1e-13, 1e-12, (3, rows, cols)) if moving and rng.uniform() < 0.5 else (0.0, 0.0, 0.0)
        parts.append(JoinedArray(f"x{k}", xbar, ends, *farads))
    if moving:
        for k in range(int(rng.integers(2, 7))):
            parts.append(Capacitor(f"c{k}", *pick(2), 10 ** rng.uniform(-12, -10)))
    return Loop(*parts)


def by_general(path):
    """Voltages and currents by the general solver, by name."""
    (result,) = simulate(read(path))
    return dict(zip(result.nodes, result.voltages[0], strict=True)), dict(
        zip(result.branches, result.currents[0], strict=True)
    )


@pytest.mark.parametrize("seed", range(16))
def test_operating_points_are_those_of_the_general_solver(tmp_path, seed):
    closed = close(random_loop(seed), stable=False)
    write_loop(closed.loop, tmp_path / "loop.sp")
    volts, amperes = by_general(tmp_path / "loop.sp")
    ours = closed.node_voltages()
    largest = max(map(abs, ours.values()))
    for node, level in ours.items():
        assert level == pytest.approx(volts[node], abs=1e-9 * largest), node
    letters = {"v": "v", "l": "l", "u": "e", "s": "v", "h": "h"}
    currents = closed.source_currents()
    largest = max(map(abs, currents.values()))
    for name, current in currents.items():
        assert current == pytest.approx(amperes[f"{letters[name[0]]}_{name}"], abs=1e-9 * largest), name


def order(holding, moving, fastest):
    """How many finite poles a descriptor system has: the degree of its determinant, beyond all of them."""
    far = 1e4 * fastest
    sizes = [np.linalg.slogdet(s * holding - moving)[1] for s in (far, 100.0 * far)]
    return (sizes[1] - sizes[0]) / np.log(100.0)


def correction(holding, moving, pole):
    """How far off a root of ``det(s E - A)`` is as a part of it, by one step of Newton's method on the determinant."""
    # From beside it: at the root itself the matrix has no inverse.
    start = pole * (1.0 + 1e-7)
    matrix = start * holding - moving
    rows = 1.0 / np.abs(matrix).max(axis=1, keepdims=True)
    columns = 1.0 / np.abs(rows * matrix).max(axis=0)
    steps = np.linalg.solve(rows * matrix * columns, rows * holding * columns)
    return abs(start - 1.0 / np.trace(steps) - pole) / abs(pole)


@pytest.mark.parametrize("seed", range(40))
def test_poles_are_those_of_the_descriptor_system(seed):
    loop = random_loop(seed)
    poles = close(loop, stable=False).stability.poles
    holding, moving = descriptor(loop)
    fastest = np.abs(poles).max()
    assert order(holding, moving, fastest) == pytest.approx(len(poles), abs=1e-2)
    # All of them, and no one twice.
    apart = np.abs(poles[:, None] - poles) + np.diag(np.full(len(poles), np.inf))
    assert (apart.min(axis=0) > 1e-7 * np.abs(poles)).all()
    assert max(correction(holding, moving, pole) for pole in poles) < 1e-8


@pytest.mark.parametrize("gain", [-1.070591844497416, 0.3, -1.3, 2.7])
def test_currents_that_cancel_within_capacitances_fix_nothing(gain):
    """Nodes a, b and d hold charge against each other alone; what f moves among them is no current out of them.

    ``1 - gain + gain - 1`` is no 0 in floating point: a coupling of 1e-16 made a mode of 1e22 1/s, and both others up.
    """
    loop = Loop(
        Capacitor("c1", "b", "a", 9.9e-10), Resistor("r1", "a", "0", 3621.0), Resistor("r2", "d", "q", 29362.0),
        Capacitor("c0", "b", "d", 2.33e-10), CurrentGain("f9", "a", "d", "h0", gain), Resistor("r3", "0", "q", 2228.0),
        OpAmp("e0", "b", "d", "a", Amplifier(gain=4.15, bandwidth=np.inf)), Resistor("r4", "b", "a", 135.0),
        Resistor("r5", "d", "0", 2746.0), Resistor("r6", "q", "a", 1649.0), Transresistor("h0", "q", "a", "e0", 1324.0),
        Inductor("l0", "b", "0", 8e-4), VoltageSource("s0", "b", "q", -0.467),
    )  # fmt: skip
    poles = close(loop, stable=False).stability.poles
    holding, moving = descriptor(loop)
    assert order(holding, moving, 1e7) == pytest.approx(2.0, abs=1e-2)
    assert len(poles) == 2
    assert max(correction(holding, moving, pole) for pole in poles) < 1e-8


@pytest.mark.parametrize("farads", [4.29779637654117e-16, 5.1e-16, 6.7e-16, 7.3e-16])
def test_what_a_source_shorts_leaves_no_rounding(farads):
    """1.24 uF between nodes that a source joins, beside 0.4 fF: in their sum nothing was left of the small one.

    What is left is ``u' / w = (1 - 1 / gain) u``, as e0 follows itself.
    """
    loop = Loop(
        VoltageSource("s0", "b", "c", 1.27), Resistor("r0", "a", "c", 838e3), Resistor("r1", "a", "0", 449e3),
        Capacitor("c1", "b", "c", 1.2417135e-6), Capacitor("c0", "a", "b", farads), Resistor("r3", "c", "a", 746.0),
        Transconductor("g0", "c", "0", "0", "b", -0.000862), CurrentSource("i1", "0", "b", -0.026),
        Transresistor("h0", "a", "c", "e0", 895.5), Resistor("r2", "b", "a", 211e3),
        OpAmp("e0", "b", "0", "b", Amplifier(gain=0.04065, bandwidth=1076.0)),
    )  # fmt: skip
    poles = close(loop, stable=False).stability.poles
    assert poles == pytest.approx([2.0 * np.pi * 1076.0 * (1.0 - 1.0 / 0.04065)], rel=1e-9)


def test_poles_that_have_lost_their_digits_are_refused():
    """0.03 ohm in series with Gohms, whose currents a gain of 1.65 feeds back: poles were off by 0.2 %."""
    loop = Loop(
        Resistor("r3", "c", "0", 0.16), CurrentGain("f0", "a", "c", "v1", 1.649), Resistor("r4", "d", "c", 5.9e8),
        VoltageSource("v1", "0", "c", -0.715), Resistor("r0", "b", "e", 0.0326), Capacitor("c0", "b", "d", 6.02e-12),
        Resistor("r5", "e", "a", 2.2e9), VoltageSource("v0", "a", "d", -0.6), Resistor("r1", "a", "0", 5.17e8),
        Inductor("l0", "a", "e", 3.88e-4), Inductor("l1", "a", "c", 2.73e-4), Resistor("r2", "b", "a", 632.9),
        Transconductor("g0", "d", "a", "b", "e", -4.66e-4),
    )  # fmt: skip
    closed = close(loop, stable=False)
    with pytest.raises(ConvergenceError, match=r"the pole .* 1/s is uncertain by up to .* of it \(tolerance 0.001\)"):
        _ = closed.stability


@pytest.mark.parametrize("scale", [1.0, 0.3, 0.7, 1.9, 2.3])
def test_charges_that_cancel_are_no_state(scale):
    """Source s1 and amplifier e1 fix what a is above b, so that c0 between them holds no charge that could change.

    What was left of it was 1e-16 of it: a mode of 1e27 1/s that grew or fell as rounding would have it.
    """
    loop = Loop(
        CurrentGain("f0", "a", "d", "s1", -0.384), Resistor("r4", "a", "n", 3.11), Resistor("r2", "b", "n", 1684.0),
        OpAmp("e1", "a", "b", "b", Amplifier(gain=0.87059 * scale, bandwidth=np.inf), "q"),
        CurrentSource("i0", "a", "d", -1.04), Capacitor("c0", "a", "b", 4.37e-14 * scale),
        OpAmp("e0", "d", "n", "a", Amplifier(gain=0.15716, bandwidth=np.inf)), Resistor("r0", "d", "0", 91.5 * scale),
        Capacitor("c2", "a", "b", 1.406e-13), VoltageSource("s1", "q", "b", 0.783), Resistor("r1", "n", "0", 192168.0),
        Transresistor("h0", "a", "q", "e1", -1106.16), Resistor("r3", "q", "n", 384.5),
        Resistor("r5", "d", "b", 386308.0), Capacitor("c1", "n", "a", 2.475e-7),
    )  # fmt: skip
    poles = close(loop, stable=False).stability.poles
    assert len(poles) == 1
    assert correction(*descriptor(loop), poles[0]) < 1e-8


def test_poles_that_the_determinant_does_not_bear_out_are_refused(monkeypatch):
    loop = random_loop(45)
    assert close(loop).stability.stable
    monkeypatch.setattr(all_modes, "_MOST_DOUBT", 1e-30)
    with pytest.raises(ConvergenceError, match=r"the pole .* 1/s is uncertain by .* of it \(tolerance 1e-30\)"):
        _ = close(loop, stable=False).stability


def small(*parts):
    """A source of 1 V with 1 kohm to node a, and more."""
    return Loop(VoltageSource("v", "in", "0", 1.0), Resistor("r", "in", "a", 1e3), *parts)


def test_a_resonant_circuit_by_hand():
    """Series R, L, C: s^2 + s R / L + 1 / (L C) = 0; the step of the capacitor's voltage is the textbook's."""
    henries, farads = 1e-4, 4e-12
    loop = small(Inductor("l", "a", "b", henries), Capacitor("c", "b", "0", farads), Resistor("leak", "b", "0", 1e12))
    closed = close(loop)
    stability = closed.stability
    expected = np.roots([1.0, 1e3 / henries, 1.0 / (henries * farads)])
    assert np.sort_complex(stability.poles) == pytest.approx(np.sort_complex(expected), rel=1e-8)
    times = np.linspace(0.0, 1e-6, 9)
    damping, omega = 0.5e3 / henries, abs(expected[0].imag)
    textbook = 1.0 - np.exp(-damping * times) * (np.cos(omega * times) + damping / omega * np.sin(omega * times))
    at = closed.loop.watched.index("b")
    assert stability.step_response(times)[:, at] == pytest.approx(textbook, abs=1e-8)
    # A current flows before the step in none: at rest it is that of the leak.
    assert closed.source_currents()["l"] == pytest.approx(1.0 / (1e12 + 1e3), rel=1e-9)


def test_an_inductor_of_0_henries_is_a_short():
    loop = small(Inductor("l", "a", "b", 0.0), Capacitor("c", "b", "0", 1e-12), Resistor("load", "b", "0", 1e3))
    assert close(loop).stability.poles == pytest.approx([-2e9], rel=1e-12)
    assert Loop(*loop.parts[:3]).charged is None


def test_states_that_fix_each_other_are_one():
    """Inductors in series, a capacitance at an ammeter that controls: one pole each, and the currents of both."""
    loop = small(Inductor("l1", "a", "b", 1e-4), Inductor("l2", "b", "0", 3e-4))
    assert close(loop).stability.poles == pytest.approx([-1e3 / 4e-4], rel=1e-12)
    meter = small(
        VoltageSource("vm", "a", "b", 0.0), Capacitor("c1", "a", "0", 1e-12), Capacitor("c2", "b", "0", 2e-12),
        CurrentGain("f", "q", "0", "vm", 2.0), Resistor("rq", "q", "0", 10.0), Resistor("load", "b", "0", 1e3),
    )  # fmt: skip
    stability = close(meter).stability
    assert stability.poles == pytest.approx([-2e-3 / 3e-12], rel=1e-12)
    # Into rq flow 2 of the ammeter's amperes: the load's and what charges c2.
    at = close(meter).loop.watched.index("q")
    tau = 3e-12 / 2e-3
    times = np.array([0.3, 1.0, 2.0]) * tau
    volts, slope = 0.5 * (1.0 - np.exp(-times / tau)), 0.5 * np.exp(-times / tau) / tau
    assert stability.step_response(times)[:, at] == pytest.approx(-20.0 * (volts / 1e3 + 2e-12 * slope), rel=1e-9)


def test_a_differential_amplifier_by_hand():
    """Out and reference are one voltage apart; each of two equal loads has half of it, and both settle."""
    amplifier = Amplifier(gain=10.0, output_resistance=100.0, bandwidth=1e6)
    loop = small(
        Resistor("ra", "a", "0", 1e3), OpAmp("u", "a", "0", "p", amplifier, "m"), Resistor("rp", "p", "0", 1e3),
        Resistor("rm", "m", "0", 1e3), CurrentGain("f", "q", "0", "u", 3.0), Resistor("rq", "q", "0", 50.0),
    )  # fmt: skip
    closed = close(loop)
    amperes = 5.0 / 2100.0
    assert closed.voltages(["p", "m", "q"]) == pytest.approx(
        [1e3 * amperes, -1e3 * amperes, 150.0 * amperes], rel=1e-12
    )
    assert closed.source_currents()["u"] == pytest.approx(-amperes, rel=1e-12)
    assert loop.watched == ["p", "m"]
    stability = closed.stability
    assert stability.poles == pytest.approx([-2e5 * np.pi], rel=1e-12)
    halfway = closed.voltages(["p", "m"]) * 0.5
    assert stability.step_response([np.log(2.0) / 2e5 / np.pi])[0] == pytest.approx(halfway, rel=1e-12)
    # With capacitance that is too small to count the poles are the same ones.
    charged = close(loop.with_parts(Capacitor("c", "p", "m", 1e-20))).stability
    assert charged.poles[0] == pytest.approx(stability.poles[0], rel=1e-7)
    assert charged.step_response([np.log(2.0) / 2e5 / np.pi])[0] == pytest.approx(halfway, rel=1e-7)


def test_a_transresistor_by_hand():
    """v(out) = r i(vm), whatever its load; in a loop with an inductor it damps it."""
    loop = small(Inductor("l", "a", "b", 1e-4), Transresistor("h", "b", "0", "l", 500.0))
    closed = close(loop)
    assert closed.voltages(["b"])[0] == pytest.approx(500.0 / 1500.0, rel=1e-13)
    assert closed.stability.poles == pytest.approx([-1500.0 / 1e-4], rel=1e-12)


@pytest.mark.parametrize("seed", [7, 45])
def test_ways_to_the_operating_point_are_those_of_runs_in_time(tmp_path, seed):
    closed = close(random_loop(seed), stable=False)
    stability = closed.stability
    assert stability.stable
    write_loop(closed.loop, tmp_path / "loop.sp", seconds=5.0 * stability.time_constant)
    (run,) = read(tmp_path / "loop.sp").solve().analyses
    times = run.sweep["time"][1:]
    ours = stability.step_response(times)
    theirs = np.stack([run.node_voltages[node] for node in closed.loop.watched], axis=1)[1:]
    assert ours == pytest.approx(theirs, abs=2e-3 * np.abs(theirs).max())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Inductor("l", "a", "b", -1e-6), r"henries of l is -1e-06: it must be >= 0"),
        (lambda: CurrentGain("f", "a", "b", "v", np.nan), r"gain of f is nan"),
        (lambda: CurrentGain("f", "a", "b", "a b", 1.0), r"control of f is 'a b': names have neither blanks"),
        (lambda: Transresistor("h", "a", "b", "v", [1.0, 2.0]), r"ohms of h has shape \(2,\): give one number"),
        (lambda: OpAmp("u", "a", "b", "o", reference="o"), r"out and reference of u are both o: they need two nodes"),
        (
            lambda: small(CurrentGain("f", "a", "0", "r", 1.0)),
            r"control of f is r, which has no current of its own in the loop: it must name a VoltageSource, Inductor",
        ),
        (
            lambda: close(small(Inductor("l", "a", "b", 1e-6), OpAmp("u", "0", "b", "b", Amplifier(gain=2.0)))),
            r"^l has inductance and u no bandwidth: poles need both",
        ),
        (lambda: small(Transresistor("h", "b", "0", "lost", 1.0)), r"control of h is lost, which has no current"),
    ],
)
def test_what_has_no_place_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
