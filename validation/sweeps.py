"""Random sweeps over sources, resistors, temperature, parameters and models, against ngspice.

    python validation/sweeps.py                       # 100 netlists
    python validation/sweeps.py --seed 7 --count 50
    python validation/sweeps.py --write               # and writes validation/results/sweeps.md

Where ngspice has the card (``.dc`` of one or two of V, I, R and temp) it runs the same netlist. Where it has not
(``.step``, HSPICE's forms, parameters, models, ``.control`` loops with ``alter``) it solves the circuit written out by
hand for each point: words put in the place of words, sharing no code with the sweep. Compared are all voltages and the
sources' currents, relative to the largest of the analysis.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import provenance
from numpy.typing import NDArray

from xbarsim import spice
from xbarsim.analysis import runs
from xbarsim.analysis.results import AnalysisResult
from xbarsim.spice import version

EXACT = ".options reltol=1e-11 abstol=1e-19 vntol=1e-15 itl1=500 itl2=500\n"
SOURCES = {"v1": "V1", "i1": "I1"}

CIRCUIT = """title
v1 a 0 {V1}
r1 a b {R1} m={M1} tc1={TC}
r2 b c {{rx*{K2}}}
r3 c 0 {R3}
i1 0 c {I1}
e1 d 0 c b {E1}
r4 d 0 1k
x1 b c cell w={{wx}}
d1 c 0 dm
.model dm d(is={IS} n={N} rs=5 tnom=27)
.param rx={RX} wx={WX}
.temp {TEMP}
.subckt cell p n w=1
.if (w > 1)
r1 p n '2k*w'
.else
r1 p n '3k/w'
.endif
.ends
"""


def values_of(rng: np.random.Generator) -> dict[str, float]:
    """Return a random circuit's numbers."""
    ohms = {key: float(10 ** rng.uniform(2.5, 4.5)) for key in ("R1", "R3", "RX")}
    return ohms | {
        "V1": float(rng.uniform(-1, 1)),
        "I1": float(rng.uniform(-1e-3, 1e-3)),
        "E1": float(rng.uniform(-2, 2)),
        "M1": float(rng.integers(1, 4)),
        "K2": float(rng.uniform(0.5, 2)),
        "TC": float(rng.uniform(-1e-3, 3e-3)),
        "IS": float(10 ** rng.uniform(-15, -11)),
        "N": float(rng.uniform(1, 1.8)),
        "WX": float(rng.choice([0.5, 1.5, 3.0])),
        "TEMP": float(rng.uniform(0, 60)),
    }


PLACES = {"v1": "V1", "i1": "I1", "r1": "R1", "temp": "TEMP", "rx": "RX", "wx": "WX", "dm(is)": "IS"}
NATIVE = ("v1", "i1", "r1", "r3", "temp")


def range_of(name: str, rng: np.random.Generator) -> list[float]:
    """Return start, stop and step of a sweep."""
    low, high = {"v1": (-1, 1), "i1": (-1e-3, 1e-3), "temp": (-20, 120), "wx": (0.5, 3), "dm(is)": (1e-15, 1e-12)}.get(
        name, (300.0, 2e4)
    )
    start, stop = sorted(rng.uniform(low, high, 2).tolist())
    return [start, stop, (stop - start) / float(rng.integers(1, 4)) * 0.999]


def native(rng: np.random.Generator) -> tuple[str, str]:
    """Return a card that ngspice has."""
    names = rng.choice(NATIVE, int(rng.integers(1, 3)), replace=False).tolist()
    words = [f"{name} {' '.join(repr(x) for x in range_of(name, rng))}" for name in names]
    return f".dc of {len(names)}", f".dc {' '.join(words)}\n"


