"""One read of arrays for several calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from xbarsim.nn.hardware import Hardware

Found = TypeVar("Found")


class OneRead:
    """What a layer has read while several calls are one read."""

    hardware: Hardware
    _read: dict[tuple[str, int], Any] | None = None

    @contextmanager
    def one_read(self) -> Iterator[None]:
        """Make all calls inside one read of the arrays, as the steps of a recurrent layer are."""
        self._read = {}
        try:
            yield
        finally:
            self._read = None

    def once(self, what: str, read: Callable[[], Found]) -> Found:
        """Return what a read gives: a new one, but inside ``one_read``."""
        if self._read is None:
            return read()
        key = what, id(self.hardware)
        if key not in self._read:
            self._read[key] = read()
        found: Found = self._read[key]
        return found
