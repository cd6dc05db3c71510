"""ngspice through its program and through PySpice: the same numbers, and never another circuit's."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from netlist_tools import needs_ngspice, needs_pyspice

from xbarsim import spice
from xbarsim.analysis.rawfile import read_raw
from xbarsim.errors import InputError, SpiceError, SpiceMissingError
from xbarsim.spice import child, klu, process, shared

GOOD = "good\nv1 a 0 1\nr1 a b 1k\nr2 b 0 3k\n.op\n.end\n"
UNPARSED = "bad\nv1 a 0 1\nx1 a 0 nosuch\n.op\n.end\n"
UNSOLVABLE = "loop\nv1 a 0 1\nv2 a 0 2\nr1 a 0 1\n.op\n.end\n"
SWEPT = "sweep\nv1 w[0] 0 1\nr1 w[0] 0_1 1k\nb1 0_1 0 i=1e-3*sinh(v(0_1)/0.25)\n.dc v1 -1 1 0.5\n.op\n.end\n"


PROCESS = pytest.param("process", marks=[pytest.mark.ngspice, needs_ngspice])
PYSPICE = pytest.param("pyspice", marks=[pytest.mark.ngspice, needs_pyspice])
both = pytest.mark.parametrize("engine", [PROCESS, PYSPICE])


@both
def test_a_divider(engine):
    result = spice.run(GOOD, engine)
    (plot,) = result.plots
    assert plot.kind == "op"
    assert plot.node_voltages == pytest.approx({"a": 1.0, "b": 0.75}, rel=1e-12)
    assert plot.source_currents == pytest.approx({"v1": -0.25e-3}, rel=1e-12)
    assert result.version.startswith("ngspice-")
    assert result.engine == engine
    assert result.seconds > 0
    assert not result.warnings


@needs_ngspice
@needs_pyspice
@pytest.mark.ngspice
@pytest.mark.parametrize("text", [GOOD, SWEPT])
def test_both_engines_give_the_same_numbers_to_the_last_bit(text):
    one, other = spice.run(text, "process"), spice.run(text, "pyspice")
    assert [plot.kind for plot in one.plots] == [plot.kind for plot in other.plots]
    for a, b in zip(one.plots, other.plots, strict=True):
        assert a.values.keys() == b.values.keys()
        assert a.names[:1] == b.names[:1] or a.kind == "op", "a sweep's variable comes first"
        for name, values in a.values.items():
            np.testing.assert_array_equal(values, b.values[name])


@pytest.mark.slow
@both
@pytest.mark.parametrize("text", [UNPARSED, UNSOLVABLE, "nothing asked\nr1 a 0 1\n.end\n"])
def test_a_circuit_that_fails_after_a_good_one_is_no_answer(engine, text):
    spice.run(GOOD, engine)
    with pytest.raises(SpiceError, match="ngspice"):
        spice.run(text, engine)
    assert spice.run(GOOD, engine).plots[0].node_voltages["b"] == pytest.approx(0.75)


@both
def test_includes_are_looked_for_beside_the_netlist(engine, tmp_path):
    (tmp_path / "parts.inc").write_text("r2 b 0 1k\n")
    (tmp_path / ".spiceinit").write_text("this is no command\n")
    path = tmp_path / "with_include.cir"
    path.write_text("title\nv1 a 0 1\nr1 a b 1k\n.include parts.inc\n.op\n.end\n")
    result = spice.run(path, engine)
    assert result.plots[0].node_voltages["b"] == pytest.approx(0.5)
    assert not result.warnings
    assert sorted(p.name for p in tmp_path.iterdir()) == [".spiceinit", "parts.inc", "with_include.cir"]


@both
def test_a_title_and_the_environment_change_nothing(engine, monkeypatch):
    monkeypatch.setenv("SPICE_ASCIIRAWFILE", "1")
    result = spice.run(GOOD.replace("good", "Error: warning, there is no circuit", 1), engine)
    assert result.plots[0].node_voltages["b"] == pytest.approx(0.75)
    assert not result.warnings


@both
def test_what_takes_too_long_is_ended(engine):
    endless = "long\nv1 a 0 sin(0 1 1meg)\nr1 a b 1\nc1 b 0 1u\n.tran 1n 10\n.end\n"
    spice.version(engine)
    with pytest.raises(SpiceError, match="gave no answer in 1 s"):
        spice.run(endless, engine, timeout=1)


@pytest.mark.ngspice
@needs_ngspice
def test_ngspices_troubles_that_it_overcame_are_warnings():
    text = "title\nv1 a 0 1\nr1 a b 1\nb1 b 0 i=1e300*exp(v(b)*1000)\n.op\n.end\n"
    assert any("gmin" in line for line in spice.run(text).warnings)


def fake_ngspice(folder, script: str):
    program = folder / "ngspice"
    start = f"#!{sys.executable}\nimport os, sys\nif '--version' in sys.argv: print('** ngspice-0'); sys.exit()\n"
    program.write_text(f"{start}raw = sys.argv[sys.argv.index('-r') + 1]\n{script}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.skipif(os.name != "posix", reason="scripts as programs")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("os.kill(os.getpid(), 11)", "crashed with SIGSEGV"),
        ("os.abort()", "crashed with SIGABRT"),
        ("sys.exit(7)", "exit code 7"),
        ("pass", "gave no numbers"),
        ("open(raw, 'wb').write(b'')", "gave no numbers"),
        ("print('Error: circuit not parsed.'); open(raw, 'wb').write(DATA)", "circuit not parsed"),
        ("print('doAnalyses: aborted\\nrun simulation(s) aborted', file=sys.stderr); open(raw, 'wb').write(DATA)",
         "aborted"),
        ("open(raw, 'wb').write(DATA[:-1])", "not understood"),
        ("open(raw, 'wb').write(DATA.replace(b'real', b'complex'))", "not real"),
        ("open(raw, 'wb').write(b'nonsense')", "not understood"),
    ],
)  # fmt: skip
def test_a_program_that_fails_is_an_error(tmp_path, monkeypatch, script, words):
    monkeypatch.setenv("PATH", fake_ngspice(tmp_path, f"DATA = {raw_bytes()!r}\n{script}"))
    with pytest.raises(SpiceError, match=words) as caught:
        spice.run(GOOD)
    assert "\n" not in str(caught.value)


def raw_bytes(title: str = "good", points: int = 1) -> bytes:
    head = f"Title: {title}\nDate: d\nPlotname: Operating Point\nFlags: real\nNo. Variables: 2\nNo. Points: {points}\n"
    return head.encode() + b"Variables:\n\t0\tv(a)\tvoltage\n\t1\ti(v1)\tcurrent\nBinary:\n" + bytes(16 * points)


def test_an_answer_for_another_circuit_is_none(tmp_path):
    raw = tmp_path / "out.raw"
    raw.write_bytes(raw_bytes("another"))
    with pytest.raises(SpiceError, match="answered for 'another'"):
        child.answer("ngspice", 0, "", raw, "mine")
    raw.write_bytes(raw_bytes("mine", points=0))
    with pytest.raises(SpiceError, match="no numbers"):
        child.answer("ngspice", 0, "", raw, "mine")
    raw.write_bytes(raw_bytes("mine") + raw_bytes("MINE"))
    assert len(child.answer("ngspice", 0, "", raw, "mine").plots) == 2


def test_a_child_of_pyspice_that_crashes_is_an_error(tmp_path, monkeypatch):
    crash = tmp_path / "crash.py"
    crash.write_text("import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setattr(shared, "_CHILD", crash)
    monkeypatch.setattr(shared.importlib.util, "find_spec", lambda name: object())
    with pytest.raises(SpiceError, match="crashed with SIGSEGV"):
        spice.run(GOOD, "pyspice")
    crash.write_text(f"raise SystemExit({shared.NO_LIBRARY})\n")
    with pytest.raises(SpiceMissingError, match="libngspice0"):
        spice.run(GOOD, "pyspice")


def test_what_is_not_installed_is_said_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpiceMissingError) as caught:
        spice.run(GOOD)
    assert str(caught.value) == process.MISSING
    monkeypatch.setitem(sys.modules, "PySpice", None)
    monkeypatch.setattr(shared.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SpiceMissingError, match=r"pip install 'xbarsim\[spice\]'"):
        spice.run(GOOD, "pyspice")
    with pytest.raises(SpiceMissingError, match="node is not installed"):
        spice.run(GOOD, "klu")


def test_klu_says_what_it_needs(monkeypatch, tmp_path):
    node = tmp_path / "node"
    node.write_text("")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(klu.FOLDER, raising=False)
    with pytest.raises(SpiceMissingError, match=f"{klu.FOLDER} is not set"):
        spice.run(GOOD, "klu")
    monkeypatch.setenv(klu.FOLDER, str(tmp_path))
    with pytest.raises(SpiceMissingError, match="npm install eecircuit-engine"):
        spice.run(GOOD, "klu")


def klu_there() -> bool:
    try:
        klu.package()
    except SpiceMissingError:
        return False
    return True


@pytest.mark.skipif(not klu_there(), reason=f"{klu.FOLDER} names no folder with eecircuit-engine")
@pytest.mark.ngspice
def test_klu_gives_the_same_numbers():
    (plot,) = spice.run(GOOD, "klu", timeout=60).plots
    assert plot.node_voltages == pytest.approx({"a": 1.0, "b": 0.75}, rel=1e-12)
    with pytest.raises(SpiceError, match="one analysis"):
        spice.run(SWEPT, "klu")
    with pytest.raises(SpiceError, match="include"):
        spice.run(GOOD.replace(".op", ".include x\n.op"), "klu")
    with pytest.raises(SpiceError):
        spice.run(UNPARSED, "klu", timeout=60)


def test_wrong_arguments(tmp_path):
    with pytest.raises(InputError, match="engine is 'hspice'"):
        spice.run(GOOD, "hspice")
    with pytest.raises(InputError, match=r"none\.cir"):
        spice.run(tmp_path / "none.cir")


@pytest.mark.parametrize("cut", [1, 9, 40, 150])
def test_a_raw_file_that_is_cut_short_is_no_raw_file(cut):
    data = raw_bytes()
    assert read_raw(data)[0].values.keys() == {"v(a)", "i(v1)"}
    with pytest.raises(ValueError, match=r"byte|promised|real"):
        read_raw(data[:-cut])


def test_an_empty_netlist_is_named():
    with pytest.raises(InputError, match="netlist is empty"):
        spice.run("")
