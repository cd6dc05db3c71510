"""What counts.py counts, as a program: a line of JSON for each case; under callgrind each is counted, else only run."""

from __future__ import annotations

import gc
import io
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from callgrind import Counter
from speed_cases import SpeedCase

import xbarsim
from xbarsim import netlist
from xbarsim.analysis import runs
from xbarsim.solvers.adjoint import effective_map

MAPS = 8
CASES = (
    "vector-64-log-uniform",
    "vector-256-log-uniform",
    "vector-256-hard",
    "map-64-log-uniform",
    "maps-64-log-uniform",
    "gradient-64-log-uniform",
    "sinh-64-log-uniform",
    "1s1r-64-log-uniform",
    "netlist-32-log-uniform",
)


def work_of(case: SpeedCase) -> Callable[[], Any]:
    """Return what a case computes; all on one thread."""
    crossbar, voltages = case.crossbar(), case.arrays().voltages
    if case.kind == "netlist":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "crossbar.sp"
            netlist.write(crossbar, voltages, path)
            text = path.read_text()
        return lambda: runs.from_netlist(io.StringIO(text), "auto").as_json()
    if case.kind == "map":
        return lambda: xbarsim.effective_conductance(crossbar, threads=1)
    if case.kind == "maps":
        crossbars = [case.crossbar(number) for number in range(MAPS)]
        # A commit from before there was a batch is counted too.
        batch = getattr(xbarsim, "effective_conductances", None)
        if batch is not None:
            return lambda: batch(crossbars, threads=1)
        return lambda: [xbarsim.effective_conductance(one, threads=1) for one in crossbars]
    if case.kind == "gradient":
        return lambda: effective_map(crossbar, threads=1).gradient(case.weights())
    return lambda: xbarsim.solve(crossbar, voltages, threads=1)


def main(names: list[str]) -> None:
    counter = Counter()
    for name in names or CASES:
        work = work_of(SpeedCase.of(name))
        for _ in range(2):  # compiled, loaded, and every cache of Python's filled
            result = work()
        gc.collect()
        gc.disable()
        counter.start()
        work()
        counter.stop(name)
        gc.enable()
        print(json.dumps({"case": name, "iterations": getattr(result, "iterations", None)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
