"""Capacitors that hold a state: sources of their initial value in operating points and sweeps.

A memristor's state is the voltage of a capacitor that a source of current charges. An operating point looks for the
voltage at which nothing charges it any more, which is no read-out: it is read at the initial value, frozen. What else
touches the node (a leak, an ammeter, a resistor in series) does not matter then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from xbarsim.netlist.element_kinds import VOLTAGE
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.holding import Candidate, holding
from xbarsim.netlist.reading.law_columns import NonlinearColumns
from xbarsim.netlist.reading.surroundings import Surroundings, surroundings_of
from xbarsim.netlist.reading.tokens import Value
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError

MOST_LISTED = 8
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
        self.guesses: dict[int | str, Initial] = {}

    def add(self, item: Work) -> None:
        """Take in a body's initial values."""
        for name, value, origin in item.body.initial:
            initials = self._initials(name, value, origin, item)
            if name.startswith("v("):
                self.of_node.update(zip(_node_keys(name, item), initials, strict=True))
            else:
                self.of_element.update(zip(item.names_of(name), initials, strict=True))
        for name, value, origin in item.body.guesses:
            self.guesses.update(zip(_node_keys(name, item), self._initials(name, value, origin, item), strict=True))

    def _initials(self, name: str, value: Value, origin: int, item: Work) -> list[Initial]:
        """Return a value of a body's card, one for each instance."""
        try:
            amount = item.scope.amount(value)
        except CardError as error:
            raise self.places.error(str(error), origin) from None
        numbers = np.broadcast_to(amount, len(item.paths)).tolist()
        if not np.isfinite(numbers).all():
            raise self.places.error(f"the initial value of {name} is not finite", origin)
        return [Initial(volts, origin) for volts in numbers]

    def freeze(
        self, flat: Flat, nonlinear: NonlinearColumns, swept: Collection[str], notes: dict[str, int]
    ) -> tuple[State, ...]:
        """Put sources in place of the capacitors that hold a state, and say what becomes of every initial value."""
        nodes = self._nodes(flat, self.of_node, notes)
        frozen: list[Candidate] = []
        if flat.capacitors:
            around = surroundings_of(flat, nonlinear, swept)
            candidates, without = self._candidates(flat, nodes, around)
            holds, acts = holding(candidates, without, around, list(flat.number))
            frozen = [candidate for candidate, hold in zip(candidates, holds, strict=True) if hold]
            if not self.steady:
                _note_without([row for row, hold in zip(without, acts, strict=True) if hold], notes)
        self._note_unused(flat, nodes, frozen, notes)
        if self.steady:
            self.released = bool(frozen)
            _note_steady(frozen, notes)
            return ()
        states = _replace(frozen, flat)
        _note_states(states, notes)
        return states

    def starts(
        self, flat: Flat, nonlinear: NonlinearColumns, swept: Collection[str], notes: dict[str, int], *, uic: bool
    ) -> tuple[dict[int, float], dict[int, float]]:
        """Return the volts of nodes that a transient begins with, and first guesses; say what becomes of ``ic=``.

        Without ``uic`` ngspice does not look at it. But a capacitor that holds a state is at its initial value here,
        as in an operating point, unless the steady state is asked for.
        """
        nodes = self._nodes(flat, self.of_node, notes)
        guesses = {node: guess.volts for node, guess in self._nodes(flat, self.guesses, notes, ".nodeset").items()}
        initial = {node: start.volts for node, start in nodes.items()}
        if uic or not self.of_element:
            return initial, guesses
        resting: list[Candidate] = []
        if flat.capacitors:
            around = surroundings_of(flat, nonlinear, swept)
            candidates, without = self._candidates(flat, nodes, around)
            holds, _ = holding(candidates, without, around, list(flat.number))
            resting = [
                candidate
                for candidate, hold in zip(candidates, holds, strict=True)
                if hold and not candidate.keys and 0 in (candidate.first, candidate.second)
            ]
        self.released = bool(resting)
        if self.steady:
            resting = []
        for state in resting:
            node, sign = (state.first, 1.0) if state.second == 0 else (state.second, -1.0)
            initial.setdefault(node, sign * state.volts)
        if resting:
            text = (
                f".tran begins with states at their ic=, {_listed(resting)}; without uic ngspice looks for their steady"
                " state, as --steady does"
            )
            notes.setdefault(text, resting[0].origin)
        names = {state.name for state in resting}
        left = [State(name, *start) for name, start in self.of_element.items() if name not in names]
        if left:
            text = "without uic .tran begins with an operating point, and ic= is not used, as in ngspice"
            notes.setdefault(f"{text}: {_counted(left)}", left[0].origin)
        return initial, guesses

    def _nodes(
        self, flat: Flat, values: dict[int | str, Initial], notes: dict[str, int], card: str = ".ic"
    ) -> dict[int, Initial]:
        """Return what a card says by number; note what it says of nodes that are not there."""
        initials: dict[int, Initial] = {}
        for key, initial in values.items():
            number = flat.number.get(key) if isinstance(key, str) else key
            if number is None:
                notes.setdefault(f"{card} v({key}): there is no such node: ignored", initial.origin)
            elif number != 0:
                initials[number] = initial
        return initials

    def _candidates(
        self, flat: Flat, nodes: dict[int, Initial], around: Surroundings
    ) -> tuple[list[Candidate], list[tuple[str, int, int, int]]]:
        """Return the capacitors with initial values, and those without any."""
        beside = _beside(flat, nodes, around)
        candidates: list[Candidate] = []
        without: list[tuple[str, int, int, int]] = []
        for row in flat.capacitors:
            name, first, second, origin = row
            initial, first_key, second_key = self.of_element.get(name), beside.get(first), beside.get(second)
            if initial is not None:
                candidates.append(Candidate(name, first, second, initial.volts, origin))
            elif first_key is not None and (second_key is not None or second == 0):
                volts = nodes[first_key].volts - (0.0 if second_key is None else nodes[second_key].volts)
                keys = (first_key,) if second_key is None else (first_key, second_key)
                candidates.append(Candidate(name, first, second, volts, origin, keys))
            elif first_key is not None:
                candidates.append(Candidate(name, first, 0, nodes[first_key].volts, origin, (first_key,)))
            elif second_key is not None:
                candidates.append(Candidate(name, 0, second, -nodes[second_key].volts, origin, (second_key,)))
            else:
                without.append(row)
        return candidates, without

    def _note_unused(
        self, flat: Flat, nodes: dict[int, Initial], frozen: list[Candidate], notes: dict[str, int]
    ) -> None:
        """Note the initial values that no frozen state has."""
        names = list(flat.number)
        keys = {key for candidate in frozen for key in candidate.keys}
        own_value = [candidate for candidate in frozen if not candidate.keys]
        by_node = {end: candidate for candidate in own_value for end in (candidate.first, candidate.second) if end}
        left: list[State] = []
        for key, initial in nodes.items():
            name = f"v({names[key + 1]})"  # "gnd" stands behind "0"
            if key in keys:
                continue
            if key in by_node:
                state = by_node[key]
                text = f".ic {name} = {initial.volts:g} V gives way to {state.name}'s IC= of {state.volts:g} V"
                notes.setdefault(text, initial.origin)
            else:
                left.append(State(name, *initial))
        if left:
            unused = ".ic changes no operating point where no state is held"
            text = f"{unused}: {_counted(left)}"
            notes.setdefault(text, left[0].origin)
        frozen_names = {candidate.name for candidate in frozen}
        left = [State(name, *initial) for name, initial in self.of_element.items() if name not in frozen_names]
        if left:
            text = f"ic= changes no operating point where no state is held: {_counted(left)}"
            notes.setdefault(text, left[0].origin)


