"""What a study's own machinery costs: milliseconds a trial that does nothing, and how much faster two processes are.

    python validation/study_scaling.py
    python validation/study_scaling.py --scheduler tcp://127.0.0.1:8786    # the same on a Dask cluster

Overhead is the time between the first answer and the last, over their number: start-up is paid once. Scaling is that
of trials that solve small crossbars, each study run afresh, the best of three. On a machine that does nothing else.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import provenance

sys.path.insert(0, str(provenance.ROOT / "tests"))
import study_tools

from xbarsim.study.study_run import run_study

ROUNDS = 3


def answered(trials: list, **who) -> float:
    """Return the seconds from a study's first answer to its last."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        study = study_tools.opened(Path(folder), trials)
        tally = run_study(study, report=lambda trial, answer, tally: times.append(time.perf_counter()), **who)
    assert tally.done == len(trials)
    return times[-1] - times[0]


def main() -> None:
    command = provenance.parser(__doc__, 1000)
    command.add_argument("--scheduler", help="a Dask scheduler's address")
    options = command.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(provenance.ROOT), str(provenance.ROOT / "tests")])
    nothing = [study_tools.trial(value) for value in range(options.count)]
    for who in ({"scheduler": options.scheduler},) if options.scheduler else ({"jobs": 1}, {"jobs": 2}):
        seconds = min(answered(nothing, **who) for _ in range(ROUNDS))
        print(f"{who}: {1e3 * seconds / (len(nothing) - 1):.2f} ms a trial that does nothing")
    work = [study_tools.trial(value, solve=value, times=200) for value in range(80)]
    if options.scheduler:
        print(f"{min(answered(work, scheduler=options.scheduler) for _ in range(ROUNDS)):.2f} s for 80 trials of work")
        return
    one, two = (min(answered(work, jobs=jobs) for _ in range(ROUNDS)) for jobs in (1, 2))
    print(
        f"80 trials of {1e3 * one / 79:.0f} ms: {one:.2f} s by one process, {two:.2f} s by two: {one / two:.2f} times"
    )


if __name__ == "__main__":
    main()
