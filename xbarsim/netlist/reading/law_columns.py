"""Cards with laws of all instances as columns, with the devices beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.behaviour import FoldedLaw, Parsed, Template, law_of, parse_law
from xbarsim.netlist.element_kinds import ELEMENTS, METER, fixes_voltage
from xbarsim.netlist.language import UserFunction
from xbarsim.netlist.nonlinear_elements import Behaviours, Diodes, Mosfets
from xbarsim.netlist.reading.calls import product
from xbarsim.netlist.reading.device_columns import DeviceColumns, FirstNodes, Memory
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.integrals import without_integrals
from xbarsim.netlist.reading.lawcards import LawCard
from xbarsim.netlist.reading.lookup import Context
from xbarsim.netlist.reading.scopes import Amount, Scope
from xbarsim.netlist.reading.switchcards import switch_values
from xbarsim.netlist.reading.work import LETTER, Work
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, closest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_WARMER = 27.0
"""Degrees Celsius from which sources' temperature coefficients count."""


@dataclass
class _Piece:
    """Behaviours as they are met; controls by current still by name."""

    names: list[str]
    first: Ints
    second: Ints
    plus: list[Ints | list[str]]
    minus: list[Ints]
    constants: Floats
    factor: Floats
    origins: Ints


class NonlinearColumns:
    """Collects nonlinear elements while bodies are expanded.

    Parameters
    ----------
    context : Context
        What their numbers depend on.
    timed : bool
        Whether a transient is asked for: look for charges; the first element whose no transient has is in ``memory``.
    moving : bool
        Whether integrals in laws are states that move: capacitors, whose nodes and volts at the start are in
        ``integrals`` by name; otherwise ``integrates`` says whether there are any.
    """

    def __init__(self, context: Context, *, timed: bool = False, moving: bool = False) -> None:
        self.context, self.moving = context, moving
        self.integrates = False
        self.integrals: dict[str, tuple[int, float]] = {}
        self.parsed: dict[int, dict[tuple[str, ...], Parsed]] = {}
        self.functions: dict[int, Mapping[str, UserFunction]] = {}
        self.laws: dict[int, FoldedLaw] = {}
        self.pieces: dict[tuple[Template, str, str], list[_Piece]] = {}
        self.devices = DeviceColumns(context)
        self.timed = timed
        self.memory: Memory | None = None

    def add(self, item: Work, flat: Flat) -> None:
        """Take in what a body has of them.

        Parameters
        ----------
        item : Work
            A body, for a batch of instances.
        flat : Flat
            Where nodes get their numbers.
        """
        for card in item.body.laws:
            try:
                self._law(card, item, flat)
            except CardError as error:
                raise self.context.places.error(str(error), card.origin) from None
        self.devices.add(item, flat, timed=self.timed)
        self.memory = self.memory or self.devices.memory

    def _integrals(self, card: LawCard, item: Work, flat: Flat) -> LawCard:
        """Put a capacitor in the place of each integral in a law, and return the law that reads them."""
        card, integrals = without_integrals(card)
        for integral in integrals:
            names, nodes = item.names_of(f"c{integral.node}"), flat.nodes(item, integral.node).tolist()
            starts = np.broadcast_to(item.scope.amount(integral.start), len(names)).tolist()
            for name, node, start in zip(names, nodes, starts, strict=True):
                flat.capacitors.append((name, node, 0, card.origin))
                flat.farads.append(1.0)
                self.integrals[name] = node, start
            self._law(integral.feed, item, flat)
        return card

    def _law(self, card: LawCard, item: Work, flat: Flat) -> None:
        body, count = item.body, len(item.paths)
        if self.moving:
            card = self._integrals(card, item, flat)
        if id(body) not in self.functions:
            self.functions[id(body)] = body.visible_functions()
        parsed_laws = self.parsed.setdefault(id(body), {})
        parsed, literals, controls = parse_law(card.law, self.functions[id(body)], parsed_laws)
        law = self.laws.get(id(parsed))
        if law is None:
            law = self.laws[id(parsed)] = law_of(parsed)
        constants = np.empty((law.template.constants, count))
        parameter = _parameter(item.scope, switch_values(card, item, self.context))
        for k, value in enumerate(law.constants(literals, parameter, self.context.ambient.celsius)):
            constants[k] = value
            if not np.isfinite(constants[k]).all():
                points = any(node[0] == "rise" for node in parsed.graph.nodes)
                hint = ": the first numbers of pwl()'s and table's points must ascend" if points else ""
                raise CardError(f"{card.name}: a constant in '{clipped(card.law)}' has no finite value{hint}")
        inputs = [controls[k] for k in law.controls]
        plus: list[Ints | list[str]] = []
        minus: list[Ints] = []
        for kind, name, reference in inputs:
            plus.append(_elements(item, name) if kind == "i" else flat.nodes(item, name))
            minus.append(np.zeros(count, np.int64) if kind == "i" else flat.nodes(item, reference))
        key = law.template, card.output, "".join(kind for kind, _, _ in inputs)
        first, second = (flat.nodes(item, node) for node in card.nodes)
        origins = np.full(count, card.origin)
        factor = np.array(np.broadcast_to(self._factor(card, item), count), dtype=np.float64)
        if parsed.memory in ("sdt", "idt") and not self.moving:
            self.integrates = True
            self.context.notes.setdefault("sdt() and idt() are states, which are frozen where they start", card.origin)
        frozen = parsed.memory in ("sdt", "idt") and not self.moving
        if parsed.memory and not frozen and self.memory is None:
            self.memory = Memory(item.names_of(card.name)[0], f"{parsed.memory}() in its law", card.origin)
        piece = _Piece(item.names_of(card.name), first, second, plus, minus, constants, factor, origins)
        self.pieces.setdefault(key, []).append(piece)

    def _factor(self, card: LawCard, item: Work) -> Amount:
        """Return what a law is multiplied with."""
        if not card.keys and isinstance(item.share, float) and item.share == 1.0:
            return 1.0
        keys = {key: item.scope.amount(value) for key, value in card.keys.items()}
        ambient = self.context.ambient.celsius
        celsius = np.add(keys.get("temp", ambient), 0.0 if "temp" in keys else keys.get("dtemp", 0.0))
        warmer = celsius - _WARMER
        factor = keys.get("m", 1.0) * (1 + keys.get("tc1", 0.0) * warmer + keys.get("tc2", 0.0) * warmer**2)
        if np.any(np.not_equal(item.share, 1)):
            if card.output == "i" and card.name[0] == "g":
                factor = product(keys.get("m", 1.0), item.share, self.context.places, card.origin) * (
                    factor / keys.get("m", 1.0)
                )
            elif card.output == "i":
                laws = ELEMENTS[card.name[0]].laws
                text = f"'m=' of an instance does not multiply the {laws} in it, as in ngspice"
                self.context.notes.setdefault(text, card.origin)
        return factor

    def rows(self) -> list[tuple[str, int]]:
        """Return names and origins of all, for the check that no two have one name."""
        pieces = [piece for group in self.pieces.values() for piece in group]
        laws = [row for piece in pieces for row in zip(piece.names, piece.origins.tolist(), strict=True)]
        return laws + self.devices.rows()

    def controlling_elements(self) -> set[str]:
        """Return the elements whose currents laws ask for."""
        ends = [column for pieces in self.pieces.values() for piece in pieces for column in piece.plus]
        return {name for column in ends if isinstance(column, list) for name in column}

    def names_of_volts(self) -> list[str]:
        """Return the sources of volts with laws: they have currents of their own."""
        groups = [pieces for key, pieces in self.pieces.items() if key[1] == "v"]
        return [name for pieces in groups for piece in pieces for name in piece.names]

    def first_nodes(self) -> Iterator[FirstNodes]:
        """Yield the first nodes of laws of current, diodes and transistors."""
        for key, pieces in self.pieces.items():
            for piece in pieces if key[1] == "i" else ():
                yield piece.names, piece.first, piece.origins, partial(setattr, piece, "first")
        yield from self.devices.first_nodes()

    def behaviours(self, flat: Flat, kinds: NDArray[np.uint8]) -> tuple[Behaviours, ...]:
        """Return the sources with laws; those that control them are found by name."""
        by_name: dict[str, int] = {}
        if any("i" in key[2] for key in self.pieces):
            by_name = {_measured(flat.names[k]): k for k in np.flatnonzero(fixes_voltage(kinds)).tolist()}
            by_name |= flat.controlled_branches()
            start = len(flat.names) + len(flat.controls)
            by_name |= {name: k for k, name in enumerate(self.names_of_volts(), start)}
        groups = []
        for (template, output, letters), pieces in self.pieces.items():
            names = [name for piece in pieces for name in piece.names]
            controls = [(k, piece) for k in range(len(letters)) for piece in pieces]
            plus, minus = (
                np.concatenate([np.zeros(0, np.int64), *ends]).reshape(len(letters), len(names))
                for ends in (
                    [self._numbers(piece, k, by_name) for k, piece in controls],
                    [piece.minus[k] for k, piece in controls],
                )
            )
            constants = np.concatenate([piece.constants for piece in pieces], axis=1)
            first, second, factor, origins = (
                np.concatenate([getattr(piece, column) for piece in pieces])
                for column in ("first", "second", "factor", "origins")
            )
            laws = template, output, names, first, second, letters, plus, minus, constants, factor, origins
            groups.append(Behaviours(*laws))
        return tuple(groups)

    def _numbers(self, piece: _Piece, control: int, by_name: dict[str, int]) -> Ints:
        ends = piece.plus[control]
        if not isinstance(ends, list):
            return ends
        for row, name in enumerate(ends):
            if name not in by_name:
                close = closest(name, by_name)
                hint = f"did you mean '{close}'?" if close else "name an element that is there"
                raise self.context.places.error(
                    f"{piece.names[row]} asks for i({clipped(name)}), which has no current of its own: {hint}",
                    int(piece.origins[row]),
                )
        return np.array([by_name[name] for name in ends], dtype=np.int64)

    def diodes(self) -> Diodes | None:
        """Return the diodes, or None."""
        return cast(Diodes | None, self.devices.joined("d"))

    def mosfets(self) -> Mosfets | None:
        """Return the transistors, or None."""
        return cast(Mosfets | None, self.devices.joined("m"))


def _elements(item: Work, name: str) -> list[str]:
    """Return the full names of an element that a law names, also of one inside an instance: ``x1.r2`` or ``x1:r2``."""
    path = name.replace(":", ".").split(".")
    if len(path) == 1 or (path[0] != "x" and len(path[0]) == 1):
        return item.names_of(name)
    letter, inner = path[-1][0], ".".join(path)
    if not item.paths[0]:
        return [f"{letter}.{inner}"]
    return [prefix.replace(LETTER, letter) + inner for prefix in item.prefixes]


def _measured(name: str) -> str:
    """Return the element that an ammeter measures, or the name of another one as it is."""
    return name[len(METER) : -1] if name.startswith(METER) else name


def _parameter(scope: Scope, values: Mapping[str, Amount]) -> Callable[[str], Amount]:
    """Return what looks a law's parameter up, first in ``values``; e is a number where no parameter is called so."""

    def value(name: str) -> Amount:
        if name in values:
            return values[name]
        try:
            return scope.value(name)
        except CardError:
            if name == "e":
                return 2.718281828459045
            raise

    return value
