"""Runs of every simulator on the circuits of speed_cases, in processes of their own, by the seconds that these had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from provenance import ROOT
from speed_cases import SpeedCase
from stopwatch import of_children

from xbarsim import netlist, spice
from xbarsim.spice import vacask, vacask_deck
from xbarsim.veriloga import vacask_package

CHILD = Path(__file__).with_name("speed_child.py")
OURS, BASELINE = "xbarsim", "baseline"
TIGHT = ".options reltol=1e-9 abstol=1e-16 vntol=1e-12\n"


@dataclass
class Run:
    """What one simulator did with one circuit."""

    seconds: float
    answer: np.ndarray
    version: str = ""
    iterations: int | None = None

    def difference(self, other: Run) -> float:
        """Return the largest difference from another answer, relative and component by component."""
        return float(np.abs(other.answer / self.answer - 1).max())


@dataclass
class Runs:
    """What was run, by simulator and case; and why some was not.

    Attributes
    ----------
    peers, engine, baseline : Path, optional
        A venv with peers, the folder of ngspice with KLU, and a clone of an older commit.
    """

    peers: Path | None = None
    engine: Path | None = None
    baseline: Path | None = None
    results: dict[tuple[str, str], Run] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def get(self, solver: str, case: SpeedCase) -> Run | None:
        return self.results.get((solver, case.name))

    def seconds(self, solver: str, case: SpeedCase) -> float:
        """Return how long a case took; NaN where it was not run."""
        run = self.get(solver, case)
        return run.seconds if run else float("nan")

    def keep(self, solver: str, case: SpeedCase, run: Run) -> None:
        """Keep the quickest run of a case, and say it."""
        before = self.get(solver, case)
        if before is None or run.seconds < before.seconds:
            self.results[solver, case.name] = run
        if run.version:
            self.versions[solver] = run.version
        print(f"{case.name:28} {solver:12} {1e3 * run.seconds:10.3f} ms", file=sys.stderr, flush=True)

    def solvers(self, solver: str, cases: list[SpeedCase]) -> None:
        """Run cases in a child process of a solver's Python."""
        if not cases or solver in self.missing:
            return
        environment = _environment(self.baseline if solver == BASELINE else ROOT)
        python = sys.executable
        if solver not in (OURS, BASELINE, "superlu"):
            if self.peers is None:
                self.missing[solver] = "no folder of peers was given"
                return
            python, environment["PYTHONPATH"] = str(self.peers / "bin" / "python"), ""
        with tempfile.TemporaryDirectory() as place:
            names = [case.name for case in cases]
            child = OURS if solver == BASELINE else solver
            command = [python, "-W", "ignore", str(CHILD), place, child, *names]
            process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            for line in process.stdout.splitlines():
                record = json.loads(line)
                answer = np.load(Path(place) / f"{record['case']}-{child}.npy")
                run = Run(record["seconds"], answer, record["version"], record.get("iterations"))
                self.keep(solver, SpeedCase.of(record["case"]), run)
        if process.returncode:
            reason = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
            if solver in (OURS, BASELINE):
                raise SystemExit(f"{solver}: {process.stderr}")
            self.missing[solver] = reason

    def own(self, cases: list[SpeedCase], rounds: int = 3) -> None:
        """Run xbarsim, and an older commit of it in turn with it."""
        for _ in range(rounds):
            self.solvers(OURS, cases)
            if self.baseline is not None:
                self.solvers(BASELINE, cases)

    def processes(self, case: SpeedCase, rounds: int = 3) -> None:
        """Run whole processes of xbarsim, VACASK and ngspice with KLU on a circuit as a file."""
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            deck = folder / "deck.sp"
            netlist.write(case.crossbar(), case.arrays().voltages, deck)
            for _ in range(rounds):
                if case.kind == "vector":
                    self._command_line(OURS, ROOT, case, deck)
                    if self.baseline is not None:
                        self._command_line(BASELINE, self.baseline, case, deck)
                self._vacask(case)
            self._klu(case, deck)

    def _command_line(self, solver: str, home: Path, case: SpeedCase, deck: Path) -> None:
        command = [sys.executable, "-m", "xbarsim", "solve", "--format", "json", "--netlist", str(deck)]
        environment = _environment(home)
        subprocess.run(command, env=environment, capture_output=True, check=True)  # kernels are in their cache
        seconds, text = _timed(command, deck.parent, environment)
        amperes = json.loads(text)["analyses"][0]["source_currents"]
        answer = np.array([amperes[f"vbb{j}"] for j in range(case.lines)])
        self.keep(f"{solver} process", case, Run(seconds, answer))

    def _vacask(self, case: SpeedCase) -> None:
        if self.peers is not None:
            os.environ[vacask_package.FOLDER] = str(self.peers)
        try:
            version = vacask.version().removeprefix("VACASK ")
        except spice.SpiceMissingError as error:
            self.missing["vacask"] = str(error)
            return
        deck = vacask_deck.operating_point(case.crossbar(), case.arrays().voltages)
        results: list[spice.Result] = []
        # The first time the cells' law is compiled too: the quickest time counts.
        seconds = of_children(lambda: results.append(vacask.run(deck, timeout=300.0)))
        self.keep("vacask", case, Run(seconds, _column_currents(results[0], case.lines), version))

    def _klu(self, case: SpeedCase, deck: Path) -> None:
        if self.engine is None:
            self.missing["ngspice KLU"] = "no folder of eecircuit-engine was given"
            return
        os.environ["XBARSIM_KLU"] = str(self.engine)
        text = deck.read_text()
        if case.kind != "vector":
            text = text.replace("\n.op\n", f"\n{TIGHT}.op\n")
        results: list[spice.Result] = []
        seconds = of_children(lambda: results.append(spice.run(text, engine="klu", timeout=300.0)))
        self.keep("ngspice KLU", case, Run(seconds, _column_currents(results[0], case.lines), results[0].version))


def _column_currents(result: spice.Result, lines: int) -> np.ndarray:
    """Return the currents of the sources at the columns' ends."""
    amperes = result.plots[0].source_currents
    return np.array([float(np.ravel(amperes[f"vbb{j}"])[0]) for j in range(lines)])


def _environment(home: Path | None) -> dict[str, str]:
    """Return an environment for Python: the package of a clone, and byte code kept, as for any user."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(home)}


def _timed(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, str]:
    """Return the seconds of user and system that a process had, and what it printed."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if status:
        raise SystemExit(f"{command[0]} failed: {text[-500:]}")
    return usage.ru_utime + usage.ru_stime, text
