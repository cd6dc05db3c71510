"""The table of cell models: what each says of itself is so, and margin, nn, validate and the docs have all of them."""

import doctest
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from cli_tools import assert_refused, call, environment
from newton_tools import quadratic

from xbarsim import Crossbar, Law, Sinh, devices, netlist, solve
from xbarsim.analysis.runs import from_netlist
from xbarsim.devices import Device, Option, models, registry
from xbarsim.devices.law import function_of
from xbarsim.errors import InputError
from xbarsim.kernels import laws
from xbarsim.netlist.written import report_written
from xbarsim.validate import handcells

NAMES = list(models())
SAMPLED = [name for name in NAMES if models()[name].sampled]
ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "devices.md").read_text("utf-8")
G = np.array([[1e-4, 3e-4, 0.0], [2e-5, 1e-3, 7e-4]])
CURVE = "V,I\n-0.6,-3e-4\n-0.2,-4e-5\n0.2,5e-5\n0.6,2e-4\n"


@pytest.fixture
def curve(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text(CURVE)
    return path


def sample(name, shape=G.shape):
    return models()[name].sample(np.random.default_rng(4), shape)


def test_the_table_begins_with_our_own():
    ours = ["linear", "sinh", "selector", "transistor", "yakopcic", "table", "law"]
    assert NAMES[:13] == [*ours, "vteam", "ion_drift", "stanford", "sky130", "verilog_a", "dynamic_verilog_a"]
    assert all(models()[name].name == name for name in NAMES)


@pytest.mark.parametrize("name", SAMPLED)
def test_what_a_model_says_of_itself_is_so(name):
    model, device = models()[name], sample(name)
    assert device.kind == getattr(laws, model.kernel)
    assert type(device) is model
    word, bit = np.random.default_rng(5).uniform(-0.8, 0.8, (2, *G.shape))
    currents = device.current(G, word, bit)
    assert model.linear == np.allclose(device.current(G, 2 * word, 2 * bit), 2 * currents, rtol=1e-12, atol=0.0)
    moved = device.current(G, word + 0.7, bit + 0.7)
    assert model.two_terminal == np.allclose(moved, currents, rtol=1e-6, atol=1e-15)
    assert device.cells(G).symmetric == model.two_terminal
    assert (device.gates is not None) == (not model.two_terminal)
    if model.has_twin:
        text = device.subcircuit()
        assert re.search(
            rf"^\.subckt {device.reads_as.name} te be{' gate' if device.gates is not None else ''} ", text, re.M
        )
    else:
        with pytest.raises(InputError, match="cannot be written as a netlist"):
            device.subcircuit()
    wanted = [arg for arg in inspect.signature(model).parameters if arg not in ("voltage", "current", "odd")]
    if name not in ("table", "law"):
        assert [option.name for option in model.options] == wanted


@pytest.mark.parametrize("name", NAMES)
def test_the_docs_have_every_model_and_option(name):
    model = models()[name]
    assert re.search(rf"^\| `{model.__name__}\(.*\)` \|", DOCS, re.M)
    for option in model.options:
        sort = option.unit if option.numeric else option.metavar or " ".join(f"`{word}`" for word in option.choices)
        default = option.default_text() or ("empty" if option.default == "" else "none")
        row = f"| `{name}` | `{option.name}` | {option.text} | {sort} | {default} |"
        assert row in DOCS, f"docs/devices.md lacks the row\n{row}"


@pytest.mark.parametrize("name", [name for name in NAMES if models()[name].has_twin])
def test_a_written_crossbar_is_recognised_as_it_was(tmp_path, name):
    crossbar = Crossbar(G, word_wire=2.0, bit_wire=3.0, driver=5.0, sense=7.0, device=sample(name))
    netlist.write(crossbar, [0.3, -0.4], tmp_path / "a.sp")
    recognised = netlist.read(tmp_path / "a.sp").recognise().crossbar
    assert recognised is not None
    np.testing.assert_allclose(recognised.conductance, G, rtol=1e-14)
    np.testing.assert_allclose(recognised.device.current(G, 0.4, 0.1), crossbar.device.current(G, 0.4, 0.1), rtol=1e-13)
    volts, amperes = report_written(crossbar, [0.3, -0.4], solve(crossbar, [0.3, -0.4]))
    (result,) = from_netlist(tmp_path / "a.sp", "auto" if crossbar.device.linear else "newton").results
    for numbers, names, values in (
        (volts, result.nodes, result.voltages[0]), (amperes, result.branches, result.currents[0]),
    ):  # fmt: skip
        again = dict(zip(names, values.tolist(), strict=True))
        np.testing.assert_allclose([again[key] for key in numbers], list(numbers.values()), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", SAMPLED)
def test_every_model_has_a_second_form_for_validate(name):
    lines, calls = handcells.subcircuit(sample(name), G)
    assert calls.shape == G.shape
    assert any(line.startswith(".subckt cell top low") for line in lines)


def options_of(name, tmp_path, curve):
    (tmp_path / "mine.py").write_text("def mine(v, g, k):\n    return g * v + k * v * abs(v), g + 2.0 * k * abs(v)\n")
    return {
        "table": ("--curve", curve), "law": ("--function", f"{tmp_path / 'mine.py'}:mine", "--parameters", "k=2m"),
    }.get(name, ())  # fmt: skip


@pytest.mark.parametrize("name", SAMPLED)
def test_margin_takes_every_model(capsys, tmp_path, curve, name):
    done = call(
        capsys, "margin", "--sizes", "3", "--schemes", "half", "--device", name, *options_of(name, tmp_path, curve)
    )
    assert (done.code, done.err) == (0, "")
    assert f"{'linear' if models()[name].linear else models()[name].__name__ + '('}" in done.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("law",), ("--device law needs --function FILE.py:NAME",)),
        (("law", "--function", "gone.py:f"), ("gone.py", "there is no such file")),
        (("law", "--function", "{mine}:other"), ("it has no function 'other'",)),
        (("law", "--function", "{mine}:mine", "--parameters", "2m"), ("NAME=NUMBER",)),
        (("law", "--function", "{mine}:mine", "--parameters", "k=x"), ("'x'",)),
        (("yakopcic", "--a2", "0"), ("a2 is 0", "above 0")),
        (("yakopcic", "--kp", "1m"), ("--kp goes with --device transistor, not with yakopcic",)),
        (("memristor",), ("'memristor'", *NAMES)),
        (("vteam", "--k-on", "1"), ("--k-on",)),
    ],
)
def test_margin_refuses_in_one_line(capsys, tmp_path, curve, options, words):
    options_of("law", tmp_path, curve)
    options = [option.format(mine=tmp_path / "mine.py") for option in options]
    assert_refused(call(capsys, "margin", "--sizes", "2", "--device", *options), 2, *words)


