"""Random networks of what real files hold beside plain resistors, solved by xbarsim and by ngspice.

    python validation/elements.py                     # 500 networks
    python validation/elements.py --seed 7000 --count 200
    python validation/elements.py --write             # and writes validation/results/elements.md

Resistors with models, sheets, temperatures and negative values, switches, diodes, laws with roots at 0 V, and sources
that ask for the current of any of them. ngspice's tolerances are set far below the one that counts here.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import oracle
import provenance

from xbarsim.analysis.simulate import simulate
from xbarsim.errors import XbarsimError
from xbarsim.netlist import read
from xbarsim.spice import version

AGREE = 1e-7
MODELS = (
    ".param p=2",
    ".model rm r(rsh=40 tc1=1m tc2=-2u narrow=0.1u r=700)",
    ".model dm d(is=1e-13 n=1.5)",
    ".model sx sw(vt=0.3 ron=50 roff=50k)",
    ".model sh sw(vt=0.2 vh=0.1 ron=80 roff=20k)",
    ".model wx csw(it=0.1m ron=70 roff=30k)",
    ".options reltol=1e-9 abstol=1e-18 vntol=1e-14",
)
OHMS = (
    "rm l=10u w=1u", "rm 3k", "1k rm", "2.2k tc1=2m", "1k m=3 scale=2", "rm", "{500*p} tc2=3u dtemp=10", "3k tce=0.2",
    "800 rm temp=50",
)  # fmt: skip
ROOTS = (
    "1m*v({a},{b})*sqrt(abs(v({a},{b})))", "1m*v({a},{b})*exp(sqrt(abs(v({a},{b}))/0.3))",
    "1m*pwr(v({a},{b}),1.5)", "0.1m*sgn(v({a},{b}))*(exp(sqrt(abs(v({a},{b}))/0.2))-1)", "0.1m*tanh(v({a},{b}))",
)  # fmt: skip


def netlist(seed: int) -> tuple[str, Counter[str]]:
    """Return a random network's text, and how many of each kind it has."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 8))
    nodes = [*(f"n{k}" for k in range(count)), "0"]
    names: list[str] = []
    cards = [*MODELS, f".temp {rng.integers(-20, 90)}"]
    kinds: Counter[str] = Counter()

    def add(kind: str, name: str, words: str) -> None:
        cards.append(f"{name} {words}")
        names.append(name)
        kinds[kind] += 1

    for k in range(count):
        add("plain", f"Rg{k}", f"n{k} {nodes[(k + 1) % (count + 1)]} {10 ** rng.uniform(2, 4):.2f}")
    for k in range(int(rng.integers(1, 3))):
        cards.append(f"V{k} s{k} 0 {0 if rng.random() < 0.3 else rng.uniform(-1, 1):.3f}")
        add("plain", f"Rs{k}", f"s{k} {nodes[rng.integers(count)]} 100")
    # Switches that feed back on themselves have several operating points: these do not.
    cards += [f"Ic 0 vc {rng.uniform(-0.3e-3, 0.3e-3):.6f}", "Vc vc 0 0"]
    for k in range(int(rng.integers(3, 12))):
        a, b = (nodes[int(at)] for at in rng.choice(len(nodes), 2, replace=False))
        c, d = (nodes[int(at)] for at in rng.choice(len(nodes), 2, replace=False))
        kind = str(rng.choice(["negative", "resistor", "switch", "current switch", "diode", "gain", "source", "law"]))
        if kind == "negative":
            add(kind, f"R{k}", f"{a} {b} -{10 ** rng.uniform(4, 6):.1f}")
        elif kind == "resistor":
            add(kind, f"R{k}", f"{a} {b} {rng.choice(OHMS)}")
        elif kind == "switch":
            add(kind, f"S{k}", f"{a} {b} s0 0 {rng.choice(['sx', 'sh', 'sx on', 'sh on', 'sh off'])}")
        elif kind == "current switch":
            add(kind, f"W{k}", f"{a} {b} Vc wx")
        elif kind == "diode":
            add(kind, f"D{k}", f"{a} {b} dm")
        elif kind == "gain":
            add(kind, f"G{k}", f"{a} {b} {c} {d} {10 ** rng.uniform(-6, -4):.8f}")
        elif kind == "source":
            add(kind, f"I{k}", f"{a} {b} {rng.uniform(-1e-4, 1e-4):.7f}")
        else:
            add(kind, f"B{k}", f"{a} {b} i={str(rng.choice(ROOTS)).format(a=a, b=b)}")
    for k in range(int(rng.integers(1, 4))):
        cards += [f"Bo{k} o{k} 0 v=1k*i({rng.choice(names)})+{rng.uniform(0, 1):.2f}*v(n0)", f"Ro{k} o{k} 0 1k"]
        kinds["current asked for"] += 1
    return "\n".join([f"network {seed}", *cards, ".op", ".end", ""]), kinds


def compare(seed: int, folder: Path) -> tuple[str, float, Counter[str]]:
    """Return what came of a network, and the largest difference relative to the largest voltage."""
    path = folder / "e.cir"
    text, kinds = netlist(seed)
    path.write_text(text)
    answer = oracle.run(path)
    try:
        circuit = read(path)
        (result,) = simulate(circuit, circuit.recognise())
    except XbarsimError:
        return ("xbarsim refuses" if answer.plots else "both refuse"), 0.0, kinds
    if not answer.plots:
        return "ngspice refuses", 0.0, kinds
    theirs = answer.plots[0].values
    gaps = [
        abs(value - float(theirs[f"v({name})"][0]))
        for name, value in zip(result.nodes, result.voltages[0].tolist(), strict=True)
    ]
    difference = max(gaps) / float(np.abs(result.voltages).max() or 1.0)
    return ("equal" if difference <= AGREE else "DIFFERS"), difference, kinds


def main() -> None:
    """Run from the command line."""
    options = provenance.parser(__doc__, count=500).parse_args()
    start = time.perf_counter()
    verdicts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    differences = []
    with tempfile.TemporaryDirectory() as name:
        for seed in range(options.seed, options.seed + options.count):
            verdict, difference, present = compare(seed, Path(name))
            verdicts[verdict] += 1
            kinds += present
            differences.append(difference)
            if verdict == "DIFFERS":
                print(f"seed {seed}: {difference:.1e}")
    page = "\n".join(
        [
            "# Elements of real files against ngspice",
            "",
            f"`python validation/elements.py --seed {options.seed} --count {options.count} --write`, {version()}",
            "",
            f"- networks: {options.count}; {', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}",
            *(f"- {verdict}: {verdicts[verdict]}" for verdict in ("equal", "both refuse", "xbarsim refuses")),
            f"- ngspice refuses: {verdicts['ngspice refuses']}",
            f"- **different by more than {AGREE:g} of the largest voltage: {verdicts['DIFFERS']}**",
            f"- largest difference {max(differences):.1e}, median {np.median(differences):.1e}",
            "",
        ]
    )
    print(page)
    print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
    if options.write:
        provenance.write_page("elements.md", page)
    sys.exit(verdicts["DIFFERS"] > 0)


if __name__ == "__main__":
    main()
