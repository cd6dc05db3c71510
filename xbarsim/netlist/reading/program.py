"""Runs a ``.control`` block: which analyses it asks for, in which variants of the circuit, and what it prints.

What needs results (``let r = v(a)/i(v1)``) is not known while a netlist is read: it is kept for what prints it, and
refused where an analysis depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from xbarsim.netlist.language import UserFunction, names_of
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.alterations import Alteration
from xbarsim.netlist.reading.cards import analysis_card, function_card
from xbarsim.netlist.reading.control import Line, assignment
from xbarsim.netlist.reading.draws import Draws
from xbarsim.netlist.reading.expressions import compile_expression, number_of
from xbarsim.netlist.reading.schedule import AnalysisCard
from xbarsim.netlist.reading.settings import OPTIONS
from xbarsim.netlist.reading.tolerances import TOLERANCES, method_number
from xbarsim.netlist.reading.wavecards import OTHER_NAMES, WAVES, WaveCard, check_count
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, closest
from xbarsim.netlist.values import parse_number

ANALYSES = ("op", "dc", "tran")
REQUESTS = ("print", "plot", "save", "wrdata", "write", "asciiplot", "iplot", "gnuplot", "hardcopy", "wrs2p")
OTHER_ANALYSES = ("ac", "noise", "tf", "pz", "sens", "disto", "sp", "pss")
HARMLESS = (
    "alias", "bug", "cd", "codemodel", "compose", "cross", "cutout", "deftype", "delete", "destroy",
    "devhelp", "diff", "display", "dump", "echo", "eprint", "fft", "four", "fourier", "help", "history",
    "inventory", "linearize", "listing", "load", "newhelp", "oldhelp", "osdi", "page", "pre_osdi",
    "psd", "remzerovec", "reshape", "resume", "rspice", "rusage", "setcs", "setplot", "setscale", "setseed",
    "settype", "shell", "shift", "show", "showmod", "spec", "state", "status", "step", "stop", "strcmp",
    "strslice", "sysinfo", "title", "trace", "transpose", "unalias", "undefine", "unlet", "unset", "version",
    "where",
)  # fmt: skip
COMMANDS = (
    *ANALYSES, "run", "alter", "altermod", "alterparam", "foreach", "repeat", "while", "dowhile", "if", "let", "set",
    "option", "reset", "define", "mc_source", "meas", "quit", *REQUESTS,
)  # fmt: skip
_SYNTAX = ("else", "end", "break", "continue", "exit", "bye", "measure", "optran")
_REFUSED = ("source", "circbyline", "remcirc", "setcirc", "snload", "edit", "goto", "label")
_MOST_LINES = 100_000
_DOLLAR = re.compile(r"(?P<open>\{)?\$(&?)([a-z_][\w.]*|&[a-z_][\w.]*)(?(open)\})")
_VECTOR = re.compile(r"[vi]\([^()]*\)|@[^\[\s]*\[[^\]]*\]|\b([a-z_]\w*)(?![\w.(])")
_LONGEST_LAW = 2000
_AT = re.compile(r"@\s*([^\[\s]+)\s*\[\s*([a-z_]\w*)\s*\]")
_WAVE = re.compile(r"@\s*([^\[\s]+)\s*\[\s*([a-z]+)\s*\]\s*=?\s*\[([^\[\]]*)\]\s*")
_WORDS = {"eq": "==", "ne": "!=", "gt": ">", "lt": "<", "ge": ">=", "le": "<=", "and": "&&", "or": "||", "not": "!"}
_WORD = re.compile(r"\b(?:eq|ne|gt|lt|ge|le|and|or|not)\b")
_LONE_EQUALS = re.compile(r"(?<![<>!=])=(?!=)")


def check_commands(lines: Iterable[Line], places: Places) -> None:
    """Refuse commands that are unknown or change what cannot be followed.

    Raises
    ------
    NetlistError
        The message names the first of them.
    """
    commands = {*COMMANDS, *HARMLESS, *OTHER_ANALYSES, *_SYNTAX}
    for line in lines:
        word = line.word
        if word not in commands:
            close = None if word in _REFUSED else closest(word, commands, 0.75)
            hint = f"did you mean '{close}'?" if close else f"use {', '.join(COMMANDS)}"
            raise places.error(f"the command '{clipped(word)}' in .control is not supported: {hint}", line.origin)


@dataclass
class Program:
    """What a block's lines ask for when they are run.

    Attributes
    ----------
    draws : Draws
        Where ``sgauss`` and its like take their values from.
    plays : list of (AnalysisCard or None, alterations)
        In order; None stands for the cards' analyses.
    requests : dict of str to origin
        What is printed or saved.
    measures : list of (text, origin)
        ``meas`` commands as cards.
    notes : dict of str to origin
        What a user should hear.
    other_analyses : list of (command, origin)
        Analyses that are not done.
    """

    places: Places
    draws: Draws
    functions: dict[str, UserFunction] = field(default_factory=dict)
    plays: list[tuple[AnalysisCard | None, tuple[Alteration, ...]]] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    measures: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    other_analyses: list[tuple[str, int]] = field(default_factory=list)
    altered: dict[tuple[str, str, str], Alteration] = field(default_factory=dict)
    waiting: dict[tuple[str, str, str], Alteration] = field(default_factory=dict)
    vectors: dict[str, float | None] = field(default_factory=dict)
    laws: dict[str, str] = field(default_factory=dict)
    variables: dict[str, list[str]] = field(default_factory=dict)
    over: int | None = None
    broken: str = ""
    count: int = 0
    resets: int = 0

    def run(self, lines: list[Line]) -> None:
        """Run lines one after the other.

        Raises
        ------
        NetlistError
            A command is unknown or depends on results.
        """
        for line in lines:
            if self.over is not None or self.broken:
                return
            self.count += 1
            if self.count > _MOST_LINES:
                raise self.places.error(f".control runs over {_MOST_LINES} commands: shorten its loops", line.origin)
            try:
                self._line(line)
            except CardError as error:
                raise self.places.error(str(error), line.origin) from None

    def ordered(self, cards: list[AnalysisCard]) -> list[tuple[AnalysisCard, tuple[Alteration, ...]]]:
        """Return the block's analyses, then those of the cards unless ``run`` stands among the first."""
        ordered: list[tuple[AnalysisCard, tuple[Alteration, ...]]] = []
        for card, alterations in self.plays:
            ordered += [(analysis, alterations) for analysis in (cards if card is None else [card])]
        if any(card is None for card, _ in self.plays):
            return ordered
        if self.over is not None and ordered:
            if cards:
                self.notes.setdefault("quit ends .control: the analysis cards are left out, as in ngspice", self.over)
            return ordered
        # What the block altered stays so for the cards, which ngspice runs after it.
        return ordered + [(card, tuple(self.altered.values())) for card in cards]

    def _line(self, line: Line) -> None:
        word, tail = line.word, self._filled(line.tail)
        if word in ANALYSES:
            self.plays.append((analysis_card(f"{word} {tail}", line.origin), tuple(self.altered.values())))
        elif word == "run":
            self.plays.append((None, tuple(self.altered.values())))
        elif word in REQUESTS:
            self._request(word, tail, line.origin)
        elif word in ("foreach", "repeat", "while", "dowhile"):
            self._loop(word, tail, line)
        elif word == "if":
            self.run(line.inside if self._holds(line.tail) else line.otherwise)
        elif word in ("break", "continue"):
            self.broken = word
        elif word in ("quit", "exit", "bye"):
            self.over = line.origin
        elif word in ("alter", "altermod", "alterparam"):
            self._alter(word, tail, line.origin)
        elif word in ("reset", "mc_source"):
            self._reset(line.origin)
        elif word in ("set", "option", "optran"):
            self._set(word, tail, line.origin)
        elif word == "let":
            self._let(tail, line.origin)
        elif word == "define":
            name, function = function_card(tail)
            self.functions[name] = function
        elif word in ("meas", "measure"):
            self.measures.setdefault(f".meas {tail}", line.origin)
        elif word in OTHER_ANALYSES:
            self.other_analyses.append((word, line.origin))

    def _reset(self, origin: int) -> None:
        """Load the circuit anew, as ngspice does: random parameters are drawn again, ``alterparam`` takes effect."""
        self.resets += 1
        self.altered = {
            key: alteration for key, alteration in self.altered.items() if alteration.kind == "parameter"
        } | self.waiting
        self.altered["run", "", ""] = Alteration("run", "", "", self.resets, origin)
        self.waiting = {}

    def _loop(self, word: str, tail: str, line: Line) -> None:
        if word == "foreach":
            name, *values = tail.replace("(", " ").replace(")", " ").split() or [""]
            if not values:
                raise CardError(f"'{clipped(line.text)}' has no values: write 'foreach name value value'")
            for value in values:
                self.variables[name] = [value]
                if not self._again(line):
                    return
            return
        if word == "repeat":
            times = self._number(tail) if tail else float("inf")
            if times is None or times < 0:
                raise CardError(f"'{clipped(line.text)}': write 'repeat 10'")
            turns = 0
            while turns < times and self._again(line):
                turns += 1
            return
        going = word == "dowhile" or self._holds(line.tail)
        while going and self._again(line):
            going = self._holds(line.tail)

    def _again(self, line: Line) -> bool:
        """Run a loop's lines once; whether it goes on."""
        self.count += 1
        if self.count > _MOST_LINES:
            raise CardError(f".control runs over {_MOST_LINES} commands: shorten its loops")
        self.run(line.inside)
        stopped, self.broken = self.broken == "break", ""
        return not stopped and self.over is None

    def _filled(self, text: str) -> str:
        """Put variables and vectors in the place of ``$x`` and ``$&x``, as far as they are known."""

        def value(match: re.Match[str]) -> str:
            vector, name = match.group(2) == "&", match.group(3)
            if not vector and name in self.variables:
                return " ".join(self.variables[name])
            number = self.vectors.get(name)
            return match.group() if number is None or not vector else repr(number)

        return _DOLLAR.sub(value, text)

    def _number(self, text: str) -> float | None:
        """Return what an expression of numbers and vectors is; None if it needs results."""
        number = parse_number(text)
        if number is not None:
            return number
        try:
            expression = compile_expression(text)
            values = {name: self.vectors.get(name) for name in names_of(expression, self.functions)}
            if any(value is None for value in values.values()):
                return None
            functions, _ = self.draws.with_samplers(expression, self.functions)
            return number_of(expression, lambda name: float(values[name] or 0.0), functions)
        except CardError:
            return None

    def _holds(self, text: str) -> bool:
        law = _LONE_EQUALS.sub("==", self._filled(text))
        law = _WORD.sub(lambda match: _WORDS[match.group()], law)
        number = self._number(law)
        if number is None:
            sides = re.split(r"==|!=", law)
            if len(sides) == 2 and "$" not in law and all(re.fullmatch(r"\s*[\w.]+\s*", side) for side in sides):
                equal = sides[0].strip() == sides[1].strip()
                return equal == ("==" in law)
            raise CardError(f"the condition '{clipped(text)}' depends on results: write its branches out")
        return number != 0

    def _value(self, text: str, purpose: str) -> float:
        number = self._number(text)
        if number is None:
            unknown = "" if "$" not in text else "; a variable in it is unknown"
            raise CardError(
                f"{purpose}: '{clipped(text)}' is no number that is known before results are{unknown}: write a number,"
                " or an expression of what 'let' and 'set' set to numbers"
            )
        return number

    def _alter(self, word: str, tail: str, origin: int) -> None:
        wave = _WAVE.fullmatch(tail)
        if word == "alter" and wave is not None:
            name, shape, inside = wave.groups()
            kind = OTHER_NAMES.get(shape, shape)
            if kind not in WAVES:
                raise CardError(f"alter sets '{clipped(shape)}', which is no waveform: use {', '.join(WAVES)}")
            numbers = tuple(self._value(item, f"alter {name}") for item in inside.replace(",", " ").split())
            check_count(WaveCard(kind, numbers))
            self.altered["wave", name, ""] = Alteration("wave", name, kind, 0.0, origin, numbers)
            return
        # Without a '=' the last word is the value.
        left, right = assignment(word, tail if "=" in tail else " = ".join(tail.rsplit(None, 1)))
        kind = {"alter": "element", "altermod": "model", "alterparam": "parameter"}[word]
        at = _AT.fullmatch(left)
        names = [at.group(1)] if at else left.split()
        key = at.group(2) if at else ""
        if not at and len(names) > 1:
            *names, key = names
        if (kind == "model" and not key) or (kind != "model" and len(names) > 1) or (kind == "parameter" and key):
            forms = {"element": "r1 = 2k", "model": "model vto = 0.5", "parameter": "name = 2"}
            raise CardError(f"'{word} {clipped(tail)}' is not understood: write '{word} {forms[kind]}'")
        if right[0] == "[":
            raise CardError(f"'{word} {clipped(tail)}' is not understood: write 'alter @v1[sin] = [ 0 1 1k ]'")
        value = self._value(right, f"{word} {left}")
        into = self.waiting if kind == "parameter" else self.altered
        for name in names:
            into[kind, name, key] = Alteration(kind, name, key, value, origin)

    def _set(self, word: str, tail: str, origin: int) -> None:
        """Keep a variable; some of them are options of the simulator."""
        for part in re.findall(r"[^\s=]+\s*=\s*\([^)]*\)|[^\s=]+\s*=\s*[^\s=]+|[^\s=]+", tail):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            self.variables[name] = value.strip("()").split() if equals else ["true"]
            if name in TOLERANCES and equals and word == "option":
                field = TOLERANCES[name]
                number = method_number(value) if name == "method" else self._value(value, f"{word} {name}")
                self.altered["setting", field, ""] = Alteration("setting", field, "", number, origin)
            elif name in OPTIONS and equals:
                number = self._value(value, f"{word} {name}")
                self.altered["setting", OPTIONS[name], ""] = Alteration("setting", OPTIONS[name], "", number, origin)

    def _let(self, tail: str, origin: int) -> None:
        name, law = assignment("let", tail)
        name = name.removeprefix("const.")
        number = self._number(law)
        if number is None:
            text = f"({self._expanded(law)})"
            if len(text) > _LONGEST_LAW:
                raise CardError(f"'let {clipped(tail)}' grows with each turn and needs results: write it out")
            self.laws[name] = text
        self.vectors[name] = number

    def _request(self, word: str, tail: str, origin: int) -> None:
        """Keep a line that prints, draws or saves, with what ``let`` set in the place of its names."""
        items = tail.split()
        files = items[:1] if word in ("write", "wrdata", "hardcopy") else []
        quantities = []
        for item in items[len(files) :]:
            number = self.vectors.get(item)
            if number is not None:
                self.notes.setdefault(f"'{word} {item}' is no result: 'let' set {item} to {number:g}", origin)
            elif item in self.vectors:
                quantities.append(f"{item}={self.laws[item]}")
            else:
                quantities.append(self._expanded(item))
        if quantities or len(items) == len(files):
            self.requests.setdefault(" ".join([word, *files, *quantities]), origin)

    def _expanded(self, text: str) -> str:
        """Put what ``let`` set in the place of its names, but not in what names nodes and elements."""

        def law(match: re.Match[str]) -> str:
            name = match.group(1)
            if name is None or name not in self.vectors:
                return match.group()
            number = self.vectors[name]
            return self.laws[name] if number is None else f"({number!r})"

        return _VECTOR.sub(law, text)
