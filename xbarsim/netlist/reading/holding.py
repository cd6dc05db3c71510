"""Which capacitors with an initial value hold a state: they feed a law and are no part of the circuit that is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.reading.surroundings import Surroundings, fixed_volts

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Candidate:
    """A capacitor with an initial value; a node is ground where only the ``.ic`` of the opposite one counts.

    ``keys`` are the nodes whose ``.ic`` was taken.
    """

    name: str
    first: int
    second: int
    volts: float
    origin: int
    keys: tuple[int, ...] = ()


def holding(
    candidates: Sequence[Candidate],
    without: Sequence[tuple[str, int, int, int]],
    around: Surroundings,
    names: list[str],
) -> tuple[Bools, Bools]:
    """Return which candidates are held, and which capacitors without an initial value would be states.

    A capacitor is held if nothing else conducts to one of its nodes; or if its voltage acts on a law from elsewhere and
    no source of the circuit's own ends in its part of the circuit, unless that part is inside the capacitor's own
    subcircuit; or, beside such a source, if the law that it acts on carries current in the circuit that is read, and
    its own node does not. The capacitance of a line or across a cell is none of these. Where sources fix its voltage
    already, nothing is held.

    Parameters
    ----------
    candidates : sequence
        Capacitors with an initial value.
    without : sequence of (name, node, node, origin)
        Capacitors without.
    around : Surroundings
        The circuit.
    names : list of str
        The nodes' names, with ``gnd`` behind ``0``.
    """
    pairs = [(candidate.first, candidate.second) for candidate in candidates] + [row[1:3] for row in without]
    ends = np.array(pairs, np.int64).reshape(-1, 2).T
    label = around.parts((ends[0], ends[1]))
    read, live = (np.zeros(around.count, bool) for _ in range(2))
    read[label[around.read]] = live[label[around.live]] = True
    enclosed = _enclosed(ends, label, live, names)
    apart = ends > 0
    states = apart & read[label[ends]] & (~live[label[ends]] | enclosed)
    definite = np.zeros(around.count, bool)
    definite[label[ends[states]]] = True
    definite[0] = True
    beside = apart & _carrying(around, label, live, definite)[ends] & ~around.channels[ends]
    loose = apart & ~around.fixed[ends]
    eligible = np.asarray((states | beside | loose).any(axis=0))
    holds = _without_loops(candidates, eligible[: len(candidates)], around)
    return holds, np.asarray(states.any(axis=0))[len(candidates) :]


def _enclosed(ends: Ints, label: Ints, live: Bools, names: list[str]) -> Bools:
    """Return, (2, k), whether a part with a source lies inside the subcircuit that holds the capacitor's node."""
    enclosed = np.zeros(ends.shape, bool)
    at_source = live[label[ends]] & (ends > 0)
    if not at_source.any():
        return enclosed
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(label.size + 1))
    for end, k in np.argwhere(at_source).tolist():
        path, dot, _ = names[ends[end, k] + 1].rpartition(".")
        if dot and path[0] == "x":
            part = int(label[ends[end, k]])
            inside = order[starts[part] : starts[part + 1]].tolist()
            enclosed[end, k] = all(names[node + 1].startswith(path + dot) for node in inside)
    return enclosed


def _carrying(around: Surroundings, label: Ints, live: Bools, definite: Bools) -> Bools:
    """Return the nodes that act on a law which carries current where sources are, and feeds no state."""
    acting = np.zeros(around.count, bool)
    for plus, minus, first, second in around.laws:
        outside = live[label[first]] & (first > 0) | live[label[second]] & (second > 0)
        outside &= ~(definite[label[first]] & definite[label[second]])
        acting[plus[outside]] = acting[minus[outside]] = True
    return acting


def _without_loops(candidates: Sequence[Candidate], eligible: Bools, around: Surroundings) -> Bools:
    """Drop capacitors whose voltage sources, or others that are held, fix already."""
    label = fixed_volts(around)
    joined: dict[int, int] = {}

    def root(node: int) -> int:
        at = int(label[node])
        while at in joined:
            at = joined[at]
        return at

    holds = np.zeros(len(candidates), bool)
    for k in np.flatnonzero(eligible).tolist():
        plus, minus = root(candidates[k].first), root(candidates[k].second)
        if plus != minus:
            holds[k] = True
            joined[max(plus, minus)] = min(plus, minus)
    return holds
