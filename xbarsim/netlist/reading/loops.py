"""Loops of ideal voltage sources: a contradiction is an error, whatever else the circuit is."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from xbarsim.netlist.element_kinds import VOLTAGE, fixes_voltage, is_short
from xbarsim.netlist.refusals import ContradictionError

if TYPE_CHECKING:
    from xbarsim.netlist.flat_circuit import FlatCircuit


def check_voltage_loops(circuit: FlatCircuit, *, moving: bool = False) -> None:
    """Refuse sources (and 0 ohm resistors) that fix the same voltage at different values.

    Inductors are among them, but where the circuit moves: at a source of volts their currents grow.

    Raises
    ------
    ContradictionError
        The message names the element that contradicts and one that it contradicts.
    """
    kinds, values = circuit.kinds, circuit.values
    fixing = kinds == VOLTAGE if moving else fixes_voltage(kinds)
    ideal = np.flatnonzero(fixing | is_short(kinds, values))
    sources = np.count_nonzero(kinds[ideal] == VOLTAGE)
    if sources == 0:
        return
    order = ideal[np.argsort(kinds[ideal] == VOLTAGE, kind="stable")]
    neighbours: defaultdict[int, list[tuple[int, int, float]]] = defaultdict(list)
    for e in order.tolist():
        a, b = int(circuit.first[e]), int(circuit.second[e])
        volts = float(values[e]) if kinds[e] == VOLTAGE else 0.0
        neighbours[a].append((b, e, -volts))
        neighbours[b].append((a, e, volts))
    reached: dict[int, tuple[float, int, int]] = {}
    for root in neighbours:
        if root in reached:
            continue
        reached[root] = (0.0, -1, -1)
        queue = [root]
        while queue:
            node = queue.pop()
            volts = reached[node][0]
            for neighbour, element, step in neighbours[node]:
                if neighbour not in reached:
                    reached[neighbour] = (volts + step, element, node)
                    queue.append(neighbour)
                elif element != reached[node][1] and not _agree(reached[neighbour][0], volts + step):
                    raise _conflict(circuit, reached, element, node, neighbour)


def _agree(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def _conflict(
    circuit: FlatCircuit, reached: dict[int, tuple[float, int, int]], element: int, node: int, neighbour: int
) -> Exception:
    """Name the last element in the file of the loop, and another source in it."""

    def path(start: int) -> list[int]:
        elements = []
        while reached[start][1] >= 0:
            elements.append(reached[start][1])
            start = reached[start][2]
        return elements

    down, up = path(node), path(neighbour)
    while down and up and down[-1] == up[-1]:
        down.pop()
        up.pop()
    loop = sorted([element, *down, *up])
    sources = [e for e in loop if circuit.kinds[e] == VOLTAGE and circuit.values[e] != 0] or loop
    last = sources[-1]
    partners = [e for e in sources if e != last] or [e for e in loop if e != last]
    if not partners:
        return circuit.error(
            f"{circuit.names[last]} of {circuit.values[last]:g} V has both ends on one node: remove it",
            last,
            ContradictionError,
        )
    before = partners[0]
    return circuit.error(
        f"{circuit.names[last]} contradicts {circuit.names[before]} ({circuit.where(before)}): together they fix a"
        " voltage at two values; remove one or put a resistor between them",
        last,
        ContradictionError,
    )