def test_a_file_that_fails_is_told(tmp_path):
    (tmp_path / "bad.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match=r"bad\.py: ZeroDivisionError"):
        Law.from_options(function=f"{tmp_path / 'bad.py'}:f")


def test_options_are_checked_by_name():
    for values, message in (
        ({"v1": 0.3}, "the model sinh has no option 'v1': it has v0"),
        ({"v0": "x"}, "v0 is 'x': it must be a number"),
        ({"v0": float("inf")}, "v0 is inf: it must be above 0 and finite"),
    ):
        with pytest.raises(InputError, match=message):
            Sinh.from_options(**values)
    with pytest.raises(InputError, match="extend is 'none': it must be one of line, error, odd"):
        devices.Table.from_options(curve=[[-1, -1], [0.5, 1], [1, 2]], extend="none")
    with pytest.raises(InputError, match="the model table needs curve"):
        devices.Table.from_options()
    with pytest.raises(InputError, match="pairs of volts and amperes"):
        devices.Table.from_options(curve=[1.0, 2.0])
    with pytest.raises(InputError, match="the cell model 'memristor' is unknown: there are linear, sinh"):
        devices.model("memristor")


class Quadratic(Law):
    """A law with a name of its own."""

    name = "quadratic"
    summary = "I = G V + k V |V|"
    options = (Option("k", "how fast the slope grows", 1e-4, "S/V", least=0.0),)

    def __init__(self, k=1e-4):
        super().__init__(quadratic, k=k)


@pytest.fixture
def registered():
    devices.register(Quadratic)
    yield Quadratic
    del registry._registered["quadratic"]


def test_a_registered_law_is_a_model_like_the_others(registered, capsys):
    assert devices.model("quadratic") is Quadratic
    assert repr(Quadratic.from_options(k=3e-4)) == "Law(quadratic, k=0.0003)"
    assert devices.register(Quadratic) is Quadratic, "a cell of a notebook may run twice"
    np.testing.assert_array_equal(sample("quadratic").current(G, 0.4), Law(quadratic, k=1e-4).current(G, 0.4))
    done = call(capsys, "margin", "--sizes", "2", "--schemes", "half", "--device", "quadratic", "--k", "2m")
    assert (done.code, done.err) == (0, "")
    assert "Law(quadratic, k=0.002) cells" in done.out
    assert "quadratic: how fast the slope grows (100 uS/V)" in " ".join(call(capsys, "margin", "--help").out.split())


def test_what_is_no_model_is_not_registered():
    class Unnamed(Law):
        name = "sinh"

    for candidate, message in (
        (Unnamed, "'Unnamed' has the name of a model of xbarsim's own, 'sinh'"),
        (quadratic, "'quadratic' is no subclass of xbarsim.devices.Device"),
        (Device, "has the name None"),
    ):
        with pytest.raises(InputError, match=message):
            devices.register(candidate)


PACKAGE = """
    from math import exp

    from xbarsim.devices import Law, Option

    def exponential(v, g, v0):
        e = exp(abs(v) / v0)
        return (g * v0 * (e - 1.0) if v >= 0.0 else -g * v0 * (e - 1.0)), g * e

    class Exponential(Law):
        name = "exponential"
        summary = "I = G v0 (exp(|V| / v0) - 1)"
        options = (Option("v0", "volts an e-fold", 0.5, "V", above=0.0),)

        def __init__(self, v0=0.5):
            super().__init__(exponential, v0=v0)

    class Sinh(Exponential):
        name = "sinh"
"""
ENTRIES = """
    [xbarsim.devices]
    exponential = cells_of_mine:Exponential
    sinh = cells_of_mine:Sinh
    other = cells_of_mine:Exponential
    number = math:pi
    gone = cells_of_nobody:Device
"""


@pytest.fixture
def installed(tmp_path):
    """Install a package, as pip does: its module and a folder of metadata on the path."""
    (tmp_path / "cells_of_mine.py").write_text(textwrap.dedent(PACKAGE))
    meta = tmp_path / "cells_of_mine-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: cells-of-mine\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(textwrap.dedent(ENTRIES))
    return environment(PYTHONPATH=f"{tmp_path}:{ROOT}")


def python(code, env):
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_package_adds_models_and_its_mistakes_are_told_once(installed):
    code = (
        "import warnings, xbarsim.devices as d\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always'); d.models(); print(list(d.models()))\n"
        "print(*[w.message for w in told], sep='\\n')\n"
        "print(d.models()['exponential'].from_options(v0=0.3).current([[1e-3]], 0.2)[0, 0])\n"
        "for name in ('gone', 'other'):\n"
        "    try: d.model(name)\n"
        "    except d.base.InputError as error: print('refused:', error)\n"
    )
    done = python(code, installed)
    assert done.returncode == 0, done.stderr
    names, *told, current, refused, other = done.stdout.splitlines()
    assert names == str([*NAMES, "exponential"])
    assert len(told) == 4
    place = "of the group xbarsim.devices, package cells-of-mine,"
    expected = (
        f"entry point sinh = cells_of_mine:Sinh {place} has the name of a model of xbarsim's own, 'sinh'",
        f"entry point other = cells_of_mine:Exponential {place} has the name 'exponential'",
        f"entry point number = math:pi {place} is no subclass of xbarsim.devices.Device",
        f"entry point gone = cells_of_nobody:Device {place} cannot be loaded: ModuleNotFoundError",
    )
    for line, start in zip(sorted(told), sorted(expected), strict=True):
        assert line.startswith(start)
        assert line.endswith(": it is left out")
    np.testing.assert_allclose(float(current), 1e-3 * 0.3 * np.expm1(0.2 / 0.3), rtol=1e-14)
    assert refused.startswith("refused: entry point gone")
    assert other.startswith("refused: entry point other")


@pytest.mark.slow
def test_a_package_s_model_in_margin_and_nn(installed):
    pytest.importorskip("torch")
    code = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "from xbarsim.cli import main\n"
        "from xbarsim.nn import Hardware, Law\n"
        "hardware = Hardware.from_dict(Hardware(law=Law('exponential', v0=0.4)).to_dict())\n"
        "print(hardware.law.device())\n"
        "main(['margin', '--sizes', '2', '--schemes', 'half', '--device', 'exponential', '--v0', '300m'])\n"
    )
    done = python(code, installed)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Law(exponential, v0=0.4)\n")
    assert "Law(exponential, v0=0.3) cells" in done.stdout


