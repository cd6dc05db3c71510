"""Work counted, without a clock: instructions, cache lines and iterations of small cases, against recorded bounds.

python validation/counts.py             # counts, and says how far each is from its bound
python validation/counts.py --renew     # records them in validation/speed_bounds.txt, after a change that is meant

Counts are those of valgrind's callgrind, of code that is compiled for one kind of processor (with AVX2 and FMA)
whatever the machine is: the same on every machine and under any load. What they do not see is how fast a machine does
what is counted: vectors of 512 bits, frequency, a memory that is shared. ``speed.py`` measures that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from callgrind import OPTIONS, read_counts
from provenance import ROOT

BOUNDS = Path(__file__).with_name("speed_bounds.txt")
CHILD = Path(__file__).with_name("counted_child.py")

LOSS = 0.1
"""A count may exceed its bound by this share. Those of one version differ by up to 0.03; what takes a fifth more
time adds less to a count in which Python has its part."""

SLACK = {"instructions": 300_000, "first level": 5_000, "last level": 30_000, "iterations": 1}
"""And by so much, which is Python's own, and the heap's: where its blocks lie decides some lines of the last level."""

FEATURES = (
    "64bit avx avx2 bmi bmi2 cmov cx16 cx8 f16c fma fsgsbase fxsr lzcnt mmx movbe pclmul popcnt sahf sse sse2 sse3 "
    "sse4.1 sse4.2 ssse3 xsave"
)
PINNED = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in FEATURES.split()),
    "OPENBLAS_CORETYPE": "Haswell",
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
"""What makes the code and its order the same on every machine."""

Counts = dict[str, dict[str, int]]


def missing() -> str:
    """Return why nothing can be counted here; empty if it can."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    if platform.machine() != "x86_64":
        return f"counts are of x86_64, not {platform.machine()}"
    flags = set(Path("/proc/cpuinfo").read_text().split())
    return "" if {"avx2", "fma", "bmi2"} <= flags else "the processor has no AVX2"


def versions() -> str:
    """Return the versions that counts depend on."""
    packages = [f"{package} {version(package)}" for package in ("numpy", "scipy", "numba", "llvmlite")]
    return ", ".join([f"Python {'.'.join(platform.python_version_tuple()[:2])}", *packages])


def counted(
    folder: Path, package: Path = ROOT, kernels: Path | None = None, cases: tuple[str, ...] = (), seconds: float = 900.0
) -> Counts:
    """Count all cases, or some, in a process of its own.

    Parameters
    ----------
    folder : Path
        An empty one, for counts.
    package : Path
        The clone whose package is counted.
    kernels : Path, optional
        Where compiled kernels are kept.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("NUMBA_DISABLE_JIT", "OPENBLAS_L2_SIZE")},
        **PINNED,
        "PYTHONPATH": str(package),
        "NUMBA_CACHE_DIR": str(kernels or folder / "kernels"),
    }
    command = [sys.executable, str(CHILD), *cases]
    # First as it is: valgrind would compile kernels some fifty times as slowly.
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=seconds)
    out = folder / "callgrind.out"
    process = subprocess.run(
        ["valgrind", *OPTIONS, f"--callgrind-out-file={out}", *command],
        env=environment, capture_output=True, text=True, check=False, timeout=seconds,
    )  # fmt: skip
    if process.returncode:
        raise RuntimeError(f"valgrind gave exit code {process.returncode}: {process.stderr[-2000:]}")
    by_name = read_counts(folder)
    counts = {}
    for line in process.stdout.splitlines():
        record = json.loads(line)
        counts[record["case"]] = by_name[record["case"]]
        if record["iterations"] is not None:
            counts[record["case"]]["iterations"] = record["iterations"]
    return counts


def excess(counts: dict[str, int], bounds: dict[str, int]) -> list[str]:
    """Return what exceeds its bound by more than is allowed, a sentence each."""
    return [
        f"{what}: {counts[what]:,}, {counts[what] / bound - 1:+.0%} of {bound:,}"
        for what, bound in bounds.items()
        if counts[what] > (1 + LOSS) * bound and counts[what] > bound + SLACK[what]
    ]


def read_bounds(path: Path = BOUNDS) -> tuple[str, Counts]:
    """Return the versions that bounds were recorded with, and the bounds."""
    text = path.read_text()
    header = re.search(r"^# With (.+)\.$", text, re.M)
    assert header is not None, path
    bounds = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, *numbers = line.split()
            counts = zip(SLACK, numbers, strict=True)
            bounds[name] = {what: int(number.replace("_", "")) for what, number in counts if number != "-"}
    return header[1], bounds


def write_bounds(counts: Counts, path: Path = BOUNDS) -> None:
    """Record counts as bounds."""
    lines = [
        "# What small cases may cost: instructions, cache lines from beyond 32 KB and from beyond 1 MB, iterations.",
        f"# A count that exceeds its bound by {LOSS:.0%} fails. Renewed by: validation/counts.py --renew",
        f"# With {versions()}.",
        f"# {'case':24} {'instructions':>14} {'lines, 32 KB':>13} {'lines, 1 MB':>12} {'iterations':>11}",
    ]
    for name, found in counts.items():
        numbers = [f"{found[what]:_}" if what in found else "-" for what in SLACK]
        lines.append(f"{name:26} {numbers[0]:>14} {numbers[1]:>13} {numbers[2]:>12} {numbers[3]:>11}")
    path.write_text("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renew", action="store_true", help=f"record what is counted in {BOUNDS.name}")
    parser.add_argument("--package", type=Path, default=ROOT, help="the clone whose package is counted")
    parser.add_argument("--kernels", type=Path, help="a folder in which its compiled kernels are kept")
    parser.add_argument("cases", nargs="*", help="only these")
    options = parser.parse_args()
    reason = missing()
    if reason:
        raise SystemExit(f"nothing can be counted: {reason}")
    with tempfile.TemporaryDirectory(prefix="xbarsim-") as place:
        counts = counted(Path(place), options.package.resolve(), options.kernels, tuple(options.cases))
    recorded, bounds = read_bounds() if BOUNDS.exists() else ("", {})
    if bounds and recorded != versions():
        print(f"Bounds are of {recorded}; here are {versions()}.")
    failed = False
    for name, found in counts.items():
        gains = {
            what: number / bounds[name][what] - 1 for what, number in found.items() if what in bounds.get(name, {})
        }
        print(f"{name:26}", ", ".join(f"{what} {found[what]:,} ({gain:+.1%})" for what, gain in gains.items()) or found)
        failed |= bool(excess(found, bounds.get(name, {})))
    if options.renew:
        write_bounds(counts)
        return 0
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
