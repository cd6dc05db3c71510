"""What the commands of a ``.control`` block set anew."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alteration:
    """``alter``, ``altermod``, ``alterparam``, ``set``, ``option`` or ``reset``: what is set anew.

    Attributes
    ----------
    kind : {"element", "model", "parameter", "setting", "run", "wave"}
        What it belongs to; ``run`` is the number of random draws that count, ``wave`` a source's waveform.
    name, key : str
        Which one, and its parameter, if any; of a waveform its kind.
    value : float
        The number.
    origin : int
        Where it stands.
    numbers : tuple of float
        A waveform's arguments.
    """

    kind: str
    name: str
    key: str
    value: float
    origin: int
    numbers: tuple[float, ...] = ()
