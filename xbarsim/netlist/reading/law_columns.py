"""Cards with laws, diodes and transistors of all instances, as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.behaviour import FoldedLaw, Parsed, Template, law_of, parse_law
from xbarsim.netlist.element_kinds import ELEMENTS, METER, fixes_voltage
from xbarsim.netlist.language import Expression, UserFunction
from xbarsim.netlist.models import diode, mosfet
from xbarsim.netlist.models.parameters import Ambient, UnphysicalError
from xbarsim.netlist.nonlinear_elements import Behaviours, Diodes, Mosfets
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.calls import product
from xbarsim.netlist.reading.devicecards import DeviceCard, ModelCard
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.lawcards import LawCard
from xbarsim.netlist.reading.lookup import model_of
from xbarsim.netlist.reading.scopes import Amount, Scope
from xbarsim.netlist.reading.switchcards import switch_values
from xbarsim.netlist.reading.tokens import Value, parse_value
from xbarsim.netlist.reading.work import LETTER, Work
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, closest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Columns = dict[str, list[str] | NDArray[np.generic]]
"""Columns of ``Diodes`` or ``Mosfets`` by name."""

_WARMER = 27.0
"""Degrees Celsius from which sources' temperature coefficients count."""


class Memory(NamedTuple):
    """An element that holds charge: its name, by what it does, and where it stands."""

    name: str
    by: str
    origin: int


