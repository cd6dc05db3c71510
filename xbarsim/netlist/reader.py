"""From text to bodies: the dot cards, the files, and which subcircuit a line belongs to."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import IO

from xbarsim.netlist.body import Body
from xbarsim.netlist.elements import read_element
from xbarsim.netlist.errors import CardError, NetlistError
from xbarsim.netlist.expressions import Expression
from xbarsim.netlist.plain import read_run
from xbarsim.netlist.source import Places, SourceText, read_source
from xbarsim.netlist.tokens import parse_value, sort_words, split_words

_OUTPUT_ONLY = (".print", ".save", ".plot", ".probe", ".width", ".temp", ".nodeset", ".backanno")
_READ = (".end", ".ends", ".global", ".include", ".op", ".options", ".param", ".subckt", ".title")


class Reader:
    """Reads one netlist and what it includes.

    Attributes
    ----------
    top : Body
        The top level.
    title : str
        The first line.
    globals : set of str
        The ``.global`` nodes.
    notes : dict of str to origin
        What the user should hear, and where it was first met.
    """

    def __init__(self, source: str | Path | IO[str]) -> None:
        self.places = Places()
        self.top = Body()
        self.body = self.top
        self.globals: set[str] = set()
        self.notes: dict[str, int] = {}
        self.ended: int | None = None
        first = read_source(source, self.places)
        if not first.text.strip():
            raise NetlistError("it is empty: the first line is the title, elements follow", first.file)
        self.files = [first]
        self.title = first.original[: first.original.index("\n")].strip()
        first.skip(first.original.index("\n") + 1, 1)

    def run(self) -> None:
        """Read everything; a stack of files takes the place of recursion."""
        while self.files:
            source = self.files[-1]
            if source.finished:
                self.files.pop()
                continue
            try:
                if self.ended is None and read_run(source, self.body):
                    continue
            except CardError as error:
                raise self.places.error(str(error), source.place(source.line)) from None
            text, line, position = source.next_line()
            try:
                if text:
                    self._card(text, source, line, position)
            except CardError as error:
                raise self.places.error(str(error), source.place(line)) from None
        if self.body is not self.top:
            raise self.places.error(
                f".subckt {self.body.name} has no .ends: close it with '.ends {self.body.name}'", self.body.origin
            )

    def _card(self, text: str, source: SourceText, line: int, position: int) -> None:
        origin = source.place(line)
        if self.ended is not None:
            raise CardError("this line stands after .end: move it up or remove it")
        if text[0] == "+":
            raise CardError("a continuation line stands where there is nothing to continue")
        if text[0] != ".":
            read_element(text, self.body, origin, self.notes)
            return
        word = text.split(None, 1)[0]
        if word in (".include", ".inc"):
            self._include(source, origin, position)
        elif word in (".param", ".params", ".parameters"):
            self._parameters(text, origin)
        elif word == ".subckt":
            self._open(text, origin)
        elif word in (".ends", ".eom"):
            self._close(text)
        elif word == ".global":
            self.globals.update(split_words(text)[1:])
        elif word == ".end":
            self.ended = origin
        elif word in (".option", ".options", ".opt"):
            self._options(text, origin)
        elif word in _OUTPUT_ONLY:
            self.notes.setdefault(f"{word} changes no operating point: ignored", origin)
        elif word not in (".op", ".title"):
            close = get_close_matches(word, _READ, 1, 0.75)
            hint = f"did you mean {close[0]}?" if close else "remove it; the operating point (.op) is what is solved"
            raise CardError(f"'{word}' is not supported: {hint}")

    def _include(self, source: SourceText, origin: int, position: int) -> None:
        line = source.original[position : source.original.index("\n", position)].strip()
        name = line.split(None, 1)[1].strip() if " " in line or "\t" in line else ""
        if name[:1] in ("'", '"') and name[:1] and name.find(name[0], 1) > 0:
            name = name[1 : name.index(name[0], 1)]
        else:
            name = name.split(";")[0].split(" $")[0].strip()
        if not name:
            raise CardError('.include names no file: write .include "file"')
        folder = source.path.parent if source.path is not None else Path()
        path = folder / Path(name).expanduser()
        around = [file.path.resolve() for file in self.files if file.path is not None]
        if path.resolve() in around:
            raise CardError(f".include {name} includes itself: break the loop")
        self.files.append(read_source(path, self.places, origin))

    def _parameters(self, text: str, origin: int) -> None:
        words = sort_words(split_words(text)[1:])
        if words.plain or not words.keys:
            extra = f"'{words.plain[0]}' belongs to no assignment" if words.plain else "it assigns nothing"
            raise CardError(f".param: {extra}; write '.param name=value', an expression with blanks in braces")
        known = {name for name, _ in self.body.parameters}
        for name, word in words.keys.items():
            if "(" in name:
                raise CardError(f".param defines the function {name}: write its expression out")
            if name in known:
                self.notes.setdefault(f"the parameter '{name}' is set again: the last value counts", origin)
            self.body.parameters.append((name, parse_value(word, bare=True)))

    def _open(self, text: str, origin: int) -> None:
        words = sort_words([w for w in split_words(text)[1:] if w not in ("(", ")", "params:")])
        if not words.plain:
            raise CardError(".subckt has no name: write '.subckt name ports'")
        name, *ports = words.plain
        for port in ports:
            if ports.count(port) > 1:
                raise CardError(f".subckt {name} has the port '{port}' twice: rename one")
        if name in self.body.subcircuits:
            before = self.places.where(self.body.subcircuits[name].origin)
            raise CardError(f".subckt {name} is defined twice, first at {before}: rename or remove one")
        defaults: list[tuple[str, float | Expression]] = [
            (key, parse_value(word, bare=True)) for key, word in words.keys.items()
        ]
        body = Body(name, origin, tuple(ports), self.body, defaults)
        self.body.subcircuits[name] = body
        self.body = body

    def _close(self, text: str) -> None:
        if self.body.parent is None:
            raise CardError(".ends has no .subckt: remove it or add the missing .subckt")
        named = text.split()[1:2]
        if named and named[0] != self.body.name:
            raise CardError(f".ends {named[0]} closes .subckt {self.body.name}: make the names agree")
        self.body = self.body.parent

    def _options(self, text: str, origin: int) -> None:
        for word in split_words(text)[1:]:
            if word in ("rshunt", "rseries"):
                raise CardError(f".options {word} adds elements to the circuit: remove it")
        self.notes.setdefault(".options changes no linear operating point: ignored", origin)
