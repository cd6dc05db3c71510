"""The table of cell models: what each says of itself is so, and margin, nn, validate and the docs have all of them."""

import doctest
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim import Crossbar, Law, Sinh, devices, netlist, solve
from xbarsim.analysis.runs import from_netlist
from xbarsim.devices import models, registry
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
