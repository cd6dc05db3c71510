"""Diodes and transistors of all instances, as columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.models import diode, diode_charge, mosfet
from xbarsim.netlist.models.parameters import Ambient, UnphysicalError
from xbarsim.netlist.reading.calls import product
from xbarsim.netlist.reading.devicecards import DEVICES, DeviceCard, ModelCard
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.lookup import Context, model_of
from xbarsim.netlist.reading.scopes import Amount
from xbarsim.netlist.reading.tokens import parse_value
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.storage import JunctionCharges

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Columns = dict[str, list[str] | NDArray[np.generic]]
"""Columns of ``Diodes`` or ``Mosfets`` by name."""

FirstNodes = tuple[list[str], Ints, Ints, Callable[[Ints], None]]
"""Elements' names, first nodes and origins, and what sets these nodes."""

_COLUMNS: Mapping[str, Callable[..., dict[str, Amount]]] = {
    "d": diode.columns,
    "nmos": partial(mosfet.columns, polarity=1.0),
    "pmos": partial(mosfet.columns, polarity=-1.0),
}
"""What a kind of model makes of its own and an element's parameters."""


class Memory(NamedTuple):
    """An element whose charge no transient has: its name, what it is held by, and where the element stands."""

    name: str
    by: str
    origin: int


