"""A loop in time: ``E x' = A x`` of all that holds charge, the nodes inside of arrays with it.

Sources that fix a voltage, and whatever joins nodes by 0 ohm, make groups of nodes. A group with ground in it stands
still, one with an amplifier's inner voltage u in it has that, and every other has an unknown y. With the selection S
that gives all nodes' voltages, ``V = S x``, x = (y, u, j), and Laplacians C and G of all farads and siemens::

    S_y' C S x' = -S_y' (G S x + J j)                  Kirchhoff's current law of each group
    u' / w      = v(plus) - v(minus) - u / gain        each amplifier, w = 2 pi bandwidth, inf without a pole
    L j' + M k' = v(a) - v(b) - r j(control) - u       each branch, with what it has of these

Currents j are unknowns of inductors, of what is controlled by a current or controls by one, and of amplifiers between
two nodes: these join no groups. J has where they flow, current gains too. Nothing is left out: an array with
capacitance has all its nodes, one without counts by the exact admittance between its ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from xbarsim.checks import Array
from xbarsim.crossbar import Side
from xbarsim.errors import SolveError
from xbarsim.loop.laplacian import laplacian, without_rounding
from xbarsim.loop.loop_equations import Ints, LoopEquations
from xbarsim.loop.loop_parts import JoinedArray
from xbarsim.loop.part_checks import GROUND
from xbarsim.solution import Solution


@dataclass(frozen=True, eq=False)
class LoopPencil:
    """``E x' = A x``, and what a step of all sources from 0 leaves missing at its begin.

    Attributes
    ----------
    holding, moving : sparse (size, size)
        E and A.
    free : int
        How many unknowns are voltages of groups; amplifiers' inner voltages follow, then currents.
    charges : (edges, 2)
        The unknowns at the two sides of every capacitance; -1 stands still.
    start : (size, points)
        ``E (x - x_end)`` at the begin.
    watched : sparse (outputs, size)
        The amplifiers' outputs, or all nodes of a loop without amplifiers.
    speeds : (amplifiers,)
        w; inf of one without a pole.
    active : str or None
        The first part beside amplifiers with poles that is no resistor or capacitor, an amplifier between two nodes or
        one that controls among them; None where no current is an unknown.
    gains, controls : sparse (size, transconductors), (transconductors, size)
        What transconductors have of ``moving``: ``-gains @ controls``.
    steepness : (n,)
        Finite gains of amplifiers without a pole, and of currents: by how much a pole may be faster than any part.
    """

    holding: sparse.csc_array
    moving: sparse.csc_array
    free: int
    charges: Ints
    start: Array
    watched: sparse.csr_array
    speeds: Array
    active: str | None
    gains: sparse.csc_array
    controls: sparse.csr_array
    steepness: Array

    @property
    def size(self) -> int:
        """How many unknowns there are."""
        return int(self.holding.shape[0])

    @property
    def driving(self) -> slice:
        """Which unknowns are amplifiers' inner voltages."""
        return slice(self.free, self.free + self.speeds.size)

    @staticmethod
    def of(equations: LoopEquations, x: Array, solutions: Mapping[str, Solution]) -> LoopPencil:
        """Return the pencil of a loop at its operating points.

        Parameters
        ----------
        equations : LoopEquations
            Of the loop; its amplifiers have bandwidths.
        x : (unknowns, points)
            Its operating points.
        solutions : mapping of Solution
            Of its arrays with capacitance, with all node voltages.

        Raises
        ------
        SolveError
            A node of an array with capacitance floats, or two amplifiers fix one voltage.
        """
        graph = _Graph(equations)
        loop = equations.loop
        volts = [np.zeros((1, x.shape[1])), x[: equations.nodes]]
        for array in loop.arrays:
            if array.charged:
                volts.append(_inner_volts(array, solutions[array.name]))
                graph.add_array(array)
            else:
                graph.add_ends(array)
        # Above ground: of an amplifier between two nodes that of its inner node.
        references = np.concatenate([x[: equations.nodes], np.zeros((1, x.shape[1]))])[equations.references]
        volts.append(equations.inner_voltages(x) + references)
        graph.add_parts()
        return graph.pencil(np.concatenate(volts), x)


