"""What commands that run trials share: the first Ctrl-C is a wish, and lines say how far they are."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xbarsim.cli.output import Output
    from xbarsim.study.runner import Tally
    from xbarsim.study.store import TrialAnswer
    from xbarsim.study.trial import Trial


@contextmanager
def signals() -> Iterator[list[int]]:
    """Catch the first Ctrl-C or SIGTERM into a list; the second has its usual meaning."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught
        return
    kinds = [signal.SIGINT, signal.SIGTERM]
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def catch(kind: int, _: Any) -> None:
        caught.append(kind)
        for number, usual in before.items():
            signal.signal(number, usual)

    for kind, usual in before.items():
        if usual != signal.SIG_IGN:
            signal.signal(kind, catch)
    try:
        yield caught
    finally:
        for kind, usual in before.items():
            signal.signal(kind, usual)


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
