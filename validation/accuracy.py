"""Componentwise error of end currents against 60-digit arithmetic: small arrays, cells over 7 decades, any wires.

python validation/accuracy.py            # prints the table
python validation/accuracy.py --write    # and writes it to validation/results/accuracy.md
"""

from __future__ import annotations

import sys

import numpy as np
import provenance
from mpmath import mpf

import xbarsim
from xbarsim import Crossbar

sys.path.insert(0, str(provenance.ROOT / "tests"))
import mp_reference

METHODS = ("schur", "kron", "reference")
CIRCUITS = 60


def mixed(rng: np.random.Generator, shape) -> np.ndarray:
    """A fifth of them 0, the others anything from 1e-12 to 1e3 ohm."""
    return np.where(rng.random(shape) < 0.2, 0.0, 10 ** rng.uniform(-12, 3, shape))


KINDS = {
    "0": lambda rng, shape: np.zeros(shape),
    "1e-12": lambda rng, shape: np.full(shape, 1e-12),
    "1e-6": lambda rng, shape: np.full(shape, 1e-6),
    "1": lambda rng, shape: np.full(shape, 1.0),
    "1e3": lambda rng, shape: np.full(shape, 1e3),
    "0 and 1e-12..1e3 mixed": mixed,
}


def circuits(ohms):
    """Positive inputs, unequal sides, cells over 7 decades up to 1e-3, 1e-2 or 1e-1 S."""
    for seed in range(CIRCUITS):
        rng = np.random.default_rng(seed)
        rows, cols = rng.integers(1, 9, 2)
        top = rng.integers(-3, 0)
        crossbar = Crossbar(
            10 ** rng.uniform(top - 7, top, (rows, cols)),
            word_wire=ohms(rng, (rows, cols - 1)),
            bit_wire=ohms(rng, (rows - 1, cols)),
            driver=ohms(rng, rows),
            sense=ohms(rng, cols),
        )
        yield crossbar, rng.uniform(0.1, 1, rows)


def worst(currents: np.ndarray, exact) -> float:
    return max(float(abs(mpf(float(a)) - b) / abs(b)) for a, b in zip(currents, exact, strict=True) if b)


def main() -> None:
    options = provenance.parser(__doc__).parse_args()
    table = [
        "# End currents against 60 digits",
        "",
        f"{CIRCUITS} circuits a row, 1x1 to 8x8, cells over 7 decades up to 1e-1 S, positive inputs. Worst relative",
        "error of any single current. Currents at driven rows are differences where rows drive each other: some lose",
        "digits by nature (every method loses them). Made by `python validation/accuracy.py --write`.",
        "",
        "| wires and ends (ohm) | " + " | ".join(f"{m}: outputs | {m}: inputs" for m in METHODS) + " |",
        "|---" * (1 + 2 * len(METHODS)) + "|",
    ]
    print("\n".join(table[-2:]))
    for kind, ohms in KINDS.items():
        errors = {(method, side): 0.0 for method in METHODS for side in ("bit_bottom", "word_left")}
        for crossbar, voltages in circuits(ohms):
            exact = mp_reference.solve(crossbar, voltages)
            for method in METHODS:
                currents = xbarsim.solve(crossbar, voltages, method=method).end_currents
                for side in ("bit_bottom", "word_left"):
                    key = (method, side)
                    errors[key] = max(errors[key], worst(currents[side], exact.end_currents[side]))
        table.append(f"| {kind} | " + " | ".join(f"{error:.1e}" for error in errors.values()) + " |")
        print(table[-1], flush=True)
    if options.write:
        provenance.write_page("accuracy.md", "\n".join(table))


if __name__ == "__main__":
    main()