@pytest.mark.parametrize("name", [*(name for name in SAMPLED if name not in ("linear", "law")), "quadratic"])
def test_a_network_on_every_model_is_its_tiles_solved(registered, curve, name):
    """Each array's currents by ``solve`` on a crossbar that is built here, device and all."""
    torch = pytest.importorskip("torch")
    from nn_tools import hardware, made, numbers
    from torch import nn

    from xbarsim.nn import Law as CellLaw
    from xbarsim.nn import convert

    settings = {"table": {"curve": str(curve)}, "transistor": {"gate": 1.2, "lam": 0.05}, "yakopcic": {"a2": 3e-5}}
    law = CellLaw(name, options=settings.get(name, {}))
    curve.unlink()
    by_hand = {
        "sinh": Sinh(0.25),
        "selector": devices.Selector(1e-8, 0.25),
        "transistor": devices.Transistor(1.2, 2e-4, 0.5, 0.05),
        "yakopcic": devices.Yakopcic(1e-4, 3e-5, 3.0),
        "table": devices.Table([-0.6, -0.2, 0.2, 0.6], [-3e-4, -4e-5, 5e-5, 2e-4]),
        "quadratic": Law(quadratic, k=1e-4),
    }
    built = by_hand.get(name, law.device())
    hw = hardware(law=law)
    network = convert(made(nn.Linear, 9, 4), hw).program(0).eval()
    layer, x = network.layers["model"], numbers(3, 9)
    volts = layer.encode(x).numpy()
    for tile in layer.tiles:
        wires = {"word_wire": hw.wires.word, "bit_wire": hw.wires.bit}
        ends = {"driver": hw.wires.driver, "sense": hw.wires.sense}
        bare = Crossbar(tile.crossbar.conductance, **wires, **ends, device=built)
        direct = solve(bare, np.ascontiguousarray(volts[:, tile.rows])).currents
        np.testing.assert_array_equal(solve(tile.crossbar, np.ascontiguousarray(volts[:, tile.rows])).currents, direct)
    with torch.no_grad():
        y = network(x)
    assert torch.isfinite(y).all()
    weight, at = layer.weight, (0, 2)
    network.train()(x).sum().backward()
    sums = []
    for step in (1e-4, -1e-4):
        with torch.no_grad():
            weight[at] += step
            sums.append(float(network(x).sum()))
            weight[at] -= step
    rounding = 4.0 * np.finfo(float).eps * abs(sums[0]) / 2e-4
    assert (sums[0] - sums[1]) / 2e-4 == pytest.approx(float(weight.grad[at]), rel=1e-4, abs=rounding)
    assert hw == type(hw).from_dict(hw.to_dict()), "the curve's file is gone, and not needed"


