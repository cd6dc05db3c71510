"""Parameters by scope: what a name stands for, with forward references and without recursion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from xbarsim.netlist.language import Expression, Sampler, UserFunction, names_of
from xbarsim.netlist.reading.columns import evaluate_columns
from xbarsim.netlist.reading.draws import Draws
from xbarsim.netlist.reading.expressions import number_of
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, closest

CONSTANTS = {"pi": 3.141592653589793}

Amount = float | NDArray[np.float64]
"""A parameter's value; a column where a scope stands for many instances, one entry for each."""


class Scope:
    """The parameters of the top level or of a batch of instances of one subcircuit.

    A name is looked up here and then in the scopes that this batch stands in, as ngspice does: a subcircuit
    sees the parameters of its caller.

    Parameters
    ----------
    parent : Scope, optional
        The caller's scope.
    functions : mapping, optional
        The functions that can be called here.
    count : int
        How many instances it stands for.
    draws : Draws, optional
        Where random functions take their values from; the parent's.
    """

    def __init__(
        self,
        parent: Scope | None = None,
        functions: Mapping[str, UserFunction] | None = None,
        count: int = 1,
        draws: Draws | None = None,
    ) -> None:
        self.parent = parent
        self.count = count
        self.draws: Draws | None = draws if draws is not None or parent is None else parent.draws
        self.functions = functions if functions is not None else {}
        self.values: dict[str, Amount] = {}
        self.pending: dict[str, Expression] = {}

    def define(self, name: str, value: Amount | Expression) -> None:
        """Set a parameter; an expression is evaluated when it is first asked for."""
        self.values.pop(name, None)
        self.pending.pop(name, None)
        if isinstance(value, Expression):
            self.pending[name] = value
        else:
            self.values[name] = value

    def amount(self, value: Amount | Expression) -> Amount:
        """Return a value as it is, or an expression's."""
        return self.evaluate(value) if isinstance(value, Expression) else value

    def evaluate(self, expression: Expression, functions: Mapping[str, UserFunction] | None = None) -> Amount:
        """Return the value of an expression with the parameters of this scope.

        Parameters
        ----------
        expression : Expression
            What to evaluate.
        functions : mapping, optional
            The functions that it can call, if it was written elsewhere; those of this scope.

        Raises
        ------
        CardError
            A parameter or function is undefined or defined through itself.
        """
        values, callables, drawn = self._needs(expression, self.functions if functions is None else functions)
        if drawn and self.count > 1:
            return np.array([number_of(expression, _lookup(values, row), callables) for row in range(self.count)])
        if any(isinstance(value, np.ndarray) for value in values.values()):
            return evaluate_columns(expression, values, callables)
        return number_of(expression, _lookup(values, 0), callables)

    def evaluate_row(
        self, expression: Expression, functions: Mapping[str, UserFunction], row: int
    ) -> tuple[float, bool]:
        """Return an expression's value for one row of the columns, and whether all rows have it."""
        values, callables, drawn = self._needs(expression, functions)
        alike = not drawn and not any(isinstance(value, np.ndarray) for value in values.values())
        return number_of(expression, _lookup(values, row), callables), alike

    def _needs(
        self, expression: Expression, functions: Mapping[str, UserFunction]
    ) -> tuple[dict[str, Amount], Mapping[str, UserFunction | Sampler], bool]:
        """Return the parameters and functions that an expression asks for, and whether its value is drawn."""
        values = {name: self.value(name) for name in names_of(expression, functions)}
        if self.draws is None or not expression.calls:
            return values, functions, False
        return values, *self.draws.with_samplers(expression, functions)

    def value(self, name: str) -> Amount:
        """Return a parameter's value, after those that it depends on."""
        owner = self._owner(name)
        if name in owner.values:
            return owner.values[name]
        stack = [(owner, name, iter(owner._unknown(owner.pending[name])))]
        open_names = {(id(owner), name)}
        while stack:
            scope, current, unknown = stack[-1]
            prior = next(unknown, None)
            if prior is None:
                expression = scope.pending[current]
                try:
                    scope.values[current] = scope.evaluate(expression)
                except CardError as error:
                    raise CardError(f"{error}, which is the parameter {clipped(current)}") from None
                del scope.pending[current]
                open_names.discard((id(scope), current))
                stack.pop()
                continue
            key = (id(prior[0]), prior[1])
            if key in open_names:
                raise CardError(f"the parameter '{clipped(prior[1])}' is defined through itself: break the loop")
            open_names.add(key)
            stack.append((*prior, prior[0]._unknown(prior[0].pending[prior[1]])))
        return owner.values[name]

    def draw_all(self) -> None:
        """Evaluate what can be: a random parameter has one value, whoever asks for it."""
        for name in list(self.pending):
            with suppress(CardError):  # told where the value is asked for
                if self.draws is not None and self.draws.with_samplers(self.pending[name], self.functions)[1]:
                    self.value(name)

    def single(self, index: int) -> Scope:
        """Return the scope of one instance of the batch."""
        chain: list[Scope] = [self]
        while chain[-1].parent is not None:
            chain.append(chain[-1].parent)
        single: Scope | None = None
        for scope in reversed(chain):
            single = Scope(single, scope.functions, draws=scope.draws)
            single.pending = dict(scope.pending)
            single.values = {k: float(v[index]) if isinstance(v, np.ndarray) else v for k, v in scope.values.items()}
        assert single is not None
        return single

    def _unknown(self, expression: Expression) -> Iterator[tuple[Scope, str]]:
        for name in names_of(expression, self.functions):
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
        close = closest(name, self._visible())
        hint = f"did you mean '{close}'?" if close else f"define it with .param {clipped(name)}=..."
        raise CardError(f"the parameter '{clipped(name)}' is undefined: {hint}")

    def _visible(self) -> list[str]:
        names: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            names.update(scope.values, scope.pending)
            scope = scope.parent
        return sorted(names)


def _lookup(values: Mapping[str, Amount], row: int) -> Callable[[str], float]:
    """Return what parameters are for one instance of a batch."""
    return {name: float(v[row]) if isinstance(v, np.ndarray) else v for name, v in values.items()}.__getitem__
