"""Capacitors that hold a state: sources of their initial value in operating points and sweeps.

A memristor's state is the voltage of a capacitor that a source of current charges. An operating point looks for the
voltage at which nothing charges it any more, which is no read-out: it is read at the initial value, frozen. What else
touches the node (a leak, an ammeter, a resistor in series) does not matter then.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from xbarsim.netlist.element_kinds import VOLTAGE
from xbarsim.netlist.language.parser import Expression
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.holding import holding
from xbarsim.netlist.reading.law_columns import Names, NonlinearColumns
from xbarsim.netlist.reading.scopes import Amount
from xbarsim.netlist.reading.surroundings import Surroundings, surroundings_of
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError

NAMED = 8
"""How many states a note names."""


class State(NamedTuple):
    """A capacitor that holds a state: its name, the volts that it is frozen at, and where it stands."""

    name: str
    volts: float
    origin: int


class Initial(NamedTuple):
    """An initial value, and where it stands."""

    volts: float
    origin: int


@dataclass(frozen=True)
class Candidate:
    """A capacitor with an initial value; ``other`` is ground where only the ``.ic`` of one node counts.

    ``keys`` are the nodes whose ``.ic`` was taken.
    """

    name: str
    node: int
    other: int
    volts: float
    origin: int
    keys: tuple[int, ...] = ()


class States:
    """Collects initial values while bodies are expanded.

    Parameters
    ----------
    places : Places
        For messages.
    steady : bool
        Leave capacitors open, as ngspice does: no state is frozen.
    """

    def __init__(self, places: Places, *, steady: bool = False) -> None:
        self.places, self.steady = places, steady
        self.released = False
        """Whether ``steady`` changes anything: a capacitor would hold a state without it."""
        self.of_element: dict[str, Initial] = {}
        self.of_node: dict[int | str, Initial] = {}

    def add(self, item: Work, names: Names) -> None:
        """Take in a body's initial values."""
        for name, value, origin in item.body.initial:
            count = len(item.paths)
            try:
                amount: Amount = item.scope.evaluate(value) if isinstance(value, Expression) else value
            except CardError as error:
                raise self.places.error(str(error), origin) from None
            numbers = np.broadcast_to(amount, count).tolist()
            if not np.isfinite(numbers).all():
                raise self.places.error(f"the initial value of {name} is not finite", origin)
            initials = [Initial(volts, origin) for volts in numbers]
            if name.startswith("v("):
                # By name where it is no port: a node that is nowhere else must not come into being here.
                node = name[2:-1].strip()
                ports = item.ports.get(node)
                keys = [path + node for path in item.paths] if ports is None else ports.tolist()
                self.of_node.update(zip(keys, initials, strict=True))
            else:
                self.of_element.update(zip(names.names_of(item, name), initials, strict=True))

    def freeze(
        self, flat: Flat, nonlinear: NonlinearColumns, swept: Collection[str], notes: dict[str, int]
    ) -> tuple[State, ...]:
        """Put sources in place of the capacitors that hold a state, and say what becomes of every initial value."""
        nodes = self._nodes(flat, notes)
        frozen: list[Candidate] = []
        if flat.capacitors:
            around = surroundings_of(flat, nonlinear, swept)
            candidates, without = self._candidates(flat, nodes, around)
            held, acts = holding(candidates, without, around, list(flat.number))
            frozen = [one for one, yes in zip(candidates, held, strict=True) if yes]
            if not self.steady:
                _note_without([row for row, yes in zip(without, acts, strict=True) if yes], notes)
        self._note_unused(flat, nodes, frozen, notes)
        if self.steady:
            self.released = bool(frozen)
            _note_steady(frozen, notes)
            return ()
        states = _replace(frozen, flat)
        _note_states(states, notes)
        return states

    def _nodes(self, flat: Flat, notes: dict[str, int]) -> dict[int, Initial]:
        """Return what ``.ic`` says by number; note what it says of nodes that are not there."""
        found: dict[int, Initial] = {}
        for key, initial in self.of_node.items():
            number = flat.number.get(key) if isinstance(key, str) else key
            if number is None:
                notes.setdefault(f".ic v({key}): there is no such node: ignored", initial.origin)
            elif number != 0:
                found[number] = initial
        return found

    def _candidates(
        self, flat: Flat, nodes: dict[int, Initial], around: Surroundings
    ) -> tuple[list[Candidate], list[tuple[str, int, int, int]]]:
        """Return the capacitors with initial values, and those without any."""
        beside = _beside(flat, nodes, around)
        candidates: list[Candidate] = []
        without: list[tuple[str, int, int, int]] = []
        for row in flat.capacitors:
            name, first, second, origin = row
            own, one, other = self.of_element.get(name), beside.get(first), beside.get(second)
            if own is not None:
                candidates.append(Candidate(name, first, second, own.volts, origin))
            elif one is not None and (other is not None or second == 0):
                volts = nodes[one].volts - (0.0 if other is None else nodes[other].volts)
                keys = (one,) if other is None else (one, other)
                candidates.append(Candidate(name, first, second, volts, origin, keys))
            elif one is not None:
                candidates.append(Candidate(name, first, 0, nodes[one].volts, origin, (one,)))
            elif other is not None:
                candidates.append(Candidate(name, 0, second, -nodes[other].volts, origin, (other,)))
            else:
                without.append(row)
        return candidates, without

    def _note_unused(
        self, flat: Flat, nodes: dict[int, Initial], frozen: list[Candidate], notes: dict[str, int]
    ) -> None:
        """Note the initial values that no frozen state has."""
        names = list(flat.number)
        taken = {key for one in frozen for key in one.keys}
        own = {end: one for one in frozen if not one.keys for end in (one.node, one.other) if end}
        left: list[tuple[str, Initial]] = []
        for key, initial in nodes.items():
            name = f"v({names[key + 1]})"  # "gnd" stands behind "0"
            if key in taken:
                continue
            if key in own:
                text = f".ic {name} = {initial.volts:g} V gives way to {own[key].name}'s IC= of {own[key].volts:g} V"
                notes.setdefault(text, initial.origin)
            else:
                left.append((name, initial))
        if left:
            unused = ".ic changes no operating point where no state is held, and .tran starts without it"
            text = f"{unused}: {_counted(left)}"
            notes.setdefault(text, left[0][1].origin)
        held = {one.name for one in frozen}
        left = [(name, initial) for name, initial in self.of_element.items() if name not in held]
        if left:
            text = f"ic= changes no operating point where no state is held: {_counted(left)}"
            notes.setdefault(text, left[0][1].origin)


