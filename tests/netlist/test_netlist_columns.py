"""Netlists of arrays with source lines along bit lines: recognised, and the same numbers as from a network."""

import json

import numpy as np
import pytest
from cli_tools import call
from netlist_tools import needs_ngspice, read_text, solve_elements

from xbarsim import netlist, spice
from xbarsim.analysis.simulate import recognised_for, simulate
from xbarsim.topologies import solve_source_lines

ROWS, COLS = 5, 3
BOTH_ENDS = {("bit", "top"): 4.0, ("source", "bottom"): 7.0}


def elements(rng, cells="r", ties=None, rows=ROWS, cols=COLS, shuffled=True, shared=False):
    """Lines of a netlist, names without meaning, in any order; numbers differ everywhere."""

    def ohms(low, high):
        return f"{rng.uniform(low, high):.17g}"

    lines = []
    for j in range(cols):
        for i in range(rows):
            s, b, inner = f"s{i}x{j}", f"b{i}x{j}", f"m{i}x{j}"
            if i + 1 < rows:
                lines += [f"rs{i}x{j} {s} s{i + 1}x{j} {ohms(1, 9)}", f"rb{i}x{j} b{i + 1}x{j} {b} {ohms(1, 9)}"]
            if cells == "r":
                lines.append(f"rc{i}x{j} {s} {b} {ohms(1e3, 1e5)}")
            elif cells == "rr":
                lines += [f"rc{i}x{j} {b} {inner} {ohms(1e3, 1e5)}", f"rt{i}x{j} {inner} {s} {ohms(1e2, 1e3)}"]
            elif cells == "sinh":
                ends, across = ((b, s), f"v({b},{s})") if (i + j) % 2 else ((s, b), f"v({s},{b})")
                lines.append(f"bc{i}x{j} {' '.join(ends)} i={{{ohms(1e-5, 1e-4)} * sinh({across} / 0.2)}}")
            else:
                lines += [f"rc{i}x{j} {b} {inner} {ohms(1e3, 1e5)}", f"m{i}x{j} {inner} g{i} {s} {s} n w=1 l=1"]
        source = "vread" if shared else f"vs{j}"
        lines += [f"rd{j} in{'' if shared else j} s0x{j} {ohms(1, 5)}", f"rq{j} b{rows - 1}x{j} o{j} {ohms(1, 5)}"]
        if not shared:
            lines.append(f"{source} in{j} 0 {ohms(0.2, 0.6)}")
        lines.append(f"va{j} o{j} 0 0")
        for (line, end), value in (ties or {}).items():
            foot = f"{line[0]}{0 if end == 'top' else rows - 1}x{j}"
            lines += [
                f"re{line}{end}{j} {foot} e{line}{end}{j} {value}",
                f"ve{line}{end}{j} e{line}{end}{j} 0 {ohms(0.1, 0.3)}",
            ]
    if shared:
        lines.append("vread in 0 0.3")
    if shuffled:
        rng.shuffle(lines)
    if cells == "m":
        lines += [f"vg{i} g{i} 0 {rng.uniform(0.2, 1.5):.17g}" for i in range(rows)]
        lines += [".model n nmos(level=1 kp=4e-4 vto=0.4 lambda=0.05 is=1e-40)", ".options gmin=1e-18"]
    return lines


def both_ways(folder, lines, cards=".op"):
    circuit = read_text(folder, "\n".join([*lines, cards]))
    recognition = circuit.recognise()
    return recognition, simulate(circuit, recognition)[0], simulate(circuit, None)[0]


def assert_same(fast, slow, volts=1e-12, amperes=1e-10):
    assert fast.nodes == slow.nodes
    assert fast.branches == slow.branches
    assert np.abs(fast.voltages - slow.voltages).max() <= volts * np.abs(slow.voltages).max()
    assert np.abs(fast.currents - slow.currents).max() <= amperes * np.abs(slow.currents).max()
    assert fast.power == pytest.approx(slow.power, rel=1e-9)
    assert fast.residual < 1e-11


@pytest.mark.parametrize("cells", ["r", "rr", "sinh", "m"])
@pytest.mark.parametrize("ties", [None, BOTH_ENDS], ids=["two ends", "four ends"])
def test_arrays_are_recognised_and_numbers_are_the_networks(tmp_path, cells, ties):
    rng = np.random.default_rng(50)
    recognition, fast, slow = both_ways(tmp_path, elements(rng, cells, ties))
    assert recognition.crossbar is None
    assert recognition.columns.array.shape == (ROWS, COLS)
    assert recognition.reason == "it is an array of 5 x 3 cells with source lines along bit lines"
    assert fast.how.split(",")[0] in ("ladder", "newton")
    assert_same(fast, slow)