class Names(Protocol):
    """What numbers an expansion's nodes and names its elements."""

    def nodes(self, item: Work, node: str) -> Ints:
        """Return a local node's numbers, one for each instance."""

    def names_of(self, item: Work, name: str) -> list[str]:
        """Return a local element's names, one for each instance."""


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
    places : Places
        For messages.
    ambient : Ambient
        Temperatures and defaults.
    notes : dict
        Takes what a user should hear once, and where.
    models : dict of str to ModelCard
        The models of the top level.
    timed : bool
        Whether a transient is asked for: look for elements that hold charge; the first is in ``memory``.
    """

    def __init__(
        self,
        places: Places,
        ambient: Ambient,
        notes: dict[str, int],
        models: Mapping[str, ModelCard] | None = None,
        *,
        timed: bool = False,
    ) -> None:
        self.places, self.ambient, self.notes = places, ambient, notes
        self.models = models or {}
        self.parsed: dict[int, dict[tuple[str, ...], Parsed]] = {}
        self.functions: dict[int, Mapping[str, UserFunction]] = {}
        self.laws: dict[int, FoldedLaw] = {}
        self.pieces: dict[tuple[Template, str, str], list[_Piece]] = {}
        self.devices: dict[str, list[Columns]] = {"d": [], "m": []}
        self.timed = timed
        self.memory: Memory | None = None

    def add(self, item: Work, names: Names) -> None:
        """Take in what a body has of them."""
        for card in item.body.laws:
            try:
                self._law(card, item, names)
            except CardError as error:
                raise self.places.error(str(error), card.origin) from None
        alike: dict[tuple[str, str, tuple[str, ...]], list[DeviceCard]] = {}
        for device in item.body.devices:
            alike.setdefault((device.name[0], device.model, tuple(device.values)), []).append(device)
        for cards in alike.values():
            if len(item.paths) > 1:
                for device in cards:
                    self._devices([device], item, names)
            else:
                self._devices(cards, item, names)

    def _law(self, card: LawCard, item: Work, names: Names) -> None:
        body, count, scope = item.body, len(item.paths), item.scope
        if id(body) not in self.functions:
            self.functions[id(body)] = body.visible_functions()
        known = self.parsed.setdefault(id(body), {})
        parsed, literals, controls = parse_law(card.law, self.functions[id(body)], known)
        law = self.laws.get(id(parsed))
        if law is None:
            law = self.laws[id(parsed)] = law_of(parsed)
        constants = np.empty((law.template.constants, count))
        for k, value in enumerate(
            law.constants(literals, _parameter(scope, switch_values(card, item, self)), self.ambient.celsius)
        ):
            constants[k] = value
            if not np.isfinite(constants[k]).all():
                points = any(node[0] == "rise" for node in parsed.graph.nodes)
                hint = ": the first numbers of pwl()'s and table's points must ascend" if points else ""
                raise CardError(f"{card.name}: a constant in '{clipped(card.law)}' has no finite value{hint}")
        chosen = [controls[k] for k in law.controls]
        plus: list[Ints | list[str]] = []
        minus: list[Ints] = []
        for kind, one, other in chosen:
            plus.append(_elements(item, one, names) if kind == "i" else names.nodes(item, one))
            minus.append(np.zeros(count, np.int64) if kind == "i" else names.nodes(item, other))
        key = law.template, card.output, "".join(kind for kind, _, _ in chosen)
        first, second = (names.nodes(item, node) for node in card.nodes)
        origins = np.full(count, card.origin)
        factor = np.array(np.broadcast_to(self._factor(card, item), count), dtype=np.float64)
        if parsed.memory in ("sdt", "idt"):
            self.notes.setdefault("sdt() and idt() are states, which are frozen where they start", card.origin)
        if parsed.memory and self.memory is None:
            self.memory = Memory(names.names_of(item, card.name)[0], f"{parsed.memory}() in its law", card.origin)
        piece = _Piece(names.names_of(item, card.name), first, second, plus, minus, constants, factor, origins)
        self.pieces.setdefault(key, []).append(piece)

    def _factor(self, card: LawCard, item: Work) -> Amount:
        """Return what a law is multiplied with."""
        if not card.keys and isinstance(item.share, float) and item.share == 1.0:
            return 1.0
        keys = {key: _evaluated(value, item.scope) for key, value in card.keys.items()}
        celsius = np.add(keys.get("temp", self.ambient.celsius), 0.0 if "temp" in keys else keys.get("dtemp", 0.0))
        warmer = celsius - _WARMER
        factor = keys.get("m", 1.0) * (1 + keys.get("tc1", 0.0) * warmer + keys.get("tc2", 0.0) * warmer**2)
        if np.any(np.not_equal(item.share, 1)):
            if card.output == "i" and card.name[0] == "g":
                factor = product(keys.get("m", 1.0), item.share, self.places, card.origin) * (
                    factor / keys.get("m", 1.0)
                )
            elif card.output == "i":
                laws = ELEMENTS[card.name[0]].laws
                text = f"'m=' of an instance does not multiply the {laws} in it, as in ngspice"
                self.notes.setdefault(text, card.origin)
        return factor

    def _devices(self, cards: list[DeviceCard], item: Work, names: Names) -> None:
        """Take in cards of one model and with the same parameters: several in one place, or one in several."""
        try:
            columns = self._columns(cards, item, names)
        except (CardError, UnphysicalError) as error:
            if len(cards) > 1:
                for card in cards:  # the one at fault speaks up
                    self._devices([card], item, names)
            name, model, origin = cards[0].name, cards[0].model, cards[0].origin
            text = str(error) if isinstance(error, CardError) else f"{name} ({model}): {error}"
            raise self.places.error(text, origin) from None
        self.devices[cards[0].name[0]].append(columns)

    def _columns(self, cards: list[DeviceCard], item: Work, names: Names) -> Columns:
        first = cards[0]
        letter, count = first.name[0], len(item.paths) * len(cards)
        model, home = model_of(first.name, first.model, item, self.places, self.models)
        given = {key: _evaluated(value, home.scope) for key, value in model.values.items()}
        own: dict[str, Amount] = {}
        for key in first.values:
            values = [_evaluated(card.values[key], item.scope) for card in cards]
            own[key] = values[0] if len(values) == 1 else np.array(values, dtype=np.float64)
        if np.any(np.not_equal(item.share, 1)):
            own["m"] = product(own.get("m", 1.0), item.share, self.places, first.origin)
        nodes = [np.concatenate([names.nodes(item, card.nodes[k]) for card in cards]) for k in range(len(first.nodes))]
        with np.errstate(all="ignore"):
            if self.ambient.scale != 1:
                own = _scaled(own, self.ambient.scale)
            if letter == "d":
                table = diode.columns(given, own, self.ambient)
                ends = dict(zip(("first", "second"), nodes, strict=True))
            else:
                table = mosfet.columns(given, own, self.ambient, 1.0 if model.kind == "nmos" else -1.0)
                ends = dict(zip(("drain", "gate", "source", "bulk"), nodes, strict=True))
        if self.timed and self.memory is None:
            self.memory = _memory(cards, model, (home, item), self.ambient, names)
        columns: Columns = {"names": [name for card in cards for name in names.names_of(item, card.name)], **ends}
        for name, value in table.items():
            column = np.array(np.broadcast_to(value, count), dtype=np.float64)
            if np.isnan(column).any():
                raise CardError(f"{first.name} ({model.name}) has no finite {name}: look at its parameters")
            columns[name] = column
        columns["origins"] = np.repeat([card.origin for card in cards], len(item.paths))
        return columns

    def rows(self) -> list[tuple[str, int]]:
        """Return names and origins of all, for the check that no two have one name."""
        found: list[tuple[str, int]] = []
        for pieces in self.pieces.values():
            for piece in pieces:
                found += zip(piece.names, piece.origins.tolist(), strict=True)
        for tables in self.devices.values():
            for columns in tables:
                found += zip(columns["names"], columns["origins"].tolist(), strict=True)  # type: ignore[union-attr]
        return found

    def controlling_elements(self) -> set[str]:
        """Return the elements whose currents laws ask for."""
        ends = [column for pieces in self.pieces.values() for piece in pieces for column in piece.plus]
        return {name for column in ends if isinstance(column, list) for name in column}

    def names_of_volts(self) -> list[str]:
        """Return the sources of volts with laws: they have currents of their own."""
        groups = [pieces for key, pieces in self.pieces.items() if key[1] == "v"]
        return [name for pieces in groups for piece in pieces for name in piece.names]

    def first_nodes(self) -> Iterator[tuple[list[str], Ints, Ints, Callable[[Ints], None]]]:
        """Yield names, first nodes and origins of sources of current, diodes and transistors, and what sets them."""
        for key, pieces in self.pieces.items():
            for piece in pieces if key[1] == "i" else ():
                yield piece.names, piece.first, piece.origins, partial(setattr, piece, "first")
        for letter, column in (("d", "first"), ("m", "drain")):
            for table in self.devices[letter]:
                names, nodes, origins = (cast(Any, table[key]) for key in ("names", column, "origins"))
                yield names, nodes, origins, partial(table.__setitem__, column)

    def behaviours(self, flat: Flat, kinds: NDArray[np.uint8]) -> tuple[Behaviours, ...]:
        """Return the sources with laws; those that control them are found by name."""
        by_name: dict[str, int] = {}
        if any("i" in key[2] for key in self.pieces):
            by_name = {_measured(flat.names[k]): k for k in np.flatnonzero(fixes_voltage(kinds)).tolist()}
            by_name |= flat.controlled_branches()
            first = len(flat.names) + len(flat.controls)
            by_name |= {name: k for k, name in enumerate(self.names_of_volts(), first)}
        made = []
        for (template, output, letters), pieces in self.pieces.items():
            rows: list[Ints] = []
            for k in range(len(letters)):
                rows.append(np.concatenate([self._numbers(piece, k, by_name) for piece in pieces]))
            count = sum(len(piece.names) for piece in pieces)
            made.append(
                Behaviours(
                    template,
                    output,
                    [name for piece in pieces for name in piece.names],
                    np.concatenate([piece.first for piece in pieces]),
                    np.concatenate([piece.second for piece in pieces]),
                    letters,
                    np.array(rows, dtype=np.int64).reshape(len(letters), count),
                    np.array([np.concatenate([p.minus[k] for p in pieces]) for k in range(len(letters))],
                             dtype=np.int64).reshape(len(letters), count),
                    np.concatenate([piece.constants for piece in pieces], axis=1),
                    np.concatenate([piece.factor for piece in pieces]),
                    np.concatenate([piece.origins for piece in pieces]),
                )
            )  # fmt: skip
        return tuple(made)

    def _numbers(self, piece: _Piece, control: int, by_name: dict[str, int]) -> Ints:
        ends = piece.plus[control]
        if not isinstance(ends, list):
            return ends
        for row, name in enumerate(ends):
            if name not in by_name:
                close = closest(name, by_name)
                hint = f"did you mean '{close}'?" if close else "name an element that is there"
                raise self.places.error(
                    f"{piece.names[row]} asks for i({clipped(name)}), which has no current of its own: {hint}",
                    int(piece.origins[row]),
                )
        return np.array([by_name[name] for name in ends], dtype=np.int64)

    def diodes(self) -> Diodes | None:
        """Return the diodes, or None."""
        return Diodes(**_joined(self.devices["d"], Diodes)) if self.devices["d"] else None

    def mosfets(self) -> Mosfets | None:
        """Return the transistors, or None."""
        return Mosfets(**_joined(self.devices["m"], Mosfets)) if self.devices["m"] else None


def _elements(item: Work, name: str, names: Names) -> list[str]:
    """Return the full names of an element that a law names, also of one inside an instance: ``x1.r2`` or ``x1:r2``."""
    path = name.replace(":", ".").split(".")
    if len(path) == 1 or (path[0] != "x" and len(path[0]) == 1):
        return names.names_of(item, name)
    letter, inner = path[-1][0], ".".join(path)
    if not item.paths[0]:
        return [f"{letter}.{inner}"]
    return [prefix.replace(LETTER, letter) + inner for prefix in item.prefixes]


def _scaled(own: Mapping[str, Amount], scale: float) -> dict[str, Amount]:
    """Return a transistor's sizes in metres and square metres, which ``.options scale`` is for."""
    powers = {"w": 1, "l": 1, "ad": 2, "as": 2}
    return {key: np.multiply(value, scale ** powers.get(key, 0)) for key, value in own.items()}


