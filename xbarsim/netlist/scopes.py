"""Parameters by scope: what a name stands for, with forward references and without recursion."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.expressions import Expression

CONSTANTS = {"pi": 3.141592653589793}


class Scope:
    """The parameters of the top level or of one subcircuit instance.

    A name is looked up here and then in the scopes that this instance stands in, as ngspice does: a subcircuit
    sees the parameters of its caller.

    Parameters
    ----------
    parent : Scope, optional
        The caller's scope.
    """

    def __init__(self, parent: Scope | None = None) -> None:
        self.parent = parent
        self.values: dict[str, float] = {}
        self.pending: dict[str, Expression] = {}

    def define(self, name: str, value: float | Expression) -> None:
        """Set a parameter; an expression is evaluated when it is first asked for."""
        self.values.pop(name, None)
        self.pending.pop(name, None)
        if isinstance(value, Expression):
            self.pending[name] = value
        else:
            self.values[name] = value

    def evaluate(self, expression: Expression) -> float:
        """Return the value of an expression written in this scope.

        Raises
        ------
        CardError
            A parameter is undefined or defined through itself.
        """
        for name in expression.names:
            self.value(name)
        return expression.evaluate(self.value)

    def value(self, name: str) -> float:
        """Return a parameter's value, after those that it depends on."""
        owner = self._owner(name)
        if name in owner.values:
            return owner.values[name]
        stack = [(owner, name)]
        open_names = {(id(owner), name)}
        while stack:
            scope, current = stack[-1]
            expression = scope.pending.get(current)
            if expression is None:
                stack.pop()
                continue
            needed = next(scope._unknown(expression), None)
            if needed is None:
                scope.values[current] = expression.evaluate(scope.value)
                del scope.pending[current]
                open_names.discard((id(scope), current))
                stack.pop()
                continue
            key = (id(needed[0]), needed[1])
            if key in open_names:
                raise CardError(f"the parameter '{needed[1]}' is defined through itself: break the loop")
            open_names.add(key)
            stack.append(needed)
        return owner.values[name]

    def _unknown(self, expression: Expression) -> Iterator[tuple[Scope, str]]:
        for name in expression.names:
            owner = self._owner(name)
            if name not in owner.values:
                yield owner, name

    def _owner(self, name: str) -> Scope:
        """Return the innermost scope that defines a name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values or name in scope.pending:
                return scope
            scope = scope.parent
        if name in CONSTANTS:
            constants = Scope()
            constants.values.update(CONSTANTS)
            return constants
        close = get_close_matches(name, self._known(), 1)
        hint = f"did you mean '{close[0]}'?" if close else f"define it with .param {name}=..."
        raise CardError(f"the parameter '{name}' is undefined: {hint}")

    def _known(self) -> list[str]:
        names: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            names.update(scope.values, scope.pending)
            scope = scope.parent
        return sorted(names)
