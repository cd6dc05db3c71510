"""Capacitors that hold a state: sources of their initial value where nothing else fixes their voltage.

A memristor's state is the voltage of a capacitor that a current source charges. No operating point fixes it but for a
steady state, which is no read-out; it is read at the initial value, frozen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.kinds import CURRENT, VOLTAGE
from xbarsim.netlist.nonlinear import Behaviours
from xbarsim.netlist.reading.expressions import Expression
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.nonlinear import Names, NonlinearColumns
from xbarsim.netlist.reading.scopes import Amount
from xbarsim.netlist.reading.source import Places
from xbarsim.netlist.reading.work import Work

Bools = NDArray[np.bool_]


class States:
    """Collects initial values while bodies are expanded."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.of_capacitor: dict[str, float] = {}
        self.of_node: dict[int, float] = {}
        self.first: int | None = None

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
            if name.startswith("v("):
                self.first = origin if self.first is None else self.first
                self.of_node.update(zip(names.nodes(item, name[2:-1].strip()).tolist(), numbers, strict=True))
            else:
                self.of_capacitor.update(zip(names.names_of(item, name), numbers, strict=True))

    def freeze(self, flat: Flat, nonlinear: NonlinearColumns, notes: dict[str, int]) -> None:
        """Put sources in place of the capacitors that alone hold a node's voltage."""
        frozen = [] if not (self.of_capacitor or self.of_node) else self._frozen(flat, nonlinear)
        if frozen:
            names, first, second, values, origins = (list(column) for column in zip(*frozen, strict=True))
            ends = np.array(first, np.int64), np.array(second, np.int64)
            flat.extend(names, [VOLTAGE] * len(names), ends, np.array(values), np.array(origins, np.int64))
            taken = set(names)
            flat.capacitors = [row for row in flat.capacitors if row[0] not in taken]
            more = f" and {len(names) - 1} more hold" if len(names) > 1 else " holds"
            text = f"{names[0]}{more} a state, which is frozen at its initial value ({values[0]:g} V)"
            notes.setdefault(text, origins[0])
        elif self.first is not None:
            notes.setdefault(".ic changes no operating point, as no capacitor holds a state: ignored", self.first)

    def _frozen(self, flat: Flat, nonlinear: NonlinearColumns) -> list[tuple[str, int, int, float, int]]:
        fixed = _fixed(flat, nonlinear)
        found = []
        for name, first, second, origin in flat.capacitors:
            if fixed[first] and fixed[second]:
                continue
            value = self.of_capacitor.get(name)
            if value is None and all(node == 0 or node in self.of_node for node in (first, second)):
                value = self.of_node.get(first, 0.0) - self.of_node.get(second, 0.0)
            if value is not None:
                found.append((name, first, second, value, origin))
                fixed[[first, second]] = True
        return found


def _fixed(flat: Flat, nonlinear: NonlinearColumns) -> Bools:
    """Return the nodes that an element ties to another one: all but sources of current do."""
    kinds, first, second, _, _ = flat.joined()
    fixed = np.zeros(len(flat.number), bool)
    fixed[0] = True
    ties = kinds != CURRENT
    fixed[first[ties]] = fixed[second[ties]] = True
    for row in flat.controls:
        if row[0][0] in "eh":
            fixed[[row[1], row[2]]] = True
    for one in nonlinear.behaviours(flat, kinds):
        ties = _conducting(one)
        fixed[one.first[ties]] = fixed[one.second[ties]] = True
    diodes, mosfets = nonlinear.diodes(), nonlinear.mosfets()
    if diodes is not None:
        fixed[diodes.first] = fixed[diodes.second] = True
    if mosfets is not None:
        fixed[mosfets.drain] = fixed[mosfets.source] = fixed[mosfets.bulk] = True
    return fixed


def _conducting(one: Behaviours) -> Bools:
    """Return which sources of a group are volts, or amperes by the voltage across them alone."""
    if one.output == "v":
        return np.ones(one.first.size, bool)
    if one.kinds != "v":
        return np.zeros(one.first.size, bool)
    turned = (one.plus[0] == one.second) & (one.minus[0] == one.first)
    return np.asarray(one.two_terminal | turned)
