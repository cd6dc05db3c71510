"""A loop's equations: modified nodal analysis of the small circuit, with each array as its admittance.

Unknowns are the nodes' voltages, then the currents of what fixes a voltage: sources and resistors of 0 ohm, then
amplifiers, each current entering at the + terminal or the output. An amplifier's equation is
``v(plus) - v(minus) - (v(out) - r i) / gain = -offset``, r its output resistance and i its current: at infinite gain a
nullor, and nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xbarsim.checks import Array
from xbarsim.crossbar import SIDES, Side
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.loop_parts import GROUND, JoinedArray
from xbarsim.solution import Solution
from xbarsim.solvers.solve import solve_points

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LoopEquations:
    """The equations of one loop.

    Attributes
    ----------
    loop : Loop
        The circuit.
    """

    loop: Loop

    @cached_property
    def number(self) -> dict[str, int]:
        """The unknown of each node; -1 is ground."""
        return {GROUND: -1} | {node: k for k, node in enumerate(self.loop.nodes)}

    @cached_property
    def fixing(self) -> list[tuple[str, int, int]]:
        """Sources of volts, then resistors of 0 ohm: name, + and - node."""
        branches = [(source.name, source.plus, source.minus) for source in self.loop.volts]
        branches += [(part.name, part.a, part.b) for part in self.loop.resistors if part.ohms == 0.0]
        return [(name, self.number[a], self.number[b]) for name, a, b in branches]

    @property
    def nodes(self) -> int:
        """How many nodes there are without ground."""
        return len(self.loop.nodes)

    @property
    def first_amplifier(self) -> int:
        """The unknown that is the first amplifier's current, and the number of its equation."""
        return self.nodes + len(self.fixing)

    @property
    def size(self) -> int:
        """How many unknowns there are."""
        return self.first_amplifier + len(self.loop.amplifiers)

    @cached_property
    def inputs(self) -> tuple[Ints, Ints, Ints]:
        """The plus, minus and output nodes of all amplifiers, (amplifiers,) each; -1 is ground."""
        amplifiers = self.loop.amplifiers
        columns = ([getattr(amp, pin) for amp in amplifiers] for pin in ("plus", "minus", "out"))
        plus, minus, out = (np.array([self.number[node] for node in column], dtype=np.int64) for column in columns)
        return plus, minus, out

    @cached_property
    def part_matrix(self) -> Array:
        """All but the arrays, (size, size)."""
        # A row and a column for ground at the end, which are left out.
        matrix = np.zeros((self.size + 1, self.size + 1))
        resistors = [(self.number[part.a], self.number[part.b], part.ohms) for part in self.loop.resistors]
        resistors += [
            (self.number[amp.plus], self.number[amp.minus], amp.amplifier.input_resistance)
            for amp in self.loop.amplifiers
        ]
        for a, b, ohms in resistors:
            if 0.0 < ohms < np.inf:
                siemens = 1.0 / ohms
                matrix[[a, b], [a, b]] += siemens
                matrix[[a, b], [b, a]] -= siemens
        for part in self.loop.transconductors:
            a, b, plus, minus = (self.number[node] for node in (part.a, part.b, part.plus, part.minus))
            for row, column, sign in ((a, plus, 1.0), (a, minus, -1.0), (b, plus, -1.0), (b, minus, 1.0)):
                matrix[row, column] += sign * part.siemens
        for k, (_, a, b) in enumerate(self.fixing, self.nodes):
            for node, sign in ((a, 1.0), (b, -1.0)):
                matrix[k, node] += sign
                matrix[node, k] += sign
        for k, (plus, minus, out, amp) in enumerate(
            zip(*self.inputs, self.loop.amplifiers, strict=True), self.first_amplifier
        ):
            # Times the gain where that is below 1.
            weight = min(1.0, amp.amplifier.gain)
            share = weight / amp.amplifier.gain
            matrix[out, k] += 1.0
            matrix[k, plus] += weight
            matrix[k, minus] -= weight
            matrix[k, out] -= share
            matrix[k, k] += amp.amplifier.output_resistance * share
        return matrix[:-1, :-1]

    @cached_property
    def matrix(self) -> Array:
        """The left-hand side, (size, size)."""
        matrix = np.zeros((self.size + 1, self.size + 1))
        matrix[:-1, :-1] = self.part_matrix
        for array in self.loop.arrays:
            node, at = self.places(array)
            np.add.at(matrix, (node[:, None], node[None, :]), array.admittance[np.ix_(at, at)])
        return matrix[:-1, :-1]

    def places(self, array: JoinedArray) -> tuple[Ints, Ints]:
        """Return the unknowns of an array's ends that are nodes of the loop, -1 is ground, and their ports."""
        pairs = [(self.number[node], k) for k, (_, _, node) in enumerate(array.ports) if node is not None]
        table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    @cached_property
    def part_right(self) -> Array:
        """What sources and offsets put on the right-hand side, (size, points)."""
        points = self.loop.points or 1
        right = np.zeros((self.size + 1, points))
        for source in self.loop.amperes:
            right[self.number[source.plus]] -= source.amperes
            right[self.number[source.minus]] += source.amperes
        for k, volts in enumerate(self.loop.volts, self.nodes):
            right[k] = volts.volts
        for k, amp in enumerate(self.loop.amplifiers, self.first_amplifier):
            right[k] = -min(1.0, amp.amplifier.gain) * amp.amplifier.offset
        return right[:-1]

    @cached_property
    def right(self) -> Array:
        """The right-hand side, (size, points): ends of arrays with their own voltage drive too."""
        right = np.zeros((self.size + 1, self.part_right.shape[1]))
        right[:-1] = self.part_right
        for array in self.loop.arrays:
            if array.still.any():
                node, at = self.places(array)
                np.subtract.at(right, node, (array.admittance[at] @ array.still)[:, None])
        return right[:-1]

    def end_voltages(self, array: JoinedArray, x: Array) -> dict[Side, Array]:
        """Return the volts of an array's sources at unknowns x (size, points), (points, lines) of each side."""
        ends = array.crossbar.boundary
        points = x.shape[1]
        volts = {side: np.tile(ends[side].voltage, (points, 1)) for side in SIDES}
        for side, line, node in array.ports:
            if node is not None:
                volts[side][:, line] = x[self.number[node]] if node != GROUND else 0.0
        return volts

    def solutions(self, x: Array, *, fields: bool = False) -> dict[str, Solution]:
        """Return each array's full solution at unknowns x (size, points), as a batch of points."""
        return {
            array.name: solve_points(array.crossbar, self.end_voltages(array, x), fields=fields)
            for array in self.loop.arrays
        }

    def gap(self, x: Array, solutions: dict[str, Solution]) -> tuple[Array, Array]:
        """Return what x (size, points) leaves of the equations, and what that may be off by, (size, points) each.

        The arrays' currents are those of their full solutions, not of their admittances.
        """
        wide = np.longdouble
        gap = np.zeros((self.size + 1, x.shape[1]), dtype=wide)
        gap[:-1] = self.part_right.astype(wide) - self.part_matrix.astype(wide) @ x.astype(wide)
        doubt = np.zeros((self.size + 1, x.shape[1]))
        tiny = float(np.finfo(wide).eps) * self.size
        doubt[:-1] = tiny * (np.abs(self.part_matrix) @ np.abs(x) + np.abs(self.part_right))
        for array in self.loop.arrays:
            node, at = self.places(array)
            currents = self._port_currents(array, solutions[array.name])
            np.add.at(gap, node, currents[at].astype(wide))
            rounding = solutions[array.name].residual + (solutions[array.name].map_difference or 0.0)
            rounding += 2.0 * float(np.finfo(np.float64).eps)
            largest = np.abs(currents).max(axis=0, initial=0.0)
            np.add.at(doubt, node, np.broadcast_to(rounding * largest, (node.size, largest.size)))
        return gap[:-1].astype(np.float64), doubt[:-1]

    def _port_currents(self, array: JoinedArray, solution: Solution) -> Array:
        """Return the amperes out of the array at its ports, (ports, points)."""
        rows = [solution.end_currents[side][:, line] for side, line, _ in array.ports]
        return np.array(rows).reshape(len(rows), -1)

    def driven_matrix(self) -> Array:
        """Return the left-hand side with each amplifier's inner voltage on the right of its own equation."""
        matrix = self.matrix.copy()
        _, _, out = self.inputs
        law = self.first_amplifier + np.arange(len(self.loop.amplifiers))
        matrix[law] = 0.0
        matrix[law, out] = 1.0
        matrix[law, law] = [-amp.amplifier.output_resistance for amp in self.loop.amplifiers]
        return matrix

    def inner_voltages(self, x: Array) -> Array:
        """Return the amplifiers' inner voltages, (amplifiers, points)."""
        _, _, out = self.inputs
        ohms = np.array([amp.amplifier.output_resistance for amp in self.loop.amplifiers])
        inner: Array = x[out] - ohms[:, None] * x[self.first_amplifier :]
        return inner

    def label(self, unknown: int) -> str:
        """Say what an unknown belongs to: a node, a source or an amplifier."""
        if unknown < self.nodes:
            return f"node {self.loop.nodes[unknown]}"
        if unknown < self.first_amplifier:
            return self.fixing[unknown - self.nodes][0]
        return f"amplifier {self.loop.amplifiers[unknown - self.first_amplifier].name}"
