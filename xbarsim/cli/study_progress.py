"""What commands that run trials share: lines that say how far they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xbarsim.cli.output import Output
    from xbarsim.study.runner import Tally
    from xbarsim.study.store import TrialAnswer
    from xbarsim.study.trial import Trial


class Tracker:
    """Says how far a run is.

    Parameters
    ----------
    output : Output
        Where it says it.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._start: float | None = None

    def doing(self, text: str) -> None:
        """Say what is being done."""
        self._output.say(text)

    def ended(self, trial: Trial, answer: TrialAnswer, tally: Tally) -> None:
        """Say what a trial came to, how many are left, and for how long they will take at the rate so far."""
        from xbarsim.study.durations import lasting

        now, count = time.perf_counter(), tally.answered + tally.failed
        if self._start is None:
            # Trainings before the first trial are none of the rate of trials.
            self._start = now - answer.seconds
        rate = count / max(now - self._start, 1e-3)
        remaining = f"; {lasting(tally.left / rate)} left, {60.0 * rate:.3g} a minute" if tally.left else ""
        where = ", ".join(f"{name} {value}" for name, value in trial.point.items())
        ending = "failed" if answer.numbers is None else _first(answer.numbers)
        self._output.say(f"{count} of {count + tally.left}: {where}: {ending} in {answer.seconds:.1f} s{remaining}")


def _first(numbers: Any) -> str:
    name = next(iter(numbers))
    value = numbers[name]
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
