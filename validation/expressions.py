"""Random parameter expressions, evaluated by xbarsim and by ngspice.

    python validation/expressions.py                     # 3,000 expressions
    python validation/expressions.py --seed 7000 --count 500
    python validation/expressions.py --write             # and writes validation/results/expressions.md

Each expression is a source's value, ``v1 n1 0 {...}``, among parameters that ngspice and xbarsim read from the same
cards. What counts is that no value differs without a word: both give the same, or one of them refuses, or xbarsim
notes that ngspice reads the expression otherwise. ngspice refuses signs before names (``2*-a``), xbarsim what is not
finite on the way (``1/(1/0)``).
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import oracle
import provenance

from xbarsim.errors import XbarsimError
from xbarsim.netlist import read
from xbarsim.spice import version

AGREE = 1e-12
BATCH = 25

PARAMETERS = {"a": "3", "b": "-1.5", "c_1": "2k", "d": "{a*2+1}", "e2": "0.1", "zero": "0", "big": "7.5meg"}
_NUMBERS = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "0.1",
    "0.5",
    "2.5",
    "7.5",
    "10",
    "1e3",
    "1.5k",
    "20m",
    "3u",
    "1meg",
    "1e-3",
    ".25",
]
_INFIX = ["+", "-", "*", "/"] * 3 + ["%", "\\", "^", "**"]
_TRUTHS = ["<", ">", "<=", ">=", "==", "!=", "<>", "&&", "||"]
_FUNCTIONS = {
    "abs": 1, "sqrt": 1, "exp": 1, "ln": 1, "log": 1, "log10": 1, "sin": 1, "cos": 1, "tan": 1, "atan": 1, "arctan": 1,
    "sinh": 1, "cosh": 1, "tanh": 1, "asinh": 1, "sgn": 1, "int": 1, "nint": 1, "floor": 1, "ceil": 1, "sqr": 1,
    "acosh": 1, "atanh": 1, "asin": 1, "acos": 1, "min": 2, "max": 2, "pow": 2, "pwr": 2, "ternary_fcn": 3,
}  # fmt: skip


def expression(rng: np.random.Generator, depth: int = 0) -> str:
    """Return a random expression: sound for the most part, in blanks and signs as people and programs write them."""
    kind = rng.random() + 0.12 * depth
    if kind < 0.5:
        parts = [expression(rng, depth + 1)]
        for _ in range(int(rng.integers(1, 4))):
            table = _TRUTHS if rng.random() < 0.12 else _INFIX
            parts += [str(rng.choice(table)), expression(rng, depth + 1)]
        blank = " " if rng.random() < 0.2 else ""
        return blank.join(parts)
    if kind < 0.62:
        name = str(rng.choice(list(_FUNCTIONS)))
        return f"{name}({','.join(expression(rng, depth + 1) for _ in range(_FUNCTIONS[name]))})"
    if kind < 0.72:
        return f"({expression(rng, depth + 1)})"
    if kind < 0.78:
        condition, first, second = (expression(rng, depth + 2) for _ in range(3))
        return f"({condition} ? {first} : {second})" if rng.random() < 0.7 else f"{condition}?{first}:{second}"
    if kind < 0.84:
        return str(rng.choice(["-", "--", "!", "- ", "+"], p=[0.7, 0.1, 0.1, 0.05, 0.05])) + expression(rng, depth + 2)
    return str(rng.choice(_NUMBERS)) if rng.random() < 0.6 else str(rng.choice(list(PARAMETERS)))


@dataclass(frozen=True)
class Compared:
    """One expression: its values, None where it is refused, and whether xbarsim notes a difference."""

    text: str
    ours: float | None
    theirs: float | None
    noted: bool

    @property
    def verdict(self) -> str:
        """What came of it."""
        if self.ours is None or self.theirs is None:
            return {(True, True): "both refuse", (True, False): "xbarsim refuses"}.get(
                (self.ours is None, self.theirs is None), "ngspice refuses"
            )
        if self.noted:
            return "noted"
        scale = max(abs(self.ours), abs(self.theirs), 1e-300)
        return "equal" if abs(self.ours - self.theirs) <= AGREE * scale else "DIFFERS"


def deck(texts: list[str]) -> str:
    """Return a netlist of expressions."""
    lines = ["expressions", *(f".param {name}={value}" for name, value in PARAMETERS.items())]
    for k, text in enumerate(texts):
        lines += [f"v{k} n{k} 0 {{{text}}}", f"r{k} n{k} 0 1k"]
    return "\n".join([*lines, ".op", ".end", ""])


def ngspice(texts: list[str], folder: Path) -> list[float | None]:
    """Return ngspice's values; a batch that it refuses is halved until the culprits are alone."""
    path = folder / "e.cir"
    path.write_text(deck(texts))
    answer = oracle.run(path)
    if len(answer.plots) == 1:
        values = [float(answer.plots[0].values.get(f"v(n{k})", [math.nan])[0]) for k in range(len(texts))]
        if all(map(math.isfinite, values)) and not any("undefined" in line.lower() for line in answer.trouble):
            return list(values)
    if len(texts) == 1:
        return [None]
    half = len(texts) // 2
    return ngspice(texts[:half], folder) + ngspice(texts[half:], folder)


