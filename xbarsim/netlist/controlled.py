"""Linear controlled sources: SPICE's E, F, G and H."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from xbarsim.mna.linear_network import Coupling
from xbarsim.netlist.element_kinds import ELEMENTS

Floats = NDArray[np.float64]


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

    @property
    def coupling(self) -> Coupling:
        """What it puts into the equations."""
        coupling = ELEMENTS[self.kind].coupling
        assert coupling is not None
        return coupling

    def amperes(self, voltage: Callable[[int, int], Floats], current: Callable[[int], Floats]) -> Floats:
        """Return what flows from + through a source that fixes no voltage to -.

        ``voltage`` gives that between two nodes, ``current`` that of a branch, numbered as in ``c``.

        Parameters
        ----------
        voltage : callable
            From two nodes to volts between them.
        current : callable
            From a branch to its amperes.
        """
        places = {"ab": (self.first, self.second), "cd": (self.c, self.d)}
        terms = [
            sign * self.gain * (current(self.c) if unknowns == "c" else voltage(*places[unknowns]))
            for equations, unknowns, sign in self.coupling.stamps
            if equations == "ab"
        ]
        return reduce(np.add, terms)