class DeviceColumns:
    """Collects diodes and transistors while bodies are expanded.

    Parameters
    ----------
    context : Context
        What their numbers depend on.

    Attributes
    ----------
    memory : Memory, optional
        The first that holds charge which no transient has, where these are looked for.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tables: dict[str, list[Columns]] = {letter: [] for letter in DEVICES}
        self.memory: Memory | None = None
        self.charges: list[dict[str, Floats]] = []

    def add(self, item: Work, flat: Flat, *, timed: bool) -> None:
        """Take in what a body has of them; ``timed`` looks for charge.

        Parameters
        ----------
        item : Work
            A body, for a batch of instances.
        flat : Flat
            Where nodes get their numbers.
        timed : bool
            Whether the circuit runs in time, so that charge counts.
        """
        alike: dict[tuple[str, str, tuple[str, ...]], list[DeviceCard]] = {}
        for device in item.body.devices:
            alike.setdefault((device.name[0], device.model, tuple(device.values)), []).append(device)
        for cards in alike.values():
            if len(item.paths) > 1:
                for device in cards:
                    self._add([device], item, flat, timed)
            else:
                self._add(cards, item, flat, timed)

    def _add(self, cards: list[DeviceCard], item: Work, flat: Flat, timed: bool) -> None:
        """Take in cards of one model and with the same parameters: several in one place, or one in several."""
        try:
            columns = self._columns(cards, item, flat, timed)
        except (CardError, UnphysicalError) as error:
            if len(cards) > 1:
                for card in cards:  # the one at fault speaks up
                    self._add([card], item, flat, timed)
            name, model, origin = cards[0].name, cards[0].model, cards[0].origin
            text = str(error) if isinstance(error, CardError) else f"{name} ({model}): {error}"
            raise self.context.places.error(text, origin) from None
        self.tables[cards[0].name[0]].append(columns)

    def _columns(self, cards: list[DeviceCard], item: Work, flat: Flat, timed: bool) -> Columns:
        first, ambient = cards[0], self.context.ambient
        kind, count = DEVICES[first.name[0]], len(item.paths) * len(cards)
        model, home = model_of(first.name, first.model, item, self.context)
        model_values = {key: home.scope.amount(value) for key, value in model.values.items()}
        values: dict[str, Amount] = {}
        for key in first.values:
            amounts = [item.scope.amount(card.values[key]) for card in cards]
            values[key] = amounts[0] if len(amounts) == 1 else np.array(amounts, dtype=np.float64)
        if np.any(np.not_equal(item.share, 1)):
            values["m"] = product(values.get("m", 1.0), item.share, self.context.places, first.origin)
        nodes = [np.concatenate([flat.nodes(item, card.nodes[k]) for card in cards]) for k in range(len(first.nodes))]
        with np.errstate(all="ignore"):
            if ambient.scale != 1:
                values = _scaled(values, ambient.scale)
            table = _COLUMNS[model.kind](model_values, values, ambient)
        if timed:
            memory = {key: home.scope.amount(parse_value(word, bare=True)) for key, word in model.memory.items()}
            self.memory = self.memory or _memory(cards, model, model_values | memory, item, ambient)
            if first.name[0] == "d":
                with np.errstate(all="ignore"):
                    charges = diode_charge.charges(model_values | memory, values, ambient)
                self.charges.append(_broadcast(charges, count, f"{first.name} ({model.name})"))
        columns: Columns = {"names": [name for card in cards for name in item.names_of(card.name)]}
        columns |= zip(kind.ends, nodes, strict=True)
        columns |= _broadcast(table, count, f"{first.name} ({model.name})")
        columns["origins"] = np.repeat([card.origin for card in cards], len(item.paths))
        return columns

    def rows(self) -> list[tuple[str, int]]:
        """Return names and origins of all."""
        tables: list[Any] = [table for tables in self.tables.values() for table in tables]
        return [row for table in tables for row in zip(table["names"], table["origins"].tolist(), strict=True)]

    def first_nodes(self) -> Iterator[FirstNodes]:
        """Yield their first nodes."""
        for letter, tables in self.tables.items():
            end = DEVICES[letter].ends[0]
            for table in tables:
                names, nodes, origins = (cast(Any, table[key]) for key in ("names", end, "origins"))
                yield names, nodes, origins, partial(table.__setitem__, end)

    def junctions(self) -> JunctionCharges | None:
        """Return the charges of all diodes, or None if there is none, or none holds any."""
        names = [column.name for column in fields(JunctionCharges)]
        if not any(np.any(table[name]) for table in self.charges for name in ("capacitance", "transit")):
            return None
        return JunctionCharges(**{name: np.concatenate([table[name] for table in self.charges]) for name in names})

    def joined(self, letter: str) -> Any:
        """Return the diodes or transistors, or None."""
        tables, elements = self.tables[letter], DEVICES[letter].elements
        if not tables:
            return None
        joined: dict[str, Any] = {"names": [name for table in tables for name in table["names"]]}
        for column in fields(elements):
            if column.name != "names":
                joined[column.name] = np.concatenate([np.asarray(table[column.name]) for table in tables])
        return elements(**joined)


def _scaled(values: Mapping[str, Amount], scale: float) -> dict[str, Amount]:
    """Return a transistor's sizes in metres and square metres, which ``.options scale`` is for."""
    powers = {"w": 1, "l": 1, "ad": 2, "as": 2}
    return {key: np.multiply(value, scale ** powers.get(key, 0)) for key, value in values.items()}


def _broadcast(table: Mapping[str, Amount], count: int, label: str) -> dict[str, Floats]:
    """Return numbers as columns of ``count`` elements."""
    columns: dict[str, Floats] = {}
    for name, value in table.items():
        columns[name] = np.array(np.broadcast_to(value, count), dtype=np.float64)
        if np.isnan(columns[name]).any():
            raise CardError(f"{label} has no finite {name}: look at its parameters")
    return columns


def _memory(
    cards: list[DeviceCard], model: ModelCard, model_values: Mapping[str, Amount], item: Work, ambient: Ambient
) -> Memory | None:
    """Return the first of some diodes or transistors that holds charge, by a parameter of its model or its own.

    Charges that transients have are not counted.
    """
    for card in cards:
        values = {key: item.scope.amount(parse_value(word, bare=True)) for key, word in card.memory.items()}
        values |= {key: item.scope.amount(card.values[key]) for key in ("ad", "as") if key in card.values}
        is_diode = card.name[0] == "d"
        by = diode_charge.sidewall(model_values, values) if is_diode else mosfet.charge(model_values, values, ambient)
        if by is not None:
            return Memory(item.names_of(card.name)[0], f"{by}= of {model.name}", card.origin)
    return None
