"""Parameter expressions: ``{2*max(a, 1k)^2}``, compiled once and evaluated without recursion."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import cast

from xbarsim.netlist.reading.operators import BINARY, FUNCTIONS, PRECEDENCE, apply_function, apply_operator
from xbarsim.netlist.reading.signs import Signs
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, unknown_function
from xbarsim.netlist.values import match_operand

Code = list[tuple[str, float | str | int | tuple[str, int]]]

MOST_CALLS = 100_000
RANDOM = ("agauss", "gauss", "aunif", "unif", "limit", "mc", "flat", "sgauss", "sunif")
"""Functions that draw, where a netlist's random draws are at hand."""

_SPACE = re.compile(r"\s*")
_NUMBER_LIKE = re.compile(r"[0-9.]*[0-9][\w.]*(?:(?<=[ed])[+-]\w*)?")
_NAME = re.compile(r"[a-z_@#$][\w.@#$]*")
_OPERATOR = re.compile(r"\*\*|\|\||&&|==|!=|<>|<=|>=|[-+*/^%\\<>!?:(),{}&|]")

_SIGN_AT_START = PRECEDENCE["-"]
_SIGN_IN_OPERAND = 99


DOUBTS: ContextVar[list[str] | None] = ContextVar("DOUBTS", default=None)
"""Takes the expressions that ngspice reads otherwise than they are written, while a netlist is read."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A compiled expression.

    Attributes
    ----------
    text : str
        As it was written.
    code : list of (operation, operand)
        Postfix code with jumps for ``?:``.
    names : tuple of str
        The parameters that it may ask for.
    calls : tuple of str
        The functions that it may call.
    """

    text: str
    code: Code
    names: tuple[str, ...]
    calls: tuple[str, ...] = ()

    def evaluate(
        self, lookup: Callable[[str], float], functions: Mapping[str, UserFunction | Sampler] | None = None
    ) -> float:
        """Return the value, with parameters from ``lookup``; calls are frames of a stack, not recursion.

        Raises
        ------
        CardError
            An operation has no finite real result, or a function is unknown.
        """
        known = functions or {}
        stack: list[float] = []
        frames: list[tuple[Expression, int, dict[str, float]]] = []
        inner, at, local = self, 0, dict[str, float]()
        calls = 0
        while True:
            if at == len(inner.code):
                if not frames:
                    return stack[0]
                inner, at, local = frames.pop()
                continue
            operation, operand = inner.code[at]
            at += 1
            if operation == "number":
                stack.append(operand)  # type: ignore[arg-type]
            elif operation == "name":
                name = str(operand)
                stack.append(local[name] if name in local else lookup(name))
            elif operation == "sign":
                stack.append(-stack.pop())
            elif operation == "not":
                stack.append(float(stack.pop() == 0))
            elif operation == "jump":
                at = operand  # type: ignore[assignment]
            elif operation == "jump if 0":
                at = operand if stack.pop() == 0 else at  # type: ignore[assignment]
            elif operation == "call":
                name, count = cast(tuple[str, int], operand)
                arguments = stack[len(stack) - count :]
                del stack[len(stack) - count :]
                if name not in known:
                    _check_builtin(name, count, inner.text, known)
                    stack.append(apply_function(name, arguments, inner.text))
                    continue
                function = known[name]
                if isinstance(function, Sampler):
                    stack.append(function.law(arguments, inner.text))
                    continue
                _check_count(name, count, len(function.parameters), inner.text)
                calls += 1
                if calls > MOST_CALLS:
                    raise CardError(f"'{clipped(self.text)}' takes over {MOST_CALLS} function calls: simplify it")
                frames.append((inner, at, local))
                inner, at, local = function.body, 0, dict(zip(function.parameters, arguments, strict=True))
            else:
                right = stack.pop()
                stack[-1] = apply_operator(operation, stack[-1], right, inner.text)


@dataclass(frozen=True, eq=False)
class UserFunction:
    """What ``.func`` defines."""

    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, eq=False)
class Sampler:
    """A function whose value may differ from call to call; its law takes the arguments and the text to quote."""

    law: Callable[[Sequence[float], str], float]


def _check_builtin(name: str, count: int, text: str, known: Mapping[str, UserFunction | Sampler]) -> None:
    if name in FUNCTIONS:
        _check_count(name, count, FUNCTIONS[name].arity, text)
        return
    hint = unknown_function(name, [*FUNCTIONS, *RANDOM, *known])
    raise CardError(f"the function '{clipped(name)}' in '{clipped(text)}' is unknown: {hint}")


def _check_count(name: str, given: int, wanted: int, text: str) -> None:
    if given != wanted:
        arguments = f"{wanted} argument{'s' * (wanted != 1)}"
        raise CardError(f"the expression '{clipped(text)}' cannot be read: {name}() takes {arguments}, not {given}")


def compile_expression(text: str) -> Expression:
    """Compile a lower-case expression, given without its outer quotes or braces.

    Raises
    ------
    CardError
        It is no expression; the message quotes it and says where it goes wrong.
    """
    compiler = _Compiler(text)
    expression = compiler.run()
    doubts = DOUBTS.get()
    if compiler.signs.doubtful and doubts is not None:
        doubts.append(text)
    return expression


