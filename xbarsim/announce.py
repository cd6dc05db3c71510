"""Tell a waiting user that kernels are being compiled, which happens once after installation."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def compilation() -> Iterator[None]:
    """While this is entered, the first compilation of a kernel is announced on stderr, and its end too."""
    from numba.core import event

    class Announcer(event.Listener):  # type: ignore[misc, unused-ignore]
        started = 0.0

        def on_start(self, event: Any) -> None:
            if not self.started:
                self.started = time.perf_counter()
                print(
                    "xbarsim: compiling kernels for this machine, about 15 s; later runs find them in the cache",
                    file=sys.stderr,
                    flush=True,
                )

        def on_end(self, event: Any) -> None:
            pass

    announcer = Announcer()
    with event.install_listener("numba:compile", announcer):
        yield
    if announcer.started:
        seconds = time.perf_counter() - announcer.started
        print(f"xbarsim: compiled in {seconds:.0f} s", file=sys.stderr, flush=True)


@contextmanager
def stages(wanted: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done, on a terminal only and gone when it is over."""
    shown = wanted and sys.stderr is not None and sys.stderr.isatty()
    start = time.perf_counter()

    def show(stage: str) -> None:
        if shown:
            print(f"\r\x1b[K{time.perf_counter() - start:6.1f} s  {stage}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