def xbarsim(text: str, folder: Path) -> tuple[float | None, bool]:
    """Return xbarsim's value of an expression, and whether it notes that ngspice's is another."""
    path = folder / "x.cir"
    path.write_text(deck([text]))
    try:
        circuit = read(path)
    except XbarsimError:
        return None, False
    return float(circuit.values[circuit.names.index("v0")]), any("ngspice reads" in note for note in circuit.notes)


def compare(seed: int, count: int) -> list[Compared]:
    """Draw and compare."""
    texts = [expression(np.random.default_rng(seed + k)) for k in range(count)]
    trials = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for start in range(0, count, BATCH):
            batch = texts[start : start + BATCH]
            for text, theirs in zip(batch, ngspice(batch, folder), strict=True):
                trials.append(Compared(text, *_turned(xbarsim(text, folder), theirs)))
    return trials


def _turned(ours: tuple[float | None, bool], theirs: float | None) -> tuple[float | None, float | None, bool]:
    return ours[0], theirs, ours[1]


def report(trials: list[Compared], seed: int, seconds: float) -> str:
    """Return the page of results."""
    counts = Counter(trial.verdict for trial in trials)
    noted = [trial for trial in trials if trial.verdict == "noted" and trial.ours != trial.theirs]
    lines = [
        "# Parameter expressions against ngspice",
        "",
        f"`python validation/expressions.py --seed {seed} --count {len(trials)} --write`, {version()}",
        "",
        f"- expressions: {len(trials)}, up to {max(len(trial.text) for trial in trials)} characters",
        f"- equal within {AGREE:g}: {counts['equal']}",
        f"- both refuse: {counts['both refuse']}",
        f"- ngspice alone refuses: {counts['ngspice refuses']}",
        f"- xbarsim alone refuses: {counts['xbarsim refuses']}",
        f"- noted by xbarsim as read otherwise by ngspice: {counts['noted']}, {len(noted)} of them with another value",
        f"- **different without a word: {counts['DIFFERS']}**",
        "",
        "| some of those noted | xbarsim | ngspice |",
        "|---|---|---|",
    ]
    shortest = sorted(noted, key=lambda trial: len(trial.text))[:8]
    lines += [
        f"| `{trial.text}` | {trial.ours:.6g} | {trial.theirs:.6g} |".replace("||", "\\|\\|") for trial in shortest
    ]
    print(f"{seconds:.0f} s", file=sys.stderr)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run from the command line."""
    parser = provenance.parser(__doc__, count=3000)
    parser.add_argument("--show", default="", help="print all expressions with this verdict")
    options = parser.parse_args()
    start = time.perf_counter()
    trials = compare(options.seed, options.count)
    page = report(trials, options.seed, time.perf_counter() - start)
    print(page)
    for trial in trials:
        if trial.verdict in ("DIFFERS", options.show):
            print(f"{trial.verdict}: {trial.text}: {trial.ours} {trial.theirs}")
    if options.write:
        provenance.write_page("expressions.md", page)
    sys.exit(any(trial.verdict == "DIFFERS" for trial in trials))


if __name__ == "__main__":
    main()
