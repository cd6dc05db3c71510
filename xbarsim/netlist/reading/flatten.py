"""From bodies to one flat circuit: instances expanded in batches, parameters evaluated, nodes numbered."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.analyses import Transient
from xbarsim.netlist.charging import set_aside
from xbarsim.netlist.element_kinds import ELEMENTS, columns_of, is_short
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.language import Expression
from xbarsim.netlist.reading.ammeters import add_ammeters
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.calls import product, two_multipliers
from xbarsim.netlist.reading.capacitorcards import CapacitorCard
from xbarsim.netlist.reading.capacitors import farads_of
from xbarsim.netlist.reading.changes import Changes, changed_body, changed_model
from xbarsim.netlist.reading.choices import chosen_branches
from xbarsim.netlist.reading.controls import ControlCard
from xbarsim.netlist.reading.draws import Draws
from xbarsim.netlist.reading.expansion import Expansion
from xbarsim.netlist.reading.flat import Flat
from xbarsim.netlist.reading.law_columns import NonlinearColumns
from xbarsim.netlist.reading.lookup import Context
from xbarsim.netlist.reading.loops import check_voltage_loops
from xbarsim.netlist.reading.nesting import check_nesting
from xbarsim.netlist.reading.reader import NetlistReader
from xbarsim.netlist.reading.resistors import ohms_of
from xbarsim.netlist.reading.schedule import clock_of
from xbarsim.netlist.reading.scopes import Amount, Scope
from xbarsim.netlist.reading.settings import OptionSetting, ambient_of
from xbarsim.netlist.reading.states import Initial, States
from xbarsim.netlist.reading.storing import check_couplings, storage_of
from xbarsim.netlist.reading.tokens import Value
from xbarsim.netlist.reading.tolerances import tolerances_of
from xbarsim.netlist.reading.toplevel import top_scope
from xbarsim.netlist.reading.trantimes import TranNumbers
from xbarsim.netlist.reading.wavecards import WaveCard, make_wave, uses_clock
from xbarsim.netlist.reading.work import Work
from xbarsim.netlist.refusals import CardError, NetlistError
from xbarsim.netlist.storage import Storage
from xbarsim.netlist.suggest import clipped

Ints = NDArray[np.int64]
_GROUNDS = {"gnd!", "!gnd", "ground"}
"""What HSPICE calls ground beside 0 and gnd."""


class Flattener:
    """Expands the bodies that a reader has read; a list of work takes the place of recursion.

    Parameters
    ----------
    reader : NetlistReader
        Has read the netlist.
    changes : Changes
        What is set anew.
    draws : Draws, optional
        Where random functions take their values from.
    steady : bool
        Leave capacitors that hold a state open.
    moving : bool
        Whether the circuit is for transients alone: no state is frozen.

    Attributes
    ----------
    scope : Scope
        The parameters of the top level.
    """

    def __init__(
        self,
        reader: NetlistReader,
        changes: Changes | None = None,
        draws: Draws | None = None,
        *,
        steady: bool = False,
        moving: bool = False,
    ) -> None:
        self.changes = changes or Changes()
        self.reader, self.steady, self.moving = reader, steady, moving
        self.scope = top_scope(reader.top, self.changes, draws if reader.random else None)
        self.places = reader.places
        self.flat = Flat(reader.globals)
        self.expansion = Expansion(reader, self.flat)
        self.clock_used: int | None = None
        self.at_rest: tuple[str, int] | None = None

    def run(self) -> FlatCircuit:
        """Return the flat circuit."""
        reader = self.reader
        check_nesting(reader.top, self.places)
        scope, changes = self.scope, self.changes
        if scope.draws is not None:
            scope.draw_all()
        self.clock = clock_of([card for card, _ in reader.plays], scope, self.places)
        self.timed = reader.charges or any(card.kind == "tran" for card, _ in reader.plays)
        self.states = States(self.places, steady=self.steady)
        self.settings = [*reader.settings, *(OptionSetting(name, value, 0) for name, value in changes.settings.items())]
        models = {card.name: changed_model(card, changes) for card in reader.top.models.values()}
        ambient = ambient_of(self.settings, scope, self.places)
        if "temper" not in scope.values and "temper" not in scope.pending:
            scope.define("temper", ambient.celsius)
        self.context = Context(self.places, ambient, models, reader.notes)
        self.nonlinear = NonlinearColumns(self.context, timed=self.timed, moving=self.moving)
        work = [Work(changed_body(reader.top, changes), [""], [""], {}, scope, 1.0, None)]
        while work:
            item = work.pop()
            branches = chosen_branches(item, self.places) if item.body.conditionals else []
            if branches is None:
                work += [item.single(index) for index in range(len(item.paths))][::-1]
                continue
            self._elements(item)
            work += [*branches, *self.expansion.instances(item)][::-1]
        if self.clock_used is not None and self.clock.differ:
            raise self.places.error(
                "this waveform leaves out times that default to those of .tran, and there are two different ones:"
                " give all its times",
                self.clock_used,
            )
        return self._circuit()

    def _emptiness(self) -> str:
        """Return what is said of a file without elements."""
        inside = list(self.reader.top.subcircuits)
        if inside:
            return f"it has subcircuits alone, {clipped(', '.join(inside[:3]))}: .include it in a netlist with elements"
        return "it has no elements: the first line is the title, elements follow"

    def _circuit(self) -> FlatCircuit:
        flat, reader = self.flat, self.reader
        nonlinear = self.nonlinear.rows()
        if not (flat.names or flat.controls or flat.capacitors or nonlinear):
            raise NetlistError(self._emptiness(), self.places.files[0])
        for node in _GROUNDS & flat.number.keys():
            text = f"node {node} is ground in HSPICE; here it is a node like others, as in ngspice: write 0 for ground"
            reader.notes.setdefault(text, 1)
        add_ammeters(flat, self.nonlinear)
        moved = list(flat.capacitors)  # those that are frozen are none any more
        states = () if self.moving else self.states.freeze(flat, self.nonlinear, self._swept(), reader.notes)
        kinds, first, second, values, origins = flat.joined()
        flat.check_names(self.places, origins, nonlinear)
        check_couplings(flat, kinds, self.places)
        for name, (kind, numbers) in self.changes.waves.items():
            index = flat.names.index(name)
            explicit = index in flat.waves and flat.waves[index][1]
            flat.waves[index] = make_wave(WaveCard(kind, numbers), (*numbers, 0.0), self.clock), explicit
        for index, (wave, explicit) in flat.waves.items():
            if not explicit:
                values[index] = wave.at(np.zeros(1))[0]
        circuit = FlatCircuit(
            title=reader.title,
            nodes=flat.node_names(),
            names=flat.names,
            kinds=kinds,
            first=first,
            second=second,
            values=values,
            origins=origins,
            places=self.places,
            notes=[f"{self.places.where(o)}: {note}" for note, o in reader.notes.items()],
            controlled=flat.controlled(self.places, kinds),
            capacitors=tuple(flat.capacitors),
            states=states,
            memory=self.nonlinear.memory,
            storage=self._storage(moved) if self.timed else None,
            waves={index: wave for index, (wave, _) in flat.waves.items()},
            requests=tuple(reader.requests),
            request_origins=dict(reader.requests),
            measures=tuple(reader.measures),
            behaviours=self.nonlinear.behaviours(flat, kinds),
            diodes=self.nonlinear.diodes(),
            mosfets=self.nonlinear.mosfets(),
            gmin=self.context.ambient.gmin,
            celsius=self.context.ambient.celsius,
            functions=reader.top.visible_functions(),
            parameter=self.scope.value,
        )
        _note_zero_ohms(circuit)
        check_voltage_loops(circuit, moving=self.moving)
        return set_aside(circuit) if states else circuit

    def transient(self, numbers: TranNumbers, uic: bool) -> tuple[Transient, list[str]]:
        """Return the analysis of a ``.tran`` with what the circuit gives to it, and notes; once it has run."""
        notes: dict[str, int] = {}
        initial, guesses = self.states.starts(self.flat, self.nonlinear, self._swept(), notes, uic=uic)
        tolerances, more = tolerances_of(self.settings, self.scope, self.places)
        notes.update(more)
        initial |= dict(self.nonlinear.integrals.values())
        transient = Transient(*numbers[:4], uic, initial, guesses, tolerances)
        return transient, [f"{self.places.where(origin)}: {note}" for note, origin in notes.items()]

    def _swept(self) -> set[str]:
        """Return the names of all that is swept."""
        swept = {sweep.name for card, _ in self.reader.plays for sweep in card.sweeps}
        return swept | {step.sweep.name for step in self.reader.steps}

    def _storage(self, capacitors: list[tuple[str, int, int, int]]) -> Storage | None:
        """Return what holds charge or flux."""
        starts = {name: Initial(volts, 0) for name, (_, volts) in self.nonlinear.integrals.items()}
        initial = self.states.of_element | starts
        storage = storage_of(self.flat, capacitors, initial, self.nonlinear.devices.junctions(), self.places)
        if storage is None and self.nonlinear.integrates:
            storage = Storage()
        if storage is not None and self.at_rest is not None:
            raise self.places.error(*self.at_rest)
        return storage

    def _elements(self, item: Work) -> None:
        """Put a body's elements into the flat columns."""
        body, count = item.body, len(item.paths)
        start, step = len(self.flat.names), 1 if count == 1 else count
        values: list[Amount] = list(body.values)
        by_text: dict[str, Amount] = {}
        for index, value, multiplier in body.deferred:
            amount: Amount | Expression = value
            if isinstance(value, Expression) and item.scope.draws is None:
                if value.text not in by_text:
                    by_text[value.text] = self._number(value, item.scope, body.origins[index])
                amount = by_text[value.text]
            values[index] = self._value(body, index, amount, multiplier, item)
        for index, resistor in body.resistors:
            values[index] = ohms_of(resistor, item, self.context)
        altered = self._altered(item, values) if self.changes.elements else set()
        if np.any(np.not_equal(item.share, 1)):
            pairs = zip(body.names, values, strict=True)
            values = [ELEMENTS[name[0]].multiplied(value, item.share) for name, value in pairs]
        kinds = columns_of(body.names)
        if count == 1:
            numbers = self.flat.local(item, body.nodes)
            names = [name for k in body.names for name in item.names_of(k)] if item.paths[0] else body.names
            columns = np.array(values, dtype=np.float64), np.array(body.origins, dtype=np.int64)
            self.flat.extend(names, kinds, (numbers[0::2], numbers[1::2]), *columns)
        else:
            for index, name in enumerate(body.names):
                ends = self.flat.nodes(item, body.nodes[2 * index]), self.flat.nodes(item, body.nodes[2 * index + 1])
                column = np.array(np.broadcast_to(values[index], count), dtype=np.float64)
                origins = np.full(count, body.origins[index], dtype=np.int64)
                self.flat.extend(item.names_of(name), kinds[[index] * count], ends, column, origins)
        for index, card, explicit in body.waves:
            self._waves(start + index * step, card, explicit or index in altered, item, body.origins[index])
        for control in body.controls:
            self._control(control, item)
        self.nonlinear.add(item, self.flat)
        self.states.add(item)
        for capacitor in body.capacitors:
            self._capacitor(capacitor, item)
        for coupling in body.couplings:
            factors = np.broadcast_to(self._number(coupling.factor, item.scope, coupling.origin), count).tolist()
            by_card = [item.names_of(name) for name in (coupling.name, *coupling.inductors)]
            for factor, name, *coils in zip(factors, *by_card, strict=True):
                self.flat.couplings += [(name, *pair, factor, coupling.origin) for pair in combinations(coils, 2)]
        if body.at_rest and self.at_rest is None:
            self.at_rest = body.at_rest[0]

    def _capacitor(self, card: CapacitorCard, item: Work) -> None:
        names = item.names_of(card.name)
        ends = [self.flat.nodes(item, node).tolist() for node in card.nodes]
        self.flat.capacitors += zip(names, *ends, [card.origin] * len(names), strict=True)
        if self.timed:
            farads = np.broadcast_to(farads_of(card, item, self.context), len(names)).tolist()
            altered = self.changes.elements
            self.flat.farads += [
                altered[name]["value"] if "value" in altered.get(name, {}) else own
                for name, own in zip(names, farads, strict=True)
            ]

    def _altered(self, item: Work, values: list[Amount]) -> set[int]:
        """Put new values in the place of those of the elements that are set anew; return these elements' places."""
        body = item.body
        settings = {name: keys["value"] for name, keys in self.changes.elements.items() if "value" in keys}
        if item.paths[0] and not any("." in name for name in settings):
            return set()
        multipliers = {index: multiplier for index, _, multiplier in body.deferred}
        cards = dict(body.resistors)
        places: set[int] = set()
        for index, name in enumerate(body.names):
            numbers = [settings.get(full) for full in item.names_of(name)]
            changed = np.array([number is not None for number in numbers])
            if not changed.any():
                continue
            amounts: Amount = np.array([0.0 if number is None else number for number in numbers])
            if index in cards:
                amounts = ohms_of(cards[index], item, self.context, amounts)
            else:
                amounts = self._value(body, index, amounts, multipliers.get(index, 1.0), item)
            mixed = np.where(changed, amounts, values[index])
            values[index] = float(mixed[0]) if changed.size == 1 else mixed
            places.add(index)
        return places

    def _control(self, control: ControlCard, item: Work) -> None:
        count, origin = len(item.paths), control.origin
        gain, share = (
            self._number(control.gain, item.scope, origin),
            self._number(control.multiplier, item.scope, origin),
        )
        kind = ELEMENTS[control.name[0]]
        if kind.parallel:
            gain = gain * product(share, item.share, self.places, origin)
        if not np.all(np.isfinite(gain)):
            raise self.places.error(f"{control.name} has the gain {gain}: it must be finite", origin)
        cs: list[int] | list[str] = [0] * count
        ds = [-1] * count
        if kind.controls == 2:
            cs, ds = (self.flat.nodes(item, node).tolist() for node in control.controls)
        elif kind.controls == 1:
            cs = item.names_of(control.controls[0])
        ends = (self.flat.nodes(item, node).tolist() for node in control.nodes)
        gains = np.broadcast_to(gain, count).tolist()
        rows = zip(item.names_of(control.name), *ends, gains, [origin] * count, cs, ds, strict=True)
        self.flat.controls += rows

    def _value(self, body: Body, index: int, value: Amount | Expression, divisor: Value, item: Work) -> Amount:
        name, origin = body.names[index], body.origins[index]
        amount, share = self._number(value, item.scope, origin), self._number(divisor, item.scope, origin)
        if isinstance(amount, float) and isinstance(share, float) and share == 1 and math.isfinite(amount):
            return amount
        if np.any(share != 1):
            if np.any(np.not_equal(item.share, 1)):
                raise two_multipliers(self.places, origin)
            if np.any(np.less_equal(share, 0)):
                raise self.places.error(f"{name} has m={float(np.min(share)):g}: it must be > 0", origin)
            amount = ELEMENTS[name[0]].multiplied(amount, share)
        if not np.all(np.isfinite(amount)):
            raise self.places.error(f"{name} is {amount}: it must be finite", origin)
        return amount

    def _waves(self, start: int, card: WaveCard, explicit: bool, item: Work, origin: int) -> None:
        count = len(item.paths)
        numbers = [np.broadcast_to(self._number(value, item.scope, origin), count).tolist() for value in card.numbers]
        share = np.broadcast_to(item.share, count).tolist()
        for k, row in enumerate(zip(*numbers, strict=True)):
            if uses_clock(card, row):
                self.clock_used = origin
            try:
                wave = make_wave(card, row, self.clock)
            except CardError as error:
                raise self.places.error(str(error), origin) from None
            name = self.flat.names[start + k]
            if share[k] != 1 and name[0] == "i":
                raise self.places.error(
                    "a waveform inside an instance with 'm=' is not supported: write it out", origin
                )
            self.flat.waves[start + k] = wave, explicit

    def _number(self, value: Amount | Expression, scope: Scope, origin: int) -> Amount:
        try:
            return scope.amount(value)
        except CardError as error:
            raise self.places.error(str(error), origin) from None


def _note_zero_ohms(circuit: FlatCircuit) -> None:
    zero = np.flatnonzero(is_short(circuit.kinds, circuit.values))
    if zero.size:
        more = f" and {zero.size - 1} more" if zero.size > 1 else ""
        circuit.notes.append(
            f"{circuit.where(int(zero[0]))}: {circuit.names[zero[0]]}{more} of 0 ohm: kept exact (ngspice takes 1 mohm)"
        )
