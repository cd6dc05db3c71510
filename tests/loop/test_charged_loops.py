"""Loops with capacitance: poles by hand, by a descriptor system that tests write down, and runs in time."""

import numpy as np
import pytest
import scipy.linalg
from loop_tools import REAL, UNIT, amplifiers, crossbar, descriptor, dominant, pair
from netlist_tools import needs_ngspice

from xbarsim import Crossbar, LineEnds, spice
from xbarsim.errors import ConvergenceError
from xbarsim.loop import (
    Amplifier,
    Capacitor,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    Transconductor,
    UnstableError,
    VoltageSource,
    charged_modes,
    close,
    inverse_loop,
    pseudo_inverse_loop,
    transimpedance_loop,
    write_loop,
)
from xbarsim.netlist import read

FARADS = {"word": 3e-14, "bit": 5e-14, "cell": 4e-15}


def finite_poles(loop):
    """All finite generalised eigenvalues of the descriptor system, found by where they stand among the infinite."""
    holding, moving = descriptor(loop)
    times = scipy.linalg.eigvals(np.linalg.solve(moving, holding))
    return 1.0 / times[np.abs(times) > 1e-9 * np.abs(times).max()]


def same_poles(ours, theirs, bound):
    assert len(ours) == len(theirs)
    assert max(np.abs(theirs - pole).min() / abs(pole) for pole in ours) < bound
    assert max(np.abs(ours - pole).min() / abs(pole) for pole in theirs) < bound


def transimpedance_stage(gain, *, feedback=2e-12, ohms=0.0, **more):
    amplifier = Amplifier(gain=gain, output_resistance=ohms, bandwidth=1e6)
    return Loop(
        VoltageSource("v", "in", "0", 0.1), Resistor("rs", "in", "s", 2e4), Resistor("rf", "s", "o", 1e5),
        Capacitor("cf", "s", "o", feedback), Capacitor("cin", "s", "0", more.get("at_input", 30e-12)),
        Capacitor("load", "o", "0", more.get("load", 0.0)), OpAmp("u", "0", "s", "o", amplifier),
    )  # fmt: skip


@pytest.mark.parametrize("gain", [np.inf, 200.0])
@pytest.mark.parametrize("load", [0.0, 1e-11])
def test_transimpedance_amplifier_by_hand(gain, load):
    """(s (Cf + Cin) + 1/Rs + 1/Rf) (s / w + 1 / gain) + s Cf + 1/Rf = 0; a load on an ideal output is none."""
    stability = close(transimpedance_stage(gain, load=load)).stability
    product = np.polymul([32e-12, 1 / 2e4 + 1 / 1e5], [1 / (2 * np.pi * 1e6), 1 / gain])
    expected = np.roots(np.polyadd(product, [2e-12, 1 / 1e5]))
    assert np.sort_complex(stability.poles) == pytest.approx(np.sort_complex(expected), rel=1e-12)
    assert stability.poles.imag.any()


def test_feedback_capacitor_of_a_fast_amplifier_is_its_time_constant():
    """Far above 1 / (Rf Cf) the amplifier is ideal: the pole is there, and the way is exponential."""
    amplifier = Amplifier(bandwidth=1e13)
    loop = transimpedance_loop(Crossbar([[UNIT]]), [0.1], feedback_ohms=1e4, feedback_farads=1e-12, amplifier=amplifier)
    stability = close(loop).stability
    assert stability.time_constant == pytest.approx(1e-8, rel=1e-4)
    assert stability.settling_time(bits=7)[0] == pytest.approx(1e-8 * np.log(2.0**8), rel=1e-3)
    assert stability.step_response([1e-8])[0, 0] == pytest.approx(-0.1 * (1 - np.exp(-1)), rel=1e-3)


def test_a_lone_resistor_and_capacitor():
    loop = Loop(VoltageSource("v", "a", "0", [0.5, 0.0]), Resistor("r", "a", "b", 1e4), Capacitor("c", "b", "0", 1e-9))
    stability = close(loop).stability
    assert stability.poles == pytest.approx([-1e5], rel=1e-14)
    assert stability.settling_time(1e-2) == pytest.approx([1e-5 * np.log(1e2), 0.0], rel=1e-12)
    assert stability.step_response([0.0, 1e-5])[:, 1] == pytest.approx([0.0, 0.5 * (1 - np.exp(-1))], abs=1e-15)


