"""The models in spice_models/ compute their Python twins' laws, digit by digit; and crossbars of them are written."""

from __future__ import annotations

import re

import numpy as np
import pytest
from netlist_tools import needs_ngspice

from xbarsim import Crossbar, netlist, solve, spice
from xbarsim.devices import Law, Linear, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.errors import InputError
from xbarsim.netlist.written import report_written
from xbarsim.validate.against import OPTIONS

COUNT = 60


def devices(shape, seed=3):
    rng = np.random.default_rng(seed)

    def decades(low, high):
        return 10 ** rng.uniform(low, high, shape)

    volts = np.sort(np.append(rng.uniform(-1, 1, 20), 0.0))
    return {
        "sinh": Sinh(rng.uniform(0.05, 0.4, shape)),
        "selector": Selector(decades(-10, -6), rng.uniform(0.03, 0.1, shape)),
        "transistor": Transistor(
            rng.uniform(0, 2.5, shape), decades(-4.5, -2.5), rng.uniform(0.2, 0.7, shape), rng.uniform(0, 0.1, shape)
        ),
        "yakopcic": Yakopcic(decades(-5, -3), decades(-5, -3), rng.uniform(1, 5, shape)),
        "table": Table(volts, 1e-4 * np.sinh(2 * volts) * np.where(volts < 0, 0.6, 1.0)),
        "short table": Table([-0.5, 0.25, 0.5], [-1e-5, 2e-5, 1e-4]),
    }


NAMES = list(devices((1, 1)))


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.parametrize("name", NAMES)
def test_a_model_alone_has_its_laws_current(tmp_path, name):
    """A column without wires: each row's source current is one cell's, at voltages of both signs and on both sides."""
    rng = np.random.default_rng(5)
    device = devices((COUNT, 1))[name]
    g, volts = 10 ** rng.uniform(-6, -3, (COUNT, 1)), rng.uniform(-1, 1, COUNT)
    bottom = 0.2
    netlist.write(Crossbar(g, device=device), volts, tmp_path / "a.sp")
    text = (tmp_path / "a.sp").read_text().replace("vbb0 b_59_0 0 0.0", f"vbb0 b_59_0 0 {bottom}")
    result = spice.run(text.replace("\n.op\n", f"\n{OPTIONS}\n.op\n"))
    theirs = np.array([-result.plots[0].source_currents[f"vwl{i}"] for i in range(COUNT)])
    ours = device.current(g, volts[:, None], np.full((COUNT, 1), bottom))[:, 0]
    assert np.abs(theirs - ours).max() <= 1e-13 * np.abs(ours).max()
    # What is small beside other currents has ngspice's rounding of 1 V on it.
    telling = np.abs(ours) > 1e-6 * np.abs(ours).max()
    assert np.abs(theirs[telling] / ours[telling] - 1).max() <= 1e-9
    assert not result.warnings


@pytest.mark.parametrize("name", NAMES)
def test_each_cell_is_a_call_with_all_digits(tmp_path, name):
    shape = (3, 4)
    device = devices(shape)[name]
    g = np.random.default_rng(1).uniform(1e-6, 1e-3, shape)
    g[1, 2] = 0.0
    netlist.write(Crossbar(g, word_wire=1.0, bit_wire=0.0, device=device), [0.1, 0.2, 0.3], tmp_path / "a.sp")
    lines = (tmp_path / "a.sp").read_text().splitlines()
    assert sum(line.startswith(".subckt") for line in lines) == 1
    assert f".ends {device.name}" in lines
    calls = [line.split() for line in lines if line.startswith("x_")]
    assert [call[0] for call in calls] == [f"x_{i}_{j}" for i in range(3) for j in range(4) if (i, j) != (1, 2)]
    instance = device.instance(g)
    for call in calls:
        i, j = map(int, call[0].split("_")[1:])
        assert call[1:3] == [f"w_{i}_{j}", f"b_{i}_{j}"]
        at = call.index(device.name)
        given = dict(word.split("=") for word in call[at + 1 :])
        assert {key: float(value) for key, value in given.items()} == {k: v[i, j] for k, v in instance.items()}


@pytest.mark.parametrize(
    ("gate", "names"),
    [
        (1.5, ["vg"]),
        (np.array([[1.0], [2.0], [3.0]]), ["vg_r0", "vg_r1", "vg_r2"]),
        (np.array([1.0, 2.0]), ["vg_c0", "vg_c1"]),
        (np.arange(6.0).reshape(3, 2), ["vg_0_0", "vg_0_1", "vg_1_0", "vg_2_0", "vg_2_1"]),
    ],
)
def test_gates_hang_on_a_source_a_line(tmp_path, gate, names):
    g = np.full((3, 2), 1e-4)
    g[1, 1] = 0.0  # an open cell has no gate
    netlist.write(Crossbar(g, device=Transistor(gate)), [0.1, 0.2, 0.3], tmp_path / "a.sp")
    text = (tmp_path / "a.sp").read_text()
    found = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("vg")}
    assert sorted(found) == sorted(names)
    volts = np.broadcast_to(gate, g.shape)
    for i, j in np.argwhere(g).tolist():
        (call,) = re.findall(rf"^x_{i}_{j} .*$", text, re.M)
        source = found["v" + call.split()[3]]
        assert source[1:3] == [call.split()[3], "0"]
        assert float(source[3]) == volts[i, j]


def test_linear_cells_are_resistors_as_ever(tmp_path):
    g = [[1e-3, 0.0], [2e-4, 5e-5]]
    netlist.write(Crossbar(g, word_wire=1.0, device=Linear()), [0.1, 0.2], tmp_path / "a.sp")
    text = (tmp_path / "a.sp").read_text()
    assert "subckt" not in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith("rc")] == ["rc_0_0", "rc_1_0", "rc_1_1"]


@pytest.mark.slow
def test_a_law_in_python_is_refused_and_nothing_written(tmp_path):
    crossbar = Crossbar([[1e-3]], device=Law(lambda v, g: (g * v, g)))
    with pytest.raises(InputError, match="cannot be written"):
        netlist.write(crossbar, [0.1], tmp_path / "a.sp")
    assert not list(tmp_path.iterdir())


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.filterwarnings("ignore::xbarsim.errors.ExtrapolationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_crossbar_of_them_is_what_ngspice_solves(tmp_path, name):
    """At SPICE's own gmin and tolerances ngspice still agrees to its thousandth; the bank has the tight figures."""
    rng = np.random.default_rng(8)
    shape = (4, 3)
    device = devices(shape)[name]
    crossbar = Crossbar(10 ** rng.uniform(-6, -3, shape), word_wire=2.0, bit_wire=3.0, driver=5, sense=7, device=device)
    volts = rng.uniform(0.1, 1, 4)
    netlist.write(crossbar, volts, tmp_path / "a.sp")
    _, ours = report_written(crossbar, volts, solve(crossbar, volts))
    theirs = spice.run(tmp_path / "a.sp").plots[0].source_currents
    largest = max(map(abs, ours.values()))
    assert all(abs(theirs[key] - value) <= 1e-3 * largest for key, value in ours.items())
