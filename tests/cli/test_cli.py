"""The command line's answers: what is printed where, in which form, and that it is the circuit's truth."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from cli_tools import EXAMPLE, arrays, assert_refused, call

import xbarsim
from xbarsim.netlist import read

WIRED = ("--word-wire", "1.5", "--bit-wire", "0.7", "--driver", "11", "--sense", "13")

SMALL = """A Title, with Capitals
VIN1 IN1 0 0.3
VIN2 0 IN2 0.2
RD1 IN1 W1 10
RD2 IN2 W2 20
RC11 W1 B1 1k
RC12 W1 B2 5k
RC21 W2 B1 20k
RC22 W2 B2 2k
VOUT1 B1 0 0
VOUT2 0 B2 0
.op
"""


@pytest.fixture
def netlist(tmp_path):
    path = tmp_path / "small.sp"
    path.write_text(SMALL)
    return path


def test_json_has_the_contracts_keys_and_no_others(capsys, netlist):
    answer = call(capsys, "solve", "--netlist", netlist, "--format", "json")
    assert (answer.code, answer.err) == (0, "")
    record = json.loads(answer.out)
    assert set(record) == {"title", "recognised", "reason", "rows", "cols", "analyses", "seconds"}
    assert record["title"] == "A Title, with Capitals"
    assert (record["recognised"], record["reason"], record["rows"], record["cols"]) == ("crossbar", None, 2, 2)
    (analysis,) = record["analyses"]
    assert set(analysis) == {"kind", "node_voltages", "source_currents", "power", "residual"}
    assert analysis["kind"] == "op"
    assert set(analysis["node_voltages"]) == {"in1", "in2", "w1", "w2", "b1", "b2"}, "lower case, no ground"
    assert set(analysis["source_currents"]) == {"vin1", "vin2", "vout1", "vout2"}
    assert set(record["seconds"]) == {"read", "solve", "total"}
    assert all(isinstance(value, float) and value >= 0 for value in record["seconds"].values())


def test_numbers_and_signs_are_those_of_spice(capsys, netlist):
    """A driving source's current is negative, one into a sense source's + terminal positive, turned ones opposite."""
    (analysis,) = json.loads(call(capsys, "solve", "--netlist", netlist, "--format", "json").out)["analyses"]
    g = np.array([[1e-3, 2e-4], [5e-5, 5e-4]])
    rows = np.array([0.3, -0.2]) / (1 + np.array([10, 20]) * g.sum(axis=1))  # columns are at 0 V
    volts, amperes = analysis["node_voltages"], analysis["source_currents"]
    assert [volts["in1"], volts["in2"], volts["b1"], volts["b2"]] == [0.3, -0.2, 0.0, 0.0]
    np.testing.assert_allclose([volts["w1"], volts["w2"]], rows, rtol=1e-14)
    into = rows @ g
    np.testing.assert_allclose([amperes["vout1"], amperes["vout2"]], [into[0], -into[1]], rtol=1e-13)
    drawn = rows * g.sum(axis=1)
    np.testing.assert_allclose([amperes["vin1"], amperes["vin2"]], [-drawn[0], drawn[1]], rtol=1e-13)
    np.testing.assert_allclose(analysis["power"], np.array([0.3, -0.2]) @ drawn, rtol=1e-13)
    assert analysis["residual"] < 1e-13


def test_table_shows_what_quiet_and_json_say(capsys, netlist):
    table = call(capsys, "solve", "--netlist", netlist)
    quiet = call(capsys, "solve", "--netlist", netlist, "--quiet")
    assert (table.code, quiet.code, quiet.all_err) == (0, 0, "")
    assert table.out.startswith("A Title, with Capitals\n2 x 2 crossbar, 6 nodes, 10 elements\n")
    lines = [line.split() for line in quiet.out.splitlines()]
    assert [name for name, _ in lines] == ["vout1", "vout2"], "one line a column, name and current"
    for name, value in lines:
        row = re.search(rf"^{name} +(\S+) +(\S+) +(\S+)%$", table.out, re.M)
        assert row, table.out
        current, ideal, loss = map(float, row.groups())
        assert abs(current - float(value)) <= 1e-8 * abs(current)
        assert abs(loss - 100 * (1 - current / ideal)) <= 0.006
    last = table.out.strip().splitlines()
    assert re.fullmatch(r"time +read \d+\.\d+ s, solve \d+\.\d+ s, total \d+\.\d+ s", last[-1])


def test_notes_go_to_stderr_and_quiet_holds_them_back(capsys, netlist):
    netlist.write_text(SMALL + ".options reltol=1e-3\n.print op v(w1)\n")
    answer = call(capsys, "solve", "--netlist", netlist, "--format", "json")
    assert answer.code == 0
    assert [line[:6] for line in answer.err.splitlines()] == ["note: "]
    json.loads(answer.out)
    assert call(capsys, "solve", "--netlist", netlist, "--quiet").all_err == ""


def test_matrices_give_the_librarys_numbers(capsys, tmp_path):
    circuit = arrays(tmp_path)
    answer = call(capsys, "solve", *circuit, *WIRED, "--format", "json")
    (analysis,) = json.loads(answer.out)["analyses"]
    g, v = np.load(tmp_path / "g.npy"), np.load(tmp_path / "v.npy")
    crossbar = xbarsim.Crossbar(g, word_wire=1.5, bit_wire=0.7, driver=11, sense=13)
    truth = xbarsim.solve(crossbar, v, method="reference")
    ours = np.array([analysis["source_currents"][f"vbb{j}"] for j in range(4)])
    np.testing.assert_allclose(ours, truth.currents, rtol=1e-12)
    words = [[analysis["node_voltages"][f"w_{i}_{j}"] for j in range(4)] for i in range(3)]
    np.testing.assert_allclose(words, truth.word_voltages, rtol=1e-12)
    np.testing.assert_allclose(analysis["power"], truth.power, rtol=1e-12)


@pytest.mark.parametrize("method", ["auto", "schur", "kron", "reference"])
@pytest.mark.parametrize("suffix", ["npy", "csv"])
def test_every_option_takes_a_file_and_every_method_agrees(capsys, tmp_path, method, suffix):
    """An option that is read but not passed on, or a transposed file, changes these currents."""
    arrays(tmp_path)
    names = {"conductance": "g", "voltages": "v", "word-wire": "word", "bit-wire": "bit", "driver": 0, "sense": 0}
    options = [w for key, stem in names.items() for w in (f"--{key}", tmp_path / f"{stem or key}.{suffix}")]
    answer = call(capsys, "solve", *options, "--method", method, "--quiet")
    assert answer.code == 0, answer.err
    ours = [float(line.split()[1]) for line in answer.out.splitlines()]
    ohms = {name: np.load(tmp_path / f"{name}.npy") for name in ("word", "bit", "driver", "sense")}
    crossbar = xbarsim.Crossbar(
        np.load(tmp_path / "g.npy"), word_wire=ohms["word"], bit_wire=ohms["bit"],
        driver=ohms["driver"], sense=ohms["sense"],
    )  # fmt: skip
    truth = xbarsim.solve(crossbar, np.load(tmp_path / "v.npy"), method="reference").currents
    np.testing.assert_allclose(ours, truth, rtol=1e-12)


def test_a_batch_is_an_analysis_for_each_vector(capsys, tmp_path):
    circuit = arrays(tmp_path)
    circuit[-1] = str(tmp_path / "batch.npy")
    record = json.loads(call(capsys, "solve", *circuit, *WIRED, "--format", "json").out)
    batch = np.load(tmp_path / "batch.npy")
    for vector, analysis in zip(batch, record["analyses"], strict=True):
        np.save(tmp_path / "one.npy", vector)
        alone = call(capsys, "solve", *circuit[:-1], tmp_path / "one.npy", *WIRED, "--format", "json")
        (single,) = json.loads(alone.out)["analyses"]
        assert analysis["source_currents"] == pytest.approx(single["source_currents"], rel=1e-12)
    table = call(capsys, "solve", *circuit, *WIRED).out
    assert "vector 0" in table
    assert "vector 1" in table


@pytest.mark.parametrize(
    "options",
    [
        WIRED,
        (),
        ("--word-wire", "2"),
        ("--driver", "5", "--bit-wire", "0.1"),
        ("--word-wire", "word.csv", "--sense", "1"),
    ],
    ids=lambda options: " ".join(options) or "ideal",
)
def test_export_and_solve_give_the_same_currents(capsys, tmp_path, monkeypatch, options):
    circuit = arrays(tmp_path)
    monkeypatch.chdir(tmp_path)
    answer = call(capsys, "export", *circuit, *options, "-o", tmp_path / "out.sp")
    assert (answer.code, answer.out) == (0, "")
    (direct,) = json.loads(call(capsys, "solve", *circuit, *options, "--format", "json").out)["analyses"]
    back = call(capsys, "solve", "--netlist", tmp_path / "out.sp", "--format", "json")
    assert back.code == 0, back.err
    (again,) = json.loads(back.out)["analyses"]
    ends = {name: value for name, value in again["source_currents"].items() if "_" not in name}  # 0 ohm wires have _
    assert ends == pytest.approx(direct["source_currents"], rel=1e-12, abs=0)
    assert again["node_voltages"].keys() == direct["node_voltages"].keys()
    scale = max(map(abs, direct["node_voltages"].values()))
    assert again["node_voltages"] == pytest.approx(direct["node_voltages"], rel=0, abs=1e-12 * scale)


def test_nodes_without_a_voltage_are_null(capsys, tmp_path):
    """Where matrices leave an island it is noted and solved around; NaN is no JSON."""
    circuit = arrays(tmp_path)
    ohms = np.array([1.0, np.inf, 2.0])
    np.save(tmp_path / "driver.npy", ohms)
    np.save(tmp_path / "g.npy", np.load(tmp_path / "g.npy") * np.isfinite(ohms)[:, None])
    answer = call(
        capsys, "solve", *circuit, "--driver", tmp_path / "driver.npy", "--word-wire", "1", "--format", "json"
    )
    assert answer.code == 0
    assert "w[1, 0]" in answer.err
    volts = json.loads(answer.out)["analyses"][0]["node_voltages"]
    assert {name for name, value in volts.items() if value is None} == {f"w_1_{j}" for j in range(4)}


def test_numbers_beyond_a_double_are_null(capsys, tmp_path):
    """Power overflows before voltages and currents do."""
    np.save(tmp_path / "g.npy", [[1.0]])
    np.save(tmp_path / "v.npy", [1e200])
    with np.errstate(over="ignore"):
        answer = call(
            capsys, "solve", "--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy", "--format", "json"
        )
    (analysis,) = json.loads(answer.out)["analyses"]
    assert analysis["power"] is None
    assert analysis["source_currents"] == {"vwl0": -1e200, "vbb0": 1e200}


def test_the_shipped_netlist_is_what_export_writes(capsys, tmp_path):
    """Its names and layout are those that the documentation explains."""
    recognition = read(EXAMPLE).recognise()
    assert recognition.shape == (64, 64)
    xbarsim.netlist.write(recognition.crossbar, recognition.voltages, tmp_path / "again.sp")
    assert (tmp_path / "again.sp").read_text().splitlines()[0] == EXAMPLE.read_text().splitlines()[0]
    again = read(tmp_path / "again.sp").recognise()
    assert again.crossbar == recognition.crossbar


def test_info_names_what_a_bug_report_needs(capsys):
    answer = call(capsys, "info")
    assert answer.code == 0
    names = [line.split()[0] for line in answer.out.splitlines()]
    assert {"xbarsim", "Python", "numpy", "scipy", "numba", "threads", "cache", "ngspice"} <= set(names)
    assert answer.out.split()[1] == xbarsim.__version__


def test_compiled_kernels_can_be_deleted(capsys, tmp_path, monkeypatch):
    """Would break if what uninstalling leaves behind could not be taken away, or other files went with it."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    folder = tmp_path / "xbarsim"
    folder.mkdir()
    for name in ("schur.solve.1.2.xbo", "kron.merge.3.4.xbo", "mine.txt"):
        (folder / name).write_bytes(b"12345")
    answer = call(capsys, "info", "--clear-cache")
    assert answer.code == 0
    assert "cleared   2 compiled kernels, 0.0 MB" in answer.out
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert "cleared" not in call(capsys, "info").out


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["solve", "--help"], ["export", "-h"], ["--version"]])
def test_help_is_an_answer(capsys, arguments):
    answer = call(capsys, *arguments)
    assert (answer.code, answer.err) == (0, "")
    assert "xbarsim" in answer.out


def test_no_command_names_the_commands(capsys):
    assert_refused(call(capsys), 2, "export", "info", "solve", "--help")
    assert_refused(call(capsys, "study"), 2, "give a command, export, plan, report, run, status; xbarsim study --help")
