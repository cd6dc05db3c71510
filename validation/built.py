"""Arrays as they are built: source lines along bit lines and stacks, beside ngspice and the general solver.

python validation/built.py --lines 16 32
python validation/built.py --write       # 64 and 128 lines, to validation/results/built.md

Seconds are the processor's, on one thread, kernels compiled. ``ngspice`` and ``xbarsim solve`` are whole processes on
one netlist; ``network`` is xbarsim's general solver on it, ``array`` the array that it is recognised as, reading left
out of both. Milliseconds are one pattern's, or one vector's, from Python in a batch. Currents are the outputs', apart
from ngspice's, of the largest.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import provenance
from startup import seconds

import xbarsim
from xbarsim import netlist, spice
from xbarsim.analysis.rawfile import read_raw
from xbarsim.analysis.simulate import simulate
from xbarsim.topologies import LayerStack, SourceLineArray, solve_source_lines, solve_stack

READ = 0.2
ON, OFF = 2e3, 1e12
PATTERNS = 20
LAYERS = (1, 2, 4)
MOST = 20_000
"""Cells that the general solver is tried on."""
COLUMNS = (
    "| cells | lines | ngspice s | `xbarsim solve` s | of that reading | network s | recognising | array s "
    "| ms a pattern | ngspice / pattern | currents apart |"
)
STACKS = (
    "| layers | lines | as a crossbar | ms a vector | that many crossbars, ms | network s | recognising | array s "
    "| currents apart |"
)
GATES = {"resistors": 1.0, "transistors": 1.5}
"""What is on, of cells that arrays from Python have: those that leak are netlists' only."""
TRANSISTOR = {
    "transistors": (".model n nmos(level=1 kp=2e-4 vto=0.5 lambda=0.02 is=1e-40)", ".options gmin=1e-18"),
    "transistors that leak": (".model n nmos(level=1 kp=2e-4 vto=0.5 lambda=0.02)",),
}


def array(lines: int, device: xbarsim.Transistor | None = None) -> SourceLineArray:
    """Cells log-uniform 1k..1M, wires and ends of 1 ohm."""
    g = 10 ** -np.random.default_rng(lines).uniform(3, 6, (lines, lines))
    access = 0.0 if device is not None else ON
    return SourceLineArray(
        g, source_wire=1.0, bit_wire=1.0, driver=1.0, sense=1.0, access=access, device=device
    )  # fmt: skip


def write(path: Path, lines: int, cells: str) -> np.ndarray:
    """Write one pattern of such an array as a netlist; return the gates that are on."""
    circuit = array(lines)
    on = np.random.default_rng(lines + 1).integers(0, 2, lines)
    cards = ["source lines along bit lines"]
    for j in range(lines):
        cards += [f"vs{j} x{j} 0 {READ}", f"rd{j} x{j} s0_{j} 1", f"vo{j} y{j} 0 0", f"rq{j} b{lines - 1}_{j} y{j} 1"]
        for i in range(lines):
            if i < lines - 1:
                cards += [f"rs{i}_{j} s{i}_{j} s{i + 1}_{j} 1", f"rb{i}_{j} b{i}_{j} b{i + 1}_{j} 1"]
            cards.append(f"rc{i}_{j} b{i}_{j} m{i}_{j} {1 / float(circuit.conductance[i, j])!r}")
            if cells == "resistors":
                cards.append(f"rt{i}_{j} m{i}_{j} s{i}_{j} {ON if on[i] else OFF!r}")
            else:
                cards.append(f"m{i}_{j} m{i}_{j} g{i} s{i}_{j} {'s' + str(i) + '_' + str(j)} n w=1 l=1")
    if cells != "resistors":
        cards += [f"vg{i} g{i} 0 {1.5 * on[i]}" for i in range(lines)]
        cards += TRANSISTOR[cells]
    cards += [f".save {' '.join(f'i(vo{j})' for j in range(lines))}", ".op", ".end", ""]
    path.write_text("\n".join(cards), "utf-8")
    return on


