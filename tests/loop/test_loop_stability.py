"""Poles, settling times and loops that run away: against integration in time of circuits that tests write down."""

import numpy as np
import pytest
from loop_tools import UNIT, amplifiers, crossbar, dominant, nodal, pair
from scipy.integrate import solve_ivp

from xbarsim import Crossbar
from xbarsim.errors import InputError, SolveError
from xbarsim.loop import (
    Amplifier,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    SignedPair,
    UnstableError,
    VoltageSource,
    close,
    eigenvector,
    inverse_loop,
    solve_inverse,
)


def in_time(loop, seconds):
    """Integrate the amplifiers' inner voltages from 0 V: each is a source behind its output resistance."""
    amps = [part for part in loop.parts if isinstance(part, OpAmp)]
    passive = [part for part in loop.parts if not isinstance(part, OpAmp)]
    passive += [Resistor(f"in_{a.name}", a.plus, a.minus, a.amplifier.input_resistance) for a in amps]

    def sources(volts):
        driven = []
        for amp, v in zip(amps, volts, strict=True):
            driven.append(VoltageSource(f"s_{amp.name}", f"{amp.name}/inner", "0", v))
            driven.append(Resistor(f"o_{amp.name}", f"{amp.name}/inner", amp.out, amp.amplifier.output_resistance))
        return Loop(*passive, *driven)

    # The resistive part is affine: its response to each unit, between inputs and at outputs.
    def looked_at(volts):
        voltages = nodal(sources(volts))
        between = [voltages[a.plus] - voltages[a.minus] + a.amplifier.offset for a in amps]
        return np.array([between, [voltages[a.out] for a in amps]])

    still, at_outputs = looked_at(np.zeros(len(amps)))
    response = np.stack([looked_at(row)[0] - still for row in np.eye(len(amps))], axis=1)
    outputs = np.stack([looked_at(row)[1] - at_outputs for row in np.eye(len(amps))], axis=1)
    w = 2 * np.pi * np.array([a.amplifier.bandwidth for a in amps])
    share = np.array([1 / a.amplifier.gain for a in amps])
    rates = w[:, None] * (response - np.diag(share))
    run = solve_ivp(
        lambda t, v: rates @ v + w * still, (0.0, seconds[-1]), np.zeros(len(amps)), t_eval=seconds,
        method="LSODA", rtol=1e-9, atol=1e-13,
    )  # fmt: skip
    return outputs @ run.y + at_outputs[:, None], rates


def test_ways_to_the_operating_point_are_those_of_the_poles():
    rng = np.random.default_rng(1)
    array = pair(rng, dominant(rng, 3))
    loop = inverse_loop(array, rng.uniform(-0.1, 0.1, 3), unit=UNIT, amplifier=amplifiers(rng, 6))
    closed = close(loop)
    accuracy = 1e-3
    settled = float(closed.stability.settling_time(accuracy)[0])
    times = np.linspace(0.0, 3.0 * settled, 3000)
    way, rates = in_time(loop, times)
    assert np.sort_complex(closed.stability.poles) == pytest.approx(np.sort_complex(np.linalg.eigvals(rates)), rel=1e-9)
    final = closed.stability.levels[:, 0]
    assert way[:, -1] == pytest.approx(final, abs=2e-4 * np.abs(final).max())
    off = np.abs(way - final[:, None]).max(axis=0) > accuracy * np.abs(final).max()
    assert times[np.flatnonzero(off)[-1] + 1] == pytest.approx(settled, rel=0.03)
    assert closed.stability.time_constant == pytest.approx(-1 / closed.stability.poles[0].real)


def test_settling_follows_bandwidth_and_accuracy():
    A, b = np.array([[2.0, 0.3], [0.1, 1.0]]), [0.1, 0.2]
    slow, fast = (
        solve_inverse(
            Crossbar(A * UNIT), b, unit=UNIT, amplifier=Amplifier(gain=1e5, bandwidth=hertz)
        ).circuit.stability
        for hertz in (1e6, 1e7)
    )
    assert slow.settling_time() == pytest.approx(10 * fast.settling_time(), rel=1e-6)
    assert slow.settling_time(1e-6) > 1.5 * slow.settling_time(1e-3)
    batch = solve_inverse(
        Crossbar(A * UNIT), [b, [0.0, 0.0]], unit=UNIT, amplifier=Amplifier(bandwidth=1e6)
    ).circuit.stability
    assert batch.settling_time().shape == (2,)
    assert batch.settling_time()[1] == 0.0


def test_one_amplifier_by_hand():
    """Unity follower: the pole of the closed loop is at 2 pi GBW (1 + 1 / gain)."""
    loop = Loop(
        VoltageSource("v", "a", "0", 0.5), OpAmp("u", "a", "b", "b", Amplifier(gain=99.0, bandwidth=3e6)),
    )  # fmt: skip
    stability = close(loop).stability
    assert stability.poles[0].real == pytest.approx(-2 * np.pi * 3e6 * (1 + 1 / 99.0), rel=1e-12)
    assert close(loop).voltages(["b"])[0] == pytest.approx(0.5 * 99 / 100, rel=1e-13)


