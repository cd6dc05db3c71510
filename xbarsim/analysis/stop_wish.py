"""The wish that a run end early and give what it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class StopWish:
    """Whether somebody wishes it, and whether what runs at present would heed that.

    Attributes
    ----------
    wished : bool
        Set by whoever wishes it.
    heeded : bool
        Whether what is being done would end soon, with an answer; all else can only be broken off.
    """

    def __init__(self) -> None:
        self.wished = self.heeded = False

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """While this is entered, a wish is heeded."""
        self.heeded = True
        try:
            yield
        finally:
            self.heeded = False