def test_a_network_s_law_refuses_what_is_no_setting(tmp_path):
    pytest.importorskip("torch")
    from xbarsim.nn import Law as CellLaw

    for options, message in (
        (("memristor",), "Law.kind is 'memristor': it must be one of linear, sinh, selector, transistor, yakopcic"),
        (("law",), "Law.options: a Python function is no setting that a file holds: give the law a name"),
        (("table",), "Law.options: the model table needs curve"),
        (("sinh", -0.1), "Law.v0 is -0.1: it must be above 0 and finite"),
        (("sinh", "x"), "Law.v0 is 'x': it must be a number"),
        (
            ("yakopcic", 0.25, 1e-8, {"c": 1.0}),
            "Law.options: the model yakopcic has no option 'c': it has a1, a2, b",
        ),
        (("yakopcic", 0.25, 1e-8, {"b": 0.0}), "Law.b is 0: it must be above 0"),
        (("yakopcic", 0.25, 1e-8, {"vp": 0.2}), "Law.options has vp, which says how a state moves: a network's cells"),
        (("sinh", 0.25, 1e-8, {"v0": 0.3}), "Law.options has v0: give it as Law.v0"),
        (("sinh", 0.25, 1e-8, 3), "Law.options is 3: give the model's options by name"),
        (("table", 0.25, 1e-8, {"curve": str(tmp_path / "gone.csv")}), "gone.csv: there is no such file"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            CellLaw(*options)


@pytest.mark.slow
def test_the_docs_session():
    try:
        found = doctest.testfile(str(ROOT / "docs" / "devices.md"), module_relative=False)
    finally:
        registry._registered.clear()
    assert found.attempted >= 5
    assert not found.failed


def test_a_function_in_a_file_that_is_not_there():
    with pytest.raises(InputError, match=r"nowhere\.py: function: there is no such file"):
        function_of("nowhere.py:law")
