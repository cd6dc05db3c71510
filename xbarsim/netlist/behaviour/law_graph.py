"""A law's text as a graph: the steps of its expression, over nodes of the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xbarsim.netlist.behaviour.functions import LAWS, WITH_MEMORY
from xbarsim.netlist.behaviour.graph import Graph, Node, Term
from xbarsim.netlist.language import Control, Expression, UserFunction, evaluate, expression_of, names_of
from xbarsim.netlist.language.lexer import split
from xbarsim.netlist.refusals import CardError

_MOST_NODES = 200_000

Derived = Control | tuple[int, int]
"""A control by name, or the difference between two node voltages of the text by their numbers."""


@dataclass(frozen=True, eq=False)
class Parsed:
    """Words as a graph.

    Attributes
    ----------
    graph : Graph
        Its leaves: ``literal`` and ``control`` by number, ``parameter`` by name, ``time``, ``temper``.
    root : int
        The value.
    inner : tuple of float
        Numbers in functions, which follow those of the text.
    derived : tuple of Derived
        Controls that follow those of the text.
    memory : str
        The function in it that looks at other times than the present, if there is one.
    """

    graph: Graph
    root: int
    inner: tuple[float, ...]
    derived: tuple[Derived, ...]
    memory: str = ""

    def controls(self, first: tuple[Control, ...]) -> tuple[Control, ...]:
        """Return all controls, from those of a text."""
        more = (
            control if len(control) == 3 else ("v", first[control[0]][1], first[control[1]][1])
            for control in self.derived
        )
        return first + tuple(more)


def parse_law(
    text: str, functions: Mapping[str, UserFunction], graphs: dict[tuple[str, ...], Parsed]
) -> tuple[Parsed, tuple[float, ...], tuple[Control, ...]]:
    """Return a law's graph, its numbers and its controls.

    Parameters
    ----------
    text : str
        In lower case, without braces or quotes around it.
    functions : mapping
        What ``.func`` defines.
    graphs : dict
        Graphs of the shapes that were met with these functions; a new one is added.

    Raises
    ------
    CardError
        It is no law; the message quotes it.
    """
    tokens = split(text, LAWS)
    parsed = graphs.get(tokens.shape)
    if parsed is None:
        expression = expression_of(text, LAWS, tokens)
        for kind in ("v", "i"):
            if kind in functions and any(control[0] == kind for control in tokens.controls):
                raise CardError(f"'.func {kind}' hides {kind}(): rename it")
        names_of(expression, functions)  # a function that calls itself has none
        terms = _Terms(expression)
        root = evaluate(expression, terms, functions)
        parsed = Parsed(terms.graph, root.node, tuple(terms.inner), tuple(terms.derived), terms.memory)
        graphs[tokens.shape] = parsed
    return parsed, tokens.literals + parsed.inner, parsed.controls(tokens.controls)


class _Terms:
    """Terms of one law's graph."""

    chooses = False

    def __init__(self, law: Expression) -> None:
        self.graph = Graph()
        self.law = law
        self.inner: list[float] = []
        self.derived: list[Derived] = []
        self.memory = ""
        single = [k for k, (kind, _, minus) in enumerate(law.controls) if kind == "v" and minus == "0"]
        self.single: dict[Node, int] = {("control", k, ()): k for k in single}

    def leaves(self, expression: Expression, arguments: Mapping[str, Term]) -> tuple[list[Term], list[Term]]:
        """Return the terms of numbers and controls; those in a function are named by it, not by the law."""
        if expression is self.law:
            first, controls = 0, [self._leaf("control", k) for k in range(len(expression.controls))]
        else:
            if any(node in arguments for control in expression.controls for node in control[1:]):
                raise expression.unreadable(
                    "it asks for the voltage or current of an argument: give it the voltage itself"
                )
            first = len(self.law.literals) + len(self.inner)
            self.inner += expression.literals
            controls = [self._derived(control) for control in expression.controls]
        return [self._leaf("literal", first + k) for k in range(len(expression.literals))], controls

    def name(self, name: str) -> Term:
        """Return the term of a parameter, time, temperature or frequency."""
        if name in ("time", "temper"):
            return self._leaf(name)
        return self._leaf("number", 0.0) if name == "hertz" else self._leaf("parameter", name)

    def apply(self, law: Callable[..., Term], name: str, operands: Sequence[Term], expression: Expression) -> Term:
        """Return the term of an operation; v(a) - v(b) is v(a,b)."""
        if name == "-":
            plus, minus = (self.single.get(self.graph.nodes[x.node]) for x in operands)
            if plus is not None and minus is not None:
                return self._derived((plus, minus))
        self.memory = name if name in WITH_MEMORY else self.memory
        try:
            term = law(*operands)
        except CardError as error:
            raise expression.unreadable(str(error)) from None
        if len(self.graph.nodes) > _MOST_NODES:
            raise expression.unreadable(f"it has over {_MOST_NODES} operations: simplify it")
        return term

    def _derived(self, control: Derived) -> Term:
        if control not in self.derived:
            self.derived.append(control)
        return self._leaf("control", len(self.law.controls) + self.derived.index(control))

    def _leaf(self, kind: str, payload: str | float | None = None) -> Term:
        return Term(self.graph, self.graph.add(kind, payload))
