"""A crossbar is found by its graph alone, and what is found is the same circuit."""

from __future__ import annotations

import numpy as np
import pytest
from netlist_tools import assert_same_circuit, random_elements, read_text, shuffled, text_of

SIZES = [(1, 1), (1, 2), (2, 1), (1, 5), (5, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 7), (7, 4), (6, 6), (12, 9)]
STYLES = ["resistor", "source", "reversed"]
SENSES = ["resistor", "source", "ground", "ammeter", "ammeter first"]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("drive", STYLES)
@pytest.mark.parametrize("sense", SENSES)
def test_a_full_array_is_found_whatever_its_names_and_order(tmp_path, size, drive, sense):
    rng = np.random.default_rng(hash((size, drive, sense)) % 2**32)
    elements = shuffled(rng, random_elements(rng, *size, drive=drive, sense=sense))
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert circuit.crossbar().shape == size


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("wires", ["word", "bit", "none"])
@pytest.mark.parametrize("drive", STYLES)
@pytest.mark.parametrize("sense", SENSES)
def test_layers_without_wires_are_found(tmp_path, size, wires, drive, sense):
    rng = np.random.default_rng(hash((size, wires, drive, sense)) % 2**32)
    elements = random_elements(
        rng, *size, word_wire=wires == "word", bit_wire=wires == "bit", drive=drive, sense=sense
    )
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
    elements = shuffled(rng, random_elements(rng, *size, missing=0.1))
    circuit = read_text(tmp_path, text_of(elements))
    assert_same_circuit(circuit, elements)
    assert circuit.crossbar().shape == size
