"""Parameter expressions: ``{2*max(a, 1k)^2}``, compiled once and evaluated without recursion."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.operators import BINARY, FUNCTIONS, PRECEDENCE, apply_function, apply_operator
from xbarsim.netlist.values import match_operand

Code = list[tuple[str, float | str | int]]

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[a-z_@#$][\w.@#$]*")
_OPERATOR = re.compile(r"\*\*|\|\||&&|==|!=|<>|<=|>=|[-+*/^%\\<>!?:(),{}]")

_SIGN_AT_START = PRECEDENCE["*"]
_SIGN_IN_OPERAND = 99


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
    """

    text: str
    code: Code
    names: tuple[str, ...]

    def evaluate(self, lookup: Callable[[str], float]) -> float:
        """Return the value, with parameters from ``lookup``.

        Raises
        ------
        CardError
            An operation has no finite real result.
        """
        stack: list[float] = []
        at = 0
        while at < len(self.code):
            operation, operand = self.code[at]
            at += 1
            if operation == "number":
                stack.append(operand)  # type: ignore[arg-type]
            elif operation == "name":
                stack.append(lookup(str(operand)))
            elif operation == "sign":
                stack.append(-stack.pop())
            elif operation == "not":
                stack.append(float(stack.pop() == 0))
            elif operation == "jump":
                at = int(operand)
            elif operation == "jump if 0":
                at = int(operand) if stack.pop() == 0 else at
            elif operation == "call":
                name, count = str(operand), FUNCTIONS[str(operand)].arity
                stack[-count:] = [apply_function(name, stack[-count:], self.text)]
            else:
                right = stack.pop()
                stack[-1] = apply_operator(operation, stack[-1], right, self.text)
        return stack[0]


def compile_expression(text: str) -> Expression:
    """Compile a lower-case expression, given without its outer quotes or braces.

    Raises
    ------
    CardError
        It is no expression; the message quotes it and says where it goes wrong.
    """
    return _Compiler(text).run()


class _Compiler:
    """Dijkstra's shunting yard; every operand and operator costs one step."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.code: Code = []
        self.stack: list[tuple[str, int]] = []
        self.commas: list[int] = []
        self.names: dict[str, None] = {}

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
        return Expression(text, self.code, tuple(self.names))

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _error(self, why: str) -> CardError:
        return CardError(f"the expression '{self.text}' cannot be read: {why}")

    def _operand(self, at: int, fresh: bool) -> tuple[int, bool, bool]:
        """Read a number, a name, a sign or an opening parenthesis."""
        text = self.text
        number = match_operand(text, at)
        if number is not None:
            self.code.append(("number", number[0]))
            return number[1], False, False
        name = _NAME.match(text, at)
        if name is not None:
            after = self._skip(name.end())
            if after < len(text) and text[after] == "(":
                return self._call(name.group(), after + 1), True, True
            self.code.append(("name", name.group()))
            self.names[name.group()] = None
            return name.end(), False, False
        symbol = text[at]
        if symbol in "({":
            self.stack.append((symbol, 0))
            return at + 1, True, True
        if symbol == "-":
            self.stack.append(("sign", _SIGN_AT_START if fresh else _SIGN_IN_OPERAND))
            return at + 1, True, False
        if symbol == "+" and fresh:
            return at + 1, True, False
        if symbol == "!":
            self.stack.append(("not", _SIGN_IN_OPERAND))
            return at + 1, True, False
        word = re.compile(r"[\w.]+|.").match(text, at)
        raise self._error(f"'{word.group() if word else symbol}' stands where a number or name should")

    def _call(self, name: str, at: int) -> int:
        if name not in FUNCTIONS:
            close = get_close_matches(name, FUNCTIONS, 1)
            hint = f"; did you mean '{close[0]}'?" if close else f": use one of {', '.join(sorted(FUNCTIONS))}"
            raise CardError(f"the function '{name}' in '{self.text}' is unknown{hint}")
        self.stack.append((name, -1))
        self.commas.append(0)
        return at

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
            self.stack.append(("?", -len(self.code) - 2))
            self.code.append(("jump if 0", 0))
            return after, True, True
        if symbol == ":":
            self._unwind("")
            if not self.stack or self.stack[-1][0] != "?":
                raise self._error("a ':' has no '?'")
            jump = -self.stack.pop()[1] - 2
            self.stack.append((":", -len(self.code) - 2))
            self.code.append(("jump", 0))
            self.code[jump] = ("jump if 0", len(self.code))
            return after, True, True
        return self._close(symbol, after)

    def _close(self, symbol: str, after: int) -> tuple[int, bool, bool]:
        self._unwind("")
        if not self.stack:
            raise self._error(f"a '{symbol}' has no opening parenthesis")
        opened = self.stack[-1][0]
        if symbol == ",":
            if opened not in FUNCTIONS:
                raise self._error("a ',' stands outside a function's arguments")
            self.commas[-1] += 1
            return after, True, True
        if opened == "?" or (symbol == "}") != (opened == "{"):
            raise self._error(f"a '{symbol}' does not match")
        self.stack.pop()
        if opened in FUNCTIONS:
            given, wanted = self.commas.pop() + 1, FUNCTIONS[opened].arity
            if given != wanted:
                raise self._error(f"{opened}() takes {wanted} argument{'s' * (wanted > 1)}, not {given}")
            self.code.append(("call", opened))
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