def test_linear_numbers_are_plain_nodal_analysis(tmp_path):
    lines = elements(np.random.default_rng(51), "rr", BOTH_ENDS)
    _, fast, _ = both_ways(tmp_path, lines)
    plain = [(name, a, b, float(value)) for name, a, b, value in (line.split() for line in lines)]
    volts, amperes = solve_elements(plain)
    for name, value in zip(fast.nodes, fast.voltages[0], strict=True):
        assert value == pytest.approx(volts[name], abs=1e-13)
    for name, value in zip(fast.branches, fast.currents[0], strict=True):
        assert value == pytest.approx(amperes[name], abs=1e-15)


def test_columns_and_lines_are_told_apart(tmp_path):
    rng = np.random.default_rng(52)
    circuit = read_text(tmp_path, "\n".join([*elements(rng, "r", shuffled=False), ".op"]))
    columns = circuit.recognise().columns
    names = np.array(circuit.nodes)[columns.doubled.word_nodes]
    assert [list(row) for row in names[:2]] == [[f"s{i}x0" for i in range(ROWS)], [f"b{i}x0" for i in range(ROWS)]]
    assert names[4, 2] == "s2x2"
    volts = [circuit.values[circuit.names.index(f"vs{j}")] for j in range(COLS)]
    currents = solve_source_lines(columns.array, np.ones(ROWS), volts).currents
    fast = simulate(circuit, circuit.recognise())[0]
    assert np.allclose(
        currents, [fast.currents[0][fast.branches.index(f"va{j}")] for j in range(COLS)], rtol=1e-12, atol=0.0
    )


def test_memristors_are_at_bit_lines_whichever_is_driven(tmp_path):
    # Bit lines driven, source lines at ground, as most such arrays are read.
    rng = np.random.default_rng(53)
    flipped = []
    for line in elements(rng, "m", shuffled=False):
        if line.startswith("rd"):
            line = line.replace(" s0x", " b0x")
        elif line.startswith("rq"):
            line = line.replace(f" b{ROWS - 1}x", f" s{ROWS - 1}x")
        flipped.append(line)
    recognition, fast, slow = both_ways(tmp_path, flipped)
    assert recognition.columns is not None
    names = np.array(recognition.circuit.nodes)[recognition.columns.doubled.word_nodes]
    assert names[0, 0].startswith("s")
    assert fast.how.startswith("newton")
    assert_same(fast, slow)


def test_sweeps_and_shared_sources(tmp_path):
    rng = np.random.default_rng(54)
    _, fast, slow = both_ways(tmp_path, elements(rng, "r", BOTH_ENDS), ".dc vs1 0 0.6 0.1 vesourcebottom2 0.1 0.3 0.1")
    assert fast.how.startswith("ladder")
    assert fast.voltages.shape[0] == 21
    assert_same(fast, slow)
    recognition, fast, slow = both_ways(tmp_path, elements(rng, "rr", shared=True), ".dc vread 0.1 0.5 0.2")
    assert recognition.columns is not None
    assert fast.how.startswith("ladder")
    assert_same(fast, slow)


def test_swept_gates_are_the_networks(tmp_path):
    rng = np.random.default_rng(55)
    recognition, fast, slow = both_ways(tmp_path, elements(rng, "m"), ".dc vg1 0 1.5 0.5")
    assert recognition.columns is not None
    assert np.array_equal(fast.voltages, slow.voltages)


def leaking(rng, ties=None, bulk="0", model="", **options):
    """As ``elements``, with transistors that leak as ngspice's do where nothing is said of it."""
    lines = []
    for line in elements(rng, "m", ties, **options):
        if line.startswith("m"):
            name, drain, gate, source, _, *rest = line.split()
            line = " ".join([name, drain, gate, source, {"source": source}.get(bulk, bulk), *rest])
        if not line.startswith((".model", ".options")):
            lines.append(line)
    lines.append(f".model n nmos(level=1 kp=4e-4 vto=0.4 lambda=0.05 {model})")
    return [*lines, "vb vb 0 -0.2"] if bulk == "vb" else lines


@pytest.mark.parametrize("bulk", ["0", "vb", "source"])
@pytest.mark.parametrize("model", ["", "gamma=0.5 phi=0.7", "is=1e-9"])
def test_transistors_that_leak_are_solved_as_drawn(tmp_path, bulk, model):
    rng = np.random.default_rng(56)
    for ties in (None, BOTH_ENDS):
        recognition, fast, slow = both_ways(tmp_path, leaking(rng, ties, bulk, model))
        assert recognition.columns.doubled.left_out is not None
        assert fast.how.startswith("newton")
        assert_same(fast, slow)


def test_leaks_count(tmp_path):
    # All rows off: what is left are leaks, to twelve digits of themselves.
    lines = [line if not line.startswith("vg") else f"{line.rsplit(' ', 1)[0]} 0" for line in
             leaking(np.random.default_rng(65), model="is=1e-10")]  # fmt: skip
    _, fast, slow = both_ways(tmp_path, lines)
    assert fast.how.startswith("newton")
    assert 1e-13 < np.abs(slow.currents).max() < 1e-8
    assert_same(fast, slow, amperes=1e-9)


