"""Expressions as graphs: each operation once, its operands before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Payload = str | int | float | None
Node = tuple[str, Payload, tuple[int, ...]]
"""An operation, what belongs to it, and the numbers of its operands.

Leaves are ``number``, ``literal``, ``parameter``, ``constant``, ``control``, ``time`` and ``temper``; of the operations
``power`` is |x|^y, ``pwr`` has the sign of x, ``<`` gives 0 or 1, and ``rise`` is y - x, and NaN unless x < y.
"""


class Graph:
    """Operations in order, each of them once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[Node, int] = {}

    def add(self, operation: str, payload: Payload = None, operands: Iterable[int] = ()) -> int:
        """Return the number of an operation, which is added if it is new.

        Parameters
        ----------
        operation : str
            Its name.
        payload : float or str, optional
            Of a leaf, its number or its name.
        operands : iterable of int
            Operations that it acts on.
        """
        node = (operation, payload, tuple(operands))
        number = self._numbers.get(node)
        if number is None:
            number = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return number

    def number(self, value: float) -> int:
        """Return a fixed number."""
        return self.add("number", float(value))

    def call(self, operation: str, *operands: int) -> int:
        """Return an operation, without what 0 and 1 make idle."""
        zero, unit = (self._is(value, operands) for value in (0.0, 1.0))
        if operation == "+" and True in zero:
            return operands[1] if zero[0] else operands[0]
        if operation == "-" and zero[1]:
            return operands[0]
        if operation == "-" and zero[0]:
            return self.call("neg", operands[1])
        if operation in "*/" and zero[0]:
            return operands[0]
        if operation == "*" and zero[1]:
            return operands[1]
        if operation in "*/" and unit[1]:
            return operands[0]
        if operation == "*" and unit[0]:
            return operands[1]
        if operation == "neg" and zero[0]:
            return operands[0]
        if operation == "where" and operands[1] == operands[2]:
            return operands[1]
        return self.add(operation, None, operands)

    def _is(self, value: float, operands: tuple[int, ...]) -> list[bool]:
        return [self.nodes[k][:2] == ("number", value) for k in operands]

    def order(self, *roots: int) -> list[int]:
        """Return what roots need, operands first, in an order that depends on the expressions alone."""
        visited: set[int] = set()
        ordered: list[int] = []
        for root in roots:
            stack = [(root, False)]
            while stack:
                at, complete = stack.pop()
                if complete:
                    ordered.append(at)
                elif at not in visited:
                    visited.add(at)
                    stack.append((at, True))
                    stack += [(k, False) for k in reversed(self.nodes[at][2]) if k not in visited]
        return ordered


def _operator(operation: str) -> tuple[Callable[[Term, Term | float], Term], Callable[[Term, Term | float], Term]]:
    """Return what Python calls for an operation on a term, and for one with a term on its right."""
    return (
        lambda x, y: _call(x.graph, operation, x, y),
        lambda y, x: _call(y.graph, operation, x, y),
    )


def _call(graph: Graph, operation: str, *operands: Term | float) -> Term:
    nodes = (x.node if isinstance(x, Term) else graph.number(x) for x in operands)
    return Term(graph, graph.call(operation, *nodes))


class Term:
    """A node of a graph, as a number that Python's operators apply to."""

    __slots__ = ("graph", "node")

    def __init__(self, graph: Graph, node: int) -> None:
        self.graph, self.node = graph, node

    def call(self, operation: str, *operands: Term | float) -> Term:
        """Return an operation on this term and further ones."""
        return _call(self.graph, operation, self, *operands)

    def number(self, value: float) -> Term:
        """Return a fixed number in the same graph."""
        return Term(self.graph, self.graph.number(value))

    def is_number(self, value: float) -> bool:
        """Whether it is a fixed number."""
        return self.graph.nodes[self.node][:2] == ("number", value)

    def __neg__(self) -> Term:
        return self.call("neg")

    __add__, __radd__ = _operator("+")
    __sub__, __rsub__ = _operator("-")
    __mul__, __rmul__ = _operator("*")
    __truediv__, __rtruediv__ = _operator("/")
    __lt__, __gt__ = _operator("<")
    __le__, __ge__ = _operator("<=")


def where(condition: Term, first: Term | float, second: Term | float) -> Term:
    """Return the first where a condition is not 0, else the second."""
    return condition.call("where", first, second)


def equal(a: Term, b: Term | float) -> Term:
    """Return 1 where both are the same, else 0."""
    return a.call("==", b)
