"""Random netlists that are crossbars but for something, and 1T1R arrays as people draw them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

TIGHT = ".options reltol=1e-10 abstol=1e-18 vntol=1e-13 itl1=1000"
"""For ngspice's Newton steps on circuits with transistors; linear circuits need nothing."""


@dataclass
class Deck:
    """A netlist as it grows: element lines, and which nodes elements join."""

    rng: np.random.Generator
    lines: list[str] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)

    def join(self, name: str, a: str, b: str, value: float) -> None:
        """Add an element of two nodes."""
        self.lines.append(f"{name} {a} {b} {float(value)!r}")
        self.edges.append((a, b))

    @property
    def connected(self) -> bool:
        """Whether every node has a path to ground."""
        names = sorted({node for edge in self.edges for node in edge} | {"0"})
        number = {name: k for k, name in enumerate(names)}
        a, b = (np.array([number[edge[end]] for edge in self.edges]) for end in (0, 1))
        graph = coo_array((np.ones(a.size), (a, b)), (len(names), len(names)))
        return int(connected_components(graph, directed=False)[0]) == 1

    def text(self, kind: str) -> str:
        """Return the netlist, its elements shuffled in half of all."""
        lines = list(self.lines)
        if self.rng.random() < 0.5:
            self.rng.shuffle(lines)
        return "\n".join([kind, *lines, *self.tail, ".op", ".end", ""])


def netlist(seed: int) -> tuple[str, str]:
    """Return what netlist number ``seed`` is called, and its text."""
    rng = np.random.default_rng([seed, 34])
    while True:
        deck = Deck(rng)
        kind = transistors(deck) if seed % 2 else linear(deck)
        if deck.connected:
            return kind, deck.text(kind)


def _array(deck: Deck, rows: int, cols: int, cells: float = 1.0) -> None:
    """Add wires, drivers and resistors for cells; ``cells`` is the share of places that have one."""
    rng = deck.rng
    wire = 10 ** rng.uniform(-1, 1)
    for i in range(rows):
        deck.join(f"vin{i}", f"in{i}", "0", rng.uniform(-0.5, 0.5))
        deck.join(f"rd{i}", f"in{i}", f"w{i}_0", 10 ** rng.uniform(0, 2))
        for j in range(cols - 1):
            deck.join(f"rw{i}_{j}", f"w{i}_{j}", f"w{i}_{j + 1}", wire)
    for j in range(cols):
        for i in range(rows - 1):
            deck.join(f"rb{i}_{j}", f"b{i}_{j}", f"b{i + 1}_{j}", 1.3 * wire)
    for i, j in np.ndindex(rows, cols):
        if rng.random() < cells:
            deck.join(f"rc{i}_{j}", f"w{i}_{j}", f"b{i}_{j}", 10 ** rng.uniform(3, 6))


def _sense(deck: Deck, rows: int, cols: int) -> None:
    for j in range(cols):
        deck.join(f"rs{j}", f"b{rows - 1}_{j}", f"o{j}", 10 ** deck.rng.uniform(0, 2))
        deck.join(f"vo{j}", f"o{j}", "0", 0.0)


def _amplifiers(deck: Deck, rows: int, cols: int) -> None:
    """Transimpedance amplifiers: a gain of 1e3 to 1e6 and a resistor back."""
    gain, back = 10 ** deck.rng.uniform(3, 6), 10 ** deck.rng.uniform(3, 5)
    for j in range(cols):
        deck.lines.append(f"ea{j} o{j} 0 0 b{rows - 1}_{j} {float(gain)!r}")
        deck.edges.append((f"o{j}", "0"))
        deck.join(f"rf{j}", f"o{j}", f"b{rows - 1}_{j}", back)


def _defect(deck: Deck, rows: int, cols: int, *, cut: bool = True) -> str:
    """Spoil the array by something, and say by what; by cutting wires only if ``cut``."""
    rng = deck.rng

    def place(layer: str = "") -> str:
        return f"{layer or rng.choice(['w', 'b'])}{rng.integers(rows)}_{rng.integers(cols)}"

    kinds = ["a bridge", "a leak", "a current", "nothing", "a parallel cell", "a hub"]
    defect = str(rng.choice([*kinds, "missing wires"] if cut else kinds))
    if defect == "a bridge":
        deck.join("rx0", place(), place(), 10 ** rng.uniform(0, 5))
    elif defect == "missing wires":
        wires = [k for k, line in enumerate(deck.lines) if line.startswith(("rw", "rb"))]
        for k in sorted(rng.choice(wires, min(3, len(wires)), replace=False).tolist(), reverse=True):
            del deck.lines[k], deck.edges[k]
    elif defect == "a leak":
        deck.join("rx0", place(), "0", 10 ** rng.uniform(4, 9))
    elif defect == "a current":
        deck.lines.append(f"ix0 0 {place()} {float(rng.uniform(-1e-4, 1e-4))!r}")
    elif defect == "a parallel cell":
        k = next((k for k, line in enumerate(deck.lines) if line.startswith("rc")), None)
        if k is not None:
            deck.join("rx0", *deck.edges[k], 10 ** rng.uniform(3, 6))
    elif defect == "a hub":
        for i in range(rows):
            deck.join(f"rx{i}", f"w{i}_{cols - 1}", "hub", 10 ** rng.uniform(2, 4))
    return defect


