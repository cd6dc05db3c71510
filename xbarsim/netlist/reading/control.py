"""``.control`` blocks: the plain commands that ask for analyses and output."""

from __future__ import annotations

from dataclasses import dataclass, field

from xbarsim.netlist.errors import CardError
from xbarsim.netlist.reading.cards import analysis_card
from xbarsim.netlist.reading.schedule import AnalysisCard
from xbarsim.netlist.suggest import clipped

_ANALYSES = ("op", "dc", "tran")
_REQUESTS = ("print", "plot", "save", "wrdata", "write", "asciiplot")
_HARMLESS = (
    "set",
    "unset",
    "quit",
    "exit",
    "echo",
    "display",
    "listing",
    "setplot",
    "settype",
    "rusage",
    "option",
    "destroy",
    "version",
)
_KNOWN = ", ".join((*_ANALYSES, "run", *_REQUESTS, *_HARMLESS[:7]))


@dataclass
class Control:
    """What a block asks for.

    Attributes
    ----------
    analyses : list of AnalysisCard or None
        In order; None stands for ``run``, the analyses of the cards.
    requests : list of str
        The lines that print or save.
    """

    analyses: list[AnalysisCard | None] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def read(self, text: str, origin: int) -> None:
        """Take in one line of the block.

        Raises
        ------
        CardError
            It is no plain command.
        """
        word = text.split(None, 1)[0]
        if word in _ANALYSES:
            self.analyses.append(analysis_card(text, origin))
        elif word == "run":
            self.analyses.append(None)
        elif word in _REQUESTS:
            self.requests.append(text)
        elif word not in _HARMLESS:
            raise CardError(f"the command '{clipped(word)}' in .control is not supported: use {_KNOWN}")

    def ordered(self, cards: list[AnalysisCard]) -> list[AnalysisCard]:
        """Return the block's analyses, then those of the cards unless ``run`` stands among the first."""
        made: list[AnalysisCard] = []
        for analysis in self.analyses:
            made += cards if analysis is None else [analysis]
        return made if None in self.analyses else made + cards
