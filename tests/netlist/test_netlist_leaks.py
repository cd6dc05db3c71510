"""1T1R arrays with leaks and body effects, solved along their lines: numbers as the general solver's."""

import numpy as np
import pytest
from test_netlist_access import DRAWN, ROWS, deck, solved

from xbarsim.analysis import simulate
from xbarsim.kernels import access

GENERAL = {"resistances at the ends", "a sheet's resistance", "bulk to drain"}
"""What the general solver still solves."""


def both(tmp_path, text):
    circuit, found, _ = solved(tmp_path, text)
    assert found.left_out is not None
    return simulate.simulate(circuit, found)[0], simulate.simulate(circuit, None)[0]


def agree(ours, general, rel=1e-12):
    np.testing.assert_allclose(ours.voltages, general.voltages, rtol=0, atol=rel * np.abs(general.voltages).max())
    np.testing.assert_allclose(ours.currents, general.currents, rtol=0, atol=rel * np.abs(general.currents).max())
    np.testing.assert_allclose(ours.power, general.power, rtol=rel)


@pytest.mark.parametrize("name", DRAWN)
def test_arrays_without_resistances_at_the_ends_are_solved_along_their_lines(tmp_path, name):
    ours, _ = both(tmp_path, DRAWN[name])
    assert ours.how.startswith("Newton" if name in GENERAL else "newton")
    assert ours.residual <= 1e-12


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("side", ["word", "bit"])
@pytest.mark.parametrize("bulk", ["0", "{b}", "well"])
def test_any_side_bulk_and_polarity(tmp_path, seed, side, bulk):
    rng = np.random.default_rng([seed, 5])
    card = f"nmos(vto={rng.uniform(0.2, 0.7)} kp={rng.uniform(2e-5, 3e-4)} gamma={rng.uniform(0.1, 0.9)} phi=0.7"
    card += f" lambda={rng.uniform(0, 0.1)} is={10 ** rng.uniform(-16, -10)})"
    text = deck(card=card, bulk=bulk, side=side, extra="vwell 0 well 0.4" if bulk == "well" else "")
    for i in range(ROWS):
        # Either way through the channels, past the bulks' threshold too.
        text = text.replace(f"vin{i} in{i} 0 {0.1 + 0.13 * i}", f"vin{i} in{i} 0 {rng.uniform(-0.45, 1.5)}")
    ours, general = both(tmp_path, text)
    assert ours.how.startswith("newton")
    agree(ours, general)


def test_a_bulks_source_carries_what_leaks(tmp_path):
    text = deck(card="nmos(vto=0.5 kp=120u gamma=0.4 is=1e-13)", bulk="well", extra="vwell well 0 -0.7")
    ours, general = both(tmp_path, text)
    assert ours.how.startswith("newton")
    at = ours.branches.index("vwell")
    leak = ours.currents[0, at]
    assert 24 * 1e-13 < leak < 1e-10
    assert leak == pytest.approx(general.currents[0, general.branches.index("vwell")], rel=1e-9)
    turned, _ = both(tmp_path, text.replace("vwell well 0 -0.7", "vwell 0 well 0.7"))
    assert turned.currents[0, turned.branches.index("vwell")] == pytest.approx(-leak, rel=1e-12)


def test_ammeters_in_the_lines_count_leaks(tmp_path):
    text = deck(card="nmos(vto=0.5 kp=120u gamma=0.4 is=1e-9)")
    text = text.replace("rw1_1 w1_1 w1_2 2", "vw w1_1 w1_2 0").replace("rb1_2 b1_2 b2_2 3", "vb b1_2 b2_2 0")
    ours, general = both(tmp_path, text)
    assert ours.how.startswith("newton")
    agree(ours, general)
    for name in ("vw", "vb"):
        k = ours.branches.index(name)
        assert ours.currents[0, k] == pytest.approx(general.currents[0, general.branches.index(name)], rel=1e-9)


def test_sweeps_go_along_the_lines_but_those_of_gates(tmp_path):
    for swept, word in (("vin1", "newton"), ("vg2", "Newton")):
        circuit, found, _ = solved(tmp_path, deck().replace(".op", f".dc {swept} 0 1.5 0.5"))
        (ours,), (general,) = simulate.simulate(circuit, found), simulate.simulate(circuit, None)
        assert ours.how.startswith(word)
        agree(ours, general)


