"""What is constant in a law, folded into slots, and the slots' values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.behaviour.emit import compiled
from xbarsim.netlist.behaviour.graph import Graph, Node
from xbarsim.netlist.behaviour.law_graph import Parsed
from xbarsim.netlist.behaviour.template import Key, Template, template_of

Floats = NDArray[np.float64]
Amount = float | Floats

_VARYING = ("control", "time")


@dataclass(frozen=True, eq=False)
class FoldedLaw:
    """A text's template, which of the text's controls it has, and how its constants come about.

    Attributes
    ----------
    template : Template
        Its form.
    controls : tuple of int
        Numbers of the text's controls, in the template's order.
    parameters : tuple of str
        The parameters that its constants ask for.
    """

    template: Template
    controls: tuple[int, ...]
    parameters: tuple[str, ...]
    _constants: Callable[..., tuple[Amount, ...]]

    def constants(
        self, literals: Sequence[Amount], parameters: Callable[[str], Amount], celsius: float
    ) -> tuple[Amount, ...]:
        """Return the constants' values; arrays where parameters or literals are.

        Parameters
        ----------
        literals : sequence of float or array
            The text's numbers.
        parameters : callable
            What gives a parameter's value.
        celsius : float
            The temperature.
        """
        with np.errstate(all="ignore"):
            leaves = (np.asarray(value, dtype=np.float64) for value in (*literals, *map(parameters, self.parameters)))
            return self._constants(*leaves, np.float64(celsius))


def law_of(parsed: Parsed) -> FoldedLaw:
    """Return what a graph of a text computes, its largest constant parts as slots."""
    graph, root = parsed.graph, parsed.root
    order = graph.order(root)
    varying: set[int] = set()
    for at in order:
        if graph.nodes[at][0] in _VARYING or any(k in varying for k in graph.nodes[at][2]):
            varying.add(at)
    form = Graph()
    number: dict[int, int] = {}
    slots: list[int] = []
    controls: list[int] = []
    for at in order:
        operation, payload, operands = graph.nodes[at]
        if at not in varying:
            continue
        for k in operands:
            if k not in varying and k not in number:
                number[k] = _constant(graph.nodes[k], form, slots, k)
        if operation == "control":
            assert isinstance(payload, int)
            number[at] = form.add("control", len(controls))
            controls.append(payload)
        else:
            number[at] = form.add(operation, payload, [number[k] for k in operands])
    if root not in varying:
        slots = [root]
        form.add("constant", 0)
    # The value comes last.
    key: Key = tuple(form.nodes)
    names = sorted({str(graph.nodes[k][1]) for k in graph.order(*slots) if graph.nodes[k][0] == "parameter"})
    literals = [node for node in graph.nodes if node[0] == "literal"]
    leaves = sorted(literals, key=lambda node: int(str(node[1])))
    arguments: list[tuple[str, Node]] = [(f"l{k}", ("literal", k, ())) for k in range(len(leaves))]
    arguments += [(f"p{k}", ("parameter", name, ())) for k, name in enumerate(names)]
    arguments.append(("temper", ("temper", None, ())))
    return FoldedLaw(template_of(key), tuple(controls), tuple(names), compiled(graph, slots, arguments))


def _constant(node: Node, form: Graph, slots: list[int], at: int) -> int:
    """Return a slot for a constant; the numbers that functions like ``max`` and ``u`` bring along are none."""
    if node[0] == "number":
        return form.add(*node)
    slots.append(at)
    return form.add("constant", len(slots) - 1)
