"""Circuits that compute: against linear algebra where all is ideal, and a nodal analysis of every cell where not."""

import inspect
from fractions import Fraction

import numpy as np
import pytest
from loop_tools import REAL, UNIT, amplifiers, crossbar, dominant, nodal, pair

from xbarsim import Crossbar, LineEnds, solve
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
    inverse_loop,
    pseudo_inverse,
    pseudo_inverse_loop,
    solve_inverse,
    transimpedance,
    transimpedance_loop,
)


def agrees(circuit, bound=1e-11, point=0):
    expected = nodal(circuit.loop, point)
    voltages = circuit.node_voltages()
    largest = max(map(abs, expected.values()))
    for node, volts in voltages.items():
        assert np.ravel(volts)[point if np.ndim(volts) else 0] == pytest.approx(expected[node], abs=bound * largest), (
            node
        )


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_ideal_circuits_are_linear_algebra(n):
    rng = np.random.default_rng(n)
    A, b = dominant(rng, n), rng.uniform(-0.2, 0.2, (3, n))
    assert solve_inverse(SignedPair.of(A, UNIT), b, unit=UNIT).x == pytest.approx(np.linalg.solve(A, b.T).T, rel=1e-12)
    X, y = rng.uniform(0.0, 1.0, (n + 3, n)), rng.uniform(-0.2, 0.2, n + 3)
    solved = pseudo_inverse(Crossbar(X * UNIT), y, unit=UNIT)
    assert solved.x == pytest.approx(np.linalg.pinv(X) @ y, rel=1e-10, abs=1e-12)
    assert solved.ideal == pytest.approx(solved.x, rel=1e-10, abs=1e-12)
    v = rng.uniform(-0.3, 0.3, (2, n))
    read = transimpedance(SignedPair.of(A, UNIT), v, feedback_ohms=5e3)
    assert read.x == pytest.approx(-5e3 * UNIT * v @ A, rel=1e-12, abs=1e-15)
    mode = eigenvector(Crossbar(np.abs(A) * UNIT), unit=UNIT)
    assert np.abs(A) @ mode.x == pytest.approx(mode.value * mode.x, rel=1e-12)
    assert mode.value == pytest.approx(np.abs(np.linalg.eigvals(np.abs(A))).max(), rel=1e-12)


def test_which_way_round_the_matrix_is():
    """Word lines are equations, bit lines unknowns: A[0, 1] couples x[1] into the first equation."""
    cells = UNIT * np.array([[1.0, 0.5], [0.0, 1.0]])
    assert solve_inverse(Crossbar(cells), [0.0, 0.4], unit=UNIT).x == pytest.approx([-0.2, 0.4], rel=1e-13)


@pytest.mark.parametrize("n", [2, 4, 9])
@pytest.mark.parametrize("signed", [False, True])
def test_wires_and_amplifiers_as_they_are(n, signed):
    rng = np.random.default_rng(10 * n + signed)
    A = dominant(rng, n, signed)
    array = pair(rng, A) if signed else crossbar(rng, A)
    b = rng.uniform(-0.2, 0.2, (2, n))
    solved = solve_inverse(array, b, unit=UNIT, amplifier=amplifiers(rng, 2 * n if signed else n))
    agrees(solved.circuit, point=0)
    agrees(solved.circuit, point=1)
    X = rng.uniform(-1.0 if signed else 0.0, 1.0, (n + 2, n))
    y = rng.uniform(-0.2, 0.2, n + 2)
    both = (pair(rng, X), pair(rng, X)) if signed else (crossbar(rng, X), crossbar(rng, X))
    amps = amplifiers(rng, (2 * n + 2) * (2 if signed else 1))
    solved = pseudo_inverse(both[0], y, unit=UNIT, second=both[1], amplifier=amps, feedback_siemens=3e-5, stable=False)
    agrees(solved.circuit)
    read = transimpedance(array, b[0], feedback_ohms=7e3, amplifier=amplifiers(rng, n))
    agrees(read.circuit)