def _inner_volts(array: JoinedArray, solution: Solution) -> Array:
    """Return the volts of an array's nodes, (nodes, points), word nodes first."""
    points = len(solution.word_voltages)
    volts = np.concatenate([
        np.asarray(table).reshape(points, -1) for table in (solution.word_voltages, solution.bit_voltages)
    ], axis=1).T  # fmt: skip
    lost = np.flatnonzero(~np.isfinite(volts).all(axis=1))
    if lost.size:
        line, place = divmod(int(lost[0]), array.crossbar.conductance.size)
        where = divmod(place, array.crossbar.shape[1])
        raise SolveError(
            f"{array.name} has capacitance at {('word', 'bit')[line]} node {list(where)}, which floats: "
            "tie it, or leave its capacitance out"
        )
    return volts


@dataclass(frozen=True)
class _Branch:
    """A current from node ``a`` to ``b`` that is an unknown: ``henries j' = v(a) - v(b) - ohms j(control) - u``."""

    name: str
    a: int
    b: int
    henries: float = 0.0
    ohms: float = 0.0
    control: str = ""
    amplifier: int = -1


@dataclass(eq=False)
class _Graph:
    """Nodes with edges of siemens, of farads and of nothing between them; ground is node 0."""

    equations: LoopEquations
    count: int = field(init=False)
    siemens: list[tuple[Ints, Ints, Array]] = field(default_factory=list)
    farads: list[tuple[Ints, Ints, Array]] = field(default_factory=list)
    shorts: list[tuple[Ints, Ints]] = field(default_factory=list)
    blocks: list[tuple[Ints, Ints, Array]] = field(default_factory=list)
    branches: list[_Branch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.count = 1 + self.equations.nodes

    def _node(self, name: str | None) -> int:
        return 0 if name is None or name == GROUND else 1 + self.equations.number[name]

    def _resistors(self, a: Ints, b: Ints, ohms: Array) -> None:
        joined, present = ohms == 0.0, (ohms > 0.0) & np.isfinite(ohms)
        self.shorts.append((a[joined], b[joined]))
        self.siemens.append((a[present], b[present], 1.0 / ohms[present]))

    def add_array(self, array: JoinedArray) -> None:
        """Add an array with all its nodes, word nodes first."""
        crossbar, farads = array.crossbar, array.farads
        rows, cols = crossbar.shape
        word = self.count + np.arange(rows * cols).reshape(rows, cols)
        bit = word + rows * cols
        self.count += 2 * rows * cols
        self.siemens.append((word.ravel(), bit.ravel(), crossbar.conductance.ravel()))
        self._resistors(word[:, :-1].ravel(), word[:, 1:].ravel(), np.asarray(crossbar.word_wire).ravel())
        self._resistors(bit[:-1].ravel(), bit[1:].ravel(), np.asarray(crossbar.bit_wire).ravel())
        corner: dict[Side, Ints] = {
            "word_left": word[:, 0], "word_right": word[:, -1], "bit_top": bit[0], "bit_bottom": bit[-1],
        }  # fmt: skip
        for side, line, name in array.ports:
            ohms = np.asarray(crossbar.boundary[side].resistance[line]).reshape(1)
            self._resistors(np.array([self._node(name)]), corner[side][line : line + 1], ohms)
        ground = np.zeros(rows * cols, dtype=np.int64)
        for first, second, table in (
            (word.ravel(), ground, farads.word), (bit.ravel(), ground, farads.bit),
            (word.ravel(), bit.ravel(), farads.cell),
        ):  # fmt: skip
            self.farads.append((first, second, table.ravel()))

    def add_ends(self, array: JoinedArray) -> None:
        """Add an array without capacitance: the admittance between its ends."""
        nodes = np.array([self._node(name) for _, _, name in array.ports])
        self.blocks.append((nodes, nodes, array.admittance))

    def add_parts(self) -> None:
        """Add all parts but arrays, and the nodes of amplifiers' inner voltages behind all nodes until here."""
        loop = self.equations.loop
        pairs = [(self._node(part.a), self._node(part.b), part.ohms) for part in loop.resistors if part.ohms]
        pairs += [(self._node(amp.plus), self._node(amp.minus), amp.amplifier.input_resistance)
                  for amp in loop.amplifiers]  # fmt: skip
        pairs += [(self.count + k, self._node(amp.out), amp.amplifier.output_resistance)
                  for k, amp in enumerate(loop.amplifiers)]  # fmt: skip
        self._add_branches()
        self.count += len(loop.amplifiers)
        table = np.array(pairs, dtype=np.float64).reshape(-1, 3)
        self._resistors(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])
        for source in loop.transconductors:
            carrying, controlling = (
                np.array([self._node(source.a), self._node(source.b)]),
                np.array([self._node(source.plus), self._node(source.minus)]),
            )
            self.blocks.append((carrying, controlling, source.siemens * np.array([[1.0, -1.0], [-1.0, 1.0]])))
        farads = np.array(
            [(self._node(part.a), self._node(part.b), part.farads) for part in loop.capacitors], dtype=np.float64
        ).reshape(-1, 3)
        self.farads.append((farads[:, 0].astype(np.int64), farads[:, 1].astype(np.int64), farads[:, 2]))

    def _add_branches(self) -> None:
        """Add what has a current: as shorts, or with their currents as unknowns where these count."""
        loop = self.equations.loop
        henries = {part.name: part.henries for part in loop.inductors}
        followers = {part.name: part for part in loop.transresistors}
        joined = []
        for name, first, second in loop.fixing:
            a, b = self._node(first), self._node(second)
            if name in followers:
                self.branches.append(_Branch(name, a, b, ohms=followers[name].ohms, control=followers[name].control))
            elif henries.get(name) or name in loop.controls:
                self.branches.append(_Branch(name, a, b, henries.get(name, 0.0)))
            else:
                joined.append((a, b))
        pairs = np.array(joined, dtype=np.int64).reshape(-1, 2)
        self.shorts.append((pairs[:, 0], pairs[:, 1]))
        for k, amp in enumerate(loop.amplifiers):
            if amp.reference != GROUND or amp.name in loop.controls:
                self.branches.append(_Branch(amp.name, self.count + k, self._node(amp.reference), amplifier=k))

    def _places(self) -> tuple[Ints, int]:
        """Return the unknown of each node, -1 where it stands still, and how many are no amplifier's."""
        a, b = (np.concatenate([edge[k] for edge in self.shorts]) for k in (0, 1))
        joins = sparse.coo_array((np.ones(a.size), (a, b)), shape=(self.count, self.count))
        groups, group = connected_components(joins, directed=False)
        amplifiers = self.equations.loop.amplifiers
        driven = group[self.count - len(amplifiers) :].tolist()
        place = np.full(groups, -2)
        place[group[0]] = -1
        apart = {branch.amplifier for branch in self.branches}
        for k, own_group in enumerate(driven):
            if k in apart:
                continue
            if place[own_group] != -2:
                raise SolveError(
                    f"the output of amplifier {amplifiers[k].name} has its voltage from elsewhere too: "
                    "give it an output resistance"
                )
            place[own_group] = k
        free = place == -2
        count = int(free.sum())
        place[place >= 0] += count
        place[free] = np.arange(count)
        return place[group], count

    def pencil(self, volts: Array, x: Array) -> LoopPencil:
        """Return the equations at operating points x (size, points), ``volts`` (nodes, points) of all nodes there."""
        loop = self.equations.loop
        amplifiers = loop.amplifiers
        place, free = self._places()
        size = free + len(amplifiers) + len(self.branches)
        live = np.flatnonzero(place >= 0)
        select = sparse.csr_array((np.ones(live.size), (live, place[live])), shape=(self.count, size))
        kirchhoff = select[:, :free].T
        # What joins two nodes of one group would leave the rounding of its size in the group's sum.
        farads, siemens = (
            [(a[apart], b[apart], weight[apart]) for a, b, weight in edges for apart in [place[a] != place[b]]]
            for edges in (self.farads, self.siemens)
        )
        capacitance, conductance = laplacian(self.count, farads), laplacian(self.count, siemens, self.blocks)
        sizes = laplacian(self.count, siemens, self.blocks, signed=False)
        speeds = np.array([2.0 * math.pi * (amp.amplifier.bandwidth or math.nan) for amp in amplifiers])
        plus, minus = (
            np.array([self._node(getattr(amp, pin)) for amp in amplifiers], dtype=np.int64) for pin in ("plus", "minus")
        )
        inner = free + np.arange(len(amplifiers))
        between = select[plus] - select[minus]
        share = np.array([1.0 / amp.amplifier.gain for amp in amplifiers])
        own_share = sparse.csr_array((share, (np.arange(inner.size), inner)), shape=(inner.size, size))
        own_rate = sparse.csr_array((1.0 / speeds, (np.arange(inner.size), inner)), shape=(inner.size, size))
        through, flux, law = self._branch_terms(select, size, free)
        holding = sparse.vstack([kirchhoff @ capacitance @ select, own_rate, flux])
        balance = without_rounding(
            kirchhoff @ (conductance @ select + through), kirchhoff @ (sizes @ select + abs(through))
        )
        moving = sparse.vstack([-balance, between - own_share, law])
        currents = x[[self.equations.current[branch.name] for branch in self.branches]]
        begin = np.concatenate([
            kirchhoff @ (capacitance @ volts),
            self.equations.inner_voltages(x) / speeds[:, None],
            flux[:, size - len(self.branches) :] @ currents,
        ])  # fmt: skip
        first, second, sizes_of_charge = (np.concatenate([edge[k] for edge in self.farads]) for k in (0, 1, 2))
        charges = np.stack([place[first], place[second]], axis=1)[sizes_of_charge > 0.0]
        return LoopPencil(
            sparse.csc_array(holding),
            sparse.csc_array(moving),
            free,
            charges,
            -begin,
            select[1 + self.equations.watched],
            speeds,
            self._active(),
            *self._transconductors(select, free),
            self._steepness(),
        )

    def _transconductors(self, select: Any, free: int) -> tuple[sparse.csc_array, sparse.csr_array]:
        """Return where transconductors' currents leave, (size, count), and what they are by the unknowns."""
        sources = self.equations.loop.transconductors
        a, b, plus, minus = (
            np.array([self._node(getattr(source, pin)) for source in sources], dtype=np.int64)
            for pin in ("a", "b", "plus", "minus")
        )
        kirchhoff = sparse.csr_array(select[a] - select[b]).tolil()
        # Only groups have Kirchhoff's law; a current into an amplifier's output is the amplifier's.
        kirchhoff[:, free:] = 0.0
        siemens = np.array([source.siemens for source in sources])
        controls = sparse.diags_array(siemens) @ (select[plus] - select[minus])
        return sparse.csc_array(kirchhoff.T), sparse.csr_array(controls)

    def _steepness(self) -> Array:
        loop = self.equations.loop
        gains = [amp.amplifier.gain for amp in loop.amplifiers if amp.amplifier.bandwidth == math.inf]
        sizes = [gain for gain in gains if gain < math.inf] + [abs(source.gain) for source in loop.current_gains]
        return np.array(sizes, dtype=np.float64)

    def _active(self) -> str | None:
        loop = self.equations.loop
        names = [source.name for source in loop.transconductors] + [branch.name for branch in self.branches]
        names += [amp.name for amp in loop.amplifiers if amp.amplifier.bandwidth == math.inf]
        return next(iter(names), None)

    def _branch_terms(self, select: Any, size: int, free: int) -> tuple[Any, Any, Any]:
        """Return where branches' currents flow, (nodes, size), and both sides of their laws, (branches, size)."""
        count = len(self.branches)
        place = {branch.name: size - count + k for k, branch in enumerate(self.branches)}
        through = sparse.lil_array((self.count, size))
        flux, law = sparse.lil_array((count, size)), sparse.lil_array((count, size))
        for k, branch in enumerate(self.branches):
            through[branch.a, place[branch.name]] += 1.0
            through[branch.b, place[branch.name]] -= 1.0
            flux[k, place[branch.name]] = branch.henries
            if branch.control:
                law[k, place[branch.control]] -= branch.ohms
            if branch.amplifier >= 0:
                law[k, free + branch.amplifier] -= 1.0
        for shared in self.equations.loop.fluxes:
            flux[place[shared.first] - size + count, place[shared.second]] += shared.henries
            flux[place[shared.second] - size + count, place[shared.first]] += shared.henries
        for source in self.equations.loop.current_gains:
            through[self._node(source.a), place[source.control]] += source.gain
            through[self._node(source.b), place[source.control]] -= source.gain
        a, b = (np.array([getattr(branch, pin) for branch in self.branches], dtype=np.int64) for pin in "ab")
        return through.tocsr(), flux.tocsr(), law.tocsr() + select[a] - select[b]
