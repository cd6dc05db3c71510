"""Seconds that a process itself had: what other programs take of a shared machine is not among them."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable


def seconds(work: Callable[[], object], *, budget: float = 0.3, least: int = 3) -> float:
    """Return the least of the process's own seconds in many runs; one run goes before them."""
    work()
    best, spent, count = math.inf, 0.0, 0
    while count < least or spent < budget:
        start = time.process_time()
        work()
        taken = time.process_time() - start
        best, spent, count = min(best, taken), spent + taken, count + 1
    return best


def of_children(work: Callable[[], object]) -> float:
    """Return the seconds, user's and system's, of the processes that a piece of work starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
