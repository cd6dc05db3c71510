"""Results as data frames and datasets: the same numbers, with the names of their axes and their units."""

from __future__ import annotations

import io
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from cli_tools import PROGRAM, environment

import xbarsim
from xbarsim.errors import InputError
from xbarsim.margin import Technology, margin, sweep, to_pandas
from xbarsim.netlist import read
from xbarsim.nonideal import Breaks, Chip, Faults, Nonidealities, Variation

G = np.array([[1e-3, 2e-4, 5e-5], [1e-4, 2e-3, 3e-4]])
CROSSBAR = xbarsim.Crossbar(G, word_wire=3.0, bit_wire=7.0, driver=10.0, sense=20.0)
VECTORS = np.array([[0.5, 0.2], [0.1, -0.3], [0.0, 0.4], [0.2, 0.2]])
CHIP = Chip(
    Nonidealities(variation=Variation(sigma=0.3), faults=Faults(rate=0.4), breaks=Breaks(0.4, 0.4)), 3, [(4, 3), (2, 5)]
)


def test_currents_are_a_row_for_each_vector():
    pytest.importorskip("pandas")
    solution = xbarsim.solve(CROSSBAR, VECTORS)
    frame = solution.to_pandas()
    assert np.array_equal(frame.to_numpy(), solution.currents)
    assert (frame.index.name, frame.columns.name, frame.attrs["units"]) == ("batch", "bit", "A")
    assert xbarsim.solve(CROSSBAR, VECTORS[0]).to_pandas().shape == (1, 3)


@pytest.mark.parametrize("vectors", [VECTORS, VECTORS[0]])
def test_cells_are_a_row_each(vectors):
    pytest.importorskip("pandas")
    solution = xbarsim.solve(CROSSBAR, vectors, fields=True)
    frame = solution.to_pandas("cells")
    at = (1, 2) if vectors.ndim == 1 else (2, 1, 2)
    assert frame.index.names == ["batch", "word", "bit"][-len(at) :]
    row = frame.loc[at]
    assert row.conductance == G[1, 2]
    for name in ("word_voltages", "bit_voltages", "device_voltages", "device_currents"):
        assert row[name] == getattr(solution, name)[at]
    assert len(frame) == solution.device_currents.size
    assert frame.attrs["units"]["device_currents"] == "A"


def test_a_dataset_has_every_array_with_its_axes_and_units():
    pytest.importorskip("xarray")
    solution = xbarsim.solve(CROSSBAR, VECTORS, fields=True)
    data = solution.to_xarray()
    assert dict(data.sizes) == {"batch": 4, "word": 2, "bit": 3}
    assert data.device_currents.dims == ("batch", "word", "bit")
    for name in ("currents", "power", "word_voltages", "bit_voltages", "device_voltages", "device_currents"):
        assert np.array_equal(data[name], getattr(solution, name))
    for side, amperes in solution.end_currents.items():
        assert np.array_equal(data[f"{side}_currents"], amperes)
    leaving = data.device_currents.sum("word")
    assert np.allclose(leaving, data.currents, rtol=1e-12, atol=0.0), "KCL by names"
    assert {name: data[name].attrs["units"] for name in ("currents", "word_voltages", "conductance", "power")} == {
        "currents": "A", "word_voltages": "V", "conductance": "S", "power": "W",
    }  # fmt: skip
    assert data.attrs["residual"] == solution.residual


def test_a_batch_without_fields_has_its_ends_alone():
    pytest.importorskip("pandas")
    solution = xbarsim.solve(CROSSBAR, VECTORS)
    with pytest.raises(InputError, match="fields=True"):
        solution.to_pandas("cells")
    with pytest.raises(InputError, match="rows is 'ends': it must be one of currents, cells"):
        solution.to_pandas("ends")
    pytest.importorskip("xarray")
    assert "word_voltages" not in solution.to_xarray()
    assert xbarsim.solve(CROSSBAR, VECTORS[0]).to_xarray().currents.dims == ("bit",)


