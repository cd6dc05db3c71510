"""Models that are none of a cell, and parameters that a model does not take, are refused in a line that says why."""

import _ctypes
import shutil

import numpy as np
import pytest
from cli_tools import assert_refused, call
from veriloga_tools import CELLS, STATES, module_text, needs_openvaf, written

from xbarsim import Crossbar, solve
from xbarsim.devices import DynamicVerilogA, VerilogA
from xbarsim.errors import InputError
from xbarsim.veriloga import va_compiler

OHMIC = "I(p, n) <+ g * V(p, n)"
STATE = "electrical x; analog begin I(p, n) <+ g * V(x) * V(p, n); {}; end"
BOTH = "electrical x, y; analog begin I(p, n) <+ g * V(x) * V(y); I(x) <+ ddt(V(x)); I(y) <+ ddt(V(y)); end"
KEPT = "real y; analog begin @(initial_step) y = 0.5; y = y + V(p, n); I(p, n) <+ g * y * V(p, n); end"

MODELS = {
    "three terminals": ("analog I(p, n) <+ g * V(p, b);", r"3 terminals \(p, n, b\)"),
    "two states": (BOTH, r"2 unknowns inside \(x, y\)"),
    "a current that is read": (
        STATE.format("I(x) <+ ddt(V(x)) - I(p, n)"),
        r"flow\(p,n\) is a current that the source reads: read a variable",
    ),
    "a node by itself": (STATE.format("I(x) <+ V(x) - V(p, n)"), r"inner node x without a ddt\(\)"),
    "a voltage source": ("analog V(p, n) <+ I(p, n) / g;", r"inner node flow\(p,n\) without a ddt\(\)"),
    "a capacitor": (f"analog {OHMIC} + 1e-15 * ddt(V(p, n));", "a charge at its terminals"),
    "a charge of both": (STATE.format("I(x) <+ ddt(V(x) * V(p, n))"), r"ddt\(\) depends on the cell's voltage"),
    "a charge of no state": (STATE.format("I(x) <+ V(p, n) + ddt(0 * V(x))"), r"ddt\(\)"),
    "a current to ground": ("analog I(p) <+ g * V(p, n);", "gives -?0 A at its second"),
    "voltages to ground": ("analog I(p, n) <+ g * (V(p) * V(p) - V(n));", "both terminals are 0.25 V higher"),
    "a state in a variable": (KEPT, r"reads y before it has a value .*#65 and #157.*make the state a node"),
    "a time": (f"analog {OHMIC} * $abstime;", r"asks for \$abstime"),
    "an unknown word": ("analog I(p, n) <+ siemens * V(p, n);", r"cells\.va:5: 'siemens' was not found"),
    "no file to include": ('`include "gone.vams"', r"cells\.va:5: failed to read 'gone\.vams'"),
    "an event": ("analog @(cross(V(p, n))) ;", r"cells\.va:5: unexpected token"),
    "a word of the simulator": (f'analog {OHMIC} * $simparam("phase");', "gave up at 0 V.*phase"),
    "a model that gives up": (f'analog begin if (g > 0) $fatal(0, "no"); {OHMIC}; end', "gave up.*no"),
    "a state": (STATE.format("I(x) <+ ddt(V(x)) - V(p, n)"), r"has a state, the node x: .*DynamicVerilogA\("),
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return written(tmp_path_factory.mktemp("cells"), CELLS)


@needs_openvaf
@pytest.mark.parametrize(("body", "reason"), MODELS.values(), ids=MODELS)
def test_models_that_are_no_cell_are_refused(tmp_path, body, reason):
    path = written(tmp_path, module_text(body, "p, n, b" if "V(p, b)" in body else "p, n"))
    with pytest.raises(InputError, match=f"^[^\n]*{reason}[^\n]*$"):
        VerilogA(path)


@needs_openvaf
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (module_text("analog I(p, n) <+ s * V(p, n);").replace(" g ", " s "), "no parameter 'g': say which takes"),
        ("\n", "has no module"),
        ("I = G V\n", r"cells\.va:1: "),
    ],
)
def test_texts_that_say_no_cell_are_refused(tmp_path, text, reason):
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=f"^[^\n]*{reason}[^\n]*$"):
        VerilogA(path)


@needs_openvaf
@pytest.mark.parametrize(
    ("module", "options", "reason"),
    [
        ("hopping", {"v1": 0.2}, "no parameter 'v1': did you mean v0"),
        ("hopping", {"unheard_of": 0.2}, r"no parameter 'unheard_of': it has \$mfactor, g, v0"),
        ("hopping", {"v0": 0.0}, r"v0 is 0: the model says from \(0:inf\)"),
        ("hopping", {"v0": np.array([[0.2, -0.1]])}, r"v0 is -0\.1: the model says from \(0:inf\)"),
        ("hopping", {"v0": np.nan}, "v0 is nan"),
        ("hopping", {"v0": np.array([[0.2, np.nan]])}, "v0"),
        ("hopping", {"v0": "wide"}, "v0 is 'wide': the model takes a number"),
        ("hopping", {"g": 1e-3}, "g takes each cell's conductance"),
        ("hopping", {"siemens": "g", "ohms": "v0"}, "siemens is 'g' and ohms is 'v0'"),
        ("hopping", {"siemens": "h"}, "no parameter 'h'"),
        ("hopping", {"kelvin": 0.0}, "kelvin is 0"),
        ("junction", {"sides": 1.5}, "sides is 1.5: the model takes a whole number"),
        ("junction", {"sides": 3}, r"sides is 3: the model says from \[1:2\]"),
        ("junction", {"sides": np.array([[1.0, 2.0]])}, "only real parameters can differ"),
        ("junction", {"form": 1.0}, "form is 1.0: the model takes a text"),
        ("ohm", {"ohms": "r", "resistance": 10.0}, "resistance takes each cell's conductance"),
        ("ohm", {"ohms": "g"}, "no parameter 'g'"),
        ("series", {"contact": 10.0}, r"inner node middle without a ddt\(\)"),
        ("hoping", {}, "has no module 'hoping': it has ohm, hopping"),
        ("", {}, "has the modules ohm, hopping, junction, series, limited: say which"),
    ],
)
def test_parameters_that_a_model_does_not_take_are_refused(cells, module, options, reason):
    with pytest.raises(InputError, match=f"^[^\n]*{reason}[^\n]*$"):
        VerilogA(cells, module, **options)