def _beside(flat: Flat, nodes: dict[int, Initial], around: Surroundings) -> dict[int, int]:
    """Return for nodes the ``.ic`` node whose value is theirs: their own, or one behind an ammeter or a resistor.

    Behind a resistor only where the part of the circuit holds no source of its own, and only if all its ``.ic`` agree.
    """
    found = {node: node for node in nodes}
    if not nodes:
        return found
    ends = sorted({node for row in flat.capacitors for node in row[1:3] if node != 0})
    rows = np.array([row[1:3] for row in flat.capacitors], np.int64).reshape(-1, 2)
    label = around.parts((rows[:, 0], rows[:, 1]))
    live = np.zeros(around.count, bool)
    live[label[around.live]] = True
    of_part: dict[int, set[float]] = {}
    first_of: dict[int, int] = {}
    for node, initial in nodes.items():
        part = int(label[node])
        of_part.setdefault(part, set()).add(initial.volts)
        first_of.setdefault(part, node)
    for node in ends:
        part = int(label[node])
        if node not in found and part in first_of and not live[part] and len(of_part[part]) == 1:
            found[node] = first_of[part]
    return found


def _replace(frozen: list[Candidate], flat: Flat) -> tuple[State, ...]:
    """Turn capacitors into sources."""
    if frozen:
        names = [one.name for one in frozen]
        ends = (np.array([one.node for one in frozen], np.int64), np.array([one.other for one in frozen], np.int64))
        volts, origins = np.array([one.volts for one in frozen]), np.array([one.origin for one in frozen], np.int64)
        flat.extend(names, [VOLTAGE] * len(names), ends, volts, origins)
        taken = set(names)
        flat.capacitors = [row for row in flat.capacitors if row[0] not in taken]
    return tuple(State(one.name, one.volts, one.origin) for one in frozen)


def _note_states(states: tuple[State, ...], notes: dict[str, int]) -> None:
    """Say which states are frozen at which values: all of them, or how many and their range."""
    if not states:
        return
    if len(states) == 1:
        text = f"{states[0].name} holds a state, which is frozen at its initial value ({states[0].volts:g} V)"
    else:
        listed = _listed([(one.name, Initial(one.volts, one.origin)) for one in states])
        text = f"{len(states)} capacitors hold states, which are frozen at their initial values: {listed}"
    notes.setdefault(f"{text}; --steady looks for the steady state", states[0].origin)


def _note_steady(states: list[Candidate], notes: dict[str, int]) -> None:
    if states:
        listed = _listed([(one.name, Initial(one.volts, one.origin)) for one in states])
        text = f"--steady: the steady state is looked for, and the initial values of states are not used: {listed}"
        notes.setdefault(text, states[0].origin)


def _note_without(rows: list[tuple[str, int, int, int]], notes: dict[str, int]) -> None:
    """Say which capacitors would be states if they had an initial value."""
    if rows:
        more = f" and {len(rows) - 1} more act" if len(rows) > 1 else " acts"
        text = f"{rows[0][0]}{more} on a law and has no IC= or .ic: the steady state is taken, not a frozen one"
        notes.setdefault(text, rows[0][3])


def _counted(values: list[tuple[str, Initial]]) -> str:
    return _listed(values) if len(values) <= NAMED else f"{len(values)} values, {_listed(values)}"


def _listed(values: list[tuple[str, Initial]]) -> str:
    """Return all of some names and volts, or the first and the last and the volts' range."""
    if len(values) <= NAMED:
        return ", ".join(f"{name} = {one.volts:g} {'A' if name[0] == 'l' else 'V'}" for name, one in values)
    volts = [one.volts for _, one in values]
    return f"{values[0][0]} to {values[-1][0]}, {min(volts):g} to {max(volts):g} V"
