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

    Controlled by the voltage between nodes ``c`` and ``d``, or, where a current controls, by that of the
    voltage-fixing element number ``c`` (``d`` is not used).
    """

    c: Ints = field(default_factory=_no_ints)
    d: Ints = field(default_factory=_no_ints)


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
    vcvs, vccs, cccs, ccvs : Gains
        SPICE's E, G, F and H elements. Controlling currents are those of ``voltages``, then ``vcvs``, then ``ccvs``.
    yielding : (k,) of bool
        Which of ``voltages`` come to depend on currents by a law that is added to the network; empty: none.
    """

    nodes: int
    resistors: Branches
    voltages: Branches = field(default_factory=Branches)
    currents: Branches = field(default_factory=Branches)
    vcvs: Gains = field(default_factory=Gains)
    vccs: Gains = field(default_factory=Gains)
    cccs: Gains = field(default_factory=Gains)
    ccvs: Gains = field(default_factory=Gains)
    yielding: Bools = field(default_factory=_no_bools)

    @property
    def fixing(self) -> tuple[Branches, Branches, Branches]:
        """The named elements that fix a voltage, in the order of their currents."""
        return self.voltages, self.vcvs, self.ccvs


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
    """Node voltages (points, nodes), currents of voltages, vcvs and ccvs (points, branches), and the evidence.

    ``power`` (points,) is what voltage and current sources deliver, in watts. ``residual`` is the largest of: a
    violation of a node's current balance relative to the currents that meet there, or of a branch law relative to the
    largest voltage; and what voltages and currents may be off by, relative to the largest of each, as the last
    refinement moved them.
    """

    voltages: Floats
    currents: Floats
    power: Floats
    residual: float