@pytest.mark.slow
@needs_openvaf
def test_conductances_out_of_the_models_range_are_refused(tmp_path):
    text = module_text("analog I(p, n) <+ g * V(p, n);").replace("1e-3;", "1e-3 from [1e-6:1e-3];")
    device = VerilogA(written(tmp_path, text))
    with pytest.raises(InputError, match=r"g is 0\.002: the model says from \[1e-6:1e-3\]"):
        solve(Crossbar([[1e-4, 2e-3]], device=device), [0.1])
    many = VerilogA(written(tmp_path, CELLS, "more.va"), "hopping", v0=np.full((3, 3), 0.2))
    with pytest.raises(InputError, match=r"device\.v0"):
        solve(Crossbar([[1e-4, 2e-4]], device=many), [0.1])


@needs_openvaf
def test_a_current_without_voltage_is_refused(tmp_path):
    device = VerilogA(written(tmp_path, module_text("analog I(p, n) <+ g * (V(p, n) + 0.1);")))
    with pytest.raises(InputError, match=r"cell \[0, 0\] a current of 0\.0001 A at 0 V"):
        solve(Crossbar([[1e-3]], device=device), [0.1])


@needs_openvaf
def test_nodes_that_a_cells_own_parameter_joins_are_refused(tmp_path):
    body = (
        "parameter real contact = 0; electrical m; analog begin if (contact > 0) I(p, m) <+ V(p, m) / contact; "
        "else V(p, m) <+ 0; I(m, n) <+ g * V(m, n); end"
    )
    with pytest.raises(InputError, match="joins other nodes where contact 10"):
        VerilogA(written(tmp_path, module_text(body)), contact=np.array([[0.0, 10.0]]))


@pytest.mark.slow
@needs_openvaf
def test_states_and_their_bounds_are_checked(tmp_path):
    path = written(tmp_path, STATES)
    with pytest.raises(InputError, match="has no state, no inner node"):
        DynamicVerilogA(written(tmp_path, CELLS, "static.va"), "hopping", low=0.0, high=1.0)
    with pytest.raises(InputError, match="low"):
        DynamicVerilogA(path, "plain", low=1.0, high=1.0)
    device = DynamicVerilogA(path, "plain", low=0.1, high=1.0)
    with pytest.raises(InputError, match=r"conductance\[0, 1\] is 0\.001 S: .* has 1\.1e-05 to 0\.00011 S here"):
        solve(Crossbar([[1e-4, 1e-3]], device=device), [0.1])
    with pytest.raises(InputError, match=r"state is 1\.5"):
        device.conductance(1.5)
    with pytest.raises(InputError, match="cannot be written as a netlist"):
        device.subcircuit_in_time()


@needs_openvaf
def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"gone\.va: there is no such file"):
        VerilogA(tmp_path / "gone.va")
    with pytest.raises(InputError, match=r"text\.osdi is no library of compiled Verilog-A for this machine"):
        VerilogA(written(tmp_path, "text", "text.osdi"))
    other = shutil.copy(_ctypes.__file__, tmp_path / "other.osdi")
    with pytest.raises(InputError, match=r"other\.osdi is no library of compiled Verilog-A .*OSDI_VERSION_MAJOR"):
        VerilogA(other)


def test_a_missing_compiler_is_said_with_the_way_to_get_it(monkeypatch, capsys, tmp_path):
    path = written(tmp_path, CELLS)
    monkeypatch.setattr(va_compiler, "compiler", lambda: None)
    with pytest.raises(InputError, match=r"cells\.va: no compiler of Verilog-A: .*pip install 'xbarsim\[vacask\]'"):
        VerilogA(path)
    command = ("margin", "--sizes", "2", "--device", "verilog_a")
    assert_refused(call(capsys, *command, "--source", path), 2, "pip install 'xbarsim[vacask]'")
    assert_refused(call(capsys, *command), 2, "--device verilog_a needs --source FILE.va")


def test_a_compiler_that_crashes_or_hangs_is_said(monkeypatch, tmp_path):
    path = written(tmp_path, CELLS)
    program = tmp_path / "openvaf-r"
    program.write_text("#!/bin/sh\necho 'OpenVAF encountered a problem and has crashed!' >&2\nexit 101\n")
    program.chmod(0o755)
    monkeypatch.setattr(va_compiler, "compiler", lambda: program)
    with pytest.raises(InputError, match="the compiler failed: OpenVAF encountered a problem"):
        VerilogA(path)
    program.write_text("#!/bin/sh\nexec sleep 20\n")
    monkeypatch.setattr(va_compiler, "_TIMEOUT", 0.2)
    with pytest.raises(InputError, match=r"did not end in 0\.2 s"):
        VerilogA(path)
    program.write_text("no program")
    with pytest.raises(InputError, match="does not run"):
        VerilogA(path)