def test_what_comes_at_once_is_no_settling():
    """A divider of capacitors like that of its resistors is there at once; a capacitor at a source has no pole."""
    loop = Loop(
        VoltageSource("v", "a", "0", 0.3), Resistor("r1", "a", "b", 1e4), Resistor("r2", "b", "0", 2e4),
        Capacitor("c1", "a", "b", 2e-12), Capacitor("c2", "b", "0", 1e-12), Capacitor("c3", "a", "0", 5e-12),
    )  # fmt: skip
    stability = close(loop).stability
    assert stability.poles == pytest.approx([-(1 / 1e4 + 1 / 2e4) / 3e-12], rel=1e-12)
    assert stability.settling_time(1e-6)[0] == 0.0
    assert close(Loop(*loop.parts[:3], loop.parts[5])).stability.poles.size == 0


def mixed():
    """All sides of arrays, no two numbers equal, 0 ohm among them, ends with their own voltage."""
    rng = np.random.default_rng(1)
    ends = {"word_right": LineEnds([0.1, 0.0, -0.2], [50.0, np.inf, 0.0]), "bit_top": LineEnds(0.0, [9.0, 0.0])}
    xbar = Crossbar(
        [[1e-3, 2e-4], [0.0, 5e-4], [3e-4, 1e-4]], word_wire=[[0.0], [2.0], [3.0]], bit_wire=1.5,
        driver=[0.0, 5.0, 7.0], sense=[3.0, np.inf], ends=ends,
    )  # fmt: skip
    plain = crossbar(rng, rng.uniform(0.0, 1.0, (2, 2)))
    return Loop(
        JoinedArray(
            "Left", xbar, {"word_left": ["A", "b", "c"], "bit_bottom": ["d", "open"], "bit_top": ["e", "f"]},
            rng.uniform(1e-12, 9e-12, (3, 2)), rng.uniform(1e-12, 9e-12, (3, 2)),
            [[1e-13, 0.0], [2e-13, 0.0], [0.0, 3e-13]],
        ),
        JoinedArray("plain", plain, {"word_left": ["h", "c"], "bit_bottom": ["d", "f"]}),
        VoltageSource("s", "A", "0", [0.3, -0.1]), Resistor("short", "b", "g", 0.0), Resistor("r1", "g", "0", 1e3),
        Resistor("r2", "e", "f", 2e3), Resistor("r3", "f", "0", 700.0), OpAmp("u", "0", "d", "h", REAL),
        OpAmp("w", "h", "m", "m", Amplifier(gain=50.0, bandwidth=2e6)), Resistor("rf", "h", "d", 3e3),
        Resistor("rl", "m", "c", 1e4), Capacitor("cf", "h", "d", 4e-12), Capacitor("cm", "m", "e", 6e-12),
        Capacitor("k1", "q", "p", 3e-12), Resistor("k2", "q", "m", 2e4), Resistor("k3", "p", "f", 3e4),
    )  # fmt: skip


def test_poles_are_those_of_the_descriptor_system():
    closed = close(mixed())
    same_poles(closed.stability.poles, finite_poles(mixed()), 1e-7)


@pytest.mark.parametrize("kind", ["inverse", "pseudo", "read"])
def test_circuits_that_compute_have_the_poles_of_the_descriptor_system(kind):
    loop = computing(kind, 3)
    same_poles(close(loop, stable=False).stability.poles, finite_poles(loop), 1e-6)


def computing(kind, n, farads=100.0):
    rng = np.random.default_rng(4)
    amps = amplifiers(rng, 2 * n + 2)
    b = rng.uniform(-0.1, 0.1, n)
    loop = {
        "inverse": lambda: inverse_loop(pair(rng, dominant(rng, n)), b, unit=UNIT, amplifier=amps[: 2 * n]),
        "pseudo": lambda: pseudo_inverse_loop(
            crossbar(rng, rng.uniform(0.0, 1.0, (n, 2))), b, unit=UNIT, amplifier=amps[: n + 2]
        ),
        "read": lambda: transimpedance_loop(
            pair(rng, dominant(rng, n)), b, feedback_ohms=5e3, feedback_farads=1e-12, amplifier=amps[:n]
        ),
    }[kind]()
    return loop.with_capacitance(**{name: farads * value for name, value in FARADS.items()})


