"""Bad capacitance, and what asks too much of it: each a message that names the argument, the place and the way out."""

import numpy as np
import pytest
from loop_tools import UNIT

from xbarsim import Crossbar
from xbarsim.errors import InputError, SolveError
from xbarsim.loop import (
    Amplifier,
    Capacitor,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    Transconductor,
    VoltageSource,
    close,
    inverse_loop,
    transimpedance_loop,
    write_loop,
)

ONE = Crossbar([[2 * UNIT, UNIT], [UNIT, 3 * UNIT]], word_wire=1.0, bit_wire=1.0)
RC = (VoltageSource("v", "a", "0", 0.1), Resistor("r", "a", "b", 1e3), Capacitor("c", "b", "0", 1e-12))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Capacitor("c", "a", "b", -1e-12), r"^farads of c is -1e-12: it must be >= 0"),
        (lambda: Transconductor("g", "a", "b", "c", "d", np.inf), r"^siemens of g is inf: it must be"),
        (lambda: Transconductor("g", "a", "b", "c", "d", [1.0]), r"^siemens of g has shape \(1,\): give one number$"),
        (lambda: Transconductor("g", "a", "b", "c d", "d", 1.0), r"^plus of g is 'c d': names have neither"),
        (lambda: Capacitor("c", "a", "b", np.nan), r"^farads of c is nan: it must be"),
        (lambda: Capacitor("c", "a", "b", np.inf), r"^farads of c is inf: it must be"),
        (lambda: Capacitor("c", "a", "b", [1e-12, 1e-12]), r"^farads of c has shape \(2,\): give one number$"),
        (
            lambda: JoinedArray("x", ONE, {}, word_capacitance=[[1e-15, 0.0], [0.0, -2e-15]]),
            r"^x: word_capacitance\[1, 1\] is -2e-15: it must be >= 0",
        ),
        (lambda: JoinedArray("x", ONE, {}, bit_capacitance=np.inf), r"^x: bit_capacitance is inf"),
        (
            lambda: JoinedArray("x", ONE, {}, cell_capacitance=np.ones((3, 2))),
            r"^x: cell_capacitance has shape \(3, 2\): it must be a scalar or broadcast to \(2, 2\)$",
        ),
        (
            lambda: inverse_loop(ONE, [0.1, 0.1], unit=UNIT).with_capacitance(cell=-1.0),
            r"^array: cell_capacitance is -1\.0: it must be >= 0",
        ),
        (
            lambda: transimpedance_loop(ONE, [0.1, 0.1], feedback_ohms=1e3, feedback_farads=-1e-12),
            r"^feedback_farads is -1e-12: it must be >= 0",
        ),
        (
            lambda: close(inverse_loop(ONE, [0.1, 0.1], unit=UNIT).with_capacitance(word=1e-15)),
            r"^array has capacitance and a0 no bandwidth: poles need both, give Amplifier\(bandwidth=\.\.\.\) "
            r"\(inf for one without a pole\), or close\(loop, stable=False\)",
        ),
        (lambda: close(Loop(*RC)).stability.settling_time(0.1, bits=8), "accuracy and bits are both given: give one"),
        (lambda: close(Loop(*RC)).stability.settling_time(bits=0), "bits is 0: it must be above 0 and below 50"),
        (lambda: close(Loop(*RC)).stability.settling_time(bits=np.nan), "bits is nan: it must be"),
        (lambda: close(Loop(*RC)).stability.settling_time(1.0), "accuracy is 1: it must be between 0 and 1"),
        (lambda: close(Loop(*RC)).stability.step_response([-1.0]), r"times\[0\] is -1\.0: it must be >= 0"),
        (lambda: close(Loop(*RC)).stability.step_response(1.0), r"times has shape \(\): it must be \(times,\)"),
        (lambda: close(Loop(*RC)).stability.step_response([1.0], point=1), "point is 1: the loop has 1"),
        (lambda: write_loop(Loop(*RC), "x.sp", seconds=0.0), r"seconds is 0\.0: it must be a finite time above 0"),
        (
            lambda: write_loop(inverse_loop(ONE, [0.1, 0.1], unit=UNIT), "x.sp", seconds=1e-6),
            r"a0 has no bandwidth: a run in time needs Amplifier\(bandwidth=\.\.\.\)",
        ),
    ],
)
def test_input(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_operating_points_need_no_bandwidth():
    loop = inverse_loop(ONE, [0.1, 0.1], unit=UNIT)
    charged = close(loop.with_capacitance(word=1e-15), stable=False)
    assert charged.voltages(["x0", "x1"]) == pytest.approx(close(loop).voltages(["x0", "x1"]), rel=1e-14)


def test_nodes_behind_capacitors_alone_are_named():
    loop = Loop(*RC, Capacitor("d", "b", "far", 1e-12))
    with pytest.raises(SolveError, match=r"singular.* at node far: tie it to ground or to a source"):
        close(loop)


def test_floating_nodes_of_arrays_with_capacitance_are_named():
    broken = Crossbar([[UNIT, 0.0], [UNIT, UNIT]], word_wire=[[np.inf], [1.0]], bit_wire=1.0)
    inputs = [VoltageSource(f"v{k}", f"i{k}", "0", 0.1) for k in range(2)]
    loop = Loop(*inputs, JoinedArray("x", broken, {"word_left": ["i0", "i1"]}, word_capacitance=1e-15))
    with pytest.raises(SolveError, match=r"x has capacitance at word node \[0, 1\], which floats: tie it, or leave"):
        _ = close(loop)


def test_outputs_that_a_source_fixes_are_named():
    loop = Loop(*RC, OpAmp("u", "b", "0", "o", Amplifier(gain=10.0, bandwidth=1e6)))
    fixed = Loop(*loop.parts, VoltageSource("w", "o", "0", 1.0))
    with pytest.raises(SolveError, match="amplifier u fixes the voltage between o and ground, which is fixed already"):
        close(fixed)
    twice = Loop(*loop.parts, OpAmp("w", "b", "0", "o", Amplifier(gain=20.0, bandwidth=1e6)))
    with pytest.raises(SolveError, match=r"amplifier (u|w)"):
        close(twice)


def test_a_circuit_without_ground_is_told():
    """Its amplifier has a gain and a feedback: what it lacks is a ground."""
    loop = Loop(
        OpAmp("u", "c", "d", "a", Amplifier(gain=10.0), reference="b"), Resistor("r1", "a", "c", 1e3),
        Resistor("r2", "b", "d", 1e3), Resistor("r3", "c", "d", 1e3),
    )  # fmt: skip
    with pytest.raises(SolveError, match=r"equations are singular.* at node c: tie it to ground"):
        close(loop)


def test_loops_of_nothing_that_moves_have_no_poles():
    stability = close(Loop(RC[0], Capacitor("c", "a", "0", 1e-12))).stability
    assert stability.poles.size == 0
    assert stability.stable
    assert stability.settling_time()[0] == 0.0


def ideal(**amplifier):
    return Loop(*RC, Resistor("rf", "b", "o", 1e4), OpAmp("u", "0", "b", "o", Amplifier(**amplifier)))


def test_ideal_amplifiers_hold_a_capacitance_at_once():
    """The limit of a high gain, whose pole is fast: with none that is finite there is no pole at all."""
    stability = close(ideal(bandwidth=np.inf)).stability
    assert stability.poles.size == 0
    assert stability.step_response([0.0])[0] == pytest.approx(stability.levels[:, 0], rel=1e-12)
    assert close(ideal(bandwidth=np.inf, gain=1e9)).stability.poles.real < -1e12
