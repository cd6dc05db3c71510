"""Forms of all inputs' power against the split of solves."""

import numpy as np
import pytest

from xbarsim import Crossbar, LineEnds, Sinh, solve
from xbarsim.energy import power_forms, power_split
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.solvers.terminals import Terminals


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
    form = Terminals.form
    monkeypatch.setattr(Terminals, "form", lambda *args: 1.0001 * form(*args))
    with pytest.raises(ConvergenceError, match="power of cells carried to all inputs differs"):
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


def test_a_form_that_is_wrong_for_a_quiet_input_alone_is_not_handed_out(monkeypatch):
    """Of all inputs' power it is 1e-9: a check of all together did not see it."""
    siemens = np.random.default_rng(4).uniform(1e-4, 1e-3, (5, 6))
    siemens[2] *= 1e-9
    crossbar = Crossbar(siemens, word_wire=2.0, bit_wire=3.0, driver=50.0, sense=40.0)
    form = Terminals.form

    def wrong(*args):
        right = form(*args)
        right[2, 2] *= 1.001
        return right

    assert power_forms(crossbar).cells[2, 2] < 1e-8 * power_forms(crossbar).cells[0, 0]
    monkeypatch.setattr(Terminals, "form", wrong)
    with pytest.raises(ConvergenceError, match=r"power of cells carried to input 2 and its like differs .* 1\.0e-03"):
        power_forms(crossbar)


@pytest.mark.parametrize("quiet", [1e-9, 1e-14, 0.0])
def test_the_forms_of_quiet_inputs_are_right_against_themselves(quiet):
    """Behind no wires an input's power is ``g / (1 + g R)``, and what the driver takes ``R g^2 / (1 + g R)^2``."""
    siemens = np.array([1e-3, quiet, 2e-4])
    forms = power_forms(Crossbar(siemens[:, None], driver=50.0))
    assert np.allclose(np.diagonal(forms.sources), siemens / (1.0 + 50.0 * siemens), rtol=1e-13, atol=0.0)
    assert np.allclose(np.diagonal(forms.cells), siemens / (1.0 + 50.0 * siemens) ** 2, rtol=1e-13, atol=0.0)
    taken = 50.0 * siemens**2 / (1.0 + 50.0 * siemens) ** 2
    assert np.allclose(np.diagonal(forms.ends), taken, rtol=1e-13, atol=0.0)
