"""A law's words as a graph; equal words once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from xbarsim.netlist.behaviour.functions import BINARY, FUNCTIONS, WITH_MEMORY, call
from xbarsim.netlist.behaviour.graph import Graph, Node
from xbarsim.netlist.behaviour.lexer import Control, Words, split_body, split_law
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, unknown_function

_LEVELS = {
    ",": 0, "?": 1, ":": 1, "||": 2, "|": 2, "&&": 3, "&": 3, "==": 4, "!=": 4, "<>": 4, "<": 5, "<=": 5, ">": 5,
    ">=": 5, "+": 6, "-": 6, "*": 7, "/": 7, "^": 9, "**": 9,
}  # fmt: skip
_SIGN = 8
"""A sign binds more than products and less than powers, both of which go from left to right, as in ngspice."""

_DEEPEST = 50
_MOST_NODES = 200_000
_BUILT_IN = (*FUNCTIONS, "pwl", "table", "idt")


class Text(Protocol):
    """What was written."""

    @property
    def text(self) -> str:
        """In lower case, without braces or quotes around it."""


class Function(Protocol):
    """What ``.func`` defines."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arguments' names."""

    @property
    def body(self) -> Text:
        """The value."""


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

    def controls(self, own: tuple[Control, ...]) -> tuple[Control, ...]:
        """Return all controls, from those of a text."""
        more = (one if len(one) == 3 else ("v", own[one[0]][1], own[one[1]][1]) for one in self.derived)
        return own + tuple(more)


def parse_law(
    text: str, functions: Mapping[str, Function], known: dict[tuple[str, ...], Parsed]
) -> tuple[Parsed, tuple[float, ...], tuple[Control, ...]]:
    """Return a law's graph, its numbers and its controls.

    Parameters
    ----------
    text : str
        In lower case, without braces or quotes around it.
    functions : mapping
        What ``.func`` defines.
    known : dict
        Graphs of the shapes that were met with these functions; a new one is added.

    Raises
    ------
    CardError
        It is no law; the message quotes it.
    """
    words = split_law(text, frozenset(functions))
    found = known.get(words.shape)
    if found is None:
        try:
            found = known[words.shape] = _Parser(words, functions).run()
        except CardError as error:
            raise CardError(f"the law '{clipped(text.strip())}' cannot be read: {error}") from None
    return found, words.literals + found.inner, found.controls(words.controls)


Pending = tuple[str, int, int]
"""An operator, its level, and how many operands were there before it."""