def by_hand(rng: np.random.Generator) -> tuple[str, str]:
    """Return cards that ngspice lacks, or a block that it would run point by point."""
    form = str(rng.choice([".step", ".dc in HSPICE's words", ".dc of a parameter", ".control", "nested"]))
    names = rng.permutation(["rx", "wx", "r1", "temp", "dm(is)", "v1"]).tolist()
    start, stop, step = range_of(names[0], rng)
    if form == ".step":
        swept = {"rx": "param rx", "wx": "param wx", "dm(is)": "d dm(is)"}.get(names[0], names[0])
        listed = f"list {start!r} {stop!r} {(start + stop) / 2!r}"
        tail = listed if rng.random() < 0.5 else f"{start!r} {stop!r} {step!r}"
        return form, f".step {swept} {tail}\n.op\n"
    if form == ".dc in HSPICE's words":
        tail = [
            f"start={start!r} stop={stop!r} step={step!r}",
            f"lin 3 {start!r} {stop!r}",
            f"poi 2 {stop!r} {start!r}",
        ]
        return form, f".dc {names[0]} {rng.choice(tail)}\n"
    if form == ".dc of a parameter":
        start, stop, step = range_of("rx", rng)
        return form, f".dc rx {start!r} {stop!r} {step!r} temp 0 80 40\n"
    if form == ".control":
        numbers = " ".join(repr(x) for x in rng.uniform(300, 2e4, 3).tolist())
        return form, f".control\nforeach r {numbers}\nalter r1 = $r\nop\nset temp = 50\nop\nend\n.endc\n"
    low, high, _ = range_of(names[1], rng)
    swept = {"rx": "param rx", "wx": "param wx", "dm(is)": "d dm(is)"}.get(names[1], names[1])
    return form, f".dc {names[0]} {start!r} {stop!r} {step!r}\n.step {swept} list {low!r} {high!r}\n"


def ngspice(text: str, folder: Path, result: AnalysisResult) -> NDArray[np.float64]:
    """Return what ngspice has for a result's columns, (points, columns)."""
    path = folder / "deck.cir"
    path.write_text(text + EXACT + ".end\n")
    (plot,) = spice.run(path, timeout=60).plots
    names = [*(f"v({node})" for node in result.nodes), *(f"i({name})" for name in result.branches)]
    return np.column_stack([plot.values[name] for name in names])


def expected(
    numbers: dict[str, float], cards: str, result: AnalysisResult, folder: Path, kind: str
) -> NDArray[np.float64]:
    """Return ngspice's numbers for all points of a result."""
    if kind in (".dc of 1", ".dc of 2"):
        return ngspice(CIRCUIT.format(**numbers) + cards, folder, result)
    rows = []
    axes = result.axes()
    for point in range(result.points):
        anew = {name: float(column[point]) for name, column in axes} | result.altered
        written_numbers = numbers | {PLACES[name]: value for name, value in anew.items()}
        rows.append(ngspice(CIRCUIT.format(**written_numbers) + ".op\n", folder, result))
    return np.concatenate(rows)


def main() -> None:
    """Run the comparison."""
    options = provenance.parser(__doc__, count=100).parse_args()
    rng = np.random.default_rng(options.seed)
    worst: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    points: dict[str, int] = defaultdict(int)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.count):
            numbers = values_of(rng)
            kind, cards = native(rng) if number % 2 else by_hand(rng)
            text = CIRCUIT.format(**numbers) + cards
            for result in runs.from_netlist(io.StringIO(text), "auto").results:
                ours = np.concatenate([result.voltages, result.currents], axis=1)
                theirs = expected(numbers, cards, result, Path(folder), kind)
                errors = [
                    float(np.abs(ours[:, part] - theirs[:, part]).max() / np.abs(theirs[:, part]).max())
                    for part in (slice(len(result.nodes)), slice(len(result.nodes), None))
                ]
                if max(errors) > 1e-9:
                    print(f"{number}: {max(errors):.1e} of {cards!r}, {numbers}", file=sys.stderr)
                worst[kind] = max(worst[kind], *errors)
                points[kind] += result.points
            count[kind] += 1
    lines = [
        "# Sweeps against ngspice",
        "",
        f"`python validation/sweeps.py --seed {options.seed} --count {options.count} --write`, {version()}",
        "",
        "| sweep | netlists | points | largest difference |",
        "|---|---|---|---|",
        *(f"| {kind} | {count[kind]} | {points[kind]} | {worst[kind]:.1e} |" for kind in sorted(worst)),
    ]
    print("\n".join(lines), f"\n{time.perf_counter() - start:.0f} s")
    if options.write:
        provenance.write_page("sweeps.md", "\n".join(lines))


if __name__ == "__main__":
    main()