@pytest.mark.parametrize("signed", [False, True])
def test_eigenvectors_of_real_circuits_sustain_themselves(signed):
    """Opened at one inverter's output and driven there, the ring gives back what drives it: a return ratio of 1."""
    rng = np.random.default_rng(3)
    n = 6
    A = rng.uniform(-0.3 if signed else 0.0, 1.0, (n, n)) + np.diag(np.linspace(0.5, 1.5, n))
    array = pair(rng, A) if signed else crossbar(rng, A)
    amp = Amplifier(gain=2e3, input_resistance=1e6, output_resistance=0.0)
    mode = eigenvector(array, unit=UNIT, amplifier=amp, inverter_ohms=2e4)
    agrees(mode.circuit)
    parts = [part for part in mode.circuit.loop.parts if not (isinstance(part, OpAmp) and part.out == "x2")]
    (cut,) = [part for part in mode.circuit.loop.parts if isinstance(part, OpAmp) and part.out == "x2"]
    (drive,) = [part for part in parts if isinstance(part, VoltageSource)]
    parts = [part for part in parts if part not in (drive,)]
    back = Resistor("closing", drive.plus, drive.minus, 1.0 / (mode.value * UNIT))
    # The feedback of that inverter stays at the node that is driven: its amplifier drives nothing.
    opened = Loop(
        *parts, back, OpAmp("cut", cut.plus, cut.minus, "back", amp), VoltageSource("drive", "x2", "0", mode.x[2])
    )
    voltages = nodal(opened)
    assert voltages["back"] == pytest.approx(mode.x[2], rel=1e-8)
    assert [voltages[f"x{k}"] for k in range(n)] == pytest.approx(mode.x, rel=1e-8)
    assert abs(mode.stability.poles[0]) < 1e-9
    assert (mode.stability.poles[1:].real < 0).all()


def test_one_amplifier_by_hand():
    """x (G + g_in) / a + G x = g_in b, with an ideal array of one cell."""
    a, G = 50.0, 3.0
    x = solve_inverse(Crossbar([[G * UNIT]]), [0.3], unit=UNIT, amplifier=Amplifier(gain=a)).x
    assert x == pytest.approx(0.3 / (G + (G + 1.0) / a), rel=1e-14)
    # An offset stands at the sum: x G = b - offset (G + 1).
    x = solve_inverse(Crossbar([[G * UNIT]]), [0.3], unit=UNIT, amplifier=Amplifier(offset=1e-3)).x
    assert x == pytest.approx([(0.3 + 1e-3 * (G + 1.0)) / G], rel=1e-13)


@pytest.mark.parametrize(
    ("flaw", "value"), [("gain", 1e3), ("input_resistance", 1e3), ("output_resistance", 500.0), ("offset", 1e-3)]
)
def test_each_flaw_acts(flaw, value):
    rng = np.random.default_rng(5)
    A, b = dominant(rng, 4, signed=False), rng.uniform(0.1, 0.2, 4)
    # Neither input nor output resistance acts at infinite gain.
    base = {} if flaw in ("gain", "offset") else {"gain": 1e3}
    array = Crossbar(A * UNIT)
    plain = solve_inverse(array, b, unit=UNIT, amplifier=Amplifier(**base)).x
    flawed = solve_inverse(array, b, unit=UNIT, amplifier=Amplifier(**base, **{flaw: value}))
    assert np.abs(flawed.x - plain).max() > 1e-4 * np.abs(plain).max()
    agrees(flawed.circuit)


@pytest.mark.parametrize("gain", [1e-3, 1.0, 1e15, 1e300])
def test_gains_of_all_sizes(gain):
    loop = Loop(
        VoltageSource("v", "a", "0", 0.5), OpAmp("u", "a", "m", "o", Amplifier(gain=gain, offset=0.1)),
        Resistor("r1", "o", "m", 3e3), Resistor("r2", "m", "0", 1e3),
    )  # fmt: skip
    assert close(loop).voltages(["o"])[0] == pytest.approx(0.6 / (0.25 + 1 / gain), rel=1e-14)


