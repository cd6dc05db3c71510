"""A crossbar is found by its graph alone, and what is found is the same circuit."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from netlist_tools import assert_same_circuit, random_elements, read_text, shuffled, solve_elements, text_of

from xbarsim import solve
from xbarsim.netlist import NotACrossbarError, report
from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import INDUCTOR, VOLTAGE

SIZES = [(1, 1), (1, 2), (2, 1), (1, 5), (5, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 7), (7, 4), (6, 6), (12, 9)]
STYLES = ["resistor", "source", "reversed"]
SENSES = ["resistor", "source", "ground", "ammeter", "ammeter first"]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("drive", STYLES)
@pytest.mark.parametrize("sense", SENSES)
def test_a_full_array_is_found_whatever_its_names_and_order(tmp_path, size, drive, sense):
    rng = np.random.default_rng(crc32(f"{size} {drive} {sense}".encode()))
    elements = shuffled(rng, random_elements(rng, *size, drive=drive, sense=sense))
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert circuit.crossbar().shape == size


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("wires", ["word", "bit", "none"])
@pytest.mark.parametrize("drive", STYLES)
@pytest.mark.parametrize("sense", SENSES)
def test_layers_without_wires_are_found(tmp_path, size, wires, drive, sense):
    rng = np.random.default_rng(crc32(f"{size} {wires} {drive} {sense}".encode()))
    elements = random_elements(rng, *size, word_wire=wires == "word", bit_wire=wires == "bit", drive=drive, sense=sense)
    elements = shuffled(rng, elements)
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert circuit.crossbar().shape == size


@pytest.mark.parametrize("seed", range(40))
def test_any_ends_are_found(tmp_path, seed):
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(2, 9)), int(rng.integers(2, 9)))
    elements = random_elements(
        rng, *size, drive=str(rng.choice(STYLES)), sense=str(rng.choice(SENSES)), other_ends=0.5, half_select=True
    )
    elements = shuffled(rng, elements)
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert sorted(circuit.crossbar().shape) == sorted(size)


@pytest.mark.parametrize("seed", range(40))
def test_missing_cells_are_found(tmp_path, seed):
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(3, 12)), int(rng.integers(3, 12)))
    elements = shuffled(rng, random_elements(rng, *size, missing=float(rng.uniform(0, 0.15))))
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert circuit.crossbar().shape == size


@pytest.mark.parametrize("seed", range(10))
def test_ideal_wires_are_wires(tmp_path, seed):
    rng = np.random.default_rng(seed)
    elements = shuffled(rng, random_elements(rng, 4, 6, zero=0.3))
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert circuit.crossbar().shape == (4, 6)


def test_bit_lines_tied_to_ground_itself(tmp_path):
    """One row of wires whose cells end in ground: the sense is an ideal 0 V."""
    elements = [("v1", "s", "0", 1.0), ("r1", "s", "a", 1.0), ("r2", "a", "b", 2.0), ("r3", "b", "c", 3.0)]
    elements += [("r4", "a", "0", 1e3), ("r5", "b", "0", 2e3), ("r6", "c", "0", 3e3)]
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert circuit.crossbar().shape == (1, 3)


@pytest.mark.parametrize("size", [(1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (5, 4), (4, 5), (7, 9)], ids=str)
@pytest.mark.parametrize("drive", STYLES)
def test_bit_lines_that_end_in_ground(tmp_path, size, drive):
    rng = np.random.default_rng(crc32(f"{size} {drive}".encode()))
    elements = shuffled(rng, random_elements(rng, *size, drive=drive, sense="tie"))
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    if min(size) > 2:
        assert circuit.crossbar().shape == size


def test_cells_from_a_subcircuit(tmp_path):
    text = "v1 r1 0 1\nv2 r2 0 0.5\n.subckt cell t b r=1k\nr1 t m {r/2}\nr2 m b {r/2}\n.ends\n"
    plain = text.replace("r1 t m {r/2}\nr2 m b {r/2}", "r1 t b {r}")
    cells = "\n".join(f"x{i}{j} r{i} c{j} cell r={i + j}k" for i in (1, 2) for j in (1, 2))
    ends = "\nrs1 c1 0 1\nrs2 c2 0 1"
    found = read_text(tmp_path, plain + cells + ends).crossbar()
    assert np.allclose(1 / found.conductance, [[2e3, 3e3], [3e3, 4e3]], atol=0.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v1 a 0 1\nr1 a b 1\nr2 b c 1\nr3 c a 1\nr4 c 0 1\nr5 b 0 1\nr6 a 0 1\nr7 b d 1\nr8 d 0 1\nr9 d c 1", ""),
        ("i1 0 a 1\nr1 a 0 1", "current source"),
        ("v1 a 0 1\nr1 a b 1\nv2 b c 1\nr2 c 0 1", "v2"),
        ("v1 a 0 1\nv2 a 0 1\nr1 a b 1\nr2 b 0 1", "drive one node"),
    ],
)
def test_what_is_no_crossbar_says_why(tmp_path, text, reason):
    circuit = read_text(tmp_path, text)
    recognition = circuit.recognise()
    assert recognition.crossbar is None
    assert recognition.reason
    assert reason in recognition.reason
    with pytest.raises(NotACrossbarError, match="no crossbar"):
        circuit.crossbar()


def plain_text(elements, *more):
    """Return the text of elements and more of them, without commas in names."""
    clean = [(name, *(node.replace(",", "_") for node in ends), value) for name, *ends, value in [*elements, *more]]
    return text_of([(name.replace(",", "_"), *rest) for name, *rest in clean])


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ([("rx1", "b5,2", "x", 5.0), ("rx2", "x", "0", 3.0), ("rx3", "x", "y", 3.0), ("vx", "y", "0", 1.0)], "rx1"),
        ([("rx1", "w2,2", "0", 5.0)], "rx1"),
        ([("rx1", "w2,2", "b4,5", 5.0)], "rx1"),
        ([("vx", "w2,3", "0", 0.5)], "vx"),
        ([("rx1", "b5,2", "w0,0", 50.0)], "rx1"),
        ([("rx1", "b5,2", "0", 50.0)], "rx1"),
        ([("ix", "0", "b5,2", 1e-6)], "ix"),
    ],
)
def test_what_does_not_fit_into_an_array_is_named(tmp_path, more, names):
    elements = random_elements(np.random.default_rng(3), 6, 7)
    recognition = read_text(tmp_path, plain_text(elements, *more)).recognise()
    assert recognition.crossbar is None
    assert names in recognition.reason


def test_two_arrays_are_told_apart(tmp_path):
    both = random_elements(np.random.default_rng(1), 4, 5)
    both += [
        (f"{name}q", *(n if n == "0" else f"{n}q" for n in ends), value)
        for name, *ends, value in random_elements(np.random.default_rng(2), 5, 4)
    ]
    reason = read_text(tmp_path, plain_text(both)).recognise().reason
    assert "2 parts" in reason


@pytest.mark.parametrize("sense", ["ammeter", "ammeter first", "source"])
def test_an_inductor_is_an_ammeter_and_an_ideal_wire(tmp_path, sense):
    rng = np.random.default_rng(8)
    elements = shuffled(rng, random_elements(rng, 5, 4, sense=sense))
    wire = next(k for k, e in enumerate(elements) if e[0][0] == "r" and e[3] < 50 and "0" not in e[1:3])
    elements[wire] = ("v9999", *elements[wire][1:3], 0.0)
    circuit = read_text(tmp_path, text_of(elements))
    idle = (circuit.kinds == VOLTAGE) & (circuit.values == 0)
    inductive = replace(
        circuit,
        kinds=np.where(idle, INDUCTOR, circuit.kinds).astype(np.uint8),
        values=np.where(idle, 1e-3, circuit.values),
    )
    one, other = circuit.recognise(), inductive.recognise()
    assert other.crossbar is not None, other.reason
    assert one.crossbar == other.crossbar
    assert report(one, solve(one.crossbar, one.voltages)) == report(other, solve(other.crossbar, other.voltages))


def test_capacitors_are_open(tmp_path):
    rng = np.random.default_rng(9)
    elements = random_elements(rng, 4, 5)
    circuit = read_text(tmp_path, plain_text(elements))
    across = replace(circuit, capacitors=(("c1", 1, 2, 0), ("c2", 3, 0, 0)))
    assert across.recognise().crossbar == circuit.recognise().crossbar
    lost = replace(circuit, nodes=[*circuit.nodes, "island"], capacitors=(("c3", 1, len(circuit.nodes), 0),))
    reason = lost.recognise().reason
    assert "'island'" in reason
    assert "c3" in reason


def test_a_controlled_source_is_named(tmp_path):
    circuit = read_text(tmp_path, plain_text(random_elements(np.random.default_rng(9), 4, 5)))
    active = replace(circuit, controlled=(Controlled("e", "e1", 1, 0, 2, 0, 10.0, 0),))
    assert active.recognise().crossbar is None
    assert "e1" in active.recognise().reason


@pytest.mark.parametrize(("side", "missing"), [(70, 0.0005), (70, 0.05), (70, 0.3), (130, 0.1)])
def test_missing_cells_are_found_in_large_arrays(tmp_path, side, missing):
    rng = np.random.default_rng(side)
    elements = shuffled(rng, random_elements(rng, side, side + 3, missing=missing))
    circuit = read_text(tmp_path, text_of(elements))
    recognition = circuit.recognise()
    assert recognition.shape == (side, side + 3), recognition.reason
    cells = sorted(value for name, *_, value in elements if 1e3 <= value <= 1e5)
    found = recognition.crossbar.conductance
    np.testing.assert_allclose(np.sort(1 / found[found > 0]), cells, rtol=1e-12)


@pytest.mark.parametrize("seed", range(30))
def test_a_changed_array_is_never_taken_for_what_it_is_not(tmp_path, seed):
    """One resistor put anywhere into an array: either it is refused, or the answer is still that circuit's."""
    rng = np.random.default_rng(seed)
    elements = random_elements(rng, int(rng.integers(2, 6)), int(rng.integers(2, 6)), other_ends=0.2)
    nodes = sorted({n for _, a, b, _ in elements for n in (a, b)})
    a, b = rng.choice(nodes, 2, replace=False)
    elements = shuffled(rng, [*elements, ("rextra", str(a), str(b), float(10 ** rng.uniform(1, 4)))])
    circuit = read_text(tmp_path, text_of(elements))
    if circuit.recognise().crossbar is not None:
        assert_same_circuit(circuit, elements)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_network_is_never_taken_for_what_it_is_not(tmp_path, seed):
    rng = np.random.default_rng(seed)
    nodes = ["0", *(f"n{k}" for k in range(int(rng.integers(2, 8))))]
    elements = [(f"r{k}", *map(str, rng.choice(nodes, 2, replace=False)), float(k + 1)) for k in range(2 * len(nodes))]
    elements += [("v1", "n0", "0", 1.0)]
    elements += [(f"rg{n}", n, "0", 1e6) for n in nodes[1:]]
    circuit = read_text(tmp_path, text_of(elements))
    if circuit.recognise().crossbar is not None:
        assert_same_circuit(circuit, elements)


