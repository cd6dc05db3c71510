"""Bad input to loops: each a message that names the argument, the place and the way out."""

import numpy as np
import pytest
from loop_tools import UNIT

from xbarsim import Crossbar, LineEnds, Sinh, Transistor
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.loop import (
    Amplifier,
    CurrentSource,
    JoinedArray,
    Loop,
    OpAmp,
    Resistor,
    SignedPair,
    VoltageSource,
    close,
    eigenvector,
    pseudo_inverse,
    solve_inverse,
    split_errors,
    transimpedance,
    write_loop,
)

ONE = Crossbar([[2 * UNIT, UNIT], [UNIT, 3 * UNIT]])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gain": 0.0}, r"gain is 0: it must be above 0, inf is ideal"),
        ({"gain": -1e5}, r"gain is -100000: it must be above 0"),
        ({"gain": np.nan}, r"gain is nan: it must be"),
        ({"gain": [1e5, 1e5]}, r"gain has shape \(2,\): it must be one number"),
        ({"gain": "high"}, r"gain must be real numbers"),
        ({"input_resistance": 0.0}, r"input_resistance is 0: it must be above 0 ohm"),
        ({"output_resistance": -1.0}, r"output_resistance is -1: it must be >= 0 ohm and finite"),
        ({"output_resistance": np.inf}, r"output_resistance is inf: it must be >= 0 ohm and finite"),
        ({"offset": np.inf}, r"offset is inf: it must be a finite number of volts"),
        ({"bandwidth": 0.0}, r"bandwidth is 0: it must be above 0 Hz; inf is an amplifier without a pole"),
        ({"bandwidth": np.nan}, r"bandwidth is nan"),
    ],
)
def test_amplifiers(setting, message):
    with pytest.raises(InputError, match=message):
        Amplifier(**setting)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: solve_inverse(ONE, [0.1], unit=UNIT), r"b has shape \(1,\): it must be \(2,\) or \(batch, 2\)"),
        (lambda: solve_inverse(ONE, [0.1, np.nan], unit=UNIT), r"b\[1\] is nan: it must be a finite number"),
        (lambda: solve_inverse(ONE, [[[0.1, 0.2]]], unit=UNIT), r"b has shape \(1, 1, 2\)"),
        (lambda: solve_inverse(ONE, [0.1, 0.2], unit=0.0), r"unit is 0\.0: it must be one number of siemens above 0"),
        (lambda: solve_inverse(ONE, [0.1, 0.2], unit=-UNIT), r"unit is -0\.0001: it must be"),
        (lambda: solve_inverse(ONE, [0.1, 0.2], unit=UNIT, inverter_ohms=0.0), r"inverter_ohms is 0\.0: it must be"),
        (lambda: solve_inverse(np.eye(2), [0.1, 0.2], unit=UNIT), r"array is ndarray: it must be an xbarsim\.Crossbar"),
        (
            lambda: solve_inverse(Crossbar(np.ones((2, 3)) * UNIT), [0.1, 0.2], unit=UNIT),
            r"array is 2 x 3: the inverse circuit's matrix is square, take pseudo_inverse",
        ),
        (
            lambda: solve_inverse(ONE, [0.1, 0.2], unit=UNIT, amplifier=[Amplifier()]),
            r"amplifier has 1 amplifiers: this circuit has 2",
        ),
        (
            lambda: solve_inverse(ONE, [0.1, 0.2], unit=UNIT, amplifier=[Amplifier(), 1e5]),
            r"amplifier\[1\] is float: it must be an Amplifier",
        ),
        (
            lambda: solve_inverse(ONE, [0.1, 0.2], unit=UNIT, amplifier=1e5),
            r"amplifier is float: it must be an Amplifier",
        ),
        (
            lambda: solve_inverse(ONE, [0.1, 0.2], unit=UNIT, amplifier=[Amplifier(), Amplifier(bandwidth=1e6)]),
            r"a1 has a bandwidth and a0 has none: give all amplifiers one, or none",
        ),
        (
            lambda: pseudo_inverse(Crossbar(np.ones((2, 3)) * UNIT), [0.1, 0.2], unit=UNIT),
            r"array is 2 x 3: least squares need as many word lines as bit lines at least",
        ),
        (
            lambda: pseudo_inverse(ONE, [0.1, 0.2], unit=UNIT, feedback_siemens=0.0),
            r"feedback_siemens is 0\.0: it must be one number of siemens above 0",
        ),
        (
            lambda: pseudo_inverse(ONE, [0.1, 0.2], unit=UNIT, second=Crossbar([[UNIT]])),
            r"second differs from array in its shape or its signs",
        ),
        (lambda: transimpedance(ONE, [0.1], feedback_ohms=1e3), r"voltages has shape \(1,\)"),
        (lambda: transimpedance(ONE, [0.1, 0.1], feedback_ohms=-1.0), r"feedback_ohms(\[.*\])? is -1\.0"),
        (lambda: eigenvector(Crossbar(np.ones((2, 3)) * UNIT), unit=UNIT), r"an eigenvector's matrix is square"),
        (
            lambda: eigenvector(Crossbar(np.eye(2) * UNIT, ends={"bit_top": LineEnds(0.1, 1e3)}), unit=UNIT),
            r"ends\['bit_top'\] hold voltages: a mode that sustains itself has no input",
        ),
        (
            lambda: eigenvector(Crossbar(np.eye(2) * UNIT, device=Sinh(v0=0.2)), unit=UNIT),
            r"array has cells of Sinh\(.*\): an eigenvector is that of linear cells",
        ),
        (lambda: SignedPair(ONE, Crossbar([[UNIT]])), r"positive and negative are 2 x 2 and 1 x 1: a pair is of one"),
        (lambda: SignedPair(ONE, 3), r"negative is int: it must be an xbarsim\.Crossbar"),
        (lambda: SignedPair.of([[1.0, np.inf]], UNIT), r"matrix\[0, 1\] is inf"),
        (
            lambda: split_errors(lambda a, amp: None, ONE, target=SignedPair(ONE, ONE), amplifier=Amplifier()),
            r"target differs from array in its shape or its signs",
        ),
    ],
)
def test_circuits(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Resistor("r", "a", "b", -1.0), r"ohms of r is -1\.0: it must be >= 0"),
        (lambda: Resistor("r", "a", "b", [1.0, 2.0]), r"ohms of r has shape \(2,\): give one number"),
        (lambda: Resistor("r", "a b", "b", 1.0), r"a of r is 'a b': names have neither blanks"),
        (lambda: Resistor("", "a", "b", 1.0), r"name of a Resistor is ''"),
        (lambda: VoltageSource("v", "a", "0", np.nan), r"volts of v is nan"),
        (
            lambda: VoltageSource("v", "a", "0", [[1.0]]),
            r"volts of v has shape \(1, 1\): give one number, or one for each",
        ),
        (lambda: CurrentSource("i", "a", "0", [1.0, np.inf]), r"amperes of i\[1\] is inf"),
        (lambda: OpAmp("u", "a", "b", "0"), r"out of u is ground: an amplifier's output needs a node"),
        (lambda: OpAmp("u", "a", "b", "c", 1e5), r"amplifier of u is float"),
        (lambda: JoinedArray("x", np.eye(2), {}), r"crossbar of x is ndarray"),
        (lambda: JoinedArray("x", ONE, {"left": ["a", "b"]}), r"nodes of x has the key 'left': sides are word_left"),
        (lambda: JoinedArray("x", ONE, {"bit_top": ["a"]}), r"nodes of x has 1 names at bit_top: it has 2 lines"),
        (lambda: JoinedArray("x", ONE, {"bit_top": ["a", 3]}), r"nodes\['bit_top'\]\[1\] of x is 3"),
        (
            lambda: JoinedArray("x", Crossbar([[UNIT]], device=Transistor(gate=2.0)), {}),
            r"x has cells of Transistor\(.*\): loops are solved with cells of two terminals",
        ),
        (lambda: Loop(Resistor("r", "a", "0", 1.0), Resistor("R", "b", "0", 1.0)), r"two parts are called R"),
        (lambda: Loop("r1 a 0 1k"), r"part 0 is str: parts are Resistor, Capacitor, VoltageSource"),
        (
            lambda: Loop(VoltageSource("v", "a", "0", [1.0, 2.0]), CurrentSource("i", "a", "0", [1.0, 2.0, 3.0])),
            r"v has 2 points and i has 3: give them as many",
        ),
        (lambda: close("loop"), r"loop is str: it must be a Loop of parts"),
        (lambda: close(Loop()), r"the loop has no nodes"),
        (lambda: close(Loop(Resistor("r", "a", "0", 1.0)), tolerance=0.0), r"tolerance is 0\.0"),
        (
            lambda: close(Loop(Resistor("r", "a", "0", 1.0))).voltages(["b"]),
            r"node 'b' is none of the loop's: it has a",
        ),
        (lambda: close(Loop(Resistor("r", "a", "0", 1.0))).solution("x"), r"array 'x' is none of the loop's"),
        (lambda: write_loop(Loop(Resistor("r", "a", "0", 1.0)), "x.sp", point=1), r"point is 1: the loop has 1"),
    ],
)
def test_parts(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_singular_matrices_say_their_condition_number():
    with pytest.raises(SolveError, match=r"singular to its digits, its condition number is (inf|[\d.]+e\+1[5-9])"):
        solve_inverse(Crossbar(np.ones((2, 2)) * UNIT), [0.1, 0.2], unit=UNIT)
    with pytest.raises(SolveError, match=r"condition number is .*: its columns do not tell all of x, take columns out"):
        pseudo_inverse(Crossbar(np.ones((4, 2)) * UNIT), [0.1, 0.2, 0.3, 0.4], unit=UNIT)


def test_what_is_too_unsure_is_not_handed_out():
    near = Crossbar(np.array([[1.0, 1.0 - 1e-9], [1.0, 1.0]]) * UNIT)
    with pytest.raises(
        ConvergenceError, match=r"uncertain by .* \(tolerance 1e-08\), its equations have the condition"
    ) as caught:
        solve_inverse(near, [0.1, 0.2], unit=UNIT, stable=False)
    assert any("tolerance=" in remedy for remedy in caught.value.remedies)
    solve_inverse(near, [0.1, 0.2], unit=UNIT, stable=False, tolerance=1e-3)


def test_lines_joined_by_0_ohm_are_named():
    xbar = Crossbar(np.eye(2) * UNIT, ends={"word_right": LineEnds(0.0, 0.0)})
    with pytest.raises(SolveError, match=r"0 ohm joins the ends word_left\[0\] and word_right\[0\]"):
        solve_inverse(xbar, [0.1, 0.2], unit=UNIT)
