"""The closed form of arrays without wires, against circuits, the exact series, and other ways to the same numbers."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from xbarsim import Crossbar
from xbarsim.errors import InputError
from xbarsim.nn import Arrangement, Converter, Hardware, Law, Mapping, Tiles, Wires, convert
from xbarsim.nn.closed_form import divided
from xbarsim.nonideal import Breaks, Faults, Nonidealities, Variation
from xbarsim.solvers.effective import effective_conductance

ROWS, COLS = 17, 9
CELLS = Nonidealities(r_on=1e4, r_off=1e6, variation=Variation(0.4))


def conductances(rows: int = ROWS, cols: int = COLS, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 10.0 ** rng.uniform(-6.0, -4.0, (rows, cols))


def closed(g: np.ndarray, source: float, sense: float) -> np.ndarray:
    return divided(torch.from_numpy(g), torch.full((len(g),), source, dtype=torch.float64), sense).numpy()


def nodal(g: np.ndarray, source: float, sense: float) -> np.ndarray:
    """Return the map by Kirchhoff's law at all nodes of lines, one dense solve."""
    rows, cols = g.shape
    matrix = np.zeros((rows + cols, rows + cols))
    matrix[:rows, :rows] = np.diag(1.0 / source + g.sum(axis=1))
    matrix[rows:, rows:] = np.diag(1.0 / sense + g.sum(axis=0))
    matrix[:rows, rows:], matrix[rows:, :rows] = -g, -g.T
    drive = np.zeros((rows + cols, rows))
    drive[:rows] = np.eye(rows) / source
    return np.linalg.solve(matrix, drive)[rows:].T / sense


def dividers(g: np.ndarray, source: float, sense: float) -> tuple[np.ndarray, np.ndarray]:
    return np.diag(1.0 / (1.0 + source * g.sum(axis=1))), np.diag(1.0 / (1.0 + sense * g.sum(axis=0)))


def layer_on(hardware: Hardware, *, arrangement=None, seed: int = 1):
    torch.manual_seed(2)
    network = convert(nn.Linear(12, 7, bias=False), hardware)
    layer = network.layers["model"]
    if arrangement is not None:
        layer.arrange(arrangement)
    network.program(seed)
    return layer.eval()


@pytest.mark.parametrize(("source", "sense"), [(0.0, 700.0), (700.0, 0.0), (0.0, 0.0)])
def test_it_is_exact_where_one_end_takes_nothing(source, sense):
    g = conductances()
    exact = effective_conductance(Crossbar(g, word_wire=0.0, bit_wire=0.0, driver=source, sense=sense))
    np.testing.assert_allclose(closed(g, source, sense), exact, rtol=1e-12)


@pytest.mark.parametrize("ohms", [(30.0, 800.0), (900.0, 200.0), (1000.0, 1000.0)])
def test_the_series_of_which_it_is_the_first_term_is_the_circuit(ohms):
    """I = (1 - K)^-1 Dc G' Dr V, K = R_s R_n Dc G' Dr G: against the circuit, and against a solve of all nodes."""
    g, (source, sense) = conductances(), ohms
    row, col = dividers(g, source, sense)
    k = source * sense * col @ g.T @ row @ g
    np.testing.assert_allclose(closed(g, source, sense), row @ g @ col, rtol=1e-13)
    whole = np.linalg.solve(np.eye(COLS) - k, col @ g.T @ row).T
    np.testing.assert_allclose(whole, nodal(g, source, sense), rtol=1e-12)
    exact = effective_conductance(Crossbar(g, word_wire=0.0, bit_wire=0.0, driver=source, sense=sense))
    np.testing.assert_allclose(whole, exact, rtol=1e-12)
    terms, power = np.zeros_like(whole.T), np.eye(COLS)
    errors = []
    for _ in range(4):
        terms, power = terms + power @ col @ g.T @ row, power @ k
        errors.append(np.abs(terms.T - whole).max() / whole.max())
    assert all(later < 0.7 * earlier for earlier, later in pairwise(errors))
    assert (whole > closed(g, source, sense)).all(), "all terms are positive: what is left out is missing"


@pytest.mark.parametrize("sense", [0.0, 400.0])
def test_gradients_are_those_of_differences(sense):
    g = torch.from_numpy(conductances(6, 5) * 1e3).requires_grad_()
    source = torch.linspace(0.1, 0.9, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda cells: divided(cells, source, sense * 1e-3), (g,), atol=1e-9)


