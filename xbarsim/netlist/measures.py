"""``.measure`` cards: what to read off a sweep or a sequence in time."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """Where a quantity crosses a value: an end of ``trig ... targ ...``.

    Attributes
    ----------
    output : str
        The quantity; empty where ``at`` gives the place itself.
    keys : dict of str to str
        ``value``, which may be a quantity too, ``at``, ``rise``, ``fall``, ``cross``, ``td``, ``from``, ``to``.
    """

    output: str
    keys: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """One ``.measure``.

    Attributes
    ----------
    analysis : {"dc", "tran", "op", ""}
        What it measures; empty for whatever is solved.
    name : str
        The result's name.
    function : str
        ``find``, ``when``, ``deriv``, ``max``, ``min``, ``max_at``, ``min_at``, ``avg``, ``pp``, ``rms``, ``integ``,
        ``param``, ``trig``.
    output : str
        The quantity, like ``v(a)``; for ``param`` its expression.
    keys : dict of str to str
        The rest, like ``at``, ``from``, ``to``; ``when`` and ``value`` for where to look.
    origin : int
        Where it stands.
    trig, targ : Event, optional
        Between which events a time or a voltage is measured.
    problem : str
        Why it cannot be measured; empty if it may.
    """

    analysis: str
    name: str
    function: str
    output: str
    keys: dict[str, str] = field(default_factory=dict)
    origin: int = 0
    trig: Event | None = None
    targ: Event | None = None
    problem: str = ""
