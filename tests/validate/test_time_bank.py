"""The bank in time: its circuits, their netlists, and a comparison."""

from __future__ import annotations

import numpy as np
import pytest
from netlist_tools import needs_ngspice

from xbarsim.errors import InputError, SpiceMissingError
from xbarsim.transient import simulate
from xbarsim.validate import in_time, session
from xbarsim.validate.in_time import rows_in_time
from xbarsim.validate.time_bank import circuits_in_time, write_pulse
from xbarsim.validate.time_case import TIME
from xbarsim.waves import Piecewise, Pulse, Sine

CIRCUITS = [case for scope in ("quick", "full", "large") for case in circuits_in_time(scope)]


def test_the_bank_has_every_model_whose_state_moves_and_writes():
    devices = {case.crossbar.device.name for case in CIRCUITS}
    assert devices >= {"linear", "sinh", "vteam", "ion_drift", "yakopcic", "stanford", "sky130"}
    writes = {case.size for case in CIRCUITS if case.family == "half-select write"}
    assert writes == {"4x4", "8x8", "16x16", "32x32", "64x64"}
    for scope in ("quick", "full", "large"):
        names = [case.name for case in circuits_in_time(scope)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", CIRCUITS, ids=lambda case: case.name)
def test_everything_begins_at_rest(case):
    waves = [wave for lines in case.waves.values() for wave in lines if isinstance(wave, Pulse | Piecewise | Sine)]
    assert waves
    assert all(wave.at(np.array([0.0]))[0] == 0.0 for wave in waves)
    assert all((end.voltage == 0.0).all() for side, end in case.crossbar.boundary.items() if side not in case.waves)


@pytest.mark.slow
@needs_ngspice
@pytest.mark.ngspice
def test_a_write_goes_as_in_ngspice(tmp_path):
    case = write_pulse(2)
    rows = list(rows_in_time(case, ("ngspice",), tmp_path))
    assert [row.ours for row in rows] == ["simulate", "netlist"]
    for row in rows:
        assert not row.trouble
        assert (row.voltages.count, row.sources.count, row.states.count) == (8 * 48, 4 * 48, 4 * 48)
        assert row.largest < TIME
        assert row.reference < TIME


def test_who_does_not_go_in_time_is_refused():
    with pytest.raises(InputError, match="nothing in time can be compared"):
        session.run("quick", against=("closed",), in_time=True)
    with pytest.raises(InputError, match="--engine pyspice: in time ngspice runs as a program alone"):
        session.run("quick", ("pyspice",), in_time=True)
    with pytest.raises(InputError, match="--large in time is for vacask alone"):
        session.run("large", against=("ngspice",), in_time=True)
    with pytest.raises(InputError, match="names are like vteam/sine/2x3"):
        session.run("quick", only="sine/9x9", in_time=True)


@pytest.mark.parametrize("in_time", [False, True])
def test_ngspice_that_is_asked_for_and_not_there_is_no_success(monkeypatch, tmp_path, in_time):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpiceMissingError, match="ngspice is not installed"):
        session.run("quick", only="2x3", against=("ngspice", "closed"), in_time=in_time)


def test_no_time_holds_a_compilation(monkeypatch, tmp_path):
    case, gone = write_pulse(2), []

    def noted(crossbar, waves, stop, **settings):
        gone.append(stop)
        return simulate(crossbar, waves, stop, **settings)

    monkeypatch.setattr(in_time, "simulate", noted)
    monkeypatch.setattr(in_time, "_WARM", set())
    for _ in range(2):
        assert not list(rows_in_time(case, (), tmp_path))
    assert len(gone) == 3
    assert gone[0] < 0.2 * case.stop
    assert gone[1:] == [case.stop, case.stop]