def test_feedback_to_the_wrong_input_names_the_amplifier():
    rng = np.random.default_rng(2)
    good = inverse_loop(crossbar(rng, dominant(rng, 3, False)), [0.1, 0.2, 0.1], unit=UNIT)
    parts = [part for part in good.parts if part.name != "a1"]
    (wrong,) = [part for part in good.parts if part.name == "a1"]
    loop = Loop(*parts, OpAmp("a1", wrong.minus, wrong.plus, wrong.out))
    with pytest.raises(
        UnstableError, match=r"the loop is not stable: a mode led by amplifier a1 grows at 0\.\d+ of an"
    ) as caught:
        close(loop)
    assert caught.value.amplifier == "a1"
    assert caught.value.stability.poles[0].real > 0
    # The operating point is there, and is the same.
    assert close(loop, stable=False).voltages(["x0"]) == pytest.approx(close(good).voltages(["x0"]), rel=1e-12)


def test_a_matrix_of_the_wrong_eigenvalues_runs_away():
    A = np.array([[0.2, 1.0], [1.0, 0.2]])
    with pytest.raises(UnstableError, match="eigenvalues have positive real parts"):
        solve_inverse(Crossbar(A * UNIT), [0.1, 0.2], unit=UNIT)
    with pytest.raises(UnstableError, match=r"grows at .* 1/s"):
        solve_inverse(Crossbar(A * UNIT), [0.1, 0.2], unit=UNIT, amplifier=Amplifier(bandwidth=1e6))
    x = solve_inverse(Crossbar(A * UNIT), [0.1, 0.2], unit=UNIT, stable=False).x
    assert x == pytest.approx(np.linalg.solve(A, [0.1, 0.2]), rel=1e-12)


def test_speeds_of_single_amplifiers_count():
    """Inverters have poles of their own: how fast they are moves those of the loop."""
    A = np.array([[1.0, -0.9], [-0.9, 1.0]])
    b = [0.1, 0.05]

    def poles(inverters):
        amps = [Amplifier(bandwidth=1e6)] * 2 + [Amplifier(bandwidth=inverters)] * 2
        return solve_inverse(SignedPair.of(A, UNIT), b, unit=UNIT, amplifier=amps, stable=False).circuit.stability.poles

    assert poles(1e8)[0].real != pytest.approx(poles(1e5)[0].real, rel=0.1)


def test_an_open_loop_has_no_operating_point():
    loop = Loop(
        VoltageSource("v", "a", "0", 0.1), Resistor("r", "a", "b", 1e3), OpAmp("u7", "0", "b", "c"),
        Resistor("load", "c", "0", 1e3),
    )  # fmt: skip
    with pytest.raises(SolveError, match="nothing fixes the output of amplifier u7"):
        close(loop)


def test_floating_nodes_are_named():
    loop = Loop(
        VoltageSource("v", "a", "0", 0.1), Resistor("r", "p", "q", 1e3),
        JoinedArray("x", Crossbar([[1e-3]]), {"word_left": ["a"]}),
    )  # fmt: skip
    with pytest.raises(SolveError, match=r"singular.* at node (p|q): tie it to ground"):
        close(loop)


def test_joined_outputs_are_named():
    loop = Loop(OpAmp("u", "0", "a", "a"), OpAmp("w", "0", "a", "a"))
    with pytest.raises(SolveError, match=r"amplifier (u|w)"):
        close(loop)


def test_times_need_a_bandwidth():
    circuit = solve_inverse(Crossbar([[UNIT]]), [0.1], unit=UNIT).circuit
    assert np.isnan(circuit.stability.time_constant)
    with pytest.raises(InputError, match=r"no bandwidth: give Amplifier\(bandwidth=\.\.\.\)"):
        circuit.stability.settling_time()
    timed = solve_inverse(Crossbar([[UNIT]]), [0.1], unit=UNIT, amplifier=Amplifier(bandwidth=1e6)).circuit
    with pytest.raises(InputError, match="accuracy is 2: it must be between 0 and 1"):
        timed.stability.settling_time(2.0)
    assert timed.stability.time_constant == pytest.approx(2 / (2 * np.pi * 1e6), rel=1e-9)


def test_rates_that_overflow_are_refused():
    with pytest.raises(SolveError, match="rates of amplifiers overflow: give bandwidths in hertz"):
        solve_inverse(Crossbar([[UNIT]]), [0.1], unit=UNIT, amplifier=Amplifier(gain=1e-10, bandwidth=1e300))


def test_unstable_loops_never_settle():
    A = np.array([[0.2, 1.0], [1.0, 0.2]])
    solved = solve_inverse(Crossbar(A * UNIT), [0.1, 0.2], unit=UNIT, amplifier=Amplifier(bandwidth=1e6), stable=False)
    with pytest.raises(SolveError, match="never settles"):
        solved.circuit.stability.settling_time()


def test_rings_that_turn_round_are_refused():
    turning = np.array([[0.1, -1.0], [1.0, 0.1]])
    with pytest.raises(
        SolveError, match=r"no feedback sustains one mode: that of the largest real part, 1e-05 S, turns"
    ):
        eigenvector(SignedPair.of(turning, UNIT), unit=UNIT)
    with pytest.raises(SolveError, match=r"no feedback sustains a mode: the largest eigenvalue is -0\.0001 S"):
        eigenvector(SignedPair.of(-np.eye(2), UNIT), unit=UNIT)


def test_two_equal_eigenvalues_are_refused():
    with pytest.raises(UnstableError, match="the largest eigenvalue must be alone"):
        eigenvector(Crossbar(np.eye(3) * UNIT), unit=UNIT)
