"""Ctrl-C at any moment: Python alone would wait for the compiled kernel to return."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from xbarsim.cli import announce


class Wish(Protocol):
    """What a first Ctrl-C may be told to, as ``analysis.stop_wish.StopWish``."""

    wished: bool
    heeded: bool


@contextmanager
def immediate(message: Callable[[], str], wish: Wish | None = None) -> Iterator[None]:
    """While this is entered, Ctrl-C prints what ``message`` gives and ends the process at once with code 130.

    For work that writes no files. Only in the main thread of a POSIX system, and where Ctrl-C has its usual meaning
    (a shell makes background jobs ignore it); elsewhere it changes nothing. Threads that started before must block
    SIGINT themselves. Where the work heeds a wish at that moment, the first Ctrl-C is one, and the work goes on.
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not (usual and hasattr(signal, "sigwait") and threading.current_thread() is threading.main_thread()):
        yield
        return
    finished = threading.Event()

    def watch() -> None:
        signal.sigwait([signal.SIGINT])
        if wish is not None and wish.heeded and not finished.is_set():
            wish.wished = True
            signal.sigwait([signal.SIGINT])
        if not finished.is_set():
            with suppress(Exception):  # whatever becomes of the message
                announce.say(message())  # the stage in hand may stand in the line
            os._exit(130)

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        if watcher.ident is not None:
            signal.pthread_kill(watcher.ident, signal.SIGINT)
        watcher.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
