"""What fixes each node of a loop of ideal amplifiers: ground, a source, or an amplifier's output.

Nodes that 0 ohm, sources of 0 V and inductors join are one. An amplifier holds its sum, the input that is not at
ground, at ground; a source that stands at an input alone is its offset. A resistor alone at an output is the
amplifier's own, and the output is behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from xbarsim.errors import InputError
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.loop_parts import JoinedArray, OpAmp, Part
from xbarsim.loop.part_checks import GROUND

Line = int | float
"""What a line is tied to: a group of nodes, or volts of its own."""


class NoCircuitError(InputError):
    """A loop is none of the circuits that compute."""


@dataclass(frozen=True, eq=False)
class HeldNodes:
    """Groups of nodes; 0 is that of ground.

    Attributes
    ----------
    loop : Loop
        The loop.
    groups : dict
        The group of each node.
    sum_of : dict
        Which amplifier holds a group at ground.
    outputs : list of str
        The node that each amplifier drives, behind its own resistance.
    output_of : dict
        Which amplifier drives a group.
    volts : dict
        What sources fix groups at.
    offsets : frozenset of str
        The sources that are amplifiers' offsets.
    """

    loop: Loop
    groups: dict[str, int]
    sum_of: dict[int, int]
    outputs: list[str]
    output_of: dict[int, int]
    volts: dict[int, float]
    offsets: frozenset[str]

    @property
    def amplifiers(self) -> tuple[OpAmp, ...]:
        """The loop's amplifiers."""
        return self.loop.amplifiers

    def group(self, node: str) -> int:
        """Return the group of a node."""
        return self.groups[node]

    def potential(self, line: Line | None) -> tuple[int, float]:
        """Return the amplifier whose output something has, or -1 and volts.

        Raises
        ------
        NoCircuitError
            Nothing fixes it.
        """
        if isinstance(line, float):
            return -1, line
        if line is None:
            raise NoCircuitError("a line of an array is open")
        if line == 0 or line in self.sum_of:
            return -1, 0.0
        if line in self.output_of:
            return self.output_of[line], 0.0
        if line in self.volts:
            return -1, self.volts[line]
        name = next(node for node, group in self.groups.items() if group == line)
        raise NoCircuitError(f"no source or amplifier fixes node {name}")

    def lines(self, array: JoinedArray) -> tuple[list[Line | None], list[Line | None]]:
        """Return what word lines and bit lines are tied to, None what is open.

        Raises
        ------
        NoCircuitError
            A line's two ends are tied to different nodes.
        """
        ends: dict[tuple[str, int], Line] = {}
        for side, line, node in array.ports:
            at: Line = float(array.crossbar.boundary[side].voltage[line]) if node is None else self.groups[node]
            kind = side.partition("_")[0]
            if ends.setdefault((kind, line), at) != at:
                raise NoCircuitError(f"both ends of {kind} line {line} of {array.name} are tied, to two nodes")
        rows, cols = array.crossbar.shape
        return [ends.get(("word", i)) for i in range(rows)], [ends.get(("bit", j)) for j in range(cols)]

    @staticmethod
    def of(loop: Loop) -> HeldNodes:
        """Find what fixes each node.

        Raises
        ------
        NoCircuitError
            A part has no place in these circuits, or an amplifier's inputs are both off ground.
        """
        strange: tuple[Part, ...] = (*loop.transconductors, *loop.current_gains, *loop.transresistors)
        if strange:
            raise NoCircuitError(f"{strange[0].name} has no place in such a circuit")
        offsets = frozenset(_offsets(loop))
        groups = _joined(loop, offsets)
        volts = _sources(loop, groups)
        sum_of: dict[int, int] = {}
        for k, amp in enumerate(loop.amplifiers):
            plus, minus = groups[amp.plus], groups[amp.minus]
            if groups[amp.reference] != 0:
                raise NoCircuitError(f"{amp.name} drives from a node that is not ground")
            if (plus == 0) == (minus == 0):
                raise NoCircuitError(f"{amp.name} has not one input at ground")
            if sum_of.setdefault(plus or minus, k) != k or (plus or minus) in volts:
                raise NoCircuitError(f"the input of {amp.name} is held by something else too")
        touching = _touching(loop, groups)
        outputs = [_output(loop, groups, touching, amp, sum_of) for amp in loop.amplifiers]
        output_of: dict[int, int] = {}
        for k, node in enumerate(outputs):
            at = groups[node]
            if at == 0 or at in volts or output_of.setdefault(at, k) != k:
                raise NoCircuitError(f"node {node} has its voltage from {loop.amplifiers[k].name} and from elsewhere")
        return HeldNodes(loop, groups, sum_of, outputs, output_of, volts, offsets)


