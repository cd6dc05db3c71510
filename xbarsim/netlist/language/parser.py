"""Words as postfix steps: Dijkstra's shunting yard, one pass and no recursion."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from xbarsim.netlist.language.dialect import Dialect
from xbarsim.netlist.language.lexer import NO_NUMBER, NO_WORD, Control, Tokens, is_name, split
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

Step = tuple[str, Any]
"""An operation, and what belongs to it: a number, a name, where to jump to, or how many operands it takes."""

_OPENING = {")": "(", "}": "{"}
_SIGNS = ("-", "+", "!")


class Code(NamedTuple):
    """What all texts of one shape compute.

    Attributes
    ----------
    steps : list of Step
        Postfix, with jumps for ``?:``.
    names, calls : tuple of str
        The parameters and functions that it may ask for.
    doubtful : bool
        Whether ngspice reads it otherwise than it is written.
    """

    steps: list[Step]
    names: tuple[str, ...]
    calls: tuple[str, ...]
    doubtful: bool


@dataclass(frozen=True, eq=False)
class Expression:
    """A text that can be evaluated: what texts of its shape compute, and its own numbers and controls."""

    text: str
    dialect: Dialect
    code: Code
    literals: tuple[float, ...]
    controls: tuple[Control, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it may ask for."""
        return self.code.names

    @property
    def calls(self) -> tuple[str, ...]:
        """The functions that it may call."""
        return self.code.calls

    def unreadable(self, why: str) -> CardError:
        """Return the error of what is wrong in it."""
        return _unreadable(self.text, self.dialect, why)


def _unreadable(text: str, dialect: Dialect, why: str) -> CardError:
    return CardError(f"the {dialect.noun} '{clipped(text.strip())}' cannot be read: {why}")


def expression_of(text: str, dialect: Dialect, tokens: Tokens | None = None) -> Expression:
    """Return what a lower-case text computes, given without its outer quotes or braces.

    Raises
    ------
    CardError
        It is no expression; the message quotes it and says where it goes wrong.
    """
    tokens = split(text, dialect) if tokens is None else tokens
    try:
        code = _code(tokens.shape, dialect)
    except _MisreadError as error:
        reason, at = error.args
        word = "" if at is None else [match[0].strip() for match in dialect.word.finditer(text.rstrip())][at]
        raise _unreadable(text, dialect, reason.replace("@", clipped(word))) from None
    return Expression(text, dialect, code, tokens.literals, tokens.controls)


class _MisreadError(Exception):
    """What is wrong with a text, and at which word; an ``@`` stands for it."""


@lru_cache(maxsize=1024)
def _code(shape: tuple[str, ...], dialect: Dialect) -> Code:
    parser = _Parser(shape, dialect)
    parser.run()
    return Code(parser.steps, tuple(parser.names), tuple(parser.calls), dialect.misread(shape))


class _Parser:
    """Turns one shape into steps; ``pending`` has operators, their levels, and where a jump is or how many commas."""

    def __init__(self, shape: tuple[str, ...], dialect: Dialect) -> None:
        self.shape, self.levels, self.pluses = shape, dialect.levels, dialect.pluses
        self.steps: list[Step] = []
        self.pending: list[tuple[str, int, int]] = []
        self.names: dict[str, None] = {}
        self.calls: dict[str, None] = {}
        self.function = ""

    def run(self) -> None:
        """Read all words."""
        operand_next = True
        for at, word in enumerate(self.shape):
            operand_next = self._operand(word, at) if operand_next else self._operator(word, at)
        if operand_next:
            raise _MisreadError("it ends where a number or name should follow" if self.steps else "it is empty", None)
        self._unwind(1)
        if self.pending:
            symbol = self.pending[-1][0]
            if symbol == "?":
                raise _MisreadError("a '?' has no ':'", None)
            hint = ": write its ')', which LTspice adds at the end" if symbol[-1] == "(" else ""
            raise _MisreadError(f"a '{symbol[-1]}' is not closed{hint}", None)

    def _operand(self, word: str, at: int) -> bool:
        """Take in a number, a name, a sign or an opening parenthesis; return whether an operand is next."""
        before = self.shape[at - 1] if at else "("
        fresh = before in ("(", "{", ",")
        if word in ("(", "{"):
            self.pending.append((f"{self.function}{word}", -1, 0))
            self.function = ""
            return True
        if word in _SIGNS and (word != "+" or fresh or self.pluses):
            self.pending.append((f"{word}x", self.levels["-x" if fresh and word != "!" else "*-x"], 0))
            return True
        if word == ")" and before == "(" and self.pending and _is_call(self.pending[-1][0]):
            self.steps.append(("call", (self.pending.pop()[0][:-1], 0)))
        elif word[0].isdigit():
            self.steps.append(("number", int(word)))
        elif word == NO_NUMBER:
            raise _MisreadError("'@' is no number in an expression; write one like 1e3 or 2.5k", at)
        elif word[1:2] == " ":
            self.steps.append(("control", int(word[2:])))
        elif not is_name(word):
            raise _MisreadError("'@' stands where a number or name should", at)
        elif self.shape[at + 1 : at + 2] == ("(",):
            self.function = word
            self.calls[word] = None
            return True
        else:
            self.steps.append(("name", word))
            self.names[word] = None
        return False

    def _operator(self, word: str, at: int) -> bool:
        """Take in what follows an operand; return whether an operand is next."""
        level = self.levels.get(word, 1)
        if level > 1 or word in ("?", ":", ",", ")", "}"):
            self._unwind(2 if word == "?" else level)
        opened, _, count = self.pending[-1] if self.pending else ("", 0, 0)
        if level > 1:
            self.pending.append((word, level, 0))
        elif word == "?":
            self.pending.append(("?", 0, len(self.steps)))
            self.steps.append(("jump if 0", 0))
        elif word == ":":
            if opened != "?":
                raise _MisreadError("a ':' has no '?'", at)
            self.pending[-1] = ("?:", 1, len(self.steps))
            self.steps.append(("jump", 0))
            self.steps[count] = ("jump if 0", len(self.steps))
        elif word == ",":
            if not _is_call(opened):
                raise _MisreadError("a ',' stands outside a function's arguments", at)
            self.pending[-1] = (opened, -1, count + 1)
        elif word in _OPENING:
            if opened[-1:] != _OPENING[word]:
                raise _MisreadError(f"a '{word}' has no opening '{_OPENING[word]}'", at)
            self.pending.pop()
            if _is_call(opened):
                self.steps.append(("call", (opened[:-1], count + 1)))
            return False
        elif word == NO_WORD:
            raise _MisreadError("'@' is no operator: remove it", at)
        else:
            raise _MisreadError("an operator is missing before '@'", at)
        return True

    def _unwind(self, level: int) -> None:
        """Write down what binds as much as ``level`` or more."""
        while self.pending and self.pending[-1][1] >= level:
            symbol, _, jump = self.pending.pop()
            if symbol == "?:":
                self.steps[jump] = ("jump", len(self.steps) + 1)
                self.steps.append((symbol, 3))
            elif symbol != "+x":
                self.steps.append((symbol, 1 if symbol[1:] == "x" else 2))


def _is_call(symbol: str) -> bool:
    return len(symbol) > 1 and symbol[-1] == "("