@pytest.mark.parametrize("farads", [1.0, 1e4])
def test_large_loops_have_the_slow_poles_of_all(monkeypatch, farads):
    closed = close(computing("inverse", 5, farads), stable=False)
    whole = closed.stability
    monkeypatch.setattr(charged_modes, "MOST_DENSE", 0)
    part = close(closed.loop, stable=False).stability
    assert whole.reach == np.inf
    assert part.reach < np.inf
    slow = whole.poles[np.abs(whole.poles) < part.reach]
    same_poles(part.poles, slow, 1e-8)
    # None that grows is missed, and farther ones are those of resistors and capacitors.
    assert (whole.poles[np.abs(whole.poles) >= part.reach].real < 0).all()
    assert part.stable == whole.stable == (farads < 10)
    if whole.stable:
        assert part.settling_time(bits=10) == pytest.approx(whole.settling_time(bits=10), rel=1e-9)
        times = np.linspace(1e-6, 5e-6, 7)
        assert part.step_response(times) == pytest.approx(whole.step_response(times), abs=1e-9)
    assert part.leading() == whole.leading()


def test_early_times_of_a_large_loop_are_refused(monkeypatch):
    monkeypatch.setattr(charged_modes, "MOST_DENSE", 0)
    stability = close(computing("inverse", 4, 1.0)).stability
    with pytest.raises(ConvergenceError, match=r"times begin at 0 s, and modes faster than .* 1/s were left out"):
        stability.step_response([0.0])


def in_time(closed, path, run):
    """Our step response and a run in time of the loop's netlist, at the run's times, of the amplifiers' outputs."""
    stability = closed.stability
    seconds = 1.5 * stability.settling_time(1e-3)[0]
    write_loop(closed.loop, path, seconds=seconds)
    names = [amp.out for amp in closed.loop.amplifiers]
    times, volts = run(path, names)
    return stability.step_response(times), np.stack(volts, axis=1)


def by_general(path, names):
    (run,) = read(path).solve().analyses
    return run.sweep["time"], [run.node_voltages[name.lower()] for name in names]


def by_ngspice(path, names):
    (plot,) = spice.run(path).plots
    return plot.values["time"], [plot.node_voltages[name.lower()] for name in names]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["inverse", "read"])
@pytest.mark.parametrize("run", [by_general, pytest.param(by_ngspice, marks=[needs_ngspice, pytest.mark.ngspice])])
def test_ways_to_the_operating_point_are_those_of_runs_in_time(tmp_path, kind, run):
    closed = close(computing(kind, 3, 300.0))
    ours, theirs = in_time(closed, tmp_path / "loop.sp", run)
    assert ours == pytest.approx(theirs, abs=2e-3 * np.abs(theirs).max())
    # They ring, and settle when we say.
    final = closed.stability.levels[:, 0]
    assert np.abs(theirs[-1] - final).max() < 1.2e-3 * np.abs(final).max()


def test_lines_make_a_loop_run_away_and_its_error_says_how():
    good = computing("inverse", 5, 1.0)
    assert close(good).stability.stable
    bad = computing("inverse", 5, 1e4)
    with pytest.raises(UnstableError, match=r"led by amplifier \w+ grows at .* 1/s and rings at .* Hz") as caught:
        close(bad)
    poles = caught.value.stability.poles
    assert caught.value.amplifier == caught.value.stability.leading()
    assert poles[0].real > 0
    assert f"{poles[0].real:.2g} 1/s" in str(caught.value)
    assert close(bad, stable=False).voltages(["x0"]) == pytest.approx(close(good).voltages(["x0"]), rel=1e-12)