def test_errors_go_with_one_over_gain():
    rng = np.random.default_rng(6)
    A, b = dominant(rng, 5), rng.uniform(-0.2, 0.2, 5)
    errors = [
        np.abs(solve_inverse(SignedPair.of(A, UNIT), b, unit=UNIT, amplifier=Amplifier(gain=gain)).x
               - np.linalg.solve(A, b)).max()
        for gain in (1e3, 1e4, 1e5)
    ]  # fmt: skip
    assert errors[0] / errors[1] == pytest.approx(10.0, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(10.0, rel=0.01)


def test_superposition_over_a_batch():
    rng = np.random.default_rng(7)
    array, amp = pair(rng, dominant(rng, 4)), Amplifier(gain=500.0, output_resistance=20.0)
    b = rng.uniform(-0.1, 0.1, (2, 4))
    x = solve_inverse(array, np.vstack([b, 2.0 * b[0] - 3.0 * b[1]]), unit=UNIT, amplifier=amp).x
    assert x[2] == pytest.approx(2.0 * x[0] - 3.0 * x[1], rel=1e-11)
    assert solve_inverse(array, b[0], unit=UNIT, amplifier=amp).x == pytest.approx(x[0], rel=1e-12)


def test_settings_of_circuits_act():
    rng = np.random.default_rng(8)
    A, b = dominant(rng, 3), rng.uniform(0.1, 0.2, 3)
    array, amp = SignedPair.of(A, UNIT), Amplifier(gain=100.0, output_resistance=50.0)
    a, c = (solve_inverse(array, b, unit=UNIT, amplifier=amp, inverter_ohms=r).circuit for r in (1e3, 1e5))
    assert not np.allclose(a.voltages(["x0"]), c.voltages(["x0"]), rtol=1e-6, atol=0.0)
    agrees(a)
    X, y = rng.uniform(0.1, 1.0, (4, 2)), rng.uniform(0.1, 0.2, 4)
    plain = pseudo_inverse(Crossbar(X * UNIT), y, unit=UNIT, amplifier=amp)
    for setting in ({"feedback_siemens": 1e-5}, {"second": Crossbar(1.2 * X**1.1 * UNIT)}):
        moved = pseudo_inverse(Crossbar(X * UNIT), y, unit=UNIT, amplifier=amp, **setting)
        assert not np.allclose(moved.x, plain.x, rtol=1e-5, atol=0.0)
        agrees(moved.circuit)
    signed = SignedPair.of(X - 0.5, UNIT)
    circuits = [
        pseudo_inverse(signed, y, unit=UNIT, amplifier=amp, inverter_ohms=r, stable=False).circuit for r in (1e3, 1e5)
    ]
    assert not np.allclose(*(circuit.voltages(["x0", "x1"]) for circuit in circuits), rtol=1e-6, atol=0.0)
    agrees(circuits[0])
    ohms = [
        eigenvector(Crossbar(np.abs(A) * UNIT), unit=UNIT, amplifier=amp, inverter_ohms=r).value for r in (1e3, 1e5)
    ]
    assert abs(ohms[0] / ohms[1] - 1.0) < 0.1
    assert ohms[0] != ohms[1]


def test_circuits_with_inverters_take_the_same_settings():
    names = [set(inspect.signature(circuit).parameters) for circuit in (solve_inverse, pseudo_inverse, eigenvector)]
    common = {"array", "unit", "amplifier", "inverter_ohms", "tolerance"}
    assert [listed - common for listed in names] == [
        {"b", "stable"},
        {"b", "stable", "second", "feedback_siemens"},
        {"word_capacitance", "bit_capacitance", "cell_capacitance"},
    ]
    assert all(common <= listed for listed in names)


def test_units_and_scales_cancel():
    rng = np.random.default_rng(9)
    A, b = dominant(rng, 3, signed=False), rng.uniform(0.1, 0.2, 3)
    x = solve_inverse(Crossbar(A * 1e-6), b, unit=1e-6).x
    assert x == pytest.approx(solve_inverse(Crossbar(A * 1e-3), 10 * b, unit=1e-3).x / 10, rel=1e-12)


def test_any_linear_circuit_at_any_end():
    """Ends on all four sides, some with voltages of their own, some open; sources, a short, a follower."""
    rng = np.random.default_rng(11)
    rows, cols = 4, 3
    ends = {
        "word_left": LineEnds(0.0, [3.0, np.inf, 5.0, 2.0]),
        "word_right": LineEnds(rng.uniform(-0.2, 0.2, rows), rng.uniform(50.0, 90.0, rows)),
        "bit_top": LineEnds(0.0, [10.0, np.inf, 40.0]),
        "bit_bottom": LineEnds(0.0, 4.0),
    }
    xbar = Crossbar(
        10 ** rng.uniform(-5.0, -3.0, (rows, cols)), word_wire=2.0, bit_wire=rng.uniform(1.0, 3.0, (3, 3)), ends=ends
    )
    loop = Loop(
        JoinedArray("x", xbar, {"word_left": ["a", "open", "b", "0"], "bit_top": ["c", "open", "a"],
                                "bit_bottom": ["d", "e", "f"]}),
        VoltageSource("v1", "a", "0", [0.1, 0.4]),
        CurrentSource("i1", "b", "0", [1e-5, -2e-5]),
        Resistor("short", "c", "g", 0.0),
        Resistor("far", "c", "a", np.inf),
        Resistor("r1", "g", "0", 1e3),
        Resistor("r2", "e", "f", 2e3),
        Resistor("r3", "f", "0", 1e3),
        OpAmp("u1", "d", "h", "h", Amplifier(gain=200.0, output_resistance=10.0)),
        Resistor("r4", "h", "e", 5e2),
        Resistor("r5", "d", "0", 700.0),
    )  # fmt: skip
    closed = close(loop)
    agrees(closed, point=0)
    agrees(closed, point=1)
    assert "open" not in closed.loop.nodes
    # Kirchhoff at a node of the loop, from currents that were never part of one equation: the array's own solution.
    for point in range(2):
        solution = closed.solution("x", point)
        volts = {node: values[point] for node, values in closed.node_voltages().items()}
        into_d = solution.end_currents["bit_bottom"][0, 0] - volts["d"] / 700.0
        assert into_d == pytest.approx(0.0, abs=1e-14)
        shorted = closed.source_currents()["short"][point]
        assert shorted == pytest.approx(volts["g"] / 1e3, rel=1e-10)
    assert closed.end_voltages("x")["word_right"][1] == pytest.approx(ends["word_right"].voltage)


def test_an_array_without_amplifiers_is_a_plain_network():
    rng = np.random.default_rng(12)
    xbar = crossbar(rng, rng.uniform(0.1, 1.0, (3, 5)))
    loop = Loop(
        JoinedArray("x", xbar, {"word_left": ["a", "b", "c"]}),
        *[VoltageSource(f"v{k}", node, "0", 0.1 * (k + 1)) for k, node in enumerate("abc")],
    )
    closed = close(loop)
    ours = closed.solution("x").currents[0]
    assert ours == pytest.approx(solve(xbar, [0.1, 0.2, 0.3]).currents, rel=1e-13)
    assert closed.stability.stable
    assert closed.stability.poles.size == 0


@pytest.mark.slow
def test_loops_of_many_lines_agree_with_every_cell():
    rng = np.random.default_rng(24)
    n = 20
    A = dominant(rng, n, signed=False)
    loops = [
        inverse_loop(crossbar(rng, A), rng.uniform(-0.1, 0.1, n), unit=UNIT, amplifier=REAL),
        transimpedance_loop(crossbar(rng, A), rng.uniform(-0.1, 0.1, n), feedback_ohms=1e3, amplifier=REAL),
        pseudo_inverse_loop(
            crossbar(rng, rng.uniform(0.0, 1.0, (n, 8))), rng.uniform(-0.1, 0.1, n), unit=UNIT, amplifier=REAL
        ),
    ]
    for loop in loops:
        agrees(close(loop, stable=False))


def test_residuals_bound_errors():
    """Against exact fractions of a singular-looking matrix: the bound is above the error and not far above."""
    rng = np.random.default_rng(13)
    for distance in (1e-2, 1e-4, 1e-6):
        A = np.array([[1.0, 1.0 - distance], [1.0, 1.0]])
        b = rng.uniform(0.1, 0.2, 2)
        solved = solve_inverse(Crossbar(A * UNIT), b, unit=UNIT, stable=False)
        G = [[Fraction(float(value)) for value in row] for row in A * UNIT]
        # Conductances of the inputs are doubles too: 1 / (1 / unit).
        g = 1 / Fraction(1.0 / UNIT)
        right = [g * Fraction(float(value)) for value in b]
        det = G[0][0] * G[1][1] - G[0][1] * G[1][0]
        exact = [
            float((right[0] * G[1][1] - G[0][1] * right[1]) / det),
            float((G[0][0] * right[1] - right[0] * G[1][0]) / det),
        ]
        error = np.abs(solved.x - exact).max() / np.abs(exact).max()
        assert error <= solved.circuit.residual <= 1e-14 / distance
