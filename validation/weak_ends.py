"""Attack: small random circuits whose line ends are anything from 0 to 1e13 ohm, against 60 to 100 digits.

python validation/weak_ends.py                        # 2,000 circuits, prints the table
python validation/weak_ends.py --first 0 --count 5000 --save PART    # a part of them, its figures to a file
python validation/weak_ends.py --merge PART... --write      # all parts' table to validation/results

Every circuit is solved by every method that takes it, and each end current is held against the exact one, relative to
the circuit's largest. With gmpy2 installed mpmath is some ten times faster.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import provenance
from mpmath import mp, mpf

import xbarsim
from xbarsim import Crossbar, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.errors import ConvergenceError, ExtrapolationWarning, LawError, SolveError
from xbarsim.kernels.kirchhoff import FLOOR

sys.path.insert(0, str(provenance.ROOT / "tests"))
import mp_newton
import mp_reference

SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")
LINEAR = ("auto", "schur", "kron", "reference", "batch", "batch with fields")
NONLINEAR = ("newton", "newton, batch")
GOAL = 1e-12
ROUNDING = 1e-15
SMALLEST = mpf("1e-26")
"""Amperes: the nonlinear reference lays 1e-40 S to ground at every node, and that much must not count as an error."""


@dataclass
class Tally:
    """What one method did on all circuits."""

    circuits: int = 0
    raised: int = 0
    over: int = 0
    unseen: int = 0
    error: float = 0.0
    cells: float = 0.0
    residual: float = 0.0
    worst: list = field(default_factory=list)

    def add(self, tally: Tally) -> None:
        for name in ("circuits", "raised", "over", "unseen"):
            setattr(self, name, getattr(self, name) + getattr(tally, name))
        for name in ("error", "cells", "residual"):
            setattr(self, name, max(getattr(self, name), getattr(tally, name)))
        self.worst += tally.worst


def ohms_of_ends(rng: np.random.Generator, count: int) -> np.ndarray:
    """Ends of one side: all alike or each its own, from 0 to 1e13 ohm, some open."""
    ohms = 10 ** rng.uniform(-12, 13, count)
    kind = rng.integers(6)
    if kind == 0:
        ohms[:] = 10 ** rng.uniform(6, 13)
    elif kind == 1:
        ohms[:] = 10 ** rng.uniform(-12, 3)
    elif kind == 2:
        ohms = 10 ** rng.uniform(6, 13, count)
    elif kind == 3:
        ohms[:] = 0.0
    ohms = np.where(rng.random(count) < 0.1, 0.0, ohms)
    return np.where(rng.random(count) < rng.choice([0.0, 0.3, 0.8]), np.inf, ohms)


def ohms_of_wires(rng: np.random.Generator, shape: tuple[int, int], largest: float) -> np.ndarray:
    kind = rng.integers(4)
    if kind == 0:
        ohms = np.zeros(shape)
    elif kind == 1:
        ohms = np.full(shape, 10 ** rng.uniform(-3, 2))
    else:
        ohms = 10 ** rng.uniform(-12, largest, shape)
    return np.where(rng.random(shape) < rng.choice([0.0, 0.0, 0.1]), np.inf, ohms)


def draw(seed: int) -> tuple[Crossbar, np.ndarray]:
    """One circuit with two vectors of input voltages."""
    rng = np.random.default_rng([17, seed])
    linear = rng.random() < 0.65
    rows, cols = rng.integers(1, (7 if rng.random() < 0.9 else 9) if linear else 5, 2)
    top = rng.uniform(-5, -1)
    cells = 10 ** rng.uniform(top - rng.uniform(0, 10), top, (rows, cols))
    cells[rng.random((rows, cols)) < rng.choice([0.0, 0.0, 0.2, 0.5])] = 0.0
    levels = rng.choice([0.0, 0.3, 0.3, 1.0])
    ends = {}
    for side in ("word_right", "bit_top", "bit_bottom"):
        count = rows if side.startswith("word") else cols
        open_side = side != "bit_bottom" and rng.random() < 0.5
        ohms = np.full(count, np.inf) if open_side else ohms_of_ends(rng, count)
        volts = np.full(count, levels) if rng.random() < 0.3 else rng.uniform(-1, 1, count) * (rng.random() < 0.5)
        ends[side] = LineEnds(volts, ohms)
    largest = rng.choice([3.0, 6.0])
    crossbar = Crossbar(
        cells,
        word_wire=ohms_of_wires(rng, (rows, cols - 1), largest),
        bit_wire=ohms_of_wires(rng, (rows - 1, cols), largest),
        driver=ohms_of_ends(rng, rows),
        ends=ends,
        **({} if linear else {"device": law(rng, rows)}),
    )
    voltages = rng.uniform(-1, 1, (2, rows)) if rng.random() < 0.5 else rng.uniform(0.1, 1, (2, rows))
    if rng.random() < 0.2:
        voltages[:] = levels
    return crossbar, voltages


def law(rng: np.random.Generator, rows: int):
    match rng.integers(5):
        case 0:
            return Sinh(10 ** rng.uniform(-1.3, 0))
        case 1:
            return Selector(10 ** rng.uniform(-8, -4), 10 ** rng.uniform(-1.5, -0.5))
        case 2:
            x = np.array([-1.0, -0.4, -0.1, 0.0, 0.2, 0.5, 1.0])
            return Table(x, 1e-3 * np.sinh(x / rng.uniform(0.2, 1.0)))
        case 3:
            return Yakopcic(*10 ** rng.uniform(-1, 1, 2), rng.uniform(0.5, 4))
        case _:
            return Transistor(rng.uniform(0.3, 3.0, (rows, 1)), lam=rng.choice([0.0, 0.05]))


def solve(method: str, crossbar: Crossbar, voltages: np.ndarray) -> xbarsim.solution.Solution:
    """Solve both vectors by a method, one of them in a batch of 16 and more."""
    if "batch" not in method:
        return xbarsim.solve(crossbar, voltages[0], method=method)
    more = np.random.default_rng(3).uniform(-1, 1, (15, voltages.shape[1]))
    joined = (crossbar.boundary["word_left"].resistance == 0) & (crossbar.boundary["word_right"].resistance == 0)
    more[:, joined] = voltages[0, joined]
    return xbarsim.solve(crossbar, np.concatenate([voltages[:1], more]), fields="fields" in method)


def largest_of(exact, crossbar: Crossbar, voltages: np.ndarray) -> mpf:
    """The largest end current, or what the residual takes for none."""
    drives = [np.abs(voltages).max(), *(np.abs(end.voltage).max() for end in crossbar.boundary.values())]
    noise = FLOOR * crossbar.conductance.sum(axis=1).max() * max(drives)
    return max(*(abs(amperes) for side in SIDES for amperes in exact.end_currents[side]), mpf(max(noise, 1e-36)))


def exact_cells(exact, crossbar: Crossbar) -> np.ndarray:
    if hasattr(exact, "device_currents"):
        return exact.device_currents
    amperes = np.zeros(crossbar.shape, dtype=object)
    for at in np.ndindex(crossbar.shape):
        drop = exact.word_voltages[at] - exact.bit_voltages[at]
        amperes[at] = mpf(0) if mp.isnan(drop) else mpf(float(crossbar.conductance[at])) * drop
    return amperes


def attack(seed: int, tallies: dict[str, Tally]) -> bool:
    """Try one circuit with all methods; False where it has no exact solution."""
    crossbar, voltages = draw(seed)
    linear = isinstance(crossbar.device, xbarsim.Linear)
    try:
        exact = (mp_reference if linear else mp_newton).solve(crossbar, voltages[0])
    except (ValueError, ArithmeticError, OverflowError):
        return False
    with mp.workdps(60):
        largest, cells = largest_of(exact, crossbar, voltages[0]), exact_cells(exact, crossbar)
        for method in LINEAR if linear else NONLINEAR:
            tally = tallies[method]
            tally.circuits += 1
            try:
                solution = solve(method.split(",")[0] if method == "newton" else method, crossbar, voltages)
            except (ConvergenceError, LawError, SolveError) as error:
                tally.raised += 1
                tally.worst.append([seed, method, str(error)[:160]])
                continue
            judge(seed, method, solution, exact, cells, largest, tally)
    return True


def relative(ours: np.ndarray, exact: np.ndarray, largest: mpf) -> float:
    gaps = (abs(mpf(float(a)) - b) for a, b in zip(np.ravel(ours), np.ravel(exact), strict=True))
    return float(max(gaps) / largest) if largest else float(max(gaps))


def judge(seed: int, method: str, solution, exact, cells: np.ndarray, largest: mpf, tally: Tally) -> None:
    def first(array: np.ndarray, axes: int) -> np.ndarray:
        return array[0] if array.ndim > axes else array

    error = max(relative(first(solution.end_currents[side], 1), exact.end_currents[side], largest) for side in SIDES)
    tally.error = max(tally.error, error)
    tally.residual = max(tally.residual, solution.residual)
    if solution._word is not None:
        tally.cells = max(tally.cells, relative(first(solution.device_currents, 2), cells, max(largest, SMALLEST)))
    if error > GOAL:
        tally.over += 1
    if error > 10 * max(solution.residual, ROUNDING):
        tally.unseen += 1
    if error > GOAL or error > 10 * max(solution.residual, ROUNDING):
        tally.worst.append([seed, method, f"error {error:.1e}, residual {solution.residual:.1e}"])


def table(tallies: dict[str, Tally], tried: int, command: str) -> list[str]:
    lines = [
        "# End currents where line ends are weak, against 60 to 100 digits",
        "",
        f"{tried} random circuits from 1x1 to 8x8: ends from 0 to 1e13 ohm or open, driven from any side, wires from 0",
        "to 1e6 ohm, some broken, cells over up to 10 decades, some open; ohmic, sinh, selector, table, Yakopcic and",
        "1T1R cells (to 4x4). Errors are relative to the circuit's largest end current. *Unseen* are errors above ten",
        f"times the residual (and above {10 * ROUNDING:g}). Made by `{command}`.",
        "",
        f"| method | circuits | raised | above {GOAL:g} | unseen | worst error | worst cell's | largest residual |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, t in tallies.items():
        cells = f"{t.cells:.1e}" if t.cells else "-"
        counts = f"{t.circuits} | {t.raised} | {t.over} | {t.unseen}"
        lines.append(f"| {method} | {counts} | {t.error:.1e} | {cells} | {t.residual:.1e} |")
    return lines


def main() -> None:
    warnings.simplefilter("ignore", ExtrapolationWarning)  # how a table goes on is part of the law
    parser = provenance.parser(__doc__)
    parser.add_argument("--first", type=int, default=0, help="seed of the first circuit")
    parser.add_argument("--count", type=int, default=2000, help="how many")
    parser.add_argument("--save", type=Path, help="write the figures to a file")
    parser.add_argument("--merge", type=Path, nargs="+", help="take the figures from files instead")
    options = parser.parse_args()
    tallies = {method: Tally() for method in (*LINEAR, *NONLINEAR)}
    tried, origins = 0, []
    if options.merge:
        for path in options.merge:
            saved = json.loads(path.read_text())
            tried += saved.pop("tried")
            origins.append(saved.pop("origin"))
            for method, numbers in saved.items():
                tallies[method].add(Tally(**numbers))
    else:
        tried = sum(attack(seed, tallies) for seed in range(options.first, options.first + options.count))
        origins.append(provenance.current_origin())
    if options.save:
        numbers = {method: asdict(tally) for method, tally in tallies.items()}
        options.save.write_text(json.dumps({"tried": tried, "origin": provenance.oldest(origins), **numbers}))
    lines = table(tallies, tried, "python validation/weak_ends.py --merge PART... --write")
    print("\n".join(lines))
    for tally in tallies.values():
        for case in tally.worst[:12]:
            print(*case)
    if options.write:
        provenance.write_page("weak_ends.md", "\n".join(lines), provenance.oldest(origins))


if __name__ == "__main__":
    main()