def test_a_line_that_is_off_drives_and_loads_nothing():
    g = conductances(5, 4)
    source = torch.tensor([300.0, torch.inf, 300.0, 300.0, torch.inf], dtype=torch.float64)
    whole = divided(torch.from_numpy(g), source, 500.0).numpy()
    on = [0, 2, 3]
    assert not whole[[1, 4]].any()
    np.testing.assert_allclose(whole[on], closed(g[on], 300.0, 500.0), rtol=1e-14)


@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
def test_layers_are_the_dividers_of_each_of_their_arrays(mapping):
    """By hand from the circuits' cells, and equal to the circuit where one end has no resistance."""
    hardware = Hardware(
        Tiles(5, 4), CELLS, wires=Wires(3.0, 3.0, 0.0, 600.0), mapping=Mapping(mapping), fidelity="closed"
    )
    layer = layer_on(hardware).requires_grad_(False)
    circuit = layer_on(replace(hardware, wires=Wires(0.0, 0.0, 0.0, 600.0), fidelity="accurate"))
    for ours, theirs in zip(layer.effective_matrices(), circuit.effective_matrices(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    ideal = layer_on(replace(hardware, fidelity="ideal"))
    assert not torch.allclose(layer.effective_matrices()[0], ideal.effective_matrices()[0], rtol=1e-3, atol=1e-3)
    crossbar = layer.tiles[0].crossbar
    np.testing.assert_allclose(
        effective_conductance(crossbar), closed(np.array(crossbar.conductance), 0.0, 600.0), rtol=1e-12
    )


def test_broken_lines_and_wires_are_not_in_it():
    hardware = Hardware(Tiles(5, 4), CELLS, wires=Wires(0.0, 0.0, 80.0, 600.0), fidelity="closed")
    broken = replace(hardware, wires=Wires(7.0, 7.0, 80.0, 600.0), cells=replace(CELLS, breaks=Breaks(0.5, 0.5)))
    ours, theirs = (layer_on(kind).effective_matrices()[0] for kind in (hardware, broken))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("wires", "spare"), [(Wires(0.0, 0.0, 0.0, 600.0), 0), (Wires(0.0, 0.0, 600.0, 0.0), 2)])
def test_lines_may_be_arranged_and_off(wires, spare):
    """Lines that are off float, and load nothing where bit lines are at 0 V."""
    hardware = Hardware(Tiles(8, 4), CELLS, wires=wires, fidelity="closed")
    rows = np.array([11, 2, -1, 0, 5, 4, 3, -1, 10, 9, 8, 7, 6, 1])
    rows = rows if spare else rows[rows >= 0]
    order = Arrangement(rows=[rows], flips=[(rows % 3 == 0) & (rows >= 0)], spare=spare)
    layer = layer_on(hardware, arrangement=order)
    circuit = layer_on(replace(hardware, fidelity="accurate"), arrangement=order)
    torch.testing.assert_close(layer.effective_matrices(), circuit.effective_matrices(), rtol=1e-5, atol=1e-6)


def test_converters_read_the_same_maps():
    hardware = Hardware(Tiles(5, 4), CELLS, wires=Wires(0.0, 0.0, 90.0, 600.0), fidelity="closed")
    x = torch.rand(6, 12)
    plain, fine = (
        layer_on(hardware),
        layer_on(replace(hardware, dac=Converter(bits=24, range="full"), adc=Converter(bits=24, range="full"))),
    )
    torch.testing.assert_close(fine(x), plain(x), rtol=1e-3, atol=1e-4)


def test_weights_are_trained_through_it():
    hardware = Hardware(
        Tiles(5, 4), CELLS, wires=Wires(0.0, 0.0, 90.0, 600.0), mapping=Mapping(scale="dynamic"), fidelity="closed"
    )
    layer = layer_on(hardware).double().train()
    x = torch.rand(6, 12, dtype=torch.float64)

    def outputs(weight):
        return torch.func.functional_call(layer, {"weight": weight}, (x,))

    weight = layer.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(outputs, (weight,), atol=1e-6)


def test_other_cells_are_refused():
    with pytest.raises(InputError, match=r"fidelity is 'closed'.*law.kind is 'sinh'.*take fidelity accurate"):
        Hardware(law=Law("sinh", v0=0.3), fidelity="closed")


def test_stuck_cells_load_their_lines():
    hardware = Hardware(Tiles(12, 7), replace(CELLS, faults=Faults(0.5, ocr=0.0)), wires=Wires(0.0, 0.0, 0.0, 1e3))
    kinds = {
        kind: layer_on(replace(hardware, fidelity=kind)).effective_matrices()[0] for kind in ("closed", "accurate")
    }
    torch.testing.assert_close(kinds["closed"], kinds["accurate"], rtol=1e-5, atol=1e-6)
