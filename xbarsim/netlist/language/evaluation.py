"""Runs an expression's steps over floats, columns or whatever an algebra computes with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from xbarsim.netlist.language.dialect import Dialect
from xbarsim.netlist.language.parser import Expression, expression_of
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, unknown_function

MOST_CALLS = 100_000

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class UserFunction:
    """What ``.func`` defines."""

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, eq=False)
class Sampler:
    """A function whose value may differ from call to call; its law takes the arguments and the text to quote."""

    law: Callable[[Sequence[Any], str], Any]


class Algebra(Protocol[T]):
    """What expressions are evaluated over."""

    @property
    def chooses(self) -> bool:
        """Whether ``?:`` goes one way; else both are evaluated, and it is an operator of three."""

    def leaves(self, expression: Expression, arguments: Mapping[str, T]) -> tuple[Sequence[T], Sequence[T]]:
        """Return what an expression's numbers and controls are; ``arguments`` are those of a function's body.

        Parameters
        ----------
        expression : Expression
            Whose numbers and controls are asked for.
        arguments : mapping of str to value
            Of a function's parameters, by name.
        """

    def name(self, name: str) -> T:
        """Return what a parameter is."""

    def apply(self, law: Callable[..., T], name: str, operands: Sequence[T], expression: Expression) -> T:
        """Return what an operator or function of the dialect is of its operands.

        Parameters
        ----------
        law : callable
            What the dialect computes by, over floats.
        name : str
            The operator's or the function's.
        operands : sequence of value
            What it acts on.
        expression : Expression
            For messages.
        """


def evaluate(expression: Expression, algebra: Algebra[T], functions: Mapping[str, UserFunction | Sampler]) -> T:
    """Return the value; calls are frames of a stack, not recursion.

    Parameters
    ----------
    expression : Expression
        What is evaluated.
    algebra : Algebra
        What it is evaluated over.
    functions : mapping of str to function
        Those that the netlist defines, or that draw.

    Raises
    ------
    CardError
        A function is unknown or takes another number of arguments, or the algebra has no value.
    """
    dialect, chooses, name_of, apply = expression.dialect, algebra.chooses, algebra.name, algebra.apply
    stack: list[T] = []
    frames: list[tuple[Expression, int, Mapping[str, T], Sequence[T], Sequence[T]]] = []
    arguments: Mapping[str, T] = {}
    body, at = expression, 0
    steps, (numbers, controls) = body.code.steps, algebra.leaves(body, arguments)
    calls = 0
    while True:
        if at == len(steps):
            if not frames:
                return stack[0]
            body, at, arguments, numbers, controls = frames.pop()
            steps = body.code.steps
            continue
        operation, operand = steps[at]
        at += 1
        if operation == "number":
            stack.append(numbers[operand])
        elif operation == "name":
            stack.append(arguments[operand] if operand in arguments else name_of(operand))
        elif operation == "control":
            stack.append(controls[operand])
        elif operation == "jump":
            at = operand if chooses else at
        elif operation == "jump if 0":
            at = operand if chooses and stack.pop() == 0 else at
        elif operation != "call":
            if operation != "?:" or not chooses:
                stack[-operand:] = [apply(dialect.operators[operation], operation, stack[-operand:], body)]
        else:
            name, count = operand
            operands = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            function = functions.get(name)
            if isinstance(function, UserFunction):
                _check_count(name, count, len(function.parameters), body)
                calls += 1
                if calls > MOST_CALLS:
                    raise expression.unreadable(f"it takes over {MOST_CALLS} function calls: simplify it")
                frames.append((body, at, arguments, numbers, controls))
                body, at, arguments = _body(function, dialect), 0, dict(zip(function.parameters, operands, strict=True))
                steps, (numbers, controls) = body.code.steps, algebra.leaves(body, arguments)
            elif function is not None:
                stack.append(function.law(operands, body.text))
            else:
                stack.append(apply(_law(name, count, body, functions), name, operands, body))


def _law(name: str, count: int, body: Expression, functions: Mapping[str, object]) -> Callable[..., T]:
    dialect = body.dialect
    if name in dialect.controls:
        raise body.unreadable(f"{name}() takes {dialect.controls[name]}, by name")
    if name not in dialect.functions:
        hint = unknown_function(name, [*dialect.functions, *dialect.random, *functions])
        raise body.unreadable(f"the function '{clipped(name)}' is unknown: {hint}")
    arity, law = dialect.functions[name]
    _check_count(name, count, count if arity is None else arity, body)
    return law


def _check_count(name: str, count: int, arity: int, body: Expression) -> None:
    if count != arity:
        raise body.unreadable(f"{name}() takes {arity} argument{'s' * (arity != 1)}, not {count}")


def _body(function: UserFunction, dialect: Dialect) -> Expression:
    return function.body if function.body.dialect is dialect else _read_again(function.body.text, dialect)


@lru_cache(maxsize=1024)
def _read_again(text: str, dialect: Dialect) -> Expression:
    return expression_of(text, dialect)


def names_of(expression: Expression, functions: Mapping[str, UserFunction]) -> tuple[str, ...]:
    """Return the parameters that an expression and the functions that it calls ask for.

    Parameters
    ----------
    expression : Expression
        What is looked at.
    functions : mapping of str to UserFunction
        Those that it may call.
    """
    return reach(expression, functions)[0]


def reach(expression: Expression, functions: Mapping[str, UserFunction]) -> tuple[tuple[str, ...], set[str]]:
    """Return the parameters that an expression and the functions that it calls ask for, and what else they call.

    Parameters
    ----------
    expression : Expression
        What is looked at.
    functions : mapping of str to UserFunction
        Those that it may call.
    """
    calls = {name for name in expression.calls if name not in functions}
    if len(calls) == len(expression.calls):
        return expression.names, calls
    names = dict.fromkeys(expression.names)
    finished: set[str] = set()
    path: list[tuple[str, Iterator[str]]] = [("", iter(expression.calls))]
    on_path = {""}
    while path:
        name = next(path[-1][1], None)
        if name is None:
            left = path.pop()[0]
            on_path.discard(left)
            finished.add(left)
        elif name in on_path:
            raise CardError(f"the function '{clipped(name)}' calls itself: break the loop")
        elif name not in functions:
            calls.add(name)
        elif name not in finished:
            function = functions[name]
            names.update(dict.fromkeys(n for n in function.body.names if n not in function.parameters))
            on_path.add(name)
            path.append((name, iter(function.body.calls)))
    return tuple(names), calls
