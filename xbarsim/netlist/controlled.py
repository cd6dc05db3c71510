"""Linear controlled sources: SPICE's E, F, G and H."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Controlled:
    """A source between nodes ``first`` and ``second`` whose volts or amperes are ``gain`` times what controls it.

    Attributes
    ----------
    kind : {"e", "f", "g", "h"}
        E: volts by volts; F: amperes by amperes; G: amperes by volts; H: volts by amperes.
    name : str
        In lower case, as ngspice calls it.
    first, second : int
        Its + and - node; a current flows from + through the source to -.
    c, d : int
        E, G: the control nodes. F, H: ``c`` is the index of the V or L element whose current controls; an index of
        ``len(circuit.names) + k`` means ``circuit.controlled[k]``, an E or H. ``d`` is -1 there.
    gain : float
        The factor.
    origin : int
        Where it stands, for ``circuit.places``.
    """

    kind: str
    name: str
    first: int
    second: int
    c: int
    d: int
    gain: float
    origin: int
