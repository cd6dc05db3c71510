"""Linear networks of any shape: modified nodal analysis by a sparse LU, with refinement and its own residual check.

Unknowns are the node voltages and the currents of all elements that fix a voltage (Ho, Ruehli, Brennan, IEEE Trans.
Circuits Syst. 22, 1975). A resistor of 0 ohm is such an element too, so 0 is exact. Only right-hand sides change in a
sweep over sources: the matrix is factored once.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from xbarsim.errors import ConvergenceError, FloatingError, SolveError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 1e-9
"""Largest residual of a solution that is returned."""

_REFINEMENTS = 5

_MOST_REFINED = 1e-6
"""Relative size of a last refinement past which a solution is none."""

_SMALLEST = float(np.finfo(np.float64).tiny)

_STIFF = 1e6
"""How much better than its neighbours a resistor conducts whose current becomes an unknown."""

_LEAST = 1e-6
"""Share of the largest current below which a node's balance counts in full."""

_SHAKE = 1e-6
_MOST_MOVED = 1e13
"""A solution that moves by more than this times the relative change of its elements' values has no digit left."""

_SINGULAR = (
    "the circuit's equations are singular: some voltage or current is not determined "
    "(controlled sources that cancel a resistance, or sources that depend on each other)"
)


def _no_ints() -> Ints:
    return np.zeros(0, np.int64)


def _no_floats() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True)
class Branches:
    """Elements of one kind between nodes ``a`` and ``b``, with one number each; node 0 is ground."""

    a: Ints = field(default_factory=_no_ints)
    b: Ints = field(default_factory=_no_ints)
    value: Floats = field(default_factory=_no_floats)


@dataclass(frozen=True)
class Controlled(Branches):
    """Elements whose ``value`` is a gain.

    Controlled by the voltage between nodes ``c`` and ``d``, or, where a current controls, by that of the
    voltage-fixing element number ``c`` (``d`` is not used).
    """

    c: Ints = field(default_factory=_no_ints)
    d: Ints = field(default_factory=_no_ints)