def test_junctions_that_conduct_go_to_the_general_solver_or_agree_with_it(tmp_path):
    text = deck(card="nmos(vto=0.5 kp=120u gamma=0.4)")
    for volts in (-0.6, -0.75, -0.9, -3.0):
        ours, general = both(tmp_path, text.replace("vin0 in0 0 0.1", f"vin0 in0 0 {volts}"))
        agree(ours, general, 1e-11)
        assert ours.residual <= 1e-9


def test_lines_that_hang_on_leaks_alone(tmp_path):
    text = deck().replace("rd1 in1 w1_0 11", "rd1 in1 0 11")
    circuit, found, _ = solved(tmp_path, text)
    (ours,), (general,) = simulate.simulate(circuit, found), simulate.simulate(circuit, None)
    agree(ours, general, 1e-11)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("on_word", [False, True])
def test_slopes_are_those_of_the_currents(own, on_word):
    rng = np.random.default_rng(8)
    shape = (5, 6)
    p = np.empty((*shape, 10))
    for k, (low, high) in enumerate(
        [(1e-6, 1e-3), (1e-5, 1e-3), (0, 0.1), (0.1, 0.8), (0.5, 0.8), (0.2, 0.6), (1e-15, 1e-12), (1e-15, 1e-12)]
    ):
        p[:, :, k] = rng.uniform(low, high, shape)
    p[:, :, 8], p[:, :, 9] = 0.02585, 1e-9
    p[2, 3, 0] = 0.0
    v, u, gate, bulk = (rng.uniform(low, high, shape) for low, high in ((-1, 2), (-1, 2), (0, 3), (-3, -1)))
    flags = np.full(shape, own), np.full(shape, on_word)

    def at(v, u):
        out = np.empty((8, *shape))
        access.cells(v, 0 * v, u, 0 * u, p, gate, bulk, *flags, *out)
        return out

    i, chord, a, b, leak_v, leak_u, leaking, inner = at(v, u)
    step = 1e-5
    by_v = (at(v + step, u)[0] - at(v - step, u)[0]) / (2 * step)
    by_u = (at(v, u + step)[0] - at(v, u - step)[0]) / (2 * step)
    np.testing.assert_allclose(a, by_v, rtol=2e-4, atol=1e-11)
    np.testing.assert_allclose(b, -by_u, rtol=2e-4, atol=1e-11)
    assert np.all(leaking[p[:, :, 0] > 0] >= 1e-9)
    # The memristor carries the channel's current and what leaks inside.
    memristor = p[:, :, 0] * ((v - inner) if on_word else (inner - u))
    expected = i + leak_v if on_word else i - leak_u
    np.testing.assert_allclose(memristor, expected, rtol=1e-9, atol=1e-18)
    assert not i[2, 3]
    assert (np.abs(chord * (v - u) - i) <= 1e-12 * np.abs(i)).sum() > 15
    if own:
        np.testing.assert_array_equal(leak_v, -leak_u)


def test_where_all_transistors_are_off_what_leaks_has_its_digits(tmp_path):
    text = deck(card="nmos(vto=0.6 kp=120u gamma=0.4 is=7e-12)", bulk="{b}", extra=".options gmin=1n")
    for old in ("1.8", "2.5"):
        text = text.replace(f" 0 {old}\n", " 0 0\n")
    ours, general = both(tmp_path, text)
    assert 0.0 < np.abs(general.currents).max() < 1e-6
    agree(ours, general)
    np.testing.assert_allclose(ours.currents, general.currents, rtol=1e-9, atol=1e-12 * np.abs(general.currents).max())


@pytest.mark.parametrize("ohms", ["1.9", "6804", "1e9"])
@pytest.mark.parametrize("card", ["nmos(vto=0.5 kp=120u gamma=0.4)", "nmos(vto=0.5 kp=120u is=1e-30)"])
def test_a_resistor_beside_a_cell_is_not_lost(tmp_path, ohms, card):
    text = deck(card=card, extra=f"rx b1_2 w1_2 {ohms}\n.options gmin=1e-20")
    circuit, found, _ = solved(tmp_path, text)
    assert found.crossbar is None
    assert "resistor beside it" in found.reason
    (ours,), (general,) = simulate.simulate(circuit, found), simulate.simulate(circuit, None)
    np.testing.assert_array_equal(ours.currents, general.currents)
