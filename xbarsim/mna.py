"""Linear networks of any shape: modified nodal analysis by a sparse LU, with refinement and its own residual check.

Unknowns are the node voltages and the currents of all elements that fix a voltage (Ho, Ruehli, Brennan, IEEE Trans.
Circuits Syst. 22, 1975). A resistor of 0 ohm is such an element too, so 0 is exact. Only right-hand sides change in a
sweep over sources: the matrix is factored once.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

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

_REFINEMENTS = 3


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


class _System:
    """The matrix of a network, scaled and factored."""

    def __init__(self, network: Network) -> None:
        self.network = network
        ohms = network.resistors.value
        self.conducting = ohms > 0
        shorts = ~self.conducting
        n = network.nodes
        fixed = [network.voltages, network.vcvs, network.ccvs]
        self.branches = sum(part.a.size for part in fixed)
        ends_a = np.concatenate([part.a for part in fixed] + [network.resistors.a[shorts]])
        ends_b = np.concatenate([part.b for part in fixed] + [network.resistors.b[shorts]])
        number = n + np.arange(ends_a.size)
        rows: list[Ints] = []
        cols: list[Ints] = []
        vals: list[Floats] = []

        def add(row: Ints, col: Ints, value: Floats | float) -> None:
            rows.append(row)
            cols.append(col)
            vals.append(np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape))

        a, b = network.resistors.a[self.conducting], network.resistors.b[self.conducting]
        g = 1.0 / ohms[self.conducting]
        for row, col, value in ((a, a, g), (b, b, g), (a, b, -g), (b, a, -g)):
            add(row, col, value)
        for row, col, sign in ((ends_a, number, 1.0), (ends_b, number, -1.0)):
            add(row, col, sign)
            add(col, row, sign)
        part = network.vccs
        for node, sign in ((part.a, 1.0), (part.b, -1.0)):
            add(node, part.c, sign * part.value)
            add(node, part.d, -sign * part.value)
        part = network.cccs
        add(part.a, n + part.c, part.value)
        add(part.b, n + part.c, -part.value)
        part = network.vcvs
        first = n + network.voltages.a.size
        own = first + np.arange(part.a.size)
        add(own, part.c, -part.value)
        add(own, part.d, part.value)
        part = network.ccvs
        own = first + network.vcvs.a.size + np.arange(part.a.size)
        add(own, n + part.c, -part.value)
        size = n + ends_a.size
        full = sp.coo_array((np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), (size, size)).tocsr()
        # Ground's balance follows from the others'.
        self.matrix = sp.csc_array(full[1:, 1:])
        self.size = size - 1
        _check_loops(network, ends_a, ends_b)
        _check_islands(network, ends_a, ends_b)
        self._factor()

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
            raise SolveError(
                "the circuit's equations are singular: some voltage or current is not determined "
                "(controlled sources that cancel a resistance, or sources that depend on each other)"
            ) from None

    def solve(self, right: Floats) -> Floats:
        """Solve for right-hand sides (size, points), refined with residuals in extended precision."""
        matrix = sp.csr_array(self.matrix)
        x = self._apply(right)
        wide = matrix.astype(np.longdouble)
        for _ in range(_REFINEMENTS):
            gap = (right - wide @ x.astype(np.longdouble)).astype(np.float64)
            step = self._apply(gap)
            x = x + step
            if np.abs(step).max(initial=0.0) <= 1e-16 * np.abs(x).max(initial=0.0):
                break
        return x

    def _apply(self, right: Floats) -> Floats:
        solved: Floats = self.lu.solve(right * self.row_scale[:, None])
        return solved * self.col_scale[:, None]

    def residual(self, x: Floats, right: Floats) -> float:
        """Worst row of ``A x - right``: current rows relative to their terms, branch laws to the largest voltage."""
        gap = np.abs(self.matrix @ x - right)
        terms = abs(self.matrix) @ np.abs(x) + np.abs(right)
        nodes = self.network.nodes - 1
        volts = np.abs(x[:nodes]).max(axis=0, initial=0.0) + np.abs(right[nodes:]).max(axis=0, initial=0.0)
        scale = terms
        scale[nodes:] = np.maximum(terms[nodes:], volts)
        ratio = np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0)
        worst = float(ratio.max(initial=0.0))
        return worst if np.isfinite(x).all() else np.inf


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
    # A voltage-controlled current source ties its output to its control too, if not by itself to ground.
    floating = np.flatnonzero(label != label[0])
    if floating.size and not network.vccs.a.size:
        raise FloatingError(f"{floating.size} nodes have no path to ground", [str(node) for node in floating])
