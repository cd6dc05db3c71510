"""What a loop is meant to compute: its algebra with amplifiers of infinite gain and wires of no resistance.

Each amplifier then holds one node, its sum, at ground by its output. Kirchhoff's current law at the sums, with the
arrays' cells and the resistors between them and outputs or sources, is one linear system ``M outputs = right``. Which
of them have a feedback of their own, and what their arrays are driven by, says which of the circuits it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from xbarsim.checks import Array
from xbarsim.errors import InputError
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.held_nodes import HeldNodes, NoCircuitError
from xbarsim.loop.loop_answer import mode_condition
from xbarsim.loop.loop_parts import JoinedArray
from xbarsim.loop.stages import sign_free

_MOST_CONDITION = 1e12
"""From which on a matrix says nothing of what its circuit gives."""

_REAL = 1e-9
"""Share of an eigenvalue that its imaginary part may have for being rounding."""


@dataclass(frozen=True, eq=False)
class IdealCircuit:
    """A loop that computes.

    Attributes
    ----------
    kind : str
        ``transimpedance``, ``inverse``, ``pseudo-inverse`` or ``eigenvector``.
    outputs : tuple of str
        The nodes that have the answer.
    x : (outputs,)
        Their volts by linear algebra; of an eigenvector the largest is 1.
    condition : float
        By how much rounding grows in ``x``: the condition number of the equations, or of an eigenvector.
    offsets : frozenset of str
        Sources that are amplifiers' offsets.
    feedback : tuple of str
        The resistors across the amplifiers of an eigenvector circuit; others leave it empty.
    """

    kind: str
    outputs: tuple[str, ...]
    x: Array
    condition: float
    offsets: frozenset[str]
    feedback: tuple[str, ...] = ()

    @staticmethod
    def of(loop: Loop) -> IdealCircuit:
        """Return what a loop of one point computes.

        Raises
        ------
        NoCircuitError
            It is none of these circuits; the message says why.
        """
        if loop.points is not None:
            raise InputError(f"the loop has {loop.points} points: take a loop of one")
        sums = _Sums(HeldNodes.of(loop))
        stages = sums.stages()
        with_feedback = [k for k in stages if sums.feedback[k]]
        without = [k for k in stages if not sums.feedback[k]]
        driven = {k: sums.driven_by(k) for k in stages}
        if not stages:
            raise NoCircuitError("no amplifier holds a line of an array")
        if not without and not any(driven.values()):
            return sums.answer("transimpedance", with_feedback)
        if not with_feedback and _within(driven, without, without):
            return sums.answer("inverse", without)
        if _within(driven, with_feedback, without) and _within(driven, without, with_feedback):
            return sums.answer("pseudo-inverse", without)
        if not without and _within(driven, with_feedback, with_feedback):
            return sums.answer("inverse", with_feedback) if sums.right.any() else sums.mode(with_feedback)
        raise NoCircuitError("its amplifiers drive the arrays that they hold in another way than these circuits")


def _within(driven: dict[int, set[int]], stages: Iterable[int], by: list[int]) -> bool:
    """Whether the arrays at some stages are driven, by others alone."""
    return bool(by) and all(driven[k] and driven[k] <= set(by) for k in stages)


class _Sums:
    """Kirchhoff's current law at all sums, ``matrix @ outputs = right``, (sums, outputs).

    Attributes
    ----------
    cells : (sums, outputs)
        What arrays have of ``matrix``; ``joined`` says at which sums there are cells at all.
    feedback : list of list of str
        The resistors from each sum to its own output.
    """

    def __init__(self, nodes: HeldNodes) -> None:
        self.nodes = nodes
        count = len(nodes.amplifiers)
        self.matrix, self.cells = np.zeros((count, count)), np.zeros((count, count))
        self.right = np.zeros(count)
        self.joined = np.zeros(count, dtype=bool)
        self.feedback: list[list[str]] = [[] for _ in range(count)]
        for part in nodes.loop.resistors:
            if 0.0 < part.ohms < np.inf:
                self._add_resistor(part.name, nodes.group(part.a), nodes.group(part.b), 1.0 / part.ohms)
        for array in nodes.loop.arrays:
            self._add_array(array)
        self.matrix += self.cells
        for source in nodes.loop.amperes:
            for node, sign in ((source.plus, 1.0), (source.minus, -1.0)):
                k = nodes.sum_of.get(nodes.group(node))
                if k is not None:
                    self.right[k] += sign * float(np.asarray(source.amperes))

    def _add_resistor(self, name: str, a: int, b: int, siemens: float) -> None:
        for near, far in ((a, b), (b, a)):
            k = self.nodes.sum_of.get(near)
            if k is None:
                continue
            out, volts = self.nodes.potential(far)
            if out >= 0:
                self.matrix[k, out] += siemens
                if out == k:
                    self.feedback[k].append(name)
            self.right[k] -= siemens * volts

    def _add_array(self, array: JoinedArray) -> None:
        crossbar = array.crossbar
        if not crossbar.device.linear:
            raise NoCircuitError(f"{array.name} has cells with a law")
        words, bits = self.nodes.lines(array)
        for near, far, siemens in ((words, bits, crossbar.conductance), (bits, words, crossbar.conductance.T)):
            for line, group in enumerate(near):
                k = self.nodes.sum_of.get(group) if isinstance(group, int) else None
                if k is None:
                    continue
                self.joined[k] = True
                for place in np.flatnonzero(siemens[line]).tolist():
                    out, volts = self.nodes.potential(far[place])
                    if out >= 0:
                        self.cells[k, out] += siemens[line, place]
                    self.right[k] -= siemens[line, place] * volts

    def stages(self) -> list[int]:
        """Return the amplifiers that hold lines of arrays."""
        return np.flatnonzero(self.joined).tolist()

    def _inverters(self) -> list[int]:
        return np.flatnonzero(~self.joined).tolist()

    def driven_by(self, k: int) -> set[int]:
        """Return the amplifiers that drive the arrays at a sum, those before an inverter in its place."""
        sources: set[int] = set()
        for out in np.flatnonzero(self.cells[k]).tolist():
            sources |= {out} if self.joined[out] else self._before(out)
        return sources

    def _before(self, inverter: int, way: frozenset[int] = frozenset()) -> set[int]:
        if inverter in way:
            raise NoCircuitError(f"{self.nodes.amplifiers[inverter].name} drives itself")
        if not self.feedback[inverter]:
            raise NoCircuitError(
                f"{self.nodes.amplifiers[inverter].name} has no feedback of its own and holds no array"
            )
        sources: set[int] = set()
        for out in np.flatnonzero(self.matrix[inverter]).tolist():
            if out != inverter:
                sources |= {out} if self.joined[out] else self._before(out, way | {inverter})
        return sources

    def answer(self, kind: str, outputs: list[int]) -> IdealCircuit:
        """Return the circuit with what its equations give."""
        scale = np.abs(self.matrix).max(axis=1, keepdims=True)
        condition = float(np.linalg.cond(self.matrix / scale)) if scale.all() else np.inf
        if not condition <= _MOST_CONDITION:
            raise NoCircuitError("its matrix is singular")
        x: Array = np.linalg.solve(self.matrix, self.right)[outputs].astype(np.float64)
        names = tuple(self.nodes.outputs[k] for k in outputs)
        return IdealCircuit(kind, names, x, condition, self.nodes.offsets)

    def mode(self, ring: list[int]) -> IdealCircuit:
        """Return the circuit with the vector of its largest eigenvalue."""
        for k in ring:
            if len(self.feedback[k]) != 1:
                raise NoCircuitError(f"{self.nodes.amplifiers[k].name} has more than one feedback resistor")
        turning = self._inverters()
        at = np.ix_(turning, turning)
        try:
            turned = np.linalg.solve(self.matrix[at], -self.matrix[np.ix_(turning, ring)])
        except np.linalg.LinAlgError:
            raise NoCircuitError("its inverters are singular") from None
        back = np.diag([self.matrix[k, k] for k in ring])
        through = self.matrix[np.ix_(ring, ring)] - back + self.matrix[np.ix_(ring, turning)] @ turned
        matrix: Array = -np.linalg.solve(back, through).astype(np.float64)
        values, vectors = np.linalg.eig(matrix)
        largest = int(values.real.argmax())
        if abs(values[largest].imag) > _REAL * abs(values[largest]) or not values[largest].real > 0.0:
            raise NoCircuitError(f"no feedback sustains one mode: its largest eigenvalue is {values[largest]:.3g}")
        vector: Array = vectors[:, largest].real.astype(np.float64)
        outputs, x = [], []
        for place, k in enumerate(ring):
            behind = [row for row, inverter in enumerate(turning) if self._before(inverter) == {k}]
            outputs.append(turning[behind[0]] if len(behind) == 1 else k)
            x.append(turned[behind[0]] @ vector if len(behind) == 1 else vector[place])
        names = tuple(self.nodes.outputs[k] for k in outputs)
        feedback = tuple(self.feedback[k][0] for k in ring)
        volts = sign_free(np.array(x, dtype=np.float64))
        condition = mode_condition(matrix, values, vectors, largest)
        return IdealCircuit("eigenvector", names, volts, condition, self.nodes.offsets, feedback)
