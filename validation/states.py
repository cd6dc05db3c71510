"""Frozen states in random arrays: every cell's, no line's, and what sources deliver as if lines had no capacitance.

python validation/states.py                  # 300 arrays, about 3 minutes
python validation/states.py --count 1000 --seed 5
python validation/states.py --write          # writes validation/results/states.md

An array is 1 to 4 lines each way of cells in the forms in which memristor models are published
(tests/analysis/test_frozen_states.py, which has each form's current by hand), each cell drawn anew: in subcircuits,
or written out at the top where a form allows it. Three in five have capacitances with initial values at every node of
their lines. Expected: as many states as the cells have capacitors, and the sources' currents of the array without its
lines' capacitances, to 1e-10 of the largest.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import provenance

sys.path[:0] = [str(provenance.ROOT / "tests" / folder) for folder in ("", "analysis")]
from test_frozen_states import CELLS

from xbarsim.analysis.simulate import simulate
from xbarsim.netlist import read

FORMS = [form for form in CELLS if "integral" not in form and "own capacitance" not in form]
TOLERANCE = 1e-10
_VOLTS = re.compile(r"v\(([^(),]+)(?:,([^(),]+))?\)")
_AMPERES = re.compile(r"(?<![a-z])i\(([^()]+)\)")


def written_out(cell: str, mark: str, word: str, bit: str) -> str | None:
    """Return a cell's lines with names of their own, or None where it has definitions inside."""
    lines = cell.split("\n")
    if any(line.startswith((".subckt", ".param", ".func", "x")) for line in lines):
        return None
    ports = {"p": word, "n": bit, "0": "0"}

    def node(name: str) -> str:
        return ports.get(name, f"{name}_{mark}")

    cards = []
    for line in lines:
        line = _VOLTS.sub(lambda m: f"v({node(m[1])}{',' + node(m[2]) if m[2] else ''})", line)
        line = _AMPERES.sub(rf"i(\1_{mark})", line)
        if not line.startswith(".ic"):
            name, first, second, tail = line.split(" ", 3)
            words = tail.split()
            if name[0] in "eg" and "=" not in tail:
                words[:2] = map(node, words[:2])
            elif name[0] in "fh" and "=" not in tail:
                words[0] += f"_{mark}"
            line = " ".join([f"{name}_{mark}", node(first), node(second), *words])
        cards.append(line)
    return "\n".join(cards)


def array(rng: random.Random) -> tuple[str, str, int, int]:
    """Return an array with and without capacitances of its lines, its rows, and how many states it has."""
    rows, cols, flat, loaded = rng.randint(1, 4), rng.randint(1, 4), rng.random() < 0.5, rng.random() < 0.6
    lines, loads, subcircuits, states = ["array"], list[str](), dict[int, str](), 0
    for i in range(rows):
        lines += [f"v{i} s{i} 0 {0.05 * (i + 1)}", f"r{i} s{i} w{i}_0 {rng.choice([1, 100])}"]
        for j in range(cols):
            lines += [f"rw{i}_{j} w{i}_{j} w{i}_{j + 1} 2"] * (j + 1 < cols)
            lines += [f"rb{i}_{j} b{i}_{j} b{i + 1}_{j} 3"] * (i + 1 < rows)
            loads += [f"cw{i}_{j} w{i}_{j} 0 1f ic=0", f"cb{i}_{j} b{i}_{j} 0 1f ic=0.1"]
            form = rng.randrange(len(FORMS))
            cell = CELLS[FORMS[form]][0]
            states += len(re.findall(r"(?m)^c\w+ ", cell))
            text = written_out(cell, f"{i}{j}", f"w{i}_{j}", f"b{i}_{j}") if flat else None
            if text is None:
                subcircuits[form], text = cell, f"x{i}{j} w{i}_{j} b{i}_{j} cell{form}"
            lines.append(text)
    lines += [f"ro{j} b{rows - 1}_{j} 0 5" for j in range(cols)]
    lines += [f".subckt cell{form} p n\n{cell}\n.ends" for form, cell in subcircuits.items()]
    rng.shuffle(loads)
    plain = "\n".join(lines) + "\n.op\n"
    return "\n".join([*lines, *(loads if loaded else [])]) + "\n.op\n", plain, rows, states


def check(folder: Path, rng: random.Random) -> tuple[int, float, list[str]]:
    """Return how many states an array has, by how much its currents differ, and what is wrong."""
    text, plain, rows, states = array(rng)
    currents = []
    wrong: list[str] = []
    for name, content in (("array.sp", text), ("plain.sp", plain)):
        (folder / name).write_text(content, encoding="utf-8")
        circuit = read(folder / name)
        if len(circuit.states) != states:
            wrong.append(f"{len(circuit.states)} states of {states}")
        (result,) = simulate(circuit)
        amperes = dict(zip(result.branches, result.currents[0].tolist(), strict=True))
        currents.append([amperes[f"v{i}"] for i in range(rows)])
    scale = max(map(abs, currents[1]))
    differ = max(abs(a - b) for a, b in zip(*currents, strict=True)) / scale
    if not differ <= TOLERANCE:
        wrong.append(f"currents differ by {differ:.1e}")
    return states, differ, wrong


def main() -> None:
    """Check random arrays."""
    options = provenance.parser(__doc__, count=300).parse_args()
    totals, faults, largest = Counter[str](), list[str](), 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            states, differ, wrong = check(Path(folder), random.Random(f"{options.seed} {number}"))
            totals["states"] += states
            largest = max(largest, differ)
            faults += [f"array {number}: {fault}" for fault in wrong]
    command = f"python validation/states.py --seed {options.seed} --count {options.count}"
    report = [
        "# Frozen states in random arrays",
        "",
        f"`{command}`",
        "",
        f"- arrays: {options.count}, of cells in {len(FORMS)} forms; states: {totals['states']}",
        f"- states missed, lines held, or other currents than without their lines' capacitances: {len(faults)}",
        f"- largest difference of a source's current: {largest:.1e} of the largest",
        *(f"- {fault}" for fault in faults),
    ]
    print("\n".join(report))
    if options.write:
        provenance.write_page("states.md", "\n".join(report))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