_Part = TypeVar("_Part", bound=Branches)


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
    vcvs, vccs, cccs, ccvs : Controlled
        SPICE's E, G, F and H elements. Controlling currents are those of ``voltages``, then ``vcvs``, then ``ccvs``.
    """

    nodes: int
    resistors: Branches
    voltages: Branches = field(default_factory=Branches)
    currents: Branches = field(default_factory=Branches)
    vcvs: Controlled = field(default_factory=Controlled)
    vccs: Controlled = field(default_factory=Controlled)
    cccs: Controlled = field(default_factory=Controlled)
    ccvs: Controlled = field(default_factory=Controlled)


@dataclass(frozen=True)
class NetworkSolution:
    """Node voltages (points, nodes), currents of voltages, vcvs and ccvs (points, branches), and the evidence.

    ``power`` (points,) is what voltage and current sources deliver, in watts; ``residual`` the worst violation of a
    node's current balance relative to the currents that meet there, or of a branch law relative to the largest voltage.
    """

    voltages: Floats
    currents: Floats
    power: Floats
    residual: float


def _largest(matrix: Any, axis: int) -> Floats:
    """Largest entry of each row (1) or column (0) of a sparse matrix."""
    return np.asarray(matrix.max(axis=axis).todense(), dtype=np.float64).ravel()


class _Stamps:
    """Entries of the matrix as they come, one after the other."""

    def __init__(self) -> None:
        self.rows: list[Ints] = []
        self.cols: list[Ints] = []
        self.values: list[NDArray[np.longdouble]] = []

    def add(self, row: Ints, col: Ints, value: Any) -> None:
        self.rows.append(row)
        self.cols.append(col)
        self.values.append(np.broadcast_to(np.asarray(value, dtype=np.longdouble), row.shape))

    def matrix(self, size: int) -> Any:
        """Return their sum without row and column 0: ground's balance follows from the others'."""
        rows, cols = np.concatenate(self.rows), np.concatenate(self.cols)
        return sp.csr_array(sp.coo_array((np.concatenate(self.values), (rows, cols)), (size, size)).tocsr()[1:, 1:])


def _assemble(network: Network, a: Ints, b: Ints, stiff: Ints) -> Any:
    """Return the matrix in extended precision, so that a node's sum of conductances keeps its small terms.

    ``a`` and ``b`` are the ends of all branches that have a current among the unknowns; the last are the ``stiff``
    resistors.
    """
    ohms, n = network.resistors, network.nodes
    number = n + np.arange(a.size)
    stamps = _Stamps()
    for row, col, sign in ((a, number, 1.0), (b, number, -1.0)):
        stamps.add(row, col, sign)
        stamps.add(col, row, sign)
    own = number[a.size - stiff.size :]
    stamps.add(own, own, -ohms.value[stiff])
    conducting = ohms.value != 0
    conducting[stiff] = False
    p, q = ohms.a[conducting], ohms.b[conducting]
    g = 1 / ohms.value[conducting].astype(np.longdouble)
    for row, col, value in ((p, p, g), (q, q, g), (p, q, -g), (q, p, -g)):
        stamps.add(row, col, value)
    part = network.vccs
    for node, sign in ((part.a, 1.0), (part.b, -1.0)):
        stamps.add(node, part.c, sign * part.value)
        stamps.add(node, part.d, -sign * part.value)
    part = network.cccs
    stamps.add(part.a, n + part.c, part.value)
    stamps.add(part.b, n + part.c, -part.value)
    part = network.vcvs
    first = n + network.voltages.a.size
    own = first + np.arange(part.a.size)
    stamps.add(own, part.c, -part.value)
    stamps.add(own, part.d, part.value)
    part = network.ccvs
    own = first + network.vcvs.a.size + np.arange(part.a.size)
    stamps.add(own, n + part.c, -part.value)
    return stamps.matrix(n + a.size)


class _System:
    """The matrix of a network, scaled and factored."""

    def __init__(self, network: Network) -> None:
        self.network = network
        ohms = network.resistors
        shorts, stiff = np.flatnonzero(ohms.value == 0), _stiff(network)
        fixed = [network.voltages, network.vcvs, network.ccvs]
        self.branches = sum(part.a.size for part in fixed)
        a, b = (np.concatenate([*(getattr(one, end) for one in fixed), getattr(ohms, end)[shorts]]) for end in "ab")
        _check_loops(network, a, b)
        _check_islands(network, a, b)
        self.ends = np.concatenate([a, ohms.a[stiff]]), np.concatenate([b, ohms.b[stiff]]), stiff
        self.wide = _assemble(network, *self.ends)
        self.matrix = sp.csc_array(self.wide.astype(np.float64))
        self.size = self.matrix.shape[0]
        self._factor()
        if any(part.a.size for part in _gains(network)) or (ohms.value < 0).any():
            self._check_cancelling()

    def _factor(self) -> None:
        # Conductances of 1e-12 S stand beside 1s of branch laws: equilibrate rows, then columns.
        magnitude = abs(self.matrix)
        row = _largest(magnitude, 1)
        self.row_scale = 1.0 / np.where(row > 0, row, 1.0)
        scaled = sp.diags_array(self.row_scale) @ self.matrix
        col = _largest(abs(scaled), 0)
        self.col_scale = 1.0 / np.where(col > 0, col, 1.0)
        scaled = sp.csc_array(scaled @ sp.diags_array(self.col_scale))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.lu = splu(scaled)
        except RuntimeError:
            raise SolveError(_SINGULAR) from None

    def _check_cancelling(self) -> None:
        """Refuse a circuit whose solution rests on the rounding of its elements' values.

        Passive elements cannot do so, but controlled sources can cancel a resistance all but for a last bit. To first
        order, changed values dA move the solution x of A x = b by -inv(A) dA x.
        """
        rng = np.random.default_rng(0)

        def shaken(part: _Part) -> _Part:
            return replace(part, value=part.value * (1 + _SHAKE * rng.uniform(-1, 1, part.value.size)))

        names = ("resistors", "vcvs", "vccs", "cccs", "ccvs")
        network = replace(self.network, **{name: shaken(getattr(self.network, name)) for name in names})
        change = ((_assemble(network, *self.ends) - self.wide) / _SHAKE).astype(np.float64)
        # Any excitation will do, also where the circuit has none.
        x = self._apply(rng.uniform(-1, 1, (self.size, 1)) / self.row_scale[:, None])
        moved = self._apply(change @ x)
        sizes = [np.abs(part / self.col_scale[:, None]).max(initial=0.0) for part in (moved, x)]
        if not sizes[0] <= _MOST_MOVED * sizes[1]:
            raise SolveError(_SINGULAR)

    def solve(self, right: Floats) -> Floats:
        """Solve for right-hand sides (size, points), refined with residuals in extended precision."""
        x = self._apply(right)
        moved = 0.0
        for _ in range(_REFINEMENTS):
            gap = (right - self.wide @ x.astype(np.longdouble)).astype(np.float64)
            step = self._apply(gap)
            x = x + step
            moved = float(np.max(self._sizes(step) / np.maximum(self._sizes(x), _SMALLEST), initial=0.0))
            if moved <= 1e-16:
                break
        if not moved <= _MOST_REFINED:
            raise ConvergenceError(
                f"the network's solution still moves by {moved:.1e} of itself when it is refined: "
                "look for resistances or gains many decades apart, or feedback that cancels a resistance"
            )
        return x

    def _sizes(self, x: Floats) -> Floats:
        """Largest unknown at each point, volts and amperes in units that suit the equations."""
        sizes: Floats = np.abs(x / self.col_scale[:, None]).max(axis=0, initial=0.0)
        return sizes

    def _apply(self, right: Floats) -> Floats:
        solved: Floats = self.lu.solve(right * self.row_scale[:, None])
        return solved * self.col_scale[:, None]

    def residual(self, x: Floats, right: Floats) -> float:
        """Worst row of ``A x - right``: currents relative to those of the node, branch laws to the largest voltage."""
        gap = np.abs(self.matrix @ x - right)
        terms = abs(self.matrix) @ np.abs(x) + np.abs(right)
        nodes = self.network.nodes - 1
        volts = np.abs(x[:nodes]).max(axis=0, initial=0.0) + np.abs(right[nodes:]).max(axis=0, initial=0.0)
        scale = terms
        scale[nodes:] = np.maximum(terms[nodes:], volts)
        # Where a branch leads nowhere its current is all there is, and nothing but rounding.
        scale[:nodes] = np.maximum(terms[:nodes], _LEAST * terms[:nodes].max(axis=0, initial=0.0))
        ratio = np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0)
        worst = float(ratio.max(initial=0.0))
        return worst if np.isfinite(x).all() and np.isfinite(scale).all() else np.inf


def solve(network: Network, volts: Floats | None = None, amperes: Floats | None = None) -> NetworkSolution:
    """Solve a network for one or more settings of its sources.

    Parameters
    ----------
    network : Network
        The circuit.
    volts, amperes : (points, sources), optional
        Values of the voltage and current sources at each point; by default the network's own, one point.

    Raises
    ------
    FloatingError
        Nodes without a path to ground; ``nodes`` are their numbers as text.
    SolveError
        Loops of voltage sources, or singular equations.
    ConvergenceError
        The residual is above ``TOLERANCE``.
    """
    if volts is None:
        volts = network.voltages.value[None] if amperes is None else np.tile(network.voltages.value, (len(amperes), 1))
    if amperes is None:
        amperes = np.tile(network.currents.value, (len(volts), 1))
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is no solution: the residual says so
        return _solved(network, volts, amperes)


def _solved(network: Network, volts: Floats, amperes: Floats) -> NetworkSolution:
    system = _System(network)
    points, n = volts.shape[0], network.nodes
    right = np.zeros((system.size + 1, points))
    np.add.at(right, network.currents.a, -amperes.T)
    np.add.at(right, network.currents.b, amperes.T)
    right[n : n + network.voltages.a.size] = volts.T
    columns = np.ascontiguousarray(right[1:])
    x = system.solve(columns)
    residual = system.residual(x, columns)
    if not residual <= TOLERANCE:
        raise ConvergenceError(
            f"the network's solution violates Kirchhoff's laws by {residual:.1e} (tolerance {TOLERANCE:g}): "
            "look for resistances or gains many decades apart"
        )
    nodes = np.concatenate([np.zeros((points, 1)), x[: n - 1].T], axis=1)
    branch = np.ascontiguousarray(x[n - 1 :].T)
    power = -(volts * branch[:, : network.voltages.a.size]).sum(axis=1)
    power -= (amperes * (nodes[:, network.currents.a] - nodes[:, network.currents.b])).sum(axis=1)
    return NetworkSolution(nodes, branch[:, : system.branches], power, residual)


def _gains(network: Network) -> tuple[Controlled, ...]:
    return network.vcvs, network.vccs, network.cccs, network.ccvs


def _stiff(network: Network) -> Ints:
    """Return the resistors of which a conductance would swamp those that meet it at a node."""
    ohms = network.resistors
    live = np.flatnonzero((ohms.value != 0) & (ohms.a != ohms.b))
    size = np.abs(ohms.value[live])
    largest = np.zeros(network.nodes)
    for end in (ohms.a, ohms.b):
        np.maximum.at(largest, end[live], size)
    largest[0] = 0.0  # ground has no equation
    beside = np.maximum(largest[ohms.a[live]], largest[ohms.b[live]])
    # 1 / 4.9e-324 is no double.
    return live[(beside / _STIFF > size) | (size < np.finfo(np.float64).tiny)]


def _check_loops(network: Network, a: Ints, b: Ints) -> None:
    """Refuse loops of elements that fix a voltage: the current around one has no bound, or no value."""
    parent = np.arange(network.nodes)

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for k, (first, second) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        ra, rb = root(first), root(second)
        if ra == rb:
            raise LoopError(k)
        parent[ra] = rb


class LoopError(SolveError):
    """Voltage-fixing element number ``branch`` closes a loop of such elements."""

    def __init__(self, branch: int) -> None:
        super().__init__(f"voltage-fixing element {branch} closes a loop of such elements")
        self.branch = branch


def _check_islands(network: Network, a: Ints, b: Ints) -> None:
    """Refuse nodes without a path to ground through elements that tie voltages together."""
    ohms = network.resistors
    ends = np.concatenate([a, ohms.a]), np.concatenate([b, ohms.b])
    graph = sp.coo_array((np.ones(ends[0].size), ends), (network.nodes, network.nodes))
    _, label = connected_components(graph, directed=False)
    # Controlled sources tie an island to the rest if one senses its voltage and one's current returns elsewhere.
    sensed, fed = np.zeros(network.nodes, bool), np.zeros(network.nodes, bool)
    for part, first, second, tied in (
        (network.vccs, "c", "d", sensed),
        (network.vcvs, "c", "d", sensed),
        (network.vccs, "a", "b", fed),
        (network.cccs, "a", "b", fed),
    ):
        one, other = label[getattr(part, first)], label[getattr(part, second)]
        tied[one[one != other]] = tied[other[one != other]] = True
    floating = np.flatnonzero((label != label[0]) & ~(sensed & fed)[label])
    if floating.size:
        raise FloatingError(f"{floating.size} nodes have no path to ground", [str(node) for node in floating])
