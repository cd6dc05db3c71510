"""A flat circuit: nodes as numbers, elements as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.analyses import Analysis, Op
from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import ELEMENTS
from xbarsim.netlist.language import UserFunction
from xbarsim.netlist.measures import Measure
from xbarsim.netlist.nonlinear_elements import Behaviours, Diodes, Mosfets
from xbarsim.netlist.origins import Places
from xbarsim.netlist.refusals import NetlistError
from xbarsim.netlist.storage import Storage
from xbarsim.waves import Wave

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Charging:
    """Sources of current that charge frozen states.

    Attributes
    ----------
    laws : tuple of Behaviours
        Those with laws.
    gains : tuple of Controlled
        Linear ones.
    element, branch, sign : (k,) arrays of int
        Where their currents go: the number of one of them, laws first; a branch that it flows through, numbered as in
        ``Behaviours.plus``; 1 if it enters that at the + terminal, else -1.
    """

    laws: tuple[Behaviours, ...]
    gains: tuple[Controlled, ...]
    element: Ints
    branch: Ints
    sign: Ints


@dataclass(frozen=True, eq=False, repr=False)
class FlatCircuit:
    """A circuit: elements between nodes, subcircuits flattened.

    Attributes
    ----------
    title : str
        The first line of the netlist.
    nodes : list of str
        Node names in lower case; entry 0 is ground, ``"0"``.
    names : list of str
        Element names in lower case; those of subcircuits as ngspice calls them, ``r.x1.r2``.
    kinds : (n,) array of int
        RESISTOR, VOLTAGE, CURRENT or INDUCTOR; an inductor is a source of 0 V.
    first, second : (n,) array of int
        The two nodes of each element; sources drive from ``second`` to ``first``, and a current source's
        current leaves the circuit at ``first``.
    values : (n,) array of float
        Ohms, volts, amperes or henries.
    origins : (n,) array of int
        Where each element stands, for ``where``.
    places : Places
        The files and lines that origins stand for.
    notes : list of str
        What the reader did that a user should know.
    controlled : tuple of Controlled
        E, F, G and H sources; they are in no column.
    behaviours : tuple of Behaviours
        Sources with laws, equal laws together.
    diodes, mosfets : Diodes, Mosfets or None
        Those elements.
    gmin : float
        Siemens across each junction.
    celsius : float
        The temperature.
    functions : mapping
        What ``.func`` defines at the top.
    parameter : callable, optional
        Gives a top-level parameter's value by name, or raises ``CardError``.
    capacitors : tuple of (name, first, second, origin)
        Open at DC, and in no column; their nodes are in ``nodes``.
    states : tuple of (name, volts, origin)
        Capacitors that hold a state: here sources of their initial value.
    memory : (name, by, origin), optional
        An element that holds charge, looked for where a transient is asked for.
    storage : Storage, optional
        What holds charge or flux, for transients.
    charging : Charging, optional
        Sources of current that only charge states; they are nowhere else.
    waves : dict of int to Wave
        Sources that change with time, by element; ``values`` holds what ``.op`` and ``.dc`` take.
    analyses : tuple of Op, Dc or Tran
        What the netlist asks for, in its order.
    requests : tuple of str
        Cards that ask for output, like ``.print dc v(a)``.
    request_origins : dict of str to int
        Where each of these stands.
    measures : tuple of Measure
        The ``.measure`` cards.
    """

    title: str
    nodes: list[str]
    names: list[str]
    kinds: NDArray[np.uint8]
    first: Ints
    second: Ints
    values: NDArray[np.float64]
    origins: Ints
    places: Places
    notes: list[str] = field(default_factory=list)
    controlled: tuple[Controlled, ...] = ()
    capacitors: tuple[tuple[str, int, int, int], ...] = ()
    states: tuple[tuple[str, float, int], ...] = ()
    memory: tuple[str, str, int] | None = None
    storage: Storage | None = None
    charging: Charging | None = None
    waves: dict[int, Wave] = field(default_factory=dict)
    analyses: tuple[Analysis, ...] = (Op(),)
    requests: tuple[str, ...] = ()
    request_origins: dict[str, int] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    behaviours: tuple[Behaviours, ...] = ()
    diodes: Diodes | None = None
    mosfets: Mosfets | None = None
    gmin: float = 1e-12
    celsius: float = 27.0
    functions: Mapping[str, UserFunction] = field(default_factory=dict)
    parameter: Callable[[str], float | NDArray[np.float64]] | None = None

    def __repr__(self) -> str:
        kinds = [kind for kind in ELEMENTS.values() if kind.column is not None and kind.coupling is None]
        parts = [f"{kind.letter.upper()}={np.count_nonzero(self.kinds == kind.column)}" for kind in kinds]
        parts += [f"{count} {kind}" for kind, count in self.nonlinear.items()]
        return f"{type(self).__name__}({self.title!r}, {len(self.nodes)} nodes, {', '.join(parts)})"

    @property
    def nonlinear(self) -> dict[str, int]:
        """How many elements there are that Newton's method is for, by what they are called."""
        counts = {"sources with laws": sum(len(laws.names) for laws in self.behaviours)}
        counts["diodes"] = 0 if self.diodes is None else len(self.diodes.names)
        counts["transistors"] = 0 if self.mosfets is None else len(self.mosfets.names)
        return {kind: count for kind, count in counts.items() if count}

    def where(self, element: int) -> str:
        """Return ``file:line`` of an element.

        Parameters
        ----------
        element : int
            Its number, in the order of ``names``.
        """
        return self.places.where(int(self.origins[element]))

    def error(self, message: str, element: int, kind: type[NetlistError] = NetlistError) -> NetlistError:
        """Return the error that names an element's place.

        Parameters
        ----------
        message : str
            What is wrong, and the way out; the place comes before it.
        element : int
            Its number, in the order of ``names``.
        kind : type of NetlistError
            What to return.
        """
        return self.places.error(message, int(self.origins[element]), kind)
