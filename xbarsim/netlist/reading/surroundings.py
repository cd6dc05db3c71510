"""What touches each node of a circuit: what fixes its voltage, what ties it to others, which laws read it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.components import components
from xbarsim.netlist.element_kinds import CURRENT, ELEMENTS, VOLTAGE, is_short
from xbarsim.netlist.nonlinear_elements import Behaviours
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.law_columns import NonlinearColumns

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Pairs:
    """Pairs of nodes as they are met."""

    def __init__(self) -> None:
        self.first: list[Ints] = []
        self.second: list[Ints] = []

    def add(self, first: Ints, second: Ints) -> None:
        """Append pairs."""
        self.first.append(first)
        self.second.append(second)

    def joined(self) -> tuple[Ints, Ints]:
        """Return both columns."""
        empty = np.zeros(0, np.int64)
        return np.concatenate([*self.first, empty]), np.concatenate([*self.second, empty])


@dataclass
class Surroundings:
    """The circuit around its capacitors.

    Attributes
    ----------
    root : (nodes,) array of int
        The lowest node that ammeters, sources of 0 V off ground, tie each one to: it stands for all of them here.
    volts : Pairs
        Elements that fix the voltage between their nodes: V, E, H, laws of volts, resistors of 0 ohm.
    ties : Pairs
        Elements that conduct between their nodes: these, R, L, D, M, currents between nodes other than ground.
    channels : (nodes,)
        Nodes at which a diode, a transistor's channel, or a conducting law between two nodes other than ground ends.
    fixed : (nodes,)
        Nodes that something conducts to; only sources of current do not.
    live : (nodes,)
        Nodes at which a source of the circuit's own ends: V to ground, any other V or I that is not 0 or that changes.
    read : (nodes,)
        Nodes whose voltage controls a law or a source that does not lie across it, or does and leads to ground; gates.
    laws : list of (plus, minus, first, second)
        Where laws lie, and what voltages they read from elsewhere.
    """

    root: Ints
    volts: Pairs = field(default_factory=Pairs)
    ties: Pairs = field(default_factory=Pairs)
    channels: Bools = field(init=False)
    fixed: Bools = field(init=False)
    live: Bools = field(init=False)
    read: Bools = field(init=False)
    laws: list[tuple[Ints, Ints, Ints, Ints]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.count = self.root.size
        self.channels, self.fixed, self.live, self.read = (np.zeros(self.count, bool) for _ in range(4))
        self.fixed[0] = True

    def mark(self, flags: Bools, *nodes: Ints) -> None:
        """Set flags of nodes."""
        for column in nodes:
            flags[self.root[column]] = True

    @cached_property
    def leaves(self) -> Ints:
        """For each node the only other one that something conducts to from it; -1 where there are several or none."""
        first, second = self.ties.joined()
        ends, opposites = np.concatenate([first, second]), np.concatenate([second, first])
        low, high = np.full(self.count, self.count), np.full(self.count, -1)
        np.minimum.at(low, ends, opposites)
        np.maximum.at(high, ends, opposites)
        return np.where(low == high, low, -1)

    def parts(self, across: tuple[Ints, Ints]) -> Ints:
        """Return each node's part, one of its nodes: what conduction ties together, ground apart.

        Parameters
        ----------
        across : (k,), (k,) arrays of int
            Capacitors. A node that leads nowhere but to its capacitor's other node is a part of its own.
        """
        first, second = self.ties.joined()
        alone = np.zeros(self.count, bool)
        first_ends, second_ends = self.root[across[0]], self.root[across[1]]
        for end, opposite in ((first_ends, second_ends), (second_ends, first_ends)):
            alone[end[self.leaves[end] == opposite]] = True
        alone[0] = True
        inside = ~alone[first] & ~alone[second]
        return components(first[inside], second[inside], self.count)[self.root]

    def conduct(self, first: Ints, second: Ints) -> None:
        """Take in elements that conduct between their nodes."""
        self.ties.add(self.root[first], self.root[second])
        self.mark(self.fixed, first, second)

    def fix(self, first: Ints, second: Ints) -> None:
        """Take in elements that fix the voltage between their nodes."""
        self.volts.add(self.root[first], self.root[second])
        self.conduct(first, second)


def surroundings_of(flat: Flat, nonlinear: NonlinearColumns, swept: Collection[str]) -> Surroundings:
    """Look at all elements; ``swept`` are the sources that ``.dc`` sweeps."""
    kinds, first, second, values, _ = flat.joined()
    source = kinds == VOLTAGE
    acting = values != 0
    acting[list(flat.waves)] = True
    acting |= np.fromiter((name in swept for name in flat.names), bool, kinds.size)
    meter = source & ~acting & (first != 0) & (second != 0)
    around = Surroundings(components(first[meter], second[meter], len(flat.number)))
    around.conduct(first[kinds != CURRENT], second[kinds != CURRENT])
    hard = source | is_short(kinds, values)
    around.fix(first[hard], second[hard])
    live = ((source | (kinds == CURRENT)) & acting) | (source & ~meter)
    around.mark(around.live, first[live], second[live])
    _look_at_controls(flat, around)
    behaviours = nonlinear.behaviours(flat, kinds)
    branch_ends = _branch_ends(flat, behaviours, first, second)
    for laws in behaviours:
        _look_at_laws(laws, branch_ends, around)
    diodes, mosfets = nonlinear.diodes(), nonlinear.mosfets()
    if diodes is not None:
        around.conduct(diodes.first, diodes.second)
        around.mark(around.channels, diodes.first, diodes.second)
    if mosfets is not None:
        around.conduct(mosfets.drain, mosfets.source)
        around.conduct(mosfets.bulk, mosfets.source)
        around.mark(around.channels, mosfets.drain, mosfets.source)
        around.mark(around.read, mosfets.gate)
    for flags in (around.channels, around.fixed, around.live, around.read):
        flags[:] = flags[around.root]
    return around


def _look_at_controls(flat: Flat, around: Surroundings) -> None:
    """Take in E, F, G and H."""
    for name, plus, minus, _, _, c, d in flat.controls:
        kind = ELEMENTS[name[0]]
        ends = np.array([plus]), np.array([minus])
        across = not isinstance(c, str) and {c, d} == {plus, minus}
        if kind.fixes_voltage:
            around.fix(*ends)
        elif across or kind.controls == 0:
            around.conduct(*ends)
        elif plus and minus:
            around.ties.add(around.root[ends[0]], around.root[ends[1]])
        if kind.controls == 2 and not across:
            around.mark(around.read, np.array([c, d]))
            if not kind.output:
                around.conduct(np.array([c]), np.array([d]))


def _branch_ends(flat: Flat, behaviours: tuple[Behaviours, ...], first: Ints, second: Ints) -> tuple[Ints, Ints]:
    """Return the nodes of what a law may read the current of, in the order of ``Behaviours.plus``."""
    volts = [laws for laws in behaviours if laws.output == "v"]
    rows = np.array([[row[1], row[2]] for row in flat.controls], np.int64).reshape(-1, 2)
    return (
        np.concatenate([first, rows[:, 0], *(laws.first for laws in volts)]),
        np.concatenate([second, rows[:, 1], *(laws.second for laws in volts)]),
    )


def _look_at_laws(laws: Behaviours, branch_ends: tuple[Ints, Ints], around: Surroundings) -> None:
    """Take in laws: what they lie across, and what they read."""
    root = around.root
    first, second = root[laws.first], root[laws.second]
    conducting = np.zeros(first.size, bool)
    touching = np.zeros(first.size, bool)
    for kind, plus, minus in zip(laws.kinds, laws.plus, laws.minus, strict=True):
        if kind != "v":
            plus, minus = branch_ends[0][plus], branch_ends[1][plus]
        plus, minus = root[plus], root[minus]
        across = ((plus == first) & (minus == second)) | ((plus == second) & (minus == first))
        for end in (first, second):
            touching |= (end > 0) & ((plus == end) | (minus == end))
        if kind == "v" and laws.kinds == "v":
            conducting |= across
        elsewhere = ~across
        # A rate that depends on the state itself runs from ground to it.
        rate = across & ((first == 0) | (second == 0))
        around.mark(around.read, plus[rate], minus[rate])
        around.mark(around.read, plus[elsewhere], minus[elsewhere])
        if kind == "v":
            around.laws.append(tuple(column[elsewhere] for column in (plus, minus, first, second)))
    if laws.output == "v":
        around.fix(first, second)
        return
    inner = (first > 0) & (second > 0)
    around.conduct(first[conducting], second[conducting])
    around.ties.add(first[inner], second[inner])
    around.mark(around.channels, first[touching & inner], second[touching & inner])


def fixed_volts(around: Surroundings) -> Ints:
    """Return for each node the lowest one that sources fix its voltage to."""
    first, second = around.volts.joined()
    return components(first, second, around.count)[around.root]
