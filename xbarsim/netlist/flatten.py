"""From bodies to one flat circuit: instances expanded, parameters evaluated, nodes numbered."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count

import numpy as np

from xbarsim.netlist.body import KIND_OF, Body, Instance
from xbarsim.netlist.circuit import Circuit
from xbarsim.netlist.errors import CardError, NetlistError
from xbarsim.netlist.expressions import Expression
from xbarsim.netlist.loops import check_voltage_loops
from xbarsim.netlist.reader import Reader
from xbarsim.netlist.scopes import Scope

MAX_ELEMENTS = 50_000_000


@dataclass(frozen=True)
class _Work:
    """One body to expand: where its nodes go and what its parameters are."""

    body: Body
    prefix: str
    ports: dict[str, str]
    scope: Scope


class Flattener:
    """Expands the bodies that a reader has read; a list of work takes the place of recursion."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.places = reader.places
        self.names: list[str] = []
        self.values: list[float] = []
        self.origins: list[int] = []
        self.nodes: list[int] = []
        self.number: defaultdict[str, int] = defaultdict(count(1).__next__)
        self.number["0"] = self.number["gnd"] = 0
        self.kinds: list[int] = []

    def run(self) -> Circuit:
        """Return the flat circuit."""
        _check_recursion(self.reader)
        scope = Scope()
        for name, value in self.reader.top.parameters:
            scope.define(name, value)
        work = [_Work(self.reader.top, "", {}, scope)]
        while work:
            item = work.pop()
            self._elements(item)
            work += [self._expand(instance, item) for instance in reversed(item.body.instances)]
            if len(self.names) > MAX_ELEMENTS:
                raise NetlistError(f"the circuit has over {MAX_ELEMENTS} elements: too many", self.places.files[0])
        self._check_names()
        names = [name for name in self.number if name != "gnd"]
        circuit = Circuit(
            title=self.reader.title,
            nodes=names,
            names=self.names,
            kinds=np.array(self.kinds, dtype=np.uint8),
            first=np.array(self.nodes[0::2], dtype=np.int64),
            second=np.array(self.nodes[1::2], dtype=np.int64),
            values=np.array(self.values, dtype=np.float64),
            origins=np.array(self.origins, dtype=np.int64),
            places=self.places,
            notes=[f"{self.places.where(o)}: {note}" for note, o in self.reader.notes.items()],
        )
        if not self.names:
            raise NetlistError("it has no elements: the first line is the title, elements follow", self.places.files[0])
        _note_zero_ohms(circuit)
        check_voltage_loops(circuit)
        return circuit

    def _elements(self, item: _Work) -> None:
        body, start = item.body, len(self.values)
        self.kinds += [KIND_OF[name[0]] for name in body.names]
        self.values += body.values
        self.origins += body.origins
        if item.prefix:
            self.names += [f"{name[0]}.{item.prefix}{name}" for name in body.names]
            place = item.ports.get
            self.nodes += [self.number[place(node) or item.prefix + node] for node in body.nodes]
        else:
            self.names += body.names
            self.nodes += map(self.number.__getitem__, body.nodes)
        for index, value, divisor in body.deferred:
            name, origin = body.names[index], body.origins[index]
            amount, share = self._number(value, item.scope, origin), self._number(divisor, item.scope, origin)
            if share != 1:
                if share <= 0:
                    raise self.places.error(f"{name} has m={share:g}: it must be > 0", origin)
                amount /= share
            if not math.isfinite(amount):
                raise self.places.error(f"{name} is {amount}: it must be finite", origin)
            if name[0] == "r" and amount < 0:
                raise self.places.error(f"{name} is {amount:g} ohm: resistances must be >= 0", origin)
            self.values[start + index] = amount

    def _number(self, value: float | Expression, scope: Scope, origin: int) -> float:
        if not isinstance(value, Expression):
            return value
        try:
            return scope.evaluate(value)
        except CardError as error:
            raise self.places.error(str(error), origin) from None

    def _expand(self, instance: Instance, caller: _Work) -> _Work:
        body = caller.body.find(instance.subcircuit)
        if body is None:
            close = get_close_matches(instance.subcircuit, caller.body.visible(), 1)
            hint = f"did you mean '{close[0]}'?" if close else f"define it with .subckt {instance.subcircuit}"
            raise self.places.error(
                f"{instance.name}: the subcircuit '{instance.subcircuit}' is undefined: {hint}", instance.origin
            )
        if len(instance.nodes) != len(body.ports):
            raise self.places.error(
                f"{instance.name} has {len(instance.nodes)} nodes, but {body.name} has {len(body.ports)} ports"
                f" (defined at {self.places.where(body.origin)}): give one node for each port",
                instance.origin,
            )
        ports = {"0": "0", "gnd": "0"} | {node: node for node in self.reader.globals}
        for port, node in zip(body.ports, instance.nodes, strict=True):
            if port not in ports:
                ports[port] = caller.ports.get(node) or (caller.prefix + node)
        scope = self._scope(instance, body, caller.scope)
        return _Work(body, f"{caller.prefix}{instance.name}.", ports, scope)

    def _scope(self, instance: Instance, body: Body, outer: Scope) -> Scope:
        """Defaults, then the body's own parameters, then what the instance gives: the last one counts."""
        if not (instance.parameters or body.defaults or body.parameters):
            return outer
        scope = Scope(outer)
        for name, value in (*body.defaults, *body.parameters):
            scope.define(name, value)
        for name, value in instance.parameters:
            scope.define(name, self._number(value, outer, instance.origin))
        return scope

    def _check_names(self) -> None:
        if len(set(self.names)) == len(self.names):
            return
        seen: dict[str, int] = {}
        for index, name in enumerate(self.names):
            if name in seen:
                before = self.places.where(self.origins[seen[name]])
                raise self.places.error(f"the name {name} is taken, first at {before}: rename one", self.origins[index])
            seen[name] = index


def _note_zero_ohms(circuit: Circuit) -> None:
    zero = np.flatnonzero((circuit.kinds == KIND_OF["r"]) & (circuit.values == 0))
    if zero.size:
        more = f" and {zero.size - 1} more" if zero.size > 1 else ""
        circuit.notes.append(
            f"{circuit.where(int(zero[0]))}: {circuit.names[zero[0]]}{more} of 0 ohm: kept exact (ngspice takes 1 mohm)"
        )


def _check_recursion(reader: Reader) -> None:
    """Refuse a subcircuit that contains itself, before anything is expanded."""
    done: set[int] = set()
    for start in (reader.top,):
        path: list[tuple[Body, list[tuple[Instance, Body]]]] = [(start, _uses(start))]
        on_path = {id(start)}
        while path:
            body, uses = path[-1]
            if not uses:
                path.pop()
                on_path.discard(id(body))
                done.add(id(body))
                continue
            instance, used = uses.pop()
            if id(used) in on_path:
                raise reader.places.error(
                    f"{instance.name}: the subcircuit '{used.name}' contains itself: break the loop", instance.origin
                )
            if id(used) not in done:
                on_path.add(id(used))
                path.append((used, _uses(used)))


def _uses(body: Body) -> list[tuple[Instance, Body]]:
    """Return one instance for each definition that a body uses."""
    found: dict[str, tuple[Instance, Body]] = {}
    for instance in body.instances:
        if instance.subcircuit not in found and (used := body.find(instance.subcircuit)) is not None:
            found[instance.subcircuit] = (instance, used)
    return list(found.values())