def test_sweeps_of_transistors_that_leak(tmp_path):
    _, fast, slow = both_ways(tmp_path, leaking(np.random.default_rng(66), BOTH_ENDS), ".dc vs1 0 0.6 0.2")
    assert fast.how.startswith("newton")
    assert_same(fast, slow)


@pytest.mark.parametrize("model", ["rd=100", "rs=50"])
def test_transistors_with_resistances_are_the_networks(tmp_path, model):
    recognition, fast, slow = both_ways(tmp_path, leaking(np.random.default_rng(67), model=model))
    assert recognition.columns is not None
    assert np.array_equal(fast.voltages, slow.voltages)


def test_ideal_wires_and_ammeters_in_lines(tmp_path):
    rng = np.random.default_rng(57)
    lines = elements(rng, "r", shuffled=False)
    lines = [f"v{line[1:].rsplit(' ', 1)[0]} 0" if line.startswith(("rs1x1", "rb2x0")) else line for line in lines]
    recognition, fast, slow = both_ways(tmp_path, lines)
    assert recognition.columns is not None
    assert {"vs1x1", "vb2x0"} <= set(fast.branches)
    assert_same(fast, slow)


@pytest.mark.parametrize(
    "more",
    [
        ["rx s1x0 b1x1 500"],  # joins two columns
        ["rx s1x0 b2x0 500"],  # a cell between two rows
        ["rx s2x1 0 500"],  # a tie in the middle of a line
        ["ix 0 s1x1 1m"],
    ],
)
def test_what_is_no_such_array_is_a_network(tmp_path, more):
    lines = elements(np.random.default_rng(58), "r") + more
    recognition, fast, slow = both_ways(tmp_path, lines)
    assert recognition.columns is None
    assert np.array_equal(fast.voltages, slow.voltages)


def test_a_missing_cell_is_a_network(tmp_path):
    lines = [line for line in elements(np.random.default_rng(59), "r") if not line.startswith("rc2x1")]
    recognition, fast, slow = both_ways(tmp_path, lines)
    assert recognition.columns is None
    assert_same(fast, slow)


def test_two_resistors_side_by_side_are_one(tmp_path):
    lines = [*elements(np.random.default_rng(60), "r"), "rx s2x1 b2x1 700", "ry s1x1 s2x1 30"]
    recognition, fast, slow = both_ways(tmp_path, lines)
    assert recognition.columns is not None
    assert_same(fast, slow)


def test_one_column_alone(tmp_path):
    recognition, fast, slow = both_ways(tmp_path, elements(np.random.default_rng(61), "r", BOTH_ENDS, cols=1))
    assert recognition.columns.array.shape == (ROWS, 1)
    assert_same(fast, slow)


def test_json_keeps_to_its_contract(tmp_path, capsys):
    path = tmp_path / "array.sp"
    path.write_text("\n".join(["title", *elements(np.random.default_rng(62), "r"), ".op", ".end"]) + "\n")
    said = call(capsys, "solve", "--netlist", path, "--format", "json")
    assert said.code == 0
    answer = json.loads(said.out)
    assert answer["recognised"] is None
    assert answer["rows"] is None
    assert "5 x 3 cells with source lines along bit lines" in answer["reason"]
    assert len(answer["analyses"][0]["source_currents"]) == 2 * COLS


def test_in_time_columns_are_a_network(tmp_path):
    rng = np.random.default_rng(64)
    lines = elements(rng, "r", shuffled=False)
    lines = [f"{line.rsplit(' ', 1)[0]} pulse(0 0.3 1n 1n 1n 9n)" if line.startswith("vs") else line for line in lines]
    circuit = read_text(tmp_path, "\n".join([*lines, "c1 b1x1 0 1f", "c2 s2x0 0 2f", ".tran 1n 5n"]))
    recognition = recognised_for(circuit, moving=True)
    assert recognition.crossbar is None
    assert recognition.reason == "it is an array with source lines along bit lines, which in time is a network"
    fast, slow = (simulate(circuit, way)[0] for way in (recognition, None))
    assert np.array_equal(fast.voltages, slow.voltages)


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("cells", ["rr", "sinh", "m", "leaking"])
def test_ngspice_says_the_same(tmp_path, cells):
    rng = np.random.default_rng(63)
    lines = leaking(rng, BOTH_ENDS) if cells == "leaking" else elements(rng, cells, BOTH_ENDS)
    text = "\n".join(["title", *lines, ".options reltol=1e-10 abstol=1e-18 vntol=1e-14", ".op", ".end"]) + "\n"
    path = tmp_path / "array.sp"
    path.write_text(text)
    circuit = netlist.read(path)
    fast = simulate(circuit, circuit.recognise())[0]
    assert fast.how.split(",")[0] in ("ladder", "newton")
    (plot,) = spice.run(text).plots
    for names, values, theirs in (
        (fast.nodes, fast.voltages[0], plot.node_voltages),
        (fast.branches, fast.currents[0], plot.source_currents),
    ):
        largest = np.abs(values).max()
        for name, value in zip(names, values, strict=True):
            assert abs(value - np.ravel(theirs[name])[0]) <= 1e-9 * largest
