"""Netlists for tests: random crossbars as shuffled element lists, an independent nodal analysis, ngspice's results."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from xbarsim import spice
from xbarsim.crossbar import Crossbar
from xbarsim.errors import SpiceMissingError
from xbarsim.netlist import read, report

needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")


def pyspice_there() -> bool:
    try:
        spice.version("pyspice")
    except SpiceMissingError:
        return False
    return True


needs_pyspice = pytest.mark.skipif(not pyspice_there(), reason="PySpice or ngspice's library is not installed")

Element = tuple[str, str, str, float]


def read_text(folder: Path, text: str, name: str = "circuit.sp"):
    """Write ``text`` (a title line is put first) and read it."""
    path = folder / name
    path.write_text("title\n" + text + "\n", encoding="utf-8")
    return read(path)


def solve_elements(elements: list[Element]) -> tuple[dict[str, float], dict[str, float]]:
    """Modified nodal analysis, dense: node voltages and source currents of an element list."""
    names = sorted({n for _, a, b, _ in elements for n in (a, b)} - {"0"})
    index = {name: k for k, name in enumerate(names)}
    ideal = [e for e in elements if e[0][0] == "v" or e[3] == 0]
    size = len(names) + len(ideal)
    A, z = np.zeros((size, size)), np.zeros(size)
    for name, a, b, value in elements:
        if name[0] != "v" and value != 0:
            for p, q in ((a, b), (b, a)):
                if p != "0":
                    A[index[p], index[p]] += 1 / value
                    if q != "0":
                        A[index[p], index[q]] -= 1 / value
    for k, (name, a, b, value) in enumerate(ideal, len(names)):
        for node, sign in ((a, 1.0), (b, -1.0)):
            if node != "0":
                A[k, index[node]] += sign
                A[index[node], k] += sign
        z[k] = value if name[0] == "v" else 0.0
    x = np.linalg.solve(A, z)
    currents = {e[0]: float(x[len(names) + k]) for k, e in enumerate(ideal) if e[0][0] == "v"}
    return {name: float(x[k]) for name, k in index.items()}, currents


def solve_crossbar(crossbar: Crossbar, voltages) -> SimpleNamespace:
    """Solve a crossbar as an element list of its own: the stand-in for a solver, sharing no code with one."""
    rows, cols = crossbar.shape
    ground = {"0": "0"}

    def find(name: str) -> str:
        while ground.get(name, name) != name:
            name = ground[name]
        return name

    elements: list[Element] = []
    for i in range(rows):
        for j in range(cols - 1):
            elements.append((f"rw{i},{j}", f"w{i},{j}", f"w{i},{j + 1}", crossbar.word_wire[i, j]))
    for i in range(rows - 1):
        for j in range(cols):
            elements.append((f"rb{i},{j}", f"b{i},{j}", f"b{i + 1},{j}", crossbar.bit_wire[i, j]))
    for i in range(rows):
        for j in range(cols):
            if crossbar.conductance[i, j]:
                elements.append((f"rc{i},{j}", f"w{i},{j}", f"b{i},{j}", 1 / crossbar.conductance[i, j]))
    ends = crossbar.boundary
    places = {
        "word_left": [f"w{i},0" for i in range(rows)],
        "word_right": [f"w{i},{cols - 1}" for i in range(rows)],
        "bit_top": [f"b0,{j}" for j in range(cols)],
        "bit_bottom": [f"b{rows - 1},{j}" for j in range(cols)],
    }
    for side, nodes in places.items():
        for k, node in enumerate(nodes):
            ohms = ends[side].resistance[k]
            volts = voltages[k] if side == "word_left" else ends[side].voltage[k]
            if np.isfinite(ohms):
                elements.append((f"v{side}{k}", f"s{side}{k}", "0", float(volts)))
                elements.append((f"re{side}{k}", f"s{side}{k}", node, float(ohms)))
    elements = [e for e in elements if np.isfinite(e[3])]
    live = _live(elements)
    volts, currents = solve_elements([e for e in elements if e[1] in live])
    word = np.array([[volts.get(f"w{i},{j}", np.nan) for j in range(cols)] for i in range(rows)])
    bit = np.array([[volts.get(f"b{i},{j}", np.nan) for j in range(cols)] for i in range(rows)])
    device = np.nan_to_num(crossbar.conductance * (word - bit))
    end = {side: np.array([currents.get(f"v{side}{k}", 0.0) for k in range(len(n))]) for side, n in places.items()}
    return SimpleNamespace(word_voltages=word, bit_voltages=bit, device_currents=device, end_currents=end)


def _live(elements: list[Element]) -> set[str]:
    """Return the nodes with a path to ground."""
    reached, grew = {"0"}, True
    while grew:
        grew = False
        for _, a, b, _ in elements:
            if (a in reached) != (b in reached):
                reached |= {a, b}
                grew = True
    return reached


def assert_same_circuit(circuit, elements: list[Element], tolerance: float = 1e-9) -> None:
    """The recognised crossbar gives the voltages and currents that the element list has."""
    recognition = circuit.recognise()
    assert recognition.crossbar is not None, recognition.reason
    volts, currents = report(recognition, solve_crossbar(recognition.crossbar, recognition.voltages))
    true_volts, true_currents = solve_elements(elements)
    assert volts.keys() == true_volts.keys()
    assert currents.keys() == true_currents.keys()
    for got, true in ((volts, true_volts), (currents, true_currents)):
        scale = max((abs(value) for value in true.values()), default=0.0) or 1.0
        worst = max(true, key=lambda name: abs(got[name] - true[name]), default=None)
        assert worst is None or abs(got[worst] - true[worst]) <= tolerance * scale, (worst, got[worst], true[worst])


def random_elements(
    rng: np.random.Generator,
    rows: int,
    cols: int,
    *,
    word_wire: bool = True,
    bit_wire: bool = True,
    drive: str = "resistor",
    sense: str = "resistor",
    other_ends: float = 0.0,
    missing: float = 0.0,
    zero: float = 0.0,
    half_select: bool = False,
) -> list[Element]:
    """Return a random crossbar as elements, nodes with telling names; shuffle and rename before use."""

    def ohms(low: float, high: float) -> float:
        return 0.0 if rng.random() < zero else float(10 ** rng.uniform(low, high))

    def w(i: int, j: int) -> str:
        return f"w{i},{j}" if word_wire else f"w{i}"

    def b(i: int, j: int) -> str:
        return f"b{i},{j}" if bit_wire else f"b{j}"

    elements: list[Element] = []
    for i in range(rows):
        for j in range(cols):
            if rng.random() >= missing:
                elements.append((f"rc{i},{j}", w(i, j), b(i, j), float(10 ** rng.uniform(3, 5))))
            if word_wire and j < cols - 1:
                elements.append((f"rw{i},{j}", w(i, j), w(i, j + 1), ohms(0, 2)))
            if bit_wire and i < rows - 1:
                elements.append((f"rb{i},{j}", b(i, j), b(i + 1, j), ohms(0, 2)))

    if sense == "tie":
        last = {b(rows - 1, j) for j in range(cols)}
        elements = [(name, *("0" if n in last else n for n in (p, q)), value) for name, p, q, value in elements]

    def tie(name: str, node: str, style: str, volts: float) -> None:
        if style == "source":
            elements.append((f"v{name}", node, "0", volts))
        elif style == "ground":
            elements.append((f"r{name}", node, "0", float(10 ** rng.uniform(0, 2))))
        elif style == "resistor":
            elements.append((f"v{name}", f"s{name}", "0", volts))
            elements.append((f"r{name}", f"s{name}", node, float(10 ** rng.uniform(0, 2))))
        elif style == "ammeter":
            elements.append((f"r{name}", node, f"s{name}", float(10 ** rng.uniform(0, 2))))
            elements.append((f"v{name}", f"s{name}", "0", volts))
        elif style == "ammeter first":
            elements.append((f"v{name}", node, f"s{name}", 0.0))
            elements.append((f"r{name}", f"s{name}", "0", float(10 ** rng.uniform(0, 2))))
        elif style == "reversed":
            elements.append((f"v{name}", "0", node, -volts))

    for i in range(rows):
        tie(f"wl{i}", w(i, 0), drive, float(rng.uniform(0.1, 1)))
        if rng.random() < other_ends:
            tie(f"wr{i}", w(i, cols - 1), "resistor", float(rng.uniform(0.1, 1)))
    for j in range(cols):
        tie(f"bb{j}", b(rows - 1, j), sense, float(rng.uniform(0, 1)) if half_select and j else 0.0)
        if rng.random() < other_ends:
            tie(f"bt{j}", b(0, j), "resistor", float(rng.uniform(0, 1)) if half_select else 0.0)
    return elements


def shuffled(rng: np.random.Generator, elements: list[Element]) -> list[Element]:
    """Return the same circuit with other names, another order and turned resistors."""
    names = sorted({n for _, a, b, _ in elements for n in (a, b)} - {"0"})
    new = dict(zip(names, (f"n{k}" for k in rng.permutation(len(names))), strict=True)) | {"0": "0"}
    renamed = []
    for k, (name, a, b, value) in zip(rng.permutation(len(elements)), elements, strict=True):
        a, b = new[a], new[b]
        if name[0] == "r" and rng.random() < 0.5:
            a, b = b, a
        renamed.append((f"{name[0]}{k}", a, b, value))
    return [renamed[k] for k in rng.permutation(len(renamed))]


def text_of(elements: list[Element]) -> str:
    """Return an element list as netlist lines."""
    return "\n".join(f"{name} {a} {b} {value!r}" for name, a, b, value in elements)


def ngspice(path: Path) -> dict[str, float]:
    """Run ngspice on a file and return its operating point, ``v(node)`` and ``i(source)``."""
    (plot,) = spice.run(path, timeout=60).plots
    return {name: float(values[0]) for name, values in plot.values.items()}
