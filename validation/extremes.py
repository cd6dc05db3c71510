"""Small networks whose resistors span 22 decades, with controlled sources in half of them, against 120 digits.

    python validation/extremes.py                 # 4,000 networks
    python validation/extremes.py --write         # and writes validation/results/extremes.md

The circuits and the reference are those of tests/mna/test_mna_evidence.py: ladders, trees and meshes of 1e-11 to
1e11 ohm.
"""

from __future__ import annotations

import sys

import numpy as np
import provenance

sys.path[:0] = [str(provenance.ROOT / "tests" / folder) for folder in ("", "mna")]
from test_mna_evidence import decades_apart, errors

from xbarsim import mna
from xbarsim.errors import XbarsimError


def main() -> int:
    arguments = provenance.parser(__doc__, count=4000).parse_args()
    worst, table, refused, untrue = "", [], [], []
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        circuit = decades_apart(np.random.default_rng([seed, 22]))
        try:
            solution = mna.solve(circuit)
        except XbarsimError as error:
            refused.append(f"seed {seed}: {error}")
            continue
        volts, amperes = errors(circuit, solution)
        if not table or max(volts, amperes) > max(max(row[:2]) for row in table):
            worst = f"seed {seed}"
        table.append((volts, amperes, solution.residual))
        if solution.residual < 0.1 * max(volts, amperes):
            untrue.append(seed)
    volts, amperes, residual = np.array(table).max(axis=0)
    lines = [
        "# Networks of 22 decades against 120 digits",
        "",
        f"`python validation/extremes.py --seed {arguments.seed} --count {arguments.count}`",
        "",
        f"- networks solved: {len(table)}; refused: {len(refused)}",
        f"- largest error of a voltage, relative to the largest voltage: {volts:.1e}",
        f"- largest error of a source's current, relative to the largest of them: {amperes:.1e} (worst: {worst})",
        f"- largest residual: {residual:.1e}; below a tenth of the true error: {len(untrue)}",
        *(f"- {text}" for text in refused[:20]),
    ]
    print("\n".join(lines))
    if arguments.write:
        provenance.write_page("extremes.md", "\n".join(lines))
    return 0 if not untrue else 1


if __name__ == "__main__":
    raise SystemExit(main())
