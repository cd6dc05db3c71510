"""Every way out of ``xbarsim solve``: raw files, CSV, pictures, chosen nodes, files instead of printing."""

import csv
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from cli_tools import ROOT, assert_refused, call

DECK = """two rows, three columns
Vin1 in1 0 0.4
Vin2 in2 0 0.2
Rd1 in1 w00 10
Rd2 in2 w10 20
Rw01 w00 w01 1
Rw02 w01 w02 2
Rw11 w10 w11 1
Rw12 w11 w12 3
Rc00 w00 b00 1k
Rc01 w01 b01 5k
Rc02 w02 b02 9k
Rc10 w10 b10 20k
Rc11 w11 b11 3k
Rc12 w12 b12 700
Rb0 b00 b10 1
Rb1 b01 b11 2
Rb2 b02 b12 4
Vs0 b10 0 0
Vs1 b11 0 0
Vs2 b12 0 0
{analysis}
.end
"""
SWEEP = ".dc Vin1 0 1 0.25 Vin2 -0.1 0.1 0.1"


@pytest.fixture
def deck(tmp_path):
    def write(analysis):
        path = tmp_path / "deck.sp"
        path.write_text(DECK.format(analysis=analysis))
        return path

    return write


def solved(capsys, path):
    return json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)


def raw_plots(data):
    """Parse a raw file by its published form, independently of the writer."""
    plots = []
    while data:
        head, data = data.split(b"Binary:\n", 1)
        lines = head.decode().splitlines()
        fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith("\t"))
        names = [line.split("\t")[2] for line in lines if line.startswith("\t")]
        size = int(fields["No. Points"]) * int(fields["No. Variables"]) * 8
        table = np.frombuffer(data[:size]).reshape(-1, int(fields["No. Variables"]))
        plots.append((fields, names, table))
        data = data[size:]
    return plots


def test_a_raw_file_holds_what_json_says(capsys, deck, tmp_path):
    """Variables in another order than their columns, or points and variables exchanged."""
    path, out = deck(".op\n" + SWEEP), tmp_path / "o.raw"
    assert call(capsys, "solve", "--netlist", path, "--format", "raw", "--output", out).code == 0
    plots = raw_plots(out.read_bytes())
    assert [fields["Plotname"] for fields, _, _ in plots] == ["Operating Point", "DC transfer characteristic"]
    for (_, names, table), analysis in zip(plots, solved(capsys, path)["analyses"], strict=True):
        columns = dict(zip(names, table.T, strict=True))
        for kind, values in (("v", analysis["node_voltages"]), ("i", analysis["source_currents"])):
            for name, value in values.items():
                np.testing.assert_array_equal(columns[f"{kind}({name})"], value)
    assert plots[1][1][0] == "v(v-sweep)"
    np.testing.assert_allclose(plots[1][2][:, 0], np.tile([0, 0.25, 0.5, 0.75, 1], 3))


