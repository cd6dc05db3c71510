"""The papers' tables and figures as studies: runs what is missing of them, and writes their pages to docs/results.

python validation/papers/studies.py all --store quick.sqlite --quick          # minutes each: is all as it should be?
python validation/papers/studies.py d_table3 --store papers.sqlite --write    # docs/results/d_table3.md and its figures
python validation/papers/studies.py training_through_the_circuit --store papers.sqlite --write --jobs 2

MNIST and CIFAR-10 under XBARSIM_DATA. What is measured, and the networks that are trained for it, are kept in the
store, which all studies may share: a command that was stopped goes on from there. Pages of ``--quick`` say what they
are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent.parent / "docs" / "results"
NAMES = sorted(path.stem for path in HERE.glob("*.toml"))


def xbarsim(*arguments: object) -> int:
    """Run a command on studies, and return its exit code; 3 says that some trials failed."""
    command = [sys.executable, "-m", "xbarsim", "study", *map(str, arguments)]
    code = subprocess.run(command, check=False).returncode
    if code not in (0, 3):
        raise SystemExit(code)
    return code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=["all", *NAMES], metavar="NAME", help=f"all, {', '.join(NAMES)}")
    parser.add_argument("--store", type=Path, required=True, help="the SQLite file where answers are kept")
    parser.add_argument("--quick", action="store_true", help="the quick versions")
    parser.add_argument("--write", action="store_true", help="write pages and figures to docs/results")
    parser.add_argument("--jobs", type=int, help="processes; as many as cores")
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in NAMES if "all" in arguments.names else arguments.names:
        file, quick = HERE / f"{name}.toml", ["--quick"] if arguments.quick else []
        store = arguments.store
        jobs = [] if arguments.jobs is None else ["--jobs", arguments.jobs]
        start = time.monotonic()
        code = xbarsim("run", file, *quick, "--store", store, *jobs)
        print(f"{name}: {time.monotonic() - start:.0f} s, exit code {code}", flush=True)
        pages: list[object] = ["-o", store.with_name(f"{name}.html")]
        if arguments.write:
            pages += ["--markdown", RESULTS / f"{name}.md", "--figures", RESULTS / name]
        xbarsim("report", file, *quick, "--store", store, *pages)


if __name__ == "__main__":
    main()
