"""``.measure`` cards: what to read off a sweep or a sequence in time."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measure:
    """One ``.measure``.

    Attributes
    ----------
    analysis : {"dc", "tran", "op"}
        What it measures.
    name : str
        The result's name.
    function : str
        ``find``, ``when``, ``max``, ``min``, ``avg``, ``pp``, ``rms``, ``integ``, ``param``.
    output : str
        The quantity, like ``v(a)``; for ``param`` its expression.
    keys : dict of str to str
        The rest, like ``at``, ``from``, ``to``.
    origin : int
        Where it stands.
    """

    analysis: str
    name: str
    function: str
    output: str
    keys: dict[str, str] = field(default_factory=dict)
    origin: int = 0
