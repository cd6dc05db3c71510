"""Netlists of arrays whose source lines lie between two bit lines that share them."""

import numpy as np
import pytest
from netlist_tools import needs_ngspice, ngspice, read_text

from xbarsim.analysis.simulate import simulate
from xbarsim.topologies import SharedSourceArray, solve_shared_sources

ROWS, COLS = 5, 6


def elements(rng, cells="r", rows=ROWS, cols=COLS, both=False, turned=False):
    """Lines of a netlist, names without meaning, in any order; numbers differ everywhere."""

    def ohms(low, high):
        return f"{rng.uniform(low, high):.17g}"

    lines = []
    for i in range(rows):
        for j in range(cols):
            s, b = f"s{i}x{j // 2}", f"b{i}x{j}"
            if i + 1 < rows:
                lines.append(f"rb{i}x{j} b{i + 1}x{j} {b} {ohms(1, 9)}")
                if j % 2 == 0:
                    lines.append(f"rs{i}x{j} {s} s{i + 1}x{j // 2} {ohms(1, 9)}")
            if cells == "r":
                lines.append(f"rc{i}x{j} {s} {b} {ohms(1e3, 1e5)}")
            elif cells == "rr":
                lines += [f"rc{i}x{j} {b} m{i}x{j} {ohms(1e3, 1e5)}", f"rt{i}x{j} m{i}x{j} {s} {ohms(1e3, 5e3)}"]
            else:
                lines.append(f"bc{i}x{j} {s} {b} i={{{ohms(1e-5, 1e-4)}*sinh(v({s},{b})/0.2)}}")
    first, last = (rows - 1, 0) if turned else (0, rows - 1)
    for k in range(cols // 2):
        lines += [f"rd{k} d{k} s{first}x{k} {ohms(1, 9)}", f"vd{k} d{k} 0 {ohms(0.1, 0.5)}"]
        if both:
            lines.append(f"re{k} d{k} s{last}x{k} {ohms(1, 9)}")
    for j in range(cols):
        lines += [f"ro{j} b{last}x{j} o{j} {ohms(1, 9)}", f"vo{j} o{j} 0 0"]
        if both:
            lines += [f"rp{j} b{first}x{j} p{j} {ohms(1, 9)}", f"vp{j} p{j} 0 {ohms(0.0, 0.05)}"]
    rng.shuffle(lines)
    return lines


def both_ways(folder, lines):
    circuit = read_text(folder, "\n".join([*lines, ".op"]))
    recognition = circuit.recognise()
    fast, slow = (simulate(circuit, way)[0] for way in (recognition, None))
    assert np.abs(fast.voltages - slow.voltages).max() <= 1e-12 * np.abs(slow.voltages).max()
    assert np.abs(fast.currents - slow.currents).max() <= 1e-10 * np.abs(slow.currents).max()
    return circuit, recognition, fast


@pytest.mark.parametrize("settings", [{}, {"both": True}, {"turned": True}, {"rows": 4, "cols": 2}])
@pytest.mark.parametrize("cells", ["r", "rr"])
def test_shared_source_lines_are_recognised(tmp_path, cells, settings):
    for seed in range(2):
        _, recognition, fast = both_ways(tmp_path, elements(np.random.default_rng(seed), cells, **settings))
        array = recognition.columns.array
        rows, cols = settings.get("rows", ROWS), settings.get("cols", COLS)
        assert isinstance(array, SharedSourceArray)
        assert array.shape == (rows, cols)
        assert recognition.crossbar is None
        assert recognition.reason.endswith(
            f"{rows} x {cols} cells with source lines along bit lines, each shared by two"
        )
        assert not fast.how.startswith("network")
        # The array is the circuit: its currents are those of the ammeters, in whatever order.
        held = recognition.columns.doubled.voltages[1::3]
        ends = solve_shared_sources(array, np.ones(rows), held).end_currents
        currents = [*ends["bit_bottom"], *(ends["bit_top"] if settings.get("both") else ())]
        measured = [fast.currents[0][k] for k, name in enumerate(fast.branches) if name[:2] in ("vo", "vp")]
        assert np.allclose(np.sort(currents), np.sort(measured), rtol=1e-10)


def test_sources_may_be_swept(tmp_path):
    circuit = read_text(tmp_path, "\n".join([*elements(np.random.default_rng(3)), ".dc vd1 0 0.4 0.1"]))
    fast, slow = (simulate(circuit, way)[0] for way in (circuit.recognise(), None))
    assert fast.voltages.shape[0] == 5
    assert not fast.how.startswith("network")
    assert np.abs(fast.currents - slow.currents).max() <= 1e-10 * np.abs(slow.currents).max()


@pytest.mark.parametrize(
    ("cells", "drop", "more", "rows"),
    [
        ("sinh", None, [], ROWS),
        ("r", "rc2x3", [], ROWS),
        ("rr", "rt2x3", [], ROWS),
        ("r", None, [], 3),
        ("r", None, ["rx b2x1 b2x2 700"], ROWS),
        ("rr", None, ["rx m2x2 0 700"], ROWS),
        ("r", None, ["rx s1x0 s3x0 70"], ROWS),
        ("r", None, ["rx b1x0 0 7000"], ROWS),
    ],
)
def test_what_is_none_is_solved_all_the_same(tmp_path, cells, drop, more, rows):
    lines = [line for line in elements(np.random.default_rng(4), cells, rows) if line.split()[0] != drop]
    _, recognition, _ = both_ways(tmp_path, lines + more)
    assert recognition.columns is None


@needs_ngspice
@pytest.mark.ngspice
@pytest.mark.slow
@pytest.mark.parametrize("cells", ["r", "rr"])
def test_ngspice_says_the_same(tmp_path, cells):
    lines = elements(np.random.default_rng(5), cells, both=True)
    options = ".options reltol=1e-12 abstol=1e-18 vntol=1e-14"
    circuit, recognition, fast = both_ways(tmp_path, [*lines, options])
    assert recognition.columns is not None
    theirs = ngspice(tmp_path / "circuit.sp")
    volts = [theirs[f"v({name})"] for name in circuit.nodes[1:]]
    assert np.abs(fast.voltages[0] - volts).max() <= 1e-9 * np.abs(volts).max()
