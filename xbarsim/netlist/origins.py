"""Where things of a circuit stand: files and lines, in one number each."""

from __future__ import annotations

from dataclasses import dataclass, field

from xbarsim.netlist.refusals import NetlistError

_FILE_SHIFT = 32


@dataclass
class Places:
    """The files of a circuit; an origin is ``file index << 32 | line``.

    Attributes
    ----------
    files : list of str
        Those with cards.
    tables : list of str
        Those with points of waveforms, where nothing stands that has an origin.
    """

    files: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def add(self, file: str) -> int:
        """Return the origin of a new file's line 0."""
        self.files.append(file)
        return (len(self.files) - 1) << _FILE_SHIFT

    def error(self, message: str, origin: int, kind: type[NetlistError] = NetlistError) -> NetlistError:
        """Return the error that names ``origin``.

        Parameters
        ----------
        message : str
            What is wrong, and the way out.
        origin : int
            File and line in one number.
        kind : type of NetlistError
            What to return.
        """
        return kind(message, self.files[origin >> _FILE_SHIFT], origin & ((1 << _FILE_SHIFT) - 1))

    def where(self, origin: int) -> str:
        """Return ``file:line``."""
        return f"{self.files[origin >> _FILE_SHIFT]}:{origin & ((1 << _FILE_SHIFT) - 1)}"
