"""How many modes grow, counted round the imaginary axis, against poles of dense eigenvalues and by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from loop_tools import UNIT, amplifiers, crossbar, dominant
from scipy.linalg import eigvals

from xbarsim import Crossbar
from xbarsim.errors import ConvergenceError, SolveError
from xbarsim.loop import (
    Amplifier,
    Capacitor,
    CurrentGain,
    Inductor,
    Loop,
    OpAmp,
    Resistor,
    Transconductor,
    Transresistor,
    VoltageSource,
    all_modes,
    charged_modes,
    close,
    inverse_loop,
)
from xbarsim.loop.growing_count import growing_count
from xbarsim.loop.loop_modes import LoopModes
from xbarsim.loop.loop_report import LoopReport


def pencil_of(loop, monkeypatch):
    """The equations in time of a loop, as its poles are made of."""
    grabbed = []

    def grab(pencil):
        grabbed.append(pencil)
        empty = np.zeros(0)
        return LoopModes(empty, empty.reshape(0, 0), empty.reshape(0, 0), empty.reshape(0, 0), empty)

    with monkeypatch.context() as patch:
        patch.setattr(charged_modes, "all_modes", grab)
        patch.setattr(charged_modes, "MOST_DENSE", 10**6)
        assert close(loop, stable=False).stability is not None
    return grabbed[0]


def tank(name, siemens, henries=1e-6, farads=1e-9, ohms=1e3):
    """A tank from node ``name`` to ground whose negative conductance feeds it: it grows above ``1 / ohms``."""
    return [
        Inductor(f"l{name}", name, "0", henries),
        Capacitor(f"c{name}", name, "0", farads),
        Resistor(f"r{name}", name, "0", ohms),
        Transconductor(f"g{name}", name, "0", name, "0", -siemens),
    ]


def ring(gain, stages, bandwidth=math.inf):
    """Inverting stages in a ring, each into R and C: ``(1 + s R C)^stages = -gain^stages``."""
    parts = []
    for k in range(stages):
        parts += [
            OpAmp(f"u{k}", "0", f"a{k}", f"o{k}", Amplifier(gain=gain, bandwidth=bandwidth)),
            Resistor(f"r{k}", f"o{k}", f"a{(k + 1) % stages}", 1e3),
            Capacitor(f"c{k}", f"a{(k + 1) % stages}", "0", 1e-9),
        ]
    return Loop(*parts)


@pytest.mark.parametrize(
    ("loop", "count"),
    [
        (Loop(*tank("a", 0.9e-3)), 0),
        (Loop(*tank("a", 1.1e-3)), 2),
        # Close to the axis, of a quality of 1e6, and two that are one.
        (Loop(*tank("a", 1.00001e-3)), 2),
        (Loop(*tank("a", 0.99999e-3)), 0),
        (Loop(*tank("a", 1.001e-3), *tank("b", 1.001e-3)), 4),
        (Loop(*tank("a", 1.001e-3), *tank("b", 0.999e-3)), 2),
        (Loop(*tank("a", 1.001e-3), *tank("b", 1.001e-3), Transconductor("x", "b", "0", "a", "0", 1e-3)), 4),
        # Overdamped by the negative conductance: two real poles that grow.
        (Loop(*tank("a", 1.0)), 2),
        (ring(1.9, 3), 0),
        (ring(2.1, 3), 2),
        (ring(0.9, 2), 0),
        (ring(1.1, 2), 1),
        (ring(1e5, 3), 2),
        (ring(1e5, 5), 2),
        (ring(10.0, 9), 4),
        (ring(1e3, 3, 1e9), 2),
    ],
)
def test_counts_by_hand(monkeypatch, loop, count):
    assert growing_count(pencil_of(loop, monkeypatch)) == count


def drawn(rng, n=4):
    """An inverse circuit with capacitance, amplifiers with and without a pole, and all parts beside it, unlike all."""
    matrix = dominant(rng, n, False)
    matrix = matrix[:, rng.permutation(n)] if rng.random() < 0.5 else matrix
    bandwidth = [np.inf, 1e6, 10 ** rng.uniform(4, 8)][rng.integers(3)]
    amps = [replace(amp, bandwidth=bandwidth) for amp in amplifiers(rng, n)]
    loop = inverse_loop(crossbar(rng, matrix), rng.uniform(-0.1, 0.1, n), unit=UNIT, amplifier=amps)
    loop = loop.with_capacitance(word=10 ** rng.uniform(-14, -11), bit=1e-13, cell=1e-14)
    a, b = f"x{rng.integers(n)}", f"sum{rng.integers(n)}"
    extras = [
        [Inductor("l0", a, "p0", 10 ** rng.uniform(-7, -3)), Resistor("r0", "p0", b, 10 ** rng.uniform(3, 5))],
        [Transconductor("g1", b, "0", a, "0", rng.normal() * 1e-4)],
        tank("p2", 10 ** rng.uniform(-4, -2)),
        [VoltageSource("v3", a, "p3", 0.0), Resistor("r3", "p3", "0", 1e4), CurrentGain("f3", b, "0", "v3", 0.4)],
        [
            OpAmp("e4", a, b, "p4", Amplifier(gain=10 ** rng.uniform(0, 2), bandwidth=bandwidth), reference="m4"),
            Resistor("r4", "p4", "m4", 1e3), Resistor("s4", "m4", "0", 1e3), Resistor("t4", "p4", b, 1e5),
        ],
        [
            Inductor("l5", a, "p5", 1e-6), Capacitor("c5", "p5", b, 1e-12), Resistor("r5", "h5", b, 1e4),
            Transresistor("h5", "h5", "0", "l5", rng.normal() * 1e3),
        ],
    ]  # fmt: skip
    return loop.with_parts(*(part for k in rng.permutation(6)[: rng.integers(1, 4)] for part in extras[k]))


@pytest.mark.parametrize("seed", range(24))
def test_counts_of_any_loop_are_those_of_dense_eigenvalues(monkeypatch, seed):
    pencil = pencil_of(drawn(np.random.default_rng(seed)), monkeypatch)
    # LAPACK's QZ of the whole, of which what is no state comes out very large.
    poles = eigvals(pencil.moving.toarray(), pencil.holding.toarray())
    finite = poles[np.isfinite(poles) & (np.abs(poles) < 1e16)]
    assert growing_count(pencil) == (finite.real > 1e-9 * np.abs(finite)).sum()


def test_a_pole_on_the_axis_is_no_count(monkeypatch):
    with pytest.raises(ConvergenceError, match=r"neither grows nor decays clearly|was not counted"):
        growing_count(pencil_of(Loop(*tank("a", 1e-3)), monkeypatch))


def large(gain, bandwidth=np.inf, n=5):
    rng = np.random.default_rng(3)
    array = Crossbar(dominant(rng, n, False) * UNIT, word_wire=2.0, bit_wire=3.0, driver=10.0, sense=5.0)
    amps = [Amplifier(gain=gain * rng.uniform(1, 2), output_resistance=50.0, bandwidth=bandwidth) for _ in range(n)]
    loop = inverse_loop(array, rng.uniform(-0.1, 0.1, n), unit=UNIT, amplifier=amps)
    coil = [Inductor("l", "x0", "p", 1e-5), Capacitor("c", "p", "0", 1e-12), Resistor("r", "p", "0", 1e4)]
    return loop.with_capacitance(word=1e-13, bit=2e-13, cell=1e-14).with_parts(*coil)


@pytest.mark.parametrize(("gain", "bandwidth"), [(30.0, np.inf), (3e4, 1e6), (3e4, 1e9)])
def test_large_loops_of_anything_tell_whether_they_hold(monkeypatch, gain, bandwidth):
    loop = large(gain, bandwidth)
    whole = close(loop, stable=False).stability
    monkeypatch.setattr(charged_modes, "MOST_DENSE", 0)
    part = close(loop, stable=False).stability
    assert part.reach < whole.reach
    assert part.stable == whole.stable
    slow = whole.poles[np.abs(whole.poles) < part.reach]
    assert part.poles.size == slow.size
    assert all(np.abs(slow - pole).min() < 1e-6 * abs(pole) for pole in part.poles)
    assert (whole.poles[np.abs(whole.poles) >= part.reach].real < 0.0).all()


def test_large_loops_that_run_away(monkeypatch):
    monkeypatch.setattr(charged_modes, "MOST_DENSE", 0)
    for siemens in (0.9e-3, 1.1e-3):
        parts = tank("q", siemens, 1e-3, 1e-9)
        stability = close(large(30.0).with_parts(*parts), stable=False).stability
        assert stability.stable == (siemens < 1e-3)
        assert (stability.poles.real > 0).sum() == (0 if siemens < 1e-3 else 2)


def test_times_of_what_was_left_out_are_not_told(monkeypatch):
    monkeypatch.setattr(charged_modes, "MOST_DENSE", 0)
    closed = close(large(30.0))
    assert math.isnan(closed.stability.time_constant)
    for ask in (lambda: closed.stability.settling_time(bits=6), lambda: closed.stability.step_response([1e-6])):
        with pytest.raises(SolveError, match=r"modes up to .* 1/s are computed, and faster ones decay but may ring"):
            ask()
    report = LoopReport(closed, (4.0, 6.0))
    assert "faster ones decay, how slowly is not told" in report.as_table()
    assert "settles in" not in report.as_table()
    assert '"time_constant": null' in report.as_json()


def test_fast_modes_without_digits_are_left_out_where_they_decay(monkeypatch):
    """The dense way has the same count for what is too fast for its digits."""
    whole = close(large(30.0), stable=False).stability
    monkeypatch.setattr(all_modes, "RESIDUAL", 1e-10)
    part = close(large(30.0), stable=False).stability
    assert part.reach < np.inf
    assert 0 < part.poles.size < whole.poles.size + (whole.reach < np.inf)
    assert part.stable == whole.stable
    assert not part.settles
