"""What a mistyped word may have been, and long texts cut to fit a message."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

_LONGEST = 60
_CANDIDATES = 2000


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word nearest to a mistyped one, or None; never slow, however many or long they are."""
    if len(word) > _LONGEST:
        return None
    candidates = [name for name in islice(known, _CANDIDATES) if len(name) <= _LONGEST]
    close = get_close_matches(word, candidates, 1, cutoff)
    return close[0] if close else None


def clipped(text: str, most: int = 80) -> str:
    """Return a text cut to ``most`` characters."""
    return text if len(text) <= most else text[: most - 3] + "..."