@pytest.mark.ngspice
@pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
@pytest.mark.parametrize("analysis", [".op", SWEEP, ".tran 0.1 1"])
def test_a_raw_file_reads_like_ngspices(capsys, deck, tmp_path, analysis):
    """A viewer finds the same plot names, variables and numbers."""
    path, ours, theirs = deck(analysis), tmp_path / "ours.raw", tmp_path / "theirs.raw"
    if analysis.startswith(".tran"):
        path.write_text(path.read_text().replace("in1 0 0.4", "in1 0 SIN(0 1 2)"))
    call(capsys, "solve", "--netlist", path, "--format", "raw", "-o", ours)
    subprocess.run(["ngspice", "-b", "-r", theirs, path], check=True, capture_output=True, timeout=60)
    (mine,), (reference,) = raw_plots(ours.read_bytes()), raw_plots(theirs.read_bytes())
    assert mine[0]["Plotname"] == reference[0]["Plotname"]
    assert set(mine[1]) == {name.lower() for name in reference[1]}
    if analysis.startswith(".tran"):
        return  # ngspice chooses its own times
    columns = dict(zip(map(str.lower, reference[1]), reference[2].T, strict=True))
    for name, values in zip(mine[1], mine[2].T, strict=True):
        np.testing.assert_allclose(values, columns[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_csv_of_a_sweep_has_a_row_for_each_point(capsys, deck):
    path = deck(SWEEP)
    head, *rows = csv.reader(io.StringIO(call(capsys, "solve", "--netlist", path, "--format", "csv").out))
    assert head[:2] == ["vin1", "vin2"]
    table = dict(zip(head, np.array(rows, dtype=float).T, strict=True))
    (analysis,) = solved(capsys, path)["analyses"]
    np.testing.assert_array_equal(table["v(b00)"], analysis["node_voltages"]["b00"])
    np.testing.assert_array_equal(table["i(vs2)"], analysis["source_currents"]["vs2"])
    np.testing.assert_allclose(table["vin2"], np.repeat([-0.1, 0.0, 0.1], 5), atol=1e-15)


def test_csv_of_a_point_has_a_row_for_each_number(capsys, deck):
    path = deck(".op")
    head, *rows = csv.reader(io.StringIO(call(capsys, "solve", "--netlist", path, "--format", "csv").out))
    assert head == ["quantity", "name", "value"]
    (analysis,) = solved(capsys, path)["analyses"]
    numbers = {(kind, name): float(value) for kind, name, value in rows}
    assert numbers["voltage", "w12"] == analysis["node_voltages"]["w12"]
    assert numbers["current", "vs1"] == analysis["source_currents"]["vs1"]
    assert numbers["power", ""] == analysis["power"]


def test_nodes_are_chosen_by_pattern_in_any_case(capsys, deck):
    answer = call(capsys, "solve", "--netlist", deck(".op"), "--format", "json", "--nodes", "B0?", "--nodes", "in1")
    (analysis,) = json.loads(answer.out)["analyses"]
    assert set(analysis["node_voltages"]) == {"b00", "b01", "b02", "in1"}
    unmatched = call(capsys, "solve", "--netlist", deck(".op"), "--nodes", "zz*")
    assert (unmatched.code, "no node is called zz*" in unmatched.err) == (0, True)


def test_output_goes_to_a_file_whole_or_not_at_all(capsys, deck, tmp_path):
    path, out = deck(".op"), tmp_path / "o.json"
    answer = call(capsys, "solve", "--netlist", path, "--format", "json", "-o", out)
    assert (answer.code, answer.out) == (0, "")
    before = out.read_text()
    assert json.loads(before)["cols"] == 3
    path.write_text("title\nr1 a\n")
    assert call(capsys, "solve", "--netlist", path, "--format", "json", "-o", out).code == 2
    assert out.read_text() == before
    assert_refused(
        call(capsys, "solve", "--netlist", deck(".op"), "-o", tmp_path / "no" / "o.txt"), 2, "cannot be written"
    )


@pytest.mark.slow
@pytest.mark.parametrize("analysis", [".op", ".dc Vin1 0 1 0.1", ".tran 0.1 1"])
@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_pictures(capsys, deck, tmp_path, analysis, suffix, start):
    pytest.importorskip("matplotlib")
    picture = tmp_path / f"p.{suffix}"
    answer = call(capsys, "solve", "--netlist", deck(analysis), "--plot", picture)
    assert (answer.code, answer.err) == (0, "")
    assert picture.read_bytes().startswith(start)
    assert picture.stat().st_size > 5000


def test_a_picture_needs_a_known_ending_before_anything_is_read(capsys, tmp_path):
    answer = call(capsys, "solve", "--netlist", tmp_path / "missing.sp", "--plot", tmp_path / "p.bmp")
    assert_refused(answer, 2, "p.bmp", ".png")


NETWORK = """four nodes, each joined to every other
v1 a 0 1
r1 a b 1k
r2 a c 2k
r3 b c 3k
r4 b d 4k
r5 c d 5k
r6 a d 6k
r7 d 0 7k
r8 b 0 8k
.op
"""


def test_a_network_has_nothing_to_draw(capsys, tmp_path):
    (tmp_path / "n.sp").write_text(NETWORK)
    answer = call(capsys, "solve", "--netlist", tmp_path / "n.sp", "--plot", tmp_path / "n.png")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "--plot draws a crossbar's operating point or a sweep" in answer.err
    assert "voltage (V)" in answer.out
    assert not (tmp_path / "n.png").exists()


def test_a_general_network_is_solved_and_says_why_it_is_no_crossbar(capsys, tmp_path):
    """Nodal analysis by hand, nodes b, c and d."""
    (tmp_path / "n.sp").write_text(NETWORK)
    record = solved(capsys, tmp_path / "n.sp")
    assert (record["recognised"], record["rows"], record["cols"]) == (None, None, None)
    assert record["reason"]
    volts = record["analyses"][0]["node_voltages"]
    a = np.array(
        [
            [1 / 1e3 + 1 / 3e3 + 1 / 4e3 + 1 / 8e3, -1 / 3e3, -1 / 4e3],
            [-1 / 3e3, 1 / 2e3 + 1 / 3e3 + 1 / 5e3, -1 / 5e3],
            [-1 / 4e3, -1 / 5e3, 1 / 4e3 + 1 / 5e3 + 1 / 6e3 + 1 / 7e3],
        ]
    )
    exact = np.linalg.solve(a, [1 / 1e3, 1 / 2e3, 1 / 6e3])
    np.testing.assert_allclose([volts["b"], volts["c"], volts["d"]], exact, rtol=1e-14)


@pytest.mark.slow
def test_the_shipped_netlist_draws(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    answer = call(
        capsys, "solve", "--netlist", ROOT / "examples" / "crossbar_64x64.sp", "--plot", tmp_path / "p.svg", "-q"
    )
    assert answer.code == 0


def matrix(tmp_path, vectors):
    np.save(tmp_path / "g.npy", [[1e-3, 2e-3, 3e-3], [4e-3, 5e-3, 7e-3]])
    np.save(tmp_path / "v.npy", vectors)
    return ["--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy", "--word-wire", 1, "--driver", 2]


def test_csv_of_several_vectors_is_one_table(capsys, tmp_path):
    """One heading, and the vector's number in front; what a reader of tables takes without a hand."""
    vectors = np.array([[0.1, 0.2], [0.3, -0.1], [0.0, 0.4]])
    options = matrix(tmp_path, vectors)
    head, *rows = csv.reader(io.StringIO(call(capsys, "solve", *options, "--format", "csv").out))
    assert head == ["vector", "quantity", "name", "value"]
    analyses = json.loads(call(capsys, "solve", *options, "--format", "json").out)["analyses"]
    for number, analysis in enumerate(analyses):
        mine = {(row[1], row[2]): float(row[3]) for row in rows if row[0] == str(number)}
        volts = {("voltage", name): value for name, value in analysis["node_voltages"].items()}
        amperes = {("current", name): value for name, value in analysis["source_currents"].items()}
        assert mine == volts | amperes | {("power", ""): analysis["power"]}
    np.save(tmp_path / "v.npy", vectors[:1])
    head, *_ = csv.reader(io.StringIO(call(capsys, "solve", *options, "--format", "csv").out))
    assert head == ["quantity", "name", "value"]


def test_a_current_has_one_name_in_every_format(capsys, tmp_path):
    """The outputs of the table are the source currents of JSON by name and sign; an open column has no source."""
    options = matrix(tmp_path, [0.1, 0.2])
    (analysis,) = json.loads(call(capsys, "solve", *options, "--format", "json").out)["analyses"]
    quiet = dict(line.split() for line in call(capsys, "solve", *options, "-q").out.splitlines())
    assert list(quiet) == ["vbb0", "vbb1", "vbb2"]
    assert {name: float(value) for name, value in quiet.items()} == {
        name: analysis["source_currents"][name] for name in quiet
    }
    assert "vbb1 " in call(capsys, "solve", *options).out
    np.save(tmp_path / "s.npy", [1.0, np.inf, 2.0])
    quiet = call(capsys, "solve", *options, "--sense", tmp_path / "s.npy", "-q").out
    assert [line.split()[0] for line in quiet.splitlines()] == ["vbb0", "b_1_1", "vbb2"]


DIVIDERS = {
    "two resistors": "v1 a 0 1\nr1 a b 1k\nr2 b 0 3k",
    "three": "v2 b 0 1\nr1 c b 1k\nr2 c 0 1k\nr3 c 0 2k",
    "an ammeter below": "v1 a 0 1\nr1 a b 1k\nr2 b c 3k\nvs c 0 0",
}


@pytest.mark.parametrize("kind", DIVIDERS)
def test_a_divider_is_no_array(capsys, tmp_path, kind):
    """No loss of 100 % against a cell without its load, but the voltages that a divider is asked for."""
    path = tmp_path / "d.sp"
    path.write_text(f"a divider\n{DIVIDERS[kind]}\n.op\n.end\n", encoding="utf-8")
    answer = call(capsys, "solve", "--netlist", path)
    assert "crossbar, " not in answer.out
    assert "loss" not in answer.out
    assert "node" in answer.out
    record = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)
    assert (record["recognised"], record["rows"], record["cols"]) == (None, None, None)
    assert "divider" in record["reason"]


VARIANTS = {
    "a resistor": ("v1 a 0 1\nr1 a 0 1k", ".dc r1 1k 4k 1k", [-1 / (k * 1e3) for k in range(1, 5)]),
    "a step": (".param w=1\nv1 a 0 1\nr1 a b 1k\nr2 b 0 {w}", ".step param w list 1k 4k\n.op", [-1 / 2e3, -1 / 5e3]),
    "an alter": (
        "v1 a 0 1\nr1 a b 1k\nr2 b c 3k\nvs c 0 0",
        ".control\nforeach k 1k 2k\nalter r2 = $k\nop\nend\n.endc",
        [-1 / 2e3, -1 / 3e3],
    ),
}


@pytest.mark.parametrize("kind", VARIANTS)
def test_variants_of_a_divider_are_no_arrays_either(capsys, tmp_path, kind):
    """What is swept or altered is called by its source, with its sign, as it is without the sweep."""
    circuit, cards, amperes = VARIANTS[kind]
    path = tmp_path / "d.sp"
    path.write_text(f"a divider\n{circuit}\n{cards}\n.end\n", encoding="utf-8")
    answer = call(capsys, "solve", "--netlist", path)
    assert "v1" in answer.out
    assert not re.search(r"loss|column|i\(b\)", answer.out)
    analyses = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)["analyses"]
    currents = np.concatenate([np.atleast_1d(analysis["source_currents"]["v1"]) for analysis in analyses])
    assert currents == pytest.approx(amperes, rel=1e-14)
    quiet = call(capsys, "solve", "--netlist", path, "-q").out.replace("v1 ", "").splitlines()
    assert [float(line) for line in quiet if not line.startswith("vs")] == currents.tolist()


APART = {
    "dividers": "".join(f"v{k} a{k} 0 {k}\nr{k} a{k} m{k} {k}k\nrg{k} m{k} 0 2k\n" for k in range(1, 6)),
    "resistors across sources": "v1 a 0 1\nr1 a 0 1k\nv2 b 0 2\nr2 b 0 3k\n",
    "resistors across sources at 0 V": "".join(f"v{k} a{k} 0 0\nr{k} a{k} 0 {k}k\n" for k in range(1, 6)),
    "cells between sources of their own": "v1 a 0 1\nr1 a b 1k\nv2 b 0 0\nv3 c 0 1\nr2 c d 2k\nv4 d 0 0\n",
    "two arrays": "".join(
        f"v{k}{i} w{k}{i} 0 {i}\nr{k}{i}0 w{k}{i} b{k}0 {i + k}k\nr{k}{i}1 w{k}{i} b{k}1 {3 * i + k}k\n"
        f"vb{k}{i} b{k}{i - 1} 0 0\n"
        for k in (1, 2)
        for i in (1, 2)
    ),
}


@pytest.mark.parametrize("kind", APART)
def test_circuits_that_share_no_line_are_no_array(capsys, tmp_path, kind):
    """Ground is no line; the numbers are those that each circuit has alone."""
    path = tmp_path / "d.sp"
    path.write_text(f"apart\n{APART[kind]}.op\n.end\n", encoding="utf-8")
    record = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)
    assert record["recognised"] is None
    assert "share no line" in record["reason"]
    if kind == "dividers":
        volts = record["analyses"][0]["node_voltages"]
        assert [volts[f"m{k}"] for k in range(1, 6)] == pytest.approx([k * 2 / (2 + k) for k in range(1, 6)])


