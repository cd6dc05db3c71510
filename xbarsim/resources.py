"""What the machine has: threads to work with, memory to work in."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xbarsim.errors import InputError, TooLargeError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


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


def processor() -> str:
    """Return the name of the machine's processor, as its maker calls it where the system says so."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


_running = threading.local()


class _StoppedError(Exception):
    """Another thread's failure, or Ctrl-C, has made this task needless."""


def run_tasks(work: Callable[[Any], None], tasks: Iterable[Any], threads: int) -> None:
    """Do independent tasks, in ``threads`` threads; kernels release the GIL and results go where tasks say.

    The first task's failure, or Ctrl-C, ends the others where they next call ``check_running``.

    Parameters
    ----------
    work : callable
        Called with each task; what it returns is not used.
    tasks : iterable
        Independent of each other.
    threads : int
        How many at once, at most.
    """
    listed = list(tasks)
    threads = _seats(threads)
    if threads == 1 or len(listed) < 2:
        for task in listed:
            work(task)
        return
    from concurrent.futures import ThreadPoolExecutor

    stop = threading.Event()

    def watched(task: Any) -> None:
        _running.stop = stop
        check_running()
        work(task)

    with ThreadPoolExecutor(min(threads, len(listed))) as pool:
        try:
            for _ in pool.map(watched, listed):
                pass
        except BaseException:
            stop.set()
            raise


_THREAD_SPACE = 120 << 20
"""Bytes of address space that a thread takes beside its data: stack, malloc's arena, a buffer of BLAS."""

_SMALL = 100_000_000
"""Bytes of work that is not looked at before it begins."""


def _seats(threads: int) -> int:
    """Return how many of some threads a limit of the address space has room for; one is there already."""
    room = _address_space()
    return threads if room is None else max(1, min(threads, (room - _SMALL) // _THREAD_SPACE))


def check_running() -> None:
    """Leave a task whose result nobody waits for any more; long ones call it between their kernels."""
    stop: threading.Event | None = getattr(_running, "stop", None)
    if stop is not None and stop.is_set():
        raise _StoppedError


def chunks(batch: int, threads: int) -> list[slice]:
    """Cut a batch into one part for each thread."""
    size = max(1, -(-batch // threads))
    return [slice(k, min(k + size, batch)) for k in range(0, batch, size)]


@cache
def _threadpools() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    import_module("scipy.linalg.cython_blas")  # loads SciPy's BLAS, which a controller made before would not know
    return ThreadpoolController()


class _OneThread:
    """BLAS limited to one thread while any thread of ours is inside: the last one out lifts the limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        # BLAS asks for its buffer again and again where there is no room for one, and never comes back.
        room = _address_space()
        if room is not None and room < _SMALL:
            raise TooLargeError(
                f"reducing a crossbar needs about {_SMALL / 1e9:g} GB of address space, {room / 1e9:.3g} GB are left "
                "of ulimit -v or -d: raise it"
            )
        with self._lock:
            if self._inside == 0:
                self._limit = _threadpools().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.restore_original_limits()


_one_thread = _OneThread()


def one_blas_thread() -> _OneThread:
    """Keep BLAS from threading: blocks are reduced side by side, and results must not depend on thread counts."""
    return _one_thread


def available_memory() -> int | None:
    """Bytes that this process can still take, or None where the system does not say.

    The least of what the machine has free, what a container's limit leaves, and what ``ulimit -v`` or ``-d`` leaves
    beside a thread.
    """
    space = _address_space()
    space = None if space is None else space - _THREAD_SPACE
    rooms = [room for room in (_machine_memory(), _container_memory(), space) if room is not None]
    return max(0, min(rooms)) if rooms else None


def _machine_memory() -> int | None:
    free = _kilobytes(Path("/proc/meminfo"), "MemAvailable:")
    if free is not None:
        return free
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _kilobytes(path: Path, name: str) -> int | None:
    """Return a line of one of Linux's tables in bytes."""
    try:
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


_GROUPS, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def _container_memory() -> int | None:
    """Return what is left of the limits of this process's control group and of all above it."""
    try:
        path = next(line for line in _MEMBERSHIP.read_text().splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return None
    group = _GROUPS / path[3:].strip().lstrip("/")
    rooms = []
    for folder in (group, *group.parents):
        try:
            limit, present = ((folder / f"memory.{name}").read_text().strip() for name in ("max", "current"))
            # Pages of files can be given back.
            cached = next(
                int(line.split()[1])
                for line in (folder / "memory.stat").read_text().splitlines()
                if line.startswith("inactive_file ")
            )
            rooms.append(int(limit) - int(present) + cached)
        except (OSError, ValueError, StopIteration):
            pass
        if folder == _GROUPS:
            break
    return min(rooms, default=None)


def _address_space() -> int | None:
    """Return what is left of limits on this process's own addresses; None where there are none."""
    try:
        resource = import_module("resource")
    except ImportError:
        return None
    rooms = []
    for name, size in (("RLIMIT_AS", "VmSize:"), ("RLIMIT_DATA", "VmData:")):
        limit = resource.getrlimit(getattr(resource, name))[0]
        present = None if limit == resource.RLIM_INFINITY else _kilobytes(Path("/proc/self/status"), size)
        if present is not None:
            rooms.append(limit - present)
    return min(rooms, default=None)


def resident_memory() -> int:
    """Bytes of this process that are in memory now; 0 where the system does not say."""
    return _kilobytes(Path("/proc/self/status"), "VmRSS:") or 0


def check_memory(demand: float, purpose: str, advice: str) -> None:
    """Refuse work that would not fit, before any of it is done.

    Parameters
    ----------
    demand : float
        Bytes.
    purpose : str
        What needs them, for the message.
    advice : str
        The way out.

    Raises
    ------
    TooLargeError
        ``demand`` bytes are more than what is available.
    """
    if demand < _SMALL:  # always fits, and the look-up costs more than a small solve
        return
    available = available_memory()
    if available is not None and demand > available:
        raise TooLargeError(
            f"{purpose} needs about {demand / 1e9:.3g} GB of memory, {available / 1e9:.3g} GB are available: {advice}"
        )
