"""Inductors that share flux: poles of what they are worth apart, by hand, through netlists, and what is refused."""

import numpy as np
import pytest
from loop_netlist_tools import tia_text
from netlist_tools import read_text

from xbarsim.errors import InputError
from xbarsim.loop import (
    Amplifier,
    Capacitor,
    Inductor,
    Loop,
    MutualInductance,
    OpAmp,
    Resistor,
    VoltageSource,
    charged_modes,
    close,
    read_loop,
    write_loop,
)

L1, L2, M = 3e-6, 5e-6, 1.5e-6


def around(*coils):
    """An amplifier that drives one coil and is fed by the other, with capacitances, unlike all."""
    return Loop(
        VoltageSource("v", "in", "0", 0.1), Resistor("ri", "in", "s", 1e3), Resistor("rf", "s", "o", 2e3),
        OpAmp("u", "0", "s", "o", Amplifier(gain=1e3, output_resistance=20.0, bandwidth=1e6)),
        Resistor("r1", "o", "p", 50.0), Resistor("r2", "q", "s", 3e3), Capacitor("c2", "q", "0", 2e-10),
        Capacitor("c1", "p", "0", 1e-10), *coils,
    )  # fmt: skip


def coupled(henries=M):
    return around(
        Inductor("l1", "p", "0", L1), Inductor("l2", "q", "0", L2), MutualInductance("m", "l1", "l2", henries)
    )


def same_poles(ours, theirs, bound):
    assert ours.size == theirs.size
    assert all(np.abs(theirs - pole).min() < bound * abs(pole) for pole in ours)


def test_two_coils_are_a_star_of_three():
    """``L1 - M`` and ``L2 - M`` into M to ground."""
    star = around(Inductor("l1", "p", "t", L1 - M), Inductor("l2", "q", "t", L2 - M), Inductor("lm", "t", "0", M))
    ours, theirs = (close(loop, stable=False).stability for loop in (coupled(), star))
    same_poles(ours.poles, theirs.poles, 1e-9)
    times = np.linspace(0.0, 3e-7, 20)
    assert ours.step_response(times) == pytest.approx(theirs.step_response(times), abs=1e-9)


def test_two_coils_into_resistors_by_hand():
    loop = Loop(
        Inductor("l1", "p", "0", L1), Inductor("l2", "q", "0", L2), MutualInductance("m", "l1", "l2", -M),
        Resistor("r1", "p", "0", 7.0), Resistor("r2", "q", "0", 11.0),
    )  # fmt: skip
    by_hand = np.linalg.eigvals(-np.linalg.solve([[L1, -M], [-M, L2]], np.diag([7.0, 11.0])))
    assert np.sort(close(loop).stability.poles.real) == pytest.approx(np.sort(by_hand), rel=1e-12)


def test_the_coupling_and_its_sign_act():
    poles = [close(coupled(henries), stable=False).stability.poles for henries in (0.0, M, -M)]
    apart = close(around(Inductor("l1", "p", "0", L1), Inductor("l2", "q", "0", L2)), stable=False).stability.poles
    same_poles(poles[0], apart, 1e-12)
    for a, b in ((0, 1), (1, 2)):
        assert max(np.abs(poles[b] - pole).min() / abs(pole) for pole in poles[a]) > 1e-4


def test_operating_points_know_nothing_of_it():
    volts = [close(coupled(henries), stable=False).node_voltages() for henries in (0.0, M)]
    assert volts[0] == volts[1]


def test_netlists_have_it(tmp_path):
    loop = coupled(-M)
    write_loop(loop, tmp_path / "loop.sp")
    again = read_loop(tmp_path / "loop.sp", bandwidth=1e6)
    assert [flux.henries for flux in again.fluxes] == pytest.approx([-M], rel=1e-12)
    same_poles(close(again, stable=False).stability.poles, close(loop, stable=False).stability.poles, 1e-9)


def test_coils_beside_arrays_are_read(tmp_path):
    text = [*tia_text(9, 8), "L1 o0 q 1u", "L2 q 0 2u", "K1 L1 L2 0.5", "Rq q 0 50", "C1 o0 0 1p"]
    read_text(tmp_path, "\n".join(text))
    loop = read_loop(tmp_path / "circuit.sp", bandwidth=1e6)
    assert [flux.henries for flux in loop.fluxes] == pytest.approx([0.5 * np.sqrt(2e-12)], rel=1e-12)
    assert close(loop, stable=False).stability.poles.size > 8


def test_large_loops_have_it_too(monkeypatch):
    whole = close(coupled(), stable=False).stability
    monkeypatch.setattr(charged_modes, "MOST_DENSE", 0)
    # So few unknowns that not all are modes of a large loop; what grows is the same.
    pads = [part for k in range(60) for part in (Resistor(f"x{k}", f"n{k}", f"n{k + 1}", 1e3 + k),
                                                 Capacitor(f"y{k}", f"n{k + 1}", "0", 1e-15))]  # fmt: skip
    part = close(coupled().with_parts(Resistor("xx", "o", "n0", 1e6), *pads), stable=False).stability
    assert part.stable == whole.stable
    assert part.poles[0] == pytest.approx(whole.poles[0], rel=1e-2)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([MutualInductance("m", "l1", "r1", M)], "m couples r1, which is no inductor of more than 0 henries"),
        ([Inductor("l3", "p", "0", 0.0), MutualInductance("m", "l1", "l3", M)], "m couples l3, which is no inductor"),
        ([MutualInductance("m", "l1", "l2", 4e-6)], "m couples l1 and l2 by 1.0328: coils share less than all"),
        (
            [MutualInductance("m", "l1", "l2", M), MutualInductance("k", "l2", "l1", M)],
            "k couples l2 and l1, which are coupled already",
        ),
        (
            [
                Inductor("l3", "p", "0", 1e-6), MutualInductance("a", "l1", "l2", 0.9 * np.sqrt(L1 * L2)),
                MutualInductance("b", "l1", "l3", 0.9 * np.sqrt(L1 * 1e-6)),
                MutualInductance("c", "l2", "l3", -0.9 * np.sqrt(L2 * 1e-6)),
            ],
            "the couplings of l1, l2, l3 together have less than no energy",
        ),
    ],
)  # fmt: skip
def test_what_is_no_coupling(parts, message):
    with pytest.raises(InputError, match=message):
        around(Inductor("l1", "p", "0", L1), Inductor("l2", "q", "0", L2), *parts)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("m", "l1", "l1", M), "m couples l1 to itself"),
        (("m", "l1", "l2", np.nan), "henries of m is nan"),
        (("m", "l 1", "l2", M), "first of m is 'l 1'"),
    ],
)
def test_what_is_no_number_or_name(words, message):
    with pytest.raises(InputError, match=message):
        MutualInductance(*words)
