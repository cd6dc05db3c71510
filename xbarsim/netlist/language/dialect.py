"""What one dialect of the language of expressions has: operators, functions and numbers, as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

_CONTROL = r"(?P<control>(?:(?P<volts>v)|i)\s*\(\s*(?P<plus>[^(),\s]+)\s*(?(volts)(?:,\s*(?P<minus>[^(),\s]+)\s*)?)\))|"


class Function(NamedTuple):
    """A function: how many arguments it takes, None where it counts them itself, and what it is."""

    arity: int | None
    law: Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Dialect:
    """A dialect's tables.

    Attributes
    ----------
    noun : str
        What a text in it is called.
    levels : dict of str to int
        How strongly its operators bind; ``-x`` stands for a sign at the start, ``*-x`` for one after an operator.
    operators : dict of str to callable
        What its operators are; ``-x``, ``!x`` and ``?:`` are among them.
    functions : dict of str to Function
        What can be called in it, beside what a netlist defines.
    number, name : str
        Patterns of its numbers and names.
    value : callable
        What makes a float of a number, or None where it is none after all.
    pluses : bool
        Whether a plus may follow an operator.
    controls : dict of str to str
        What ``v()`` and ``i()`` take, where they are quantities.
    random : tuple of str
        Functions that are there where random draws are.
    misread : callable
        Whether ngspice reads words of this shape otherwise than they are written.
    """

    noun: str
    levels: Mapping[str, int]
    operators: Mapping[str, Callable[..., Any]]
    functions: Mapping[str, Function]
    number: str
    name: str
    value: Callable[[str], float | None]
    pluses: bool = False
    controls: Mapping[str, str] = field(default_factory=dict)
    random: tuple[str, ...] = ()
    misread: Callable[[tuple[str, ...]], bool] = lambda shape: False

    @cached_property
    def word(self) -> re.Pattern[str]:
        """The pattern of a word and the blanks before it."""
        symbols = sorted({*self.levels, *"!?:(),{}"} - {"-x", "*-x"}, key=len, reverse=True)
        control = _CONTROL if self.controls else ""
        return re.compile(
            rf"\s*(?:{control}(?P<number>{self.number})|(?P<name>{self.name})"
            rf"|(?P<operator>{'|'.join(map(re.escape, symbols))})"
            r"|(?P<no_number>[0-9.]*[0-9][\w.]*(?:(?<=[ed])[+-]\w*)?)|(?P<other>[\w.]+|\S))"
        )


def levels(*groups: str) -> dict[str, int]:
    """Return how strongly operators bind, from groups of them, the loosest first; ``?:`` is looser still."""
    return {symbol: level for level, group in enumerate(groups, 2) for symbol in group.split()}
