"""Motions of one form, composed into one law of a state and of what drives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from xbarsim.dynamics import lone_states
from xbarsim.dynamics.law_rows import LawRows
from xbarsim.dynamics.lone_states import DRIVE, LAW, Difference, Motion, Operand
from xbarsim.netlist.behaviour.composed import STATE, Composition
from xbarsim.netlist.behaviour.derivative import derivative
from xbarsim.netlist.behaviour.emit import compiled
from xbarsim.netlist.behaviour.graph import Graph, Node, Term
from xbarsim.netlist.behaviour.template import Key
from xbarsim.nonlinear.part import Floats

_FEW = 6
"""States up to which Python's floats are quicker than arrays."""

Law = Callable[..., tuple[Any, Any]]


class LikeMotions:
    """Motions of one form, n of them.

    Parameters
    ----------
    motions : sequence of Motion
        At least one.
    groups : sequence of LawRows
        The circuit's.
    nodes : int
        How many places are voltages.

    Attributes
    ----------
    nodes : (n,)
        Whose voltages the states are.
    """

    def __init__(self, motions: Sequence[Motion], groups: Sequence[LawRows], nodes: int) -> None:
        self.nodes = np.array([motion.node for motion in motions], np.int64)
        places = np.array([motion.places for motion in motions], np.int64).reshape(self.nodes.size, -1, 2)
        self._plus, self._minus = np.ascontiguousarray(places[:, :, 0].T), np.ascontiguousarray(places[:, :, 1].T)
        form = motions[0].form
        drives = {number for *_, controls in form for pair in controls for number in _drives(pair)}
        self._driving = np.array([[number in drives] for number in range(len(motions[0].places))], bool).reshape(-1, 1)
        composition = Composition()
        leaves = [composition.unknown() for _ in motions[0].places]
        rows = np.array([motion.rows for motion in motions], np.int64).T
        total = composition.number(0.0)
        terms: list[Term] = []
        for (group, charges, sign, controls), row in zip(form, rows, strict=True):
            operands = [_difference(composition, pair, leaves, terms) for pair in controls]
            laws = groups[group]
            value = composition.embed(laws.template, operands, laws.constants[:, row])
            value = value * composition.constant(laws.factor[row])
            terms.append(value if sign > 0 else -value)
            total = total + terms[-1] if charges else total
        leak = np.array([motion.siemens for motion in motions])
        if leak.any():
            total = total - composition.state * composition.constant(leak)
        self._constants = composition.constants
        arguments = *composition.form(total), len(leaves), len(self._constants)
        self._law = _law_of(*arguments, scalar=False)
        self._few: Law | None = _law_of(*arguments, scalar=True) if self.nodes.size <= _FEW else None
        self._columns = [column.tolist() for column in self._constants] if self._few else []
        self._by_volts = (self._plus < nodes).astype(np.float64)
        self._top = np.zeros(self._plus.shape)

    def see(self, values: Floats, volts: float) -> None:
        """Remember how large drives have been; voltages count as so many ``volts`` at least."""
        sizes = np.abs(values[self._plus] - values[self._minus])
        self._top = np.maximum(self._top, np.maximum(sizes, volts * self._by_volts))

    def rates(self, values: Floats, time: float, turned: float) -> tuple[Floats, Floats]:
        """Return amperes (n,) that charge the states, and slopes by these (n,).

        Parameters
        ----------
        values : (places,)
            The circuit's.
        time : float
            Seconds.
        turned : {0.0, -1.0, 1.0}
            0 as they are; else drives are as large as they have been, the other way or the same.
        """
        state = values[self.nodes]
        drives = values[self._plus] - values[self._minus]
        if turned:
            drives = np.where(self._driving, turned * np.copysign(self._top, drives), drives)
        if self._few is not None:
            columns = zip(*drives.tolist(), state.tolist(), *self._columns, strict=True)
            try:
                pairs = [self._few(*column, time) for column in columns]
                return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
            except (ArithmeticError, ValueError):
                pass  # arrays have NaN and infinities there
        rate, slope = self._law(*drives, state, *self._constants, np.float64(time))
        return np.broadcast_to(rate, state.shape), np.broadcast_to(slope, state.shape)


def _drives(pair: Difference) -> list[int]:
    return [operand[1] for operand in pair if operand is not None and operand[0] == DRIVE]


def _difference(composition: Composition, pair: Difference, leaves: list[Term], terms: list[Term]) -> Term:
    plus, minus = (_term(composition, operand, leaves, terms) for operand in pair)
    return plus - minus


def _term(composition: Composition, operand: Operand | None, leaves: list[Term], terms: list[Term]) -> Term:
    if operand is None:
        return composition.number(0.0)
    kind, number = operand
    return composition.state if kind == lone_states.STATE else terms[number] if kind == LAW else leaves[number]


@lru_cache(maxsize=512)
def _law_of(key: Key, root: int, leaves: int, constants: int, *, scalar: bool) -> Law:
    """Return ``law(*leaves, state, *constants, time) -> (value, d/d state)``."""
    graph = Graph()
    for node in key:
        graph.add(*node)
    slope = derivative(graph, root, graph.add("control", STATE))
    first: int = STATE + 1
    arguments: list[tuple[str, Node]] = [(f"v{k}", ("control", first + k, ())) for k in range(leaves)]
    arguments += [("x", ("control", STATE, ())), *((f"c{k}", ("constant", k, ())) for k in range(constants))]
    return compiled(graph, [root, slope], [*arguments, ("time", ("time", None, ()))], scalar=scalar)