def _offsets(loop: Loop) -> Iterator[str]:
    """Yield the sources that stand between amplifiers' inputs, at a node of their own, and the rest."""
    beside: dict[str, set[str]] = {}
    for amp in loop.amplifiers:
        for pin, across in ((amp.plus, amp.minus), (amp.minus, amp.plus)):
            beside.setdefault(pin, set()).add(across)
    # An input resistance may lie at that node; what else does makes it more than an input.
    shared = {node for array in loop.arrays for _, _, node in array.ports}
    shared |= {node for amp in loop.amplifiers for node in (amp.out, amp.reference)} | {GROUND}
    shared |= {node for source in loop.amperes for node in (source.plus, source.minus)}
    for part in loop.resistors:
        shared |= {a for a, b in ((part.a, part.b), (part.b, part.a)) if b not in beside.get(a, ())}
    fixed = Counter(node for _, a, b in loop.fixing for node in (a, b))
    for source in loop.volts:
        if any(node in beside and node not in shared and fixed[node] == 1 for node in (source.plus, source.minus)):
            yield source.name


def _joined(loop: Loop, offsets: frozenset[str]) -> dict[str, int]:
    """Return the group of each node, 0 with ground; offsets join too."""
    parent = {node: node for node in [GROUND, *loop.nodes]}

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    still = {source.name for source in loop.volts if not np.asarray(source.volts).any()}
    live = {source.name for source in loop.volts} - still - offsets
    for name, a, b in loop.fixing:
        if name not in live:
            parent[root(a)] = root(b)
    number = {root(GROUND): 0}
    return {node: number.setdefault(root(node), len(number)) for node in parent}


def _sources(loop: Loop, groups: dict[str, int]) -> dict[int, float]:
    volts: dict[int, float] = {}
    for source in loop.volts:
        value = float(np.asarray(source.volts))
        a, b = groups[source.plus], groups[source.minus]
        if not value or a == b:
            continue
        if 0 not in (a, b):
            raise NoCircuitError(f"{source.name} is between two nodes that are not ground")
        volts[a or b] = value if b == 0 else -value
    return volts


def _touching(loop: Loop, groups: dict[str, int]) -> Counter[int]:
    """Return how many ends of resistors, arrays and amplifiers' outputs there are at each group."""
    count: Counter[int] = Counter()
    for part in loop.resistors:
        if part.ohms and groups[part.a] != groups[part.b]:
            count.update((groups[part.a], groups[part.b]))
    for array in loop.arrays:
        count.update(groups[node] for _, _, node in array.ports if node is not None)
    count.update(groups[amp.out] for amp in loop.amplifiers)
    return count


def _output(loop: Loop, groups: dict[str, int], touching: Counter[int], amp: OpAmp, sum_of: dict[int, int]) -> str:
    """Return the node that an amplifier drives, behind a resistor that is alone at its output."""
    at = groups[amp.out]
    beside = [part for part in loop.resistors if part.ohms and at in (groups[part.a], groups[part.b])]
    if touching[at] == 2 and len(beside) == 1:
        far = beside[0].b if groups[beside[0].a] == at else beside[0].a
        if groups[far] != 0 and groups[far] not in sum_of:
            return far
    return amp.out