def test_an_array_in_parts_with_gaps_is_one_with_cells_missing(capsys, tmp_path):
    cells = "".join(f"r{i}{j} w{i} b{j} {1 + i + 2 * j}k\n" for i, j in ((1, 1), (1, 2), (2, 2), (3, 3)))
    ends = "".join(f"v{k} w{k} 0 {k}\nvb{k} b{k} 0 0\n" for k in (1, 2, 3))
    path = tmp_path / "d.sp"
    path.write_text(f"gaps\n{cells}{ends}.op\n.end\n", encoding="utf-8")
    record = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)
    assert (record["recognised"], record["rows"], record["cols"]) == ("crossbar", 3, 3)


@pytest.mark.parametrize("cards", [".step param k list 1 2\n.op", ".dc v1 0 2 1\n.step param k list 1 2"])
def test_a_divider_is_no_array_at_any_point(capsys, tmp_path, cards):
    """Its table holds the sources' currents, as JSON does, also where a sweep makes it anew."""
    path = tmp_path / "d.sp"
    path.write_text(f"a divider\n.param k=1\nv1 a 0 1\nr1 a b {{k*1k}}\nr2 b 0 3k\n{cards}\n.end\n", encoding="utf-8")
    table = call(capsys, "solve", "--netlist", path).out
    assert "i(v1)" in table
    assert "i(b)" not in table
    quiet = [float(line) for line in call(capsys, "solve", "--netlist", path, "-q").out.splitlines()]
    record = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)
    assert quiet == record["analyses"][0]["source_currents"]["v1"]


def test_one_line_that_is_shared_makes_an_array(capsys, tmp_path):
    path = tmp_path / "d.sp"
    apart = APART["cells between sources of their own"]
    path.write_text(f"joined\n{apart}r3 a d 5k\n.op\n.end\n", encoding="utf-8")
    record = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)
    assert (record["recognised"], record["rows"], record["cols"]) == ("crossbar", 2, 2)


def test_one_row_of_cells_is_an_array(capsys, tmp_path):
    path = tmp_path / "d.sp"
    path.write_text("two cells\nv1 a 0 1\nr1 a b 1k\nr2 a c 3k\nr3 b 0 10\nr4 c 0 10\n.op\n.end\n", encoding="utf-8")
    record = json.loads(call(capsys, "solve", "--netlist", path, "--format", "json").out)
    assert (record["recognised"], record["rows"], record["cols"]) == ("crossbar", 1, 2)
