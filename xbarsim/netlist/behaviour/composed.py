"""Laws put into each other: what a cell's current and its state's motion are, by its voltage and its state alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.behaviour.derivative import derivative
from xbarsim.netlist.behaviour.emit import compiled
from xbarsim.netlist.behaviour.graph import Graph, Node, Term
from xbarsim.netlist.behaviour.template import Key, Template

Floats = NDArray[np.float64]

VOLTS, STATE = 0, 1
"""The controls of a composed law."""

_BENT = ("where", "abs", "floor", "ceil", "rint", "<", "<=", "==")
"""Operations with a corner or a jump; that of ``power`` is where exponents are small."""


class Composition:
    """A graph that templates are put into, with constants of many cells.

    Attributes
    ----------
    graph : Graph
        Leaves are the controls ``VOLTS`` and ``STATE``, other controls from 2 on, and constants.
    constants : list of (n,)
        Each constant's value in each cell.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.constants: list[Floats] = []
        self._controls = 2
        self._slots: dict[bytes, int] = {}

    @property
    def volts(self) -> Term:
        """The cell's voltage."""
        return Term(self.graph, self.graph.add("control", VOLTS))

    @property
    def state(self) -> Term:
        """The cell's state."""
        return Term(self.graph, self.graph.add("control", STATE))

    def unknown(self) -> Term:
        """Return another control, which no law may be left with."""
        self._controls += 1
        return Term(self.graph, self.graph.add("control", self._controls - 1))

    def number(self, value: float) -> Term:
        """Return a fixed number."""
        return Term(self.graph, self.graph.number(value))

    def constant(self, values: Floats) -> Term:
        """Return a constant that each cell has its own value of; 1 in all of them is the number."""
        if (values == 1.0).all():
            return self.number(1.0)
        slot = self._slots.setdefault(values.tobytes(), len(self.constants))
        if slot == len(self.constants):
            self.constants.append(values)
        return Term(self.graph, self.graph.add("constant", slot))

    def embed(self, template: Template, controls: Sequence[Term], constants: Floats) -> Term:
        """Return a template's value.

        Parameters
        ----------
        template : Template
            The law.
        controls : sequence of Term
            What its controls are.
        constants : (constants, n)
            The template's constants in each cell.
        """
        slots = [self.constant(column) for column in constants]
        number: list[int] = []
        for operation, payload, operands in template.key:
            if operation == "control":
                number.append(controls[int(str(payload))].node)
            elif operation == "constant":
                number.append(slots[int(str(payload))].node)
            elif operands:
                number.append(self._call(operation, payload, [number[k] for k in operands]))
            else:
                number.append(self.graph.add(operation, payload))
        return Term(self.graph, number[-1])

    def _call(self, operation: str, payload: Any, operands: list[int]) -> int:
        if payload is None and (len(operands) == 2 or operation in ("neg", "where")):
            return self.graph.call(operation, *operands)
        return self.graph.add(operation, payload, operands)

    def needs(self, term: Term, leaf: Term) -> bool:
        """Whether a leaf is among what a term depends on."""
        return leaf.node in self.graph.order(term.node)

    def linear_in(self, term: Term, leaf: Term) -> Term | None:
        """Return the factor h of a term that is ``h leaf``, h free of the leaf; None if it is no such product."""
        slope = Term(self.graph, derivative(self.graph, term.node, leaf.node))
        if self.needs(slope, leaf) or not self.put(term, leaf, self.number(0.0)).is_number(0.0):
            return None
        return slope

    def put(self, term: Term, leaf: Term, value: Term) -> Term:
        """Return a term with a value in the place of one of its leaves."""
        number: dict[int, int] = {leaf.node: value.node}
        for at in self.graph.order(term.node):
            operation, payload, operands = self.graph.nodes[at]
            if at not in number:
                inner = [number[k] for k in operands]
                number[at] = self._call(operation, payload, inner) if operands else at
        return Term(self.graph, number[term.node])

    def bends(self, term: Term) -> bool:
        """Whether a term has corners or jumps anywhere."""
        return any(self.graph.nodes[at][0] in _BENT for at in self.graph.order(term.node))

    def law(self, term: Term) -> Callable[..., Any]:
        """Return ``law(v, x, *constants) -> (value, d/dv, d/dx)`` of floats; it takes all ``constants``.

        One function for all laws of the same form. numba can compile it.
        """
        return _law_of(*self.form(term), len(self.constants))

    def form(self, term: Term) -> tuple[Key, int]:
        """Return what a term needs and no more, in an order that its form alone decides, and its number there."""
        graph, number = Graph(), dict[int, int]()
        for at in self.graph.order(term.node):
            operation, payload, operands = self.graph.nodes[at]
            number[at] = graph.add(operation, payload, [number[k] for k in operands])
        return tuple(graph.nodes), number[term.node]


@lru_cache(maxsize=256)
def _law_of(key: Key, root: int, constants: int) -> Callable[..., Any]:
    graph = Graph()
    for node in key:
        graph.add(*node)
    leaves = [graph.add("control", k) for k in (VOLTS, STATE)]
    slopes = [derivative(graph, root, leaf) for leaf in leaves]
    arguments: list[tuple[str, Node]] = [("v", ("control", VOLTS, ())), ("x", ("control", STATE, ()))]
    arguments += [(f"c{k}", ("constant", k, ())) for k in range(constants)]
    return compiled(graph, [root, *slopes], arguments, scalar=True)