def linear(deck: Deck) -> str:
    """Add a crossbar of ohmic cells that is none for one reason or another."""
    rng = deck.rng
    rows, cols = int(rng.integers(2, 9)), int(rng.integers(2, 9))
    _array(deck, rows, cols, rng.choice([1.0, 0.8]))
    # Wires are taken before the ends are added, so that lines' numbers are those of the array.
    defect = _defect(deck, rows, cols)
    ends = "amplifiers" if rng.random() < 0.4 else "resistors"
    (_amplifiers if ends == "amplifiers" else _sense)(deck, rows, cols)
    return f"ohmic with {defect}, {ends}"


def _card(rng: np.random.Generator) -> str:
    """Return a level-1 model card, as bare or as full as such are."""
    words = [f"vto={rng.uniform(0.3, 0.8):.3f}"]
    if rng.random() < 0.7:
        words += [f"kp={rng.uniform(20, 200):.1f}u"]
    else:
        words += ["tox=14n", "uo=550"]
    options = {
        "level=1": 0.7, f"gamma={rng.uniform(0.2, 0.6):.2f}": 0.5, f"phi={rng.uniform(0.5, 0.8):.2f}": 0.5,
        f"lambda={rng.uniform(0, 0.1):.3f}": 0.6, f"is={10 ** rng.uniform(-16, -12):.3g}": 0.3,
        "rsh=20": 0.15, "rd=15 rs=10": 0.15, "cgso=2e-10 cgdo=2e-10 cj=3e-4": 0.3, "ld=0.05u": 0.2, "nsub=4e15": 0.2,
        "js=1e-4": 0.1,
    }  # fmt: skip
    return " ".join([*words, *(word for word, share in options.items() if rng.random() < share)])


def transistors(deck: Deck) -> str:
    """Add a 1T1R array."""
    rng = deck.rng
    rows, cols = int(rng.integers(2, 7)), int(rng.integers(2, 7))
    _array(deck, rows, cols, 0.0)
    _sense(deck, rows, cols)
    by_row, on_word = rng.random() < 0.6, rng.random() < 0.75
    bulk = str(rng.choice(["ground", "ground", "source", "well"]))
    ladder = rng.random() < 0.2
    for k in range(rows if by_row else cols):
        # Where all are off, what flows is less than ngspice's voltages resolve.
        deck.join(f"vg{k}", f"g{k}", "0", float(rng.choice([1.2, 1.8, 3.0] if k < 2 else [0.0, 1.2, 1.8, 3.0])))
    if bulk == "well":
        deck.join("vwell", "well", "0", -0.3)
    size = f"w={rng.uniform(1, 20):.2f}u l={rng.choice([0.5, 1.0, 2.0])}u"
    size += " ad=6p as=6p pd=11u ps=11u nrd=0.5 nrs=0.5" if rng.random() < 0.3 else ""
    for i, j in np.ndindex(rows, cols):
        if rng.random() < 0.07:
            continue
        ends = (f"w{i}_{j}", f"b{i}_{j}") if on_word else (f"b{i}_{j}", f"w{i}_{j}")
        gate = f"g{i if by_row else j}"
        if ladder:
            before = f"h{i}_{j - 1}" if by_row else f"h{i - 1}_{j}"
            deck.join(f"rg{i}_{j}", before if any(before in edge for edge in deck.edges) else gate, f"h{i}_{j}", 40.0)
            gate = f"h{i}_{j}"
        node = {"ground": "0", "source": ends[1], "well": "well"}[bulk]
        deck.join(f"rm{i}_{j}", ends[0], f"x{i}_{j}", 10 ** rng.uniform(3.5, 6))
        deck.lines.append(f"m{i}_{j} x{i}_{j} {gate} {ends[1]} {node} acc {size}")
        deck.edges.append((f"x{i}_{j}", ends[1]))
    # A piece of line that hangs on transistors that are off has a voltage that ngspice's conductances do not resolve.
    defect = _defect(deck, rows, cols, cut=False) if rng.random() < 0.25 else "nothing"
    deck.tail += [f".model acc nmos({_card(rng)})", TIGHT]
    lines = "word" if by_row else "bit"
    return f"1T1R with {defect}, gates along {lines} lines{' of resistors' if ladder else ''}, bulks at {bulk}"
