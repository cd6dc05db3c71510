"""What the machine has: threads to work with, memory to work in."""

from __future__ import annotations

import os
from functools import cache
from numbers import Integral
from pathlib import Path

from xbarsim.errors import InputError, TooLargeError


def thread_count(threads: int | None = None) -> int:
    """Threads to use: ``threads``, else ``NUMBA_NUM_THREADS``, else all cores this process may run on.

    Raises
    ------
    InputError
        The number is not a positive integer.
    """
    name, value = "threads", threads
    if threads is None:
        text = os.environ.get("NUMBA_NUM_THREADS", "")
        if not text:
            return _cores()
        name, value = "NUMBA_NUM_THREADS", int(text) if text.isdigit() else 0
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name} is {value!r}: it must be a positive integer")
    return int(value)


@cache
def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        return os.cpu_count() or 1


def available_memory() -> int | None:
    """Bytes that can still be allocated, or None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def require_memory(needed: float, purpose: str, advice: str) -> None:
    """Refuse work that would not fit, before any of it is done.

    Raises
    ------
    TooLargeError
        ``needed`` bytes are more than what is available.
    """
    if needed < 1e8:  # always fits, and the look-up costs more than a small solve
        return
    available = available_memory()
    if available is not None and needed > available:
        raise TooLargeError(
            f"{purpose} needs about {needed / 1e9:.3g} GB of memory, {available / 1e9:.3g} GB are available: {advice}"
        )
