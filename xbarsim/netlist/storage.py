"""What holds charge or flux in a flat circuit: the elements that give it a past."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _ints() -> Ints:
    return np.empty(0, np.int64)


def _floats() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class Capacitors:
    """Capacitors, n of them: ``i = C dv/dt`` from ``first`` to ``second``.

    Attributes
    ----------
    names : list of str
        As elements are named.
    origins : (n,)
        Where they stand.
    first, second : (n,)
        Nodes; v is the first one's voltage less the second one's.
    farads : (n,)
        C.
    initial : (n,)
        Volts of ``ic=``, NaN without.
    """

    names: list[str] = field(default_factory=list)
    origins: Ints = field(default_factory=_ints)
    first: Ints = field(default_factory=_ints)
    second: Ints = field(default_factory=_ints)
    farads: Floats = field(default_factory=_floats)
    initial: Floats = field(default_factory=_floats)


@dataclass(frozen=True, eq=False)
class Inductors:
    """Inductors, n of them: ``v = L di/dt``, sources of 0 V at DC.

    Attributes
    ----------
    elements : (n,)
        Their numbers among the circuit's elements, where their names, nodes and origins are.
    henries : (n,)
        L.
    initial : (n,)
        Amperes of ``ic=``, from the first node to the second, NaN without.
    first, second : (k,)
        Numbers of coupled ones among these, not among the elements.
    mutual : (k,)
        Henries of each coupling, ``K sqrt(L1 L2)``.
    """

    elements: Ints = field(default_factory=_ints)
    henries: Floats = field(default_factory=_floats)
    initial: Floats = field(default_factory=_floats)
    first: Ints = field(default_factory=_ints)
    second: Ints = field(default_factory=_ints)
    mutual: Floats = field(default_factory=_floats)


@dataclass(frozen=True, eq=False)
class JunctionCharges:
    """Charges of the circuit's diodes, each with those parameters of its model, scaled by area.

    ``q = TT i + CJO VJ / (1 - M) (1 - (1 - v / VJ)^(1 - M))``, straight on from ``v = FC VJ``.

    Attributes
    ----------
    capacitance, potential, grading, knee, transit : (diodes,)
        CJO in farads, VJ in volts, M, FC, TT in seconds.
    """

    capacitance: Floats = field(default_factory=_floats)
    potential: Floats = field(default_factory=_floats)
    grading: Floats = field(default_factory=_floats)
    knee: Floats = field(default_factory=_floats)
    transit: Floats = field(default_factory=_floats)


@dataclass(frozen=True, eq=False)
class Storage:
    """All that a circuit keeps from one time to the next."""

    capacitors: Capacitors = field(default_factory=Capacitors)
    inductors: Inductors = field(default_factory=Inductors)
    junctions: JunctionCharges | None = None
