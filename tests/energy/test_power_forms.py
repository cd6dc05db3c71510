"""Forms of all inputs' power against the split of solves."""

import numpy as np
import pytest

from xbarsim import Crossbar, LineEnds, Sinh, solve
from xbarsim.energy import power_forms, power_split
from xbarsim.errors import ConvergenceError, InputError, SolveError


def array(rows=6, cols=5, seed=1, **options):
    rng = np.random.default_rng(seed)
    settings = {
        "word_wire": rng.uniform(1.0, 9.0, (rows, cols - 1)), "bit_wire": rng.uniform(1.0, 9.0, (rows - 1, cols)),
        "driver": rng.uniform(0.0, 90.0, rows), "sense": rng.uniform(0.0, 70.0, cols),
    }  # fmt: skip
    return Crossbar(10 ** rng.uniform(-5.0, -3.0, (rows, cols)), **settings | options)


CROSSBARS = {
    "plain": array(),
    "wide": array(2, 9, 3),
    "no wires": array(word_wire=0.0, bit_wire=0.0),
    "ideal": array(word_wire=0.0, bit_wire=0.0, driver=0.0, sense=0.0),
    "open lines": array(driver=[10.0, np.inf, 3.0, 0.0, 5.0, np.inf], sense=[1.0, 2.0, np.inf, 0.0, 9.0]),
    "four sides": array(
        ends={"word_right": LineEnds(0.0, 50.0), "bit_top": LineEnds(0.0, [5.0, np.inf, 2.0, 9.0, 1.0])}
    ),
}


@pytest.mark.parametrize("name", CROSSBARS)
def test_forms_are_the_split_of_every_solve(name):
    crossbar = CROSSBARS[name]
    forms = power_forms(crossbar)
    for volts in np.random.default_rng(7).uniform(-0.5, 0.5, (4, crossbar.shape[0])):
        split = power_split(solve(crossbar, volts))
        size = float(split.delivered)
        parts = {
            "sources": size, "cells": split.cells, "ends": sum(split.ends.values()),
            "wires": split.word_wires + split.bit_wires,
        }  # fmt: skip
        for part, watts in parts.items():
            assert volts @ getattr(forms, part) @ volts == pytest.approx(float(watts), abs=1e-11 * size)


def test_cells_that_do_not_count_are_among_the_wires():
    crossbar = array()
    counted = np.random.default_rng(2).random(crossbar.shape) < 0.5
    whole, part, rest = (power_forms(crossbar, counted=mask) for mask in (True, counted, ~counted))
    np.testing.assert_allclose(part.cells + rest.cells, whole.cells, rtol=1e-10, atol=1e-18)
    np.testing.assert_allclose(part.wires, whole.wires + rest.cells, rtol=0, atol=1e-12 * np.abs(whole.sources).max())


def test_a_wrong_form_is_not_handed_out(monkeypatch):
    from xbarsim.solvers.terminals import Terminals

    form = Terminals.form
    monkeypatch.setattr(Terminals, "form", lambda *args: 1.0001 * form(*args))
    with pytest.raises(ConvergenceError, match="power of cells carried to the inputs differs"):
        power_forms(array())


@pytest.mark.parametrize(
    ("crossbar", "error", "message"),
    [
        (array(device=Sinh(v0=0.2)), InputError, "have no linear map"),
        (array(ends={"bit_top": LineEnds(0.1, 5.0)}), InputError, "hold non-zero voltages"),
        (Crossbar([[1e-3]], ends={"bit_top": LineEnds(0.0, 0.0)}), SolveError, "0 ohm joins"),
        (3, InputError, "crossbar is int"),
    ],
)
def test_what_has_no_forms_is_refused(crossbar, error, message):
    with pytest.raises(error, match=message):
        power_forms(crossbar)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(InputError, match="counted"):
        power_forms(array(), counted=np.ones((2, 2), bool))
