"""From text to bodies: the dot cards, the files, and which subcircuit a line belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import IO

from xbarsim.netlist.measures import Measure
from xbarsim.netlist.origins import Places
from xbarsim.netlist.reading.alterations import Alteration
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.call_runs import read_instances
from xbarsim.netlist.reading.cards import analysis_card, check_options, initial_values
from xbarsim.netlist.reading.conditions import CARDS as CONDITIONS
from xbarsim.netlist.reading.conditions import Conditions
from xbarsim.netlist.reading.control import Line, tree_of
from xbarsim.netlist.reading.csparams import constants_of
from xbarsim.netlist.reading.definitions import define_function, define_model, define_parameters, inner_body, outer_body
from xbarsim.netlist.reading.draws import IN_CONTROL, Draws, may_draw
from xbarsim.netlist.reading.elements import read_element
from xbarsim.netlist.reading.expressions import DOUBTS
from xbarsim.netlist.reading.libraries import (
    check_loop,
    enter_section,
    library_and_section,
    open_file,
    skip_section,
    written_words,
)
from xbarsim.netlist.reading.measurecards import measure_card
from xbarsim.netlist.reading.othercards import ANALYSES, OUTPUT, UNSUPPORTED
from xbarsim.netlist.reading.plain import read_run
from xbarsim.netlist.reading.pointfiles import with_points
from xbarsim.netlist.reading.program import Program, check_commands
from xbarsim.netlist.reading.schedule import AnalysisCard, SweepStep
from xbarsim.netlist.reading.settings import (
    IDLE,
    OptionSetting,
    note_on_options,
    read_options,
    read_seed,
    read_temperature,
)
from xbarsim.netlist.reading.source import SourceText, read_source
from xbarsim.netlist.reading.sweepcards import read_step
from xbarsim.netlist.reading.title import note_on_title
from xbarsim.netlist.reading.tokens import check_names, split_words
from xbarsim.netlist.reading.tolerances import read_tolerances
from xbarsim.netlist.refusals import CardError, NetlistError
from xbarsim.netlist.suggest import clipped, closest

_REQUESTS = (".print", ".plot", ".save", ".probe")
_READ = (
    ".control", ".csparam", ".dc", ".else", ".elseif", ".end", ".endc", ".endif", ".ends", ".func", ".global", ".ic",
    ".if", ".include", ".lib", ".measure", ".model", ".nodeset", ".op", ".options", ".param", ".plot", ".print",
    ".save", ".step", ".subckt", ".temp", ".title", ".tran",
)  # fmt: skip


def _unsupported(word: str) -> str:
    """Say what a card is and what to do."""
    if word in UNSUPPORTED:
        kind, way = UNSUPPORTED[word]
        return f"'{word}' ({kind}) is not supported: {way}"
    close = closest(word, (*_READ, *OUTPUT, *ANALYSES, *UNSUPPORTED), 0.75)
    hint = f"did you mean {close}?" if close else "remove it; operating points, .dc and .tran are solved"
    return f"'{clipped(word)}' is not supported: {hint}"


class NetlistReader:
    """Reads one netlist and what it includes.

    Parameters
    ----------
    source : path or text stream
        The netlist.
    presets : mapping, optional
        Parameters of the top level that a caller or a variant sets, for the conditions that they decide.
    seed : int, optional
        What random draws start from.
    charges : bool
        Whether what holds charge or flux is laid out without a ``.tran`` too.

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
    analyses, measures : list
        The cards that ask for something.
    requests : dict of str to origin
        The cards that ask for output.
    plays : list of (AnalysisCard, alterations)
        All analyses, those of ``.control`` blocks with what these altered.
    steps : list of SweepStep
        LTspice's ``.step`` cards.
    random : bool
        Whether random functions may be called.
    seed : int or None
        What random draws start from: the one that is asked for, else ``.options seed=``, else 0.
    settings : list of OptionSetting
        Temperatures, and what ``.options`` says of devices and of integration in time.
    option_cards : list of (text, origin, whether nothing in it acts on operating points)
        The ``.options`` cards.
    guessed : int, optional
        Where the first ``.nodeset`` stands.
    """

    def __init__(
        self,
        source: str | Path | IO[str],
        presets: Mapping[str, float] | None = None,
        *,
        seed: int | None = None,
        charges: bool = False,
    ) -> None:
        self.conditions = Conditions(presets or {})
        self.places = Places()
        self.top = Body()
        self.body = self.top
        self.globals: set[str] = set()
        self.notes: dict[str, int] = {}
        self.analyses: list[AnalysisCard] = []
        self.requests: dict[str, int] = {}
        self.measures: list[Measure] = []
        self.settings: list[OptionSetting] = []
        self.plays: list[tuple[AnalysisCard, tuple[Alteration, ...]]] = []
        self.steps: list[SweepStep] = []
        self.random = False
        self.seed: int | None = None
        self.chosen_seed = seed
        self.charges = charges
        self.commands: list[Line] = []
        self.constants: dict[str, int] = {}
        self.other_analyses: list[tuple[str, int]] = []
        self.option_cards: list[tuple[str, int, bool]] = []
        self.guessed: int | None = None
        self.in_control: int | None = None
        self.ended: int | None = None
        first = read_source(source, self.places)
        if not first.text.strip():
            raise NetlistError("it is empty: the first line is the title, elements follow", first.file)
        self.files: list[SourceText] = []
        self._enter(first)
        self._again = source if isinstance(source, (str, Path)) else (first.file, first.original)
        self._note_letters(first)
        self.title = first.original[: first.original.index("\n")].strip()
        first.skip(first.original.index("\n") + 1, 1)
        note = note_on_title(self.title)
        if note is not None:
            self.notes[note] = first.place(1)

    def again(self) -> str | Path | IO[str]:
        """Return what was read, to be read once more."""
        if not isinstance(self._again, tuple):
            return self._again
        stream = StringIO(self._again[1])
        stream.name = self._again[0]
        return stream

    def _enter(self, file: SourceText) -> None:
        self.files.append(file)
        self.random = self.random or may_draw(file.text)

    def run(self) -> None:
        """Read everything; a stack of files takes the place of recursion."""
        doubts: list[str] = []
        token = DOUBTS.set(doubts)
        try:
            self._read(doubts)
        finally:
            DOUBTS.reset(token)
        self._finish()

    def _read(self, doubts: list[str]) -> None:
        while self.files:
            source = self.files[-1]
            if doubts:
                text = f"ngspice reads '{clipped(doubts[0])}' otherwise: put signs and inner ?: in parentheses"
                self.notes.setdefault(text, source.place(max(source.line - 1, 1)))
                doubts.clear()
            if source.finished:
                self.files.pop()
                continue
            try:
                if self._plain and self._run(source):
                    continue
            except CardError as error:
                raise self.places.error(str(error), source.place(source.line)) from None
            text, line, position = source.next_line(self.in_control is not None)
            try:
                if text:
                    self._card(text, source, line, position)
            except CardError as error:
                raise self.places.error(str(error), source.place(line)) from None

    @property
    def _plain(self) -> bool:
        """Whether elements may stand here."""
        return self.ended is None and self.in_control is None and self.conditions.live

    def _finish(self) -> None:
        if self.conditions.unclosed is not None:
            raise self.places.error(".if has no .endif: close it", self.conditions.unclosed)
        later = self.conditions.check(self.top)
        if later is not None:
            raise self.places.error("a .param further down decides this condition otherwise: move it up", later)
        if self.in_control is not None:
            raise self.places.error(".control has no .endc: close it", self.in_control)
        check_commands(self.commands, self.places)
        self.seed = self.chosen_seed if self.chosen_seed is not None else self.seed or 0
        program = Program(self.places, Draws(self.seed, IN_CONTROL), vectors=self._constants())
        program.run(tree_of(self.commands, self.places))
        self.plays = program.ordered(self.analyses)
        self.other_analyses += program.other_analyses
        for word, origin in self.other_analyses:
            kind = ANALYSES["." + word.removeprefix(".")]
            if not (self.plays or self.steps):
                solved = "operating points, .dc and .tran are solved: write .op for the operating point alone"
                raise self.places.error(f"'{word}' is not supported ({kind}); {solved}", origin)
            self.notes.setdefault(f"{word} ({kind}) is left out: operating points, .dc and .tran are solved", origin)
        for text, origin in program.requests.items():
            self.requests.setdefault(text, origin)
        for text, origin in program.measures.items():
            self.measures.append(measure_card(text, origin))
        if program.draws.count:
            self.notes.setdefault(f"random values in .control are drawn with seed {self.seed}", self.commands[0].origin)
        for note, origin in program.notes.items():
            self.notes.setdefault(note, origin)
        if self.body is not self.top:
            raise self.places.error(
                f".subckt {self.body.name} has no .ends: close it with '.ends {self.body.name}'", self.body.origin
            )

    def _constants(self) -> dict[str, float | None]:
        """Return what ``.csparam`` sets; nothing where it would change with ``alterparam``."""
        values: dict[str, float | None] = {}
        if any(line.word == "alterparam" for line in self.commands):
            return values
        for card, origin in self.constants.items():
            try:
                values |= constants_of(card, self.top, self.conditions.presets)
            except CardError as error:
                self.notes.setdefault(f".csparam is left out: {error}", origin)
        return values

    def _card(self, text: str, source: SourceText, line: int, position: int) -> None:
        origin = source.place(line)
        if self.ended is not None:
            raise CardError("this line stands after .end: move it up or remove it")
        if text[0] == "+":
            raise CardError("a continuation line stands where there is nothing to continue")
        word = text.split(None, 1)[0].split("(", 1)[0]
        if word in CONDITIONS and self.in_control is None:
            self.body = self.conditions.card(word, text, origin, self.body, self.files)
        elif not self.conditions.live:
            pass
        elif self.in_control is not None:
            if word == ".endc":
                self.in_control = None
            else:
                self.commands.append(Line(text, origin))
        elif text[0] != ".":
            if "file" in text:
                text = with_points(text, source, position, self.places)
            read_element(text, self.body, origin, self.notes)
        elif word in (".include", ".inc", ".incl", ".lib", ".endl"):
            self._files(word, source, origin, position)
        elif word in (".param", ".params", ".parameters"):
            define_parameters(text, origin, self.body, self.conditions, self.notes)
        elif word in (".func", ".function"):
            define_function("".join(text.split(None, 1)[1:]), origin, self.body, self.notes)
        elif word in (".subckt", ".macro"):
            self.body = inner_body(text, origin, self.body, self.conditions, self.places)
        elif word in (".ends", ".eom"):
            self.body = outer_body(text, self.body)
        elif word == ".global":
            nodes = split_words(text)[1:]
            check_names(nodes)
            self.globals.update(nodes)
        elif word == ".model":
            define_model(text, origin, self.body, self.places, self.notes)
        elif word == ".end":
            self.ended = origin
        else:
            self._request(word, text, origin)

    def _request(self, word: str, text: str, origin: int) -> None:
        """Take in the cards that ask for something or change nothing."""
        if word in (".op", ".dc", ".tran"):
            self.analyses.append(analysis_card(text, origin))
        elif word == ".control":
            self.in_control = origin
        elif word in (".option", ".options", ".opt"):
            check_options(text)
            settings, seed, tolerances = read_options(text, origin), read_seed(text), read_tolerances(text, origin)
            self.seed = self.seed if seed is None else seed
            self.settings += settings + tolerances
            note = note_on_options(text, taken_in=bool(settings) or seed is not None)
            self.option_cards.append((text, origin, note == IDLE))
            if note is not None and note != IDLE:
                self.notes.setdefault(note, origin)
        elif word == ".temp":
            self.settings.append(read_temperature(text, origin))
        elif word in _REQUESTS:
            self.requests.setdefault(text, origin)
        elif word == ".ic":
            self.body.initial += initial_values(text, origin)
        elif word in (".measure", ".meas"):
            self.measures.append(measure_card(text, origin))
        elif word == ".step":
            self.steps.append(SweepStep(read_step(split_words(text)[1:]), origin))
        elif word == ".nodeset":
            self.body.guesses += initial_values(text, origin)
            self.guessed = origin if self.guessed is None else self.guessed
        elif word == ".csparam":
            self.constants[text] = origin
        elif word in OUTPUT:
            self.notes.setdefault(f"{word} changes no operating point: ignored", origin)
        elif word in ANALYSES:
            self.other_analyses.append((word, origin))
        elif word != ".title":
            raise CardError(_unsupported(word))

    def _run(self, source: SourceText) -> bool:
        return read_run(source, self.body) or read_instances(source, self.body)

    def _files(self, card: str, source: SourceText, origin: int, position: int) -> None:
        words = written_words(source, position)
        if card == ".endl":
            if source.section is None:
                raise CardError(".endl has no .lib: remove it")
            self.files.pop()
            return
        if not words:
            raise CardError(f'{card} names no file: write {card} "file"')
        if card == ".lib" and len(words) == 1 and skip_section(source):
            return
        name, section = library_and_section(words, source) if card == ".lib" else (" ".join(words), None)
        file = open_file(card, name, source, self.files, self.places, origin)
        self._note_letters(file)
        check_loop(file, section, self.files, name)
        if section is not None:
            enter_section(file, section, name)
        self._enter(file)

    def _note_letters(self, file: SourceText) -> None:
        if file.foreign:
            self.notes.setdefault("this file is not UTF-8 text: it is read as Windows-1252", file.place(1))
        line = file.greek_micro()
        if line:
            text = "the Greek letter mu (U+03BC) is read as micro; ngspice knows the micro sign (U+00B5) and u alone"
            self.notes.setdefault(text, file.place(line))