def timed(work: Callable[[], object]) -> float:
    """Return the least seconds of the processor of three runs, the first of which may compile."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def columns(lines: int, cells: str, folder: Path) -> str:
    deck, ours, theirs = folder / "deck.sp", folder / "ours.json", folder / "theirs.raw"
    on = write(deck, lines, cells)
    solve = [sys.executable, "-m", "xbarsim", "solve", "--quiet", "--netlist", str(deck), "--format", "json"]
    solve += ["--output", str(ours)]
    here = {"PYTHONPATH": str(provenance.ROOT), "NUMBA_NUM_THREADS": "1"}
    whole = min(seconds(solve, folder, **here) for _ in range(3))
    other = seconds(["ngspice", "-n", "-b", "-r", str(theirs), str(deck)], folder)
    answer = json.loads(ours.read_text("utf-8"))
    assert "source lines along bit lines" in answer["reason"], answer["reason"]
    currents = answer["analyses"][0]["source_currents"]
    (plot,) = read_raw(theirs.read_bytes())
    names = [f"vo{j}" for j in range(lines)]
    mine = np.array([currents[name] for name in names])
    apart = np.abs(mine - [plot.values[f"i({name})"][0] for name in names]).max() / np.abs(mine).max()
    reading = timed(lambda: netlist.read(deck))
    circuit = netlist.read(deck)
    network = timed(lambda: simulate(circuit, None))
    recognising = timed(lambda: netlist.Circuit.of(circuit).recognise())
    as_array = timed(lambda: simulate(circuit, circuit.recognise()))
    numbers = [f"{value:.3g}" for value in (other, whole, reading, network, recognising, as_array)]
    numbers += ["-", "-"]
    if cells in GATES:
        device = xbarsim.Transistor(0.0, 2e-4, 0.5, 0.02) if cells == "transistors" else None
        gates = GATES[cells] * np.random.default_rng(0).integers(0, 2, (PATTERNS, lines))
        batch = timed(partial(solve_source_lines, array(lines, device), gates, READ, threads=1)) / PATTERNS
        numbers[-2:] = [f"{1e3 * batch:.3g}", f"**{other / batch:.0f}**"]
    assert on.any()
    return f"| {' | '.join([cells, str(lines), *numbers, f'{apart:.1e}'])} |"


def draw(built: LayerStack, volts: np.ndarray, path: Path) -> None:
    """Write a stack of 1 ohm wires and ends as it is drawn: a node at each place of a plane's lines."""
    layers, rows, cols = built.shape
    cards = ["layers that share lines"]
    for plane in range(layers + 1):
        word = (plane + (built.first == "word")) % 2 == 1
        for i in range(rows):
            for j in range(cols):
                node, ahead = f"n{plane}_{i}_{j}", f"n{plane}_{i}_{j + 1}" if word else f"n{plane}_{i + 1}_{j}"
                if (j + 1 < cols) if word else (i + 1 < rows):
                    cards.append(f"rw{plane}_{i}_{j} {node} {ahead} 1")
                if plane < layers:
                    ohms = 1 / float(built.conductance[plane, i, j])
                    cards.append(f"rc{plane}_{i}_{j} {node} n{plane + 1}_{i}_{j} {ohms!r}")
        for k in range(rows if word else cols):
            held = float(volts[plane // 2, k]) if word else 0.0
            end = f"n{plane}_{k}_0" if word else f"n{plane}_{rows - 1}_{k}"
            cards += [f"re{plane}_{k} e{plane}_{k} {end} 1", f"v{plane}_{k} e{plane}_{k} 0 {held!r}"]
    path.write_text("\n".join([*cards, ".op", ".end", ""]), "utf-8")


def stack(layers: int, lines: int, folder: Path) -> str:
    rng = np.random.default_rng(lines)
    g = 10 ** -rng.uniform(3, 6, (layers, lines, lines))
    wires = {"word_wire": 1.0, "bit_wire": 1.0, "driver": 1.0, "sense": 1.0}
    built = LayerStack(g, **wires)
    volts = rng.uniform(0.1, 0.5, (PATTERNS, *built.plane_lines("word_left")))
    one = timed(lambda: solve_stack(built, volts, method="schur", threads=1)) / PATTERNS
    plain = xbarsim.Crossbar(g[0], **wires)
    flat = timed(lambda: xbarsim.solve(plain, volts[:, 0], method="schur", threads=1)) / PATTERNS
    deck = folder / "stack.sp"
    draw(built, volts[0], deck)
    circuit = netlist.read(deck)
    recognising = timed(lambda: netlist.Circuit.of(circuit).recognise())
    recognition = circuit.recognise()
    assert recognition.shape == built.crossbar.shape, recognition.reason
    as_array = timed(lambda: simulate(circuit, recognition))
    network = apart = "-"
    if built.conductance.size <= MOST:
        network = f"{timed(lambda: simulate(circuit, None)):.3g}"
        mine, theirs = (simulate(circuit, way)[0].currents for way in (recognition, None))
        apart = f"{np.abs(mine - theirs).max() / np.abs(theirs).max():.1e}"
    size = " x ".join(map(str, built.crossbar.shape))
    numbers = [
        f"{1e3 * one:.3g}",
        f"{1e3 * layers * flat:.3g}",
        network,
        f"{recognising:.3g}",
        f"{as_array:.3g}",
        apart,
    ]
    return f"| {layers} | {lines} | {size} | {' | '.join(numbers)} |"


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--lines", type=int, nargs="*", default=[64, 128], metavar="LINES")
    options = parser.parse_args()
    page = [
        "# Arrays as they are built",
        "",
        f"`python validation/built.py --write`; {spice.version('process')}. Seconds are the processor's, one thread's.",
        "",
        "Source lines along bit lines: memristors of 1 kohm to 1 Mohm, wires and ends of 1 ohm, half of the rows on.",
        f"Off resistors are {OFF:g} ohm; transistors are level 1. `network` is xbarsim's general solver, `array` the",
        f"array that the netlist is recognised as; patterns are a batch of {PATTERNS} from Python. Start-up is most of",
        "`xbarsim solve`. Ladders are easy for any sparse solver: what an array gains is a pattern's time.",
        "",
        COLUMNS,
        "|" + "---|" * (COLUMNS.count("|") - 1),
    ]  # fmt: skip
    print("\n".join(page), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for cells in ("resistors", *TRANSISTOR):
            for lines in options.lines:
                page.append(columns(lines, cells, folder))
                print(page[-1], flush=True)
        more = [
            "",
            "Stacks of square layers, bit lines lowest, from Python against as many crossbars apart; and from netlists",
            "of one node at each place of a shared line, `network` and `array` as above.",
            "",
            STACKS,
            "|" + "---|" * (STACKS.count("|") - 1),
        ]
        print("\n".join(more), flush=True)
        page += more
        for layers in LAYERS:
            for lines in options.lines:
                page.append(stack(layers, lines, folder))
                print(page[-1], flush=True)
    if options.write:
        provenance.write_page("built.md", "\n".join(page))


if __name__ == "__main__":
    main()
