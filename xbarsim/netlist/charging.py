"""What charges frozen states, set aside: it changes nothing that is read, and may be 1e20 times as large.

Behind a state's source a current goes round within the state: from the law that charges it through the source and the
ammeters on its way. So the circuit is solved without these laws, and their currents are added to those sources' after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.controlled import Controlled
from xbarsim.netlist.element_kinds import ELEMENTS, VOLTAGE, is_short
from xbarsim.netlist.flat_circuit import Charging, FlatCircuit
from xbarsim.netlist.nonlinear_elements import Behaviours

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Path = list[tuple[int, int]]

_PER_ELEMENT = ("first", "second", "factor", "origins")
_PER_CONTROL = ("plus", "minus", "constants")


class _Forest:
    """Trees of the elements that fix voltages.

    Parameters
    ----------
    circuit : FlatCircuit
        With states.
    """

    def __init__(self, circuit: FlatCircuit) -> None:
        self.states = {state[0] for state in circuit.states}
        self.parent: dict[int, tuple[int, int, int, bool]] = {}
        self.depth: dict[int, int] = {}
        neighbours: defaultdict[int, list[tuple[int, int, int, bool]]] = defaultdict(list)
        for branch, start_node, end_node, state in self._edges(circuit):
            neighbours[start_node].append((end_node, branch, -1, state))
            neighbours[end_node].append((start_node, branch, 1, state))
        for start in (0, *neighbours):
            if start in self.depth:
                continue
            self.depth[start] = 0
            stack = [start]
            while stack:
                node = stack.pop()
                for end_node, branch, sign, state in neighbours[node]:
                    if end_node not in self.depth:
                        self.depth[end_node] = self.depth[node] + 1
                        self.parent[end_node] = node, branch, sign, state
                        stack.append(end_node)

    def _edges(self, circuit: FlatCircuit) -> Iterator[tuple[int, int, int, bool]]:
        kinds = circuit.kinds
        hard = np.flatnonzero((kinds == VOLTAGE) | is_short(kinds, circuit.values)).tolist()
        for k in hard:
            yield k, int(circuit.first[k]), int(circuit.second[k]), circuit.names[k] in self.states
        number = len(circuit.names)
        for source in circuit.controlled:
            if source.coupling.fixes_voltage:
                yield number, source.first, source.second, False
            number += 1
        for laws in circuit.behaviours:
            if laws.output == "v":
                for first, second in zip(laws.first.tolist(), laws.second.tolist(), strict=True):
                    yield number, first, second, False
                    number += 1

    def path(self, start: int, end: int) -> Path | None:
        """Return branches with signs from ``start`` to ``end`` if there is a way through a state, else None."""
        if start not in self.depth or end not in self.depth:
            return None
        up, down, through = list[tuple[int, int]](), list[tuple[int, int]](), False
        while start != end:
            forward = self.depth[start] >= self.depth[end]
            node = start if forward else end
            if node not in self.parent:
                return None
            above, branch, sign, state = self.parent[node]
            # ``sign`` is 1 where the node is the branch's + terminal.
            (up if forward else down).append((branch, sign if forward else -sign))
            through |= state
            start, end = (above, end) if forward else (start, above)
        return up + down if through else None


def set_aside(circuit: FlatCircuit) -> FlatCircuit:
    """Return a circuit without what charges its states; that is in ``charging``."""
    forest, read = _Forest(circuit), _read_currents(circuit)
    flows: list[tuple[int, int, int]] = []
    laws: list[Behaviours] = []
    staying: list[Behaviours] = []
    count = 0

    def aside(first: int, second: int) -> bool:
        nonlocal count
        path = forest.path(second, first)
        if path is None or any(branch in read for branch, _ in path):
            return False
        flows.extend((count, branch, sign) for branch, sign in path)
        count += 1
        return True

    for group in circuit.behaviours:
        if group.output == "v":
            staying.append(group)
            continue
        ends = zip(group.first.tolist(), group.second.tolist(), strict=True)
        charges = np.fromiter((aside(first, second) for first, second in ends), bool, group.first.size)
        if charges.any():
            laws.append(_subset(group, charges))
        if not charges.all():
            staying.append(_subset(group, ~charges) if charges.any() else group)
    gains: list[Controlled] = []
    controlled = list(circuit.controlled)
    for k, gain in enumerate(controlled):
        if ELEMENTS[gain.kind].output == "i" and aside(gain.first, gain.second):
            gains.append(gain)
            controlled[k] = replace(gain, gain=0.0)  # Laws name the others by their place.
    if not flows:
        return circuit
    element, branch, sign = (np.array(column, np.int64) for column in zip(*flows, strict=True))
    charging = Charging(tuple(laws), tuple(gains), element, branch, sign)
    return replace(circuit, behaviours=tuple(staying), controlled=tuple(controlled), charging=charging)


def _read_currents(circuit: FlatCircuit) -> set[int]:
    """Return the branches whose current controls something."""
    read = {source.c for source in circuit.controlled if source.coupling.by_current}
    for laws in circuit.behaviours:
        for kind, plus in zip(laws.kinds, laws.plus, strict=True):
            if kind == "i":
                read.update(plus.tolist())
    return read


def _subset(laws: Behaviours, mask: Bools) -> Behaviours:
    """Return some of a group."""
    changed = {column.name: getattr(laws, column.name)[mask] for column in fields(laws) if column.name in _PER_ELEMENT}
    changed |= {name: getattr(laws, name)[:, mask] for name in _PER_CONTROL}
    return replace(laws, names=[laws.names[k] for k in np.flatnonzero(mask).tolist()], **changed)