def test_a_chip_has_a_row_for_each_cell():
    pytest.importorskip("pandas")
    maps = CHIP.maps(1)
    frame = CHIP.to_pandas(1)
    assert np.array_equal(frame.fault.to_numpy().reshape(2, 5), maps.faults)
    assert np.array_equal(frame.factor.to_numpy().reshape(2, 5), maps.factor)
    broken = frame.word_broken.to_numpy().reshape(2, 5)
    assert np.array_equal(broken[:, :-1], maps.word_breaks)
    assert maps.word_breaks.any()
    assert not broken[:, -1].any()
    assert np.array_equal(frame.bit_broken.to_numpy().reshape(2, 5)[:-1], maps.bit_breaks)
    with pytest.raises(InputError, match="tile is 2"):
        CHIP.to_pandas(2)


def test_a_chips_dataset_goes_through_its_own_numbers():
    pytest.importorskip("xarray")
    data = CHIP.to_xarray()
    assert np.array_equal(data.fault, CHIP.maps(0).faults)
    assert data.attrs == {"seed": "3", "tile": 0}


def test_margins_are_a_row_each():
    pytest.importorskip("pandas")
    technology = Technology(r_on=1e4, r_off=1e6, word_wire=1.0)
    single = margin(technology, 4, "third")
    frame = to_pandas(single)
    assert len(frame) == 1
    assert frame.current_margin[0] == single.current_margin
    assert frame.lrs_pattern[0] == single.lrs.pattern
    assert frame.hrs_stress[0] == single.hrs.stress
    assert frame.attrs["units"]["hrs_power"] == "W"
    several = list(sweep(technology, [2, 4], ["half", "third"]))
    frame = to_pandas(several)
    assert frame.groupby("scheme").current_margin.min().to_dict() == {
        name: min(m.current_margin for m in several if m.scheme.name == name) for name in ("half", "third")
    }


def test_a_netlists_sweep_has_a_row_for_each_point():
    pytest.importorskip("pandas")
    circuit = read(io.StringIO("t\nv1 a 0 1\nv2 c 0 1\nr1 a b 1k\nr2 b c 3k\n.dc v1 0 1 0.5 v2 0 2 2\n"))
    solution = circuit.solve()
    frame = solution.to_pandas()
    assert list(frame.columns)[:2] == ["v1", "v2"]
    expected = (3 * frame.v1 + frame.v2) / 4
    assert np.allclose(frame["v(b)"], expected, rtol=1e-12, atol=0.0)
    assert frame.attrs["units"]["i(v1)"] == "A"
    pytest.importorskip("xarray")
    data = solution.to_xarray()
    assert dict(data.sizes) == {"v2": 2, "v1": 3}
    assert float(data["v(b)"].sel(v1=0.5, v2=2.0)) == pytest.approx((1.5 + 2.0) / 4)
    point = read(io.StringIO("t\nv1 a 0 1\nr1 a 0 1k\n.op\n")).solve().to_xarray()
    assert float(point["i(v1)"]) == pytest.approx(-1e-3)


def test_a_source_that_takes_a_value_twice_has_its_points():
    pytest.importorskip("xarray")
    circuit = read(io.StringIO("t\nv1 a 0 1\nr1 a 0 1k\n.dc v1 list 1 2 1\n"))
    assert dict(circuit.solve().to_xarray().sizes) == {"point": 3}


def test_an_inference_is_rows_of_chips_times_or_layers():
    pytest.importorskip("pandas")
    pytest.importorskip("torch")
    from xbarsim.nn.inference_result import ChipResult, Inference, LayerError, Moment
    from xbarsim.nn.summary import SummaryRow

    moments = (Moment(1.0, 0.9, 0.91), Moment(1e3, 0.7, 0.71))
    chips = (ChipResult(4, 0.7, 0.71, 2.0, moments), ChipResult(9, 0.6, 0.61, 3.0, moments))
    rows = (LayerError(SummaryRow("fc", "Linear", (3, 4), 2, 24, 0.5, 0.01), 0.02, 0.03),)
    inference = Inference(0.98, chips, rows, alike=False)
    assert inference.to_pandas().to_dict("list") == {
        "seed": [4, 9], "accuracy": [0.7, 0.6], "agreement": [0.71, 0.61], "seconds": [2.0, 3.0],
    }  # fmt: skip
    times = inference.to_pandas("times")
    assert times.groupby("time").accuracy.mean().to_dict() == {1.0: 0.9, 1e3: 0.7}
    layers = inference.to_pandas("layers")
    assert (layers.name[0], layers.own[0], layers.total[0], layers.cells[0]) == ("fc", 0.02, 0.03, 24)
    with pytest.raises(InputError, match="rows is 'chip': it must be one of chips, times, layers"):
        inference.to_pandas("chip")


