"""How long a user waits for the command line: help, a warm 64x64 netlist, and the first run after installation.

python validation/startup.py            # prints the table
python validation/startup.py --write    # and writes it to validation/results/startup.md
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import provenance

ROOT = Path(__file__).parent.parent
SOLVE = ["-m", "xbarsim", "solve", "--netlist", str(ROOT / "examples" / "crossbar_64x64.sp"), "--quiet"]
RUNS = 9


def seconds(*arguments: str, **environment: str) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    return time.perf_counter() - start


def main() -> None:
    options = provenance.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as cache:
        first = seconds(*SOLVE, NUMBA_CACHE_DIR=cache)
    seconds(*SOLVE)
    helped, bare, warm = [], [], []
    for _ in range(RUNS):  # one after the other, so that all see the same machine
        helped.append(seconds("-m", "xbarsim", "--help"))
        bare.append(seconds("-c", "import numba"))
        warm.append(seconds(*SOLVE))
    more = np.median(np.array(warm) - np.array(bare))
    table = [
        "# Waiting for the command line",
        "",
        f"Whole processes, medians of {RUNS}. Made by `python validation/startup.py --write`.",
        "",
        "| what | seconds |",
        "|---|---|",
        f"| `xbarsim --help` | {np.median(helped):.2f} |",
        f"| `python -c 'import numba'` | {np.median(bare):.2f} |",
        f"| 64x64 netlist, warm cache | {np.median(warm):.2f} |",
        f"| of that, more than `import numba` | {more:.2f} |",
        f"| the same as first run, kernels compiled | {first:.1f} |",
    ]
    print("\n".join(table))
    if options.write:
        provenance.write_page("startup.md", "\n".join(table))


if __name__ == "__main__":
    main()
