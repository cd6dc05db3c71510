"""Which of several things nothing else beats: at least as good at no higher cost."""

from __future__ import annotations

from collections.abc import Sequence


def on_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Return which points no other dominates.

    One dominates another if it costs no more and is worth no less, and is better in one of both; points that are equal
    do not dominate each other.

    Parameters
    ----------
    points : sequence of (cost, worth)
        Finite.
    """
    return [
        not any(
            other_cost <= cost and other_worth >= worth and (other_cost, other_worth) != (cost, worth)
            for other_cost, other_worth in points
        )
        for cost, worth in points
    ]
