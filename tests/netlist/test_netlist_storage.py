"""What a transient is told of a netlist: charges and fluxes, initial values, times and tolerances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from netlist_tools import needs_ngspice, read_text

from xbarsim import spice
from xbarsim.netlist import read
from xbarsim.netlist.analyses import Family, Op, Tolerances, Tran, Transient

BASE = "v1 a 0 1\nr1 a b 1k\n"
CELL = ".subckt cell p n\ng1 p n value={v(p,n)*v(s)}\ngs 0 s value={v(p,n)}\ncs s 0 1 ic=0.25\n.ends\nx1 b 0 cell\n"

FARADS = {
    "c1 b 0 2u": 2e-6,
    "c1 b 0 c=2u": 2e-6,
    "c1 b 0 cap='2*k'\n.param k=1u": 2e-6,
    "c1 b 0 {2*k} ic=1\n.param k=1u": 2e-6,
    "c1 b 0 2u m=3": 6e-6,
    "x1 b 0 s m=3\n.subckt s p n\nc1 p n 2u\n.ends": 6e-6,
    "c1 b 0 1n tc1=0.01 temp=77": 1.5e-9,
    "c1 b 0 1n tc1=0.01 tc2=1m\n.temp 37": 1e-9 * (1 + 0.1 + 0.1),
    # cj (l - short) (w - narrow) + 2 cjsw (l - short + w - narrow), as ngspice 39's show has it
    "c1 b 0 cm l=10u w=5u\n.model cm c(cj=1e-4 cjsw=1e-9 narrow=1u)": 3.2e-14,
    "c1 b 0 cm\n.model cm c(cap=3n)": 3e-9,
    "c1 b 0 2n cm\n.model cm c(cap=3n tc1=0.1)": 2e-9,
    "c1 b 0 cm 2n\n.model cm c": 2e-9,
}


@pytest.mark.parametrize("card", FARADS)
def test_farads(tmp_path, card):
    storage = read_text(tmp_path, f"{BASE}{card}\n.tran 1u 1m").storage
    np.testing.assert_allclose(storage.capacitors.farads, [FARADS[card]], rtol=1e-12)


def test_inductors_and_couplings(tmp_path):
    """Mutual inductance is K sqrt(L1 L2), of each with each; in an instance of its own coils."""
    text = (
        "l1 a 0 1m ic=2m\nl2 b 0 4m\nl3 c 0 9m m=2\nk1 l1 l2 l3 0.5\nx1 a b s\n.subckt s p n\nl1 p 0 1u\nl2 n 0 1u\n"
        "k1 l1 l2 -0.1\n.ends"
    )
    circuit = read_text(tmp_path, f"{BASE}{text}\nr9 c 0 1\n.tran 1u 1m")
    coils = circuit.storage.inductors
    names = [circuit.names[k] for k in coils.elements]
    assert names == ["l1", "l2", "l3", "l.x1.l1", "l.x1.l2"]
    np.testing.assert_allclose(coils.henries, [1e-3, 4e-3, 4.5e-3, 1e-6, 1e-6])
    np.testing.assert_array_equal(coils.initial, [2e-3, *[math.nan] * 4])
    pairs = list(zip(coils.first.tolist(), coils.second.tolist(), coils.mutual.tolist(), strict=True))
    root = 0.5e-3
    assert pairs == [
        (0, 1, pytest.approx(2 * root)), (0, 2, pytest.approx(root * 4.5**0.5)),
        (1, 2, pytest.approx(root * 18**0.5)), (3, 4, pytest.approx(-1e-7)),
    ]  # fmt: skip


def test_charges_of_diodes_are_scaled_by_area(tmp_path):
    text = "d1 b 0 x 2 m=3\nd2 b 0 y\n.model x d(cjo=1p vj=0.8 m=0.4 fc=0.3 tt=5n)\n.model y d"
    charges = read_text(tmp_path, f"{BASE}{text}\n.tran 1u 1m").storage.junctions
    np.testing.assert_allclose(charges.capacitance, [6e-12, 0])
    np.testing.assert_allclose(charges.potential, [0.8, 1])
    np.testing.assert_allclose(charges.grading, [0.4, 0.5])
    np.testing.assert_allclose(charges.knee, [0.3, 0.5])
    np.testing.assert_allclose(charges.transit, [5e-9, 0])


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.parametrize("volts", [-2.0, 0.3, 0.5])
def test_junctions_at_a_temperature_are_as_in_ngspice(tmp_path, volts):
    """ngspice says the small-signal capacitance; where no current flows, it is that of the depletion layer.

    Above FC VJ, here 0.31 V, it goes on along its tangent.
    """
    text = f"v1 a 0 {volts}\nd1 a 0 x\n.model x d(is=1e-30 cjo=1p vj=0.7 m=0.4 fc=0.5 tnom=50)\n.temp 90\n"
    path = tmp_path / "d.sp"
    path.write_text(f"t\n{text}.op\n.save @d1[cd]\n.end\n")
    (plot,) = spice.run(path, timeout=60).plots
    (theirs,) = (float(values[0]) for name, values in plot.values.items() if "cd" in name)
    (tmp_path / "o.sp").write_text(f"t\n{text}.tran 1n 10n\n.end\n")
    q = read(tmp_path / "o.sp").storage.junctions
    (farads,), (potential,), (grading,), (knee,) = q.capacitance, q.potential, q.grading, q.knee
    at = min(volts, knee * potential)
    ours = farads / (1 - at / potential) ** grading
    ours += ours * grading / (potential - at) * (volts - at)
    assert theirs == pytest.approx(ours, rel=1e-12, abs=0.0)


def test_initial_values_and_guesses_by_node(tmp_path):
    text = "c1 b 0 1u\n.ic v(b)=0.25 v(nowhere)=1\n.nodeset v(a)={2*k}\n.param k=0.3\n.tran 1u 1m 0.1m 2u uic"
    circuit = read_text(tmp_path, BASE + text)
    (analysis,) = circuit.analyses
    b, a = circuit.nodes.index("b"), circuit.nodes.index("a")
    assert analysis == Transient(1e-6, 1e-3, 1e-4, 2e-6, True, {b: 0.25}, {a: 0.6}) or (
        analysis.initial, analysis.guesses, analysis.from_initial, analysis.start, analysis.largest
    ) == ({b: 0.25}, {a: 0.6}, True, 1e-4, 2e-6)  # fmt: skip
    assert any(".ic v(nowhere): there is no such node" in note for note in circuit.notes)


def test_ic_without_uic_is_ngspices_and_said(tmp_path):
    circuit = read_text(tmp_path, f"{BASE}c1 b 0 1u ic=0.5\n.tran 1u 1m")
    assert circuit.analyses[0].initial == {}
    assert circuit.storage.capacitors.initial.tolist() == [0.5]
    assert any("ic= is not used, as in ngspice: c1 = 0.5 V" in note for note in circuit.notes)
    assert not any("ic=" in note for note in read_text(tmp_path, f"{BASE}c1 b 0 1u ic=0.5\n.tran 1u 1m uic").notes)


@pytest.mark.parametrize("cards", [".tran 1u 1m", ".op\n.tran 1u 1m"])
def test_a_state_starts_where_op_reads_it(tmp_path, cards):
    """Whatever charges it stops nowhere, so that there is no operating point: the initial value is meant."""
    circuit = read_text(tmp_path, BASE + CELL + cards)
    analysis = circuit.analyses[-1]
    variant = analysis.variant(()) if isinstance(analysis, Family) else circuit
    assert variant.analyses[0].initial == {variant.nodes.index("x1.s"): 0.25}
    assert variant.states == ()
    assert any("begins with states at their ic=, c.x1.cs = 0.25 V" in note for note in variant.notes)
    path = tmp_path / "circuit.sp"
    assert read(path, steady=True).analyses[-1] is not None
    (tmp_path / "s.sp").write_text(f"t\n{BASE}{CELL}.tran 1u 1m\n")
    assert read(tmp_path / "s.sp", steady=True).analyses[0].initial == {}


def test_op_keeps_its_frozen_states_beside_tran(tmp_path):
    circuit = read_text(tmp_path, f"{BASE}{CELL}.op\n.tran 1u 1m")
    assert [state[0] for state in circuit.states] == ["c.x1.cs"]
    assert isinstance(circuit.analyses[0], Op)


OPTIONS = {
    "method=gear": Tolerances(method="gear"),
    "method=Trapezoidal maxord=1": Tolerances(order=1),
    "maxord=6": Tolerances(),
    "reltol=1e-5 vntol=1n abstol={k}": Tolerances(relative=1e-5, volts=1e-9, amperes=3e-15),
    "chgtol=1e-16 trtol=1": Tolerances(coulombs=1e-16, truncation=1.0),
}


@pytest.mark.parametrize("words", OPTIONS)
def test_options_of_transients(tmp_path, words):
    circuit = read_text(tmp_path, f"{BASE}c1 b 0 1u\n.param k=3f\n.options {words}\n.tran 1u 1m")
    assert circuit.analyses[0].tolerances == OPTIONS[words]
    assert any("orders above 2" in note for note in circuit.notes) == ("maxord=6" in words)


def test_options_that_nothing_depends_on_are_said(tmp_path):
    still = read_text(tmp_path, f"{BASE}.options reltol=1e-5\n.op").notes
    assert any(".options changes no operating point: ignored" in note for note in still)
    moving = read_text(tmp_path, f"{BASE}c1 b 0 1u\n.options reltol=1e-5 itl4=20\n.tran 1u 1m").notes
    assert any(".options itl4: not used in .tran" in note for note in moving)


TIMES = {
    "1u 1m": (1e-6, 1e-3, 0.0, math.nan, False),
    "1u 1m uic": (1e-6, 1e-3, 0.0, math.nan, True),
    "1u 1m 0.5m 2u": (1e-6, 1e-3, 5e-4, 2e-6, False),
    "0 1m 0 2u uic": (1e-6, 1e-3, 0.0, 2e-6, True),
    "1m": (1e-6, 1e-3, 0.0, math.nan, False),
    "1u 1m 0 0 skipbp": (1e-6, 1e-3, 0.0, math.nan, True),
    "1u 1m uic start=0.5m": (1e-6, 1e-3, 5e-4, math.nan, True),
}


@pytest.mark.parametrize("words", TIMES)
def test_times_of_all_dialects(tmp_path, words):
    """LTspice chooses the printed step itself; PSpice skips the bias point."""
    (analysis,) = read_text(tmp_path, f"{BASE}c1 b 0 1u\n.tran {words}").analyses
    numbers = analysis.step, analysis.stop, analysis.start, analysis.largest, analysis.from_initial
    np.testing.assert_allclose(numbers, TIMES[words], rtol=1e-12)
    (still,) = read_text(tmp_path, f"{BASE}.tran {words}").analyses
    assert isinstance(still, Tran)
    assert (still.times[0], still.times[-1]) == (analysis.start, analysis.stop)
