"""A study whose runner and whose workers are killed at random moments, and that is then run to its end.

    python validation/study_crashes.py                       # 50 kills
    python validation/study_crashes.py --count 1000 --seed 3

After each kill of the runner its workers must end by themselves, the store must open, and every answer that was ever
in it must be there unchanged: none is lost, and none is computed again. `kill -9` each time, most of them of a worker.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import provenance

TESTS = provenance.ROOT / "tests"
sys.path.insert(0, str(TESTS))
import study_tools

_LIFE = 0.5
"""Seconds between two kills at most."""

_WORKERS = 0.7
"""Share of kills that are of a worker: the next runner takes longest to begin."""

_GROWN = 0.8
"""Share of runners that live until they have workers; the others may be killed before they have begun."""

_ORPHANS = 20.0
"""Seconds in which workers must have ended; half of one is usual."""


@dataclass
class Siege:
    """A study under attack.

    Parameters
    ----------
    folder : Path
        Where its file and its store are.
    seed : int
        Of when what is killed.
    trials : int
        How many it has.
    """

    folder: Path
    seed: int
    trials: int
    kills: dict[str, int] = field(default_factory=lambda: {"runner": 0, "worker": 0})
    answers: dict[str, tuple] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.file = self.folder / "siege.toml"
        self.store = self.file.with_suffix(".sqlite")
        more = f"[limits]\nretries = {10**6}\n"
        self.file.write_text(study_tools.study_text(self.trials, more, made=3, sleep=0.002))

    def run(self, kills: int) -> None:
        """Kill so often, then let it end; raises AssertionError where anything is lost."""
        while sum(self.kills.values()) < kills:
            with self.started() as runner:
                self.attack(runner, kills)
            self.look()
        with self.started() as runner:
            assert runner.wait(300) == 0
        self.look()
        done = study_tools.values(self.store)
        wanted = study_tools.keys(self.trials, sleep=0.002)
        assert done == {key: ("done", value) for key, value in wanted.items()}

    def started(self) -> subprocess.Popen:
        paths = os.pathsep.join([str(provenance.ROOT), str(TESTS)])
        return subprocess.Popen(
            [*study_tools.PROGRAM, "study", "run", str(self.file), "--jobs", "2", "--quiet"],
            env=os.environ | {"PYTHONPATH": paths},
        )

    def attack(self, runner: subprocess.Popen, kills: int) -> None:
        """Kill workers of a runner, and then itself."""
        if self.draw.random() < _GROWN:
            while runner.poll() is None and not study_tools.children(runner.pid):
                time.sleep(0.01)
        while True:
            time.sleep(self.draw.uniform(0.0, _LIFE))
            workers = study_tools.children(runner.pid)
            last = sum(self.kills.values()) == kills - 1
            if workers and not last and self.draw.random() < _WORKERS and runner.poll() is None:
                kill(self.draw.choice(workers))
                self.kills["worker"] += 1
                continue
            if runner.poll() is None:
                runner.kill()
                self.kills["runner"] += 1
            runner.wait()
            gone(workers)
            return

    def look(self) -> None:
        """Hold what the store has against what it had before."""
        if not self.store.exists():
            assert not self.answers
            return
        base = sqlite3.connect(self.store)
        try:
            assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            tables = base.execute("SELECT count(*) FROM sqlite_master WHERE name = 'trials'").fetchone()[0]
            rows = base.execute("SELECT key, state, numbers, seconds, ended FROM trials") if tables else ()
            present = {key: facts for key, *facts in rows}
        finally:
            base.close()
        lost = {key: facts for key, facts in self.answers.items() if present.get(key) != facts}
        assert lost == {}, f"{len(lost)} answers are gone or were computed again"
        self.answers = present


def kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def gone(workers: list[int]) -> None:
    """Wait for the end of processes whose parent is no more; raises AssertionError where one lives on."""
    deadline = time.monotonic() + _ORPHANS
    left = workers
    while left := [worker for worker in left if is_worker(worker)]:
        assert time.monotonic() < deadline, f"workers {left} live on without their runner"
        time.sleep(0.02)


def is_worker(process: int) -> bool:
    try:
        return b"task_worker" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def main() -> None:
    options = provenance.parser(__doc__, 50).parse_args()
    start = time.perf_counter()
    folder = Path(tempfile.mkdtemp())
    siege = Siege(folder, options.seed, max(1000, 30 * options.count))
    siege.run(options.count)
    shutil.rmtree(folder)
    kills = ", ".join(f"{count} of a {name}" for name, count in siege.kills.items())
    print(f"kills: {kills}; {siege.trials} trials, none lost, none twice; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