class _Compiler:
    """Dijkstra's shunting yard; every operand and operator costs one step."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.code: Code = []
        self.stack: list[tuple[str, int]] = []
        self.commas: list[int] = []
        self.names: dict[str, None] = {}
        self.calls: dict[str, None] = {}
        self.signs = Signs()

    def run(self) -> Expression:
        text, at, operand_next, fresh = self.text, 0, True, True
        while (at := self._skip(at)) < len(text):
            if operand_next:
                at, operand_next, fresh = self._operand(at, fresh)
            else:
                at, operand_next, fresh = self._operator(at)
        if operand_next:
            raise self._error("it ends where a number or name should follow" if self.code else "it is empty")
        self._unwind("")
        if self.stack:
            raise self._error("a '?' has no ':'" if self.stack[-1][0] == "?" else "a '(' is not closed")
        return Expression(text, self.code, tuple(self.names), tuple(self.calls))

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _error(self, why: str) -> CardError:
        return CardError(f"the expression '{clipped(self.text)}' cannot be read: {why}")

    def _operand(self, at: int, fresh: bool) -> tuple[int, bool, bool]:
        """Read a number, a name, a sign or an opening parenthesis."""
        text = self.text
        number = match_operand(text, at)
        if number is not None:
            self.signs.number()
            self.code.append(("number", number[0]))
            return number[1], False, False
        name = _NAME.match(text, at)
        if name is not None:
            after = self._skip(name.end())
            if after < len(text) and text[after] == "(":
                return self._call(name.group(), after + 1)
            self.signs.other()
            self.code.append(("name", name.group()))
            self.names[name.group()] = None
            return name.end(), False, False
        symbol = text[at]
        if symbol in "({":
            self.signs.open()
            self.stack.append((symbol, 0))
            return at + 1, True, True
        if symbol == "-":
            if not fresh:
                self.signs.sign()
            self.stack.append(("sign", _SIGN_AT_START if fresh else _SIGN_IN_OPERAND))
            return at + 1, True, False
        if symbol == "+" and fresh:
            return at + 1, True, False
        if symbol == "!":
            self.stack.append(("not", _SIGN_IN_OPERAND))
            return at + 1, True, False
        number_like = _NUMBER_LIKE.match(text, at)
        if number_like is not None:
            raise self._error(f"'{number_like.group()}' is no number in an expression; write one like 1e3 or 2.5k")
        word = re.compile(r"[\w.]+|.").match(text, at)
        raise self._error(f"'{word.group() if word else symbol}' stands where a number or name should")

    def _call(self, name: str, at: int) -> tuple[int, bool, bool]:
        self.calls[name] = None
        empty = self._skip(at)
        if empty < len(self.text) and self.text[empty] == ")":
            self.signs.other()
            self.code.append(("call", (name, 0)))
            return empty + 1, False, False
        self.signs.open()
        self.stack.append((f"{name}(", -1))
        self.commas.append(0)
        return at, True, True

    def _operator(self, at: int) -> tuple[int, bool, bool]:
        """Read what follows an operand: an operator, a comma or a closing parenthesis."""
        match = _OPERATOR.match(self.text, at)
        symbol = match.group() if match else ""
        if match is None or symbol in ("(", "{", "!"):
            word = re.compile(r"[\w.]+|.").match(self.text, at)
            raise self._error(f"an operator is missing before '{word.group() if word else symbol}'")
        after = match.end()
        if symbol in BINARY:
            level = PRECEDENCE[symbol]
            while self.stack and self.stack[-1][1] >= level:
                self._emit(*self.stack.pop())
            self.stack.append((symbol, level))
            return after, True, False
        if symbol == "?":
            self._unwind("?")
            self.signs.choice(inside=bool(self.stack) and self.stack[-1][0] == "?")
            self.stack.append(("?", -len(self.code) - 2))
            self.code.append(("jump if 0", 0))
            return after, True, False
        if symbol == ":":
            self._unwind("")
            if not self.stack or self.stack[-1][0] != "?":
                raise self._error("a ':' has no '?'")
            jump = -self.stack.pop()[1] - 2
            self.stack.append((":", -len(self.code) - 2))
            self.code.append(("jump", 0))
            self.code[jump] = ("jump if 0", len(self.code))
            return after, True, False
        return self._close(symbol, after)

    def _close(self, symbol: str, after: int) -> tuple[int, bool, bool]:
        self._unwind("")
        if not self.stack:
            raise self._error(f"a '{symbol}' has no opening parenthesis")
        opened = self.stack[-1][0]
        if symbol == ",":
            if not _is_call(opened):
                raise self._error("a ',' stands outside a function's arguments")
            self.commas[-1] += 1
            self.signs.argument()
            return after, True, True
        if opened == "?" or (symbol == "}") != (opened == "{"):
            raise self._error(f"a '{symbol}' does not match")
        self.stack.pop()
        self.signs.close()
        if _is_call(opened):
            self.code.append(("call", (opened[:-1], self.commas.pop() + 1)))
        return after, False, False

    def _unwind(self, keep: str) -> None:
        """Emit pending operators, down to a parenthesis or a '?' (or, for a new '?', to a ':')."""
        while self.stack:
            symbol, level = self.stack[-1]
            if level >= 0 and symbol not in ("(", "{"):
                self._emit(*self.stack.pop())
            elif symbol == ":" and keep != "?":
                self.code[-self.stack.pop()[1] - 2] = ("jump", len(self.code))
            else:
                return

    def _emit(self, symbol: str, _: int) -> None:
        self.code.append((symbol, 0))


def _is_call(symbol: str) -> bool:
    return len(symbol) > 1 and symbol.endswith("(")
