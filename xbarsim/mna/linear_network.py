"""A linear circuit as columns of numbers, what drives it, and what solving it gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Wide = NDArray[np.longdouble]
"""Extended precision, where the machine has it."""

Sparse = Any
"""A scipy.sparse array, whose stubs differ from version to version."""


def _no_ints() -> Ints:
    return np.zeros(0, np.int64)


def _no_bools() -> Bools:
    return np.zeros(0, np.bool_)


def _no_floats() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True)
class Branches:
    """Elements of one kind between nodes ``a`` and ``b``, with one number each; node 0 is ground."""

    a: Ints = field(default_factory=_no_ints)
    b: Ints = field(default_factory=_no_ints)
    value: Floats = field(default_factory=_no_floats)


@dataclass(frozen=True)
class Gains(Branches):
    """Elements whose ``value`` is a gain.

    Gains by the voltage between nodes ``c`` and ``d``, or, where a current controls, by that of the
    voltage-fixing element number ``c`` (``d`` is not used).
    """

    c: Ints = field(default_factory=_no_ints)
    d: Ints = field(default_factory=_no_ints)

    def pair(self, name: str) -> tuple[Ints, Ints]:
        """Return the nodes that ``"ab"`` or ``"cd"`` means in a ``Coupling``."""
        return (self.a, self.b) if name == "ab" else (self.c, self.d)


@dataclass(frozen=True)
class Coupling:
    """What a controlled element puts into the equations.

    Attributes
    ----------
    fixes_voltage : bool
        Whether it fixes the voltage from b to a, and so has a current among the unknowns.
    stamps : tuple of (equations, unknowns, sign)
        Its terms: sign times gain times unknowns. ``"ab"`` and ``"cd"`` are the balances of two nodes and the voltage
        between them, ``"own"`` is the law and the current of an element that fixes a voltage, ``"c"`` the controlling
        current. The own current in the balances of a and b, and the voltage between these in the law, go without
        saying.
    """

    fixes_voltage: bool
    stamps: tuple[tuple[str, str, float], ...]

    @property
    def by_current(self) -> bool:
        """Whether a current controls it."""
        return any(unknowns == "c" for _, unknowns, _ in self.stamps)

    @property
    def feeding(self) -> list[str]:
        """The pairs of nodes whose balances have a term of its gain."""
        return [equations for equations, _, _ in self.stamps if equations in ("ab", "cd")]

    @property
    def sensing(self) -> list[str]:
        """The pairs of nodes whose voltage its gain multiplies."""
        return [unknowns for _, unknowns, _ in self.stamps if unknowns in ("ab", "cd")]

    @property
    def follows_voltages(self) -> bool:
        """Whether the voltage that it fixes depends on others alone."""
        return self.fixes_voltage and all(unknowns == "cd" for law, unknowns, _ in self.stamps if law == "own")


VCCS = Coupling(fixes_voltage=False, stamps=(("ab", "cd", 1.0),))
CCCS = Coupling(fixes_voltage=False, stamps=(("ab", "c", 1.0),))
VCVS = Coupling(fixes_voltage=True, stamps=(("own", "cd", -1.0),))
CCVS = Coupling(fixes_voltage=True, stamps=(("own", "c", -1.0),))


@dataclass(frozen=True)
class Network:
    """A linear circuit.

    Attributes
    ----------
    nodes : int
        How many nodes there are, ground (0) included.
    resistors : Branches
        Ohms; 0 is legal.
    voltages : Branches
        Volts from b to a; the branch current enters at a.
    currents : Branches
        Amperes that leave the circuit at a and enter it at b.
    controlled : mapping of Coupling to Gains
        SPICE's E, F, G and H elements, for example. Controlling currents are numbered as in ``fixing``.
    yielding : (k,) of bool
        Which of ``voltages`` come to depend on currents by a law that is added to the network; empty: none.
    """

    nodes: int
    resistors: Branches
    voltages: Branches = field(default_factory=Branches)
    currents: Branches = field(default_factory=Branches)
    controlled: Mapping[Coupling, Gains] = field(default_factory=dict)
    yielding: Bools = field(default_factory=_no_bools)

    @property
    def fixing(self) -> tuple[Branches, ...]:
        """The named elements that fix a voltage, in the order of their currents."""
        groups = (group for coupling, group in self.controlled.items() if coupling.fixes_voltage)
        return self.voltages, *groups


@dataclass(frozen=True)
class Drive:
    """The sources' values at each point of an analysis.

    Attributes
    ----------
    points : int
        How many settings there are.
    volts, amperes : mapping of int to (points,)
        Values of those voltage and current sources, by their numbers, that vary; the rest keep the network's.
    """

    points: int = 1
    volts: Mapping[int, Floats] = field(default_factory=dict)
    amperes: Mapping[int, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSolution:
    """Node voltages (points, nodes), currents of what fixes a voltage (points, branches), and the evidence.

    ``power`` (points,) is what voltage and current sources deliver, in watts. ``residual`` is the largest of: a
    violation of a node's current balance relative to the currents that meet there, or of a branch law relative to the
    largest voltage; and what voltages and currents may be off by, relative to the largest of each, as the last
    refinement moved them.
    """

    voltages: Floats
    currents: Floats
    power: Floats
    residual: float
