"""Cell models of others: registered from Python, or found in an installed package."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from cli_tools import ROOT, call, environment
from newton_tools import quadratic
from registered_law import Quadratic, registered_law

from xbarsim import Law, devices
from xbarsim.devices import Device, models
from xbarsim.errors import InputError

OURS = list(models())
G = np.array([[1e-4, 3e-4, 0.0], [2e-5, 1e-3, 7e-4]])
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
def registered():
    with registered_law() as law:
        yield law


def test_a_registered_law_is_a_model_like_the_others(registered, capsys):
    assert devices.model("quadratic") is Quadratic
    assert repr(Quadratic.from_options(k=3e-4)) == "Law(quadratic, k=0.0003)"
    assert devices.register(Quadratic) is Quadratic, "a cell of a notebook may run twice"
    np.testing.assert_array_equal(
        Quadratic.sample(np.random.default_rng(4), G.shape).current(G, 0.4), Law(quadratic, k=1e-4).current(G, 0.4)
    )
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
    assert names == str([*OURS, "exponential"])
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
