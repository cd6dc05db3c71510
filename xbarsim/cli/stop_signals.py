"""The first Ctrl-C is a wish: what is in hand comes to its end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
