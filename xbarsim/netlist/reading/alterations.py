"""What the commands of a ``.control`` block set anew."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alteration:
    """``alter``, ``altermod``, ``alterparam``, ``set``, ``option`` or ``reset``: a number that is set anew.

    Attributes
    ----------
    kind : {"element", "model", "parameter", "setting", "run"}
        What it belongs to; ``run`` is the number of random draws that count.
    name, key : str
        Which one, and its parameter, if any.
    value : float
        The number.
    origin : int
        Where it stands.
    """

    kind: str
    name: str
    key: str
    value: float
    origin: int