def _measured(name: str) -> str:
    """Return the element that an ammeter measures, or the name of another one as it is."""
    return name[len(METER) : -1] if name.startswith(METER) else name


def _joined(tables: list[Columns], kind: type) -> dict[str, Any]:
    joined: dict[str, Any] = {"names": [name for one in tables for name in one["names"]]}
    for one in fields(kind):
        if one.name != "names":
            joined[one.name] = np.concatenate([np.asarray(table[one.name]) for table in tables])
    return joined


def _memory(
    cards: list[DeviceCard], model: ModelCard, homes: tuple[Work, Work], ambient: Ambient, names: Names
) -> Memory | None:
    """Return the first of some diodes or transistors that holds charge, by a parameter of its model or its own."""
    home, item = homes
    given = {k: _evaluated(parse_value(v, bare=True), home.scope) for k, v in model.memory.items()}
    given |= {k: _evaluated(model.values[k], home.scope) for k in ("tox",) if k in model.values}
    for card in cards:
        own = {k: _evaluated(parse_value(v, bare=True), item.scope) for k, v in card.memory.items()}
        own |= {k: _evaluated(card.values[k], item.scope) for k in ("ad", "as") if k in card.values}
        by = diode.charge(given, own) if card.name[0] == "d" else mosfet.charge(given, own, ambient)
        if by is not None:
            return Memory(names.names_of(item, card.name)[0], f"{by}= of {model.name}", card.origin)
    return None


def _evaluated(value: Value, scope: Scope) -> Amount:
    return scope.evaluate(value) if isinstance(value, Expression) else value


def _parameter(scope: Scope, given: Mapping[str, Amount]) -> Callable[[str], Amount]:
    """Return what looks a law's parameter up, first in ``given``; e is a number where no parameter is called so."""

    def value(name: str) -> Amount:
        if name in given:
            return given[name]
        try:
            return scope.value(name)
        except CardError:
            if name == "e":
                return 2.718281828459045
            raise

    return value