def _node_keys(name: str, item: Work) -> list[int] | list[str]:
    """Return the node of ``v(node)`` in each instance.

    By name where it is no port: a node that is nowhere else must not come into being here.
    """
    node = name[2:-1].strip()
    ports = item.ports.get(node)
    return [path + node for path in item.paths] if ports is None else ports.tolist()


def _beside(flat: Flat, nodes: dict[int, Initial], around: Surroundings) -> dict[int, int]:
    """Return for nodes the ``.ic`` node whose value is theirs: their own, or one behind an ammeter or a resistor.

    Behind a resistor only where the part of the circuit holds no source of its own, and only if all its ``.ic`` agree.
    """
    key_of = {node: node for node in nodes}
    if not nodes:
        return key_of
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
        if node not in key_of and part in first_of and not live[part] and len(of_part[part]) == 1:
            key_of[node] = first_of[part]
    return key_of


def _replace(frozen: list[Candidate], flat: Flat) -> tuple[State, ...]:
    """Turn capacitors into sources."""
    if frozen:
        names = [candidate.name for candidate in frozen]
        rows = [(candidate.first, candidate.second, candidate.origin) for candidate in frozen]
        first, second, origins = np.array(rows, np.int64).T.copy()
        volts = np.array([candidate.volts for candidate in frozen])
        flat.extend(names, np.full(len(names), VOLTAGE, np.uint8), (first, second), volts, origins)
        sources = set(names)
        flat.capacitors = [row for row in flat.capacitors if row[0] not in sources]
    return tuple(State(candidate.name, candidate.volts, candidate.origin) for candidate in frozen)


def _note_states(states: tuple[State, ...], notes: dict[str, int]) -> None:
    """Say which states are frozen at which values: all of them, or how many and their range."""
    if not states:
        return
    if len(states) == 1:
        text = f"{states[0].name} holds a state, which is frozen at its initial value ({states[0].volts:g} V)"
    else:
        text = f"{len(states)} capacitors hold states, which are frozen at their initial values: {_listed(states)}"
    notes.setdefault(f"{text}; --steady looks for the steady state", states[0].origin)


def _note_steady(states: list[Candidate], notes: dict[str, int]) -> None:
    if states:
        text = "--steady: the steady state is looked for, and the initial values of states are not used"
        notes.setdefault(f"{text}: {_listed(states)}", states[0].origin)


def _note_without(rows: list[tuple[str, int, int, int]], notes: dict[str, int]) -> None:
    """Say which capacitors would be states if they had an initial value."""
    if rows:
        more = f" and {len(rows) - 1} more act on laws and have" if len(rows) > 1 else " acts on a law and has"
        text = f"{rows[0][0]}{more} no IC= or .ic: the steady state is taken, not a frozen one"
        notes.setdefault(text, rows[0][3])


def _counted(values: Sequence[State]) -> str:
    return _listed(values) if len(values) <= MOST_LISTED else f"{len(values)} values, {_listed(values)}"


def _listed(values: Sequence[State | Candidate]) -> str:
    """Return all of some names and volts, or the first and the last and the volts' range."""
    if len(values) <= MOST_LISTED:
        return ", ".join(f"{state.name} = {state.volts:g} {'A' if state.name[0] == 'l' else 'V'}" for state in values)
    volts = [state.volts for state in values]
    return f"{values[0].name} to {values[-1].name}, {min(volts):g} to {max(volts):g} V"