@pytest.mark.slow
def test_a_real_solution_is_reported_in_the_netlists_names(tmp_path):
    """Sign and place of everything that a solver hands over."""
    rng = np.random.default_rng(5)
    elements = shuffled(rng, random_elements(rng, 3, 5, sense="ammeter first", other_ends=0.5))
    recognition = read_text(tmp_path, text_of(elements)).recognise()
    volts, currents = report(recognition, solve(recognition.crossbar, recognition.voltages))
    true_volts, true_currents = solve_elements(elements)
    assert volts == pytest.approx(true_volts, rel=1e-9)
    assert currents == pytest.approx(true_currents, rel=1e-9)


@pytest.mark.parametrize(("ohms", "amperes"), [("1k", 0.03 + 1e-4 + (0.3 - 4e-4 / 0.102) / 1e3), ("1e-20", 0.0603)])
def test_what_has_more_siemens_than_a_cell_may_is_a_wire(tmp_path, ohms, amperes):
    """With nodes of the shorts at 0.3 V, by hand."""
    text = f"V1 w0 0 .3\nV2 w1 0 .1\nR1 w0 b0 1e-20\nR2 w0 b1 {ohms}\nR3 w1 b0 2k\nR4 w1 b1 1k\n"
    circuit = read_text(tmp_path, f"{text}R5 b0 0 10\nR6 b1 0 10\n.op\n")
    assert circuit.crossbar().conductance.max() <= 1e18
    assert abs(circuit.solve().source_currents["v1"] + amperes) < 1e-14