class _Parser:
    """Dijkstra's shunting yard: one pass, no recursion but for functions within functions."""

    def __init__(self, words: Words, functions: Mapping[str, Function]) -> None:
        self.graph = Graph()
        self.functions = functions
        self.words = words
        self.count = len(words.literals)
        self.inner: list[float] = []
        self.derived: list[Derived] = []
        self.path: list[str] = []
        self.memory = ""
        single = [int(word[2:]) for word in words.shape if word[:2] == "@v"]
        self.single: dict[Node, int] = {("control", k, ()): k for k in single}

    def run(self) -> Parsed:
        """Return the graph of all words."""
        literals = [self.graph.add("literal", k) for k in range(self.count)]
        root = self._value(self.words.shape, literals, {})
        return Parsed(self.graph, root, tuple(self.inner), tuple(self.derived), self.memory)

    def _value(self, shape: tuple[str, ...], literals: list[int], local: dict[str, int]) -> int:
        operands: list[int] = []
        operators: list[Pending] = []
        at, operand_next = 0, True
        while at < len(shape):
            word = shape[at]
            at += 1
            if not operand_next:
                operand_next = self._operator(word, operands, operators)
            elif word in "({":
                operators.append((word, -1, len(operands)))
            elif word in ("-", "+", "!"):
                operators.append((f"sign {word}", _SIGN, len(operands)))
            elif word in _LEVELS or word in ")}":
                raise CardError(f"'{word}' stands where a number or name should")
            elif word[0] not in "#@" and shape[at : at + 1] == ("(",):
                operators.append((f"{word}(", -1, len(operands)))
                at += 1
            else:
                operands.append(self._leaf(word, literals, local))
                operand_next = False
        if operand_next:
            raise CardError("it ends where a number or name should follow" if shape else "it is empty")
        self._reduce(operands, operators, 1)
        if operators:
            raise CardError("a '(' is not closed" if operators[-1][0] != "?" else "a '?' has no ':'")
        return operands[0]

    def _operator(self, word: str, operands: list[int], operators: list[Pending]) -> bool:
        """Take in what follows an operand; return whether an operand is next."""
        if word in ")}":
            self._reduce(operands, operators, 1)
            if not operators or operators[-1][0] == "?" or (operators[-1][0] == "{") != (word == "}"):
                raise CardError(f"a '{word}' has no opening one")
            self._close(operands, operators)
            return False
        if word not in _LEVELS:
            raise CardError(f"an operator is missing before '{self._written(word)}'")
        level = _LEVELS[word]
        if word == "?":
            self._reduce(operands, operators, 2)
            operators.append(("?", 0, len(operands)))
        elif word == ":":
            self._reduce(operands, operators, 1)
            if not operators or operators[-1][0] != "?":
                raise CardError("a ':' has no '?'")
            operators[-1] = ("?:", 1, operators[-1][2])
        elif word == ",":
            self._reduce(operands, operators, 1)
            if not operators or not _is_call(operators[-1][0]):
                raise CardError("a ',' stands outside a function's arguments")
        else:
            self._reduce(operands, operators, level)
            operators.append((word, level, len(operands)))
        return True

    def _written(self, word: str) -> str:
        if word[0] == "@":
            kind, one, other = self.words.controls[int(word[2:])]
            return f"{kind}({one}{',' + other if other not in ('', '0') else ''})"
        return f"{self.words.literals[int(word[1:])]:g}" if word[0] == "#" else word

    def _leaf(self, word: str, literals: list[int], local: dict[str, int]) -> int:
        if word[0] == "#":
            return literals[int(word[1:])]
        if word[0] == "@":
            return self.graph.add("control", int(word[2:]))
        if word in local:
            return local[word]
        if word in ("time", "temper"):
            return self.graph.add(word)
        if word == "hertz":
            return self.graph.number(0)
        return self.graph.add("parameter", word)

    def _reduce(self, operands: list[int], operators: list[Pending], level: int) -> None:
        """Apply what binds as much as ``level`` or more."""
        while operators and operators[-1][1] >= level:
            symbol = operators.pop()[0]
            if symbol == "?:":
                other, one, condition = operands.pop(), operands.pop(), operands.pop()
                operands.append(self.graph.call("where", condition, one, other))
            elif symbol == "sign -":
                operands.append(self.graph.call("neg", operands.pop()))
            elif symbol == "sign !":
                operands.append(self.graph.call("==", operands.pop(), self.graph.number(0)))
            elif symbol != "sign +":
                right, left = operands.pop(), operands.pop()
                operands.append(self._binary(symbol, left, right))
            if len(self.graph.nodes) > _MOST_NODES:
                raise CardError(f"it has over {_MOST_NODES} operations: simplify it")

    def _binary(self, symbol: str, left: int, right: int) -> int:
        """Return an operation; v(a) - v(b) is v(a,b)."""
        a, b = (self.graph.nodes[k] for k in (left, right))
        if symbol == "-" and a in self.single and b in self.single:
            return self._derived((self.single[a], self.single[b]))
        return BINARY[symbol](self.graph, left, right)

    def _derived(self, control: Derived) -> int:
        if control not in self.derived:
            self.derived.append(control)
        return self.graph.add("control", len(self.words.controls) + self.derived.index(control))

    def _close(self, operands: list[int], operators: list[Pending]) -> None:
        symbol, _, below = operators.pop()
        if _is_call(symbol):
            arguments = operands[below:]
            del operands[below:]
            operands.append(self._call(symbol[:-1], arguments))

    def _call(self, name: str, arguments: list[int]) -> int:
        if name not in self.functions:
            if name in ("v", "i"):
                raise CardError(f"{name}() takes {'one node or two' if name == 'v' else 'one element'}, by name")
            if name not in _BUILT_IN:
                hint = unknown_function(name, [*_BUILT_IN, *self.functions])
                raise CardError(f"the function '{clipped(name)}' is unknown: {hint}")
            self.memory = name if name in WITH_MEMORY else self.memory
            return call(self.graph, name, arguments)
        function = self.functions[name]
        if len(arguments) != len(function.parameters):
            raise CardError(f"{name}() takes {len(function.parameters)} arguments, not {len(arguments)}")
        if name in self.path or len(self.path) > _DEEPEST:
            raise CardError(f"the function '{clipped(name)}' calls itself: break the loop")
        words = split_body(function.body.text)
        if any(node in function.parameters for control in words.controls for node in control[1:]):
            raise CardError(f"{name}() asks for the voltage or current of an argument: give it the voltage itself")
        start = self.count + len(self.inner)
        self.inner += words.literals
        local = dict(zip(function.parameters, arguments, strict=True))
        # Controls in a function are named by it, not by the text: leaves of their own.
        names = {f"@{word[1:]}": self._derived(words.controls[int(word[2:])]) for word in words.shape if word[0] == "@"}
        shape = tuple(f"${word}" if word[0] == "@" else word for word in words.shape)
        local |= {f"${word}": node for word, node in names.items()}
        literals = [self.graph.add("literal", start + k) for k in range(len(words.literals))]
        self.path.append(name)
        value = self._value(shape, literals, local)
        self.path.pop()
        return value


def _is_call(symbol: str) -> bool:
    return len(symbol) > 1 and symbol[-1] == "("
