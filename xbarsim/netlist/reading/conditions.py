"""``.if``, ``.elseif``, ``.else`` and ``.endif``: which cards count.

A condition of parameters of the top level is decided while the text is read. One of parameters of a subcircuit holds
for some instances and not for others: its branches are bodies of their own, chosen when it is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xbarsim.netlist.language import Expression, names_of
from xbarsim.netlist.reading.body import Body, Branches, Parameter
from xbarsim.netlist.reading.expressions import compile_expression
from xbarsim.netlist.reading.scopes import Scope
from xbarsim.netlist.reading.source import SourceText
from xbarsim.netlist.reading.tokens import parse_parameter, sort_words, split_words, unquoted
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped

CARDS = (".if", ".elseif", ".else", ".endif")
_CARD = re.compile(r"\.(?:else)?if")
_SEARCHED = re.compile(r"^[ \t]*\.(?:param|subckt|macro|ends|eom)", re.MULTILINE)


@dataclass
class _Open:
    """An ``.if`` that is not closed yet.

    ``live`` says whether the cards of the present branch count, ``decided`` whether a branch was taken, ``outer``
    whether the cards around it count; ``branches`` is for those that are chosen later.
    """

    origin: int
    outer: bool
    live: bool
    decided: bool
    body: Body
    branches: Branches | None = None
    last: bool = False


class Conditions:
    """The open ``.if`` cards of a netlist.

    Parameters
    ----------
    presets : mapping of str to float
        Parameters that a variant sets, whatever their ``.param`` says.

    Attributes
    ----------
    decided : set of str
        The parameters of the top level that conditions were decided by.
    """

    def __init__(self, presets: Mapping[str, float]) -> None:
        self.presets = presets
        self.decided: set[str] = set()
        self._open: list[_Open] = []
        self._decisions: list[tuple[Expression, Body, bool, int]] = []

    @property
    def live(self) -> bool:
        """Whether the cards here count."""
        return not self._open or self._open[-1].live

    @property
    def unclosed(self) -> int | None:
        """Where an ``.if`` stands that has no ``.endif``."""
        return self._open[-1].origin if self._open else None

    def in_branch(self, body: Body) -> bool:
        """Whether a body is a branch that is chosen for each instance."""
        return any(
            block.branches is not None and body in (branch for _, branch in block.branches) for block in self._open
        )

    def card(self, word: str, text: str, origin: int, body: Body, files: list[SourceText]) -> Body:
        """Take in one of the cards, and return the body that what follows belongs to.

        Parameters
        ----------
        word : str
            The card's first, ``.if`` and the like.
        text : str
            All of it, in lower case.
        origin : int
            File and line.
        body : Body
            In which it stands.
        files : list of SourceText
            Those that are open, the innermost last.

        Raises
        ------
        CardError
            It has no ``.if``, or its condition cannot be decided.
        """
        if word == ".if":
            return self._if(text, origin, body, files)
        if not self._open:
            raise CardError(f"{word} has no .if: remove it or add the missing .if")
        block = self._open[-1]
        if block.branches is None and body is not block.body:
            raise CardError(f"{word} stands in another subcircuit than its .if: close both in turn")
        if word == ".endif":
            self._open.pop()
            return block.body if block.branches is not None else body
        if block.last:
            raise CardError(f"{word} follows an .else: put it before")
        block.last = word == ".else"
        if block.branches is not None:
            return self._branch(block, None if block.last else _condition(text))
        if block.decided or not block.outer:
            block.live = False
        else:
            block.live = block.decided = block.last or self._decide(_condition(text), body, files, origin)
        return body

    def _if(self, text: str, origin: int, body: Body, files: list[SourceText]) -> Body:
        if not self.live:
            self._open.append(_Open(origin, False, False, True, body))
            return body
        condition = _condition(text)
        if self._depends_on_instances(condition, body):
            block = _Open(origin, True, True, True, body, [])
            self._open.append(block)
            return self._branch(block, condition)
        holds = self._decide(condition, body, files, origin)
        self._open.append(_Open(origin, True, holds, holds, body))
        return body

    def _branch(self, block: _Open, condition: Expression | None) -> Body:
        assert block.branches is not None
        if not block.branches:
            block.body.conditionals.append(block.branches)
        branch = Body(block.body.name, block.origin, (), block.body)
        block.branches.append((condition, branch))
        return branch

    def _depends_on_instances(self, condition: Expression, body: Body) -> bool:
        names = set(names_of(condition, body.visible_functions()))
        around: Body | None = body
        while around is not None and around.parent is not None:
            if names.intersection(parameter.name for parameter in (*around.defaults, *around.parameters)):
                return True
            around = around.parent
        return False

    def _decide(self, condition: Expression, body: Body, files: list[SourceText], origin: int) -> bool:
        top = body
        while top.parent is not None:
            top = top.parent
        try:
            holds = self._holds(condition, body, top.parameters)
        except CardError:
            holds = self._holds(condition, body, [*_later_parameters(files), *top.parameters])
        self._decisions.append((condition, body, holds, origin))
        return holds

    def check(self, top: Body) -> int | None:
        """Return where a condition stands that the parameters set after it decide otherwise."""
        for condition, body, holds, origin in self._decisions:
            if self._holds(condition, body, top.parameters) != holds:
                return origin
        return None

    def _holds(self, condition: Expression, body: Body, parameters: Sequence[Parameter]) -> bool:
        scope = Scope(None, body.visible_functions())
        for parameter in parameters:
            scope.define(parameter.name, parameter.value)
        for name, number in self.presets.items():
            scope.define(name, number)
        self._note(condition, scope)
        return bool(scope.evaluate(condition))

    def _note(self, condition: Expression, scope: Scope) -> None:
        """Remember the parameters that a condition depends on."""
        waiting = list(names_of(condition, scope.functions))
        while waiting:
            name = waiting.pop()
            if name not in self.decided:
                self.decided.add(name)
                waiting += names_of(scope.pending[name], scope.functions) if name in scope.pending else ()


def _condition(text: str) -> Expression:
    law = _CARD.sub("", text, count=1).strip()
    inner = unquoted(law)
    if not (law if inner is None else inner).strip():
        word = text.split(None, 1)[0]
        raise CardError(f"{clipped(word)} has no condition: write '{word.split('(')[0]} (name == 1)'")
    return compile_expression(law if inner is None else inner)


def _later_parameters(files: Sequence[SourceText]) -> list[Parameter]:
    """Return what ``.param`` cards of the top level set further down in the open files."""
    parameters: list[Parameter] = []
    for file in files:
        depth = 0
        for line in file.lines_ahead(_SEARCHED):
            word = line.split(None, 1)[0]
            depth += (word in (".subckt", ".macro")) - (word in (".ends", ".eom"))
            if word.startswith(".param") and depth == 0:
                keys = sort_words(split_words(line)[1:]).keys
                parameters += [
                    Parameter(name, parse_parameter(value), 0) for name, value in keys.items() if "(" not in name
                ]
    return parameters
