"""Forms of wires without a solve: exact to first order, equal to the closed form without segments, and in layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from xbarsim import Crossbar, effective_conductance
from xbarsim.errors import InputError
from xbarsim.nn import Hardware, Law, Mapping, Tiles, Wires, convert
from xbarsim.nn.approximate_wires import FORMS, approximate
from xbarsim.nn.closed_form import divided
from xbarsim.nonideal import Breaks, Nonidealities, Variation

CELLS = Nonidealities(r_on=1e4, r_off=1e6, variation=Variation(0.4))
OHMS = {"word": 3.0, "bit": 2.0, "sense": 5.0}
SOURCE = 7.0


def cells(rows: int = 6, cols: int = 4) -> torch.Tensor:
    rng = np.random.default_rng(5)
    return torch.from_numpy(10.0 ** rng.uniform(-6.0, -4.0, (rows, cols)))


def source_of(g: torch.Tensor, ohms: float) -> torch.Tensor:
    return torch.full((len(g),), ohms, dtype=torch.float64)


def circuit(g: torch.Tensor, scale: float) -> np.ndarray:
    ohms = {"word_wire": 3.0, "bit_wire": 2.0, "driver": SOURCE, "sense": 5.0}
    wired = Crossbar(g.numpy(), **{name: scale * value for name, value in ohms.items()})
    return np.asarray(effective_conductance(wired))


def form_of(form: str, g: torch.Tensor, scale: float) -> np.ndarray:
    ohms = {name: scale * value for name, value in OHMS.items()}
    return approximate(form, g, source_of(g, scale * SOURCE), **ohms).numpy()


@pytest.mark.parametrize("form", ["first-order", "dividers"])
def test_the_error_is_of_second_order_in_the_resistances(form):
    """A tenth of the ohms: a hundredth of the error; of another order, or another layout of lines, it would not be."""
    g = cells()
    errors = [np.abs(form_of(form, g, scale) - circuit(g, scale)).max() for scale in (1.0, 0.1, 0.01)]
    assert 80.0 < errors[0] / errors[1] < 120.0
    assert 80.0 < errors[1] / errors[2] < 120.0


def test_a_single_cell_has_the_ohms_of_its_own_way():
    """Where one cell conducts, all of its current takes one way: the path is exact, the first order is not."""
    g = torch.full((6, 4), 1e-15, dtype=torch.float64)
    g[1, 2] = 1e-3
    truth = circuit(g, 10.0)[1, 2]
    np.testing.assert_allclose(form_of("path", g, 10.0)[1, 2], truth, rtol=1e-9)
    assert abs(form_of("first-order", g, 10.0)[1, 2] / truth - 1.0) > 1e-3


def test_without_segments_dividers_are_the_closed_form():
    g = cells()
    ours = approximate("dividers", g, source_of(g, 300.0), 0.0, 0.0, 800.0)
    torch.testing.assert_close(ours, divided(g, source_of(g, 300.0), 800.0), rtol=1e-14, atol=0.0)


@pytest.mark.parametrize("form", FORMS)
def test_lines_that_are_off_carry_nothing(form):
    g = cells()
    off = source_of(g, SOURCE)
    off[2] = torch.inf
    ours = approximate(form, g, off, **OHMS)
    assert torch.equal(ours[2], torch.zeros_like(ours[2]))
    silent = g.clone()
    silent[2] = 0.0
    assert torch.equal(ours, approximate(form, silent, source_of(g, SOURCE), **OHMS))


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_those_of_the_form(form):
    g = (1e5 * cells(4, 3)).requires_grad_()

    def apply(conductance):
        return approximate(form, conductance, source_of(g, 0.02), 0.01, 0.015, 0.03)

    assert torch.autograd.gradcheck(apply, (g,), atol=1e-7)


def layer_on(hardware: Hardware):
    torch.manual_seed(2)
    network = convert(nn.Linear(12, 7, bias=False), hardware)
    network.program(1)
    return network.layers["model"].eval()


@pytest.mark.parametrize("mapping", ["differential", "reference", "offset"])
@pytest.mark.parametrize("form", FORMS)
def test_layers_have_it_of_each_of_their_arrays(form, mapping):
    """Nearer to the circuit than no wires at all, and not the circuit; broken lines are not in it."""
    hardware = Hardware(Tiles(5, 4), CELLS, wires=Wires(15.0, 15.0, 15.0, 15.0), mapping=Mapping(mapping))
    kinds = {
        kind: layer_on(replace(hardware, fidelity=kind)).effective_matrices()[0].detach()
        for kind in ("accurate", form, "ideal")
    }
    apart = {kind: float((matrix - kinds["accurate"]).norm()) for kind, matrix in kinds.items()}
    assert 0.0 < apart[form] < 0.7 * apart["ideal"]
    broken = replace(hardware, cells=replace(CELLS, breaks=Breaks(0.5, 0.5)), fidelity=form)
    assert torch.equal(layer_on(broken).effective_matrices()[0], kinds[form])
    tile = layer_on(replace(hardware, fidelity=form)).tiles[0].crossbar
    assert np.all(tile.word_wire == 15.0)
    assert np.all(tile.bit_wire == 15.0)


@pytest.mark.parametrize("form", FORMS)
def test_other_cells_are_refused(form):
    with pytest.raises(InputError, match=rf"fidelity is '{form}'.*law.kind is 'sinh'.*take fidelity accurate"):
        Hardware(law=Law("sinh", v0=0.3), fidelity=form)