def test_a_study_is_a_dataset_over_its_axes():
    pytest.importorskip("xarray")
    from xbarsim.study import StudyTable
    from xbarsim.study.store import TrialRow

    rows = [
        TrialRow(f"{rate}{method}{chip}", {"rate": rate, "method": method, "chip": chip}, "done", {"accuracy": value})
        for rate, method, chip, value in [(0.1, "none", 0, 0.5), (0.1, "none", 1, 0.7), (0.2, "fpt", 0, 0.9)]
    ]
    data = StudyTable.of(rows).to_xarray()
    cell = data.sel({"rate": 0.1, "method": "none"})
    assert float(cell["accuracy.mean"]) == pytest.approx(0.6)
    assert int(cell["accuracy.count"]) == 2
    assert math.isnan(data["accuracy.mean"].sel({"rate": 0.2, "method": "none"}))
    assert math.isnan(data["accuracy.deviation"].sel({"rate": 0.2, "method": "fpt"})), "of one chip there is none"


def test_a_way_through_time_has_its_axes():
    pytest.importorskip("xarray")
    from xbarsim.transient import Recording, simulate
    from xbarsim.waves import Pulse

    cells = xbarsim.VTEAM(r_on=1e3, r_off=1e5, k_on=-1e-3, k_off=1e-3)
    crossbar = xbarsim.Crossbar(np.full((2, 3), 1e-4), word_wire=1.0, driver=1.0, sense=1.0, device=cells)
    record = Recording(cells=[(0, 1), (1, 2)], states_at=[2e-8, 5e-8], cell_energy=True)
    waves = {"word_left": [Pulse(0, volts, 0, 1e-9, 1e-9, 1e-7, 1) for volts in (1.2, 0.3)]}
    transient = simulate(crossbar, waves, 6e-8, record=record)
    data = transient.to_xarray()
    assert np.array_equal(data.bit_bottom_currents, transient.currents)
    assert data.bit_bottom_currents.dims == ("time", "bit")
    assert np.array_equal(data.cell_states.isel(cell=1), transient.cell_states[:, 1])
    assert np.array_equal(data.states.sel(snapshot_time=5e-8), transient.snapshots[1])
    assert data.cell_energy.shape == (2, 3)
    frame = transient.to_pandas()
    assert np.array_equal(frame["word_left[1]"], transient.end_currents["word_left"][:, 1])
    pytest.importorskip("matplotlib")
    from xbarsim.plot import new_figure

    axes = transient.plot(new_figure().subplots())
    assert np.array_equal(axes.get_lines()[2].get_ydata(), transient.currents[:, 2])


@pytest.mark.parametrize(("module", "call"), [("pandas", "to_pandas"), ("xarray", "to_xarray")])
def test_what_is_missing_is_said_with_what_to_install(monkeypatch, module, call):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"need {module}: pip install 'xbarsim\[tables\]'"):
        getattr(xbarsim.solve(CROSSBAR, VECTORS), call)()


def test_neither_is_imported_before_one_is_asked_for():
    import subprocess

    code = "import sys, xbarsim, xbarsim.margin; xbarsim.solve; assert not {'pandas', 'xarray'} & set(sys.modules)"
    process: SimpleNamespace = subprocess.run([PROGRAM[0], "-c", code], env=environment(), check=False)
    assert process.returncode == 0
