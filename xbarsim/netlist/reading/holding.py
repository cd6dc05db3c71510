"""Which capacitors with an initial value hold a state: they feed a law and are no part of the circuit that is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.reading.surroundings import Surroundings, fixed_volts

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Held(Protocol):
    """A capacitor with an initial value."""

    @property
    def node(self) -> int:
        """Its + node."""

    @property
    def other(self) -> int:
        """Its - node."""


def holding(
    candidates: Sequence[Held], without: Sequence[tuple[str, int, int, int]], around: Surroundings, names: list[str]
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
    rows = np.array([(one.node, one.other) for one in candidates] + [row[1:3] for row in without], np.int64)
    ends = rows.reshape(-1, 2).T
    label = around.parts((ends[0], ends[1]))
    read, live = (np.zeros(around.count, bool) for _ in range(2))
    read[label[around.read]] = live[label[around.live]] = True
    own = _own_parts(ends, label, live, names)
    apart = ends > 0
    states = apart & read[label[ends]] & (~live[label[ends]] | own)
    definite = np.zeros(around.count, bool)
    definite[label[ends[states]]] = True
    definite[0] = True
    beside = apart & _carrying(around, label, live, definite)[ends] & ~around.channels[ends]
    loose = apart & ~around.fixed[ends]
    wanted = np.asarray((states | beside | loose).any(axis=0))
    held = _without_loops(candidates, wanted[: len(candidates)], around)
    return held, np.asarray(states.any(axis=0))[len(candidates) :]


def _own_parts(ends: Ints, label: Ints, live: Bools, names: list[str]) -> Bools:
    """Return, (2, k), whether a part with a source lies inside the subcircuit that holds the capacitor's node."""
    own = np.zeros(ends.shape, bool)
    asked = live[label[ends]] & (ends > 0)
    if not asked.any():
        return own
    order = np.argsort(label, kind="stable")
    starts = np.searchsorted(label[order], np.arange(label.size + 1))
    for end, k in np.argwhere(asked).tolist():
        path, dot, _ = names[ends[end, k] + 1].rpartition(".")
        if dot and path[0] == "x":
            part = int(label[ends[end, k]])
            inside = order[starts[part] : starts[part + 1]].tolist()
            own[end, k] = all(names[node + 1].startswith(path + dot) for node in inside)
    return own


def _carrying(around: Surroundings, label: Ints, live: Bools, definite: Bools) -> Bools:
    """Return the nodes that act on a law which carries current where sources are, and feeds no state."""
    acting = np.zeros(around.count, bool)
    for plus, minus, first, second in around.laws:
        outside = live[label[first]] & (first > 0) | live[label[second]] & (second > 0)
        outside &= ~(definite[label[first]] & definite[label[second]])
        acting[plus[outside]] = acting[minus[outside]] = True
    return acting


def _without_loops(candidates: Sequence[Held], wanted: Bools, around: Surroundings) -> Bools:
    """Drop capacitors whose voltage sources, or others that are held, fix already."""
    label = fixed_volts(around)
    joined: dict[int, int] = {}

    def root(node: int) -> int:
        at = int(label[node])
        while at in joined:
            at = joined[at]
        return at

    held = np.zeros(len(candidates), bool)
    for k in np.flatnonzero(wanted).tolist():
        one, other = root(candidates[k].node), root(candidates[k].other)
        if one != other:
            held[k] = True
            joined[max(one, other)] = min(one, other)
    return held