@pytest.mark.parametrize("name", ["word", "bit", "cell"])
def test_each_capacitance_acts(name):
    loop = computing("inverse", 2).with_capacitance()
    poles = [close(loop.with_capacitance(**{name: farads})).stability.poles for farads in (1e-11, 2e-11)]
    plain = close(loop).stability.poles
    assert poles[0][0] != pytest.approx(poles[1][0], rel=1e-5)
    # The limit of none is the amplifiers' poles alone.
    tiny = close(loop.with_capacitance(**{name: 1e-22})).stability
    assert tiny.poles[: plain.size] == pytest.approx(plain, rel=1e-6)
    assert tiny.settling_time() == pytest.approx(close(loop).stability.settling_time(), rel=1e-6)


def test_load_and_feedback_act():
    base = close(transimpedance_stage(1e4, ohms=100.0)).stability.settling_time(bits=10)
    for change in ({"load": 1e-9}, {"feedback": 8e-12}, {"at_input": 90e-12}):
        assert close(transimpedance_stage(1e4, ohms=100.0, **change)).stability.settling_time(bits=10) != pytest.approx(
            base, rel=1e-3
        )
    ring = close(transimpedance_stage(1e4, feedback=0.0, at_input=1e-9)).stability
    damped = close(transimpedance_stage(1e4, feedback=5e-11, at_input=1e-9)).stability
    assert damped.settling_time() < ring.settling_time()


def test_passive_loops_only_decay():
    """Resistors and capacitors: all poles real and negative, as many as nodes with capacitance."""
    rng = np.random.default_rng(5)
    array = crossbar(rng, rng.uniform(0.1, 1.0, (4, 3)))
    loop = Loop(
        JoinedArray("x", array, {"word_left": [f"i{k}" for k in range(4)]}, 1e-15, 2e-15, 5e-16),
        *[VoltageSource(f"v{k}", f"i{k}", "0", float(rng.uniform(0.1, 0.3))) for k in range(4)],
    )
    poles = close(loop).stability.poles
    assert poles.size == 24
    assert not poles.imag.any()
    assert (poles.real < 0).all()


def test_bits_and_accuracy_are_one_thing():
    stability = close(transimpedance_stage(1e4)).stability
    assert stability.settling_time(bits=9) == stability.settling_time(2.0**-10)


def test_an_amplifier_without_a_pole_by_hand():
    """``-v(minus) = v(out) / gain`` at once: the capacitances' pole alone, also of one in the feedback."""
    gain, cf, cin, rs, rf = 50.0, 2e-12, 30e-12, 2e4, 1e5
    loop = transimpedance_stage(gain, feedback=cf, at_input=cin)
    parts = [part for part in loop.parts if not isinstance(part, OpAmp)]
    loop = Loop(*parts, OpAmp("u", "0", "s", "o", Amplifier(gain=gain, bandwidth=np.inf)))
    stability = close(loop).stability
    expected = -(1 / rs + (1 + gain) / rf) / (cin + (1 + gain) * cf)
    assert stability.poles == pytest.approx([expected], rel=1e-12)
    # What the source does goes through the capacitance: nothing is there at once.
    assert stability.step_response([0.0])[0, 0] == pytest.approx(0.0, abs=1e-15)
    fast = Loop(*parts, OpAmp("u", "0", "s", "o", Amplifier(gain=gain, bandwidth=1e15)))
    assert close(fast).stability.poles[0] == pytest.approx(expected, rel=1e-6)


def test_a_transconductor_into_a_capacitor_by_hand():
    """Gm-C integrator in unity feedback: the pole is at gm / C, and one of the wrong sign runs away."""
    for siemens, stable in ((1e-4, True), (-1e-4, False)):
        loop = Loop(
            VoltageSource("v", "in", "0", 0.2), Transconductor("g", "0", "o", "in", "o", siemens),
            Capacitor("c", "o", "0", 1e-11),
        )  # fmt: skip
        closed = close(loop, stable=False)
        assert closed.voltages(["o"])[0] == pytest.approx(0.2, rel=1e-14)
        assert closed.stability.poles == pytest.approx([-siemens / 1e-11], rel=1e-13)
        assert closed.stability.stable == stable
        if not stable:
            with pytest.raises(UnstableError, match="the loop is not stable: a mode led by no amplifier grows at 1e"):
                close(loop)
