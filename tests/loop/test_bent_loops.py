"""Loops of nonlinear cells: against the general solver on the same netlist, by hand, and in their limits."""

import numpy as np
import pytest
from loop_tools import REAL, UNIT, amplifiers, crossbar, dominant, pair
from netlist_tools import needs_ngspice

from xbarsim import Crossbar, Selector, Sinh, Table, spice
from xbarsim.analysis.simulate import simulate
from xbarsim.errors import ConvergenceError, ExtrapolationError, InputError, SolveError
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
    inverse_loop,
    pseudo_inverse_loop,
    solve_inverse,
    transimpedance,
    transimpedance_loop,
    write_loop,
)
from xbarsim.netlist import read


def bent(array, device):
    """The same array or pair of cells of a law."""
    if isinstance(array, SignedPair):
        return SignedPair(bent(array.positive, device), bent(array.negative, device))
    return array.with_cells(array.conductance, device)


def computing(kind, n, device, gain=1e5):
    rng = np.random.default_rng(n)
    amps = [Amplifier(gain=gain, output_resistance=a.output_resistance, offset=a.offset, bandwidth=a.bandwidth)
            for a in amplifiers(rng, 2 * n)]  # fmt: skip
    b = rng.uniform(-0.2, 0.2, n)
    if kind == "inverse":
        return inverse_loop(bent(pair(rng, dominant(rng, n)), device), b, unit=UNIT, amplifier=amps)
    if kind == "pseudo":
        tall = crossbar(rng, rng.uniform(0.0, 1.0, (n, n // 2)))
        return pseudo_inverse_loop(bent(tall, device), b, unit=UNIT, amplifier=amps[: n + n // 2])
    array = bent(crossbar(rng, rng.uniform(0.0, 1.0, (n, n))), device)
    return transimpedance_loop(array, b, feedback_ohms=2e3, amplifier=amps[:n])


def off_by(closed, voltages):
    ours = closed.node_voltages()
    largest = max(abs(float(volts)) for volts in ours.values())
    return max(abs(voltages[node.lower()] - float(volts)) for node, volts in ours.items()) / largest


@pytest.mark.parametrize("n", [4, pytest.param(16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["inverse", "pseudo", "read"])
@pytest.mark.parametrize("device", [Sinh(v0=0.1), Selector(i0=1e-7, v0=0.05)], ids=["sinh", "selector"])
def test_against_the_general_solver(tmp_path, n, kind, device):
    closed = close(computing(kind, n, device), stable=False)
    assert closed.residual < 1e-9
    write_loop(closed.loop, tmp_path / "loop.sp")
    (general,) = simulate(read(tmp_path / "loop.sp"))
    assert off_by(closed, dict(zip(general.nodes, general.voltages[0], strict=True))) < 1e-8
    # The cells' laws act: linear cells give something else.
    linear = close(computing(kind, n, None), stable=False)
    out = closed.loop.amplifiers[0].out
    assert abs(closed.voltages([out])[0] - linear.voltages([out])[0]) > 1e-4 * abs(linear.voltages([out])[0])


@needs_ngspice
@pytest.mark.ngspice
def test_against_ngspice(tmp_path):
    closed = close(computing("inverse", 4, Sinh(v0=0.1)), stable=False)
    write_loop(closed.loop, tmp_path / "loop.sp")
    assert off_by(closed, spice.run(tmp_path / "loop.sp").plots[0].node_voltages) < 1e-6


def test_currents_hold_at_every_end():
    """Kirchhoff's law at the nodes, of full solutions of the arrays at the ends' voltages."""
    closed = close(computing("read", 4, Sinh(v0=0.1)))
    array = closed.loop.arrays[0]
    held = closed.voltages([f"sum{k}" for k in range(4)])
    assert np.abs(held).max() < 1e-2
    fed = (closed.voltages([f"out{k}" for k in range(4)]) - held) / 2e3
    out = closed.solution(array.name).end_currents["bit_bottom"][0]
    assert out == pytest.approx(-fed, abs=1e-12 * np.abs(fed).max())


def test_one_cell_by_hand():
    """An inverting logarithmic amplifier: the cell in the feedback, ``v = -v0 asinh(i / (g v0))``."""
    v0, ohms, volts = 0.05, 1e4, np.array([0.3, -2.0, 0.0])
    cell = Crossbar([[UNIT]], device=Sinh(v0=v0))
    loop = Loop(
        VoltageSource("v", "in", "0", volts), Resistor("r", "in", "s", ohms), OpAmp("u", "0", "s", "o"),
        JoinedArray("x", cell, {"word_left": ["s"], "bit_bottom": ["o"]}),
    )  # fmt: skip
    closed = close(loop)
    assert closed.voltages(["o"])[:, 0] == pytest.approx(-v0 * np.arcsinh(volts / ohms / (UNIT * v0)), rel=1e-12)
    # Each point has the slope of its own; no voltage, no bend.
    slopes = [UNIT * np.cosh(v / v0) for v in closed.voltages(["o"])[:, 0]]
    for point, slope in enumerate(slopes):
        pole = closed.stability_at(point).poles[0].real
        assert pole == pytest.approx(-slope / (slope + 1 / ohms), rel=1e-9)


def test_poles_with_capacitance_are_those_of_the_slopes():
    v0, ohms, volts, farads = 0.05, 1e4, 0.3, 1e-12
    cell = Crossbar([[UNIT]], device=Sinh(v0=v0))
    loop = Loop(
        VoltageSource("v", "in", "0", volts), Resistor("r", "in", "s", ohms),
        OpAmp("u", "0", "s", "o", Amplifier(bandwidth=1e7)),
        JoinedArray("x", cell, {"word_left": ["s"], "bit_bottom": ["o"]}, cell_capacitance=farads),
    )  # fmt: skip
    closed = close(loop)
    slope = UNIT * np.cosh(closed.voltages(["o"])[0] / v0)
    product = np.polymul([farads, slope + 1 / ohms], [1 / (2 * np.pi * 1e7), 0.0])
    expected = np.roots(np.polyadd(product, [farads, slope]))
    assert np.sort_complex(closed.stability.poles) == pytest.approx(np.sort_complex(expected), rel=1e-9)


def test_small_signals_are_linear():
    rng = np.random.default_rng(3)
    A, b = dominant(rng, 3, False), rng.uniform(-0.1, 0.1, 3)
    for scale, bound in ((1e-3, 1e-5), (1e-5, 1e-9)):
        bent_answer, linear = (
            solve_inverse(Crossbar(A * UNIT, word_wire=2.0, device=device), scale * b, unit=UNIT).x
            for device in (Sinh(v0=0.25), None)
        )
        assert bent_answer == pytest.approx(linear, rel=bound)


def test_points_are_their_own_loops():
    rng = np.random.default_rng(5)
    array = bent(crossbar(rng, rng.uniform(0.0, 1.0, (3, 2))), Sinh(v0=0.1))
    volts = rng.uniform(-0.5, 0.5, (4, 3))
    batch = transimpedance(array, volts, feedback_ohms=1e3, amplifier=REAL)
    for k in range(4):
        alone = transimpedance(array, volts[k], feedback_ohms=1e3, amplifier=REAL)
        assert batch.x[k] == pytest.approx(alone.x, rel=1e-12)
        assert batch.circuit.stability_at(k).poles == pytest.approx(alone.circuit.stability.poles, rel=1e-12)
    with pytest.raises(
        InputError, match=r"poles of nonlinear cells are others at each point: take stability_at\(point"
    ):
        _ = batch.circuit.stability
    with pytest.raises(InputError, match="point is 4: the loop has 4"):
        batch.circuit.stability_at(4)


def test_steep_laws_and_high_gains_converge():
    for v0, gain in ((0.01, np.inf), (0.02, 1e6), (0.05, 1e2)):
        closed = close(computing("read", 8, Sinh(v0=v0), gain), stable=False)
        assert closed.residual < 1e-9


def test_loops_that_run_away_are_named():
    cell = Crossbar([[UNIT]], device=Sinh(v0=0.1))
    loop = Loop(
        VoltageSource("v", "in", "0", 0.1), Resistor("r", "in", "s", 1e4), OpAmp("u7", "s", "0", "o"),
        JoinedArray("x", cell, {"word_left": ["s"], "bit_bottom": ["o"]}),
    )  # fmt: skip
    with pytest.raises(UnstableError, match="led by amplifier u7 grows"):
        close(loop)
    assert close(loop, stable=False).voltages(["o"])[0] == pytest.approx(-0.1 * np.arcsinh(1.0), rel=1e-12)


def table_loop(volts, extend):
    """A cell whose law is known to 0.2 V, in a feedback."""
    law = Table([-0.2, -0.1, 0.0, 0.1, 0.2], [-3e-5, -1e-5, 0.0, 1e-5, 3e-5], conductance=UNIT, extend=extend)
    return Loop(
        VoltageSource("v", "in", "0", volts), Resistor("r", "in", "s", 1e4), OpAmp("u", "0", "s", "o"),
        JoinedArray("x", Crossbar([[UNIT]], device=law), {"word_left": ["s"], "bit_bottom": ["o"]}),
    )  # fmt: skip


def test_laws_end_where_they_are_known():
    closed = close(table_loop(0.25, "error"))
    assert closed.solution("x").device_currents.ravel() == pytest.approx([2.5e-5], rel=1e-9)
    with pytest.raises(ExtrapolationError, match=r"cell \[0, 0\]"):
        close(table_loop(0.9, "error"))


def test_outputs_that_nothing_fixes_are_named():
    loop = table_loop(0.1, "error")
    open_loop = Loop(*loop.parts[:3], JoinedArray("x", loop.arrays[0].crossbar, {"word_left": ["s"]}))
    with pytest.raises(SolveError, match="nothing fixes the output of amplifier u"):
        close(open_loop)


def test_what_does_not_converge_names_the_worst_node(monkeypatch):
    monkeypatch.setattr("xbarsim.loop.newton_points._MOST_STEPS", 2)
    with pytest.raises(
        ConvergenceError, match=r"nonlinear cells did not converge: node \w+ is off by .* A at .* V \(bound"
    ):
        close(computing("inverse", 4, Sinh(v0=0.02)))
