"""Tell a waiting user that kernels are being compiled, which happens once after installation."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_CLEAR = "\r\x1b[K"
"""Empties the terminal's line."""


def say(line: str) -> None:
    """Print a line on stderr, in the place of a stage that stands there."""
    _write(f"{_CLEAR if sys.stderr is not None and sys.stderr.isatty() else ''}{line}\n")


def _write(text: str) -> None:
    """Write on stderr; a disk that is full, or a reader that has gone, ends what is said and not the work."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            sys.stderr = None


@contextmanager
def compilation() -> Iterator[None]:
    """While this is entered, the first compilation of a kernel is announced on stderr, and its end too."""
    from xbarsim.kernels import native

    started = 0.0

    def announce() -> None:
        nonlocal started
        if not started:
            started = time.perf_counter()
            say("xbarsim: compiling kernels for this machine, about 15 s; later runs find them in the cache")

    end = native.listen(announce)
    try:
        yield
    finally:
        end()
    if started:
        say(f"xbarsim: compiled in {time.perf_counter() - started:.0f} s")


@contextmanager
def stages(enabled: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done, on a terminal only and gone when it is over."""
    visible = enabled and sys.stderr is not None and sys.stderr.isatty()
    start = time.perf_counter()

    def show(stage: str) -> None:
        if visible:
            # What wraps onto a second line could not be taken back.
            line = f"{time.perf_counter() - start:6.1f} s  {stage}"[: shutil.get_terminal_size().columns - 1]
            _write(f"{_CLEAR}{line}")

    try:
        yield show
    finally:
        if visible:
            _write(_CLEAR)
