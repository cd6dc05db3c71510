"""Expressions as graphs: each operation once, its operands before it."""

from __future__ import annotations

from collections.abc import Iterable

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
        """Return the number of an operation, which is added if it is new."""
        node = (operation, payload, tuple(operands))
        found = self._numbers.get(node)
        if found is None:
            found = self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return found

    def number(self, value: float) -> int:
        """Return a fixed number."""
        return self.add("number", float(value))

    def call(self, operation: str, *operands: int) -> int:
        """Return an operation, without what 0 and 1 make idle."""
        zero, one = (self._is(value, operands) for value in (0.0, 1.0))
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
        if operation in "*/" and one[1]:
            return operands[0]
        if operation == "*" and one[0]:
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
        seen: set[int] = set()
        ordered: list[int] = []
        for root in roots:
            stack = [(root, False)]
            while stack:
                at, done = stack.pop()
                if done:
                    ordered.append(at)
                elif at not in seen:
                    seen.add(at)
                    stack.append((at, True))
                    stack += [(k, False) for k in reversed(self.nodes[at][2]) if k not in seen]
        return ordered
